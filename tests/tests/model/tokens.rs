//! The verbs of refresh tokens, links and API keys.

use std::time::Duration;

use sessile::{ApiKeyOptions, ErrorKind, Reason, Refresh, RefreshRequest, SingleUseOptions};

use crate::player::{Player, outcome};
use crate::state::{ApiKey, Fate, Link, LinkState, SUBJECTS, Token};

impl Player {
    /// Presents the newest token of a family, or an older one, perhaps as another client.
    pub fn refresh(&mut self) {
        let Some((i, presented)) = self.any_refresh_token() else { return };
        let (generation, token) = presented;
        let family = self.state.sessions[i].refresh.clone().unwrap();
        let client = if self.below(6) == 0 { Some("thief") } else { family.client };
        let request = RefreshRequest::new();
        let request = client.map_or(request.clone(), |client| request.client(client));
        let session_reason = self.observe(i);
        let age = self.state.now.saturating_sub(family.rotated_at);
        let is_previous = generation + 1 == family.generation;
        let is_maybe_confirmed = family.is_confirmed != family.is_confirmed_in_store;
        let is_in_grace = age < REFRESH_GRACE_MS;
        let answer = self.engine.refresh(&token.text, &request).unwrap();
        self.note(format!("  session {i}, generation {generation} as {client:?}: {answer:?}"));
        self.saw(match &answer {
            Refresh::Rotated(_) => "rotated",
            Refresh::Replayed(_) => "replayed",
            Refresh::Rejected(reason) => reason.name(),
        });
        let gone = self.state.under_key(&token, || self.state.of_session(i));
        if gone.holds(Some(Reason::UnknownKey)) {
            assert_eq!(answer.reason(), Some(Reason::UnknownKey));
        } else if session_reason.is_some() {
            assert_eq!(answer.reason(), session_reason, "refresh of session {i}");
        } else if self.state.sessions[i].fate != Fate::Live {
            assert_eq!(answer.reason(), Some(Reason::RevokedSession), "it has a successor");
        } else {
            let is_replay = is_previous && (!family.is_confirmed || is_in_grace);
            let is_reuse = generation != family.generation && !is_replay;
            assert!(!is_maybe_confirmed || family.is_confirmed, "what is stored is known");
            match &answer {
                Refresh::Rejected(Reason::Reused) => assert!(is_reuse, "a reuse: {family:?}"),
                Refresh::Rejected(Reason::WrongClient) => {
                    assert!(client != family.client && !is_reuse);
                }
                Refresh::Rotated(_) => assert!(generation == family.generation && !is_reuse),
                Refresh::Replayed(_) => assert!(is_replay),
                Refresh::Rejected(reason) => panic!("refresh of session {i}: {reason}"),
            }
            self.refreshed(i, &answer);
        }
    }

    fn any_refresh_token(&mut self) -> Option<(usize, (u32, Token))> {
        let all = 0..self.state.sessions.len();
        let mut with: Vec<_> = all.filter(|i| self.state.sessions[*i].refresh.is_some()).collect();
        if self.below(3) > 0 && with.iter().any(|i| self.state.of_session(*i).valid) {
            with.retain(|i| self.state.of_session(*i).valid);
        }
        let i = with[self.any(with.len())?];
        let tokens = &self.state.sessions[i].refresh.as_ref()?.tokens;
        let newest = tokens.len() as u64 - 1;
        let back = [0, 0, 0, 1, 1, 2, 3].map(|back: u64| back.min(newest));
        let back = self.one_of(&back);
        let tokens = &self.state.sessions[i].refresh.as_ref()?.tokens;
        Some((i, tokens[(newest - back) as usize].clone()))
    }

