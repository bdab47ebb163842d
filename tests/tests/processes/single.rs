//! What two processes do to each other, one thing at a time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sessile::{AtLimit, Config, CreateOptions, Engine, ErrorKind};

use crate::worker::Worker;
use crate::{log_in, open};

fn store() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    (directory, path)
}

/// Sessions that a process with a limit of its own makes, one after another.
pub fn crowd_in(subject: &str, max: usize) -> String {
    let path = PathBuf::from(std::env::var_os("SESSILE_WORKER").unwrap()).with_extension("limited");
    let config = Config::lmdb(path).no_threads().max_sessions_per_subject(max, AtLimit::Refuse);
    let engine = Engine::open_with(config).unwrap();
    let (mut made, mut refused) = (0, 0);
    for _ in 0..2 * max {
        match engine.create(CreateOptions::for_subject(subject).unwrap()) {
            Ok(_) => made += 1,
            Err(error) if error.kind() == ErrorKind::TooManySessions => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    format!("made {made} {refused}")
}

fn hits(engine: &Engine) -> u64 {
    engine.stats().cache_hits
}

#[test]
fn a_session_that_is_cached_here_and_revoked_there_is_rejected_here() {
    let (_directory, path) = store();
    let engine = open(&path);
    let issued = log_in(&engine, "alice");
    let token = issued.token.as_str();
    let before = hits(&engine);
    assert!(engine.verify(token).unwrap().is_valid());
    assert_eq!(hits(&engine), before + 1, "it was cached");
    let mut other = Worker::crashing(&path, "");
    other.say(&format!("revoke {}", issued.session.handle()));
    assert_eq!(other.hear().unwrap(), "revoked true");
    assert!(!engine.verify(token).unwrap().is_valid());
    other.quit(&mut BTreeMap::new());
}

#[test]
fn a_writer_that_dies_in_flight_keeps_its_group_from_the_cache_until_the_next_commit_of_any() {
    for (moment, is_revoked) in [("begun:1", false), ("written:1", true)] {
        let (_directory, path) = store();
        let engine = open(&path);
        let (kept, ended) = (log_in(&engine, "alice"), log_in(&engine, "alice"));
        let other_group = log_in(&engine, "bob");
        let verify = |token: &str| engine.verify(token).unwrap().is_valid();
        assert!(verify(kept.token.as_str()) && verify(ended.token.as_str()));

        let mut other = Worker::crashing(&path, moment);
        other.say(&format!("revoke {}", ended.session.handle()));
        assert_eq!(other.hear(), None, "it died in the middle");
        drop(other);
        assert_eq!(verify(ended.token.as_str()), !is_revoked, "{moment}");
        let before = hits(&engine);
        assert!(verify(kept.token.as_str()) && verify(kept.token.as_str()));
        assert_eq!(hits(&engine), before, "nothing of the group is cached");

        engine.revoke(other_group.session.handle()).unwrap();
        assert!(verify(kept.token.as_str()));
        assert!(verify(kept.token.as_str()));
        assert_eq!(
            hits(&engine),
            before + 1,
            "in another process: {moment} keeps the group uncached"
        );
        assert_eq!(verify(ended.token.as_str()), !is_revoked, "{moment}");
    }
}

#[test]
fn keys_that_another_process_made_verify_here_and_those_it_retired_do_not() {
    let (_directory, path) = store();
    let engine = open(&path);
    let first = log_in(&engine, "alice");
    let mut other = Worker::crashing(&path, "");
    let mut verified_there = |token: &str| {
        other.say(&format!("verify {token}"));
        format!("in another process: {}", other.hear().unwrap())
    };
    assert_eq!(verified_there(first.token.as_str()), "in another process: verified None");
    let old = engine.keys().iter().find(|key| key.state == sessile::KeyState::Active).unwrap().id;
    engine.rotate_key().unwrap();
    let second = log_in(&engine, "alice");
    assert_eq!(verified_there(second.token.as_str()), "in another process: verified None");
    engine.retire_key(old).unwrap();
    assert_eq!(
        verified_there(first.token.as_str()),
        "in another process: verified Some(UnknownKey)"
    );
    assert_eq!(verified_there(second.token.as_str()), "in another process: verified None");
    engine.revoke_all().unwrap();
    assert_eq!(
        verified_there(second.token.as_str()),
        "in another process: verified Some(RevokedAll)"
    );
    other.quit(&mut BTreeMap::new());
}

#[test]
fn logins_in_two_processes_keep_one_limit() {
    let (_directory, path) = store();
    let engine = open(&path);
    let max = 8;
    let mut workers = [Worker::crashing(&path, ""), Worker::crashing(&path, "")];
    workers.iter_mut().for_each(|worker| worker.say(&format!("login alice {max}")));
    let made: usize = workers
        .iter_mut()
        .map(|worker| worker.hear().unwrap().split(' ').nth(1).unwrap().parse::<usize>().unwrap())
        .sum();
    assert_eq!(made, max);
    workers.into_iter().for_each(|worker| worker.quit(&mut BTreeMap::new()));
    drop(engine);
}

#[test]
fn a_watch_ends_at_the_next_tick_after_another_process_ended_its_session() {
    let (_directory, path) = store();
    let engine = open(&path);
    let issued = log_in(&engine, "alice");
    let watch = engine.watch(issued.session.handle()).unwrap();
    engine.tick().unwrap();
    assert_eq!(watch.ended(), None);
    let mut other = Worker::crashing(&path, "");
    other.say(&format!("revoke {}", issued.session.handle()));
    other.hear().unwrap();
    engine.tick().unwrap();
    assert_eq!(watch.ended(), Some(sessile::Reason::RevokedSession));
    other.quit(&mut BTreeMap::new());
}
