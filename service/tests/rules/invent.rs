//! Random models, conditions and rows.

use entity::catalog::Operation;
use serde_json::{Value as Json, json};

use super::dice::Dice;
use super::model::{
    FIRST, Field, Key, Link, Model, ORGANIZATION, OnDelete, Rule, Shape, Ty, Type, USER, accounts, field,
    system,
};
use super::store::make_id;
use super::truth::Voice;

const OPERATIONS: [Operation; 4] = [Operation::Read, Operation::Create, Operation::Update, Operation::Delete];

/// What kind of model is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// Anything.
    Any,
    /// All types are of organizations, and rules look at rows of these alone.
    Tenants,
}

/// A random model.
pub(crate) fn model(dice: &mut Dice, flavor: Flavor) -> Model {
    let mut types = accounts();
    let count = 2 + dice.below(3);
    for name in ["Alpha", "Beta", "Gamma", "Delta"].iter().take(count) {
        types.push(empty(dice, name, flavor));
    }
    let mut model = Model { types, pairs: Vec::new() };
    for index in FIRST..model.types.len() {
        if model.types[index].tenant {
            let link = link("organization", ORGANIZATION, Shape::One(OnDelete::Restrict), true, None);
            model.types[index].links.push(Link { writable: false, ..link });
        }
        for number in 0..1 + dice.below(2) {
            relate(dice, &mut model, index, number, flavor);
        }
    }
    let plain = model.clone();
    for index in FIRST..model.types.len() {
        let rules =
            (0..2 + dice.below(4)).map(|number| rule(dice, &plain, index, number == 0, flavor)).collect();
        model.types[index].rules = rules;
        narrow(dice, &plain, &mut model.types[index], index, flavor);
    }
    if flavor == Flavor::Any && dice.chance(25) {
        let ty = dice.below(2);
        let wider = Rule { via: None, ..rule(dice, &plain, ty, true, flavor) };
        model.types[ty].rules.push(Rule { to: vec![Operation::Read], check: None, ..wider });
    }
    model
}

fn empty(dice: &mut Dice, name: &str, flavor: Flavor) -> Type {
    let kinds = [(6, Key::Uuid), (if flavor == Flavor::Any { 2 } else { 0 }, Key::Serial), (2, Key::Client)];
    let key = dice.weighed(&kinds);
    let mut fields = system(key);
    for (name, ty) in
        [("count", Ty::Int), ("kind", Ty::Text), ("done", Ty::Flag), ("tags", Ty::Texts), ("note", Ty::Text)]
    {
        if dice.chance(65) {
            let required = dice.chance(40);
            fields.push(field(name, ty, required));
        }
    }
    if dice.chance(if flavor == Flavor::Any { 15 } else { 60 }) {
        fields.push(Field { unique: true, ..field("code", Ty::Text, false) });
    }
    Type {
        name: name.to_owned(),
        plural: format!("{}s", name.to_lowercase()),
        key,
        tenant: flavor == Flavor::Tenants || dice.chance(35),
        soft: dice.chance(25),
        fields,
        links: Vec::new(),
        rules: Vec::new(),
        open: OPERATIONS.to_vec(),
    }
}

fn link(name: &str, target: usize, shape: Shape, required: bool, inverse: Option<String>) -> Link {
    Link { name: name.to_owned(), target, shape, required, inverse, writable: true, rules: Vec::new() }
}

/// A relation from a type to one that may be any, with or without its other side.
fn relate(dice: &mut Dice, model: &mut Model, from: usize, number: usize, flavor: Flavor) {
    let to = if dice.chance(35) { dice.below(2) } else { FIRST + dice.below(model.types.len() - FIRST) };
    let (here, there) = (model.types[from].name.clone(), model.types[to].name.clone());
    if to >= FIRST && to != from && dice.chance(30) {
        let (forth, back) = (format!("with{there}{number}"), format!("with{here}{number}"));
        if model.types[from].link(&forth).is_some() || model.types[to].link(&back).is_some() {
            return;
        }
        let table = model.pairs.len();
        model.pairs.push((from, to));
        model.types[from].links.push(link(&forth, to, Shape::Pairs(table, true), false, Some(back.clone())));
        model.types[to].links.push(link(&back, from, Shape::Pairs(table, false), false, Some(forth)));
        return;
    }
    let (forth, back) = (format!("to{there}{number}"), format!("from{here}{number}"));
    // A row that needs a row of its own type can't be the first one.
    let required = to != from && to < from && dice.chance(35);
    let on_delete = match dice.below(3) {
        0 => OnDelete::Restrict,
        1 => OnDelete::Cascade,
        _ if required => OnDelete::Cascade,
        _ => OnDelete::SetNull,
    };
    let both = dice.chance(75) && (flavor == Flavor::Any || to >= FIRST);
    let inverse = both.then(|| back.clone());
    model.types[from].links.push(link(&forth, to, Shape::One(on_delete), required, inverse));
    if both {
        model.types[to].links.push(link(&back, from, Shape::Back(forth.clone()), false, Some(forth)));
    }
}

