//! Former names for servers that still use them (PostgreSQL). Before tables or columns get other names, a schema of the
//! model version in force is made, in which they have the former ones, as views of one table each; PostgreSQL reads and
//! writes through such views. Every server looks there first for what it names, so that it does not notice the renames.

use std::collections::BTreeSet;

use entity::catalog::Version;
use sea_orm::{ConnectionTrait, Statement};

use crate::change::Change;
use crate::ddl::literal::{ident, text};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::history::AppliedVersion;
use crate::plan::Plan;
use crate::reserved::TEMPORARY;
use crate::shape::Table;
use crate::step::{Action, Step};

/// Characters of a version in the name of its schema.
const LENGTH: usize = 12;

/// The schema of the former names of a model version, which a server of that version puts first in its `search_path`. It need
/// not exist.
#[must_use]
pub fn version_schema(version: &Version) -> String {
    format!("launchway_{}", version.0.chars().take(LENGTH).collect::<String>())
}

/// Completes a plan that gives other names by a step that keeps the former ones for servers of the version in force.
pub(crate) async fn keep(
    connection: &impl ConnectionTrait,
    last: &AppliedVersion,
    plan: &mut Plan,
) -> Result<()> {
    let renamed: BTreeSet<&str> =
        plan.steps.iter().flat_map(|step| &step.effects).filter_map(renamed).collect();
    if renamed.is_empty() || plan.is_refused() {
        return Ok(());
    }
    let schema = version_schema(&last.version);
    let kept = views(connection, &schema).await?;
    // A table that got its name in an application that was interrupted has its view from then.
    let tables: Vec<&Table> = last
        .shape
        .tables
        .iter()
        .filter(|table| renamed.contains(table.name.as_str()) && !kept.contains(&table.name))
        .collect();
    if tables.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = tables.iter().map(|table| ident(&table.name)).collect();
    let description =
        format!("keep the former names for servers of the model in force: {}", names.join(", "));
    let step = Step::new(Action::Add, "names", description)
        .run([format!("CREATE SCHEMA IF NOT EXISTS {}", ident(&schema))])
        .run(tables.iter().map(|table| view(&schema, table, &removed(plan, table))))
        .run([grants(&schema)]);
    plan.steps.insert(0, step);
    Ok(())
}

/// The table, by its name now, that a change gives another name to, or to one of its columns.
fn renamed(change: &Change) -> Option<&str> {
    match change {
        Change::RenameTable { from, .. } => Some(&from.name),
        Change::RenameColumn { table, .. } => Some(&table.name),
        _ => None,
    }
}

/// The columns of a table, by its former name, that a plan drops: a view would hold them fast.
fn removed<'a>(plan: &'a Plan, table: &Table) -> BTreeSet<&'a str> {
    let effects = || plan.steps.iter().flat_map(|step| &step.effects);
    let now = effects().find_map(|change| match change {
        Change::RenameTable { from, to, .. } if from.name == table.name => Some(to.name.as_str()),
        _ => None,
    });
    let now = now.unwrap_or(&table.name);
    let gone = effects().filter_map(|change| match change {
        Change::RemoveColumn { table: of, column } if of.name == now => Some(column.name.as_str()),
        _ => None,
    });
    gone.collect()
}

fn view(schema: &str, table: &Table, removed: &BTreeSet<&str>) -> String {
    let columns = table.columns.iter().filter(|column| !removed.contains(column.name.as_str()));
    let columns: Vec<_> = columns.map(|column| ident(&column.name)).collect();
    format!(
        "CREATE VIEW {}.{} AS SELECT {} FROM {}",
        ident(schema),
        ident(&table.name),
        columns.join(", "),
        ident(&table.name)
    )
}

/// Whoever may use a table may use its view.
fn grants(schema: &str) -> String {
    let schema = schema.replace('\'', "''");
    format!(
        "DO $launchway$ DECLARE it record; BEGIN\n\
         FOR it IN SELECT DISTINCT v.relname, a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee\n\
         FROM pg_class v JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class = v.oid\n\
         JOIN pg_class t ON t.oid = d.refobjid AND t.oid <> v.oid, aclexplode(t.relacl) a\n\
         WHERE v.relnamespace = '{schema}'::regnamespace AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')\n\
         LOOP\n  EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', '{schema}', it.grantee);\n  \
         EXECUTE format('GRANT %s ON %I.%I TO %s', it.privilege_type, '{schema}', it.relname, it.grantee);\nEND LOOP; END $launchway$"
    )
}

