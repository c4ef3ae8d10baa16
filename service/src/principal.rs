//! Who asks.

/// The caller of a request, as its credentials proved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// No credentials were shown.
    Anonymous,
    /// The operator's admin key was shown: every rule is open.
    Admin,
}

impl Principal {
    /// Whether the caller is an administrator.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self, Principal::Admin)
    }

    /// Whether the caller has a role named in a rule.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        match self {
            Principal::Anonymous => role == "anyone",
            Principal::Admin => true,
        }
    }
}
