//! Reading a session from the store and judging it.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::Inner;
use crate::codec::record::{self, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Group, Handle, Subject};
use crate::policy::{Standing, judge};
use crate::record::{EndCause, Rotated, SessionRecord, SessionRow, SubjectRecord, Suspension};
use crate::store::{Key, Row, Store, Table};
use crate::sync::{AtomicBool, Mutex, Ordering};
use crate::time::Timestamp;
use crate::verdict::Reason;

/// What the store says of a handle.
pub(super) enum Found {
    Live(Box<Live>),
    Superseded(Box<Superseded>),
    Rejected(Reason),
}

/// A session that was rotated a moment ago, and whose successor is valid now.
pub(super) struct Superseded {
    /// As it was before the rotation.
    pub(super) was: SessionRecord,
    pub(super) subject: Option<SubjectRecord>,
    /// The handle that is good now, however many rotations on.
    pub(super) to: Handle,
    pub(super) successor: Live,
}

impl Superseded {
    /// Whether the successor may do more: it has a subject or an authentication that the old
    /// token must not give.
    pub(super) fn is_raised(&self) -> bool {
        let (was, is) = (&self.was, &self.successor.record);
        was.subject != is.subject
            || was.authenticated_at != is.authenticated_at
            || (&was.amr, &was.acr) != (&is.amr, &is.acr)
    }
}

/// A session that is valid now.
pub(super) struct Live {
    pub(super) record: SessionRecord,
    pub(super) version: u64,
    /// The `last seen` that the store has, or will have when the pending touches are written.
    pub(super) persisted: Timestamp,
    pub(super) subject: Option<SubjectRecord>,
}

/// What a revoke of unknown outcome meant to end: rejected by this process from then on.
#[derive(Default)]
pub(super) struct Condemned {
    pub(super) is_any: AtomicBool,
    pub(super) list: Mutex<HashSet<Condemn>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Condemn {
    Session(Handle),
    Subject([u8; 16]),
    All,
}

impl Condemned {
    #[cfg(feature = "testing")]
    pub(super) fn len(&self) -> usize {
        self.list.lock().len()
    }

    pub(super) fn add(&self, condemn: Condemn) {
        self.list.lock().insert(condemn);
        self.is_any.store(true, Ordering::Release);
    }
}

impl Inner {
    /// Reads the session of `handle` and judges it, with what the cache and the pending touches
    /// know of its use.
    pub(super) fn find(&self, store: &dyn Store, handle: &Handle, now: Timestamp) -> Result<Found> {
        let found = self.find_within(store, handle, now, ROTATIONS_FOLLOWED)?;
        match &found {
            Found::Rejected(Reason::Expired | Reason::IdleExpired) => self.clock.insist(now),
            Found::Live(live) if live.record.not_before > Timestamp::default() => {
                self.clock.insist(live.record.not_before);
            }
            _ => {}
        }
        Ok(found)
    }

