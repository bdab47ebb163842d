//! Eight threads on one engine, their calls recorded and checked: `make histories`.
//!
//! The store delays its reads and commits at random, the cache is too small for the crowd of
//! bystanders, so that sessions fall out of it, and the sessions that a history is about are so
//! few that the threads meet at them. `SESSILE_HISTORIES` says how many, `SESSILE_SEED` which.

use std::cell::Cell;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use sessile::store::MemoryStore;
use sessile::testing::history::{self, Call, Log, Recorder, What};
use sessile::testing::{FaultStore, ManualClock};
use sessile::{Clock, Config, CreateOptions, Engine, ErrorKind, Issued, Lifetimes, Subject};

/// An engine, and what happens on it.
struct World {
    engine: Engine,
    clock: ManualClock,
    crowd: Vec<Issued>,
    figures: Figures,
}

/// What has happened, to print, and to see that it was enough.
#[derive(Debug, Default)]
struct Figures {
    histories: u64,
    calls: usize,
    valid: usize,
    rejected: usize,
    touches_written: u64,
    rows_swept: u64,
    cache_hits: u64,
    cache_misses: u64,
    cache_evictions: u64,
}

#[test]
fn no_history_breaks_a_rule() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let count = number("SESSILE_HISTORIES").unwrap_or(1_000);
    let seed = number("SESSILE_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("histories: {count}, SESSILE_SEED={seed}");
    let started = Instant::now();
    let mut sum = Figures::default();
    for first in (0..count).step_by(HISTORIES_PER_ENGINE) {
        let mut world = World::new();
        for i in first..count.min(first + HISTORIES_PER_ENGINE as u64) {
            let calls = world.play(seed.wrapping_add(i));
            world.figures.count(&calls);
            if let Err(violation) = history::check(calls) {
                panic!("history {} of seed {seed}: {violation}", i + 1);
            }
        }
        sum.add(&world);
    }
    println!("histories: no violation in {:.1} s: {sum:?}", started.elapsed().as_secs_f64());
    assert!(sum.valid > 0 && sum.rejected > 0 && sum.cache_hits > 0 && sum.cache_evictions > 0);
    assert!(count < 100 || (sum.touches_written > 0 && sum.rows_swept > 0), "{sum:?}");
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::default();
        let store = FaultStore::new(Arc::new(MemoryStore::new()));
        store.on_get(|_, _| delay());
        store.on_commit(|_, _| delay());
        let config = Config::with_store(Arc::new(store)).clock(clock.clone()).no_threads();
        let engine = Engine::open_with(config.cache_len_max_bytes(64 << 10)).unwrap();
        let bystander = |i: usize| {
            // Long names make entries large.
            let options = CreateOptions::for_subject(&format!("{i:0>255}")).unwrap();
            engine.create(options.lifetimes(Lifetimes::REMEMBER_ME)).unwrap()
        };
        let crowd = (0..CROWD).map(bystander).collect();
        World { engine, clock, crowd, figures: Figures::default() }
    }

    /// One history: all threads do their share, and give what they recorded.
    fn play(&self, seed: u64) -> Vec<Call> {
        let recorder = Recorder::new();
        // Few subjects, new for each history: what an earlier one left does not concern it.
        let subjects = [0, 1].map(|i| Subject::new(&format!("{seed}-{i}")).unwrap());
        let sessions = RwLock::new(Vec::new());
        let play = |thread: u64| {
            let mut player = Player {
                world: self,
                random: Random(seed.wrapping_mul(THREADS).wrapping_add(thread)),
                log: recorder.log(),
                subjects: &subjects,
                sessions: &sessions,
            };
            DELAYS.set(player.random.next());
            player.create();
            (1..CALLS_PER_THREAD).for_each(|_| player.call());
            player.log.into_calls()
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..THREADS).map(|thread| scope.spawn(move || play(thread))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        })
    }
}

/// One thread of a history.
struct Player<'a> {
    world: &'a World,
    random: Random,
    log: Log<'a>,
    subjects: &'a [Subject],
    sessions: &'a RwLock<Vec<(Issued, usize)>>,
}

