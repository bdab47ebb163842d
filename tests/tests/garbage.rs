//! Whatever a stranger sends costs no store access, no allocation, and leaves nothing behind.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use sessile::store::MemoryStore;
use sessile::testing::{FaultStore, ManualClock};
use sessile::{Config, CreateOptions, Engine, Issued, Reason, SessionToken};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The system's allocator; counts by thread, so that tests beside this one do not disturb.
struct Counting;

thread_local! {
    // Made at compile time and without an end: it needs no allocation of its own.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(place, layout, len) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}

fn allocations<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = ALLOCATIONS.get();
    let done = work();
    (done, ALLOCATIONS.get() - before)
}

/// An engine with one session, and a cold cache or a warm one.
struct Target {
    store: Arc<FaultStore>,
    engine: Engine,
    clock: ManualClock,
    issued: Issued,
}

impl Target {
    fn new() -> Self {
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let clock = ManualClock::default();
        let config = Config::with_store(store.clone()).clock(clock.clone()).no_threads();
        let engine = Engine::open_with(config).unwrap();
        let issued = engine.create(CreateOptions::for_subject("alice").unwrap()).unwrap();
        Target { store, engine, clock, issued }
    }

    /// The session's token as bytes.
    fn token(&self) -> [u8; TOKEN_LEN] {
        decode(self.issued.token.as_str())
    }

    /// Verifies and peeks at `garbage`: rejected, for nothing. Gives the reason.
    fn reject(&self, garbage: &str) -> Reason {
        let (calls, stats) = (self.store.counts(), self.engine.stats());
        let (verified, allocated) = allocations(|| self.engine.verify(garbage));
        let (peeked, allocated_by_peek) = allocations(|| self.engine.peek(garbage));
        let reason = verified.unwrap().reason().expect("garbage was let in");
        assert_eq!(peeked.unwrap().reason(), Some(reason));
        let shown = garbage.get(..60).unwrap_or(garbage);
        assert_eq!((allocated, allocated_by_peek), (0, 0), "{reason}: {shown:?}");
        assert_eq!(self.store.counts(), calls, "{reason}: {shown:?}");
        let now = self.engine.stats();
        let state = |s: &sessile::Stats| (s.cached_sessions, s.cached_bytes, s.pending_touches);
        assert_eq!(state(&now), state(&stats), "{reason}: {shown:?}");
        reason
    }
}

#[test]
fn what_is_counted_here_does_happen_elsewhere() {
    let target = Target::new();
    let calls = target.store.counts();
    assert!(allocations(|| vec![1]).1 > 0);
    target.engine.bump_claims("alice").unwrap();
    // The cached entry no longer counts: the store is read.
    let (verdict, allocated) = allocations(|| target.engine.verify(target.issued.token.as_str()));
    assert!(verdict.unwrap().is_valid() && allocated > 0);
    assert!(target.store.counts().gets > calls.gets && target.store.counts().commits > 0);
}

#[test]
fn random_text_of_any_length_costs_nothing() {
    let target = Target::new();
    let mut random = Random::new();
    let lengths = (0..=2 * SessionToken::LEN).chain([255, 256, 4_096, 65_537, 1 << 20]);
    for len in lengths {
        for round in 0..if len > 256 { 2 } else { 60 } {
            let text: String = match round % 3 {
                0 => (0..len).map(|_| char::from(random.of(ALPHABET))).collect(),
                1 => (0..len).map(|_| char::from(random.next() as u8 & 0x7f)).collect(),
                // Two bytes each, so that a character may lie across the end of a token.
                _ => (0..len).map(|i| if i % 2 == 0 { 'ß' } else { 'A' }).collect(),
            };
            target.reject(&text);
        }
    }
}

#[test]
fn random_bytes_in_the_form_of_a_token_cost_nothing() {
    let target = Target::new();
    let mut random = Random::new();
    let real = target.token();
    for _ in 0..20_000 {
        let mut bytes = real;
        bytes.fill_with(|| random.next() as u8);
        target.reject(&encode(&bytes));
        // Right up to the handle.
        bytes[..2].copy_from_slice(&real[..2]);
        assert_eq!(target.reject(&encode(&bytes)), Reason::BadSignature);
        bytes[..20].copy_from_slice(&real[..20]);
        assert_eq!(target.reject(&encode(&bytes)), Reason::BadSignature);
    }
}

