//! Access tokens: what they say, and that nothing outlives a revoke.

use std::sync::Arc;
use std::time::Duration;

use sessile::jwt::{
    Algorithm, AlgorithmName, Claims, Jwks, JwtKind, Profile, Signer, SigningKey, verify,
};
use sessile::store::MemoryStore;
use sessile::testing::{FaultStore, ManualClock};
use sessile::{
    AccessOptions, AccessTokens, Authentication, Clock, Config, CreateOptions, Engine, ErrorKind,
    Handle, Issued, Lifetimes, Reason, Refresh, RefreshGrant, RefreshRequest,
};
use sessile_tests::fixture::{MINUTE, engine, engine_with, log_in, reason, secret};

const ISSUER: &str = "https://issuer.example";
const API: &str = "https://api.example";

fn signing(algorithm: Algorithm) -> (Engine, ManualClock) {
    engine_with(|config| config.access_tokens(AccessTokens::new(ISSUER, API).algorithm(algorithm)))
}

fn access_of(engine: &Engine, issued: &Issued) -> String {
    engine.issue_access(issued.session.handle(), &AccessOptions::new()).unwrap().token
}

fn why(engine: &Engine, token: &str) -> Option<Reason> {
    engine.verify_access(token).unwrap().reason()
}

#[test]
fn an_access_token_says_whose_session_it_is_of_in_every_algorithm() {
    for algorithm in [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256] {
        let (engine, clock) = signing(algorithm);
        let issued = log_in(&engine, "alice");
        let options = AccessOptions::new().client("app").scopes(["read", "write"]).claim("org", 7);
        let access = engine.issue_access(issued.session.handle(), &options).unwrap();
        for _ in 0..2 {
            let verdict = engine.verify_access(&access.token).unwrap();
            let claims = verdict.claims().unwrap();
            assert_eq!(claims.iss.as_deref(), Some(ISSUER));
            assert_eq!(claims.sub.as_deref(), Some("alice"));
            assert_eq!(claims.aud.as_deref(), Some(&[API.to_owned()][..]));
            assert_eq!(claims.sid, Some(issued.session.handle().to_string()));
            assert_eq!(claims.auth_time, Some(clock.now().as_secs()));
            assert_eq!(claims.extra["client_id"], "app");
            assert_eq!(claims.extra["scope"], "read write");
            assert_eq!(claims.extra["org"], 7);
        }
        let left = access.deadline.since(clock.now());
        assert!(left <= 5 * MINUTE && left >= Duration::from_secs(284), "{left:?}");
    }
}

#[test]
fn other_libraries_find_the_keys_in_the_published_set() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let (engine, clock) = signing(algorithm);
        let issued = log_in(&engine, "alice");
        let old = access_of(&engine, &issued);
        engine.rotate_key().unwrap();
        let new = access_of(&engine, &issued);
        let keys = Jwks::parse(&engine.jwks()).unwrap();
        let profile = Profile::new(JwtKind::Access, ISSUER, API).unwrap();
        for token in [&old, &new] {
            let claims = verify(token.as_bytes(), &keys, &profile, clock.now()).unwrap();
            assert_eq!(claims.sub.as_deref(), Some("alice"));
            assert_eq!(why(&engine, token), None);
        }
        engine.retire_key(0).unwrap();
        assert_eq!(why(&engine, &old), Some(Reason::UnknownKey), "seen before, and retired");
        assert_eq!(why(&engine, &new), None);
        assert_eq!(Jwks::parse(&engine.jwks()).unwrap().keys().len(), 1);
    }
    let (engine, _) = signing(Algorithm::Hs256);
    assert_eq!(engine.jwks(), r#"{"keys":[]}"#, "a secret is never published");
}

#[test]
fn an_access_token_ends_with_whatever_ends_its_session() {
    type End = fn(&Engine, &Handle);
    let ends: [(End, Reason); 5] = [
        (|e, h| assert!(e.revoke(h).unwrap()), Reason::RevokedSession),
        (|e, _| e.revoke_subject("alice", None).unwrap(), Reason::RevokedSubject),
        (|e, _| e.suspend("alice", None).unwrap(), Reason::Suspended),
        (|e, _| e.revoke_all().unwrap(), Reason::RevokedAll),
        (|e, _| assert!(e.bump_claims("alice").unwrap() > 0), Reason::StaleClaims),
    ];
    for (end, expected) in ends {
        let (engine, _) = signing(Algorithm::EdDsa);
        let issued = log_in(&engine, "alice");
        let access = access_of(&engine, &issued);
        assert_eq!(why(&engine, &access), None, "and seen");
        end(&engine, issued.session.handle());
        assert_eq!(why(&engine, &access), Some(expected));
    }
}

