//! A document becomes a known operation: parsed, bounded, validated against one schema.

use std::collections::HashMap;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::parser::{self, Pos, Positioned};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Name, Request, ServerError};
use entity::suggest;
use service::{Code, Error, access};

use super::execute::Call;
use super::lower::Definitions;
use super::render::Fault;
use super::resolve;
use super::scan;
use super::schema::Bundle;
use super::settings::{Bounds, Settings};
use super::usage;

/// Levels of the introspection schema's own lists that may be nested.
const INTROSPECTION_DEPTH: usize = 3;
/// Validation errors worth reading.
const ERRORS: usize = 20;

/// An operation of a document that fits a schema.
pub(crate) struct Known {
    /// Different for each operation ever known: a part of cache keys.
    pub(crate) id: u64,
    /// The schema it fits.
    pub(crate) schema: u64,
    /// The text it came from.
    pub(crate) text: Box<str>,
    /// The name that chose it.
    pub(crate) name: Option<Box<str>>,
    /// The document.
    pub(crate) document: ExecutableDocument,
    /// Query or mutation.
    pub(crate) kind: OperationType,
    /// Whether it asks for the schema itself.
    pub(crate) introspects: bool,
    /// Its variables.
    pub(crate) definitions: Definitions,
}

impl Known {
    /// The operation.
    pub(crate) fn operation(&self) -> Option<&Positioned<OperationDefinition>> {
        choose(&self.document, self.name.as_deref()).ok()
    }

    /// The name that traces show.
    pub(crate) fn label(&self) -> Option<&str> {
        match &self.document.operations {
            DocumentOperations::Single(_) => None,
            DocumentOperations::Multiple(named) => {
                self.name.as_deref().or_else(|| named.keys().next().map(Name::as_str))
            }
        }
    }
}

/// Reads a document.
///
/// # Errors
/// Everything that is wrong with it, with places.
pub(crate) async fn read(
    id: u64,
    call: &Call<'_>,
    bundle: &Bundle,
    settings: &Settings,
) -> Result<Known, Vec<Fault>> {
    let (text, name) = (call.text, call.name);
    let document = parse(text, &settings.bounds).map_err(|fault| vec![fault])?;
    let (kind, introspects, definitions) = {
        let operation = choose(&document, name).map_err(|error| vec![error.into()])?;
        let kind = operation.node.ty;
        if kind == OperationType::Subscription {
            let error = Error::new(Code::NotSupported, "Subscriptions are not served here.");
            return Err(vec![Fault::at(error, operation.pos)]);
        }
        if kind == OperationType::Mutation {
            changes(call, bundle).map_err(|error| vec![Fault::at(error, operation.pos)])?;
        }
        (
            kind,
            introspects(&document, &operation.node.selection_set.node),
            Definitions::of(&document, operation, bundle),
        )
    };
    validate(&document, name, bundle, settings).await?;
    usage::check(&document, bundle.registry())?;
    let (text, name) = (text.into(), name.map(Into::into));
    Ok(Known { id, schema: bundle.id, text, name, document, kind, introspects, definitions })
}

/// Says no to a mutation where none can be: over GET, and of a caller whom no rule opens any.
///
/// # Errors
/// `METHOD_NOT_ALLOWED`, `UNAUTHENTICATED`, `FORBIDDEN`.
pub(crate) fn changes(call: &Call<'_>, bundle: &Bundle) -> Result<(), Error> {
    if call.safe {
        let message = "A GET request can run queries only.";
        return Err(Error::new(Code::MethodNotAllowed, message).hint("send mutations by POST"));
    }
    if bundle.registry().mutation_type.is_some() {
        return Ok(());
    }
    Err(access::closed(bundle.principal(), "change anything"))
}

fn parse(text: &str, bounds: &Bounds) -> Result<ExecutableDocument, Fault> {
    let _span = tracing::debug_span!("graphql.parse").entered();
    scan::document(text, bounds)?;
    let document = parser::parse_query(text).map_err(syntax)?;
    spread(&document, bounds)?;
    Ok(document)
}

