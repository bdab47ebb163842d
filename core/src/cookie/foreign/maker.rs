//! Who made a foreign cookie or token, and whether it really did.

use ring::{digest, hmac};
use serde_json::{Map, Value};

use crate::codec::{base64url, json};
use crate::cookie::parse::values_of;
use crate::error::{Error, ErrorKind, Result};
use crate::verdict::Reason;

/// What the old site's sessions were made by. Holds the old secrets, which `Debug` does not show.
#[derive(Clone)]
pub struct Maker {
    kind: Kind,
    cookie: String,
    keys: Vec<hmac::Key>,
}

/// The hash that a cookie-session signs with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeygripHash {
    /// keygrip's default.
    #[default]
    Sha1,
    /// With `new Keygrip(keys, "sha256")`.
    Sha256,
}

/// The numbers are part of the format: they go into the keyed hash of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Express = 1,
    CookieSession = 2,
    Django = 3,
    Meteor = 4,
}

/// What a request brings of the old site's.
#[derive(Debug)]
pub(crate) enum Presented {
    Nothing,
    Rejected(Reason),
    /// One of these, or more: another host of the domain may have planted a cookie.
    Genuine(Vec<Credential>),
}

/// What the old site gave to a client, found genuine as far as its form goes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    /// What the row, or the note that it was used, is found by.
    pub(crate) id: Vec<u8>,
    /// The session itself, of a maker that keeps no rows.
    pub(crate) session: Option<Map<String, Value>>,
}

/// Hides the id, which is as good as the token.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

impl Maker {
    /// express-session, with any connect store: cookies `s:<sid>.<signature>` of this name
    /// (`connect.sid` if the old site named none), signed under any of these secrets: 1 to 16, of
    /// 1 to 1,024 bytes.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): no cookie name, no secret or too many.
    /// - [`WeakSecret`](ErrorKind::WeakSecret): an empty one.
    /// - [`TooLarge`](ErrorKind::TooLarge): one that is too long.
    pub fn express<S: AsRef<[u8]>>(cookie: &str, secrets: &[S]) -> Result<Self> {
        Maker::new(Kind::Express, cookie, keys(hmac::HMAC_SHA256, secrets)?)
    }

    /// cookie-session: pairs of a cookie of this name (`session` if the old site named none) and
    /// one with `.sig` behind it, signed by keygrip under any of these keys: as
    /// [`express`](Self::express).
    ///
    /// # Errors
    /// As [`express`](Self::express).
    pub fn cookie_session<S: AsRef<[u8]>>(
        cookie: &str,
        secrets: &[S],
        hash: KeygripHash,
    ) -> Result<Self> {
        let algorithm = match hash {
            KeygripHash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            KeygripHash::Sha256 => hmac::HMAC_SHA256,
        };
        Maker::new(Kind::CookieSession, cookie, keys(algorithm, secrets)?)
    }

    /// Django with sessions in its database: cookies of this name (`sessionid` if the old site
    /// named none), which hold the session's key and have no signature.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): no cookie name.
    pub fn django(cookie: &str) -> Result<Self> {
        Maker::new(Kind::Django, cookie, Vec::new())
    }

    /// Meteor: login tokens, which a client sends in a message and not in a cookie, and of which
    /// the database has SHA-256 hashes.
    pub fn meteor() -> Self {
        Maker { kind: Kind::Meteor, cookie: String::new(), keys: Vec::new() }
    }

