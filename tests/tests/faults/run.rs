//! One run: the scripts, the engine and the model, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use sessile::store::{MemoryStore, SledOptions, SledStore, Store, Table};
use sessile::testing::{Fault, FaultStore, ManualClock};
use sessile::{
    AtLimit, Clock, Config, CreateOptions, Data, Engine, Error, ErrorKind, Issued, Lifetimes,
    MasterSecret, Reason, Result, Verdict,
};

use tempfile::TempDir;

use super::held::Held;
use super::world::{Answer, World};

/// Where the rows of a run are.
pub enum Backend {
    Memory(Arc<MemoryStore>),
    Sled(TempDir),
}

impl Backend {
    pub fn memory() -> Self {
        Backend::Memory(Arc::default())
    }

    pub fn sled() -> Self {
        // In memory where there are files in memory: it is not the disk that fails here.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Backend::Sled(dir.unwrap())
    }

    fn open(&self) -> Arc<FaultStore> {
        let store: Arc<dyn Store> = match self {
            Backend::Memory(store) => store.clone(),
            Backend::Sled(dir) => {
                let options = SledOptions::new(dir.path()).cache_len_max_bytes(16 << 20);
                Arc::new(SledStore::open(options).unwrap())
            }
        };
        Arc::new(FaultStore::new(store))
    }
}

/// One run of a script.
pub struct Run {
    backend: Backend,
    pub store: Arc<FaultStore>,
    pub clock: ManualClock,
    pub engine: Option<Engine>,
    pub fault: Option<Fault>,
    pub tokens: BTreeMap<&'static str, Issued>,
    pub held: Held,
    last_error: Option<ErrorKind>,
    pub worlds: Vec<World>,
    /// What a revoke of unknown outcome meant to end: this process must reject it.
    pub condemned: BTreeSet<&'static str>,
    /// Of what a change of unknown outcome touched: this process may reject it.
    doubtful: BTreeSet<&'static str>,
    /// Sessions that were seen, and those that a tick or a close acknowledged as seen.
    seen: BTreeSet<&'static str>,
    kept: BTreeSet<&'static str>,
    is_swept: bool,
    /// Whether new tokens are under a later key than the first.
    pub is_later_key_active: bool,
}

impl Run {
    pub fn new(backend: Backend, fault: Option<Fault>) -> Self {
        let store = backend.open();
        if let Some(fault) = fault {
            store.fail(fault);
        }
        Run {
            backend,
            store,
            clock: ManualClock::default(),
            engine: None,
            fault,
            tokens: BTreeMap::new(),
            held: Held::default(),
            last_error: None,
            worlds: vec![World::default()],
            condemned: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            seen: BTreeSet::new(),
            kept: BTreeSet::new(),
            is_swept: false,
            is_later_key_active: false,
        }
    }

    /// The verbs of one session, and what happens behind them.
    pub fn sessions(&mut self) {
        if !self.open() {
            return;
        }
        self.create("anonymous", "");
        for (name, subject) in
            [("a1", "alice"), ("a2", "alice"), ("a3", "alice"), ("b1", "bob"), ("b2", "bob")]
        {
            self.create(name, subject);
        }
        self.create_at_the_limit("a4", "alice", "a1");
        self.revoke("a2");
        self.create_retiring("b3", "bob", "b1");
        self.create_for_a_second();
        self.clock.advance(MINUTE * 5);
        self.probe("five minutes later");
        // What the first leaves undone the second does.
        self.tick();
        self.tick();
        if !self.open() {
            return;
        }
        self.probe("with a cold cache");
        self.count("alice");
        self.revoke("a3");
        self.revoke("a3");
        self.clock.advance(MINUTE * 5);
        self.probe("ten minutes later");
        self.close();
    }

    /// The verbs of a subject.
    pub fn subjects(&mut self) {
        if !self.open() {
            return;
        }
        for (name, subject) in
            [("a1", "alice"), ("b1", "bob"), ("b2", "bob"), ("b3", "bob"), ("c1", "carol")]
        {
            self.create(name, subject);
        }
        self.revoke_subject("bob", "b2");
        self.bump_claims("carol");
        self.suspend("carol");
        self.create("c2", "carol");
        self.reinstate("carol");
        self.suspend("alice");
        if !self.open() {
            return;
        }
        self.probe("with a cold cache");
        self.count("alice");
        self.create("c3", "carol");
        self.revoke_subject("bob", "");
        self.create("b4", "bob");
        self.tick();
        self.close();
    }

