//! Records <-> bytes.
//!
//! ```text
//! offset  bytes  what
//! 0       1      format version: 1
//! 1       1      kind of record, see [`Kind`]
//! 2       4      CRC-32 (IEEE, little-endian) of key, format, kind and body
//! 6       ..     body: the record in postcard's format
//! ```
//!
//! The checksum covers the key, so that a row that ends up under another key is no record. It
//! finds damage, not forgery: who can write the store can write any row, but no token.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};

/// The format that this version writes, and the newest that it reads.
pub(crate) const FORMAT: u8 = 1;

const HEADER_LEN: usize = 6;

/// What kind of record a row holds. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Session = 1,
    Subject = 2,
    Data = 3,
    Keyring = 4,
    Global = 5,
    Clock = 6,
    SingleUse = 7,
    ApiKey = 8,
    Foreign = 9,
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadRecord {
    /// Too short, another kind, a wrong checksum, or a body that does not decode.
    Damaged,
    /// Written by a newer version.
    Newer,
}

/// The bytes of a record that is to stand under `key` (the key's binary form).
///
/// # Errors
/// - [`Internal`](ErrorKind::Internal): the body cannot be written, which no record of ours does.
pub(crate) fn encode<T: Serialize>(kind: Kind, key: &[u8], record: &T) -> Result<Vec<u8>> {
    let header = vec![FORMAT, kind as u8, 0, 0, 0, 0];
    let mut bytes = postcard::to_extend(record, header).map_err(|error| {
        Error::new(ErrorKind::Internal, "a record could not be encoded").with_source(error)
    })?;
    let crc = checksum(kind, key, bytes.get(HEADER_LEN..).unwrap_or_default());
    if let Some(place) = bytes.get_mut(2..HEADER_LEN) {
        place.copy_from_slice(&crc.to_le_bytes());
    }
    Ok(bytes)
}

/// The record that stands under `key`.
pub(crate) fn decode<T: DeserializeOwned>(
    kind: Kind,
    key: &[u8],
    bytes: &[u8],
) -> Result<T, BadRecord> {
    let (&[format, found, c0, c1, c2, c3], body) =
        bytes.split_first_chunk::<HEADER_LEN>().ok_or(BadRecord::Damaged)?;
    if format > FORMAT {
        return Err(BadRecord::Newer);
    }
    let crc = u32::from_le_bytes([c0, c1, c2, c3]);
    if format != FORMAT || found != kind as u8 || crc != checksum(kind, key, body) {
        return Err(BadRecord::Damaged);
    }
    match postcard::take_from_bytes(body) {
        Ok((record, [])) => Ok(record),
        _ => Err(BadRecord::Damaged),
    }
}

