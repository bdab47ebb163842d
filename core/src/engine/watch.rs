//! Watches: to be told when a session ends, for connections that outlive a request.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::inspect::Found;
use super::{Engine, Inner};
use crate::error::Result;
use crate::id::{Group, Handle};
use crate::store::Store;
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, wait, wait_for};
use crate::time::Timestamp;
use crate::verdict::Reason;

/// Ends when its session does, whatever ends it, but not when the session is rotated. Dropping
/// it ends the watching, not the session.
#[derive(Debug)]
pub struct Watch {
    signal: Arc<Signal>,
}

/// What a watch waits for.
struct Signal {
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    /// The session, however often it was rotated.
    handle: Handle,
    /// It ends then, unless it is used: when to ask again.
    deadline: Timestamp,
    reason: Option<Reason>,
    on_end: Vec<OnEnd>,
}

type OnEnd = Box<dyn FnOnce(Reason) + Send>;

impl Watch {
    /// Why the session ended; `None`: it has not.
    pub fn ended(&self) -> Option<Reason> {
        self.signal.state.lock().reason
    }

    /// Waits until the session ends, and says why.
    pub fn wait(&self) -> Reason {
        let mut state = self.signal.state.lock();
        loop {
            match state.reason {
                Some(reason) => return reason,
                None => state = wait(&self.signal.ended, state),
            }
        }
    }

    /// Waits until the session ends, `timeout` at the longest; `None`: it has not.
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Reason> {
        let mut state = self.signal.state.lock();
        if state.reason.is_none() {
            state = wait_for(&self.signal.ended, state, timeout);
        }
        state.reason
    }

    /// Calls `tell` once the session has ended: now, if it has. The call comes from the thread
    /// that ends the session or from the maintenance thread, and must be short; it may ask the
    /// engine, but must not log anybody in.
    pub fn on_end(&self, tell: impl FnOnce(Reason) + Send + 'static) {
        let mut state = self.signal.state.lock();
        match state.reason {
            None => state.on_end.push(Box::new(tell)),
            Some(reason) => {
                drop(state);
                tell(reason);
            }
        }
    }
}

impl Signal {
    fn end(&self, reason: Reason) {
        let on_end = {
            let mut state = self.state.lock();
            if state.reason.is_some() {
                return;
            }
            state.reason = Some(reason);
            std::mem::take(&mut state.on_end)
        };
        self.ended.notify_all();
        on_end.into_iter().for_each(|tell| tell(reason));
    }
}

impl std::fmt::Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signal").field("reason", &self.state.lock().reason).finish()
    }
}

/// The watches of an engine, by the group of their session.
#[derive(Default)]
pub(super) struct Watches {
    has_any: AtomicBool,
    by_group: Mutex<HashMap<Group, Vec<Weak<Signal>>>>,
    /// The stamps of groups when their watches were reviewed, where other processes step them.
    reviewed: Mutex<HashMap<Group, u64>>,
}

impl Engine {
    /// Watches the session of `handle`: to close its WebSocket when it ends. A session that is
    /// not valid now has ended already.
    ///
    /// What this engine ends, it tells before the ending call returns; that a time ran out, or that
    /// another process with the same store ended the session, is found by [`tick`](Self::tick),
    /// and so up to `tick_every` late.
    ///
    /// # Errors
    /// - [`Unavailable`](crate::ErrorKind::Unavailable), [`Corrupt`](crate::ErrorKind::Corrupt),
    ///   [`Closed`](crate::ErrorKind::Closed): not known whether the session is valid.
    pub fn watch(&self, handle: &Handle) -> Result<Watch> {
        let inner = &*self.inner;
        let store = inner.store()?;
        let state = State {
            handle: *handle,
            deadline: Timestamp::default(),
            reason: None,
            on_end: Vec::new(),
        };
        let signal = Arc::new(Signal { state: Mutex::new(state), ended: Condvar::new() });
        inner.watches.insert(handle.group(), &signal);
        inner.watches.review(inner, store.as_ref(), &signal)?;
        inner.has_work.store(true, Ordering::Relaxed);
        self.ensure_maintenance();
        Ok(Watch { signal })
    }
}