    /// What concerns all.
    pub fn everything(&mut self) {
        if !self.open() {
            return;
        }
        for (name, subject) in [("a1", "alice"), ("b1", "bob"), ("b2", "bob"), ("anonymous", "")] {
            self.create(name, subject);
        }
        self.revoke("b1");
        self.revoke_all();
        self.create("a2", "alice");
        if !self.open() {
            return;
        }
        self.probe("with a cold cache");
        self.create("d1", "dave");
        self.revoke("a2");
        self.close();
    }

    /// A store with some sessions in it.
    pub fn filled(mut self) -> Arc<FaultStore> {
        self.sessions();
        self.store
    }

    pub fn open(&mut self) -> bool {
        self.engine = None;
        self.condemned.clear();
        self.doubtful.clear();
        self.seen.clear();
        for _ in 0..2 {
            let failed = self.store.failed_calls();
            let opened = Engine::open_with(config(self.store.clone(), &self.clock));
            self.is_failed_as_the_store("open", failed, opened.as_ref().err());
            self.engine = opened.ok();
            if self.engine.is_some() {
                return true;
            }
        }
        false
    }

    pub fn create(&mut self, name: &'static str, subject: &'static str) {
        self.create_with(
            name,
            subject,
            |options| options,
            &[&|world: &mut World| {
                world.create(name, subject);
            }],
        );
    }

    fn create_at_the_limit(&mut self, name: &'static str, subject: &'static str, oldest: &str) {
        // A create that failed left room.
        let is_full = self.worlds.iter().all(|world| world.count(subject) == LIMIT);
        self.create_with(
            name,
            subject,
            |options| options,
            &[&|world: &mut World| {
                if is_full {
                    world.end(oldest, Reason::RevokedSession);
                }
                world.create(name, subject);
            }],
        );
    }

    fn create_retiring(&mut self, name: &'static str, subject: &'static str, old: &'static str) {
        let Some(token) = self.tokens.get(old).map(|issued| issued.token.clone()) else { return };
        // The new one first: a crash between must not lose the login.
        let create = |world: &mut World| world.create(name, subject);
        let retire = |world: &mut World| world.end(old, Reason::RevokedSession);
        let steps: &[&dyn Fn(&mut World)] = &[&create, &retire];
        self.create_with(name, subject, |options| options.retire(token.as_str()), steps);
        if !self.tokens.contains_key(name) {
            self.doubtful.insert(old);
        }
    }

    pub fn create_with(
        &mut self,
        name: &'static str,
        subject: &'static str,
        with: impl FnOnce(CreateOptions) -> CreateOptions,
        steps: &[&dyn Fn(&mut World)],
    ) {
        self.clock.advance(Duration::from_secs(1));
        let options = match subject {
            "" => CreateOptions::anonymous(),
            subject => CreateOptions::for_subject(subject).unwrap(),
        };
        let created = self.step("create", |engine| engine.create(with(options)), steps);
        if let Some(issued) = created {
            self.tokens.insert(name, issued);
            for world in &mut self.worlds {
                world.sessions.get_mut(name).unwrap().is_under_later_key = self.is_later_key_active;
            }
        }
        self.probe("after create");
    }

    /// A session that is over, and may be swept, when five minutes have passed.
    fn create_for_a_second(&mut self) {
        let second = Duration::from_secs(1);
        let short = Lifetimes { idle_timeout: second, absolute_lifetime: second };
        let options = CreateOptions::anonymous().lifetimes(short);
        let created = self.step("create", |engine| engine.create(options), &[]);
        if let Some(issued) = created {
            self.tokens.insert(SHORT, issued);
        }
    }

    pub fn revoke(&mut self, name: &'static str) {
        let Some(issued) = self.tokens.get(name).cloned() else { return };
        let handle = issued.session.handle();
        let end = |world: &mut World| world.end(name, Reason::RevokedSession);
        self.step("revoke", |engine| engine.revoke(handle), &[&end]);
        if self.is_unknown() {
            self.condemned.insert(name);
        }
        self.probe("after revoke");
    }

    fn revoke_subject(&mut self, subject: &'static str, except: &'static str) {
        let except_handle = self.tokens.get(except).map(|issued| *issued.session.handle());
        let revoke = |world: &mut World| {
            for (name, state) in world.of(subject) {
                state.is_below_watermark |= except_handle.is_none() || *name != except;
            }
        };
        let verb = |engine: &Engine| engine.revoke_subject(subject, except_handle.as_ref());
        self.step("revoke_subject", verb, &[&revoke]);
        self.doubt(subject, true, except);
        self.probe("after revoke_subject");
    }

