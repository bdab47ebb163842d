//! Subscriptions and watches.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use sessile::{EndCause, EventKind, Handle, Reason, Timestamp};

use crate::engine::Engine;
use crate::error::raise;
use crate::input::maybe_duration;
use crate::output::{self, datetime, maybe_datetime};
use crate::tables::reason_member;

/// For how long a wait goes without looking for Ctrl-C and for the engine's end.
const SLICE: Duration = Duration::from_millis(250);

/// The events of an engine, in order for each session. As an iterator it waits for the next one,
/// and ends when it or the engine is closed.
#[pyclass(frozen, module = "sessile")]
pub(crate) struct Subscription {
    engine: Py<Engine>,
    /// `None` once closed.
    events: Mutex<Option<sessile::Subscription>>,
}

impl Subscription {
    pub(crate) fn new(engine: Py<Engine>, events: sessile::Subscription) -> Self {
        Subscription { engine, events: Mutex::new(Some(events)) }
    }

    /// The next event; `None`: none came in time, or there is an end of them. Waits without the
    /// GIL, `deadline` at the longest.
    fn wait<'py>(
        &self,
        py: Python<'py>,
        deadline: Option<Instant>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            // Asked before the wait, so that what came before the end is given out.
            let is_closed = self.engine.get().is_closed();
            let (event, is_over) = py.detach(|| {
                let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
                match events.as_mut() {
                    Some(events) => {
                        (events.next_timeout(left.unwrap_or(SLICE).min(SLICE)), is_closed)
                    }
                    None => (None, true),
                }
            });
            if let Some(event) = event {
                return told(py, &event).map(Some);
            }
            if is_over || left.is_some_and(|left| left <= SLICE) {
                return Ok(None);
            }
            py.check_signals()?;
        }
    }
}

#[pymethods]
impl Subscription {
    /// The next event; `None`: none came within `timeout`, or the engine is closed.
    #[pyo3(signature = (timeout=None))]
    fn next<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let deadline = maybe_duration(timeout)?.map(|timeout| Instant::now() + timeout);
        self.wait(py, deadline)
    }

    /// Ends the subscription.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.events.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Whether it or its engine is closed.
    #[getter]
    fn closed(&self, py: Python<'_>) -> bool {
        self.engine.get().is_closed()
            || py.detach(|| self.events.lock().unwrap_or_else(PoisonError::into_inner).is_none())
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.wait(py, None)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) {
        self.close(py);
    }
}

/// Ends when its session does, whatever ends it, but not when that is rotated. Dropping it ends
/// the watching, not the session.
#[pyclass(frozen, module = "sessile")]
pub(crate) struct Watch {
    engine: Py<Engine>,
    watch: sessile::Watch,
}

impl Watch {
    pub(crate) fn new(engine: Py<Engine>, watch: sessile::Watch) -> Self {
        Watch { engine, watch }
    }
}

#[pymethods]
impl Watch {
    /// Why the session ended; `None`: it has not.
    #[getter]
    fn ended<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let reason = py.detach(|| self.watch.ended());
        reason.map(|reason| reason_member(py, reason)).transpose()
    }

    /// Waits until the session ends, and says why; `None`: it did not within `timeout`.
    #[pyo3(signature = (timeout=None))]
    fn wait<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let deadline = maybe_duration(timeout)?.map(|timeout| Instant::now() + timeout);
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let slice = left.unwrap_or(SLICE).min(SLICE);
            if let Some(reason) = py.detach(|| self.watch.wait_timeout(slice)) {
                return reason_member(py, reason).map(Some);
            }
            if left.is_some_and(|left| left <= SLICE) {
                return Ok(None);
            }
            if self.engine.get().is_closed() {
                let message = "the engine is closed: nobody can say when the session ends";
                return Err(raise(py, &sessile::Error::new(sessile::ErrorKind::Closed, message)));
            }
            py.check_signals()?;
        }
    }

    /// Calls `tell(reason)` once the session has ended: now, if it has. The call comes from the
    /// thread that ends the session or from the engine's own, and must be short.
    fn on_end(&self, py: Python<'_>, tell: Py<PyAny>) {
        py.detach(|| {
            self.watch.on_end(move |reason| {
                // Not at the interpreter's end: then there is nobody to tell.
                Python::try_attach(|py| {
                    if let Err(error) = call(py, &tell, reason) {
                        error.write_unraisable(py, Some(tell.bind(py)));
                    }
                });
            });
        });
    }
}

