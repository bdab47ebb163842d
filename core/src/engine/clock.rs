//! The engine's time: the clock's, but never backwards.

use std::sync::Arc;

use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::time::{Clock, Timestamp};

/// Follows a clock, and goes on from where it stood when that steps back. So a backward step
/// extends no life, and a session that was reported expired is never valid again. When the clock
/// is put right again, forwards, it follows as before.
pub(super) struct MonotoneClock {
    source: Arc<dyn Clock>,
    /// What is added to the clock's time while that is behind: the sum of its backward steps.
    offset: AtomicU64,
    /// No time that was acted upon is later than this and the slack.
    high: AtomicU64,
    stepping: Mutex<()>,
    stepped_back_ms: AtomicU64,
}

impl MonotoneClock {
    /// Follows `source`, from `floor` at the earliest: where an earlier process stood.
    pub(super) fn new(source: Arc<dyn Clock>, floor: Timestamp) -> Self {
        MonotoneClock {
            source,
            offset: AtomicU64::new(0),
            high: AtomicU64::new(floor.as_millis()),
            stepping: Mutex::new(()),
            stepped_back_ms: AtomicU64::new(0),
        }
    }

    /// The present moment.
    #[inline]
    pub(super) fn now(&self) -> Timestamp {
        let now = self.source.now().as_millis();
        let high = self.high.load(Ordering::Relaxed);
        if now < high {
            return self.behind();
        }
        self.reach(now, high);
        Timestamp::from_millis(now)
    }

    /// From now on it is `at` or later: a deadline was found to have passed then.
    pub(super) fn insist(&self, at: Timestamp) {
        self.high.fetch_max(at.as_millis(), Ordering::Relaxed);
    }

    /// How far the clock has stepped back in all, since this was asked last.
    pub(super) fn take_stepped_back_ms(&self) -> u64 {
        self.stepped_back_ms.swap(0, Ordering::Relaxed)
    }

    /// Other threads read this line at every call: it is written some 50 times a second.
    #[inline]
    fn reach(&self, now: u64, high: u64) {
        if now - high >= SLACK_MS {
            self.high.fetch_max(now, Ordering::Relaxed);
        }
    }

    /// The present moment while the clock is behind.
    #[cold]
    fn behind(&self) -> Timestamp {
        let _one_at_a_time = self.stepping.lock();
        // Another thread may have moved on between our reading and the comparison.
        let source = self.source.now().as_millis();
        let high = self.high.load(Ordering::Relaxed);
        if source >= high {
            return Timestamp::from_millis(source);
        }
        let now = source.saturating_add(self.offset.load(Ordering::Relaxed));
        if now < high {
            self.offset.fetch_add(high - now, Ordering::Relaxed);
            self.stepped_back_ms.fetch_add(high - now, Ordering::Relaxed);
        }
        let now = now.max(high);
        self.reach(now, high);
        Timestamp::from_millis(now)
    }
}

const SLACK_MS: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    struct Steps(Arc<AtomicU64>);

    impl Clock for Steps {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn time_goes_on_from_where_it_stood_when_the_clock_steps_back() {
        let raw = Arc::new(AtomicU64::new(1_000_000));
        let clock = MonotoneClock::new(Arc::new(Steps(raw.clone())), Timestamp::default());
        assert_eq!(clock.now().as_millis(), 1_000_000);
        raw.store(400_000, Ordering::Relaxed);
        assert_eq!(clock.now().as_millis(), 1_000_000);
        raw.store(400_500, Ordering::Relaxed);
        assert_eq!(clock.now().as_millis(), 1_000_500);
        assert_eq!(clock.take_stepped_back_ms(), 600_000);
        assert_eq!(clock.take_stepped_back_ms(), 0);
    }

    #[test]
    fn it_follows_again_once_the_clock_is_put_right() {
        let raw = Arc::new(AtomicU64::new(5_000_000));
        let clock = MonotoneClock::new(Arc::new(Steps(raw.clone())), Timestamp::default());
        clock.now();
        raw.store(0, Ordering::Relaxed);
        assert_eq!(clock.now().as_millis(), 5_000_000);
        raw.store(1_000, Ordering::Relaxed);
        assert_eq!(clock.now().as_millis(), 5_001_000);
        raw.store(6_000_000, Ordering::Relaxed);
        assert_eq!(clock.now().as_millis(), 6_000_000);
    }

    #[test]
    fn a_deadline_found_passed_stays_passed() {
        let raw = Arc::new(AtomicU64::new(1_000));
        let clock = MonotoneClock::new(Arc::new(Steps(raw.clone())), Timestamp::default());
        clock.now();
        raw.store(1_010, Ordering::Relaxed);
        clock.insist(clock.now());
        raw.store(1_005, Ordering::Relaxed);
        assert_eq!(clock.now().as_millis(), 1_010);
    }

    #[test]
    fn it_starts_where_an_earlier_process_stood() {
        let raw = Arc::new(AtomicU64::new(1_000));
        let clock = MonotoneClock::new(Arc::new(Steps(raw)), Timestamp::from_millis(5_000));
        assert_eq!(clock.now().as_millis(), 5_000);
    }
}
