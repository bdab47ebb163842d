//! How long does it take to verify a token?

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use parking_lot::RwLock;
use sessile::store::{Key, MemoryStore, SledOptions, SledStore, Store, Table as RowTable};
use sessile::testing::FaultStore;
use sessile::{Config, Engine};

use crate::bare_commit::{BareSled, bytes_of};
use crate::bare_map::BareMap;
use crate::crowd::{self, Crowd, Texts, Turn, quiet};
use crate::heap;
use crate::hmac::Signed;
use crate::redis::Redis;
use crate::rounds::{Compared, alternate, ns_each};
use crate::scale::{Scale, short};
use crate::table::{Goal, Table, Unit};
use crate::threads;
use crate::tower::Tower;

/// Measures every way to verify, for criterion.
pub fn bench(c: &mut Criterion, scale: Scale) {
    bench_hits(c, scale, scale.hot);
    bench_hits(c, scale, scale.many);
    bench_misses(c, scale);
    bench_forged(c, scale);
}

/// Adds the rows of this question.
pub fn report(table: &mut Table, scale: Scale) {
    hits(table, scale);
    hits_of_many(table, scale);
    misses_in_memory(table, scale);
    misses_in_sled(table, scale);
    forged(table, scale);
    two_threads(table, scale);
    redis(table, scale);
}

fn bench_hits(c: &mut Criterion, scale: Scale, count: usize) {
    let mut group = c.benchmark_group(format!("verify/hit {}", short(count)));
    let (engine, crowd) = cached(count);
    let mut turn = Turn::of(count);
    group.bench_function("sessile", |b| b.iter(|| hit(&engine, &crowd.texts, &mut turn)));
    let map = BareMap::of(&crowd.texts);
    group.bench_function("floor: decode + bare map", |b| {
        b.iter(|| map.get(crowd.texts.get(turn.next_place())))
    });
    drop(map);
    if count == scale.hot {
        let signed = Signed::of(&crowd.texts);
        group.bench_function("floor: ring HMAC", |b| b.iter(|| signed.verify(turn.next_place())));
    }
    let tower = Tower::of(count);
    group.bench_function("peer: tower-sessions MemoryStore", |b| {
        b.iter(|| tower.load(turn.next_place()))
    });
    group.finish();
}

fn bench_misses(c: &mut Criterion, scale: Scale) {
    let mut group = c.benchmark_group("verify/miss");
    let directory = tempfile::tempdir().unwrap();
    let sled = SledMiss::new(directory.path(), scale);
    let mut turn = Turn::of(scale.stored);
    group.bench_function("sessile on sled", |b| b.iter(|| sled.ours(&mut turn)));
    group.bench_function("floor: HMAC + sled get", |b| b.iter(|| sled.floor(&mut turn)));
    let memory = MemoryMiss::new(scale);
    group.bench_function("sessile on memory", |b| b.iter(|| memory.ours(&mut turn)));
    group.bench_function("floor: HMAC + B-tree get", |b| b.iter(|| memory.floor(&mut turn)));
    group.finish();
}

fn bench_forged(c: &mut Criterion, scale: Scale) {
    let (engine, crowd) = cached(scale.hot);
    let (forged, signed) = (forge(&crowd.texts), Signed::of(&crowd.texts));
    let mut group = c.benchmark_group("verify/forged");
    let mut turn = Turn::of(scale.hot);
    group.bench_function("sessile", |b| b.iter(|| reject(&engine, &forged, &mut turn)));
    group.bench_function("floor: ring HMAC", |b| b.iter(|| signed.verify(turn.next_place())));
    group.finish();
}

/// An engine whose cache holds `count` sessions.
pub fn cached(count: usize) -> (Engine, Crowd) {
    let engine = crowd::memory_engine();
    let crowd = Crowd::log_in(&engine, "user", count);
    let mut turn = Turn::of(count);
    (0..count).for_each(|_| hit(&engine, &crowd.texts, &mut turn));
    // As the maintenance thread would: nothing is left to do.
    engine.tick().unwrap();
    assert_eq!(engine.stats().cached_sessions, count as u64, "the cache is too small");
    (engine, crowd)
}

