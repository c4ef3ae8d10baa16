//! The declarations of all sources, merged: what the model says, before anything refers to anything.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{self, Definition, Document, Type};
use apollo_compiler::{Name, Node};

use super::account;
use super::diagnostic::{Code, Report};
use super::directive::{self, FieldDirectives, ObjectDirectives};
use super::literal::Map;
use super::source::{Span, Word};
use super::vocabulary::{self, Location};
use crate::catalog::{EnumValue, Exposure};
use crate::name;
use crate::scalar::Scalar;

/// Types and enums of a model.
const MOST_TYPES: usize = 2_000;

/// Fields of a type.
const MOST_FIELDS: usize = 500;

/// The relation of a `@tenant` type to the organization its rows belong to.
pub(super) const TENANT: &str = "organization";

/// Values of an enum.
const MOST_VALUES: usize = 1_000;

/// Everything the sources declare.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) types: Vec<TypeDraft>,
    pub(super) enums: Vec<EnumDraft>,
}

/// A `type`.
pub(super) struct TypeDraft {
    pub(super) name: Word,
    pub(super) description: Option<String>,
    pub(super) directives: ObjectDirectives,
    pub(super) fields: Vec<FieldDraft>,
    /// Whether it is one of the server's own types.
    pub(super) own: bool,
    raw: Vec<Node<ast::Directive>>,
    seen: HashSet<String>,
}

/// A field of a type.
pub(super) struct FieldDraft {
    pub(super) name: Word,
    pub(super) description: Option<String>,
    /// The name of the type, or of the type of an item.
    pub(super) ty: Word,
    pub(super) list: bool,
    pub(super) required: bool,
    pub(super) directives: FieldDirectives,
}

/// An `enum`.
pub(super) struct EnumDraft {
    pub(super) name: Word,
    pub(super) description: Option<String>,
    pub(super) values: Vec<EnumValue>,
}

enum Kind {
    Type(usize),
    Enum(usize),
}

struct Collector<'a> {
    map: &'a Map<'a>,
    draft: Draft,
    names: HashMap<String, (Kind, Span)>,
}

/// Merges the documents. None where a limit forbids to go on.
pub(super) fn collect(documents: &[Document], map: &Map<'_>, report: &mut Report) -> Option<Draft> {
    let declared = documents.iter().flat_map(|document| &document.definitions).filter(|definition| {
        matches!(definition, Definition::ObjectTypeDefinition(_) | Definition::EnumTypeDefinition(_))
    });
    let count = declared.count();
    if count > MOST_TYPES + vocabulary::ENUMS.len() + 1 {
        let message =
            format!("the model declares {count} types, more than the {MOST_TYPES} a model may have");
        report.error_overall(Code::TooMuch, message, None);
        return None;
    }
    let mut collector = Collector { map, draft: Draft::default(), names: HashMap::new() };
    let definitions = || documents.iter().flat_map(|document| &document.definitions);
    for definition in definitions() {
        collector.definition(definition, report);
    }
    for definition in definitions() {
        collector.extension(definition, report);
    }
    for ty in &mut collector.draft.types {
        ty.directives = directive::on_object(&ty.raw, map, report);
        tenant(ty, report);
    }
    Some(collector.draft)
}

/// The relation that says whose the rows of a `@tenant` type are, where the model does not declare it itself.
fn tenant(ty: &mut TypeDraft, report: &mut Report) {
    let Some(span) = ty.directives.tenant else { return };
    let default = directive::Default { value: Node::new(ast::Value::String("$org.id".to_owned())), at: span };
    let word = |text: &str| Word { text: text.to_owned(), span };
    if let Some(field) = ty.fields.iter_mut().find(|field| field.name.text == TENANT) {
        if field.ty.text != "Organization" || field.list || !field.required {
            let message = format!("`{}.{TENANT}` must say whose the row is", ty.name.text);
            let hint = "write `organization: Organization!`, or leave it out: @tenant adds it".to_owned();
            report.error(Code::Conflict, field.name.span, message, hint);
        }
        field.directives.default.get_or_insert(default);
        return;
    }
    let exposure = Exposure { create: false, update: false, ..Exposure::default() };
    ty.fields.push(FieldDraft {
        name: word(TENANT),
        description: Some("The organization the row belongs to.".to_owned()),
        ty: word("Organization"),
        list: false,
        required: true,
        directives: FieldDirectives {
            default: Some(default),
            api: Some((exposure, span)),
            ..FieldDirectives::default()
        },
    });
}

