//! The models in `tests/model`.

use crate::program;

/// The text of `tests/model/<name>.graphql`.
#[must_use]
pub fn text(name: &str) -> String {
    let path = program::workspace().join("tests/model").join(format!("{name}.graphql"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
