//! The engine's verbs, over the store in memory.

use std::sync::Arc;
use std::time::Duration;

use sessile::store::MemoryStore;
use sessile::testing::{Fault, FaultStore, Op};
use sessile::{AtLimit, Clock, Config, CreateOptions, Engine, ErrorKind, Reason, Timestamp};
use sessile_tests::Gate;
use sessile_tests::fixture::{engine, engine_with, log_in, reason, secret};

const MINUTE_MS: u64 = 60_000;

#[test]
fn a_created_session_verifies_until_it_is_revoked() {
    let (engine, _) = engine();
    let issued = log_in(&engine, "alice");
    let token = issued.token.as_str();
    for _ in 0..2 {
        let session = engine.verify(token).unwrap().into_session().unwrap();
        assert_eq!(session.subject().unwrap(), &"alice");
        assert_eq!(session.handle(), issued.session.handle());
    }
    assert!(engine.revoke(issued.session.handle()).unwrap());
    assert_eq!(reason(&engine, token), Some(Reason::RevokedSession));
    assert!(!engine.revoke(issued.session.handle()).unwrap(), "revoking twice is fine");
}

#[test]
fn a_revoke_between_the_read_of_a_fill_and_its_insert_is_not_undone() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let gate = Gate::before(&store);
    let open = || {
        let config = Config::with_store(store.clone()).master_secret(secret());
        Engine::open_with(config.no_threads()).unwrap()
    };
    let issued = log_in(&open(), "alice");
    // An engine with a cold cache, so that the first verification has to ask the store.
    let engine = open();
    gate.hold_next();
    std::thread::scope(|scope| {
        let filler = scope.spawn(|| engine.verify(issued.token.as_str()).unwrap().is_valid());
        gate.wait_until_held();
        engine.revoke(issued.session.handle()).unwrap();
        assert!(!engine.verify(issued.token.as_str()).unwrap().is_valid());
        gate.release();
        assert!(filler.join().unwrap(), "it began before the revoke, so either answer is right");
    });
    assert!(!engine.verify(issued.token.as_str()).unwrap().is_valid());
}

#[test]
fn garbage_costs_no_store_read() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
    let token = log_in(&engine, "alice").token.as_str().to_owned();
    let forged = format!("{}AAAAAA", &token[..42]);
    let before = store.counts();
    for garbage in ["", "x", &forged, &"A".repeat(48), &"!".repeat(48), &"A".repeat(9000)] {
        assert!(!engine.verify(garbage).unwrap().is_valid());
    }
    assert_eq!(reason(&engine, &forged), Some(Reason::BadSignature));
    assert_eq!(store.counts(), before, "neither read nor written");
}

#[test]
fn an_unused_session_ends_at_its_idle_deadline_and_a_used_one_at_its_absolute_one() {
    let (engine, clock) = engine();
    let (unused, used) = (log_in(&engine, "alice"), log_in(&engine, "bob"));
    for _ in 0..47 {
        clock.advance(Duration::from_millis(15 * MINUTE_MS));
        assert!(engine.verify(used.token.as_str()).unwrap().is_valid());
        engine.tick().unwrap();
    }
    assert!(!engine.verify(unused.token.as_str()).unwrap().is_valid());
    clock.advance(Duration::from_millis(15 * MINUTE_MS - 1));
    assert!(engine.verify(used.token.as_str()).unwrap().is_valid());
    clock.advance(Duration::from_millis(1));
    assert_eq!(reason(&engine, used.token.as_str()), Some(Reason::Expired));
}

#[test]
fn a_small_step_back_of_the_clock_undoes_nothing_that_was_said() {
    let (engine, clock) = engine();
    // The engine looks at the clock, and so soon after that again that it need not remember.
    let come_to = |at: Timestamp| {
        clock.set(Timestamp::from_millis(at.as_millis() - 15));
        assert_eq!(engine.count("nobody").unwrap(), 0);
        clock.set(at);
    };
    let step_back_from = |at: Timestamp| clock.set(Timestamp::from_millis(at.as_millis() - 10));
    let ended = log_in(&engine, "alice");
    come_to(ended.session.idle_deadline());
    assert_eq!(engine.data(ended.session.handle()).unwrap(), None);
    step_back_from(ended.session.idle_deadline());
    assert_eq!(reason(&engine, ended.token.as_str()), Some(Reason::IdleExpired));

    let start = clock.now().plus(Duration::from_secs(60));
    let begun = engine.create(CreateOptions::anonymous().not_before(start)).unwrap();
    come_to(start);
    assert_eq!(reason(&engine, begun.token.as_str()), None);
    step_back_from(start);
    assert!(engine.data(begun.session.handle()).unwrap().is_some());
    assert_eq!(reason(&engine, begun.token.as_str()), None);
}

