//! `@index` and `@unique` against the structure.

use super::diagnostic::{Code, Report};
use super::directive;
use super::draft::{FieldDraft, TypeDraft};
use super::naming::Space;
use super::scene::Scene;
use super::source::{Span, Word};
use crate::catalog::{Entity, Field, Index, Join, Member, Unique, Using};
use crate::id::FieldId;
use crate::name::camel;
use crate::predicate::Predicate;
use crate::scalar::{FieldType, Scalar};

/// Indexes and unique constraints of a type.
const MOST: usize = 200;

/// Columns of an index.
const MOST_COLUMNS: usize = 16;

/// The indexes and unique constraints of an entity, those of its relations included.
pub(super) fn indexes(
    scene: &Scene<'_>,
    entity: &Entity,
    ty: &TypeDraft,
    space: &mut Space,
    report: &mut Report,
) -> (Vec<Index>, Vec<Unique>) {
    let mut made = Made { scene, entity, space, indexes: Vec::new(), spans: Vec::new(), uniques: Vec::new() };
    for index in &ty.directives.uniques {
        made.on_type(index, report);
    }
    for index in &ty.directives.indexes {
        made.on_type(index, report);
    }
    for field in &ty.fields {
        for index in field.directives.uniques.iter().chain(&field.directives.indexes) {
            made.on_field(field, index, report);
        }
    }
    made.beginnings(report);
    made.of_relations();
    (made.indexes, made.uniques)
}

struct Made<'a> {
    scene: &'a Scene<'a>,
    entity: &'a Entity,
    space: &'a mut Space,
    indexes: Vec<Index>,
    /// Where each of the indexes is declared.
    spans: Vec<Span>,
    uniques: Vec<Unique>,
}

