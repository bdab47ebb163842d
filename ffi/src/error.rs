//! Where a call tells what went wrong.

use std::ffi::c_char;

/// Bytes of an error's message with the zero at its end.
pub const SESSILE_ERROR_MESSAGE_MAX: usize = 256;

/// What went wrong, for people. Every function that takes one takes NULL, too.
///
/// It is written only when a call fails, and needs no initial value. It never grows, so it has no
/// `struct_size`. It never holds a token, a key or session data.
#[repr(C)]
pub struct sessile_error {
    /// What the call returned.
    pub code: i32,
    /// Why, in a sentence of English: UTF-8 with a zero at its end, cut where it is too long.
    pub message: [c_char; SESSILE_ERROR_MESSAGE_MAX],
}
