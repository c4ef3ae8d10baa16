//! What went wrong, for whom to read: a code, a safe sentence, a hint, and (for the log only) the cause.

use std::fmt;
use std::sync::Arc;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an error; decides the HTTP status and GraphQL's `extensions.code` family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself is wrong (400).
    BadRequest,
    /// Credentials are needed (401).
    Unauthenticated,
    /// The caller may not (403).
    Forbidden,
    /// There is nothing here, or nothing the caller may see (404).
    NotFound,
    /// The path exists, the method does not (405).
    MethodNotAllowed,
    /// None of the offered media types is wanted (406).
    NotAcceptable,
    /// The state of the data forbids it (409).
    Conflict,
    /// A precondition (`If-Match`, `ifVersion`) failed (412).
    PreconditionFailed,
    /// The request is larger than allowed (413).
    TooLarge,
    /// The media type of the body is not understood (415).
    UnsupportedMediaType,
    /// Well formed, but the values break a rule of the model (422).
    Invalid,
    /// More work than one request may cause (422).
    TooCostly,
    /// Too many requests (429).
    RateLimited,
    /// Our fault (500).
    Internal,
    /// Not now; try again (503).
    Unavailable,
    /// The deadline passed (504).
    Timeout,
}

macro_rules! codes {
    ($( $(#[$group:meta])* $variant:ident = $text:literal => $kind:ident, $meaning:literal; )*) => {
        /// The registry of error codes: words that say what is wrong, the same in both facades, never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $( $(#[$group])* #[doc = $meaning] $variant, )* }

        impl Code {
            /// Every code, in the order of the stages that say them.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The word a client sees.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text),* }
            }

            /// What a caller can do about it.
            #[must_use]
            pub fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind),* }
            }

            /// One sentence of documentation.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $meaning),* }
            }
        }
    };
}

