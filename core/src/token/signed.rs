//! Signed values: a payload of the host's that a client carries and cannot change. It can read
//! it: nothing is hidden.
//!
//! ```text
//! byte     what
//! 0        kind and format version: 0x61
//! 1        key id
//! 2..10    when it was signed: milliseconds since the Unix epoch, big-endian
//! 10..n    payload
//! n..n+16  HMAC-SHA-256(key of this key id and purpose, bytes 0..n), first 16 bytes
//! ```
//!
//! In text: base64url without padding. The key of a purpose is HMAC-SHA-256(key of this key id
//! and kind, purpose), so that a value for one purpose is none for another.

use ring::hmac;

use super::session::{check_kind, is_equal};
use crate::codec::base64url;
use crate::kind::TokenKind;
use crate::time::Timestamp;
use crate::verdict::Reason;

const HEAD_LEN: usize = 10;
const TAG_LEN: usize = 16;

/// The text for `payload`.
pub(crate) fn sign_value(
    key_id: u8,
    key: &hmac::Key,
    purpose: &str,
    payload: &[u8],
    at: Timestamp,
) -> String {
    let mut bytes = Vec::with_capacity(HEAD_LEN + payload.len() + TAG_LEN);
    bytes.extend_from_slice(&[TokenKind::Signed.first_byte(), key_id]);
    bytes.extend_from_slice(&at.as_millis().to_be_bytes());
    bytes.extend_from_slice(payload);
    let tag = hmac::sign(&key_for(key, purpose), &bytes);
    bytes.extend_from_slice(tag.as_ref().get(..TAG_LEN).unwrap_or_default());
    base64url::encode_string(&bytes)
}

/// The payload of a text and when it was signed, if it is genuine; `key_of` gives the key of a
/// key id. How old it may be is for the caller to say.
pub(crate) fn unsign_value<'a>(
    text: &[u8],
    purpose: &str,
    key_of: impl FnOnce(u8) -> Option<&'a hmac::Key>,
) -> Result<(Vec<u8>, Timestamp), Reason> {
    let mut bytes = vec![0; text.len() / 4 * 3 + [0, 0, 1, 2].get(text.len() % 4).unwrap_or(&0)];
    if !base64url::decode(text, &mut bytes) {
        return Err(Reason::Malformed);
    }
    let &[first, key_id, a, b, c, d, e, f, g, h, ..] = bytes.as_slice() else {
        return Err(Reason::Malformed);
    };
    check_kind(first, TokenKind::Signed)?;
    let signed_len = bytes.len().checked_sub(TAG_LEN).filter(|len| *len >= HEAD_LEN);
    let (signed, tag) = bytes.split_at(signed_len.ok_or(Reason::Malformed)?);
    let key = key_of(key_id).ok_or(Reason::UnknownKey)?;
    let expected = hmac::sign(&key_for(key, purpose), signed);
    if !is_equal(expected.as_ref().get(..TAG_LEN).unwrap_or_default(), tag) {
        return Err(Reason::BadSignature);
    }
    let at = Timestamp::from_millis(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    Ok((signed.get(HEAD_LEN..).unwrap_or_default().to_vec(), at))
}

fn key_for(key: &hmac::Key, purpose: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(key, purpose.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[7; 32])
    }

    fn unsign(text: &str, purpose: &str) -> Result<(Vec<u8>, Timestamp), Reason> {
        let key = key();
        unsign_value(text.as_bytes(), purpose, |id| (id == 3).then_some(&key))
    }

    #[test]
    fn a_value_of_any_length_comes_back_for_its_purpose_alone() {
        let at = Timestamp::from_millis(1_780_000_000_000);
        for len in 0..100 {
            let payload = vec![len as u8; len];
            let text = sign_value(3, &key(), "download", &payload, at);
            assert_eq!(unsign(&text, "download"), Ok((payload.clone(), at)));
            assert_eq!(unsign(&text, "upload"), Err(Reason::BadSignature));
            let other = sign_value(4, &key(), "download", &payload, at);
            assert_eq!(unsign(&other, "download"), Err(Reason::UnknownKey));
        }
    }

    #[test]
    fn every_changed_character_is_refused() {
        let text = sign_value(3, &key(), "p", b"payload", Timestamp::default());
        for i in 0..text.len() {
            for c in "ABab09-_=. ".chars().filter(|c| !text[i..].starts_with(*c)) {
                let mut changed = text.clone();
                changed.replace_range(i..=i, &c.to_string());
                assert!(unsign(&changed, "p").is_err(), "character {i} as {c}");
            }
            assert!(unsign(&text[..i], "p").is_err());
        }
        assert!(unsign(&format!("{text}A"), "p").is_err());
    }
}
