//! What every request for a page goes through: whose it is, and that its forms are ours.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::Method;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{AppendHeaders, IntoResponse, IntoResponseParts, Redirect, Response};
use sessile::{CreateOptions, Handle, Reason, Session, Verdict, cookie};

use crate::failure::Failure;
use crate::site::{Site, wait_for};

/// What a handler answers.
pub(crate) type Answer = Result<Response, Failure>;

/// The session of a request: a visitor's (anonymous), or an account's.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) session: Session,
}

impl Visit {
    pub(crate) fn handle(&self) -> &Handle {
        self.session.handle()
    }

    /// Who is signed in; else the sign-in page is the answer.
    pub(crate) fn account(&self) -> Result<&str, Failure> {
        self.session.subject().map(|subject| subject.as_str()).ok_or(Failure::NotSignedIn)
    }
}

/// The middleware: finds the session of the request, or gives a visitor one, and sends the
/// cookies that are due along with the response.
///
/// A visitor needs a session before the first form, as its CSRF token belongs to one: without,
/// others could sign a visitor in to an account of theirs.
pub(crate) async fn admit(
    State(site): State<Arc<Site>>,
    mut request: Request,
    next: Next,
) -> Answer {
    let engine = &site.engine;
    // `?`: the store could not say. That answers 503 and leaves the cookies as they are.
    let verdict = engine.verify_cookies(request.headers().get_all(COOKIE))?;
    let (session, cookies) = match verdict {
        Some(Verdict::Valid(session)) => {
            // An error means that it ended this very millisecond: the next request says so.
            let cookies = engine.renew_cookies(&session).unwrap_or_default();
            (session, cookies)
        }
        Some(Verdict::Rejected(reason)) => return Ok(sign_in_again(&site, reason)),
        None if request.method() == Method::POST => return Err(Failure::Forged),
        None => {
            let issued = wait_for(|| engine.create(CreateOptions::anonymous()))?;
            let cookies = engine.set_cookies(&issued)?;
            (issued.session, cookies.into())
        }
    };
    request.extensions_mut().insert(Visit { session });
    let mut response = next.run(request).await;
    if !response.headers().contains_key(SET_COOKIE) {
        // Unless the handler has signed somebody in or out: its cookies are newer.
        response = (set_cookies(cookies), response).into_response();
    }
    Ok((cookie::cache_headers(), response).into_response())
}

/// The answer to a cookie that is not, or no longer, good.
fn sign_in_again(site: &Site, reason: Reason) -> Response {
    let to = Redirect::to(match why(reason) {
        "expired" => "/sign-in?note=expired",
        "revoked" => "/sign-in?note=revoked",
        _ => "/sign-in?note=ended",
    });
    (cookie::cache_headers(), set_cookies(site.engine.clear_cookies()), to).into_response()
}

/// As much of the reason as a client may know.
pub(crate) fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Expired | Reason::IdleExpired => "expired",
        Reason::RevokedSession | Reason::RevokedSubject | Reason::RevokedAll => "revoked",
        _ => "ended",
    }
}

/// Each in a `Set-Cookie` header of its own.
pub(crate) fn set_cookies(cookies: impl IntoIterator<Item = String>) -> impl IntoResponseParts {
    let headers: Vec<_> = cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect();
    AppendHeaders(headers)
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Visit>().cloned().ok_or(Failure::NotSignedIn)
    }
}

/// A form that one of our pages sent: its CSRF token has been checked. Handlers get at the
/// fields of a form in no other way.
pub(crate) struct Submitted {
    pub(crate) visit: Visit,
    fields: HashMap<String, String>,
}

impl Submitted {
    /// What was entered; empty when the form has no such field.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl FromRequest<Arc<Site>> for Submitted {
    type Rejection = Failure;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Failure> {
        let visit = request.extensions().get::<Visit>().cloned().ok_or(Failure::NotSignedIn)?;
        let Form(fields) = Form::from_request(request, site).await.map_err(Failure::Unreadable)?;
        let form = Submitted { visit, fields };
        if !site.engine.is_csrf_token(form.visit.handle(), form.field("csrf")) {
            return Err(Failure::Forged);
        }
        Ok(form)
    }
}
