//! A row of an old store, as one line of a file has it.

use serde_json::{Map, Value};

use super::date::moment;
use super::importer::{self, Importer};
use super::maker::Kind;
use crate::codec::json;
use crate::data::Data;
use crate::id::Subject;
use crate::time::Timestamp;

/// A session of the old store.
pub(crate) struct ForeignRow {
    /// As a credential has it.
    pub(crate) id: Vec<u8>,
    pub(crate) subject: Option<Subject>,
    pub(crate) data: Data,
    pub(crate) expires: Timestamp,
}

impl ForeignRow {
    /// The row in a line. What is wrong with it never says what is in it.
    pub(crate) fn parse(importer: &Importer, line: &[u8]) -> Result<Self, &'static str> {
        let members = json::parse_object(line)
            .map_err(|_| "no JSON object on a line of its own, or a member stands twice in it")?;
        let names = Names::of(importer.maker().kind())?;
        let id = match members.get(names.id) {
            Some(Value::String(id)) => importer.maker().row_id(id).ok_or(names.id_is_wrong)?,
            _ => return Err(names.id_is_missing),
        };
        let session = match names.session {
            Some((name, is_missing)) => session(members.get(name)).ok_or(is_missing)?,
            None => Map::new(),
        };
        let subject = match names.subject {
            Some((name, is_missing)) => importer::subject(members.get(name).ok_or(is_missing)?)?,
            None => importer.subject_of(&session)?,
        };
        let expires = names.expires(&members, &session)?;
        Ok(ForeignRow { id, subject, data: importer.data_of(&session), expires })
    }
}

/// How a maker's rows name their members, and what to do where one is missing.
struct Names {
    kind: Kind,
    id: &'static str,
    id_is_missing: &'static str,
    id_is_wrong: &'static str,
    session: Option<(&'static str, &'static str)>,
    subject: Option<(&'static str, &'static str)>,
}

impl Names {
    fn of(kind: Kind) -> Result<Self, &'static str> {
        match kind {
            Kind::Express => Ok(Names {
                kind,
                id: "sid",
                id_is_missing: "`sid` is missing, or no text",
                id_is_wrong: "`sid` has not 1 to 256 printable characters without space",
                session: Some((
                    "session",
                    "`session` is missing, or neither an object nor the text of one",
                )),
                subject: None,
            }),
            Kind::Django => Ok(Names {
                kind,
                id: "session_key",
                id_is_missing: "`session_key` is missing, or no text",
                id_is_wrong: "`session_key` has not 32 to 64 letters and digits",
                session: Some((
                    "session_data",
                    "`session_data` is missing or no object: write what get_decoded() gives",
                )),
                subject: None,
            }),
            Kind::Meteor => Ok(Names {
                kind,
                id: "hashedToken",
                id_is_missing: "`hashedToken` is missing, or no text",
                id_is_wrong: "`hashedToken` is not SHA-256 in base64",
                session: None,
                subject: Some(("userId", "`userId` is missing")),
            }),
            Kind::CookieSession => Err("cookie-session keeps no rows: there is nothing to import"),
        }
    }

    fn expires(
        &self,
        members: &Map<String, Value>,
        session: &Map<String, Value>,
    ) -> Result<Timestamp, &'static str> {
        let given = |name| members.get(name).filter(|value| !value.is_null());
        match self.kind {
            Kind::Django => moment(given("expire_date").ok_or("`expire_date` is missing")?),
            Kind::Meteor => match (given("expires"), given("when")) {
                (Some(expires), _) => moment(expires),
                (None, Some(when)) => Ok(moment(when)?.plus_millis(METEOR_LIFETIME_MS)),
                (None, None) => Err("`expires` and `when` are missing: give one of them"),
            },
            Kind::Express | Kind::CookieSession => {
                let cookie = || session.get("cookie")?.get("expires").filter(|v| !v.is_null());
                let expires = given("expires").or_else(cookie);
                moment(expires.ok_or(
                    "`expires` is missing, and so is `session.cookie.expires`: add what the store \
                     knows of the end of the session",
                )?)
            }
        }
    }
}

