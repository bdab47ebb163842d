//! Keys as JSON (RFC 7517): reading, writing, and what their members must agree on.
//!
//! Which algorithm a key has is told by `kty` and `crv`; `alg`, `use` and `key_ops` may be
//! absent, but never say something else.

use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::algorithm::Algorithm;
use super::invalid_key;
use super::master::refuse_weak;
use super::verifying::{Material, VerifyingKey, checked_kid};
use crate::codec::base64url;
use crate::error::Result;

/// What became of a JWK.
pub(super) enum Entry {
    Key(VerifyingKey),
    /// Of a type, curve, algorithm or use that is none of ours: a set may hold such keys
    /// (RFC 7517, section 5).
    Unsupported(&'static str),
}

/// The key pair or secret of a JWK, still in its parts.
pub(super) enum Private {
    Secret(Zeroizing<Vec<u8>>),
    Ed25519 { seed: Zeroizing<Vec<u8>>, public: [u8; 32] },
    P256 { scalar: Zeroizing<Vec<u8>>, point: [u8; 65] },
}

/// Reads the public or symmetric key of a JWK.
pub(super) fn read_verifying(members: &Map<String, Value>) -> Result<Entry> {
    let algorithm = match read_algorithm(members)? {
        Ok(algorithm) => algorithm,
        Err(why) => return Ok(Entry::Unsupported(why)),
    };
    if !is_for(members, "verify")? {
        return Ok(Entry::Unsupported("the key is not for verifying signatures"));
    }
    let kid = read_kid(members)?;
    let material = match algorithm {
        Algorithm::Hs256 => {
            let secret = read_bytes(members, "k")?;
            refuse_weak(&secret)?;
            Material::hmac(&secret)
        }
        Algorithm::EdDsa => Material::ed25519(&read_bytes(members, "x")?)?,
        Algorithm::Es256 => Material::p256(&read_point(members)?)?,
        Algorithm::Rs256 => Material::rsa(&read_bytes(members, "n")?, &read_bytes(members, "e")?)?,
    };
    Ok(Entry::Key(VerifyingKey::new(material, kid)))
}

/// Reads the private or symmetric key of a JWK, and its key id.
pub(super) fn read_private(members: &Map<String, Value>) -> Result<(Private, Option<Box<str>>)> {
    let algorithm = read_algorithm(members)?.map_err(invalid_key)?;
    if !is_for(members, "sign")? {
        return Err(invalid_key("the key is not for signing"));
    }
    let private = match algorithm {
        Algorithm::Hs256 => Private::Secret(read_bytes(members, "k")?),
        Algorithm::EdDsa => {
            let Material::Ed25519(public) = Material::ed25519(&read_bytes(members, "x")?)? else {
                return Err(invalid_key("the JWK has no public key"));
            };
            Private::Ed25519 { seed: read_sized(members, "d", 32)?, public }
        }
        Algorithm::Es256 => {
            Private::P256 { scalar: read_sized(members, "d", 32)?, point: read_point(members)? }
        }
        Algorithm::Rs256 => return Err(invalid_key("RS256 is for verifying only")),
    };
    Ok((private, read_kid(members)?))
}

/// Clears what is secret in the JWK.
pub(super) fn wipe(mut members: Map<String, Value>) {
    for name in PRIVATE {
        if let Some(Value::String(text)) = members.get_mut(name) {
            text.zeroize();
        }
    }
}

/// Whether a private member stands in the JWK.
pub(super) fn is_private(members: &Map<String, Value>) -> bool {
    PRIVATE.iter().any(|name| members.contains_key(*name))
}

/// Whether the JWK is a symmetric key.
pub(super) fn is_symmetric(members: &Map<String, Value>) -> bool {
    members.get("kty").and_then(Value::as_str) == Some("oct")
}

/// The members that make the public key, none for a symmetric one.
pub(super) fn public_members(key: &VerifyingKey) -> Option<Map<String, Value>> {
    let text = |bytes: &[u8]| Value::String(base64url::encode_string(bytes));
    let mut members = Map::new();
    let mut set = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    match &key.material {
        Material::Hmac(_) => return None,
        // Named in the order of the alphabet, whatever the map makes of it (RFC 7638, 3.2).
        Material::Ed25519(x) => {
            set("crv", "Ed25519".into());
            set("kty", "OKP".into());
            set("x", text(x));
        }
        Material::P256(point) => {
            let (x, y) = point.split_at(33);
            set("crv", "P-256".into());
            set("kty", "EC".into());
            set("x", text(x.get(1..).unwrap_or_default()));
            set("y", text(y));
        }
        Material::Rsa { n, e } => {
            set("e", text(e));
            set("kty", "RSA".into());
            set("n", text(n));
        }
    }
    Some(members)
}

/// The JWK of a public key.
pub(super) fn write(key: &VerifyingKey) -> Option<Map<String, Value>> {
    let mut members = public_members(key)?;
    members.insert("alg".into(), key.algorithm().name().into());
    members.insert("use".into(), "sig".into());
    if let Some(kid) = key.kid() {
        members.insert("kid".into(), kid.into());
    }
    Some(members)
}

/// The algorithm that the members agree on; the inner error: none of ours.
fn read_algorithm(members: &Map<String, Value>) -> Result<Result<Algorithm, &'static str>> {
    let kty = required(members, "kty")?;
    let algorithm = match kty {
        "oct" => Algorithm::Hs256,
        "RSA" => Algorithm::Rs256,
        "OKP" | "EC" => match (kty, required(members, "crv")?) {
            ("OKP", "Ed25519") => Algorithm::EdDsa,
            ("EC", "P-256") => Algorithm::Es256,
            ("OKP", "P-256" | "P-384" | "P-521" | "secp256k1")
            | ("EC", "Ed25519" | "Ed448" | "X25519" | "X448") => {
                return Err(invalid_key("the JWK's kty and crv contradict each other"));
            }
            _ => return Ok(Err("the JWK's curve is none of ours")),
        },
        _ => return Ok(Err("the JWK's key type is none of ours")),
    };
    match optional(members, "alg")? {
        None => Ok(Ok(algorithm)),
        Some(name) => match Algorithm::from_name(name) {
            Some(named) if named == algorithm => Ok(Ok(algorithm)),
            Some(_) => Err(invalid_key("the JWK's alg does not fit its key type or curve")),
            None => Ok(Err("the JWK's algorithm is none of ours")),
        },
    }
}

