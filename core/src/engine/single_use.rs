//! Single-use tokens: magic links, password resets, e-mail verification.

use std::time::Duration;

use super::change::Plan;
use super::create::suspended;
use super::events::EventKind;
use super::inspect::single_use_key;
use super::{Engine, Inner};
use crate::codec::record::{self, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Group, Handle, Subject};
use crate::kind::TokenKind;
use crate::policy::{Standing, stands};
use crate::record::{EndCause, OWN_VERSION, SingleUseRecord, SingleUseState};
use crate::store::{Batch, Check, Durability, Key, Row, Store, Table};
use crate::time::{Timestamp, millis};
use crate::token::{Parts, SingleUseToken, TokenText};
use crate::verdict::Reason;

/// What a single-use token is to be.
#[derive(Clone, Debug)]
pub struct SingleUseOptions {
    purpose: String,
    subject: Option<Subject>,
    payload: Vec<u8>,
    lifetime: Duration,
    supersedes: bool,
}

impl SingleUseOptions {
    /// A token that is good for `purpose` alone, for 15 minutes. A purpose has 1 to 64 bytes:
    /// `password-reset`.
    pub fn new(purpose: impl Into<String>) -> Self {
        SingleUseOptions {
            purpose: purpose.into(),
            subject: None,
            payload: Vec::new(),
            lifetime: Duration::from_secs(900),
            supersedes: false,
        }
    }

    /// For this subject: it stands and falls with the subject's `revoke_subject` and `suspend`.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): not 1 to 255 bytes.
    pub fn subject(mut self, subject: &str) -> Result<Self> {
        self.subject = Some(Subject::new(subject)?);
        Ok(self)
    }

    /// What comes back when it is used: up to 16 KiB, kept in the store and not in the token.
    #[must_use]
    pub fn payload(mut self, payload: impl Into<Vec<u8>>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Another lifetime: 1 second to 7 days. A password reset should live for an hour at most.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// It takes the place of older ones of its subject and purpose, which are good no longer.
    #[must_use]
    pub fn superseding(mut self) -> Self {
        self.supersedes = true;
        self
    }

    fn validate(&self) -> Result<()> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidInput, message));
        let purpose_len = self.purpose.len();
        if purpose_len == 0 || purpose_len > PURPOSE_LEN_MAX {
            return invalid(format!("a purpose has 1 to 64 bytes, this one has {purpose_len}"));
        }
        if !(LIFETIME_MIN..=LIFETIME_MAX).contains(&self.lifetime) {
            let lifetime = self.lifetime.as_secs();
            return invalid(format!("it lives 1 second to 7 days, not {lifetime} s"));
        }
        if self.supersedes && self.subject.is_none() {
            return invalid("without a subject there is nothing to supersede".into());
        }
        if self.payload.len() > PAYLOAD_LEN_MAX {
            let len = self.payload.len();
            let message = format!("a payload has at most 16 KiB, this one has {len} bytes");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(())
    }
}

/// A new single-use token.
#[derive(Clone, Debug)]
pub struct IssuedSingleUse {
    /// The token: into the link with it.
    pub token: SingleUseToken,
    /// Its public name.
    pub handle: Handle,
    /// It is good until then.
    pub deadline: Timestamp,
}

/// What a single-use token stands for.
#[derive(Clone, PartialEq, Eq)]
pub struct SingleUse {
    /// Its public name.
    pub handle: Handle,
    /// For whom it was made.
    pub subject: Option<Subject>,
    /// What was to come back.
    pub payload: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// It is good until then.
    pub deadline: Timestamp,
}

