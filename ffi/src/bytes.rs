//! Results whose length nobody knows before: owned by the library until the caller frees them.

use std::ffi::c_char;

use zeroize::Zeroize as _;

use crate::boundary::{guard, put_box, take_box};

/// Bytes that the library made: a long token, JSON, a payload.
pub struct sessile_bytes {
    /// With a zero behind the last.
    data: Vec<u8>,
}

/// The bytes, with a zero behind the last: a text can be used as it is.
///
/// Parameters: `bytes`, NULL has none.
/// Returns: the first byte; never NULL.
/// Memory: freed with `bytes`.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_bytes_data(bytes: *const sessile_bytes) -> *const c_char {
    guard(c"".as_ptr(), || {
        // SAFETY: the caller keeps to the header.
        unsafe { bytes.as_ref() }.map_or(c"".as_ptr(), |bytes| bytes.data.as_ptr().cast())
    })
}

/// How many bytes there are, without the zero.
///
/// Parameters: `bytes`, NULL has none.
/// Returns: the number.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_bytes_len(bytes: *const sessile_bytes) -> usize {
    // SAFETY: the caller keeps to the header.
    guard(0, || unsafe { bytes.as_ref() }.map_or(0, |bytes| bytes.data.len().saturating_sub(1)))
}

/// Frees bytes, and clears them first: they may be a token.
///
/// Parameters: `bytes`, NULL is fine.
/// Memory: `bytes` is not to be used again.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_bytes_free(bytes: *mut sessile_bytes) {
    guard((), || {
        // SAFETY: the caller keeps to the header.
        if let Some(mut bytes) = unsafe { take_box(bytes) } {
            bytes.data.zeroize();
        }
    });
}

/// Gives bytes to the caller, if it wants them.
///
/// # Safety
/// `place` is NULL or a place for a pointer.
pub(crate) unsafe fn put_bytes(place: *mut *mut sessile_bytes, bytes: impl Into<Vec<u8>>) {
    let mut data: Vec<u8> = bytes.into();
    if place.is_null() {
        data.zeroize();
        return;
    }
    data.push(0);
    // SAFETY: not NULL, and so the caller's place.
    unsafe { put_box(place, sessile_bytes { data }) };
}

/// Gives bytes to the caller, if there are any and it wants them, else NULL.
///
/// # Safety
/// As [`put_bytes`].
pub(crate) unsafe fn put_bytes_if_any(place: *mut *mut sessile_bytes, bytes: Option<&[u8]>) {
    // SAFETY: the caller's promise.
    unsafe {
        match bytes {
            Some(bytes) => put_bytes(place, bytes),
            None => crate::boundary::put(place, std::ptr::null_mut()),
        }
    }
}
