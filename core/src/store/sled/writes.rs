//! How a round reaches the tree in one piece.
//!
//! sled's own batches are atomic, but each seals the log's buffer twice, so each costs two small
//! writes to the file. Where writes are synchronous, that is some thousand commits a second at
//! best, and since sled queues what it has to write without a limit, also memory without one.
//! Single operations fill the buffer and are written half a megabyte at a time.
//!
//! So a round is written as single operations. sled recovers a prefix of its log, and one thread
//! at a time writes, so a crash leaves a prefix of them. Two things make that all or nothing:
//!
//! - One row is one operation. Its new expiry entry goes before it and its old one after it: a
//!   crash between leaves an entry without a row, which the sweep that meets it removes.
//! - Several rows go behind an *intent*, one operation that holds them all. An open that finds
//!   an intent does it again. Rows of a later version are left alone; and since everything that
//!   deletes a row replaces or removes the intent first, no row comes back by it.
//!
//! What is too long for an intent goes as a batch of sled's.

use std::collections::BTreeMap;

use super::layout::{INTENT_KEY, Meta, STAMP_KEY, Stamp};
use super::tree::{Tree, damaged};
use crate::error::Result;
use crate::store::Key;
use crate::store::expiry::{EXPIRY, expiry_key};
use crate::time::Timestamp;

/// What is to be written, by key; the last word on a key counts.
#[derive(Debug, Default)]
pub(super) struct Writes {
    rows: BTreeMap<Vec<u8>, Op>,
    /// Whether the entry is to be there.
    expiry: BTreeMap<Vec<u8>, bool>,
    stamp: Option<Stamp>,
    is_bulk: bool,
}

#[derive(Debug)]
enum Op {
    Put(Vec<u8>),
    /// By the batch of this version.
    Delete(u64),
}

impl Writes {
    pub(super) fn put(&mut self, key: &Key, row: Vec<u8>) {
        self.rows.insert(key.to_vec(), Op::Put(row));
    }

    pub(super) fn delete(&mut self, key: &Key, version: u64) {
        self.rows.insert(key.to_vec(), Op::Delete(version));
    }

    pub(super) fn index(&mut self, at: Timestamp, key: &Key) {
        if at != Timestamp::NEVER {
            self.expiry.insert(expiry_key(at, key), true);
        }
    }

    pub(super) fn unindex(&mut self, at: Timestamp, key: &Key) {
        if at != Timestamp::NEVER {
            self.expiry.insert(expiry_key(at, key), false);
        }
    }

    /// Removes an expiry entry that names no key.
    pub(super) fn remove_entry(&mut self, entry: Vec<u8>) {
        debug_assert_eq!(entry.first(), Some(&EXPIRY));
        self.expiry.insert(entry, false);
    }

    pub(super) fn stamp(&mut self, stamp: Stamp) {
        self.stamp = Some(stamp);
    }

    /// Marks them as rows of a load, whose versions say nothing of their order.
    pub(super) fn mark_bulk(&mut self) {
        self.is_bulk = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.expiry.is_empty() && self.stamp.is_none()
    }

    /// Writes everything, in the order that keeps it whole. `has_intent` says whether the tree
    /// holds an intent, before and after.
    pub(super) fn apply(self, db: &sled::Db, has_intent: &mut bool) -> sled::Result<()> {
        let is_one_row = self.rows.len() <= 1;
        let intent = if is_one_row || self.is_bulk { None } else { self.intent() };
        if self.is_bulk || (!is_one_row && intent.is_none()) {
            *has_intent = false;
            return self.apply_as_batch(db);
        }
        if let Some(intent) = intent {
            db.insert(INTENT_KEY, intent)?;
            *has_intent = true;
        } else if *has_intent && self.rows.values().any(|op| matches!(op, Op::Delete(_))) {
            db.remove(INTENT_KEY)?;
            *has_intent = false;
        }
        for entry in self.expiry.iter().filter_map(|(entry, is_there)| is_there.then_some(entry)) {
            db.insert(entry, &[])?;
        }
        for (key, op) in self.rows {
            match op {
                Op::Put(row) => db.insert(key, row)?,
                Op::Delete(_) => db.remove(key)?,
            };
        }
        for (entry, _) in self.expiry.iter().filter(|(_, is_there)| !**is_there) {
            db.remove(entry)?;
        }
        // Last: no version that it names is missing behind it.
        if let Some(stamp) = self.stamp {
            db.insert(STAMP_KEY, stamp.encode())?;
        }
        Ok(())
    }

