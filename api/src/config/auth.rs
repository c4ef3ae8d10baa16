//! `[auth]`: who is the administrator.

use serde::Deserialize;

use super::unit::Secret;

/// The shortest admin key that production accepts.
pub const ADMIN_KEY_MIN: usize = 32;

/// Different characters of an administrator's key in production: random ones of that length have more.
pub const ADMIN_KEY_DIFFERENT: usize = 8;

/// Who is the administrator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Whoever shows this is the administrator; empty for nobody.
    pub admin_key: Secret,
}
