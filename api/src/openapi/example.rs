//! Examples: the same for the same model, and valid.

use entity::catalog::{Check, Default, Entity};
use entity::scalar::IdKind;
use entity::{EntityId, FieldType, Scalar, Value as Checked};
use serde_json::{Map, Value, json};

use super::pattern;
use super::schema::input::needed;
use super::view::{Kind, Member, Type, View, capital};

/// A checked value as both APIs print it.
pub(super) fn printed(ty: FieldType, value: &Checked) -> Value {
    match (ty, value) {
        (FieldType::Scalar(Scalar::BigInt | Scalar::Id(_)), Checked::Int(number)) => {
            number.to_string().into()
        }
        (_, Checked::List(items)) => items.iter().map(|item| printed(ty, item)).collect(),
        (_, value) => value.to_json(),
    }
}

/// The id of the example row of a type.
pub(super) fn id(entity: &Entity) -> Value {
    let number = entity.id.index() + 1;
    match entity.key {
        IdKind::Uuid7 => format!("01936f2e-7b1c-7c3a-9f00-{number:012x}").into(),
        IdKind::Serial => number.to_string().into(),
        IdKind::Client => format!("{}-1", entity.singular).into(),
    }
}

fn id_of(view: &View<'_>, target: EntityId) -> Value {
    id(view.catalog.entity(target))
}

/// A row as it is answered.
pub(super) fn row(view: &View<'_>, ty: &Type<'_>) -> Option<Value> {
    let mut row = Map::new();
    for member in ty.members.iter().filter(|member| member.read) {
        let value = match member.kind {
            Kind::Field(field) if field.id == Entity::KEY => id(ty.entity),
            Kind::Field(field) if field.system == Some(entity::catalog::System::Version) => json!(1),
            Kind::Field(field) if field.system == Some(entity::catalog::System::DeletedAt) => Value::Null,
            Kind::Field(_) => match written(view, ty, member) {
                Some(value) => value,
                None if member.required() => return None,
                None => Value::Null,
            },
            Kind::One(relation, Some(_)) => id_of(view, relation.target),
            Kind::One(_, None) | Kind::Many(_) => continue,
        };
        row.insert(member.name.to_owned(), value);
    }
    Some(Value::Object(row))
}

/// A row to be made.
pub(super) fn create(view: &View<'_>, ty: &Type<'_>) -> Option<Value> {
    new_row(view, ty, true)
}

/// A row to be made under an id of the caller's.
pub(super) fn upsert(view: &View<'_>, ty: &Type<'_>) -> Option<Value> {
    new_row(view, ty, false)
}

fn new_row(view: &View<'_>, ty: &Type<'_>, with_id: bool) -> Option<Value> {
    let mut row = Map::new();
    for member in ty.members.iter().filter(|member| member.create) {
        let needed = needed(ty, member);
        if member.name == "id" && !(with_id && needed) {
            continue;
        }
        let value = match member.kind {
            Kind::Field(field) if field.id == Entity::KEY => Some(id(ty.entity)),
            Kind::Field(field) if field.system.is_some() => None,
            Kind::Field(_) => written(view, ty, member),
            Kind::One(relation, Some(_)) => needed.then(|| id_of(view, relation.target)),
            Kind::One(_, None) | Kind::Many(_) => None,
        };
        match value {
            Some(value) => {
                row.insert(member.name.to_owned(), value);
            }
            None if needed => return None,
            None => {}
        }
    }
    Some(Value::Object(row))
}

/// New values of a row.
pub(super) fn update(view: &View<'_>, ty: &Type<'_>) -> Option<Value> {
    // `deletedAt` can be changed too, but is not what most changes are about.
    let own = |member: &&Member<'_>| matches!(member.kind, Kind::Field(field) if field.system.is_none());
    let plain = ty.members.iter().filter(|member| member.update).filter(own);
    let mut values = plain.filter_map(|member| Some((member.name.to_owned(), written(view, ty, member)?)));
    Some(Value::Object(Map::from_iter([values.next()?])))
}

fn written(view: &View<'_>, ty: &Type<'_>, member: &Member<'_>) -> Option<Value> {
    let Kind::Field(field) = member.kind else { return None };
    if let Some(Default::Value(value)) = &field.default {
        return Some(printed(field.ty, value));
    }
    let mut item = value(view, field.ty, &field.checks, &(&field.name, &ty.entity.singular))?;
    if !field.list {
        return Some(item);
    }
    let least = field.checks.iter().filter_map(|check| check.min_length).max().unwrap_or(1);
    let most = field.checks.iter().filter_map(|check| check.max_length).min().unwrap_or(u64::MAX);
    let count = usize::try_from(least.max(1).min(most)).ok().filter(|count| *count <= 20)?;
    if item.is_object() {
        item = item.take();
        return Some(vec![item; count].into());
    }
    Some(vec![item; count].into())
}

