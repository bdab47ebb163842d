//! Forks: noticed in the child, where no engine of the parent's is good.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sessile_core::{Error, ErrorKind};

use crate::boundary::Outcome;

static FORKS: AtomicU64 = AtomicU64::new(0);

static IS_REGISTERED: AtomicBool = AtomicBool::new(false);

/// How many forks lie between this process and the one that loaded the library.
#[inline]
pub(crate) fn forks() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

/// Has the child of every later fork count it.
pub(crate) fn register() -> Outcome {
    if IS_REGISTERED.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    // SAFETY: the handler is a function of a library that is never unloaded (`-z nodelete`), and
    // it does nothing but count.
    match unsafe { libc::pthread_atfork(None, None, Some(note)) } {
        0 => Ok(()),
        code => {
            IS_REGISTERED.store(false, Ordering::Release);
            let cause = std::io::Error::from_raw_os_error(code);
            let error = Error::new(ErrorKind::Unavailable, "forks cannot be noticed");
            Err(error.with_source(cause).into())
        }
    }
}

/// Runs in the child, where only what is safe in a signal handler may be done.
extern "C" fn note() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    sessile_core::note_fork();
}
