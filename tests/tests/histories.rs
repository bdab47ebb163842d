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
use sessile::{
    ApiKeyOptions, Clock, Config, CreateOptions, Engine, ErrorKind, Handle, Issued, Lifetimes,
    Patch, Refresh, RefreshGrant, RefreshRequest, Subject, Timestamp,
};

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
    rotated: usize,
    patched: usize,
    read: usize,
    refreshed: usize,
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
            let calls =
                world.play(seed.wrapping_add(i), (i + 1) % HISTORIES_PER_ENGINE as u64 == 0);
            world.figures.count(&calls);
            if let Err(violation) = history::check(calls) {
                panic!("history {} of seed {seed}: {violation}", i + 1);
            }
        }
        sum.add(&world);
    }
    println!("histories: no violation in {:.1} s: {sum:?}", started.elapsed().as_secs_f64());
    assert!(sum.valid > 0 && sum.rejected > 0 && sum.cache_hits > 0 && sum.cache_evictions > 0);
    assert!(count < 100 || (sum.rotated > 0 && sum.patched > 0 && sum.read > 0), "{sum:?}");
    assert!(count < 100 || sum.refreshed > 0, "{sum:?}");
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

    /// One history: all threads do their share, and give what they recorded. The last one on an
    /// engine may end everything, the bystanders too.
    fn play(&self, seed: u64, is_last: bool) -> Vec<Call> {
        let recorder = Recorder::new();
        // Few subjects, new for each history: what an earlier one left does not concern it.
        let subjects = [0, 1].map(|i| Subject::new(&format!("{seed}-{i}")).unwrap());
        let known = Known::default();
        let play = |thread: u64| {
            let mut player = Player {
                world: self,
                random: Random(seed.wrapping_mul(THREADS).wrapping_add(thread)),
                log: recorder.log(),
                subjects: &subjects,
                known: &known,
                is_last,
                values: (thread + 1) << 32,
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
    known: &'a Known,
    is_last: bool,
    /// The last value that it put: no thread puts the same twice, nor another's.
    values: u64,
}

/// What all threads of a history know of.
#[derive(Default)]
struct Known {
    /// Each with the number of its subject.
    sessions: RwLock<Vec<(Issued, usize)>>,
    api_keys: RwLock<Vec<(Handle, String)>>,
    refresh_tokens: RwLock<Vec<(Handle, String)>>,
}

impl Player<'_> {
    fn call(&mut self) {
        match self.random.below(140) {
            0..60 => self.verify(),
            60..68 => self.revoke(),
            68..73 => self.revoke_subject(),
            73..83 => self.create(),
            83..88 => self.tick(),
            88..90 => self.move_clock(),
            90..94 => self.rotate(),
            94..104 => self.patch(),
            104..116 => self.read(),
            116..120 => self.refresh(),
            120..122 => self.create_api_key(),
            122..126 => self.verify_api_key(),
            126..127 => self.revoke_api_key(),
            127..129 => self.set_suspension(),
            129..130 if self.is_last => self.revoke_all(),
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
        let mut options = CreateOptions::for_subject(name.as_str()).unwrap().lifetimes(lifetimes);
        if self.random.below(3) == 0 {
            options = options.refreshable(RefreshGrant::new());
        }
        let created = self.log.record(
            || self.world.engine.create(options),
            |created| match created {
                Ok(issued) => What::Created {
                    handle: *issued.session.handle(),
                    subject: name.clone(),
                    absolute_deadline: issued.session.absolute_deadline(),
                },
                Err(error) => refused_to(name, "create", error),
            },
        );
        if let Ok(issued) = created {
            self.know(issued, subject);
        }
    }

    fn know(&self, issued: Issued, subject: usize) {
        if let Some(token) = &issued.refresh_token {
            let known = (*issued.session.handle(), token.as_str().to_owned());
            self.known.refresh_tokens.write().unwrap().push(known);
        }
        self.known.sessions.write().unwrap().push((issued, subject));
    }

    fn rotate(&mut self) {
        let Some((issued, subject)) = self.some_session() else { return };
        let from = *issued.session.handle();
        let rotated = self.log.record(
            || self.world.engine.rotate(&from),
            |answer| match answer {
                Ok(new) => What::Rotated { from, to: *new.session.handle() },
                Err(error) if error.kind() == ErrorKind::SessionGone => {
                    What::RotationRefused { handle: from }
                }
                Err(error) => failed("rotate", error),
            },
        );
        if let Ok(new) = rotated {
            self.know(new, subject);
        }
    }

    fn patch(&mut self) {
        let Some(handle) = self.some_handle() else { return };
        self.values += 1;
        let value = self.values;
        let patch = Patch::new().set("value", value.to_be_bytes());
        let _ = self.log.record(
            || self.world.engine.patch(&handle, &patch),
            |answer| match answer {
                Ok(()) => What::Patched { handle, value },
                Err(error) if error.kind() == ErrorKind::SessionGone => {
                    What::PatchRefused { handle }
                }
                Err(error) => failed("patch", error),
            },
        );
    }

    fn read(&mut self) {
        let Some(handle) = self.some_handle() else { return };
        let _ = self.log.record(
            || self.world.engine.data(&handle),
            |answer| match answer {
                Ok(data) => {
                    let value = data.as_ref().map(|data| {
                        let value = data.get("value").map(|value| value.try_into().unwrap());
                        value.map_or(0, u64::from_be_bytes)
                    });
                    What::DataRead { handle, value }
                }
                Err(error) => failed("data", error),
            },
        );
    }

    fn refresh(&mut self) {
        let Some((handle, token)) = self.some(&self.known.refresh_tokens, 3) else { return };
        let refreshed = self.log.record(
            || self.world.engine.refresh(&token, &RefreshRequest::new()),
            |answer| match answer {
                Ok(Refresh::Rotated(new)) => What::Refreshed { handle, generation: new.generation },
                Ok(Refresh::Replayed(_)) => What::Replayed { handle },
                Ok(Refresh::Rejected(reason)) => What::RefreshRefused { handle, reason: *reason },
                Err(error) => failed("refresh", error),
            },
        );
        if let Ok(Refresh::Rotated(new)) = refreshed {
            let known = (handle, new.refresh_token.as_str().to_owned());
            self.known.refresh_tokens.write().unwrap().push(known);
        }
    }

    fn create_api_key(&mut self) {
        let name = &self.subjects[self.random.below(self.subjects.len())];
        let options = ApiKeyOptions::new(name.as_str(), "key").unwrap();
        let created = self.log.record(
            || self.world.engine.create_api_key(&options),
            |created| match created {
                Ok(issued) => What::Created {
                    handle: issued.key.handle,
                    subject: name.clone(),
                    absolute_deadline: Timestamp::NEVER,
                },
                Err(error) => refused_to(name, "create_api_key", error),
            },
        );
        if let Ok(issued) = created {
            let known = (issued.key.handle, issued.token.as_str().to_owned());
            self.known.api_keys.write().unwrap().push(known);
        }
    }

    fn verify_api_key(&mut self) {
        let Some((handle, token)) = self.some(&self.known.api_keys, 2) else { return };
        let _ = self.log.record(
            || self.world.engine.verify_api_key(&token),
            |verdict| match verdict {
                Ok(verdict) => What::Verified { handle, reason: verdict.reason() },
                Err(error) => failed("verify_api_key", error),
            },
        );
    }

    fn revoke_api_key(&mut self) {
        let Some((handle, _)) = self.some(&self.known.api_keys, 2) else { return };
        let _ = self.log.record(
            || self.world.engine.revoke_api_key(&handle),
            |answer| match answer {
                Ok(was_valid) => What::Revoked { handle, was_valid: *was_valid },
                Err(error) => failed("revoke_api_key", error),
            },
        );
    }

    /// Suspends a subject, and reinstates it a little later.
    fn set_suspension(&mut self) {
        let subject = &self.subjects[self.random.below(self.subjects.len())];
        for is_suspended in [true, false] {
            let engine = &self.world.engine;
            let _ = self.log.record(
                || {
                    if is_suspended {
                        engine.suspend(subject.as_str(), None)
                    } else {
                        engine.reinstate(subject.as_str())
                    }
                },
                |answer| match answer {
                    Ok(()) => What::SuspensionSet { subject: subject.clone(), is_suspended },
                    Err(error) => failed("suspend or reinstate", error),
                },
            );
            if is_suspended {
                (0..self.random.below(4)).for_each(|_| self.verify());
            }
        }
    }

    fn revoke_all(&mut self) {
        let _ = self.log.record(
            || self.world.engine.revoke_all(),
            |answer| match answer {
                Ok(()) => What::AllRevoked,
                Err(error) => failed("revoke_all", error),
            },
        );
    }

    fn verify(&mut self) {
        let Some((issued, _)) = self.some_session() else { return };
        let handle = *issued.session.handle();
        let _ = self.log.record(
            || self.world.engine.verify(issued.token.as_str()),
            |verdict| match verdict {
                Ok(verdict) => What::Verified { handle, reason: verdict.reason() },
                Err(error) => failed("verify", error),
            },
        );
    }

    fn revoke(&mut self) {
        let Some(handle) = self.some_handle() else { return };
        let _ = self.log.record(
            || self.world.engine.revoke(&handle),
            |answer| match answer {
                Ok(was_valid) => What::Revoked { handle, was_valid: *was_valid },
                Err(error) => failed("revoke", error),
            },
        );
    }

    fn revoke_subject(&mut self) {
        let Some((issued, subject)) = self.some_session() else { return };
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
            assert!(verdict.is_valid() || self.is_last, "a bystander: {verdict:?}");
        }
    }

    /// One of the newest sessions: the threads are to meet.
    fn some_session(&mut self) -> Option<(Issued, usize)> {
        self.some(&self.known.sessions, NEWEST)
    }

    fn some_handle(&mut self) -> Option<Handle> {
        self.some_session().map(|(issued, _)| *issued.session.handle())
    }

    /// One of the `newest`; `None`: there are none, as when their subjects are suspended.
    fn some<T: Clone>(&mut self, known: &RwLock<Vec<T>>, newest: usize) -> Option<T> {
        let known = known.read().unwrap();
        let from = known.len().saturating_sub(newest);
        let (_, newest) = known.split_at(from);
        if newest.is_empty() { None } else { Some(newest[self.random.below(newest.len())].clone()) }
    }
}

fn refused_to(subject: &Subject, call: &'static str, error: &sessile::Error) -> What {
    match error.kind() {
        ErrorKind::Suspended => What::CreateRefused { subject: subject.clone() },
        _ => failed(call, error),
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
                What::Verified { reason: None, .. } => self.valid += 1,
                What::Verified { reason: Some(_), .. } => self.rejected += 1,
                What::Rotated { .. } => self.rotated += 1,
                What::Patched { .. } => self.patched += 1,
                What::DataRead { value: Some(_), .. } => self.read += 1,
                What::Refreshed { .. } => self.refreshed += 1,
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
        self.rotated += world.figures.rotated;
        self.patched += world.figures.patched;
        self.read += world.figures.read;
        self.refreshed += world.figures.refreshed;
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
