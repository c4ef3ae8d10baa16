//! The program: `launchway --help` says what it does.

use std::process::ExitCode;

fn main() -> ExitCode {
    // rustls finds two providers in the tree and would panic at the first TLS connection without a choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    api::cli::main()
}
