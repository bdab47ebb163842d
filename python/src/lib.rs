//! The native part of the Python package `sessile`: the boundary, and nothing else.

mod tables;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

pyo3::create_exception!(
    sessile,
    Error,
    PyException,
    "What every exception of sessile derives from."
);

/// The native part of sessile. Import `sessile`, not this.
#[pymodule]
fn _sessile(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("Error", module.py().get_type::<Error>())?;
    tables::add_to(module)
}