impl std::fmt::Debug for SingleUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SingleUse").field("handle", &self.handle).finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes a single-use token. Durable when it returns.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput), [`TooLarge`](ErrorKind::TooLarge): a setting
    ///   is beyond its limit. Nothing was made.
    /// - [`Suspended`](ErrorKind::Suspended): the subject is. Nothing was made.
    /// - Other store errors: nothing was made that anybody has.
    pub fn issue_single_use(&self, options: &SingleUseOptions) -> Result<IssuedSingleUse> {
        let issued = self.inner.issue_single_use(options)?;
        self.ensure_maintenance();
        Ok(issued)
    }

    /// Says whether a token is good for `purpose`, and leaves it so: for the page that a link
    /// opens, which mail scanners open, too. Use it with [`consume`](Self::consume) once the
    /// person presses the button.
    ///
    /// # Errors
    /// - [`Unavailable`](ErrorKind::Unavailable), [`Corrupt`](ErrorKind::Corrupt),
    ///   [`Closed`](ErrorKind::Closed): not known. Let nobody do anything.
    pub fn peek_single_use(&self, purpose: &str, token: &str) -> Result<Result<SingleUse, Reason>> {
        self.inner.peek_single_use(purpose, token.as_bytes())
    }

    /// Uses a token: of all who try, on all threads and whatever crashes, one gets
    /// [`SingleUse`], and it is durably used when this returns.
    ///
    /// A second use gets [`Reused`](Reason::Reused), and ends the session that was
    /// [created with it](Self::bind_single_use), if any (RFC 9700, 4.5; ASVS 5.0, 10.4.2).
    ///
    /// # Errors
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): it may be used up. Let nobody do
    ///   anything.
    /// - Other store errors: it is as it was.
    pub fn consume(&self, purpose: &str, token: &str) -> Result<Result<SingleUse, Reason>> {
        let consumed = self.inner.consume(purpose, token.as_bytes())?;
        self.ensure_maintenance();
        Ok(consumed)
    }

    /// Notes that `session` was created with a token that was used: should that come a second
    /// time, the session is ended. Durable when it returns.
    ///
    /// # Errors
    /// - [`SessionGone`](ErrorKind::SessionGone): no such token, or it was not used, or it came
    ///   a second time already: end the session.
    /// - Store errors: nothing was changed.
    pub fn bind_single_use(&self, used: &Handle, session: &Handle) -> Result<()> {
        self.inner.bind_single_use(used, session)
    }

    /// Makes a token good no longer. Says whether it was. Durable when it returns.
    ///
    /// # Errors
    /// - Store errors: it is as it was.
    pub fn revoke_single_use(&self, handle: &Handle) -> Result<bool> {
        self.inner.revoke_single_use(handle)
    }
}

impl Inner {
    fn issue_single_use(&self, options: &SingleUseOptions) -> Result<IssuedSingleUse> {
        options.validate()?;
        let store = self.store()?;
        let store = store.as_ref();
        let now = self.clock.now();
        let group = match &options.subject {
            Some(subject) => self.keyring().locate(subject).0,
            None => Group::random()?,
        };
        let handle = Handle::random(group)?;
        let deadline = now.plus_millis(millis(options.lifetime));
        self.change(store, group, || {
            let generation = self.generation();
            if let Some(subject) = &options.subject
                && let Some(known) = self.subject_record(store, group, subject)?
                && known.is_suspended(now)
            {
                return Err(suspended(subject));
            }
            let record = SingleUseRecord {
                purpose: options.purpose.clone(),
                subject: options.subject.clone(),
                payload: options.payload.clone(),
                created: now,
                deadline,
                issued_seq: OWN_VERSION,
                issued_generation: generation,
                state: SingleUseState::Fresh,
            };
            let mut batch = Batch::new(group, Durability::Durable);
            if options.supersedes {
                batch = self.withdraw_older(store, batch, options)?;
            }
            let key = single_use_key(&handle);
            let bytes = record::encode(Kind::SingleUse, &key.to_vec(), &record)?;
            Ok(Some(batch.check(key, Check::Absent).put(key, bytes, deadline).into()))
        })?;
        let keyring = self.keyring();
        let (id, key) = keyring.active_key(TokenKind::SingleUse)?;
        Ok(IssuedSingleUse { token: SingleUseToken::sign(&handle, id, key), handle, deadline })
    }

