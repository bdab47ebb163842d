//! Settings of an engine's cookies.

use std::ffi::c_char;
use std::time::Duration;

use sessile_core::cookie::SameSite;

use crate::boundary::{invalid, text};
use crate::config::{sessile_config, set};

/// No request from another site carries the cookie. A link from another site arrives without the
/// session.
pub const SESSILE_SAME_SITE_STRICT: i32 = 0;

/// Only navigation by a safe method carries it, such as following a link.
pub const SESSILE_SAME_SITE_LAX: i32 = 1;

/// All of them do. Needs Secure, and a CSRF token on every request that changes something.
pub const SESSILE_SAME_SITE_NONE: i32 = 2;

/// The session cookie's name: a token of RFC 9110, 5.6.2. Default `__Host-sid`.
///
/// Parameters: `config`; `name`, `name_len`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_cookie_name(
    config: *mut sessile_config,
    name: *const c_char,
    name_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let name = text(name, name_len)?.to_owned();
            config.cookies = config.cookies.clone().name(name);
            Ok(())
        })
    }
}

/// The name of the companion cookie, which tells scripts how long the session has left. Default:
/// the session cookie's name and `-left`.
///
/// Parameters: `config`; `companion_name`, `companion_name_len`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_cookie_companion_name(
    config: *mut sessile_config,
    companion_name: *const c_char,
    companion_name_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let companion_name = text(companion_name, companion_name_len)?.to_owned();
            config.cookies = config.cookies.clone().companion_name(companion_name);
            Ok(())
        })
    }
}

/// The path under which the browser sends the cookies. Default `/`. It keeps nobody out.
///
/// Parameters: `config`; `path`, `path_len`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_cookie_path(
    config: *mut sessile_config,
    path: *const c_char,
    path_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let path = text(path, path_len)?.to_owned();
            config.cookies = config.cookies.clone().path(path);
            Ok(())
        })
    }
}

/// The domain whose hosts all get the cookies, for a name with `__Secure-`. Default: only the host
/// that set them.
///
/// Parameters: `config`; `domain`, `domain_len`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_cookie_domain(
    config: *mut sessile_config,
    domain: *const c_char,
    domain_len: usize,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let domain = text(domain, domain_len)?.to_owned();
            config.cookies = config.cookies.clone().domain(domain);
            Ok(())
        })
    }
}

/// Whether the browser sends the cookies over HTTPS only. Default 1. 0 is for development, and
/// needs a name without prefix.
///
/// Parameters: `config`; `is_secure`, 0 or 1.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_cookie_secure(
    config: *mut sessile_config,
    is_secure: i32,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            config.cookies = config.cookies.clone().secure(is_secure != 0);
            Ok(())
        })
    }
}

/// Which requests from other sites carry the cookies. Default SESSILE_SAME_SITE_LAX.
///
/// Parameters: `config`; `same_site`, one of SESSILE_SAME_SITE_...
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_cookie_same_site(
    config: *mut sessile_config,
    same_site: i32,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let same_site = match same_site {
                SESSILE_SAME_SITE_STRICT => SameSite::Strict,
                SESSILE_SAME_SITE_LAX => SameSite::Lax,
                SESSILE_SAME_SITE_NONE => SameSite::None,
                _ => return Err(invalid("same_site is none of SESSILE_SAME_SITE_...")),
            };
            config.cookies = config.cookies.clone().same_site(same_site);
            Ok(())
        })
    }
}

/// Whether the browser keeps a jar of the cookies per embedding site (CHIPS). Default 0.
///
/// Parameters: `config`; `is_partitioned`, 0 or 1.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_cookie_partitioned(
    config: *mut sessile_config,
    is_partitioned: i32,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            config.cookies = config.cookies.clone().partitioned(is_partitioned != 0);
            Ok(())
        })
    }
}

/// The longest that a browser may keep the cookies: 1 second to 400 days; 0: until it is closed.
/// Default 400 days, so that they last as long as their session.
///
/// Parameters: `config`; `seconds`.
/// Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_config_cookie_max_age_s(
    config: *mut sessile_config,
    seconds: u64,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        set(config, |config| {
            let max_age = (seconds != 0).then(|| Duration::from_secs(seconds));
            config.cookies = config.cookies.clone().max_age(max_age);
            Ok(())
        })
    }
}
