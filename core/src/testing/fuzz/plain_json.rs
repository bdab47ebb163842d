//! JSON as it is written: every member in its order, also those that stand twice. What the
//! strict readers say is held against a plain reading of the rules over this.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A JSON value that hides nothing of how it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Digits alone, perhaps behind a minus.
    Integer(i128),
    /// Any other number, and integers beyond 64 bits.
    Number(f64),
    /// A string, its escapes resolved.
    Text(String),
    /// An array.
    Array(Vec<Plain>),
    /// An object: its members in their order, with repetitions.
    Object(Vec<(String, Plain)>),
}

impl Plain {
    /// What `bytes` are, if they are one JSON text and nothing else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The members, if it is an object.
    pub fn members(&self) -> Option<&[(String, Plain)]> {
        if let Plain::Object(members) = self { Some(members) } else { None }
    }

    /// The first member of this name.
    pub fn get(&self, name: &str) -> Option<&Plain> {
        self.members()?.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Plain::Text(text) = self { Some(text) } else { None }
    }

    /// The elements, if it is an array.
    pub fn elements(&self) -> Option<&[Plain]> {
        if let Plain::Array(elements) = self { Some(elements) } else { None }
    }

    /// Whether an object anywhere in it has two members of one name.
    pub fn has_repetitions(&self) -> bool {
        match self {
            Plain::Object(members) => members.iter().enumerate().any(|(i, (name, value))| {
                value.has_repetitions() || members.iter().skip(i + 1).any(|(n, _)| n == name)
            }),
            Plain::Array(elements) => elements.iter().any(Plain::has_repetitions),
            _ => false,
        }
    }

    /// Objects and arrays within each other.
    pub fn depth(&self) -> usize {
        let below = match self {
            Plain::Object(members) => members.iter().map(|(_, value)| value.depth()).max(),
            Plain::Array(elements) => elements.iter().map(Plain::depth).max(),
            _ => return 0,
        };
        1 + below.unwrap_or(0)
    }

    /// Whether `value` says the same; members may stand in another order.
    pub fn is_same(&self, value: &Value) -> bool {
        match (self, value) {
            (Plain::Null, Value::Null) => true,
            (Plain::Bool(a), Value::Bool(b)) => a == b,
            (Plain::Integer(a), Value::Number(b)) => {
                b.as_u64().map(i128::from).or(b.as_i64().map(i128::from)) == Some(*a)
            }
            (Plain::Number(a), Value::Number(b)) => {
                b.is_f64() && b.as_f64().map(f64::to_bits) == Some(a.to_bits())
            }
            (Plain::Text(a), Value::String(b)) => a == b,
            (Plain::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
            }
            (Plain::Object(a), Value::Object(b)) => {
                let is_there = |(name, value): &(String, Plain)| {
                    b.get(name).is_some_and(|other| value.is_same(other))
                };
                a.len() == b.len() && a.iter().all(is_there)
            }
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Plain, E> {
        Ok(Plain::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Plain, E> {
        Ok(Plain::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Plain, E> {
        Ok(Plain::Integer(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Plain, E> {
        Ok(Plain::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Plain, E> {
        Ok(Plain::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Plain, E> {
        Ok(Plain::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Plain, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Plain::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Plain, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Plain::Object(members))
    }
}
