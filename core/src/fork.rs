//! Forks. A child has the parent's memory and none of its threads: an engine from before the
//! fork would answer from what was true then.

#[cfg(not(any(shuttle, loom)))]
use crate::sync::{AtomicU64, Ordering};

#[cfg(not(any(shuttle, loom)))]
static FORKS: AtomicU64 = AtomicU64::new(0);

/// Tells every engine of this process that it is from before a fork: from then on each of its
/// calls is [`Forked`](crate::ErrorKind::Forked). To be called in the child, by a handler that
/// was registered with `pthread_atfork`; the C and Python libraries do that.
///
/// Without it an engine finds out at its first call that writes, or its next tick, and answers
/// from what it knows until then.
pub fn note_fork() {
    #[cfg(not(any(shuttle, loom)))]
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// How many forks were noted so far.
#[inline]
pub(crate) fn forks() -> u64 {
    #[cfg(not(any(shuttle, loom)))]
    return FORKS.load(Ordering::Relaxed);
    #[cfg(any(shuttle, loom))]
    0
}
