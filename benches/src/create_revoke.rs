//! How many logins and logouts a second?

use std::path::Path;

use criterion::{Criterion, Throughput};
use parking_lot::Mutex;
use sessile::store::{Durability, MemoryStore, Store, Table as RowTable};
use sessile::{Config, CreateOptions, Engine, Handle};

use crate::bare_commit::{BareSled, framed};
use crate::crowd::{SEED, quiet};
use crate::rounds::alternate;
use crate::scale::Scale;
use crate::table::{Goal, Table, Unit};
use crate::threads::per_second;

/// Measures create and revoke, for criterion.
pub fn bench(c: &mut Criterion, scale: Scale) {
    let directory = tempfile::tempdir().unwrap();
    let engine = sled_engine(&directory.path().join("ours"), Durability::Durable);
    let bare = Bare::create(&directory.path().join("bare"));
    let mut group = c.benchmark_group("create_revoke/create, durable");
    group.sample_size(10);
    for threads in [1, 16] {
        group.throughput(Throughput::Elements((threads * scale.durable_calls) as u64));
        group.bench_function(format!("sessile, {threads} threads"), |b| {
            b.iter(|| create(&engine, threads, scale.durable_calls))
        });
        group.bench_function(format!("floor: bare sled, {threads} threads"), |b| {
            b.iter(|| bare.create_durable(threads, scale.durable_calls))
        });
    }
    group.finish();
    let engine = sled_engine(&directory.path().join("buffered"), Durability::Buffered);
    c.bench_function("create_revoke/create, buffered/sessile", |b| {
        b.iter(|| create(&engine, 1, 1))
    });
}

/// Adds the rows of this question.
pub fn report(table: &mut Table, scale: Scale) {
    durable(table, scale, 16);
    durable(table, scale, 1);
    buffered(table, scale);
}

fn durable(table: &mut Table, scale: Scale, threads: usize) {
    let directory = tempfile::tempdir().unwrap();
    let engine = sled_engine(&directory.path().join("ours"), Durability::Durable);
    let bare = Bare::create(&directory.path().join("bare"));
    let calls = scale.durable_calls * 16 / threads;
    let goal = if threads == 16 { Goal::AtLeast(0.8) } else { Goal::None };
    let compared = alternate(
        scale.rounds,
        || bare.create_durable(threads, calls),
        || create(&engine, threads, calls).0,
    );
    let floor = "floor: the same rows in bare sled, grouped";
    let name = format!("create, durable, {threads} threads; {floor}");
    table.compared(&name, Unit::PerSecond, compared, goal);
    let compared = alternate(
        scale.rounds,
        || bare.revoke_durable(threads, calls),
        || {
            let (_, handles) = create(&engine, threads, calls);
            revoke(&engine, &handles, threads)
        },
    );
    let name = format!("revoke, durable, {threads} threads; {floor}");
    table.compared(&name, Unit::PerSecond, compared, goal);
}

fn buffered(table: &mut Table, scale: Scale) {
    let directory = tempfile::tempdir().unwrap();
    let engine = sled_engine(&directory.path().join("ours"), Durability::Buffered);
    let bare = Bare::create(&directory.path().join("bare"));
    let calls = scale.calls / 10;
    let compared =
        alternate(scale.rounds, || bare.create_buffered(calls), || create(&engine, 1, calls).0);
    let name = "create, buffered, one thread; floor: the same rows in bare sled";
    table.compared(name, Unit::PerSecond, compared, Goal::None);
    let name = "create, buffered, one thread";
    table.figure(name, Unit::PerSecond, compared.ours, Goal::AtLeast(40_000.0));
}

fn sled_engine(directory: &Path, durability: Durability) -> Engine {
    Engine::open_with(quiet(Config::new(directory)).create_durability(durability)).unwrap()
}

