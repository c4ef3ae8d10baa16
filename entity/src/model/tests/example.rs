//! The example of the model language, compiled.

use std::fmt::Write;

use super::super::{Severity, prelude};
use super::{fine, one};
use crate::catalog::{Catalog, Entity, Join};
use crate::scalar::FieldType;

const MUSIC: &str = include_str!("music.graphql");

/// A catalog as a page that review can read.
fn summary(catalog: &Catalog) -> String {
    let mut text = String::new();
    for entity in &catalog.entities {
        describe(&mut text, catalog, entity);
    }
    for join in &catalog.join_tables {
        let [near, far] = &join.sides;
        let name = |side: &(String, crate::EntityId)| format!("{} → {}", side.0, catalog.entity(side.1).name);
        writeln!(text, "join table {}: {}, {}", join.table, name(near), name(far)).unwrap();
    }
    for ty in &catalog.embedded {
        let fields: Vec<_> = ty
            .fields
            .iter()
            .map(|field| format!("{}{}", field.name, mark(field.list, field.required)))
            .collect();
        writeln!(text, "embedded {}: {}", ty.name, fields.join(", ")).unwrap();
    }
    for ty in &catalog.enums {
        let values: Vec<_> = ty
            .values
            .iter()
            .map(|value| format!("{}{:?}{:?}", value.name, value.was, value.deprecated))
            .collect();
        writeln!(text, "enum {} {:?}: {}", ty.name, ty.description, values.join(", ")).unwrap();
    }
    text
}

fn mark(list: bool, required: bool) -> String {
    format!("{}{}", if list { "[]" } else { "" }, if required { "!" } else { "" })
}

fn describe(text: &mut String, catalog: &Catalog, entity: &Entity) {
    let Entity { name, singular, plural, table, key, limit, .. } = entity;
    writeln!(
        text,
        "{name}: {singular}, {plural}, table {table}, key {key:?}, pages {} / {}",
        limit.default, limit.max
    )
    .unwrap();
    for field in &entity.fields {
        let ty = match field.ty {
            FieldType::Scalar(scalar) => format!("{scalar:?}"),
            FieldType::Enum(id) => catalog.enum_type(id).name.clone(),
            FieldType::Embedded(id) => catalog.embedded_type(id).name.clone(),
        };
        let exposure = field.exposure;
        let closed = [
            (exposure.read, "read"),
            (exposure.create, "create"),
            (exposure.update, "update"),
            (exposure.filter, "filter"),
        ];
        let closed: Vec<_> = closed.iter().filter(|(open, _)| !open).map(|(_, what)| *what).collect();
        write!(text, "  {} {}: {ty}{}", field.name, field.column, mark(field.list, field.required)).unwrap();
        let mut more = |what: &str, value: String| write!(text, " {what} {value}").unwrap();
        closed.iter().for_each(|what| more("no", (*what).to_owned()));
        field.was.iter().for_each(|was| more("was", was.clone()));
        field.default.iter().for_each(|default| more("default", format!("{default:?}")));
        field.checks.iter().for_each(|check| {
            more(
                "check",
                format!(
                    "{} {:?}..{:?} {:?}..{:?}",
                    check.name, check.min, check.max, check.min_length, check.max_length
                ),
            )
        });
        text.push('\n');
    }
    relations(text, catalog, entity);
    for index in &entity.indexes {
        writeln!(text, "  index {} {:?} {:?} {:?}", index.name, index.fields, index.using, index.condition)
            .unwrap();
    }
    for unique in &entity.uniques {
        writeln!(text, "  unique {} {} {:?} {:?}", unique.name, unique.api, unique.fields, unique.condition)
            .unwrap();
    }
    for check in &entity.checks {
        writeln!(text, "  check {} {:?} {:?}", check.name, check.condition, check.message).unwrap();
    }
    for rule in &entity.access.rules {
        writeln!(text, "  allow {rule:?}").unwrap();
    }
    for (name, rules) in &entity.access.fields {
        writeln!(text, "  allow on {name} {rules:?}").unwrap();
    }
}

fn relations(text: &mut String, catalog: &Catalog, entity: &Entity) {
    for relation in &entity.relations {
        let join = match &relation.join {
            Join::Outgoing { field } => format!("key {}", entity.field(*field).column),
            Join::Incoming { field } => {
                format!("their key {}", catalog.target(relation).field(*field).column)
            }
            Join::Through { table, near, far, entity } => format!("{table} {near} → {far} {entity:?}"),
        };
        let inverse = relation.inverse.map(|id| catalog.target(relation).relation(id).name.as_str());
        writeln!(
            text,
            "  {} → {} {:?}{} by {join}, inverse {inverse:?}, {:?}",
            relation.name,
            catalog.target(relation).name,
            relation.cardinality,
            mark(false, relation.required),
            relation.on_delete
        )
        .unwrap();
    }
}

#[test]
fn the_example_compiles() {
    let compiled = fine(MUSIC);
    insta::assert_snapshot!("music", summary(&compiled.catalog));
    let notices: Vec<_> = compiled.notices.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("music-notices", notices.join("\n"));
    assert!(compiled.notices.iter().all(|notice| notice.severity != Severity::Error));
}

