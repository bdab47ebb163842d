//! The disk under a working engine fills up, or its device fails.
//!
//! A full disk is a small tmpfs. A failing device is a loop device whose file lies on one that
//! is full: its writes fail as those of a broken disk do, and the file system on it, ext4,
//! gives up.

mod support;

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use sessile::{CreateOptions, Engine, ErrorKind, Issued, Reason, Verdict};
use support::SmallDisk;
use support::loop_disk::LoopDisk;
use support::own_mounts::in_own_mounts;

#[test]
fn a_full_disk_loses_nothing_acknowledged() {
    in_own_mounts("a_full_disk_loses_nothing_acknowledged", || {
        let Some(disk) = SmallDisk::new("24m") else { return };
        let store = disk.path.join("store");
        let mut before = Before::new(&store);
        disk.fill(900);
        before.write_until_it_fails();
        disk.free();
        before.end().check(&store);
    });
}

#[test]
fn a_failing_device_loses_nothing_acknowledged() {
    in_own_mounts("a_failing_device_loses_nothing_acknowledged", || {
        let Some(below) = SmallDisk::new("32m") else { return };
        let disk = match LoopDisk::new_in(&below.path, 64) {
            Ok(disk) => disk,
            Err(why) => return println!("skipped: no loop device: {why}"),
        };
        let store = disk.path.join("store");
        let mut before = Before::new(&store);
        below.fill(900);
        before.write_until_it_fails();
        let after = before.end();
        below.free();
        disk.remount().unwrap();
        after.check(&store);
    });
}

/// An engine whose disk is going to fail.
struct Before {
    engine: Engine,
    acknowledged: Vec<(Issued, State)>,
}

/// What was acknowledged before.
struct After(Vec<(Issued, State)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Created,
    /// It failed with an unknown outcome.
    RevokeBegun,
    Revoked,
}

impl Before {
    /// An engine on a sound disk, with work done.
    fn new(store: &Path) -> Self {
        let engine = Engine::open(store).unwrap();
        let log_in = |i: u32| {
            let options = CreateOptions::for_subject(&format!("early-{i}")).unwrap();
            (engine.create(options).unwrap(), State::Created)
        };
        let mut acknowledged: Vec<_> = (0..10).map(log_in).collect();
        for (issued, state) in acknowledged.iter_mut().take(3) {
            engine.revoke(issued.session.handle()).unwrap();
            *state = State::Revoked;
        }
        Before { engine, acknowledged }
    }

    /// Creates and revokes in four threads until each was refused, and looks at what this
    /// engine still says.
    fn write_until_it_fails(&mut self) {
        // sled is known to be able to wait for ever here: that must fail the test, not hang it.
        let (tell, told) = mpsc::channel();
        for thread in 0..4 {
            let (engine, tell) = (self.engine.clone(), tell.clone());
            std::thread::spawn(move || tell.send(write(&engine, thread)).unwrap());
        }
        let mut kinds = Vec::new();
        for _ in 0..4 {
            let told = told.recv_timeout(Duration::from_secs(60));
            let (written, kind) = told.expect("a write on a failing disk returns");
            self.acknowledged.extend(written);
            kinds.push(kind);
        }
        println!("{} sessions, then {kinds:?}", self.acknowledged.len());
        let failures = [ErrorKind::OutcomeUnknown, ErrorKind::WritesRefused];
        assert!(kinds.iter().all(|kind| failures.contains(kind)), "{kinds:?}");
        assert!(kinds.contains(&ErrorKind::OutcomeUnknown), "{kinds:?}");
        self.is_as_acknowledged();
    }

    /// Whoever can still be read is as was acknowledged, and a revoke that may not have been
    /// written holds here. Nobody is rejected because he cannot be read.
    fn is_as_acknowledged(&self) {
        let mut unread = 0;
        for (issued, state) in &self.acknowledged {
            match self.engine.verify(issued.token.as_str()) {
                Ok(verdict) => {
                    assert_eq!(verdict.is_valid(), *state == State::Created, "{verdict:?}");
                    assert_ne!(verdict.reason(), Some(Reason::UnknownSession));
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Unavailable);
                    unread += 1;
                }
            }
        }
        println!("{unread} of {} cannot be read", self.acknowledged.len());
        let options = CreateOptions::for_subject("late").unwrap();
        let refused = self.engine.create(options).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::WritesRefused);
    }

    /// The disk is sound again, but this engine takes no more writes.
    fn end(self) -> After {
        self.is_as_acknowledged();
        println!("close: {:?}", self.engine.close());
        After(self.acknowledged)
    }
}

impl After {
    fn check(self, store: &Path) {
        let engine = Engine::open(store).unwrap();
        for (issued, state) in &self.0 {
            let found = match engine.verify(issued.token.as_str()).unwrap() {
                Verdict::Valid(_) => State::Created,
                Verdict::Rejected(Reason::RevokedSession) => State::Revoked,
                Verdict::Rejected(reason) => panic!("{state:?} is {reason}"),
            };
            assert!(*state == State::RevokeBegun || *state == found, "{state:?} is {found:?}");
        }
        engine.create(CreateOptions::for_subject("late").unwrap()).unwrap();
        engine.close().unwrap();
    }
}

/// Creates and revokes until it fails; gives what was acknowledged, and how it failed.
fn write(engine: &Engine, thread: u32) -> (Vec<(Issued, State)>, ErrorKind) {
    let mut written = Vec::new();
    for i in 0_u64.. {
        let options = CreateOptions::for_subject(&format!("user-{thread}-{i}")).unwrap();
        // Long enough that the disk is full soon.
        let issued = match engine.create(options.device_label("l".repeat(255))) {
            Ok(issued) => issued,
            Err(error) => return (written, error.kind()),
        };
        if i % 2 == 0 {
            written.push((issued, State::Created));
            continue;
        }
        match engine.revoke(issued.session.handle()) {
            Ok(_) => written.push((issued, State::Revoked)),
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                written.push((issued, State::RevokeBegun));
                return (written, error.kind());
            }
            Err(error) => {
                written.push((issued, State::Created));
                return (written, error.kind());
            }
        }
    }
    unreachable!()
}