    /// Adds the end of the tokens whose place a new one takes. All of a subject's are in its
    /// group, and few tokens are in a group.
    fn withdraw_older(
        &self,
        store: &dyn Store,
        mut batch: Batch,
        options: &SingleUseOptions,
    ) -> Result<Batch> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = store.scan(batch.group, Table::SingleUse, &[], after.as_deref(), PAGE)?;
            for (key, row) in &page {
                let Some(mut record) = self.read_single_use(key, row) else { continue };
                let is_older = record.state == SingleUseState::Fresh
                    && record.subject == options.subject
                    && record.purpose == options.purpose;
                if is_older {
                    record.state = SingleUseState::Withdrawn;
                    let bytes = record::encode(Kind::SingleUse, &key.to_vec(), &record)?;
                    batch = batch.check(*key, Check::Version(row.version)).put(
                        *key,
                        bytes,
                        row.expires_at,
                    );
                }
            }
            after = match page.last() {
                Some((key, _)) if page.len() == PAGE => Some(key.id().to_vec()),
                _ => return Ok(batch),
            };
        }
    }

    fn peek_single_use(&self, purpose: &str, token: &[u8]) -> Result<Result<SingleUse, Reason>> {
        let handle = match self.authentic(TokenKind::SingleUse, token) {
            Ok(handle) => handle,
            Err(reason) => return Ok(Err(reason)),
        };
        let store = self.store()?;
        let found = self.find_single_use(store.as_ref(), &handle, purpose)?;
        Ok(found.map(|(record, _)| shown(handle, record)))
    }

    fn consume(&self, purpose: &str, token: &[u8]) -> Result<Result<SingleUse, Reason>> {
        let handle = match self.authentic(TokenKind::SingleUse, token) {
            Ok(handle) => handle,
            Err(reason) => return Ok(Err(reason)),
        };
        let store = self.store()?;
        let store = store.as_ref();
        let mut consumed = Err(Reason::UnknownSession);
        self.change(store, handle.group(), || {
            let (mut record, row) = match self.find_single_use(store, &handle, purpose)? {
                Ok(found) => found,
                Err(reason) => {
                    consumed = Err(reason);
                    return Ok(None);
                }
            };
            consumed = Ok(shown(handle, record.clone()));
            record.state = SingleUseState::Consumed { session: None };
            self.putting(&handle, &row, &record)
                .map(|plan| Some(plan.telling(EventKind::Consumed { handle })))
        })?;
        if consumed == Err(Reason::Reused) {
            self.end_what_came_of(store, &handle)?;
        }
        Ok(consumed)
    }

    /// Ends the session that was created with a token which now came a second time. The session
    /// first: if that fails, the token still tells the next who tries which session it is.
    fn end_what_came_of(&self, store: &dyn Store, handle: &Handle) -> Result<()> {
        let key = single_use_key(handle);
        let mut ended = None;
        loop {
            let mut bound = None;
            self.change(store, handle.group(), || {
                bound = None;
                let Some(row) = store.get(&key)? else { return Ok(None) };
                let Some(mut record) = self.read_single_use(&key, &row) else { return Ok(None) };
                let SingleUseState::Consumed { session } = record.state else { return Ok(None) };
                if session != ended {
                    bound = session;
                    return Ok(None);
                }
                // Whatever is bound to it from now on comes too late.
                record.state = SingleUseState::Reused;
                self.putting(handle, &row, &record).map(Some)
            })?;
            let Some(session) = bound else { return Ok(()) };
            self.end(&session, EndCause::Reuse)?;
            ended = Some(session);
        }
    }

    fn bind_single_use(&self, used: &Handle, session: &Handle) -> Result<()> {
        let store = self.store()?;
        let store = store.as_ref();
        let key = single_use_key(used);
        self.change(store, used.group(), || {
            let row = store.get(&key)?;
            let record = row.as_ref().and_then(|row| self.read_single_use(&key, row));
            let (Some(row), Some(mut record)) = (row, record) else { return Err(not_used(used)) };
            if record.state != (SingleUseState::Consumed { session: None }) {
                return Err(not_used(used));
            }
            record.state = SingleUseState::Consumed { session: Some(*session) };
            self.putting(used, &row, &record).map(Some)
        })?;
        Ok(())
    }

    fn revoke_single_use(&self, handle: &Handle) -> Result<bool> {
        let store = self.store()?;
        let store = store.as_ref();
        let key = single_use_key(handle);
        let mut was_good = false;
        self.change(store, handle.group(), || {
            was_good = false;
            let Some(row) = store.get(&key)? else { return Ok(None) };
            let Some(mut record) = self.read_single_use(&key, &row) else { return Ok(None) };
            if record.state != SingleUseState::Fresh {
                return Ok(None);
            }
            was_good = self.judge_single_use(store, handle.group(), &record)?.is_ok();
            record.state = SingleUseState::Withdrawn;
            self.putting(handle, &row, &record).map(Some)
        })?;
        Ok(was_good)
    }

    /// The handle of a token of this kind and shape, if it is one of ours.
    pub(super) fn authentic(&self, kind: TokenKind, token: &[u8]) -> Result<Handle, Reason> {
        let text = <&TokenText>::try_from(token).map_err(|_| Reason::Malformed)?;
        let parts = Parts::parse_as(kind, text)?;
        let keyring = self.keyring();
        let key = keyring.key(kind, parts.key_id).ok_or(Reason::UnknownKey)?;
        if parts.is_signed_by(key) { Ok(parts.handle) } else { Err(Reason::BadSignature) }
    }

    fn find_single_use(
        &self,
        store: &dyn Store,
        handle: &Handle,
        purpose: &str,
    ) -> Result<Result<(SingleUseRecord, Row), Reason>> {
        let key = single_use_key(handle);
        let Some(row) = store.get(&key)? else { return Ok(Err(Reason::UnknownSession)) };
        let Some(record) = self.read_single_use(&key, &row) else {
            return Ok(Err(Reason::UnknownSession));
        };
        if record.purpose != purpose {
            return Ok(Err(Reason::WrongPurpose));
        }
        Ok(self.judge_single_use(store, handle.group(), &record)?.map(|()| (record, row)))
    }

    fn judge_single_use(
        &self,
        store: &dyn Store,
        group: Group,
        record: &SingleUseRecord,
    ) -> Result<Result<(), Reason>> {
        let now = self.clock.now();
        let subject = match &record.subject {
            Some(subject) => self.subject_record(store, group, subject)?,
            None => None,
        };
        let standing = Standing { subject: subject.as_ref(), generation: self.generation() };
        if let Err(reason) = stands(record.issued_seq, record.issued_generation, standing, now) {
            return Ok(Err(reason));
        }
        Ok(match record.state {
            SingleUseState::Consumed { .. } | SingleUseState::Reused => Err(Reason::Reused),
            SingleUseState::Withdrawn => Err(Reason::Denied),
            SingleUseState::Fresh if now >= record.deadline => Err(Reason::Expired),
            SingleUseState::Fresh => Ok(()),
        })
    }

    fn putting(&self, handle: &Handle, row: &Row, record: &SingleUseRecord) -> Result<Plan> {
        let key = single_use_key(handle);
        let bytes = record::encode(Kind::SingleUse, &key.to_vec(), record)?;
        let batch = Batch::new(handle.group(), Durability::Durable)
            .check(key, Check::Version(row.version))
            .put(key, bytes, row.expires_at);
        Ok(batch.into())
    }

    /// The record in a row, its symbols resolved. What cannot be read is no token, and counted.
    fn read_single_use(&self, key: &Key, row: &Row) -> Option<SingleUseRecord> {
        let mut record: SingleUseRecord = self.readable(Kind::SingleUse, key, row)?;
        if record.issued_seq == OWN_VERSION {
            record.issued_seq = row.version;
        }
        Some(record)
    }
}

fn shown(handle: Handle, record: SingleUseRecord) -> SingleUse {
    let SingleUseRecord { subject, payload, created, deadline, .. } = record;
    SingleUse { handle, subject, payload, created, deadline }
}

fn not_used(handle: &Handle) -> Error {
    let message = format!("token {handle} was not used, or came a second time: end the session");
    Error::new(ErrorKind::SessionGone, message)
}

const PURPOSE_LEN_MAX: usize = 64;
const PAYLOAD_LEN_MAX: usize = 16 << 10;
const LIFETIME_MIN: Duration = Duration::from_secs(1);
const LIFETIME_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Rows read at once.
const PAGE: usize = 256;
