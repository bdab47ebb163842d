//! Settings of an engine.

use std::ffi::c_char;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sessile_core::cookie::{CookiePolicy, CookiePolicyBuilder};
use sessile_core::store::{Durability, MemoryStore, OnRollback};
use sessile_core::{AccessTokens, AtLimit, Config, Error, ErrorKind, MasterSecret};

use crate::boundary::{self, Failure, Outcome, bytes, call, guard, invalid, take_box, text};

/// End the session that was used the longest time ago.
pub const SESSILE_AT_LIMIT_EVICT_LEAST_RECENTLY_USED: i32 = 0;

/// End the session that was created first.
pub const SESSILE_AT_LIMIT_EVICT_OLDEST: i32 = 1;

/// Create none.
pub const SESSILE_AT_LIMIT_REFUSE: i32 = 2;

/// Settings of an engine, to be opened with: once, or several times.
pub struct sessile_config {
    /// `None`: in memory.
    directory: Option<PathBuf>,
    settings: Vec<Setting>,
    pub(crate) cookies: CookiePolicyBuilder,
    access: Option<AccessTokens>,
    pub(crate) has_threads: bool,
    /// The first setter that failed: its kind and message.
    refused: Option<(ErrorKind, String)>,
}

type Setting = Box<dyn Fn(Config) -> Config + Send>;

impl sessile_config {
    fn at(directory: Option<PathBuf>) -> Self {
        sessile_config {
            directory,
            settings: Vec::new(),
            cookies: CookiePolicy::builder(),
            access: None,
            has_threads: true,
            refused: None,
        }
    }

    /// Notes a setting, to be made when the engine is opened.
    pub(crate) fn then(&mut self, setting: impl Fn(Config) -> Config + Send + 'static) -> Outcome {
        self.settings.push(Box::new(setting));
        Ok(())
    }

    /// Turns access tokens on.
    pub(crate) fn set_access(&mut self, access: AccessTokens) {
        self.access = Some(access);
    }

    /// Changes the settings of access tokens, which have to be on.
    pub(crate) fn access(&mut self, change: impl FnOnce(AccessTokens) -> AccessTokens) -> Outcome {
        let Some(access) = self.access.take() else {
            return Err(invalid("call sessile_config_access_tokens first"));
        };
        self.access = Some(change(access));
        Ok(())
    }

    /// The settings in the core's words. A store in memory is another each time: two engines over
    /// one would not hear of each other's changes.
    pub(crate) fn build(&self) -> Outcome<Config> {
        if let Some((kind, message)) = &self.refused {
            return Err(Failure::Error(Error::new(*kind, message.clone())));
        }
        let place = match &self.directory {
            Some(directory) => Config::new(directory),
            None => Config::with_store(Arc::new(MemoryStore::new())),
        };
        let mut config = self.settings.iter().fold(place, |config, setting| setting(config));
        config = config.cookies(self.cookies.clone().build()?);
        if let Some(access) = &self.access {
            config = config.access_tokens(access.clone());
        }
        Ok(config)
    }
}

/// Runs a setter. What it refuses is noted, so that opening fails too.
///
/// # Safety
/// `config` is NULL, or a config that no other thread uses.
pub(crate) unsafe fn set(
    config: *mut sessile_config,
    set: impl FnOnce(&mut sessile_config) -> Outcome,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        call(std::ptr::null_mut(), || {
            let Some(config) = config.as_mut() else { return Err(invalid("the config is NULL")) };
            set(config).inspect_err(|failure| {
                if let (None, Failure::Error(error)) = (&config.refused, failure) {
                    config.refused = Some((error.kind(), error.message().to_owned()));
                }
            })
        })
    }
}

/// A config with the defaults, and the embedded store in `directory`, which is made if it is not
/// there. One process at a time can have it open.
///
/// A setter that refuses its argument says so, and makes sessile_open fail with the same: a
/// program may call all the setters it needs and look at nothing before it opens.
///
/// Parameters: `directory`, `directory_len`: a path in any bytes.
/// Returns: the config; NULL when the process is out of memory.
/// Memory: freed with sessile_config_free, before or after the engines that it opened.
/// Threads: any; a config one thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_new(
    directory: *const c_char,
    directory_len: usize,
) -> *mut sessile_config {
    guard(std::ptr::null_mut(), || {
        // SAFETY: the caller keeps to the header.
        let path = unsafe { boundary::path(directory, directory_len) };
        let mut config = sessile_config::at(Some(PathBuf::new()));
        match path {
            Ok(path) => config.directory = Some(path.to_owned()),
            Err(_) => {
                let message = "the directory's path is NULL, empty or has a zero byte";
                config.refused = Some((ErrorKind::InvalidInput, message.into()));
            }
        }
        Box::into_raw(Box::new(config))
    })
}

