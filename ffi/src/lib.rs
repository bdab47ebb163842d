//! The C library of sessile: the boundary, and nothing else.
//!
//! Every function that C sees is short and goes through [`boundary`]. The header,
//! `include/sessile.h`, is made from these sources by `make header`; the constants in it come
//! from the tables of the core.

#![allow(non_camel_case_types, reason = "types have the names that C has for them")]
#![allow(clippy::missing_safety_doc, reason = "the header says it for all functions at once")]

mod boundary;
mod config;
mod config_access;
mod config_cookies;
mod create;
mod engine;
mod error;
mod fork;
mod handle;
mod list;
mod revoke;
mod session;
mod status;
mod tokens;
mod version;
mod versioned;

pub use config::*;
pub use config_access::*;
pub use config_cookies::*;
pub use create::*;
pub use engine::*;
pub use error::*;
pub use handle::*;
pub use list::*;
pub use revoke::*;
pub use session::*;
pub use status::*;
pub use tokens::*;
pub use version::*;
