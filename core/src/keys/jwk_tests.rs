//! Loading of keys: the RFCs' own, OpenSSL's, and the bad ones.

use serde_json::{Value, json};

use super::*;
use crate::codec::base64url;

fn data(name: &str) -> Value {
    let text = match name {
        "rfc" => include_str!("../../../tests/data/jose/rfc.json"),
        _ => include_str!("../../../tests/data/jose/openssl.json"),
    };
    serde_json::from_str(text).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// What is signed, and the signature.
fn parts(jws: &Value) -> (&[u8], Vec<u8>) {
    let (signed, signature) = text(jws).rsplit_once('.').unwrap();
    let mut bytes = vec![0; base64url::decoded_len(signature.len())];
    assert!(base64url::decode(signature.as_bytes(), &mut bytes));
    (signed.as_bytes(), bytes)
}

fn kind<T: std::fmt::Debug>(result: crate::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

const SECRET: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T";
const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn ed25519() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": X})
}

fn p256() -> Value {
    let mut jwk = data("rfc")["jws"][2]["jwk"].clone();
    jwk.as_object_mut().unwrap().remove("d");
    jwk
}

fn rsa() -> Value {
    data("rfc")["jws"][1]["jwk"].clone()
}

fn oct() -> Value {
    json!({"kty": "oct", "k": SECRET})
}

/// `jwk` with a member set, or taken out by `null`.
fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    let value = value.into();
    let members = jwk.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.into(), value);
    }
    jwk
}

fn load(jwk: &Value) -> crate::Result<VerifyingKey> {
    VerifyingKey::from_jwk(&jwk.to_string())
}

#[test]
fn the_signatures_of_the_rfcs_verify_and_no_changed_one() {
    for case in data("rfc")["jws"].as_array().unwrap() {
        let key = load(&case["jwk"]).unwrap();
        let (signed, mut signature) = parts(&case["jws"]);
        assert!(key.has_signed(signed, &signature), "{}", case["name"]);
        assert_eq!(signature.len(), key.signature_len());
        for i in 0..signature.len() {
            signature[i] ^= 1;
            assert!(!key.has_signed(signed, &signature), "{} byte {i}", case["name"]);
            signature[i] ^= 1;
        }
        assert!(!key.has_signed(&signed[1..], &signature));
        assert!(!key.has_signed(signed, &signature[1..]));
        assert!(!key.has_signed(signed, &[&signature[..], &[0]].concat()));
        assert!(!key.has_signed(signed, &[]));
    }
}

#[test]
fn eddsa_and_hs256_sign_byte_for_byte_as_the_rfcs_do() {
    for i in [0, 3] {
        let case = &data("rfc")["jws"][i];
        let key = SigningKey::from_jwk(&case["jwk"].to_string()).unwrap();
        let (signed, signature) = parts(&case["jws"]);
        assert_eq!(key.sign(signed).unwrap().as_ref(), signature, "{}", case["name"]);
    }
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    for case in data("rfc")["thumbprints"].as_array().unwrap() {
        let key = load(&case["jwk"]).unwrap();
        assert_eq!(key.thumbprint().unwrap(), text(&case["thumbprint"]), "{}", case["name"]);
    }
    assert_eq!(load(&oct()).unwrap().thumbprint(), None, "it would tell of the secret");
}

#[test]
fn every_form_of_a_key_is_the_same_key() {
    for algorithm in [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256] {
        let key = SigningKey::generate(algorithm).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        let again = SigningKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(again.kid(), key.kid());
        let signature = again.sign(b"message").unwrap();
        assert!(key.verifying_key().has_signed(b"message", signature.as_ref()));
        assert!(!key.verifying_key().has_signed(b"massage", signature.as_ref()));
        let other = SigningKey::generate(algorithm).unwrap();
        assert!(!other.verifying_key().has_signed(b"message", signature.as_ref()));
        assert_ne!(other.kid(), key.kid());
        if let Some(jwk) = key.verifying_key().to_jwk() {
            let public = VerifyingKey::from_jwk(&jwk).unwrap();
            assert_eq!(public.kid(), Some(key.kid()));
            assert_eq!(public.thumbprint().as_deref(), Some(key.kid()));
            assert!(public.has_signed(b"message", signature.as_ref()));
        } else {
            assert_eq!(algorithm, Algorithm::Hs256);
        }
        let named = SigningKey::generate(algorithm).unwrap().with_kid("2026").unwrap();
        assert_eq!(SigningKey::from_bytes(&named.to_bytes()).unwrap().kid(), "2026");
    }
    assert_eq!(kind(SigningKey::generate(Algorithm::Rs256)), ErrorKind::InvalidInput);
    for bytes in [&b""[..], &[1], &[9, 0], &[2, 5, b'a'], &[2, 1, 0xff, 0]] {
        assert_eq!(kind(SigningKey::from_bytes(bytes)), ErrorKind::Corrupt);
    }
}

