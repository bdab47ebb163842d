//! The limits of the settings, each with its reason.

use crate::error::{Error, ErrorKind, Result};

/// A limit of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The setting.
    pub name: &'static str,
    /// The unit of the numbers.
    pub unit: &'static str,
    /// What holds when nothing is set; `None`: the setting is off.
    pub default: Option<u64>,
    /// The least that is accepted.
    pub min: u64,
    /// The most that is accepted.
    pub max: u64,
    /// Why.
    pub reason: &'static str,
}

const DAY_MS: u64 = 86_400_000;

/// The longest life of a session and of what depends on it: browsers keep no cookie longer
/// (RFC 6265bis, 5.5).
pub(crate) const LIFETIME_MAX_MS: u64 = 400 * DAY_MS;

/// Every limit of the configuration.
pub const LIMITS: &[Limit] = &[
    IDLE_TIMEOUT,
    ABSOLUTE_LIFETIME,
    ROTATE_EVERY,
    ROTATION_GRACE,
    REFRESH_GRACE,
    REFRESH_WINDOW,
    ACCESS_LIFETIME,
    DATA_LEN,
    EXPIRING_SOON,
    MAX_SESSIONS_PER_SUBJECT,
    CACHE_LEN,
    STORE_CACHE_LEN,
    TICK_EVERY,
];

pub(crate) const IDLE_TIMEOUT: Limit = Limit {
    name: "idle_timeout",
    unit: "ms",
    default: Some(1_800_000),
    min: 1_000,
    max: LIFETIME_MAX_MS,
    reason: "ASVS 5.0, 7.3.1 wants one; 30 minutes is what web frameworks and NIST AAL2 use",
};

pub(crate) const ABSOLUTE_LIFETIME: Limit = Limit {
    name: "absolute_lifetime",
    unit: "ms",
    default: Some(43_200_000),
    min: 1_000,
    max: LIFETIME_MAX_MS,
    reason: "ASVS 5.0, 7.3.2 wants one; 12 hours is a working day and NIST's AAL3 limit",
};

pub(super) const ROTATE_EVERY: Limit = Limit {
    name: "rotate_every",
    unit: "ms",
    default: None,
    min: 60_000,
    max: LIFETIME_MAX_MS,
    reason: "a rotation is a durable write: more than one a minute and session is waste",
};

pub(super) const ROTATION_GRACE: Limit = Limit {
    name: "rotation_grace",
    unit: "ms",
    default: Some(10_000),
    min: 0,
    max: 300_000,
    reason: "requests that were under way with the old token; 0: the old token is dead at once",
};

pub(super) const REFRESH_GRACE: Limit = Limit {
    name: "refresh_grace",
    unit: "ms",
    default: Some(10_000),
    min: 0,
    max: 300_000,
    reason: "parallel requests of one client; longer, and a thief has that long unnoticed",
};

pub(super) const REFRESH_WINDOW: Limit = Limit {
    name: "refresh_window",
    unit: "ms",
    default: None,
    min: 0,
    max: 3_600_000,
    reason: "longer than an access token lives, it says nothing; a client refreshes a minute before",
};

pub(super) const ACCESS_LIFETIME: Limit = Limit {
    name: "access_lifetime",
    unit: "ms",
    default: Some(300_000),
    min: 10_000,
    max: 3_600_000,
    reason: "verifiers without the store learn of a revoke by its end; 5 minutes is usual",
};

pub(super) const DATA_LEN: Limit = Limit {
    name: "data_len_max_bytes",
    unit: "bytes",
    default: Some(64 << 10),
    min: 0,
    max: 64 << 10,
    reason: "read and written as one row: what is larger belongs in a database",
};

pub(super) const EXPIRING_SOON: Limit = Limit {
    name: "expiring_soon",
    unit: "ms",
    default: Some(60_000),
    min: 1_000,
    max: DAY_MS,
    reason: "WCAG 2.2, 2.2.1 wants 20 s at least to react; a minute leaves time to ask",
};

pub(super) const MAX_SESSIONS_PER_SUBJECT: Limit = Limit {
    name: "max_sessions_per_subject",
    unit: "sessions",
    default: None,
    min: 1,
    max: 1_000,
    reason: "counted inside the create, which must stay short (ASVS 5.0, 7.1.2)",
};

pub(super) const CACHE_LEN: Limit = Limit {
    name: "cache_len_max_bytes",
    unit: "bytes",
    default: Some(256 << 20),
    min: 64 << 10,
    max: 1 << 40,
    reason: "about 200 bytes a session: the default holds a million, and grows as they come",
};

pub(super) const STORE_CACHE_LEN: Limit = Limit {
    name: "store_cache_len_max_bytes",
    unit: "bytes",
    default: Some(128 << 20),
    min: 16 << 20,
    max: 4 << 30,
    reason: "sled's page cache, a hint to it: it takes up to three times as much memory",
};

pub(super) const TICK_EVERY: Limit = Limit {
    name: "tick_every",
    unit: "ms",
    default: Some(1_000),
    min: 10,
    max: 60_000,
    reason: "how late touches, sweeps and expiry events may be",
};

/// Checks a value against its limit.
pub(super) fn check(limit: Limit, value: u64) -> Result<()> {
    let Limit { name, unit, min, max, reason, .. } = limit;
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let message = format!("{name} is {value} {unit}, but must be {min} to {max} {unit}: {reason}");
    Err(Error::new(ErrorKind::InvalidConfig, message))
}
