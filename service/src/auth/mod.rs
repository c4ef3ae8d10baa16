//! Who is who: accounts, sessions, tokens, keys, organizations. Everything under `/auth`, and who asks on every other
//! path, is decided here.
//!
//! [`Auth::identify`] turns credentials into a [`Principal`]; [`operation`] is the table of what can be
//! done, which both facades and the API's document are made of. Rows that a rule may speak of (users, organizations,
//! sessions, keys) are types of the model; what nobody may read (password hashes, seeds, tokens) is in tables of its own.

mod account;
mod admin;
mod attempt;
mod audit;
mod directory;
mod identify;
mod key;
mod later;
pub mod operation;
mod organization;
mod password;
mod provider;
mod secret;
mod session;
mod store;
mod sweep;
mod table;
mod token;
mod totp;
mod touch;
mod user;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use entity::Catalog;
use moka::sync::Cache;
use secrecy::SecretString;
use serde_json::Value as Json;
use tokio::sync::{Mutex, Semaphore};

use crate::clock;
use crate::database::Database;
use crate::error::{Code, Error, Result};
use crate::mail::Mailer;
use crate::outside::http::Client;
use crate::outside::issuer::{IssuerSettings, Issuers};
use crate::outside::provider::{Provider, ProviderSettings};
use crate::principal::Principal;
use crate::throttle::{Policy, Throttle};

pub use directory::{KeyEntry, PAGE, UserEntry, random_password};
pub use identify::Credential;
pub use operation::{Caller, Done, Operation};
pub use provider::{Arrival, Callback, Departure, Mode};
pub use session::Cookie;
pub use table::OPERATIONS;

use password::Passwords;
use secret::Vault;
use store::Store;
use token::Tokens;

/// How long a statement of this module may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long what is known of a caller is believed: a revocation on another node is in force after it.
const BELIEVED: Duration = Duration::from_secs(2);

/// How long the turns at an account are remembered: longer than one takes.
const TURN: Duration = Duration::from_secs(600);

/// Callers that are remembered for that long.
const REMEMBERED: u64 = 20_000;

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Whoever was invited to an organization.
    Invitation,
    /// Nobody; administrators make accounts.
    Closed,
}

/// How accounts are kept.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who may make an account.
    pub sign_up: SignUp,
    /// What signing keys and seeds are encrypted with.
    pub secret: SecretString,
    /// Who our tokens say made them: the URL under which the server is reached.
    pub issuer: String,
    /// What authenticator apps call the product.
    pub product: String,
    /// How long an access token lasts.
    pub access_token: TimeDelta,
    /// How long a session lasts that is not used: neither its cookie nor its refresh token.
    pub session_idle: TimeDelta,
    /// How long a session lasts at most.
    pub session: TimeDelta,
    /// How long an account is kept whose address nobody proves.
    pub unproved: TimeDelta,
    /// Whether cookies are for HTTPS alone.
    pub secure_cookies: bool,
    /// Origins of web sites that a browser may be sent back to after signing in with a provider.
    pub returns: Vec<String>,
    /// Where one can sign in besides here.
    pub providers: Vec<ProviderSettings>,
    /// Whose tokens are taken besides ours.
    pub issuers: Vec<IssuerSettings>,
    /// Whether providers and issuers on this machine may be asked without TLS.
    pub development: bool,
    /// Attempts to sign in from one address; none for any number. Those at one account are always limited.
    pub attempts: Option<Policy>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sign_up: SignUp::Open,
            secret: SecretString::default(),
            issuer: "http://127.0.0.1:8000".to_owned(),
            product: "Launchway".to_owned(),
            access_token: TimeDelta::minutes(10),
            session_idle: TimeDelta::days(30),
            session: TimeDelta::days(90),
            unproved: TimeDelta::days(7),
            secure_cookies: false,
            returns: Vec::new(),
            providers: Vec::new(),
            issuers: Vec::new(),
            development: true,
            attempts: None,
        }
    }
}

