//! Who asks: credentials in the request -> principal.

use poem::http::{HeaderMap, header};
use service::{Code, Error, Principal, Result};
use sha2::{Digest, Sha256};

/// Where a key may be shown besides `Authorization`.
const API_KEY: &str = "x-api-key";

/// The keys this server knows.
#[derive(Clone)]
pub struct Keys {
    /// The digest, so that comparing takes the same time whatever is shown, and a core dump holds no key.
    admin: Option<[u8; 32]>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("admin", &self.admin.is_some()).finish()
    }
}

impl Keys {
    /// An administrator's key; empty for no administrator.
    #[must_use]
    pub fn new(admin_key: &str) -> Self {
        Self { admin: (!admin_key.is_empty()).then(|| digest(admin_key.as_bytes())) }
    }

    /// The principal whose credentials are in the headers; anonymous when there are none.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS` when there are some, and they are not valid.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Principal> {
        let authorization = headers.get(header::AUTHORIZATION);
        let key = match (authorization, headers.get(API_KEY)) {
            (None, None) => return Ok(Principal::Anonymous),
            (Some(value), _) => bearer(value.as_bytes()).ok_or_else(|| {
                Error::new(Code::BadCredentials, "This kind of Authorization is not understood.")
                    .hint("Send `Authorization: Bearer <key>`.")
            })?,
            (None, Some(value)) => value.as_bytes(),
        };
        match self.admin {
            Some(admin) if same(&admin, &digest(key)) => Ok(Principal::Admin),
            Some(_) | None => Err(Error::new(Code::BadCredentials, "The credentials are not valid.")),
        }
    }
}

/// The key of `Bearer <key>`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    let key = key.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !key.is_empty()).then_some(key)
}

fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// Compares every byte, whatever the first ones said.
fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.iter().zip(right).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use poem::http::{HeaderName, HeaderValue};

    use super::*;

    fn ask(keys: &Keys, fields: &[(&'static str, &'static str)]) -> Result<Principal, Code> {
        let headers = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        keys.authenticate(&headers).map_err(|error| error.code())
    }

    #[test]
    fn only_the_right_key_is_the_administrator() {
        let keys = Keys::new("right-key");
        assert_eq!(ask(&keys, &[]), Ok(Principal::Anonymous));
        for good in [
            ("authorization", "Bearer right-key"),
            ("authorization", "bearer  right-key"),
            ("x-api-key", "right-key"),
        ] {
            assert_eq!(ask(&keys, &[good]), Ok(Principal::Admin), "{good:?}");
        }
        for bad in [
            "Bearer right-ke",
            "Bearer right-keyy",
            "Bearer ",
            "Bearer",
            "Basic cmlnaHQta2V5",
            "right-key",
            "",
        ] {
            assert_eq!(ask(&keys, &[("authorization", bad)]), Err(Code::BadCredentials), "{bad}");
        }
        assert_eq!(ask(&keys, &[("x-api-key", "")]), Err(Code::BadCredentials));
        // A wrong Authorization is not saved by a right key elsewhere.
        let both = [("authorization", "Bearer wrong"), ("x-api-key", "right-key")];
        assert_eq!(ask(&keys, &both), Err(Code::BadCredentials));
    }

    #[test]
    fn without_a_key_nobody_is_the_administrator() {
        let keys = Keys::new("");
        assert_eq!(ask(&keys, &[("x-api-key", "")]), Err(Code::BadCredentials));
        assert_eq!(ask(&keys, &[("authorization", "Bearer x")]), Err(Code::BadCredentials));
    }
}
