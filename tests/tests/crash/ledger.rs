//! What the child acknowledged, and what it had begun when it was killed.

use std::collections::BTreeMap;
use std::time::Duration;

use sessile::cookie::foreign::{Importer, Maker};
use sessile::{Clock, SystemClock, Timestamp};

/// Every life of a run, by its name; that is the name of its subject, too.
#[derive(Default)]
pub struct Ledger {
    pub lives: BTreeMap<String, Life>,
    /// How often each verb was acknowledged.
    pub acknowledged: BTreeMap<String, u64>,
}

/// A session, a link, or both; and the session of an old site.
#[derive(Default, Debug)]
pub struct Life {
    pub session: Option<Session>,
    pub link: Option<Link>,
    pub old: Option<OldState>,
    /// The verb that was under way.
    pub begun: Option<Verb>,
}

#[derive(Debug)]
pub struct Session {
    pub token: String,
    /// Those from before its rotations.
    pub older_tokens: Vec<String>,
    /// All of its present handle, the newest last.
    pub refresh_tokens: Vec<String>,
    pub value: Option<u32>,
    /// Whether it is its subject's.
    pub is_logged_in: bool,
    pub is_ended: bool,
    /// Whether a copy of a refresh token ended it.
    pub is_reused: bool,
}

#[derive(Debug)]
pub struct Link {
    pub token: String,
    pub state: LinkState,
    /// Whether the session was created with it.
    pub is_bound: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Fresh,
    Used,
    Withdrawn,
}

/// What became of the row of an old site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldState {
    Imported,
    Upgraded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Create,
    Patch(u32),
    /// The grace in seconds.
    Rotate(u32),
    LogIn(u32),
    Refresh,
    /// A refresh token two back is presented: the session ends.
    Reuse,
    Revoke,
    Issue,
    Consume,
    Withdraw,
    Bind,
    /// A row of an old site comes in.
    Import,
    /// Its cookie becomes a session.
    Upgrade,
}

impl Ledger {
    /// Adds what a child said.
    pub fn read(&mut self, lines: &[String]) {
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            // The test harness says things, too.
            let &[mark @ (">" | "<"), name, verb, ref rest @ ..] = words.as_slice() else {
                continue;
            };
            let (verb, results) = Verb::parse(verb, rest);
            let life = self.lives.entry(name.to_owned()).or_default();
            if mark == ">" {
                assert_eq!(life.begun, None, "one verb at a time");
                life.begun = Some(verb);
            } else {
                assert_eq!(life.begun.take(), Some(verb), "what is done was begun");
                life.apply(name, verb, results);
                *self.acknowledged.entry(words[2].to_owned()).or_default() += 1;
            }
        }
    }
}

impl Verb {
    /// The verb, and what it gave.
    fn parse<'a>(verb: &str, rest: &'a [&'a str]) -> (Verb, &'a [&'a str]) {
        let number = || rest[0].parse().unwrap();
        match verb {
            "patch" => (Verb::Patch(number()), &rest[1..]),
            "rotate" => (Verb::Rotate(number()), &rest[1..]),
            "login" => (Verb::LogIn(number()), &rest[1..]),
            "create" => (Verb::Create, rest),
            "refresh" => (Verb::Refresh, rest),
            "reuse" => (Verb::Reuse, rest),
            "revoke" => (Verb::Revoke, rest),
            "issue" => (Verb::Issue, rest),
            "consume" => (Verb::Consume, rest),
            "withdraw" => (Verb::Withdraw, rest),
            "bind" => (Verb::Bind, rest),
            "import" => (Verb::Import, rest),
            "upgrade" => (Verb::Upgrade, rest),
            _ => panic!("no such verb: {verb}"),
        }
    }
}

impl Life {
    fn apply(&mut self, name: &str, verb: Verb, results: &[&str]) {
        let owned = |text: &&str| (*text).to_owned();
        match verb {
            Verb::Create | Verb::Upgrade => {
                if verb == Verb::Upgrade {
                    self.old = Some(OldState::Upgraded);
                }
                self.session = Some(Session {
                    token: owned(&results[0]),
                    older_tokens: Vec::new(),
                    refresh_tokens: results[1..].iter().map(owned).collect(),
                    value: None,
                    // Only visits begin with nothing: see `writer`.
                    is_logged_in: self.link.is_some() || self.old.is_some() || results.len() > 1,
                    is_ended: false,
                    is_reused: false,
                });
            }
            Verb::Issue => {
                let token = owned(&results[0]);
                self.link = Some(Link { token, state: LinkState::Fresh, is_bound: false });
            }
            Verb::Consume => self.link.as_mut().unwrap().state = LinkState::Used,
            Verb::Withdraw => self.link.as_mut().unwrap().state = LinkState::Withdrawn,
            Verb::Import => self.old = Some(OldState::Imported),
            Verb::Bind => self.link.as_mut().unwrap().is_bound = true,
            Verb::Patch(_)
            | Verb::Rotate(_)
            | Verb::LogIn(_)
            | Verb::Refresh
            | Verb::Reuse
            | Verb::Revoke => {
                let session = self.session.as_mut().unwrap_or_else(|| panic!("{name}"));
                session.apply(verb, results.iter().map(owned).collect());
            }
        }
    }
}

impl Session {
    fn apply(&mut self, verb: Verb, mut results: Vec<String>) {
        match verb {
            Verb::Patch(value) => self.value = Some(value),
            Verb::Rotate(_) | Verb::LogIn(_) => {
                self.is_logged_in |= matches!(verb, Verb::LogIn(_));
                self.refresh_tokens = results.split_off(1);
                let old = std::mem::replace(&mut self.token, results.remove(0));
                self.older_tokens.push(old);
            }
            Verb::Refresh => self.refresh_tokens.append(&mut results),
            Verb::Reuse => (self.is_ended, self.is_reused) = (true, true),
            Verb::Revoke => self.is_ended = true,
            _ => unreachable!("no verb of a session"),
        }
    }
}

pub fn grace(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

/// The old site, whose cookies are worth nothing a second time.
pub fn old_site() -> Importer {
    Importer::new(Maker::django("sessionid").unwrap(), tomorrow()).grace(Duration::ZERO)
}

fn tomorrow() -> Timestamp {
    SystemClock.now().plus(Duration::from_secs(86_400))
}

/// The id of a life's session at the old site: 32 letters and digits.
pub fn old_key(name: &str) -> String {
    format!("{:z<32}", name.replace('-', "x"))
}

/// What the old site's database says of a life.
pub fn old_row(name: &str) -> String {
    let (key, until) = (old_key(name), tomorrow().as_millis());
    format!(
        r#"{{"session_key":"{key}","session_data":{{"_auth_user_id":"{name}"}},"expire_date":{until}}}"#
    )
}

pub const PURPOSE: &str = "sign-in";
