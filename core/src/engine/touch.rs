//! Touches: "the client was here".

use super::inspect::Found;
use super::{Engine, Inner};
use crate::error::Result;
use crate::id::Handle;
use crate::policy::touch_interval_ms;
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
        let live = match inner.find(store.as_ref(), handle, inner.seen(handle), now)? {
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

impl Inner {
    /// Remembers a touch until the store learns of it.
    pub(super) fn note_touch(&self, handle: Handle, at: Timestamp) {
        let mut touches = self.touches.lock();
        let seen = touches.entry(handle).or_insert(at);
        *seen = at.max(*seen);
        self.has_work.store(true, Ordering::Relaxed);
    }
}
