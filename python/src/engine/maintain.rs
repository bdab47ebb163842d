//! Maintenance, figures, and the way out and in.

use std::io::{Read, Write};
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use sessile::Restored;
use sessile::store::Survives;

use super::{Engine, tracked};
use crate::error::{invalid_config, raise};
use crate::output;
use crate::settings::Settings;

#[pymethods]
impl Engine {
    /// What the engine has done so far.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.unforked(py)?;
        let stats = py.detach(|| core.stats());
        let survives = match stats.survives {
            Survives::Nothing => "nothing",
            Survives::ProcessCrash => "process_crash",
            Survives::PowerLoss => "power_loss",
        };
        let fields = (
            stats.store,
            survives,
            stats.cached_sessions,
            stats.cached_bytes,
            stats.cache_hits,
            stats.cache_misses,
            stats.cache_evictions,
            stats.unreadable_records,
            stats.pending_touches,
        );
        output::value(py, "Stats", fields)
    }

    /// Writes pending touches and sweeps expired rows: what the maintenance thread does, for
    /// engines with `threads=False`.
    fn tick<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let report = self.detached(py, sessile::Engine::tick)?;
        let fields = (report.touches_written, report.rows_swept, report.is_more_due);
        output::value(py, "TickReport", fields)
    }

    /// Writes everything in the store to a binary file: sessions, subjects, the sealed keys.
    fn export<'py>(&self, py: Python<'py>, file: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let mut out = PythonFile(file.unbind());
        let summary = self.detached(py, |engine| engine.export(&mut out))?;
        output::value(py, "ExportSummary", (summary.rows, summary.frames, summary.len_bytes))
    }

    /// Opens an engine over an empty directory with what an export holds. Its sessions are
    /// revoked, so that none comes back that was revoked after the export; `sessions="valid"`
    /// leaves them as they were, for a move with nothing revoked in between.
    #[staticmethod]
    #[pyo3(signature = (file, directory, *, sessions="revoked", **settings))]
    fn restore(
        py: Python<'_>,
        file: Bound<'_, PyAny>,
        directory: PathBuf,
        sessions: &str,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<Self>> {
        let restored = match sessions {
            "revoked" => Restored::Revoked,
            "valid" => Restored::Valid,
            _ => return Err(invalid_config(py, "sessions is \"revoked\" or \"valid\"")),
        };
        let settings = Settings::read(py, Some(directory), settings)?;
        let config = settings.config.clone();
        let mut input = PythonFile(file.unbind());
        let core = py
            .detach(|| sessile::Engine::restore(config, &mut input, restored))
            .map_err(|error| raise(py, &error))?;
        tracked(py, Engine::over(core, settings))
    }
}

/// A binary file of Python's.
struct PythonFile(Py<PyAny>);

impl Write for PythonFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Python::attach(|py| {
            let written = self.0.call_method1(py, "write", (PyBytes::new(py, bytes),))?;
            // An unbuffered file may take less, and says `None` when it would block.
            Ok(written.extract::<Option<usize>>(py)?.unwrap_or(0).min(bytes.len()))
        })
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Python::attach(|py| Ok(self.0.call_method0(py, "flush").map(drop)?))
    }
}

impl Read for PythonFile {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        Python::attach(|py| {
            let read = self.0.call_method1(py, "read", (bytes.len(),))?;
            let read = read.bind(py).cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
            let len = read.len().min(bytes.len());
            if let (Some(to), Some(from)) = (bytes.get_mut(..len), read.get(..len)) {
                to.copy_from_slice(from);
            }
            Ok(len)
        })
    }
}
