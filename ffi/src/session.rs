//! Verified sessions.

use std::ffi::c_char;

use sessile_core::cookie::bearer;
use sessile_core::{Reason, Session, Timestamp, Verdict};

use crate::boundary::{Outcome, bytes, call, put, put_text};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::sessile_handle;
use crate::tokens::SESSILE_TOKEN_MAX;
use crate::versioned::{Versioned, check_place, put_sized};

/// The token is valid.
pub const SESSILE_VALID: i32 = 0;

/// The request brought no token at all.
pub const SESSILE_REASON_ABSENT: i32 = -1;

/// Nothing was verified: the call failed, or there was none. Let the client not in, and leave its
/// cookie alone.
pub const SESSILE_REASON_UNANSWERED: i32 = -2;

/// Bytes of a subject with the zero at its end.
pub const SESSILE_SUBJECT_MAX: usize = 256;

/// What verification says, and of which session. Begin with SESSILE_SESSION_INIT.
///
/// Only if `reason` is SESSILE_VALID are the other members those of a session; otherwise they are
/// zero, but for the size. A call that fails sets `reason` to SESSILE_REASON_UNANSWERED and
/// nothing else: a program that forgets to look at the status lets nobody in.
///
/// Times are milliseconds since the Unix epoch, by the engine's clock.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_session {
    /// sizeof(sessile_session), set by the caller.
    pub struct_size: usize,
    /// SESSILE_VALID, or one of SESSILE_REASON_...
    pub reason: i32,
    /// 1: the policy wants a rotation now.
    pub is_rotation_due: u8,
    /// 1: the subject's claims (roles, say) changed since: load them anew, and rotate.
    pub are_claims_stale: u8,
    /// 1: the token is from before a rotation and answers for its grace only. This is the session
    /// as it was; it can be revoked, and not changed. `rotated_to` is the handle that is good.
    pub is_superseded: u8,
    /// Not used yet.
    pub reserved: u8,
    /// When the session was created; rotations do not change it.
    pub created_ms: u64,
    /// When the subject proved who it is last; 0: anonymous. "Within five minutes" is
    /// `verified_at_ms - authenticated_at_ms < 300000`.
    pub authenticated_at_ms: u64,
    /// When the client was seen last, this call included if it touches.
    pub last_seen_ms: u64,
    /// Unused until then, it ends.
    pub idle_deadline_ms: u64,
    /// It ends then, used or not.
    pub absolute_deadline_ms: u64,
    /// The engine's time at the call.
    pub verified_at_ms: u64,
    /// The subject's claims version when the session was issued.
    pub claims_version: u64,
    /// Bytes of the subject without the zero; 0: anonymous.
    pub subject_len: usize,
    /// The session's public name: what sessile_revoke and others take.
    pub handle: sessile_handle,
    /// See `is_superseded`.
    pub rotated_to: sessile_handle,
    /// Whose session it is: UTF-8 with a zero at its end.
    pub subject: [c_char; SESSILE_SUBJECT_MAX],
    /// The same session's token under the active key, when the presented one is under an older
    /// key; else empty. sessile_renew_cookies puts it into the cookie.
    pub renewed_token: [c_char; SESSILE_TOKEN_MAX],
    /// Not used yet.
    pub reserved_end: [u8; 4],
}

// SAFETY: integers and arrays of them, without padding, as the assertion says.
unsafe impl Versioned for sessile_session {
    const LEN_FIRST: usize = 472;
}

const _: () = assert!(size_of::<sessile_session>() == 472);
const _: () = assert!(SESSILE_SUBJECT_MAX == sessile_core::Subject::LEN_MAX + 1);

/// Says whether a session token is valid now, and notes that its client was here.
///
/// A cached session costs no store access, no allocation and no system call beyond reading the
/// clock. A token that was revoked before this call began is rejected.
///
/// Parameters: `engine`; `token`, `token_len`, what the client presented, whatever it is;
/// `session`, filled with verdict and session; `error`, may be NULL.
/// Returns: SESSILE_OK, and then `session->reason` is the verdict. SESSILE_ERR_UNAVAILABLE,
/// SESSILE_ERR_CORRUPT: the store could not answer; do not let the client in, and do not clear
/// its cookie. SESSILE_ERR_CLOSED, SESSILE_ERR_FORKED, SESSILE_ERR_INVALID_INPUT.
/// Memory: the caller's.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_verify(
    engine: *const sessile_engine,
    token: *const c_char,
    token_len: usize,
    session: *mut sessile_session,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        judge(session, error, || {
            let engine = self::engine(engine)?;
            match std::str::from_utf8(bytes(token, token_len)?) {
                Ok(token) => Ok(Some(engine.verify(token)?)),
                Err(_) => Ok(Some(Verdict::Rejected(Reason::Malformed))),
            }
        })
    }
}

