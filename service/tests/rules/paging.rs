//! Lists page by page: what all pages hold is the list, in both directions.

use serde_json::Value as Json;
use service::Code;
use service::engine::request::{ConnectionPart, EdgePart, List, PageFact, Read, Requested, Selected};

use super::bench::Bench;
use super::caller::Caller;

/// The list with its cursors.
fn edges(list: &List) -> List {
    let what = Requested::Field { name: "id".to_owned(), parts: None };
    let node = EdgePart::Node(vec![Selected { key: "id".to_owned(), what }]);
    let edges = vec![("cursor".to_owned(), EdgePart::Cursor), ("node".to_owned(), node)];
    let facts = vec![("next".to_owned(), PageFact::HasNext), ("previous".to_owned(), PageFact::HasPrevious)];
    List {
        parts: vec![
            ("edges".to_owned(), ConnectionPart::Edges(edges)),
            ("page".to_owned(), ConnectionPart::PageInfo(facts)),
        ],
        page: service::engine::request::Page::default(),
        ..list.clone()
    }
}

/// The ids of a list, read in pages of two after or before a cursor, or after or before an id.
pub(crate) async fn walk(
    bench: &Bench,
    caller: &Caller,
    list: &List,
    backward: bool,
    by_id: bool,
) -> Result<Vec<String>, Code> {
    let mut list = edges(list);
    let mut ids: Vec<String> = Vec::new();
    let size = if backward { &mut list.page.last } else { &mut list.page.first };
    *size = Some(2);
    loop {
        let page = bench.read(&caller.principal(), &Read::List(list.clone())).await?;
        let edges = page["edges"].as_array().unwrap();
        let found = edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned());
        if backward {
            ids.splice(0..0, found);
        } else {
            ids.extend(found);
        }
        let more = &page["page"][if backward { "previous" } else { "next" }];
        let edge = if backward { edges.first() } else { edges.last() };
        let Some(edge) = edge.filter(|_| *more == true) else { return Ok(ids) };
        // A list that never ends fails instead of running on.
        assert!(ids.len() < 500, "{list:?}");
        let place = |value: &Json| value.as_str().map(str::to_owned);
        let (cursor, id) = (place(&edge["cursor"]), place(&edge["node"]["id"]));
        match (backward, by_id) {
            (false, false) => list.page.after = cursor,
            (true, false) => list.page.before = cursor,
            (false, true) => list.page.after_id = id,
            (true, true) => list.page.before_id = id,
        }
    }
}
