//! An embedded session engine: it creates, signs, verifies, touches, expires and revokes web
//! sessions in the process of the server that links it.
//!
//! ```
//! use sessile::{CreateOptions, Engine, Verdict};
//!
//! # let directory = tempfile::tempdir()?;
//! # let directory = directory.path().join("sessions");
//! let engine = Engine::open(directory)?;
//! let login = CreateOptions::for_subject("alice")?.device_label("Firefox on Linux");
//! let issued = engine.create(login)?;
//! let cookie_value = issued.token.as_str();
//!
//! match engine.verify(cookie_value)? {
//!     Verdict::Valid(session) => assert_eq!(session.subject().unwrap().as_str(), "alice"),
//!     Verdict::Rejected(reason) => panic!("{reason}"),
//! }
//! engine.revoke(issued.session.handle())?;
//! assert!(!engine.verify(cookie_value)?.is_valid());
//! # engine.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod codec;
mod config;
pub mod cookie;
mod data;
mod engine;
mod error;
mod fork;
mod id;
pub mod jwt;
mod keys;
mod kind;
mod policy;
mod record;
pub mod store;
mod sync;
mod sys;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod token;
mod verdict;

pub use config::{AccessTokens, Config, LIMITS, Limit};
pub use data::{Data, Patch};
pub use engine::{
    AccessOptions, AccessVerdict, ApiKey, ApiKeyOptions, ApiKeyVerdict, Authentication,
    CreateOptions, Engine, Event, EventKind, ForeignAccessVerdict, ImportedRows, Issued,
    IssuedAccess, IssuedApiKey, IssuedSingleUse, Refresh, RefreshGrant, RefreshRequest, Refreshed,
    RefusedLine, Restored, RotateOptions, Session, SessionInfo, SingleUse, SingleUseOptions, Stats,
    Subscription, TickReport, Unsigned, Upgrade, Verdict, Watch,
};
pub use error::{Error, ErrorKind, Result};
pub use fork::note_fork;
pub use id::{Group, Handle, Subject};
pub use keys::{KeyInfo, KeyState, MasterSecret};
pub use policy::{AtLimit, EarlyRefresh, Lifetimes};
pub use record::EndCause;
pub use time::{Clock, SystemClock, Timestamp};
pub use token::{ApiKeyToken, CsrfToken, RefreshToken, SessionToken, SingleUseToken};
pub use verdict::Reason;
