//! The document holds what it promises: whole, valid, and nothing in it that its reader may not see.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use entity::Catalog;
use entity::model::{Source, compile, render};
use serde_json::{Value, json};
use service::Principal;

use super::{Documents, Options, document, pattern};

const EVERYTHING: &str = include_str!("../../../tests/model/everything.graphql");
const STORE: &str = include_str!("../../../tests/model/store.graphql");

/// Names that our own schemas would like to have, and ids that would be there twice.
const TAKEN: &str = r#"
    enum Server { UP DOWN }
    type Problem @model @allow(to: [ALL], role: "anyone") { limit: Int having: Int sort: String where: String count: Server }
    type ProblemPart @model @allow(to: [ALL], role: "anyone") { name: String }
    type TrackChanges @model(plural: "trackChangeItems") @allow(to: [ALL], role: "anyone") { name: String }
    type Health @model(plural: "healths") @allow(to: [ALL], role: "anyone") { name: String }
    type Album @model @allow(to: [ALL], role: "anyone") { tracks: [Track!]! }
    type Track @model @allow(to: [ALL], role: "anyone") { album: Album }
    type AlbumTrack @model @allow(to: [ALL], role: "anyone") { name: String }
"#;

const SMALL: &str = r#"
    enum Mood {
      CALM
      """Not for the night."""
      LOUD
    }
    """A record."""
    type Album @model(id: SERIAL) @allow(to: [READ], role: "anyone") {
      title: String! @check(maxLength: 160)
      tracks: [Track!]!
    }
    type Track @model @allow(to: [ALL], role: "anyone") {
      """As it is sung."""
      name: String! @check(minLength: 1, pattern: "^[A-Z][a-z]+$")
      album: Album!
      mood: Mood @default(value: CALM)
      price: Decimal! @check(min: "0.01")
      secret: String @allow(to: [READ], role: "admin")
    }
    type Hidden @model { word: String }
"#;

fn catalog(model: &str) -> Catalog {
    let sources = [Source::new("model.graphql", model)];
    match compile(&sources) {
        Ok(compiled) => compiled.catalog,
        Err(found) => panic!("{}", render(&found, &sources, false)),
    }
}

fn written(model: &str, principal: &Principal) -> Value {
    document(&catalog(model), principal, &Options::default())
}

fn all() -> impl Iterator<Item = Value> {
    [EVERYTHING, STORE, TAKEN, SMALL, ""].into_iter().flat_map(|model| {
        let catalog = if model.is_empty() { Catalog::empty() } else { catalog(model) };
        [Principal::Anonymous, Principal::Admin]
            .map(|principal| document(&catalog, &principal, &Options::default()))
    })
}

fn walk<'v>(value: &'v Value, visit: &mut impl FnMut(&'v str, &'v Value)) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                visit(key, value);
                walk(value, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

#[test]
fn a_small_model_reads_like_this() {
    insta::assert_json_snapshot!("small", written(SMALL, &Principal::Anonymous));
}

#[test]
fn operation_ids_and_parameters_are_there_once() {
    for document in all() {
        let mut ids = HashSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let shared = item.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
            for (method, operation) in
                item.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters")
            {
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
                let own = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
                let mut names = HashSet::new();
                for parameter in shared.iter().chain(&own) {
                    let parameter = resolved(&document, parameter);
                    let name = format!("{} {}", parameter["in"], parameter["name"]);
                    assert!(names.insert(name.clone()), "{method} {path}: {name}");
                }
            }
        }
    }
}

fn resolved<'v>(document: &'v Value, value: &'v Value) -> &'v Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null),
        None => value,
    }
}

#[test]
fn references_resolve_and_nothing_lies_about() {
    for document in all() {
        let mut used = BTreeSet::new();
        walk(&document, &mut |key, value| {
            if key == "$ref"
                && let Some(reference) = value.as_str()
            {
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
                used.insert(reference.to_owned());
            }
        });
        for (kind, components) in document["components"].as_object().unwrap() {
            for name in components.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
                assert!(used.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is not used");
            }
        }
    }
}

