//! sled's handle, with its panics caught and its end guarded.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorKind, Result};

/// The open tree.
pub(super) struct Tree {
    /// Taken by `drop` only.
    db: Option<sled::Db>,
    pid: u32,
}

impl Tree {
    pub(super) fn new(db: sled::Db) -> Self {
        Tree { db: Some(db), pid: std::process::id() }
    }

    /// Whether this is another process than the one that opened the tree: a forked child, in
    /// which sled's threads do not exist and a write would wait for them for ever.
    pub(super) fn is_forked(&self) -> bool {
        std::process::id() != self.pid
    }

    #[cfg(test)]
    pub(super) fn pretend_forked(&mut self) {
        self.pid = self.pid.wrapping_add(1);
    }

    /// Reads with `read`.
    pub(super) fn read<T>(&self, read: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T> {
        caught(|| read(self)).map_err(|cause| match cause {
            None => Error::new(ErrorKind::Corrupt, "sled panicked while reading the store"),
            Some(sled::Error::Corruption { .. }) => {
                Error::new(ErrorKind::Corrupt, "sled found damaged bytes while reading the store")
            }
            Some(cause) => Error::new(ErrorKind::Unavailable, "sled could not read the store")
                .with_source(cause),
        })
    }

    /// Writes with `write`. An error, `None` being a panic, leaves it unknown what was written.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T, Option<sled::Error>> {
        caught(|| write(self))
    }
}

/// sled panics where others return errors, above all on damaged pages. Its handle may be used
/// afterwards: it is lock-free, and a store that panicked in a write takes no more of them.
fn caught<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Option<sled::Error>> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Some),
        Err(_) => Err(None),
    }
}

impl Deref for Tree {
    type Target = sled::Db;

    fn deref(&self) -> &sled::Db {
        match &self.db {
            Some(db) => db,
            None => unreachable!("only drop takes the handle"),
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let db = self.db.take();
        if self.is_forked() {
            // Closing would wait for a thread that this process does not have.
            std::mem::forget(db);
        } else if catch_unwind(AssertUnwindSafe(|| drop(db))).is_err() {
            log::error!("sled panicked while closing the store");
        }
    }
}

/// A row or expiry entry that no version of this code wrote.
pub(super) fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{what} in the store cannot be read"))
}
