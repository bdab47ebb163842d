//! The store on a Redis server when something goes wrong, and an engine over it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use sessile::store::{
    Batch, Check, Commit, Durability, Key, MemoryStore, RedisOptions, RedisStore, Store, Survives,
    Table,
};
use sessile::{
    AccessOptions, AccessTokens, ApiKeyOptions, Config, CreateOptions, Engine, ErrorKind, Group,
    Patch, Reason, Restored, Result, Timestamp,
};
use sessile_tests::fixture::secret;
use support::redis_server::{self, Proxy, RedisServer, until};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn key(group: u16, id: &[u8]) -> Key {
    Key::new(Group(group), Table::Session, id).unwrap()
}

fn create(group: u16, id: &[u8], value: &[u8]) -> Batch {
    let key = key(group, id);
    let batch = Batch::new(Group(group), Durability::Durable).check(key, Check::Absent);
    batch.put(key, value.to_vec(), Timestamp::from_millis(1))
}

fn opened(options: RedisOptions) -> RedisStore {
    RedisStore::open(options).unwrap()
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

/// An engine, its maintenance done by hand.
fn engine(options: RedisOptions) -> Engine {
    let config = Config::with_store(Arc::new(opened(options))).master_secret(secret());
    Engine::open_with(config.no_threads()).unwrap()
}

fn log_in(engine: &Engine, subject: &str) -> sessile::Issued {
    engine.create(CreateOptions::for_subject(subject).unwrap()).unwrap()
}

#[test]
fn a_commit_whose_answer_is_lost_is_written_once_and_said_to_be() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port);
    let store = opened(redis_server::options(proxy.port));
    // From here on the server knows the script.
    assert!(store.commit(create(7, b"warm", b"x")).is_ok());
    for (round, lets_server_know) in [(0, true), (1, false), (2, true), (3, false)] {
        let value = [0xc0 + round; 64];
        proxy.cut(&value, 1, lets_server_know);
        let committed = store.commit(create(7, &[round], &value)).unwrap();
        assert_eq!(proxy.cuts_left(), 0, "nothing was cut");
        let row = store.get(&key(7, &[round])).unwrap().unwrap();
        // The check would not have held a second time.
        assert_eq!(committed, Commit::Committed { version: row.version });
        assert_eq!(store.commit(create(7, &[round], &value)).unwrap(), Commit::Conflict);
    }
}

#[test]
fn a_commit_that_cannot_be_asked_after_has_an_unknown_outcome_and_an_end() {
    for lets_server_know in [true, false] {
        let server = RedisServer::start();
        let proxy = Proxy::before(server.port);
        let options = redis_server::options(proxy.port).settle_timeout(MS(200));
        let store = opened(options.clone());
        let value = [0xdd; 64];
        // From here on the server knows the script.
        assert!(store.commit(create(7, b"warm", b"x")).is_ok());
        proxy.cut_with_questions(&value, lets_server_know);
        assert_eq!(kind(store.commit(create(7, b"a", &value))), ErrorKind::OutcomeUnknown);
        assert_eq!(kind(store.commit(create(8, b"a", b"x"))), ErrorKind::WritesRefused);
        drop(store);
        proxy.heal();
        let store = opened(options);
        assert_eq!(store.get(&key(7, b"a")).unwrap().is_some(), lets_server_know);
        let again = store.commit(create(7, b"a", &value)).unwrap();
        assert_eq!(again == Commit::Conflict, lets_server_know);
    }
}

#[test]
fn a_commit_that_was_said_to_have_failed_does_not_arrive_later() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port);
    let store = opened(redis_server::options(proxy.port));
    assert!(store.commit(create(7, b"warm", b"x")).is_ok());
    let value = [0xee; 64];
    proxy.keep(&value);
    assert_eq!(kind(store.commit(create(7, b"a", &value))), ErrorKind::Unavailable);
    assert_eq!(store.get(&key(7, b"a")).unwrap(), None);
    assert_eq!(proxy.deliver(), 2, "it is tried twice");
    assert_eq!(store.get(&key(7, b"a")).unwrap(), None);
    proxy.heal();
    assert!(matches!(store.commit(create(7, b"a", &value)), Ok(Commit::Committed { .. })));
}

