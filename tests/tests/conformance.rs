//! The contract of the stores, against every backend.

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sessile::store::{
    Batch, Durability, Key, LmdbOptions, LmdbStore, MemoryStore, SledOptions, SledStore, Store,
    Table,
};
use sessile::testing::conformance::Harness;
use sessile::testing::{Fault, FaultStore, Op};
use sessile::{ErrorKind, Group, Result, Timestamp};

sessile::store_conformance!(memory, MemoryHarness);
sessile::store_conformance!(faultless_wrapper, WrappedHarness);
sessile::store_conformance!(sled, SledHarness::new());
sessile::store_conformance!(lmdb, LmdbHarness::new());

fn with_a_row(store: &dyn Store) {
    let key = Key::new(Group(7), Table::Session, b"kept").unwrap();
    let batch = Batch::new(Group(7), Durability::Durable);
    let _ = store.commit(batch.put(key, vec![1; 100], Timestamp::from_millis(5))).unwrap();
}

struct MemoryHarness;

impl Harness for MemoryHarness {
    fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(MemoryStore::new()))
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn crashed(&self) -> Option<Arc<dyn Store>> {
        None
    }

    fn failing(&self) -> Option<Arc<dyn Store>> {
        None
    }

    fn make_newer(&self) -> bool {
        false
    }
}

struct WrappedHarness;

impl Harness for WrappedHarness {
    fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(FaultStore::new(Arc::new(MemoryStore::new()))))
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn crashed(&self) -> Option<Arc<dyn Store>> {
        None
    }

    fn failing(&self) -> Option<Arc<dyn Store>> {
        let store = FaultStore::new(Arc::new(MemoryStore::new()));
        with_a_row(&store);
        store.fail(Fault::once(Op::Commit, 1, ErrorKind::OutcomeUnknown).after());
        Some(Arc::new(store))
    }

    fn make_newer(&self) -> bool {
        false
    }
}

struct SledHarness {
    dir: tempfile::TempDir,
    crashes: AtomicU32,
}

impl SledHarness {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        SledHarness { dir, crashes: AtomicU32::new(0) }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn options(path: PathBuf) -> SledOptions {
        SledOptions::new(path).cache_len_max_bytes(16 << 20)
    }
}

impl Harness for SledHarness {
    fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(SledStore::open(SledHarness::options(self.path()))?))
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn crashed(&self) -> Option<Arc<dyn Store>> {
        let number = self.crashes.fetch_add(1, Ordering::SeqCst);
        let to = self.dir.path().join(format!("crashed-{number}"));
        support::copy_at_once(&self.path(), &to);
        Some(Arc::new(SledStore::open(SledHarness::options(to)).unwrap()))
    }

    fn failing(&self) -> Option<Arc<dyn Store>> {
        None
    }

    fn make_newer(&self) -> bool {
        support::make_newer(&self.path().join("sessile.stamp"));
        true
    }
}

struct LmdbHarness {
    dir: tempfile::TempDir,
    crashes: AtomicU32,
}

impl LmdbHarness {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        LmdbHarness { dir, crashes: AtomicU32::new(0) }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }
}

impl Harness for LmdbHarness {
    fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(LmdbStore::open(LmdbOptions::new(self.path()))?))
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn crashed(&self) -> Option<Arc<dyn Store>> {
        let number = self.crashes.fetch_add(1, Ordering::SeqCst);
        let to = self.dir.path().join(format!("crashed-{number}"));
        support::copy_from_outside(&self.path(), &to);
        Some(Arc::new(LmdbStore::open(LmdbOptions::new(to)).unwrap()))
    }

    fn failing(&self) -> Option<Arc<dyn Store>> {
        None
    }

    fn make_newer(&self) -> bool {
        support::make_newer(&self.path().join("sessile.stamp"));
        true
    }
}