#[test]
fn after_a_change_of_claims_the_session_gets_a_new_token() {
    let (engine, _) = signing(Algorithm::EdDsa);
    let issued = log_in(&engine, "alice");
    let old = access_of(&engine, &issued);
    engine.bump_claims("alice").unwrap();
    assert_eq!(reason(&engine, issued.token.as_str()), None, "the identity stands");
    let new = access_of(&engine, &issued);
    assert_eq!(why(&engine, &new), None);
    assert_eq!(why(&engine, &old), Some(Reason::StaleClaims));
}

#[test]
fn an_access_token_ends_at_its_time_also_when_it_was_seen_before() {
    let (engine, clock) = signing(Algorithm::EdDsa);
    let issued = log_in(&engine, "alice");
    let options = AccessOptions::new().lifetime(MINUTE);
    let access = engine.issue_access(issued.session.handle(), &options).unwrap();
    assert_eq!(why(&engine, &access.token), None);
    clock.advance(access.deadline.since(clock.now()) - Duration::from_millis(1));
    assert_eq!(why(&engine, &access.token), None);
    clock.advance(Duration::from_millis(1));
    assert_eq!(why(&engine, &access.token), Some(Reason::Expired));
    assert_eq!(reason(&engine, issued.token.as_str()), None);
}

#[test]
fn use_of_access_tokens_keeps_the_session_alive() {
    let (engine, clock) = signing(Algorithm::EdDsa);
    let issued = log_in(&engine, "alice");
    for _ in 0..10 {
        let access = access_of(&engine, &issued);
        clock.advance(4 * MINUTE);
        assert_eq!(why(&engine, &access), None);
        engine.tick().unwrap();
    }
    let access = access_of(&engine, &issued);
    clock.advance(30 * MINUTE);
    assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::IdleExpired));
    assert!(why(&engine, &access).is_some());
}

#[test]
fn a_token_that_is_denied_or_stale_keeps_no_session_alive() {
    for end in [
        |engine: &Engine, token: &str| assert!(engine.deny_access(token).unwrap()),
        |engine: &Engine, _: &str| assert!(engine.bump_claims("alice").unwrap() > 0),
    ] {
        let (engine, clock) = signing(Algorithm::EdDsa);
        let options = CreateOptions::for_subject("alice").unwrap();
        let lifetimes = Lifetimes { idle_timeout: MINUTE, absolute_lifetime: 60 * MINUTE };
        let issued = engine.create(options.lifetimes(lifetimes)).unwrap();
        let access = access_of(&engine, &issued);
        end(&engine, &access);
        for _ in 0..3 {
            clock.advance(MINUTE / 4);
            assert!(why(&engine, &access).is_some());
            let at_once = engine.verify_access_at_once(&access).unwrap();
            assert!(at_once.is_none_or(|verdict| verdict.reason().is_some()));
            engine.tick().unwrap();
        }
        clock.advance(MINUTE / 4);
        assert_eq!(reason(&engine, issued.token.as_str()), Some(Reason::IdleExpired));
    }
}

/// Another issuer: its signer, and what verifies its tokens.
fn elsewhere() -> (Signer, Jwks, Profile) {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = Jwks::new(vec![key.verifying_key().clone()]).unwrap();
    let profile = Profile::new(JwtKind::Access, "https://other.example", API).unwrap();
    (Signer::new(key, AlgorithmName::Registered), keys, profile)
}

fn foreign_token(signer: &Signer, sub: &str, iat: u64) -> String {
    let claims = Claims {
        iss: Some("https://other.example".into()),
        sub: Some(sub.into()),
        aud: Some(vec![API.into()]),
        exp: Some(iat + 3600),
        iat: Some(iat),
        jti: Some("1".into()),
        ..Claims::default()
    };
    signer.sign(JwtKind::Access, &claims).unwrap()
}

