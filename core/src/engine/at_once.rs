//! Answers that need no store, for hosts that must not wait where they ask: an event loop, or the
//! holder of an interpreter's lock.

use std::sync::Arc;

use super::access::AccessVerdict;
use super::session::{Session, Verdict};
use super::verify::Touch;
use super::{Engine, Inner};
use crate::cache::Entry;
use crate::data::Data;
use crate::error::Result;
use crate::id::{Handle, Subject};
use crate::policy::touch_resolution_ms;
use crate::time::Timestamp;
use crate::token::{Parts, TokenText};

impl Engine {
    /// What [`verify`](Self::verify) says, if it can say so without the store; `None`: ask it,
    /// where you may wait. A touch counts as it does there.
    ///
    /// # Errors
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
    /// - [`Forked`](crate::ErrorKind::Forked).
    pub fn peek_at_once(&self, token: &str) -> Result<Option<Verdict>> {
        self.inner.verify_at_once(token.as_bytes(), Touch::No)
    }

    /// What [`verify_access`](Self::verify_access) says, if it can say so without the store;
    /// `None`: ask it, where you may wait.
    ///
    /// # Errors
    /// - [`Forked`](crate::ErrorKind::Forked), [`InvalidConfig`](crate::ErrorKind::InvalidConfig):
    ///   access tokens are not configured.
    pub fn verify_access_at_once(&self, token: &str) -> Result<Option<AccessVerdict>> {
        let verdict = self.inner.verify_access_at_once(token.as_bytes());
        self.ensure_maintenance_if_needed();
        verdict
    }

    /// What [`data`](Self::data) gives, if it is in the cache; `None`: ask that, where you may
    /// wait.
    ///
    /// # Errors
    /// - [`Forked`](crate::ErrorKind::Forked).
    pub fn data_at_once(&self, handle: &Handle) -> Result<Option<Arc<Data>>> {
        self.inner.refuse_forked()?;
        Ok(self.inner.cached_data(handle, self.inner.clock.now()))
    }
}

impl Inner {
    #[inline]
    fn verify_at_once(&self, token: &[u8], touch: Touch) -> Result<Option<Verdict>> {
        self.refuse_forked()?;
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

    fn verify_access_at_once(&self, token: &[u8]) -> Result<Option<AccessVerdict>> {
        self.refuse_forked()?;
        let now = self.clock.now();
        let (claims, handle) = match self.authentic_access(token, now)? {
            Ok(authentic) => authentic,
            Err(reason) => return Ok(Some(AccessVerdict::Rejected(reason))),
        };
        // Untouched until all is known: who presents a token that is not good was not here.
        let Some(session) = self.cached_handle(&handle, Touch::No, now)? else { return Ok(None) };
        let facts = &session.facts;
        let is_plain = claims.sub.as_deref() == facts.subject.as_ref().map(Subject::as_str)
            && !facts.are_claims_stale
            && !facts.has_denied
            && claims.ver.is_some_and(|version| version >= facts.claims_version);
        if !is_plain {
            // Seldom, and left to the one who asks the store.
            return Ok(None);
        }
        let resolution_ms = touch_resolution_ms(facts.idle_timeout_ms);
        if now <= session.last_seen.plus_millis(resolution_ms) {
            return Ok(Some(AccessVerdict::Valid { claims, session }));
        }
        // It may have changed meanwhile: the one who asks the store begins anew.
        let touched = self.cached_handle(&handle, Touch::Yes, now)?;
        Ok(touched.map(|session| AccessVerdict::Valid { claims, session }))
    }

    /// The session of a handle, if the cache has it as valid.
    fn cached_handle(
        &self,
        handle: &Handle,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Option<Session>> {
        let mut is_touch_due = false;
        let read = |entry: &Entry| self.hit(entry, touch, now, &mut is_touch_due);
        let Some(Some(verdict)) = self.cache.get_by_handle(handle, read) else { return Ok(None) };
        if is_touch_due {
            self.note_touch(*handle, now);
        }
        Ok(match verdict? {
            Verdict::Valid(session) => Some(session),
            Verdict::Rejected(_) => None,
        })
    }
}
