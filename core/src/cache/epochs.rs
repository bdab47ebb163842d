//! The coherence epochs: one counter a group, which moves whenever anything in the group changes
//! what verification would say. Its low bit says that a change is in flight.
//!
//! *Fill*: load the epoch; if it is odd, answer from the store and keep nothing. Then, after
//! the load, read the store. Keep what it says under the stamp that was loaded.
//!
//! *Change*, by one writer of the group at a time: [`begin`](Epochs::begin) makes the epoch odd
//! and new; commit to the store; [`land`](Epochs::land) makes it even if no other change has
//! begun since.
//!
//! So a verification that starts after a change returned sees an epoch that no older entry
//! carries, and nothing that was read while the commit was under way is ever kept. A writer that
//! ends between commit and landing leaves the epoch odd: readers ask the store until the next
//! change of the group. Each `begin` gives a new number, so that a late landing cannot end the
//! flight of another writer.
//!
//! Where several processes share a store, they share the epochs, too: the same steps on words
//! that all of them map. One writer of a group at a time is then one that holds the store's
//! writer lock, from `begin` until the commit is done, so the store takes these steps itself.

use std::sync::Arc;

use crate::id::Group;
use crate::sync::{AtomicU64, Ordering};
use crate::sys::SharedEpochs;
use crate::time::Timestamp;

/// The epochs of all groups, and one for what concerns them all: keys and generation.
pub(crate) struct Epochs {
    table: Table,
}

enum Table {
    /// This process's own.
    Own(Box<[AtomicU64]>),
    /// Those of every process that has the store open.
    #[cfg(not(any(shuttle, loom)))]
    Shared(Arc<SharedEpochs>),
}

/// A change that has begun. Dropped without [`Epochs::land`], it leaves the group uncached.
#[must_use = "land it once the commit is done, or leave it in flight on purpose"]
#[derive(Debug)]
pub(crate) struct Flight {
    place: usize,
    epoch: u64,
}

impl Epochs {
    /// All groups at epoch 0.
    pub(crate) fn new() -> Self {
        Epochs { table: Table::Own((0..=COMMON).map(|_| AtomicU64::new(0)).collect()) }
    }

    /// The epochs that a store shares; its own where it shares none. No scheduler sees what other
    /// processes do.
    pub(crate) fn over(shared: Option<Arc<SharedEpochs>>) -> Self {
        match shared {
            #[cfg(not(any(shuttle, loom)))]
            Some(shared) => Epochs { table: Table::Shared(shared) },
            _ => Epochs::new(),
        }
    }

    /// Whether other processes step them, and the store does so for this one.
    #[inline]
    pub(crate) fn are_shared(&self) -> bool {
        !matches!(self.table, Table::Own(_))
    }

    /// The stamp for what is read from the store from now on, or `None` while a change is in
    /// flight: then nothing may be kept.
    pub(crate) fn stamp(&self, group: Group) -> Option<u64> {
        self.stamp_at(group.index())
    }

    /// The same for what concerns every group.
    pub(crate) fn common_stamp(&self) -> Option<u64> {
        self.stamp_at(COMMON)
    }

    fn stamp_at(&self, place: usize) -> Option<u64> {
        let epoch = self.slot(place)?.load(Ordering::Acquire);
        (epoch & IN_FLIGHT == 0).then_some(epoch)
    }

    /// Whether an entry with this stamp counts.
    #[inline]
    pub(crate) fn is_current(&self, group: Group, stamp: u64) -> bool {
        self.slot(group.index()).is_some_and(|slot| slot.load(Ordering::Acquire) == stamp)
    }

    /// Begins a change. One writer of a group at a time, from here until its commit is done.
    pub(crate) fn begin(&self, group: Group) -> Flight {
        self.begin_at(group.index())
    }

    fn begin_at(&self, place: usize) -> Flight {
        let mut epoch = 0;
        if let Some(slot) = self.slot(place) {
            // One step, so that a landing beside it can neither be lost nor win over it.
            let next = |epoch: u64| epoch.wrapping_add(1) | IN_FLIGHT;
            let old = slot.fetch_update(Ordering::SeqCst, Ordering::Acquire, |old| Some(next(old)));
            epoch = old.map_or(0, next);
        }
        Flight { place, epoch }
    }

