//! The session token.
//!
//! ```text
//! byte     what
//! 0        kind (high half) and format version (low half): 0x11
//! 1        key id
//! 2..4     group, big-endian
//! 4..20    random part of the handle
//! 20..36   HMAC-SHA-256(key of this key id and kind, bytes 0..20), first 16 bytes
//! ```
//!
//! In text: base64url without padding, 48 characters. The tag makes a forged token cost no store
//! read and leave no state.

use std::fmt;

use ring::hmac;

use crate::codec::base64url;
use crate::error::Error;
use crate::id::{Group, Handle};
use crate::keys::Keyring;
use crate::kind::TokenKind;
use crate::verdict::Reason;

/// Characters of a session token.
pub(crate) const TEXT_LEN: usize = 48;

/// The characters of a session token.
pub(crate) type TokenText = [u8; TEXT_LEN];

const LEN: usize = 36;
const SIGNED_LEN: usize = 20;
const TAG_LEN: usize = 16;

/// A refresh token is longer by its generation: 40 bytes, 54 characters.
const REFRESH_LEN: usize = 40;

/// A session token, in its one text form. It is the client's secret: put it into the cookie,
/// never into a log. `Debug` does not show it.
#[derive(Clone)]
pub struct SessionToken(TokenText);

impl SessionToken {
    /// Characters of every session token.
    pub const LEN: usize = TEXT_LEN;

    /// The token of `handle` under the active key.
    pub(crate) fn issue(handle: &Handle, keyring: &Keyring) -> Result<Self, Error> {
        let (id, key) = keyring.active_key(TokenKind::Session)?;
        Ok(SessionToken::sign(handle, id, key))
    }

    /// Signs `handle` with the key of `key_id`.
    pub(crate) fn sign(handle: &Handle, key_id: u8, key: &hmac::Key) -> Self {
        SessionToken(sign_as(TokenKind::Session, handle, key_id, key))
    }

    /// The text: what goes into the cookie.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &TokenText {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}

/// The text of a token of this shape.
pub(super) fn sign_as(kind: TokenKind, handle: &Handle, key_id: u8, key: &hmac::Key) -> TokenText {
    let mut bytes = [0; LEN];
    let (signed, place) = bytes.split_at_mut(SIGNED_LEN);
    let (head, name) = signed.split_at_mut(2);
    head.copy_from_slice(&[kind.first_byte(), key_id]);
    name.copy_from_slice(&handle.to_bytes());
    let tag = hmac::sign(key, signed);
    place.copy_from_slice(tag.as_ref().get(..TAG_LEN).unwrap_or_default());
    let mut text = [0; TEXT_LEN];
    base64url::encode(&bytes, &mut text);
    text
}

/// A token taken apart; its tag not yet checked.
pub(crate) struct Parts {
    pub(crate) key_id: u8,
    pub(crate) handle: Handle,
    bytes: [u8; LEN],
}

impl Parts {
    /// Takes the text of a session token apart, strictly.
    pub(crate) fn parse(text: &TokenText) -> Result<Self, Reason> {
        Parts::parse_as(TokenKind::Session, text)
    }

    /// Takes a text of this shape apart, strictly.
    pub(crate) fn parse_as(kind: TokenKind, text: &TokenText) -> Result<Self, Reason> {
        let mut bytes = [0; LEN];
        if !base64url::decode(text, &mut bytes) {
            return Err(Reason::Malformed);
        }
        let (signed, _) = bytes.split_at(SIGNED_LEN);
        let Some((&[first, key_id], name)) = signed.split_first_chunk::<2>() else {
            return Err(Reason::Malformed);
        };
        check_kind(first, kind)?;
        let handle = Handle::from_bytes(name).map_err(|_| Reason::Malformed)?;
        Ok(Parts { key_id, handle, bytes })
    }

    /// Whether the tag is the key's, compared in constant time.
    pub(crate) fn is_signed_by(&self, key: &hmac::Key) -> bool {
        let (signed, tag) = self.bytes.split_at(SIGNED_LEN);
        let expected = hmac::sign(key, signed);
        let expected = expected.as_ref().get(..TAG_LEN).unwrap_or_default();
        is_equal(expected, tag)
    }

