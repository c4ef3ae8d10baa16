//! Named texts, and places in them.

/// A text of the model; nothing is read here, the caller gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What messages call it: the path as the founder would write it.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Source {
    /// A named text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// Bytes of one of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Span {
    /// Which source.
    pub(crate) source: usize,
    /// The first byte.
    pub(crate) start: usize,
    /// The byte after the last.
    pub(crate) end: usize,
}

/// A text with its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Word {
    /// The text.
    pub(crate) text: String,
    /// Where it is written.
    pub(crate) span: Span,
}

/// Where the lines of the sources begin.
pub(crate) struct Lines(Vec<Vec<usize>>);

impl Lines {
    pub(crate) fn new(sources: &[Source]) -> Self {
        let starts = |source: &Source| {
            let breaks = source
                .text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(index, _)| index + 1);
            std::iter::once(0).chain(breaks).collect()
        };
        Self(sources.iter().map(starts).collect())
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, source: usize, byte: usize) -> usize {
        self.0.get(source).map_or(1, |starts| starts.partition_point(|start| *start <= byte).max(1))
    }

    /// Line and column (in characters), both from 1.
    pub(crate) fn position(&self, sources: &[Source], span: Span) -> (usize, usize) {
        let Some(starts) = self.0.get(span.source) else { return (1, 1) };
        let line = starts.partition_point(|start| *start <= span.start);
        let begin = line.checked_sub(1).and_then(|index| starts.get(index)).copied().unwrap_or(0);
        let column = sources
            .get(span.source)
            .and_then(|source| source.text.get(begin..span.start))
            .map_or(0, |before| before.chars().filter(|c| *c != '\u{feff}').count());
        (line.max(1), column + 1)
    }
}
