//! The engine's errors as exceptions: one class for each kind, all in `sessile.errors`.

use std::error::Error as _;

use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::output::module_errors;

/// The exception for an error of the engine.
#[cold]
pub(crate) fn raise(py: Python<'_>, error: &sessile::Error) -> PyErr {
    let mut message = error.message().to_owned();
    let mut cause = error.source();
    while let Some(source) = cause {
        message = format!("{message}: {source}");
        cause = source.source();
    }
    exception(py, error.kind(), message).unwrap_or_else(|error| error)
}

/// An exception of our own for an argument that the engine cannot even be asked about.
#[cold]
pub(crate) fn invalid_input(py: Python<'_>, message: impl Into<String>) -> PyErr {
    exception(py, sessile::ErrorKind::InvalidInput, message.into()).unwrap_or_else(|error| error)
}

/// The same for a setting.
#[cold]
pub(crate) fn invalid_config(py: Python<'_>, message: impl Into<String>) -> PyErr {
    exception(py, sessile::ErrorKind::InvalidConfig, message.into()).unwrap_or_else(|error| error)
}

fn exception(py: Python<'_>, kind: sessile::ErrorKind, message: String) -> PyResult<PyErr> {
    let class = module_errors(py)?.getattr("class_of")?.call1((kind.number(),))?;
    Ok(PyErr::from_type(class.cast_into::<PyType>()?, message))
}