    /// What to say of a text that has not the length of a session token.
    pub(crate) fn reason_for_length(text: &[u8]) -> Reason {
        let mut bytes = [0; REFRESH_LEN];
        if base64url::decode(text, &mut bytes) && bytes[0] == TokenKind::Refresh.first_byte() {
            Reason::WrongKind
        } else {
            Reason::Malformed
        }
    }
}

/// Whether a token's first byte says that it is of `kind`.
pub(super) fn check_kind(first: u8, kind: TokenKind) -> Result<(), Reason> {
    if first == kind.first_byte() {
        Ok(())
    } else if TokenKind::ALL.iter().any(|kind| kind.first_byte() == first) {
        Err(Reason::WrongKind)
    } else {
        Err(Reason::Malformed)
    }
}

/// Whether two byte strings are the same, in a time that depends on their lengths alone. Words
/// at a time, so that whole tokens can be compared on the hot path.
#[inline]
pub(crate) fn is_equal(a: &[u8], b: &[u8]) -> bool {
    let (a_words, a_rest) = a.as_chunks::<8>();
    let (b_words, b_rest) = b.as_chunks::<8>();
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    let differ = a_words.iter().zip(b_words).fold(0, |seen, (a, b)| seen | (word(a) ^ word(b)));
    let rest = a_rest.iter().zip(b_rest).fold(0, |seen, (a, b)| seen | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differ | u64::from(rest)) == 0
}

/// Whether two texts are the same, in constant time.
#[inline]
pub(crate) fn is_same_text(a: &TokenText, b: &TokenText) -> bool {
    let (a, _) = a.as_chunks::<8>();
    let (b, _) = b.as_chunks::<8>();
    let differ = a
        .iter()
        .zip(b)
        .fold(0, |seen, (a, b)| seen | (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b)));
    std::hint::black_box(differ) == 0
}

/// Characters 8 to 24 of every token of `handle`: its random bytes 2 to 14.
pub(crate) fn core_of(handle: &Handle) -> [[u8; 8]; 2] {
    let mut text = [0; 16];
    base64url::encode(handle.random_bytes().get(2..14).unwrap_or_default(), &mut text);
    let (words, _) = text.as_chunks::<8>();
    words.try_into().unwrap_or_default()
}

/// The group that a text names, without a look at the rest: characters 2 to 5 hold bits 12 to
/// 36, and the group is bits 16 to 32. Nonsense gives some group, where no entry will match.
#[inline]
pub(crate) fn group_of(text: &TokenText) -> Group {
    let [_, _, a, b, c, d, ..] = *text;
    let value = |c| u32::from(base64url::value(c));
    let bits = value(a) << 18 | value(b) << 12 | value(c) << 6 | value(d);
    Group((bits >> 4 & 0xffff) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[7; 32])
    }

    #[test]
    fn a_signed_token_comes_apart_into_what_was_signed() {
        for group in [0, 1, 0x1234, 0xffff] {
            let handle = Handle::random(Group(group)).unwrap();
            let token = SessionToken::sign(&handle, 200, &key());
            let parts = Parts::parse(token.text()).unwrap();
            assert_eq!((parts.handle, parts.key_id), (handle, 200));
            assert!(parts.is_signed_by(&key()));
            assert_eq!(group_of(token.text()), Group(group));
            assert_eq!(core_of(&handle).as_flattened(), &token.text()[8..24]);
        }
    }

    #[test]
    fn every_changed_character_is_refused() {
        let handle = Handle::random(Group(77)).unwrap();
        let token = SessionToken::sign(&handle, 1, &key());
        for i in 0..TEXT_LEN {
            for c in 0..=255 {
                let mut text = *token.text();
                if text[i] == c {
                    continue;
                }
                text[i] = c;
                assert!(!is_same_text(&text, token.text()));
                let valid = Parts::parse(&text).is_ok_and(|parts| parts.is_signed_by(&key()));
                assert!(!valid, "character {i} as {c}");
            }
        }
    }

    #[test]
    fn another_key_does_not_fit() {
        let token = SessionToken::sign(&Handle::random(Group(1)).unwrap(), 1, &key());
        let other = hmac::Key::new(hmac::HMAC_SHA256, &[8; 32]);
        assert!(!Parts::parse(token.text()).unwrap().is_signed_by(&other));
    }

    #[test]
    fn other_kinds_and_versions_are_told_apart() {
        let with_first = |first| {
            let mut text = [0; TEXT_LEN];
            let mut bytes = [0; LEN];
            bytes[0] = first;
            base64url::encode(&bytes, &mut text);
            Parts::parse(&text).err()
        };
        assert_eq!(with_first(0x11), None);
        assert_eq!(with_first(0x21), Some(Reason::WrongKind));
        assert_eq!(with_first(0x31), Some(Reason::WrongKind));
        assert_eq!(with_first(0x41), Some(Reason::WrongKind));
        assert_eq!(with_first(0x12), Some(Reason::Malformed));
        assert_eq!(with_first(0x00), Some(Reason::Malformed));
        let mut refresh = [0; REFRESH_LEN];
        refresh[0] = 0x21;
        let text = base64url::encode_string(&refresh);
        assert_eq!(Parts::reason_for_length(text.as_bytes()), Reason::WrongKind);
        assert_eq!(Parts::reason_for_length(b"short"), Reason::Malformed);
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let token = SessionToken::sign(&Handle::random(Group(1)).unwrap(), 1, &key());
        assert_eq!(format!("{token:?}"), "SessionToken(..)");
    }
}
