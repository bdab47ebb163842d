//! Rounds of commits: checks, versions, expiry entries, one flush.

use std::collections::HashMap;

use super::layout::{HEADER_LEN, Meta, Stamp};
use super::tree::{Tree, damaged};
use super::writes::Writes;
use crate::error::{Error, ErrorKind, Result};
use crate::store::expiry::{EXPIRY, decode_expiry, expiry_key};
use crate::store::queue::{Entry, Rounds};
use crate::store::{Batch, Check, Commit, Durability, Key, Row};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::time::Timestamp;

/// Versions that every open leaves out.
///
/// A crash may lose the newest buffered commits, and with them the knowledge of their versions,
/// which a client may have seen all the same. A version must never be given twice: so an open
/// goes on this far above the stamp, and no more versions than this are given without a flushed
/// stamp. 2^20 is minutes of full load, and 2^44 opens until the numbers end.
pub(super) const VERSION_GAP: u64 = 1 << 20;

/// What a caller wants done.
pub(super) enum Job {
    /// Write a batch if its checks hold. Validated.
    Commit(Batch),
    /// Put rows with the versions they bring.
    Load { rows: Vec<(Key, Row)>, is_last: bool },
    /// Flush everything; all clear: what follows from a rollback is done.
    Sync { is_all_clear: bool },
    /// Make the next expiry entries before `end` exact.
    Settle { end: Vec<u8> },
}

/// What was done.
pub(super) enum Done {
    Commit(Commit),
    Loaded,
    /// Flushed up to this version.
    Synced {
        version: u64,
    },
    Settled,
}

/// The one writer of a tree.
pub(super) struct Committer {
    pub(super) tree: Tree,
    rounds: Rounds<Job, Result<Done>>,
    /// Only the leader of a round locks it.
    tip: Mutex<Tip>,
    version: AtomicU64,
    is_refusing: AtomicBool,
    /// Every expiry entry whose key is less than this stands at its row's true expiry. It is
    /// made so from below by `Job::Settle`; a put keeps it so. Not kept on disk: the first
    /// sweep after an open walks the due entries once.
    settled: Mutex<Vec<u8>>,
}

/// How far the store has come.
struct Tip {
    /// The greatest version given.
    version: u64,
    /// The stamp as it stands in the tree.
    stamp: Stamp,
    /// The version of the newest stamp that was flushed.
    flushed: u64,
    /// Whether something was applied since the last flush.
    is_dirty: bool,
    /// Whether the tree holds an intent, which a delete must not leave there.
    has_intent: bool,
}

impl Committer {
    /// A committer on a tree without an intent whose stamp is `stamp`, flushed.
    pub(super) fn new(tree: Tree, stamp: Stamp) -> Self {
        let (version, flushed) = (stamp.version, stamp.version);
        Committer {
            tree,
            rounds: Rounds::new(),
            tip: Mutex::new(Tip { version, stamp, flushed, is_dirty: false, has_intent: false }),
            version: AtomicU64::new(version),
            is_refusing: AtomicBool::new(false),
            settled: Mutex::new(vec![EXPIRY]),
        }
    }

    /// The greatest version that a reader can have met.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether writes are refused, after a failed one or in a forked child.
    pub(super) fn is_refusing(&self) -> bool {
        self.is_refusing.load(Ordering::Acquire) || self.tree.is_forked()
    }

    /// Whether the store was rolled back and what follows from that is not yet done.
    pub(super) fn is_alarmed(&self) -> bool {
        self.tip.lock().stamp.is_alarmed
    }

    /// The bound below which expiry entries are exact.
    pub(super) fn settled(&self) -> Vec<u8> {
        self.settled.lock().clone()
    }

