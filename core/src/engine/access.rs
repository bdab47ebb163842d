//! Access tokens: JWTs of a session, and what was revoked since they were issued.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::change::Plan;
use super::inspect::{Found, Live, session_key};
use super::session::{Session, Verdict};
use super::verify::{Touch, claims_now};
use super::{Engine, Inner};
use crate::cache::{Entry, SeenToken};
use crate::codec::base64url;
use crate::codec::record::{self, Kind};
use crate::config::AccessTokens;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Handle, fill_random};
use crate::keys::{Jwks, Keyring, SigningKey};
use crate::policy::touch_resolution_ms;
use crate::record::SessionRow;
use crate::store::{Batch, Check, Durability};
use crate::time::{Timestamp, millis};
use crate::token::jwt::{Claims, JwtKind, OwnKeys, Profile, Signer};
use crate::verdict::Reason;

/// What goes into an access token beyond what the engine puts there.
#[derive(Clone, Debug, Default)]
pub struct AccessOptions {
    audiences: Option<Vec<String>>,
    client: Option<String>,
    scopes: Vec<String>,
    lifetime: Option<Duration>,
    claims: Map<String, Value>,
    /// The generation of the refresh family that it is minted with.
    generation: Option<u32>,
}

impl AccessOptions {
    /// Nothing more.
    pub fn new() -> Self {
        AccessOptions::default()
    }

    /// These audiences, instead of the configuration's.
    #[must_use]
    pub fn audiences(mut self, audiences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.audiences = Some(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// The client that it is for: `client_id` (RFC 9068, 2.2).
    #[must_use]
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// What it may be used for: `scope`, separated by spaces (RFC 8693, 4.2).
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// A shorter lifetime than the configuration's.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// A claim of the host's own.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    pub(super) fn generation(mut self, generation: u32) -> Self {
        self.generation = Some(generation);
        self
    }
}

/// A new access token.
#[derive(Clone)]
pub struct IssuedAccess {
    /// The token: compact JWS, for an `Authorization: Bearer` header.
    pub token: String,
    /// It is good until then: a little less than the lifetime, so that a crowd that came at once
    /// does not come back at once.
    pub deadline: Timestamp,
}

impl std::fmt::Debug for IssuedAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedAccess").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// What verification of an access token says.
#[derive(Clone, Debug)]
#[must_use]
pub enum AccessVerdict {
    /// It is good, and so is its session.
    Valid {
        /// Its claims.
        claims: Arc<Claims>,
        /// Its session.
        session: Session,
    },
    /// It is not.
    Rejected(Reason),
}

impl AccessVerdict {
    /// The claims, if it is good.
    pub fn claims(&self) -> Option<&Claims> {
        match self {
            AccessVerdict::Valid { claims, .. } => Some(claims),
            AccessVerdict::Rejected(_) => None,
        }
    }

    /// Why it was rejected, if it was.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            AccessVerdict::Valid { .. } => None,
            AccessVerdict::Rejected(reason) => Some(*reason),
        }
    }
}

impl Engine {
    /// Mints an access token for the session of `handle`: it stands and falls with the session,
    /// and is [`StaleClaims`](Reason::StaleClaims) once the subject's claims change.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig): access tokens are not configured.
    /// - [`SessionGone`](ErrorKind::SessionGone): no valid session, or it was rotated.
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the session is anonymous, or a claim cannot
    ///   be written: empty, or one of the engine's own.
    /// - [`TooLarge`](ErrorKind::TooLarge): the token would have more than 8,192 characters.
    /// - Store errors: not known whether the session is valid.
    pub fn issue_access(&self, handle: &Handle, options: &AccessOptions) -> Result<IssuedAccess> {
        self.inner.issue_access(handle, options)
    }

    /// Says whether an access token of this engine is good: signature, kind, issuer, audience and
    /// time, and that neither it nor its session nor its subject was revoked since. If it is good
    /// its client counts as seen.
    ///
    /// A token that was seen before costs neither signature nor JSON; what can change is asked
    /// each time.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and [`InvalidConfig`](ErrorKind::InvalidConfig): access
    /// tokens are not configured.
    pub fn verify_access(&self, token: &str) -> Result<AccessVerdict> {
        let verdict = self.inner.verify_access(token.as_bytes(), Touch::Yes);
        self.ensure_maintenance_if_needed();
        verdict
    }

