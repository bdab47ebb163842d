//! What a store has to do, as a trait and a numbered contract.
//!
//! A store keeps rows. It knows nothing of sessions: the engine decides what a row means, the
//! store that a row is not lost, not torn and not brought back.
//!
//! # The contract
//!
//! `testing::conformance` has one function for each rule and runs it against every backend.
//!
//! 1. A key that was never put, or was deleted, has no row: `get` says `None`, no error.
//! 2. `commit` is all or nothing, also across a crash.
//! 3. A batch is written only if each of its checks holds at that moment; otherwise the answer is
//!    [`Commit::Conflict`] and nothing is written. Checks and writes are one step: no other
//!    commit comes between.
//! 4. [`Check::Absent`] of one key by N threads at once succeeds for exactly one.
//! 5. [`Check::Version`] holds only while the row has exactly that version; it never holds for a
//!    key without a row. So an update of a deleted row fails, and the key stays absent.
//! 6. Every row of a batch gets the batch's version, and that is greater than any version given
//!    in this store before, across reopening too.
//! 7. Deleting is idempotent.
//! 8. A batch names one group; a key of another group is [`ErrorKind::InvalidInput`], and so is
//!    a key that a batch puts and deletes, or puts twice. Nothing is written.
//! 9. Every byte string up to [`Key::ID_LEN_MAX`] bytes is a key id. Values have any bytes and up
//!    to [`Capabilities::value_len_max_bytes`]; a larger one is [`ErrorKind::TooLarge`] and
//!    nothing is written.
//! 10. `scan` gives the rows of one table of one group in the order of the ids, `limit` at most,
//!     starting after `after`. Paging to the end sees each row that was there all the time once.
//! 11. `expired` gives keys in the order of (expiry, key), starting after `after`, none later
//!     than `until`, `limit` at most; a row with expiry `until` is among them. A row whose
//!     expiry is [`Timestamp::NEVER`] is never given.
//! 12. A store has no clock and never hides a row for its age: `get` gives it until it is
//!     deleted.
//! 13. What `commit` with [`Durability::Durable`] acknowledged is there after a crash, as far as
//!     [`Capabilities::survives`] says. [`Durability::Buffered`] rows may be lost by a crash, in
//!     reverse order of their commits and whole batches at a time, until the next durable commit
//!     or `sync`.
//! 14. An error other than [`ErrorKind::OutcomeUnknown`] means that nothing was written.
//!     After `OutcomeUnknown` the store takes no more writes ([`ErrorKind::WritesRefused`]) until
//!     it is reopened; reads go on, and what cannot be read is [`ErrorKind::Unavailable`].
//! 15. Opening a store that another engine has open is [`ErrorKind::Locked`] and changes nothing;
//!     one that is shared, only if that engine is in the same process.
//! 16. A store written by a newer version is [`ErrorKind::NewerFormat`] and is not changed.
//! 17. `load` puts rows with the versions that they bring; later commits get greater ones.
//! 18. `dump` gives every row once, in the order of the keys, in pages.
//! 19. Rows that were loaded, committed or dumped are byte for byte the same after reopening.
//!
//! [`ErrorKind::InvalidInput`]: crate::ErrorKind::InvalidInput
//! [`ErrorKind::Locked`]: crate::ErrorKind::Locked
//! [`ErrorKind::NewerFormat`]: crate::ErrorKind::NewerFormat
//! [`ErrorKind::OutcomeUnknown`]: crate::ErrorKind::OutcomeUnknown
//! [`ErrorKind::TooLarge`]: crate::ErrorKind::TooLarge
//! [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
//! [`ErrorKind::WritesRefused`]: crate::ErrorKind::WritesRefused

#[cfg(any(feature = "sled", feature = "lmdb"))]
mod expiry;
mod export;
#[cfg(any(feature = "sled", feature = "lmdb"))]
mod files;
mod key;
#[cfg(feature = "lmdb")]
mod lmdb;
mod memory;
#[cfg(any(feature = "sled", feature = "lmdb"))]
mod queue;
#[cfg(feature = "sled")]
mod sled;
#[cfg(any(feature = "sled", feature = "lmdb"))]
mod stamp;

use std::sync::Arc;

use crate::error::Result;
use crate::id::Group;
use crate::time::Timestamp;

#[cfg(feature = "lmdb")]
pub use self::lmdb::{LmdbOptions, LmdbStore};
#[cfg(feature = "sled")]
pub use self::sled::{SledOptions, SledStore};
#[cfg(any(feature = "sled", feature = "lmdb"))]
pub use self::stamp::OnRollback;
pub(crate) use export::load_export;
pub use export::{ExportSummary, ImportSummary, export, import};
pub use key::{Key, Table};
pub use memory::MemoryStore;

pub use crate::sys::SharedEpochs;

