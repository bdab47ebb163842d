//! Verifying what a request brings, and the cookies of a response.

use pyo3::prelude::*;

use super::Engine;
use crate::error::raise;
use crate::session::{Issued, Session, verdict};

#[pymethods]
impl Engine {
    /// Verifies the session cookie of a request's `Cookie` headers (one `str` or `bytes`, several,
    /// or `None`); `None`: it has none.
    fn verify_cookies<'py>(
        &self,
        py: Python<'py>,
        headers: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let core = self.core(py)?;
        let headers = crate::input::headers(headers)?;
        let mut candidates = core.cookies().candidates(&headers);
        match (candidates.next().map(std::str::from_utf8), candidates.next()) {
            (None, _) => return Ok(None),
            (Some(Ok(only)), None) => {
                if let Some(found) = core.verify_at_once(only).map_err(|e| raise(py, &e))? {
                    return verdict(py, found).map(Some);
                }
            }
            _ => {}
        }
        let found = self.detached(py, |engine| engine.verify_cookies(&headers))?;
        found.map(|found| verdict(py, found)).transpose()
    }

    /// Says what `verify_cookies` would, without a touch.
    fn peek_cookies<'py>(
        &self,
        py: Python<'py>,
        headers: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let headers = crate::input::headers(headers)?;
        let found = self.detached(py, |engine| engine.peek_cookies(&headers))?;
        found.map(|found| verdict(py, found)).transpose()
    }

    /// Verifies the session token of an `Authorization: Bearer` header; `None`: it is no such
    /// header.
    fn verify_bearer<'py>(
        &self,
        py: Python<'py>,
        header: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(header) = header.map(crate::input::header).transpose()?.flatten() else {
            return Ok(None);
        };
        let Some(token) = sessile::cookie::bearer(&header) else { return Ok(None) };
        let core = self.core(py)?;
        if let Some(found) = core.verify_at_once(token).map_err(|error| raise(py, &error))? {
            return verdict(py, found).map(Some);
        }
        verdict(py, self.detached(py, |engine| engine.verify(token))?).map(Some)
    }

    /// The token of an `Authorization: Bearer` header (RFC 6750, 2.1); `None`: it is no such
    /// header.
    fn bearer_token(&self, header: Option<&Bound<'_, PyAny>>) -> PyResult<Option<String>> {
        let header = header.map(crate::input::header).transpose()?.flatten();
        Ok(header.as_deref().and_then(sessile::cookie::bearer).map(str::to_owned))
    }

    /// The `Set-Cookie` values for a session that was just created or rotated: the session
    /// cookie and its companion for scripts.
    fn set_cookies(&self, py: Python<'_>, issued: &Issued) -> PyResult<[String; 2]> {
        self.core(py)?.set_cookies(issued.core()).map_err(|error| raise(py, &error))
    }

    /// The `Set-Cookie` values for the response to a request of `session`: the companion, and
    /// the session cookie itself when it is time to renew it.
    fn renew_cookies(&self, py: Python<'_>, session: &Session) -> PyResult<Vec<String>> {
        self.core(py)?.renew_cookies(session.core()).map_err(|error| raise(py, &error))
    }

    /// The `Set-Cookie` values that make the browser forget both cookies: after a revoke, and for
    /// a token that was rejected. Never after an error.
    fn clear_cookies(&self) -> [String; 2] {
        self.core.clear_cookies()
    }

    /// The values of the session cookies in a request's `Cookie` headers, four at most: what may
    /// be a token of ours.
    fn cookie_values(&self, headers: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
        let headers = crate::input::headers(headers)?;
        let values = self.core.cookies().candidates(&headers);
        Ok(values.filter_map(|value| std::str::from_utf8(value).ok()).map(str::to_owned).collect())
    }

    /// The names of the session cookie and of its companion.
    #[getter]
    fn cookie_names(&self) -> (&str, &str) {
        (self.core.cookies().name(), self.core.cookies().companion_name())
    }
}
