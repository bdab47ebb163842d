//! API keys: for programs, named, scoped, listed, revoked one by one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::change::Plan;
use super::create::suspended;
use super::events::EventKind;
use super::inspect::{Condemn, api_key_key};
use super::verify::Touch;
use super::{Engine, Inner};
use crate::cache::{ApiKeyState, Attachment, Entry, Facts};
use crate::codec::record::{self, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Group, Handle, Subject};
use crate::kind::TokenKind;
use crate::policy::{Standing, stands};
use crate::record::{ApiKeyRecord, EndCause, OWN_VERSION};
use crate::store::{Batch, Check, Commit, Durability, Key, Moves, Row, Store, Table};
use crate::sync::Ordering;
use crate::time::{Timestamp, millis};
use crate::token::{ApiKeyToken, group_of, text_of};
use crate::verdict::Reason;

/// What an API key is to be.
#[derive(Clone, Debug)]
pub struct ApiKeyOptions {
    subject: Subject,
    name: String,
    scopes: Vec<String>,
    lifetime: Option<Duration>,
    outlives_sessions: bool,
}

impl ApiKeyOptions {
    /// A key of `subject`, without scopes, until it is revoked. The name is for its owner: 1 to
    /// 255 bytes.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the subject has not 1 to 255 bytes.
    pub fn new(subject: &str, name: impl Into<String>) -> Result<Self> {
        Ok(ApiKeyOptions {
            subject: Subject::new(subject)?,
            name: name.into(),
            scopes: Vec::new(),
            lifetime: None,
            outlives_sessions: false,
        })
    }

    /// What it may be used for, in the host's own words: up to 64 scopes, 4 KiB together.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How long it is good: 1 second to 10 years.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// It stays when all sessions of its subject are ended. Otherwise "log out everywhere" ends
    /// it, too.
    #[must_use]
    pub fn outliving_sessions(mut self) -> Self {
        self.outlives_sessions = true;
        self
    }

    fn validate(&self) -> Result<()> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidInput, message));
        let name_len = self.name.len();
        if name_len == 0 || name_len > NAME_LEN_MAX {
            return invalid(format!("a name has 1 to 255 bytes, this one has {name_len}"));
        }
        if let Some(lifetime) = self.lifetime
            && !(LIFETIME_MIN..=LIFETIME_MAX).contains(&lifetime)
        {
            return invalid(format!("it lives 1 s to 10 years, not {} s", lifetime.as_secs()));
        }
        let scopes_len: usize = self.scopes.iter().map(String::len).sum();
        if self.scopes.len() > SCOPES_MAX || scopes_len > SCOPES_LEN_MAX {
            return Err(Error::new(ErrorKind::TooLarge, "more than 64 scopes, or than 4 KiB"));
        }
        Ok(())
    }
}

/// A new API key.
#[derive(Clone, Debug)]
pub struct IssuedApiKey {
    /// The token: shown to its owner once, and kept nowhere.
    pub token: ApiKeyToken,
    /// The key.
    pub key: ApiKey,
}

/// An API key, as lists show it and as verification gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public name.
    pub handle: Handle,
    /// Whose it is.
    pub subject: Subject,
    /// Its owner's name for it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// It is good until then; `None`: until it is revoked.
    pub deadline: Option<Timestamp>,
    /// When it was used last, kept to a minute.
    pub last_used: Option<Timestamp>,
}

impl ApiKey {
    fn of(handle: Handle, record: &ApiKeyRecord) -> Self {
        let ApiKeyRecord { subject, name, scopes, created, deadline, last_used, .. } =
            record.clone();
        ApiKey { handle, subject, name, scopes, created, deadline, last_used }
    }
}

/// What verification of an API key says.
#[derive(Clone, Debug)]
#[must_use]
pub enum ApiKeyVerdict {
    /// It is good.
    Valid {
        /// The key.
        key: ApiKey,
        /// How often this process has verified it within the last minute or so, this time
        /// included: for a limit on its rate. Forgotten when the key leaves the cache.
        uses_this_minute: u32,
    },
    /// It is not.
    Rejected(Reason),
}

impl ApiKeyVerdict {
    /// The key, if it is good.
    pub fn key(&self) -> Option<&ApiKey> {
        match self {
            ApiKeyVerdict::Valid { key, .. } => Some(key),
            ApiKeyVerdict::Rejected(_) => None,
        }
    }

