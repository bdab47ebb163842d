//! The keyring: the secrets that sign, their states, and what is derived from them.
//!
//! published -> active -> verifying -> retired. Exactly one key is active and signs. A published
//! key verifies already, so that processes which learn of it late miss nothing. A retired key
//! verifies nothing, and its secret is gone from the store.

use std::fmt;
use std::sync::Arc;

use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::algorithm::Algorithm;
use super::master::{SealingKey, derive};
use super::signing::SigningKey;
use crate::codec::record::{self, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Group, Subject, fill_random};
use crate::kind::TokenKind;
use crate::time::Timestamp;

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyState {
    /// Known and verifying, but not signing yet.
    Published,
    /// Signing. One key is.
    Active,
    /// No longer signing; what it signed is still good.
    Verifying,
    /// What it signed is rejected. Its secret is erased.
    Retired,
}

/// What there is to know of a key; never its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The second byte of the tokens that it signs.
    pub id: u8,
    /// Where it stands.
    pub state: KeyState,
    /// Since when it stands there.
    pub since: Timestamp,
    /// Whether it has signed an API key. Then it verifies until it is retired on purpose.
    pub has_api_keys: bool,
}

impl KeyInfo {
    /// Whether whatever it signed has expired by now, when nothing lives longer than since
    /// `oldest`.
    fn is_outlived(&self, oldest: Timestamp) -> bool {
        self.state == KeyState::Verifying && self.since <= oldest && !self.has_api_keys
    }
}

/// The keyring as it is stored, sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeyringRecord {
    /// Hashes subjects to groups and row ids. Never rotated: rows are found by it.
    subject_secret: [u8; 32],
    keys: Vec<KeyRecord>,
}

#[derive(Clone, Serialize, Deserialize)]
struct KeyRecord {
    id: u8,
    state: KeyState,
    since: Timestamp,
    /// It has signed an API key, which may have no end: it never retires by itself.
    has_api_keys: bool,
    /// Zeros once retired.
    root: [u8; 32],
    /// What signs JWTs, if there are any; empty once retired.
    jwt: Vec<u8>,
}

impl KeyRecord {
    fn erase(&mut self) {
        self.root.zeroize();
        self.jwt.zeroize();
    }
}

impl Drop for KeyringRecord {
    fn drop(&mut self) {
        self.subject_secret.zeroize();
        self.keys.iter_mut().for_each(KeyRecord::erase);
    }
}

impl KeyringRecord {
    /// A new keyring with one active key.
    pub(crate) fn generate(now: Timestamp) -> Result<Self> {
        let mut record = KeyringRecord { subject_secret: [0; 32], keys: Vec::new() };
        fill_random(&mut record.subject_secret)?;
        record.publish(now)?;
        record.activate(0, now)?;
        Ok(record)
    }

