//! The pages: a file each, with its handlers.

pub(crate) mod account;
pub(crate) mod devices;
pub(crate) mod notes;
pub(crate) mod sign_in;

use askama::Template;
use axum::extract::Query;
use axum::response::{Html, IntoResponse, Redirect};
use serde::Deserialize;
use sessile::{Data, Timestamp};

use crate::failure::Failure;
use crate::site::{Site, wait_for};
use crate::visit::{Answer, Visit};

/// What `templates/page.html` needs around every page.
pub(crate) struct Frame {
    /// Who is signed in; empty: a visitor.
    account: String,
    csrf: String,
    theme: &'static str,
    /// Where the page is, for the navigation.
    here: &'static str,
    message: Option<&'static str>,
    /// For the script: which cookie to read, and when to warn.
    companion: String,
    warning_secs: u64,
}

impl Frame {
    fn new(
        site: &Site,
        visit: &Visit,
        data: &Data,
        here: &'static str,
        note: &Note,
    ) -> sessile::Result<Self> {
        let account = visit.session.subject().map_or("", |subject| subject.as_str());
        Ok(Frame {
            account: account.to_owned(),
            csrf: site.engine.csrf_token(visit.handle())?.as_str().to_owned(),
            theme: notes::theme(data),
            here,
            message: note.message(),
            companion: site.engine.cookies().companion_name().to_owned(),
            warning_secs: site.options.warning().as_secs(),
        })
    }
}

/// `?note=...`: what the page before has done. Post, redirect, get: so a reload repeats nothing.
#[derive(Default, Deserialize)]
pub(crate) struct Note {
    #[serde(default)]
    note: String,
}

impl Note {
    /// The text for it. Only texts from this table get into a page.
    fn message(&self) -> Option<&'static str> {
        Some(match self.note.as_str() {
            "needed" => "Sign in to see that page.",
            "expired" => "You were signed out because nothing happened for a while.",
            "revoked" => "This device was signed out.",
            "ended" => "Your session has ended.",
            "signed-out" => "You are signed out.",
            "signed-out-everywhere" => "You are signed out on every device.",
            "device" => "That device is signed out.",
            "others" => "All other devices are signed out.",
            "confirm" => "Please confirm that it is you first.",
            "confirmed" => "Thank you. You can change your password now.",
            "password" => "Your password is changed, and all other devices are signed out.",
            _ => return None,
        })
    }
}

/// A handler's [`Note`], whatever else the query says.
pub(crate) type Noted = Query<Note>;

/// The data of the session. A token from before the sign-in, which answers for a few seconds
/// more, has none.
fn data_of(site: &Site, visit: &Visit) -> sessile::Result<std::sync::Arc<Data>> {
    Ok(wait_for(|| site.engine.data(visit.handle()))?.unwrap_or_default())
}

fn render(page: &impl Template) -> Answer {
    Ok(Html(page.render().map_err(Failure::Page)?).into_response())
}

fn go_to(path: &str) -> Answer {
    Ok(Redirect::to(path).into_response())
}

/// "5 minutes ago", for people.
fn ago(then: Timestamp, now: Timestamp) -> String {
    let secs = now.since(then).as_secs();
    let (count, unit) = match secs {
        0..60 => return "just now".to_owned(),
        60..3_600 => (secs / 60, "minute"),
        3_600..86_400 => (secs / 3_600, "hour"),
        _ => (secs / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}