    fn find_within(
        &self,
        store: &dyn Store,
        handle: &Handle,
        now: Timestamp,
        hops: u32,
    ) -> Result<Found> {
        let key = session_key(handle);
        let Some(row) = store.get(&key)? else {
            return Ok(Found::Rejected(Reason::UnknownSession));
        };
        let Some(session) = self.read_session(&key, &row) else {
            return Ok(Found::Rejected(Reason::UnknownSession));
        };
        let (mut record, to) = match session {
            SessionRow::Live(record) => (record, None),
            SessionRow::Rotated(Rotated { to, until, was }) if now < until && hops > 0 => {
                (was, Some(to))
            }
            SessionRow::Rotated(_) => return Ok(Found::Rejected(Reason::RevokedSession)),
            SessionRow::Ended { cause, .. } => return Ok(Found::Rejected(ended_reason(cause))),
        };
        self.pending(handle).apply(&mut record);
        let persisted = record.last_seen;
        record.last_seen = persisted.max(self.seen(handle).unwrap_or_default());
        let subject = match &record.subject {
            Some(subject) => self.subject_record(store, handle.group(), subject)?,
            None => None,
        };
        let standing = Standing { subject: subject.as_ref(), generation: self.generation() };
        if let Err(reason) = judge(&record, standing, now) {
            // The session that a `revoke_subject` excepts is put anew in the same commit. If that
            // came between the two reads, they do not belong together: read both again.
            if reason == Reason::RevokedSubject
                && store.get(&key)?.is_some_and(|again| again.version != row.version)
            {
                return self.find_within(store, handle, now, hops);
            }
            return Ok(Found::Rejected(reason));
        }
        if let Some(reason) = self.condemnation(handle, record.subject.as_ref()) {
            return Ok(Found::Rejected(reason));
        }
        let live = Live { record, version: row.version, persisted, subject };
        let Some(to) = to else { return Ok(Found::Live(Box::new(live))) };
        let (to, successor) = match self.find_within(store, &to, now, hops - 1)? {
            Found::Live(successor) => (to, *successor),
            Found::Superseded(further) => (further.to, further.successor),
            Found::Rejected(reason) => return Ok(Found::Rejected(reason)),
        };
        let Live { record: was, subject, .. } = live;
        Ok(Found::Superseded(Box::new(Superseded { was, subject, to, successor })))
    }

    /// The handle that a session has now, however often it was rotated.
    pub(super) fn latest(&self, store: &dyn Store, handle: &Handle) -> Result<Handle> {
        let mut latest = *handle;
        for _ in 0..ROTATIONS_MAX {
            let key = session_key(&latest);
            let row = store.get(&key)?;
            match row.and_then(|row| self.read_session(&key, &row)) {
                Some(SessionRow::Rotated(Rotated { to, .. })) => latest = to,
                _ => return Ok(latest),
            }
        }
        Err(rotated_in_a_circle())
    }

    /// The record in a session's row, its symbols resolved. What cannot be read is no session,
    /// and counted.
    pub(super) fn read_session(&self, key: &Key, row: &Row) -> Option<SessionRow> {
        match self.readable(Kind::Session, key, row)? {
            SessionRow::Live(mut record) => {
                record.resolve(row.version);
                Some(SessionRow::Live(record))
            }
            // What it was is resolved already: it was read before it was put again.
            other => Some(other),
        }
    }

    /// The record in a row; `None`: it cannot be read, and is counted.
    pub(super) fn readable<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &Key,
        row: &Row,
    ) -> Option<T> {
        let (bytes, len) = key.encode();
        let read = record::decode(kind, bytes.get(..len).unwrap_or_default(), &row.value);
        if read.is_err() {
            self.unreadable_records.fetch_add(1, Ordering::Relaxed);
        }
        read.ok()
    }

    /// What is known of a subject, its symbols resolved. Unlike a session's, a row that cannot
    /// be read is an error: it may say that the subject is suspended.
    pub(super) fn subject_record(
        &self,
        store: &dyn Store,
        group: Group,
        subject: &Subject,
    ) -> Result<Option<SubjectRecord>> {
        if self.has_no_subject_rows(store, group)? {
            return Ok(None);
        }
        let (_, id) = self.keyring().locate(subject);
        let known = read_subject(store, &subject_key(group, &id))?.map(|(record, _)| record);
        // That it is over may be cached with what is answered.
        if let Some(Suspension { until: Some(until) }) = known.as_ref().and_then(|k| k.suspension)
            && until <= self.clock.now()
        {
            self.clock.insist(until);
        }
        Ok(known)
    }

