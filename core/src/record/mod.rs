//! What the engine keeps of sessions, subjects and itself: plain data.

mod foreign;
mod tokens;

use serde::{Deserialize, Serialize};

use crate::id::{Handle, Subject};
use crate::time::Timestamp;

pub(crate) use foreign::{ForeignRecord, Redeemed};
pub(crate) use tokens::{ApiKeyRecord, Grant, RefreshState, SingleUseRecord, SingleUseState};

/// A sequence number meaning "the version of the batch that put this row": the store assigns it
/// inside the commit, so that the row cannot name it. See [`resolve`](SessionRecord::resolve).
pub(crate) const OWN_VERSION: u64 = 0;

/// The row of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum SessionRow {
    /// It can be used.
    Live(SessionRecord),
    /// It was rotated.
    Rotated(Rotated),
    /// It was ended, and says so until the row is swept.
    Ended { at: Timestamp, cause: EndCause },
}

impl SessionRow {
    /// Whether there is a data row that goes with it.
    pub(crate) fn has_data(&self) -> bool {
        matches!(self, SessionRow::Live(record) if record.has_data)
    }
}

/// What a rotated session leaves behind: until `until` its token shows the session as it was,
/// and for as long as the row is there a revoke finds the successor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rotated {
    pub(crate) to: Handle,
    pub(crate) until: Timestamp,
    /// As it was, so that a token from before a login never shows the session after it.
    pub(crate) was: SessionRecord,
}

/// The server-side record of a live session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) subject: Option<Subject>,
    pub(crate) created: Timestamp,
    /// When this handle was made; `created` stays over rotations.
    pub(crate) issued: Timestamp,
    /// [`OWN_VERSION`] until the row is put a second time.
    pub(crate) issued_seq: u64,
    /// The global generation at that time: `revoke_all` moves it.
    pub(crate) issued_generation: u64,
    pub(crate) not_before: Timestamp,
    pub(crate) last_seen: Timestamp,
    pub(crate) idle_timeout_ms: u64,
    pub(crate) absolute_deadline: Timestamp,
    /// What a re-authentication sets the absolute deadline anew with.
    pub(crate) absolute_lifetime_ms: u64,
    pub(crate) authenticated_at: Option<Timestamp>,
    pub(crate) amr: Vec<String>,
    pub(crate) acr: Option<String>,
    pub(crate) device_label: Option<String>,
    /// The subject's claims version when the handle was made.
    pub(crate) claims_version: u64,
    /// The refresh family of the session, once it has one.
    pub(crate) refresh: Option<RefreshState>,
    /// Whether there is a data row. It is deleted with the session, in the same commit.
    pub(crate) has_data: bool,
    /// Ids of access tokens of the session that are denied, and when they expire by themselves.
    pub(crate) denied: Vec<(String, Timestamp)>,
}

impl SessionRecord {
    /// Puts the row's version in the place of [`OWN_VERSION`], to be done before the record is
    /// judged or put again.
    pub(crate) fn resolve(&mut self, version: u64) {
        if self.issued_seq == OWN_VERSION {
            self.issued_seq = version;
        }
    }

    /// Unused until then, it is idle-expired.
    pub(crate) fn idle_deadline(&self) -> Timestamp {
        self.last_seen.plus_millis(self.idle_timeout_ms)
    }

    /// When the row may be swept: from then on it can never verify again.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.idle_deadline().min(self.absolute_deadline)
    }
}

/// What is known of a subject beyond its sessions. Most subjects have no such row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubjectRecord {
    /// Sessions and tokens with a sequence up to this are revoked.
    pub(crate) watermark: Watermark,
    /// When that was, for tokens of other issuers: they have no sequence of ours, only a time.
    pub(crate) revoked_at: Option<Timestamp>,
    /// The sequence of the last `bump_claims`: claims minted before are stale.
    pub(crate) claims: ClaimsVersion,
    pub(crate) suspension: Option<Suspension>,
}

/// A sequence number up to which everything of a subject is revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Watermark {
    #[default]
    None,
    /// All before the version of the batch that put this row. The excepted session of a
    /// `revoke_subject` is put in the same batch, has that version, and so stays.
    BeforeOwnVersion,
    At(u64),
}

/// When the claims of a subject changed last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClaimsVersion {
    #[default]
    Never,
    OwnVersion,
    At(u64),
}

/// A ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suspension {
    /// `None`: until reinstated.
    pub(crate) until: Option<Timestamp>,
}

impl SubjectRecord {
    /// Puts the row's version in the place of the symbols, as for sessions.
    pub(crate) fn resolve(&mut self, version: u64) {
        if self.watermark == Watermark::BeforeOwnVersion {
            self.watermark = Watermark::At(version.saturating_sub(1));
        }
        if self.claims == ClaimsVersion::OwnVersion {
            self.claims = ClaimsVersion::At(version);
        }
    }

    pub(crate) fn claims_version(&self) -> u64 {
        match self.claims {
            ClaimsVersion::At(version) => version,
            ClaimsVersion::Never | ClaimsVersion::OwnVersion => 0,
        }
    }

    pub(crate) fn is_suspended(&self, now: Timestamp) -> bool {
        self.suspension.is_some_and(|s| s.until.is_none_or(|until| now < until))
    }
}

/// What concerns every session of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GlobalRecord {
    /// Sessions of an earlier generation are revoked.
    pub(crate) generation: u64,
    /// When it moved last, for tokens of other issuers.
    pub(crate) revoked_at: Option<Timestamp>,
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EndCause {
    /// `revoke`.
    Revoked,
    /// `create` for a client that presented it.
    Replaced,
    /// It made room for a newer session of its subject.
    Evicted,
    /// `revoke_subject`, or a subject-wide rule.
    SubjectRevoked,
    /// `revoke_all`.
    AllRevoked,
    /// The subject was suspended.
    Suspended,
    /// A deadline passed.
    Expired,
    /// A used token was presented again.
    Reuse,
}
