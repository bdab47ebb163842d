//! How long does an access token take: to issue, to verify at first sight, and after that?

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use ring::{hmac, signature};
use sessile::jwt::{Algorithm, AlgorithmName, Jwks, JwtKind, OwnKeys, Profile, Signer, SigningKey};
use sessile::{AccessOptions, AccessTokens, Clock, Config, Engine, SystemClock, Timestamp};

use crate::crowd::{self, Crowd, Turn, quiet};
use crate::heap;
use crate::libjwt;
use crate::rounds::{alternate, ns_each};
use crate::scale::{Scale, short};
use crate::table::{Goal, Table, Unit};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://api.example";
const SECRET: &[u8; 32] = b"k7:Qz0e_48w1!f5XaW9&6bC2d#T@y*uR";

/// Measures every way of an access token, for criterion.
pub fn bench(c: &mut Criterion, scale: Scale) {
    let desk = Desk::open(Algorithm::Hs256, scale);
    let floor = Floor::of(&desk.tokens);
    let own = Own::new();
    let peer = Peer::new();
    let mut turn = Turn::of(desk.tokens.len());
    let mut group = c.benchmark_group("access/first sight HS256");
    group.bench_function("floor: ring HMAC", |b| b.iter(|| floor.verify(turn.next_place())));
    group.bench_function("sessile, the verifier alone", |b| {
        b.iter(|| own.verify(&desk.tokens[turn.next_place()]))
    });
    group.bench_function("sessile, with its session", |b| {
        let fresh = || desk.issue(turn.next_place());
        b.iter_batched(fresh, |token| desk.verify(&token), BatchSize::LargeInput)
    });
    group.bench_function("peer: jsonwebtoken", |b| {
        b.iter(|| peer.decode(&desk.tokens[turn.next_place()]))
    });
    group.finish();
    let mut group = c.benchmark_group("access/issue HS256");
    group.bench_function("floor: ring HMAC", |b| b.iter(|| floor.sign(turn.next_place())));
    group.bench_function("sessile", |b| b.iter(|| desk.issue(turn.next_place())));
    group.finish();
    let mut group = c.benchmark_group("access/seen before");
    for algorithm in [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256] {
        let desk = Desk::open(algorithm, scale);
        (0..desk.tokens.len()).for_each(|i| desk.verify(&desk.tokens[i]));
        let name = format!("sessile, {}", algorithm.name());
        group.bench_function(name, |b| b.iter(|| desk.verify(&desk.tokens[turn.next_place()])));
    }
    group.finish();
    let mut group = c.benchmark_group("access/forged HS256");
    let forged = forge(&desk.tokens);
    group.bench_function("floor: ring HMAC", |b| b.iter(|| floor.verify(turn.next_place())));
    group.bench_function("sessile", |b| b.iter(|| desk.reject(&forged[turn.next_place()])));
    group.finish();
}

/// Adds the rows of this question.
pub fn report(table: &mut Table, scale: Scale) {
    let desk = Desk::open(Algorithm::Hs256, scale);
    first_sight(table, scale, &desk);
    seen_before(table, scale);
    forged(table, scale, &desk);
    issued(table, scale, &desk);
}

/// An engine that issues access tokens, its sessions, and a token of each.
struct Desk {
    engine: Engine,
    crowd: Crowd,
    tokens: Vec<String>,
}

impl Desk {
    fn open(algorithm: Algorithm, scale: Scale) -> Self {
        let access = AccessTokens::new(ISSUER, AUDIENCE).algorithm(algorithm);
        let access = access.lifetime(Duration::from_secs(3600));
        let config = quiet(Config::with_store(crowd::memory_store())).access_tokens(access);
        let engine = Engine::open_with(config).unwrap();
        let key = signing_key(algorithm);
        let id = engine.import_key(&key).unwrap();
        engine.activate_key(id).unwrap();
        let crowd = Crowd::log_in(&engine, "user", scale.hot);
        for text in crowd.texts.iter() {
            assert!(engine.verify(text).unwrap().is_valid());
        }
        let mut desk = Desk { engine, crowd, tokens: Vec::new() };
        desk.tokens = (0..scale.hot).map(|i| desk.issue(i)).collect();
        desk
    }

    fn issue(&self, i: usize) -> String {
        let handle = &self.crowd.handles[i];
        self.engine.issue_access(black_box(handle), &AccessOptions::new()).unwrap().token
    }

    #[inline]
    fn verify(&self, token: &str) {
        let verdict = self.engine.verify_access(black_box(token)).unwrap();
        assert!(black_box(&verdict).reason().is_none());
    }

    #[inline]
    fn reject(&self, token: &str) {
        let verdict = self.engine.verify_access(black_box(token)).unwrap();
        assert!(black_box(&verdict).reason().is_some());
    }

    /// Nanoseconds of the first verification of each of `count` tokens made for this.
    fn first_sight(&self, count: usize, turn: &mut Turn) -> f64 {
        let fresh: Vec<String> = (0..count).map(|_| self.issue(turn.next_place())).collect();
        let started = Instant::now();
        fresh.iter().for_each(|token| self.verify(token));
        started.elapsed().as_nanos() as f64 / count as f64
    }
}

