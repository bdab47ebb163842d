//! The cookies of a response, and the CSRF tokens of its pages.

use std::ffi::c_char;
use std::time::Duration;

use sessile_core::Timestamp;

use crate::boundary::{Buffer, Outcome, bytes, call, given, invalid, put};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::{handle, sessile_handle};
use crate::session::{SESSILE_VALID, sessile_session};
use crate::tokens::sessile_tokens;
use crate::versioned::options;

/// Bytes that hold the cookies of a response, whatever the configuration: two, and the zeros at
/// their ends. With the default configuration 512 are enough.
pub const SESSILE_COOKIES_MAX: usize = 12288;

/// The `Set-Cookie` values for a session that was just created or rotated: the session cookie and
/// its companion, which tells scripts how long the session has left.
///
/// The buffer gets the values one after the other, each with a zero at its end, and an empty one
/// behind the last. Send each in a `Set-Cookie` header of its own:
///
///     for (const char *v = cookies; *v; v += strlen(v) + 1) { add_header("Set-Cookie", v); }
///
/// Parameters: `engine`; `session`, `tokens`, as sessile_create or sessile_rotate filled them;
/// `cookies`, `cookies_cap`, the buffer and its size; `cookies_len`, learns how many bytes were
/// written without the last zero, or are needed, may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_BUFFER_TOO_SMALL. SESSILE_ERR_INVALID_INPUT: the session is
/// not valid, or has ended meanwhile.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_set_cookies(
    engine: *const sessile_engine,
    session: *const sessile_session,
    tokens: *const sessile_tokens,
    cookies: *mut c_char,
    cookies_cap: usize,
    cookies_len: *mut usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let (session, tokens) = (options(given(session)?)?, options(given(tokens)?)?);
            if session.reason != SESSILE_VALID {
                return Err(invalid("the session is not valid"));
            }
            let left = |deadline: u64| {
                Duration::from_millis(deadline.saturating_sub(session.verified_at_ms))
            };
            let policy = engine.cookies();
            let token = text_of(&tokens.session)?;
            let first = session.idle_deadline_ms.min(session.absolute_deadline_ms);
            let now = Timestamp::from_millis(session.verified_at_ms);
            let values = [
                policy.session(token, left(session.absolute_deadline_ms))?,
                policy.companion(left(first), now)?,
            ];
            write(&values, Buffer::new(cookies, cookies_cap, cookies_len))
        })
    }
}

/// The `Set-Cookie` values for the response to a request that was verified: the companion, and
/// the session cookie itself when its token is under an old key or less than half is left of its
/// Max-Age. None for a session that is not valid, and none for a token from before a rotation: the
/// new one is on its way. Keeps no session alive.
///
/// Parameters: `header`, `header_len`, the request's `Cookie` header as
/// sessile_verify_cookie_header took it; the others as sessile_set_cookies.
/// Returns: SESSILE_OK. SESSILE_ERR_BUFFER_TOO_SMALL. Others as sessile_peek: then leave the
/// client's cookies alone.
/// Memory: the caller's. The buffer is written as by sessile_set_cookies.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_renew_cookies(
    engine: *const sessile_engine,
    header: *const c_char,
    header_len: usize,
    cookies: *mut c_char,
    cookies_cap: usize,
    cookies_len: *mut usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let verdict = engine.peek_cookies([bytes(header, header_len)?])?;
            let values = match verdict.as_ref().and_then(|verdict| verdict.session()) {
                Some(session) => engine.renew_cookies(session)?,
                None => Vec::new(),
            };
            write(&values, Buffer::new(cookies, cookies_cap, cookies_len))
        })
    }
}

/// The `Set-Cookie` values that make the browser forget both cookies: after a revoke, and for a
/// token that was rejected. Never after an error.
///
/// Parameters: as sessile_set_cookies.
/// Returns: SESSILE_OK. SESSILE_ERR_BUFFER_TOO_SMALL.
/// Memory: the caller's. The buffer is written as by sessile_set_cookies.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_clear_cookies(
    engine: *const sessile_engine,
    cookies: *mut c_char,
    cookies_cap: usize,
    cookies_len: *mut usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let values = self::engine(engine)?.clear_cookies();
            write(&values, Buffer::new(cookies, cookies_cap, cookies_len))
        })
    }
}

/// A CSRF token for the pages of a session (synchroniser token). Another text at each call, all
/// good until the session's handle changes. No store access.
///
/// Parameters: `engine`; `session`, its handle; `token`, `token_cap`: SESSILE_TOKEN_MAX is enough;
/// `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_BUFFER_TOO_SMALL. SESSILE_ERR_NO_RANDOMNESS.
/// Memory: the caller's. The token ends with a zero.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_csrf_token(
    engine: *const sessile_engine,
    session: *const sessile_handle,
    token: *mut c_char,
    token_cap: usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let made = self::engine(engine)?.csrf_token(&handle(session)?)?;
            let buffer = Buffer::new(token, token_cap, std::ptr::null_mut());
            buffer.write(made.as_str().as_bytes())
        })
    }
}

/// Says whether a request for a session brought a CSRF token of it. Verify the session first: this
/// says nothing of its being valid.
///
/// Parameters: `engine`; `session`, its handle; `presented`, `presented_len`; `is_token`, learns 1
/// or 0; `error`, may be NULL.
/// Returns: SESSILE_OK, and then look at `*is_token`. On any failure that is 0.
/// Memory: the caller's.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_is_csrf_token(
    engine: *const sessile_engine,
    session: *const sessile_handle,
    presented: *const c_char,
    presented_len: usize,
    is_token: *mut i32,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        put(is_token, 0);
        call(error, || {
            crate::boundary::required(is_token)?;
            let engine = self::engine(engine)?;
            let presented = bytes(presented, presented_len)?;
            let session = handle(session)?;
            let is_good = std::str::from_utf8(presented)
                .is_ok_and(|presented| engine.is_csrf_token(&session, presented));
            put(is_token, is_good.into());
            Ok(())
        })
    }
}

/// Writes the values, each with its zero; `Buffer` puts the last one behind them.
fn write(values: &[String], buffer: Buffer) -> Outcome {
    let mut list = String::new();
    for value in values {
        list.push_str(value);
        list.push('\0');
    }
    buffer.write(list.as_bytes())
}

/// The text in an array of a struct that the caller gives back.
fn text_of(array: &[c_char]) -> Outcome<&str> {
    // SAFETY: a `c_char` is a byte.
    let bytes = unsafe { std::slice::from_raw_parts(array.as_ptr().cast::<u8>(), array.len()) };
    let text = std::ffi::CStr::from_bytes_until_nul(bytes).ok().and_then(|text| text.to_str().ok());
    text.ok_or_else(|| invalid("the tokens are not as sessile_create or sessile_rotate left them"))
}