fn role(dice: &mut Dice) -> String {
    dice.weighed(&[
        (25, "anyone"),
        (34, "user"),
        (12, "service"),
        (8, "editor"),
        (6, "org:owner"),
        (8, "member"),
        (4, "a"),
        (3, "admin"),
    ])
    .to_owned()
}

fn rule(dice: &mut Dice, model: &Model, ty: usize, reads: bool, flavor: Flavor) -> Rule {
    let mut to = dice.some(&OPERATIONS, 45);
    if reads && !to.contains(&Operation::Read) || to.is_empty() {
        to.insert(0, Operation::Read);
    }
    let writes = to.contains(&Operation::Create) || to.contains(&Operation::Update);
    let role = if reads { dice.word(&["anyone", "user", "user", "service"]) } else { role(dice) };
    let mut conditioner = Conditioner { model, voice: Voice::Model, flavor, allowed: &|_, _| true };
    let wanted = if reads { 45 } else { 65 };
    let condition = dice.chance(wanted).then(|| conditioner.condition(dice, ty, 2));
    let check = (writes && dice.chance(30)).then(|| conditioner.condition(dice, ty, 1));
    // Rules lean on types before their own, so that they never lean on each other in a circle.
    let leans: Vec<String> = model.types[ty]
        .links
        .iter()
        .filter(|link| link.is_one() && link.target < ty)
        .map(|link| link.name.clone())
        .collect();
    let via = (!leans.is_empty() && dice.chance(20)).then(|| dice.pick(&leans).clone());
    let fields = dice.chance(22).then(|| {
        let mut fields = dice.some(&model.types[ty].members(), 55);
        fields.push("version".to_owned());
        fields.sort();
        fields.dedup();
        fields
    });
    Rule { to, role, members: model.types[ty].tenant, condition, check, via, fields }
}

/// Rules on fields and relations.
fn narrow(dice: &mut Dice, model: &Model, ty: &mut Type, index: usize, flavor: Flavor) {
    let tenant = ty.tenant;
    let rules = |dice: &mut Dice| -> Vec<Rule> {
        let count = if dice.chance(16) { 1 + dice.below(2) } else { 0 };
        (0..count)
            .map(|_| {
                let mut conditioner =
                    Conditioner { model, voice: Voice::Model, flavor, allowed: &|_, _| true };
                let mut to = dice.some(&OPERATIONS[..3], 70);
                if to.is_empty() {
                    to.push(Operation::Read);
                }
                let condition = dice.chance(60).then(|| conditioner.condition(dice, index, 1));
                let writes = to.contains(&Operation::Create) || to.contains(&Operation::Update);
                let check = (writes && dice.chance(25)).then(|| conditioner.condition(dice, index, 1));
                Rule { to, role: role(dice), members: tenant, condition, check, ..Rule::default() }
            })
            .collect()
    };
    for field in ty.fields.iter_mut().skip(2) {
        field.rules = rules(dice);
    }
    for link in ty.links.iter_mut().filter(|link| link.name != "organization") {
        link.rules = rules(dice);
    }
}

/// Whether a member of a type may be named.
pub(crate) type Allowed<'a> = &'a dyn Fn(usize, &str) -> bool;

/// Makes conditions.
pub(crate) struct Conditioner<'a> {
    /// The model.
    pub(crate) model: &'a Model,
    /// Whose they are.
    pub(crate) voice: Voice,
    /// What they may look at.
    pub(crate) flavor: Flavor,
    /// Which members they name.
    pub(crate) allowed: Allowed<'a>,
}

