//! An engine over the store in memory, with a clock that stands still.

use std::sync::Arc;
use std::time::Duration;

use sessile::store::MemoryStore;
use sessile::testing::ManualClock;
use sessile::{Config, CreateOptions, Engine, Issued, MasterSecret, Reason};

/// A minute.
pub const MINUTE: Duration = Duration::from_secs(60);

/// An engine with the defaults, and its clock.
pub fn engine() -> (Engine, ManualClock) {
    engine_with(|config| config)
}

/// An engine with other settings, and its clock.
pub fn engine_with(settings: impl Fn(Config) -> Config) -> (Engine, ManualClock) {
    let clock = ManualClock::default();
    let config = Config::with_store(Arc::new(MemoryStore::new())).clock(clock.clone()).no_threads();
    (Engine::open_with(settings(config)).unwrap(), clock)
}

/// The same secret at each call, for engines that are opened one after the other.
pub fn secret() -> MasterSecret {
    MasterSecret::from_bytes((0..32u8).map(|i| i.wrapping_mul(37)).collect::<Vec<_>>())
}

/// A new session of `subject`.
pub fn log_in(engine: &Engine, subject: &str) -> Issued {
    engine.create(CreateOptions::for_subject(subject).unwrap()).unwrap()
}

/// Why `token` is rejected, by verify and by peek; `None`: it is valid.
pub fn reason(engine: &Engine, token: &str) -> Option<Reason> {
    let verdict = engine.verify(token).unwrap();
    let peeked = engine.peek(token).unwrap();
    assert_eq!(verdict.reason(), peeked.reason(), "verify and peek disagree");
    verdict.reason()
}