impl Watches {
    /// How many there are, with those that were dropped and not yet forgotten.
    #[cfg(feature = "testing")]
    pub(super) fn len(&self) -> usize {
        self.by_group.lock().values().map(Vec::len).sum()
    }

    /// Asks anew about every watched session of a group: after a change of it.
    pub(super) fn review_group(&self, inner: &Inner, store: &dyn Store, group: Group) {
        if self.has_any.load(Ordering::Acquire) {
            let watched = self.by_group.lock().get(&group).cloned().unwrap_or_default();
            self.review_each(inner, store, &watched);
        }
    }

    /// Asks anew about every watched session whose deadline is `now` or earlier, and forgets
    /// those that nobody watches any more.
    pub(super) fn review_due(&self, inner: &Inner, store: &dyn Store, now: Timestamp) {
        if !self.has_any.load(Ordering::Acquire) {
            return;
        }
        let mut due = Vec::new();
        let mut by_group = self.by_group.lock();
        by_group.retain(|_, watched| {
            watched.retain(|signal| {
                let Some(signal) = signal.upgrade() else { return false };
                let state = signal.state.lock();
                if state.reason.is_none() && state.deadline <= now {
                    due.push(Arc::downgrade(&signal));
                }
                state.reason.is_none()
            });
            !watched.is_empty()
        });
        self.has_any.store(!by_group.is_empty(), Ordering::Release);
        drop(by_group);
        self.review_each(inner, store, &due);
    }

    /// Asks anew about the watched sessions of every group that has changed since this was done
    /// last: other processes may have ended some.
    pub(super) fn review_moved(&self, inner: &Inner, store: &dyn Store) {
        if !inner.epochs.are_shared() || !self.has_any.load(Ordering::Acquire) {
            return;
        }
        let groups: Vec<Group> = self.by_group.lock().keys().copied().collect();
        for group in groups {
            // Before the store is asked, as for every fill.
            let stamp = inner.epochs.stamp(group);
            let reviewed = self.reviewed.lock().get(&group).copied();
            if stamp.is_none() || stamp != reviewed {
                self.review_group(inner, store, group);
                let mut reviewed = self.reviewed.lock();
                match stamp {
                    Some(stamp) => reviewed.insert(group, stamp),
                    None => reviewed.remove(&group),
                };
            }
        }
        let by_group = self.by_group.lock();
        self.reviewed.lock().retain(|group, _| by_group.contains_key(group));
    }

    fn review_each(&self, inner: &Inner, store: &dyn Store, watched: &[Weak<Signal>]) {
        for signal in watched.iter().filter_map(Weak::upgrade) {
            if self.review(inner, store, &signal).is_err() {
                // The store cannot say: the next tick asks again.
                signal.state.lock().deadline = Timestamp::default();
            }
        }
    }

    /// Asks about a session that is in the table already, so that what happens to it after the
    /// question is asked about again.
    fn review(&self, inner: &Inner, store: &dyn Store, signal: &Arc<Signal>) -> Result<()> {
        loop {
            let handle = signal.state.lock().handle;
            let latest = inner.latest(store, &handle)?;
            if latest != handle {
                self.insert(latest.group(), signal);
                signal.state.lock().handle = latest;
                continue;
            }
            // The store may not know yet how long the session was used.
            match inner.find(store, &handle, inner.clock.now())? {
                Found::Live(live) => signal.state.lock().deadline = live.record.expires_at(),
                Found::Superseded(_) => continue,
                Found::Rejected(reason) => signal.end(reason),
            }
            return Ok(());
        }
    }

    fn insert(&self, group: Group, signal: &Arc<Signal>) {
        let mut by_group = self.by_group.lock();
        let watched = by_group.entry(group).or_default();
        if !watched.iter().any(|other| other.as_ptr() == Arc::as_ptr(signal)) {
            watched.push(Arc::downgrade(signal));
        }
        self.has_any.store(true, Ordering::Release);
    }
}