impl Conditioner<'_> {
    /// A condition on rows of a type that is not empty.
    pub(crate) fn condition(&mut self, dice: &mut Dice, ty: usize, depth: usize) -> Json {
        if depth > 0 && dice.chance(25) {
            return match dice.below(3) {
                0 => json!({ "not": self.condition(dice, ty, depth - 1) }),
                1 => {
                    json!({ "or": [self.condition(dice, ty, depth - 1), self.condition(dice, ty, depth - 1)] })
                }
                _ => {
                    json!({ "and": [self.condition(dice, ty, depth - 1), self.condition(dice, ty, depth - 1)] })
                }
            };
        }
        let mut parts = serde_json::Map::new();
        for _ in 0..1 + dice.below(10) / 7 {
            let (name, value) = self.entry(dice, ty, depth);
            parts.insert(name, value);
        }
        Json::Object(parts)
    }

    fn entry(&mut self, dice: &mut Dice, ty: usize, depth: usize) -> (String, Json) {
        let definition = &self.model.types[ty];
        let plain = self.flavor == Flavor::Tenants && self.voice == Voice::Model;
        let members: Vec<String> = definition
            .members()
            .into_iter()
            .filter(|name| (self.allowed)(ty, name))
            .filter(|name| depth > 0 || definition.link(name).is_none_or(Link::is_one))
            .filter(|name| {
                // What rules of the model see of other organizations is the model's own business.
                !plain || definition.link(name).is_none_or(|link| link.is_one() || link.target >= FIRST)
            })
            .collect();
        if members.is_empty() {
            return ("id".to_owned(), json!({ "isNull": false }));
        }
        let name = dice.pick(&members).clone();
        let Some(link) = definition.link(&name) else {
            let field = definition.field(&name).map_or(Ty::Int, |field| field.ty);
            return (name, self.operators(dice, ty, field));
        };
        if !link.is_one() {
            if dice.chance(30) {
                return (format!("{name}Count"), self.operators(dice, ty, Ty::Count));
            }
            let nested = self.condition(dice, link.target, depth - 1);
            let nested = if dice.chance(15) { json!({}) } else { nested };
            let how = dice.word(&["some", "some", "none", "every"]);
            return (name, json!({ how: nested }));
        }
        let stop = plain && link.target < FIRST;
        if depth == 0 || stop || dice.chance(50) {
            let key = Ty::Id(self.model.types[link.target].key);
            return (name, self.operators(dice, link.target, key));
        }
        (name, self.condition(dice, link.target, depth - 1))
    }

    fn operators(&mut self, dice: &mut Dice, ty: usize, field: Ty) -> Json {
        let ops: &[&str] = match field {
            Ty::Int => &["eq", "ne", "in", "notIn", "gt", "gte", "lt", "lte", "between", "isNull"],
            Ty::Count => &["eq", "ne", "gt", "lt", "in", "lte"],
            Ty::Text => &["eq", "ne", "in", "notIn", "gt", "lt", "contains", "startsWith", "ieq", "isNull"],
            Ty::Flag => &["eq", "ne", "in", "isNull"],
            Ty::Texts => &["has", "hasAny", "hasAll", "isNull", "has"],
            Ty::Id(_) => &["eq", "eq", "ne", "in", "notIn", "isNull"],
        };
        let op = dice.word(ops);
        let list = ["in", "notIn", "hasAny", "hasAll", "between"].contains(&op.as_str());
        let claims = if matches!(field, Ty::Id(_)) { 55 } else { 30 };
        let value = if self.voice == Voice::Model && dice.chance(claims) {
            claim(dice, ty, field, &op)
        } else if op == "isNull" {
            dice.chance(50).into()
        } else if list {
            let least = if op == "between" { 2 } else { usize::from(matches!(field, Ty::Id(_))) };
            let most = if op == "between" { 2 } else { 3 };
            let count = least + dice.below(most - least + 1);
            (0..count).map(|_| self.value(dice, ty, field)).collect()
        } else {
            self.value(dice, ty, field)
        };
        json!({ op: value })
    }

    fn value(&self, dice: &mut Dice, ty: usize, field: Ty) -> Json {
        match field {
            Ty::Id(key) => make_id(key, ty, dice.below(6)).into(),
            Ty::Count => dice.below(3).into(),
            Ty::Texts => value(dice, Ty::Text),
            other => value(dice, other),
        }
    }
}

fn claim(dice: &mut Dice, ty: usize, field: Ty, op: &str) -> Json {
    let names: &[&str] = match field {
        _ if op == "isNull" => &["claims.flag"],
        Ty::Int | Ty::Count => &["claims.level", "claims.level", "claims.tag"],
        Ty::Text => &["claims.tag", "user.roles", "org.role", "claims.level"],
        Ty::Texts => &["claims.tag", "user.roles", "key.scopes", "org.role"],
        Ty::Flag => &["claims.flag"],
        Ty::Id(_) if ty == USER => &["user.id"],
        Ty::Id(_) if ty == ORGANIZATION => &["org.id"],
        Ty::Id(_) => &["user.id", "claims.tag", "claims.level"],
    };
    format!("${}", dice.word(names)).into()
}

/// A random value of a type, from few.
pub(crate) fn value(dice: &mut Dice, ty: Ty) -> Json {
    match ty {
        Ty::Int | Ty::Count => dice.below(4).into(),
        Ty::Flag => dice.chance(50).into(),
        Ty::Texts => dice.some(&["a", "b", "owner"].map(Json::from), 45).into(),
        Ty::Text | Ty::Id(_) => dice.word(&["a", "b", "A", "", "owner"]).into(),
    }
}
