//! Taking the sessions out of a store, and into another.

use std::ffi::{c_char, c_void};
use std::fs::File;
use std::io::{self, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;

use sessile_core::{Engine, Restored};

use crate::boundary::{Outcome, call, given, invalid, required};
use crate::config::sessile_config;
use crate::engine::{engine, give, sessile_engine};
use crate::error::sessile_error;
use crate::fork::register;

/// Takes the next bytes of an export, all of them. Returns 0; anything else ends the export.
pub type sessile_write_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, data: *const c_char, len: usize) -> i32>;

/// Gives the next bytes of an export, `cap` at most, and says in `len` how many; 0 at the end.
/// Returns 0; anything else ends the restore.
pub type sessile_read_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        data: *mut c_char,
        cap: usize,
        len: *mut usize,
    ) -> i32,
>;

/// The sessions of an export are revoked: what was revoked after it was made does not come back.
pub const SESSILE_RESTORED_REVOKED: i32 = 0;

/// The sessions of an export are valid as they were: for a move from one store to another, with
/// nothing revoked in between.
pub const SESSILE_RESTORED_VALID: i32 = 1;

/// Writes everything in the store to a callback: sessions, subjects, the sealed keys. Keep it with
/// the master secret's care, and apart from it.
///
/// Parameters: `engine`; `write`; `userdata`, its argument; `error`, may be NULL.
/// Returns: SESSILE_OK. Others: what was written is no whole export, and a restore says so.
/// Memory: the caller's.
/// Threads: any. `write` is called in this one, and must not call the library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_export(
    engine: *const sessile_engine,
    write: sessile_write_fn,
    userdata: *mut c_void,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            let Some(write) = write else { return Err(invalid("the callback is NULL")) };
            engine.export(&mut Writer { write, userdata })?;
            Ok(())
        })
    }
}

/// Writes everything in the store to a file descriptor, as sessile_export does.
///
/// Parameters: `engine`; `fd`, open for writing, and left open; `error`, may be NULL.
/// Returns: as sessile_export. Success does not mean that the file was synced.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_export_to_fd(
    engine: *const sessile_engine,
    fd: i32,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            engine.export(&mut *file(fd)?)?;
            Ok(())
        })
    }
}

/// Opens an engine over an empty store with what an export holds. The master secret has to be the
/// one that the exported store had: where that was a key file in its directory, give
/// sessile_config_key_file its path.
///
/// Parameters: `config`; `read`; `userdata`, its argument; `restored`, one of
/// SESSILE_RESTORED_...; `engine`, written on success; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT: the store is not empty. SESSILE_ERR_CORRUPT:
/// it is no whole export. Others as sessile_open. After an error the store cannot be opened: begin
/// again with an empty one.
/// Memory: `*engine` is closed with sessile_close.
/// Threads: any. `read` is called in this one, and must not call the library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_restore(
    config: *const sessile_config,
    read: sessile_read_fn,
    userdata: *mut c_void,
    restored: i32,
    engine: *mut *mut sessile_engine,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let Some(read) = read else { return Err(invalid("the callback is NULL")) };
            restore(config, &mut Reader { read, userdata }, restored, engine)
        })
    }
}

/// Opens an engine over an empty store with what a file descriptor gives, as sessile_restore does.
///
/// Parameters: `fd`, open for reading, and left open; the others as sessile_restore.
/// Returns: as sessile_restore.
/// Memory: `*engine` is closed with sessile_close.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_restore_from_fd(
    config: *const sessile_config,
    fd: i32,
    restored: i32,
    engine: *mut *mut sessile_engine,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { call(error, || restore(config, &mut *file(fd)?, restored, engine)) }
}

/// # Safety
/// The pointers are as the header asks.
unsafe fn restore(
    config: *const sessile_config,
    input: &mut dyn Read,
    restored: i32,
    engine: *mut *mut sessile_engine,
) -> Outcome {
    required(engine)?;
    let restored = match restored {
        SESSILE_RESTORED_REVOKED => Restored::Revoked,
        SESSILE_RESTORED_VALID => Restored::Valid,
        _ => return Err(invalid("restored is none of SESSILE_RESTORED_...")),
    };
    // SAFETY: the caller's promise.
    unsafe {
        let config = given(config)?;
        register()?;
        let opened = Engine::restore(config.build()?, input, restored)?;
        give(engine, opened, config);
    }
    Ok(())
}

/// The file of a descriptor, which stays the caller's.
fn file(fd: i32) -> Outcome<ManuallyDrop<File>> {
    if fd < 0 {
        return Err(invalid("the descriptor is negative"));
    }
    // SAFETY: not closed by us; a descriptor that is not open fails at its first use.
    Ok(ManuallyDrop::new(unsafe { File::from_raw_fd(fd) }))
}

struct Writer {
    write: unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> i32,
    userdata: *mut c_void,
}

impl Write for Writer {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // SAFETY: a function of the caller's with its own pointer, and a slice for it.
        match unsafe { (self.write)(self.userdata, data.as_ptr().cast(), data.len()) } {
            0 => Ok(data.len()),
            code => Err(io::Error::other(format!("the callback answered {code}"))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Reader {
    read: unsafe extern "C" fn(*mut c_void, *mut c_char, usize, *mut usize) -> i32,
    userdata: *mut c_void,
}

impl Read for Reader {
    fn read(&mut self, data: &mut [u8]) -> io::Result<usize> {
        let (to, cap, mut len) = (data.as_mut_ptr().cast(), data.len(), 0);
        // SAFETY: a function of the caller's with its own pointer, and a slice for it.
        match unsafe { (self.read)(self.userdata, to, cap, &raw mut len) } {
            // What it says is not believed.
            0 if len <= data.len() => Ok(len),
            0 => Err(io::Error::other("the callback gave more than was asked for")),
            code => Err(io::Error::other(format!("the callback answered {code}"))),
        }
    }
}
