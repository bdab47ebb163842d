//! How fast are expired sessions swept, and does verification notice?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use sessile::store::MemoryStore;
use sessile::testing::ManualClock;
use sessile::{Config, CreateOptions, Engine, Lifetimes};

use crate::crowd::{Crowd, Turn, quiet};
use crate::rounds::alternate;
use crate::scale::{Scale, short};
use crate::table::{Goal, Table, Unit};
use crate::verify::hit;

/// Measures the sweep, for criterion.
pub fn bench(c: &mut Criterion, scale: Scale) {
    let sweep = Sweep::new(0);
    let mut group = c.benchmark_group("sweep/memory");
    group.sample_size(10).throughput(Throughput::Elements(scale.stored as u64));
    group.bench_function(format!("{} expired", short(scale.stored)), |b| {
        b.iter_custom(|rounds| {
            let rate = |_| scale.stored as f64 / sweep.expired_per_second(scale.stored);
            Duration::from_secs_f64((0..rounds).map(rate).sum())
        })
    });
}

/// Adds the rows of this question.
pub fn report(table: &mut Table, scale: Scale) {
    let (alone, among_many) = (Sweep::new(0), Sweep::new(scale.many));
    let compared = alternate(
        scale.rounds,
        || alone.expired_per_second(scale.stored),
        || among_many.expired_per_second(scale.stored),
    );
    let goal = Goal::AtLeast(200_000.0);
    table.figure("sweep, memory, expired", Unit::PerSecond, compared.floor, goal);
    let name = format!("sweep, memory, among {} live; floor: among none", short(scale.many));
    table.compared(&name, Unit::PerSecond, compared, Goal::None);
    drop((alone, among_many));

    let sweep = Sweep::new(scale.hot);
    let mut turns = [Turn::of(scale.hot), Turn::of(scale.hot)];
    let [idle, busy] = &mut turns;
    let compared = alternate(
        scale.rounds,
        || {
            let until = Instant::now() + Duration::from_millis(scale.window_ms);
            sweep.p99(idle, || Instant::now() < until)
        },
        || sweep.p99_during(busy, scale.stored),
    );
    let name = format!("verify p99 during a sweep, hit, {}; floor: idle", short(scale.hot));
    table.compared(&name, Unit::Time, compared, Goal::AtMost(2.0));
}

/// An engine with sessions that stay, where others expire.
struct Sweep {
    engine: Engine,
    clock: ManualClock,
    staying: Crowd,
}

impl Sweep {
    fn new(staying: usize) -> Self {
        let clock = ManualClock::default();
        let config = quiet(Config::with_store(Arc::new(MemoryStore::new())));
        let engine = Engine::open_with(config.clock(clock.clone())).unwrap();
        let staying = Crowd::log_in(&engine, "staying", staying);
        Sweep { engine, clock, staying }
    }

    /// Has `count` sessions expire; the next ticks sweep them.
    fn expire(&self, count: usize) {
        let second = Duration::from_secs(1);
        let lifetimes = Lifetimes { idle_timeout: second, absolute_lifetime: second };
        for i in 0..count {
            let login = CreateOptions::for_subject(&format!("leaving-{i}")).unwrap();
            self.engine.create(login.lifetimes(lifetimes)).unwrap();
        }
        self.clock.advance(5 * 60 * second);
    }

    fn sweep(&self) -> u64 {
        let mut swept = 0;
        loop {
            let report = self.engine.tick().unwrap();
            swept += report.rows_swept;
            if !report.is_more_due {
                return swept;
            }
        }
    }

    fn expired_per_second(&self, count: usize) -> f64 {
        self.expire(count);
        let started = Instant::now();
        assert_eq!(self.sweep(), count as u64);
        count as f64 / started.elapsed().as_secs_f64()
    }

    /// The 99th of 100 times of single calls, as long as it `goes_on`.
    fn p99(&self, turn: &mut Turn, goes_on: impl Fn() -> bool) -> f64 {
        let mut times = Vec::with_capacity(1 << 20);
        while goes_on() && times.len() < times.capacity() {
            for _ in 0..64 {
                let started = Instant::now();
                hit(&self.engine, &self.staying.texts, turn);
                times.push(started.elapsed().as_nanos() as u32);
            }
        }
        let place = times.len() * 99 / 100;
        let (_, p99, _) = times.select_nth_unstable(place);
        f64::from(*p99)
    }

    fn p99_during(&self, turn: &mut Turn, count: usize) -> f64 {
        self.expire(count);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(self.sweep(), count as u64);
                is_over.store(true, Ordering::Relaxed);
            });
            self.p99(turn, || !is_over.load(Ordering::Relaxed))
        })
    }
}
