//! Tests of the compiler as a whole.

use super::{Compiled, Diagnostics, Source, compile, render};

mod broken;
mod example;
mod relation;
mod robust;

/// Compiles one text.
fn one(text: &str) -> Result<Compiled, Diagnostics> {
    compile(&[Source::new("model.graphql", text)])
}

/// The compiled model of a text that has no mistakes.
fn fine(text: &str) -> Compiled {
    let sources = [Source::new("model.graphql", text)];
    compile(&sources).unwrap_or_else(|errors| panic!("{}", render(&errors, &sources, false)))
}

/// The codes of the mistakes of a text.
fn codes(text: &str) -> Vec<&'static str> {
    one(text).err().map(|errors| errors.iter().map(|error| error.code.as_str()).collect()).unwrap_or_default()
}