/// A session as an object, or as the text of one.
fn session(value: Option<&Value>) -> Option<Map<String, Value>> {
    match value? {
        Value::Object(session) => Some(session.clone()),
        Value::String(text) => json::parse_object(text.as_bytes()).ok(),
        _ => None,
    }
}

/// The default of its `loginExpirationInDays`: 90.
const METEOR_LIFETIME_MS: u64 = 90 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::foreign::{KeygripHash, Maker};

    fn express() -> Importer {
        Importer::new(Maker::express("sid", &["s"]).unwrap(), Timestamp::NEVER).carry(["cart"])
    }

    fn parse(importer: &Importer, line: &str) -> Result<ForeignRow, &'static str> {
        ForeignRow::parse(importer, line.as_bytes())
    }

    #[test]
    fn rows_of_connect_stores_are_read_with_their_session_as_object_or_text() {
        let at = 1_800_000_000_000;
        for line in [
            r#"{"sid":"abc","expires":1800000000000,
                "session":{"cookie":{"expires":null},"passport":{"user":"alice"},"cart":[1]}}"#,
            r#"{"sid":"abc","session":{"cookie":{"expires":"2027-01-15T08:00:00.000Z"},
                "passport":{"user":"alice"},"cart":[1]},"other":1}"#,
            r#"{"sid":"abc","expires":"2027-01-15T08:00:00Z",
                "session":"{\"cookie\":{},\"passport\":{\"user\":\"alice\"},\"cart\":[1]}"}"#,
        ] {
            let row = parse(&express(), line).unwrap();
            assert_eq!(row.id, b"abc");
            assert_eq!(row.subject.unwrap(), "alice");
            assert_eq!(row.data, Data::from_iter([("cart", "[1]")]));
            assert_eq!(row.expires.as_millis(), at);
        }
    }

    #[test]
    fn rows_of_django_and_meteor_are_read() {
        let django = Importer::new(Maker::django("sessionid").unwrap(), Timestamp::NEVER);
        let row = parse(
            &django,
            r#"{"session_key":"k3v8m2q9x1z7c5b4n6l0p2o8i7u6y5t4",
                "session_data":{"_auth_user_id":"17"},"expire_date":"2027-01-15T08:00:00+00:00"}"#,
        );
        assert_eq!(row.unwrap().subject.unwrap(), "17");
        let meteor = Importer::new(Maker::meteor(), Timestamp::NEVER);
        let line = r#"{"hashedToken":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "userId":"Qx7","when":"2027-01-15T08:00:00Z"}"#;
        let row = parse(&meteor, line).unwrap();
        assert_eq!((row.id.len(), row.subject.unwrap().as_str()), (32, "Qx7"));
        assert_eq!(row.expires.as_millis(), 1_800_000_000_000 + 90 * 86_400_000);
    }

    #[test]
    fn a_bad_row_says_which_member_is_wrong_and_nothing_of_its_content() {
        let session = r#"{"passport":{"user":"hunter2"}}"#;
        let of = |rest: &str| format!(r#"{{"session":{session}{rest}}}"#);
        for (line, word) in [
            (String::new(), "JSON"),
            ("[]".into(), "JSON"),
            (r#"{"sid":"a","sid":"b"}"#.into(), "twice"),
            (of(""), "`sid`"),
            (of(r#","sid":7"#), "`sid`"),
            (of(r#","sid":"hunter2 hunter2""#), "`sid`"),
            (of(r#","sid":"a""#), "`expires`"),
            (of(r#","sid":"a","expires":null"#), "`expires`"),
            (of(r#","sid":"a","expires":1700000000"#), "seconds"),
            (of(r#","sid":"a","expires":"hunter2""#), "RFC 3339"),
            (r#"{"sid":"a","session":"hunter2"}"#.into(), "`session`"),
            (r#"{"sid":"a","session":{"passport":{"user":["hunter2"]}}}"#.into(), "subject"),
        ] {
            let why = parse(&express(), &line).err().unwrap();
            assert!(why.contains(word) && !why.contains("hunter2"), "{line}: {why}");
        }
        let maker = Maker::cookie_session("session", &["s"], KeygripHash::Sha1).unwrap();
        let pairs = Importer::new(maker, Timestamp::NEVER);
        assert!(parse(&pairs, "{}").err().unwrap().contains("keeps no rows"));
    }
}
