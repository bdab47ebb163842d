//! What the engine keeps of tokens other than session tokens.

use serde::{Deserialize, Serialize};

use crate::id::{Handle, Subject};
use crate::time::Timestamp;

/// Where the refresh family of a session stands. It costs the same after a million rotations:
/// what came before the last one needs no memory, as every older token is one that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefreshState {
    /// The generation of the token that is good now.
    pub(crate) generation: u32,
    pub(crate) rotated_at: Timestamp,
    /// Whether the client is known to have what was minted in this generation.
    pub(crate) is_confirmed: bool,
    pub(crate) grant: Grant,
}

/// What a refresh family was granted. A refresh may narrow it, never widen it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) client: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) audiences: Vec<String>,
}

/// A single-use token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SingleUseRecord {
    pub(crate) purpose: String,
    pub(crate) subject: Option<Subject>,
    pub(crate) payload: Vec<u8>,
    pub(crate) created: Timestamp,
    pub(crate) deadline: Timestamp,
    /// As a session's.
    pub(crate) issued_seq: u64,
    pub(crate) issued_generation: u64,
    pub(crate) state: SingleUseState,
}

/// Whether a single-use token can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SingleUseState {
    /// It can.
    Fresh,
    /// It was, and this session was created with it.
    Consumed { session: Option<Handle> },
    /// It was, and came a second time.
    Reused,
    /// A newer one of its subject and purpose took its place, or it was revoked.
    Withdrawn,
}

/// An API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiKeyRecord {
    pub(crate) subject: Subject,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) created: Timestamp,
    /// `None`: until it is revoked.
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) last_used: Option<Timestamp>,
    /// As a session's.
    pub(crate) issued_seq: u64,
    pub(crate) issued_generation: u64,
    /// Whether it stays when all sessions of its subject are ended.
    pub(crate) outlives_sessions: bool,
    pub(crate) is_revoked: bool,
}
