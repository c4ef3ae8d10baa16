//! Two versions at once (PostgreSQL): a server of the former model goes on beside one of the new model, and both work
//! on the same rows.

use harness::{App, Backend, Value, json, oracle};

use super::{NEW, OLD, every, filled, on_postgres, texts};

/// The model after, but for what no server of the former model could know.
pub(super) fn new() -> String {
    let gauge = |text: &'static str| text.split_once("type Gauge").unwrap().1;
    NEW.replace(gauge(NEW), gauge(OLD)).replace("BASIC @was(name: \"PLAIN\") GOOD FINE", "PLAIN GOOD")
}

/// A server of either model on one database.
pub(super) async fn both() -> (App, App) {
    let mut old = filled(Backend::Postgres, 60).await;
    old.launch().await;
    // It has spoken with the database before the change, too.
    let _ = old.anyone().get("/v1/artists/3").await.good();
    let mut new = App::with(Backend::Postgres, &new()).database(old.database()).prepare().await;
    let _ = new.command(&["apply"]).good();
    new.launch().await;
    (old, new)
}

pub(super) async fn ask(app: &App, query: &str) -> Value {
    app.anyone().graphql(query).await.data()
}

async fn change(app: &App, mutation: &str) -> Value {
    ask(app, &format!("mutation {{ {mutation} }}")).await
}

