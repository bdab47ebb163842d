//! Cuts the power of a disk under a writing engine, and looks at what is left.
//!
//! The model of a cut: the disk is an ext4 file system in a file, behind a loop device. At the
//! cut the writer is stopped and the file is copied: everything that the file system has sent to
//! the device is in it, in the order in which it was sent; what only the page cache above the
//! device holds is lost, and so is what sled keeps in its own buffers. The copy is mounted, which
//! replays the file system's journal, and the engine opens the store on it. Two things are not in
//! the model: a device that loses what it has taken but was not told to flush (the test looks
//! that it is told), and a cut in the middle of one system call.
//!
//! The writer runs this test binary again; it prints a line when a create was acknowledged
//! (`C token`), when a revoke begins (`r token`) and when it was acknowledged (`R token`).
//! The control does the same in a directory without the attribute for synchronous writes: if
//! nothing is lost there, the cuts prove nothing.

mod support;

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use sessile::testing::ManualClock;
use sessile::{
    Clock, Config, CreateOptions, Engine, Issued, Lifetimes, Reason, Timestamp, Verdict,
};
use support::loop_disk::LoopDisk;
use support::own_mounts::in_own_mounts;

#[test]
fn nothing_acknowledged_is_lost_when_the_power_is_cut() {
    in_own_mounts("nothing_acknowledged_is_lost_when_the_power_is_cut", || {
        let Some(tally) = cut_power(cuts(3), Attribute::Kept) else { return };
        println!("{tally}");
        assert_eq!((tally.losses, tally.unopened), (0, 0));
        assert!(tally.creates > 0 && tally.revokes > 0, "the writer did nothing");
        // What the model takes for granted: the device is told to keep what it took.
        assert!(tally.flushes > tally.cuts, "acknowledged without telling the device to flush");
    });
}

#[test]
fn the_same_cuts_lose_something_without_synchronous_writes() {
    in_own_mounts("the_same_cuts_lose_something_without_synchronous_writes", || {
        // A single cut may come when nothing is under way, and so, seldom, may three.
        let Some(tally) = cut_power(cuts(12), Attribute::Stripped) else { return };
        println!("{tally}");
        assert!(tally.losses + tally.unopened > 0, "the cuts prove nothing");
    });
}

fn cuts(default: u64) -> u64 {
    std::env::var("SESSILE_POWER_CUTS").map_or(default, |n| n.parse().unwrap())
}

/// Whether the store's files keep the attribute for synchronous writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    Kept,
    /// Taken off as soon as the store is open.
    Stripped,
}

/// What was found after all cuts.
#[derive(Default)]
struct Tally {
    cuts: u64,
    creates: u64,
    revokes: u64,
    losses: u64,
    unopened: u64,
    flushes: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { cuts, creates, revokes, losses, unopened, flushes } = self;
        write!(
            f,
            "{cuts} power cuts: {creates} creates and {revokes} revokes acknowledged, {losses} \
             lost; {unopened} stores did not open; the device was told to flush {flushes} times"
        )
    }
}

/// Cuts the power `cuts` times. The machine goes on from what the last cut left, save for every
/// fifth cut, which meets a new store. `None`, with a printed reason, without loop devices.
fn cut_power(cuts: u64, attribute: Attribute) -> Option<Tally> {
    let mut random = Random::new();
    let mut tally = Tally::default();
    let mut machine: Option<(LoopDisk, Ledger)> = None;
    while tally.cuts < cuts {
        let is_new = tally.cuts % 5 == 0 || machine.is_none();
        let (disk, mut ledger) = match machine.take() {
            Some(machine) if !is_new => machine,
            _ => match LoopDisk::new(DISK_LEN_MIB) {
                Ok(disk) => (disk, Ledger::default()),
                Err(why) => {
                    println!("skipped: no loop device: {why}");
                    return None;
                }
            },
        };
        if !is_new && random.below(2) == 0 {
            // As a copy of the directory would be: opening it has to set the attribute again.
            strip_attribute(&disk.path.join("store")).unwrap();
        }
        let flushes = disk.flushes();
        let mut writer = Writer::start(&disk, attribute);
        // One cut in four comes while the store opens or is made.
        if random.below(4) > 0 {
            writer.listen_until_open();
        }
        writer.listen_for(Duration::from_millis(random.below(400)));
        writer.freeze();
        let cut = disk.after_power_cut().unwrap();
        tally.flushes += disk.flushes() - flushes;
        ledger.note(&writer.said);
        drop(writer);
        drop(disk);

        tally.cuts += 1;
        tally.creates += ledger.new_creates();
        tally.revokes += ledger.new_revokes();
        match open(&cut.path, &ManualClock::at(later())) {
            Ok(engine) => {
                let losses = ledger.settle(&engine);
                if losses > 0 {
                    println!("cut {}: {losses} acknowledged changes lost", tally.cuts);
                }
                tally.losses += losses;
                engine.close().unwrap();
                machine = (losses == 0).then_some((cut, ledger));
            }
            Err(error) => {
                println!("cut {}: {error}", tally.cuts);
                tally.unopened += 1;
            }
        }
    }
    Some(tally)
}