/// A config with the defaults, and a store in memory: for tests, and where sessions may end with
/// the process. Each engine that is opened with it has another store.
///
/// Returns, Memory, Threads: as sessile_config_new.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_config_new_in_memory() -> *mut sessile_config {
    guard(std::ptr::null_mut(), || Box::into_raw(Box::new(sessile_config::at(None))))
}

/// Frees a config.
///
/// Parameters: `config`, NULL is fine.
/// Memory: `config` is not to be used again. What it holds of the caller's (a clock) stays for as
/// long as an engine that was opened with it.
/// Threads: as sessile_config_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_free(config: *mut sessile_config) {
    // SAFETY: the caller keeps to the header.
    guard((), || drop(unsafe { take_box(config) }));
}

/// How long a session lives unused. 30 minutes; 1 second to 400 days.
///
/// Parameters: `config`; `ms`, milliseconds. A number out of range is refused by sessile_open.
/// Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: an argument does not do, and sessile_open will
/// say so too.
/// Memory: what is given is copied.
/// Threads: any; a config one thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_idle_timeout_ms(
    config: *mut sessile_config,
    ms: u64,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let idle_timeout = Duration::from_millis(ms);
            config.then(move |config| config.idle_timeout(idle_timeout))
        })
    }
}

/// How long a session lives at all; neither use nor rotation extends it. 12 hours; 1 second to 400
/// days.
///
/// Parameters: `config`; `ms`, milliseconds.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_absolute_lifetime_ms(
    config: *mut sessile_config,
    ms: u64,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let absolute_lifetime = Duration::from_millis(ms);
            config.then(move |config| config.absolute_lifetime(absolute_lifetime))
        })
    }
}

/// After how long verification says that a rotation is due. Off; 1 minute to 400 days.
///
/// Parameters: `config`; `ms`, milliseconds.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_rotate_every_ms(
    config: *mut sessile_config,
    ms: u64,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let rotate_every = Duration::from_millis(ms);
            config.then(move |config| config.rotate_every(rotate_every))
        })
    }
}

/// How long the token from before a rotation still answers, read-only. 10 seconds; 0 (dead at once)
/// to 5 minutes.
///
/// Parameters: `config`; `ms`, milliseconds.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_rotation_grace_ms(
    config: *mut sessile_config,
    ms: u64,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let rotation_grace = Duration::from_millis(ms);
            config.then(move |config| config.rotation_grace(rotation_grace))
        })
    }
}

/// How long a refresh token that was just replaced gets the same successor again, once that has
/// arrived. 10 seconds; 0 to 5 minutes.
///
/// Parameters: `config`; `ms`, milliseconds.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_refresh_grace_ms(
    config: *mut sessile_config,
    ms: u64,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let refresh_grace = Duration::from_millis(ms);
            config.then(move |config| config.refresh_grace(refresh_grace))
        })
    }
}

/// How long before a session ends subscribers hear of it. 1 minute; 1 second to 1 day.
///
/// Parameters: `config`; `ms`, milliseconds.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_expiring_soon_ms(
    config: *mut sessile_config,
    ms: u64,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let expiring_soon = Duration::from_millis(ms);
            config.then(move |config| config.expiring_soon(expiring_soon))
        })
    }
}

/// How often the maintenance thread works. 1 second; 10 ms to 1 minute.
///
/// Parameters: `config`; `ms`, milliseconds.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_tick_every_ms(config: *mut sessile_config, ms: u64) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let tick_every = Duration::from_millis(ms);
            config.then(move |config| config.tick_every(tick_every))
        })
    }
}

/// The most that the data of a session may take, names and values together. 64 KiB; 0 to 64 KiB.
///
/// Parameters: `config`; `len`, bytes.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_data_len_max_bytes(
    config: *mut sessile_config,
    len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { set(config, |config| config.then(move |config| config.data_len_max_bytes(len))) }
}

/// The most that the cache of verified sessions may take. 256 MiB; 64 KiB to 1 TiB.
///
/// Parameters: `config`; `len`, bytes.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_cache_len_max_bytes(
    config: *mut sessile_config,
    len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { set(config, |config| config.then(move |config| config.cache_len_max_bytes(len))) }
}

