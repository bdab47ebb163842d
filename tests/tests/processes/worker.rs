//! A worker process, from inside and from outside.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::time::{ClockId, clock_gettime};
use sessile::{Engine, ErrorKind, Handle, Patch};

use crate::Random;
use crate::history::{History, Scope};

/// Nanoseconds of the machine's monotonic clock, the same in every process.
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// What a worker does until it is told to quit, or killed.
pub fn work(engine: &Engine) {
    say("open");
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.split_whitespace();
        match words.next() {
            Some("play") => {
                let seed = words.next().unwrap().parse().unwrap();
                let words: Vec<&str> = words.collect();
                Player { engine, random: Random(seed), sessions: &words }.play();
                say("done");
            }
            Some("revoke") => {
                let handle: Handle = words.next().unwrap().parse().unwrap();
                say(&format!("revoked {}", engine.revoke(&handle).unwrap()));
            }
            Some("verify") => {
                let verdict = engine.verify(words.next().unwrap()).unwrap();
                say(&format!("verified {:?}", verdict.reason()));
            }
            Some("login") => {
                let subject = words.next().unwrap();
                let max = words.next().unwrap().parse().unwrap();
                say(&crate::single::crowd_in(subject, max));
            }
            _ => {
                let stats = engine.stats();
                say(&format!("hits {} misses {}", stats.cache_hits, stats.cache_misses));
                return;
            }
        }
    }
}

/// One line, in one write: a kill leaves it whole or away.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

struct Player<'a> {
    engine: &'a Engine,
    random: Random,
    /// Four words for each: handle, token, subject, key.
    sessions: &'a [&'a str],
}

impl Player<'_> {
    fn play(&mut self) {
        for _ in 0..CALLS {
            let i = self.random.below(self.sessions.len() / 4);
            let [handle, token, subject, key] = self.sessions[4 * i..4 * i + 4] else { return };
            let parsed: Handle = handle.parse().unwrap();
            let engine = self.engine;
            match self.random.below(1_000) {
                0..850 => {
                    let invoked = now();
                    let is_valid = engine.verify(token).unwrap().is_valid();
                    say(&format!("verified {i} {invoked} {} {is_valid}", now()));
                }
                850..890 => self.end(&format!("session {i}"), || engine.revoke(&parsed).map(drop)),
                890..900 => {
                    self.end(&format!("subject {i}"), || engine.revoke_subject(subject, None))
                }
                900..940 => {
                    let patch = Patch::new().set("noise", [1]);
                    let patched = engine.patch(&parsed, &patch);
                    assert!(patched.is_ok_and(|()| true) || engine.peek(token).is_ok());
                }
                940..950 => drop(engine.tick().unwrap()),
                950..952 => self.end("all 0", || engine.revoke_all()),
                952..954 => self.retire(key),
                _ => drop(engine.list(subject).unwrap()),
            }
        }
    }

    fn retire(&self, key: &str) {
        let id = key.parse().unwrap();
        self.engine.rotate_key().unwrap();
        self.end(&format!("key {id}"), || match self.engine.retire_key(id) {
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::NoSuchKey => Ok(()),
            other => other,
        });
    }

    fn end(&self, what: &str, call: impl FnOnce() -> sessile::Result<()>) {
        say(&format!("ending {what} {}", now()));
        call().unwrap();
        say(&format!("ended {}", now()));
    }
}

/// A worker, as its parent sees it.
pub struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub is_killed: bool,
}

impl Worker {
    /// Starts one, and waits until it has the store open. One in three is to end by itself, in
    /// the middle of some commit.
    pub fn start(path: &Path, random: &mut Random) -> Self {
        let at = 1 + random.below(6);
        match random.below(6) {
            0 => Worker::crashing(path, &format!("written:{at}")),
            1 => Worker::crashing(path, &format!("begun:{at}")),
            _ => Worker::crashing(path, ""),
        }
    }

    /// Starts one that ends at this moment of its life.
    pub fn crashing(path: &Path, moment: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "worker", "--nocapture", "--test-threads=1"])
            .env("SESSILE_WORKER", path)
            .env("SESSILE_CRASH", moment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut worker = Worker { child, input, output, is_killed: false };
        assert_eq!(worker.hear().as_deref(), Some("open"), "the worker did not open the store");
        worker
    }

    pub fn say(&mut self, line: &str) {
        // One that has died hears nothing, which shows when it is listened to.
        let _ = writeln!(self.input, "{line}");
    }

    /// The next line of its own; `None`: it has ended.
    pub fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(said) = line.strip_prefix('@').and_then(|line| line.strip_suffix('\n')) {
                return Some(said.to_owned());
            }
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.is_killed = true;
    }

    /// Hears to the end of a history. Says whether the worker is still there.
    pub fn listen(&mut self, history: &mut History) -> bool {
        let mut ending = None;
        let is_alive = loop {
            let Some(line) = self.hear() else { break false };
            let words: Vec<&str> = line.split(' ').collect();
            let number = |i: usize| words[i].parse::<u64>().unwrap();
            match words[0] {
                "verified" => {
                    let is_valid = words[4] == "true";
                    history.verified(number(1) as usize, number(2), number(3), is_valid);
                }
                "ending" => {
                    let which = number(2) as usize;
                    let scope = match words[1] {
                        "session" => Scope::Session(which),
                        "subject" => Scope::Subject(which),
                        "key" => Scope::Key(which as u8),
                        _ => Scope::All,
                    };
                    ending = Some((scope, number(3)));
                }
                "ended" => {
                    let (scope, invoked) = ending.take().unwrap();
                    history.ended(scope, invoked, Some(number(1)));
                }
                _ => break !self.is_killed,
            }
        };
        if let Some((scope, invoked)) = ending {
            history.ended(scope, invoked, None);
        }
        if !is_alive {
            let status = self.child.wait().unwrap();
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            assert_eq!(signal, Some(libc::SIGKILL), "a worker failed: {status}");
        }
        is_alive
    }

    pub fn quit(mut self, sum: &mut BTreeMap<String, u64>) {
        self.say("quit");
        let Some(line) = self.hear() else { return };
        let words: Vec<&str> = line.split(' ').collect();
        for pair in words.chunks(2) {
            *sum.entry(pair[0].to_owned()).or_default() += pair[1].parse::<u64>().unwrap();
        }
        self.child.wait().unwrap();
    }
}

const CALLS: usize = 60;