#[test]
fn every_position_is_its_index() {
    let catalog = fine(MUSIC).catalog;
    for (index, entity) in catalog.entities.iter().enumerate() {
        assert_eq!(entity.id.index(), index);
        assert!(entity.fields.iter().enumerate().all(|(index, field)| field.id.index() == index));
        assert!(entity.relations.iter().enumerate().all(|(index, relation)| relation.id.index() == index));
        assert_eq!(entity.field(entity.version).name, "version");
    }
}

#[test]
fn the_version_is_the_content() {
    let version = |text: &str| fine(text).catalog.version;
    assert_eq!(version(MUSIC), version(MUSIC));
    assert_eq!(version(MUSIC), version(&MUSIC.replace("\n  ", "\r\n\t , ")));
    assert_ne!(version(MUSIC), version(&MUSIC.replace("max: 99", "max: 98")));
    assert_eq!(version(MUSIC).0.len(), 64);
}

#[test]
fn a_catalog_survives_json() {
    let catalog = fine(MUSIC).catalog;
    let text = serde_json::to_string(&catalog).unwrap();
    let again: Catalog = serde_json::from_str(&text).unwrap();
    assert_eq!(again.entities, catalog.entities);
    assert_eq!(again.join_tables, catalog.join_tables);
}

#[test]
fn the_prelude_may_be_part_of_the_model() {
    assert_eq!(fine(&format!("{}\n{MUSIC}", prelude())).catalog.version, fine(MUSIC).catalog.version);
    assert!(one(prelude()).unwrap().catalog.entities.is_empty());
}

#[test]
fn standard_tools_accept_model_and_prelude() {
    let text = format!("{}\n{MUSIC}", prelude());
    let schema = apollo_compiler::Schema::parse_and_validate(text, "model.graphql");
    assert!(schema.is_ok(), "{}", schema.unwrap_err());
}

#[test]
fn prelude_and_vocabulary_say_the_same() {
    use super::super::vocabulary::{DIRECTIVES, ENUMS, Takes};
    let schema = apollo_compiler::Schema::parse_and_validate(prelude(), "prelude.graphql").unwrap();
    for definition in DIRECTIVES.iter().filter(|definition| definition.name != "deprecated") {
        let sdl = &schema.directive_definitions[definition.name];
        assert_eq!(sdl.repeatable, definition.repeatable, "{}", definition.name);
        assert_eq!(sdl.locations.len(), definition.locations.len(), "{}", definition.name);
        let names = |argument: &super::super::vocabulary::Argument| {
            let ty = match argument.takes {
                Takes::String => "String".to_owned(),
                Takes::Int => "Int".to_owned(),
                Takes::Boolean => "Boolean".to_owned(),
                Takes::Any => "Any".to_owned(),
                Takes::Condition => "Where".to_owned(),
                Takes::Strings => "[String!]".to_owned(),
                Takes::Choice(name, _) => name.to_owned(),
                Takes::Choices(name, _) => format!("[{name}!]"),
            };
            format!("{}: {ty}{}", argument.name, if argument.required { "!" } else { "" })
        };
        let ours: Vec<_> = definition.arguments.iter().map(names).collect();
        let theirs: Vec<_> =
            sdl.arguments.iter().map(|argument| format!("{}: {}", argument.name, argument.ty)).collect();
        assert_eq!(ours, theirs, "{}", definition.name);
    }
    for (name, words) in ENUMS {
        let values: Vec<_> =
            schema.get_enum(name).unwrap().values.keys().map(|value| value.as_str()).collect();
        assert_eq!(&values, words);
    }
    let ours: Vec<_> = DIRECTIVES.iter().map(|definition| definition.name).collect();
    let theirs = schema.directive_definitions.iter().filter(|(_, it)| !it.is_built_in());
    theirs.for_each(|(name, _)| assert!(ours.contains(&name.as_str()), "{name}"));
}

#[test]
fn extensions_merge_across_sources() {
    let sources = [
        super::Source::new(
            "a.graphql",
            "extend type Track @index(fields: [\"mood\"]) { mood: Mood } extend enum Mood { SAD }",
        ),
        super::Source::new("b.graphql", "type Track @model { name: String! } enum Mood { GLAD }"),
    ];
    let catalog = super::compile(&sources).unwrap().catalog;
    let track = catalog.entity_named("Track").unwrap();
    assert!(track.fields.iter().any(|field| field.name == "mood"));
    assert_eq!(track.indexes[0].name, "ix_tracks_mood");
    assert_eq!(catalog.enums[0].values.len(), 2);
}

#[test]
fn words_of_sql_and_graphql_are_names() {
    let catalog = fine(
        "type Order @model { group: Group! select: String user: Int from: String query: String mutation: Boolean type: String }
         type Group @model { orders: [Order!]! order: Int on: Boolean input: String node: ID }
         type Person @model { order: Int } type select @model { where: Int }",
    )
    .catalog;
    assert_eq!(catalog.entity_plural("orders").unwrap().table, "orders");
    assert_eq!(catalog.entity_named("select").unwrap().plural, "selects");
}

#[test]
fn the_models_of_the_examples_compile() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().join("model.graphql");
        if path.exists() {
            assert!(!fine(&std::fs::read_to_string(path).unwrap()).catalog.entities.is_empty());
        }
    }
}
