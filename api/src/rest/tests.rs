//! Query strings become requests, as tables.

use std::sync::{Arc, LazyLock};

use entity::catalog::Entity;
use entity::model::{Source, compile};
use entity::{Catalog, Input};
use proptest::prelude::*;
use serde_json::{Value, json};
use service::engine::request::{AggregateOrder, Requested, Selected};
use service::{Context, Limits, Principal, Result};

use super::parse::query::Query;
use super::parse::selection::Wanted;
use super::parse::{AGGREGATE, LIST, ONE, Parameters, View, aggregate, page};
use super::read::filter;
use super::route::{Place, find, key};

const MODEL: &str = r#"
enum Mood { CALM LOUD }
type Address { city: String! zip: String }
type Artist @model @allow(to: [READ], role: "anyone") { name: String! albums: [Album!]! home: Address }
type Album @model @allow(to: [READ], role: "anyone") { title: String! artist: Artist! tracks: [Track!]! }
type Track @model(id: SERIAL) @allow(to: [READ], role: "anyone") {
  name: String! album: Album! position: Int! unitPrice: Decimal! loud: Boolean mood: Mood rating: Float
  tags: [String!] limit: Int secret: String @allow(to: [READ], role: "admin") playedAt: DateTime
}
type Ledger @model { amount: Int! }
"#;

static CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| {
    Arc::new(compile(&[Source::new("model.graphql", MODEL)]).expect("a good model").catalog)
});

fn context(principal: Principal) -> Context {
    Context::new(Arc::clone(&CATALOG), principal, Arc::new(Limits::default()), None)
}

fn entity<'a>(catalog: &'a Catalog, plural: &str) -> &'a Entity {
    catalog.entity_plural(plural).unwrap()
}

fn condition(context: &Context, raw: &str) -> Result<Value> {
    let query = Query::parse(Some(raw))?;
    let view = View::of(context);
    let parameters = Parameters::read(&view, entity(&context.catalog, "tracks"), &query, LIST, true)?;
    let (input, _) = filter(&parameters, &query, None)?;
    Ok(input.map_or(Value::Null, |input| input.to_json()))
}

#[test]
fn parameters_become_conditions() {
    let context = context(Principal::Anonymous);
    for (raw, expected) in [
        ("", json!(null)),
        ("name=x", json!({"name": {"eq": "x"}})),
        ("name=", json!({"name": {"eq": ""}})),
        ("name=a+b%2Bc", json!({"name": {"eq": "a b+c"}})),
        ("name=5", json!({"name": {"eq": "5"}})),
        ("position=5", json!({"position": {"eq": 5}})),
        ("position=five", json!({"position": {"eq": "five"}})),
        ("position[gte]=1&position[lt]=9", json!({"position": {"gte": 1, "lt": 9}})),
        ("unitPrice[gt]=0.99", json!({"unitPrice": {"gt": "0.99"}})),
        ("rating=1.5", json!({"rating": {"eq": 1.5}})),
        ("rating=NaN", json!({"rating": {"eq": "NaN"}})),
        ("loud=true", json!({"loud": {"eq": true}})),
        ("mood[in]=CALM,LOUD", json!({"mood": {"in": ["CALM", "LOUD"]}})),
        ("name[in]=\"a,b\",c", json!({"name": {"in": ["a,b", "c"]}})),
        ("name[in]=a&name[in]=b,c", json!({"name": {"in": ["a", "b", "c"]}})),
        ("name[in][]=a,b&name[in][]=c", json!({"name": {"in": ["a,b", "c"]}})),
        ("name[in]=", json!({"name": {"in": []}})),
        ("position[between]=1,5", json!({"position": {"between": [1, 5]}})),
        ("tags[has]=x", json!({"tags": {"has": "x"}})),
        ("tags[hasAny]=x,y", json!({"tags": {"hasAny": ["x", "y"]}})),
        ("mood[isNull]=true", json!({"mood": {"isNull": true}})),
        ("album=7", json!({"album": {"eq": "7"}})),
        ("album[in]=7,8", json!({"album": {"in": ["7", "8"]}})),
        ("album.artist.name[icontains]=x", json!({"album": {"artist": {"name": {"icontains": "x"}}}})),
        ("album.tracks.some.name=x", json!({"album": {"tracks": {"some": {"name": {"eq": "x"}}}}})),
        ("album.tracksCount[gt]=3", json!({"album": {"tracksCount": {"gt": 3}}})),
        ("limit=5&limit[gt]=3", json!({"limit": {"gt": 3}})),
        ("playedAt[gt]=2026-01-01T00:00:00+02:00", json!({"playedAt": {"gt": "2026-01-01T00:00:00+02:00"}})),
        ("playedAt[gt]=2026-01-01T00:00:00Z", json!({"playedAt": {"gt": "2026-01-01T00:00:00Z"}})),
        ("where={\"name\":{\"eq\":\"x\"}}", json!({"name": {"eq": "x"}})),
        (
            "where={\"name\":{\"eq\":\"x\"}}&position=1",
            json!({"and": [{"position": {"eq": 1}}, {"name": {"eq": "x"}}]}),
        ),
    ] {
        assert_eq!(condition(&context, raw).unwrap(), expected, "{raw}");
    }
}

