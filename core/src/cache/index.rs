//! Finds the place of an entry by its hash, in one cache line.
//!
//! A hash table of general use keeps control bytes and values apart: two lines a look-up, which
//! among a million sessions are two waits for memory, one after the other. Here a line holds up
//! to 16 words, each of them some bits of the hash and the place:
//!
//! ```text
//! bits     what
//! 24..32   tag: the highest 8 bits of the hash
//! 0..24    place + 1; a word of 0 is empty
//! ```
//!
//! The words of a line stand packed from its start. What finds its line full goes to the next:
//! every line between where a word belongs and where it stands is full, always.

/// Places by hash.
pub(super) struct Index {
    /// A power of two of them.
    lines: Box<[Line]>,
    len: usize,
}

#[derive(Clone)]
#[repr(align(64))]
struct Line([u32; WORDS]);

impl Index {
    /// The largest place that there may be: 3.5 GB of entries.
    pub(super) const PLACE_MAX: usize = PLACE as usize - 1;

    pub(super) fn new() -> Self {
        Index { lines: empty(1), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The place that has this hash and that `is_it` knows.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        loop {
            let line = self.lines.get(at)?;
            let mut matching = line.matching(tag(hash));
            while matching != 0 {
                let word = line.0.get(matching.trailing_zeros() as usize)?;
                let place = place_of(*word);
                if is_it(place) {
                    return Some(place);
                }
                matching &= matching - 1;
            }
            // At most 5 words in 8 are used, so there is a line that is not full.
            if !line.is_full() {
                return None;
            }
            at = self.after(at);
        }
    }

    /// Puts a place that is not there. `hash_of` gives the hashes of those that are.
    pub(super) fn insert(&mut self, hash: u64, place: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.len + 1) * 8 > self.lines.len() * WORDS * 5 {
            let count = self.lines.len() * 2;
            let old = std::mem::replace(&mut self.lines, empty(count));
            for word in old.iter().flat_map(|line| line.0).filter(|word| *word != 0) {
                self.put(self.home(hash_of(place_of(word))), word);
            }
        }
        self.put(self.home(hash), word(hash, place));
        self.len += 1;
    }

    /// Takes a place out, and says whether it was there. `hash_of` gives the hashes of the others.
    pub(super) fn remove(&mut self, hash: u64, place: u32, hash_of: impl Fn(u32) -> u64) -> bool {
        let word = word(hash, place);
        let mut hole = self.home(hash);
        let was_full = loop {
            let Some(line) = self.lines.get_mut(hole) else { return false };
            let was_full = line.is_full();
            if line.remove(word) {
                break was_full;
            }
            if !was_full {
                return false;
            }
            hole = self.after(hole);
        };
        self.len -= 1;
        if was_full {
            self.fill(hole, hash_of);
        }
        true
    }

    /// Moves back what went past a line while that was full, which it no longer is.
    fn fill(&mut self, mut hole: usize, hash_of: impl Fn(u32) -> u64) {
        let mut at = self.after(hole);
        while at != hole {
            let Some(line) = self.lines.get(at) else { return };
            let was_full = line.is_full();
            let gap = self.distance(hole, at);
            let went_past = |word: &u32| {
                *word != 0 && self.distance(self.home(hash_of(place_of(*word))), at) >= gap
            };
            if let Some(word) = line.0.into_iter().find(went_past) {
                if let Some(line) = self.lines.get_mut(at) {
                    line.remove(word);
                }
                if let Some(line) = self.lines.get_mut(hole) {
                    line.push(word);
                }
                hole = at;
            }
            // Nothing goes past a line that is not full.
            if !was_full {
                return;
            }
            at = self.after(at);
        }
    }

    fn put(&mut self, home: usize, word: u32) {
        let mut at = home;
        while let Some(line) = self.lines.get_mut(at) {
            if line.push(word) {
                return;
            }
            at = self.after(at);
        }
    }

    /// The line where a hash belongs.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.lines.len() - 1)
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.lines.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.lines.len() - 1)
    }
}