async fn views(connection: &impl ConnectionTrait, schema: &str) -> Result<BTreeSet<String>> {
    let query = "SELECT viewname::text AS name FROM pg_catalog.pg_views WHERE schemaname = $1";
    let backend = connection.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, query, [schema.into()]);
    let failed = |source| Error::of("looking for former names", source);
    let rows = connection.query_all_raw(statement).await.map_err(failed)?;
    rows.iter().map(|row| row.try_get::<String>("", "name").map_err(failed)).collect()
}

/// The views of former names of a table, as a query has them in `FROM` and `WHERE`.
fn views_of(table: &str) -> String {
    format!(
        "pg_depend d JOIN pg_rewrite r ON r.oid = d.objid\n\
         JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace\n\
         WHERE d.refobjid = {table}::regclass AND v.relkind = 'v' AND n.nspname ~ '^launchway_[0-9a-f]{{12}}$'",
        table = text(Dialect::Postgres, &ident(table))
    )
}

/// The statement that ends all former names of a table, whose columns they would hold fast.
pub(crate) fn forget(table: &str) -> String {
    format!(
        "DO $launchway$ DECLARE it record; BEGIN\n\
         FOR it IN SELECT DISTINCT n.nspname, v.relname FROM {}\n\
         LOOP EXECUTE format('DROP VIEW IF EXISTS %I.%I', it.nspname, it.relname); END LOOP; END $launchway$",
        views_of(table)
    )
}

/// The statement that ends the former names of those views of a table that hold one of its columns fast.
pub(crate) fn forget_column(table: &str, column: &str) -> String {
    format!(
        "DO $launchway$ DECLARE it record; BEGIN\n\
         FOR it IN SELECT DISTINCT n.nspname, v.relname FROM {}\n\
         AND d.refobjsubid = (SELECT attnum FROM pg_attribute WHERE attrelid = d.refobjid AND attname = {})\n\
         LOOP EXECUTE format('DROP VIEW IF EXISTS %I.%I', it.nspname, it.relname); END LOOP; END $launchway$",
        views_of(table),
        text(Dialect::Postgres, column)
    )
}

/// Statements that write columns of a table anew under the names they have, while its former names go and come again.
pub(crate) fn over(table: &str, statements: impl IntoIterator<Item = String>) -> Vec<String> {
    let kept = ident(&entity::name::identifier(&[TEMPORARY, "views"]));
    let keep = format!(
        "CREATE TEMPORARY TABLE {kept} ON COMMIT DROP AS\n\
         SELECT DISTINCT n.nspname, v.relname, v.relacl, pg_get_viewdef(v.oid) AS definition FROM {}",
        views_of(table)
    );
    let again = format!(
        "DO $launchway$ DECLARE it record; may record; BEGIN\n\
         FOR it IN SELECT * FROM {kept} LOOP\n  EXECUTE format('CREATE VIEW %I.%I AS %s', it.nspname, it.relname, it.definition);\n  \
         FOR may IN SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS who FROM aclexplode(it.relacl)\n  \
         LOOP EXECUTE format('GRANT %s ON %I.%I TO %s', may.privilege_type, it.nspname, it.relname, may.who); END LOOP;\n\
         END LOOP; END $launchway$"
    );
    [keep, forget(table)].into_iter().chain(statements).chain([again]).collect()
}

/// Ends the former names of versions that no server has any more; those of the version in force are the real ones, and those
/// of the one before may be asked for by a server that sleeps.
pub(crate) async fn sweep(
    connection: &impl ConnectionTrait,
    in_force: &Version,
    before: Option<&Version>,
) -> Result<()> {
    let failed = |source| Error::of("ending former names", source);
    let query = "SELECT nspname::text AS name FROM pg_catalog.pg_namespace WHERE nspname ~ '^launchway_[0-9a-f]{12}$' AND nspname <> $1 \
                 AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity WHERE application_name = replace(nspname, '_', ' ')) \
                 UNION SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = $2";
    let kept = before.filter(|before| *before != in_force).map(version_schema).unwrap_or_default();
    let values = [kept.into(), version_schema(in_force).into()];
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), query, values);
    for row in connection.query_all_raw(statement).await.map_err(failed)? {
        let name: String = row.try_get("", "name").map_err(failed)?;
        let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", ident(&name));
        connection.execute_unprepared(&drop).await.map_err(failed)?;
    }
    Ok(())
}
