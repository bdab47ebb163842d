//! The right to a store that has to be renewed.

use std::time::Instant;

use crate::sync::{AtomicU64, Ordering};
use crate::time::{Clock, SystemClock, millis};

/// For how long a store belongs to this process. The store renews it; while it has run out, what
/// is cached counts for nothing, as another process may have the store.
#[derive(Debug)]
pub struct Lease {
    until_ms: AtomicU64,
    started: Instant,
}

impl Lease {
    /// One that has run out.
    pub fn new() -> Self {
        Lease { until_ms: AtomicU64::new(RUN_OUT), started: Instant::now() }
    }

    /// The present moment, on the clock of [`extend_until`](Self::extend_until): nobody sets it,
    /// and on Linux it goes on while the machine sleeps.
    #[inline]
    pub fn now_ms(&self) -> u64 {
        let ms = SystemClock.monotonic_ms();
        ms.unwrap_or_else(|| millis(self.started.elapsed()))
    }

    /// Whether it runs now.
    #[inline]
    pub fn is_held(&self) -> bool {
        self.now_ms() < self.until_ms.load(Ordering::Acquire)
    }

    /// It runs until then, unless it was ended for good.
    pub fn extend_until(&self, until_ms: u64) {
        let extend = |now: u64| (now != ENDED).then_some(until_ms.max(RUN_OUT));
        // An error is one that has ended.
        let _ = self.until_ms.fetch_update(Ordering::AcqRel, Ordering::Acquire, extend);
    }

    /// It has run out and is never extended again.
    pub fn end(&self) {
        self.until_ms.store(ENDED, Ordering::Release);
    }
}

impl Default for Lease {
    fn default() -> Self {
        Lease::new()
    }
}

const ENDED: u64 = 0;
const RUN_OUT: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_until_then_and_never_again_once_it_ended() {
        let lease = Lease::new();
        assert!(!lease.is_held());
        lease.extend_until(lease.now_ms() + 60_000);
        assert!(lease.is_held());
        lease.extend_until(lease.now_ms());
        assert!(!lease.is_held());
        lease.extend_until(u64::MAX);
        assert!(lease.is_held());
        lease.end();
        lease.extend_until(u64::MAX);
        assert!(!lease.is_held());
    }
}
