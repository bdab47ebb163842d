//! The log of the library.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, PoisonError, RwLock};

use sessile_core::{Error, ErrorKind};

use crate::boundary::{call, invalid};
use crate::callback::{Userdata, sessile_destroy_fn};
use crate::error::sessile_error;

/// Something needs a person.
pub const SESSILE_LOG_ERROR: i32 = 1;
/// Something is not as it should be, and was dealt with.
pub const SESSILE_LOG_WARNING: i32 = 2;
/// Something happened.
pub const SESSILE_LOG_INFO: i32 = 3;
/// For whoever works on the library.
pub const SESSILE_LOG_DEBUG: i32 = 4;

/// Is given a line of the log: UTF-8 with a zero at its end, good during the call. Called from any
/// thread, several at once; it must be short and must not call the library.
pub type sessile_log_fn = Option<
    unsafe extern "C" fn(userdata: *mut c_void, level: i32, text: *const c_char, text_len: usize),
>;

/// Gives the log to the program. It is one log for all engines of the process: without this call
/// there is none. A token, a key or session data is never in it.
///
/// Parameters: `callback`, NULL: none any more; `userdata`, its argument; `destroy`, called once
/// with `userdata` when it is not used any more, and when this fails; may be NULL; `level`, the
/// highest of SESSILE_LOG_... that is wanted; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_CONFLICT: the library is linked into a Rust program that has a
/// logger of its own, to which the log goes.
/// Memory: `userdata` is the library's until `destroy`.
/// Threads: any. A call may be under way in another thread when this returns; `destroy` comes
/// after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_log_to(
    callback: sessile_log_fn,
    userdata: *mut c_void,
    destroy: sessile_destroy_fn,
    level: i32,
    error: *mut sessile_error,
) -> i32 {
    let userdata = Userdata::new(userdata, destroy);
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, move || {
            let level = match level {
                _ if callback.is_none() => log::LevelFilter::Off,
                SESSILE_LOG_ERROR => log::LevelFilter::Error,
                SESSILE_LOG_WARNING => log::LevelFilter::Warn,
                SESSILE_LOG_INFO => log::LevelFilter::Info,
                SESSILE_LOG_DEBUG => log::LevelFilter::Debug,
                _ => return Err(invalid("level is none of SESSILE_LOG_...")),
            };
            let sink = callback.map(|callback| Arc::new(Sink { callback, userdata, level }));
            let mut place = LOG.sink.write().unwrap_or_else(PoisonError::into_inner);
            if place.is_none() && log::set_logger(&LOG).is_err() && !is_ours() {
                let message = "this program has a logger of its own";
                return Err(Error::new(ErrorKind::Conflict, message).into());
            }
            let old = std::mem::replace(&mut *place, sink);
            log::set_max_level(level);
            drop(place);
            drop(old);
            Ok(())
        })
    }
}

/// Whether the logger of the process is this library's.
fn is_ours() -> bool {
    std::ptr::addr_eq(log::logger(), &raw const LOG)
}

static LOG: Log = Log { sink: RwLock::new(None) };

struct Log {
    sink: RwLock<Option<Arc<Sink>>>,
}

struct Sink {
    callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char, usize),
    userdata: Userdata,
    level: log::LevelFilter,
}

impl log::Log for Log {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("sessile")
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // Not held during the call.
        let sink = self.sink.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sink) = sink.filter(|sink| record.level() <= sink.level) else { return };
        let level = match record.level() {
            log::Level::Error => SESSILE_LOG_ERROR,
            log::Level::Warn => SESSILE_LOG_WARNING,
            log::Level::Info => SESSILE_LOG_INFO,
            log::Level::Debug | log::Level::Trace => SESSILE_LOG_DEBUG,
        };
        let text = format!("{}\0", record.args());
        // SAFETY: a function of the caller's with its own pointer, from any thread as the header
        // says; the text has its zero.
        unsafe {
            let len = text.len() - 1;
            (sink.callback)(sink.userdata.get(), level, text.as_ptr().cast(), len);
        }
    }

    fn flush(&self) {}
}