/// Says what sessile_verify would, without a touch: for polls and countdowns that must not keep a
/// session alive.
///
/// Parameters, Returns, Memory, Threads: as sessile_verify.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_peek(
    engine: *const sessile_engine,
    token: *const c_char,
    token_len: usize,
    session: *mut sessile_session,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        judge(session, error, || {
            let engine = self::engine(engine)?;
            match std::str::from_utf8(bytes(token, token_len)?) {
                Ok(token) => Ok(Some(engine.peek(token)?)),
                Err(_) => Ok(Some(Verdict::Rejected(Reason::Malformed))),
            }
        })
    }
}

/// Verifies the session cookie of a request. Give the whole value of its `Cookie` header, with
/// several joined by "; ".
///
/// Up to four cookies of the name are tried, as another host of the domain may have planted one.
/// Two that are valid for different sessions are SESSILE_REASON_AMBIGUOUS.
///
/// Parameters: `header`, `header_len`; (NULL, 0) is a request without the header. The others as
/// sessile_verify.
/// Returns: as sessile_verify. A request without the cookie is SESSILE_REASON_ABSENT.
/// Memory: the caller's.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_verify_cookie_header(
    engine: *const sessile_engine,
    header: *const c_char,
    header_len: usize,
    session: *mut sessile_session,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        judge(session, error, || {
            let engine = self::engine(engine)?;
            Ok(engine.verify_cookies([bytes(header, header_len)?])?)
        })
    }
}

/// Says what sessile_verify_cookie_header would, without a touch.
///
/// Parameters, Returns, Memory, Threads: as sessile_verify_cookie_header.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_peek_cookie_header(
    engine: *const sessile_engine,
    header: *const c_char,
    header_len: usize,
    session: *mut sessile_session,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        judge(session, error, || {
            let engine = self::engine(engine)?;
            Ok(engine.peek_cookies([bytes(header, header_len)?])?)
        })
    }
}

/// Verifies the session token of a request's `Authorization: Bearer` header (RFC 6750, 2.1).
///
/// Parameters: `header`, `header_len`, the header's whole value; (NULL, 0) is a request without
/// it. The others as sessile_verify.
/// Returns: as sessile_verify. Another scheme, and no header, are SESSILE_REASON_ABSENT.
/// Memory: the caller's.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_verify_authorization_header(
    engine: *const sessile_engine,
    header: *const c_char,
    header_len: usize,
    session: *mut sessile_session,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        judge(session, error, || {
            let engine = self::engine(engine)?;
            Ok(engine.verify_bearer(bytes(header, header_len)?)?)
        })
    }
}

/// Finds the token in an `Authorization: Bearer` header's value, for the functions that take an
/// access token or an API key.
///
/// Parameters: `header`, `header_len`; `token`, `token_len`, where it is in the header: NULL and 0
/// when the header has another form; `error`, may be NULL.
/// Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT.
/// Memory: `token` lies inside `header` and has no zero at its end.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_bearer_token(
    header: *const c_char,
    header_len: usize,
    token: *mut *const c_char,
    token_len: *mut usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            crate::boundary::required(token)?;
            crate::boundary::required(token_len)?;
            let found = bearer(bytes(header, header_len)?);
            put(token, found.map_or(std::ptr::null(), |found| found.as_ptr().cast()));
            put(token_len, found.map_or(0, str::len));
            Ok(())
        })
    }
}

