//! Does "log out everywhere" take longer for who has many sessions?

use std::sync::Arc;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion};
use sessile::store::MemoryStore;
use sessile::testing::FaultStore;
use sessile::{Config, CreateOptions, Engine};

use crate::crowd::{nanos, quiet};
use crate::rounds::{Compared, median};
use crate::scale::Scale;
use crate::table::{Goal, Table, Unit};

/// Measures `revoke_subject` of subjects with more and more sessions, for criterion.
pub fn bench(c: &mut Criterion, scale: Scale) {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open_with(quiet(Config::new(directory.path().join("s")))).unwrap();
    let mut group = c.benchmark_group("subject/revoke_subject, durable");
    group.sample_size(20);
    for sessions in sizes(scale) {
        let name = format!("subject-{sessions}");
        log_in(&engine, &name, sessions);
        // What is revoked once is revoked, so all but the first find the sessions dead; the
        // report has fresh ones in each round.
        group.bench_function(BenchmarkId::from_parameter(sessions), |b| {
            b.iter(|| engine.revoke_subject(&name, None).unwrap())
        });
    }
}

/// Adds the rows of this question.
pub fn report(table: &mut Table, scale: Scale) {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open_with(quiet(Config::new(directory.path().join("s")))).unwrap();
    // Logging 100,000 in takes seconds on sled, for one call that is then measured.
    report_on(table, &engine, "sled, durable", scale, scale.rounds.div_ceil(2));
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let engine = Engine::open_with(quiet(Config::with_store(store.clone()))).unwrap();
    report_on(table, &engine, "memory", scale, scale.rounds);
    calls_of_the_store(table, &engine, &store, scale);
}

fn sizes(scale: Scale) -> Vec<usize> {
    [1, 100, 10_000, 100_000].into_iter().filter(|size| *size <= scale.stored).collect()
}

fn report_on(table: &mut Table, engine: &Engine, on: &str, scale: Scale, rounds: usize) {
    let sizes = sizes(scale);
    let mut times = vec![Vec::new(); sizes.len()];
    for round in 0..rounds {
        let name = |size: usize| format!("{on}-{round}-{size}");
        sizes.iter().for_each(|size| log_in(engine, &name(*size), *size));
        for step in 0..sizes.len() {
            // Another one is first in each round.
            let i = (step + round) % sizes.len();
            let started = Instant::now();
            engine.revoke_subject(&name(sizes[i]), None).unwrap();
            times[i].push(nanos(started.elapsed()));
        }
        // Only now: listing 100,000 sessions would leave the next call with cold caches.
        assert!(sizes.iter().all(|size| !engine.is_active(&name(*size)).unwrap()));
    }
    let one = times[0].clone();
    for (size, times) in sizes.iter().zip(times).skip(1) {
        let ratios = times.iter().zip(&one).map(|(ours, floor)| ours / floor).collect();
        let (floor, ours) = (median(one.clone()), median(times));
        let compared = Compared { floor, ours, ratio: median(ratios) };
        let name = format!("revoke_subject, {on}, {size} sessions; floor: 1 session");
        table.compared(&name, Unit::Time, compared, Goal::AtMost(FLAT));
    }
}

/// The same question without a clock: how often the store is asked.
fn calls_of_the_store(table: &mut Table, engine: &Engine, store: &FaultStore, scale: Scale) {
    let mut counted = Vec::new();
    for size in sizes(scale) {
        let name = format!("counted-{size}");
        log_in(engine, &name, size);
        let before = store.counts();
        engine.revoke_subject(&name, None).unwrap();
        let after = store.counts();
        let reads = after.gets - before.gets + after.scans - before.scans;
        counted.push((reads + after.commits - before.commits) as f64);
    }
    let (floor, ours) = (counted[0], counted[counted.len() - 1]);
    let size = scale.stored.min(100_000);
    let name = format!("revoke_subject, calls of the store, {size} sessions; floor: 1 session");
    let compared = Compared { floor, ours, ratio: ours / floor };
    table.compared(&name, Unit::Bare(""), compared, Goal::AtMost(1.0));
}

fn log_in(engine: &Engine, subject: &str, sessions: usize) {
    for _ in 0..sessions {
        engine.create(CreateOptions::for_subject(subject).unwrap()).unwrap();
    }
    engine.tick().unwrap();
}

/// What still counts as flat: a single call of a few microseconds, measured once a round, is
/// no more exact than that.
const FLAT: f64 = 1.25;
