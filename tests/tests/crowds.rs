//! A crowd of threads that all want what only one may have: the next refresh token of a chain,
//! the one use of a link.
//!
//! `SESSILE_GENERATIONS` and `SESSILE_LINKS` ask for more.

use std::sync::{Arc, Barrier, Mutex, RwLock};

use sessile::store::MemoryStore;
use sessile::{
    Config, CreateOptions, Engine, Reason, Refresh, RefreshGrant, RefreshRequest, SingleUseOptions,
};
use sessile_tests::fixture::{engine, log_in, reason, secret};

const THREADS: usize = 64;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |n| n.parse().unwrap())
}

fn refresh(engine: &Engine, token: &str) -> Refresh {
    engine.refresh(token, &RefreshRequest::new()).unwrap()
}

/// Every thread presents the newest token at the same moment, generation for generation; now and
/// then another engine is opened over the same store under way.
#[test]
fn of_64_threads_one_rotates_each_generation_and_a_copy_two_back_ends_the_family() {
    let generations = number("SESSILE_GENERATIONS", 100);
    let store = Arc::new(MemoryStore::new());
    let open = || {
        let config = Config::with_store(store.clone()).master_secret(secret()).no_threads();
        Engine::open_with(config).unwrap()
    };
    let first = open();
    let options = CreateOptions::for_subject("alice").unwrap().refreshable(RefreshGrant::new());
    let issued = first.create(options).unwrap();
    let mut chain = vec![issued.refresh_token.as_ref().unwrap().as_str().to_owned()];
    let engine = RwLock::new(first);
    let presented = RwLock::new(chain[0].clone());
    let answers = Mutex::new(Vec::new());
    let (begin, end) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..generations {
                    begin.wait();
                    let answer = refresh(&engine.read().unwrap(), &presented.read().unwrap());
                    answers.lock().unwrap().push(answer);
                    end.wait();
                }
            });
        }
        let mut wrong = None;
        for generation in 1..=generations {
            begin.wait();
            end.wait();
            let answers = std::mem::take(&mut *answers.lock().unwrap());
            // Said at the end: the others wait for whoever panics.
            let next = successor(&answers, generation).unwrap_or_else(|why| {
                wrong.get_or_insert(why);
                chain[0].clone()
            });
            presented.write().unwrap().clone_from(&next);
            chain.push(next);
            if generation % generations.div_ceil(5) == 0 {
                *engine.write().unwrap() = open();
            }
        }
        assert_eq!(wrong, None);
    });
    let forks: std::collections::HashSet<_> = chain.iter().collect();
    assert_eq!(forks.len() as u64, generations + 1, "every token is another");
    ends_with_a_copy(&open, &chain, issued.token.as_str());
    println!("{THREADS} threads, {generations} generations: one rotation each");
}

/// The one token that all answers give; one of them is a rotation.
fn successor(answers: &[Refresh], generation: u64) -> Result<String, String> {
    let rotations = answers.iter().filter(|answer| matches!(answer, Refresh::Rotated(_))).count();
    let given: Vec<_> = answers.iter().filter_map(Refresh::refreshed).collect();
    let Some(first) = given.first() else { return Err("all were rejected".into()) };
    let is_same = given.iter().all(|one| {
        one.refresh_token.as_str() == first.refresh_token.as_str()
            && u64::from(one.generation) == generation
    });
    if rotations == 1 && given.len() == THREADS && is_same {
        return Ok(first.refresh_token.as_str().to_owned());
    }
    Err(format!("{generation}: {rotations} rotations, {} given, the same: {is_same}", given.len()))
}

/// Whoever presents the token two back ends them all, for every engine from then on.
fn ends_with_a_copy(open: &impl Fn() -> Engine, chain: &[String], session: &str) {
    let engine = open();
    let [.., two_back, _, newest] = chain else { panic!("too short a chain") };
    assert_eq!(reason(&engine, session), None);
    let copies = std::thread::scope(|scope| {
        let present = || refresh(&engine, two_back).reason();
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(present)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(copies, [Some(Reason::Reused); THREADS]);
    for engine in [engine, open()] {
        assert_eq!(refresh(&engine, newest).reason(), Some(Reason::Reused));
        assert_eq!(reason(&engine, session), Some(Reason::Reused));
        for token in chain.iter().rev().take(THREADS) {
            assert_eq!(refresh(&engine, token).reason(), Some(Reason::Reused));
        }
    }
}

/// Half of them use a link twice in a row; it never pays.
#[test]
fn of_64_threads_one_uses_a_link_and_nothing_comes_of_it_once_it_was_tried_again() {
    const PURPOSE: &str = "sign-in";
    let links = number("SESSILE_LINKS", 100);
    let (engine, _) = engine();
    let token = RwLock::new(String::new());
    let winners = Mutex::new(0_u64);
    let (begin, end) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (engine, token, winners, begin, end) = (&engine, &token, &winners, &begin, &end);
            scope.spawn(move || {
                for _ in 0..links {
                    begin.wait();
                    for _ in 0..=thread % 2 {
                        let used = engine.consume(PURPOSE, &token.read().unwrap()).unwrap();
                        *winners.lock().unwrap() += u64::from(used.is_ok());
                    }
                    end.wait();
                }
            });
        }
        let mut wrong = Vec::new();
        for link in 0..links {
            let options = SingleUseOptions::new(PURPOSE).subject("alice").unwrap();
            let issued = engine.issue_single_use(&options).unwrap();
            *token.write().unwrap() = issued.token.as_str().to_owned();
            begin.wait();
            end.wait();
            let count = std::mem::take(&mut *winners.lock().unwrap());
            let token = token.read().unwrap();
            let again = engine.consume(PURPOSE, &token).unwrap();
            if count != 1 || again != Err(Reason::Reused) {
                wrong.push((link, count));
            }
            // All had their turn: nothing can be bound to it any more.
            let session = log_in(&engine, "alice");
            let bound = engine.bind_single_use(&issued.handle, session.session.handle());
            if bound.is_ok() {
                wrong.push((link, u64::MAX));
            }
            engine.revoke(session.session.handle()).unwrap();
        }
        assert_eq!(wrong, []);
    });
    println!("{THREADS} threads, {links} links: one use each");
}
