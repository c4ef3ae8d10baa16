//! Asks the database what a plan could not know: whether the rows that are there fit, and how long locks last.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::{ConnectionTrait, QueryResult, Statement};

use crate::consent::Allow;
use crate::ddl::probe::{self, LARGE, MANY, SMALL};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::Plan;
use crate::shape::Shape;
use crate::step::{Demand, Refusal, Step};
use crate::verdict::{Cost, Verdict};

/// Completes a plan by what the database says.
pub(crate) async fn verify(
    connection: &impl ConnectionTrait,
    present: &Facts,
    plan: &mut Plan,
    allow: &Allow,
) -> Result<()> {
    let mut verifier = Verifier { connection, dialect: plan.dialect, present, costs: HashMap::new() };
    // Where a column changes beyond what we do, questions about its table could not even be asked; what is only to be lost is
    // still there.
    let beyond = plan.refused().filter(|step| step.verdict != Verdict::Destructive);
    let refused: HashSet<String> =
        beyond.map(|step| step.subject.split('.').next().unwrap_or_default().to_owned()).collect();
    for mut step in std::mem::take(&mut plan.steps) {
        let subject = step.subject.split('.').next().unwrap_or_default();
        let ask = !refused.contains(subject);
        if !gone(&step, present) && verifier.step(&mut step, ask).await? {
            plan.steps.push(step);
        }
    }
    let idle: Vec<String> = allow.idle(&plan.steps).map(ToString::to_string).collect();
    if let (false, Some(step)) = (idle.is_empty(), plan.steps.iter_mut().find(|step| step.refusal.is_some()))
        && let Some(refusal) = &mut step.refusal
    {
        refusal.hint = format!("{} (Nothing here is called as in {}.)", refusal.hint, idle.join(", "));
    }
    Ok(())
}

/// The tables whose rows are not gone through in a moment, as they are named now; with the text that makes each (SQLite).
pub(crate) async fn large(
    connection: &impl ConnectionTrait,
    dialect: Dialect,
    (known, present): (&Shape, &Facts),
) -> Result<BTreeMap<String, String>> {
    let failed = |source| Error::of("looking for large tables", source);
    let text = |row: &QueryResult, name: &str| row.try_get::<String>("", name).map_err(failed);
    let backend = connection.get_database_backend();
    if dialect == Dialect::Sqlite {
        let mut large = BTreeMap::new();
        for table in known.tables.iter().filter(|table| present.has(&table.name, None)) {
            let beyond = Statement::from_string(backend, probe::beyond(&table.name, LARGE));
            if let Some(row) = connection.query_one_raw(beyond).await.map_err(failed)? {
                large.insert(table.name.clone(), text(&row, "made")?);
            }
        }
        return Ok(large);
    }
    let query = format!(
        "SELECT c.relname::text AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = current_schema() AND c.relkind = 'r' AND (c.reltuples > {LARGE} OR pg_table_size(c.oid) > 4000000)"
    );
    let rows = connection.query_all_raw(Statement::from_string(backend, query)).await.map_err(failed)?;
    rows.iter().map(|row| Ok((text(row, "name")?, String::new()))).collect()
}

/// What steps remove; it may be gone already.
pub(crate) fn leaves(plan: &Plan, table: &str, column: Option<&str>) -> bool {
    plan.steps.iter().flat_map(|step| &step.demands).any(|demand| match demand {
        Demand::UnlessGone { table: of, column: gone } => {
            of == table && (gone.is_none() || gone.as_deref() == column)
        }
        Demand::Absent { .. }
        | Demand::None { .. }
        | Demand::Some { .. }
        | Demand::Counted { .. }
        | Demand::Trigram => false,
    })
}

fn gone(step: &Step, present: &Facts) -> bool {
    step.demands.iter().any(|demand| {
        matches!(demand, Demand::UnlessGone { table, column } if !present.has(table, column.as_deref()))
    })
}

struct Verifier<'a, C> {
    connection: &'a C,
    dialect: Dialect,
    present: &'a Facts,
    costs: HashMap<String, Cost>,
}

