//! Moving a live site over: clients of the old one stay logged in, and nothing that was ended
//! comes back.

mod between;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessile::cookie::foreign::{Importer, KeygripHash, Maker};
use sessile::store::{LmdbOptions, LmdbStore, MemoryStore, Store};
use sessile::testing::{Fault, FaultStore, ManualClock, Moment, Op};
use sessile::{AtLimit, Clock, Config, Engine, ErrorKind, EventKind, Lifetimes, Reason, Upgrade};
use sessile_tests::fixture::{MINUTE, engine, engine_with, reason, secret};

const DAY: Duration = Duration::from_secs(86_400);

/// Signed under `keyboard cat`.
const COOKIE: &str =
    "theme=dark; connect.sid=s%3AkQ2bXW9fPYnv.OKj%2FjEll6YTbat47%2BkGnobRpV93chM4ZczDzvz8DSZ0";

/// `{"passport":{"user":"5"}}` signed under `k1`.
const PAIR: &str = "session=eyJwYXNzcG9ydCI6eyJ1c2VyIjoiNSJ9fQ==; \
                    session.sig=IL2SHe_9ifmByCjB4NG9eMViwlM";

fn in_days(clock: &ManualClock, days: u32) -> sessile::Timestamp {
    clock.now().plus(days * DAY)
}

fn express(clock: &ManualClock) -> Importer {
    let maker = Maker::express("connect.sid", &["newer", "keyboard cat"]).unwrap();
    Importer::new(maker, in_days(clock, 30)).carry(["cart"])
}

fn pairs(clock: &ManualClock) -> Importer {
    let maker = Maker::cookie_session("session", &["k1"], KeygripHash::Sha1).unwrap();
    Importer::new(maker, in_days(clock, 30))
}

fn row(sid: &str, user: &str, clock: &ManualClock, days: u32) -> String {
    let expires = in_days(clock, days).as_millis();
    format!(
        r#"{{"sid":"{sid}","expires":{expires},"session":{{"passport":{{"user":"{user}"}},"cart":[4]}}}}"#
    )
}

/// An engine with the row of [`COOKIE`], of alice and for 14 days.
fn moved() -> (Engine, ManualClock, Importer) {
    let (engine, clock) = engine();
    let importer = express(&clock);
    import(&engine, &importer, &row("kQ2bXW9fPYnv", "alice", &clock, 14));
    (engine, clock, importer)
}

fn import(engine: &Engine, importer: &Importer, file: &str) {
    let report = engine.import_rows(importer, &mut file.as_bytes()).unwrap();
    assert_eq!(report.imported, 1, "{report:?}");
}

fn upgrade(engine: &Engine, importer: &Importer, header: &str) -> Upgrade {
    engine.upgrade_cookies(importer, [header]).unwrap().unwrap()
}

fn token(engine: &Engine, importer: &Importer, header: &str) -> String {
    match upgrade(engine, importer, header) {
        Upgrade::Valid(issued) => issued.token.as_str().to_owned(),
        Upgrade::Rejected(reason) => panic!("{reason}"),
    }
}

fn why(engine: &Engine, importer: &Importer, header: &str) -> Option<Reason> {
    upgrade(engine, importer, header).reason()
}

#[test]
fn whoever_was_logged_in_at_the_old_site_stays_so() {
    let (engine, clock, importer) = moved();
    clock.advance(13 * DAY);
    engine.tick().unwrap();
    let Upgrade::Valid(issued) = upgrade(&engine, &importer, COOKIE) else { panic!() };
    let session = &issued.session;
    assert_eq!(session.subject().unwrap(), &"alice");
    assert_eq!(session.authenticated_at(), None, "only the old site knew");
    assert_eq!(session.idle_deadline(), clock.now().plus(30 * MINUTE));
    assert_eq!(session.absolute_deadline(), clock.now().plus(12 * 60 * MINUTE));
    assert_eq!(reason(&engine, issued.token.as_str()), None);
    let data = engine.data(session.handle()).unwrap().unwrap();
    assert_eq!(data.iter().collect::<Vec<_>>(), [("cart", b"[4]".as_slice())]);
    assert_eq!(engine.upgrade_cookies(&importer, ["theme=dark"]).unwrap().map(drop), None);
}

