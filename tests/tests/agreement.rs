//! Random sequences of verbs, and what every way of asking says of every token after each.
//!
//! No model says what is right: the answers have to agree with each other. `verify`, `peek`, the
//! answers at once, `introspect`, cookies, lists and watches are different paths to one verdict,
//! and a path that forgets a rule contradicts the others. `SESSILE_AGREEMENTS` says how many
//! sequences, `SESSILE_SEED` from which on: a failure names the seed that repeats it alone.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use sessile::store::MemoryStore;
use sessile::testing::ManualClock;
use sessile::{
    AccessOptions, AccessTokens, ApiKeyOptions, Clock, Config, CreateOptions, Engine, ErrorKind,
    Handle, Issued, KeyState, Lifetimes, Reason, RefreshGrant, RefreshRequest, RotateOptions,
    Timestamp, Verdict, Watch,
};
use sessile_tests::fixture::{MINUTE, secret};

#[test]
fn all_that_tell_of_a_token_agree_in_every_state() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let count = number("SESSILE_AGREEMENTS").unwrap_or(150);
    let seed = number("SESSILE_SEED").unwrap_or_else(|| u64::from(std::process::id()) * 1_000_000);
    println!("{count} sequences, SESSILE_SEED={seed}");
    let mut answers = BTreeMap::new();
    for seed in (0..count).map(|i| seed.wrapping_add(i)) {
        let mut site = Site::new(seed);
        let played = catch_unwind(AssertUnwindSafe(|| site.play()));
        if let Err(panic) = played {
            println!("{}", site.trace.join("\n"));
            println!("SESSILE_SEED={seed} SESSILE_AGREEMENTS=1 repeats it");
            resume_unwind(panic);
        }
        for (answer, times) in site.answers {
            *answers.entry(answer).or_insert(0) += times;
        }
    }
    println!("no contradiction in {answers:?}");
    if count >= 100 {
        for answer in EXPECTED {
            assert!(answers.contains_key(*answer), "never {answer}");
        }
    }
}

/// Whoever asks, and all that was handed out.
struct Site {
    engine: Engine,
    clock: ManualClock,
    /// Each with the handle of its session, oldest first.
    sessions: Vec<(String, Handle)>,
    refresh_tokens: Vec<(String, Handle)>,
    access_tokens: Vec<(String, Handle)>,
    api_keys: Vec<(String, Handle)>,
    watches: Vec<(Watch, Handle)>,
    successors: BTreeMap<Handle, Handle>,
    trace: Vec<String>,
    answers: BTreeMap<String, u64>,
    random: u64,
}

type Verb = fn(&mut Site);

/// Each with how often it comes.
const VERBS: &[(u64, &str, Verb)] = &[
    (8, "create", Site::create),
    (5, "rotate", Site::rotate),
    (3, "log_in", Site::log_in),
    (8, "refresh", Site::refresh),
    (6, "issue_access", Site::issue_access),
    (2, "deny_access", Site::deny_access),
    (2, "create_api_key", Site::create_api_key),
    (1, "revoke_api_key", Site::revoke_api_key),
    (3, "watch", Site::watch),
    (3, "suspend", Site::suspend),
    (4, "reinstate", Site::reinstate),
    (3, "revoke", Site::revoke),
    (2, "revoke_presented", Site::revoke_presented),
    (2, "revoke_subject", Site::revoke_subject),
    (1, "revoke_all", Site::revoke_all),
    (2, "bump_claims", Site::bump_claims),
    (1, "rotate_key", Site::rotate_key),
    (1, "retire_key", Site::retire_key),
    (8, "pass", Site::pass),
    (3, "tick", Site::tick),
    (1, "crowd", Site::crowd),
];

impl Site {
    fn new(seed: u64) -> Self {
        let clock = ManualClock::default();
        let lifetimes = Lifetimes { idle_timeout: 10 * MINUTE, absolute_lifetime: 60 * MINUTE };
        let config = Config::with_store(Arc::new(MemoryStore::new()))
            .master_secret(secret())
            .clock(clock.clone())
            .lifetimes(lifetimes)
            .cache_len_max_bytes(64 << 10)
            .refresh_grace(Duration::from_secs(10))
            .access_tokens(AccessTokens::new("https://issuer.example", "https://api.example"))
            .no_threads();
        Site {
            engine: Engine::open_with(config).unwrap(),
            clock,
            sessions: Vec::new(),
            refresh_tokens: Vec::new(),
            access_tokens: Vec::new(),
            api_keys: Vec::new(),
            watches: Vec::new(),
            successors: BTreeMap::new(),
            trace: Vec::new(),
            answers: BTreeMap::new(),
            random: seed,
        }
    }

