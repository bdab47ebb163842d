//! The contract of the stores, against every backend.

mod support;

use std::path::{Path, PathBuf};
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
sessile::store_conformance!(sled, DirectoryHarness::sled());
sessile::store_conformance!(lmdb, DirectoryHarness::lmdb());

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

/// A store in a directory of its own.
struct DirectoryHarness {
    dir: tempfile::TempDir,
    crashes: AtomicU32,
    open: fn(PathBuf) -> Result<Arc<dyn Store>>,
    /// Copies a store that is open, as a crash would leave it.
    copy: fn(&Path, &Path),
}

impl DirectoryHarness {
    fn sled() -> Self {
        DirectoryHarness::new(
            |path| {
                let options = SledOptions::new(path).cache_len_max_bytes(16 << 20);
                Ok(Arc::new(SledStore::open(options)?))
            },
            support::copy_at_once,
        )
    }

    fn lmdb() -> Self {
        DirectoryHarness::new(
            |path| Ok(Arc::new(LmdbStore::open(LmdbOptions::new(path))?)),
            support::copy_from_outside,
        )
    }

    fn new(open: fn(PathBuf) -> Result<Arc<dyn Store>>, copy: fn(&Path, &Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        DirectoryHarness { dir, crashes: AtomicU32::new(0), open, copy }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }
}

impl Harness for DirectoryHarness {
    fn open(&self) -> Result<Arc<dyn Store>> {
        (self.open)(self.path())
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
        (self.copy)(&self.path(), &to);
        Some((self.open)(to).unwrap())
    }

    fn failing(&self) -> Option<Arc<dyn Store>> {
        None
    }

    fn make_newer(&self) -> bool {
        support::make_newer(&self.path().join("sessile.stamp"));
        true
    }
}
