//! What the documents print works as printed.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::{App, Backend, Value, json, program, requirement, runtime, watchdog};

/// The fenced blocks of a document in a language, in order, with what is indented cut off.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(program::workspace().join(document)).unwrap();
    let mut blocks = Vec::new();
    let mut block: Option<(usize, String)> = None;
    for line in text.lines() {
        let inner = line.trim_start();
        match (&mut block, inner.strip_prefix("```")) {
            (None, Some(found)) if found == language => {
                block = Some((line.len() - inner.len(), String::new()))
            }
            (Some(_), Some(_)) => blocks.extend(block.take().map(|(_, text)| text)),
            (Some((indent, text)), None) => {
                text.push_str(line.get(*indent..).unwrap_or_default());
                text.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// The only block of a document that says this.
fn block(document: &str, language: &str, word: &str) -> String {
    let found: Vec<String> =
        blocks(document, language).into_iter().filter(|block| block.contains(word)).collect();
    assert_eq!(found.len(), 1, "{document}: one {language} block with {word:?}: {found:#?}");
    found[0].clone()
}

fn curl_is_here() -> bool {
    let here =
        Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    if !here {
        requirement::missing("curl", "Debian: apt-get install curl.");
    }
    here
}

/// A program that serves, started by a line of a document.
struct Serving {
    child: Child,
    log: std::path::PathBuf,
}

impl Serving {
    fn start(folder: &Path, line: &str, env: &[(&str, &str)]) -> Self {
        let log = folder.join("said.log");
        let file = File::create(&log).unwrap();
        // `exec env`: the process that is started is the program itself, also after `NAME=value`.
        let child = program::shell(folder, &format!("exec env {}", line.trim()))
            .env("LAUNCHWAY_SERVER__LISTEN", "127.0.0.1:0")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        watchdog::watch(child.id());
        Self { child, log }
    }

    /// What is behind this word in what it prints.
    fn told(&mut self, word: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            let found = said.lines().find_map(|line| line.split_once(word));
            if let Some(found) = found.and_then(|(_, rest)| rest.split_whitespace().next()) {
                return found.to_owned();
            }
            assert!(matches!(self.child.try_wait(), Ok(None)), "it ended:\n{said}");
            assert!(Instant::now() < deadline, "{word:?} is not said:\n{said}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn address(&mut self) -> String {
        format!("127.0.0.1:{}", self.told("http://127.0.0.1:"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        watchdog::release(self.child.id());
    }
}

/// Runs a line as printed; only the address is another one.
fn ask(folder: &Path, line: &str, address: &str, key: &str) -> Value {
    let output =
        program::shell(folder, &line.replace("localhost:8000", address)).env("KEY", key).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{line}\n{out}\n{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {line}\n{out}\n{err}"))
}

#[test]
fn the_tour_works_as_printed() {
    if !curl_is_here() {
        return;
    }
    let model = block("README.md", "graphql", "type Artist");
    for backend in Backend::available() {
        let app = runtime::block_on(App::with(backend, &model).prepare());
        let folder = app.folder();
        let commands = block("README.md", "sh", "launchway check");
        let [check, serve]: [&str; 2] = commands.lines().collect::<Vec<_>>().try_into().unwrap();
        assert!(program::shell(folder, check).output().unwrap().status.success(), "{check}");
        let mut serving = Serving::start(folder, serve, &[("DATABASE_URL", app.database())]);
        let (address, key) = (serving.address(), serving.told("Admin key"));

        let made = ask(folder, &block("README.md", "sh", "curl -X POST"), &address, &key);
        assert_eq!(made["name"], "Marrow & Pine", "{made}");

        let listed = ask(folder, &block("README.md", "sh", "/v1/albums"), &address, &key);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "the draft is hidden: {listed}");
        assert_eq!(listed["data"][0]["title"], "Empty Letter");
        assert_eq!(listed["data"][0]["artist"]["name"], "Marrow & Pine");
        assert_eq!((&listed["hasMore"], &listed["next"]), (&json!(false), &Value::Null));

        let nested = ask(folder, &block("README.md", "sh", "/graphql"), &address, &key);
        let artists = &nested["data"]["artists"];
        let albums = json!({ "nodes": [{ "title": "Empty Letter" }], "totalCount": 1 });
        assert_eq!(artists["nodes"], json!([{ "name": "Marrow & Pine", "albums": albums }]));
        assert_eq!(artists["pageInfo"]["hasNextPage"], false);
    }
}

/// The code of the last mail to somebody, as the log shows it in development.
fn code(serving: &mut Serving, to: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let said = std::fs::read_to_string(&serving.log).unwrap_or_default();
        let after = said.rfind(to).map(|at| &said[at.saturating_sub(2_000)..]);
        let found = after.and_then(|text| text.rsplit("lwt_").next().filter(|_| text.contains("lwt_")));
        if let Some(rest) = found {
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
            return format!("lwt_{}", &rest[..end]);
        }
        assert!(Instant::now() < deadline, "no mail to {to}:\n{said}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn from_signing_up_to_a_row_that_only_its_owner_sees() {
    if !curl_is_here() {
        return;
    }
    let model = block("README.md", "graphql", "type Note");
    for backend in Backend::available() {
        let app = runtime::block_on(App::with(backend, &model).prepare());
        std::fs::write(app.folder().join("notes.graphql"), &model).unwrap();
        let serve = block("README.md", "sh", "serve notes.graphql");
        let mut serving = Serving::start(app.folder(), &serve, &[("DATABASE_URL", app.database())]);
        let address = serving.address();
        let run = |word: &str, name: &str, values: &[(&str, &str)]| -> Value {
            let line = block("README.md", "sh", word).replace("localhost:8000", &address);
            let line = line.replace("ann@example.com", &format!("{name}@example.com"));
            let mut command = program::shell(app.folder(), &line);
            let output = command.envs(values.iter().copied()).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {line}\n{text}"))
        };
        let mut tokens = Vec::new();
        for name in ["ann", "bob"] {
            let _ = run("/auth/sign-up", name, &[]);
            let code = code(&mut serving, &format!("{name}@example.com"));
            let signed = run("/auth/verify-email", name, &[("CODE", &code)]);
            tokens.push(signed["accessToken"].as_str().unwrap_or_else(|| panic!("{signed}")).to_owned());
        }
        let made = run("only mine", "ann", &[("ANN", &tokens[0])]);
        assert_eq!(made["text"], "only mine", "{made}");
        let seen = run("$BOB", "bob", &[("BOB", &tokens[1])]);
        assert_eq!(seen["data"], json!([]), "{seen}");
        let own = run("$BOB", "ann", &[("BOB", &tokens[0])]);
        assert_eq!(own["data"][0]["text"], "only mine", "{own}");
    }
}

/// A folder that looks like the workspace to the examples' commands.
fn examples() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(program::workspace().join("examples"), folder.path().join("examples"))
        .unwrap();
    folder
}

#[test]
fn the_first_command_serves_the_example_with_rows() {
    let folder = examples();
    let line = block("README.md", "sh", "examples/music-store");
    let line = line.replace("cargo run --release --", "launchway");
    let mut serving = Serving::start(folder.path(), &line, &[]);
    let address = serving.address();
    for place in ["GraphQL", "REST", "Reference", "OpenAPI", "Health", "Metrics", "Admin key"] {
        let _ = serving.told(place);
    }
    if curl_is_here() {
        let rows = ask(folder.path(), "curl localhost:8000/v1/artists", &address, "");
        assert!(!rows["data"].as_array().unwrap().is_empty(), "{rows}");
    }
}

#[test]
fn the_production_command_serves_once_its_blanks_are_filled() {
    let line = block("README.md", "sh", "--production");
    for backend in Backend::available() {
        let app =
            runtime::block_on(App::with(backend, &block("README.md", "graphql", "type Artist")).prepare());
        let filled = line
            .replace("ADMIN_KEY=…", "ADMIN_KEY=adm_0123456789abcdef0123456789abcdef0123456789")
            .replace("0.0.0.0:8000", "127.0.0.1:0")
            .replace("postgres://…", app.database());
        assert!(!filled.contains('…'), "{filled}");
        let _ = Serving::start(app.folder(), &filled, &[]).address();
    }
}

#[test]
fn the_examples_readme_works_as_printed() {
    if !curl_is_here() {
        return;
    }
    const DOCUMENT: &str = "examples/music-store/README.md";
    let folder = examples();
    let commands = block(DOCUMENT, "sh", "launchway import");
    let [import, serve]: [&str; 2] = commands.lines().collect::<Vec<_>>().try_into().unwrap();
    let imported = program::shell(folder.path(), import).output().unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let mut serving = Serving::start(folder.path(), serve, &[]);
    let address = serving.address();

    let query = block(DOCUMENT, "graphql", "artists(");
    let line = format!("curl -G localhost:8000/graphql --data-urlencode 'query={query}'");
    let found = ask(folder.path(), &line, &address, "");
    let artists = found["data"]["artists"]["nodes"].as_array().unwrap();
    assert!(
        !artists.is_empty() && artists.iter().any(|artist| artist["albums"]["nodes"] != json!([])),
        "{found}"
    );

    let text = std::fs::read_to_string(program::workspace().join(DOCUMENT)).unwrap();
    let path = text.split('`').find(|code| code.starts_with("/v1/")).unwrap();
    let found = ask(folder.path(), &format!("curl -g 'localhost:8000{path}'"), &address, "");
    assert!(found["data"][0]["album"]["artist"]["name"].is_string(), "{found}");
}
