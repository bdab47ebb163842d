//! What must be there after the kill.

use std::collections::BTreeMap;
use std::fmt;

use sessile::{Engine, Handle, Patch, Reason, Refresh, RefreshRequest, RotateOptions};

use crate::ledger::{
    Ledger, Life, Link, LinkState, OldState, PURPOSE, Session, Verb, old_key, old_row, old_site,
};

/// What was found so far.
#[derive(Default)]
pub struct Tally {
    acknowledged: BTreeMap<String, u64>,
    /// Verbs that were under way, and found done or not.
    done: BTreeMap<String, u64>,
    not_done: BTreeMap<String, u64>,
    /// Sessions of logins that were killed between their two commits.
    strays: u64,
}

impl Tally {
    fn note(&mut self, begun: Option<Verb>, is_done: bool) {
        let Some(verb) = begun else { return };
        let found = if is_done { &mut self.done } else { &mut self.not_done };
        let name = format!("{verb:?}");
        let name = name.split('(').next().unwrap().to_lowercase();
        *found.entry(name).or_default() += 1;
    }

    pub fn assert_all_happened(&self) {
        for verb in [
            "create", "patch", "rotate", "login", "refresh", "reuse", "revoke", "consume", "bind",
            "upgrade",
        ] {
            let count = self.acknowledged.get(verb).copied().unwrap_or_default();
            assert!(count > 0, "no {verb} was acknowledged: the child did nothing");
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { acknowledged, done, not_done, strays } = self;
        writeln!(f, "acknowledged, none lost: {acknowledged:?}")?;
        writeln!(f, "under way, done: {done:?}; not done: {not_done:?}")?;
        write!(f, "sessions that nobody was given, of logins in two commits: {strays}")
    }
}

/// What was ended, and must stay so over the next kill.
#[derive(Default)]
pub struct Gone {
    tokens: Vec<String>,
    links: Vec<String>,
    old_cookies: Vec<String>,
}

impl Gone {
    pub fn check(&self, engine: &Engine) {
        for token in &self.tokens {
            assert!(!engine.peek(token).unwrap().is_valid(), "a session came back");
        }
        for token in &self.links {
            let found = engine.peek_single_use(PURPOSE, token).unwrap();
            assert!(found.is_err(), "a link came back: {found:?}");
        }
        for cookie in &self.old_cookies {
            let found = engine.upgrade_cookies(&old_site(), [cookie]).unwrap().unwrap();
            assert!(found.reason().is_some(), "the cookie of the old site came back");
        }
    }
}

/// Checks every life, and ends it.
pub fn check(engine: &Engine, ledger: &Ledger, tally: &mut Tally) -> Gone {
    let mut gone = Gone::default();
    for (verb, count) in &ledger.acknowledged {
        *tally.acknowledged.entry(verb.clone()).or_default() += count;
    }
    for (name, life) in &ledger.lives {
        let checked = Checked { engine, name, life };
        if life.old.is_some() || life.begun == Some(Verb::Import) {
            gone.old_cookies.push(checked.old_cookie(tally));
        }
        if let Some(session) = &life.session {
            checked.session(session, tally);
            gone.tokens.push(session.token.clone());
            gone.tokens.extend_from_slice(&session.older_tokens);
        }
        if let Some(link) = &life.link {
            checked.link(link, tally);
            gone.links.push(link.token.clone());
        }
        for stray in engine.list(name).unwrap() {
            assert!(
                matches!(life.begun, Some(Verb::Create | Verb::LogIn(_))),
                "{life:?}: nobody was given it, and it stands in the list"
            );
            tally.strays += u64::from(life.begun != Some(Verb::Create));
            engine.revoke(&stray.handle).unwrap();
        }
    }
    gone
}

struct Checked<'a> {
    engine: &'a Engine,
    name: &'a str,
    life: &'a Life,
}