    fn bump_claims(&mut self, subject: &'static str) {
        let bump =
            |world: &mut World| world.of(subject).for_each(|(_, state)| state.is_stale = true);
        self.step("bump_claims", |engine| engine.bump_claims(subject), &[&bump]);
        self.doubt(subject, false, "");
        self.probe("after bump_claims");
    }

    fn suspend(&mut self, subject: &'static str) {
        let suspend = |world: &mut World| {
            world.suspended.insert(subject);
        };
        self.step("suspend", |engine| engine.suspend(subject, None), &[&suspend]);
        self.doubt(subject, true, "");
        self.probe("after suspend");
    }

    fn reinstate(&mut self, subject: &'static str) {
        let reinstate = |world: &mut World| {
            world.suspended.remove(subject);
        };
        self.step("reinstate", |engine| engine.reinstate(subject), &[&reinstate]);
        self.doubt(subject, false, "");
        self.probe("after reinstate");
    }

    pub fn revoke_all(&mut self) {
        let revoke = |world: &mut World| {
            world.sessions.values_mut().for_each(|state| state.is_below_generation = true);
        };
        self.step("revoke_all", Engine::revoke_all, &[&revoke]);
        if self.is_unknown() {
            self.condemned.extend(self.tokens.keys());
        }
        self.probe("after revoke_all");
    }

    fn count(&mut self, subject: &'static str) {
        let counted = self.step("count", |engine| engine.count(subject), &[]);
        let active = self.step("is_active", |engine| engine.is_active(subject), &[]);
        let is_one = |n| self.worlds.iter().any(|world| world.count(subject) == n);
        assert!(counted.is_none_or(is_one), "{counted:?}: {:?}", self.worlds);
        assert!(active.is_none_or(|active| is_one(0) != active || self.worlds.len() > 1));
    }

    pub fn tick(&mut self) {
        if let Some(report) = self.step("tick", Engine::tick, &[]) {
            self.kept.append(&mut self.seen);
            self.is_swept |= report.rows_swept > 0;
        }
        self.probe("after a tick");
    }

    pub fn close(&mut self) {
        if self.step("close", Engine::close, &[]).is_some() {
            self.kept.append(&mut self.seen);
        }
        for issued in self.tokens.values() {
            match self.engine.as_ref().unwrap().verify(issued.token.as_str()) {
                Err(error) => assert_eq!(error.kind(), ErrorKind::Closed),
                // That needs no store.
                Ok(verdict) => assert_eq!(verdict.reason(), Some(Reason::UnknownKey)),
            }
        }
    }

    /// Runs a verb that changes the world in these steps.
    pub fn step<T>(
        &mut self,
        verb: &str,
        run: impl FnOnce(&Engine) -> Result<T>,
        steps: &[&dyn Fn(&mut World)],
    ) -> Option<T> {
        let failed = self.store.failed_calls();
        let answer = run(self.engine.as_ref().unwrap());
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Suspended
        {
            assert!(self.worlds.iter().any(|world| !world.suspended.is_empty()));
            return None;
        }
        self.is_failed_as_the_store(verb, failed, answer.as_ref().err());
        self.last_error = answer.as_ref().err().map(Error::kind);
        let mut possible = Vec::new();
        for mut world in std::mem::take(&mut self.worlds) {
            let mut stages = vec![world.clone()];
            for step in steps {
                step(&mut world);
                stages.push(world.clone());
            }
            possible.extend_from_slice(match self.last_error {
                None => &stages[steps.len()..],
                Some(ErrorKind::OutcomeUnknown) => &stages,
                // A verb of several commits may fail between two of them.
                Some(_) => &stages[..steps.len().max(1)],
            });
        }
        possible.dedup();
        self.worlds = possible;
        answer.ok()
    }

    /// Runs a verb whose answer depends on the world, in one commit.
    pub fn ask<T, A: PartialEq + Debug>(
        &mut self,
        verb: &str,
        run: impl FnOnce(&Engine) -> Result<T>,
        answer_of: impl Fn(&T) -> A,
        step: &dyn Fn(&mut World) -> A,
    ) -> Option<T> {
        self.ask_after(verb, run, answer_of, &|_| (), step)
    }

