//! Rows that belong to organizations: to all others they are not there, in any operation.

use harness::{Actor, App, Backend, Mailbox, Value, json, runtime};

const MODEL: &str = "type Project @model @tenant @unique(fields: [\"code\"]) @allow(to: [ALL]) {
  code: String!
  title: String @unique
  budget: Int! @default(value: 0)
  tasks: [Task!]!
  tags: [Tag!]!
}
type Task @model @tenant @allow(to: [ALL]) {
  name: String!
  project: Project!
}
type Tag @model @tenant @allow(to: [ALL]) {
  name: String!
  projects: [Project!]!
}
type Review @model @tenant @allow(to: [READ], role: \"org:owner\") @allow(to: [CREATE], role: \"org:member\") {
  text: String!
}";

const PASSWORD: &str = "four words nobody guesses";

/// Somebody who signed up.
async fn user(app: &App, mailbox: &Mailbox, name: &str) -> Actor {
    let email = format!("{name}@example.com");
    let _ = app.anyone().post("/auth/sign-up", json!({ "email": email, "password": PASSWORD })).await.is(200);
    let code = mailbox.wait(&email).await.code.unwrap();
    let verify = json!({ "token": code, "password": PASSWORD });
    let tokens = app.anyone().post("/auth/verify-email", verify).await.is(200).json();
    app.anyone().with("authorization", &format!("Bearer {}", tokens["accessToken"].as_str().unwrap()))
}

/// Somebody who owns an organization, and its id.
async fn owner(app: &App, mailbox: &Mailbox, name: &str) -> (Actor, String) {
    let user = user(app, mailbox, name).await;
    let made = user.post("/auth/organizations", json!({ "name": name })).await.is(201).json();
    (user, made["id"].as_str().unwrap().to_owned())
}

fn with(test: impl AsyncFn(&App, &Mailbox)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mailbox = Mailbox::start();
            let app = App::with(backend, MODEL).env("LAUNCHWAY_MAIL__URL", &mailbox.url()).start().await;
            test(&app, &mailbox).await;
        });
    }
}

fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap_or_else(|| panic!("no id: {row}"))
}

/// What is said of an id, but for the request's own.
fn plain(reply: &harness::Response, id: &str) -> String {
    let mut text = reply.text().replace(id, "ID");
    if let Some(at) = text.find("\"requestId\"") {
        text.truncate(at);
    }
    format!("{} {text}", reply.status)
}

