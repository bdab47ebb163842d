//! Rotating sessions: at login, at a change of privilege, in passing.

use std::ffi::c_char;
use std::time::Duration;

use sessile_core::{Authentication, RotateOptions};

use crate::boundary::{Outcome, text_if_any};
use crate::create::{authentication, issue, lifetimes};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::{handle, sessile_handle};
use crate::session::sessile_session;
use crate::tokens::sessile_tokens;
use crate::versioned::{Versioned, options};

/// What changes with a rotation, beside handle and token. Begin with SESSILE_ROTATE_OPTIONS_INIT:
/// every member that is left at NULL or 0 changes nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_rotate_options {
    /// sizeof(sessile_rotate_options), set by the caller.
    pub struct_size: usize,
    /// The anonymous session becomes one of this subject, who has just proved who it is: a login
    /// that keeps the session's data. 1 to 255 bytes of UTF-8.
    pub subject: *const c_char,
    /// Its length.
    pub subject_len: usize,
    /// Another device label. Up to 255 bytes.
    pub device_label: *const c_char,
    /// Its length.
    pub device_label_len: usize,
    /// How the subject has just proved who it is: "pwd otp". The absolute deadline begins anew.
    pub amr: *const c_char,
    /// Its length.
    pub amr_len: usize,
    /// The class of that authentication.
    pub acr: *const c_char,
    /// Its length.
    pub acr_len: usize,
    /// 1: the subject has just proved who it is, also if neither `amr` nor `acr` says how.
    pub is_authenticated: u64,
    /// How long it lives unused from now on. Set both lifetimes or none.
    pub idle_timeout_ms: u64,
    /// How long it lives at all from now on; counts only with an authentication.
    pub absolute_lifetime_ms: u64,
    /// 1: `grace_ms` instead of the configuration's.
    pub has_grace: u64,
    /// How long the old token still answers, read-only: 0 to 5 minutes.
    pub grace_ms: u64,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for sessile_rotate_options {
    const LEN_FIRST: usize = 112;
}

const _: () = assert!(size_of::<sessile_rotate_options>() == 112);

/// Gives a session a new handle and token, and changes what `options` say in the same durable
/// step. To be called at every login and change of privilege, so that a token from before is
/// worth no more than it was; and when `is_rotation_due`.
///
/// The old token answers for the configured grace: it shows the session as it was, and changes
/// nothing. Two requests that rotate one session at once get the same new token.
///
/// Parameters: `engine`; `from`, the session's handle; `options`, or NULL; `session`, filled with
/// the session under its new handle, may be NULL; `tokens`, filled; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_SESSION_GONE: no valid session. SESSILE_ERR_INVALID_INPUT:
/// the session is another subject's, or an anonymous one is to be authenticated without a subject.
/// SESSILE_ERR_CONFLICT, SESSILE_ERR_INVALID_CONFIG, SESSILE_ERR_TOO_LARGE, SESSILE_ERR_SUSPENDED,
/// SESSILE_ERR_TOO_MANY_SESSIONS. In all of these nothing was changed.
/// SESSILE_ERR_OUTCOME_UNKNOWN: keep to the old token. Other store errors.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_rotate(
    engine: *const sessile_engine,
    from: *const sessile_handle,
    options: *const sessile_rotate_options,
    session: *mut sessile_session,
    tokens: *mut sessile_tokens,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        issue(session, tokens, error, || {
            let engine = self::engine(engine)?;
            let from = handle(from)?;
            Ok(engine.rotate_with(&from, read(&self::options(options)?)?)?)
        })
    }
}

/// # Safety
/// The pointers are as the header asks.
unsafe fn read(c: &sessile_rotate_options) -> Outcome<RotateOptions> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut options = match text_if_any(c.subject, c.subject_len)? {
            Some(subject) => RotateOptions::log_in(subject)?,
            None => RotateOptions::new(),
        };
        match authentication(c.amr, c.amr_len, c.acr, c.acr_len)? {
            Some(proof) => options = options.authentication(proof),
            None if c.is_authenticated != 0 => {
                options = options.authentication(Authentication::default());
            }
            None => {}
        }
        if let Some(label) = text_if_any(c.device_label, c.device_label_len)? {
            options = options.device_label(label);
        }
        if let Some(lifetimes) = lifetimes(c.idle_timeout_ms, c.absolute_lifetime_ms)? {
            options = options.lifetimes(lifetimes);
        }
        if c.has_grace != 0 {
            options = options.grace(Duration::from_millis(c.grace_ms));
        }
        Ok(options)
    }
}
