//! Help for tests. Exempt from semantic versioning.

mod clock;
pub mod conformance;
mod fault;
pub mod fuzz;
pub mod history;

pub use crate::engine::Held;
pub use clock::ManualClock;
pub use fault::{Counts, Fault, FaultStore, Moment, Op};
