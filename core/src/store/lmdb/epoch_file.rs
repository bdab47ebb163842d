//! The file of the epochs that processes share.
//!
//! ```text
//! words of 8 bytes, in the order of the machine: no other machine maps it
//!   0      magic
//!   1      format
//!   2..4   store id
//!   4      id of this file, at random; the store's stamp names it
//!   5      number of the file in its file system: a copy has another
//!   6      crc32 of the words before
//!   256    the latest time that a process has seen, in milliseconds
//!   512..  epochs: one for each group, one common, one for rounds, the rest unused
//! ```
//!
//! It holds nothing that outlives the processes: the first that opens the store makes it anew,
//! in a new file, so that nothing that a crash left in it is ever trusted. Each file begins at
//! an epoch of its own, at random, so that no stamp from under another file ever fits. Whoever
//! comes later takes the file that the stamp names or none: while a process is still mapping
//! another one, its cached sessions would stand although this one ended them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::layout::Stamp;
use crate::cache::{FILE_WORDS, HEADER_WORDS};
use crate::error::{Error, ErrorKind, Result};
use crate::id::fill_random;
use crate::store::files::unavailable;
use crate::sys::SharedEpochs;

const NAME: &str = "sessile.epochs";

/// Makes the file anew and maps it. Gives its id. Only while no other process has one mapped.
pub(super) fn make(dir: &Path, store_id: [u8; 16]) -> Result<(SharedEpochs, u64)> {
    let mut random = [0; 16];
    fill_random(&mut random)?;
    let (id, base) = random.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    let (id, base) = (number(id), number(base) & !1);
    let path = dir.join(NAME);
    let write = || {
        let new = dir.join("sessile.epochs.new");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        let mut words = header(store_id, id, number_of(&file)?);
        words.resize(HEADER_WORDS, 0);
        words.resize(FILE_WORDS, base);
        let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_ne_bytes).collect();
        file.write_all(&bytes)?;
        fs::rename(&new, &path)?;
        SharedEpochs::map(&file)
    };
    Ok((write().map_err(|e| unavailable("make the file of epochs", &path, e))?, id))
}

/// Maps the file that `stamp` names, while others have it mapped.
pub(super) fn join(dir: &Path, stamp: &Stamp) -> Result<SharedEpochs> {
    let path = dir.join(NAME);
    let open = || -> io::Result<Option<SharedEpochs>> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        if file.metadata()?.len() != (FILE_WORDS * size_of::<u64>()) as u64 {
            return Ok(None);
        }
        let shared = SharedEpochs::map(&file)?;
        let expected = header(stamp.store_id, stamp.epochs_id, number_of(&file)?);
        let words = shared.words().iter().map(|word| word.load(crate::sync::Ordering::Acquire));
        let is_it = words.take(expected.len()).eq(expected);
        Ok(is_it.then_some(shared))
    };
    match open() {
        Ok(Some(shared)) => Ok(shared),
        Ok(None) => Err(wrong(&path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(wrong(&path)),
        Err(e) => Err(unavailable("open the file of epochs", &path, e)),
    }
}

fn header(store_id: [u8; 16], id: u64, number: u64) -> Vec<u64> {
    let mut words = vec![MAGIC, FORMAT];
    let (halves, _) = store_id.as_chunks::<8>();
    words.extend(halves.iter().map(|half| u64::from_ne_bytes(*half)));
    words.extend([id, number]);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    words.push(crc32fast::hash(&bytes).into());
    words
}

/// What tells the file from a copy of it.
fn number_of(file: &File) -> io::Result<u64> {
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::ino(&file.metadata()?));
    #[cfg(not(unix))]
    Ok(file.metadata().map(|_| 0)?)
}

fn wrong(path: &Path) -> Error {
    let message = format!(
        "{} is missing, damaged or a copy, and other processes have the store open with another: \
         what one of them revokes would not be noticed by the next. Close the store in all of \
         them; the first to open it makes the file anew",
        path.display()
    );
    Error::new(ErrorKind::Corrupt, message)
}

const MAGIC: u64 = u64::from_be_bytes(*b"sessileE");
const FORMAT: u64 = 1;
