//! One shard of the cache: single-threaded, no lock inside.
//!
//! Entries stand in a dense array; an index of 4-byte words finds them. So a shard costs what
//! its entries cost, where a table of whole entries is up to half empty. Eviction is CLOCK: the
//! hand goes round the array, spares what was used since it last came by, and takes the rest.

use std::cell::Cell;

use super::attachment::Attachment;
use super::index::Index;
use crate::id::{Handle, Subject};
use crate::record::SessionRecord;
use crate::sync::{AtomicBool, AtomicU64, Ordering};
use crate::time::Timestamp;
use crate::token::{TokenText, core_of, is_same_text};

/// What verification says of a session, short of `last seen`.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) handle: Handle,
    pub(crate) subject: Option<Subject>,
    pub(crate) created: Timestamp,
    pub(crate) issued: Timestamp,
    pub(crate) authenticated_at: Option<Timestamp>,
    pub(crate) idle_timeout_ms: u64,
    pub(crate) absolute_deadline: Timestamp,
    /// The subject's claims version when the handle was issued, and whether it is older now.
    pub(crate) claims_version: u64,
    pub(crate) are_claims_stale: bool,
    /// Whether an access token of it is denied: then the store knows which.
    pub(crate) has_denied: bool,
    /// Signed under a key that is no longer the active one.
    pub(crate) is_under_old_key: bool,
}

impl Facts {
    /// What a live record says.
    pub(crate) fn of(handle: Handle, record: &SessionRecord) -> Self {
        Facts {
            handle,
            subject: record.subject.clone(),
            created: record.created,
            issued: record.issued,
            authenticated_at: record.authenticated_at,
            idle_timeout_ms: record.idle_timeout_ms,
            absolute_deadline: record.absolute_deadline,
            claims_version: record.claims_version,
            are_claims_stale: false,
            has_denied: !record.denied.is_empty(),
            is_under_old_key: false,
        }
    }
}

/// A session that was valid when its group's epoch was `stamp`.
pub(crate) struct Entry {
    text: TokenText,
    pub(crate) stamp: u64,
    /// Milliseconds since the epoch, as this process saw the client last.
    pub(crate) last_seen: AtomicU64,
    /// The `last seen` that the store has or will have when the next touches are written.
    pub(crate) persisted: AtomicU64,
    is_visited: AtomicBool,
    pub(crate) attachment: Option<Attachment>,
    pub(crate) facts: Facts,
}

impl Entry {
    /// An entry whose session was seen last at `last_seen`, and is so in the store at
    /// `persisted`.
    pub(crate) fn new(
        text: &TokenText,
        stamp: u64,
        facts: Facts,
        last_seen: Timestamp,
        persisted: Timestamp,
    ) -> Self {
        Entry {
            text: *text,
            stamp,
            last_seen: AtomicU64::new(last_seen.as_millis()),
            persisted: AtomicU64::new(persisted.as_millis()),
            is_visited: AtomicBool::new(false),
            attachment: None,
            facts,
        }
    }

    /// The same with an attachment.
    pub(crate) fn with(mut self, attachment: Attachment) -> Self {
        self.attachment = Some(attachment);
        self
    }

    /// When the client was seen last.
    pub(crate) fn last_seen(&self) -> Timestamp {
        Timestamp::from_millis(self.last_seen.load(Ordering::Relaxed))
    }

    /// Bytes that the entry costs, heap and its share of the index included.
    fn cost(&self) -> usize {
        let subject = self.facts.subject.as_ref().map_or(0, Subject::heap_len);
        let attachment = self.attachment.as_ref().map_or(0, Attachment::cost);
        size_of::<Option<Entry>>() + INDEX_COST + subject + attachment
    }
}

/// A shard.
pub(crate) struct Shard {
    places: Index,
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    hand: usize,
    bytes: usize,
    bytes_max: usize,
    evictions: u64,
}

