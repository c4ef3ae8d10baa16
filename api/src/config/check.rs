//! What the settings must hold together, checked once, all mistakes at once.

use std::time::Duration;

use figment::Figment;

use super::auth::{ADMIN_KEY_DIFFERENT, ADMIN_KEY_MIN, SECRET_MIN};
use super::cors::is_origin;
use super::error::{Error, Problem, layer};
use super::{Config, Mode};

/// Finds everything that is wrong with the settings.
pub(super) fn check(config: &Config, figment: &Figment) -> Result<(), Error> {
    let mut found = Vec::new();
    server(config, &mut found);
    database(config, &mut found);
    cors(config, &mut found);
    bounds(config, &mut found);
    telemetry(config, &mut found);
    redis(config, &mut found);
    mail(config, &mut found);
    auth(config, &mut found);
    let fixed = found.into_iter().map(|(key, message)| (key.to_owned(), message));
    let problems: Vec<Problem> = fixed
        .chain(config.auth.problems())
        .map(|(key, message)| Problem {
            layer: layer(figment, &key).unwrap_or_else(|| "the settings".to_owned()),
            key,
            message,
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

/// Characters of the product's name at most: it is in subjects of mails.
const PRODUCT: usize = 80;

type Found = Vec<(&'static str, String)>;

fn server(config: &Config, found: &mut Found) {
    let address = config.address();
    if config.mode == Mode::Development && !address.ip().is_loopback() {
        found.push((
            "server.listen",
            format!(
                "{address} can be reached from other machines, which needs --production \
                 (or LAUNCHWAY_MODE=production)"
            ),
        ));
    }
    let key = config.auth.admin_key.reveal();
    if !key.is_empty() && config.mode == Mode::Production && key.chars().count() < ADMIN_KEY_MIN {
        found.push(("auth.admin_key", format!("is shorter than {ADMIN_KEY_MIN} characters")));
    }
    let different: std::collections::HashSet<char> = key.chars().collect();
    if !key.is_empty() && config.mode == Mode::Production && different.len() < ADMIN_KEY_DIFFERENT {
        let message = "can be guessed; take random characters, such as those of `openssl rand -hex 32`";
        found.push(("auth.admin_key", message.to_owned()));
    }
    if key.chars().any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
        found.push(("auth.admin_key", "must be visible ASCII characters without spaces".to_owned()));
    }
}

fn auth(config: &Config, found: &mut Found) {
    let auth = &config.auth;
    let secret = auth.secret.reveal();
    if config.is_production() && !secret.is_empty() && secret.chars().count() < SECRET_MIN {
        found.push(("auth.secret", format!("is shorter than {SECRET_MIN} characters")));
    }
    let minute = Duration::from_secs(60);
    if auth.access_token.0 < minute || auth.access_token.0 > 60 * minute {
        found.push(("auth.access_token", "must be between 1m and 1h".to_owned()));
    }
    if auth.session_idle.0 < auth.access_token.0 || auth.session.0 < auth.session_idle.0 {
        found.push((
            "auth.session",
            "a session lasts at least as long as auth.session_idle, and that as a token".to_owned(),
        ));
    }
    let url = &config.server.public_url;
    let fine = url::Url::parse(url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none()
    });
    if !url.is_empty() && !fine {
        found.push(("server.public_url", "is not an address such as https://api.example.com".to_owned()));
    }
}

fn database(config: &Config, found: &mut Found) {
    if let Err(message) = check_url(config.database.url.reveal()) {
        found.push(("database.url", message));
    }
    if config.database.connections == 0 {
        found.push(("database.connections", "must be at least 1".to_owned()));
    }
}

/// Whether a text names a database of a kind we know.
fn check_url(url: &str) -> Result<(), String> {
    let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    match known {
        true => Ok(()),
        false => Err("is neither sqlite://path nor postgres://user:password@host/name".to_owned()),
    }
}

fn cors(config: &Config, found: &mut Found) {
    let star = config.cors.origins.iter().any(|origin| origin == "*");
    if star && config.cors.credentials {
        found.push(("cors.credentials", "can't be on for every origin (\"*\"); list the origins".to_owned()));
    }
    if star && config.cors.origins.len() > 1 {
        found.push((
            "cors.origins",
            "\"*\" allows every origin; the others beside it mean nothing".to_owned(),
        ));
    }
    for origin in config.cors.origins.iter().filter(|origin| *origin != "*" && !is_origin(origin)) {
        let message =
            format!("`{origin}` is not an origin; write it as browsers do: https://app.example.com");
        found.push(("cors.origins", message));
    }
    for name in &config.cors.headers {
        if poem::http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            found.push(("cors.headers", format!("`{name}` is not a header name")));
        }
    }
}

fn bounds(config: &Config, found: &mut Found) {
    let limits = &config.limits;
    let times: [(&'static str, Duration); 8] = [
        ("limits.body_timeout", limits.body_timeout.0),
        ("limits.header_timeout", limits.header_timeout.0),
        ("limits.idle_timeout", limits.idle_timeout.0),
        ("limits.write_timeout", limits.write_timeout.0),
        ("limits.request_timeout", limits.request_timeout.0),
        ("limits.queue_timeout", limits.queue_timeout.0),
        ("database.acquire_timeout", config.database.acquire_timeout.0),
        ("database.statement_timeout", config.database.statement_timeout.0),
    ];
    found.extend(times.iter().filter(|(_, time)| time.is_zero()).map(|(key, _)| (*key, above_zero())));
    let counts: [(&'static str, usize); 9] = [
        ("limits.body", limits.body.0),
        ("limits.headers", limits.headers),
        ("limits.connections", limits.connections),
        ("limits.connections_per_peer", limits.connections_per_peer),
        ("limits.concurrency", limits.concurrency),
        ("limits.depth", limits.depth),
        ("graphql.document", config.graphql.document.0),
        ("graphql.tokens", config.graphql.tokens),
        ("graphql.nesting", config.graphql.nesting),
    ];
    found.extend(counts.iter().filter(|(_, count)| *count == 0).map(|(key, _)| (*key, above_zero())));
    if limits.header_size.0 < 8192 {
        found.push(("limits.header_size", "must be at least 8KB".to_owned()));
    }
    // The parser goes down one stack frame per level.
    if config.graphql.nesting > 256 {
        found.push(("graphql.nesting", "must be at most 256".to_owned()));
    }
    let most = tokio::sync::Semaphore::MAX_PERMITS;
    if limits.connections > most || limits.concurrency > most {
        found.push(("limits.connections", format!("must be at most {most}")));
    }
}

fn above_zero() -> String {
    "must be above zero".to_owned()
}

fn redis(config: &Config, found: &mut Found) {
    found.extend(config.redis.problem().map(|message| ("redis.url", message.to_owned())));
}

fn telemetry(config: &Config, found: &mut Found) {
    let telemetry = &config.telemetry;
    if !(0.0..=1.0).contains(&telemetry.sampler_ratio) {
        found.push(("telemetry.sampler_ratio", "must be between 0 and 1".to_owned()));
    }
    let web = |text: &str| url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !telemetry.endpoint.is_empty() && !web(&telemetry.endpoint) {
        found.push(("telemetry.endpoint", "is not an http:// or https:// address".to_owned()));
    }
    if let Err(error) = tracing_subscriber::EnvFilter::builder().parse(&telemetry.log) {
        found.push(("telemetry.log", format!("is not understood: {error}")));
    }
    if config.graphql.persisted_only && config.graphql.persisted().is_none() {
        found.push(("graphql.persisted_only", "needs a folder in graphql.persisted".to_owned()));
    }
}

fn mail(config: &Config, found: &mut Found) {
    let mail = &config.mail;
    let production = config.mode == Mode::Production;
    let sends = !mail.url.is_empty();
    if let Some(error) = service::mail::check_url(mail.url.reveal()).err().filter(|_| sends) {
        found.push(("mail.url", told(&error)));
    } else if production && mail.tells_its_password() {
        let message = "sends the password in the clear; write smtps://, or add ?tls=required";
        found.push(("mail.url", message.to_owned()));
    }
    match service::mail::check_sender(&mail.from) {
        Err(error) => found.push(("mail.from", told(&error))),
        Ok(domain) if production && sends && domain.eq_ignore_ascii_case("localhost") => {
            found.push((
                "mail.from",
                "needs an address of your own: no mail server takes localhost".to_owned(),
            ));
        }
        Ok(_) => {}
    }
    let length = mail.product.chars().count();
    if mail.product.trim().is_empty() || length > PRODUCT || mail.product.chars().any(char::is_control) {
        found.push(("mail.product", format!("must be a name on one line, of at most {PRODUCT} characters")));
    }
    if !mail.app_url.is_empty() && mail.site().is_none() {
        let message =
            "is not an http:// or https:// address without `?`, `#` and user; write https://app.example.com";
        found.push(("mail.app_url", message.to_owned()));
    }
}

/// What an error of the service says, with the way out.
fn told(error: &service::Error) -> String {
    [Some(error.message()), error.hint_text()].into_iter().flatten().collect::<Vec<_>>().join(" ")
}
