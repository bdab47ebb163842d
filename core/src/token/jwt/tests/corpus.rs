//! Some three hundred tokens, each with the one rule that it breaks and the reason that must be
//! given. All are signed as they should be, unless it is the signature that is wrong.

use ring::hmac;

use super::*;

/// Rule, token, reason; no reason: a control that must pass.
type Case = (String, String, Option<Reason>);

struct Corpus {
    keys: Keys,
    cases: Vec<Case>,
}

impl Corpus {
    fn add(&mut self, rule: impl Into<String>, token: String, reason: impl Into<Option<Reason>>) {
        self.cases.push((rule.into(), token, reason.into()));
    }

    /// Good claims under this header, signed by the key of `algorithm`.
    fn header(&mut self, rule: &str, header: &str, reason: impl Into<Option<Reason>>) {
        let key = self.keys.of(Algorithm::Hs256);
        let token = token_of(key, header.as_bytes(), claims().to_string().as_bytes());
        self.add(format!("{rule}: {header}"), token, reason);
    }

    /// These claims under a good header.
    fn claims(&mut self, rule: &str, claims: &[u8], reason: impl Into<Option<Reason>>) {
        let key = self.keys.of(Algorithm::EdDsa);
        let token = token_of(key, header_of(key, JwtKind::Access).as_bytes(), claims);
        self.add(format!("{rule}: {}", String::from_utf8_lossy(claims)), token, reason);
    }

    /// Good claims but for one member, written as `value`.
    fn claim(&mut self, rule: &str, name: &str, value: &str, reason: impl Into<Option<Reason>>) {
        let mut rest = claims();
        rest.as_object_mut().unwrap().remove(name);
        let rest = rest.to_string();
        let text = format!("{{\"{name}\":{value},{}", &rest[1..]);
        self.claims(rule, text.as_bytes(), reason);
    }

    fn without(&mut self, name: &str, reason: impl Into<Option<Reason>>) {
        let mut rest = claims();
        rest.as_object_mut().unwrap().remove(name);
        self.claims("without", rest.to_string().as_bytes(), reason);
    }
}

