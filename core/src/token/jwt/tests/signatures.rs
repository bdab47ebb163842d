//! Signatures that should not verify, after the classes that Wycheproof tests.

use super::*;

/// The order of P-256, big-endian, and of Ed25519's base point, little-endian.
const N: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const L: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// a + b, or a - b, of little-endian numbers of the same length, and the last carry.
fn combine(a: &[u8], b: &[u8], sign: i32) -> (Vec<u8>, i32) {
    let mut carry = 0;
    let digits = a.iter().zip(b).map(|(a, b)| {
        let digit = i32::from(*a) + sign * i32::from(*b) + carry;
        carry = digit >> 8;
        (digit & 0xff) as u8
    });
    (digits.collect(), carry)
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// An ASN.1 signature: what ECDSA has outside of JOSE.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap();
        let mut body = if bytes[start] >= 0x80 { vec![0] } else { Vec::new() };
        body.extend(&bytes[start..]);
        [vec![2, body.len() as u8], body].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}

fn why(keys: &Keys, signed: &str, signature: &[u8]) -> Option<Reason> {
    let token = format!("{signed}.{}", base64url::encode_string(signature));
    verify(token.as_bytes(), &keys.set, &profile(JwtKind::Access), NOW).err()
}

fn signed_by(key: &SigningKey) -> (String, Vec<u8>) {
    let header = header_of(key, JwtKind::Access);
    let token = token_of(key, header.as_bytes(), claims().to_string().as_bytes());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = vec![0; base64url::decoded_len(signature.len())];
    assert!(base64url::decode(signature.as_bytes(), &mut bytes));
    (signed.to_owned(), bytes)
}

#[test]
fn ecdsa_signatures_out_of_range_or_in_another_form_are_bad() {
    let keys = Keys::new();
    let (signed, signature) = signed_by(keys.of(Algorithm::Es256));
    assert_eq!(why(&keys, &signed, &signature), None);
    let (r, s) = signature.split_at(32);
    let (n, zero, ones) = (hex(N), vec![0; 32], vec![0xff; 32]);
    let one = [vec![0; 31], vec![1]].concat();
    let beyond = reversed(&combine(&reversed(&n), &reversed(&one), 1).0);
    let below = reversed(&combine(&reversed(&n), &reversed(&one), -1).0);
    for (r, s) in [
        (&zero[..], &zero[..]),
        (&zero, s),
        (r, &zero),
        (&n, s),
        (r, &n),
        (&n, &n),
        (&zero, &n),
        (&n, &zero),
        (&zero, &one),
        (&one, &zero),
        (&beyond, s),
        (r, &beyond),
        (&ones, s),
        (r, &ones),
        (&ones, &ones),
        (&one, &one),
        (&below, &below),
        (&one, s),
        (r, &one),
        (s, r),
        (r, r),
        (s, s),
    ] {
        assert_eq!(
            why(&keys, &signed, &[r, s].concat()),
            Some(Reason::BadSignature),
            "{r:?} {s:?}"
        );
    }
    let mut others = vec![
        der(r, s),
        Vec::new(),
        signature[..63].to_vec(),
        signature[1..].to_vec(),
        r.to_vec(),
        [&signature[..], &[0]].concat(),
        [&[0], &signature[..]].concat(),
        [&[0], r, &[0], s].concat(),
        [&[0; 16], r, &[0; 16], s].concat(),
        signature.repeat(2),
        vec![0; 512],
    ];
    // r + n is the same modulo n; where it fits, it must not be taken.
    others.push(reversed(&combine(&reversed(r), &reversed(&n), 1).0));
    for other in others {
        assert_eq!(why(&keys, &signed, &other), Some(Reason::BadSignature), "{other:?}");
    }
}

/// Nobody can tell which of two is the first, so a token is never known by its bytes.
#[test]
fn an_ecdsa_signature_has_a_twin_that_is_as_good() {
    let keys = Keys::new();
    let (signed, signature) = signed_by(keys.of(Algorithm::Es256));
    let (r, s) = signature.split_at(32);
    let (twin, carry) = combine(&reversed(&hex(N)), &reversed(s), -1);
    assert_eq!(carry, 0);
    assert_eq!(why(&keys, &signed, &[r, &reversed(&twin)].concat()), None);
}

