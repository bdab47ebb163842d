//! What comes with a callback of the caller's.

use std::ffi::c_void;

use sessile_core::{Clock, Timestamp};

use crate::boundary::invalid;
use crate::config::{sessile_config, set};

/// Is told that its userdata is not used any more. May be NULL.
pub type sessile_destroy_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// Says what time it is: milliseconds since the Unix epoch. Called from any thread, several at
/// once; it may jump or run backwards, the engine's own time does not.
pub type sessile_clock_fn = Option<unsafe extern "C" fn(userdata: *mut c_void) -> u64>;

/// A pointer of the caller's, given back to its destroy callback once and for all.
pub(crate) struct Userdata {
    data: *mut c_void,
    destroy: sessile_destroy_fn,
}

// SAFETY: the header says that callbacks are called from any thread.
unsafe impl Send for Userdata {}
// SAFETY: the same.
unsafe impl Sync for Userdata {}

impl Userdata {
    pub(crate) fn new(data: *mut c_void, destroy: sessile_destroy_fn) -> Self {
        Userdata { data, destroy }
    }

    pub(crate) fn get(&self) -> *mut c_void {
        self.data
    }
}

impl Drop for Userdata {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: a function of the caller's, called once with its own pointer.
            unsafe { destroy(self.data) }
        }
    }
}

struct CallerClock {
    now_ms: unsafe extern "C" fn(*mut c_void) -> u64,
    userdata: Userdata,
}

impl Clock for CallerClock {
    fn now(&self) -> Timestamp {
        // SAFETY: a function of the caller's with its own pointer, from any thread as the header
        // says.
        Timestamp::from_millis(unsafe { (self.now_ms)(self.userdata.get()) })
    }
}

/// Takes the time from the program instead of the system: for tests, and programs with a clock of
/// their own.
///
/// Parameters: `config`; `now_ms`; `userdata`, its argument; `destroy`, called once with
/// `userdata` when neither the config nor an engine of it needs the clock any more, and when this
/// call fails; may be NULL.
/// Returns: as sessile_config_idle_timeout_ms.
/// Memory: `userdata` is the library's until `destroy`.
/// Threads: any; a config one thread at a time. `now_ms` must not call the library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_clock(
    config: *mut sessile_config,
    now_ms: sessile_clock_fn,
    userdata: *mut c_void,
    destroy: sessile_destroy_fn,
) -> i32 {
    let userdata = Userdata::new(userdata, destroy);
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, move |config| {
            let Some(now_ms) = now_ms else { return Err(invalid("the clock is NULL")) };
            let clock = std::sync::Arc::new(CallerClock { now_ms, userdata });
            config.then(move |config| config.clock(SharedClock(clock.clone())))
        })
    }
}

/// One clock for every engine that a config opens.
struct SharedClock(std::sync::Arc<CallerClock>);

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
