//! Bodies of the fuzz targets: each takes any bytes and panics on a broken promise.
//!
//! They live here so that a plain test can replay what a fuzzer found. Bytes at random rarely get
//! past a checksum or a length, so most bodies also dress them up as what they are to attack.

// A failed expectation is how this module speaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod formats;
mod plain_json;
mod tokens;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{FaultStore, ManualClock};
use crate::codec::base64url as base64;
use crate::codec::record::{self, Kind};
use crate::config::Config;
use crate::cookie::{BEARER_LEN_MAX, CANDIDATES_MAX, CookiePolicy, bearer};
use crate::data::{Data, Patch};
use crate::engine::{ApiKeyOptions, CreateOptions, Engine, SingleUseOptions};
use crate::error::{Error, ErrorKind};
use crate::id::{Group, Handle};
use crate::keys::MasterSecret;
use crate::record::{ApiKeyRecord, GlobalRecord, SessionRow, SingleUseRecord, SubjectRecord};
use crate::store::{
    Batch, Commit, Durability, Key, MemoryStore, Row, Store, Table, export, import,
};
use crate::time::Timestamp;

pub use formats::{base64url, claims};
pub use plain_json::Plain;
pub use tokens::opaque_token;

/// What a fuzz target calls.
pub type Body = fn(&[u8]);

/// Each body with the name of its target.
pub const TARGETS: &[(&str, Body)] = &[
    ("base64url", base64url),
    ("claims", claims),
    ("cookie_header", cookie_header),
    ("handle", handle),
    ("opaque_token", opaque_token),
    ("record", record),
    ("session_token", session_token),
    ("store_import", store_import),
];

/// Handles: whatever is taken as text or bytes comes back as exactly the same.
pub fn handle(data: &[u8]) {
    if let Ok(handle) = Handle::from_bytes(data) {
        assert_eq!(handle.to_bytes(), data);
        assert_eq!(handle.to_string().parse::<Handle>().ok(), Some(handle));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(handle) = text.parse::<Handle>() {
        assert_eq!(handle.to_string(), text, "two texts for one handle");
    }
}

/// Session tokens: a text that the engine did not issue is rejected, reads no row, leaves none,
/// and does not harm the session beside it.
pub fn session_token(data: &[u8]) {
    thread_local! {
        static TARGET: TokenTarget = TokenTarget::new();
    }
    TARGET.with(|target| {
        if let Ok(text) = std::str::from_utf8(data) {
            target.reject(text);
        }
        target.reject(&base64::encode_string(data));
        target.reject(&edited(&target.genuine, data));
        assert!(target.engine.verify(&target.genuine).unwrap().is_valid());
    });
}

struct TokenTarget {
    engine: Engine,
    store: Arc<FaultStore>,
    genuine: String,
}

impl TokenTarget {
    fn new() -> Self {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let engine = open(store.clone()).unwrap();
        let genuine = log_in(&engine).1;
        TokenTarget { engine, store, genuine }
    }

    fn reject(&self, text: &str) {
        if text == self.genuine {
            return;
        }
        let before = (self.store.counts(), self.store.version());
        let verdict = self.engine.verify(text).unwrap();
        assert!(!verdict.is_valid(), "{text:?} is valid");
        assert_eq!(self.engine.peek(text).unwrap().reason(), verdict.reason());
        assert_eq!((self.store.counts(), self.store.version()), before, "{text:?} cost the store");
    }
}

/// `text` with its characters at some places replaced: `edits` is pairs of (place, character).
fn edited(text: &str, edits: &[u8]) -> String {
    let mut characters = text.as_bytes().to_vec();
    for edit in edits.chunks_exact(2) {
        let place = usize::from(edit[0]) % characters.len();
        characters[place] = edit[1] & 0x7f;
    }
    String::from_utf8(characters).unwrap_or_default()
}

/// Request headers: the readers find what a plain reading of the rules finds, and a cookie that
/// was written is read back as it was.
pub fn cookie_header(data: &[u8]) {
    let policy = CookiePolicy::default();
    // No header holds a line feed, so it may part one `Cookie` header from the next.
    let headers: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let found: Vec<&[u8]> = policy.candidates(headers.iter().copied()).collect();
    assert_eq!(found, plain_candidates(&policy, &headers));

    let text = std::str::from_utf8(data).ok();
    assert_eq!(bearer(data), text.and_then(plain_bearer));

    let Some(token) = text else { return };
    let Ok(header) = policy.session(token, Duration::from_secs(60)) else { return };
    let pair = header.split("; ").next().unwrap_or_default();
    assert_eq!(policy.candidates([pair]).collect::<Vec<_>>(), [data]);
    assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{header:?}");
}

fn plain_candidates<'a>(policy: &CookiePolicy, headers: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let is_blank = |byte: &u8| [b' ', b'\t'].contains(byte);
    let pairs = headers.iter().flat_map(|header| header.split(|byte| *byte == b';'));
    let trimmed = pairs.map(|pair| {
        let start = pair.iter().position(|byte| !is_blank(byte)).unwrap_or(pair.len());
        let end = pair.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
        &pair[start..end]
    });
    let name = policy.name().as_bytes();
    let values = trimmed.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix(b"="));
    values.take(CANDIDATES_MAX).collect()
}

