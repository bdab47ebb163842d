//! JSON without its ambiguities: a name stands once in an object, at every level; nesting is
//! bounded; numbers that count something are integers. What two readers could read as two
//! things is refused (RFC 8725, sections 2.4 and 3.7).

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Objects and arrays within each other, the outermost included.
pub(crate) const DEPTH_MAX: u8 = 16;

/// The largest integer that every reader of JSON reads alike: 2^53 - 1 (RFC 8259, section 6).
pub(crate) const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The object that `bytes` are, with nothing behind it.
pub(crate) fn parse_object(bytes: &[u8]) -> serde_json::Result<Map<String, Value>> {
    parse(bytes, Object(DEPTH_MAX))
}

/// What `seed` makes of `bytes`, all of them.
pub(crate) fn parse<'de, S>(bytes: &'de [u8], seed: S) -> serde_json::Result<S::Value>
where
    S: DeserializeSeed<'de>,
{
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Objects and arrays within each other in `value`.
pub(crate) fn depth_of(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth_of).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth_of).max().unwrap_or(0),
        _ => 0,
    }
}

/// Any value, so many levels deep at most.
#[derive(Clone, Copy)]
pub(crate) struct Any(pub(crate) u8);

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = Any(deeper(self.0)?);
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        Object(self.0).visit_map(map).map(Value::Object)
    }
}

/// An object, so many levels deep at most.
#[derive(Clone, Copy)]
pub(crate) struct Object(pub(crate) u8);

impl<'de> DeserializeSeed<'de> for Object {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let inner = Any(deeper(self.0)?);
        let mut members = Map::new();
        while let Some(name) = map.next_key_seed(Text)? {
            let value = map.next_value_seed(inner)?;
            if members.insert(name.into_owned(), value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(members)
    }
}

/// A string; borrowed where it has no escapes.
#[derive(Clone, Copy)]
pub(crate) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value))
    }
}

/// An integer from 0 to [`INTEGER_MAX`]: not `1.0`, `1e3`, `-0` or `"1"`.
#[derive(Clone, Copy)]
pub(crate) struct Integer;

impl<'de> DeserializeSeed<'de> for Integer {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_u64(self)
    }
}

impl Visitor<'_> for Integer {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer from 0 to 2^53 - 1")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<u64, E> {
        if value > INTEGER_MAX { Err(E::custom("an integer beyond 2^53")) } else { Ok(value) }
    }
}

/// How many levels may follow below one more.
fn deeper<E: Error>(levels: u8) -> Result<u8, E> {
    levels.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(text: &str) -> bool {
        parse_object(text.as_bytes()).is_ok()
    }

    #[test]
    fn what_is_plain_json_is_read_as_serde_json_reads_it() {
        let text = r#" {"a":[1,-2,0.5,1e3,null,true,"\u00fc\n"],"b":{"":{}},
            "c":18446744073709551615}
            "#;
        let ours = Value::Object(parse_object(text.as_bytes()).unwrap());
        assert_eq!(ours, serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(depth_of(&ours), 3);
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_at_every_level_however_it_is_written() {
        assert!(is_read(r#"{"a":{"a":1},"b":[{"a":1},{"a":1}]}"#));
        assert!(!is_read(r#"{"a":1,"a":1}"#));
        assert!(!is_read(r#"{"a":1,"\u0061":2}"#));
        assert!(!is_read(r#"{"x":{"a":1,"b":2,"a":3}}"#));
        assert!(!is_read(r#"{"x":[[{"":1,"":2}]]}"#));
    }

    #[test]
    fn sixteen_levels_are_read_and_no_more() {
        let nested = |levels: usize, open: &str, close: &str| {
            format!("{{\"a\":{}1{}}}", open.repeat(levels - 1), close.repeat(levels - 1))
        };
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            assert!(is_read(&nested(16, open, close)));
            assert!(!is_read(&nested(17, open, close)));
            assert!(!is_read(&nested(2000, open, close)));
        }
        let text = nested(16, "[", "]");
        assert_eq!(depth_of(&Value::Object(parse_object(text.as_bytes()).unwrap())), 16);
    }

    #[test]
    fn what_is_no_object_alone_is_refused() {
        for text in [
            "",
            " ",
            "[]",
            "null",
            "1",
            "\"a\"",
            "{} {}",
            "{}x",
            "{}\0",
            "{",
            "{\"a\"}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":1,}",
            "\u{feff}{}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":1e400}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":0x1}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\ud800\"}",
            "{/**/}",
            "{\"a\":1}//",
        ] {
            assert!(!is_read(text), "{text:?}");
        }
        assert!(parse_object(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
        assert!(parse_object(b"{\"a\xc0\xaf\":1}").is_err(), "overlong UTF-8");
        assert!(
            parse_object(
                "{\"a\":1}"
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<_>>()
                    .as_slice()
            )
            .is_err()
        );
    }

    #[test]
    fn an_integer_is_an_integer() {
        let read = |text: &str| parse(text.as_bytes(), Integer).ok();
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("9007199254740991"), Some(INTEGER_MAX));
        for text in [
            "9007199254740992",
            "18446744073709551616",
            "-1",
            "-0",
            "1.0",
            "1e3",
            "1E0",
            "\"1\"",
            "null",
            "true",
            "[1]",
            "{}",
            "01",
            "1 2",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
