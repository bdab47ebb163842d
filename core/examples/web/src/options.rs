//! The command line.

use std::path::PathBuf;
use std::time::Duration;

/// How the site is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// `0`: any that is free.
    pub(crate) port: u16,
    pub(crate) directory: PathBuf,
    pub(crate) idle_timeout: Duration,
    /// How long a proof of identity is good for changing the password.
    pub(crate) recent: Duration,
    /// Cookies without `Secure` and without the `__Host-` prefix.
    ///
    /// Chromium and Firefox take `Secure` cookies from http://localhost, as nobody can listen in
    /// there; for a browser that does not (Safari), this is the way. Never for a real site.
    pub(crate) has_plain_cookies: bool,
}

impl Options {
    /// Reads the arguments; the error is for the person who gave them.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options::default();
        while let Some(name) = args.next() {
            if name == "--plain-cookies" {
                options.has_plain_cookies = true;
                continue;
            }
            let value = args.next().ok_or(USAGE)?;
            let seconds = || value.parse().map(Duration::from_secs).map_err(|_| USAGE);
            match name.as_str() {
                "--port" => options.port = value.parse().map_err(|_| USAGE)?,
                "--data" => options.directory = value.into(),
                "--idle-secs" => options.idle_timeout = seconds()?,
                "--recent-secs" => options.recent = seconds()?,
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }

    /// How long before its end an open page warns. WCAG 2.2, 2.2.1 wants 20 seconds at least;
    /// a timeout too short for that is for trying the site out.
    pub(crate) fn warning(&self) -> Duration {
        (self.idle_timeout / 2).min(Duration::from_secs(60))
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            port: 8080,
            directory: "web-data".into(),
            idle_timeout: Duration::from_secs(30 * 60),
            recent: Duration::from_secs(5 * 60),
            has_plain_cookies: false,
        }
    }
}

const USAGE: &str = "usage: sessile-web [--port N] [--data DIRECTORY] [--idle-secs N] \
                     [--recent-secs N] [--plain-cookies]";
