//! The verbs of sessions and of their subjects.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyList;
use sessile::{Authentication, CreateOptions, Lifetimes, RefreshGrant, RotateOptions, SessionInfo};

use super::Engine;
use crate::error::raise;
use crate::input::{handle, maybe_duration, moment, token};
use crate::output::{self, datetime, maybe_datetime};
use crate::session::{Issued, verdict};
use crate::settings::preset;

#[pymethods]
impl Engine {
    /// Creates a session and signs its token; durable when it returns.
    ///
    /// `retire` is the token that the client presented, whatever it is: its session is ended once
    /// the new one is there. It is never taken over.
    #[pyo3(signature = (subject=None, *, retire=None, idle_timeout=None, absolute_lifetime=None,
        lifetimes=None, device_label=None, not_before=None, refresh=None, amr=None, acr=None))]
    #[allow(clippy::too_many_arguments)]
    fn create<'py>(
        &self,
        py: Python<'py>,
        subject: Option<&str>,
        retire: Option<&Bound<'py, PyAny>>,
        idle_timeout: Option<&Bound<'py, PyAny>>,
        absolute_lifetime: Option<&Bound<'py, PyAny>>,
        lifetimes: Option<&Bound<'py, PyAny>>,
        device_label: Option<String>,
        not_before: Option<&Bound<'py, PyAny>>,
        refresh: Option<&Bound<'py, PyAny>>,
        amr: Option<Vec<String>>,
        acr: Option<String>,
    ) -> PyResult<Bound<'py, Issued>> {
        let mut options = match subject {
            Some(subject) => {
                CreateOptions::for_subject(subject).map_err(|error| raise(py, &error))?
            }
            None => CreateOptions::anonymous(),
        };
        let grant = refresh.map(refresh_grant).transpose()?.flatten();
        let base = if grant.is_some() { Lifetimes::REFRESH } else { self.lifetimes() };
        if let Some(given) = some_lifetimes(base, lifetimes, idle_timeout, absolute_lifetime)? {
            options = options.lifetimes(given);
        }
        if let Some(grant) = grant {
            options = options.refreshable(grant);
        }
        if let Some(presented) = retire {
            options = options.retire(&token(presented)?);
        }
        if let Some(label) = device_label {
            options = options.device_label(label);
        }
        if let Some(start) = not_before {
            options = options.not_before(moment(start)?);
        }
        options = options.authentication(Authentication { amr: amr.unwrap_or_default(), acr });
        issued(py, self.detached(py, |engine| engine.create(options))?)
    }

    /// Says whether `token` names a session that is valid now, and notes that its client was
    /// here: a `Session`, which counts as true, or a `Rejected`, which counts as false.
    fn verify<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core(py)?;
        let token = crate::input::token(token)?;
        // A cached session is found under the GIL: giving that up and taking it again costs as
        // much as the search. What has to ask the store does so without.
        match core.verify_at_once(&token) {
            Ok(Some(found)) => verdict(py, found),
            Ok(None) => verdict(py, self.detached(py, |engine| engine.verify(&token))?),
            Err(error) => Err(raise(py, &error)),
        }
    }

    /// What `verify` says, if it can say so without waiting for the store; `None`: it cannot.
    fn verify_at_once<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.core(py)?.verify_at_once(&crate::input::token(token)?);
        found.map_err(|error| raise(py, &error))?.map(|found| verdict(py, found)).transpose()
    }

    /// Says what `verify` would, without a touch: for polls and countdowns that must not keep a
    /// session alive.
    fn peek<'py>(&self, py: Python<'py>, token: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core(py)?;
        let token = crate::input::token(token)?;
        match core.peek_at_once(&token) {
            Ok(Some(found)) => verdict(py, found),
            Ok(None) => verdict(py, self.detached(py, |engine| engine.peek(&token))?),
            Err(error) => Err(raise(py, &error)),
        }
    }

    /// Notes that the client of a session was here, as `verify` does: for a WebSocket in use.
    /// Says whether the session is valid.
    fn touch(&self, py: Python<'_>, session: &Bound<'_, PyAny>) -> PyResult<bool> {
        let handle = handle(session)?;
        self.detached(py, |engine| engine.touch(&handle))
    }

    /// Gives a session a new handle and token; the old token answers, read-only, for a grace.
    #[pyo3(signature = (session, *, device_label=None, grace=None, lifetimes=None,
        idle_timeout=None, absolute_lifetime=None))]
    #[allow(clippy::too_many_arguments)]
    fn rotate<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
        device_label: Option<String>,
        grace: Option<&Bound<'py, PyAny>>,
        lifetimes: Option<&Bound<'py, PyAny>>,
        idle_timeout: Option<&Bound<'py, PyAny>>,
        absolute_lifetime: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Issued>> {
        let lifetimes =
            some_lifetimes(self.lifetimes(), lifetimes, idle_timeout, absolute_lifetime)?;
        let grace = maybe_duration(grace)?;
        self.rotate_as(py, session, RotateOptions::new(), device_label, grace, lifetimes)
    }

    /// Makes an anonymous session one of `subject`, who has just proved who it is: a rotation
    /// that keeps the session's data.
    #[pyo3(signature = (session, subject, *, amr=None, acr=None, device_label=None, grace=None,
        lifetimes=None, idle_timeout=None, absolute_lifetime=None))]
    #[allow(clippy::too_many_arguments)]
    fn log_in<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
        subject: &str,
        amr: Option<Vec<String>>,
        acr: Option<String>,
        device_label: Option<String>,
        grace: Option<&Bound<'py, PyAny>>,
        lifetimes: Option<&Bound<'py, PyAny>>,
        idle_timeout: Option<&Bound<'py, PyAny>>,
        absolute_lifetime: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Issued>> {
        let lifetimes =
            some_lifetimes(self.lifetimes(), lifetimes, idle_timeout, absolute_lifetime)?;
        let options = RotateOptions::log_in(subject).map_err(|error| raise(py, &error))?;
        let proof = Authentication { amr: amr.unwrap_or_default(), acr };
        let options = options.authentication(proof);
        self.rotate_as(py, session, options, device_label, maybe_duration(grace)?, lifetimes)
    }

    /// Notes that the session's subject has just proved again who it is: a rotation after which
    /// the absolute deadline begins anew.
    #[pyo3(signature = (session, *, amr=None, acr=None))]
    fn reauthenticate<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
        amr: Option<Vec<String>>,
        acr: Option<String>,
    ) -> PyResult<Bound<'py, Issued>> {
        let handle = handle(session)?;
        let proof = Authentication { amr: amr.unwrap_or_default(), acr };
        issued(py, self.detached(py, |engine| engine.reauthenticate(&handle, proof))?)
    }

    /// Ends a session, and what it was rotated to. Every verification that starts after this
    /// returned rejects it. Says whether it was valid until now.
    fn revoke(&self, py: Python<'_>, session: &Bound<'_, PyAny>) -> PyResult<bool> {
        let handle = handle(session)?;
        self.detached(py, |engine| engine.revoke(&handle))
    }

    /// Ends every session of `subject`, but `except_` if given: one durable write, however many
    /// sessions there are.
    #[pyo3(signature = (subject, *, except_=None))]
    fn revoke_subject(
        &self,
        py: Python<'_>,
        subject: &str,
        except_: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let except = except_.map(handle).transpose()?;
        self.detached(py, |engine| engine.revoke_subject(subject, except.as_ref()))
    }

    /// Ends every session of the store: the answer to a leaked secret.
    fn revoke_all(&self, py: Python<'_>) -> PyResult<()> {
        self.detached(py, sessile::Engine::revoke_all)
    }

    /// Lets no session of `subject` verify or be created, until that moment or until
    /// `reinstate`.
    #[pyo3(signature = (subject, until=None))]
    fn suspend(
        &self,
        py: Python<'_>,
        subject: &str,
        until: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let until = until.map(moment).transpose()?;
        self.detached(py, |engine| engine.suspend(subject, until))
    }

    /// Ends a suspension; sessions that were not revoked verify again.
    fn reinstate(&self, py: Python<'_>, subject: &str) -> PyResult<()> {
        self.detached(py, |engine| engine.reinstate(subject))
    }

    /// Says that what `subject` may do has changed: sessions stay and tell that their claims are
    /// stale. Gives the new claims version.
    fn bump_claims(&self, py: Python<'_>, subject: &str) -> PyResult<u64> {
        self.detached(py, |engine| engine.bump_claims(subject))
    }

    /// The valid sessions of `subject`, the one used last first.
    fn list<'py>(&self, py: Python<'py>, subject: &str) -> PyResult<Bound<'py, PyList>> {
        let sessions = self.detached(py, |engine| engine.list(subject))?;
        let sessions = sessions.iter().map(|info| session_info(py, info));
        PyList::new(py, sessions.collect::<PyResult<Vec<_>>>()?)
    }

    /// How many valid sessions `subject` has.
    fn count(&self, py: Python<'_>, subject: &str) -> PyResult<usize> {
        self.detached(py, |engine| engine.count(subject))
    }

    /// Whether `subject` has a valid session.
    fn is_active(&self, py: Python<'_>, subject: &str) -> PyResult<bool> {
        self.detached(py, |engine| engine.is_active(subject))
    }
}

