//! Whatever comes in, an answer comes out, soon.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::{Severity, prelude};
use super::{Source, codes, compile, one, render};

const MUSIC: &str = include_str!("music.graphql");

/// Compiles and renders; the answer does not matter.
fn survive(text: &str) {
    let sources = [Source::new("model.graphql", text)];
    let list = match compile(&sources) {
        Ok(compiled) => compiled.notices,
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| error.severity == Severity::Error));
            errors.to_vec()
        }
    };
    for color in [false, true] {
        assert!(list.is_empty() || !render(&list, &sources, color).is_empty());
    }
}

/// Ten thousand types are refused, and fast.
#[test]
fn ten_thousand_types() {
    let text: String = (0..10_000)
        .map(|n| format!("type Thing{n} @model {{ name: String! other: Thing{} }}\n", n / 2))
        .collect();
    let start = Instant::now();
    assert_eq!(codes(&text), ["too-much"]);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn two_thousand_types() {
    let text: String = (0..2_000)
        .map(|n| format!("type Thing{n} @model @allow(to: [READ], role: \"anyone\") {{ name: String! @unique other: Thing{} }}\n", n / 2))
        .collect();
    let start = Instant::now();
    assert_eq!(one(&text).unwrap().catalog.entities.len(), 2_000);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn mistakes_without_end() {
    let text: String = (0..2_000)
        .map(|n| format!("type Thing{n} @modle @model {{ a: Strin b: [Thing{n}] c: Nothing{n} id: ID }}\n"))
        .collect();
    let start = Instant::now();
    let errors = one(&text).unwrap_err();
    assert_eq!(errors.len(), 1_001);
    assert!(errors[1_000].message.starts_with("and "));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn deep_nesting() {
    let deep = |open: &str, close: &str| {
        let inner = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        format!("type A @model @check(where: {inner}) {{ a: Int }}")
    };
    for text in [
        deep("[", "]"),
        deep("{a:", "}"),
        deep("(", ")"),
        deep("{a:[", ""),
        format!("type A {{ a: {}Int }}", "[".repeat(5_000)),
    ] {
        assert_eq!(codes(&text), ["too-much"]);
        survive(&format!("# \r{text}"));
        survive(&format!("\"{text}"));
        survive(&format!("\"\"\"{text}"));
        survive(&format!("type A @was(name: \"\n\" {text}"));
        survive(&format!("type A @was(name: \"\\\n\" {text}"));
        survive(&format!("type A {{ a: \"\n\" {}Int b: Int }} type B {{ b: Int }}", "[".repeat(300)));
        survive(&format!("type A {{ a: Int \"\r\" @x(a: {}) b: Int }} type B {{ b: Int }}", "[".repeat(300)));
    }
    let thirty = format!(
        "type A @model @check(where: {}{}) {{ a: Int }}",
        "{not:".repeat(30) + "{a:{eq:1}}",
        "}".repeat(30)
    );
    assert_eq!(codes(&thirty), ["bad-condition"]);
    survive(&format!("type A @model {{ a: {}Int{} }}", "[".repeat(60), "]".repeat(60)));
    survive(&format!("type A @model @check(where: {}1{}) {{ a: Int }}", "[".repeat(60), "]".repeat(60)));
}

#[test]
fn too_many_of_everything() {
    let fields: String = (0..501).map(|n| format!("f{n}: Int ")).collect();
    assert_eq!(codes(&format!("type A @model {{ {fields} }}")), ["too-much"]);
    let values: String = (0..1_001).map(|n| format!("V{n} ")).collect();
    assert_eq!(codes(&format!("enum E {{ {values} }} type A @model {{ e: E }}")), ["too-much"]);
    assert_eq!(codes(&" ".repeat(4 * 1024 * 1024 + 1)), ["too-much"]);
    let uniques: String =
        (0..201).map(|n| format!("@index(fields: [\"a\"], where: {{ a: {{ eq: {n} }} }}) ")).collect();
    assert_eq!(codes(&format!("type A @model {uniques} {{ a: Int }}")), ["too-much"]);
}

#[test]
fn nothing_is_a_model_too() {
    for text in ["", " \n\t", "# only a comment\n", "\u{feff}", ","] {
        let compiled = one(text).unwrap();
        assert_eq!(compiled.notices[0].code.as_str(), "empty-model");
    }
    assert!(compile(&[]).is_ok());
    assert!(one("\u{feff}type A @model { a: Int }").is_ok());
    assert_eq!(one("\u{feff}type A @modle { a: Int }").unwrap_err()[0].place.as_ref().unwrap().column, 8);
}

#[test]
fn signs_that_are_no_sdl() {
    for text in [
        "type A @model { a: Int \0 }",
        "type Größe @model { a: Int }",
        "type A @model { naïve: Int }",
        "\u{202e}",
        "type A @model {",
        "{",
        "}",
        "\"",
        "\"\"\"",
        "@",
        "type",
        "type A @model { a: Int = 3 }",
        "type A @model { 1a: Int }",
        "type A @model {}",
    ] {
        assert!(codes(text).contains(&"syntax"), "{text}");
        survive(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        survive(&text);
    }

    #[test]
    fn any_signs(text in "[{}()\\[\\]!:@$\"#&|=. \n\\\\a-c0-3typemodl-]{0,300}") {
        survive(&text);
    }

    #[test]
    fn a_model_with_a_hole(from in 0_usize..MUSIC.len(), length in 0_usize..60) {
        let end = (from + length).min(MUSIC.len());
        survive(&format!("{}{}", MUSIC.get(..from).unwrap_or_default(), MUSIC.get(end..).unwrap_or_default()));
    }

    #[test]
    fn a_model_with_words_swapped(a in 0_usize..400, b in 0_usize..400, c in 0_usize..400) {
        let mut words: Vec<&str> = MUSIC.split_inclusive(|c: char| !c.is_alphanumeric()).collect();
        let count = words.len();
        words.swap(a % count, b % count);
        words.swap(b % count, c % count);
        survive(&words.concat());
    }

    #[test]
    fn a_model_with_something_in_it(at in 0_usize..MUSIC.len(), text in "[{}()\\[\\]!:@$\"#é\0a-z0-9]{1,4}") {
        survive(&format!("{}{text}{}", MUSIC.get(..at).unwrap_or_default(), MUSIC.get(at..).unwrap_or_default()));
        survive(&format!("{}{text}{}", prelude().get(..at).unwrap_or_default(), prelude().get(at..).unwrap_or_default()));
    }
}

/// The parser's own limit holds where the look ahead did not see the brackets.
#[test]
fn the_parser_has_a_limit_of_its_own() {
    for text in [
        format!("type A {{ a: {}Int b: Int }} type B {{ b: Int }}", "[".repeat(5_000)),
        format!("type A @x(a: {}) {{ b: Int }} type B {{ b: Int }}", "[".repeat(5_000)),
        format!("type A @x(a: {}) {{ b: Int }} type B {{ b: Int }}", "{a:".repeat(5_000)),
    ] {
        let parsed = apollo_compiler::parser::Parser::new().recursion_limit(256).parse_ast(text, "a.graphql");
        assert!(parsed.is_err());
    }
}
