//! The cache of verified sessions, and the epochs that say whether an entry still counts.
//!
//! An entry is found by its token's text and counts only while its stamp equals the epoch of its
//! group, see [`epochs`]. It holds positives only: what was rejected is asked anew each time.

mod attachment;
mod epochs;
mod index;
#[cfg(loom)]
#[cfg(test)]
mod schedules;
mod shard;
mod tokens;

use std::sync::Arc;

use crate::id::{Group, Handle};
use crate::sync::{AtomicBool, AtomicU64, Ordering, ReadMostly, thread_number};
use crate::time::Timestamp;
use crate::token::{TokenText, group_of};

pub(crate) use attachment::{ApiKeyState, Attachment};
pub(crate) use epochs::{Epochs, Flight};
#[cfg(feature = "lmdb")]
pub(crate) use epochs::{FILE_WORDS, HEADER_WORDS};
use shard::Shard;
pub(crate) use shard::{Entry, Facts};
pub(crate) use tokens::{SeenToken, SeenTokens};

/// The cache: shards of groups, each behind its own lock.
pub(crate) struct Cache {
    shards: Box<[Padded<ReadMostly<Shard>>]>,
    /// One line for each few threads: a hit writes to no line that another thread writes to.
    counts: Box<[Padded<Counts>]>,
    /// A group's shard is its number without this many low bits.
    shift: u32,
    epochs: Arc<Epochs>,
    is_closed: AtomicBool,
}

/// On cache lines of its own.
#[repr(align(128))]
#[derive(Default)]
struct Padded<T>(T);

/// What threads that share this line have counted.
#[derive(Default)]
struct Counts {
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
        let new = |_| Padded(ReadMostly::new(Shard::new(bytes_max / count)));
        Cache {
            shards: (0..count).map(new).collect(),
            counts: (0..COUNTS).map(|_| Padded::default()).collect(),
            shift: 16 - bits,
            epochs,
            is_closed: AtomicBool::new(false),
        }
    }

    /// What `read` makes of the entry of `text`, if there is one that counts.
    #[inline]
    pub(crate) fn get<R>(
        &self,
        text: &TokenText,
        read: impl FnOnce(&Entry) -> Option<R>,
    ) -> Option<R> {
        let group = group_of(text);
        let shard = self.shard(group)?.read();
        match shard.find(text) {
            Some(entry) if self.epochs.is_current(group, entry.stamp) => {
                self.count(|counts| &counts.hits);
                read(entry)
            }
            _ => {
                self.count(|counts| &counts.misses);
                None
            }
        }
    }

    /// As [`get`](Self::get), for a caller who comes back with that when there is none: what is
    /// missing is counted then.
    #[inline]
    pub(crate) fn probe<R>(
        &self,
        text: &TokenText,
        read: impl FnOnce(&Entry) -> Option<R>,
    ) -> Option<R> {
        let group = group_of(text);
        let shard = self.shard(group)?.read();
        let entry = shard.find(text)?;
        if !self.epochs.is_current(group, entry.stamp) {
            return None;
        }
        self.count(|counts| &counts.hits);
        read(entry)
    }

    /// Puts `entry` in the place of any other of its text, and evicts others if it must.
    pub(crate) fn insert(&self, text: &TokenText, entry: Entry) {
        if let Some(shard) = self.shard(group_of(text)) {
            let mut shard = shard.write();
            // Asked under the lock: who closes takes it afterwards.
            if !self.is_closed.load(Ordering::Acquire) {
                shard.insert(text, entry);
            }
        }
    }

    /// What `read` makes of an entry of `handle`, if there is one that counts.
    pub(crate) fn get_by_handle<R>(
        &self,
        handle: &Handle,
        read: impl FnOnce(&Entry) -> R,
    ) -> Option<R> {
        let group = handle.group();
        let shard = self.shard(group)?.read();
        let entry = shard.find_by_handle(handle)?;
        self.epochs.is_current(group, entry.stamp).then(|| read(entry))
    }

    /// What `read` makes of an entry of `handle`, whether it counts or not.
    pub(crate) fn recall_by_handle<R>(
        &self,
        handle: &Handle,
        read: impl FnOnce(&Entry) -> R,
    ) -> Option<R> {
        self.shard(handle.group())?.read().find_by_handle(handle).map(read)
    }

    /// When the client of `handle` was seen last, by entries that count or not: no change of the
    /// group makes that wrong.
    pub(crate) fn last_seen(&self, handle: &Handle) -> Option<Timestamp> {
        self.shard(handle.group())?.read().last_seen(handle)
    }

    /// Adds session data to an entry of `handle`, if that still has the stamp under which the
    /// data were read.
    pub(crate) fn attach(&self, handle: &Handle, stamp: u64, attachment: Attachment) {
        if let Some(shard) = self.shard(handle.group()) {
            shard.write().attach(handle, stamp, attachment);
        }
    }

    /// Drops the entry of `text`.
    pub(crate) fn remove(&self, text: &TokenText) {
        if let Some(shard) = self.shard(group_of(text)) {
            shard.write().remove(text);
        }
    }

    /// Drops every entry, and takes no more.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.shards.iter().for_each(|padded| padded.0.write().clear());
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let mut stats = CacheStats::default();
        for Padded(counts) in &self.counts {
            stats.hits += counts.hits.load(Ordering::Relaxed);
            stats.misses += counts.misses.load(Ordering::Relaxed);
        }
        for Padded(shard) in &self.shards {
            let shard = shard.read();
            stats.entries += shard.len() as u64;
            stats.bytes += shard.bytes() as u64;
            stats.evictions += shard.evictions();
        }
        stats
    }

    #[inline]
    fn shard(&self, group: Group) -> Option<&ReadMostly<Shard>> {
        self.shards.get(group.index() >> self.shift).map(|padded| &padded.0)
    }

    /// Not an atomic addition: on the hot path, and for who is flooded with forged tokens, a
    /// lost count is the better deal.
    #[inline]
    fn count(&self, which: impl FnOnce(&Counts) -> &AtomicU64) {
        if let Some(Padded(counts)) = self.counts.get(thread_number() % COUNTS) {
            let counter = which(counts);
            counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }
}

/// 256 shards: with 16 threads, two meet at one lock in 6 % of the cases.
const SHARD_BITS_MAX: u32 = 8;

/// Lines of counters: as many threads count without disturbing each other.
const COUNTS: usize = 16;
