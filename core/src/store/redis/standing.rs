//! What this process knows of its right to the store, and of how far the store had come.

use std::sync::Arc;

use redis::Value;

use super::answer::texts;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Lease, Survives};
use crate::sync::{AtomicBool, AtomicU64, Mutex, OnceLock, Ordering};

/// Shared by everything that talks to the servers.
pub(super) struct Standing {
    pub(super) lease: Arc<Lease>,
    /// As text. Once this process owns the store.
    term: OnceLock<String>,
    survives: OnceLock<Survives>,
    /// By partition: the last version acknowledged.
    tips: Vec<AtomicU64>,
    /// Why nothing is answered any more.
    end: Mutex<Option<&'static str>>,
    is_ended: AtomicBool,
    /// An outcome is unknown: no more writes.
    is_refusing: AtomicBool,
    process_id: u32,
}

impl Standing {
    pub(super) fn new(partitions: usize) -> Self {
        Standing {
            lease: Arc::new(Lease::new()),
            term: OnceLock::new(),
            survives: OnceLock::new(),
            tips: (0..partitions).map(|_| AtomicU64::new(0)).collect(),
            end: Mutex::new(None),
            is_ended: AtomicBool::new(false),
            is_refusing: AtomicBool::new(false),
            process_id: std::process::id(),
        }
    }

    pub(super) fn own(&self, term: String) {
        let _ = self.term.set(term);
    }

    pub(super) fn term(&self) -> Option<String> {
        self.term.get().cloned()
    }

    pub(super) fn promise(&self, survives: Survives) {
        let _ = self.survives.set(survives);
    }

    pub(super) fn survives(&self) -> Survives {
        self.survives.get().copied().unwrap_or(Survives::Nothing)
    }

    pub(super) fn tip(&self, partition: usize) -> u64 {
        self.tips.get(partition).map_or(0, |tip| tip.load(Ordering::SeqCst))
    }

    pub(super) fn raise_tip(&self, partition: usize, version: u64) {
        if let Some(tip) = self.tips.get(partition) {
            tip.fetch_max(version, Ordering::SeqCst);
        }
    }

    /// Refuses a server that promises less than the store did when it was opened.
    pub(super) fn admit(&self, survives: Survives) -> Result<()> {
        if survives >= self.survives() {
            return Ok(());
        }
        let message = "the server's appendonly or appendfsync was changed to promise less than \
                       when the store was opened: change it back, or open the store again";
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    /// Whether a partition is what it was: ours, and no older than `tip`.
    pub(super) fn compare(&self, answer: &Value, term: &str, tip: u64) -> Result<()> {
        let stands = texts(answer);
        let is_ours = stands.first().is_some_and(|found| found == term.as_bytes());
        let found = stands.get(1).and_then(|tip| tip.as_slice().try_into().ok());
        if stands.len() < 2 {
            return Err(self.end(ROLLED_BACK));
        }
        if !is_ours {
            return Err(self.end(TAKEN));
        }
        if found.is_none_or(|found| u64::from_be_bytes(found) < tip) {
            return Err(self.end(ROLLED_BACK));
        }
        Ok(())
    }

    /// Before and after a read, and before a write.
    ///
    /// # Errors
    /// - [`Forked`](ErrorKind::Forked): this is a child, and the connections are the parent's.
    /// - [`Unavailable`](ErrorKind::Unavailable): the store is not ours, or not surely.
    pub(super) fn check(&self) -> Result<()> {
        if self.is_forked() {
            let message = "this store was opened before the process forked: open one in the child";
            return Err(Error::new(ErrorKind::Forked, message));
        }
        if self.is_ended.load(Ordering::SeqCst)
            && let Some(why) = *self.end.lock()
        {
            return Err(Error::new(ErrorKind::Unavailable, why));
        }
        if !self.lease.is_held() {
            let message = "the lease on the store ran out: its server did not answer for too long";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        Ok(())
    }

    pub(super) fn check_writes(&self) -> Result<()> {
        self.check()?;
        if self.is_refusing.load(Ordering::SeqCst) {
            let message = "the outcome of an earlier write is unknown: open the store again";
            return Err(Error::new(ErrorKind::WritesRefused, message));
        }
        Ok(())
    }

    pub(super) fn is_forked(&self) -> bool {
        std::process::id() != self.process_id
    }

    pub(super) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::SeqCst)
    }

    pub(super) fn refuse_writes(&self) {
        self.is_refusing.store(true, Ordering::SeqCst);
    }

    /// Nothing is answered from now on.
    pub(super) fn end(&self, why: &'static str) -> Error {
        let mut end = self.end.lock();
        if end.is_none() {
            *end = Some(why);
            log::error!("the store answers nothing any more: {why}");
        }
        self.is_ended.store(true, Ordering::SeqCst);
        self.lease.end();
        Error::new(ErrorKind::Unavailable, why)
    }
}

pub(super) const TAKEN: &str =
    "another engine has taken the store, as the lease of this one ran out: open it again";
pub(super) const ROLLED_BACK: &str = "the server came back with less than it had acknowledged, and what was revoked would be valid \
     again: restore it, or empty it and restore an export";