#[test]
fn a_use_of_a_renewed_token_counts_for_the_one_that_it_renews_and_the_other_way_round() {
    for is_renewed_used in [false, true] {
        let (engine, clock) = engine();
        let issued = log_in(&engine, "alice");
        engine.rotate_key().unwrap();
        let session = engine.verify(issued.token.as_str()).unwrap().into_session().unwrap();
        let renewed = session.renewed_token().unwrap().as_str();
        assert_eq!(reason(&engine, renewed), None);
        let used = if is_renewed_used { renewed } else { issued.token.as_str() };
        clock.advance(Duration::from_secs(50));
        assert!(engine.verify(used).unwrap().is_valid());
        clock.advance(Duration::from_millis(30 * MINUTE_MS - 1));
        for token in [renewed, issued.token.as_str()] {
            assert!(engine.peek(token).unwrap().is_valid());
        }
    }
}

#[test]
fn a_use_that_the_store_has_yet_to_learn_of_counts_for_every_verb() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    let handle = issued.session.handle();
    let watch = engine.watch(handle).unwrap();
    // Too soon after the creation to be written.
    clock.advance(Duration::from_secs(59));
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    assert_eq!(engine.tick().unwrap().touches_written, 0);
    clock.advance(Duration::from_millis(30 * MINUTE_MS - 1));
    assert!(engine.peek(issued.token.as_str()).unwrap().is_valid(), "for one more millisecond");
    engine.tick().unwrap();
    assert_eq!(watch.ended(), None);
    let listed = engine.list("alice").unwrap();
    assert_eq!(listed[0].idle_deadline, clock.now().plus(Duration::from_millis(1)));
    let rotated = engine.rotate(handle).unwrap();
    assert!(engine.revoke(rotated.session.handle()).unwrap(), "it was valid until now");
}

#[test]
fn the_idle_deadline_is_exclusive_and_peek_does_not_move_it() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    clock.advance(Duration::from_millis(30 * MINUTE_MS - 1));
    assert!(engine.peek(issued.token.as_str()).unwrap().is_valid());
    clock.advance(Duration::from_millis(1));
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::IdleExpired));
}

#[test]
fn a_clock_that_steps_back_brings_no_session_back() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    clock.advance(Duration::from_millis(30 * MINUTE_MS));
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::IdleExpired));
    clock.set(Timestamp::from_millis(clock.now().as_millis() - 20 * MINUTE_MS));
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::IdleExpired));
}

#[test]
fn revoke_subject_ends_all_sessions_but_the_excepted_and_those_of_others() {
    let (engine, _) = engine();
    let sessions: Vec<_> = (0..3).map(|_| log_in(&engine, "alice")).collect();
    let other = log_in(&engine, "bob");
    engine.revoke_subject("alice", Some(sessions[1].session.handle())).unwrap();
    assert_eq!(reason(&engine, sessions[0].token.as_str()), Some(Reason::RevokedSubject));
    assert_eq!(reason(&engine, sessions[1].token.as_str()), None);
    assert_eq!(reason(&engine, sessions[2].token.as_str()), Some(Reason::RevokedSubject));
    assert_eq!(reason(&engine, other.token.as_str()), None);
    assert_eq!(engine.list("alice").unwrap().len(), 1);
    let later = log_in(&engine, "alice");
    assert_eq!(reason(&engine, later.token.as_str()), None, "a new login is a new start");
    let foreign = engine.revoke_subject("alice", Some(other.session.handle())).unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::InvalidInput);
    assert_eq!(reason(&engine, later.token.as_str()), None, "and nothing was revoked");
}

