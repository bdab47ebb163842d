//! Rows, expiry entries and the stamp, as LMDB's one database holds them.
//!
//! ```text
//! key                                        value
//! 00                                         stamp: magic (8) format (4) store id (16)
//!                                                   version (8) map length (8)
//!                                                   id of the epoch file (8) alarm (1)
//! 01..=fd  key's binary form: table (1)      row:   version (8) expires at (8) payload
//!          group (2) id (0..=32)
//! fe       at (8), key's binary form         expiry entry: empty
//! ```
//!
//! Numbers are big-endian, so that the order of the bytes is the order of the numbers. A row
//! whose expiry is `NEVER` has no expiry entry; every other has exactly one, in the same
//! transaction.

use crate::store::Row;
use crate::time::Timestamp;

/// The key of the stamp. No table has number 0.
pub(super) const STAMP_KEY: &[u8] = &[0x00];

/// The first byte of every row's key is at least this.
pub(super) const ROWS_FIRST: u8 = 0x01;

/// The format of everything above.
pub(super) const FORMAT: u32 = 1;

/// Bytes before the payload of a row.
pub(super) const HEADER_LEN: usize = 16;

const STAMP_MAGIC: &[u8; 8] = b"sessileL";

/// The version and the expiry of a row.
pub(super) fn decode_header(row: &[u8]) -> Option<(u64, Timestamp, &[u8])> {
    let (version, rest) = row.split_first_chunk()?;
    let (expires_at, payload) = rest.split_first_chunk()?;
    let expires_at = Timestamp::from_millis(u64::from_be_bytes(*expires_at));
    Some((u64::from_be_bytes(*version), expires_at, payload))
}

pub(super) fn decode_row(bytes: &[u8]) -> Option<Row> {
    let (version, expires_at, payload) = decode_header(bytes)?;
    Some(Row { version, expires_at, value: payload.to_vec() })
}

pub(super) fn encode_row(version: u64, expires_at: Timestamp, payload: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(HEADER_LEN + payload.len());
    row.extend_from_slice(&version.to_be_bytes());
    row.extend_from_slice(&expires_at.as_millis().to_be_bytes());
    row.extend_from_slice(payload);
    row
}

/// The row that says whose the store is and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) store_id: [u8; 16],
    /// The greatest version given.
    pub(super) version: u64,
    /// The map length of the processes that have the store open.
    pub(super) map_len: u64,
    /// The id of the epoch file that they share.
    pub(super) epochs_id: u64,
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
        let mut bytes = Vec::with_capacity(53);
        bytes.extend_from_slice(STAMP_MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.store_id);
        for number in [self.version, self.map_len, self.epochs_id] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
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
            let (map_len, rest) = rest.split_first_chunk::<8>()?;
            let (epochs_id, rest) = rest.split_first_chunk::<8>()?;
            let &[alarm] = rest else { return None };
            Some(Stamp {
                store_id: *store_id,
                version: u64::from_be_bytes(*version),
                map_len: u64::from_be_bytes(*map_len),
                epochs_id: u64::from_be_bytes(*epochs_id),
                is_alarmed: alarm != 0,
            })
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
        let row = Row { version: 3, expires_at: at, value: b"x".to_vec() };
        assert_eq!(decode_row(&encode_row(3, at, b"x")), Some(row));
        assert_eq!(decode_row(&[0; 15]), None);
        let stamp = Stamp {
            store_id: [9; 16],
            version: 12,
            map_len: 1 << 30,
            epochs_id: 77,
            is_alarmed: true,
        };
        assert_eq!(Stamp::decode(&stamp.encode()), StampRead::Stamp(stamp));
        let mut newer = stamp.encode();
        newer[11] = 2;
        newer.push(0);
        assert_eq!(Stamp::decode(&newer), StampRead::Newer(2));
        newer[0] = 0;
        assert_eq!(Stamp::decode(&newer), StampRead::Damaged);
    }
}
