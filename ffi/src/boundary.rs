//! What every exported function goes through: the panic guard, and all that reads or writes the
//! memory of a C caller.
//!
//! The functions here trust what the header asks of its caller: that a pointer is NULL or good
//! for the length that comes with it. NULL is found here, and so is a length that no object has.

use std::ffi::{OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sessile_core::{Error, ErrorKind};

use crate::error::{SESSILE_ERROR_MESSAGE_MAX, sessile_error};
use crate::status::{OK, SESSILE_ERR_BUFFER_TOO_SMALL};

/// What the body of an exported function comes to.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a call did not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine, or an argument.
    Error(Error),
    /// The caller's buffer does not hold so many bytes.
    BufferTooSmall { needed: usize },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error(error)
    }
}

impl Failure {
    fn number(&self) -> i32 {
        match self {
            Failure::Error(error) => error.kind().number().into(),
            Failure::BufferTooSmall { .. } => SESSILE_ERR_BUFFER_TOO_SMALL,
        }
    }

    fn message(&self) -> String {
        match self {
            Failure::Error(error) => match std::error::Error::source(error) {
                Some(cause) => format!("{}: {cause}", error.message()),
                None => error.message().to_owned(),
            },
            Failure::BufferTooSmall { needed } => format!("the buffer needs {needed} bytes"),
        }
    }
}

/// An argument that the header does not allow.
pub(crate) fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::Error(Error::new(ErrorKind::InvalidInput, message))
}

/// Runs `body`. A panic ends here, because unwinding into C would end the process: the caller
/// gets `fallback` instead, which must be the answer that lets nobody in.
#[inline]
pub(crate) fn guard<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    // Whatever state the panic left half changed stays behind its own lock and error kinds;
    // nothing that `body` captured is used after it.
    catch_unwind(AssertUnwindSafe(|| {
        planted();
        body()
    }))
    .unwrap_or(fallback)
}

/// Runs `body` and gives its status. What went wrong is told to `error`, unless that is NULL.
///
/// # Safety
/// `error` is NULL or a place for a [`sessile_error`].
#[inline]
pub(crate) unsafe fn call(error: *mut sessile_error, body: impl FnOnce() -> Outcome) -> i32 {
    match guard(None, || Some(body())) {
        Some(Ok(())) => OK,
        // SAFETY: as the caller promises.
        Some(Err(failure)) => guard(INTERNAL, || unsafe { tell(error, &failure) }),
        // SAFETY: as the caller promises.
        None => unsafe { tell(error, &panicked()) },
    }
}

#[cold]
fn panicked() -> Failure {
    Failure::Error(Error::new(ErrorKind::Internal, "a bug in the library: nothing was answered"))
}

/// Writes `failure` to `error` and gives its status.
///
/// # Safety
/// `error` is NULL or a place for a [`sessile_error`].
#[cold]
unsafe fn tell(error: *mut sessile_error, failure: &Failure) -> i32 {
    let code = failure.number();
    if error.is_null() {
        return code;
    }
    let message = failure.message();
    let mut len = message.len().min(SESSILE_ERROR_MESSAGE_MAX - 1);
    while !message.is_char_boundary(len) {
        len -= 1;
    }
    // SAFETY: the caller's place; the message is cut to its array, with room for the zero.
    unsafe {
        (&raw mut (*error).code).write(code);
        let place: *mut c_char = (&raw mut (*error).message).cast();
        place.cast::<u8>().copy_from_nonoverlapping(message.as_ptr(), len);
        place.add(len).write(0);
    }
    code
}

/// The bytes at `data`; `(NULL, 0)` are none.
///
/// # Safety
/// `data` is NULL or good for `len` bytes for as long as the caller uses them.
#[inline]
pub(crate) unsafe fn bytes<'a>(data: *const c_char, len: usize) -> Outcome<&'a [u8]> {
    match (data.is_null(), len) {
        (true, 0) => Ok(&[]),
        (true, _) => Err(invalid("a text or buffer is NULL and its length is not 0")),
        (false, len) if isize::try_from(len).is_err() => {
            Err(invalid("a length is beyond what any object has"))
        }
        // SAFETY: not NULL, no longer than an object can be, and otherwise the caller's promise.
        (false, len) => Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) }),
    }
}

/// The text at `data`; `(NULL, 0)` is the empty one.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(data: *const c_char, len: usize) -> Outcome<&'a str> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(data, len) }?;
    std::str::from_utf8(bytes).map_err(|_| invalid("a text is not UTF-8"))
}

/// The text at `data`; `None`: it is NULL, and so not given.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text_if_any<'a>(data: *const c_char, len: usize) -> Outcome<Option<&'a str>> {
    // SAFETY: the caller's promise.
    let text = unsafe { text(data, len) }?;
    Ok(Some(text).filter(|_| !data.is_null()))
}

/// What stands between the spaces of a text; `None`: it is NULL, and so not given.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn words_if_any<'a>(
    data: *const c_char,
    len: usize,
) -> Outcome<Option<Vec<&'a str>>> {
    // SAFETY: the caller's promise.
    let text = unsafe { text_if_any(data, len) }?;
    Ok(text.map(|text| text.split(' ').filter(|word| !word.is_empty()).collect()))
}