/// Runs a verification and writes its verdict; `None` is the absence of a token. Whatever fails,
/// the reason is never left at what it was.
///
/// # Safety
/// `session` and `error` are NULL or places for what they say.
#[inline]
pub(crate) unsafe fn judge(
    session: *mut sessile_session,
    error: *mut sessile_error,
    verify: impl FnOnce() -> Outcome<Option<Verdict>>,
) -> i32 {
    // SAFETY: the caller's promise.
    let status = unsafe {
        call(error, || {
            let len = check_place(session)?;
            match &verify()? {
                Some(Verdict::Valid(valid)) => put_session(session, len, valid),
                Some(Verdict::Rejected(reason)) => {
                    put_rejection(session, len, i32::from(reason.number()));
                    Ok(())
                }
                None => {
                    put_rejection(session, len, SESSILE_REASON_ABSENT);
                    Ok(())
                }
            }
        })
    };
    if status != crate::status::OK {
        // SAFETY: the caller's promise.
        unsafe { put_unanswered(session) };
    }
    status
}

/// # Safety
/// `session` is NULL or a place for as many bytes as it says.
#[cold]
pub(crate) unsafe fn put_unanswered(session: *mut sessile_session) {
    // SAFETY: a struct of that size has the member.
    unsafe {
        if check_place(session).is_ok() {
            (&raw mut (*session).reason).write(SESSILE_REASON_UNANSWERED);
        }
    }
}

/// # Safety
/// `session` is a place for `len` bytes, as [`check_place`] gave them.
#[cold]
pub(crate) unsafe fn put_rejection(session: *mut sessile_session, len: usize, reason: i32) {
    // SAFETY: zero is a value of integers; and the caller's promise.
    unsafe {
        let mut rejected: sessile_session = std::mem::zeroed();
        rejected.reason = reason;
        put_sized(session, len, &rejected);
    }
}

/// Writes a session into the caller's struct, member by member: it is mostly arrays, of which
/// little is used.
///
/// # Safety
/// `session` is a place for `len` bytes, as [`check_place`] gave them.
#[inline]
pub(crate) unsafe fn put_session(
    session: *mut sessile_session,
    len: usize,
    valid: &Session,
) -> Outcome {
    if len == size_of::<sessile_session>() {
        // SAFETY: the caller's promise.
        return unsafe { put_members(session, valid) };
    }
    // SAFETY: zero is a value of integers; and the caller's promise.
    unsafe {
        let mut whole: sessile_session = std::mem::zeroed();
        put_members(&raw mut whole, valid)?;
        put_sized(session, len, &whole);
    }
    Ok(())
}

/// # Safety
/// `to` is a place for a [`sessile_session`].
#[inline]
unsafe fn put_members(to: *mut sessile_session, valid: &Session) -> Outcome {
    let subject = valid.subject().map_or(&[][..], |subject| subject.as_bytes());
    let rotated_to = valid.rotated_to();
    let renewed = valid.renewed_token().map_or("", |token| token.as_str());
    let authenticated_at = valid.authenticated_at().map_or(0, Timestamp::as_millis);
    // SAFETY: the caller's place.
    unsafe {
        (&raw mut (*to).is_rotation_due).write(valid.is_rotation_due().into());
        (&raw mut (*to).are_claims_stale).write(valid.are_claims_stale().into());
        (&raw mut (*to).is_superseded).write(rotated_to.is_some().into());
        (&raw mut (*to).reserved).write(0);
        (&raw mut (*to).created_ms).write(valid.created().as_millis());
        (&raw mut (*to).authenticated_at_ms).write(authenticated_at);
        (&raw mut (*to).last_seen_ms).write(valid.last_seen().as_millis());
        (&raw mut (*to).idle_deadline_ms).write(valid.idle_deadline().as_millis());
        (&raw mut (*to).absolute_deadline_ms).write(valid.absolute_deadline().as_millis());
        (&raw mut (*to).verified_at_ms).write(valid.verified_at().as_millis());
        (&raw mut (*to).claims_version).write(valid.claims_version());
        (&raw mut (*to).subject_len).write(subject.len());
        (&raw mut (*to).handle).write(valid.handle().into());
        (&raw mut (*to).rotated_to)
            .write(rotated_to.map_or(sessile_handle::NONE, sessile_handle::from));
        put_text(&raw mut (*to).subject, subject)?;
        put_text(&raw mut (*to).renewed_token, renewed.as_bytes())?;
        // Last, so that nothing before it can fail once it says so.
        (&raw mut (*to).reason).write(SESSILE_VALID);
    }
    Ok(())
}
