//! Settings of an engine's access tokens.

use std::ffi::c_char;
use std::time::Duration;

use sessile_core::AccessTokens;
use sessile_core::jwt::{Algorithm, AlgorithmName};

use crate::boundary::{invalid, text};
use crate::config::{sessile_config, set};

/// Turns access tokens on: JWTs of `issuer` for `audience`, signed with Ed25519, good for 5
/// minutes. Off by default.
///
/// Parameters: `config`; `issuer`, `issuer_len`; `audience`, `audience_len`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_access_tokens(
    config: *mut sessile_config,
    issuer: *const c_char,
    issuer_len: usize,
    audience: *const c_char,
    audience_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let (issuer, audience) = (text(issuer, issuer_len)?, text(audience, audience_len)?);
            config.set_access(AccessTokens::new(issuer, audience));
            Ok(())
        })
    }
}

/// How long access tokens are good, less up to 5 % at random. 5 minutes; 10 seconds to 1 hour. Call
/// sessile_config_access_tokens first.
///
/// Parameters: `config`; `ms`, milliseconds.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_access_lifetime_ms(
    config: *mut sessile_config,
    ms: u64,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| config.access(|access| access.lifetime(Duration::from_millis(ms))))
    }
}

/// What new keys sign access tokens with: `EdDSA` (the default), `ES256` or `HS256`. `Ed25519` is
/// EdDSA by its newer name (RFC 9864). Keys that exist stay as they are. Call
/// sessile_config_access_tokens first.
///
/// Parameters: `config`; `name`, `name_len`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_access_algorithm(
    config: *mut sessile_config,
    name: *const c_char,
    name_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let name = text(name, name_len)?;
            let naming = match name {
                "Ed25519" => AlgorithmName::FullySpecified,
                _ => AlgorithmName::Registered,
            };
            let Some(algorithm) = Algorithm::from_name(name) else {
                return Err(invalid(
                    "an access token's algorithm is EdDSA, Ed25519, ES256 or HS256",
                ));
            };
            config.access(|access| access.algorithm(algorithm).naming(naming))
        })
    }
}
