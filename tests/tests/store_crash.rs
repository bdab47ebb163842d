//! Kills a process in the middle of its commits, again and again, and looks at what is left.
//!
//! Each of four threads of the child writes a group of its own, step after step, and the rows of
//! a group follow from the number of steps alone: whatever is found after a kill has to be the
//! whole of some step, at or behind the last one that was acknowledged. A step is several rows,
//! one row, a delete, or more than an intent of the store holds.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sessile::store::{
    Batch, Commit, Due, Durability, Key, Row, SledOptions, SledStore, Store, Table,
};
use sessile::{Group, Timestamp};

const THREADS: u16 = 4;
const SLOTS: u64 = 40;

fn open(dir: &Path) -> SledStore {
    SledStore::open(SledOptions::new(dir).cache_len_max_bytes(16 << 20)).unwrap()
}

fn key(thread: u16, table: Table, slot: u64) -> Key {
    Key::new(Group(thread), table, &slot.to_be_bytes()).unwrap()
}

fn counter(thread: u16) -> Key {
    Key::new(Group(thread), Table::Subject, b"steps").unwrap()
}

/// What step `n` of a thread writes. Every one writes the counter, so that it says which it was.
fn step(thread: u16, n: u64) -> Batch {
    let durability = if n.is_multiple_of(3) { Durability::Buffered } else { Durability::Durable };
    let expires_at = Timestamp::from_millis(1_000 + n * 7 % 997);
    let mut value = n.to_be_bytes().to_vec();
    let batch = Batch::new(Group(thread), durability);
    let batch = batch.put(counter(thread), value.clone(), expires_at);
    let (slot, other) = (n * 3 % SLOTS, (n * 3 + 1) % SLOTS);
    match n % 8 {
        0 | 1 => batch,
        2 => batch.delete(key(thread, Table::Session, slot)),
        3 => {
            batch.delete(key(thread, Table::Session, other)).delete(key(thread, Table::Data, other))
        }
        kind => {
            value.resize(
                if kind == 7 && n.is_multiple_of(5) { 40_000 } else { 8 + n as usize % 300 },
                1,
            );
            batch.put(key(thread, Table::Session, slot), value.clone(), expires_at).put(
                key(thread, Table::Data, slot),
                value,
                Timestamp::NEVER,
            )
        }
    }
}

/// The rows of a thread after `steps` steps.
fn rows_after(thread: u16, steps: u64) -> BTreeMap<Key, (Vec<u8>, Timestamp)> {
    let mut rows = BTreeMap::new();
    // No row outlives the steps that come round to its slot again, but deletes leave gaps.
    for n in 1..=steps {
        let batch = step(thread, n);
        rows.extend(batch.puts.into_iter().map(|(key, value, at)| (key, (value, at))));
        batch.deletes.iter().for_each(|key| drop(rows.remove(key)));
    }
    rows
}

fn steps_found(store: &SledStore, thread: u16) -> u64 {
    let row = store.get(&counter(thread)).unwrap();
    row.map_or(0, |row| u64::from_be_bytes(row.value.try_into().unwrap()))
}

/// The child: writes until it is killed, and says what was acknowledged.
#[test]
fn child_commits_until_it_is_killed() {
    let Some(dir) = std::env::var_os("SESSILE_CRASH_DIR") else { return };
    let is_buffered = std::env::var_os("SESSILE_CRASH_BUFFERED").is_some();
    let store = open(Path::new(&dir));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for n in steps_found(store, thread) + 1.. {
                    let mut batch = step(thread, n);
                    if is_buffered {
                        batch.durability = Durability::Buffered;
                    }
                    let is_durable = batch.durability == Durability::Durable;
                    let Commit::Committed { version } = store.commit(batch).unwrap() else {
                        panic!("there are no checks");
                    };
                    let kind = if is_durable { "durable" } else { "buffered" };
                    let line = format!("\n{kind} {thread} {n} {version}\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                    if thread == 0 && n % 20 == 0 {
                        store.expired(None, Timestamp::from_millis(1_000 + n % 997), 50).unwrap();
                    }
                    if !is_buffered && thread == 3 && n % 100 == 0 {
                        store.sync().unwrap();
                    }
                }
            });
        }
    });
}

