//! What verification answers: a session, or a rejection that counts as false.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyDelta};

use crate::input::duration;
use crate::output::{datetime, maybe_datetime, token};
use crate::tables::reason_member;

/// A session that was valid at the moment of the call. Counts as true.
#[pyclass(frozen, module = "sessile")]
pub(crate) struct Session(sessile::Session);

/// A new session and the tokens that go to the client.
#[pyclass(frozen, module = "sessile")]
pub(crate) struct Issued(sessile::Issued);

/// A token that is not valid, or no longer. Counts as false.
#[pyclass(frozen, module = "sessile")]
pub(crate) struct Rejected(sessile::Reason);

impl From<sessile::Session> for Session {
    fn from(session: sessile::Session) -> Self {
        Session(session)
    }
}

impl Session {
    pub(crate) fn core(&self) -> &sessile::Session {
        &self.0
    }
}

impl Issued {
    pub(crate) fn new(issued: sessile::Issued) -> Self {
        Issued(issued)
    }

    pub(crate) fn core(&self) -> &sessile::Issued {
        &self.0
    }
}

/// The Python object of a verdict.
#[inline]
pub(crate) fn verdict(py: Python<'_>, verdict: sessile::Verdict) -> PyResult<Bound<'_, PyAny>> {
    match verdict {
        sessile::Verdict::Valid(session) => Ok(Bound::new(py, Session(session))?.into_any()),
        sessile::Verdict::Rejected(reason) => rejected(py, reason),
    }
}

/// The Python object of a rejection.
pub(crate) fn rejected(py: Python<'_>, reason: sessile::Reason) -> PyResult<Bound<'_, PyAny>> {
    Ok(Bound::new(py, Rejected(reason))?.into_any())
}

#[pymethods]
impl Session {
    /// Its public name, 24 characters: for lists, logs and URLs. Knowing it grants nothing.
    #[getter]
    fn handle(&self) -> String {
        self.0.handle().to_string()
    }

    /// Whose it is; `None`: anonymous.
    #[getter]
    fn subject(&self) -> Option<&str> {
        self.0.subject().map(sessile::Subject::as_str)
    }

    /// When it was created; rotations do not change it.
    #[getter]
    fn created<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        datetime(py, self.0.created())
    }

    /// When the subject proved who it is last; `None`: anonymous.
    #[getter]
    fn authenticated_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        maybe_datetime(py, self.0.authenticated_at())
    }

    /// When the client was seen last, this call included if it touches.
    #[getter]
    fn last_seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        datetime(py, self.0.last_seen())
    }

    /// Unused until then, it ends.
    #[getter]
    fn idle_deadline<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        datetime(py, self.0.idle_deadline())
    }

    /// It ends then, used or not.
    #[getter]
    fn absolute_deadline<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        datetime(py, self.0.absolute_deadline())
    }

    /// How long it has left if it is not used again.
    #[getter]
    fn time_left<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDelta>> {
        self.0.time_left().into_pyobject(py)
    }

    /// The engine's time at the call.
    #[getter]
    fn verified_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        datetime(py, self.0.verified_at())
    }

    /// Whether the policy wants a rotation now.
    #[getter]
    fn is_rotation_due(&self) -> bool {
        self.0.is_rotation_due()
    }

    /// The same session's token under the active key, when the presented one is under an older
    /// key. `Engine.renew_cookies` sets it.
    #[getter]
    fn renewed_token<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.renewed_token().map(|renewed| token(py, "session", renewed.as_str())).transpose()
    }

    /// The handle that is good now, when the presented token is from before a rotation and
    /// answers for its grace only. Such a session is read-only.
    #[getter]
    fn rotated_to(&self) -> Option<String> {
        self.0.rotated_to().map(ToString::to_string)
    }

    /// The subject's claims version when the session was issued.
    #[getter]
    fn claims_version(&self) -> u64 {
        self.0.claims_version()
    }

    /// Whether the subject's claims (roles, say) have changed since the session was issued: load
    /// them anew, and rotate.
    #[getter]
    fn are_claims_stale(&self) -> bool {
        self.0.are_claims_stale()
    }

    /// Always `None`: so that a verdict has a reason whatever it is.
    #[getter]
    fn reason(&self) -> Option<bool> {
        None
    }

    /// Whether the subject proved who it is less than `period` ago.
    fn is_authenticated_within(&self, period: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.0.is_authenticated_within(duration(period)?))
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __eq__(&self, other: &Self) -> bool {
        (self.0.handle(), self.0.verified_at()) == (other.0.handle(), other.0.verified_at())
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.handle().hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        match self.0.subject() {
            Some(subject) => format!("<Session {} of {:?}>", self.0.handle(), subject.as_str()),
            None => format!("<Session {}, anonymous>", self.0.handle()),
        }
    }
}

#[pymethods]
impl Issued {
    /// The token: `Engine.set_cookies` puts it into a cookie.
    #[getter]
    fn token<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        token(py, "session", self.0.token.as_str())
    }

    /// The session.
    #[getter]
    fn session(&self) -> Session {
        Session(self.0.session.clone())
    }

    /// The refresh token, if the session was created with `refresh`.
    #[getter]
    fn refresh_token<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let refresh = self.0.refresh_token.as_ref();
        refresh.map(|refresh| token(py, "refresh", refresh.as_str())).transpose()
    }

    fn __repr__(&self) -> String {
        format!("<Issued {}>", self.session().__repr__())
    }
}

#[pymethods]
impl Rejected {
    #[new]
    fn from_reason(reason: u8) -> PyResult<Self> {
        let known = sessile::Reason::ALL.iter().find(|known| known.number() == reason);
        known.map(|reason| Rejected(*reason)).ok_or_else(|| {
            pyo3::exceptions::PyValueError::new_err(format!("no reason has the number {reason}"))
        })
    }

    #[classattr]
    fn __match_args__() -> (&'static str,) {
        ("reason",)
    }

    /// Why. For the log of the host: a client is told "401" and no more.
    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        reason_member(py, self.0)
    }

    fn __bool__(&self) -> bool {
        false
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __hash__(&self) -> u64 {
        self.0.number().into()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, (u8,)) {
        (py.get_type::<Self>().into_any(), (self.0.number(),))
    }

    fn __repr__(&self) -> String {
        format!("<Rejected: {}>", self.0)
    }
}
