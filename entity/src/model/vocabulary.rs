//! Every directive: where it may stand and what it takes. The prelude says the same in SDL; a test compares them.

/// Where a directive may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    /// On a type.
    Object,
    /// On a field of a type.
    Field,
    /// On an enum.
    Enum,
    /// On a value of an enum.
    EnumValue,
}

impl Location {
    pub(super) fn describe(self) -> &'static str {
        match self {
            Location::Object => "a type",
            Location::Field => "a field",
            Location::Enum => "an enum",
            Location::EnumValue => "a value of an enum",
        }
    }
}

/// What an argument takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    String,
    Int,
    Boolean,
    Any,
    Condition,
    Strings,
    /// One of the words.
    Choice(&'static str, &'static [&'static str]),
    /// A list of the words.
    Choices(&'static str, &'static [&'static str]),
}

/// An argument of a directive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    pub(super) required: bool,
}

/// A directive.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) locations: &'static [Location],
    pub(super) repeatable: bool,
    pub(super) arguments: &'static [Argument],
    /// What comes later, where its effect does: the sentence of the notice.
    pub(super) later: Option<&'static str>,
}

const OPS: &[&str] = &["READ", "CREATE", "UPDATE", "DELETE", "ALL"];
const ID_KINDS: &[&str] = &["UUID7", "SERIAL", "CLIENT"];
const ON_DELETE: &[&str] = &["RESTRICT", "CASCADE", "SET_NULL"];
const USING: &[&str] = &["BTREE", "HASH", "TRIGRAM", "GIN", "BRIN"];
const EVERY: &[&str] = &["DAY", "WEEK", "MONTH", "YEAR"];
const WEIGHTS: &[&str] = &["A", "B", "C", "D"];
const SCOPES: &[&str] = &["PUBLIC", "PRIVATE"];

/// The enums of the vocabulary.
pub(super) const ENUMS: &[(&str, &[&str])] = &[
    ("Op", OPS),
    ("IdKind", ID_KINDS),
    ("OnDelete", ON_DELETE),
    ("Using", USING),
    ("Every", EVERY),
    ("Weight", WEIGHTS),
    ("Scope", SCOPES),
];

/// The scalars of the prelude that no field can have.
pub(super) const LITERALS: [&str; 2] = ["Any", "Where"];

const fn takes(name: &'static str, takes: Takes) -> Argument {
    Argument { name, takes, required: false }
}

const fn needs(name: &'static str, takes: Takes) -> Argument {
    Argument { name, takes, required: true }
}

const OBJECT: &[Location] = &[Location::Object];
const FIELD: &[Location] = &[Location::Field];
const BOTH: &[Location] = &[Location::Object, Location::Field];

const fn directive(
    name: &'static str,
    locations: &'static [Location],
    repeatable: bool,
    arguments: &'static [Argument],
) -> Definition {
    Definition { name, locations, repeatable, arguments, later: None }
}

const fn later(definition: Definition, what: &'static str) -> Definition {
    Definition { later: Some(what), ..definition }
}

/// Every directive a model may use.
pub(super) static DIRECTIVES: &[Definition] = &[
    directive(
        "model",
        OBJECT,
        false,
        &[
            takes("table", Takes::String),
            takes("plural", Takes::String),
            takes("id", Takes::Choice("IdKind", ID_KINDS)),
            takes("timestamps", Takes::Boolean),
            takes("softDelete", Takes::Boolean),
        ],
    ),
    directive(
        "was",
        &[Location::Object, Location::Field, Location::EnumValue],
        false,
        &[needs("name", Takes::String)],
    ),
    directive(
        "relation",
        FIELD,
        false,
        &[
            takes("inverse", Takes::String),
            takes("through", Takes::String),
            takes("onDelete", Takes::Choice("OnDelete", ON_DELETE)),
        ],
    ),
    directive("default", FIELD, false, &[needs("value", Takes::Any)]),
    later(
        directive(
            "computed",
            FIELD,
            false,
            &[
                takes("expr", Takes::String),
                takes("count", Takes::String),
                takes("sum", Takes::String),
                takes("min", Takes::String),
                takes("max", Takes::String),
            ],
        ),
        "the field is not served yet",
    ),
    directive(
        "check",
        BOTH,
        true,
        &[
            takes("min", Takes::Any),
            takes("max", Takes::Any),
            takes("minLength", Takes::Int),
            takes("maxLength", Takes::Int),
            takes("pattern", Takes::String),
            takes("where", Takes::Condition),
            takes("message", Takes::String),
        ],
    ),
    directive("unique", BOTH, true, &[takes("fields", Takes::Strings), takes("where", Takes::Condition)]),
    directive(
        "index",
        BOTH,
        true,
        &[
            takes("fields", Takes::Strings),
            takes("where", Takes::Condition),
            takes("using", Takes::Choice("Using", USING)),
        ],
    ),
    later(
        directive("search", FIELD, false, &[takes("weight", Takes::Choice("Weight", WEIGHTS))]),
        "there is no full-text search yet",
    ),
    later(
        directive(
            "partition",
            OBJECT,
            false,
            &[
                needs("by", Takes::String),
                needs("every", Takes::Choice("Every", EVERY)),
                takes("keep", Takes::Int),
            ],
        ),
        "the type is kept in one table",
    ),
    directive(
        "allow",
        BOTH,
        true,
        &[
            needs("to", Takes::Choices("Op", OPS)),
            takes("role", Takes::String),
            takes("where", Takes::Condition),
            takes("check", Takes::Condition),
            takes("via", Takes::String),
            takes("fields", Takes::Strings),
        ],
    ),
    directive(
        "api",
        FIELD,
        false,
        &[
            takes("read", Takes::Boolean),
            takes("create", Takes::Boolean),
            takes("update", Takes::Boolean),
            takes("filter", Takes::Boolean),
        ],
    ),
    directive("tenant", OBJECT, false, &[]),
    later(
        directive(
            "cache",
            OBJECT,
            false,
            &[
                needs("maxAge", Takes::Int),
                takes("swr", Takes::Int),
                takes("scope", Takes::Choice("Scope", SCOPES)),
            ],
        ),
        "every answer is read from the database",
    ),
    directive("limit", OBJECT, false, &[takes("default", Takes::Int), takes("max", Takes::Int)]),
    later(
        directive(
            "emit",
            OBJECT,
            true,
            &[
                needs("event", Takes::String),
                needs("on", Takes::Choices("Op", OPS)),
                takes("changed", Takes::Strings),
                takes("where", Takes::Condition),
            ],
        ),
        "no event is sent yet",
    ),
    // GraphQL's own; the prelude must not define it again.
    directive(
        "deprecated",
        &[Location::Field, Location::EnumValue],
        false,
        &[takes("reason", Takes::String)],
    ),
];

/// The directive of a name.
pub(super) fn directive_named(name: &str) -> Option<&'static Definition> {
    DIRECTIVES.iter().find(|definition| definition.name == name)
}
