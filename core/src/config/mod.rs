//! Settings of an engine. Every limit has a unit, a default, a range and a reason: [`LIMITS`].

mod limit;

use std::fmt;
#[cfg(any(feature = "sled", feature = "lmdb"))]
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cookie::CookiePolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::{Algorithm, MasterSecret};
use crate::policy::{AtLimit, EarlyRefresh, Lifetimes};
#[cfg(any(feature = "sled", feature = "lmdb"))]
use crate::store::OnRollback;
use crate::store::{Durability, Store};
use crate::time::{Clock, SystemClock, millis};
use crate::token::check_prefix;
use crate::token::jwt::AlgorithmName;

pub(crate) use limit::{ABSOLUTE_LIFETIME, IDLE_TIMEOUT, LIFETIME_MAX_MS};
use limit::{
    ACCESS_LIFETIME, CACHE_LEN, DATA_LEN, EXPIRING_SOON, MAX_SESSIONS_PER_SUBJECT, REFRESH_GRACE,
    REFRESH_WINDOW, ROTATE_EVERY, ROTATION_GRACE, STORE_CACHE_LEN, TICK_EVERY, check,
};
pub use limit::{LIMITS, Limit};

/// Where the sessions are kept.
#[derive(Clone)]
pub(crate) enum Place {
    #[cfg(feature = "sled")]
    Directory(PathBuf),
    #[cfg(feature = "lmdb")]
    Shared(PathBuf),
    Store(Arc<dyn Store>),
}

/// The settings of an engine; [`Engine::open_with`](crate::Engine::open_with) checks them.
///
/// ```
/// use std::time::Duration;
/// use sessile::{AtLimit, Config, Engine};
///
/// let directory = tempfile::tempdir()?;
/// let config = Config::new(directory.path().join("sessions"))
///     .idle_timeout(Duration::from_secs(15 * 60))
///     .max_sessions_per_subject(5, AtLimit::EvictLeastRecentlyUsed);
/// let engine = Engine::open_with(config)?;
/// # engine.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Config {
    pub(crate) place: Place,
    pub(crate) master_secret: Option<MasterSecret>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) rotate_every: Option<Duration>,
    pub(crate) rotation_grace: Duration,
    pub(crate) refresh_grace: Duration,
    pub(crate) refresh_window: Option<(Duration, EarlyRefresh)>,
    pub(crate) data_len_max_bytes: usize,
    pub(crate) expiring_soon: Duration,
    pub(crate) max_sessions: Option<usize>,
    pub(crate) at_limit: AtLimit,
    pub(crate) cache_len_max_bytes: usize,
    pub(crate) store_cache_len_max_bytes: usize,
    pub(crate) tick_every: Duration,
    pub(crate) create_durability: Durability,
    pub(crate) cookies: CookiePolicy,
    pub(crate) access_tokens: Option<AccessTokens>,
    pub(crate) api_key_prefix: String,
    pub(crate) has_threads: bool,
    pub(crate) trust_clock: bool,
    pub(crate) require_power_loss_safety: bool,
    #[cfg(any(feature = "sled", feature = "lmdb"))]
    pub(crate) on_rollback: OnRollback,
}

impl Config {
    /// The defaults, with the embedded store (sled) in `directory`, which is made if it is not
    /// there. One process at a time can have it open.
    #[cfg(feature = "sled")]
    pub fn new(directory: impl AsRef<Path>) -> Self {
        Config::at(Place::Directory(directory.as_ref().to_owned()))
    }

    /// The defaults, with the store of several processes on one machine (LMDB) in `directory`,
    /// which is made if it is not there: for servers with worker processes. What one of them ends
    /// is ended in all when the call returns. Each opens an engine of its own, after it was
    /// forked; the machine's, not a network's, disk.
    #[cfg(feature = "lmdb")]
    pub fn lmdb(directory: impl AsRef<Path>) -> Self {
        Config::at(Place::Shared(directory.as_ref().to_owned()))
    }

