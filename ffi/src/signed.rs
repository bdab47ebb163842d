//! Signed values, and what the endpoints of RFC 7662 answer.

use std::ffi::c_char;
use std::time::Duration;

use sessile_core::Reason;

use crate::boundary::{bytes, call, put, required, text};
use crate::bytes::{put_bytes, sessile_bytes};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::session::{SESSILE_REASON_UNANSWERED, SESSILE_VALID};

/// Signs a value for a purpose: a download link, a form's hidden field. Whoever has the text can
/// read it and not change it. Nothing is stored, so nothing can be revoked but the key.
///
/// Parameters: `engine`; `purpose`, `purpose_len`, 1 to 64 bytes; `payload`, `payload_len`, up to
/// 1 MiB; `signed_text`, written on success; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_TOO_LARGE.
/// Memory: `*signed_text` is freed with sessile_bytes_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_sign(
    engine: *const sessile_engine,
    purpose: *const c_char,
    purpose_len: usize,
    payload: *const c_char,
    payload_len: usize,
    signed_text: *mut *mut sessile_bytes,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(signed_text)?;
            let made = engine.sign(text(purpose, purpose_len)?, bytes(payload, payload_len)?)?;
            put_bytes(signed_text, made);
            Ok(())
        })
    }
}

/// The value of a text that sessile_sign gave for the same purpose less than `max_age_ms` ago, or
/// why it gives none.
///
/// Parameters: `engine`; `purpose`, `purpose_len`; `signed_text`, `signed_text_len`, what came
/// back; `max_age_ms`; `reason`, the verdict: SESSILE_VALID or one of SESSILE_REASON_..., and on
/// any failure SESSILE_REASON_UNANSWERED; `payload`, written if it is valid, may be NULL;
/// `signed_at_ms`, when it was signed, written if it is valid, may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK, and then look at `*reason`.
/// Memory: `*payload` is freed with sessile_bytes_free.
/// Threads: any.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_unsign(
    engine: *const sessile_engine,
    purpose: *const c_char,
    purpose_len: usize,
    signed_text: *const c_char,
    signed_text_len: usize,
    max_age_ms: u64,
    reason: *mut i32,
    payload: *mut *mut sessile_bytes,
    signed_at_ms: *mut u64,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        put(reason, SESSILE_REASON_UNANSWERED);
        call(error, || {
            let engine = self::engine(engine)?;
            required(reason)?;
            let purpose = text(purpose, purpose_len)?;
            let presented = std::str::from_utf8(bytes(signed_text, signed_text_len)?);
            let max_age = Duration::from_millis(max_age_ms);
            let verdict = presented
                .map_err(|_| Reason::Malformed)
                .and_then(|presented| engine.unsign(purpose, presented, max_age));
            match verdict {
                Ok(value) => {
                    put_bytes(payload, value.payload);
                    put(signed_at_ms, value.signed_at.as_millis());
                    put(reason, SESSILE_VALID);
                }
                Err(rejected) => put(reason, rejected.number().into()),
            }
            Ok(())
        })
    }
}

/// What a token is worth, as the JSON of RFC 7662, 2.2: of a session, access or refresh token or
/// API key of this engine. Anything else, and what is not good now, is `{"active":false}` and
/// nothing more. Keeps no session alive. The program authenticates who asks.
///
/// Parameters: `engine`; `token`, `token_len`; `json`, written on success; `error`, may be NULL.
/// Returns: SESSILE_OK. Others as sessile_verify: answer with 503, not with an inactive token.
/// Memory: `*json` is freed with sessile_bytes_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_introspect(
    engine: *const sessile_engine,
    token: *const c_char,
    token_len: usize,
    json: *mut *mut sessile_bytes,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(json)?;
            // What is not UTF-8 is none of ours, as the empty text is.
            let token = std::str::from_utf8(bytes(token, token_len)?).unwrap_or_default();
            put_bytes(json, engine.introspect(token)?);
            Ok(())
        })
    }
}
