//! Who asks: credentials in the request -> principal.

use poem::Request;
use poem::http::{HeaderMap, Method, header};
use service::auth::Credential;
use service::{Auth, Code, Error, Principal, Result};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Where a key may be shown besides `Authorization`.
const API_KEY: &str = "x-api-key";

/// The organization that a request is about, where it is not the one of the session.
const ORGANIZATION: &str = "x-organization";

/// The cookie of a browser's session. The prefix makes browsers keep it to HTTPS and to this very host.
pub const SECURE_COOKIE: &str = "__Host-launchway";

/// The same in development, where there is no HTTPS.
pub const COOKIE: &str = "launchway";

/// Whom this server knows.
#[derive(Clone)]
pub struct Keys {
    /// The digest, so that comparing takes the same time whatever is shown, and a core dump holds no key.
    admin: Option<[u8; 32]>,
    auth: Option<Auth>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("admin", &self.admin.is_some()).finish_non_exhaustive()
    }
}

/// What was shown in a request.
enum Shown<'a> {
    Bearer(&'a str),
    Cookie(&'a str),
}

impl Keys {
    /// An administrator's key; empty for no administrator.
    #[must_use]
    pub fn new(admin_key: &str) -> Self {
        Self { admin: (!admin_key.is_empty()).then(|| digest(admin_key.as_bytes())), auth: None }
    }

    /// Those with accounts too.
    #[must_use]
    pub fn and(self, auth: Auth) -> Self {
        Self { auth: Some(auth), ..self }
    }

    /// The principal whose credentials are in a request; anonymous when there are none. `trusted` says whether the
    /// page that asked may speak for whoever is signed in.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS` when there are some, and they are not valid; `CROSS_SITE` for a change that a page of another
    /// site asks for with the cookie of a session.
    pub async fn authenticate(&self, request: &Request, trusted: bool) -> Result<Principal> {
        let headers = request.headers();
        let Some(shown) = self.shown(request)? else { return Ok(Principal::Anonymous) };
        if let (Shown::Bearer(key), Some(admin)) = (&shown, self.admin)
            && same(&admin, &digest(key.as_bytes()))
        {
            return Ok(Principal::Admin);
        }
        let Some(auth) = &self.auth else { return Err(wrong()) };
        let organization = organization(headers)?;
        match shown {
            Shown::Bearer(token) => auth.identify(Credential::Bearer(token), organization).await,
            Shown::Cookie(cookie) => {
                let principal = match auth.identify(Credential::Cookie(cookie), organization).await {
                    // Browsers send a cookie along for as long as they keep it: one that has ended is none.
                    Err(error) if error.code() == Code::BadCredentials => return Ok(Principal::Anonymous),
                    other => other?,
                };
                if !trusted && !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
                    return Err(Error::new(Code::CrossSite, "A page of another site asked for this.")
                        .hint("List its origin in cors.origins if it is yours."));
                }
                Ok(principal)
            }
        }
    }

    fn shown<'a>(&self, request: &'a Request) -> Result<Option<Shown<'a>>> {
        let headers = request.headers();
        // The client of the token endpoint is told by other means.
        let authorization =
            headers.get(header::AUTHORIZATION).filter(|_| request.uri().path() != crate::auth::TOKEN);
        if let Some(value) = authorization {
            let key = bearer(value.as_bytes()).and_then(|key| std::str::from_utf8(key).ok());
            return key.map(|key| Some(Shown::Bearer(key))).ok_or_else(|| {
                Error::new(Code::BadCredentials, "This kind of Authorization is not understood.")
                    .hint("Send `Authorization: Bearer <key>`.")
            });
        }
        if let Some(value) = headers.get(API_KEY) {
            return value.to_str().map(|key| Some(Shown::Bearer(key))).map_err(|_| wrong());
        }
        let name = match self.auth.as_ref().is_some_and(|auth| auth.settings().secure_cookies) {
            true => SECURE_COOKIE,
            false => COOKIE,
        };
        Ok(cookie(headers, name).map(Shown::Cookie))
    }
}

fn wrong() -> Error {
    Error::new(Code::BadCredentials, "The credentials are not valid.")
}

/// The value of a cookie (RFC 6265, section 5.4). Given twice, it is none: one of them was put there by somebody else.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut values = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// The organization a request names.
fn organization(headers: &HeaderMap) -> Result<Option<Uuid>> {
    let Some(value) = headers.get(ORGANIZATION) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| Uuid::parse_str(text).ok());
    id.map(Some).ok_or_else(|| {
        Error::new(Code::UnknownParameter, "`X-Organization` must be the id of an organization.")
    })
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
    use super::*;

    async fn ask(keys: &Keys, fields: &[(&'static str, &'static str)]) -> Result<Principal, Code> {
        let mut request = Request::builder();
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        keys.authenticate(&request.finish(), true).await.map_err(|error| error.code())
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_none() {
        let cookies = |text: &'static str| {
            HeaderMap::from_iter([(header::COOKIE, poem::http::HeaderValue::from_static(text))])
        };
        assert_eq!(cookie(&cookies("a=1; launchway=x; b=2"), COOKIE), Some("x"));
        assert_eq!(cookie(&cookies("launchway=x; launchway=y"), COOKIE), None);
        assert_eq!(cookie(&cookies("xlaunchway=x"), COOKIE), None);
    }

    #[tokio::test]
    async fn only_the_right_key_is_the_administrator() {
        let keys = Keys::new("right-key");
        assert_eq!(ask(&keys, &[]).await, Ok(Principal::Anonymous));
        for good in [
            ("authorization", "Bearer right-key"),
            ("authorization", "bearer  right-key"),
            ("x-api-key", "right-key"),
        ] {
            assert_eq!(ask(&keys, &[good]).await, Ok(Principal::Admin), "{good:?}");
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
            assert_eq!(ask(&keys, &[("authorization", bad)]).await, Err(Code::BadCredentials), "{bad}");
        }
        assert_eq!(ask(&keys, &[("x-api-key", "")]).await, Err(Code::BadCredentials));
        // A wrong Authorization is not saved by a right key elsewhere.
        let both = [("authorization", "Bearer wrong"), ("x-api-key", "right-key")];
        assert_eq!(ask(&keys, &both).await, Err(Code::BadCredentials));
    }

    #[tokio::test]
    async fn without_a_key_nobody_is_the_administrator() {
        let keys = Keys::new("");
        assert_eq!(ask(&keys, &[("x-api-key", "")]).await, Err(Code::BadCredentials));
        assert_eq!(ask(&keys, &[("authorization", "Bearer x")]).await, Err(Code::BadCredentials));
    }
}
