//! An allocator that counts, while it is asked to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicI64 = AtomicI64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);

/// The system's allocator. A program that counts makes it its `#[global_allocator]`.
#[derive(Clone, Copy, Debug)]
pub struct Counting;

/// What was allocated while something ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Bytes allocated less bytes freed.
    pub bytes: i64,
    /// Allocations, reallocations included.
    pub calls: u64,
}

/// Runs `work` and says what it allocated, on any thread.
pub fn growth<T>(work: impl FnOnce() -> T) -> (T, Growth) {
    let before = (BYTES.load(Ordering::Relaxed), CALLS.load(Ordering::Relaxed));
    IS_COUNTING.store(true, Ordering::Relaxed);
    let result = work();
    IS_COUNTING.store(false, Ordering::Relaxed);
    let bytes = BYTES.load(Ordering::Relaxed) - before.0;
    (result, Growth { bytes, calls: CALLS.load(Ordering::Relaxed) - before.1 })
}

/// Whether this program counts at all: one that forgot to name the allocator would see zeros.
pub fn is_installed() -> bool {
    growth(|| drop(std::hint::black_box(Box::new(1_u64)))).1.calls == 1
}

fn note(bytes: i64, calls: u64) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        BYTES.fetch_add(bytes, Ordering::Relaxed);
        CALLS.fetch_add(calls, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64, 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        note(-(layout.size() as i64), 0);
        // SAFETY: as above; `place` came from `System`.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        note(len as i64 - layout.size() as i64, 1);
        // SAFETY: as above; `place` came from `System`.
        unsafe { System.realloc(place, layout, len) }
    }
}
