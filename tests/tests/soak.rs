//! Sessions and tokens of every kind come and go for a long time: nothing grows for ever.
//!
//! `SESSILE_SOAK_CYCLES` asks for more of them than the few of a quick run. The clock moves by
//! 20 ms with each, so that everything that is made comes to its end many times over.

use std::sync::Arc;
use std::time::Duration;

use sessile::store::{MemoryStore, Store};
use sessile::testing::{Held, ManualClock};
use sessile::{
    AccessOptions, AccessTokens, ApiKeyOptions, Config, CreateOptions, Engine, Issued, Lifetimes,
    Patch, RefreshGrant, RefreshRequest, SingleUseOptions, Subscription, Watch,
};

/// What there is at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    held: Held,
    rows: usize,
    cached_bytes: u64,
    resident: u64,
}

impl Sample {
    /// By name, with how much it may grow beyond a tenth.
    fn figures(&self) -> [(&'static str, u64, u64); 11] {
        let Held {
            cached_sessions,
            cached_api_keys,
            seen_tokens,
            watches,
            agenda,
            touches,
            api_key_uses,
            condemned,
        } = self.held;
        let few = 50;
        [
            ("rows", self.rows as u64, few),
            ("cached bytes", self.cached_bytes, 64 << 10),
            ("cached sessions", cached_sessions as u64, few),
            ("cached API keys", cached_api_keys as u64, few),
            ("verified access tokens", seen_tokens as u64, few),
            ("watches", watches as u64, few),
            ("agenda", agenda as u64, few),
            ("touches", touches as u64, few),
            ("uses of API keys", api_key_uses as u64, few),
            ("condemned", condemned as u64, 0),
            ("resident bytes", self.resident, 16 << 20),
        ]
    }
}

struct World {
    engine: Engine,
    clock: ManualClock,
    store: Arc<MemoryStore>,
    events: Subscription,
    /// Each is dropped some time after it was made, whether its session has ended or not.
    watches: std::collections::VecDeque<Watch>,
}

impl World {
    fn new() -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::default());
        let lifetime = Duration::from_secs(10);
        let config = Config::with_store(store.clone())
            .clock(clock.clone())
            .no_threads()
            .lifetimes(LIFETIMES)
            .expiring_soon(Duration::from_secs(5))
            .cache_len_max_bytes(4 << 20)
            .access_tokens(AccessTokens::new("https://issuer.example", "api").lifetime(lifetime));
        let engine = Engine::open_with(config).unwrap();
        let events = engine.subscribe().unwrap();
        World { engine, clock, store, events, watches: Default::default() }
    }

    /// One session and what belongs to it; how it ends depends on `i`.
    fn cycle(&mut self, i: u64) {
        let engine = &self.engine;
        let subject = format!("subject-{}", i % SUBJECTS);
        let options = CreateOptions::for_subject(&subject).unwrap().lifetimes(LIFETIMES);
        let is_refreshable = i % 8 == 3;
        let options =
            if is_refreshable { options.refreshable(RefreshGrant::new()) } else { options };
        let issued = engine.create(options).unwrap();
        let handle = *issued.session.handle();
        assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
        if i % 8 == 1 {
            self.watches.push_back(engine.watch(&handle).unwrap());
            engine.patch(&handle, &Patch::new().set("page", i.to_string())).unwrap();
        }
        if self.watches.len() > 100 {
            self.watches.pop_front();
        }
        match i % 16 {
            3 | 11 => self.refresh(&issued, i % 16 == 3),
            5 => self.use_a_link(&subject),
            7 => self.use_an_api_key(&subject),
            9 => self.use_an_access_token(&issued, i % 32 == 9),
            13 => drop(engine.rotate(&handle).unwrap()),
            _ => {}
        }
        match i % 4 {
            0 => assert!(engine.revoke(&handle).unwrap()),
            2 if i % 1_024 == 2 => engine.revoke_subject(&subject, None).unwrap(),
            2 if i % 1_024 == 6 => drop(engine.bump_claims(&subject).unwrap()),
            _ => {}
        }
        self.clock.advance(Duration::from_millis(20));
        if i.is_multiple_of(50) {
            self.tick();
        }
    }

    fn refresh(&self, issued: &Issued, is_reused: bool) {
        let mut token = issued.refresh_token.as_ref().unwrap().as_str().to_owned();
        let first = token.clone();
        for _ in 0..2 {
            let refresh = self.engine.refresh(&token, &RefreshRequest::new()).unwrap();
            token = refresh.refreshed().unwrap().refresh_token.as_str().to_owned();
        }
        if is_reused {
            let copy = self.engine.refresh(&first, &RefreshRequest::new()).unwrap();
            assert!(copy.reason().is_some());
        }
    }

    fn use_a_link(&self, subject: &str) {
        let options = SingleUseOptions::new("sign-in").subject(subject).unwrap();
        let link = self.engine.issue_single_use(&options.lifetime(LIFE)).unwrap();
        assert!(self.engine.consume("sign-in", link.token.as_str()).unwrap().is_ok());
    }

    fn use_an_api_key(&self, subject: &str) {
        let options = ApiKeyOptions::new(subject, "deploy").unwrap().lifetime(LIFE);
        let issued = self.engine.create_api_key(&options).unwrap();
        let verdict = self.engine.verify_api_key(issued.token.as_str()).unwrap();
        assert!(verdict.key().is_some());
        self.engine.revoke_api_key(&issued.key.handle).unwrap();
    }

    fn use_an_access_token(&self, issued: &Issued, is_denied: bool) {
        let options = AccessOptions::new();
        let access = self.engine.issue_access(issued.session.handle(), &options).unwrap();
        let token = access.token.as_str();
        assert!(self.engine.verify_access(token).unwrap().claims().is_some());
        if is_denied {
            assert!(self.engine.deny_access(token).unwrap());
            assert!(self.engine.verify_access(token).unwrap().claims().is_none());
        }
    }

    fn tick(&mut self) {
        while self.engine.tick().unwrap().is_more_due {}
        while self.events.try_next().is_some() {}
    }

    fn sample(&self) -> Sample {
        Sample {
            held: self.engine.held(),
            rows: self.store.dump(None, usize::MAX).unwrap().len(),
            cached_bytes: self.engine.stats().cached_bytes,
            resident: resident(),
        }
    }
}

