//! What a cache entry may carry beside the facts.

use std::sync::Arc;

use crate::data::Data;
use crate::record::ApiKeyRecord;
use crate::sync::{AtomicU64, Ordering};
use crate::time::Timestamp;

/// A session's data, or an API key's record.
#[derive(Clone)]
pub(crate) enum Attachment {
    Data(Arc<Data>),
    ApiKey(Arc<ApiKeyState>),
}

/// An API key and how much it is used.
pub(crate) struct ApiKeyState {
    pub(crate) record: ApiKeyRecord,
    /// The `last used`, in milliseconds, that the store has or will have.
    pub(crate) last_noted: AtomicU64,
    /// The minute since the epoch, times 2^32, and the uses in it.
    window: AtomicU64,
}

impl ApiKeyState {
    pub(crate) fn new(record: ApiKeyRecord) -> Self {
        let last_noted = record.last_used.unwrap_or_default().as_millis();
        ApiKeyState { record, last_noted: AtomicU64::new(last_noted), window: AtomicU64::new(0) }
    }

    /// Counts a use, and says how many this minute has.
    pub(crate) fn count(&self, now: Timestamp) -> u32 {
        let minute = (now.as_millis() / 60_000) << 32;
        let next = |window: u64| if window >> 32 == minute >> 32 { window + 1 } else { minute + 1 };
        let before = self
            .window
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |window| Some(next(window)));
        // Never fails: the update gives `Some`. The low half holds the count.
        before.map_or(0, |window| next(window) as u32)
    }
}

impl Attachment {
    /// Bytes on the heap.
    pub(super) fn cost(&self) -> usize {
        match self {
            // A B-tree holds 11 pairs a node and is two thirds full: about 72 bytes a pair.
            Attachment::Data(data) => {
                data.iter().map(|(key, value)| key.len() + value.len() + 72).sum::<usize>() + 40
            }
            Attachment::ApiKey(state) => {
                let ApiKeyRecord { name, scopes, .. } = &state.record;
                let scopes: usize = scopes.iter().map(|scope| scope.len() + 40).sum();
                size_of::<ApiKeyState>() + name.len() + scopes + 32
            }
        }
    }
}