    /// What an answer to the token of a valid session changes.
    fn refreshed(&mut self, i: usize, answer: &Refresh) {
        let (now, key) = (self.state.now, self.state.active_key());
        if let Refresh::Rejected(reason) = answer {
            if *reason == Reason::Reused {
                self.state.end(i, Reason::Reused);
            }
            return;
        }
        self.state.see(i);
        let session = &mut self.state.sessions[i];
        let family = session.refresh.as_mut().unwrap();
        let refreshed = answer.refreshed().unwrap();
        if let Refresh::Rotated(_) = answer {
            family.generation += 1;
            (family.rotated_at, family.is_confirmed) = (now, false);
            family.is_confirmed_in_store = false;
            (session.seen_at_least, session.stored) = (now, now);
        }
        assert_eq!(refreshed.generation, family.generation);
        let text = refreshed.refresh_token.as_str().to_owned();
        let same = family
            .tokens
            .iter()
            .find(|(generation, token)| *generation == family.generation && token.key == key);
        match same {
            Some((_, token)) => assert_eq!(token.text, text, "the same once more"),
            None => family.tokens.push((family.generation, Token { text, key })),
        }
    }

    pub fn confirm_refresh(&mut self) {
        let Some((i, (generation, _))) = self.any_refresh_token() else { return };
        let session = &mut self.state.sessions[i];
        self.engine.confirm_refresh(&session.handle, generation);
        let family = session.refresh.as_mut().unwrap();
        if session.fate == Fate::Live {
            family.is_confirmed |= generation == family.generation;
        }
    }

    pub fn issue_link(&mut self) {
        let subject = self.one_of(&[None, Some(0), Some(1), Some(2)]);
        let lifetime = self.one_of(&[1_000, 60_000, 900_000]);
        let mut options = SingleUseOptions::new(PURPOSE).lifetime(Duration::from_millis(lifetime));
        let is_superseding = subject.is_some() && self.below(2) == 0;
        if let Some(subject) = subject {
            options = options.subject(SUBJECTS[subject]).unwrap();
        }
        if is_superseding {
            options = options.superseding();
        }
        let is_suspended = subject.is_some_and(|subject| self.state.is_suspended(subject));
        let issued = self.engine.issue_single_use(&options);
        let error = is_suspended.then_some(ErrorKind::Suspended);
        let Some(issued) = outcome(issued, error) else { return };
        if is_superseding {
            let older = self.state.links.iter_mut();
            for link in older.filter(|link| link.stamp.subject == subject) {
                if link.state == LinkState::Fresh {
                    link.state = LinkState::Withdrawn;
                }
            }
        }
        let deadline = self.state.now + lifetime;
        assert_eq!(issued.deadline.as_millis(), deadline);
        let token = Token { text: issued.token.as_str().to_owned(), key: self.state.active_key() };
        let link = Link {
            handle: issued.handle,
            stamp: self.state.stamp(subject),
            token,
            deadline,
            state: LinkState::Fresh,
            may_be_swept: false,
        };
        self.state.links.push(link);
    }

    /// Asks about a link, and gives why it is not good.
    pub fn peek_link(&mut self, i: usize) -> Option<Reason> {
        let link = &self.state.links[i];
        let allowed = self.state.under_key(&link.token, || self.state.of_link(link));
        let found = self.engine.peek_single_use(PURPOSE, &link.token.text).unwrap().err();
        self.expect(&format!("link {i}"), found, &allowed);
        found
    }

    pub fn consume(&mut self) {
        let Some(i) = self.any(self.state.links.len()) else { return };
        let peeked = self.peek_link(i);
        let text = self.state.links[i].token.text.clone();
        if self.below(5) == 0 {
            let other = self.engine.consume("another purpose", &text).unwrap().err().unwrap();
            let is_known = !matches!(peeked, Some(Reason::UnknownKey | Reason::UnknownSession));
            assert_eq!(other, if is_known { Reason::WrongPurpose } else { peeked.unwrap() });
            self.saw(other.name());
            return;
        }
        let consumed = self.engine.consume(PURPOSE, &text).unwrap().err();
        assert_eq!(consumed, peeked, "consume and peek of link {i}");
        self.note(format!("  link {i}: {consumed:?}"));
        let was = self.state.links[i].state;
        match (consumed, was) {
            (None, _) => self.state.links[i].state = LinkState::Used { session: None },
            (Some(Reason::Reused), LinkState::Used { session }) => {
                self.state.links[i].state = LinkState::Reused;
                if let Some(session) = session {
                    self.ended_by_link(session);
                }
            }
            _ => {}
        }
    }

