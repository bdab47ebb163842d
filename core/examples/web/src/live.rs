//! What an open page asks while nobody clicks: `assets/session.js` is the other end.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use sessile::{Reason, Session, Verdict, cookie};
use tokio::sync::oneshot;

use crate::site::Site;
use crate::visit::{Answer, Submitted, set_cookies, why};

/// "Stay signed in". That the request came at all has touched the session, and the new companion
/// cookie goes out with the response, as with any other.
pub(crate) async fn stay(_form: Submitted) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether the session lives, without a touch: 401 and why not, or a fresh companion cookie, a
/// CSRF token and whose session it is. So a page that lies open while its session is rotated in
/// another tab has forms that work, and one whose browser changed accounts notices.
pub(crate) async fn alive(State(site): State<Arc<Site>>, headers: HeaderMap) -> Answer {
    let session = match look(&site, &headers)? {
        Ok(session) => session,
        Err(reason) => {
            let cookies = set_cookies(site.engine.clear_cookies());
            let answer = (StatusCode::UNAUTHORIZED, cookie::cache_headers(), cookies, why(reason));
            return Ok(answer.into_response());
        }
    };
    // Of the session as presented: a token from before the sign-in buys none from after it.
    let token = site.engine.csrf_token(session.handle())?;
    let account = session.subject().map_or("", |subject| subject.as_str());
    let cookies = set_cookies(site.engine.renew_cookies(&session).unwrap_or_default());
    let body = format!("{}\n{account}", token.as_str());
    Ok((cookie::cache_headers(), cookies, body).into_response())
}

/// A stream (server-sent events) that says nothing until the session ends, whatever ends it.
pub(crate) async fn events(State(site): State<Arc<Site>>, headers: HeaderMap) -> Answer {
    let session = match look(&site, &headers)? {
        Ok(session) => session,
        // The cookies stay: the page asks `alive` next, which says why.
        Err(_) => return Ok((StatusCode::UNAUTHORIZED, cookie::cache_headers()).into_response()),
    };
    let (tell, told) = oneshot::channel();
    let watch = site.engine.watch(session.handle())?;
    watch.on_end(move |reason| {
        // The page may be closed already.
        let _ = tell.send(reason);
    });
    let end = stream::once(async move {
        // Held for as long as the page listens; dropped with the stream.
        let _watch = watch;
        let reason = told.await.map_or("ended", why);
        Ok::<_, Infallible>(Event::default().event("end").data(reason))
    });
    let events = Sse::new(end).keep_alive(KeepAlive::default());
    Ok((cookie::cache_headers(), events).into_response())
}

/// The session of a request, without a touch; or why there is none.
fn look(site: &Site, headers: &HeaderMap) -> sessile::Result<Result<Session, Reason>> {
    Ok(match site.engine.peek_cookies(headers.get_all(COOKIE))? {
        Some(Verdict::Valid(session)) => Ok(session),
        Some(Verdict::Rejected(reason)) => Err(reason),
        None => Err(Reason::UnknownSession),
    })
}
