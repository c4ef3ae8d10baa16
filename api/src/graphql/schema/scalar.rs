//! The scalars and the shared enums.

use async_graphql::dynamic::{Enum, EnumItem, Scalar as Custom};
use service::engine::request::Bucket;

/// A scalar that GraphQL does not have, with what its values look like.
struct Known {
    name: &'static str,
    description: &'static str,
    specified_by: Option<&'static str>,
}

const CUSTOM: [Known; 9] = [
    Known {
        name: "BigInt",
        description: "A 64-bit integer, written as a string so that no digit is lost: `\"9007199254740993\"`. \
                      Arguments may be integers too.",
        specified_by: None,
    },
    Known {
        name: "Decimal",
        description: "An exact decimal number with at most 6 fraction digits, written as a string: `\"12.5\"`. \
                      Arguments may be numbers too.",
        specified_by: None,
    },
    Known {
        name: "Date",
        description: "A calendar day: `\"2026-01-31\"`.",
        specified_by: Some("https://www.rfc-editor.org/rfc/rfc3339#section-5.6"),
    },
    Known {
        name: "DateTime",
        description: "An instant in UTC: `\"2026-01-31T12:00:00Z\"`. Arguments may have another offset.",
        specified_by: Some("https://www.rfc-editor.org/rfc/rfc3339"),
    },
    Known {
        name: "UUID",
        description: "A UUID: `\"01900a3c-7d8e-7abc-8def-0123456789ab\"`.",
        specified_by: Some("https://www.rfc-editor.org/rfc/rfc9562"),
    },
    Known {
        name: "JSON",
        description: "Any JSON value.",
        specified_by: Some("https://www.rfc-editor.org/rfc/rfc8259"),
    },
    Known {
        name: "Email",
        description: "An e-mail address.",
        specified_by: Some("https://www.rfc-editor.org/rfc/rfc5321"),
    },
    Known {
        name: "URL",
        description: "An absolute URL.",
        specified_by: Some("https://url.spec.whatwg.org/"),
    },
    Known {
        name: "Cursor",
        description: "A place in a list, as `pageInfo` and `edges` give it. Meant for `after` and `before` of the \
                      same list in the same order; not meant to be read.",
        specified_by: None,
    },
];

/// The scalars that GraphQL does not have.
pub(super) fn scalars() -> impl Iterator<Item = Custom> {
    CUSTOM.into_iter().map(|known| {
        let scalar = Custom::new(known.name).description(known.description);
        match known.specified_by {
            Some(url) => scalar.specified_by_url(url),
            None => scalar,
        }
    })
}

/// The enums that every schema has.
pub(super) fn enums() -> [Enum; 3] {
    let order =
        Enum::new("OrderDirection").description("In what order, and where rows without a value go.").items([
            EnumItem::new("ASC").description("From low to high, rows without a value last."),
            EnumItem::new("DESC").description("From high to low, rows without a value first."),
            EnumItem::new("ASC_NULLS_FIRST").description("From low to high, rows without a value first."),
            EnumItem::new("ASC_NULLS_LAST").description("From low to high, rows without a value last."),
            EnumItem::new("DESC_NULLS_FIRST").description("From high to low, rows without a value first."),
            EnumItem::new("DESC_NULLS_LAST").description("From high to low, rows without a value last."),
        ]);
    let sort = Enum::new("SortDirection").description("In what order groups come.").items([
        EnumItem::new("ASC").description("From low to high."),
        EnumItem::new("DESC").description("From high to low."),
    ]);
    let unit = Enum::new("TimeUnit")
        .description("A unit of time, in UTC; weeks begin on Monday.")
        .items(Bucket::ALL.map(Bucket::name));
    [order, sort, unit]
}
