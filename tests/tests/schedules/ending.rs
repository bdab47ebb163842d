//! What ends sessions, against the verifications and changes beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sessile::store::MemoryStore;
use sessile::testing::{Fault, FaultStore, Op};
use sessile::{AtLimit, Config, CreateOptions, Engine, ErrorKind, Issued, MasterSecret, Reason};
use shuttle::thread;

use super::{MINUTE, cool, explore, is_valid, log_in, open, reason, watch};

fn assert_revoke_holds(engine: &Engine, issued: &Issued) {
    let has_ended = Arc::new(AtomicBool::new(false));
    let watchers = [(); 2].map(|()| watch(engine, issued, &has_ended));
    assert!(engine.revoke(issued.session.handle()).unwrap(), "it was valid until now");
    has_ended.store(true, Ordering::SeqCst);
    assert!(!is_valid(engine, issued), "valid, verified after its revoke had returned");
    watchers.into_iter().for_each(|watcher| watcher.join().unwrap());
    assert_eq!(reason(engine, issued), Some(Reason::RevokedSession));
}

#[test]
fn a_revoke_holds_against_fills() {
    explore("revoke against fills", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        cool(&engine);
        assert_revoke_holds(&engine, &issued);
    });
}

#[test]
fn a_revoke_holds_against_hits() {
    explore("revoke against hits", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        assert_revoke_holds(&engine, &issued);
    });
}

#[test]
fn revokes_of_one_session_end_it_once() {
    explore("two revokes of one session", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        let (other, handle) = (engine.clone(), *issued.session.handle());
        let other = thread::spawn(move || other.revoke(&handle).unwrap());
        let here = engine.revoke(&handle).unwrap();
        assert!(!is_valid(&engine, &issued));
        assert!(here ^ other.join().unwrap(), "one of the two found it valid");
    });
}

#[test]
fn a_revoke_of_a_subject_ends_all_but_the_excepted_session() {
    explore("revoke_subject with an exception against fills", || {
        let (engine, _) = open(|config| config);
        let [ended, kept] = [(); 2].map(|()| log_in(&engine, "alice"));
        cool(&engine);
        let has_ended = Arc::new(AtomicBool::new(false));
        let watcher = watch(&engine, &ended, &has_ended);
        let keeper = {
            let (engine, kept) = (engine.clone(), kept.clone());
            thread::spawn(move || assert!([(); 2].iter().all(|()| is_valid(&engine, &kept))))
        };
        engine.revoke_subject("alice", Some(kept.session.handle())).unwrap();
        has_ended.store(true, Ordering::SeqCst);
        assert_eq!(reason(&engine, &ended), Some(Reason::RevokedSubject));
        assert_eq!(reason(&engine, &kept), None, "it was excepted");
        let later = log_in(&engine, "alice");
        assert_eq!(reason(&engine, &later), None, "it came after");
        watcher.join().unwrap();
        keeper.join().unwrap();
        assert_eq!(reason(&engine, &ended), Some(Reason::RevokedSubject));
        assert_eq!(reason(&engine, &kept), None);
    });
}

#[test]
fn a_first_change_of_a_subject_is_seen_by_fills_that_found_no_subject_rows() {
    explore("the group's first subject row against the first fills", || {
        // Opened anew, so that it is not known yet whether the group has subject rows.
        let store = Arc::new(MemoryStore::new());
        let secret: Vec<u8> = (0..32u8).map(|i| i.wrapping_mul(37)).collect();
        let reopen = || {
            let config = Config::with_store(store.clone()).no_threads();
            let config = config.master_secret(MasterSecret::from_bytes(secret.clone()));
            Engine::open_with(config.cache_len_max_bytes(64 << 10)).unwrap()
        };
        let issued = log_in(&reopen(), "alice");
        let engine = reopen();
        let has_ended = Arc::new(AtomicBool::new(false));
        let watchers = [(); 2].map(|()| watch(&engine, &issued, &has_ended));
        engine.revoke_subject("alice", None).unwrap();
        has_ended.store(true, Ordering::SeqCst);
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSubject));
        watchers.into_iter().for_each(|watcher| watcher.join().unwrap());
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSubject));
    });
}

