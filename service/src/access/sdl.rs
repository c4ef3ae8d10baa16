//! Rules and conditions written as a model writes them.

use entity::catalog::{Cardinality, Entity, Operations, Rule};
use entity::{Catalog, Claim, FieldType, Op, Operand, Predicate, Value};

/// A rule as it stands in a model.
#[must_use]
pub fn rule(catalog: &Catalog, entity: &Entity, rule: &Rule) -> String {
    let mut parts = vec![format!("to: [{}]", operations(rule.operations)), format!("role: {:?}", rule.role)];
    if rule.condition != Predicate::Always {
        parts.push(format!("where: {}", condition(catalog, entity, &rule.condition)));
    }
    if let Some(check) = &rule.check {
        parts.push(format!("check: {}", condition(catalog, entity, check)));
    }
    if let Some(via) = rule.via {
        parts.push(format!("via: {:?}", entity.relation(via).name));
    }
    if let Some(fields) = &rule.fields {
        let fields: Vec<String> = fields.iter().map(|field| format!("{field:?}")).collect();
        parts.push(format!("fields: [{}]", fields.join(", ")));
    }
    format!("@allow({})", parts.join(", "))
}

fn operations(operations: Operations) -> String {
    if operations == Operations::ALL {
        return "ALL".to_owned();
    }
    let all = [
        ("READ", operations.read),
        ("CREATE", operations.create),
        ("UPDATE", operations.update),
        ("DELETE", operations.delete),
    ];
    let named: Vec<&str> = all.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
    named.join(", ")
}

/// A condition on rows of an entity, as the filter grammar writes it.
#[must_use]
pub fn condition(catalog: &Catalog, entity: &Entity, predicate: &Predicate) -> String {
    let entries = Writer { catalog }.entries(entity, predicate);
    if entries.is_empty() {
        return "{}".to_owned();
    }
    let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{ {} }}", entries.join(", "))
}

struct Writer<'a> {
    catalog: &'a Catalog,
}

impl Writer<'_> {
    fn entries(&self, entity: &Entity, predicate: &Predicate) -> Vec<(String, String)> {
        let one = |key: &str, value: String| vec![(key.to_owned(), value)];
        match predicate {
            Predicate::Always => Vec::new(),
            Predicate::Never => one("or", "[]".to_owned()),
            Predicate::All(parts) => self.all(entity, parts),
            Predicate::Any(parts) => one("or", self.list(entity, parts)),
            Predicate::Not(inner) => self.not(entity, inner),
            Predicate::Untrue(inner) => one("not", condition(self.catalog, entity, inner)),
            Predicate::Where(_, inner) => self.entries(entity, inner),
            Predicate::Compare { field, op, value } => {
                let field = entity.field(*field);
                let value = operand(*op, field.ty, value);
                one(&field.name, format!("{{ {}: {value} }}", op.name()))
            }
            Predicate::CompareFields { field, op, other } => {
                let other = &entity.field(*other).name;
                one(&entity.field(*field).name, format!("{{ {}: {other} }}", op.name()))
            }
            Predicate::Exists { relation, that } => {
                let relation = entity.relation(*relation);
                let that = condition(self.catalog, self.catalog.target(relation), that);
                match relation.cardinality {
                    Cardinality::One => one(&relation.name, that),
                    Cardinality::Many => one(&relation.name, format!("{{ some: {that} }}")),
                }
            }
            Predicate::Count { relation, op, value, .. } => {
                let name = &entity.relation(*relation).name;
                let value = operand(*op, FieldType::Scalar(entity::Scalar::Int), value);
                one(&format!("{name}Count"), format!("{{ {}: {value} }}", op.name()))
            }
        }
    }

    /// Parts beside each other where no key is there twice; a list of them otherwise.
    fn all(&self, entity: &Entity, parts: &[Predicate]) -> Vec<(String, String)> {
        let entries: Vec<_> = parts.iter().flat_map(|part| self.entries(entity, part)).collect();
        let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        match keys.len() == entries.len() {
            true => entries,
            false => vec![("and".to_owned(), self.list(entity, parts))],
        }
    }

    fn list(&self, entity: &Entity, parts: &[Predicate]) -> String {
        let parts: Vec<String> = parts.iter().map(|part| condition(self.catalog, entity, part)).collect();
        format!("[{}]", parts.join(", "))
    }

    /// `none` and `every` are the opposites of what they are resolved to.
    fn not(&self, entity: &Entity, inner: &Predicate) -> Vec<(String, String)> {
        if let Predicate::Exists { relation, that } = inner
            && entity.relation(*relation).cardinality == Cardinality::Many
        {
            let relation = entity.relation(*relation);
            let (word, that) = match &**that {
                Predicate::Untrue(that) => ("every", that),
                _ => ("none", that),
            };
            let that = condition(self.catalog, self.catalog.target(relation), that);
            return vec![(relation.name.clone(), format!("{{ {word}: {that} }}"))];
        }
        vec![("not".to_owned(), condition(self.catalog, entity, inner))]
    }
}