#[test]
fn the_lifetimes_of_an_upgraded_session_can_be_chosen() {
    let (engine, clock, importer) = moved();
    let importer = importer.lifetimes(Lifetimes::REMEMBER_ME);
    let Upgrade::Valid(issued) = upgrade(&engine, &importer, COOKIE) else { panic!() };
    assert_eq!(issued.session.idle_deadline(), clock.now().plus(7 * DAY));
    assert_eq!(issued.session.absolute_deadline(), clock.now().plus(30 * DAY));
}

#[test]
fn requests_side_by_side_get_the_same_session_and_a_late_one_nothing() {
    for (importer, header) in [(1, COOKIE), (2, PAIR)] {
        let (engine, clock, express) = moved();
        let importer = if importer == 1 { express } else { pairs(&clock) };
        let first = token(&engine, &importer, header);
        clock.advance(MINUTE - Duration::from_millis(1));
        assert_eq!(token(&engine, &importer, header), first);
        clock.advance(Duration::from_millis(1));
        assert_eq!(why(&engine, &importer, header), Some(Reason::Reused));
        assert_eq!(reason(&engine, &first), None, "an old cookie that comes again ends nothing");
    }
}

#[test]
fn what_was_imported_and_what_was_used_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let clock = ManualClock::default();
    let open = || {
        let config = Config::new(dir.path().join("sessions")).clock(clock.clone()).no_threads();
        Engine::open_with(config).unwrap()
    };
    let importer = express(&clock);
    let engine = open();
    import(&engine, &importer, &row("kQ2bXW9fPYnv", "alice", &clock, 9));
    engine.close().unwrap();
    let engine = open();
    let first = token(&engine, &importer, COOKIE);
    let of_pair = token(&engine, &pairs(&clock), PAIR);
    engine.close().unwrap();
    let engine = open();
    assert_eq!(token(&engine, &importer, COOKIE), first);
    assert_eq!(token(&engine, &pairs(&clock), PAIR), of_pair);
    clock.advance(MINUTE);
    assert_eq!(why(&engine, &importer, COOKIE), Some(Reason::Reused));
    assert_eq!(why(&engine, &pairs(&clock), PAIR), Some(Reason::Reused));
    assert_eq!([reason(&engine, &first), reason(&engine, &of_pair)], [None, None]);
}

#[test]
fn of_many_that_present_it_at_once_all_get_the_same_session() {
    for _ in 0..20 {
        let (engine, clock, express) = moved();
        for (importer, header) in [(express, COOKIE), (pairs(&clock), PAIR)] {
            let mut tokens = std::thread::scope(|scope| {
                let upgrade = || token(&engine, &importer, header);
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(upgrade)).collect();
                threads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
            });
            assert_eq!(reason(&engine, &tokens[0]), None);
            tokens.dedup();
            assert_eq!(tokens.len(), 1);
        }
        assert_eq!(engine.count("alice").unwrap() + engine.count("5").unwrap(), 2);
    }
}

type End = fn(&Engine, &str, &str, &ManualClock);

/// Every way in which a session ends: the engine, its subject, its token, the clock.
const ENDS: [(End, Reason); 6] = [
    (
        |e, _, token, _| {
            let session = e.verify(token).unwrap().into_session().unwrap();
            assert!(e.revoke(session.handle()).unwrap());
        },
        Reason::RevokedSession,
    ),
    (|e, subject, _, _| e.revoke_subject(subject, None).unwrap(), Reason::RevokedSubject),
    (|e, subject, _, _| e.suspend(subject, None).unwrap(), Reason::Suspended),
    (|e, _, _, _| e.revoke_all().unwrap(), Reason::RevokedAll),
    (|_, _, _, clock| clock.advance(31 * MINUTE), Reason::Reused),
    (
        |e, _, _, clock| {
            for _ in 0..3 {
                clock.advance(DAY);
                e.tick().unwrap();
            }
        },
        Reason::Reused,
    ),
];

