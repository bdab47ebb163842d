//! Reading what the scripts answer.

use redis::Value;

/// A text, or nothing.
pub(super) fn text(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        Value::Okay => Some(b"OK"),
        _ => None,
    }
}

/// A list of texts; the answer is cut at what is none.
pub(super) fn texts(value: &Value) -> Vec<Vec<u8>> {
    let Value::Array(values) = value else {
        return text(value).map(|text| vec![text.to_vec()]).unwrap_or_default();
    };
    values.iter().map_while(text).map(<[u8]>::to_vec).collect()
}
