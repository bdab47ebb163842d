//! The native part of the Python package `sessile`: the boundary, and nothing else.
//!
//! One file for each noun. Two rules hold everywhere:
//!
//! - Who holds the interpreter's lock (the GIL) never waits for a lock of the engine or for the
//!   disk: whatever may wait is done detached. So a thread of the engine that needs the GIL, to
//!   log say, can wait for it without a deadlock.
//! - The engine never calls Python for the time: a `clock` of the host's is read before each
//!   call, with the GIL, and the engine goes by what it said.

mod clock;
mod engine;
mod error;
mod events;
mod fork;
mod input;
mod logging;
mod output;
mod session;
mod settings;
mod tables;

use pyo3::prelude::*;

/// The native part of sessile. Import `sessile`, not this.
#[pymodule(gil_used = false)]
fn _sessile(module: &Bound<'_, PyModule>) -> PyResult<()> {
    fork::watch();
    logging::install();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<engine::Access>()?;
    module.add_class::<events::Subscription>()?;
    module.add_class::<events::Watch>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<session::Issued>()?;
    module.add_class::<session::Rejected>()?;
    tables::add_to(module)
}