    /// Adds a key and says its id.
    pub(crate) fn publish(&mut self, now: Timestamp) -> Result<u8> {
        let taken = |id: u8| self.keys.iter().any(|k| k.id == id && k.state != KeyState::Retired);
        // After the newest id, so that the id of a retired key comes again as late as possible.
        let newest = self.keys.last().map_or(u8::MAX, |key| key.id);
        let id = (1..=u8::MAX).map(|step| newest.wrapping_add(step)).find(|id| !taken(*id));
        let Some(id) = id else {
            let message = "255 keys are in use: retire some before you make another";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        self.keys.retain(|key| key.id != id);
        let state = KeyState::Published;
        let mut key = KeyRecord {
            id,
            state,
            since: now,
            has_api_keys: false,
            root: [0; 32],
            jwt: Vec::new(),
        };
        fill_random(&mut key.root)?;
        self.keys.push(key);
        Ok(id)
    }

    /// Makes `id` the key that signs; the one that did goes on verifying.
    pub(crate) fn activate(&mut self, id: u8, now: Timestamp) -> Result<()> {
        let state = self.keys.iter().find(|key| key.id == id).map(|key| key.state);
        match state {
            Some(KeyState::Active) => return Ok(()),
            Some(KeyState::Published | KeyState::Verifying) => {}
            Some(KeyState::Retired) | None => return Err(no_such_key(id)),
        }
        for key in &mut self.keys {
            if key.state == KeyState::Active {
                (key.state, key.since) = (KeyState::Verifying, now);
            }
            if key.id == id {
                (key.state, key.since) = (KeyState::Active, now);
            }
        }
        Ok(())
    }

    /// Gives every key that may sign one day what signs JWTs with `algorithm`, where it lacks
    /// that. Says whether one did.
    pub(crate) fn equip(&mut self, algorithm: Algorithm) -> Result<bool> {
        let mut has_changed = false;
        for key in &mut self.keys {
            let may_sign = matches!(key.state, KeyState::Published | KeyState::Active);
            if may_sign && key.jwt.is_empty() {
                key.jwt = SigningKey::generate(algorithm)?.to_bytes().to_vec();
                has_changed = true;
            }
        }
        Ok(has_changed)
    }

    /// Gives key `id` this one to sign JWTs with. It must not have signed any yet.
    pub(crate) fn import(&mut self, id: u8, signing: &SigningKey) -> Result<()> {
        let key = self.keys.iter_mut().find(|key| key.id == id).ok_or_else(|| no_such_key(id))?;
        key.jwt = signing.to_bytes().to_vec();
        Ok(())
    }

    /// Notes that the active key signs an API key.
    pub(crate) fn keep_for_api_keys(&mut self) {
        let active = self.keys.iter_mut().filter(|key| key.state == KeyState::Active);
        active.for_each(|key| key.has_api_keys = true);
    }

    /// Retires `id` and erases its secret. The active key cannot be retired: activate another
    /// one first.
    pub(crate) fn retire(&mut self, id: u8, now: Timestamp) -> Result<()> {
        let key = self.keys.iter_mut().find(|key| key.id == id).ok_or_else(|| no_such_key(id))?;
        match key.state {
            KeyState::Active => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("key {id} is the active one: activate another before you retire it"),
            )),
            KeyState::Retired => Ok(()),
            KeyState::Published | KeyState::Verifying => {
                (key.state, key.since) = (KeyState::Retired, now);
                key.erase();
                Ok(())
            }
        }
    }

    /// Retires the keys whose last token has expired: verifying since `oldest` or longer.
    /// Says whether there was one.
    pub(crate) fn retire_outlived(&mut self, oldest: Timestamp, now: Timestamp) -> bool {
        let infos = self.infos().into_iter();
        let ids: Vec<u8> = infos.filter(|key| key.is_outlived(oldest)).map(|key| key.id).collect();
        ids.iter().for_each(|id| drop(self.retire(*id, now)));
        !ids.is_empty()
    }

    /// The keys, oldest first.
    pub(crate) fn infos(&self) -> Vec<KeyInfo> {
        let info = |key: &KeyRecord| KeyInfo {
            id: key.id,
            state: key.state,
            since: key.since,
            has_api_keys: key.has_api_keys,
        };
        self.keys.iter().map(info).collect()
    }

    /// The bytes of the row under `key`.
    pub(crate) fn seal(&self, key: &[u8], sealing: &SealingKey) -> Result<Vec<u8>> {
        let plain = postcard::to_allocvec(self).map(Zeroizing::new).map_err(|error| {
            Error::new(ErrorKind::Internal, "the keyring could not be encoded").with_source(error)
        })?;
        record::encode(Kind::Keyring, key, &sealing.seal(key, plain)?)
    }

    /// The keyring that stands in the row under `key`.
    ///
    /// # Errors
    /// - [`WrongSecret`](ErrorKind::WrongSecret): sealed under another master secret.
    /// - [`NewerFormat`](ErrorKind::NewerFormat), [`Corrupt`](ErrorKind::Corrupt).
    pub(crate) fn open(key: &[u8], row: &[u8], sealing: &SealingKey) -> Result<Self> {
        let sealed: Vec<u8> = record::decode(Kind::Keyring, key, row).map_err(|bad| match bad {
            record::BadRecord::Newer => Error::new(
                ErrorKind::NewerFormat,
                "the keyring was written by a newer version of sessile: use that version",
            ),
            record::BadRecord::Damaged => Error::new(
                ErrorKind::Corrupt,
                "the keyring is damaged: restore an export, or start with an empty store",
            ),
        })?;
        let plain = sealing.open(key, &sealed).ok_or_else(|| {
            Error::new(
                ErrorKind::WrongSecret,
                "the master secret does not open this store's keyring: give the one that it was \
                 made with",
            )
        })?;
        postcard::from_bytes(&plain)
            .map_err(|_| Error::new(ErrorKind::Corrupt, "the keyring does not decode"))
    }
}

