//! What is told when a time comes: that sessions end soon, and that they have ended.
//!
//! Two walks over the store's rows in the order of their expiry, one ahead of the present by
//! `expiring_soon` and one at it, each going on from where it was. What the store has may be
//! older than what this process knows of a session: then its time comes later, and is noted.

use std::collections::{BTreeSet, HashMap};

use super::Inner;
use super::events::EventKind;
use super::inspect::Found;
use crate::error::Result;
use crate::id::{Group, Handle};
use crate::policy::touch_interval_ms;
use crate::store::{Due, Key, Store, Table};
use crate::sync::Mutex;
use crate::time::{Timestamp, millis};
use crate::verdict::Reason;

/// The walks, while anyone listens.
#[derive(Default)]
pub(super) struct Agenda(Mutex<Option<State>>);

struct State {
    /// Rows up to here are seen to, or noted below.
    soon: Due,
    over: Due,
    /// When to look at a session again.
    later: BTreeSet<(Timestamp, Handle)>,
    /// What was told last, so that nothing is told twice.
    told: HashMap<Handle, Told>,
}

#[derive(PartialEq, Eq)]
enum Told {
    Soon { deadline: Timestamp },
    Expired { at: Timestamp },
}

impl Told {
    /// Whether nothing can make it be told again.
    fn is_past(&self, now: Timestamp) -> bool {
        match self {
            Told::Soon { deadline } => *deadline <= now,
            Told::Expired { at } => at.plus_millis(touch_interval_ms(u64::MAX)) <= now,
        }
    }
}

impl Agenda {
    /// How many sessions are noted.
    #[cfg(feature = "testing")]
    pub(super) fn len(&self) -> usize {
        self.0.lock().as_ref().map_or(0, |state| state.later.len() + state.told.len())
    }

    /// Begins at `now`, unless it is under way.
    pub(super) fn begin(&self, now: Timestamp) {
        let start = Due { at: now, key: Key::of_16(Group(0), Table::Engine, &[0; 16]) };
        self.0.lock().get_or_insert_with(|| State {
            soon: start,
            over: start,
            later: BTreeSet::new(),
            told: HashMap::new(),
        });
    }
}

impl Inner {
    /// Tells what is due, a slice at most. Says whether there is more.
    pub(super) fn run_agenda(&self, store: &dyn Store) -> Result<bool> {
        let mut agenda = self.agenda.0.lock();
        if !self.bus.has_subscribers() {
            *agenda = None;
        }
        let Some(state) = agenda.as_mut() else { return Ok(false) };
        let now = self.clock.now();
        state.told.retain(|_, told| !told.is_past(now));
        let ahead = now.plus(self.config.expiring_soon);
        let mut due = Vec::new();
        let mut is_more = false;
        for (cursor, until) in [(&mut state.soon, ahead), (&mut state.over, now)] {
            let rows = store.expired(Some(cursor), until, SLICE)?;
            is_more |= rows.len() == SLICE;
            *cursor = rows.last().copied().unwrap_or(*cursor);
            let sessions = rows.iter().filter(|row| row.key.table() == Table::Session);
            due.extend(sessions.filter_map(|row| {
                let random = row.key.id().try_into().ok()?;
                Some(Handle::from_parts(row.key.group(), random))
            }));
        }
        let first = Handle::from_parts(Group(0), [0; 16]);
        let rest = state.later.split_off(&(now.plus_millis(1), first));
        due.extend(std::mem::replace(&mut state.later, rest).into_iter().map(|(_, handle)| handle));
        for handle in due {
            self.attend(store, state, handle)?;
        }
        Ok(is_more)
    }

    /// Tells what there is to tell of a session now, and notes when to look again.
    fn attend(&self, store: &dyn Store, state: &mut State, handle: Handle) -> Result<()> {
        let _in_order = self.stripe(handle.group())?.lock();
        let now = self.clock.now();
        match self.find(store, &handle, now)? {
            Found::Live(live) => {
                let deadline = live.record.expires_at();
                let lead_ms = millis(self.config.expiring_soon);
                let soon = Timestamp::from_millis(deadline.as_millis().saturating_sub(lead_ms));
                if soon > now {
                    state.later.insert((soon, handle));
                    return Ok(());
                }
                state.later.insert((deadline, handle));
                let is_told = Some(Told::Soon { deadline });
                if state.told.insert(handle, Told::Soon { deadline }) != is_told {
                    self.bus.emit(now, [EventKind::ExpiringSoon { handle, deadline }]);
                }
            }
            Found::Rejected(Reason::Expired | Reason::IdleExpired) => {
                let told = state.told.insert(handle, Told::Expired { at: now });
                if !matches!(told, Some(Told::Expired { .. })) {
                    self.bus.emit(now, [EventKind::Expired { handle }]);
                }
            }
            Found::Superseded(_) | Found::Rejected(_) => {}
        }
        Ok(())
    }
}

/// Rows looked at in one go.
const SLICE: usize = 1_000;
