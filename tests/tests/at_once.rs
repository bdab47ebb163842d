//! Answers without the store: the same as with it, or none.

use std::time::Duration;

use sessile::{AccessOptions, AccessTokens, Engine, Lifetimes, Reason};
use sessile_tests::fixture::{MINUTE, engine, engine_with, log_in};

#[test]
fn what_the_cache_knows_is_said_at_once_and_ends_with_a_revoke() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    let token = issued.token.as_str();
    let at_once = || engine.verify_at_once(token).unwrap();
    assert!(at_once().unwrap().is_valid());
    assert!(engine.peek_at_once(token).unwrap().unwrap().is_valid());
    // Used all the time, it does not run out of it; only looked at, it does.
    for _ in 0..4 {
        clock.advance(10 * MINUTE);
        assert!(at_once().unwrap().is_valid());
    }
    engine.revoke(issued.session.handle()).unwrap();
    assert!(at_once().is_none(), "the store has to say why");
    assert_eq!(engine.verify(token).unwrap().reason(), Some(Reason::RevokedSession));
}

#[test]
fn what_was_only_looked_at_runs_out_of_time() {
    let (engine, clock) = engine();
    let token = log_in(&engine, "alice").token;
    clock.advance(20 * MINUTE);
    assert!(engine.peek_at_once(token.as_str()).unwrap().unwrap().is_valid());
    clock.advance(20 * MINUTE);
    assert!(engine.verify_at_once(token.as_str()).unwrap().is_none());
    assert_eq!(engine.verify(token.as_str()).unwrap().reason(), Some(Reason::IdleExpired));
}

#[test]
fn a_question_that_the_cache_cannot_answer_is_counted_once() {
    let (engine, _) = engine();
    let issued = log_in(&engine, "alice");
    // A change of the group: the entry does not count any more.
    engine.bump_claims("alice").unwrap();
    let before = engine.stats();
    assert!(engine.verify_at_once(issued.token.as_str()).unwrap().is_none());
    assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
    assert!(engine.verify_at_once(issued.token.as_str()).unwrap().unwrap().is_valid());
    let after = engine.stats();
    assert_eq!(after.cache_misses, before.cache_misses + 1);
    assert_eq!(after.cache_hits, before.cache_hits + 1);
}

#[test]
fn what_is_no_token_needs_no_store_to_be_rejected() {
    let (engine, _) = engine();
    for text in ["", "x", &"x".repeat(10_000)] {
        let verdict = engine.verify_at_once(text).unwrap().unwrap();
        assert_eq!(verdict.reason(), Some(Reason::Malformed));
    }
    // One of the right length is looked for, and asked for.
    assert!(engine.verify_at_once(&"A".repeat(48)).unwrap().is_none());
}

#[test]
fn an_access_token_that_is_not_good_keeps_no_session_alive_at_once() {
    let spoils: [fn(&Engine, &str); 2] = [
        |engine, access| assert!(engine.deny_access(access).unwrap()),
        |engine, _| assert!(engine.bump_claims("alice").unwrap() > 0),
    ];
    for spoil in spoils {
        let access_tokens = AccessTokens::new("https://issuer.example", "https://api.example");
        let lifetimes = Lifetimes { idle_timeout: 3 * MINUTE, ..Lifetimes::REMEMBER_ME };
        let (engine, clock) =
            engine_with(|config| config.access_tokens(access_tokens.clone()).lifetimes(lifetimes));
        let issued = log_in(&engine, "alice");
        let access = engine.issue_access(issued.session.handle(), &AccessOptions::new()).unwrap();
        let at_once = || engine.verify_access_at_once(&access.token).unwrap();
        assert!(at_once().unwrap().claims().is_some());
        // Good, it does keep it alive: until four minutes after the beginning.
        clock.advance(MINUTE);
        assert!(at_once().unwrap().claims().is_some());
        clock.advance(MINUTE);
        spoil(&engine, &access.token);
        // Cached again, so that it could be said at once.
        assert!(engine.peek(issued.token.as_str()).unwrap().is_valid());
        assert!(at_once().is_none(), "the store has to say why");
        clock.advance(2 * MINUTE - Duration::from_millis(1));
        assert!(engine.peek(issued.token.as_str()).unwrap().is_valid());
        clock.advance(Duration::from_millis(1));
        let peeked = engine.peek(issued.token.as_str()).unwrap();
        assert_eq!(peeked.reason(), Some(Reason::IdleExpired));
    }
}