/// The most that the embedded store's page cache should take. 128 MiB; 16 MiB to 4 GiB.
///
/// Parameters: `config`; `len`, bytes.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_store_cache_len_max_bytes(
    config: *mut sessile_config,
    len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| config.then(move |config| config.store_cache_len_max_bytes(len)))
    }
}

/// How many sessions a subject may have, and what happens to one more. Off; 1 to 1,000.
///
/// Parameters: `config`; `max`; `at_limit`, one of SESSILE_AT_LIMIT_...
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_max_sessions_per_subject(
    config: *mut sessile_config,
    max: usize,
    at_limit: i32,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let at_limit = match at_limit {
                SESSILE_AT_LIMIT_EVICT_LEAST_RECENTLY_USED => AtLimit::EvictLeastRecentlyUsed,
                SESSILE_AT_LIMIT_EVICT_OLDEST => AtLimit::EvictOldest,
                SESSILE_AT_LIMIT_REFUSE => AtLimit::Refuse,
                _ => return Err(invalid("at_limit is none of SESSILE_AT_LIMIT_...")),
            };
            config.then(move |config| config.max_sessions_per_subject(max, at_limit))
        })
    }
}

/// Lets sessile_create return once the session is in the store's memory, from where it gets to the
/// disk within a second. Otherwise it returns once the session survives a crash.
///
/// Parameters: `config`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_buffered_create(config: *mut sessile_config) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| config.then(|config| config.create_durability(Durability::Buffered)))
    }
}

/// Starts no thread of the engine's own: the program calls sessile_tick. The embedded store has
/// threads all the same, from sessile_open on.
///
/// Parameters: `config`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_no_threads(config: *mut sessile_config) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            config.has_threads = false;
            config.then(Config::no_threads)
        })
    }
}

/// Takes the clock's time as it is, although the store was used at a later one. For once, after a
/// clock that ran ahead was put right.
///
/// Parameters: `config`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_trust_clock(config: *mut sessile_config) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { set(config, |config| config.then(Config::trust_clock)) }
}

/// Refuses to open a directory where a durable change would not survive a power loss.
///
/// Parameters: `config`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_require_power_loss_safety(
    config: *mut sessile_config,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { set(config, |config| config.then(|config| config.require_power_loss_safety(true))) }
}

/// Opens a store that is older than what it had acknowledged (a restored copy), and revokes all
/// that is in it. Otherwise that is SESSILE_ERR_ROLLED_BACK.
///
/// Parameters: `config`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_accept_rollback(config: *mut sessile_config) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe { set(config, |config| config.then(|config| config.on_rollback(OnRollback::RevokeAll))) }
}

/// The secret that seals the keys in the store: 32 random bytes or more. Otherwise it is in a key
/// file, `sessile.key`, in the store's directory: better kept elsewhere, so that a stolen directory
/// forges nothing. Losing it loses every session.
///
/// Parameters: `config`; `secret`, `secret_len`, copied.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_master_secret(
    config: *mut sessile_config,
    secret: *const c_char,
    secret_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let secret = MasterSecret::from_bytes(bytes(secret, secret_len)?);
            config.then(move |config| config.master_secret(secret.clone()))
        })
    }
}

/// Takes the master secret from an environment variable, in any text form.
///
/// Parameters: `config`; `name`, `name_len`, of the variable.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_master_secret_env(
    config: *mut sessile_config,
    name: *const c_char,
    name_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let secret = MasterSecret::Env(text(name, name_len)?.to_owned());
            config.then(move |config| config.master_secret(secret.clone()))
        })
    }
}

/// Keeps the master secret in this file. It is made, with mode 0600, when the store is new, and
/// refused when it belongs to another user or others can read it.
///
/// Parameters: `config`; `path`, `path_len`, in any bytes.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_key_file(
    config: *mut sessile_config,
    path: *const c_char,
    path_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let secret = MasterSecret::KeyFile(boundary::path(path, path_len)?.to_owned());
            config.then(move |config| config.master_secret(secret.clone()))
        })
    }
}

/// What API keys begin with, before a `_`: a name of the program's, so that scanners of source code
/// find keys that leaked. None; 2 to 16 lower-case letters and digits, a letter first.
///
/// Parameters: `config`; `prefix`, `prefix_len`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_api_key_prefix(
    config: *mut sessile_config,
    prefix: *const c_char,
    prefix_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let prefix = text(prefix, prefix_len)?.to_owned();
            config.then(move |config| config.api_key_prefix(prefix.clone()))
        })
    }
}
