//! What a write does: refused, or the rows afterwards.

use entity::catalog::Operation;
use entity::{EntityId, Input};
use serde_json::Value as Json;
use service::Code;
use service::engine::request::{Answer, BatchPart, By, Change, Target, Write};

use super::answer::position;
use super::caller::Caller;
use super::logic::{alive, order};
use super::model::{Link, Model, Ty};
use super::rows::clashes;
use super::store::{Row, Store, id};
use super::truth::Truth;

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum No {
    /// This is why.
    Code(Code),
    /// Nobody but the database knows whether it is done: it depends on the order in which it looks at rows.
    Unsure,
}

impl From<Code> for No {
    fn from(code: Code) -> Self {
        No::Code(code)
    }
}

/// What is done, or why it is not.
pub(crate) type Done<T> = Result<T, No>;

/// A write being done in memory.
#[derive(Debug)]
pub(crate) struct Effect<'a> {
    /// The model.
    pub(crate) model: &'a Model,
    /// Who writes.
    pub(crate) caller: &'a Caller,
    /// The rows.
    pub(crate) store: Store,
    /// The ids that the database makes, in order, by the type and the name they have here.
    pub(crate) fresh: Vec<(usize, String)>,
    /// What may be told as well where it is refused: of a row and of one that it refers to, both are not there.
    pub(crate) also: Option<Code>,
}

