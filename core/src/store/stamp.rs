//! The side file: what the store is known to have acknowledged, kept outside of the store.
//!
//! sled and LMDB open a truncated file, or an older copy put in its place, without a word: revoked
//! sessions would come back. So the version that was last known to be on the device stands in a
//! file of its own, and a store that is behind it was rolled back.
//!
//! ```text
//! two slots, at 0 and 4096, of 64 bytes each:
//!   magic (8) format (4) store id (16) sequence (8) version (8) zeros (16) crc32 of these (4)
//! ```
//!
//! The slots are written in turn and in place, the valid one with the higher sequence counts.
//! That costs one synced write of one block, where a new file and a rename would cost three,
//! cannot fail for want of space, and a torn write leaves the other slot, in another sector
//! and another page, as it was. The checksum stands at the same place in every format, so that
//! a newer format is told from damage.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind::NotFound, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::files::sync_dir;

/// What to do with a store that is older than what it had acknowledged: a restored copy, a
/// truncated file, or one whose stamp file is missing. Sessions that were revoked would be
/// valid again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRollback {
    /// Do not open it: [`RolledBack`](crate::ErrorKind::RolledBack).
    #[default]
    Refuse,
    /// Open it and say so in
    /// [`Capabilities::was_rolled_back`](crate::store::Capabilities::was_rolled_back): the
    /// engine then revokes everything. Every open says so again until
    /// [`sync`](crate::store::Store::sync) was called, which the engine does only afterwards.
    RevokeAll,
}

/// The side file, and where the next write goes.
#[derive(Debug)]
pub(super) struct SideFile {
    path: PathBuf,
    /// The slot that counts, with its number. `None` when no slot is valid.
    newest: Option<(usize, Slot)>,
    file: Option<File>,
}

/// What a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) store_id: [u8; 16],
    pub(super) version: u64,
    sequence: u64,
}

/// Why a side file could not be used.
#[derive(Debug)]
pub(super) enum SideError {
    Io(io::Error),
    Newer(u32),
}

impl SideFile {
    pub(super) const NAME: &str = "sessile.stamp";

    /// Reads the side file at `path` and changes nothing. A missing or damaged one reads as one
    /// without a valid slot.
    pub(super) fn read(path: &Path) -> Result<Self, SideError> {
        let mut side = SideFile { path: path.to_owned(), newest: None, file: None };
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(file) => {
                file.take(FILE_LEN_MAX).read_to_end(&mut bytes).map_err(SideError::Io)?;
            }
            Err(e) if e.kind() == NotFound => return Ok(side),
            Err(e) => return Err(SideError::Io(e)),
        }
        for (number, offset) in SLOT_OFFSETS.into_iter().enumerate() {
            let bytes = bytes.get(offset..offset + SLOT_LEN).and_then(|b| b.try_into().ok());
            match bytes.map_or(SlotRead::Damaged, Slot::decode) {
                SlotRead::Newer(format) => return Err(SideError::Newer(format)),
                SlotRead::Damaged => {}
                SlotRead::Slot(slot) => {
                    if side.newest.is_none_or(|(_, newest)| newest.sequence < slot.sequence) {
                        side.newest = Some((number, slot));
                    }
                }
            }
        }
        Ok(side)
    }

    /// What the file says, `None` when it is missing or damaged.
    pub(super) fn newest(&self) -> Option<Slot> {
        self.newest.map(|(_, slot)| slot)
    }

    /// Records that `version` of the store `store_id` is on the device. A lower version than
    /// the recorded one of the same store changes nothing.
    pub(super) fn write(&mut self, store_id: [u8; 16], version: u64) -> io::Result<()> {
        let newest = self.newest();
        if newest.is_some_and(|slot| slot.store_id == store_id && slot.version >= version) {
            return Ok(());
        }
        let number = self.newest.map_or(0, |(number, _)| 1 - number);
        let sequence = newest.map_or(0, |slot| slot.sequence).saturating_add(1);
        let slot = Slot { store_id, version, sequence };
        let is_new = self.file.is_none() && !self.path.exists();
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut options = OpenOptions::new();
                options.write(true).create(true).truncate(false);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                self.file.insert(options.open(&self.path)?)
            }
        };
        // The file is 8 KiB from the start, so that later writes need no space.
        if is_new {
            file.write_all(&[0; 2 * SLOT_DISTANCE])?;
        }
        let offset = SLOT_OFFSETS.get(number).copied().unwrap_or(0);
        file.seek(SeekFrom::Start(offset as u64))?;
        file.write_all(&slot.encode())?;
        if is_new {
            file.sync_all()?;
            let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
            sync_dir(dir.unwrap_or(Path::new(".")))?;
        } else {
            file.sync_data()?;
        }
        // Only now: after a failure the other slot is the one that must not be overwritten.
        self.newest = Some((number, slot));
        Ok(())
    }
}

