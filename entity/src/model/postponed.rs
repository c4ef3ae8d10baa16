//! What is accepted but has no effect in this version: collected, told once each.

use std::collections::BTreeMap;

use super::source::Span;

/// The sentence, the first place, how many there are.
#[derive(Default)]
pub(super) struct Postponed(BTreeMap<String, (Span, usize)>);

impl Postponed {
    pub(super) fn add(&mut self, sentence: String, span: Span) {
        let entry = self.0.entry(sentence).or_insert((span, 0));
        entry.0 = entry.0.min(span);
        entry.1 += 1;
    }

    /// Each sentence with its first place and the number of its places.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (String, Span, usize)> + use<> {
        std::mem::take(&mut self.0).into_iter().map(|(sentence, (span, count))| (sentence, span, count))
    }
}
