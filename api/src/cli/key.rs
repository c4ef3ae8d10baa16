//! `launchway key`: keys of programs, by whoever runs the server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use service::auth::Caller;
use service::auth::operation::named;
use uuid::Uuid;

use super::output::{complain, say};
use super::setting::Common;
use super::{Outcome, Stop, block_on, user};

const EXAMPLES: &str = "\
Examples:
  launchway key create --name ci --scope tracks:read --user ann@example.com
  launchway key create --name shop --scope '*' --organization 0197… > key.txt     the key goes to stdout alone
  launchway key list
  launchway key revoke lwk_J3lJwPKcq54M";

/// Flags of `key`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
    /// The model: a .graphql file, or a folder of them [default: model.graphql]
    #[arg(long, global = true, value_name = "PATH")]
    model: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a key. It is shown once.
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may be used for: tracks:read, invoices:write, '*'; may be given several times
        #[arg(long, value_name = "SCOPE", required = true)]
        scope: Vec<String>,
        /// The address of the user it belongs to
        #[arg(
            long,
            value_name = "EMAIL",
            required_unless_present = "organization",
            conflicts_with = "organization"
        )]
        user: Option<String>,
        /// The organization it belongs to
        #[arg(long, value_name = "ID")]
        organization: Option<Uuid>,
    },
    /// List keys.
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a key.
    Revoke {
        /// Its id, or how it begins
        key: String,
    },
}

/// Does what is asked about keys.
pub(super) fn run(arguments: Arguments) -> Outcome {
    block_on(&arguments.common.sources(Vec::new()), async |config| {
        let service = user::service(config, arguments.model.as_ref()).await?;
        let (auth, operator) = (service.auth(), Caller::operator());
        match &arguments.what {
            What::Create { name, scope, user, organization } => {
                let user = match user {
                    Some(email) => Some(auth.user_of(email).await?),
                    None => None,
                };
                let made = auth.make_key(&operator, name, scope.clone(), (user, *organization)).await?;
                complain(&format!(
                    "Made the key {}. It is shown once:",
                    made["id"].as_str().unwrap_or_default()
                ));
                say(made["key"].as_str().unwrap_or_default());
                Ok(())
            }
            What::List { json } => {
                for key in auth.keys().await? {
                    say(&if *json { key.to_string() } else { line(&key) });
                }
                Ok(())
            }
            What::Revoke { key } => {
                let keys = auth.keys().await?;
                let found =
                    keys.iter().find(|known| known["id"] == json!(key) || known["prefix"] == json!(key));
                let id = found.map(|found| found["id"].clone());
                let id = id.ok_or_else(|| {
                    Stop::refused(format!("there is no key `{key}`; `launchway key list` shows them"))
                })?;
                let operation =
                    named("revokeApiKey").ok_or_else(|| Stop::refused("keys can't be revoked"))?;
                let input = Map::from_iter([("id".to_owned(), id)]);
                let done = auth.run(operation, &operator, &input).await?;
                complain(done.body["message"].as_str().unwrap_or_default());
                Ok(())
            }
        }
    })
}

fn line(key: &Value) -> String {
    let text = |name: &str| key[name].as_str().unwrap_or("-").to_owned();
    let scopes: Vec<&str> =
        key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let owner = match key["user"].as_str() {
        Some(user) => format!("user {user}"),
        None => format!("organization {}", text("organization")),
    };
    format!("{}  {}  {}  {}  {owner}", text("id"), text("prefix"), text("name"), scopes.join(","))
}
