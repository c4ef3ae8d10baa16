//! Headers that change what is done: `Prefer`, `If-Match`, `If-None-Match`, `Idempotency-Key`, `Accept`,
//! `Content-Type`.

use poem::http::{HeaderMap, HeaderName, header};
use service::{Code, Error, Result};

/// The header of RFC 7240.
pub const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The header that makes a repeated write safe.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Characters an idempotency key may have.
const MAX_KEY: usize = 255;

/// Entity tags one header may list.
const MAX_TAGS: usize = 50;

/// What a caller prefers (RFC 7240).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefer {
    /// `return=minimal`: no body.
    pub minimal: Option<bool>,
    /// `count=exact`: the number of rows on all pages.
    pub count: bool,
    /// `max-affected=N`: a change of more rows is an error.
    pub max_affected: Option<u64>,
    /// `tx=rollback`: try, answer, undo.
    pub rollback: bool,
    /// `handling=strict`: a preference that is not understood is an error.
    pub strict: Option<bool>,
}

impl Prefer {
    /// Reads the header.
    ///
    /// # Errors
    /// `UNKNOWN_PARAMETER` for what is not understood under `handling=strict`, and always for a `max-affected` or
    /// `tx` that is none: ignoring these would do what the caller wanted to prevent.
    pub fn read(headers: &HeaderMap) -> Result<Self> {
        let mut found = Self::default();
        let mut strange = None;
        for value in headers.get_all(PREFER) {
            let Ok(text) = value.to_str() else { return Err(unknown("it is not ASCII text")) };
            for preference in text.split(',') {
                // Parameters after a semicolon refine a preference; none of ours has any.
                let preference = preference.split(';').next().unwrap_or_default().trim();
                if preference.is_empty() {
                    continue;
                }
                let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
                let value = value.trim().trim_matches('"');
                if !found.add(&name.trim().to_ascii_lowercase(), value)? && strange.is_none() {
                    strange = Some(entity::value::excerpt(preference));
                }
            }
        }
        match strange {
            Some(strange) if found.strict == Some(true) => Err(unknown(&format!("`{strange}` is not understood"))
                .hint("possible: return=minimal|representation, count=exact, max-affected=N, tx=rollback, handling=strict|lenient")),
            _ => Ok(found),
        }
    }

