//! Ending sessions, and what concerns all sessions of a subject.

use std::ffi::c_char;

use sessile_core::Timestamp;

use crate::boundary::{bytes, call, put, required, text};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::{handle, sessile_handle};

/// Ends a session, and what it was rotated to. Every verification that starts after this returned
/// rejects it, on every thread, after a crash too. Revoking what is gone is fine.
///
/// Parameters: `engine`; `session`, its handle; `was_valid`, learns whether it was valid until
/// now, 1 or 0, may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_OUTCOME_UNKNOWN: this process rejects the session from now
/// on; whether that survives a restart is not known: reopen and revoke again. Other store errors:
/// the session is as it was.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_revoke(
    engine: *const sessile_engine,
    session: *const sessile_handle,
    was_valid: *mut i32,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let ended = engine.revoke(&handle(session)?)?;
            put(was_valid, ended.into());
            Ok(())
        })
    }
}

/// Ends every session of a subject, but one if given: one durable write, however many there are.
///
/// Parameters: `engine`; `subject`, `subject_len`; `except`, the handle of a session that stays,
/// or NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT: `except` is another subject's session, or none
/// that is valid; nothing was revoked. Otherwise as sessile_revoke.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_revoke_subject(
    engine: *const sessile_engine,
    subject: *const c_char,
    subject_len: usize,
    except: *const sessile_handle,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let except = if except.is_null() { None } else { Some(handle(except)?) };
            Ok(engine.revoke_subject(text(subject, subject_len)?, except.as_ref())?)
        })
    }
}

/// Ends every session of the store: the answer to a leaked secret. Durable when it returns.
///
/// Parameters: `engine`; `error`, may be NULL.
/// Returns: as sessile_revoke.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_revoke_all(
    engine: *const sessile_engine,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { call(error, || Ok(self::engine(engine)?.revoke_all()?)) }
}

/// Revokes whatever a client presents (RFC 7009): of a session or refresh token the session with
/// all that came of it, of an access token that token alone, an API key. What is no token, or
/// none of ours, or revoked already, is as good as revoked: nothing tells them apart.
///
/// Parameters: `engine`; `token`, `token_len`; `error`, may be NULL.
/// Returns: SESSILE_OK. Others as sessile_revoke: answer with 503, so that the client tries again.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_revoke_presented(
    engine: *const sessile_engine,
    token: *const c_char,
    token_len: usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            match std::str::from_utf8(bytes(token, token_len)?) {
                Ok(token) => Ok(engine.revoke_presented(token)?),
                // None of ours.
                Err(_) => Ok(()),
            }
        })
    }
}

/// Lets no session of a subject verify or be created, until that moment or until
/// sessile_reinstate. Durable when it returns.
///
/// Parameters: `engine`; `subject`, `subject_len`; `until_ms`, milliseconds since the Unix epoch,
/// 0: until reinstated; `error`, may be NULL.
/// Returns: as sessile_revoke.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_suspend(
    engine: *const sessile_engine,
    subject: *const c_char,
    subject_len: usize,
    until_ms: u64,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let until = (until_ms != 0).then(|| Timestamp::from_millis(until_ms));
            Ok(engine.suspend(text(subject, subject_len)?, until)?)
        })
    }
}

/// Ends a suspension; sessions that were not revoked verify again. Durable when it returns.
///
/// Parameters: `engine`; `subject`, `subject_len`; `error`, may be NULL.
/// Returns: as sessile_revoke.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_reinstate(
    engine: *const sessile_engine,
    subject: *const c_char,
    subject_len: usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { call(error, || Ok(self::engine(engine)?.reinstate(text(subject, subject_len)?)?)) }
}

/// Says that what a subject may do has changed: its sessions stay and tell that their claims are
/// stale, its access tokens are SESSILE_REASON_STALE_CLAIMS. Durable when it returns.
///
/// Parameters: `engine`; `subject`, `subject_len`; `version`, learns the new claims version, may
/// be NULL; `error`, may be NULL.
/// Returns: as sessile_revoke.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_bump_claims(
    engine: *const sessile_engine,
    subject: *const c_char,
    subject_len: usize,
    version: *mut u64,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            put(version, engine.bump_claims(text(subject, subject_len)?)?);
            Ok(())
        })
    }
}

/// How many valid sessions a subject has.
///
/// Parameters: `engine`; `subject`, `subject_len`; `count`; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE, SESSILE_ERR_CORRUPT: not known.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_count(
    engine: *const sessile_engine,
    subject: *const c_char,
    subject_len: usize,
    count: *mut usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(count)?;
            put(count, engine.count(text(subject, subject_len)?)?);
            Ok(())
        })
    }
}
