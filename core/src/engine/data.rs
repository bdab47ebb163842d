//! The verbs of session data.

use std::sync::Arc;

use super::change::{ATTEMPTS, Plan, kept_changing};
use super::events::EventKind;
use super::inspect::{Found, Live, data_key, session_key};
use super::{Engine, Inner};
use crate::cache::Attachment;
use crate::codec::record::{self, Kind};
use crate::data::{Data, Patch};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Handle;
use crate::policy::within_deadlines;
use crate::record::SessionRow;
use crate::store::{Batch, Check, Durability, Store};
use crate::time::Timestamp;

impl Engine {
    /// The data of a session; `None`: it is not valid.
    ///
    /// The token from before a rotation reads what the session has now, unless the rotation was
    /// a login or another proof of identity: then there is nothing for it to read.
    ///
    /// # Errors
    /// - [`Unavailable`](ErrorKind::Unavailable), [`Corrupt`](ErrorKind::Corrupt),
    ///   [`Closed`](ErrorKind::Closed).
    pub fn data(&self, handle: &Handle) -> Result<Option<Arc<Data>>> {
        self.inner.data(handle)
    }

    /// Changes some of a session's values and leaves the others as they are. Durable when it
    /// returns.
    ///
    /// # Errors
    /// - [`SessionGone`](ErrorKind::SessionGone): no valid session, or it was rotated. Nothing
    ///   was changed, and the session stays gone.
    /// - [`InvalidInput`](ErrorKind::InvalidInput), [`TooLarge`](ErrorKind::TooLarge): a name, or
    ///   the data with the change, are beyond their limit. Nothing was changed.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): after a reopen the data are as before or
    ///   as patched.
    /// - Other store errors: nothing was changed.
    pub fn patch(&self, handle: &Handle, patch: &Patch) -> Result<()> {
        self.update(handle, |data| patch.apply(data))
    }

    /// Changes a session's data by a function of what they are. It is called again when another
    /// thread or process was faster, so it should do nothing else. Durable when it returns.
    ///
    /// # Errors
    /// As [`patch`](Self::patch), and [`Conflict`](ErrorKind::Conflict): others were faster 64
    /// times. Nothing was changed.
    pub fn update<R>(&self, handle: &Handle, change: impl FnMut(&mut Data) -> R) -> Result<R> {
        let result = self.inner.update(handle, change)?;
        self.ensure_maintenance();
        Ok(result)
    }
}

/// Data as they were read: what a write has to find unchanged.
struct Seen {
    live: Live,
    data: Data,
    check: Check,
}

impl Inner {
    fn data(&self, handle: &Handle) -> Result<Option<Arc<Data>>> {
        self.refuse_stale()?;
        let now = self.clock.now();
        if let Some(data) = self.cached_data(handle, now) {
            return Ok(Some(data));
        }
        let store = self.store()?;
        let store = store.as_ref();
        for _ in 0..ATTEMPTS {
            // Before the store is read, as for every fill.
            let stamp = self.epochs.stamp(handle.group());
            let (at, live) = match self.find(store, handle, now)? {
                Found::Live(live) => (*handle, *live),
                Found::Superseded(old) if !old.is_raised() => (old.to, old.successor),
                _ => return Ok(None),
            };
            if !live.record.has_data {
                return Ok(Some(Arc::default()));
            }
            // The row goes with the session: gone meanwhile, the session is asked anew.
            let Some((data, _)) = self.read_data(store, &at)? else { continue };
            let data = Arc::new(data);
            if let (Some(stamp), true) = (stamp, at == *handle) {
                self.cache.attach(handle, stamp, Attachment::Data(data.clone()));
            }
            return Ok(Some(data));
        }
        let message = format!("the data of session {handle} are gone, and it is not");
        Err(Error::new(ErrorKind::Corrupt, message))
    }

    /// The data of a session that the cache holds as valid, with them.
    pub(super) fn cached_data(&self, handle: &Handle, now: Timestamp) -> Option<Arc<Data>> {
        let data = self.cache.get_by_handle(handle, |entry| {
            let facts = &entry.facts;
            let idle_deadline = entry.last_seen().plus_millis(facts.idle_timeout_ms);
            within_deadlines(idle_deadline, facts.absolute_deadline, now).ok()?;
            match &entry.attachment {
                Some(Attachment::Data(data)) => Some(data.clone()),
                _ => None,
            }
        });
        data.flatten()
    }

