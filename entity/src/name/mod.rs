//! Names: from the model to the APIs and the database. The only place where one is made from another.

use sha2::{Digest, Sha256};

mod plural;

pub use plural::{Pluralized, pluralize};

/// Bytes a PostgreSQL identifier may have; longer ones are cut there without a word.
pub const IDENTIFIER_BYTES: usize = 63;

/// Characters a type or field name may have.
pub const NAME_CHARS: usize = 60;

/// Prefixes of tables that belong to the server or to a database.
pub const RESERVED_TABLE_PREFIXES: [&str; 3] = ["launchway_", "sqlite_", "pg_"];

/// Field names that would read as an operator of the filter grammar, or that GraphQL keeps for itself.
pub const RESERVED_FIELDS: [&str; 14] = [
    "and", "or", "not", "eq", "ne", "in", "notIn", "isNull", "some", "none", "every", "true", "false", "null",
];

/// Columns that every PostgreSQL table has already.
pub const RESERVED_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Type names of the GraphQL schema that do not come from the model; scalars and their filters apart.
pub const RESERVED_TYPES: [&str; 28] = [
    "Query",
    "Mutation",
    "Subscription",
    "Node",
    "PageInfo",
    "Cursor",
    "Any",
    "Where",
    "File",
    "Upload",
    "Op",
    "IdKind",
    "OnDelete",
    "Using",
    "Every",
    "Weight",
    "Scope",
    "OrderDirection",
    "SortDirection",
    "Direction",
    "Nulls",
    "TimeUnit",
    "TimeBucket",
    "Event",
    "CountFilter",
    "NullFilter",
    "TextIDFilter",
    "TextIDListFilter",
];

/// Query and mutation fields that do not come from the model.
pub const RESERVED_ROOTS: [&str; 4] = ["node", "nodes", "me", "viewer"];

/// What the GraphQL schema appends to the name of a `@model` type for the types it makes of it. No name here ends as
/// another one does: else `PhoneNumberOrderBy` would be made both of `Phone` and of `PhoneNumber`.
pub const GENERATED: [&str; 32] = [
    "Connection",
    "Edge",
    "Where",
    "WhereRelated",
    "WhereList",
    "OrderBy",
    "Create",
    "Set",
    "Inc",
    "Append",
    "Remove",
    "Batch",
    "Unique",
    "UniqueKey",
    "Link",
    "LinkOptional",
    "Links",
    "Aggregate",
    "AggregateKey",
    "OrderByAggregate",
    "GroupKey",
    "GroupField",
    "Having",
    "HavingSum",
    "HavingAverage",
    "HavingExtreme",
    "Sum",
    "Average",
    "Extreme",
    "OrderByKey",
    "OrderByNumber",
    "OrderByExtreme",
];

/// What it appends to the name of a type and a list of related rows of it.
pub const GENERATED_LIST: [&str; 2] = ["Links", "Create"];

/// What it appends to the name of a scalar, an enum or an embedded type.
pub const GENERATED_VALUE: [&str; 3] = ["Filter", "ListFilter", "Input"];

/// Whether a text is a GraphQL name: `[_A-Za-z][_0-9A-Za-z]*`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The words of a camel-case or snake-case name: `HTTPServer2Go` → `HTTP`, `Server2`, `Go`.
fn words(name: &str) -> Vec<&str> {
    let bytes = name.as_bytes();
    let mut words = Vec::new();
    let mut start = 0;
    for index in 1..=bytes.len() {
        let border = match (bytes.get(index - 1), bytes.get(index)) {
            (_, None) => true,
            (Some(b'_'), _) | (_, Some(b'_')) => true,
            (Some(before), Some(here)) if here.is_ascii_uppercase() => {
                !before.is_ascii_uppercase() || bytes.get(index + 1).is_some_and(u8::is_ascii_lowercase)
            }
            _ => false,
        };
        if border {
            if let Some(word) = name.get(start..index).filter(|word| !word.trim_matches('_').is_empty()) {
                words.push(word);
            }
            start = index;
        }
    }
    words
}