    /// Denies one access token: it is [`Denied`](Reason::Denied) from the moment this returns.
    /// Its session stays. The note of it goes when the token would have expired. Says whether it
    /// was good until now.
    ///
    /// # Errors
    /// - [`TooLarge`](ErrorKind::TooLarge): 256 tokens of the session are denied already: revoke
    ///   the session instead. Nothing was changed.
    /// - As [`revoke`](Self::revoke).
    pub fn deny_access(&self, token: &str) -> Result<bool> {
        self.inner.deny_access(token.as_bytes())
    }

    /// The public keys of the access tokens, for `/.well-known/jwks.json`: those that sign, will
    /// sign, or have signed and are not retired. Empty for HS256.
    pub fn jwks(&self) -> String {
        let keyring = self.inner.keyring();
        let keys = keyring.jwt_keys().into_iter().map(|key| key.verifying_key().clone());
        Jwks::new(keys.collect()).unwrap_or_default().to_json()
    }

    /// Publishes a key that signs access tokens with `key`, made elsewhere, and gives its id:
    /// activate it once all that verify know it.
    ///
    /// # Errors
    /// As [`publish_key`](Self::publish_key).
    pub fn import_key(&self, key: &SigningKey) -> Result<u8> {
        self.inner.change_keys(|keys, now| {
            let id = keys.publish(now)?;
            keys.import(id, key)?;
            Ok(id)
        })
    }
}

/// What signs and verifies access tokens.
pub(super) struct AccessKeys {
    settings: AccessTokens,
    profile: Profile,
    signer: Option<Signer>,
    own: OwnKeys,
}

impl AccessKeys {
    /// The keys of `keyring`, at work.
    pub(super) fn new(settings: &AccessTokens, keyring: &Keyring) -> Result<Self> {
        let audience = settings.audiences.first().map_or("", String::as_str);
        let profile = Profile::new(JwtKind::Access, &settings.issuer, audience)?;
        let signers = keyring.jwt_keys().into_iter();
        let mut signers: Vec<Signer> =
            signers.map(|key| Signer::new(key.clone(), settings.naming)).collect();
        let own = signers.iter().fold(OwnKeys::default(), |own, signer| own.with(signer));
        let signer = if signers.is_empty() { None } else { Some(signers.swap_remove(0)) };
        Ok(AccessKeys { settings: settings.clone(), profile, signer, own })
    }
}

impl Inner {
    fn access_keys(&self) -> Result<Arc<AccessKeys>> {
        self.access_keys.read().clone().ok_or_else(not_configured)
    }

    pub(super) fn has_access_tokens(&self) -> bool {
        self.access_keys.read().is_some()
    }

    fn issue_access(&self, handle: &Handle, options: &AccessOptions) -> Result<IssuedAccess> {
        let store = self.store()?;
        let now = self.clock.now();
        let live = match self.find(store.as_ref(), handle, now)? {
            Found::Live(live) => *live,
            Found::Superseded(old) => {
                let message = format!("session {handle} was rotated to {}", old.to);
                return Err(Error::new(ErrorKind::SessionGone, message));
            }
            Found::Rejected(reason) => {
                let message = format!("session {handle} is not valid: {reason}");
                return Err(Error::new(ErrorKind::SessionGone, message));
            }
        };
        self.mint_access(handle, &live, options)
    }

