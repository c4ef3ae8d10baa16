//! The REST reference: the OpenAPI document made readable, with a form to try each operation.

use maud::{DOCTYPE, html};

use super::{Place, asset};

/// The page. Its scripts read the OpenAPI document at `place.openapi`.
pub fn html(place: &Place<'_>) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (place.title) " · API reference" }
                link rel="icon" type="image/svg+xml" href={ (place.asset) "/icon.svg" };
                link rel="stylesheet" href={ (place.asset) "/docs/page.css" };
                // All at once: the browser would find each module only after reading the one before.
                @for module in asset::names().filter(|name| name.ends_with(".js") && name.starts_with("docs/")) {
                    link rel="modulepreload" href={ (place.asset) "/" (module) };
                }
                script type="module" src={ (place.asset) "/docs/main.js" } {}
            }
            body {
                a .skip href="#content" { "Skip to the content" }
                div #page data-title=(place.title) data-openapi=(place.openapi) data-graphql=(place.graphql) {
                    p .loading role="status" { "Reading the API description…" }
                }
                noscript {
                    p .loading {
                        "This reference needs JavaScript. The same facts are in "
                        a href=(place.openapi) { "the OpenAPI document" } "."
                    }
                }
            }
        }
    }
    .into_string()
}
