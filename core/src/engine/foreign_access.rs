//! Access tokens of other issuers, and what was revoked here since they were made.

use super::inspect::{Condemn, read_subject, subject_key};
use super::open::read_global;
use super::{Engine, Inner};
use crate::error::Result;
use crate::id::Subject;
use crate::keys::Jwks;
use crate::policy::foreign_stands;
use crate::sync::Ordering;
use crate::time::Timestamp;
use crate::token::jwt::{Claims, Profile, verify};
use crate::verdict::Reason;

/// What verification of another issuer's access token says.
#[derive(Clone, Debug)]
#[must_use]
pub enum ForeignAccessVerdict {
    /// It is good: these are its claims.
    Valid(Box<Claims>),
    /// It is not.
    Rejected(Reason),
}

impl ForeignAccessVerdict {
    /// The claims, if it is good.
    pub fn claims(&self) -> Option<&Claims> {
        match self {
            ForeignAccessVerdict::Valid(claims) => Some(claims),
            ForeignAccessVerdict::Rejected(_) => None,
        }
    }

    /// Why it was rejected, if it was.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            ForeignAccessVerdict::Valid(_) => None,
            ForeignAccessVerdict::Rejected(reason) => Some(*reason),
        }
    }
}

impl Engine {
    /// Says whether a token of another issuer is good: what [`jwt::verify`](crate::jwt::verify)
    /// says by `keys` and `profile`, and that its subject, the claim `sub`, is not suspended here
    /// and was not revoked since its `iat`, nor were all.
    ///
    /// Such a token has no sequence of ours, so it is compared by time, in whole seconds: one of
    /// the second of the revoke is rejected, and so is one without `iat` once there was a revoke.
    /// The other issuer's clock decides; one that is ahead lets its tokens outlive a revoke by
    /// that much, at most the profile's leeway. Reads the store each time; keeps no session alive.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_foreign_access(
        &self,
        token: &str,
        keys: &Jwks,
        profile: &Profile,
    ) -> Result<ForeignAccessVerdict> {
        self.inner.refuse_forked()?;
        let now = self.inner.clock.now();
        let claims = match verify(token.as_bytes(), keys, profile, now) {
            Ok(claims) => claims,
            Err(reason) => return Ok(ForeignAccessVerdict::Rejected(reason)),
        };
        Ok(match self.inner.judge_foreign(&claims, now)? {
            Ok(()) => ForeignAccessVerdict::Valid(Box::new(claims)),
            Err(reason) => ForeignAccessVerdict::Rejected(reason),
        })
    }
}

impl Inner {
    fn judge_foreign(&self, claims: &Claims, now: Timestamp) -> Result<Result<(), Reason>> {
        let Some(sub) = &claims.sub else { return Ok(Err(Reason::MissingClaim)) };
        // Longer than a subject can be, it is none that could have been revoked.
        let Ok(subject) = Subject::new(sub) else { return Ok(Err(Reason::Malformed)) };
        let store = self.store()?;
        let (group, id) = self.keyring().locate(&subject);
        if let Some(reason) = self.subject_condemnation(id) {
            return Ok(Err(reason));
        }
        let known = read_subject(store.as_ref(), &subject_key(group, &id))?;
        let known = known.as_ref().map(|(known, _)| known);
        let all_revoked_at = read_global(store.as_ref())?.revoked_at;
        Ok(foreign_stands(claims.iat, all_revoked_at, known, now))
    }

    /// Whether a revoke of unknown outcome meant this subject, or all.
    fn subject_condemnation(&self, id: [u8; 16]) -> Option<Reason> {
        if !self.condemned.is_any.load(Ordering::Acquire) {
            return None;
        }
        let list = self.condemned.list.lock();
        if list.contains(&Condemn::All) {
            return Some(Reason::RevokedAll);
        }
        list.contains(&Condemn::Subject(id)).then_some(Reason::RevokedSubject)
    }
}
