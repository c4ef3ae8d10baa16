//! Both sides of each relation: which list belongs to which key, and what is many-to-many.

use std::collections::HashMap;

use super::diagnostic::{Code, Report};
use super::draft::{Draft, FieldDraft};
use super::layout::{Layout, Shape};
use super::source::Word;
use crate::catalog::{Cardinality, Entity, Join, JoinTable, OnDelete, Relation};
use crate::id::{EntityId, RelationId};
use crate::name::{identifier, snake};

/// One side: an entity and a relation of it.
type Side = (usize, usize);

struct Linker<'a> {
    draft: &'a Draft,
    layout: &'a Layout,
    entities: &'a mut Vec<Entity>,
    pairs: HashMap<Side, Side>,
    /// Sides that are reported already, or joined through a type of the model.
    settled: std::collections::HashSet<Side>,
    join_tables: Vec<JoinTable>,
}

/// Joins both sides of all relations; gives the join tables of those that need one.
pub(super) fn link(
    draft: &Draft,
    layout: &Layout,
    entities: &mut Vec<Entity>,
    report: &mut Report,
) -> Vec<JoinTable> {
    let mut linker = Linker {
        draft,
        layout,
        entities,
        pairs: HashMap::new(),
        settled: std::collections::HashSet::new(),
        join_tables: Vec::new(),
    };
    linker.actions(report);
    linker.through(report);
    linker.explicit(report);
    linker.by_type(report);
    linker.join();
    linker.join_tables
}

