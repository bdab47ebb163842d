//! Names of status codes and rejection reasons, from the tables of the core.

use std::ffi::{CStr, c_char};

use sessile_core::{ErrorKind, Reason};

use crate::boundary::guard;
use crate::session::{SESSILE_REASON_ABSENT, SESSILE_REASON_UNANSWERED, SESSILE_VALID};

/// The buffer does not hold the result. The length that the call was given learns how many bytes
/// are needed, the zero at the end included; nothing else was written or done.
pub const SESSILE_ERR_BUFFER_TOO_SMALL: i32 = 1000;

/// The name of a status code, for logs: "ok", "invalid_input", "locked" and so on.
///
/// Parameters: `status`, what another function returned; any number is allowed.
/// Returns: the name, or "unknown"; never NULL.
/// Memory: static text, never to be freed.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_status_name(status: i32) -> *const c_char {
    guard(UNKNOWN.as_ptr(), || {
        match status {
            OK => return c"ok".as_ptr(),
            SESSILE_ERR_BUFFER_TOO_SMALL => return c"buffer_too_small".as_ptr(),
            _ => {}
        }
        let found = STATUS_NAMES.iter().find(|(number, _)| *number == status);
        found.map_or(UNKNOWN.as_ptr(), |(_, name)| name.as_ptr())
    })
}

/// The name of a rejection reason, for logs: "expired", "revoked_session" and so on.
///
/// Tell the client "401" and no more: the reason helps whoever guesses tokens.
///
/// Parameters: `reason`, SESSILE_VALID or one of SESSILE_REASON_...; any number is allowed.
/// Returns: the name, or "unknown"; never NULL.
/// Memory: static text, never to be freed.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_reason_name(reason: i32) -> *const c_char {
    guard(UNKNOWN.as_ptr(), || {
        match reason {
            SESSILE_VALID => return c"valid".as_ptr(),
            SESSILE_REASON_ABSENT => return c"absent".as_ptr(),
            SESSILE_REASON_UNANSWERED => return c"unanswered".as_ptr(),
            _ => {}
        }
        let found = REASON_NAMES.iter().find(|(number, _)| *number == reason);
        found.map_or(UNKNOWN.as_ptr(), |(_, name)| name.as_ptr())
    })
}

/// A name that ends in at least one zero byte.
struct CName([u8; CName::LEN]);

impl CName {
    /// Bytes with the zero. A longer name would not compile.
    const LEN: usize = 32;

    const EMPTY: CName = CName([0; CName::LEN]);

    const fn new(name: &str) -> Self {
        assert!(name.len() < CName::LEN);
        let mut bytes = [0; CName::LEN];
        let (place, _) = bytes.split_at_mut(name.len());
        place.copy_from_slice(name.as_bytes());
        CName(bytes)
    }

    const fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }
}

pub(crate) const OK: i32 = 0;
const UNKNOWN: &CStr = c"unknown";

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
static STATUS_NAMES: [(i32, CName); ErrorKind::ALL.len()] = {
    let mut names = [const { (0, CName::EMPTY) }; ErrorKind::ALL.len()];
    let mut i = 0;
    while i < names.len() {
        let kind = ErrorKind::ALL[i];
        names[i] = (kind.number() as i32, CName::new(kind.name()));
        i += 1;
    }
    names
};

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
static REASON_NAMES: [(i32, CName); Reason::ALL.len()] = {
    let mut names = [const { (0, CName::EMPTY) }; Reason::ALL.len()];
    let mut i = 0;
    while i < names.len() {
        let reason = Reason::ALL[i];
        names[i] = (reason.number() as i32, CName::new(reason.name()));
        i += 1;
    }
    names
};

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: *const c_char) -> &'static str {
        // SAFETY: both functions promise static text with a zero at its end.
        unsafe { CStr::from_ptr(name) }.to_str().unwrap()
    }

    #[test]
    fn every_kind_and_reason_has_the_name_of_the_table() {
        for kind in ErrorKind::ALL {
            assert_eq!(text(sessile_status_name(kind.number().into())), kind.name());
        }
        for reason in Reason::ALL {
            assert_eq!(text(sessile_reason_name(reason.number().into())), reason.name());
        }
        assert_eq!(text(sessile_status_name(0)), "ok");
    }

    #[test]
    fn numbers_outside_the_tables_are_unknown() {
        for number in [-3, 999, 9999, i32::MIN, i32::MAX] {
            assert_eq!(text(sessile_status_name(number)), "unknown");
            assert_eq!(text(sessile_reason_name(number)), "unknown");
        }
    }
}
