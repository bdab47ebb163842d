//! A store that fails when it is told to, counts what is asked of it, and lets a test step in.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::id::Group;
use crate::store::{Batch, Capabilities, Commit, Due, Key, Lease, Row, SharedEpochs, Store, Table};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::time::Timestamp;

/// A wrapper of any [`Store`].
///
/// It keeps the contract: after it gave [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) it refuses
/// writes until [`heal`](Self::heal).
///
/// ```
/// use std::sync::Arc;
/// use sessile::store::{Key, MemoryStore, Store, Table};
/// use sessile::testing::{Fault, FaultStore, Op};
/// use sessile::{ErrorKind, Group};
///
/// # fn main() -> sessile::Result<()> {
/// let store = FaultStore::new(Arc::new(MemoryStore::new()));
/// store.fail(Fault::once(Op::Get, 2, ErrorKind::Unavailable));
/// let key = Key::new(Group(0), Table::Session, b"x")?;
/// assert!(store.get(&key).is_ok());
/// assert!(store.get(&key).is_err());
/// assert_eq!(store.counts().gets, 2);
/// # Ok(())
/// # }
/// ```
pub struct FaultStore {
    inner: Arc<dyn Store>,
    faults: Mutex<Vec<Fault>>,
    calls: [AtomicU64; Op::COUNT],
    failed: AtomicU64,
    is_refusing: AtomicBool,
    get_hook: Mutex<Option<GetHook>>,
    commit_hook: Mutex<Option<CommitHook>>,
}

type GetHook = Arc<dyn Fn(Moment, &Key) + Send + Sync>;
type CommitHook = Arc<dyn Fn(Moment, &Batch) + Send + Sync>;

/// A method of [`Store`] that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `get`
    Get,
    /// `scan`
    Scan,
    /// `commit`
    Commit,
    /// `expired`
    Expired,
    /// `dump`
    Dump,
    /// `load`
    Load,
    /// `sync`
    Sync,
}

impl Op {
    /// Every one.
    pub const ALL: [Op; 7] =
        [Op::Get, Op::Scan, Op::Commit, Op::Expired, Op::Dump, Op::Load, Op::Sync];

    const COUNT: usize = Op::ALL.len();

    /// Whether it is one that can be left with an unknown outcome.
    pub fn is_write(self) -> bool {
        matches!(self, Op::Commit | Op::Load | Op::Sync)
    }
}

/// Before or after the wrapped store did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before: nothing happened.
    Before,
    /// After: it happened, whatever the caller is told.
    After,
}

/// When to fail, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which method fails.
    pub op: Op,
    /// Which call of it, counted from the moment the fault is set; the next one is 1.
    pub call: u64,
    /// Whether every later call fails too.
    pub is_lasting: bool,
    /// What the caller is told.
    pub kind: ErrorKind,
    /// Whether it happened. With [`OutcomeUnknown`](ErrorKind::OutcomeUnknown), `After` is
    /// "written but not acknowledged".
    pub moment: Moment,
}

impl Fault {
    /// The `call`-th call of `op` fails with `kind`, and nothing happens.
    pub fn once(op: Op, call: u64, kind: ErrorKind) -> Self {
        Fault { op, call, is_lasting: false, kind, moment: Moment::Before }
    }

    /// The same, and every later call.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.is_lasting = true;
        self
    }

    /// The same, after the wrapped store did its work.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.moment = Moment::After;
        self
    }
}

/// How often each method of a store was called, failed calls included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counts {
    pub gets: u64,
    pub scans: u64,
    pub commits: u64,
    pub expireds: u64,
    pub dumps: u64,
    pub loads: u64,
    pub syncs: u64,
}

