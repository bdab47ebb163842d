//! Commits: one script each, one at a time in each partition, and none with an unknown end
//! while the server can be asked.

use std::time::Instant;

use redis::Value;

use super::answer::text;
use super::layout::encode_version;
use super::options::RedisOptions;
use super::pool::pause;
use super::router::{Failure, Router};
use super::script::{COMMIT, RESERVE, SETTLE};
use super::standing::{ROLLED_BACK, Standing, TAKEN};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Commit;
use crate::sync::{AtomicU64, Mutex, Ordering, thread};
use std::sync::Arc;

/// What a commit's script is told, save for its version.
pub(super) struct Write {
    pub(super) partition: usize,
    /// Of the rows: those of the checks, the puts, the deletes.
    pub(super) rows: Vec<Vec<u8>>,
    /// Of each check its version, empty for an absent row.
    pub(super) checks: Vec<Vec<u8>>,
    /// Of each put its row and its backstop. Without a version of its own, eight bytes of which
    /// nothing is said yet stand at the row's head.
    pub(super) puts: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) keeps_versions: bool,
}

pub(super) struct Writer {
    options: Arc<RedisOptions>,
    pub(super) router: Arc<Router>,
    standing: Arc<Standing>,
    term: String,
    /// One commit of a partition at a time. So the partition's tip says what became of a commit
    /// whose answer was lost.
    turns: Vec<Mutex<()>>,
    version: AtomicU64,
    /// No version above it is given before a higher bound is at the server.
    reserved: Mutex<u64>,
}

enum Settled {
    Done,
    NotDone,
}