impl Player<'_> {
    fn call(&mut self) {
        match self.random.below(100) {
            0..60 => self.verify(),
            60..68 => self.revoke(),
            68..73 => self.revoke_subject(),
            73..83 => self.create(),
            83..88 => self.tick(),
            88..90 => self.move_clock(),
            _ => self.crowd(),
        }
    }

    fn create(&mut self) {
        let subject = self.random.below(self.subjects.len());
        // Some end within the history by their deadline, none by being unused.
        let absolute_lifetime =
            if self.random.below(3) == 0 { TOUCH_AFTER * 2 } else { TOUCH_AFTER * 1_000 };
        let lifetimes = Lifetimes { idle_timeout: TOUCH_AFTER * 100, absolute_lifetime };
        let name = &self.subjects[subject];
        let options = CreateOptions::for_subject(name.as_str()).unwrap().lifetimes(lifetimes);
        let created = self.log.record(
            || self.world.engine.create(options),
            |created| match created {
                Ok(issued) => What::Created {
                    handle: *issued.session.handle(),
                    subject: name.clone(),
                    absolute_deadline: issued.session.absolute_deadline(),
                },
                Err(error) => failed("create", error),
            },
        );
        if let Ok(issued) = created {
            self.sessions.write().unwrap().push((issued, subject));
        }
    }

    fn verify(&mut self) {
        let (issued, _) = self.some_session();
        let handle = *issued.session.handle();
        let _ = self.log.record(
            || self.world.engine.verify(issued.token.as_str()),
            |verdict| match verdict {
                Ok(verdict) => What::Verified { handle, is_valid: verdict.is_valid() },
                Err(error) => failed("verify", error),
            },
        );
    }

    fn revoke(&mut self) {
        let handle = *self.some_session().0.session.handle();
        let _ = self.log.record(
            || self.world.engine.revoke(&handle),
            |answer| match answer {
                Ok(was_valid) => What::Revoked { handle, was_valid: *was_valid },
                Err(error) => failed("revoke", error),
            },
        );
    }

    fn revoke_subject(&mut self) {
        let (issued, subject) = self.some_session();
        let except = (self.random.below(2) == 0).then(|| *issued.session.handle());
        let subject = &self.subjects[subject];
        let _ = self.log.record(
            || self.world.engine.revoke_subject(subject.as_str(), except.as_ref()),
            |answer| match (answer, except) {
                (Ok(()), _) => What::SubjectRevoked { subject: subject.clone(), except },
                (Err(error), Some(except)) if error.kind() == ErrorKind::InvalidInput => {
                    What::ExceptionRefused { except }
                }
                (Err(error), _) => failed("revoke_subject", error),
            },
        );
    }

    fn tick(&mut self) {
        let _ = self.log.record(
            || self.world.engine.tick(),
            |report| match report {
                Ok(report) => What::Ticked {
                    touches_written: report.touches_written,
                    rows_swept: report.rows_swept,
                },
                Err(error) => failed("tick", error),
            },
        );
    }

    fn move_clock(&mut self) {
        let clock = &self.world.clock;
        let step = || {
            clock.advance(TOUCH_AFTER);
            clock.now()
        };
        self.log.record(step, |now| What::ClockMoved { now: *now });
    }

    /// Some bystanders come, and others fall out of the cache.
    fn crowd(&mut self) {
        let first = self.random.below(CROWD);
        for bystander in self.world.crowd.iter().cycle().skip(first).take(CROWD_AT_ONCE) {
            let verdict = self.world.engine.peek(bystander.token.as_str()).unwrap();
            assert!(verdict.is_valid(), "a bystander: {verdict:?}");
        }
    }

    /// One of the newest sessions: the threads are to meet.
    fn some_session(&mut self) -> (Issued, usize) {
        let sessions = self.sessions.read().unwrap();
        let back = self.random.below(sessions.len().min(NEWEST));
        sessions[sessions.len() - 1 - back].clone()
    }
}

fn failed(call: &'static str, error: &sessile::Error) -> What {
    What::Failed { call, kind: error.kind() }
}

impl Figures {
    fn count(&mut self, calls: &[Call]) {
        self.histories += 1;
        self.calls += calls.len();
        for call in calls {
            match call.what {
                What::Verified { is_valid: true, .. } => self.valid += 1,
                What::Verified { is_valid: false, .. } => self.rejected += 1,
                What::Ticked { touches_written, rows_swept } => {
                    self.touches_written += touches_written;
                    self.rows_swept += rows_swept;
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, world: &World) {
        let stats = world.engine.stats();
        self.histories += world.figures.histories;
        self.calls += world.figures.calls;
        self.valid += world.figures.valid;
        self.rejected += world.figures.rejected;
        self.touches_written += world.figures.touches_written;
        self.rows_swept += world.figures.rows_swept;
        self.cache_hits += stats.cache_hits;
        self.cache_misses += stats.cache_misses;
        self.cache_evictions += stats.cache_evictions;
    }
}

/// Where the store waits: a while of its own each time, and now and then until others have run.
fn delay() {
    let mut random = Random(DELAYS.get());
    match random.below(8) {
        0 => std::thread::yield_now(),
        1..4 => (0..random.below(300)).for_each(|_| std::hint::spin_loop()),
        _ => {}
    }
    DELAYS.set(random.0);
}

thread_local! {
    static DELAYS: Cell<u64> = const { Cell::new(0) };
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

const THREADS: u64 = 8;
const CALLS_PER_THREAD: usize = 40;
const NEWEST: usize = 6;

/// An engine costs more to open than a history, and its store grows with each.
const HISTORIES_PER_ENGINE: usize = 100;

/// Entries of bystanders, some 500 bytes each, fill the cache of 64 KiB more than once.
const CROWD: usize = 250;
const CROWD_AT_ONCE: usize = 20;

/// So long after the last one the store learns of a touch.
const TOUCH_AFTER: Duration = Duration::from_secs(60);
