//! What verification answers.

use std::time::Duration;

use crate::cache::Facts;
use crate::id::{Handle, Subject};
use crate::time::Timestamp;
use crate::token::{RefreshToken, SessionToken};
use crate::verdict::Reason;

/// What verification says: valid, or rejected with one reason.
#[derive(Clone, Debug)]
#[must_use]
pub enum Verdict {
    /// The client is who the session says.
    Valid(Session),
    /// It is not, or no longer.
    Rejected(Reason),
}

impl Verdict {
    /// Whether it is [`Valid`](Verdict::Valid).
    pub fn is_valid(&self) -> bool {
        matches!(self, Verdict::Valid(_))
    }

    /// The session, if valid.
    pub fn session(&self) -> Option<&Session> {
        match self {
            Verdict::Valid(session) => Some(session),
            Verdict::Rejected(_) => None,
        }
    }

    /// The session, if valid.
    pub fn into_session(self) -> Option<Session> {
        match self {
            Verdict::Valid(session) => Some(session),
            Verdict::Rejected(_) => None,
        }
    }

    /// Why it was rejected, if it was.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Verdict::Valid(_) => None,
            Verdict::Rejected(reason) => Some(*reason),
        }
    }
}

/// A session that was valid at the moment of the call.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) facts: Facts,
    pub(super) last_seen: Timestamp,
    pub(super) now: Timestamp,
    pub(super) is_rotation_due: bool,
    /// What few sessions have, apart: the rest is copied at every verification.
    pub(super) rare: Option<Box<Rare>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    pub(super) renewed_token: Option<SessionToken>,
    pub(super) rotated_to: Option<Handle>,
}

impl Session {
    pub(super) fn new(facts: Facts, last_seen: Timestamp, now: Timestamp) -> Self {
        Session { facts, last_seen, now, is_rotation_due: false, rare: None }
    }

    /// Its public name.
    pub fn handle(&self) -> &Handle {
        &self.facts.handle
    }

    /// Whose it is; `None`: anonymous.
    pub fn subject(&self) -> Option<&Subject> {
        self.facts.subject.as_ref()
    }

    /// When it was created; rotations do not change it.
    pub fn created(&self) -> Timestamp {
        self.facts.created
    }

    /// When the subject proved who it is last; `None`: anonymous, or of another maker, who alone
    /// knew.
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.facts.authenticated_at
    }

    /// When the client was seen last, this call included if it touches. Kept to 0.1 % of the
    /// idle timeout, 1 s at most.
    pub fn last_seen(&self) -> Timestamp {
        self.last_seen
    }

    /// Unused until then, it ends.
    pub fn idle_deadline(&self) -> Timestamp {
        self.last_seen.plus_millis(self.facts.idle_timeout_ms)
    }

    /// It ends then, used or not.
    pub fn absolute_deadline(&self) -> Timestamp {
        self.facts.absolute_deadline
    }

    /// How long it has left if it is not used again.
    pub fn time_left(&self) -> Duration {
        self.idle_deadline().min(self.absolute_deadline()).since(self.now)
    }

    /// The engine's time at the call.
    pub fn verified_at(&self) -> Timestamp {
        self.now
    }

    /// Whether the policy wants a rotation now.
    pub fn is_rotation_due(&self) -> bool {
        self.is_rotation_due
    }

    /// The same session's token under the active key, when the presented one is under an older
    /// key: set it as the cookie's value in passing.
    pub fn renewed_token(&self) -> Option<&SessionToken> {
        self.rare.as_ref()?.renewed_token.as_ref()
    }

    /// The handle that is good now, when the presented token is from before a rotation and
    /// answers for its grace only. This session is as it was before the rotation, and
    /// read-only: nothing can be changed through its handle, but it can be revoked.
    pub fn rotated_to(&self) -> Option<&Handle> {
        self.rare.as_ref()?.rotated_to.as_ref()
    }

    /// The subject's claims version when the session was issued.
    pub fn claims_version(&self) -> u64 {
        self.facts.claims_version
    }

    /// Whether the subject's claims (roles, say) have changed since the session was issued:
    /// load them anew, and rotate.
    pub fn are_claims_stale(&self) -> bool {
        self.facts.are_claims_stale
    }

    /// Whether the subject proved who it is less than `duration` ago.
    pub fn is_authenticated_within(&self, duration: Duration) -> bool {
        self.facts.authenticated_at.is_some_and(|at| self.now < at.plus(duration))
    }
}

/// A new session and the token that goes to the client.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The token: into the cookie with it.
    pub token: SessionToken,
    /// The refresh token, if the session was created with a
    /// [`RefreshGrant`](crate::RefreshGrant).
    pub refresh_token: Option<RefreshToken>,
    /// The session.
    pub session: Session,
}

/// How and when a subject proved who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// The methods (RFC 8176): `pwd`, `otp`, `hwk` and so on.
    pub amr: Vec<String>,
    /// The class of the authentication (OpenID Connect Core, 2).
    pub acr: Option<String>,
}

/// A session as lists show it.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// Its public name.
    pub handle: Handle,
    /// The label that the host gave it: "Firefox on Linux".
    pub device_label: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When the client was seen last, as the store knows: up to a minute old.
    pub last_seen: Timestamp,
    /// When the subject proved who it is last.
    pub authenticated_at: Option<Timestamp>,
    /// How.
    pub authentication: Authentication,
    /// Unused until then, it ends.
    pub idle_deadline: Timestamp,
    /// It ends then, used or not.
    pub absolute_deadline: Timestamp,
}
