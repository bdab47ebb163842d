//! A key that verifies JWTs: bound to one algorithm, and looked at when it is loaded.

use std::fmt;

use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use ring::{agreement, digest, hmac, rand};

use super::algorithm::Algorithm;
use super::der::{self, Spki};
use super::master::refuse_weak;
use super::{ed25519, invalid_key, jwk};
use crate::codec::{base64url, json};
use crate::error::{Error, ErrorKind, Result};

/// A key that verifies what was signed with one algorithm; public, but for
/// [`Hs256`](Algorithm::Hs256).
///
/// A bad key is refused when it is loaded: off its curve, of small order, in an encoding that is
/// not the one canonical one, RSA outside 2,048 to 8,192 bits. `Debug` shows algorithm and key id.
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    kid: Option<Box<str>>,
    pub(super) material: Material,
}

#[derive(Clone)]
pub(super) enum Material {
    Hmac(hmac::Key),
    Ed25519([u8; 32]),
    /// The uncompressed point: 4, x, y.
    P256([u8; 65]),
    /// Big-endian without leading zeros.
    Rsa {
        n: Box<[u8]>,
        e: Box<[u8]>,
    },
}

impl VerifyingKey {
    /// The key of a JWK (RFC 7517), public or symmetric; its `kid` if it has one.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): not a key for verifying that we know, its
    ///   members contradict each other, or it is a bad key.
    /// - [`WeakSecret`](ErrorKind::WeakSecret): a symmetric key that is short or predictable.
    pub fn from_jwk(text: &str) -> Result<Self> {
        let members = json::parse_object(text.as_bytes())
            .map_err(|_| invalid_key("the JWK is not a JSON object, or not an unambiguous one"))?;
        let read = jwk::read_verifying(&members);
        jwk::wipe(members);
        match read? {
            jwk::Entry::Key(key) => Ok(key),
            jwk::Entry::Unsupported(why) => Err(invalid_key(why)),
        }
    }

    /// The public key of a SubjectPublicKeyInfo in DER; its RFC 7638 thumbprint is the key id.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): not strictly DER, of a kind that we do not
    /// know, or a bad key.
    pub fn from_spki_der(der: &[u8]) -> Result<Self> {
        let material = match der::parse_spki(der) {
            Some(Spki::Ed25519(bytes)) => Material::ed25519(bytes),
            Some(Spki::P256(bytes)) => Material::p256(bytes),
            Some(Spki::Rsa { n, e }) => Material::rsa(n, e),
            None => Err(invalid_key("the DER is no public key for EdDSA, ES256 or RS256")),
        }?;
        VerifyingKey::new(material, None).with_thumbprint()
    }

