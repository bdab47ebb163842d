//! Sessions of many people, and their tokens in a random order.

use std::sync::Arc;
use std::time::Duration;

use sessile::store::{Durability, MemoryStore, Store};
use sessile::{Config, CreateOptions, Engine, Handle, Lifetimes, MasterSecret};

/// Every random order comes from this.
pub const SEED: u64 = 0x5e55_11e0;

/// The tokens, end to end in one string: what a server has is in the buffer of a request, never
/// behind a pointer to somewhere cold.
#[derive(Clone, Debug, Default)]
pub struct Texts(String);

impl Texts {
    /// Characters of a session token.
    pub const LEN: usize = sessile::SessionToken::LEN;

    /// These tokens, in this order.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Texts(texts.into_iter().inspect(|text| assert_eq!(text.len(), Texts::LEN)).collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len() / Texts::LEN
    }

    /// One of them.
    #[inline]
    pub fn get(&self, i: usize) -> &str {
        &self.0[i * Texts::LEN..(i + 1) * Texts::LEN]
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.count()).map(|i| self.get(i))
    }
}

/// Goes round the numbers below `count`.
#[derive(Debug)]
pub struct Turn {
    next: usize,
    count: usize,
}

impl Turn {
    /// From 0 on.
    pub fn of(count: usize) -> Self {
        Turn::from(0, count)
    }

    /// From `next` on.
    pub fn from(next: usize, count: usize) -> Self {
        Turn { next, count }
    }

    /// The next number.
    #[inline]
    pub fn next_place(&mut self) -> usize {
        let place = self.next;
        self.next = if place + 1 == self.count { 0 } else { place + 1 };
        place
    }
}

/// Sessions that were created in an engine.
#[derive(Debug, Default)]
pub struct Crowd {
    /// Their tokens, in a random order.
    pub texts: Texts,
    /// Their handles, in the same order.
    pub handles: Vec<Handle>,
    /// The subjects' names, in the same order.
    pub subjects: Vec<String>,
}

impl Crowd {
    /// Logs `count` people in, each with one session that outlives every benchmark.
    pub fn log_in(engine: &Engine, name: &str, count: usize) -> Self {
        let mut order: Vec<usize> = (0..count).collect();
        let mut issued = Vec::with_capacity(count);
        for i in 0..count {
            let login = CreateOptions::for_subject(&format!("{name}-{i}")).unwrap();
            let login = login.lifetimes(Lifetimes::REMEMBER_ME);
            issued.push(engine.create(login).unwrap());
        }
        fastrand::Rng::with_seed(SEED).shuffle(&mut order);
        let in_order = || order.iter().map(|i| &issued[*i]);
        Crowd {
            texts: Texts::new(in_order().map(|issued| issued.token.as_str())),
            handles: in_order().map(|issued| *issued.session.handle()).collect(),
            subjects: order.iter().map(|i| format!("{name}-{i}")).collect(),
        }
    }
}

/// The settings that the benchmarks share: no thread that would disturb them, buffered creates
/// to set up quickly, and room for every session.
pub fn quiet(config: Config) -> Config {
    config
        .no_threads()
        .create_durability(Durability::Buffered)
        .cache_len_max_bytes(1 << 30)
        .master_secret(secret())
}

/// An engine whose store is in memory.
pub fn memory_engine() -> Engine {
    Engine::open_with(quiet(Config::with_store(memory_store()))).unwrap()
}

/// An empty store in memory.
pub fn memory_store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

/// A master secret that is the same at every open.
pub fn secret() -> MasterSecret {
    let mut rng = fastrand::Rng::with_seed(SEED);
    MasterSecret::from_bytes((0..32).map(|_| rng.u8(..)).collect::<Vec<_>>())
}

/// A span of time in nanoseconds.
pub fn nanos(span: Duration) -> f64 {
    span.as_nanos() as f64
}