impl Checked<'_> {
    /// The session is as acknowledged, and what was under way is there or not; then ends it.
    fn session(&self, session: &Session, tally: &mut Tally) {
        let (engine, life) = (self.engine, self.life);
        let verdict = engine.peek(&session.token).unwrap();
        let own = verdict.session().map(|session| *session.handle());
        let moved_to = verdict.session().and_then(|session| session.rotated_to().copied());
        let is_rotated = moved_to.is_some() || verdict.reason().is_some();
        let live = match life.begun {
            _ if session.is_ended => None,
            Some(Verb::Revoke | Verb::Reuse) => {
                tally.note(life.begun, own.is_none());
                own
            }
            Some(Verb::Rotate(_) | Verb::LogIn(_)) if is_rotated => {
                tally.note(life.begun, true);
                Some(self.successor(session, moved_to))
            }
            Some(Verb::Rotate(_) | Verb::LogIn(_)) => {
                tally.note(life.begun, false);
                own
            }
            _ => {
                assert!(own.is_some(), "{life:?} is lost: {:?}", verdict.reason());
                own
            }
        };
        let Some(live) = live else {
            let is_reused = session.is_reused || life.begun == Some(Verb::Reuse);
            let reason = if is_reused { Reason::Reused } else { Reason::RevokedSession };
            assert_eq!(verdict.reason(), Some(reason), "{life:?}");
            self.older_tokens(session, Err(reason));
            self.ended_family(session, reason);
            return;
        };
        assert!(is_rotated == (own != Some(live)), "{life:?} is half rotated");
        self.older_tokens(session, Ok(&live));
        self.data(session, &live, tally);
        self.lists(session, &live, is_rotated);
        if life.begun.is_some() && !is_rotated {
            self.is_writable(session, &live);
        }
        self.refresh_tokens(session, is_rotated, tally);
        if !self.is_bound_and_used() {
            // By the token that the client has: it leads to what came of it.
            let handle = own.unwrap_or(live);
            engine.revoke(&handle).unwrap();
            assert!(!engine.peek(&session.token).unwrap().is_valid());
            assert_eq!(engine.data(&live).unwrap(), None);
        }
    }

    /// The cookie of the old site is worth a session once, and none once that was given; an import
    /// that was cut off is finished by the next. Gives the cookie.
    fn old_cookie(&self, tally: &mut Tally) -> String {
        let (engine, life) = (self.engine, self.life);
        let cookie = format!("sessionid={}", old_key(self.name));
        let upgrade = || engine.upgrade_cookies(&old_site(), [&cookie]).unwrap().unwrap();
        if life.old.is_none() {
            let row = old_row(self.name);
            let report = engine.import_rows(&old_site(), &mut row.as_bytes()).unwrap();
            assert_eq!(report.imported + report.known, 1, "{life:?}: {report:?}");
            tally.note(life.begun, report.known == 1);
        }
        let found = upgrade().reason();
        let allowed: &[Option<Reason>] = match (life.old, life.begun) {
            (None, _) => &[None],
            (Some(OldState::Imported), Some(Verb::Upgrade)) => &[None, Some(Reason::Reused)],
            (Some(OldState::Imported), _) => &[None],
            (Some(OldState::Upgraded), _) => &[Some(Reason::Reused)],
        };
        assert!(allowed.contains(&found), "{life:?}: {found:?}");
        if life.begun == Some(Verb::Upgrade) {
            tally.note(life.begun, found.is_some());
        }
        assert!(upgrade().reason().is_some(), "{life:?}: worth a second session");
        let listed = engine.list(self.name).unwrap();
        if life.session.is_none() {
            assert_eq!(listed.len(), 1, "{life:?}: {listed:?}");
            listed.iter().for_each(|info| assert!(engine.revoke(&info.handle).unwrap()));
        }
        cookie
    }

    fn is_bound_and_used(&self) -> bool {
        self.life.link.as_ref().is_some_and(|link| link.is_bound)
    }

    /// Where the session went with a rotation that nobody was told of.
    fn successor(&self, session: &Session, moved_to: Option<Handle>) -> Handle {
        let life = self.life;
        match life.begun {
            Some(Verb::Rotate(0)) => {
                assert_eq!(moved_to, None, "{life:?}: no grace");
                assert!(session.is_logged_in, "otherwise nothing finds it");
                let listed = self.engine.list(self.name).unwrap();
                assert_eq!(listed.len(), 1, "{life:?}: rotated, or not, but not lost");
                listed[0].handle
            }
            _ => moved_to.unwrap_or_else(|| panic!("{life:?} is lost")),
        }
    }

    /// A token from before a rotation never gives a second session.
    fn older_tokens(&self, session: &Session, live: Result<&Handle, Reason>) {
        for token in &session.older_tokens {
            let verdict = self.engine.peek(token).unwrap();
            match verdict.session() {
                Some(old) => assert!(
                    live.is_ok() && old.rotated_to() == live.ok(),
                    "{:?}: two are live",
                    self.life
                ),
                // Within its grace it is judged by what it became, and is no more than that.
                None => {
                    let reasons = [Some(Reason::RevokedSession), live.err()];
                    assert!(reasons.contains(&verdict.reason()), "{:?}", self.life);
                }
            }
        }
    }

    /// The data are with the live session, as acknowledged or as by the patch under way.
    fn data(&self, session: &Session, live: &Handle, tally: &mut Tally) {
        let life = self.life;
        let data = self.engine.data(live).unwrap().unwrap();
        let value = data.get("n").map(|value| std::str::from_utf8(value).unwrap().parse().unwrap());
        let is_as_acknowledged = value == session.value;
        match life.begun {
            Some(Verb::Patch(new)) => {
                assert!(is_as_acknowledged || value == Some(new), "{life:?} has {value:?}");
                tally.note(life.begun, !is_as_acknowledged);
            }
            _ => assert!(is_as_acknowledged, "{life:?} has {value:?}"),
        }
        assert_eq!(data.len(), usize::from(value.is_some()));
    }

    /// Lists show the session once, if it is a subject's; and a login under way one more.
    fn lists(&self, session: &Session, live: &Handle, is_rotated: bool) {
        let life = self.life;
        let listed = self.engine.list(self.name).unwrap();
        let is_there = listed.iter().any(|info| info.handle == *live);
        let is_login = matches!(life.begun, Some(Verb::LogIn(_)));
        let is_subjects = session.is_logged_in || (is_login && is_rotated);
        assert_eq!(is_there, is_subjects, "{life:?}");
        let others = listed.len() - usize::from(is_there);
        assert!(others == 0 || (is_login && !is_rotated && others == 1), "{life:?}: {listed:?}");
    }

    /// What was not done can be done now.
    fn is_writable(&self, session: &Session, live: &Handle) {
        self.engine.patch(live, &Patch::new().set("n", "again")).unwrap();
        if matches!(self.life.begun, Some(Verb::LogIn(_))) {
            let login = RotateOptions::log_in(self.name).unwrap();
            let login = self.engine.rotate_with(live, login).unwrap();
            let data = self.engine.data(login.session.handle()).unwrap().unwrap();
            assert_eq!(data.get("n"), Some("again".as_bytes()), "{session:?}");
        }
    }

    /// The newest acknowledged refresh token is good; the one two before that is a reuse.
    fn refresh_tokens(&self, session: &Session, is_rotated: bool, tally: &mut Tally) {
        let life = self.life;
        let refresh = |token: &String| self.engine.refresh(token, &RefreshRequest::new()).unwrap();
        let Some(newest) = session.refresh_tokens.last() else { return };
        let answer = refresh(newest);
        match (&answer, life.begun) {
            (Refresh::Rejected(Reason::RevokedSession), _) if is_rotated => return,
            (Refresh::Rotated(_), _) => {}
            // The answer was lost with the process: here it is.
            (Refresh::Replayed(_), Some(Verb::Refresh)) => {}
            _ => panic!("{life:?}: {answer:?}"),
        }
        if life.begun == Some(Verb::Refresh) {
            tally.note(life.begun, matches!(answer, Refresh::Replayed(_)));
        }
        let next = &answer.refreshed().unwrap().refresh_token;
        if let [.., two_back, _] = session.refresh_tokens.as_slice() {
            assert_eq!(refresh(two_back).reason(), Some(Reason::Reused), "{life:?}");
            let next = refresh(&next.as_str().to_owned());
            assert_eq!(next.reason(), Some(Reason::Reused), "the family is ended");
            assert_eq!(self.engine.peek(&session.token).unwrap().reason(), Some(Reason::Reused));
        }
    }

    /// No refresh token of an ended session buys anything.
    fn ended_family(&self, session: &Session, reason: Reason) {
        for token in &session.refresh_tokens {
            let answer = self.engine.refresh(token, &RefreshRequest::new()).unwrap();
            assert_eq!(answer.reason(), Some(reason), "{:?}", self.life);
        }
    }

    /// A link that was used stays used, and ends the session that it was used for.
    fn link(&self, link: &Link, tally: &mut Tally) {
        let (engine, life) = (self.engine, self.life);
        let found = engine.consume(PURPOSE, &link.token).unwrap().map(|_| ());
        let allowed: &[Result<(), Reason>] = match (link.state, life.begun) {
            (LinkState::Fresh, Some(Verb::Consume)) => &[Ok(()), Err(Reason::Reused)],
            (LinkState::Fresh, Some(Verb::Withdraw)) => &[Ok(()), Err(Reason::Denied)],
            (LinkState::Fresh, _) => &[Ok(())],
            (LinkState::Used, _) => &[Err(Reason::Reused)],
            (LinkState::Withdrawn, _) => &[Err(Reason::Denied)],
        };
        assert!(allowed.contains(&found), "{life:?}: {found:?}");
        if matches!(life.begun, Some(Verb::Consume | Verb::Withdraw)) {
            tally.note(life.begun, found.is_err());
        }
        let again = engine.consume(PURPOSE, &link.token).unwrap();
        assert!(again.is_err(), "{life:?}: used twice");
        let Some(session) = &life.session else { return };
        let reason = engine.peek(&session.token).unwrap().reason();
        assert!(reason.is_some(), "{life:?}: its link came twice, and it lives on");
        if link.is_bound && !session.is_ended && life.begun.is_none() {
            assert_eq!(reason, Some(Reason::Reused), "{life:?}");
        }
    }
}