#[test]
fn examples_are_valid() {
    let mut checked = 0;
    for document in all() {
        let valid = |schema: Value, example: &Value, place: &str| {
            let mut root = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"] });
            for (keyword, value) in schema.as_object().unwrap() {
                root[keyword] = value.clone();
            }
            let validator = jsonschema::options().should_validate_formats(true).build(&root).unwrap();
            let errors: Vec<_> = validator.iter_errors(example).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{place}: {example}: {errors:?}");
        };
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for example in schema.get("examples").and_then(Value::as_array).into_iter().flatten() {
                valid(json!({ "$ref": format!("#/components/schemas/{name}") }), example, name);
                checked += 1;
            }
        }
        for (name, answer) in document["components"]["responses"].as_object().unwrap() {
            let media = &answer["content"]["application/problem+json"];
            if media.is_null() {
                continue;
            }
            valid(media["schema"].clone(), &media["example"], name);
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn what_a_reader_may_not_see_is_not_there() {
    let anonymous = written(SMALL, &Principal::Anonymous).to_string();
    assert!(!anonymous.contains("secret") && !anonymous.contains("iddens"));
    let admin = written(SMALL, &Principal::Admin);
    assert!(admin.pointer("/components/schemas/Track/properties/secret").is_some());
    assert!(admin.pointer("/paths/~1v1~1hiddens/get").is_some());
    assert!(written(SMALL, &Principal::Anonymous).pointer("/paths/~1v1~1albums/post").is_none());

    let anonymous = written(EVERYTHING, &Principal::Anonymous);
    let text = anonymous.to_string();
    assert!(!text.contains("edger"));
    for schema in ["Post", "PostPartial", "PostWhere", "PostSort", "PostField"] {
        let schema = anonymous["components"]["schemas"][schema].to_string();
        assert!(!schema.contains("secret") && !schema.contains("internal"), "{schema}");
    }
    assert!(anonymous.pointer("/paths/~1v1~1groups~1{id}/delete").is_none());
}

#[test]
fn bodies_say_exactly_what_is_needed() {
    let document = written(STORE, &Principal::Admin);
    let required = |name: &str| document["components"]["schemas"][name]["required"].clone();
    assert_eq!(required("TrackCreate"), json!(["name", "position", "album"]));
    assert_eq!(required("TrackUnderAlbumCreate"), json!(["name", "position"]));
    assert_eq!(required("TrackUpdate"), Value::Null);
    let create = &document["components"]["schemas"]["TrackCreate"];
    assert_eq!(create["additionalProperties"], json!(false));
    assert!(create["properties"].get("createdAt").is_none());
    assert_eq!(create["properties"]["position"]["minimum"], json!(1));
    let everything = written(EVERYTHING, &Principal::Admin);
    assert_eq!(everything["components"]["schemas"]["CountryCreate"]["required"], json!(["id", "name"]));
    assert_eq!(everything["components"]["schemas"]["CountryUpsert"]["required"], json!(["name"]));
}

#[test]
fn fields_named_like_parameters_are_filtered_by_an_operator() {
    let document = written(TAKEN, &Principal::Admin);
    let names = |path: &str| -> Vec<String> {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        parameters
            .iter()
            .map(|parameter| resolved(&document, parameter)["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let list = names("/v1/problems");
    assert!(list.contains(&"sort[eq]".to_owned()) && list.contains(&"having".to_owned()));
    let aggregate = names("/v1/problems/aggregate");
    assert!(aggregate.contains(&"sort[eq]".to_owned()));
    assert_eq!(aggregate.iter().filter(|name| *name == "having").count(), 1);
    assert!(document["components"]["schemas"].get("Problem_").is_some());
}

#[test]
fn a_document_is_written_once() {
    let documents = Documents::new(Options::default());
    let catalog = catalog(SMALL);
    let first = documents.text(&catalog, &Principal::Anonymous);
    assert!(Arc::ptr_eq(&first, &documents.text(&catalog, &Principal::Anonymous)));
    let other = documents.text(&catalog, &Principal::Admin);
    assert_ne!(first.etag, other.etag);
    assert!(serde_json::from_slice::<Value>(&other.body).is_ok());
}

#[test]
fn a_large_model_stays_within_bounds() {
    let mut model = String::new();
    for number in 0..150 {
        let _ = writeln!(
            model,
            "type Thing{number} @model(plural: \"thing{number}s\") @allow(to: [ALL], role: \"anyone\") {{"
        );
        for field in 0..6 {
            let _ = writeln!(model, "  text{field}: String\n  number{field}: Int");
        }
        let _ = writeln!(model, "  other: Thing{} @relation(inverse: \"others\")", (number + 1) % 150);
        let _ =
            writeln!(model, "  others: [Thing{}!]! @relation(inverse: \"other\")\n}}", (number + 149) % 150);
    }
    let started = std::time::Instant::now();
    let text = written(&model, &Principal::Anonymous).to_string();
    println!("{} bytes in {:?}", text.len(), started.elapsed());
    assert!(text.len() < 10_500_000, "{}", text.len());
    assert!(text.contains("The model is large"));
}

#[test]
fn patterns_of_numbers_are_exact() {
    let fits = |pattern: &str, text: &str| regex::Regex::new(pattern).unwrap().is_match(text);
    let integer = pattern::integer("9223372036854775807");
    for (text, expected) in [
        ("0", true),
        ("-1", true),
        ("9223372036854775807", true),
        ("-9223372036854775808", true),
        ("9223372036854775808", false),
        ("-9223372036854775809", false),
        ("9999999999999999999", false),
        ("10000000000000000000", false),
        ("", false),
        ("1.0", false),
    ] {
        assert_eq!(fits(&integer, text), expected, "{text}");
        assert_eq!(text.parse::<i64>().is_ok(), expected, "{text}");
    }
    let decimal = pattern::decimal("9223372036854", "775807", true);
    for (text, expected) in [
        ("0", true),
        ("12.50", true),
        ("-0.000001", true),
        ("1.0000001", false),
        ("9223372036854.775807", true),
        ("-9223372036854.775807", true),
        ("9223372036854.775808", false),
        ("9223372036854.7758", true),
        ("9223372036854.78", false),
        ("9223372036853.999999", true),
        ("9223372036855", false),
        ("9223372036854", true),
        (".5", false),
    ] {
        assert_eq!(fits(&decimal, text), expected, "{text}");
    }
    assert!(!fits(&pattern::decimal("9223372036854", "775807", false), "-1"));
}

#[test]
fn patterns_have_samples_and_only_portable_ones_are_told() {
    for expression in ["^[A-Z]{3}-[0-9]+$", "^(cat|dog)s?$", "x", "^[^a]\\d{2,4}$", "^\\p{L}+$"] {
        let sample = pattern::sample(expression).unwrap();
        assert!(regex::Regex::new(expression).unwrap().is_match(&sample), "{expression} {sample}");
    }
    for (expression, expected) in [
        ("^[A-Z]{3}-[0-9]+$", true),
        ("^[\\w.\\-]+@x$", true),
        ("(?:a|b)", true),
        ("(?i)abc", false),
        ("(?P<name>a)", false),
        ("\\p{L}", false),
        ("\\-", false),
        ("[[:alpha:]]", false),
        ("[a&&b]", false),
        ("a\\z", false),
    ] {
        assert_eq!(pattern::portable(expression), expected, "{expression}");
    }
}
