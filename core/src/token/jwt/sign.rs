//! Signing of our own tokens.

use std::sync::Arc;

use serde_json::Value;

use super::claims::Claims;
use super::profile::JwtKind;
use super::segment::TOKEN_LEN_MAX;
use crate::codec::base64url;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::{Algorithm, FULLY_SPECIFIED_EDDSA, SigningKey};

/// Which of its two names Ed25519 has in the tokens that we sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AlgorithmName {
    /// `EdDSA` (RFC 8037): what every JOSE library knows.
    #[default]
    Registered,
    /// `Ed25519` (RFC 9864): where all that verify know it.
    FullySpecified,
}

/// A signing key with the headers of its tokens, which are the same in each.
#[derive(Debug)]
pub struct Signer {
    key: Arc<SigningKey>,
    headers: Headers,
}

/// The header of each kind that we sign, in base64url, with the dot behind it.
#[derive(Clone, Debug)]
pub(super) struct Headers([(JwtKind, Box<str>); 3]);

impl Headers {
    fn new(key: &SigningKey, naming: AlgorithmName) -> Self {
        let algorithm = match (key.algorithm(), naming) {
            (Algorithm::EdDsa, AlgorithmName::FullySpecified) => FULLY_SPECIFIED_EDDSA,
            (algorithm, _) => algorithm.name(),
        };
        let kid = Value::from(key.kid());
        Headers([JwtKind::Access, JwtKind::Logout, JwtKind::SecurityEvent].map(|kind| {
            let typ = kind.typ();
            let header = format!(r#"{{"alg":"{algorithm}","typ":"{typ}","kid":{kid}}}"#);
            let text = base64url::encode_string(header.as_bytes()) + ".";
            (kind, text.into_boxed_str())
        }))
    }

    fn of(&self, kind: JwtKind) -> Option<&str> {
        self.0.iter().find(|(k, _)| *k == kind).map(|(_, text)| &**text)
    }

    /// The kind whose header `token` begins with, and the length of the header with its dot.
    pub(super) fn kind_of(&self, token: &[u8]) -> Option<(JwtKind, usize)> {
        let is_it = |(_, text): &&(JwtKind, Box<str>)| token.starts_with(text.as_bytes());
        self.0.iter().find(is_it).map(|(kind, text)| (*kind, text.len()))
    }
}

impl Signer {
    /// Signs with `key`.
    pub fn new(key: impl Into<Arc<SigningKey>>, naming: AlgorithmName) -> Self {
        let key = key.into();
        let headers = Headers::new(&key, naming);
        Signer { key, headers }
    }

    /// A token of `kind` with `claims`.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): a kind that is not ours to sign, claims that
    ///   a verifier of that kind would refuse, or one of ours among the host's. Nothing was signed.
    /// - [`TooLarge`](ErrorKind::TooLarge): a token of more than 8,192 characters.
    /// - [`NoRandomness`](ErrorKind::NoRandomness): ES256 needs some.
    pub fn sign(&self, kind: JwtKind, claims: &Claims) -> Result<String> {
        let header = self.headers.of(kind).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "tokens of this kind are not ours to sign")
        })?;
        if !claims.are_writable() || claims.aud.as_ref().is_none_or(Vec::is_empty) {
            let message = "claims without audience, with an empty name, an integer beyond 2^53, \
                           16 levels or more, or one of sessile's own among the host's";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        kind.check(claims).map_err(|reason| {
            let message = format!("the claims are not those of {}: {reason}", kind.typ());
            Error::new(ErrorKind::InvalidInput, message)
        })?;
        let json = serde_json::to_vec(claims).map_err(|error| {
            Error::new(ErrorKind::Internal, "the claims could not be written").with_source(error)
        })?;
        let signature_len = self.key.verifying_key().signature_len();
        let signed_len = header.len() + base64url::encoded_len(json.len());
        let len = signed_len + 1 + base64url::encoded_len(signature_len);
        if len > TOKEN_LEN_MAX {
            let message = "the claims are too large: a token has 8,192 characters at most";
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let mut token = Vec::with_capacity(len);
        token.extend_from_slice(header.as_bytes());
        append(&mut token, &json);
        let signature = self.key.sign(&token)?;
        token.push(b'.');
        append(&mut token, signature.as_ref());
        String::from_utf8(token).map_err(|_| Error::new(ErrorKind::Internal, "a token is no text"))
    }

    /// The key that it signs with.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(super) fn headers(&self) -> &Headers {
        &self.headers
    }
}

/// Appends `bytes` in base64url.
fn append(text: &mut Vec<u8>, bytes: &[u8]) {
    let start = text.len();
    text.resize(start + base64url::encoded_len(bytes.len()), 0);
    if let Some(place) = text.get_mut(start..) {
        base64url::encode(bytes, place);
    }
}
