//! What a host says of the site that it moves over.

use std::time::Duration;

use serde_json::{Map, Value};

use super::maker::{Credential, Kind, Maker, Presented};
use crate::data::Data;
use crate::id::Subject;
use crate::policy::Lifetimes;
use crate::time::Timestamp;
use crate::verdict::Reason;

/// The old site: who made its sessions, what is in them, and until when they are taken. See
/// [the module](super).
#[derive(Clone, Debug)]
pub struct Importer {
    maker: Maker,
    until: Timestamp,
    subject_at: Vec<String>,
    carried: Vec<String>,
    lifetimes: Option<Lifetimes>,
    grace: Duration,
    devices_per_pair: u32,
    keeps_anonymous: bool,
}

impl Importer {
    /// Takes what `maker` made, until that moment: within 400 days, which the engine checks at
    /// each use.
    ///
    /// Do not put the moment off later on: rows that were not used are forgotten with it.
    pub fn new(maker: Maker, until: Timestamp) -> Self {
        let subject_at: &[&str] = match maker.kind() {
            Kind::Express | Kind::CookieSession => &["passport", "user"],
            Kind::Django => &["_auth_user_id"],
            Kind::Meteor => &[],
        };
        Importer {
            subject_at: subject_at.iter().map(|name| (*name).to_owned()).collect(),
            maker,
            until,
            carried: Vec::new(),
            lifetimes: None,
            grace: Duration::from_secs(60),
            devices_per_pair: 1,
            keeps_anonymous: false,
        }
    }

    /// Where a session's JSON names its subject: member by member from the outermost. A text of 1
    /// to 255 bytes, or an integer, which is taken as its decimal digits.
    ///
    /// By default where Passport puts it, `["passport", "user"]`, for express-session and
    /// cookie-session, and `["_auth_user_id"]` for Django. Meteor's rows have a `userId`.
    #[must_use]
    pub fn subject_at<S: Into<String>>(mut self, path: impl IntoIterator<Item = S>) -> Self {
        self.subject_at = path.into_iter().map(Into::into).collect();
        self
    }

    /// The outermost members of a session's JSON that become data of the new session, under
    /// their names: each as JSON text. By default none.
    #[must_use]
    pub fn carry<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.carried = names.into_iter().map(Into::into).collect();
        self
    }

    /// Other lifetimes than the configuration's for upgraded sessions. They begin with the
    /// upgrade.
    #[must_use]
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = Some(lifetimes);
        self
    }

    /// For how long after its upgrade an old cookie still gives the same session, so that
    /// requests side by side and a lost answer log nobody out. 60 s by default, 5 minutes at
    /// most; it never begins anew.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How many sessions one and the same pair of cookie-session buys, one after the other: 1 by
    /// default. Several browsers of one person may hold the same pair. Whoever copied one counts,
    /// too, and can come back after a logout until the number is used up.
    #[must_use]
    pub fn devices_per_pair(mut self, devices: u32) -> Self {
        self.devices_per_pair = devices;
        self
    }

    /// Takes sessions without a subject, too: shopping baskets of visitors. By default they are
    /// passed over, as most of them are of robots.
    #[must_use]
    pub fn with_anonymous(mut self) -> Self {
        self.keeps_anonymous = true;
        self
    }

    /// The session that a genuine pair of cookie-session holds, as JSON, in the `Cookie` headers
    /// of a request. `None`: there is none. Asks no store, and works after the importer's end,
    /// too: it says what the old site wrote, and lets nobody in.
    pub fn read_pair<'a, I, H>(&self, headers: I) -> Option<Result<Map<String, Value>, Reason>>
    where
        I: IntoIterator<Item = &'a H>,
        H: AsRef<[u8]> + ?Sized + 'a,
    {
        match self.read_cookies(headers) {
            Presented::Nothing => None,
            Presented::Rejected(reason) => Some(Err(reason)),
            Presented::Genuine(mut all) => match (all.pop(), all.is_empty()) {
                (Some(Credential { session: Some(session), .. }), true) => Some(Ok(session)),
                (Some(_), true) | (None, _) => None,
                (Some(_), false) => Some(Err(Reason::Ambiguous)),
            },
        }
    }

    /// The `Set-Cookie` values that make a browser forget the old site's cookies: to be sent
    /// beside those of the new session. They are for cookies with `Path=/` and without `Domain`;
    /// if the old site set others, forget them with their own path and domain.
    pub fn clear_cookies(&self) -> Vec<String> {
        let clear = |name| {
            format!("{name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly")
        };
        self.maker.cookies().into_iter().map(clear).collect()
    }

    pub(crate) fn read_cookies<'a, I, H>(&self, headers: I) -> Presented
    where
        I: IntoIterator<Item = &'a H>,
        H: AsRef<[u8]> + ?Sized + 'a,
    {
        let headers: Vec<&[u8]> = headers.into_iter().map(AsRef::as_ref).collect();
        self.maker.read_cookies(&headers)
    }

    pub(crate) fn read_token(&self, token: &[u8]) -> Presented {
        self.maker.read_token(token)
    }

    pub(super) fn maker(&self) -> &Maker {
        &self.maker
    }

    pub(crate) fn namespace(&self) -> Vec<u8> {
        self.maker.namespace()
    }

    pub(crate) fn until(&self) -> Timestamp {
        self.until
    }

    pub(crate) fn own_lifetimes(&self) -> Option<Lifetimes> {
        self.lifetimes
    }

    pub(crate) fn grace_after_upgrade(&self) -> Duration {
        self.grace
    }

    pub(crate) fn upgrades_per_pair(&self) -> u32 {
        self.devices_per_pair
    }

    pub(crate) fn takes_anonymous(&self) -> bool {
        self.keeps_anonymous
    }

    /// Whose a session is; `None`: nobody's.
    pub(crate) fn subject_of(
        &self,
        session: &Map<String, Value>,
    ) -> Result<Option<Subject>, &'static str> {
        let Some((first, rest)) = self.subject_at.split_first() else { return Ok(None) };
        let mut found = session.get(first);
        for name in rest {
            found = found.and_then(|value| value.get(name));
        }
        found.map_or(Ok(None), subject)
    }

    /// What of a session is carried over.
    pub(crate) fn data_of(&self, session: &Map<String, Value>) -> Data {
        let named = self.carried.iter().filter_map(|name| Some((name, session.get(name)?)));
        named.map(|(name, value)| (name.as_str(), value.to_string())).collect()
    }
}

