//! A complaint about the model, with its place and a way out.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;

use serde::Serialize;

use super::postponed::Postponed;
use super::source::{Lines, Source, Span};
use crate::suggest;

/// Errors that are kept; a model with more has one cause.
const MOST: usize = 1_000;

/// Errors that get a did-you-mean: looking for near names is the slow part.
const MOST_HINTS: usize = 100;

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The model can't be used.
    Error,
    /// It can, but probably does not do what is wanted.
    Warning,
    /// Worth knowing.
    Notice,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "note",
        })
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What kind of complaint it is: stable, for tools.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// Its text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// The text is no SDL.
    Syntax = "syntax",
    /// SDL that a model has no use for: interfaces, unions, operations.
    Unsupported = "unsupported",
    /// Too long, too many, too deep.
    TooMuch = "too-much",
    /// A name is given twice.
    DuplicateName = "duplicate-name",
    /// A name that can't be used.
    BadName = "bad-name",
    /// A name that means something else already.
    ReservedName = "reserved-name",
    /// Two names that become one in an API or in the database.
    NameCollision = "name-collision",
    /// A plural can't be formed.
    PluralNeeded = "plural-needed",
    /// A type that is not declared.
    UnknownType = "unknown-type",
    /// A field or relation that is not declared.
    UnknownField = "unknown-field",
    /// A directive that does not exist.
    UnknownDirective = "unknown-directive",
    /// A directive where it has no meaning.
    MisplacedDirective = "misplaced-directive",
    /// A directive given twice.
    RepeatedDirective = "repeated-directive",
    /// An argument that does not exist.
    UnknownArgument = "unknown-argument",
    /// An argument that is required.
    MissingArgument = "missing-argument",
    /// An argument or key given twice.
    DuplicateArgument = "duplicate-argument",
    /// An argument's value does not fit.
    BadArgument = "bad-argument",
    /// A field's type can't be stored.
    BadType = "bad-type",
    /// A relation that can't be.
    BadRelation = "bad-relation",
    /// A relation whose other side could be more than one field.
    AmbiguousRelation = "ambiguous-relation",
    /// A list of related rows without another side.
    MissingInverse = "missing-inverse",
    /// `@default` does not fit its field.
    BadDefault = "bad-default",
    /// `@check` does not fit its field.
    BadCheck = "bad-check",
    /// `@index` or `@unique` that can't be.
    BadIndex = "bad-index",
    /// `@allow` that can't be.
    BadRule = "bad-rule",
    /// A condition that does not resolve.
    BadCondition = "bad-condition",
    /// `@was` that can't be.
    BadRename = "bad-rename",
    /// `@computed` that can't be.
    BadComputed = "bad-computed",
    /// Directives that exclude each other.
    Conflict = "conflict",
    /// No type is a table.
    EmptyModel = "empty-model",
    /// A type that nobody but admin can use.
    Closed = "closed",
    /// A rule that reads the whole table.
    UnindexedRule = "unindexed-rule",
    /// A rule that never holds, or a role that looks like a built-in one.
    DeadRule = "dead-rule",
    /// A declaration that nothing uses.
    Unused = "unused",
    /// Rows that need each other to exist.
    RequiredCycle = "required-cycle",
    /// A required field that nobody can set.
    UnsettableField = "unsettable-field",
    /// Checked and accepted, without effect in this version.
    NotInForce = "not-in-force",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where in the sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The name of the source.
    pub file: String,
    /// Its position in the list of sources.
    pub source: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A complaint about the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// What kind it is.
    pub code: Code,
    /// The sentence.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// Where, unless it concerns the model as a whole.
    pub place: Option<Place>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}: {}", self.severity, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// At least one complaint, in the order of the sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Deref for Diagnostics {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Collects complaints while the model is compiled.
#[derive(Default)]
pub(crate) struct Report {
    /// What is accepted but not in force yet.
    pub(super) postponed: Postponed,
    found: Vec<(Option<Span>, Diagnostic)>,
    errors: usize,
}

impl Report {
    /// A mistake.
    pub(crate) fn error(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.errors += 1;
        if self.errors <= MOST {
            let (message, hint) = (message.into(), hint.into());
            self.push(Some(span), Diagnostic { severity: Severity::Error, code, message, hint, place: None });
        }
    }

    /// A mistake of the model as a whole.
    pub(crate) fn error_overall(
        &mut self,
        code: Code,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.errors += 1;
        let (message, hint) = (message.into(), hint.into());
        self.push(None, Diagnostic { severity: Severity::Error, code, message, hint, place: None });
    }

    /// Something that is probably not meant.
    pub(crate) fn warn(
        &mut self,
        code: Code,
        span: Option<Span>,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        let (message, hint) = (message.into(), hint.into());
        self.push(span, Diagnostic { severity: Severity::Warning, code, message, hint, place: None });
    }