fn checksum(kind: Kind, key: &[u8], body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(key);
    crc.update(&[FORMAT, kind as u8]);
    crc.update(body);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Data;
    use crate::id::{Group, Handle, Subject};
    use crate::record::{
        ApiKeyRecord, ClaimsVersion, EndCause, ForeignRecord, GlobalRecord, Grant, Redeemed,
        RefreshState, Rotated, SessionRecord, SessionRow, SingleUseRecord, SingleUseState,
        SubjectRecord, Suspension, Watermark,
    };
    use crate::time::Timestamp;

    const KEY: &[u8] = b"\x02\x12\x34golden key bytes";

    fn record() -> SessionRecord {
        SessionRecord {
            subject: Some(Subject::new("alice@example.org").unwrap()),
            created: Timestamp::from_millis(1_700_000_000_000),
            issued: Timestamp::from_millis(1_700_000_100_000),
            issued_seq: 77,
            issued_generation: 3,
            not_before: Timestamp::from_millis(0),
            last_seen: Timestamp::from_millis(1_700_000_200_000),
            idle_timeout_ms: 1_800_000,
            absolute_deadline: Timestamp::from_millis(1_700_043_200_000),
            absolute_lifetime_ms: 43_200_000,
            authenticated_at: Some(Timestamp::from_millis(1_700_000_050_000)),
            amr: vec!["pwd".into(), "otp".into()],
            acr: Some("urn:example:loa:2".into()),
            device_label: Some("Firefox on Linux".into()),
            claims_version: 5,
            refresh: Some(RefreshState {
                generation: 9,
                rotated_at: Timestamp::from_millis(1_700_000_150_000),
                is_confirmed: true,
                grant: Grant {
                    client: Some("app".into()),
                    scopes: vec!["read".into(), "write".into()],
                    audiences: vec!["https://api.example".into()],
                },
            }),
            has_data: true,
            denied: vec![("jti-1".into(), Timestamp::from_millis(1_700_000_300_000))],
        }
    }

    fn live() -> SessionRow {
        SessionRow::Live(record())
    }

    fn to() -> Handle {
        Handle::from_parts(Group(0x1234), *b"0123456789abcdef")
    }

    /// Every kind of record, with the name of its golden file.
    fn golden() -> Vec<(&'static str, Vec<u8>)> {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let session = |row: &SessionRow| encode(Kind::Session, KEY, row).unwrap();
        let subject = SubjectRecord {
            watermark: Watermark::At(41),
            revoked_at: Some(at),
            claims: ClaimsVersion::OwnVersion,
            suspension: Some(Suspension { until: Some(at) }),
        };
        let data = Data::from_iter([("cart", vec![1, 2, 3]), ("theme", b"dark".to_vec())]);
        let single_use = SingleUseRecord {
            purpose: "password-reset".into(),
            subject: Some(Subject::new("alice@example.org").unwrap()),
            payload: vec![1, 2, 3],
            created: at,
            deadline: at.plus_millis(600_000),
            issued_seq: 78,
            issued_generation: 3,
            state: SingleUseState::Consumed { session: Some(to()) },
        };
        let redeemed = Some(Redeemed { at, times: 1 });
        let foreign = ForeignRecord::Note { session: to(), redeemed };
        let api_key = ApiKeyRecord {
            subject: Subject::new("alice@example.org").unwrap(),
            name: "deploy".into(),
            scopes: vec!["read".into()],
            created: at,
            deadline: None,
            last_used: Some(at),
            issued_seq: 79,
            issued_generation: 3,
            outlives_sessions: true,
            is_revoked: false,
        };
        vec![
            ("session-live", session(&live())),
            (
                "session-rotated",
                session(&SessionRow::Rotated(Rotated { to: to(), until: at, was: record() })),
            ),
            ("session-ended", session(&SessionRow::Ended { at, cause: EndCause::Revoked })),
            ("subject", encode(Kind::Subject, KEY, &subject).unwrap()),
            ("data", encode(Kind::Data, KEY, &data).unwrap()),
            ("clock", encode(Kind::Clock, KEY, &at).unwrap()),
            ("single-use", encode(Kind::SingleUse, KEY, &single_use).unwrap()),
            ("api-key", encode(Kind::ApiKey, KEY, &api_key).unwrap()),
            ("foreign", encode(Kind::Foreign, KEY, &foreign).unwrap()),
            (
                "global",
                encode(Kind::Global, KEY, &GlobalRecord { generation: 12, revoked_at: Some(at) })
                    .unwrap(),
            ),
        ]
    }

    #[test]
    fn format_1_is_what_its_golden_files_say() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/records-v1");
        for (name, bytes) in golden() {
            let path = format!("{folder}/{name}.bin");
            if std::env::var_os("SESSILE_BLESS").is_some() {
                std::fs::create_dir_all(folder).unwrap();
                std::fs::write(&path, &bytes).unwrap();
            }
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name} is written otherwise now");
        }
        let bytes = std::fs::read(format!("{folder}/session-live.bin")).unwrap();
        assert_eq!(decode::<SessionRow>(Kind::Session, KEY, &bytes), Ok(live()));
    }

    #[test]
    fn any_flipped_bit_is_damage_or_a_newer_format() {
        for (_, bytes) in golden() {
            for bit in 0..bytes.len() * 8 {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(decode::<SessionRow>(Kind::Session, KEY, &bytes).is_err());
            }
        }
    }

    #[test]
    fn a_record_under_another_key_or_of_another_kind_is_damage() {
        let bytes = encode(Kind::Session, KEY, &live()).unwrap();
        let other = decode::<SessionRow>(Kind::Session, b"other", &bytes);
        assert_eq!(other, Err(BadRecord::Damaged));
        let other = decode::<SubjectRecord>(Kind::Subject, KEY, &bytes);
        assert_eq!(other, Err(BadRecord::Damaged));
        for len in 0..bytes.len() {
            let short = decode::<SessionRow>(Kind::Session, KEY, &bytes[..len]);
            assert_eq!(short, Err(BadRecord::Damaged));
        }
    }

    #[test]
    fn a_newer_format_is_named_so() {
        let mut bytes = encode(Kind::Session, KEY, &live()).unwrap();
        bytes[0] = FORMAT + 1;
        let newer = decode::<SessionRow>(Kind::Session, KEY, &bytes);
        assert_eq!(newer, Err(BadRecord::Newer));
    }
}
