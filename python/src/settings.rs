//! The keyword arguments of `Engine` as a configuration: `sessile.settings` has their types.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use sessile::cookie::{CookiePolicy, SameSite};
use sessile::jwt::{Algorithm, AlgorithmName};
use sessile::store::{Durability, MemoryStore, OnRollback};
use sessile::{AccessTokens, AtLimit, Config, Lifetimes, MasterSecret};

use crate::clock::HostClock;
use crate::error::{invalid_config, raise};
use crate::input::duration;

/// What an engine is opened with, and can be opened with again.
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) clock: Option<HostClock>,
    /// `None`: in memory.
    pub(crate) directory: Option<PathBuf>,
    /// Of a session that is given none of its own.
    pub(crate) lifetimes: Lifetimes,
}

impl Settings {
    pub(crate) fn read(
        py: Python<'_>,
        directory: Option<PathBuf>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut config = match &directory {
            Some(directory) => Config::new(directory),
            None => Config::with_store(Arc::new(MemoryStore::new())),
        };
        let (mut clock, mut lifetimes) = (None, DEFAULT_LIFETIMES);
        let given = |name: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
            let value = keywords.map(|keywords| keywords.get_item(name)).transpose()?.flatten();
            Ok(value.filter(|value| !value.is_none()))
        };
        for (name, value) in keywords.into_iter().flatten().filter(|(_, value)| !value.is_none()) {
            let name: String = name.extract()?;
            if name == "clock" {
                let host = HostClock::new(&value)?;
                config = config.clock(host.reading());
                clock = Some(host);
            } else {
                config = set(config, &name, &value).map_err(|error| about(py, &name, error))?;
            }
        }
        let seconds = |name: &str| {
            let value = given(name)?.map(|value| duration(&value)).transpose();
            value.map_err(|error| about(py, name, error))
        };
        if let Some(name) = given("lifetimes")? {
            lifetimes = preset(&name)?;
        }
        lifetimes.idle_timeout = seconds("idle_timeout")?.unwrap_or(lifetimes.idle_timeout);
        lifetimes.absolute_lifetime =
            seconds("absolute_lifetime")?.unwrap_or(lifetimes.absolute_lifetime);
        config = config.lifetimes(lifetimes);
        if let Some(max) = given("max_sessions_per_subject")? {
            let at_limit = given("at_limit")?.map(|name| at_limit(&name)).transpose()?;
            config = config.max_sessions_per_subject(max.extract()?, at_limit.unwrap_or_default());
        }
        Ok(Settings { config, clock, directory, lifetimes })
    }
}

const DEFAULT_LIFETIMES: Lifetimes = Lifetimes {
    idle_timeout: Duration::from_secs(30 * 60),
    absolute_lifetime: Duration::from_secs(12 * 60 * 60),
};

fn at_limit(value: &Bound<'_, PyAny>) -> PyResult<AtLimit> {
    Ok(match word(value)?.as_str() {
        "evict_least_recently_used" => AtLimit::EvictLeastRecentlyUsed,
        "evict_oldest" => AtLimit::EvictOldest,
        "refuse" => AtLimit::Refuse,
        other => return Err(not_one_of(value.py(), "at_limit", other)),
    })
}

/// The configuration with one setting more.
fn set(config: Config, name: &str, value: &Bound<'_, PyAny>) -> PyResult<Config> {
    let py = value.py();
    Ok(match name {
        // These depend on each other.
        "idle_timeout" | "absolute_lifetime" | "lifetimes" => config,
        "rotate_every" => config.rotate_every(duration(value)?),
        "rotation_grace" => config.rotation_grace(duration(value)?),
        "refresh_grace" => config.refresh_grace(duration(value)?),
        "expiring_soon" => config.expiring_soon(duration(value)?),
        "tick_every" => config.tick_every(duration(value)?),
        "data_len_max_bytes" => config.data_len_max_bytes(value.extract()?),
        "cache_len_max_bytes" => config.cache_len_max_bytes(value.extract()?),
        "store_cache_len_max_bytes" => config.store_cache_len_max_bytes(value.extract()?),
        "max_sessions_per_subject" | "at_limit" => config,
        "create_durability" => config.create_durability(match word(value)?.as_str() {
            "durable" => Durability::Durable,
            "buffered" => Durability::Buffered,
            other => return Err(not_one_of(py, name, other)),
        }),
        "on_rollback" => config.on_rollback(match word(value)?.as_str() {
            "refuse" => OnRollback::Refuse,
            "revoke_all" => OnRollback::RevokeAll,
            other => return Err(not_one_of(py, name, other)),
        }),
        "cookies" => config.cookies(cookies(value)?),
        "access_tokens" => config.access_tokens(access_tokens(value)?),
        "api_key_prefix" => config.api_key_prefix(word(value)?),
        "master_secret" => {
            let Ok(secret) = value.cast::<PyBytes>() else {
                return Err(PyTypeError::new_err("a master secret is bytes, 32 or more"));
            };
            config.master_secret(MasterSecret::from_bytes(secret.as_bytes()))
        }
        "master_secret_env" => config.master_secret(MasterSecret::Env(word(value)?)),
        "master_secret_file" => config.master_secret(MasterSecret::KeyFile(value.extract()?)),
        "threads" if value.extract()? => config,
        "threads" => config.no_threads(),
        "trust_clock" if value.extract()? => config.trust_clock(),
        "trust_clock" => config,
        "require_power_loss_safety" => config.require_power_loss_safety(value.extract()?),
        _ => return Err(PyTypeError::new_err("there is no such setting")),
    })
}

