//! One parameter for each field and operator: `name`, `name[contains]`, `album[in]`, `tracksCount[gt]`.
//!
//! OpenAPI can't say "this object, or a plain value, under one name" (`deepObject` has no plain form), so each
//! parameter is written out with its own type: a client that is generated from the document knows them all.

use entity::predicate::Arity;
use entity::{FieldType, Op, Scalar};
use serde_json::{Value, json};

use super::super::schema::condition::meaning;
use super::super::schema::{Registry, put, scalar};
use super::super::view::{Kind, Member, Type, View};
use super::{Parameters, deprecate, listed, query, shared};

/// More filters than this are not written out one by one: the document would be several megabytes. What is left out
/// then can still be used, and is in the schema of `where`.
pub(in super::super) const WRITTEN_OUT: usize = 10_000;

/// Which filters a type has: the parameter's name without brackets, and its operators.
struct Filter<'v> {
    base: String,
    member: &'v Member<'v>,
    ty: FieldType,
    many: bool,
    ops: Vec<Op>,
}

/// How many filters there would be if all were written out.
pub(in super::super) fn count(view: &View<'_>) -> usize {
    view.types()
        .filter(|ty| ty.read)
        .map(|ty| all(view, ty).iter().map(|filter| filter.ops.len()).sum::<usize>())
        .sum()
}

fn all<'v>(view: &View<'_>, ty: &'v Type<'v>) -> Vec<Filter<'v>> {
    ty.members.iter().filter(|member| member.filter).filter_map(|member| of(view, member)).collect()
}

fn of<'v>(view: &View<'_>, member: &'v Member<'v>) -> Option<Filter<'v>> {
    let (base, ty, many, possible) = match member.kind {
        Kind::Field(field) => {
            let possible = Op::ALL.into_iter().filter(|op| op.applies(field.ty, field.list)).collect();
            (member.name.to_owned(), field.ty, field.list, possible)
        }
        Kind::One(relation, Some(key)) => {
            view.readable(relation.target)?;
            (member.name.to_owned(), key.ty, false, Op::KEY.to_vec())
        }
        Kind::One(_, None) => return None,
        Kind::Many(relation) => {
            view.readable(relation.target)?;
            (format!("{}Count", member.name), FieldType::Scalar(Scalar::BigInt), false, Op::COUNT.to_vec())
        }
    };
    let possible: Vec<Op> = possible;
    let ops = possible
        .into_iter()
        .filter(|op| worthwhile(*op, ty, member) && (!view.brief || frequent(*op, ty)))
        .collect();
    Some(Filter { base, member, ty, many, ops })
}

/// Whether the operator can tell rows apart that others do not tell apart more plainly.
fn worthwhile(op: Op, ty: FieldType, member: &Member<'_>) -> bool {
    match op {
        Op::IsNull => !member.required() || member.masked,
        Op::Ne | Op::In | Op::NotIn => ty != FieldType::Scalar(Scalar::Boolean),
        _ => true,
    }
}

fn frequent(op: Op, ty: FieldType) -> bool {
    match op {
        Op::Eq | Op::IsNull | Op::Has => true,
        Op::In => matches!(ty, FieldType::Enum(_) | FieldType::Scalar(Scalar::Id(_))),
        Op::Gte | Op::Lt => ty
            .scalar()
            .is_some_and(|scalar| !scalar.is_text() && !matches!(scalar, Scalar::Id(_) | Scalar::Uuid)),
        Op::Icontains => true,
        _ => false,
    }
}

/// The filters of a type, as references to parameters that are put into `written` when they are first wanted.
/// Names in `reserved` mean something else when they stand alone.
pub(in super::super) fn parameters<'v>(
    view: &'v View<'v>,
    ty: &'v Type<'v>,
    registry: &mut Registry<'v>,
    written: &mut Parameters,
    reserved: &[&str],
) -> Vec<Value> {
    let mut references = Vec::new();
    for filter in all(view, ty) {
        for op in &filter.ops {
            // `having[…]` of an aggregate has a grammar of its own.
            if filter.base == "having" && reserved.contains(&"having") {
                continue;
            }
            let plain = *op == Op::Eq && !reserved.contains(&filter.base.as_str());
            let key = if plain {
                format!("{}.{}", ty.entity.name, filter.base)
            } else {
                format!("{}.{}.{}", ty.entity.name, filter.base, op.name())
            };
            references.push(shared(&key));
            written.write(&key, || parameter(view, &filter, *op, plain, registry));
        }
    }
    references
}

fn parameter<'v>(
    view: &'v View<'v>,
    filter: &Filter<'v>,
    op: Op,
    plain: bool,
    registry: &mut Registry<'v>,
) -> Value {
    let name = if plain { filter.base.clone() } else { format!("{}[{}]", filter.base, op.name()) };
    let item = match (filter.member.kind, op) {
        (_, Op::IsNull) => json!({ "type": "boolean" }),
        (Kind::Many(_), _) => {
            json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX })
        }
        (Kind::Field(_) | Kind::One(..), op) if op.is_pattern() => json!({ "type": "string" }),
        (Kind::Field(_) | Kind::One(..), _) => scalar::query(view, registry, filter.ty),
    };
    let said = match (op, filter.many) {
        (Op::Eq, _) => format!("`{}` equals this.", filter.base),
        (op, _) => format!("`{}`: {}", filter.base, meaning(op)),
    };
    let mut parameter = match op.arity() {
        Arity::One | Arity::Flag => query(&name, item, &said),
        Arity::Many | Arity::Two => listed(&name, item, &said),
    };
    if let (Arity::Two, Some(schema)) = (op.arity(), parameter.get_mut("schema")) {
        put(schema, "minItems", 2);
        put(schema, "maxItems", 2);
    }
    deprecate(&mut parameter, filter.member.deprecated());
    parameter
}