    /// A token for a session that is valid now.
    pub(super) fn mint_access(
        &self,
        handle: &Handle,
        live: &Live,
        options: &AccessOptions,
    ) -> Result<IssuedAccess> {
        let keys = self.access_keys()?;
        let no_key = || Error::new(ErrorKind::NoSuchKey, "no key signs access tokens");
        let signer = keys.signer.as_ref().ok_or_else(no_key)?;
        let record = &live.record;
        let Some(subject) = &record.subject else {
            let message = "an anonymous session has no access tokens: they are about a subject";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        if options.claims.contains_key(GENERATION) {
            let message = "the claim gen is the engine's own";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let now = self.clock.now();
        let mut random = [0; 18];
        fill_random(&mut random)?;
        let (jitter, jti) = random.split_at(2);
        let lifetime = options.lifetime.unwrap_or(keys.settings.lifetime);
        let lifetime_ms = millis(lifetime.min(keys.settings.lifetime));
        let jitter = jitter.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let lifetime_ms = lifetime_ms - lifetime_ms * jitter / (20 << 16);
        let deadline = now.plus_millis(lifetime_ms).min(record.absolute_deadline);
        let mut extra = options.claims.clone();
        if let Some(client) = &options.client {
            extra.insert("client_id".into(), client.as_str().into());
        }
        if !options.scopes.is_empty() {
            extra.insert("scope".into(), options.scopes.join(" ").into());
        }
        if let Some(generation) = options.generation {
            extra.insert(GENERATION.into(), generation.into());
        }
        let audiences = options.audiences.as_ref().unwrap_or(&keys.settings.audiences);
        let claims = Claims {
            iss: Some(keys.settings.issuer.clone()),
            sub: Some(subject.as_str().to_owned()),
            aud: Some(audiences.clone()),
            exp: Some(deadline.as_secs()),
            nbf: None,
            iat: Some(now.as_secs()),
            jti: Some(base64url::encode_string(jti)),
            sid: Some(handle.to_string()),
            auth_time: record.authenticated_at.map(Timestamp::as_secs),
            seq: Some(record.issued_seq),
            ver: Some(claims_now(record, live.subject.as_ref())),
            extra,
        };
        let token = signer.sign(JwtKind::Access, &claims)?;
        // What the claim says, in whole seconds.
        let deadline = Timestamp::from_millis(deadline.as_secs().saturating_mul(1000));
        Ok(IssuedAccess { token, deadline })
    }

    pub(super) fn verify_access(&self, token: &[u8], touch: Touch) -> Result<AccessVerdict> {
        self.refuse_stale()?;
        let now = self.clock.now();
        let token = match self.authentic_access(token, now)? {
            Ok(token) => token,
            Err(reason) => return Ok(AccessVerdict::Rejected(reason)),
        };
        if let Some(session) = self.plain_session(&token, touch, now)? {
            return Ok(AccessVerdict::Valid { claims: token.claims, session });
        }
        let rejected = |reason| Ok(AccessVerdict::Rejected(reason));
        // Untouched until all is known: who presents a token that is not good was not here.
        let session = match self.session_of(&token.handle, now)? {
            Verdict::Valid(session) => session,
            Verdict::Rejected(reason) => return rejected(reason),
        };
        let facts = &session.facts;
        if facts.subject.is_none() || facts.subject != token.subject {
            return rejected(Reason::UnknownSession);
        }
        let claims_now = match facts.are_claims_stale {
            false => facts.claims_version,
            true => self.claims_of(&facts.handle, now)?,
        };
        if token.version.is_none_or(|version| version < claims_now) {
            return rejected(Reason::StaleClaims);
        }
        if facts.has_denied && self.is_denied(&facts.handle, &token.claims)? {
            return rejected(Reason::Denied);
        }
        let resolution_ms = touch_resolution_ms(facts.idle_timeout_ms);
        if touch == Touch::No || now <= session.last_seen.plus_millis(resolution_ms) {
            return Ok(AccessVerdict::Valid { claims: token.claims, session });
        }
        Ok(match self.verify_handle(&facts.handle, Touch::Yes, now)? {
            Verdict::Valid(session) => AccessVerdict::Valid { claims: token.claims, session },
            // It ended meanwhile.
            Verdict::Rejected(reason) => AccessVerdict::Rejected(reason),
        })
    }

    /// A token of ours that has not expired.
    pub(super) fn authentic_access(
        &self,
        text: &[u8],
        now: Timestamp,
    ) -> Result<Result<SeenToken, Reason>> {
        self.follow()?;
        if let Some(token) = self.seen_tokens.get(text) {
            let is_over = token.exp.is_none_or(|exp| now.as_secs() >= exp);
            return Ok(if is_over { Err(Reason::Expired) } else { Ok(token) });
        }
        // Before the keys are read, so that what they verified is forgotten when they change.
        let stamp = self.seen_tokens.stamp();
        let claims = {
            let keys = self.access_keys.read();
            let keys = keys.as_ref().ok_or_else(not_configured)?;
            match keys.own.verify(text, &keys.profile, now) {
                Ok(claims) => claims,
                Err(reason) => return Ok(Err(reason)),
            }
        };
        let Some(token) = SeenToken::of(claims) else { return Ok(Err(Reason::MissingClaim)) };
        if let Some(generation) = token.claims.extra.get(GENERATION).and_then(Value::as_u64) {
            // Its first sight: the client has what it was sent.
            self.note_confirmed(token.handle, u32::try_from(generation).unwrap_or(u32::MAX));
        }
        self.seen_tokens.insert(text, stamp, token.clone());
        Ok(Ok(token))
    }

    /// The session of a token, if the cache alone can say that both are good. Touched only if they
    /// are: who presents a token that is not good was not here.
    #[inline]
    pub(super) fn plain_session(
        &self,
        token: &SeenToken,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Option<Session>> {
        let mut is_touch_due = false;
        let read = |entry: &Entry| {
            let facts = &entry.facts;
            let is_plain = facts.subject.is_some()
                && facts.subject == token.subject
                && !facts.are_claims_stale
                && !facts.has_denied
                && token.version.is_some_and(|version| version >= facts.claims_version);
            if is_plain { self.hit(entry, touch, now, &mut is_touch_due) } else { None }
        };
        let verdict = self.cache.get_by_handle(&token.handle, read).flatten();
        if is_touch_due {
            self.note_touch(token.handle, now);
        }
        Ok(verdict.transpose()?.and_then(Verdict::into_session))
    }

    /// The session that a token names, under the handle that it has now: a rotation replaces the
    /// session token, and lets access tokens live to their near end.
    fn session_of(&self, handle: &Handle, now: Timestamp) -> Result<Verdict> {
        let verdict = self.verify_handle(handle, Touch::No, now)?;
        let is_rotated = match &verdict {
            Verdict::Valid(session) => session.rotated_to().is_some(),
            Verdict::Rejected(reason) => *reason == Reason::RevokedSession,
        };
        if !is_rotated {
            return Ok(verdict);
        }
        let latest = self.latest(self.store()?.as_ref(), handle)?;
        if latest == *handle { Ok(verdict) } else { self.verify_handle(&latest, Touch::No, now) }
    }

    /// The claims version of a session's subject now, which the cache does not know when the
    /// session has an older one.
    fn claims_of(&self, handle: &Handle, now: Timestamp) -> Result<u64> {
        let store = self.store()?;
        Ok(match self.find(store.as_ref(), handle, now)? {
            Found::Live(live) => claims_now(&live.record, live.subject.as_ref()),
            // It went meanwhile: no token of it is fresh.
            Found::Superseded(_) | Found::Rejected(_) => u64::MAX,
        })
    }

    fn is_denied(&self, handle: &Handle, claims: &Claims) -> Result<bool> {
        let store = self.store()?;
        let key = session_key(handle);
        let row = store.get(&key)?;
        Ok(match row.and_then(|row| self.read_session(&key, &row)) {
            Some(SessionRow::Live(record)) => {
                record.denied.iter().any(|(jti, _)| Some(jti) == claims.jti.as_ref())
            }
            // It went meanwhile.
            _ => true,
        })
    }

    pub(super) fn deny_access(&self, token: &[u8]) -> Result<bool> {
        let now = self.clock.now();
        let Ok(SeenToken { claims, handle, .. }) = self.authentic_access(token, now)? else {
            return Ok(false);
        };
        let (Some(jti), Some(exp)) = (&claims.jti, claims.exp) else { return Ok(false) };
        let until = Timestamp::from_millis(exp.saturating_mul(1000));
        let store = self.store()?;
        let store = store.as_ref();
        let handle = self.latest(store, &handle)?;
        let mut was_good = false;
        self.change(store, handle.group(), || {
            was_good = false;
            let Found::Live(live) = self.find(store, &handle, now)? else {
                return Ok(None);
            };
            let mut record = live.record;
            record.denied.retain(|(_, until)| now < *until);
            if record.denied.iter().any(|(denied, _)| denied == jti) {
                return Ok(None);
            }
            if record.denied.len() >= DENIED_MAX {
                let message = "256 access tokens of the session are denied: revoke the session";
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
            was_good = true;
            record.denied.push((jti.clone(), until));
            let (key, expires_at) = (session_key(&handle), record.expires_at());
            let row = SessionRow::Live(record);
            let bytes = record::encode(Kind::Session, &key.to_vec(), &row)?;
            let batch = Batch::new(handle.group(), Durability::Durable)
                .check(key, Check::Version(live.version))
                .put(key, bytes, expires_at);
            Ok(Some(Plan::from(batch)))
        })?;
        Ok(was_good)
    }
}

#[cold]
fn not_configured() -> Error {
    let message = "access tokens are not configured: give Config::access_tokens";
    Error::new(ErrorKind::InvalidConfig, message)
}

/// The claim with the generation of the refresh family that a token was minted with.
const GENERATION: &str = "gen";

/// Denied tokens of one session: they are stored with it and read with it.
const DENIED_MAX: usize = 256;
