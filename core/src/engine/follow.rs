//! What other processes have changed for everyone: the keys, and the generation that a
//! `revoke_all` begins. Where a store is shared, its common epoch says that there is something
//! to read.

use std::sync::Arc;

use super::Inner;
use super::access::AccessKeys;
use super::inspect::engine_key;
use super::open::read_global;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::{Keyring, KeyringRecord};
use crate::store::Store;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// How far this process follows.
pub(super) struct Following {
    /// The common stamp before keys and generation were read last. Odd: they were not.
    stamp: AtomicU64,
    /// Held while they are read and put in place, so that nothing older comes in last.
    known: Mutex<Known>,
}

struct Known {
    /// The version of the row of the keyring at work.
    keyring_version: Option<u64>,
    /// Whether a change of keys has had an unknown outcome: what it retired stays out.
    is_restricted: bool,
}

impl Following {
    pub(super) fn new() -> Self {
        let known = Mutex::new(Known { keyring_version: None, is_restricted: false });
        Following { stamp: AtomicU64::new(NEVER), known }
    }
}

impl Inner {
    /// Catches up with what other processes have changed for everyone before this call began.
    #[inline]
    pub(super) fn follow(&self) -> Result<()> {
        if !self.epochs.are_shared()
            || self.epochs.common_stamp() == Some(self.following.stamp.load(Ordering::Acquire))
        {
            return Ok(());
        }
        let store = self.store.read().clone();
        store.map_or(Ok(()), |store| self.catch_up(store.as_ref()))
    }

    /// The same where nobody can be told that it failed: then no key is good until it works.
    #[inline]
    pub(super) fn follow_or_forget(&self) {
        if let Err(error) = self.follow()
            && error.kind() != ErrorKind::Forked
        {
            log::error!("the keys could not be read again, and none is trusted: {error}");
            let mut known = self.following.known.lock();
            known.keyring_version = None;
            self.following.stamp.store(NEVER, Ordering::Release);
            let mut keyring = self.keyring.write();
            *keyring = Arc::new(keyring.without_any());
        }
    }

    /// Takes what a change of keys of unknown outcome left, for good.
    pub(super) fn restrict_keys(&self, next: &Keyring) {
        self.following.known.lock().is_restricted = true;
        let mut keyring = self.keyring.write();
        *keyring = Arc::new(keyring.without_those_missing_in(next));
    }

    #[cold]
    fn catch_up(&self, store: &dyn Store) -> Result<()> {
        let mut known = self.following.known.lock();
        // Before what it stands for is read, as for every fill.
        let stamp = self.epochs.common_stamp();
        let key = engine_key(b"keyring")?;
        let gone = || Error::new(ErrorKind::Corrupt, "the keyring is gone from the store");
        let row = store.get(&key)?.ok_or_else(gone)?;
        if known.keyring_version != Some(row.version) {
            let record = KeyringRecord::open(&key.to_vec(), &row.value, &self.sealing)?;
            let mut next = Keyring::new(&record)?;
            let mut keyring = self.keyring.write();
            if known.is_restricted {
                next = next.without_those_missing_in(&keyring);
            }
            *keyring = Arc::new(next);
            self.equip_access(&keyring);
            known.keyring_version = Some(row.version);
        }
        let generation = read_global(store)?.generation;
        self.generation.fetch_max(generation, Ordering::AcqRel);
        self.following.stamp.store(stamp.unwrap_or(NEVER), Ordering::Release);
        Ok(())
    }

    /// Puts the keyring's keys to work for access tokens.
    pub(super) fn equip_access(&self, keyring: &Keyring) {
        if let Some(access) = &self.config.access_tokens {
            // Without keys nothing verifies: better than under those from before.
            let keys = AccessKeys::new(access, keyring).ok();
            *self.access_keys.write() = keys.map(Arc::new);
        }
        self.seen_tokens.forget();
    }
}

/// No stamp is odd.
const NEVER: u64 = 1;
