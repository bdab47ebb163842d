//! Keys and rows, as the server holds them.
//!
//! The rows lie in partitions, `group % partitions`. All keys of a partition have one hash tag,
//! so that a cluster keeps them in one slot, and one script reaches them all.
//!
//! ```text
//! key                      type     value
//! {prefix:N}m              hash     term, tip: who may write, and the last version written;
//!                                   in partition 0 also format, store, partitions, reserved,
//!                                   owners
//! {prefix:0}o              string   the owner, for as long as its lease runs
//! {prefix:N}r + binary key string   row: version (8) expires at (8) payload
//! {prefix:N}k              zset     binary keys, all with score 0: in the order of the bytes
//! {prefix:N}x              zset     expires at (8) + binary key, likewise; none for `NEVER`
//! ```

use crate::id::Group;
use crate::store::{Due, Key, Row};
use crate::time::Timestamp;

/// The format of everything above.
pub(super) const FORMAT: u32 = 1;

/// The key names of one partition.
#[derive(Debug)]
pub(super) struct Names {
    tag: String,
}

impl Names {
    pub(super) fn new(prefix: &str, partition: usize) -> Self {
        Names { tag: format!("{{{prefix}:{partition}}}") }
    }

    pub(super) fn meta(&self) -> Vec<u8> {
        self.name("m")
    }

    pub(super) fn owner(&self) -> Vec<u8> {
        self.name("o")
    }

    pub(super) fn index(&self) -> Vec<u8> {
        self.name("k")
    }

    pub(super) fn expiry(&self) -> Vec<u8> {
        self.name("x")
    }

    /// What stands before the binary key in the name of a row.
    pub(super) fn rows(&self) -> Vec<u8> {
        self.name("r")
    }

    pub(super) fn row(&self, key: &Key) -> Vec<u8> {
        let (bytes, len) = key.encode();
        let mut name = self.rows();
        name.extend_from_slice(bytes.get(..len).unwrap_or_default());
        name
    }

    /// The cluster's slot: CRC-16 (XMODEM) of what stands between the braces.
    pub(super) fn slot(&self) -> u16 {
        let inner = self.tag.trim_start_matches('{').trim_end_matches('}');
        let crc = inner.bytes().fold(0_u16, |crc, byte| {
            (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
            })
        });
        crc % SLOTS
    }

    fn name(&self, suffix: &str) -> Vec<u8> {
        [self.tag.as_bytes(), suffix.as_bytes()].concat()
    }
}

/// The partition of a group.
pub(super) fn partition_of(group: Group, partitions: usize) -> usize {
    group.index() % partitions.max(1)
}

pub(super) fn encode_version(version: u64) -> [u8; 8] {
    version.to_be_bytes()
}

pub(super) fn encode_row(version: u64, expires_at: Timestamp, payload: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(HEADER_LEN + payload.len());
    row.extend_from_slice(&version.to_be_bytes());
    row.extend_from_slice(&expires_at.as_millis().to_be_bytes());
    row.extend_from_slice(payload);
    row
}

pub(super) fn decode_row(bytes: &[u8]) -> Option<Row> {
    let (version, rest) = bytes.split_first_chunk()?;
    let (expires_at, payload) = rest.split_first_chunk()?;
    Some(Row {
        version: u64::from_be_bytes(*version),
        expires_at: Timestamp::from_millis(u64::from_be_bytes(*expires_at)),
        value: payload.to_vec(),
    })
}

/// When the server may let go of a row at the earliest, as its script takes it; empty: never.
/// The script adds a day, from now on if that is later.
pub(super) fn backstop(expires_at: Timestamp) -> Vec<u8> {
    let ms = expires_at.as_millis();
    if ms > BACKSTOP_MS_MAX { Vec::new() } else { ms.to_string().into_bytes() }
}

pub(super) fn encode_due(due: &Due) -> Vec<u8> {
    let mut entry = due.at.as_millis().to_be_bytes().to_vec();
    entry.extend_from_slice(&due.key.to_vec());
    entry
}

pub(super) fn decode_due(entry: &[u8]) -> Option<Due> {
    let (at, key) = entry.split_first_chunk()?;
    Some(Due { at: Timestamp::from_millis(u64::from_be_bytes(*at)), key: Key::decode(key)? })
}

/// A bound of a range, as `ZRANGEBYLEX` takes it: these bytes, or all behind them.
pub(super) fn from(bytes: &[u8]) -> Vec<u8> {
    [b"[", bytes].concat()
}

/// All behind these bytes, or all before them.
pub(super) fn beyond(bytes: &[u8]) -> Vec<u8> {
    [b"(", bytes].concat()
}

/// Before everything that starts otherwise than with `prefix` and is greater.
pub(super) fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return beyond(&end);
        }
    }
    b"+".to_vec()
}

const HEADER_LEN: usize = 16;
const SLOTS: u16 = 16_384;
/// The year 11,000 or so: numbers of scripts are whole up to 2^53 only.
const BACKSTOP_MS_MAX: u64 = 1 << 48;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Table;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        // CLUSTER KEYSLOT of {123456789} is 0x31c3, and of {user1000} 3443.
        let slot = |inner: &str| Names { tag: format!("{{{inner}}}") }.slot();
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("user1000"), 3443);
    }

    #[test]
    fn rows_and_entries_survive_their_binary_form() {
        let key = Key::new(Group(7), Table::Data, b"abc").unwrap();
        let at = Timestamp::from_millis(99);
        let row = Row { version: 3, expires_at: at, value: b"x".to_vec() };
        assert_eq!(decode_row(&encode_row(3, at, b"x")), Some(row));
        assert_eq!(decode_row(&[0; 15]), None);
        assert_eq!(decode_due(&encode_due(&Due { at, key })), Some(Due { at, key }));
    }

    #[test]
    fn a_range_ends_behind_everything_with_its_prefix() {
        assert_eq!(end_of(b"a"), b"(b");
        assert_eq!(end_of(b"a\xff\xff"), b"(b");
        assert_eq!(end_of(b"\xff"), b"+");
    }

    #[test]
    fn no_row_has_a_backstop_before_its_deadline() {
        assert_eq!(backstop(Timestamp::from_millis(5)), b"5");
        assert_eq!(backstop(Timestamp::NEVER), b"");
    }
}
