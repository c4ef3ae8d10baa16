//! The form of JSON inside a column, so that a change of an embedded type is seen.

use entity::catalog::{Catalog, Enum};
use entity::{FieldType, Scalar};
use serde::{Deserialize, Serialize};

/// What the JSON in a column looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Any JSON.
    Any,
    /// A value of a scalar, named by how it is written.
    Scalar(String),
    /// One of these texts.
    Enum(Vec<String>),
    /// A list.
    List(Box<Form>),
    /// An object.
    Object(Vec<FormField>),
    /// A type that contains itself, from here on.
    Again(String),
}

/// A key of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormField {
    /// The key.
    pub name: String,
    /// Whether it always has a value.
    pub required: bool,
    /// Its value.
    pub form: Form,
}

impl Form {
    /// The form of a column that holds JSON.
    #[must_use]
    pub fn of(catalog: &Catalog, ty: FieldType, list: bool) -> Self {
        let item = match ty {
            // A check of the column holds the items to the values.
            FieldType::Enum(_) => Form::Scalar("text".to_owned()),
            FieldType::Scalar(_) | FieldType::Embedded(_) => inner(catalog, ty, &mut Vec::new()),
        };
        if list { Form::List(Box::new(item)) } else { item }
    }

    /// Why values of the former form are not all of this form; none when they are.
    #[must_use]
    pub fn refuses(&self, former: &Form) -> Option<String> {
        match (self, former) {
            (Form::Any, _) => None,
            (Form::List(new), Form::List(old)) => new.refuses(old),
            (Form::Enum(new), Form::Enum(old)) => {
                let gone = old.iter().find(|value| !new.contains(value))?;
                Some(format!("the value {gone} is gone"))
            }
            (Form::Scalar(new), Form::Enum(_)) if new == "text" => None,
            (Form::Object(new), Form::Object(old)) => object(new, old),
            (new, old) if new == old => None,
            (new, old) => Some(format!("{} became {}", old.name(), new.name())),
        }
    }

    fn name(&self) -> String {
        match self {
            Form::Any => "any JSON".to_owned(),
            Form::Scalar(name) => name.clone(),
            Form::Enum(_) => "an enum".to_owned(),
            Form::List(item) => format!("a list of {}", item.name()),
            Form::Object(_) | Form::Again(_) => "an object".to_owned(),
        }
    }
}

fn object(new: &[FormField], old: &[FormField]) -> Option<String> {
    let gone = old.iter().find(|field| !new.iter().any(|other| other.name == field.name));
    if let Some(field) = gone {
        return Some(format!("`{}` is gone", field.name));
    }
    new.iter().find_map(|field| match old.iter().find(|other| other.name == field.name) {
        None if field.required => Some(format!("`{}` is new and required", field.name)),
        None => None,
        Some(former) if field.required && !former.required => {
            Some(format!("`{}` became required", field.name))
        }
        Some(former) => field.form.refuses(&former.form).map(|why| format!("`{}`: {why}", field.name)),
    })
}

fn inner(catalog: &Catalog, ty: FieldType, above: &mut Vec<String>) -> Form {
    match ty {
        FieldType::Scalar(Scalar::Json) => Form::Any,
        FieldType::Scalar(scalar) => Form::Scalar(written(scalar).to_owned()),
        FieldType::Enum(id) => Form::Enum(values(catalog.enum_type(id))),
        FieldType::Embedded(id) => {
            let embedded = catalog.embedded_type(id);
            if above.contains(&embedded.name) {
                return Form::Again(embedded.name.clone());
            }
            above.push(embedded.name.clone());
            let fields = embedded
                .fields
                .iter()
                .map(|field| {
                    let item = inner(catalog, field.ty, above);
                    let form = if field.list { Form::List(Box::new(item)) } else { item };
                    FormField { name: field.name.clone(), required: field.required, form }
                })
                .collect();
            above.pop();
            Form::Object(fields)
        }
    }
}

pub(super) fn values(definition: &Enum) -> Vec<String> {
    definition.values.iter().map(|value| value.name.clone()).collect()
}

fn written(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Id(_) | Scalar::String | Scalar::Email | Scalar::Url => "text",
        Scalar::Int => "integer",
        Scalar::Float => "number",
        Scalar::Boolean => "boolean",
        Scalar::BigInt => "integer as text",
        Scalar::Decimal => "decimal as text",
        Scalar::Date => "date as text",
        Scalar::DateTime => "time as text",
        Scalar::Uuid => "UUID as text",
        Scalar::Json => "any JSON",
    }
}