impl Line {
    /// A bit for each word with this tag.
    #[inline]
    fn matching(&self, tag: u32) -> u32 {
        let bit_of = |(word, bit): (&u32, &u32)| if word >> 24 == tag { *bit } else { 0 };
        self.0.iter().zip(&BITS).map(bit_of).fold(0, |bits, bit| bits | bit)
    }

    #[inline]
    fn is_full(&self) -> bool {
        let [.., last] = self.0;
        last != 0
    }

    fn push(&mut self, word: u32) -> bool {
        let empty = self.0.iter_mut().find(|word| **word == 0);
        empty.is_some_and(|empty| {
            *empty = word;
            true
        })
    }

    /// Puts the last word where `word` was.
    fn remove(&mut self, word: u32) -> bool {
        let Some(at) = self.0.iter().position(|w| *w == word) else { return false };
        let last = self.0.iter().rposition(|w| *w != 0).unwrap_or(at);
        self.0.swap(at, last);
        if let Some(place) = self.0.get_mut(last) {
            *place = 0;
        }
        true
    }
}

fn empty(count: usize) -> Box<[Line]> {
    vec![Line([0; WORDS]); count].into_boxed_slice()
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 56) as u32
}

fn word(hash: u64, place: u32) -> u32 {
    tag(hash) << 24 | (place + 1)
}

/// A word that is not empty, without its tag. An empty one gives a place that no entry has.
#[inline]
fn place_of(word: u32) -> u32 {
    (word & PLACE).wrapping_sub(1)
}

/// Words of a line.
const WORDS: usize = 16;

/// The bits of a word that say where.
const PLACE: u32 = (1 << 24) - 1;

#[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
const BITS: [u32; WORDS] = {
    let mut bits = [0; WORDS];
    let mut i = 0;
    while i < WORDS {
        bits[i] = 1 << i;
        i += 1;
    }
    bits
};

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Against a plain map, with hashes so poor that lines overflow, round the end too.
    fn check(seed: u64, steps: usize, hash_bits: u64) {
        let mut rng = seed;
        let mut next = move || {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            rng >> 33
        };
        let mut index = Index::new();
        let mut hashes: HashMap<u32, u64> = HashMap::new();
        let mut overflowed = false;
        for step in 0..steps {
            let place = (next() % 300) as u32;
            // The tag from few values, too, so that words of one line share it.
            let hash = next() & hash_bits | (next() % 3) << 56;
            let of = |hashes: &HashMap<u32, u64>, place| hashes.get(&place).copied().unwrap();
            match hashes.remove(&place) {
                Some(old) => assert!(index.remove(old, place, |p| of(&hashes, p))),
                None => {
                    assert!(!index.remove(hash, place, |p| of(&hashes, p)));
                    index.insert(hash, place, |p| of(&hashes, p));
                    hashes.insert(place, hash);
                }
            }
            assert_eq!(index.len(), hashes.len());
            overflowed |= index.lines.iter().any(Line::is_full);
            for place in 0..300 {
                let found = |hash| index.find(hash, |p| p == place);
                match hashes.get(&place) {
                    Some(hash) => assert_eq!(found(*hash), Some(place), "seed {seed} step {step}"),
                    None => assert_eq!(found(hash), None, "seed {seed} step {step}"),
                }
            }
        }
        assert!(overflowed, "seed {seed}: no line was ever full");
    }

    #[test]
    fn what_was_put_is_found_until_it_is_taken_out() {
        for seed in 0..4 {
            check(seed, 2_000, u64::MAX >> 8);
            // All belong to one of four lines.
            check(seed, 2_000, 3);
            // All belong to the last line, or the one before, and overflow round the end.
            check(seed, 1_000, 1 << 5 | 1 << 4 | 1 << 3 | 1 << 2 | 2);
        }
    }

    #[test]
    fn every_place_has_a_word_of_its_own() {
        for place in [0, 1, Index::PLACE_MAX as u32] {
            for hash in [0, u64::MAX] {
                assert_ne!(word(hash, place), 0);
                assert_eq!(place_of(word(hash, place)), place);
            }
        }
    }
}
