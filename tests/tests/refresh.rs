//! Refresh tokens: rotation, lost answers, reuse, grants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sessile::store::MemoryStore;
use sessile::testing::{Fault, FaultStore, Op};
use sessile::{
    AccessTokens, Config, CreateOptions, EarlyRefresh, EndCause, Engine, ErrorKind, EventKind,
    Issued, Reason, Refresh, RefreshGrant, RefreshRequest,
};
use sessile_tests::fixture::{MINUTE, engine, engine_with, log_in, reason, secret};

fn log_in_with(engine: &Engine, grant: RefreshGrant) -> Issued {
    engine.create(CreateOptions::for_subject("alice").unwrap().refreshable(grant)).unwrap()
}

fn token_of(issued: &Issued) -> String {
    issued.refresh_token.as_ref().unwrap().as_str().to_owned()
}

fn refresh(engine: &Engine, token: &str) -> Refresh {
    engine.refresh(token, &RefreshRequest::new()).unwrap()
}

/// The token that a refresh gave, which must have been a rotation.
fn rotated(engine: &Engine, token: &str) -> String {
    match refresh(engine, token) {
        Refresh::Rotated(refreshed) => refreshed.refresh_token.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_token_buys_the_next_and_a_lost_answer_is_given_again() {
    let (engine, clock) = engine();
    let first = token_of(&log_in_with(&engine, RefreshGrant::new()));
    let second = rotated(&engine, &first);
    clock.advance(60 * MINUTE);
    match refresh(&engine, &first) {
        Refresh::Replayed(again) => assert_eq!(again.refresh_token.as_str(), second),
        other => panic!("{other:?}"),
    }
    let third = rotated(&engine, &second);
    assert_ne!(third, second);
}

#[test]
fn a_token_two_back_ends_the_session_and_everything_of_it() {
    let (engine, _) = engine();
    let mut events = engine.subscribe().unwrap();
    let issued = log_in_with(&engine, RefreshGrant::new());
    let watch = engine.watch(issued.session.handle()).unwrap();
    let first = token_of(&issued);
    let second = rotated(&engine, &first);
    let third = rotated(&engine, &second);
    assert_eq!(refresh(&engine, &first).reason(), Some(Reason::Reused));
    assert_eq!(watch.ended(), Some(Reason::Reused));
    for token in [&first, &second, &third] {
        assert_eq!(refresh(&engine, token).reason(), Some(Reason::Reused));
    }
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::Reused));
    let handle = *issued.session.handle();
    let ended = EventKind::Revoked { handle, cause: EndCause::Reuse };
    let ends = std::iter::from_fn(|| events.try_next()).filter(|event| event.kind == ended);
    assert_eq!(ends.count(), 1);
}

#[test]
fn once_its_successor_has_arrived_a_token_is_good_for_the_grace_alone() {
    for is_written in [false, true] {
        let (engine, clock) = engine();
        let issued = log_in_with(&engine, RefreshGrant::new());
        let first = token_of(&issued);
        let Refresh::Rotated(second) = refresh(&engine, &first) else { panic!("not rotated") };
        engine.confirm_refresh(issued.session.handle(), second.generation);
        if is_written {
            engine.tick().unwrap();
            assert_eq!(engine.stats().pending_touches, 0);
        }
        clock.advance(Duration::from_millis(9_999));
        assert!(matches!(refresh(&engine, &first), Refresh::Replayed(_)));
        clock.advance(Duration::from_millis(1));
        assert_eq!(refresh(&engine, &first).reason(), Some(Reason::Reused));
        let second = second.refresh_token.as_str();
        assert_eq!(refresh(&engine, second).reason(), Some(Reason::Reused));
    }
}

#[test]
fn a_confirmation_is_no_touch_and_brings_no_session_back() {
    let (engine, clock) = engine();
    let issued = log_in_with(&engine, RefreshGrant::new());
    clock.set(issued.session.idle_deadline());
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::IdleExpired));
    engine.confirm_refresh(issued.session.handle(), 0);
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::IdleExpired));
    engine.tick().unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::IdleExpired));
}

#[test]
fn a_confirmation_of_an_older_generation_counts_for_nothing() {
    let (engine, clock) = engine();
    let issued = log_in_with(&engine, RefreshGrant::new());
    let first = token_of(&issued);
    let second = rotated(&engine, &first);
    engine.confirm_refresh(issued.session.handle(), 0);
    clock.advance(MINUTE);
    assert!(matches!(refresh(&engine, &first), Refresh::Replayed(_)));
    rotated(&engine, &second);
}

