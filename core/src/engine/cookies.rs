//! Verifying what a request brings, and the cookies of a response.

use super::session::{Issued, Session, Verdict};
use super::verify::Touch;
use super::{Engine, Inner};
use crate::cookie::{CookiePolicy, bearer};
use crate::error::Result;
use crate::token::SessionToken;
use crate::verdict::Reason;

impl Engine {
    /// How this engine's cookies are written.
    pub fn cookies(&self) -> &CookiePolicy {
        &self.inner.config.cookies
    }

    /// Verifies the session cookie of a request's `Cookie` headers; `None`: it has none.
    ///
    /// Up to four cookies of the name are tried, as another host of the domain may have planted
    /// one. Two that are valid for different sessions are
    /// [`Ambiguous`](Reason::Ambiguous), and neither is trusted.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_cookies<'a, I, H>(&self, headers: I) -> Result<Option<Verdict>>
    where
        I: IntoIterator<Item = &'a H>,
        H: AsRef<[u8]> + ?Sized + 'a,
    {
        let verdict = self.inner.verify_cookies(headers, Touch::Yes)?;
        self.ensure_maintenance_if_needed();
        Ok(verdict)
    }

    /// Says what [`verify_cookies`](Self::verify_cookies) would, without a touch.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn peek_cookies<'a, I, H>(&self, headers: I) -> Result<Option<Verdict>>
    where
        I: IntoIterator<Item = &'a H>,
        H: AsRef<[u8]> + ?Sized + 'a,
    {
        self.inner.verify_cookies(headers, Touch::No)
    }

    /// Verifies the session token of an `Authorization: Bearer` header (RFC 6750, 2.1); `None`:
    /// it is no such header.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_bearer<H: AsRef<[u8]> + ?Sized>(&self, header: &H) -> Result<Option<Verdict>> {
        bearer(header).map(|token| self.verify(token)).transpose()
    }

    /// The `Set-Cookie` values for a session that was just created or rotated: the session
    /// cookie and its companion for scripts.
    ///
    /// # Errors
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput): the session has ended meanwhile.
    pub fn set_cookies(&self, issued: &Issued) -> Result<[String; 2]> {
        let session = &issued.session;
        let lifetime = session.absolute_deadline().since(session.verified_at());
        let cookie = self.cookies().session(issued.token.as_str(), lifetime)?;
        Ok([cookie, self.companion(session)?])
    }

    /// The `Set-Cookie` values for the response to a request of `session`: the companion, and
    /// the session cookie itself when its token is under an old key or less than half is left of
    /// its `Max-Age`. None for a token from before a rotation: the new one is on its way.
    ///
    /// # Errors
    /// As [`set_cookies`](Self::set_cookies).
    pub fn renew_cookies(&self, session: &Session) -> Result<Vec<String>> {
        if session.rotated_to().is_some() {
            return Ok(Vec::new());
        }
        let mut cookies = vec![self.companion(session)?];
        let (issued, now) = (session.facts.issued, session.verified_at());
        let lifetime = session.absolute_deadline().since(issued);
        let is_due = self.cookies().max_age_for(lifetime).is_some_and(|max_age| {
            max_age < lifetime && CookiePolicy::is_renewal_due(issued, max_age, now)
        });
        if is_due || session.renewed_token().is_some() {
            let token = SessionToken::issue(session.handle(), &self.inner.keyring())?;
            let left = session.absolute_deadline().since(now);
            cookies.push(self.cookies().session(token.as_str(), left)?);
        }
        Ok(cookies)
    }

    /// The `Set-Cookie` values that make the browser forget both cookies: after a revoke, and
    /// for a token that was rejected. Never after an error.
    pub fn clear_cookies(&self) -> [String; 2] {
        [self.cookies().clear(), self.cookies().clear_companion()]
    }

    fn companion(&self, session: &Session) -> Result<String> {
        self.cookies().companion(session.time_left(), session.verified_at())
    }
}

impl Inner {
    fn verify_cookies<'a, I, H>(&self, headers: I, touch: Touch) -> Result<Option<Verdict>>
    where
        I: IntoIterator<Item = &'a H>,
        H: AsRef<[u8]> + ?Sized + 'a,
    {
        let mut best: Option<Verdict> = None;
        for token in self.config.cookies.candidates(headers) {
            let verdict = self.verify(token, touch)?;
            best = match (best, verdict) {
                (None, verdict) => Some(verdict),
                (Some(Verdict::Valid(a)), Verdict::Valid(b)) => match newer(a, b) {
                    Some(session) => Some(Verdict::Valid(session)),
                    None => return Ok(Some(Verdict::Rejected(Reason::Ambiguous))),
                },
                (Some(Verdict::Rejected(_)), valid @ Verdict::Valid(_)) => Some(valid),
                (best, Verdict::Rejected(_)) => best,
            };
        }
        Ok(best)
    }
}

/// The one of two that is not from before a rotation, if they are the same session.
fn newer(a: Session, b: Session) -> Option<Session> {
    if a.handle() == b.handle() || b.rotated_to() == Some(a.handle()) {
        Some(a)
    } else if a.rotated_to() == Some(b.handle()) {
        Some(b)
    } else {
        None
    }
}
