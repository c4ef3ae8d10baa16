//! Groups of rows, and numbers about them.

use entity::{EntityId, Input};

use super::Selected;

/// Groups of rows of a type; without `groups`, all rows are one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// The type.
    pub entity: EntityId,
    /// Which rows take part, in the filter grammar.
    pub filter: Option<Input>,
    /// Words to search for.
    pub search: Option<String>,
    /// What rows of a group have in common; each field once.
    pub groups: Vec<Group>,
    /// Which groups, `{ count: { gt: 5 }, sum: { unitPrice: { gte: "10" } } }`, with `and`, `or`, `not`.
    pub having: Option<Input>,
    /// In what order; completed by the group keys.
    pub order: Vec<AggregateOrder>,
    /// How many groups.
    pub first: Option<u64>,
    /// What of each group, each part under its own key.
    pub parts: Vec<(String, AggregatePart)>,
}

/// What the rows of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// A field, or a to-one relation (its id).
    pub name: String,
    /// Of a time: only down to this unit.
    pub bucket: Option<Bucket>,
}

/// A unit of time, in UTC; weeks begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Years.
    Year,
    /// Quarters.
    Quarter,
    /// Months.
    Month,
    /// Weeks.
    Week,
    /// Days.
    Day,
    /// Hours.
    Hour,
}

impl Bucket {
    /// Every unit, long to short.
    pub const ALL: [Bucket; 6] =
        [Bucket::Year, Bucket::Quarter, Bucket::Month, Bucket::Week, Bucket::Day, Bucket::Hour];

    /// The name, in upper case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Bucket::Year => "YEAR",
            Bucket::Quarter => "QUARTER",
            Bucket::Month => "MONTH",
            Bucket::Week => "WEEK",
            Bucket::Day => "DAY",
            Bucket::Hour => "HOUR",
        }
    }
}

/// A function over the values of a field in a group; rows without a value don't take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// The sum: of `Int` and `BigInt` a `BigInt`, of others their own type. Null for no values.
    Sum,
    /// The average, a `Float`. Null for no values.
    Avg,
    /// The least. Null for no values.
    Min,
    /// The greatest. Null for no values.
    Max,
}

impl Function {
    /// Every function.
    pub const ALL: [Function; 4] = [Function::Sum, Function::Avg, Function::Min, Function::Max];

    /// The name in both APIs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Function::Sum => "sum",
            Function::Avg => "avg",
            Function::Min => "min",
            Function::Max => "max",
        }
    }
}

/// A number about a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Measure {
    /// How many rows.
    Count,
    /// A function of a field.
    Of(Function, String),
}

/// One term of an order of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AggregateOrder {
    /// By a measure; the flag is descending.
    Measure(Measure, bool),
    /// By a group key of this name; the flag is descending.
    Key(String, bool),
}

/// What of a group is requested.
#[derive(Debug, Clone, PartialEq)]
pub enum AggregatePart {
    /// An object of group keys.
    Key(Vec<(String, KeyPart)>),
    /// How many rows.
    Count,
    /// An object of one function over fields.
    Measures(Function, Vec<(String, MeasurePart)>),
    /// The given type name.
    Typename(String),
}

/// What of a function is requested.
#[derive(Debug, Clone, PartialEq)]
pub enum MeasurePart {
    /// Its value over the field of this name.
    Field(String),
    /// The given type name.
    Typename(String),
}

/// What of a group's keys is requested. A name that is not grouped by gives null.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyPart {
    /// The value of a grouped field, or the id of a grouped relation.
    Value(String),
    /// The row of a grouped relation.
    Row(String, Vec<Selected>),
    /// The given type name.
    Typename(String),
}