    fn play(&mut self) {
        for _ in 0..STEPS {
            let mut ticket = self.below(VERBS.iter().map(|(weight, ..)| weight).sum());
            let chosen = VERBS.iter().find(|(weight, ..)| {
                let is_chosen = ticket < *weight;
                ticket = ticket.saturating_sub(*weight);
                is_chosen
            });
            let (_, name, verb) = chosen.unwrap();
            self.trace.push(format!("{name} at {}", self.clock.now().as_millis()));
            verb(self);
            self.agree(*name == "tick");
        }
    }

    fn agree(&mut self, is_after_tick: bool) {
        for (token, _) in self.sessions.clone() {
            self.session_agrees(&token);
        }
        for (token, handle) in self.access_tokens.clone() {
            self.access_agrees(&token, &handle);
        }
        for (token, handle) in self.refresh_tokens.clone() {
            self.refresh_agrees(&token, &handle);
        }
        SUBJECTS.iter().for_each(|subject| self.lists_agree(subject));
        self.api_keys_agree();
        self.watches_agree(is_after_tick);
    }

    /// Every way of asking about a session token. Those that touch come last, and seldom: what is
    /// asked for all the time never ends by itself.
    fn session_agrees(&mut self, token: &str) {
        let engine = self.engine.clone();
        let cold = engine.peek_at_once(token).unwrap();
        let peeked = engine.peek(token).unwrap();
        let warm = engine.peek_at_once(token).unwrap();
        for (when, at_once) in [("before", &cold), ("after", &warm)] {
            if let Some(at_once) = at_once {
                same(&format!("at once, {when}"), at_once, &peeked);
            }
        }
        self.saw(if warm.is_some() { "at once" } else { "not at once" });
        let introspected = is_active(&engine, token);
        assert_eq!(introspected, peeked.is_valid(), "introspect: {:?}", peeked.reason());
        let header = format!("{}={token}", engine.cookies().name());
        same("peek_cookies", &engine.peek_cookies([&header]).unwrap().unwrap(), &peeked);
        self.saw(peeked.reason().map_or("valid", Reason::name));
        if let Some(session) = peeked.session() {
            let has_data = engine.data(session.handle()).unwrap().is_some();
            assert!(has_data || session.rotated_to().is_some(), "a session without data");
        }
        match self.below(24) {
            0 => same("verify", &engine.verify(token).unwrap(), &peeked),
            1 => {
                let at_once = engine.verify_at_once(token).unwrap();
                at_once.iter().for_each(|at_once| same("verify_at_once", at_once, &peeked));
            }
            2 => {
                let verdict = engine.verify_cookies([&header]).unwrap().unwrap();
                same("verify_cookies", &verdict, &peeked);
            }
            3 => {
                let verdict = engine.verify_bearer(&format!("Bearer {token}")).unwrap().unwrap();
                same("verify_bearer", &verdict, &peeked);
            }
            // It says no to what peek says no to, whatever it would do to the good ones.
            _ if !peeked.is_valid() => {
                same("verify", &engine.verify(token).unwrap(), &peeked);
            }
            _ => {}
        }
    }

    /// An access token is good where it is introspected, and no longer than its session.
    fn access_agrees(&mut self, token: &str, handle: &Handle) {
        let engine = self.engine.clone();
        let is_active = is_active(&engine, token);
        if is_active {
            let latest = self.latest(handle);
            let reason = self.reason_of(&latest);
            assert!(
                matches!(reason, None | Some(Reason::UnknownKey)),
                "an access token is good, and its session {reason:?}"
            );
        }
        // Of those that are good, only now and then one: it touches.
        if is_active && self.below(12) > 0 {
            return;
        }
        let at_once = engine.verify_access_at_once(token).unwrap();
        let verified = engine.verify_access(token).unwrap();
        let reason = verified.reason();
        assert_eq!(reason.is_none(), is_active, "verify_access: {reason:?}");
        if let Some(at_once) = at_once {
            assert_eq!(at_once.reason(), reason, "verify_access_at_once");
            self.saw("access at once");
        }
        self.saw(&format!("access {}", reason.map_or("valid", Reason::name)));
    }

    /// A refresh token is introspected as active only while its session is valid.
    fn refresh_agrees(&mut self, token: &str, handle: &Handle) {
        let is_active = is_active(&self.engine, token);
        let reason = self.reason_of(handle);
        if is_active {
            assert!(
                matches!(reason, None | Some(Reason::UnknownKey)),
                "a refresh token is active, and its session {reason:?}"
            );
        }
        self.saw(if is_active { "refresh token active" } else { "refresh token inactive" });
    }

