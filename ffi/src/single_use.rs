//! Single-use tokens: magic links, password resets, e-mail verification.

use std::ffi::c_char;
use std::time::Duration;

use sessile_core::{Reason, SingleUse, SingleUseOptions, SingleUseToken};

use crate::boundary::{Buffer, Outcome, bytes, call, given, put, put_text, text, text_if_any};
use crate::bytes::{put_bytes, sessile_bytes};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::{handle, sessile_handle};
use crate::session::{SESSILE_REASON_UNANSWERED, SESSILE_SUBJECT_MAX, SESSILE_VALID};
use crate::status::OK;
use crate::versioned::{Versioned, check_place, options, put_sized};

/// What a single-use token is to be. Begin with SESSILE_SINGLE_USE_OPTIONS_INIT and set `purpose`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_single_use_options {
    /// sizeof(sessile_single_use_options), set by the caller.
    pub struct_size: usize,
    /// What alone it is good for: `password-reset`. 1 to 64 bytes.
    pub purpose: *const c_char,
    /// Its length.
    pub purpose_len: usize,
    /// For whom it is: it stands and falls with the subject's sessile_revoke_subject and
    /// sessile_suspend. NULL: for nobody in particular.
    pub subject: *const c_char,
    /// Its length.
    pub subject_len: usize,
    /// What comes back when it is used: up to 16 KiB, kept in the store and not in the token.
    pub payload: *const c_char,
    /// Its length.
    pub payload_len: usize,
    /// How long it is good: 1 second to 7 days. 0: 15 minutes.
    pub lifetime_ms: u64,
    /// 1: it takes the place of older ones of its subject and purpose.
    pub is_superseding: u64,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for sessile_single_use_options {
    const LEN_FIRST: usize = 72;
}

const _: () = assert!(size_of::<sessile_single_use_options>() == 72);

/// What a single-use token stands for, and whether it is good. Begin with
/// SESSILE_SINGLE_USE_INIT. Only if `reason` is SESSILE_VALID do the others say anything.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_single_use {
    /// sizeof(sessile_single_use), set by the caller.
    pub struct_size: usize,
    /// SESSILE_VALID, or one of SESSILE_REASON_...; after a failure SESSILE_REASON_UNANSWERED.
    pub reason: i32,
    /// Not used yet.
    pub reserved: u32,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Until when it is good.
    pub deadline_ms: u64,
    /// Bytes of the subject without the zero; 0: for nobody in particular.
    pub subject_len: usize,
    /// Its public name.
    pub handle: sessile_handle,
    /// Not used yet.
    pub reserved_2: [u8; 6],
    /// For whom it was made: UTF-8 with a zero at its end.
    pub subject: [c_char; SESSILE_SUBJECT_MAX],
}

// SAFETY: integers and arrays of them, without padding.
unsafe impl Versioned for sessile_single_use {
    const LEN_FIRST: usize = 320;
}

const _: () = assert!(size_of::<sessile_single_use>() == 320);

/// Makes a single-use token. Durable when it returns.
///
/// Parameters: `engine`; `options`; `token`, `token_cap`: SESSILE_TOKEN_MAX is enough; `made`,
/// learns the token's handle, may be NULL; `deadline_ms`, may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_TOO_LARGE, SESSILE_ERR_SUSPENDED,
/// SESSILE_ERR_BUFFER_TOO_SMALL: nothing was made. Other store errors: nothing that anybody has.
/// Memory: the caller's. The token ends with a zero.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_issue_single_use(
    engine: *const sessile_engine,
    options: *const sessile_single_use_options,
    token: *mut c_char,
    token_cap: usize,
    made: *mut sessile_handle,
    deadline_ms: *mut u64,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let buffer = Buffer::new(token, token_cap, std::ptr::null_mut());
            buffer.require(SingleUseToken::LEN)?;
            let options = read(&self::options(given(options)?)?)?;
            let issued = engine.issue_single_use(&options)?;
            buffer.write(issued.token.as_str().as_bytes())?;
            put(made, (&issued.handle).into());
            put(deadline_ms, issued.deadline.as_millis());
            Ok(())
        })
    }
}

/// Says whether a token is good for a purpose, and leaves it so: for the page that a link opens,
/// which mail scanners open, too. Use sessile_consume once the person presses the button.
///
/// Parameters: `engine`; `purpose`, `purpose_len`; `token`, `token_len`; `single_use`, filled;
/// `payload`, written if it is valid, may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK, and then `single_use->reason` is the verdict. Store errors: let nobody do
/// anything.
/// Memory: `*payload` is freed with sessile_bytes_free.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_peek_single_use(
    engine: *const sessile_engine,
    purpose: *const c_char,
    purpose_len: usize,
    token: *const c_char,
    token_len: usize,
    single_use: *mut sessile_single_use,
    payload: *mut *mut sessile_bytes,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        judge(single_use, payload, error, || {
            let engine = self::engine(engine)?;
            let purpose = text(purpose, purpose_len)?;
            match std::str::from_utf8(bytes(token, token_len)?) {
                Ok(token) => Ok(engine.peek_single_use(purpose, token)?),
                Err(_) => Ok(Err(Reason::Malformed)),
            }
        })
    }
}