impl Collector<'_> {
    fn definition(&mut self, definition: &Definition, report: &mut Report) {
        match definition {
            Definition::ObjectTypeDefinition(ty) => self.object(ty, report),
            Definition::EnumTypeDefinition(ty) => self.enumeration(ty, report),
            Definition::ScalarTypeDefinition(scalar) => self.scalar(&scalar.name, report),
            Definition::DirectiveDefinition(directive) => {
                if vocabulary::directive_named(&directive.name).is_none() {
                    let message = format!("a model can't define the directive `@{}`", directive.name);
                    let hint =
                        "the directives of the model language are known without defining them".to_owned();
                    report.error(Code::Unsupported, self.map.span(directive.name.location()), message, hint);
                }
            }
            Definition::InterfaceTypeDefinition(it) => self.refuse(&it.name, "interfaces", INTERFACE, report),
            Definition::UnionTypeDefinition(it) => self.refuse(&it.name, "unions", UNION, report),
            Definition::InputObjectTypeDefinition(it) => self.refuse(&it.name, "input types", INPUT, report),
            Definition::SchemaDefinition(it) => self.refuse_whole(self.map.of(it), "schema", report),
            Definition::OperationDefinition(it) => self.refuse_whole(self.map.of(it), "operation", report),
            Definition::FragmentDefinition(it) => self.refuse_whole(self.map.of(it), "fragment", report),
            Definition::SchemaExtension(_)
            | Definition::ScalarTypeExtension(_)
            | Definition::ObjectTypeExtension(_)
            | Definition::InterfaceTypeExtension(_)
            | Definition::UnionTypeExtension(_)
            | Definition::EnumTypeExtension(_)
            | Definition::InputObjectTypeExtension(_) => {}
        }
    }

    fn extension(&mut self, definition: &Definition, report: &mut Report) {
        match definition {
            Definition::ObjectTypeExtension(it) => self.extend_object(it, report),
            Definition::EnumTypeExtension(it) => self.extend_enum(it, report),
            Definition::ScalarTypeExtension(it) => {
                self.refuse(&it.name, "extensions of scalars", SCALAR, report)
            }
            Definition::InterfaceTypeExtension(it) => self.refuse(&it.name, "interfaces", INTERFACE, report),
            Definition::UnionTypeExtension(it) => self.refuse(&it.name, "unions", UNION, report),
            Definition::InputObjectTypeExtension(it) => self.refuse(&it.name, "input types", INPUT, report),
            Definition::SchemaExtension(it) => self.refuse_whole(self.map.of(it), "schema", report),
            Definition::ObjectTypeDefinition(_)
            | Definition::EnumTypeDefinition(_)
            | Definition::ScalarTypeDefinition(_)
            | Definition::DirectiveDefinition(_)
            | Definition::InterfaceTypeDefinition(_)
            | Definition::UnionTypeDefinition(_)
            | Definition::InputObjectTypeDefinition(_)
            | Definition::SchemaDefinition(_)
            | Definition::OperationDefinition(_)
            | Definition::FragmentDefinition(_) => {}
        }
    }

    fn refuse(&self, name: &Name, what: &str, hint: &str, report: &mut Report) {
        let message = format!("a model has no {what}");
        report.error(Code::Unsupported, self.map.span(name.location()), message, hint.to_owned());
    }

    fn refuse_whole(&self, span: Span, what: &str, report: &mut Report) {
        let message = format!("a model has no {what}: Launchway makes the GraphQL schema from its types");
        report.error(Code::Unsupported, span, message, "remove it".to_owned());
    }

    fn scalar(&self, name: &Name, report: &mut Report) {
        let known = Scalar::named(name).is_some() || vocabulary::LITERALS.contains(&name.as_str());
        if !known {
            let names: Vec<_> = Scalar::NAMED.into_iter().map(Scalar::name).collect();
            let message = format!("a model can't define the scalar `{name}`");
            let hint = format!("use one of {}, with a @check where it is narrower", names.join(", "));
            report.error(Code::Unsupported, self.map.span(name.location()), message, hint);
        }
    }

    /// Takes a name for a declaration; false where it is taken or can't be used.
    fn take(&mut self, name: &Word, kind: Kind, report: &mut Report) -> bool {
        if let Some((_, first)) = self.names.get(&name.text) {
            let sources = self.map.sources;
            if self.map.is_own(name.span) {
                let message = format!("`{}` comes with the server", name.text);
                let hint =
                    format!("write `extend type {0} {{ … }}` to add fields and rules to it", name.text);
                report.error(Code::ReservedName, *first, message, hint);
                return false;
            }
            let line = self.map.lines.line(first.source, first.start);
            let file = sources.get(first.source).map_or("", |source| source.name.as_str());
            let message = format!("`{}` is declared twice", name.text);
            let hint = format!("the first is at {file}:{line}; `extend type` adds fields to a type");
            report.error(Code::DuplicateName, name.span, message, hint);
            return false;
        }
        check_name(name, "type", report);
        self.names.insert(name.text.clone(), (kind, name.span));
        true
    }

    fn object(&mut self, ty: &ast::ObjectTypeDefinition, report: &mut Report) {
        if ty.name == "Query"
            && ty.directives.is_empty()
            && ty.fields.iter().all(|field| field.name == "model")
        {
            return;
        }
        let name = self.map.word(&ty.name);
        let own = self.map.is_own(name.span);
        if (!own && account::is_pasted(ty)) || !self.take(&name, Kind::Type(self.draft.types.len()), report) {
            return;
        }
        self.draft.types.push(TypeDraft {
            name,
            description: text(ty.description.as_ref()),
            directives: ObjectDirectives::default(),
            fields: Vec::new(),
            own,
            raw: Vec::new(),
            seen: HashSet::new(),
        });
        let index = self.draft.types.len() - 1;
        self.no_interfaces(&ty.implements_interfaces, report);
        self.add(index, &ty.directives, &ty.fields, report);
    }

    fn extend_object(&mut self, ty: &ast::ObjectTypeExtension, report: &mut Report) {
        if let Some((Kind::Type(index), _)) = self.names.get(ty.name.as_str()) {
            let index = *index;
            self.no_interfaces(&ty.implements_interfaces, report);
            return self.add(index, &ty.directives, &ty.fields, report);
        }
        let name = self.map.word(&ty.name);
        let message = format!("there is no type `{}` to extend", name.text);
        let hint = report.suggest(&name.text, self.draft.types.iter().map(|ty| ty.name.text.as_str()));
        report.error(Code::UnknownType, name.span, message, hint);
    }

    fn no_interfaces(&self, interfaces: &[Name], report: &mut Report) {
        for interface in interfaces {
            self.refuse(interface, "interfaces", INTERFACE, report);
        }
    }

    fn add(
        &mut self,
        index: usize,
        directives: &ast::DirectiveList,
        fields: &[Node<ast::FieldDefinition>],
        report: &mut Report,
    ) {
        let map = self.map;
        let Some(ty) = self.draft.types.get_mut(index) else { return };
        ty.raw.extend(directives.iter().cloned());
        for field in fields {
            let Some(draft) = field_draft(&ty.name.text, field, map, report) else { continue };
            if !ty.seen.insert(draft.name.text.clone()) {
                let message = format!("{} has two fields `{}`", ty.name.text, draft.name.text);
                report.error(
                    Code::DuplicateName,
                    draft.name.span,
                    message,
                    "remove or rename one of them".to_owned(),
                );
                continue;
            }
            if ty.fields.len() == MOST_FIELDS {
                let message =
                    format!("{} has more than the {MOST_FIELDS} fields a type may have", ty.name.text);
                report.error(
                    Code::TooMuch,
                    draft.name.span,
                    message,
                    "move some of them to a type of their own".to_owned(),
                );
                return;
            }
            ty.fields.push(draft);
        }
    }

    fn enumeration(&mut self, ty: &ast::EnumTypeDefinition, report: &mut Report) {
        let name = self.map.word(&ty.name);
        if let Some((_, words)) = vocabulary::ENUMS.iter().find(|(known, _)| *known == name.text) {
            // The prelude pasted into the model is fine, an enum of the founder's under its name is not.
            if !ty.values.iter().map(|value| value.value.as_str()).eq(words.iter().copied()) {
                let message = format!("`{}` is the name of an enum of the model language", name.text);
                report.error(
                    Code::ReservedName,
                    name.span,
                    message,
                    format!("call it for example `{}Kind`", name.text),
                );
            }
            return;
        }
        if !self.take(&name, Kind::Enum(self.draft.enums.len()), report) {
            return;
        }
        self.no_directives(&ty.directives, report);
        let draft = EnumDraft { name, description: text(ty.description.as_ref()), values: Vec::new() };
        self.draft.enums.push(draft);
        self.add_values(self.draft.enums.len() - 1, &ty.values, report);
    }

    fn extend_enum(&mut self, ty: &ast::EnumTypeExtension, report: &mut Report) {
        if let Some((Kind::Enum(index), _)) = self.names.get(ty.name.as_str()) {
            let index = *index;
            self.no_directives(&ty.directives, report);
            return self.add_values(index, &ty.values, report);
        }
        let name = self.map.word(&ty.name);
        let hint = report.suggest(&name.text, self.draft.enums.iter().map(|ty| ty.name.text.as_str()));
        report.error(
            Code::UnknownType,
            name.span,
            format!("there is no enum `{}` to extend", name.text),
            hint,
        );
    }

    /// No directive belongs on an enum; going through the vocabulary says where it does.
    fn no_directives(&self, list: &ast::DirectiveList, report: &mut Report) {
        super::application::applications(list, Location::Enum, self.map, report);
    }

    fn add_values(&mut self, index: usize, values: &[Node<ast::EnumValueDefinition>], report: &mut Report) {
        let map = self.map;
        let Some(ty) = self.draft.enums.get_mut(index) else { return };
        let mut seen: HashSet<String> = ty.values.iter().map(|value| value.name.clone()).collect();
        for value in values {
            let name = map.word(&value.value);
            if !seen.insert(name.text.clone()) {
                let message = format!("{} has the value `{}` twice", ty.name.text, name.text);
                report.error(Code::DuplicateName, name.span, message, None);
                continue;
            }
            if ty.values.len() == MOST_VALUES {
                let message =
                    format!("{} has more than the {MOST_VALUES} values an enum may have", ty.name.text);
                report.error(Code::TooMuch, name.span, message, "use a type instead".to_owned());
                return;
            }
            check_name(&name, "value", report);
            let directives = directive::on_value(&value.directives, map, report);
            rename(&directives.was, &name, report);
            ty.values.push(EnumValue {
                name: name.text,
                was: directives.was.map(|was| was.text),
                description: text(value.description.as_ref()),
                deprecated: directives.deprecated,
            });
        }
    }
}

