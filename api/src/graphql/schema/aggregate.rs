//! Groups of rows and numbers about them.

use async_graphql::dynamic::{Enum, Field, InputValue, TypeRef};
use entity::catalog::{Cardinality, Entity, Field as Column, System};
use entity::{FieldType, Scalar};
use service::engine::measure_type;
use service::engine::request::Function;

use super::Builder;
use super::object::searchable;
use super::shape::{Inputs, Outputs, output_name, picked, type_ref};

/// Whether rows can be grouped by a field.
fn groupable(field: &Column) -> bool {
    !field.list
        && !matches!(field.ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json | Scalar::Id(_)))
}

/// Part of the names of the types around a function; the least and the greatest share theirs.
fn stem(function: Function) -> &'static str {
    match function {
        Function::Sum => "Sum",
        Function::Avg => "Average",
        Function::Min | Function::Max => "Extreme",
    }
}

fn meaning(function: Function) -> &'static str {
    match function {
        Function::Sum => "Sums; null where no row has a value.",
        Function::Avg => "Averages; null where no row has a value.",
        Function::Min => "Least values; null where no row has a value.",
        Function::Max => "Greatest values; null where no row has a value.",
    }
}

/// Fields with the type of a function's value.
type Measured<'a> = Vec<(&'a Column, FieldType)>;

/// The types of a type's groups; the root field that gives them.
pub(super) fn groups(builder: &mut Builder<'_>, entity: &Entity) {
    let view = builder.view;
    // How often rows were changed is nothing to add up.
    let fields: Vec<&Column> =
        view.filterable(entity).filter(|field| field.system != Some(System::Version)).collect();
    let measured: Vec<(Function, Measured<'_>)> = Function::ALL
        .into_iter()
        .map(|function| {
            (
                function,
                fields
                    .iter()
                    .filter_map(|field| {
                        Some((*field, measure_type(function, field.ty).filter(|_| !field.list)?))
                    })
                    .collect(),
            )
        })
        .filter(|(_, fields): &(Function, Measured<'_>)| !fields.is_empty())
        .collect();
    let has_key = keys(builder, entity, &fields);
    output(builder, entity, &measured, has_key);
    having(builder, entity, &measured);
    order(builder, entity, &measured, has_key);
}

fn keys(builder: &mut Builder<'_>, entity: &Entity, fields: &[&Column]) -> bool {
    let name = &entity.name;
    let view = builder.view;
    let mut names = Vec::new();
    let mut key = Outputs::new(format!("{name}AggregateKey"))
        .description("What the rows of a group have in common; null for what was not grouped by.");
    let mut order = Inputs::new(format!("{name}OrderByKey")).oneof().description("Order by one group key.");
    for field in fields.iter().filter(|field| groupable(field)) {
        key.add(&field.name, type_ref(output_name(view.catalog, field.ty), false, false));
        order.add(&field.name, TypeRef::named("SortDirection"));
        names.push(field.name.clone());
    }
    for relation in view.usable(entity).filter(|relation| relation.cardinality == Cardinality::One) {
        key.add(&relation.name, TypeRef::named(&view.catalog.target(relation).name));
        order.add(&relation.name, TypeRef::named("SortDirection"));
        names.push(relation.name.clone());
    }
    if names.is_empty() {
        return false;
    }
    builder.push(key.done());
    builder.push(order.done());
    builder.push(
        Enum::new(format!("{name}GroupField"))
            .description(format!("What rows of {name} can be grouped by."))
            .items(names),
    );
    let mut term =
        Inputs::new(format!("{name}GroupKey")).description("What the rows of a group have in common.");
    term.put(
        "field",
        InputValue::new("field", TypeRef::named_nn(format!("{name}GroupField")))
            .description("A field or a to-one relation."),
    );
    term.put(
        "trunc",
        InputValue::new("trunc", TypeRef::named("TimeUnit"))
            .description("Of a time: down to this unit, in UTC."),
    );
    builder.push(term.done());
    true
}

fn output(builder: &mut Builder<'_>, entity: &Entity, measured: &[(Function, Measured<'_>)], has_key: bool) {
    let name = &entity.name;
    let mut group = Outputs::new(format!("{name}Aggregate"))
        .description(format!("A group of rows of {name}. Only rows and fields that you may read take part."));
    if has_key {
        group.put(
            "key",
            picked("key", TypeRef::named_nn(format!("{name}AggregateKey")))
                .description("What its rows have in common."),
        );
    }
    group.put("count", picked("count", TypeRef::named_nn(TypeRef::INT)).description("How many rows."));
    for (function, fields) in measured {
        let ty = format!("{name}{}", stem(*function));
        group.put(
            function.name(),
            picked(function.name(), TypeRef::named_nn(&ty)).description(meaning(*function)),
        );
        if *function != Function::Max {
            let mut values = Outputs::new(ty).description("A value for each field.");
            for (field, result) in fields {
                values.add(&field.name, type_ref(output_name(builder.view.catalog, *result), false, false));
            }
            builder.push(values.done());
        }
    }
    builder.push(group.done());
}

fn having(builder: &mut Builder<'_>, entity: &Entity, measured: &[(Function, Measured<'_>)]) {
    let name = format!("{}Having", entity.name);
    let mut condition = Inputs::new(&name).description("A condition on groups. All that is given must hold.");
    condition.add("and", TypeRef::named_nn_list(&name));
    condition.add("or", TypeRef::named_nn_list(&name));
    condition.add("not", TypeRef::named(&name));
    condition.add("count", TypeRef::named("CountFilter"));
    for (function, fields) in measured {
        let ty = format!("{}Having{}", entity.name, stem(*function));
        condition.add(function.name(), TypeRef::named(&ty));
        if *function != Function::Max {
            let mut values = Inputs::new(ty).description("A condition for each field.");
            for (field, result) in fields {
                let filter = builder.filters.name(builder.view.catalog, *result, false);
                values.add(&field.name, TypeRef::named(filter));
            }
            builder.push(values.done());
        }
    }
    builder.push(condition.done());
}

