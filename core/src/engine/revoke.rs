//! Ending sessions: one, or all.

use std::cell::Cell;

use super::change::{Plan, Written};
use super::events::EventKind;
use super::inspect::{
    Condemn, Found, ROTATIONS_MAX, data_key, engine_key, rotated_in_a_circle, session_key,
};
use super::open::read_global;
use super::{Engine, Inner};
use crate::codec::record::{self, Kind};
use crate::error::Result;
use crate::id::Handle;
use crate::record::{EndCause, GlobalRecord, Rotated, SessionRow};
use crate::store::{Batch, Check, Durability, Row, Store};
use crate::sync::Ordering;
use crate::time::Timestamp;

impl Engine {
    /// Ends the session of `handle`, and what it was rotated to. Every verification that starts
    /// after this returned rejects it, on every thread, after a crash too. Says whether it was
    /// valid until now; revoking what is gone is fine.
    ///
    /// # Errors
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown): this process rejects the session from
    ///   now on; whether that survives a restart is not known. Reopen and revoke again.
    /// - Other store errors: the session is as it was.
    pub fn revoke(&self, handle: &Handle) -> Result<bool> {
        let was_valid = self.inner.end(handle, EndCause::Revoked)?;
        self.ensure_maintenance();
        Ok(was_valid)
    }

    /// Ends every session of the store: the answer to a leaked secret. Durable when it returns.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn revoke_all(&self) -> Result<()> {
        self.inner.revoke_all()
    }
}

impl Inner {
    /// Ends a session, its successors too if it was rotated, and says whether it was valid until
    /// now. Whatever the store thinks of it: another thread may know of a touch that the store
    /// does not, and let it in.
    pub(super) fn end(&self, handle: &Handle, cause: EndCause) -> Result<bool> {
        let store = self.store()?;
        let store = store.as_ref();
        let mut handle = *handle;
        // A rotation that comes between leaves a successor, which is ended in its turn.
        for _ in 0..ROTATIONS_MAX {
            match self.end_one(store, &handle, cause)? {
                Ended::Now { was_valid } => return Ok(was_valid),
                Ended::Rotated { to } => handle = to,
            }
        }
        Err(rotated_in_a_circle())
    }

    fn end_one(&self, store: &dyn Store, handle: &Handle, cause: EndCause) -> Result<Ended> {
        let now = self.clock.now();
        let key = session_key(handle);
        let (mut was_valid, mut rotated_to) = (false, None);
        self.change(store, handle.group(), || {
            (was_valid, rotated_to) = (false, None);
            let Some(row) = store.get(&key)? else { return Ok(None) };
            let has_data = match self.read_session(&key, &row) {
                Some(SessionRow::Ended { .. }) => return Ok(None),
                // The row of a rotated session stays: it leads to the successor.
                Some(SessionRow::Rotated(Rotated { to, .. })) => {
                    rotated_to = Some(to);
                    return Ok(None);
                }
                Some(SessionRow::Live(record)) => record.has_data,
                None => true,
            };
            was_valid = matches!(self.find(store, handle, now)?, Found::Live(_));
            let Row { version, expires_at, .. } = row;
            let plan = Plan::from(Batch::new(handle.group(), Durability::Durable))
                .condemning(Condemn::Session(*handle));
            self.ending(plan, handle, Ending { version, expires_at, has_data, cause }).map(Some)
        })?;
        Ok(match rotated_to {
            Some(to) => Ended::Rotated { to },
            None => Ended::Now { was_valid },
        })
    }

    /// Adds the end of a session. The row stays until the session would have expired, to say
    /// why; the data go.
    pub(super) fn ending(&self, mut plan: Plan, handle: &Handle, ending: Ending) -> Result<Plan> {
        let Ending { version, expires_at, has_data, cause } = ending;
        let key = session_key(handle);
        let row = SessionRow::Ended { at: self.clock.now(), cause };
        let bytes = record::encode(Kind::Session, &key.to_vec(), &row)?;
        plan.batch = plan.batch.check(key, Check::Version(version)).put(key, bytes, expires_at);
        if has_data {
            plan.batch = plan.batch.delete(data_key(handle));
        }
        Ok(plan.telling(EventKind::Revoked { handle: *handle, cause }))
    }

    fn revoke_all(&self) -> Result<()> {
        let store = self.store()?;
        let key = engine_key(b"global")?;
        let generation = Cell::new(0);
        let plan = || {
            let old = store.get(&key)?;
            let check = old.map_or(Check::Absent, |row| Check::Version(row.version));
            // Another process may have begun one that this one has yet to hear of.
            let latest = read_global(store.as_ref())?.generation.max(self.generation());
            generation.set(latest + 1);
            let revoked_at = Some(self.clock.now());
            let global = GlobalRecord { generation: generation.get(), revoked_at };
            let bytes = record::encode(Kind::Global, &key.to_vec(), &global)?;
            let batch = Batch::new(key.group(), Durability::Durable).check(key, check).put(
                key,
                bytes,
                Timestamp::NEVER,
            );
            let plan = Plan::from(batch).condemning(Condemn::All);
            Ok(plan.telling(EventKind::AllRevoked))
        };
        let committed = |written| {
            if written == Written::Surely {
                self.generation.fetch_max(generation.get(), Ordering::AcqRel);
            }
        };
        self.change_all(store.as_ref(), plan, committed)
    }
}

/// What became of the session of one handle.
enum Ended {
    /// It is gone, and was valid until now or not.
    Now { was_valid: bool },
    /// It goes on under another handle.
    Rotated { to: Handle },
}

/// The end of a session: what its row and its data are now, and why it ends.
pub(super) struct Ending {
    pub(super) version: u64,
    pub(super) expires_at: Timestamp,
    pub(super) has_data: bool,
    pub(super) cause: EndCause,
}
