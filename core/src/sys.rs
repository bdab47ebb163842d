//! What needs `unsafe`: memory that other processes write to. No other file of the core has any.
//!
//! Two things are mapped: the epochs that processes share, and LMDB's own file. Both are safe as
//! long as nobody but sessile writes to the files, which their directory's mode sees to; one that
//! is truncated from outside ends the process that touches the missing part (SIGBUS).

#[cfg(feature = "lmdb")]
use std::fs::File;
#[cfg(feature = "lmdb")]
use std::io;
#[cfg(feature = "lmdb")]
use std::mem::ManuallyDrop;
#[cfg(feature = "lmdb")]
use std::path::Path;

#[cfg(feature = "lmdb")]
use heed::types::Bytes;
#[cfg(feature = "lmdb")]
use heed::{CommitOrAbort, Database, Env, EnvOpenOptions};
#[cfg(feature = "lmdb")]
use memmap2::{MmapOptions, MmapRaw};

use crate::sync::SharedU64;

/// The epochs of a store that several processes have open, in a file that all of them map.
#[derive(Debug)]
pub struct SharedEpochs {
    #[cfg(feature = "lmdb")]
    map: MmapRaw,
    /// No store that this crate was built with shares any.
    #[cfg(not(feature = "lmdb"))]
    none: std::convert::Infallible,
}

impl SharedEpochs {
    /// Maps a file that is whole.
    #[cfg(feature = "lmdb")]
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        Ok(SharedEpochs { map: MmapOptions::new().map_raw(file)? })
    }

    /// The words of the file, in the order of the machine.
    #[inline]
    pub(crate) fn words(&self) -> &[SharedU64] {
        #[cfg(not(feature = "lmdb"))]
        match self.none {}
        #[cfg(feature = "lmdb")]
        {
            let len = self.map.len() / size_of::<SharedU64>();
            let words = self.map.as_ptr().cast::<SharedU64>();
            // SAFETY: the map lives as long as `self`, begins at a page, so it is aligned, and
            // has `len` whole words. Any bits are a number, and every process reads and writes
            // them by atomic operations only.
            unsafe { std::slice::from_raw_parts(words, len) }
        }
    }
}

/// An open LMDB environment and the one database in it.
#[cfg(feature = "lmdb")]
pub(crate) struct Environment {
    /// Names its environment by address; heed checks at each use that the transaction is of it.
    rows: Database<'static, Bytes, Bytes>,
    env: ManuallyDrop<Env>,
    pid: u32,
}

#[cfg(feature = "lmdb")]
impl Environment {
    /// Opens the environment in the directory `path`.
    pub(crate) fn open(path: &Path, map_len: usize, readers_max: u32) -> heed::Result<Self> {
        let mut options = EnvOpenOptions::new();
        options.map_size(map_len).max_readers(readers_max);
        // SAFETY: no flag is set, so LMDB locks its file between processes, and writes to it by
        // system calls: the map is read-only. heed opens a path once in a process. That the file
        // is on a local disk and written by nobody else is what the store asks of its directory.
        let env = unsafe { options.open(path)? };
        let rows = {
            let txn = env.read_txn()?;
            let opened = env.open_databases_and_commit(txn, |opener, txn| {
                let rows = opener.open_database::<Bytes, Bytes>(txn, None)?;
                Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(rows))
            })?;
            let rows = opened.commit().flatten();
            rows.ok_or(heed::Error::Mdb(heed::MdbError::Problem))?
        };
        // SAFETY: the lifetime is a promise that the environment is open, which it is for as long
        // as `self`: the database leaves it only by `rows`, under a borrow of `self`.
        let rows = unsafe {
            std::mem::transmute::<Database<'_, Bytes, Bytes>, Database<'static, Bytes, Bytes>>(rows)
        };
        Ok(Environment { rows, env: ManuallyDrop::new(env), pid: std::process::id() })
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn rows(&self) -> Database<'_, Bytes, Bytes> {
        self.rows
    }
}

#[cfg(feature = "lmdb")]
impl Drop for Environment {
    fn drop(&mut self) {
        // In a forked child the environment is the parent's, and LMDB forbids to close it there.
        if std::process::id() == self.pid {
            // SAFETY: dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.env) }
        }
    }
}
