//! Signing in and out.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use sessile::{Authentication, Lifetimes, RotateOptions, cookie};

use super::{Frame, Note, Noted, data_of, go_to, render};
use crate::accounts::{DEMO_NAMES, DEMO_PASSWORD};
use crate::device;
use crate::site::{Site, wait_for};
use crate::visit::{Answer, Submitted, Visit, set_cookies};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: Frame,
    name: &'a str,
    is_wrong: bool,
    notes: usize,
    demo_names: [&'static str; 2],
    demo_password: &'static str,
}

pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, note: Noted) -> Answer {
    if visit.account().is_ok() {
        return go_to("/");
    }
    page(&site, &visit, &note, None)
}

/// A sign-in: the visitor's session gets a new handle and token, so that whoever knew the old
/// ones has nothing, and keeps its data.
pub(crate) async fn sign_in(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    form: Submitted,
) -> Answer {
    let name = form.field("name").trim().to_lowercase();
    if form.visit.account().is_ok() {
        return go_to("/");
    }
    if !wait_for(|| site.accounts.is_password(&name, form.field("password"))) {
        let page = page(&site, &form.visit, &Note::default(), Some(&name))?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let user_agent = headers.get(USER_AGENT).and_then(|text| text.to_str().ok());
    let options = RotateOptions::log_in(&name)?
        .authentication(proof())
        .device_label(device::label(user_agent.unwrap_or_default()))
        .lifetimes(lifetimes(&site, !form.field("remember").is_empty()));
    let issued = wait_for(|| site.engine.rotate_with(form.visit.handle(), options))?;
    let cookies = set_cookies(site.engine.set_cookies(&issued)?);
    Ok((cookies, Redirect::to("/")).into_response())
}

/// Signs this device out.
pub(crate) async fn sign_out(State(site): State<Arc<Site>>, form: Submitted) -> Answer {
    wait_for(|| site.engine.revoke(form.visit.handle()))?;
    forget(&site, "/sign-in?note=signed-out")
}

/// The response after this device's session has ended: no cookies, and nothing kept of its pages.
pub(super) fn forget(site: &Site, to: &str) -> Answer {
    let cookies = set_cookies(site.engine.clear_cookies());
    Ok(([cookie::clear_site_data()], cookies, Redirect::to(to)).into_response())
}

/// What a right password proves (RFC 8176).
pub(super) fn proof() -> Authentication {
    Authentication { amr: vec!["pwd".into()], ..Authentication::default() }
}

fn lifetimes(site: &Site, is_remembered: bool) -> Lifetimes {
    if is_remembered {
        return Lifetimes::REMEMBER_ME;
    }
    let twelve_hours = std::time::Duration::from_secs(12 * 3_600);
    Lifetimes { idle_timeout: site.options.idle_timeout, absolute_lifetime: twelve_hours }
}

/// `wrong_name`: the name that was just tried in vain.
fn page(site: &Site, visit: &Visit, note: &Note, wrong_name: Option<&str>) -> Answer {
    let data = data_of(site, visit)?;
    render(&SignInPage {
        frame: Frame::new(site, visit, &data, "sign-in", note)?,
        name: wrong_name.unwrap_or_default(),
        is_wrong: wrong_name.is_some(),
        notes: super::notes::count(&data),
        demo_names: DEMO_NAMES,
        demo_password: DEMO_PASSWORD,
    })
}