#[test]
fn the_keys_that_openssl_writes_are_read() {
    let data = data("openssl");
    for name in ["p256", "ed25519"] {
        let signing = SigningKey::from_pkcs8_pem(text(&data[name]["pkcs8"])).unwrap();
        let verifying = VerifyingKey::from_spki_pem(text(&data[name]["pem"])).unwrap();
        assert_eq!(verifying.kid(), Some(signing.kid()), "both are the thumbprint");
        let (signed, signature) = parts(&data[name]["token"]);
        assert!(verifying.has_signed(signed, &signature));
        let ours = signing.sign(b"message").unwrap();
        assert!(verifying.has_signed(b"message", ours.as_ref()));
        assert_eq!(
            kind(SigningKey::from_pkcs8_pem(text(&data[name]["pem"]))),
            ErrorKind::InvalidInput
        );
        assert_eq!(
            kind(VerifyingKey::from_spki_pem(text(&data[name]["pkcs8"]))),
            ErrorKind::InvalidInput
        );
    }
    let rsa = VerifyingKey::from_spki_pem(text(&data["rsa"]["pem"])).unwrap();
    assert_eq!(rsa.thumbprint(), load(&data["rsa"]["jwk"]).unwrap().thumbprint());
    let (signed, signature) = parts(&data["rsa"]["rs256"]);
    assert!(rsa.has_signed(signed, &signature));
    for other in ["pss", "sha1", "sha512"] {
        let (signed, signature) = parts(&data["rsa"][other]);
        assert!(!rsa.has_signed(signed, &signature), "{other}");
    }
    for case in data["refused_pem"].as_array().unwrap() {
        let result = VerifyingKey::from_spki_pem(text(&case["pem"]));
        assert_eq!(kind(result), ErrorKind::InvalidInput, "{}", case["why"]);
    }
    for case in data["refused_pkcs8"].as_array().unwrap() {
        let result = SigningKey::from_pkcs8_pem(text(&case["pem"]));
        assert_eq!(kind(result), ErrorKind::InvalidInput, "{}", case["why"]);
    }
}

#[test]
fn pem_is_one_strict_block() {
    let data = data("openssl");
    let pem = text(&data["ed25519"]["pem"]);
    for changed in [
        String::new(),
        pem.replace("-----BEGIN PUBLIC KEY-----", "-----BEGIN PRIVATE KEY-----"),
        pem.replace("-----END PUBLIC KEY-----\n", ""),
        format!("{pem}{pem}"),
        pem.replace("PUBLIC KEY", "CERTIFICATE"),
        pem.replacen('M', "M\0", 1),
        pem.replacen('M', "=", 1),
        "A".repeat(100_000),
    ] {
        assert_eq!(
            kind(VerifyingKey::from_spki_pem(&changed)),
            ErrorKind::InvalidInput,
            "{changed}"
        );
    }
    // No byte of the DER can be changed but those of the key itself.
    let key = VerifyingKey::from_spki_pem(pem).unwrap();
    let x: Value = serde_json::from_str(&key.to_jwk().unwrap()).unwrap();
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let mut point = [0; 32];
    assert!(base64url::decode(text(&x["x"]).as_bytes(), &mut point));
    der.extend(point);
    assert!(VerifyingKey::from_spki_der(&der).is_ok());
    for i in 0..12 {
        let mut der = der.clone();
        der[i] ^= 1;
        assert_eq!(kind(VerifyingKey::from_spki_der(&der)), ErrorKind::InvalidInput, "byte {i}");
    }
    assert!(VerifyingKey::from_spki_der(&[&der[..], &[0]].concat()).is_err());
    assert!(VerifyingKey::from_spki_der(&der[..43]).is_err());
}

