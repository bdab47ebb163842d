//! What the model knows: how things stand.

use std::collections::{BTreeMap, BTreeSet};

use sessile::Reason;

/// How things may stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub sessions: BTreeMap<&'static str, State>,
    /// Sessions that nobody was given: of logins that failed between their two commits.
    pub strays: BTreeMap<&'static str, usize>,
    pub suspended: BTreeSet<&'static str>,
    pub links: BTreeMap<&'static str, Link>,
    /// Each with whether it is revoked.
    pub api_keys: BTreeMap<&'static str, bool>,
    /// Whether the key that signs from the beginning is retired.
    pub is_first_key_retired: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub subject: &'static str,
    pub ended: Option<Reason>,
    pub is_below_generation: bool,
    pub is_below_watermark: bool,
    pub is_stale: bool,
    /// What it was rotated to.
    pub to: Option<&'static str>,
    /// Whether that may do more.
    pub is_raised: bool,
    pub value: Option<u32>,
    /// How often it was refreshed.
    pub refreshes: u32,
    pub is_under_later_key: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    Fresh,
    /// And the session that was created with it.
    Used(Option<&'static str>),
    Reused,
    Withdrawn,
}

/// What verification says of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    pub reason: Option<Reason>,
    pub is_stale: bool,
    pub is_rotated: bool,
}

impl World {
    pub fn create(&mut self, name: &'static str, subject: &'static str) {
        self.sessions.insert(name, State { subject, ..State::default() });
    }

    pub fn of(&mut self, subject: &str) -> impl Iterator<Item = (&&'static str, &mut State)> {
        self.sessions.iter_mut().filter(move |(_, state)| state.subject == subject)
    }

    /// Ends a session, or what it was rotated to.
    pub fn end(&mut self, name: &str, reason: Reason) {
        let mut name = name;
        while let Some(to) = self.sessions[name].to {
            name = to;
        }
        let state = self.sessions.get_mut(name).unwrap();
        state.value = None;
        state.ended = state.ended.or(Some(reason));
    }

    /// The session goes on as `to`, of `subject`.
    pub fn rotate(&mut self, name: &'static str, to: &'static str, subject: &'static str) {
        let old = self.sessions.get_mut(name).unwrap();
        let new = State { subject, is_stale: false, ..old.clone() };
        (old.to, old.value) = (Some(to), None);
        self.sessions.insert(to, new);
    }

    /// What verification says of a session; `None`: there is none.
    pub fn answer(&self, name: &str) -> Option<Answer> {
        let state = self.sessions.get(name)?;
        let is_under_first_key = !state.is_under_later_key;
        let reason = if self.is_first_key_retired && is_under_first_key {
            Some(Reason::UnknownKey)
        } else {
            self.why(name)
        };
        let is_valid = reason.is_none();
        let is_rotated = is_valid && state.to.is_some();
        Some(Answer { reason, is_stale: is_valid && state.is_stale, is_rotated })
    }

    /// Why a session is rejected, whatever key its token is under.
    fn why(&self, name: &str) -> Option<Reason> {
        let state = &self.sessions[name];
        if state.ended.is_some() {
            state.ended
        } else if state.is_below_generation {
            Some(Reason::RevokedAll)
        } else if state.is_below_watermark {
            Some(Reason::RevokedSubject)
        } else if self.suspended.contains(state.subject) {
            Some(Reason::Suspended)
        } else {
            state.to.and_then(|to| self.why(to))
        }
    }

    /// The value that the data of a session hold; outer `None`: there are none to read.
    pub fn value(&self, name: &str) -> Option<Option<u32>> {
        let state = self.sessions.get(name)?;
        match state.to {
            _ if self.why(name).is_some() => None,
            None => Some(state.value),
            // Then the old token has nothing to read.
            Some(_) if self.is_raised(name) => None,
            Some(to) => self.value(to),
        }
    }

    fn is_raised(&self, name: &str) -> bool {
        let state = &self.sessions[name];
        state.to.is_some_and(|to| state.is_raised || self.is_raised(to))
    }

    pub fn link(&self, name: &str) -> Option<Option<Reason>> {
        Some(match self.links.get(name)? {
            Link::Fresh => None,
            Link::Used(_) | Link::Reused => Some(Reason::Reused),
            Link::Withdrawn => Some(Reason::Denied),
        })
    }

    pub fn api_key(&self, name: &str) -> Option<Option<Reason>> {
        let is_revoked = *self.api_keys.get(name)?;
        Some(match self.is_first_key_retired {
            // All are from before there was a later one.
            true => Some(Reason::UnknownKey),
            false => is_revoked.then_some(Reason::Denied),
        })
    }

    pub fn count(&self, subject: &str) -> usize {
        let valid = |(name, state): &(&&'static str, &State)| {
            state.subject == subject && state.to.is_none() && self.why(name).is_none()
        };
        let strays = self.strays.get(subject).copied().unwrap_or_default();
        self.sessions.iter().filter(valid).count() + strays
    }
}
