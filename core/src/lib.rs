//! An embedded session engine.

mod cache;
mod codec;
mod keys;
mod policy;
mod record;
mod token;
mod error;
mod id;
pub mod store;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod verdict;

pub use error::{Error, ErrorKind, Result};
pub use id::{Group, Handle, Subject};
pub use time::{Clock, SystemClock, Timestamp};
pub use keys::{KeyInfo, KeyState, MasterSecret};
pub use policy::AtLimit;
pub use record::{Data, EndCause};
pub use token::SessionToken;
pub use verdict::Reason;
