//! The verbs of signing keys.

use pyo3::prelude::*;
use pyo3::types::PyList;
use sessile::KeyState;

use super::Engine;
use crate::output::{self, datetime};

#[pymethods]
impl Engine {
    /// The signing keys, oldest first; never their secrets.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let keys = self.unforked(py)?.keys().into_iter().map(|key| {
            let state = match key.state {
                KeyState::Published => "published",
                KeyState::Active => "active",
                KeyState::Verifying => "verifying",
                KeyState::Retired => "retired",
            };
            let since = datetime(py, key.since)?;
            output::value(py, "KeyInfo", (key.id, state, since, key.has_api_keys))
        });
        PyList::new(py, keys.collect::<PyResult<Vec<_>>>()?)
    }

    /// Adds a key that verifies but does not sign yet, and gives its id.
    fn publish_key(&self, py: Python<'_>) -> PyResult<u8> {
        self.detached(py, sessile::Engine::publish_key)
    }

    /// Makes `id` the key that signs. The one that did goes on verifying.
    fn activate_key(&self, py: Python<'_>, id: u8) -> PyResult<()> {
        self.detached(py, |engine| engine.activate_key(id))
    }

    /// Publishes a key and activates it at once. Gives its id.
    fn rotate_key(&self, py: Python<'_>) -> PyResult<u8> {
        self.detached(py, sessile::Engine::rotate_key)
    }

    /// Retires `id`: every token under it is rejected from the moment this returns.
    fn retire_key(&self, py: Python<'_>, id: u8) -> PyResult<()> {
        self.detached(py, |engine| engine.retire_key(id))
    }
}
