use service::Principal;

use super::{build, sdl};
use crate::graphql::model::{SHOP, context};
use crate::graphql::settings::Settings;

#[test]
fn the_schema_of_anyone_has_what_rules_open() {
    let text = sdl(&context(SHOP, Principal::Anonymous)).unwrap();
    for hidden in ["Ledger", "royalty", "secret", "createTrack", "deletedAt"] {
        assert!(!text.contains(hidden), "{hidden} is not open to anyone");
    }
    insta::assert_snapshot!("anyone", text);
}

#[test]
fn the_schema_of_an_administrator_has_everything() {
    let text = sdl(&context(SHOP, Principal::Admin)).unwrap();
    assert!(text.contains("Ledger") && text.contains("royalty: Decimal"));
    assert!(!text.contains("  secret: String\n\troyalty"));
    insta::assert_snapshot!("admin", text);
}

#[test]
fn nothing_open_is_a_schema_too() {
    let text = sdl(&context("type Ledger @model { amount: BigInt! }", Principal::Anonymous)).unwrap();
    assert!(text.contains("nothing: Boolean") && !text.contains("Ledger"));
}

#[test]
fn names_of_ours_in_a_model_do_not_panic() {
    let model = r#"type Thing @model @allow(to: [ALL], role: "anyone") { first: Int  where: String  parent: Thing  things: [Thing!]!  thingsSeen: Int }"#;
    assert!(build(&context(model, Principal::Admin), &Settings::default()).is_ok());
}

#[test]
fn three_hundred_types_make_a_schema() {
    let mut model = String::new();
    for n in 0..300 {
        let fields: String = (0..8).map(|f| format!("f{f}: String\n n{f}: Int\n")).collect();
        model.push_str(&format!(
            "type Thing{n} @model @allow(to: [ALL], role: \"anyone\") {{ {fields} parent: Thing{} children: [Thing{}!]! }}\n",
            (n + 299) % 300,
            (n + 1) % 300
        ));
    }
    let context = context(&model, Principal::Admin);
    let (schema, _) = build(&context, &Settings::default()).unwrap();
    assert!(schema.registry().types.len() > 300 * 10);
}