/// Verifies the next of some valid tokens.
#[inline]
pub fn hit(engine: &Engine, texts: &Texts, turn: &mut Turn) {
    let verdict = engine.verify(black_box(texts.get(turn.next_place()))).unwrap();
    assert!(black_box(&verdict).is_valid());
}

#[inline]
fn reject(engine: &Engine, forged: &Texts, turn: &mut Turn) {
    let verdict = engine.verify(black_box(forged.get(turn.next_place()))).unwrap();
    assert!(!black_box(&verdict).is_valid());
}

fn hits(table: &mut Table, scale: Scale) {
    let (engine, crowd) = cached(scale.hot);
    let (mut ours, mut floors) = (Turn::of(scale.hot), Turn::of(scale.hot));
    let what = format!("verify, hit, {}", short(scale.hot));
    let mut against = |floor: &mut dyn FnMut(usize)| {
        alternate(
            scale.rounds,
            || ns_each(scale.calls, || floor(floors.next_place())),
            || ns_each(scale.calls, || hit(&engine, &crowd.texts, &mut ours)),
        )
    };
    let signed = Signed::of(&crowd.texts);
    let compared = against(&mut |i| assert!(signed.verify(black_box(i))));
    let name = format!("{what}; floor: ring HMAC");
    table.compared(&name, Unit::Time, compared, Goal::AtMost(0.5));
    let map = BareMap::of(&crowd.texts);
    let compared = against(&mut |i| {
        black_box(&map.get(black_box(crowd.texts.get(i))));
    });
    table.compared(&format!("{what}; floor: decode + map"), Unit::Time, compared, Goal::None);
    let tower = Tower::of(scale.hot);
    let compared = against(&mut |i| {
        black_box(&tower.load(i));
    });
    let name = format!("{what}; peer: tower-sessions MemoryStore");
    table.compared(&name, Unit::Time, compared, Goal::AtMost(0.2));
}

fn hits_of_many(table: &mut Table, scale: Scale) {
    let (engine, crowd) = cached(scale.many);
    let map = BareMap::of(&crowd.texts);
    let (mut ours, mut floors) = (Turn::of(scale.many), Turn::of(scale.many));
    let mut floor = || {
        let text = black_box(crowd.texts.get(floors.next_place()));
        assert!(black_box(&map.get(text)).is_some());
    };
    let what = format!("verify, hit, {} random", short(scale.many));
    let compared = alternate(
        scale.rounds,
        || ns_each(scale.calls, &mut floor),
        || ns_each(scale.calls, || hit(&engine, &crowd.texts, &mut ours)),
    );
    let name = format!("{what}; floor: decode + map");
    table.compared(&name, Unit::Time, compared, Goal::AtMost(1.3));
    drop(map);
    let tower = Tower::of(scale.many);
    let compared = alternate(
        scale.rounds,
        || ns_each(scale.calls, || drop(tower.load(floors.next_place()))),
        || ns_each(scale.calls, || hit(&engine, &crowd.texts, &mut ours)),
    );
    let name = format!("{what}; peer: tower-sessions MemoryStore");
    table.compared(&name, Unit::Time, compared, Goal::None);
}

/// The least that a cache may have: some 300 sessions, so that almost every call is a miss.
const CACHE_LEN_MIN_BYTES: usize = 64 << 10;

/// Verification that reads sled, and its floor.
struct SledMiss {
    engine: Engine,
    texts: Texts,
    signed: Signed,
    bare: BareSled,
    keys: Vec<Vec<u8>>,
}

impl SledMiss {
    fn new(directory: &std::path::Path, scale: Scale) -> Self {
        let store = Arc::new(SledStore::open(SledOptions::new(directory.join("ours"))).unwrap());
        let (engine, crowd) = uncached(store.clone(), scale);
        let bare = BareSled::create(&directory.join("bare"));
        bare.copy(store.as_ref());
        let keys = keys_of(&crowd).iter().map(bytes_of).collect();
        let signed = Signed::of(&crowd.texts);
        SledMiss { engine, texts: crowd.texts, signed, bare, keys }
    }