enum SlotRead {
    Slot(Slot),
    Newer(u32),
    Damaged,
}

impl Slot {
    fn encode(&self) -> [u8; SLOT_LEN] {
        let mut body = Vec::with_capacity(SLOT_LEN);
        body.extend_from_slice(MAGIC);
        body.extend_from_slice(&FORMAT.to_be_bytes());
        body.extend_from_slice(&self.store_id);
        body.extend_from_slice(&self.sequence.to_be_bytes());
        body.extend_from_slice(&self.version.to_be_bytes());
        body.resize(CRC_OFFSET, 0);
        let crc = crc32fast::hash(&body);
        body.extend_from_slice(&crc.to_be_bytes());
        let mut bytes = [0; SLOT_LEN];
        bytes.copy_from_slice(&body);
        bytes
    }

    fn decode(bytes: &[u8; SLOT_LEN]) -> SlotRead {
        let (body, crc) = bytes.split_at(CRC_OFFSET);
        if crc != crc32fast::hash(body).to_be_bytes() {
            return SlotRead::Damaged;
        }
        let parts = || {
            let (magic, rest) = body.split_first_chunk::<8>()?;
            let (format, rest) = rest.split_first_chunk::<4>()?;
            let (store_id, rest) = rest.split_first_chunk::<16>()?;
            let (sequence, rest) = rest.split_first_chunk::<8>()?;
            let (version, _) = rest.split_first_chunk::<8>()?;
            let slot = Slot {
                store_id: *store_id,
                version: u64::from_be_bytes(*version),
                sequence: u64::from_be_bytes(*sequence),
            };
            (magic == MAGIC).then_some((u32::from_be_bytes(*format), slot))
        };
        match parts() {
            None => SlotRead::Damaged,
            Some((format, _)) if format > FORMAT => SlotRead::Newer(format),
            Some((_, slot)) => SlotRead::Slot(slot),
        }
    }
}

/// The format of the slots.
const FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"sessileS";
const SLOT_LEN: usize = 64;
const CRC_OFFSET: usize = SLOT_LEN - 4;
/// A page, so that no write of one slot touches the other's.
const SLOT_DISTANCE: usize = 4096;
const SLOT_OFFSETS: [usize; 2] = [0, SLOT_DISTANCE];
/// More is not ours, and need not be read to say so.
const FILE_LEN_MAX: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 16] = [7; 16];

    fn version(path: &Path) -> Option<u64> {
        SideFile::read(path).unwrap().newest().map(|slot| slot.version)
    }

    #[test]
    fn the_last_version_written_is_the_one_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SideFile::NAME);
        assert_eq!(version(&path), None);
        let mut side = SideFile::read(&path).unwrap();
        for v in [0, 1, 5, 9] {
            side.write(ID, v).unwrap();
            assert_eq!(version(&path), Some(v));
        }
        side.write(ID, 3).unwrap();
        assert_eq!(version(&path), Some(9));
        let mut side = SideFile::read(&path).unwrap();
        side.write(ID, 10).unwrap();
        assert_eq!(version(&path), Some(10));
    }

    #[test]
    fn a_torn_slot_leaves_the_version_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SideFile::NAME);
        let mut side = SideFile::read(&path).unwrap();
        side.write(ID, 1).unwrap();
        side.write(ID, 2).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[SLOT_DISTANCE + 40] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(version(&path), Some(1));
        bytes[40] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(version(&path), None);
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SideFile::NAME);
        SideFile::read(&path).unwrap().write(ID, 1).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[11] = 2;
        let crc = crc32fast::hash(&bytes[..CRC_OFFSET]);
        bytes[CRC_OFFSET..SLOT_LEN].copy_from_slice(&crc.to_be_bytes());
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(SideFile::read(&path), Err(SideError::Newer(2))));
    }
}
