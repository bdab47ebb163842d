//! One engine per store: a lock file that says who has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// The lock file, held until dropped. The system releases it when the process ends, however it
/// ends, so a lock file that lies about locks nothing.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
    pid: u32,
}

impl LockFile {
    pub(super) const NAME: &str = "sessile.lock";

    /// Takes the lock of the store in `dir`.
    pub(super) fn take(dir: &Path) -> Result<Self> {
        let path = dir.join(LockFile::NAME);
        // Not truncated: until the lock is ours, the text in it is the holder's.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|e| failed(&path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&mut file, dir)),
            Err(TryLockError::Error(e)) => return Err(failed(&path, e)),
        }
        let pid = std::process::id();
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{pid}")
        };
        // The text only helps people find the holder; a full disk must not keep a store shut.
        if let Err(e) = write() {
            log::warn!("could not write the pid to {}: {e}", path.display());
        }
        Ok(LockFile { file, pid })
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // A forked child shares the lock with its parent: it must not give it away. And the
        // parent releases it by name, for a child may still have the file open.
        if std::process::id() == self.pid
            && let Err(e) = self.file.unlock()
        {
            log::warn!("could not release the store's lock: {e}");
        }
    }
}

fn held(file: &mut File, dir: &Path) -> Error {
    let mut text = String::new();
    let holder = match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => format!("process {}", text.trim()),
        _ => "another process".to_owned(),
    };
    already_open(&holder, dir)
}

/// The error of a store that `holder` has open.
pub(super) fn already_open(holder: &str, dir: &Path) -> Error {
    let message = format!(
        "the store {} is open in {holder}; a sled store serves one process: share one engine \
         there, close the other first, or open an LMDB store (Config::lmdb) in all of them",
        dir.display()
    );
    Error::new(ErrorKind::Locked, message)
}

fn failed(path: &Path, e: std::io::Error) -> Error {
    let message = format!("could not open the lock file {}", path.display());
    Error::new(ErrorKind::Unavailable, message).with_source(e)
}
