//! What a client holds: one file for each kind of token.

mod api_key;
mod csrf;
pub(crate) mod jwt;
mod refresh;
mod session;
mod signed;
mod single_use;

pub use api_key::ApiKeyToken;
pub(crate) use api_key::{check_prefix, text_of};
pub use csrf::CsrfToken;
pub(crate) use refresh::RefreshParts;
pub use refresh::RefreshToken;
pub use session::SessionToken;
pub(crate) use session::{Parts, TokenText, core_of, group_of, is_same_text};
pub(crate) use signed::{sign_value, unsign_value};
pub use single_use::SingleUseToken;

/// The kinds of opaque tokens. The number is the high half of a token's first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum TokenKind {
    /// Names a session; in a cookie.
    Session = 1,
    /// Buys a new pair of tokens, once.
    Refresh = 2,
    /// Is consumed: magic link, password reset.
    SingleUse = 3,
    /// Lets a program in.
    ApiKey = 4,
    /// Shows that a form came from a page of ours.
    Csrf = 5,
    /// Carries a payload of the host's.
    Signed = 6,
}

impl TokenKind {
    pub(crate) const ALL: [TokenKind; 6] = [
        TokenKind::Session,
        TokenKind::Refresh,
        TokenKind::SingleUse,
        TokenKind::ApiKey,
        TokenKind::Csrf,
        TokenKind::Signed,
    ];

    /// The first byte of a token of this kind: kind, then format version 1.
    pub(crate) const fn first_byte(self) -> u8 {
        (self as u8) << 4 | 1
    }
}
