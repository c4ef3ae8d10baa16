//! `launchway user`: accounts, from the machine itself.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use service::Service;
use service::auth::{Caller, UserEntry, random_password};
use uuid::Uuid;

use super::output::{complain, say};
use super::setting::Common;
use super::table::{Listed, list};
use super::{Outcome, Stop, account, block_on, pretty};

const EXAMPLES: &str = "\
Examples:
  launchway user create ann@example.com --role admin           a password is made and printed, once
  printf %s \"$PASSWORD\" | launchway user create ann@example.com --password-stdin
  launchway user list --json
  launchway user role ann@example.com --add editor --remove author
  launchway user disable ann@example.com                       all sessions end
  launchway user delete ann@example.com

The model comes after the address: launchway user disable ann@example.com shop.graphql --database postgres://…
What is done is written down as an AuditEvent of `admin`.";

/// Bytes of a password that are read.
const LONGEST: u64 = 8 * 1024;

/// `user` and what to do.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an account whose address needs no proof.
    #[command(after_help = EXAMPLES)]
    Create(Create),
    /// List all accounts.
    #[command(after_help = EXAMPLES)]
    List(Place),
    /// Give roles to a user, take them away, or show them.
    #[command(after_help = EXAMPLES)]
    Role(Role),
    /// Keep a user from signing in; all sessions end.
    #[command(after_help = EXAMPLES)]
    Disable(One),
    /// Let a disabled user sign in again.
    #[command(after_help = EXAMPLES)]
    Enable(One),
    /// Give a user another password; all sessions end.
    #[command(after_help = EXAMPLES)]
    Password(Password),
    /// Delete an account with its sessions, memberships and keys.
    #[command(after_help = EXAMPLES)]
    Delete(One),
}

/// The model and the database.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The model: a .graphql file, or a folder of them [default: model.graphql]
    pub(super) model: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
struct One {
    /// The address of the user
    email: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Create {
    /// The address of the user
    email: String,
    #[command(flatten)]
    place: Place,
    /// A role that holds everywhere: `admin`, or one that the model names. Can be repeated.
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<String>,
    /// Read the password from standard input; without it one is made and printed.
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Args)]
struct Role {
    /// The address of the user
    email: String,
    #[command(flatten)]
    place: Place,
    /// A role to give. Can be repeated.
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    add: Vec<String>,
    /// A role to take away. Can be repeated.
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    remove: Vec<String>,
}

#[derive(Debug, Args)]
struct Password {
    /// The address of the user
    email: String,
    #[command(flatten)]
    place: Place,
    /// Read the password from standard input: one on the command line would be seen by others.
    #[arg(long, required = true)]
    password_stdin: bool,
}

/// Does it.
pub(super) fn run(arguments: Arguments) -> Outcome {
    match arguments.command {
        Command::Create(arguments) => create(&arguments),
        Command::List(place) => at(&place, async |service| {
            let (auth, caller) = (service.auth(), Caller::operator());
            list(place.json, async |after| auth.users(&caller, after).await).await
        }),
        Command::Role(arguments) => roles(&arguments),
        Command::Disable(one) => set_disabled(&one, true),
        Command::Enable(one) => set_disabled(&one, false),
        Command::Password(arguments) => password(&arguments),
        Command::Delete(one) => delete(&one),
    }
}

/// Works on the accounts of a place.
pub(super) fn at(place: &Place, work: impl AsyncFnOnce(&Service) -> Outcome) -> Outcome {
    block_on(&place.common.sources(Vec::new()), async |config| {
        let service = account::open(config, place.model.as_ref()).await?;
        work(&service).await
    })
}

fn create(arguments: &Create) -> Outcome {
    let given = arguments.password_stdin.then(read_password).transpose()?;
    at(&arguments.place, async |service| {
        let made = match &given {
            Some(_) => None,
            None => Some(random_password()?),
        };
        let password = given.as_deref().or(made.as_deref());
        let (auth, caller) = (service.auth(), Caller::operator());
        let email = arguments.email.as_str();
        let user = auth.make_user(&caller, email, password, arguments.roles.clone()).await?;
        if arguments.place.json {
            let mut body = json!({ "id": user.to_string(), "email": email, "roles": arguments.roles });
            if let Some(password) = &made {
                body["password"] = json!(password);
            }
            say(&pretty(&body));
            return Ok(());
        }
        complain(&format!("Made {email} ({user})."));
        if let Some(password) = &made {
            complain("This is the password; it is shown this once:");
            say(password);
        }
        Ok(())
    })
}

