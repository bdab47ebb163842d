//! Some thousands of tokens and keys, made by other libraries and by rule, in the classes that
//! published sets of vectors test: what must verify does, and nothing else.
//!
//! Whether a signature is good is known from how it was made, and a second library is asked, so
//! that a vector that is itself wrong is noticed. `SESSILE_SEED` repeats a run.

mod keys;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use jsonwebtoken::{DecodingKey, EncodingKey};
use p256::Scalar;
use p256::elliptic_curve::PrimeField as _;
use p256::elliptic_curve::ops::Reduce as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::sha2::{Digest as _, Sha256};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BigUint, RsaPrivateKey};
use serde_json::{Value, json};
use sessile::Timestamp;
use sessile::jwt::{Jwks, JwtKind, Profile, VerifyingKey, verify};
use sessile_tests::project_root;

/// A key, a message, and the signatures of the message that are and are not good.
struct Group {
    algorithm: &'static str,
    jwk: Value,
    message: String,
    vectors: Vec<(String, Vec<u8>, bool)>,
}

impl Group {
    fn new(algorithm: &'static str, jwk: Value, filler: usize) -> Self {
        let header = json!({"alg": algorithm, "typ": "at+jwt"}).to_string();
        let claims = json!({
            "iss": "i", "aud": "a", "sub": "s", "jti": "j", "iat": 1, "exp": 4_000_000_000_u64,
            "filler": "f".repeat(filler),
        });
        let message = [header, claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part));
        Group { algorithm, jwk, message: message.join("."), vectors: Vec::new() }
    }

    fn good(&mut self, what: &str, signature: impl AsRef<[u8]>) {
        self.vectors.push((what.into(), signature.as_ref().to_vec(), true));
    }

    fn bad(&mut self, what: impl Into<String>, signature: impl AsRef<[u8]>) {
        self.vectors.push((what.into(), signature.as_ref().to_vec(), false));
    }

    /// What goes for every algorithm: bits, lengths, order.
    fn changes_of(&mut self, good: &[u8], random: &mut Random) {
        for place in [0, 1, good.len() / 2 - 1, good.len() / 2, good.len() - 2, good.len() - 1] {
            for bit in 0..8 {
                let mut changed = good.to_vec();
                changed[place] ^= 1 << bit;
                self.bad(format!("bit {bit} of byte {place}"), changed);
            }
        }
        for len in [0, 1, good.len() / 2, good.len() - 1] {
            self.bad(format!("the first {len} bytes"), &good[..len]);
            self.bad(format!("the last {len} bytes"), &good[good.len() - len..]);
        }
        self.bad("a zero before", [&[0], good].concat());
        self.bad("a zero behind", [good, &[0]].concat());
        self.bad("twice", good.repeat(2));
        self.bad("backwards", good.iter().rev().copied().collect::<Vec<_>>());
        self.bad("zeros", vec![0; good.len()]);
        self.bad("ones", vec![0xff; good.len()]);
        self.bad("in base64url", URL_SAFE_NO_PAD.encode(good));
        self.bad("at random", random.bytes(good.len()));
    }

    /// Asks us and the other library; the number of vectors.
    fn check(&self) -> usize {
        let key = VerifyingKey::from_jwk(&self.jwk.to_string()).unwrap();
        let keys = Jwks::new(vec![key.with_kid(None).unwrap()]).unwrap();
        let profile = Profile::new(JwtKind::Access, "i", "a").unwrap();
        let theirs = DecodingKey::from_jwk(&serde_json::from_value(self.jwk.clone()).unwrap());
        let (theirs, algorithm) = (theirs.unwrap(), self.algorithm.parse().unwrap());
        for (what, signature, is_good) in &self.vectors {
            let what = format!("{} {what}: {signature:02x?}", self.algorithm);
            let text = URL_SAFE_NO_PAD.encode(signature);
            let token = format!("{}.{text}", self.message);
            let taken = verify(token.as_bytes(), &keys, &profile, NOW);
            assert_eq!(taken.is_ok(), *is_good, "{what}: {taken:?}");
            let message = self.message.as_bytes();
            let taken = jsonwebtoken::crypto::verify(&text, message, &theirs, algorithm);
            assert_eq!(taken.unwrap_or(false), *is_good, "they say of {what}");
        }
        self.vectors.len()
    }
}