    /// Lists show exactly the sessions whose tokens are good.
    fn lists_agree(&mut self, subject: &str) {
        let listed = self.engine.list(subject).unwrap();
        let mut listed: BTreeSet<_> = listed.iter().map(|info| info.handle).collect();
        assert_eq!(self.engine.is_active(subject).unwrap(), !listed.is_empty());
        assert_eq!(self.engine.count(subject).unwrap(), listed.len());
        let mut good = BTreeSet::new();
        for (token, handle) in &self.sessions {
            match self.engine.peek(token).unwrap() {
                Verdict::Valid(session) => {
                    if session.rotated_to().is_none()
                        && session.subject().is_some_and(|of| of.as_str() == subject)
                    {
                        good.insert(*handle);
                    }
                }
                // Its session may be good: of that its handle tells, and no token of it.
                Verdict::Rejected(Reason::UnknownKey) => {
                    listed.remove(handle);
                }
                Verdict::Rejected(_) => {}
            }
        }
        assert_eq!(listed, good, "the list of {subject}");
    }

    fn api_keys_agree(&mut self) {
        let engine = self.engine.clone();
        let listed = SUBJECTS.iter().flat_map(|subject| engine.list_api_keys(subject).unwrap());
        let listed: BTreeSet<_> = listed.map(|key| key.handle).collect();
        for (token, handle) in self.api_keys.clone() {
            let is_active = is_active(&engine, &token);
            let reason = engine.verify_api_key(&token).unwrap().reason();
            assert_eq!(is_active, reason.is_none(), "an API key: {reason:?}");
            if reason != Some(Reason::UnknownKey) {
                assert_eq!(listed.contains(&handle), is_active, "in the list: {reason:?}");
            }
            self.saw(&format!("API key {}", reason.map_or("valid", Reason::name)));
        }
    }

    /// A watch ends with its session: at once, or with the tick after its time is over.
    fn watches_agree(&mut self, is_after_tick: bool) {
        for (watch, handle) in std::mem::take(&mut self.watches) {
            let reason = self.reason_of(&self.latest(&handle));
            if reason == Some(Reason::UnknownKey) {
                continue;
            }
            match watch.ended() {
                Some(ended) => assert!(reason.is_some(), "a watch ended, {ended}, and it is good"),
                None => {
                    let is_over = matches!(reason, Some(Reason::Expired | Reason::IdleExpired));
                    let is_late = is_over && !is_after_tick;
                    assert!(reason.is_none() || is_late, "a watch goes on: {reason:?}");
                    self.watches.push((watch, handle));
                }
            }
            self.saw(if reason.is_none() { "watched" } else { "watched to its end" });
        }
    }
}

/// The verbs.
impl Site {
    fn create(&mut self) {
        let options = match self.below(4) {
            0 => CreateOptions::anonymous(),
            _ => CreateOptions::for_subject(self.subject()).unwrap(),
        };
        let is_refreshable = self.below(2) == 0;
        let options =
            if is_refreshable { options.refreshable(RefreshGrant::new()) } else { options };
        if let Some(issued) = allowing(ErrorKind::Suspended, self.engine.create(options)) {
            self.hand_out(&issued);
        }
    }

    fn rotate(&mut self) {
        self.rotate_as(RotateOptions::new());
    }

    fn log_in(&mut self) {
        let options = RotateOptions::log_in(self.subject()).unwrap();
        self.rotate_as(options);
    }

    fn rotate_as(&mut self, options: RotateOptions) {
        let Some((_, handle)) = self.any(&self.sessions.clone()) else { return };
        let grace = Duration::from_secs([0, 10, 60][self.below(3) as usize]);
        match self.engine.rotate_with(&handle, options.grace(grace)) {
            Ok(issued) => {
                let from = self.latest(&handle);
                if from != *issued.session.handle() {
                    self.successors.insert(from, *issued.session.handle());
                }
                self.hand_out(&issued);
            }
            Err(error) => {
                let kinds = [ErrorKind::SessionGone, ErrorKind::Suspended, ErrorKind::InvalidInput];
                assert!(kinds.contains(&error.kind()), "{error}");
            }
        }
    }

