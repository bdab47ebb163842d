//! Rounds of commits: checks, versions, expiry entries, epochs, one sync.
//!
//! One thread of the process leads a round: it waits for the turn of its process, takes LMDB's
//! writer lock, which excludes every other, does what waits, makes the epochs of what changes
//! odd, commits, and makes them even. So nobody can see a change before its epoch is odd, and
//! nobody else is between `begin` and commit meanwhile: see `cache::epochs`.

use std::path::PathBuf;

use heed::types::Bytes;
use heed::{Database, MdbError, RoTxn, RwTxn};

use super::crash::CrashPoint;
use super::layout::{STAMP_KEY, Stamp, StampRead, decode_header, encode_row};
use super::open::HOME;
use super::presence::Writer;
use crate::cache::{Epochs, Flight};
use crate::error::{Error, ErrorKind, Result};
use crate::fork::forks;
use crate::id::Group;
use crate::store::expiry::expiry_key;
use crate::store::queue::{Entry, Rounds};
use crate::store::stamp::SideFile;
use crate::store::{Batch, Check, Commit, Key, Moves, Row};
use crate::sync::{AtomicBool, AtomicU64, Ordering};
use crate::sys::Environment;
use crate::time::Timestamp;

/// What a caller wants done.
pub(super) enum Job {
    /// Write a batch if its checks hold. Validated.
    Commit(Batch),
    /// Put rows with the versions they bring.
    Load(Vec<(Key, Row)>),
    /// Note how far the store has come. All clear: what follows from a rollback is done.
    Sync,
}

/// What was done.
#[derive(Debug)]
pub(super) enum Done {
    Commit(Commit),
    Other,
}

type Rows<'a> = Database<'a, Bytes, Bytes>;

/// The writers and readers of this process.
pub(super) struct Committer {
    environment: Environment,
    writer: Writer,
    epochs: Epochs,
    rounds: Rounds<Job, Result<Done>>,
    stamp_path: PathBuf,
    is_refusing: AtomicBool,
    /// Rounds so far.
    count: AtomicU64,
    /// The version that the stamp file is known to have.
    noted: AtomicU64,
    process_id: u32,
    forks: u64,
}

impl Committer {
    pub(super) fn new(
        environment: Environment,
        writer: Writer,
        epochs: Epochs,
        stamp_path: PathBuf,
    ) -> Self {
        Committer {
            environment,
            writer,
            epochs,
            rounds: Rounds::new(),
            stamp_path,
            is_refusing: AtomicBool::new(false),
            count: AtomicU64::new(0),
            noted: AtomicU64::new(0),
            process_id: std::process::id(),
            forks: forks(),
        }
    }

    /// What `read` makes of the present state. Short: while it reads, nothing that it sees can be
    /// overwritten, and the file grows instead.
    pub(super) fn read<R>(
        &self,
        read: impl FnOnce(Rows<'_>, &RoTxn<'_>) -> heed::Result<R>,
    ) -> Result<R> {
        if forks() != self.forks {
            return Err(forked());
        }
        let env = self.environment.env();
        let begun = env.read_txn().or_else(|e| {
            if !matches!(e, heed::Error::Mdb(MdbError::ReadersFull)) {
                return Err(e);
            }
            env.clear_stale_readers()?;
            env.read_txn()
        });
        let txn = begun.map_err(failed)?;
        read(self.environment.rows(), &txn).map_err(failed)
    }

    /// The greatest version given, by any process.
    pub(super) fn version(&self) -> u64 {
        let stamp = self.read(|rows, txn| Ok(rows.get(txn, STAMP_KEY)?.map(Stamp::decode)));
        match stamp {
            Ok(Some(StampRead::Stamp(stamp))) => stamp.version,
            _ => 0,
        }
    }

    /// Has `job` done and waits for that.
    pub(super) fn submit(&self, job: Job) -> Result<Done> {
        if std::process::id() != self.process_id || forks() != self.forks {
            return Err(forked());
        }
        if self.is_refusing.load(Ordering::Acquire) {
            return Err(refused());
        }
        let unanswered = || {
            self.refuse("a round of commits ended early");
            Err(outcome_unknown())
        };
        self.rounds.submit(job, |round| self.run(round), unanswered)
    }