#[test]
fn what_is_not_understood_is_refused_with_a_hint() {
    let context = context(Principal::Anonymous);
    for (raw, code, hint) in [
        ("titel=x", "UNKNOWN_PARAMETER", None),
        ("nam=x", "UNKNOWN_PARAMETER", Some("did you mean `name`?")),
        ("limt=5", "UNKNOWN_PARAMETER", Some("did you mean `limit`?")),
        ("album.titel=x", "UNKNOWN_PARAMETER", Some("did you mean `title`?")),
        ("secre=x", "UNKNOWN_PARAMETER", None),
        ("name[eqq]=x", "UNKNOWN_OPERATOR", None),
        ("position[contains]=x", "UNKNOWN_OPERATOR", None),
        ("name.x=y", "UNKNOWN_PARAMETER", Some("dotted paths go through relations")),
        ("name=a&name=b", "BAD_REQUEST", None),
        ("name=a&name[eq]=b", "BAD_REQUEST", None),
        ("limit=1&limit=2", "BAD_REQUEST", None),
        ("name[eq][x]=a", "BAD_REQUEST", None),
        ("name[]=a", "BAD_REQUEST", None),
        ("album.tracks=x", "UNKNOWN_OPERATOR", None),
        ("album.tracks.name=x", "UNKNOWN_PARAMETER", None),
        ("album.tracks.some=x", "UNKNOWN_PARAMETER", None),
        ("=x", "UNKNOWN_PARAMETER", None),
        (".=x", "UNKNOWN_PARAMETER", None),
        ("where=x", "BAD_REQUEST", None),
        ("where={\"a\":1,\"a\":2}", "BAD_REQUEST", None),
        ("name[in]=\"a", "BAD_REQUEST", None),
    ] {
        let error = condition(&context, raw).unwrap_err();
        assert_eq!(error.code().as_str(), code, "{raw}");
        if let Some(hint) = hint {
            assert_eq!(error.hint_text(), Some(hint), "{raw}");
        }
        assert!(!error.hint_text().unwrap_or_default().contains("secret"), "{raw}");
    }
}

#[test]
fn open_values_are_numbered() {
    let context = context(Principal::Anonymous);
    let query = Query::parse(Some("name=x&mood[isNull]=false&position[in]=1,2")).unwrap();
    let view = View::of(&context);
    let parameters = Parameters::read(&view, entity(&context.catalog, "tracks"), &query, LIST, true).unwrap();
    let (input, slots) = filter(&parameters, &query, Some(1)).unwrap();
    let input = input.unwrap();
    assert_eq!(input.field("name").unwrap().field("eq"), Some(&Input::Param(1)));
    assert_eq!(input.field("mood").unwrap().field("isNull"), Some(&Input::Bool(false)));
    assert_eq!(input.field("position").unwrap().field("in"), Some(&Input::Param(2)));
    let values: Vec<Input> = slots.iter().map(|slot| slot.value(&query).unwrap()).collect();
    assert_eq!(values, [Input::String("x".to_owned()), Input::List(vec![Input::Int(1), Input::Int(2)])]);
}

