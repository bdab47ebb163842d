//! The tables of the core as enumerations: Python's own `IntEnum`, so that members compare with
//! plain numbers, pickle, and print as people expect.

use std::collections::HashMap;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};
use sessile::{ErrorKind, Reason};

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let kinds = ErrorKind::ALL.iter().map(|kind| (kind.name(), kind.number(), kind.description()));
    add_int_enum(module, "ErrorKind", "What kind of failure an error is.", kinds)?;
    let reasons = Reason::ALL
        .iter()
        .map(|reason| (reason.name(), reason.number().into(), reason.description()));
    add_int_enum(module, "Reason", "Why a token was rejected. For the host's log only.", reasons)
}

/// The member of `sessile.Reason` for a reason.
pub(crate) fn reason_member(py: Python<'_>, reason: Reason) -> PyResult<Bound<'_, PyAny>> {
    static MEMBERS: PyOnceLock<HashMap<u8, Py<PyAny>>> = PyOnceLock::new();
    let members = MEMBERS.get_or_try_init(py, || {
        let class = py.import("sessile._sessile")?.getattr("Reason")?;
        let member = |reason: &Reason| {
            let number = reason.number();
            Ok::<_, PyErr>((number, class.call1((number,))?.unbind()))
        };
        Reason::ALL.iter().map(member).collect::<PyResult<_>>()
    })?;
    match members.get(&reason.number()) {
        Some(member) => Ok(member.bind(py).clone()),
        None => Err(PyKeyError::new_err(reason.number())),
    }
}

/// Adds an `IntEnum` with these rows (name, number, meaning). A member's `__doc__` is its meaning.
fn add_int_enum(
    module: &Bound<'_, PyModule>,
    name: &str,
    doc: &str,
    rows: impl Iterator<Item = (&'static str, u16, &'static str)> + Clone,
) -> PyResult<()> {
    let py = module.py();
    let members = rows.clone().map(|(name, number, _)| (name.to_uppercase(), number));
    let members = PyList::new(py, members.collect::<Vec<_>>())?;
    // Pickle finds the class again through this name.
    let keywords = PyDict::new(py);
    keywords.set_item("module", "sessile")?;
    let int_enum = py.import("enum")?.getattr("IntEnum")?;
    let class = int_enum.call((name, members), Some(&keywords))?;
    class.setattr("__doc__", doc)?;
    for (_, number, meaning) in rows {
        class.call1((number,))?.setattr("__doc__", meaning)?;
    }
    module.add(name, class)
}
