//! Which rule decided, in words and as JSON: what `launchway can` and `launchway test` tell.

use entity::catalog::Entity;
use entity::model::RulePlaces;
use entity::{Input, Predicate};
use serde_json::{Value as Json, json};
use service::access::explain::{Explanation, Finding, MemberFinding, Outcome, explain, field_rules, member};
use service::access::sdl;
use service::{Context, Service};

use super::Stop;
use super::aim::{Aim, verb};

/// Conditions that are looked at on one row.
const CONDITIONS: usize = 150;

/// An answer with its reasons.
#[derive(Debug)]
pub(super) struct Why {
    /// Whether it may be done.
    pub(super) yes: bool,
    /// What restricts or decides the answer.
    pub(super) head: Option<String>,
    /// Each rule: where it is, what it says, what it comes to.
    pub(super) rules: Vec<Told>,
    /// What is not granted of a row.
    pub(super) members: Vec<MemberFinding>,
}

/// What one rule comes to.
#[derive(Debug)]
pub(super) struct Told {
    place: Option<String>,
    text: String,
    opens: bool,
    why: String,
}

/// Whether a principal may do something by the rules, on a row of the database where one is named.
pub(super) async fn why(
    service: Option<&Service>,
    context: &Context,
    places: &RulePlaces,
    aim: &Aim,
) -> Result<Why, Stop> {
    let entity = context.catalog.entity(aim.entity);
    let explanation = explain(context, entity, aim.operation);
    let wanted = aim.member.as_deref();
    let narrowed = wanted.and_then(|name| member(context, entity, name, aim.operation));
    let on_row = match (&aim.row, service) {
        (Some(row), Some(service)) => {
            let conditions = conditions(&explanation, narrowed.as_ref());
            let id = Input::String(row.clone());
            let holds = service.engine().holds(context, aim.entity, &id, &conditions).await?;
            let missing = || Stop::refused(format!("there is no {} with the id `{row}`", entity.name));
            Some(OnRow { holds: holds.ok_or_else(missing)? })
        }
        _ => None,
    };
    let mut why = judge(context, entity, places, aim, &explanation, on_row.as_ref());
    if let Some(name) = wanted {
        narrow(&mut why, context, entity, places, aim, name, narrowed, on_row.as_ref());
    }
    Ok(why)
}

/// What holds on the row: the whole condition, that of the member, then of each rule its own and that of `via`.
struct OnRow {
    holds: Vec<bool>,
}

impl OnRow {
    fn at(&self, index: usize) -> bool {
        self.holds.get(index).copied().unwrap_or(false)
    }

    fn rule(&self, index: usize) -> (bool, bool) {
        (self.at(2 + 2 * index), self.at(3 + 2 * index))
    }
}

fn conditions(explanation: &Explanation, narrowed: Option<&MemberFinding>) -> Vec<Predicate> {
    let mut all = vec![explanation.condition.clone()];
    all.push(narrowed.map_or(Predicate::Always, |member| member.condition.clone()));
    for rule in &explanation.rules {
        all.push(rule.condition.clone());
        all.push(rule.via.as_ref().map_or(Predicate::Always, |(_, via)| via.clone()));
    }
    all.truncate(CONDITIONS);
    all
}

fn judge(
    context: &Context,
    entity: &Entity,
    places: &RulePlaces,
    aim: &Aim,
    explanation: &Explanation,
    on_row: Option<&OnRow>,
) -> Why {
    let yes = explanation.open && on_row.is_none_or(|row| row.at(0));
    let head = match (&explanation.overall, on_row) {
        (Some(overall), _) => Some(overall.clone()),
        (None, None) if yes && explanation.condition != Predicate::Always => {
            let word =
                if aim.operation == entity::catalog::Operation::Create { "that look like" } else { "where" };
            Some(format!("rows {word} {}", sdl::condition(&context.catalog, entity, &explanation.condition)))
        }
        _ => None,
    };
    let rules = explanation.rules.iter().enumerate().map(|(index, rule)| {
        let place = places.on_type(&entity.name, rule.position).map(place);
        tell(context, entity, rule, place, on_row.map(|row| row.rule(index)))
    });
    Why { yes, head, rules: rules.collect(), members: explanation.members.clone() }
}

