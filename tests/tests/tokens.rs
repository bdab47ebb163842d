//! Single-use tokens, API keys and signed values.

use std::sync::Arc;
use std::time::Duration;

use sessile::store::MemoryStore;
use sessile::testing::{Fault, FaultStore, Op};
use sessile::{
    ApiKeyOptions, Config, Engine, ErrorKind, Handle, KeyState, Reason, SingleUseOptions,
};
use sessile_tests::fixture::{MINUTE, engine, engine_with, log_in, reason};

const RESET: &str = "password-reset";

fn reset_of(engine: &Engine, subject: &str) -> (String, Handle) {
    let options = SingleUseOptions::new(RESET).subject(subject).unwrap().payload("mail-17");
    let issued = engine.issue_single_use(&options).unwrap();
    (issued.token.as_str().to_owned(), issued.handle)
}

#[test]
fn a_single_use_token_is_used_once_and_for_its_purpose() {
    let (engine, _) = engine();
    let (token, handle) = reset_of(&engine, "alice");
    assert_eq!(engine.consume("sign-in", &token).unwrap(), Err(Reason::WrongPurpose));
    for _ in 0..2 {
        let peeked = engine.peek_single_use(RESET, &token).unwrap().unwrap();
        assert_eq!((peeked.handle, peeked.payload.as_slice()), (handle, b"mail-17".as_slice()));
    }
    let used = engine.consume(RESET, &token).unwrap().unwrap();
    assert_eq!(used.subject.unwrap(), "alice");
    assert_eq!(engine.consume(RESET, &token).unwrap(), Err(Reason::Reused));
    assert_eq!(engine.peek_single_use(RESET, &token).unwrap(), Err(Reason::Reused));
}

#[test]
fn a_second_use_that_fails_half_way_is_finished_by_the_third() {
    for call in 1..=2 {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
        let (token, handle) = reset_of(&engine, "alice");
        engine.consume(RESET, &token).unwrap().unwrap();
        let session = log_in(&engine, "alice");
        engine.bind_single_use(&handle, session.session.handle()).unwrap();
        store.fail(Fault::once(Op::Commit, call, ErrorKind::Unavailable));
        let failed = engine.consume(RESET, &token).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unavailable);
        assert_eq!(engine.consume(RESET, &token).unwrap(), Err(Reason::Reused));
        assert_eq!(reason(&engine, session.token.as_str()), Some(Reason::Reused));
    }
}

#[test]
fn of_many_that_use_it_at_once_one_wins() {
    let (engine, _) = engine();
    for _ in 0..20 {
        let (token, _) = reset_of(&engine, "alice");
        let winners = std::thread::scope(|scope| {
            let consume = || engine.consume(RESET, &token).unwrap().is_ok();
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(consume)).collect();
            threads.into_iter().filter_map(|t| t.join().unwrap().then_some(())).count()
        });
        assert_eq!(winners, 1);
    }
}

#[test]
fn a_second_use_that_failed_ends_the_session_when_it_is_tried_again() {
    for failing in 1..=2 {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
        let (token, handle) = reset_of(&engine, "alice");
        assert!(engine.consume(RESET, &token).unwrap().is_ok());
        let issued = log_in(&engine, "alice");
        engine.bind_single_use(&handle, issued.session.handle()).unwrap();
        store.fail(Fault::once(Op::Commit, failing, ErrorKind::Unavailable));
        assert_eq!(engine.consume(RESET, &token).unwrap_err().kind(), ErrorKind::Unavailable);
        store.heal();
        assert_eq!(engine.consume(RESET, &token).unwrap(), Err(Reason::Reused));
        assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::Reused), "{failing}");
    }
}

#[test]
fn a_newer_token_takes_the_place_of_the_older_if_asked_to() {
    let (engine, _) = engine();
    let (older, _) = reset_of(&engine, "alice");
    let (of_bob, _) = reset_of(&engine, "bob");
    let options = SingleUseOptions::new(RESET).subject("alice").unwrap().superseding();
    let newer = engine.issue_single_use(&options).unwrap();
    assert_eq!(engine.consume(RESET, &older).unwrap(), Err(Reason::Denied));
    assert!(engine.consume(RESET, newer.token.as_str()).unwrap().is_ok());
    assert!(engine.consume(RESET, &of_bob).unwrap().is_ok());
}

