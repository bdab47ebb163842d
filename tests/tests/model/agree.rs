//! What all that tell of a session have to agree on.

use std::collections::BTreeSet;

use sessile::{Reason, Verdict};

use crate::player::Player;
use crate::state::{Fate, SUBJECTS, Token};

impl Player {
    /// Asks about everything, in every way that changes nothing.
    pub fn agree(&mut self) {
        for i in 0..self.state.sessions.len() {
            self.observe(i);
        }
        for subject in 0..SUBJECTS.len() {
            self.lists(subject);
        }
        for i in 0..self.state.links.len() {
            self.peek_link(i);
        }
        self.api_keys();
    }

    /// Why the handle of a session is rejected now: what its tokens and its data say alike.
    pub fn observe(&mut self, i: usize) -> Option<Reason> {
        let data = self.engine.data(&self.state.sessions[i].handle).unwrap();
        let tokens = self.state.sessions[i].tokens.clone();
        let mut reason = None;
        let mut is_asked = false;
        for token in &tokens {
            let verdict = self.engine.peek(&token.text).unwrap();
            if self.check_verdict(i, token, &verdict) {
                (is_asked, reason) = (true, verdict.reason());
            }
        }
        let session = &self.state.sessions[i];
        let has_data_to_read = session.fate == Fate::Live || !self.state.is_raised(i);
        if is_asked {
            let is_readable = reason.is_none() && has_data_to_read;
            assert_eq!(data.is_some(), is_readable, "data of session {i}, which is {reason:?}");
        } else {
            // Every token of it is under a key that is gone: its handle knows nothing of keys.
            let allowed = self.state.of_session(i);
            let is_valid = if has_data_to_read { data.is_some() } else { allowed.valid };
            reason = (!is_valid).then(|| *allowed.reasons.first().unwrap_or(&Reason::UnknownKey));
            assert!(allowed.holds(reason), "session {i} without a key: {allowed:?}");
        }
        if let Some(data) = data {
            let found = data.iter().map(|(name, value)| (name.to_owned(), value.to_vec()));
            let expected = &self.state.sessions[self.state.latest(i)].data;
            assert_eq!(&found.collect::<std::collections::BTreeMap<_, _>>(), expected, "data {i}");
        }
        reason
    }

    /// Checks what a token of a session answered; `false`: its key is gone.
    pub fn check_verdict(&mut self, i: usize, token: &Token, verdict: &Verdict) -> bool {
        let allowed = self.state.of_session_token(i, token);
        self.expect(&format!("session {i}"), verdict.reason(), &allowed);
        let state = &self.state;
        if let Some(session) = verdict.session() {
            let is_live = state.sessions[i].fate == Fate::Live;
            let latest = (!is_live).then(|| state.sessions[state.latest(i)].handle);
            assert_eq!(session.rotated_to(), latest.as_ref(), "session {i}");
            assert_eq!(session.are_claims_stale(), state.are_claims_stale(i), "claims of {i}");
            let is_renewed = is_live && token.key != state.active_key();
            assert_eq!(session.renewed_token().is_some(), is_renewed, "renewal of {i}");
            let was = &state.sessions[i];
            let seen = session.last_seen().as_millis();
            assert!(seen <= was.seen.max(state.now), "session {i} was seen in the future");
            assert_eq!(session.absolute_deadline().as_millis(), was.absolute_deadline, "{i}");
            assert_eq!(session.authenticated_at().map(|at| at.as_millis()), was.authenticated_at);
            assert_eq!(
                session.subject().map(|subject| subject.as_str()),
                was.stamp.subject.map(|subject| SUBJECTS[subject]),
            );
            if let Some(renewed) = session.renewed_token() {
                let key = state.active_key();
                let text = renewed.as_str().to_owned();
                let tokens = &mut self.state.sessions[i].tokens;
                if tokens.iter().all(|token| token.text != text) {
                    tokens.push(Token { text, key });
                }
            }
            if !is_live {
                self.saw("superseded");
            }
        }
        let is_over = matches!(verdict.reason(), Some(Reason::Expired | Reason::IdleExpired));
        if is_over && self.state.sessions[i].fate == Fate::Live {
            self.state.sessions[i].is_over = true;
        }
        verdict.reason() != Some(Reason::UnknownKey)
    }

    fn lists(&mut self, subject: usize) {
        let listed = self.engine.list(SUBJECTS[subject]).unwrap();
        let handles: BTreeSet<_> = listed.iter().map(|info| info.handle).collect();
        assert_eq!(handles.len(), listed.len(), "listed twice");
        assert_eq!(self.engine.count(SUBJECTS[subject]).unwrap(), listed.len());
        assert_eq!(self.engine.is_active(SUBJECTS[subject]).unwrap(), !listed.is_empty());
        let mut expected = BTreeSet::new();
        for i in 0..self.state.sessions.len() {
            let session = &self.state.sessions[i];
            if session.stamp.subject == Some(subject) && session.fate == Fate::Live {
                let handle = session.handle;
                if self.observe(i).is_none() {
                    expected.insert(handle);
                }
                let is_listed = handles.contains(&handle);
                assert_eq!(is_listed, expected.contains(&handle), "session {i} in the list");
            }
        }
        assert_eq!(handles, expected, "the list of {}", SUBJECTS[subject]);
    }

    /// A watch that has ended says so of a session that is not valid now; after a tick every one
    /// of a session that is not valid has ended.
    pub fn check_watches(&mut self, is_after_tick: bool) {
        let watches = std::mem::take(&mut self.watches);
        for (watch, i) in watches {
            let latest = self.state.latest(i);
            let reason = self.observe(latest);
            match watch.ended() {
                Some(ended) => {
                    assert!(reason.is_some(), "the watch of session {i}, {latest} ended: {ended}");
                }
                None => {
                    let is_late =
                        matches!(reason, None | Some(Reason::Expired | Reason::IdleExpired));
                    assert!(reason.is_none() || (is_late && !is_after_tick), "{reason:?}: {i}");
                    self.watches.push((watch, i));
                }
            }
        }
    }

    /// Whether a row that leads on from `i` may be gone.
    pub fn is_chain_swept(&self, mut i: usize) -> bool {
        loop {
            let session = &self.state.sessions[i];
            if session.may_be_swept {
                return true;
            }
            let Fate::Rotated { to, .. } = session.fate else { return false };
            i = to;
        }
    }

    /// After an end that may not have found its way, past rows that were swept: did it?
    pub fn look_again(&mut self, i: usize, reason: Reason) {
        let latest = self.state.latest(i);
        let session = &self.state.sessions[latest];
        let found = self.engine.peek(&session.tokens[0].text).unwrap().reason();
        let has_data = self.engine.data(&session.handle).unwrap().is_some();
        let is_unseen = found == Some(Reason::UnknownKey) && !has_data;
        if session.fate == Fate::Live && (found == Some(reason) || is_unseen) {
            self.state.end(latest, reason);
            // Also of what was over before and could not be told from it.
            self.state.sessions[latest].may_be_swept = true;
        }
    }
}
