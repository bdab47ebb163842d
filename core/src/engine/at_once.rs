//! Answers that need no store, for hosts that must not wait where they ask: an event loop, or the
//! holder of an interpreter's lock.

use std::sync::Arc;

use super::access::AccessVerdict;
use super::session::Verdict;
use super::verify::Touch;
use super::{Engine, Inner};
use crate::data::Data;
use crate::error::Result;
use crate::id::Handle;
use crate::token::{Parts, TokenText};

impl Engine {
    /// What [`verify`](Self::verify) says, if it can say so without the store; `None`: ask it,
    /// where you may wait. A touch counts as it does there.
    ///
    /// # Errors
    /// - [`Unavailable`](crate::ErrorKind::Unavailable): the lease on the store ran out.
    /// - [`Forked`](crate::ErrorKind::Forked).
    #[inline]
    pub fn verify_at_once(&self, token: &str) -> Result<Option<Verdict>> {
        let verdict = self.inner.verify_at_once(token.as_bytes(), Touch::Yes);
        self.ensure_maintenance_if_needed();
        verdict
    }

    /// What [`peek`](Self::peek) says, if it can say so without the store; `None`: ask it, where
    /// you may wait.
    ///
    /// # Errors
    /// - [`Unavailable`](crate::ErrorKind::Unavailable): the lease on the store ran out.
    /// - [`Forked`](crate::ErrorKind::Forked).
    pub fn peek_at_once(&self, token: &str) -> Result<Option<Verdict>> {
        self.inner.verify_at_once(token.as_bytes(), Touch::No)
    }

    /// What [`verify_access`](Self::verify_access) says, if it can say so without the store;
    /// `None`: ask it, where you may wait.
    ///
    /// # Errors
    /// - [`Unavailable`](crate::ErrorKind::Unavailable): the lease on the store ran out.
    /// - [`Forked`](crate::ErrorKind::Forked), [`InvalidConfig`](crate::ErrorKind::InvalidConfig):
    ///   access tokens are not configured.
    pub fn verify_access_at_once(&self, token: &str) -> Result<Option<AccessVerdict>> {
        let verdict = self.inner.verify_access_at_once(token.as_bytes(), Touch::Yes);
        self.ensure_maintenance_if_needed();
        verdict
    }

    /// What [`data`](Self::data) gives, if it is in the cache; `None`: ask that, where you may
    /// wait.
    ///
    /// # Errors
    /// - [`Unavailable`](crate::ErrorKind::Unavailable): the lease on the store ran out.
    /// - [`Forked`](crate::ErrorKind::Forked).
    pub fn data_at_once(&self, handle: &Handle) -> Result<Option<Arc<Data>>> {
        self.inner.refuse_stale()?;
        Ok(self.inner.cached_data(handle, self.inner.clock.now()))
    }
}

impl Inner {
    #[inline]
    fn verify_at_once(&self, token: &[u8], touch: Touch) -> Result<Option<Verdict>> {
        self.refuse_stale()?;
        let Ok(text) = <&TokenText>::try_from(token) else {
            return Ok(Some(Verdict::Rejected(Parts::reason_for_length(token))));
        };
        let now = self.clock.now();
        let mut is_touch_due = false;
        let verdict =
            self.cache.probe(text, |entry| self.hit(entry, touch, now, &mut is_touch_due));
        let Some(mut verdict) = verdict.transpose()? else { return Ok(None) };
        if let Verdict::Valid(session) = &mut verdict {
            if is_touch_due {
                self.note_touch(*session.handle(), now);
            }
            if session.facts.is_under_old_key {
                self.complete(session);
            }
        }
        Ok(Some(verdict))
    }

    fn verify_access_at_once(&self, token: &[u8], touch: Touch) -> Result<Option<AccessVerdict>> {
        self.refuse_stale()?;
        let now = self.clock.now();
        let token = match self.authentic_access(token, now)? {
            Ok(token) => token,
            Err(reason) => return Ok(Some(AccessVerdict::Rejected(reason))),
        };
        let session = self.plain_session(&token, touch, now)?;
        // Whatever is not plain is seldom, and left to the one who asks the store.
        Ok(session.map(|session| AccessVerdict::Valid { claims: token.claims, session }))
    }
}
