//! Session data, beside one another and beside what ends or rotates the session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use sessile::store::{MemoryStore, Store, Table};
use sessile::{Engine, ErrorKind, Group, Handle, Issued, Patch, Reason, Result, RotateOptions};
use shuttle::thread::{self, JoinHandle};

use super::{explore, is_valid, log_in, open, open_on, reason, visit};

fn put(engine: &Engine, handle: &Handle, name: &str, value: u8) -> Result<()> {
    engine.patch(handle, &Patch::new().set(name, [value]))
}

/// Puts values of these names, in this order, on a thread of its own. Gives the names of those
/// that were taken: the others found no session to change.
fn put_beside(
    engine: &Engine,
    handle: &Handle,
    names: &'static [&'static str],
) -> JoinHandle<Vec<&'static str>> {
    let (engine, handle) = (engine.clone(), *handle);
    let is_taken = move |name: &&str| match put(&engine, &handle, name, 1) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::SessionGone, "{error}");
            false
        }
    };
    thread::spawn(move || names.iter().copied().filter(is_taken).collect())
}

fn names(engine: &Engine, handle: &Handle) -> Vec<String> {
    let data = engine.data(handle).unwrap().expect("the session is valid");
    data.iter().map(|(name, _)| name.to_owned()).collect()
}

fn value(engine: &Engine, issued: &Issued) -> u8 {
    let data = engine.data(issued.session.handle()).unwrap().expect("the session is valid");
    data.get("n").map_or(0, |value| value[0])
}

#[test]
fn patches_of_one_session_lose_no_value_of_each_other() {
    explore("three patches of one session", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        let handle = issued.session.handle();
        let others = [&["a"], &["b"]].map(|names| put_beside(&engine, handle, names));
        put(&engine, handle, "c", 1).unwrap();
        others.into_iter().for_each(|other| assert_eq!(other.join().unwrap().len(), 1));
        assert_eq!(names(&engine, handle), ["a", "b", "c"]);
    });
}

#[test]
fn updates_of_one_value_count_every_one() {
    explore("updates that count, against a patch", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        let handle = *issued.session.handle();
        let count = move |engine: &Engine| {
            let next = |data: &mut sessile::Data| {
                let n = data.get("n").map_or(0, |value| value[0]) + 1;
                data.set("n", [n]);
                n
            };
            engine.update(&handle, next).unwrap()
        };
        let other = {
            let engine = engine.clone();
            thread::spawn(move || count(&engine))
        };
        let patcher = put_beside(&engine, &handle, &["other"]);
        let mut counted = [count(&engine), other.join().unwrap()];
        counted.sort_unstable();
        assert_eq!(counted, [1, 2]);
        assert_eq!(patcher.join().unwrap().len(), 1);
        assert_eq!(value(&engine, &issued), 2);
        assert_eq!(names(&engine, &handle), ["n", "other"]);
    });
}

#[test]
fn a_patch_brings_nothing_back() {
    for has_data in [false, true] {
        PATCHED_BEFORE.store(has_data.into(), Ordering::Relaxed);
        explore("patches against revoke", || {
            let store = Arc::new(MemoryStore::new());
            let (engine, _) = open_on(store.clone(), |config| config);
            let issued = log_in(&engine, "alice");
            let handle = issued.session.handle();
            if PATCHED_BEFORE.load(Ordering::Relaxed) > 0 {
                put(&engine, handle, "n", 1).unwrap();
            }
            let patcher = put_beside(&engine, handle, &["a", "b"]);
            assert!(engine.revoke(handle).unwrap());
            assert_eq!(engine.data(handle).unwrap(), None, "read after its revoke had returned");
            patcher.join().unwrap();
            assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSession));
            assert_eq!(engine.data(handle).unwrap(), None);
            let left = store.scan(Group(0), Table::Data, &[], None, 9).unwrap();
            assert!(left.is_empty(), "data of a session that is gone");
        });
    }
}

/// For the scenarios, which are plain functions: whether the session has data already.
static PATCHED_BEFORE: AtomicU8 = AtomicU8::new(0);

#[test]
fn a_read_sees_every_patch_that_had_returned() {
    explore("data reads, from the cache too, against patches", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        let patched = Arc::new(AtomicU8::new(0));
        let readers = [(); 2].map(|()| {
            let (engine, issued, patched) = (engine.clone(), issued.clone(), patched.clone());
            thread::spawn(move || {
                let mut last = 0;
                for _ in 0..2 {
                    // What is read is kept with what a verification has kept.
                    assert!(is_valid(&engine, &issued));
                    let least = patched.load(Ordering::SeqCst).max(last);
                    last = value(&engine, &issued);
                    assert!(last >= least, "{last}, read after {least} was there");
                }
            })
        });
        for n in 1..=2 {
            put(&engine, issued.session.handle(), "n", n).unwrap();
            patched.store(n, Ordering::SeqCst);
            assert_eq!(value(&engine, &issued), n);
        }
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!(value(&engine, &issued), 2, "a late read was kept");
    });
}

#[test]
fn a_read_that_began_before_a_patch_is_not_kept_beyond_it() {
    explore("a data read for the cache against one patch and a fill", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        put(&engine, issued.session.handle(), "n", 1).unwrap();
        assert!(is_valid(&engine, &issued));
        let reader = {
            let (engine, issued) = (engine.clone(), issued.clone());
            thread::spawn(move || assert!(value(&engine, &issued) >= 1))
        };
        put(&engine, issued.session.handle(), "n", 2).unwrap();
        assert!(is_valid(&engine, &issued));
        reader.join().unwrap();
        assert_eq!(value(&engine, &issued), 2);
    });
}

#[test]
fn a_rotation_takes_every_value_along() {
    explore("rotate against patches", || {
        let (engine, _) = open(|config| config);
        let old = log_in(&engine, "alice");
        let patcher = put_beside(&engine, old.session.handle(), &["a", "b"]);
        let new = engine.rotate(old.session.handle()).unwrap();
        let taken = patcher.join().unwrap();
        assert_eq!(names(&engine, new.session.handle()), taken);
    });
}

#[test]
fn a_login_takes_every_value_along() {
    explore("login across groups against patches of the visit", || {
        let (engine, _) = open(|config| config);
        let visit = visit(&engine);
        put(&engine, visit.session.handle(), "before", 1).unwrap();
        let patcher = put_beside(&engine, visit.session.handle(), &["a", "b"]);
        let options = RotateOptions::log_in("alice").unwrap();
        let login = engine.rotate_with(visit.session.handle(), options).unwrap();
        let mut taken = patcher.join().unwrap();
        taken.push("before");
        assert_eq!(names(&engine, login.session.handle()), taken);
        assert_eq!(engine.count("alice").unwrap(), 1);
    });
}

#[test]
fn a_login_takes_the_first_values_along() {
    explore("login across groups against the first patches of the visit", || {
        let (engine, _) = open(|config| config);
        let visit = visit(&engine);
        let patcher = put_beside(&engine, visit.session.handle(), &["a", "b"]);
        let options = RotateOptions::log_in("alice").unwrap();
        let login = engine.rotate_with(visit.session.handle(), options).unwrap();
        let taken = patcher.join().unwrap();
        assert_eq!(names(&engine, login.session.handle()), taken);
    });
}
