//! The verbs of tokens that live for once: refresh tokens, single-use tokens, signed values,
//! tokens against cross-site requests, and whatever a client presents to be looked at or revoked.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sessile::{Reason, Refresh, RefreshRequest, SingleUse, SingleUseOptions, Subject};

use super::Engine;
use super::access::issued_access;
use crate::error::raise;
use crate::input::{duration, handle, token};
use crate::output::{self, datetime, json_module};
use crate::session::{Session, rejected};

#[pymethods]
impl Engine {
    /// Takes a refresh token and gives the next, in one durable commit: a `Refreshed`, or a
    /// `Rejected`. A token that was used before ends its session.
    #[pyo3(signature = (token, *, client=None, scopes=None, audiences=None))]
    fn refresh<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
        client: Option<String>,
        scopes: Option<Vec<String>>,
        audiences: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let token = crate::input::token(token)?;
        let mut request = RefreshRequest::new();
        if let Some(client) = client {
            request = request.client(client);
        }
        if let Some(scopes) = scopes {
            request = request.scopes(scopes);
        }
        if let Some(audiences) = audiences {
            request = request.audiences(audiences);
        }
        let (refreshed, is_replay) =
            match self.detached(py, |engine| engine.refresh(&token, &request))? {
                Refresh::Rotated(refreshed) => (refreshed, false),
                Refresh::Replayed(refreshed) => (refreshed, true),
                Refresh::Rejected(reason) => return rejected(py, reason),
            };
        let access =
            refreshed.access.as_ref().map(|access| issued_access(py, access)).transpose()?;
        let fields = (
            output::token(py, "refresh", refreshed.refresh_token.as_str())?,
            access,
            Bound::new(py, Session::from(refreshed.session))?,
            refreshed.generation,
            refreshed.scopes,
            refreshed.audiences,
            is_replay,
        );
        output::value(py, "Refreshed", fields)
    }

    /// Notes that the client presented something that it got with this generation: for hosts that
    /// mint access tokens of their own.
    fn confirm_refresh(
        &self,
        py: Python<'_>,
        session: &Bound<'_, PyAny>,
        generation: u32,
    ) -> PyResult<()> {
        let handle = handle(session)?;
        self.unforked(py)?.confirm_refresh(&handle, generation);
        Ok(())
    }

    /// Makes a token that can be used once, for one purpose: for the link of a mail. 15 minutes
    /// unless `lifetime` says otherwise.
    #[pyo3(signature = (purpose, *, subject=None, payload=None, lifetime=None, supersede=false))]
    fn issue_single_use<'py>(
        &self,
        py: Python<'py>,
        purpose: &str,
        subject: Option<&str>,
        payload: Option<&[u8]>,
        lifetime: Option<&Bound<'py, PyAny>>,
        supersede: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut options = SingleUseOptions::new(purpose).payload(payload.unwrap_or_default());
        if let Some(subject) = subject {
            options = options.subject(subject).map_err(|error| raise(py, &error))?;
        }
        if let Some(lifetime) = lifetime {
            options = options.lifetime(duration(lifetime)?);
        }
        if supersede {
            options = options.superseding();
        }
        let issued = self.detached(py, |engine| engine.issue_single_use(&options))?;
        let token = output::token(py, "single_use", issued.token.as_str())?;
        let fields = (token, issued.handle.to_string(), datetime(py, issued.deadline)?);
        output::value(py, "IssuedSingleUse", fields)
    }

    /// Says whether a single-use token is good for `purpose`, and leaves it so: for the page that
    /// a link opens, which mail scanners open, too.
    fn peek_single_use<'py>(
        &self,
        py: Python<'py>,
        purpose: &str,
        token: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let token = crate::input::token(token)?;
        single_use(py, self.detached(py, |engine| engine.peek_single_use(purpose, &token))?)
    }

    /// Uses a single-use token: of all who try, one gets the `SingleUse`, all others `Rejected`.
    fn consume<'py>(
        &self,
        py: Python<'py>,
        purpose: &str,
        token: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let token = crate::input::token(token)?;
        single_use(py, self.detached(py, |engine| engine.consume(purpose, &token))?)
    }

    /// Notes that `session` was created with a token that was used: should that come a second
    /// time, the session is ended.
    fn bind_single_use(
        &self,
        py: Python<'_>,
        used: &Bound<'_, PyAny>,
        session: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (used, session) = (handle(used)?, handle(session)?);
        self.detached(py, |engine| engine.bind_single_use(&used, &session))
    }

    /// Makes a single-use token good no longer. Says whether it was.
    fn revoke_single_use(&self, py: Python<'_>, token: &Bound<'_, PyAny>) -> PyResult<bool> {
        let handle = handle(token)?;
        self.detached(py, |engine| engine.revoke_single_use(&handle))
    }

    /// Signs a value for a purpose. Whoever has the text can read the value and not change it.
    fn sign(&self, py: Python<'_>, purpose: &str, payload: &[u8]) -> PyResult<String> {
        self.unforked(py)?.sign(purpose, payload).map_err(|error| raise(py, &error))
    }

    /// The value of a text that `sign` gave for the same purpose less than `max_age` ago: an
    /// `Unsigned`, or a `Rejected`.
    fn unsign<'py>(
        &self,
        py: Python<'py>,
        purpose: &str,
        text: &Bound<'py, PyAny>,
        max_age: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (text, max_age) = (token(text)?, duration(max_age)?);
        match self.unforked(py)?.unsign(purpose, &text, max_age) {
            Ok(signed) => {
                let payload = PyBytes::new(py, &signed.payload);
                output::value(py, "Unsigned", (payload, datetime(py, signed.signed_at)?))
            }
            Err(reason) => rejected(py, reason),
        }
    }

    /// A token against cross-site requests (CSRF) for the pages of a session. It ends with the
    /// handle: a rotation needs new ones.
    fn csrf_token<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let handle = handle(session)?;
        let made = self.unforked(py)?.csrf_token(&handle).map_err(|error| raise(py, &error))?;
        output::token(py, "csrf", made.as_str())
    }

    /// Whether a request for a session brought a `csrf_token` of it. Verify the session first:
    /// this says nothing of its being valid.
    #[pyo3(signature = (session, presented))]
    fn is_csrf_token(
        &self,
        py: Python<'_>,
        session: &Bound<'_, PyAny>,
        presented: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let handle = handle(session)?;
        let Some(presented) = presented else { return Ok(false) };
        Ok(self.unforked(py)?.is_csrf_token(&handle, &token(presented)?))
    }

    /// What a token is worth (RFC 7662, 2.2): of a session, an access or refresh token or an API
    /// key. Anything else, and what is not good now, is `{"active": False}`.
    fn introspect<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let token = crate::input::token(token)?;
        let text = self.detached(py, |engine| engine.introspect(&token))?;
        json_module(py)?.getattr("loads")?.call1((text,))
    }

    /// Revokes whatever a client presents (RFC 7009).
    fn revoke_presented(&self, py: Python<'_>, token: &Bound<'_, PyAny>) -> PyResult<()> {
        let token = crate::input::token(token)?;
        self.detached(py, |engine| engine.revoke_presented(&token))
    }
}

fn single_use(py: Python<'_>, answer: Result<SingleUse, Reason>) -> PyResult<Bound<'_, PyAny>> {
    let used = match answer {
        Ok(used) => used,
        Err(reason) => return rejected(py, reason),
    };
    let fields = (
        used.handle.to_string(),
        used.subject.as_ref().map(Subject::as_str),
        PyBytes::new(py, &used.payload),
        datetime(py, used.created)?,
        datetime(py, used.deadline)?,
    );
    output::value(py, "SingleUse", fields)
}
