//! Several processes on one LMDB store: what they are told, and that kill -9 at any moment leaves
//! the others right. `make processes` plays 10,000 histories.
//!
//! The workers run this test binary again with `SESSILE_WORKER` set to the store's directory.
//! They say before each call that it begins and after it what it gave, each time with the
//! machine's monotonic clock, which all processes read alike.

mod history;
mod single;
mod worker;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use sessile::{Config, CreateOptions, Engine, Issued, KeyState};

use history::{History, Session};
use worker::Worker;

#[test]
fn worker() {
    let Some(directory) = std::env::var_os("SESSILE_WORKER") else { return };
    worker::work(&open(Path::new(&directory)));
}

/// An engine that does nothing by itself: the tests say when it ticks.
fn open(directory: &Path) -> Engine {
    Engine::open_with(Config::lmdb(directory).no_threads()).unwrap()
}

fn log_in(engine: &Engine, subject: &str) -> Issued {
    engine.create(CreateOptions::for_subject(subject).unwrap()).unwrap()
}

#[test]
fn what_one_process_ends_is_ended_in_all_whoever_is_killed() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let count = number("SESSILE_PROCESS_HISTORIES").unwrap_or(60);
    let seed = number("SESSILE_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("processes: {count} histories, SESSILE_SEED={seed}");
    let started = Instant::now();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let engine = open(&path);
    let mut random = Random(seed);
    let mut workers: Vec<Worker> =
        (0..WORKERS).map(|_| Worker::start(&path, &mut random)).collect();
    let mut sum = BTreeMap::new();
    for number in 1..=count {
        let history = play(&engine, &mut workers, &path, &mut random);
        history.count(&mut sum);
        if let Err(violation) = history.check() {
            panic!("history {number} of seed {seed}: {violation}");
        }
    }
    for worker in workers {
        worker.quit(&mut sum);
    }
    println!("processes: no violation in {:.1} s: {sum:?}", started.elapsed().as_secs_f64());
    let happened = |what: &str| sum.get(what).copied().unwrap_or_default() > 0;
    let expected = ["valid", "rejected", "Session", "Subject", "killed", "died", "unanswered"];
    for what in expected.into_iter().chain(["hits"]) {
        assert!(count < 60 || happened(what), "{what} never happened: {sum:?}");
    }
    assert!(count < 500 || (happened("All") && happened("Key")), "{sum:?}");
}

/// One history: the parent makes the sessions and knows them, the workers do their share, some
/// are killed, and the parent looks once more.
fn play(engine: &Engine, workers: &mut [Worker], path: &Path, random: &mut Random) -> History {
    let mut history = History::default();
    let mut issued = Vec::new();
    for subject in 0..SUBJECTS {
        let name = format!("{}-{subject}", random.next());
        for _ in 0..SESSIONS_OF_SUBJECT {
            let login = log_in(engine, &name);
            history.sessions.push(Session::of(&login, &name));
            issued.push(login);
        }
    }
    look(engine, &issued, &mut history);
    let order = history.order();
    for worker in workers.iter_mut() {
        worker.say(&format!("play {} {order}", random.next()));
    }
    let victim = (random.below(3) == 0).then(|| random.below(WORKERS));
    if let Some(victim) = victim {
        std::thread::sleep(Duration::from_micros(random.next() % KILLED_WITHIN_US));
        workers[victim].kill();
    }
    for worker in workers.iter_mut() {
        let is_alive = worker.listen(&mut history);
        if !is_alive {
            let how = if worker.is_killed { "killed" } else { "died" };
            *history.figures.entry(how.into()).or_default() += 1;
            *worker = Worker::start(path, random);
        }
    }
    look(engine, &issued, &mut history);
    for key in engine.keys() {
        if matches!(key.state, KeyState::Verifying | KeyState::Published) {
            engine.retire_key(key.id).unwrap();
        }
    }
    history
}

/// The parent verifies every session, as the workers do.
fn look(engine: &Engine, issued: &[Issued], history: &mut History) {
    for (session, issued) in issued.iter().enumerate() {
        let invoked = worker::now();
        let is_valid = engine.verify(issued.token.as_str()).unwrap().is_valid();
        history.verified(session, invoked, worker::now(), is_valid);
    }
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

const WORKERS: usize = 4;
const SUBJECTS: usize = 2;
const SESSIONS_OF_SUBJECT: usize = 3;

/// As long as a history takes.
const KILLED_WITHIN_US: u64 = 6_000;
