//! Rules of the claims.

use super::*;

pub(super) fn times(corpus: &mut Corpus) {
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

pub(super) fn names(corpus: &mut Corpus) {
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

pub(super) fn payloads(corpus: &mut Corpus) {
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
