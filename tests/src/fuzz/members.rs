//! Headers and claims put together from members that mean something: a fuzzer seldom writes one
//! by itself.

/// A header and claims, as JSON text.
pub(super) fn header_and_claims(algorithm: &str, edits: &[u8]) -> [String; 2] {
    let mut header = vec![("alg".into(), format!("{algorithm:?}")), member("typ", "\"at+jwt\"")];
    let mut claims: Vec<_> = CLAIMS.iter().map(|(name, value)| member(name, value)).collect();
    for edit in edits.chunks_exact(2) {
        let [which, value] = [edit[0], edit[1]].map(usize::from);
        let value = VALUES[value % VALUES.len()];
        let (members, names) = match which >> 7 {
            0 => (&mut header, HEADER_NAMES),
            _ => (&mut claims, CLAIM_NAMES),
        };
        let (name, is_added) = (names[which % 64 % names.len()], which >> 6 & 1 == 1);
        match members.iter_mut().find(|(n, _)| n == name) {
            Some(there) if !is_added => there.1 = value.to_owned(),
            _ => members.push(member(name, value)),
        }
    }
    [header, claims].map(|members| {
        let written: Vec<_> = members.iter().map(|(n, value)| format!("\"{n}\":{value}")).collect();
        format!("{{{}}}", written.join(","))
    })
}

fn member(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

const CLAIMS: [(&str, &str); 6] = [
    ("iss", "\"https://issuer.example\""),
    ("aud", "\"api\""),
    ("sub", "\"alice\""),
    ("jti", "\"j-1\""),
    ("iat", "1700000000"),
    ("exp", "1700000300"),
];

/// The last is `alg` in other letters.
const HEADER_NAMES: &[&str] = &[
    "alg",
    "typ",
    "kid",
    "crit",
    "b64",
    "zip",
    "enc",
    "cty",
    "jwk",
    "jku",
    "x5u",
    "x5c",
    "x5t",
    "x5t#S256",
    "other",
    "\\u0061lg",
];

const CLAIM_NAMES: &[&str] = &[
    "iss",
    "aud",
    "sub",
    "jti",
    "iat",
    "exp",
    "nbf",
    "sid",
    "auth_time",
    "seq",
    "ver",
    "events",
    "sub_id",
    "nonce",
    "other",
    "\\u0065xp",
];

/// The times are just before and just after the verifier's, with and without its leeway.
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "1.0",
    "1.5",
    "1e3",
    "1e300",
    "1700000095",
    "1700000096",
    "1700000100",
    "1700000105",
    "1700000106",
    "9007199254740991",
    "9007199254740992",
    "18446744073709551616",
    "\"\"",
    "\"x\"",
    "\"1700000300\"",
    "\"none\"",
    "\"HS256\"",
    "\"EdDSA\"",
    "\"Ed25519\"",
    "\"ES256\"",
    "\"RS256\"",
    "\"JWT\"",
    "\"at+jwt\"",
    "\"application/at+JWT\"",
    "\"logout+jwt\"",
    "\"secevent+jwt\"",
    "\"hs\"",
    "\"ed\"",
    "\"DEF\"",
    "\"api\"",
    "\"https://issuer.example\"",
    "\"https://issuer.example/\"",
    "[]",
    "[\"api\"]",
    "[\"x\",\"api\"]",
    "[\"api\",1]",
    "[[\"api\"]]",
    "[\"b64\"]",
    "{}",
    "{\"u\":{}}",
    "{\"a\":1,\"a\":1}",
    "{\"http://schemas.openid.net/event/backchannel-logout\":{}}",
    "{\"kty\":\"oct\",\"k\":\"AA\"}",
    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
];
