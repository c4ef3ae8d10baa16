//! The English plural of a name.

use super::words;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pluralized {
    /// The plural.
    Regular(String),
    /// The word has none (`news`), or is one already (`settings`): the model must say what to use.
    None,
}

/// Words whose plural is the word itself, or that are never counted.
const UNCOUNTABLE: &[&str] = &[
    "advice",
    "aircraft",
    "analytics",
    "baggage",
    "bison",
    "cash",
    "cattle",
    "data",
    "deer",
    "economics",
    "electronics",
    "equipment",
    "ethics",
    "evidence",
    "feedback",
    "fish",
    "furniture",
    "gold",
    "hardware",
    "headquarters",
    "homework",
    "information",
    "jeans",
    "knowledge",
    "livestock",
    "logistics",
    "luggage",
    "machinery",
    "mathematics",
    "means",
    "media",
    "merchandise",
    "metadata",
    "money",
    "moose",
    "music",
    "news",
    "offspring",
    "personnel",
    "physics",
    "police",
    "politics",
    "progress",
    "research",
    "rice",
    "salmon",
    "scissors",
    "series",
    "sheep",
    "shrimp",
    "software",
    "spacecraft",
    "species",
    "staff",
    "statistics",
    "stuff",
    "swine",
    "traffic",
    "trousers",
    "trout",
    "weather",
];

const IRREGULAR: &[(&str, &str)] = &[
    ("addendum", "addenda"),
    ("alumnus", "alumni"),
    ("analysis", "analyses"),
    ("appendix", "appendices"),
    ("axis", "axes"),
    ("bacterium", "bacteria"),
    ("basis", "bases"),
    ("businessman", "businessmen"),
    ("calf", "calves"),
    ("chairman", "chairmen"),
    ("child", "children"),
    ("craftsman", "craftsmen"),
    ("crisis", "crises"),
    ("criterion", "criteria"),
    ("curriculum", "curricula"),
    ("datum", "data"),
    ("diagnosis", "diagnoses"),
    ("elf", "elves"),
    ("epoch", "epochs"),
    ("fireman", "firemen"),
    ("foot", "feet"),
    ("foreman", "foremen"),
    ("goose", "geese"),
    ("half", "halves"),
    ("hoof", "hooves"),
    ("hypothesis", "hypotheses"),
    ("knife", "knives"),
    ("leaf", "leaves"),
    ("life", "lives"),
    ("loaf", "loaves"),
    ("louse", "lice"),
    ("man", "men"),
    ("matrix", "matrices"),
    ("medium", "media"),
    ("memorandum", "memoranda"),
    ("monarch", "monarchs"),
    ("mouse", "mice"),
    ("oasis", "oases"),
    ("ox", "oxen"),
    ("parenthesis", "parentheses"),
    ("patriarch", "patriarchs"),
    ("person", "people"),
    ("phenomenon", "phenomena"),
    ("policeman", "policemen"),
    ("postman", "postmen"),
    ("quiz", "quizzes"),
    ("salesman", "salesmen"),
    ("scarf", "scarves"),
    ("self", "selves"),
    ("shelf", "shelves"),
    ("spokesman", "spokesmen"),
    ("stomach", "stomachs"),
    ("stratum", "strata"),
    ("synopsis", "synopses"),
    ("tech", "techs"),
    ("thesis", "theses"),
    ("thief", "thieves"),
    ("tooth", "teeth"),
    ("vertex", "vertices"),
    ("wife", "wives"),
    ("wolf", "wolves"),
    ("woman", "women"),
];

/// Words in `o` that take `es`.
const O_ES: &[&str] =
    &["cargo", "echo", "embargo", "hero", "mosquito", "potato", "tomato", "torpedo", "veto", "volcano"];

/// Endings in one `s` that are singular; any other word in one `s` is taken for a plural.
const SINGULAR_S: &[&str] = &["us", "is", "as", "os", "ss", "lens"];

/// The plural of a camel-case name, by its last word: `invoiceLine` → `invoiceLines`.
#[must_use]
pub fn pluralize(name: &str) -> Pluralized {
    let last = words(name).last().copied().unwrap_or(name);
    let Some(head) = name.strip_suffix(last) else { return Pluralized::Regular(format!("{name}s")) };
    let lower = last.to_ascii_lowercase();
    if UNCOUNTABLE.binary_search(&lower.as_str()).is_ok() {
        return Pluralized::None;
    }
    match IRREGULAR.binary_search_by(|(one, _)| (*one).cmp(lower.as_str())) {
        Ok(found) => {
            let many = IRREGULAR.get(found).map_or("", |(_, many)| many);
            let capital = last.starts_with(|c: char| c.is_ascii_uppercase());
            let many = if capital { super::capitalized(many) } else { many.to_owned() };
            Pluralized::Regular(format!("{head}{many}"))
        }
        Err(_) => ending(&lower).map_or(Pluralized::None, |(cut, add)| {
            let stem = last.get(..last.len() - cut).unwrap_or(last);
            Pluralized::Regular(format!("{head}{stem}{add}"))
        }),
    }
}

/// How many letters to cut and what to add; none for a word that is a plural already.
fn ending(word: &str) -> Option<(usize, &'static str)> {
    let before_last = word.chars().rev().nth(1);
    let vowel = before_last.is_some_and(|c| "aeiou".contains(c));
    if word.len() > 1 && word.ends_with('y') && !vowel {
        return Some((1, "ies"));
    }
    if word.len() > 2 && word.ends_with('s') && !SINGULAR_S.iter().any(|ending| word.ends_with(ending)) {
        return None;
    }
    let sibilant = ["s", "x", "z", "ch", "sh"].iter().any(|ending| word.ends_with(ending));
    if sibilant || O_ES.binary_search(&word).is_ok() {
        return Some((0, "es"));
    }
    Some((0, "s"))
}

#[cfg(test)]
mod tests {
    use super::{IRREGULAR, O_ES, Pluralized, UNCOUNTABLE, pluralize};

    #[test]
    fn english_plurals() {
        let cases = [
            ("track", "tracks"),
            ("invoiceLine", "invoiceLines"),
            ("category", "categories"),
            ("day", "days"),
            ("box", "boxes"),
            ("address", "addresses"),
            ("status", "statuses"),
            ("alias", "aliases"),
            ("match", "matches"),
            ("dish", "dishes"),
            ("quiz", "quizzes"),
            ("person", "people"),
            ("contactPerson", "contactPeople"),
            ("child", "children"),
            ("woman", "women"),
            ("human", "humans"),
            ("shelf", "shelves"),
            ("roof", "roofs"),
            ("photo", "photos"),
            ("hero", "heroes"),
            ("analysis", "analyses"),
            ("datum", "data"),
            ("address2", "address2s"),
            ("line_item", "line_items"),
            ("lens", "lenses"),
            ("s", "ses"),
            ("y", "ys"),
        ];
        for (one, many) in cases {
            assert_eq!(pluralize(one), Pluralized::Regular(many.to_owned()));
        }
        for none in [
            "news",
            "series",
            "sheep",
            "equipment",
            "tvSeries",
            "staff",
            "settings",
            "tracks",
            "userPreferences",
        ] {
            assert_eq!(pluralize(none), Pluralized::None, "{none}");
        }
    }

    #[test]
    fn lists_are_sorted_for_the_search() {
        assert!(UNCOUNTABLE.is_sorted());
        assert!(IRREGULAR.is_sorted());
        assert!(O_ES.is_sorted());
    }
}