fn no_such_key(id: u8) -> Error {
    let message = format!("key {id} is not in the keyring, or retired");
    Error::new(ErrorKind::NoSuchKey, message)
}

/// The keyring at work: the keys of each purpose, derived.
pub(crate) struct Keyring {
    subject_key: hmac::Key,
    foreign_key: hmac::Key,
    slots: Vec<Option<Slot>>,
    active: u8,
    infos: Vec<KeyInfo>,
}

#[derive(Clone)]
struct Slot {
    session: hmac::Key,
    csrf: hmac::Key,
    refresh: hmac::Key,
    single_use: hmac::Key,
    api_key: hmac::Key,
    signed: hmac::Key,
    jwt: Option<Arc<SigningKey>>,
}

impl Keyring {
    /// Derives the keys of every purpose: HKDF with the purpose as label, so that no key serves
    /// two.
    pub(crate) fn new(record: &KeyringRecord) -> Result<Self> {
        let mut slots: Vec<Option<Slot>> = Vec::new();
        slots.resize_with(256, || None);
        let mut active = None;
        for key in &record.keys {
            if key.state == KeyState::Retired {
                continue;
            }
            if key.state == KeyState::Active {
                active = Some(key.id);
            }
            let slot = Slot {
                session: hmac_key(&key.root, b"sessile session token, format 1")?,
                csrf: hmac_key(&key.root, b"sessile csrf token, format 1")?,
                refresh: hmac_key(&key.root, b"sessile refresh token, format 1")?,
                single_use: hmac_key(&key.root, b"sessile single-use token, format 1")?,
                api_key: hmac_key(&key.root, b"sessile api key, format 1")?,
                signed: hmac_key(&key.root, b"sessile signed value, format 1")?,
                jwt: match key.jwt.as_slice() {
                    [] => None,
                    bytes => Some(Arc::new(SigningKey::from_bytes(bytes)?)),
                },
            };
            if let Some(place) = slots.get_mut(usize::from(key.id)) {
                *place = Some(slot);
            }
        }
        let active = active
            .ok_or_else(|| Error::new(ErrorKind::NoSuchKey, "the keyring has no active key"))?;
        let subject_key = hmac_key(&record.subject_secret, b"sessile subject hash, format 1")?;
        let foreign_key = hmac_key(&record.subject_secret, b"sessile foreign id, format 1")?;
        Ok(Keyring { subject_key, foreign_key, slots, active, infos: record.infos() })
    }

    /// The group of a subject, and the id of its rows.
    pub(crate) fn locate(&self, subject: &Subject) -> (Group, [u8; 16]) {
        place_of(hmac::sign(&self.subject_key, subject.as_bytes()))
    }

    /// The group of what another maker's id leads to, and the id of its rows. A namespace has at
    /// most 255 bytes.
    pub(crate) fn locate_foreign(&self, namespace: &[u8], id: &[u8]) -> (Group, [u8; 16]) {
        let mut context = hmac::Context::with_key(&self.foreign_key);
        // Its length first, so that no two namespaces and ids are one text.
        context.update(&[namespace.len().try_into().unwrap_or(u8::MAX)]);
        context.update(namespace);
        context.update(id);
        place_of(context.sign())
    }

    /// The key that session tokens of `id` are signed with, unless retired or unknown.
    pub(crate) fn session_key(&self, id: u8) -> Option<&hmac::Key> {
        Some(&self.slots.get(usize::from(id))?.as_ref()?.session)
    }

