//! Which processes have a store open, and which of them writes: lock files, which the system
//! releases when a process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::store::files::unavailable;
use crate::sync::{Condvar, Mutex, wait_for};

/// Says, until it is dropped, that this process has the store open.
#[derive(Debug)]
pub(super) struct Presence {
    file: File,
}

/// While it lives, no other process opens the store.
pub(super) struct Opening {
    file: File,
    /// Whether no other process has it open.
    pub(super) is_alone: bool,
}

impl Presence {
    const NAME: &str = "sessile.lock";

    /// Waits for its turn to open the store in `dir`, and takes its place among those that have
    /// it open: the only one, or one of several.
    pub(super) fn take(dir: &Path) -> Result<(Presence, Opening)> {
        let path = dir.join(Opening::NAME);
        let opening = open(&path)?;
        let is_locked = patiently(|| opening.try_lock()).map_err(|e| failed(&path, e))?;
        if !is_locked {
            return Err(still_opening(dir));
        }
        let path = dir.join(Presence::NAME);
        let file = open(&path)?;
        let is_alone = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(e) => return Err(failed(&path, e)),
        };
        // A store for one process, of another kind, would hold it for itself.
        let is_shared =
            is_alone || patiently(|| file.try_lock_shared()).map_err(|e| failed(&path, e))?;
        if !is_shared {
            return Err(still_opening(dir));
        }
        Ok((Presence { file }, Opening { file: opening, is_alone }))
    }

    /// Lets others open it, too. Changing the lock may give it up for a moment; nobody takes it
    /// meanwhile, for they wait for the other lock.
    pub(super) fn share(&self, opening: Opening, dir: &Path) -> Result<()> {
        if opening.is_alone {
            self.file.lock_shared().map_err(|e| unavailable("share the lock", dir, e))?;
        }
        opening.file.unlock().map_err(|e| unavailable("release the lock", dir, e))
    }
}

impl Opening {
    const NAME: &str = "sessile.opening";
}

/// Whose turn it is to write.
///
/// LMDB has a lock for that, and it is taken, too. But it is a mutex in shared memory: when a
/// process is killed that was just woken to take it, and another takes it first, then a third
/// that waits is never woken, unless a fourth comes. So nobody ever waits for it.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
}

/// The turn of this process, until it is dropped.
pub(super) struct Turn<'a> {
    file: &'a File,
}

impl Writer {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        Ok(Writer { file: open(&dir.join("sessile.writer"))? })
    }

    /// Waits for the turn of this process. One thread of it at a time.
    pub(super) fn turn(&self) -> Result<Turn<'_>> {
        loop {
            match self.file.lock() {
                Ok(()) => return Ok(Turn { file: &self.file }),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(unavailable("lock", Path::new("sessile.writer"), e)),
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Err(e) = self.file.unlock() {
            log::error!("the turn to write to the store could not be given on: {e}");
        }
    }
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| unavailable("open the lock file", path, e))
}

/// Tries until it works or the time is up: then `false`.
fn patiently(lock: impl Fn() -> Result<(), TryLockError>) -> Result<bool, TryLockError> {
    let mut waited = Duration::ZERO;
    loop {
        match lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if waited >= PATIENCE => return Ok(false),
            Err(TryLockError::WouldBlock) => {}
            Err(e) => return Err(e),
        }
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        drop(wait_for(&condvar, mutex.lock(), PAUSE));
        waited += PAUSE;
    }
}

fn still_opening(dir: &Path) -> Error {
    let message = format!(
        "another process has been opening the store {} for {} s, or has it for itself",
        dir.display(),
        PATIENCE.as_secs()
    );
    Error::new(ErrorKind::Locked, message)
}

fn failed(path: &Path, e: TryLockError) -> Error {
    unavailable("lock the file", path, e.into())
}

/// An open takes milliseconds, and all workers of a server open at once.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(2);
