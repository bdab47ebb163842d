//! What the engine keeps of another maker's sessions.

use serde::{Deserialize, Serialize};

use crate::id::Handle;
use crate::time::Timestamp;

/// What a foreign id leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ForeignRecord {
    /// In the group of the id: where the note of its session is, that is in the session's group.
    /// Never changes.
    Pointer { session: Handle },
    /// In the group of its session: which one it is, and whether anybody has its token.
    Note { session: Handle, redeemed: Option<Redeemed> },
}

/// That a foreign id was given a session for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redeemed {
    /// The last time; requests that came side by side count as one.
    pub(crate) at: Timestamp,
    /// How often.
    pub(crate) times: u32,
}