/// Creates sessions: so many a second, and their handles.
fn create(engine: &Engine, threads: usize, calls: usize) -> (f64, Vec<Handle>) {
    let handles = Mutex::new(Vec::new());
    let prepare = |thread| {
        let names = (0..calls).map(|i| format!("user-{thread}-{i}")).collect::<Vec<_>>();
        (names, Vec::with_capacity(calls))
    };
    let rate = per_second(threads, calls, prepare, |(names, mut created)| {
        for name in &names {
            let issued = engine.create(CreateOptions::for_subject(name).unwrap()).unwrap();
            created.push(*issued.session.handle());
        }
        handles.lock().append(&mut created);
    });
    (rate, handles.into_inner())
}

/// Revokes them: so many a second.
fn revoke(engine: &Engine, handles: &[Handle], threads: usize) -> f64 {
    let calls = handles.len() / threads;
    let own = |thread| &handles[thread * calls..(thread + 1) * calls];
    per_second(threads, calls, own, |handles| {
        for handle in handles {
            assert!(engine.revoke(handle).unwrap(), "it was revoked before");
        }
    })
}

/// The rows of creates and revokes, in bare sled.
struct Bare {
    sled: BareSled,
    live: Vec<u8>,
    ended: Vec<u8>,
    rng: Mutex<fastrand::Rng>,
    keys: Mutex<Vec<Vec<u8>>>,
}

impl Bare {
    fn create(directory: &Path) -> Self {
        let (live, ended) = sample_rows();
        let rng = Mutex::new(fastrand::Rng::with_seed(SEED));
        let sled = BareSled::create(directory);
        Bare { sled, live, ended, rng, keys: Mutex::default() }
    }

    /// A row, its entry in the order of expiry, and the stamp that every durable commit moves.
    fn creation(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut key = vec![0; 19];
        self.rng.lock().fill(&mut key);
        self.keys.lock().push(key.clone());
        let mut expiry = vec![0xfe, 0, 0, 1, 0, 0, 0, 0, 0];
        expiry.extend_from_slice(&key);
        vec![(expiry, Vec::new()), (key, self.live.clone()), stamp()]
    }

    fn create_durable(&self, threads: usize, calls: usize) -> f64 {
        let prepare = |_| (0..calls).map(|_| self.creation()).collect::<Vec<_>>();
        per_second(threads, calls, prepare, |rows| {
            rows.into_iter().for_each(|rows| self.sled.insert_durable(rows));
        })
    }

    fn create_buffered(&self, calls: usize) -> f64 {
        let prepare = |_| (0..calls).map(|_| self.creation()).collect::<Vec<_>>();
        per_second(1, calls, prepare, |rows| {
            rows.iter().for_each(|rows| self.sled.insert_buffered(&rows[..2]));
        })
    }

    /// Ends sessions that were created: reads the row, as a revoke must, and puts another.
    fn revoke_durable(&self, threads: usize, calls: usize) -> f64 {
        self.create_durable(threads, calls);
        let prepare = |_| {
            let mut keys = self.keys.lock();
            let rest = keys.len() - calls;
            keys.split_off(rest)
        };
        per_second(threads, calls, prepare, |keys| {
            for key in keys {
                assert!(self.sled.get(&key).is_some());
                self.sled.insert_durable(vec![(key, self.ended.clone()), stamp()]);
            }
        })
    }
}

/// What sessile's store writes with each flush: 37 bytes under one key.
fn stamp() -> (Vec<u8>, Vec<u8>) {
    (vec![0], vec![0; 37])
}

/// The rows of a live and an ended session.
fn sample_rows() -> (Vec<u8>, Vec<u8>) {
    let store = std::sync::Arc::new(MemoryStore::new());
    let engine = Engine::open_with(quiet(Config::with_store(store.clone()))).unwrap();
    let issued = engine.create(CreateOptions::for_subject("user-15-59").unwrap()).unwrap();
    let row = || {
        let rows = store.dump(None, usize::MAX).unwrap();
        let row = rows.iter().find(|(key, _)| key.table() == RowTable::Session);
        framed(&row.unwrap().1)
    };
    let live = row();
    engine.revoke(issued.session.handle()).unwrap();
    (live, row())
}
