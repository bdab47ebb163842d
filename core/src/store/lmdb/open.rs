//! Opening a store: who else has it open, LMDB, whether it is all there, the epochs.

use std::path::Path;
use std::sync::Arc;

use super::LmdbStore;
use super::commit::{Committer, failed};
use super::epoch_file;
use super::layout::{ROWS_FIRST, STAMP_KEY, Stamp, StampRead};
use super::options::LmdbOptions;
use super::presence::{Opening, Presence, Writer};
use crate::cache::Epochs;
use crate::error::{Error, ErrorKind, Result};
use crate::id::fill_random;
use crate::store::Survives;
use crate::store::expiry::EXPIRY;
use crate::store::files::{create_private, unavailable};
use crate::store::stamp::{OnRollback, SideError, SideFile, Slot};
use crate::sync::OnceLock;
use crate::sys::{Environment, SharedEpochs};

/// The process that opened a store first: in a forked child the parent's are still listed as
/// open.
pub(super) static HOME: OnceLock<u32> = OnceLock::new();

pub(super) fn open(options: &LmdbOptions) -> Result<LmdbStore> {
    options.validate()?;
    let dir = options.path.as_path();
    create_private(dir).map_err(|e| unavailable("create the directory", dir, e))?;
    if dir.join("db").exists() {
        let message = format!(
            "{} holds a sled store: export it, and restore the export into an empty directory",
            dir.display()
        );
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let survives = survives(dir);
    if survives < Survives::PowerLoss {
        let message = format!("{} is in memory: sessions do not survive it", dir.display());
        if options.requires_power_loss_safety {
            return Err(Error::new(ErrorKind::PowerLossUnsafe, message));
        }
        log::warn!("{message}");
    }
    let side = SideFile::read(&options.stamp_path).map_err(|e| match e {
        SideError::Newer(format) => newer(format, dir),
        SideError::Io(e) => unavailable("read the stamp file", &options.stamp_path, e),
    })?;
    let (presence, opening) = Presence::take(dir)?;
    HOME.get_or_init(std::process::id);
    let map_len = usize::try_from(options.map_len_max_bytes).unwrap_or(usize::MAX);
    let environment = Environment::open(dir, map_len, READERS_MAX).map_err(failed)?;
    environment.env().clear_stale_readers().map_err(failed)?;
    let writer = Writer::open(dir)?;
    let (shared, was_rolled_back) = {
        let _turn = writer.turn()?;
        enter(options, &environment, side, &opening)?
    };
    presence.share(opening, dir)?;
    let shared = Arc::new(shared);
    let epochs = Epochs::over(Some(shared.clone()));
    let committer = Committer::new(environment, writer, epochs, options.stamp_path.clone());
    Ok(LmdbStore { committer, shared, survives, was_rolled_back, _presence: presence })
}

/// Takes this process in among those that have the store open: stamps it anew if it is the first.
/// Gives the epochs that they share, and whether the store was rolled back.
fn enter(
    options: &LmdbOptions,
    environment: &Environment,
    mut side: SideFile,
    opening: &Opening,
) -> Result<(SharedEpochs, bool)> {
    let dir = options.path.as_path();
    let rows = environment.rows();
    let mut txn = environment.env().write_txn().map_err(failed)?;
    let found = match rows.get(&txn, STAMP_KEY).map_err(failed)?.map(Stamp::decode) {
        None => None,
        Some(StampRead::Stamp(stamp)) => Some(stamp),
        Some(StampRead::Newer(format)) => return Err(newer(format, dir)),
        Some(StampRead::Damaged) => return Err(super::damaged("the stamp")),
    };
    if let (Some(stamp), false) = (&found, opening.is_alone) {
        if stamp.map_len != options.map_len_max_bytes {
            let message = format!(
                "map_len_max_bytes is {}, but other processes have the store open with {}: give \
                 all of them the same",
                options.map_len_max_bytes, stamp.map_len
            );
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        return Ok((epoch_file::join(dir, stamp)?, stamp.is_alarmed));
    }
    let range =
        (std::ops::Bound::Included(&[ROWS_FIRST][..]), std::ops::Bound::Included(&[EXPIRY][..]));
    let is_empty = rows.range(&txn, &range).map_err(failed)?.next().is_none();
    let (mut stamp, reason) = judge(found, side.newest(), is_empty)?;
    if let Some(reason) = reason {
        if options.on_rollback == OnRollback::Refuse {
            return Err(rolled_back(reason, dir));
        }
        log::error!("the store {} was rolled back ({reason}): opened all the same", dir.display());
    } else {
        // Before a new store is stamped, so that no crash leaves a stamp without a stamp file.
        side.write(stamp.store_id, stamp.version)
            .map_err(|e| unavailable("write the stamp file", &options.stamp_path, e))?;
    }
    let (shared, epochs_id) = epoch_file::make(dir, stamp.store_id)?;
    stamp.map_len = options.map_len_max_bytes;
    stamp.epochs_id = epochs_id;
    rows.put(&mut txn, STAMP_KEY, &stamp.encode()).map_err(failed)?;
    txn.commit().map_err(failed)?;
    Ok((shared, reason.is_some()))
}

/// The stamp to go on with, and why the store counts as rolled back, if it does.
fn judge(
    found: Option<Stamp>,
    side: Option<Slot>,
    is_empty: bool,
) -> Result<(Stamp, Option<&'static str>)> {
    let Some(mut stamp) = found else {
        let is_new = is_empty && side.is_none_or(|side| side.version == 0);
        let reason = (!is_new).then_some("its stamp is missing");
        let unknown = if is_new { 0 } else { UNKNOWN_GAP };
        let store_id = match side {
            Some(side) => side.store_id,
            None => random_id()?,
        };
        let version = side.map_or(unknown, |side| side.version);
        let is_alarmed = reason.is_some();
        return Ok((Stamp { store_id, version, map_len: 0, epochs_id: 0, is_alarmed }, reason));
    };
    let reason = match side {
        None => Some("its stamp file is missing or damaged"),
        Some(side) if side.store_id != stamp.store_id => {
            Some("its stamp file belongs to another store")
        }
        Some(side) if stamp.version < side.version => {
            Some("it holds less than it had acknowledged")
        }
        Some(_) if stamp.is_alarmed => Some("it had been, and was not yet revoked"),
        Some(_) => None,
    };
    let is_known = side.is_some_and(|side| side.store_id == stamp.store_id);
    // Never a version twice, also of those that went.
    stamp.version = match side {
        Some(side) if is_known => stamp.version.max(side.version),
        _ => stamp.version.saturating_add(UNKNOWN_GAP),
    };
    stamp.is_alarmed = reason.is_some();
    Ok((stamp, reason))
}

fn random_id() -> Result<[u8; 16]> {
    let mut id = [0; 16];
    fill_random(&mut id)?;
    Ok(id)
}

/// What a commit in this directory survives. LMDB syncs; a file system in memory has nothing to
/// sync to.
#[cfg(target_os = "linux")]
fn survives(dir: &Path) -> Survives {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    match rustix::fs::statfs(dir) {
        // Of 32 or 64 bits, with a sign or without, as the machine has it.
        Ok(system) if ![TMPFS, RAMFS].contains(&(system.f_type as u64 & 0xffff_ffff)) => {
            Survives::PowerLoss
        }
        _ => Survives::ProcessCrash,
    }
}

#[cfg(not(target_os = "linux"))]
fn survives(_dir: &Path) -> Survives {
    Survives::PowerLoss
}

fn rolled_back(reason: &str, dir: &Path) -> Error {
    let message = format!(
        "the store {} was rolled back: {reason}. Revoked sessions would be valid again. Put the \
         newest state back; or open it once with OnRollback::RevokeAll, which logs everybody \
         out; or start with an empty directory",
        dir.display()
    );
    Error::new(ErrorKind::RolledBack, message)
}

fn newer(format: u32, dir: &Path) -> Error {
    let message = format!(
        "the store {} has format {format}, written by a newer version; use that version",
        dir.display()
    );
    Error::new(ErrorKind::NewerFormat, message)
}

/// Reads at one moment, in all processes: one for each thread that is in a store read.
const READERS_MAX: u32 = 4_096;

/// Left out above what is known when nobody knows how far the store had come: more than it can
/// have given.
const UNKNOWN_GAP: u64 = 1 << 40;
