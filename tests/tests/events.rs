//! Events, watches, keys and CSRF tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use sessile::{
    AtLimit, CreateOptions, EndCause, Engine, ErrorKind, EventKind, KeyState, Patch, Reason,
    RotateOptions, Subject, Subscription,
};
use sessile_tests::fixture::{MINUTE, engine, engine_with, log_in, reason};

fn kinds(events: &mut Subscription) -> Vec<EventKind> {
    std::iter::from_fn(|| events.try_next()).map(|event| event.kind).collect()
}

fn alice() -> Option<Subject> {
    Some(Subject::new("alice").unwrap())
}

#[test]
fn a_session_tells_its_life_in_order() {
    let (engine, clock) = engine();
    let mut events = engine.subscribe().unwrap();
    let first = *log_in(&engine, "alice").session.handle();
    engine.patch(&first, &Patch::new().set("a", "1")).unwrap();
    let second = *engine.rotate(&first).unwrap().session.handle();
    clock.advance(5 * MINUTE);
    assert!(engine.touch(&second).unwrap());
    engine.tick().unwrap();
    engine.revoke(&second).unwrap();
    engine.revoke(&second).unwrap();
    let subject = alice();
    assert_eq!(
        kinds(&mut events),
        [
            EventKind::Created { handle: first, subject: subject.clone() },
            EventKind::DataChanged { handle: first },
            EventKind::Rotated { from: first, to: second, subject },
            EventKind::Touched { handle: second },
            EventKind::Revoked { handle: second, cause: EndCause::Revoked },
        ]
    );
}

#[test]
fn what_concerns_a_whole_subject_is_one_event() {
    let (engine, _) = engine();
    let keep = *log_in(&engine, "alice").session.handle();
    log_in(&engine, "alice");
    let mut events = engine.subscribe().unwrap();
    engine.revoke_subject("alice", Some(&keep)).unwrap();
    engine.suspend("alice", None).unwrap();
    engine.reinstate("alice").unwrap();
    engine.bump_claims("alice").unwrap();
    engine.revoke_all().unwrap();
    engine.rotate_key().unwrap();
    let subject = alice().unwrap();
    assert_eq!(
        kinds(&mut events),
        [
            EventKind::SubjectRevoked { subject: subject.clone(), except: Some(keep) },
            EventKind::Suspended { subject: subject.clone(), until: None },
            EventKind::Reinstated { subject: subject.clone() },
            EventKind::ClaimsChanged { subject },
            EventKind::AllRevoked,
            EventKind::KeysChanged,
        ]
    );
}

#[test]
fn an_eviction_and_a_replacement_say_why() {
    let (engine, _) =
        engine_with(|config| config.max_sessions_per_subject(1, AtLimit::EvictOldest));
    let first = *log_in(&engine, "alice").session.handle();
    let mut events = engine.subscribe().unwrap();
    let second = log_in(&engine, "alice");
    let options = CreateOptions::for_subject("bob").unwrap().retire(second.token.as_str());
    engine.create(options).unwrap();
    let revoked: Vec<_> = kinds(&mut events)
        .into_iter()
        .filter(|kind| matches!(kind, EventKind::Revoked { .. }))
        .collect();
    assert_eq!(
        revoked,
        [
            EventKind::Revoked { handle: first, cause: EndCause::Evicted },
            EventKind::Revoked { handle: *second.session.handle(), cause: EndCause::Replaced },
        ]
    );
}

#[test]
fn the_end_is_told_a_minute_before_and_when_it_comes_once_each() {
    let (engine, clock) = engine();
    let mut events = engine.subscribe().unwrap();
    let issued = log_in(&engine, "alice");
    let handle = *issued.session.handle();
    kinds(&mut events);
    let mut told = Vec::new();
    for _ in 0..40 * 60 {
        clock.advance(Duration::from_secs(1));
        engine.tick().unwrap();
        told.extend(kinds(&mut events));
    }
    let deadline = issued.session.idle_deadline();
    assert_eq!(told, [EventKind::ExpiringSoon { handle, deadline }, EventKind::Expired { handle }]);
}

