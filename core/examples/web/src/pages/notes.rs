//! The first page: notes and a theme, kept in the data of the session. Visitors have them, too,
//! and take them along when they sign in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use sessile::{Data, Patch};

use super::{Frame, Noted, data_of, go_to, render};
use crate::failure::Failure;
use crate::site::{Site, wait_for};
use crate::visit::{Answer, Submitted, Visit};

#[derive(Template)]
#[template(path = "notes.html")]
struct NotesPage {
    frame: Frame,
    notes: Vec<NoteLine>,
    text_len_max: usize,
}

struct NoteLine {
    /// Its name in the data.
    name: String,
    text: String,
}

pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, note: Noted) -> Answer {
    let data = data_of(&site, &visit)?;
    let line = |(name, text): (&str, &[u8])| NoteLine {
        name: name.to_owned(),
        text: String::from_utf8_lossy(text).into_owned(),
    };
    let mut notes: Vec<_> =
        data.iter().filter(|(name, _)| name.starts_with(PREFIX)).map(line).collect();
    notes.reverse();
    let frame = Frame::new(&site, &visit, &data, "notes", &note)?;
    render(&NotesPage { frame, notes, text_len_max: TEXT_LEN_MAX })
}

/// Adds a note under a name of its own. `update` calls the closure again when another tab was
/// faster, so that two tabs never take the same number.
pub(crate) async fn add(State(site): State<Arc<Site>>, form: Submitted) -> Answer {
    let text = form.field("text").trim();
    if text.is_empty() || text.chars().count() > TEXT_LEN_MAX {
        return Err(Failure::Refused("A note has 1 to 1,000 characters."));
    }
    wait_for(|| {
        site.engine.update(form.visit.handle(), |data| {
            let name = format!("{PREFIX}{:06}", last_number(data) + 1);
            data.set(name, text);
        })
    })?;
    go_to("/")
}

/// Removes one note. A patch names what it changes, and leaves what other tabs did alone.
pub(crate) async fn remove(State(site): State<Arc<Site>>, form: Submitted) -> Answer {
    let name = form.field("name");
    if !name.starts_with(PREFIX) {
        return Err(Failure::Refused("There is no such note."));
    }
    wait_for(|| site.engine.patch(form.visit.handle(), &Patch::new().remove(name)))?;
    go_to("/")
}

pub(crate) async fn set_theme(State(site): State<Arc<Site>>, form: Submitted) -> Answer {
    let theme = known_theme(form.field("theme").as_bytes());
    wait_for(|| site.engine.patch(form.visit.handle(), &Patch::new().set("theme", theme)))?;
    // Back to where the form was; never to where a form says.
    go_to(match form.field("here") {
        "sign-in" => "/sign-in",
        "devices" => "/devices",
        "account" => "/account",
        _ => "/",
    })
}

/// The theme that the session has chosen.
pub(super) fn theme(data: &Data) -> &'static str {
    known_theme(data.get("theme").unwrap_or_default())
}

fn known_theme(name: &[u8]) -> &'static str {
    match name {
        b"light" => "light",
        b"dark" => "dark",
        _ => "auto",
    }
}

/// How many notes the session has.
pub(super) fn count(data: &Data) -> usize {
    data.iter().filter(|(name, _)| name.starts_with(PREFIX)).count()
}

fn last_number(data: &Data) -> u32 {
    let numbers = data.iter().filter_map(|(name, _)| name.strip_prefix(PREFIX)?.parse().ok());
    numbers.max().unwrap_or(0)
}

const PREFIX: &str = "note/";

/// In characters.
const TEXT_LEN_MAX: usize = 1_000;
