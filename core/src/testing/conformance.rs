//! The contract of [`Store`] as a suite: one function for each of its rules.
//!
//! A backend implements [`Harness`] and calls [`store_conformance!`](crate::store_conformance),
//! which makes a test of each rule. What a backend cannot do (a store in memory cannot be
//! reopened) its harness says, and the rule tests the rest.

// A failed expectation is how this module speaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::id::Group;
use crate::store::{Batch, Check, Commit, Due, Durability, Key, Row, Store, Table};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, thread};
use crate::time::Timestamp;

/// One place where a backend keeps its rows, empty at first.
pub trait Harness: Sync {
    /// Opens the place.
    ///
    /// # Errors
    /// Those of the backend: rules 15 and 16 look at them.
    fn open(&self) -> Result<Arc<dyn Store>>;

    /// Whether an [`open`](Self::open) finds what the one before it left.
    fn is_durable(&self) -> bool;

    /// Whether only one may have it open at a time.
    fn is_exclusive(&self) -> bool;

    /// What a crash at this moment would leave, opened beside it; `None` where that is nothing.
    fn crashed(&self) -> Option<Arc<dyn Store>>;

    /// A store whose next write fails at the disk, with a few rows in it; `None` where that
    /// cannot be had.
    fn failing(&self) -> Option<Arc<dyn Store>>;

    /// Makes the closed place look as if a newer version had written it; `false` where there
    /// is no such thing.
    fn make_newer(&self) -> bool;
}

/// Emits one test for each rule of the contract, in a module `$name`, for the harness that the
/// expression makes anew for each.
#[macro_export]
macro_rules! store_conformance {
    ($name:ident, $harness:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::store_conformance! { @rules $harness;
                rule_01_a_key_without_a_row_reads_as_none
                rule_02_a_batch_is_all_or_nothing
                rule_03_checks_and_writes_are_one_step
                rule_04_one_of_many_creators_wins
                rule_05_a_version_check_holds_for_that_version_only
                rule_06_versions_only_grow
                rule_07_deleting_is_idempotent
                rule_08_a_batch_names_one_group_and_each_key_once
                rule_09_keys_and_values_are_any_bytes_up_to_their_limits
                rule_10_scans_page_without_gap_or_duplicate
                rule_11_expired_keys_come_in_order_and_on_time
                rule_12_rows_are_not_hidden_for_their_age
                rule_13_what_was_acknowledged_survives_a_crash
                rule_14_after_an_unknown_outcome_writes_are_refused_and_reads_go_on
                rule_15_a_second_open_is_refused
                rule_16_a_newer_format_is_refused
                rule_17_loaded_rows_keep_their_versions
                rule_18_a_dump_gives_every_row_once
                rule_19_rows_are_the_same_after_reopening
            }
        }
    };
    (@rules $harness:expr; $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                $crate::testing::conformance::$rule(&$harness);
            }
        )*
    };
}

const G: Group = Group(7);

fn open(harness: &dyn Harness) -> Arc<dyn Store> {
    harness.open().expect("the store opens")
}

fn key(id: impl AsRef<[u8]>) -> Key {
    Key::new(G, Table::Session, id.as_ref()).unwrap()
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn batch() -> Batch {
    Batch::new(G, Durability::Buffered)
}

fn must(store: &dyn Store, batch: Batch) -> u64 {
    match store.commit(batch).expect("the commit works") {
        Commit::Committed { version } => version,
        Commit::Conflict => panic!("the checks hold"),
    }
}

fn put(store: &dyn Store, id: impl AsRef<[u8]>, value: &[u8], expires_at: Timestamp) -> u64 {
    must(store, batch().put(key(id), value.to_vec(), expires_at))
}

fn value(store: &dyn Store, key: &Key) -> Option<Vec<u8>> {
    store.get(key).unwrap().map(|row| row.value)
}

fn fails(answer: Result<Commit>, kind: ErrorKind) {
    assert_eq!(answer.expect_err("the commit fails").kind(), kind);
}

/// Every row, over pages of `limit`.
fn dump(store: &dyn Store, limit: usize) -> Vec<(Key, Row)> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = store.dump(after.as_ref(), limit).unwrap();
        assert!(page.len() <= limit);
        let Some((last, _)) = page.last() else { return rows };
        after = Some(*last);
        rows.extend(page);
    }
}

