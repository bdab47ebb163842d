//! The signing keys, and what the engine has done so far.

use std::ffi::c_char;

use sessile_core::KeyState;
use sessile_core::jwt::SigningKey;
use sessile_core::store::Survives;

use crate::boundary::{call, given, put, put_box, put_text, required, text};
use crate::bytes::{put_bytes, sessile_bytes};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::list::{Items, item, other_things, sessile_list};
use crate::versioned::{Versioned, check_place, put_sized};

/// Known and verifying, but not signing yet.
pub const SESSILE_KEY_PUBLISHED: i32 = 1;

/// Signing. One key is.
pub const SESSILE_KEY_ACTIVE: i32 = 2;

/// No longer signing; what it signed is still good.
pub const SESSILE_KEY_VERIFYING: i32 = 3;

/// What it signed is rejected. Its secret is erased.
pub const SESSILE_KEY_RETIRED: i32 = 4;

/// Lists the signing keys, oldest first; never their secrets.
///
/// Parameters: `engine`; `list`, written on success; `error`, may be NULL.
/// Returns: SESSILE_OK.
/// Memory: `*list` is freed with sessile_list_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_list_keys(
    engine: *const sessile_engine,
    list: *mut *mut sessile_list,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(list)?;
            put_box(list, sessile_list(Items::Keys(engine.keys())));
            Ok(())
        })
    }
}

/// One of a list of signing keys.
///
/// Parameters: `list`, from sessile_list_keys; `index`, below sessile_list_len; `id`, the second
/// byte of the tokens that it signs, `state`, one of SESSILE_KEY_..., `since_ms`, since when,
/// each may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: no such index, or the list is of other things.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_list_key(
    list: *const sessile_list,
    index: usize,
    id: *mut u8,
    state: *mut i32,
    since_ms: *mut u64,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let Items::Keys(keys) = &given(list)?.0 else { return Err(other_things()) };
            let key = item(keys, index)?;
            put(id, key.id);
            put(state, state_number(key.state));
            put(since_ms, key.since.as_millis());
            Ok(())
        })
    }
}

/// Adds a key that verifies but does not sign yet: where several processes share the store,
/// publish first and activate once all of them know it. Durable when it returns.
///
/// Parameters: `engine`; `id`, learns the key's, may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT: 255 keys are in use.
/// SESSILE_ERR_OUTCOME_UNKNOWN: the change may be there after a reopen. Other store errors:
/// nothing was changed.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_publish_key(
    engine: *const sessile_engine,
    id: *mut u8,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            put(id, self::engine(engine)?.publish_key()?);
            Ok(())
        })
    }
}

/// Makes `id` the key that signs. The one that did goes on verifying. Durable when it returns.
///
/// Parameters: `engine`; `id`; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_NO_SUCH_KEY: unknown, or retired. Others as
/// sessile_publish_key.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_activate_key(
    engine: *const sessile_engine,
    id: u8,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { call(error, || Ok(self::engine(engine)?.activate_key(id)?)) }
}

/// Publishes a key and activates it at once.
///
/// Parameters: as sessile_publish_key.
/// Returns: as sessile_publish_key.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_rotate_key(
    engine: *const sessile_engine,
    id: *mut u8,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            put(id, self::engine(engine)?.rotate_key()?);
            Ok(())
        })
    }
}

/// Retires a key: every token under it is rejected from the moment this returns, and its secret
/// is erased. The answer to a leaked key, once another is active.
///
/// Parameters: `engine`; `id`; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT: it is the active one. SESSILE_ERR_NO_SUCH_KEY.
/// SESSILE_ERR_OUTCOME_UNKNOWN: this process rejects the key from now on; whether that survives a
/// restart is not known. Others as sessile_publish_key.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_retire_key(
    engine: *const sessile_engine,
    id: u8,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { call(error, || Ok(self::engine(engine)?.retire_key(id)?)) }
}

