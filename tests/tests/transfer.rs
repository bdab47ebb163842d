//! Export and restore by the engine.

use std::sync::Arc;

use sessile::store::MemoryStore;
use sessile::testing::{Fault, FaultStore, ManualClock, Op};
use sessile::{Clock, Config, Engine, ErrorKind, MasterSecret, Patch, Reason, Restored, Timestamp};
use sessile_tests::fixture::{MINUTE, log_in, reason, secret};

fn config(store: Arc<dyn sessile::store::Store>) -> Config {
    Config::with_store(store).master_secret(secret()).no_threads()
}

fn exported() -> (Vec<u8>, sessile::Issued) {
    let engine = Engine::open_with(config(Arc::new(MemoryStore::new()))).unwrap();
    let issued = log_in(&engine, "alice");
    engine.patch(issued.session.handle(), &Patch::new().set("theme", "dark")).unwrap();
    let mut bytes = Vec::new();
    engine.export(&mut bytes).unwrap();
    engine.revoke(issued.session.handle()).unwrap();
    (bytes, issued)
}

#[test]
fn a_restored_session_stays_out_unless_it_is_to_come_back() {
    let (bytes, issued) = exported();
    let restore = |restored| {
        let store = Arc::new(MemoryStore::new());
        Engine::restore(config(store), &mut bytes.as_slice(), restored).unwrap()
    };
    let engine = restore(Restored::Revoked);
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::RevokedAll));
    let engine = restore(Restored::Valid);
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    let data = engine.data(issued.session.handle()).unwrap().unwrap();
    assert_eq!(data.get("theme"), Some("dark".as_bytes()));
}

#[test]
fn an_export_moves_into_the_embedded_store_and_out_of_it() {
    let (bytes, issued) = exported();
    let directory = tempfile::tempdir().unwrap();
    let sled = |name: &str| Config::new(directory.path().join(name)).master_secret(secret());
    let engine = Engine::restore(sled("first"), &mut bytes.as_slice(), Restored::Valid).unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    let mut again = Vec::new();
    engine.export(&mut again).unwrap();
    engine.close().unwrap();
    let engine = Engine::open_with(sled("first")).unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    engine.close().unwrap();
    let engine = Engine::restore(sled("second"), &mut again.as_slice(), Restored::Revoked).unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::RevokedAll));
    engine.close().unwrap();
    let engine = Engine::open_with(sled("second")).unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::RevokedAll));
    engine.close().unwrap();
}

#[test]
fn a_restore_that_broke_off_leaves_a_store_that_does_not_open() {
    let (bytes, _) = exported();
    // Every write on the way fails once; the last attempt meets no fault any more.
    for call in 1.. {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        store.fail(Fault::once(Op::Commit, call, ErrorKind::Unavailable).lasting());
        let input = &mut bytes.as_slice();
        let restored = Engine::restore(config(store.clone()), input, Restored::Revoked);
        store.heal();
        match restored {
            Ok(_) => break,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
        }
        assert!(call < 10, "every attempt fails");
        match Engine::open_with(config(store)) {
            Ok(engine) => assert_eq!(call, 1, "nothing was restored: {engine:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
        }
    }
    let store = Arc::new(MemoryStore::new());
    let cut = &mut &bytes[..bytes.len() - 1];
    let error = Engine::restore(config(store.clone()), cut, Restored::Valid).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(Engine::open_with(config(store)).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_restore_needs_an_empty_store_and_the_same_secret() {
    let (bytes, _) = exported();
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::open_with(config(store.clone())).unwrap();
    let issued = log_in(&engine, "bob");
    let input = &mut bytes.as_slice();
    let refused = Engine::restore(config(store), input, Restored::Valid).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    let other = MasterSecret::from_bytes((0..32u8).map(|i| i.wrapping_mul(73)).collect::<Vec<_>>());
    let config = config(Arc::new(MemoryStore::new())).master_secret(other);
    let input = &mut bytes.as_slice();
    let refused = Engine::restore(config, input, Restored::Valid).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::WrongSecret);
}

#[test]
fn a_clock_set_back_between_two_runs_extends_no_life() {
    let store = Arc::new(MemoryStore::new());
    let clock = ManualClock::default();
    let open = || Engine::open_with(config(store.clone()).clock(clock.clone())).unwrap();
    let engine = open();
    let issued = log_in(&engine, "alice");
    clock.advance(29 * MINUTE);
    engine.close().unwrap();
    let noon = clock.now();
    clock.set(Timestamp::from_millis(noon.as_millis() - 20 * 60_000));
    let engine = open();
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    let other = log_in(&engine, "bob");
    assert_eq!(other.session.created(), noon);
    clock.advance(2 * MINUTE);
    // The verification above touched the session at noon: it has 28 of its 30 minutes left.
    clock.advance(28 * MINUTE);
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::IdleExpired));
    engine.close().unwrap();
    let trusting = Engine::open_with(config(store).clock(clock.clone()).trust_clock()).unwrap();
    assert_eq!(log_in(&trusting, "carol").session.created(), clock.now());
}
