//! The answers to questions about groups.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use service::engine::request::{
    Aggregate, AggregateOrder, AggregatePart, Function, KeyPart, Measure, MeasurePart,
};

use super::answer::Answer;
use super::logic::order;
use super::model::Ty;
use super::store::Row;
use super::truth::Truth;

/// One group: its keys and its rows.
type Group<'r> = (Vec<Json>, Vec<&'r Row>);

impl Truth<'_> {
    /// Groups of the rows the caller sees, and numbers about them.
    pub(crate) fn aggregate(&self, ty: usize, aggregate: &Aggregate) -> Answer<Json> {
        self.aggregate_fine(ty, aggregate)?;
        let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
        if aggregate.groups.is_empty() {
            groups.insert(String::new(), Group::default());
        }
        for row in self.store.rows(ty) {
            if !self.visible(ty, row) || !self.matches(ty, row, aggregate.filter.as_ref()) {
                continue;
            }
            let keys: Vec<Json> =
                aggregate.groups.iter().map(|group| self.value(ty, row, &group.name)).collect();
            let name = if keys.is_empty() { String::new() } else { Json::from(keys.clone()).to_string() };
            let group = groups.entry(name).or_default();
            group.0 = keys;
            group.1.push(row);
        }
        let having = aggregate.having.as_ref().map(entity::Input::to_json);
        let mut found: Vec<Group<'_>> = groups
            .into_values()
            .filter(|(_, rows)| {
                having.as_ref().is_none_or(|having| self.having(ty, having, rows) == Some(true))
            })
            .collect();
        found.sort_by(|one, other| self.group_order(ty, aggregate, one, other));
        Ok(found.iter().map(|group| self.group(ty, aggregate, group)).collect())
    }

    fn aggregate_fine(&self, ty: usize, aggregate: &Aggregate) -> Answer<()> {
        self.filter_fine(ty, aggregate.filter.as_ref())?;
        let mut names: Vec<&str> = aggregate.groups.iter().map(|group| group.name.as_str()).collect();
        for (_, part) in &aggregate.parts {
            if let AggregatePart::Measures(_, fields) = part {
                names.extend(fields.iter().filter_map(|(_, part)| match part {
                    MeasurePart::Field(name) => Some(name.as_str()),
                    MeasurePart::Typename(_) => None,
                }));
            }
        }
        names.iter().try_for_each(|name| self.reach(ty, name))?;
        for (_, part) in &aggregate.parts {
            let AggregatePart::Key(parts) = part else { continue };
            for (_, part) in parts {
                if let KeyPart::Row(name, selection) = part {
                    self.object_fine(self.model.link(ty, name).target, selection)?;
                }
            }
        }
        Ok(())
    }

    fn values(&self, ty: usize, rows: &[&Row], name: &str) -> Vec<Json> {
        rows.iter().map(|row| self.value(ty, row, name)).filter(|value| !value.is_null()).collect()
    }

    /// A function of a field over rows, as a number or text.
    fn measure(&self, ty: usize, rows: &[&Row], function: Function, name: &str) -> Json {
        let kind = self.ty(ty).field(name).map_or(Ty::Int, |field| field.ty);
        let values = self.values(ty, rows, name);
        let sum: i64 = values.iter().filter_map(Json::as_i64).sum();
        let by = |one: &&Json, other: &&Json| order(kind, one, other);
        match function {
            _ if values.is_empty() => Json::Null,
            Function::Sum => sum.into(),
            Function::Avg => (sum as f64 / values.len() as f64).into(),
            Function::Min => values.iter().min_by(by).cloned().unwrap_or_default(),
            Function::Max => values.iter().max_by(by).cloned().unwrap_or_default(),
        }
    }

    fn having(&self, ty: usize, having: &Json, rows: &[&Row]) -> Option<bool> {
        let mut known = Some(true);
        for (name, value) in having.as_object().into_iter().flatten() {
            let list = || value.as_array().into_iter().flatten().map(|item| self.having(ty, item, rows));
            let part = match name.as_str() {
                "and" => conjunction(list()),
                "or" => conjunction(list().map(|part| part.map(|known| !known))).map(|none| !none),
                "not" => self.having(ty, value, rows).map(|known| !known),
                "count" => conjunction(compared(&rows.len().into(), value)),
                function => {
                    let function = Function::ALL.into_iter().find(|known| known.name() == function).unwrap();
                    let fields = value.as_object().into_iter().flatten();
                    conjunction(fields.map(|(name, value)| {
                        conjunction(compared(&self.measure(ty, rows, function, name), value))
                    }))
                }
            };
            known = conjunction([known, part].into_iter());
        }
        known
    }

    fn group_order(&self, ty: usize, aggregate: &Aggregate, one: &Group<'_>, other: &Group<'_>) -> Ordering {
        for term in &aggregate.order {
            let AggregateOrder::Measure(measure, descending) = term else { continue };
            let order = match measure {
                Measure::Count => last(Ty::Count, &one.1.len().into(), &other.1.len().into(), *descending),
                Measure::Of(function, name) => {
                    let of = |group: &Group<'_>| self.measure(ty, &group.1, *function, name);
                    let kind = self.ty(ty).field(name).map_or(Ty::Int, |field| field.ty);
                    let (one, other) = (of(one), of(other));
                    match (one.as_f64(), other.as_f64()) {
                        (Some(one), Some(other)) if *descending => other.total_cmp(&one),
                        (Some(one), Some(other)) => one.total_cmp(&other),
                        _ => last(kind, &one, &other, *descending),
                    }
                }
            };
            if order.is_ne() {
                return order;
            }
        }
        for (index, group) in aggregate.groups.iter().enumerate() {
            let kind = match (self.ty(ty).link(&group.name), self.ty(ty).field(&group.name)) {
                (Some(link), _) => Ty::Id(self.ty(link.target).key),
                (_, Some(field)) => field.ty,
                _ => Ty::Int,
            };
            let order = last(kind, &one.0[index], &other.0[index], false);
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }

    fn group(&self, ty: usize, aggregate: &Aggregate, (keys, rows): &Group<'_>) -> Json {
        let key = |name: &str| {
            let at = aggregate.groups.iter().position(|group| group.name == name);
            at.map_or(Json::Null, |at| keys[at].clone())
        };
        let parts = aggregate.parts.iter().map(|(name, part)| {
            let value = match part {
                AggregatePart::Count => rows.len().into(),
                AggregatePart::Typename(name) => name.as_str().into(),
                AggregatePart::Measures(function, fields) => {
                    let fields = fields.iter().map(|(key, part)| match part {
                        MeasurePart::Typename(name) => (key.clone(), name.as_str().into()),
                        MeasurePart::Field(name) => {
                            let value = self.measure(ty, rows, *function, name);
                            let large = *function == Function::Sum && !value.is_null();
                            (key.clone(), if large { value.to_string().into() } else { value })
                        }
                    });
                    Json::Object(fields.collect())
                }
                AggregatePart::Key(parts) => {
                    let parts = parts.iter().map(|(name, part)| {
                        let value = match part {
                            KeyPart::Value(name) => key(name),
                            KeyPart::Typename(name) => name.as_str().into(),
                            KeyPart::Row(name, selection) => {
                                let target = self.model.link(ty, name).target;
                                let id = key(name);
                                let row = self
                                    .store
                                    .rows(target)
                                    .find(|row| row["id"] == id && self.visible(target, row));
                                row.map_or(Json::Null, |row| self.object(target, row, selection))
                            }
                        };
                        (name.clone(), value)
                    });
                    Json::Object(parts.collect::<Map<_, _>>())
                }
            };
            (name.clone(), value)
        });
        Json::Object(parts.collect())
    }
}

