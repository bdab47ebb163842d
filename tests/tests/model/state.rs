//! The model: what is known of everything, and what each token may answer.

use std::collections::BTreeMap;

use sessile::{Handle, KeyState, Reason};

/// How things stand. Times are milliseconds of the engine's clock.
#[derive(Debug, Default)]
pub struct State {
    pub now: u64,
    /// Counts what is issued and what is revoked, in their order.
    pub sequence: u64,
    pub generation: u64,
    pub sessions: Vec<Session>,
    pub subjects: [Subject; SUBJECTS.len()],
    pub links: Vec<Link>,
    pub api_keys: Vec<ApiKey>,
    pub keys: BTreeMap<u8, KeyState>,
}

/// What every token has.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub subject: Option<usize>,
    pub sequence: u64,
    pub generation: u64,
}

/// A text, and the key that it is under.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    pub key: u8,
}

/// One handle of a session.
#[derive(Clone, Debug)]
pub struct Session {
    pub handle: Handle,
    pub stamp: Stamp,
    pub tokens: Vec<Token>,
    pub fate: Fate,
    pub created: u64,
    pub authenticated_at: Option<u64>,
    pub not_before: u64,
    /// The client was here then at the latest, and as far as a process knows at the earliest.
    pub seen: u64,
    pub seen_at_least: u64,
    /// What the store knows at the least.
    pub stored: u64,
    pub idle_timeout: u64,
    pub absolute_lifetime: u64,
    pub absolute_deadline: u64,
    pub claims: u64,
    pub refresh: Option<Family>,
    pub data: BTreeMap<String, Vec<u8>>,
    /// Its time was said to be over: it never comes back.
    pub is_over: bool,
    pub may_be_swept: bool,
}

/// What became of a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Live,
    Rotated { to: usize, until: u64 },
    Ended(Reason),
}

