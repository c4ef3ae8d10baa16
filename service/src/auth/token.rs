//! Access tokens: short-lived JWTs (RFC 9068), signed with Ed25519 keys that are rotated and published (RFC 7517).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::secret::{Vault, random};
use super::store::{Arg, Store, look};
use crate::database::Database;
use crate::error::{Error, Result};

/// How long a key signs.
const ROTATION: TimeDelta = TimeDelta::days(30);

/// How long a key is published before it signs: by then all nodes have read it, which they do every hour, and so have
/// those who keep what a node published.
const NOTICE: TimeDelta = TimeDelta::hours(2);

/// How long a key is published after the last token it signed has ended.
const FAREWELL: TimeDelta = TimeDelta::days(1);

/// Seconds between two looks for a key that is not known.
const LOOK: i64 = 1;

/// Bytes of a token of ours: with the rest of its header it fits into the 8 KiB that proxies let through. No longer one is
/// made.
pub(super) const LONGEST: usize = 7 * 1024;

/// The type of the token in its head (RFC 9068, section 2.1): no token for another purpose is taken for one.
const TYPE: &str = "at+jwt";

/// What the sealed keys are for.
const PURPOSE: &str = "signing key";

/// Whom the tokens are for.
const AUDIENCE: &str = "launchway";

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    /// The user, or the key.
    pub(super) sub: Uuid,
    /// The session of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<Uuid>,
    /// What a token that a key was exchanged for may be used for (RFC 8693).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
}

struct Key {
    id: String,
    public: [u8; 32],
    signs: EncodingKey,
    verifies: DecodingKey,
    since: DateTime<Utc>,
}

/// Signs and verifies.
#[derive(Clone)]
pub(super) struct Tokens {
    issuer: Arc<str>,
    lifetime: TimeDelta,
    vault: Vault,
    keys: Arc<ArcSwap<Vec<Key>>>,
    looked: Arc<AtomicI64>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn new(issuer: &str, lifetime: TimeDelta, vault: Vault) -> Self {
        Self {
            issuer: issuer.into(),
            lifetime,
            vault,
            keys: Arc::default(),
            looked: Arc::new(AtomicI64::new(0)),
        }
    }

    /// How long a token lasts.
    pub(super) fn lifetime(&self) -> TimeDelta {
        self.lifetime
    }

