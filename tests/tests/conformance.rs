//! The contract of the stores, against every backend.

mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessile::store::{
    Batch, Durability, Key, LmdbOptions, LmdbStore, MemoryStore, RedisStore, SledOptions,
    SledStore, Store, Table,
};
use sessile::testing::conformance::Harness;
use sessile::testing::{Fault, FaultStore, Op};
use sessile::{ErrorKind, Group, Result, Timestamp};
use support::redis_server::{self, Proxy, RedisServer};

sessile::store_conformance!(memory, MemoryHarness);
sessile::store_conformance!(faultless_wrapper, WrappedHarness);
sessile::store_conformance!(sled, SledHarness::new());
sessile::store_conformance!(lmdb, LmdbHarness::new());
sessile::store_conformance!(redis, RedisHarness::new(&[]));
sessile::store_conformance!(redis_cluster, RedisHarness::of_cluster());

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

struct RedisHarness {
    server: RedisServer,
    is_cluster: bool,
    crashed: Mutex<Vec<RedisServer>>,
    proxy: Proxy,
}

impl RedisHarness {
    fn new(settings: &[&str]) -> Self {
        let durable = ["--appendonly", "yes", "--appendfsync", "always"];
        let server = RedisServer::with(&[&durable, settings].concat());
        let (crashed, proxy) = (Mutex::new(Vec::new()), Proxy::before(server.port));
        RedisHarness { server, is_cluster: false, crashed, proxy }
    }

    /// A cluster of one: every key has to be where its slot says.
    fn of_cluster() -> Self {
        let bus = redis_server::free_port().to_string();
        let harness = RedisHarness::new(&["--cluster-enabled", "yes", "--cluster-port", &bus]);
        redis_server::join_cluster(&[&harness.server]);
        RedisHarness { is_cluster: true, ..harness }
    }
}

impl Harness for RedisHarness {
    fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(RedisStore::open(self.server.options())?))
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn crashed(&self) -> Option<Arc<dyn Store>> {
        if self.is_cluster {
            return None;
        }
        let server = self.server.crashed();
        let store = RedisStore::open(server.options()).unwrap();
        self.crashed.lock().unwrap().push(server);
        Some(Arc::new(store))
    }

    /// The write is cut off, and so is every question what became of it.
    fn failing(&self) -> Option<Arc<dyn Store>> {
        if self.is_cluster {
            return None;
        }
        let options = redis_server::options(self.proxy.port);
        let store = RedisStore::open(options.settle_timeout(Duration::from_millis(200))).unwrap();
        with_a_row(&store);
        self.proxy.cut_with_questions(&[7; 100], false);
        Some(Arc::new(store))
    }

    fn make_newer(&self) -> bool {
        self.server.command(&[b"HSET", b"{sessile:0}m", b"format", b"2"]);
        true
    }
}
