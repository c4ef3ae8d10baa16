//! A real data set: imported whole, and the same answers from both engines through both facades.

use harness::{Backend, CHINOOK, Value, chinook, json, runtime};

#[test]
fn it_imports_whole() {
    for backend in Backend::available() {
        let Some((_, took)) = runtime::block_on(chinook::load(backend)) else { return };
        // Told, not asserted: how busy the machine is, is not the program's.
        eprintln!("Chinook on {backend:?}: imported in {took:?}");
    }
}

const QUERIES: &[&str] = &[
    "{ artists { totalCount } albums { totalCount } tracks { totalCount } playlists { totalCount } invoiceLines { totalCount } employees { totalCount } }",
    "{ tracks(orderBy: [{ name: ASC }], first: 50, offset: 1000) { nodes { id name composer milliseconds unitPrice album { title artist { name } } genre { name } mediaType { name } } } }",
    "{ artists(first: 20, orderBy: [{ name: DESC }]) { nodes { name albums(first: 3, orderBy: [{ title: ASC }]) { totalCount nodes { title tracks(first: 3, orderBy: [{ milliseconds: DESC }]) { nodes { name milliseconds } pageInfo { hasNextPage } } } } } } }",
    "{ employees(orderBy: [{ id: ASC }]) { nodes { firstName birthDate email reportsTo { firstName reportsTo { firstName } } reports { totalCount nodes { lastName } } } } }",
    "{ playlists(where: { tracksCount: { between: [1, 100] } }, orderBy: [{ id: ASC }]) { nodes { name tracks(first: 2, orderBy: [{ id: ASC }]) { nodes { id name } totalCount } } } }",
    "{ customers(where: { invoices: { some: { total: { gt: \"15\" } } } }, orderBy: [{ lastName: ASC }]) { nodes { firstName lastName email company supportRep { lastName } invoices(where: { total: { gt: \"15\" } }) { nodes { total invoiceDate } } } } }",
    "{ tracks(where: { or: [{ composer: { isNull: true } }, { name: { icontains: \"love\" } }], genre: { name: { in: [\"Rock\", \"Metal\"] } } }, orderBy: [{ composer: ASC }, { name: DESC }], first: 100) { totalCount nodes { name composer } } }",
    "{ tracksAggregate(groupBy: [{ field: genre }], orderBy: [{ count: DESC }], having: { count: { gt: 100 } }) { key { genre { name } } count sum { milliseconds unitPrice } avg { milliseconds } min { name } max { bytes } } }",
    "{ invoicesAggregate(groupBy: [{ field: invoiceDate, trunc: YEAR }, { field: billingCountry }], first: 100) { key { invoiceDate billingCountry } count sum { total } min { invoiceDate } } }",
];

const PATHS: &[&str] = &[
    "/v1/tracks?sort=-milliseconds,name&limit=40&expand=album.artist,genre&fields=name,album,genre,unitPrice",
    "/v1/tracks/3402",
    "/v1/albums/94/tracks?sort=name",
    "/v1/customers?country[in]=Brazil,Germany&sort=lastName",
    "/v1/employees?reportsTo[isNull]=false&expand=reportsTo&sort=id",
    "/v1/invoices/aggregate?group=billingCountry&sum=total&having[count][gt]=10&sort=-sum.total,billingCountry",
];

/// Both engines stamp rows with the moment of the import.
fn without_stamps(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !["createdAt", "updatedAt", "next"].contains(&key.as_str()));
            object.values_mut().for_each(without_stamps);
        }
        Value::Array(items) => items.iter_mut().for_each(without_stamps),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn both_engines_give_the_same_json_through_both_facades() {
    if Backend::available().len() < 2 {
        return;
    }
    runtime::block_on(async {
        let (Some(sqlite), Some(postgres)) =
            (CHINOOK.shared(Backend::Sqlite).await, CHINOOK.shared(Backend::Postgres).await)
        else {
            return;
        };
        for query in QUERIES {
            let (a, b) = (sqlite.anyone().graphql(query).await, postgres.anyone().graphql(query).await);
            let _ = (a.clone().good(), b.clone().good());
            // The same JSON with its keys in the same order; blanks between tokens are the database's.
            assert_eq!(a.json().to_string(), b.json().to_string(), "{query}");
        }
        for path in PATHS {
            let (a, b) = (sqlite.anyone().get(path).await.good(), postgres.anyone().get(path).await.good());
            let (mut a, mut b) = (a.json(), b.json());
            without_stamps(&mut a);
            without_stamps(&mut b);
            assert_eq!(a.to_string(), b.to_string(), "{path}");
        }
    });
}

#[test]
fn known_answers() {
    CHINOOK.both(async |app| {
        let data = app.anyone().graphql(QUERIES[0]).await.data();
        assert_eq!(
            data,
            json!({
                "artists": { "totalCount": 275 }, "albums": { "totalCount": 347 }, "tracks": { "totalCount": 3503 },
                "playlists": { "totalCount": 18 }, "invoiceLines": { "totalCount": 2240 }, "employees": { "totalCount": 8 },
            }),
        );
        let data = app.anyone().graphql("{ playlist(id: 1) { tracks { totalCount } } employee(id: 8) { reportsTo { reportsTo { firstName } } } }").await.data();
        assert_eq!(data["playlist"]["tracks"]["totalCount"], 3290);
        assert_eq!(data["employee"]["reportsTo"]["reportsTo"]["firstName"], "Andrew");
        let data = app.anyone().graphql("{ invoicesAggregate { sum { total } } tracksAggregate { sum { unitPrice } } }").await.data();
        assert_eq!(data["invoicesAggregate"][0]["sum"]["total"], "2328.6");
        assert_eq!(data["tracksAggregate"][0]["sum"]["unitPrice"], "3680.97");
    });
}

#[test]
fn ids_go_on_after_the_imported_ones() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let Some((app, _)) = chinook::load(backend).await else { return };
            let made = app.admin().post("/v1/artists", json!({ "name": "New" })).await.is(201).json();
            assert_eq!(made["id"], "276");
        });
    }
}

#[test]
fn deep_reads_are_one_statement() {
    for backend in Backend::available() {
        runtime::block_on(async {
            // A program of its own: others' statements would be counted too.
            let Some((app, _)) = chinook::load(backend).await else { return };
            for query in QUERIES {
                let _ = app.anyone().graphql(query).await.good();
                let (_, statements) = app.statements_during(app.anyone().graphql(query)).await;
                if let Some(statements) = statements {
                    assert_eq!(statements.len(), 1, "{query}\n{statements:#?}");
                }
            }
        });
    }
}
