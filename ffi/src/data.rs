//! The data of sessions: bytes under names.

use std::ffi::c_char;

use sessile_core::{Data, Error, ErrorKind, Handle, Patch};

use crate::boundary::{Failure, Outcome, bytes, call, given, put, put_box, required, text};
use crate::bytes::{put_bytes_if_any, sessile_bytes};
use crate::engine::{engine, sessile_engine};
use crate::error::sessile_error;
use crate::handle::{handle, sessile_handle};
use crate::list::{Items, other_things, sessile_list};

/// One change of a session's data. It never grows, so it has no `struct_size`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_change {
    /// The name: UTF-8, 1 to 255 bytes.
    pub name: *const c_char,
    /// Its length.
    pub name_len: usize,
    /// What is to be under it, whatever bytes these are; NULL: nothing any more.
    pub value: *const c_char,
    /// Its length.
    pub value_len: usize,
}

/// Changes some of a session's values and leaves the others as they are: two requests never lose
/// each other's. Durable when it returns.
///
/// Parameters: `engine`; `session`, its handle; `changes`, `changes_len` of them, made together or
/// not at all; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_SESSION_GONE: no valid session, or it was rotated.
/// SESSILE_ERR_TOO_LARGE, SESSILE_ERR_INVALID_INPUT: a name or the data are beyond their limit.
/// SESSILE_ERR_CONFLICT. In all of these nothing was changed. SESSILE_ERR_OUTCOME_UNKNOWN. Other
/// store errors.
/// Memory: what is given is copied.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_data_patch(
    engine: *const sessile_engine,
    session: *const sessile_handle,
    changes: *const sessile_change,
    changes_len: usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let mut patch = Patch::new();
            for at in 0..changes_len {
                let change = given(if changes.is_null() { changes } else { changes.add(at) })?;
                let name = text(change.name, change.name_len)?;
                patch = match bytes(change.value, change.value_len)? {
                    _ if change.value.is_null() => patch.remove(name),
                    value => patch.set(name, value),
                };
            }
            Ok(engine.patch(&handle(session)?, &patch)?)
        })
    }
}

/// One value of a session's data.
///
/// Parameters: `engine`; `session`, its handle; `name`, `name_len`; `value`, written on success:
/// NULL when there is none of that name; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_SESSION_GONE: no valid session. Store errors: not known.
/// Memory: `*value` is freed with sessile_bytes_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_data_get(
    engine: *const sessile_engine,
    session: *const sessile_handle,
    name: *const c_char,
    name_len: usize,
    value: *mut *mut sessile_bytes,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(value)?;
            let (session, name) = (handle(session)?, text(name, name_len)?);
            let data = engine.data(&session)?.ok_or_else(|| gone(&session))?;
            put_bytes_if_any(value, data.get(name));
            Ok(())
        })
    }
}

/// All of a session's data, in the order of the names.
///
/// Parameters: `engine`; `session`, its handle; `list`, written on success; `error`, may be NULL.
/// Returns: as sessile_data_get.
/// Memory: `*list` is freed with sessile_list_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_data_list(
    engine: *const sessile_engine,
    session: *const sessile_handle,
    list: *mut *mut sessile_list,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(list)?;
            let session = handle(session)?;
            let data = engine.data(&session)?.ok_or_else(|| gone(&session))?;
            put_box(list, sessile_list(Items::Data(data)));
            Ok(())
        })
    }
}

/// One of a list of data.
///
/// Parameters: `list`, from sessile_data_list; `index`, below sessile_list_len; `name`,
/// `name_len`, `value`, `value_len`, each may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: no such index, or the list is of other things.
/// Memory: name and value are in the list, and freed with it. They have no zero at their ends.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_list_data(
    list: *const sessile_list,
    index: usize,
    name: *mut *const c_char,
    name_len: *mut usize,
    value: *mut *const c_char,
    value_len: *mut usize,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let Items::Data(data) = &given(list)?.0 else { return Err(other_things()) };
            let (found, bytes) = entry(data, index)?;
            put(name, found.as_ptr().cast());
            put(name_len, found.len());
            put(value, bytes.as_ptr().cast());
            put(value_len, bytes.len());
            Ok(())
        })
    }
}

fn entry(data: &Data, index: usize) -> Outcome<(&str, &[u8])> {
    let found = data.iter().nth(index);
    found.ok_or_else(|| crate::boundary::invalid("the list has no such index"))
}

fn gone(session: &Handle) -> Failure {
    let message = format!("session {session} is not valid");
    Failure::Error(Error::new(ErrorKind::SessionGone, message))
}
