//! What Python gets back. What is met at every request is native; the rest are data classes of
//! `sessile.values`, made here.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDateTime, PyTuple, PyTzInfo};
use sessile::Timestamp;

pub(crate) fn module_errors<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    Ok(MODULE
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("sessile.errors")?.unbind()))?
        .bind(py))
}

fn module_values<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    Ok(MODULE
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("sessile.values")?.unbind()))?
        .bind(py))
}

/// How JSON is written and read.
pub(crate) fn json_module<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    Ok(MODULE
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("sessile._json")?.unbind()))?
        .bind(py))
}

/// A value of the class `name` of `sessile.values`, from its fields in their order.
pub(crate) fn value<'py, A>(py: Python<'py>, name: &str, fields: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
{
    module_values(py)?.getattr(name)?.call1(fields.into_pyobject(py)?)
}

/// A token, which shows itself to nobody but who asks for it.
pub(crate) fn token<'py>(py: Python<'py>, kind: &str, text: &str) -> PyResult<Bound<'py, PyAny>> {
    value(py, "Token", (kind, text))
}

/// A moment as an aware `datetime` in UTC; what is beyond its range is its end.
pub(crate) fn datetime<'py>(py: Python<'py>, at: Timestamp) -> PyResult<Bound<'py, PyDateTime>> {
    /// The last second of the year 9999.
    const LAST_MS: u64 = 253_402_300_799_000;
    let seconds = at.as_millis().min(LAST_MS) as f64 / 1000.0;
    PyDateTime::from_timestamp(py, seconds, Some(&*PyTzInfo::utc(py)?))
}

/// The same, if there is one.
pub(crate) fn maybe_datetime<'py>(
    py: Python<'py>,
    at: Option<Timestamp>,
) -> PyResult<Option<Bound<'py, PyDateTime>>> {
    at.map(|at| datetime(py, at)).transpose()
}