/// The parser's complaint without the drawing around it.
fn syntax(error: parser::Error) -> Fault {
    let positions = error.positions().next();
    let text = error.to_string();
    let reason = text.rsplit(" = ").next().unwrap_or_default().trim();
    let message = match error {
        parser::Error::Syntax { .. } => format!("Syntax error: {reason}."),
        parser::Error::RecursionLimitExceeded => "The document nests too deep.".to_owned(),
        other => format!("{other}."),
    };
    let error = Error::new(Code::ParseFailed, message);
    match positions {
        Some(position) => Fault::at(error, position),
        None => error.into(),
    }
}

/// The operation that is to be run.
fn choose<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, Error> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Multiple(named), Some(name)) => {
            named.get(name).ok_or_else(|| unknown_operation(name))
        }
        (DocumentOperations::Single(_), Some(name)) => Err(unknown_operation(name)),
        (DocumentOperations::Multiple(named), None) => {
            let mut all = named.values();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(Error::new(
                    Code::ValidationFailed,
                    "The document has several operations; `operationName` says which one is meant.",
                )),
            }
        }
    }
}

fn unknown_operation(name: &str) -> Error {
    let name = entity::value::excerpt(name);
    Error::new(Code::ValidationFailed, format!("The document has no operation named \"{name}\"."))
}

/// How much a fragment comes to when it is spread everywhere.
#[derive(Clone, Copy, Default)]
struct Size {
    fields: usize,
    depth: usize,
    introspection: usize,
}

/// Refuses fragments that spread themselves, and documents that are too much once fragments are spread: the
/// validator follows each spread.
fn spread(document: &ExecutableDocument, bounds: &Bounds) -> Result<(), Fault> {
    let mut spreader = Spreader { document, bounds, done: HashMap::new() };
    let mut fields = 0_usize;
    for (_, operation) in document.operations.iter() {
        let size = spreader.set(&operation.node.selection_set.node, 1)?;
        fields = fields.saturating_add(size.fields);
        if fields > bounds.fields {
            return Err(too_many_fields(operation.pos, bounds.fields));
        }
        if size.introspection > INTROSPECTION_DEPTH {
            let message =
                format!("Introspection follows types through more than {INTROSPECTION_DEPTH} nested lists.");
            return Err(Fault::at(Error::new(Code::LimitExceeded, message), operation.pos));
        }
    }
    for name in document.fragments.keys() {
        spreader.fragment(name, 1)?;
    }
    Ok(())
}

fn too_many_fields(position: Pos, limit: usize) -> Fault {
    let message =
        format!("The document has more than the allowed {limit} fields once its fragments are spread.");
    Fault::at(Error::new(Code::LimitExceeded, message), position)
}

struct Spreader<'a> {
    document: &'a ExecutableDocument,
    bounds: &'a Bounds,
    /// Fragments seen; those without a size are being measured.
    done: HashMap<&'a Name, Option<Size>>,
}

impl<'a> Spreader<'a> {
    fn set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Size, Fault> {
        let mut total = Size { fields: 0, depth: 1, introspection: 0 };
        for selection in &set.items {
            let (size, own, position) = match &selection.node {
                Selection::Field(field) => {
                    self.deep(level, field.pos)?;
                    let mut inner = self.set(&field.node.selection_set.node, level + 1)?;
                    let lists = ["fields", "interfaces", "possibleTypes", "inputFields"];
                    inner.introspection += usize::from(lists.contains(&field.node.name.node.as_str()));
                    (inner, 1, field.pos)
                }
                Selection::InlineFragment(fragment) => {
                    self.deep(level, fragment.pos)?;
                    (self.set(&fragment.node.selection_set.node, level + 1)?, 0, fragment.pos)
                }
                Selection::FragmentSpread(spread) => {
                    (self.fragment(&spread.node.fragment_name.node, level + 1)?, 0, spread.pos)
                }
            };
            total.fields = total.fields.saturating_add(size.fields).saturating_add(own);
            total.depth = total.depth.max(size.depth + 1);
            total.introspection = total.introspection.max(size.introspection);
            if total.fields > self.bounds.fields {
                return Err(too_many_fields(position, self.bounds.fields));
            }
        }
        self.deep(level + total.depth - 1, Pos::default())?;
        Ok(total)
    }

