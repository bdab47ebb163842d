//! What several of the integration tests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use sessile::store::{Batch, Capabilities, Commit, Due, Key, MemoryStore, Row, Store, Table};
use sessile::{Clock, Group, Result, Timestamp};

/// A clock that stands until a test moves it.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl Default for ManualClock {
    fn default() -> Self {
        ManualClock(Arc::new(AtomicU64::new(1_700_000_000_000)))
    }
}

impl ManualClock {
    /// Moves it forward.
    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Moves it back.
    pub fn step_back_ms(&self, ms: u64) {
        self.0.fetch_sub(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A store in memory that counts reads, and holds a read of a session's row back when told to:
/// the row has been read, but the reader does not have it yet.
#[derive(Default)]
pub struct HeldStore {
    inner: MemoryStore,
    reads: AtomicU64,
    gate: Mutex<Gate>,
    moved: Condvar,
}

#[derive(Default)]
struct Gate {
    holds_next: bool,
    is_held: bool,
}

impl HeldStore {
    /// How many rows were asked for.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    /// Holds the next read of a session back.
    pub fn hold_next(&self) {
        self.gate.lock().unwrap().holds_next = true;
    }

    /// Waits until a read is held back.
    pub fn wait_until_held(&self) {
        let gate = self.gate.lock().unwrap();
        drop(self.moved.wait_while(gate, |gate| !gate.is_held).unwrap());
    }

    /// Lets it go on.
    pub fn release(&self) {
        self.gate.lock().unwrap().is_held = false;
        self.moved.notify_all();
    }
}

impl Store for HeldStore {
    fn get(&self, key: &Key) -> Result<Option<Row>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let row = self.inner.get(key)?;
        let mut gate = self.gate.lock().unwrap();
        if key.table() == Table::Session && std::mem::take(&mut gate.holds_next) {
            gate.is_held = true;
            self.moved.notify_all();
            drop(self.moved.wait_while(gate, |gate| gate.is_held).unwrap());
        }
        Ok(row)
    }

    fn scan(
        &self,
        group: Group,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Key, Row)>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.scan(group, table, prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Result<Commit> {
        self.inner.commit(batch)
    }

    fn expired(&self, after: Option<&Due>, until: Timestamp, limit: usize) -> Result<Vec<Due>> {
        self.inner.expired(after, until, limit)
    }

    fn dump(&self, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Row)>> {
        self.inner.dump(after, limit)
    }

    fn load(&self, rows: Vec<(Key, Row)>) -> Result<()> {
        self.inner.load(rows)
    }

    fn version(&self) -> u64 {
        self.inner.version()
    }

    fn sync(&self) -> Result<()> {
        self.inner.sync()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}