#[test]
fn tokens_of_other_issuers_end_by_the_time_of_the_revoke() {
    type End = fn(&Engine);
    let ends: [(End, Reason); 2] = [
        (|e| e.revoke_subject("alice", None).unwrap(), Reason::RevokedSubject),
        (|e| e.revoke_all().unwrap(), Reason::RevokedAll),
    ];
    for (end, expected) in ends {
        let (engine, clock) = engine();
        let (signer, keys, profile) = elsewhere();
        let why =
            |token: &str| engine.verify_foreign_access(token, &keys, &profile).unwrap().reason();
        let now = || clock.now().as_secs();
        let (old, other) =
            (foreign_token(&signer, "alice", now()), foreign_token(&signer, "bob", now()));
        assert_eq!([why(&old), why(&other)], [None, None]);
        end(&engine);
        assert_eq!(why(&old), Some(expected), "of the same second");
        assert_eq!(why(&other).is_none(), expected == Reason::RevokedSubject);
        clock.advance(Duration::from_secs(1));
        let new = foreign_token(&signer, "alice", now());
        assert_eq!([why(&old), why(&new)], [Some(expected), None]);
        engine.suspend("alice", Some(clock.now().plus(MINUTE))).unwrap();
        assert_eq!(why(&new), Some(Reason::Suspended));
        clock.advance(MINUTE);
        assert_eq!([why(&old), why(&new)], [Some(expected), None]);
        assert_eq!(why(&new[1..]), Some(Reason::Malformed));
    }
}

#[test]
fn introspection_is_no_use_of_an_api_key() {
    let (engine, clock) = engine();
    let key = sessile::ApiKeyOptions::new("alice", "deploy").unwrap();
    let key = engine.create_api_key(&key).unwrap();
    let uses = || match engine.verify_api_key(key.token.as_str()).unwrap() {
        sessile::ApiKeyVerdict::Valid { uses_this_minute, .. } => uses_this_minute,
        sessile::ApiKeyVerdict::Rejected(reason) => panic!("{reason}"),
    };
    let last_used = || engine.list_api_keys("alice").unwrap()[0].last_used;
    for _ in 0..3 {
        assert!(is_active(&engine, key.token.as_str()));
        engine.tick().unwrap();
    }
    assert_eq!(last_used(), None);
    assert_eq!(uses(), 1);
    let first = last_used();
    assert_eq!(first, Some(clock.now()));
    clock.advance(2 * MINUTE);
    assert!(is_active(&engine, key.token.as_str()));
    engine.tick().unwrap();
    assert_eq!(last_used(), first);
    assert_eq!(uses(), 1);
}

#[test]
fn one_token_is_denied_and_the_note_of_it_does_not_stay() {
    let (engine, clock) = signing(Algorithm::Es256);
    let issued = log_in(&engine, "alice");
    let (denied, other) = (access_of(&engine, &issued), access_of(&engine, &issued));
    assert_eq!([why(&engine, &denied), why(&engine, &other)], [None, None]);
    assert!(engine.deny_access(&denied).unwrap());
    assert!(!engine.deny_access(&denied).unwrap());
    assert_eq!(why(&engine, &denied), Some(Reason::Denied));
    assert_eq!(why(&engine, &other), None);
    // The same token with its other good signature, which anybody can compute, is no other token.
    engine.rotate(issued.session.handle()).unwrap();
    assert_eq!(why(&engine, &denied), Some(Reason::Denied), "nor does a rotation forget it");
    for _ in 0..40 {
        for _ in 0..20 {
            let handle = engine.list("alice").unwrap()[0].handle;
            let access = engine.issue_access(&handle, &AccessOptions::new()).unwrap();
            assert_eq!(why(&engine, &access.token), None);
            assert!(engine.deny_access(&access.token).unwrap(), "800 in all, 256 at a time");
        }
        clock.advance(MINUTE);
    }
}

#[test]
fn access_tokens_live_on_when_their_session_is_rotated() {
    let (engine, clock) = signing(Algorithm::EdDsa);
    let issued = log_in(&engine, "alice");
    let access = access_of(&engine, &issued);
    let rotated = engine.rotate(issued.session.handle()).unwrap();
    assert_eq!(why(&engine, &access), None);
    clock.advance(MINUTE);
    assert_eq!(why(&engine, &access), None, "beyond the grace, too");
    engine.revoke(rotated.session.handle()).unwrap();
    assert_eq!(why(&engine, &access), Some(Reason::RevokedSession));
    let gone = engine.issue_access(issued.session.handle(), &AccessOptions::new()).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::SessionGone);
}

