//! Opening and closing.

use std::collections::HashMap;
#[cfg(feature = "sled")]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::access::AccessKeys;
use super::agenda::Agenda;
use super::clock::MonotoneClock;
use super::events::Bus;
use super::follow::Following;
use super::inspect::{Condemned, engine_key};
use super::maintain::Maintenance;
use super::transfer::refuse_unfinished;
use super::watch::Watches;
use super::{Engine, Inner};
use crate::cache::{Cache, Epochs, SeenTokens};
use crate::codec::record::{self, Kind};
use crate::config::{Config, Place};
use crate::error::{Error, ErrorKind, Result};
use crate::fork::forks;
use crate::id::{Group, fill_random};
use crate::keys::{Keyring, KeyringRecord, MasterSecret, SealingKey};
use crate::record::GlobalRecord;
use crate::store::{Batch, Check, Commit, Durability, Moves, Store, Survives};
use crate::sync::{AtomicBool, AtomicU8, AtomicU64, Mutex, RwLock};
use crate::time::Timestamp;

impl Engine {
    /// Opens the embedded store in `directory`, making it and its key file if they are not
    /// there.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    #[cfg(feature = "sled")]
    pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
        Engine::open_with(Config::new(directory))
    }

    /// Opens a store with settings of the host's.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig), [`WeakSecret`](ErrorKind::WeakSecret),
    ///   [`KeyFile`](ErrorKind::KeyFile), [`WrongSecret`](ErrorKind::WrongSecret): a setting or
    ///   the secret does not do. Sessions are as they were.
    /// - [`Locked`](ErrorKind::Locked): another engine has the store open.
    /// - [`Corrupt`](ErrorKind::Corrupt), [`NewerFormat`](ErrorKind::NewerFormat),
    ///   [`RolledBack`](ErrorKind::RolledBack),
    ///   [`PowerLossUnsafe`](ErrorKind::PowerLossUnsafe): the store cannot be used as it is.
    pub fn open_with(config: Config) -> Result<Self> {
        config.validate()?;
        let store = open_store(&config)?;
        refuse_unfinished(store.as_ref())?;
        Engine::over(config, store)
    }

    /// The engine over a store that is open.
    pub(super) fn over(config: Config, store: Arc<dyn Store>) -> Result<Self> {
        let capabilities = store.capabilities();
        let seen_tokens = SeenTokens::new(config.cache_len_max_bytes as u64 / 8);
        let started = config.clock.now();
        let (keyring, sealing) = open_keyring(&config, store.as_ref(), started)?;
        let access = config.access_tokens.as_ref();
        let access_keys = access.map(|access| AccessKeys::new(access, &keyring)).transpose()?;
        let global = read_global(store.as_ref())?;
        let mark = read_clock_mark(store.as_ref())?;
        let epochs = Arc::new(Epochs::over(store.shared_epochs()));
        let floor = if config.trust_clock {
            Timestamp::default()
        } else {
            mark.max(epochs.meet_at(Timestamp::default()))
        };
        if floor.since(started) > CLOCK_LAG {
            let lag = floor.since(started).as_secs();
            log::warn!(
                "the clock is {lag} s behind the time that the store has seen, and the engine \
                 goes on from there: put the clock right, or if it was ahead then, open once \
                 with trust_clock"
            );
        }
        let engine = Engine {
            maintenance: Arc::new(Maintenance::new()),
            inner: Arc::new(Inner {
                // An eighth each for API keys and access tokens: they are fewer.
                cache: Cache::new(config.cache_len_max_bytes / 8 * 6, epochs.clone()),
                api_keys: Cache::new(config.cache_len_max_bytes / 8, epochs.clone()),
                clock: MonotoneClock::new(config.clock.clone(), floor),
                config,
                process_id: std::process::id(),
                forks: forks(),
                lease: store.lease(),
                store: RwLock::new(Some(store)),
                capabilities,
                keyring: RwLock::new(Arc::new(keyring)),
                sealing,
                access_keys: RwLock::new(access_keys.map(Arc::new)),
                seen_tokens,
                epochs,
                following: Following::new(),
                stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
                logins: (0..STRIPES).map(|_| Mutex::new(())).collect(),
                generation: AtomicU64::new(global.generation),
                subject_hints: (0..Group::COUNT).map(|_| AtomicU8::new(0)).collect(),
                condemned: Condemned::default(),
                touches: Mutex::new(HashMap::new()),
                clock_mark: AtomicU64::new(floor.as_millis()),
                bus: Bus::default(),
                agenda: Agenda::default(),
                watches: Watches::default(),
                api_key_uses: Mutex::new(HashMap::new()),
                has_work: AtomicBool::new(false),
                unreadable_records: AtomicU64::new(0),
            }),
        };
        if capabilities.was_rolled_back {
            // Before anyone can verify: what was revoked after the copy was made stays so.
            engine.revoke_all()?;
            engine.inner.store()?.sync()?;
        }
        engine.inner.equip_keys()?;
        Ok(engine)
    }

    /// Writes what is pending and closes the store. Every later call on any clone of the engine
    /// is [`Closed`](ErrorKind::Closed). Closing twice is fine.
    ///
    /// # Errors
    /// - [`Forked`](ErrorKind::Forked): it is the parent's to close.
    /// - As [`Store::sync`]. The engine is closed all the same; durable changes are safe.
    pub fn close(&self) -> Result<()> {
        let inner = &*self.inner;
        match inner.refuse_unnoted_fork().and_then(|()| inner.store()) {
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            // It is the parent's to close.
            Err(error) => return Err(error),
            Ok(_) => self.maintenance.stop(),
        }
        let Some(store) = inner.store.read().clone() else { return Ok(()) };
        let flushed = inner
            .flush_touches()
            .and_then(|_| inner.flush_api_key_uses(store.as_ref()))
            .and_then(|()| inner.mark_clock(store.as_ref()));
        // In flight for ever: no entry counts again, whoever still inserts one. The writers wait
        // meanwhile, and then find the engine closed.
        let writers: Vec<_> = inner.stripes.iter().map(|stripe| stripe.lock()).collect();
        if !inner.epochs.are_shared() {
            Group::all().for_each(|group| drop(inner.epochs.begin(group)));
        }
        *inner.store.write() = None;
        drop(writers);
        inner.cache.close();
        inner.api_keys.close();
        inner.bus.close();
        flushed.and(store.sync())
    }
}

