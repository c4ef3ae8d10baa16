//! Parameters of operations.

pub(super) mod filter;

use std::collections::HashSet;

use entity::scalar::IdKind;
use entity::{EntityId, FieldType, Scalar};
use serde_json::{Map, Value, json};
use service::engine::GROUPS;
use service::engine::request::Function;

use super::fragment::Fragments;
use super::schema::{Registry, aggregate, condition, list, maybe, object, put, scalar};
use super::view::{Kind, Type, View};

/// Terms an order may have, as the engine has it.
const TERMS: usize = 8;

/// The shared parameters of a document while it is being written.
#[derive(Default)]
pub(super) struct Parameters {
    written: Fragments,
    begun: HashSet<String>,
}

impl Parameters {
    /// Writes a parameter when it is first wanted.
    pub(super) fn write(&mut self, key: &str, parameter: impl FnOnce() -> Value) {
        if self.begun.insert(key.to_owned()) {
            self.written.push(key.to_owned(), &parameter());
        }
    }

    /// All of them.
    pub(super) fn finish(self) -> Fragments {
        self.written.sorted()
    }
}

/// A reference to a shared parameter.
pub(super) fn shared(name: &str) -> Value {
    object([("$ref", format!("#/components/parameters/{name}").into())])
}

/// A parameter of the query string.
pub(super) fn query(name: &str, schema: Value, description: &str) -> Value {
    object([
        ("name", name.into()),
        ("in", "query".into()),
        ("description", description.into()),
        ("schema", schema),
    ])
}

/// A list in one parameter, its items separated by commas.
pub(super) fn listed(name: &str, items: Value, description: &str) -> Value {
    object([
        ("name", name.into()),
        ("in", "query".into()),
        ("description", description.into()),
        ("style", "form".into()),
        ("explode", false.into()),
        ("schema", list(items)),
    ])
}

/// A parameter that is written as JSON.
fn encoded(name: &str, schema: Value, description: &str) -> Value {
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "content": { "application/json": { "schema": schema } },
    })
}

fn header(name: &str, schema: Value, description: &str) -> Value {
    json!({ "name": name, "in": "header", "description": description, "schema": schema })
}

/// The parameters that do not hang on a type, by the key they are shared under.
pub(super) fn fixed(view: &View<'_>) -> Map<String, Value> {
    // No examples here: a tester would send them, and be told that they don't fit the data.
    let tags = || {
        json!({ "anyOf": [
            { "const": "*" },
            { "type": "string", "pattern": "^(W/)?\"[!#-~]*\"( *, *(W/)?\"[!#-~]*\")*$" },
        ] })
    };
    let cursor = || json!({ "type": "string" });
    let prefer = |text: &str| {
        header(
            "Prefer",
            json!({ "type": "string" }),
            &format!(
                "{text} `handling=strict` makes an error of a preference that is not understood. (RFC 7240)"
            ),
        )
    };
    Map::from_iter(
        [
            ("after", query("after", cursor(), "Rows after this cursor, which `next` of an answer has.")),
            ("before", query("before", cursor(), "Rows before this cursor.")),
            (
                "offset",
                query("offset", json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": view.limits.offset, "default": 0 }), "Rows to skip. Cursors are faster and do not skip rows by accident."),
            ),
            (
                "preferList",
                prefer("`count=exact` also counts the rows on all pages."),
            ),
            (
                "preferWrite",
                prefer("`return=minimal` leaves the body out; `tx=rollback` tries, answers, and changes nothing."),
            ),
            (
                "preferMany",
                prefer("`max-affected=N` refuses to change more rows than this (100 when left out); `tx=rollback` tries, answers, and changes nothing."),
            ),
            ("ifMatch", header("If-Match", tags(), "The `ETag` that the row must still have, or `*`: otherwise 412.")),
            ("ifNoneMatch", header("If-None-Match", tags(), "The `ETag` of what is known already: 304 when nothing has changed.")),
            (
                "createOnly",
                header("If-None-Match", tags(), "`*` creates only: 412 when the row is there. An `ETag`: 412 when the row is as it says."),
            ),
            (
                "idempotencyKey",
                header("Idempotency-Key", json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$" }), "Repeating a request under the same key does nothing and gives the same answer again."),
            ),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    )
}

/// The id in the path.
pub(super) fn id<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    let mut schema = scalar::query(view, registry, FieldType::Scalar(Scalar::Id(ty.entity.key)));
    if ty.entity.key == IdKind::Client {
        put(&mut schema, "minLength", 1);
    }
    json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": format!("The id of the {}.", ty.entity.singular),
        "schema": schema,
        "example": super::example::id(ty.entity),
    })
}