    /// Notes how far the store has come, if it may be written.
    pub(super) fn close(&self) {
        let is_ours = std::process::id() == self.process_id && forks() == self.forks;
        if is_ours
            && !self.is_refusing.load(Ordering::Acquire)
            && let Err(e) = self.note(false)
        {
            log::error!("closing the store: {e}");
        }
    }

    fn run(&self, round: &mut [Entry<Job, Result<Done>>]) {
        if self.is_refusing.load(Ordering::Acquire) {
            round.iter_mut().for_each(|entry| entry.answer(Err(refused())));
            return;
        }
        if self.count.fetch_add(1, Ordering::Relaxed).is_multiple_of(CLEAR_READERS_EVERY) {
            self.clear_readers();
        }
        let jobs: Vec<Option<Job>> = round.iter_mut().map(|entry| entry.job.take()).collect();
        let (syncs, writes): (Vec<_>, Vec<_>) = jobs
            .iter()
            .enumerate()
            .filter_map(|(i, job)| Some((i, job.as_ref()?)))
            .partition(|(_, job)| matches!(job, Job::Sync));
        let mut answer = |i: usize, answer| {
            if let Some(entry) = round.get_mut(i) {
                entry.answer(answer);
            }
        };
        let together: Vec<&Job> = writes.iter().map(|(_, job)| *job).collect();
        match self.transact(&together) {
            Ok(done) => {
                for ((i, _), done) in writes.into_iter().zip(done) {
                    answer(i, Ok(done));
                }
            }
            // One that does not fit must not keep the others out.
            Err(_) if writes.len() > 1 && !self.is_refusing.load(Ordering::Acquire) => {
                self.clear_readers();
                for (i, job) in writes {
                    answer(i, self.transact(&[job]).and_then(the_only));
                }
            }
            Err(e) => {
                let kind = e.kind();
                let mut first = Some(e);
                for (i, _) in writes {
                    let again = || Error::new(kind, "the round of commits failed");
                    answer(i, Err(first.take().unwrap_or_else(again)));
                }
            }
        }
        for (i, _) in syncs {
            answer(i, self.note(true).map(|()| Done::Other));
        }
    }