#[test]
fn a_second_use_ends_the_session_of_the_first() {
    let (engine, _) = engine();
    let (token, handle) = reset_of(&engine, "alice");
    let session = log_in(&engine, "alice");
    let early = engine.bind_single_use(&handle, session.session.handle()).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::SessionGone, "it was not used yet");
    engine.consume(RESET, &token).unwrap().unwrap();
    engine.bind_single_use(&handle, session.session.handle()).unwrap();
    assert_eq!(reason(&engine, session.token.as_str()), None);
    assert_eq!(engine.consume(RESET, &token).unwrap(), Err(Reason::Reused));
    assert_eq!(reason(&engine, session.token.as_str()), Some(Reason::Reused));

    // The second use came first: the session that would be bound is refused.
    let (token, handle) = reset_of(&engine, "alice");
    engine.consume(RESET, &token).unwrap().unwrap();
    engine.consume(RESET, &token).unwrap().unwrap_err();
    let late = engine.bind_single_use(&handle, session.session.handle()).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::SessionGone);
}

#[test]
fn what_ends_a_subjects_sessions_ends_its_single_use_tokens() {
    type End = fn(&Engine, &Handle);
    let ends: [(End, Reason); 4] = [
        (|e, _| e.revoke_subject("alice", None).unwrap(), Reason::RevokedSubject),
        (|e, _| e.suspend("alice", None).unwrap(), Reason::Suspended),
        (|e, _| e.revoke_all().unwrap(), Reason::RevokedAll),
        (|e, h| assert!(e.revoke_single_use(h).unwrap()), Reason::Denied),
    ];
    for (end, expected) in ends {
        let (engine, _) = engine();
        let (token, handle) = reset_of(&engine, "alice");
        end(&engine, &handle);
        assert_eq!(engine.peek_single_use(RESET, &token).unwrap(), Err(expected));
        assert_eq!(engine.consume(RESET, &token).unwrap(), Err(expected));
    }
}

#[test]
fn a_single_use_token_has_limits() {
    let (engine, clock) = engine();
    let (token, _) = reset_of(&engine, "alice");
    clock.advance(15 * MINUTE);
    assert_eq!(engine.consume(RESET, &token).unwrap(), Err(Reason::Expired));
    let refused = |options: SingleUseOptions| engine.issue_single_use(&options).unwrap_err().kind();
    let of = |purpose: &str| SingleUseOptions::new(purpose);
    assert_eq!(refused(of("")), ErrorKind::InvalidInput);
    assert_eq!(refused(of(&"x".repeat(65))), ErrorKind::InvalidInput);
    assert_eq!(refused(of("x").lifetime(Duration::ZERO)), ErrorKind::InvalidInput);
    assert_eq!(refused(of("x").superseding()), ErrorKind::InvalidInput);
    assert_eq!(refused(of("x").payload(vec![0; (16 << 10) + 1])), ErrorKind::TooLarge);
    engine.suspend("alice", None).unwrap();
    assert_eq!(refused(of("x").subject("alice").unwrap()), ErrorKind::Suspended);
    assert_eq!(engine.consume(RESET, "nonsense").unwrap(), Err(Reason::Malformed));
    clock.advance(60 * MINUTE);
    engine.tick().unwrap();
    assert_eq!(engine.consume(RESET, &token).unwrap(), Err(Reason::UnknownSession), "swept");
}

fn api_key(engine: &Engine, name: &str) -> sessile::IssuedApiKey {
    let options = ApiKeyOptions::new("alice", name).unwrap().scopes(["read"]);
    engine.create_api_key(&options).unwrap()
}

