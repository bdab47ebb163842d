//! What happens to sessions, told to whoever asked.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Engine;
use crate::error::Result;
use crate::id::{Handle, Subject};
use crate::record::EndCause;
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, wait, wait_for};
use crate::time::Timestamp;

/// Something that happened. It names handles and subjects, never a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The engine's time.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A session was created.
    Created {
        /// Its handle.
        handle: Handle,
        /// Whose it is; `None`: anonymous.
        subject: Option<Subject>,
    },
    /// The store has learnt that the client was here.
    Touched {
        /// The session.
        handle: Handle,
    },
    /// The session ends within the configured `expiring_soon`, unless it is used.
    ExpiringSoon {
        /// The session.
        handle: Handle,
        /// When it ends.
        deadline: Timestamp,
    },
    /// The session's time ran out.
    Expired {
        /// The session.
        handle: Handle,
    },
    /// The session has a new handle.
    Rotated {
        /// The one that it had.
        from: Handle,
        /// The one that it has now.
        to: Handle,
        /// Whose it is now; `None`: anonymous.
        subject: Option<Subject>,
    },
    /// A refresh token was used and replaced.
    Refreshed {
        /// The session.
        handle: Handle,
        /// How many times so far.
        generation: u32,
    },
    /// A refresh token was presented before the configured window: by a client that has no need
    /// of it yet, or by a thief.
    RefreshedEarly {
        /// The session.
        handle: Handle,
        /// The generation presented.
        generation: u32,
    },
    /// A single-use token was used.
    Consumed {
        /// The token.
        handle: Handle,
    },
    /// The session was ended before its time.
    Revoked {
        /// The session.
        handle: Handle,
        /// Why.
        cause: EndCause,
    },
    /// The session's data were changed.
    DataChanged {
        /// The session.
        handle: Handle,
    },
    /// All sessions of a subject were ended, but one if excepted.
    SubjectRevoked {
        /// The subject.
        subject: Subject,
        /// The session that stays.
        except: Option<Handle>,
    },
    /// The subject may have no sessions.
    Suspended {
        /// The subject.
        subject: Subject,
        /// Until then; `None`: until reinstated.
        until: Option<Timestamp>,
    },
    /// The subject may have sessions again.
    Reinstated {
        /// The subject.
        subject: Subject,
    },
    /// What the subject may do has changed.
    ClaimsChanged {
        /// The subject.
        subject: Subject,
    },
    /// Every session of the store was ended.
    AllRevoked,
    /// A key was published, activated or retired.
    KeysChanged,
    /// The subscriber was too slow, and so many events are lost to it.
    Missed {
        /// How many.
        count: u64,
    },
}

/// The events of an engine from [`Engine::subscribe`] on. As an iterator it waits for the next
/// one, and ends when the engine is closed.
#[derive(Debug)]
pub struct Subscription {
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    missed: u64,
    is_closed: bool,
    wake: Option<Wake>,
}

/// What a subscriber is woken with.
struct Wake(Box<dyn Fn() + Send>);

impl std::fmt::Debug for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wake(..)")
    }
}

impl Subscription {
    /// The next event that is there already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.queue.state.lock().events.pop_front()
    }

    /// The next event; `None`: none came within `timeout`, or the engine is closed.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Event> {
        let mut state = self.queue.state.lock();
        if state.events.is_empty() && !state.is_closed {
            state = wait_for(&self.queue.ready, state, timeout);
        }
        state.events.pop_front()
    }

    /// Calls `wake` whenever an event comes to a subscriber that has none, and when the engine is
    /// closed; now, if an event is there. For event loops: `wake` makes a descriptor readable,
    /// say. It is called by whoever changes a session, with locks of the engine held: it must be
    /// short, and must not call the engine or this.
    pub fn wake_by(&mut self, wake: impl Fn() + Send + 'static) {
        let mut state = self.queue.state.lock();
        if !state.events.is_empty() || state.is_closed {
            wake();
        }
        state.wake = Some(Wake(Box::new(wake)));
    }
}

impl Iterator for Subscription {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let mut state = self.queue.state.lock();
        loop {
            if let Some(event) = state.events.pop_front() {
                return Some(event);
            }
            if state.is_closed {
                return None;
            }
            state = wait(&self.queue.ready, state);
        }
    }
}

impl State {
    fn wake(&self) {
        self.wake.iter().for_each(|Wake(wake)| wake());
    }
}

