//! The example of README's first command.

use harness::{App, Backend, Value, program, runtime};

fn folder() -> std::path::PathBuf {
    program::workspace().join("examples/music-store")
}

async fn start(backend: Backend) -> App {
    let model = std::fs::read_to_string(folder().join("model.graphql")).unwrap();
    App::with(backend, &model).data(&folder().join("data")).start().await
}

#[test]
fn it_imports_and_answers_alike_on_both_engines() {
    let queries = [
        "{ artists(orderBy: [{ name: ASC }]) { totalCount nodes { name country albums(orderBy: [{ releasedOn: DESC }, { title: ASC }]) { nodes { title format tags tracks { totalCount } reviews { nodes { author stars text } } } } } } }",
        "{ tracks(where: { genre: { eq: \"ambient\" } }, orderBy: [{ plays: DESC }, { name: ASC }], first: 10) { totalCount nodes { name plays unitPrice genre { id name } playlists { nodes { name } } } } }",
        "{ tracksAggregate(groupBy: [{ field: genre }], orderBy: [{ count: DESC }]) { key { genre { id } } count sum { plays seconds unitPrice } } }",
    ];
    let mut answers: Vec<Vec<String>> = Vec::new();
    for backend in Backend::available() {
        runtime::block_on(async {
            let app = start(backend).await;
            let mut texts = Vec::new();
            for query in queries {
                texts.push(app.anyone().graphql(query).await.good().json().to_string());
            }
            assert!(texts[0].contains("Óskar Fell"));
            // Customers and their invoices are nobody's business; neither are hidden playlists.
            let reply = app.anyone().get("/v1/customers").await;
            assert!([401, 404].contains(&reply.status), "{}", reply.whole());
            let hidden = app.anyone().get("/v1/playlists?name[contains]=Staff").await.good();
            assert_eq!(hidden.json()["data"], harness::json!([]));
            let invoices = app.admin().get("/v1/invoices?status=PAID&expand=customer&limit=5").await.good();
            assert_eq!(invoices.json()["data"].as_array().unwrap().len(), 5);
            answers.push(texts);
        });
    }
    if let [sqlite, postgres] = answers.as_slice() {
        assert_eq!(sqlite, postgres);
    }
}

#[test]
fn its_openapi_document_is_as_reviewed() {
    runtime::block_on(async {
        let app = start(Backend::Sqlite).await;
        let document = app.admin().get("/openapi.json").await.good().json();
        insta::assert_json_snapshot!("music-store.openapi", document, { ".servers" => "[servers]", ".info.version" => "[version]" });
    });
}

#[test]
fn its_graphql_schema_is_as_reviewed() {
    let query = "{ __schema { queryType { name } mutationType { name } types { kind name description interfaces { name } \
        possibleTypes { name } enumValues { name description } inputFields { ...I } \
        fields { name description args { ...I } type { ...T } } } } } \
        fragment I on __InputValue { name description type { ...T } defaultValue } \
        fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
    runtime::block_on(async {
        let app = start(Backend::Sqlite).await;
        let mut data = app.admin().graphql(query).await.data();
        let types = data["__schema"]["types"].as_array_mut().unwrap();
        types.retain(|ty| !ty["name"].as_str().unwrap_or_default().starts_with("__"));
        types.sort_by_key(|ty| ty["name"].as_str().unwrap_or_default().to_owned());
        let sdl: Vec<String> = types.iter().map(definition).collect();
        insta::assert_snapshot!("music-store.graphql", sdl.join("\n"));
    });
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// One type of an introspection answer, in GraphQL's own words.
fn definition(ty: &Value) -> String {
    let name = text(&ty["name"]);
    let (word, members): (&str, Vec<String>) = match text(&ty["kind"]) {
        "SCALAR" => return format!("{}scalar {name}\n", described(ty, "")),
        "UNION" => {
            let members: Vec<&str> = list(&ty["possibleTypes"]).iter().map(|ty| text(&ty["name"])).collect();
            return format!("{}union {name} = {}\n", described(ty, ""), members.join(" | "));
        }
        "ENUM" => {
            ("enum", list(&ty["enumValues"]).iter().map(|value| member(value, String::new())).collect())
        }
        "INPUT_OBJECT" => ("input", list(&ty["inputFields"]).iter().map(input).collect()),
        "INTERFACE" => ("interface", list(&ty["fields"]).iter().map(field).collect()),
        _ => ("type", list(&ty["fields"]).iter().map(field).collect()),
    };
    let interfaces: Vec<&str> = list(&ty["interfaces"]).iter().map(|ty| text(&ty["name"])).collect();
    let implements = match interfaces.is_empty() {
        true => String::new(),
        false => format!(" implements {}", interfaces.join(" & ")),
    };
    format!("{}{word} {name}{implements} {{\n{}}}\n", described(ty, ""), members.concat())
}

fn field(field: &Value) -> String {
    let arguments: Vec<String> = list(&field["args"]).iter().map(typed).collect();
    let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
    member(field, format!("{arguments}: {}", reference(&field["type"])))
}

fn input(field: &Value) -> String {
    let typed = typed(field);
    member(field, typed.split_at(text(&field["name"]).len()).1.to_owned())
}

/// An argument or a field of an input: name, type and default.
fn typed(field: &Value) -> String {
    let default = field["defaultValue"].as_str().map(|value| format!(" = {value}")).unwrap_or_default();
    format!("{}: {}{default}", text(&field["name"]), reference(&field["type"]))
}

fn member(of: &Value, rest: String) -> String {
    format!("{}  {}{rest}\n", described(of, "  "), text(&of["name"]))
}

fn described(of: &Value, indent: &str) -> String {
    match of["description"].as_str() {
        Some(text) => format!("{indent}\"\"\"{text}\"\"\"\n"),
        None => String::new(),
    }
}

fn reference(ty: &Value) -> String {
    match ty["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", reference(&ty["ofType"])),
        Some("LIST") => format!("[{}]", reference(&ty["ofType"])),
        _ => ty["name"].as_str().unwrap_or("…").to_owned(),
    }
}