impl Writer {
    /// A writer that gives versions above `version`.
    pub(super) fn new(
        options: Arc<RedisOptions>,
        router: Arc<Router>,
        standing: Arc<Standing>,
        term: String,
        version: u64,
    ) -> Self {
        let turns = router.names.iter().map(|_| Mutex::new(())).collect();
        let (version, reserved) = (AtomicU64::new(version), Mutex::new(version));
        Writer { options, router, standing, term, turns, version, reserved }
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// From now on versions are greater than `version`.
    pub(super) fn raise(&self, version: u64) -> Result<()> {
        self.version.fetch_max(version, Ordering::SeqCst);
        self.next_version().map(drop)
    }

    pub(super) fn write(&self, mut write: Write) -> Result<Commit> {
        let turn = self.turns.get(write.partition);
        let turn = turn.ok_or_else(|| Error::new(ErrorKind::Internal, "no such partition"))?;
        let _one_at_a_time = turn.lock();
        self.standing.check_writes()?;
        for attempt in 0..ATTEMPTS {
            let version = self.next_version()?;
            match self.send(&mut write, version) {
                Ok(answer) => return self.conclude(&answer, write.partition, version),
                Err(Failure::Nothing(error)) => return Err(error),
                Err(Failure::Partly(error)) => return Err(self.unknown(error)),
                Err(Failure::Perhaps(error)) => match self.settle(write.partition, version) {
                    Ok(Settled::Done) => {
                        self.standing.raise_tip(write.partition, version);
                        return Ok(Commit::Committed { version });
                    }
                    Ok(Settled::NotDone) if attempt + 1 < ATTEMPTS => {}
                    Ok(Settled::NotDone) => return Err(error),
                    Err(error) => return Err(self.unknown(error)),
                },
            }
        }
        Err(Error::new(ErrorKind::Internal, "a commit was tried too often"))
    }

    fn send(&self, write: &mut Write, version: u64) -> Result<Value, Failure> {
        let version = encode_version(version);
        if !write.keeps_versions {
            let heads = write.puts.iter_mut().filter_map(|(row, _)| row.first_chunk_mut());
            heads.for_each(|head| *head = version);
        }
        let names = self.router.names.get(write.partition);
        let names = names.ok_or_else(|| {
            Failure::Nothing(Error::new(ErrorKind::Internal, "no such partition"))
        })?;
        let mut keys = vec![names.meta(), names.index(), names.expiry()];
        keys.extend(write.rows.iter().cloned());
        let tip = encode_version(self.standing.tip(write.partition));
        let skip = names.rows().len().to_string();
        let (checks, puts) = (write.checks.len().to_string(), write.puts.len().to_string());
        let mut args: Vec<&[u8]> = vec![
            self.term.as_bytes(),
            &tip,
            &version,
            skip.as_bytes(),
            checks.as_bytes(),
            puts.as_bytes(),
        ];
        args.extend(write.checks.iter().map(Vec::as_slice));
        args.extend(write.puts.iter().flat_map(|(row, backstop)| [&row[..], &backstop[..]]));
        self.router.run(write.partition, &COMMIT, &keys, &args)
    }

    fn conclude(&self, answer: &Value, partition: usize, version: u64) -> Result<Commit> {
        match text(answer) {
            Some(b"ok") => {
                self.standing.raise_tip(partition, version);
                Ok(Commit::Committed { version })
            }
            Some(b"conflict") => Ok(Commit::Conflict),
            Some(b"fenced") => Err(self.standing.end(TAKEN)),
            Some(b"rolled back") => Err(self.standing.end(ROLLED_BACK)),
            _ => Err(self.standing.end("the server is at a later version than this process")),
        }
    }

    /// Asks what became of a commit whose answer was lost, until there is an answer or no time
    /// left. A commit that is not done by then never will be.
    fn settle(&self, partition: usize, version: u64) -> Result<Settled> {
        let names = self.router.names.get(partition);
        let names = names.ok_or_else(|| Error::new(ErrorKind::Internal, "no such partition"))?;
        let deadline = Instant::now() + self.options.settle_timeout;
        let (keys, lost) = ([names.meta()], encode_version(version));
        for attempt in 1.. {
            let later = encode_version(self.next_reserved()?);
            let tip = encode_version(self.standing.tip(partition));
            let args: [&[u8]; 4] = [self.term.as_bytes(), &tip, &lost, &later];
            match self.router.run(partition, &SETTLE, &keys, &args) {
                Ok(answer) => match text(&answer) {
                    Some(b"done") => return Ok(Settled::Done),
                    Some(b"not done") => return Ok(Settled::NotDone),
                    Some(b"fenced") => return Err(self.standing.end(TAKEN)),
                    _ => return Err(self.standing.end(ROLLED_BACK)),
                },
                Err(failure) if Instant::now() >= deadline => return Err(failure.into_error()),
                Err(_) if self.standing.is_ended() => break,
                Err(_) => thread::sleep(pause(attempt)),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "the store was taken or rolled back meanwhile"))
    }

    fn unknown(&self, error: Error) -> Error {
        self.standing.refuse_writes();
        let message = "the connection to the server was lost during a commit, and what became of \
                       it could not be found out";
        Error::new(ErrorKind::OutcomeUnknown, message).with_source(error)
    }

    fn next_version(&self) -> Result<u64> {
        let version = self.next_reserved()?;
        self.reserve_through(version)?;
        Ok(version)
    }

    /// A version that need not be reserved, as nothing is written with it.
    fn next_reserved(&self) -> Result<u64> {
        let version = self.version.fetch_add(1, Ordering::SeqCst);
        version.checked_add(1).ok_or_else(|| Error::new(ErrorKind::Internal, "out of versions"))
    }

    fn reserve_through(&self, version: u64) -> Result<()> {
        let mut reserved = self.reserved.lock();
        if version <= *reserved {
            return Ok(());
        }
        let bound = version.saturating_add(RESERVED_AT_ONCE);
        let names = self.router.names.first();
        let names = names.ok_or_else(|| Error::new(ErrorKind::Internal, "no such partition"))?;
        let args: [&[u8]; 2] = [self.term.as_bytes(), &encode_version(bound)];
        let answer = self.router.run(0, &RESERVE, &[names.meta()], &args);
        // Whatever became of it: a bound too high does no harm.
        match answer.map_err(Failure::into_error) {
            Ok(answer) if text(&answer) == Some(b"ok") => *reserved = bound,
            Ok(_) => return Err(self.standing.end(TAKEN)),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Once more after a lost answer that turned out to be a commit not done.
const ATTEMPTS: usize = 2;

/// One more write for so many commits, and so many numbers skipped by a reopening.
const RESERVED_AT_ONCE: u64 = 1 << 20;
