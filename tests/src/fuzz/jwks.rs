//! Key sets: what we take keeps the rules, its keys are good by the judgement of other libraries,
//! and nothing but public members comes out again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use sessile::jwt::{Algorithm, Jwks, VerifyingKey};
use sessile::testing::fuzz::Plain;

/// Any text as a key set, and as the one key of a set.
pub fn jwks(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    take(text);
    take(&format!("{{\"keys\":[{text}]}}"));
}

fn take(text: &str) {
    let Ok(set) = Jwks::parse(text) else { return };
    let plain = Plain::read(text.as_bytes()).expect("JSON");
    assert!(!plain.has_repetitions() && plain.depth() <= 16 && text.len() <= 256 << 10);
    let entries = plain.get("keys").and_then(Plain::elements).expect("an array of keys");
    assert!(entries.len() <= 100 && set.keys().len() <= entries.len());
    for entry in entries {
        let is_secret = |name: &&str| entry.get(name).is_some();
        assert!(!SECRET.iter().any(is_secret), "a private key");
        assert!(entry.get("kty").and_then(Plain::text) != Some("oct"), "a symmetric key");
    }
    for (i, key) in set.keys().iter().enumerate() {
        let is_same = |other: &VerifyingKey| key.kid().is_some() && other.kid() == key.kid();
        assert!(!set.keys()[i + 1..].iter().any(is_same), "two keys of one name");
        is_good(key, entries);
    }
    let published = set.to_json();
    let again = Jwks::parse(&published).expect("our own is taken");
    assert_eq!(again.to_json(), published);
    assert_eq!(again.keys().len(), set.keys().len());
}

fn is_good(key: &VerifyingKey, entries: &[Plain]) {
    let text = key.to_jwk().expect("a public key");
    let written = Plain::read(text.as_bytes()).expect("JSON");
    let members = written.members().expect("an object");
    let member = |name: &str| written.get(name).and_then(Plain::text).unwrap_or_default();
    assert!(members.iter().all(|(name, _)| PUBLIC.contains(&name.as_str())), "{text}");
    let allows = |entry: &Plain, name: &str, value: &str| {
        entry.get(name).is_none_or(|written| written.text() == Some(value))
    };
    let is_it = |entry: &&Plain| {
        let is_as_written = |(name, value): &(String, Plain)| match name.as_str() {
            "use" => allows(entry, "use", "sig"),
            "alg" => {
                let name = key.algorithm().name();
                let is_other_name = name == "EdDSA" && allows(entry, "alg", "Ed25519");
                allows(entry, "alg", name) || is_other_name
            }
            name => entry.get(name) == Some(value),
        };
        members.iter().all(is_as_written) && entry.get("kid").is_some() == key.kid().is_some()
    };
    assert!(entries.iter().any(|entry| is_it(&entry)), "{text} is not in the set");

    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(member(name)).expect("base64url");
    match key.algorithm() {
        Algorithm::EdDsa => assert!(is_ed25519_key(&bytes("x")), "{text}"),
        Algorithm::Es256 => {
            let point = [&[4][..], &bytes("x"), &bytes("y")].concat();
            assert!(p256::PublicKey::from_sec1_bytes(&point).is_ok(), "{text}");
        }
        _ => assert!(is_rsa_key(&bytes("n"), &bytes("e")), "{text}"),
    }
    let theirs: Jwk = serde_json::from_str(&text).expect("they read it");
    assert_eq!(theirs.thumbprint(ThumbprintHash::SHA256).ok(), key.thumbprint());
}

/// A point of the curve in its canonical encoding, and not of small order.
fn is_ed25519_key(bytes: &[u8]) -> bool {
    let Ok(bytes) = <&[u8; 32]>::try_from(bytes) else { return false };
    ed25519_dalek::VerifyingKey::from_bytes(bytes)
        .is_ok_and(|key| key.to_edwards().compress().as_bytes() == bytes && !key.is_weak())
}

fn is_rsa_key(n: &[u8], e: &[u8]) -> bool {
    let exponent = e.iter().fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    n.first() != Some(&0)
        && (2048..=8192).contains(&bits)
        && n.last().is_some_and(|last| last & 1 == 1)
        && (1..=5).contains(&e.len())
        && e.first() != Some(&0)
        && exponent & 1 == 1
        && (65_537..1 << 33).contains(&exponent)
}

const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const PUBLIC: [&str; 9] = ["kty", "crv", "x", "y", "n", "e", "alg", "use", "kid"];
