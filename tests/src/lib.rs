//! What several of the integration tests share.

pub mod fixture;
pub mod fuzz;
mod project;
pub mod user_agent;

use std::sync::{Arc, Condvar, Mutex};

use sessile::store::Table;
use sessile::testing::{FaultStore, Moment};

pub use project::{STATIC_LINK_ARGS, build_c_library, project_files, project_root, run};

/// Holds a read of a session back: the row has been read, but the reader does not have it yet.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    holds_next: bool,
    is_held: bool,
}

impl Gate {
    /// A gate, open, before the readers of `store`.
    pub fn before(store: &FaultStore) -> Self {
        let gate = Gate::default();
        let hook = gate.clone();
        store.on_get(move |moment, key| {
            if moment == Moment::After && key.table() == Table::Session {
                hook.pass();
            }
        });
        gate
    }

    /// Holds the next read of a session back.
    pub fn hold_next(&self) {
        self.0.0.lock().unwrap().holds_next = true;
    }

    /// Waits until a read is held back.
    pub fn wait_until_held(&self) {
        let state = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(state, |state| !state.is_held).unwrap());
    }

    /// Lets it go on.
    pub fn release(&self) {
        self.0.0.lock().unwrap().is_held = false;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let mut state = self.0.0.lock().unwrap();
        if std::mem::take(&mut state.holds_next) {
            state.is_held = true;
            self.0.1.notify_all();
            drop(self.0.1.wait_while(state, |state| state.is_held).unwrap());
        }
    }
}
