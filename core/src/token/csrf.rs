//! The CSRF token.
//!
//! ```text
//! byte     what
//! 0        kind and format version: 0x51
//! 1        key id
//! 2..18    mask: random
//! 18..34   HMAC-SHA-256(CSRF key of this key id, handle), first 16 bytes, xor mask
//! ```
//!
//! In text: base64url without padding, 46 characters. The mask makes each text another, so that
//! the size of a compressed page gives nothing away (BREACH). Checked without the store.

use std::fmt;

use ring::hmac;

use super::session::is_equal;
use crate::codec::base64url;
use crate::error::Result;
use crate::id::{Handle, fill_random};
use crate::kind::TokenKind;

const LEN: usize = 34;
const TEXT_LEN: usize = 46;
const TAG_LEN: usize = 16;

/// A CSRF token, for a form or a script of ours. Another text at each call, all good for as long
/// as the session has its handle. `Debug` does not show it.
#[derive(Clone)]
pub struct CsrfToken([u8; TEXT_LEN]);

impl CsrfToken {
    /// Characters of every CSRF token.
    pub const LEN: usize = TEXT_LEN;

    /// A token for `handle` under the key of `key_id`.
    pub(crate) fn sign(handle: &Handle, key_id: u8, key: &hmac::Key) -> Result<Self> {
        let mut mask = [0; TAG_LEN];
        fill_random(&mut mask)?;
        let tag = hmac::sign(key, &handle.to_bytes());
        let masked = mask.iter().zip(tag.as_ref()).map(|(mask, tag)| mask ^ tag);
        let head = [TokenKind::Csrf.first_byte(), key_id];
        let mut bytes = [0; LEN];
        let all = head.into_iter().chain(mask).chain(masked);
        bytes.iter_mut().zip(all).for_each(|(place, byte)| *place = byte);
        let mut text = [0; TEXT_LEN];
        base64url::encode(&bytes, &mut text);
        Ok(CsrfToken(text))
    }

    /// Whether `text` is a token for `handle`, under the key that `key_of` has for its key id.
    pub(crate) fn is_for<'a>(
        text: &[u8],
        handle: &Handle,
        key_of: impl FnOnce(u8) -> Option<&'a hmac::Key>,
    ) -> bool {
        let mut bytes = [0; LEN];
        if !base64url::decode(text, &mut bytes) || bytes[0] != TokenKind::Csrf.first_byte() {
            return false;
        }
        let Some(key) = key_of(bytes[1]) else { return false };
        let (mask, masked) = bytes.split_at(LEN - TAG_LEN);
        let mask = mask.get(2..).unwrap_or_default();
        let mut shown = [0; TAG_LEN];
        shown.iter_mut().zip(mask.iter().zip(masked)).for_each(|(place, (m, t))| *place = m ^ t);
        let tag = hmac::sign(key, &handle.to_bytes());
        is_equal(&shown, tag.as_ref().get(..TAG_LEN).unwrap_or_default())
    }

    /// The text: what goes into the form.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Group;

    #[test]
    fn it_is_good_for_its_handle_and_key_alone_and_never_the_same_text() {
        let key = |byte| hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]);
        let (own, other) = (key(1), key(2));
        let handle = Handle::random(Group(3)).unwrap();
        let token = CsrfToken::sign(&handle, 9, &own).unwrap();
        let is_for = |text: &str, handle: &Handle| {
            CsrfToken::is_for(text.as_bytes(), handle, |id| (id == 9).then_some(&own))
        };
        assert!(is_for(token.as_str(), &handle));
        assert!(!is_for(token.as_str(), &Handle::random(Group(3)).unwrap()));
        assert!(!CsrfToken::is_for(token.as_str().as_bytes(), &handle, |_| Some(&other)));
        assert!(!CsrfToken::is_for(token.as_str().as_bytes(), &handle, |_| None));
        assert_ne!(CsrfToken::sign(&handle, 9, &own).unwrap().as_str(), token.as_str());
        for i in 0..TEXT_LEN {
            let mut text = token.as_str().to_owned();
            let other = if text.as_bytes()[i] == b'A' { "B" } else { "A" };
            text.replace_range(i..=i, other);
            assert!(!is_for(&text, &handle), "character {i}");
        }
        assert!(!is_for("", &handle));
        assert_eq!(format!("{token:?}"), "CsrfToken(..)");
    }
}