    /// Why it was rejected, if it was.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            ApiKeyVerdict::Valid { .. } => None,
            ApiKeyVerdict::Rejected(reason) => Some(*reason),
        }
    }
}

impl Engine {
    /// Makes an API key. Durable when it returns.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput), [`TooLarge`](ErrorKind::TooLarge): a setting
    ///   is beyond its limit. Nothing was made.
    /// - [`Suspended`](ErrorKind::Suspended): the subject is. Nothing was made.
    /// - Other store errors: nothing was made that anybody has.
    pub fn create_api_key(&self, options: &ApiKeyOptions) -> Result<IssuedApiKey> {
        let issued = self.inner.create_api_key(options)?;
        self.ensure_maintenance();
        Ok(issued)
    }

    /// Says whether an API key is good. Once cached it costs no store access; that it was used
    /// is written behind, once a minute at most.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_api_key(&self, token: &str) -> Result<ApiKeyVerdict> {
        let verdict = self.inner.verify_api_key(token.as_bytes(), Touch::Yes)?;
        self.ensure_maintenance_if_needed();
        Ok(verdict)
    }

    /// The API keys of `subject` that are good, the oldest first.
    ///
    /// # Errors
    /// - [`Unavailable`](ErrorKind::Unavailable), [`Corrupt`](ErrorKind::Corrupt),
    ///   [`Closed`](ErrorKind::Closed).
    pub fn list_api_keys(&self, subject: &str) -> Result<Vec<ApiKey>> {
        self.inner.list_api_keys(&Subject::new(subject)?)
    }

    /// Ends an API key. Every verification that starts after this returned rejects it. Says
    /// whether it was good until now.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn revoke_api_key(&self, handle: &Handle) -> Result<bool> {
        self.inner.revoke_api_key(handle)
    }
}

impl Inner {
    fn create_api_key(&self, options: &ApiKeyOptions) -> Result<IssuedApiKey> {
        options.validate()?;
        if !self.keyring().is_kept_for_api_keys() {
            self.change_keys(|keys, _| {
                keys.keep_for_api_keys();
                Ok(())
            })?;
        }
        let store = self.store()?;
        let now = self.clock.now();
        let subject = &options.subject;
        let (group, _) = self.keyring().locate(subject);
        let generation = self.generation();
        if let Some(known) = self.subject_record(store.as_ref(), group, subject)?
            && known.is_suspended(now)
        {
            return Err(suspended(subject));
        }
        let record = ApiKeyRecord {
            subject: subject.clone(),
            name: options.name.clone(),
            scopes: options.scopes.clone(),
            created: now,
            deadline: options.lifetime.map(|lifetime| now.plus_millis(millis(lifetime))),
            last_used: None,
            issued_seq: OWN_VERSION,
            issued_generation: generation,
            outlives_sessions: options.outlives_sessions,
            is_revoked: false,
        };
        let handle = Handle::random(group)?;
        let key = api_key_key(&handle);
        let bytes = record::encode(Kind::ApiKey, &key.to_vec(), &record)?;
        let batch = Batch::new(group, Durability::Durable)
            .moving(Moves::Nothing)
            .check(key, Check::Absent)
            .put(key, bytes, expiry_of(&record));
        if store.commit(batch)? == Commit::Conflict {
            return Err(Error::new(ErrorKind::Internal, "a random handle was there already"));
        }
        let keyring = self.keyring();
        let (id, key) = keyring.active_key(TokenKind::ApiKey)?;
        let token = ApiKeyToken::sign(&self.config.api_key_prefix, &handle, id, key);
        Ok(IssuedApiKey { token, key: ApiKey::of(handle, &record) })
    }

    pub(super) fn verify_api_key(&self, token: &[u8], touch: Touch) -> Result<ApiKeyVerdict> {
        self.refuse_stale()?;
        let now = self.clock.now();
        let rejected = |reason| Ok(ApiKeyVerdict::Rejected(reason));
        let Some(text) = text_of(&self.config.api_key_prefix, token) else {
            return rejected(Reason::Malformed);
        };
        let cached = self.api_keys.get(text, |entry| match &entry.attachment {
            Some(Attachment::ApiKey(state)) if now < entry.facts.absolute_deadline => {
                Some((entry.facts.handle, state.clone()))
            }
            _ => None,
        });
        if let Some((handle, state)) = cached {
            return Ok(self.told(handle, &state, touch, now));
        }
        // Before the keyring and the store are read, as for every fill.
        let stamp = self.epochs.stamp(group_of(text));
        self.follow()?;
        let handle = match self.authentic(TokenKind::ApiKey, text) {
            Ok(handle) => handle,
            Err(reason) => return rejected(reason),
        };
        let store = self.store()?;
        let record = match self.find_api_key(store.as_ref(), &handle)? {
            Ok((record, _)) => record,
            Err(reason) => return rejected(reason),
        };
        let state = Arc::new(ApiKeyState::new(record.clone()));
        if let Some(stamp) = stamp {
            let entry = Entry::new(text, stamp, facts_of(handle, &record), now, now);
            let entry = entry.with(Attachment::ApiKey(state.clone()));
            self.api_keys.insert(text, entry);
        }
        Ok(self.told(handle, &state, touch, now))
    }