/// Every due key, over pages of `limit`.
fn expired(store: &dyn Store, until: Timestamp, limit: usize) -> Vec<Due> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.expired(after.as_ref(), until, limit).unwrap();
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { return all };
        after = Some(*last);
        all.extend(page);
    }
}

/// What `expired` has to give for rows with these expiries.
fn due_of(model: &BTreeMap<Key, Timestamp>, until: Timestamp) -> Vec<Due> {
    let mut due: Vec<Due> = model.iter().map(|(key, at)| Due { at: *at, key: *key }).collect();
    due.retain(|due| due.at <= until && due.at != Timestamp::NEVER);
    due.sort();
    due
}

/// A generator for tests: the same numbers at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Rule 1.
pub fn rule_01_a_key_without_a_row_reads_as_none(harness: &dyn Harness) {
    let store = open(harness);
    assert_eq!(store.get(&key("a")).unwrap(), None);
    put(&*store, "a", b"x", Timestamp::NEVER);
    assert_eq!(value(&*store, &key("a")).unwrap(), b"x");
    for near in ["", "b", "a\0", "A"] {
        assert_eq!(store.get(&key(near)).unwrap(), None);
    }
    assert_eq!(store.get(&Key::new(Group(8), Table::Session, b"a").unwrap()).unwrap(), None);
    assert_eq!(store.get(&Key::new(G, Table::Data, b"a").unwrap()).unwrap(), None);
    must(&*store, batch().delete(key("a")));
    assert_eq!(store.get(&key("a")).unwrap(), None);
}

/// Rule 2.
pub fn rule_02_a_batch_is_all_or_nothing(harness: &dyn Harness) {
    let store = open(harness);
    let version = put(&*store, "old", b"1", at(9));
    put(&*store, "other", b"2", at(9));
    let write = |batch: Batch| {
        batch.put(key("new"), vec![], at(1)).put(key("old"), vec![], at(1)).delete(key("other"))
    };
    let before = dump(&*store, 10);
    let stale = write(batch().check(key("old"), Check::Version(version + 100)));
    assert_eq!(store.commit(stale).unwrap(), Commit::Conflict);
    let one = write(batch().check(key("new"), Check::Absent).check(key("old"), Check::Absent));
    assert_eq!(store.commit(one).unwrap(), Commit::Conflict);
    let too_large = vec![0; store.capabilities().value_len_max_bytes + 1];
    fails(store.commit(write(batch()).put(key("big"), too_large, at(1))), ErrorKind::TooLarge);
    assert_eq!(dump(&*store, 10), before);
    assert_eq!(expired(&*store, at(5), 10), []);

    // A pair is always written together: whatever a crash leaves, it is no half of it. Small
    // and large pairs may take different ways to the disk.
    for len in [2, 30_000] {
        for i in 0_u16..200 {
            let mut value = i.to_be_bytes().to_vec();
            value.resize(len, 7);
            let pair = batch().put(key("a"), value.clone(), at(1)).put(key("b"), value, at(1));
            must(&*store, pair.delete(key([u8::from(i % 2 == 0)])));
        }
        if let Some(crashed) = harness.crashed() {
            assert_eq!(value(&*crashed, &key("a")), value(&*crashed, &key("b")));
        }
    }
}

/// Rule 3.
pub fn rule_03_checks_and_writes_are_one_step(harness: &dyn Harness) {
    const THREADS: usize = 4;
    const INCREMENTS: usize = 50;
    let store = open(harness);
    put(&*store, "n", &0_u64.to_be_bytes(), at(1));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..INCREMENTS {
                    loop {
                        let row = store.get(&key("n")).unwrap().unwrap();
                        let n = u64::from_be_bytes(row.value.try_into().unwrap()) + 1;
                        let update = batch().check(key("n"), Check::Version(row.version)).put(
                            key("n"),
                            n.to_be_bytes().to_vec(),
                            at(n),
                        );
                        if store.commit(update).unwrap() != Commit::Conflict {
                            break;
                        }
                    }
                }
            });
        }
    });
    let n = value(&*store, &key("n")).unwrap();
    assert_eq!(u64::from_be_bytes(n.try_into().unwrap()), (THREADS * INCREMENTS) as u64);
}