    /// The same, after a first commit that has no answer.
    pub fn ask_after<T, A: PartialEq + Debug>(
        &mut self,
        verb: &str,
        run: impl FnOnce(&Engine) -> Result<T>,
        answer_of: impl Fn(&T) -> A,
        first: &dyn Fn(&mut World),
        step: &dyn Fn(&mut World) -> A,
    ) -> Option<T> {
        let before = self.worlds.clone();
        let step_alone = |world: &mut World| drop(step(world));
        let answer = self.step(verb, run, &[first, &step_alone])?;
        let said = answer_of(&answer);
        self.worlds = before;
        let all = format!("{:?}", self.worlds);
        self.worlds.iter_mut().for_each(first);
        self.worlds.retain_mut(|world| step(world) == said);
        let is_true = !self.worlds.is_empty();
        assert!(is_true, "{verb} gave {said:?} under {:?}: {all}", self.fault);
        Some(answer)
    }

    /// Of this session a change of unknown outcome may have come about.
    pub fn doubt_of(&mut self, name: &'static str) {
        self.doubtful.insert(name);
    }

    pub fn is_unknown(&self) -> bool {
        self.last_error == Some(ErrorKind::OutcomeUnknown)
    }

    /// To be called after a change of a subject: when its outcome is unknown, this process may
    /// reject the subject's sessions, and must if it was a revocation.
    fn doubt(&mut self, subject: &str, is_revocation: bool, except: &str) {
        if !self.is_unknown() {
            return;
        }
        for (name, state) in self.worlds.iter().flat_map(|world| &world.sessions) {
            if state.subject == subject {
                self.doubtful.insert(name);
                if is_revocation && *name != except {
                    self.condemned.insert(name);
                }
            }
        }
    }

    /// Asks for everything. An answer, if there is one, is true in some possible world.
    pub fn probe(&mut self, when: &str) {
        let engine = self.engine.as_ref().unwrap();
        for (name, issued) in &self.tokens {
            for is_touch in [false, true] {
                let failed = self.store.failed_calls();
                let token = issued.token.as_str();
                let verdict = if is_touch { engine.verify(token) } else { engine.peek(token) };
                self.is_failed_as_the_store("verify", failed, verdict.as_ref().err());
                let Ok(verdict) = verdict else { continue };
                let found = answer_of(&verdict);
                let is_allowed = self.allows(name, issued, found);
                assert!(is_allowed, "{name} {when} under {:?}: {found:?}", self.fault);
                let is_late = self.clock.now() >= issued.session.created().plus(MINUTE * 4);
                if is_touch && is_late && verdict.is_valid() && !found.is_rotated {
                    self.seen.insert(name);
                }
            }
        }
        self.probe_data(when);
        self.probe_held(when);
    }

    /// Reads the data of every session.
    fn probe_data(&self, when: &str) {
        let engine = self.engine.as_ref().unwrap();
        for (name, issued) in self.tokens.iter().filter(|(name, _)| **name != SHORT) {
            let failed = self.store.failed_calls();
            let data = engine.data(issued.session.handle());
            self.is_failed_as_the_store("data", failed, data.as_ref().err());
            let Ok(data) = data else { continue };
            let found = data.as_ref().map(|data| value_of(data));
            let is_rejected = self.condemned.contains(name) || self.doubtful.contains(name);
            let is_allowed = (found.is_none() && is_rejected)
                || self.worlds.iter().any(|world| world.value(name) == found);
            assert!(is_allowed, "data of {name} {when} under {:?}: {found:?}", self.fault);
        }
    }

    fn allows(&self, name: &str, issued: &Issued, found: Answer) -> bool {
        if name == SHORT {
            let over = [Reason::Expired, Reason::IdleExpired, Reason::UnknownSession];
            let over = if self.is_swept { &over[2..] } else { &over[..] };
            let is_over = self.clock.now() >= issued.session.absolute_deadline();
            return found.reason.map_or(!is_over, |reason| is_over && over.contains(&reason));
        }
        let is_revoked = matches!(
            found.reason,
            Some(
                Reason::RevokedSession
                    | Reason::RevokedSubject
                    | Reason::RevokedAll
                    | Reason::Reused
                    | Reason::UnknownKey
            )
        );
        if self.condemned.contains(name) {
            return is_revoked || found.reason == Some(Reason::Suspended);
        }
        (is_revoked && self.doubtful.contains(name))
            || self.worlds.iter().any(|world| world.answer(name) == Some(found))
    }

