//! Random rows of a model.

use serde_json::Value as Json;

use super::dice::Dice;
use super::invent::{Flavor, value};
use super::model::{FIRST, Key, MEMBERSHIP, Model, ORGANIZATION};
use super::store::{Row, Store, make_id};

/// Random rows: some users, organizations, memberships, and up to six of each type of the model.
pub(crate) fn rows(dice: &mut Dice, model: &Model, flavor: Flavor) -> Store {
    let mut store = Store::empty(model);
    for ty in 0..model.types.len() {
        let count = [4, 3, 7].get(ty).copied().unwrap_or_else(|| 3 + dice.below(5));
        for number in 0..count {
            let row = row(dice, model, &store, ty, number, flavor);
            if let Some(row) = row.filter(|row| !clashes(model, &store, ty, row)) {
                store.tables[ty].insert(row["id"].as_str().unwrap().to_owned(), row);
            }
        }
    }
    forward(dice, model, &mut store, flavor);
    for (table, (first, second)) in model.pairs.iter().enumerate() {
        for one in store.tables[*first].values() {
            for other in store.tables[*second].values() {
                let same = flavor == Flavor::Any || one["organization"] == other["organization"];
                if same && dice.chance(30) {
                    let pair =
                        (one["id"].as_str().unwrap().to_owned(), other["id"].as_str().unwrap().to_owned());
                    store.pairs[table].insert(pair);
                }
            }
        }
    }
    store
}

/// Relations to rows that were made later.
fn forward(dice: &mut Dice, model: &Model, store: &mut Store, flavor: Flavor) {
    for (ty, definition) in model.types.iter().enumerate() {
        for link in definition.links.iter().filter(|link| link.is_one() && link.target >= ty) {
            let targets: Vec<Row> = store.rows(link.target).cloned().collect();
            for row in store.tables[ty].values_mut() {
                let same =
                    |other: &&Row| flavor == Flavor::Any || other["organization"] == row["organization"];
                let fit: Vec<&Row> = targets.iter().filter(same).collect();
                if !fit.is_empty() && dice.chance(70) {
                    let key = dice.pick(&fit)["id"].clone();
                    row.insert(link.name.clone(), key);
                }
            }
        }
    }
}

/// Whether a row has a value that no two rows may have, as another one that is not deleted.
pub(crate) fn clashes(model: &Model, store: &Store, ty: usize, row: &Row) -> bool {
    let definition = &model.types[ty];
    let same = |other: &Row, name: &str| !row[name].is_null() && other[name] == row[name];
    let own = |other: &Row| !definition.tenant || other["organization"] == row["organization"];
    store.rows(ty).filter(|other| other["id"] != row["id"]).any(|other| {
        let both = super::logic::alive(other) && super::logic::alive(row);
        let pair = ty == MEMBERSHIP && same(other, "user") && same(other, "organization");
        pair || both
            && own(other)
            && definition.fields.iter().any(|field| field.unique && same(other, &field.name))
    })
}

fn row(
    dice: &mut Dice,
    model: &Model,
    store: &Store,
    ty: usize,
    number: usize,
    flavor: Flavor,
) -> Option<Row> {
    let definition = &model.types[ty];
    let mut row = Row::new();
    row.insert("id".to_owned(), make_id(definition.key, ty, number).into());
    row.insert("version".to_owned(), 1.into());
    if definition.soft {
        row.insert("deletedAt".to_owned(), if dice.chance(25) { true.into() } else { Json::Null });
    }
    let home = make_id(Key::Uuid, ORGANIZATION, dice.below(3));
    for field in definition.fields.iter().skip(2) {
        let empty = !field.required && dice.chance(30);
        row.insert(field.name.clone(), if empty { Json::Null } else { value(dice, field.ty) });
    }
    for link in definition.links.iter().filter(|link| link.is_one()) {
        let same =
            |other: &&Row| flavor == Flavor::Any || link.target < FIRST || other["organization"] == home;
        let targets: Vec<&Row> = store.rows(link.target).filter(same).collect();
        let empty = targets.is_empty() || !link.required && dice.chance(30);
        if empty && link.required {
            return None;
        }
        let key = if empty { Json::Null } else { dice.pick(&targets)["id"].clone() };
        row.insert(
            link.name.clone(),
            if link.name == "organization" && definition.tenant { home.clone().into() } else { key },
        );
    }
    if ty == ORGANIZATION {
        row.insert("name".to_owned(), dice.word(&["a", "b", "owner"]).into());
    }
    if ty == MEMBERSHIP {
        row.insert("role".to_owned(), dice.word(&["owner", "member", "a"]).into());
    }
    Some(row)
}
