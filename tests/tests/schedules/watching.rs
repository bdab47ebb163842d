//! Watches and touches, beside what ends or rotates the session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sessile::{Engine, Handle, Reason, RotateOptions, Watch};
use shuttle::thread::{self, JoinHandle};

use super::{MINUTE, cool, explore, log_in, open, reason, visit, watch_with};

fn watch_beside(engine: &Engine, handle: &Handle) -> JoinHandle<Watch> {
    let (engine, handle) = (engine.clone(), *handle);
    thread::spawn(move || engine.watch(&handle).unwrap())
}

#[test]
fn a_watch_that_begins_beside_a_revoke_ends() {
    explore("watch against revoke", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        let watching = watch_beside(&engine, issued.session.handle());
        assert!(engine.revoke(issued.session.handle()).unwrap());
        assert_eq!(watching.join().unwrap().ended(), Some(Reason::RevokedSession));
    });
}

#[test]
fn a_watch_that_begins_beside_the_end_of_everything_ends() {
    explore("watch against revoke_all", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        let watching = watch_beside(&engine, issued.session.handle());
        engine.revoke_all().unwrap();
        assert_eq!(watching.join().unwrap().ended(), Some(Reason::RevokedAll));
    });
}

#[test]
fn a_watch_follows_a_rotation_to_its_end() {
    explore("watch against rotate, then revoke of the new handle", || {
        let (engine, _) = open(|config| config);
        let old = log_in(&engine, "alice");
        let watching = watch_beside(&engine, old.session.handle());
        let new = engine.rotate(old.session.handle()).unwrap();
        assert!(engine.revoke(new.session.handle()).unwrap());
        assert_eq!(watching.join().unwrap().ended(), Some(Reason::RevokedSession));
    });
}

#[test]
fn a_watch_follows_a_login_into_another_group() {
    explore("watch against login across groups, then revoke of the new handle", || {
        let (engine, _) = open(|config| config);
        let visit = visit(&engine);
        let watching = watch_beside(&engine, visit.session.handle());
        let options = RotateOptions::log_in("alice").unwrap();
        let login = engine.rotate_with(visit.session.handle(), options).unwrap();
        assert!(engine.revoke(login.session.handle()).unwrap());
        assert_eq!(watching.join().unwrap().ended(), Some(Reason::RevokedSession));
    });
}

#[test]
fn a_watch_is_told_before_the_ending_call_returns() {
    explore("revoke of the old handle against login across groups, watched", || {
        let (engine, _) = open(|config| config);
        let visit = visit(&engine);
        let watch = engine.watch(visit.session.handle()).unwrap();
        let login = {
            let (engine, handle) = (engine.clone(), *visit.session.handle());
            thread::spawn(move || {
                let options = RotateOptions::log_in("alice").unwrap();
                drop(engine.rotate_with(&handle, options));
            })
        };
        assert!(engine.revoke(visit.session.handle()).unwrap());
        assert_eq!(watch.ended(), Some(Reason::RevokedSession));
        login.join().unwrap();
    });
}

#[test]
fn who_waits_for_an_end_is_woken() {
    explore("a wait for the end against rotate and revoke", || {
        let (engine, _) = open(|config| config);
        let old = log_in(&engine, "alice");
        let watch = engine.watch(old.session.handle()).unwrap();
        let waiter = thread::spawn(move || watch.wait());
        let rotator = {
            let (engine, handle) = (engine.clone(), *old.session.handle());
            thread::spawn(move || drop(engine.rotate(&handle)))
        };
        assert!(engine.revoke(old.session.handle()).unwrap());
        rotator.join().unwrap();
        assert_eq!(waiter.join().unwrap(), Reason::RevokedSession);
    });
}

#[test]
fn a_touch_by_handle_brings_nothing_back() {
    explore("touches by handle, and their writing, against revoke", || {
        let (engine, clock) = open(|config| config);
        let issued = log_in(&engine, "alice");
        clock.advance(2 * MINUTE);
        let has_ended = Arc::new(AtomicBool::new(false));
        let toucher = {
            let (engine, handle) = (engine.clone(), *issued.session.handle());
            watch_with(&has_ended, move || engine.touch(&handle).unwrap())
        };
        let ticker = {
            let engine = engine.clone();
            thread::spawn(move || engine.tick().unwrap())
        };
        assert!(engine.revoke(issued.session.handle()).unwrap());
        has_ended.store(true, Ordering::SeqCst);
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSession));
        toucher.join().unwrap();
        ticker.join().unwrap();
        assert_eq!(engine.tick().unwrap().touches_written, 0, "it had ended");
        cool(&engine);
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSession), "it came back");
    });
}