impl Shard {
    /// An empty shard for `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Shard {
            places: Index::new(),
            slots: Vec::new(),
            free: Vec::new(),
            hand: 0,
            bytes: 0,
            bytes_max,
            evictions: 0,
        }
    }

    /// Puts `entry` under `text`, in the place of another. What was seen later stays so.
    pub(crate) fn insert(&mut self, text: &TokenText, entry: Entry) {
        if let Some(old) = self.take(text) {
            for (new, old) in
                [(&entry.last_seen, &old.last_seen), (&entry.persisted, &old.persisted)]
            {
                new.fetch_max(old.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        let cost = entry.cost();
        if cost > self.bytes_max {
            return;
        }
        self.make_room(cost);
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.slots.len() > Index::PLACE_MAX => return,
            None => {
                if self.slots.len() == self.slots.capacity() {
                    // By an eighth: doubling would leave up to half of the memory unused.
                    self.slots.reserve_exact(self.slots.len() / 8 + 4);
                }
                self.slots.push(None);
                (self.slots.len() - 1) as u32
            }
        };
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        *slot = Some(entry);
        self.bytes += cost;
        let Shard { places, slots, .. } = self;
        places.insert(hash(text), place, |place| hash_at(slots, place));
    }

    /// Adds an attachment to an entry of `handle`, if its stamp is `stamp` and there is room.
    pub(crate) fn attach(&mut self, handle: &Handle, stamp: u64, attachment: Attachment) {
        let Some(text) = self.find_by_handle(handle).map(|entry| entry.text) else { return };
        let Some(mut entry) = self.take(&text) else { return };
        if entry.stamp == stamp && entry.cost() + attachment.cost() <= self.bytes_max {
            entry.attachment = Some(attachment);
        }
        self.insert(&text, entry);
    }

    /// Drops the entry of `text`.
    pub(crate) fn remove(&mut self, text: &TokenText) {
        drop(self.take(text));
    }

    /// Drops every entry.
    pub(crate) fn clear(&mut self) {
        *self = Shard { evictions: self.evictions, ..Shard::new(self.bytes_max) };
    }

    /// The entry of `text`, marked as used.
    #[inline]
    pub(crate) fn find(&self, text: &TokenText) -> Option<&Entry> {
        let place = self.places.find(hash(text), |place| self.is_at(place, text))?;
        let entry = self.slots.get(place as usize)?.as_ref()?;
        // Written once between two rounds of the hand, not at every hit: other threads read
        // this line.
        if !entry.is_visited.load(Ordering::Relaxed) {
            entry.is_visited.store(true, Ordering::Relaxed);
        }
        Some(entry)
    }

    /// An entry of `handle`; there are two when its token was renewed under another key.
    pub(crate) fn find_by_handle(&self, handle: &Handle) -> Option<&Entry> {
        let at = |place: u32| self.slots.get(place as usize).and_then(Option::as_ref);
        let is_it = |place| at(place).is_some_and(|entry| entry.facts.handle == *handle);
        at(self.places.find(hash_of(&core_of(handle)), is_it)?)
    }

    /// When the client of `handle` was seen last, by any of its entries.
    pub(crate) fn last_seen(&self, handle: &Handle) -> Option<Timestamp> {
        let latest = Cell::new(None);
        let note = |place: u32| {
            let entry = self.slots.get(place as usize).and_then(Option::as_ref);
            let seen = entry.filter(|entry| entry.facts.handle == *handle).map(Entry::last_seen);
            latest.set(latest.get().max(seen));
            // On to the next.
            false
        };
        self.places.find(hash_of(&core_of(handle)), note);
        latest.get()
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    #[inline]
    fn is_at(&self, place: u32, text: &TokenText) -> bool {
        let entry = self.slots.get(place as usize).and_then(Option::as_ref);
        entry.is_some_and(|entry| is_same_text(&entry.text, text))
    }

    fn take(&mut self, text: &TokenText) -> Option<Entry> {
        let place = self.places.find(hash(text), |place| self.is_at(place, text))?;
        let Shard { places, slots, .. } = self;
        places.remove(hash(text), place, |place| hash_at(slots, place));
        let entry = slots.get_mut(place as usize)?.take()?;
        self.free.push(place);
        self.bytes -= entry.cost();
        Some(entry)
    }

    /// Evicts until `cost` more bytes fit.
    fn make_room(&mut self, cost: usize) {
        while self.bytes + cost > self.bytes_max && self.places.len() > 0 {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            let entry = self.slots.get(self.hand).and_then(Option::as_ref);
            self.hand += 1;
            let Some(entry) = entry else { continue };
            if entry.is_visited.load(Ordering::Relaxed) {
                entry.is_visited.store(false, Ordering::Relaxed);
                continue;
            }
            let text = entry.text;
            self.remove(&text);
            self.evictions += 1;
        }
    }
}

/// Characters 8 to 24 of a token are 96 bits of its random handle, and the table holds only
/// handles that we made: mixing them is enough, no one can choose where an entry goes.
#[inline]
fn hash(text: &TokenText) -> u64 {
    let (words, _) = text.as_chunks::<8>();
    let [_, a, b, ..] = *words else { return 0 };
    hash_of(&[a, b])
}

#[inline]
fn hash_of(&[a, b]: &[[u8; 8]; 2]) -> u64 {
    let a = u64::from_le_bytes(a) ^ 0x9e37_79b9_7f4a_7c15;
    let b = u64::from_le_bytes(b) ^ 0xd1b5_4a32_d192_ed03;
    let product = u128::from(a).wrapping_mul(u128::from(b));
    (product >> 64) as u64 ^ product as u64
}

fn hash_at(slots: &[Option<Entry>], place: u32) -> u64 {
    slots.get(place as usize).and_then(Option::as_ref).map_or(0, |entry| hash(&entry.text))
}

/// A word of the index, at a load of 5/16 to 5/8.
const INDEX_COST: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Group;

    fn text(n: u64) -> TokenText {
        let mut text = [b'A'; 48];
        text[8..24].copy_from_slice(format!("{n:016x}").as_bytes());
        text
    }

    fn entry(n: u64, stamp: u64, seen: u64) -> Entry {
        let at = Timestamp::from_millis(seen);
        let facts = Facts {
            handle: Handle::from_parts(Group(1), [0; 16]),
            subject: Some(Subject::new("alice").unwrap()),
            created: at,
            issued: at,
            authenticated_at: None,
            idle_timeout_ms: 1,
            absolute_deadline: at,
            claims_version: 0,
            are_claims_stale: false,
            has_denied: false,
            is_under_old_key: false,
        };
        Entry::new(&text(n), stamp, facts, at, at)
    }

    #[test]
    fn an_entry_costs_at_most_200_bytes_beyond_its_subject() {
        assert!(entry(1, 0, 0).cost() <= 200 + size_of::<Option<Subject>>());
    }

    #[test]
    fn the_last_entry_of_a_text_wins_and_keeps_the_latest_touch() {
        let mut shard = Shard::new(1 << 20);
        shard.insert(&text(1), entry(1, 0, 500));
        shard.insert(&text(1), entry(1, 2, 400));
        assert_eq!(shard.len(), 1);
        let found = shard.find(&text(1)).unwrap();
        assert_eq!((found.stamp, found.last_seen().as_millis()), (2, 500));
        assert!(shard.find(&text(2)).is_none());
    }

    #[test]
    fn the_bound_holds_and_what_is_used_stays() {
        let cost = entry(0, 0, 0).cost();
        let mut shard = Shard::new(cost * 100);
        for n in 0..10_000 {
            shard.insert(&text(n), entry(n, 0, 0));
            shard.find(&text(0));
            assert!(shard.bytes() <= cost * 100);
            assert_eq!(shard.bytes(), shard.len() * cost);
        }
        assert_eq!(shard.len(), 100);
        assert_eq!(shard.evictions(), 9_900);
        assert!(shard.find(&text(0)).is_some(), "the hot entry was evicted");
        shard.clear();
        assert_eq!((shard.len(), shard.bytes()), (0, 0));
    }

    #[test]
    fn data_is_attached_under_its_stamp_alone_and_counted() {
        let mut shard = Shard::new(1 << 16);
        let data = crate::data::Data::from_iter([("k", vec![0; 1000])]);
        let data = Attachment::Data(std::sync::Arc::new(data));
        let handle = Handle::random(Group(1)).unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[7; 32]);
        let token = crate::token::SessionToken::sign(&handle, 0, &key);
        let mut entry = entry(1, 4, 0);
        (entry.text, entry.facts.handle) = (*token.text(), handle);
        shard.insert(token.text(), entry);
        shard.attach(&handle, 2, data.clone());
        assert!(shard.find(token.text()).unwrap().attachment.is_none());
        shard.attach(&handle, 4, data);
        assert!(shard.find(token.text()).unwrap().attachment.is_some());
        assert!(shard.bytes() > 1000);
        shard.remove(token.text());
        assert_eq!(shard.bytes(), 0);
    }

    #[test]
    fn what_is_larger_than_the_shard_is_not_kept() {
        let mut shard = Shard::new(100);
        shard.insert(&text(1), entry(1, 0, 0));
        assert_eq!((shard.len(), shard.bytes()), (0, 0));
    }
}
