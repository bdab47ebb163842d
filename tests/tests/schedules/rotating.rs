//! Rotations, within a group and by a login across groups, beside what ends a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sessile::{AtLimit, CreateOptions, Engine, ErrorKind, Handle, Issued, Reason, RotateOptions};
use shuttle::thread::{self, JoinHandle};

use super::{cool, explore, is_valid, log_in, open, reason, visit, watch};

/// Rotates on a thread of its own; `None`: the session was gone.
fn rotate_beside(engine: &Engine, handle: &Handle) -> JoinHandle<Option<Issued>> {
    rotate_with_beside(engine, handle, RotateOptions::new)
}

/// The same as a login of alice.
fn log_in_beside(engine: &Engine, handle: &Handle) -> JoinHandle<Option<Issued>> {
    rotate_with_beside(engine, handle, || RotateOptions::log_in("alice").unwrap())
}

fn rotate_with_beside(
    engine: &Engine,
    handle: &Handle,
    options: fn() -> RotateOptions,
) -> JoinHandle<Option<Issued>> {
    let (engine, handle) = (engine.clone(), *handle);
    thread::spawn(move || unless_gone(engine.rotate_with(&handle, options())))
}

fn unless_gone(rotated: sessile::Result<Issued>) -> Option<Issued> {
    match rotated {
        Ok(issued) => Some(issued),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::SessionGone, "{error}");
            None
        }
    }
}

#[test]
fn a_rotation_logs_nobody_out_and_is_seen_at_once() {
    explore("rotate against fills and hits of the old token", || {
        let (engine, _) = open(|config| config);
        let old = log_in(&engine, "alice");
        let verifiers = [(); 2].map(|()| {
            let (engine, old) = (engine.clone(), old.clone());
            thread::spawn(move || assert!([(); 2].iter().all(|()| is_valid(&engine, &old))))
        });
        let new = engine.rotate(old.session.handle()).unwrap();
        let seen = engine.verify(old.token.as_str()).unwrap().into_session().unwrap();
        assert_eq!(seen.rotated_to(), Some(new.session.handle()), "as it was before the rotation");
        assert!(is_valid(&engine, &new));
        verifiers.into_iter().for_each(|verifier| verifier.join().unwrap());
        let seen = engine.verify(old.token.as_str()).unwrap().into_session().unwrap();
        assert_eq!(seen.rotated_to(), Some(new.session.handle()), "a late fill was kept");
    });
}

#[test]
fn a_revoke_of_the_old_handle_ends_what_it_was_rotated_to() {
    explore("rotate against revoke of the old handle and fills", || {
        let (engine, _) = open(|config| config);
        let old = log_in(&engine, "alice");
        cool(&engine);
        let has_ended = Arc::new(AtomicBool::new(false));
        let rotator = {
            let (engine, old, has_ended) = (engine.clone(), old.clone(), has_ended.clone());
            thread::spawn(move || {
                let new = unless_gone(engine.rotate(old.session.handle()))?;
                watch(&engine, &new, &has_ended).join().unwrap();
                Some(new)
            })
        };
        let watcher = watch(&engine, &old, &has_ended);
        assert!(engine.revoke(old.session.handle()).unwrap(), "it was valid until now");
        has_ended.store(true, Ordering::SeqCst);
        assert!(!is_valid(&engine, &old), "the old token outlives the revoke");
        watcher.join().unwrap();
        for issued in rotator.join().unwrap().into_iter().chain([old]) {
            assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSession));
        }
        assert_eq!(engine.count("alice").unwrap(), 0);
    });
}

#[test]
fn a_rotation_does_not_escape_the_end_of_its_subject() {
    explore("rotate against revoke_subject", || {
        let (engine, _) = open(|config| config);
        let old = log_in(&engine, "alice");
        let rotator = rotate_beside(&engine, old.session.handle());
        engine.revoke_subject("alice", None).unwrap();
        assert!(!is_valid(&engine, &old));
        for issued in rotator.join().unwrap().into_iter().chain([old]) {
            assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSubject));
        }
        assert_eq!(engine.count("alice").unwrap(), 0);
    });
}

#[test]
fn an_exception_holds_for_what_it_was_rotated_to_and_for_nothing_else() {
    explore("two rotates against revoke_subject with one of the old handles excepted", || {
        let (engine, _) = open(|config| config);
        let [ended, kept] = [(); 2].map(|()| log_in(&engine, "alice"));
        let [of_ended, of_kept] =
            [&ended, &kept].map(|old| rotate_beside(&engine, old.session.handle()));
        engine.revoke_subject("alice", Some(kept.session.handle())).unwrap();
        let of_kept = of_kept.join().unwrap().expect("it is never gone");
        assert_eq!(reason(&engine, &of_kept), None, "it was excepted");
        // Its old token is from before the end if the rotation was.
        assert!(matches!(reason(&engine, &kept), None | Some(Reason::RevokedSubject)));
        for issued in of_ended.join().unwrap().into_iter().chain([ended]) {
            assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSubject));
        }
        assert_eq!(engine.count("alice").unwrap(), 1);
    });
}

