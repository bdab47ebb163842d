//! A writer process is killed at random moments; what it acknowledged must be there.
//!
//! The child runs this test binary again with `SESSILE_CRASH_CHILD` set, and prints a line for
//! each acknowledged create (`C token`) and revoke (`R token`) of its four threads.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sessile::{CreateOptions, Engine};

#[test]
fn child() {
    let Some(directory) = std::env::var_os("SESSILE_CRASH_CHILD") else { return };
    let engine = Engine::open(Path::new(&directory)).unwrap();
    println!("\nopen");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let engine = &engine;
            scope.spawn(move || {
                for i in 0.. {
                    let subject = format!("user-{thread}-{}", i % 50);
                    let login = CreateOptions::for_subject(&subject).unwrap();
                    let issued = engine.create(login).unwrap();
                    say("C", issued.token.as_str());
                    if i % 2 == 0 {
                        say("r", issued.token.as_str());
                        engine.revoke(issued.session.handle()).unwrap();
                        say("R", issued.token.as_str());
                    }
                }
            });
        }
    });
}

/// One whole line in one write, so that lines of threads do not mix.
fn say(what: &str, token: &str) {
    std::io::stdout().lock().write_all(format!("{what} {token}\n").as_bytes()).unwrap();
}

#[test]
fn nothing_acknowledged_is_lost_when_the_writer_is_killed() {
    let cycles = std::env::var("SESSILE_CRASH_CYCLES").map_or(10, |n| n.parse().unwrap());
    let seed = std::process::id().into();
    println!("seed {seed}");
    let mut random: u64 = seed;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) % below
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let (mut created, mut revoked) = (0, 0);
    for cycle in 0..cycles {
        if next(5) == 0 {
            // Killed while it opens what the last cycle left.
            drop(run_and_kill(&path, false, Duration::from_millis(next(30))));
        }
        let said = run_and_kill(&path, true, Duration::from_millis(5 + next(60)));
        let engine = Engine::open(&path).unwrap_or_else(|e| panic!("cycle {cycle}: {e}"));
        for line in &said {
            let Some((what, token)) = line.split_once(' ') else { continue };
            let is_valid = engine.verify(token).unwrap().is_valid();
            match what {
                "R" => {
                    revoked += 1;
                    assert!(!is_valid, "cycle {cycle}: a revoked session came back");
                }
                "C" => {
                    created += 1;
                    let was_revoke_begun = said.contains(&format!("r {token}"));
                    assert!(is_valid || was_revoke_begun, "cycle {cycle}: a session was lost");
                }
                _ => {}
            }
        }
        engine.close().unwrap();
    }
    println!("{cycles} kills: {created} creates and {revoked} revokes acknowledged, none lost");
    assert!(created > 0 && revoked > 0, "the child did nothing");
}

/// Runs a child, kills it, and gives the whole lines that it said.
fn run_and_kill(path: &Path, waits_for_open: bool, after: Duration) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env("SESSILE_CRASH_CHILD", path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while waits_for_open && line.trim_end() != "open" {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child did not open the store");
    }
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|n| n > 0) {
            // A line without its end was not said whole: nothing follows from it.
            if let Some(whole) = line.strip_suffix('\n') {
                lines.push(whole.to_owned());
            }
            line.clear();
        }
        lines
    });
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}
