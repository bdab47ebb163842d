//! The JWT verifier beside another library's, which has no code in common with ours: what we
//! take, that one takes too. We may be stricter, never laxer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{DecodingKey, Validation, decode};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use sessile::Timestamp;
use sessile::jwt::{
    Algorithm, AlgorithmName, Claims, Jwks, JwtKind, Profile, Signer, SigningKey, verify,
};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api";
const SECRET: &[u8; 32] = b"k7:Qz0e_48w1!f5XaW9&6bC2d#T@y*uR";

/// One key, as both libraries hold it.
struct Pair {
    signer: Signer,
    keys: Jwks,
    theirs: DecodingKey,
    algorithm: jsonwebtoken::Algorithm,
}

impl Pair {
    fn of(algorithm: Algorithm) -> Self {
        let (key, theirs) = match algorithm {
            Algorithm::Hs256 => {
                (SigningKey::from_secret(SECRET).unwrap(), DecodingKey::from_secret(SECRET))
            }
            _ => {
                let key = SigningKey::generate(algorithm).unwrap();
                let jwk = key.verifying_key().to_jwk().unwrap();
                let jwk = serde_json::from_str(&jwk).unwrap();
                (key, DecodingKey::from_jwk(&jwk).unwrap())
            }
        };
        let keys = Jwks::new(vec![key.verifying_key().clone()]).unwrap();
        let signer = Signer::new(key, AlgorithmName::Registered);
        Pair { signer, keys, theirs, algorithm: algorithm.name().parse().unwrap() }
    }

    /// What we say; the claims of a token that is taken.
    fn ours(&self, token: &[u8], kind: JwtKind) -> Result<Claims, sessile::Reason> {
        let profile = Profile::new(kind, ISSUER, AUDIENCE).unwrap().leeway(LEEWAY).unwrap();
        verify(token, &self.keys, &profile, Timestamp::from_millis(now_s() * 1000))
    }