impl FaultStore {
    /// A wrapper of `inner` that does not fail yet.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        FaultStore {
            inner,
            faults: Mutex::new(Vec::new()),
            calls: std::array::from_fn(|_| AtomicU64::new(0)),
            failed: AtomicU64::new(0),
            is_refusing: AtomicBool::new(false),
            get_hook: Mutex::new(None),
            commit_hook: Mutex::new(None),
        }
    }

    /// The wrapped store, to look past the faults.
    pub fn inner(&self) -> &Arc<dyn Store> {
        &self.inner
    }

    /// Adds a fault.
    pub fn fail(&self, fault: Fault) {
        let call = fault.call.saturating_add(self.calls(fault.op));
        self.faults.lock().push(Fault { call, ..fault });
    }

    /// Removes every fault, and takes writes again, as reopening would.
    pub fn heal(&self) {
        self.faults.lock().clear();
        self.is_refusing.store(false, Ordering::SeqCst);
    }

    /// The calls so far.
    pub fn counts(&self) -> Counts {
        Counts {
            gets: self.calls(Op::Get),
            scans: self.calls(Op::Scan),
            commits: self.calls(Op::Commit),
            expireds: self.calls(Op::Expired),
            dumps: self.calls(Op::Dump),
            loads: self.calls(Op::Load),
            syncs: self.calls(Op::Sync),
        }
    }

    /// The calls of one method so far.
    pub fn calls(&self, op: Op) -> u64 {
        self.calls.get(op as usize).map_or(0, |calls| calls.load(Ordering::SeqCst))
    }

    /// The calls so far that failed by a fault, or were refused after one.
    pub fn failed_calls(&self) -> u64 {
        self.failed.load(Ordering::SeqCst)
    }

    /// Calls `hook` before and after every `get`, on the caller's thread: it may block.
    pub fn on_get(&self, hook: impl Fn(Moment, &Key) + Send + Sync + 'static) {
        *self.get_hook.lock() = Some(Arc::new(hook));
    }

    /// Calls `hook` before and after every `commit`, on the caller's thread: it may block.
    pub fn on_commit(&self, hook: impl Fn(Moment, &Batch) + Send + Sync + 'static) {
        *self.commit_hook.lock() = Some(Arc::new(hook));
    }

    /// Removes both hooks.
    pub fn clear_hooks(&self) {
        *self.get_hook.lock() = None;
        *self.commit_hook.lock() = None;
    }

    fn run<T>(&self, op: Op, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let call = match self.calls.get(op as usize) {
            Some(calls) => calls.fetch_add(1, Ordering::SeqCst) + 1,
            None => 0,
        };
        if op.is_write() && self.is_refusing.load(Ordering::SeqCst) {
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::WritesRefused, "refused after an injected fault"));
        }
        let hits = |fault: &&Fault| {
            fault.op == op && (fault.call == call || (fault.is_lasting && fault.call <= call))
        };
        let fault = self.faults.lock().iter().find(hits).copied();
        let Some(fault) = fault else { return work() };
        if fault.moment == Moment::After {
            work()?;
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        if op.is_write() && fault.kind == ErrorKind::OutcomeUnknown {
            self.is_refusing.store(true, Ordering::SeqCst);
        }
        Err(Error::new(fault.kind, "injected fault"))
    }
}

impl Store for FaultStore {
    fn get(&self, key: &Key) -> Result<Option<Row>> {
        let hook = self.get_hook.lock().clone();
        if let Some(hook) = &hook {
            hook(Moment::Before, key);
        }
        let row = self.run(Op::Get, || self.inner.get(key));
        if let Some(hook) = &hook {
            hook(Moment::After, key);
        }
        row
    }

    fn scan(
        &self,
        group: Group,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Key, Row)>> {
        self.run(Op::Scan, || self.inner.scan(group, table, prefix, after, limit))
    }

    fn commit(&self, batch: Batch) -> Result<Commit> {
        let hook = self.commit_hook.lock().clone();
        let Some(hook) = hook else {
            return self.run(Op::Commit, || self.inner.commit(batch));
        };
        hook(Moment::Before, &batch);
        let answer = self.run(Op::Commit, || self.inner.commit(batch.clone()));
        hook(Moment::After, &batch);
        answer
    }

    fn expired(&self, after: Option<&Due>, until: Timestamp, limit: usize) -> Result<Vec<Due>> {
        self.run(Op::Expired, || self.inner.expired(after, until, limit))
    }

    fn dump(&self, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Row)>> {
        self.run(Op::Dump, || self.inner.dump(after, limit))
    }

    fn load(&self, rows: Vec<(Key, Row)>) -> Result<()> {
        self.run(Op::Load, || self.inner.load(rows))
    }

    fn version(&self) -> u64 {
        self.inner.version()
    }

    fn sync(&self) -> Result<()> {
        self.run(Op::Sync, || self.inner.sync())
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn lease(&self) -> Option<Arc<Lease>> {
        self.inner.lease()
    }

    fn shared_epochs(&self) -> Option<Arc<SharedEpochs>> {
        self.inner.shared_epochs()
    }
}

impl fmt::Debug for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