#[test]
fn an_api_key_is_good_until_it_is_revoked() {
    let (engine, clock) = engine_with(|config| config.api_key_prefix("acme"));
    let issued = api_key(&engine, "deploy");
    let token = issued.token.as_str();
    assert!(token.starts_with("acme_"));
    let verdict = engine.verify_api_key(token).unwrap();
    let key = verdict.key().unwrap();
    assert_eq!((key.name.as_str(), key.subject.as_str()), ("deploy", "alice"));
    assert_eq!(key.scopes, ["read"]);
    clock.advance(MINUTE);
    let other = api_key(&engine, "backup");
    let names: Vec<_> =
        engine.list_api_keys("alice").unwrap().into_iter().map(|key| key.name).collect();
    assert_eq!(names, ["deploy", "backup"]);
    assert!(engine.revoke_api_key(&issued.key.handle).unwrap());
    assert!(!engine.revoke_api_key(&issued.key.handle).unwrap());
    assert_eq!(engine.verify_api_key(token).unwrap().reason(), Some(Reason::Denied));
    assert!(engine.verify_api_key(other.token.as_str()).unwrap().key().is_some());
    assert_eq!(engine.list_api_keys("alice").unwrap().len(), 1);
}

#[test]
fn an_api_key_is_no_session_token_and_the_other_way_round() {
    let (engine, _) = engine();
    let (key, session) = (api_key(&engine, "deploy"), log_in(&engine, "alice"));
    let (key, session) = (key.token.as_str(), session.token.as_str());
    assert!(engine.verify_api_key(key).unwrap().key().is_some(), "and cached");
    assert_eq!(reason(&engine, session), None, "and cached");
    assert_eq!(reason(&engine, key), Some(Reason::WrongKind));
    assert_eq!(engine.verify_api_key(session).unwrap().reason(), Some(Reason::WrongKind));
}

#[test]
fn log_out_everywhere_ends_api_keys_but_those_that_outlive_it() {
    let (engine, _) = engine();
    let normal = api_key(&engine, "deploy");
    let options = ApiKeyOptions::new("alice", "robot").unwrap().outliving_sessions();
    let robot = engine.create_api_key(&options).unwrap();
    let verdicts =
        || [&normal, &robot].map(|key| engine.verify_api_key(key.token.as_str()).unwrap().reason());
    assert_eq!(verdicts(), [None, None]);
    engine.revoke_subject("alice", None).unwrap();
    assert_eq!(verdicts(), [Some(Reason::RevokedSubject), None]);
    engine.suspend("alice", None).unwrap();
    assert_eq!(verdicts()[1], Some(Reason::Suspended));
    engine.reinstate("alice").unwrap();
    engine.revoke_all().unwrap();
    assert_eq!(verdicts(), [Some(Reason::RevokedAll); 2]);
}

#[test]
fn a_verified_api_key_writes_at_most_once_a_minute_and_then_says_when_it_was_used() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let clock = sessile::testing::ManualClock::default();
    let config = Config::with_store(store.clone()).clock(clock.clone()).no_threads();
    let engine = Engine::open_with(config).unwrap();
    let issued = api_key(&engine, "deploy");
    let token = issued.token.as_str();
    engine.verify_api_key(token).unwrap().key().unwrap();
    engine.tick().unwrap();
    let before = store.counts();
    for _ in 0..59 {
        clock.advance(Duration::from_secs(1));
        engine.verify_api_key(token).unwrap().key().unwrap();
    }
    assert_eq!(store.counts(), before, "neither read nor written");
    clock.advance(Duration::from_secs(1));
    engine.verify_api_key(token).unwrap().key().unwrap();
    engine.tick().unwrap();
    let listed = engine.list_api_keys("alice").unwrap();
    assert_eq!(listed[0].last_used, Some(sessile::Clock::now(&clock)));
}