impl<C: ConnectionTrait> Verifier<'_, C> {
    /// Completes a step; whether there is anything to do.
    async fn step(&mut self, step: &mut Step, ask: bool) -> Result<bool> {
        for demand in std::mem::take(&mut step.demands) {
            if step.refusal.is_some() && !matches!(demand, Demand::Counted { .. }) {
                continue;
            }
            match demand {
                Demand::Absent { table, column } => step.refusal = self.absent(&table, column.as_deref()),
                Demand::UnlessGone { .. } => {}
                Demand::None { query, one, many, hint } if ask => {
                    let found = self.count(&query, &step.description).await?;
                    step.refusal = none(found, &one, &many, hint);
                }
                Demand::Some { query } if ask => {
                    if self.count(&query, &step.description).await? == 0 {
                        return Ok(false);
                    }
                }
                Demand::Counted { query, one, many } => {
                    let found = self.count(&query, &step.description).await?;
                    let said = format!("{found} {}", if found == 1 { one } else { many });
                    match &mut step.refusal {
                        Some(refusal) => refusal.reason = format!("{}: {said}", refusal.reason),
                        None => step.description = format!("{}: {said}", step.description),
                    }
                }
                Demand::None { .. } | Demand::Some { .. } => {}
                Demand::Trigram => step.refusal = self.trigram().await?,
            }
        }
        if ask || step.refusal.is_some() {
            step.requires.clear();
        }
        if let Some(table) = step.sized.take() {
            step.cost = self.cost(&table).await?;
        }
        Ok(true)
    }

    fn absent(&self, table: &str, column: Option<&str>) -> Option<Refusal> {
        if !self.present.has(table, column) {
            return None;
        }
        let what = match column {
            Some(column) => format!("the table \"{table}\" already has a column \"{column}\""),
            None => format!("the database already has a table \"{table}\""),
        };
        let hint = if column.is_some() {
            "Rename or drop that column, or name the field otherwise."
        } else {
            "Rename or drop that table, use a database of its own, or name ours otherwise (`@model(table: …)`)."
        };
        Some(Refusal::new(format!("{what} that we did not make"), hint))
    }

    async fn trigram(&self) -> Result<Option<Refusal>> {
        let doing = "looking for the extension pg_trgm";
        let here = "SELECT count(*) AS n FROM pg_catalog.pg_extension WHERE extname = 'pg_trgm'";
        if self.count(here, doing).await? > 0 {
            return Ok(None);
        }
        let known = "SELECT count(*) AS n FROM pg_catalog.pg_available_extensions WHERE name = 'pg_trgm'";
        if self.count(known, doing).await? == 0 {
            return Ok(Some(Refusal::new(
                "the PostgreSQL server does not have the extension pg_trgm",
                "Install PostgreSQL's contrib package on the server, or use no `using: TRIGRAM`.",
            )));
        }
        let may = "SELECT CASE WHEN has_database_privilege(current_database(), 'CREATE') THEN 1 ELSE 0 END::bigint AS n";
        let allowed = self.count(may, doing).await? > 0;
        Ok((!allowed).then(|| {
            Refusal::new(
                "the database user may not install the extension pg_trgm",
                "Ask the owner of the database to run: CREATE EXTENSION pg_trgm",
            )
        }))
    }

    /// How large a table is, as it is named now; none for one that this very plan makes.
    async fn cost(&mut self, table: &str) -> Result<Option<Cost>> {
        if let Some(cost) = self.costs.get(table) {
            return Ok(Some(*cost));
        }
        if !self.present.has(table, None) {
            return Ok(None);
        }
        let doing = "estimating how long a step takes";
        // The estimate of PostgreSQL may be old, so that up to a bound rows are counted.
        let mut rows = self.count(&probe::up_to(table, SMALL + 1), doing).await?;
        if rows > SMALL {
            rows = rows.max(self.count(&probe::estimate(self.dialect, table), doing).await?);
        }
        let bytes = match self.dialect {
            Dialect::Postgres => Some(self.count(&probe::bytes(table), doing).await?),
            Dialect::Sqlite => None,
        };
        let cost = Cost { rows, bytes };
        self.costs.insert(table.to_owned(), cost);
        Ok(Some(cost))
    }

    async fn count(&self, query: &str, doing: &str) -> Result<u64> {
        let backend = match self.dialect {
            Dialect::Postgres => sea_orm::DbBackend::Postgres,
            Dialect::Sqlite => sea_orm::DbBackend::Sqlite,
        };
        let failed = |source| Error::of(&format!("looking at the rows before: {doing}"), source);
        let row =
            self.connection.query_one_raw(Statement::from_string(backend, query)).await.map_err(failed)?;
        let count: i64 = match row {
            Some(row) => row.try_get("", "n").map_err(failed)?,
            None => 0,
        };
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

fn none(found: u64, one: &str, many: &str, hint: String) -> Option<Refusal> {
    let reason = match found {
        0 => return None,
        1 => format!("there is 1 {one}"),
        MANY.. => format!("there are {MANY} or more {many}"),
        _ => format!("there are {found} {many}"),
    };
    Some(Refusal::new(reason, hint))
}