#[test]
fn hmac() {
    let mut random = Random::new();
    let mut count = 0;
    for (len, filler) in [(32, 0), (33, 1), (48, 55), (63, 64), (64, 119), (65, 500), (200, 4_000)]
    {
        let secret = random.bytes(len);
        let mut group = Group::new(
            "HS256",
            json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(&secret)}),
            filler,
        );
        let by = |name: &str, secret: &[u8], message: &str| {
            let (key, name) = (EncodingKey::from_secret(secret), name.parse().unwrap());
            let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &key, name).unwrap();
            URL_SAFE_NO_PAD.decode(mac).unwrap()
        };
        let message = group.message.clone();
        let good = by("HS256", &secret, &message);
        group.good("the MAC", &good);
        group.changes_of(&good, &mut random);
        for len in 2..32 {
            group.bad(format!("cut to {len} bytes"), &good[..len]);
        }
        for other in ["HS384", "HS512"] {
            group.bad(other, by(other, &secret, &message));
            group.bad(format!("{other} cut"), &by(other, &secret, &message)[..32]);
        }
        let padded = [&secret[..], &[0]].concat();
        if len >= 64 {
            // Below the block's length, zeros behind a key are the same key: that is HMAC.
            group.bad("a zero behind the key", by("HS256", &padded, &message));
        }
        group.bad("half a key", by("HS256", &secret[..len / 2], &message));
        group.bad("no key", by("HS256", b"", &message));
        let text = URL_SAFE_NO_PAD.encode(&secret);
        group.bad("the key's text", by("HS256", text.as_bytes(), &message));
        for other in ["", ".", &message[1..], &message.to_lowercase(), &format!("{message}.")] {
            group.bad("of another message", by("HS256", &secret, other));
        }
        count += group.check();
    }
    println!("{count} vectors");
    assert!(count >= 600);
}

/// Little-endian: the order of the base point.
const L: [u8; 32] = {
    let mut bytes = [0; 32];
    let low = 0x14de_f9de_a2f7_9cd6_5812_631a_5cf5_d3ed_u128.to_le_bytes();
    let mut i = 0;
    while i < 16 {
        bytes[i] = low[i];
        i += 1;
    }
    bytes[31] = 0x10;
    bytes
};

