//! Touches: "the client was here".

use super::inspect::Found;
use super::{Engine, Inner};
use crate::error::Result;
use crate::id::Handle;
use crate::policy::touch_interval_ms;
use crate::record::SessionRecord;
use crate::sync::Ordering;
use crate::time::Timestamp;

impl Engine {
    /// Notes that the client of the session was here, as [`verify`](Self::verify) does: for a
    /// WebSocket that is in use. Says whether the session is valid; one that is not stays so.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn touch(&self, handle: &Handle) -> Result<bool> {
        let inner = &*self.inner;
        let (store, now) = (inner.store()?, inner.clock.now());
        let live = match inner.find(store.as_ref(), handle, now)? {
            Found::Live(live) => live,
            // Read-only, but valid.
            Found::Superseded(_) => return Ok(true),
            Found::Rejected(_) => return Ok(false),
        };
        let interval_ms = touch_interval_ms(live.record.idle_timeout_ms).max(1);
        let is_written_in_time = now.since(live.persisted).as_millis() < u128::from(interval_ms);
        let is_kept = inner.cache.recall_by_handle(handle, |entry| {
            entry.last_seen.fetch_max(now.as_millis(), Ordering::Relaxed);
        });
        // What the cache keeps is written when it is due; otherwise nobody else would know.
        if is_kept.is_none() || !is_written_in_time {
            inner.note_touch(*handle, now);
            self.ensure_maintenance();
        }
        Ok(true)
    }
}

/// What this process knows of a session and the store has yet to learn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// When the client was here.
    pub(super) seen: Timestamp,
    /// The generation of its refresh family of which the client is known to have a token.
    pub(super) confirmed: Option<u32>,
}

impl Pending {
    /// Puts what is known into the record. Says whether that changed it.
    pub(super) fn apply(self, record: &mut SessionRecord) -> bool {
        let is_later = record.last_seen < self.seen;
        record.last_seen = record.last_seen.max(self.seen);
        let mut is_confirmed = false;
        if let Some(refresh) = &mut record.refresh
            && self.confirmed == Some(refresh.generation)
        {
            is_confirmed = !refresh.is_confirmed;
            refresh.is_confirmed = true;
        }
        is_later || is_confirmed
    }
}

impl Inner {
    /// Remembers a touch until the store learns of it.
    pub(super) fn note_touch(&self, handle: Handle, at: Timestamp) {
        self.note(handle, Pending { seen: at, confirmed: None });
    }

    /// Remembers that the client presented something of a generation. No touch: nobody asked
    /// whether the session is valid, and one that was left unused would come back.
    pub(super) fn note_confirmed(&self, handle: Handle, generation: u32) {
        self.note(handle, Pending { seen: Timestamp::default(), confirmed: Some(generation) });
    }

    fn note(&self, handle: Handle, news: Pending) {
        let mut touches = self.touches.lock();
        let pending = touches.entry(handle).or_default();
        pending.seen = pending.seen.max(news.seen);
        pending.confirmed = pending.confirmed.max(news.confirmed);
        self.has_work.store(true, Ordering::Relaxed);
    }

    /// What the store has yet to learn of a session.
    pub(super) fn pending(&self, handle: &Handle) -> Pending {
        self.touches.lock().get(handle).copied().unwrap_or_default()
    }
}
