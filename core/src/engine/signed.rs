//! Signed values.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::kind::TokenKind;
use crate::time::Timestamp;
use crate::token::{sign_value, unsign_value};
use crate::verdict::Reason;

/// A value that was signed here and has not been changed since.
#[derive(Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// The value.
    pub payload: Vec<u8>,
    /// When it was signed.
    pub signed_at: Timestamp,
}

impl std::fmt::Debug for Unsigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unsigned").field("signed_at", &self.signed_at).finish_non_exhaustive()
    }
}

impl Engine {
    /// Signs a value for a purpose: a download link, a form's hidden field. Whoever has the text
    /// can read it and not change it. Nothing is stored, so nothing can be revoked but the key.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sessile::{Config, Engine, Reason, store::MemoryStore};
    /// # let engine = Engine::open_with(Config::with_store(std::sync::Arc::new(MemoryStore::new())))?;
    /// let hour = Duration::from_secs(3600);
    /// let text = engine.sign("download", b"report.pdf")?;
    /// assert_eq!(engine.unsign("download", &text, hour).unwrap().payload, b"report.pdf");
    /// assert_eq!(engine.unsign("upload", &text, hour), Err(Reason::BadSignature));
    /// # Ok::<(), sessile::Error>(())
    /// ```
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the purpose is empty or longer than 64 bytes.
    /// - [`TooLarge`](ErrorKind::TooLarge): the payload is longer than 1 MiB.
    pub fn sign(&self, purpose: &str, payload: &[u8]) -> Result<String> {
        if purpose.is_empty() || purpose.len() > 64 {
            let message = format!("a purpose has 1 to 64 bytes, this one has {}", purpose.len());
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        if payload.len() > PAYLOAD_LEN_MAX {
            let message = format!("a payload has at most 1 MiB, this one {} bytes", payload.len());
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let keyring = self.inner.keyring();
        let (id, key) = keyring.active_key(TokenKind::Signed)?;
        Ok(sign_value(id, key, purpose, payload, self.inner.clock.now()))
    }

    /// The value of a text that [`sign`](Self::sign) gave for the same purpose less than
    /// `max_age` ago, or why it gives none.
    pub fn unsign(&self, purpose: &str, text: &str, max_age: Duration) -> Result<Unsigned, Reason> {
        if text.len() > TEXT_LEN_MAX {
            return Err(Reason::Malformed);
        }
        let keyring = self.inner.keyring();
        let key_of = |id| keyring.key(TokenKind::Signed, id);
        let (payload, signed_at) = unsign_value(text.as_bytes(), purpose, key_of)?;
        // Signed by a process whose clock is ahead, it is as old as can be: 0.
        if self.inner.clock.now() >= signed_at.plus(max_age) {
            return Err(Reason::Expired);
        }
        Ok(Unsigned { payload, signed_at })
    }

    /// [`sign`](Self::sign)s a value as JSON.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sessile::{Config, Engine, store::MemoryStore};
    /// # let engine = Engine::open_with(Config::with_store(std::sync::Arc::new(MemoryStore::new())))?;
    /// let text = engine.sign_json("download", &("report.pdf", 7))?;
    /// let hour = Duration::from_secs(3600);
    /// let (name, version): (String, u32) = engine.unsign_json("download", &text, hour)?.unwrap();
    /// assert_eq!((name.as_str(), version), ("report.pdf", 7));
    /// # Ok::<(), sessile::Error>(())
    /// ```
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the value cannot be written as JSON: a map
    ///   whose keys are no strings, say.
    /// - As [`sign`](Self::sign).
    pub fn sign_json<T: Serialize + ?Sized>(&self, purpose: &str, value: &T) -> Result<String> {
        let payload = serde_json::to_vec(value).map_err(|error| {
            let message = "the value cannot be written as JSON";
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })?;
        self.sign(purpose, &payload)
    }

    /// The value of a text that [`sign_json`](Self::sign_json) gave for the same purpose less
    /// than `max_age` ago, or why it gives none, as [`unsign`](Self::unsign) says.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): the text is authentic, but what was signed is
    /// not JSON, or not that of a `T`: it was signed by something else under this purpose.
    pub fn unsign_json<T: DeserializeOwned>(
        &self,
        purpose: &str,
        text: &str,
        max_age: Duration,
    ) -> Result<Result<T, Reason>> {
        let payload = match self.unsign(purpose, text, max_age) {
            Ok(unsigned) => unsigned.payload,
            Err(reason) => return Ok(Err(reason)),
        };
        // Without its cause, which may quote the payload.
        serde_json::from_slice(&payload).map(Ok).map_err(|error| {
            let message = match error.is_data() {
                true => "the signed payload is JSON, but not of the type asked for",
                false => "the signed payload is not JSON",
            };
            Error::new(ErrorKind::InvalidInput, message)
        })
    }
}

const PAYLOAD_LEN_MAX: usize = 1 << 20;

/// Characters of the longest payload's text.
const TEXT_LEN_MAX: usize = (PAYLOAD_LEN_MAX + 26).div_ceil(3) * 4;