    fn new(kind: Kind, cookie: &str, keys: Vec<hmac::Key>) -> Result<Self> {
        let is_name = !cookie.is_empty()
            && cookie.len() <= COOKIE_NAME_LEN_MAX
            && cookie.bytes().all(|byte| byte.is_ascii_graphic() && !b"=;,\"".contains(&byte));
        if !is_name {
            let message =
                "the old cookie's name has 1 to 128 printable characters, without = ; , \"";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(Maker { kind, cookie: cookie.to_owned(), keys })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The names of its cookies.
    pub(super) fn cookies(&self) -> Vec<String> {
        match self.kind {
            Kind::Express | Kind::Django => vec![self.cookie.clone()],
            Kind::CookieSession => vec![self.cookie.clone(), format!("{}.sig", self.cookie)],
            Kind::Meteor => Vec::new(),
        }
    }

    /// What keeps the ids of two old sites apart.
    pub(super) fn namespace(&self) -> Vec<u8> {
        [&[self.kind as u8], self.cookie.as_bytes()].concat()
    }

    /// What the `Cookie` headers of a request bring. Asks nobody: pure arithmetic.
    pub(super) fn read_cookies(&self, headers: &[&[u8]]) -> Presented {
        let read: Vec<_> = match self.kind {
            Kind::Express => {
                let values = values_of(self.cookie.as_bytes(), headers);
                values.map(|value| self.express_id(value).map(Credential::of)).collect()
            }
            Kind::Django => {
                let values = values_of(self.cookie.as_bytes(), headers);
                values.map(|value| django_id(value).map(Credential::of)).collect()
            }
            Kind::CookieSession => {
                let signatures = format!("{}.sig", self.cookie);
                let signatures: Vec<_> = values_of(signatures.as_bytes(), headers).collect();
                let values = values_of(self.cookie.as_bytes(), headers);
                values.map(|value| self.pair(value, &signatures)).collect()
            }
            Kind::Meteor => Vec::new(),
        };
        Presented::of(read)
    }

    /// What a login token is.
    pub(super) fn read_token(&self, token: &[u8]) -> Presented {
        let is_token = self.kind == Kind::Meteor
            && METEOR_TOKEN_LENS.contains(&token.len())
            && token.iter().all(|&byte| base64url::value(byte) < 64);
        if !is_token {
            return Presented::Rejected(Reason::Malformed);
        }
        let hash = digest::digest(&digest::SHA256, token);
        Presented::Genuine(vec![Credential::of(hash.as_ref().to_vec())])
    }

    /// The id that a row of the old store has in a file.
    pub(super) fn row_id(&self, text: &str) -> Option<Vec<u8>> {
        match self.kind {
            Kind::Express => is_express_id(text.as_bytes()).then(|| text.into()),
            Kind::Django => django_id(text.as_bytes()).ok(),
            Kind::Meteor => from_base64(text.as_bytes()).filter(|hash| hash.len() == 32),
            Kind::CookieSession => None,
        }
    }

    /// The session id in `s:<sid>.<signature>`, as encodeURIComponent leaves it, if one of the
    /// secrets signed it.
    fn express_id(&self, value: &[u8]) -> Result<Vec<u8>, Reason> {
        let text = from_percent(value).ok_or(Reason::Malformed)?;
        let signed = text.strip_prefix(b"s:").ok_or(Reason::Malformed)?;
        let dot = signed.iter().rposition(|&byte| byte == b'.').ok_or(Reason::Malformed)?;
        let (id, signature) = signed.split_at_checked(dot).ok_or(Reason::Malformed)?;
        if !is_express_id(id) || signature.last() == Some(&b'=') {
            return Err(Reason::Malformed);
        }
        let tag = signature.get(1..).and_then(from_base64).ok_or(Reason::Malformed)?;
        if self.has_signed(id, &tag) { Ok(id.to_vec()) } else { Err(Reason::BadSignature) }
    }

    /// The session in a cookie-session's value, if one of the signatures is one of the keys'.
    fn pair(&self, value: &[u8], signatures: &[&[u8]]) -> Result<Credential, Reason> {
        if value.len() > VALUE_LEN_MAX {
            return Err(Reason::Malformed);
        }
        let signed = [self.cookie.as_bytes(), b"=", value].concat();
        let is_signed = signatures.iter().any(|signature| {
            let mut tag = vec![0; base64url::decoded_len(signature.len().min(SIGNATURE_LEN_MAX))];
            base64url::decode(signature, &mut tag) && self.has_signed(&signed, &tag)
        });
        if !is_signed {
            return Err(Reason::BadSignature);
        }
        let text = from_base64(value).ok_or(Reason::Malformed)?;
        let session = json::parse_object(&text).map_err(|_| Reason::Malformed)?;
        Ok(Credential { id: signed, session: Some(session) })
    }

    /// Whether `tag` is what one of the keys makes of `message`; each compared in constant time,
    /// and all of them.
    fn has_signed(&self, message: &[u8], tag: &[u8]) -> bool {
        self.keys.iter().fold(false, |is, key| is | hmac::verify(key, message, tag).is_ok())
    }
}

impl std::fmt::Debug for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Maker");
        shown.field("kind", &self.kind).field("cookie", &self.cookie).finish_non_exhaustive()
    }
}

