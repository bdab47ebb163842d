//! Claims as our own signer writes them: no space between the tokens of the JSON, no escape in a
//! string, values that are strings or integers. That is read without a general JSON parser.
//!
//! It gives what the strict reader would give, or nothing: whatever is written otherwise, is
//! nested, stands twice or breaks a rule is left to that one, and so is every refusal.

use memchr::memchr;
use serde_json::Value;

use super::claims::Claims;
use crate::codec::json::INTEGER_MAX;

/// The claims of our own in `bytes`, if they are plain.
pub(super) fn read(bytes: &[u8]) -> Option<Claims> {
    // With neither, a string ends at the next quote.
    let is_special = |byte: &u8| *byte < b' ' || *byte == b'\\';
    if bytes.iter().fold(false, |seen, byte| seen | is_special(byte)) {
        return None;
    }
    let mut rest = std::str::from_utf8(bytes).ok()?.strip_prefix('{')?;
    let mut claims = Claims::default();
    loop {
        let (name, value) = string(rest)?;
        let value = value.strip_prefix(':')?;
        rest = match value.as_bytes().first()? {
            b'"' => {
                let (text, rest) = string(value)?;
                put_text(&mut claims, name, text)?;
                rest
            }
            _ => {
                let (number, rest) = integer(value)?;
                put_integer(&mut claims, name, number)?;
                rest
            }
        };
        rest = match rest.as_bytes() {
            b"}" => return Some(claims),
            [b',', ..] => rest.get(1..)?,
            _ => return None,
        };
    }
}

/// The string at the start, and what follows it.
#[inline]
fn string(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let (string, rest) = text.split_at_checked(memchr(b'"', text.as_bytes())?)?;
    Some((string, rest.get(1..)?))
}

/// The integer at the start, in its one form, and what follows it.
#[inline]
fn integer(text: &str) -> Option<(u64, &str)> {
    let len = text.bytes().take(DIGITS_MAX + 1).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(len)?;
    if len == 0 || len > DIGITS_MAX || (len > 1 && digits.starts_with('0')) {
        return None;
    }
    let number = digits.bytes().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    (number <= INTEGER_MAX).then_some((number, rest))
}

#[inline]
fn put_text(claims: &mut Claims, name: &str, text: &str) -> Option<()> {
    let place = match name {
        "iss" => &mut claims.iss,
        "sub" if !text.is_empty() => &mut claims.sub,
        "jti" if !text.is_empty() => &mut claims.jti,
        "sid" if !text.is_empty() => &mut claims.sid,
        "aud" => {
            let is_twice = claims.aud.replace(vec![text.to_owned()]).is_some();
            return (!is_twice).then_some(());
        }
        _ => return put_other(claims, name, Value::from(text)),
    };
    let is_twice = place.replace(text.to_owned()).is_some();
    (!is_twice).then_some(())
}

#[inline]
fn put_integer(claims: &mut Claims, name: &str, number: u64) -> Option<()> {
    let place = match name {
        "iat" => &mut claims.iat,
        "nbf" => &mut claims.nbf,
        "exp" => &mut claims.exp,
        "auth_time" => &mut claims.auth_time,
        "seq" => &mut claims.seq,
        "ver" => &mut claims.ver,
        _ => return put_other(claims, name, Value::from(number)),
    };
    let is_twice = place.replace(number).is_some();
    (!is_twice).then_some(())
}

/// A claim of the host's own; one of ours with a value of the wrong type is none of those.
fn put_other(claims: &mut Claims, name: &str, value: Value) -> Option<()> {
    let is_new = !super::claims::is_typed(name);
    let is_new = is_new && claims.extra.insert(name.to_owned(), value).is_none();
    is_new.then_some(())
}

/// Digits of 2^53.
const DIGITS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::claims::Source;
    use super::*;

    fn strict(bytes: &[u8]) -> Option<Claims> {
        Claims::parse_strictly(bytes, Source::Own).ok()
    }

    #[test]
    fn what_the_signer_writes_is_plain_unless_it_needs_more() {
        let plain = br#"{"iss":"a","sub":"b","aud":"c","jti":"d","sid":"e","iat":1,"nbf":0,"exp":9007199254740991,"auth_time":3,"seq":4,"ver":5,"scope":"x y","gen":7,"":"\xc3\xbc"}"#;
        let text = String::from_utf8_lossy(plain).replace("\\xc3\\xbc", "\u{fc}");
        let claims = read(text.as_bytes()).unwrap();
        assert_eq!(Some(&claims), strict(text.as_bytes()).as_ref());
        assert_eq!(serde_json::to_string(&claims).unwrap().len(), text.len());
        for text in [
            "",
            "{",
            "{}",
            "{\"iss\":\"a\"}x",
            "{\"iss\":\"a\",}",
            "{ \"iss\":\"a\"}",
            "[]",
            "{\"iss\":\"\\u0061\"}",
            "{\"iss\":\"a\nb\"}",
            "{\"iss\":\"a\",\"iss\":\"a\"}",
            "{\"x\":1,\"x\":2}",
            "{\"aud\":\"a\",\"aud\":\"b\"}",
            "{\"aud\":[\"a\"]}",
            "{\"exp\":01}",
            "{\"exp\":1.0}",
            "{\"exp\":1e3}",
            "{\"exp\":-1}",
            "{\"exp\":\"1\"}",
            "{\"iss\":1}",
            "{\"exp\":9007199254740992}",
            "{\"exp\":99999999999999999999}",
            "{\"sub\":\"\"}",
            "{\"seq\":\"1\"}",
            "{\"x\":{}}",
            "{\"x\":null}",
            "{\"x\":}",
            "{\"x\"}",
            "{\"x\":1,1}",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"{\"iss\":\"\xff\"}"), None, "not UTF-8");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn it_reads_what_the_strict_reader_reads_or_nothing(
            members in prop::collection::vec(
                (
                    prop::sample::select(vec![
                        "iss", "sub", "aud", "jti", "sid", "iat", "exp", "ver", "seq", "x", "gen", "",
                    ]),
                    prop_oneof![
                        // Plain more often than not, so that several in a row are.
                        8 => "\"[a-z]{0,2}\"",
                        8 => "[0-9]{1,2}",
                        1 => "\"[a-z\u{fc}\\\\\"{},: \t]{0,5}\"",
                        1 => "[0-9]{1,18}",
                        1 => "(null|true|-1|1\\.5|1e2|\\[\\]|\\{\\}|\\[\"a\"\\])",
                    ],
                ),
                0..7,
            ),
            noise in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let mut bytes = format!("{{{}}}", members.join(",")).into_bytes();
            if let Some((place, byte)) = noise {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Some(claims) = read(&bytes) {
                prop_assert_eq!(Some(claims), strict(&bytes));
            }
        }
    }
}
