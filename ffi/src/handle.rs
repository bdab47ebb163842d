//! Session handles: the public names of sessions.

use std::ffi::c_char;

use sessile_core::Handle;

use crate::boundary::{Buffer, Outcome, call, given, put, required, text};
use crate::error::sessile_error;

/// Bytes of a handle.
pub const SESSILE_HANDLE_LEN: usize = 18;

/// Bytes of a handle's text with the zero at its end.
pub const SESSILE_HANDLE_TEXT_MAX: usize = 25;

const _: () = assert!(SESSILE_HANDLE_LEN == Handle::LEN);
const _: () = assert!(SESSILE_HANDLE_TEXT_MAX == Handle::TEXT_LEN + 1);

/// The public name of a session, a single-use token or an API key. Knowing it grants nothing, so
/// it may go into pages, logs and databases. Compare two with memcmp.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_handle {
    /// The bytes.
    pub bytes: [u8; SESSILE_HANDLE_LEN],
}

impl From<&Handle> for sessile_handle {
    fn from(handle: &Handle) -> Self {
        sessile_handle { bytes: handle.to_bytes() }
    }
}

impl sessile_handle {
    /// No handle: the engine gives out none whose bytes are all zero.
    pub(crate) const NONE: sessile_handle = sessile_handle { bytes: [0; SESSILE_HANDLE_LEN] };
}

/// The handle that a pointer leads to.
///
/// # Safety
/// As [`given`].
pub(crate) unsafe fn handle(pointer: *const sessile_handle) -> Outcome<Handle> {
    // SAFETY: the caller's promise.
    Ok(Handle::from_bytes(&unsafe { given(pointer) }?.bytes)?)
}

/// Writes the text of a handle: 24 characters of base64url, as in a JWT's `sid`.
///
/// Parameters: `handle`; `text`, a buffer, `text_cap`, its size, SESSILE_HANDLE_TEXT_MAX is
/// enough; `error`, may be NULL.
/// Returns: SESSILE_OK; SESSILE_ERR_BUFFER_TOO_SMALL; SESSILE_ERR_INVALID_INPUT.
/// Memory: the caller's. The text ends with a zero.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_handle_text(
    handle: *const sessile_handle,
    text: *mut c_char,
    text_cap: usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let handle = self::handle(handle)?;
            Buffer::new(text, text_cap, std::ptr::null_mut()).write(handle.to_string().as_bytes())
        })
    }
}

/// Reads the text of a handle, as it comes back from a page or an address.
///
/// Parameters: `text`, `text_len`; `handle`, written on success; `error`, may be NULL.
/// Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: it is no handle's text.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_handle_parse(
    text: *const c_char,
    text_len: usize,
    handle: *mut sessile_handle,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            required(handle)?;
            let parsed: Handle = self::text(text, text_len)?.parse()?;
            put(handle, (&parsed).into());
            Ok(())
        })
    }
}
