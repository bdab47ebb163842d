//! Rules of the header, and of the key that it names.

use ring::hmac;

use super::*;

pub(super) fn algorithms(corpus: &mut Corpus) {
    for name in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "noNE",
        "none ",
        " none",
        "",
        "hs256",
        "Hs256",
        "HS256 ",
        " HS256",
        "HS256\\u0000",
        "HS-256",
        "HS1",
        "HS384",
        "HS512",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES384",
        "ES512",
        "ES256K",
        "eddsa",
        "Eddsa",
        "ed25519",
        "Ed448",
        "ES256K1",
        "dir",
        "A128KW",
        "RSA-OAEP",
        "ECDH-ES",
        "HMACSHA256",
        "null",
    ] {
        let header = format!(r#"{{"alg":"{name}","typ":"at+jwt","kid":"HS256"}}"#);
        corpus.header("alg", &header, Reason::UnknownKey);
        if name.trim().eq_ignore_ascii_case("none") {
            let parts = [header.clone(), claims().to_string()];
            let token = parts.map(|part| base64url::encode_string(part.as_bytes())).join(".") + ".";
            corpus.add(format!("alg unsigned: {header}"), token, Reason::UnknownKey);
        }
    }
    for name in ["RS256", "ES256", "EdDSA", "Ed25519"] {
        let header = format!(r#"{{"alg":"{name}","typ":"at+jwt","kid":"HS256"}}"#);
        corpus.header("alg of another key", &header, Reason::UnknownKey);
    }
    for value in ["null", "1", "true", r#"["HS256"]"#, r#"{"HS256":1}"#] {
        let header = format!(r#"{{"alg":{value},"typ":"at+jwt","kid":"HS256"}}"#);
        corpus.header("alg is no text", &header, Reason::Malformed);
    }
    corpus.header("no alg", r#"{"typ":"at+jwt","kid":"HS256"}"#, Reason::Malformed);
    corpus.header("no alg", r#"{"ALG":"HS256","typ":"at+jwt","kid":"HS256"}"#, Reason::Malformed);
    corpus.header("control", r#"{"kid":"HS256","typ":"at+jwt","alg":"HS256"}"#, None);
    corpus.header("control", r#"{"\u0061lg":"HS\u003256","typ":"at+jwt","kid":"HS256"}"#, None);
}

/// HS256 with what everybody knows of the asymmetric keys as the secret.
pub(super) fn confusion(corpus: &mut Corpus) {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let jwk = jwk_of(corpus.keys.of(algorithm).verifying_key());
        let members: Value = serde_json::from_str(&jwk).unwrap();
        let x = members["x"].as_str().unwrap();
        let mut raw = [0; 32];
        assert!(base64url::decode(x.as_bytes(), &mut raw));
        let secrets: Vec<Vec<u8>> = vec![
            raw.to_vec(),
            x.as_bytes().to_vec(),
            jwk.as_bytes().to_vec(),
            format!("{jwk}\n").into_bytes(),
            [&[4][..], &raw].concat(),
            [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &raw].concat(),
            format!("-----BEGIN PUBLIC KEY-----\n{x}\n-----END PUBLIC KEY-----\n").into_bytes(),
            format!("-----BEGIN PUBLIC KEY-----\n{x}\n-----END PUBLIC KEY-----").into_bytes(),
            algorithm.name().as_bytes().to_vec(),
            Vec::new(),
        ];
        for (i, secret) in secrets.iter().enumerate() {
            for (kid, reason) in
                [(algorithm.name(), Reason::UnknownKey), ("HS256", Reason::BadSignature)]
            {
                let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#);
                let signed = [header, claims().to_string()]
                    .map(|part| base64url::encode_string(part.as_bytes()))
                    .join(".");
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                let mac = hmac::sign(&key, signed.as_bytes());
                let token = format!("{signed}.{}", base64url::encode_string(mac.as_ref()));
                corpus.add(format!("confusion {algorithm} {i} {kid}"), token, reason);
            }
        }
    }
}

pub(super) fn key_ids(corpus: &mut Corpus) {
    for kid in [
        "hs256",
        "HS256 ",
        " HS256",
        "HS256\\u0000",
        "HS25",
        "HS2566",
        "HS256/../HS256",
        "../../../dev/null",
        "/dev/null",
        "file:///dev/null",
        "' OR 1=1 --",
        "x' UNION SELECT 'secret' --",
        "$(id)",
        "*",
        "%",
        "H\\u0405256",
        "EdDSA",
        "ES256",
        "0",
        "undefined",
        "null",
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#);
        corpus.header("kid", &header, Reason::UnknownKey);
    }
    corpus.header("no kid", r#"{"alg":"HS256","typ":"at+jwt"}"#, Reason::UnknownKey);
    let long = "k".repeat(65);
    for kid in
        ["null", "1", "true", "\"\"", r#"["HS256"]"#, r#"{"kid":"HS256"}"#, &format!("\"{long}\"")]
    {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":{kid}}}"#);
        corpus.header("kid is no name", &header, Reason::Malformed);
    }
}

pub(super) fn members(corpus: &mut Corpus) {
    for member in REFUSED {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"HS256",{member}}}"#);
        corpus.header("member", &header, Reason::Malformed);
    }
    for member in [
        r#""jku":"https://attacker.example/jwks""#,
        r#""x5u":"https://attacker.example/""#,
        r#""x5c":["MIIB"]"#,
        r#""x5t":"AAAA""#,
        r#""x":{"y":[1,2.5,null]}"#,
        r#""iss":"other""#,
        r#""x":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]"#,
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"HS256",{member}}}"#);
        corpus.header("control: nothing to us", &header, None);
    }
    // The same references with a key of the attacker's: what they point to is not asked.
    let attacker = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let jwk = jwk_of(attacker.verifying_key());
    let sub = claims().to_string();
    for (member, kid, reason) in [
        (format!(r#""jwk":{jwk}"#), "EdDSA", Reason::Malformed),
        (r#""jku":"https://attacker.example/jwks""#.into(), "EdDSA", Reason::BadSignature),
        (r#""jku":"https://attacker.example/jwks""#.into(), attacker.kid(), Reason::UnknownKey),
        (r#""x5u":"https://attacker.example/""#.into(), "EdDSA", Reason::BadSignature),
        (r#""x5c":["MIIB"]"#.into(), "EdDSA", Reason::BadSignature),
        (r#""x":0"#.into(), "EdDSA", Reason::BadSignature),
    ] {
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}",{member}}}"#);
        let token = token_of(&attacker, header.as_bytes(), sub.as_bytes());
        corpus.add(format!("embedded: {header}"), token, reason);
    }
}

pub(super) fn types(corpus: &mut Corpus) {
    for typ in [
        "JWT",
        "jwt",
        "JWS",
        "JOSE",
        "at",
        "at+jwt ",
        " at+jwt",
        "at+jwt;",
        "at+jwt; charset=utf-8",
        "at-jwt",
        "application/JWT",
        "text/at+jwt",
        "application/application/at+jwt",
        "application//at+jwt",
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "rt+jwt",
        "id+jwt",
        "a\\u0442+jwt",
        "at+jwt\\u0000",
        "at+\\u212awt",
        "",
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"{typ}","kid":"HS256"}}"#);
        corpus.header("typ", &header, Reason::WrongKind);
    }
    corpus.header("no typ", r#"{"alg":"HS256","kid":"HS256"}"#, Reason::WrongKind);
    for typ in ["null", "1", r#"["at+jwt"]"#] {
        let header = format!(r#"{{"alg":"HS256","typ":{typ},"kid":"HS256"}}"#);
        corpus.header("typ is no text", &header, Reason::Malformed);
    }
    for typ in ["AT+JWT", "application/at+jwt", "APPLICATION/At+Jwt"] {
        let header = format!(r#"{{"alg":"HS256","typ":"{typ}","kid":"HS256"}}"#);
        corpus.header("control: a media type", &header, None);
    }
}

/// Members that no header may have beside good ones.
const REFUSED: &[&str] = &[
    r#""crit":["exp"]"#,
    r#""crit":["b64"],"b64":false"#,
    r#""crit":[]"#,
    r#""crit":"exp""#,
    r#""crit":null"#,
    r#""crit":["alg"]"#,
    r#""crit":["exp","exp"]"#,
    r#""crit":{}"#,
    r#""crit":["http://example.com/unknown"]"#,
    r#""crit":[1]"#,
    r#""cr\u0069t":["exp"]"#,
    r#""b64":false"#,
    r#""b64":true"#,
    r#""b64":"false""#,
    r#""b64":null"#,
    r#""b64":0"#,
    r#""zip":"DEF""#,
    r#""zip":"GZ""#,
    r#""zip":null"#,
    r#""zip":1"#,
    r#""cty":"JWT""#,
    r#""cty":"jwt""#,
    r#""cty":"application/jwt""#,
    r#""cty":"text/plain""#,
    r#""enc":"A128GCM""#,
    r#""enc":null"#,
    r#""jwk":{"kty":"oct","k":"AAAA"}"#,
    r#""jwk":null"#,
    r#""jwk":"x""#,
    r#""jwk":{}"#,
    r#""jku":1"#,
    r#""jku":null"#,
    r#""x5u":["https://a"]"#,
    r#""x5c":"MIIB""#,
    r#""x5c":[1]"#,
    r#""x5c":null"#,
    r#""x5t":{}"#,
    r#""x5t#S256":7"#,
    r#""alg":"HS256""#,
    r#""alg":"none""#,
    r#""a\u006cg":"none""#,
    r#""kid":"ES256""#,
    r#""typ":"JWT""#,
    r#""x":1,"x":1"#,
    r#""x":{"y":1,"y":2}"#,
    r#""x":[[{"y":1,"\u0079":1}]]"#,
    r#""x":NaN"#,
    r#""x":1e400"#,
    r#""x":01"#,
    r#""x":'1'"#,
    r#""x":"\ud800""#,
    r#""x":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"#,
];