    /// Has `job` done and waits for that.
    pub(super) fn submit(&self, job: Job) -> Result<Done> {
        if self.tree.is_forked() {
            return Err(Error::new(
                ErrorKind::Forked,
                "this store was opened before a fork and belongs to the parent: open it after the \
                 fork, in a process that had none open before",
            ));
        }
        if self.is_refusing.load(Ordering::Acquire) {
            return Err(refused());
        }
        let unanswered = || {
            self.refuse("a round of commits ended early");
            Err(outcome_unknown(None))
        };
        self.rounds.submit(job, |round| self.run(round), unanswered)
    }

    fn run(&self, round: &mut [Entry<Job, Result<Done>>]) {
        if self.is_refusing.load(Ordering::Acquire) {
            round.iter_mut().for_each(|entry| entry.answer(Err(refused())));
            return;
        }
        let mut tip = self.tip.lock();
        let mut settles = Vec::new();
        let mut plan = Plan::new(&self.tree, tip.version, self.settled());
        let mut waiting = Vec::with_capacity(round.len());
        let mut is_flush_due = false;
        let mut is_all_clear = false;
        for entry in round.iter_mut() {
            let (answer, waits_for_flush) = match entry.job.take() {
                Some(Job::Commit(batch)) => {
                    let is_durable = batch.durability == Durability::Durable;
                    let answer = plan.commit(batch);
                    let is_written = matches!(answer, Ok(Commit::Committed { .. }));
                    (answer.map(Done::Commit), is_durable && is_written)
                }
                Some(Job::Load { rows, is_last }) => {
                    (plan.load(rows).map(|()| Done::Loaded), is_last)
                }
                Some(Job::Sync { is_all_clear: all_clear }) => {
                    is_all_clear |= all_clear;
                    (Ok(Done::Synced { version: 0 }), true)
                }
                Some(Job::Settle { end }) => {
                    settles.push((entry, end));
                    continue;
                }
                None => continue,
            };
            is_flush_due |= waits_for_flush;
            waiting.push((entry, answer, waits_for_flush));
        }
        is_flush_due |= plan.version.saturating_sub(tip.flushed) >= VERSION_GAP / 2;
        if is_flush_due {
            plan.stamp(&mut tip, is_all_clear);
        }

        let applied = self.apply(plan, &mut tip);
        let failed = applied.as_ref().err();
        waiting.retain_mut(|(entry, answer, waits_for_flush)| {
            if *waits_for_flush && failed.is_none() {
                return true;
            }
            entry.answer(failed_or(failed, answer));
            false
        });
        if is_flush_due && applied.is_ok() {
            let flushed = self.flush(&mut tip);
            let failed = flushed.as_ref().err();
            for (entry, mut answer, _) in waiting {
                if let Ok(Done::Synced { version }) = &mut answer {
                    *version = tip.flushed;
                }
                entry.answer(failed_or(failed, &mut answer));
            }
        }
        for (entry, end) in settles {
            let answer = self.settle(&mut tip, end);
            entry.answer(answer.map(|()| Done::Settled));
        }
    }

    fn apply(&self, plan: Plan<'_>, tip: &mut Tip) -> Result<(), Option<sled::Error>> {
        // Before anyone can read a row that has it.
        tip.version = plan.version;
        self.version.store(tip.version, Ordering::Release);
        self.write(plan.writes, tip)
    }

    fn write(&self, writes: Writes, tip: &mut Tip) -> Result<(), Option<sled::Error>> {
        if writes.is_empty() {
            return Ok(());
        }
        tip.is_dirty = true;
        self.tree.write(|db| writes.apply(db, &mut tip.has_intent)).inspect_err(|_| {
            self.refuse("a write failed");
        })
    }

    /// One flush. Never tried again: after a failed one the system may have dropped the pages
    /// and call the next flush a success.
    fn flush(&self, tip: &mut Tip) -> Result<(), Option<sled::Error>> {
        if tip.is_dirty {
            self.tree.write(|db| db.flush()).inspect_err(|_| {
                self.refuse("the store could not be flushed");
            })?;
            tip.is_dirty = false;
            tip.flushed = tip.stamp.version;
        }
        Ok(())
    }

