//! Every call of the store fails, once and for ever, under every verb of the engine.
//!
//! One script of all verbs runs again and again, each time with another call of the store
//! failing: refused before anything happened, or left with an unknown outcome. A model follows
//! with the *worlds* that are possible: one, until an outcome is unknown. What the engine says
//! while the store fails must be true in some world, or be an error; a verb fails exactly when
//! the store did. Afterwards the store is opened again, and all that is found must be one world
//! as a whole: nothing acknowledged is gone, nothing that failed is half there.

mod held;
mod moves;
mod run;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sessile::store::{MemoryStore, export, import};
use sessile::testing::{Fault, FaultStore, ManualClock, Op};
use sessile::{CreateOptions, Engine, ErrorKind, Restored};

use run::{Backend, Run, config};

#[test]
fn a_failing_store_in_memory_neither_loses_nor_invents_anything() {
    sweep(Backend::memory, 1);
}

#[test]
fn a_failing_store_on_disk_neither_loses_nor_invents_anything() {
    sweep(Backend::sled, 3);
}

#[test]
fn an_export_or_import_fails_whenever_the_store_does() {
    let source = Run::new(Backend::memory(), None).filled();
    let mut bytes = Vec::new();
    let exported = export(source.as_ref(), &mut bytes).unwrap().rows;
    assert!(exported > 0);
    let empty = || FaultStore::new(Arc::new(MemoryStore::new()));
    let counting = empty();
    assert_eq!(import(&counting, &mut &bytes[..]).unwrap().rows, exported);
    for op in Op::ALL {
        for fault in (1..=counting.calls(op)).flat_map(|call| faults(op, call)) {
            let store = empty();
            store.fail(fault);
            let error = import(&store, &mut &bytes[..]).unwrap_err();
            assert_eq!(error.kind(), fault.kind);
        }
        let calls = source.calls(op);
        export(source.as_ref(), &mut Vec::new()).unwrap();
        for fault in (1..=source.calls(op) - calls).flat_map(|call| faults(op, call)) {
            source.fail(fault);
            let error = export(source.as_ref(), &mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), fault.kind);
            source.heal();
        }
    }
    assert!(source.calls(Op::Dump) > 1 && counting.calls(Op::Load) > 0);
}

#[test]
fn a_restore_that_fails_lets_nobody_in() {
    let engine =
        Engine::open_with(config(Arc::new(MemoryStore::new()), &ManualClock::default())).unwrap();
    let issued = engine.create(CreateOptions::for_subject("alice").unwrap()).unwrap();
    let mut bytes = Vec::new();
    engine.export(&mut bytes).unwrap();
    let empty = || Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let restore = |store: &Arc<FaultStore>| {
        Engine::restore(
            config(store.clone(), &ManualClock::default()),
            &mut &bytes[..],
            Restored::Revoked,
        )
    };
    let counting = empty();
    restore(&counting).unwrap();
    let mut refused = 0;
    for op in Op::ALL {
        for fault in (1..=counting.calls(op)).flat_map(|call| faults(op, call)) {
            let store = empty();
            store.fail(fault);
            assert_eq!(restore(&store).unwrap_err().kind(), fault.kind, "{fault:?}");
            store.heal();
            match Engine::open_with(config(store, &ManualClock::default())) {
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{fault:?}");
                    refused += 1;
                }
                Ok(engine) => {
                    let verdict = engine.peek(issued.token.as_str()).unwrap();
                    assert!(!verdict.is_valid(), "{fault:?}: it came back");
                }
            }
        }
    }
    assert!(refused > 10, "{refused}");
}

/// Runs each script with each `stride`-th call of each operation failing in each way.
fn sweep(backend: fn() -> Backend, stride: usize) {
    count_panics();
    let mut runs = 0;
    let mut calls_in_all = [0; Op::ALL.len()];
    for script in SCRIPTS {
        let mut healthy = Run::new(backend(), None);
        script(&mut healthy);
        let calls = Op::ALL.map(|op| healthy.store.calls(op));
        healthy.settle();
        for (i, op) in Op::ALL.into_iter().enumerate() {
            for call in (1..=calls[i]).step_by(stride) {
                for fault in faults(op, call) {
                    let mut run = Run::new(backend(), Some(fault));
                    script(&mut run);
                    assert!(run.store.failed_calls() > 0, "{fault:?} did not happen");
                    run.settle();
                    runs += 1;
                }
            }
            calls_in_all[i] += calls[i];
        }
    }
    println!("{runs} runs with a fault each; calls: {:?} {calls_in_all:?}", Op::ALL);
    for (op, calls) in Op::ALL.into_iter().zip(calls_in_all) {
        // No verb exports or imports.
        assert_eq!(calls > 0, !matches!(op, Op::Dump | Op::Load), "{op:?}");
    }
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "panics, caught ones among them");
}

const SCRIPTS: [fn(&mut Run); 7] = [
    Run::sessions,
    Run::subjects,
    Run::everything,
    Run::moves,
    Run::refreshes,
    Run::links,
    Run::keys,
];

/// In which ways the `call`-th call of `op` can fail.
fn faults(op: Op, call: u64) -> Vec<Fault> {
    let refused = Fault::once(op, call, ErrorKind::Unavailable);
    let mut faults = vec![refused, refused.lasting()];
    if op.is_write() {
        let unknown = Fault::once(op, call, ErrorKind::OutcomeUnknown);
        faults.extend([unknown, unknown.lasting(), unknown.after(), unknown.after().lasting()]);
    }
    faults
}

static PANICS: AtomicU64 = AtomicU64::new(0);

/// From now on every panic of this process counts, also one that is caught.
fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        before(info);
    }));
}