/// The subject that a value names; `None`: it is null.
pub(super) fn subject(value: &Value) -> Result<Option<Subject>, &'static str> {
    let name = match value {
        Value::Null => return Ok(None),
        Value::String(name) => name.clone(),
        Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        _ => return Err("the subject is neither a text nor an integer: see subject_at"),
    };
    Subject::new(&name).map(Some).map_err(|_| "the subject has not 1 to 255 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::foreign::KeygripHash;
    use serde_json::json;

    fn importer() -> Importer {
        Importer::new(Maker::express("sid", &["s"]).unwrap(), Timestamp::NEVER)
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_subject_is_a_text_or_an_integer_at_its_place() {
        let of = |value| importer().subject_of(&map(json!({"passport": {"user": value}})));
        assert_eq!(of(json!("alice")), Ok(Some(Subject::new("alice").unwrap())));
        assert_eq!(of(json!(17)), Ok(Some(Subject::new("17").unwrap())));
        assert_eq!(of(json!(null)), Ok(None));
        for bad in [json!(""), json!("x".repeat(256)), json!(1.5), json!(true), json!({"id": 1})] {
            assert!(of(bad).is_err());
        }
        for none in [json!({}), json!({"passport": {}}), json!({"passport": 1})] {
            assert_eq!(importer().subject_of(&map(none)), Ok(None));
        }
    }

    #[test]
    fn what_is_named_is_carried_and_nothing_else() {
        let session = map(json!({"cart": [1, {"a": "ä"}], "theme": "dark", "secret": "hunter2"}));
        assert!(importer().data_of(&session).is_empty());
        let data = importer().carry(["cart", "theme", "missing"]).data_of(&session);
        let expected = [("cart", r#"[1,{"a":"ä"}]"#), ("theme", r#""dark""#)];
        assert_eq!(data, Data::from_iter(expected));
    }

    #[test]
    fn both_cookies_of_a_pair_are_forgotten() {
        let maker = Maker::cookie_session("session", &["s"], KeygripHash::Sha1).unwrap();
        let cleared = Importer::new(maker, Timestamp::NEVER).clear_cookies();
        assert_eq!(cleared.len(), 2);
        assert!(cleared[0].starts_with("session=; Max-Age=0; "));
        assert!(cleared[1].starts_with("session.sig=; Max-Age=0; "));
    }
}
