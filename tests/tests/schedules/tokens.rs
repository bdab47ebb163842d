//! Refresh and single-use tokens, API keys, and the keys that sign them all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sessile::{
    ApiKeyOptions, CreateOptions, Engine, ErrorKind, Issued, Reason, Refresh, RefreshGrant,
    RefreshRequest, SingleUseOptions,
};
use shuttle::thread::{self, JoinHandle};

use super::{cool, explore, is_valid, log_in, open, reason, watch, watch_with};

fn refreshable(engine: &Engine) -> (Issued, String) {
    let options = CreateOptions::for_subject("alice").unwrap().refreshable(RefreshGrant::new());
    let issued = engine.create(options).unwrap();
    let token = issued.refresh_token.as_ref().unwrap().as_str().to_owned();
    (issued, token)
}

fn refresh(engine: &Engine, token: &str) -> Refresh {
    engine.refresh(token, &RefreshRequest::new()).unwrap()
}

fn next(engine: &Engine, token: &str) -> String {
    refresh(engine, token).refreshed().unwrap().refresh_token.as_str().to_owned()
}

fn refresh_beside(engine: &Engine, token: &str) -> JoinHandle<Refresh> {
    let (engine, token) = (engine.clone(), token.to_owned());
    thread::spawn(move || refresh(&engine, &token))
}

#[test]
fn refreshes_of_one_token_give_one_successor() {
    explore("three refreshes of one token", || {
        let (engine, _) = open(|config| config);
        let (issued, token) = refreshable(&engine);
        let others = [(); 2].map(|()| refresh_beside(&engine, &token));
        let mut all = vec![refresh(&engine, &token)];
        all.extend(others.map(|other| other.join().unwrap()));
        let rotated = all.iter().filter(|one| matches!(one, Refresh::Rotated(_))).count();
        assert_eq!(rotated, 1, "{all:?}");
        let successors: Vec<_> =
            all.iter().map(|one| one.refreshed().unwrap().refresh_token.as_str()).collect();
        assert!(successors.iter().all(|successor| *successor == successors[0]), "it forked");
        assert!(matches!(refresh(&engine, successors[0]), Refresh::Rotated(_)));
        assert!(is_valid(&engine, &issued));
    });
}

#[test]
fn a_refresh_brings_nothing_back() {
    explore("refreshes against revoke", || {
        let (engine, _) = open(|config| config);
        let (issued, token) = refreshable(&engine);
        let has_ended = Arc::new(AtomicBool::new(false));
        let refresher = {
            let (engine, token) = (engine.clone(), token.clone());
            watch_with(&has_ended, move || refresh(&engine, &token).refreshed().is_some())
        };
        assert!(engine.revoke(issued.session.handle()).unwrap());
        has_ended.store(true, Ordering::SeqCst);
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSession));
        refresher.join().unwrap();
        assert_eq!(refresh(&engine, &token).reason(), Some(Reason::RevokedSession));
        assert_eq!(reason(&engine, &issued), Some(Reason::RevokedSession), "it came back");
    });
}

#[test]
fn a_reuse_ends_what_a_refresh_beside_it_gives() {
    explore("a refresh against a reuse and a fill", || {
        let (engine, _) = open(|config| config);
        let (issued, first) = refreshable(&engine);
        let second = next(&engine, &first);
        let third = next(&engine, &second);
        let has_ended = Arc::new(AtomicBool::new(false));
        let honest = refresh_beside(&engine, &third);
        let watcher = watch(&engine, &issued, &has_ended);
        assert_eq!(refresh(&engine, &first).reason(), Some(Reason::Reused));
        has_ended.store(true, Ordering::SeqCst);
        assert_eq!(reason(&engine, &issued), Some(Reason::Reused));
        watcher.join().unwrap();
        let honest = honest.join().unwrap();
        let fourth = honest.refreshed().map(|refreshed| refreshed.refresh_token.as_str());
        for token in [Some(second.as_str()), Some(&third), fourth].into_iter().flatten() {
            assert_eq!(refresh(&engine, token).reason(), Some(Reason::Reused));
        }
        assert_eq!(reason(&engine, &issued), Some(Reason::Reused));
    });
}

const RESET: &str = "password-reset";

fn single_use(engine: &Engine) -> String {
    let options = SingleUseOptions::new(RESET).subject("alice").unwrap();
    engine.issue_single_use(&options).unwrap().token.as_str().to_owned()
}