codes! {
    // Request: said while reading what was sent.
    BadRequest = "BAD_REQUEST" => BadRequest, "The request is malformed.";
    ParseFailed = "GRAPHQL_PARSE_FAILED" => BadRequest, "The GraphQL document has a syntax error.";
    ValidationFailed = "GRAPHQL_VALIDATION_FAILED" => BadRequest, "The GraphQL document does not fit the schema.";
    BadVariable = "BAD_VARIABLE" => BadRequest, "A GraphQL variable is missing or has the wrong type.";
    UnknownParameter = "UNKNOWN_PARAMETER" => BadRequest, "A query parameter or header value is not understood.";
    NoSuchRoute = "NO_SUCH_ROUTE" => NotFound, "There is nothing at this path.";
    MethodNotAllowed = "METHOD_NOT_ALLOWED" => MethodNotAllowed, "The path does not take this method.";
    NotAcceptable = "NOT_ACCEPTABLE" => NotAcceptable, "No representation fits the Accept header.";
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE" => UnsupportedMediaType, "The body's media type is not understood.";
    BodyTooLarge = "BODY_TOO_LARGE" => TooLarge, "The body is larger than allowed.";
    QueryTooLong = "QUERY_TOO_LONG" => TooLarge, "The query string is longer than allowed.";
    BodyTimeout = "BODY_TIMEOUT" => BadRequest, "The body did not arrive in time.";
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND" => BadRequest, "The document of this hash is not known here yet; send it once with the hash.";
    IdempotencyMismatch = "IDEMPOTENCY_KEY_REUSED" => Invalid, "The idempotency key was used before with another request.";
    IdempotencyInFlight = "IDEMPOTENCY_IN_FLIGHT" => Conflict, "A request with this idempotency key is still being answered.";

    // Plan: said while resolving what was meant.
    UnknownType = "UNKNOWN_TYPE" => NotFound, "There is no such type.";
    UnknownField = "UNKNOWN_FIELD" => BadRequest, "There is no such field.";
    UnknownOperator = "UNKNOWN_OPERATOR" => BadRequest, "The field does not take this operator.";
    BadValue = "BAD_VALUE" => Invalid, "A value does not fit its field's type.";
    Required = "REQUIRED" => Invalid, "A required field is missing.";
    ReadOnly = "READ_ONLY" => Invalid, "The field can't be written.";
    CheckFailed = "CHECK_FAILED" => Invalid, "A value breaks a check of the model.";
    CursorInvalid = "CURSOR_INVALID" => BadRequest, "The cursor is not one of ours.";
    CursorMismatch = "CURSOR_MISMATCH" => BadRequest, "The cursor was made for another list or order.";
    PageInvalid = "PAGE_INVALID" => BadRequest, "The page arguments contradict each other.";
    PageTooLarge = "PAGE_TOO_LARGE" => BadRequest, "More rows were asked for than the type's maximum.";
    WhereRequired = "WHERE_REQUIRED" => BadRequest, "Changing many rows needs a condition.";
    LimitExceeded = "LIMIT_EXCEEDED" => TooCostly, "The request asks for more work than allowed.";
    NotSupported = "NOT_SUPPORTED" => BadRequest, "This combination is not possible.";

    // Access: said by the rules of the model.
    Unauthenticated = "UNAUTHENTICATED" => Unauthenticated, "Credentials are needed.";
    BadCredentials = "BAD_CREDENTIALS" => Unauthenticated, "The credentials are not valid.";
    ProviderFailed = "PROVIDER_FAILED" => Unauthenticated, "The identity provider said no or gave something wrong.";
    Forbidden = "FORBIDDEN" => Forbidden, "The caller may not do this.";
    InsufficientScope = "INSUFFICIENT_SCOPE" => Forbidden, "The key has no scope for this.";
    CrossSite = "CROSS_SITE" => Forbidden, "A page of another site asked for a change in the name of whoever is signed in here.";
    SecondFactorRequired = "SECOND_FACTOR_REQUIRED" => Unauthenticated, "The password is right, and a second factor is needed.";
    WrongPassword = "WRONG_PASSWORD" => Forbidden, "The password is not the caller's.";
    WrongCode = "WRONG_CODE" => Forbidden, "The code of the second factor is wrong, or was used.";
    WeakPassword = "WEAK_PASSWORD" => Invalid, "The password is too short, too long, or too easy to guess.";
    TokenInvalid = "TOKEN_INVALID" => Invalid, "The code of a mail is wrong, was used, or is too old.";
    SignUpClosed = "SIGN_UP_CLOSED" => Forbidden, "Accounts are not made by signing up here.";
    LastOwner = "LAST_OWNER" => Conflict, "An organization would be left without an owner.";
    InvalidClient = "INVALID_CLIENT" => Unauthenticated, "The client of the token endpoint or its secret is wrong.";
    InvalidScope = "INVALID_SCOPE" => BadRequest, "A scope was asked for that the key does not have.";
    OrganizationRequired = "ORGANIZATION_REQUIRED" => Forbidden, "The caller acts for no organization, and the type's rows belong to one.";
    NotFound = "NOT_FOUND" => NotFound, "There is no such row, or none the caller may see.";

    // Database: said by the data.
    UniqueViolation = "UNIQUE_VIOLATION" => Conflict, "Another row has this value already.";
    ForeignKeyViolation = "FOREIGN_KEY_VIOLATION" => Conflict, "The row is still referred to, or refers to a row that is not there.";
    VersionMismatch = "VERSION_MISMATCH" => PreconditionFailed, "The row has changed since it was read.";
    TooManyRows = "TOO_MANY_ROWS" => Conflict, "More rows match than the request allows to change.";
    OutOfRange = "OUT_OF_RANGE" => Invalid, "A number left the range of its type.";
    Conflict = "CONFLICT" => Conflict, "The change collided with another one; try again.";

    // Server: said about ourselves.
    RateLimited = "RATE_LIMITED" => RateLimited, "Too many requests.";
    Unavailable = "UNAVAILABLE" => Unavailable, "The service is not available at the moment; try again.";
    ProviderUnavailable = "PROVIDER_UNAVAILABLE" => Unavailable, "The identity provider can't be reached at the moment.";
    Timeout = "TIMEOUT" => Timeout, "The request took longer than allowed.";
    Internal = "INTERNAL" => Internal, "Something went wrong on our side.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a cause says for people to read: without the line of the database's own source that drivers add.
#[must_use]
pub fn told(cause: &(dyn std::error::Error + 'static)) -> String {
    let mut text = cause.to_string();
    let line =
        text.rsplit_once(" at line ").filter(|(_, line)| line.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(length) = line.map(|(before, _)| before.len()) {
        text.truncate(length);
    }
    text
}

/// One step of the way to the offending place: a response key, an input field, or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A name.
    Name(String),
    /// A position in a list, from 0.
    Index(usize),
    /// A query parameter, as it was written: what comes after it is inside its value.
    Parameter(String),
}

impl From<&str> for Segment {
    fn from(name: &str) -> Self {
        Segment::Name(name.to_owned())
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Segment::Index(index)
    }
}

/// An error that is safe to show: `message` and `hint` are written by us; `source` is only logged.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        (a.code, &a.message, &a.hint, &a.path, &a.input) == (b.code, &b.message, &b.hint, &b.path, &b.input)
    }
}

