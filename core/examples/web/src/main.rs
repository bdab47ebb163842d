//! A small site on sessile: sign-in, a list of devices, one of them or all signed out, data that
//! live in the session, and pages that count down to its end. `make web` runs it.
//!
//! Where to read first: `visit.rs` has what every request goes through (cookie, session, CSRF
//! token); `pages/` has a file for each page; `live.rs` and `assets/session.js` are the two ends
//! of the countdown and of the sign-out that reaches an open page.
//!
//! It is a demo: its accounts are made up and their password stands on the sign-in page. What a
//! site on the internet has besides: HTTPS, real accounts, and a limit on attempts to sign in and
//! on visitors without a cookie.

mod accounts;
mod assets;
mod device;
mod failure;
mod headers;
mod live;
mod options;
mod pages;
mod site;
#[cfg(test)]
mod tests;
mod visit;

use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use options::Options;
use site::Site;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match serve(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    let address = listener.local_addr()?;
    let site = Arc::new(Site::open(options)?);
    println!("http://localhost:{}/   (a demo; end it with Ctrl-C)", address.port());

    // Not axum's graceful shutdown: that waits for every open page's stream of events to end.
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        served = axum::serve(listener, site::router(site.clone())) => served?,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    // Writes what is pending. After a crash, too, everybody stays signed in.
    Ok(site.engine.close()?)
}
