//! The engine under random and PCT schedules of shuttle: `make schedules`.
//!
//! All of it is the product's own code; locks, atomics and threads are shuttle's, which lets one
//! thread run at a time and changes over at every one of their operations. All subjects are in
//! one group, and what has no subject is in another. `SESSILE_SCHEDULES` says how many schedules
//! a scenario gets from each scheduler, `SESSILE_SEED` which.
#![cfg(shuttle)]

mod data;
mod ending;
mod rotating;
mod tokens;
mod watching;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sessile::store::MemoryStore;
use sessile::testing::ManualClock;
use sessile::{Config, CreateOptions, Engine, Issued, Reason};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::thread;

const MINUTE: Duration = Duration::from_secs(60);

/// Runs `scenario` under schedules of both kinds, and prints how many, or in which it failed.
fn explore(name: &str, scenario: fn()) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let count = number("SESSILE_SCHEDULES").unwrap_or(5_000) as usize;
    let seed = number("SESSILE_SEED").unwrap_or(1);
    let random = RandomScheduler::new_from_seed(seed, count);
    run(name, &format!("random, seed {seed}"), random, scenario);
    let pct = PctScheduler::new_from_seed(seed, PCT_DEPTH, count);
    run(name, &format!("PCT, seed {seed}"), pct, scenario);
}

fn run(name: &str, kind: &str, scheduler: impl Scheduler + 'static, scenario: fn()) {
    let (tried, started) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let counter = tried.clone();
    let mut config = shuttle::Config::new();
    config.stack_size = STACK_LEN_BYTES;
    config.silence_warnings = true;
    let runner = shuttle::Runner::new(scheduler, config);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runner.run(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            scenario();
        })
    }));
    let (tried, seconds) = (tried.load(Ordering::Relaxed), started.elapsed().as_secs_f64());
    match outcome {
        Ok(_) => println!("shuttle: {tried} schedules in {seconds:.1} s ({kind}): {name}"),
        Err(panic) => {
            println!("shuttle: FAILED in schedule {tried} ({kind}): {name}");
            resume_unwind(panic)
        }
    }
}

fn open(settings: impl Fn(Config) -> Config) -> (Engine, ManualClock) {
    open_on(Arc::new(MemoryStore::new()), settings)
}

fn open_on(store: Arc<MemoryStore>, settings: impl Fn(Config) -> Config) -> (Engine, ManualClock) {
    let clock = ManualClock::default();
    let config = Config::with_store(store).clock(clock.clone());
    let config = config.no_threads().cache_len_max_bytes(64 << 10);
    (Engine::open_with(settings(config)).unwrap(), clock)
}

fn log_in(engine: &Engine, subject: &str) -> Issued {
    engine.create(CreateOptions::for_subject(subject).unwrap()).unwrap()
}

/// A session without a subject, and so in another group than those with one.
fn visit(engine: &Engine) -> Issued {
    engine.create(CreateOptions::anonymous()).unwrap()
}

/// Makes the next verification of every session a fill: another subject of the group changes.
fn cool(engine: &Engine) {
    engine.bump_claims("another").unwrap();
}

fn is_valid(engine: &Engine, issued: &Issued) -> bool {
    engine.verify(issued.token.as_str()).unwrap().is_valid()
}

fn reason(engine: &Engine, issued: &Issued) -> Option<Reason> {
    engine.verify(issued.token.as_str()).unwrap().reason()
}

/// Verifies twice on a thread of its own, beside a change that ends the session and then sets
/// `has_ended`.
fn watch(engine: &Engine, issued: &Issued, has_ended: &Arc<AtomicBool>) -> thread::JoinHandle<()> {
    let (engine, issued) = (engine.clone(), issued.clone());
    watch_with(has_ended, move || is_valid(&engine, &issued))
}

/// The same for whatever can end.
fn watch_with(
    has_ended: &Arc<AtomicBool>,
    is_valid: impl Fn() -> bool + Send + 'static,
) -> thread::JoinHandle<()> {
    let has_ended = has_ended.clone();
    thread::spawn(move || {
        let mut was_rejected = false;
        for _ in 0..2 {
            let had_ended = has_ended.load(Ordering::SeqCst);
            let is_valid = is_valid();
            assert!(!(is_valid && had_ended), "valid, verified after its end had returned");
            assert!(!(is_valid && was_rejected), "valid, and was rejected before");
            was_rejected = !is_valid;
        }
    })
}

/// PCT finds every bug that needs this many orderings, with a probability that it can name.
const PCT_DEPTH: usize = 3;

/// ring and the record codec need more than shuttle's default of 32 KiB.
const STACK_LEN_BYTES: usize = 256 << 10;
