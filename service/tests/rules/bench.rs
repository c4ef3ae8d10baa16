//! A service with a model and rows in it, and what is in its database.

use entity::model::Source;
use entity::{EntityId, Input};
use serde_json::Value as Json;
use service::database::Settings;
use service::engine::Request;
use service::engine::request::{ConnectionPart, List, Read, Requested, Root, Selected, Write};
use service::publish::Apply;
use service::transfer::OnError;
use service::transfer::import::import;
use service::{Code, Limits, Principal, Service};

use super::model::{Model, Shape};
use super::store::{Row, Store, id};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// SQLite in a file.
    Sqlite,
    /// PostgreSQL, where its programs are found.
    Postgres,
}

/// A service.
pub(crate) struct Bench {
    service: Service,
    /// The engine's names of the model's types.
    pub(crate) entities: Vec<EntityId>,
    database: Option<(&'static harness::postgres::Cluster, String)>,
    _folder: tempfile::TempDir,
}

/// Where a bench can't be had.
#[derive(Debug)]
pub(crate) enum Missing {
    /// There is no such database here.
    Database,
    /// The model was refused, and why.
    Refused(String),
}

impl Bench {
    /// Opens a service with a model and rows.
    pub(crate) async fn open(kind: Kind, model: &Model, store: &Store) -> Result<Self, Missing> {
        let sdl = model.sdl();
        let sources = [Source::new("model.graphql", sdl.as_str())];
        if let Err(diagnostics) = entity::model::compile(&sources) {
            return Err(Missing::Refused(format!("{diagnostics:?}")));
        }
        let folder = tempfile::tempdir().unwrap();
        let (url, database) = match kind {
            Kind::Sqlite => (format!("sqlite://{}", folder.path().join("test.db").display()), None),
            Kind::Postgres => {
                let cluster = tokio::task::spawn_blocking(harness::postgres::shared).await.unwrap();
                let Some(cluster) = cluster else { return Err(Missing::Database) };
                let name = cluster.create_database().await;
                (cluster.url(&name), Some((cluster, name)))
            }
        };
        let service = Service::open(&Settings::new(url), Limits::default()).await.unwrap();
        if let Err(error) = service.publish(&sources, Apply::Safe).await {
            panic!("{error:?}\n{sdl}");
        }
        let catalog = service.catalog();
        let entities = model.types.iter().map(|ty| {
            let entity = catalog.entity_named(&ty.name).unwrap();
            assert_eq!(entity.plural, ty.plural);
            entity.id
        });
        let bench = Self { entities: entities.collect(), service, database, _folder: folder };
        let files = tempfile::tempdir().unwrap();
        store.write(model, files.path());
        let paths = [files.path().to_path_buf()];
        let imported = import(
            bench.service.database(),
            &bench.service.catalog(),
            &paths,
            (OnError::Stop, None),
            &mut |_| {},
        )
        .await;
        if let Err(error) = imported {
            panic!("{error:?}\n{sdl}\n{}", store.text(model));
        }
        Ok(bench)
    }

    /// Ends the service and drops its database.
    pub(crate) async fn close(self) {
        drop(self.service);
        if let Some((cluster, name)) = self.database {
            cluster.drop_database(&name).await;
        }
    }

    /// The answer to a read.
    pub(crate) async fn read(&self, principal: &Principal, read: &Read) -> Result<Json, Code> {
        let request = Request::Read(vec![Root { key: "x".into(), ask: read.clone() }]);
        let context = self.service.context(principal.clone(), None);
        let reply = self.service.engine().run(&context, &request).await.map_err(complaint)?;
        Ok(reply.roots[0].json.as_ref().map_or(Json::Null, |json| serde_json::from_str(json).unwrap()))
    }

    /// Does a write; gives its answer and the ids of what it touched.
    pub(crate) async fn write(
        &self,
        principal: &Principal,
        write: &Write,
    ) -> Result<(Json, Vec<String>), Code> {
        let request = Request::Write(vec![Root { key: "x".into(), ask: write.clone() }]);
        let context = self.service.context(principal.clone(), None);
        let mut reply = self.service.engine().run(&context, &request).await.map_err(complaint)?;
        let root = reply.roots.remove(0);
        let json = root.json.map_or(Json::Null, |json| serde_json::from_str(&json).unwrap());
        Ok((json, root.facts.unwrap_or_default().ids))
    }

