//! Readers of the formats that tokens are written in, beside a plain reading of their rules:
//! what is taken and what it says must be the same, in both directions.

use super::Plain;
use crate::codec::{base64url, json};
use crate::token::jwt::claims::{Claims, Source};

/// base64url: a text decodes if and only if it is what its bytes encode to.
pub fn base64url(data: &[u8]) {
    let text = base64url::encode_string(data);
    assert_eq!(text, plain_encoding(data));
    let mut bytes = vec![0; data.len()];
    assert!(base64url::decode(text.as_bytes(), &mut bytes) && bytes == data);

    let len = base64url::decoded_len(data.len());
    for len in [len.saturating_sub(1), len, len + 1] {
        let mut bytes = vec![0; len];
        if base64url::decode(data, &mut bytes) {
            assert_eq!(plain_encoding(&bytes).as_bytes(), data, "two texts for the same bytes");
        } else {
            let plain = plain_decoding(data).filter(|plain| plain.len() == len);
            assert_eq!(plain, None, "{} is not taken", data.escape_ascii());
        }
    }
}

/// Bit by bit, without a table.
fn plain_encoding(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).collect();
    let value = |six: &[u8]| (0..6).fold(0, |v, i| v << 1 | six.get(i).copied().unwrap_or(0));
    bits.chunks(6).map(|six| plain_character(value(six))).collect()
}

fn plain_character(value: u8) -> char {
    char::from(match value {
        0..26 => b'A' + value,
        26..52 => b'a' + value - 26,
        52..62 => b'0' + value - 52,
        62 => b'-',
        _ => b'_',
    })
}

/// The bytes whose encoding is `text`.
fn plain_decoding(text: &[u8]) -> Option<Vec<u8>> {
    let value = |c: u8| (0..64).find(|value| plain_character(*value) == char::from(c));
    let values = text.iter().map(|c| value(*c)).collect::<Option<Vec<u8>>>()?;
    let bits: Vec<u8> = values.iter().flat_map(|v| (0..6).rev().map(move |i| v >> i & 1)).collect();
    let byte = |eight: &[u8]| eight.iter().fold(0, |byte, bit| byte << 1 | bit);
    let bytes: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
    (plain_encoding(&bytes).as_bytes() == text).then_some(bytes)
}

/// Claims: read if and only if the rules allow it, read as they were written, and written so
/// that they are read back the same.
pub fn claims(data: &[u8]) {
    for source in [Source::Own, Source::Foreign] {
        let plain = Plain::read(data).filter(|plain| are_claims(plain, source));
        let Ok(claims) = Claims::parse(data, source) else {
            assert_eq!(plain, None, "refused");
            continue;
        };
        let plain = plain.expect("taken against the rules");
        let value = serde_json::to_value(&claims).unwrap();
        let members = plain.members().unwrap();
        assert_eq!(members.len(), value.as_object().unwrap().len());
        for (name, written) in members {
            // One audience is written without an array.
            let is_audience = || match (name.as_str(), written) {
                ("aud", Plain::Array(audiences)) => audiences[0].is_same(&value["aud"]),
                _ => false,
            };
            assert!(written.is_same(&value[name]) || is_audience(), "{name}");
        }
        assert!(claims.are_writable() || source == Source::Foreign);
        if claims.are_writable() {
            let again = serde_json::to_vec(&claims).unwrap();
            assert_eq!(Claims::parse(&again, source), Ok(claims));
        }
    }
}

fn are_claims(plain: &Plain, source: Source) -> bool {
    let Some(members) = plain.members() else { return false };
    !plain.has_repetitions()
        && plain.depth() <= usize::from(json::DEPTH_MAX)
        && members.iter().all(|(name, value)| is_claim(name, value, source))
}

fn is_claim(name: &str, value: &Plain, source: Source) -> bool {
    match name {
        "iss" => value.text().is_some(),
        "sub" | "jti" | "sid" => value.text().is_some_and(|text| !text.is_empty()),
        "aud" => {
            let are_texts = |all: &[Plain]| all.iter().all(|one| one.text().is_some());
            value.text().is_some() || value.elements().is_some_and(are_texts)
        }
        "exp" | "nbf" | "iat" | "auth_time" => is_integer(value),
        "seq" | "ver" => source == Source::Foreign || is_integer(value),
        _ => true,
    }
}

fn is_integer(value: &Plain) -> bool {
    matches!(value, Plain::Integer(n) if (0..1 << 53).contains(n))
}
