//! Random writes.

use entity::catalog::Operation;
use entity::{EntityId, Input};
use serde_json::{Map, Value as Json, json};
use service::engine::request::{Answer, BatchPart, By, Change, Target, Write};

use super::ask::Asker;
use super::dice::Dice;
use super::invent::value;
use super::model::{Key, Link, ORGANIZATION, Shape, Ty};
use super::store::make_id;

/// Makes writes: mostly of what the caller may write.
pub(crate) struct Writer<'a> {
    /// What the caller may read.
    pub(crate) asker: Asker<'a>,
    /// The number of the next new row.
    pub(crate) next: usize,
}

impl Writer<'_> {
    /// A write.
    pub(crate) fn write(&mut self, dice: &mut Dice) -> Write {
        let (ty, operation) = self.what(dice);
        let entity: EntityId = self.asker.entities[ty];
        let many = dice.chance(25);
        let change = match operation {
            Operation::Create => {
                let count = if many { 1 + dice.below(3) } else { 1 };
                let rows = (0..count).map(|_| Input::from(self.row(dice, ty, None, 2))).collect();
                Change::Create { rows }
            }
            Operation::Delete => {
                Change::Delete { target: self.target(dice, ty, many), if_version: version(dice) }
            }
            _ => self.update(dice, ty, many),
        };
        let answer = match dice.below(4) {
            0 => Answer::Nothing,
            _ if many => {
                let nodes = BatchPart::Nodes(self.asker.selection(dice, ty, 1));
                Answer::Batch(vec![("count".into(), BatchPart::Count), ("nodes".into(), nodes)])
            }
            _ => Answer::One(self.asker.selection(dice, ty, 1)),
        };
        Write { entity, change, answer }
    }

    fn what(&self, dice: &mut Dice) -> (usize, Operation) {
        let types = self.asker.truth.model.types.len();
        let mut wanted = (3, Operation::Create);
        for _ in 0..8 {
            let ty = if dice.chance(8) { dice.below(3) } else { 3 + dice.below(types - 3) };
            let operation =
                dice.weighed(&[(4, Operation::Create), (4, Operation::Update), (2, Operation::Delete)]);
            wanted = (ty, operation);
            if self.asker.truth.opens(ty, operation) && self.asker.truth.in_scope(ty, true) {
                break;
            }
        }
        wanted
    }

    fn target(&self, dice: &mut Dice, ty: usize, many: bool) -> Target {
        if many {
            return Target::Many { filter: Input::from(self.asker.filter(dice, ty)), max: 50 };
        }
        let known: Vec<&String> = self.asker.truth.store.tables[ty].keys().collect();
        if known.is_empty() || dice.chance(8) {
            let id = make_id(self.asker.truth.ty(ty).key, ty, 50);
            return Target::One(By::Id(Input::String(id)));
        }
        Target::One(By::Id(Input::String((*dice.pick(&known)).clone())))
    }

    fn update(&mut self, dice: &mut Dice, ty: usize, many: bool) -> Change {
        let definition = self.asker.truth.ty(ty);
        let mut set = Map::new();
        let mut inc = None;
        for name in self.writable(dice, ty, Operation::Update) {
            let Some(link) = definition.link(&name) else {
                let field = definition.field(&name).map_or(Ty::Int, |field| field.ty);
                if field == Ty::Int && dice.chance(30) {
                    inc = Some(Input::from(json!({ name: 1 + dice.below(2) })));
                } else {
                    set.insert(name.clone(), self.cell(dice, ty, &name));
                }
                continue;
            };
            if link.is_one() {
                set.insert(name, self.one_related(dice, link, 1, false));
            } else if !many && dice.chance(50) {
                set.insert(name, self.many_related(dice, link, 1, false));
            }
        }
        Change::Update {
            target: self.target(dice, ty, many),
            set: Some(Input::from(Json::Object(set))),
            inc,
            append: None,
            remove: None,
            if_version: version(dice),
        }
    }

    fn writable(&self, dice: &mut Dice, ty: usize, operation: Operation) -> Vec<String> {
        let anything = dice.chance(5);
        let open: Vec<String> = self
            .asker
            .truth
            .ty(ty)
            .members()
            .into_iter()
            .filter(|name| anything || self.asker.truth.member_opens(ty, name, operation))
            .filter(|name| !["id", "version"].contains(&name.as_str()))
            .collect();
        dice.some(&open, 35)
    }

    fn cell(&self, dice: &mut Dice, ty: usize, name: &str) -> Json {
        let Some(field) = self.asker.truth.ty(ty).field(name) else { return Json::Null };
        if !field.required && dice.chance(20) {
            return Json::Null;
        }
        if ty == ORGANIZATION { dice.word(&["a", "b"]).into() } else { value(dice, field.ty) }
    }

    /// A new row. `known` is the relation that says itself whose it is.
    fn row(&mut self, dice: &mut Dice, ty: usize, known: Option<&str>, depth: usize) -> Json {
        let definition = self.asker.truth.ty(ty);
        let mut row = Map::new();
        if definition.key != Key::Serial {
            row.insert("id".to_owned(), make_id(definition.key, ty, self.next).into());
            self.next += 1;
        }
        let some = self.writable(dice, ty, Operation::Create);
        for field in definition.fields.iter().skip(2) {
            if field.required && !dice.chance(2) || some.contains(&field.name) {
                row.insert(field.name.clone(), self.cell(dice, ty, &field.name));
            }
        }
        for link in &definition.links {
            if Some(link.name.as_str()) == known {
                continue;
            }
            let needed = link.required && link.writable && !dice.chance(2);
            if link.is_one() && (needed || some.contains(&link.name)) {
                row.insert(link.name.clone(), self.one_related(dice, link, depth, needed));
            } else if !link.is_one() && depth > 0 && some.contains(&link.name) {
                row.insert(link.name.clone(), self.many_related(dice, link, depth, true));
            }
        }
        Json::Object(row)
    }

    fn some_id(&self, dice: &mut Dice, ty: usize) -> Json {
        let known: Vec<&String> = self.asker.truth.store.tables[ty].keys().collect();
        if known.is_empty() || dice.chance(4) {
            return make_id(self.asker.truth.ty(ty).key, ty, 50).into();
        }
        for _ in 0..3 {
            let id = (*dice.pick(&known)).clone();
            let row = self.asker.truth.store.row(ty, &id);
            if row.is_some_and(|row| self.asker.truth.visible(ty, row)) {
                return id.into();
            }
        }
        (*dice.pick(&known)).clone().into()
    }

    fn one_related(&mut self, dice: &mut Dice, link: &Link, depth: usize, needed: bool) -> Json {
        match dice.below(20) {
            0 if !needed => Json::Null,
            1 if !needed => json!({ "disconnect": true }),
            2..=5 if depth > 0 => json!({ "create": self.row(dice, link.target, None, depth - 1) }),
            6..=12 => json!({ "connect": self.some_id(dice, link.target) }),
            _ => self.some_id(dice, link.target),
        }
    }

    fn many_related(&mut self, dice: &mut Dice, link: &Link, depth: usize, new: bool) -> Json {
        let known = match &link.shape {
            Shape::Back(field) => Some(field.as_str()),
            _ => None,
        };
        let mut verbs = Map::new();
        let ids = |dice: &mut Dice, writer: &Self| -> Json {
            (0..1 + dice.below(2)).map(|_| writer.some_id(dice, link.target)).collect()
        };
        let all: &[&str] =
            if new { &["create", "connect"] } else { &["create", "connect", "disconnect", "set"] };
        let verb = dice.word(all);
        let value = match verb.as_str() {
            "create" => json!([self.row(dice, link.target, known, depth - 1)]),
            _ => ids(dice, self),
        };
        verbs.insert(verb, value);
        Json::Object(verbs)
    }
}

fn version(dice: &mut Dice) -> Option<i64> {
    dice.chance(8).then(|| 1 + dice.below(2) as i64)
}
