//! Access tokens.

use std::ffi::c_char;
use std::time::Duration;

use serde_json::{Map, Value};
use sessile_core::{AccessOptions, AccessVerdict, Reason, Verdict};

use crate::boundary::{Outcome, bytes, call, invalid, put, required, text_if_any, words_if_any};
use crate::bytes::{put_bytes, sessile_bytes};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::{handle, sessile_handle};
use crate::session::{judge, sessile_session};
use crate::versioned::{Versioned, options};

/// What goes into an access token beyond what the engine puts there. Begin with
/// SESSILE_ACCESS_OPTIONS_INIT: every member that is left at NULL or 0 adds nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_access_options {
    /// sizeof(sessile_access_options), set by the caller.
    pub struct_size: usize,
    /// Audiences, separated by spaces, instead of the configuration's.
    pub audiences: *const c_char,
    /// Their length.
    pub audiences_len: usize,
    /// The client that it is for: `client_id` (RFC 9068, 2.2).
    pub client: *const c_char,
    /// Its length.
    pub client_len: usize,
    /// What it may be used for: `scope`, separated by spaces (RFC 8693, 4.2).
    pub scopes: *const c_char,
    /// Their length.
    pub scopes_len: usize,
    /// Claims of the program's own: a JSON object.
    pub claims_json: *const c_char,
    /// Its length.
    pub claims_json_len: usize,
    /// A shorter lifetime than the configuration's.
    pub lifetime_ms: u64,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for sessile_access_options {
    const LEN_FIRST: usize = 80;
}

const _: () = assert!(size_of::<sessile_access_options>() == 80);

/// Mints an access token (a JWT, RFC 9068) for a session: it stands and falls with the session,
/// and is SESSILE_REASON_STALE_CLAIMS once the subject's claims change.
///
/// Parameters: `engine`; `session`, its handle; `options`, or NULL; `token`, written on success;
/// `deadline_ms`, learns until when it is good, may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_CONFIG: access tokens are not configured.
/// SESSILE_ERR_SESSION_GONE: no valid session, or it was rotated. SESSILE_ERR_INVALID_INPUT: the
/// session is anonymous, or a claim cannot be written. SESSILE_ERR_TOO_LARGE. Store errors.
/// Memory: `*token` is freed with sessile_bytes_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_issue_access(
    engine: *const sessile_engine,
    session: *const sessile_handle,
    options: *const sessile_access_options,
    token: *mut *mut sessile_bytes,
    deadline_ms: *mut u64,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(token)?;
            let options = read(&self::options(options)?)?;
            let issued = engine.issue_access(&handle(session)?, &options)?;
            put_bytes(token, issued.token);
            put(deadline_ms, issued.deadline.as_millis());
            Ok(())
        })
    }
}

/// Says whether an access token of this engine is good: signature, kind, issuer, audience and
/// time, and that neither it nor its session nor its subject was revoked since. Its client counts
/// as seen.
///
/// Parameters: `engine`; `token`, `token_len`; `session`, filled with verdict and session;
/// `claims_json`, written with its claims if it is valid, may be NULL; `error`, may be NULL.
/// Returns: as sessile_verify, and SESSILE_ERR_INVALID_CONFIG: access tokens are not configured.
/// Memory: `*claims_json` is freed with sessile_bytes_free.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_verify_access(
    engine: *const sessile_engine,
    token: *const c_char,
    token_len: usize,
    session: *mut sessile_session,
    claims_json: *mut *mut sessile_bytes,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        judge(session, error, || {
            let engine = self::engine(engine)?;
            let Ok(token) = std::str::from_utf8(bytes(token, token_len)?) else {
                return Ok(Some(Verdict::Rejected(Reason::Malformed)));
            };
            match engine.verify_access(token)? {
                AccessVerdict::Valid { claims, session } => {
                    if !claims_json.is_null() {
                        let json = serde_json::to_vec(&*claims);
                        put_bytes(claims_json, json.map_err(|_| invalid("not JSON"))?);
                    }
                    Ok(Some(Verdict::Valid(session)))
                }
                AccessVerdict::Rejected(reason) => Ok(Some(Verdict::Rejected(reason))),
            }
        })
    }
}

/// Denies one access token: it is SESSILE_REASON_DENIED from the moment this returns. Its session
/// stays.
///
/// Parameters: `engine`; `token`, `token_len`; `was_good`, learns whether it was good until now, 1
/// or 0, may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_TOO_LARGE: 256 tokens of the session are denied already:
/// revoke the session instead. Others as sessile_revoke.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_deny_access(
    engine: *const sessile_engine,
    token: *const c_char,
    token_len: usize,
    was_good: *mut i32,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let token = std::str::from_utf8(bytes(token, token_len)?).unwrap_or_default();
            put(was_good, engine.deny_access(token)?.into());
            Ok(())
        })
    }
}

/// # Safety
/// The pointers are as the header asks.
unsafe fn read(c: &sessile_access_options) -> Outcome<AccessOptions> {
    let mut options = AccessOptions::new();
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(audiences) = words_if_any(c.audiences, c.audiences_len)? {
            options = options.audiences(audiences);
        }
        if let Some(client) = text_if_any(c.client, c.client_len)? {
            options = options.client(client);
        }
        if let Some(scopes) = words_if_any(c.scopes, c.scopes_len)? {
            options = options.scopes(scopes);
        }
        if let Some(json) = text_if_any(c.claims_json, c.claims_json_len)? {
            let claims: Map<String, Value> =
                serde_json::from_str(json).map_err(|_| invalid("the claims are no JSON object"))?;
            options = claims.into_iter().fold(options, |o, (name, value)| o.claim(name, value));
        }
    }
    if c.lifetime_ms != 0 {
        options = options.lifetime(Duration::from_millis(c.lifetime_ms));
    }
    Ok(options)
}
