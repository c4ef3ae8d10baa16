//! `sort`, `limit` and the places a page may begin or end.

use service::engine::request::{Nulls, Order, Page};
use service::{Code, Error, Result};

use super::Parameters;
use super::query::items;

/// The terms of `sort`: `-unitPrice,album.title.nullsfirst`.
///
/// # Errors
/// `BAD_REQUEST` for a term that names nothing.
pub fn order(parameters: &Parameters<'_>) -> Result<Vec<Order>> {
    let terms = parameters.list("sort")?.unwrap_or_default();
    terms.iter().map(|term| order_term(term).map_err(|error| error.at("sort"))).collect()
}

/// The terms of an expanded list's `sort`, in one text.
///
/// # Errors
/// As [`order`], and `BAD_REQUEST` for quotes that do not close.
pub fn order_of(text: &str) -> Result<Vec<Order>> {
    items(text)?.iter().map(|term| order_term(term)).collect()
}

fn order_term(term: &str) -> Result<Order> {
    let (rest, descending) = direction(term);
    let (rest, nulls) = if let Some(rest) = rest.strip_suffix(".nullsfirst") {
        (rest, Some(Nulls::First))
    } else if let Some(rest) = rest.strip_suffix(".nullslast") {
        (rest, Some(Nulls::Last))
    } else {
        (rest, None)
    };
    let path: Vec<String> = rest.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(Error::new(Code::BadRequest, "A term of `sort` names no field.")
            .hint("write `sort=-unitPrice,name`"));
    }
    Ok(Order { path, descending, nulls })
}

/// A leading `-` means from high to low. A leading `+`, a space in a query string, is what nothing is.
#[must_use]
pub fn direction(term: &str) -> (&str, bool) {
    let term = term.trim();
    match term.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (term.strip_prefix('+').unwrap_or(term), false),
    }
}

/// Which page is asked for. `default` is the number of rows when none is named.
///
/// # Errors
/// `PAGE_INVALID` for numbers that are none, and places that contradict each other.
pub fn page(parameters: &Parameters<'_>, default: u64) -> Result<Page> {
    let limit = number(parameters, "limit")?;
    let owned = |name| parameters.text(name).map(str::to_owned);
    let page = Page {
        first: None,
        last: None,
        after: owned("after"),
        before: owned("before"),
        after_id: owned("starting_after"),
        before_id: owned("ending_before"),
        offset: number(parameters, "offset")?,
    };
    for (one, other) in [("after", "starting_after"), ("before", "ending_before")] {
        if parameters.text(one).is_some() && parameters.text(other).is_some() {
            return Err(
                Error::new(Code::PageInvalid, format!("`{one}` and `{other}` exclude each other.")).at(other)
            );
        }
    }
    let begins = page.after.is_some() || page.after_id.is_some();
    let ends = page.before.is_some() || page.before_id.is_some();
    Ok(if ends && !begins {
        Page { last: Some(limit.unwrap_or(default)), ..page }
    } else {
        Page { first: limit, ..page }
    })
}

/// A parameter that counts something.
///
/// # Errors
/// `PAGE_INVALID` for anything but digits.
pub fn number(parameters: &Parameters<'_>, name: &'static str) -> Result<Option<u64>> {
    parameters.text(name).map(|text| count(name, text)).transpose()
}

/// A number of rows, the value of a parameter.
///
/// # Errors
/// `PAGE_INVALID` for anything but digits.
pub fn count(name: &str, text: &str) -> Result<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = text.parse::<u64>()
        && i64::try_from(number).is_ok()
    {
        return Ok(number);
    }
    Err(Error::new(Code::PageInvalid, format!("`{name}` must be a number, from 0.")).at(name))
}
