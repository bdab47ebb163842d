//! One error type for the whole crate: a kind with a stable number, a message, a cause.

use std::borrow::Cow;
use std::fmt;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call could not do its work.
///
/// That a token is not valid is no error but a verdict, see [`Reason`](crate::Reason).
/// An error never carries a token, tag, key or session data; its text may name a handle.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

macro_rules! error_kinds {
    ($($(#[doc = $doc:literal])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// What kind of failure an [`Error`] is. Numbers and names are stable and never reused:
        /// they are the same in Rust, C and Python.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum ErrorKind {
            $($(#[doc = $doc])* $variant = $number,)*
        }

        impl ErrorKind {
            /// Every kind, in the order of the numbers.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$variant),*];

            /// The stable name, in snake case.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorKind::$variant => $name,)* }
            }

            /// What it means, in a sentence or two: the text of this page, for other languages.
            pub const fn description(self) -> &'static str {
                match self { $(ErrorKind::$variant => concat!($($doc),*).trim_ascii_start(),)* }
            }
        }
    };
}

error_kinds! {
    /// An argument is outside its limits. Nothing was read or written.
    InvalidInput = 1, "invalid_input";
    /// A setting of the configuration is outside its range. Nothing was opened.
    InvalidConfig = 2, "invalid_config";
    /// Another engine has the store open. Nothing was changed.
    Locked = 3, "locked";
    /// The store could not be reached or read. Nothing is known about the session:
    /// do not let the client in, and do not clear its cookie.
    Unavailable = 4, "unavailable";
    /// Stored bytes are damaged. They are left as they are.
    Corrupt = 5, "corrupt";
    /// Concurrent changes won every retry. Nothing was written.
    Conflict = 6, "conflict";
    /// The session is gone (revoked, expired or never there), so there was nothing to change.
    SessionGone = 7, "session_gone";
    /// A write may or may not have reached the disk. The engine answers as if a revoke had
    /// happened, and refuses further writes until it is reopened.
    OutcomeUnknown = 8, "outcome_unknown";
    /// An earlier write failed at the disk: the store takes no more writes until it is reopened.
    /// Reads go on.
    WritesRefused = 9, "writes_refused";
    /// The store was written by a newer version of sessile. Nothing was changed.
    NewerFormat = 10, "newer_format";
    /// The store is older than what it had acknowledged: a restored copy or a truncated file.
    RolledBack = 11, "rolled_back";
    /// A secret is too short or too predictable. It was not taken.
    WeakSecret = 12, "weak_secret";
    /// The key file is missing, readable by others, or not ours. Nothing was opened.
    KeyFile = 13, "key_file";
    /// The master secret does not open the store's keyring. Nothing was opened.
    WrongSecret = 14, "wrong_secret";
    /// The directory cannot promise to survive a power loss, and the configuration asks for it.
    PowerLossUnsafe = 15, "power_loss_unsafe";
    /// The subject has as many sessions as the configuration allows. None was created.
    TooManySessions = 16, "too_many_sessions";
    /// The subject is suspended. No session was created.
    Suspended = 17, "suspended";
    /// A value is larger than its limit. Nothing was written.
    TooLarge = 18, "too_large";
    /// The engine was opened before a fork and is used in the child. Open a new one there.
    Forked = 19, "forked";
    /// The engine is closed.
    Closed = 20, "closed";
    /// No signing key is active, or none with that id exists.
    NoSuchKey = 21, "no_such_key";
    /// The operating system gave no random bytes. Nothing was created.
    NoRandomness = 22, "no_randomness";
    /// A bug in sessile. Nothing was answered as valid.
    Internal = 23, "internal";
}

impl ErrorKind {
    /// The stable number.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl Error {
    /// An error of `kind` that says what was wrong and what to do about it.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Error { kind, message: message.into(), source: None }
    }

    /// The same error with the cause that [`source`](std::error::Error::source) gives out.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, for people.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        for (i, a) in ErrorKind::ALL.iter().enumerate() {
            for b in &ErrorKind::ALL[..i] {
                assert_ne!(a.number(), b.number());
                assert_ne!(a.name(), b.name());
            }
        }
    }

    #[test]
    fn the_cause_is_kept() {
        use std::error::Error as _;
        let error = Error::new(ErrorKind::Unavailable, "read failed")
            .with_source(std::io::Error::other("disk on fire"));
        assert_eq!(error.source().map(|s| s.to_string()).as_deref(), Some("disk on fire"));
        assert_eq!(error.to_string(), "unavailable: read failed");
    }
}