impl Queue {
    fn push(&self, event: &Event) {
        let mut state = self.state.lock();
        let was_empty = state.events.is_empty();
        if state.events.len() >= QUEUE_LEN_MAX {
            // What is newest is lost, so that what is there stays in order and whole.
            state.missed += 1;
            return;
        }
        if state.missed > 0 {
            let count = std::mem::take(&mut state.missed);
            state.events.push_back(Event { at: event.at, kind: EventKind::Missed { count } });
        }
        state.events.push_back(event.clone());
        self.ready.notify_all();
        if was_empty {
            state.wake();
        }
    }

    fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        self.ready.notify_all();
        state.wake();
    }
}

/// Who listens.
#[derive(Default)]
pub(super) struct Bus {
    has_subscribers: AtomicBool,
    queues: Mutex<Vec<Weak<Queue>>>,
}

impl Bus {
    /// Whether anyone may listen.
    pub(super) fn has_subscribers(&self) -> bool {
        self.has_subscribers.load(Ordering::Acquire)
    }

    /// Tells everyone. Called by the group's writer while it has the group's stripe, so that the
    /// events of a session come in the order of its changes.
    pub(super) fn emit(&self, at: Timestamp, kinds: impl IntoIterator<Item = EventKind>) {
        if !self.has_subscribers() {
            return;
        }
        let mut queues = self.queues.lock();
        for kind in kinds {
            let event = Event { at, kind };
            queues.retain(|queue| queue.upgrade().map(|queue| queue.push(&event)).is_some());
        }
        self.has_subscribers.store(!queues.is_empty(), Ordering::Release);
    }

    pub(super) fn close(&self) {
        self.queues.lock().drain(..).filter_map(|queue| queue.upgrade()).for_each(|q| q.close());
    }

    fn subscribe(&self) -> Subscription {
        let queue = Arc::new(Queue::default());
        let mut queues = self.queues.lock();
        queues.push(Arc::downgrade(&queue));
        self.has_subscribers.store(true, Ordering::Release);
        Subscription { queue }
    }
}

impl Engine {
    /// Tells of what happens to sessions from now on, in order for each session.
    ///
    /// A subscriber that is 8,192 events behind loses the next ones and is told how many; it
    /// slows nobody down. `ExpiringSoon` and `Expired` are found by [`tick`](Self::tick), and so
    /// up to `tick_every` late.
    ///
    /// # Errors
    /// - [`Closed`](crate::ErrorKind::Closed).
    pub fn subscribe(&self) -> Result<Subscription> {
        self.inner.store()?;
        let subscription = self.inner.bus.subscribe();
        self.inner.agenda.begin(self.inner.clock.now());
        self.inner.has_work.store(true, Ordering::Relaxed);
        self.ensure_maintenance();
        Ok(subscription)
    }
}

/// Some 600 KB.
const QUEUE_LEN_MAX: usize = 8_192;

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_slow_subscriber_is_told_how_many_events_it_missed() {
        let bus = Bus::default();
        let mut events = bus.subscribe();
        for _ in 0..QUEUE_LEN_MAX + 5 {
            bus.emit(Timestamp::default(), [EventKind::AllRevoked]);
        }
        for _ in 0..QUEUE_LEN_MAX {
            assert_eq!(events.try_next().unwrap().kind, EventKind::AllRevoked);
        }
        assert_eq!(events.try_next(), None);
        bus.emit(Timestamp::default(), [EventKind::KeysChanged]);
        assert_eq!(events.try_next().unwrap().kind, EventKind::Missed { count: 5 });
        assert_eq!(events.try_next().unwrap().kind, EventKind::KeysChanged);
        bus.close();
        assert_eq!(events.next(), None);
    }

    #[test]
    fn a_subscriber_is_woken_once_for_what_it_has_not_taken_yet_and_at_the_end() {
        let woken = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (bus, counter) = (Bus::default(), woken.clone());
        let times = || woken.load(std::sync::atomic::Ordering::SeqCst);
        let emit = || bus.emit(Timestamp::default(), [EventKind::AllRevoked]);
        let mut events = bus.subscribe();
        emit();
        events.wake_by(move || {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        });
        assert_eq!(times(), 1, "an event was there already");
        emit();
        assert_eq!(times(), 1, "it knows of the first");
        while events.try_next().is_some() {}
        emit();
        emit();
        assert_eq!(times(), 2);
        bus.close();
        assert_eq!(times(), 3);
    }

    #[test]
    fn nobody_listens_once_the_last_subscription_is_gone() {
        let bus = Bus::default();
        drop(bus.subscribe());
        bus.emit(Timestamp::default(), [EventKind::AllRevoked]);
        assert!(!bus.has_subscribers());
    }
}
