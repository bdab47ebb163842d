//! The C library of sessile: the boundary, and nothing else.
//!
//! Every function that C sees is short and goes through [`boundary`]. The header,
//! `include/sessile.h`, is made from these sources by `make header`; the constants in it come
//! from the tables of the core.

#![allow(non_camel_case_types, reason = "types have the names that C has for them")]
#![allow(clippy::missing_safety_doc, reason = "the header says it for all functions at once")]

mod access;
mod api_key;
mod boundary;
mod bytes;
mod callback;
mod config;
mod config_access;
mod config_cookies;
mod cookies;
mod create;
mod data;
mod engine;
mod error;
mod events;
mod fork;
mod handle;
mod keys;
mod list;
mod log;
#[cfg(test)]
mod panics;
mod refresh;
mod revoke;
mod rotate;
mod session;
mod signed;
mod single_use;
mod status;
mod tokens;
mod transfer;
mod version;
mod versioned;
mod watch;

pub use access::*;
pub use api_key::*;
pub use bytes::*;
pub use callback::*;
pub use config::*;
pub use config_access::*;
pub use config_cookies::*;
pub use cookies::*;
pub use create::*;
pub use data::*;
pub use engine::*;
pub use error::*;
pub use events::*;
pub use handle::*;
pub use keys::*;
pub use list::*;
pub use log::*;
pub use refresh::*;
pub use revoke::*;
pub use rotate::*;
pub use session::*;
pub use signed::*;
pub use single_use::*;
pub use status::*;
pub use tokens::*;
pub use transfer::*;
pub use version::*;
pub use watch::*;
