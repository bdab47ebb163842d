//! Style, script and icon: parts of the program, so that it needs no files beside it.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;

use crate::site::Site;

pub(crate) fn router() -> Router<Arc<Site>> {
    ASSETS.iter().fold(Router::new(), |router, (path, kind, text)| {
        let headers = [(CONTENT_TYPE, *kind), (CACHE_CONTROL, "public, max-age=300")];
        router.route(path, get((headers, *text)))
    })
}

const ASSETS: [(&str, &str, &str); 3] = [
    ("/assets/style.css", "text/css; charset=utf-8", include_str!("../assets/style.css")),
    ("/assets/session.js", "text/javascript; charset=utf-8", include_str!("../assets/session.js")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
];
