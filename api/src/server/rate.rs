//! Who is counted under which limit.

use service::throttle::{Policy, Throttle};
use service::{Principal, Result};

use crate::config::rate::Policies;
use crate::http::Call;
use crate::http::rate::{Meter, network};

/// The limits of all requests.
#[derive(Debug)]
pub(super) struct Rates {
    throttle: Throttle,
    policies: Policies,
}

impl Rates {
    pub(super) fn new(throttle: Throttle, policies: Policies) -> Self {
        Self { throttle, policies }
    }

    /// Counts a request whose principal is known, if it is limited. The endpoint may charge more with
    /// [`Call::charge`].
    ///
    /// # Errors
    /// `RATE_LIMITED` when its quota is used up.
    pub(super) async fn count(&self, call: &Call) -> Result<()> {
        let (policy, key) = subject(call, &self.policies);
        if let Some(policy) = policy {
            call.metered(Meter::new(self.throttle.clone(), policy, key));
        }
        call.charge(1).await
    }
}

/// The limit of a request, and what it is counted under there.
fn subject(call: &Call, policies: &Policies) -> (Option<Policy>, String) {
    match call.principal() {
        Principal::Anonymous => (policies.address, network(call.client())),
        principal @ (Principal::Admin | Principal::Known(_)) => (policies.principal, principal.name()),
    }
}
