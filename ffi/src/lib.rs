//! The C library of sessile: the boundary, and nothing else.
//!
//! Every function that C sees is short and goes through [`boundary`]. The header,
//! `include/sessile.h`, is made from these sources by `make header`; the constants in it come
//! from the tables of the core.

mod boundary;
mod status;
mod version;

pub use status::{sessile_reason_name, sessile_status_name};
pub use version::{sessile_version, sessile_version_number};