/// Accounts, sessions, tokens, keys, organizations: a cheap clone.
#[derive(Debug, Clone)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    catalog: Arc<ArcSwap<Catalog>>,
    settings: Settings,
    vault: Vault,
    tokens: Tokens,
    passwords: Passwords,
    known: Cache<identify::Shown, Principal>,
    mailer: Mailer,
    throttle: Throttle,
    providers: Vec<Provider>,
    issuers: Option<Issuers>,
    /// Guesses at one account take turns.
    turns: Cache<String, Arc<Mutex<()>>>,
    /// Places for what is done after the answer.
    later: Arc<Semaphore>,
    /// Places for noting what was used.
    touches: Arc<Semaphore>,
    /// Counts what was changed of callers: what was read before a change is not remembered after it.
    changes: AtomicU64,
}

impl Auth {
    /// Over a database, and the model in force.
    ///
    /// # Errors
    /// `INTERNAL` where the operating system has no random bytes.
    pub fn new(
        database: Database,
        catalog: Arc<ArcSwap<Catalog>>,
        settings: Settings,
        mailer: Mailer,
        throttle: Throttle,
    ) -> Result<Self> {
        let vault = Vault::new(&settings.secret);
        let (mut providers, mut issuers) = (Vec::new(), None);
        // What is not used needs no TLS either.
        if !(settings.providers.is_empty() && settings.issuers.is_empty()) {
            let http = Client::new(settings.development)?;
            let made = settings.providers.iter().cloned();
            providers = made.map(|provider| Provider::new(provider, http.clone())).collect::<Result<_>>()?;
            issuers = Some(Issuers::new(settings.issuers.clone(), http)?);
        }
        Ok(Self(Arc::new(Inner {
            tokens: Tokens::new(&settings.issuer, settings.access_token, vault.clone()),
            passwords: Passwords::new()?,
            known: Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED).build(),
            database,
            catalog,
            vault,
            settings,
            mailer,
            throttle,
            turns: Cache::builder().max_capacity(REMEMBERED).time_to_idle(TURN).build(),
            providers,
            issuers,
            later: Arc::new(Semaphore::new(later::PLACES)),
            touches: Arc::new(Semaphore::new(touch::PLACES)),
            changes: AtomicU64::new(0),
        })))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Whether the model in force has accounts at all.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.catalog.load().has_accounts()
    }

    /// The public keys of our tokens, as a JWK set (RFC 7517).
    #[must_use]
    pub fn published_keys(&self) -> Json {
        self.0.tokens.published()
    }

    /// Gets ready to sign, once a model is in force; and again from time to time, so that keys are rotated.
    ///
    /// # Errors
    /// The database's.
    pub async fn prepare(&self) -> Result<()> {
        match self.is_open() {
            true => self.0.tokens.load(&self.0.database).await,
            false => Ok(()),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        clock::now()
    }

    async fn store(&self) -> Result<Store> {
        Store::begin(&self.0.database, self.0.catalog.load_full(), self.now()).await
    }

    /// Forgets what is known of callers: what was changed is in force at once.
    fn forget(&self) {
        self.0.changes.fetch_add(1, Ordering::SeqCst);
        self.0.known.invalidate_all();
    }

    /// How often what is known of callers was changed.
    fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::SeqCst)
    }

    /// Remembers a caller, unless something was changed since: what was read may not be true any more.
    fn remember(&self, shown: identify::Shown, principal: &Principal, changes: u64) {
        if self.changes() != changes {
            return;
        }
        self.0.known.insert(shown.clone(), principal.clone());
        // A change between the question and the insertion.
        if self.changes() != changes {
            self.0.known.invalidate(&shown);
        }
    }
}

/// What is said of credentials that are wrong, whatever is wrong with them.
fn bad_credentials() -> Error {
    Error::new(Code::BadCredentials, "The credentials are not valid.")
}