fn conjunction(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let parts: Vec<_> = parts.collect();
    match parts {
        parts if parts.contains(&Some(false)) => Some(false),
        parts if parts.contains(&None) => None,
        _ => Some(true),
    }
}

fn compared<'v>(value: &'v Json, ops: &'v Json) -> impl Iterator<Item = Option<bool>> + 'v {
    ops.as_object().into_iter().flatten().map(move |(op, wanted)| {
        let order = value.as_f64()?.total_cmp(&wanted.as_f64().unwrap_or_default());
        Some(match op.as_str() {
            "gt" => order.is_gt(),
            "lt" => order.is_lt(),
            "eq" => order.is_eq(),
            "ne" => order.is_ne(),
            "lte" => order.is_le(),
            other => panic!("no operator {other}"),
        })
    })
}

/// The order of two values, those that are not there last.
fn last(kind: Ty, one: &Json, other: &Json, descending: bool) -> Ordering {
    match (one.is_null(), other.is_null()) {
        (false, false) if descending => order(kind, other, one),
        (false, false) => order(kind, one, other),
        (one, other) => one.cmp(&other),
    }
}

/// Numbers are equal however they are written.
pub(crate) fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Object(fields), Json::Object(others)) => {
            fields.len() == others.len()
                && fields.iter().all(|(name, value)| others.get(name).is_some_and(|other| same(value, other)))
        }
        (Json::Array(items), Json::Array(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(one, other)| same(one, other))
        }
        (Json::Number(one), Json::Number(other)) => one
            .as_f64()
            .zip(other.as_f64())
            .is_some_and(|(one, other)| (one - other).abs() <= 1e-12 * one.abs().max(1.0)),
        _ => json!([one]) == json!([other]),
    }
}
