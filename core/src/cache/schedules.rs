//! The protocol of [`epochs`](super::epochs) under every schedule that loom can think of, with
//! every value that the memory model lets a load see.
//!
//! The epochs are the real ones. Around them stands the least that has the protocol's shape: one
//! group with two sessions, a row and a cache entry for each, and the group's lock of writers.
//! Rows are relaxed atomics, weaker than any store, so that nothing but the epochs gives order.
//! A row holds how often its session was changed: to see an old number is to see an old state.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use loom::thread;

use super::Epochs;
use crate::id::Group;
use crate::sync::{AtomicU64, Mutex, Ordering};

struct Model {
    epochs: Epochs,
    one_writer: Mutex<()>,
    rows: [AtomicU64; 2],
    entries: [Mutex<Option<Kept>>; 2],
}

#[derive(Clone, Copy)]
struct Kept {
    stamp: u64,
    changes: u64,
}

/// How far a change comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// The writer dies with the change in flight, nothing written.
    BeforeCommit,
    /// The writer dies with the change in flight and written.
    BeforeLanding,
    Returned,
}

impl Model {
    fn new() -> Arc<Self> {
        Arc::new(Model {
            epochs: Epochs::new(),
            one_writer: Mutex::new(()),
            rows: [AtomicU64::new(0), AtomicU64::new(0)],
            entries: [Mutex::new(None), Mutex::new(None)],
        })
    }

    /// As `Engine::verify`: from the entry if it counts, else from the row, which is kept.
    fn verify(&self, session: usize) -> u64 {
        if let Some(changes) = self.hit(session) {
            return changes;
        }
        let stamp = self.epochs.stamp(GROUP);
        let changes = self.rows[session].load(Ordering::Relaxed);
        if let Some(stamp) = stamp {
            *self.entries[session].lock() = Some(Kept { stamp, changes });
        }
        changes
    }

    fn hit(&self, session: usize) -> Option<u64> {
        let kept = (*self.entries[session].lock())?;
        self.epochs.is_current(GROUP, kept.stamp).then_some(kept.changes)
    }

    /// As `Inner::change`, but the landing comes when the next writer may have begun: the epochs
    /// promise to bear that.
    fn change(&self, session: usize, ends: Ends) {
        let one_writer = self.one_writer.lock();
        let flight = self.epochs.begin(GROUP);
        if ends == Ends::BeforeCommit {
            return;
        }
        let changes = self.rows[session].load(Ordering::Relaxed);
        self.rows[session].store(changes + 1, Ordering::Relaxed);
        drop(one_writer);
        if ends == Ends::Returned {
            self.epochs.land(flight);
        }
    }

    /// With nobody under way, an entry that counts says what the row says.
    fn assert_no_old_entry_counts(&self) {
        for session in [0, 1] {
            let row = self.rows[session].load(Ordering::Relaxed);
            let hit = self.hit(session);
            assert!(hit.is_none_or(|hit| hit == row), "kept {hit:?}, but the row says {row}");
        }
    }
}

/// Runs `scenario` under every schedule, and prints how many there were.
fn every_schedule(name: &str, scenario: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = None;
    run(name, model, scenario);
}

/// The same, for scenarios with too many: those in which no more threads are preempted than
/// `LOOM_MAX_PREEMPTIONS` says, or [`PREEMPTIONS`]. Waiting for a lock or a thread is none.
fn most_schedules(name: &str, scenario: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(PREEMPTIONS));
    run(name, model, scenario);
}

fn run(name: &str, model: loom::model::Builder, scenario: impl Fn() + Send + Sync + 'static) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let kind = model.preemption_bound.map_or("all".into(), |n| format!("up to {n} preemptions"));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        model.check(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            scenario();
        });
    }));
    let count = count.load(Ordering::Relaxed);
    match outcome {
        Ok(()) => println!("loom: {count} schedules ({kind}): {name}"),
        Err(panic) => {
            println!("loom: FAILED in schedule {count} ({kind}): {name}");
            resume_unwind(panic)
        }
    }
}

#[test]
fn a_fill_never_outlives_a_change() {
    every_schedule("two fills, one change", || {
        let model = Model::new();
        let (filler, changer) = (model.clone(), model.clone());
        let filler = thread::spawn(move || [filler.verify(0), filler.verify(0)]);
        let changer = thread::spawn(move || changer.change(0, Ends::Returned));
        changer.join().unwrap();
        // The filler may still be at it.
        assert_eq!(model.verify(0), 1, "verified after the change returned");
        let seen = filler.join().unwrap();
        assert!(seen.is_sorted(), "a state came back: {seen:?}");
        assert_eq!(model.verify(0), 1, "verified after the change and the fills returned");
        model.assert_no_old_entry_counts();
    });
}

#[test]
fn two_fills_never_outlive_a_change() {
    most_schedules("two fillers, one change", || {
        let model = Model::new();
        let fillers = [0, 1].map(|_| {
            let model = model.clone();
            thread::spawn(move || model.verify(0))
        });
        model.change(0, Ends::Returned);
        assert_eq!(model.verify(0), 1, "verified after the change returned");
        fillers.into_iter().for_each(|filler| assert!(filler.join().unwrap() <= 1));
        assert_eq!(model.verify(0), 1, "verified after the change and the fills returned");
        model.assert_no_old_entry_counts();
    });
}

#[test]
fn a_fill_never_outlives_two_changes_of_which_one_may_die() {
    for first in [Ends::BeforeCommit, Ends::BeforeLanding, Ends::Returned] {
        for session in [0, 1] {
            let name = format!("two fills, a change of 0 ({first:?}), a change of {session}");
            most_schedules(&name, move || {
                let model = Model::new();
                let (filler, changer) = (model.clone(), model.clone());
                let filler = thread::spawn(move || (filler.verify(0), filler.verify(session)));
                let changer = thread::spawn(move || changer.change(0, first));
                model.change(session, Ends::Returned);
                assert!(model.verify(session) >= 1, "verified after its change returned");
                changer.join().unwrap();
                let committed = u64::from(first != Ends::BeforeCommit);
                let expected = if session == 0 { committed + 1 } else { committed };
                if first == Ends::Returned {
                    assert_eq!(model.verify(0), expected, "verified after both returned");
                }
                filler.join().unwrap();
                assert_eq!(model.verify(0), expected, "verified after all were done or dead");
                model.assert_no_old_entry_counts();
            });
        }
    }
}

#[test]
fn a_late_landing_does_not_end_the_flight_of_another() {
    every_schedule("one fill, one change, a late landing of an earlier one", || {
        let model = Model::new();
        let early = model.epochs.begin(GROUP);
        let (filler, lander) = (model.clone(), model.clone());
        let filler = thread::spawn(move || filler.verify(0));
        let lander = thread::spawn(move || lander.epochs.land(early));
        model.change(0, Ends::Returned);
        assert_eq!(model.verify(0), 1, "verified after the change returned");
        filler.join().unwrap();
        lander.join().unwrap();
        model.assert_no_old_entry_counts();
    });
}

const GROUP: Group = Group(0);
const PREEMPTIONS: usize = 3;
