//! The claims of a JWT: those with a meaning here typed, the others as they are.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::plain;
use crate::codec::json::{self, DEPTH_MAX, Integer, Text};
use crate::verdict::Reason;

/// The claims of a JWT. Times are seconds since the Unix epoch; every integer is below 2^53.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    /// Who made the token.
    pub iss: Option<String>,
    /// Whom it is about; not empty.
    pub sub: Option<String>,
    /// For whom it was made.
    pub aud: Option<Vec<String>>,
    /// When it ends: valid iff now < exp.
    pub exp: Option<u64>,
    /// When it begins.
    pub nbf: Option<u64>,
    /// When it was made.
    pub iat: Option<u64>,
    /// Its own name, by which it can be denied; not empty.
    pub jti: Option<String>,
    /// The session that it stands and falls with; not empty.
    pub sid: Option<String>,
    /// When the subject last proved who they are.
    pub auth_time: Option<u64>,
    /// The sequence of its issue within the group; of our own tokens only.
    pub seq: Option<u64>,
    /// The version of the subject's claims; of our own tokens only.
    pub ver: Option<u64>,
    /// All others. `seq` and `ver` of other issuers are among them, as they mean something else.
    pub extra: Map<String, Value>,
}

/// Whose claims are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Own,
    Foreign,
}

impl Claims {
    /// Reads claims, strictly: a member of the wrong type is an error, never absent.
    pub(crate) fn parse(bytes: &[u8], source: Source) -> Result<Self, Reason> {
        if source == Source::Own
            && let Some(claims) = plain::read(bytes)
        {
            return Ok(claims);
        }
        Claims::parse_strictly(bytes, source)
    }

    /// The same in one pass of a general parser, which alone refuses.
    pub(crate) fn parse_strictly(bytes: &[u8], source: Source) -> Result<Self, Reason> {
        json::parse(bytes, source).map_err(|_| Reason::Malformed)
    }

    /// Whether the claim is there and says something.
    pub(super) fn has(&self, name: &str) -> bool {
        match name {
            "iss" => self.iss.is_some(),
            "sub" => self.sub.is_some(),
            "aud" => self.aud.is_some(),
            "exp" => self.exp.is_some(),
            "nbf" => self.nbf.is_some(),
            "iat" => self.iat.is_some(),
            "jti" => self.jti.is_some(),
            "sid" => self.sid.is_some(),
            "auth_time" => self.auth_time.is_some(),
            "seq" if self.seq.is_some() => true,
            "ver" if self.ver.is_some() => true,
            other => match self.extra.get(other) {
                None | Some(Value::Null) => false,
                Some(Value::String(text)) => !text.is_empty(),
                Some(_) => true,
            },
        }
    }

    /// Whether they can be written so that [`parse`](Self::parse) reads them back as they are.
    pub(crate) fn are_writable(&self) -> bool {
        let is_too_deep = |value: &Value| json::depth_of(value) >= usize::from(DEPTH_MAX);
        let integers = [self.exp, self.nbf, self.iat, self.auth_time, self.seq, self.ver];
        let texts = [&self.sub, &self.jti, &self.sid];
        integers.into_iter().flatten().all(|value| value <= json::INTEGER_MAX)
            && texts.into_iter().flatten().all(|text| !text.is_empty())
            && !self.extra.keys().any(|name| is_typed(name))
            && !self.extra.values().any(is_too_deep)
    }
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in [("iss", &self.iss), ("sub", &self.sub)] {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        match self.aud.as_deref() {
            None => {}
            Some([audience]) => map.serialize_entry("aud", audience)?,
            Some(audiences) => map.serialize_entry("aud", audiences)?,
        }
        for (name, value) in [("jti", &self.jti), ("sid", &self.sid)] {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        for (name, value) in [
            ("iat", self.iat),
            ("nbf", self.nbf),
            ("exp", self.exp),
            ("auth_time", self.auth_time),
            ("seq", self.seq),
            ("ver", self.ver),
        ] {
            if let Some(value) = value {
                map.serialize_entry(name, &value)?;
            }
        }
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> DeserializeSeed<'de> for Source {
    type Value = Claims;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Claims, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Source {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut claims = Claims::default();
        while let Some(name) = map.next_key_seed(Text)? {
            match name.as_ref() {
                "iss" => put(&mut claims.iss, text(&mut map)?)?,
                "sub" => put(&mut claims.sub, name_text(&mut map)?)?,
                "jti" => put(&mut claims.jti, name_text(&mut map)?)?,
                "sid" => put(&mut claims.sid, name_text(&mut map)?)?,
                "aud" => put(&mut claims.aud, map.next_value_seed(Audiences)?)?,
                "exp" => put(&mut claims.exp, map.next_value_seed(Integer)?)?,
                "nbf" => put(&mut claims.nbf, map.next_value_seed(Integer)?)?,
                "iat" => put(&mut claims.iat, map.next_value_seed(Integer)?)?,
                "auth_time" => put(&mut claims.auth_time, map.next_value_seed(Integer)?)?,
                "seq" if self == Source::Own => {
                    put(&mut claims.seq, map.next_value_seed(Integer)?)?;
                }
                "ver" if self == Source::Own => {
                    put(&mut claims.ver, map.next_value_seed(Integer)?)?;
                }
                _ => {
                    let value = map.next_value_seed(json::Any(DEPTH_MAX - 1))?;
                    if claims.extra.insert(name.into_owned(), value).is_some() {
                        return Err(twice());
                    }
                }
            }
        }
        Ok(claims)
    }
}

/// A claim stands once.
fn put<T, E: Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    if place.replace(value).is_some() { Err(twice()) } else { Ok(()) }
}

fn twice<E: Error>() -> E {
    E::custom("a claim stands twice")
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    map.next_value_seed(Text).map(Cow::into_owned)
}

fn name_text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    let text = text(map)?;
    if text.is_empty() { Err(A::Error::custom("an empty name")) } else { Ok(text) }
}

/// One string or an array of strings.
struct Audiences;

impl<'de> DeserializeSeed<'de> for Audiences {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Audiences {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(vec![value.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut audiences = Vec::new();
        while let Some(audience) = seq.next_element_seed(Text)? {
            audiences.push(audience.into_owned());
        }
        Ok(audiences)
    }
}

/// Whether a claim has a place of its own.
pub(super) fn is_typed(name: &str) -> bool {
    TYPED.contains(&name)
}

/// The claims with a place of their own: they are not for `extra`.
const TYPED: [&str; 11] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "auth_time", "seq", "ver"];
