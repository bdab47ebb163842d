//! Session data: no lost values, no resurrection, limits.

use std::sync::Arc;

use sessile::store::{Batch, Durability, MemoryStore, Store, Table};
use sessile::testing::FaultStore;
use sessile::{Config, CreateOptions, Data, Engine, ErrorKind, Group, Patch, Reason};
use sessile_tests::fixture::{MINUTE, engine, engine_with, log_in, reason};

fn value(engine: &Engine, handle: &sessile::Handle, name: &str) -> Option<String> {
    let data = engine.data(handle).unwrap()?;
    data.get(name).map(|value| String::from_utf8(value.to_vec()).unwrap())
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let (engine, _) = engine();
    let handle = *log_in(&engine, "alice").session.handle();
    assert_eq!(engine.data(&handle).unwrap().unwrap().len(), 0, "none to begin with");
    engine.patch(&handle, &Patch::new().set("a", "1").set("b", "2")).unwrap();
    engine.patch(&handle, &Patch::new().set("b", "3").remove("a").remove("never")).unwrap();
    assert_eq!(value(&engine, &handle, "a"), None);
    assert_eq!(value(&engine, &handle, "b").as_deref(), Some("3"));
}

#[test]
fn parallel_requests_lose_none_of_each_others_values() {
    let (engine, _) = engine();
    let handle = *log_in(&engine, "alice").session.handle();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let engine = &engine;
            scope.spawn(move || {
                for i in 0..50 {
                    let name = format!("{thread}-{i}");
                    engine.patch(&handle, &Patch::new().set(name, "x")).unwrap();
                    let add = |data: &mut Data| {
                        let n = data.value::<u32>("n").unwrap().unwrap_or(0);
                        data.set_value("n", &(n + 1)).unwrap();
                    };
                    // 64 attempts are enough for what really happens; a test may be unlucky.
                    while engine.update(&handle, add).is_err() {}
                }
            });
        }
    });
    let data = engine.data(&handle).unwrap().unwrap();
    assert_eq!(data.len(), 8 * 50 + 1);
    assert_eq!(data.value::<u32>("n").unwrap(), Some(8 * 50));
}

#[test]
fn what_was_read_after_a_patch_returned_has_it() {
    let (engine, _) = engine();
    let issued = log_in(&engine, "alice");
    let handle = *issued.session.handle();
    for i in 0..100 {
        assert!(engine.verify(issued.token.as_str()).unwrap().is_valid(), "cached");
        engine.patch(&handle, &Patch::new().set("i", i.to_string())).unwrap();
        assert_eq!(value(&engine, &handle, "i"), Some(i.to_string()));
        assert_eq!(value(&engine, &handle, "i"), Some(i.to_string()));
    }
}

#[test]
fn cached_data_cost_no_store_read() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
    let issued = log_in(&engine, "alice");
    let handle = *issued.session.handle();
    engine.patch(&handle, &Patch::new().set("a", "1")).unwrap();
    assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
    assert!(engine.data(&handle).unwrap().is_some());
    let before = store.counts();
    assert_eq!(value(&engine, &handle, "a").as_deref(), Some("1"));
    assert_eq!(store.counts(), before);
}

#[test]
fn patch_of_revoked_session_does_not_bring_it_back() {
    let (engine, clock) = engine();
    let (revoked, expired) = (log_in(&engine, "alice"), log_in(&engine, "bob"));
    engine.patch(revoked.session.handle(), &Patch::new().set("a", "1")).unwrap();
    engine.revoke(revoked.session.handle()).unwrap();
    clock.advance(30 * MINUTE);
    for issued in [&revoked, &expired] {
        let handle = issued.session.handle();
        let gone = engine.patch(handle, &Patch::new().set("a", "2")).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::SessionGone);
        assert_eq!(engine.data(handle).unwrap(), None);
    }
    assert_eq!(reason(&engine, revoked.token.as_str()), Some(Reason::RevokedSession));
}

#[test]
fn a_revoke_within_an_update_wins() {
    let (engine, _) = engine();
    let issued = log_in(&engine, "alice");
    let handle = *issued.session.handle();
    let gone = engine
        .update(&handle, |data| {
            // The host's function is called without a lock.
            engine.revoke(&handle).unwrap();
            data.set("a", "1");
        })
        .unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::SessionGone);
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::RevokedSession));
}

#[test]
fn data_beyond_the_limit_are_refused_and_what_was_there_stays() {
    let (engine, _) = engine_with(|config| config.data_len_max_bytes(100));
    let handle = *log_in(&engine, "alice").session.handle();
    engine.patch(&handle, &Patch::new().set("a", vec![1; 99])).unwrap();
    let refused = engine.patch(&handle, &Patch::new().set("b", "1")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    let refused = engine.patch(&handle, &Patch::new().set("", "1")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert_eq!(engine.data(&handle).unwrap().unwrap().len(), 1);
}

#[test]
fn the_largest_data_fit_into_the_embedded_store() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(directory.path().join("sessions")).unwrap();
    let handle = *log_in(&engine, "alice").session.handle();
    engine.patch(&handle, &Patch::new().set("a", vec![7; (64 << 10) - 1])).unwrap();
    assert_eq!(engine.data(&handle).unwrap().unwrap().len_bytes(), 64 << 10);
    engine.close().unwrap();
}

#[test]
fn no_data_row_outlives_its_session() {
    let store = Arc::new(MemoryStore::new());
    let clock = sessile::testing::ManualClock::default();
    let config = Config::with_store(store.clone()).clock(clock.clone()).no_threads();
    let engine = Engine::open_with(config).unwrap();
    let rows = |table| {
        let count = |group| store.scan(Group(group), table, &[], None, 100).unwrap().len();
        (0..=u16::MAX).map(count).sum::<usize>()
    };
    let sessions: Vec<_> = (0..4)
        .map(|_| {
            let session = engine.create(CreateOptions::anonymous()).unwrap().session;
            engine.patch(session.handle(), &Patch::new().set("a", "1")).unwrap();
            *session.handle()
        })
        .collect();
    assert_eq!(rows(Table::Data), 4);
    engine.revoke(&sessions[0]).unwrap();
    assert_eq!(rows(Table::Data), 3);
    engine.rotate(&sessions[1]).unwrap();
    assert_eq!(rows(Table::Data), 3, "moved");
    let options = sessile::RotateOptions::log_in("alice").unwrap();
    engine.rotate_with(&sessions[2], options).unwrap();
    assert_eq!(rows(Table::Data), 3, "moved to another group");
    clock.advance(60 * MINUTE);
    while engine.tick().unwrap().is_more_due {}
    assert_eq!((rows(Table::Session), rows(Table::Data)), (0, 0));
}

#[test]
fn a_row_of_data_that_went_missing_is_an_error_and_no_endless_search() {
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
    let handle = *log_in(&engine, "alice").session.handle();
    engine.patch(&handle, &Patch::new().set("a", "1")).unwrap();
    let rows = store.dump(None, 100).unwrap();
    let (key, _) = rows.into_iter().find(|(key, _)| key.table() == Table::Data).unwrap();
    let _ = store.commit(Batch::new(key.group(), Durability::Durable).delete(key)).unwrap();
    assert_eq!(engine.data(&handle).unwrap_err().kind(), ErrorKind::Corrupt);
}