    /// Whether the preference is understood. The first of a name counts.
    fn add(&mut self, name: &str, value: &str) -> Result<bool> {
        match (name, value) {
            ("return", "minimal") => self.minimal = self.minimal.or(Some(true)),
            ("return", "representation") => self.minimal = self.minimal.or(Some(false)),
            ("count", "exact") => self.count = true,
            ("handling", "strict") => self.strict = self.strict.or(Some(true)),
            ("handling", "lenient") => self.strict = self.strict.or(Some(false)),
            ("tx", "rollback") => self.rollback = true,
            ("tx", "commit") => {}
            ("tx", _) => return Err(unknown("`tx` is `commit` or `rollback`")),
            ("max-affected", _) => {
                let number = value.parse().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()));
                self.max_affected = Some(number.ok_or_else(|| unknown("`max-affected` takes a number"))?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The value of `Preference-Applied`, for the preferences that made a difference here.
    #[must_use]
    pub fn applied(&self, kind: Applies) -> Option<String> {
        let mut all = Vec::new();
        if let Some(strict) = self.strict {
            all.push(if strict { "handling=strict".to_owned() } else { "handling=lenient".to_owned() });
        }
        if self.count && kind == Applies::List {
            all.push("count=exact".to_owned());
        }
        if kind != Applies::List {
            if let Some(minimal) = self.minimal {
                all.push(if minimal {
                    "return=minimal".to_owned()
                } else {
                    "return=representation".to_owned()
                });
            }
            if self.rollback {
                all.push("tx=rollback".to_owned());
            }
        }
        if let (Some(max), Applies::Many) = (self.max_affected, kind) {
            all.push(format!("max-affected={max}"));
        }
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// What kind of request preferences are applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// A list of rows is read.
    List,
    /// One row, or a given list of rows, is written.
    Write,
    /// All rows of a condition are written.
    Many,
}

fn unknown(why: &str) -> Error {
    Error::new(Code::UnknownParameter, format!("The header `Prefer` is not understood: {why}."))
}

/// An `If-Match` or `If-None-Match` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// `*`: whatever there is.
    Any,
    /// Opaque tags without their quotes, and whether each is weak.
    These(Vec<(String, bool)>),
}

impl Tags {
    /// Reads a header of entity tags; absent when it was not sent.
    ///
    /// # Errors
    /// `BAD_REQUEST` for what is no list of entity tags.
    pub fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>> {
        let mut values = headers.get_all(name).iter().peekable();
        if values.peek().is_none() {
            return Ok(None);
        }
        let mut tags = Vec::new();
        for value in values {
            let text = value.to_str().map_err(|_| malformed(name))?.trim();
            if text == "*" {
                return Ok(Some(Tags::Any));
            }
            let mut rest = text;
            while !rest.is_empty() {
                let (weak, quoted) = match rest.strip_prefix("W/") {
                    Some(quoted) => (true, quoted),
                    None => (false, rest),
                };
                let (tag, after) = quoted
                    .strip_prefix('"')
                    .and_then(|rest| rest.split_once('"'))
                    .ok_or_else(|| malformed(name))?;
                tags.push((tag.to_owned(), weak));
                let after = after.trim_start();
                rest = match after.strip_prefix(',') {
                    Some(after) => after.trim_start(),
                    None if after.is_empty() => after,
                    None => return Err(malformed(name)),
                };
                if tags.len() > MAX_TAGS {
                    return Err(malformed(name));
                }
            }
        }
        if tags.is_empty() {
            return Err(malformed(name));
        }
        Ok(Some(Tags::These(tags)))
    }

    /// The weak comparison of RFC 9110, for `If-None-Match`. `tag` has no quotes.
    #[must_use]
    pub fn has_weakly(&self, tag: &str) -> bool {
        match self {
            Tags::Any => true,
            Tags::These(tags) => tags.iter().any(|(known, _)| known == tag),
        }
    }

    /// The strong comparison of RFC 9110, for `If-Match`. `tag` has no quotes and is strong.
    #[must_use]
    pub fn has_strongly(&self, tag: &str) -> bool {
        match self {
            Tags::Any => true,
            Tags::These(tags) => tags.iter().any(|(known, weak)| known == tag && !weak),
        }
    }

    /// The versions of a row that an `If-Match` header allows; absent for any. Weak tags never match.
    ///
    /// A tag is `<id>:<version>`, or `<id>:<version>:<hash>` for a representation other than the plain one.
    #[must_use]
    pub fn versions(&self, id: &str) -> Option<Vec<i64>> {
        let Tags::These(tags) = self else { return None };
        let mut versions: Vec<i64> = tags
            .iter()
            .filter(|(_, weak)| !weak)
            .filter_map(|(tag, _)| {
                let rest = tag.strip_prefix(id)?.strip_prefix(':')?;
                let version = rest.split_once(':').map_or(rest, |(version, _)| version);
                version.parse().ok()
            })
            .collect();
        versions.sort_unstable();
        versions.dedup();
        Some(versions)
    }
}

fn malformed(name: &HeaderName) -> Error {
    let shown = if *name == header::IF_MATCH { "If-Match" } else { "If-None-Match" };
    Error::new(Code::BadRequest, format!("The header `{shown}` is not a list of entity tags."))
        .hint("write it as the `ETag` header was sent, in double quotes, or `*`")
}

/// The `Idempotency-Key` header.
///
/// # Errors
/// `BAD_REQUEST` for one that is empty, too long, sent twice or not printable.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bytes = value.as_bytes();
    let printable = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    match value.to_str() {
        Ok(text) if values.next().is_none() && printable && (1..=MAX_KEY).contains(&bytes.len()) => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(Error::new(Code::BadRequest, "The header `Idempotency-Key` is not usable.")
            .hint(format!("send one key of 1 to {MAX_KEY} printable ASCII characters, a UUID for example"))),
    }
}

/// What an answer can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/x-ndjson`: a JSON object on each line.
    Ndjson,
    /// `text/csv`
    Csv,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Format::Json => &["application/json"],
            Format::Ndjson => &["application/x-ndjson", "application/ndjson", "application/jsonl"],
            Format::Csv => &["text/csv"],
        }
    }
}

