//! Rotation: login, privilege change, and what the old token is worth afterwards.

use std::sync::Arc;
use std::time::Duration;

use sessile::store::{Batch, Check, MemoryStore, Table};
use sessile::testing::{Fault, FaultStore, Moment, Op};
use sessile::{
    AtLimit, Authentication, Clock, Config, CreateOptions, Engine, ErrorKind, Patch, Reason,
    RotateOptions,
};
use sessile_tests::fixture::{MINUTE, engine, engine_with, log_in, reason};

fn proof(method: &str) -> Authentication {
    Authentication { amr: vec![method.into()], acr: None }
}

#[test]
fn a_rotated_session_keeps_everything_but_handle_and_token() {
    let (engine, clock) = engine();
    let options = CreateOptions::for_subject("alice").unwrap().device_label("Firefox on Linux");
    let first = engine.create(options).unwrap();
    engine.patch(first.session.handle(), &Patch::new().set("theme", "dark")).unwrap();
    clock.advance(MINUTE);
    let second = engine.rotate(first.session.handle()).unwrap();
    assert_ne!(second.token.as_str(), first.token.as_str());
    assert_ne!(second.session.handle(), first.session.handle());
    let session = engine.verify(second.token.as_str()).unwrap().into_session().unwrap();
    assert_eq!(session.created(), first.session.created());
    assert_eq!(session.authenticated_at(), first.session.authenticated_at());
    assert_eq!(session.absolute_deadline(), first.session.absolute_deadline());
    assert_eq!(session.subject(), first.session.subject());
    let data = engine.data(session.handle()).unwrap().unwrap();
    assert_eq!(data.get("theme"), Some("dark".as_bytes()));
    let listed = engine.list("alice").unwrap();
    assert_eq!(listed.len(), 1, "one device, as before");
    assert_eq!(&listed[0].handle, second.session.handle());
    assert_eq!(listed[0].device_label.as_deref(), Some("Firefox on Linux"));
}

#[test]
fn the_old_token_answers_for_the_grace_and_changes_nothing() {
    let (engine, clock) = engine();
    let first = log_in(&engine, "alice");
    engine.patch(first.session.handle(), &Patch::new().set("n", "1")).unwrap();
    let second = engine.rotate(first.session.handle()).unwrap();
    let old = engine.verify(first.token.as_str()).unwrap().into_session().unwrap();
    assert_eq!(old.rotated_to(), Some(second.session.handle()));
    assert_eq!(old.handle(), first.session.handle());
    assert_eq!(old.subject().unwrap(), &"alice");
    assert!(engine.data(old.handle()).unwrap().unwrap().get("n").is_some(), "reading is fine");
    let refused = engine.patch(old.handle(), &Patch::new().set("n", "2")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::SessionGone);
    assert!(engine.touch(old.handle()).unwrap());
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(reason(&engine, first.token.as_str()), None);
    clock.advance(Duration::from_millis(1));
    assert_eq!(reason(&engine, first.token.as_str()), Some(Reason::RevokedSession));
    assert_eq!(engine.data(first.session.handle()).unwrap(), None);
    assert_eq!(reason(&engine, second.token.as_str()), None);
}

#[test]
fn without_a_grace_the_old_token_is_dead_at_once() {
    let (engine, _) = engine_with(|config| config.rotation_grace(Duration::ZERO));
    let first = log_in(&engine, "alice");
    assert_eq!(reason(&engine, first.token.as_str()), None);
    engine.rotate(first.session.handle()).unwrap();
    assert_eq!(reason(&engine, first.token.as_str()), Some(Reason::RevokedSession));
}

#[test]
fn requests_that_rotate_at_once_get_the_same_token() {
    let (engine, clock) = engine();
    let first = log_in(&engine, "alice");
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let rotate = || engine.rotate(first.session.handle()).unwrap().token.as_str().to_owned();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]), "nobody is logged out");
    assert_eq!(engine.count("alice").unwrap(), 1);
    clock.advance(MINUTE);
    let late = engine.rotate(first.session.handle()).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::SessionGone, "after the grace nothing buys the new token");
}

#[test]
fn a_chain_of_rotations_within_the_grace_leads_the_first_token_to_the_last() {
    let (engine, _) = engine();
    let first = log_in(&engine, "alice");
    let mut handle = *first.session.handle();
    for _ in 0..3 {
        handle = *engine.rotate(&handle).unwrap().session.handle();
    }
    let old = engine.verify(first.token.as_str()).unwrap().into_session().unwrap();
    assert_eq!(old.rotated_to(), Some(&handle));
}

