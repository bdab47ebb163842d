//! No token is of two kinds.

use super::*;

/// Every header of a kind with the claims of every kind, before every profile: exactly those
/// pass whose three agree. A plain profile may meet an access token's claims: they are plain.
#[test]
fn each_profile_takes_its_own_kind_alone() {
    let keys = Keys::new();
    let key = keys.of(Algorithm::Hs256);
    let mut taken = 0;
    for typ in JwtKind::ALL {
        for content in JwtKind::ALL {
            for expected in JwtKind::ALL {
                let claims = claims_of(*content).to_string();
                let token = token_of(key, header_of(key, *typ).as_bytes(), claims.as_bytes());
                let result = verify(token.as_bytes(), &keys.set, &profile(*expected), NOW);
                let is_plain = |kind: &JwtKind| matches!(kind, JwtKind::Access | JwtKind::Plain);
                let agree = content == expected || is_plain(content) && is_plain(expected);
                let case = format!("{typ:?} {content:?} {expected:?}");
                if typ != expected {
                    assert_eq!(result.err(), Some(Reason::WrongKind), "{case}");
                } else if agree {
                    assert!(result.is_ok(), "{case}");
                    taken += 1;
                } else {
                    let reason = result.unwrap_err();
                    assert!([Reason::WrongKind, Reason::MissingClaim].contains(&reason), "{case}");
                }
            }
        }
    }
    assert_eq!(taken, 6);
}

#[test]
fn our_own_verifier_takes_its_own_kind_alone() {
    let signer = Signer::new(SigningKey::generate(Algorithm::EdDsa).unwrap(), Default::default());
    let own = OwnKeys::default().with(&signer);
    for kind in [JwtKind::Access, JwtKind::Logout, JwtKind::SecurityEvent] {
        let token = signer.sign(kind, &typed(&claims_of(kind))).unwrap();
        for expected in JwtKind::ALL {
            let result = own.verify(token.as_bytes(), &profile(*expected), NOW).err();
            assert_eq!(result, (kind != *expected).then_some(Reason::WrongKind), "{kind:?}");
        }
    }
}

#[test]
fn opaque_tokens_are_no_jwts() {
    let keys = Keys::new();
    for first in [0x11, 0x21, 0x31, 0x41, 0x51] {
        let text = base64url::encode_string(&[first; 36]);
        for kind in JwtKind::ALL {
            let result = verify(text.as_bytes(), &keys.set, &profile(*kind), NOW);
            assert_eq!(result.err(), Some(Reason::Malformed));
            let own = OwnKeys::default().verify(text.as_bytes(), &profile(*kind), NOW);
            assert_eq!(own.err(), Some(Reason::Malformed));
        }
    }
}

/// Logout tokens by OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6; security events by
/// RFC 8417 and the Shared Signals Framework.
#[test]
fn logout_tokens_and_security_events_have_rules_of_their_own() {
    use JwtKind::{Logout, SecurityEvent};
    const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
    let keys = Keys::new();
    let key = keys.of(Algorithm::EdDsa);
    let rows: Vec<(JwtKind, &str, Value, Option<Reason>)> = vec![
        (Logout, "sub", Value::Null, Some(Reason::MissingClaim)),
        (Logout, "exp", Value::Null, Some(Reason::MissingClaim)),
        (Logout, "jti", Value::Null, Some(Reason::MissingClaim)),
        (Logout, "iat", Value::Null, Some(Reason::MissingClaim)),
        (Logout, "events", Value::Null, Some(Reason::MissingClaim)),
        (Logout, "events", json!([LOGOUT]), Some(Reason::Malformed)),
        (Logout, "events", json!({LOGOUT: true}), Some(Reason::Malformed)),
        (Logout, "events", json!({"urn:other": {}}), Some(Reason::WrongKind)),
        (Logout, "events", json!({LOGOUT: {}, "urn:other": {}}), None),
        (Logout, "nonce", json!("n"), Some(Reason::WrongKind)),
        (Logout, "sid", json!("s"), None),
        (Logout, "sid", json!(""), Some(Reason::Malformed)),
        (Logout, "sid", json!(1), Some(Reason::Malformed)),
        (SecurityEvent, "exp", json!(NOW_S + 9), Some(Reason::WrongKind)),
        (SecurityEvent, "sub", json!("alice"), Some(Reason::WrongKind)),
        (SecurityEvent, "sub_id", Value::Null, Some(Reason::MissingClaim)),
        (SecurityEvent, "sub_id", json!("alice"), Some(Reason::Malformed)),
        (SecurityEvent, "events", Value::Null, Some(Reason::MissingClaim)),
        (SecurityEvent, "events", json!({}), Some(Reason::Malformed)),
        (SecurityEvent, "events", json!({"urn:a": {}, "urn:b": {}}), Some(Reason::Malformed)),
        (SecurityEvent, "events", json!({"urn:a": 1}), Some(Reason::Malformed)),
        (SecurityEvent, "events", json!({LOGOUT: {}}), Some(Reason::WrongKind)),
        (SecurityEvent, "jti", Value::Null, Some(Reason::MissingClaim)),
        (SecurityEvent, "iat", json!(NOW_S + 60), Some(Reason::NotYetValid)),
    ];
    for (kind, name, value, expected) in rows {
        let mut claims = claims_of(kind);
        let members = claims.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name)
        } else {
            members.insert(name.into(), value)
        };
        let token = token_of(key, header_of(key, kind).as_bytes(), claims.to_string().as_bytes());
        let result = verify(token.as_bytes(), &keys.set, &profile(kind), NOW);
        assert_eq!(result.err(), expected, "{kind:?} {claims}");
    }
}
