//! Every row of a store as one stream, to be kept, carried elsewhere and loaded into any backend.
//!
//! ```text
//! header    magic "SESSILEX" (8)  format (4)  crc32 of these (4)
//! frames    payload length (4), not 0  rows (4)  payload  crc32 of these (4)
//! trailer   0 (4)  frames (8)  rows (8)  crc32 of the frames' crc32s (4)  crc32 of these (4)
//!
//! payload   rows in the order of their keys, over all frames:
//!           key length (1)  key  version (8)  expires at (8)  value length (4)  value
//! ```
//!
//! Numbers are big-endian. A key is in its binary form: table (1), group (2), id (0..=32). The
//! checksum of a frame is checked before a row of it is loaded; the trailer tells an export
//! that is whole from one that was cut between two frames. Checksums find damage, not malice:
//! keep exports where only those can write who may write to the store.

use std::io::{self, Read, Write};

use super::{Key, Row, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Timestamp;

/// What [`export`] wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// Rows.
    pub rows: u64,
    /// Frames.
    pub frames: u64,
    /// Length of the stream, in bytes.
    pub len_bytes: u64,
}

/// What [`import`] loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Rows.
    pub rows: u64,
    /// Frames.
    pub frames: u64,
}

/// Writes every row of `store` to `out` and flushes it. The store is not changed, and may be in
/// use: a row that changes meanwhile is exported as it was at some moment of the export.
///
/// ```
/// use sessile::store::{MemoryStore, export, import};
///
/// # fn main() -> sessile::Result<()> {
/// let mut bytes = Vec::new();
/// export(&MemoryStore::new(), &mut bytes)?;
/// let summary = import(&MemoryStore::new(), &mut bytes.as_slice())?;
/// assert_eq!(summary.rows, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// - [`Unavailable`](ErrorKind::Unavailable): `out` could not be written, or the store not read.
///   What was written is no whole export, and an import says so.
/// - [`Corrupt`](ErrorKind::Corrupt): the store holds damaged rows.
pub fn export(store: &dyn Store, out: &mut dyn Write) -> Result<ExportSummary> {
    let mut writer = Writer { out, summary: ExportSummary::default(), crcs: Vec::new() };
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&FORMAT.to_be_bytes());
    writer.write_checked(&header)?;

    let (mut payload, mut rows) = (Vec::new(), 0_u32);
    let mut after = None;
    loop {
        let page = store.dump(after.as_ref(), PAGE_ROWS)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (key, row) in &page {
            if payload.len() >= FRAME_LEN_BYTES {
                writer.frame(&payload, rows)?;
                payload.clear();
                rows = 0;
            }
            put_row(&mut payload, key, row)?;
            rows += 1;
        }
    }
    if rows > 0 {
        writer.frame(&payload, rows)?;
    }
    writer.trailer()
}

/// Loads an export into `store`, which has to be empty, with the versions that the rows had,
/// and makes it durable.
///
/// Sessions that were revoked after the export are valid in it: better use
/// [`Engine::restore`](crate::Engine::restore), which ends them.
///
/// # Errors
/// - [`InvalidInput`](ErrorKind::InvalidInput): the store holds rows. Nothing was loaded.
/// - [`NewerFormat`](ErrorKind::NewerFormat): written by a newer version. Nothing was loaded.
/// - [`Corrupt`](ErrorKind::Corrupt): no export, or cut short, or damaged; the message names the
///   frame. The frames before it are loaded: begin again with an empty store.
/// - [`TooLarge`](ErrorKind::TooLarge): a value is too long for this backend.
/// - [`Unavailable`](ErrorKind::Unavailable): `input` could not be read.
/// - As [`Store::load`] and [`Store::sync`].
pub fn import(store: &dyn Store, input: &mut dyn Read) -> Result<ImportSummary> {
    if !store.dump(None, 1)?.is_empty() {
        let message = "an export is imported into an empty store, this one holds rows";
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    load_export(store, input)
}

/// Loads an export beside what the store holds; otherwise as [`import`].
pub(crate) fn load_export(store: &dyn Store, input: &mut dyn Read) -> Result<ImportSummary> {
    let mut reader = Reader { input, frame: 0 };
    reader.header()?;
    let mut summary = ImportSummary::default();
    let (mut crcs, mut last) = (Vec::new(), None);
    while let Some((payload, rows, crc)) = reader.frame()? {
        let rows = parse_rows(&payload, rows, &mut last).ok_or_else(|| reader.damaged())?;
        summary.rows += rows.len() as u64;
        summary.frames += 1;
        crcs.extend_from_slice(&crc.to_be_bytes());
        store.load(rows)?;
    }
    reader.trailer(summary, crc32fast::hash(&crcs))?;
    store.sync()?;
    Ok(summary)
}

struct Writer<'a> {
    out: &'a mut dyn Write,
    summary: ExportSummary,
    crcs: Vec<u8>,
}

