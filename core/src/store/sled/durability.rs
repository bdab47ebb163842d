//! Making sled's writes reach the device.
//!
//! On Linux sled's `flush` starts the writing and waits for it, but never asks the device to
//! empty its cache nor the file system to write its metadata, so a power cut can lose what was
//! flushed, or all of it. The file system's own attribute for synchronous writes closes that
//! gap without touching sled: every write to a file that carries it returns when the bytes are
//! on the device, those of sled's background thread included. New files inherit it from their
//! directory, so it is set there before sled creates any.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::Survives;

/// Sets the attribute on those of `dirs` that exist and on every file in them. Returns what the
/// file system makes of it, which [`of_file`] has to confirm once sled's file exists.
pub(super) fn make_synchronous(dirs: &[&Path]) -> Survives {
    let all = || -> io::Result<bool> {
        let mut is_set = true;
        for dir in dirs.iter().filter(|dir| dir.exists()) {
            is_set &= set(dir)?;
            for file in files(dir)? {
                is_set &= set(&file)?;
            }
        }
        Ok(is_set)
    };
    match all() {
        Ok(true) => Survives::PowerLoss,
        Ok(false) => Survives::ProcessCrash,
        Err(e) => {
            log::debug!("the attribute for synchronous writes could not be set: {e}");
            Survives::ProcessCrash
        }
    }
}

/// What a write to the file or directory at `path` survives.
pub(super) fn of_file(path: &Path) -> Survives {
    match is_set(path) {
        Ok(true) => Survives::PowerLoss,
        _ => Survives::ProcessCrash,
    }
}

fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

#[cfg(target_os = "linux")]
fn set(path: &Path) -> io::Result<bool> {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let file = File::open(path)?;
    let flags = ioctl_getflags(&file)?;
    if !flags.contains(IFlags::SYNC) {
        ioctl_setflags(&file, flags | IFlags::SYNC)?;
    }
    // Some file systems take every flag and keep only those they know.
    Ok(ioctl_getflags(&file)?.contains(IFlags::SYNC))
}

#[cfg(target_os = "linux")]
fn is_set(path: &Path) -> io::Result<bool> {
    use rustix::fs::{IFlags, ioctl_getflags};
    Ok(ioctl_getflags(File::open(path)?)?.contains(IFlags::SYNC))
}

// Elsewhere sled's flush is a real one (`fcntl(F_FULLFSYNC)`, `FlushFileBuffers`).
#[cfg(not(target_os = "linux"))]
fn set(_path: &Path) -> io::Result<bool> {
    Ok(cfg!(any(target_os = "macos", windows)))
}

#[cfg(not(target_os = "linux"))]
fn is_set(path: &Path) -> io::Result<bool> {
    set(path)
}
