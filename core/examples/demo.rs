//! The main job on the embedded store: log people in, verify their tokens, log them out for
//! good, and lose nothing when the process is killed.
//!
//! `make demo` runs it. It works in a directory of its own and removes that at the end.

#![allow(clippy::indexing_slicing, reason = "the demo made the places that it names")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use sessile::store::Durability;
use sessile::{Config, CreateOptions, Engine, Handle, Patch};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const SESSIONS: u64 = 100_000;
const SUBJECTS: u64 = 20_000;

fn main() -> Outcome<()> {
    // The demo starts itself a second time, as the writer that it kills.
    if let Some(directory) = std::env::args_os().nth(1) {
        return write_until_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("sessions");
    let mut table = Table::default();

    println!("A store in {}", path.display());
    let engine = Engine::open_with(Config::new(&path).create_durability(Durability::Buffered))?;
    println!("{SESSIONS} people log in ...");
    let progress = ProgressBar::new(SESSIONS);
    let mut sessions = Vec::new();
    table.measure("create (buffered)", SESSIONS, || {
        for i in 0..SESSIONS {
            let login = CreateOptions::for_subject(&format!("user-{}", i % SUBJECTS))?
                .device_label("Firefox on Linux");
            let issued = engine.create(login)?;
            sessions.push((*issued.session.handle(), issued.token.as_str().to_owned()));
            if i % 1000 == 0 {
                progress.set_position(i);
            }
        }
        Ok(())
    })?;
    progress.finish_and_clear();

    println!("... and come back with their tokens: no store is asked, nothing is written.");
    table.measure("verify (cached)", 10 * SESSIONS, || {
        for (_, token) in sessions.iter().cycle().take(10 * SESSIONS as usize) {
            expect(engine.verify(token)?.is_valid(), "a valid session was rejected")?;
        }
        Ok(())
    })?;
    let forged = format!("{}AAAAAA", &sessions[0].1[..42]);
    table.measure("verify (forged)", SESSIONS, || {
        for _ in 0..SESSIONS {
            expect(!engine.verify(&forged)?.is_valid(), "a forged token was let in")?;
        }
        Ok(())
    })?;

    println!("A thousand of them stay in touch, keep something, and get new tokens.");
    table.measure("touch", 1000, || {
        for (handle, _) in &sessions[1000..2000] {
            expect(engine.touch(handle)?, "a valid session was not touched")?;
        }
        engine.tick()?;
        Ok(())
    })?;
    table.measure("patch data (durable)", 1000, || {
        for (handle, _) in &sessions[1000..2000] {
            engine.patch(handle, &Patch::new().set("theme", "dark"))?;
        }
        Ok(())
    })?;
    table.measure("rotate (durable)", 1000, || {
        for session in &mut sessions[1000..2000] {
            let issued = engine.rotate(&session.0)?;
            expect(engine.verify(&session.1)?.is_valid(), "the old token has its grace")?;
            *session = (*issued.session.handle(), issued.token.as_str().to_owned());
        }
        Ok(())
    })?;

    println!("One thousand log out. Each is on the disk when the call returns.");
    table.measure("revoke (durable)", 1000, || {
        for (handle, token) in sessions.iter().take(1000) {
            engine.revoke(handle)?;
            expect(!engine.verify(token)?.is_valid(), "a revoked session was let in")?;
        }
        Ok(())
    })?;
    println!("user-5000 logs out everywhere, but here.");
    let (here, _) = sessions[5000];
    table.measure("log out everywhere", 1, || {
        Ok(engine.revoke_subject("user-5000", Some(&here))?)
    })?;
    expect(engine.list("user-5000")?.len() == 1, "log out everywhere left a session")?;
    table.measure("close", 1, || Ok(engine.close()?))?;

    println!("A writer process is killed with SIGKILL while it logs people in and out ...");
    let (kept, revoked) = run_and_kill(&path)?;
    let mut engine = None;
    table.measure("open after kill -9", 1, || {
        engine = Some(Engine::open(&path)?);
        Ok(())
    })?;
    let engine = engine.ok_or("not opened")?;
    for token in &kept {
        expect(engine.verify(token)?.is_valid(), "an acknowledged session was lost")?;
    }
    for token in revoked.iter().chain(sessions.iter().take(1000).map(|(_, token)| token)) {
        expect(!engine.verify(token)?.is_valid(), "a revoked session came back")?;
    }
    for (handle, token) in &sessions[1000..2000] {
        expect(engine.verify(token)?.is_valid(), "a rotated session was lost")?;
        let data = engine.data(handle)?.ok_or("a rotated session was lost")?;
        expect(data.get("theme") == Some("dark".as_bytes()), "its data were lost")?;
    }
    println!(
        "... its {} acknowledged logins are there, and its {} logouts, and the thousand before.",
        kept.len(),
        revoked.len()
    );
    let rest = &sessions[1000..];
    table.measure("verify (from the store)", rest.len() as u64, || {
        let valid = rest
            .iter()
            .filter(|(_, token)| engine.verify(token).is_ok_and(|verdict| verdict.is_valid()));
        // All but the other four of user-5000.
        expect(valid.count() == rest.len() - 4, "a session was lost")
    })?;
    let stats = engine.stats();
    println!("Durable commits here survive: {:?}.\n", stats.survives);
    engine.close()?;
    table.print();
    Ok(())
}

/// Logs people in and every second one out, and says what was acknowledged.
fn write_until_killed(path: &Path) -> Outcome<()> {
    let engine = Engine::open(path)?;
    loop {
        let issued = engine.create(CreateOptions::for_subject("late guest")?)?;
        let other = engine.create(CreateOptions::for_subject("late guest")?)?;
        let handle: &Handle = other.session.handle();
        engine.revoke(handle)?;
        let line = format!("{} {}\n", issued.token.as_str(), other.token.as_str());
        std::io::stdout().write_all(line.as_bytes())?;
    }
}

fn run_and_kill(path: &Path) -> Outcome<(Vec<String>, Vec<String>)> {
    let mut writer =
        Command::new(std::env::current_exe()?).arg(path).stdout(Stdio::piped()).spawn()?;
    let output = BufReader::new(writer.stdout.take().ok_or("no output")?);
    let started = Instant::now();
    let (mut kept, mut revoked) = (Vec::new(), Vec::new());
    for line in output.lines() {
        let line = line?;
        // The last line may be torn: then it was not acknowledged.
        if let Some((k, r)) = line.split_once(' ').filter(|(_, r)| r.len() == 48) {
            kept.push(k.to_owned());
            revoked.push(r.to_owned());
        }
        if started.elapsed() > Duration::from_secs(2) {
            writer.kill()?;
        }
    }
    writer.wait()?;
    expect(!kept.is_empty(), "the writer did nothing")?;
    Ok((kept, revoked))
}

fn expect(is_so: bool, otherwise: &str) -> Outcome<()> {
    if is_so { Ok(()) } else { Err(otherwise.into()) }
}

#[derive(Default)]
struct Table(Vec<(&'static str, u64, Duration)>);

impl Table {
    fn measure(
        &mut self,
        what: &'static str,
        count: u64,
        work: impl FnOnce() -> Outcome<()>,
    ) -> Outcome<()> {
        let started = Instant::now();
        work()?;
        self.0.push((what, count, started.elapsed()));
        Ok(())
    }

    fn print(&self) {
        println!("{:<26}{:>12}{:>16}", "operation", "count", "time each");
        for (what, count, time) in &self.0 {
            let each = time.as_nanos() as f64 / *count as f64;
            let each = match each {
                ns if ns < 1e3 => format!("{ns:.0} ns"),
                ns if ns < 1e6 => format!("{:.1} us", ns / 1e3),
                ns => format!("{:.1} ms", ns / 1e6),
            };
            println!("{what:<26}{count:>12}{each:>16}");
        }
    }
}
