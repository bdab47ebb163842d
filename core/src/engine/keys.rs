//! The verbs of the keyring, and the CSRF token.

use std::sync::Arc;

use super::change::{Plan, Written};
use super::events::EventKind;
use super::inspect::engine_key;
use super::{Engine, Inner};
use crate::config::LIFETIME_MAX_MS;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Handle;
use crate::keys::{KeyInfo, Keyring, KeyringRecord};
use crate::kind::TokenKind;
use crate::store::{Batch, Check, Durability};
use crate::sync::RwLockReadGuard;
use crate::time::Timestamp;
use crate::token::CsrfToken;

impl Engine {
    /// The keys, oldest first; never their secrets.
    pub fn keys(&self) -> Vec<KeyInfo> {
        self.inner.keyring().infos().to_vec()
    }

    /// Adds a key that verifies but does not sign yet, and gives its id: where several processes
    /// share the store, publish first and activate once all of them know it. Durable when it
    /// returns.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): 255 keys are in use. Nothing was changed.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): the change may be there after a reopen.
    /// - Other store errors: nothing was changed.
    pub fn publish_key(&self) -> Result<u8> {
        self.inner.change_keys(|keys, now| keys.publish(now))
    }

    /// Makes `id` the key that signs. The one that did goes on verifying; sessions under it get
    /// a [`renewed_token`](crate::Session::renewed_token) when they verify. Durable when it
    /// returns.
    ///
    /// # Errors
    /// - [`NoSuchKey`](ErrorKind::NoSuchKey): unknown, or retired. Nothing was changed.
    /// - As [`publish_key`](Self::publish_key).
    pub fn activate_key(&self, id: u8) -> Result<()> {
        self.inner.change_keys(|keys, now| keys.activate(id, now))
    }

    /// Publishes a key and activates it at once. Gives its id.
    ///
    /// # Errors
    /// As [`publish_key`](Self::publish_key).
    pub fn rotate_key(&self) -> Result<u8> {
        self.inner.change_keys(|keys, now| {
            let id = keys.publish(now)?;
            keys.activate(id, now)?;
            Ok(id)
        })
    }

    /// Retires `id`: every token under it is rejected from the moment this returns, and its
    /// secret is erased. The answer to a leaked key, once another is active.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): it is the active one: activate another first.
    /// - [`NoSuchKey`](ErrorKind::NoSuchKey): unknown. Nothing was changed.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): this process rejects the key from now on;
    ///   whether that survives a restart is not known. Reopen and retire again.
    /// - Other store errors: nothing was changed.
    pub fn retire_key(&self, id: u8) -> Result<()> {
        self.inner.change_keys(|keys, now| keys.retire(id, now))
    }

    /// A CSRF token for the pages of the session of `handle` (synchroniser token; OWASP CSRF
    /// cheat sheet). No store access. It ends with the handle: a rotation needs new ones.
    ///
    /// # Errors
    /// - [`NoRandomness`](ErrorKind::NoRandomness).
    pub fn csrf_token(&self, handle: &Handle) -> Result<CsrfToken> {
        let keyring = self.inner.keyring();
        let (id, key) = keyring.active_key(TokenKind::Csrf)?;
        CsrfToken::sign(handle, id, key)
    }

    /// Whether a request for the session of `handle` brought a CSRF token of it. Verify the
    /// session first: this says nothing of its being valid.
    pub fn is_csrf_token(&self, handle: &Handle, presented: &str) -> bool {
        let keyring = self.inner.keyring();
        CsrfToken::is_for(presented.as_bytes(), handle, |id| keyring.key(TokenKind::Csrf, id))
    }
}

impl Inner {
    /// The keys at work. Not to be held over a store access or another lock.
    pub(super) fn keyring(&self) -> RwLockReadGuard<'_, Arc<Keyring>> {
        self.follow_or_forget();
        self.keyring.read()
    }

    /// Retires the keys that no living token can be under.
    pub(super) fn retire_outlived_keys(&self, now: Timestamp) -> Result<()> {
        let oldest = now.as_millis().saturating_sub(LIFETIME_MAX_MS);
        let oldest = Timestamp::from_millis(oldest);
        if self.keyring().is_any_outlived(oldest) {
            self.change_keys(|keys, now| Ok(keys.retire_outlived(oldest, now)))?;
        }
        Ok(())
    }

    /// Makes keys for access tokens where the keyring has none.
    pub(super) fn equip_keys(&self) -> Result<()> {
        let Some(access) = &self.config.access_tokens else { return Ok(()) };
        if self.keyring().has_jwt_key() {
            return Ok(());
        }
        self.change_keys(|keys, _| keys.equip(access.algorithm))?;
        Ok(())
    }

    /// Puts the keyring as `change` leaves it, as a change of every group: what is cached was
    /// verified under the keys from before.
    pub(super) fn change_keys<R>(
        &self,
        mut change: impl FnMut(&mut KeyringRecord, Timestamp) -> Result<R>,
    ) -> Result<R> {
        let store = self.store()?;
        let algorithm = self.config.access_tokens.as_ref().map(|access| access.algorithm);
        let mut changed = None;
        let next = std::cell::RefCell::new(None);
        let plan = || {
            let key = engine_key(b"keyring")?;
            let missing = || Error::new(ErrorKind::Corrupt, "the keyring is gone from the store");
            let row = store.get(&key)?.ok_or_else(missing)?;
            let mut keys = KeyringRecord::open(&key.to_vec(), &row.value, &self.sealing)?;
            changed = Some(change(&mut keys, self.clock.now())?);
            algorithm.map_or(Ok(false), |algorithm| keys.equip(algorithm))?;
            *next.borrow_mut() = Some(Arc::new(Keyring::new(&keys)?));
            let batch = Batch::new(key.group(), Durability::Durable)
                .check(key, Check::Version(row.version))
                .put(key, keys.seal(&key.to_vec(), &self.sealing)?, Timestamp::NEVER);
            Ok(Plan::from(batch).telling(EventKind::KeysChanged))
        };
        let apply = |written| {
            let Some(next) = next.borrow_mut().take() else { return };
            if written != Written::Surely {
                // What is retired is retired; what is new could be gone after a reopen.
                self.restrict_keys(&next);
            } else if self.epochs.are_shared() {
                // Another process may have changed them since: the next call reads them.
                return;
            } else {
                *self.keyring.write() = next;
            }
            self.equip_access(&self.keyring.read());
        };
        self.change_all(store.as_ref(), plan, apply)?;
        changed.ok_or_else(|| Error::new(ErrorKind::Internal, "a change of keys was not planned"))
    }
}
