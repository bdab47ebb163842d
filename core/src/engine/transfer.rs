//! Taking the sessions out of a store, and into another.

use std::io::{Read, Write};

use super::Engine;
use super::inspect::engine_key;
use super::open::open_store;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{self, Batch, Check, Commit, Durability, ExportSummary, Store};
use crate::time::Timestamp;

/// What becomes of the sessions of an export that is restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restored {
    /// They are revoked: what was revoked after the export was made does not come back.
    #[default]
    Revoked,
    /// They are valid as they were. For a move from one store to another, with nothing revoked
    /// in between.
    Valid,
}

impl Engine {
    /// Writes everything in the store to `out`: sessions, subjects, the sealed keyring. Keep it
    /// with the master secret's care, and apart from it. The format is described at
    /// [`store::export`].
    ///
    /// # Errors
    /// As [`store::export`]: what was written is no whole export, and a restore says so.
    pub fn export(&self, out: &mut dyn Write) -> Result<ExportSummary> {
        self.inner.flush_touches()?;
        store::export(self.inner.store()?.as_ref(), out)
    }

    /// Opens an engine over an empty store with what an export holds. The master secret has to
    /// be the one that the exported store had; where that was a key file in its directory, give
    /// [`MasterSecret::KeyFile`](crate::MasterSecret) with its path.
    ///
    /// # Errors
    /// As [`store::import`] and [`open_with`](Self::open_with). After an error the store cannot
    /// be opened: begin again with an empty one.
    pub fn restore(config: Config, input: &mut dyn Read, restored: Restored) -> Result<Self> {
        config.validate()?;
        let store = open_store(&config)?;
        begin(store.as_ref())?;
        store::load_export(store.as_ref(), input)?;
        let engine = Engine::over(config, store.clone())?;
        if restored == Restored::Revoked {
            engine.revoke_all()?;
        }
        end(store.as_ref())?;
        Ok(engine)
    }
}

/// Leaves a mark without which a crash in the middle would leave sessions that should be gone.
fn begin(store: &dyn Store) -> Result<()> {
    if !store.dump(None, 1)?.is_empty() {
        let message = "an export is restored into an empty store, this one holds rows";
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let key = engine_key(UNDER_WAY)?;
    let batch = Batch::new(key.group(), Durability::Durable).check(key, Check::Absent).put(
        key,
        Vec::new(),
        Timestamp::NEVER,
    );
    match store.commit(batch)? {
        Commit::Committed { .. } => Ok(()),
        Commit::Conflict => Err(unfinished()),
    }
}

fn end(store: &dyn Store) -> Result<()> {
    let key = engine_key(UNDER_WAY)?;
    let _ = store.commit(Batch::new(key.group(), Durability::Durable).delete(key))?;
    Ok(())
}

/// Refuses a store into which an export was restored in part.
pub(super) fn refuse_unfinished(store: &dyn Store) -> Result<()> {
    match store.get(&engine_key(UNDER_WAY)?)? {
        None => Ok(()),
        Some(_) => Err(unfinished()),
    }
}

fn unfinished() -> Error {
    let message = "an export was restored into this store, but not to the end: restore it into an \
                   empty one";
    Error::new(ErrorKind::Corrupt, message)
}

const UNDER_WAY: &[u8] = b"restoring";