/// Chooses among what is on offer by `Accept` (RFC 9110): the highest quality, the first offer among equals.
///
/// # Errors
/// `NOT_ACCEPTABLE` when nothing fits.
pub fn negotiate(headers: &HeaderMap, offers: &[Format]) -> Result<Format> {
    let mut ranges: Vec<(String, u32)> = Vec::new();
    let mut sent = false;
    for value in headers.get_all(header::ACCEPT) {
        sent = true;
        let text = value.to_str().unwrap_or_default();
        // The common cases, without a copy.
        if text == "*/*" || text == "application/json" {
            return offers.first().copied().ok_or_else(not_acceptable);
        }
        ranges.extend(text.split(',').take(100).filter_map(range));
    }
    if !sent || ranges.is_empty() {
        return offers.first().copied().ok_or_else(not_acceptable);
    }
    let mut best: Option<(u32, Format)> = None;
    for offer in offers {
        let quality = offer.names().iter().map(|name| quality(&ranges, name)).max().unwrap_or(0);
        if quality > best.map_or(0, |(best, _)| best) {
            best = Some((quality, *offer));
        }
    }
    best.map(|(_, offer)| offer).ok_or_else(|| {
        let names: Vec<&str> = offers.iter().filter_map(|offer| offer.names().first().copied()).collect();
        not_acceptable().hint(format!("possible: {}", names.join(", ")))
    })
}

fn not_acceptable() -> Error {
    Error::new(Code::NotAcceptable, "No representation fits the header `Accept`.")
}

/// A media range and its quality in thousandths.
fn range(text: &str) -> Option<(String, u32)> {
    let mut parts = text.split(';');
    let name = parts.next()?.trim().to_ascii_lowercase();
    if name.is_empty() {
        return None;
    }
    let quality = parts
        .filter_map(|part| part.trim().split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(Some(1.0), |(_, value)| value.trim().parse::<f32>().ok())
        .filter(|quality| (0.0..=1.0).contains(quality))?;
    Some((name, (quality * 1000.0).round() as u32))
}

/// The quality of a media type: that of the most specific range it fits.
fn quality(ranges: &[(String, u32)], name: &str) -> u32 {
    let group = name.split('/').next().unwrap_or_default();
    let of =
        |wanted: &str| ranges.iter().filter(|(range, _)| range == wanted).map(|(_, quality)| *quality).max();
    of(name).or_else(|| of(&format!("{group}/*"))).or_else(|| of("*/*")).unwrap_or(0)
}

/// Says no to a body that is not JSON. `patch` also takes a merge patch.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`
pub fn json_content(headers: &HeaderMap, patch: bool) -> Result<()> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let known = name == "application/json" || (patch && name == "application/merge-patch+json");
    let utf8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if known && utf8 && headers.get_all(header::CONTENT_TYPE).iter().count() == 1 {
        return Ok(());
    }
    let wanted = if patch { "application/merge-patch+json or application/json" } else { "application/json" };
    Err(Error::new(Code::UnsupportedMediaType, "The media type of the body is not understood.")
        .hint(format!("send `Content-Type: {wanted}`")))
}

#[cfg(test)]
mod tests {
    use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
    use proptest::prelude::*;

