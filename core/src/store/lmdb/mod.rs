//! The store of several processes on one machine, on LMDB.
//!
//! In its directory:
//!
//! ```text
//! data.mdb, lock.mdb   LMDB's own files
//! sessile.epochs       the epochs that the processes share, see `epoch_file`
//! sessile.lock         held, shared, by every process that has the store open
//! sessile.opening      held by the one that is opening it
//! sessile.writer       held by the one whose turn it is to write
//! sessile.stamp        the version last known to be on the device
//! ```

mod commit;
mod crash;
mod epoch_file;
mod layout;
mod open;
mod options;
mod presence;

use std::fmt;
use std::ops::Bound::{self, Excluded, Included};
use std::sync::Arc;

use super::expiry::{EXPIRY, decode_expiry, expiry_bound, expiry_key};
use commit::{Committer, Done, Job};
use layout::{HEADER_LEN, ROWS_FIRST, decode_row};
use presence::Presence;

use super::{Batch, Capabilities, Commit, Due, Key, Row, Store, Survives, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Group;
use crate::sys::SharedEpochs;
use crate::time::Timestamp;

pub use options::LmdbOptions;

/// A [`Store`] in a directory, for any number of processes on one machine.
///
/// Every commit survives a power loss, buffered ones too: LMDB has no way to write one without
/// syncing that leaves the file whole when the power goes. Commits that come at the same time
/// from threads of one process share one sync; between processes they take turns.
///
/// Open it after a fork, never before: in a forked child every call is
/// [`Forked`](crate::ErrorKind::Forked), and so is opening the same directory. The directory has
/// to be on a local disk (no network file system, none shared between virtual machines), and the
/// processes in one PID namespace: LMDB tells dead readers by their process id.
///
/// One process opens a directory once: a second open in it is
/// [`Locked`](crate::ErrorKind::Locked).
pub struct LmdbStore {
    // Dropped in this order: whoever opens next finds the environment closed.
    committer: Committer,
    shared: Arc<SharedEpochs>,
    survives: Survives,
    was_rolled_back: bool,
    _presence: Presence,
}

impl LmdbStore {
    /// The longest value: 64 KiB of session data and what frames it.
    pub const VALUE_LEN_MAX_BYTES: usize = 72 << 10;

    /// Opens the store in the directory that `options` name, or makes one there. The directory
    /// is created for its owner only (mode 0700).
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig): a setting is outside its range, or not the
    ///   one with which another process has the store open.
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the directory holds a store of another kind.
    /// - [`Locked`](ErrorKind::Locked): it is open already in this process, or another process
    ///   does not come to the end of opening it.
    /// - [`Forked`](ErrorKind::Forked): it was open in this process before it forked.
    /// - [`PowerLossUnsafe`](ErrorKind::PowerLossUnsafe): required, and cannot be promised.
    /// - [`NewerFormat`](ErrorKind::NewerFormat): written by a newer version. Not changed.
    /// - [`RolledBack`](ErrorKind::RolledBack): older than what it had acknowledged, and
    ///   [`OnRollback::Refuse`](super::OnRollback::Refuse). Its rows are left as they are.
    /// - [`Corrupt`](ErrorKind::Corrupt): damaged; or the file of epochs is, while other
    ///   processes use it.
    /// - [`Unavailable`](ErrorKind::Unavailable): the directory cannot be read or written.
    /// - [`NoRandomness`](ErrorKind::NoRandomness): no id for a new store.
    pub fn open(options: LmdbOptions) -> Result<Self> {
        open::open(&options)
    }

    /// Rows between two keys, while `belongs` says so.
    fn rows(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        limit: usize,
        belongs: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<(Key, Row)>> {
        let pairs = self.committer.read(|rows, txn| {
            let mut pairs = Vec::new();
            for pair in rows.range(txn, &range)?.take(limit) {
                let (key, row) = pair?;
                if !belongs(key) {
                    break;
                }
                pairs.push((Key::decode(key), decode_row(row)));
            }
            Ok(pairs)
        })?;
        let whole = |(key, row): (Option<Key>, Option<Row>)| {
            Ok((key.ok_or_else(|| damaged("a key"))?, row.ok_or_else(|| damaged("a row"))?))
        };
        pairs.into_iter().map(whole).collect()
    }

    fn submit(&self, job: Job) -> Result<Done> {
        self.committer.submit(job)
    }
}

impl Store for LmdbStore {
    fn get(&self, key: &Key) -> Result<Option<Row>> {
        let (bytes, len) = key.encode();
        let bytes = bytes.get(..len).unwrap_or_default();
        let row = self.committer.read(|rows, txn| Ok(rows.get(txn, bytes)?.map(decode_row)))?;
        row.map(|row| row.ok_or_else(|| damaged("a row"))).transpose()
    }

    fn scan(
        &self,
        group: Group,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Key, Row)>> {
        let first = Key::new(group, table, prefix)?.to_vec();
        let after = after.map(|id| Key::new(group, table, id)).transpose()?;
        let after = after.map(|after| after.to_vec());
        let from = match &after {
            Some(after) if *after >= first => Excluded(after.as_slice()),
            _ => Included(first.as_slice()),
        };
        self.rows((from, Excluded(&[EXPIRY])), limit, |key| key.starts_with(&first))
    }

    fn commit(&self, batch: Batch) -> Result<Commit> {
        batch.validate(LmdbStore::VALUE_LEN_MAX_BYTES)?;
        match self.submit(Job::Commit(batch))? {
            Done::Commit(commit) => Ok(commit),
            Done::Other => Err(mismatch()),
        }
    }

    fn expired(&self, after: Option<&Due>, until: Timestamp, limit: usize) -> Result<Vec<Due>> {
        let from = after.map_or_else(|| vec![EXPIRY], |after| expiry_key(after.at, &after.key));
        let end = expiry_bound(until.plus_millis(1));
        if from >= end {
            return Ok(Vec::new());
        }
        let range = (Excluded(from.as_slice()), Excluded(end.as_slice()));
        self.committer.read(|rows, txn| {
            let mut due = Vec::new();
            for entry in rows.range(txn, &range)?.take(limit) {
                due.extend(decode_expiry(entry?.0));
            }
            Ok(due)
        })
    }

    fn dump(&self, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Row)>> {
        let after = after.map(Key::to_vec);
        let from = after.as_deref().map_or(Included(&[ROWS_FIRST][..]), Excluded);
        self.rows((from, Excluded(&[EXPIRY])), limit, |_| true)
    }

    fn load(&self, rows: Vec<(Key, Row)>) -> Result<()> {
        super::key::validate_rows(&rows, LmdbStore::VALUE_LEN_MAX_BYTES)?;
        let mut rest = rows.into_iter().peekable();
        while rest.peek().is_some() {
            let (mut rows, mut len_bytes) = (Vec::new(), 0);
            while let Some((_, row)) = rest.peek()
                && len_bytes < LOADED_AT_ONCE_BYTES
            {
                len_bytes += HEADER_LEN + row.value.len();
                rows.extend(rest.next());
            }
            self.submit(Job::Load(rows))?;
        }
        Ok(())
    }

    fn version(&self) -> u64 {
        self.committer.version()
    }

    fn sync(&self) -> Result<()> {
        self.submit(Job::Sync)?;
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "lmdb",
            survives: self.survives,
            is_shared: true,
            value_len_max_bytes: LmdbStore::VALUE_LEN_MAX_BYTES,
            was_rolled_back: self.was_rolled_back,
        }
    }

    fn shared_epochs(&self) -> Option<Arc<SharedEpochs>> {
        Some(self.shared.clone())
    }
}

impl fmt::Debug for LmdbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LmdbStore").field("survives", &self.survives).finish_non_exhaustive()
    }
}

impl Drop for LmdbStore {
    fn drop(&mut self) {
        self.committer.close();
    }
}

fn damaged(what: &str) -> Error {
    let message = format!("{what} in the store cannot be read: import the newest export");
    Error::new(ErrorKind::Corrupt, message)
}

fn mismatch() -> Error {
    Error::new(ErrorKind::Internal, "a commit round gave the answer of another call")
}

/// Rows of one batch of `load`: LMDB keeps the pages that a transaction changes in memory.
const LOADED_AT_ONCE_BYTES: usize = 4 << 20;
