//! The rules of the code base that a machine can check. Each says how to get out when it strikes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use harness::program::workspace;

/// What a crate must not depend on, so that its borders hold by themselves.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("entity", &["tokio", "poem", "redis", "sqlx", "sea-orm-migration", "migration", "service", "api"]),
    ("migration", &["poem", "async-graphql", "redis", "service", "api"]),
    ("service", &["poem", "async-graphql", "clap", "api"]),
    ("api", &["sea-orm", "sea-query", "sqlx", "redis", "sea-orm-migration"]),
];

/// Names that say nothing about what is inside.
const VAGUE: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "types"];

/// Stages of the engine that compute and never wait.
const PURE: &[&str] = &["service/src/engine/request", "service/src/engine/plan", "service/src/engine/sql"];

fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in folders {
        walk(&workspace().join(folder), &mut |path| {
            if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.to_path_buf(), fs::read_to_string(path).unwrap_or_default()));
            }
        });
    }
    found
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') && name != ".ci" || matches!(name.as_str(), "target" | "node_modules") {
            continue;
        }
        if path.is_dir() {
            walk(&path, visit);
        } else {
            visit(&path);
        }
    }
}

fn short(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap_or(path).display().to_string()
}

/// The code of a file without comments, and without its tests at the foot.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text[..end]
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(at, line)| (at + 1, line))
}

#[track_caller]
fn nothing(found: &[String], way_out: &str) {
    assert!(found.is_empty(), "{way_out}\n  {}", found.join("\n  "));
}

#[test]
fn crates_keep_to_their_side_of_the_borders() {
    let mut found = Vec::new();
    for (krate, forbidden) in FORBIDDEN {
        let text = fs::read_to_string(workspace().join(krate).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        for table in ["dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(table).and_then(toml::Value::as_table) else { continue };
            for name in dependencies.keys().filter(|name| forbidden.contains(&name.as_str())) {
                found.push(format!("{krate}/Cargo.toml: {name}"));
            }
        }
    }
    nothing(
        &found,
        "A crate depends on what its side of the border must not know; move the code to the other side:",
    );
}

#[test]
fn no_module_has_a_vague_name() {
    let mut found = Vec::new();
    for (path, text) in sources(&["entity", "migration", "service", "api", "tests"]) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder =
            path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        if VAGUE.contains(&stem.as_str()) || VAGUE.contains(&folder.as_str()) {
            found.push(short(&path));
        }
        for (line, text) in code(&text) {
            let words: Vec<_> = text.trim_end_matches([';', '{', ' ']).split_whitespace().collect();
            if let [.., "mod", name] = words.as_slice()
                && VAGUE.contains(name)
            {
                found.push(format!("{}:{line} mod {name}", short(&path)));
            }
        }
    }
    nothing(&found, "Name a module by what it does:");
}

#[test]
fn the_pure_stages_of_the_engine_never_wait() {
    let mut found = Vec::new();
    for (path, text) in sources(PURE) {
        for (line, text) in code(&text) {
            if text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "async")
                || text.contains(".await")
            {
                found.push(format!("{}:{line} {}", short(&path), text.trim()));
            }
        }
    }
    nothing(&found, "Requests, plans and SQL are values; only `execute` does I/O:");
}

#[test]
fn nothing_is_imported_by_a_star() {
    let mut found = Vec::new();
    let harness = workspace().join("tests/harness");
    for (path, text) in sources(&["entity/src", "migration/src", "service/src", "api/src", "tests/harness"]) {
        let inside_tests =
            path.components().any(|part| part.as_os_str() == "tests") && !path.starts_with(&harness);
        if path.ends_with("tests.rs") || inside_tests {
            continue;
        }
        for (line, text) in code(&text) {
            let start = text.trim_start();
            if (start.starts_with("use ")
                || start.starts_with("pub use ")
                || start.starts_with("pub(crate) use "))
                && text.contains("::*")
            {
                found.push(format!("{}:{line} {}", short(&path), text.trim()));
            }
        }
    }
    nothing(&found, "Import by name, so that a reader finds where a name comes from:");
}

#[test]
fn a_folder_module_is_called_mod_rs() {
    let mut found = Vec::new();
    for (path, _) in
        sources(&["entity/src", "migration/src", "service/src", "api/src", "tests/harness", "tests/it"])
    {
        // A folder that only holds the file's tests is fine beside it.
        let inside = fs::read_dir(path.with_extension("")).into_iter().flatten().flatten();
        let modules = inside.map(|entry| entry.file_name().to_string_lossy().into_owned());
        if modules.into_iter().any(|name| name.ends_with(".rs") && name != "tests.rs") {
            found.push(short(&path));
        }
    }
    nothing(&found, "A folder holds all of itself: move the file to `<folder>/mod.rs`:");
}

