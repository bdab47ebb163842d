//! Opening a store: lock, attribute, sled, and whether it is all there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::commit::{Committer, VERSION_GAP};
use super::durability::{make_synchronous, of_file};
use super::layout::{ROWS_FIRST, STAMP_KEY, Stamp, StampRead};
use super::lock::{LockFile, already_open};
use super::options::SledOptions;
use super::tree::Tree;
use super::writes::redo;
use crate::error::{Error, ErrorKind, Result};
use crate::id::fill_random;
use crate::store::Survives;
use crate::store::expiry::EXPIRY;
use crate::store::files::{create_private, unavailable};
use crate::store::stamp::{OnRollback, SideError, SideFile, Slot};
use crate::sync::{Condvar, Mutex, OnceLock, thread, wait_for};

/// An open store's parts.
pub(super) struct Opened {
    pub(super) committer: Committer,
    pub(super) side: SideFile,
    pub(super) store_id: [u8; 16],
    pub(super) survives: Survives,
    pub(super) was_rolled_back: bool,
    pub(super) lock: LockFile,
}

pub(super) fn open(options: &SledOptions) -> Result<Opened> {
    options.validate()?;
    let pid = std::process::id();
    refuse_forked(HOME.get(), pid)?;
    let dir = options.path.as_path();
    let db_dir = dir.join("db");
    let create = || create_private(dir).and_then(|()| create_private(&db_dir));
    create().map_err(|e| unavailable("create the directory", dir, e))?;
    let lock = LockFile::take(dir)?;
    let mut side = SideFile::read(&options.stamp_path).map_err(|e| match e {
        SideError::Newer(format) => newer(format, dir),
        SideError::Io(e) => unavailable("read the stamp file", &options.stamp_path, e),
    })?;

    let mut survives = make_synchronous(&[dir, &db_dir, &db_dir.join("blobs")]);
    demand(options, survives)?;
    let data_file = db_dir.join("db");
    if !data_file.exists() && side.newest().is_none() {
        // Before sled's file exists, so that no crash leaves a store without a stamp file.
        let mut store_id = [0; 16];
        fill_random(&mut store_id)?;
        side.write(store_id, 0)
            .map_err(|e| unavailable("write the stamp file", &options.stamp_path, e))?;
    }

    HOME.get_or_init(|| pid);
    let tree = Tree::new(open_sled(options, &db_dir)?);
    survives = survives.min(of_file(&data_file));
    demand(options, survives)?;
    if survives < Survives::PowerLoss {
        log::warn!(
            "sessions in {} survive a crash of the process but not a power loss: {REMEDY_POWER}",
            dir.display()
        );
    }

    let found = read_stamp(&tree, dir)?;
    let verdict = judge(&tree, found, side.newest())?;
    if let Some(reason) = verdict.rolled_back {
        if options.on_rollback == OnRollback::Refuse {
            return Err(rolled_back(reason, dir));
        }
        log::error!("the store {} was rolled back ({reason}): opened all the same", dir.display());
    }
    recover(&tree, verdict.stamp, dir)?;
    if verdict.rolled_back.is_none() {
        side.write(verdict.stamp.store_id, verdict.stamp.version)
            .map_err(|e| unavailable("write the stamp file", &options.stamp_path, e))?;
    }
    Ok(Opened {
        committer: Committer::new(tree, verdict.stamp),
        side,
        store_id: verdict.stamp.store_id,
        survives,
        was_rolled_back: verdict.rolled_back.is_some(),
        lock,
    })
}

/// The process that used sled first.
static HOME: OnceLock<u32> = OnceLock::new();

/// sled's threads serve all its stores and do not exist in a forked child: there even a new
/// store would wait for them for ever.
pub(super) fn refuse_forked(home: Option<&u32>, pid: u32) -> Result<()> {
    if home.is_none_or(|home| *home == pid) {
        return Ok(());
    }
    let message = "a sled store was opened in this process before it forked, and none can be in \
                   the child: fork before the first open, or start a new program in the child";
    Err(Error::new(ErrorKind::Forked, message))
}

/// What an open makes of the stamp in the tree and the one in the side file.
struct Verdict {
    /// The stamp to go on with.
    stamp: Stamp,
    /// Why the store counts as rolled back, if it does.
    rolled_back: Option<&'static str>,
}

fn judge(tree: &Tree, found: Option<Stamp>, side: Option<Slot>) -> Result<Verdict> {
    let is_empty = || tree.read(|db| Ok(db.range([ROWS_FIRST]..=[EXPIRY]).next().is_none()));
    let (rolled_back, base) = match (found, side) {
        (None, None) if is_empty()? => (None, 0),
        (None, Some(side)) if side.version == 0 && is_empty()? => (None, 0),
        (None, side) => {
            (Some("its stamp is missing"), side.map_or(UNKNOWN_GAP, |side| side.version))
        }
        // Nobody knows how far it had come.
        (Some(stamp), None) => (
            Some("its stamp file is missing or damaged"),
            stamp.version.saturating_add(UNKNOWN_GAP),
        ),
        (Some(stamp), Some(side)) => {
            let reason = if stamp.store_id != side.store_id {
                Some("its stamp file belongs to another store")
            } else if stamp.version < side.version {
                Some("it holds less than it had acknowledged")
            } else if stamp.is_alarmed {
                Some("it had been, and was not yet revoked")
            } else {
                None
            };
            (reason, stamp.version.max(side.version))
        }
    };
    let is_new = found.is_none() && rolled_back.is_none();
    let gap = if is_new { 0 } else { VERSION_GAP };
    let version = base
        .checked_add(gap)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "the store has no more versions to give"))?;
    let store_id = match (found, side) {
        (Some(stamp), _) => stamp.store_id,
        (None, Some(side)) => side.store_id,
        (None, None) => {
            let mut store_id = [0; 16];
            fill_random(&mut store_id)?;
            store_id
        }
    };
    let is_alarmed = rolled_back.is_some();
    Ok(Verdict { stamp: Stamp { store_id, version, is_alarmed }, rolled_back })
}