/// Publishes a key that signs access tokens with a key made elsewhere: activate it once all that
/// verify know it.
///
/// Parameters: `engine`; `pem`, `pem_len`, a private key in PKCS#8; `id`, learns the key's, may be
/// NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_WEAK_SECRET: the key does not do.
/// Others as sessile_publish_key.
/// Memory: what is given is copied.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_import_key(
    engine: *const sessile_engine,
    pem: *const c_char,
    pem_len: usize,
    id: *mut u8,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let key = SigningKey::from_pkcs8_pem(text(pem, pem_len)?)?;
            put(id, engine.import_key(&key)?);
            Ok(())
        })
    }
}

/// The public keys of the access tokens, for `/.well-known/jwks.json`: those that sign, will sign,
/// or have signed and are not retired. Without keys for HS256.
///
/// Parameters: `engine`; `json`, written on success; `error`, may be NULL.
/// Returns: SESSILE_OK.
/// Memory: `*json` is freed with sessile_bytes_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_jwks(
    engine: *const sessile_engine,
    json: *mut *mut sessile_bytes,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(json)?;
            put_bytes(json, engine.jwks());
            Ok(())
        })
    }
}

/// Nothing: what is durable is gone with the process all the same.
pub const SESSILE_SURVIVES_NOTHING: i32 = 0;

/// A crash or SIGKILL of the process, not a power loss.
pub const SESSILE_SURVIVES_PROCESS_CRASH: i32 = 1;

/// A power loss.
pub const SESSILE_SURVIVES_POWER_LOSS: i32 = 2;

/// What an engine has done so far. Begin with SESSILE_STATS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_stats {
    /// sizeof(sessile_stats), set by the caller.
    pub struct_size: usize,
    /// The store's name, with a zero at its end.
    pub store: [c_char; 16],
    /// What a durable change survives: one of SESSILE_SURVIVES_...
    pub survives: i32,
    /// Not used yet.
    pub reserved: u32,
    /// Sessions in the cache.
    pub cached_sessions: u64,
    /// Bytes that they and the API keys in the cache take.
    pub cached_bytes: u64,
    /// Verifications that the cache answered; a few may be missing.
    pub cache_hits: u64,
    /// Verifications that it did not; a few may be missing.
    pub cache_misses: u64,
    /// Sessions that left the cache to make room.
    pub cache_evictions: u64,
    /// Rows that could not be read, and whose sessions are therefore rejected.
    pub unreadable_records: u64,
    /// Touches that the store has yet to learn of.
    pub pending_touches: u64,
}

// SAFETY: integers and arrays of them, without padding.
unsafe impl Versioned for sessile_stats {
    const LEN_FIRST: usize = 88;
}

const _: () = assert!(size_of::<sessile_stats>() == 88);

/// What the engine has done so far.
///
/// Parameters: `engine`; `stats`, filled; `error`, may be NULL.
/// Returns: SESSILE_OK.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_stats_read(
    engine: *const sessile_engine,
    stats: *mut sessile_stats,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header; zero is a value of integers.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let len = check_place(stats)?;
            let now = engine.stats();
            let mut value: sessile_stats = std::mem::zeroed();
            put_text(&raw mut value.store, now.store.as_bytes())?;
            value.survives = match now.survives {
                Survives::Nothing => SESSILE_SURVIVES_NOTHING,
                Survives::ProcessCrash => SESSILE_SURVIVES_PROCESS_CRASH,
                Survives::PowerLoss => SESSILE_SURVIVES_POWER_LOSS,
            };
            value.cached_sessions = now.cached_sessions;
            value.cached_bytes = now.cached_bytes;
            value.cache_hits = now.cache_hits;
            value.cache_misses = now.cache_misses;
            value.cache_evictions = now.cache_evictions;
            value.unreadable_records = now.unreadable_records;
            value.pending_touches = now.pending_touches;
            put_sized(stats, len, &value);
            Ok(())
        })
    }
}

fn state_number(state: KeyState) -> i32 {
    match state {
        KeyState::Published => SESSILE_KEY_PUBLISHED,
        KeyState::Active => SESSILE_KEY_ACTIVE,
        KeyState::Verifying => SESSILE_KEY_VERIFYING,
        KeyState::Retired => SESSILE_KEY_RETIRED,
    }
}
