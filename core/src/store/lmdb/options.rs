//! What an LMDB store can be told.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::store::stamp::{OnRollback, SideFile};

/// Settings of an [`LmdbStore`](super::LmdbStore).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sessile::store::{LmdbOptions, LmdbStore, Store};
///
/// let dir = tempfile::tempdir()?;
/// let store = LmdbStore::open(LmdbOptions::new(dir.path().join("sessions")))?;
/// assert!(store.capabilities().is_shared);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LmdbOptions {
    pub(super) path: PathBuf,
    pub(super) stamp_path: PathBuf,
    pub(super) map_len_max_bytes: u64,
    pub(super) requires_power_loss_safety: bool,
    pub(super) on_rollback: OnRollback,
}

impl LmdbOptions {
    /// The default of [`map_len_max_bytes`](Self::map_len_max_bytes): 64 GiB, some hundred million
    /// sessions; 1 GiB where addresses have 32 bits.
    pub const MAP_LEN_BYTES_DEFAULT: u64 =
        if cfg!(target_pointer_width = "64") { 64 << 30 } else { 1 << 30 };
    /// The least: 1 MiB.
    pub const MAP_LEN_BYTES_MIN: u64 = 1 << 20;
    /// The most: 16 TiB.
    pub const MAP_LEN_BYTES_MAX: u64 = 16 << 40;

    /// The defaults, for a store in the directory `path`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        LmdbOptions {
            stamp_path: path.join(SideFile::NAME),
            path,
            map_len_max_bytes: LmdbOptions::MAP_LEN_BYTES_DEFAULT,
            requires_power_loss_safety: false,
            on_rollback: OnRollback::Refuse,
        }
    }

    /// The most that the store may grow to; beyond it writes are
    /// [`Unavailable`](crate::ErrorKind::Unavailable). 1 MiB to 16 TiB, in steps of 64 KiB. It
    /// takes addresses, neither memory nor disk: the file is as long as what is in it. Every
    /// process gives the same; another takes effect when all have closed the store.
    #[must_use]
    pub fn map_len_max_bytes(mut self, bytes: u64) -> Self {
        self.map_len_max_bytes = bytes;
        self
    }

    /// Whether to refuse a directory in memory (tmpfs), where no commit survives a power loss.
    /// Default: no; the store then says so in its capabilities and in the log.
    #[must_use]
    pub fn require_power_loss_safety(mut self, is_required: bool) -> Self {
        self.requires_power_loss_safety = is_required;
        self
    }

    /// What to do with a store that was rolled back.
    #[must_use]
    pub fn on_rollback(mut self, on_rollback: OnRollback) -> Self {
        self.on_rollback = on_rollback;
        self
    }

    /// Where the stamp file is, by default `sessile.stamp` in the store's directory. Kept
    /// elsewhere, out of what is backed up and restored together, it also notices that the
    /// whole directory was replaced by an older copy of itself.
    #[must_use]
    pub fn stamp_path(mut self, path: impl AsRef<Path>) -> Self {
        self.stamp_path = path.as_ref().to_owned();
        self
    }

    pub(super) fn validate(&self) -> Result<()> {
        let range = LmdbOptions::MAP_LEN_BYTES_MIN..=LmdbOptions::MAP_LEN_BYTES_MAX;
        let len = self.map_len_max_bytes;
        if !range.contains(&len)
            || !len.is_multiple_of(MAP_STEP_BYTES)
            || usize::try_from(len).is_err()
        {
            let message = format!(
                "map_len_max_bytes is {len}, allowed are {} to {} in steps of {MAP_STEP_BYTES}, \
                 as far as addresses reach",
                range.start(),
                range.end()
            );
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        Ok(())
    }
}

/// The largest page that a system has.
const MAP_STEP_BYTES: u64 = 64 << 10;