impl Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.summary.len_bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(not_written)
    }

    fn write_checked(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes)?;
        self.write(&crc32fast::hash(bytes).to_be_bytes())
    }

    fn frame(&mut self, payload: &[u8], rows: u32) -> Result<()> {
        let head = frame_head(length(payload.len())?, rows);
        let crc = frame_crc(&head, payload).to_be_bytes();
        self.write(&head)?;
        self.write(payload)?;
        self.write(&crc)?;
        self.crcs.extend_from_slice(&crc);
        self.summary.frames += 1;
        self.summary.rows += u64::from(rows);
        Ok(())
    }

    fn trailer(mut self) -> Result<ExportSummary> {
        let ExportSummary { frames, rows, .. } = self.summary;
        let trailer = trailer(frames, rows, crc32fast::hash(&self.crcs));
        self.write(&0_u32.to_be_bytes())?;
        self.write_checked(&trailer)?;
        self.out.flush().map_err(not_written)?;
        Ok(self.summary)
    }
}

struct Reader<'a> {
    input: &'a mut dyn Read,
    /// The number of the frame being read, from 1.
    frame: u64,
}

impl Reader<'_> {
    fn header(&mut self) -> Result<()> {
        let no_export = || Error::new(ErrorKind::Corrupt, "this is no export of a store");
        let header: [u8; 12] = self.array()?;
        let crc: [u8; 4] = self.array()?;
        let Some((MAGIC, format)) = header.split_first_chunk::<8>() else {
            return Err(no_export());
        };
        if crc != crc32fast::hash(&header).to_be_bytes() {
            return Err(no_export());
        }
        let format = u32::from_be_bytes(format.try_into().map_err(|_| no_export())?);
        if format > FORMAT {
            let message =
                format!("the export has format {format}, of a newer version; use that version");
            return Err(Error::new(ErrorKind::NewerFormat, message));
        }
        Ok(())
    }

    /// The next frame's payload, rows and checksum, or `None` where the trailer begins.
    fn frame(&mut self) -> Result<Option<(Vec<u8>, u32, u32)>> {
        self.frame += 1;
        let len = u32::from_be_bytes(self.array()?);
        if len == 0 {
            return Ok(None);
        }
        let rows = u32::from_be_bytes(self.array()?);
        let len_usize = usize::try_from(len).map_err(|_| self.damaged())?;
        // Before the checksum is known to be right the length may be anything.
        if len_usize > FRAME_LEN_MAX {
            return Err(self.damaged());
        }
        let mut payload = vec![0; len_usize];
        self.fill(&mut payload)?;
        let crc = u32::from_be_bytes(self.array()?);
        if crc != frame_crc(&frame_head(len, rows), &payload) {
            return Err(self.damaged());
        }
        Ok(Some((payload, rows, crc)))
    }

    fn trailer(&mut self, summary: ImportSummary, crc: u32) -> Result<()> {
        let found: [u8; TRAILER_LEN] = self.array()?;
        let found_crc: [u8; 4] = self.array()?;
        let is_whole = found == trailer(summary.frames, summary.rows, crc)
            && found_crc == crc32fast::hash(&found).to_be_bytes();
        let mut behind = [0];
        if !is_whole || self.input.read(&mut behind).map_err(not_read)? != 0 {
            let message = format!("the export is damaged behind frame {}", summary.frames);
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.input.read_exact(bytes).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                let message = format!("the export ends in frame {}: it was cut short", self.frame);
                Error::new(ErrorKind::Corrupt, message)
            }
            _ => not_read(e),
        })
    }

    fn damaged(&self) -> Error {
        let message = format!("frame {} of the export is damaged", self.frame);
        Error::new(ErrorKind::Corrupt, message)
    }
}

