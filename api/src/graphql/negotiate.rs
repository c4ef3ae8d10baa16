//! Which media type an answer has, and whether a body's media type is understood.

use poem::http::HeaderMap;
use poem::http::header::ACCEPT;

/// What the endpoint can answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/graphql-response+json`: the status tells what happened.
    Response,
    /// `application/json`: what older clients know; a well-formed request is answered with 200.
    Json,
    /// `text/html`: the page for browsers.
    Html,
}

impl Media {
    /// The header's value.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Media::Response => "application/graphql-response+json; charset=utf-8",
            Media::Json => "application/json; charset=utf-8",
            Media::Html => "text/html; charset=utf-8",
        }
    }

    fn essence(self) -> (&'static str, &'static str) {
        match self {
            Media::Response => ("application", "graphql-response+json"),
            Media::Json => ("application", "json"),
            Media::Html => ("text", "html"),
        }
    }
}

/// The wanted media type among those offered; none where nothing fits.
///
/// Without `Accept`, and where only wildcards fit, it is `application/json`, as the specification wants it until
/// clients have moved on.
pub(crate) fn wanted(headers: &HeaderMap, html: bool) -> Option<Media> {
    let mut ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if ranges.peek().is_none() {
        return Some(Media::Json);
    }
    let ranges: Vec<Range<'_>> = ranges.flat_map(|value| value.split(',')).filter_map(Range::parse).collect();
    // In order of preference among equals.
    let offers = [Media::Response, Media::Json, Media::Html];
    offers
        .into_iter()
        .filter(|media| html || *media != Media::Html)
        .filter_map(|media| quality(&ranges, media).map(|quality| (quality, media)))
        .filter(|((quality, _), _)| *quality > 0)
        // Of equals the first is kept.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|((_, specific), media)| match (media, specific) {
            (Media::Response, false) => Media::Json,
            (media, _) => media,
        })
}

/// How much a media type is wanted, in thousandths, and whether by name; the most specific range counts.
fn quality(ranges: &[Range<'_>], media: Media) -> Option<(u16, bool)> {
    let (ty, subtype) = media.essence();
    ranges
        .iter()
        .filter_map(|range| {
            let specific = match (range.ty, range.subtype) {
                ("*", "*") => 0,
                (range_ty, "*") if range_ty.eq_ignore_ascii_case(ty) => 1,
                (range_ty, range_subtype)
                    if range_ty.eq_ignore_ascii_case(ty) && range_subtype.eq_ignore_ascii_case(subtype) =>
                {
                    2
                }
                _ => return None,
            };
            Some((specific, range.quality))
        })
        .max()
        .map(|(specific, quality)| (quality, specific == 2))
}

struct Range<'a> {
    ty: &'a str,
    subtype: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';');
        let (ty, subtype) = parts.next()?.trim().split_once('/')?;
        let quality = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(Some(1.0), |(_, value)| value.trim().parse::<f32>().ok())
            .filter(|quality| (0.0..=1.0).contains(quality))?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1000, checked one line above"
        )]
        let quality = (quality * 1000.0) as u16;
        Some(Self { ty: ty.trim(), subtype: subtype.trim(), quality })
    }
}

#[cfg(test)]
mod tests {
    use poem::http::{HeaderMap, HeaderValue, header};

    use super::{Media, wanted};
    use crate::http::json::is_json;

    fn accept(text: &str, html: bool) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(text).unwrap());
        wanted(&headers, html)
    }

    #[test]
    fn the_accept_header_decides() {
        assert_eq!(wanted(&HeaderMap::new(), true), Some(Media::Json));
        for (text, expected) in [
            ("application/graphql-response+json", Some(Media::Response)),
            ("application/json", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("application/graphql-response+json, application/json;q=0.9", Some(Media::Response)),
            (
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
                Some(Media::Response),
            ),
            ("application/json, application/graphql-response+json;q=0.9", Some(Media::Json)),
            ("application/json, application/graphql-response+json", Some(Media::Response)),
            ("application/json, */*", Some(Media::Json)),
            ("APPLICATION/JSON", Some(Media::Json)),
            ("application/json;q=0", None),
            ("text/event-stream", None),
            ("text/html", None),
            ("text/html, */*;q=0.1", Some(Media::Json)),
            ("nonsense", None),
            ("application/json;q=abc", None),
        ] {
            assert_eq!(accept(text, false), expected, "{text}");
        }
    }

    #[test]
    fn browsers_get_the_page() {
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        assert_eq!(accept(chrome, true), Some(Media::Html));
        assert_eq!(accept(chrome, false), Some(Media::Json));
        assert_eq!(accept("*/*", true), Some(Media::Json));
        assert_eq!(accept("application/json, text/html;q=0.5", true), Some(Media::Json));
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        for (text, expected) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("Application/JSON;charset=\"UTF-8\"", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; boundary=x", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(text).unwrap());
            assert_eq!(is_json(&headers), expected, "{text}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