/// A refresh family.
#[derive(Clone, Debug)]
pub struct Family {
    pub tokens: Vec<(u32, Token)>,
    pub generation: u32,
    pub rotated_at: u64,
    /// Whether this process knows that the client has the newest, and whether the store does.
    pub is_confirmed: bool,
    pub is_confirmed_in_store: bool,
    pub client: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Subject {
    pub watermark: u64,
    pub claims: u64,
    /// Until then; `u64::MAX`: until reinstated.
    pub suspended: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct Link {
    pub handle: Handle,
    pub stamp: Stamp,
    pub token: Token,
    pub deadline: u64,
    pub state: LinkState,
    pub may_be_swept: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Fresh,
    Used { session: Option<usize> },
    Reused,
    Withdrawn,
}

#[derive(Clone, Debug)]
pub struct ApiKey {
    pub handle: Handle,
    pub stamp: Stamp,
    pub token: Token,
    pub deadline: u64,
    pub outlives_sessions: bool,
    pub is_revoked: bool,
    pub may_be_swept: bool,
}

/// The answers that are right.
#[derive(Debug)]
pub struct Allowed {
    pub valid: bool,
    pub reasons: Vec<Reason>,
}

impl Allowed {
    fn valid() -> Self {
        Allowed { valid: true, reasons: Vec::new() }
    }

    fn rejected(reason: Reason) -> Self {
        Allowed { valid: false, reasons: vec![reason] }
    }

    fn or(mut self, reason: Reason, is_possible: bool) -> Self {
        if is_possible {
            self.reasons.push(reason);
        }
        self
    }

    /// What a session answers whose successor answers `next`.
    fn then(mut self, next: Allowed) -> Self {
        if self.valid {
            self.valid = next.valid;
            self.reasons.extend(next.reasons);
        }
        self
    }

    pub fn holds(&self, found: Option<Reason>) -> bool {
        found.map_or(self.valid, |reason| self.reasons.contains(&reason))
    }
}

impl State {
    /// A stamp for what is issued now.
    pub fn stamp(&mut self, subject: Option<usize>) -> Stamp {
        self.sequence += 1;
        Stamp { subject, sequence: self.sequence, generation: self.generation }
    }

    pub fn active_key(&self) -> u8 {
        let is_active = |(_, state): &(&u8, &KeyState)| **state == KeyState::Active;
        *self.keys.iter().find(is_active).unwrap().0
    }

    pub fn is_suspended(&self, subject: usize) -> bool {
        self.subjects[subject].suspended.is_some_and(|until| self.now < until)
    }

    pub fn of_session_token(&self, i: usize, token: &Token) -> Allowed {
        self.under_key(token, || self.of_session(i))
    }

    /// What the handle of a session answers.
    pub fn of_session(&self, i: usize) -> Allowed {
        self.follow(i, ROTATIONS_FOLLOWED)
    }

    fn follow(&self, i: usize, rotations: u32) -> Allowed {
        let session = &self.sessions[i];
        let allowed = match session.fate {
            Fate::Ended(reason) => Allowed::rejected(reason),
            Fate::Live => self.judge(session),
            Fate::Rotated { to, until } if self.now < until && rotations > 0 => {
                self.judge(session).then(self.follow(to, rotations - 1))
            }
            Fate::Rotated { .. } => Allowed::rejected(Reason::RevokedSession),
        };
        allowed.or(Reason::UnknownSession, session.may_be_swept)
    }

    fn judge(&self, session: &Session) -> Allowed {
        if let Err(reason) = self.stands(session.stamp) {
            return Allowed::rejected(reason);
        }
        let (now, idle) = (self.now, session.idle_timeout);
        if now < session.not_before {
            Allowed::rejected(Reason::NotYetValid)
        } else if now >= session.absolute_deadline {
            Allowed::rejected(Reason::Expired)
        } else if now >= session.seen + idle || session.is_over {
            Allowed::rejected(Reason::IdleExpired)
        } else {
            Allowed::valid().or(Reason::IdleExpired, now >= session.seen_at_least + idle)
        }
    }

    fn stands(&self, stamp: Stamp) -> Result<(), Reason> {
        if stamp.generation < self.generation {
            return Err(Reason::RevokedAll);
        }
        let Some(subject) = stamp.subject else { return Ok(()) };
        if stamp.sequence <= self.subjects[subject].watermark {
            Err(Reason::RevokedSubject)
        } else if self.is_suspended(subject) {
            Err(Reason::Suspended)
        } else {
            Ok(())
        }
    }

    pub fn under_key(&self, token: &Token, allowed: impl FnOnce() -> Allowed) -> Allowed {
        match self.keys.get(&token.key) {
            None | Some(KeyState::Retired) => Allowed::rejected(Reason::UnknownKey),
            _ => allowed(),
        }
    }

    pub fn of_link(&self, link: &Link) -> Allowed {
        let allowed = match (self.stands(link.stamp), link.state) {
            (Err(reason), _) => Allowed::rejected(reason),
            (_, LinkState::Used { .. } | LinkState::Reused) => Allowed::rejected(Reason::Reused),
            (_, LinkState::Withdrawn) => Allowed::rejected(Reason::Denied),
            _ if self.now >= link.deadline => Allowed::rejected(Reason::Expired),
            _ => Allowed::valid(),
        };
        allowed.or(Reason::UnknownSession, link.may_be_swept)
    }

    pub fn of_api_key(&self, key: &ApiKey) -> Allowed {
        let mut stamp = key.stamp;
        if key.outlives_sessions {
            stamp.sequence = u64::MAX;
        }
        let allowed = match self.stands(stamp) {
            Err(reason) => Allowed::rejected(reason),
            Ok(()) if key.is_revoked => Allowed::rejected(Reason::Denied),
            Ok(()) if self.now >= key.deadline => Allowed::rejected(Reason::Expired),
            Ok(()) => Allowed::valid(),
        };
        allowed.or(Reason::UnknownSession, key.may_be_swept)
    }

    /// Where a session has got to.
    pub fn latest(&self, mut i: usize) -> usize {
        while let Fate::Rotated { to, .. } = self.sessions[i].fate {
            i = to;
        }
        i
    }

    /// Whether what became of `i` may do more than `i`.
    pub fn is_raised(&self, i: usize) -> bool {
        let (was, is) = (&self.sessions[i], &self.sessions[self.latest(i)]);
        was.stamp.subject != is.stamp.subject || was.authenticated_at != is.authenticated_at
    }

    pub fn are_claims_stale(&self, i: usize) -> bool {
        let session = &self.sessions[i];
        session.stamp.subject.is_some_and(|subject| self.subjects[subject].claims > session.claims)
    }

    /// Ends a session, or what became of it.
    pub fn end(&mut self, i: usize, reason: Reason) {
        let latest = self.latest(i);
        let session = &mut self.sessions[latest];
        if session.fate == Fate::Live {
            session.fate = Fate::Ended(reason);
            session.data.clear();
        }
    }

    /// The client of a session was here.
    pub fn see(&mut self, i: usize) {
        let now = self.now;
        let session = &mut self.sessions[i];
        session.seen = session.seen.max(now);
        let unwritten = (session.idle_timeout / 10).min(60_000) + (session.idle_timeout / 1000);
        session.seen_at_least =
            session.seen_at_least.max(session.seen.saturating_sub(unwritten)).max(session.stored);
    }
}

pub const SUBJECTS: [&str; 3] = ["alice", "bob", "carol"];

/// How many rotations a token from before them is good for.
const ROTATIONS_FOLLOWED: u32 = 8;
