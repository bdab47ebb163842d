//! Time: milliseconds since the Unix epoch, from a clock that the host may replace.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch (UTC).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment that never comes: the deadline of what does not expire.
    pub const NEVER: Timestamp = Timestamp(u64::MAX);

    /// The moment `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: u64) -> Self {
        Timestamp(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// This moment and `duration` later; stops at [`NEVER`](Self::NEVER).
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Timestamp(self.0.saturating_add(millis(duration)))
    }

    /// This moment and `ms` milliseconds later; stops at [`NEVER`](Self::NEVER).
    #[must_use]
    pub const fn plus_millis(self, ms: u64) -> Self {
        Timestamp(self.0.saturating_add(ms))
    }

    /// The time since `earlier`, zero when that is not earlier.
    pub const fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// Whole milliseconds of a duration; more than 584 million years count as that much.
pub(crate) const fn millis(duration: Duration) -> u64 {
    let ms = duration.as_millis();
    if ms > u64::MAX as u128 { u64::MAX } else { ms as u64 }
}

/// Where an engine gets the time from.
///
/// It may jump or run backwards: the engine's own time never does. The engine also asks it under
/// its locks: it must be quick, and must not call the engine.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Milliseconds since any one moment, by a clock that nobody sets; `None`: there is none.
    /// With it the engine keeps the time while `now` is behind, and follows `now` again once
    /// that was put right. Without it, it stays ahead until it is reopened.
    fn monotonic_ms(&self) -> Option<u64> {
        None
    }
}

/// The operating system's wall clock.
///
/// Reads the coarse clock where there is one (Linux): the timer tick's time, 1 to 10 ms old at
/// most, for a quarter of the cost. One engine uses one clock for everything, so no deadline is
/// moved by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Timestamp {
        #[cfg(target_os = "linux")]
        {
            use rustix::time::{ClockId, clock_gettime};
            let now = clock_gettime(ClockId::RealtimeCoarse);
            let secs = u64::try_from(now.tv_sec).unwrap_or(0);
            let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
            Timestamp(secs.saturating_mul(1000).saturating_add(nanos / 1_000_000))
        }
        #[cfg(not(target_os = "linux"))]
        {
            let now = std::time::SystemTime::now();
            Timestamp(now.duration_since(std::time::UNIX_EPOCH).map_or(0, millis))
        }
    }

    /// Goes on while the machine sleeps (Linux), as lives do.
    fn monotonic_ms(&self) -> Option<u64> {
        #[cfg(target_os = "linux")]
        {
            use rustix::time::{ClockId, clock_gettime};
            let now = clock_gettime(ClockId::Boottime);
            let secs = u64::try_from(now.tv_sec).ok()?;
            let nanos = u64::try_from(now.tv_nsec).ok()?;
            Some(secs.saturating_mul(1000).saturating_add(nanos / 1_000_000))
        }
        #[cfg(not(target_os = "linux"))]
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Timestamp::NEVER.plus_millis(1), Timestamp::NEVER);
        assert_eq!(Timestamp::from_millis(5).plus(Duration::MAX), Timestamp::NEVER);
        let (early, late) = (Timestamp::from_millis(1), Timestamp::from_millis(3));
        assert_eq!(late.since(early), Duration::from_millis(2));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn the_system_clock_agrees_with_std() {
        let std = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let ours = Duration::from_millis(SystemClock.now().as_millis());
        assert!(ours.abs_diff(std) < Duration::from_secs(1));
    }
}