    /// Ends the change, once its commit is done or surely did not happen.
    pub(crate) fn land(&self, flight: Flight) {
        if let Some(slot) = self.slot(flight.place) {
            let landed = flight.epoch.wrapping_add(1);
            // Fails if another change has begun: every older stamp is dead anyway.
            let _ =
                slot.compare_exchange(flight.epoch, landed, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// The latest time that a process with these epochs has brought here, `at` among them.
    pub(crate) fn meet_at(&self, at: Timestamp) -> Timestamp {
        match &self.table {
            Table::Own(_) => at,
            #[cfg(not(any(shuttle, loom)))]
            Table::Shared(shared) => shared.words().get(CLOCK_WORD).map_or(at, |word| {
                let met = word.fetch_max(at.as_millis(), Ordering::AcqRel);
                at.max(Timestamp::from_millis(met))
            }),
        }
    }

    /// Makes older stamps of the group void, without a change and without ending one: for shared
    /// epochs, whose writers this process cannot hold up.
    pub(crate) fn pass(&self, group: Group) {
        if let Some(slot) = self.slot(group.index()) {
            let next = |epoch: u64| (epoch & IN_FLIGHT == 0).then_some(epoch.wrapping_add(2));
            // In flight, every stamp is void already.
            let _ = slot.fetch_update(Ordering::SeqCst, Ordering::Acquire, next);
        }
    }

    #[inline]
    fn slot(&self, place: usize) -> Option<&AtomicU64> {
        match &self.table {
            Table::Own(table) => table.get(place),
            #[cfg(not(any(shuttle, loom)))]
            Table::Shared(shared) => shared.words().get(HEADER_WORDS + place),
        }
    }
}

/// What only the holder of a shared store's writer lock may do.
#[cfg(feature = "lmdb")]
impl Epochs {
    /// Begins a change of what concerns every group.
    pub(crate) fn begin_common(&self) -> Flight {
        self.begin_at(COMMON)
    }

    /// Says that the holder of the writer lock is about to begin changes, and ends those that an
    /// earlier holder has not landed. It released the lock, so its commits are done or never
    /// will be; if it lives, its landings come late and fail, which is fine.
    pub(crate) fn begin_round(&self) -> Flight {
        let odd = |slot: &AtomicU64| slot.load(Ordering::Acquire) & IN_FLIGHT != 0;
        if self.slot(ROUND).is_some_and(odd) {
            self.repair();
        }
        self.begin_at(ROUND)
    }

    fn repair(&self) {
        for slot in (0..=COMMON).filter_map(|place| self.slot(place)) {
            let epoch = slot.load(Ordering::Acquire);
            if epoch & IN_FLIGHT != 0 {
                let (landed, relaxed) = (epoch.wrapping_add(1), Ordering::Relaxed);
                let _ = slot.compare_exchange(epoch, landed, Ordering::AcqRel, relaxed);
            }
        }
    }
}

const IN_FLIGHT: u64 = 1;

/// The place behind those of the groups.
const COMMON: usize = Group::COUNT;

/// Behind that, of shared epochs only: odd while a round of changes is begun and not landed.
#[cfg(feature = "lmdb")]
const ROUND: usize = COMMON + 1;

/// Words of the file before the epochs.
#[cfg(any(feature = "lmdb", not(any(shuttle, loom))))]
pub(crate) const HEADER_WORDS: usize = 512;

/// The word of the latest time, on a cache line of its own.
#[cfg(not(any(shuttle, loom)))]
const CLOCK_WORD: usize = 256;

/// Words of the file.
#[cfg(feature = "lmdb")]
pub(crate) const FILE_WORDS: usize = HEADER_WORDS + COMMON + 512;

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    const GROUP: Group = Group(7);

    #[test]
    fn nothing_is_kept_during_a_change_and_older_stamps_die() {
        let epochs = Epochs::new();
        let before = epochs.stamp(GROUP).unwrap();
        let flight = epochs.begin(GROUP);
        assert_eq!(epochs.stamp(GROUP), None);
        assert!(!epochs.is_current(GROUP, before));
        epochs.land(flight);
        let after = epochs.stamp(GROUP).unwrap();
        assert!(!epochs.is_current(GROUP, before));
        assert!(epochs.is_current(GROUP, after));
        assert_eq!(epochs.stamp(Group(8)), Some(0), "other groups stay");
    }

    #[test]
    fn a_late_landing_does_not_end_the_flight_of_another() {
        let epochs = Epochs::new();
        let first = epochs.begin(GROUP);
        let second = epochs.begin(GROUP);
        epochs.land(first);
        assert_eq!(epochs.stamp(GROUP), None);
        epochs.land(second);
        assert!(epochs.stamp(GROUP).is_some());
    }

    #[test]
    fn a_change_that_never_lands_leaves_the_group_uncached_until_the_next() {
        let epochs = Epochs::new();
        drop(epochs.begin(GROUP));
        assert_eq!(epochs.stamp(GROUP), None);
        let next = epochs.begin(GROUP);
        epochs.land(next);
        assert!(epochs.stamp(GROUP).is_some());
    }
}
