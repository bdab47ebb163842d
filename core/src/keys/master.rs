//! The master secret: where it comes from, and what it is good for.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::{aead, hkdf};
use zeroize::{Zeroize, Zeroizing};

use crate::codec::base64url;
use crate::error::{Error, ErrorKind, Result};
use crate::id::fill_random;

/// Where the master secret comes from. It seals the keyring in the store, so that a stolen
/// store forges nothing. Losing it loses every session.
#[derive(Clone)]
pub enum MasterSecret {
    /// 32 bytes or more that the host holds: from a key management service, say.
    Bytes(Zeroizing<Vec<u8>>),
    /// An environment variable that holds 32 random bytes or more, in any text form.
    Env(String),
    /// A file with 32 random bytes in base64url; made with mode 0600 when the store is new.
    /// Refused when it belongs to another user, or when group or others can read it.
    KeyFile(PathBuf),
}

impl MasterSecret {
    /// The secret `bytes`.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        MasterSecret::Bytes(Zeroizing::new(bytes.into()))
    }

    /// Reads the secret, and makes the key file if there is none and `may_create`.
    ///
    /// # Errors
    /// - [`WeakSecret`](ErrorKind::WeakSecret): shorter than 32 bytes, or of low entropy.
    /// - [`KeyFile`](ErrorKind::KeyFile): missing, unreadable, or readable by others.
    pub(crate) fn load(&self, may_create: bool) -> Result<SealingKey> {
        let secret = match self {
            MasterSecret::Bytes(bytes) => bytes.clone(),
            MasterSecret::Env(name) => from_env(name)?,
            MasterSecret::KeyFile(path) => from_file(path, may_create)?,
        };
        refuse_weak(&secret)?;
        SealingKey::derive(&secret)
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MasterSecret::Bytes(_) => f.write_str("MasterSecret::Bytes(..)"),
            MasterSecret::Env(name) => write!(f, "MasterSecret::Env({name:?})"),
            MasterSecret::KeyFile(path) => write!(f, "MasterSecret::KeyFile({path:?})"),
        }
    }
}

fn from_env(name: &str) -> Result<Zeroizing<Vec<u8>>> {
    match std::env::var(name) {
        Ok(text) => Ok(Zeroizing::new(text.into_bytes())),
        Err(_) => Err(Error::new(
            ErrorKind::KeyFile,
            format!("environment variable {name} is not set (or not UTF-8): set the secret there"),
        )),
    }
}

fn from_file(path: &Path, may_create: bool) -> Result<Zeroizing<Vec<u8>>> {
    // No symbolic link at the end of the path: another user could have put it there.
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(no_follow).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_create => {
            create(path)?;
            OpenOptions::new()
                .read(true)
                .custom_flags(no_follow)
                .open(path)
                .map_err(|error| key_file(path, "cannot be read", error))?
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let why = "is missing, but the store was made with it: bring it back from a backup";
            return Err(key_file(path, why, error));
        }
        Err(error) => return Err(key_file(path, "cannot be opened", error)),
    };
    let meta = file.metadata().map_err(|error| key_file(path, "cannot be read", error))?;
    let refused = |what: &str| {
        Err(Error::new(ErrorKind::KeyFile, format!("key file {} {what}", path.display())))
    };
    if !meta.is_file() {
        return refused("is not a regular file");
    }
    if meta.mode() & 0o077 != 0 {
        return refused("can be read by others: run chmod 600 on it, and rotate the keys");
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return refused("belongs to another user");
    }
    let mut text = Zeroizing::new(String::new());
    (&file)
        .take(4096)
        .read_to_string(&mut text)
        .map_err(|error| key_file(path, "cannot be read", error))?;
    let mut secret = Zeroizing::new(vec![0; SECRET_LEN]);
    if !base64url::decode(text.trim_end().as_bytes(), &mut secret) {
        return refused("is damaged: expected 43 characters of base64url");
    }
    Ok(secret)
}

