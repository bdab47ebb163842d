//! The API key: the same 36 bytes as a session token, under their own kind and key, and in text
//! with a prefix that says whose it is, so that scanners of source code find one that leaked:
//! `acme_` and 48 characters.

use std::fmt;

use ring::hmac;

use super::session::{TokenText, sign_as};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Handle;
use crate::kind::TokenKind;

/// An API key, for a program. Shown once, when it is made. `Debug` does not show it.
#[derive(Clone)]
pub struct ApiKeyToken(String);

impl ApiKeyToken {
    /// Signs `handle` with the key of `key_id`.
    pub(crate) fn sign(prefix: &str, handle: &Handle, key_id: u8, key: &hmac::Key) -> Self {
        let text = sign_as(TokenKind::ApiKey, handle, key_id, key);
        let text = std::str::from_utf8(&text).unwrap_or_default();
        let separator = if prefix.is_empty() { "" } else { "_" };
        ApiKeyToken(format!("{prefix}{separator}{text}"))
    }

    /// The text: what the program sends.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKeyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyToken(..)")
    }
}

/// The part of an API key behind its prefix; `None`: the prefix is another, or the length.
pub(crate) fn text_of<'a>(prefix: &str, presented: &'a [u8]) -> Option<&'a TokenText> {
    let text = if prefix.is_empty() {
        presented
    } else {
        presented.strip_prefix(prefix.as_bytes())?.strip_prefix(b"_")?
    };
    text.try_into().ok()
}

/// Checks a prefix: nothing, or 2 to 16 lower-case letters and digits, a letter first.
pub(crate) fn check_prefix(prefix: &str) -> Result<()> {
    let is_part = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_fine = prefix.len() >= 2
        && prefix.len() <= 16
        && prefix.bytes().all(is_part)
        && prefix.starts_with(|c: char| c.is_ascii_lowercase());
    if prefix.is_empty() || is_fine {
        return Ok(());
    }
    let message = format!(
        "the prefix of API keys is 2 to 16 lower-case letters and digits, a letter first, or \
         nothing; this one is {prefix:?}"
    );
    Err(Error::new(ErrorKind::InvalidConfig, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Group;

    #[test]
    fn a_key_is_its_prefix_and_a_text() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let handle = Handle::random(Group(1)).unwrap();
        let token = ApiKeyToken::sign("acme", &handle, 0, &key);
        assert_eq!(token.as_str().len(), 5 + 48);
        assert!(text_of("acme", token.as_str().as_bytes()).is_some());
        assert!(text_of("acm", token.as_str().as_bytes()).is_none());
        assert!(text_of("", token.as_str().as_bytes()).is_none());
        let bare = ApiKeyToken::sign("", &handle, 0, &key);
        assert!(text_of("", bare.as_str().as_bytes()).is_some());
        assert_eq!(format!("{token:?}"), "ApiKeyToken(..)");
    }

    #[test]
    fn prefixes_are_short_and_plain() {
        for good in ["", "ac", "acme2", "abcdefghijklmnop"] {
            check_prefix(good).unwrap();
        }
        for bad in ["a", "Acme", "ac_me", "2ac", "abcdefghijklmnopq", "ac me", "a\nb"] {
            assert_eq!(check_prefix(bad).unwrap_err().kind(), ErrorKind::InvalidConfig, "{bad:?}");
        }
    }
}
