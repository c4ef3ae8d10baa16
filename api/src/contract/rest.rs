//! Two OpenAPI documents: what was answered must be answered still, and answers must be what they were.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Api, Effect, Finding};

/// Schemas within schemas that are followed.
const DEPTH: usize = 40;

/// Values that are told of one change.
const TOLD: usize = 4;

/// What a client of the old document meets in the new one.
pub(super) fn compare(old: &Value, new: &Value) -> Vec<Finding> {
    let mut diff = Diff { old, new, found: Vec::new(), seen: BTreeSet::new() };
    for (path, methods) in entries(&old["paths"]) {
        for (method, operation) in entries(methods) {
            let place = format!("{} {path}", method.to_uppercase());
            match new["paths"][path].get(method) {
                Some(other) => diff.operation(&place, operation, other),
                None => diff.note(Effect::Breaking, place, "is gone"),
            }
        }
    }
    for (path, methods) in entries(&new["paths"]) {
        for (method, _) in entries(methods).filter(|(method, _)| old["paths"][path].get(method).is_none()) {
            diff.note(Effect::Compatible, format!("{} {path}", method.to_uppercase()), "is new");
        }
    }
    diff.found
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Which way a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// From the client: the new document has to take what the old one took.
    In,
    /// To the client: the new document may answer only what the old one did.
    Out,
}

struct Diff<'a> {
    old: &'a Value,
    new: &'a Value,
    found: Vec<Finding>,
    /// Pairs of named schemas that were compared, or are being compared.
    seen: BTreeSet<(Way, String, String)>,
}

impl<'a> Diff<'a> {
    fn note(&mut self, effect: Effect, place: impl Into<String>, change: impl Into<String>) {
        self.found.push(Finding::new(effect, Api::Rest, place, change));
    }

    fn operation(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        let (before, after) = (parameters(self.old, old), parameters(self.new, new));
        for (name, parameter) in &before {
            let place = format!("{place}?{name}");
            match after.iter().find(|(other, _)| other == name) {
                Some((_, other)) => {
                    if is_required(other) && !is_required(parameter) {
                        self.note(Effect::Breaking, &place, "has to be given");
                    }
                    self.schema(Way::In, &place, content(parameter), content(other), 0);
                }
                None => self.note(Effect::Breaking, place, "is gone"),
            }
        }
        for (name, parameter) in
            after.iter().filter(|(name, _)| before.iter().all(|(known, _)| known != name))
        {
            let place = format!("{place}?{name}");
            match is_required(parameter) {
                true => self.note(Effect::Breaking, place, "is new and has to be given"),
                false => self.note(Effect::Compatible, place, "is new"),
            }
        }
        let (before, after) =
            (resolve(self.old, &old["requestBody"]), resolve(self.new, &new["requestBody"]));
        self.bodies(Way::In, &format!("{place} body"), before, after);
        for (status, response) in entries(&old["responses"]).filter(|(status, _)| status.starts_with('2')) {
            match new["responses"].get(status) {
                Some(other) => {
                    let (before, after) = (resolve(self.old, response), resolve(self.new, other));
                    self.bodies(Way::Out, &format!("{place} {status}"), before, after);
                }
                None => self.note(Effect::Breaking, format!("{place} {status}"), "is gone"),
            }
        }
    }

    /// Bodies by media type.
    fn bodies(&mut self, way: Way, place: &str, old: &'a Value, new: &'a Value) {
        if is_required(new) && !is_required(old) && way == Way::In {
            self.note(Effect::Breaking, place, "has to be given");
        }
        for (media, body) in entries(&old["content"]) {
            match new["content"].get(media) {
                Some(other) => self.schema(way, place, &body["schema"], &other["schema"], 0),
                None => self.note(Effect::Breaking, place, format!("is no longer `{media}`")),
            }
        }
    }

