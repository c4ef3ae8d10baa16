//! What is asked about: `read Track/first.royalty`, in `launchway can` and in tests of rules.

use entity::catalog::{Entity, Operation};
use entity::suggest;
use entity::value::excerpt;
use entity::{Catalog, EntityId};

/// An operation on a type, a row of it, or a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aim {
    pub(super) operation: Operation,
    pub(super) entity: EntityId,
    /// The id of a row, or a label that stands for it.
    pub(super) row: Option<String>,
    /// A field or relation.
    pub(super) member: Option<String>,
}

/// The word of an operation.
pub(super) fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "read",
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
    }
}

/// The operation of a word.
///
/// # Errors
/// A sentence, with the word that may be meant.
pub(super) fn operation(word: &str) -> Result<Operation, String> {
    let all = [Operation::Read, Operation::Create, Operation::Update, Operation::Delete];
    all.into_iter()
        .find(|operation| verb(*operation) == word)
        .ok_or_else(|| unknown("operation", word, all.into_iter().map(verb)))
}

/// The aim of an operation at `Type`, `Type/row`, `Type.field` or `Type/row.field`.
///
/// # Errors
/// A sentence about what is not there, with what may be meant.
pub(super) fn aim(catalog: &Catalog, operation: Operation, text: &str) -> Result<Aim, String> {
    let end = text.find(['/', '.']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let entity = catalog
        .entity_named(name)
        .ok_or_else(|| unknown("type", name, catalog.entities.iter().map(|entity| entity.name.as_str())))?;
    let (row, member) = match (rest.strip_prefix('/'), rest.strip_prefix('.')) {
        (Some(rest), _) => of_row(entity, rest)?,
        (None, Some(member)) => (None, Some(known(entity, member)?)),
        (None, None) => (None, None),
    };
    let aim = Aim { operation, entity: entity.id, row, member };
    if aim.operation == Operation::Create && aim.row.is_some() {
        return Err(format!("`create` is about no row that is there: write `create {name}`"));
    }
    if aim.operation == Operation::Delete && aim.member.is_some() {
        return Err(format!("`delete` is about rows, not fields: write `delete {name}`"));
    }
    Ok(aim)
}

/// An id may have dots itself: what follows the last one is a field only where there is one of this name.
fn of_row(entity: &Entity, rest: &str) -> Result<(Option<String>, Option<String>), String> {
    let (row, member) = match rest.rsplit_once('.') {
        Some((row, member)) if entity.member(member).is_some() => (row, Some(member.to_owned())),
        Some((_, member)) if entity.key != entity::IdKind::Client => {
            return Err(known(entity, member).err().unwrap_or_default());
        }
        _ => (rest, None),
    };
    match row.is_empty() {
        true => Err(format!("which row? Write `{}/id`", entity.name)),
        false => Ok((Some(row.to_owned()), member)),
    }
}

/// A name that an entity has.
///
/// # Errors
/// A sentence, with the name that may be meant.
pub(super) fn known(entity: &Entity, name: &str) -> Result<String, String> {
    match entity.member(name) {
        Some(_) => Ok(name.to_owned()),
        None => Err(unknown(&format!("field of {}", entity.name), name, entity.member_names())),
    }
}

/// What is said about a name that is not there.
pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match suggest::hint(name, candidates) {
        Some(hint) => format!("there is no {what} `{}`; {hint}", excerpt(name)),
        None => format!("there is no {what} `{}`", excerpt(name)),
    }
}

#[cfg(test)]
mod tests {
    use entity::model::{Source, compile};

    use super::*;

    #[test]
    fn types_rows_and_fields_are_told_apart() {
        let text = "type Track @model { name: String! } type Genre @model(id: CLIENT) { name: String! }";
        let catalog = compile(&[Source::new("m", text)]).unwrap().catalog;
        let read = |text: &str| aim(&catalog, Operation::Read, text).map(|aim| (aim.row, aim.member));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("Track"), Ok((None, None)));
        assert_eq!(read("Track/1"), Ok((some("1"), None)));
        assert_eq!(read("Track.name"), Ok((None, some("name"))));
        assert_eq!(read("Track/1.name"), Ok((some("1"), some("name"))));
        assert_eq!(read("Genre/a.b"), Ok((some("a.b"), None)));
        assert_eq!(read("Genre/a.b.name"), Ok((some("a.b"), some("name"))));
        for (wrong, word) in [
            ("Trakc", "`Track`"),
            ("Track.nmae", "`name`"),
            ("Track/1.nmae", "`name`"),
            ("Track/", "which row"),
        ] {
            let told = read(wrong).unwrap_err();
            assert!(told.contains(word), "{wrong}: {told}");
        }
        assert!(operation("raed").unwrap_err().contains("`read`"));
        assert!(aim(&catalog, Operation::Create, "Track/1").is_err());
        assert!(aim(&catalog, Operation::Delete, "Track.name").is_err());
    }
}