impl Credential {
    fn of(id: Vec<u8>) -> Self {
        Credential { id, session: None }
    }
}

impl Presented {
    fn of(read: Vec<Result<Credential, Reason>>) -> Self {
        let mut presented = Presented::Nothing;
        for credential in read {
            presented = match (presented, credential) {
                (Presented::Genuine(mut all), Ok(credential)) => {
                    if !all.contains(&credential) {
                        all.push(credential);
                    }
                    Presented::Genuine(all)
                }
                (_, Ok(credential)) => Presented::Genuine(vec![credential]),
                (Presented::Nothing, Err(reason)) => Presented::Rejected(reason),
                (presented, Err(_)) => presented,
            };
        }
        presented
    }
}

fn keys<S: AsRef<[u8]>>(algorithm: hmac::Algorithm, secrets: &[S]) -> Result<Vec<hmac::Key>> {
    if secrets.is_empty() || secrets.len() > SECRETS_MAX {
        let message = format!("an old site has 1 to 16 secrets, not {}", secrets.len());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let key = |secret: &S| match secret.as_ref() {
        [] => {
            let message = "an old secret is empty: whoever knows that could sign anything";
            Err(Error::new(ErrorKind::WeakSecret, message))
        }
        secret if secret.len() > SECRET_LEN_MAX => {
            let message = "an old secret has at most 1,024 bytes";
            Err(Error::new(ErrorKind::TooLarge, message))
        }
        secret => Ok(hmac::Key::new(algorithm, secret)),
    };
    secrets.iter().map(key).collect()
}

fn is_express_id(id: &[u8]) -> bool {
    EXPRESS_ID_LENS.contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// A session key as Django makes them: letters and digits.
fn django_id(value: &[u8]) -> Result<Vec<u8>, Reason> {
    let is_id =
        DJANGO_KEY_LENS.contains(&value.len()) && value.iter().all(u8::is_ascii_alphanumeric);
    if is_id { Ok(value.to_vec()) } else { Err(Reason::Malformed) }
}

/// The bytes of base64 in its own alphabet (RFC 4648, section 4), with its padding or none.
fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let (body, _) = text.split_at_checked(text.len() - padding)?;
    let ours = |&byte: &u8| match byte {
        b'+' => Some(b'-'),
        b'/' => Some(b'_'),
        b'-' | b'_' => None,
        byte => Some(byte),
    };
    let body: Vec<u8> = body.iter().map(ours).collect::<Option<_>>()?;
    let mut bytes = vec![0; base64url::decoded_len(body.len())];
    base64url::decode(&body, &mut bytes).then_some(bytes)
}

/// A cookie's value without its percent-encoding (RFC 3986, section 2.1).
fn from_percent(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() > VALUE_LEN_MAX {
        return None;
    }
    let digit = |byte: Option<&u8>| (*byte? as char).to_digit(16);
    let (mut bytes, mut rest) = (Vec::with_capacity(value.len()), value.iter());
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?,
            byte => byte,
        });
    }
    Some(bytes)
}

const SECRETS_MAX: usize = 16;
const SECRET_LEN_MAX: usize = 1024;
const COOKIE_NAME_LEN_MAX: usize = 128;

/// What browsers keep of a cookie, in bytes (RFC 6265bis, section 5.6).
const VALUE_LEN_MAX: usize = 4096;

/// 43 characters of SHA-256 is the longest.
const SIGNATURE_LEN_MAX: usize = 43;

