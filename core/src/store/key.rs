//! Keys of rows, and what makes a batch well-formed.

use std::fmt;

use super::{Batch, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Group;

/// What kind of row a key names. The numbers are part of the format on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// The engine's own: keyring, global watermark. All in group 0.
    Engine = 1,
    /// Sessions, by the random part of their handle.
    Session = 2,
    /// What is known of a subject, by its keyed hash.
    Subject = 3,
    /// Session data, by the random part of the session's handle.
    Data = 4,
    /// Single-use tokens, by the random part of their handle.
    SingleUse = 5,
    /// API keys, by the random part of their handle.
    ApiKey = 6,
    /// What the ids of another maker's sessions lead to, by their keyed hash.
    Foreign = 7,
}

impl Table {
    /// Every table.
    pub const ALL: &[Table] = &[
        Table::Engine,
        Table::Session,
        Table::Subject,
        Table::Data,
        Table::SingleUse,
        Table::ApiKey,
        Table::Foreign,
    ];

    /// The number on disk.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The table of a number on disk.
    pub fn from_number(number: u8) -> Option<Self> {
        Table::ALL.iter().copied().find(|table| table.number() == number)
    }
}

/// The key of a row: a table, a group, an id of up to 32 bytes. Ordered by its binary form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    // Binary form: table (1 byte), group (2, big-endian), id (0..=32). The order of the fields
    // is the order of the keys: the bytes beyond `len` are zero, and `len` decides between an
    // id and the same id with zeros behind it.
    table: Table,
    group: Group,
    id: [u8; Key::ID_LEN_MAX],
    len: u8,
}

impl Key {
    /// The longest id, in bytes.
    pub const ID_LEN_MAX: usize = 32;

    /// The longest binary form, in bytes.
    pub const LEN_MAX: usize = 3 + Key::ID_LEN_MAX;

    /// The key of these parts.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the id is longer than 32 bytes.
    pub fn new(group: Group, table: Table, id: &[u8]) -> Result<Self> {
        let too_long = || {
            let message = format!("a key id has at most 32 bytes, this one has {}", id.len());
            Error::new(ErrorKind::InvalidInput, message)
        };
        let len = u8::try_from(id.len()).map_err(|_| too_long())?;
        let mut padded = [0; Key::ID_LEN_MAX];
        padded.get_mut(..id.len()).ok_or_else(too_long)?.copy_from_slice(id);
        Ok(Key { table, group, id: padded, len })
    }

    /// The key of an id of 16 bytes, which always fits.
    pub(crate) fn of_16(group: Group, table: Table, id: &[u8; 16]) -> Self {
        let mut padded = [0; Key::ID_LEN_MAX];
        let (head, _) = padded.split_at_mut(16);
        head.copy_from_slice(id);
        Key { table, group, id: padded, len: 16 }
    }

    /// The group.
    pub fn group(&self) -> Group {
        self.group
    }

    /// The table.
    pub fn table(&self) -> Table {
        self.table
    }

    /// The id.
    pub fn id(&self) -> &[u8] {
        self.id.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The binary form, and how many bytes of it count.
    pub fn encode(&self) -> ([u8; Key::LEN_MAX], usize) {
        let mut bytes = [0; Key::LEN_MAX];
        let (head, id) = bytes.split_at_mut(3);
        let [high, low] = self.group.0.to_be_bytes();
        head.copy_from_slice(&[self.table.number(), high, low]);
        id.copy_from_slice(&self.id);
        (bytes, 3 + usize::from(self.len))
    }

    /// The binary form.
    pub fn to_vec(&self) -> Vec<u8> {
        let (bytes, len) = self.encode();
        bytes.get(..len).unwrap_or_default().to_vec()
    }

    /// The key with this binary form, or `None` when no key has it.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[table, high, low], id) = bytes.split_first_chunk::<3>()?;
        let group = Group(u16::from_be_bytes([high, low]));
        Key::new(group, Table::from_number(table)?, id).ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}/", self.table, self.group.0)?;
        self.id().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

pub(super) fn validate(batch: &Batch, value_len_max_bytes: usize) -> Result<()> {
    let puts = batch.puts.iter().map(|(key, ..)| key);
    let written = puts.chain(&batch.deletes);
    let all = batch.checks.iter().map(|(key, _)| key).chain(written.clone());
    for key in all {
        if key.group != batch.group {
            return Err(invalid("a batch holds keys of one group only", key));
        }
    }
    // Batches are short; a set would cost more than it saves.
    for (i, key) in written.clone().enumerate() {
        if written.clone().skip(i + 1).any(|other| other == key) {
            return Err(invalid("a batch writes each key once", key));
        }
    }
    batch.puts.iter().try_for_each(|(key, value, _)| validate_len(key, value, value_len_max_bytes))
}

/// What every `load` calls first.
pub(super) fn validate_rows(rows: &[(Key, Row)], value_len_max_bytes: usize) -> Result<()> {
    for (key, row) in rows {
        // So far off that only damage gets there; half of the numbers are left to go on with.
        if row.version > u64::MAX / 2 {
            return Err(invalid("a row has a version of at most 2^63", key));
        }
        validate_len(key, &row.value, value_len_max_bytes)?;
    }
    Ok(())
}

fn validate_len(key: &Key, value: &[u8], value_len_max_bytes: usize) -> Result<()> {
    if value.len() > value_len_max_bytes {
        let len = value.len();
        let message =
            format!("value of {key:?} has {len} bytes, at most {value_len_max_bytes} fit");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(())
}

fn invalid(rule: &str, key: &Key) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{rule}; see {key:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_their_binary_forms() {
        let ids: [&[u8]; 6] = [b"", b"\0", b"\0\0", b"a", b"a\0", b"\xff"];
        let mut keys = Vec::new();
        for table in Table::ALL {
            for group in [0, 1, 256, u16::MAX] {
                keys.extend(ids.map(|id| Key::new(Group(group), *table, id).unwrap()));
            }
        }
        for a in &keys {
            assert_eq!(Key::decode(&a.to_vec()), Some(*a));
            for b in &keys {
                assert_eq!(a.cmp(b), a.to_vec().cmp(&b.to_vec()), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn an_id_of_33_bytes_is_refused() {
        assert!(Key::new(Group(0), Table::Session, &[0; 32]).is_ok());
        let error = Key::new(Group(0), Table::Session, &[0; 33]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