fn open(disk: &Path, clock: &ManualClock) -> sessile::Result<Engine> {
    Engine::open_with(
        Config::new(disk.join("store"))
            .clock(clock.clone())
            .lifetimes(Lifetimes::REMEMBER_ME)
            .require_power_loss_safety(true)
            .no_threads(),
    )
}

/// A time behind everything that a writer does, and before any session that counts ends.
fn later() -> Timestamp {
    ManualClock::default().now().plus(Duration::from_secs(5 * 86_400))
}

/// What was acknowledged, and what must therefore be found.
#[derive(Default)]
struct Ledger {
    sessions: HashMap<String, State>,
    creates: u64,
    revokes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Created,
    RevokeBegun,
    Revoked,
}

impl Ledger {
    fn note(&mut self, said: &[String]) {
        for line in said {
            let Some((what, token)) = line.split_once(' ') else { continue };
            let state = match what {
                "C" => State::Created,
                "r" => State::RevokeBegun,
                "R" => State::Revoked,
                _ => continue,
            };
            self.creates += u64::from(state == State::Created);
            self.revokes += u64::from(state == State::Revoked);
            self.sessions.insert(token.to_owned(), state);
        }
    }

    fn new_creates(&mut self) -> u64 {
        std::mem::take(&mut self.creates)
    }

    fn new_revokes(&mut self) -> u64 {
        std::mem::take(&mut self.revokes)
    }

    /// Compares it with what the engine says, and gives how much is lost. A revoke that had only
    /// begun may be found or not, but stays what it was found to be.
    fn settle(&mut self, engine: &Engine) -> u64 {
        let mut losses = 0;
        for (token, state) in &mut self.sessions {
            let found = match engine.peek(token) {
                Ok(Verdict::Valid(_)) => State::Created,
                // The row says so: a session that is merely missing was lost, not revoked.
                Ok(Verdict::Rejected(Reason::RevokedSession | Reason::RevokedSubject)) => {
                    State::Revoked
                }
                _ => {
                    losses += 1;
                    continue;
                }
            };
            match *state {
                State::RevokeBegun => *state = found,
                acknowledged => losses += u64::from(acknowledged != found),
            }
        }
        losses
    }
}

/// The process that writes until the power is cut.
struct Writer {
    child: Child,
    output: ChildStdout,
    /// The beginning of a line whose end is still to come.
    rest: Vec<u8>,
    said: Vec<String>,
}

impl Writer {
    fn start(disk: &LoopDisk, attribute: Attribute) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
            .env("SESSILE_POWER_DISK", &disk.path)
            .env("SESSILE_POWER_ATTRIBUTE", format!("{attribute:?}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        Writer { child, output, rest: Vec::new(), said: Vec::new() }
    }

    fn listen_until_open(&mut self) {
        while !self.said.iter().any(|line| line == "open") {
            assert!(self.hear(Duration::from_secs(30)), "the writer did not open the store");
        }
    }

    fn listen_for(&mut self, duration: Duration) {
        let end = Instant::now() + duration;
        while self.hear(end.saturating_duration_since(Instant::now())) {}
    }

    /// Stops every thread of it, and hears what it had said by then.
    fn freeze(&mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "the writer ended by itself: {status:?}");
        while self.hear(Duration::ZERO) {}
    }