/// What the child said of one thread.
#[derive(Default)]
struct Said {
    durable: u64,
    /// Steps with their versions.
    steps: Vec<(u64, u64)>,
}

fn run_and_kill(dir: &Path, is_buffered: bool, after: Duration) -> Vec<Said> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    if is_buffered {
        // Nothing is flushed but by sled itself, every 200 ms: a kill loses a good deal.
        command.env("SESSILE_CRASH_BUFFERED", "1");
    }
    let mut child = command
        .args(["child_commits_until_it_is_killed", "--exact", "--nocapture"])
        .env("SESSILE_CRASH_DIR", dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut said: Vec<Said> = (0..THREADS).map(|_| Said::default()).collect();
        // A line that the kill cut short says nothing.
        for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            let words: Vec<&str> = line.split(' ').collect();
            let [kind @ ("durable" | "buffered"), thread, n, version] = words[..] else {
                continue;
            };
            let (Ok(thread), Ok(n), Ok(version)) =
                (thread.parse::<usize>(), n.parse(), version.parse())
            else {
                continue;
            };
            if kind == "durable" {
                said[thread].durable = n;
            }
            said[thread].steps.push((n, version));
        }
        said
    });
    // The child is killed at any moment, the opening included: no sign of life is awaited.
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = reader.join().unwrap();
    for said in &mut said {
        // The last number may have lost its end.
        said.steps.pop();
    }
    said
}

#[test]
fn a_killed_process_leaves_whole_batches_and_everything_acknowledged() {
    let seed = match std::env::var("SESSILE_CRASH_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1,
    };
    let cycles = std::env::var("SESSILE_CRASH_CYCLES").map_or(20, |n| n.parse().unwrap());
    println!("seed {seed}, {cycles} cycles");
    let mut random = seed;
    let dir = tempfile::tempdir().unwrap();
    let (mut greatest, mut lost, mut total) = (0, 0, 0);
    for cycle in 0..cycles {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let said =
            run_and_kill(dir.path(), cycle % 2 == 1, Duration::from_millis(20 + random % 400));
        let store = open(dir.path());
        let rows: BTreeMap<Key, Row> = store.dump(None, usize::MAX).unwrap().into_iter().collect();
        let newest = rows.values().map(|row| row.version).max().unwrap_or(0);
        let mut due = Vec::new();
        for (thread, said) in (0..THREADS).zip(&said) {
            let found = steps_found(&store, thread);
            assert!(found >= said.durable, "cycle {cycle}: thread {thread} lost what was durable");
            let expected = rows_after(thread, found);
            let group = rows.iter().filter(|(key, _)| key.group() == Group(thread));
            let group: BTreeMap<Key, (Vec<u8>, Timestamp)> =
                group.map(|(key, row)| (*key, (row.value.clone(), row.expires_at))).collect();
            assert!(group == expected, "cycle {cycle}: thread {thread} is torn at step {found}");
            due.extend(expected.iter().map(|(key, (_, at))| Due { at: *at, key: *key }));
            for (n, version) in &said.steps {
                // Whole batches are lost from the end, over all threads.
                assert!(*version > newest || *n <= found, "cycle {cycle}: step {n} of {thread}");
                greatest = greatest.max(*version);
                lost += u64::from(*n > found);
                total += 1;
            }
        }
        due.retain(|due| due.at != Timestamp::NEVER);
        due.sort();
        assert_eq!(store.expired(None, Timestamp::NEVER, usize::MAX).unwrap(), due);
        assert!(store.version() >= greatest, "cycle {cycle}: a version would be given again");
    }
    println!("{total} steps acknowledged, {lost} buffered ones lost");
    assert!(total > 0);
}
