//! What a verifier expects of a token: its kind, who made it, and for whom.

use std::time::Duration;

use serde_json::{Map, Value};

use super::claims::Claims;
use super::segment::TOKEN_LEN_MAX;
use crate::error::{Error, ErrorKind, Result};
use crate::time::{Timestamp, millis};
use crate::verdict::Reason;

/// The kinds of JWTs. Their rules exclude each other: no token is of two kinds (RFC 8725, 3.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwtKind {
    /// An access token: `at+jwt` (RFC 9068).
    Access,
    /// A logout token of OpenID Connect Back-Channel Logout 1.0: `logout+jwt`.
    Logout,
    /// A security event token: `secevent+jwt` (RFC 8417), as the Shared Signals Framework wants
    /// it: neither `exp` nor `sub`.
    SecurityEvent,
    /// A token of an issuer that gives its tokens no kind of their own: `JWT`, or no `typ`. For
    /// verifying only.
    Plain,
}

impl JwtKind {
    /// Every kind.
    pub const ALL: &[JwtKind] =
        &[JwtKind::Access, JwtKind::Logout, JwtKind::SecurityEvent, JwtKind::Plain];

    /// The value of `typ`.
    pub const fn typ(self) -> &'static str {
        match self {
            JwtKind::Access => "at+jwt",
            JwtKind::Logout => "logout+jwt",
            JwtKind::SecurityEvent => "secevent+jwt",
            JwtKind::Plain => "JWT",
        }
    }

    pub(super) const fn may_lack_typ(self) -> bool {
        matches!(self, JwtKind::Plain)
    }

    /// The claims that every token of this kind has.
    const fn required(self) -> &'static [&'static str] {
        match self {
            // RFC 9068, 2.2, but for client_id: it is for hosts that have clients.
            JwtKind::Access => &["iss", "exp", "aud", "sub", "iat", "jti"],
            JwtKind::Logout => &["iss", "exp", "aud", "iat", "jti", "events"],
            JwtKind::SecurityEvent => &["iss", "aud", "iat", "jti", "events", "sub_id"],
            JwtKind::Plain => &["iss", "exp", "aud"],
        }
    }

    /// The claims that no token of this kind has: they make it one of another kind.
    const fn forbidden(self) -> &'static [&'static str] {
        match self {
            JwtKind::Access | JwtKind::Plain => &["events"],
            JwtKind::Logout => &["nonce"],
            JwtKind::SecurityEvent => &["exp", "sub"],
        }
    }

    /// The rules of this kind, apart from who, for whom and when.
    pub(super) fn check(self, claims: &Claims) -> Result<(), Reason> {
        if self.forbidden().iter().any(|name| claims.has(name)) {
            return Err(Reason::WrongKind);
        }
        if !self.required().iter().all(|name| claims.has(name)) {
            return Err(Reason::MissingClaim);
        }
        match self {
            JwtKind::Access | JwtKind::Plain => Ok(()),
            JwtKind::Logout if claims.sub.is_none() && claims.sid.is_none() => {
                Err(Reason::MissingClaim)
            }
            JwtKind::Logout => match events_of(claims)?.get(LOGOUT_EVENT) {
                Some(Value::Object(_)) => Ok(()),
                Some(_) => Err(Reason::Malformed),
                None => Err(Reason::WrongKind),
            },
            JwtKind::SecurityEvent => {
                let events = events_of(claims)?;
                // A logout event under another type is a logout token still.
                if events.contains_key(LOGOUT_EVENT) {
                    return Err(Reason::WrongKind);
                }
                let is_one = events.len() == 1 && events.values().all(Value::is_object);
                let has_subject = claims.extra.get("sub_id").is_some_and(Value::is_object);
                if is_one && has_subject { Ok(()) } else { Err(Reason::Malformed) }
            }
        }
    }
}

fn events_of(claims: &Claims) -> Result<&Map<String, Value>, Reason> {
    claims.extra.get("events").and_then(Value::as_object).ok_or(Reason::Malformed)
}

const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a verifier expects of a token. Two profiles for two kinds never take the same token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    kind: JwtKind,
    issuer: String,
    audience: String,
    leeway_ms: u64,
    required: Vec<String>,
    token_len_max: usize,
}

