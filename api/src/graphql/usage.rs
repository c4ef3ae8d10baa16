//! Whether a variable fits where it is used, by the specification (section 5.8.5). async-graphql's validator refuses a
//! list that can't be null where a list that can be is expected: `[ID!]!` for `[ID!]`.

/// Whether a complaint of the validator is about a variable that does fit.
pub(crate) fn is_allowed(complaint: &str) -> bool {
    // Variable "ids" of type "<of the place>" used in position expecting type "<of the variable>"
    let quoted: Vec<&str> = complaint.split('"').collect();
    match quoted.as_slice() {
        ["Variable ", _, " of type ", place, " used in position expecting type ", variable, ""] => {
            fits(variable, place)
        }
        _ => false,
    }
}

/// Whether every value of one type is a value of another.
fn fits(variable: &str, place: &str) -> bool {
    match (variable.strip_suffix('!'), place.strip_suffix('!')) {
        (Some(variable), bare) => fits(variable, bare.unwrap_or(place)),
        (None, Some(_)) => false,
        (None, None) => match (item(variable), item(place)) {
            (Some(variable), Some(place)) => fits(variable, place),
            (None, None) => variable == place,
            _ => false,
        },
    }
}

fn item(list: &str) -> Option<&str> {
    list.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::{fits, is_allowed};

    #[test]
    fn types_fit_as_the_specification_says() {
        for (variable, place) in [
            ("Int", "Int"),
            ("Int!", "Int"),
            ("[ID!]!", "[ID!]"),
            ("[ID!]!", "[ID]"),
            ("[[ID!]!]!", "[[ID]]!"),
        ] {
            assert!(fits(variable, place), "{variable} for {place}");
        }
        for (variable, place) in [
            ("Int", "Int!"),
            ("Int", "Float"),
            ("[ID]", "[ID!]"),
            ("ID", "[ID]"),
            ("[ID]", "ID"),
            ("[ID!]", "[ID!]!"),
        ] {
            assert!(!fits(variable, place), "{variable} for {place}");
        }
        let said = |place: &str, variable: &str| {
            format!("Variable \"x\" of type \"{place}\" used in position expecting type \"{variable}\"")
        };
        assert!(is_allowed(&said("[ID!]", "[ID!]!")));
        assert!(!is_allowed(&said("[ID!]!", "[ID!]")));
        assert!(!is_allowed("Unknown type \"x\""));
    }
}