#[test]
fn a_session_in_use_is_not_told_to_end() {
    let (engine, clock) = engine();
    let mut events = engine.subscribe().unwrap();
    let issued = log_in(&engine, "alice");
    let handle = *issued.session.handle();
    kinds(&mut events);
    let mut told = Vec::new();
    for second in 0..2 * 3600 {
        clock.advance(Duration::from_secs(1));
        if second % 7 == 0 && second < 3600 {
            assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
        }
        engine.tick().unwrap();
        let is_other = |kind: &EventKind| !matches!(kind, EventKind::Touched { .. });
        told.extend(kinds(&mut events).into_iter().filter(is_other));
    }
    assert!(
        matches!(&told[..], [EventKind::ExpiringSoon { .. }, EventKind::Expired { handle: h }]
            if *h == handle),
        "{told:?}"
    );
}

#[test]
fn the_subscription_ends_with_the_engine() {
    let (engine, _) = engine();
    let mut events = engine.subscribe().unwrap();
    log_in(&engine, "alice");
    std::thread::scope(|scope| {
        let counter = scope.spawn(move || events.by_ref().count());
        engine.close().unwrap();
        assert_eq!(counter.join().unwrap(), 1);
    });
    assert_eq!(engine.subscribe().unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_watch_ends_with_its_session_before_the_ending_call_returns() {
    type End = fn(&Engine, &sessile::Handle);
    let ends: [(End, Reason); 5] = [
        (|e, h| assert!(e.revoke(h).unwrap()), Reason::RevokedSession),
        (|e, _| e.revoke_subject("alice", None).unwrap(), Reason::RevokedSubject),
        (|e, _| e.suspend("alice", None).unwrap(), Reason::Suspended),
        (|e, _| e.revoke_all().unwrap(), Reason::RevokedAll),
        (|e, h| drop(e.create(retiring(e, h)).unwrap()), Reason::RevokedSession),
    ];
    fn retiring(engine: &Engine, handle: &sessile::Handle) -> CreateOptions {
        // The newest token of the session: a rotation without a grace gives it.
        let token = engine.rotate(handle).unwrap().token;
        CreateOptions::anonymous().retire(token.as_str())
    }
    for (end, expected) in ends {
        let (engine, _) = engine();
        let handle = *log_in(&engine, "alice").session.handle();
        let watch = engine.watch(&handle).unwrap();
        let told = Arc::new(AtomicU8::new(0));
        let tell = told.clone();
        watch.on_end(move |reason| tell.store(reason.number(), Ordering::Relaxed));
        let other = engine.watch(log_in(&engine, "bob").session.handle()).unwrap();
        assert_eq!(watch.ended(), None);
        end(&engine, &handle);
        assert_eq!(watch.ended(), Some(expected));
        assert_eq!(told.load(Ordering::Relaxed), expected.number());
        assert_eq!(watch.wait(), expected);
        let is_all = expected == Reason::RevokedAll;
        assert_eq!(other.ended().is_some(), is_all, "another's goes on");
    }
}

#[test]
fn a_watch_outlives_rotations_and_ends_with_the_last_of_them() {
    let (engine, _) = engine_with(|config| config.rotation_grace(Duration::ZERO));
    let visit = *engine.create(CreateOptions::anonymous()).unwrap().session.handle();
    let watch = engine.watch(&visit).unwrap();
    let login = engine.rotate_with(&visit, RotateOptions::log_in("alice").unwrap()).unwrap();
    let last = *engine.rotate(login.session.handle()).unwrap().session.handle();
    assert_eq!(watch.ended(), None);
    engine.revoke_subject("alice", None).unwrap();
    assert_eq!(watch.ended(), Some(Reason::RevokedSubject));
    let late = engine.watch(&last).unwrap();
    assert_eq!(late.wait_timeout(Duration::ZERO), Some(Reason::RevokedSubject));
}

#[test]
fn a_watch_ends_when_the_time_is_over_and_not_while_the_session_is_used() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    let watch = engine.watch(issued.session.handle()).unwrap();
    for _ in 0..4 {
        clock.advance(20 * MINUTE);
        assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
        engine.tick().unwrap();
        assert_eq!(watch.ended(), None);
    }
    clock.advance(30 * MINUTE);
    engine.tick().unwrap();
    assert_eq!(watch.ended(), Some(Reason::IdleExpired));
}

#[test]
fn a_watch_knows_of_a_use_that_the_store_has_yet_to_learn() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    let watch = engine.watch(issued.session.handle()).unwrap();
    let soon = Duration::from_secs(50);
    clock.advance(soon);
    assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
    assert_eq!(engine.stats().pending_touches, 0, "too soon to be written");
    clock.advance(30 * MINUTE - Duration::from_secs(1));
    engine.tick().unwrap();
    assert_eq!(watch.ended(), None);
    clock.advance(Duration::from_secs(1));
    engine.tick().unwrap();
    assert_eq!(watch.ended(), Some(Reason::IdleExpired));
}