/// Uses a token: of all who try, on all threads and whatever crashes, one gets SESSILE_VALID, and
/// it is durably used when this returns. A second use gets SESSILE_REASON_REUSED, and ends the
/// session that sessile_bind_single_use named, if any.
///
/// Parameters: as sessile_peek_single_use.
/// Returns: as sessile_peek_single_use. SESSILE_ERR_OUTCOME_UNKNOWN: it may be used up.
/// Memory: `*payload` is freed with sessile_bytes_free.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_consume(
    engine: *const sessile_engine,
    purpose: *const c_char,
    purpose_len: usize,
    token: *const c_char,
    token_len: usize,
    single_use: *mut sessile_single_use,
    payload: *mut *mut sessile_bytes,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        judge(single_use, payload, error, || {
            let engine = self::engine(engine)?;
            let purpose = text(purpose, purpose_len)?;
            match std::str::from_utf8(bytes(token, token_len)?) {
                Ok(token) => Ok(engine.consume(purpose, token)?),
                Err(_) => Ok(Err(Reason::Malformed)),
            }
        })
    }
}

/// Notes that a session was created with a token that was used: should that come a second time,
/// the session is ended. Durable when it returns.
///
/// Parameters: `engine`; `used`, the token's handle; `session`, the session's; `error`, may be
/// NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_SESSION_GONE: no such token, or it was not used, or it came a
/// second time already: end the session. Store errors: nothing was changed.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_bind_single_use(
    engine: *const sessile_engine,
    used: *const sessile_handle,
    session: *const sessile_handle,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            Ok(engine.bind_single_use(&handle(used)?, &handle(session)?)?)
        })
    }
}

/// Makes a token good no longer. Durable when it returns.
///
/// Parameters: `engine`; `token`, its handle; `was_good`, learns whether it was, 1 or 0, may be
/// NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. Store errors: it is as it was.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_revoke_single_use(
    engine: *const sessile_engine,
    token: *const sessile_handle,
    was_good: *mut i32,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            put(was_good, engine.revoke_single_use(&handle(token)?)?.into());
            Ok(())
        })
    }
}

/// Asks about a token and writes the answer. The place is checked first: afterwards the token may
/// be used up. Whatever fails, the reason is never left at what it was.
///
/// # Safety
/// The pointers are NULL or places for what they say.
unsafe fn judge(
    to: *mut sessile_single_use,
    payload: *mut *mut sessile_bytes,
    error: *mut sessile_error,
    ask: impl FnOnce() -> Outcome<Result<SingleUse, Reason>>,
) -> i32 {
    // SAFETY: the caller's promise; zero is a value of integers.
    unsafe {
        let status = call(error, || {
            let len = check_place(to)?;
            let mut value: sessile_single_use = std::mem::zeroed();
            match ask()? {
                Err(reason) => value.reason = reason.number().into(),
                Ok(good) => {
                    let subject = good.subject.as_ref().map_or(&[][..], |s| s.as_bytes());
                    put_text(&raw mut value.subject, subject)?;
                    value.reason = SESSILE_VALID;
                    value.subject_len = subject.len();
                    value.created_ms = good.created.as_millis();
                    value.deadline_ms = good.deadline.as_millis();
                    value.handle = (&good.handle).into();
                    put_bytes(payload, good.payload);
                }
            }
            put_sized(to, len, &value);
            Ok(())
        });
        if status != OK && check_place(to).is_ok() {
            (&raw mut (*to).reason).write(SESSILE_REASON_UNANSWERED);
        }
        status
    }
}

/// # Safety
/// The pointers are as the header asks.
unsafe fn read(c: &sessile_single_use_options) -> Outcome<SingleUseOptions> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut options = SingleUseOptions::new(text(c.purpose, c.purpose_len)?)
            .payload(bytes(c.payload, c.payload_len)?);
        if let Some(subject) = text_if_any(c.subject, c.subject_len)? {
            options = options.subject(subject)?;
        }
        if c.lifetime_ms != 0 {
            options = options.lifetime(Duration::from_millis(c.lifetime_ms));
        }
        if c.is_superseding != 0 {
            options = options.superseding();
        }
        Ok(options)
    }
}
