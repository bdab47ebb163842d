//! The change protocol: stripe, epoch odd, commit, epoch even. See `cache::epochs`.

use super::Inner;
use super::inspect::Condemn;
use super::open::STRIPES;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Group;
use crate::store::{Batch, Commit, Store};
use crate::sync::{Mutex, Ordering};

impl Inner {
    /// Commits what `plan` makes of the present state, as one change of the group. `plan` runs
    /// again when another process was faster; `None` means that there is nothing to change.
    /// Gives the committed version.
    pub(super) fn change(
        &self,
        store: &dyn Store,
        group: Group,
        plan: impl FnMut() -> Result<Option<Batch>>,
    ) -> Result<Option<u64>> {
        self.change_or_condemn(store, group, None, plan)
    }

    /// The same; if the outcome is unknown, `condemn` is rejected from then on.
    pub(super) fn change_or_condemn(
        &self,
        store: &dyn Store,
        group: Group,
        condemn: Option<Condemn>,
        mut plan: impl FnMut() -> Result<Option<Batch>>,
    ) -> Result<Option<u64>> {
        self.has_work.store(true, Ordering::Relaxed);
        let _one_writer = self.stripe(group)?.lock();
        // Closed meanwhile: the epochs are in flight for ever, and must not land.
        self.store()?;
        for _ in 0..ATTEMPTS {
            let batch = plan()?;
            let flight = self.epochs.begin(group);
            let Some(batch) = batch else {
                // Nothing to write, but what is cached may know more than the store: it is asked.
                self.epochs.land(flight);
                return Ok(None);
            };
            match store.commit(batch) {
                Ok(commit) => {
                    self.epochs.land(flight);
                    if let Commit::Committed { version } = commit {
                        return Ok(Some(version));
                    }
                }
                // It may be written: the epoch stays odd, and readers ask the store.
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                    // Before the next writer can land, and a fill keep what is condemned.
                    condemn.into_iter().for_each(|condemn| self.condemned.add(condemn));
                    return Err(error);
                }
                Err(error) => {
                    self.epochs.land(flight);
                    return Err(error);
                }
            }
        }
        Err(Error::new(ErrorKind::Conflict, "other processes kept changing the same session"))
    }

    /// The lock of the group's writers.
    pub(super) fn stripe(&self, group: Group) -> Result<&Mutex<()>> {
        let stripe = self.stripes.get(group.index() % STRIPES);
        stripe.ok_or_else(|| Error::new(ErrorKind::Internal, "a group has no stripe"))
    }
}

const ATTEMPTS: usize = 64;
