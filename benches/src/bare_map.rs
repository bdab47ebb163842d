//! Floor: a token decoded and looked up in a bare sharded map, with entries as large as ours.
//!
//! No tag is compared, no clock read, no epoch loaded and no deadline looked at: this is what
//! memory alone costs.

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::crowd::Texts;
use crate::hmac::decode;

/// As many shards as the cache has.
const SHARDS: usize = 256;

/// What an entry holds besides its 16-byte key: together as much as an entry of the cache.
type Entry = [u64; ENTRY_LEN_BYTES / 8 - 2];

/// The size of an entry with its key; `memory.rs` says what ours is.
pub const ENTRY_LEN_BYTES: usize = 208;

/// Takes the first 8 bytes of a random key as they are: no hash function is cheaper.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }
}

type Shard = HashMap<[u8; 16], Entry, BuildHasherDefault<FirstBytes>>;

#[repr(align(128))]
struct Padded(RwLock<Shard>);

/// The map.
pub struct BareMap {
    shards: Vec<Padded>,
}

impl BareMap {
    /// A map with an entry for each token.
    pub fn of(texts: &Texts) -> Self {
        let shards: Vec<_> = (0..SHARDS).map(|_| Padded(RwLock::new(Shard::default()))).collect();
        // In another order than they are looked up in, as ours were created.
        let mut order: Vec<usize> = (0..texts.count()).collect();
        fastrand::Rng::with_seed(1).shuffle(&mut order);
        for i in order {
            let (shard, key) = place(texts.get(i));
            shards[shard].0.write().insert(key, [i as u64; ENTRY_LEN_BYTES / 8 - 2]);
        }
        BareMap { shards }
    }

    /// Decodes a token and copies its entry out.
    #[inline]
    pub fn get(&self, text: &str) -> Option<Entry> {
        let (shard, key) = place(text);
        self.shards[shard].0.read().get(&key).copied()
    }
}

#[inline]
fn place(text: &str) -> (usize, [u8; 16]) {
    let bytes = decode(text);
    let mut key = [0; 16];
    key.copy_from_slice(&bytes[4..20]);
    (usize::from(bytes[2]), key)
}