/// Whether `use` and `key_ops` allow `operation` (RFC 7517, 4.2 and 4.3).
fn is_for(members: &Map<String, Value>, operation: &str) -> Result<bool> {
    let is_for_signatures = optional(members, "use")?.map(|used| used == "sig");
    let Some(value) = members.get("key_ops") else { return Ok(is_for_signatures != Some(false)) };
    let operations: Option<Vec<&str>> =
        value.as_array().and_then(|values| values.iter().map(Value::as_str).collect());
    let Some(operations) = operations else {
        return Err(invalid_key("the JWK's key_ops is no array of strings"));
    };
    let is_repeated = |(i, name): (usize, &&str)| operations.iter().skip(i + 1).any(|n| n == name);
    if operations.iter().enumerate().any(is_repeated) {
        return Err(invalid_key("the JWK's key_ops names an operation twice"));
    }
    let is_signing = |name: &&str| matches!(*name, "sign" | "verify");
    match is_for_signatures {
        Some(true) if !operations.iter().all(is_signing) => {
            Err(invalid_key("the JWK's use and key_ops contradict each other"))
        }
        Some(false) if operations.iter().any(is_signing) => {
            Err(invalid_key("the JWK's use and key_ops contradict each other"))
        }
        Some(false) => Ok(false),
        // A private key may be named by what it does; its public half verifies.
        Some(true) | None => Ok(operations.contains(&operation)),
    }
}

fn read_kid(members: &Map<String, Value>) -> Result<Option<Box<str>>> {
    optional(members, "kid")?.map(checked_kid).transpose()
}

fn read_point(members: &Map<String, Value>) -> Result<[u8; 65]> {
    let mut point = [4; 65];
    let (x, y) = (read_sized(members, "x", 32)?, read_sized(members, "y", 32)?);
    let bytes = x.iter().chain(y.iter());
    point.iter_mut().skip(1).zip(bytes).for_each(|(place, byte)| *place = *byte);
    Ok(point)
}

fn read_sized(members: &Map<String, Value>, name: &str, len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let bytes = read_bytes(members, name)?;
    if bytes.len() == len { Ok(bytes) } else { Err(invalid_key("a JWK member has another length")) }
}

fn read_bytes(members: &Map<String, Value>, name: &str) -> Result<Zeroizing<Vec<u8>>> {
    let text = required(members, name)?;
    let mut bytes = Zeroizing::new(vec![0; base64url::decoded_len(text.len())]);
    if text.is_empty() || !base64url::decode(text.as_bytes(), &mut bytes) {
        return Err(invalid_key("a JWK member is not base64url without padding"));
    }
    Ok(bytes)
}

fn required<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str> {
    optional(members, name)?.ok_or_else(|| invalid_key("the JWK lacks a member that it needs"))
}

fn optional<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid_key("a JWK member is no string")),
    }
}

/// RFC 7518, 6.2.2, 6.3.2, 6.4.1.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