    /// Does all of `jobs` or nothing.
    fn transact(&self, jobs: &[&Job]) -> Result<Vec<Done>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        if self.is_refusing.load(Ordering::Acquire) {
            return Err(refused());
        }
        let rows = self.environment.rows();
        let _turn = self.writer.turn()?;
        let mut txn = self.environment.env().write_txn().map_err(failed)?;
        let mut stamp = read_stamp(rows, &txn)?;
        let before = stamp.version;
        let mut done = Vec::with_capacity(jobs.len());
        for job in jobs {
            done.push(apply(rows, &mut txn, &mut stamp, job)?);
        }
        if stamp.version == before && !jobs.iter().any(|job| matches!(job, Job::Load(_))) {
            // Conflicts only.
            return Ok(done);
        }
        rows.put(&mut txn, STAMP_KEY, &stamp.encode()).map_err(failed)?;
        let round = self.epochs.begin_round();
        let flights = self.begin(jobs, &done);
        CrashPoint::Begun.pass();
        let committed = txn.commit();
        CrashPoint::Written.pass();
        match committed {
            Ok(()) => {}
            // LMDB found out before it wrote.
            Err(e @ heed::Error::Mdb(MdbError::MapFull | MdbError::TxnFull)) => {
                self.land(flights, round);
                return Err(failed(e));
            }
            // The epochs stay odd, until another process has the writer lock: then what it can
            // read is what there is.
            Err(e) => {
                self.refuse("a write failed");
                return Err(outcome_unknown().with_source(e));
            }
        }
        self.land(flights, round);
        Ok(done)
    }

    /// Makes the epochs of what the jobs have changed odd.
    fn begin(&self, jobs: &[&Job], done: &[Done]) -> Vec<Flight> {
        let mut flights = Vec::new();
        for (job, done) in jobs.iter().zip(done) {
            let moves = match (job, done) {
                (Job::Commit(_), Done::Commit(Commit::Conflict)) | (Job::Sync, _) => continue,
                (Job::Commit(batch), _) => batch.moves,
                (Job::Load(_), _) => Moves::All,
            };
            match (moves, job) {
                (Moves::Group, Job::Commit(batch)) => flights.push(self.epochs.begin(batch.group)),
                (Moves::All, _) => {
                    flights.push(self.epochs.begin_common());
                    flights.extend(Group::all().map(|group| self.epochs.begin(group)));
                }
                _ => {}
            }
        }
        flights
    }

    fn land(&self, flights: Vec<Flight>, round: Flight) {
        flights.into_iter().for_each(|flight| self.epochs.land(flight));
        self.epochs.land(round);
    }

    /// Writes the store's version beside it. Every commit is on the device when it is done.
    fn note(&self, is_all_clear: bool) -> Result<()> {
        let rows = self.environment.rows();
        // The processes write the file in turn.
        let _turn = self.writer.turn()?;
        let mut txn = self.environment.env().write_txn().map_err(failed)?;
        let mut stamp = read_stamp(rows, &txn)?;
        if stamp.is_alarmed && !is_all_clear {
            return Ok(());
        }
        if stamp.version == self.noted.load(Ordering::Relaxed) && !stamp.is_alarmed {
            return Ok(());
        }
        let write = || {
            let mut side = SideFile::read(&self.stamp_path).map_err(|_| None)?;
            side.write(stamp.store_id, stamp.version).map_err(Some)
        };
        write().map_err(|e: Option<std::io::Error>| {
            let message = "everything is durable, but the stamp file could not be written";
            let error = Error::new(ErrorKind::Unavailable, message);
            match e {
                Some(e) => error.with_source(e),
                None => error,
            }
        })?;
        self.noted.store(stamp.version, Ordering::Relaxed);
        if stamp.is_alarmed {
            stamp.is_alarmed = false;
            rows.put(&mut txn, STAMP_KEY, &stamp.encode()).map_err(failed)?;
            txn.commit().map_err(|e| {
                self.refuse("a write failed");
                outcome_unknown().with_source(e)
            })?;
        }
        Ok(())
    }

    /// Frees the places of readers whose process died in the middle of a read: until then nothing
    /// that they could see is overwritten, and the file grows.
    fn clear_readers(&self) {
        match self.environment.env().clear_stale_readers() {
            Ok(0) => {}
            Ok(count) => log::info!("{count} readers of the store had died"),
            Err(e) => log::warn!("the store's dead readers could not be cleared: {e}"),
        }
    }

    fn refuse(&self, why: &str) {
        if !self.is_refusing.swap(true, Ordering::AcqRel) {
            log::error!("{why}: this process writes no more to the store until it is reopened");
        }
    }
}

/// The stamp, under the writer lock.
pub(super) fn read_stamp(rows: Rows<'_>, txn: &RwTxn<'_>) -> Result<Stamp> {
    match rows.get(txn, STAMP_KEY).map_err(failed)?.map(Stamp::decode) {
        Some(StampRead::Stamp(stamp)) => Ok(stamp),
        _ => Err(super::damaged("the stamp")),
    }
}

fn apply(rows: Rows<'_>, txn: &mut RwTxn<'_>, stamp: &mut Stamp, job: &Job) -> Result<Done> {
    match job {
        Job::Commit(batch) => {
            for (key, check) in &batch.checks {
                let found = version_and_expiry(rows, txn, key)?.map(|(version, _)| version);
                let holds = match check {
                    Check::Absent => found.is_none(),
                    Check::Version(version) => found == Some(*version),
                };
                if !holds {
                    return Ok(Done::Commit(Commit::Conflict));
                }
            }
            let version = stamp.version.checked_add(1).ok_or_else(versions_ended)?;
            stamp.version = version;
            for (key, value, expires_at) in &batch.puts {
                put(rows, txn, key, version, *expires_at, value)?;
            }
            for key in &batch.deletes {
                if let Some((_, at)) = version_and_expiry(rows, txn, key)? {
                    rows.delete(txn, &key.to_vec()).map_err(failed)?;
                    unindex(rows, txn, at, key)?;
                }
            }
            Ok(Done::Commit(Commit::Committed { version }))
        }
        Job::Load(loaded) => {
            for (key, row) in loaded {
                stamp.version = stamp.version.max(row.version);
                put(rows, txn, key, row.version, row.expires_at, &row.value)?;
            }
            Ok(Done::Other)
        }
        Job::Sync => Ok(Done::Other),
    }
}