/// The plateau is what the second fifth reaches; the last three fifths stay on it. Then all comes
/// to its end, and the tables are empty.
#[test]
fn whatever_comes_and_goes_leaves_nothing_behind() {
    let cycles = std::env::var("SESSILE_SOAK_CYCLES").map_or(60_000, |n| n.parse().unwrap());
    let mut world = World::new();
    let mut samples = Vec::new();
    for i in 0..cycles {
        world.cycle(i);
        // Not in step with what is done every so many cycles.
        if i % (cycles / 100) == 37 {
            samples.push(world.sample());
        }
    }
    let (warm, later) = (&samples[20..40], &samples[40..]);
    let greatest = |samples: &[Sample], i: usize| samples.iter().map(|s| s.figures()[i].1).max();
    for (i, (name, _, slack)) in samples[0].figures().into_iter().enumerate() {
        let (plateau, later) = (greatest(warm, i).unwrap(), greatest(later, i).unwrap());
        println!("{name}: {plateau}, then {later} at most");
        assert!(later <= plateau + plateau / 10 + slack, "{name} grows");
    }
    drop(std::mem::take(&mut world.watches));
    for _ in 0..2 {
        world.clock.advance(400 * DAY);
        world.tick();
    }
    let end = world.sample();
    println!("{cycles} cycles; in the end {end:?}");
    let Held { cached_sessions, cached_api_keys, seen_tokens, .. } = end.held;
    // These are bounded and make room when it is needed; none of them is good for anything.
    let left = Held { cached_sessions, cached_api_keys, seen_tokens, ..Held::default() };
    assert_eq!(end.held, left);
    // The engine's own rows: no session lives for 400 days, so no subject is remembered longer.
    assert!(end.rows <= 8, "{} rows", end.rows);
    assert!(world.engine.list("subject-1").unwrap().is_empty());
}

/// Bytes of memory that the process has; 0 where the system does not say.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * rustix::param::page_size() as u64
}

/// Prime, so that each subject goes through everything.
const SUBJECTS: u64 = 97;

const DAY: Duration = Duration::from_secs(86_400);

const LIFE: Duration = Duration::from_secs(30);

const LIFETIMES: Lifetimes =
    Lifetimes { idle_timeout: Duration::from_secs(20), absolute_lifetime: LIFE };
