//! What the tests of the stores share.

#![allow(dead_code)]

pub mod loop_disk;
pub mod own_mounts;
pub mod redis_server;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file below `dir`, by its path in it.
pub fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                all.insert(path.strip_prefix(dir).unwrap().to_owned(), bytes);
            }
        }
    }
    all
}

/// Copies a directory in use as a crash would leave it: at one moment. A copy during which
/// something was written is made again.
pub fn copy_at_once(from: &Path, to: &Path) {
    let mut copy = files(from);
    loop {
        let again = files(from);
        if again == copy {
            break;
        }
        copy = again;
    }
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for (path, bytes) in copy {
        let path = to.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Copies the directory of an LMDB store in use, while nobody writes. By another process: when this
/// one closes any of its files, the locks that it holds on them are gone.
pub fn copy_from_outside(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

/// Makes the first slot of a stamp file say a newer format, with a right checksum.
pub fn make_newer(stamp: &Path) {
    let mut bytes = fs::read(stamp).unwrap();
    bytes[..8].copy_from_slice(b"sessileS");
    bytes[8..12].copy_from_slice(&2_u32.to_be_bytes());
    let crc = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_be_bytes());
    fs::write(stamp, bytes).unwrap();
}

/// A small file system of its own that ends with this value. `None`, with a printed reason,
/// where it cannot be had.
pub struct SmallDisk {
    pub path: PathBuf,
    _dir: tempfile::TempDir,
}

impl SmallDisk {
    pub fn new(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        fs::create_dir(&path).unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "sessile-test"])
            .arg(&path)
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(SmallDisk { path, _dir: dir }),
            Ok(output) => {
                println!("skipped: no mount: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(e) => {
                println!("skipped: no mount: {e}");
                None
            }
        }
    }

    /// Leaves no more than `kib` KiB of it.
    pub fn fill(&self, kib: u64) {
        let ballast = self.path.join("ballast");
        let output = std::process::Command::new("df")
            .args(["--output=avail", "-k"])
            .arg(&self.path)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let avail: u64 = text.lines().last().unwrap().trim().parse().unwrap();
        fs::write(ballast, vec![1; (avail.saturating_sub(kib) * 1024) as usize]).unwrap();
    }

    pub fn free(&self) {
        fs::remove_file(self.path.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