#[test]
fn what_a_slow_server_still_has_before_it_is_never_written_behind_our_back() {
    let server = RedisServer::start();
    let options = server.options().call_timeout(MS(100)).settle_timeout(MS(150));
    let store = opened(options.clone().lease(MS(20_000)));
    assert!(store.commit(create(7, b"warm", b"x")).is_ok());
    server.signal(Signal::STOP);
    assert_eq!(kind(store.commit(create(7, b"late", b"x"))), ErrorKind::OutcomeUnknown);
    server.signal(Signal::CONT);
    drop(store);
    let store = opened(options.clone().open_patience(MS(30_000)));
    // Whatever became of it has become of it: nothing changes any more.
    let found = store.get(&key(7, b"late")).unwrap();
    let again = store.commit(create(7, b"late", b"again")).unwrap();
    assert_eq!(found.is_some(), again == Commit::Conflict);
    // A server that is only slow is waited for.
    drop(store);
    let store = opened(server.options().call_timeout(MS(100)).settle_timeout(MS(20_000)));
    assert!(store.commit(create(7, b"warm2", b"x")).is_ok());
    let before = store.version();
    server.signal(Signal::STOP);
    std::thread::scope(|scope| {
        let commit = scope.spawn(|| store.commit(create(7, b"slow", b"x")).unwrap());
        // One version for the commit, and one for the question what became of it.
        until("the answer is late", || store.version() >= before + 2);
        server.signal(Signal::CONT);
        let Commit::Committed { version } = commit.join().unwrap() else { panic!("a conflict") };
        assert_eq!(store.get(&key(7, b"slow")).unwrap().unwrap().version, version);
    });
}

#[test]
fn what_was_acknowledged_is_there_when_the_server_is_killed_and_comes_back() {
    let server = RedisServer::start();
    let store = opened(server.options().settle_timeout(MS(20_000)));
    let is_done = AtomicBool::new(false);
    let acknowledged: Vec<(Key, u64)> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4_u16)
            .map(|writer| {
                let (store, is_done) = (&store, &is_done);
                scope.spawn(move || {
                    let mut written = Vec::new();
                    for n in 0_u32.. {
                        let id = n.to_be_bytes();
                        match store.commit(create(writer, &id, &id)) {
                            Ok(Commit::Committed { version }) => {
                                written.push((key(writer, &id), version));
                            }
                            Ok(Commit::Conflict) => panic!("a row that nobody wrote"),
                            Err(e) => assert_eq!(e.kind(), ErrorKind::Unavailable, "{e}"),
                        }
                        if is_done.load(Ordering::SeqCst) {
                            return written;
                        }
                    }
                    written
                })
            })
            .collect();
        for _ in 0..5 {
            let before = store.version();
            until("some are written", || store.version() > before + 200);
            server.kill();
            server.run();
        }
        is_done.store(true, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    until("the lease is renewed", || store.get(&key(0, b"")).is_ok());
    for (key, version) in &acknowledged {
        let row = store.get(key).unwrap();
        assert_eq!(row.map(|row| row.version), Some(*version), "{key:?} is lost");
    }
    println!("{} commits acknowledged over 5 kills, none lost", acknowledged.len());
    assert!(acknowledged.len() > 500);
}

#[test]
fn a_server_that_comes_back_with_less_ends_the_store() {
    let server = RedisServer::start();
    let engine = engine(server.options().lease(MS(1_000)));
    let copy = tempfile::tempdir().unwrap();
    let issued = log_in(&engine, "alice");
    support::copy_at_once(server.dir(), copy.path());
    engine.revoke(issued.session.handle()).unwrap();
    let other = log_in(&engine, "bob");
    server.kill();
    support::copy_at_once(copy.path(), server.dir());
    server.run();
    until("it is noticed", || engine.verify(other.token.as_str()).is_err());
    // Never that alice is valid again, from now on.
    for _ in 0..20 {
        let verdict = engine.verify(issued.token.as_str());
        assert!(verdict.as_ref().map_or(true, |verdict| !verdict.is_valid()), "{verdict:?}");
    }
    assert_eq!(kind(engine.verify(other.token.as_str())), ErrorKind::Unavailable);
    assert_eq!(kind(engine.revoke_subject("bob", None)), ErrorKind::Unavailable);
}