    /// Compares schemas of the old and the new document.
    fn schema(&mut self, way: Way, place: &str, old: &'a Value, new: &'a Value, depth: usize) {
        if depth > DEPTH {
            return;
        }
        let mut place = place.to_owned();
        if let (Some(before), Some(after)) = (named(old), named(new)) {
            if !self.seen.insert((way, before.to_owned(), after.to_owned())) {
                return;
            }
            // What many operations share is told once, by its own name.
            place = before.to_owned();
        }
        let (old, new) = (resolve(self.old, old), resolve(self.new, new));
        let (before, after) = (branches(old), branches(new));
        if before.len() > 1 || after.len() > 1 {
            return self.choice(way, &place, &before, &after, depth);
        }
        self.kinds(way, &place, old, new);
        self.values(way, &place, old, new);
        self.bounds(way, &place, old, new);
        self.properties(way, &place, old, new, depth);
        if old["items"].is_object() && new["items"].is_object() {
            self.schema(way, &format!("{place}[]"), &old["items"], &new["items"], depth + 1);
        }
    }

    /// Each of what comes must be one of what is taken. Alternatives are known by what they are, by name, by type.
    fn choice(&mut self, way: Way, place: &str, old: &[&'a Value], new: &[&'a Value], depth: usize) {
        let (before, after) = (self.old, self.new);
        let typed = |document, schema| types(resolve(document, schema));
        for one in if way == Way::In { old } else { new } {
            let (here, there, taken) =
                if way == Way::In { (before, after, new) } else { (after, before, old) };
            let found = taken.iter().find(|other| *other == one);
            let found = found
                .or_else(|| taken.iter().find(|other| named(one).is_some() && named(other) == named(one)));
            let found = found
                .or_else(|| taken.iter().find(|other| !typed(there, other).is_disjoint(&typed(here, one))));
            match (found, way) {
                (Some(other), Way::In) => self.schema(way, place, one, other, depth + 1),
                (Some(other), Way::Out) => self.schema(way, place, other, one, depth + 1),
                (None, Way::In) => {
                    self.note(
                        Effect::Breaking,
                        place,
                        format!("can't be {} any more", describe(resolve(here, one))),
                    );
                }
                (None, Way::Out) => {
                    self.note(Effect::Breaking, place, format!("can be {}", describe(resolve(here, one))));
                }
            }
        }
    }

    fn kinds(&mut self, way: Way, place: &str, old: &Value, new: &Value) {
        let (before, after) = (types(old), types(new));
        if before.is_empty() && after.is_empty() {
            return;
        }
        let (given, taken) = if way == Way::In { (&before, &after) } else { (&after, &before) };
        // An integer is a number.
        let fits = |kind: &String| taken.contains(kind) || kind == "integer" && taken.contains("number");
        let narrowed = if taken.is_empty() { false } else { given.is_empty() || !given.iter().all(fits) };
        let format = old.get("format") != new.get("format")
            && !before.contains("integer")
            && !before.contains("number");
        if narrowed || format && before == after {
            self.note(Effect::Breaking, place, format!("was {} and is {}", describe(old), describe(new)));
        } else if before != after {
            self.note(Effect::Compatible, place, format!("was {} and is {}", describe(old), describe(new)));
        }
    }

    fn values(&mut self, way: Way, place: &str, old: &Value, new: &Value) {
        let list = |schema: &Value| schema["enum"].as_array().cloned();
        let (Some(before), Some(after)) = (list(old), list(new)) else {
            let narrowed = if way == Way::In { new.get("enum") } else { None };
            if narrowed.is_some() && old.get("enum").is_none() {
                self.note(Effect::Breaking, place, "takes only some values");
            }
            return;
        };
        let gone: Vec<_> = before.iter().filter(|value| !after.contains(value)).collect();
        if !gone.is_empty() {
            let effect = if way == Way::In { Effect::Breaking } else { Effect::Compatible };
            self.note(effect, place, format!("is no longer {}", one_of(&gone)));
        }
        let more: Vec<_> = after.iter().filter(|value| !before.contains(value)).collect();
        if !more.is_empty() {
            let effect = if way == Way::In { Effect::Compatible } else { Effect::Risky };
            self.note(effect, place, format!("can be {}", one_of(&more)));
        }
    }