/// Makes the file and leaves it only when it is on the disk: a store must not outlive its key.
/// Where several processes do so at once, the first one's is the one, and nobody sees a part of it.
fn create(path: &Path) -> Result<()> {
    let mut secret = Zeroizing::new([0; SECRET_LEN]);
    fill_random(secret.as_mut_slice())?;
    let mut text = Zeroizing::new(base64url::encode_string(secret.as_slice()));
    text.push('\n');
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}", std::process::id()));
    let new = Path::new(&new);
    let make = || {
        let _ = std::fs::remove_file(new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        match std::fs::hard_link(new, path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => std::fs::remove_file(new)?,
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    make().map_err(|error| key_file(path, "cannot be made", error))
}

fn key_file(path: &Path, what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::KeyFile, format!("key file {} {what}", path.display())).with_source(error)
}

/// Refuses what people type or copy from an example: too short, few different bytes, a
/// repetition, a run. It cannot prove that a secret is random, only that some are not.
pub(crate) fn refuse_weak(secret: &[u8]) -> Result<()> {
    let weak = |why: &str| {
        let message = format!("the secret {why}: use 32 bytes from a random generator");
        Err(Error::new(ErrorKind::WeakSecret, message))
    };
    if secret.len() < SECRET_LEN {
        return weak("is shorter than 32 bytes");
    }
    let mut seen = [false; 256];
    for byte in secret {
        if let Some(place) = seen.get_mut(usize::from(*byte)) {
            *place = true;
        }
    }
    // 32 random bytes hold 30 different ones; 64 random hex digits hold 15 or 16.
    if seen.iter().filter(|seen| **seen).count() < 10 {
        return weak("has fewer than 10 different bytes");
    }
    if (1..=secret.len() / 2)
        .any(|period| secret.iter().zip(secret.iter().skip(period)).all(|(a, b)| a == b))
    {
        return weak("repeats itself");
    }
    let steps = secret.iter().zip(secret.iter().skip(1));
    let runs = steps.filter(|(a, b)| b.wrapping_sub(**a) == 1 || a.wrapping_sub(**b) == 1);
    if runs.count() * 2 > secret.len() {
        return weak("is a run of neighbouring bytes");
    }
    Ok(())
}

/// The key that seals the keyring, derived from the master secret.
pub(crate) struct SealingKey(aead::LessSafeKey);

impl SealingKey {
    fn derive(secret: &[u8]) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        derive(secret, b"sessile keyring sealing, format 1", bytes.as_mut_slice())?;
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, bytes.as_slice());
        Ok(SealingKey(aead::LessSafeKey::new(key.map_err(|_| crypto_failed())?)))
    }

    /// Nonce, ciphertext, tag. The nonce is random: a keyring is sealed a few thousand times in
    /// its life, far from the 2^32 at which random 96-bit nonces wear out.
    pub(crate) fn seal(&self, context: &[u8], mut plain: Zeroizing<Vec<u8>>) -> Result<Vec<u8>> {
        let mut nonce = [0; aead::NONCE_LEN];
        fill_random(&mut nonce)?;
        let unique = aead::Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(unique, aead::Aad::from(context), plain.as_mut_slice())
            .map_err(|_| crypto_failed())?;
        Ok([nonce.as_slice(), plain.as_slice(), tag.as_ref()].concat())
    }

    /// What [`seal`](Self::seal) sealed in the same context, or `None`.
    pub(crate) fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<{ aead::NONCE_LEN }>()?;
        let mut rest = Zeroizing::new(rest.to_vec());
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let len = self.0.open_in_place(nonce, aead::Aad::from(context), &mut rest).ok()?.len();
        rest.truncate(len);
        Some(rest)
    }
}

/// HKDF-SHA-256 with `label` as info and no salt.
pub(crate) fn derive(secret: &[u8], label: &[u8], out: &mut [u8]) -> Result<()> {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    let filled = prk.expand(&[label], Len(out.len())).and_then(|okm| okm.fill(out));
    filled.map_err(|_| {
        out.zeroize();
        crypto_failed()
    })
}

fn crypto_failed() -> Error {
    Error::new(ErrorKind::Internal, "a cryptographic operation failed on valid input")
}

/// Bytes of a secret that the engine makes, and the least that it takes (RFC 7518, 3.2).
const SECRET_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_secrets_are_refused() {
        let mut run: Vec<u8> = (0..64).collect();
        let repeated = b"abcdefghijkl0123".repeat(4);
        for secret in [&[7u8; 64][..], b"short", &run, &repeated, &b"ab".repeat(32)] {
            let error = MasterSecret::from_bytes(secret).load(false).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::WeakSecret, "{secret:?}");
        }
        run.clear();
        let mut random = [0; 32];
        for _ in 0..1000 {
            fill_random(&mut random).unwrap();
            refuse_weak(&random).unwrap();
            refuse_weak(base64url::encode_string(&random).as_bytes()).unwrap();
            let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            refuse_weak(hex.as_bytes()).unwrap();
        }
    }

    #[test]
    fn a_key_file_is_made_for_its_owner_alone_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let secret = MasterSecret::KeyFile(path.clone());
        assert_eq!(secret.load(false).err().unwrap().kind(), ErrorKind::KeyFile);
        let sealed =
            secret.load(true).unwrap().seal(b"here", Zeroizing::new(b"plain".to_vec())).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = secret.load(false).unwrap();
        assert_eq!(again.open(b"here", &sealed).unwrap().as_slice(), b"plain");
        assert!(again.open(b"there", &sealed).is_none());
    }

    #[test]
    fn a_key_file_that_others_can_read_or_redirect_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        MasterSecret::KeyFile(path.clone()).load(true).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = MasterSecret::KeyFile(path.clone()).load(true).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::KeyFile);
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            MasterSecret::KeyFile(link).load(true).err().unwrap().kind(),
            ErrorKind::KeyFile
        );
        std::fs::write(&path, "damaged").unwrap();
        assert_eq!(
            MasterSecret::KeyFile(path).load(true).err().unwrap().kind(),
            ErrorKind::KeyFile
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = MasterSecret::from_bytes(b"0123456789abcdef0123456789ABCDEF".to_vec());
        assert_eq!(format!("{secret:?}"), "MasterSecret::Bytes(..)");
    }
}
