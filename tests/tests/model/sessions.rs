//! The verbs of sessions and subjects.

use std::collections::BTreeMap;
use std::time::Duration;

use sessile::{
    Authentication, CreateOptions, ErrorKind, Issued, Lifetimes, Patch, Reason, RefreshGrant,
    RotateOptions, Timestamp,
};

use crate::player::{LIMIT, Player, outcome};
use crate::state::{Family, Fate, SUBJECTS, Session, Token};

impl Player {
    pub fn create(&mut self) {
        let subject = self.one_of(&[None, Some(0), Some(1), Some(2)]);
        let mut options = match subject {
            Some(subject) => CreateOptions::for_subject(SUBJECTS[subject]).unwrap(),
            None => CreateOptions::anonymous(),
        };
        let lifetimes = self.lifetimes();
        options = options.lifetimes(lifetimes);
        let (mut start, mut not_before) = (self.state.now, 0);
        if self.below(8) == 0 {
            start += self.one_of(&[1, 30_000, 600_000]);
            not_before = start;
            options = options.not_before(Timestamp::from_millis(start));
        }
        let client = self.one_of(&[None, None, Some("shop")]);
        let is_refreshable = self.below(2) == 0;
        if is_refreshable {
            let grant = RefreshGrant::new();
            let grant = client.map_or(grant.clone(), |client| grant.client(client));
            options = options.refreshable(grant);
        }
        // Not with a limit: what made room and what was retired could not be told apart.
        let is_retiring = !self.has_limit && self.below(5) == 0;
        let retired = if is_retiring { self.any_session() } else { None };
        if let Some(retired) = retired {
            options = options.retire(&self.state.sessions[retired].tokens[0].text);
        }
        let rivals = subject.map(|subject| self.valid_of(subject)).unwrap_or_default();
        let is_suspended = subject.is_some_and(|subject| self.state.is_suspended(subject));
        let created = self.engine.create(options);
        let Some(issued) = outcome(created, is_suspended.then_some(ErrorKind::Suspended)) else {
            return;
        };
        let session = Session {
            handle: *issued.session.handle(),
            stamp: self.state.stamp(subject),
            tokens: Vec::new(),
            fate: Fate::Live,
            created: self.state.now,
            authenticated_at: subject.map(|_| self.state.now),
            not_before,
            seen: start,
            seen_at_least: start,
            stored: start,
            idle_timeout: lifetimes.idle_timeout.as_millis() as u64,
            absolute_lifetime: lifetimes.absolute_lifetime.as_millis() as u64,
            absolute_deadline: start + lifetimes.absolute_lifetime.as_millis() as u64,
            claims: subject.map_or(0, |subject| self.state.subjects[subject].claims),
            refresh: is_refreshable.then(|| Family {
                tokens: Vec::new(),
                generation: 0,
                rotated_at: self.state.now,
                is_confirmed: false,
                is_confirmed_in_store: false,
                client,
            }),
            data: BTreeMap::new(),
            is_over: false,
            may_be_swept: false,
        };
        self.add(session, &issued);
        self.evicted(rivals);
        if let Some(retired) = retired {
            self.retire(retired);
        }
    }

    fn lifetimes(&mut self) -> Lifetimes {
        let idle_timeout = self.one_of(&[2, 60, 1_800, 1_800]);
        let absolute_lifetime = self.one_of(&[2, 90, 7_200, 43_200, 43_200]);
        Lifetimes {
            idle_timeout: Duration::from_secs(idle_timeout),
            absolute_lifetime: Duration::from_secs(absolute_lifetime),
        }
    }

    /// Adds a handle with the tokens that were given for it.
    fn add(&mut self, session: Session, issued: &Issued) {
        self.state.sessions.push(session);
        let i = self.state.sessions.len() - 1;
        self.note(format!("  session {i}: {:?}", self.state.sessions[i]));
        self.given(i, issued);
    }

    fn given(&mut self, i: usize, issued: &Issued) {
        let key = self.state.active_key();
        let session = &mut self.state.sessions[i];
        assert_eq!(issued.session.handle(), &session.handle);
        session.tokens.push(Token { text: issued.token.as_str().to_owned(), key });
        let refresh_token = issued.refresh_token.as_ref().map(|token| token.as_str().to_owned());
        assert_eq!(refresh_token.is_some(), session.refresh.is_some());
        if let (Some(family), Some(text)) = (&mut session.refresh, refresh_token) {
            family.tokens.push((family.generation, Token { text, key }));
        }
    }

    /// Those of a subject's sessions that are valid now.
    fn valid_of(&mut self, subject: usize) -> Vec<usize> {
        let all = 0..self.state.sessions.len();
        let of_subject = |i: &usize| {
            let session = &self.state.sessions[*i];
            session.stamp.subject == Some(subject) && session.fate == Fate::Live
        };
        let all: Vec<_> = all.filter(of_subject).collect();
        all.into_iter().filter(|i| self.observe(*i).is_none()).collect()
    }

