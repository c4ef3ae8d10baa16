//! Where in a query string a mistake is: the engine speaks of conditions and orders, callers wrote parameters.

use service::Error;
use service::error::Segment;

use super::query::{Name, Query};

/// The error with the places of its input as parameters of the query string, as they were written.
#[must_use]
pub fn written(error: Error, query: &Query<'_>) -> Error {
    error.map_input(&|path, place| match nested(path, &place, query) {
        Some(place) => place,
        None => parameter(place, query),
    })
}

/// The same for what the engine says about the condition of a change; other places are in the body.
#[must_use]
pub fn condition_written(error: Error, query: &Query<'_>) -> Error {
    error.map_input(&|_, place| match place.split_first() {
        Some((Segment::Name(first), rest)) if first == "where" => condition(rest, query),
        _ => place,
    })
}

/// A place in what a parameter of an expanded list says: `limit[albums]`.
fn nested(path: &[Segment], place: &[Segment], query: &Query<'_>) -> Option<Vec<Segment>> {
    let (Segment::Name(first), rest) = place.split_first()? else { return None };
    let (parameter, rest) = match first.as_str() {
        "first" => ("limit", &[][..]),
        "orderBy" => ("sort", &[][..]),
        "where" => ("where", rest),
        _ => return None,
    };
    // The rows of a list stand under `data`; the whole answer has a key as well.
    let steps = path.iter().skip(1).filter_map(|segment| match segment {
        Segment::Name(name) if name != "data" => Some(name.as_str()),
        Segment::Name(_) | Segment::Index(_) | Segment::Parameter(_) => None,
    });
    let way: Vec<&str> = steps.collect();
    let written = query.pairs.iter().map(|pair| pair.name.as_ref()).find(|name| {
        Name::parse(name).is_ok_and(|name| {
            name.base == parameter
                && matches!(name.brackets.as_slice(), [path] if path.split('.').eq(way.iter().copied()))
        })
    })?;
    Some(std::iter::once(Segment::Parameter(written.to_owned())).chain(rest.iter().cloned()).collect())
}

fn parameter(place: Vec<Segment>, query: &Query<'_>) -> Vec<Segment> {
    let Some((Segment::Name(first), rest)) = place.split_first() else { return place };
    let name = match first.as_str() {
        "where" => return condition(rest, query),
        "having" => return having(rest, query),
        // One number of a list; the message names the term.
        "orderBy" => "sort",
        "groupBy" => "group",
        "first" | "last" => "limit",
        _ => first,
    };
    let same = |item: &&str| *item == name || item.strip_suffix("[]") == Some(name);
    let written = query.pairs.iter().map(|pair| pair.name.as_ref()).find(same).unwrap_or(name);
    vec![Segment::Parameter(written.to_owned())]
}

/// A place in the whole condition: that of a parameter, or inside the value of `where`.
fn condition(place: &[Segment], query: &Query<'_>) -> Vec<Segment> {
    // Parameters and `where` are put together as `and`, in this order.
    let part = match place {
        [Segment::Name(and), Segment::Index(at), rest @ ..] if and == "and" => Some((*at, rest)),
        _ => None,
    };
    let both = query.pairs.iter().any(|pair| pair.name == "where") && query.pairs.len() > 1;
    let inner = match part {
        Some((0, rest)) if both => rest,
        _ => place,
    };
    let named = match part {
        Some((1, _)) if both => None,
        _ => query.pairs.iter().find(|pair| says(&pair.name, inner)),
    };
    if let Some(pair) = named {
        return vec![Segment::Parameter(pair.name.clone().into_owned())];
    }
    let inside = match part {
        Some((1, rest)) if both => rest,
        _ => place,
    };
    std::iter::once(Segment::Parameter("where".to_owned())).chain(inside.iter().cloned()).collect()
}