    /// What is introspected as active is accepted, and nothing else.
    fn refresh(&mut self) {
        let Some((token, handle)) = self.any(&self.refresh_tokens.clone()) else { return };
        let was_active = is_active(&self.engine, &token);
        let answer = self.engine.refresh(&token, &RefreshRequest::new()).unwrap();
        assert_eq!(answer.refreshed().is_some(), was_active, "refresh: {:?}", answer.reason());
        match answer.refreshed() {
            Some(refreshed) => {
                let token = refreshed.refresh_token.as_str().to_owned();
                if self.refresh_tokens.iter().all(|(known, _)| *known != token) {
                    self.refresh_tokens.push((token, handle));
                }
            }
            None => {
                let reason = answer.reason().unwrap();
                self.saw(&format!("refresh {}", reason.name()));
            }
        }
    }

    /// A session gets an access token while a token of it is good.
    fn issue_access(&mut self) {
        let Some((token, handle)) = self.any(&self.sessions.clone()) else { return };
        let peeked = self.engine.peek(&token).unwrap();
        let issued = self.engine.issue_access(&handle, &AccessOptions::new());
        let is_plain = |session: &sessile::Session| {
            session.rotated_to().is_none() && session.subject().is_some()
        };
        if peeked.reason() != Some(Reason::UnknownKey) {
            let is_expected = peeked.session().is_some_and(is_plain);
            assert_eq!(issued.is_ok(), is_expected, "issue_access: {:?}", peeked.reason());
        }
        if let Ok(issued) = issued {
            self.access_tokens.push((issued.token, handle));
        }
    }

    fn deny_access(&mut self) {
        let Some((token, _)) = self.any(&self.access_tokens.clone()) else { return };
        let was_active = is_active(&self.engine, &token);
        let was_good = self.engine.deny_access(&token).unwrap();
        assert!(was_good || !was_active, "it was good, and could be denied");
        assert!(!is_active(&self.engine, &token), "denied, and good");
    }

    fn create_api_key(&mut self) {
        let mut options = ApiKeyOptions::new(self.subject(), "a program").unwrap();
        if self.below(2) == 0 {
            options = options.outliving_sessions();
        }
        if self.below(2) == 0 {
            options = options.lifetime(20 * MINUTE);
        }
        let issued = self.engine.create_api_key(&options);
        if let Some(issued) = allowing(ErrorKind::Suspended, issued) {
            self.api_keys.push((issued.token.as_str().to_owned(), issued.key.handle));
        }
    }

    fn revoke_api_key(&mut self) {
        let Some((_, handle)) = self.any(&self.api_keys.clone()) else { return };
        self.engine.revoke_api_key(&handle).unwrap();
    }

    fn watch(&mut self) {
        let Some((token, handle)) = self.any(&self.sessions.clone()) else { return };
        if self.engine.peek(&token).unwrap().is_valid() {
            self.watches.push((self.engine.watch(&handle).unwrap(), handle));
        }
    }

    fn suspend(&mut self) {
        let until = (self.below(2) == 0).then(|| self.clock.now().plus(5 * MINUTE));
        let subject = self.subject();
        self.engine.suspend(subject, until).unwrap();
        assert!(!self.engine.is_active(subject).unwrap());
    }

    fn reinstate(&mut self) {
        let subject = self.subject();
        self.engine.reinstate(subject).unwrap();
    }

    fn revoke(&mut self) {
        let Some((token, handle)) = self.any(&self.sessions.clone()) else { return };
        self.engine.revoke(&handle).unwrap();
        assert!(!self.engine.verify(&token).unwrap().is_valid());
    }

    fn revoke_presented(&mut self) {
        let all = [&self.sessions, &self.refresh_tokens, &self.access_tokens, &self.api_keys];
        let all: Vec<_> = all.into_iter().filter_map(|tokens| tokens.last().cloned()).collect();
        let Some((token, _)) = self.any(&all) else { return };
        self.engine.revoke_presented(&token).unwrap();
        assert!(!is_active(&self.engine, &token), "revoked as presented, and active");
    }

    fn revoke_subject(&mut self) {
        let subject = self.subject();
        let listed = self.engine.list(subject).unwrap();
        let except = listed.first().map(|info| info.handle).filter(|_| self.below(2) == 0);
        self.engine.revoke_subject(subject, except.as_ref()).unwrap();
        let left: Vec<_> =
            self.engine.list(subject).unwrap().iter().map(|info| info.handle).collect();
        assert_eq!(Vec::from_iter(except), left, "only what was excepted is left");
    }

    fn revoke_all(&mut self) {
        self.engine.revoke_all().unwrap();
        let tokens = self.sessions.iter().chain(&self.access_tokens).chain(&self.refresh_tokens);
        assert!(tokens.into_iter().all(|(token, _)| !is_active(&self.engine, token)));
    }