/// A value of a type that keeps to the checks, where one is found. `about` is the field and what it is of.
fn value(view: &View<'_>, ty: FieldType, checks: &[Check], about: &(&String, &String)) -> Option<Value> {
    match ty {
        FieldType::Scalar(scalar) => scalar_value(scalar, checks, about),
        FieldType::Enum(id) => Some(view.catalog.enum_type(id).values.first()?.name.clone().into()),
        FieldType::Embedded(id) => {
            let definition = view.catalog.embedded_type(id);
            let mut object = Map::new();
            for field in
                definition.fields.iter().filter(|field| field.required || field.ty.scalar().is_some())
            {
                let item = value(view, field.ty, &[], &(&field.name, &definition.name))?;
                object.insert(field.name.clone(), if field.list { vec![item].into() } else { item });
            }
            Some(Value::Object(object))
        }
    }
}

fn scalar_value(scalar: Scalar, checks: &[Check], about: &(&String, &String)) -> Option<Value> {
    let value = match scalar {
        Scalar::Id(IdKind::Uuid7) | Scalar::Uuid => json!("01936f2e-7b1c-7c3a-9f00-0000000000ff"),
        Scalar::Id(IdKind::Serial) => json!("1"),
        Scalar::Id(IdKind::Client) | Scalar::String => return text(checks, about).map(Value::from),
        Scalar::Int => json!(within(1.0, checks)? as i64),
        Scalar::Float => json!(within(1.5, checks)?),
        Scalar::Boolean => json!(true),
        Scalar::BigInt => json!((within(42.0, checks)? as i64).to_string()),
        Scalar::Decimal => return decimal(checks),
        Scalar::Date => json!("2026-01-31"),
        Scalar::DateTime => json!("2026-01-31T12:00:00Z"),
        Scalar::Json => json!({ "key": "value" }),
        Scalar::Email => json!("ada@example.com"),
        Scalar::Url => json!("https://example.com/"),
    };
    Some(value)
}

fn bounds(checks: &[Check]) -> (Option<&Checked>, Option<&Checked>) {
    (checks.iter().find_map(|check| check.min.as_ref()), checks.iter().find_map(|check| check.max.as_ref()))
}

fn number(value: &Checked) -> Option<f64> {
    match value {
        Checked::Int(number) => Some(*number as f64),
        Checked::Float(number) => Some(*number),
        Checked::Decimal(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

fn within(wanted: f64, checks: &[Check]) -> Option<f64> {
    let (min, max) = bounds(checks);
    let least = min.and_then(number).unwrap_or(f64::NEG_INFINITY);
    let most = max.and_then(number).unwrap_or(f64::INFINITY);
    (least <= most).then(|| wanted.max(least).min(most))
}

fn decimal(checks: &[Check]) -> Option<Value> {
    let (min, max) = bounds(checks);
    let wanted = 9.99;
    match (min, max) {
        (Some(min), _) if number(min)? > wanted => Some(min.to_json()),
        (_, Some(max)) if number(max)? < wanted => Some(max.to_json()),
        _ => Some(json!("9.99")),
    }
}

/// "Name of a track": long enough, not too long, and of the wanted pattern.
fn text(checks: &[Check], (field, of): &(&String, &String)) -> Option<String> {
    let least = checks.iter().filter_map(|check| check.min_length).max().unwrap_or(0);
    let most = checks.iter().filter_map(|check| check.max_length).min().unwrap_or(u64::MAX);
    if let Some(expression) = checks.iter().find_map(|check| check.pattern.as_deref()) {
        let found = pattern::sample(expression)?;
        let length = found.chars().count() as u64;
        return (least <= length && length <= most).then_some(found);
    }
    let words = format!("{} of the {}", words(field), words(of).to_lowercase());
    let least = usize::try_from(least).ok().filter(|least| *least <= 10_000)?;
    let mut text: String = words.chars().take(usize::try_from(most).unwrap_or(usize::MAX)).collect();
    while text.chars().count() < least {
        text.push('.');
    }
    Some(text)
}

/// `releasedOn` as "Released on".
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        match letter {
            '_' => words.push(' '),
            letter if letter.is_uppercase() && !words.is_empty() => {
                words.push(' ');
                words.extend(letter.to_lowercase());
            }
            letter => words.push(letter),
        }
    }
    capital(&words)
}
