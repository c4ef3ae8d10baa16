//! `@allow` against the structure.

use super::cycle::cyclic;
use super::diagnostic::{Code, Report};
use super::directive::Allow;
use super::draft::{Draft, TypeDraft};
use super::layout::Layout;
use super::scene::Scene;
use super::source::Word;
use crate::catalog::{Access, Cardinality, Catalog, Entity, Join, Operation, Operations, Rule};
use crate::id::{EntityId, RelationId};
use crate::predicate::{Op, Predicate};
use crate::scalar::{FieldType, Scalar};
use crate::value::excerpt;

/// The roles that mean something by themselves.
const ROLES: [&str; 4] = ["anyone", "user", "service", "admin"];

/// Characters of a role.
const MOST_ROLE: usize = 60;

/// The rules of an entity.
pub(super) fn access(scene: &Scene<'_>, entity: &Entity, ty: &TypeDraft, report: &mut Report) -> Access {
    let rules: Vec<Rule> =
        ty.directives.allows.iter().filter_map(|allow| rule(scene, entity, allow, true, report)).collect();
    if ty.directives.allows.is_empty() {
        let message = format!("{} is closed to everyone but admin: it has no @allow", ty.name.text);
        let hint = "to let everybody read it, write `@allow(to: [READ], role: \"anyone\")`".to_owned();
        report.warn(Code::Closed, Some(ty.name.span), message, hint);
    }
    let mut access = Access { rules, ..Access::default() };
    for field in &ty.fields {
        if field.directives.computed.is_some() {
            for allow in &field.directives.allows {
                rule(scene, entity, allow, false, report);
            }
            continue;
        }
        let rules: Vec<Rule> = field
            .directives
            .allows
            .iter()
            .filter_map(|allow| rule(scene, entity, allow, false, report))
            .collect();
        if !rules.is_empty() {
            access.fields.insert(field.name.text.clone(), rules);
        }
    }
    access
}

fn rule(
    scene: &Scene<'_>,
    entity: &Entity,
    allow: &Allow,
    on_type: bool,
    report: &mut Report,
) -> Option<Rule> {
    let before = report.errors();
    let role = role(allow, report);
    let writes = allow.operations.create || allow.operations.update;
    if let (Some(check), false) = (&allow.check, writes) {
        let message = "`check` is how a row must look after CREATE or UPDATE, and the rule opens neither";
        report.error(Code::BadRule, scene.map.of(check), message, "write `where`".to_owned());
    }
    if !on_type {
        narrow(allow, report);
    }
    let resolved = |literal: &Option<super::directive::Literal>, report: &mut Report| {
        let literal = literal.as_ref()?;
        scene.condition(entity, literal, report)
    };
    let condition = resolved(&allow.condition, report);
    let check = resolved(&allow.check, report);
    let via = allow.via.as_ref().filter(|_| on_type).and_then(|word| via(scene, entity, word, report));
    let fields =
        allow.fields.as_ref().filter(|_| on_type).map(|words| fields(scene, entity, allow, words, report));
    if let (true, Some(Predicate::Never)) = (on_type, &condition) {
        report.warn(Code::DeadRule, Some(allow.span), "the condition of this rule never holds", None);
    }
    // A rule that failed must not be taken for one that is open.
    (report.errors() == before && !allow.broken).then(|| Rule {
        operations: allow.operations,
        role,
        members: entity.tenant.is_some(),
        condition: condition.unwrap_or(Predicate::Always),
        check,
        via,
        fields,
    })
}

fn role(allow: &Allow, report: &mut Report) -> String {
    let Some(word) = &allow.role else {
        return "user".to_owned();
    };
    let role = word.text.as_str();
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    if role.is_empty() || role.len() > MOST_ROLE || !role.chars().all(fine) {
        let message = format!("`{}` can't be a role", excerpt(role));
        let hint = format!("a role has 1 to {MOST_ROLE} letters, digits, `_`, `-`, `.` or `:`");
        report.error(Code::BadRule, word.span, message, hint);
    } else if let Some(known) = ROLES.iter().find(|known| **known != role && known.eq_ignore_ascii_case(role))
    {
        let message = format!("the role `{role}` is not the built-in role `{known}`");
        report.warn(Code::DeadRule, Some(word.span), message, format!("write \"{known}\""));
    }
    role.to_owned()
}