#[test]
fn an_engine_whose_store_was_taken_answers_nothing_and_writes_nothing() {
    let server = RedisServer::start();
    let first = engine(server.options().lease(MS(2_000)));
    let issued = log_in(&first, "alice");
    assert!(first.verify(issued.token.as_str()).unwrap().is_valid());
    let refused = RedisStore::open(server.options()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Locked);
    let holder = format!("process {}", std::process::id());
    assert!(refused.message().contains(&holder), "{refused}");
    // As if it had been away for longer than its lease.
    server.command(&[b"DEL", b"{sessile:0}o"]);
    let second = engine(server.options());
    assert_eq!(kind(first.revoke(issued.session.handle())), ErrorKind::Unavailable);
    // From its cache neither.
    assert_eq!(kind(first.verify(issued.token.as_str())), ErrorKind::Unavailable);
    assert!(second.verify(issued.token.as_str()).unwrap().is_valid());
    assert!(second.revoke(issued.session.handle()).unwrap());
    assert!(first.close().is_err());
    assert_eq!(
        second.verify(issued.token.as_str()).unwrap().reason(),
        Some(Reason::RevokedSession)
    );
}

#[test]
fn nothing_is_answered_from_a_cache_while_the_server_is_away_for_longer_than_the_lease() {
    let server = RedisServer::start();
    let store = Arc::new(opened(server.options().lease(MS(400))));
    let config = Config::with_store(store).master_secret(secret()).no_threads();
    let tokens = AccessTokens::new("https://issuer.example", "https://api.example");
    let engine = Engine::open_with(config.access_tokens(tokens)).unwrap();
    let issued = log_in(&engine, "alice");
    let (token, handle) = (issued.token.as_str(), issued.session.handle());
    let access = engine.issue_access(handle, &AccessOptions::new()).unwrap().token;
    let api_key = engine.create_api_key(&ApiKeyOptions::new("alice", "ci").unwrap()).unwrap().token;
    engine.patch(handle, &Patch::new().set("cart", "3")).unwrap();
    let answers = || {
        [
            ("verify", engine.verify(token).map(|verdict| verdict.is_valid())),
            ("peek", engine.peek(token).map(|verdict| verdict.is_valid())),
            ("access", engine.verify_access(&access).map(|verdict| verdict.claims().is_some())),
            (
                "API key",
                engine.verify_api_key(api_key.as_str()).map(|verdict| verdict.key().is_some()),
            ),
            ("data", engine.data(handle).map(|data| data.is_some())),
            ("verify at once", engine.verify_at_once(token).map(|known| known.is_some())),
            ("peek at once", engine.peek_at_once(token).map(|known| known.is_some())),
            ("access at once", engine.verify_access_at_once(&access).map(|known| known.is_some())),
            ("data at once", engine.data_at_once(handle).map(|known| known.is_some())),
        ]
    };
    // The first fill the caches, the last are answered from them alone.
    for (name, answer) in answers() {
        assert!(answer.unwrap(), "{name}");
    }
    server.kill();
    until("the lease runs out", || engine.verify(token).is_err());
    for (name, answer) in answers() {
        assert_eq!(answer.expect_err(name).kind(), ErrorKind::Unavailable, "{name}");
    }
    server.run();
    until("it is renewed", || engine.verify(token).is_ok());
    for (name, answer) in answers() {
        assert!(answer.unwrap(), "{name}");
    }
}

#[test]
fn a_server_that_would_forget_is_refused_with_what_to_set() {
    let open = |server: &RedisServer| RedisStore::open(server.options());
    let aof = ["--appendonly", "yes", "--appendfsync"];
    let evicting =
        RedisServer::with(&[&aof[..], &["always", "--maxmemory-policy", "allkeys-lru"]].concat());
    let error = open(&evicting).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.message().contains("maxmemory-policy noeviction"), "{error}");

    let volatile = RedisServer::with(&["--appendonly", "no"]);
    let error = open(&volatile).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.message().contains("appendonly yes"), "{error}");
    let store = opened(volatile.options().allow_volatile(true));
    assert_eq!(store.capabilities().survives, Survives::Nothing);

    let everysec = RedisServer::with(&[&aof[..], &["everysec"]].concat());
    let safe = everysec.options().require_power_loss_safety(true);
    assert_eq!(kind(RedisStore::open(safe)), ErrorKind::PowerLossUnsafe);
    assert_eq!(open(&everysec).unwrap().capabilities().survives, Survives::ProcessCrash);

    let always = RedisServer::start();
    let store = opened(always.options().require_power_loss_safety(true));
    assert_eq!(store.capabilities().survives, Survives::PowerLoss);
    assert_eq!(kind(RedisStore::open(always.options().prefix("a b"))), ErrorKind::InvalidConfig);
    drop(store);
    let other = RedisStore::open(always.options().partitions(5));
    assert_eq!(kind(other), ErrorKind::InvalidConfig);
}

