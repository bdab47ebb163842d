//! The embedded store of one process, on sled 0.34.
//!
//! In its directory:
//!
//! ```text
//! sessile.lock    held while the store is open; the holder's pid, for people
//! sessile.stamp   the version last known to be on the device
//! db/             sled's own files
//! ```

mod commit;
mod durability;
mod layout;
mod lock;
mod open;
mod options;
#[cfg(test)]
mod tests;
mod tree;
mod writes;

use std::fmt;
use std::ops::Bound::{self, Excluded, Included};
use std::sync::Arc;

use super::expiry::{EXPIRY, decode_expiry, expiry_bound, expiry_key};
use commit::{Committer, Done, Job};
use layout::{HEADER_LEN, Meta, ROWS_FIRST, decode_row};
use lock::LockFile;
use open::Opened;
use tree::damaged;

use super::stamp::SideFile;
use super::{Batch, Capabilities, Commit, Due, Key, Row, SharedEpochs, Store, Survives, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Group;
use crate::sync::Mutex;
use crate::time::Timestamp;

pub use options::SledOptions;

/// A [`Store`] in a directory, for one process with any number of threads.
///
/// A durable commit survives a power loss where the file system takes the attribute for
/// synchronous writes (ext4, xfs, btrfs, f2fs on Linux), else a crash of the process:
/// [`capabilities`](Store::capabilities) says which. Commits that come at the same time share
/// one flush. Dropping it flushes; what fails then is logged.
///
/// After a failed write reads go on, save for a few rows: sled splits a page that has grown too
/// long when a reader comes by, and can no longer. Those are
/// [`Unavailable`](crate::ErrorKind::Unavailable) until the store is reopened, never said to be
/// gone.
///
/// Open it after a fork, never before. In a forked child every write is
/// [`Forked`](crate::ErrorKind::Forked), and so is opening any other store; reads answer from
/// what the parent had in memory at the fork. A child that lives on keeps the store locked when
/// the parent has closed it.
pub struct SledStore {
    // Dropped in this order: the lock goes last.
    committer: Committer,
    side: Mutex<SideFile>,
    store_id: [u8; 16],
    survives: Survives,
    was_rolled_back: bool,
    _lock: LockFile,
}

impl SledStore {
    /// The longest value: 64 KiB of session data and what frames it. sled puts what is longer
    /// than 128 KiB into files that it never syncs.
    pub const VALUE_LEN_MAX_BYTES: usize = 72 << 10;

    /// Opens the store in the directory that `options` name, or makes one there. The directory
    /// is created for its owner only (mode 0700).
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig): a setting is outside its range.
    /// - [`Locked`](ErrorKind::Locked): it is open already, here or in another process.
    /// - [`Forked`](ErrorKind::Forked): a store was open in this process before it forked.
    /// - [`PowerLossUnsafe`](ErrorKind::PowerLossUnsafe): required, and cannot be promised.
    /// - [`NewerFormat`](ErrorKind::NewerFormat): written by a newer version. Not changed.
    /// - [`RolledBack`](ErrorKind::RolledBack): older than what it had acknowledged, and
    ///   [`OnRollback::Refuse`](crate::store::OnRollback::Refuse). Its rows are left as they are.
    /// - [`Corrupt`](ErrorKind::Corrupt): damaged. Its rows are left as they are.
    /// - [`Unavailable`](ErrorKind::Unavailable): the directory cannot be read or written.
    /// - [`NoRandomness`](ErrorKind::NoRandomness): no id for a new store.
    pub fn open(options: SledOptions) -> Result<Self> {
        let Opened { committer, side, store_id, survives, was_rolled_back, lock } =
            open::open(&options)?;
        let side = Mutex::new(side);
        Ok(SledStore { committer, side, store_id, survives, was_rolled_back, _lock: lock })
    }

    /// Rows between two keys of the tree, while `belongs` says so.
    fn rows(
        &self,
        range: (Bound<Vec<u8>>, Bound<Vec<u8>>),
        limit: usize,
        belongs: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<(Key, Row)>> {
        let pairs = self.committer.tree.read(|db| {
            let mut pairs = Vec::new();
            for pair in db.range(range).take(limit) {
                let (key, row) = pair?;
                if !belongs(&key) {
                    break;
                }
                pairs.push((key, row));
            }
            Ok(pairs)
        })?;
        let decode = |(key, row): (sled::IVec, sled::IVec)| {
            let key = Key::decode(&key).ok_or_else(|| damaged("a key"))?;
            Ok((key, decode_row(&row).ok_or_else(|| damaged("a row"))?))
        };
        pairs.into_iter().map(decode).collect()
    }

    /// Expiry entries in a range, as they stand.
    fn entries(&self, from: Bound<Vec<u8>>, end: Vec<u8>, limit: usize) -> Result<Vec<Due>> {
        if matches!(&from, Included(from) | Excluded(from) if *from >= end) {
            return Ok(Vec::new());
        }
        let range = (from, Excluded(end));
        self.committer.tree.read(|db| {
            let mut entries = Vec::new();
            for entry in db.range(range).keys().take(limit) {
                entries.extend(decode_expiry(&entry?));
            }
            Ok(entries)
        })
    }

    /// What is due, without moving the entries that lag: when nothing may be written.
    fn expired_unsettled(
        &self,
        after: Option<&Due>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>> {
        let end = expiry_bound(until.plus_millis(1));
        let mut due = Vec::new();
        for entry in self.entries(Included(vec![EXPIRY]), end, usize::MAX)? {
            let row = self.committer.tree.read(|db| db.get(entry.key.to_vec()))?;
            let Some(meta) = row.as_deref().and_then(Meta::decode) else { continue };
            let is_own = meta.indexed_at == entry.at && meta.expires_at <= until;
            due.extend(is_own.then_some(Due { at: meta.expires_at, key: entry.key }));
        }
        due.retain(|due| after.is_none_or(|after| due > after) && due.at != Timestamp::NEVER);
        due.sort_unstable();
        due.truncate(limit);
        Ok(due)
    }

    /// Writes the version that is known to be flushed beside the store.
    fn note_flushed(&self, version: u64) -> Result<()> {
        self.side.lock().write(self.store_id, version).map_err(|e| {
            let message = "everything is durable, but the stamp file could not be written";
            Error::new(ErrorKind::Unavailable, message).with_source(e)
        })
    }

    fn flush(&self, is_all_clear: bool) -> Result<u64> {
        match self.committer.submit(Job::Sync { is_all_clear })? {
            Done::Synced { version } => Ok(version),
            _ => Err(mismatch()),
        }
    }
}

impl Store for SledStore {
    fn get(&self, key: &Key) -> Result<Option<Row>> {
        let (bytes, len) = key.encode();
        let row = self.committer.tree.read(|db| db.get(bytes.get(..len).unwrap_or_default()))?;
        row.map(|row| decode_row(&row).ok_or_else(|| damaged("a row"))).transpose()
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
        let from = match after.map(|after| after.to_vec()) {
            Some(after) if after >= first => Excluded(after),
            _ => Included(first.clone()),
        };
        self.rows((from, Excluded(vec![EXPIRY])), limit, |key| key.starts_with(&first))
    }

    fn commit(&self, batch: Batch) -> Result<Commit> {
        batch.validate(SledStore::VALUE_LEN_MAX_BYTES)?;
        match self.committer.submit(Job::Commit(batch))? {
            Done::Commit(commit) => Ok(commit),
            _ => Err(mismatch()),
        }
    }

    fn expired(&self, after: Option<&Due>, until: Timestamp, limit: usize) -> Result<Vec<Due>> {
        let end = expiry_bound(until.plus_millis(1));
        let mut page = Vec::new();
        let mut from = after.map_or_else(
            || Included(vec![EXPIRY]),
            |after| Excluded(expiry_key(after.at, &after.key)),
        );
        loop {
            // Below the settled bound every entry is exact, and no row whose entry stands
            // beyond it belongs below: so what is found here is the true order.
            let settled = self.committer.settled();
            let is_settled = settled >= end;
            let found = self.entries(from.clone(), settled.min(end.clone()), limit - page.len())?;
            if let Some(last) = found.last() {
                from = Excluded(expiry_key(last.at, &last.key));
            }
            page.extend(found);
            if is_settled || page.len() >= limit {
                return Ok(page);
            }
            match self.committer.submit(Job::Settle { end: end.clone() }) {
                Ok(_) => {}
                Err(_) if self.committer.is_refusing() => {
                    return self.expired_unsettled(after, until, limit);
                }
                Err(e) => return Err(e),
            }
        }
    }

    fn dump(&self, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Row)>> {
        let from = after.map_or(Included(vec![ROWS_FIRST]), |after| Excluded(after.to_vec()));
        self.rows((from, Excluded(vec![EXPIRY])), limit, |_| true)
    }

    fn load(&self, rows: Vec<(Key, Row)>) -> Result<()> {
        super::key::validate_rows(&rows, SledStore::VALUE_LEN_MAX_BYTES)?;
        let mut rest = rows.into_iter().peekable();
        while rest.peek().is_some() {
            let (mut rows, mut len_bytes) = (Vec::new(), 0);
            while let Some((_, row)) = rest.peek()
                && len_bytes < LOADED_AT_ONCE_BYTES
            {
                len_bytes += HEADER_LEN + row.value.len();
                rows.extend(rest.next());
            }
            let is_last = rest.peek().is_none();
            self.committer.submit(Job::Load { rows, is_last })?;
        }
        Ok(())
    }

    fn version(&self) -> u64 {
        self.committer.version()
    }

    fn sync(&self) -> Result<()> {
        let version = self.flush(true)?;
        self.note_flushed(version)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "sled",
            survives: self.survives,
            is_shared: false,
            value_len_max_bytes: SledStore::VALUE_LEN_MAX_BYTES,
            was_rolled_back: self.was_rolled_back,
        }
    }

    fn shared_epochs(&self) -> Option<Arc<SharedEpochs>> {
        None
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore")
            .field("version", &self.version())
            .field("survives", &self.survives)
            .finish_non_exhaustive()
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        if self.committer.is_refusing() {
            return;
        }
        let closed = self.flush(false).and_then(|version| {
            // The stamp of a rolled back store stays behind until everything is revoked.
            if self.committer.is_alarmed() { Ok(()) } else { self.note_flushed(version) }
        });
        if let Err(e) = closed {
            log::error!("closing the store: {e}");
        }
    }
}

fn mismatch() -> Error {
    Error::new(ErrorKind::Internal, "a commit round gave the answer of another call")
}

/// Rows of one batch of `load`, so that one batch fits sled's buffers.
const LOADED_AT_ONCE_BYTES: usize = 1 << 20;
