//! What the model knows: how things stand.

use std::collections::{BTreeMap, BTreeSet};

use sessile::Reason;

/// How things may stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub sessions: BTreeMap<&'static str, State>,
    pub suspended: BTreeSet<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub subject: &'static str,
    pub is_ended: bool,
    pub is_below_generation: bool,
    pub is_below_watermark: bool,
    pub is_stale: bool,
}

impl World {
    pub fn create(&mut self, name: &'static str, subject: &'static str) {
        let state = State {
            subject,
            is_ended: false,
            is_below_generation: false,
            is_below_watermark: false,
            is_stale: false,
        };
        self.sessions.insert(name, state);
    }

    pub fn of(&mut self, subject: &str) -> impl Iterator<Item = (&&'static str, &mut State)> {
        self.sessions.iter_mut().filter(move |(_, state)| state.subject == subject)
    }

    pub fn end(&mut self, name: &str) {
        self.sessions.get_mut(name).unwrap().is_ended = true;
    }

    /// Why a session is rejected, and whether its claims are stale if it is not.
    pub fn verdict(&self, name: &str) -> Option<(Option<Reason>, bool)> {
        let state = self.sessions.get(name)?;
        let reason = if state.is_ended {
            Some(Reason::RevokedSession)
        } else if state.is_below_generation {
            Some(Reason::RevokedAll)
        } else if state.is_below_watermark {
            Some(Reason::RevokedSubject)
        } else if self.suspended.contains(state.subject) {
            Some(Reason::Suspended)
        } else {
            None
        };
        Some((reason, reason.is_none() && state.is_stale))
    }

    pub fn count(&self, subject: &str) -> usize {
        let valid = |(name, state): &(&&'static str, &State)| {
            state.subject == subject && self.verdict(name).is_some_and(|(r, _)| r.is_none())
        };
        self.sessions.iter().filter(valid).count()
    }
}
