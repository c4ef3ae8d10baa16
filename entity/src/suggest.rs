//! The nearest name, for every did-you-mean.

const NEAR: &str = "did you mean ";
const ALL: &str = "possible here: ";

/// The candidate nearest to `wrong`, when one is near enough to be meant.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Input may be hostile: the distance is quadratic, and nobody means a name this long.
    if wrong.len() > 64 {
        return None;
    }
    let lower = wrong.to_lowercase();
    let allowed = (wrong.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed || (lower.len() > 2 && candidate.to_lowercase().starts_with(&lower))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A hint that names the nearest candidate, or lists all when they are few.
pub fn hint<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(near) = nearest(wrong, candidates.clone()) {
        return Some(format!("{NEAR}`{near}`?"));
    }
    let all: Vec<&str> = candidates.into_iter().take(21).collect();
    (!all.is_empty() && all.len() <= 20).then(|| format!("{ALL}{}", all.join(", ")))
}

/// Whether a hint is one of [`hint`]'s, which tells names of the model.
#[must_use]
pub fn is_hint(text: &str) -> bool {
    [NEAR, ALL]
        .into_iter()
        .any(|begin| text.get(..begin.len()).is_some_and(|it| it.eq_ignore_ascii_case(begin)))
}

#[cfg(test)]
mod tests {
    use super::{hint, is_hint, nearest};

    #[test]
    fn finds_typos_and_prefixes_and_nothing_far() {
        assert_eq!(nearest("titel", ["title", "name"]), Some("title"));
        assert_eq!(nearest("unit", ["unitPrice", "name"]), Some("unitPrice"));
        assert_eq!(nearest("zzzzzz", ["title", "name"]), None);
        assert_eq!(nearest(&"a".repeat(100_000), ["title"]), None);
        assert_eq!(hint("zzzzzz", ["title", "name"]).unwrap(), "possible here: title, name");
        for wrong in ["zzzzzz", "titel"] {
            assert!(is_hint(&hint(wrong, ["title", "name"]).unwrap()));
        }
        assert!(is_hint("Did you mean `title`?") && !is_hint("At most 160.") && !is_hint("é"));
    }
}
