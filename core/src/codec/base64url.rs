//! base64url without padding (RFC 4648, section 5) in its one canonical form.
//!
//! Our own because it is on the hot path, where it must not allocate and must refuse every text
//! that does not encode back to itself: padding, other alphabets, stray bits at the end.

/// Characters that `len` bytes encode to.
pub(crate) const fn encoded_len(len: usize) -> usize {
    (len * 4).div_ceil(3)
}

/// Bytes that `len` characters decode to, if they decode.
pub(crate) const fn decoded_len(len: usize) -> usize {
    len / 4 * 3 + len % 4 * 3 / 4
}

/// Encodes `bytes` into `text`, which must have [`encoded_len`] characters.
pub(crate) fn encode(bytes: &[u8], text: &mut [u8]) {
    debug_assert_eq!(text.len(), encoded_len(bytes.len()));
    let (chunks, bytes_rest) = bytes.as_chunks::<3>();
    let (texts, text_rest) = text.as_chunks_mut::<4>();
    for (&[x, y, z], place) in chunks.iter().zip(texts) {
        let bits = u32::from_be_bytes([0, x, y, z]);
        *place = [18, 12, 6, 0].map(|shift| character(bits >> shift));
    }
    let mut padded = [0; 4];
    for (place, byte) in padded.iter_mut().skip(1).zip(bytes_rest) {
        *place = *byte;
    }
    let bits = u32::from_be_bytes(padded);
    for (place, shift) in text_rest.iter_mut().zip([18, 12, 6]) {
        *place = character(bits >> shift);
    }
}

/// The character of the six lowest bits.
#[inline]
#[allow(clippy::indexing_slicing, reason = "six bits are always inside 64 characters")]
const fn character(bits: u32) -> u8 {
    ALPHABET[(bits & 63) as usize]
}

/// Encodes `bytes` as a `String`.
pub(crate) fn encode_string(bytes: &[u8]) -> String {
    let mut text = vec![0; encoded_len(bytes.len())];
    encode(bytes, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Decodes `text` into `bytes`, all of it. Answers `false`, with `bytes` undefined, when `text`
/// has another length or is not the one canonical encoding of any bytes.
#[inline]
#[must_use]
pub(crate) fn decode(text: &[u8], bytes: &mut [u8]) -> bool {
    if text.len() != encoded_len(bytes.len()) {
        return false;
    }
    // What is no character has a bit that no value has; one test at the end sees them all.
    let mut seen_bits = 0;
    let (texts, text) = text.as_chunks::<8>();
    let (places, bytes) = bytes.as_chunks_mut::<6>();
    for (&[a, b, c, d, e, f, g, h], place) in texts.iter().zip(places) {
        let (high, low) = (bits_of([a, b, c, d]), bits_of([e, f, g, h]));
        seen_bits |= high | low;
        let [bytes @ .., _, _] = (u64::from(high) << 40 | u64::from(low) << 16).to_be_bytes();
        *place = bytes;
    }
    let mut seen = if seen_bits & INVALID_BITS == 0 { 0 } else { INVALID.into() };
    let (texts, text_rest) = text.as_chunks::<4>();
    let (chunks, bytes_rest) = bytes.as_chunks_mut::<3>();
    for (&[a, b, c, d], place) in texts.iter().zip(chunks) {
        let [a, b, c, d] = [a, b, c, d].map(|c| u32::from(value(c)));
        seen |= a | b | c | d;
        let [_, x, y, z] = ((a << 18) | (b << 12) | (c << 6) | d).to_be_bytes();
        *place = [x, y, z];
    }
    if !text_rest.is_empty() {
        let mut values = [0; 4];
        for (place, &c) in values.iter_mut().zip(text_rest) {
            *place = u32::from(value(c));
            seen |= *place;
        }
        let [a, b, c, d] = values;
        let bits = ((a << 18) | (b << 12) | (c << 6) | d).to_be_bytes();
        let (used, stray) = bits.split_at(1 + bytes_rest.len());
        for (place, byte) in bytes_rest.iter_mut().zip(used.iter().skip(1)) {
            *place = *byte;
        }
        seen |= if stray.iter().any(|byte| *byte != 0) { INVALID.into() } else { 0 };
    }
    seen < 64
}

/// The 24 bits of four characters, each looked up where it belongs.
#[inline]
#[allow(clippy::indexing_slicing, reason = "a u8 is always inside 256 entries")]
fn bits_of([a, b, c, d]: [u8; 4]) -> u32 {
    let [first, second, third, fourth] = &SHIFTED;
    let (a, b) = (first[usize::from(a)], second[usize::from(b)]);
    a | b | third[usize::from(c)] | fourth[usize::from(d)]
}

/// The value of a character, 64 for what is none.
#[inline]
#[allow(clippy::indexing_slicing, reason = "a u8 is always inside 256 entries")]
pub(crate) const fn value(character: u8) -> u8 {
    VALUES[character as usize]
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Has a bit that no value of a character has.
const INVALID: u8 = 64;

#[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
const VALUES: [u8; 256] = {
    let mut values = [INVALID; 256];
    let mut i = 0;
    while i < 64 {
        values[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    values
};

/// A bit beyond the 24 of four characters.
const INVALID_BITS: u32 = 1 << 31;

/// The values of the first of four characters, of the second and so on, where their bits belong.
static SHIFTED: [[u32; 256]; 4] = [shifted(18), shifted(12), shifted(6), shifted(0)];

#[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
const fn shifted(shift: u32) -> [u32; 256] {
    let mut values = [INVALID_BITS; 256];
    let mut i = 0;
    while i < 64 {
        values[ALPHABET[i] as usize] = (i as u32) << shift;
        i += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4648_vectors() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode_string(bytes.as_bytes()), text);
            let mut back = vec![0; bytes.len()];
            assert!(decode(text.as_bytes(), &mut back));
            assert_eq!(back, bytes.as_bytes());
        }
        assert_eq!(encode_string(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn exactly_one_text_decodes_to_given_bytes() {
        // Every text of two and three characters over all bytes that matter: those that decode
        // must encode back to themselves.
        let mut accepted = 0;
        for a in 0..=255 {
            for b in 0..=255 {
                let mut byte = [0];
                if decode(&[a, b], &mut byte) {
                    accepted += 1;
                    assert_eq!(encode_string(&byte).as_bytes(), [a, b]);
                }
            }
        }
        assert_eq!(accepted, 256);
    }

    #[test]
    fn a_character_is_the_same_wherever_it_stands() {
        // 43 characters: five times eight, and three.
        let bytes: Vec<u8> = (0..32).map(|i: u8| i.wrapping_mul(73) ^ 0x5a).collect();
        let good = encode_string(&bytes).into_bytes();
        for place in 0..good.len() {
            for c in 0..=255 {
                let (mut text, mut decoded) = (good.clone(), [0; 32]);
                text[place] = c;
                if decode(&text, &mut decoded) {
                    assert_eq!(encode_string(&decoded).as_bytes(), text);
                } else {
                    // The last one has four bits of the bytes, and two that are nothing's.
                    let is_stray = place + 1 == good.len() && value(c) & 3 != 0;
                    assert!(value(c) == INVALID || is_stray, "character {c} at {place}");
                }
            }
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(!decode(b"Zm9", &mut [0; 3]));
        assert!(!decode(b"Zm9v", &mut [0; 2]));
        assert!(!decode(b"Zg==", &mut [0; 1]));
        assert!(!decode(b"A", &mut []));
    }
}
