//! Asking to be told.

use pyo3::prelude::*;

use super::Engine;
use crate::events::{Subscription, Watch};
use crate::input::handle;

#[pymethods]
impl Engine {
    /// Tells of what happens to sessions from now on: an iterator of `Event`. A subscriber that
    /// is 8,192 events behind loses the next ones and is told how many.
    fn subscribe(slf: &Bound<'_, Self>) -> PyResult<Subscription> {
        let events = slf.get().detached(slf.py(), sessile::Engine::subscribe)?;
        Ok(Subscription::new(slf.clone().unbind(), events))
    }

    /// Calls `tell(event)` for what happens from now on, in a thread of its own. Closing what
    /// comes back ends that.
    fn on_event<'py>(
        slf: &Bound<'py, Self>,
        tell: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Subscription>> {
        let py = slf.py();
        let events = Bound::new(py, Engine::subscribe(slf)?)?;
        py.import("sessile._events")?.call_method1("tell_each", (&events, tell))?;
        Ok(events)
    }

    /// Watches a session: to close its WebSocket when it ends. A session that is not valid now
    /// has ended already.
    fn watch(slf: &Bound<'_, Self>, session: &Bound<'_, PyAny>) -> PyResult<Watch> {
        let handle = handle(session)?;
        let watch = slf.get().detached(slf.py(), |engine| engine.watch(&handle))?;
        Ok(Watch::new(slf.clone().unbind(), watch))
    }
}