/// Rule 4.
pub fn rule_04_one_of_many_creators_wins(harness: &dyn Harness) {
    let store = open(harness);
    for round in 0..20_u8 {
        let wins = AtomicU64::new(0);
        let (wins, store) = (&wins, &store);
        thread::scope(|scope| {
            for creator in 0..4_u8 {
                scope.spawn(move || {
                    let create = batch().check(key([round]), Check::Absent).put(
                        key([round]),
                        vec![creator],
                        at(1),
                    );
                    if let Commit::Committed { version } = store.commit(create).unwrap() {
                        wins.fetch_add(1, Ordering::SeqCst);
                        let row = store.get(&key([round])).unwrap().unwrap();
                        assert_eq!((row.version, row.value), (version, vec![creator]));
                    }
                });
            }
        });
        assert_eq!(wins.load(Ordering::SeqCst), 1);
    }
}

/// Rule 5.
pub fn rule_05_a_version_check_holds_for_that_version_only(harness: &dyn Harness) {
    let store = open(harness);
    let update = |version| {
        batch().check(key("a"), Check::Version(version)).put(key("a"), b"new".to_vec(), at(1))
    };
    for version in [0, 1, u64::MAX] {
        assert_eq!(store.commit(update(version)).unwrap(), Commit::Conflict);
    }
    let first = put(&*store, "a", b"1", at(1));
    let second = put(&*store, "a", b"2", at(1));
    for version in [0, first, second + 1] {
        assert_eq!(store.commit(update(version)).unwrap(), Commit::Conflict);
    }
    assert_eq!(value(&*store, &key("a")).unwrap(), b"2");
    let third = must(&*store, update(second));
    must(&*store, batch().delete(key("a")));
    assert_eq!(store.commit(update(third)).unwrap(), Commit::Conflict);
    assert_eq!(store.get(&key("a")).unwrap(), None);
    // The row that is checked need not be one that is written.
    let other = batch().check(key("a"), Check::Version(third)).put(key("b"), vec![], at(1));
    assert_eq!(store.commit(other).unwrap(), Commit::Conflict);
    assert_eq!(store.get(&key("b")).unwrap(), None);
}

/// Rule 6.
pub fn rule_06_versions_only_grow(harness: &dyn Harness) {
    let store = open(harness);
    let given = Mutex::new(HashSet::new());
    thread::scope(|scope| {
        for writer in 0..4_u8 {
            let (store, given) = (&store, &given);
            scope.spawn(move || {
                let mut last = 0;
                for _ in 0..50 {
                    let pair = batch().put(key([writer, 0]), vec![], at(1)).put(
                        key([writer, 1]),
                        vec![],
                        Timestamp::NEVER,
                    );
                    let version = must(&**store, pair);
                    assert!(version > last && store.version() >= version);
                    last = version;
                    for id in [0, 1] {
                        let row = store.get(&key([writer, id])).unwrap().unwrap();
                        assert_eq!(row.version, version);
                    }
                    assert!(given.lock().insert(version), "a version was given twice");
                }
            });
        }
    });
    if harness.is_durable() {
        let greatest = store.version();
        drop(store);
        let store = open(harness);
        assert!(store.version() >= greatest);
        let version = put(&*store, "later", b"", at(1));
        assert!(version > greatest);
        if let Some(crashed) = harness.crashed() {
            assert!(put(&*crashed, "later", b"", at(1)) > version);
        }
    }
}

/// Rule 7.
pub fn rule_07_deleting_is_idempotent(harness: &dyn Harness) {
    let store = open(harness);
    must(&*store, batch().delete(key("a")));
    put(&*store, "a", b"", at(1));
    put(&*store, "b", b"", at(1));
    for _ in 0..2 {
        must(&*store, batch().delete(key("a")).delete(key("b")).delete(key("c")));
        assert_eq!(dump(&*store, 10), []);
        assert_eq!(expired(&*store, at(1), 10), []);
    }
}