#[test]
fn a_refresh_brings_an_access_token_whose_use_confirms_it() {
    let (engine, clock) = signing(Algorithm::EdDsa);
    let grant = RefreshGrant::new().client("app").scopes(["read"]);
    let options = CreateOptions::for_subject("alice").unwrap().refreshable(grant);
    let first = engine.create(options).unwrap().refresh_token.unwrap();
    let request = RefreshRequest::new().client("app");
    let Refresh::Rotated(second) = engine.refresh(first.as_str(), &request).unwrap() else {
        panic!("not rotated")
    };
    let access = second.access.unwrap();
    clock.advance(MINUTE);
    let again = engine.refresh(first.as_str(), &request).unwrap();
    assert!(matches!(again, Refresh::Replayed(_)), "nobody knows that the answer arrived");
    let verdict = engine.verify_access(&access.token).unwrap();
    assert_eq!(verdict.claims().unwrap().extra["scope"], "read");
    let again = engine.refresh(first.as_str(), &request).unwrap();
    assert_eq!(again.reason(), Some(Reason::Reused), "now it is known");
    assert_eq!(why(&engine, &access.token), Some(Reason::Reused));
}

#[test]
fn a_token_seen_before_costs_no_store_read() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let config = Config::with_store(store.clone()).no_threads();
    let engine = Engine::open_with(config.access_tokens(AccessTokens::new(ISSUER, API))).unwrap();
    let issued = log_in(&engine, "alice");
    let access = access_of(&engine, &issued);
    assert_eq!(why(&engine, &access), None);
    let before = store.counts();
    assert_eq!(why(&engine, &access), None);
    let mut forged = access.clone();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    assert_eq!(why(&engine, &forged), Some(Reason::BadSignature));
    for garbage in ["", "a.b.c", "x", issued.token.as_str(), &"A".repeat(9000)] {
        assert!(why(&engine, garbage).is_some());
    }
    assert_eq!(store.counts(), before);
}

