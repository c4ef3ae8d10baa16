//! Random reads.

use entity::{EntityId, Input};
use serde_json::{Value as Json, json};
use service::engine::request::{
    Aggregate, AggregateOrder, AggregatePart, By, ConnectionPart, Function, Group, KeyPart, List, Measure,
    MeasurePart, Nulls, Order, PageFact, Read, Requested, Selected, Under,
};

use super::dice::Dice;
use super::invent::{Conditioner, Flavor};
use super::model::Ty;
use super::store::make_id;
use super::truth::{Truth, Voice};

/// Makes requests of a caller: mostly of what they may read.
pub(crate) struct Asker<'a> {
    /// What the caller may read.
    pub(crate) truth: Truth<'a>,
    /// The engine's names of types.
    pub(crate) entities: &'a [EntityId],
    /// What kind of model it is.
    pub(crate) flavor: Flavor,
}

impl Asker<'_> {
    fn members(&self, dice: &mut Dice, ty: usize) -> Vec<String> {
        let all = self.truth.ty(ty).members();
        if dice.chance(6) {
            return all;
        }
        let known: Vec<String> = all.into_iter().filter(|name| self.truth.readable(ty, name)).collect();
        if known.is_empty() { vec!["id".to_owned()] } else { known }
    }

    /// A type, mostly one the caller can see.
    pub(crate) fn ty(&self, dice: &mut Dice) -> usize {
        let count = self.truth.model.types.len();
        for _ in 0..6 {
            let ty = if dice.chance(15) { dice.below(3) } else { 3 + dice.below(count - 3) };
            if self.truth.opens(ty, entity::catalog::Operation::Read) && self.truth.in_scope(ty, false) {
                return ty;
            }
        }
        dice.below(count)
    }

    /// A condition.
    pub(crate) fn filter(&self, dice: &mut Dice, ty: usize) -> Json {
        let anything = dice.chance(6);
        let allowed = |ty: usize, name: &str| anything || self.truth.readable(ty, name);
        let (model, flavor) = (self.truth.model, self.flavor);
        Conditioner { model, voice: Voice::Client, flavor, allowed: &allowed }.condition(dice, ty, 2)
    }

    /// Parts of a row.
    pub(crate) fn selection(&self, dice: &mut Dice, ty: usize, depth: usize) -> Vec<Selected> {
        let members = self.members(dice, ty);
        let mut parts = vec![plain("id", 0)];
        for number in 1..2 + dice.below(3) {
            let name = dice.pick(&members).clone();
            let Some(link) = self.truth.ty(ty).link(&name) else {
                parts.push(plain(&name, number));
                continue;
            };
            let target = link.target;
            let what = match link.is_one() {
                true if depth == 0 || dice.chance(40) => Requested::Key { name: name.clone() },
                true => {
                    Requested::One { name: name.clone(), selection: self.selection(dice, target, depth - 1) }
                }
                false if depth == 0 => continue,
                false => {
                    let list = Box::new(self.list(dice, target, depth - 1));
                    Requested::Many { name: name.clone(), list }
                }
            };
            parts.push(Selected { key: format!("{name}_{number}"), what });
        }
        parts
    }

    /// A list, with what may be asked of it.
    pub(crate) fn list(&self, dice: &mut Dice, ty: usize, depth: usize) -> List {
        let mut parts = vec![("nodes".to_owned(), ConnectionPart::Nodes(self.selection(dice, ty, depth)))];
        if dice.chance(40) {
            parts.push(("total".to_owned(), ConnectionPart::Total));
        }
        if dice.chance(25) {
            let facts =
                vec![("next".to_owned(), PageFact::HasNext), ("previous".to_owned(), PageFact::HasPrevious)];
            parts.push(("page".to_owned(), ConnectionPart::PageInfo(facts)));
        }
        let mut list = List::of(self.entities[ty], parts);
        list.filter = dice.chance(60).then(|| Input::from(self.filter(dice, ty)));
        list.order = self.order(dice, ty);
        match dice.below(6) {
            0 => list.page.first = Some(1 + dice.below(4) as u64),
            1 => list.page.last = Some(1 + dice.below(4) as u64),
            2 => (list.page.first, list.page.offset) = (Some(2), Some(dice.below(4) as u64)),
            _ => list.page.first = Some(20),
        }
        list
    }

    /// An order.
    pub(crate) fn order(&self, dice: &mut Dice, ty: usize) -> Vec<Order> {
        let mut order: Vec<Order> = Vec::new();
        for _ in 0..dice.below(3) {
            let Some(path) = self.path(dice, ty) else { continue };
            if order.iter().any(|term| term.path == path) {
                continue;
            }
            let nulls = *dice.pick(&[None, None, Some(Nulls::First), Some(Nulls::Last)]);
            order.push(Order { path, descending: dice.chance(50), nulls });
        }
        order
    }

    fn path(&self, dice: &mut Dice, ty: usize) -> Option<Vec<String>> {
        let (mut here, mut path) = (ty, Vec::new());
        loop {
            let members = self.members(dice, here);
            let name = dice.pick(&members).clone();
            path.push(name.clone());
            match (self.truth.ty(here).link(&name), self.truth.ty(here).field(&name)) {
                (Some(link), _) if !link.is_one() => return None,
                (Some(link), _) if path.len() < 3 && dice.chance(65) => here = link.target,
                (_, Some(field)) if field.ty == Ty::Texts => return None,
                _ => return Some(path),
            }
        }
    }

    fn by(&self, dice: &mut Dice, ty: usize) -> By {
        let definition = self.truth.ty(ty);
        let unique = definition.fields.iter().find(|field| field.unique);
        if let Some(field) = unique.filter(|_| dice.chance(40)) {
            let value = dice.word(&["a", "b", "A", "", "owner"]);
            return By::Unique(vec![(field.name.clone(), Input::String(value))]);
        }
        By::Id(Input::String(make_id(definition.key, ty, dice.below(7))))
    }

    fn aggregate(&self, dice: &mut Dice, ty: usize) -> Aggregate {
        let members = self.members(dice, ty);
        let definition = self.truth.ty(ty);
        let fit = |name: &&String| match (definition.field(name), definition.link(name)) {
            (Some(field), _) => field.ty != Ty::Texts,
            (_, Some(link)) => link.is_one(),
            _ => false,
        };
        let fit: Vec<String> = members.iter().filter(fit).cloned().collect();
        let mut groups: Vec<String> = dice.some(&fit, 35);
        groups.truncate(3);
        let mut measures = Vec::new();
        for name in &members {
            let functions: &[Function] = match definition.field(name).map(|field| field.ty) {
                Some(Ty::Int) => &Function::ALL,
                Some(Ty::Text) => &[Function::Min, Function::Max],
                _ => &[],
            };
            measures.extend(dice.some(functions, 35).into_iter().map(|function| (function, name.clone())));
        }
        let mut parts = vec![("count".to_owned(), AggregatePart::Count)];
        for (number, (function, name)) in measures.iter().enumerate() {
            let part = vec![("of".to_owned(), MeasurePart::Field(name.clone()))];
            parts.push((format!("m{number}"), AggregatePart::Measures(*function, part)));
        }
        let mut keys = Vec::new();
        for name in &groups {
            keys.push((name.clone(), KeyPart::Value(name.clone())));
            if let Some(link) = definition.link(name).filter(|_| dice.chance(50)) {
                let selection = self.selection(dice, link.target, 0);
                keys.push((format!("{name}_row"), KeyPart::Row(name.clone(), selection)));
            }
        }
        parts.push(("key".to_owned(), AggregatePart::Key(keys)));
        let mut order = Vec::new();
        if dice.chance(40) {
            order.push(AggregateOrder::Measure(Measure::Count, dice.chance(50)));
        }
        if let (Some((function, name)), true) = (measures.first(), dice.chance(40)) {
            order.push(AggregateOrder::Measure(Measure::Of(*function, name.clone()), dice.chance(50)));
        }
        Aggregate {
            entity: self.entities[ty],
            filter: dice.chance(50).then(|| Input::from(self.filter(dice, ty))),
            search: None,
            groups: groups.into_iter().map(|name| Group { name, bucket: None }).collect(),
            having: dice.chance(45).then(|| Input::from(having(dice, &measures, 1))),
            order,
            first: Some(50),
            parts,
        }
    }

    /// A read.
    pub(crate) fn read(&self, dice: &mut Dice) -> Read {
        let ty = self.ty(dice);
        match dice.below(10) {
            0 | 1 => {
                let selection = self.selection(dice, ty, 2);
                Read::One {
                    entity: self.entities[ty],
                    by: self.by(dice, ty),
                    selection,
                    facts: dice.chance(30),
                }
            }
            2 | 3 => Read::Aggregate(self.aggregate(dice, ty)),
            4 => {
                let lists: Vec<_> = self.truth.ty(ty).links.iter().filter(|link| !link.is_one()).collect();
                if lists.is_empty() {
                    return Read::List(self.list(dice, ty, 2));
                }
                let link = *dice.pick(&lists);
                let id = make_id(self.truth.ty(ty).key, ty, dice.below(6));
                let mut list = self.list(dice, link.target, 1);
                let relation = link.name.clone();
                list.under = Some(Under { entity: self.entities[ty], id: Input::String(id), relation });
                Read::List(list)
            }
            _ => Read::List(self.list(dice, ty, 2)),
        }
    }
}

fn plain(name: &str, number: usize) -> Selected {
    let what = Requested::Field { name: name.to_owned(), parts: None };
    Selected { key: format!("{name}_{number}"), what }
}

fn having(dice: &mut Dice, measures: &[(Function, String)], depth: usize) -> Json {
    if depth > 0 && dice.chance(30) {
        let (one, other) = (having(dice, measures, depth - 1), having(dice, measures, depth - 1));
        return match dice.below(3) {
            0 => json!({ "not": one }),
            1 => json!({ "or": [one, other] }),
            _ => json!({ "and": [one, other] }),
        };
    }
    let op = dice.word(&["gt", "lt", "eq", "ne", "lte"]);
    let numbers: Vec<_> = measures.iter().filter(|(_, name)| name == "count").collect();
    if numbers.is_empty() || dice.chance(50) {
        return json!({ "count": { op: dice.below(4) } });
    }
    let (function, name) = *dice.pick(&numbers);
    json!({ function.name(): { name.clone(): { op: dice.below(4) } } })
}