fn order(builder: &mut Builder<'_>, entity: &Entity, measured: &[(Function, Measured<'_>)], has_key: bool) {
    let name = &entity.name;
    let mut term = Inputs::new(format!("{name}OrderByAggregate"))
        .oneof()
        .description("One term of an order of groups; the group keys decide at last.");
    term.add("count", TypeRef::named("SortDirection"));
    if has_key {
        term.add("key", TypeRef::named(format!("{name}OrderByKey")));
    }
    for (function, fields) in measured {
        // What can be summed can be averaged: one type for both.
        let ty = match function {
            Function::Sum | Function::Avg => format!("{name}OrderByNumber"),
            Function::Min | Function::Max => format!("{name}OrderByExtreme"),
        };
        term.add(function.name(), TypeRef::named(&ty));
        if matches!(function, Function::Sum | Function::Min) {
            let mut values = Inputs::new(ty).oneof().description("Order by one field's value.");
            for (field, _) in fields {
                values.add(&field.name, TypeRef::named("SortDirection"));
            }
            builder.push(values.done());
        }
    }
    builder.push(term.done());
}

/// The arguments of an aggregate.
pub(super) fn arguments(builder: &Builder<'_>, field: Field, entity: &Entity) -> Field {
    let name = &entity.name;
    let argument = |name: &str, ty: TypeRef, text: &str| InputValue::new(name, ty).description(text);
    let mut field =
        field.argument(argument("where", TypeRef::named(format!("{name}Where")), "Which rows take part."));
    if searchable(entity) {
        field = field.argument(argument("search", TypeRef::named(TypeRef::STRING), "Words to search for."));
    }
    let grouped = builder
        .view
        .filterable(entity)
        .any(|field| groupable(field) && field.system != Some(System::Version))
        || builder.view.usable(entity).any(|relation| relation.cardinality == Cardinality::One);
    if grouped {
        field = field.argument(argument(
            "groupBy",
            TypeRef::named_nn_list(format!("{name}GroupKey")),
            "What the rows of a group have in common; without it, all rows are one group.",
        ));
    }
    field
        .argument(argument("having", TypeRef::named(format!("{name}Having")), "Which groups."))
        .argument(argument(
            "orderBy",
            TypeRef::named_nn_list(format!("{name}OrderByAggregate")),
            "In what order; by the group keys when absent.",
        ))
        .argument(argument("first", TypeRef::named(TypeRef::INT), "How many groups."))
}
