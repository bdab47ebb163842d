//! What an engine holds, for the tests that nothing grows for ever.

use super::Engine;

/// How many entries each of an engine's tables has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the tables' own names")]
pub struct Held {
    pub cached_sessions: usize,
    pub cached_api_keys: usize,
    /// Verified access tokens.
    pub seen_tokens: usize,
    pub watches: usize,
    /// Sessions that somebody is to be told of.
    pub agenda: usize,
    pub touches: usize,
    pub api_key_uses: usize,
    pub condemned: usize,
}

impl Engine {
    /// What it holds now.
    pub fn held(&self) -> Held {
        let inner = &*self.inner;
        let entries = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Held {
            cached_sessions: entries(inner.cache.stats().entries),
            cached_api_keys: entries(inner.api_keys.stats().entries),
            seen_tokens: inner.seen_tokens.len(),
            watches: inner.watches.len(),
            agenda: inner.agenda.len(),
            touches: inner.touches.lock().len(),
            api_key_uses: inner.api_key_uses.lock().len(),
            condemned: inner.condemned.len(),
        }
    }
}