const INTERFACE: &str = "write the fields into each type";
const UNION: &str = "use one to-one relation for each type it could be";
const INPUT: &str = "Launchway makes the input types; a `type` without @model is a value inside a row";
const SCALAR: &str = "a @check on the field narrows its values";

/// Complains about a name that can't be used whatever it names.
pub(super) fn check_name(name: &Word, what: &str, report: &mut Report) {
    if name.text.starts_with("__") {
        let message = format!("`{}` begins with two underscores, which GraphQL keeps for itself", name.text);
        report.error(Code::ReservedName, name.span, message, "begin with a letter".to_owned());
    }
    if name.text.len() > name::NAME_CHARS {
        let message = format!(
            "the name of this {what} has {} characters; {} are possible",
            name.text.len(),
            name::NAME_CHARS
        );
        report.error(Code::BadName, name.span, message, "give it a shorter one".to_owned());
    }
}

/// Complains about a former name that is no name or is the present one.
pub(super) fn rename(was: &Option<Word>, now: &Word, report: &mut Report) {
    let Some(was) = was else { return };
    if !name::is_name(&was.text) {
        report.error(
            Code::BadRename,
            was.span,
            "this is not a name",
            "write the former name, such as \"title\"".to_owned(),
        );
    } else if was.text == now.text {
        let message = format!("`{}` is its present name", was.text);
        report.error(Code::BadRename, was.span, message, "remove @was".to_owned());
    }
}

