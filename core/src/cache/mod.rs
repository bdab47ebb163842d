//! The cache of verified sessions, and the epochs that say whether an entry still counts.
//!
//! An entry is found by its token's text and counts only while its stamp equals the epoch of its
//! group, see [`epochs`]. It holds positives only: what was rejected is asked anew each time.

mod epochs;
#[cfg(loom)]
#[cfg(test)]
mod schedules;
mod shard;

use std::sync::Arc;

use crate::id::Group;
use crate::record::Data;
use crate::sync::{AtomicU64, Ordering, RwLock};
use crate::token::{TokenText, group_of};

pub(crate) use epochs::Epochs;
use shard::Shard;
pub(crate) use shard::{Entry, Facts};

/// The cache: shards of groups, each behind its own lock.
pub(crate) struct Cache {
    shards: Box<[Padded<Locked>]>,
    /// A group's shard is its number without this many low bits.
    shift: u32,
    epochs: Arc<Epochs>,
}

/// Lock and counters of a shard on cache lines of their own: a hit writes there and nowhere else.
#[repr(align(128))]
struct Padded<T>(T);

struct Locked {
    shard: RwLock<Shard>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What a cache has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CacheStats {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) evictions: u64,
}

impl Cache {
    /// A cache of at most `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize, epochs: Arc<Epochs>) -> Self {
        // Shards of 64 KiB at least, so that a small cache is not all fragments.
        let bits = (bytes_max >> 16).max(1).ilog2().min(SHARD_BITS_MAX);
        let count = 1 << bits;
        let new = |_| {
            Padded(Locked {
                shard: RwLock::new(Shard::new(bytes_max / count)),
                hits: AtomicU64::new(0),
                misses: AtomicU64::new(0),
            })
        };
        Cache { shards: (0..count).map(new).collect(), shift: 16 - bits, epochs }
    }

    /// What `read` makes of the entry of `text`, if there is one that counts.
    #[inline]
    pub(crate) fn get<R>(&self, text: &TokenText, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        let group = group_of(text);
        let locked = self.locked(group)?;
        let shard = locked.shard.read();
        match shard.find(text) {
            Some(entry) if self.epochs.is_current(group, entry.stamp) => {
                // Not an atomic addition: on the hot path a lost count is the better deal.
                let hits = locked.hits.load(Ordering::Relaxed);
                locked.hits.store(hits.wrapping_add(1), Ordering::Relaxed);
                Some(read(entry))
            }
            _ => {
                locked.misses.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// What `read` makes of the entry of `text`, whether it counts or not: for `last seen`,
    /// which no change of the group makes wrong.
    pub(crate) fn recall<R>(&self, text: &TokenText, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        self.locked(group_of(text))?.shard.read().find(text).map(read)
    }

    /// Puts `entry` in the place of any other of its text, and evicts others if it must.
    pub(crate) fn insert(&self, text: &TokenText, entry: Entry) {
        if let Some(locked) = self.locked(group_of(text)) {
            locked.shard.write().insert(text, entry);
        }
    }

    /// Adds session data to the entry of `text`, if that still has the stamp under which the
    /// data was read.
    #[allow(dead_code, reason = "for the data, CSRF and key verbs, which come next")]
    pub(crate) fn attach(&self, text: &TokenText, stamp: u64, data: Arc<Data>) {
        if let Some(locked) = self.locked(group_of(text)) {
            locked.shard.write().attach(text, stamp, data);
        }
    }

    /// Drops the entry of `text`.
    pub(crate) fn remove(&self, text: &TokenText) {
        if let Some(locked) = self.locked(group_of(text)) {
            locked.shard.write().remove(text);
        }
    }

    /// Drops every entry.
    pub(crate) fn clear(&self) {
        self.shards.iter().for_each(|padded| padded.0.shard.write().clear());
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let mut stats = CacheStats::default();
        for Padded(locked) in &self.shards {
            stats.hits += locked.hits.load(Ordering::Relaxed);
            stats.misses += locked.misses.load(Ordering::Relaxed);
            let shard = locked.shard.read();
            stats.entries += shard.len() as u64;
            stats.bytes += shard.bytes() as u64;
            stats.evictions += shard.evictions();
        }
        stats
    }

    #[inline]
    fn locked(&self, group: Group) -> Option<&Locked> {
        self.shards.get(group.index() >> self.shift).map(|padded| &padded.0)
    }
}

/// 256 shards: with 16 threads, two meet at one lock in 6 % of the cases.
const SHARD_BITS_MAX: u32 = 8;
