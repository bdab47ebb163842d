//! Tokens built by hand from whatever header and claims a test wants, signed as they should be:
//! so that a rejection is for the rule under test and not for the signature.

mod corpus;
mod kinds;
mod properties;
mod signatures;
mod times;

use serde_json::{Value, json};

use super::*;
use crate::codec::base64url;
use crate::keys::{Algorithm, Jwks, SigningKey, VerifyingKey};
use crate::time::Timestamp;
use crate::verdict::Reason;

pub(super) const ISSUER: &str = "https://issuer.example";
pub(super) const AUDIENCE: &str = "api";
pub(super) const NOW_S: u64 = 1_700_000_100;
pub(super) const NOW: Timestamp = Timestamp::from_millis(NOW_S * 1000 + 500);

pub(super) fn profile(kind: JwtKind) -> Profile {
    Profile::new(kind, ISSUER, AUDIENCE).unwrap()
}

/// Claims that every kind's profile but for SETs takes, as JSON.
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "jti": "j-1",
        "iat": NOW_S - 100, "nbf": NOW_S - 100, "exp": NOW_S + 200,
    })
}

/// The claims of `kind`.
pub(super) fn claims_of(kind: JwtKind) -> Value {
    let mut claims = claims();
    match kind {
        JwtKind::Logout => {
            claims["events"] = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
        }
        JwtKind::SecurityEvent => {
            let members = claims.as_object_mut().unwrap();
            members.remove("exp");
            members.remove("sub");
            claims["sub_id"] = json!({"format": "opaque", "id": "alice"});
            claims["events"] = json!({
                "https://schemas.openid.net/secevent/caep/event-type/session-revoked":
                    {"event_timestamp": NOW_S}
            });
        }
        JwtKind::Access | JwtKind::Plain => {}
    }
    claims
}

/// Keys of every algorithm that we sign with, named by it.
pub(super) struct Keys {
    pub(super) signing: Vec<SigningKey>,
    pub(super) set: Jwks,
}

impl Keys {
    pub(super) fn new() -> Self {
        let key = |algorithm: &Algorithm| {
            SigningKey::generate(*algorithm).unwrap().with_kid(algorithm.name()).unwrap()
        };
        let signing: Vec<_> = SIGNING.iter().map(key).collect();
        let verifying = signing.iter().map(|key| key.verifying_key().clone()).collect();
        Keys { signing, set: Jwks::new(verifying).unwrap() }
    }

    pub(super) fn of(&self, algorithm: Algorithm) -> &SigningKey {
        self.signing.iter().find(|key| key.algorithm() == algorithm).unwrap()
    }
}

pub(super) const SIGNING: [Algorithm; 3] = [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256];

/// A token of these very bytes.
pub(super) fn token_of(key: &SigningKey, header: &[u8], claims: &[u8]) -> String {
    let signed = [header, claims].map(base64url::encode_string).join(".");
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", base64url::encode_string(signature.as_ref()))
}

