//! The hot path.

use super::inspect::{Found, Superseded};
use super::session::{Rare, Session, Verdict};
use super::{Engine, Inner};
use crate::cache::{Entry, Facts};
use crate::error::Result;
use crate::id::Handle;
use crate::policy::{is_rotation_due, touch_interval_ms, touch_resolution_ms, within_deadlines};
use crate::record::{SessionRecord, SubjectRecord};
use crate::sync::Ordering;
use crate::time::Timestamp;
use crate::token::{Parts, SessionToken, TokenText};
use crate::verdict::Reason;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    Yes,
    No,
}

impl Engine {
    /// Says whether `token` names a session that is valid now, and notes that its client was
    /// here.
    ///
    /// A cached session costs no store access, no allocation and no system call beyond reading
    /// the clock. A token that was revoked before this call began is rejected. The touch is kept
    /// in memory and written behind, at most once per 10 % of the idle timeout or 60 s.
    ///
    /// # Errors
    /// - [`Unavailable`](crate::ErrorKind::Unavailable), [`Corrupt`](crate::ErrorKind::Corrupt):
    ///   the store could not answer. Do not let the client in, and do not clear its cookie.
    /// - [`Closed`](crate::ErrorKind::Closed), [`Forked`](crate::ErrorKind::Forked).
    #[inline]
    pub fn verify(&self, token: &str) -> Result<Verdict> {
        // Not taken apart on the way: moving a verdict costs as much as finding it.
        let verdict = self.inner.verify(token.as_bytes(), Touch::Yes);
        self.ensure_maintenance_if_needed();
        verdict
    }

    /// Says what [`verify`](Self::verify) would, without a touch: for polls and countdowns that
    /// must not keep a session alive.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn peek(&self, token: &str) -> Result<Verdict> {
        self.inner.verify(token.as_bytes(), Touch::No)
    }

    #[inline]
    pub(super) fn ensure_maintenance_if_needed(&self) {
        if self.inner.has_work.load(Ordering::Relaxed) {
            self.ensure_maintenance();
        }
    }
}

impl Inner {
    #[inline]
    pub(super) fn verify(&self, token: &[u8], touch: Touch) -> Result<Verdict> {
        self.refuse_stale()?;
        let Ok(text) = <&TokenText>::try_from(token) else {
            return Ok(Verdict::Rejected(Parts::reason_for_length(token)));
        };
        match self.cached(text, touch) {
            Some(verdict) => verdict,
            None => self.verify_in_store(text, touch),
        }
    }

    /// The session of a text that the cache holds as valid, if its deadlines say so, too.
    #[inline]
    fn cached(&self, text: &TokenText, touch: Touch) -> Option<Result<Verdict>> {
        let mut is_touch_due = false;
        // The clock costs as much as the search: what is not found is not worth it.
        let read = |entry: &Entry| self.hit(entry, touch, self.clock.now(), &mut is_touch_due);
        let mut verdict = self.cache.get(text, read);
        if let Some(Ok(Verdict::Valid(session))) = &mut verdict {
            if is_touch_due {
                self.note_touch(session.facts.handle, session.now);
            }
            if session.facts.is_under_old_key {
                self.complete(session);
            }
        }
        verdict
    }

    /// The session of an entry that counts, if its deadlines say so, too.
    #[inline(always)]
    pub(super) fn hit(
        &self,
        entry: &Entry,
        touch: Touch,
        now: Timestamp,
        is_touch_due: &mut bool,
    ) -> Option<Result<Verdict>> {
        let idle = entry.facts.idle_timeout_ms;
        let mut seen = entry.last_seen();
        within_deadlines(seen.plus_millis(idle), entry.facts.absolute_deadline, now).ok()?;
        if touch == Touch::Yes {
            let now_ms = now.as_millis();
            if now_ms > seen.as_millis().saturating_add(touch_resolution_ms(idle)) {
                entry.last_seen.store(now_ms, Ordering::Relaxed);
            }
            seen = seen.max(now);
            *is_touch_due = now_ms.saturating_sub(entry.persisted.load(Ordering::Relaxed))
                >= touch_interval_ms(idle);
            if *is_touch_due {
                entry.persisted.store(now_ms, Ordering::Relaxed);
            }
        }
        Some(Ok(Verdict::Valid(Session {
            facts: entry.facts.clone(),
            last_seen: seen,
            now,
            is_rotation_due: is_rotation_due(entry.facts.issued, self.config.rotate_every, now),
            rare: None,
        })))
    }