fn put(
    rows: Rows<'_>,
    txn: &mut RwTxn<'_>,
    key: &Key,
    version: u64,
    expires_at: Timestamp,
    value: &[u8],
) -> Result<()> {
    let old = version_and_expiry(rows, txn, key)?.map(|(_, at)| at);
    if old != Some(expires_at) {
        if let Some(at) = old {
            unindex(rows, txn, at, key)?;
        }
        if expires_at != Timestamp::NEVER {
            rows.put(txn, &expiry_key(expires_at, key), &[]).map_err(failed)?;
        }
    }
    rows.put(txn, &key.to_vec(), &encode_row(version, expires_at, value)).map_err(failed)
}

fn unindex(rows: Rows<'_>, txn: &mut RwTxn<'_>, at: Timestamp, key: &Key) -> Result<()> {
    if at != Timestamp::NEVER {
        rows.delete(txn, &expiry_key(at, key)).map_err(failed)?;
    }
    Ok(())
}

fn version_and_expiry(
    rows: Rows<'_>,
    txn: &RwTxn<'_>,
    key: &Key,
) -> Result<Option<(u64, Timestamp)>> {
    let Some(row) = rows.get(txn, &key.to_vec()).map_err(failed)? else { return Ok(None) };
    let (version, at, _) = decode_header(row).ok_or_else(|| super::damaged("a row"))?;
    Ok(Some((version, at)))
}

fn the_only(mut done: Vec<Done>) -> Result<Done> {
    done.pop().ok_or_else(super::mismatch)
}

/// What LMDB says, before anything was written.
pub(super) fn failed(e: heed::Error) -> Error {
    use heed::Error::{EnvAlreadyOpened, Mdb};
    let (kind, message) = match &e {
        Mdb(MdbError::MapFull) => (
            ErrorKind::Unavailable,
            "the store is as long as map_len_max_bytes allows: nothing was written. Close it in \
             every process and give all of them a greater one",
        ),
        Mdb(MdbError::MapResized) => (
            ErrorKind::Unavailable,
            "another process has grown the store beyond this one's map_len_max_bytes: give all \
             of them the same",
        ),
        Mdb(MdbError::ReadersFull) => {
            (ErrorKind::Unavailable, "too many threads and processes read the store at once")
        }
        Mdb(MdbError::Corrupted | MdbError::PageNotFound | MdbError::Invalid) => {
            (ErrorKind::Corrupt, "the store is damaged: import the newest export into a new one")
        }
        Mdb(MdbError::VersionMismatch) => {
            (ErrorKind::NewerFormat, "the store has the format of another LMDB")
        }
        EnvAlreadyOpened if HOME.get().is_some_and(|home| *home != std::process::id()) => {
            return forked().with_source(e);
        }
        EnvAlreadyOpened => {
            (ErrorKind::Locked, "this process has the store open already: share one engine in it")
        }
        _ => (ErrorKind::Unavailable, "the store could not be reached"),
    };
    Error::new(kind, message).with_source(e)
}

fn forked() -> Error {
    let message = "this store was opened before a fork and belongs to the parent: open it after \
                   the fork, in a process that had it never open before";
    Error::new(ErrorKind::Forked, message)
}

fn outcome_unknown() -> Error {
    let message = "a write failed at the disk; what it wrote shows when the store is reopened";
    Error::new(ErrorKind::OutcomeUnknown, message)
}

fn refused() -> Error {
    let message = "an earlier write failed at the disk; see to the disk and reopen the store";
    Error::new(ErrorKind::WritesRefused, message)
}

fn versions_ended() -> Error {
    Error::new(ErrorKind::Internal, "the store has no more versions to give")
}

/// A look at the table of readers takes microseconds, a commit hundreds of them.
const CLEAR_READERS_EVERY: u64 = 64;