pub(super) fn header_of(key: &SigningKey, kind: JwtKind) -> String {
    let (alg, kid) = (key.algorithm(), key.kid());
    format!(r#"{{"alg":"{alg}","typ":"{}","kid":"{kid}"}}"#, kind.typ())
}

/// The claims as a value of our type.
pub(super) fn typed(claims: &Value) -> Claims {
    Claims::parse(claims.to_string().as_bytes(), super::claims::Source::Own).unwrap()
}

#[test]
fn what_a_signer_writes_both_verifiers_take_and_give_back_whole() {
    for algorithm in SIGNING {
        for naming in [AlgorithmName::Registered, AlgorithmName::FullySpecified] {
            let signer = Signer::new(SigningKey::generate(algorithm).unwrap(), naming);
            let own = OwnKeys::default().with(&signer);
            let verifying = signer.key().verifying_key().clone();
            let set = Jwks::new(vec![verifying]).unwrap();
            for kind in [JwtKind::Access, JwtKind::Logout, JwtKind::SecurityEvent] {
                let mut claims = claims_of(kind);
                claims["sid"] = "s-1".into();
                claims["seq"] = 7.into();
                claims["ver"] = 9_007_199_254_740_991_u64.into();
                claims["role"] = json!(["admin", {"of": "\u{fc} \" \\ \u{1f600}"}]);
                let claims = typed(&claims);
                let token = signer.sign(kind, &claims).unwrap();
                let verified = own.verify(token.as_bytes(), &profile(kind), NOW);
                assert_eq!(verified.as_ref(), Ok(&claims), "{algorithm} {kind:?}");
                let foreign = verify(token.as_bytes(), &set, &profile(kind), NOW).unwrap();
                assert_eq!((foreign.seq, foreign.ver), (None, None), "they are not ours to read");
                assert_eq!((&foreign.extra["seq"], &foreign.sid), (&json!(7), &claims.sid));
                assert_eq!(foreign.extra["role"], claims.extra["role"]);
            }
        }
    }
}

#[test]
fn no_token_is_signed_that_a_verifier_would_refuse() {
    let signer = Signer::new(SigningKey::generate(Algorithm::EdDsa).unwrap(), Default::default());
    let refused = |kind, claims: &Claims| signer.sign(kind, claims).unwrap_err().kind();
    let good = typed(&claims());
    assert!(signer.sign(JwtKind::Access, &good).is_ok());
    let without = |change: fn(&mut Claims)| {
        let mut claims = good.clone();
        change(&mut claims);
        claims
    };
    for claims in [
        without(|claims| claims.exp = None),
        without(|claims| claims.aud = None),
        without(|claims| claims.aud = Some(Vec::new())),
        without(|claims| claims.jti = None),
        without(|claims| claims.iss = None),
        without(|claims| claims.jti = Some(String::new())),
        without(|claims| claims.exp = Some(1 << 53)),
        without(|claims| drop(claims.extra.insert("exp".into(), json!(1)))),
        without(|claims| drop(claims.extra.insert("seq".into(), json!(1)))),
        without(|claims| drop(claims.extra.insert("events".into(), json!({})))),
        without(|claims| {
            let deep = (0..16).fold(json!(1), |value, _| json!([value]));
            claims.extra.insert("deep".into(), deep);
        }),
    ] {
        assert_eq!(refused(JwtKind::Access, &claims), crate::ErrorKind::InvalidInput, "{claims:?}");
    }
    assert_eq!(refused(JwtKind::Plain, &good), crate::ErrorKind::InvalidInput);
    assert_eq!(refused(JwtKind::Logout, &good), crate::ErrorKind::InvalidInput);
    let large = without(|claims| drop(claims.extra.insert("x".into(), "x".repeat(6000).into())));
    assert_eq!(refused(JwtKind::Access, &large), crate::ErrorKind::TooLarge);
}

#[test]
fn the_largest_token_that_is_signed_is_verified() {
    let signer = Signer::new(SigningKey::generate(Algorithm::Hs256).unwrap(), Default::default());
    let own = OwnKeys::default().with(&signer);
    let mut claims = typed(&claims());
    let mut longest = 0;
    for len in 5600..6000 {
        claims.extra.insert("x".into(), "x".repeat(len).into());
        let Ok(token) = signer.sign(JwtKind::Access, &claims) else { break };
        longest = token.len();
        let verified = own.verify(token.as_bytes(), &profile(JwtKind::Access), NOW);
        assert_eq!(verified.as_ref(), Ok(&claims), "{len}");
    }
    assert!((8190..=8192).contains(&longest), "{longest}");
}

#[test]
fn a_retired_key_is_unknown_and_another_one_of_the_same_name_does_not_fit() {
    let key = |kid: &str| SigningKey::generate(Algorithm::Hs256).unwrap().with_kid(kid).unwrap();
    let signer = |kid| Signer::new(key(kid), Default::default());
    let (first, second, impostor) = (signer("1"), signer("2"), signer("1"));
    let claims = typed(&claims());
    let why = |keys: &OwnKeys, token: &str| {
        keys.verify(token.as_bytes(), &profile(JwtKind::Access), NOW).err()
    };
    let both = OwnKeys::default().with(&second).with(&first);
    for signer in [&first, &second] {
        assert_eq!(why(&both, &signer.sign(JwtKind::Access, &claims).unwrap()), None);
    }
    let token = first.sign(JwtKind::Access, &claims).unwrap();
    assert_eq!(why(&OwnKeys::default().with(&second), &token), Some(Reason::UnknownKey));
    assert_eq!(why(&OwnKeys::default(), &token), Some(Reason::UnknownKey));
    assert_eq!(why(&OwnKeys::default().with(&impostor), &token), Some(Reason::BadSignature));
}

#[test]
fn debug_shows_neither_key_nor_token() {
    let key = SigningKey::generate(Algorithm::Hs256).unwrap().with_kid("name").unwrap();
    let bytes = key.to_bytes();
    let secret = base64url::encode_string(&bytes[6..]);
    let signer = Signer::new(key, Default::default());
    let told = format!("{signer:?} {:?}", OwnKeys::default().with(&signer));
    assert!(told.contains(r#"kid: "name""#) && !told.contains(&secret), "{told}");
    assert!(!told.contains(&format!("{:?}", &bytes[6..])));
}

/// The key of a public JWK as text, for tests of confusion.
pub(super) fn jwk_of(key: &VerifyingKey) -> String {
    key.to_jwk().unwrap()
}
