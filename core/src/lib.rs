//! An embedded session engine.

mod codec;
pub mod cookie;
mod error;
mod id;
pub mod store;
mod sync;
mod time;
mod verdict;

pub use error::{Error, ErrorKind, Result};
pub use id::{Group, Handle, Subject};
pub use time::{Clock, SystemClock, Timestamp};
pub use verdict::Reason;