#[test]
fn a_real_token_with_one_bit_changed_costs_nothing() {
    let target = Target::new();
    for bit in 0..TOKEN_LEN * 8 {
        let mut bytes = target.token();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let reason = target.reject(&encode(&bytes));
        match bit / 8 {
            0 => assert!([Reason::Malformed, Reason::WrongKind].contains(&reason)),
            1 => assert_eq!(reason, Reason::UnknownKey),
            _ => assert_eq!(reason, Reason::BadSignature),
        }
    }
}

#[test]
fn other_kinds_and_other_keys_cost_nothing() {
    let target = Target::new();
    let real = target.token();
    for first in 0..=255 {
        if first == real[0] {
            continue;
        }
        let mut bytes = real;
        bytes[0] = first;
        let reason = target.reject(&encode(&bytes));
        let is_kind = [0x21, 0x31, 0x41, 0x51, 0x61].contains(&first);
        assert_eq!(reason, if is_kind { Reason::WrongKind } else { Reason::Malformed });
    }
    for key_id in (0..=255).filter(|key_id| *key_id != real[1]) {
        let mut bytes = real;
        bytes[1] = key_id;
        assert_eq!(target.reject(&encode(&bytes)), Reason::UnknownKey);
    }
    // A refresh token is longer.
    let mut refresh = vec![0x21, real[1]];
    refresh.resize(40, 7);
    assert_eq!(target.reject(&encode(&refresh)), Reason::WrongKind);
}

#[test]
fn a_real_token_in_another_spelling_costs_nothing() {
    let target = Target::new();
    let token = target.issued.token.as_str();
    for spelling in [
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        token[..SessionToken::LEN - 1].to_owned(),
        format!("{}=", &token[..SessionToken::LEN - 1]),
        token.repeat(2),
    ] {
        assert_eq!(target.reject(&spelling), Reason::Malformed);
    }
    let standard = token.replace('-', "+").replace('_', "/");
    if standard != token {
        assert_eq!(target.reject(&standard), Reason::Malformed);
    }
}

#[test]
fn verifying_a_cached_session_allocates_nothing_and_asks_no_store() {
    for subject in ["a", &"long".repeat(60)] {
        let target = Target::new();
        let options = CreateOptions::for_subject(subject).unwrap().device_label("a label");
        let issued = target.engine.create(options).unwrap();
        let calls = target.store.counts();
        // For as long as no touch has to be noted for the store.
        for _ in 0..59 {
            for _ in 0..20 {
                let token = issued.token.as_str();
                let (verdict, allocated) = allocations(|| target.engine.verify(token));
                assert!(verdict.unwrap().is_valid());
                assert_eq!(allocated, 0);
                let (verdict, allocated) = allocations(|| target.engine.peek(token));
                assert!(verdict.unwrap().is_valid());
                assert_eq!(allocated, 0);
            }
            target.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(target.store.counts(), calls);
    }
}

const TOKEN_LEN: usize = 36;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url without padding.
fn encode(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).collect();
    let value = |six: &[u8]| (0..6).fold(0, |v, i| v << 1 | six.get(i).copied().unwrap_or(0));
    bits.chunks(6).map(|six| char::from(ALPHABET[usize::from(value(six))])).collect()
}

fn decode(text: &str) -> [u8; TOKEN_LEN] {
    let value = |c: u8| ALPHABET.iter().position(|a| *a == c).unwrap();
    let bits: Vec<u8> =
        text.bytes().flat_map(|c| (0..6).rev().map(move |i| (value(c) >> i & 1) as u8)).collect();
    std::array::from_fn(|i| bits[i * 8..][..8].iter().fold(0, |byte, bit| byte << 1 | bit))
}

struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = u64::from(std::process::id());
        println!("seed {seed}");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    fn of(&mut self, choice: &[u8]) -> u8 {
        choice[self.next() as usize % choice.len()]
    }
}
