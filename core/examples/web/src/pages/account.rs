//! A change that asks for a recent proof of identity: the password.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};

use super::sign_in::proof;
use super::{Frame, Note, Noted, ago, data_of, go_to, render};
use crate::failure::Failure;
use crate::site::{Site, wait_for};
use crate::visit::{Answer, Submitted, Visit, set_cookies};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    created: String,
    authenticated: String,
    is_recent: bool,
    password_len_min: usize,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    frame: Frame,
    is_wrong: bool,
}

pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, note: Noted) -> Answer {
    visit.account()?;
    let session = &visit.session;
    let now = session.verified_at();
    let frame = Frame::new(&site, &visit, &*data_of(&site, &visit)?, "account", &note)?;
    render(&AccountPage {
        frame,
        created: ago(session.created(), now),
        authenticated: session.authenticated_at().map_or_else(String::new, |at| ago(at, now)),
        is_recent: session.is_authenticated_within(site.options.recent),
        password_len_min: PASSWORD_LEN_MIN,
    })
}

/// Whoever changes a password may fear that others know the old one: every other device is
/// signed out (ASVS 5.0, 7.4.3), and this one gets a new token.
pub(crate) async fn change_password(State(site): State<Arc<Site>>, form: Submitted) -> Answer {
    let account = form.visit.account()?;
    if !form.visit.session.is_authenticated_within(site.options.recent) {
        return go_to("/confirm?note=confirm");
    }
    let password = form.field("password");
    if password.chars().count() < PASSWORD_LEN_MIN {
        return Err(Failure::Refused("A password has 8 characters at least."));
    }
    let issued = wait_for(|| {
        site.accounts.set_password(account, password);
        site.engine.revoke_subject(account, Some(form.visit.handle()))?;
        site.engine.rotate(form.visit.handle())
    })?;
    let cookies = set_cookies(site.engine.set_cookies(&issued)?);
    Ok((cookies, Redirect::to("/account?note=password")).into_response())
}

pub(crate) async fn ask_to_confirm(
    State(site): State<Arc<Site>>,
    visit: Visit,
    note: Noted,
) -> Answer {
    confirm_page(&site, &visit, &note, false)
}

/// A proof of identity for a session that goes on: it gets a new token, and its absolute deadline
/// begins anew.
pub(crate) async fn confirm(State(site): State<Arc<Site>>, form: Submitted) -> Answer {
    let account = form.visit.account()?;
    if !wait_for(|| site.accounts.is_password(account, form.field("password"))) {
        let page = confirm_page(&site, &form.visit, &Note::default(), true)?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let issued = wait_for(|| site.engine.reauthenticate(form.visit.handle(), proof()))?;
    let cookies = set_cookies(site.engine.set_cookies(&issued)?);
    Ok((cookies, Redirect::to("/account?note=confirmed")).into_response())
}

fn confirm_page(site: &Site, visit: &Visit, note: &Note, is_wrong: bool) -> Answer {
    visit.account()?;
    let frame = Frame::new(site, visit, &*data_of(site, visit)?, "account", note)?;
    render(&ConfirmPage { frame, is_wrong })
}

/// In characters (ASVS 5.0, 6.2.1).
const PASSWORD_LEN_MIN: usize = 8;