#[test]
fn pages_and_orders_are_read() {
    let context = context(Principal::Anonymous);
    let view = View::of(&context);
    let read = |raw: &str| {
        let query = Query::parse(Some(raw)).unwrap();
        let parameters = Parameters::read(&view, entity(&context.catalog, "tracks"), &query, LIST, true)?;
        Ok::<_, service::Error>((page::page(&parameters, 25)?, page::order(&parameters)?))
    };
    let (page, order) = read("limit=5&after=x&sort=-album.title.nullsfirst,name").unwrap();
    assert_eq!((page.first, page.last, page.after.as_deref()), (Some(5), None, Some("x")));
    assert_eq!(
        (order[0].path.as_slice(), order[0].descending),
        (&["album".to_owned(), "title".to_owned()][..], true)
    );
    assert!(order[0].nulls.is_some() && order[1].nulls.is_none() && !order[1].descending);
    let (page, _) = read("ending_before=7").unwrap();
    assert_eq!((page.first, page.last, page.before_id.as_deref()), (None, Some(25), Some("7")));
    let (page, _) = read("limit=3&starting_after=7&offset=2").unwrap();
    assert_eq!((page.first, page.after_id.as_deref(), page.offset), (Some(3), Some("7"), Some(2)));
    for broken in [
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1e3",
        "limit=99999999999999999999",
        "after=a&starting_after=1",
        "sort=",
        "sort=a,,b",
        "sort=-",
    ] {
        assert!(read(broken).is_err() || broken == "sort=", "{broken}");
    }
}

fn shown(selection: &[Selected]) -> Vec<String> {
    selection
        .iter()
        .map(|selected| match &selected.what {
            Requested::One { selection, .. } => format!("{}({})", selected.key, shown(selection).join(" ")),
            Requested::Many { list, .. } => match &list.parts[0].1 {
                service::engine::request::ConnectionPart::Nodes(nodes) => {
                    format!("{}[{}]", selected.key, shown(nodes).join(" "))
                }
                other => panic!("{other:?}"),
            },
            Requested::Key { .. } => format!("{}#", selected.key),
            Requested::Field { parts: Some(parts), .. } => {
                format!(
                    "{}{{{}}}",
                    selected.key,
                    parts.iter().map(|part| part.key.clone()).collect::<Vec<_>>().join(" ")
                )
            }
            Requested::Field { .. } | Requested::Typename => selected.key.clone(),
        })
        .collect()
}

#[test]
fn representations_are_selected() {
    let context = context(Principal::Anonymous);
    let view = View::of(&context);
    let select = |plural: &str, raw: &str| {
        let query = Query::parse(Some(raw)).unwrap();
        let entity = entity(&context.catalog, plural);
        let parameters = Parameters::read(&view, entity, &query, ONE, false)?;
        Ok::<_, service::Error>(shown(&Wanted::read(&parameters)?.select(&view, entity)?).join(" "))
    };
    let system = "id createdAt updatedAt version";
    for (plural, raw, expected) in [
        ("albums", "", format!("{system} title artist#")),
        ("albums", "fields=id,title", "id title".to_owned()),
        ("albums", "fields[]=id&fields[]=artist", "id artist#".to_owned()),
        ("albums", "fields=id&expand=artist", format!("id artist({system} name home)")),
        ("albums", "expand=artist", format!("{system} title artist({system} name home)")),
        ("albums", "fields=artist.name", "artist(name)".to_owned()),
        ("albums", "fields=id,tracks.name,tracks.id", "id tracks[name id]".to_owned()),
        ("artists", "fields=home.city", "home{city}".to_owned()),
        (
            "artists",
            "fields=id&expand=albums.artist",
            format!("id albums[{system} title artist({system} name home)]"),
        ),
    ] {
        assert_eq!(select(plural, raw).unwrap(), expected, "{raw}");
    }
    assert!(!select("tracks", "").unwrap().contains("secret"));
    for broken in [
        "fields=titel",
        "fields=tracks",
        "expand=title",
        "expand=artst",
        "fields=a..b",
        "expand=a.b.c.d.e",
        "fields=title.x",
        "sort=x",
        "title=x",
    ] {
        assert!(select("albums", broken).is_err(), "{broken}");
    }
    assert_eq!(select("albums", "expand=artst").unwrap_err().hint_text(), Some("did you mean `artist`?"));
}