#[test]
fn every_path_in_a_readme_exists() {
    let mut found = Vec::new();
    walk(&workspace(), &mut |path| {
        if path.file_name().is_none_or(|name| name != "README.md") {
            return;
        }
        let text = fs::read_to_string(path).unwrap_or_default();
        let beside = path.parent().unwrap_or(Path::new("."));
        for mentioned in paths(&text) {
            let places = [beside.to_path_buf(), beside.join("src"), workspace()];
            if !places.iter().any(|place| place.join(&mentioned).exists()) {
                found.push(format!("{}: {mentioned}", short(path)));
            }
        }
    });
    nothing(&found, "A README names what is not there; the map has to follow the land:");
}

/// What looks like a path of this repository: in backquotes or a link, with a slash or a known ending, no wildcards.
fn paths(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        found.extend(line.split('`').skip(1).step_by(2).map(ToOwned::to_owned));
        found.extend(
            line.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(ToOwned::to_owned),
        );
    }
    let ending = [".rs", ".toml", ".md", ".graphql", ".yml", ".ndjson"];
    found.retain(|word| {
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
        let folder = word.ends_with('/') && word.len() > 1;
        let file = ending.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
        // A path that begins with a slash is a URL's.
        plain && !word.starts_with('/') && !word.starts_with('.') && (folder || (file && word.contains('/')))
    });
    found
}

#[test]
fn every_error_code_is_unique_documented_and_spelled_like_a_code() {
    let text = fs::read_to_string(workspace().join("service/src/error.rs")).unwrap();
    let (_, registry) = text.split_once("codes! {").expect("the registry");
    let (registry, _) = registry.split_once("\n}").expect("the end of the registry");
    let (mut words, mut variants) = (BTreeMap::new(), BTreeSet::new());
    for line in registry.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
        let quoted: Vec<_> = line.split('"').collect();
        let [variant, word, kind, meaning, _] = quoted.as_slice() else { panic!("not a code: {line}") };
        let variant = variant.trim().trim_end_matches('=').trim();
        assert!(word.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !word.is_empty(), "{word}");
        assert!(kind.contains("=>"), "{line}");
        assert!(meaning.len() > 10 && meaning.ends_with('.'), "{word} is not explained: {meaning:?}");
        assert!(variants.insert(variant.to_owned()), "{variant} is there twice");
        assert_eq!(words.insert((*word).to_owned(), variant.to_owned()), None, "{word} is there twice");
    }
    assert!(words.len() > 20, "the registry was not read: {words:?}");
}

/// Libraries of which two versions in one program would not know of each other: a registry that stays empty, a span
/// without a parent, a TLS provider nobody installed.
const ONCE: &[&str] = &[
    "async-graphql",
    "http",
    "hyper",
    "opentelemetry",
    "opentelemetry_sdk",
    "poem",
    "prometheus",
    "ring",
    "rustls",
    "sea-orm",
    "sea-query",
    "sqlx-core",
    "tokio",
    "tracing",
];

/// A second provider of TLS makes rustls refuse to choose.
const NEVER: &[&str] = &["aws-lc-rs", "openssl", "native-tls"];

#[test]
fn libraries_that_hold_state_are_there_once() {
    let lock = fs::read_to_string(workspace().join("Cargo.lock")).unwrap();
    let count = |name: &str| lock.lines().filter(|line| *line == format!("name = \"{name}\"")).count();
    let mut found: Vec<String> = ONCE
        .iter()
        .filter(|name| count(name) != 1)
        .map(|name| format!("{name} is there {} times", count(name)))
        .collect();
    found.extend(NEVER.iter().filter(|name| count(name) > 0).map(|name| format!("{name} is there")));
    nothing(&found, "Bring the versions in Cargo.toml together:");
}

#[test]
fn files_stay_readable() {
    let mut found = Vec::new();
    for (path, text) in sources(&["entity/src", "migration/src", "service/src", "api/src"]) {
        let lines = code(&text).count();
        if lines > 500 {
            found.push(format!("{} has {lines} lines", short(&path)));
        }
    }
    nothing(&found, "A file of this length holds more than one thing; split it by concern:");
}

#[test]
fn the_paths_of_a_readme_are_found() {
    let text = "see `src/lib.rs`, [it](it/main.rs) and `harness/`, not `/v1/tracks`, `a.b`, `*.rs` or `GET /x.md`\n```\n`no/where.rs`\n```";
    assert_eq!(paths(text).into_iter().collect::<Vec<_>>(), ["harness/", "it/main.rs", "src/lib.rs"]);
}
