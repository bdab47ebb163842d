//! How soon after a start is the first token verified?

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::Criterion;
use sessile::{Config, CreateOptions, Engine, Lifetimes};

use crate::crowd::{Crowd, nanos, quiet};
use crate::rounds::median;
use crate::scale::{Scale, short};
use crate::table::{Goal, Table, Unit};

/// Names the directory in which this program is to be the writer that is killed.
const WRITER: &str = "SESSILE_BENCH_WRITER";

/// To be called first by every program that asks this question: it starts itself a second time,
/// as the writer that it kills. Does not return there.
pub fn be_the_writer_if_asked() {
    let Some(directory) = std::env::var_os(WRITER) else { return };
    let engine = Engine::open_with(quiet(Config::new(PathBuf::from(directory)))).unwrap();
    for i in 0.. {
        let login = CreateOptions::for_subject(&format!("late-{i}")).unwrap();
        let issued = engine.create(login.lifetimes(Lifetimes::REMEMBER_ME)).unwrap();
        if i == WRITTEN_BEFORE_THE_KILL {
            engine.tick().unwrap();
            println!("{}", issued.token.as_str());
            std::io::stdout().flush().unwrap();
        }
    }
}

/// Measures opening, for criterion.
pub fn bench(c: &mut Criterion, scale: Scale) {
    let store = Closed::with(scale.many);
    let mut group = c.benchmark_group(format!("open/to first verify, {}", short(scale.many)));
    group.sample_size(10);
    group.bench_function("after a clean close", |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| store.open_after_close()).sum())
    });
    group.bench_function("after kill -9", |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| store.open_after_kill()).sum())
    });
}

/// Adds the rows of this question.
pub fn report(table: &mut Table, scale: Scale) {
    let store = Closed::with(scale.many);
    let sessions = short(scale.many);
    let times = (0..scale.rounds).map(|_| nanos(store.open_after_close())).collect();
    let name = format!("open to first verify, sled, {sessions} sessions, after a clean close");
    table.figure(&name, Unit::Time, median(times), Goal::AtMost(1e9));
    let times = (0..scale.rounds).map(|_| nanos(store.open_after_kill())).collect();
    let name = format!("open to first verify, sled, {sessions} sessions, after kill -9");
    table.figure(&name, Unit::Time, median(times), Goal::AtMost(2e9));
}

/// A store on sled that is closed.
struct Closed {
    directory: tempfile::TempDir,
    token: String,
}

impl Closed {
    fn with(sessions: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(&directory.path().join("s"));
        let crowd = Crowd::log_in(&engine, "user", sessions);
        engine.close().unwrap();
        Closed { directory, token: crowd.texts.get(0).to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    /// From before the open until a token is verified.
    fn open_and_verify(&self, token: &str) -> Duration {
        let started = Instant::now();
        let engine = open(&self.path());
        let verdict = engine.verify(token).unwrap();
        let elapsed = started.elapsed();
        assert!(verdict.is_valid());
        engine.close().unwrap();
        elapsed
    }

    fn open_after_close(&self) -> Duration {
        self.open_and_verify(&self.token)
    }

    fn open_after_kill(&self) -> Duration {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .env(WRITER, self.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = writer.stdout.take().unwrap();
        let line = BufReader::new(output).lines().next().unwrap().unwrap();
        // On Unix this is SIGKILL. It goes on writing until then.
        writer.kill().unwrap();
        writer.wait().unwrap();
        self.open_and_verify(&line)
    }
}

fn open(directory: &Path) -> Engine {
    Engine::open_with(quiet(Config::new(directory))).unwrap()
}

const WRITTEN_BEFORE_THE_KILL: u64 = 1_000;
