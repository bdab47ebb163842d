//! The policy and the headers that it writes.

use std::fmt::Write as _;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::time::Timestamp;

/// Which requests from other sites carry the cookie (RFC 6265bis, section 4.1.2.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// None. A link from another site arrives without the session.
    Strict,
    /// Only navigation by a safe method, such as following a link.
    #[default]
    Lax,
    /// All of them. Needs `Secure`, and a CSRF token on every request that changes something.
    None,
}

impl SameSite {
    const fn name(self) -> &'static str {
        match self {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        }
    }
}

/// How the session's cookie is called and kept, and the writer of its `Set-Cookie` headers.
///
/// There are two cookies. The *session cookie* carries the token and is always `HttpOnly`. The
/// *companion cookie* is for scripts of the page: it says how long the session still lasts, and
/// it grants nothing. Apart from name, value and `HttpOnly` they have the same attributes.
///
/// Each method answers one header value without line end, in US-ASCII. Send each in a
/// `Set-Cookie` header of its own, at most one per cookie and response (RFC 6265bis, section
/// 4.1.1), together with [`cache_headers`].
///
/// The default is that of an empty builder: `__Host-sid`, `Path=/`, no `Domain`, `Secure`,
/// `HttpOnly`, `SameSite=Lax` (ASVS 5.0, 3.3.1 to 3.3.4), kept until the session's deadline.
///
/// ```
/// use std::time::Duration;
/// use sessile::Timestamp;
/// use sessile::cookie::{CookiePolicy, SameSite};
///
/// let policy = CookiePolicy::builder()
///     .name("__Secure-sid")
///     .domain("shop.example")
///     .same_site(SameSite::Strict)
///     .max_age(None)
///     .build()?;
/// assert_eq!(
///     policy.session("k7Qx", Duration::from_secs(1800))?,
///     "__Secure-sid=k7Qx; Path=/; Domain=shop.example; Secure; SameSite=Strict; HttpOnly",
/// );
/// assert_eq!(
///     policy.companion(Duration::from_secs(1800), Timestamp::from_millis(1_700_000_000_000))?,
///     "__Secure-sid-left=1800.1700000000000; \
///      Path=/; Domain=shop.example; Secure; SameSite=Strict",
/// );
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePolicy {
    pub(super) name: Box<str>,
    pub(super) companion_name: Box<str>,
    /// What both cookies have in common, from the first `;` on.
    pub(super) attributes: Box<str>,
    pub(super) max_age: Option<Duration>,
}

impl CookiePolicy {
    /// The session cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The companion cookie's name.
    pub fn companion_name(&self) -> &str {
        &self.companion_name
    }

    /// The header that gives the browser `token`, for a session with `lifetime` left until its
    /// absolute deadline.
    ///
    /// A persistent cookie gets [`max_age_for(lifetime)`](Self::max_age_for) as its `Max-Age`; a
    /// browser-session cookie gets none. `token` is written as it is: 1 or more of the characters
    /// that RFC 6265bis, section 4.1.1 calls `cookie-octet` (US-ASCII without control characters,
    /// space, `"`, `,`, `;`, `\`), together with the name at most
    /// [`NAME_VALUE_LEN_MAX`] bytes.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the token is empty or has another character,
    ///   or `lifetime` is zero: clear the cookie instead. Nothing was written.
    /// - [`TooLarge`](ErrorKind::TooLarge): name and token are too long together, so that a
    ///   browser would drop the cookie. Nothing was written.
    pub fn session(&self, token: &str, lifetime: Duration) -> Result<String> {
        if token.is_empty() || !token.bytes().all(is_cookie_octet) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a token in a cookie has at least one character, and none but printable US-ASCII \
                 without space, quote, comma, semicolon and backslash",
            ));
        }
        self.set(&self.name, token, lifetime, HTTP_ONLY)
    }

    /// The header that makes the browser forget the session cookie: the same name and attributes
    /// with an empty value, `Max-Age=0`, and an `Expires` in 1970 for browsers without `Max-Age`.
    pub fn clear(&self) -> String {
        self.forget(&self.name, HTTP_ONLY)
    }

    /// The header that tells the page's scripts that the session ends `left` after `now`.
    ///
    /// `left` is the shorter of idle and absolute time left, `now` the server's time. The value is
    /// `<seconds left>.<server now>`: two decimal numbers without sign or leading zeros, the
    /// first in whole seconds (rounded down), the second in milliseconds since the Unix epoch. A
    /// script that sees a new value when its own clock says `t` knows that the session ends at
    /// `t + 1000 * seconds` of that clock, however wrong it is, and that it is wrong by
    /// `t - server now`. A cookie that is gone means that the session has ended.
    ///
    /// The engine never reads this cookie. It has the session cookie's attributes without
    /// `HttpOnly`; its `Max-Age`, when it has one, follows from `left`.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): `left` is zero: clear the cookie instead.
    ///   Nothing was written.
    pub fn companion(&self, left: Duration, now: Timestamp) -> Result<String> {
        let value = format!("{}.{}", left.as_secs(), now.as_millis());
        self.set(&self.companion_name, &value, left, "")
    }

    /// The header that makes the browser forget the companion cookie, as [`clear`](Self::clear)
    /// does for the session cookie.
    pub fn clear_companion(&self) -> String {
        self.forget(&self.companion_name, "")
    }

    /// The `Max-Age` of a cookie for a session with `lifetime` left: whole seconds, rounded down
    /// but at least 1 (0 would delete the cookie), and at most what the builder was given.
    /// `None` when the policy is for browser-session cookies.
    pub fn max_age_for(&self, lifetime: Duration) -> Option<Duration> {
        let max_age = self.max_age?.min(lifetime);
        Some(Duration::from_secs(max_age.as_secs().max(1)))
    }

    /// Whether less than half is left at `now` of the `max_age` that a cookie was issued with at
    /// `issued_at`, so that it is time to send it again.
    ///
    /// `max_age` is what [`max_age_for`](Self::max_age_for) answered then. Sending it again gains
    /// nothing when the session's own deadline comes no later than the cookie's end. A clock that
    /// ran backwards answers `false`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sessile::Timestamp;
    /// use sessile::cookie::CookiePolicy;
    ///
    /// let (issued_at, week) = (Timestamp::from_millis(0), Duration::from_secs(7 * 86_400));
    /// assert!(!CookiePolicy::is_renewal_due(issued_at, week, issued_at.plus(week / 2)));
    /// assert!(CookiePolicy::is_renewal_due(issued_at, week, issued_at.plus(week)));
    /// ```
    pub fn is_renewal_due(issued_at: Timestamp, max_age: Duration, now: Timestamp) -> bool {
        let remaining = max_age.saturating_sub(now.since(issued_at));
        remaining < max_age - remaining
    }

    fn set(&self, name: &str, value: &str, lifetime: Duration, last: &str) -> Result<String> {
        if lifetime.is_zero() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the session has no time left: clear its cookies instead of setting them",
            ));
        }
        let len = name.len() + value.len();
        if len > NAME_VALUE_LEN_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "a cookie has at most {NAME_VALUE_LEN_MAX} bytes of name and value, \
                     this one would have {len}"
                ),
            ));
        }
        let mut header = String::with_capacity(len + self.attributes.len() + 40);
        header.extend([name, "=", value]);
        if let Some(max_age) = self.max_age_for(lifetime) {
            // Writing to a String does not fail.
            let _ = write!(header, "; Max-Age={}", max_age.as_secs());
        }
        header.extend([&self.attributes, last]);
        Ok(header)
    }

    fn forget(&self, name: &str, last: &str) -> String {
        [name, "=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT", &self.attributes, last]
            .concat()
    }
}