#[test]
fn an_upgraded_session_that_ended_does_not_come_back_with_the_old_cookie() {
    for (end, expected) in ENDS {
        let (engine, clock, importer) = moved();
        for (importer, subject, header) in [(importer, "alice", COOKIE), (pairs(&clock), "5", PAIR)]
        {
            let token = token(&engine, &importer, header);
            end(&engine, subject, &token, &clock);
            assert_eq!(why(&engine, &importer, header), Some(expected));
            clock.advance(MINUTE);
            assert!(why(&engine, &importer, header).is_some());
            assert!(reason(&engine, &token).is_some());
            if matches!(expected, Reason::RevokedAll | Reason::Reused) {
                // It would end the pair before it was used.
                break;
            }
        }
    }
    for (end, expected) in ENDS {
        let (engine, clock) = engine();
        let importer = pairs(&clock);
        let token = token(&engine, &importer, PAIR);
        end(&engine, "5", &token, &clock);
        assert_eq!(why(&engine, &importer, PAIR), Some(expected));
    }
}

#[test]
fn what_ends_a_subjects_sessions_ends_what_it_has_not_fetched_yet() {
    for (end, expected) in &ENDS[1..4] {
        let (engine, clock, importer) = moved();
        end(&engine, "alice", "", &clock);
        assert_eq!(why(&engine, &importer, COOKIE), Some(*expected));
        let (engine, clock) = sessile_tests::fixture::engine();
        end(&engine, "5", "", &clock);
        assert_eq!(why(&engine, &pairs(&clock), PAIR), Some(*expected));
    }
    let (engine, clock, importer) = moved();
    let listed = engine.list("alice").unwrap();
    assert_eq!(listed.len(), 1, "it is a device of hers, and can be ended as one");
    assert!(engine.revoke(&listed[0].handle).unwrap());
    assert_eq!(why(&engine, &importer, COOKIE), Some(Reason::RevokedSession));
    let (engine, later) = (engine, pairs(&clock));
    engine.suspend("5", Some(clock.now().plus(DAY))).unwrap();
    assert_eq!(why(&engine, &later, PAIR), Some(Reason::Suspended));
    clock.advance(DAY);
    assert_eq!(why(&engine, &later, PAIR), None, "a suspension that is over");
}

#[test]
fn a_rotated_session_is_given_to_a_request_side_by_side_under_its_new_token() {
    let (engine, clock, importer) = moved();
    let Upgrade::Valid(first) = upgrade(&engine, &importer, COOKIE) else { panic!() };
    let rotated = engine.rotate(first.session.handle()).unwrap();
    assert_eq!(token(&engine, &importer, COOKIE), rotated.token.as_str());
    engine.reauthenticate(rotated.session.handle(), Default::default()).unwrap();
    clock.advance(Duration::from_secs(5));
    assert_eq!(why(&engine, &importer, COOKIE), Some(Reason::Reused), "raised: not for this one");
}

#[test]
fn a_row_ends_as_it_would_have_at_the_old_site_and_all_of_them_with_the_importer() {
    let (engine, clock, importer) = moved();
    clock.advance(14 * DAY - Duration::from_millis(1));
    assert_eq!(engine.count("alice").unwrap(), 1);
    clock.advance(Duration::from_millis(1));
    assert_eq!(why(&engine, &importer, COOKIE), Some(Reason::Expired));
    clock.advance(DAY);
    engine.tick().unwrap();
    assert_eq!(why(&engine, &importer, COOKIE), Some(Reason::UnknownSession), "swept");

    let (engine, clock) = sessile_tests::fixture::engine();
    let (rows, pairs) = (express(&clock), pairs(&clock));
    import(&engine, &rows, &row("kQ2bXW9fPYnv", "alice", &clock, 300));
    clock.advance(30 * DAY);
    assert_eq!(why(&engine, &rows, COOKIE), Some(Reason::Expired));
    assert_eq!(why(&engine, &pairs, PAIR), Some(Reason::Expired));
    assert_eq!(engine.count("alice").unwrap(), 0);
    assert!(pairs.read_pair([PAIR]).unwrap().is_ok(), "as data it can still be read");
}