    fn apply_as_batch(self, db: &sled::Db) -> sled::Result<()> {
        let mut batch = sled::Batch::default();
        batch.remove(INTENT_KEY);
        for (key, op) in self.rows {
            match op {
                Op::Put(row) => batch.insert(key, row),
                Op::Delete(_) => batch.remove(key),
            }
        }
        for (entry, is_there) in self.expiry {
            if is_there { batch.insert(entry, &[]) } else { batch.remove(entry) }
        }
        if let Some(stamp) = self.stamp {
            batch.insert(STAMP_KEY, stamp.encode());
        }
        db.apply_batch(batch)
    }

    /// The rows as an intent, or `None` when they are too long.
    ///
    /// ```text
    /// for each row:  op (1)  key length (1)  key   and   put:    length (4)  row
    ///                                                    delete: version (8)
    /// ```
    fn intent(&self) -> Option<Vec<u8>> {
        let mut intent = Vec::new();
        for (key, op) in &self.rows {
            let key_len = u8::try_from(key.len()).ok()?;
            intent
                .extend_from_slice(&[if matches!(op, Op::Put(_)) { PUT } else { DELETE }, key_len]);
            intent.extend_from_slice(key);
            match op {
                Op::Put(row) => {
                    intent.extend_from_slice(&u32::try_from(row.len()).ok()?.to_be_bytes());
                    intent.extend_from_slice(row);
                }
                Op::Delete(version) => intent.extend_from_slice(&version.to_be_bytes()),
            }
            if intent.len() > INTENT_LEN_MAX {
                return None;
            }
        }
        Some(intent)
    }
}

/// What an open has to do again: the intent that the tree holds, done as far as it is not.
/// Applying it as a batch removes the intent with it.
pub(super) fn redo(tree: &Tree) -> Result<Option<Writes>> {
    let Some(intent) = tree.read(|db| db.get(INTENT_KEY))? else { return Ok(None) };
    let mut writes = Writes { is_bulk: true, ..Writes::default() };
    let mut rest: &[u8] = &intent;
    while !rest.is_empty() {
        let (key, op, behind) = parse(rest).ok_or_else(|| damaged("an intent"))?;
        rest = behind;
        let row = tree.read(|db| db.get(key.to_vec()))?;
        let there = row.as_deref().and_then(Meta::decode);
        match op {
            Op::Put(row) => {
                let meta = Meta::decode(&row).ok_or_else(|| damaged("an intent"))?;
                if there.is_none_or(|there| there.version < meta.version) {
                    writes.index(meta.indexed_at, &key);
                    writes.put(&key, row);
                }
            }
            Op::Delete(version) => {
                if let Some(there) = there
                    && there.version < version
                {
                    writes.unindex(there.indexed_at, &key);
                    writes.delete(&key, version);
                }
            }
        }
    }
    Ok(Some(writes))
}

fn parse(bytes: &[u8]) -> Option<(Key, Op, &[u8])> {
    let (&[op, key_len], rest) = bytes.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(usize::from(key_len))?;
    let key = Key::decode(key)?;
    match op {
        PUT => {
            let (len, rest) = rest.split_first_chunk()?;
            let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
            let (row, rest) = rest.split_at_checked(len)?;
            Some((key, Op::Put(row.to_vec()), rest))
        }
        DELETE => {
            let (version, rest) = rest.split_first_chunk()?;
            Some((key, Op::Delete(u64::from_be_bytes(*version)), rest))
        }
        _ => None,
    }
}

const PUT: u8 = 1;
const DELETE: u8 = 2;

