//! Plays a sequence: the engine and the model side by side.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sessile::store::MemoryStore;
use sessile::testing::ManualClock;
use sessile::{AtLimit, Config, Engine, Error, ErrorKind, KeyState, Reason, Result, Watch};
use sessile_tests::fixture::secret;

use crate::state::{Allowed, State};

pub struct Player {
    pub engine: Engine,
    pub store: Arc<MemoryStore>,
    pub clock: ManualClock,
    pub state: State,
    /// Each with the session that it was for.
    pub watches: Vec<(Watch, usize)>,
    pub trace: Vec<String>,
    pub figures: Figures,
    pub has_limit: bool,
    random: u64,
}

/// What has happened, to see that it was enough.
#[derive(Default)]
pub struct Figures {
    verbs: BTreeMap<&'static str, u64>,
    answers: BTreeMap<&'static str, u64>,
}

impl Figures {
    pub fn add(&mut self, other: &Figures) {
        for (verb, count) in &other.verbs {
            *self.verbs.entry(verb).or_default() += count;
        }
        for (answer, count) in &other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
    }

    pub fn assert_all_happened(&self) {
        let missing = VERBS.iter().filter(|(_, verb, _)| !self.verbs.contains_key(verb));
        assert_eq!(missing.count(), 0, "{self}");
        for answer in ["valid", "rotated", "replayed", "superseded", "idle_expired", "expired"] {
            assert!(self.answers.contains_key(answer), "never {answer}: {self}");
        }
        for reason in [
            Reason::UnknownKey,
            Reason::NotYetValid,
            Reason::RevokedSession,
            Reason::RevokedSubject,
            Reason::RevokedAll,
            Reason::Suspended,
            Reason::Denied,
            Reason::Reused,
            Reason::WrongPurpose,
            Reason::WrongClient,
            Reason::UnknownSession,
        ] {
            assert!(self.answers.contains_key(reason.name()), "never {reason}: {self}");
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, of them {:?}", self.verbs, self.answers)
    }
}

type Verb = fn(&mut Player);

/// Each with how often it comes.
const VERBS: &[(u32, &str, Verb)] = &[
    (8, "create", Player::create),
    (8, "verify", Player::verify),
    (3, "touch", Player::touch),
    (6, "rotate", Player::rotate),
    (4, "log_in", Player::log_in),
    (2, "reauthenticate", Player::reauthenticate),
    (3, "revoke", Player::revoke),
    (2, "revoke_subject", Player::revoke_subject),
    (2, "suspend", Player::suspend),
    (2, "reinstate", Player::reinstate),
    (1, "bump_claims", Player::bump_claims),
    (6, "patch", Player::patch),
    (2, "update", Player::update),
    (8, "refresh", Player::refresh),
    (2, "confirm_refresh", Player::confirm_refresh),
    (3, "issue_single_use", Player::issue_link),
    (5, "consume", Player::consume),
    (3, "bind_single_use", Player::bind),
    (1, "revoke_single_use", Player::revoke_link),
    (2, "create_api_key", Player::create_api_key),
    (3, "verify_api_key", Player::verify_api_key),
    (1, "revoke_api_key", Player::revoke_api_key),
    (2, "watch", Player::watch),
    (10, "pass", Player::pass),
    (3, "step_back", Player::step_back),
    (4, "tick", Player::tick),
    (2, "reopen", Player::reopen),
    (1, "crash", Player::crash),
];

/// Rarer than the others: each takes as long as many of them.
const RARE_VERBS: &[(u32, &str, Verb)] = &[
    (2, "revoke_all", Player::revoke_all),
    (2, "rotate_key", Player::rotate_key),
    (2, "publish_key", Player::publish_key),
    (2, "activate_key", Player::activate_key),
    (3, "retire_key", Player::retire_key),
    (1, "restore", Player::restore),
];

impl Player {
    pub fn new(seed: u64) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::default());
        let has_limit = seed.is_multiple_of(3);
        let mut player = Player {
            engine: Engine::open_with(config(store.clone(), &clock, has_limit)).unwrap(),
            store,
            clock,
            state: State::default(),
            watches: Vec::new(),
            trace: Vec::new(),
            figures: Figures::default(),
            has_limit,
            random: seed,
        };
        for key in player.engine.keys() {
            player.state.keys.insert(key.id, key.state);
        }
        assert_eq!(player.state.keys.values().collect::<Vec<_>>(), [&KeyState::Active]);
        player.tell_time();
        player
    }

    pub fn play(&mut self, steps: usize) {
        for _ in 0..steps {
            let verbs = if self.below(25) == 0 { RARE_VERBS } else { VERBS };
            let mut ticket = self.below(verbs.iter().map(|(weight, ..)| u64::from(*weight)).sum());
            let chosen = verbs.iter().find(|(weight, ..)| {
                let is_chosen = ticket < u64::from(*weight);
                ticket = ticket.saturating_sub(u64::from(*weight));
                is_chosen
            });
            let (_, name, verb) = chosen.unwrap();
            *self.figures.verbs.entry(name).or_default() += 1;
            self.note(format!("{name} at {}", self.state.now));
            verb(self);
            self.check_watches(*name == "tick");
            if self.below(3) == 0 {
                self.agree();
            }
        }
        self.agree();
    }

    pub fn config(&self) -> Config {
        config(self.store.clone(), &self.clock, self.has_limit)
    }

    pub fn note(&mut self, line: String) {
        self.trace.push(line);
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// The place of one of the newest of `len` things, if there is one.
    pub fn any(&mut self, len: usize) -> Option<usize> {
        let newest = len.min(8) as u64;
        (newest > 0).then(|| len - 1 - self.below(newest) as usize)
    }

    /// The place of a session, more often than not of one that is good.
    pub fn any_session(&mut self) -> Option<usize> {
        let good = (0..self.state.sessions.len()).filter(|i| self.state.of_session(*i).valid);
        let good: Vec<_> = good.collect();
        match self.any(good.len()) {
            Some(i) if self.below(3) > 0 => Some(good[i]),
            _ => self.any(self.state.sessions.len()),
        }
    }

    pub fn saw(&mut self, answer: &'static str) {
        *self.figures.answers.entry(answer).or_default() += 1;
    }

    /// Checks an answer against the model, and passes it on.
    pub fn expect(&mut self, what: &str, found: Option<Reason>, allowed: &Allowed) -> bool {
        assert!(allowed.holds(found), "{what} is {found:?}, and must be {allowed:?}");
        self.saw(found.map_or("valid", Reason::name));
        found.is_none()
    }
}

/// Checks that a verb fails exactly with `expected`.
pub fn outcome<T>(result: Result<T>, expected: Option<ErrorKind>) -> Option<T> {
    let found = result.as_ref().err().map(Error::kind);
    assert_eq!(found, expected, "{:?}", result.as_ref().err());
    result.ok()
}

fn config(store: Arc<MemoryStore>, clock: &ManualClock, has_limit: bool) -> Config {
    let config = Config::with_store(store)
        .master_secret(secret())
        .clock(clock.clone())
        .cache_len_max_bytes(1 << 20)
        .refresh_grace(Duration::from_secs(10))
        .no_threads();
    match has_limit {
        true => config.max_sessions_per_subject(LIMIT, AtLimit::EvictOldest),
        false => config,
    }
}

pub const LIMIT: usize = 2;
