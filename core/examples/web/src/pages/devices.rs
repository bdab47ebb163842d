//! The devices that an account is signed in on.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use sessile::{Handle, SessionInfo};

use super::sign_in::forget;
use super::{Frame, Noted, ago, data_of, go_to, render};
use crate::failure::Failure;
use crate::site::{Site, wait_for};
use crate::visit::{Answer, Submitted, Visit};

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    frame: Frame,
    devices: Vec<Device>,
}

struct Device {
    /// A handle is a name and no secret: it may stand in a page.
    handle: Handle,
    label: String,
    created: String,
    last_seen: String,
    is_this: bool,
}

pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, note: Noted) -> Answer {
    let account = visit.account()?;
    let sessions = wait_for(|| site.engine.list(account))?;
    let now = visit.session.verified_at();
    let device = |info: SessionInfo| {
        let is_this = is_own(&visit, &info.handle);
        // What the store knows is up to a minute old; of this device we know better.
        let last_seen = if is_this { now } else { info.last_seen };
        Device {
            handle: info.handle,
            label: info.device_label.unwrap_or_else(|| "Unknown device".to_owned()),
            created: ago(info.created, now),
            last_seen: ago(last_seen, now),
            is_this,
        }
    };
    let mut devices: Vec<_> = sessions.into_iter().map(device).collect();
    devices.sort_by_key(|device| !device.is_this);
    let frame = Frame::new(&site, &visit, &*data_of(&site, &visit)?, "devices", &note)?;
    render(&DevicesPage { frame, devices })
}

/// Signs one device out. It is over when the call returns, on every thread; its open page hears
/// of it at once.
pub(crate) async fn revoke(State(site): State<Arc<Site>>, form: Submitted) -> Answer {
    let account = form.visit.account()?;
    let unknown = Failure::Refused("There is no such device.");
    let Ok(handle) = form.field("handle").parse::<Handle>() else { return Err(unknown) };
    // Whoever is signed in ends sessions of their own, and no others.
    if !wait_for(|| site.engine.list(account))?.iter().any(|info| info.handle == handle) {
        return Err(unknown);
    }
    wait_for(|| site.engine.revoke(&handle))?;
    if is_own(&form.visit, &handle) {
        return forget(&site, "/sign-in?note=signed-out");
    }
    go_to("/devices?note=device")
}

pub(crate) async fn revoke_others(State(site): State<Arc<Site>>, form: Submitted) -> Answer {
    let account = form.visit.account()?;
    wait_for(|| site.engine.revoke_subject(account, Some(form.visit.handle())))?;
    go_to("/devices?note=others")
}

pub(crate) async fn revoke_all(State(site): State<Arc<Site>>, form: Submitted) -> Answer {
    let account = form.visit.account()?;
    wait_for(|| site.engine.revoke_subject(account, None))?;
    forget(&site, "/sign-in?note=signed-out-everywhere")
}

/// Whether `handle` is the session of this request, which may have come with the token from just
/// before a rotation.
fn is_own(visit: &Visit, handle: &Handle) -> bool {
    visit.session.rotated_to().unwrap_or_else(|| visit.handle()) == handle
}
