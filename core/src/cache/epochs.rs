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

use crate::id::Group;
use crate::sync::{AtomicU64, Ordering};

/// The epochs of all groups.
pub(crate) struct Epochs {
    table: Box<[AtomicU64]>,
}

/// A change that has begun. Dropped without [`Epochs::land`], it leaves the group uncached.
#[must_use = "land it once the commit is done, or leave it in flight on purpose"]
#[derive(Debug)]
pub(crate) struct Flight {
    group: Group,
    epoch: u64,
}

impl Epochs {
    /// All groups at epoch 0.
    pub(crate) fn new() -> Self {
        Epochs { table: (0..Group::COUNT).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The stamp for what is read from the store from now on, or `None` while a change is in
    /// flight: then nothing may be kept.
    pub(crate) fn stamp(&self, group: Group) -> Option<u64> {
        let epoch = self.slot(group)?.load(Ordering::Acquire);
        (epoch & IN_FLIGHT == 0).then_some(epoch)
    }

    /// Whether an entry with this stamp counts.
    #[inline]
    pub(crate) fn is_current(&self, group: Group, stamp: u64) -> bool {
        self.slot(group).is_some_and(|slot| slot.load(Ordering::Acquire) == stamp)
    }

    /// Begins a change. One writer of a group at a time, from here until its commit is done.
    pub(crate) fn begin(&self, group: Group) -> Flight {
        let mut epoch = 0;
        if let Some(slot) = self.slot(group) {
            // One step, so that a landing beside it can neither be lost nor win over it.
            let next = |epoch: u64| epoch.wrapping_add(1) | IN_FLIGHT;
            let old = slot.fetch_update(Ordering::SeqCst, Ordering::Acquire, |old| Some(next(old)));
            epoch = old.map_or(0, next);
        }
        Flight { group, epoch }
    }

    /// Ends the change, once its commit is done or surely did not happen.
    pub(crate) fn land(&self, flight: Flight) {
        if let Some(slot) = self.slot(flight.group) {
            let landed = flight.epoch.wrapping_add(1);
            // Fails if another change has begun: every older stamp is dead anyway.
            let _ =
                slot.compare_exchange(flight.epoch, landed, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    #[inline]
    fn slot(&self, group: Group) -> Option<&AtomicU64> {
        self.table.get(group.index())
    }
}

const IN_FLIGHT: u64 = 1;

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