/// Whether a parameter says the condition at a place.
fn says(name: &str, place: &[Segment]) -> bool {
    let Ok(name) = Name::parse(name) else { return false };
    let operator = name.brackets.first().copied().unwrap_or(entity::Op::Eq.name());
    let steps = name.base.split('.').chain([operator]);
    let names = place.iter().map_while(|segment| match segment {
        Segment::Name(name) => Some(name.as_str()),
        Segment::Index(_) | Segment::Parameter(_) => None,
    });
    !place.is_empty() && steps.zip(names).all(|(step, name)| step == name)
}

fn having(place: &[Segment], query: &Query<'_>) -> Vec<Segment> {
    let mut given = query.pairs.iter().filter(|pair| pair.name.starts_with("having["));
    let named = query.pairs.iter().find(|pair| {
        Name::parse(&pair.name).is_ok_and(|name| {
            let names = place.iter().filter_map(|segment| match segment {
                Segment::Name(name) => Some(name.as_str()),
                Segment::Index(_) | Segment::Parameter(_) => None,
            });
            // `and` and positions are those of several parameters together.
            let names: Vec<&str> = names.filter(|name| *name != "and").collect();
            name.base == "having" && !names.is_empty() && name.brackets.starts_with(&names)
        })
    });
    let found = match (named, given.next(), given.next()) {
        (Some(pair), ..) | (None, Some(pair), None) => pair.name.clone().into_owned(),
        _ => "having".to_owned(),
    };
    vec![Segment::Parameter(found)]
}

#[cfg(test)]
mod tests {
    use service::error::Segment;
    use service::{Code, Error};

    use super::{Query, condition_written, written};

    fn place(path: &[&str]) -> Error {
        path.iter().rev().fold(Error::new(Code::BadValue, "No."), |error, step| match step.parse::<usize>() {
            Ok(index) => error.at(index),
            Err(_) => error.at(*step),
        })
    }

    #[test]
    fn places_are_those_of_the_query_string() {
        for (query, path, expected) in [
            ("sort=titel", &["orderBy", "0"][..], "sort"),
            ("group=x", &["groupBy", "1"], "group"),
            ("limit=x", &["limit"], "limit"),
            ("fields[]=x", &["fields"], "fields[]"),
            ("n=abc", &["where", "n", "eq"], "n"),
            ("n[gt]=1&n[lt]=b", &["where", "n", "lt"], "n[lt]"),
            ("n[in]=1,b", &["where", "n", "in", "1"], "n[in]"),
            ("a.some.n=b", &["where", "a", "some", "n", "eq"], "a.some.n"),
            ("where={}", &["where", "n", "eq"], "where.n.eq"),
            ("n=abc&where={}", &["where", "and", "0", "n", "eq"], "n"),
            ("n=1&where={}", &["where", "and", "1", "n", "eq"], "where.n.eq"),
            ("having[count][gt]=b", &["having", "count", "gt"], "having[count][gt]"),
            ("having={}", &["having", "count", "gt"], "having"),
        ] {
            let query = Query::parse(Some(query)).unwrap();
            let error = written(place(path), &query);
            assert_eq!(error.input_path(), expected);
            assert!(matches!(error.input().first(), Some(Segment::Parameter(_))), "{expected}");
        }
    }

    #[test]
    fn places_of_expanded_lists_are_those_of_their_parameters() {
        let query = Query::parse(Some("limit[albums.tracks]=9&where[albums]={}&limit=1")).unwrap();
        let at = |place_: &[&str], path: &[&str]| {
            let error = path.iter().rev().fold(place(place_), |error, key| error.under(*key));
            written(error, &query).input_path()
        };
        assert_eq!(at(&["first"], &["answer", "data", "albums", "data", "tracks"]), "limit[albums.tracks]");
        assert_eq!(at(&["where", "n", "eq"], &["answer", "albums"]), "where[albums].n.eq");
        assert_eq!(at(&["first"], &["answer"]), "limit");
    }

    #[test]
    fn places_in_a_body_stay() {
        let query = Query::parse(Some("n=1")).unwrap();
        assert_eq!(condition_written(place(&["title"]), &query), place(&["title"]));
        assert_eq!(condition_written(place(&["where", "n", "eq"]), &query).input_path(), "n");
        assert_eq!(written(Error::new(Code::NotFound, "No."), &query).input_path(), "");
    }
}
