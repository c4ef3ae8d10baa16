use super::{CONTENT_SECURITY_POLICY, Place, asset, docs, graphiql};

fn pages() -> [String; 2] {
    let place = Place::default();
    [graphiql::html(&place, &graphiql::welcome(None)), docs::html(&place)]
}

/// The values of the attributes through which a page loads something, or leads somewhere.
fn references(page: &str) -> Vec<&str> {
    [" src=\"", " href=\""]
        .iter()
        .flat_map(|start| page.split(start).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn every_asset_unpacks() {
    for name in asset::names() {
        let asset = asset::find(name).unwrap();
        let plain = asset.plain().unwrap();
        assert!(!plain.is_empty(), "{name}");
        assert!(std::str::from_utf8(plain).is_ok(), "{name}");
        assert_eq!(asset.encoding.is_some(), plain.len() != asset.bytes.len(), "{name}");
    }
}

#[test]
fn an_unknown_name_is_no_asset() {
    for name in ["", "graphiql.js.gz", "../mod.rs", "docs/", "docs/README.md"] {
        assert!(asset::find(name).is_none(), "{name}");
    }
}

#[test]
fn entity_tags_are_stable_and_differ() {
    let tags: std::collections::BTreeSet<_> =
        asset::names().map(|name| asset::find(name).unwrap().etag).collect();
    assert_eq!(tags.len(), asset::names().count());
    for name in asset::names() {
        let tag = asset::find(name).unwrap().etag;
        assert_eq!(tag, asset::find(name).unwrap().etag);
        assert!(tag.starts_with("W/\"") && tag.ends_with('"') && tag.len() == 28, "{tag}");
    }
}

#[test]
fn pages_load_only_what_this_program_carries() {
    for page in pages() {
        for reference in references(&page) {
            assert!(!reference.contains("//"), "{reference} is on another host");
            if let Some(name) = reference.strip_prefix("/_asset/") {
                assert!(asset::find(name).is_some(), "{name} is not carried");
            }
        }
    }
}

#[test]
fn pages_hold_no_inline_script_or_style() {
    for page in pages() {
        assert!(!page.contains("<style"), "{page}");
        assert!(!page.contains(" style="), "{page}");
        assert!(
            page.split("<script")
                .skip(1)
                .all(|script| script.starts_with(" ") && script.contains("></script>"))
        );
        assert!(
            page.split("<script").skip(1).all(|script| script.split('>').next().unwrap().contains("src="))
        );
    }
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
}

#[test]
fn style_sheets_load_nothing_from_outside() {
    for name in asset::names().filter(|name| name.ends_with(".css")) {
        let style = String::from_utf8(asset::find(name).unwrap().plain().unwrap().to_vec()).unwrap();
        assert!(!style.contains("@import") && !style.contains("@font-face"), "{name}");
        for url in style.split("url(").skip(1) {
            assert!(url.trim_start_matches(['"', '\'']).starts_with("data:"), "{name}: {}", &url[..40]);
        }
    }
}

#[test]
fn modules_import_only_modules_that_are_carried() {
    for name in asset::names().filter(|name| name.starts_with("docs/") && name.ends_with(".js")) {
        let script = String::from_utf8(asset::find(name).unwrap().bytes.to_vec()).unwrap();
        for import in script.lines().filter(|line| line.starts_with("import ")) {
            let path = import.split('"').nth(1).unwrap();
            let target = format!("docs/{}", path.strip_prefix("./").unwrap());
            assert!(asset::find(&target).is_some(), "{name} imports {path}");
        }
    }
}

#[test]
fn every_module_of_the_reference_is_carried() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page/asset/docs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = format!("docs/{}", entry.unwrap().file_name().to_str().unwrap());
        assert!(asset::find(&name).is_some(), "{name}");
    }
}

#[test]
fn the_first_operation_names_the_sample() {
    let text = graphiql::welcome(Some(graphiql::Sample { list: "tracks", field: Some("name") }));
    assert!(text.contains("Authorization"));
    assert!(text.ends_with(
        "query FirstPage {\n  tracks(first: 5) {\n    nodes { id name }\n    pageInfo { hasNextPage endCursor }\n  }\n}\n"
    ));
    assert!(graphiql::welcome(None).ends_with("query Welcome {\n  __typename\n}\n"));
}

#[test]
fn what_the_page_is_told_is_escaped() {
    let place = Place { title: "<b>\"Shop\"", ..Place::default() };
    for page in [graphiql::html(&place, "\"><script>"), docs::html(&place)] {
        assert!(!page.contains("<b>") && !page.contains("\"><script>"), "{page}");
    }
}
