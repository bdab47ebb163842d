//! Some three hundred tokens, each with the one rule that it breaks and the reason that must be
//! given. All are signed as they should be, unless it is the signature that is wrong.

mod claims;
mod headers;

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
}

/// A signature of other claims, of another header, by another key.
fn signatures(corpus: &mut Corpus) {
    let key = corpus.keys.of(Algorithm::EdDsa);
    let good =
        token_of(key, header_of(key, JwtKind::Access).as_bytes(), claims().to_string().as_bytes());
    let parts: Vec<&str> = good.split('.').collect();
    let [h, _, s] = parts[..] else { unreachable!() };
    let (hmac, eddsa) = (corpus.keys.of(Algorithm::Hs256), corpus.keys.of(Algorithm::EdDsa));
    let other = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let mut raised = claims();
    raised["sub"] = "mallory".into();
    let payload = base64url::encode_string(raised.to_string().as_bytes());
    let no_json = base64url::encode_string(b"no JSON");
    raised["exp"] = 0.into();
    let expired = base64url::encode_string(raised.to_string().as_bytes());
    let swapped = [
        ("claims exchanged", format!("{h}.{payload}.{s}")),
        // Whoever cannot sign learns nothing from what the claims are.
        ("signature before claims", format!("{h}.{no_json}.{s}")),
        ("signature before claims", format!("{h}.{expired}.{s}")),
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
    for add in [
        headers::algorithms,
        headers::confusion,
        headers::key_ids,
        headers::members,
        headers::types,
        claims::times,
        claims::names,
        claims::payloads,
        structures,
        signatures,
    ] {
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
        // `ver` is a number of ours there; claims that are no base64url have no signature of ours.
        // Under another header no token is one of ours.
        let is_as_good = match own {
            Some(Reason::BadSignature) => rule.starts_with("structure"),
            Some(Reason::Malformed) => rule.contains("\"ver\""),
            _ => false,
        };
        let agrees = if is_ours { own == *reason || is_as_good } else { own.is_some() };
        if !agrees {
            wrong.push(format!("{rule}\n    own: {own:?} for {reason:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let rejected = cases.iter().filter(|(_, _, reason)| reason.is_some()).count();
    assert!(rejected >= 300 && cases.len() - rejected >= 15, "{rejected} of {}", cases.len());
}