fn read_stamp(tree: &Tree, dir: &Path) -> Result<Option<Stamp>> {
    let Some(bytes) = tree.read(|db| db.get(STAMP_KEY))? else { return Ok(None) };
    match Stamp::decode(&bytes) {
        StampRead::Stamp(stamp) => Ok(Some(stamp)),
        StampRead::Newer(format) => Err(newer(format, dir)),
        StampRead::Damaged => Err(corrupt(dir, None)),
    }
}

/// Finishes what a crash left half done, and stamps the store, in one piece.
fn recover(tree: &Tree, stamp: Stamp, dir: &Path) -> Result<()> {
    let mut writes = redo(tree)?.unwrap_or_default();
    writes.stamp(stamp);
    let write = |db: &sled::Db| {
        writes.apply(db, &mut false)?;
        db.flush()
    };
    tree.write(write).map(drop).map_err(|cause| {
        let message = format!("could not write to the store {}", dir.display());
        let error = Error::new(ErrorKind::Unavailable, message);
        match cause {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    })
}

/// Opens sled, past the leftovers of a crash.
fn open_sled(options: &SledOptions, db_dir: &Path) -> Result<sled::Db> {
    // sled takes a half-written snapshot, left by a crash while opening, for a whole one and
    // then for corruption. Snapshots only save time: everything is in the log.
    let broom = |suffix: &str| {
        snapshots(db_dir, suffix).and_then(|found| found.iter().try_for_each(fs::remove_file))
    };
    broom(".generating").map_err(|e| unavailable("clean up", db_dir, e))?;

    let mut has_moved_snapshots = false;
    let mut waited = Duration::ZERO;
    loop {
        let cause = match try_open(options, db_dir) {
            Ok(db) => return Ok(db),
            Err(cause) => cause,
        };
        match cause {
            Some(sled::Error::Io(e)) if e.to_string().contains("could not acquire lock") => {
                // A handle that was just dropped may hold it for a moment longer.
                if waited >= LOCK_PATIENCE {
                    let holder = "another process, by way of sled itself";
                    return Err(already_open(holder, &options.path).with_source(e));
                }
                pause(LOCK_PAUSE);
                waited += LOCK_PAUSE;
            }
            Some(sled::Error::Io(e)) => return Err(unavailable("open the store", db_dir, e)),
            Some(cause @ sled::Error::Unsupported(_)) => {
                let message = format!("{} has a format of another sled", db_dir.display());
                return Err(Error::new(ErrorKind::NewerFormat, message).with_source(cause));
            }
            cause if has_moved_snapshots => return Err(corrupt(&options.path, cause)),
            _ => {
                has_moved_snapshots = true;
                set_snapshots_aside(db_dir)
                    .map_err(|e| unavailable("set snapshots aside", db_dir, e))?;
            }
        }
    }
}

/// One attempt, on a thread of its own: a panic in the middle of sled leaves state of that
/// thread behind, which then ends with it. `None` is a panic.
fn try_open(options: &SledOptions, db_dir: &Path) -> Result<sled::Db, Option<sled::Error>> {
    let config = sled::Config::new()
        .path(db_dir)
        .cache_capacity(options.cache_len_max_bytes)
        // Never off: sled collects its garbage in this thread only.
        .flush_every_ms(Some(FLUSH_EVERY_MS))
        .use_compression(false);
    thread::spawn(move || config.open()).join().map_err(|_| None)?.map_err(Some)
}

fn snapshots(db_dir: &Path, suffix: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(db_dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(suffix) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn set_snapshots_aside(db_dir: &Path) -> io::Result<()> {
    for path in snapshots(db_dir, "")? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        fs::rename(&path, db_dir.join(format!("aside.{name}")))?;
    }
    Ok(())
}

fn demand(options: &SledOptions, survives: Survives) -> Result<()> {
    if options.requires_power_loss_safety && survives < Survives::PowerLoss {
        let message = format!(
            "{} cannot promise that sessions survive a power loss: {REMEDY_POWER}, or do not \
             require power loss safety",
            options.path.display()
        );
        return Err(Error::new(ErrorKind::PowerLossUnsafe, message));
    }
    Ok(())
}

fn pause(duration: Duration) {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    drop(wait_for(&condvar, mutex.lock(), duration));
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

fn corrupt(dir: &Path, cause: Option<sled::Error>) -> Error {
    let message = format!(
        "the store {0} is damaged and was left as it is. Move the directory away (keep it for \
         inspection), then import the newest export into a new store, or start with an empty \
         one, which logs everybody out",
        dir.display()
    );
    let error = Error::new(ErrorKind::Corrupt, message);
    match cause {
        Some(cause) => error.with_source(cause),
        None => error,
    }
}

fn newer(format: u32, dir: &Path) -> Error {
    let message = format!(
        "the store {} has format {format}, written by a newer version; use that version",
        dir.display()
    );
    Error::new(ErrorKind::NewerFormat, message)
}

/// How often sled writes and syncs what is buffered: the most that a crash of the process takes
/// from commits that asked for no more.
const FLUSH_EVERY_MS: u64 = 200;

const LOCK_PATIENCE: Duration = Duration::from_millis(500);
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// Left out above what is known when nobody knows how far the store had come: more than it can
/// have given.
const UNKNOWN_GAP: u64 = 1 << 40;

const REMEDY_POWER: &str = "its file system does not take the attribute for synchronous writes \
                            (chattr +S); put the store on a local ext4, xfs or btrfs";
