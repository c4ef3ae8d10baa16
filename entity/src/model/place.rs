//! Where the rules of a model are written, for those who ask which rule decided.

use std::collections::HashMap;

use super::diagnostic::{Place, Report};
use super::directive::Allow;
use super::source::Source;
use super::{account, draft, parse};

/// The places of every `@allow` of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulePlaces {
    types: HashMap<String, Vec<Option<Place>>>,
    fields: HashMap<(String, String), Vec<Option<Place>>>,
}

impl RulePlaces {
    /// Where a rule on a type is written, by its position among the type's rules; none for the server's own.
    #[must_use]
    pub fn on_type(&self, ty: &str, rule: usize) -> Option<&Place> {
        self.types.get(ty)?.get(rule)?.as_ref()
    }

    /// Where a rule on a field is written, by its position among the field's rules; none for the server's own.
    #[must_use]
    pub fn on_field(&self, ty: &str, field: &str, rule: usize) -> Option<&Place> {
        self.fields.get(&(ty.to_owned(), field.to_owned()))?.get(rule)?.as_ref()
    }
}

/// The places of the rules of a model that compiles; nothing of one that can't be read.
#[must_use]
pub fn rule_places(sources: &[Source]) -> RulePlaces {
    let sources = account::beside(sources);
    let mut report = Report::default();
    let Some(parsed) = parse::parse(&sources, &mut report) else { return RulePlaces::default() };
    let map = parsed.map;
    let Some(draft) = draft::collect(&parsed.documents, &map, &mut report) else {
        return RulePlaces::default();
    };
    let place = |allow: &Allow| {
        let span = allow.span;
        let source = sources.get(span.source).filter(|_| !map.is_own(span))?;
        let (line, column) = map.lines.position(&sources, span);
        let file = source.name.clone();
        Some(Place { file, source: span.source, line, column, start: span.start, end: span.end })
    };
    let mut places = RulePlaces::default();
    for ty in &draft.types {
        let name = &ty.name.text;
        places.types.insert(name.clone(), ty.directives.allows.iter().map(place).collect());
        for field in &ty.fields {
            let rules: Vec<_> = field.directives.allows.iter().map(place).collect();
            if !rules.is_empty() {
                places.fields.insert((name.clone(), field.name.text.clone()), rules);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::{Source, rule_places};

    #[test]
    fn a_rule_is_found_where_it_is_written() {
        let text = "type Note @model\n  @allow(to: [READ], role: \"anyone\")\n  @allow(to: [ALL], role: \"user\") {\n  text: String! @allow(to: [READ], role: \"editor\")\n}\n";
        let more = "extend type User @allow(to: [READ], role: \"anyone\", fields: [\"name\"])";
        let places = rule_places(&[Source::new("a.graphql", text), Source::new("b.graphql", more)]);
        let told = |place: Option<&super::Place>| place.map(ToString::to_string);
        assert_eq!(told(places.on_type("Note", 0)).as_deref(), Some("a.graphql:2:3"));
        assert_eq!(told(places.on_type("Note", 1)).as_deref(), Some("a.graphql:3:3"));
        assert_eq!(told(places.on_type("Note", 2)), None);
        assert_eq!(told(places.on_field("Note", "text", 0)).as_deref(), Some("a.graphql:4:17"));
        // Those of the server come first, and are in no file of the model.
        assert_eq!(told(places.on_type("User", 0)), None);
        assert_eq!(told(places.on_type("User", 3)).as_deref(), Some("b.graphql:1:18"));
    }

    #[test]
    fn a_model_that_can_not_be_read_has_no_places() {
        let _ = rule_places(&[Source::new("a.graphql", "type {{{ @allow(")]);
        assert_eq!(rule_places(&[]).on_type("Note", 0), None);
    }
}
