//! The verbs of API keys.

use pyo3::prelude::*;
use pyo3::types::PyList;
use sessile::{ApiKey, ApiKeyOptions, ApiKeyVerdict};

use super::Engine;
use crate::error::raise;
use crate::input::{duration, handle};
use crate::output::{self, datetime, maybe_datetime};
use crate::session::rejected;

#[pymethods]
impl Engine {
    /// Makes an API key of `subject`; `name` is for its owner. Its token is shown once.
    #[pyo3(signature = (subject, name, *, scopes=None, lifetime=None, outlives_sessions=false))]
    fn create_api_key<'py>(
        &self,
        py: Python<'py>,
        subject: &str,
        name: &str,
        scopes: Option<Vec<String>>,
        lifetime: Option<&Bound<'py, PyAny>>,
        outlives_sessions: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = ApiKeyOptions::new(subject, name).map_err(|error| raise(py, &error))?;
        let mut options = options.scopes(scopes.unwrap_or_default());
        if let Some(lifetime) = lifetime {
            options = options.lifetime(duration(lifetime)?);
        }
        if outlives_sessions {
            options = options.outliving_sessions();
        }
        let issued = self.detached(py, |engine| engine.create_api_key(&options))?;
        let token = output::token(py, "api_key", issued.token.as_str())?;
        output::value(py, "IssuedApiKey", (token, api_key(py, &issued.key, None)?))
    }

    /// Says whether an API key is good: an `ApiKey`, or a `Rejected`.
    fn verify_api_key<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let token = crate::input::token(token)?;
        match self.detached(py, |engine| engine.verify_api_key(&token))? {
            ApiKeyVerdict::Valid { key, uses_this_minute } => {
                api_key(py, &key, Some(uses_this_minute))
            }
            ApiKeyVerdict::Rejected(reason) => rejected(py, reason),
        }
    }

    /// The API keys of `subject` that are good, the oldest first.
    fn list_api_keys<'py>(&self, py: Python<'py>, subject: &str) -> PyResult<Bound<'py, PyList>> {
        let keys = self.detached(py, |engine| engine.list_api_keys(subject))?;
        let keys = keys.iter().map(|key| api_key(py, key, None));
        PyList::new(py, keys.collect::<PyResult<Vec<_>>>()?)
    }

    /// Ends an API key. Says whether it was good until now.
    fn revoke_api_key(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let handle = handle(key)?;
        self.detached(py, |engine| engine.revoke_api_key(&handle))
    }
}

fn api_key<'py>(
    py: Python<'py>,
    key: &ApiKey,
    uses_this_minute: Option<u32>,
) -> PyResult<Bound<'py, PyAny>> {
    let fields = (
        key.handle.to_string(),
        key.subject.as_str(),
        &key.name,
        &key.scopes,
        datetime(py, key.created)?,
        maybe_datetime(py, key.deadline)?,
        maybe_datetime(py, key.last_used)?,
        uses_this_minute,
    );
    output::value(py, "ApiKey", fields)
}
