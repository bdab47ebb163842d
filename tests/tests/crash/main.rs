//! A writer process is killed at random moments; what it acknowledged must be there.
//!
//! The child runs this test binary again with `SESSILE_CRASH_CHILD` set. Its threads lead
//! sessions and links through their lives, and say before each verb that it begins and after it
//! what it gave. There are four, or only one: what the durable commits of others take to the disk
//! hides a commit that is not. After the kill the store is opened again: every acknowledged verb must be
//! there, and the one that was under way wholly or not at all.

mod check;
mod ledger;
mod writer;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sessile::store::{SledOptions, SledStore, Store, Table};
use sessile::{Config, Engine, MasterSecret};

use check::{Gone, Tally};
use ledger::Ledger;

#[test]
fn child() {
    let Some(directory) = std::env::var_os("SESSILE_CRASH_CHILD") else { return };
    let run = std::env::var("SESSILE_CRASH_RUN").unwrap();
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (threads, first) = (number("SESSILE_CRASH_THREADS"), number("SESSILE_CRASH_FIRST"));
    let engine = Engine::open(Path::new(&directory)).unwrap();
    println!("\nopen");
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (engine, run) = (&engine, &run);
            scope.spawn(move || {
                // Each begins with another kind of life, in case they do not get far.
                for i in first + thread * 6.. {
                    writer::lead_a_life(engine, &format!("{run}-{thread}-{i}"), i);
                }
            });
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_when_the_writer_is_killed() {
    let cycles = std::env::var("SESSILE_CRASH_CYCLES").map_or(10, |n| n.parse().unwrap());
    let seed = std::env::var("SESSILE_SEED")
        .map_or_else(|_| std::process::id().into(), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let mut random: u64 = seed;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) % below
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let mut tally = Tally::default();
    let mut gone = Gone::default();
    let mut kills = 0;
    for cycle in 0..cycles {
        let mut ledger = Ledger::default();
        if next(5) == 0 {
            // Killed while it opens what the last cycle left, or soon after.
            kills += 1;
            let after = Duration::from_millis(next(30));
            ledger.read(&run_and_kill(&path, &format!("{cycle}o"), (4, 0), false, after));
        }
        kills += 1;
        let after = Duration::from_millis(5 + next(60));
        let writers = if cycle % 2 == 0 { (4, 0) } else { (1, next(10)) };
        ledger.read(&run_and_kill(&path, &format!("{cycle}"), writers, true, after));
        let (engine, store) =
            open(&path).unwrap_or_else(|e| panic!("cycle {cycle} of seed {seed}: {e}"));
        println!("cycle {cycle}");
        gone.check(&engine);
        gone = check::check(&engine, &ledger, &mut tally);
        assert_eq!(data_rows(store.as_ref()), 0, "data of sessions that are gone");
        engine.close().unwrap();
    }
    println!("{kills} kills in {cycles} cycles: {tally}");
    tally.assert_all_happened();
}

fn open(path: &Path) -> sessile::Result<(Engine, Arc<SledStore>)> {
    let store = Arc::new(SledStore::open(SledOptions::new(path))?);
    let secret = MasterSecret::KeyFile(path.join("sessile.key"));
    let engine = Engine::open_with(Config::with_store(store.clone()).master_secret(secret))?;
    Ok((engine, store))
}

fn data_rows(store: &dyn Store) -> usize {
    let (mut count, mut after) = (0, None);
    loop {
        let page = store.dump(after.as_ref(), 1_000).unwrap();
        count += page.iter().filter(|(key, _)| key.table() == Table::Data).count();
        let Some((last, _)) = page.last() else { return count };
        after = Some(*last);
    }
}

/// Runs a child of so many threads, of which the first begins with that life, kills it, and gives
/// the whole lines that it said.
fn run_and_kill(
    path: &Path,
    run: &str,
    (threads, first): (u64, u64),
    waits_for_open: bool,
    after: Duration,
) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env("SESSILE_CRASH_CHILD", path)
        .env("SESSILE_CRASH_RUN", run)
        .env("SESSILE_CRASH_THREADS", threads.to_string())
        .env("SESSILE_CRASH_FIRST", first.to_string())
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
    assert!(child.try_wait().unwrap().is_none(), "the child ended by itself: a verb failed");
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}