impl Linker<'_> {
    fn sides(&self) -> Vec<Side> {
        let count = |(index, entity): (usize, &Entity)| {
            (0..entity.relations.len()).map(move |relation| (index, relation)).collect::<Vec<_>>()
        };
        self.entities.iter().enumerate().flat_map(count).collect()
    }

    fn relation(&self, (entity, relation): Side) -> &Relation {
        &self.entities[entity].relations[relation]
    }

    fn owner(&self, side: Side) -> &str {
        &self.entities[side.0].name
    }

    fn label(&self, side: Side) -> String {
        format!("{}.{}", self.owner(side), self.relation(side).name)
    }

    fn target(&self, side: Side) -> usize {
        self.relation(side).target.index()
    }

    fn is_list(&self, side: Side) -> bool {
        self.relation(side).cardinality == Cardinality::Many
    }

    fn declared(&self, side: Side) -> Option<&FieldDraft> {
        let name = &self.relation(side).name;
        let entity = EntityId::from(side.0);
        self.layout.fields(self.draft, entity).map(|(field, _)| field).find(|field| field.name.text == *name)
    }

    fn side_named(&self, entity: usize, name: &str) -> Option<Side> {
        let found = self.entities.get(entity)?.relations.iter().find(|relation| relation.name == name)?;
        Some((entity, found.id.index()))
    }

    /// `onDelete` and misplaced arguments.
    fn actions(&self, report: &mut Report) {
        for (index, _) in self.entities.iter().enumerate() {
            for (field, shape) in self.layout.fields(self.draft, EntityId::from(index)) {
                let Some(directive) = &field.directives.relation else { continue };
                let owner = &self.entities[index].name;
                match shape {
                    Shape::Value(_) | Shape::Computed(_) => {
                        let message = format!(
                            "`{owner}.{}` is no relation: {} is no @model type",
                            field.name.text, field.ty.text
                        );
                        report.error(
                            Code::MisplacedDirective,
                            directive.span,
                            message,
                            "remove @relation".to_owned(),
                        );
                    }
                    Shape::ToOne(_) => {
                        if let (Some((OnDelete::SetNull, span)), true) = (directive.on_delete, field.required)
                        {
                            let message =
                                format!("`{owner}.{}` is required and can't become null", field.name.text);
                            let hint =
                                format!("write `{}` without `!`, or use RESTRICT or CASCADE", field.ty.text);
                            report.error(Code::BadRelation, span, message, hint);
                        }
                        if let Some(through) = &directive.through {
                            let message = "`through` is for lists; this relation keeps a key itself";
                            report.error(
                                Code::BadRelation,
                                through.span,
                                message,
                                "remove `through`".to_owned(),
                            );
                        }
                    }
                    Shape::ToMany(_) => {
                        if let Some((_, span)) = directive.on_delete {
                            let message =
                                "`onDelete` belongs on the side that keeps the key, not on the list";
                            let hint =
                                format!("write it on the field of {} that refers to {owner}", field.ty.text);
                            report.error(Code::BadRelation, span, message, hint);
                        }
                    }
                    Shape::Broken => {}
                }
            }
        }
    }

    /// Lists joined through a type that the model declares.
    fn through(&mut self, report: &mut Report) {
        for side in self.sides() {
            let Some(field) = self.declared(side) else { continue };
            let Some(directive) = &field.directives.relation else { continue };
            let (Some(through), true) = (directive.through.clone(), self.is_list(side)) else { continue };
            let inverse = directive.inverse.clone();
            self.settled.insert(side);
            if let Some((middle, near, far)) = self.middle(side, &through, inverse.as_ref(), report) {
                let entity = &self.entities[middle];
                let key = |relation: usize| match entity.relations[relation].join {
                    Join::Outgoing { field } => entity.field(field).column.clone(),
                    Join::Incoming { .. } | Join::Through { .. } => String::new(),
                };
                let join = Join::Through {
                    table: entity.table.clone(),
                    near: key(near),
                    far: key(far),
                    entity: Some(EntityId::from(middle)),
                };
                self.entities[side.0].relations[side.1].join = join;
            }
        }
        self.mirror();
    }

    /// The join type, its relation to this side's rows, and the one to the other rows.
    fn middle(
        &self,
        side: Side,
        through: &Word,
        inverse: Option<&Word>,
        report: &mut Report,
    ) -> Option<(usize, usize, usize)> {
        let Some(middle) = self.layout.entity_named(&through.text).map(EntityId::index) else {
            let hint = report.suggest(&through.text, self.entities.iter().map(|entity| entity.name.as_str()));
            let message = format!("there is no @model type `{}`", through.text);
            report.error(Code::UnknownType, through.span, message, hint);
            return None;
        };
        let (near, far) = (self.keys(middle, side.0), self.keys(middle, self.target(side)));
        for (found, to) in [(&near, side.0), (&far, self.target(side))] {
            if found.is_empty() {
                let (to, label) = (&self.entities[to].name, self.label(side));
                let message = format!("{} can't join `{label}`: it has no relation to {to}", through.text);
                let hint = format!("add a field of type {to}! to {}", through.text);
                report.error(Code::BadRelation, through.span, message, hint);
                return None;
            }
        }
        let near = self.near(side, (middle, &near), (through, inverse), report)?;
        let others: Vec<usize> = far.into_iter().filter(|far| *far != near).collect();
        if let [far] = others.as_slice() {
            return Some((middle, near, *far));
        }
        let (joins, target) = (&through.text, &self.entities[self.target(side)].name);
        let message = format!("{joins} does not say which of its relations leads to the other {target}");
        let hint = format!(
            "a join type has exactly one more relation to {target}; else declare a list of {joins} itself"
        );
        report.error(Code::AmbiguousRelation, through.span, message, hint);
        None
    }

    /// The to-one relations of an entity that lead to another.
    fn keys(&self, of: usize, to: usize) -> Vec<usize> {
        let leads =
            |relation: &&Relation| relation.cardinality == Cardinality::One && relation.target.index() == to;
        self.entities[of].relations.iter().filter(leads).map(|relation| relation.id.index()).collect()
    }

    /// Which relation of the join type is this side's row.
    fn near(
        &self,
        side: Side,
        (middle, near): (usize, &[usize]),
        (through, inverse): (&Word, Option<&Word>),
        report: &mut Report,
    ) -> Option<usize> {
        let name = |relation: &usize| self.entities[middle].relations[*relation].name.as_str();
        let (joins, owner) = (&through.text, self.owner(side));
        match (inverse, near) {
            (Some(word), _) => {
                let found = near.iter().find(|relation| name(relation) == word.text).copied();
                if found.is_none() {
                    let message = format!("{joins} has no relation `{}` to {owner}", word.text);
                    report.error(
                        Code::UnknownField,
                        word.span,
                        message,
                        report.suggest(&word.text, near.iter().map(name)),
                    );
                }
                found
            }
            (None, [one]) => Some(*one),
            (None, several) => {
                let names: Vec<_> = several.iter().map(name).collect();
                let message = format!("{joins} refers to {owner} in several fields: {}", names.join(", "));
                let first = names.first().copied().unwrap_or_default();
                let hint = format!(
                    "say which one is this row: `@relation(through: \"{joins}\", inverse: \"{first}\")`"
                );
                report.error(Code::AmbiguousRelation, through.span, message, hint);
                None
            }
        }
    }

    /// The two lists that go through the same type in opposite directions are each other's inverse.
    fn mirror(&mut self) {
        let through: Vec<(Side, String, String, String)> = self
            .sides()
            .into_iter()
            .filter_map(|side| match &self.relation(side).join {
                Join::Through { table, near, far, .. } => {
                    Some((side, table.clone(), near.clone(), far.clone()))
                }
                Join::Outgoing { .. } | Join::Incoming { .. } => None,
            })
            .collect();
        let mut by_key: HashMap<(&str, &str, &str), Vec<Side>> = HashMap::new();
        for (side, table, near, far) in &through {
            by_key.entry((table, near, far)).or_default().push(*side);
        }
        for (side, table, near, far) in &through {
            if let Some([other]) =
                by_key.get(&(table.as_str(), far.as_str(), near.as_str())).map(Vec::as_slice)
            {
                self.entities[side.0].relations[side.1].inverse = Some(RelationId::from(other.1));
            }
        }
    }

    /// `@relation(inverse: …)`.
    fn explicit(&mut self, report: &mut Report) {
        for side in self.sides() {
            if self.settled.contains(&side) {
                continue;
            }
            let directive = self.declared(side).and_then(|field| field.directives.relation.as_ref());
            let Some(inverse) = directive.and_then(|relation| relation.inverse.clone()) else { continue };
            self.settled.insert(side);
            let target = self.target(side);
            let label = self.label(side);
            let Some(other) = self.side_named(target, &inverse.text) else {
                if !self.layout.broken.contains(&inverse.text) {
                    let message =
                        format!("{} has no relation `{}`", self.entities[target].name, inverse.text);
                    let names = self.entities[target].relations.iter();
                    let names = names
                        .filter(|relation| relation.target.index() == side.0)
                        .map(|relation| relation.name.as_str());
                    let hint = report.suggest(&inverse.text, names);
                    report.error(Code::UnknownField, inverse.span, message, hint);
                }
                continue;
            };
            if self.target(other) != side.0 || other == side || !(self.is_list(side) || self.is_list(other)) {
                let (message, hint) = if other == side {
                    (
                        format!("`{label}` can't be its own other side"),
                        "declare a second list for the other direction",
                    )
                } else if self.target(other) != side.0 {
                    (
                        format!("`{}` does not refer to {}", self.label(other), self.owner(side)),
                        "the inverse is a field of this type",
                    )
                } else {
                    (
                        format!("`{label}` and `{}` both keep a key", self.label(other)),
                        "the inverse of a to-one relation is a list",
                    )
                };
                report.error(Code::BadRelation, inverse.span, message, hint.to_owned());
                continue;
            }
            let agreed = [(side, other), (other, side)]
                .into_iter()
                .all(|(a, b)| self.pairs.get(&a).is_none_or(|paired| *paired == b));
            if !agreed {
                let message =
                    format!("`{}` is the other side of another relation already", self.label(other));
                report.error(
                    Code::AmbiguousRelation,
                    inverse.span,
                    message,
                    "each list has a key or a list of its own".to_owned(),
                );
                continue;
            }
            self.pairs.insert(side, other);
            self.pairs.insert(other, side);
        }
    }

    /// What is left is paired by type, where that leaves no choice.
    fn by_type(&mut self, report: &mut Report) {
        let mut groups: HashMap<(usize, usize), Vec<Side>> = HashMap::new();
        let mut order = Vec::new();
        for side in self.sides() {
            if self.pairs.contains_key(&side) || (self.settled.contains(&side) && self.is_list(side)) {
                continue;
            }
            let (near, far) = (side.0, self.target(side));
            let key = (near.min(far), near.max(far));
            let group = groups.entry(key).or_default();
            if group.is_empty() {
                order.push(key);
            }
            group.push(side);
        }
        for group in order.iter().filter_map(|key| groups.get(key)) {
            let lists: Vec<Side> = group.iter().copied().filter(|side| self.is_list(*side)).collect();
            for side in &lists {
                let candidates = self.candidates(*side, group);
                match candidates.as_slice() {
                    [one] if self.candidates_back(*one, group) == [*side] => {
                        self.pairs.insert(*side, *one);
                        self.pairs.insert(*one, *side);
                    }
                    [] => self.missing(*side, report),
                    several => self.ambiguous(*side, several, group, report),
                }
            }
        }
    }

    /// The fields on the other type that could be the other side of a list.
    fn candidates(&self, side: Side, group: &[Side]) -> Vec<Side> {
        let target = self.target(side);
        let fits = |other: &Side| *other != side && other.0 == target && self.target(*other) == side.0;
        let all: Vec<Side> = group.iter().copied().filter(fits).collect();
        // In a tree (`reports` and `reportsTo`) the list belongs to the key.
        if target == side.0 && all.iter().any(|other| !self.is_list(*other)) {
            return all.into_iter().filter(|other| !self.is_list(*other)).collect();
        }
        all
    }

    /// The lists a candidate could belong to.
    fn candidates_back(&self, side: Side, group: &[Side]) -> Vec<Side> {
        if self.is_list(side) {
            return self.candidates(side, group);
        }
        let target = self.target(side);
        let fits = |other: &Side| self.is_list(*other) && other.0 == target && self.target(*other) == side.0;
        group.iter().copied().filter(fits).collect()
    }

    fn missing(&self, side: Side, report: &mut Report) {
        let Some(field) = self.declared(side) else { return };
        let (owner, target) = (self.owner(side), &self.entities[self.target(side)]);
        let message = format!("`{}` is a list of {} without another side", self.label(side), target.name);
        let back = crate::name::singular(owner);
        let hint = if self.target(side) == side.0 {
            format!(
                "declare the other direction in {owner} too: a field `parent: {owner}` for a tree, or a second list for many-to-many"
            )
        } else {
            format!(
                "declare it in {}: `{back}: {owner}!` where each belongs to one, `{}: [{owner}!]!` for many-to-many",
                target.name, self.entities[side.0].plural
            )
        };
        report.error(Code::MissingInverse, field.ty.span, message, hint);
    }

    fn ambiguous(&self, side: Side, candidates: &[Side], group: &[Side], report: &mut Report) {
        let Some(field) = self.declared(side) else { return };
        let message = if candidates.len() > 1 {
            let names: Vec<_> =
                candidates.iter().take(4).map(|other| format!("`{}`", self.label(*other))).collect();
            format!("the other side of `{}` could be {}", self.label(side), names.join(" or "))
        } else {
            let other = candidates.first().map_or(side, |other| *other);
            let lists: Vec<_> = self
                .candidates_back(other, group)
                .iter()
                .take(4)
                .map(|it| format!("`{}`", self.label(*it)))
                .collect();
            format!("`{}` could be the other side of {}", self.label(other), lists.join(" or of "))
        };
        let example = candidates.first().map_or("", |other| self.relation(*other).name.as_str());
        let hint = format!("say which: `@relation(inverse: \"{example}\")`");
        report.error(Code::AmbiguousRelation, field.ty.span, message, hint);
    }

    /// Turns the pairs into joins.
    fn join(&mut self) {
        let mut tables: std::collections::HashSet<String> =
            self.entities.iter().map(|entity| entity.table.to_ascii_lowercase()).collect();
        for side in self.sides() {
            let Some(other) = self.pairs.get(&side).copied() else { continue };
            self.entities[side.0].relations[side.1].inverse = Some(RelationId::from(other.1));
            if !self.is_list(side) {
                continue;
            }
            if let Join::Outgoing { field } = self.relation(other).join {
                self.entities[side.0].relations[side.1].join = Join::Incoming { field };
            } else if side < other {
                self.many_to_many(side, other, &mut tables);
            }
        }
    }

    fn many_to_many(&mut self, side: Side, other: Side, tables: &mut std::collections::HashSet<String>) {
        let (one, two) = (self.entities[side.0].table.clone(), self.entities[other.0].table.clone());
        let (first, second) = if one <= two { (&one, &two) } else { (&two, &one) };
        let mut table = identifier(&[first, second]);
        if !tables.insert(table.to_ascii_lowercase()) {
            table = identifier(&[first, second, &snake(&self.relation(side).name)]);
            tables.insert(table.to_ascii_lowercase());
        }
        // The column with the id of this side's row, and that of the other's.
        let (near, far) = if side.0 == other.0 {
            (snake(&self.relation(other).name), snake(&self.relation(side).name))
        } else {
            (snake(&self.entities[side.0].singular), snake(&self.entities[other.0].singular))
        };
        let (near, far) = (identifier(&[&near, "id"]), identifier(&[&far, "id"]));
        let join = |near: &str, far: &str| Join::Through {
            table: table.clone(),
            near: near.to_owned(),
            far: far.to_owned(),
            entity: None,
        };
        self.entities[side.0].relations[side.1].join = join(&near, &far);
        self.entities[other.0].relations[other.1].join = join(&far, &near);
        let mut sides = [(near, EntityId::from(side.0)), (far, EntityId::from(other.0))];
        sides.sort();
        self.join_tables.push(JoinTable { table, sides });
    }
}
