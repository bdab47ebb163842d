//! Directories and files of the embedded stores.

use std::fs::{DirBuilder, File};
use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind};

/// Makes a directory for its owner only, if there is none, and makes that durable.
pub(super) fn create_private(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// Writes the entries of a directory to the device, where the system can.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// The error of what the system refused.
pub(super) fn unavailable(what: &str, path: &Path, e: io::Error) -> Error {
    let message = format!("could not {what} ({})", path.display());
    Error::new(ErrorKind::Unavailable, message).with_source(e)
}