    use super::{Applies, Format, Prefer, Tags, idempotency_key, json_content, negotiate};

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_bytes(value.as_bytes()).unwrap())])
    }

    #[test]
    fn accept_is_negotiated() {
        const ALL: &[Format] = &[Format::Json, Format::Csv, Format::Ndjson];
        for (accept, offers, expected) in [
            ("*/*", ALL, Some(Format::Json)),
            ("", ALL, Some(Format::Json)),
            ("text/csv", ALL, Some(Format::Csv)),
            ("TEXT/CSV", ALL, Some(Format::Csv)),
            ("application/x-ndjson", ALL, Some(Format::Ndjson)),
            ("application/jsonl", ALL, Some(Format::Ndjson)),
            ("application/*", ALL, Some(Format::Json)),
            ("text/*", ALL, Some(Format::Csv)),
            ("text/csv;q=0.5, application/json;q=0.4", ALL, Some(Format::Csv)),
            ("text/csv;q=0.5, */*;q=0.6", ALL, Some(Format::Json)),
            ("application/json;q=0, */*", ALL, Some(Format::Csv)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", ALL, Some(Format::Json)),
            ("text/html", ALL, None),
            ("application/json;q=0", &[Format::Json], None),
            ("text/csv", &[Format::Json], None),
        ] {
            assert_eq!(negotiate(&headers(header::ACCEPT, accept), offers).ok(), expected, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new(), ALL).unwrap(), Format::Json);
    }

    #[test]
    fn tags_match_by_the_book() {
        for (value, id, versions) in [
            ("\"7:3\"", "7", Some(vec![3])),
            ("\"7:3:abc\"", "7", Some(vec![3])),
            ("\"7:3\", \"7:4\"", "7", Some(vec![3, 4])),
            ("\"8:3\"", "7", Some(vec![])),
            ("\"77:3\"", "7", Some(vec![])),
            ("W/\"7:3\"", "7", Some(vec![])),
            ("\"a:b:3\"", "a:b", Some(vec![3])),
            ("\"\"", "7", Some(vec![])),
            ("*", "7", None),
        ] {
            let tags = Tags::read(&headers(header::IF_MATCH, value), &header::IF_MATCH).unwrap().unwrap();
            assert_eq!(tags.versions(id), versions, "{value}");
        }
        let tags = Tags::read(&headers(header::IF_NONE_MATCH, "W/\"7:3\", \"x\""), &header::IF_NONE_MATCH)
            .unwrap()
            .unwrap();
        assert!(tags.has_weakly("7:3") && tags.has_weakly("x") && !tags.has_weakly("7:4"));
        for broken in ["7:3", "\"7:3", "\"a\" \"b\"", "w/\"a\""] {
            assert!(Tags::read(&headers(header::IF_MATCH, broken), &header::IF_MATCH).is_err(), "{broken}");
        }
        assert_eq!(Tags::read(&HeaderMap::new(), &header::IF_MATCH).unwrap(), None);
    }

    #[test]
    fn preferences_are_read() {
        let read = |text: &str| Prefer::read(&headers(super::PREFER, text));
        let all = read(
            "return=minimal, count=exact, max-affected=5; x=y, tx=rollback, handling=lenient, respond-async",
        )
        .unwrap();
        assert_eq!(
            all,
            Prefer {
                minimal: Some(true),
                count: true,
                max_affected: Some(5),
                rollback: true,
                strict: Some(false)
            }
        );
        assert_eq!(
            all.applied(Applies::Many).unwrap(),
            "handling=lenient, return=minimal, tx=rollback, max-affected=5"
        );
        assert_eq!(all.applied(Applies::List).unwrap(), "handling=lenient, count=exact");
        assert_eq!(Prefer::default().applied(Applies::Write), None);
        assert!(read("handling=strict, wibble").is_err());
        assert!(read("handling=strict, return=some").is_err());
        assert!(read("return=some").is_ok());
        assert!(read("max-affected=-1").is_err());
        assert!(read("max-affected=many").is_err());
        assert!(read("tx=later").is_err());
    }

    #[test]
    fn only_json_is_a_body() {
        for (value, patch, good) in [
            ("application/json", false, true),
            ("application/json; charset=utf-8", false, true),
            ("Application/JSON; charset=\"UTF-8\"", false, true),
            ("application/json; charset=latin1", false, false),
            ("application/merge-patch+json", true, true),
            ("application/merge-patch+json", false, false),
            ("text/plain", false, false),
            ("application/x-www-form-urlencoded", true, false),
        ] {
            assert_eq!(json_content(&headers(header::CONTENT_TYPE, value), patch).is_ok(), good, "{value}");
        }
        assert!(json_content(&HeaderMap::new(), false).is_err());
    }

    #[test]
    fn idempotency_keys_are_printable() {
        let read = |text: &str| idempotency_key(&headers(super::IDEMPOTENCY_KEY, text));
        assert_eq!(read("a-1").unwrap().unwrap(), "a-1");
        assert!(read("").is_err());
        assert!(read(&"x".repeat(256)).is_err());
        assert!(read("é").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ -~]{0,100}") {
            let _ = Tags::read(&headers(header::IF_MATCH, &text), &header::IF_MATCH);
            let _ = Prefer::read(&headers(super::PREFER, &text));
            let _ = negotiate(&headers(header::ACCEPT, &text), &[Format::Json, Format::Csv]);
        }

        #[test]
        fn tags_round_trip(id in "[a-zA-Z0-9:-]{1,40}", version in 0..i64::MAX) {
            let value = format!("\"{id}:{version}\"");
            let tags = Tags::read(&headers(header::IF_MATCH, &value), &header::IF_MATCH).unwrap().unwrap();
            prop_assert!(tags.versions(&id).unwrap().contains(&version));
        }
    }
}
