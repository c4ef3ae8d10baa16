//! The text of a model.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::model::{FIRST, Model, Rule, Shape, Ty, Type, accounts};

impl Model {
    /// The model's text.
    pub(crate) fn sdl(&self) -> String {
        let mut text = String::new();
        let standard = accounts();
        for (index, ty) in self.types.iter().enumerate() {
            if index >= FIRST {
                let key = ["", "id: SERIAL", "id: CLIENT"][ty.key as usize];
                let soft = if ty.soft { "softDelete: true" } else { "" };
                let arguments = [key, soft].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
                let _ = write!(text, "type {} @model", ty.name);
                if !arguments.is_empty() {
                    let _ = write!(text, "({})", arguments.join(", "));
                }
                text.push_str(if ty.tenant { " @tenant" } else { "" });
                for rule in &ty.rules {
                    let _ = write!(text, "\n  {}", allow(rule));
                }
                self.body(&mut text, ty, 0, 0);
                continue;
            }
            // What the model adds to the server's own types.
            let (rules, links) = (standard[index].rules.len(), standard[index].links.len());
            if ty.rules.len() == rules && ty.links.len() == links {
                continue;
            }
            let _ = write!(text, "extend type {}", ty.name);
            for rule in &ty.rules[rules..] {
                let _ = write!(text, "\n  {}", allow(rule));
            }
            if ty.links.len() > links {
                self.body(&mut text, ty, ty.fields.len(), links);
            } else {
                text.push('\n');
            }
        }
        text
    }

    fn body(&self, text: &mut String, ty: &Type, fields: usize, links: usize) {
        text.push_str(" {\n");
        for field in ty.fields.iter().skip(fields).filter(|field| !["id", "version"].contains(&&*field.name))
        {
            let name = match field.ty {
                Ty::Int => "Int",
                Ty::Flag => "Boolean",
                Ty::Texts => "[String!]",
                Ty::Text | Ty::Id(_) | Ty::Count => "String",
            };
            let _ = write!(text, "  {}: {name}{}", field.name, if field.required { "!" } else { "" });
            if field.unique {
                text.push_str(" @unique");
            }
            rules(text, &field.rules);
        }
        for link in ty.links.iter().skip(links) {
            // @tenant adds it.
            if ty.tenant && link.name == "organization" {
                continue;
            }
            let target = &self.types[link.target].name;
            let mut arguments = Vec::new();
            let written = match &link.shape {
                Shape::One(on_delete) => {
                    let name = ["RESTRICT", "CASCADE", "SET_NULL"][*on_delete as usize];
                    arguments.push(format!("onDelete: {name}"));
                    format!("{target}{}", if link.required { "!" } else { "" })
                }
                Shape::Back(_) | Shape::Pairs(..) => format!("[{target}!]!"),
            };
            if let Some(inverse) = &link.inverse {
                arguments.push(format!("inverse: \"{inverse}\""));
            }
            let _ = write!(text, "  {}: {written} @relation({})", link.name, arguments.join(", "));
            rules(text, &link.rules);
        }
        text.push_str("}\n");
    }
}

fn rules(text: &mut String, rules: &[Rule]) {
    for rule in rules {
        let _ = write!(text, " {}", allow(rule));
    }
    text.push('\n');
}

fn allow(rule: &Rule) -> String {
    let to: Vec<String> = rule.to.iter().map(|to| format!("{to:?}").to_uppercase()).collect();
    let mut text = format!("@allow(to: [{}], role: {:?}", to.join(", "), rule.role);
    for (name, condition) in [("where", &rule.condition), ("check", &rule.check)] {
        if let Some(condition) = condition {
            let _ = write!(text, ", {name}: {}", literal(condition));
        }
    }
    if let Some(via) = &rule.via {
        let _ = write!(text, ", via: {via:?}");
    }
    if let Some(fields) = &rule.fields {
        let _ = write!(text, ", fields: {fields:?}");
    }
    text + ")"
}

/// JSON as GraphQL writes it.
fn literal(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", literal(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