#[test]
fn what_was_not_signed_costs_no_access_to_the_store_and_nothing_unknown_creates_anything() {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let clock = ManualClock::default();
    let config = Config::with_store(store.clone()).clock(clock.clone()).no_threads();
    let engine = Engine::open_with(config).unwrap();
    let (rows, pairs) = (express(&clock), pairs(&clock));
    let (rows_before, counts) = (engine.export(&mut Vec::new()).unwrap(), store.counts());
    let forged = [
        (&rows, COOKIE.replace("SZ0", "TZ0"), Reason::BadSignature),
        (&rows, COOKIE.replace("kQ2", "kQ3"), Reason::BadSignature),
        (&rows, "connect.sid=kQ2bXW9fPYnv".into(), Reason::Malformed),
        (&pairs, PAIR.replace("SJ9", "SI9"), Reason::BadSignature),
        (&pairs, PAIR.replace("wlM", "wlN"), Reason::BadSignature),
        (&pairs, PAIR.split(';').next().unwrap().into(), Reason::BadSignature),
    ];
    for (importer, header, expected) in &forged {
        assert_eq!(why(&engine, importer, header), Some(*expected), "{header}");
    }
    assert_eq!(store.counts(), counts);
    assert_eq!(why(&engine, &rows, COOKIE), Some(Reason::UnknownSession), "signed, no row");
    let django = Importer::new(Maker::django("sessionid").unwrap(), in_days(&clock, 1));
    let header = "sessionid=k3v8m2q9x1z7c5b4n6l0p2o8i7u6y5t4";
    assert_eq!(why(&engine, &django, header), Some(Reason::UnknownSession));
    let meteor = Importer::new(Maker::meteor(), in_days(&clock, 1));
    let token = "4IYrGJ9m1tvXbHc0W8nqTzJ5xKfLd2pRsUeAoN3VwQy";
    let verdict = engine.upgrade_login_token(&meteor, token).unwrap();
    assert_eq!(verdict.reason(), Some(Reason::UnknownSession));
    assert_eq!(engine.export(&mut Vec::new()).unwrap().rows, rows_before.rows);
}

