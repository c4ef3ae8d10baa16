//! Names made from names of the model.

/// `albumPosition` → `ALBUM_POSITION`.
pub(crate) fn screaming(name: &str) -> String {
    let mut result = String::with_capacity(name.len() + 4);
    let mut before_lower = false;
    for character in name.chars() {
        if character.is_uppercase() && before_lower {
            result.push('_');
        }
        before_lower = !character.is_uppercase();
        result.extend(character.to_uppercase());
    }
    result
}

/// `albumPosition` → `AlbumPosition`.
pub(crate) fn pascal(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// The root fields of a type's writes, from its singular and plural: `createTrack`, `createTracks`.
pub(crate) fn write(verb: &str, noun: &str) -> String {
    format!("{verb}{}", pascal(noun))
}

#[cfg(test)]
mod tests {
    use super::{pascal, screaming, write};

    #[test]
    fn names_follow_the_models_names() {
        assert_eq!(screaming("albumPosition"), "ALBUM_POSITION");
        assert_eq!(screaming("isbn13"), "ISBN13");
        assert_eq!(screaming("homeURL"), "HOME_URL");
        assert_eq!(pascal("albumPosition"), "AlbumPosition");
        assert_eq!(write("create", "invoiceLine"), "createInvoiceLine");
    }
}
