//! The three parts of a compact JWS, and their bytes.

use memchr::memchr;

use crate::codec::base64url;
use crate::verdict::Reason;

/// Characters of the longest token: more than any cookie or header line carries. Asked before
/// anything else is done with a token.
pub(crate) const TOKEN_LEN_MAX: usize = 8 << 10;

/// Bytes of the longest header or claims.
const SEGMENT_LEN_MAX: usize = TOKEN_LEN_MAX / 4 * 3;

/// Bytes of most headers and claims: they fit into a buffer that costs little to clear.
const SEGMENT_LEN_USUAL: usize = 768;

/// Bytes of the longest signature: RSA with 8,192 bits.
const SIGNATURE_LEN_MAX: usize = 1024;

/// A token in its parts, none of them decoded.
pub(super) struct Segments<'a> {
    pub(super) header: &'a [u8],
    pub(super) claims: &'a [u8],
    pub(super) signature: &'a [u8],
    /// Header, dot, claims: what is signed.
    pub(super) signed: &'a [u8],
}

impl<'a> Segments<'a> {
    /// Finds the two dots. A third one is left in the signature, where it is no character.
    pub(super) fn split(token: &'a [u8]) -> Option<Self> {
        let (header, rest) = split_at_dot(token)?;
        let (claims, signature) = split_at_dot(rest)?;
        let signed = token.get(..header.len() + 1 + claims.len())?;
        Some(Segments { header, claims, signature, signed })
    }
}

fn split_at_dot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (before, rest) = text.split_at_checked(memchr(b'.', text)?)?;
    Some((before, rest.get(1..)?))
}

/// Decodes a header or claims and hands the bytes to `read`, without a heap.
pub(super) fn with_decoded<T>(
    text: &[u8],
    read: impl FnOnce(&[u8]) -> Result<T, Reason>,
) -> Result<T, Reason> {
    if text.len() <= SEGMENT_LEN_USUAL / 3 * 4 {
        read(decode(text, &mut [0; SEGMENT_LEN_USUAL])?)
    } else {
        with_long_decoded(text, read)
    }
}

#[inline(never)]
fn with_long_decoded<T>(
    text: &[u8],
    read: impl FnOnce(&[u8]) -> Result<T, Reason>,
) -> Result<T, Reason> {
    read(decode(text, &mut [0; SEGMENT_LEN_MAX])?)
}

/// Decodes a signature that has `len` bytes, and says what `is_good` says of it.
pub(super) fn check_signature(
    text: &[u8],
    len: usize,
    is_good: impl FnOnce(&[u8]) -> bool,
) -> Result<(), Reason> {
    if text.len() != base64url::encoded_len(len) {
        return Err(if is_base64url(text) { Reason::BadSignature } else { Reason::Malformed });
    }
    let good = if len <= 64 {
        is_good(decode(text, &mut [0; 64])?)
    } else {
        is_good(decode(text, &mut [0; SIGNATURE_LEN_MAX])?)
    };
    if good { Ok(()) } else { Err(Reason::BadSignature) }
}

fn decode<'b>(text: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], Reason> {
    let bytes = buffer.get_mut(..base64url::decoded_len(text.len())).ok_or(Reason::Malformed)?;
    if base64url::decode(text, bytes) { Ok(bytes) } else { Err(Reason::Malformed) }
}

/// Whether the text could be the encoding of something, but for stray bits at its end.
pub(super) fn is_base64url(text: &[u8]) -> bool {
    text.len() % 4 != 1 && text.iter().all(|c| base64url::value(*c) < 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_three_parts() {
        let split = |text: &'static str| {
            let parts = Segments::split(text.as_bytes())?;
            let text = |part| std::str::from_utf8(part).unwrap();
            Some([parts.header, parts.claims, parts.signature, parts.signed].map(text))
        };
        assert_eq!(split("ab.cde.f"), Some(["ab", "cde", "f", "ab.cde"]));
        assert_eq!(split(".."), Some(["", "", "", "."]));
        assert_eq!(split("a.b.c.d"), Some(["a", "b", "c.d", "a.b"]));
        for text in ["", "abc", "a.b", "."] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    #[test]
    fn both_buffers_decode_alike() {
        for len in [0, 1, 2, 3, 766, 767, 768, 769, 770, 6000, 6143, 6144] {
            let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let text = base64url::encode_string(&bytes);
            let decoded = with_decoded(text.as_bytes(), |decoded| Ok(decoded.to_vec()));
            assert_eq!(decoded, Ok(bytes));
        }
        let too_long = base64url::encode_string(&[0; 6145]);
        assert_eq!(with_decoded(too_long.as_bytes(), |_| Ok(())), Err(Reason::Malformed));
        assert_eq!(with_decoded(b"A", |_| Ok(())), Err(Reason::Malformed));
    }

    #[test]
    fn a_signature_of_another_length_is_bad_and_a_stray_character_malformed() {
        let text = base64url::encode_string(&[1; 64]);
        let check = |text: &str, len| check_signature(text.as_bytes(), len, |_| true);
        assert_eq!(check(&text, 64), Ok(()));
        assert_eq!(check(&text, 32), Err(Reason::BadSignature));
        assert_eq!(check("", 64), Err(Reason::BadSignature));
        assert_eq!(check(&text[1..], 64), Err(Reason::Malformed), "no length of any bytes");
        assert_eq!(check(&format!("{text}=="), 64), Err(Reason::Malformed));
        assert_eq!(check(&format!("{}B", &text[..85]), 64), Err(Reason::Malformed), "stray bits");
        assert_eq!(check(&format!("{}.A", &text[2..]), 64), Err(Reason::Malformed), "a third dot");
        assert_eq!(check_signature(text.as_bytes(), 64, |_| false), Err(Reason::BadSignature));
    }
}