#[test]
fn ed25519_signatures_with_a_large_s_or_a_small_r_are_bad() {
    let keys = Keys::new();
    let (signed, signature) = signed_by(keys.of(Algorithm::EdDsa));
    assert_eq!(why(&keys, &signed, &signature), None);
    let (r, s) = signature.split_at(32);
    let l = hex(L);
    // S + k L are all congruent: only the least is good, or every token would have aliases.
    let mut sum = s.to_vec();
    for _ in 0..15 {
        let (next, carry) = combine(&sum, &l, 1);
        if carry != 0 {
            break;
        }
        sum = next;
        assert_eq!(why(&keys, &signed, &[r, &sum].concat()), Some(Reason::BadSignature));
    }
    let (zero, mut one) = (vec![0; 32], vec![0; 32]);
    one[0] = 1;
    let small: Vec<Vec<u8>> = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ]
    .map(hex)
    .to_vec();
    for r in &small {
        for s in [s, &zero, &one, &l] {
            assert_eq!(why(&keys, &signed, &[r, s].concat()), Some(Reason::BadSignature));
        }
    }
    for s in [&l, &zero, &one, &vec![0xff; 32], &r.to_vec()] {
        assert_eq!(why(&keys, &signed, &[r, s].concat()), Some(Reason::BadSignature));
    }
    for other in [
        Vec::new(),
        [s, r].concat(),
        signature[..63].to_vec(),
        signature[1..].to_vec(),
        [&signature[..], &[0]].concat(),
        [&[0], &signature[..]].concat(),
        signature.repeat(2),
    ] {
        assert_eq!(why(&keys, &signed, &other), Some(Reason::BadSignature));
    }
}

#[test]
fn a_mac_is_whole_and_of_its_own_hash() {
    use ring::hmac;
    let keys = Keys::new();
    let key = keys.of(Algorithm::Hs256);
    let (signed, mac) = signed_by(key);
    assert_eq!(why(&keys, &signed, &mac), None);
    for len in 0..32 {
        assert_eq!(why(&keys, &signed, &mac[..len]), Some(Reason::BadSignature), "{len} bytes");
    }
    let secret = key.to_bytes()[2 + key.kid().len()..].to_vec();
    let by = |algorithm, secret: &[u8]| {
        hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes()).as_ref().to_vec()
    };
    assert_eq!(by(hmac::HMAC_SHA256, &secret), mac);
    for other in [
        by(hmac::HMAC_SHA384, &secret),
        by(hmac::HMAC_SHA512, &secret),
        by(hmac::HMAC_SHA384, &secret)[..32].to_vec(),
        by(hmac::HMAC_SHA512, &secret)[..32].to_vec(),
        by(hmac::HMAC_SHA256, b""),
        by(hmac::HMAC_SHA256, &[0; 32]),
        by(hmac::HMAC_SHA256, &secret[1..]),
        by(hmac::HMAC_SHA256, base64url::encode_string(&secret).as_bytes()),
        by(hmac::HMAC_SHA256, key.kid().as_bytes()),
        [&mac[..], &[0]].concat(),
        vec![0; 32],
        reversed(&mac),
    ] {
        assert_eq!(why(&keys, &signed, &other), Some(Reason::BadSignature));
    }
}

#[test]
fn rsa_tokens_of_another_library_verify_and_their_changed_signatures_do_not() {
    let data: Value =
        serde_json::from_str(include_str!("../../../../../tests/data/jose/openssl.json")).unwrap();
    let key = VerifyingKey::from_jwk(&data["rsa"]["jwk"].to_string()).unwrap();
    let n = data["rsa"]["jwk"]["n"].as_str().unwrap();
    let mut modulus = vec![0; 256];
    assert!(base64url::decode(n.as_bytes(), &mut modulus));
    let set = Jwks::new(vec![key]).unwrap();
    let why = |token: &str| verify(token.as_bytes(), &set, &profile(JwtKind::Access), NOW).err();
    let token = data["rsa"]["rs256"].as_str().unwrap();
    assert_eq!(why(token), None);
    for name in ["pss", "sha1", "sha512"] {
        assert_eq!(why(data["rsa"][name].as_str().unwrap()), Some(Reason::BadSignature), "{name}");
    }
    let (signed, text) = token.rsplit_once('.').unwrap();
    let mut signature = vec![0; 256];
    assert!(base64url::decode(text.as_bytes(), &mut signature));
    let (sum, carry) = combine(&reversed(&signature), &reversed(&modulus), 1);
    let mut others = vec![
        Vec::new(),
        vec![0; 256],
        vec![0xff; 256],
        modulus.clone(),
        signature[..255].to_vec(),
        signature[1..].to_vec(),
        [&[0], &signature[..]].concat(),
        [&signature[..], &[0]].concat(),
        vec![1],
        [vec![0; 255], vec![1]].concat(),
        vec![0; 1024],
        vec![0; 1025],
    ];
    others.push(if carry == 0 { reversed(&sum) } else { [vec![1], reversed(&sum)].concat() });
    for other in others {
        let token = format!("{signed}.{}", base64url::encode_string(&other));
        assert_eq!(why(&token), Some(Reason::BadSignature), "{} bytes", other.len());
    }
}

/// A point of small order is refused as a key; were it not, this would be a token of anybody.
#[test]
fn the_forgery_under_a_key_of_small_order_has_no_key_to_be_checked_with() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let ring = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, identity);
    let signature = [identity, [0; 32]].concat();
    assert!(ring.verify(b"anything", &signature).is_ok());
    assert!(VerifyingKey::from_ed25519(&identity).is_err());
}