    fn ours(&self, turn: &mut Turn) {
        hit(&self.engine, &self.texts, turn);
    }

    fn floor(&self, turn: &mut Turn) {
        let i = turn.next_place();
        assert!(self.signed.verify(i) && black_box(self.bare.get(&self.keys[i])).is_some());
    }
}

/// Verification that reads the store in memory, and its floor.
struct MemoryMiss {
    engine: Engine,
    texts: Texts,
    signed: Signed,
    bare: RwLock<std::collections::BTreeMap<Key, Vec<u8>>>,
    keys: Vec<Key>,
}

impl MemoryMiss {
    fn new(scale: Scale) -> Self {
        let store = Arc::new(MemoryStore::new());
        let (engine, crowd) = uncached(store.clone(), scale);
        let rows = store.dump(None, usize::MAX).unwrap();
        let bare = RwLock::new(rows.into_iter().map(|(key, row)| (key, row.value)).collect());
        let (keys, signed) = (keys_of(&crowd), Signed::of(&crowd.texts));
        MemoryMiss { engine, texts: crowd.texts, signed, bare, keys }
    }

    fn ours(&self, turn: &mut Turn) {
        hit(&self.engine, &self.texts, turn);
    }

    fn floor(&self, turn: &mut Turn) {
        let i = turn.next_place();
        let row = self.signed.verify(i).then(|| self.bare.read().get(&self.keys[i]).cloned());
        assert!(black_box(row).flatten().is_some());
    }
}

fn uncached(store: Arc<dyn Store>, scale: Scale) -> (Engine, Crowd) {
    let config = quiet(Config::with_store(store)).cache_len_max_bytes(CACHE_LEN_MIN_BYTES);
    let engine = Engine::open_with(config).unwrap();
    let crowd = Crowd::log_in(&engine, "user", scale.stored);
    (engine, crowd)
}

fn keys_of(crowd: &Crowd) -> Vec<Key> {
    let key = |handle: &sessile::Handle| {
        Key::new(handle.group(), RowTable::Session, &handle.to_bytes()[2..]).unwrap()
    };
    crowd.handles.iter().map(key).collect()
}

fn misses_in_sled(table: &mut Table, scale: Scale) {
    let directory = tempfile::tempdir().unwrap();
    let miss = SledMiss::new(directory.path(), scale);
    let calls = scale.calls / 5;
    let compared = miss_ratio(scale, calls, |t| miss.floor(t), |t| miss.ours(t));
    let name = format!("verify, miss, sled, {}; floor: HMAC + get", short(scale.stored));
    table.compared(&name, Unit::Time, compared, Goal::AtMost(1.5));
    expect_misses(&miss.engine);
}

fn misses_in_memory(table: &mut Table, scale: Scale) {
    let miss = MemoryMiss::new(scale);
    let compared = miss_ratio(scale, scale.calls, |t| miss.floor(t), |t| miss.ours(t));
    let name = format!("verify, miss, memory, {}; floor: HMAC + get", short(scale.stored));
    table.compared(&name, Unit::Time, compared, Goal::AtMost(1.5));
    expect_misses(&miss.engine);
}

fn miss_ratio(
    scale: Scale,
    calls: usize,
    floor: impl Fn(&mut Turn),
    ours: impl Fn(&mut Turn),
) -> Compared {
    let (mut a, mut b) = (Turn::of(scale.stored), Turn::of(scale.stored));
    alternate(scale.rounds, || ns_each(calls, || floor(&mut a)), || ns_each(calls, || ours(&mut b)))
}

fn expect_misses(engine: &Engine) {
    let stats = engine.stats();
    assert!(stats.cache_hits * 20 < stats.cache_misses, "these were hits: {stats:?}");
}

/// Well-formed tokens of the same sessions whose last character but one is another: the tag is
/// wrong in 6 bits.
fn forge(texts: &Texts) -> Texts {
    let forged: Vec<String> = texts
        .iter()
        .map(|text| {
            let (head, tail) = text.split_at(Texts::LEN - 2);
            let other = if tail.starts_with('A') { 'B' } else { 'A' };
            format!("{head}{other}{}", &tail[1..])
        })
        .collect();
    Texts::new(forged.iter().map(String::as_str))
}

