//! Every kind of mistake, as the founder sees it.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::{Code, Source, compile, render};

/// Each `broken/*.graphql` is compiled; its diagnostics are the snapshot of its name.
#[test]
fn every_mistake_is_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/tests/broken");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut seen = BTreeSet::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let sources = [Source::new(format!("{name}.graphql"), std::fs::read_to_string(&path).unwrap())];
        let list = match compile(&sources) {
            Ok(compiled) => compiled.notices,
            Err(errors) => errors.to_vec(),
        };
        seen.extend(list.iter().map(|diagnostic| diagnostic.code));
        insta::assert_snapshot!(format!("broken-{name}"), render(&list, &sources, false));
    }
    // `too-much` has tests of its own.
    let missing: Vec<_> =
        Code::ALL.iter().filter(|code| **code != Code::TooMuch && !seen.contains(code)).collect();
    assert!(missing.is_empty(), "no broken model for {missing:?}");
}

#[test]
fn colors_and_long_lines() {
    let text = format!("type A @model {{ {} b: Nothing {} }}", "a: Int ".repeat(100), "c: Int ".repeat(100));
    let sources = [Source::new("model.graphql", text)];
    let errors = compile(&sources).unwrap_err();
    let nothing: Vec<_> = errors.iter().filter(|error| error.code == Code::UnknownType).cloned().collect();
    let plain = render(&nothing, &sources, false);
    assert!(plain.lines().all(|line| line.chars().count() < 180), "{plain}");
    let marker = plain.lines().nth(4).unwrap();
    let line = plain.lines().nth(3).unwrap();
    let at = marker.chars().position(|c| c == '^').unwrap();
    assert_eq!(line.chars().skip(at).take(7).collect::<String>(), "Nothing");
    assert!(render(&nothing, &sources, true).contains("\x1b[31m"));
}
