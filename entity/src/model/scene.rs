//! What every check after the structure looks at.

use super::diagnostic::{Code, Report};
use super::directive::Literal;
use super::draft::Draft;
use super::layout::Layout;
use super::literal::{Map, kind};
use super::source::Word;
use crate::catalog::{Catalog, Entity, Field, Join, Member};
use crate::input::Input;
use crate::predicate::{Operand, Predicate};
use crate::problem::{Problem, Trouble};
use crate::resolve::{ModelScope, resolve};
use crate::scalar::{FieldType, Scalar};
use crate::value::{Value, coerce, excerpt};
use apollo_compiler::ast;

/// The structure and where it was written.
pub(super) struct Scene<'a> {
    pub(super) draft: &'a Draft,
    pub(super) layout: &'a Layout,
    pub(super) map: &'a Map<'a>,
    pub(super) catalog: &'a Catalog,
}

/// Shows every operand of a condition.
pub(super) fn operands(predicate: &Predicate, see: &mut impl FnMut(&Operand)) {
    let _: Result<Predicate<()>, std::convert::Infallible> = predicate.try_map(&mut |operand| {
        see(operand);
        Ok(())
    });
}

/// An entity in its scene.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) entity: &'a Entity,
}

impl Scene<'_> {
    /// A condition on rows of an entity; each part that does not resolve is reported.
    pub(super) fn condition(
        &self,
        entity: &Entity,
        literal: &Literal,
        report: &mut Report,
    ) -> Option<Predicate> {
        let input = self.map.input(literal, report)?;
        let mut problems = Vec::new();
        self.parts(entity, &input, &mut Vec::new(), &mut problems);
        if !problems.is_empty() {
            problems.into_iter().for_each(|problem| self.complain(literal, problem, report));
            return None;
        }
        resolve(self.catalog, entity, &input, &ModelScope)
            .map_err(|problem| self.complain(literal, problem, report))
            .ok()
    }

    fn parts(&self, entity: &Entity, input: &Input, place: &mut Vec<String>, problems: &mut Vec<Problem>) {
        let Input::Object(fields) = input else { return };
        for (key, value) in fields {
            place.push(key.clone());
            match (key.as_str(), value) {
                ("and" | "or", Input::List(items)) => {
                    for (index, item) in items.iter().enumerate() {
                        place.push(index.to_string());
                        self.parts(entity, item, place, problems);
                        place.pop();
                    }
                }
                ("not", Input::Object(_)) => self.parts(entity, value, place, problems),
                _ => {
                    let alone = Input::Object(vec![(key.clone(), value.clone())]);
                    if let Err(mut problem) = resolve(self.catalog, entity, &alone, &ModelScope) {
                        let outer = place.iter().take(place.len() - 1).cloned();
                        problem.place = outer.chain(problem.place).collect();
                        problems.push(problem);
                    }
                }
            }
            place.pop();
        }
    }

    fn complain(&self, literal: &Literal, problem: Problem, report: &mut Report) {
        let name = problem.place.last().map_or("", |name| name.strip_suffix("Count").unwrap_or(name));
        let unknown = problem.trouble == Trouble::UnknownField;
        if unknown && self.layout.broken.contains(name) {
            return;
        }
        let key = unknown || problem.trouble == Trouble::UnknownOperator;
        let span = self.map.locate(literal, &problem.place, key);
        let hint = if unknown && self.layout.computed.contains(name) {
            Some(format!("`{name}` is a @computed field, which conditions can't use yet"))
        } else {
            problem.hint
        };
        let code = if unknown { Code::UnknownField } else { Code::BadCondition };
        report.error(code, span, problem.message, hint);
    }

    /// A condition the database keeps by itself: constants and columns of the row only.
    pub(super) fn constant_condition(
        &self,
        entity: &Entity,
        literal: &Literal,
        what: &str,
        report: &mut Report,
    ) -> Option<Predicate> {
        let predicate = self.condition(entity, literal, report)?;
        let mut dynamic = false;
        operands(&predicate, &mut |operand| dynamic |= !matches!(operand, Operand::Value(_)));
        let span = self.map.of(literal);
        if dynamic {
            let message =
                format!("the condition of {what} must be constant: the database keeps it, whoever asks");
            let hint = "compare with constants only; `$user.id` and `$now` belong in @allow".to_owned();
            report.error(Code::BadCondition, span, message, hint);
            return None;
        }
        if leaves_row(&predicate) {
            let message =
                format!("the condition of {what} can use fields of the row itself only, not of related rows");
            let hint = "a rule about related rows belongs in `@allow(check: …)`".to_owned();
            report.error(Code::BadCondition, span, message, hint);
            return None;
        }
        Some(predicate)
    }

    /// A field by name: a plain one, or the key of a to-one relation.
    pub(super) fn column<'e>(
        &self,
        entity: &'e Entity,
        word: &Word,
        name: &str,
        report: &mut Report,
    ) -> Option<&'e Field> {
        match entity.member(name) {
            Some(Member::Field(field)) => Some(field),
            Some(Member::Relation(relation)) => match relation.join {
                Join::Outgoing { field } => Some(entity.field(field)),
                Join::Incoming { .. } | Join::Through { .. } => {
                    let message =
                        format!("`{}.{name}` is a list of related rows and has no column", entity.name);
                    report.error(Code::BadIndex, word.span, message, None);
                    None
                }
            },
            None => {
                self.unknown(entity, word, name, report);
                None
            }
        }
    }

    /// Complains about a field that does not exist, unless it is known to be in trouble.
    pub(super) fn unknown(&self, entity: &Entity, word: &Word, name: &str, report: &mut Report) {
        if self.layout.broken.contains(name) {
            return;
        }
        let message = format!("{} has no field `{}`", entity.name, excerpt(name));
        let hint = if self.layout.computed.contains(name) {
            Some(format!("`{name}` is a @computed field, which can't be used here yet"))
        } else {
            report.suggest(name, entity.member_names())
        };
        report.error(Code::UnknownField, word.span, message, hint);
    }

    /// A constant of a field's type.
    pub(super) fn constant(
        &self,
        literal: &Literal,
        (ty, list): (FieldType, bool),
        code: Code,
        report: &mut Report,
    ) -> Option<Value> {
        let input = self.constant_input(literal, ty, code, report)?;
        match coerce(self.catalog, ty, list, &input) {
            Ok(value) => Some(value),
            Err(problem) => {
                let span = self.map.locate(literal, &problem.place, problem.trouble == Trouble::UnknownField);
                report.error(code, span, problem.message, problem.hint);
                None
            }
        }
    }

    fn constant_input(
        &self,
        literal: &Literal,
        ty: FieldType,
        code: Code,
        report: &mut Report,
    ) -> Option<Input> {
        match (&**literal, ty) {
            (ast::Value::Enum(name), FieldType::Scalar(_)) => {
                let message = format!("expected a constant, got {}", kind(literal));
                report.error(code, self.map.of(literal), message, format!("write \"{name}\""));
                None
            }
            (ast::Value::String(text), FieldType::Enum(_)) => {
                let message = "a value of an enum is written without quotes";
                report.error(code, self.map.of(literal), message, format!("write {}", excerpt(text)));
                None
            }
            // The digits as they are written: a double would lose some.
            (ast::Value::Float(number), FieldType::Scalar(Scalar::Decimal)) => {
                Some(Input::String(number.as_str().to_owned()))
            }
            (ast::Value::Int(number), FieldType::Scalar(Scalar::Decimal)) => {
                Some(Input::String(number.as_str().to_owned()))
            }
            (ast::Value::List(items), _) => {
                let items: Vec<_> =
                    items.iter().map(|item| self.constant_input(item, ty, code, report)).collect();
                items.into_iter().collect::<Option<_>>().map(Input::List)
            }
            _ => self.map.input(literal, report),
        }
    }
}

/// Whether a condition looks at other rows.
fn leaves_row(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Exists { .. } | Predicate::Count { .. } => true,
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().any(leaves_row),
        Predicate::Not(inner) | Predicate::Untrue(inner) => leaves_row(inner),
        Predicate::Where(shown, inner) => leaves_row(shown) || leaves_row(inner),
        Predicate::Always
        | Predicate::Never
        | Predicate::Compare { .. }
        | Predicate::CompareFields { .. } => false,
    }
}