fn put_row(payload: &mut Vec<u8>, key: &Key, row: &Row) -> Result<()> {
    let key = key.to_vec();
    payload.push(u8::try_from(key.len()).unwrap_or(u8::MAX));
    payload.extend_from_slice(&key);
    payload.extend_from_slice(&row.version.to_be_bytes());
    payload.extend_from_slice(&row.expires_at.as_millis().to_be_bytes());
    payload.extend_from_slice(&length(row.value.len())?.to_be_bytes());
    payload.extend_from_slice(&row.value);
    Ok(())
}

/// The rows of a frame, if there are as many as it says and their keys go on from `last`.
fn parse_rows(payload: &[u8], count: u32, last: &mut Option<Key>) -> Option<Vec<(Key, Row)>> {
    let (mut rows, mut rest) = (Vec::new(), payload);
    while !rest.is_empty() {
        let (&key_len, behind) = rest.split_first()?;
        let (key, behind) = behind.split_at_checked(usize::from(key_len))?;
        let (version, behind) = behind.split_first_chunk()?;
        let (expires_at, behind) = behind.split_first_chunk()?;
        let (len, behind) = behind.split_first_chunk()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        let (value, behind) = behind.split_at_checked(len)?;
        rest = behind;
        let key = Key::decode(key)?;
        if last.is_some_and(|last| last >= key) {
            return None;
        }
        *last = Some(key);
        let version = u64::from_be_bytes(*version);
        let expires_at = Timestamp::from_millis(u64::from_be_bytes(*expires_at));
        rows.push((key, Row { version, expires_at, value: value.to_vec() }));
    }
    (u32::try_from(rows.len()).ok()? == count).then_some(rows)
}

fn frame_head(len: u32, rows: u32) -> [u8; 8] {
    ((u64::from(len) << 32) | u64::from(rows)).to_be_bytes()
}

fn frame_crc(head: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(payload);
    hasher.finalize()
}

fn trailer(frames: u64, rows: u64, crc: u32) -> [u8; TRAILER_LEN] {
    let mut trailer = [0; TRAILER_LEN];
    let (counts, crc_place) = trailer.split_at_mut(16);
    let (frames_place, rows_place) = counts.split_at_mut(8);
    frames_place.copy_from_slice(&frames.to_be_bytes());
    rows_place.copy_from_slice(&rows.to_be_bytes());
    crc_place.copy_from_slice(&crc.to_be_bytes());
    trailer
}

fn length(len: usize) -> Result<u32> {
    u32::try_from(len).map_err(|_| Error::new(ErrorKind::TooLarge, "a value of 4 GiB or more"))
}

fn not_written(e: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the export could not be written").with_source(e)
}

fn not_read(e: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the export could not be read").with_source(e)
}

const MAGIC: &[u8; 8] = b"SESSILEX";
const FORMAT: u32 = 1;
/// A frame ends with the row that reaches this: the unit of checking and loading.
const FRAME_LEN_BYTES: usize = 1 << 20;
/// The longest frame that is read: one row of the longest value may come on top.
const FRAME_LEN_MAX: usize = 4 << 20;
const TRAILER_LEN: usize = 8 + 8 + 4;
/// Rows held in memory at a time: 64 of sled's longest values are a few MiB.
const PAGE_ROWS: usize = 64;