#[test]
fn the_rows_of_others_are_as_rows_that_are_not() {
    with(async |app, mailbox| {
        let (ann, _) = owner(app, mailbox, "ann").await;
        let (bob, _) = owner(app, mailbox, "bob").await;
        let body = json!({ "code": "p", "title": "secret", "budget": 7, "tasks": { "create": [{ "name": "t" }] }, "tags": { "create": [{ "name": "g" }] } });
        let project = bob.post("/v1/projects", body).await.is(201).json();
        let task = bob.get("/v1/tasks").await.json()["data"][0].clone();
        let own = ann.post("/v1/projects", json!({ "code": "mine" })).await.is(201).json();
        let own_task =
            ann.post("/v1/tasks", json!({ "name": "x", "project": id(&own) })).await.is(201).json();

        // By id, every operation says of Bob's what it says of an id that nobody has.
        let nobody = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";
        for (kind, theirs) in [("projects", id(&project)), ("tasks", id(&task))] {
            let path = |id: &str| format!("/v1/{kind}/{id}");
            let ask = async |method: &str, id: &str, body: &Option<Value>| match (method, body) {
                ("PATCH", Some(body)) => ann.patch(&path(id), body.clone()).await,
                ("DELETE", _) => ann.delete(&path(id)).await,
                _ => ann.get(&path(id)).await,
            };
            for (method, body) in [
                ("GET", None),
                ("PATCH", Some(json!({}))),
                (
                    "PATCH",
                    Some(if kind == "projects" { json!({ "budget": 1 }) } else { json!({ "name": "y" }) }),
                ),
                ("DELETE", None),
            ] {
                let one = ask(method, theirs, &body).await;
                let other = ask(method, nobody, &body).await;
                assert_eq!(plain(&one, theirs), plain(&other, nobody), "{method} {kind}");
            }
        }
        for id in [id(&project), nobody] {
            let connect = json!({ "project": id });
            let reply = ann.patch(&format!("/v1/tasks/{}", own_task["id"].as_str().unwrap()), connect).await;
            assert!([404, 409, 422].contains(&reply.status), "{}", reply.whole());
            let create = ann.post("/v1/tasks", json!({ "name": "z", "project": id })).await;
            assert_eq!(
                plain(&create, id),
                plain(&ann.post("/v1/tasks", json!({ "name": "z", "project": nobody })).await, nobody)
            );
            let node = ann.graphql(&format!("{{ node(id: \"{id}\") {{ id }} }}")).await.json();
            assert!(node["data"]["node"].is_null(), "{node}");
        }

        // Lists, counts, groups, filters through relations.
        let seen = ann
            .graphql(
                "{ projects { totalCount nodes { code tasks { totalCount } tags { totalCount } } } tasks(where: { project: { budget: { gt: 0 } } }) { totalCount } \
                 tags { totalCount } projectsAggregate { count sum { budget } } \
                 many: projects(where: { tasksCount: { gt: 1 } }) { totalCount } some: projects(where: { tags: { some: {} } }) { totalCount } }",
            )
            .await
            .data();
        assert_eq!(
            seen,
            json!({
                "projects": { "totalCount": 1, "nodes": [{ "code": "mine", "tasks": { "totalCount": 1 }, "tags": { "totalCount": 0 } }] },
                "tasks": { "totalCount": 0 }, "tags": { "totalCount": 0 },
                "projectsAggregate": [{ "count": 1, "sum": { "budget": "0" } }],
                "many": { "totalCount": 0 }, "some": { "totalCount": 0 },
            })
        );

        // Unique is unique within an organization, by which a row is also named and upserted.
        let _ = ann.post("/v1/projects", json!({ "code": "p", "title": "secret" })).await.is(201);
        let _ = ann.post("/v1/projects", json!({ "code": "p" })).await.is(409).fails("UNIQUE_VIOLATION");
        let by = "{ project(by: { code: \"p\" }) { title budget } }";
        assert_eq!(ann.graphql(by).await.data()["project"]["budget"], 0);
        assert_eq!(bob.graphql(by).await.data()["project"]["budget"], 7);
        let upsert = "mutation { upsertProject(input: { code: \"p\", budget: 5 }, on: CODE) { budget } }";
        assert_eq!(ann.graphql(upsert).await.data()["upsertProject"]["budget"], 5);
        assert_eq!(bob.graphql(by).await.data()["project"]["budget"], 7);

        // Whose a row is can't be said by who makes it.
        let stolen = json!({ "code": "q", "organization": project["organization"] });
        let _ = ann.post("/v1/projects", stolen).await.is(403).fails("FORBIDDEN");
        let many = ann.patch("/v1/projects?budget[gte]=0", json!({ "budget": 1 })).await;
        assert_eq!(many.status, 200, "{}", many.whole());
        assert_eq!(bob.graphql(by).await.data()["project"]["budget"], 7);
    });
}

#[test]
fn a_request_may_name_another_organization_of_the_user_and_no_other() {
    with(async |app, mailbox| {
        let (ann, first) = owner(app, mailbox, "ann").await;
        let _ = ann.post("/v1/projects", json!({ "code": "one" })).await.is(201);
        let second = ann.post("/auth/organizations", json!({ "name": "second" })).await.is(201).json();
        let (bob, third) = owner(app, mailbox, "bob").await;
        // The session acts for the newest one.
        assert_eq!(ann.get("/v1/projects").await.json()["data"], json!([]));
        let other = ann.with("x-organization", &first);
        assert_eq!(other.get("/v1/projects").await.json()["data"][0]["code"], "one");
        let _ = ann
            .with("x-organization", id(&second))
            .post("/v1/projects", json!({ "code": "two" }))
            .await
            .is(201);
        assert_eq!(other.get("/v1/projects").await.json()["data"].as_array().unwrap().len(), 1);

        let nobody = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";
        let stranger = ann.with("x-organization", &third).get("/v1/projects").await.is(403);
        let invented = ann.with("x-organization", nobody).get("/v1/projects").await.is(403);
        assert_eq!(plain(&stranger, &third), plain(&invented, nobody));
        let _ = ann.with("x-organization", "nonsense").get("/v1/projects").await.is(400);
        let _ = bob.post("/auth/organizations/use", json!({ "organization": first })).await.is(404);

        // Who acts for none sees nothing and makes nothing.
        let _ = ann.post("/auth/organizations/use", json!({})).await.is(200);
        assert_eq!(ann.get("/v1/projects").await.json()["data"], json!([]));
        let _ = ann.post("/v1/projects", json!({ "code": "x" })).await.is(403).fails("ORGANIZATION_REQUIRED");
    });
}