fn field_draft(
    owner: &str,
    field: &ast::FieldDefinition,
    map: &Map<'_>,
    report: &mut Report,
) -> Option<FieldDraft> {
    let name = map.word(&field.name);
    check_name(&name, "field", report);
    if let Some(argument) = field.arguments.first() {
        let message = format!("`{owner}.{}` can't take arguments", name.text);
        let hint =
            "lists of related rows get `where`, `orderBy`, `first` and the rest by themselves".to_owned();
        report.error(Code::Unsupported, map.span(argument.name.location()), message, hint);
    }
    let directives = directive::on_field(&field.directives, map, report);
    let (inner, list, required) = match &field.ty {
        Type::Named(inner) => (inner, false, false),
        Type::NonNullNamed(inner) => (inner, false, true),
        Type::List(item) | Type::NonNullList(item) => {
            let required = matches!(field.ty, Type::NonNullList(_));
            match &**item {
                Type::NonNullNamed(inner) => (inner, true, required),
                Type::Named(inner) => {
                    let message = format!("the items of `{owner}.{}` could be null", name.text);
                    let hint = format!("write `[{inner}!]{}`", if required { "!" } else { "" });
                    report.error(Code::BadType, map.span(inner.location()), message, hint);
                    (inner, true, required)
                }
                Type::List(_) | Type::NonNullList(_) => {
                    let inner = item.inner_named_type();
                    let message =
                        format!("`{owner}.{}` is a list of lists, which can't be stored", name.text);
                    let hint = "use JSON, or a type without @model that holds the inner list".to_owned();
                    report.error(Code::BadType, map.span(inner.location()), message, hint);
                    (inner, true, required)
                }
            }
        }
    };
    let description = text(field.description.as_ref());
    Some(FieldDraft { name, description, ty: map.word(inner), list, required, directives })
}

fn text(description: Option<&Node<str>>) -> Option<String> {
    description.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
