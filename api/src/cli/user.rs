//! `launchway user`: accounts, by whoever runs the server.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use service::auth::Caller;
use service::auth::operation::named;
use service::{Auth, Service};
use uuid::Uuid;

use super::output::{complain, say};
use super::setting::Common;
use super::{Outcome, Stop, block_on, import, model};

const EXAMPLES: &str = "\
Examples:
  launchway user create ann@example.com --role admin     the first administrator; a password is made and shown
  launchway user create bob@example.com --password-stdin < password.txt
  launchway user role bob@example.com --add editor --remove trial
  launchway user disable bob@example.com                 and sign him out everywhere
  launchway user list --json";

/// Flags of `user`.
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
    /// Make a user whose address needs no proof.
    Create {
        /// The address
        email: String,
        /// A role that holds everywhere; may be given several times
        #[arg(long, value_name = "ROLE")]
        role: Vec<String>,
        /// Read the password from standard input, instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// List users.
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give and take roles.
    Role {
        /// The address
        email: String,
        /// A role to give
        #[arg(long, value_name = "ROLE")]
        add: Vec<String>,
        /// A role to take
        #[arg(long, value_name = "ROLE")]
        remove: Vec<String>,
    },
    /// Keep a user from signing in, and end all sessions.
    Disable {
        /// The address
        email: String,
    },
    /// Let a user sign in again.
    Enable {
        /// The address
        email: String,
    },
    /// Give a user another password, read from standard input, and end all sessions.
    Password {
        /// The address
        email: String,
    },
    /// Delete a user.
    Delete {
        /// The address
        email: String,
    },
}

/// A service with the model in force, where it has accounts.
pub(super) async fn service(config: &crate::config::Config, path: Option<&PathBuf>) -> Result<Service, Stop> {
    let service = import::published(config, &model::path(path)).await?;
    match service.auth().is_open() {
        true => Ok(service),
        false => Err(Stop::refused(
            "the model has no accounts: it names neither `User` nor a role that somebody has to sign in for",
        )),
    }
}

/// Does what is asked about users.
pub(super) fn run(arguments: Arguments) -> Outcome {
    block_on(&arguments.common.sources(Vec::new()), async |config| {
        let service = service(config, arguments.model.as_ref()).await?;
        let (auth, operator) = (service.auth(), Caller::operator());
        match &arguments.what {
            What::Create { email, role, password_stdin } => create(auth, email, role, *password_stdin).await,
            What::List { json } => list(auth, *json).await,
            What::Role { email, add, remove } => roles(auth, email, add, remove).await,
            What::Disable { email } => change(auth, email, json!({ "disabled": true })).await,
            What::Enable { email } => change(auth, email, json!({ "disabled": false })).await,
            What::Password { email } => {
                let password = typed()?;
                auth.set_password(&operator, auth.user_of(email).await?, &password).await?;
                complain("The password is changed; all sessions have ended.");
                Ok(())
            }
            What::Delete { email } => {
                auth.remove_user(&operator, auth.user_of(email).await?).await?;
                complain("The user is deleted.");
                Ok(())
            }
        }
    })
}

async fn create(auth: &Auth, email: &str, roles: &[String], from_stdin: bool) -> Outcome {
    let (password, made) = match from_stdin {
        true => (typed()?, false),
        // 122 random bits, as letters that can be typed.
        false => (Uuid::new_v4().simple().to_string(), true),
    };
    let id = auth.make_user(&Caller::operator(), email, Some(&password), roles.to_vec()).await?;
    complain(&format!("Made the user {id}."));
    if made {
        complain("This password is shown once:");
        say(&password);
    }
    Ok(())
}

/// A password from standard input, without the end of its line.
fn typed() -> Result<String, Stop> {
    let mut text = String::new();
    std::io::stdin()
        .take(16 * 1024)
        .read_to_string(&mut text)
        .map_err(|error| Stop::refused(format!("the password can't be read: {error}")))?;
    let password = text.trim_end_matches(['\n', '\r']).to_owned();
    if password.is_empty() {
        return Err(Stop::usage("no password came on standard input"));
    }
    Ok(password)
}

async fn list(auth: &Auth, as_json: bool) -> Outcome {
    for user in auth.users().await? {
        if as_json {
            say(&user.to_string());
            continue;
        }
        let text = |name: &str| user[name].as_str().unwrap_or("-").to_owned();
        let roles: Vec<&str> =
            user["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let disabled = if user["disabled"] == json!(true) { "  disabled" } else { "" };
        say(&format!("{}  {}  {}{disabled}", text("id"), text("email"), roles.join(",")));
    }
    Ok(())
}

async fn roles(auth: &Auth, email: &str, add: &[String], remove: &[String]) -> Outcome {
    let user = auth.user_of(email).await?.to_string();
    let known = auth.users().await?.into_iter().find(|known| known["id"] == json!(user)).unwrap_or_default();
    let known = known["roles"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut roles: Vec<String> = known.map(str::to_owned).filter(|role| !remove.contains(role)).collect();
    roles.extend(add.iter().filter(|role| !roles.contains(role)).cloned().collect::<Vec<_>>());
    change(auth, email, json!({ "roles": roles })).await
}

async fn change(auth: &Auth, email: &str, what: Value) -> Outcome {
    let operation = named("changeUser").ok_or_else(|| Stop::refused("users can't be changed"))?;
    let mut input: Map<String, Value> = what.as_object().cloned().unwrap_or_default();
    input.insert("id".to_owned(), Value::from(auth.user_of(email).await?.to_string()));
    let done = auth.run(operation, &Caller::operator(), &input).await?;
    complain(done.body["message"].as_str().unwrap_or_default());
    Ok(())
}