/// The name of one row of a type in both APIs: `InvoiceLine` → `invoiceLine`, `APIKey` → `apiKey`.
#[must_use]
pub fn singular(type_name: &str) -> String {
    let head = words(type_name).first().map_or(0, |word| word.len());
    let lead = type_name.len() - type_name.trim_start_matches('_').len();
    match (type_name.get(..lead + head), type_name.get(lead + head..)) {
        (Some(first), Some(rest)) => format!("{}{rest}", first.to_ascii_lowercase()),
        _ => type_name.to_ascii_lowercase(),
    }
}

/// The same with a capital: `tracks` → `Tracks`, as in `createTracks`.
#[must_use]
pub fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

/// The name in the database: `InvoiceLine` → `invoice_line`.
#[must_use]
pub fn snake(name: &str) -> String {
    let words = words(name);
    if words.is_empty() {
        return name.to_ascii_lowercase();
    }
    let mut snake = String::with_capacity(name.len() + 4);
    // Underscores a name begins with are kept: `_a` and `a` are different fields.
    snake.extend(name.chars().take_while(|c| *c == '_'));
    for (index, word) in words.into_iter().enumerate() {
        if index > 0 {
            snake.push('_');
        }
        snake.push_str(&word.to_ascii_lowercase());
    }
    snake
}

/// Names joined in camel case: `album`, `position` → `albumPosition`.
#[must_use]
pub fn camel<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut joined = String::new();
    for name in names {
        if joined.is_empty() {
            joined.push_str(name);
        } else {
            joined.push_str(&capitalized(name));
        }
    }
    joined
}

/// An identifier for the database made of parts, joined by `_`. Where that is longer than an identifier may be,
/// its end is replaced by a hash of the whole: the same parts always give the same identifier.
#[must_use]
pub fn identifier(parts: &[&str]) -> String {
    let whole = parts.join("_");
    if whole.len() <= IDENTIFIER_BYTES {
        return whole;
    }
    let hash: String =
        Sha256::digest(whole.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = whole.chars().filter(char::is_ascii).take(IDENTIFIER_BYTES - 1 - hash.len()).collect();
    format!("{kept}_{hash}")
}

/// The column of a field.
#[must_use]
pub fn column(field: &str) -> String {
    identifier(&[&snake(field)])
}

/// The column of the key of a to-one relation.
#[must_use]
pub fn key_column(relation: &str) -> String {
    identifier(&[&snake(relation), "id"])
}

#[cfg(test)]
mod tests {
    use super::{camel, identifier, singular, snake};
    use crate::name::GENERATED;

    #[test]
    fn a_made_name_belongs_to_one_type() {
        for long in GENERATED {
            for short in GENERATED.iter().filter(|short| **short != long) {
                // The type that would make the same name is refused itself.
                let middle = long.strip_suffix(short);
                assert!(middle.is_none_or(|middle| GENERATED.contains(&middle)), "{long} and {short}");
            }
        }
    }

    #[test]
    fn one_name_from_another() {
        let cases = [
            ("InvoiceLine", "invoiceLine", "invoice_line"),
            ("APIKey", "apiKey", "api_key"),
            ("URL", "url", "url"),
            ("track", "track", "track"),
            ("HTTPServer2Go", "httpServer2Go", "http_server2_go"),
            ("Address2", "address2", "address2"),
            ("unitPrice", "unitPrice", "unit_price"),
            ("snake_case_Type", "snake_case_Type", "snake_case_type"),
            ("_Hidden", "_hidden", "_hidden"),
            ("A", "a", "a"),
            ("__", "__", "__"),
        ];
        for (name, one, column) in cases {
            assert_eq!(singular(name), one);
            assert_eq!(snake(name), column);
        }
        assert_eq!(camel(["album", "position"]), "albumPosition");
    }

    #[test]
    fn long_identifiers_are_cut_and_stay_apart() {
        let long = "a".repeat(60);
        let one = identifier(&["ix", &long, "first"]);
        let other = identifier(&["ix", &long, "second"]);
        assert_eq!(one.len(), 63);
        assert_ne!(one, other);
        assert_eq!(one, identifier(&["ix", &long, "first"]));
        assert_eq!(identifier(&["ix", "tracks", "name"]), "ix_tracks_name");
    }
}