    /// Walks the next expiry entries from the settled bound on and moves those that lag.
    fn settle(&self, tip: &mut Tip, end: Vec<u8>) -> Result<()> {
        if self.is_refusing() {
            return Err(refused());
        }
        let from = self.settled();
        if from >= end {
            return Ok(());
        }
        let (mut writes, mut moved_bytes) = (Writes::default(), 0);
        let mut moved = Vec::new();
        let bound = self.tree.read(|db| {
            for (walked, entry) in db.range(from..end.clone()).keys().enumerate() {
                let entry = entry?;
                if walked == SETTLED_AT_ONCE_MAX || moved_bytes > SETTLED_BYTES_MAX {
                    return Ok(entry.to_vec());
                }
                let due = decode_expiry(&entry);
                let row = match due {
                    Some(due) => db.get(due.key.to_vec())?,
                    None => None,
                };
                let meta = row.as_deref().and_then(Meta::decode);
                let (Some(due), Some(row), Some(mut meta)) = (due, row, meta) else {
                    writes.remove_entry(entry.to_vec());
                    continue;
                };
                if meta.indexed_at != due.at {
                    writes.remove_entry(entry.to_vec());
                } else if meta.expires_at != due.at {
                    meta.indexed_at = meta.expires_at;
                    moved_bytes += row.len();
                    let payload = row.get(HEADER_LEN..).unwrap_or_default();
                    moved.push((due, meta, meta.encode(payload)));
                }
            }
            Ok(end)
        })?;
        let failed = |cause: Option<sled::Error>| outcome_unknown(cause.as_ref());
        self.write(writes, tip).map_err(failed)?;
        // Each row by itself: an entry whose row did not follow is removed when it is met.
        for (due, meta, row) in moved {
            let mut writes = Writes::default();
            writes.index(meta.indexed_at, &due.key);
            writes.put(&due.key, row);
            writes.unindex(due.at, &due.key);
            self.write(writes, tip).map_err(failed)?;
        }
        *self.settled.lock() = bound;
        Ok(())
    }

    fn refuse(&self, why: &str) {
        if !self.is_refusing.swap(true, Ordering::AcqRel) {
            log::error!("{why}: the store takes no more writes until it is reopened");
        }
    }
}

/// What a round will write.
struct Plan<'a> {
    tree: &'a Tree,
    settled: Vec<u8>,
    version: u64,
    writes: Writes,
    /// The keys of this round as its batches so far leave them: nobody else writes meanwhile,
    /// so each is read once.
    seen: HashMap<Key, Option<Meta>>,
}

impl<'a> Plan<'a> {
    fn new(tree: &'a Tree, version: u64, settled: Vec<u8>) -> Self {
        Plan { tree, settled, version, writes: Writes::default(), seen: HashMap::new() }
    }

    fn commit(&mut self, batch: Batch) -> Result<Commit> {
        for (key, check) in &batch.checks {
            let meta = self.meta(key)?;
            let holds = match check {
                Check::Absent => meta.is_none(),
                Check::Version(version) => meta.is_some_and(|meta| meta.version == *version),
            };
            if !holds {
                return Ok(Commit::Conflict);
            }
        }
        // Every read before the first change: a read that fails leaves nothing half done.
        for key in batch.puts.iter().map(|(key, ..)| key).chain(&batch.deletes) {
            self.meta(key)?;
        }
        let version = self.version.checked_add(1).ok_or_else(versions_ended)?;
        self.version = version;
        for (key, value, expires_at) in batch.puts {
            self.put(key, version, expires_at, &value);
        }
        for key in batch.deletes {
            self.delete(key, version);
        }
        Ok(Commit::Committed { version })
    }