impl Engine {
    fn rotate_as<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
        mut options: RotateOptions,
        device_label: Option<String>,
        grace: Option<Duration>,
        lifetimes: Option<Lifetimes>,
    ) -> PyResult<Bound<'py, Issued>> {
        let handle = handle(session)?;
        if let Some(label) = device_label {
            options = options.device_label(label);
        }
        if let Some(grace) = grace {
            options = options.grace(grace);
        }
        if let Some(lifetimes) = lifetimes {
            options = options.lifetimes(lifetimes);
        }
        issued(py, self.detached(py, |engine| engine.rotate_with(&handle, options))?)
    }
}

/// The lifetimes that are given, by a preset's name or one by one over `base`.
fn some_lifetimes(
    base: Lifetimes,
    name: Option<&Bound<'_, PyAny>>,
    idle_timeout: Option<&Bound<'_, PyAny>>,
    absolute_lifetime: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Lifetimes>> {
    let base = name.map(preset).transpose()?.unwrap_or(base);
    let idle_timeout = maybe_duration(idle_timeout)?;
    let absolute_lifetime = maybe_duration(absolute_lifetime)?;
    if name.is_none() && idle_timeout.is_none() && absolute_lifetime.is_none() {
        return Ok(None);
    }
    Ok(Some(Lifetimes {
        idle_timeout: idle_timeout.unwrap_or(base.idle_timeout),
        absolute_lifetime: absolute_lifetime.unwrap_or(base.absolute_lifetime),
    }))
}

/// `True`, or a `sessile.RefreshGrant`.
fn refresh_grant(given: &Bound<'_, PyAny>) -> PyResult<Option<RefreshGrant>> {
    if let Ok(is_wanted) = given.extract::<bool>() {
        return Ok(is_wanted.then(RefreshGrant::new));
    }
    let mut grant = RefreshGrant::new();
    if let Some(client) = given.getattr("client")?.extract::<Option<String>>()? {
        grant = grant.client(client);
    }
    grant = grant.scopes(given.getattr("scopes")?.extract::<Vec<String>>()?);
    Ok(Some(grant.audiences(given.getattr("audiences")?.extract::<Vec<String>>()?)))
}

fn issued(py: Python<'_>, issued: sessile::Issued) -> PyResult<Bound<'_, Issued>> {
    Bound::new(py, Issued::new(issued))
}

fn session_info<'py>(py: Python<'py>, info: &SessionInfo) -> PyResult<Bound<'py, PyAny>> {
    let fields = (
        info.handle.to_string(),
        info.device_label.as_deref(),
        datetime(py, info.created)?,
        datetime(py, info.last_seen)?,
        maybe_datetime(py, info.authenticated_at)?,
        info.authentication.amr.clone(),
        info.authentication.acr.as_deref(),
        datetime(py, info.idle_deadline)?,
        datetime(py, info.absolute_deadline)?,
    );
    output::value(py, "SessionInfo", fields)
}
