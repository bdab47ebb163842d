//! The JWT verifier beside another library's and a plain reading of the rules: what we take, both
//! take, and read alike.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey, Validation, decode};
use serde_json::{Map, Value, json};
use sessile::Timestamp;
use sessile::jwt::{
    Algorithm, AlgorithmName, Claims, Jwks, JwtKind, OwnKeys, Profile, Signer, SigningKey,
    VerifyingKey, verify,
};
use sessile::testing::fuzz::Plain;

use super::members::header_and_claims;

/// Any text as a token; any header and claims, and some that mean something, signed as they
/// should be; a genuine token with changed characters, and at the ends of its parts; and one
/// with any signature.
pub fn jwt(data: &[u8]) {
    thread_local! {
        static WORLD: World = World::new();
    }
    let Some((choice, rest)) = data.split_first() else { return };
    WORLD.with(|world| {
        let pair = &world.pairs[usize::from(choice & 3)];
        let token = match choice >> 2 & 7 {
            0 => rest.to_vec(),
            1 => pair.signed(rest),
            2 => pair.signed(header_and_claims(pair.algorithm.name(), rest).join("\n").as_bytes()),
            3 => edited(&pair.genuine, rest),
            4 => with_other_ends(&pair.genuine, rest),
            _ => {
                let (signed, _) = pair.genuine.rsplit_once('.').unwrap();
                format!("{signed}.{}", URL_SAFE_NO_PAD.encode(rest)).into_bytes()
            }
        };
        world.compare(&token);
    });
}

struct World {
    pairs: Vec<Pair>,
    /// The keys of all pairs, each under the name of its algorithm.
    all: Jwks,
    own: OwnKeys,
}

/// A key as both libraries hold it.
struct Pair {
    algorithm: Algorithm,
    /// This key alone, and without a name: tokens may name any or none.
    alone: Jwks,
    theirs: DecodingKey,
    /// Theirs, so that no code of ours makes what ours then takes. Not of RSA: it is slow.
    signing: Option<EncodingKey>,
    genuine: String,
}

impl World {
    fn new() -> Self {
        let (mut pairs, mut all, mut own) = (Vec::new(), Vec::new(), OwnKeys::default());
        for (name, jwk) in keys() {
            let key = VerifyingKey::from_jwk(&jwk.to_string()).unwrap();
            let algorithm = key.algorithm();
            let public = serde_json::from_value(jwk.clone()).unwrap();
            let mut pair = Pair {
                algorithm,
                alone: Jwks::new(vec![key.clone().with_kid(None).unwrap()]).unwrap(),
                theirs: DecodingKey::from_jwk(&public).unwrap(),
                signing: None,
                genuine: OPENSSL_RS256.to_owned(),
            };
            if algorithm != Algorithm::Rs256 {
                let signer = SigningKey::from_jwk(&jwk.to_string()).unwrap();
                let signer = signer.with_kid(name).unwrap();
                own = own.with(&Signer::new(signer, AlgorithmName::default()));
                pair.signing = Some(signing_key(algorithm, &jwk));
                // Under the header that is ours, so that it is one of our own tokens, too.
                let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{name}"}}"#);
                let signed = pair.signed(format!("{header}\n{CLAIMS}").as_bytes());
                pair.genuine = String::from_utf8(signed).unwrap();
            }
            pairs.push(pair);
            all.push(key.with_kid(Some(name)).unwrap());
        }
        let world = World { pairs, all: Jwks::new(all).unwrap(), own };
        world.pairs.iter().for_each(|pair| assert!(world.is_taken(pair.genuine.as_bytes())));
        world
    }

    fn is_taken(&self, token: &[u8]) -> bool {
        verify(token, &self.all, &profile(JwtKind::Access), NOW).is_ok()
    }

    /// Verifies with each set of keys as each kind; what is taken must be good.
    fn compare(&self, token: &[u8]) {
        for kind in JwtKind::ALL {
            let profile = profile(*kind);
            for pair in &self.pairs {
                if let Ok(claims) = verify(token, &pair.alone, &profile, NOW) {
                    pair.takes_too(token, *kind, &claims);
                }
            }
            let taken = verify(token, &self.all, &profile, NOW);
            if let Ok(claims) = &taken {
                let header = part(token, 0).expect("base64url");
                let kid =
                    Plain::read(&header).and_then(|h| h.get("kid")?.text().map(str::to_owned));
                let pair =
                    self.pairs.iter().zip(NAMES).find(|(_, name)| Some(*name) == kid.as_deref());
                pair.expect("the key that it names").0.takes_too(token, *kind, claims);
            }
            if let Ok(own) = self.own.verify(token, &profile, NOW) {
                let foreign = taken.expect("ours, and not anybody's");
                assert_eq!((own.sub, own.exp, own.jti), (foreign.sub, foreign.exp, foreign.jti));
            }
        }
    }
}