pub(super) fn open_store(config: &Config) -> Result<Arc<dyn Store>> {
    match &config.place {
        Place::Store(store) => Ok(store.clone()),
        #[cfg(feature = "sled")]
        Place::Directory(path) => {
            use crate::store::{SledOptions, SledStore};
            let options = SledOptions::new(path)
                .cache_len_max_bytes(config.store_cache_len_max_bytes as u64)
                .require_power_loss_safety(config.require_power_loss_safety)
                .on_rollback(config.on_rollback);
            Ok(Arc::new(SledStore::open(options)?))
        }
        #[cfg(feature = "lmdb")]
        Place::Shared(path) => {
            use crate::store::{LmdbOptions, LmdbStore};
            let options = LmdbOptions::new(path)
                .require_power_loss_safety(config.require_power_loss_safety)
                .on_rollback(config.on_rollback);
            Ok(Arc::new(LmdbStore::open(options)?))
        }
    }
}

fn open_keyring(
    config: &Config,
    store: &dyn Store,
    now: Timestamp,
) -> Result<(Keyring, SealingKey)> {
    let key = engine_key(b"keyring")?;
    let row = store.get(&key)?;
    let sealing = secret_of(config, store)?.load(row.is_none())?;
    let record = match row {
        Some(row) => KeyringRecord::open(&key.to_vec(), &row.value, &sealing)?,
        None => {
            let record = KeyringRecord::generate(now)?;
            let batch = Batch::new(key.group(), Durability::Durable)
                .moving(Moves::Nothing)
                .check(key, Check::Absent)
                .put(key, record.seal(&key.to_vec(), &sealing)?, Timestamp::NEVER);
            match store.commit(batch)? {
                Commit::Committed { .. } => record,
                // Another process was first: its keyring is the one.
                Commit::Conflict => return open_keyring(config, store, now),
            }
        }
    };
    Ok((Keyring::new(&record)?, sealing))
}

fn secret_of(config: &Config, store: &dyn Store) -> Result<MasterSecret> {
    if let Some(secret) = &config.master_secret {
        return Ok(secret.clone());
    }
    match &config.place {
        #[cfg(feature = "sled")]
        Place::Directory(path) => Ok(MasterSecret::KeyFile(path.join("sessile.key"))),
        #[cfg(feature = "lmdb")]
        Place::Shared(path) => Ok(MasterSecret::KeyFile(path.join("sessile.key"))),
        Place::Store(_) if store.capabilities().survives == Survives::Nothing => {
            let mut secret = vec![0; 32];
            fill_random(&mut secret)?;
            Ok(MasterSecret::from_bytes(secret))
        }
        Place::Store(_) => Err(Error::new(
            ErrorKind::InvalidConfig,
            "a store that outlives the process needs a master_secret that does, too",
        )),
    }
}

pub(super) fn read_global(store: &dyn Store) -> Result<GlobalRecord> {
    let key = engine_key(b"global")?;
    let Some(row) = store.get(&key)? else { return Ok(GlobalRecord::default()) };
    record::decode(Kind::Global, &key.to_vec(), &row.value).map_err(|_| {
        Error::new(ErrorKind::Corrupt, "the global record cannot be read: import an export")
    })
}

fn read_clock_mark(store: &dyn Store) -> Result<Timestamp> {
    let key = engine_key(b"clock")?;
    let Some(row) = store.get(&key)? else { return Ok(Timestamp::default()) };
    record::decode(Kind::Clock, &key.to_vec(), &row.value).map_err(|_| {
        Error::new(ErrorKind::Corrupt, "the time of the last use cannot be read: import an export")
    })
}

/// A clock that is further behind at open than this is worth a warning.
const CLOCK_LAG: Duration = Duration::from_secs(60);

/// With 16 writers, two meet at one lock in 12 % of the cases. No more than there are groups.
pub(super) const STRIPES: usize = if Group::COUNT < 1024 { Group::COUNT } else { 1024 };