/// Rule 8.
pub fn rule_08_a_batch_names_one_group_and_each_key_once(harness: &dyn Harness) {
    let store = open(harness);
    let foreign = Key::new(Group(8), Table::Session, b"f").unwrap();
    let a = || batch().put(key("a"), vec![], at(1));
    for bad in [
        a().put(foreign, vec![], at(1)),
        a().delete(foreign),
        a().check(foreign, Check::Absent),
        a().put(key("a"), vec![1], at(1)),
        a().delete(key("a")),
        a().delete(key("b")).delete(key("b")),
    ] {
        fails(store.commit(bad), ErrorKind::InvalidInput);
    }
    assert_eq!(dump(&*store, 10), []);
}

/// Rule 9.
pub fn rule_09_keys_and_values_are_any_bytes_up_to_their_limits(harness: &dyn Harness) {
    let store = open(harness);
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let mut ids: Vec<Vec<u8>> = every_byte.iter().map(|byte| vec![*byte]).collect();
    for len in 0..=Key::ID_LEN_MAX {
        ids.extend([vec![0; len], vec![0xff; len]]);
    }
    ids.sort();
    ids.dedup();
    for id in &ids {
        put(&*store, id, &[id, every_byte.as_slice()].concat(), at(1));
    }
    for id in &ids {
        assert_eq!(value(&*store, &key(id)).unwrap(), [id, every_byte.as_slice()].concat());
    }
    let scanned = store.scan(G, Table::Session, b"", None, 1000).unwrap();
    assert!(scanned.iter().map(|(key, _)| key.id()).eq(ids.iter()));

    let max = store.capabilities().value_len_max_bytes;
    for len in [0, 1, 4096, max] {
        put(&*store, "v", &vec![0xa5; len], at(1));
        assert_eq!(value(&*store, &key("v")).unwrap(), vec![0xa5; len]);
    }
    let too_large = batch().put(key("v"), vec![0; max + 1], at(1));
    fails(store.commit(too_large), ErrorKind::TooLarge);
    assert_eq!(value(&*store, &key("v")).unwrap().len(), max);
    let row = Row { version: 1, expires_at: at(1), value: vec![0; max + 1] };
    assert_eq!(store.load(vec![(key("v"), row)]).unwrap_err().kind(), ErrorKind::TooLarge);
    for table in Table::ALL {
        for group in [0, u16::MAX] {
            let key = Key::new(Group(group), *table, &[0xff; Key::ID_LEN_MAX]).unwrap();
            let batch = Batch::new(Group(group), Durability::Durable);
            must(&*store, batch.put(key, vec![1], Timestamp::NEVER));
            assert_eq!(value(&*store, &key).unwrap(), [1]);
        }
    }
}

