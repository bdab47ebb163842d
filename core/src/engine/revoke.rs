//! Ending sessions: one, or all.

use super::inspect::{Condemn, Found, engine_key, session_key};
use super::{Engine, Inner};
use crate::codec::record::{self, Kind};
use crate::error::{ErrorKind, Result};
use crate::id::{Group, Handle};
use crate::record::{EndCause, GlobalRecord, SessionRow};
use crate::store::{Batch, Check, Durability};
use crate::sync::Ordering;
use crate::time::Timestamp;

impl Engine {
    /// Ends the session of `handle`. Every verification that starts after this returned rejects
    /// it, on every thread, after a crash too. Says whether it was valid until now; revoking
    /// what is gone is fine.
    ///
    /// # Errors
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): this process rejects the session from
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
    /// Ends a session, and says whether it was valid until now. Whatever the store thinks of it:
    /// another thread may know of a touch that the store does not, and let it in.
    pub(super) fn end(&self, handle: &Handle, cause: EndCause) -> Result<bool> {
        let store = self.store()?;
        let store = store.as_ref();
        let now = self.clock.now();
        let key = session_key(handle);
        let mut was_valid = false;
        let condemn = Some(Condemn::Session(*handle));
        self.change_or_condemn(store, handle.group(), condemn, || {
            let Some(row) = store.get(&key)? else { return Ok(None) };
            if let Some(SessionRow::Ended { .. }) = self.read_session(&key, &row) {
                return Ok(None);
            }
            was_valid = matches!(self.find(store, handle, None, now)?, Found::Live(_));
            let batch = Batch::new(handle.group(), Durability::Durable);
            self.ending(batch, handle, row.version, row.expires_at, cause, now).map(Some)
        })?;
        Ok(was_valid)
    }

    /// Adds the end of a session to a batch. The row stays until the session would have
    /// expired, to say why.
    pub(super) fn ending(
        &self,
        batch: Batch,
        handle: &Handle,
        version: u64,
        expires_at: Timestamp,
        cause: EndCause,
        now: Timestamp,
    ) -> Result<Batch> {
        let key = session_key(handle);
        let row = SessionRow::Ended { at: now, cause };
        let bytes = record::encode(Kind::Session, &key.to_vec(), &row)?;
        Ok(batch.check(key, Check::Version(version)).put(key, bytes, expires_at))
    }

    fn revoke_all(&self) -> Result<()> {
        // Every writer waits, so that none ends the flight of its group before the commit.
        let _no_other_writer: Vec<_> = self.stripes.iter().map(|stripe| stripe.lock()).collect();
        let store = self.store()?;
        let key = engine_key(b"global")?;
        let old = store.get(&key)?;
        let check = old.map_or(Check::Absent, |row| Check::Version(row.version));
        let global = GlobalRecord { generation: self.generation() + 1 };
        let bytes = record::encode(Kind::Global, &key.to_vec(), &global)?;
        let batch = Batch::new(key.group(), Durability::Durable).check(key, check).put(
            key,
            bytes,
            Timestamp::NEVER,
        );
        let flights: Vec<_> = Group::all().map(|group| self.epochs.begin(group)).collect();
        let committed = store.commit(batch);
        match &committed {
            Ok(crate::store::Commit::Committed { .. }) => {
                self.generation.store(global.generation, Ordering::Release);
            }
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                self.condemned.add(Condemn::All);
            }
            _ => {}
        }
        flights.into_iter().for_each(|flight| self.epochs.land(flight));
        match committed? {
            crate::store::Commit::Committed { .. } => Ok(()),
            crate::store::Commit::Conflict => Err(crate::error::Error::new(
                ErrorKind::Conflict,
                "another process revoked everything at the same time: try again",
            )),
        }
    }
}
