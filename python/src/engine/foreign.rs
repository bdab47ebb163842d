//! Moving an old site over: its rows, its cookies, its login tokens.

use std::io::BufReader;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use sessile::Upgrade;
use sessile::cookie::foreign::{self, KeygripHash, Maker};

use super::Engine;
use super::file::PythonFile;
use crate::error::{invalid_config, raise};
use crate::input::{duration, moment};
use crate::output::{self, json_module};
use crate::session::{Issued, rejected};
use crate::settings::preset;

/// The old site: who made its sessions, what is in them, and until when they are taken.
///
/// Made by `Importer.express`, `cookie_session`, `django` or `meteor`. Its other arguments are
/// those of `sessile.ImporterOptions`. Holds the old secrets, and shows them to nobody.
#[pyclass(frozen, module = "sessile")]
pub(crate) struct Importer(foreign::Importer);

#[pymethods]
impl Importer {
    /// express-session, with any connect store. `secrets` are those that the old site signed its
    /// cookies with, text or bytes.
    #[staticmethod]
    #[pyo3(signature = (secrets, *, until, cookie="connect.sid", **options))]
    fn express(
        py: Python<'_>,
        secrets: Vec<Bound<'_, PyAny>>,
        until: &Bound<'_, PyAny>,
        cookie: &str,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let maker = Maker::express(cookie, &bytes_of(&secrets)?);
        made(maker.map_err(|error| raise(py, &error))?, until, options)
    }

    /// cookie-session, whose cookies hold all there is of a session. `hash` is what the old
    /// site's keygrip signed with: `"sha1"`, its default, or `"sha256"`.
    #[staticmethod]
    #[pyo3(signature = (secrets, *, until, cookie="session", hash="sha1", **options))]
    fn cookie_session(
        py: Python<'_>,
        secrets: Vec<Bound<'_, PyAny>>,
        until: &Bound<'_, PyAny>,
        cookie: &str,
        hash: &str,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let hash = match hash {
            "sha1" => KeygripHash::Sha1,
            "sha256" => KeygripHash::Sha256,
            _ => return Err(invalid_config(py, "hash is \"sha1\" or \"sha256\"")),
        };
        let maker = Maker::cookie_session(cookie, &bytes_of(&secrets)?, hash);
        made(maker.map_err(|error| raise(py, &error))?, until, options)
    }

    /// Django, with sessions in its database.
    #[staticmethod]
    #[pyo3(signature = (*, until, cookie="sessionid", **options))]
    fn django(
        py: Python<'_>,
        until: &Bound<'_, PyAny>,
        cookie: &str,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        made(Maker::django(cookie).map_err(|error| raise(py, &error))?, until, options)
    }

    /// Meteor: login tokens, for `Engine.upgrade_login_token`.
    #[staticmethod]
    #[pyo3(signature = (*, until, **options))]
    fn meteor(until: &Bound<'_, PyAny>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        made(Maker::meteor(), until, options)
    }

    /// The session that a genuine pair of cookie-session holds, a `dict`; `None`: there is no
    /// such pair. Asks no store and lets nobody in.
    fn read_pair<'py>(
        &self,
        py: Python<'py>,
        headers: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.0.read_pair(&crate::input::headers(headers)?) {
            None => Ok(None),
            Some(Err(reason)) => rejected(py, reason).map(Some),
            Some(Ok(session)) => {
                let text = serde_json::Value::Object(session).to_string();
                json_module(py)?.getattr("loads")?.call1((text,)).map(Some)
            }
        }
    }

    /// The `Set-Cookie` values that make a browser forget the old site's cookies: to be sent
    /// beside those of the new session.
    fn clear_cookies(&self) -> Vec<String> {
        self.0.clear_cookies()
    }

    fn __repr__(&self) -> &'static str {
        "<Importer>"
    }
}

#[pymethods]
impl Engine {
    /// Imports the sessions of the old site's store from a binary file with one JSON object a
    /// line, and says what became of them. Durable when it returns. A second import of the file
    /// adds what is not known yet. Import while neither site lets anybody in.
    fn import_rows<'py>(
        &self,
        py: Python<'py>,
        importer: &Importer,
        file: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut lines = BufReader::with_capacity(64 << 10, PythonFile(file.unbind()));
        let report = self.detached(py, |engine| engine.import_rows(&importer.0, &mut lines))?;
        let refused = report.refused.into_iter();
        let refused = refused
            .map(|line| output::value(py, "RefusedLine", (line.number, line.why)))
            .collect::<PyResult<Vec<_>>>()?;
        let fields = (
            report.lines,
            report.imported,
            report.known,
            report.expired,
            report.anonymous,
            report.beyond_limit,
            report.refused_count,
            refused,
        );
        output::value(py, "ImportedRows", fields)
    }

    /// Gives the session that the old site's cookie in a request's `Cookie` headers stands for,
    /// once: to be asked after `verify_cookies` found none of ours. An `Issued`, a `Rejected`, or
    /// `None`: there is no such cookie. Durable when it returns.
    fn upgrade_cookies<'py>(
        &self,
        py: Python<'py>,
        importer: &Importer,
        headers: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let given = crate::input::headers(headers)?;
        let upgrade = self.detached(py, |engine| engine.upgrade_cookies(&importer.0, &given))?;
        upgrade.map(|upgrade| upgraded(py, upgrade)).transpose()
    }

    /// The same for a login token of Meteor, which its client has in `Meteor.loginToken`.
    fn upgrade_login_token<'py>(
        &self,
        py: Python<'py>,
        importer: &Importer,
        token: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let token = crate::input::token(token)?;
        upgraded(py, self.detached(py, |engine| engine.upgrade_login_token(&importer.0, &token))?)
    }
}

fn upgraded(py: Python<'_>, upgrade: Upgrade) -> PyResult<Bound<'_, PyAny>> {
    match upgrade {
        Upgrade::Valid(issued) => Ok(Bound::new(py, Issued::new(*issued))?.into_any()),
        Upgrade::Rejected(reason) => rejected(py, reason),
    }
}

/// The importer of a maker, with a `sessile.ImporterOptions`.
fn made(
    maker: Maker,
    until: &Bound<'_, PyAny>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Importer> {
    let mut importer = foreign::Importer::new(maker, moment(until)?);
    for (name, value) in options.into_iter().flatten().filter(|(_, value)| !value.is_none()) {
        importer = match name.extract::<String>()?.as_str() {
            "subject_at" => importer.subject_at(names(&value)?),
            "carry" => importer.carry(names(&value)?),
            "grace" => importer.grace(duration(&value)?),
            "devices_per_pair" => importer.devices_per_pair(value.extract()?),
            "anonymous" if value.extract()? => importer.with_anonymous(),
            "anonymous" => importer,
            "lifetimes" => importer.lifetimes(preset(&value)?),
            other => return Err(PyTypeError::new_err(format!("{other}: there is no such option"))),
        };
    }
    Ok(Importer(importer))
}

/// Several names. One `str` would be taken for its letters.
fn names(value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if value.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("names are a list of str, not one str"));
    }
    value.try_iter()?.map(|name| name?.extract()).collect()
}

fn bytes_of(secrets: &[Bound<'_, PyAny>]) -> PyResult<Vec<Vec<u8>>> {
    let bytes = |secret: &Bound<'_, PyAny>| match secret.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes().to_vec()),
        Err(_) => secret
            .extract::<String>()
            .map(String::into_bytes)
            .map_err(|_| PyTypeError::new_err("the old site's secrets are a list of str or bytes")),
    };
    secrets.iter().map(bytes).collect()
}
