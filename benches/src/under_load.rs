//! Do logouts and writes slow verification down?

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::Criterion;
use sessile::{Engine, Patch};

use crate::crowd::{Crowd, Turn};
use crate::rounds::{Compared, alternate, median};
use crate::scale::{Scale, short};
use crate::table::{Goal, Table, Unit};
use crate::verify::{cached, hit};

/// Changes a second while the load is on: of six, one is a revoke and five are writes.
const CHANGES_PER_SECOND: f64 = 6_000.0;
const WRITES_PER_REVOKE: u64 = 5;

/// Measures verification under load, for criterion.
pub fn bench(c: &mut Criterion, scale: Scale) {
    let load = Load::new(scale);
    let mut turn = Turn::of(scale.many);
    let mut group = c.benchmark_group("under_load/verify");
    group.bench_function("idle", |b| b.iter(|| hit(&load.engine, &load.crowd.texts, &mut turn)));
    load.while_on(|| {
        group.bench_function("1,000 revokes/s and 5,000 writes/s", |b| {
            b.iter(|| hit(&load.engine, &load.crowd.texts, &mut turn))
        });
    });
}

/// Adds the rows of this question.
pub fn report(table: &mut Table, scale: Scale) {
    let load = Load::new(scale);
    let mut turns = [Turn::of(scale.many), Turn::of(scale.many)];
    let [idle, loaded] = &mut turns;
    let mut rates = Vec::new();
    let window = Duration::from_millis(scale.window_ms);
    let compared = alternate(
        scale.rounds,
        || load.hits_per_second(window, idle),
        || {
            let before = load.changes.load(Ordering::Relaxed);
            let mut rate = 0.0;
            load.while_on(|| rate = load.hits_per_second(window, loaded));
            let changes = load.changes.load(Ordering::Relaxed) - before;
            rates.push(changes as f64 / window.as_secs_f64());
            rate
        },
    );
    let Compared { floor, ours, ratio } = compared;
    let name = format!(
        "verify, hit, {} random, under {:.0} changes/s, a sixth of them revokes; floor: idle",
        short(scale.many),
        median(rates)
    );
    let compared = Compared { floor, ours, ratio };
    table.compared(&name, Unit::PerSecond, compared, Goal::AtLeast(0.8));
}

/// Sessions that are verified, and others of the same groups that are logged out meanwhile.
struct Load {
    engine: Engine,
    crowd: Crowd,
    leaving: parking_lot::Mutex<Crowd>,
    changes: AtomicU64,
}

impl Load {
    fn new(scale: Scale) -> Self {
        let (engine, crowd) = cached(scale.many);
        let leaving = parking_lot::Mutex::new(Crowd::default());
        Load { engine, crowd, leaving, changes: AtomicU64::new(0) }
    }

    /// Runs `work` while another thread makes changes.
    fn while_on(&self, work: impl FnOnce()) {
        let is_over = AtomicBool::new(false);
        // Made before, so that what is measured are revokes and not creates.
        let mut leaving = self.leaving.lock();
        *leaving = Crowd::log_in(&self.engine, "leaving", LEAVING);
        std::thread::scope(|scope| {
            scope.spawn(|| self.change_until(&is_over, &leaving));
            work();
            is_over.store(true, Ordering::Relaxed);
        });
    }

    fn change_until(&self, is_over: &AtomicBool, leaving: &Crowd) {
        let started = Instant::now();
        let mut done = 0;
        while !is_over.load(Ordering::Relaxed) {
            let due = (started.elapsed().as_secs_f64() * CHANGES_PER_SECOND) as u64;
            while done < due {
                self.change(done, leaving);
                done += 1;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn change(&self, i: u64, leaving: &Crowd) {
        let nth = self.changes.fetch_add(1, Ordering::Relaxed) as usize;
        if i.is_multiple_of(WRITES_PER_REVOKE + 1) {
            let place = (i / (WRITES_PER_REVOKE + 1)) as usize % leaving.handles.len();
            self.engine.revoke(&leaving.handles[place]).unwrap();
        } else {
            let handle = &self.crowd.handles[nth * 7919 % self.crowd.handles.len()];
            let patch = Patch::new().set("seen", nth.to_le_bytes());
            self.engine.patch(handle, &patch).unwrap();
        }
    }

    fn hits_per_second(&self, window: Duration, turn: &mut Turn) -> f64 {
        let started = Instant::now();
        let mut calls = 0;
        loop {
            for _ in 0..256 {
                hit(&self.engine, &self.crowd.texts, turn);
            }
            calls += 256;
            let elapsed = started.elapsed();
            if elapsed >= window {
                return f64::from(calls) / elapsed.as_secs_f64();
            }
        }
    }
}

/// Enough for some seconds of revokes.
const LEAVING: usize = 5_000;