#[test]
fn a_replica_is_refused() {
    let primary = RedisServer::start();
    let port = primary.port.to_string();
    let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &port]);
    let error = RedisStore::open(replica.options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("replica"), "{error}");
}

#[test]
fn a_wrong_password_is_an_error_that_holds_no_password() {
    let settings = ["--appendonly", "yes", "--requirepass", "correct horse"];
    let server = RedisServer::with(&settings);
    for options in [server.options().password("hunter2"), server.options().user("me", "hunter2")] {
        let error = RedisStore::open(options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("password"), "{error}");
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
    assert_eq!(kind(RedisStore::open(server.options())), ErrorKind::Unavailable);
    let store = opened(server.options().password("correct horse"));
    assert!(!format!("{store:?}").contains("horse"));
    assert!(store.commit(create(7, b"a", b"x")).is_ok());
}

#[test]
fn the_server_lets_go_of_a_row_a_day_after_its_deadline_and_no_sooner() {
    let server = RedisServer::start();
    let store = opened(server.options());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = now.as_millis() as u64;
    let put = |id: &[u8], at| {
        let batch = Batch::new(Group(0), Durability::Durable);
        let _ = store.commit(batch.put(key(0, id), vec![1], at)).unwrap();
    };
    let ttl_ms = |id: &[u8]| {
        let row = [b"{sessile:0}r".as_slice(), &key(0, id).to_vec()].concat();
        server.command(&[b"PTTL", &row]).trim()[1..].parse::<i64>().unwrap()
    };
    const DAY_MS: i64 = 86_400_000;
    put(b"soon", Timestamp::from_millis(now + 3_600_000));
    put(b"past", Timestamp::from_millis(5));
    put(b"never", Timestamp::NEVER);
    assert!((DAY_MS + 3_500_000..=DAY_MS + 3_700_000).contains(&ttl_ms(b"soon")));
    assert!((DAY_MS - 60_000..=DAY_MS).contains(&ttl_ms(b"past")));
    assert_eq!(ttl_ms(b"never"), -1);
    put(b"soon", Timestamp::NEVER);
    assert_eq!(ttl_ms(b"soon"), -1);
    // When it has let go of one, nothing of it is left for the sweeper to stumble over.
    let row = [b"{sessile:0}r".as_slice(), &key(0, b"past").to_vec()].concat();
    server.command(&[b"DEL", &row]);
    assert_eq!(store.scan(Group(0), Table::Session, b"", None, 10).unwrap().len(), 2);
    assert_eq!(store.expired(None, Timestamp::NEVER, 10).unwrap(), []);
    assert_eq!(server.command(&[b"ZCARD", b"{sessile:0}x"]), ":0\r\n");
    assert_eq!(server.command(&[b"ZCARD", b"{sessile:0}k"]), ":2\r\n");
}

#[test]
fn a_script_that_the_server_has_forgotten_is_sent_again() {
    let server = RedisServer::start();
    let store = opened(server.options());
    assert!(store.commit(create(7, b"a", b"x")).is_ok());
    server.command(&[b"SCRIPT", b"FLUSH"]);
    assert!(matches!(store.commit(create(7, b"b", b"x")), Ok(Commit::Committed { .. })));
    assert_eq!(store.scan(Group(7), Table::Session, b"", None, 10).unwrap().len(), 2);
}

#[test]
fn sessions_outlive_the_engine_and_a_revoked_one_stays_so() {
    let server = RedisServer::start();
    let first = engine(server.options());
    let (kept, gone) = (log_in(&first, "alice"), log_in(&first, "bob"));
    first.revoke(gone.session.handle()).unwrap();
    first.close().unwrap();
    drop(first);
    let second = engine(server.options());
    assert!(second.verify(kept.token.as_str()).unwrap().is_valid());
    assert_eq!(second.verify(gone.token.as_str()).unwrap().reason(), Some(Reason::RevokedSession));
    assert_eq!(second.list("alice").unwrap().len(), 1);
    second.revoke_subject("alice", None).unwrap();
    assert!(!second.verify(kept.token.as_str()).unwrap().is_valid());
    second.tick().unwrap();
}

#[test]
fn sessions_move_from_one_store_to_another_and_back() {
    let server = RedisServer::start();
    let over =
        |store: Arc<dyn Store>| Config::with_store(store).master_secret(secret()).no_threads();
    let memory = Engine::open_with(over(Arc::new(MemoryStore::new()))).unwrap();
    let (kept, gone) = (log_in(&memory, "alice"), log_in(&memory, "bob"));
    memory.revoke(gone.session.handle()).unwrap();
    let mut export = Vec::new();
    memory.export(&mut export).unwrap();
    let config = over(Arc::new(opened(server.options())));
    let redis = Engine::restore(config, &mut export.as_slice(), Restored::Valid).unwrap();
    let mut back = Vec::new();
    redis.export(&mut back).unwrap();
    let config = over(Arc::new(MemoryStore::new()));
    let memory = Engine::restore(config, &mut back.as_slice(), Restored::Valid).unwrap();
    for engine in [redis, memory] {
        assert!(engine.verify(kept.token.as_str()).unwrap().is_valid());
        assert_eq!(
            engine.verify(gone.token.as_str()).unwrap().reason(),
            Some(Reason::RevokedSession)
        );
    }
}

#[test]
fn a_cluster_has_the_partitions_on_all_its_nodes_and_one_may_move() {
    let node = || {
        let bus = redis_server::free_port().to_string();
        RedisServer::with(&[
            "--appendonly",
            "yes",
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus,
        ])
    };
    let nodes = [node(), node(), node()];
    redis_server::join_cluster(&nodes.each_ref());
    let store = opened(nodes[1].options().call_timeout(MS(5_000)));
    for group in 0..100 {
        assert!(matches!(store.commit(create(group, b"a", b"x")), Ok(Commit::Committed { .. })));
    }
    for node in &nodes {
        assert_ne!(node.command(&[b"DBSIZE"]), ":0\r\n");
    }
    // A slot without its keys is given to another node: the way there is found.
    let slot = nodes[0].command(&[b"CLUSTER", b"KEYSLOT", b"{sessile:31}m"]);
    let slot = slot.trim().trim_start_matches(':').to_owned();
    let ids: Vec<String> = nodes
        .iter()
        .map(|node| node.command(&[b"CLUSTER", b"MYID"]).lines().nth(1).unwrap().to_owned())
        .collect();
    let owner =
        nodes.iter().position(|node| node.command(&[b"EXISTS", b"{sessile:31}m"]) == ":1\r\n");
    let owner = owner.unwrap();
    let to = (owner + 1) % 3;
    let (slot, to_port) = (slot.as_bytes(), nodes[to].port.to_string());
    let set = |node: usize, state: &[u8], id: usize| {
        let id = ids[id].as_bytes();
        let answer = nodes[node].command(&[b"CLUSTER", b"SETSLOT", slot, state, id]);
        assert_eq!(answer, "+OK\r\n");
    };
    set(to, b"IMPORTING", owner);
    set(owner, b"MIGRATING", to);
    loop {
        let keys = nodes[owner].command(&[b"CLUSTER", b"GETKEYSINSLOT", slot, b"1"]);
        let Some(start) = keys.find("{sessile") else { break };
        let name = name_in_slot(&keys.as_bytes()[start..]);
        let moved = nodes[owner].command(&[
            b"MIGRATE",
            b"127.0.0.1",
            to_port.as_bytes(),
            &name,
            b"0",
            b"5000",
        ]);
        assert_eq!(moved, "+OK\r\n");
    }
    // Asked at the old place, sent on to the new one.
    assert!(store.get(&key(31, b"a")).unwrap().is_some());
    for node in [to, owner, 3 - to - owner] {
        set(node, b"NODE", to);
    }
    assert!(store.get(&key(31, b"a")).unwrap().is_some());
    assert!(matches!(store.commit(create(31, b"b", b"x")), Ok(Commit::Committed { .. })));
    assert_eq!(store.dump(None, 1_000).unwrap().len(), 101);
}

/// The name of a key that a listing starts with: ours, or a row of a group in partition 31.
fn name_in_slot(listed: &[u8]) -> Vec<u8> {
    let suffix = &listed["{sessile:31}".len()..];
    match suffix[0] {
        // Table, then the group, which is below 100.
        b'r' => {
            let group = u16::from(suffix[3]);
            [b"{sessile:31}r".as_slice(), &key(group, b"a").to_vec()].concat()
        }
        letter => [b"{sessile:31}".as_slice(), &[letter]].concat(),
    }
}