    /// Whether the group is known to have no subject rows. Asked after the stamp was loaded: a
    /// row that comes later moves the epoch.
    fn has_no_subject_rows(&self, store: &dyn Store, group: Group) -> Result<bool> {
        if self.capabilities.is_shared {
            return Ok(false);
        }
        let Some(hint) = self.subject_hints.get(group.index()) else { return Ok(false) };
        if hint.load(Ordering::Acquire) == UNKNOWN {
            let is_empty = store.scan(group, Table::Subject, &[], None, 1)?.is_empty();
            let found = if is_empty { NONE } else { SOME };
            // A writer that came meanwhile has said `SOME`, which stays.
            let _ = hint.compare_exchange(UNKNOWN, found, Ordering::AcqRel, Ordering::Acquire);
        }
        Ok(hint.load(Ordering::Acquire) == NONE)
    }

    /// To be called by the group's writer before it commits a subject row.
    pub(super) fn expect_subject_rows(&self, group: Group) {
        if let Some(hint) = self.subject_hints.get(group.index()) {
            hint.store(SOME, Ordering::Release);
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn condemnation(
        &self,
        handle: &Handle,
        subject: Option<&Subject>,
    ) -> Option<Reason> {
        if !self.condemned.is_any.load(Ordering::Acquire) {
            return None;
        }
        let list = self.condemned.list.lock();
        if list.contains(&Condemn::All) {
            return Some(Reason::RevokedAll);
        }
        if list.contains(&Condemn::Session(*handle)) {
            return Some(Reason::RevokedSession);
        }
        let (_, id) = self.keyring().locate(subject?);
        list.contains(&Condemn::Subject(id)).then_some(Reason::RevokedSubject)
    }
}

/// The subject's row with its symbols resolved, and its version.
pub(super) fn read_subject(store: &dyn Store, key: &Key) -> Result<Option<(SubjectRecord, u64)>> {
    let Some(row) = store.get(key)? else { return Ok(None) };
    match record::decode::<SubjectRecord>(Kind::Subject, &key.to_vec(), &row.value) {
        Ok(mut record) => {
            record.resolve(row.version);
            Ok(Some((record, row.version)))
        }
        Err(_) => Err(Error::new(
            ErrorKind::Corrupt,
            "what is known of a subject cannot be read: nobody of it is let in",
        )),
    }
}

fn ended_reason(cause: EndCause) -> Reason {
    match cause {
        EndCause::SubjectRevoked => Reason::RevokedSubject,
        EndCause::AllRevoked => Reason::RevokedAll,
        EndCause::Suspended => Reason::Suspended,
        EndCause::Expired => Reason::Expired,
        EndCause::Reuse => Reason::Reused,
        EndCause::Revoked | EndCause::Replaced | EndCause::Evicted => Reason::RevokedSession,
    }
}

pub(super) fn rotated_in_a_circle() -> Error {
    Error::new(ErrorKind::Corrupt, "the rotations of a session lead in a circle")
}

pub(super) fn session_key(handle: &Handle) -> Key {
    Key::of_16(handle.group(), Table::Session, handle.random_bytes())
}

pub(super) fn data_key(handle: &Handle) -> Key {
    Key::of_16(handle.group(), Table::Data, handle.random_bytes())
}

pub(super) fn single_use_key(handle: &Handle) -> Key {
    Key::of_16(handle.group(), Table::SingleUse, handle.random_bytes())
}

pub(super) fn api_key_key(handle: &Handle) -> Key {
    Key::of_16(handle.group(), Table::ApiKey, handle.random_bytes())
}

pub(super) fn subject_key(group: Group, id: &[u8; 16]) -> Key {
    Key::of_16(group, Table::Subject, id)
}

/// The key of one of the engine's own rows.
pub(super) fn engine_key(name: &[u8]) -> Result<Key> {
    Key::new(Group(0), Table::Engine, name)
}

/// How many rotations an old token is followed over: the grace is short, so few fit into it.
const ROTATIONS_FOLLOWED: u32 = 8;

/// More rotations than fit into the time for which a rotated session's row is kept, 400 days
/// at most with one an hour.
pub(super) const ROTATIONS_MAX: u32 = 10_000;

const UNKNOWN: u8 = 0;
const NONE: u8 = 1;
const SOME: u8 = 2;