    fn load(&mut self, rows: Vec<(Key, Row)>) -> Result<()> {
        for (key, _) in &rows {
            self.meta(key)?;
        }
        self.writes.mark_bulk();
        for (key, row) in rows {
            self.version = self.version.max(row.version);
            self.put(key, row.version, row.expires_at, &row.value);
        }
        Ok(())
    }

    /// Adds the stamp of this round, if it says more than the one in the tree.
    fn stamp(&mut self, tip: &mut Tip, is_all_clear: bool) {
        let is_alarmed = tip.stamp.is_alarmed && !is_all_clear;
        let stamp = Stamp { version: self.version, is_alarmed, ..tip.stamp };
        if stamp != tip.stamp {
            self.writes.stamp(stamp);
            tip.stamp = stamp;
        }
    }

    fn meta(&mut self, key: &Key) -> Result<Option<Meta>> {
        if let Some(meta) = self.seen.get(key) {
            return Ok(*meta);
        }
        let (bytes, len) = key.encode();
        let row = self.tree.read(|db| db.get(bytes.get(..len).unwrap_or_default()))?;
        let decode = |row: sled::IVec| Meta::decode(&row).ok_or_else(|| damaged("a row"));
        let meta = row.map(decode).transpose()?;
        self.seen.insert(*key, meta);
        Ok(meta)
    }

    /// Puts a row whose key was seen.
    ///
    /// An expiry entry that stands too early stays where it is: a touch then costs one write
    /// instead of three, and the sweep that meets the entry moves it. Below the settled bound
    /// entries are exact, so there the entry moves at once.
    fn put(&mut self, key: Key, version: u64, expires_at: Timestamp, value: &[u8]) {
        let old = self.seen.get(&key).copied().flatten();
        let indexed_at = match old.map(|old| old.indexed_at) {
            Some(at) if at == expires_at => at,
            Some(at) if at < expires_at && expiry_key(at, &key) >= self.settled => at,
            old_at => {
                if let Some(at) = old_at {
                    self.writes.unindex(at, &key);
                }
                self.writes.index(expires_at, &key);
                expires_at
            }
        };
        let meta = Meta { version, expires_at, indexed_at };
        self.writes.put(&key, meta.encode(value));
        self.seen.insert(key, Some(meta));
    }

    fn delete(&mut self, key: Key, version: u64) {
        if let Some(old) = self.seen.insert(key, None).flatten() {
            self.writes.delete(&key, version);
            self.writes.unindex(old.indexed_at, &key);
        }
    }
}

/// The answer of a job whose round failed with `failed`, if it did. What wrote nothing keeps
/// its answer.
fn failed_or(failed: Option<&Option<sled::Error>>, answer: &mut Result<Done>) -> Result<Done> {
    let answer = std::mem::replace(answer, Ok(Done::Settled));
    match (failed, answer) {
        (Some(_), Ok(Done::Commit(Commit::Conflict))) => Ok(Done::Commit(Commit::Conflict)),
        (Some(cause), Ok(_)) => Err(outcome_unknown(cause.as_ref())),
        (_, answer) => answer,
    }
}

fn outcome_unknown(cause: Option<&sled::Error>) -> Error {
    let error = Error::new(
        ErrorKind::OutcomeUnknown,
        "a write failed at the disk; what it wrote shows when the store is reopened",
    );
    match cause {
        Some(cause) => error.with_source(cause.clone()),
        None => error,
    }
}

fn refused() -> Error {
    Error::new(
        ErrorKind::WritesRefused,
        "an earlier write failed at the disk; see to the disk and reopen the store",
    )
}

fn versions_ended() -> Error {
    Error::new(ErrorKind::Internal, "the store has no more versions to give")
}

/// Expiry entries walked in one step of a sweep: commits wait a millisecond for it at most.
const SETTLED_AT_ONCE_MAX: usize = 256;

/// Bytes of rows rewritten in one step of a sweep.
const SETTLED_BYTES_MAX: usize = 1 << 20;