    /// A token for a user's session, or for a key and its scopes.
    pub(super) fn issue(
        &self,
        now: DateTime<Utc>,
        sub: Uuid,
        sid: Option<Uuid>,
        scope: Option<String>,
    ) -> Result<String> {
        let keys = self.keys.load();
        let key = keys
            .iter()
            .filter(|key| key.since <= now)
            .max_by_key(|key| key.since)
            .or_else(|| keys.first())
            .ok_or_else(|| Error::internal("there is no key to sign with"))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.id.clone());
        header.typ = Some(TYPE.to_owned());
        let claims = Claims {
            iss: self.issuer.to_string(),
            aud: AUDIENCE.to_owned(),
            iat: now.timestamp(),
            exp: (now + self.lifetime).timestamp(),
            jti: Uuid::new_v4(),
            sub,
            sid,
            scope,
        };
        encode(&header, &claims, &key.signs).map_err(|error| Error::internal(error.to_string()))
    }

    /// Whether a text could be one of our tokens: whether it says so itself.
    pub(super) fn is_ours(&self, token: &str) -> bool {
        #[derive(Deserialize)]
        struct Issuer {
            iss: String,
        }
        let claims = token.split('.').nth(1).filter(|_| token.len() <= LONGEST);
        let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims = claims.and_then(|claims| serde_json::from_slice::<Issuer>(&claims).ok());
        claims.is_some_and(|claims| claims.iss == *self.issuer)
    }

    /// What a token says, where it is one of ours and still good.
    pub(super) async fn verify(&self, database: &Database, token: &str) -> Result<Option<Claims>> {
        if token.len() > LONGEST {
            return Ok(None);
        }
        let Ok(header) = decode_header(token) else { return Ok(None) };
        let fine = header.alg == Algorithm::EdDSA && header.typ.as_deref() == Some(TYPE);
        let Some(kid) = header.kid.filter(|_| fine) else { return Ok(None) };
        if !self.keys.load().iter().any(|key| key.id == kid) {
            let now = crate::clock::now().timestamp();
            let before = self.looked.load(Ordering::Relaxed);
            // Another node may have made it. Whoever invents ids makes us look once a second.
            let due = now - before >= LOOK;
            if due && self.looked.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            {
                self.load(database).await?;
            }
        }
        let keys = self.keys.load();
        let Some(key) = keys.iter().find(|key| key.id == kid) else { return Ok(None) };
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&*self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 0;
        validation.validate_nbf = true;
        Ok(decode::<Claims>(token, &key.verifies, &validation).ok().map(|decoded| decoded.claims))
    }

    /// The public keys, as `/.well-known/jwks.json` shows them.
    pub(super) fn published(&self) -> Json {
        let keys: Vec<Json> = self
            .keys
            .load()
            .iter()
            .map(|key| {
                json!({
                    "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                    "kid": key.id, "x": URL_SAFE_NO_PAD.encode(key.public),
                })
            })
            .collect();
        json!({ "keys": keys })
    }

    /// Reads the keys; makes one where there is none, and the next one before the present one is too old.
    pub(super) async fn load(&self, database: &Database) -> Result<()> {
        let now = crate::clock::now();
        let (mut keys, foreign) = self.read(database, now).await?;
        let newest = keys.iter().map(|key| key.since).max();
        let next = match newest {
            None => Some(now),
            Some(newest) if newest + ROTATION <= now => Some(now + NOTICE),
            Some(_) => None,
        };
        if let Some(since) = next {
            // Keys of another secret sign nothing here, and keep nobody from making one.
            let known = if foreign && newest.is_none() { i64::MAX } else { (now - ROTATION).timestamp() };
            self.make(database, now, since, known).await?;
            keys = self.read(database, now).await?.0;
        }
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// The keys, and whether there are others that can't be read.
    async fn read(&self, database: &Database, now: DateTime<Utc>) -> Result<(Vec<Key>, bool)> {
        // One text of lines: a read gives one row.
        let aggregate = match database.dialect() {
            migration::Dialect::Postgres => {
                "string_agg(\"id\" || ' ' || \"since\" || ' ' || \"sealed\", ',')"
            }
            migration::Dialect::Sqlite => {
                "group_concat(\"id\" || ' ' || \"since\" || ' ' || \"sealed\", ',')"
            }
        };
        let text = format!("select {aggregate} from \"launchway_signing_keys\" where \"until\" > ?");
        let row = look(database, &text, &[Arg::Number(now.timestamp())]).await?;
        let lines = row.map(|row| row.maybe_text(0)).transpose()?.flatten().unwrap_or_default();
        let (mut keys, mut foreign) = (Vec::new(), false);
        for line in lines.split(',').filter(|line| !line.is_empty()) {
            match self.key(line) {
                Some(key) => keys.push(key),
                None => {
                    foreign = true;
                    tracing::warn!(
                        "a signing key can't be read: `auth.secret` is not the one it was sealed with"
                    );
                }
            }
        }
        Ok((keys, foreign))
    }

    fn key(&self, line: &str) -> Option<Key> {
        let mut parts = line.split(' ');
        let (id, since, sealed) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let seed: [u8; 32] = self.vault.open(PURPOSE, sealed)?.try_into().ok()?;
        let key = SigningKey::from_bytes(&seed);
        let public = key.verifying_key().to_bytes();
        Some(Key {
            id: id.to_owned(),
            public,
            signs: EncodingKey::from_ed_der(key.to_pkcs8_der().ok()?.as_bytes()),
            verifies: DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(public)).ok()?,
            since: DateTime::from_timestamp(since, 0)?,
        })
    }

    /// Makes a key, unless there is one that is younger than `known`.
    async fn make(
        &self,
        database: &Database,
        now: DateTime<Utc>,
        since: DateTime<Utc>,
        known: i64,
    ) -> Result<()> {
        let seed = random::<32>()?;
        let sealed = self.vault.seal(PURPOSE, &seed)?;
        let id = URL_SAFE_NO_PAD.encode(random::<12>()?);
        let until = since + ROTATION + ROTATION + self.lifetime + FAREWELL;
        let mut store = Store::begin(database, Arc::new(entity::Catalog::empty()), now).await?;
        // One node makes it; the others find it.
        let text = "insert into \"launchway_signing_keys\" (\"id\", \"since\", \"until\", \"sealed\") select ?, ?, ?, ? \
                    where not exists (select 1 from \"launchway_signing_keys\" where \"since\" > ?)";
        let args = [
            Arg::Text(&id),
            Arg::Number(since.timestamp()),
            Arg::Number(until.timestamp()),
            Arg::Text(&sealed),
            Arg::Number(known),
        ];
        store.run(text, &args).await?;
        store
            .run(
                "delete from \"launchway_signing_keys\" where \"until\" < ?",
                &[Arg::Number(now.timestamp())],
            )
            .await?;
        store.commit().await
    }
}