#[test]
fn whatever_ends_the_new_session_ends_the_old_token() {
    type End = fn(&Engine, &sessile::Handle);
    let ends: [(End, Reason); 5] = [
        (|e, h| assert!(e.revoke(h).unwrap()), Reason::RevokedSession),
        (|e, _| e.revoke_subject("alice", None).unwrap(), Reason::RevokedSubject),
        (|e, h| e.revoke_subject("alice", Some(h)).unwrap(), Reason::RevokedSubject),
        (|e, _| e.revoke_all().unwrap(), Reason::RevokedAll),
        (|e, _| e.suspend("alice", None).unwrap(), Reason::Suspended),
    ];
    for (end, expected) in ends {
        let (engine, _) = engine();
        let first = log_in(&engine, "alice");
        let second = engine.rotate(first.session.handle()).unwrap();
        assert_eq!(reason(&engine, first.token.as_str()), None);
        end(&engine, second.session.handle());
        assert_eq!(reason(&engine, first.token.as_str()), Some(expected));
    }
}

#[test]
fn a_revoke_of_the_old_handle_reaches_the_session_however_often_it_was_rotated() {
    let (engine, clock) = engine();
    let first = log_in(&engine, "alice");
    let mut last = engine.rotate(first.session.handle()).unwrap();
    clock.advance(MINUTE);
    last = engine.rotate(last.session.handle()).unwrap();
    clock.advance(5 * MINUTE);
    assert!(engine.revoke(first.session.handle()).unwrap(), "chosen from a list, minutes ago");
    assert_eq!(reason(&engine, last.token.as_str()), Some(Reason::RevokedSession));
    assert!(!engine.revoke(first.session.handle()).unwrap());
}

#[test]
fn log_out_everywhere_but_here_works_with_the_token_from_before_a_rotation() {
    let (engine, _) = engine();
    let (here, there) = (log_in(&engine, "alice"), log_in(&engine, "alice"));
    let rotated = engine.rotate(here.session.handle()).unwrap();
    engine.revoke_subject("alice", Some(here.session.handle())).unwrap();
    assert_eq!(reason(&engine, rotated.token.as_str()), None);
    assert_eq!(reason(&engine, there.token.as_str()), Some(Reason::RevokedSubject));
}

#[test]
fn a_login_keeps_the_data_and_a_fixated_token_never_sees_the_login() {
    let (engine, _) = engine();
    let visit = engine.create(CreateOptions::anonymous()).unwrap();
    engine.patch(visit.session.handle(), &Patch::new().set("cart", "17")).unwrap();
    let options = RotateOptions::log_in("alice").unwrap().authentication(proof("pwd"));
    let login = engine.rotate_with(visit.session.handle(), options).unwrap();

    let session = engine.verify(login.token.as_str()).unwrap().into_session().unwrap();
    assert_eq!(session.subject().unwrap(), &"alice");
    assert!(session.authenticated_at().is_some());
    assert_eq!(engine.list("alice").unwrap()[0].authentication, proof("pwd"));
    let cart = engine.data(session.handle()).unwrap().unwrap();
    assert_eq!(cart.get("cart"), Some("17".as_bytes()));

    // Whoever planted the visitor's token sees the visitor, for the grace, and nothing more.
    let fixated = engine.verify(visit.token.as_str()).unwrap().into_session().unwrap();
    assert_eq!((fixated.subject(), fixated.authenticated_at()), (None, None));
    assert_eq!(engine.data(fixated.handle()).unwrap(), None);
    let stolen = engine.rotate(fixated.handle()).unwrap_err();
    assert_eq!(stolen.kind(), ErrorKind::SessionGone);
    let other = engine.rotate_with(fixated.handle(), RotateOptions::log_in("mallory").unwrap());
    assert_eq!(other.unwrap_err().kind(), ErrorKind::SessionGone);
    // Signing in twice by a double click is fine: it was proved again.
    let again = engine.rotate_with(visit.session.handle(), RotateOptions::log_in("alice").unwrap());
    assert_eq!(again.unwrap().session.subject().unwrap(), &"alice");
    assert_eq!(engine.count("alice").unwrap(), 1);
}

