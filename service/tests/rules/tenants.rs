//! Two databases with one model: one with rows of three organizations, one with those of the first alone. A member of
//! the first organization must not be able to tell them apart, nor to change a row of another one.

use entity::catalog::Operation;
use serde_json::Map;
use service::engine::request::Write;

use super::answer::position;
use super::ask::Asker;
use super::bench::{Bench, Kind, Missing};
use super::caller::{Caller, Known};
use super::change::Writer;
use super::dice::Dice;
use super::invent::{self, Flavor};
use super::model::{Key, Model, ORGANIZATION, USER};
use super::store::{Store, make_id};
use super::truth::Truth;
use super::{group, rows, said, setting};

fn home() -> String {
    make_id(Key::Uuid, ORGANIZATION, 0)
}

/// The rows without those of other organizations.
fn own(model: &Model, store: &Store) -> Store {
    let mut own = store.clone();
    for (index, ty) in model.types.iter().enumerate().filter(|(_, ty)| ty.tenant) {
        debug_assert!(ty.link("organization").is_some());
        own.tables[index].retain(|_, row| row["organization"] == home());
    }
    for (table, (first, second)) in model.pairs.iter().enumerate() {
        let (one, other) = (own.tables[*first].clone(), own.tables[*second].clone());
        own.pairs[table].retain(|(near, far)| one.contains_key(near) && other.contains_key(far));
    }
    own
}

/// What is left without the rows of the first organization.
fn others(model: &Model, store: &Store) -> Store {
    let own = own(model, store);
    let mut others = store.clone();
    for (index, ty) in model.types.iter().enumerate() {
        others.tables[index].retain(|id, _| ty.tenant && !own.tables[index].contains_key(id));
    }
    for (pairs, own) in others.pairs.iter_mut().zip(&own.pairs) {
        pairs.retain(|pair| !own.contains(pair));
    }
    others
}

/// A member of the first organization, or a key of it.
fn member(dice: &mut Dice) -> Caller {
    let key = dice.chance(20);
    let role = (!key).then(|| dice.word(&["owner", "member", "member", "a"]));
    Caller::Known(Known {
        key,
        user: dice.chance(90).then(|| make_id(Key::Uuid, USER, dice.below(4))),
        roles: dice.some(&["editor", "a", "b"].map(str::to_owned), 30),
        organization: Some((home(), role)),
        scopes: key.then(|| vec!["*".to_owned()]),
        claims: Map::new(),
    })
}

/// A type and a write, with rules or without: two tries at something that is open.
fn write(dice: &mut Dice, asker: Asker<'_>, next: &mut usize) -> Write {
    let mut writer = Writer { asker, next: *next };
    let mut write = writer.write(dice);
    for _ in 0..2 {
        let ty = position(writer.asker.entities, write.entity);
        if writer.asker.truth.opens(ty, Operation::Update) {
            break;
        }
        write = writer.write(dice);
    }
    *next = writer.next;
    write
}

/// Asks both the same.
pub(crate) async fn compare(kind: Kind) {
    let first = setting("LAUNCHWAY_RULES_SEED", 1);
    let models = setting("LAUNCHWAY_RULES_MODELS", 4);
    let requests = setting("LAUNCHWAY_RULES_REQUESTS", 100);
    let (mut done, mut answered) = (0, 0);
    for seed in first..first + models {
        let mut dice = Dice::new(seed ^ 0x7e4a);
        let model = invent::model(&mut dice, Flavor::Tenants);
        let mut whole = rows::rows(&mut dice, &model, Flavor::Tenants);
        let alone = own(&model, &whole);
        let (all, few) =
            match (Bench::open(kind, &model, &whole).await, Bench::open(kind, &model, &alone).await) {
                (Ok(all), Ok(few)) => (all, few),
                (Err(Missing::Database), _) => return,
                (Err(Missing::Refused(_)), _) => continue,
                (_, Err(why)) => panic!("{why:?}"),
            };
        let mut next = 100;
        for _ in 0..requests {
            let caller = member(&mut dice);
            let truth = Truth { model: &model, store: &whole, caller: &caller };
            let asker = Asker { truth, entities: &all.entities, flavor: Flavor::Tenants };
            let (request, one, other, after);
            if dice.chance(50) {
                let read = asker.read(&mut dice);
                one = all.read(&caller.principal(), &read).await;
                other = few.read(&caller.principal(), &read).await;
                (request, after) = (format!("{read:?}"), None);
            } else {
                let write = write(&mut dice, asker, &mut next);
                one = all.write(&caller.principal(), &write).await.map(|(json, _)| json);
                other = few.write(&caller.principal(), &write).await.map(|(json, _)| json);
                (request, after) =
                    (format!("{write:?}"), Some((all.dump(&model).await, few.dump(&model).await)));
            }
            let same = match (&one, &other) {
                (Ok(one), Ok(other)) => group::same(one, other),
                (one, other) => one == other,
            };
            let stored = after.as_ref().is_none_or(|(stored, few)| {
                own(&model, stored) == *few && others(&model, stored) == others(&model, &whole)
            });
            assert!(
                same && stored,
                "{kind:?}, LAUNCHWAY_RULES_SEED={seed} LAUNCHWAY_RULES_MODELS=1\n{}\n{}\n{caller:?}\n{request}\n\
                 among others {}\nalone        {}\nthe rows are {}",
                model.sdl(),
                whole.text(&model),
                said(&one),
                said(&other),
                if stored { "the same".to_owned() } else { format!("{after:#?}") }
            );
            done += 1;
            answered += usize::from(one.is_ok());
            whole = after.map_or(whole, |(stored, _)| stored);
        }
        all.close().await;
        few.close().await;
    }
    println!("{kind:?}: {done} requests of members, {answered} answered");
    assert!(answered * 4 > done, "hardly anything was answered");
}