    /// One more session of the subject pushes the oldest of these out.
    fn evicted(&mut self, rivals: Vec<usize>) {
        if !self.has_limit {
            return;
        }
        let excess = (rivals.len() + 1).saturating_sub(LIMIT);
        let is_out =
            |i: &usize| self.engine.data(&self.state.sessions[*i].handle).unwrap().is_none();
        let (out, stay): (Vec<_>, Vec<_>) = rivals.into_iter().partition(is_out);
        assert_eq!(out.len(), excess, "{out:?} made room, {stay:?} did not");
        let created = |i: &usize| self.state.sessions[*i].created;
        let newest_out = out.iter().map(created).max().unwrap_or_default();
        assert!(stay.iter().all(|i| created(i) >= newest_out), "the oldest make room");
        for i in out {
            self.note(format!("  session {i} made room"));
            self.state.end(i, Reason::RevokedSession);
        }
    }

    /// The client of a new session presented a token of `i`, perhaps under a key that is gone.
    fn retire(&mut self, i: usize) {
        let token = &self.state.sessions[i].tokens[0];
        let is_ours = self.state.keys[&token.key] != sessile::KeyState::Retired;
        if is_ours && !self.is_chain_swept(i) {
            self.state.end(i, Reason::RevokedSession);
        } else if is_ours {
            self.look_again(i, Reason::RevokedSession);
        }
    }

    pub fn verify(&mut self) {
        let Some(i) = self.any_session() else { return };
        let tokens = self.state.sessions[i].tokens.clone();
        let token = &tokens[self.below(tokens.len() as u64) as usize];
        let peeked = self.engine.peek(&token.text).unwrap().reason();
        let verdict = self.engine.verify(&token.text).unwrap();
        assert_eq!(verdict.reason(), peeked, "verify and peek of session {i}");
        self.check_verdict(i, token, &verdict);
        if verdict.is_valid() && self.state.sessions[i].fate == Fate::Live {
            self.state.see(i);
        }
    }

    pub fn touch(&mut self) {
        let Some(i) = self.any_session() else { return };
        let is_valid = self.observe(i).is_none();
        let is_touched = self.engine.touch(&self.state.sessions[i].handle).unwrap();
        assert_eq!(is_touched, is_valid, "touch of session {i}");
        if is_valid && self.state.sessions[i].fate == Fate::Live {
            self.state.see(i);
        }
    }

    pub fn rotate(&mut self) {
        self.rotate_with(None, false);
    }

    pub fn log_in(&mut self) {
        let subject = self.below(3) as usize;
        self.rotate_with(Some(subject), true);
    }

    pub fn reauthenticate(&mut self) {
        self.rotate_with(None, true);
    }

    fn rotate_with(&mut self, wanted: Option<usize>, is_proved: bool) {
        let Some(i) = self.any_session() else { return };
        let grace = self.one_of(&[0, 10_000, 300_000]);
        let mut options = match wanted {
            Some(subject) => RotateOptions::log_in(SUBJECTS[subject]).unwrap(),
            None => RotateOptions::new(),
        };
        options = options.grace(Duration::from_millis(grace));
        if is_proved {
            options = options.authentication(Authentication::default());
        }
        let is_valid = self.observe(i).is_none();
        let latest = self.state.latest(i);
        let is_done = is_valid && latest != i && !is_proved && !self.state.is_raised(i);
        let subject = self.state.sessions[latest].stamp.subject;
        let is_refused = latest != i
            && self.state.is_raised(i)
            && (!is_proved || wanted != self.state.sessions[latest].stamp.subject);
        let error = match wanted {
            _ if !is_valid || is_refused => Some(ErrorKind::SessionGone),
            Some(wanted) if subject.is_some_and(|subject| subject != wanted) => {
                Some(ErrorKind::InvalidInput)
            }
            None if is_proved && subject.is_none() => Some(ErrorKind::InvalidInput),
            Some(wanted) if self.state.is_suspended(wanted) => Some(ErrorKind::Suspended),
            _ => None,
        };
        let rivals = match wanted {
            Some(wanted) if subject.is_none() && error.is_none() => self.valid_of(wanted),
            _ => Vec::new(),
        };
        self.note(format!("  session {i} to {wanted:?}, {is_proved}, {grace}: {error:?}"));
        let rotated = self.engine.rotate_with(&self.state.sessions[i].handle, options);
        let Some(issued) = outcome(rotated, error) else { return };
        if is_done {
            self.given(latest, &issued);
            return;
        }
        let successor = self.successor(latest, wanted, is_proved, &issued);
        let to = self.state.sessions.len();
        self.add(successor, &issued);
        let until = self.state.now + grace;
        self.state.sessions[latest].fate = Fate::Rotated { to, until };
        self.state.sessions[latest].data.clear();
        if wanted.is_some() && subject.is_none() {
            self.evicted(rivals);
        }
    }

