//! What can only be seen from inside: entries that lag, forks, gaps.

use std::path::Path;

use super::*;
use crate::store::{Check, Durability};

fn open(dir: &Path) -> SledStore {
    SledStore::open(SledOptions::new(dir).cache_len_max_bytes(16 << 20)).unwrap()
}

fn key(id: u8) -> Key {
    Key::new(Group(1), Table::Session, &[id]).unwrap()
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn put(store: &SledStore, id: u8, expires_at: Timestamp) {
    let batch = Batch::new(Group(1), Durability::Buffered).put(key(id), vec![id], expires_at);
    assert!(matches!(store.commit(batch).unwrap(), Commit::Committed { .. }));
}

fn raw_entries(store: &SledStore) -> Vec<(u64, u8)> {
    let entries = store.entries(Included(vec![EXPIRY]), vec![EXPIRY + 1], 100).unwrap();
    entries.iter().map(|due| (due.at.as_millis(), due.key.id()[0])).collect()
}

fn due(store: &SledStore, until: u64) -> Vec<(u64, u8)> {
    let due = store.expired(None, at(until), 100).unwrap();
    due.iter().map(|due| (due.at.as_millis(), due.key.id()[0])).collect()
}

#[test]
fn a_touch_leaves_the_expiry_entry_and_the_sweep_moves_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, 1, at(10));
    put(&store, 1, at(50));
    put(&store, 1, at(30));
    put(&store, 2, at(20));
    assert_eq!(raw_entries(&store), [(10, 1), (20, 2)]);
    let version = store.get(&key(1)).unwrap().unwrap().version;

    assert_eq!(due(&store, 29), [(20, 2)]);
    assert_eq!(raw_entries(&store), [(20, 2), (30, 1)]);
    assert_eq!(store.get(&key(1)).unwrap().unwrap().version, version);
    assert_eq!(due(&store, 30), [(20, 2), (30, 1)]);

    // Below what was swept an entry may not lag: it moves with its row.
    put(&store, 2, at(40));
    assert_eq!(raw_entries(&store), [(30, 1), (40, 2)]);
    put(&store, 1, at(5));
    assert_eq!(due(&store, 30), [(5, 1)]);
}

#[test]
fn an_entry_goes_with_its_row_and_with_its_expiry() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, 1, at(10));
    put(&store, 1, at(90));
    let batch = Batch::new(Group(1), Durability::Buffered).delete(key(1));
    let _ = store.commit(batch).unwrap();
    assert_eq!(raw_entries(&store), []);

    put(&store, 2, at(10));
    put(&store, 2, Timestamp::NEVER);
    assert_eq!(due(&store, u64::MAX), []);
    assert_eq!(raw_entries(&store), []);
    put(&store, 2, at(7));
    assert_eq!(due(&store, 7), [(7, 2)]);
}

#[test]
fn a_sweep_of_more_entries_than_one_step_walks_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = |i: u16| Key::new(Group(1), Table::Session, &i.to_be_bytes()).unwrap();
    for i in 0..900_u16 {
        for extra in [0, 500 * u64::from(i % 3)] {
            let batch = Batch::new(Group(1), Durability::Buffered);
            let _ = store.commit(batch.put(id(i), vec![], at(u64::from(i) + extra))).unwrap();
        }
    }
    let mut expected: Vec<Due> = (0..900_u16)
        .map(|i| Due { at: at(u64::from(i) + 500 * u64::from(i % 3)), key: id(i) })
        .collect();
    expected.sort();
    expected.retain(|due| due.at <= at(1500));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.expired(after.as_ref(), at(1500), 7).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(*last);
        found.extend(page);
    }
    assert_eq!(found, expected);
    assert_eq!(store.expired_unsettled(None, at(1500), 1000).unwrap(), expected);
}

#[test]
fn what_is_due_can_be_read_when_nothing_can_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    put(&store, 1, at(10));
    put(&store, 1, at(30));
    put(&store, 2, at(20));
    store.committer.tree.pretend_forked();
    assert_eq!(due(&store, 30), [(20, 2), (30, 1)]);
    assert_eq!(raw_entries(&store), [(10, 1), (20, 2)]);
}

#[test]
fn a_forked_child_is_refused_before_it_touches_sled() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    put(&store, 1, at(10));
    store.committer.tree.pretend_forked();
    let batch = Batch::new(Group(1), Durability::Buffered).delete(key(1));
    assert_eq!(store.commit(batch).unwrap_err().kind(), ErrorKind::Forked);
    assert_eq!(store.sync().unwrap_err().kind(), ErrorKind::Forked);
    assert!(store.get(&key(1)).unwrap().is_some());
}

#[test]
fn a_child_of_a_process_that_had_a_store_open_is_refused_instead_of_hanging() {
    open::refuse_forked(None, 1).unwrap();
    open::refuse_forked(Some(&1), 1).unwrap();
    assert_eq!(open::refuse_forked(Some(&1), 2).unwrap_err().kind(), ErrorKind::Forked);
}

#[test]
fn an_open_leaves_out_more_versions_than_a_crash_can_have_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, 1, at(10));
    let before = store.version();
    drop(store);
    let store = open(dir.path());
    put(&store, 1, at(10));
    assert!(store.version() > before + commit::VERSION_GAP);
}

#[test]
fn checks_see_the_earlier_batches_of_their_round() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    // Eight threads create and update one key: with a stale view two would win.
    let wins = crate::sync::AtomicU64::new(0);
    crate::sync::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for id in 0..100 {
                    let batch = Batch::new(Group(1), Durability::Buffered)
                        .check(key(id), Check::Absent)
                        .put(key(id), vec![], at(10));
                    if store.commit(batch).unwrap() != Commit::Conflict {
                        wins.fetch_add(1, crate::sync::Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(wins.load(crate::sync::Ordering::SeqCst), 100);
}
