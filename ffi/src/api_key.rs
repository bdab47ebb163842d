//! API keys: for programs, named, scoped, listed, revoked one by one.

use std::ffi::c_char;
use std::time::Duration;

use sessile_core::{ApiKey, ApiKeyOptions, ApiKeyVerdict, Reason, Timestamp};

use crate::boundary::{
    Buffer, Outcome, bytes, call, given, put, put_box, put_text, required, text, words_if_any,
};
use crate::bytes::{put_bytes, sessile_bytes};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::{handle, sessile_handle};
use crate::list::{Items, item, other_things, sessile_list};
use crate::session::{SESSILE_REASON_UNANSWERED, SESSILE_SUBJECT_MAX, SESSILE_VALID};
use crate::status::OK;
use crate::tokens::API_KEY_LEN_MAX;
use crate::versioned::{Versioned, check_place, options, put_sized};

/// Bytes of an API key's name with the zero at its end.
pub const SESSILE_API_KEY_NAME_MAX: usize = 256;

/// What an API key is to be. Begin with SESSILE_API_KEY_OPTIONS_INIT; set `subject` and `name`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_api_key_options {
    /// sizeof(sessile_api_key_options), set by the caller.
    pub struct_size: usize,
    /// Whose it is: 1 to 255 bytes of UTF-8.
    pub subject: *const c_char,
    /// Its length.
    pub subject_len: usize,
    /// What its owner calls it: 1 to 255 bytes of UTF-8.
    pub name: *const c_char,
    /// Its length.
    pub name_len: usize,
    /// What it may be used for, in the program's own words, separated by spaces: up to 64, 4 KiB.
    pub scopes: *const c_char,
    /// Their length.
    pub scopes_len: usize,
    /// How long it is good: 1 second to 10 years. 0: until it is revoked.
    pub lifetime_ms: u64,
    /// 1: it stays when all sessions of its subject are ended.
    pub is_outliving_sessions: u64,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for sessile_api_key_options {
    const LEN_FIRST: usize = 72;
}

const _: () = assert!(size_of::<sessile_api_key_options>() == 72);

/// An API key, and whether it is good. Begin with SESSILE_API_KEY_INIT. Only if `reason` is
/// SESSILE_VALID do the others say anything.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_api_key {
    /// sizeof(sessile_api_key), set by the caller.
    pub struct_size: usize,
    /// SESSILE_VALID, or one of SESSILE_REASON_...; after a failure SESSILE_REASON_UNANSWERED.
    pub reason: i32,
    /// How often this process has verified it within the last minute or so, this time included:
    /// for a limit on its rate. 0 in a list.
    pub uses_this_minute: u32,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Until when it is good; 0: until it is revoked.
    pub deadline_ms: u64,
    /// When it was used last, kept to a minute; 0: never.
    pub last_used_ms: u64,
    /// Bytes of the subject without the zero.
    pub subject_len: usize,
    /// Bytes of the name without the zero.
    pub name_len: usize,
    /// Its public name: what sessile_revoke_api_key takes.
    pub handle: sessile_handle,
    /// Not used yet.
    pub reserved: [u8; 6],
    /// Whose it is: UTF-8 with a zero at its end.
    pub subject: [c_char; SESSILE_SUBJECT_MAX],
    /// What its owner calls it: UTF-8 with a zero at its end.
    pub name: [c_char; SESSILE_API_KEY_NAME_MAX],
}

// SAFETY: integers and arrays of them, without padding.
unsafe impl Versioned for sessile_api_key {
    const LEN_FIRST: usize = 592;
}

const _: () = assert!(size_of::<sessile_api_key>() == 592);

/// Makes an API key. Durable when it returns.
///
/// Parameters: `engine`; `options`; `token`, `token_cap`, gets the key's text, which is shown to
/// its owner once and kept nowhere: SESSILE_TOKEN_MAX is enough; `made`, learns the key's handle,
/// may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_TOO_LARGE, SESSILE_ERR_SUSPENDED,
/// SESSILE_ERR_BUFFER_TOO_SMALL: nothing was made. Other store errors: nothing that anybody has.
/// Memory: the caller's. The token ends with a zero.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_create_api_key(
    engine: *const sessile_engine,
    options: *const sessile_api_key_options,
    token: *mut c_char,
    token_cap: usize,
    made: *mut sessile_handle,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let buffer = Buffer::new(token, token_cap, std::ptr::null_mut());
            buffer.require(API_KEY_LEN_MAX)?;
            let options = read(&self::options(given(options)?)?)?;
            let issued = engine.create_api_key(&options)?;
            buffer.write(issued.token.as_str().as_bytes())?;
            put(made, (&issued.key.handle).into());
            Ok(())
        })
    }
}