    /// Opens the store again, without faults: what is found is one of the possible worlds.
    pub fn settle(mut self) {
        self.engine = None;
        // The old one first: a store on disk is open once at a time.
        self.store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        self.store = self.backend.open();
        let engine = Engine::open_with(config(self.store.clone(), &self.clock)).unwrap();
        let peek = |token: &Issued| engine.peek(token.token.as_str()).unwrap();
        let mut worlds = std::mem::take(&mut self.worlds);
        let all = format!("{worlds:?}");
        for (name, issued) in self.tokens.iter().filter(|(name, _)| **name != SHORT) {
            let found = answer_of(&peek(issued));
            worlds.retain(|world| world.answer(name) == Some(found));
            assert!(!worlds.is_empty(), "{name} is {found:?} under {:?}: {all}", self.fault);
            let value = engine.data(issued.session.handle()).unwrap();
            let value = value.map(|data| value_of(&data));
            worlds.retain(|world| world.value(name) == value);
            assert!(!worlds.is_empty(), "{name} has {value:?} under {:?}: {all}", self.fault);
        }
        for subject in SUBJECTS {
            let count = engine.count(subject).unwrap();
            worlds.retain(|world| world.count(subject) == count);
            assert!(!worlds.is_empty(), "{count} of {subject} under {:?}: {all}", self.fault);
        }
        self.held.settle(&engine, &mut worlds, &all);
        // Half an hour after their creation only those live on whose touch was written.
        self.clock.set(ManualClock::default().now().plus(MINUTE * 33));
        for name in &self.kept {
            let is_valid = peek(&self.tokens[name]).is_valid();
            let may_be = |world: &World| (world.answer(name).unwrap().reason.is_none()) == is_valid;
            assert!(worlds.iter().any(may_be), "a touch of {name} is lost under {:?}", self.fault);
        }
        for subject in SUBJECTS {
            let login = engine.create(CreateOptions::for_subject(subject).unwrap());
            let is_suspended = login.is_err_and(|e| e.kind() == ErrorKind::Suspended);
            worlds.retain(|world| world.suspended.contains(subject) == is_suspended);
            assert!(!worlds.is_empty(), "suspension of {subject} under {:?}: {all}", self.fault);
        }
        for issued in self.tokens.values() {
            engine.revoke(issued.session.handle()).unwrap();
            assert!(!peek(issued).is_valid());
        }
        // Also what nobody was given goes, and takes its data along.
        self.clock.advance(MINUTE * 60 * 24);
        while engine.tick().unwrap().rows_swept > 0 {}
        let rows = self.store.dump(None, 10_000).unwrap();
        let data = rows.iter().filter(|(key, _)| key.table() == Table::Data).count();
        assert_eq!(data, 0, "data without a session under {:?}: {all}", self.fault);
    }

    /// A verb fails exactly when the store did, and then says so.
    pub fn is_failed_as_the_store(&self, verb: &str, failed_before: u64, error: Option<&Error>) {
        let is_failed = self.store.failed_calls() > failed_before;
        let at = format!("{verb} under {:?}: {error:?}", self.fault);
        assert_eq!(error.is_some(), is_failed, "{at}");
        if let Some(error) = error {
            let fault = self.fault.expect("no fault, no error");
            assert!([fault.kind, ErrorKind::WritesRefused].contains(&error.kind()), "{at}");
        }
    }
}

fn answer_of(verdict: &Verdict) -> Answer {
    let session = verdict.session();
    Answer {
        reason: verdict.reason(),
        is_stale: session.is_some_and(|session| session.are_claims_stale()),
        is_rotated: session.is_some_and(|session| session.rotated_to().is_some()),
    }
}

fn value_of(data: &Data) -> Option<u32> {
    data.get("n").map(|value| std::str::from_utf8(value).unwrap().parse().unwrap())
}

pub fn config(store: Arc<dyn Store>, clock: &ManualClock) -> Config {
    let secret: Vec<u8> = (0..32u8).map(|i| i.wrapping_mul(37)).collect();
    Config::with_store(store)
        .master_secret(MasterSecret::from_bytes(secret))
        .clock(clock.clone())
        .max_sessions_per_subject(LIMIT, AtLimit::EvictOldest)
        .no_threads()
}

const SUBJECTS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const LIMIT: usize = 3;
const SHORT: &str = "short";
const MINUTE: Duration = Duration::from_secs(60);