#[test]
fn revoke_all_ends_everything_that_was_and_nothing_that_comes() {
    let (engine, _) = engine();
    let before = log_in(&engine, "alice");
    engine.revoke_all().unwrap();
    assert_eq!(reason(&engine, before.token.as_str()), Some(Reason::RevokedAll));
    assert_eq!(reason(&engine, log_in(&engine, "alice").token.as_str()), None);
}

#[test]
fn a_suspended_subject_neither_verifies_nor_logs_in() {
    let (engine, _) = engine();
    let issued = log_in(&engine, "alice");
    engine.suspend("alice", None).unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::Suspended));
    let refused = engine.create(CreateOptions::for_subject("alice").unwrap()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Suspended);
    engine.reinstate("alice").unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), None);
}

#[test]
fn changed_claims_make_sessions_stale_and_new_ones_not() {
    let (engine, _) = engine();
    let old = log_in(&engine, "alice");
    let version = engine.bump_claims("alice").unwrap();
    let session = engine.verify(old.token.as_str()).unwrap().into_session().unwrap();
    assert!(session.are_claims_stale());
    let new = log_in(&engine, "alice");
    let session = engine.verify(new.token.as_str()).unwrap().into_session().unwrap();
    assert_eq!((session.are_claims_stale(), session.claims_version()), (false, version));
}

#[test]
fn a_login_ends_the_session_that_the_client_presented() {
    let (engine, _) = engine();
    let old = log_in(&engine, "alice");
    let login = CreateOptions::for_subject("alice").unwrap().retire(old.token.as_str());
    let new = engine.create(login).unwrap();
    assert_eq!(reason(&engine, old.token.as_str()), Some(Reason::RevokedSession));
    assert_eq!(reason(&engine, new.token.as_str()), None);
    let login = CreateOptions::for_subject("alice").unwrap().retire("whatever it sent");
    engine.create(login).unwrap();
}

#[test]
fn a_subject_never_has_more_sessions_than_allowed() {
    let (engine, clock) =
        engine_with(|c| c.max_sessions_per_subject(2, AtLimit::EvictLeastRecentlyUsed));
    let first = log_in(&engine, "alice");
    clock.advance(Duration::from_millis(MINUTE_MS));
    let second = log_in(&engine, "alice");
    clock.advance(Duration::from_millis(MINUTE_MS * 5));
    engine.verify(first.token.as_str()).unwrap().into_session().unwrap();
    log_in(&engine, "alice");
    assert_eq!(reason(&engine, first.token.as_str()), None, "it was used later");
    assert_eq!(reason(&engine, second.token.as_str()), Some(Reason::RevokedSession));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| drop(log_in(&engine, "alice"))));
        }
    });
    assert_eq!(engine.count("alice").unwrap(), 2);
    let (engine, _) = engine_with(|c| c.max_sessions_per_subject(1, AtLimit::Refuse));
    log_in(&engine, "alice");
    let refused = engine.create(CreateOptions::for_subject("alice").unwrap()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooManySessions);
}

#[test]
fn a_touch_does_not_bring_a_revoked_session_back() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    clock.advance(Duration::from_millis(5 * MINUTE_MS));
    assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
    assert_eq!(engine.stats().pending_touches, 1);
    engine.revoke(issued.session.handle()).unwrap();
    assert_eq!(engine.tick().unwrap().touches_written, 0);
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::RevokedSession));
}

#[test]
fn a_revoke_ends_a_session_that_only_the_cache_knows_to_be_alive() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    // Too soon after the login for the store to learn of it.
    clock.advance(Duration::from_millis(59_000));
    assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
    engine.tick().unwrap();
    clock.advance(Duration::from_millis(29 * MINUTE_MS + 30_000));
    assert!(engine.peek(issued.token.as_str()).unwrap().is_valid());
    engine.revoke(issued.session.handle()).unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::RevokedSession));
}

#[test]
fn touches_reach_the_store_in_time_however_often_the_group_changes() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    let mut written = 0;
    for _ in 0..20 {
        // Ten minutes in all; each change makes the next verification ask the store.
        clock.advance(Duration::from_secs(30));
        engine.bump_claims("alice").unwrap();
        assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
        written += engine.tick().unwrap().touches_written;
    }
    assert_eq!(written, 10, "one a minute");
}