    /// The verdict on a good key, which counts as a use of it or not.
    fn told(
        &self,
        handle: Handle,
        state: &ApiKeyState,
        touch: Touch,
        now: Timestamp,
    ) -> ApiKeyVerdict {
        if touch == Touch::Yes {
            return self.used(handle, state, now);
        }
        let mut key = ApiKey::of(handle, &state.record);
        key.last_used = key.last_used.max(self.api_key_uses.lock().get(&handle).copied());
        ApiKeyVerdict::Valid { key, uses_this_minute: 0 }
    }

    /// Counts a use, and notes it for the store.
    fn used(&self, handle: Handle, state: &ApiKeyState, now: Timestamp) -> ApiKeyVerdict {
        let uses_this_minute = state.count(now);
        let mut key = ApiKey::of(handle, &state.record);
        let noted = state.last_noted.load(Ordering::Relaxed);
        key.last_used = key.last_used.max(Some(now));
        if now.as_millis().saturating_sub(noted) >= USE_NOTED_EVERY_MS {
            state.last_noted.store(now.as_millis(), Ordering::Relaxed);
            self.api_key_uses.lock().insert(handle, now);
            self.has_work.store(true, Ordering::Relaxed);
        }
        ApiKeyVerdict::Valid { key, uses_this_minute }
    }