#[test]
fn sessions_of_django_and_meteor_are_upgraded_too() {
    let (engine, clock) = engine();
    let django = Importer::new(Maker::django("sessionid").unwrap(), in_days(&clock, 30));
    let meteor = Importer::new(Maker::meteor(), in_days(&clock, 30));
    let key = "k3v8m2q9x1z7c5b4n6l0p2o8i7u6y5t4";
    let at = in_days(&clock, 3).as_millis();
    let line = format!(
        r#"{{"session_key":"{key}","session_data":{{"_auth_user_id":"17"}},"expire_date":{at}}}"#
    );
    import(&engine, &django, &line);
    let Upgrade::Valid(issued) = upgrade(&engine, &django, &format!("sessionid={key}")) else {
        panic!()
    };
    assert_eq!(issued.session.subject().unwrap(), &"17");
    let hash = "5JUsWqESZ7gXbRNFycagtBfYEoZgplpGJJiOMpqY/gk=";
    import(
        &engine,
        &meteor,
        &format!(r#"{{"hashedToken":"{hash}","userId":"Qx7","expires":{at}}}"#),
    );
    let token = "4IYrGJ9m1tvXbHc0W8nqTzJ5xKfLd2pRsUeAoN3VwQy";
    let upgraded = engine.upgrade_login_token(&meteor, token).unwrap();
    assert_eq!(upgraded.issued().unwrap().session.subject().unwrap(), &"Qx7");
    assert_eq!(engine.upgrade_cookies(&meteor, [COOKIE]).unwrap().map(drop), None);
    // The same id at another old site is another session.
    let other = Importer::new(Maker::django("other").unwrap(), in_days(&clock, 30));
    let header = format!("other={key}");
    assert_eq!(why(&engine, &other, &header), Some(Reason::UnknownSession));
}

#[test]
fn a_bad_line_is_named_and_loses_nothing_of_the_others() {
    let (engine, clock) = engine();
    let importer = express(&clock);
    let good = |sid: &str| row(sid, "alice", &clock, 14);
    let file = [
        good("one"),
        "hunter2".into(),
        String::new(),
        format!("{{\"sid\":\"{}\"}}", "x".repeat(2 << 20)),
        good("two").replace("expires", "expired"),
        good("three").replace("alice", ""),
        row("four", "bob", &clock, 0),
        good("five").replace("passport", "nobody"),
        good("six"),
        good("six"),
    ]
    .join("\n");
    let report = engine.import_rows(&importer, &mut file.as_bytes()).unwrap();
    assert_eq!((report.lines, report.imported, report.known), (10, 2, 1));
    assert_eq!((report.expired, report.anonymous, report.refused_count), (1, 1, 4));
    let lines: Vec<_> = report.refused.iter().map(|line| line.number).collect();
    assert_eq!(lines, [2, 4, 5, 6]);
    assert!(!format!("{report:?}").contains("hunter2"));
    assert!(report.refused[2].why.contains("`expires` is missing"), "{report:?}");
    assert_eq!(engine.count("alice").unwrap(), 2);

    let kept = importer.clone().with_anonymous();
    let report = engine.import_rows(&kept, &mut file.as_bytes()).unwrap();
    assert_eq!((report.imported, report.known, report.anonymous), (1, 3, 0));
}

#[test]
fn a_second_import_brings_back_nothing_that_was_used_or_ended() {
    let (engine, clock, importer) = moved();
    let file = row("kQ2bXW9fPYnv", "alice", &clock, 20);
    let first = token(&engine, &importer, COOKIE);
    engine.revoke_subject("alice", None).unwrap();
    clock.advance(2 * DAY);
    engine.tick().unwrap();
    let report = engine.import_rows(&importer, &mut file.as_bytes()).unwrap();
    assert_eq!((report.imported, report.known), (0, 1));
    assert_eq!(why(&engine, &importer, COOKIE), Some(Reason::Reused));
    assert!(reason(&engine, &first).is_some());
}

#[test]
fn an_import_that_was_cut_off_anywhere_is_finished_by_the_next() {
    let mut is_over = false;
    for call in 1.. {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let clock = ManualClock::default();
        let config = Config::with_store(store.clone()).clock(clock.clone()).no_threads();
        let engine = Engine::open_with(config).unwrap();
        let importer = express(&clock);
        let file = [row("a", "alice", &clock, 9), row("kQ2bXW9fPYnv", "bob", &clock, 9)].join("\n");
        store.fail(Fault::once(Op::Commit, call, ErrorKind::Unavailable));
        let Err(error) = engine.import_rows(&importer, &mut file.as_bytes()) else {
            is_over = true;
            assert_eq!(call, 5, "two rows are four commits");
            break;
        };
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let line = if call <= 2 { "line 1" } else { "line 2" };
        assert!(error.message().contains(line), "{error}");
        store.heal();
        let report = engine.import_rows(&importer, &mut file.as_bytes()).unwrap();
        assert_eq!(report.imported + report.known, 2, "{report:?}");
        assert_eq!(why(&engine, &importer, COOKIE), None);
        assert_eq!((engine.count("alice").unwrap(), engine.count("bob").unwrap()), (1, 1));
    }
    assert!(is_over);
}

#[test]
fn an_upgrade_that_fails_uses_nothing_up() {
    for (kind, again) in [(ErrorKind::Unavailable, true), (ErrorKind::OutcomeUnknown, false)] {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let clock = ManualClock::default();
        let config = Config::with_store(store.clone()).clock(clock.clone()).no_threads();
        let engine = Engine::open_with(config).unwrap();
        let importer = express(&clock);
        import(&engine, &importer, &row("kQ2bXW9fPYnv", "alice", &clock, 9));
        for (importer, header) in [(&importer, COOKIE), (&pairs(&clock), PAIR)] {
            store.fail(Fault::once(Op::Commit, 1, kind));
            let failed = engine.upgrade_cookies(importer, [header]).unwrap_err();
            assert!([kind, ErrorKind::WritesRefused].contains(&failed.kind()), "{failed}");
            if again {
                store.heal();
                assert_eq!(why(&engine, importer, header), None);
            }
        }
    }
}

#[test]
fn a_row_that_cannot_be_read_lets_nobody_in() {
    let store = Arc::new(MemoryStore::new());
    let clock = ManualClock::default();
    let config = Config::with_store(store.clone()).clock(clock.clone()).no_threads();
    let engine = Engine::open_with(config).unwrap();
    let importer = pairs(&clock);
    let _ = token(&engine, &importer, PAIR);
    let is_foreign = |key: &sessile::store::Key| key.table() == sessile::store::Table::Foreign;
    let rows = Store::dump(store.as_ref(), None, 100).unwrap();
    let (key, mut row) = rows.into_iter().find(|(key, _)| is_foreign(key)).unwrap();
    *row.value.last_mut().unwrap() ^= 1;
    Store::load(store.as_ref(), vec![(key, row)]).unwrap();
    let error = engine.upgrade_cookies(&importer, [PAIR]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn a_pair_buys_as_many_sessions_as_it_has_devices() {
    let (engine, clock) = engine();
    let importer = pairs(&clock).devices_per_pair(2);
    let first = token(&engine, &importer, PAIR);
    clock.advance(MINUTE);
    let second = token(&engine, &importer, PAIR);
    assert_ne!(first, second);
    assert_eq!([reason(&engine, &first), reason(&engine, &second)], [None, None]);
    clock.advance(MINUTE);
    assert_eq!(why(&engine, &importer, PAIR), Some(Reason::Reused));
    engine.revoke_subject("5", None).unwrap();
    let more = pairs(&clock).devices_per_pair(9);
    assert_eq!(why(&engine, &more, PAIR), Some(Reason::RevokedSubject));
}

#[test]
fn two_cookies_of_different_sessions_are_ambiguous_and_neither_is_used_up() {
    let (engine, clock, importer) = moved();
    import(&engine, &importer, &row("second", "bob", &clock, 14));
    let other = "connect.sid=s%3Asecond.bdKJjAO%2BUyuJUb8RUdBtqgue5pph4ueMpdl71A%2Bi%2F5g";
    let both = format!("{COOKIE}; {other}");
    assert_eq!(why(&engine, &importer, &both), Some(Reason::Ambiguous));
    let planted = format!("connect.sid=s%3Aplanted.AAAA; {COOKIE}");
    assert_eq!(why(&engine, &importer, &planted), None);
    clock.advance(MINUTE);
    assert_eq!(why(&engine, &importer, &both), None, "one of the two is worth nothing any more");
}

#[test]
fn the_limit_of_sessions_holds_for_those_of_the_old_site() {
    let (engine, clock) =
        engine_with(|config| config.max_sessions_per_subject(1, AtLimit::EvictOldest));
    let importer = express(&clock);
    let file = [row("a", "5", &clock, 9), row("b", "5", &clock, 9)].join("\n");
    let report = engine.import_rows(&importer, &mut file.as_bytes()).unwrap();
    assert_eq!((report.imported, report.beyond_limit), (1, 1));
    assert_eq!(why(&engine, &pairs(&clock), PAIR), None);
    assert_eq!(engine.count("5").unwrap(), 1, "the pair's; it pushed the other out");
}

#[test]
fn an_upgrade_is_told_as_the_beginning_of_a_session_and_once() {
    let (engine, _, importer) = moved();
    let mut events = engine.subscribe().unwrap();
    let _ = token(&engine, &importer, COOKIE);
    let _ = token(&engine, &importer, COOKIE);
    let told: Vec<_> = std::iter::from_fn(|| events.try_next()).map(|event| event.kind).collect();
    assert!(matches!(&told[..], [EventKind::Created { subject: Some(s), .. }] if *s == "alice"));
}

#[test]
fn settings_beyond_their_limits_are_refused_at_the_first_use() {
    let (engine, clock) = engine();
    let maker = || Maker::cookie_session("session", &["k1"], KeygripHash::Sha1).unwrap();
    let until = |days| Importer::new(maker(), in_days(&clock, days));
    let long = Duration::from_secs(301);
    let zero = Lifetimes { idle_timeout: Duration::ZERO, absolute_lifetime: DAY };
    for importer in [
        until(401),
        until(1).grace(long),
        until(1).devices_per_pair(0),
        until(1).devices_per_pair(101),
        until(1).lifetimes(zero),
    ] {
        let error = engine.upgrade_cookies(&importer, [PAIR]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        let error = engine.import_rows(&importer, &mut "".as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }
}
