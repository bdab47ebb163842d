//! Where a test ends the process in the middle of a commit.

/// A moment of a commit. Named in the environment, `SESSILE_CRASH=written:17`, it ends the process
/// at its 17th commit, as `kill -9` would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CrashPoint {
    /// The epochs are odd, nothing is written.
    Begun,
    /// It is written, the epochs are odd.
    Written,
}

impl CrashPoint {
    /// Ends the process if the test says so. Does nothing in a build that is not for tests.
    #[inline]
    pub(super) fn pass(self) {
        #[cfg(feature = "testing")]
        armed::pass(self);
    }
}

#[cfg(feature = "testing")]
mod armed {
    use rustix::process::Signal;

    use super::CrashPoint;
    use crate::sync::{OnceLock, Ordering, SharedU64};

    static COMMITS: [SharedU64; 2] = [SharedU64::new(0), SharedU64::new(0)];

    pub(super) fn pass(point: CrashPoint) {
        static PLAN: OnceLock<Option<(CrashPoint, u64)>> = OnceLock::new();
        let Some((planned, at)) = PLAN.get_or_init(plan) else { return };
        let [begun, written] = &COMMITS;
        let count = match point {
            CrashPoint::Begun => begun,
            CrashPoint::Written => written,
        };
        if count.fetch_add(1, Ordering::Relaxed) + 1 == *at && point == *planned {
            let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
        }
    }

    fn plan() -> Option<(CrashPoint, u64)> {
        let text = std::env::var("SESSILE_CRASH").ok()?;
        let (point, at) = text.split_once(':')?;
        let point = match point {
            "begun" => CrashPoint::Begun,
            "written" => CrashPoint::Written,
            _ => return None,
        };
        Some((point, at.parse().ok()?))
    }
}