/// Encodings of the points of small order, canonical and not: y and, for each, its sign.
fn small_order() -> Vec<[u8; 32]> {
    let last = |low: u8| {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (low, 0x7f);
        bytes
    };
    let first = |low: u8| {
        let mut bytes = [0; 32];
        bytes[0] = low;
        bytes
    };
    let of_order_8 = [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    let hex = |text: &str| -> [u8; 32] {
        std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
    };
    let mut all = vec![first(0), first(1), last(0xec), last(0xed), last(0xee)];
    all.extend(of_order_8.map(hex));
    let negative = all.clone().into_iter().map(|mut bytes| {
        bytes[31] |= 0x80;
        bytes
    });
    all.extend(negative);
    all
}

#[test]
fn ed25519() {
    let mut random = Random::new();
    let mut count = 0;
    for filler in [0, 1, 50, 1_000] {
        let key = ed25519_dalek::SigningKey::from_bytes(&random.array());
        let other = ed25519_dalek::SigningKey::from_bytes(&random.array());
        let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let mut group =
            Group::new("EdDSA", json!({"kty": "OKP", "crv": "Ed25519", "x": x}), filler);
        let good = key.sign(group.message.as_bytes()).to_bytes();
        let (r, s) = good.split_at(32);
        group.good("the signature", good);
        group.changes_of(&good, &mut random);
        group.bad("S and R exchanged", [s, r].concat());
        let (order, s_value) = (BigUint::from_bytes_le(&L), BigUint::from_bytes_le(s));
        for k in 1..16_u32 {
            let mut sum = (&s_value + &order * k).to_bytes_le();
            if sum.len() <= 32 {
                sum.resize(32, 0);
                group.bad(format!("S + {k} L"), [r, &sum].concat());
            }
        }
        for (what, value) in [("L", order.clone()), ("L - S", &order - &s_value)] {
            let mut value = value.to_bytes_le();
            value.resize(32, 0);
            group.bad(format!("S is {what}"), [r, &value].concat());
        }
        for bit in 252..256 {
            let mut high = good;
            high[63] |= 1 << (bit - 248);
            if high != good {
                group.bad(format!("bit {bit} of S"), high);
            }
        }
        for small in small_order() {
            for s in [s, &[0; 32], &L, &random.bytes(32)] {
                group.bad("R of small order", [&small[..], s].concat());
            }
        }
        for low in 0xed..=0xff_u8 {
            let mut beyond = [0xff; 32];
            (beyond[0], beyond[31]) = (low, 0x7f);
            group.bad("R beyond p", [&beyond[..], s].concat());
        }
        group.bad("R is the key", [key.verifying_key().as_bytes(), s].concat());
        group.bad("by another key", other.sign(group.message.as_bytes()).to_bytes());
        group.bad("of another message", key.sign(b"").to_bytes());
        group.bad(
            "of a longer message",
            key.sign(format!("{}.", group.message).as_bytes()).to_bytes(),
        );
        count += group.check();
    }
    println!("{count} vectors");
    assert!(count >= 500);
}

fn big(scalar: &Scalar) -> Vec<u8> {
    scalar.to_repr().to_vec()
}

/// 32 bytes, big-endian; `None`: it takes more.
fn fixed(value: &BigUint) -> Option<Vec<u8>> {
    let bytes = value.to_bytes_be();
    let zeros = 32_usize.checked_sub(bytes.len())?;
    Some([vec![0; zeros], bytes].concat())
}

#[test]
fn p256_signatures() {
    let mut random = Random::new();
    let mut count = 0;
    let n = BigUint::from_bytes_be(&big(&-Scalar::ONE)) + 1_u8;
    for filler in [0, 1, 100] {
        let key = p256::ecdsa::SigningKey::from_slice(&random.bytes(32)).unwrap();
        let other = p256::ecdsa::SigningKey::from_slice(&random.bytes(32)).unwrap();
        let mut group = Group::new("ES256", p256_jwk(key.verifying_key()), filler);
        let message = group.message.clone();
        let good = sign_p256(&key, &message);
        let (r, s) = good.split_at(32);
        group.good("the signature", &good);
        group.changes_of(&good, &mut random);
        let minus_s = fixed(&(&n - BigUint::from_bytes_be(s))).unwrap();
        group.good("the other S", [r, &minus_s].concat());
        let minus_r = fixed(&(&n - BigUint::from_bytes_be(r))).unwrap();
        group.bad("the other R", [&minus_r[..], s].concat());
        group.bad("the other R and S", [&minus_r[..], &minus_s].concat());

        let two_to_256 = BigUint::from(1_u8) << 256;
        let number = |value: u32| BigUint::from(value);
        let edges = [0_u32, 1, 2].map(number).into_iter();
        let edges = edges.chain([&n - 2_u8, &n - 1_u8, n.clone(), &n + 1_u8, &n + 2_u8]);
        let edges = edges.chain([&n >> 1, (&n >> 1) + 1_u8, &two_to_256 - 1_u8, &two_to_256 - &n]);
        let edges: Vec<_> = edges.map(|value| fixed(&value).unwrap()).collect();
        for a in &edges {
            group.bad("R at an edge", [a, s].concat());
            group.bad("S at an edge", [r, a].concat());
            for b in &edges {
                group.bad("both at an edge", [&a[..], b].concat());
            }
        }
        for (what, a, b) in [("R", r, s), ("S", s, r)] {
            if let Some(beyond) = fixed(&(BigUint::from_bytes_be(a) + &n)) {
                let pair = if what == "R" { [&beyond[..], b] } else { [b, &beyond[..]] };
                group.bad(format!("{what} + n"), pair.concat());
            }
        }
        group.bad("exchanged", [s, r].concat());
        group.bad("DER", der_of(r, s));
        group.bad("DER in 64 bytes", &der_of(r, s)[..64]);
        group.bad("33 bytes each", [&[0], r, &[0], s].concat());
        group.bad("in P-521's length", [&[0; 34], r, &[0; 34], s].concat());
        group.bad("little-endian", {
            let reversed = |half: &[u8]| half.iter().rev().copied().collect::<Vec<_>>();
            [reversed(r), reversed(s)].concat()
        });
        group.bad("by another key", sign_p256(&other, &message));
        group.bad("of another message", sign_p256(&key, ""));
        group.bad("the sum is the point at infinity", at_infinity(&key, &message));
        for (what, signature) in with_leading_zeros(&key, &message, &mut random) {
            group.good(what, &signature);
            let at = if what.starts_with('R') { 0 } else { 32 };
            let shorter = [&signature[..at], &signature[at + 1..]].concat();
            group.bad(format!("{what}, cut"), shorter);
        }
        count += group.check();
    }
    println!("{count} vectors");
    assert!(count >= 600);
}

fn p256_jwk(key: &p256::ecdsa::VerifyingKey) -> Value {
    let point = key.to_encoded_point(false);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({"kty": "EC", "crv": "P-256", "x": text(&point.as_bytes()[1..33]), "y": text(&point.as_bytes()[33..])})
}

fn sign_p256(key: &p256::ecdsa::SigningKey, message: &str) -> Vec<u8> {
    use p256::ecdsa::signature::Signer as _;
    let signature: p256::ecdsa::Signature = key.sign(message.as_bytes());
    signature.to_bytes().to_vec()
}

fn digest_of(message: &str) -> Scalar {
    Scalar::reduce_bytes(&Sha256::digest(message.as_bytes()))
}

/// r = -e / d: then u1 G + u2 Q = 0 for every s.
fn at_infinity(key: &p256::ecdsa::SigningKey, message: &str) -> Vec<u8> {
    let d = key.as_nonzero_scalar();
    let r = -digest_of(message) * d.invert().unwrap();
    [big(&r), big(&(digest_of("any") + Scalar::ONE))].concat()
}

/// Good signatures whose R, or S, begins with a zero: with nonces at random until one does.
fn with_leading_zeros(
    key: &p256::ecdsa::SigningKey,
    message: &str,
    random: &mut Random,
) -> Vec<(&'static str, Vec<u8>)> {
    use p256::elliptic_curve::point::AffineCoordinates as _;
    let (e, d) = (digest_of(message), key.as_nonzero_scalar());
    let mut found = Vec::new();
    for what in ["R begins with a zero", "S begins with a zero"] {
        let signature = std::iter::repeat_with(|| {
            let nonce = Scalar::reduce_bytes(&random.array::<32>().into());
            let point = (p256::ProjectivePoint::GENERATOR * nonce).to_affine();
            let r = Scalar::reduce_bytes(&point.x());
            let s = nonce.invert().unwrap() * (e + r * d.as_ref());
            [big(&r), big(&s)].concat()
        });
        let at = if what.starts_with('R') { 0 } else { 32 };
        let signature = signature.take(20_000).find(|signature| signature[at] == 0);
        found.push((what, signature.expect("one in 256")));
    }
    found
}

fn der_of(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap();
        let sign = if bytes[start] >= 0x80 { vec![0] } else { vec![] };
        let body = [&sign, &bytes[start..]].concat();
        [vec![2, body.len() as u8], body].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}

/// Encoded messages of PKCS #1 v1.5 that differ from the one that is right, each raised to the
/// private exponent: only whoever has the key can make these, and still none is good.
#[test]
fn rs256() {
    let data =
        std::fs::read_to_string(project_root().join("tests/data/jose/openssl.json")).unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    let pem = data["refused_pkcs8"].as_array().unwrap().iter().find(|case| case["why"] == "RSA");
    let key = RsaPrivateKey::from_pkcs8_pem(pem.unwrap()["pem"].as_str().unwrap()).unwrap();
    let mut random = Random::new();
    let mut count = 0;
    for filler in [0, 1, 300] {
        let text = |value: &BigUint| URL_SAFE_NO_PAD.encode(value.to_bytes_be());
        let jwk = json!({"kty": "RSA", "n": text(key.n()), "e": text(key.e())});
        let mut group = Group::new("RS256", jwk, filler);
        let raise = |encoded: &[u8]| {
            let value = BigUint::from_bytes_be(encoded).modpow(key.d(), key.n()).to_bytes_be();
            [vec![0; 256 - value.len()], value].concat()
        };
        let hash = Sha256::digest(group.message.as_bytes());
        let right = encoded(&[&DIGEST_INFO[..], &hash].concat());
        let good = raise(&right);
        group.good("the signature", &good);
        group.changes_of(&good, &mut random);
        let plus_n = (BigUint::from_bytes_be(&good) + key.n()).to_bytes_be();
        group.bad("S + n", plus_n);
        group.bad("n - S", (key.n() - BigUint::from_bytes_be(&good)).to_bytes_be());
        for place in (0..256).filter(|place| *place < 12 || *place > 195) {
            let mut changed = right.clone();
            changed[place] ^= 1;
            if place > 0 {
                group.bad(format!("byte {place} of the padding or digest"), raise(&changed));
            }
        }
        let info = |head: &[u8]| [head, &hash].concat();
        let without_null = [&[0x30, 0x2f, 0x30, 0x0b][..], &DIGEST_INFO[4..15], &DIGEST_INFO[17..]];
        for (what, body) in [
            ("the hash alone", hash.to_vec()),
            ("no DigestInfo's algorithm", info(&[4, 0x20])),
            ("without NULL", info(&without_null.concat())),
            (
                "of SHA-384",
                info(&{
                    let mut other = DIGEST_INFO;
                    other[14] = 2;
                    other
                }),
            ),
            ("of SHA-1", {
                let head = [0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0xe, 3, 2, 0x1a, 5, 0, 4, 0x14];
                [&head[..], &hash[..20]].concat()
            }),
            ("a long form of length", { [&[0x30, 0x81][..], &DIGEST_INFO[1..], &hash].concat() }),
            ("garbage behind", [&DIGEST_INFO[..], &hash, &[0; 8]].concat()),
            ("another hash", [&DIGEST_INFO[..], &Sha256::digest(b"")].concat()),
        ] {
            group.bad(what, raise(&encoded(&body)));
        }
        // Garbage where the padding should have been: the forgery for small exponents.
        for short in [0, 1, 8, 100, 200] {
            let mut bytes = vec![0, 1];
            bytes.extend(vec![0xff; short]);
            bytes.push(0);
            bytes.extend([&DIGEST_INFO[..], &hash].concat());
            bytes.extend(random.bytes(256_usize.saturating_sub(bytes.len())));
            if bytes != right && bytes.len() == 256 {
                group.bad(format!("{short} bytes of padding"), raise(&bytes));
            }
        }
        for kind in [0, 2, 0xff] {
            let mut bytes = right.clone();
            bytes[1] = kind;
            group.bad(format!("block type {kind}"), raise(&bytes));
        }
        group.bad("unraised", &right);
        group.bad("raised by e", {
            let value = BigUint::from_bytes_be(&right).modpow(key.e(), key.n()).to_bytes_be();
            [vec![0; 256 - value.len()], value].concat()
        });
        count += group.check();
    }
    println!("{count} vectors");
    assert!(count >= 400);
}

/// EMSA-PKCS1-v1_5 for 2,048 bits.
fn encoded(body: &[u8]) -> Vec<u8> {
    [&[0, 1][..], &vec![0xff; 256 - 3 - body.len()], &[0], body].concat()
}

const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];

/// RFC 7515, A.5: a token without a signature, whatever the key and whatever is expected.
#[test]
fn the_unsecured_token_of_the_rfc_is_nobodys() {
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF\
                 tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    let key = VerifyingKey::from_secret(&Random::new().bytes(32)).unwrap();
    for keys in [Jwks::new(vec![key]).unwrap(), Jwks::default()] {
        for kind in [JwtKind::Plain, JwtKind::Access] {
            let profile = Profile::new(kind, "joe", "anybody").unwrap();
            let taken = verify(token.as_bytes(), &keys, &profile, Timestamp::from_millis(0));
            assert!(taken.is_err());
        }
    }
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = std::env::var("SESSILE_SEED")
            .map_or_else(|_| std::process::id().into(), |seed| seed.parse().unwrap());
        println!("SESSILE_SEED={seed}");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
