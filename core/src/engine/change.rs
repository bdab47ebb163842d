//! The change protocol: stripe, epoch odd, commit, epoch even. See `cache::epochs`.

use super::Inner;
use super::events::EventKind;
use super::inspect::Condemn;
use super::open::STRIPES;
use crate::cache::Flight;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Group;
use crate::store::{Batch, Commit, Moves, Store};
use crate::sync::{Mutex, Ordering};
use crate::time::Timestamp;

/// What a change writes, and what follows from it.
pub(super) struct Plan {
    pub(super) batch: Batch,
    /// Told once it is written.
    events: Vec<EventKind>,
    /// What it means to end: this process rejects it also when the outcome is unknown.
    condemned: Option<Condemn>,
}

/// Whether a commit is in the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Surely,
    /// It failed, and may be there after a reopen.
    Perhaps,
}

impl From<Batch> for Plan {
    fn from(batch: Batch) -> Self {
        Plan { batch, events: Vec::new(), condemned: None }
    }
}

impl Plan {
    #[must_use]
    pub(super) fn telling(mut self, event: EventKind) -> Self {
        self.events.push(event);
        self
    }

    #[must_use]
    pub(super) fn condemning(mut self, condemn: Condemn) -> Self {
        self.condemned = Some(condemn);
        self
    }
}

impl Inner {
    /// Commits what `plan` makes of the present state, as one change of the group. `plan` runs
    /// again when another process was faster; `None` means that there is nothing to change.
    /// Gives the committed version.
    pub(super) fn change(
        &self,
        store: &dyn Store,
        group: Group,
        plan: impl FnMut() -> Result<Option<Plan>>,
    ) -> Result<Option<u64>> {
        let changed = self.commit_change(store, group, plan);
        self.watches.review_group(self, store, group);
        changed
    }

    fn commit_change(
        &self,
        store: &dyn Store,
        group: Group,
        mut plan: impl FnMut() -> Result<Option<Plan>>,
    ) -> Result<Option<u64>> {
        self.refuse_unnoted_fork()?;
        self.has_work.store(true, Ordering::Relaxed);
        let _one_writer = self.stripe(group)?.lock();
        // Closed meanwhile: the epochs are in flight for ever, and must not land.
        self.store()?;
        for _ in 0..ATTEMPTS {
            let planned = plan()?;
            let flight = self.begin(group);
            let Some(Plan { batch, events, condemned }) = planned else {
                // Nothing to write, but what is cached may know more than the store: it is asked.
                match flight {
                    Some(flight) => self.epochs.land(flight),
                    None => self.epochs.pass(group),
                }
                return Ok(None);
            };
            match store.commit(batch) {
                Ok(commit) => {
                    self.land(flight);
                    if let Commit::Committed { version } = commit {
                        self.bus.emit(self.clock.now(), events);
                        return Ok(Some(version));
                    }
                }
                // It may be written: the epoch stays odd, and readers ask the store.
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                    condemned.into_iter().for_each(|condemn| self.condemned.add(condemn));
                    return Err(error);
                }
                Err(error) => {
                    self.land(flight);
                    return Err(error);
                }
            }
        }
        Err(kept_changing())
    }

    /// Commits `plan`, of the engine's own group, as one change of every group, and calls
    /// `apply` before any of them is read from the store again.
    pub(super) fn change_all(
        &self,
        store: &dyn Store,
        mut plan: impl FnMut() -> Result<Plan>,
        apply: impl FnOnce(Written),
    ) -> Result<()> {
        self.refuse_unnoted_fork()?;
        // Every writer waits, so that none ends the flight of its group before the commit.
        let no_other_writer: Vec<_> = self.stripes.iter().map(|stripe| stripe.lock()).collect();
        self.store()?;
        let (mut apply, mut changed) = (Some(apply), Err(kept_changing()));
        let mut apply = |written| apply.take().into_iter().for_each(|apply| apply(written));
        for _ in 0..ATTEMPTS {
            let Plan { batch, events, condemned } = plan()?;
            let flights: Vec<_> = Group::all().map(|group| self.begin(group)).collect();
            let committed = store.commit(batch.moving(Moves::All));
            let is_conflict = matches!(committed, Ok(Commit::Conflict));
            match &committed {
                Ok(Commit::Committed { .. }) => {
                    apply(Written::Surely);
                    self.bus.emit(self.clock.now(), events);
                }
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                    condemned.into_iter().for_each(|condemn| self.condemned.add(condemn));
                    apply(Written::Perhaps);
                }
                _ => {}
            }
            flights.into_iter().for_each(|flight| self.land(flight));
            if !is_conflict {
                changed = committed.map(|_| ());
                break;
            }
        }
        drop(no_other_writer);
        self.watches.review_due(self, store, Timestamp::NEVER);
        changed
    }

    /// Begins a change, where this process alone steps the epochs: a store that shares them does
    /// so under its writer lock.
    fn begin(&self, group: Group) -> Option<Flight> {
        (!self.epochs.are_shared()).then(|| self.epochs.begin(group))
    }

    fn land(&self, flight: Option<Flight>) {
        flight.into_iter().for_each(|flight| self.epochs.land(flight));
    }

    /// The lock of the group's writers.
    pub(super) fn stripe(&self, group: Group) -> Result<&Mutex<()>> {
        let stripe = self.stripes.get(group.index() % STRIPES);
        stripe.ok_or_else(|| Error::new(ErrorKind::Internal, "a group has no stripe"))
    }
}

pub(super) fn kept_changing() -> Error {
    Error::new(ErrorKind::Conflict, "others kept changing the same session: try again")
}

/// How often a change is planned anew before it gives up.
pub(super) const ATTEMPTS: usize = 64;
