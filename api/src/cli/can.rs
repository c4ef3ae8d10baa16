//! `launchway can`: whether somebody may do something, and which rule says so.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use entity::model::rule_places;
use service::Context;
use uuid::Uuid;

use super::output::say;
use super::principal::{Who, parse, shown};
use super::setting::Common;
use super::table::plain;
use super::{Outcome, Stop, account, aim, block_on, model, pretty, why};
use crate::config::limits::Limits;

const EXAMPLES: &str = "\
Examples:
  launchway can --as anyone read Track                       whether at all, and on which rows
  launchway can --as user:ann@example.com update Track/0190…  this row, as the rules are and the row is
  launchway can --as user,roles=editor read Track.royalty    a field
  launchway can --as key:lwk_3fJk0aPq2xYz create Invoice
  launchway can --as user,id=0190…,org=0190…,orgrole=owner,claims.plan=pro delete Note/0190…

Who asks: anyone; admin; user:EMAIL, user:ID, key:PREFIX from the database, acting for --organization; or written out:
user or key, then name=value with commas between: id, email, roles=a+b, org, orgrole, scopes=tracks:read+albums:write,
claims.NAME. The database is read for a user or key of it, and for a row; without these the model is enough.
Exit codes: 0 yes, 1 no, 2 asked wrongly.";

/// Flags of `can`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// read, create, update or delete
    operation: String,
    /// The type, a row of it, or a field: Track, Track/ID, Track.field, Track/ID.field
    target: String,
    /// The model: a .graphql file, or a folder of them [default: model.graphql]
    model: Option<PathBuf>,
    /// Who asks
    #[arg(long = "as", value_name = "PRINCIPAL")]
    who: String,
    /// The organization a user or key of the database acts for.
    #[arg(long, value_name = "ID")]
    organization: Option<Uuid>,
    #[command(flatten)]
    common: Common,
    /// Print the answer and its reasons as JSON.
    #[arg(long)]
    json: bool,
}

/// Answers.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let operation = aim::operation(&arguments.operation).map_err(Stop::usage)?;
    let who = parse(&arguments.who).map_err(|error| Stop::usage(format!("--as: {error}")))?;
    if arguments.organization.is_some() && !who.is_kept() {
        return Err(Stop::usage("--organization is for user:… and key:…; write `org=ID` instead"));
    }
    let yes = block_on(&arguments.common.sources(Vec::new()), async |config| {
        let path = model::path(arguments.model.as_ref());
        let sources = model::read(&path)?;
        let compiled = model::compile(&sources)?;
        if who.is_kept() {
            account::has_accounts(&compiled.catalog, &path.display().to_string())?;
        }
        let aim = aim::aim(&compiled.catalog, operation, &arguments.target).map_err(Stop::usage)?;
        let entity = compiled.catalog.entity(aim.entity);
        let needed = |ty: &str| ty == entity.name || (who.is_kept() && account::OWN.contains(&ty));
        let service = match aim.row.is_some() || who.is_kept() {
            true => Some(account::existing(config, compiled.catalog.clone(), needed).await?),
            false => None,
        };
        let principal = match (&who, &service) {
            (Who::Known(principal), _) => principal.clone(),
            (who, Some(service)) => who.principal(service, arguments.organization).await?,
            (_, None) => return Err(Stop::usage("--as: the database is needed for this principal")),
        };
        let limits = Arc::new(Limits::engine(&config.limits));
        let catalog = match &service {
            Some(service) => service.catalog(),
            None => Arc::new(compiled.catalog.clone()),
        };
        let context = Context::new(catalog, principal, limits, None);
        let why = why::why(service.as_ref(), &context, &rule_places(&sources), &aim).await?;
        let name = shown(&arguments.who);
        if arguments.json {
            let mut body = why.to_json();
            body["as"] = name.into();
            body["operation"] = aim::verb(aim.operation).into();
            body["type"] = entity.name.as_str().into();
            body["id"] = aim.row.clone().into();
            body["field"] = aim.member.clone().into();
            say(&pretty(&body));
        } else {
            let word = if why.yes { "yes" } else { "no" };
            let head = why.head.as_ref().map(|head| format!(": {head}")).unwrap_or_default();
            let sentence = why::sentence(&name, entity, &aim, why.yes);
            let lines = why.lines(true);
            say(&plain_lines(std::iter::once(format!("{word}, {sentence}{head}")).chain(lines)));
        }
        Ok(why.yes)
    })?;
    if yes { Ok(()) } else { Err(Stop::answered_no()) }
}

fn plain_lines(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| plain(&line)).collect::<Vec<_>>().join("\n")
}
