//! A file system of its own, in a file behind a loop device.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// An ext4 file system in a file, mounted. Dropping it unmounts it, which frees the loop device.
pub struct LoopDisk {
    /// Where it is mounted.
    pub path: PathBuf,
    image: PathBuf,
    _dir: TempDir,
}

impl LoopDisk {
    /// A new one with nothing in it.
    pub fn new(len_mib: u32) -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        LoopDisk::with_image_in(dir.path().to_owned(), dir, len_mib)
    }

    /// A new one whose file is made in `place`.
    pub fn new_in(place: &Path, len_mib: u32) -> Result<Self, String> {
        LoopDisk::with_image_in(place.to_owned(), tempfile::tempdir().unwrap(), len_mib)
    }

    fn with_image_in(place: PathBuf, dir: TempDir, len_mib: u32) -> Result<Self, String> {
        let image = place.join("image");
        run(Command::new("truncate").arg(format!("--size={len_mib}M")).arg(&image))?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image))?;
        LoopDisk::mount(image, dir)
    }

    /// What the device holds now, as a disk of its own: what a power cut at this moment leaves.
    /// Whoever writes to this one must stand still.
    pub fn after_power_cut(&self) -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        // The kernel may write by itself meanwhile. Two readings that agree in every block are
        // the device at the moment between them.
        for _ in 0..20 {
            run(Command::new("cp").arg("--sparse=always").arg(&self.image).arg(&image))?;
            let mut compare = Command::new("cmp");
            if compare.arg("--silent").arg(&self.image).arg(&image).status().unwrap().success() {
                return LoopDisk::mount(image, dir);
            }
        }
        Err("the device never stood still".to_owned())
    }

    /// How often the device was told to empty its cache.
    pub fn flushes(&self) -> u64 {
        let device = fs::metadata(&self.path).unwrap().dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let stat = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).unwrap();
        stat.split_whitespace().nth(15).map_or(0, |flushes| flushes.parse().unwrap())
    }

    /// Unmounts it and mounts it again, as a restart would.
    pub fn remount(&self) -> Result<(), String> {
        run(Command::new("umount").arg(&self.path))?;
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.path))
    }

    fn mount(image: PathBuf, dir: TempDir) -> Result<Self, String> {
        let path = dir.path().join("mounted");
        fs::create_dir(&path).unwrap();
        run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&path))?;
        Ok(LoopDisk { path, image, _dir: dir })
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        // Lazily when something still has it open: it goes once that ends.
        if run(Command::new("umount").arg(&self.path)).is_err() {
            let _ = run(Command::new("umount").arg("--lazy").arg(&self.path));
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