    fn bump_claims(&mut self) {
        let subject = self.subject();
        self.engine.bump_claims(subject).unwrap();
    }

    fn rotate_key(&mut self) {
        self.engine.rotate_key().unwrap();
    }

    fn retire_key(&mut self) {
        let old = self.engine.keys().into_iter().find(|key| key.state == KeyState::Verifying);
        if let Some(old) = old {
            self.engine.retire_key(old.id).unwrap();
        }
    }

    /// Some time, or to a deadline of a session, or to just before it.
    fn pass(&mut self) {
        let now = self.clock.now();
        let some = [1, 500, 5_000, 9_999, 60_000, 240_000, 600_000];
        let mut until = now.plus(Duration::from_millis(some[self.below(7) as usize]));
        if let Some((token, _)) = self.any(&self.sessions.clone())
            && let Some(session) = self.engine.peek(&token).unwrap().session()
            && self.below(2) == 0
        {
            let deadline = session.idle_deadline().min(session.absolute_deadline());
            until = Timestamp::from_millis(deadline.as_millis() - self.below(2)).max(now);
        }
        self.clock.advance(until.since(now));
    }

    fn tick(&mut self) {
        self.engine.tick().unwrap();
    }

    /// Others, that push everything out of the cache.
    fn crowd(&mut self) {
        for _ in 0..400 {
            let _ = self.engine.create(CreateOptions::anonymous()).unwrap();
        }
    }
}

/// What is known of what was handed out.
impl Site {
    fn hand_out(&mut self, issued: &Issued) {
        let handle = *issued.session.handle();
        self.sessions.push((issued.token.as_str().to_owned(), handle));
        if let Some(token) = &issued.refresh_token {
            self.refresh_tokens.push((token.as_str().to_owned(), handle));
        }
    }

    fn latest(&self, handle: &Handle) -> Handle {
        let mut latest = *handle;
        while let Some(next) = self.successors.get(&latest) {
            latest = *next;
        }
        latest
    }

    /// Why the token of a session is not good.
    fn reason_of(&self, handle: &Handle) -> Option<Reason> {
        let (token, _) = self.sessions.iter().rfind(|(_, of)| of == handle).unwrap();
        self.engine.peek(token).unwrap().reason()
    }

    fn subject(&mut self) -> &'static str {
        SUBJECTS[self.below(SUBJECTS.len() as u64) as usize]
    }

    /// One of the newest.
    fn any(&mut self, all: &[(String, Handle)]) -> Option<(String, Handle)> {
        let newest = all.len().min(8) as u64;
        (newest > 0).then(|| all[all.len() - 1 - self.below(newest) as usize].clone())
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn saw(&mut self, answer: &str) {
        *self.answers.entry(answer.to_owned()).or_default() += 1;
    }
}

fn is_active(engine: &Engine, token: &str) -> bool {
    let members: serde_json::Value =
        serde_json::from_str(&engine.introspect(token).unwrap()).unwrap();
    members["active"].as_bool().unwrap()
}

/// Two verdicts say the same of the same session.
fn same(what: &str, a: &Verdict, b: &Verdict) {
    assert_eq!(a.reason(), b.reason(), "{what}");
    if let (Some(a), Some(b)) = (a.session(), b.session()) {
        assert_eq!(a.handle(), b.handle(), "{what}");
        assert_eq!(a.subject(), b.subject(), "{what}");
        assert_eq!(a.rotated_to(), b.rotated_to(), "{what}");
        assert_eq!(a.are_claims_stale(), b.are_claims_stale(), "{what}");
        assert_eq!(a.absolute_deadline(), b.absolute_deadline(), "{what}");
        assert_eq!(a.renewed_token().is_some(), b.renewed_token().is_some(), "{what}");
    }
}

fn allowing<T>(kind: ErrorKind, result: sessile::Result<T>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{error}");
            None
        }
    }
}

const SUBJECTS: [&str; 3] = ["alice", "bob", "carol"];

const STEPS: usize = 40;

/// What has to come up, to see that the sequences lead there.
const EXPECTED: &[&str] = &[
    "valid",
    "at once",
    "not at once",
    "suspended",
    "revoked_session",
    "revoked_subject",
    "revoked_all",
    "idle_expired",
    "unknown_key",
    "reused",
    "access valid",
    "access at once",
    "access denied",
    "access stale_claims",
    "access suspended",
    "access expired",
    "refresh token active",
    "refresh token inactive",
    "refresh reused",
    "API key valid",
    "API key suspended",
    "API key denied",
    "watched",
    "watched to its end",
];