/// Each row: what is wrong, and the JWK.
fn bad_jwks() -> Vec<(&'static str, Value)> {
    let zero = base64url::encode_string(&[0; 32]);
    let one = base64url::encode_string(&{
        let mut one = [0; 32];
        one[0] = 1;
        one
    });
    let big = base64url::encode_string(&[0xff; 32]);
    vec![
        ("no key type", with(ed25519(), "kty", Value::Null)),
        ("a key type that is no string", with(ed25519(), "kty", 1)),
        ("no curve", with(p256(), "crv", Value::Null)),
        ("the curve of the other type", with(p256(), "crv", "Ed25519")),
        ("the curve of the other type", with(ed25519(), "crv", "P-256")),
        ("another curve's algorithm", with(p256(), "alg", "EdDSA")),
        ("another type's algorithm", with(p256(), "alg", "RS256")),
        ("a MAC by a public key", with(rsa(), "alg", "HS256")),
        ("a MAC by a public key", with(ed25519(), "alg", "HS256")),
        ("a signature by a secret", with(oct(), "alg", "ES256")),
        ("an algorithm that is no string", with(ed25519(), "alg", json!(["EdDSA"]))),
        ("a use that is no string", with(ed25519(), "use", json!(["sig"]))),
        ("operations that are no array", with(ed25519(), "key_ops", "verify")),
        ("an operation that is no string", with(ed25519(), "key_ops", json!(["verify", 1]))),
        ("an operation twice", with(ed25519(), "key_ops", json!(["verify", "verify"]))),
        ("use and operations disagree", {
            with(with(ed25519(), "use", "sig"), "key_ops", json!(["verify", "encrypt"]))
        }),
        ("use and operations disagree", {
            with(with(ed25519(), "use", "enc"), "key_ops", json!(["verify"]))
        }),
        ("an empty key id", with(ed25519(), "kid", "")),
        ("a long key id", with(ed25519(), "kid", "k".repeat(65))),
        ("a key id that is no string", with(ed25519(), "kid", 7)),
        ("no x", with(ed25519(), "x", Value::Null)),
        ("an empty x", with(ed25519(), "x", "")),
        ("a short x", with(ed25519(), "x", &X[..42])),
        ("padding", with(ed25519(), "x", format!("{X}="))),
        ("another alphabet", with(ed25519(), "x", X.replace('_', "/"))),
        ("stray bits", with(ed25519(), "x", format!("{}p", &X[..42]))),
        ("white space", with(ed25519(), "x", format!("{X}\n"))),
        ("order 4", with(ed25519(), "x", zero.as_str())),
        ("order 1", with(ed25519(), "x", one)),
        ("beyond p", with(ed25519(), "x", big.as_str())),
        ("no y", with(p256(), "y", Value::Null)),
        ("off the curve", with(p256(), "y", X)),
        ("the origin", with(with(p256(), "x", zero.as_str()), "y", zero.as_str())),
        ("beyond p", with(p256(), "x", big)),
        (
            "x and y exchanged",
            with(with(p256(), "x", p256()["y"].clone()), "y", p256()["x"].clone()),
        ),
        ("a short x", with(p256(), "x", &X[..42])),
        ("a leading zero more", with(p256(), "x", base64url::encode_string(&[0; 33]))),
        ("no secret", with(oct(), "k", Value::Null)),
        ("another curve", with(p256(), "crv", "P-384")),
        ("another curve", with(p256(), "crv", "secp256k1")),
        ("a key of X25519", with(ed25519(), "crv", "X25519")),
        ("another algorithm", with(rsa(), "alg", "RS512")),
        ("none", with(oct(), "alg", "none")),
        ("for encryption", with(rsa(), "use", "enc")),
        ("for wrapping", with(rsa(), "key_ops", json!(["wrapKey"]))),
        ("a type of tomorrow", with(ed25519(), "kty", "AKP")),
    ]
}

fn bad_rsa_jwks() -> Vec<(&'static str, Value)> {
    let n = |bytes: usize, last: u8| {
        let mut n = vec![0xc5; bytes];
        n[bytes - 1] = last;
        base64url::encode_string(&n)
    };
    vec![
        ("no modulus", with(rsa(), "n", Value::Null)),
        ("no exponent", with(rsa(), "e", Value::Null)),
        ("1,024 bits", with(rsa(), "n", n(128, 1))),
        ("2,040 bits", with(rsa(), "n", n(255, 1))),
        ("8,200 bits", with(rsa(), "n", n(1025, 1))),
        ("an even modulus", with(rsa(), "n", n(256, 2))),
        ("a modulus of zeros", with(rsa(), "n", base64url::encode_string(&[0; 256]))),
        ("a leading zero", {
            with(rsa(), "n", base64url::encode_string(&[&[0][..], &[0xc5; 256]].concat()))
        }),
        ("2,047 bits", {
            with(rsa(), "n", base64url::encode_string(&[&[0x7f][..], &[0xc5; 255]].concat()))
        }),
        ("exponent 0", with(rsa(), "e", "AA")),
        ("exponent 1", with(rsa(), "e", "AQ")),
        ("exponent 3", with(rsa(), "e", "Aw")),
        ("exponent 65,536", with(rsa(), "e", "AQAA")),
        ("a leading zero", with(rsa(), "e", "AAEAAQ")),
        ("an exponent of 40 bits", with(rsa(), "e", "8AAAAAE")),
        ("an exponent of 2,048 bits", with(rsa(), "e", n(256, 1))),
    ]
}