/// Rule 10.
pub fn rule_10_scans_page_without_gap_or_duplicate(harness: &dyn Harness) {
    const IDS: [&str; 7] = ["", "a", "a\0", "ab", "ac", "b", "b\u{7f}"];
    let store = open(harness);
    for table in Table::ALL {
        for group in [6, 7, 8] {
            let mut batch = Batch::new(Group(group), Durability::Buffered);
            for id in IDS {
                let key = Key::new(Group(group), *table, id.as_bytes()).unwrap();
                batch = batch.put(key, vec![group as u8, table.number()], at(1));
            }
            must(&*store, batch);
        }
    }
    let pages = |prefix: &str, limit: usize| {
        let (mut ids, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let after_id = after.as_deref();
            let page = store.scan(G, Table::Session, prefix.as_bytes(), after_id, limit).unwrap();
            assert!(page.len() <= limit);
            for (_, row) in &page {
                assert_eq!(row.value, [7, Table::Session.number()]);
            }
            let Some((last, _)) = page.last() else { return ids };
            after = Some(last.id().to_vec());
            ids.extend(page.iter().map(|(key, _)| key.id().to_vec()));
        }
    };
    for limit in 1..9 {
        assert_eq!(pages("", limit).len(), 7);
        assert_eq!(pages("a", limit), [&b"a"[..], b"a\0", b"ab", b"ac"]);
        assert_eq!(pages("b", limit), [&b"b"[..], b"b\x7f"]);
        assert!(pages("c", limit).is_empty());
    }
    assert_eq!(store.scan(G, Table::Session, b"", None, 0).unwrap(), []);
    let scan = |prefix: &[u8], after: &[u8]| {
        store.scan(G, Table::Session, prefix, Some(after), 10).unwrap().len()
    };
    assert_eq!([scan(b"b", b"a"), scan(b"a", b"b"), scan(b"", b"zz")], [2, 0, 0]);

    // Rows that are there all the time are seen once, whatever happens around them.
    let steady: BTreeSet<Vec<u8>> = IDS.iter().map(|id| id.as_bytes().to_vec()).collect();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..100_u8 {
                let id = [b'a', b'z', round];
                put(&*store, id, &[7, Table::Session.number()], at(1));
                must(&*store, batch().delete(key(id)));
            }
            is_done.store(true, Ordering::SeqCst);
        });
        while !is_done.load(Ordering::SeqCst) {
            let mut seen = pages("", 2);
            seen.retain(|id| steady.contains(id));
            assert!(seen.iter().eq(steady.iter()), "{seen:?}");
        }
    });
}

