//! The engine's log, handed to Python's `logging`.
//!
//! A few lines of our own: the engine logs on a bad day only, so nothing is gained by caching
//! loggers and levels; and its maintenance thread must neither panic when the interpreter is
//! shutting down nor leave an exception of a host's handler behind.

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;

struct ToPython;

/// From now on the records of the engine go to `logging.getLogger("sessile")` and its children.
pub(crate) fn install() {
    // It fails the second time, in a second interpreter: then the first has it.
    if log::set_logger(&ToPython).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}

impl Log for ToPython {
    /// Ours alone: the store's own library tells what is none of a host's business.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        target == "sessile" || target.starts_with("sessile::")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // Waits for the GIL, which is safe: whoever holds it waits for nothing of the engine's.
        Python::try_attach(|py| {
            // Whatever the caller is in the middle of raising stays as it is.
            let raised = PyErr::take(py);
            if let Err(error) = write(py, record) {
                error.write_unraisable(py, None);
            }
            if let Some(raised) = raised {
                raised.restore(py);
            }
        });
    }

    fn flush(&self) {}
}

fn write(py: Python<'_>, record: &Record<'_>) -> PyResult<()> {
    let level = match record.level() {
        Level::Error => 40,
        Level::Warn => 30,
        Level::Info => 20,
        Level::Debug | Level::Trace => 10,
    };
    let name = record.target().replace("::", ".");
    let logger = py.import("logging")?.call_method1("getLogger", (name,))?;
    // As an argument, so that a `%` in it means nothing.
    logger.call_method1("log", (level, "%s", record.args().to_string()))?;
    Ok(())
}
