//! The little DER (X.690) that public keys come in, and PEM around it.

use pem_rfc7468::decode_vec;
use zeroize::Zeroizing;

use super::invalid_key;
use crate::error::Result;

/// A key file is far smaller: an RSA key of 8192 bits is 1 KiB, in PEM 1.5 KiB.
pub(super) const DER_LEN_MAX: usize = 16 << 10;

/// The DER inside of PEM text that has `label` and nothing else around it.
///
/// # Errors
/// [`InvalidInput`](crate::ErrorKind::InvalidInput): not strictly RFC 7468, or another label.
pub(super) fn from_pem(pem: &str, label: &str) -> Result<Zeroizing<Vec<u8>>> {
    if pem.len() > 2 * DER_LEN_MAX {
        return Err(invalid_key("the PEM text is too long for a key"));
    }
    let Ok((found, der)) = decode_vec(pem.as_bytes()) else {
        return Err(invalid_key("the text is not one PEM block as RFC 7468 has it"));
    };
    let der = Zeroizing::new(der);
    if found == label {
        return Ok(der);
    }
    Err(invalid_key(match label {
        "PUBLIC KEY" => "the PEM block is no PUBLIC KEY: openssl pkey -pubout writes one",
        _ => "the PEM block is no PRIVATE KEY: openssl pkcs8 -topk8 -nocrypt writes one",
    }))
}

/// A key as SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spki<'a> {
    /// RFC 8410.
    Ed25519(&'a [u8]),
    /// RFC 5480: the bytes of the point.
    P256(&'a [u8]),
    /// RFC 3279, section 2.3.1: modulus and exponent, big-endian without leading zeros.
    Rsa { n: &'a [u8], e: &'a [u8] },
}

/// Reads a SubjectPublicKeyInfo of a kind that we know.
pub(super) fn parse_spki(der: &[u8]) -> Option<Spki<'_>> {
    let (algorithm, key) = read_all(SEQUENCE, der).and_then(|body| {
        let (algorithm, rest) = read(SEQUENCE, body)?;
        // The first byte of a BIT STRING says how many bits of the last byte are unused.
        let (0, key) = read_all(BIT_STRING, rest)?.split_first()? else { return None };
        Some((algorithm, key))
    })?;
    let (oid, parameters) = read(OID, algorithm)?;
    match (oid, parameters) {
        (ED25519, []) => Some(Spki::Ed25519(key)),
        (EC_PUBLIC_KEY, curve) if read_all(OID, curve)? == P256 => Some(Spki::P256(key)),
        (RSA, [NULL, 0]) => {
            let (n, rest) = read_positive(read_all(SEQUENCE, key)?)?;
            let (e, []) = read_positive(rest)? else { return None };
            Some(Spki::Rsa { n, e })
        }
        _ => None,
    }
}

/// The object identifier of the algorithm in a PKCS #8 document (RFC 5958, section 2).
pub(super) fn is_pkcs8_of(der: &[u8], oid: &[u8]) -> bool {
    let algorithm = || {
        let (_version, rest) = read(INTEGER, read_all(SEQUENCE, der)?)?;
        let (algorithm, _) = read(SEQUENCE, rest)?;
        Some(read(OID, algorithm)?.0)
    };
    algorithm() == Some(oid)
}

/// The contents of the element at the start of `der`, if it has `tag`, and what follows it.
fn read(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match (first, rest) {
        (len @ ..=0x7f, rest) => (usize::from(*len), rest),
        // The shortest form alone is DER.
        (0x81, [len @ 0x80..=0xff, rest @ ..]) => (usize::from(*len), rest),
        (0x82, [high @ 1..=0xff, low, rest @ ..]) => {
            (usize::from(*high) << 8 | usize::from(*low), rest)
        }
        _ => return None,
    };
    if *found == tag { rest.split_at_checked(len) } else { None }
}

fn read_all(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let (contents, rest) = read(tag, der)?;
    rest.is_empty().then_some(contents)
}

/// The bytes of a positive INTEGER without the zero that keeps its sign.
fn read_positive(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (contents, rest) = read(INTEGER, der)?;
    let magnitude = match contents {
        [0, magnitude @ ..] if matches!(magnitude, [0x80..=0xff, ..]) => magnitude,
        [1..=0x7f, ..] => contents,
        _ => return None,
    };
    Some((magnitude, rest))
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// 1.3.101.112
pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.2.840.10045.2.1
pub(super) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.2.840.113549.1.1.1
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_their_shortest_form_alone() {
        let element = |header: &[u8], len: usize| [header, &vec![7; len]].concat();
        for (header, len) in [
            (&[0x30, 0x00][..], 0),
            (&[0x30, 0x7f], 0x7f),
            (&[0x30, 0x81, 0x80], 0x80),
            (&[0x30, 0x82, 0x01, 0x00], 0x100),
        ] {
            assert_eq!(read_all(SEQUENCE, &element(header, len)).map(<[u8]>::len), Some(len));
            assert_eq!(read_all(SEQUENCE, &element(header, len + 1)), None, "a byte behind");
            assert_eq!(read_all(OID, &element(header, len)), None, "another tag");
        }
        for (header, len) in [
            (&[0x30, 0x81, 0x7f][..], 0x7f),
            (&[0x30, 0x82, 0x00, 0xff], 0xff),
            (&[0x30, 0x80], 0),
            (&[0x30, 0x83, 0x00, 0x01, 0x00], 0x100),
            (&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], 0),
            (&[0x30, 0x05], 4),
            (&[0x30], 0),
            (&[0x30, 0x82, 0x01], 0),
        ] {
            assert_eq!(read_all(SEQUENCE, &element(header, len)), None, "{header:?}");
        }
    }

    #[test]
    fn integers_are_positive_and_minimal() {
        let magnitude =
            |bytes: &[u8]| read_positive(bytes).map(|(magnitude, _)| magnitude.to_vec());
        assert_eq!(magnitude(&[2, 1, 0x7f]), Some(vec![0x7f]));
        assert_eq!(magnitude(&[2, 2, 0, 0x80]), Some(vec![0x80]));
        for bytes in [&[2, 0][..], &[2, 1, 0], &[2, 1, 0x80], &[2, 2, 0, 0x7f], &[2, 2, 0, 0]] {
            assert_eq!(magnitude(bytes), None, "{bytes:?}");
        }
    }
}