/// What a rule on a field can't say.
fn narrow(allow: &Allow, report: &mut Report) {
    if let Some(via) = &allow.via {
        let hint = "a rule on a field narrows what the type's rules open; write `where`".to_owned();
        report.error(Code::BadRule, via.span, "`via` belongs on the type", hint);
    }
    if let Some(word) = allow.fields.as_ref().and_then(|words| words.first()) {
        report.error(
            Code::BadRule,
            word.span,
            "`fields` belongs on the type",
            "this rule is about this field".to_owned(),
        );
    }
    let only_delete = allow.operations.delete && !allow.operations.read;
    if only_delete {
        let hint = "DELETE is about rows: write it on the type".to_owned();
        report.error(Code::BadRule, allow.to, "a field can't be deleted", hint);
    }
}

fn via(scene: &Scene<'_>, entity: &Entity, word: &Word, report: &mut Report) -> Option<RelationId> {
    let one = |relation: &&crate::catalog::Relation| relation.cardinality == Cardinality::One;
    let found = entity.relations.iter().find(|relation| relation.name == word.text);
    match found {
        Some(relation) if relation.cardinality == Cardinality::One => Some(relation.id),
        Some(relation) => {
            let message = format!("`via` names one row, and `{}` is a list", relation.name);
            let hint = format!("write `where: {{ {}: {{ some: {{ … }} }} }}`", relation.name);
            report.error(Code::BadRule, word.span, message, hint);
            None
        }
        None => {
            if !scene.layout.broken.contains(&word.text) {
                let message = format!("{} has no to-one relation `{}`", entity.name, excerpt(&word.text));
                let names = entity.relations.iter().filter(one).map(|relation| relation.name.as_str());
                report.error(Code::UnknownField, word.span, message, report.suggest(&word.text, names));
            }
            None
        }
    }
}

fn fields(
    scene: &Scene<'_>,
    entity: &Entity,
    allow: &Allow,
    words: &[Word],
    report: &mut Report,
) -> Vec<String> {
    if words.is_empty() {
        report.error(
            Code::BadRule,
            allow.span,
            "`fields` is empty: the rule grants nothing",
            "leave it out to grant all".to_owned(),
        );
    }
    for (index, word) in words.iter().enumerate() {
        if entity.member(&word.text).is_none() && !scene.layout.computed.contains(&word.text) {
            scene.unknown(entity, word, &word.text, report);
        }
        if index < 500 && words.iter().take(index).any(|other| other.text == word.text) {
            report.error(Code::BadRule, word.span, format!("`{}` is named twice", word.text), None);
        }
    }
    words.iter().map(|word| word.text.clone()).collect()
}

/// A rule that leans on the rules of another entity.
struct Leaning<'a> {
    from: usize,
    to: usize,
    via: &'a Word,
    entity: &'a Entity,
    target: EntityId,
}

/// Every operation of every entity is a node.
fn node(entity: EntityId, operation: Operation) -> usize {
    let offset = match operation {
        Operation::Read => 0,
        Operation::Create => 1,
        Operation::Update => 2,
        Operation::Delete => 3,
    };
    entity.index() * 4 + offset
}

fn leaning<'a>(draft: &'a Draft, layout: &Layout, entities: &'a [Entity]) -> Vec<Leaning<'a>> {
    let mut all = Vec::new();
    for entity in entities {
        let Some(ty) = layout.declaration(draft, entity.id) else { continue };
        for allow in &ty.directives.allows {
            let Some(via) = allow.via.as_ref().filter(|_| !allow.broken) else { continue };
            let wanted =
                |it: &&crate::catalog::Relation| it.name == via.text && it.cardinality == Cardinality::One;
            let Some(target) = entity.relations.iter().find(wanted).map(|relation| relation.target) else {
                continue;
            };
            for operation in [Operation::Read, Operation::Create, Operation::Update, Operation::Delete] {
                if allow.operations.has(operation) {
                    let needed =
                        if operation == Operation::Read { Operation::Read } else { Operation::Update };
                    let (from, to) = (node(entity.id, operation), node(target, needed));
                    all.push(Leaning { from, to, via, entity, target });
                }
            }
        }
    }
    all
}

/// Rules that lean on each other in a circle.
pub(super) fn cycles(draft: &Draft, layout: &Layout, entities: &[Entity], report: &mut Report) {
    let all = leaning(draft, layout, entities);
    let edges: Vec<(usize, usize)> = all.iter().map(|leaning| (leaning.from, leaning.to)).collect();
    let on_cycle = cyclic(entities.len() * 4, &edges);
    let mut told = std::collections::HashSet::new();
    for Leaning { from, to, via, entity, target } in all {
        let circular = [from, to].iter().all(|node| on_cycle.get(*node).copied().unwrap_or(false));
        if !circular || !told.insert(via.span) {
            continue;
        }
        let name = &entity.name;
        let message = if target == entity.id {
            format!("rules in a circle: a row of {name} would be as open as another row of {name}")
        } else {
            let target = &entities[target.index()].name;
            format!("rules in a circle: {name} depends on {target}, which leads back to {name}")
        };
        report.error(
            Code::BadRule,
            via.span,
            message,
            "let one of them say `where` instead of `via`".to_owned(),
        );
    }
}

