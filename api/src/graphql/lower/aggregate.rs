//! Groups of rows.

use async_graphql::parser::types::SelectionSet;
use entity::Input;
use entity::catalog::{Entity, Member};
use service::Code;
use service::engine::request::{
    Aggregate, AggregateOrder, AggregatePart, Bucket, Function, Group as GroupBy, KeyPart, Measure,
    MeasurePart,
};

use super::Lowerer;
use super::argument::Arguments;
use super::collect::{Group, Object};
use super::selection::unknown;
use crate::graphql::render::Fault;

const TYPENAME: &str = "__typename";

impl<'a> Lowerer<'a> {
    /// `tracksAggregate`
    pub(super) fn aggregate(&self, entity: &'a Entity, group: &Group<'a>) -> Result<Aggregate, Fault> {
        let mut arguments = self.arguments("Query", group.field)?;
        let groups = grouping(&mut arguments)?;
        let order = arguments.list("orderBy").iter().filter_map(order).collect();
        Ok(Aggregate {
            entity: entity.id,
            filter: arguments.take("where"),
            search: arguments.text("search"),
            groups,
            having: arguments.take("having"),
            order,
            first: arguments.count("first")?,
            parts: self.parts(entity, &group.sets)?,
        })
    }

    fn parts(
        &self,
        entity: &'a Entity,
        sets: &[&'a SelectionSet],
    ) -> Result<Vec<(String, AggregatePart)>, Fault> {
        let name = format!("{}Aggregate", entity.name);
        self.collector
            .collect(Object::plain(&name), sets)?
            .iter()
            .map(|group| {
                let part = match group.name() {
                    TYPENAME => AggregatePart::Typename(name.clone()),
                    "count" => AggregatePart::Count,
                    "key" => AggregatePart::Key(self.key(entity, &group.sets)?),
                    other => match Function::ALL.into_iter().find(|function| function.name() == other) {
                        Some(function) => self.measures(entity, function, group)?,
                        None => return Err(unknown(&name, group)),
                    },
                };
                Ok((group.key().to_owned(), part))
            })
            .collect()
    }

    fn key(&self, entity: &'a Entity, sets: &[&'a SelectionSet]) -> Result<Vec<(String, KeyPart)>, Fault> {
        let name = format!("{}AggregateKey", entity.name);
        self.collector
            .collect(Object::plain(&name), sets)?
            .iter()
            .map(|group| {
                let field = group.name();
                let part = match entity.member(field) {
                    _ if field == TYPENAME => KeyPart::Typename(name.clone()),
                    Some(Member::Relation(relation)) => {
                        KeyPart::Row(field.to_owned(), self.row(self.catalog.target(relation), &group.sets)?)
                    }
                    Some(Member::Field(_)) => KeyPart::Value(field.to_owned()),
                    None => return Err(unknown(&name, group)),
                };
                Ok((group.key().to_owned(), part))
            })
            .collect()
    }

    fn measures(
        &self,
        entity: &Entity,
        function: Function,
        group: &Group<'a>,
    ) -> Result<AggregatePart, Fault> {
        let name = match function {
            Function::Sum => format!("{}Sum", entity.name),
            Function::Avg => format!("{}Average", entity.name),
            Function::Min | Function::Max => format!("{}Extreme", entity.name),
        };
        let mut fields = Vec::new();
        for group in self.collector.collect(Object::plain(&name), &group.sets)? {
            let part = match group.name() {
                TYPENAME => MeasurePart::Typename(name.clone()),
                field => MeasurePart::Field(field.to_owned()),
            };
            fields.push((group.key().to_owned(), part));
        }
        Ok(AggregatePart::Measures(function, fields))
    }
}

fn grouping(arguments: &mut Arguments<'_>) -> Result<Vec<GroupBy>, Fault> {
    let mut groups: Vec<GroupBy> = Vec::new();
    for term in arguments.list("groupBy") {
        let Some(Input::String(name)) = term.field("field") else { continue };
        let bucket = match term.field("trunc") {
            Some(Input::String(unit)) => Bucket::ALL.into_iter().find(|bucket| bucket.name() == unit),
            _ => None,
        };
        if groups.iter().any(|group| group.name == *name) {
            return Err(arguments.fault(Code::ValidationFailed, format!("`groupBy` names `{name}` twice.")));
        }
        groups.push(GroupBy { name: name.clone(), bucket });
    }
    Ok(groups)
}

/// `{ sum: { unitPrice: DESC } }`: objects of one field, by their types.
fn order(term: &Input) -> Option<AggregateOrder> {
    let Input::Object(fields) = term else { return None };
    let (kind, below) = fields.first()?;
    match below {
        Input::String(direction) => Some(AggregateOrder::Measure(Measure::Count, direction == "DESC")),
        Input::Object(fields) => {
            let (name, Input::String(direction)) = fields.first()? else { return None };
            let descending = direction == "DESC";
            if kind == "key" {
                return Some(AggregateOrder::Key(name.clone(), descending));
            }
            let function = Function::ALL.into_iter().find(|function| function.name() == kind)?;
            Some(AggregateOrder::Measure(Measure::Of(function, name.clone()), descending))
        }
        _ => None,
    }
}
