//! What a request brings, and what a response takes along.

use std::time::Duration;

use sessile::cookie::CookiePolicy;
use sessile::{CreateOptions, Engine, ErrorKind, Lifetimes, Reason, Verdict};
use sessile_tests::fixture::{MINUTE, engine, engine_with, log_in};

fn verify(engine: &Engine, cookies: &str) -> Option<Verdict> {
    engine.verify_cookies([cookies]).unwrap()
}

/// What the browser sends back for a `Set-Cookie`.
fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

#[test]
fn a_browser_that_keeps_the_cookies_is_let_in_and_forgets_them_when_told() {
    let (engine, _) = engine();
    let [cookie, companion] = engine.set_cookies(&log_in(&engine, "alice")).unwrap();
    assert!(cookie.ends_with("; Max-Age=43200; Path=/; Secure; SameSite=Lax; HttpOnly"));
    assert!(companion.starts_with("__Host-sid-left=1800."), "{companion}");
    assert!(!companion.contains("HttpOnly"));
    let request = format!("theme=dark; {}; {}", pair(&cookie), pair(&companion));
    assert!(verify(&engine, &request).unwrap().is_valid());
    assert!(verify(&engine, "theme=dark").is_none(), "no cookie is no verdict");
    assert!(engine.peek_cookies([request.as_str()]).unwrap().unwrap().is_valid());
    for forget in engine.clear_cookies() {
        assert!(forget.contains("Max-Age=0"));
    }
}

#[test]
fn a_planted_cookie_neither_hides_the_genuine_one_nor_replaces_it() {
    let (engine, _) = engine();
    let [alice, mallory] =
        ["alice", "mallory"].map(|s| engine.set_cookies(&log_in(&engine, s)).unwrap()[0].clone());
    let (alice, mallory) = (pair(&alice), pair(&mallory));
    let garbage = format!("__Host-sid=nonsense; {alice}");
    assert!(verify(&engine, &garbage).unwrap().is_valid());
    assert!(verify(&engine, &format!("{alice}; {alice}")).unwrap().is_valid());
    let both = verify(&engine, &format!("{alice}; {mallory}")).unwrap();
    assert_eq!(both.reason(), Some(Reason::Ambiguous));
    let none = verify(&engine, "__Host-sid=nonsense; __Host-sid=").unwrap();
    assert_eq!(none.reason(), Some(Reason::Malformed));
}

#[test]
fn old_and_new_cookie_of_a_rotated_session_are_the_new_one() {
    let (engine, _) = engine();
    let first = log_in(&engine, "alice");
    let second = engine.rotate(first.session.handle()).unwrap();
    let [a, b] = [&first, &second].map(|issued| format!("__Host-sid={}", issued.token.as_str()));
    for cookies in [format!("{a}; {b}"), format!("{b}; {a}")] {
        let session = verify(&engine, &cookies).unwrap().into_session().unwrap();
        assert_eq!(session.handle(), second.session.handle());
    }
    let session = verify(&engine, &a).unwrap().into_session().unwrap();
    assert!(engine.renew_cookies(&session).unwrap().is_empty(), "the new cookie is not undone");
}

#[test]
fn a_cookie_is_sent_again_below_half_of_its_age_and_when_its_key_is_old() {
    let day = Duration::from_secs(86_400);
    let policy = CookiePolicy::builder().max_age(Some(7 * day)).build().unwrap();
    let (engine, clock) = engine_with(|config| config.cookies(policy.clone()));
    let lifetimes = Lifetimes { idle_timeout: 10 * day, absolute_lifetime: 30 * day };
    let options = CreateOptions::for_subject("alice").unwrap().lifetimes(lifetimes);
    let issued = engine.create(options).unwrap();
    let renew = || {
        let session = engine.verify(issued.token.as_str()).unwrap().into_session().unwrap();
        engine.renew_cookies(&session).unwrap()
    };
    assert_eq!(renew().len(), 1, "the companion alone");
    clock.advance(4 * day);
    let cookies = renew();
    assert_eq!(pair(&cookies[1]), format!("__Host-sid={}", issued.token.as_str()));
    assert!(cookies[1].contains("Max-Age=604800"));
    let (engine, _) = self::engine();
    let issued = log_in(&engine, "alice");
    engine.rotate_key().unwrap();
    let session = engine.verify(issued.token.as_str()).unwrap().into_session().unwrap();
    let cookies = engine.renew_cookies(&session).unwrap();
    let renewed = session.renewed_token().unwrap().as_str();
    assert_eq!(pair(&cookies[1]), format!("__Host-sid={renewed}"));
}

#[test]
fn the_companion_counts_down_to_the_nearer_deadline() {
    let (engine, clock) = engine();
    let issued = log_in(&engine, "alice");
    let token = issued.token.as_str();
    let left = |session: &sessile::Session| {
        let cookies = engine.renew_cookies(session).unwrap();
        let (_, value) = pair(&cookies[0]).split_once('=').unwrap();
        value.split('.').next().unwrap().parse::<u64>().unwrap()
    };
    clock.advance(29 * MINUTE);
    assert_eq!(left(engine.peek(token).unwrap().session().unwrap()), 60);
    assert_eq!(left(engine.verify(token).unwrap().session().unwrap()), 1800);
    for _ in 0..34 {
        clock.advance(20 * MINUTE);
        assert!(engine.verify(token).unwrap().is_valid());
    }
    clock.advance(5 * MINUTE);
    assert_eq!(left(engine.verify(token).unwrap().session().unwrap()), 6 * 60);
}

#[test]
fn a_bearer_token_is_verified_and_other_schemes_are_none() {
    let (engine, _) = engine();
    let issued = log_in(&engine, "alice");
    let header = format!("Bearer {}", issued.token.as_str());
    assert!(engine.verify_bearer(&header).unwrap().unwrap().is_valid());
    assert!(engine.verify_bearer("Basic YWxpY2U6").unwrap().is_none());
    engine.close().unwrap();
    assert_eq!(engine.verify_bearer(&header).unwrap_err().kind(), ErrorKind::Closed);
}