/// express-session's own have 32 characters; its hosts may make others.
const EXPRESS_ID_LENS: std::ops::RangeInclusive<usize> = 1..=256;

/// Django's own have 32 characters. As they have no signature, shorter ones could be guessed.
const DJANGO_KEY_LENS: std::ops::RangeInclusive<usize> = 32..=64;

/// Meteor's own have 43 characters.
const METEOR_TOKEN_LENS: std::ops::RangeInclusive<usize> = 32..=128;

#[cfg(test)]
mod tests {
    use super::*;

    fn express() -> Maker {
        Maker::express("connect.sid", &["old", "older", "keyboard cat"]).unwrap()
    }

    fn ids(presented: Presented) -> Result<Vec<Vec<u8>>, Option<Reason>> {
        match presented {
            Presented::Nothing => Err(None),
            Presented::Rejected(reason) => Err(Some(reason)),
            Presented::Genuine(all) => Ok(all.into_iter().map(|c| c.id).collect()),
        }
    }

    fn read(maker: &Maker, header: &str) -> Result<Vec<Vec<u8>>, Option<Reason>> {
        ids(maker.read_cookies(&[header.as_bytes()]))
    }

    const EXPRESS: &str =
        "connect.sid=s%3AkQ2bXW9fPYnv.OKj%2FjEll6YTbat47%2BkGnobRpV93chM4ZczDzvz8DSZ0";

    #[test]
    fn a_cookie_that_one_of_the_secrets_signed_is_genuine() {
        assert_eq!(read(&express(), EXPRESS), Ok(vec![b"kQ2bXW9fPYnv".to_vec()]));
        let other = Maker::express("connect.sid", &["old", "older"]).unwrap();
        assert_eq!(read(&other, EXPRESS), Err(Some(Reason::BadSignature)));
        assert_eq!(read(&express(), "other=1"), Err(None));
        let twice = format!("{EXPRESS}; connect.sid=s%3Aplanted.AAAA; {EXPRESS}");
        assert_eq!(read(&express(), &twice), Ok(vec![b"kQ2bXW9fPYnv".to_vec()]));
    }

    #[test]
    fn a_cookie_with_any_one_character_changed_or_gone_is_not_genuine() {
        let value = EXPRESS.split_once('=').unwrap().1;
        for at in 0..value.len() {
            let mut texts = vec![format!("{}{}", &value[..at], &value[at + 1..])];
            for other in ["A", "B", ".", "%", "=", "-", "+"] {
                texts.push(format!("{}{other}{}", &value[..at], &value[at + 1..]));
            }
            // encodeURIComponent writes large letters, and decodeURIComponent reads small ones.
            for text in texts.iter().filter(|text| *text != value) {
                let read = read(&express(), &format!("connect.sid={text}"));
                let is_same = from_percent(text.as_bytes()) == from_percent(value.as_bytes());
                assert!(is_same || read.is_err(), "{text}");
            }
        }
        for value in ["", "s:", "s%3A", "s:.", "s:a.", "s:.AA", "j:{}", "s%3", "%", "s:a.AA==="] {
            let read = read(&express(), &format!("connect.sid={value}"));
            assert!(matches!(read, Err(Some(_))), "{value}");
        }
        let long = "a".repeat(5000);
        assert_eq!(read(&express(), &format!("connect.sid={long}")), Err(Some(Reason::Malformed)));
    }

    // {"passport":{"user":"5"}}, signed by keygrip under "k1".
    const VALUE: &str = "eyJwYXNzcG9ydCI6eyJ1c2VyIjoiNSJ9fQ==";
    const SHA1: &str = "IL2SHe_9ifmByCjB4NG9eMViwlM";
    const SHA256: &str = "XvsfOqefpqqZ7scv3KzILZS3L6NywKlpmwo4CT97ON4";

