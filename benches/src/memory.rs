//! How much memory does a cached session take?

use sessile::{Config, CreateOptions, Engine, Lifetimes};

use crate::bare_map::ENTRY_LEN_BYTES;
use crate::crowd::{Crowd, memory_store, quiet};
use crate::heap;
use crate::scale::{Scale, short};
use crate::table::{Goal, Table, Unit};

/// Adds the rows of this question.
pub fn report(table: &mut Table, scale: Scale) {
    let what = format!("memory of a cached session, {}", short(scale.many));
    if !heap::is_installed() {
        return table.skipped(&what, "this program does not count");
    }
    let store = memory_store();
    let writer = Engine::open_with(quiet(Config::with_store(store.clone()))).unwrap();
    let crowd = Crowd::log_in(&writer, "user", scale.many);
    drop(writer);
    // Another engine over the same store: what it allocates from here on is its cache.
    let reader = Engine::open_with(quiet(Config::with_store(store))).unwrap();
    let fill = || crowd.texts.iter().for_each(|text| drop(reader.verify(text).unwrap()));
    let ((), growth) = heap::growth(fill);
    let stats = reader.stats();
    assert_eq!(stats.cached_sessions, scale.many as u64);
    let sessions = scale.many as f64;
    // A subject of up to 38 bytes stands in the entry, which has 40 bytes for it.
    let allocated = growth.bytes as f64 / sessions - SUBJECT_LEN_BYTES;
    let counted = stats.cached_bytes as f64 / sessions - SUBJECT_LEN_BYTES;
    let goal = Goal::AtMost(200.0);
    table.figure(&format!("{what}, allocated"), Unit::Bare("bytes"), allocated, goal);
    table.figure(&format!("{what}, as `stats` counts"), Unit::Bare("bytes"), counted, goal);
    let floor = counted + SUBJECT_LEN_BYTES - INDEX_LEN_BYTES - ENTRY_LEN_BYTES as f64;
    assert!(floor.abs() <= 16.0, "the bare map's entries should be {floor} bytes larger");
    churn(table, scale);
}

/// The bytes that `stats` counts are a bound: does it hold while sessions come and go?
fn churn(table: &mut Table, scale: Scale) {
    let store = memory_store();
    let bound = 16 << 20;
    let config = quiet(Config::with_store(store)).cache_len_max_bytes(bound);
    let small = Engine::open_with(config).unwrap();
    let mut peak = 0;
    for i in 0..scale.stored {
        let login = CreateOptions::for_subject(&format!("user-{i}")).unwrap();
        small.create(login.lifetimes(Lifetimes::REMEMBER_ME)).unwrap();
        peak = peak.max(small.stats().cached_bytes);
    }
    let name = "most that a cache of 16 MiB counted, in MiB";
    table.figure(name, Unit::Bare("MiB"), peak as f64 / (1 << 20) as f64, Goal::AtMost(16.0));
}

const SUBJECT_LEN_BYTES: f64 = 40.0;

/// What `stats` counts for the index that finds an entry.
const INDEX_LEN_BYTES: f64 = 9.0;