/// Says whether an API key is good. Once cached it costs no store access.
///
/// Parameters: `engine`; `token`, `token_len`, what the client presented; `key`, filled; `scopes`,
/// written with what it may be used for, separated by spaces, if it is valid, may be NULL;
/// `error`, may be NULL.
/// Returns: SESSILE_OK, and then `key->reason` is the verdict. Others as sessile_verify.
/// Memory: `*scopes` is freed with sessile_bytes_free.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_verify_api_key(
    engine: *const sessile_engine,
    token: *const c_char,
    token_len: usize,
    key: *mut sessile_api_key,
    scopes: *mut *mut sessile_bytes,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        let status = call(error, || {
            let engine = self::engine(engine)?;
            let len = check_place(key)?;
            let verdict = match std::str::from_utf8(bytes(token, token_len)?) {
                Ok(token) => engine.verify_api_key(token)?,
                Err(_) => ApiKeyVerdict::Rejected(Reason::Malformed),
            };
            let mut value: sessile_api_key = std::mem::zeroed();
            match &verdict {
                ApiKeyVerdict::Valid { key: good, uses_this_minute } => {
                    value = value_of(good)?;
                    value.uses_this_minute = *uses_this_minute;
                    put_bytes(scopes, good.scopes.join(" "));
                }
                ApiKeyVerdict::Rejected(reason) => value.reason = reason.number().into(),
            }
            put_sized(key, len, &value);
            Ok(())
        });
        if status != OK && check_place(key).is_ok() {
            (&raw mut (*key).reason).write(SESSILE_REASON_UNANSWERED);
        }
        status
    }
}

/// Lists the API keys of a subject that are good, the oldest first.
///
/// Parameters: `engine`; `subject`, `subject_len`; `list`, written on success; `error`, may be
/// NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE, SESSILE_ERR_CORRUPT: not known.
/// Memory: `*list` is freed with sessile_list_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_list_api_keys(
    engine: *const sessile_engine,
    subject: *const c_char,
    subject_len: usize,
    list: *mut *mut sessile_list,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(list)?;
            let keys = engine.list_api_keys(text(subject, subject_len)?)?;
            put_box(list, sessile_list(Items::ApiKeys(keys)));
            Ok(())
        })
    }
}

/// One of a list of API keys.
///
/// Parameters: `list`, from sessile_list_api_keys; `index`, below sessile_list_len; `key`, filled;
/// `scopes`, written with what it may be used for, separated by spaces, may be NULL; `error`, may
/// be NULL.
/// Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: no such index, or the list is of other things.
/// Memory: `*scopes` is freed with sessile_bytes_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_list_api_key(
    list: *const sessile_list,
    index: usize,
    key: *mut sessile_api_key,
    scopes: *mut *mut sessile_bytes,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let len = check_place(key)?;
            let Items::ApiKeys(keys) = &given(list)?.0 else { return Err(other_things()) };
            let listed = item(keys, index)?;
            put_sized(key, len, &value_of(listed)?);
            put_bytes(scopes, listed.scopes.join(" "));
            Ok(())
        })
    }
}

/// Ends an API key. Every verification that starts after this returned rejects it.
///
/// Parameters: `engine`; `key`, its handle; `was_good`, learns whether it was good until now, 1 or
/// 0, may be NULL; `error`, may be NULL.
/// Returns: as sessile_revoke.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_revoke_api_key(
    engine: *const sessile_engine,
    key: *const sessile_handle,
    was_good: *mut i32,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            put(was_good, engine.revoke_api_key(&handle(key)?)?.into());
            Ok(())
        })
    }
}

fn value_of(key: &ApiKey) -> Outcome<sessile_api_key> {
    // SAFETY: zero is a value of integers; the places are of this function.
    unsafe {
        let mut value: sessile_api_key = std::mem::zeroed();
        put_text(&raw mut value.subject, key.subject.as_bytes())?;
        put_text(&raw mut value.name, key.name.as_bytes())?;
        value.reason = SESSILE_VALID;
        value.subject_len = key.subject.as_bytes().len();
        value.name_len = key.name.len();
        value.created_ms = key.created.as_millis();
        value.deadline_ms = key.deadline.map_or(0, Timestamp::as_millis);
        value.last_used_ms = key.last_used.map_or(0, Timestamp::as_millis);
        value.handle = (&key.handle).into();
        Ok(value)
    }
}

/// # Safety
/// The pointers are as the header asks.
unsafe fn read(c: &sessile_api_key_options) -> Outcome<ApiKeyOptions> {
    // SAFETY: the caller's promise.
    unsafe {
        let subject = text(c.subject, c.subject_len)?;
        let mut options = ApiKeyOptions::new(subject, text(c.name, c.name_len)?)?;
        if let Some(scopes) = words_if_any(c.scopes, c.scopes_len)? {
            options = options.scopes(scopes);
        }
        if c.lifetime_ms != 0 {
            options = options.lifetime(Duration::from_millis(c.lifetime_ms));
        }
        if c.is_outliving_sessions != 0 {
            options = options.outliving_sessions();
        }
        Ok(options)
    }
}
