//! The index of what expires, as the stores on disk hold it beside their rows.
//!
//! ```text
//! fe       at (8, big-endian), key's binary form         an expiry entry's key
//! ```
//!
//! The order of the bytes is the order of the times.

use super::{Due, Key};
use crate::time::Timestamp;

/// The first byte of every expiry entry, beyond every table's number.
pub(super) const EXPIRY: u8 = 0xfe;

/// The key of the expiry entry of `key` at `at`.
pub(super) fn expiry_key(at: Timestamp, key: &Key) -> Vec<u8> {
    let mut entry = expiry_bound(at);
    let (bytes, len) = key.encode();
    entry.extend_from_slice(bytes.get(..len).unwrap_or_default());
    entry
}

/// Before every expiry entry at `at` or later, behind every earlier one.
pub(super) fn expiry_bound(at: Timestamp) -> Vec<u8> {
    let mut bound = Vec::with_capacity(9 + Key::LEN_MAX);
    bound.push(EXPIRY);
    bound.extend_from_slice(&at.as_millis().to_be_bytes());
    bound
}

/// What the key of an expiry entry says.
pub(super) fn decode_expiry(entry: &[u8]) -> Option<Due> {
    let (&[EXPIRY], rest) = entry.split_first_chunk()? else {
        return None;
    };
    let (at, key) = rest.split_first_chunk()?;
    Some(Due { at: Timestamp::from_millis(u64::from_be_bytes(*at)), key: Key::decode(key)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Group;
    use crate::store::Table;

    #[test]
    fn an_entry_survives_its_binary_form_and_stands_behind_its_bound() {
        let key = Key::new(Group(7), Table::Data, b"abc").unwrap();
        let at = Timestamp::from_millis(99);
        let entry = expiry_key(at, &key);
        assert_eq!(decode_expiry(&entry), Some(Due { at, key }));
        assert!(expiry_bound(at) < entry && entry < expiry_bound(at.plus_millis(1)));
        assert_eq!(decode_expiry(&entry[1..]), None);
    }
}