impl Pair {
    /// Demands that the other library takes it, and that it keeps the rules.
    fn takes_too(&self, token: &[u8], kind: JwtKind, ours: &Claims) {
        let shown = token.escape_ascii();
        let name = self.algorithm.name();
        let mut validation = Validation::new(name.parse().unwrap());
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud"]);
        // By a clock of its own; time is judged below.
        validation.validate_exp = false;
        let [header, claims] = [0, 1].map(|i| part(token, i).expect("base64url"));
        let theirs = if is_fully_specified(&header) {
            let claims = || serde_json::from_slice::<Map<_, _>>(&claims).unwrap();
            has_signed(&self.theirs, token).then(claims)
        } else {
            decode(token, &self.theirs, &validation).ok().map(|data| data.claims)
        };
        let theirs = theirs.unwrap_or_else(|| panic!("we alone take {shown}"));
        let [header, claims] = [header, claims].map(|json| Plain::read(&json).expect("JSON"));
        assert!(
            token.len() <= 8192 && token.iter().filter(|c| **c == b'.').count() == 2,
            "{shown}"
        );
        assert!(keeps_the_rules(&header, name, kind), "{shown}: header");
        assert!(!claims.has_repetitions() && claims.depth() <= 16, "{shown}: claims");
        assert!(is_in_time(&claims, kind), "{shown}: time");
        assert_eq!(claims.get("iss").and_then(Plain::text), Some(ISSUER), "{shown}");
        assert!(claims.is_same(&Value::Object(theirs)), "{shown}: read otherwise");
        let ours = serde_json::to_value(ours).unwrap();
        assert_eq!(ours.as_object().unwrap().len(), claims.members().unwrap().len());
    }

    /// Any header and claims, parted by a line feed, under a signature of the other library.
    fn signed(&self, data: &[u8]) -> Vec<u8> {
        let mut parts = data.splitn(2, |byte| *byte == b'\n');
        let message = [(); 2].map(|()| URL_SAFE_NO_PAD.encode(parts.next().unwrap_or_default()));
        let message = message.join(".");
        let Some(key) = &self.signing else { return message.into_bytes() };
        let algorithm = self.algorithm.name().parse().unwrap();
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
        format!("{message}.{signature}").into_bytes()
    }
}

/// RFC 8725 and 7515 over a header, once more.
fn keeps_the_rules(header: &Plain, algorithm: &str, kind: JwtKind) -> bool {
    let refused = ["crit", "b64", "zip", "enc", "cty", "jwk"];
    let text = |name| header.get(name).and_then(Plain::text);
    let is_named =
        text("alg") == Some(algorithm) || (algorithm == "EdDSA" && text("alg") == Some("Ed25519"));
    let typ = text("typ").map(str::to_ascii_lowercase);
    let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    let is_of_kind = match (kind, typ) {
        (JwtKind::Access, typ) => typ == Some("at+jwt"),
        (JwtKind::Logout, typ) => typ == Some("logout+jwt"),
        (JwtKind::SecurityEvent, typ) => typ == Some("secevent+jwt"),
        (_, typ) => typ.is_none_or(|typ| typ == "jwt"),
    };
    !header.has_repetitions()
        && header.depth() <= 16
        && is_named
        && is_of_kind
        && (header.get("typ").is_none() || text("typ").is_some())
        && refused.iter().all(|name| header.get(name).is_none())
}

/// In wide integers, which no sum here leaves. A token without an end is a security event.
fn is_in_time(claims: &Plain, kind: JwtKind) -> bool {
    let (now, leeway) = (i128::from(NOW.as_millis()), 5_000);
    let seconds = |name| {
        claims.get(name).map(|value| match value {
            Plain::Integer(n) if (0..1 << 53).contains(n) => n * 1000,
            other => panic!("{name} is {other:?}"),
        })
    };
    let has_begun = |name| seconds(name).is_none_or(|at| now + leeway >= at);
    seconds("exp").map_or(kind == JwtKind::SecurityEvent, |end| now < end + leeway)
        && has_begun("nbf")
        && has_begun("iat")
}

/// Whether the header says `Ed25519` (RFC 9864), a name that the other library does not know.
fn is_fully_specified(header: &[u8]) -> bool {
    let header = Plain::read(header).expect("JSON");
    header.get("alg").and_then(Plain::text) == Some("Ed25519")
}

fn has_signed(key: &DecodingKey, token: &[u8]) -> bool {
    let (signed, signature) = std::str::from_utf8(token).unwrap().rsplit_once('.').unwrap();
    let algorithm = jsonwebtoken::Algorithm::EdDSA;
    jsonwebtoken::crypto::verify(signature, signed.as_bytes(), key, algorithm).unwrap_or(false)
}