impl Effect<'_> {
    pub(crate) fn truth(&self) -> Truth<'_> {
        Truth { model: self.model, store: &self.store, caller: self.caller }
    }

    /// Does a write; tells the ids of the rows it touched, in the order of the answer.
    pub(crate) fn write(&mut self, write: &Write, entities: &[EntityId]) -> Done<Vec<String>> {
        let ty = position(entities, write.entity);
        match &write.change {
            Change::Create { rows } => {
                let rows: Vec<Json> = rows.iter().map(Input::to_json).collect();
                self.permitted(ty, Operation::Create)?;
                rows.iter().try_for_each(|row| self.plan_create(ty, row, None))?;
                self.answerable(ty, &write.answer)?;
                let ids: Vec<String> =
                    rows.iter().map(|row| self.create(ty, row, None)).collect::<Done<_>>()?;
                ids.iter().try_for_each(|id| self.afterwards(ty, id, Operation::Create))?;
                Ok(ids)
            }
            Change::Update { target, set, inc, if_version, .. } => {
                let set = set.as_ref().map_or(Json::Null, Input::to_json);
                let inc = inc.as_ref().map_or(Json::Null, Input::to_json);
                self.plan_update(ty, target, &set, &inc)?;
                self.answerable(ty, &write.answer)?;
                self.update(ty, target, &set, &inc, *if_version)
            }
            Change::Delete { target, if_version } => {
                self.permitted(ty, Operation::Delete)?;
                self.targetable(ty, target)?;
                self.answerable(ty, &write.answer)?;
                let ids = self.targets(ty, target, &[], &[], Operation::Delete, *if_version)?;
                self.delete(ty, &ids)?;
                Ok(ids)
            }
            Change::Upsert { .. } => panic!("not asked"),
        }
    }

    pub(crate) fn afterwards(&self, ty: usize, id: &str, operation: Operation) -> Done<()> {
        let row = self.store.row(ty, id);
        match row.is_some_and(|row| self.truth().fine(ty, row, operation)) {
            true => Ok(()),
            false => Err(Code::CheckFailed.into()),
        }
    }

    /// The keys of relations to one row, with rows made for them.
    fn keys(&mut self, ty: usize, given: &Json) -> Done<Vec<(String, Json)>> {
        let links: Vec<(Link, Json)> = self
            .links(ty, given, true)
            .into_iter()
            .map(|(link, value)| (link.clone(), value.clone()))
            .collect();
        let mut keys = Vec::new();
        for (link, value) in links {
            let key = if let Some(row) = value.get("create") {
                let id = self.create(link.target, row, None)?;
                self.afterwards(link.target, &id, Operation::Create)?;
                Json::from(id)
            } else {
                let key = value.get("connect").unwrap_or(&value);
                if let Some(id) = key.as_str() {
                    self.reachable(link.target, id)?;
                }
                if key.is_string() { key.clone() } else { Json::Null }
            };
            keys.push((link.name, key));
        }
        Ok(keys)
    }

    pub(crate) fn reachable(&self, ty: usize, id: &str) -> Done<()> {
        match self.store.row(ty, id).is_some_and(|row| self.truth().visible(ty, row)) {
            true => Ok(()),
            false => Err(Code::ForeignKeyViolation.into()),
        }
    }

    pub(crate) fn create(&mut self, ty: usize, given: &Json, known: Option<(&str, &str)>) -> Done<String> {
        let keys = self.keys(ty, given)?;
        let definition = &self.model.types[ty];
        let mut row = Row::new();
        let key = match given.get("id") {
            Some(id) => id.clone(),
            None => {
                let id = format!("new{}", self.fresh.len());
                self.fresh.push((ty, id.clone()));
                id.into()
            }
        };
        for field in &definition.fields {
            row.insert(field.name.clone(), given.get(&field.name).cloned().unwrap_or_default());
        }
        for link in definition.links.iter().filter(|link| link.is_one()) {
            row.insert(link.name.clone(), Json::Null);
        }
        if definition.tenant {
            row.insert("organization".to_owned(), self.caller.claim("org.id").unwrap_or_default());
        }
        row.insert("id".to_owned(), key);
        row.insert("version".to_owned(), 1.into());
        if definition.soft {
            row.insert("deletedAt".to_owned(), Json::Null);
        }
        row.extend(keys);
        row.extend(known.map(|(name, id)| (name.to_owned(), id.into())));
        let id = id(&row).to_owned();
        if self.store.tables[ty].contains_key(&id) || clashes(self.model, &self.store, ty, &row) {
            return Err(Code::UniqueViolation.into());
        }
        self.store.tables[ty].insert(id.clone(), row);
        let truth = self.truth();
        let made = &truth.store.tables[ty][&id];
        let mut names = given
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .chain(known.map(|it| it.0));
        if !names.all(|name| truth.given(ty, made, name, Operation::Create)) {
            return Err(Code::CheckFailed.into());
        }
        self.lists(ty, &id, given)?;
        Ok(id)
    }

    fn update(
        &mut self,
        ty: usize,
        target: &Target,
        set: &Json,
        inc: &Json,
        version: Option<i64>,
    ) -> Done<Vec<String>> {
        let keys = self.keys(ty, set);
        let names = |given: &Json| -> Vec<String> {
            given.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        let (given, added) = (names(set), names(inc));
        let ids = self.targets(ty, target, &given, &added, Operation::Update, version);
        if let Err(No::Code(code)) = ids {
            self.also = Some(code);
        }
        if keys.is_err() && ids.as_ref().is_ok_and(Vec::is_empty) {
            // Where every row may be referred to, the database finds out, and it is asked of no row.
            return Err(No::Unsure);
        }
        let (keys, ids) = (keys?, ids?);
        for id in &ids {
            let row = self.store.tables[ty].get_mut(id).unwrap();
            for (name, value) in set.as_object().into_iter().flatten() {
                if self.model.types[ty].field(name).is_some() {
                    row.insert(name.clone(), value.clone());
                }
            }
            for (name, value) in inc.as_object().into_iter().flatten() {
                if let Some(old) = row[name].as_i64() {
                    row.insert(name.clone(), (old + value.as_i64().unwrap()).into());
                }
            }
            row.extend(keys.clone());
            touch(row);
        }
        self.unlike(ty, &ids)?;
        for id in &ids {
            self.lists(ty, id, set)?;
        }
        ids.iter().try_for_each(|id| self.afterwards(ty, id, Operation::Update))?;
        self.given(ty, &ids, given.iter().chain(&added).map(String::as_str))?;
        Ok(ids)
    }

    pub(crate) fn given<'n>(
        &self,
        ty: usize,
        ids: &[String],
        mut names: impl Iterator<Item = &'n str>,
    ) -> Done<()> {
        let truth = self.truth();
        let fine = |name: &str| {
            ids.iter().all(|id| truth.given(ty, &truth.store.tables[ty][id], name, Operation::Update))
        };
        if names.all(fine) { Ok(()) } else { Err(Code::CheckFailed.into()) }
    }

    pub(crate) fn unlike(&self, ty: usize, ids: &[String]) -> Done<()> {
        let twice = |id: &String| clashes(self.model, &self.store, ty, &self.store.tables[ty][id]);
        if ids.iter().any(twice) { Err(Code::UniqueViolation.into()) } else { Ok(()) }
    }

    /// The rows that are meant and may be changed, by id.
    fn targets(
        &self,
        ty: usize,
        target: &Target,
        given: &[String],
        added: &[String],
        operation: Operation,
        version: Option<i64>,
    ) -> Done<Vec<String>> {
        let truth = self.truth();
        let open = |row: &&Row| {
            alive(row)
                && truth.may(ty, row, operation)
                && given.iter().chain(added).all(|name| truth.member(ty, row, name, operation))
                && added.iter().all(|name| truth.member(ty, row, name, Operation::Read))
                && version.is_none_or(|version| row["version"] == version)
        };
        let mut found: Vec<&Row> = match target {
            Target::One(by) => self.store.rows(ty).filter(|row| truth.is_named(ty, row, by)).collect(),
            // What is not readable can't be used: a condition is about rows the caller sees.
            Target::Many { filter, .. } => self
                .store
                .rows(ty)
                .filter(|row| truth.visible(ty, row) && truth.matches(ty, row, Some(filter)))
                .collect(),
        };
        let meant = found.first().copied();
        found.retain(open);
        if let (Target::One(by), true) = (target, found.is_empty()) {
            assert!(matches!(by, By::Id(_)));
            return Err(No::Code(match meant.filter(|row| truth.visible(ty, row)) {
                None => Code::NotFound,
                Some(row) if version.is_some_and(|version| row["version"] != version) => {
                    Code::VersionMismatch
                }
                Some(_) => Code::Forbidden,
            }));
        }
        let key = Ty::Id(self.model.types[ty].key);
        found.sort_by(|one, other| order(key, &one["id"], &other["id"]));
        Ok(found.into_iter().map(|row| id(row).to_owned()).collect())
    }
}

/// Counts a change of a row.
pub(crate) fn touch(row: &mut Row) {
    let version = row["version"].as_i64().unwrap_or_default();
    row.insert("version".to_owned(), (version + 1).into());
}

/// The answer to a write that touched rows, from the rows it is read from.
pub(crate) fn answer(truth: Truth<'_>, ty: usize, wanted: &Answer, ids: &[String]) -> Json {
    let seen = |id: &String| truth.store.row(ty, id).filter(|row| truth.visible(ty, row));
    match wanted {
        Answer::Nothing => Json::Null,
        Answer::One(selection) => {
            ids.first().and_then(seen).map_or(Json::Null, |row| truth.object(ty, row, selection))
        }
        Answer::Batch(parts) => {
            let parts = parts.iter().map(|(key, part)| {
                let value = match part {
                    BatchPart::Count => ids.len().into(),
                    BatchPart::Nodes(selection) => {
                        ids.iter().filter_map(seen).map(|row| truth.object(ty, row, selection)).collect()
                    }
                    BatchPart::Typename(name) => name.as_str().into(),
                };
                (key.clone(), value)
            });
            Json::Object(parts.collect())
        }
    }
}