    /// The defaults, over a store of the host's choice. Needs a
    /// [`master_secret`](Self::master_secret), unless nothing in that store outlives the process.
    pub fn with_store(store: Arc<dyn Store>) -> Self {
        Config::at(Place::Store(store))
    }

    fn at(place: Place) -> Self {
        let ms = |limit: Limit| Duration::from_millis(limit.default.unwrap_or_default());
        let bytes = |limit: Limit| limit.default.map_or(0, |n| usize::try_from(n).unwrap_or(0));
        Config {
            place,
            master_secret: None,
            clock: Arc::new(SystemClock),
            lifetimes: Lifetimes {
                idle_timeout: ms(IDLE_TIMEOUT),
                absolute_lifetime: ms(ABSOLUTE_LIFETIME),
            },
            rotate_every: None,
            rotation_grace: ms(ROTATION_GRACE),
            refresh_grace: ms(REFRESH_GRACE),
            refresh_window: None,
            data_len_max_bytes: bytes(DATA_LEN),
            expiring_soon: ms(EXPIRING_SOON),
            max_sessions: None,
            at_limit: AtLimit::default(),
            cache_len_max_bytes: bytes(CACHE_LEN),
            store_cache_len_max_bytes: bytes(STORE_CACHE_LEN),
            tick_every: ms(TICK_EVERY),
            create_durability: Durability::Durable,
            cookies: CookiePolicy::default(),
            access_tokens: None,
            api_key_prefix: String::new(),
            has_threads: true,
            trust_clock: false,
            require_power_loss_safety: false,
            #[cfg(any(feature = "sled", feature = "lmdb"))]
            on_rollback: OnRollback::default(),
        }
    }

    /// The secret that seals the keyring. By default a key file, `sessile.key`, in the store's
    /// directory: better kept elsewhere, so that a stolen directory forges nothing.
    #[must_use]
    pub fn master_secret(mut self, secret: MasterSecret) -> Self {
        self.master_secret = Some(secret);
        self
    }