fn call(py: Python<'_>, tell: &Py<PyAny>, reason: Reason) -> PyResult<()> {
    tell.call1(py, (reason_member(py, reason)?,)).map(drop)
}

/// What an event says, beside what happened and when.
#[derive(Default)]
struct Said<'a> {
    handle: Option<&'a Handle>,
    subject: Option<&'a str>,
    rotated_to: Option<&'a Handle>,
    deadline: Option<Timestamp>,
    cause: Option<&'static str>,
    number: Option<u64>,
}

fn told<'py>(py: Python<'py>, event: &sessile::Event) -> PyResult<Bound<'py, PyAny>> {
    let none = Said::default();
    let of = |handle| Said { handle: Some(handle), ..Said::default() };
    let about =
        |subject| Said { subject: Some(sessile::Subject::as_str(subject)), ..Said::default() };
    let (kind, said) = match &event.kind {
        EventKind::Created { handle, subject } => {
            let subject = subject.as_ref().map(sessile::Subject::as_str);
            ("created", Said { subject, ..of(handle) })
        }
        EventKind::Touched { handle } => ("touched", of(handle)),
        EventKind::ExpiringSoon { handle, deadline } => {
            ("expiring_soon", Said { deadline: Some(*deadline), ..of(handle) })
        }
        EventKind::Expired { handle } => ("expired", of(handle)),
        EventKind::Rotated { from, to, subject } => {
            let subject = subject.as_ref().map(sessile::Subject::as_str);
            ("rotated", Said { rotated_to: Some(to), subject, ..of(from) })
        }
        EventKind::Refreshed { handle, generation } => {
            ("refreshed", Said { number: Some(u64::from(*generation)), ..of(handle) })
        }
        EventKind::Consumed { handle } => ("consumed", of(handle)),
        EventKind::Revoked { handle, cause } => {
            ("revoked", Said { cause: Some(cause_name(*cause)), ..of(handle) })
        }
        EventKind::DataChanged { handle } => ("data_changed", of(handle)),
        EventKind::SubjectRevoked { subject, except } => {
            ("subject_revoked", Said { handle: except.as_ref(), ..about(subject) })
        }
        EventKind::Suspended { subject, until } => {
            ("suspended", Said { deadline: *until, ..about(subject) })
        }
        EventKind::Reinstated { subject } => ("reinstated", about(subject)),
        EventKind::ClaimsChanged { subject } => ("claims_changed", about(subject)),
        EventKind::AllRevoked => ("all_revoked", none),
        EventKind::KeysChanged => ("keys_changed", none),
        EventKind::Missed { count } => ("missed", Said { number: Some(*count), ..none }),
        // One that is newer than this file: what it is about is not known here.
        _ => ("other", none),
    };
    let fields = (
        kind,
        datetime(py, event.at)?,
        said.handle.map(ToString::to_string),
        said.subject,
        said.rotated_to.map(ToString::to_string),
        maybe_datetime(py, said.deadline)?,
        said.cause,
        said.number,
    );
    output::value(py, "Event", fields)
}

fn cause_name(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Revoked => "revoked",
        EndCause::Replaced => "replaced",
        EndCause::Evicted => "evicted",
        EndCause::SubjectRevoked => "subject_revoked",
        EndCause::AllRevoked => "all_revoked",
        EndCause::Suspended => "suspended",
        EndCause::Expired => "expired",
        EndCause::Reuse => "reuse",
        _ => "other",
    }
}