    fn fragment(&mut self, name: &Name, level: usize) -> Result<Size, Fault> {
        // An unknown fragment is the validator's to complain about.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Size::default());
        };
        match self.done.get(name) {
            Some(Some(size)) => {
                let size = *size;
                self.deep(level + size.depth - 1, fragment.pos)?;
                return Ok(size);
            }
            Some(None) => {
                let message = format!("Fragment \"{name}\" spreads itself.");
                return Err(Fault::at(Error::new(Code::ValidationFailed, message), fragment.pos));
            }
            None => {}
        }
        self.deep(level, fragment.pos)?;
        self.done.insert(name, None);
        let size = self.set(&fragment.node.selection_set.node, level)?;
        self.done.insert(name, Some(size));
        Ok(size)
    }

    fn deep(&self, level: usize, position: Pos) -> Result<(), Fault> {
        if level > self.bounds.depth {
            let message = format!("Selections nest deeper than the allowed {} levels.", self.bounds.depth);
            return Err(Fault::at(Error::new(Code::LimitExceeded, message), position));
        }
        Ok(())
    }
}

/// Whether the root asks for the schema; fragments on the root included.
fn introspects(document: &ExecutableDocument, set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => matches!(field.node.name.node.as_str(), "__schema" | "__type"),
        Selection::InlineFragment(fragment) => introspects(document, &fragment.node.selection_set.node),
        Selection::FragmentSpread(spread) => document
            .fragments
            .get(&spread.node.fragment_name.node)
            .is_some_and(|fragment| introspects(document, &fragment.node.selection_set.node)),
    })
}

/// The specification's rules, by async-graphql's validator; nothing is executed.
async fn validate(
    document: &ExecutableDocument,
    name: Option<&str>,
    bundle: &Bundle,
    settings: &Settings,
) -> Result<(), Vec<Fault>> {
    let mut request = Request::new("").data(resolve::OnlyValidate);
    if let Some(name) = name {
        request = request.operation_name(name);
    }
    request.set_parsed_query(document.clone());
    let response = bundle.schema.execute(request).await;
    if response.errors.is_empty() {
        return Ok(());
    }
    let mut errors = response.errors;
    errors.dedup_by(|a, b| a.message == b.message && a.locations == b.locations);
    errors.truncate(ERRORS);
    Err(errors.into_iter().map(|error| fault(error, bundle.registry(), settings.suggestions)).collect())
}

fn fault(error: ServerError, registry: &Registry, suggestions: bool) -> Fault {
    let message = match error.message.split_once(" Did you mean") {
        Some((plain, _)) => plain.to_owned(),
        None => error.message,
    };
    let mut converted = Error::new(Code::ValidationFailed, message.clone());
    if suggestions && let Some(near) = suggest(&message, registry) {
        let stop = if message.ends_with('.') { "" } else { "." };
        converted = Error::new(Code::ValidationFailed, format!("{message}{stop} Did you mean \"{near}\"?"))
            .hint(format!("did you mean `{near}`?"));
    }
    Fault { error: converted, locations: error.locations }
}

/// What an unknown name was meant to be: bounded, unlike the validator's own guesses.
fn suggest(message: &str, registry: &Registry) -> Option<String> {
    let quoted: Vec<&str> = message.split('"').skip(1).step_by(2).collect();
    let ty = |name: &str| registry.types.get(name);
    let near = |wrong: &str, names: Vec<&str>| suggest::nearest(wrong, names).map(str::to_owned);
    match quoted.as_slice() {
        [wrong, name, ..] if message.starts_with("Unknown field") => {
            near(wrong, ty(name)?.fields()?.keys().map(String::as_str).collect())
        }
        [wrong, field, name, ..] if message.starts_with("Unknown argument") => {
            near(wrong, ty(name)?.field_by_name(field)?.args.keys().map(String::as_str).collect())
        }
        [wrong, ..] if message.starts_with("Unknown type") => {
            near(wrong, registry.types.keys().map(String::as_str).collect())
        }
        [_, wrong, name] if message.contains("unknown field") => match ty(name)? {
            MetaType::InputObject { input_fields, .. } => {
                near(wrong, input_fields.keys().map(String::as_str).collect())
            }
            _ => None,
        },
        [_, name, wrong] if message.contains("does not contain the value") => match ty(name)? {
            MetaType::Enum { enum_values, .. } => {
                near(wrong, enum_values.keys().map(String::as_str).collect())
            }
            _ => None,
        },
        _ => None,
    }
}
