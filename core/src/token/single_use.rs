//! The single-use token: the same 36 bytes as a session token, under their own kind and key.

use std::fmt;

use ring::hmac;

use super::session::{TEXT_LEN, TokenText, sign_as};
use crate::id::Handle;
use crate::kind::TokenKind;

/// A single-use token, for a link in a message: magic link, password reset. `Debug` does not
/// show it.
#[derive(Clone)]
pub struct SingleUseToken(TokenText);

impl SingleUseToken {
    /// Characters of every single-use token.
    pub const LEN: usize = TEXT_LEN;

    /// Signs `handle` with the key of `key_id`.
    pub(crate) fn sign(handle: &Handle, key_id: u8, key: &hmac::Key) -> Self {
        SingleUseToken(sign_as(TokenKind::SingleUse, handle, key_id, key))
    }

    /// The text: what goes into the link.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for SingleUseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SingleUseToken(..)")
    }
}
