//! Why a request was not answered as asked, and what its sender is told.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{Html, IntoResponse, Redirect, Response};
use sessile::{ErrorKind, cookie};

pub(crate) enum Failure {
    /// The session store could not answer. Nobody is let in, and no cookie is cleared: the
    /// session may be as good as ever.
    Store(sessile::Error),
    /// The session was rotated or ended while the request was on its way.
    Overtaken,
    /// A page for accounts, asked for by a visitor.
    NotSignedIn,
    /// A form without the CSRF token of its session.
    Forged,
    /// A form that is none, or too long.
    Unreadable(FormRejection),
    /// Something in a form that the site does not take.
    Refused(&'static str),
    /// No such page.
    NotFound,
    /// A page could not be written.
    Page(askama::Error),
}

impl From<sessile::Error> for Failure {
    fn from(error: sessile::Error) -> Self {
        match error.kind() {
            // The second: with a token from before a proof of identity. What people enter is
            // checked before it gets to the engine.
            ErrorKind::SessionGone | ErrorKind::InvalidInput => Failure::Overtaken,
            ErrorKind::TooLarge => Failure::Refused("That is more than a session can hold."),
            ErrorKind::Suspended => Failure::Refused("This account is suspended."),
            _ => Failure::Store(error),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.log();
        let (status, title, text) = match &self {
            Failure::Overtaken => return Redirect::to("/").into_response(),
            Failure::NotSignedIn => return Redirect::to("/sign-in?note=needed").into_response(),
            Failure::Store(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Back in a moment",
                "The site cannot look up your session right now. You are not signed out.",
            ),
            Failure::Forged => (
                StatusCode::FORBIDDEN,
                "This form is out of date",
                "Nothing was changed. Go back, reload the page and try again.",
            ),
            Failure::Unreadable(rejection) => {
                (rejection.status(), "That did not arrive", "The form was too long or damaged.")
            }
            Failure::Refused(why) => (StatusCode::UNPROCESSABLE_ENTITY, "That was not taken", *why),
            Failure::NotFound => (StatusCode::NOT_FOUND, "Nothing here", "There is no such page."),
            Failure::Page(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "That is our fault", "It has been noted.")
            }
        };
        let page = FailurePage { title, text }.render().unwrap_or_default();
        let mut response = (status, cookie::cache_headers(), Html(page)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, 5.into());
        }
        response
    }
}

impl Failure {
    /// What is not the sender's doing is for the operator to know. No error shows a token.
    fn log(&self) {
        match self {
            Failure::Store(error) => eprintln!("session store: {error}"),
            Failure::Page(error) => eprintln!("template: {error}"),
            _ => {}
        }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    title: &'static str,
    text: &'static str,
}