/// `limit` of a type.
pub(super) fn limit(ty: &Type<'_>) -> Value {
    let schema = json!({
        "type": "integer",
        "format": "int64",
        "minimum": 0,
        "maximum": ty.entity.limit.max,
        "default": ty.entity.limit.default,
    });
    query("limit", schema, "Rows on the page, at most.")
}

/// `starting_after` and `ending_before` of a type.
pub(super) fn places<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> [Value; 2] {
    let schema = scalar::query(view, registry, FieldType::Scalar(Scalar::Id(ty.entity.key)));
    [
        query("starting_after", schema.clone(), "Rows after the one with this id."),
        query("ending_before", schema, "Rows before the one with this id."),
    ]
}

/// `where` of a type.
pub(super) fn condition<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    let schema = condition::condition(view, ty, registry);
    encoded("where", schema, "A condition, as JSON. Joined with the others by and.")
}

/// `sort` of a type.
pub(super) fn sort<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Option<Value> {
    let names = sortable(view, ty);
    if names.is_empty() {
        return None;
    }
    let items = registry.named(&ty.names.sort, move |_| {
        let text = format!("A field to sort {} by; `-` sorts from high to low.", ty.entity.plural);
        json!({ "type": "string", "enum": names, "description": text })
    });
    let text = "Fields to sort by; `-` before one sorts from high to low. The id decides between equals.";
    let mut sort = listed("sort", items, text);
    if let Some(schema) = sort.get_mut("schema") {
        put(schema, "maxItems", TERMS);
        put(schema, "uniqueItems", true);
    }
    Some(sort)
}

fn sortable(view: &View<'_>, ty: &Type<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for member in ty.members.iter().filter(|member| member.filter) {
        match member.kind {
            Kind::Field(field) if ordered(field.ty, field.list) => {
                both(&mut names, member.name);
                if !field.required {
                    let ends = [".nullsfirst", ".nullslast"];
                    ends.iter().for_each(|end| both(&mut names, &format!("{}{end}", member.name)));
                }
            }
            Kind::One(relation, Some(_)) => {
                both(&mut names, member.name);
                let Some(target) = view.readable(relation.target).filter(|_| !view.brief) else { continue };
                for inner in target.members.iter().filter(|inner| inner.filter) {
                    if let Kind::Field(field) = inner.kind
                        && ordered(field.ty, field.list)
                    {
                        both(&mut names, &format!("{}.{}", member.name, inner.name));
                    }
                }
            }
            Kind::Field(_) | Kind::One(_, None) | Kind::Many(_) => {}
        }
    }
    names
}

fn both(names: &mut Vec<String>, name: &str) {
    names.push(name.to_owned());
    names.push(format!("-{name}"));
}

fn ordered(ty: FieldType, many: bool) -> bool {
    match ty {
        FieldType::Scalar(scalar) => !many && scalar != Scalar::Json,
        FieldType::Enum(_) => !many,
        FieldType::Embedded(_) => false,
    }
}

/// `fields` and, where there are relations, `expand` of a type.
pub(super) fn selection<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Vec<Value> {
    let mut names = Vec::new();
    for member in ty.members.iter().filter(|member| member.read) {
        let target = match member.kind {
            Kind::Field(_) => {
                names.push(member.name.to_owned());
                continue;
            }
            Kind::One(relation, key) => {
                if key.is_some() {
                    names.push(member.name.to_owned());
                }
                relation.target
            }
            Kind::Many(relation) => relation.target,
        };
        let Some(target) = view.readable(target).filter(|_| !view.brief) else { continue };
        let inner = target
            .members
            .iter()
            .filter(|inner| inner.read && !matches!(inner.kind, Kind::Many(_) | Kind::One(_, None)));
        names.extend(inner.map(|inner| format!("{}.{}", member.name, inner.name)));
    }
    let items = registry.named(&ty.names.field, move |_| {
        json!({ "type": "string", "enum": names, "description": format!("A field of a {} to be in the answer.", ty.entity.singular) })
    });
    let mut parameters = vec![listed(
        "fields",
        items,
        "Only these fields are in the answer; all of the row's own when left out.",
    )];
    parameters.extend(expand(view, ty, registry));
    parameters.extend(expanded(view, ty, registry));
    parameters
}

