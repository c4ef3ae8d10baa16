//! Model text to [`Catalog`]: all mistakes at once, each with its place and a way out.

use sha2::{Digest, Sha256};

mod account;
mod application;
mod check;
mod cycle;
mod default;
mod diagnostic;
mod directive;
mod draft;
mod index;
mod later;
mod layout;
mod literal;
mod naming;
mod parse;
mod place;
mod postponed;
mod relation;
mod render;
mod rule;
mod scene;
mod source;
mod structure;
mod vocabulary;
mod warning;

#[cfg(test)]
mod tests;

pub use diagnostic::{Code, Diagnostic, Diagnostics, Place, Severity};
pub use place::{RulePlaces, rule_places};
pub use render::render;
pub use source::Source;

use self::diagnostic::Report;
use self::draft::{FieldDraft, TypeDraft};
use self::layout::Shape;
use self::naming::Space;
use self::scene::{Scene, Site};
use crate::catalog::{Access, Catalog, Check, Default, Entity, Index, Unique, Version};
use crate::id::FieldId;

/// What came of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// The model, compiled.
    pub catalog: Catalog,
    /// Warnings, and what is accepted but not in force yet; in the order of the sources.
    pub notices: Vec<Diagnostic>,
}

/// The SDL of every directive, enum and scalar of the model language, for editors and GraphQL tools.
#[must_use]
pub fn prelude() -> &'static str {
    concat!(include_str!("prelude.graphql"), "\n", include_str!("accounts.graphql"))
}

/// Compiles a model.
///
/// # Errors
/// Every mistake of every source, in their order.
pub fn compile(sources: &[Source]) -> Result<Compiled, Diagnostics> {
    let mut report = Report::default();
    let sources = account::beside(sources);
    let catalog = compiled(&sources, &mut report);
    let notices = report.finish(&sources)?;
    Ok(Compiled { catalog: catalog.unwrap_or_else(Catalog::empty), notices })
}

/// The catalog, where nothing stood in the way; what did is in the report.
fn compiled(sources: &[Source], report: &mut Report) -> Option<Catalog> {
    let parse::Parsed { documents, map, whole } = parse::parse(sources, report)?;
    if report.errors() > 0 {
        // What could not be read may be what the rest refers to: only mistakes that stand by themselves are told.
        let broken = report.lines(&map);
        let draft = draft::collect(&documents, &map, report)?;
        if whole {
            let before = report.errors();
            layout::layout(&draft, report);
            report.keep_unknown_types(before, &map, &broken);
        }
        report.forget_lines(&map, &broken);
        return None;
    }
    let draft = draft::collect(&documents, &map, report)?;
    let layout = layout::layout(&draft, report);
    let names = naming::names(&draft, &layout, report);
    let mut entities = structure::entities(&draft, &layout, names);
    let join_tables = relation::link(&draft, &layout, &mut entities, report);
    let (enums, embedded) = (structure::enums(&draft), structure::embedded(&draft, &layout));
    let version = Version(String::new());
    let mut catalog = Catalog::new(version, entities, enums, embedded, join_tables);
    let scene = Scene { draft: &draft, layout: &layout, map: &map, catalog: &catalog };
    let parts = parts(&scene, report);
    rule::cycles(&draft, &layout, &catalog.entities, report);
    for (entity, parts) in catalog.entities.iter_mut().zip(parts) {
        parts.into_entity(entity);
    }
    later::uses(&draft, report);
    report.notices();
    warning::warn(&draft, &layout, &catalog, report);
    catalog.version = version_of(&catalog);
    Some(catalog)
}

/// The hash of everything a catalog says.
fn version_of(catalog: &Catalog) -> Version {
    // A catalog has no maps with other keys than text and no non-finite numbers: it always serializes.
    let text = serde_json::to_vec(catalog).unwrap_or_else(|_| format!("{catalog:?}").into_bytes());
    Version(Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What an entity gets once the structure stands.
struct Parts {
    indexes: Vec<Index>,
    uniques: Vec<Unique>,
    checks: Vec<Check>,
    access: Access,
    fields: Vec<(FieldId, Vec<Check>, Option<Default>)>,
}

impl Parts {
    fn into_entity(self, entity: &mut Entity) {
        entity.indexes = self.indexes;
        entity.uniques = self.uniques;
        entity.checks = self.checks;
        entity.access = self.access;
        for (id, checks, default) in self.fields {
            if let Some(field) = entity.fields.get_mut(id.index()) {
                field.checks = checks;
                field.default = default;
            }
        }
    }
}

fn parts(scene: &Scene<'_>, report: &mut Report) -> Vec<Parts> {
    let catalog = scene.catalog;
    let tables = catalog.entities.iter().map(|entity| entity.table.as_str());
    let mut space = Space::new(tables.chain(catalog.join_tables.iter().map(|join| join.table.as_str())));
    for join in &catalog.join_tables {
        // The index of the second column of a join table.
        space.take(&["ix", &join.table, &join.sides[1].0]);
    }
    let mut all = Vec::with_capacity(catalog.entities.len());
    for entity in &catalog.entities {
        let Some(ty) = scene.layout.declaration(scene.draft, entity.id) else { continue };
        let (indexes, uniques) = index::indexes(scene, entity, ty, &mut space, report);
        let checks = check::row_checks(scene, entity, ty, report);
        let fields = fields(scene, entity, ty, report);
        let access = rule::access(scene, entity, ty, report);
        later::on_type(scene, entity, ty, report);
        all.push(Parts { indexes, uniques, checks, access, fields });
    }
    all
}

fn fields(
    scene: &Scene<'_>,
    entity: &Entity,
    ty: &TypeDraft,
    report: &mut Report,
) -> Vec<(FieldId, Vec<Check>, Option<Default>)> {
    let mut all = Vec::new();
    let mut stored = entity.fields.iter().filter(|field| field.system.is_none());
    for (draft, shape) in scene.layout.fields(scene.draft, entity.id) {
        let declared = match shape {
            Shape::Value(_) | Shape::ToOne(_) => true,
            Shape::ToMany(_) => {
                on_list(draft, shape, report);
                false
            }
            Shape::Computed(_) | Shape::Broken => false,
        };
        let taken = ty
            .directives
            .model
            .as_ref()
            .is_some_and(|model| naming::implicit(model).any(|it| it == draft.name.text));
        if !declared || taken {
            continue;
        }
        // Both lists are in the order written.
        let Some(field) = stored.next() else { break };
        let checks = check::field_checks(Site { scene, entity }, field, draft, report);
        let written = draft.directives.default.as_ref();
        let default = written
            .and_then(|written| default::default(Site { scene, entity }, field, &checks, written, report));
        all.push((field.id, checks, default));
    }
    all
}

/// What a list of related rows can't have: it is no column.
fn on_list(field: &FieldDraft, shape: Shape, report: &mut Report) {
    if let Some(written) = &field.directives.default {
        default::misplaced(shape, &field.name.text, written, report);
    }
    if let Some(check) = field.directives.checks.first() {
        let message = format!("`{}` is a list of related rows and can't have a check", field.name.text);
        report.error(
            Code::BadCheck,
            check.span,
            message,
            "write it on the fields of the other type".to_owned(),
        );
    }
    if let Some((_, span)) = field.directives.api {
        let message = format!("@api has no effect on `{}`, a list of related rows", field.name.text);
        let hint = "`@allow` on the field says who may use it".to_owned();
        report.error(Code::MisplacedDirective, span, message, hint);
    }
}
