//! What a browser test cannot bring about: a store that does not answer.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use sessile::CreateOptions;
use tower::ServiceExt;

use crate::options::Options;
use crate::site::{self, Site};

async fn get(site: &Arc<Site>, path: &str, cookie: &str) -> Response {
    let request = Request::get(path).header(COOKIE, cookie).body(Body::empty()).unwrap();
    site::router(site.clone()).oneshot(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_lets_nobody_in_and_clears_no_cookie() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { directory: directory.path().join("data"), ..Options::default() };
    let site = Arc::new(Site::open(options).unwrap());
    let issued = site.engine.create(CreateOptions::for_subject("ada").unwrap()).unwrap();
    let cookie = format!("__Host-sid={}", issued.token.as_str());
    assert_eq!(get(&site, "/devices", &cookie).await.status(), StatusCode::OK);
    site.engine.close().unwrap();
    for path in ["/", "/devices", "/alive", "/events"] {
        // Not the session of before, which the cache might still know, but any at all.
        let response = get(&site, path, &cookie).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(!response.headers().contains_key(SET_COOKIE), "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
    }
}
