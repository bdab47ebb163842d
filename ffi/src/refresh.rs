//! Refresh tokens.

use std::ffi::c_char;
use std::ptr;

use sessile_core::{Reason, Refresh, RefreshRequest, Refreshed};

use crate::boundary::{Outcome, bytes, call, guard, put_text, text_if_any, words_if_any};
use crate::bytes::{put_bytes, put_bytes_if_any, sessile_bytes, sessile_bytes_free};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::{handle, sessile_handle};
use crate::session::{put_rejection, put_session, put_unanswered, sessile_session};
use crate::status::OK;
use crate::tokens::SESSILE_TOKEN_MAX;
use crate::versioned::{Versioned, check_place, options, put_sized};

/// What a client asks of a refresh. Begin with SESSILE_REFRESH_REQUEST_INIT: all that was granted,
/// to a family that is bound to no client.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_refresh_request {
    /// sizeof(sessile_refresh_request), set by the caller.
    pub struct_size: usize,
    /// The client that asks, as the program has authenticated it.
    pub client: *const c_char,
    /// Its length.
    pub client_len: usize,
    /// Scopes, separated by spaces, instead of all that were granted.
    pub scopes: *const c_char,
    /// Their length.
    pub scopes_len: usize,
    /// Audiences, separated by spaces, instead of all that were granted.
    pub audiences: *const c_char,
    /// Their length.
    pub audiences_len: usize,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for sessile_refresh_request {
    const LEN_FIRST: usize = 56;
}

const _: () = assert!(size_of::<sessile_refresh_request>() == 56);

/// What came of a refresh. Begin with SESSILE_REFRESHED_INIT, end with sessile_refreshed_clear.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_refreshed {
    /// sizeof(sessile_refreshed), set by the caller.
    pub struct_size: usize,
    /// The access token, if the configuration has them and the session a subject; else NULL.
    pub access_token: *mut sessile_bytes,
    /// The scopes that were asked for and granted, separated by spaces.
    pub scopes: *mut sessile_bytes,
    /// The audiences that were asked for and granted, separated by spaces.
    pub audiences: *mut sessile_bytes,
    /// Until when the access token is good; 0 without one.
    pub access_deadline_ms: u64,
    /// How many rotations there were.
    pub generation: u32,
    /// 1: the token was replaced already, a moment ago or by an answer that never arrived, and
    /// this is the same successor again.
    pub is_replay: u32,
    /// The token for the next refresh, with a zero at its end.
    pub refresh_token: [c_char; SESSILE_TOKEN_MAX],
}

// SAFETY: integers, pointers and arrays of integers, without padding.
unsafe impl Versioned for sessile_refreshed {
    const LEN_FIRST: usize = 144;
}

const _: () = assert!(size_of::<sessile_refreshed>() == 144);

/// Takes a refresh token and gives the next, in one durable step; the session counts as used.
///
/// The newest token of a session is replaced. The one before it gets the same successor again if
/// that never arrived, or within the configured grace. Anything older is SESSILE_REASON_REUSED:
/// somebody has a copy, and the session with all that came of it ended before this returned.
///
/// Parameters: `engine`; `token`, `token_len`, what the client presented; `request`, or NULL;
/// `session`, filled with verdict and session; `refreshed`, filled if the verdict is
/// SESSILE_VALID; `error`, may be NULL.
/// Returns: SESSILE_OK, and then `session->reason` is the verdict. SESSILE_ERR_OUTCOME_UNKNOWN: let
/// the client ask again with the same token. Other store errors: nothing was changed.
/// Memory: what `refreshed` points to is freed with sessile_refreshed_clear. Clear it before it is
/// filled again.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_refresh(
    engine: *const sessile_engine,
    token: *const c_char,
    token_len: usize,
    request: *const sessile_refresh_request,
    session: *mut sessile_session,
    refreshed: *mut sessile_refreshed,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        let status = call(error, || {
            let engine = self::engine(engine)?;
            let (session_len, len) = (check_place(session)?, check_place(refreshed)?);
            let request = read(&options(request)?)?;
            let answer = match std::str::from_utf8(bytes(token, token_len)?) {
                Ok(token) => engine.refresh(token, &request)?,
                Err(_) => Refresh::Rejected(Reason::Malformed),
            };
            let (good, is_replay) = match &answer {
                Refresh::Rotated(good) => (good, false),
                Refresh::Replayed(good) => (good, true),
                Refresh::Rejected(reason) => {
                    put_rejection(session, session_len, reason.number().into());
                    return Ok(());
                }
            };
            let value = value_of(good, is_replay)?;
            put_sized(refreshed, len, &value);
            put_session(session, session_len, &good.session)
        });
        if status != OK {
            put_unanswered(session);
        }
        status
    }
}

/// Frees what a refresh gave, and leaves the struct as SESSILE_REFRESHED_INIT does.
///
/// Parameters: `refreshed`, NULL is fine.
/// Memory: the struct is the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_refreshed_clear(refreshed: *mut sessile_refreshed) {
    guard((), || {
        // SAFETY: the caller keeps to the header; zero is a value of integers and pointers.
        unsafe {
            let Ok(len) = check_place(refreshed) else { return };
            for owned in [(*refreshed).access_token, (*refreshed).scopes, (*refreshed).audiences] {
                sessile_bytes_free(owned);
            }
            put_sized(refreshed, len, &std::mem::zeroed());
        }
    });
}

/// Notes that the client presented something that it got with this generation: then it has the
/// refresh token of that, too, and the one before is good for the grace only. The engine's own
/// access tokens do so by themselves; this is for programs that mint others.
///
/// Parameters: `engine`; `session`, its handle; `generation`, from sessile_refreshed; `error`, may
/// be NULL.
/// Returns: SESSILE_OK.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_confirm_refresh(
    engine: *const sessile_engine,
    session: *const sessile_handle,
    generation: u32,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            self::engine(engine)?.confirm_refresh(&handle(session)?, generation);
            Ok(())
        })
    }
}

fn value_of(good: &Refreshed, is_replay: bool) -> Outcome<sessile_refreshed> {
    // SAFETY: zero is a value of integers and pointers; the places are of this function.
    unsafe {
        let mut value: sessile_refreshed = std::mem::zeroed();
        put_text(&raw mut value.refresh_token, good.refresh_token.as_str().as_bytes())?;
        let access = good.access.as_ref();
        value.access_deadline_ms = access.map_or(0, |access| access.deadline.as_millis());
        value.generation = good.generation;
        value.is_replay = is_replay.into();
        let access_token = access.map(|access| access.token.as_bytes());
        put_bytes_if_any(ptr::from_mut(&mut value.access_token), access_token);
        put_bytes(ptr::from_mut(&mut value.scopes), good.scopes.join(" "));
        put_bytes(ptr::from_mut(&mut value.audiences), good.audiences.join(" "));
        Ok(value)
    }
}

/// # Safety
/// The pointers are as the header asks.
unsafe fn read(c: &sessile_refresh_request) -> Outcome<RefreshRequest> {
    let mut request = RefreshRequest::new();
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(client) = text_if_any(c.client, c.client_len)? {
            request = request.client(client);
        }
        if let Some(scopes) = words_if_any(c.scopes, c.scopes_len)? {
            request = request.scopes(scopes);
        }
        if let Some(audiences) = words_if_any(c.audiences, c.audiences_len)? {
            request = request.audiences(audiences);
        }
    }
    Ok(request)
}