/// The bytes of one part, by a decoder that is not ours.
fn part(token: &[u8], i: usize) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(token.split(|c| *c == b'.').nth(i)?).ok()
}

/// `text` with its characters at some places replaced: `edits` is triples of (place, character).
fn edited(text: &str, edits: &[u8]) -> Vec<u8> {
    let mut characters = text.as_bytes().to_vec();
    for edit in edits.chunks_exact(3) {
        let place = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % characters.len();
        characters[place] = edit[2];
    }
    characters
}

/// `text` with the last characters of its parts replaced, the last part's first: there an encoding may have aliases.
fn with_other_ends(text: &str, ends: &[u8]) -> Vec<u8> {
    let mut ends = ends.iter();
    let with_end = |part: &[u8]| match (part, ends.next()) {
        ([rest @ .., _], Some(end)) if *end != 0 => [rest, &[*end]].concat(),
        _ => part.to_vec(),
    };
    let parts: Vec<_> = text.as_bytes().rsplit(|c| *c == b'.').map(with_end).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(&b'.')
}

fn profile(kind: JwtKind) -> Profile {
    Profile::new(kind, ISSUER, AUDIENCE).unwrap()
}

/// In the order of [`NAMES`]; private, but for that of RS256.
fn keys() -> [(&'static str, Value); 4] {
    let rsa = json!({"kty": "RSA", "n": RSA_N, "e": "AQAB"});
    let oct = json!({"kty": "oct", "k": "azc6UXowZV80OHcxIWY1WGFXOSY2YkMyZCNUQHkqdVI"});
    let okp = json!({
        "kty": "OKP", "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let ec = json!({
        "kty": "EC", "crv": "P-256",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let [a, b, c, d] = NAMES;
    [(a, oct), (b, okp), (c, ec), (d, rsa)]
}

/// The other library's form of a private JWK.
fn signing_key(algorithm: Algorithm, jwk: &Value) -> EncodingKey {
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    match algorithm {
        Algorithm::Hs256 => EncodingKey::from_secret(&bytes("k")),
        Algorithm::EdDsa => {
            let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
            EncodingKey::from_ed_der(&[&head[..], &bytes("d")].concat())
        }
        _ => {
            let head = [0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
            let curve = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
            let key = [4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20];
            EncodingKey::from_ec_der(&[&head[..], &curve, &key, &bytes("d")].concat())
        }
    }
}

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_100_500);
const CLAIMS: &str = r#"{"iss":"https://issuer.example","aud":"api","sub":"alice","jti":"j-1",
    "iat":1700000000,"exp":1700000300}"#;
const NAMES: [&str; 4] = ["hs", "ed", "ec", "rsa-1"];

const RSA_N: &str = "\
    jMrPImzpm9HFQQ2RZkMVdNj5XqsLi-4uE_iiMRnfuWAc-MTovGyoamjeQr3YhDl22VwkeuTGMTh0regOh2UlxbJ0D0\
    -8GuXg5ie8HxiAsimSAMMduDO-OiLn1M_NZddeGNDdVC1y_hkyXTWRqk7riK31VR97XfdJdAc0Ksone11yiCeaPrV1\
    68dyV-RoOyNyeDKvbe8nZgvojkK7kldMBsZtN4fnqiLilkD4ka_2JEuLWVKM-xC9jEbw0u9AK1snADFKHtfkV4kftB\
    qzKQnpTrulH0fIAtHTUHEQrzrQ_CLXl1vjKGdLKiQO6L5JsXAxD1u7PiYzctfBvsAbyHKeCw";

/// Signed by OpenSSL, which has the private key.
const OPENSSL_RS256: &str = "\
    eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6InJzYS0xIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci\
    5leGFtcGxlIiwiYXVkIjoiYXBpIiwic3ViIjoiYWxpY2UiLCJqdGkiOiJqMSIsImlhdCI6MTcwMDAwMDAwMCwiZXhw\
    IjoxNzAwMDAwMzAwfQ.WXi9ARteAxJzwdtU2L_2zEwz-r8kEaAwKq83iYRSRQjMbeTUqWVHCJUQag4weCpXe2phU_B\
    LojzmqkI8KiMmkXYgKpOd5DGyK8SCv8CbThqm8WZYDQL1n7mzxlh8ZyWrOaTR7ON5pKy_bJQYrdJSRSJZsOLPTJI-U\
    Rmo-Yicdla1-dTGu2xOWv7MZMqxKCB-SUkP225JuyJRlvYCXMfQB-OSbs6wEFqM7Tq17bLFEUdpqHxg18kxLRKLrUl\
    43mdccg65MCUBI2_S8k7JfBoHGi6DssdfjY0Gl4rpR64xKOEDQgd2G1aMUXbqjks6ULa7e2aBM6E__h2d-p_Dxdb6P\
    g";
