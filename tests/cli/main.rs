//! Black-box tests of the command line: exit codes, messages, what is printed where.

mod account;
mod can;
mod evolve;
mod follow;
mod model;
mod readme;
mod rebind;
mod rule_test;
mod schema;
mod since;
mod told;
mod transfer;

/// Runs a test on every database there is.
fn every(test: impl AsyncFn(harness::Backend)) {
    for backend in harness::Backend::available() {
        harness::runtime::block_on(async {
            println!("on {backend:?}");
            test(backend).await;
        });
    }
}
