//! What verification says when it rejects: one table of reasons for Rust, C and Python.

use std::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// Why a token was rejected. Numbers and names are stable and never reused.
        ///
        /// For the host's log; a client is told "401" and no more.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Reason {
            $($(#[doc = $doc])* $variant = $number,)*
        }

        impl Reason {
            /// Every reason, in the order of the numbers.
            pub const ALL: &[Reason] = &[$(Reason::$variant),*];

            /// The stable name, in snake case.
            pub const fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name,)* }
            }

            /// What it means, in a sentence or two: the text of this page, for other languages.
            pub const fn description(self) -> &'static str {
                match self { $(Reason::$variant => concat!($($doc),*).trim_ascii_start(),)* }
            }
        }
    };
}

reasons! {
    /// Not in the one canonical text form: length, alphabet, trailing bits or version; of a JWT
    /// also a header that is not plain, or a claim of the wrong type.
    Malformed = 1, "malformed";
    /// The tag or signature does not match.
    BadSignature = 2, "bad_signature";
    /// Signed under a key or by an algorithm that the keyring does not hold, or holds as retired.
    UnknownKey = 3, "unknown_key";
    /// A token of another kind: a refresh token where a session token belongs, say.
    WrongKind = 4, "wrong_kind";
    /// A token for another purpose.
    WrongPurpose = 5, "wrong_purpose";
    /// Its time has not come.
    NotYetValid = 6, "not_yet_valid";
    /// Its absolute deadline has passed.
    Expired = 7, "expired";
    /// Its session was unused for longer than the idle timeout.
    IdleExpired = 8, "idle_expired";
    /// Its session was revoked.
    RevokedSession = 9, "revoked_session";
    /// All sessions of the subject were revoked after it was issued.
    RevokedSubject = 10, "revoked_subject";
    /// Everything was revoked after it was issued.
    RevokedAll = 11, "revoked_all";
    /// This very token was denied.
    Denied = 12, "denied";
    /// The subject is suspended.
    Suspended = 13, "suspended";
    /// The identity stands, but its claims have changed since: mint a new token.
    StaleClaims = 14, "stale_claims";
    /// Used before, and may be used once only.
    Reused = 15, "reused";
    /// No such session: swept after its end, or its store was replaced.
    UnknownSession = 16, "unknown_session";
    /// The request brought two cookies that are valid for different sessions: neither is trusted.
    Ambiguous = 17, "ambiguous";
    /// Another issuer's token.
    WrongIssuer = 18, "wrong_issuer";
    /// A token for somebody else: its audience does not name us.
    WrongAudience = 19, "wrong_audience";
    /// A claim that this kind of token must have is missing.
    MissingClaim = 20, "missing_claim";
    /// A token of another client than the one that presents it.
    WrongClient = 21, "wrong_client";
    /// More was asked for than was granted.
    BeyondGrant = 22, "beyond_grant";
}

impl Reason {
    /// The stable number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        for (i, a) in Reason::ALL.iter().enumerate() {
            for b in &Reason::ALL[..i] {
                assert_ne!(a.number(), b.number());
                assert_ne!(a.name(), b.name());
            }
        }
    }
}