/// Rule 11.
pub fn rule_11_expired_keys_come_in_order_and_on_time(harness: &dyn Harness) {
    let store = open(harness);
    put(&*store, "never", b"", Timestamp::NEVER);
    put(&*store, "b", b"", at(10));
    put(&*store, "a", b"", at(10));
    put(&*store, "c", b"", at(9));
    put(&*store, "last", b"", at(u64::MAX - 1));
    let due = |until| {
        let due = expired(&*store, until, 100);
        due.into_iter().map(|due| (due.at.as_millis(), due.key.id().to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(due(at(8)), []);
    assert_eq!(due(at(9)), [(9, b"c".to_vec())]);
    let ten = [(9, b"c".to_vec()), (10, b"a".to_vec()), (10, b"b".to_vec())];
    assert_eq!(due(at(10)), ten);
    assert_eq!(due(Timestamp::NEVER).len(), 4);
    assert_eq!(store.expired(None, at(10), 0).unwrap(), []);
    let after = Due { at: at(10), key: key("a") };
    let next = store.expired(Some(&after), at(10), 5).unwrap();
    assert_eq!(next, [Due { at: at(10), key: key("b") }]);
    assert_eq!(store.expired(Some(&after), at(5), 5).unwrap(), []);
    for id in ["never", "a", "b", "c", "last"] {
        must(&*store, batch().delete(key(id)));
    }
    drop(store);
    expired_agrees_with_a_model(harness);
}

/// Random writes with sweeps and pages between them. A store that keeps nothing starts anew.
fn expired_agrees_with_a_model(harness: &dyn Harness) {
    let mut store = open(harness);
    let (mut random, mut model) = (Random(0x5e55_11e5), BTreeMap::new());
    for step in 0..3_000_u32 {
        let id = [random.below(60) as u8];
        // Time goes on slowly, so that some writes fall behind what was swept.
        let now = u64::from(step) / 3;
        match random.below(12) {
            0 => {
                must(&*store, batch().delete(key(id)));
                model.remove(&key(id));
            }
            1 => {
                let until = at(now);
                let limit = 1 + random.below(20) as usize;
                assert_eq!(expired(&*store, until, limit), due_of(&model, until), "step {step}");
            }
            2 => {
                let until = at(random.below(now + 100));
                let after = Due { at: at(random.below(now + 100)), key: key(id) };
                let mut expected = due_of(&model, until);
                expected.retain(|due| *due > after);
                expected.truncate(3);
                assert_eq!(store.expired(Some(&after), until, 3).unwrap(), expected, "step {step}");
            }
            3 if harness.is_durable() && random.below(10) == 0 => {
                drop(store);
                store = open(harness);
            }
            kind => {
                let expires_at = match kind {
                    4 => Timestamp::NEVER,
                    _ => at(now.saturating_sub(50) + random.below(200)),
                };
                put(&*store, id, b"x", expires_at);
                model.insert(key(id), expires_at);
            }
        }
    }
    assert_eq!(expired(&*store, at(u64::MAX), 7), due_of(&model, at(u64::MAX)));
}

/// Rule 12.
pub fn rule_12_rows_are_not_hidden_for_their_age(harness: &dyn Harness) {
    let store = open(harness);
    put(&*store, "a", b"x", at(0));
    put(&*store, "b", b"y", at(1));
    assert_eq!(expired(&*store, at(u64::MAX - 1), 10).len(), 2);
    assert_eq!(value(&*store, &key("a")).unwrap(), b"x");
    assert_eq!(store.scan(G, Table::Session, b"", None, 10).unwrap().len(), 2);
    assert_eq!(dump(&*store, 10).len(), 2);
    let version = store.get(&key("b")).unwrap().unwrap().version;
    must(&*store, batch().check(key("b"), Check::Version(version)).delete(key("b")));
}

/// Rule 13.
pub fn rule_13_what_was_acknowledged_survives_a_crash(harness: &dyn Harness) {
    let store = open(harness);
    for i in 0..50_u8 {
        let durable = Batch::new(G, Durability::Durable).put(key([i]), vec![i; 100], at(9));
        must(&*store, durable.put(key([i, i]), vec![i], at(9)));
    }
    must(&*store, Batch::new(G, Durability::Durable).delete(key([3])));
    let acknowledged = dump(&*store, 1000);
    if let Some(crashed) = harness.crashed() {
        assert_eq!(dump(&*crashed, 1000), acknowledged);
        assert_eq!(expired(&*crashed, at(9), 7).len(), 99);
        // A later buffered commit may be lost, but never an earlier one without it.
        for i in 100..=255_u8 {
            put(&*store, [i], b"", at(1));
        }
        let crashed = harness.crashed().unwrap();
        let there = |i: &u8| crashed.get(&key([*i])).unwrap().is_some();
        let kept = (100..=255_u8).take_while(there).count();
        assert_eq!((100..=255_u8).filter(there).count(), kept);
        store.sync().unwrap();
        assert_eq!(dump(&*harness.crashed().unwrap(), 1000), dump(&*store, 1000));
    }
    store.sync().unwrap();
}

/// Rule 14.
pub fn rule_14_after_an_unknown_outcome_writes_are_refused_and_reads_go_on(harness: &dyn Harness) {
    let Some(store) = harness.failing() else { return };
    let before = dump(&*store, 10);
    let write = |id: &str| Batch::new(G, Durability::Durable).put(key(id), vec![7; 1000], at(1));
    fails(store.commit(write("new")), ErrorKind::OutcomeUnknown);
    for _ in 0..2 {
        fails(store.commit(write("newer")), ErrorKind::WritesRefused);
        fails(store.commit(batch().delete(key("newer"))), ErrorKind::WritesRefused);
        assert_eq!(store.sync().unwrap_err().kind(), ErrorKind::WritesRefused);
    }
    for (key, row) in &before {
        assert_eq!(store.get(key).unwrap().as_ref(), Some(row));
    }
    assert_eq!(store.get(&key("newer")).unwrap(), None);
    assert!(store.scan(G, Table::Session, b"", None, 100).unwrap().len() >= before.len());
    store.expired(None, at(u64::MAX), 100).unwrap();
}

/// Rule 15.
pub fn rule_15_a_second_open_is_refused(harness: &dyn Harness) {
    if !harness.is_exclusive() {
        return;
    }
    let store = open(harness);
    put(&*store, "a", b"x", at(1));
    for _ in 0..2 {
        let Err(error) = harness.open() else { panic!("a second open worked") };
        assert_eq!(error.kind(), ErrorKind::Locked);
    }
    put(&*store, "b", b"x", at(1));
    drop(store);
    assert_eq!(dump(&*open(harness), 10).len(), 2);
}

/// Rule 16.
pub fn rule_16_a_newer_format_is_refused(harness: &dyn Harness) {
    let store = open(harness);
    put(&*store, "a", b"x", at(1));
    drop(store);
    if !harness.make_newer() {
        return;
    }
    for _ in 0..2 {
        let Err(error) = harness.open() else { panic!("a newer format was opened") };
        assert_eq!(error.kind(), ErrorKind::NewerFormat);
    }
}

/// Rule 17.
pub fn rule_17_loaded_rows_keep_their_versions(harness: &dyn Harness) {
    let store = open(harness);
    let row = |version, expires_at, value: &[u8]| Row { version, expires_at, value: value.into() };
    let other_group = Key::new(Group(9), Table::Data, b"d").unwrap();
    let high = store.version() + 1_000_000_000;
    let rows = vec![
        (key("a"), row(high, at(5), b"1")),
        (key("b"), row(3, Timestamp::NEVER, b"2")),
        (other_group, row(4, at(6), b"3")),
    ];
    store.load(rows.clone()).unwrap();
    for (key, row) in &rows {
        assert_eq!(store.get(key).unwrap().as_ref(), Some(row));
    }
    let due = [Due { at: at(5), key: key("a") }, Due { at: at(6), key: other_group }];
    assert_eq!(expired(&*store, at(100), 10), due);
    assert!(store.version() >= high);
    let update = batch().check(key("b"), Check::Version(3)).put(key("b"), vec![], at(1));
    assert!(must(&*store, update) > high);
    // A load over rows that are there replaces them, expiry and all.
    let again = row(7, at(50), b"again");
    store.load(vec![(key("a"), again.clone())]).unwrap();
    assert_eq!(store.get(&key("a")).unwrap(), Some(again.clone()));
    assert_eq!(expired(&*store, at(49), 10).len(), 2);
    store.load(Vec::new()).unwrap();
    if harness.is_durable() {
        drop(store);
        let store = open(harness);
        assert_eq!(store.get(&key("a")).unwrap(), Some(again));
        assert!(put(&*store, "c", b"", at(1)) > high + 1);
    }
}

/// Rule 18.
pub fn rule_18_a_dump_gives_every_row_once(harness: &dyn Harness) {
    let store = open(harness);
    assert_eq!(dump(&*store, 3), []);
    let mut keys = Vec::new();
    for table in Table::ALL {
        for group in [0, 7, 256, u16::MAX] {
            for id in [&b""[..], b"\0", b"x", &[0xff; 32]] {
                let key = Key::new(Group(group), *table, id).unwrap();
                let batch = Batch::new(Group(group), Durability::Buffered);
                must(&*store, batch.put(key, id.to_vec(), at(u64::from(group))));
                keys.push(key);
            }
        }
    }
    keys.sort();
    for limit in [1, 2, 7, 64, 1000] {
        let rows = dump(&*store, limit);
        assert!(rows.iter().map(|(key, _)| key).eq(&keys));
        assert!(rows.iter().all(|(key, row)| row.value == key.id()));
    }
    assert_eq!(store.dump(None, 0).unwrap(), []);
}

/// Rule 19.
pub fn rule_19_rows_are_the_same_after_reopening(harness: &dyn Harness) {
    let store = open(harness);
    let mut random = Random(0xdead_beef);
    for i in 0..300_u32 {
        let len = random.below(2_000) as usize;
        let expires_at = if i % 7 == 0 { Timestamp::NEVER } else { at(random.below(1_000)) };
        put(&*store, random.below(100).to_be_bytes(), &vec![i as u8; len], expires_at);
        if i % 5 == 0 {
            must(&*store, batch().delete(key(random.below(100).to_be_bytes())));
        }
    }
    let row = Row { version: 5, expires_at: at(77), value: vec![1, 2, 3] };
    store.load(vec![(key("loaded"), row)]).unwrap();
    let (rows, due) = (dump(&*store, 50), expired(&*store, at(500), 50));
    assert_eq!(dump(&*store, 11), rows);
    if harness.is_durable() {
        drop(store);
        for _ in 0..2 {
            let store = open(harness);
            assert_eq!(dump(&*store, 50), rows);
            assert_eq!(expired(&*store, at(500), 50), due);
        }
    }
}
