//! What a sled store can be told.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::store::stamp::{OnRollback, SideFile};

/// Settings of a [`SledStore`](super::SledStore).
///
/// ```
/// # fn main() -> sessile::Result<()> {
/// use sessile::store::{SledOptions, SledStore, Store};
///
/// let dir = std::env::temp_dir().join(format!("sessile-options-{}", std::process::id()));
/// let store = SledStore::open(SledOptions::new(&dir).cache_len_max_bytes(32 << 20))?;
/// assert_eq!(store.capabilities().name, "sled");
/// drop(store);
/// # std::fs::remove_dir_all(dir).ok();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SledOptions {
    pub(super) path: PathBuf,
    pub(super) stamp_path: PathBuf,
    pub(super) cache_len_max_bytes: u64,
    pub(super) requires_power_loss_safety: bool,
    pub(super) on_rollback: OnRollback,
}

impl SledOptions {
    /// The default size of sled's page cache: 128 MiB, which holds some 300,000 sessions.
    pub const CACHE_LEN_BYTES_DEFAULT: u64 = 128 << 20;
    /// The smallest cache: 16 MiB. Below, sled pages in and out at every step.
    pub const CACHE_LEN_BYTES_MIN: u64 = 16 << 20;
    /// The largest cache: 4 GiB. sled may use twice as much memory as it is told.
    pub const CACHE_LEN_BYTES_MAX: u64 = 4 << 30;

    /// The defaults, for a store in the directory `path`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        SledOptions {
            stamp_path: path.join(SideFile::NAME),
            path,
            cache_len_max_bytes: SledOptions::CACHE_LEN_BYTES_DEFAULT,
            requires_power_loss_safety: false,
            on_rollback: OnRollback::Refuse,
        }
    }

    /// How much sled may cache: 16 MiB to 4 GiB.
    #[must_use]
    pub fn cache_len_max_bytes(mut self, bytes: u64) -> Self {
        self.cache_len_max_bytes = bytes;
        self
    }

    /// Whether to refuse a directory that cannot promise that a durable commit survives a
    /// power loss. Default: no; the store then says so in its capabilities and in the log.
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
        let range = SledOptions::CACHE_LEN_BYTES_MIN..=SledOptions::CACHE_LEN_BYTES_MAX;
        if !range.contains(&self.cache_len_max_bytes) {
            let message = format!(
                "cache_len_max_bytes is {}, allowed are {} to {}",
                self.cache_len_max_bytes,
                range.start(),
                range.end()
            );
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        Ok(())
    }
}
