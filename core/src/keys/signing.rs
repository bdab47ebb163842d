//! A key that signs JWTs.

use std::fmt;

use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, Signature,
};
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::der::{self, DER_LEN_MAX};
use super::invalid_key;
use super::jwk::{self, Private};
use super::master::{derive, refuse_weak};
use super::verifying::{Material, VerifyingKey, checked_kid};
use crate::codec::{base64url, json};
use crate::error::{Error, ErrorKind, Result};
use crate::id::fill_random;

/// A key that signs JWTs with one algorithm: HS256, EdDSA or ES256.
///
/// Its bytes are cleared when it is dropped, but for those that ring keeps. `Debug` shows
/// algorithm and key id alone.
pub struct SigningKey {
    pair: Pair,
    /// PKCS #8 in DER, or the secret: what makes the key again.
    secret: Zeroizing<Vec<u8>>,
    verifying: VerifyingKey,
    kid: Box<str>,
}

enum Pair {
    Hmac(hmac::Key),
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): RS256, which is for verifying only.
    /// - [`NoRandomness`](ErrorKind::NoRandomness).
    pub fn generate(algorithm: Algorithm) -> Result<Self> {
        let rng = SystemRandom::new();
        let no_randomness =
            |_| Error::new(ErrorKind::NoRandomness, "the operating system gave no random bytes");
        let secret = match algorithm {
            Algorithm::Hs256 => {
                let mut secret = Zeroizing::new(vec![0; 32]);
                fill_random(&mut secret)?;
                secret
            }
            Algorithm::EdDsa => {
                let document = Ed25519KeyPair::generate_pkcs8(&rng).map_err(no_randomness)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
            Algorithm::Es256 => {
                let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let document = EcdsaKeyPair::generate_pkcs8(signing, &rng);
                Zeroizing::new(document.map_err(no_randomness)?.as_ref().to_vec())
            }
            Algorithm::Rs256 => return Err(invalid_key("RS256 is for verifying only")),
        };
        SigningKey::new(algorithm, secret, None)
    }

    /// The private key of a PKCS #8 document in DER, as OpenSSL and ring write it, for EdDSA or
    /// ES256. Its RFC 7638 thumbprint is the key id.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): no such document, of another algorithm, or
    /// its private and public keys do not belong together.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self> {
        let algorithm = if der.len() > DER_LEN_MAX {
            return Err(invalid_key("the document is too long for a key"));
        } else if der::is_pkcs8_of(der, der::ED25519) {
            Algorithm::EdDsa
        } else if der::is_pkcs8_of(der, der::EC_PUBLIC_KEY) {
            Algorithm::Es256
        } else {
            return Err(invalid_key("the document is no PKCS #8 key for EdDSA or ES256"));
        };
        SigningKey::new(algorithm, Zeroizing::new(der.to_vec()), None)
    }

    /// The private key of a PEM block `PRIVATE KEY`, as [`from_pkcs8_der`](Self::from_pkcs8_der).
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): not strictly PEM, or as there.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self> {
        SigningKey::from_pkcs8_der(&der::from_pem(pem, "PRIVATE KEY")?)
    }

    /// The private or symmetric key of a JWK (RFC 7517), under its `kid` if it has one.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): not a key for signing that we know, or its
    ///   members contradict each other.
    /// - [`WeakSecret`](ErrorKind::WeakSecret): a symmetric key that is short or predictable.
    pub fn from_jwk(text: &str) -> Result<Self> {
        let members = json::parse_object(text.as_bytes())
            .map_err(|_| invalid_key("the JWK is not a JSON object, or not an unambiguous one"))?;
        let read = jwk::read_private(&members);
        jwk::wipe(members);
        let (private, kid) = read?;
        let (algorithm, secret) = match private {
            Private::Secret(secret) => {
                refuse_weak(&secret)?;
                (Algorithm::Hs256, secret)
            }
            Private::Ed25519 { seed, public } => {
                let parts = [ED25519_HEAD, &seed, ED25519_MIDDLE, &public];
                (Algorithm::EdDsa, Zeroizing::new(parts.concat()))
            }
            Private::P256 { scalar, point } => {
                let parts = [P256_HEAD, &scalar, P256_MIDDLE, &point];
                (Algorithm::Es256, Zeroizing::new(parts.concat()))
            }
        };
        SigningKey::new(algorithm, secret, kid)
    }

    /// A key for HS256 from random bytes that the host holds.
    ///
    /// # Errors
    /// [`WeakSecret`](ErrorKind::WeakSecret): shorter than 32 bytes, or predictable.
    pub fn from_secret(secret: &[u8]) -> Result<Self> {
        refuse_weak(secret)?;
        SigningKey::from_secret_unchecked(secret)
    }

    /// A key for HS256 from a secret that may be weak, for the time of a migration: whoever
    /// guesses it signs tokens of anybody.
    ///
    /// # Errors
    /// [`WeakSecret`](ErrorKind::WeakSecret): empty.
    pub fn from_secret_unchecked(secret: &[u8]) -> Result<Self> {
        if secret.is_empty() {
            return Err(Error::new(ErrorKind::WeakSecret, "the secret is empty"));
        }
        SigningKey::new(Algorithm::Hs256, Zeroizing::new(secret.to_vec()), None)
    }

    /// The same key under another key id.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): empty or longer than 64 bytes.
    pub fn with_kid(mut self, kid: &str) -> Result<Self> {
        self.kid = checked_kid(kid)?;
        self.verifying = self.verifying.with_kid(Some(kid))?;
        Ok(self)
    }

    /// The key that [`to_bytes`](Self::to_bytes) wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let parts = || {
            let (&[number, kid_len], rest) = bytes.split_first_chunk()?;
            let (kid, secret) = rest.split_at_checked(kid_len.into())?;
            let algorithm = NUMBERED.iter().find(|(_, n)| *n == number)?.0;
            Some((algorithm, std::str::from_utf8(kid).ok()?, secret))
        };
        let (algorithm, kid, secret) = parts()
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, "a signing key does not decode"))?;
        SigningKey::new(algorithm, Zeroizing::new(secret.to_vec()), Some(checked_kid(kid)?))
    }

    fn new(
        algorithm: Algorithm,
        secret: Zeroizing<Vec<u8>>,
        kid: Option<Box<str>>,
    ) -> Result<Self> {
        let refused = |_| {
            invalid_key("the private key is malformed, or its public key does not belong to it")
        };
        let (pair, material) = match algorithm {
            Algorithm::Hs256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
                (Pair::Hmac(key.clone()), Material::Hmac(key))
            }
            Algorithm::EdDsa => {
                // OpenSSL leaves the public key out; then there is nothing to check it against.
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&secret).map_err(refused)?;
                let material = Material::ed25519(pair.public_key().as_ref())?;
                (Pair::Ed25519(pair), material)
            }
            Algorithm::Es256 => {
                let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(signing, &secret, &SystemRandom::new());
                let pair = pair.map_err(refused)?;
                let material = Material::p256(pair.public_key().as_ref())?;
                (Pair::P256(pair), material)
            }
            Algorithm::Rs256 => return Err(invalid_key("RS256 is for verifying only")),
        };
        let verifying = VerifyingKey::new(material, None);
        let kid = match (kid, verifying.thumbprint()) {
            (Some(kid), _) => kid,
            (None, Some(thumbprint)) => thumbprint.into_boxed_str(),
            (None, None) => kid_of_secret(&secret)?,
        };
        let verifying = verifying.with_kid(Some(&kid))?;
        Ok(SigningKey { pair, secret, verifying, kid })
    }

    /// The one algorithm of this key.
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// The key id: the RFC 7638 thumbprint unless another was given. Of a symmetric key, 16
    /// bytes that are derived from it and tell nothing of it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key that verifies what this one signs. For HS256 it holds the same secret.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// For the sealed keyring: algorithm (1 byte), length of the key id (1 byte), key id, and
    /// PKCS #8 or the secret.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let number = NUMBERED.iter().find(|(algorithm, _)| *algorithm == self.algorithm());
        let head = [number.map_or(0, |(_, number)| *number), self.kid.len() as u8];
        Zeroizing::new([&head, self.kid.as_bytes(), &self.secret].concat())
    }

    /// Signs `message`; the signature is as JWS has it: raw, for ES256 r and s.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<JwsSignature> {
        match &self.pair {
            Pair::Hmac(key) => Ok(JwsSignature::Tag(hmac::sign(key, message))),
            Pair::Ed25519(pair) => Ok(JwsSignature::Pair(pair.sign(message))),
            Pair::P256(pair) => {
                let signed = pair.sign(&SystemRandom::new(), message);
                signed.map(JwsSignature::Pair).map_err(|_| {
                    Error::new(ErrorKind::NoRandomness, "the key could not sign: no random bytes")
                })
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// The bytes of a signature.
pub(crate) enum JwsSignature {
    Tag(hmac::Tag),
    Pair(Signature),
}

impl AsRef<[u8]> for JwsSignature {
    fn as_ref(&self) -> &[u8] {
        match self {
            JwsSignature::Tag(tag) => tag.as_ref(),
            JwsSignature::Pair(signature) => signature.as_ref(),
        }
    }
}

/// The same secret has the same name in every process. A thumbprint would let anybody who has
/// the name check a guess with one hash; a token lets him do that anyway.
fn kid_of_secret(secret: &[u8]) -> Result<Box<str>> {
    let mut bytes = [0; 16];
    derive(secret, b"sessile jwt key id, format 1", &mut bytes)?;
    Ok(base64url::encode_string(&bytes).into_boxed_str())
}

/// Stored: never change a number.
const NUMBERED: [(Algorithm, u8); 3] =
    [(Algorithm::Hs256, 1), (Algorithm::EdDsa, 2), (Algorithm::Es256, 3)];

/// PKCS #8, version 2, with the public key (RFC 8410, section 7), before and after the seed.
const ED25519_HEAD: &[u8] = &[
    0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const ED25519_MIDDLE: &[u8] = &[0x81, 0x21, 0x00];

/// PKCS #8 around an ECPrivateKey (RFC 5915), before and after the scalar.
const P256_HEAD: &[u8] = &[
    0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02,
    0x01, 0x01, 0x04, 0x20,
];
const P256_MIDDLE: &[u8] = &[0xa1, 0x44, 0x03, 0x42, 0x00];