    /// Hears what it says within `patience`, and whether it said anything.
    fn hear(&mut self, patience: Duration) -> bool {
        let patience = Timespec::try_from(patience).unwrap();
        let mut output = [PollFd::new(&self.output, PollFlags::IN)];
        if poll(&mut output, Some(&patience)).unwrap() == 0 {
            return false;
        }
        let mut bytes = vec![0; 1 << 16];
        let len = self.output.read(&mut bytes).unwrap();
        self.rest.extend_from_slice(&bytes[..len]);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.said.push(String::from_utf8_lossy(&line[..end]).into_owned());
        }
        len > 0
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The writer: creates and revokes in three threads, touches and sweeps in a fourth.
#[test]
fn writer() {
    let Some(disk) = std::env::var_os("SESSILE_POWER_DISK") else { return };
    let disk = Path::new(&disk);
    let clock = ManualClock::default();
    let engine = open(disk, &clock).unwrap();
    if std::env::var("SESSILE_POWER_ATTRIBUTE").is_ok_and(|attribute| attribute == "Stripped") {
        strip_attribute(&disk.join("store")).unwrap();
    }
    io::stdout().lock().write_all(b"\nopen\n").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let engine = &engine;
            scope.spawn(move || log_in_and_out(engine, thread));
        }
        scope.spawn(|| touch_and_sweep(&engine, &clock));
    });
}

fn log_in_and_out(engine: &Engine, thread: u32) {
    for n in 0.. {
        let subject = format!("user-{}-{thread}-{n}", std::process::id());
        let sessions: Vec<Issued> = (0..8).map(|_| log_in(engine, &subject)).collect();
        for issued in sessions.iter().step_by(3) {
            say("r", issued.token.as_str());
            engine.revoke(issued.session.handle()).unwrap();
            say("R", issued.token.as_str());
        }
        let (kept, others) = sessions.split_last().unwrap();
        if n % 3 == 0 {
            others.iter().for_each(|issued| say("r", issued.token.as_str()));
            // Two rows in one commit: half of it would end the kept session, too.
            engine.revoke_subject(&subject, Some(kept.session.handle())).unwrap();
            others.iter().for_each(|issued| say("R", issued.token.as_str()));
        }
    }
}

fn touch_and_sweep(engine: &Engine, clock: &ManualClock) {
    let subject = format!("user-{}-touched", std::process::id());
    let touched: Vec<Issued> = (0..64).map(|_| log_in(engine, &subject)).collect();
    let short = Lifetimes { idle_timeout: SECOND, absolute_lifetime: SECOND };
    loop {
        for _ in 0..4 {
            let options = CreateOptions::for_subject("short").unwrap().lifetimes(short);
            engine.create(options).unwrap();
        }
        // More than the 60 s after which a touch is written.
        clock.advance(61 * SECOND);
        for issued in &touched {
            assert!(engine.verify(issued.token.as_str()).unwrap().is_valid());
        }
        engine.tick().unwrap();
    }
}

fn log_in(engine: &Engine, subject: &str) -> Issued {
    let issued = engine.create(CreateOptions::for_subject(subject).unwrap()).unwrap();
    say("C", issued.token.as_str());
    issued
}

/// One whole line in one write, so that lines of threads do not mix.
fn say(what: &str, token: &str) {
    io::stdout().lock().write_all(format!("{what} {token}\n").as_bytes()).unwrap();
}

/// Takes the attribute off `path` and everything in it. What is made later has none either.
fn strip_attribute(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    ioctl_setflags(&file, ioctl_getflags(&file)? - IFlags::SYNC)?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            strip_attribute(&entry?.path())?;
        }
    }
    Ok(())
}

struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = match std::env::var("SESSILE_POWER_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64,
        };
        println!("seed {seed}");
        Random(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

const DISK_LEN_MIB: u32 = 256;

const SECOND: Duration = Duration::from_secs(1);
