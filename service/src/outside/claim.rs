//! What claims say of a person, bounded: they are a stranger's text.

use serde_json::{Map, Value};
use url::Url;

/// Characters of a subject.
const SUBJECT: usize = 255;

/// Characters of a name.
const NAME: usize = 200;

/// Characters of an e-mail address (RFC 5321 allows 254).
const EMAIL: usize = 254;

/// Characters of a picture's address.
const PICTURE: usize = 2048;

/// Roles that are taken.
const ROLES: usize = 100;

/// The value at a path: a claim of exactly this name, or names with dots between them that lead into objects.
pub(super) fn at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, step| value.get(step))
}

/// Text of at most so many characters, none of them a control character; anything else is not there.
pub(super) fn text(value: Option<&Value>, most: usize) -> Option<String> {
    let text = value?.as_str()?.trim();
    let good = !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

/// Who it is, for its issuer: exactly as it says, so never trimmed.
pub(super) fn subject(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    let good = !text.is_empty() && text.chars().count() <= SUBJECT && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

/// A name.
pub(super) fn name(value: Option<&Value>) -> Option<String> {
    text(value, NAME)
}

/// What looks like an e-mail address: an `@` with something on both sides, and no space.
pub(super) fn email(value: Option<&Value>) -> Option<String> {
    let text = text(value, EMAIL)?;
    let (local, domain) = text.rsplit_once('@')?;
    let good = !local.is_empty() && !domain.is_empty() && !text.chars().any(char::is_whitespace);
    good.then_some(text)
}

/// Whether it says yes; some write the word.
pub(super) fn yes(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(word)) => word == "true",
        _ => false,
    }
}

/// The address of a picture: `https` only, for browsers will fetch it.
pub(super) fn picture(value: Option<&Value>) -> Option<String> {
    let text = text(value, PICTURE)?;
    Url::parse(&text).is_ok_and(|url| url.scheme() == "https").then_some(text)
}

/// Roles: a list of words, or words with spaces between them.
pub(super) fn roles(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(|one| name(Some(one))).take(ROLES).collect(),
        Some(Value::String(words)) => words
            .split_whitespace()
            .filter(|word| word.chars().count() <= NAME)
            .take(ROLES)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}