    /// What verification of the session's own token would say: for what names a session and is
    /// signed otherwise.
    pub(super) fn verify_handle(
        &self,
        handle: &Handle,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Verdict> {
        let mut is_touch_due = false;
        let read = |entry: &Entry| self.hit(entry, touch, now, &mut is_touch_due);
        match self.cache.get_by_handle(handle, read) {
            Some(Some(verdict)) => {
                if is_touch_due {
                    self.note_touch(*handle, now);
                }
                verdict
            }
            _ => {
                let token = SessionToken::issue(handle, &self.keyring())?;
                self.verify_in_store(token.text(), touch)
            }
        }
    }

    /// Checks the tag, asks the store, and keeps a positive answer.
    #[cold]
    fn verify_in_store(&self, text: &TokenText, touch: Touch) -> Result<Verdict> {
        let parts = match Parts::parse(text) {
            Ok(parts) => parts,
            Err(reason) => return Ok(Verdict::Rejected(reason)),
        };
        // Before the keyring and the store are read: the protocol depends on this order.
        let stamp = self.epochs.stamp(parts.handle.group());
        self.follow()?;
        let active = {
            let keyring = self.keyring();
            let Some(key) = keyring.session_key(parts.key_id) else {
                return Ok(Verdict::Rejected(Reason::UnknownKey));
            };
            if !parts.is_signed_by(key) {
                return Ok(Verdict::Rejected(Reason::BadSignature));
            }
            keyring.active()
        };
        let store = self.store()?;
        let now = self.clock.now();
        let live = match self.find(store.as_ref(), &parts.handle, now)? {
            Found::Live(live) => live,
            Found::Superseded(old) => {
                // Not cached: it ends with the grace, and with any of the rotations after it.
                self.cache.remove(text);
                return Ok(Verdict::Valid(superseded(parts.handle, &old, now)));
            }
            Found::Rejected(reason) => {
                self.cache.remove(text);
                return Ok(Verdict::Rejected(reason));
            }
        };
        let mut facts = Facts::of(parts.handle, &live.record);
        facts.is_under_old_key = parts.key_id != active;
        facts.are_claims_stale =
            claims_now(&live.record, live.subject.as_ref()) > facts.claims_version;
        let known = live.record.last_seen;
        let seen = if touch == Touch::Yes { known.max(now) } else { known };
        let unwritten_ms = seen.as_millis() - live.persisted.as_millis();
        let is_touch_due = unwritten_ms >= touch_interval_ms(facts.idle_timeout_ms).max(1);
        let persisted = if is_touch_due { seen } else { live.persisted };
        if let Some(stamp) = stamp {
            self.cache.insert(text, Entry::new(text, stamp, facts.clone(), seen, persisted));
        }
        if is_touch_due {
            self.note_touch(parts.handle, seen);
        }
        let mut session = Session::new(facts, seen, now);
        self.complete(&mut session);
        Ok(Verdict::Valid(session))
    }

    #[inline]
    pub(super) fn complete(&self, session: &mut Session) {
        let facts = &session.facts;
        session.is_rotation_due =
            is_rotation_due(facts.issued, self.config.rotate_every, session.now);
        if facts.is_under_old_key {
            let renewed_token = SessionToken::issue(&facts.handle, &self.keyring()).ok();
            session.rare = Some(Box::new(Rare { renewed_token, rotated_to: None }));
        }
    }
}

/// The session as it was before its rotation.
fn superseded(handle: Handle, old: &Superseded, now: Timestamp) -> Session {
    let mut facts = Facts::of(handle, &old.was);
    facts.are_claims_stale = claims_now(&old.was, old.subject.as_ref()) > facts.claims_version;
    let mut session = Session::new(facts, old.was.last_seen, now);
    session.rare = Some(Box::new(Rare { renewed_token: None, rotated_to: Some(old.to) }));
    session
}

/// The subject's claims version now.
pub(super) fn claims_now(record: &SessionRecord, subject: Option<&SubjectRecord>) -> u64 {
    record.claims_version.max(subject.map_or(0, SubjectRecord::claims_version))
}