#[test]
fn a_revoke_of_everything_ends_what_is_there() {
    explore("revoke_all against fills and a create", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        cool(&engine);
        let has_ended = Arc::new(AtomicBool::new(false));
        let watcher = watch(&engine, &issued, &has_ended);
        let creator = {
            let engine = engine.clone();
            thread::spawn(move || log_in(&engine, "alice"))
        };
        engine.revoke_all().unwrap();
        has_ended.store(true, Ordering::SeqCst);
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedAll));
        assert_eq!(reason(&engine, &log_in(&engine, "alice")), None, "it came after");
        let beside = creator.join().unwrap();
        let once = reason(&engine, &beside);
        cool(&engine);
        assert_eq!(reason(&engine, &beside), once, "cache and store disagree");
        watcher.join().unwrap();
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedAll));
    });
}

#[test]
fn a_touch_brings_nothing_back() {
    explore("touches, and their writing, against revoke", || {
        let (engine, clock) = open(|config| config);
        let issued = log_in(&engine, "alice");
        clock.advance(2 * MINUTE);
        assert!(is_valid(&engine, &issued));
        assert_eq!(engine.stats().pending_touches, 1);
        let ticker = {
            let engine = engine.clone();
            thread::spawn(move || engine.tick().unwrap())
        };
        let toucher = {
            let (engine, issued, clock) = (engine.clone(), issued.clone(), clock.clone());
            thread::spawn(move || {
                clock.advance(2 * MINUTE);
                is_valid(&engine, &issued);
            })
        };
        assert!(engine.revoke(issued.session.handle()).unwrap());
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSession));
        ticker.join().unwrap();
        toucher.join().unwrap();
        assert_eq!(engine.tick().unwrap().touches_written, 0, "it had ended");
        cool(&engine);
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSession), "it came back");
    });
}

#[test]
fn a_touch_and_an_exception_do_not_undo_each_other() {
    explore("the writing of touches against revoke_subject with an exception", || {
        let (engine, clock) = open(|config| config);
        let [ended, kept] = [(); 2].map(|()| log_in(&engine, "alice"));
        clock.advance(2 * MINUTE);
        assert!(is_valid(&engine, &ended) && is_valid(&engine, &kept));
        let ticker = {
            let engine = engine.clone();
            thread::spawn(move || engine.tick().unwrap())
        };
        engine.revoke_subject("alice", Some(kept.session.handle())).unwrap();
        ticker.join().unwrap();
        engine.tick().unwrap();
        cool(&engine);
        assert_eq!(reason(&engine, &ended), Some(Reason::RevokedSubject));
        clock.advance(29 * MINUTE);
        assert_eq!(reason(&engine, &kept), None, "the touch was lost");
    });
}

#[test]
fn creates_at_the_limit_leave_no_more_than_it_allows() {
    explore("two creates at the limit, the older session ends", || {
        let (engine, _) =
            open(|config| config.max_sessions_per_subject(1, AtLimit::EvictLeastRecentlyUsed));
        let first = log_in(&engine, "alice");
        let other = {
            let engine = engine.clone();
            thread::spawn(move || log_in(&engine, "alice"))
        };
        let here = log_in(&engine, "alice");
        assert!(!is_valid(&engine, &first), "it was pushed out");
        let other = other.join().unwrap();
        assert!(is_valid(&engine, &here) ^ is_valid(&engine, &other), "one of the two stays");
        assert_eq!(engine.count("alice").unwrap(), 1);
    });
}

#[test]
fn creates_beyond_a_refusing_limit_are_refused() {
    explore("two creates at the limit, the newer is refused", || {
        let (engine, _) = open(|config| config.max_sessions_per_subject(1, AtLimit::Refuse));
        let create = |engine: &Engine| engine.create(CreateOptions::for_subject("alice").unwrap());
        let other = {
            let engine = engine.clone();
            thread::spawn(move || create(&engine))
        };
        let outcomes = [create(&engine), other.join().unwrap()];
        let refused: Vec<_> = outcomes.iter().filter_map(|o| o.as_ref().err()).collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].kind(), ErrorKind::TooManySessions);
        assert_eq!(engine.count("alice").unwrap(), 1);
    });
}