#[test]
fn uses_are_counted_by_the_minute() {
    let (engine, clock) = engine();
    let issued = api_key(&engine, "deploy");
    let uses = || match engine.verify_api_key(issued.token.as_str()).unwrap() {
        sessile::ApiKeyVerdict::Valid { uses_this_minute, .. } => uses_this_minute,
        sessile::ApiKeyVerdict::Rejected(reason) => panic!("{reason}"),
    };
    assert_eq!([uses(), uses(), uses()], [1, 2, 3]);
    clock.advance(MINUTE);
    assert_eq!(uses(), 1);
}

#[test]
fn an_api_key_ends_at_its_deadline_and_its_signing_key_does_not_end_before() {
    let (engine, clock) = engine();
    let options = ApiKeyOptions::new("alice", "short").unwrap().lifetime(MINUTE);
    let short = engine.create_api_key(&options).unwrap();
    let long = api_key(&engine, "long");
    assert!(engine.verify_api_key(short.token.as_str()).unwrap().key().is_some());
    clock.advance(MINUTE);
    let verdict = engine.verify_api_key(short.token.as_str()).unwrap();
    assert_eq!(verdict.reason(), Some(Reason::Expired));
    engine.rotate_key().unwrap();
    clock.advance(500 * 24 * 60 * MINUTE);
    engine.tick().unwrap();
    assert_eq!(engine.keys()[0].state, KeyState::Verifying, "it has signed an API key");
    assert!(engine.verify_api_key(long.token.as_str()).unwrap().key().is_some());
    engine.retire_key(0).unwrap();
    let verdict = engine.verify_api_key(long.token.as_str()).unwrap();
    assert_eq!(verdict.reason(), Some(Reason::UnknownKey));
}

#[test]
fn a_signed_value_ages() {
    let (engine, clock) = engine();
    let text = engine.sign("download", b"report.pdf").unwrap();
    clock.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(engine.unsign("download", &text, MINUTE).unwrap().payload, b"report.pdf");
    clock.advance(Duration::from_millis(1));
    assert_eq!(engine.unsign("download", &text, MINUTE), Err(Reason::Expired));
    assert_eq!(engine.unsign("upload", &text, MINUTE), Err(Reason::BadSignature));
    assert_eq!(engine.unsign("download", "", MINUTE), Err(Reason::Malformed));
    assert_eq!(engine.sign("", b"x").unwrap_err().kind(), ErrorKind::InvalidInput);
    let large = engine.sign("large", &vec![7; 1 << 20]).unwrap();
    assert_eq!(engine.unsign("large", &large, MINUTE).unwrap().payload.len(), 1 << 20);
    assert_eq!(
        engine.sign("large", &vec![7; (1 << 20) + 1]).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    let session = log_in(&engine, "alice");
    assert_eq!(engine.unsign("x", session.token.as_str(), MINUTE), Err(Reason::WrongKind));
}

#[test]
fn a_signed_payload_that_is_not_the_json_asked_for_is_an_error_and_a_bad_text_is_none() {
    let (engine, clock) = engine();
    let text = engine.sign_json("form", &serde_json::json!({ "page": 7 })).unwrap();
    let read = |text: &str| engine.unsign_json::<serde_json::Value>("form", text, MINUTE);
    assert_eq!(read(&text).unwrap().unwrap()["page"], 7);
    let other = engine.unsign_json::<Vec<u8>>("form", &text, MINUTE).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::InvalidInput);
    assert!(other.message().contains("not of the type"), "{other}");
    let raw = engine.sign("form", b"secret, no json").unwrap();
    let error = read(&raw).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("not JSON"), "{error}");
    assert!(!format!("{error:?} {error}").contains("secret"));
    assert_eq!(read("x").unwrap(), Err(Reason::Malformed));
    let foreign = engine.sign_json("other", &7).unwrap();
    assert_eq!(read(&foreign).unwrap(), Err(Reason::BadSignature));
    let keyed = std::collections::BTreeMap::from([(vec![1], 2)]);
    assert_eq!(engine.sign_json("form", &keyed).unwrap_err().kind(), ErrorKind::InvalidInput);
    clock.advance(MINUTE);
    assert_eq!(read(&text).unwrap(), Err(Reason::Expired));
}
