//! The verbs of session data. Values are JSON, written and read by Python's own `json`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use sessile::{Data, Patch};

use super::Engine;
use crate::error::raise;
use crate::input::handle;
use crate::output::json_module;

#[pymethods]
impl Engine {
    /// The data of a session as they are now, a `dict` of one's own; `None`: it is not valid.
    fn data<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.read(py, session)?.map(|data| decoded(py, &data)).transpose()
    }

    /// What `data` gives, if it is in the cache; `None`: it is not, or the session is not valid.
    fn data_at_once<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let handle = handle(session)?;
        let cached = self.core(py)?.data_at_once(&handle).map_err(|error| raise(py, &error))?;
        cached.map(|data| decoded(py, &data)).transpose()
    }

    /// The data of a session as the bytes that are stored.
    fn data_bytes<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(data) = self.read(py, session)? else { return Ok(None) };
        let values = PyDict::new(py);
        for (name, value) in data.iter() {
            values.set_item(name, PyBytes::new(py, value))?;
        }
        Ok(Some(values))
    }

    /// Changes some of a session's values and leaves the others as they are, so that two requests
    /// never lose each other's. Durable when it returns.
    #[pyo3(signature = (session, set=None, *, remove=None))]
    fn patch(
        &self,
        py: Python<'_>,
        session: &Bound<'_, PyAny>,
        set: Option<&Bound<'_, PyAny>>,
        remove: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let dumps = json_module(py)?.getattr("dumps")?;
        self.change(py, session, set, remove, |value| {
            Ok(dumps.call1((value,))?.extract::<String>()?.into_bytes())
        })
    }

    /// The same with values that are stored as they are.
    #[pyo3(signature = (session, set=None, *, remove=None))]
    fn patch_bytes(
        &self,
        py: Python<'_>,
        session: &Bound<'_, PyAny>,
        set: Option<&Bound<'_, PyAny>>,
        remove: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.change(py, session, set, remove, |value| {
            Ok(value.cast::<PyBytes>()?.as_bytes().to_vec())
        })
    }

    /// Changes a session's data by `change`, which gets them as a `dict` and changes that. It is
    /// called again when another thread was faster, so it should do nothing else. Gives what
    /// `change` returned last.
    fn update<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
        change: Py<PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let handle = handle(session)?;
        let change = &change;
        self.detached(py, |engine| {
            engine.update(&handle, |data| {
                let before = data.clone();
                let result = Python::attach(|py| changed(py, data, change));
                if result.is_err() {
                    // As they were, so that nothing is written but what was there.
                    *data = before;
                }
                result
            })
        })?
    }
}

impl Engine {
    fn read(&self, py: Python<'_>, session: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Data>>> {
        let handle = handle(session)?;
        let cached = self.core(py)?.data_at_once(&handle).map_err(|error| raise(py, &error))?;
        match cached {
            Some(data) => Ok(Some(data)),
            None => self.detached(py, |engine| engine.data(&handle)),
        }
    }

    fn change<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
        set: Option<&Bound<'py, PyAny>>,
        remove: Option<&Bound<'py, PyAny>>,
        encode: impl Fn(&Bound<'py, PyAny>) -> PyResult<Vec<u8>>,
    ) -> PyResult<()> {
        let handle = handle(session)?;
        let mut patch = Patch::new();
        for name in remove.map(|names| names.try_iter()).transpose()?.into_iter().flatten() {
            patch = patch.remove(name?.extract::<String>()?);
        }
        if let Some(set) = set {
            for pair in set.call_method0("items")?.try_iter()? {
                let (name, value) = pair?.extract::<(String, Bound<'py, PyAny>)>()?;
                patch = patch.set(name, encode(&value)?);
            }
        }
        self.detached(py, |engine| engine.patch(&handle, &patch))
    }
}

fn decoded<'py>(py: Python<'py>, data: &Data) -> PyResult<Bound<'py, PyDict>> {
    let json = json_module(py)?;
    let scan = json.getattr("scan")?;
    let values = PyDict::new(py);
    for (name, value) in data.iter() {
        let value = match std::str::from_utf8(value) {
            Ok(text) => {
                let text = PyString::new(py, text);
                match scanned(&scan, &text) {
                    Some(value) => value,
                    // With space around it, or no JSON: then this says what is wrong.
                    None => json.getattr("loads")?.call1((text,))?,
                }
            }
            Err(_) => json.getattr("loads")?.call1((PyBytes::new(py, value),))?,
        };
        values.set_item(name, value)?;
    }
    Ok(values)
}

/// The value of a text that is one JSON value from end to end: several times as fast as `loads`.
fn scanned<'py>(
    scan: &Bound<'py, PyAny>,
    text: &Bound<'py, PyString>,
) -> Option<Bound<'py, PyAny>> {
    let (value, end) = scan.call1((text, 0)).ok()?.extract::<(Bound<'py, PyAny>, usize)>().ok()?;
    (end == text.len().ok()?).then_some(value)
}

/// Lets `change` change the data, and puts only what it changed.
fn changed(py: Python<'_>, data: &mut Data, change: &Py<PyAny>) -> PyResult<Py<PyAny>> {
    let values = decoded(py, data)?;
    let result = change.call1(py, (&values,))?;
    let dumps = json_module(py)?.getattr("dumps")?;
    *data = Data::new();
    for (name, value) in &values {
        let text: String = dumps.call1((value,))?.extract()?;
        data.set(name.extract::<String>()?, text);
    }
    Ok(result)
}