#[test]
fn a_session_never_changes_from_one_subject_to_another() {
    let (engine, _) = engine();
    let alice = log_in(&engine, "alice");
    let refused = engine.rotate_with(alice.session.handle(), RotateOptions::log_in("bob").unwrap());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    let visit = engine.create(CreateOptions::anonymous()).unwrap();
    let refused = engine.reauthenticate(visit.session.handle(), proof("pwd")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    for token in [alice.token, visit.token] {
        assert_eq!(reason(&engine, token.as_str()), None);
    }
}

#[test]
fn reauthentication_is_the_one_thing_that_extends_the_absolute_deadline() {
    let (engine, clock) = engine();
    let first = log_in(&engine, "alice");
    for _ in 0..20 {
        clock.advance(20 * MINUTE);
        assert!(engine.verify(first.token.as_str()).unwrap().is_valid());
    }
    let old = engine.verify(first.token.as_str()).unwrap().into_session().unwrap();
    assert!(!old.is_authenticated_within(Duration::from_secs(3600)));
    let second = engine.reauthenticate(old.handle(), proof("otp")).unwrap();
    assert!(second.session.is_authenticated_within(Duration::from_secs(1)));
    assert_eq!(second.session.absolute_deadline(), clock.now().plus(12 * 60 * MINUTE));
    let before = engine.verify(first.token.as_str()).unwrap().into_session().unwrap();
    assert!(!before.is_authenticated_within(Duration::from_secs(3600)), "the old token is not");
    assert_eq!(engine.rotate(before.handle()).unwrap_err().kind(), ErrorKind::SessionGone);
}

#[test]
fn a_login_counts_against_the_limit_and_is_refused_to_the_suspended() {
    let (engine, _) =
        engine_with(|config| config.max_sessions_per_subject(1, AtLimit::EvictOldest));
    let first = log_in(&engine, "alice");
    let visit = engine.create(CreateOptions::anonymous()).unwrap();
    let login = engine
        .rotate_with(visit.session.handle(), RotateOptions::log_in("alice").unwrap())
        .unwrap();
    assert_eq!(reason(&engine, first.token.as_str()), Some(Reason::RevokedSession));
    assert_eq!(reason(&engine, login.token.as_str()), None);
    engine.suspend("bob", None).unwrap();
    let visit = engine.create(CreateOptions::anonymous()).unwrap();
    let refused = engine.rotate_with(visit.session.handle(), RotateOptions::log_in("bob").unwrap());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Suspended);
    assert_eq!(reason(&engine, visit.token.as_str()), None, "and the visit goes on");
}

#[test]
fn what_changes_between_the_two_commits_of_a_login_is_not_lost() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
    let visit = engine.create(CreateOptions::anonymous()).unwrap();
    let handle = *visit.session.handle();
    engine.patch(&handle, &Patch::new().set("cart", "1")).unwrap();
    // Another request patches the visit, right after the new session was committed.
    let patching = engine.clone();
    let is_first = std::sync::atomic::AtomicBool::new(true);
    store.on_commit(move |moment, batch: &Batch| {
        let is_new = |(key, check): &(sessile::store::Key, Check)| {
            key.table() == Table::Session && *check == Check::Absent
        };
        if moment == Moment::After
            && batch.checks.iter().any(is_new)
            && is_first.swap(false, std::sync::atomic::Ordering::Relaxed)
        {
            patching.patch(&handle, &Patch::new().set("cart", "2")).unwrap();
        }
    });
    let login = engine.rotate_with(&handle, RotateOptions::log_in("alice").unwrap()).unwrap();
    let data = engine.data(login.session.handle()).unwrap().unwrap();
    assert_eq!(data.get("cart"), Some("2".as_bytes()));
    assert_eq!(engine.count("alice").unwrap(), 1, "and no second device is left behind");
}

#[test]
fn a_crash_between_the_two_commits_of_a_login_takes_no_session_away() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
    let visit = engine.create(CreateOptions::anonymous()).unwrap();
    store.fail(Fault::once(Op::Commit, 2, ErrorKind::Unavailable).lasting());
    let options = RotateOptions::log_in("alice").unwrap();
    let failed = engine.rotate_with(visit.session.handle(), options).unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    store.heal();
    assert_eq!(reason(&engine, visit.token.as_str()), None);
}

#[test]
fn a_session_that_is_gone_cannot_be_rotated() {
    let (engine, clock) = engine();
    let (revoked, expired) = (log_in(&engine, "alice"), log_in(&engine, "bob"));
    engine.revoke(revoked.session.handle()).unwrap();
    clock.advance(30 * MINUTE);
    for issued in [revoked, expired] {
        let gone = engine.rotate(issued.session.handle()).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::SessionGone);
        assert!(reason(&engine, issued.token.as_str()).is_some(), "and stays so");
    }
}

#[test]
fn a_rotation_that_came_due_is_said_and_done() {
    let (engine, clock) = engine_with(|config| config.rotate_every(10 * MINUTE));
    let first = log_in(&engine, "alice");
    clock.advance(10 * MINUTE);
    let session = engine.verify(first.token.as_str()).unwrap().into_session().unwrap();
    assert!(session.is_rotation_due());
    let second = engine.rotate(session.handle()).unwrap();
    let session = engine.verify(second.token.as_str()).unwrap().into_session().unwrap();
    assert!(!session.is_rotation_due());
}
