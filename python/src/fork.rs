//! Forks, noted natively: servers that call `fork` from C do not run Python's own hooks.

use std::sync::Once;

/// From now on every engine of this process hears of a fork, whoever forks.
pub(crate) fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        #[cfg(unix)]
        // SAFETY: `in_child` is a function of this library, which Python never unloads, and does
        // nothing but add to an atomic, as a handler in a child of many threads has to.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

#[cfg(unix)]
extern "C" fn in_child() {
    sessile::note_fork();
}