    fn ended_by_link(&mut self, session: usize) {
        if self.is_chain_swept(session) {
            self.look_again(session, Reason::Reused);
        } else {
            self.state.end(session, Reason::Reused);
        }
    }

    pub fn bind(&mut self) {
        let Some(link) = self.any(self.state.links.len()) else { return };
        let Some(session) = self.any_session() else { return };
        if self.state.links[link].may_be_swept {
            return;
        }
        let is_free = self.state.links[link].state == LinkState::Used { session: None };
        let (used, handle) = (self.state.links[link].handle, self.state.sessions[session].handle);
        let bound = self.engine.bind_single_use(&used, &handle);
        if outcome(bound, (!is_free).then_some(ErrorKind::SessionGone)).is_some() {
            self.state.links[link].state = LinkState::Used { session: Some(session) };
        }
    }

    pub fn revoke_link(&mut self) {
        let Some(i) = self.any(self.state.links.len()) else { return };
        if self.state.links[i].may_be_swept {
            return;
        }
        let is_good = self.state.of_link(&self.state.links[i]).valid;
        let was_good = self.engine.revoke_single_use(&self.state.links[i].handle).unwrap();
        assert_eq!(was_good, is_good, "link {i}");
        if self.state.links[i].state == LinkState::Fresh {
            self.state.links[i].state = LinkState::Withdrawn;
        }
    }

    pub fn create_api_key(&mut self) {
        let subject = self.below(3) as usize;
        let lifetime = self.one_of(&[None, Some(1_000), Some(3_600_000)]);
        let outlives_sessions = self.below(2) == 0;
        let mut options = ApiKeyOptions::new(SUBJECTS[subject], "a program").unwrap();
        if let Some(lifetime) = lifetime {
            options = options.lifetime(Duration::from_millis(lifetime));
        }
        if outlives_sessions {
            options = options.outliving_sessions();
        }
        let is_suspended = self.state.is_suspended(subject);
        let issued = self.engine.create_api_key(&options);
        let error = is_suspended.then_some(ErrorKind::Suspended);
        let Some(issued) = outcome(issued, error) else { return };
        let token = Token { text: issued.token.as_str().to_owned(), key: self.state.active_key() };
        let key = ApiKey {
            handle: issued.key.handle,
            stamp: self.state.stamp(Some(subject)),
            token,
            deadline: lifetime.map_or(u64::MAX, |lifetime| self.state.now + lifetime),
            outlives_sessions,
            is_revoked: false,
            may_be_swept: false,
        };
        self.state.api_keys.push(key);
    }

    pub fn verify_api_key(&mut self) {
        let Some(i) = self.any(self.state.api_keys.len()) else { return };
        let key = &self.state.api_keys[i];
        let allowed = self.state.under_key(&key.token, || self.state.of_api_key(key));
        let verdict = self.engine.verify_api_key(&key.token.text).unwrap();
        self.expect(&format!("API key {i}"), verdict.reason(), &allowed);
    }

    pub fn revoke_api_key(&mut self) {
        let Some(i) = self.any(self.state.api_keys.len()) else { return };
        if self.state.api_keys[i].may_be_swept {
            return;
        }
        let key = &self.state.api_keys[i];
        let is_good = self.state.of_api_key(key).valid;
        assert_eq!(self.engine.revoke_api_key(&key.handle).unwrap(), is_good, "API key {i}");
        self.state.api_keys[i].is_revoked = true;
    }

    /// Lists show the API keys that are good, and verification lets them in.
    pub fn api_keys(&mut self) {
        for (subject, name) in SUBJECTS.iter().enumerate() {
            let listed = self.engine.list_api_keys(name).unwrap();
            let good = |key: &&ApiKey| {
                key.stamp.subject == Some(subject) && self.state.of_api_key(key).valid
            };
            let mut expected: Vec<_> =
                self.state.api_keys.iter().filter(good).map(|key| key.handle).collect();
            let mut found: Vec<_> = listed.iter().map(|key| key.handle).collect();
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "the API keys of {name}");
        }
    }
}

const PURPOSE: &str = "sign-in";
pub const REFRESH_GRACE_MS: u64 = 10_000;