#[test]
fn groups_are_read() {
    let context = context(Principal::Anonymous);
    let view = View::of(&context);
    let read = |raw: &str| {
        let query = Query::parse(Some(raw)).unwrap();
        let entity = entity(&context.catalog, "tracks");
        let parameters = Parameters::read(&view, entity, &query, AGGREGATE, true)?;
        let (input, _) = filter(&parameters, &query, None)?;
        aggregate::aggregate(&view, entity, &parameters, input)
    };
    let asked = read(
        "group=album,createdAt:month&sum=unitPrice,position&avg=rating&having[count][gt]=10&having[sum][unitPrice][gte]=5\
         &sort=-count,avg.rating,album&limit=7&loud=true",
    )
    .unwrap();
    assert_eq!(asked.groups.len(), 2);
    assert_eq!(asked.first, Some(7));
    assert_eq!(
        asked.parts.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(),
        ["key", "count", "sum", "avg"]
    );
    assert_eq!(
        asked.having.unwrap().to_json(),
        json!({"and": [{"count": {"gt": 10}}, {"sum": {"unitPrice": {"gte": "5"}}}]})
    );
    assert_eq!(asked.order[2], AggregateOrder::Key("album".to_owned(), false));
    assert_eq!(asked.filter.unwrap().to_json(), json!({"loud": {"eq": true}}));
    for broken in [
        "group=createdAt:fortnight",
        "group=,",
        "having[count]=1",
        "having[count][contains]=1",
        "having[median][x][gt]=1",
        "sort=name",
        "after=x",
        "expand=album",
        "cuont=1",
    ] {
        assert!(read(broken).is_err(), "{broken}");
    }
}

#[test]
fn paths_become_places() {
    let context = context(Principal::Anonymous);
    let place = |path: &str| find(&context, "/v1", path);
    assert!(matches!(place("/v1/tracks"), Ok(Place::Collection(_))));
    assert!(matches!(place("/v1/tracks/aggregate"), Ok(Place::Aggregate(_))));
    assert!(matches!(place("/v1/tracks/007"), Ok(Place::Row(_, id)) if id == "7"));
    assert!(matches!(place("/v1/tracks/7/album"), Ok(Place::Related(..))));
    for (path, code, hint) in [
        ("/v1/track", "UNKNOWN_TYPE", Some("did you mean `tracks`?")),
        ("/v1/ledger", "UNKNOWN_TYPE", None),
        ("/v1/tracks/x", "NOT_FOUND", None),
        ("/v1/tracks/", "NOT_FOUND", None),
        ("/v1/tracks/7/albun", "NO_SUCH_ROUTE", Some("did you mean `album`?")),
        ("/v1/tracks/7/album/x", "NO_SUCH_ROUTE", None),
        ("/v1/tracks/%ff", "BAD_REQUEST", None),
        ("/v1", "NO_SUCH_ROUTE", None),
        ("/v2/tracks", "NO_SUCH_ROUTE", None),
    ] {
        let error = place(path).unwrap_err();
        assert_eq!(error.code().as_str(), code, "{path}");
        if hint.is_some() {
            assert_eq!(error.hint_text(), hint, "{path}");
        }
        assert!(!error.hint_text().unwrap_or_default().contains("ledgers"), "{path}");
    }
    let albums = entity(&context.catalog, "albums");
    let upper = "0190A5B2-0000-7000-8000-00000000ABCD";
    assert_eq!(key(albums, upper).unwrap(), upper.to_lowercase());
}

proptest! {
    #[test]
    fn no_query_panics(raw in "[a-zA-Z\\[\\]=&.,%\"{}:+0-9-]{0,120}", known in proptest::sample::select(vec![
        "name", "album.artist.name", "album.tracks.some.name", "having[sum]", "sort", "fields", "expand", "where", "group",
    ])) {
        let context = context(Principal::Anonymous);
        let view = View::of(&context);
        let entity = entity(&context.catalog, "tracks");
        for raw in [raw.clone(), format!("{known}{raw}"), format!("{known}={raw}")] {
            let Ok(query) = Query::parse(Some(&raw)) else { continue };
            if let Ok(parameters) = Parameters::read(&view, entity, &query, LIST, true) {
                let _ = filter(&parameters, &query, Some(0));
                let _ = page::page(&parameters, 25);
                let _ = page::order(&parameters);
                let _ = Wanted::read(&parameters).and_then(|wanted| wanted.select(&view, entity));
            }
            if let Ok(parameters) = Parameters::read(&view, entity, &query, AGGREGATE, true) {
                let _ = aggregate::aggregate(&view, entity, &parameters, None);
            }
        }
    }

    #[test]
    fn any_text_is_compared_as_it_is(text in "[^\0]{0,30}") {
        let context = context(Principal::Anonymous);
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let found = condition(&context, &format!("name={encoded}")).unwrap();
        prop_assert_eq!(found, json!({"name": {"eq": text}}));
    }
}
