//! `launchway key`: keys of programs, from the machine itself.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::{Args, Subcommand};
use entity::value::datetime_text;
use serde_json::{Value, json};
use service::auth::{Caller, KeyEntry};
use uuid::Uuid;

use super::output::{complain, say};
use super::table::{Listed, list, plain};
use super::user::{Place, at, named};
use super::{Outcome, pretty};

const EXAMPLES: &str = "\
Examples:
  launchway key create --name backup --scope '*:read' --user ann@example.com --expires 90d
  KEY=$(launchway key create --name shop --scope tracks:read,invoices:write --organization 0190…)
  launchway key list --json
  launchway key revoke lwk_3fJk0aPq2xYz

The key alone goes to standard output, and is shown this once. Scopes are `*`, `tracks:read`, `tracks:write`, `*:read`;
a key never does more than the rules let the role `service` do.";

/// `key` and what to do.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key of a user or of an organization; it is printed, once.
    #[command(after_help = EXAMPLES)]
    Create(Create),
    /// List all keys: how they begin, what they may, when they were used.
    #[command(after_help = EXAMPLES)]
    List(Place),
    /// End a key.
    #[command(after_help = EXAMPLES)]
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    place: Place,
    /// What the key is for.
    #[arg(long)]
    name: String,
    /// What the key may be used for. Can be repeated.
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
    scopes: Vec<String>,
    #[command(flatten)]
    owner: Owner,
    /// When it ends: `90d`, `12h`, `1y`, or a day such as 2027-01-31 [default: never]
    #[arg(long, value_name = "WHEN", value_parser = end)]
    expires: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Owner {
    /// The address of the user it belongs to.
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// The id of the organization it belongs to.
    #[arg(long, value_name = "ID")]
    organization: Option<Uuid>,
}

#[derive(Debug, Args)]
struct Revoke {
    /// The id of the key, or how it begins (lwk_ and twelve letters)
    #[arg(value_name = "ID|PREFIX")]
    key: String,
    #[command(flatten)]
    place: Place,
}

/// Does it.
pub(super) fn run(arguments: Arguments) -> Outcome {
    match arguments.command {
        Command::Create(arguments) => create(&arguments),
        Command::List(place) => at(&place, async |service| {
            let (auth, caller) = (service.auth(), Caller::operator());
            list(place.json, async |after| auth.keys(&caller, after).await).await
        }),
        Command::Revoke(arguments) => revoke(&arguments),
    }
}

fn create(arguments: &Create) -> Outcome {
    at(&arguments.place, async |service| {
        let user = match &arguments.owner.user {
            Some(email) => Some(named(service, email).await?),
            None => None,
        };
        let owner = (user, arguments.owner.organization);
        let caller = Caller::operator();
        let scopes = arguments.scopes.clone();
        let made =
            service.auth().make_key(&caller, &arguments.name, scopes, owner, arguments.expires).await?;
        if arguments.place.json {
            say(&pretty(&made));
            return Ok(());
        }
        let text = |name: &str| made.get(name).and_then(|text| text.as_str()).unwrap_or_default();
        let ends = arguments.expires.map_or_else(
            || "It does not end by itself.".to_owned(),
            |end| format!("It ends at {}.", datetime_text(&end)),
        );
        complain(&format!(
            "Made the key {} ({}). {ends}\nThis is the key; it is shown this once:",
            text("prefix"),
            text("id")
        ));
        say(text("key"));
        Ok(())
    })
}

impl Listed for KeyEntry {
    const HEADER: &[&str] = &["PREFIX", "NAME", "SCOPES", "OF", "ENDS", "USED", "ID"];
    const NONE: &str = "There are no keys.";

    fn id(&self) -> Uuid {
        self.id
    }

    fn row(&self) -> Vec<String> {
        let day =
            |time: Option<DateTime<Utc>>| time.map_or("never".to_owned(), |it| it.date_naive().to_string());
        let owner = match (&self.user, self.organization) {
            (Some(email), _) => email.clone(),
            (None, Some(organization)) => format!("organization {organization}"),
            (None, None) => String::new(),
        };
        vec![
            self.prefix.clone(),
            self.name.chars().take(40).collect(),
            self.scopes.join(","),
            owner,
            day(self.expires_at),
            day(self.last_used_at),
            self.id.to_string(),
        ]
    }

    fn entry(&self) -> Value {
        let time = |time: Option<DateTime<Utc>>| time.map(|time| datetime_text(&time));
        json!({
            "id": self.id.to_string(), "name": self.name, "prefix": self.prefix, "scopes": self.scopes, "user": self.user,
            "organization": self.organization.map(|id| id.to_string()), "expiresAt": time(self.expires_at),
            "lastUsedAt": time(self.last_used_at), "createdAt": datetime_text(&self.created_at),
        })
    }
}

fn revoke(arguments: &Revoke) -> Outcome {
    at(&arguments.place, async |service| {
        let prefix = service.auth().revoke_named(&Caller::operator(), &arguments.key).await?;
        match arguments.place.json {
            true => say(&pretty(&json!({ "prefix": prefix, "state": "revoked" }))),
            false => say(&format!("The key {} has ended.", plain(&prefix))),
        }
        Ok(())
    })
}

/// When a key ends that is to last so long, or until the end of such a day.
fn end(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = || "write `90d`, `12h`, `8w`, `1y`, or a day such as 2027-01-31".to_owned();
    if let Ok(day) = text.parse::<NaiveDate>() {
        return day.and_hms_opt(23, 59, 59).map(|time| time.and_utc()).ok_or_else(wrong);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 24 * 7,
        "y" => 24 * 365,
        _ => return Err(wrong()),
    };
    let number: i64 =
        number.parse().ok().filter(|number| (1..=100_000).contains(number)).ok_or_else(wrong)?;
    Ok(service::clock::now() + TimeDelta::hours(number * hours))
}

#[cfg(test)]
mod tests {
    use super::end;

    #[test]
    fn an_end_is_a_time_from_now_or_a_day() {
        let now = service::clock::now();
        for (text, hours) in [("12h", 12), ("90d", 90 * 24), ("2w", 14 * 24), ("1y", 365 * 24)] {
            let left = end(text).unwrap() - now;
            assert!((left.num_minutes() - hours * 60).abs() <= 1, "{text}: {left}");
        }
        assert_eq!(end("2099-01-31").unwrap().to_rfc3339(), "2099-01-31T23:59:59+00:00");
        assert_eq!(end("2099-01-31T10:00:00Z").unwrap().to_rfc3339(), "2099-01-31T10:00:00+00:00");
        for wrong in ["", "d", "90", "-1d", "0d", "90x", "999999999999d", "1é", "2027-02-30"] {
            assert!(end(wrong).is_err(), "{wrong}");
        }
    }
}
