//! What counts as breaking, risky, compatible.

use entity::Catalog;
use entity::model::{Source, compile};

use super::{Api, Effect, Finding, compare, compare_sdl, sdl};

const BASE: &str = "
enum Mood { CALM LOUD }
type Track @model @allow(to: [ALL], role: \"anyone\") {
  name: String!
  mood: Mood
  length: Int
  tags: [String!]!
  album: Album
}
type Album @model @allow(to: [READ], role: \"anyone\") @allow(to: [ALL], role: \"editor\") { title: String!  tracks: [Track!]! }
";

fn catalog(model: &str) -> Catalog {
    compile(&[Source::new("model.graphql", model)]).unwrap().catalog
}

fn found(old: &str, new: &str) -> Vec<Finding> {
    compare(&catalog(old), &catalog(new)).unwrap()
}

/// What changes when a part of the model does; and what when it changes back.
fn changed(from: &str, to: &str) -> [Vec<Finding>; 2] {
    let new = BASE.replacen(from, to, 1);
    assert_ne!(new, BASE, "{from}");
    [found(BASE, &new), found(&new, BASE)]
}

fn has(found: &[Finding], effect: Effect, api: Api, place: &str) -> bool {
    found.iter().any(|it| it.effect == effect && it.api == api && it.place.contains(place))
}

#[track_caller]
fn breaks(found: &[Finding], api: Api, place: &str) {
    assert!(has(found, Effect::Breaking, api, place), "{place}: {found:#?}");
}

#[track_caller]
fn breaks_nobody(found: &[Finding]) {
    let broken: Vec<_> = found.iter().filter(|it| it.effect == Effect::Breaking).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_same_model_changes_nothing() {
    assert_eq!(found(BASE, BASE), []);
    let reordered = BASE.replace("  mood: Mood\n  length: Int\n", "  length: Int\n  mood: Mood\n");
    assert_eq!(found(BASE, &reordered), []);
}

#[test]
fn additions_break_nobody_and_their_removal_breaks() {
    for (from, to, graphql, rest) in [
        ("  length: Int\n", "  length: Int\n  extra: String\n", "Track.extra", "Track.extra"),
        (
            "type Album",
            "type Extra @model @allow(to: [READ], role: \"anyone\") { a: Int }\ntype Album",
            "Extra",
            "/v1/extras",
        ),
        (
            "  length: Int\n",
            "  length: Int\n  extra: Int! @default(value: 1)\n",
            "Track.extra",
            "Track.extra",
        ),
    ] {
        let [there, back] = changed(from, to);
        breaks_nobody(&there);
        assert!(has(&there, Effect::Compatible, Api::Graphql, graphql), "{there:#?}");
        assert!(has(&there, Effect::Compatible, Api::Rest, rest), "{there:#?}");
        breaks(&back, Api::Graphql, graphql);
        breaks(&back, Api::Rest, rest);
    }
}

#[test]
fn a_new_field_that_has_to_be_given_breaks_those_who_write() {
    let [there, _] = changed("  length: Int\n", "  length: Int\n  extra: String!\n");
    breaks(&there, Api::Graphql, "extra");
    breaks(&there, Api::Rest, "TrackCreate.extra");
    assert!(!has(&there, Effect::Breaking, Api::Graphql, "Track.extra"));
}

#[test]
fn required_and_optional_break_one_side_each() {
    let [required, optional] = changed("length: Int\n", "length: Int!\n");
    breaks(&required, Api::Graphql, "Create");
    breaks(&required, Api::Rest, "TrackCreate.length");
    assert!(!has(&required, Effect::Breaking, Api::Graphql, "Track.length"), "{required:#?}");
    breaks(&optional, Api::Graphql, "Track.length");
    breaks(&optional, Api::Rest, "Track.length");
}

#[test]
fn another_type_breaks_both() {
    let [there, back] = changed("length: Int\n", "length: String\n");
    for found in [there, back] {
        breaks(&found, Api::Graphql, "Track.length");
        breaks(&found, Api::Rest, "Track.length");
    }
}

#[test]
fn values_of_an_enum() {
    let [more, less] = changed("CALM LOUD", "CALM LOUD WILD");
    breaks_nobody(&more);
    assert!(has(&more, Effect::Risky, Api::Graphql, "Mood.WILD"), "{more:#?}");
    assert!(has(&more, Effect::Risky, Api::Rest, "Mood"), "{more:#?}");
    breaks(&less, Api::Graphql, "Mood.WILD");
    breaks(&less, Api::Rest, "Mood");
}

#[test]
fn tighter_checks_break_those_who_write() {
    let [tighter, looser] = changed("length: Int\n", "length: Int @check(min: 1)\n");
    breaks(&tighter, Api::Rest, "TrackCreate.length");
    breaks_nobody(&looser);
}

#[test]
fn a_rule_less_breaks_its_role_alone() {
    let [less, more] =
        changed("@allow(to: [ALL], role: \"editor\")", "@allow(to: [UPDATE], role: \"editor\")");
    let of_editors = |found: &[Finding]| found.iter().all(|it| it.role.as_deref() == Some("editor"));
    breaks(&less, Api::Graphql, "createAlbum");
    breaks(&less, Api::Rest, "POST /v1/albums");
    assert!(of_editors(&less) && of_editors(&more), "{less:#?}");
    breaks_nobody(&more);
    let [hidden, _] = changed("@allow(to: [READ], role: \"anyone\")", "");
    assert!(hidden.iter().any(|it| it.role.as_deref() == Some("anyone") && it.effect == Effect::Breaking));
}

#[test]
fn another_name_is_one_less_and_one_more() {
    let [there, _] = changed("  length: Int\n", "  duration: Int @was(name: \"length\")\n");
    breaks(&there, Api::Graphql, "Track.length");
    breaks(&there, Api::Rest, "Track.length");
    assert!(has(&there, Effect::Compatible, Api::Graphql, "Track.duration"));
}

#[test]
fn a_schema_of_its_own_is_compared_too() {
    let now = catalog(BASE);
    let own = sdl(&std::sync::Arc::new(now.clone()), &service::Principal::Admin).unwrap();
    assert_eq!(compare_sdl(&own, &now).unwrap(), []);
    let less = catalog(&BASE.replace("  length: Int\n", ""));
    breaks(&compare_sdl(&own, &less).unwrap(), Api::Graphql, "Track.length");
    assert!(compare_sdl("type Query {", &now).is_err());
}
