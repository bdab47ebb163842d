//! Peer: the in-memory store of tower-sessions.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use time::OffsetDateTime;
use tower_sessions_core::SessionStore;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_memory_store::MemoryStore;

/// A store with sessions.
#[derive(Debug)]
pub struct Tower {
    store: MemoryStore,
    ids: Vec<Id>,
}

impl Tower {
    /// A store with `count` sessions, each with the name of its user.
    pub fn of(count: usize) -> Self {
        let store = MemoryStore::default();
        let mut ids = Vec::with_capacity(count);
        for i in 0..count {
            let name = format!("user-{i}").into();
            let mut record = Record {
                id: Id::default(),
                data: [("subject".to_owned(), name)].into_iter().collect(),
                expiry_date: OffsetDateTime::now_utc() + time::Duration::days(30),
            };
            now(store.create(&mut record)).unwrap();
            ids.push(record.id);
        }
        Tower { store, ids }
    }

    /// Loads one of them: the ids are random, so any order is.
    #[inline]
    pub fn load(&self, i: usize) -> Option<Record> {
        now(self.store.load(&self.ids[i])).unwrap()
    }
}

/// The result of a future that never waits.
#[inline]
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("nobody else holds the store's lock"),
    }
}