/// Warns of rules that make the database read the whole table.
pub(super) fn unindexed(draft: &Draft, layout: &Layout, catalog: &Catalog, report: &mut Report) {
    for entity in &catalog.entities {
        let Some(ty) = layout.declaration(draft, entity.id) else { continue };
        if entity.access.rules.len() != ty.directives.allows.len() {
            continue;
        }
        for (rule, allow) in entity.access.rules.iter().zip(&ty.directives.allows) {
            let what = match rule.operations {
                Operations { read: true, .. } => "every list",
                Operations { update: true, .. } | Operations { delete: true, .. } => {
                    "every change of several rows"
                }
                Operations { .. } => continue,
            };
            // Rows of an organization are found by its key.
            if entity.tenant.is_some() || searchable(entity, &rule.condition) {
                continue;
            }
            let field = first_field(entity, &rule.condition);
            let message =
                format!("this rule of {} can't use an index: {what} reads the whole table", entity.name);
            let hint = field.map(|name| {
                format!(
                    "add `@index` to `{name}`, or let the rule compare an indexed field with `eq` or `in`"
                )
            });
            report.warn(Code::UnindexedRule, Some(allow.span), message, hint);
        }
    }
}

/// Whether an index finds the rows, or the condition is one no index helps with (yes or no, one of a few).
fn searchable(entity: &Entity, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Always | Predicate::Never => true,
        Predicate::All(parts) => parts.iter().any(|part| searchable(entity, part)),
        Predicate::Any(parts) => parts.iter().all(|part| searchable(entity, part)),
        Predicate::Where(_, inner) => searchable(entity, inner),
        Predicate::Not(inner) | Predicate::Untrue(inner) => {
            matches!(**inner, Predicate::Exists { .. }) || few(entity, inner)
        }
        Predicate::Exists { .. } => true,
        Predicate::Count { .. } | Predicate::CompareFields { .. } => false,
        Predicate::Compare { field, op, .. } => {
            let ranged = matches!(
                op,
                Op::Eq
                    | Op::In
                    | Op::Gt
                    | Op::Gte
                    | Op::Lt
                    | Op::Lte
                    | Op::Between
                    | Op::IsNull
                    | Op::StartsWith
                    | Op::Has
                    | Op::HasAny
                    | Op::HasAll
            );
            few(entity, predicate) || (ranged && (*field == Entity::KEY || indexed(entity, *field)))
        }
    }
}

fn indexed(entity: &Entity, field: crate::id::FieldId) -> bool {
    entity.indexes.iter().any(|index| index.fields.first().is_some_and(|(first, _)| *first == field))
        || entity.uniques.iter().any(|unique| unique.fields.first() == Some(&field))
        || entity.relations.iter().any(|relation| relation.join == Join::Outgoing { field })
}

fn few(entity: &Entity, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Compare { field, .. } => {
            matches!(entity.field(*field).ty, FieldType::Scalar(Scalar::Boolean) | FieldType::Enum(_))
        }
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().all(|part| few(entity, part)),
        Predicate::Not(inner) | Predicate::Untrue(inner) => few(entity, inner),
        Predicate::Always
        | Predicate::Never
        | Predicate::Where(..)
        | Predicate::CompareFields { .. }
        | Predicate::Exists { .. }
        | Predicate::Count { .. } => false,
    }
}

fn first_field<'e>(entity: &'e Entity, predicate: &Predicate) -> Option<&'e str> {
    match predicate {
        Predicate::Compare { field, .. } => Some(entity.field(*field).name.as_str()),
        Predicate::All(parts) | Predicate::Any(parts) => {
            parts.iter().find_map(|part| first_field(entity, part))
        }
        Predicate::Not(inner) | Predicate::Untrue(inner) | Predicate::Where(_, inner) => {
            first_field(entity, inner)
        }
        Predicate::Always
        | Predicate::Never
        | Predicate::CompareFields { .. }
        | Predicate::Exists { .. }
        | Predicate::Count { .. } => None,
    }
}
