//! Writes.

use async_graphql::parser::types::SelectionSet;
use entity::catalog::Entity;
use entity::{EntityId, Input};
use service::Code;
use service::engine::request::{Answer, BatchPart, By, Change, Target, Write};

use super::Lowerer;
use super::argument::Arguments;
use super::collect::{Group, Object};
use super::selection::{empty, unknown};
use crate::graphql::render::Fault;
use crate::graphql::schema::name::screaming;
use crate::graphql::schema::{Does, MAX, keys};

impl<'a> Lowerer<'a> {
    /// A field of `Mutation`.
    pub(super) fn write(&self, does: Does, group: &Group<'a>) -> Result<Write, Fault> {
        let mut arguments = self.arguments("Mutation", group.field)?;
        let Some((id, many)) = subject(does) else {
            return Err(arguments.fault(Code::NotSupported, "What concerns accounts is done by itself."));
        };
        let entity = self.catalog.entity(id);
        let change = self.change(does, entity, &mut arguments)?;
        let answer = if many {
            Answer::Batch(self.batch(entity, &group.sets)?)
        } else {
            Answer::One(self.row(entity, &group.sets)?)
        };
        Ok(Write { entity: id, change, answer })
    }

    fn change(&self, does: Does, entity: &Entity, arguments: &mut Arguments<'_>) -> Result<Change, Fault> {
        Ok(match does {
            Does::Create(_) => Change::Create { rows: vec![arguments.required("input")?] },
            Does::CreateMany(_) => Change::Create { rows: arguments.list("input") },
            Does::Update(_) => {
                let target = Target::One(By::Id(arguments.required("id")?));
                update(target, arguments)?
            }
            Does::UpdateMany(_) => {
                let target = many(arguments)?;
                update(target, arguments)?
            }
            Does::Upsert(_) => upsert(entity, vec![arguments.required("input")?], arguments),
            Does::UpsertMany(_) => {
                let rows = arguments.list("input");
                upsert(entity, rows, arguments)
            }
            Does::Delete(_) => Change::Delete {
                target: Target::One(By::Id(arguments.required("id")?)),
                if_version: version(arguments),
            },
            Does::DeleteMany(_) => Change::Delete { target: many(arguments)?, if_version: None },
            Does::Account(_) => {
                return Err(arguments.fault(Code::NotSupported, "What concerns accounts is done by itself."));
            }
        })
    }

    fn batch(
        &self,
        entity: &'a Entity,
        sets: &[&'a SelectionSet],
    ) -> Result<Vec<(String, BatchPart)>, Fault> {
        let name = format!("{}Batch", entity.name);
        self.collector
            .collect(Object::plain(&name), sets)?
            .iter()
            .map(|group| {
                let part = match group.name() {
                    "__typename" => BatchPart::Typename(name.clone()),
                    "count" => BatchPart::Count,
                    "nodes" => BatchPart::Nodes(self.row(entity, &group.sets)?),
                    _ => return Err(unknown(&name, group)),
                };
                Ok((group.key().to_owned(), part))
            })
            .collect()
    }
}

/// Whose rows are written, and whether many.
fn subject(does: Does) -> Option<(EntityId, bool)> {
    match does {
        Does::Create(id) | Does::Update(id) | Does::Upsert(id) | Does::Delete(id) => Some((id, false)),
        Does::CreateMany(id) | Does::UpdateMany(id) | Does::UpsertMany(id) | Does::DeleteMany(id) => {
            Some((id, true))
        }
        Does::Account(_) => None,
    }
}

fn update(target: Target, arguments: &mut Arguments<'_>) -> Result<Change, Fault> {
    let [set, inc, append, remove] = ["set", "inc", "append", "remove"].map(|name| arguments.take(name));
    if [&set, &inc, &append, &remove].into_iter().all(Option::is_none) {
        return Err(arguments.fault(
            Code::ValidationFailed,
            "Nothing to change was given: `set`, `inc`, `append` or `remove`.",
        ));
    }
    Ok(Change::Update { target, set, inc, append, remove, if_version: version(arguments) })
}

fn upsert(entity: &Entity, rows: Vec<Input>, arguments: &mut Arguments<'_>) -> Change {
    let on = arguments.text("on").and_then(|given| {
        keys(entity).find(|unique| screaming(&unique.api) == given).map(|unique| unique.api.clone())
    });
    Change::Upsert { rows, on, set: arguments.take("set"), if_version: None, create_only: false }
}

fn many(arguments: &mut Arguments<'_>) -> Result<Target, Fault> {
    let filter = arguments.take("where").unwrap_or_else(empty);
    let max = arguments.count("max")?.unwrap_or(u64::from(MAX.unsigned_abs()));
    Ok(Target::Many { filter, max })
}

fn version(arguments: &mut Arguments<'_>) -> Option<i64> {
    match arguments.take("ifVersion")? {
        Input::Int(version) => Some(version),
        _ => None,
    }
}