#[test]
fn a_suspension_holds_from_suspend_to_reinstate() {
    explore("suspend and reinstate against fills and a create", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        cool(&engine);
        let verifier = {
            let (engine, issued) = (engine.clone(), issued.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    assert!(matches!(reason(&engine, &issued), None | Some(Reason::Suspended)));
                }
            })
        };
        let creator = {
            let engine = engine.clone();
            thread::spawn(move || engine.create(CreateOptions::for_subject("alice").unwrap()))
        };
        engine.suspend("alice", None).unwrap();
        assert_eq!(reason(&engine, &issued), Some(Reason::Suspended));
        let refused = engine.create(CreateOptions::for_subject("alice").unwrap()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Suspended);
        engine.reinstate("alice").unwrap();
        assert_eq!(reason(&engine, &issued), None);
        verifier.join().unwrap();
        assert_eq!(reason(&engine, &issued), None);
        match creator.join().unwrap() {
            Ok(created) => assert_eq!(reason(&engine, &created), None),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Suspended),
        }
    });
}

#[test]
fn a_sweep_takes_what_has_expired_and_nothing_else() {
    explore("ticks against verifications of expired, touched and new sessions", || {
        let (engine, clock) = open(|config| config);
        let expired = log_in(&engine, "alice");
        clock.advance(33 * MINUTE);
        let touched = log_in(&engine, "alice");
        // Too soon for the store to learn of it: there the session expires before it does here.
        clock.advance(MINUTE - Duration::from_secs(1));
        assert!(is_valid(&engine, &touched));
        clock.advance(29 * MINUTE + Duration::from_secs(30));
        let ticker = {
            let engine = engine.clone();
            thread::spawn(move || engine.tick().unwrap().rows_swept)
        };
        let verifier = {
            let (engine, touched) = (engine.clone(), touched.clone());
            thread::spawn(move || assert!(is_valid(&engine, &touched), "it was touched"))
        };
        assert!(!is_valid(&engine, &expired));
        let swept = engine.tick().unwrap().rows_swept + ticker.join().unwrap();
        assert_eq!(swept, 1, "the expired session, once");
        verifier.join().unwrap();
        engine.tick().unwrap();
        cool(&engine);
        assert!(is_valid(&engine, &touched), "it was swept");
        assert_eq!(reason(&engine, &expired), Some(Reason::UnknownSession));
    });
}

#[test]
fn a_revoke_of_unknown_outcome_holds_beside_other_changes() {
    explore("revoke of unknown outcome against another change and a fill", || {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let engine = Engine::open_with(Config::with_store(store.clone()).no_threads()).unwrap();
        let [issued, other] = ["alice", "bob"].map(|subject| log_in(&engine, subject));
        store.fail(Fault::once(Op::Commit, 1, ErrorKind::OutcomeUnknown));
        let has_ended = Arc::new(AtomicBool::new(false));
        let handle = *issued.session.handle();
        let revoker = {
            let (engine, has_ended) = (engine.clone(), has_ended.clone());
            thread::spawn(move || {
                let kind = engine.revoke(&handle).unwrap_err().kind();
                has_ended.store(kind == ErrorKind::OutcomeUnknown, Ordering::SeqCst);
                kind
            })
        };
        let watcher = watch(&engine, &issued, &has_ended);
        // It fails as well, or is the one whose outcome is unknown.
        engine.revoke(other.session.handle()).unwrap_err();
        watcher.join().unwrap();
        match revoker.join().unwrap() {
            ErrorKind::OutcomeUnknown => assert!(!is_valid(&engine, &issued)),
            kind => assert_eq!(kind, ErrorKind::WritesRefused),
        }
    });
}

#[test]
fn a_closed_engine_answers_nothing_whatever_was_under_way() {
    explore("close against a change, a fill and a create", || {
        let (engine, _) = open(|config| config);
        let [issued, other] = ["alice", "bob"].map(|subject| log_in(&engine, subject));
        let changer = {
            let engine = engine.clone();
            thread::spawn(move || drop(engine.revoke(other.session.handle())))
        };
        let filler = {
            let (engine, issued) = (engine.clone(), issued.clone());
            thread::spawn(move || drop(engine.verify(issued.token.as_str())))
        };
        let creator = {
            let engine = engine.clone();
            thread::spawn(move || engine.create(CreateOptions::for_subject("carol").unwrap()).ok())
        };
        engine.close().unwrap();
        changer.join().unwrap();
        filler.join().unwrap();
        for issued in creator.join().unwrap().into_iter().chain([issued]) {
            let closed = engine.verify(issued.token.as_str()).unwrap_err();
            assert_eq!(closed.kind(), ErrorKind::Closed);
        }
    });
}