#[test]
fn bad_jwks_are_refused_when_they_are_loaded() {
    for good in [ed25519(), p256(), rsa(), oct()] {
        assert!(load(&good).is_ok(), "{good}");
        assert!(load(&with(good.clone(), "use", "sig")).is_ok());
        assert!(load(&with(good.clone(), "key_ops", json!(["verify"]))).is_ok());
        assert!(load(&with(good.clone(), "x5t", "whatever")).is_ok(), "a member unknown to us");
    }
    assert!(load(&with(ed25519(), "alg", "Ed25519")).is_ok());
    for (why, jwk) in bad_jwks().into_iter().chain(bad_rsa_jwks()) {
        assert_eq!(kind(load(&jwk)), ErrorKind::InvalidInput, "{why}: {jwk}");
    }
    let twice = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","x":"{X}"}}"#);
    assert_eq!(kind(VerifyingKey::from_jwk(&twice)), ErrorKind::InvalidInput);
}

#[test]
fn weak_secrets_are_refused() {
    for secret in [&[][..], &[7; 64], b"secret", &b"ab".repeat(32), &SECRET.as_bytes()[..31]] {
        let jwk = with(oct(), "k", base64url::encode_string(secret));
        assert!(load(&jwk).is_err());
        assert!(SigningKey::from_jwk(&jwk.to_string()).is_err());
        assert_eq!(kind(VerifyingKey::from_secret(secret)), ErrorKind::WeakSecret);
        assert_eq!(kind(SigningKey::from_secret(secret)), ErrorKind::WeakSecret);
    }
    assert!(SigningKey::from_secret_unchecked(b"secret").is_ok());
    assert_eq!(kind(SigningKey::from_secret_unchecked(b"")), ErrorKind::WeakSecret);
}