#[derive(Debug, Clone)]
struct Inner {
    code: Code,
    message: String,
    hint: Option<String>,
    /// Where in the *response* (GraphQL path): response keys from the root.
    path: Vec<Segment>,
    /// Where in the *input*: argument or body field names.
    input: Vec<Segment>,
    /// More of the same request that is wrong.
    others: Vec<Error>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    retry_after: Option<u64>,
}

/// Complaints about one request that are told; who makes more mistakes at once learns of the rest next time.
pub const TOLD: usize = 50;

impl Error {
    /// An error with a code and a sentence for the caller.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            hint: None,
            path: Vec::new(),
            input: Vec::new(),
            others: Vec::new(),
            source: None,
            retry_after: None,
        }))
    }

    /// Our own fault: the caller reads a fixed sentence, the log reads the cause.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut error = Self::new(Code::Internal, "Something went wrong on our side.");
        error.0.source = Some(Arc::from(source.into()));
        error
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Seconds after which a retry makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Prepends a step to the path in the response (called on the way out of a recursion).
    #[must_use]
    pub fn under(mut self, segment: impl Into<Segment>) -> Self {
        let segment = segment.into();
        self.0.others = std::mem::take(&mut self.0.others)
            .into_iter()
            .map(|other| other.under(segment.clone()))
            .collect();
        self.0.path.insert(0, segment);
        self
    }

    /// Adds more that is wrong with the same request, [`TOLD`] in all.
    #[must_use]
    pub fn with(mut self, others: impl IntoIterator<Item = Error>) -> Self {
        let room = TOLD.saturating_sub(1 + self.0.others.len());
        self.0.others.extend(others.into_iter().flat_map(Error::split).take(room));
        self
    }

    /// All complaints as one error: the first speaks, the others go with it.
    ///
    /// # Errors
    /// That error, where there is any complaint.
    pub fn together(errors: impl IntoIterator<Item = Error>) -> Result<()> {
        let mut errors = errors.into_iter();
        match errors.next() {
            None => Ok(()),
            Some(first) => Err(first.with(errors)),
        }
    }

    /// The error and the others that go with it, each for itself.
    #[must_use]
    pub fn split(mut self) -> Vec<Error> {
        let others = std::mem::take(&mut self.0.others);
        std::iter::once(self).chain(others).collect()
    }

    /// Prepends a step to the place in the input (called on the way out of a recursion).
    #[must_use]
    pub fn at(mut self, segment: impl Into<Segment>) -> Self {
        let segment = segment.into();
        self.0.others =
            std::mem::take(&mut self.0.others).into_iter().map(|other| other.at(segment.clone())).collect();
        self.0.input.insert(0, segment);
        self
    }

    /// Says the place in the input otherwise, of this error and of those that go with it; `place` is told the path in
    /// the response too.
    #[must_use]
    pub fn map_input(mut self, place: &impl Fn(&[Segment], Vec<Segment>) -> Vec<Segment>) -> Self {
        self.0.others =
            std::mem::take(&mut self.0.others).into_iter().map(|other| other.map_input(place)).collect();
        self.0.input = place(&self.0.path, std::mem::take(&mut self.0.input));
        self
    }

    /// The error without hints that tell names of the model, for those who are not to learn them.
    #[must_use]
    pub fn without_suggestions(mut self) -> Self {
        self.0.others =
            std::mem::take(&mut self.0.others).into_iter().map(Error::without_suggestions).collect();
        self.0.hint = self.0.hint.filter(|hint| !entity::suggest::is_hint(hint));
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The kind of its code.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.code.kind()
    }

    /// The sentence for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The way out, where there is one.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The place in the response.
    #[must_use]
    pub fn path(&self) -> &[Segment] {
        &self.0.path
    }

    /// The place in the input.
    #[must_use]
    pub fn input(&self) -> &[Segment] {
        &self.0.input
    }

    /// The place in the input as dotted text, such as `where.album.title`; empty when unknown.
    #[must_use]
    pub fn input_path(&self) -> String {
        let mut text = String::new();
        for segment in &self.0.input {
            match segment {
                Segment::Name(name) | Segment::Parameter(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(name);
                }
                Segment::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }

    /// Seconds after which a retry makes sense, where known.
    #[must_use]
    pub fn retry_seconds(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// What else is wrong with the same request.
    #[must_use]
    pub fn others(&self) -> &[Error] {
        &self.0.others
    }

    /// The cause, for the log only.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn causes_tell_no_lines_of_other_programs() {
        let told = |text: &str| told(&std::io::Error::other(text.to_owned()));
        assert_eq!(told("relation \"x\" does not exist at line 1392"), "relation \"x\" does not exist");
        assert_eq!(told("the third at line x"), "the third at line x");
    }
}
