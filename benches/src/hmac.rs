//! Floor: one HMAC-SHA-256 verification by ring of the 20 bytes that a session token signs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use crate::crowd::Texts;

/// The bytes of a session token that its tag signs.
pub const SIGNED_LEN: usize = 20;

/// The same bytes that some tokens sign, with a tag under a key of our own.
#[derive(Debug)]
pub struct Signed {
    key: hmac::Key,
    messages: Vec<([u8; SIGNED_LEN], [u8; 32])>,
}

impl Signed {
    /// Signs what the tokens sign.
    pub fn of(texts: &Texts) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[0x5e; 32]);
        let sign = |text| {
            let bytes = decode(text);
            let message: [u8; SIGNED_LEN] = bytes[..SIGNED_LEN].try_into().unwrap();
            let tag = hmac::sign(&key, &message);
            (message, tag.as_ref().try_into().unwrap())
        };
        let messages = texts.iter().map(sign).collect();
        Signed { key, messages }
    }

    /// Verifies one of them.
    #[inline]
    pub fn verify(&self, i: usize) -> bool {
        let (message, tag) = &self.messages[i];
        hmac::verify(&self.key, message, tag).is_ok()
    }
}

/// The bytes of a token, by the decoder that most Rust programs use.
#[inline]
pub fn decode(text: &str) -> [u8; 36] {
    let mut bytes = [0; 36];
    URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).unwrap();
    bytes
}