/// The path at `data`, in any bytes.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn path<'a>(data: *const c_char, len: usize) -> Outcome<&'a Path> {
    // SAFETY: the caller's promise.
    match unsafe { bytes(data, len) }? {
        [] => Err(invalid("a path is empty")),
        bytes if bytes.contains(&0) => Err(invalid("a path contains a zero byte")),
        bytes => Ok(Path::new(OsStr::from_bytes(bytes))),
    }
}

/// What a pointer leads to, which may not be NULL.
///
/// # Safety
/// `pointer` is NULL or good for as long as the caller uses what it leads to.
#[inline]
pub(crate) unsafe fn given<'a, T>(pointer: *const T) -> Outcome<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| invalid("an argument is NULL that may not be"))
}

/// Writes one value to where the caller wants it; nothing when that is NULL.
///
/// # Safety
/// `place` is NULL or a place for a `T`.
pub(crate) unsafe fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: not NULL, and so the caller's place.
        unsafe { place.write(value) };
    }
}

/// Refuses an output that may not be NULL, before anything is done.
#[inline]
pub(crate) fn required<T>(place: *mut T) -> Outcome {
    if place.is_null() { Err(invalid("an output is NULL that may not be")) } else { Ok(()) }
}

/// Gives the caller `value` on the heap, to be taken back with [`take_box`].
///
/// # Safety
/// `place` is a place for a pointer.
pub(crate) unsafe fn put_box<T>(place: *mut *mut T, value: T) {
    // SAFETY: the caller's promise.
    unsafe { place.write(Box::into_raw(Box::new(value))) };
}

/// Takes back what [`put_box`] gave; `None`: it is NULL.
///
/// # Safety
/// `pointer` is NULL or from [`put_box`], and not taken back yet.
pub(crate) unsafe fn take_box<T>(pointer: *mut T) -> Option<Box<T>> {
    // SAFETY: from `Box::into_raw`, once, as the caller promises.
    (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer) })
}

/// A buffer of the caller's for text or bytes, which end with a zero there.
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    data: *mut c_char,
    cap: usize,
    len: *mut usize,
}

impl Buffer {
    /// `data` with room for `cap` bytes. `len`, unless NULL, learns how many are there without
    /// the zero, or are needed with it.
    ///
    /// # Safety
    /// `data` is NULL or a place for `cap` bytes, `len` NULL or a place for a length.
    pub(crate) unsafe fn new(data: *mut c_char, cap: usize, len: *mut usize) -> Self {
        Buffer { data, cap, len }
    }

    /// Refuses a buffer without room for `len` bytes and the zero: before a call does what it
    /// cannot do twice.
    pub(crate) fn require(&self, len: usize) -> Outcome {
        let needed = len.saturating_add(1);
        if self.cap < needed {
            // SAFETY: as `new` was promised.
            unsafe { put(self.len, needed) };
            return Err(Failure::BufferTooSmall { needed });
        }
        required(self.data)
    }

    /// Writes `bytes` and a zero behind them.
    pub(crate) fn write(&self, bytes: &[u8]) -> Outcome {
        self.require(bytes.len())?;
        // SAFETY: `require` has found room for the bytes and the zero, as `new` was promised.
        unsafe {
            self.data.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            self.data.add(bytes.len()).write(0);
            put(self.len, bytes.len());
        }
        Ok(())
    }
}

/// Copies `text` and a zero into an array of the caller's struct, which has room for it.
///
/// # Safety
/// `place` is a place for `N` bytes.
pub(crate) unsafe fn put_text<const N: usize>(place: *mut [c_char; N], text: &[u8]) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe { Buffer::new(place.cast(), N, std::ptr::null_mut()) }.write(text)
}

/// Whether the next guarded body panics: how the tests below and in `panics.rs` plant one.
#[cfg(test)]
pub(crate) mod planting {
    use std::cell::Cell;

    thread_local! {
        pub(crate) static NEXT: Cell<bool> = const { Cell::new(false) };
    }
}

#[cfg(test)]
fn planted() {
    if planting::NEXT.take() {
        panic!("planted");
    }
}

#[cfg(not(test))]
#[inline(always)]
fn planted() {}

const INTERNAL: i32 = ErrorKind::Internal.number() as i32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_fallback() {
        assert_eq!(guard(23, || panic!("planted")), 23);
    }

    #[test]
    fn without_a_panic_the_answer_is_the_bodys() {
        assert_eq!(guard(23, || 0), 0);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let mut error = sessile_error { code: 0, message: [1; SESSILE_ERROR_MESSAGE_MAX] };
        let long = "ü".repeat(SESSILE_ERROR_MESSAGE_MAX);
        // SAFETY: a place of our own.
        let status = unsafe { call(&raw mut error, || Err(invalid(long))) };
        assert_eq!(status, i32::from(ErrorKind::InvalidInput.number()));
        assert_eq!(error.code, status);
        // SAFETY: the call has ended it with a zero.
        let told = unsafe { std::ffi::CStr::from_ptr(error.message.as_ptr()) };
        assert_eq!(told.to_str().unwrap(), "ü".repeat(127));
    }

    #[test]
    fn the_cause_of_an_error_is_told_with_it() {
        let error = Error::new(ErrorKind::Unavailable, "read failed");
        let failure = Failure::from(error.with_source(std::io::Error::other("disk on fire")));
        assert_eq!(failure.message(), "read failed: disk on fire");
    }
}
