//! The refresh token.
//!
//! ```text
//! byte     what
//! 0        kind (high half) and format version (low half): 0x21
//! 1        key id
//! 2..4     group, big-endian
//! 4..20    random part of the handle
//! 20..24   generation, big-endian
//! 24..40   HMAC-SHA-256(key of this key id and kind, bytes 0..24), first 16 bytes
//! ```
//!
//! In text: base64url without padding, 54 characters. It is a function of handle, generation and
//! key, so that the same successor can be handed out again.

use std::fmt;

use ring::hmac;

use super::session::{check_kind, is_equal};
use crate::codec::base64url;
use crate::error::Error;
use crate::id::Handle;
use crate::keys::Keyring;
use crate::kind::TokenKind;
use crate::verdict::Reason;

const LEN: usize = 40;
const TEXT_LEN: usize = 54;
const SIGNED_LEN: usize = 24;
const TAG_LEN: usize = 16;

/// A refresh token: buys a new pair of tokens, once. `Debug` does not show it.
#[derive(Clone)]
pub struct RefreshToken([u8; TEXT_LEN]);

impl RefreshToken {
    /// Characters of every refresh token.
    pub const LEN: usize = TEXT_LEN;

    /// The token of `handle` for a generation, under the active key.
    pub(crate) fn issue(
        handle: &Handle,
        generation: u32,
        keyring: &Keyring,
    ) -> Result<Self, Error> {
        let (id, key) = keyring.active_key(TokenKind::Refresh)?;
        Ok(RefreshToken::sign(handle, generation, id, key))
    }

    /// The token of `handle` for a generation, under the key of `key_id`.
    pub(crate) fn sign(handle: &Handle, generation: u32, key_id: u8, key: &hmac::Key) -> Self {
        let mut bytes = [0; LEN];
        let (signed, place) = bytes.split_at_mut(SIGNED_LEN);
        let head = [TokenKind::Refresh.first_byte(), key_id];
        let all = head.into_iter().chain(handle.to_bytes()).chain(generation.to_be_bytes());
        signed.iter_mut().zip(all).for_each(|(place, byte)| *place = byte);
        let tag = hmac::sign(key, signed);
        place.copy_from_slice(tag.as_ref().get(..TAG_LEN).unwrap_or_default());
        let mut text = [0; TEXT_LEN];
        base64url::encode(&bytes, &mut text);
        RefreshToken(text)
    }

    /// The text: what the client keeps.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(..)")
    }
}

/// A refresh token taken apart; its tag not yet checked.
pub(crate) struct RefreshParts {
    pub(crate) key_id: u8,
    pub(crate) handle: Handle,
    pub(crate) generation: u32,
    bytes: [u8; LEN],
}

impl RefreshParts {
    /// Takes a text apart, strictly.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Reason> {
        let mut bytes = [0; LEN];
        if !base64url::decode(text, &mut bytes) {
            return Err(reason_for_length(text));
        }
        let [first, key_id, ..] = bytes;
        check_kind(first, TokenKind::Refresh)?;
        let (name, generation) = (bytes.get(2..20), bytes.get(20..SIGNED_LEN));
        let name = name.and_then(|name| Handle::from_bytes(name).ok());
        let generation =
            generation.and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
        let (Some(handle), Some(generation)) = (name, generation) else {
            return Err(Reason::Malformed);
        };
        Ok(RefreshParts { key_id, handle, generation, bytes })
    }

    /// Whether the tag is the key's, compared in constant time.
    pub(crate) fn is_signed_by(&self, key: &hmac::Key) -> bool {
        let (signed, tag) = self.bytes.split_at(SIGNED_LEN);
        let expected = hmac::sign(key, signed);
        is_equal(expected.as_ref().get(..TAG_LEN).unwrap_or_default(), tag)
    }
}

/// What to say of a text that has not the length of a refresh token.
fn reason_for_length(text: &[u8]) -> Reason {
    let mut bytes = [0; 36];
    let is_other = base64url::decode(text, &mut bytes)
        && check_kind(bytes[0], TokenKind::Refresh) == Err(Reason::WrongKind);
    if is_other { Reason::WrongKind } else { Reason::Malformed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Group;
    use crate::token::SessionToken;

    fn key(byte: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32])
    }

    #[test]
    fn a_token_comes_apart_into_what_was_signed() {
        let handle = Handle::random(Group(0xabcd)).unwrap();
        for generation in [0, 1, u32::MAX] {
            let token = RefreshToken::sign(&handle, generation, 7, &key(1));
            assert_eq!(token.as_str().len(), RefreshToken::LEN);
            let parts = RefreshParts::parse(token.as_str().as_bytes()).unwrap();
            assert_eq!((parts.handle, parts.generation, parts.key_id), (handle, generation, 7));
            assert!(parts.is_signed_by(&key(1)) && !parts.is_signed_by(&key(2)));
            let again = RefreshToken::sign(&handle, generation, 7, &key(1));
            assert_eq!(again.as_str(), token.as_str(), "the same successor each time");
        }
    }

    #[test]
    fn every_changed_character_is_refused() {
        let handle = Handle::random(Group(9)).unwrap();
        let token = RefreshToken::sign(&handle, 3, 1, &key(1));
        for i in 0..TEXT_LEN {
            for c in 0..=255 {
                let mut text = token.0;
                if text[i] == c {
                    continue;
                }
                text[i] = c;
                let is_valid = RefreshParts::parse(&text).is_ok_and(|p| p.is_signed_by(&key(1)));
                assert!(!is_valid, "character {i} as {c}");
            }
        }
    }

    #[test]
    fn a_session_token_is_of_another_kind() {
        let token = SessionToken::sign(&Handle::random(Group(9)).unwrap(), 1, &key(1));
        let parsed = RefreshParts::parse(token.as_str().as_bytes());
        assert_eq!(parsed.err(), Some(Reason::WrongKind));
        assert_eq!(RefreshParts::parse(b"").err(), Some(Reason::Malformed));
        assert_eq!(format!("{:?}", RefreshToken([65; 54])), "RefreshToken(..)");
    }
}
