//! Rows, expiry entries and the stamp, as sled's one tree holds them.
//!
//! One tree with prefixes: sled rewrites its list of trees at every new one. Numbers are
//! big-endian, so that the order of the bytes is the order of the numbers.
//!
//! ```text
//! key                                        value
//! 00                                         stamp: magic (8) format (4) store id (16)
//!                                                   version (8) alarm (1)
//! 00 01                                      intent: see `writes.rs`
//! 01..=fd  key's binary form: table (1)      row:   version (8) expires at (8) indexed at (8)
//!          group (2) id (0..=32)                    payload
//! fe       at (8), key's binary form         expiry entry: empty
//! ```
//!
//! `indexed at` is where the row's expiry entry stands, or `NEVER` when it has none. It is at
//! most `expires at`: an entry may lag behind its row, never run ahead of it.

use crate::store::Row;
use crate::time::Timestamp;

/// The key of the stamp. No table has number 0.
pub(super) const STAMP_KEY: &[u8] = &[0x00];

/// The key of the intent.
pub(super) const INTENT_KEY: &[u8] = &[0x00, 0x01];

/// The first byte of every row's key is at least this.
pub(super) const ROWS_FIRST: u8 = 0x01;

/// The format of everything above.
pub(super) const FORMAT: u32 = 1;

/// Bytes before the payload of a row.
pub(super) const HEADER_LEN: usize = 24;

const STAMP_MAGIC: &[u8; 8] = b"sessile\0";
const STAMP_LEN: usize = 8 + 4 + 16 + 8 + 1;

/// What a row says of itself, without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) version: u64,
    pub(super) expires_at: Timestamp,
    pub(super) indexed_at: Timestamp,
}

impl Meta {
    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let (version, rest) = row.split_first_chunk()?;
        let (expires_at, rest) = rest.split_first_chunk()?;
        let (indexed_at, _) = rest.split_first_chunk()?;
        Some(Meta {
            version: u64::from_be_bytes(*version),
            expires_at: Timestamp::from_millis(u64::from_be_bytes(*expires_at)),
            indexed_at: Timestamp::from_millis(u64::from_be_bytes(*indexed_at)),
        })
    }

    pub(super) fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let mut row = Vec::with_capacity(HEADER_LEN + payload.len());
        row.extend_from_slice(&self.version.to_be_bytes());
        row.extend_from_slice(&self.expires_at.as_millis().to_be_bytes());
        row.extend_from_slice(&self.indexed_at.as_millis().to_be_bytes());
        row.extend_from_slice(payload);
        row
    }
}

pub(super) fn decode_row(bytes: &[u8]) -> Option<Row> {
    let meta = Meta::decode(bytes)?;
    let value = bytes.get(HEADER_LEN..)?.to_vec();
    Some(Row { version: meta.version, expires_at: meta.expires_at, value })
}

/// The row of the tree that says whose it is and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) store_id: [u8; 16],
    /// No version above this was given, save by buffered commits since the stamp was written.
    pub(super) version: u64,
    /// A rolled back store was opened all the same, and what follows from that is not yet done.
    pub(super) is_alarmed: bool,
}

/// What stands where the stamp should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StampRead {
    Stamp(Stamp),
    Newer(u32),
    Damaged,
}

impl Stamp {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(STAMP_LEN);
        bytes.extend_from_slice(STAMP_MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.store_id);
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.push(u8::from(self.is_alarmed));
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> StampRead {
        let parts = || {
            let (magic, rest) = bytes.split_first_chunk::<8>()?;
            let (format, rest) = rest.split_first_chunk::<4>()?;
            (magic == STAMP_MAGIC).then_some((u32::from_be_bytes(*format), rest))
        };
        let Some((format, rest)) = parts() else { return StampRead::Damaged };
        if format > FORMAT {
            return StampRead::Newer(format);
        }
        let body = || {
            let (store_id, rest) = rest.split_first_chunk::<16>()?;
            let (version, rest) = rest.split_first_chunk::<8>()?;
            let &[alarm] = rest else { return None };
            let version = u64::from_be_bytes(*version);
            Some(Stamp { store_id: *store_id, version, is_alarmed: alarm != 0 })
        };
        body().map_or(StampRead::Damaged, StampRead::Stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Table;
    use crate::store::expiry::EXPIRY;

    #[test]
    fn no_table_has_the_prefix_of_the_stamp_or_the_expiry() {
        for table in Table::ALL {
            assert!((ROWS_FIRST..EXPIRY).contains(&table.number()));
        }
    }

    #[test]
    fn rows_and_stamps_survive_their_binary_form() {
        let at = Timestamp::from_millis(99);
        let meta = Meta { version: 3, expires_at: at, indexed_at: Timestamp::from_millis(5) };
        assert_eq!(Meta::decode(&meta.encode(b"x")), Some(meta));
        assert_eq!(decode_row(&meta.encode(b"x")).unwrap().value, b"x");
        assert_eq!(Meta::decode(&[0; 23]), None);
        let stamp = Stamp { store_id: [9; 16], version: 12, is_alarmed: true };
        assert_eq!(Stamp::decode(&stamp.encode()), StampRead::Stamp(stamp));
    }

    #[test]
    fn a_stamp_of_a_newer_format_is_told_from_a_damaged_one() {
        let mut bytes = Stamp { store_id: [9; 16], version: 12, is_alarmed: false }.encode();
        bytes[11] = 2;
        bytes.push(0);
        assert_eq!(Stamp::decode(&bytes), StampRead::Newer(2));
        bytes[0] = 0;
        assert_eq!(Stamp::decode(&bytes), StampRead::Damaged);
    }
}
