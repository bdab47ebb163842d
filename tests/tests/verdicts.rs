//! Every reason for a rejection can be met.

use std::collections::BTreeMap;

use sessile::{CreateOptions, Engine, ErrorKind, Reason};
use sessile_tests::fixture::{MINUTE, engine, log_in, reason};

/// Reasons that are met with other kinds of tokens, in their tests.
const OF_OTHER_TOKENS: [Reason; 9] = [
    Reason::WrongPurpose,
    Reason::Denied,
    Reason::StaleClaims,
    Reason::Reused,
    Reason::WrongClient,
    Reason::BeyondGrant,
    Reason::WrongIssuer,
    Reason::WrongAudience,
    Reason::MissingClaim,
];

fn why(engine: &Engine, token: &str) -> Reason {
    reason(engine, token).expect("the token is valid")
}

#[test]
fn every_reason_can_be_met() {
    let (engine, clock) = engine();
    let mut met = BTreeMap::new();
    let mut meet = |reason: Reason, how: &'static str| met.insert(reason.number(), how);

    let alice = log_in(&engine, "alice");
    let token = alice.token.as_str();
    meet(why(&engine, &token[1..]), "a character short");
    let flipped = if token.ends_with('A') { "B" } else { "A" };
    meet(why(&engine, &format!("{}{flipped}", &token[..47])), "another tag");
    // The first two characters hold the kind and half of the key id: 0x21 is a refresh token.
    meet(why(&engine, &format!("IQ{}", &token[2..])), "a refresh token's kind");

    let key = engine.rotate_key().unwrap();
    engine.retire_key(key - 1).unwrap();
    meet(why(&engine, token), "under a retired key");

    let options = CreateOptions::for_subject("alice").unwrap();
    let early = engine.create(options.not_before(alice.session.created().plus(MINUTE))).unwrap();
    meet(why(&engine, early.token.as_str()), "from tomorrow on");
    clock.advance(MINUTE);
    assert_eq!(reason(&engine, early.token.as_str()), None, "its time has come");
    assert_eq!(early.session.time_left(), 31 * MINUTE, "and its lifetimes begin then");

    let bob = log_in(&engine, "bob");
    engine.suspend("bob", None).unwrap();
    meet(why(&engine, bob.token.as_str()), "suspended");
    engine.reinstate("bob").unwrap();
    engine.revoke_subject("bob", None).unwrap();
    meet(why(&engine, bob.token.as_str()), "of a revoked subject");

    let [carol, dave] = ["carol", "dave"].map(|name| log_in(&engine, name));
    let cookies = [&carol, &dave].map(|i| format!("__Host-sid={}", i.token.as_str()));
    let both = engine.verify_cookies([&cookies.join("; ")]).unwrap().unwrap();
    meet(both.reason().unwrap(), "two valid cookies");
    engine.revoke(carol.session.handle()).unwrap();
    meet(why(&engine, carol.token.as_str()), "revoked");
    clock.advance(30 * MINUTE);
    meet(why(&engine, dave.token.as_str()), "unused");
    clock.advance(30 * MINUTE);
    while engine.tick().unwrap().is_more_due {}
    meet(why(&engine, dave.token.as_str()), "swept");

    let erin = log_in(&engine, "erin");
    for _ in 0..71 {
        clock.advance(10 * MINUTE);
        assert_eq!(reason(&engine, erin.token.as_str()), None);
    }
    clock.advance(10 * MINUTE);
    meet(why(&engine, erin.token.as_str()), "in use to the end");
    let frank = log_in(&engine, "frank");
    engine.revoke_all().unwrap();
    meet(why(&engine, frank.token.as_str()), "everything revoked");

    for reason in Reason::ALL {
        let is_met = met.contains_key(&reason.number());
        assert_ne!(is_met, OF_OTHER_TOKENS.contains(reason), "{reason} {met:?}");
    }
}

#[test]
fn a_session_that_begins_later_has_a_beginning_that_the_limits_allow() {
    let (engine, clock) = engine();
    let options = || CreateOptions::for_subject("alice").unwrap();
    let past = options().not_before(sessile::Timestamp::from_millis(0));
    let issued = engine.create(past).unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    let far = options().not_before(issued.session.created().plus(400 * 24 * 61 * MINUTE));
    assert_eq!(engine.create(far).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(engine.touch(issued.session.handle()).unwrap());
    clock.advance(30 * MINUTE);
    assert!(!engine.touch(issued.session.handle()).unwrap());
}