fn signing_key(algorithm: Algorithm) -> SigningKey {
    match algorithm {
        Algorithm::Hs256 => SigningKey::from_secret(SECRET).unwrap(),
        other => SigningKey::generate(other).unwrap(),
    }
}

/// Floor: one HMAC-SHA-256 by ring over what the tokens sign.
struct Floor {
    key: hmac::Key,
    messages: Vec<(String, hmac::Tag)>,
}

impl Floor {
    fn of(tokens: &[String]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        let message = |token: &String| {
            let signed = token.rsplit_once('.').unwrap().0.to_owned();
            let tag = hmac::sign(&key, signed.as_bytes());
            (signed, tag)
        };
        let messages = tokens.iter().map(message).collect();
        Floor { key, messages }
    }

    #[inline]
    fn verify(&self, i: usize) {
        let (message, tag) = black_box(&self.messages[i]);
        assert!(hmac::verify(&self.key, message.as_bytes(), tag.as_ref()).is_ok());
    }

    #[inline]
    fn sign(&self, i: usize) -> hmac::Tag {
        hmac::sign(&self.key, black_box(self.messages[i].0.as_bytes()))
    }
}

/// The verifier alone: without engine, session and caches.
struct Own {
    keys: OwnKeys,
    profile: Profile,
    signer: Signer,
    now: Timestamp,
}

impl Own {
    fn new() -> Self {
        let signer = Signer::new(signing_key(Algorithm::Hs256), AlgorithmName::default());
        let keys = OwnKeys::default().with(&signer);
        let profile = Profile::new(JwtKind::Access, ISSUER, AUDIENCE).unwrap();
        Own { keys, profile, signer, now: SystemClock.now().plus_millis(1_000) }
    }

    #[inline]
    fn verify(&self, token: &str) {
        let claims = self.keys.verify(black_box(token.as_bytes()), &self.profile, self.now);
        assert!(black_box(&claims).is_ok());
    }
}

/// Peer: the jsonwebtoken crate, with the same checks, into fields that it reads best.
struct Peer {
    key: jsonwebtoken::DecodingKey,
    validation: jsonwebtoken::Validation,
}

#[derive(Debug, serde::Deserialize)]
#[allow(dead_code, reason = "read by the library, as a server would")]
struct PeerClaims {
    iss: String,
    sub: String,
    aud: String,
    jti: String,
    sid: String,
    iat: u64,
    exp: u64,
    auth_time: u64,
    seq: u64,
    ver: u64,
}

impl Peer {
    fn new() -> Self {
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Peer { key: jsonwebtoken::DecodingKey::from_secret(SECRET), validation }
    }

    #[inline]
    fn decode(&self, token: &str) {
        let token = black_box(token);
        let decoded = jsonwebtoken::decode::<PeerClaims>(token, &self.key, &self.validation);
        assert!(black_box(&decoded).is_ok());
    }
}

fn first_sight(table: &mut Table, scale: Scale, desk: &Desk) {
    let (floor, own, peer) = (Floor::of(&desk.tokens), Own::new(), Peer::new());
    let (mut a, mut b) = (Turn::of(scale.hot), Turn::of(scale.hot));
    let calls = scale.calls / 4;
    let len = desk.tokens[0].len();
    let what = format!("access token HS256 of {len} characters, first sight");
    let compared = alternate(
        scale.rounds,
        || ns_each(calls, || floor.verify(a.next_place())),
        || ns_each(calls, || own.verify(&desk.tokens[b.next_place()])),
    );
    let name = format!("{what}, the verifier alone; floor: ring HMAC");
    table.compared(&name, Unit::Time, compared, Goal::AtMost(2.2));
    let compared = alternate(
        scale.rounds,
        || ns_each(calls, || floor.verify(a.next_place())),
        || desk.first_sight(calls, &mut b),
    );
    let name = format!("{what}, with its session; floor: ring HMAC");
    table.compared(&name, Unit::Time, compared, Goal::None);
    let compared = alternate(
        scale.rounds,
        || ns_each(calls, || peer.decode(&desk.tokens[a.next_place()])),
        || ns_each(calls, || own.verify(&desk.tokens[b.next_place()])),
    );
    let name = format!("{what}, the verifier alone; peer: jsonwebtoken");
    table.compared(&name, Unit::Time, compared, Goal::AtMost(0.333));
    foreign(table, scale, desk, &what);
    let name = format!("{what}, the verifier alone; peer: libjwt, in C");
    let secret = std::str::from_utf8(SECRET).unwrap();
    match libjwt::Libjwt::build(secret) {
        Ok(libjwt) => {
            let compared = alternate(
                scale.rounds,
                || libjwt.ns_each_decode(&desk.tokens[0], calls / 10),
                || ns_each(calls, || own.verify(&desk.tokens[b.next_place()])),
            );
            table.compared(&name, Unit::Time, compared, Goal::None);
        }
        Err(why) => table.skipped(&name, &why),
    }
}