    /// Everything that is stored.
    pub(crate) async fn dump(&self, model: &Model) -> Store {
        let lists = model.types.iter().enumerate().map(|(index, ty)| {
            let field = |name: &str| Requested::Field { name: name.to_owned(), parts: None };
            let select = |key: &str, what| Selected { key: key.to_owned(), what };
            let mut selection: Vec<Selected> =
                ty.fields.iter().map(|it| select(&it.name, field(&it.name))).collect();
            for link in &ty.links {
                match &link.shape {
                    Shape::One(_) => {
                        selection.push(select(&link.name, Requested::Key { name: link.name.clone() }));
                    }
                    Shape::Pairs(_, true) => {
                        let nodes = ConnectionPart::Nodes(vec![select("id", field("id"))]);
                        let mut list = List::of(self.entities[link.target], vec![("nodes".into(), nodes)]);
                        list.filter = deleted_too(model.types[link.target].soft);
                        list.page.first = Some(60);
                        let what = Requested::Many { name: link.name.clone(), list: Box::new(list) };
                        selection.push(select(&link.name, what));
                    }
                    Shape::Pairs(..) | Shape::Back(_) => {}
                }
            }
            if ty.soft {
                selection.push(select("deletedAt", field("deletedAt")));
            }
            let nodes = ConnectionPart::Nodes(selection);
            let mut list = List::of(self.entities[index], vec![("nodes".into(), nodes)]);
            list.filter = deleted_too(ty.soft);
            list.page.first = Some(100);
            Root { key: ty.name.clone(), ask: Read::List(list) }
        });
        let request = Request::Read(lists.collect());
        let context = self.service.context(Principal::Admin, None);
        let reply = self.service.engine().run(&context, &request).await.unwrap();
        let mut store = Store::empty(model);
        for (index, root) in reply.roots.iter().enumerate() {
            let page: Json = serde_json::from_str(root.json.as_ref().unwrap()).unwrap();
            for node in page["nodes"].as_array().unwrap() {
                take(model, &mut store, index, node);
            }
        }
        self.keys(model, &mut store).await;
        store
    }

    /// The keys that lead to deleted rows: the engine tells nobody of them.
    async fn keys(&self, model: &Model, store: &mut Store) {
        let catalog = self.service.catalog();
        let mut transaction = self.service.database().begin(None).await.unwrap();
        for (index, ty) in model.types.iter().enumerate() {
            let entity = catalog.entity(self.entities[index]);
            for link in ty.links.iter().filter(|link| link.is_one() && model.types[link.target].soft) {
                let column = &entity.fields.iter().find(|field| field.name == link.name).unwrap().column;
                let statement = format!(
                    "select cast(\"{}\" as text), cast(\"{column}\" as text) from \"{}\"",
                    entity.key_field().column,
                    entity.table
                );
                for found in transaction.query(&statement, Vec::new()).await.unwrap() {
                    let id: String = found.try_get_by_index(0).unwrap();
                    let key: Option<String> = found.try_get_by_index(1).unwrap();
                    let row = store.tables[index].get_mut(&id).unwrap();
                    row.insert(link.name.clone(), key.map_or(Json::Null, Json::from));
                }
            }
        }
        transaction.rollback().await.unwrap();
    }
}

fn take(model: &Model, store: &mut Store, index: usize, node: &Json) {
    let mut row: Row = node.as_object().unwrap().clone().into_iter().collect();
    for link in &model.types[index].links {
        let Shape::Pairs(table, true) = link.shape else { continue };
        let list = row.remove(&link.name).unwrap();
        for other in list["nodes"].as_array().unwrap() {
            store.pairs[table].insert((id(&row).to_owned(), other["id"].as_str().unwrap().to_owned()));
        }
    }
    if let Some(deleted) = row.get_mut("deletedAt").filter(|deleted| !deleted.is_null()) {
        *deleted = true.into();
    }
    store.tables[index].insert(id(&row).to_owned(), row);
}

/// A condition that deleted rows fulfil as well.
fn deleted_too(soft: bool) -> Option<Input> {
    let either = |empty: bool| serde_json::json!({ "deletedAt": { "isNull": empty } });
    soft.then(|| Input::from(serde_json::json!({ "or": [either(true), either(false)] })))
}

/// An error's code; one of our own fault fails the test.
fn complaint(error: service::Error) -> Code {
    assert_ne!(error.code(), Code::Internal, "{error:?}");
    error.code()
}
