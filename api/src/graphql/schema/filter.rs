//! `where`: conditions on rows, on values, on related rows.

use std::collections::BTreeMap;

use async_graphql::dynamic::{InputObject, InputValue, Type, TypeRef};
use entity::catalog::{Cardinality, Entity};
use entity::predicate::Arity;
use entity::{Catalog, FieldType, IdKind, Op, Scalar};

use super::Builder;
use super::shape::{Inputs, input_name, type_ref};

/// The filters of values that a schema needs, by name: they are generated once, from [`Op::applies`].
#[derive(Default)]
pub(super) struct Filters(BTreeMap<String, (FieldType, bool)>);

impl Filters {
    /// The name of the filter for a type of values.
    pub(super) fn name(&mut self, catalog: &Catalog, ty: FieldType, list: bool) -> String {
        let base = match ty {
            // Ids that the caller makes are text, so they take more operators than the others.
            FieldType::Scalar(Scalar::Id(IdKind::Client)) => "TextID".to_owned(),
            FieldType::Scalar(scalar) => scalar.name().to_owned(),
            FieldType::Enum(id) => catalog.enum_type(id).name.clone(),
            FieldType::Embedded(_) => "Null".to_owned(),
        };
        let name = match (list, ty) {
            (true, FieldType::Embedded(_)) | (false, _) => format!("{base}Filter"),
            (true, _) => format!("{base}ListFilter"),
        };
        self.0.entry(name.clone()).or_insert((ty, list));
        name
    }

    /// The filters that were asked for.
    pub(super) fn types(&self, catalog: &Catalog) -> Vec<Type> {
        let mut types: Vec<Type> =
            self.0.iter().map(|(name, (ty, list))| filter(catalog, name, *ty, *list).into()).collect();
        types.push(count().into());
        types
    }
}

fn filter(catalog: &Catalog, name: &str, ty: FieldType, list: bool) -> InputObject {
    let value = input_name(catalog, ty);
    let mut filter = Inputs::new(name).description("A condition on a value. All operators given must hold.");
    for op in Op::ALL.into_iter().filter(|op| op.applies(ty, list)) {
        // Part of an e-mail address is not an e-mail address.
        let operand = if op.is_pattern() { "String" } else { value.as_str() };
        filter.put(op.name(), InputValue::new(op.name(), operand_type(op, operand)).description(meaning(op)));
    }
    filter.done()
}

fn count() -> InputObject {
    let mut filter = Inputs::new("CountFilter").description("A condition on a number of rows.");
    for op in Op::COUNT {
        filter.put(op.name(), InputValue::new(op.name(), operand_type(op, "Int")).description(meaning(op)));
    }
    filter.done()
}

fn operand_type(op: Op, name: &str) -> TypeRef {
    match op.arity() {
        Arity::One => TypeRef::named(name),
        Arity::Many | Arity::Two => TypeRef::named_nn_list(name),
        Arity::Flag => TypeRef::named(TypeRef::BOOLEAN),
    }
}

fn meaning(op: Op) -> &'static str {
    match op {
        Op::Eq => "Equal to.",
        Op::Ne => "Not equal to; rows without a value don't match.",
        Op::In => "One of. An empty list matches nothing.",
        Op::NotIn => "None of; rows without a value don't match.",
        Op::Gt => "Greater than.",
        Op::Gte => "Greater than or equal to.",
        Op::Lt => "Less than.",
        Op::Lte => "Less than or equal to.",
        Op::Between => "From the first to the second of two values, both included.",
        Op::IsNull => "`true`: there is no value. `false`: there is one.",
        Op::Contains => "Contains this text, taken literally.",
        Op::StartsWith => "Starts with this text, taken literally.",
        Op::EndsWith => "Ends with this text, taken literally.",
        Op::Like => "A pattern: `%` is any text, `_` any character, `\\` makes the next one literal.",
        Op::Ieq => "Equal to, upper and lower case alike.",
        Op::Icontains => "Contains this text, upper and lower case alike.",
        Op::IstartsWith => "Starts with this text, upper and lower case alike.",
        Op::IendsWith => "Ends with this text, upper and lower case alike.",
        Op::Has => "Has this item.",
        Op::HasAny => "Has at least one of these items.",
        Op::HasAll => "Has each of these items.",
    }
}

/// `TrackWhere`.
pub(super) fn rows(builder: &mut Builder<'_>, entity: &Entity) {
    let name = format!("{}Where", entity.name);
    let condition = fields(builder, entity, &name)
        .description(format!("A condition on rows of {}. All that is given must hold.", entity.name));
    builder.push(condition.done());
}

/// The same as a condition on related rows, where some type has such a relation: `TrackWhereRelated`,
/// `TrackWhereList`.
pub(super) fn related(builder: &mut Builder<'_>, entity: &Entity) {
    let one = format!("{}WhereRelated", entity.name);
    if builder.is_used(&one) {
        let mut condition = fields(builder, entity, &one).description(format!(
            "A condition on the related {}; `eq`, `in` and their kin compare its id without reading it.",
            entity.name
        ));
        for op in Op::KEY {
            condition
                .put(op.name(), InputValue::new(op.name(), operand_type(op, "ID")).description(meaning(op)));
        }
        builder.push(condition.done());
    }

    let list = format!("{}WhereList", entity.name);
    if builder.is_used(&list) {
        let row = format!("{}Where", entity.name);
        let mut condition =
            Inputs::new(&list).description(format!("A condition on the related rows of {}.", entity.name));
        for (quantifier, meaning) in [
            ("some", "At least one related row matches. `{}`: there is one."),
            ("none", "No related row matches."),
            ("every", "Each related row matches; true where there is none."),
        ] {
            condition.put(quantifier, InputValue::new(quantifier, TypeRef::named(&row)).description(meaning));
        }
        builder.push(condition.done());
    }
}

fn fields(builder: &mut Builder<'_>, entity: &Entity, name: &str) -> Inputs {
    let mut condition = Inputs::new(name);
    let row = format!("{}Where", entity.name);
    for (word, list, meaning) in [
        ("and", true, "All of them hold. An empty list always holds."),
        ("or", true, "At least one of them holds. An empty list never holds."),
        ("not", false, "It does not hold."),
    ] {
        condition.put(word, InputValue::new(word, type_ref(&row, list, false)).description(meaning));
    }
    let view = builder.view;
    for field in view.filterable(entity) {
        let filter = builder.filters.name(view.catalog, field.ty, field.list);
        condition.add(&field.name, TypeRef::named(filter));
    }
    for relation in view.usable(entity) {
        let target = &view.catalog.target(relation).name;
        match relation.cardinality {
            Cardinality::One => {
                let ty = builder.used(format!("{target}WhereRelated"));
                condition.add(&relation.name, TypeRef::named(ty));
            }
            Cardinality::Many => {
                let ty = builder.used(format!("{target}WhereList"));
                condition.add(&relation.name, TypeRef::named(ty));
                condition.add(&format!("{}Count", relation.name), TypeRef::named("CountFilter"));
            }
        }
    }
    condition
}
