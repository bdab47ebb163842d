//! Locks, atomics and threads: the only file that names them, so that a test scheduler can take
//! their place (`--cfg shuttle`: random schedules; `--cfg loom`: every schedule).

// Holds what is set once and never changes: no schedule matters to it.
#[cfg(any(feature = "sled", feature = "lmdb", feature = "redis"))]
pub(crate) use std::sync::OnceLock;
// A word that other processes write to, too: no scheduler sees them.
pub(crate) use std::sync::atomic::AtomicU64 as SharedU64;

#[cfg(not(any(shuttle, loom)))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
    pub(crate) use std::thread;

    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard};

    use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};

    /// A lock that is read far more often than written: readers on different threads write to
    /// different cache lines, and a writer takes all of them.
    #[derive(Debug, Default)]
    pub(crate) struct ReadMostly<T>(ShardedLock<T>);

    impl<T> ReadMostly<T> {
        pub(crate) fn new(value: T) -> Self {
            ReadMostly(ShardedLock::new(value))
        }

        /// A panic while it was held leaves nothing half done that a reader could mistake.
        #[inline]
        pub(crate) fn read(&self) -> ShardedLockReadGuard<'_, T> {
            self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())
        }

        pub(crate) fn write(&self) -> ShardedLockWriteGuard<'_, T> {
            self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner())
        }
    }
}

#[cfg(any(shuttle, loom))]
mod scheduled {
    //! The schedulers mirror std's locks, whose guards come in a `Result`: this gives them the
    //! shape of `parking_lot`'s. A scheduled test that panics has failed, so poison is passed on.

    use std::time::Duration;

    #[cfg(loom)]
    use loom as scheduler;
    #[cfg(shuttle)]
    use shuttle as scheduler;

    pub(crate) use scheduler::sync::atomic::{
        AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering,
    };
    pub(crate) use scheduler::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
    pub(crate) use scheduler::thread;

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(scheduler::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(scheduler::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            match self.0.lock() {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            }
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct RwLock<T>(scheduler::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            RwLock(scheduler::sync::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            match self.0.read() {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            }
        }

        pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
            match self.0.write() {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            }
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Condvar(scheduler::sync::Condvar);

    impl Condvar {
        #[cfg_attr(not(any(feature = "sled", feature = "lmdb")), allow(dead_code))]
        pub(crate) fn new() -> Self {
            Condvar(scheduler::sync::Condvar::new())
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }

        /// The schedulers own the guard while it waits, `parking_lot` borrows it: callers pass
        /// it by value and get it back in both worlds through [`wait`] and [`wait_for`].
        pub(crate) fn wait_owned<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            match self.0.wait(guard) {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            }
        }
    }

    #[cfg_attr(not(any(feature = "sled", feature = "lmdb")), allow(dead_code))]
    pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        condvar.wait_owned(guard)
    }

    /// Time does not pass under a scheduler: it waits for the notice.
    pub(crate) fn wait_for<'a, T>(
        condvar: &Condvar,
        guard: MutexGuard<'a, T>,
        _timeout: Duration,
    ) -> MutexGuard<'a, T> {
        condvar.wait_owned(guard)
    }
}

#[cfg(not(any(shuttle, loom)))]
pub(crate) use real::*;
#[cfg(any(shuttle, loom))]
pub(crate) use scheduled::*;

/// A lock that is read far more often than written.
#[cfg(any(shuttle, loom))]
pub(crate) type ReadMostly<T> = RwLock<T>;

/// A small number of the calling thread, another for each until there are very many.
#[inline]
pub(crate) fn thread_number() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

/// Waits for a notice; spurious wake-ups happen.
#[cfg_attr(not(any(feature = "sled", feature = "lmdb")), allow(dead_code))]
#[cfg(not(any(shuttle, loom)))]
pub(crate) fn wait<'a, T>(condvar: &Condvar, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(&mut guard);
    guard
}

/// Waits for a notice, `timeout` at the longest.
#[cfg(not(any(shuttle, loom)))]
pub(crate) fn wait_for<'a, T>(
    condvar: &Condvar,
    mut guard: MutexGuard<'a, T>,
    timeout: std::time::Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_for(&mut guard, timeout);
    guard
}
