//! What the commands say: answers on stdout, complaints on stderr. A closed pipe is nobody's error.

use std::io::{self, IsTerminal, Write};

/// A line of the answer.
pub(super) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A line about what went wrong, or what is going on.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
}

/// Whether stderr may be colored.
pub(super) fn colors() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty())
}