impl Listed for UserEntry {
    const HEADER: &[&str] = &["EMAIL", "ROLES", "STATE", "MADE", "ID"];
    const NONE: &str = "There are no users.";

    fn id(&self) -> Uuid {
        self.id
    }

    fn row(&self) -> Vec<String> {
        let states = [
            (self.disabled, "disabled"),
            (!self.verified, "unproved"),
            (!self.password, "no password"),
            (self.second_factor, "second factor"),
        ];
        let states: Vec<&str> = states.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        vec![
            self.email.clone().unwrap_or_default(),
            self.roles.join(","),
            states.join(", "),
            self.created_at.date_naive().to_string(),
            self.id.to_string(),
        ]
    }

    fn entry(&self) -> Value {
        json!({
            "id": self.id.to_string(), "email": self.email, "name": self.name, "roles": self.roles,
            "emailVerified": self.verified, "disabled": self.disabled, "password": self.password,
            "secondFactor": self.second_factor, "createdAt": entity::value::datetime_text(&self.created_at),
        })
    }
}

fn roles(arguments: &Role) -> Outcome {
    at(&arguments.place, async |service| {
        let user = named(service, &arguments.email).await?;
        let (add, remove) = (&arguments.add, &arguments.remove);
        let now = service.auth().change_roles(&Caller::operator(), user, add, remove).await?;
        match arguments.place.json {
            true => say(&pretty(&json!({ "id": user.to_string(), "email": arguments.email, "roles": now }))),
            false if now.is_empty() => say("no roles"),
            false => say(&now.join("\n")),
        }
        Ok(())
    })
}

fn set_disabled(one: &One, disabled: bool) -> Outcome {
    at(&one.place, async |service| {
        let user = named(service, &one.email).await?;
        service.auth().set_disabled(&Caller::operator(), user, disabled).await?;
        let (word, told) = match disabled {
            true => ("disabled", "Disabled; all sessions have ended, and keys of the user do not count."),
            false => ("enabled", "Enabled."),
        };
        done(one, user, word, told);
        Ok(())
    })
}

fn password(arguments: &Password) -> Outcome {
    let password = read_password()?;
    at(&arguments.place, async |service| {
        let user = named(service, &arguments.email).await?;
        service.auth().set_password(&Caller::operator(), user, &password).await?;
        match arguments.place.json {
            true => say(&pretty(&json!({ "id": user.to_string(), "email": arguments.email }))),
            false => say("The password is another one; all sessions have ended."),
        }
        Ok(())
    })
}

fn delete(one: &One) -> Outcome {
    at(&one.place, async |service| {
        let user = named(service, &one.email).await?;
        service.auth().remove_user(&Caller::operator(), user).await?;
        done(one, user, "deleted", "Deleted.");
        Ok(())
    })
}

fn done(one: &One, user: Uuid, word: &str, told: &str) {
    match one.place.json {
        true => {
            say(&pretty(&json!({ "id": user.to_string(), "email": one.email, "state": word })));
        }
        false => say(told),
    }
}

/// The user of an address.
pub(super) async fn named(service: &Service, email: &str) -> Result<Uuid, Stop> {
    service.auth().user_of(email).await.map_err(|error| {
        let stop = Stop::from(error);
        Stop { text: format!("{}: {}", super::table::plain(email), stop.text), ..stop }
    })
}

/// The password on standard input, without the end of its line.
fn read_password() -> Result<String, Stop> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Stop::refused(format!("the password can't be read: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line.is_empty() || line.contains('\n') {
        true => Err(Stop::usage("the password is expected on standard input, as one line")),
        false => Ok(line.to_owned()),
    }
}