    fn successor(
        &mut self,
        old: usize,
        wanted: Option<usize>,
        is_proved: bool,
        issued: &Issued,
    ) -> Session {
        let now = self.state.now;
        let old = self.state.sessions[old].clone();
        let subject = old.stamp.subject.or(wanted);
        let mut session = Session {
            handle: *issued.session.handle(),
            stamp: self.state.stamp(subject),
            tokens: Vec::new(),
            seen: now.max(old.seen),
            seen_at_least: now,
            stored: now,
            claims: subject.map_or(0, |subject| self.state.subjects[subject].claims),
            ..old
        };
        if let Some(family) = &mut session.refresh {
            family.tokens.clear();
        }
        if is_proved {
            session.authenticated_at = Some(now);
            session.absolute_deadline = now + session.absolute_lifetime;
        }
        session
    }

    pub fn revoke(&mut self) {
        let Some(i) = self.any_session() else { return };
        if self.is_chain_swept(i) {
            return;
        }
        let latest = self.state.latest(i);
        let is_live = self.state.sessions[latest].fate == Fate::Live;
        let is_valid = is_live && self.observe(latest).is_none();
        let was_valid = self.engine.revoke(&self.state.sessions[i].handle).unwrap();
        assert_eq!(was_valid, is_valid, "revoke of session {i}, now {latest}");
        self.note(format!("  session {i}, now {latest}"));
        self.state.end(i, Reason::RevokedSession);
    }

    pub fn revoke_subject(&mut self) {
        let subject = self.below(3) as usize;
        let except = if self.below(2) == 0 { self.any_session() } else { None };
        let mut kept = None;
        let mut error = None;
        if let Some(i) = except {
            let latest = self.state.latest(i);
            let is_valid = self.observe(i).is_none();
            let is_subjects = self.state.sessions[latest].stamp.subject == Some(subject);
            let is_kept = is_valid && is_subjects && (latest == i || !self.state.is_raised(i));
            kept = is_kept.then_some(latest);
            error = (!is_kept).then_some(ErrorKind::InvalidInput);
        }
        self.note(format!("  {}, except {except:?}: {error:?}", SUBJECTS[subject]));
        let handle = except.map(|i| self.state.sessions[i].handle);
        let revoked = self.engine.revoke_subject(SUBJECTS[subject], handle.as_ref());
        if outcome(revoked, error).is_some() {
            self.state.subjects[subject].watermark = self.state.sequence;
            if let Some(kept) = kept {
                self.state.sequence += 1;
                self.state.sessions[kept].stamp.sequence = self.state.sequence;
            }
        }
    }

    pub fn suspend(&mut self) {
        let subject = self.below(3) as usize;
        let for_ms = self.one_of(&[None, Some(1_000), Some(60_000)]);
        let until = for_ms.map(|ms| self.state.now + ms);
        self.engine.suspend(SUBJECTS[subject], until.map(Timestamp::from_millis)).unwrap();
        self.state.subjects[subject].suspended = Some(until.unwrap_or(u64::MAX));
    }

    pub fn reinstate(&mut self) {
        let subject = self.below(3) as usize;
        self.engine.reinstate(SUBJECTS[subject]).unwrap();
        self.state.subjects[subject].suspended = None;
    }

    pub fn bump_claims(&mut self) {
        let subject = self.below(3) as usize;
        self.engine.bump_claims(SUBJECTS[subject]).unwrap();
        self.state.subjects[subject].claims += 1;
    }

    pub fn patch(&mut self) {
        let Some(i) = self.any_session() else { return };
        let (set, removed) = (self.one_of(&["a", "b", "c"]), self.one_of(&["a", "b", "c"]));
        let value = self.below(1_000).to_string().into_bytes();
        let patch = Patch::new().remove(removed).set(set, value.clone());
        let error = self.is_read_only(i).then_some(ErrorKind::SessionGone);
        let patched = self.engine.patch(&self.state.sessions[i].handle, &patch);
        if outcome(patched, error).is_some() {
            let data = &mut self.state.sessions[i].data;
            data.remove(removed);
            data.insert(set.to_owned(), value);
        }
    }

    pub fn update(&mut self) {
        let Some(i) = self.any_session() else { return };
        let error = self.is_read_only(i).then_some(ErrorKind::SessionGone);
        let updated = self.engine.update(&self.state.sessions[i].handle, |data| {
            let count = data.get("count").map_or(0, |count| count[0]);
            data.set("count", [count.wrapping_add(1)]);
        });
        if outcome(updated, error).is_some() {
            let count = self.state.sessions[i].data.entry("count".into()).or_insert(vec![0]);
            count[0] = count[0].wrapping_add(1);
        }
    }

    fn is_read_only(&mut self, i: usize) -> bool {
        self.observe(i).is_some() || self.state.sessions[i].fate != Fate::Live
    }

    pub fn revoke_all(&mut self) {
        self.engine.revoke_all().unwrap();
        self.state.generation += 1;
    }

    pub fn watch(&mut self) {
        let Some(i) = self.any_session() else { return };
        if self.is_chain_swept(i) {
            return;
        }
        let handle = self.state.sessions[i].handle;
        self.watches.push((self.engine.watch(&handle).unwrap(), i));
    }
}
