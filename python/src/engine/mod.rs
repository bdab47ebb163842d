//! The engine: opening, closing, and how every verb reaches it.

mod access;
mod api_key;
mod cookies;
mod data;
mod events;
mod keys;
mod maintain;
mod session;
mod token;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyResourceWarning, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{invalid_input, raise};
use crate::settings::Settings;

pub(crate) use access::Access;

/// One open store with its caches and keys. Every method may be called from any thread.
///
/// `Engine.open(directory, **settings)` opens the embedded store in `directory`;
/// `Engine.in_memory(**settings)` keeps everything in memory, for tests. The settings are those of
/// `sessile.Settings`. Close it, or use it as a context manager.
#[pyclass(frozen, weakref, module = "sessile")]
pub(crate) struct Engine {
    core: sessile::Engine,
    settings: Settings,
    is_closed: AtomicBool,
}

impl Engine {
    fn open_settings(py: Python<'_>, settings: Settings) -> PyResult<Self> {
        let config = settings.config.clone();
        let core =
            py.detach(|| sessile::Engine::open_with(config)).map_err(|error| raise(py, &error))?;
        Ok(Engine::over(core, settings))
    }

    fn over(core: sessile::Engine, settings: Settings) -> Self {
        Engine { core, settings, is_closed: AtomicBool::new(false) }
    }

    /// Whether it was closed through this object.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// The lifetimes of a session that is given none of its own.
    fn lifetimes(&self) -> sessile::Lifetimes {
        self.settings.lifetimes
    }

    /// The engine, told what time it is if the host has a clock of its own.
    #[inline]
    fn core(&self, py: Python<'_>) -> PyResult<&sessile::Engine> {
        if let Some(clock) = &self.settings.clock {
            clock.read(py)?;
        }
        Ok(&self.core)
    }

    /// The same for verbs that need no store, and so would not notice that the engine is from
    /// before a fork.
    fn unforked(&self, py: Python<'_>) -> PyResult<&sessile::Engine> {
        let core = self.core(py)?;
        core.peek_at_once("").map_err(|error| raise(py, &error))?;
        Ok(core)
    }

    /// What `call` gives, which may wait: without the GIL.
    fn detached<T: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&sessile::Engine) -> sessile::Result<T> + Send,
    ) -> PyResult<T> {
        let core = self.core(py)?;
        py.detach(|| call(core)).map_err(|error| raise(py, &error))
    }
}

#[pymethods]
impl Engine {
    /// Opens the embedded store in `directory`, which is made if it is not there. One process at
    /// a time can have it open.
    #[staticmethod]
    #[pyo3(signature = (directory, **settings))]
    fn open(
        py: Python<'_>,
        directory: PathBuf,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<Self>> {
        let settings = Settings::read(py, Some(directory), settings)?;
        tracked(py, Engine::open_settings(py, settings)?)
    }

    /// An engine that keeps everything in memory: for tests.
    #[staticmethod]
    #[pyo3(signature = (**settings))]
    fn in_memory(py: Python<'_>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Self>> {
        tracked(py, Engine::open_settings(py, Settings::read(py, None, settings)?)?)
    }

    /// Opens the store once more with the same settings: after `close`, or after a failed write
    /// that made the engine refuse all others. While it is open, here or in another process, that
    /// is a `LockedError`.
    ///
    /// Not the way out in the child of a fork: the embedded store cannot be had there once its
    /// parent had it. Open the engine after the fork.
    fn reopen(&self, py: Python<'_>) -> PyResult<Py<Self>> {
        let Settings { config, clock, directory, lifetimes } = &self.settings;
        let Some(directory) = directory else {
            return Err(invalid_input(py, "a store in memory is gone with its engine"));
        };
        let mut config = config.clone();
        let clock = clock.as_ref().map(|clock| clock.clone_ref(py));
        if let Some(clock) = &clock {
            clock.read(py)?;
            config = config.clock(clock.reading());
        }
        let directory = Some(directory.clone());
        let settings = Settings { config, clock, directory, lifetimes: *lifetimes };
        tracked(py, Engine::open_settings(py, settings)?)
    }

    /// Writes what is pending and closes the store. Closing twice is fine.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.is_closed.store(true, Ordering::Relaxed);
        self.detached(py, sessile::Engine::close)
    }

    /// Whether it was closed here.
    #[getter]
    fn closed(&self) -> bool {
        self.is_closed()
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _exception: &Bound<'_, pyo3::types::PyTuple>,
    ) -> PyResult<()> {
        self.close(py)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "an engine cannot be pickled: it is one per process and store. Open one where it is \
             used, or hand handles and tokens over.",
        ))
    }

    fn __repr__(&self) -> String {
        let state = if self.closed() { "closed " } else { "" };
        format!("<{state}Engine over {}>", self.core.stats().store)
    }
}

/// The engine as an object that is closed at the interpreter's exit at the latest.
fn tracked(py: Python<'_>, engine: Engine) -> PyResult<Py<Engine>> {
    let engine = Py::new(py, engine)?;
    py.import("sessile._exit")?.call_method1("track", (&engine,))?;
    Ok(engine)
}

impl Drop for Engine {
    /// Says that it was not closed, as files and sockets do, and closes it.
    fn drop(&mut self) {
        // An engine from before a fork is the parent's to close.
        if self.closed() || self.core.peek_at_once("").is_err() {
            return;
        }
        Python::try_attach(|py| {
            let message = c"an Engine was left open: close it, or use `with`";
            let category = py.get_type::<PyResourceWarning>();
            if let Err(error) = PyErr::warn(py, category.as_any(), message, 1) {
                error.write_unraisable(py, None);
            }
            let _ = py.detach(|| self.core.close());
        });
    }
}