#[test]
fn a_single_use_token_is_used_by_one() {
    explore("three that use one token", || {
        let (engine, _) = open(|config| config);
        let token = single_use(&engine);
        let others = [(); 2].map(|()| {
            let (engine, token) = (engine.clone(), token.clone());
            thread::spawn(move || engine.consume(RESET, &token).unwrap())
        });
        let mut all = vec![engine.consume(RESET, &token).unwrap()];
        all.extend(others.map(|other| other.join().unwrap()));
        assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 1, "{all:?}");
        assert!(all.iter().all(|one| !matches!(one, Err(reason) if *reason != Reason::Reused)));
    });
}

#[test]
fn a_second_use_ends_the_session_of_the_first_or_it_is_never_bound() {
    explore("a second use against the binding of a session", || {
        let (engine, _) = open(|config| config);
        let token = single_use(&engine);
        let used = engine.consume(RESET, &token).unwrap().unwrap();
        let issued = log_in(&engine, "alice");
        let binder = {
            let (engine, session) = (engine.clone(), *issued.session.handle());
            thread::spawn(move || engine.bind_single_use(&used.handle, &session))
        };
        assert_eq!(engine.consume(RESET, &token).unwrap(), Err(Reason::Reused));
        match binder.join().unwrap() {
            Ok(()) => assert_eq!(reason(&engine, &issued), Some(Reason::Reused)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::SessionGone),
        }
    });
}

#[test]
fn a_revoke_of_an_api_key_holds_against_fills() {
    explore("revoke_api_key against fills", || {
        let (engine, _) = open(|config| config);
        let issued = engine.create_api_key(&ApiKeyOptions::new("alice", "ci").unwrap()).unwrap();
        let has_ended = Arc::new(AtomicBool::new(false));
        let verify = |engine: &Engine| {
            let (engine, token) = (engine.clone(), issued.token.as_str().to_owned());
            move || engine.verify_api_key(&token).unwrap().reason()
        };
        let watchers = [(); 2].map(|()| {
            let verify = verify(&engine);
            watch_with(&has_ended, move || verify().is_none())
        });
        assert!(engine.revoke_api_key(&issued.key.handle).unwrap());
        has_ended.store(true, Ordering::SeqCst);
        assert_eq!(verify(&engine)(), Some(Reason::Denied));
        watchers.into_iter().for_each(|watcher| watcher.join().unwrap());
        // Its use is written behind, and does not bring it back.
        engine.tick().unwrap();
        assert_eq!(verify(&engine)(), Some(Reason::Denied));
    });
}

#[test]
fn a_retired_key_takes_the_api_keys_under_it_along() {
    explore("retire_key against fills of an API key", || {
        let (engine, _) = open(|config| config);
        let issued = engine.create_api_key(&ApiKeyOptions::new("alice", "ci").unwrap()).unwrap();
        let old = engine.keys()[0].id;
        engine.rotate_key().unwrap();
        let has_ended = Arc::new(AtomicBool::new(false));
        let verify = |engine: &Engine| {
            let (engine, token) = (engine.clone(), issued.token.as_str().to_owned());
            move || engine.verify_api_key(&token).unwrap().reason()
        };
        let watchers = [(); 2].map(|()| {
            let verify = verify(&engine);
            watch_with(&has_ended, move || verify().is_none())
        });
        engine.retire_key(old).unwrap();
        has_ended.store(true, Ordering::SeqCst);
        assert_eq!(verify(&engine)(), Some(Reason::UnknownKey));
        watchers.into_iter().for_each(|watcher| watcher.join().unwrap());
        assert_eq!(verify(&engine)(), Some(Reason::UnknownKey), "a late fill was kept");
    });
}

#[test]
fn a_key_signs_no_longer_once_rotated_and_is_nothing_once_retired() {
    explore("rotate_key and retire_key against fills", || {
        let (engine, _) = open(|config| config);
        let issued = log_in(&engine, "alice");
        cool(&engine);
        let old = engine.keys()[0].id;
        let has_ended = Arc::new(AtomicBool::new(false));
        let watchers = [(); 2].map(|()| watch(&engine, &issued, &has_ended));
        engine.rotate_key().unwrap();
        let session = engine.verify(issued.token.as_str()).unwrap().into_session().unwrap();
        let renewed = session.renewed_token().expect("its key is no longer the active one");
        let renewed = renewed.as_str().to_owned();
        engine.retire_key(old).unwrap();
        has_ended.store(true, Ordering::SeqCst);
        assert_eq!(reason(&engine, &issued), Some(Reason::UnknownKey));
        assert!(engine.verify(&renewed).unwrap().is_valid());
        watchers.into_iter().for_each(|watcher| watcher.join().unwrap());
        assert_eq!(reason(&engine, &issued), Some(Reason::UnknownKey), "a late fill was kept");
    });
}