#[test]
fn rotations_of_one_session_at_once_give_one_token() {
    explore("three rotates of one session", || {
        let (engine, _) = open(|config| config);
        let old = log_in(&engine, "alice");
        let others = [(); 2].map(|()| rotate_beside(&engine, old.session.handle()));
        let new = engine.rotate(old.session.handle()).unwrap();
        for other in others {
            let other = other.join().unwrap().expect("it is never gone");
            assert_eq!(other.token.as_str(), new.token.as_str());
        }
        assert!(is_valid(&engine, &new));
        assert_eq!(engine.count("alice").unwrap(), 1);
    });
}

#[test]
fn a_revoke_of_a_visit_ends_its_login() {
    explore("login across groups against revoke of the visit", || {
        let (engine, _) = open(|config| config);
        let visit = visit(&engine);
        let login = log_in_beside(&engine, visit.session.handle());
        assert!(engine.revoke(visit.session.handle()).unwrap(), "it was valid until now");
        assert!(!is_valid(&engine, &visit));
        for issued in login.join().unwrap().into_iter().chain([visit]) {
            assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSession));
        }
        assert_eq!(engine.count("alice").unwrap(), 0, "an end of the visit left its login");
    });
}

#[test]
fn a_login_does_not_escape_the_end_of_everything() {
    explore("login across groups against revoke_all", || {
        let (engine, _) = open(|config| config);
        let visit = visit(&engine);
        let login = log_in_beside(&engine, visit.session.handle());
        engine.revoke_all().unwrap();
        for issued in login.join().unwrap().into_iter().chain([visit]) {
            assert_eq!(reason(&engine, &issued), Some(Reason::RevokedAll));
        }
        assert_eq!(engine.count("alice").unwrap(), 0);
    });
}

#[test]
fn a_login_that_comes_twice_logs_in_once() {
    explore("two logins of one visit across groups", || {
        let (engine, _) = open(|config| config);
        let visit = visit(&engine);
        let other = log_in_beside(&engine, visit.session.handle());
        let here = engine
            .rotate_with(visit.session.handle(), RotateOptions::log_in("alice").unwrap())
            .unwrap();
        let other = other.join().unwrap().expect("it is never gone");
        for login in [here, other] {
            let session = engine.verify(login.token.as_str()).unwrap().into_session().unwrap();
            assert_eq!(session.subject().unwrap(), &"alice");
        }
        assert_eq!(engine.count("alice").unwrap(), 1);
    });
}

#[test]
fn a_login_that_comes_twice_is_not_lost_at_the_limit() {
    explore("two logins of one visit across groups, one session allowed", || {
        let (engine, _) = open(|config| config.max_sessions_per_subject(1, AtLimit::EvictOldest));
        let visit = visit(&engine);
        let other = log_in_beside(&engine, visit.session.handle());
        let options = RotateOptions::log_in("alice").unwrap();
        let here = unless_gone(engine.rotate_with(visit.session.handle(), options));
        let logins = [here, other.join().unwrap()];
        assert!(logins.iter().flatten().any(|login| is_valid(&engine, login)), "nobody is let in");
        assert_eq!(engine.count("alice").unwrap(), 1);
    });
}

#[test]
fn logins_at_the_limit_leave_no_more_than_it_allows() {
    explore("two logins across groups at the limit, the older session ends", || {
        let (engine, _) = open(|config| config.max_sessions_per_subject(1, AtLimit::EvictOldest));
        let first = log_in(&engine, "alice");
        let [one, two] = [(); 2].map(|()| visit(&engine));
        let other = log_in_beside(&engine, two.session.handle());
        let here = engine
            .rotate_with(one.session.handle(), RotateOptions::log_in("alice").unwrap())
            .unwrap();
        assert!(!is_valid(&engine, &first), "it was pushed out");
        let other = other.join().unwrap().expect("it is never gone");
        assert!(is_valid(&engine, &here) ^ is_valid(&engine, &other), "one of the two stays");
        assert_eq!(engine.count("alice").unwrap(), 1);
    });
}

#[test]
fn a_login_beyond_a_refusing_limit_is_refused_and_the_visit_goes_on() {
    explore("login across groups against create, the newer is refused", || {
        let (engine, _) = open(|config| config.max_sessions_per_subject(1, AtLimit::Refuse));
        let visit = visit(&engine);
        let creator = {
            let engine = engine.clone();
            thread::spawn(move || engine.create(CreateOptions::for_subject("alice").unwrap()))
        };
        let options = RotateOptions::log_in("alice").unwrap();
        let login = engine.rotate_with(visit.session.handle(), options);
        let created = creator.join().unwrap();
        assert!(login.is_ok() ^ created.is_ok(), "one of the two is refused");
        for refused in [login, created].into_iter().filter_map(Result::err) {
            assert_eq!(refused.kind(), ErrorKind::TooManySessions);
        }
        assert!(is_valid(&engine, &visit), "as a visit, or by the grace");
        assert_eq!(engine.count("alice").unwrap(), 1);
    });
}
