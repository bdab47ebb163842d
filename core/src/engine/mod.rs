//! The engine: the only place that joins store, cache, keyring and policy.

mod access;
mod agenda;
mod api_key;
mod at_once;
mod change;
mod clock;
mod cookies;
mod create;
mod data;
mod events;
mod follow;
mod foreign_access;
#[cfg(feature = "testing")]
mod held;
mod import_rows;
mod inspect;
mod introspect;
mod keys;
mod maintain;
mod open;
mod refresh;
mod revoke;
mod rotate;
mod session;
mod signed;
mod single_use;
mod subject;
mod touch;
mod transfer;
mod upgrade;
mod verify;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;

use crate::cache::{Cache, Epochs, SeenTokens};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::fork::{forks, note_fork};
use crate::id::Handle;
use crate::keys::{Keyring, SealingKey};
use crate::store::{Capabilities, Lease, Store};
use crate::sync::{AtomicBool, AtomicU8, AtomicU64, Mutex, Ordering, RwLock};
use crate::time::Timestamp;

use access::AccessKeys;
pub use access::{AccessOptions, AccessVerdict, IssuedAccess};
use agenda::Agenda;
pub use api_key::{ApiKey, ApiKeyOptions, ApiKeyVerdict, IssuedApiKey};
use clock::MonotoneClock;
pub use create::CreateOptions;
use events::Bus;
pub use events::{Event, EventKind, Subscription};
use follow::Following;
pub use foreign_access::ForeignAccessVerdict;
#[cfg(feature = "testing")]
pub use held::Held;
pub use import_rows::{ImportedRows, RefusedLine};
use inspect::Condemned;
use maintain::Maintenance;
pub use maintain::TickReport;
pub use refresh::{Refresh, RefreshGrant, RefreshRequest, Refreshed};
pub use rotate::RotateOptions;
pub use session::{Authentication, Issued, Session, SessionInfo, Verdict};
pub use signed::Unsigned;
pub use single_use::{IssuedSingleUse, SingleUse, SingleUseOptions};
use touch::Pending;
pub use transfer::Restored;
pub use upgrade::Upgrade;
pub use watch::Watch;
use watch::Watches;

/// One open store with its caches and keys. Every method may be called from any thread; clones
/// are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    maintenance: Arc<Maintenance>,
}

struct Inner {
    config: Config,
    /// Of the process that opened it, and how many forks were noted then.
    process_id: u32,
    forks: u64,
    /// `None` once closed.
    store: RwLock<Option<Arc<dyn Store>>>,
    /// While it has run out, nothing is answered from the caches.
    lease: Option<Arc<Lease>>,
    capabilities: Capabilities,
    keyring: RwLock<Arc<Keyring>>,
    sealing: SealingKey,
    /// `None`: access tokens are not configured.
    access_keys: RwLock<Option<Arc<AccessKeys>>>,
    seen_tokens: SeenTokens,
    epochs: Arc<Epochs>,
    following: Following,
    cache: Cache,
    /// Apart from the sessions, so that neither is ever taken for the other.
    api_keys: Cache,
    /// One lock for each 64 groups: one writer of a group at a time.
    stripes: Box<[Mutex<()>]>,
    /// The same for logins where the sessions of a subject are limited, taken before them.
    logins: Box<[Mutex<()>]>,
    /// Sessions of an earlier generation are revoked.
    generation: AtomicU64,
    /// Whether a group has subject rows: unknown, none, some. Spares the second store read of
    /// almost every miss.
    subject_hints: Box<[AtomicU8]>,
    condemned: Condemned,
    clock: MonotoneClock,
    /// Touches that the store has yet to learn of.
    touches: Mutex<HashMap<Handle, Pending>>,
    /// The time that the store has, so that a restart with a clock set back is noticed.
    clock_mark: AtomicU64,
    bus: Bus,
    agenda: Agenda,
    watches: Watches,
    /// Uses of API keys that the store has yet to learn of.
    api_key_uses: Mutex<HashMap<Handle, Timestamp>>,
    has_work: AtomicBool,
    unreadable_records: AtomicU64,
}

/// What an engine has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The store's name.
    pub store: &'static str,
    /// What a durable commit survives.
    pub survives: crate::store::Survives,
    /// Sessions in the cache.
    pub cached_sessions: u64,
    /// Bytes that they and the API keys in the cache take.
    pub cached_bytes: u64,
    /// Verifications that the cache answered; a few may be missing.
    pub cache_hits: u64,
    /// Verifications that it did not; a few may be missing.
    pub cache_misses: u64,
    /// Sessions that left the cache to make room.
    pub cache_evictions: u64,
    /// Rows that could not be read, and whose sessions are therefore rejected.
    pub unreadable_records: u64,
    /// Touches that the store has yet to learn of.
    pub pending_touches: u64,
}

impl Engine {
    /// What the engine has done so far.
    pub fn stats(&self) -> Stats {
        let inner = &*self.inner;
        let (cache, api_keys) = (inner.cache.stats(), inner.api_keys.stats());
        Stats {
            store: inner.capabilities.name,
            survives: inner.capabilities.survives,
            cached_sessions: cache.entries,
            cached_bytes: cache.bytes + api_keys.bytes,
            cache_hits: cache.hits,
            cache_misses: cache.misses,
            cache_evictions: cache.evictions,
            unreadable_records: inner.unreadable_records.load(Ordering::Relaxed),
            pending_touches: inner.touches.lock().len() as u64,
        }
    }
}

impl Inner {
    fn store(&self) -> Result<Arc<dyn Store>> {
        self.refuse_forked()?;
        self.follow()?;
        let store = self.store.read();
        store.clone().ok_or_else(|| Error::new(ErrorKind::Closed, "the engine is closed"))
    }

    /// Finds out about a fork that nobody noted: a system call, so not for the path of a fill.
    fn refuse_unnoted_fork(&self) -> Result<()> {
        if std::process::id() != self.process_id {
            note_fork();
        }
        self.refuse_forked()
    }

    /// What every answer from a cache asks first.
    #[inline]
    fn refuse_stale(&self) -> Result<()> {
        self.refuse_forked()?;
        match &self.lease {
            Some(lease) if !lease.is_held() => Err(lease_ran_out()),
            _ => Ok(()),
        }
    }

    #[inline]
    fn refuse_forked(&self) -> Result<()> {
        if forks() == self.forks { Ok(()) } else { Err(forked()) }
    }
}

#[cold]
fn lease_ran_out() -> Error {
    let message = "the lease on the store ran out, and what is cached may be out of date";
    Error::new(ErrorKind::Unavailable, message)
}

#[cold]
fn forked() -> Error {
    let message = "this engine was opened before the process forked: open one in the child";
    Error::new(ErrorKind::Forked, message)
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("store", &self.inner.capabilities.name).finish()
    }
}
