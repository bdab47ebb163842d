//! Watches: to be told when a session ends, for connections that outlive a request.

use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use sessile_core::{Reason, Watch};

use crate::boundary::{call, given, guard, put, put_box, required, take_box};
use crate::callback::{Userdata, sessile_destroy_fn};
use crate::engine::{engine, forked, sessile_engine};
use crate::error::sessile_error;
use crate::fork::forks;
use crate::handle::{handle, sessile_handle};

/// Is told why the session ended: one of SESSILE_REASON_... Called once, from the thread that ends
/// the session or from the maintenance thread. It must be short; it may ask the engine, but must
/// not log anybody in; it may free its watch.
pub type sessile_watch_fn = Option<unsafe extern "C" fn(userdata: *mut c_void, reason: i32)>;

/// Ends when its session does, whatever ends it, but not when the session is rotated.
pub struct sessile_watch {
    watch: Watch,
    teller: Arc<Teller>,
    forks: u64,
}

/// Tells once, and not after the watch was freed.
struct Teller {
    state: Mutex<State>,
    told: Condvar,
}

struct State {
    callback: Option<(unsafe extern "C" fn(*mut c_void, i32), Userdata)>,
    /// The thread that is calling back now.
    telling: Option<ThreadId>,
}

impl Teller {
    fn tell(&self, reason: Reason) {
        let (callback, userdata) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(taken) = state.callback.take() else { return };
            state.telling = Some(thread::current().id());
            taken
        };
        // SAFETY: a function of the caller's with its own pointer, from any thread as the header
        // says.
        unsafe { callback(userdata.get(), reason.number().into()) };
        drop(userdata);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).telling = None;
        self.told.notify_all();
    }

    /// No call begins afterwards, and none of another thread goes on.
    fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = state.callback.take();
        while state.telling.is_some_and(|thread| thread != thread::current().id()) {
            state = self.told.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        drop(unused);
    }
}

/// Watches a session: to close its WebSocket when it ends. A session that is not valid now has
/// ended already.
///
/// What this engine ends, it tells before the ending call returns; that a time ran out is found by
/// the maintenance thread or sessile_tick, and so up to a second late.
///
/// Parameters: `engine`; `session`, its handle; `callback`, may be NULL; `userdata`, its argument;
/// `destroy`, called once with `userdata` when it is not needed any more, and when this fails; may
/// be NULL; `watch`, written on success; `error`, may be NULL.
/// Returns: SESSILE_OK. Store errors: not known whether the session is valid.
/// Memory: `*watch` is freed with sessile_watch_free, before or after the engine.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_watch_session(
    engine: *const sessile_engine,
    session: *const sessile_handle,
    callback: sessile_watch_fn,
    userdata: *mut c_void,
    destroy: sessile_destroy_fn,
    watch: *mut *mut sessile_watch,
    error: *mut sessile_error,
) -> i32 {
    let userdata = Userdata::new(userdata, destroy);
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, move || {
            let engine = self::engine(engine)?;
            required(watch)?;
            let begun = engine.watch(&handle(session)?)?;
            let callback = callback.map(|callback| (callback, userdata));
            let state = Mutex::new(State { callback, telling: None });
            let teller = Arc::new(Teller { state, told: Condvar::new() });
            put_box(watch, sessile_watch { watch: begun, teller: teller.clone(), forks: forks() });
            // Now the place is written: a callback for a session that has ended may free it.
            (**watch).watch.on_end(move |reason| teller.tell(reason));
            Ok(())
        })
    }
}

/// Why the watched session ended, waiting for it if wished.
///
/// Parameters: `watch`; `timeout_ms`, how long to wait: 0 not at all; `reason`, one of
/// SESSILE_REASON_..., SESSILE_VALID: it has not ended; `error`, may be NULL.
/// Returns: SESSILE_OK.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_watch_ended(
    watch: *const sessile_watch,
    timeout_ms: u64,
    reason: *mut i32,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let watch = given(watch)?;
            required(reason)?;
            if watch.forks != forks() {
                return Err(forked());
            }
            let ended = match timeout_ms {
                0 => watch.watch.ended(),
                ms => watch.watch.wait_timeout(Duration::from_millis(ms)),
            };
            put(reason, ended.map_or(crate::session::SESSILE_VALID, |ended| ended.number().into()));
            Ok(())
        })
    }
}

/// Ends the watching, not the session. No callback begins once this returned, and none of another
/// thread is under way.
///
/// Parameters: `watch`, NULL is fine.
/// Memory: `watch` is not to be used again.
/// Threads: any, its callback too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_watch_free(watch: *mut sessile_watch) {
    guard((), || {
        // SAFETY: the caller keeps to the header.
        match unsafe { take_box(watch) } {
            // A thread that the child does not have may have had its lock at the fork.
            Some(watch) if watch.forks != forks() => std::mem::forget(watch),
            Some(watch) => watch.teller.stop(),
            None => {}
        }
    });
}
