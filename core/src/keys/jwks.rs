//! A set of keys that verify the tokens of one issuer (RFC 7517, section 5).

use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::verifying::VerifyingKey;
use super::{invalid_key, jwk};
use crate::codec::json;
use crate::error::Result;

/// The keys of one issuer: each key id names one of them.
#[derive(Clone, Debug, Default)]
pub struct Jwks {
    keys: Vec<VerifyingKey>,
}

impl Jwks {
    /// A set of `keys`.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput): two have the same key id, or there are
    /// more than 100.
    pub fn new(keys: Vec<VerifyingKey>) -> Result<Self> {
        if keys.len() > KEYS_MAX {
            return Err(invalid_key("a key set has at most 100 keys"));
        }
        for (i, key) in keys.iter().enumerate() {
            let is_same = |other: &VerifyingKey| key.kid().is_some() && other.kid() == key.kid();
            if keys.iter().skip(i + 1).any(is_same) {
                return Err(invalid_key("two keys of the set have the same key id"));
            }
        }
        Ok(Jwks { keys })
    }

    /// The public keys of a JWK set, as an issuer publishes it. Keys of a type, algorithm or use
    /// that is none of ours are left out.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput): longer than 256 KiB, more than 100
    /// keys, not an unambiguous JSON object with `keys`; or one of our kinds of keys is
    /// malformed or bad, has the key id of another, or is private or symmetric: who publishes
    /// such a key lets everybody sign. No key is taken.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > TEXT_LEN_MAX {
            return Err(invalid_key("the key set is longer than 256 KiB"));
        }
        let set = json::parse_object(text.as_bytes()).map_err(|_| {
            invalid_key("the key set is not a JSON object, or not an unambiguous one")
        })?;
        let Some(entries) = set.get("keys").and_then(Value::as_array) else {
            return Err(invalid_key("the key set has no array named keys"));
        };
        if entries.len() > KEYS_MAX {
            return Err(invalid_key("a key set has at most 100 keys"));
        }
        let mut keys = Vec::new();
        for entry in entries {
            let members = entry.as_object().ok_or_else(|| invalid_key("a key is no object"))?;
            if jwk::is_symmetric(members) || jwk::is_private(members) {
                return Err(invalid_key("the key set holds a private or symmetric key"));
            }
            if let jwk::Entry::Key(key) = jwk::read_verifying(members)? {
                keys.push(key);
            }
        }
        Jwks::new(keys)
    }

    /// The keys.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// The JWK set to publish: the public keys with their public members. Symmetric keys are
    /// left out.
    pub fn to_json(&self) -> String {
        let keys = self.keys.iter().filter_map(jwk::write).map(Value::Object).collect();
        Value::Object(Map::from_iter([("keys".to_owned(), Value::Array(keys))])).to_string()
    }

    /// The one key for a token that names `kid` and `algorithm` (RFC 8725, 3.1 and 3.10): the
    /// key of exactly that id; or the only key there is, when either side does not name one.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&VerifyingKey> {
        let key = match (self.keys.as_slice(), kid) {
            ([key], kid) if key.kid().is_none() || kid.is_none() => Some(key),
            (keys, Some(kid)) => keys.iter().find(|key| key.kid() == Some(kid)),
            (_, None) => None,
        };
        key.filter(|key| key.algorithm() == algorithm)
    }
}

/// More than any issuer publishes: those with certificate chains reach 30 KiB.
const TEXT_LEN_MAX: usize = 256 << 10;

/// A key set is searched from one end to the other.
const KEYS_MAX: usize = 100;
