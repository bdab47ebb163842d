//! Creating sessions.

use std::ffi::c_char;
use std::time::Duration;

use sessile_core::{Authentication, CreateOptions, Issued, Lifetimes, RefreshGrant, Timestamp};

use crate::boundary::{Outcome, bytes, call, invalid, text_if_any, words_if_any};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::session::{put_session, put_unanswered, sessile_session};
use crate::status::OK;
use crate::tokens::{put_tokens, sessile_tokens};
use crate::versioned::{Versioned, check_place, options};

/// What a new session is to be. Begin with SESSILE_CREATE_OPTIONS_INIT: every member that is left
/// at NULL or 0 keeps its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_create_options {
    /// sizeof(sessile_create_options), set by the caller.
    pub struct_size: usize,
    /// Whose session it is, who has just proved who it is: UTF-8, 1 to 255 bytes. NULL: an
    /// anonymous session.
    pub subject: *const c_char,
    /// Its length.
    pub subject_len: usize,
    /// The session token that the client presented, whatever it is: its session is ended once the
    /// new one is there, so that a login leaves no orphan behind. It is never taken over.
    pub retire: *const c_char,
    /// Its length.
    pub retire_len: usize,
    /// What lists of sessions show: "Firefox on Linux". Up to 255 bytes.
    pub device_label: *const c_char,
    /// Its length.
    pub device_label_len: usize,
    /// How the subject proved who it is (RFC 8176): "pwd otp", separated by spaces.
    pub amr: *const c_char,
    /// Its length.
    pub amr_len: usize,
    /// The class of the authentication (OpenID Connect Core, 2).
    pub acr: *const c_char,
    /// Its length.
    pub acr_len: usize,
    /// How long it lives unused, instead of the configuration's. Set both lifetimes or none.
    pub idle_timeout_ms: u64,
    /// How long it lives at all, instead of the configuration's.
    pub absolute_lifetime_ms: u64,
    /// The session begins then; until then it is not yet valid. 0: now.
    pub not_before_ms: u64,
    /// 1: with a refresh token. The session then lives 14 days unused and 90 in all, unless the
    /// lifetimes are set.
    pub is_refreshable: u64,
    /// The client that the refresh token is bound to (RFC 6749); NULL: to none.
    pub client: *const c_char,
    /// Its length.
    pub client_len: usize,
    /// The scopes, at most which a refresh can ask for, separated by spaces.
    pub scopes: *const c_char,
    /// Their length.
    pub scopes_len: usize,
    /// The audiences, at most which a refresh can ask for, separated by spaces.
    pub audiences: *const c_char,
    /// Their length.
    pub audiences_len: usize,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for sessile_create_options {
    const LEN_FIRST: usize = 168;
}

const _: () = assert!(size_of::<sessile_create_options>() == 168);

/// Creates a session and signs its token. Durable when it returns, unless the configuration says
/// otherwise.
///
/// Parameters: `engine`; `options`, NULL for an anonymous session; `session`, filled with the new
/// session, may be NULL; `tokens`, filled with what goes to the client; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_INVALID_CONFIG,
/// SESSILE_ERR_TOO_LARGE: an option is beyond its limit. SESSILE_ERR_SUSPENDED,
/// SESSILE_ERR_TOO_MANY_SESSIONS: the subject may have none. In all of these nothing was created.
/// SESSILE_ERR_OUTCOME_UNKNOWN: a session may be there that nobody has a token of; it expires.
/// Other store errors.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_create(
    engine: *const sessile_engine,
    options: *const sessile_create_options,
    session: *mut sessile_session,
    tokens: *mut sessile_tokens,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        issue(session, tokens, error, || {
            let engine = self::engine(engine)?;
            let options = self::options(options)?;
            Ok(engine.create(read(&options)?)?)
        })
    }
}

/// Runs what issues a session, and writes session and tokens. The places are checked first:
/// afterwards the session is there, and its token would be lost.
///
/// # Safety
/// The pointers are NULL or places for what they say.
pub(crate) unsafe fn issue(
    session: *mut sessile_session,
    tokens: *mut sessile_tokens,
    error: *mut sessile_error,
    issue: impl FnOnce() -> Outcome<Issued>,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        let status = call(error, || {
            let tokens_len = check_place(tokens)?;
            let session_len = if session.is_null() { 0 } else { check_place(session)? };
            let issued = issue()?;
            put_tokens(tokens, tokens_len, &issued)?;
            if session.is_null() {
                return Ok(());
            }
            put_session(session, session_len, &issued.session)
        });
        if status != OK {
            put_unanswered(session);
        }
        status
    }
}

/// # Safety
/// The pointers are as the header asks.
unsafe fn read(c: &sessile_create_options) -> Outcome<CreateOptions> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut options = match text_if_any(c.subject, c.subject_len)? {
            Some(subject) => CreateOptions::for_subject(subject)?,
            None => CreateOptions::anonymous(),
        };
        // What is no text is no token, and there is nothing to retire.
        if let Ok(presented) = std::str::from_utf8(bytes(c.retire, c.retire_len)?)
            && !presented.is_empty()
        {
            options = options.retire(presented);
        }
        if let Some(label) = text_if_any(c.device_label, c.device_label_len)? {
            options = options.device_label(label);
        }
        if let Some(proof) = authentication(c.amr, c.amr_len, c.acr, c.acr_len)? {
            options = options.authentication(proof);
        }
        if let Some(lifetimes) = lifetimes(c.idle_timeout_ms, c.absolute_lifetime_ms)? {
            options = options.lifetimes(lifetimes);
        }
        if c.not_before_ms != 0 {
            options = options.not_before(Timestamp::from_millis(c.not_before_ms));
        }
        if c.is_refreshable != 0 {
            options = options.refreshable(grant(c)?);
        }
        Ok(options)
    }
}

/// # Safety
/// The pointers are as the header asks.
unsafe fn grant(c: &sessile_create_options) -> Outcome<RefreshGrant> {
    let mut grant = RefreshGrant::new();
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(client) = text_if_any(c.client, c.client_len)? {
            grant = grant.client(client);
        }
        if let Some(scopes) = words_if_any(c.scopes, c.scopes_len)? {
            grant = grant.scopes(scopes);
        }
        if let Some(audiences) = words_if_any(c.audiences, c.audiences_len)? {
            grant = grant.audiences(audiences);
        }
    }
    Ok(grant)
}

/// An authentication, if either of its parts is given.
///
/// # Safety
/// The pointers are NULL or good for their lengths.
pub(crate) unsafe fn authentication(
    amr: *const c_char,
    amr_len: usize,
    acr: *const c_char,
    acr_len: usize,
) -> Outcome<Option<Authentication>> {
    // SAFETY: the caller's promise.
    let (amr, acr) = unsafe { (words_if_any(amr, amr_len)?, text_if_any(acr, acr_len)?) };
    if amr.is_none() && acr.is_none() {
        return Ok(None);
    }
    let amr = amr.unwrap_or_default().into_iter().map(str::to_owned).collect();
    Ok(Some(Authentication { amr, acr: acr.map(str::to_owned) }))
}

/// Both lifetimes, if they are given.
pub(crate) fn lifetimes(idle_ms: u64, absolute_ms: u64) -> Outcome<Option<Lifetimes>> {
    match (idle_ms, absolute_ms) {
        (0, 0) => Ok(None),
        (0, _) | (_, 0) => Err(invalid("one of the lifetimes is set and the other is not")),
        (idle, absolute) => Ok(Some(Lifetimes {
            idle_timeout: Duration::from_millis(idle),
            absolute_lifetime: Duration::from_millis(absolute),
        })),
    }
}
