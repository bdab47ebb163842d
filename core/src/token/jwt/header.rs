//! The header of a JWT, and what it may say.

use serde_json::{Map, Value};

use super::profile::JwtKind;
use crate::codec::json;
use crate::keys::{Algorithm, KID_LEN_MAX};
use crate::verdict::Reason;

/// A header that passed every rule.
pub(super) struct Header {
    members: Map<String, Value>,
}

impl Header {
    /// Reads a header strictly (RFC 7515, section 4; RFC 8725, section 3).
    ///
    /// What would make the token mean something else is refused: critical extensions, of which
    /// we have none; unencoded payloads; compression; encryption; a token within the token; a
    /// key that the token brings itself. References to keys and certificates are not followed
    /// and not looked at: the key is ours or there is none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Reason> {
        let members = json::parse_object(bytes).map_err(|_| Reason::Malformed)?;
        if REFUSED.iter().any(|name| members.contains_key(*name)) {
            return Err(Reason::Malformed);
        }
        let is_text = |name: &&str| members.get(*name).is_none_or(Value::is_string);
        if !TEXTS.iter().all(is_text) || !members.get("x5c").is_none_or(is_array_of_texts) {
            return Err(Reason::Malformed);
        }
        let header = Header { members };
        if header.text("alg").is_none()
            || header.kid().is_some_and(|kid| kid.is_empty() || kid.len() > KID_LEN_MAX)
        {
            return Err(Reason::Malformed);
        }
        Ok(header)
    }

    /// The algorithm, if it is one of ours; `none` never is.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.text("alg").and_then(Algorithm::from_name)
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.text("kid")
    }

    /// Whether `typ` is that of `kind`: a media type, so in any case, and `application/` may be
    /// left out (RFC 7515, 4.1.9).
    pub(super) fn is_of(&self, kind: JwtKind) -> bool {
        let Some(typ) = self.text("typ") else { return kind.may_lack_typ() };
        let typ = match typ.split_at_checked(APPLICATION.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(APPLICATION) => rest,
            _ => typ,
        };
        typ.eq_ignore_ascii_case(kind.typ())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }
}

fn is_array_of_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
}

const APPLICATION: &str = "application/";

const REFUSED: [&str; 6] = ["crit", "b64", "zip", "enc", "cty", "jwk"];

const TEXTS: [&str; 7] = ["alg", "typ", "kid", "jku", "x5u", "x5t", "x5t#S256"];