    #[test]
    fn a_pair_is_read_under_the_hash_that_it_was_signed_with() {
        let maker = |hash| Maker::cookie_session("session", &["new", "k1"], hash).unwrap();
        let header = |sig: &str| format!("session={VALUE}; session.sig={sig}");
        let id = format!("session={VALUE}").into_bytes();
        assert_eq!(read(&maker(KeygripHash::Sha1), &header(SHA1)), Ok(vec![id.clone()]));
        assert_eq!(read(&maker(KeygripHash::Sha256), &header(SHA256)), Ok(vec![id]));
        for (hash, sig) in [
            (KeygripHash::Sha1, SHA256),
            (KeygripHash::Sha256, SHA1),
            (KeygripHash::Sha1, ""),
            (KeygripHash::Sha1, "IL2SHe_9ifmByCjB4NG9eMViwlN"),
            (KeygripHash::Sha1, &"A".repeat(5000)),
        ] {
            let read = read(&maker(hash), &header(sig));
            assert_eq!(read, Err(Some(Reason::BadSignature)), "{sig}");
        }
        let alone = format!("session={VALUE}");
        let read = |header: &str| read(&maker(KeygripHash::Sha1), header);
        assert_eq!(read(&alone), Err(Some(Reason::BadSignature)));
        assert_eq!(read(&format!("session.sig={SHA1}")), Err(None));
    }

    #[test]
    fn keys_and_tokens_without_a_signature_have_their_makers_shape() {
        let django = Maker::django("sessionid").unwrap();
        let key = "k3v8m2q9x1z7c5b4n6l0p2o8i7u6y5t4";
        assert_eq!(read(&django, &format!("sessionid={key}")), Ok(vec![key.into()]));
        for bad in ["", "short", &key[1..], &format!("{key}%"), &"a".repeat(65)] {
            let read = read(&django, &format!("sessionid={bad}"));
            assert_eq!(read, Err(Some(Reason::Malformed)), "{bad}");
        }
        let meteor = Maker::meteor();
        let token = "4IYrGJ9m1tvXbHc0W8nqTzJ5xKfLd2pRsUeAoN3VwQy";
        let hash = digest::digest(&digest::SHA256, token.as_bytes());
        assert_eq!(ids(meteor.read_token(token.as_bytes())), Ok(vec![hash.as_ref().into()]));
        for bad in ["", "short", &format!("{token}="), &"a".repeat(129)] {
            assert_eq!(ids(meteor.read_token(bad.as_bytes())), Err(Some(Reason::Malformed)));
        }
        assert_eq!(ids(django.read_token(token.as_bytes())), Err(Some(Reason::Malformed)));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_are_not_genuine(
            value in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            sig in "[A-Za-z0-9_=%-]{0,44}",
        ) {
            let pairs = Maker::cookie_session("connect.sid", &["k"], KeygripHash::Sha1).unwrap();
            let head = format!("connect.sid.sig={sig}; connect.sid=s:").into_bytes();
            for maker in [express(), pairs] {
                for value in [[&head[..], &value].concat(), [&value, &head[..]].concat()] {
                    let read = maker.read_cookies(&[&value]);
                    proptest::prop_assert!(!matches!(read, Presented::Genuine(_)));
                }
            }
        }
    }

    #[test]
    fn secrets_and_names_have_limits_and_are_never_shown() {
        let refused = |secrets: &[String]| Maker::express("sid", secrets).unwrap_err().kind();
        assert_eq!(refused(&[]), ErrorKind::InvalidInput);
        assert_eq!(refused(&vec!["x".into(); 17]), ErrorKind::InvalidInput);
        assert_eq!(refused(&["fine".into(), String::new()]), ErrorKind::WeakSecret);
        assert_eq!(refused(&["x".repeat(1025)]), ErrorKind::TooLarge);
        for name in ["", "a=b", "a;b", "a b", "ä", &"x".repeat(129)] {
            assert_eq!(Maker::django(name).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        let maker = Maker::express("sid", &["hunter2"]).unwrap();
        let shown = format!("{maker:?}{:?}", maker.read_cookies(&[EXPRESS.as_bytes()]));
        assert!(!shown.contains("hunter2") && !shown.contains("kQ2b"), "{shown}");
    }
}
