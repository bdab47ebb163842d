//! A clock of the host's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use sessile::{Clock, Timestamp};

use crate::input::moment;

/// A Python callable that gives the time, as seconds since 1970 or as an aware `datetime`. It is
/// read before each call of the engine; between calls the engine's time stands still.
pub(crate) struct HostClock {
    callable: Py<PyAny>,
    reading: Arc<AtomicU64>,
}

/// The engine's side: what the callable said last.
pub(crate) struct Reading(Arc<AtomicU64>);

impl HostClock {
    /// Reads `callable` once, so that one that does not work is noticed at once.
    pub(crate) fn new(callable: &Bound<'_, PyAny>) -> PyResult<Self> {
        let clock = HostClock { callable: callable.clone().unbind(), reading: Arc::default() };
        clock.read(callable.py())?;
        Ok(clock)
    }

    /// What the engine is to go by.
    pub(crate) fn reading(&self) -> Reading {
        Reading(self.reading.clone())
    }

    /// Asks the callable what time it is. What it raises is raised by the call that asked.
    pub(crate) fn read(&self, py: Python<'_>) -> PyResult<()> {
        let now = moment(&self.callable.call0(py)?.into_bound(py))?;
        self.reading.store(now.as_millis(), Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        HostClock { callable: self.callable.clone_ref(py), reading: Arc::default() }
    }
}

impl Clock for Reading {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}