    /// The public key of a PEM block `PUBLIC KEY`, as [`from_spki_der`](Self::from_spki_der).
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): not strictly PEM, or as there.
    pub fn from_spki_pem(pem: &str) -> Result<Self> {
        VerifyingKey::from_spki_der(&der::from_pem(pem, "PUBLIC KEY")?)
    }

    /// The 32 bytes of an Ed25519 public key (RFC 8032); its thumbprint is the key id.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): a bad key.
    pub fn from_ed25519(bytes: &[u8]) -> Result<Self> {
        VerifyingKey::new(Material::ed25519(bytes)?, None).with_thumbprint()
    }

    /// The 65 bytes of an uncompressed point on P-256; its thumbprint is the key id.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): a bad key.
    pub fn from_p256(point: &[u8]) -> Result<Self> {
        VerifyingKey::new(Material::p256(point)?, None).with_thumbprint()
    }

    /// The secret of another party's HS256; without a key id.
    ///
    /// # Errors
    /// [`WeakSecret`](ErrorKind::WeakSecret): shorter than 32 bytes, or predictable.
    pub fn from_secret(secret: &[u8]) -> Result<Self> {
        refuse_weak(secret)?;
        Ok(VerifyingKey::new(Material::hmac(secret), None))
    }

    /// The same key under another key id, the one that its issuer's tokens name; `None` takes
    /// tokens that name any or none, as long as it is the only key.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): empty or longer than 64 bytes.
    pub fn with_kid(mut self, kid: Option<&str>) -> Result<Self> {
        self.kid = kid.map(checked_kid).transpose()?;
        Ok(self)
    }

    pub(super) fn new(material: Material, kid: Option<Box<str>>) -> Self {
        let algorithm = match material {
            Material::Hmac(_) => Algorithm::Hs256,
            Material::Ed25519(_) => Algorithm::EdDsa,
            Material::P256(_) => Algorithm::Es256,
            Material::Rsa { .. } => Algorithm::Rs256,
        };
        VerifyingKey { algorithm, kid, material }
    }

    fn with_thumbprint(mut self) -> Result<Self> {
        self.kid = self.thumbprint().map(String::into_boxed_str);
        Ok(self)
    }

    /// The one algorithm of this key.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key id, which tokens name.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The thumbprint (RFC 7638) in base64url; `None` for a symmetric key, of which it would
    /// tell something.
    pub fn thumbprint(&self) -> Option<String> {
        let members = jwk::public_members(self)?;
        // The members that make the key, in the order of their names: as RFC 7638 wants it.
        let canonical = serde_json::Value::Object(members).to_string();
        Some(base64url::encode_string(
            digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref(),
        ))
    }

    /// The JWK, with public members only; `None` for a symmetric key, which is never exported.
    pub fn to_jwk(&self) -> Option<String> {
        jwk::write(self).map(|members| serde_json::Value::Object(members).to_string())
    }

    /// Whether `signature` is this key's for `message`; a MAC is compared in constant time.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.material {
            Material::Hmac(key) => hmac::verify(key, message, signature),
            Material::Ed25519(key) => {
                UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature)
            }
            Material::P256(key) => UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, key)
                .verify(message, signature),
            Material::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.is_ok()
    }

    /// Bytes of every signature of this key.
    pub(crate) fn signature_len(&self) -> usize {
        match &self.material {
            Material::Hmac(_) => 32,
            Material::Ed25519(_) | Material::P256(_) => 64,
            Material::Rsa { n, .. } => n.len(),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl Material {
    /// Takes any secret: who calls has looked at it.
    pub(super) fn hmac(secret: &[u8]) -> Self {
        Material::Hmac(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self> {
        let key = <[u8; 32]>::try_from(bytes)
            .map_err(|_| invalid_key("an Ed25519 public key has 32 bytes"))?;
        if !ed25519::is_valid_public_key(&key) {
            return Err(invalid_key(
                "the Ed25519 public key is no point of the curve, of small order, or not in its \
                 canonical encoding",
            ));
        }
        Ok(Material::Ed25519(key))
    }

    /// ring looks at a point when it verifies, and at a peer's point when it agrees on a secret.
    /// The latter says yes or no without a signature, so it is asked here; the secret is dropped.
    pub(super) fn p256(bytes: &[u8]) -> Result<Self> {
        let point = <[u8; 65]>::try_from(bytes)
            .map_err(|_| invalid_key("a P-256 public key has 65 bytes: 4, x, y"))?;
        let curve = &agreement::ECDH_P256;
        let own = agreement::EphemeralPrivateKey::generate(curve, &rand::SystemRandom::new())
            .map_err(|_| {
                let message = "the operating system gave no random bytes to check a key with";
                Error::new(ErrorKind::NoRandomness, message)
            })?;
        let peer = agreement::UnparsedPublicKey::new(curve, &point);
        agreement::agree_ephemeral(own, &peer, |_| ())
            .map_err(|_| invalid_key("the P-256 public key is no point of the curve"))?;
        Ok(Material::P256(point))
    }

    /// Both big-endian. ring rounds the bits up to bytes and takes exponents from 3 on; here
    /// the modulus has 2,048 bits in truth, and the exponent is one that FIPS 186-5 (5.4) allows.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self> {
        let (Some(n_first @ 1..), Some(n_last)) = (n.first(), n.last()) else {
            return Err(invalid_key("the RSA modulus is empty or begins with a zero"));
        };
        let bits = n.len().saturating_mul(8) - n_first.leading_zeros() as usize;
        if !(2048..=8192).contains(&bits) {
            return Err(invalid_key("the RSA modulus has not 2,048 to 8,192 bits"));
        }
        if n_last & 1 == 0 {
            return Err(invalid_key("the RSA modulus is even"));
        }
        let value = match e {
            [1..=0xff, ..] if e.len() <= 5 => {
                e.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
            }
            _ => 0,
        };
        if value & 1 == 0 || !(EXPONENT_MIN..=EXPONENT_MAX).contains(&value) {
            return Err(invalid_key("the RSA exponent is not an odd number from 65,537 to 2^33"));
        }
        Ok(Material::Rsa { n: n.into(), e: e.into() })
    }
}

/// FIPS 186-5, section 5.4 (e).
const EXPONENT_MIN: u64 = 65_537;

/// The most that ring computes with: larger ones cost time and are used by nobody.
const EXPONENT_MAX: u64 = (1 << 33) - 1;

/// A key id that is worth looking for.
pub(super) fn checked_kid(kid: &str) -> Result<Box<str>> {
    if kid.is_empty() || kid.len() > KID_LEN_MAX {
        return Err(invalid_key("a key id has 1 to 64 bytes"));
    }
    Ok(kid.into())
}

/// Bytes of a key id: a SHA-256 in hex. Larger ones are no names.
pub(crate) const KID_LEN_MAX: usize = 64;
