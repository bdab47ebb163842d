//! What the processes were told, and whether they may have been.
//!
//! 1. A verification that was invoked after the end of its session had responded rejects.
//! 2. One that responded before anything that can end the session was invoked accepts.
//! 3. What was rejected once is rejected by every verification that was invoked later.
//!
//! A call that a killed process never answered has responded at no time: it can have had its
//! effect, and need not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sessile::Issued;

/// A session of a history.
pub struct Session {
    pub handle: String,
    pub token: String,
    pub subject: String,
    /// The id of the key that its token is under.
    pub key: u8,
}

/// What an ending call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Session(usize),
    /// The subject of this session.
    Subject(usize),
    All,
    Key(u8),
}

struct End {
    scope: Scope,
    invoked: u64,
    responded: u64,
}

struct Verified {
    session: usize,
    invoked: u64,
    responded: u64,
    is_valid: bool,
}

#[derive(Default)]
pub struct History {
    pub sessions: Vec<Session>,
    pub figures: BTreeMap<String, u64>,
    ends: Vec<End>,
    verified: Vec<Verified>,
}

impl Session {
    pub fn of(issued: &Issued, subject: &str) -> Self {
        let token = issued.token.as_str().to_owned();
        // Characters 2 and 3 hold the low half of byte 1, and more.
        let value = |i: usize| BASE64.iter().position(|c| *c == token.as_bytes()[i]).unwrap();
        let key = (value(1) % 16 * 16 + value(2) / 4) as u8;
        let handle = issued.session.handle().to_string();
        Session { handle, token, subject: subject.to_owned(), key }
    }
}

impl History {
    /// The sessions, as a worker is told of them.
    pub fn order(&self) -> String {
        let mut order = String::new();
        for Session { handle, token, subject, key } in &self.sessions {
            write!(order, "{handle} {token} {subject} {key} ").unwrap();
        }
        order
    }

    pub fn verified(&mut self, session: usize, invoked: u64, responded: u64, is_valid: bool) {
        self.verified.push(Verified { session, invoked, responded, is_valid });
    }

    /// An ending call; `None`: it was never answered.
    pub fn ended(&mut self, scope: Scope, invoked: u64, responded: Option<u64>) {
        let unanswered = u64::from(responded.is_none());
        *self.figures.entry("unanswered".into()).or_default() += unanswered;
        self.ends.push(End { scope, invoked, responded: responded.unwrap_or(u64::MAX) });
    }

    pub fn count(&self, sum: &mut BTreeMap<String, u64>) {
        let valid = self.verified.iter().filter(|verified| verified.is_valid).count();
        let mut add = |name: &str, n: u64| *sum.entry(name.to_owned()).or_default() += n;
        add("valid", valid as u64);
        add("rejected", (self.verified.len() - valid) as u64);
        for end in &self.ends {
            let name = format!("{:?}", end.scope);
            add(name.split('(').next().unwrap_or_default(), 1);
        }
        self.figures.iter().for_each(|(name, n)| add(name, *n));
    }

    pub fn check(&self) -> Result<(), String> {
        for verified in &self.verified {
            let concerns = |end: &&End| self.concerns(end.scope, verified.session);
            let ends = || self.ends.iter().filter(concerns);
            let earlier = |other: &&Verified| {
                other.session == verified.session
                    && !other.is_valid
                    && other.responded < verified.invoked
            };
            let rule = if verified.is_valid {
                if ends().any(|end| end.responded < verified.invoked) {
                    "1: it had ended"
                } else if self.verified.iter().find(earlier).is_some() {
                    "3: it was rejected before"
                } else {
                    continue;
                }
            } else if ends().any(|end| end.invoked < verified.responded) {
                continue;
            } else {
                "2: nothing can have ended it"
            };
            return Err(self.explain(rule, verified));
        }
        Ok(())
    }

    fn concerns(&self, scope: Scope, session: usize) -> bool {
        let of = |i: usize| &self.sessions[i];
        match scope {
            Scope::Session(other) => other == session,
            Scope::Subject(other) => of(other).subject == of(session).subject,
            Scope::All => true,
            Scope::Key(key) => of(session).key == key,
        }
    }

    fn explain(&self, rule: &str, verified: &Verified) -> String {
        let start = self.verified.iter().map(|v| v.invoked).min().unwrap_or_default();
        let us = |at: u64| at.saturating_sub(start) / 1_000;
        let session = verified.session;
        let mut text = format!("rule {rule}\n");
        for other in self.verified.iter().filter(|other| other.session == session) {
            let Verified { invoked, responded, is_valid, .. } = other;
            let mark = if std::ptr::eq(other, verified) { "<--" } else { "" };
            let verdict = if *is_valid { "valid" } else { "rejected" };
            writeln!(text, "{:>7}..{:<7} {verdict} {mark}", us(*invoked), us(*responded)).unwrap();
        }
        for End { scope, invoked, responded } in &self.ends {
            if self.concerns(*scope, session) {
                let responded = if *responded == u64::MAX {
                    "never".into()
                } else {
                    us(*responded).to_string()
                };
                writeln!(text, "{:>7}..{responded:<7} end of {scope:?}", us(*invoked)).unwrap();
            }
        }
        text
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

mod the_checker_itself {
    use super::{History, Scope, Session};

    fn history() -> History {
        let session = |subject: &str, key| Session {
            handle: String::new(),
            token: String::new(),
            subject: subject.into(),
            key,
        };
        let sessions = vec![session("a", 0), session("a", 1), session("b", 0)];
        History { sessions, ..History::default() }
    }

    #[track_caller]
    fn assert_breaks(history: &History, rule: &str) {
        let violation = history.check().unwrap_err();
        assert!(violation.starts_with(&format!("rule {rule}")), "{violation}");
    }

    #[test]
    fn finds_a_session_valid_after_it_ended_by_each_scope() {
        for scope in [Scope::Session(0), Scope::Subject(1), Scope::All, Scope::Key(0)] {
            let mut planted = history();
            planted.ended(scope, 10, Some(20));
            planted.verified(0, 15, 30, true);
            planted.check().unwrap();
            planted.verified(0, 21, 30, true);
            assert_breaks(&planted, "1");
        }
    }

    #[test]
    fn leaves_other_sessions_and_unanswered_ends_alone() {
        let mut fine = history();
        fine.ended(Scope::Subject(0), 10, Some(20));
        fine.ended(Scope::Session(2), 10, None);
        fine.verified(2, 30, 40, true);
        fine.verified(2, 50, 60, false);
        fine.check().unwrap();
        fine.verified(2, 70, 80, true);
        assert_breaks(&fine, "3");
    }

    #[test]
    fn finds_a_rejection_without_a_reason() {
        let mut planted = history();
        planted.ended(Scope::Session(0), 50, Some(60));
        planted.verified(0, 10, 20, false);
        assert_breaks(&planted, "2");
    }
}