#[test]
fn a_session_under_an_older_key_gets_its_token_renewed_until_that_key_is_retired() {
    let (engine, _) = engine();
    let issued = log_in(&engine, "alice");
    let old = issued.token.as_str();
    assert_eq!(reason(&engine, old), None);
    let id = engine.rotate_key().unwrap();
    let session = engine.verify(old).unwrap().into_session().unwrap();
    let renewed = session.renewed_token().unwrap().as_str().to_owned();
    assert_ne!(renewed, old);
    let session = engine.verify(&renewed).unwrap().into_session().unwrap();
    assert!(session.renewed_token().is_none());
    assert_eq!(session.handle(), issued.session.handle());

    let states: Vec<_> = engine.keys().iter().map(|key| (key.id, key.state)).collect();
    assert_eq!(states, [(0, KeyState::Verifying), (id, KeyState::Active)]);
    let refused = engine.retire_key(id).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "nothing would sign");
    assert_eq!(engine.retire_key(9).unwrap_err().kind(), ErrorKind::NoSuchKey);
    assert_eq!(reason(&engine, old), None);
    engine.retire_key(0).unwrap();
    assert_eq!(reason(&engine, old), Some(Reason::UnknownKey));
    assert_eq!(reason(&engine, &renewed), None);
}

#[test]
fn a_published_key_verifies_before_it_signs() {
    let (engine, _) = engine();
    let id = engine.publish_key().unwrap();
    assert_eq!(engine.keys()[1].state, KeyState::Published);
    let issued = log_in(&engine, "alice");
    engine.activate_key(id).unwrap();
    let session = engine.verify(issued.token.as_str()).unwrap().into_session().unwrap();
    assert!(session.renewed_token().is_some());
}

#[test]
fn a_key_that_nothing_can_be_under_any_more_retires_by_itself() {
    let (engine, clock) = engine();
    engine.rotate_key().unwrap();
    clock.advance(400 * 24 * 60 * MINUTE - Duration::from_millis(1));
    engine.tick().unwrap();
    assert_eq!(engine.keys()[0].state, KeyState::Verifying);
    clock.advance(Duration::from_millis(1));
    engine.tick().unwrap();
    assert_eq!(engine.keys()[0].state, KeyState::Retired);
}

#[test]
fn a_csrf_token_is_good_for_its_session_until_that_is_rotated() {
    let (engine, _) = engine();
    let (alice, bob) = (log_in(&engine, "alice"), log_in(&engine, "bob"));
    let handle = alice.session.handle();
    let token = engine.csrf_token(handle).unwrap();
    assert!(engine.is_csrf_token(handle, token.as_str()));
    assert!(!engine.is_csrf_token(bob.session.handle(), token.as_str()));
    assert!(!engine.is_csrf_token(handle, alice.token.as_str()));
    assert!(!engine.is_csrf_token(handle, ""));
    assert_eq!(reason(&engine, token.as_str()), Some(Reason::Malformed), "it is no session token");
    let id = engine.rotate_key().unwrap();
    assert!(engine.is_csrf_token(handle, token.as_str()), "forms outlive a change of keys");
    engine.retire_key(id - 1).unwrap();
    assert!(!engine.is_csrf_token(handle, token.as_str()));
    let rotated = engine.rotate(handle).unwrap();
    let token = engine.csrf_token(handle).unwrap();
    assert!(!engine.is_csrf_token(rotated.session.handle(), token.as_str()));
}