    fn update<R>(&self, handle: &Handle, mut change: impl FnMut(&mut Data) -> R) -> Result<R> {
        let store = self.store()?;
        let store = store.as_ref();
        for _ in 0..ATTEMPTS {
            // The host's function runs without a lock: it may call the engine.
            let Some(Seen { live, mut data, check }) = self.look(store, handle)? else { continue };
            let result = change(&mut data);
            data.validate(self.config.data_len_max_bytes)?;
            let mut is_written = false;
            self.change(store, handle.group(), || {
                is_written = false;
                let key = data_key(handle);
                let is_unchanged = |key: &_, check| {
                    let version = store.get(key)?.map(|row| row.version);
                    Ok::<_, Error>(version == version_of(check))
                };
                let session = Check::Version(live.version);
                if !(is_unchanged(&session_key(handle), session)? && is_unchanged(&key, check)?) {
                    return Ok(None);
                }
                is_written = true;
                self.writing(handle, &live, &data, check).map(Some)
            })?;
            if is_written {
                return Ok(result);
            }
        }
        Err(kept_changing())
    }

    /// What the data of a session are now; `None`: they changed while they were read.
    fn look(&self, store: &dyn Store, handle: &Handle) -> Result<Option<Seen>> {
        let now = self.clock.now();
        let live = match self.find(store, handle, now)? {
            Found::Live(live) => *live,
            Found::Superseded(old) => {
                let message =
                    format!("session {handle} was rotated to {}: it is read-only", old.to);
                return Err(Error::new(ErrorKind::SessionGone, message));
            }
            Found::Rejected(reason) => {
                let message = format!("session {handle} is not valid: {reason}");
                return Err(Error::new(ErrorKind::SessionGone, message));
            }
        };
        if !live.record.has_data {
            return Ok(Some(Seen { live, data: Data::new(), check: Check::Absent }));
        }
        let read = self.read_data(store, handle)?;
        Ok(read.map(|(data, version)| Seen { live, data, check: Check::Version(version) }))
    }

    /// Puts the data, if the session is as it was. Its own row is put anew only when the data
    /// are its first.
    fn writing(&self, handle: &Handle, live: &Live, data: &Data, check: Check) -> Result<Plan> {
        let (key, session) = (data_key(handle), session_key(handle));
        let bytes = record::encode(Kind::Data, &key.to_vec(), data)?;
        let mut batch = Batch::new(handle.group(), Durability::Durable)
            .check(session, Check::Version(live.version))
            .check(key, check)
            .put(key, bytes, Timestamp::NEVER);
        if !live.record.has_data {
            let mut record = live.record.clone();
            record.has_data = true;
            let expires_at = record.expires_at();
            let row = SessionRow::Live(record);
            let bytes = record::encode(Kind::Session, &session.to_vec(), &row)?;
            batch = batch.put(session, bytes, expires_at);
        }
        Ok(Plan::from(batch).telling(EventKind::DataChanged { handle: *handle }))
    }

    /// The data row of a session, and its version.
    pub(super) fn read_data(
        &self,
        store: &dyn Store,
        handle: &Handle,
    ) -> Result<Option<(Data, u64)>> {
        let key = data_key(handle);
        let Some(row) = store.get(&key)? else { return Ok(None) };
        match record::decode(Kind::Data, &key.to_vec(), &row.value) {
            Ok(data) => Ok(Some((data, row.version))),
            Err(_) => {
                let message = format!("the data of session {handle} cannot be read");
                Err(Error::new(ErrorKind::Corrupt, message))
            }
        }
    }

    /// When this process saw the client of `handle` last, if the cache knows.
    pub(super) fn seen(&self, handle: &Handle) -> Option<Timestamp> {
        self.cache.last_seen(handle)
    }
}

fn version_of(check: Check) -> Option<u64> {
    match check {
        Check::Absent => None,
        Check::Version(version) => Some(version),
    }
}