    /// The clock of the engine, for tests and hosts with a clock of their own.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long a session lives unused. 30 minutes; 1 second to 400 days.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.lifetimes.idle_timeout = timeout;
        self
    }

    /// How long a session lives at all; neither touch nor rotate extends it. 12 hours; 1 second
    /// to 400 days.
    #[must_use]
    pub fn absolute_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetimes.absolute_lifetime = lifetime;
        self
    }

    /// Both lifetimes at once, for the presets.
    #[must_use]
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// After how long verification says that a rotation is due. Off; 1 minute to 400 days.
    #[must_use]
    pub fn rotate_every(mut self, every: Duration) -> Self {
        self.rotate_every = Some(every);
        self
    }

    /// How long the token from before a rotation still answers, read-only. 10 seconds; 0 (dead at
    /// once) to 5 minutes.
    #[must_use]
    pub fn rotation_grace(mut self, grace: Duration) -> Self {
        self.rotation_grace = grace;
        self
    }

    /// How long a refresh token that was just replaced gets the same successor again, once that
    /// has arrived. 10 seconds; 0 to 5 minutes. Before that it always does.
    #[must_use]
    pub fn refresh_grace(mut self, grace: Duration) -> Self {
        self.refresh_grace = grace;
        self
    }

    /// How long before its access token ends a refresh is expected at the earliest, and what
    /// becomes of one that comes earlier: whoever refreshes a token that is not needed yet may
    /// have stolen it. Off; 0 to 1 hour. Counts where [access tokens](Self::access_tokens) are
    /// configured, from the last rotation.
    #[must_use]
    pub fn refresh_window(mut self, window: Duration, early: EarlyRefresh) -> Self {
        self.refresh_window = Some((window, early));
        self
    }

    /// The most that the data of a session may take, keys and values together. 64 KiB; 0 to
    /// 64 KiB.
    #[must_use]
    pub fn data_len_max_bytes(mut self, len: usize) -> Self {
        self.data_len_max_bytes = len;
        self
    }

    /// How long before a session ends subscribers hear of it. 1 minute; 1 second to 1 day.
    #[must_use]
    pub fn expiring_soon(mut self, before: Duration) -> Self {
        self.expiring_soon = before;
        self
    }

    /// How many sessions a subject may have, and what happens to one more. Off; 1 to 1,000.
    #[must_use]
    pub fn max_sessions_per_subject(mut self, max: usize, at_limit: AtLimit) -> Self {
        self.max_sessions = Some(max);
        self.at_limit = at_limit;
        self
    }

    /// The most that the cache of verified sessions may take. 256 MiB; 64 KiB to 1 TiB.
    #[must_use]
    pub fn cache_len_max_bytes(mut self, len: usize) -> Self {
        self.cache_len_max_bytes = len;
        self
    }

    /// The most that the embedded store's page cache should take. 128 MiB; 16 MiB to 4 GiB.
    #[must_use]
    pub fn store_cache_len_max_bytes(mut self, len: usize) -> Self {
        self.store_cache_len_max_bytes = len;
        self
    }

    /// How often the maintenance thread works. 1 second; 10 ms to 1 minute.
    #[must_use]
    pub fn tick_every(mut self, every: Duration) -> Self {
        self.tick_every = every;
        self
    }

    /// When `create` returns: once the session survives a crash (the default), or once it is in
    /// the store's memory, from where it gets to the disk within a second.
    #[must_use]
    pub fn create_durability(mut self, durability: Durability) -> Self {
        self.create_durability = durability;
        self
    }

    /// How the engine's cookies are written and found.
    #[must_use]
    pub fn cookies(mut self, policy: CookiePolicy) -> Self {
        self.cookies = policy;
        self
    }

    /// Access tokens, and what they say. None by default.
    #[must_use]
    pub fn access_tokens(mut self, access: AccessTokens) -> Self {
        self.access_tokens = Some(access);
        self
    }

    /// What API keys begin with, before a `_`: a name of the host's, so that scanners of source
    /// code find keys that leaked. None; 2 to 16 lower-case letters and digits, a letter first.
    #[must_use]
    pub fn api_key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.api_key_prefix = prefix.into();
        self
    }

    /// Starts no thread: the host calls [`Engine::tick`](crate::Engine::tick).
    #[must_use]
    pub fn no_threads(mut self) -> Self {
        self.has_threads = false;
        self
    }

    /// Takes the clock's time as it is, although the store was used at a later one. Otherwise the
    /// engine goes on from there, so that a clock set back does not make sessions live longer.
    /// For once, after a clock that ran ahead was put right.
    #[must_use]
    pub fn trust_clock(mut self) -> Self {
        self.trust_clock = true;
        self
    }

    /// Refuses to open a directory where a durable commit would not survive a power loss.
    #[must_use]
    pub fn require_power_loss_safety(mut self, require: bool) -> Self {
        self.require_power_loss_safety = require;
        self
    }

    /// What to do when the store was rolled back. Refuses to open by default.
    #[cfg(any(feature = "sled", feature = "lmdb"))]
    #[must_use]
    pub fn on_rollback(mut self, on_rollback: OnRollback) -> Self {
        self.on_rollback = on_rollback;
        self
    }

    /// Checks every setting against its limit.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig), naming the setting and its range.
    pub(crate) fn validate(&self) -> Result<()> {
        self.lifetimes.validate()?;
        check_prefix(&self.api_key_prefix)?;
        self.access_tokens.as_ref().map_or(Ok(()), AccessTokens::validate)?;
        self.rotate_every.map_or(Ok(()), |every| check(ROTATE_EVERY, millis(every)))?;
        check(ROTATION_GRACE, millis(self.rotation_grace))?;
        check(REFRESH_GRACE, millis(self.refresh_grace))?;
        self.refresh_window.map_or(Ok(()), |(window, _)| check(REFRESH_WINDOW, millis(window)))?;
        check(DATA_LEN, self.data_len_max_bytes as u64)?;
        check(EXPIRING_SOON, millis(self.expiring_soon))?;
        self.max_sessions.map_or(Ok(()), |max| check(MAX_SESSIONS_PER_SUBJECT, max as u64))?;
        check(CACHE_LEN, self.cache_len_max_bytes as u64)?;
        check(STORE_CACHE_LEN, self.store_cache_len_max_bytes as u64)?;
        check(TICK_EVERY, millis(self.tick_every))
    }
}

