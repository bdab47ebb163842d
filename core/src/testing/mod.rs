//! Help for tests. Exempt from semantic versioning.

pub mod fuzz;
