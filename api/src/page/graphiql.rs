//! GraphiQL: write an operation, complete it, run it, read the schema.

use maud::{DOCTYPE, html};

use super::Place;

/// A list that anyone's first operation may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The query field that lists a type's rows: `tracks`.
    pub list: &'a str,
    /// A field of that type worth seeing next to `id`: `name`.
    pub field: Option<&'a str>,
}

const WELCOME: &str = "\
# Welcome. This page talks to this server only.
#
#   Ctrl-Enter  runs the operation
#   Ctrl-Space  completes a name
#
# On the left: Docs lists every type and argument, History
# what you ran, Explorer builds operations by clicking.
#
# To act as somebody, write into the Headers tab below:
#   { \"Authorization\": \"Bearer <your key or token>\" }
# Without it you see what anyone may see.
#
# Lists are pages: `first` and `after` (or `last` and
# `before`), narrowed by `where`, sorted by `orderBy`.
# `totalCount` is counted only when you ask for it.

";

/// The operation GraphiQL opens with: it explains the API, and runs as it stands.
pub fn welcome(sample: Option<Sample<'_>>) -> String {
    let Some(Sample { list, field }) = sample else {
        return format!("{WELCOME}query Welcome {{\n  __typename\n}}\n");
    };
    let field = field.map(|name| format!(" {name}")).unwrap_or_default();
    format!(
        "{WELCOME}query FirstPage {{\n  {list}(first: 5) {{\n    nodes {{ id{field} }}\n    \
         pageInfo {{ hasNextPage endCursor }}\n  }}\n}}\n"
    )
}

/// The page. `query` is what its editor shows at first: [`welcome`].
pub fn html(place: &Place<'_>, query: &str) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (place.title) " · GraphiQL" }
                link rel="icon" type="image/svg+xml" href={ (place.asset) "/icon.svg" };
                link rel="stylesheet" href={ (place.asset) "/graphiql.css" };
                script src={ (place.asset) "/graphiql.js" } defer {}
            }
            body {
                noscript {
                    "GraphiQL needs JavaScript. The endpoint itself takes POST requests with a JSON body."
                }
                div #graphiql data-title=(place.title) data-endpoint=(place.graphql)
                    data-docs=(place.docs) data-query=(query) {}
            }
        }
    }
    .into_string()
}