    fn list_api_keys(&self, subject: &Subject) -> Result<Vec<ApiKey>> {
        let store = self.store()?;
        let store = store.as_ref();
        let (group, _) = self.keyring().locate(subject);
        let mut keys = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = store.scan(group, Table::ApiKey, &[], after.as_deref(), PAGE)?;
            for (key, row) in &page {
                let Some(record) = self.read_api_key(key, row) else { continue };
                let Ok(random) = key.id().try_into() else { continue };
                if record.subject != *subject || self.judge_api_key(store, group, &record)?.is_err()
                {
                    continue;
                }
                let handle = Handle::from_parts(group, random);
                let mut key = ApiKey::of(handle, &record);
                key.last_used = key.last_used.max(self.api_key_uses.lock().get(&handle).copied());
                keys.push(key);
            }
            after = match page.last() {
                Some((key, _)) if page.len() == PAGE => Some(key.id().to_vec()),
                _ => break,
            };
        }
        keys.sort_by_key(|key| key.created);
        Ok(keys)
    }

    pub(super) fn revoke_api_key(&self, handle: &Handle) -> Result<bool> {
        let store = self.store()?;
        let store = store.as_ref();
        let key = api_key_key(handle);
        let mut was_good = false;
        self.change(store, handle.group(), || {
            was_good = false;
            let Some(row) = store.get(&key)? else { return Ok(None) };
            let Some(mut record) = self.read_api_key(&key, &row) else { return Ok(None) };
            if record.is_revoked {
                return Ok(None);
            }
            was_good = self.judge_api_key(store, handle.group(), &record)?.is_ok();
            record.is_revoked = true;
            let bytes = record::encode(Kind::ApiKey, &key.to_vec(), &record)?;
            // It says why for a while, and is swept then.
            let until = self.clock.now().plus_millis(REVOKED_KEPT_MS).min(expiry_of(&record));
            let batch = Batch::new(handle.group(), Durability::Durable)
                .check(key, Check::Version(row.version))
                .put(key, bytes, until);
            let told = EventKind::Revoked { handle: *handle, cause: EndCause::Revoked };
            Ok(Some(Plan::from(batch).telling(told).condemning(Condemn::Session(*handle))))
        })?;
        Ok(was_good)
    }

    /// Tells the store when keys were used. Conditional, as touches are.
    pub(super) fn flush_api_key_uses(&self, store: &dyn Store) -> Result<()> {
        let mut pending: VecDeque<_> = {
            let uses = self.api_key_uses.lock();
            uses.iter().map(|(handle, at)| (*handle, *at)).collect()
        };
        while let Some((handle, at)) = pending.pop_front() {
            let key = api_key_key(&handle);
            let _one_writer = self.stripe(handle.group())?.lock();
            if let Some(row) = store.get(&key)?
                && let Some(mut record) = self.read_api_key(&key, &row)
                && record.last_used < Some(at)
            {
                record.last_used = Some(at);
                let bytes = record::encode(Kind::ApiKey, &key.to_vec(), &record)?;
                let batch = Batch::new(handle.group(), Durability::Buffered)
                    .moving(Moves::Nothing)
                    .check(key, Check::Version(row.version))
                    .put(key, bytes, row.expires_at);
                // A conflict is another process that saw the key, too.
                let _ = store.commit(batch)?;
            }
            let mut uses = self.api_key_uses.lock();
            if uses.get(&handle) == Some(&at) {
                uses.remove(&handle);
            }
        }
        Ok(())
    }

    fn find_api_key(
        &self,
        store: &dyn Store,
        handle: &Handle,
    ) -> Result<Result<(ApiKeyRecord, Row), Reason>> {
        let key = api_key_key(handle);
        let Some(row) = store.get(&key)? else { return Ok(Err(Reason::UnknownSession)) };
        let Some(record) = self.read_api_key(&key, &row) else {
            return Ok(Err(Reason::UnknownSession));
        };
        if let Err(reason) = self.judge_api_key(store, handle.group(), &record)? {
            return Ok(Err(reason));
        }
        let condemned = self.condemnation(handle, Some(&record.subject));
        Ok(match condemned {
            Some(Reason::RevokedSubject) if record.outlives_sessions => Ok((record, row)),
            Some(reason) => Err(reason),
            None => Ok((record, row)),
        })
    }

    fn judge_api_key(
        &self,
        store: &dyn Store,
        group: Group,
        record: &ApiKeyRecord,
    ) -> Result<Result<(), Reason>> {
        let now = self.clock.now();
        let subject = self.subject_record(store, group, &record.subject)?;
        let standing = Standing { subject: subject.as_ref(), generation: self.generation() };
        // A sequence above every watermark: suspension and `revoke_all` still count.
        let seq = if record.outlives_sessions { u64::MAX } else { record.issued_seq };
        Ok(match stands(seq, record.issued_generation, standing, now) {
            Err(reason) => Err(reason),
            Ok(()) if record.is_revoked => Err(Reason::Denied),
            Ok(()) if record.deadline.is_some_and(|deadline| now >= deadline) => {
                Err(Reason::Expired)
            }
            Ok(()) => Ok(()),
        })
    }

    /// The record in a row, its symbols resolved. What cannot be read is no key, and counted.
    fn read_api_key(&self, key: &Key, row: &Row) -> Option<ApiKeyRecord> {
        let mut record: ApiKeyRecord = self.readable(Kind::ApiKey, key, row)?;
        if record.issued_seq == OWN_VERSION {
            record.issued_seq = row.version;
        }
        Some(record)
    }
}

fn expiry_of(record: &ApiKeyRecord) -> Timestamp {
    record.deadline.unwrap_or(Timestamp::NEVER)
}

/// What the cache has of a key, beside its record: it ends at its deadline, used or not.
fn facts_of(handle: Handle, record: &ApiKeyRecord) -> Facts {
    Facts {
        handle,
        subject: Some(record.subject.clone()),
        created: record.created,
        issued: record.created,
        authenticated_at: None,
        idle_timeout_ms: u64::MAX,
        absolute_deadline: expiry_of(record),
        claims_version: 0,
        are_claims_stale: false,
        has_denied: false,
        is_under_old_key: false,
    }
}

const NAME_LEN_MAX: usize = 255;
const SCOPES_MAX: usize = 64;
const SCOPES_LEN_MAX: usize = 4 << 10;
const LIFETIME_MIN: Duration = Duration::from_secs(1);
const LIFETIME_MAX: Duration = Duration::from_secs(3_653 * 86_400);

/// How old the store's `last used` may get.
const USE_NOTED_EVERY_MS: u64 = 60_000;

/// For how long the row of a revoked key says so: 90 days.
const REVOKED_KEPT_MS: u64 = 90 * 86_400_000;

/// Rows read at once.
const PAGE: usize = 256;