#[test]
fn the_key_id_of_a_secret_is_the_same_each_time_and_tells_nothing_of_it() {
    let secret = SECRET.as_bytes();
    let key = SigningKey::from_secret(secret).unwrap();
    assert_eq!(SigningKey::from_secret(secret).unwrap().kid(), key.kid());
    assert_eq!(key.kid().len(), 22, "16 bytes");
    let jwk = format!(r#"{{"k":"{}","kty":"oct"}}"#, base64url::encode_string(secret));
    for told in [secret, jwk.as_bytes()] {
        let hash = ring::digest::digest(&ring::digest::SHA256, told);
        assert!(!base64url::encode_string(hash.as_ref()).starts_with(&key.kid()[..20]));
        assert!(!base64url::encode_string(told).starts_with(&key.kid()[..20]));
    }
}

#[test]
fn a_private_jwk_whose_halves_do_not_belong_together_is_refused() {
    let private = with(ed25519(), "d", D);
    assert!(SigningKey::from_jwk(&private.to_string()).is_ok());
    let p256 = data("rfc")["jws"][2]["jwk"].clone();
    let key = SigningKey::from_jwk(&p256.to_string()).unwrap();
    let signature = key.sign(b"message").unwrap();
    assert!(key.verifying_key().has_signed(b"message", signature.as_ref()));
    for (why, jwk) in [
        ("another private half", with(ed25519(), "d", X)),
        ("another private half", with(p256.clone(), "d", D)),
        ("a private half of zero", with(p256.clone(), "d", base64url::encode_string(&[0; 32]))),
        ("a private half beyond n", with(p256.clone(), "d", base64url::encode_string(&[255; 32]))),
        ("no private half", ed25519()),
        ("a short private half", with(ed25519(), "d", &D[..42])),
        ("for verifying", with(private.clone(), "key_ops", json!(["verify"]))),
        ("for encryption", with(private.clone(), "use", "enc")),
        ("RSA", with(rsa(), "d", "AQAB")),
    ] {
        let error = SigningKey::from_jwk(&jwk.to_string()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{why}");
        let told = format!("{error} {error:?}");
        assert!(!told.contains(D) && !told.contains(X), "{told}");
    }
}

#[test]
fn a_key_set_takes_what_it_knows_and_skips_what_it_does_not() {
    let set = |keys: Vec<Value>| Jwks::parse(&json!({"keys": keys, "more": [1]}).to_string());
    let named = |jwk: Value, kid: &str| with(jwk, "kid", kid);
    let keys = set(vec![
        named(ed25519(), "a"),
        named(p256(), "b"),
        named(rsa(), "c"),
        named(with(rsa(), "use", "enc"), "a"),
        with(p256(), "crv", "P-521"),
        with(rsa(), "alg", "PS256"),
        with(ed25519(), "crv", "Ed448"),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}),
    ])
    .unwrap();
    let kids: Vec<_> = keys.keys().iter().map(|key| key.kid().unwrap()).collect();
    assert_eq!(kids, ["a", "b", "c"]);
    let found = |kid, algorithm| keys.find(kid, algorithm).and_then(VerifyingKey::kid);
    assert_eq!(found(Some("b"), Algorithm::Es256), Some("b"));
    assert_eq!(found(Some("b"), Algorithm::EdDsa), None, "the algorithm of another key");
    assert_eq!(found(Some("B"), Algorithm::Es256), None);
    assert_eq!(found(Some("b\0"), Algorithm::Es256), None);
    assert_eq!(found(None, Algorithm::Es256), None, "there is more than one key");
    for (why, keys) in [
        ("the same key id", vec![named(ed25519(), "a"), named(p256(), "a")]),
        ("the same key twice", vec![named(ed25519(), "a"), named(ed25519(), "a")]),
        ("a secret", vec![oct()]),
        ("a private key", vec![with(ed25519(), "d", D)]),
        ("a private member", vec![with(rsa(), "qi", "AQAB")]),
        ("no object", vec![json!("key")]),
        ("a point off the curve", vec![with(p256(), "y", X)]),
        ("more than 100", (0..101).map(|i| named(ed25519(), &i.to_string())).collect()),
    ] {
        assert_eq!(kind(set(keys)), ErrorKind::InvalidInput, "{why}");
    }
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]}x"#] {
        assert_eq!(kind(Jwks::parse(text)), ErrorKind::InvalidInput, "{text}");
    }
    let long = format!(r#"{{"keys":[],"more":"{}"}}"#, "x".repeat(256 << 10));
    assert_eq!(kind(Jwks::parse(&long)), ErrorKind::InvalidInput);
    assert!(Jwks::parse(r#"{"keys":[]}"#).unwrap().keys().is_empty());
}

#[test]
fn the_only_key_of_a_set_is_found_without_a_key_id_but_not_under_another() {
    let named = Jwks::new(vec![load(&with(ed25519(), "kid", "a")).unwrap()]).unwrap();
    assert!(named.find(None, Algorithm::EdDsa).is_some());
    assert!(named.find(Some("a"), Algorithm::EdDsa).is_some());
    assert!(named.find(Some("b"), Algorithm::EdDsa).is_none());
    assert!(named.find(None, Algorithm::Hs256).is_none());
    let unnamed = Jwks::new(vec![load(&ed25519()).unwrap()]).unwrap();
    assert!(unnamed.find(Some("whatever"), Algorithm::EdDsa).is_some());
    assert!(unnamed.find(None, Algorithm::EdDsa).is_some());
    let two = Jwks::new(vec![load(&ed25519()).unwrap(), load(&p256()).unwrap()]).unwrap();
    assert!(two.find(None, Algorithm::EdDsa).is_none());
    assert!(two.find(Some("whatever"), Algorithm::EdDsa).is_none());
    assert!(Jwks::default().find(None, Algorithm::EdDsa).is_none());
}

#[test]
fn a_published_set_has_public_members_alone() {
    let private = [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256]
        .map(|algorithm| SigningKey::generate(algorithm).unwrap());
    let mut keys: Vec<_> = private.iter().map(|key| key.verifying_key().clone()).collect();
    keys.push(load(&rsa()).unwrap());
    let text = Jwks::new(keys).unwrap().to_json();
    let set: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<Vec<&str>> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_object().unwrap().keys().map(String::as_str).collect())
        .collect();
    assert_eq!(
        names,
        [
            vec!["alg", "crv", "kid", "kty", "use", "x"],
            vec!["alg", "crv", "kid", "kty", "use", "x", "y"],
            vec!["alg", "e", "kty", "n", "use"],
        ]
    );
    let again = Jwks::parse(&text).unwrap();
    assert_eq!(again.keys().len(), 3);
    assert_eq!(again.to_json(), text);
}

#[test]
fn debug_shows_no_key() {
    let jwk = with(oct(), "kid", "name");
    let keys = [
        format!("{:?}", load(&jwk).unwrap()),
        format!("{:?}", SigningKey::from_jwk(&jwk.to_string()).unwrap()),
    ];
    assert_eq!(keys[0], r#"VerifyingKey { algorithm: Hs256, kid: Some("name"), .. }"#);
    assert_eq!(keys[1], r#"SigningKey { algorithm: Hs256, kid: "name", .. }"#);
}