#[test]
fn roles_of_members_open_what_they_are_for() {
    with(async |app, mailbox| {
        let (ann, organization) = owner(app, mailbox, "ann").await;
        let bob = user(app, mailbox, "bob").await;
        let invite = json!({ "email": "Bob@Example.com", "role": "member" });
        let _ = ann.post("/auth/invitations", invite).await.is(201);
        let code = mailbox.wait("bob@example.com").await.code.unwrap();
        let joined = bob.post("/auth/invitations/accept", json!({ "token": code })).await.is(200).json();
        assert_eq!(
            (joined["organization"].as_str(), joined["role"].as_str()),
            (Some(organization.as_str()), Some("member"))
        );
        let _ = bob.post("/v1/reviews", json!({ "text": "fine" })).await;
        let _ = bob.get("/v1/reviews").await.is(404);
        assert_eq!(ann.get("/v1/reviews").await.json()["data"][0]["text"], "fine");
        let _ = ann.post("/v1/reviews", json!({ "text": "no" })).await.is(403);

        // Members know each other, and nobody else.
        let names =
            "{ organizationMemberships(orderBy: [{ createdAt: ASC }]) { nodes { role user { email } } } }";
        let seen = bob.graphql(names).await.data();
        assert_eq!(seen["organizationMemberships"]["nodes"][0]["user"]["email"], "ann@example.com", "{seen}");
        let membership = "{ organizationMemberships(where: { role: { eq: \"member\" } }) { nodes { id } } }";
        let id = ann.graphql(membership).await.data()["organizationMemberships"]["nodes"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let _ = bob.patch(&format!("/auth/memberships/{id}"), json!({ "role": "admin" })).await.is(403);
        let _ = ann.delete(&format!("/auth/memberships/{id}")).await.is(200);
        // At once: nothing is believed any longer.
        assert_eq!(bob.get("/v1/projects").await.json()["data"], json!([]));
        let _ = bob.with("x-organization", &organization).get("/v1/projects").await.is(403);
    });
}

#[test]
fn rows_move_in_and_out_for_one_organization() {
    with(async |app, mailbox| {
        let (ann, first) = owner(app, mailbox, "ann").await;
        let (bob, second) = owner(app, mailbox, "bob").await;
        let body = json!({ "code": "p", "tasks": { "create": [{ "name": "t" }] }, "tags": { "create": [{ "name": "g" }] } });
        let _ = ann.post("/v1/projects", body).await.is(201);
        let _ = bob.post("/v1/projects", json!({ "code": "theirs" })).await.is(201);
        let _ = app.command(&["export", "out", "--organization", &first]).good();
        let out = app.folder().join("out");
        let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap_or_default();
        assert_eq!(read("Project.ndjson").lines().count(), 1);
        assert!(!read("Project.ndjson").contains("theirs"));
        assert_eq!(
            read("Tag.projects.ndjson").lines().count() + read("Project.tags.ndjson").lines().count(),
            1
        );
        assert!(!out.join("User.ndjson").exists());

        std::fs::create_dir(app.folder().join("in")).unwrap();
        std::fs::write(app.folder().join("in/Project.ndjson"), "{\"code\":\"new\"}\n").unwrap();
        let _ = app.command(&["import", "in"]).refused(1);
        let _ = app.command(&["import", "in", "--organization", &second]).good();
        assert_eq!(bob.get("/v1/projects?code=new").await.json()["data"].as_array().unwrap().len(), 1);
        assert_eq!(ann.get("/v1/projects?code=new").await.json()["data"], json!([]));
        let foreign = format!("{{\"code\":\"other\",\"organization\":\"{first}\"}}\n");
        std::fs::write(app.folder().join("in/Project.ndjson"), foreign).unwrap();
        let _ = app.command(&["import", "in", "--organization", &second]).refused(1);
    });
}