/// The lifetimes of a preset's name.
pub(crate) fn preset(value: &Bound<'_, PyAny>) -> PyResult<Lifetimes> {
    Ok(match word(value)?.as_str() {
        "remember_me" => Lifetimes::REMEMBER_ME,
        "refresh" => Lifetimes::REFRESH,
        "aal1" => Lifetimes::AAL1,
        "aal2" => Lifetimes::AAL2,
        "aal3" => Lifetimes::AAL3,
        other => return Err(not_one_of(value.py(), "lifetimes", other)),
    })
}

/// A `sessile.Cookies`.
fn cookies(value: &Bound<'_, PyAny>) -> PyResult<CookiePolicy> {
    let py = value.py();
    let mut builder = CookiePolicy::builder()
        .name(value.getattr("name")?.extract::<String>()?)
        .path(value.getattr("path")?.extract::<String>()?)
        .secure(value.getattr("secure")?.extract()?)
        .partitioned(value.getattr("partitioned")?.extract()?)
        .same_site(match value.getattr("same_site")?.extract::<String>()?.as_str() {
            "strict" => SameSite::Strict,
            "lax" => SameSite::Lax,
            "none" => SameSite::None,
            other => return Err(not_one_of(py, "same_site", other)),
        });
    if let Some(name) = value.getattr("companion_name")?.extract::<Option<String>>()? {
        builder = builder.companion_name(name);
    }
    if let Some(domain) = value.getattr("domain")?.extract::<Option<String>>()? {
        builder = builder.domain(domain);
    }
    let max_age = value.getattr("max_age")?;
    builder = builder.max_age(match max_age.extract::<String>() {
        Ok(word) if word == "session" => Some(sessile::cookie::MAX_AGE_MAX),
        Ok(word) if word == "browser" => None,
        Ok(word) => return Err(not_one_of(py, "max_age", &word)),
        Err(_) => Some(whole_seconds(&max_age)?),
    });
    builder.build().map_err(|error| raise(py, &error))
}

fn whole_seconds(value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    Ok(Duration::from_secs(duration(value)?.as_secs()))
}

/// A `sessile.AccessTokens`.
fn access_tokens(value: &Bound<'_, PyAny>) -> PyResult<AccessTokens> {
    let py = value.py();
    let issuer: String = value.getattr("issuer")?.extract()?;
    let audience: String = value.getattr("audience")?.extract()?;
    let algorithm = match value.getattr("algorithm")?.extract::<String>()?.as_str() {
        "HS256" => Algorithm::Hs256,
        "EdDSA" => Algorithm::EdDsa,
        "ES256" => Algorithm::Es256,
        other => return Err(not_one_of(py, "algorithm", other)),
    };
    let is_fully_specified: bool = value.getattr("fully_specified")?.extract()?;
    let naming =
        if is_fully_specified { AlgorithmName::FullySpecified } else { AlgorithmName::Registered };
    let access = AccessTokens::new(issuer, audience).algorithm(algorithm).naming(naming);
    Ok(access.lifetime(duration(&value.getattr("lifetime")?)?))
}

fn word(value: &Bound<'_, PyAny>) -> PyResult<String> {
    value.extract()
}

fn not_one_of(py: Python<'_>, name: &str, given: &str) -> PyErr {
    invalid_config(py, format!("{name} cannot be {given:?}: see its type for what it can be"))
}

/// The same error, saying which setting it is about, where that is not our own to say.
fn about(py: Python<'_>, name: &str, error: PyErr) -> PyErr {
    if error.is_instance_of::<PyTypeError>(py) {
        return PyTypeError::new_err(format!("{name}: {}", error.value(py)));
    }
    error
}