/// A place that keeps rows, see the [contract](self).
///
/// No method has a default body: a backend that forgets one does not compile.
pub trait Store: Send + Sync + 'static {
    /// The row of `key`, or `None`.
    ///
    /// # Errors
    /// - [`Unavailable`](crate::ErrorKind::Unavailable): could not be read; says nothing about it.
    fn get(&self, key: &Key) -> Result<Option<Row>>;

    /// Rows of `table` in `group` whose id starts with `prefix`, in the order of the ids, `limit`
    /// at most, only ids greater than `after`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn scan(
        &self,
        group: Group,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Key, Row)>>;

    /// Writes a batch if its checks hold.
    ///
    /// # Errors
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput),
    ///   [`TooLarge`](crate::ErrorKind::TooLarge),
    ///   [`Unavailable`](crate::ErrorKind::Unavailable),
    ///   [`WritesRefused`](crate::ErrorKind::WritesRefused),
    ///   [`Forked`](crate::ErrorKind::Forked): nothing was written.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown): the batch may be there after a
    ///   reopen, or not. The store refuses writes from now on.
    fn commit(&self, batch: Batch) -> Result<Commit>;

    /// Keys whose expiry is `until` or earlier, in the order of (expiry, key), `limit` at most,
    /// only those after `after`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn expired(&self, after: Option<&Due>, until: Timestamp, limit: usize) -> Result<Vec<Due>>;

    /// Every row whose key is greater than `after`, in the order of the keys, `limit` at most.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn dump(&self, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Row)>>;

    /// Puts rows as another store's [`dump`](Self::dump) gave them, versions and all, and makes
    /// them durable. A crash in the middle may leave some of them.
    ///
    /// # Errors
    /// As [`commit`](Self::commit); a version beyond 2^63 is
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput).
    fn load(&self, rows: Vec<(Key, Row)>) -> Result<()>;

    /// The greatest version given so far.
    fn version(&self) -> u64;

    /// Makes every acknowledged commit durable.
    ///
    /// # Errors
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown),
    ///   [`WritesRefused`](crate::ErrorKind::WritesRefused): as [`commit`](Self::commit).
    fn sync(&self) -> Result<()>;

    /// What this store can promise.
    fn capabilities(&self) -> Capabilities;

    /// The epochs that this store shares with other processes and steps itself, as
    /// [`Batch::moves`] says; `None` where only this process steps them.
    fn shared_epochs(&self) -> Option<Arc<SharedEpochs>>;
}

/// A stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The version of the batch that put it.
    pub version: u64,
    /// When it may be swept. Not a promise that it is gone by then.
    pub expires_at: Timestamp,
    /// The bytes.
    pub value: Vec<u8>,
}

/// What is to be written at once, all in one group.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The group of every key below.
    pub group: Group,
    /// What must hold for the batch to be written.
    pub checks: Vec<(Key, Check)>,
    /// Rows to put: key, value, when the row may be swept.
    pub puts: Vec<(Key, Vec<u8>, Timestamp)>,
    /// Keys to delete.
    pub deletes: Vec<Key>,
    /// When the call may return.
    pub durability: Durability,
    /// Whose cached verdicts it changes. Only a store with
    /// [`shared_epochs`](Store::shared_epochs) looks at it.
    pub moves: Moves,
}

impl Batch {
    /// An empty batch.
    pub fn new(group: Group, durability: Durability) -> Self {
        let (checks, puts, deletes) = (Vec::new(), Vec::new(), Vec::new());
        Batch { group, checks, puts, deletes, durability, moves: Moves::Group }
    }

    /// With one more check.
    #[must_use]
    pub fn check(mut self, key: Key, check: Check) -> Self {
        self.checks.push((key, check));
        self
    }

    /// With one more row to put.
    #[must_use]
    pub fn put(mut self, key: Key, value: Vec<u8>, expires_at: Timestamp) -> Self {
        self.puts.push((key, value, expires_at));
        self
    }

    /// With one more key to delete.
    #[must_use]
    pub fn delete(mut self, key: Key) -> Self {
        self.deletes.push(key);
        self
    }

    /// With what it moves.
    #[must_use]
    pub fn moving(mut self, moves: Moves) -> Self {
        self.moves = moves;
        self
    }

    /// Rules 8 and 9, for every backend to call first.
    ///
    /// # Errors
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput): a key of another group, or twice.
    /// - [`TooLarge`](crate::ErrorKind::TooLarge): a value beyond `value_len_max_bytes`.
    pub fn validate(&self, value_len_max_bytes: usize) -> Result<()> {
        key::validate(self, value_len_max_bytes)
    }
}

/// What must hold for a batch to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The key has no row.
    Absent,
    /// The key has a row of this version.
    Version(u64),
}

/// When [`Store::commit`] may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Once the batch survives what [`Capabilities::survives`] says.
    Durable,
    /// Once others can read it. It becomes durable a little later by itself.
    Buffered,
}

/// Whose cached verdicts a batch makes void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// Nobody's: nothing that verification says depends on it.
    Nothing,
    /// Those of the batch's group.
    Group,
    /// Those of every group.
    All,
}

/// The answer of [`Store::commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    /// Written; its rows have this version.
    Committed {
        /// The version.
        version: u64,
    },
    /// A check did not hold; nothing was written.
    Conflict,
}

/// A key and when its row expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// The expiry.
    pub at: Timestamp,
    /// The key.
    pub key: Key,
}

/// What a store can promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The backend's name, for logs and statistics.
    pub name: &'static str,
    /// What a durable commit survives.
    pub survives: Survives,
    /// Whether other processes write to the same store.
    pub is_shared: bool,
    /// The longest value, in bytes.
    pub value_len_max_bytes: usize,
    /// Whether this open found the store older than what it had acknowledged and the
    /// configuration allowed to go on: the engine then revokes everything.
    pub was_rolled_back: bool,
}

/// What a durable commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Survives {
    /// Nothing: it is gone with the process.
    Nothing,
    /// A crash or SIGKILL of the process, not a power loss.
    ProcessCrash,
    /// A power loss.
    PowerLoss,
}
