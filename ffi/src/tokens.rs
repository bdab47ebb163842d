//! Tokens that go to a client, and how long they are.

use std::ffi::c_char;

use sessile_core::{CsrfToken, Issued, RefreshToken, SessionToken, SingleUseToken};

use crate::boundary::{Outcome, guard, put_text};
use crate::versioned::{Versioned, put_sized};

/// Bytes that hold any session, refresh, single-use or CSRF token and any API key, with the zero
/// at its end. Access tokens and signed values are longer, and come as sessile_bytes.
pub const SESSILE_TOKEN_MAX: usize = 96;

/// The longest API key: a prefix of 16 characters, `_`, and what a session token has.
pub(crate) const API_KEY_LEN_MAX: usize = 16 + 1 + SessionToken::LEN;

const _: () = assert!(SESSILE_TOKEN_MAX > SessionToken::LEN);
const _: () = assert!(SESSILE_TOKEN_MAX > RefreshToken::LEN);
const _: () = assert!(SESSILE_TOKEN_MAX > SingleUseToken::LEN);
const _: () = assert!(SESSILE_TOKEN_MAX > CsrfToken::LEN);
const _: () = assert!(SESSILE_TOKEN_MAX > API_KEY_LEN_MAX);

/// The tokens of a session that was just created or rotated. Begin with SESSILE_TOKENS_INIT.
///
/// They are secrets of the client: into the cookie with them, and into no log.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_tokens {
    /// sizeof(sessile_tokens), set by the caller.
    pub struct_size: usize,
    /// The session token, with a zero at its end.
    pub session: [c_char; SESSILE_TOKEN_MAX],
    /// The refresh token, if the session was created with one; else empty.
    pub refresh: [c_char; SESSILE_TOKEN_MAX],
}

// SAFETY: integers and arrays of them, without padding, as the assertion says.
unsafe impl Versioned for sessile_tokens {
    const LEN_FIRST: usize = 200;
}

const _: () = assert!(size_of::<sessile_tokens>() == 200);

/// SESSILE_TOKEN_MAX of the library, for languages that cannot read the header.
///
/// Returns: the number.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_token_max() -> usize {
    guard(SESSILE_TOKEN_MAX, || SESSILE_TOKEN_MAX)
}

/// Writes the tokens of a new session.
///
/// # Safety
/// `tokens` is a place for `len` bytes, as `check_place` gave them.
pub(crate) unsafe fn put_tokens(
    tokens: *mut sessile_tokens,
    len: usize,
    issued: &Issued,
) -> Outcome {
    // SAFETY: zero is a value of integers; and the caller's promise.
    unsafe {
        let mut value: sessile_tokens = std::mem::zeroed();
        put_text(&raw mut value.session, issued.token.as_str().as_bytes())?;
        let refresh = issued.refresh_token.as_ref().map_or("", RefreshToken::as_str);
        put_text(&raw mut value.refresh, refresh.as_bytes())?;
        put_sized(tokens, len, &value);
    }
    Ok(())
}
