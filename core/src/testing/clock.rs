//! A clock that stands still until it is told otherwise.

use std::sync::Arc;
use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};
use crate::time::{Clock, Timestamp, millis};

/// A clock that a test moves, forwards and backwards. Clones share their time.
///
/// ```
/// use std::time::Duration;
/// use sessile::testing::ManualClock;
/// use sessile::{Clock, Timestamp};
///
/// let clock = ManualClock::at(Timestamp::from_millis(1_000));
/// clock.clone().advance(Duration::from_secs(1));
/// assert_eq!(clock.now(), Timestamp::from_millis(2_000));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    now_ms: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        ManualClock { now_ms: Arc::new(AtomicU64::new(now.as_millis())) }
    }

    /// Makes it show `now`, which may be earlier than before.
    pub fn set(&self, now: Timestamp) {
        self.now_ms.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves it on by `duration`.
    pub fn advance(&self, duration: Duration) {
        self.now_ms.fetch_add(millis(duration), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// A clock that shows a moment of 2026: a test may go back years from there.
    fn default() -> Self {
        ManualClock::at(Timestamp::from_millis(1_780_000_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms.load(Ordering::SeqCst))
    }
}