    /// The key that tokens of `kind` and `id` are signed with, unless retired or unknown.
    pub(crate) fn key(&self, kind: TokenKind, id: u8) -> Option<&hmac::Key> {
        let slot = self.slots.get(usize::from(id))?.as_ref()?;
        Some(match kind {
            TokenKind::Session => &slot.session,
            TokenKind::Refresh => &slot.refresh,
            TokenKind::SingleUse => &slot.single_use,
            TokenKind::ApiKey => &slot.api_key,
            TokenKind::Csrf => &slot.csrf,
            TokenKind::Signed => &slot.signed,
        })
    }

    /// Whether the active key signs JWTs, too.
    pub(crate) fn has_jwt_key(&self) -> bool {
        let slot = self.slots.get(usize::from(self.active));
        slot.and_then(Option::as_ref).is_some_and(|slot| slot.jwt.is_some())
    }

    /// The keys of JWTs, the one that signs first.
    pub(crate) fn jwt_keys(&self) -> Vec<&Arc<SigningKey>> {
        let of = |id: u8| self.slots.get(usize::from(id))?.as_ref()?.jwt.as_ref();
        let others = (0..=u8::MAX).filter(|id| *id != self.active);
        of(self.active).into_iter().chain(others.filter_map(of)).collect()
    }

    /// The key that signs tokens of `kind`, and its id.
    pub(crate) fn active_key(&self, kind: TokenKind) -> Result<(u8, &hmac::Key)> {
        let key = self.key(kind, self.active).ok_or_else(|| no_such_key(self.active))?;
        Ok((self.active, key))
    }

    /// The id of the key that signs.
    pub(crate) fn active(&self) -> u8 {
        self.active
    }

    /// The keys, oldest first.
    pub(crate) fn infos(&self) -> &[KeyInfo] {
        &self.infos
    }
}

impl Keyring {
    /// Whether the active key is known to sign API keys.
    pub(crate) fn is_kept_for_api_keys(&self) -> bool {
        self.infos.iter().any(|key| key.id == self.active && key.has_api_keys)
    }

    /// Whether a key can be retired because it was outlived.
    pub(crate) fn is_any_outlived(&self, oldest: Timestamp) -> bool {
        self.infos.iter().any(|key| key.is_outlived(oldest))
    }

    /// The same keyring without a key.
    pub(crate) fn without_any(&self) -> Keyring {
        Keyring {
            subject_key: self.subject_key.clone(),
            foreign_key: self.foreign_key.clone(),
            slots: Vec::new(),
            active: self.active,
            infos: self.infos.clone(),
        }
    }

