//! What comes between the steps of an upgrade: another process, and a log-out everywhere.

use super::*;

#[test]
fn two_processes_that_upgrade_the_same_cookie_at_once_give_the_same_session() {
    let shared = Arc::new(MemoryStore::new());
    let clock = ManualClock::default();
    let open = |store: Arc<dyn Store>| {
        let config = Config::with_store(store).clock(clock.clone()).master_secret(secret());
        Engine::open_with(config.no_threads()).unwrap()
    };
    let other = open(shared.clone());
    let store = Arc::new(FaultStore::new(shared));
    let engine = open(store.clone());
    let importer = express(&clock);
    import(&engine, &importer, &row("kQ2bXW9fPYnv", "alice", &clock, 9));
    for (importer, header) in [(importer, COOKIE), (pairs(&clock), PAIR)] {
        let (faster, was_faster) = (other.clone(), Arc::new(Mutex::new(None)));
        let (hooked, first) = (importer.clone(), was_faster.clone());
        store.on_commit(move |moment, _| {
            let mut first = first.lock().unwrap();
            if moment == Moment::Before && first.is_none() {
                *first = Some(token(&faster, &hooked, header));
            }
        });
        let given = token(&engine, &importer, header);
        store.clear_hooks();
        assert_eq!(Some(given), was_faster.lock().unwrap().take());
    }
    assert_eq!(engine.count("alice").unwrap() + engine.count("5").unwrap(), 2);
}

#[test]
fn a_log_out_everywhere_that_comes_between_ends_what_is_being_upgraded() {
    let shared = Arc::new(MemoryStore::new());
    let clock = ManualClock::default();
    let open = |store: Arc<dyn Store>| {
        let config = Config::with_store(store).clock(clock.clone()).master_secret(secret());
        Engine::open_with(config.no_threads()).unwrap()
    };
    let other = open(shared.clone());
    let store = Arc::new(FaultStore::new(shared));
    let engine = open(store.clone());
    let importer = express(&clock);
    import(&engine, &importer, &row("kQ2bXW9fPYnv", "alice", &clock, 9));
    let is_first = AtomicBool::new(true);
    store.on_commit(move |moment, _| {
        if moment == Moment::Before && is_first.swap(false, Ordering::Relaxed) {
            other.revoke_subject("alice", None).unwrap();
        }
    });
    let given = token(&engine, &importer, COOKIE);
    store.clear_hooks();
    assert_eq!(reason(&open(store.clone()), &given), Some(Reason::RevokedSubject));
}

#[test]
fn a_log_out_everywhere_at_any_moment_of_it_ends_what_a_pair_is_upgraded_to() {
    let dir = tempfile::tempdir().unwrap();
    let mut count = 0;
    for (is_lmdb, had_row) in [(false, false), (false, true), (true, false), (true, true)] {
        for moment in 0.. {
            count += 1;
            let path = dir.path().join(count.to_string());
            let shared: Arc<dyn Store> = match is_lmdb {
                true => Arc::new(LmdbStore::open(LmdbOptions::new(path)).unwrap()),
                false => Arc::new(MemoryStore::new()),
            };
            let what = format!("LMDB: {is_lmdb}, a row before: {had_row}, moment {moment}");
            if !ends_with_a_log_out_between(shared, had_row, moment, &what) {
                assert!(moment > 3, "{what}: so few reads?");
                break;
            }
        }
    }
    println!("{count} upgrades");
}

/// Upgrades a pair, whose subject another engine logs out before the `moment`th read of the
/// store, or for 0 before the commit. Says whether that moment came.
fn ends_with_a_log_out_between(
    shared: Arc<dyn Store>,
    had_row: bool,
    moment: u64,
    what: &str,
) -> bool {
    let clock = ManualClock::default();
    let open = |store: Arc<dyn Store>| {
        let config = Config::with_store(store).clock(clock.clone()).master_secret(secret());
        Engine::open_with(config.no_threads()).unwrap()
    };
    let (other, store) = (open(shared.clone()), Arc::new(FaultStore::new(shared.clone())));
    let engine = open(store.clone());
    if had_row {
        engine.bump_claims("5").unwrap();
    }
    let (calls, came) = (AtomicU64::new(0), Arc::new(AtomicBool::new(false)));
    let is_now = came.clone();
    let log_out = move || {
        if !is_now.swap(true, Ordering::Relaxed) {
            other.revoke_subject("5", None).unwrap();
        }
    };
    if moment == 0 {
        store.on_commit(move |at, _| {
            if at == Moment::Before {
                log_out();
            }
        });
    } else {
        store.on_get(move |at, _| {
            if at == Moment::Before && calls.fetch_add(1, Ordering::Relaxed) + 1 == moment {
                log_out();
            }
        });
    }
    let importer = pairs(&clock);
    let upgraded = upgrade(&engine, &importer, PAIR);
    store.clear_hooks();
    if !came.load(Ordering::Relaxed) {
        return false;
    }
    let said = match upgraded {
        Upgrade::Valid(issued) => reason(&open(shared.clone()), issued.token.as_str()),
        Upgrade::Rejected(reason) => Some(reason),
    };
    assert_eq!(said, Some(Reason::RevokedSubject), "{what}");
    assert_eq!(open(shared).count("5").unwrap(), 0, "{what}");
    true
}
