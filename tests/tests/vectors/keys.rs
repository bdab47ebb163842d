//! JWKs: which members and which material are taken.

use super::*;

/// Members that a key may lack, but that never say something else.
#[test]
fn jwk_members() {
    let rsa_n = URL_SAFE_NO_PAD.encode([&[0xc5][..], &[0x31; 255]].concat());
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let x = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
    let keys = [
        (json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(Random::new().bytes(32))}), "HS256", ""),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(x)}),
            "EdDSA",
            "Ed25519",
        ),
        (p256_jwk(key.verifying_key()), "ES256", ""),
        (json!({"kty": "RSA", "n": rsa_n, "e": "AQAB"}), "RS256", ""),
    ];
    let algorithms = [
        "HS256", "HS384", "HS512", "EdDSA", "Ed25519", "Ed448", "ES256", "ES384", "ES256K",
        "RS256", "RS384", "PS256", "none", "es256", "", "RSA-OAEP", "ECDH-ES", "A128KW", "dir",
    ];
    let operations = [
        json!(["verify"]),
        json!(["sign"]),
        json!(["sign", "verify"]),
        json!([]),
        json!(["encrypt"]),
        json!(["verify", "encrypt"]),
        json!(["verify", "verify"]),
        json!("verify"),
        json!([1]),
        Value::Null,
    ];
    let mut count = 0;
    let mut taken = 0;
    for (jwk, own, also) in &keys {
        for algorithm in [None].into_iter().chain(algorithms.map(Some)) {
            for used in [None, Some("sig"), Some("enc"), Some("other"), Some("SIG")] {
                for operations in [None].into_iter().chain(operations.iter().map(Some)) {
                    let mut jwk = jwk.clone();
                    let mut set = |name: &str, value: Option<Value>| {
                        if let Some(value) = value {
                            jwk[name] = value;
                        }
                    };
                    set("alg", algorithm.map(Value::from));
                    set("use", used.map(Value::from));
                    set("key_ops", operations.cloned());
                    let is_algorithm =
                        algorithm.is_none_or(|a| a == *own || a == *also && !a.is_empty());
                    let is_use = used.is_none_or(|used| used == "sig");
                    let verifies = |ops: &Value| {
                        *ops == json!(["verify"]) || *ops == json!(["sign", "verify"])
                            // Without a use, more may stand beside it.
                            || *ops == json!(["verify", "encrypt"]) && used.is_none()
                    };
                    let is_good = is_algorithm && is_use && operations.is_none_or(verifies);
                    let loaded = VerifyingKey::from_jwk(&jwk.to_string());
                    assert_eq!(loaded.is_ok(), is_good, "{jwk}");
                    (count, taken) = (count + 1, taken + u32::from(is_good));
                }
            }
        }
    }
    println!("{count} keys, {taken} of them good");
    assert!(count >= 4_000 && taken >= 60);
}

/// Points and moduli at random and at the edges; other libraries say which are good.
#[test]
fn jwk_material() {
    let mut random = Random::new();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let is_taken = |jwk: &Value| VerifyingKey::from_jwk(&jwk.to_string()).is_ok();
    let mut counts = [[0_u32; 2]; 2];
    let mut okp: Vec<[u8; 32]> = (0..300).map(|_| random.array()).collect();
    okp.extend(small_order());
    okp.extend((0..=255_u8).map(|low| {
        let mut edge = [0xff; 32];
        (edge[0], edge[31]) = (low, 0x7f);
        edge
    }));
    for bytes in okp {
        let is_good = ed25519_dalek::VerifyingKey::from_bytes(&bytes)
            .is_ok_and(|key| !key.is_weak() && key.to_edwards().compress().as_bytes() == &bytes);
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": text(&bytes)});
        assert_eq!(is_taken(&jwk), is_good, "{bytes:02x?}");
        counts[0][usize::from(is_good)] += 1;
    }
    let p = BigUint::from_bytes_be(&[
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ]);
    let mut points = Vec::new();
    for i in 0..150 {
        let key = p256::ecdsa::SigningKey::from_slice(&random.bytes(32)).unwrap();
        let point = key.verifying_key().to_encoded_point(false).as_bytes()[1..].to_vec();
        let (x, y) = point.split_at(32);
        let negative = fixed(&(&p - BigUint::from_bytes_be(y))).unwrap();
        points.push([x, &negative].concat());
        for coordinate in [x, y] {
            // Modulo p it is the same point, in an encoding that is not the one.
            if let Some(beyond) = fixed(&(BigUint::from_bytes_be(coordinate) + &p)) {
                points.push([&beyond[..], y].concat());
            }
        }
        points.push([y, x].concat());
        let mut changed = point.clone();
        changed[i % 64] ^= 1 << (i % 8);
        points.extend([point, changed, random.bytes(64)]);
    }
    let edges = [vec![0; 32], fixed(&(&p - 1_u8)).unwrap(), fixed(&p).unwrap(), vec![0xff; 32]];
    for a in &edges {
        points.extend(edges.iter().map(|b| [&a[..], b].concat()));
    }
    for point in points {
        let is_good = p256::PublicKey::from_sec1_bytes(&[&[4], &point[..]].concat()).is_ok();
        let jwk =
            json!({"kty": "EC", "crv": "P-256", "x": text(&point[..32]), "y": text(&point[32..])});
        assert_eq!(is_taken(&jwk), is_good, "{point:02x?}");
        counts[1][usize::from(is_good)] += 1;
        for form in [&point[..31], &point[..33], &[2], &[]] {
            let jwk =
                json!({"kty": "EC", "crv": "P-256", "x": text(form), "y": text(&point[32..])});
            assert!(!is_taken(&jwk), "{form:02x?}");
        }
    }
    println!("Ed25519: {:?}, P-256: {:?}, of each [bad, good]", counts[0], counts[1]);
    assert!(counts.iter().flatten().all(|count| *count >= 100));
}