/// The same tokens as those of another issuer, by the general verifier.
fn foreign(table: &mut Table, scale: Scale, desk: &Desk, what: &str) {
    let (floor, own) = (Floor::of(&desk.tokens), Own::new());
    let keys = Jwks::new(vec![own.signer.key().verifying_key().clone()]).unwrap();
    let (mut a, mut b) = (Turn::of(scale.hot), Turn::of(scale.hot));
    let compared = alternate(
        scale.rounds,
        || ns_each(scale.calls / 4, || floor.verify(a.next_place())),
        || {
            ns_each(scale.calls / 4, || {
                let token = black_box(desk.tokens[b.next_place()].as_bytes());
                assert!(sessile::jwt::verify(token, &keys, &own.profile, own.now).is_ok());
            })
        },
    );
    let name = format!("{what}, as of another issuer; floor: ring HMAC");
    table.compared(&name, Unit::Time, compared, Goal::None);
}

fn seen_before(table: &mut Table, scale: Scale) {
    for algorithm in [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256] {
        let desk = Desk::open(algorithm, scale);
        let floor = Floor::of(&desk.tokens);
        (0..scale.hot).for_each(|i| desk.verify(&desk.tokens[i]));
        let (mut a, mut b) = (Turn::of(scale.hot), Turn::of(scale.hot));
        let compared = alternate(
            scale.rounds,
            || ns_each(scale.calls, || floor.verify(a.next_place())),
            || ns_each(scale.calls, || desk.verify(&desk.tokens[b.next_place()])),
        );
        let what = format!("access token {}, seen, {}", algorithm.name(), short(scale.hot));
        let name = format!("{what}; floor: ring HMAC over the same");
        table.compared(&name, Unit::Time, compared, Goal::AtMost(0.7));
        if algorithm == Algorithm::EdDsa {
            let verify = ring_ed25519(&desk.tokens);
            let compared = alternate(
                scale.rounds,
                || ns_each(scale.calls / 200, || verify(a.next_place())),
                || ns_each(scale.calls, || desk.verify(&desk.tokens[b.next_place()])),
            );
            let name = format!("{what}; peer: ring's Ed25519 verify");
            table.compared(&name, Unit::Time, compared, Goal::AtMost(0.005));
        }
        if heap::is_installed() {
            let work = || (0..scale.hot).for_each(|i| desk.verify(&desk.tokens[i]));
            let ((), growth) = heap::growth(work);
            let name = format!("{what}: allocations");
            table.figure(&name, Unit::Bare(""), growth.calls as f64, Goal::AtMost(0.0));
        }
    }
}

/// What ring takes to verify what the tokens sign, under a key of its own.
fn ring_ed25519(tokens: &[String]) -> impl Fn(usize) {
    use ring::signature::KeyPair;
    let pair = signature::Ed25519KeyPair::from_seed_unchecked(SECRET).unwrap();
    let public =
        signature::UnparsedPublicKey::new(&signature::ED25519, pair.public_key().as_ref().to_vec());
    let sign = |token: &String| {
        let signed = token.rsplit_once('.').unwrap().0.to_owned();
        let signature = pair.sign(signed.as_bytes());
        (signed, signature)
    };
    let messages: Vec<_> = tokens.iter().map(sign).collect();
    move |i| {
        let (message, signature) = black_box(&messages[i]);
        assert!(public.verify(message.as_bytes(), signature.as_ref()).is_ok());
    }
}

/// The same tokens with a signature that is wrong in its first character.
fn forge(tokens: &[String]) -> Vec<String> {
    let forge = |token: &String| {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { 'B' } else { 'A' };
        format!("{signed}.{other}{}", &signature[1..])
    };
    tokens.iter().map(forge).collect()
}

fn forged(table: &mut Table, scale: Scale, desk: &Desk) {
    let (floor, forged) = (Floor::of(&desk.tokens), forge(&desk.tokens));
    let (mut a, mut b) = (Turn::of(scale.hot), Turn::of(scale.hot));
    let compared = alternate(
        scale.rounds,
        || ns_each(scale.calls, || floor.verify(a.next_place())),
        || ns_each(scale.calls, || desk.reject(&forged[b.next_place()])),
    );
    let name = "access token HS256, forged; floor: ring HMAC over the same";
    table.compared(name, Unit::Time, compared, Goal::AtMost(1.3));
    if heap::is_installed() {
        let ((), growth) = heap::growth(|| forged.iter().for_each(|token| desk.reject(token)));
        let name = "access token HS256, forged: allocations";
        table.figure(name, Unit::Bare(""), growth.calls as f64, Goal::AtMost(0.0));
    }
}

fn issued(table: &mut Table, scale: Scale, desk: &Desk) {
    let floor = Floor::of(&desk.tokens);
    let (mut a, mut b) = (Turn::of(scale.hot), Turn::of(scale.hot));
    let calls = scale.calls / 4;
    let compared = alternate(
        scale.rounds,
        || ns_each(calls, || _ = black_box(floor.sign(a.next_place()))),
        || ns_each(calls, || drop(black_box(desk.issue(b.next_place())))),
    );
    let name = "access token HS256, issue_access; floor: ring HMAC over the same";
    table.compared(name, Unit::Time, compared, Goal::None);
}