impl Profile {
    /// Tokens of `kind` that `issuer` made for `audience`: both compared exactly, the audience
    /// with each that the token names.
    ///
    /// # Errors
    /// [`InvalidConfig`](ErrorKind::InvalidConfig): an empty issuer or audience.
    pub fn new(kind: JwtKind, issuer: &str, audience: &str) -> Result<Self> {
        if issuer.is_empty() || audience.is_empty() {
            let message = "a profile needs an issuer and an audience: a token for anybody is none";
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        Ok(Profile {
            kind,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            leeway_ms: 5_000,
            required: Vec::new(),
            token_len_max: TOKEN_LEN_MAX,
        })
    }

    /// Another tolerance for clocks that disagree: 0 to 300 s, by default 5 s. More would keep
    /// tokens alive that their issuer let die.
    ///
    /// # Errors
    /// [`InvalidConfig`](ErrorKind::InvalidConfig): longer than 300 s.
    pub fn leeway(mut self, leeway: Duration) -> Result<Self> {
        self.leeway_ms = millis(leeway);
        if self.leeway_ms > LEEWAY_MAX_MS {
            let message = "a leeway is 300 s at most";
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        Ok(self)
    }

    /// Requires a claim beyond those of the kind: `client_id` for an access token of RFC 9068.
    #[must_use]
    pub fn require(mut self, claim: &str) -> Self {
        self.required.push(claim.to_owned());
        self
    }

    /// A lower limit for the characters of a token; 8 KiB by default and at most.
    ///
    /// # Errors
    /// [`InvalidConfig`](ErrorKind::InvalidConfig): more than 8 KiB.
    pub fn token_len_max(mut self, len: usize) -> Result<Self> {
        if len > TOKEN_LEN_MAX {
            let message = "a token has 8,192 characters at most";
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        self.token_len_max = len;
        Ok(self)
    }

    /// The kind of the tokens.
    pub fn kind(&self) -> JwtKind {
        self.kind
    }

    pub(super) fn is_too_long(&self, token: &[u8]) -> bool {
        token.len() > self.token_len_max
    }

    /// Whether verified claims are what this profile expects, at `now`.
    pub(super) fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), Reason> {
        self.check_within(claims, now, self.leeway_ms)
    }

    /// The same by a clock that is the issuer's own.
    pub(super) fn check_own(&self, claims: &Claims, now: Timestamp) -> Result<(), Reason> {
        self.check_within(claims, now, 0)
    }

    fn check_within(&self, claims: &Claims, now: Timestamp, leeway: u64) -> Result<(), Reason> {
        match &claims.iss {
            Some(issuer) if *issuer == self.issuer => {}
            Some(_) => return Err(Reason::WrongIssuer),
            None => return Err(Reason::MissingClaim),
        }
        match &claims.aud {
            Some(audiences) if audiences.contains(&self.audience) => {}
            Some(_) => return Err(Reason::WrongAudience),
            None => return Err(Reason::MissingClaim),
        }
        self.kind.check(claims)?;
        if !self.required.iter().all(|name| claims.has(name)) {
            return Err(Reason::MissingClaim);
        }
        check_times(claims, now, leeway)
    }
}

/// Valid iff now < exp and now >= nbf; a token from the future was not made by a clock that can
/// be relied on.
fn check_times(claims: &Claims, now: Timestamp, leeway_ms: u64) -> Result<(), Reason> {
    // Claims are below 2^53 seconds, which fits into 64 bits of milliseconds.
    let at = |seconds: u64| Timestamp::from_millis(seconds.saturating_mul(1000));
    if claims.exp.is_some_and(|exp| now >= at(exp).plus_millis(leeway_ms)) {
        return Err(Reason::Expired);
    }
    let latest = now.plus_millis(leeway_ms);
    if [claims.nbf, claims.iat].into_iter().flatten().any(|begin| latest < at(begin)) {
        return Err(Reason::NotYetValid);
    }
    Ok(())
}

const LEEWAY_MAX_MS: u64 = 300_000;
