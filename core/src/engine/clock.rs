//! The engine's time: the clock's, but never backwards.

use std::sync::Arc;

use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::time::{Clock, Timestamp};

/// Follows a clock, and goes on from where it stood when that steps back. So a backward step
/// extends no life, and a session that was reported expired is never valid again.
pub(super) struct MonotoneClock {
    source: Arc<dyn Clock>,
    /// No time that was acted upon is later than this and the slack.
    high: AtomicU64,
    is_behind: AtomicBool,
    lag: Mutex<Lag>,
    stepped_back_ms: AtomicU64,
}

/// How the source lags behind, while it does.
#[derive(Clone, Copy, Default)]
struct Lag {
    /// The sum of the backward steps: what a source without a monotonic clock is short of.
    offset_ms: u64,
    /// A moment, and the monotonic clock then.
    anchor: Option<(u64, u64)>,
}

impl MonotoneClock {
    /// Follows `source`, from `floor` at the earliest: where an earlier process stood.
    pub(super) fn new(source: Arc<dyn Clock>, floor: Timestamp) -> Self {
        MonotoneClock {
            source,
            high: AtomicU64::new(floor.as_millis()),
            is_behind: AtomicBool::new(false),
            lag: Mutex::new(Lag::default()),
            stepped_back_ms: AtomicU64::new(0),
        }
    }

    /// The present moment.
    #[inline]
    pub(super) fn now(&self) -> Timestamp {
        let now = self.source.now().as_millis();
        let high = self.high.load(Ordering::Relaxed);
        if now < high || self.is_behind.load(Ordering::Relaxed) {
            return self.behind();
        }
        self.reach(now, high);
        Timestamp::from_millis(now)
    }

    /// From now on it is `at` or later: a moment that something
    /// depends on was found to have passed then.
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

    /// The present moment while the source is behind.
    #[cold]
    fn behind(&self) -> Timestamp {
        let mut lag = self.lag.lock();
        // Another thread may have moved on between our reading and the comparison.
        let source = self.source.now().as_millis();
        let high = self.high.load(Ordering::Relaxed);
        if lag.offset_ms == 0 {
            if source >= high {
                return Timestamp::from_millis(source);
            }
            lag.anchor = self.source.monotonic_ms().map(|monotonic| (high, monotonic));
        }
        let running = match (lag.anchor, self.source.monotonic_ms()) {
            (Some((then, at)), Some(monotonic)) => {
                then.saturating_add(monotonic.saturating_sub(at))
            }
            _ => source.saturating_add(lag.offset_ms),
        };
        if running < high {
            // The first step back, or one more of a source without a monotonic clock.
            lag.offset_ms += high - running;
            self.stepped_back_ms.fetch_add(high - running, Ordering::Relaxed);
        } else if lag.offset_ms == 0 {
            lag.offset_ms = high - source;
            self.stepped_back_ms.fetch_add(high - source, Ordering::Relaxed);
        }
        let mut now = running.max(high);
        if lag.anchor.is_some() && source >= now {
            // Put right again.
            (now, *lag) = (source, Lag::default());
        }
        self.is_behind.store(lag.offset_ms > 0, Ordering::Relaxed);
        self.reach(now, high);
        Timestamp::from_millis(now)
    }
}

const SLACK_MS: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that is set, with or without another that is not.
    #[derive(Clone)]
    struct Steps {
        now: Arc<AtomicU64>,
        monotonic: Option<Arc<AtomicU64>>,
    }

    impl Steps {
        fn at(now: u64) -> Self {
            Steps { now: Arc::new(AtomicU64::new(now)), monotonic: None }
        }

        fn with_monotonic(now: u64) -> Self {
            Steps { monotonic: Some(Arc::new(AtomicU64::new(77))), ..Steps::at(now) }
        }

        fn set(&self, now: u64) {
            self.now.store(now, Ordering::Relaxed);
        }

        fn pass(&self, ms: u64) {
            self.now.fetch_add(ms, Ordering::Relaxed);
            if let Some(monotonic) = &self.monotonic {
                monotonic.fetch_add(ms, Ordering::Relaxed);
            }
        }

        fn followed_from(&self, floor: u64) -> MonotoneClock {
            MonotoneClock::new(Arc::new(self.clone()), Timestamp::from_millis(floor))
        }
    }

    impl Clock for Steps {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.now.load(Ordering::Relaxed))
        }

        fn monotonic_ms(&self) -> Option<u64> {
            Some(self.monotonic.as_ref()?.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn time_goes_on_from_where_it_stood_when_the_clock_steps_back() {
        for source in [Steps::at(1_000_000), Steps::with_monotonic(1_000_000)] {
            let clock = source.followed_from(0);
            assert_eq!(clock.now().as_millis(), 1_000_000);
            source.set(400_000);
            assert_eq!(clock.now().as_millis(), 1_000_000);
            source.pass(500);
            assert_eq!(clock.now().as_millis(), 1_000_500);
            // Also when nobody asks until the source is where it was before the step.
            source.pass(700_000);
            assert_eq!(clock.now().as_millis(), 1_700_500);
            source.set(300_000);
            assert_eq!(clock.now().as_millis(), 1_700_500);
            source.pass(10);
            assert_eq!(clock.now().as_millis(), 1_700_510);
            assert!(clock.take_stepped_back_ms() >= 600_000);
            assert_eq!(clock.take_stepped_back_ms(), 0);
        }
    }

    #[test]
    fn it_follows_again_once_the_clock_is_put_right() {
        let source = Steps::with_monotonic(0);
        let clock = source.followed_from(5_000_000);
        assert_eq!(clock.now().as_millis(), 5_000_000);
        source.pass(1_000);
        assert_eq!(clock.now().as_millis(), 5_001_000);
        source.set(6_000_000);
        assert_eq!(clock.now().as_millis(), 6_000_000);
        source.pass(1_000);
        assert_eq!(clock.now().as_millis(), 6_001_000);
    }

    #[test]
    fn a_deadline_found_passed_stays_passed() {
        let source = Steps::at(1_000);
        let clock = source.followed_from(0);
        clock.now();
        source.set(1_010);
        clock.insist(clock.now());
        source.set(1_005);
        assert_eq!(clock.now().as_millis(), 1_010);
    }

    #[test]
    fn it_starts_where_an_earlier_process_stood() {
        for source in [Steps::at(1_000), Steps::with_monotonic(1_000)] {
            let clock = source.followed_from(5_000);
            assert_eq!(clock.now().as_millis(), 5_000);
            source.pass(4_500);
            assert_eq!(clock.now().as_millis(), 9_500);
        }
    }
}
