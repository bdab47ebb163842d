//! Readers of request headers. They work on the header as it came: nothing is decoded, copied
//! or put right.

use super::policy::CookiePolicy;

impl CookiePolicy {
    /// The values of all cookies with the session cookie's name in the `Cookie` headers of one
    /// request, in the order in which they came, at most [`CANDIDATES_MAX`].
    ///
    /// Give it all `Cookie` headers of the request: HTTP/2 may send several (RFC 9113, section
    /// 8.2.3). Another host of the domain may have planted a cookie of the same name, and the
    /// order says nothing about which is genuine: try every candidate, and trust none when two
    /// different ones are valid.
    ///
    /// Pairs end at `;`. Space and tab around a pair are not part of it, everything else is. The
    /// name ends at the pair's first `=` and is compared byte for byte; a pair without `=` has no
    /// name. Quotes, `%`, `,` and `$Version` have no meaning. Does not allocate; takes time in
    /// proportion to the headers' length, whose limit is the web server's business.
    ///
    /// ```
    /// let policy = sessile::cookie::CookiePolicy::default();
    /// let headers = ["a=1; __Host-sid=one", "__Host-sid=two; __host-sid=three"];
    /// let tokens: Vec<&[u8]> = policy.candidates(headers).collect();
    /// assert_eq!(tokens, [b"one", b"two"]);
    /// ```
    pub fn candidates<'p, 'h, I, H>(&'p self, headers: I) -> Candidates<'p, 'h, I::IntoIter>
    where
        I: IntoIterator<Item = &'h H>,
        H: AsRef<[u8]> + ?Sized + 'h,
    {
        values_of(self.name().as_bytes(), headers)
    }
}

/// The values of all cookies of this name, as [`CookiePolicy::candidates`] gives them.
pub(super) fn values_of<'p, 'h, I, H>(name: &'p [u8], headers: I) -> Candidates<'p, 'h, I::IntoIter>
where
    I: IntoIterator<Item = &'h H>,
    H: AsRef<[u8]> + ?Sized + 'h,
{
    Candidates { name, headers: headers.into_iter(), rest: None, left: CANDIDATES_MAX }
}

/// What [`CookiePolicy::candidates`] gives out: an iterator over cookie values, as bytes.
#[derive(Clone)]
#[must_use]
pub struct Candidates<'p, 'h, I> {
    name: &'p [u8],
    headers: I,
    /// What is unread of the current header.
    rest: Option<&'h [u8]>,
    left: usize,
}

impl<'h, I, H> Iterator for Candidates<'_, 'h, I>
where
    I: Iterator<Item = &'h H>,
    H: AsRef<[u8]> + ?Sized + 'h,
{
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        while self.left > 0 {
            let Some(rest) = self.rest else {
                self.rest = Some(self.headers.next()?.as_ref());
                continue;
            };
            let (pair, rest) = match split_once(rest, b';') {
                Some((pair, rest)) => (pair, Some(rest)),
                None => (rest, None),
            };
            self.rest = rest;
            if let Some((name, value)) = split_once(trim(pair), b'=')
                && name == self.name
            {
                self.left -= 1;
                return Some(value);
            }
        }
        None
    }
}

impl<I> std::iter::FusedIterator for Candidates<'_, '_, I> where Self: Iterator {}

/// Hides the cookie values, which are secrets.
impl<I> std::fmt::Debug for Candidates<'_, '_, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidates").field("left", &self.left).finish_non_exhaustive()
    }
}

/// The token in an `Authorization` header's value of the form `Bearer <token>` (RFC 6750, section
/// 2.1), or `None` when it has another form.
///
/// The scheme is read in any letters, and one or more spaces follow it. The token is 1 to
/// [`BEARER_LEN_MAX`] characters out of `A-Z a-z 0-9 - . _ ~ + /`, then any number of `=` within
/// the same limit. Nothing is trimmed. A request with more than one `Authorization` header is
/// malformed: refuse it before asking here.
///
/// ```
/// use sessile::cookie::bearer;
///
/// assert_eq!(bearer("Bearer k7Qx"), Some("k7Qx"));
/// assert_eq!(bearer("Basic k7Qx"), None);
/// ```
pub fn bearer<H: AsRef<[u8]> + ?Sized>(header: &H) -> Option<&str> {
    let (scheme, rest) = split_once(header.as_ref(), b' ')?;
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return None;
    }
    let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
    let token = rest.get(spaces..)?;
    if token.len() > BEARER_LEN_MAX {
        return None;
    }
    let padding = token.iter().rev().take_while(|&&byte| byte == b'=').count();
    let (body, _) = token.split_at_checked(token.len() - padding)?;
    if body.is_empty() || !body.iter().all(|&byte| is_b64token_char(byte)) {
        return None;
    }
    std::str::from_utf8(token).ok()
}

/// What is before and after the first `mark`.
fn split_once(text: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == mark)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Without space and tab at both ends: the optional whitespace of RFC 9110, section 5.6.3, and no
/// other. Trimming what Unicode calls whitespace would turn `\u{2000}__Host-sid`, which any
/// host of the domain can set, into a name that none but ours can have.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

const fn is_b64token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

/// How many cookies of our name one request may carry; further ones are ignored. A browser sends
/// one, and one more for each planted path or domain: enough to find the genuine one beside some
/// strays, too few to make one request cost many verifications.
pub const CANDIDATES_MAX: usize = 4;

/// The longest bearer token, in bytes: 8 KiB, which is also the most that common web servers take
/// as one header.
pub const BEARER_LEN_MAX: usize = 8192;
