//! Vocabulary shared by the protocols: the call, the body, statuses, problems, health, timing.

pub mod authenticate;
pub mod body;
pub mod call;
pub mod health;
pub mod json;
pub mod method;
pub mod problem;
pub mod rate;
pub mod session;
pub mod status;
pub mod timing;

pub use call::Call;
pub use method::Methods;
