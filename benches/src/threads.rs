//! Several threads that begin at one moment.

use std::sync::{Barrier, Mutex};
use std::time::Instant;

/// Has each of `threads` prepare, wait for the others, and then work: calls a second of all
/// together, from when the first began until the last was done.
pub fn per_second<P>(
    threads: usize,
    calls: usize,
    prepare: impl Fn(usize) -> P + Sync,
    work: impl Fn(P) + Sync,
) -> f64 {
    let barrier = Barrier::new(threads);
    let spans = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (prepare, work, barrier, spans) = (&prepare, &work, &barrier, &spans);
            scope.spawn(move || {
                let prepared = prepare(thread);
                barrier.wait();
                let started = Instant::now();
                work(prepared);
                spans.lock().unwrap().push((started, Instant::now()));
            });
        }
    });
    let spans = spans.into_inner().unwrap();
    let started = spans.iter().map(|(started, _)| *started).min();
    let ended = spans.iter().map(|(_, ended)| *ended).max();
    let span = ended.zip(started).map(|(ended, started)| ended - started);
    (threads * calls) as f64 / span.map_or(f64::NAN, |span| span.as_secs_f64())
}