fn operand(op: Op, ty: FieldType, operand: &Operand) -> String {
    match operand {
        Operand::Value(value) if op == Op::IsNull => value.to_json().to_string(),
        Operand::Value(value) => literal(ty, value),
        Operand::Claim(claim) => format!("\"${}\"", claim_name(claim)),
        Operand::Now(0) => "\"$now\"".to_owned(),
        Operand::Now(seconds) => format!("\"$now{}\"", duration(*seconds)),
        Operand::Param(param) => format!("${}", param.index),
    }
}

fn literal(ty: FieldType, value: &Value) -> String {
    match (value, ty) {
        (Value::List(items), ty) => {
            let items: Vec<String> = items.iter().map(|item| literal(ty, item)).collect();
            format!("[{}]", items.join(", "))
        }
        (Value::Text(name), FieldType::Enum(_)) => name.clone(),
        (value, ty) => value.to_json_of(ty).to_string(),
    }
}

/// The name of a claim without its dollar.
#[must_use]
pub fn claim_name(claim: &Claim) -> String {
    match claim {
        Claim::UserId => "user.id".to_owned(),
        Claim::UserEmail => "user.email".to_owned(),
        Claim::UserRoles => "user.roles".to_owned(),
        Claim::OrgId => "org.id".to_owned(),
        Claim::OrgRole => "org.role".to_owned(),
        Claim::KeyScopes => "key.scopes".to_owned(),
        Claim::Named(name) => format!("claims.{name}"),
    }
}

fn duration(seconds: i64) -> String {
    let units = [(604_800, 'w'), (86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds % size == 0).unwrap_or((1, 's'));
    format!("{:+}{unit}", seconds / size)
}

#[cfg(test)]
mod tests {
    use entity::model::{self, Source};

    use super::rule;

    #[test]
    fn a_rule_is_written_as_it_was() {
        let written = [
            r#"@allow(to: [ALL], role: "user", where: { author: { eq: "$user.id" } })"#,
            r#"@allow(to: [READ], role: "anyone", where: { state: { eq: OPEN }, price: { lte: "9.5" } })"#,
            r#"@allow(to: [READ], role: "plus", where: { or: [{ title: { isNull: true } }, { not: { tags: { has: "x" } } }] })"#,
            r#"@allow(to: [CREATE, UPDATE], role: "org:owner", where: { createdAt: { gt: "$now-30d" } }, check: { state: { in: [OPEN, DONE] } })"#,
            r#"@allow(to: [DELETE], role: "user", via: "list")"#,
            r#"@allow(to: [READ], role: "user", where: { list: { name: { eq: "a \"b\"" } } }, fields: ["title", "list"])"#,
            r#"@allow(to: [READ], role: "user", where: { parts: { some: { done: { eq: true } } } })"#,
            r#"@allow(to: [READ], role: "user", where: { parts: { none: { done: { eq: true } } } })"#,
            r#"@allow(to: [READ], role: "user", where: { parts: { every: { done: { eq: true } } }, partsCount: { gt: 2 } })"#,
            r#"@allow(to: [READ], role: "user", where: { and: [{ price: { gt: "1" } }, { price: { lt: "2" } }] })"#,
            r#"@allow(to: [READ], role: "user", where: { title: { eq: "$claims.plan" } })"#,
        ];
        let text = format!(
            "enum State {{ OPEN DONE }}\n\
             type List @model @allow(to: [UPDATE], role: \"anyone\") {{ name: String! tasks: [Task!]! }}\n\
             type Part @model {{ done: Boolean! task: Task! }}\n\
             type Task @model {} {{ title: String state: State! price: Decimal! tags: [String!]! author: User! list: List! parts: [Part!]! }}",
            written.join("\n")
        );
        let compiled = model::compile(&[Source::new("m", text)]).unwrap_or_else(|found| panic!("{found}"));
        let task = compiled.catalog.entity_named("Task").unwrap();
        let found: Vec<String> =
            task.access.rules.iter().map(|one| rule(&compiled.catalog, task, one)).collect();
        assert_eq!(found, written);
    }
}