/// What an expanded list has for itself. Those of lists further down are named alike, with the whole path.
fn expanded<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Vec<Value> {
    let mut parameters = Vec::new();
    for member in ty.members.iter().filter(|member| member.read && !view.brief) {
        let Kind::Many(relation) = member.kind else { continue };
        let Some(target) = view.readable(relation.target) else { continue };
        let named = |mut parameter: Value, what: &str, text: &str| {
            let name = format!("{what}[{}]", member.name);
            let text = format!(
                "{text} `expand={}` comes with it; lists further down are named by their path, as in `{what}[{}.…]`.",
                member.name, member.name
            );
            put(&mut parameter, "name", name);
            put(&mut parameter, "description", text);
            parameter
        };
        parameters.push(named(limit(target), "limit", "Rows of the expanded list, at most."));
        if let Some(sort) = sort(view, target, registry) {
            parameters.push(named(sort, "sort", "What the expanded list is sorted by."));
        }
        let condition = condition(view, target, registry);
        parameters.push(named(condition, "where", "Which rows the expanded list has."));
    }
    parameters
}

fn expand<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Option<Value> {
    let names = relations(view, ty, 2);
    if names.is_empty() {
        return None;
    }
    let items = registry.named(&ty.names.expand, move |_| {
        json!({ "type": "string", "enum": names, "description": format!("A relation of a {} to be in the answer.", ty.entity.singular) })
    });
    Some(listed("expand", items, "Relations whose rows stand in the answer, instead of their ids."))
}

fn relations(view: &View<'_>, ty: &Type<'_>, depth: usize) -> Vec<String> {
    let mut names = Vec::new();
    for member in ty.members.iter().filter(|member| member.read) {
        let Some(target) = target(member.kind).and_then(|target| view.readable(target)) else { continue };
        names.push(member.name.to_owned());
        if depth > 1 && !view.brief {
            names.extend(
                relations(view, target, depth - 1).iter().map(|below| format!("{}.{below}", member.name)),
            );
        }
    }
    names
}

fn target(kind: Kind<'_>) -> Option<EntityId> {
    match kind {
        Kind::Field(_) => None,
        Kind::One(relation, _) | Kind::Many(relation) => Some(relation.target),
    }
}

/// The parameters of an aggregate, the filters apart.
pub(super) fn aggregate<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Vec<Value> {
    let enumerated = |names: Vec<String>| json!({ "type": "string", "enum": names });
    let mut groups = listed(
        "group",
        enumerated(aggregate::group_names(ty)),
        "What the rows of a group have in common: fields, to-one relations, and times down to a unit (`createdAt:month`). All rows are one group when left out.",
    );
    if let Some(schema) = groups.get_mut("schema") {
        put(schema, "maxItems", GROUPS);
        put(schema, "uniqueItems", true);
    }
    let mut parameters = vec![groups];
    for function in Function::ALL {
        let names = aggregate::measured(ty, function);
        if !names.is_empty() {
            let text = match function {
                Function::Sum => "Fields to add up.",
                Function::Avg => "Fields to take the average of.",
                Function::Min => "Fields to take the least value of.",
                Function::Max => "Fields to take the greatest value of.",
            };
            parameters.push(listed(function.name(), json!({ "type": "string", "enum": names }), text));
        }
    }
    let having = aggregate::having(view, ty, registry);
    parameters.push(encoded("having", having, "A condition on groups, as JSON."));
    parameters.extend(["having.eq", "having.gt", "having.gte", "having.lt", "having.lte"].map(shared));
    parameters.push(listed(
        "sort",
        enumerated(aggregate::sort_names(ty)),
        "What to sort groups by: `count`, a number such as `-sum.price`, or what is grouped by.",
    ));
    let limit = json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": view.limits.groups });
    parameters.push(query("limit", limit, "Groups, at most; 100 when left out."));
    let mut expandable: Vec<_> = Vec::new();
    for member in ty.members.iter().filter(|member| member.filter) {
        if let Kind::One(relation, Some(_)) = member.kind
            && view.readable(relation.target).is_some()
        {
            expandable.push(member.name.to_owned());
        }
    }
    if !expandable.is_empty() {
        parameters.push(listed(
            "expand",
            enumerated(expandable),
            "Relations grouped by whose rows stand in the keys, instead of their ids.",
        ));
    }
    parameters.push(condition(view, ty, registry));
    parameters
}

/// `having[count][…]`, by the key each is shared under.
pub(super) fn having() -> Map<String, Value> {
    let operators = [
        ("eq", "equal to"),
        ("gt", "greater than"),
        ("gte", "at least"),
        ("lt", "less than"),
        ("lte", "at most"),
    ];
    let schema = || json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX });
    operators
        .iter()
        .map(|(op, words)| {
            let text = format!("Only groups whose number of rows is {words} this.");
            (format!("having.{op}"), query(&format!("having[count][{op}]"), schema(), &text))
        })
        .collect()
}

/// Says that a parameter should not be used any more.
pub(super) fn deprecate(parameter: &mut Value, reason: Option<&str>) {
    maybe(parameter, "deprecated", reason.map(|_| true));
}