fn place(place: &entity::model::Place) -> String {
    format!("{}:{}", place.file, place.line)
}

fn tell(
    context: &Context,
    entity: &Entity,
    rule: &Finding,
    place: Option<String>,
    on_row: Option<(bool, bool)>,
) -> Told {
    let told = |opens: bool, why: String| Told { place, text: rule.text.clone(), opens, why };
    let of_via = |name: &str, via: &Predicate| {
        format!(
            "`{name}` leads to no row the caller may open: {}",
            sdl::condition(&context.catalog, entity, via)
        )
    };
    match (&rule.outcome, on_row) {
        (Outcome::Never(why), _) => told(false, why.clone()),
        (Outcome::Always, _) if entity.tenant.is_some() && !context.principal.is_admin() => {
            told(true, "it opens every row of the organization acted for".to_owned())
        }
        (Outcome::Always, _) => told(true, "it opens every row".to_owned()),
        (Outcome::Rows, None) => {
            let condition = sdl::condition(&context.catalog, entity, &rule.predicate());
            told(true, format!("it opens rows where {condition}"))
        }
        (Outcome::Rows, Some((true, true))) => told(true, "it opens this row".to_owned()),
        (Outcome::Rows, Some((false, _))) => {
            let condition = sdl::condition(&context.catalog, entity, &rule.condition);
            told(false, format!("this row is not one where {condition}"))
        }
        (Outcome::Rows, Some((true, false))) => {
            let why = rule.via.as_ref().map(|(name, via)| of_via(name, via)).unwrap_or_default();
            told(false, why)
        }
    }
}

/// The answer about a field of a row that is open.
#[allow(clippy::too_many_arguments, reason = "each is one part of what is known")]
fn narrow(
    why: &mut Why,
    context: &Context,
    entity: &Entity,
    places: &RulePlaces,
    aim: &Aim,
    name: &str,
    narrowed: Option<MemberFinding>,
    on_row: Option<&OnRow>,
) {
    for rule in field_rules(context, entity, name, aim.operation) {
        let place = places.on_field(&entity.name, name, rule.position).map(place);
        why.rules.push(tell(context, entity, &rule, place, None));
    }
    why.members.clear();
    let Some(member) = narrowed else { return };
    let shown = member.open && on_row.is_none_or(|row| row.at(1));
    why.yes &= shown;
    if why.head.is_none() || !shown {
        why.head = Some(format!("`{name}`: {}", member.why));
    }
}

impl Why {
    /// The reasons as lines, indented; with what of a row is not granted, where that is wanted.
    pub(super) fn lines(&self, members: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for rule in &self.rules {
            let place = rule.place.as_deref().unwrap_or("built in");
            lines.push(format!("  {place}: {}", rule.text));
            lines.push(format!("      {} {}", if rule.opens { "yes:" } else { "no:" }, rule.why));
        }
        for member in self.members.iter().filter(|_| members) {
            let word = if member.open { "granted in part" } else { "not granted" };
            lines.push(format!("  {word}: {} ({})", member.name, member.why));
        }
        lines
    }

    /// The reasons for programs.
    pub(super) fn to_json(&self) -> Json {
        let rules = self.rules.iter().map(
            |rule| json!({ "place": rule.place, "rule": rule.text, "opens": rule.opens, "why": rule.why }),
        );
        let members = self
            .members
            .iter()
            .map(|member| json!({ "name": member.name, "partly": member.open, "why": member.why }));
        json!({
            "yes": self.yes, "why": self.head, "rules": rules.collect::<Vec<_>>(),
            "notGranted": members.collect::<Vec<_>>(),
        })
    }
}

/// What was asked, as a sentence.
pub(super) fn sentence(who: &str, entity: &Entity, aim: &Aim, yes: bool) -> String {
    let row = aim.row.as_ref().map(|row| format!("/{row}")).unwrap_or_default();
    let member = aim.member.as_ref().map(|member| format!(".{member}")).unwrap_or_default();
    let may = if yes { "may" } else { "may not" };
    format!("{who} {may} {} {}{row}{member}", verb(aim.operation), entity.name)
}