    /// Limits of what is sent; answers are what they are.
    fn bounds(&mut self, way: Way, place: &str, old: &Value, new: &Value) {
        if way == Way::Out {
            return;
        }
        for (key, upper) in [
            ("minimum", false),
            ("exclusiveMinimum", false),
            ("minLength", false),
            ("minItems", false),
            ("maximum", true),
            ("exclusiveMaximum", true),
            ("maxLength", true),
            ("maxItems", true),
        ] {
            let (before, after) = (old[key].as_f64(), new[key].as_f64());
            let Some(after) = after else { continue };
            let tighter = before.is_none_or(|before| if upper { after < before } else { after > before });
            if tighter {
                self.note(Effect::Breaking, place, format!("has the {key} {}", new[key]));
            }
        }
        if new["pattern"].is_string() && new["pattern"] != old["pattern"] {
            self.note(Effect::Breaking, place, "has another pattern");
        }
    }

    fn properties(&mut self, way: Way, place: &str, old: &'a Value, new: &'a Value, depth: usize) {
        let (Some(before), Some(after)) = (old["properties"].as_object(), new["properties"].as_object())
        else {
            return;
        };
        for (name, property) in before {
            let place = format!("{place}.{name}");
            let Some(other) = after.get(name) else {
                self.note(Effect::Breaking, place, "is gone");
                continue;
            };
            match (way, requires(old, name), requires(new, name)) {
                (Way::In, false, true) => self.note(Effect::Breaking, &place, "has to be given"),
                (Way::Out, true, false) => self.note(Effect::Breaking, &place, "may be missing"),
                _ => {}
            }
            self.schema(way, &place, property, other, depth + 1);
        }
        for name in after.keys().filter(|name| !before.contains_key(*name)) {
            let place = format!("{place}.{name}");
            match way == Way::In && requires(new, name) {
                true => self.note(Effect::Breaking, place, "is new and has to be given"),
                false => self.note(Effect::Compatible, place, "is new"),
            }
        }
    }
}

/// What a reference leads to; the value itself where it is none.
fn resolve<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    for _ in 0..DEPTH {
        let Some(pointer) = value["$ref"].as_str().and_then(|text| text.strip_prefix('#')) else { break };
        value = document.pointer(pointer).unwrap_or(&Value::Null);
    }
    value
}

fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str().and_then(|text| text.rsplit('/').next())
}

/// Parameters by name, with the references followed.
fn parameters<'a>(document: &'a Value, operation: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let list = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let resolved = list.iter().map(|parameter| resolve(document, parameter));
    resolved.filter_map(|parameter| Some((parameter["name"].as_str()?, parameter))).collect()
}

fn content(parameter: &Value) -> &Value {
    match parameter.get("schema") {
        Some(schema) => schema,
        None => &parameter["content"]["application/json"]["schema"],
    }
}

fn is_required(value: &Value) -> bool {
    value["required"] == Value::Bool(true)
}

fn requires(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name))
}

/// The alternatives of a schema; itself where there are none.
fn branches(schema: &Value) -> Vec<&Value> {
    let list = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
    list.map_or_else(|| vec![schema], |list| list.iter().collect())
}

fn types(schema: &Value) -> BTreeSet<String> {
    match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.clone()]),
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    }
}

/// Some of many values.
fn one_of(values: &[&Value]) -> String {
    let told: Vec<_> = values.iter().take(TOLD).map(|value| value.to_string()).collect();
    match values.len().saturating_sub(TOLD) {
        0 => told.join(" or "),
        more => format!("{} or {more} more", told.join(", ")),
    }
}

fn describe(schema: &Value) -> String {
    let kinds = types(schema).into_iter().collect::<Vec<_>>().join(" or ");
    match (kinds.is_empty(), schema["format"].as_str()) {
        (true, _) => "anything".to_owned(),
        (false, Some(format)) => format!("`{kinds}` ({format})"),
        (false, None) => format!("`{kinds}`"),
    }
}
