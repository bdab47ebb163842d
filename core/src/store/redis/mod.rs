//! The store on a Redis or Valkey server, or a cluster of them.

mod answer;
mod connection;
mod layout;
mod merge;
mod options;
mod owner;
mod pool;
mod router;
mod script;
mod server;
mod standing;
mod writer;

use std::fmt;
use std::sync::Arc;

use redis::Value;

use self::answer::{text, texts};
use self::layout::{backstop, decode_due, decode_row, encode_due, encode_row, encode_version};
use self::layout::{beyond, end_of, from, partition_of};
use self::merge::merge;
use self::owner::Owner;
use self::router::{Failure, Router};
use self::script::{EXPIRED, Request, SCAN};
use self::standing::{Standing, TAKEN};
use self::writer::{Write, Writer};
use super::{Batch, Capabilities, Check, Commit, Due, Key, Lease, Row, SharedEpochs, Store, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Group;
use crate::time::Timestamp;

pub use options::RedisOptions;

/// A [`Store`] on a Redis (6.2 or later) or Valkey server, or a cluster of them.
///
/// It belongs to one process at a time, by a lease: an engine caches, and is not told of what
/// another one writes. A second open is [`Locked`](ErrorKind::Locked). An engine whose lease ran
/// out answers [`Unavailable`](ErrorKind::Unavailable), from its caches as well, until it is
/// renewed; one whose store was taken by another meanwhile answers so for ever, and the servers
/// refuse what it still writes.
///
/// A commit is one script in one slot of a cluster. When its answer is lost, the server is asked
/// what became of it; only when that fails, too, is the outcome unknown. What a durable commit
/// survives is the server's to say: a power loss with `appendonly yes` and `appendfsync always`;
/// with `everysec` a crash of the server, save for what a disk that was busy then had not taken.
/// A server that comes back with less than it acknowledged, or a replica that takes over with
/// less, ends the open store: it answers `Unavailable`. Nothing notices that between two opens,
/// so restore an export rather than a snapshot.
///
/// The server also lets go of a row itself, a day after its expiry or after it was written,
/// whichever is later: a backstop for when no engine is there to sweep.
pub struct RedisStore {
    // Dropped last: it gives the store away.
    writer: Writer,
    standing: Arc<Standing>,
    options: Arc<RedisOptions>,
    _owner: Owner,
}

impl RedisStore {
    /// The longest value, as in the embedded store: 64 KiB of session data and what frames it.
    pub const VALUE_LEN_MAX_BYTES: usize = 72 << 10;

    /// Connects, and takes the store for this process.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig): a setting is outside its range, or the
    ///   server is not set up to keep what it acknowledges. The text says what to set.
    /// - [`PowerLossUnsafe`](ErrorKind::PowerLossUnsafe): required, and not promised.
    /// - [`Locked`](ErrorKind::Locked): another engine has it open.
    /// - [`NewerFormat`](ErrorKind::NewerFormat): written by a newer version. Not changed.
    /// - [`Unavailable`](ErrorKind::Unavailable): cannot be reached, or did not take the password.
    /// - [`Corrupt`](ErrorKind::Corrupt): something else stands where the store's records should.
    pub fn open(options: RedisOptions) -> Result<Self> {
        options.validate()?;
        let options = Arc::new(options);
        let standing = Arc::new(Standing::new(options.partitions));
        let router = Arc::new(Router::new(options.clone(), standing.clone())?);
        let taken = owner::take(&options, &router, &standing)?;
        let (term, reserved) = (taken.term, taken.reserved);
        let writer = Writer::new(options.clone(), router, standing.clone(), term, reserved);
        Ok(RedisStore { writer, standing, options, _owner: taken.owner })
    }

    fn router(&self) -> &Router {
        &self.writer.router
    }

    fn partition(&self, group: Group) -> usize {
        partition_of(group, self.options.partitions)
    }

    fn names(&self, partition: usize) -> Result<&layout::Names> {
        let names = self.router().names.get(partition);
        names.ok_or_else(|| Error::new(ErrorKind::Internal, "no such partition"))
    }

    /// A read, which counts only while the store is surely ours.
    fn read(&self, ask: impl Fn() -> Result<Value, Failure>) -> Result<Value> {
        self.standing.check()?;
        let answer = match ask() {
            // Over a connection that the server had closed long ago, say: once more.
            Err(Failure::Perhaps(_)) => ask(),
            answer => answer,
        };
        let answer = answer.map_err(Failure::into_error)?;
        self.standing.check()?;
        Ok(answer)
    }

    /// Rows of a partition between two bounds.
    fn rows(
        &self,
        partition: usize,
        from: Vec<u8>,
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<(Key, Row)>> {
        let names = self.names(partition)?;
        let (keys, rows) = ([names.index()], names.rows());
        let (mut found, mut from) = (Vec::new(), from);
        while found.len() < limit {
            let wanted = (limit - found.len()).min(ROWS_AT_ONCE);
            let count = wanted.to_string();
            let args: [&[u8]; 4] = [&from, to, count.as_bytes(), &rows];
            let answer = self.read(|| self.router().run(partition, &SCAN, &keys, &args))?;
            let page = texts(&answer);
            let (pairs, rest) = page.as_chunks::<2>();
            if !rest.is_empty() {
                return Err(damaged("a page of rows"));
            }
            for [key, row] in pairs {
                let key = Key::decode(key).ok_or_else(|| damaged("a key"))?;
                found.push((key, decode_row(row).ok_or_else(|| damaged("a row"))?));
            }
            match pairs.last() {
                Some([last, _]) if pairs.len() == wanted => from = beyond(last),
                _ => break,
            }
        }
        Ok(found)
    }

    /// What expires in a partition, between two bounds.
    fn due(&self, partition: usize, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Due>> {
        let names = self.names(partition)?;
        let keys = [names.meta(), names.index(), names.expiry()];
        let term = self.standing.term().unwrap_or_default();
        let (count, rows) = (limit.to_string(), names.rows());
        let args: [&[u8]; 5] = [term.as_bytes(), from, to, count.as_bytes(), &rows];
        let answer = self.read(|| self.router().run(partition, &EXPIRED, &keys, &args))?;
        let entries = texts(&answer);
        let Some((status, entries)) = entries.split_first() else {
            return Err(damaged("a page of expiries"));
        };
        if status != b"ok" {
            return Err(self.standing.end(TAKEN));
        }
        let decode = |entry: &Vec<u8>| decode_due(entry).ok_or_else(|| damaged("an expiry"));
        entries.iter().map(decode).collect()
    }
}

impl Store for RedisStore {
    fn get(&self, key: &Key) -> Result<Option<Row>> {
        let partition = self.partition(key.group());
        let mut command = redis::cmd("GET");
        command.arg(self.names(partition)?.row(key));
        let request = Request::Command(&command);
        match self.read(|| self.router().ask(partition, &request))? {
            Value::Nil => Ok(None),
            value => {
                let row = text(&value).and_then(decode_row);
                row.map(Some).ok_or_else(|| damaged("a row"))
            }
        }
    }

    fn scan(
        &self,
        group: Group,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Key, Row)>> {
        let first = Key::new(group, table, prefix)?.to_vec();
        let after = after.map(|id| Key::new(group, table, id)).transpose()?;
        let start = match after.map(|after| after.to_vec()) {
            Some(after) if after >= first => beyond(&after),
            _ => from(&first),
        };
        self.rows(self.partition(group), start, &end_of(&first), limit)
    }

    fn commit(&self, batch: Batch) -> Result<Commit> {
        batch.validate(RedisStore::VALUE_LEN_MAX_BYTES)?;
        let partition = self.partition(batch.group);
        let names = self.names(partition)?;
        let checked = batch.checks.iter().map(|(key, _)| key);
        let put = batch.puts.iter().map(|(key, ..)| key);
        let rows = checked.chain(put).chain(&batch.deletes).map(|key| names.row(key)).collect();
        let check = |(_, check): &(Key, Check)| match check {
            Check::Absent => Vec::new(),
            Check::Version(version) => encode_version(*version).to_vec(),
        };
        let checks = batch.checks.iter().map(check).collect();
        let put =
            |(_, value, at): &(Key, Vec<u8>, Timestamp)| (encode_row(0, *at, value), backstop(*at));
        let puts = batch.puts.iter().map(put).collect();
        self.writer.write(Write { partition, rows, checks, puts, keeps_versions: false })
    }

    fn expired(&self, after: Option<&Due>, until: Timestamp, limit: usize) -> Result<Vec<Due>> {
        let end = beyond(&until.plus_millis(1).as_millis().to_be_bytes());
        merge(self.options.partitions, limit, |partition, last: Option<&Due>, limit| {
            let from = last.or(after).map_or(b"-".to_vec(), |after| beyond(&encode_due(after)));
            self.due(partition, &from, &end, limit)
        })
    }

    fn dump(&self, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Row)>> {
        let partitions = self.options.partitions;
        let rows = merge(partitions, limit, |partition, last: Option<&Ordered>, limit| {
            let after = last.map(|row| &row.0).or(after);
            let from = after.map_or(b"-".to_vec(), |after| beyond(&after.to_vec()));
            let rows = self.rows(partition, from, b"+", limit)?;
            Ok(rows.into_iter().map(|(key, row)| Ordered(key, row)).collect())
        })?;
        Ok(rows.into_iter().map(|Ordered(key, row)| (key, row)).collect())
    }

    fn load(&self, rows: Vec<(Key, Row)>) -> Result<()> {
        super::key::validate_rows(&rows, RedisStore::VALUE_LEN_MAX_BYTES)?;
        self.standing.check_writes()?;
        let greatest = rows.iter().map(|(_, row)| row.version).max();
        let Some(greatest) = greatest else { return Ok(()) };
        self.writer.raise(greatest)?;
        let mut partitions: Vec<Vec<(Key, Row)>> = Vec::new();
        partitions.resize_with(self.options.partitions, Vec::new);
        for (key, row) in rows {
            if let Some(rows) = partitions.get_mut(self.partition(key.group())) {
                rows.push((key, row));
            }
        }
        for (partition, rows) in partitions.into_iter().enumerate() {
            for rows in rows.chunks(LOADED_AT_ONCE) {
                let names = self.names(partition)?;
                let put = |(_, row): &(Key, Row)| {
                    let at = row.expires_at;
                    (encode_row(row.version, at, &row.value), backstop(at))
                };
                let write = Write {
                    partition,
                    rows: rows.iter().map(|(key, _)| names.row(key)).collect(),
                    checks: Vec::new(),
                    puts: rows.iter().map(put).collect(),
                    keeps_versions: true,
                };
                let _ = self.writer.write(write)?;
            }
        }
        Ok(())
    }

    fn version(&self) -> u64 {
        self.writer.version()
    }

    /// What is acknowledged is as durable as the server makes it.
    fn sync(&self) -> Result<()> {
        self.standing.check_writes()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "redis",
            survives: self.standing.survives(),
            is_shared: false,
            value_len_max_bytes: RedisStore::VALUE_LEN_MAX_BYTES,
            was_rolled_back: false,
        }
    }

    fn lease(&self) -> Option<Arc<Lease>> {
        Some(self.standing.lease.clone())
    }

    fn shared_epochs(&self) -> Option<Arc<SharedEpochs>> {
        None
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("options", &self.options)
            .field("version", &self.version())
            .field("survives", &self.standing.survives())
            .finish_non_exhaustive()
    }
}

/// A row in the order of its key.
struct Ordered(Key, Row);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{what} in the store cannot be read"))
}

/// Rows of one answer: some MiB at the longest value, and a moment of the server's one thread.
const ROWS_AT_ONCE: usize = 256;

/// Rows of one script of `load`.
const LOADED_AT_ONCE: usize = 64;