fn forged(table: &mut Table, scale: Scale) {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(quiet(Config::with_store(store.clone()))).unwrap();
    let crowd = Crowd::log_in(&engine, "user", scale.hot);
    let (forged, signed) = (forge(&crowd.texts), Signed::of(&crowd.texts));
    let (mut ours, mut floors) = (Turn::of(scale.hot), Turn::of(scale.hot));
    let compared = alternate(
        scale.rounds,
        || ns_each(scale.calls, || assert!(signed.verify(black_box(floors.next_place())))),
        || ns_each(scale.calls, || reject(&engine, &forged, &mut ours)),
    );
    table.compared("verify, forged; floor: ring HMAC", Unit::Time, compared, Goal::AtMost(1.3));
    let reads = store.counts().gets;
    let work = || (0..scale.hot).for_each(|_| reject(&engine, &forged, &mut ours));
    let ((), growth) = heap::growth(work);
    let reads = (store.counts().gets - reads) as f64;
    table.figure("verify, forged: store reads", Unit::Bare(""), reads, Goal::AtMost(0.0));
    if heap::is_installed() {
        let name = "verify, forged: allocations";
        table.figure(name, Unit::Bare(""), growth.calls as f64, Goal::AtMost(0.0));
        let work = || (0..scale.hot).for_each(|_| hit(&engine, &crowd.texts, &mut ours));
        let ((), growth) = heap::growth(work);
        let name = "verify, hit: allocations";
        table.figure(name, Unit::Bare(""), growth.calls as f64, Goal::AtMost(0.0));
    }
}

fn two_threads(table: &mut Table, scale: Scale) {
    let (engine, crowd) = cached(scale.hot);
    let calls = scale.calls * 5;
    let per_second = |threads| hits_per_second(&engine, &crowd.texts, calls, threads);
    let compared = alternate(scale.rounds, || per_second(1), || per_second(2));
    let name = format!("verify, hit, {}, two threads; floor: one thread", short(scale.hot));
    table.compared(&name, Unit::PerSecond, compared, Goal::AtLeast(1.9));
    // What the machine itself gives: HMACs share nothing, so less than 2 is its neighbours.
    let signed = Signed::of(&crowd.texts);
    let work = |mut turn: Turn| {
        (0..scale.calls).for_each(|_| assert!(signed.verify(black_box(turn.next_place()))))
    };
    let per_second =
        |threads| threads::per_second(threads, scale.calls, |_| Turn::of(scale.hot), work);
    let compared = alternate(scale.rounds, || per_second(1), || per_second(2));
    let name = "for comparison: ring HMAC, two threads; floor: one thread";
    table.compared(name, Unit::PerSecond, compared, Goal::None);
}

/// Hits a second of so many threads together, each at another place of the crowd.
fn hits_per_second(engine: &Engine, texts: &Texts, calls: usize, threads: usize) -> f64 {
    let prepare = |thread| Turn::from(thread * texts.count() / threads, texts.count());
    let work = |mut turn| (0..calls).for_each(|_| hit(engine, texts, &mut turn));
    threads::per_second(threads, calls, prepare, work)
}

fn redis(table: &mut Table, scale: Scale) {
    let name = format!("verify, hit, {}; peer: Redis GET, loopback", short(scale.hot));
    let mut redis = match Redis::start() {
        Ok(redis) => redis,
        Err(error) => return table.skipped(&name, &format!("no redis-server: {error}")),
    };
    let (engine, crowd) = cached(scale.hot);
    for text in crowd.texts.iter() {
        redis.set(text, &"x".repeat(150)).unwrap();
    }
    let (mut ours, mut floors) = (Turn::of(scale.hot), Turn::of(scale.hot));
    let compared = alternate(
        scale.rounds,
        || {
            ns_each(scale.calls / 40, || {
                let found = redis.get(crowd.texts.get(floors.next_place()));
                assert_eq!(found.unwrap(), 150);
            })
        },
        || ns_each(scale.calls, || hit(&engine, &crowd.texts, &mut ours)),
    );
    table.compared(&name, Unit::Time, compared, Goal::None);
}
