//! What the handlers share, and which of them answers what.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};
use sessile::cookie::CookiePolicy;
use sessile::{Config, Engine};

use crate::accounts::Accounts;
use crate::failure::Failure;
use crate::options::Options;
use crate::pages::{account, devices, notes, sign_in};
use crate::{assets, headers, live, visit};

pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) accounts: Accounts,
    pub(crate) options: Options,
}

impl Site {
    /// Opens the sessions in the directory of `options`.
    pub(crate) fn open(options: Options) -> sessile::Result<Self> {
        let cookies = if options.has_plain_cookies {
            CookiePolicy::builder().secure(false).name("sid").build()?
        } else {
            CookiePolicy::default()
        };
        let config = Config::new(&options.directory)
            .idle_timeout(options.idle_timeout)
            .cookies(cookies)
            // A hint to the store; the default is for a busy site.
            .store_cache_len_max_bytes(16 << 20);
        let engine = Engine::open_with(config)?;
        Ok(Site { engine, accounts: Accounts::demo(), options })
    }
}

/// Runs what waits for the disk (a durable write, 0.3 ms) or computes for long (a password's
/// hash) so that other requests go on meanwhile. A cached verification needs no such care.
pub(crate) fn wait_for<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

pub(crate) fn router(site: Arc<Site>) -> Router {
    let with_session = Router::new()
        .route("/", get(notes::show))
        .route("/notes", post(notes::add))
        .route("/notes/remove", post(notes::remove))
        .route("/theme", post(notes::set_theme))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/devices", get(devices::show))
        .route("/devices/revoke", post(devices::revoke))
        .route("/devices/revoke-others", post(devices::revoke_others))
        .route("/devices/revoke-all", post(devices::revoke_all))
        .route("/account", get(account::show))
        .route("/account/password", post(account::change_password))
        .route("/confirm", get(account::ask_to_confirm).post(account::confirm))
        .route("/stay", post(live::stay))
        .route_layer(from_fn_with_state(site.clone(), visit::admit));
    // These look without a touch: an open page must not keep its own session alive.
    let looking =
        Router::new().route("/alive", get(live::alive)).route("/events", get(live::events));
    Router::new()
        .merge(with_session)
        .merge(looking)
        .merge(assets::router())
        .fallback(async || Failure::NotFound)
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .layer(map_response(headers::harden))
        .with_state(site)
}

/// A long note; session data have 64 KiB in all.
const BODY_LEN_MAX: usize = 32 << 10;