#[test]
fn a_revoke_that_fails_says_so_and_one_of_unknown_outcome_holds_here() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
    let issued = log_in(&engine, "alice");
    store.fail(Fault::once(Op::Commit, 1, ErrorKind::Unavailable));
    let failed = engine.revoke(issued.session.handle()).unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    assert_eq!(reason(&engine, issued.token.as_str()), None, "nothing was written");
    for fault in [
        Fault::once(Op::Commit, 1, ErrorKind::OutcomeUnknown).after(),
        Fault::once(Op::Commit, 1, ErrorKind::OutcomeUnknown),
    ] {
        let issued = log_in(&engine, "bob");
        store.fail(fault);
        let unknown = engine.revoke(issued.session.handle()).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::OutcomeUnknown);
        assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::RevokedSession));
        store.heal();
        engine.bump_claims("bob").unwrap();
        assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::RevokedSession));
    }
}

#[test]
fn a_store_that_cannot_be_read_lets_nobody_in_and_rejects_nobody() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
    let issued = log_in(&engine, "alice");
    engine.bump_claims("alice").unwrap();
    store.fail(Fault::once(Op::Get, 1, ErrorKind::Unavailable).lasting());
    let error = engine.verify(issued.token.as_str()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    store.heal();
    assert_eq!(reason(&engine, issued.token.as_str()), None);
}

#[test]
fn more_than_one_slice_is_swept_in_further_ticks() {
    let (engine, clock) = engine();
    for i in 0..2_500 {
        log_in(&engine, &format!("user-{i}"));
    }
    clock.advance(Duration::from_millis(33 * MINUTE_MS));
    let reports: Vec<_> = (0..3).map(|_| engine.tick().unwrap()).collect();
    let swept: Vec<_> = reports.iter().map(|r| (r.rows_swept, r.is_more_due)).collect();
    assert_eq!(swept, [(1000, true), (1000, true), (500, false)]);
}

#[test]
fn expired_rows_are_swept() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    clock.advance(Duration::from_millis(33 * MINUTE_MS));
    assert_eq!(engine.tick().unwrap().rows_swept, 1);
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::UnknownSession));
}

#[test]
fn a_closed_engine_says_so_and_lets_nobody_in() {
    let (engine, _) = engine();
    let issued = log_in(&engine, "alice");
    engine.close().unwrap();
    engine.close().unwrap();
    assert_eq!(engine.verify(issued.token.as_str()).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_verify_that_starts_after_a_revoke_returned_rejects() {
    for (cache, seed) in [(64 << 10, 1u64), (1 << 20, 2)] {
        let (engine, _) = engine_with(|config| config.cache_len_max_bytes(cache));
        let revoked = std::sync::atomic::AtomicUsize::new(0);
        let issued: Vec<_> =
            (0..2_000).map(|i| log_in(&engine, &format!("u{}", i % 300))).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for (i, issued) in issued.iter().enumerate() {
                    engine.revoke(issued.session.handle()).unwrap();
                    revoked.store(i + 1, std::sync::atomic::Ordering::SeqCst);
                }
            });
            for thread in 0..4 {
                let (engine, issued, revoked) = (&engine, &issued, &revoked);
                scope.spawn(move || {
                    let mut random = seed * 7919 + thread;
                    loop {
                        random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
                        let i = (random >> 33) as usize % issued.len();
                        let known = revoked.load(std::sync::atomic::Ordering::SeqCst);
                        let is_valid = engine.verify(issued[i].token.as_str()).unwrap().is_valid();
                        assert!(!(i < known && is_valid), "session {i} of {known}, seed {seed}");
                        if known == issued.len() {
                            return;
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn durations_are_taken_from_the_session_when_it_has_its_own() {
    let (engine, clock) = engine();
    let lifetimes = sessile::Lifetimes {
        idle_timeout: Duration::from_secs(10),
        absolute_lifetime: Duration::from_secs(20),
    };
    let login = CreateOptions::for_subject("alice").unwrap().lifetimes(lifetimes);
    let issued = engine.create(login).unwrap();
    assert_eq!(issued.session.time_left(), Duration::from_secs(10));
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    clock.advance(Duration::from_millis(2));
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::Expired));
}