fn plain_bearer(header: &str) -> Option<&str> {
    let (scheme, rest) = header.split_once(' ')?;
    let token = rest.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    let is_token = scheme.eq_ignore_ascii_case("bearer")
        && token.len() <= BEARER_LEN_MAX
        && !body.is_empty()
        && body.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
    is_token.then_some(token)
}

/// Records: bytes that decode are written and read back as the same record, and an engine over a
/// damaged or forged row answers or says `Corrupt`.
pub fn record(data: &[u8]) {
    thread_local! {
        static TARGET: RecordTarget = RecordTarget::new();
    }
    let Some((choice, body)) = data.split_first() else { return };
    let kinds =
        [Kind::Session, Kind::Subject, Kind::Data, Kind::Global, Kind::SingleUse, Kind::ApiKey];
    let kind = kinds[usize::from(choice & 0x7f) % kinds.len()];
    let is_dressed_up = choice & 0x80 == 0;
    TARGET.with(|target| {
        let key = target.key_for(kind);
        let bytes = if is_dressed_up { dressed_up(kind, &key, body) } else { body.to_vec() };
        match kind {
            Kind::Session => survives_a_round::<SessionRow>(kind, &key, &bytes),
            Kind::Subject => survives_a_round::<SubjectRecord>(kind, &key, &bytes),
            Kind::Data => survives_a_round::<Data>(kind, &key, &bytes),
            Kind::SingleUse => survives_a_round::<SingleUseRecord>(kind, &key, &bytes),
            Kind::ApiKey => survives_a_round::<ApiKeyRecord>(kind, &key, &bytes),
            _ => survives_a_round::<GlobalRecord>(kind, &key, &bytes),
        }
        target.plant(key, bytes);
    });
}

/// The rows of a store with one of each kind.
struct RecordTarget {
    rows: Vec<(Key, Row)>,
    handle: Handle,
    token: String,
    link: String,
}

impl RecordTarget {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let engine = open(store.clone()).unwrap();
        let (handle, token) = log_in(&engine);
        engine.bump_claims(SUBJECT).unwrap();
        engine.patch(&handle, &Patch::new().set("theme", "dark")).unwrap();
        let link = SingleUseOptions::new(PURPOSE).subject(SUBJECT).unwrap();
        let link = engine.issue_single_use(&link).unwrap().token.as_str().to_owned();
        engine.create_api_key(&ApiKeyOptions::new(SUBJECT, "deploy").unwrap()).unwrap();
        RecordTarget { rows: all_rows(store.as_ref()), handle, token, link }
    }

    /// The key under which the engine looks for such a record.
    fn key_for(&self, kind: Kind) -> Key {
        let table = match kind {
            Kind::Global => return Key::new(Group(0), Table::Engine, b"global").unwrap(),
            Kind::Subject => Table::Subject,
            Kind::Data => Table::Data,
            Kind::SingleUse => Table::SingleUse,
            Kind::ApiKey => Table::ApiKey,
            _ => Table::Session,
        };
        self.rows.iter().find(|(key, _)| key.table() == table).unwrap().0
    }

    /// Asks an engine that finds `bytes` under `key`.
    fn plant(&self, key: Key, bytes: Vec<u8>) {
        let store = Arc::new(MemoryStore::new());
        store.load(self.rows.clone()).unwrap();
        let batch = Batch::new(key.group(), Durability::Durable).put(key, bytes, Timestamp::NEVER);
        assert!(matches!(store.commit(batch), Ok(Commit::Committed { .. })));
        let Some(engine) = unless_refused(open(store)) else { return };
        let _ = unless_refused(engine.list(SUBJECT));
        let _ = unless_refused(engine.verify(&self.token));
        let _ = unless_refused(engine.data(&self.handle));
        let _ = unless_refused(engine.list_api_keys(SUBJECT));
        let used = unless_refused(engine.consume(PURPOSE, &self.link));
        if let Some(Ok(_)) = used {
            let again = unless_refused(engine.consume(PURPOSE, &self.link));
            assert!(!matches!(again, Some(Ok(_))), "used twice");
        }
        if unless_refused(engine.revoke(&self.handle)).is_some() {
            let verdict = unless_refused(engine.verify(&self.token));
            assert!(verdict.is_none_or(|verdict| !verdict.is_valid()), "valid once revoked");
        }
        engine.tick().unwrap();
    }
}

fn survives_a_round<T>(kind: Kind, key: &Key, bytes: &[u8])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let key = key.to_vec();
    if let Ok(first) = record::decode::<T>(kind, &key, bytes) {
        let again = record::encode(kind, &key, &first).unwrap();
        assert_eq!(record::decode::<T>(kind, &key, &again), Ok(first));
    }
}