#[test]
fn what_one_server_writes_the_other_one_reads() {
    on_postgres(async || {
        let (old, new) = both().await;
        // Created by either, with what belongs to it.
        let made = change(&old, r#"createArtist(input: { name: "o", nick: "oo", code: "O", mood: LOUD, albums: { create: [{ title: "o1" }] }, labels: { create: [{ name: "ol" }], connect: ["2"] } }) { id albums { nodes { id } } }"#).await;
        let o = made["createArtist"]["id"].as_str().unwrap().to_owned();
        let album = made["createArtist"]["albums"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        let data = ask(&new, &format!(r#"{{ author(id: "{o}") {{ name alias code mood rank best {{ id }} albums {{ nodes {{ title performer {{ name }} }} }} labels(orderBy: [{{ name: ASC }}]) {{ nodes {{ name }} }} prizes {{ totalCount }} }} }}"#)).await;
        assert_eq!(
            data["author"],
            json!({ "name": "o", "alias": "oo", "code": "O", "mood": "LOUD", "rank": 3, "best": null,
                "albums": { "nodes": [{ "title": "o1", "performer": { "name": "o" } }] },
                "labels": { "nodes": [{ "name": "l2" }, { "name": "ol" }] }, "prizes": { "totalCount": 0 } }),
        );
        let made = change(&new, &format!(r#"createAuthor(input: {{ name: "n", code: "N", best: {{ connect: "{album}" }}, albums: {{ create: [{{ title: "n1" }}] }}, labels: {{ connect: ["2", "3"] }}, prizes: {{ create: [{{ name: "p" }}] }} }}) {{ id }}"#)).await;
        let n = made["createAuthor"]["id"].as_str().unwrap().to_owned();
        let data = ask(&old, &format!(r#"{{ artist(id: "{n}") {{ name nick code mood albums {{ nodes {{ title artist {{ nick }} }} }} labels(orderBy: [{{ name: ASC }}]) {{ nodes {{ name }} }} }} }}"#)).await;
        assert_eq!(
            data["artist"],
            json!({ "name": "n", "nick": "?", "code": "N", "mood": null,
                "albums": { "nodes": [{ "title": "n1", "artist": { "nick": "?" } }] },
                "labels": { "nodes": [{ "name": "l2" }, { "name": "l3" }] } }),
        );
        // Changed by both, one after the other; nobody takes back what the other one knows alone.
        let _ =
            change(&new, &format!(r#"updateAuthor(id: "{n}", set: {{ rank: 8, alias: "nn" }}) {{ id }}"#))
                .await;
        let changed =
            old.anyone().patch(&format!("/v1/artists/{n}"), json!({ "nick": "mm", "born": 7 })).await.good();
        assert_eq!((&changed.json()["nick"], &changed.json()["version"]), (&json!("mm"), &json!(3)));
        let changed = change(
            &old,
            r#"upsertArtist(input: { code: "N", name: "nnn", nick: "x" }, on: CODE) { id nick version }"#,
        )
        .await;
        assert_eq!(changed["upsertArtist"], json!({ "id": n, "nick": "x", "version": 4 }));
        let changed = change(
            &new,
            r#"upsertAuthor(input: { code: "O", name: "ooo" }, on: CODE) { id name alias version }"#,
        )
        .await;
        assert_eq!(changed["upsertAuthor"], json!({ "id": o, "name": "ooo", "alias": "oo", "version": 2 }));
        let found = new.anyone().get(&format!("/v1/authors/{n}")).await.good().json();
        assert_eq!(
            (&found["rank"], &found["alias"], &found["born"], &found["best"]),
            (&json!(8), &json!("x"), &json!(7), &json!(album))
        );
        // An upsert of nobody is a row of both.
        let _ = change(&old, r#"upsertArtists(input: [{ code: "O", name: "o4", nick: "o5" }, { code: "U", name: "u", nick: "u" }], on: CODE) { count }"#).await;
        let _ = change(&new, r#"upsertAuthors(input: [{ code: "U", name: "u2" }, { code: "V", name: "v" }], on: CODE) { count }"#).await;
        for (app, list) in [(&old, "artists"), (&new, "authors")] {
            let data = ask(app, &format!(r#"{{ {list}(where: {{ code: {{ isNull: false }} }}, orderBy: [{{ code: ASC }}]) {{ nodes {{ code name }} }} }}"#)).await;
            let names = [("N", "nnn"), ("O", "o4"), ("U", "u2"), ("V", "v")];
            assert_eq!(
                data[list]["nodes"],
                json!(names.map(|(code, name)| json!({ "code": code, "name": name })))
            );
        }
        // To-one relations and members of the join table, by either.
        let _ = old.anyone().patch(&format!("/v1/albums/{album}"), json!({ "artist": n })).await.good();
        assert_eq!(new.anyone().get(&format!("/v1/albums/{album}")).await.good().json()["performer"], n);
        let _ = new.anyone().patch(&format!("/v1/albums/{album}"), json!({ "performer": o })).await.good();
        assert_eq!(old.anyone().get(&format!("/v1/albums/{album}")).await.good().json()["artist"], o);
        let _ = change(&old, &format!(r#"updateArtist(id: "{n}", set: {{ labels: {{ connect: ["4"], disconnect: ["2"] }} }}) {{ id }}"#)).await;
        let _ = change(&new, &format!(r#"updateAuthor(id: "{n}", set: {{ labels: {{ connect: ["5"], disconnect: ["3"] }} }}) {{ id }}"#)).await;
        for (app, one) in [(&old, "artist"), (&new, "author")] {
            let data = ask(app, &format!(r#"{{ {one}(id: "{n}") {{ labels(orderBy: [{{ name: ASC }}]) {{ nodes {{ name }} }} }} }}"#)).await;
            assert_eq!(data[one]["labels"]["nodes"], json!([{ "name": "l4" }, { "name": "l5" }]));
        }
        old.no_malformed_statement();
    });
}

#[test]
fn many_rows_are_changed_and_deleted_by_either_server() {
    on_postgres(async || {
        let (old, new) = both().await;
        let _ =
            change(&old, r#"updateArtists(where: { id: { in: ["1", "2"] } }, set: { born: 11 }) { count }"#)
                .await;
        let _ = old.anyone().patch("/v1/artists?id[in]=2,3", json!({ "mood": "LOUD" })).await.good();
        let _ = change(
            &new,
            r#"updateAuthors(where: { id: { in: ["3", "4"] } }, set: { rank: 5, born: 12 }) { count }"#,
        )
        .await;
        let _ = new.anyone().patch("/v1/authors?id[in]=1,4", json!({ "alias": "many" })).await.good();
        let read =
            "SELECT concat_ws(' ', id, alias, born, mood, rank) FROM authors WHERE id <= 4 ORDER BY id";
        assert_eq!(
            texts(&new, read).await,
            ["1 many 11 LOUD 3", "2 ? 11 LOUD 3", "3 k3 12 LOUD 5", "4 many 12 LOUD 5"]
        );
        let old_reads = old
            .anyone()
            .get("/v1/artists?id[in]=1,2,3,4&sort=id&fields=id,nick,born,mood")
            .await
            .good()
            .json();
        let row =
            |id: &str, nick: &str, born: u32| json!({ "id": id, "nick": nick, "born": born, "mood": "LOUD" });
        assert_eq!(
            old_reads["data"],
            json!([row("1", "many", 11), row("2", "?", 11), row("3", "k3", 12), row("4", "many", 12)])
        );
        // Aggregates, filters through relations, pages.
        for (app, list, by) in [(&old, "artists", "nick"), (&new, "authors", "alias")] {
            let query = format!(
                r#"{{ {list}(where: {{ {by}: {{ eq: "many" }}, labels: {{ some: {{ name: {{ startsWith: "l" }} }} }} }}, first: 1) {{ totalCount pageInfo {{ hasNextPage }} }} {list}Aggregate {{ count }} }}"#
            );
            let data = ask(app, &query).await;
            assert_eq!(
                data,
                json!({ list: { "totalCount": 2, "pageInfo": { "hasNextPage": true } }, format!("{list}Aggregate"): [{ "count": 60 }] })
            );
        }
        // Deleted by either, one and many. Nobody refers to them: references are the database's to keep.
        for app in [&old, &new] {
            let artist = if std::ptr::eq(app, &old) { "artist" } else { "performer" };
            let _ = app.anyone().patch("/v1/albums?id[lte]=60", json!({ artist: null })).await.good();
        }
        let _ = old.anyone().delete("/v1/artists/10").await.is(204);
        let _ = new.anyone().delete("/v1/authors/11").await.is(204);
        let _ = change(&old, r#"deleteArtists(where: { id: { in: ["12", "13"] } }) { count }"#).await;
        let _ = new.anyone().delete("/v1/authors?id[in]=14,15").await.good();
        let _ = old.anyone().get("/v1/artists/11").await.is(404);
        let _ = new.anyone().get("/v1/authors/10").await.is(404);
        assert_eq!(texts(&new, "SELECT count(*)::text FROM authors").await, ["54"]);
        assert_eq!(texts(&new, "SELECT count(*)::text FROM authors_labels").await, ["54"]);
        old.no_malformed_statement();
    });
}

#[test]
fn a_value_that_only_the_new_model_has_is_read_by_the_former_server() {
    on_postgres(async || {
        let (old, new) = both().await;
        let _ = new.anyone().patch("/v1/authors/4", json!({ "mood": "WILD" })).await.good();
        assert_eq!(old.anyone().get("/v1/artists/4").await.good().json()["mood"], "WILD");
        // The resolvers, which are for introspection and for tests, know the values of their model alone.
        let data = oracle::once(old.anyone().graphql("{ artist(id: \"4\") { name mood } }")).await.data();
        assert_eq!(data["artist"], json!({ "name": "n4", "mood": "WILD" }));
        // It writes the row, and keeps the value.
        let _ = old.anyone().patch("/v1/artists/4", json!({ "name": "four" })).await.good();
        assert_eq!(new.anyone().get("/v1/authors/4").await.good().json()["mood"], "WILD");
        let _ = old.anyone().patch("/v1/artists/4", json!({ "mood": "WILD" })).await.is(422);
    });
}

/// Once more other names.
fn third() -> String {
    let mut text = new();
    for (from, to) in [
        (" @was(name: \"artists\")", ""),
        (" @was(name: \"artist\")", ""),
        (" @was(name: \"nick\")", ""),
        (
            "type Author @model(id: SERIAL) @was(name: \"Artist\")",
            "type Clerk @model(id: SERIAL) @was(name: \"Author\")",
        ),
        ("Author!", "Clerk!"),
        ("alias: String!", "byname: String! @was(name: \"alias\")"),
        ("performer: Author", "writer: Clerk @was(name: \"performer\")"),
        ("inverse: \"performer\"", "inverse: \"writer\""),
        ("authors: [Clerk!]!", "clerks: [Clerk!]! @was(name: \"authors\")"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn servers_of_three_models_work_at_once() {
    on_postgres(async || {
        let (old, new) = both().await;
        let mut last = App::with(Backend::Postgres, &third()).database(old.database()).prepare().await;
        let _ = last.command(&["apply"]).good();
        last.launch().await;
        let made = change(
            &old,
            r#"createArtist(input: { name: "o", nick: "oo", labels: { connect: ["2"] } }) { id }"#,
        )
        .await;
        let id = made["createArtist"]["id"].as_str().unwrap().to_owned();
        let _ = new.anyone().patch(&format!("/v1/authors/{id}"), json!({ "alias": "bb" })).await.good();
        let _ = last.anyone().patch(&format!("/v1/clerks/{id}"), json!({ "rank": 4 })).await.good();
        assert_eq!(old.anyone().get(&format!("/v1/artists/{id}")).await.good().json()["nick"], "bb");
        assert_eq!(new.anyone().get(&format!("/v1/authors/{id}")).await.good().json()["rank"], 4);
        assert_eq!(last.anyone().get(&format!("/v1/clerks/{id}")).await.good().json()["byname"], "bb");
        let _ = old.anyone().patch("/v1/albums/3", json!({ "artist": id })).await.good();
        assert_eq!(last.anyone().get("/v1/albums/3").await.good().json()["writer"], id);
        let data = ask(
            &new,
            r#"{ label(id: "2") { authors(orderBy: [{ id: DESC }], first: 1) { nodes { name } } } }"#,
        )
        .await;
        assert_eq!(data["label"]["authors"]["nodes"], json!([{ "name": "o" }]));
        old.no_malformed_statement();
    });
}

#[test]
fn wider_numbers_don_t_disturb_the_former_server() {
    on_postgres(async || {
        let mut old = filled(Backend::Postgres, 60).await;
        old.launch().await;
        let text = OLD.replace("born: Int", "born: Float").replace("plays: Int", "plays: BigInt");
        let new = App::with(Backend::Postgres, &text).database(old.database()).prepare().await;
        let _ = new.command(&["apply"]).good();
        assert_eq!(old.anyone().get("/v1/artists/3").await.good().json()["born"], 3);
        let made = old.anyone().post("/v1/artists", json!({ "name": "x", "born": 3 })).await.is(201).json();
        let path = format!("/v1/artists/{}", made["id"].as_str().unwrap());
        assert_eq!(old.anyone().patch(&path, json!({ "born": 4 })).await.good().json()["born"], 4);
        let data = ask(&old, r#"{ artists(where: { born: { eq: 4 } }, orderBy: [{ id: DESC }]) { nodes { name born } } albums(where: { plays: { lt: 2 } }) { nodes { plays } } }"#).await;
        assert_eq!(data["artists"]["nodes"][0], json!({ "name": "x", "born": 4 }));
        assert_eq!(data["albums"]["nodes"], json!([{ "plays": 1 }]));
    });
}

#[test]
fn another_name_and_a_wider_number_at_once_don_t_disturb_the_former_server() {
    on_postgres(async || {
        let mut old = filled(Backend::Postgres, 60).await;
        old.launch().await;
        let text = new().replace("born: Int @check(max: 3000)", "born: Float");
        let new = App::with(Backend::Postgres, &text).database(old.database()).prepare().await;
        let _ = new.command(&["apply"]).good();
        assert_eq!(old.anyone().get("/v1/artists/3").await.good().json()["born"], 3);
        let _ =
            old.anyone().post("/v1/artists", json!({ "name": "x", "nick": "y", "born": 3 })).await.is(201);
    });
}

#[test]
fn a_type_gets_any_other_name_whatever_it_is_joined_with() {
    every(async |backend| {
        let app = filled(backend, 60).await;
        let text = OLD
            .replace(
                "type Artist @model(id: SERIAL)",
                "type Writer @model(id: SERIAL) @was(name: \"Artist\")",
            )
            .replace("Artist!", "Writer!")
            .replace("artist: Artist", "artist: Writer");
        app.write_model(&text);
        let _ = app.command(&["apply"]).good();
        assert_eq!(app.command(&["plan", "--exit-code"]).code, Some(0));
    });
}
