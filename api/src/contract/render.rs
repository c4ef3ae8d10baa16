//! What clients notice, for people.

use std::fmt::{self, Write};

use super::{Api, Effect, Finding};

/// Places that are told of one change.
const TOLD: usize = 4;

/// The findings as text: what breaks first. One change of the model shows in many places; they are told together.
pub(crate) fn render(found: &[Finding]) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write(&mut text, found);
    text
}

fn write(out: &mut String, found: &[Finding]) -> fmt::Result {
    let changes = changes(found);
    for (effect, title) in [
        (Effect::Breaking, "Clients break:"),
        (Effect::Risky, "Clients may stumble:"),
        (Effect::Compatible, "Nobody has to change:"),
    ] {
        let here: Vec<_> = changes.iter().filter(|change| change.first.effect == effect).collect();
        if here.is_empty() {
            continue;
        }
        writeln!(out, "{title}")?;
        for change in here {
            change.write(out)?;
        }
        writeln!(out)?;
    }
    match (found.first().map(|first| first.effect), changes.len()) {
        (None, _) => writeln!(out, "Clients notice nothing."),
        (Some(Effect::Breaking), count) => writeln!(out, "{count} changes, and some break clients."),
        (Some(_), count) => writeln!(out, "{count} changes, none of which breaks clients."),
    }
}

/// A change in all its places.
struct Change<'a> {
    first: &'a Finding,
    places: Vec<&'a str>,
}

impl Change<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let api = match self.first.api {
            Api::Graphql => "GraphQL",
            Api::Rest => "REST   ",
        };
        let place = self.places.first().copied().unwrap_or_default();
        write!(out, "  {api}  {place} {}", self.first.change)?;
        if let Some(role) = &self.first.role {
            write!(out, ", for the role `{role}`")?;
        }
        match self.places.get(1..).unwrap_or_default() {
            [] => writeln!(out),
            others if others.len() <= TOLD => writeln!(out, " (also {})", others.join(", ")),
            others => {
                let told = others.get(..TOLD).unwrap_or_default().join(", ");
                writeln!(out, " (also {told} and {} more)", others.len() - TOLD)
            }
        }
    }
}

/// Puts together what is the same change of the same member; the shortest place first.
fn changes(found: &[Finding]) -> Vec<Change<'_>> {
    let mut changes: Vec<Change<'_>> = Vec::new();
    for finding in found {
        let same = |change: &&mut Change<'_>| {
            let first = change.first;
            (first.effect, first.api, &first.change, &first.role)
                == (finding.effect, finding.api, &finding.change, &finding.role)
                && member(&first.place) == member(&finding.place)
        };
        match changes.iter_mut().find(same) {
            Some(change) => change.places.push(&finding.place),
            None => changes.push(Change { first: finding, places: vec![&finding.place] }),
        }
    }
    for change in &mut changes {
        change.places.sort_by_key(|place| (place.len(), *place));
    }
    changes
}

/// The field, value or parameter that a place is about; the whole place where it is about a type or a path.
fn member(place: &str) -> &str {
    let last = place.rsplit(['.', '#', '?']).next().unwrap_or(place);
    let name = last.split('[').next().unwrap_or(last);
    if name.contains('/') { place } else { name }
}
