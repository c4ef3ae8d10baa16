//! Writes that are one statement: there is nothing else to be undone, and what it returns is the answer.

use entity::Predicate;

use super::{AnswerPlan, Expect, StepPlan, WritePlan};
use crate::engine::plan::Object;
use crate::engine::plan::read::Output;

impl WritePlan {
    /// The answer that the only step can give by itself: it fails as a whole or not at all, and what is wanted of
    /// its one row are the row's own columns.
    pub(crate) fn alone(&self) -> Option<&AnswerPlan> {
        let ([step], [(_, answer)]) = (self.steps.as_slice(), self.answers.as_slice()) else { return None };
        let whole = match step {
            StepPlan::Insert(plan) => plan.rows.len() == 1,
            StepPlan::Update { expect, .. } | StepPlan::Delete { expect, .. } => {
                matches!(expect, Expect::One(_))
            }
            _ => false,
        };
        let own = match answer {
            AnswerPlan::Nothing(_) => true,
            AnswerPlan::One { predicate, object, before, .. } => {
                !before && is_own(predicate) && has_own_columns(object)
            }
            AnswerPlan::Batch { .. } => false,
        };
        (whole && own).then_some(answer)
    }
}

fn has_own_columns(object: &Object) -> bool {
    object.outputs.iter().all(|(_, output)| match output {
        Output::Constant(_) => true,
        Output::Column { shown, .. } => is_own(shown),
        Output::One(_) | Output::Many { .. } => false,
    })
}

/// Whether a condition is about nothing but the row itself: `returning` sees all other rows as they were before.
fn is_own(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Always
        | Predicate::Never
        | Predicate::Compare { .. }
        | Predicate::CompareFields { .. } => true,
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().all(is_own),
        Predicate::Not(inner) | Predicate::Untrue(inner) => is_own(inner),
        Predicate::Where(shown, inner) => is_own(shown) && is_own(inner),
        Predicate::Exists { .. } | Predicate::Count { .. } => false,
    }
}