/// The attributes that both cookies have in common, from the first `;` on.
pub(super) fn attributes(
    path: &str,
    domain: Option<&str>,
    secure: bool,
    same_site: SameSite,
    partitioned: bool,
) -> Box<str> {
    let mut text = format!("; Path={path}");
    if let Some(domain) = domain {
        text.extend(["; Domain=", domain]);
    }
    if secure {
        text.push_str("; Secure");
    }
    text.extend(["; SameSite=", same_site.name()]);
    if partitioned {
        text.push_str("; Partitioned");
    }
    text.into()
}

/// The headers, as (name, value), that every response with one of our `Set-Cookie` headers needs
/// so that no cache hands one visitor's cookie to another.
///
/// `no-store` and not the milder `no-cache="Set-Cookie"`: RFC 9111, section 5.2.2.4 lets a cache
/// treat the form with field names as if it had none, and ASVS 5.0, 14.3.2 asks for `no-store`.
/// `Vary: Cookie` has to stand on the responses *without* a `Set-Cookie` too, wherever the content
/// depends on the session. Merge both with what the response already has.
///
/// ```
/// let headers = sessile::cookie::cache_headers();
/// assert_eq!(headers, [("Cache-Control", "no-store"), ("Vary", "Cookie")]);
/// ```
pub const fn cache_headers() -> [(&'static str, &'static str); 2] {
    [("Cache-Control", "no-store"), ("Vary", "Cookie")]
}

/// The header, as (name, value), that a logout sends with [`CookiePolicy::clear`] so that the
/// browser drops what it kept of the session's pages (ASVS 5.0, 14.3.1).
///
/// It does not name `"cookies"`: that would take those of every other host under the same
/// registrable domain along. Browsers heed it on secure origins only.
///
/// ```
/// let (name, value) = sessile::cookie::clear_site_data();
/// assert_eq!((name, value), ("Clear-Site-Data", r#""cache", "storage""#));
/// ```
pub const fn clear_site_data() -> (&'static str, &'static str) {
    ("Clear-Site-Data", r#""cache", "storage""#)
}

/// `cookie-octet` of RFC 6265bis, section 4.1.1.
const fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

/// Only the session cookie has it; the companion is there to be read by scripts.
const HTTP_ONLY: &str = "; HttpOnly";

/// The most bytes of name and value together, without the `=`: browsers drop a cookie with more
/// (RFC 6265bis, section 5.6; ASVS 5.0, 3.3.5).
pub const NAME_VALUE_LEN_MAX: usize = 4096;

/// The most bytes of an attribute's value: browsers ignore an attribute with more (RFC 6265bis,
/// section 5.6).
pub const ATTRIBUTE_LEN_MAX: usize = 1024;

/// The longest name, in bytes. Our own limit, so that a name never leaves too little of
/// [`NAME_VALUE_LEN_MAX`] for a token: 3,841 bytes at least.
pub const NAME_LEN_MAX: usize = 255;

/// The longest `Max-Age`: 400 days. Browsers shorten more to this (RFC 6265bis, section 5.5).
pub const MAX_AGE_MAX: Duration = Duration::from_secs(400 * 86_400);