impl Made<'_> {
    fn on_type(&mut self, index: &directive::Index, report: &mut Report) {
        let what = if index.using.is_some() { "index" } else { "unique" };
        let Some(words) = index.fields.as_ref().filter(|words| !words.is_empty()) else {
            let message = format!("`@{what}` on a type needs the argument `fields`");
            report.error(
                Code::MissingArgument,
                index.span,
                message,
                format!("write `@{what}(fields: [\"…\"])`"),
            );
            return;
        };
        if words.len() > MOST_COLUMNS {
            report.error(
                Code::TooMuch,
                index.span,
                format!("`@{what}` takes {MOST_COLUMNS} fields at most"),
                None,
            );
            return;
        }
        let mut fields: Vec<(FieldId, bool)> = Vec::new();
        let mut complete = true;
        for word in words {
            let found = self.one(word, index, report);
            complete &= found.is_some();
            let Some(found) = found else { continue };
            if fields.iter().any(|(field, _)| *field == found.0) {
                report.error(Code::BadIndex, word.span, format!("`{}` is named twice", word.text), None);
                complete = false;
            }
            fields.push(found);
        }
        if complete {
            self.add(index, fields, words.first().map_or(index.span, |word| word.span), report);
        } else {
            let _ = self.condition(index, report);
        }
    }

    /// Which rows it is about; nothing where that can't be said, which is reported.
    fn condition(&self, index: &directive::Index, report: &mut Report) -> Option<Option<Predicate>> {
        let what = if index.using.is_some() { "a partial index" } else { "a partial unique constraint" };
        match &index.condition {
            None => Some(None),
            Some(literal) => self.scene.constant_condition(self.entity, literal, what, report).map(Some),
        }
    }

    fn one(&self, word: &Word, index: &directive::Index, report: &mut Report) -> Option<(FieldId, bool)> {
        let (name, descending) = match word.text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (word.text.as_str(), false),
        };
        let field = self.scene.column(self.entity, word, name, report)?;
        if descending && index.using != Some(Using::Btree) {
            let message = if index.using.is_none() {
                "a unique constraint has no direction"
            } else {
                "only BTREE indexes have a direction"
            };
            report.error(Code::BadIndex, word.span, message, format!("write \"{name}\""));
            return None;
        }
        self.fits(field, index.using, word.span, report).then_some((field.id, descending))
    }

    fn on_field(&mut self, draft: &FieldDraft, index: &directive::Index, report: &mut Report) {
        let what = if index.using.is_some() { "index" } else { "unique" };
        if let Some(fields) = &index.fields {
            let span = fields.first().map_or(index.span, |word| word.span);
            let message = format!("`@{what}` on a field is about that field; `fields` belongs on the type");
            report.error(
                Code::BadArgument,
                span,
                message,
                format!("move `@{what}(fields: …)` to the type, or leave `fields` out"),
            );
            return;
        }
        if draft.directives.computed.is_some() || self.scene.layout.broken.contains(&draft.name.text) {
            return;
        }
        let field = match self.entity.member(&draft.name.text) {
            Some(Member::Field(field)) if field.system.is_none() => field,
            Some(Member::Relation(relation)) => match relation.join {
                Join::Outgoing { field } => self.entity.field(field),
                Join::Incoming { .. } | Join::Through { .. } => {
                    let message =
                        format!("`{}` is a list of related rows and has no column to index", draft.name.text);
                    let hint = "relations are indexed without asking".to_owned();
                    report.error(Code::BadIndex, index.span, message, hint);
                    return;
                }
            },
            Some(Member::Field(_)) | None => return,
        };
        if self.fits(field, index.using, index.span, report) {
            self.add(index, vec![(field.id, false)], index.span, report);
        }
    }

    /// Whether the kind of index is possible on a field.
    fn fits(&self, field: &Field, using: Option<Using>, span: Span, report: &mut Report) -> bool {
        let document = matches!(field.ty, FieldType::Scalar(Scalar::Json) | FieldType::Embedded(_));
        let inverted = field.list || document;
        let text = !field.list && field.ty.scalar().is_some_and(Scalar::is_text);
        let (fine, message, hint) = match using {
            None => (
                !inverted,
                "a unique constraint is not possible on lists and JSON",
                "make it a type of its own",
            ),
            Some(Using::Btree) => {
                (!inverted, "a BTREE index is of no use on lists and JSON", "write `using: GIN`")
            }
            Some(Using::Hash) => {
                (!inverted, "a HASH index is not possible on lists and JSON", "write `using: GIN`")
            }
            Some(Using::Brin) => {
                (!inverted, "a BRIN index is not possible on lists and JSON", "write `using: GIN`")
            }
            Some(Using::Trigram) => (text, "a TRIGRAM index is for text", "leave `using` out"),
            Some(Using::Gin) => (
                inverted,
                "a GIN index is for lists and JSON",
                "leave `using` out; TRIGRAM is for `contains` on text",
            ),
        };
        if !fine {
            report.error(
                Code::BadIndex,
                span,
                format!("{message}, and `{}` is {}", field.name, describe(field)),
                hint.to_owned(),
            );
        }
        fine
    }

    fn add(
        &mut self,
        index: &directive::Index,
        fields: Vec<(FieldId, bool)>,
        span: Span,
        report: &mut Report,
    ) {
        if self.indexes.len() + self.uniques.len() >= MOST {
            let message = format!("{} has more than the {MOST} indexes a type may have", self.entity.name);
            report.error(Code::TooMuch, index.span, message, None);
            return;
        }
        let Some(condition) = self.condition(index, report) else { return };
        let fields = self.of_tenant(index.using, fields);
        match index.using {
            Some(using) => {
                let name = String::new();
                self.add_index(Index { name, fields, condition, using }, span, report);
            }
            None => {
                self.add_unique(fields.into_iter().map(|(field, _)| field).collect(), condition, span, report)
            }
        }
    }

    /// Rows of a `@tenant` type are unique within their organization, and always looked for there.
    fn of_tenant(&self, using: Option<Using>, fields: Vec<(FieldId, bool)>) -> Vec<(FieldId, bool)> {
        match self.entity.tenant_field() {
            Some(tenant)
                if matches!(using, None | Some(Using::Btree))
                    && !fields.iter().any(|(field, _)| *field == tenant) =>
            {
                std::iter::once((tenant, false)).chain(fields).collect()
            }
            _ => fields,
        }
    }

    fn add_index(&mut self, mut index: Index, span: Span, report: &mut Report) {
        if matches!(index.using, Using::Hash) && index.fields.len() > 1 {
            report.error(Code::BadIndex, span, "a HASH index has one field", "leave `using` out".to_owned());
            return;
        }
        let same = |other: &Index| {
            other.fields == index.fields && other.condition == index.condition && other.using == index.using
        };
        if self.indexes.iter().any(same) {
            report.error(
                Code::BadIndex,
                span,
                "the same index is declared twice",
                "remove one of them".to_owned(),
            );
            return;
        }
        let mut parts = vec!["ix", self.entity.table.as_str()];
        parts.extend(columns(self.entity, index.fields.iter().map(|(field, _)| *field)));
        index.name = self.space.take(&parts);
        self.indexes.push(index);
        self.spans.push(span);
    }

    /// An index that another one begins with finds nothing which the longer one does not find, and costs every write.
    fn beginnings(&self, report: &mut Report) {
        for (index, span) in self.indexes.iter().zip(&self.spans) {
            if index.using != Using::Btree {
                continue;
            }
            let longer = self.indexes.iter().find(|other| {
                other.using == Using::Btree
                    && other.condition == index.condition
                    && other.fields.len() > index.fields.len()
                    && begins(&other.fields, &index.fields)
            });
            // A unique index leaves deleted rows out, and others look for those too.
            let unique = self.uniques.iter().find(|unique| {
                let fields: Vec<_> = unique.fields.iter().map(|field| (*field, false)).collect();
                !self.entity.soft_delete
                    && unique.condition == index.condition
                    && begins(&fields, &index.fields)
            });
            let other = longer
                .map(|other| ("index", other.fields.iter().map(|(field, _)| *field).collect::<Vec<_>>()))
                .or_else(|| unique.map(|unique| ("unique constraint", unique.fields.clone())));
            let Some((what, fields)) = other else { continue };
            let tenant = self.entity.tenant_field();
            let names = fields.iter().filter(|field| Some(**field) != tenant);
            let names: Vec<_> = names.map(|field| format!("`{}`", self.entity.field(*field).name)).collect();
            let message =
                format!("the {what} on {} begins like this one and serves the same", names.join(", "));
            report.error(Code::BadIndex, *span, message, "remove this one".to_owned());
        }
    }

    fn add_unique(
        &mut self,
        fields: Vec<FieldId>,
        condition: Option<Predicate>,
        span: Span,
        report: &mut Report,
    ) {
        if fields.contains(&Entity::KEY) {
            report.error(
                Code::BadIndex,
                span,
                "`id` is unique already, and so is anything with it",
                "remove it".to_owned(),
            );
            return;
        }
        let mut sorted = fields.clone();
        sorted.sort();
        let same = self.uniques.iter().any(|other| {
            let mut others = other.fields.clone();
            others.sort();
            others == sorted
                && (other.condition == condition || other.condition.is_none() || condition.is_none())
        });
        if same {
            let message = "these fields are declared unique twice";
            report.error(Code::BadIndex, span, message, "remove one of them".to_owned());
            return;
        }
        let tenant = self.entity.tenant_field().filter(|_| fields.len() > 1);
        let named = fields.iter().filter(|field| Some(**field) != tenant);
        let base = camel(named.map(|field| self.entity.field(*field).name.as_str()));
        let mut api = base.clone();
        let mut number = 2;
        while self.uniques.iter().any(|other| other.api == api) {
            api = format!("{base}{number}");
            number += 1;
        }
        let mut parts = vec!["ux", self.entity.table.as_str()];
        parts.extend(columns(self.entity, fields.iter().copied()));
        let name = self.space.take(&parts);
        self.uniques.push(Unique { name, api, fields, condition });
    }

    /// Every key of a relation is indexed, unless an index of all rows begins with it.
    fn of_relations(&mut self) {
        for relation in &self.entity.relations {
            let Join::Outgoing { field } = relation.join else { continue };
            let indexed = self.indexes.iter().any(|index| {
                index.fields.first().is_some_and(|(first, _)| *first == field)
                    && index.condition.is_none()
                    && matches!(index.using, Using::Btree | Using::Hash)
            });
            // A unique index leaves deleted rows out, and those refer to others too.
            let unique = !self.entity.soft_delete
                && self
                    .uniques
                    .iter()
                    .any(|unique| unique.fields.first() == Some(&field) && unique.condition.is_none());
            if indexed || unique {
                continue;
            }
            let name = self.space.take(&["ix", &self.entity.table, &self.entity.field(field).column]);
            self.indexes.push(Index {
                name,
                fields: vec![(field, false)],
                condition: None,
                using: Using::Btree,
            });
        }
    }
}

/// Whether an index begins with fields. It can be read backwards: all directions the other way are the same.
fn begins(index: &[(FieldId, bool)], fields: &[(FieldId, bool)]) -> bool {
    let start = index.get(..fields.len()).unwrap_or_default();
    let same = |flip: bool| start.iter().zip(fields).all(|(a, b)| a.0 == b.0 && a.1 == (b.1 != flip));
    start.len() == fields.len() && (same(false) || same(true))
}

fn columns(entity: &Entity, fields: impl Iterator<Item = FieldId>) -> Vec<&str> {
    fields.map(|field| entity.field(field).column.as_str()).collect()
}

/// What a field is, for messages.
pub(super) fn describe(field: &Field) -> String {
    match field.ty {
        _ if field.list => "a list".to_owned(),
        FieldType::Scalar(scalar) => scalar.name().to_owned(),
        FieldType::Enum(_) => "an enum".to_owned(),
        FieldType::Embedded(_) => "an embedded value".to_owned(),
    }
}
