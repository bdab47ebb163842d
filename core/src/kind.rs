//! The kinds of opaque tokens: what a token's first byte says, and what its key is for.

/// A kind. The number is the high half of a token's first byte.
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
    /// Every kind.
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