/// The longest intent. An intent writes its rows twice, which is cheap for the few hundred bytes
/// of a session; and sled puts pages beyond 128 KiB into files that it never syncs.
const INTENT_LEN_MAX: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Group;
    use crate::store::Table;

    fn open(dir: &tempfile::TempDir) -> Tree {
        Tree::new(sled::Config::new().path(dir.path()).open().unwrap())
    }

    fn key(id: u8) -> Key {
        Key::new(Group(1), Table::Session, &[id]).unwrap()
    }

    fn row(version: u64, payload: &[u8]) -> Vec<u8> {
        let at = Timestamp::from_millis(9);
        Meta { version, expires_at: at, indexed_at: at }.encode(payload)
    }

    fn pairs(tree: &Tree) -> Vec<(sled::IVec, sled::IVec)> {
        tree.iter().map(Result::unwrap).collect()
    }

    #[test]
    fn an_intent_is_done_again_wherever_the_crash_came() {
        let dir = tempfile::tempdir().unwrap();
        let tree = open(&dir);
        let old = |tree: &Tree| {
            tree.clear().unwrap();
            let mut writes = Writes::default();
            writes.put(&key(1), row(1, b"old"));
            writes.index(Timestamp::from_millis(9), &key(1));
            writes.apply(tree, &mut false).unwrap();
        };
        let new = || {
            let mut writes = Writes::default();
            writes.delete(&key(1), 2);
            writes.unindex(Timestamp::from_millis(9), &key(1));
            for id in 2..5 {
                writes.put(&key(id), row(2, b"new"));
                writes.index(Timestamp::from_millis(9), &key(id));
            }
            writes
        };
        old(&tree);
        new().apply(&tree, &mut false).unwrap();
        tree.remove(INTENT_KEY).unwrap();
        let expected = pairs(&tree);

        let rows: Vec<_> = (1..5).map(|id| key(id).to_vec()).collect();
        for done in 0..=rows.len() {
            old(&tree);
            tree.insert(INTENT_KEY, new().intent().unwrap()).unwrap();
            for id in (2..5).filter(|_| done > 0) {
                tree.insert(expiry_key(Timestamp::from_millis(9), &key(id)), &[]).unwrap();
            }
            for (key, row) in rows.iter().zip(0_u8..).take(done) {
                match row {
                    0 => tree.remove(key).unwrap(),
                    _ => tree.insert(key, self::row(2, b"new")).unwrap(),
                };
            }
            redo(&tree).unwrap().unwrap().apply(&tree, &mut true).unwrap();
            let mut found = pairs(&tree);
            // The old row's entry may stay behind without a row.
            let stray = expiry_key(Timestamp::from_millis(9), &key(1));
            found.retain(|(key, _)| *key != stray);
            assert_eq!(found, expected, "{done} of the rows were written");
        }
    }

    #[test]
    fn an_intent_neither_overwrites_nor_deletes_what_came_later() {
        let dir = tempfile::tempdir().unwrap();
        let tree = open(&dir);
        let mut writes = Writes::default();
        writes.put(&key(1), row(2, b"a"));
        writes.delete(&key(2), 2);
        let mut has_intent = false;
        writes.apply(&tree, &mut has_intent).unwrap();
        assert!(has_intent);
        for id in [1, 2] {
            let mut later = Writes::default();
            later.put(&key(id), row(3, b"later"));
            later.apply(&tree, &mut has_intent).unwrap();
        }
        redo(&tree).unwrap().unwrap().apply(&tree, &mut has_intent).unwrap();
        for id in [1, 2] {
            assert_eq!(tree.get(key(id).to_vec()).unwrap().unwrap(), row(3, b"later"));
        }
    }

    #[test]
    fn a_row_deleted_later_does_not_come_back_by_an_intent() {
        let dir = tempfile::tempdir().unwrap();
        let tree = open(&dir);
        let mut has_intent = false;
        let mut writes = Writes::default();
        writes.put(&key(1), row(2, b"a"));
        writes.put(&key(2), row(2, b"a"));
        writes.apply(&tree, &mut has_intent).unwrap();
        let mut later = Writes::default();
        later.delete(&key(1), 3);
        later.apply(&tree, &mut has_intent).unwrap();
        assert!(!has_intent);
        assert!(redo(&tree).unwrap().is_none());
        assert_eq!(tree.get(key(1).to_vec()).unwrap(), None);
    }
}