    fn theirs(&self, token: &[u8]) -> Option<Map<String, Value>> {
        let mut validation = Validation::new(self.algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        // A second more than ours, so that a tick of the clock between the two is no difference.
        validation.leeway = LEEWAY.as_secs() + 1;
        decode::<Map<String, Value>>(token, &self.theirs, &validation).ok().map(|data| data.claims)
    }

    /// Says whether we took the token, having made sure that they do if we do.
    fn compare(&self, token: &[u8], kind: JwtKind) -> bool {
        let Ok(ours) = self.ours(token, kind) else { return false };
        let Some(theirs) = self.theirs(token) else {
            panic!("we alone take {}", String::from_utf8_lossy(token));
        };
        let ours = serde_json::to_value(&ours).unwrap();
        for (name, value) in ours.as_object().unwrap() {
            // One audience may be written with and without an array.
            let is_audience = name == "aud" && theirs[name] == json!([value]);
            assert!(theirs[name] == *value || is_audience, "{name}: {value} {}", theirs[name]);
        }
        assert_eq!(ours.as_object().unwrap().len(), theirs.len());
        true
    }
}

const LEEWAY: Duration = Duration::from_secs(5);

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Claims {
    Claims {
        iss: Some(ISSUER.into()),
        aud: Some(vec![AUDIENCE.into()]),
        sub: Some("alice".into()),
        jti: Some("j-1".into()),
        iat: Some(now_s() - 10),
        exp: Some(now_s() + 3600),
        ..Claims::default()
    }
}

fn pairs() -> [Pair; 3] {
    [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256].map(Pair::of)
}

/// A runner that says its seed with every failure, by the input that it shrank to.
fn run<S: Strategy>(cases: u32, strategy: S, check: impl Fn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&strategy, |value| {
        check(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn what_we_sign_they_take_and_read_alike() {
    let pairs = pairs();
    let extra = prop::collection::btree_map("x.{0,6}", any::<i64>().prop_map(Value::from), 0..4);
    run(64, (".{1,20}", extra, any::<u32>()), |(sub, extra, seq)| {
        for pair in &pairs {
            let mut claims = claims();
            claims.sub = Some(sub.clone());
            claims.seq = Some(seq.into());
            claims.extra = extra.clone().into_iter().collect();
            let token = pair.signer.sign(JwtKind::Access, &claims).unwrap();
            assert!(pair.compare(token.as_bytes(), JwtKind::Access), "we take it");
        }
    });
}

/// Bytes of a good token replaced, taken out, put in, exchanged.
#[test]
fn no_mutation_of_a_token_is_taken_by_us_alone() {
    let pairs = pairs();
    let tokens: Vec<_> = pairs
        .iter()
        .map(|pair| pair.signer.sign(JwtKind::Access, &claims()).unwrap().into_bytes())
        .collect();
    let edit = (0..5u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>());
    run(60_000, (0..3usize, prop::collection::vec(edit, 1..4)), |(which, edits)| {
        let mut token = tokens[which].clone();
        for (kind, at, other, byte) in edits {
            if token.is_empty() {
                break;
            }
            let (at, other) = (at.index(token.len()), other.index(token.len()));
            match kind {
                0 => token[at] = byte,
                1 => drop(token.remove(at)),
                2 => token.insert(at, byte),
                3 => token.swap(at, other),
                _ => token[at] = b"ABab01-_.="[usize::from(byte) % 10],
            }
        }
        let is_same = tokens.contains(&token);
        let taken = pairs[which].compare(&token, JwtKind::Access);
        assert!(!taken || is_same, "a changed token was taken");
    });
}

/// Headers and claims of any kind, signed as they should be by code of the other library.
#[test]
fn no_header_or_claims_are_taken_by_us_alone() {
    let odd = prop_oneof![
        4 => Just(None),
        1 => prop_oneof![
            Just(json!(null)), Just(json!(1)), Just(json!(-1)), Just(json!(1.5)),
            Just(json!("x")), Just(json!("")), Just(json!([])), Just(json!({})),
            Just(json!(["api"])), Just(json!(true)), Just(json!(1e300)), Just(json!("JWT")),
            Just(json!("none")), Just(json!("at+jwt")), Just(json!(u64::MAX)),
        ].prop_map(Some),
    ];
    let header_name = prop::sample::select(vec![
        "alg", "typ", "kid", "cty", "crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "x5t", "enc",
        "other", "x5t#S256",
    ]);
    let claim_name = prop::sample::select(vec![
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "sid",
        "auth_time",
        "seq",
        "ver",
        "other",
    ]);
    let headers = prop::collection::vec((header_name, odd.clone()), 0..3);
    let changes = prop::collection::vec((claim_name, odd), 0..3);
    let times = (-20_i64..20, -20_i64..20);
    let signing = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let pair = Pair::of(Algorithm::Hs256);
    let taken = std::cell::Cell::new(0_u32);
    run(30_000, (headers, changes, times), |(headers, changes, (exp, nbf))| {
        let mut header = json!({"alg": "HS256", "typ": "at+jwt"});
        let mut payload = serde_json::to_value(claims()).unwrap();
        payload["exp"] = json!(now_s() as i64 + exp);
        payload["nbf"] = json!(now_s() as i64 + nbf);
        for (target, changes) in [(&mut header, headers), (&mut payload, changes)] {
            for (name, value) in changes {
                if let Some(value) = value {
                    target[name] = value;
                }
            }
        }
        let text = |value: &Value| BASE64URL.encode(value.to_string().as_bytes());
        let message = format!("{}.{}", text(&header), text(&payload));
        let algorithm = jsonwebtoken::Algorithm::HS256;
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &signing, algorithm).unwrap();
        let token = format!("{message}.{signature}");
        for kind in [JwtKind::Access, JwtKind::Plain] {
            taken.set(taken.get() + u32::from(pair.compare(token.as_bytes(), kind)));
        }
    });
    assert!(taken.get() > 1_500, "only {} were taken: the test asks for too much", taken.get());
}

/// The alphabet once more, so that nothing of ours makes the tokens.
struct Base64Url;

const BASE64URL: Base64Url = Base64Url;

impl Base64Url {
    fn encode(&self, bytes: &[u8]) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - chunk.len()));
            for i in 0..=chunk.len() {
                text.push(char::from(alphabet[(bits >> (18 - 6 * i)) as usize & 63]));
            }
        }
        text
    }
}
