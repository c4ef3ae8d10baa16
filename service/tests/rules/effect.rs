//! What a write does: refused, or the rows afterwards.

use entity::catalog::Operation;
use entity::{EntityId, Input};
use serde_json::Value as Json;
use service::Code;
use service::engine::request::{Answer, BatchPart, By, Change, Target, Write};

use super::answer::position;
use super::caller::Caller;
use super::invent::clashes;
use super::model::{Key, Link, Model, Shape, Ty};
use super::store::{Row, Store, id};
use super::truth::{Truth, alive, order};

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
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

type Done<T> = Result<T, No>;

/// A write being done in memory.
#[derive(Debug)]
pub struct Effect<'a> {
    /// The model.
    pub model: &'a Model,
    /// Who writes.
    pub caller: &'a Caller,
    /// The rows.
    pub store: Store,
    /// The ids that the database makes, in order, by the type and the name they have here.
    pub fresh: Vec<(usize, String)>,
    /// What may be told as well where it is refused: of a row and of one that it refers to, both are not there.
    pub also: Option<Code>,
}

impl Effect<'_> {
    pub(super) fn truth(&self) -> Truth<'_> {
        Truth { model: self.model, store: &self.store, caller: self.caller }
    }

    /// Does a write; tells the ids of the rows it touched, in the order of the answer.
    pub fn write(&mut self, write: &Write, entities: &[EntityId]) -> Done<Vec<String>> {
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

    fn permitted(&self, ty: usize, operation: Operation) -> Done<()> {
        if !self.truth().opens(ty, operation) {
            return Err(No::Code(match self.caller {
                Caller::Anonymous => Code::Unauthenticated,
                _ => Code::Forbidden,
            }));
        }
        if self.truth().in_scope(ty, true) { Ok(()) } else { Err(Code::InsufficientScope.into()) }
    }

    fn answerable(&self, ty: usize, answer: &Answer) -> Done<()> {
        match answer {
            Answer::Nothing => Ok(()),
            Answer::One(selection) => Ok(self.truth().object_fine(ty, selection)?),
            Answer::Batch(parts) => parts.iter().try_for_each(|(_, part)| match part {
                BatchPart::Nodes(selection) => Ok(self.truth().object_fine(ty, selection)?),
                _ => Ok(()),
            }),
        }
    }

    fn targetable(&self, ty: usize, target: &Target) -> Done<()> {
        Ok(match target {
            Target::One(by) => self.truth().nameable(ty, by)?,
            Target::Many { filter, .. } => self.truth().filter_fine(ty, Some(filter))?,
        })
    }

    /// Whether the members of an input may be given.
    fn plan_entries(&self, ty: usize, given: &Json, operation: Operation) -> Done<()> {
        let (truth, definition) = (self.truth(), &self.model.types[ty]);
        for (name, value) in given.as_object().into_iter().flatten() {
            let seen = truth.member_opens(ty, name, Operation::Read);
            let open = truth.member_opens(ty, name, operation);
            let field = definition.field(name);
            if !seen && !open {
                return Err(Code::UnknownField.into());
            }
            if !open {
                let exposed = field.is_none() || truth.exposed(ty, name, operation);
                return Err(No::Code(if exposed { Code::Forbidden } else { Code::ReadOnly }));
            }
            if field.is_some_and(|field| field.required) && value.is_null() {
                return Err(Code::Required.into());
            }
        }
        Ok(())
    }

    fn plan_create(&self, ty: usize, given: &Json, known: Option<&str>) -> Done<()> {
        self.plan_entries(ty, given, Operation::Create)?;
        self.plan_links(ty, given)?;
        let definition = &self.model.types[ty];
        let missing = |name: &str| given.get(name).is_none() && known != Some(name);
        if definition.fields.iter().skip(2).any(|field| field.required && missing(&field.name))
            || definition.key == Key::Client && missing("id")
            || definition
                .links
                .iter()
                .any(|it| it.required && it.is_one() && it.writable && missing(&it.name))
        {
            return Err(Code::Required.into());
        }
        let homeless = definition.tenant && missing("organization") && self.caller.claim("org.id").is_none();
        if homeless {
            let may = self.truth().member_opens(ty, "organization", Operation::Create);
            return Err(No::Code(if may { Code::Required } else { Code::OrganizationRequired }));
        }
        self.plan_lists(ty, given)
    }

    /// Whether rows on the other side may be written.
    fn plan_links(&self, ty: usize, given: &Json) -> Done<()> {
        for (link, value) in self.links(ty, given, true) {
            let created = value.get("create");
            if let Some(row) = created {
                self.permitted(link.target, Operation::Create)?;
                self.plan_create(link.target, row, None)?;
            } else if link.required && (value.is_null() || value.get("disconnect").is_some()) {
                return Err(Code::Required.into());
            }
        }
        Ok(())
    }

    fn plan_lists(&self, ty: usize, given: &Json) -> Done<()> {
        for (link, value) in self.links(ty, given, false) {
            let back = match &link.shape {
                Shape::Back(field) => Some(field.as_str()),
                _ => None,
            };
            for verb in ["set", "disconnect", "connect", "create"] {
                let Some(items) = value.get(verb) else { continue };
                if verb == "create" {
                    for row in items.as_array().into_iter().flatten() {
                        self.permitted(link.target, Operation::Create)?;
                        self.given_from_afar(link.target, back, Operation::Create)?;
                        self.plan_create(link.target, row, back)?;
                    }
                } else if let Some(field) = back {
                    self.permitted(link.target, Operation::Update)?;
                    self.given_from_afar(link.target, back, Operation::Update)?;
                    if verb != "connect" && self.model.link(link.target, field).required {
                        return Err(Code::Required.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// A relation that is written from its other side is written all the same.
    fn given_from_afar(&self, ty: usize, name: Option<&str>, operation: Operation) -> Done<()> {
        match name.is_none_or(|name| self.truth().member_opens(ty, name, operation)) {
            true => Ok(()),
            false => Err(Code::Forbidden.into()),
        }
    }

    fn links<'r>(&'r self, ty: usize, given: &'r Json, one: bool) -> Vec<(&'r Link, &'r Json)> {
        let definition = &self.model.types[ty];
        given
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((definition.link(name)?, value)))
            .filter(|(link, _)| link.is_one() == one)
            .collect()
    }

    fn plan_update(&self, ty: usize, target: &Target, set: &Json, inc: &Json) -> Done<()> {
        self.permitted(ty, Operation::Update)?;
        self.plan_entries(ty, set, Operation::Update)?;
        self.plan_links(ty, set)?;
        for name in inc.as_object().into_iter().flatten().map(|(name, _)| name) {
            if !self.truth().readable(ty, name) {
                return Err(Code::UnknownField.into());
            }
            if !self.truth().member_opens(ty, name, Operation::Update) {
                return Err(Code::Forbidden.into());
            }
        }
        self.targetable(ty, target)?;
        self.plan_lists(ty, set)
    }

    fn afterwards(&self, ty: usize, id: &str, operation: Operation) -> Done<()> {
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

    fn reachable(&self, ty: usize, id: &str) -> Done<()> {
        match self.store.row(ty, id).is_some_and(|row| self.truth().visible(ty, row)) {
            true => Ok(()),
            false => Err(Code::ForeignKeyViolation.into()),
        }
    }

    fn create(&mut self, ty: usize, given: &Json, known: Option<(&str, &str)>) -> Done<String> {
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

    fn given<'n>(&self, ty: usize, ids: &[String], mut names: impl Iterator<Item = &'n str>) -> Done<()> {
        let truth = self.truth();
        let fine = |name: &str| {
            ids.iter().all(|id| truth.given(ty, &truth.store.tables[ty][id], name, Operation::Update))
        };
        if names.all(fine) { Ok(()) } else { Err(Code::CheckFailed.into()) }
    }

    fn unlike(&self, ty: usize, ids: &[String]) -> Done<()> {
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

    /// What is done about relations to many rows.
    fn lists(&mut self, ty: usize, id: &str, given: &Json) -> Done<()> {
        let links: Vec<(Link, Json)> = self
            .links(ty, given, false)
            .into_iter()
            .map(|(link, value)| (link.clone(), value.clone()))
            .collect();
        for (link, value) in links {
            for verb in ["set", "disconnect", "connect", "create"] {
                let Some(items) = value.get(verb).and_then(Json::as_array) else { continue };
                if verb == "create" {
                    for row in items {
                        self.create_related(&link, id, row)?;
                    }
                    continue;
                }
                let ids: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
                match &link.shape {
                    Shape::Pairs(table, first) => self.pair(&link, *table, *first, id, verb, &ids)?,
                    Shape::Back(field) => self.adopt(&link, field, id, verb, &ids)?,
                    Shape::One(_) => {}
                }
            }
        }
        Ok(())
    }

    fn create_related(&mut self, link: &Link, id: &str, row: &Json) -> Done<()> {
        let known = match &link.shape {
            Shape::Back(field) => Some((field.as_str(), id)),
            _ => None,
        };
        let made = self.create(link.target, row, known)?;
        self.afterwards(link.target, &made, Operation::Create)?;
        if let Shape::Pairs(table, first) = link.shape {
            self.store.pairs[table].insert(ordered(first, id, &made));
        }
        Ok(())
    }

    fn pair(
        &mut self,
        link: &Link,
        table: usize,
        first: bool,
        id: &str,
        verb: &str,
        ids: &[&str],
    ) -> Done<()> {
        if verb != "connect" {
            // What the caller does not see is as if it were not there, and stays.
            let pairs: Vec<(String, String)> = self.store.pairs[table].iter().cloned().collect();
            for pair in pairs {
                let (near, far) = if first { (&pair.0, &pair.1) } else { (&pair.1, &pair.0) };
                let meant = verb == "set" || ids.contains(&far.as_str());
                if near == id && meant && self.reachable(link.target, far).is_ok() {
                    self.store.pairs[table].remove(&pair);
                }
            }
        }
        if verb != "disconnect" {
            ids.iter().try_for_each(|far| self.reachable(link.target, far))?;
            self.store.pairs[table].extend(ids.iter().map(|far| ordered(first, id, far)));
        }
        Ok(())
    }

    /// The other rows' keys are changed, as far as the caller may update those rows.
    fn adopt(&mut self, link: &Link, field: &str, id: &str, verb: &str, ids: &[&str]) -> Done<()> {
        let ty = link.target;
        let truth = self.truth();
        let open = |row: &&Row| {
            alive(row)
                && truth.may(ty, row, Operation::Update)
                && truth.member(ty, row, field, Operation::Update)
        };
        let named = |row: &Row| ids.contains(&row["id"].as_str().unwrap_or_default());
        let names =
            |rows: Vec<&Row>| rows.into_iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        let lost: Vec<String> = match verb {
            "connect" => Vec::new(),
            _ => names(
                truth
                    .store
                    .rows(ty)
                    .filter(open)
                    .filter(|row| row[field] == id && (named(row) == (verb == "disconnect")))
                    .collect(),
            ),
        };
        self.rekey(ty, field, &lost, &Json::Null)?;
        if verb == "disconnect" {
            return Ok(());
        }
        let truth = self.truth();
        let open = |row: &&Row| {
            alive(row)
                && truth.may(ty, row, Operation::Update)
                && truth.member(ty, row, field, Operation::Update)
        };
        let won: Vec<String> = names(truth.store.rows(ty).filter(|row| named(row)).filter(open).collect());
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if won.len() != wanted.len() {
            return Err(Code::ForeignKeyViolation.into());
        }
        self.rekey(ty, field, &won, &id.into())
    }

    fn rekey(&mut self, ty: usize, field: &str, ids: &[String], key: &Json) -> Done<()> {
        for id in ids {
            let row = self.store.tables[ty].get_mut(id).unwrap();
            row.insert(field.to_owned(), key.clone());
            touch(row);
        }
        self.unlike(ty, ids)?;
        ids.iter().try_for_each(|id| self.afterwards(ty, id, Operation::Update))?;
        self.given(ty, ids, std::iter::once(field))
    }
}

fn touch(row: &mut Row) {
    let version = row["version"].as_i64().unwrap_or_default();
    row.insert("version".to_owned(), (version + 1).into());
}

fn ordered(first: bool, near: &str, far: &str) -> (String, String) {
    if first { (near.to_owned(), far.to_owned()) } else { (far.to_owned(), near.to_owned()) }
}

/// The answer to a write that touched rows, from the rows it is read from.
pub fn answer(truth: Truth<'_>, ty: usize, wanted: &Answer, ids: &[String]) -> Json {
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
