#![doc = include_str!("../README.md")]
#![allow(clippy::should_implement_trait, reason = "`not` and its kin are words of the filter grammar")]

pub mod catalog;
pub mod id;
pub mod input;
pub mod model;
pub mod name;
pub mod predicate;
pub mod problem;
pub mod resolve;
pub mod scalar;
pub mod suggest;
pub mod system;
pub mod value;

pub use catalog::Catalog;
pub use id::{EmbeddedId, EntityId, EnumId, FieldId, RelationId};
pub use input::Input;
pub use predicate::{Claim, Op, Operand, Param, Predicate};
pub use problem::{Problem, Trouble};
pub use scalar::{FieldType, IdKind, Scalar};
pub use value::Value;