    /// The same keyring, short of the keys that `next` does not have.
    pub(crate) fn without_those_missing_in(&self, next: &Keyring) -> Keyring {
        let is_kept = |id: usize| next.slots.get(id).is_some_and(Option::is_some);
        let keep = |(id, slot): (usize, &Option<Slot>)| slot.clone().filter(|_| is_kept(id));
        Keyring {
            subject_key: self.subject_key.clone(),
            foreign_key: self.foreign_key.clone(),
            slots: self.slots.iter().enumerate().map(keep).collect(),
            active: self.active,
            infos: self.infos.clone(),
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("keys", &self.infos).finish_non_exhaustive()
    }
}

/// A group and the id of rows in it, out of a keyed hash.
fn place_of(hash: hmac::Tag) -> (Group, [u8; 16]) {
    let mut id = [0; 16];
    let mut group = [0; 2];
    for (place, byte) in group.iter_mut().chain(&mut id).zip(hash.as_ref()) {
        *place = *byte;
    }
    (Group::of_hash(group), id)
}

fn hmac_key(root: &[u8; 32], label: &[u8]) -> Result<hmac::Key> {
    let mut bytes = Zeroizing::new([0; 32]);
    derive(root, label, bytes.as_mut_slice())?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, bytes.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Handle;
    use crate::keys::MasterSecret;
    use crate::token::{Parts, SessionToken};

    fn now(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn states(record: &KeyringRecord) -> Vec<(u8, KeyState)> {
        record.infos().iter().map(|info| (info.id, info.state)).collect()
    }

    #[test]
    fn keys_go_their_way_and_only_forward() {
        use KeyState::{Active, Published, Retired, Verifying};
        let mut record = KeyringRecord::generate(now(1)).unwrap();
        assert_eq!(states(&record), [(0, Active)]);
        assert_eq!(record.publish(now(2)).unwrap(), 1);
        assert_eq!(states(&record), [(0, Active), (1, Published)]);
        record.activate(1, now(3)).unwrap();
        assert_eq!(states(&record), [(0, Verifying), (1, Active)]);
        assert_eq!(record.retire(1, now(4)).unwrap_err().kind(), ErrorKind::InvalidInput);
        record.retire(0, now(4)).unwrap();
        assert_eq!(states(&record), [(0, Retired), (1, Active)]);
        assert_eq!(record.activate(0, now(5)).unwrap_err().kind(), ErrorKind::NoSuchKey);
        assert_eq!(record.keys[0].root, [0; 32], "a retired secret is erased");
    }

    #[test]
    fn an_outlived_key_is_retired_and_no_earlier() {
        let mut record = KeyringRecord::generate(now(1)).unwrap();
        record.publish(now(2)).unwrap();
        record.activate(1, now(100)).unwrap();
        assert!(!record.retire_outlived(now(99), now(200)));
        assert!(record.retire_outlived(now(100), now(200)));
        assert_eq!(states(&record)[0], (0, KeyState::Retired));
    }

    #[test]
    fn what_a_key_signed_is_good_until_it_is_retired() {
        let mut record = KeyringRecord::generate(now(1)).unwrap();
        let handle = Handle::random(Group(9)).unwrap();
        let token = SessionToken::issue(&handle, &Keyring::new(&record).unwrap()).unwrap();
        let is_good = |record: &KeyringRecord| {
            let keyring = Keyring::new(record).unwrap();
            let parts = Parts::parse(token.text()).unwrap();
            keyring.session_key(parts.key_id).is_some_and(|key| parts.is_signed_by(key))
        };
        assert!(is_good(&record));
        record.publish(now(2)).unwrap();
        record.activate(1, now(3)).unwrap();
        assert!(is_good(&record));
        record.retire(0, now(4)).unwrap();
        assert!(!is_good(&record));
    }

    #[test]
    fn the_id_of_a_retired_key_comes_again_last() {
        let mut record = KeyringRecord::generate(now(1)).unwrap();
        for round in 1..600u32 {
            let id = record.publish(now(2)).unwrap();
            assert_eq!(u32::from(id), round % 256);
            record.activate(id, now(3)).unwrap();
            record.retire(id.wrapping_sub(1), now(3)).unwrap();
        }
        assert!(record.keys.len() <= 256);
    }

    #[test]
    fn a_keyring_opens_with_its_own_secret_alone() {
        let secret = |byte: u8| {
            let bytes: Vec<u8> = (0..32u8).map(|i| i.wrapping_mul(37) ^ byte).collect();
            MasterSecret::from_bytes(bytes).load(false).unwrap()
        };
        let record = KeyringRecord::generate(now(1)).unwrap();
        let row = record.seal(b"key", &secret(1)).unwrap();
        for root in record.keys.iter().map(|key| key.root) {
            assert!(!row.windows(32).any(|window| window == root));
        }
        assert!(KeyringRecord::open(b"key", &row, &secret(1)).is_ok());
        let error = KeyringRecord::open(b"key", &row, &secret(2)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::WrongSecret);
        let error = KeyringRecord::open(b"other", &row, &secret(1)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn subjects_spread_evenly_over_the_groups() {
        let keyring = Keyring::new(&KeyringRecord::generate(now(1)).unwrap()).unwrap();
        let mut octants = [0; 8];
        for i in 0..8000 {
            let subject = Subject::new(&format!("user-{i}")).unwrap();
            octants[keyring.locate(&subject).0.index() >> 13] += 1;
        }
        assert!(octants.iter().all(|n| (800..1200).contains(n)), "{octants:?}");
    }
}