fn algorithms(corpus: &mut Corpus) {
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
fn confusion(corpus: &mut Corpus) {
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

fn key_ids(corpus: &mut Corpus) {
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

fn header_members(corpus: &mut Corpus) {
    for member in [
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
    ] {
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

fn types(corpus: &mut Corpus) {
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

fn times(corpus: &mut Corpus) {
    for name in ["exp", "nbf", "iat", "auth_time"] {
        for value in [
            "null",
            "true",
            "\"\"",
            "\"1700000200\"",
            "1700000200.0",
            "1700000200.5",
            "1.7e9",
            "17E8",
            "-1",
            "-0",
            "9007199254740992",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "1e308",
            "1e400",
            "NaN",
            "Infinity",
            "[1700000200]",
            "{\"$date\":1}",
            "0x65",
            "01700000200",
            "+1700000200",
        ] {
            corpus.claim("time", name, value, Reason::Malformed);
        }
    }
    for (name, value, reason) in [
        ("exp", 0, Some(Reason::Expired)),
        ("exp", NOW_S - 10, Some(Reason::Expired)),
        ("exp", (1 << 53) - 1, None),
        ("nbf", NOW_S + 10, Some(Reason::NotYetValid)),
        ("nbf", (1 << 53) - 1, Some(Reason::NotYetValid)),
        ("nbf", 0, None),
        ("iat", NOW_S + 10, Some(Reason::NotYetValid)),
        ("iat", 0, None),
        ("auth_time", 0, None),
        // Milliseconds where seconds belong: far in the future, and so far no harm at the end.
        ("nbf", NOW_S * 1000, Some(Reason::NotYetValid)),
    ] {
        corpus.claim("time", name, &value.to_string(), reason);
    }
}

fn names(corpus: &mut Corpus) {
    for issuer in [
        "https://issuer.example/",
        "https://issuer.exampl",
        "https://issuer.example.evil",
        "HTTPS://issuer.example",
        "https://issuer.example ",
        "issuer.example",
        "",
        "https://issuer.ex\\u0430mple",
        "https://issuer.example\\u0000",
    ] {
        corpus.claim("iss", "iss", &format!("\"{issuer}\""), Reason::WrongIssuer);
    }
    for value in ["null", "1", r#"["https://issuer.example"]"#, "{}"] {
        corpus.claim("iss is no text", "iss", value, Reason::Malformed);
    }
    for value in [
        "\"\"",
        "\"API\"",
        "\"ap\"",
        "\"api \"",
        "\"apis\"",
        "\"api,web\"",
        "[]",
        "[\"\"]",
        "[\"web\"]",
        "[\"[\\\"api\\\"]\"]",
        "\"*\"",
    ] {
        corpus.claim("aud", "aud", value, Reason::WrongAudience);
    }
    for value in ["null", "1", "true", "{}", "{\"api\":1}", "[[\"api\"]]", "[\"api\",1]", "[null]"]
    {
        corpus.claim("aud is no text", "aud", value, Reason::Malformed);
    }
    for name in ["sub", "jti", "sid"] {
        for value in ["null", "\"\"", "1", "[\"a\"]", "{}", "true"] {
            corpus.claim("name", name, value, Reason::Malformed);
        }
    }
    for name in ["iss", "exp", "aud", "sub", "iat", "jti"] {
        corpus.without(name, Reason::MissingClaim);
    }
    corpus.without("nbf", None);
    corpus.claim("a logout token's claim", "events", "{}", Reason::WrongKind);
    corpus.claim("control", "aud", "[\"web\",\"api\"]", None);
    corpus.claim("control", "aud", "[\"api\",\"api\"]", None);
    corpus.claim("control", "EXP", "\"no claim of ours\"", None);
    corpus.claim("control", "ver", "\"2.0\"", None);
}

fn payloads(corpus: &mut Corpus) {
    let good = claims().to_string();
    let rest = &good[1..];
    for (rule, text) in [
        ("twice", format!(r#"{{"exp":1,{rest}"#)),
        ("twice", format!(r#"{{"sub":"mallory",{rest}"#)),
        ("twice", format!(r#"{{"\u0073ub":"mallory",{rest}"#)),
        ("twice", format!(r#"{{"aud":"api",{rest}"#)),
        ("twice", format!(r#"{{"x":1,"x":1,{rest}"#)),
        ("twice", format!(r#"{{"x":1,"\u0078":1,{rest}"#)),
        ("twice", format!(r#"{{"x":{{"y":1,"y":2}},{rest}"#)),
        ("twice", format!(r#"{{"x":[{{"":1,"":2}}],{rest}"#)),
        ("deep", format!(r#"{{"x":{}1{},{rest}"#, "[".repeat(16), "]".repeat(16))),
        ("deep", format!(r#"{{"x":{}1{},{rest}"#, "[".repeat(600), "]".repeat(600))),
        ("deep", format!(r#"{{"x":{}1{},{rest}"#, "{\"a\":".repeat(16), "}".repeat(16))),
        ("trailing", format!("{good}x")),
        ("trailing", format!("{good}{good}")),
        ("trailing", format!("{good}\0")),
        ("trailing", format!("{good},")),
        ("mark", format!("\u{feff}{good}")),
        ("comment", format!("/**/{good}")),
        ("no object", format!("[{good}]")),
        ("no object", "null".into()),
        ("no object", "\"alice\"".into()),
        ("no object", String::new()),
        ("cut", good[..good.len() - 1].into()),
        ("comma", format!("{},}}", &good[..good.len() - 1])),
        ("quotes", good.replace('"', "'")),
        ("surrogate", format!(r#"{{"x":"\udc00",{rest}"#)),
        ("control character", format!("{{\"x\":\"\u{1}\",{rest}")),
    ] {
        corpus.claims(rule, text.as_bytes(), Reason::Malformed);
    }
    corpus.claims("empty", b"{}", Reason::MissingClaim);
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    corpus.claims("utf-16", &utf_16, Reason::Malformed);
    for bytes in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
        let text = [b"{\"x\":\"", bytes, b"\",", rest.as_bytes()].concat();
        corpus.claims("not utf-8", &text, Reason::Malformed);
    }
    let deep = format!(r#"{{"x":{}1{},{rest}"#, "[".repeat(15), "]".repeat(15));
    corpus.claims("control", deep.as_bytes(), None);
    corpus.claims("control", format!(" \n{good}\t ").as_bytes(), None);
    let long = |len: usize| format!(r#"{{"x":"{}",{rest}"#, "x".repeat(len));
    corpus.claims("8,192 characters and more", long(6000).as_bytes(), Reason::Malformed);
    corpus.claims("control", long(5700).as_bytes(), None);
}

fn structures(corpus: &mut Corpus) {
    let key = corpus.keys.of(Algorithm::EdDsa);
    let good =
        token_of(key, header_of(key, JwtKind::Access).as_bytes(), claims().to_string().as_bytes());
    let parts: Vec<&str> = good.split('.').collect();
    let [h, c, s] = parts[..] else { unreachable!() };
    let stray = |part: &str| {
        // The next character keeps the bits that count and sets one of those that do not.
        let (rest, last) = part.split_at(part.len() - 1);
        let value = base64url::value(last.as_bytes()[0]);
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        format!("{rest}{}", char::from(alphabet[usize::from(value | 1)]))
    };
    let mut cases = vec![
        ("control", good.clone(), None),
        ("no signature", format!("{h}.{c}."), Some(Reason::BadSignature)),
        ("stray bits", format!("{h}.{c}.{}", stray(s)), Some(Reason::Malformed)),
    ];
    for text in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        ".".repeat(8192),
        ".".repeat(100_000),
        h.into(),
        format!("{h}.{c}"),
        format!("{h}.{s}"),
        format!(".{c}.{s}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{s}"),
        format!("{h}..{c}.{s}"),
        format!("{h}.{c}.{s}.{s}.{s}"),
        format!("{good}="),
        format!("{good}=="),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        format!("\u{feff}{good}"),
        format!("{good}\0"),
        format!("{h}=.{c}.{s}"),
        format!("{h}. {c}.{s}"),
        format!("Bearer {good}"),
        format!("{good},{good}"),
        format!("{good}~{good}"),
        good.replace('.', "%2e"),
        good.replace('.', "\u{ff0e}"),
        format!(r#"{{"payload":"{c}","protected":"{h}","signature":"{s}"}}"#),
        format!(r#"{{"payload":"{c}","signatures":[{{"protected":"{h}","signature":"{s}"}}]}}"#),
        format!(r#"{{"protected":"{h}","payload":"{c}","signature":"{s}","x":"{good}"}}"#),
        format!("{h}.{c}.{}", s.replace(|c: char| c.is_ascii_digit(), "+")),
        format!("{h}.{c}.{}/", &s[..85]),
        "x".repeat(8193),
        "x".repeat(1 << 20),
        format!("{good}{}", "A".repeat(8192)),
    ] {
        cases.push(("structure", text, Some(Reason::Malformed)));
    }
    for header in ["", "[]", "null", "\"x\"", "{}", "{} {}", "{", "{}x", "1"] {
        let text = format!("{}.{c}.{s}", base64url::encode_string(header.as_bytes()));
        cases.push(("header", text, Some(Reason::Malformed)));
    }
    for (rule, token, reason) in cases {
        let shown: String = token.chars().take(60).collect();
        corpus.add(format!("{rule} {} {shown}", token.len()), token, reason);
    }
    // A signature of other claims, of another header, by another key.
    let (hmac, eddsa) = (corpus.keys.of(Algorithm::Hs256), corpus.keys.of(Algorithm::EdDsa));
    let other = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let mut raised = claims();
    raised["sub"] = "mallory".into();
    let payload = base64url::encode_string(raised.to_string().as_bytes());
    let swapped = [
        ("claims exchanged", format!("{h}.{payload}.{s}")),
        (
            "by another key",
            token_of(
                &other,
                header_of(eddsa, JwtKind::Access).as_bytes(),
                claims().to_string().as_bytes(),
            ),
        ),
        (
            "by a key of another kind",
            token_of(
                hmac,
                header_of(eddsa, JwtKind::Access).as_bytes(),
                claims().to_string().as_bytes(),
            ),
        ),
    ];
    for (rule, token) in swapped {
        corpus.add(rule, token, Reason::BadSignature);
    }
}

#[test]
fn every_rule_is_kept_and_the_reason_is_the_rule() {
    let mut corpus = Corpus { keys: Keys::new(), cases: Vec::new() };
    for add in
        [algorithms, confusion, key_ids, header_members, types, times, names, payloads, structures]
    {
        add(&mut corpus);
    }
    let Corpus { keys, cases } = corpus;
    let copy = |key: &SigningKey| SigningKey::from_bytes(&key.to_bytes()).unwrap();
    let signers = keys.signing.iter().map(|key| Signer::new(copy(key), Default::default()));
    let own = signers.fold(OwnKeys::default(), |own, signer| own.with(&signer));
    let profile = profile(JwtKind::Access);
    let ours = keys.signing.iter().map(|key| header_of(key, JwtKind::Access));
    let ours: Vec<String> =
        ours.map(|text| base64url::encode_string(text.as_bytes()) + ".").collect();
    let mut wrong = Vec::new();
    for (rule, token, reason) in &cases {
        let token = token.as_bytes();
        let found = verify(token, &keys.set, &profile, NOW).err();
        if found != *reason {
            wrong.push(format!("{rule}\n    {found:?} for {reason:?}"));
        }
        let own = own.verify(token, &profile, NOW).err();
        let is_ours = ours.iter().any(|header| token.starts_with(header.as_bytes()));
        // `ver` is a number of ours there. Under another header no token is one of ours.
        let agrees =
            if is_ours { own == *reason || rule.contains("\"ver\"") } else { own.is_some() };
        if !agrees {
            wrong.push(format!("{rule}\n    own: {own:?} for {reason:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let rejected = cases.iter().filter(|(_, _, reason)| reason.is_some()).count();
    assert!(rejected >= 300 && cases.len() - rejected >= 15, "{rejected} of {}", cases.len());
}