    /// What is not in force becomes a notice each.
    pub(crate) fn notices(&mut self) {
        for (message, span, count) in self.postponed.take() {
            let hint = (count > 1).then(|| format!("in {count} places; this is the first"));
            let (severity, code) = (Severity::Notice, Code::NotInForce);
            self.push(Some(span), Diagnostic { severity, code, message, hint, place: None });
        }
    }

    fn push(&mut self, span: Option<Span>, diagnostic: Diagnostic) {
        self.found.push((span, diagnostic));
    }

    /// How many mistakes there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// The lines that have a complaint.
    pub(crate) fn lines(&self, map: &super::literal::Map<'_>) -> HashSet<(usize, usize)> {
        let line = |span: &Span| (span.source, map.lines.line(span.source, span.start));
        self.found.iter().filter_map(|(span, _)| span.as_ref().map(line)).collect()
    }

    /// Of what was added after so many mistakes, keeps types that are not there, unless a line that is no SDL names them.
    pub(crate) fn keep_unknown_types(
        &mut self,
        before: usize,
        map: &super::literal::Map<'_>,
        lines: &HashSet<(usize, usize)>,
    ) {
        let text = |span: &Span| {
            map.sources
                .get(span.source)
                .and_then(|source| source.text.get(span.start..span.end))
                .unwrap_or_default()
        };
        let named = |word: &str| {
            map.sources.iter().enumerate().any(|(index, source)| {
                let broken =
                    source.text.lines().enumerate().filter(|(at, _)| lines.contains(&(index, at + 1)));
                broken.map(|(_, line)| line).any(|line| line.contains(word))
            })
        };
        let mut seen = 0;
        // A name that can't be one was read as another one of its length, which nobody is to be advised of.
        let placeholder = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte == b'x');
        self.found.retain_mut(|(span, diagnostic)| {
            let hint = diagnostic.hint.take();
            diagnostic.hint = hint.filter(|hint| !hint.split([' ', ',', '`']).any(placeholder));
            seen += usize::from(diagnostic.severity == Severity::Error);
            let unknown = diagnostic.code == Code::UnknownType;
            seen <= before || (unknown && span.as_ref().is_some_and(|span| !named(text(span))))
        });
        self.errors = self.found.iter().filter(|(_, found)| found.severity == Severity::Error).count();
    }

    /// Drops what was added about lines that are no SDL: it would be an echo.
    pub(crate) fn forget_lines(&mut self, map: &super::literal::Map<'_>, lines: &HashSet<(usize, usize)>) {
        let broken = |span: &Span| lines.contains(&(span.source, map.lines.line(span.source, span.start)));
        self.found.retain(|(span, diagnostic)| {
            matches!(diagnostic.code, Code::Syntax | Code::TooMuch) || !span.as_ref().is_some_and(broken)
        });
    }

    /// The nearest of the candidates, or all of them when they are few.
    pub(crate) fn suggest<'a>(
        &self,
        wrong: &str,
        candidates: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Option<String> {
        (self.errors < MOST_HINTS).then(|| suggest::hint(wrong, candidates)).flatten()
    }

    /// The errors where there are any, else the rest; each in the order of the sources.
    pub(crate) fn finish(mut self, sources: &[Source]) -> Result<Vec<Diagnostic>, Diagnostics> {
        let failed = self.errors > 0;
        // Whoever wrote the model has not written the server's own types: nothing of theirs is a warning to them.
        let own = sources.len().saturating_sub(1);
        self.found.retain_mut(|(span, diagnostic)| {
            let inside = span.is_some_and(|span| span.source >= own);
            *span = span.filter(|_| !inside);
            !inside || diagnostic.severity == Severity::Error
        });
        self.found.retain(|(_, diagnostic)| !failed || diagnostic.severity == Severity::Error);
        self.found.sort_by(|(a, first), (b, second)| {
            (a.is_none(), a, first.code, &first.message).cmp(&(b.is_none(), b, second.code, &second.message))
        });
        self.found.dedup();
        let lines = Lines::new(sources);
        let place = |span: Span| {
            let (line, column) = lines.position(sources, span);
            let file = sources.get(span.source).map_or_else(String::new, |source| source.name.clone());
            Place { file, source: span.source, line, column, start: span.start, end: span.end }
        };
        let mut list: Vec<Diagnostic> = self
            .found
            .into_iter()
            .map(|(span, diagnostic)| Diagnostic { place: span.map(place), ..diagnostic })
            .collect();
        if !failed {
            return Ok(list);
        }
        if self.errors > MOST {
            list.push(Diagnostic {
                severity: Severity::Error,
                code: Code::TooMuch,
                message: format!("and {} more errors", self.errors - MOST),
                hint: Some("mend those above first".to_owned()),
                place: None,
            });
        }
        Err(Diagnostics(list))
    }
}