/// A record's bytes under `key` with this body and a right checksum, see [`record`](mod@record).
fn dressed_up(kind: Kind, key: &Key, body: &[u8]) -> Vec<u8> {
    let head = [record::FORMAT, kind as u8];
    let crc = crc32fast::hash(&[&key.to_vec(), head.as_slice(), body].concat());
    [&head, crc.to_le_bytes().as_slice(), body].concat()
}

/// Imports: refused, or a store that an export and a second import give once more, that takes
/// more rows, and that an engine opens or refuses.
pub fn store_import(data: &[u8]) {
    import_any(data);
    import_any(&framed(data));
}

fn import_any(bytes: &[u8]) {
    let store = Arc::new(MemoryStore::new());
    let summary = match import(store.as_ref(), &mut &*bytes) {
        Ok(summary) => summary,
        Err(error) => return assert!(IMPORT_REFUSALS.contains(&error.kind()), "{error}"),
    };
    let rows = all_rows(store.as_ref());
    assert_eq!(summary.rows, rows.len() as u64);
    assert!(rows.iter().all(|(_, row)| row.version <= store.version()));

    let mut exported = Vec::new();
    export(store.as_ref(), &mut exported).unwrap();
    let copy = MemoryStore::new();
    assert_eq!(import(&copy, &mut exported.as_slice()).unwrap().rows, summary.rows);
    assert_eq!(all_rows(&copy), rows);
    let key = Key::new(Group(0), Table::Data, b"one more").unwrap();
    let batch = Batch::new(key.group(), Durability::Durable).put(key, vec![], Timestamp::NEVER);
    let Ok(Commit::Committed { version }) = copy.commit(batch) else { panic!("takes no row") };
    assert!(version > store.version());

    let Some(engine) = unless_refused(open(store)) else { return };
    engine.tick().unwrap();
    let _ = unless_refused(engine.list(SUBJECT));
}

fn all_rows(store: &dyn Store) -> Vec<(Key, Row)> {
    store.dump(None, usize::MAX).unwrap()
}

/// An export with `payload` as its only frame and every checksum right, see
/// [`export`](fn@export).
fn framed(payload: &[u8]) -> Vec<u8> {
    let rows = count_rows(payload);
    let header = [b"SESSILEX".as_slice(), &1_u32.to_be_bytes()].concat();
    let mut bytes = [&header, crc32fast::hash(&header).to_be_bytes().as_slice()].concat();
    let (mut frames, mut crcs) = (0_u64, Vec::new());
    if !payload.is_empty() {
        let head = [(payload.len() as u32).to_be_bytes(), rows.to_be_bytes()].concat();
        let frame = [&head, payload].concat();
        crcs = crc32fast::hash(&frame).to_be_bytes().to_vec();
        bytes.extend([&frame, crcs.as_slice()].concat());
        frames = 1;
    }
    let mut trailer = [frames.to_be_bytes(), u64::from(rows).to_be_bytes()].concat();
    trailer.extend(crc32fast::hash(&crcs).to_be_bytes());
    let trailer_crc = crc32fast::hash(&trailer).to_be_bytes();
    bytes.extend(0_u32.to_be_bytes());
    bytes.extend([&trailer, trailer_crc.as_slice()].concat());
    bytes
}

/// How many whole rows a payload begins with.
fn count_rows(mut payload: &[u8]) -> u32 {
    let mut rows = 0;
    while let Some((key_len, rest)) = payload.split_first()
        && let Some(len) = rest.get(usize::from(*key_len) + 16..)
        && let Some((len, rest)) = len.split_first_chunk()
        && let Some(rest) = rest.get(u32::from_be_bytes(*len) as usize..)
    {
        payload = rest;
        rows += 1;
    }
    rows
}

/// An engine over `store` whose clock stands still and which starts no thread.
fn open(store: Arc<dyn Store>) -> Result<Engine, Error> {
    let secret = MasterSecret::from_bytes(b"no secret: every input meets the same");
    let config = Config::with_store(store).master_secret(secret).clock(ManualClock::default());
    Engine::open_with(config.no_threads())
}

/// A session's handle and token.
fn log_in(engine: &Engine) -> (Handle, String) {
    let issued = engine.create(CreateOptions::for_subject(SUBJECT).unwrap()).unwrap();
    (*issued.session.handle(), issued.token.as_str().to_owned())
}

/// The answer, or `None` when the store's rows were refused as what they are.
fn unless_refused<T>(answer: Result<T, Error>) -> Option<T> {
    answer.inspect_err(|error| assert!(ROW_REFUSALS.contains(&error.kind()), "{error}")).ok()
}

const SUBJECT: &str = "alice";
const PURPOSE: &str = "sign-in";

/// What may be said of rows that are no records of ours, or of a newer version.
const ROW_REFUSALS: &[ErrorKind] =
    &[ErrorKind::Corrupt, ErrorKind::NewerFormat, ErrorKind::WrongSecret];

/// What may be said of bytes that are no export, or not one for this store.
const IMPORT_REFUSALS: &[ErrorKind] =
    &[ErrorKind::Corrupt, ErrorKind::NewerFormat, ErrorKind::InvalidInput, ErrorKind::TooLarge];