/// What the engine's access tokens are.
#[derive(Clone, Debug)]
pub struct AccessTokens {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) lifetime: Duration,
    pub(crate) algorithm: Algorithm,
    pub(crate) naming: AlgorithmName,
}

impl AccessTokens {
    /// JWTs of `issuer` for `audience`, signed with Ed25519, good for 5 minutes.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        AccessTokens {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            lifetime: Duration::from_millis(ACCESS_LIFETIME.default.unwrap_or_default()),
            algorithm: Algorithm::EdDsa,
            naming: AlgorithmName::default(),
        }
    }

    /// How long they are good, less up to 5 % at random. 5 minutes; 10 seconds to 1 hour.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// What new keys sign with: HS256, EdDSA or ES256. Keys that exist stay as they are.
    #[must_use]
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Which of its two names Ed25519 has in them.
    #[must_use]
    pub fn naming(mut self, naming: AlgorithmName) -> Self {
        self.naming = naming;
        self
    }

    fn validate(&self) -> Result<()> {
        check(ACCESS_LIFETIME, millis(self.lifetime))?;
        let is_empty = |text: &String| text.is_empty();
        if self.issuer.is_empty() || self.audiences.iter().any(is_empty) {
            let message = "access tokens need an issuer and an audience";
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        if self.algorithm == Algorithm::Rs256 {
            let message = "RS256 is for verifying only: sign with HS256, EdDSA or ES256";
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        Ok(())
    }
}

impl Lifetimes {
    /// Checks both against their limits.
    pub(crate) fn validate(&self) -> Result<()> {
        check(IDLE_TIMEOUT, millis(self.idle_timeout))?;
        check(ABSOLUTE_LIFETIME, millis(self.absolute_lifetime))
    }
}

/// Checks a grace that is given for one rotation.
pub(crate) fn check_grace(grace: Duration) -> Result<()> {
    check(ROTATION_GRACE, millis(grace))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("lifetimes", &self.lifetimes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    #[test]
    fn defaults_are_inside_their_ranges() {
        for limit in LIMITS {
            assert!(limit.min <= limit.max, "{}", limit.name);
            assert!(limit.default.is_none_or(|d| (limit.min..=limit.max).contains(&d)));
            assert!(!limit.reason.is_empty());
        }
        Config::with_store(Arc::new(MemoryStore::new())).validate().unwrap();
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        let config = || Config::with_store(Arc::new(MemoryStore::new()));
        let second = Duration::from_secs(1);
        for (config, name) in [
            (config().idle_timeout(second / 2), "idle_timeout"),
            (config().absolute_lifetime(second * 86_400 * 401), "absolute_lifetime"),
            (config().rotate_every(second), "rotate_every"),
            (config().rotation_grace(second * 301), "rotation_grace"),
            (config().refresh_grace(second * 301), "refresh_grace"),
            (config().refresh_window(second * 3601, EarlyRefresh::Tell), "refresh_window"),
            (config().data_len_max_bytes(65 << 10), "data_len_max_bytes"),
            (config().expiring_soon(second / 2), "expiring_soon"),
            (config().max_sessions_per_subject(0, AtLimit::Refuse), "max_sessions_per_subject"),
            (config().cache_len_max_bytes(1), "cache_len_max_bytes"),
            (config().store_cache_len_max_bytes(1), "store_cache_len_max_bytes"),
            (config().tick_every(Duration::ZERO), "tick_every"),
        ] {
            let error = config.validate().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.message().starts_with(name), "{error}");
        }
    }
}