#[test]
fn a_reuse_is_found_after_a_restart_too() {
    let store = Arc::new(MemoryStore::new());
    let open = || {
        let config = Config::with_store(store.clone()).master_secret(secret()).no_threads();
        Engine::open_with(config).unwrap()
    };
    let engine = open();
    let first = token_of(&log_in_with(&engine, RefreshGrant::new()));
    let second = rotated(&engine, &first);
    let engine = open();
    let third = rotated(&engine, &second);
    let engine = open();
    assert_eq!(refresh(&engine, &first).reason(), Some(Reason::Reused));
    let engine = open();
    assert_eq!(refresh(&engine, &third).reason(), Some(Reason::Reused));
}

#[test]
fn of_many_refreshes_of_one_token_one_rotates_and_none_forks() {
    let (engine, _) = engine();
    let mut token = token_of(&log_in_with(&engine, RefreshGrant::new()));
    for _ in 0..50 {
        let rotations = AtomicU32::new(0);
        let answers: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|_| {
                    scope.spawn(|| match refresh(&engine, &token) {
                        Refresh::Rotated(refreshed) => {
                            rotations.fetch_add(1, Ordering::Relaxed);
                            refreshed.refresh_token.as_str().to_owned()
                        }
                        Refresh::Replayed(replayed) => replayed.refresh_token.as_str().to_owned(),
                        Refresh::Rejected(reason) => panic!("{reason}"),
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(rotations.load(Ordering::Relaxed), 1);
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        token = answers[0].clone();
    }
}

#[test]
fn both_deadlines_hold_over_all_rotations() {
    let (engine, clock) = engine();
    let day = 24 * 60 * MINUTE;
    let mut token = token_of(&log_in_with(&engine, RefreshGrant::new()));
    for _ in 0..6 {
        clock.advance(14 * day - Duration::from_millis(1));
        token = rotated(&engine, &token);
    }
    clock.advance(6 * day + Duration::from_millis(6));
    assert_eq!(refresh(&engine, &token).reason(), Some(Reason::Expired), "90 days in all");
    let token = token_of(&log_in_with(&engine, RefreshGrant::new()));
    clock.advance(14 * day);
    assert_eq!(refresh(&engine, &token).reason(), Some(Reason::IdleExpired));
}

#[test]
fn whatever_ends_the_session_ends_its_refresh_tokens() {
    type End = fn(&Engine, &sessile::Handle);
    let ends: [(End, Reason); 4] = [
        (|e, h| assert!(e.revoke(h).unwrap()), Reason::RevokedSession),
        (|e, _| e.revoke_subject("alice", None).unwrap(), Reason::RevokedSubject),
        (|e, _| e.suspend("alice", None).unwrap(), Reason::Suspended),
        (|e, _| e.revoke_all().unwrap(), Reason::RevokedAll),
    ];
    for (end, expected) in ends {
        let (engine, _) = engine();
        let issued = log_in_with(&engine, RefreshGrant::new());
        let old = token_of(&issued);
        let new = rotated(&engine, &old);
        end(&engine, issued.session.handle());
        assert_eq!(refresh(&engine, &new).reason(), Some(expected));
        assert_eq!(refresh(&engine, &old).reason(), Some(expected), "no grace for the revoked");
        assert_eq!(reason(&engine, issued.token.as_str()), Some(expected));
    }
}

#[test]
fn a_refresh_narrows_what_was_granted_and_never_widens_it() {
    let (engine, _) = engine();
    let grant = RefreshGrant::new().client("app").scopes(["read", "write"]).audiences(["api"]);
    let token = token_of(&log_in_with(&engine, grant));
    let ask = |request: RefreshRequest| engine.refresh(&token, &request).unwrap();
    let app = || RefreshRequest::new().client("app");
    assert_eq!(ask(RefreshRequest::new()).reason(), Some(Reason::WrongClient));
    assert_eq!(ask(RefreshRequest::new().client("other")).reason(), Some(Reason::WrongClient));
    assert_eq!(ask(app().scopes(["admin"])).reason(), Some(Reason::BeyondGrant));
    assert_eq!(ask(app().audiences(["other"])).reason(), Some(Reason::BeyondGrant));
    let narrowed = ask(app().scopes(["read"]));
    assert!(matches!(narrowed, Refresh::Rotated(_)), "the refusals before used nothing up");
    assert_eq!(narrowed.refreshed().unwrap().scopes, ["read"]);
    let next = narrowed.refreshed().unwrap().refresh_token.as_str();
    let all = engine.refresh(next, &app()).unwrap();
    assert_eq!(all.refreshed().unwrap().scopes, ["read", "write"], "the grant itself stays");
    let many = (0..65).map(|i| i.to_string());
    let options = CreateOptions::for_subject("alice").unwrap();
    let refused = engine.create(options.refreshable(RefreshGrant::new().scopes(many)));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn a_rotated_session_has_a_refresh_token_of_its_own() {
    let (engine, _) = engine();
    let issued = log_in_with(&engine, RefreshGrant::new());
    let old = token_of(&issued);
    let new = token_of(&engine.rotate(issued.session.handle()).unwrap());
    assert_eq!(refresh(&engine, &old).reason(), Some(Reason::RevokedSession));
    rotated(&engine, &new);
    assert!(log_in(&engine, "bob").refresh_token.is_none());
}

#[test]
fn other_tokens_and_forged_ones_buy_nothing_and_read_nothing() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
    let issued = log_in_with(&engine, RefreshGrant::new());
    let token = token_of(&issued);
    let forged = format!("{}AAAA", &token[..50]);
    let before = store.counts();
    assert_eq!(refresh(&engine, issued.token.as_str()).reason(), Some(Reason::WrongKind));
    assert_eq!(refresh(&engine, &forged).reason(), Some(Reason::BadSignature));
    assert_eq!(refresh(&engine, "").reason(), Some(Reason::Malformed));
    assert_eq!(reason(&engine, &token), Some(Reason::WrongKind));
    assert_eq!(store.counts(), before);
}

#[test]
fn a_refresh_that_failed_can_be_tried_again() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
    let first = token_of(&log_in_with(&engine, RefreshGrant::new()));
    for fault in [
        Fault::once(Op::Commit, 1, ErrorKind::Unavailable),
        Fault::once(Op::Commit, 1, ErrorKind::OutcomeUnknown),
        // Written, and the process killed before it could answer.
        Fault::once(Op::Commit, 1, ErrorKind::OutcomeUnknown).after(),
    ] {
        store.fail(fault);
        engine.refresh(&first, &RefreshRequest::new()).unwrap_err();
        store.heal();
    }
    match refresh(&engine, &first) {
        Refresh::Replayed(replayed) => {
            rotated(&engine, replayed.refresh_token.as_str());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refresh_before_its_window_is_told_or_refused_and_ends_nothing() {
    for early in [EarlyRefresh::Tell, EarlyRefresh::Refuse] {
        let (engine, clock) = engine_with(|config| {
            let config = config.access_tokens(AccessTokens::new("https://a", "https://b"));
            config.refresh_window(MINUTE, early)
        });
        let options = CreateOptions::for_subject("alice").unwrap();
        let issued = engine.create(options.refreshable(RefreshGrant::new())).unwrap();
        let first = issued.refresh_token.unwrap();
        let handle = *issued.session.handle();
        let mut events = engine.subscribe().unwrap();
        let mut told = || {
            let event = events.try_next().map(|event| event.kind);
            event == Some(EventKind::RefreshedEarly { handle, generation: 0 })
        };
        clock.advance(4 * MINUTE - Duration::from_millis(1));
        let refresh = engine.refresh(first.as_str(), &RefreshRequest::new()).unwrap();
        assert!(told());
        if early == EarlyRefresh::Tell {
            assert!(matches!(refresh, Refresh::Rotated(_)));
            continue;
        }
        assert_eq!(refresh.reason(), Some(Reason::NotYetValid));
        clock.advance(Duration::from_millis(1));
        let refresh = engine.refresh(first.as_str(), &RefreshRequest::new()).unwrap();
        assert!(matches!(refresh, Refresh::Rotated(_)), "the window is open");
        let again = engine.refresh(first.as_str(), &RefreshRequest::new()).unwrap();
        assert!(matches!(again, Refresh::Replayed(_)), "a replay is never early");
        assert!(!told());
    }
}