#[test]
fn what_cannot_be_configured_or_minted_is_refused() {
    let (engine, _) = engine();
    let issued = log_in(&engine, "alice");
    let refused = engine.issue_access(issued.session.handle(), &AccessOptions::new()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
    assert_eq!(engine.verify_access("x").unwrap_err().kind(), ErrorKind::InvalidConfig);
    let open = |access: AccessTokens| {
        let config = Config::with_store(Arc::new(MemoryStore::new())).no_threads();
        Engine::open_with(config.access_tokens(access))
    };
    let of = || AccessTokens::new(ISSUER, API);
    for access in [
        AccessTokens::new("", API),
        AccessTokens::new(ISSUER, ""),
        of().algorithm(Algorithm::Rs256),
        of().lifetime(Duration::from_secs(3601)),
    ] {
        assert_eq!(open(access).unwrap_err().kind(), ErrorKind::InvalidConfig);
    }
    let engine = open(of()).unwrap();
    let visit = engine.create(CreateOptions::anonymous()).unwrap();
    let issued = log_in(&engine, "alice");
    let refused = |handle: &Handle, options: &AccessOptions| {
        engine.issue_access(handle, options).unwrap_err().kind()
    };
    let options = AccessOptions::new;
    assert_eq!(refused(visit.session.handle(), &options()), ErrorKind::InvalidInput);
    let handle = issued.session.handle();
    assert_eq!(refused(handle, &options().claim("sub", "mallory")), ErrorKind::InvalidInput);
    assert_eq!(refused(handle, &options().claim("gen", 7)), ErrorKind::InvalidInput);
    assert_eq!(refused(handle, &options().claim("x", "y".repeat(9000))), ErrorKind::TooLarge);
}

#[test]
fn the_keys_of_access_tokens_outlive_the_engine() {
    let store = Arc::new(MemoryStore::new());
    let clock = ManualClock::default();
    let open = |is_signing: bool| {
        let config = Config::with_store(store.clone()).master_secret(secret()).no_threads();
        let config = config.clock(clock.clone());
        Engine::open_with(match is_signing {
            true => config.access_tokens(AccessTokens::new(ISSUER, API)),
            false => config,
        })
        .unwrap()
    };
    let issued = log_in(&open(false), "alice");
    let access = access_of(&open(true), &issued);
    assert_eq!(why(&open(true), &access), None);
    // A key from elsewhere signs once it is activated.
    let engine = open(true);
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let id = engine.import_key(&key).unwrap();
    assert!(engine.jwks().contains(key.kid()), "published ahead");
    engine.activate_key(id).unwrap();
    let new = access_of(&engine, &issued);
    let engine = open(true);
    assert_eq!([why(&engine, &access), why(&engine, &new)], [None, None]);
}

#[test]
fn a_session_that_was_proved_again_says_so_in_its_tokens() {
    let (engine, clock) = signing(Algorithm::EdDsa);
    let issued = log_in(&engine, "alice");
    clock.advance(10 * MINUTE);
    let again = engine.reauthenticate(issued.session.handle(), Authentication::default()).unwrap();
    let access = access_of(&engine, &again);
    let verdict = engine.verify_access(&access).unwrap();
    assert_eq!(verdict.claims().unwrap().auth_time, Some(clock.now().as_secs()));
}

fn is_active(engine: &Engine, token: &str) -> bool {
    let answer: serde_json::Value =
        serde_json::from_str(&engine.introspect(token).unwrap()).unwrap();
    let is_active = answer["active"] == true;
    assert!(is_active || answer == serde_json::json!({ "active": false }), "{answer}");
    is_active
}

#[test]
fn introspection_tells_of_what_is_good_and_nothing_of_the_rest() {
    let (engine, clock) = signing(Algorithm::EdDsa);
    let grant = RefreshGrant::new().client("app").scopes(["read"]);
    let options = CreateOptions::for_subject("alice").unwrap().refreshable(grant);
    let issued = engine.create(options).unwrap();
    let key = sessile::ApiKeyOptions::new("alice", "deploy").unwrap();
    let key = engine.create_api_key(&key).unwrap();
    let tokens = [
        issued.token.as_str().to_owned(),
        issued.refresh_token.as_ref().unwrap().as_str().to_owned(),
        access_of(&engine, &issued),
        key.token.as_str().to_owned(),
    ];
    for token in &tokens {
        assert!(is_active(&engine, token));
        let answer = engine.introspect(token).unwrap();
        assert!(answer.contains(r#""sub":"alice""#), "{answer}");
        assert!(!is_active(&engine, &token[1..]));
    }
    let refresh: serde_json::Value =
        serde_json::from_str(&engine.introspect(&tokens[1]).unwrap()).unwrap();
    assert_eq!((&refresh["client_id"], &refresh["scope"]), (&"app".into(), &"read".into()));
    assert!(!is_active(&engine, ""));
    clock.advance(20 * MINUTE);
    assert_eq!(tokens.each_ref().map(|token| is_active(&engine, token)), [true, true, false, true]);
    engine.suspend("alice", None).unwrap();
    assert_eq!(tokens.each_ref().map(|token| is_active(&engine, token)), [false; 4]);
}

#[test]
fn whatever_a_client_presents_is_revoked_and_nothing_tells_what_it_was() {
    let (engine, _) = signing(Algorithm::EdDsa);
    let log_in = || {
        let options = CreateOptions::for_subject("alice").unwrap();
        engine.create(options.refreshable(RefreshGrant::new())).unwrap()
    };
    let (a, b, c) = (log_in(), log_in(), log_in());
    let key = sessile::ApiKeyOptions::new("alice", "deploy").unwrap();
    let key = engine.create_api_key(&key).unwrap();
    let refresh = b.refresh_token.as_ref().unwrap().as_str();
    let access = access_of(&engine, &c);
    for token in [a.token.as_str(), refresh, &access, key.token.as_str(), "", "no.token.at-all"] {
        for _ in 0..2 {
            engine.revoke_presented(token).unwrap();
        }
        assert!(!is_active(&engine, token));
    }
    assert_eq!(reason(&engine, b.token.as_str()), Some(Reason::RevokedSession), "the family");
    assert_eq!(reason(&engine, c.token.as_str()), None, "an access token alone");
    assert_eq!(engine.count("alice").unwrap(), 1);
}
