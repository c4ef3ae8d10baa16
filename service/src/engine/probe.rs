//! Which conditions hold on one row: what tells why a rule did or did not open it.

use entity::catalog::Entity;
use entity::{EntityId, Input, Op, Predicate, resolve};

use super::plan::{Object, Output, ReadPlan, RootPlan};
use super::{Engine, execute, plan, sql};
use crate::access;
use crate::context::Context;
use crate::error::{Code, Error, Result};

/// Conditions of one question.
const CONDITIONS: usize = 200;

impl Engine {
    /// Which conditions hold on a row, in their order; none when there is no such row, or it is deleted. No rule is
    /// applied: it is for the operator's eyes. `context` says what `$user.id` and its kin are.
    ///
    /// # Errors
    /// `BAD_VALUE` for what can't be an id of the type, `LIMIT_EXCEEDED` for too many conditions, the database's.
    pub async fn holds(
        &self,
        context: &Context,
        entity: EntityId,
        id: &Input,
        conditions: &[Predicate],
    ) -> Result<Option<Vec<bool>>> {
        if conditions.len() > CONDITIONS {
            let text = format!("One question has {CONDITIONS} conditions at most.");
            return Err(Error::new(Code::LimitExceeded, text));
        }
        let definition = context.catalog.entity(entity);
        let value = resolve::key(definition.key, id).map_err(plan::problem)?;
        let named = Predicate::and([
            Predicate::Compare { field: Entity::KEY, op: Op::Eq, value },
            access::alive(&context.catalog, entity),
        ]);
        let root = |condition: &Predicate| {
            let outputs = vec![("is".to_owned(), Output::Constant("there".to_owned()))];
            let predicate = Predicate::and([named.clone(), condition.clone()]);
            (String::new(), RootPlan::One { predicate, object: Object { entity, outputs }, facts: false })
        };
        let mut roots = vec![root(&Predicate::Always)];
        roots.extend(conditions.iter().map(root));
        // A root alone would be a row of its own, or none.
        roots.push((String::new(), RootPlan::Constant(String::new())));
        let plan = ReadPlan { roots };
        let values = execute::Values { context, params: &[], touched: &[] };
        let mut tries = self.tries(&context.catalog, context);
        let (row, _) = loop {
            let names = tries.today();
            let (statement, _) = sql::read::compile(&names, self.database.dialect(), &plan);
            let summary = format!("SELECT {}", names.entity(entity).table);
            match execute::read(&self.database, &statement.text, &statement.binds, &values, &summary).await {
                Err(error) if tries.again(&error, &names).await => {}
                Ok(found) => {
                    if !tries.moved(&names, execute::schema_seen(found.0.as_ref())).await? {
                        break found;
                    }
                }
                Err(error) => return Err(error),
            }
        };
        let row = row.ok_or_else(|| Error::internal("a read gave no row"))?;
        let holds = |index: usize| Ok(execute::column::<Option<String>>(&row, index)?.is_some());
        if !holds(0)? {
            return Ok(None);
        }
        (1..=conditions.len()).map(holds).collect::<Result<_>>().map(Some)
    }
}
