//! Creating sessions.

use super::change::Plan;
use super::events::EventKind;
use super::inspect::{Found, Live, session_key};
use super::refresh::RefreshGrant;
use super::revoke::Ending;
use super::session::{Authentication, Issued, SessionInfo};
use super::{Engine, Inner};
use crate::cache::{Entry, Facts};
use crate::codec::record::{self, Kind};
use crate::config::LIFETIME_MAX_MS;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Group, Handle, Subject};
use crate::policy::{Lifetimes, evictions};
use crate::record::{EndCause, OWN_VERSION, SessionRecord, SessionRow};
use crate::store::{Batch, Check, Commit, Moves, Store};
use crate::sync::Ordering;
use crate::time::{Timestamp, millis};
use crate::token::{Parts, TokenText};

/// The longest device label, in bytes.
const DEVICE_LABEL_LEN_MAX: usize = 255;

/// What a new session is to be.
#[derive(Clone, Debug, Default)]
pub struct CreateOptions {
    subject: Option<Subject>,
    presented: Option<String>,
    lifetimes: Option<Lifetimes>,
    device_label: Option<String>,
    not_before: Option<Timestamp>,
    grant: Option<RefreshGrant>,
    authentication: Authentication,
}

impl CreateOptions {
    /// A session without a subject.
    pub fn anonymous() -> Self {
        CreateOptions::default()
    }

    /// A session of `subject`, who has just proved who it is.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): not 1 to 255 bytes.
    pub fn for_subject(subject: &str) -> Result<Self> {
        Ok(CreateOptions { subject: Some(Subject::new(subject)?), ..Default::default() })
    }

    /// The token that the client presented, whatever it is: its session is ended once the new
    /// one is there, so that a login leaves no orphan behind. It is never taken over.
    #[must_use]
    pub fn retire(mut self, presented: &str) -> Self {
        self.presented = Some(presented.to_owned());
        self
    }

    /// Other lifetimes than the configuration's.
    #[must_use]
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = Some(lifetimes);
        self
    }

    /// What lists of sessions show: "Firefox on Linux". Up to 255 bytes.
    #[must_use]
    pub fn device_label(mut self, label: impl Into<String>) -> Self {
        self.device_label = Some(label.into());
        self
    }

    /// The session begins then, and so do its lifetimes; until then it is not yet valid. Within
    /// 400 days.
    #[must_use]
    pub fn not_before(mut self, start: Timestamp) -> Self {
        self.not_before = Some(start);
        self
    }

    /// With a refresh token. The session then lives 14 days unused and 90 in all, unless
    /// [`lifetimes`](Self::lifetimes) says otherwise.
    #[must_use]
    pub fn refreshable(mut self, grant: RefreshGrant) -> Self {
        self.grant = Some(grant);
        self
    }

    /// How the subject proved who it is.
    #[must_use]
    pub fn authentication(mut self, authentication: Authentication) -> Self {
        self.authentication = authentication;
        self
    }
}

impl Engine {
    /// Creates a session and signs its token. Durable when it returns, unless the configuration
    /// says `Buffered`.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig), [`TooLarge`](ErrorKind::TooLarge),
    ///   [`InvalidInput`](ErrorKind::InvalidInput): a lifetime, the label or the beginning is
    ///   beyond its limit. Nothing was created.
    /// - [`Suspended`](ErrorKind::Suspended), [`TooManySessions`](ErrorKind::TooManySessions):
    ///   the subject may have none. Nothing was created.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): a session may be there that nobody has a
    ///   token of; it expires.
    /// - Other store errors: nothing was created; or, with [`retire`](CreateOptions::retire), a
    ///   session that nobody has a token of, while the presented one is as it was.
    pub fn create(&self, options: CreateOptions) -> Result<Issued> {
        let issued = self.inner.create(&options)?;
        self.ensure_maintenance();
        Ok(issued)
    }
}

impl Inner {
    fn create(&self, options: &CreateOptions) -> Result<Issued> {
        let lifetimes = options.lifetimes.unwrap_or(match options.grant {
            Some(_) => Lifetimes::REFRESH,
            None => self.config.lifetimes,
        });
        lifetimes.validate()?;
        check_label(options.device_label.as_deref())?;
        self.refuse_unnoted_fork()?;
        let store = self.store()?;
        let store = store.as_ref();
        let now = self.clock.now();
        let start = options.not_before.unwrap_or(now).max(now);
        if start.since(now).as_millis() > u128::from(LIFETIME_MAX_MS) {
            let message = "a session begins within 400 days";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let refresh = options.grant.as_ref().map(|grant| grant.begin(now)).transpose()?;
        let group = match &options.subject {
            Some(subject) => self.keyring().locate(subject).0,
            None => Group::random()?,
        };
        let stamp = self.epochs.stamp(group);
        let mut claims_version = 0;
        if let Some(subject) = &options.subject
            && let Some(known) = self.subject_record(store, group, subject)?
        {
            if known.is_suspended(now) {
                return Err(suspended(subject));
            }
            claims_version = known.claims_version();
        }
        let handle = Handle::random(group)?;
        let record = SessionRecord {
            subject: options.subject.clone(),
            created: now,
            issued: now,
            issued_seq: OWN_VERSION,
            issued_generation: self.generation(),
            not_before: options.not_before.unwrap_or_default(),
            last_seen: start,
            idle_timeout_ms: millis(lifetimes.idle_timeout),
            absolute_deadline: start.plus(lifetimes.absolute_lifetime),
            absolute_lifetime_ms: millis(lifetimes.absolute_lifetime),
            authenticated_at: options.subject.as_ref().map(|_| now),
            amr: options.authentication.amr.clone(),
            acr: options.authentication.acr.clone(),
            device_label: options.device_label.clone(),
            claims_version,
            refresh,
            has_data: false,
            denied: Vec::new(),
        };
        let issued = self.issue(handle, &record)?;
        let facts = Facts::of(handle, &record);
        match (&options.subject, self.config.max_sessions) {
            (Some(subject), Some(_)) => {
                self.place_within_limit(store, handle, record, subject, now)?;
            }
            _ => self.place(store, handle, record)?,
        }
        if let (Some(stamp), None) = (stamp, options.not_before) {
            // A fill whose store read is our own write, after the stamp was loaded.
            let text = issued.token.text();
            self.cache.insert(text, Entry::new(text, stamp, facts, now, now));
        }
        if let Some(presented) = &options.presented {
            self.retire(presented)?;
        }
        Ok(issued)
    }

    /// Puts a new session where no limit says how many there may be. No cached verdict changes,
    /// so no epoch moves.
    fn place(&self, store: &dyn Store, handle: Handle, record: SessionRecord) -> Result<()> {
        let created = EventKind::Created { handle, subject: record.subject.clone() };
        // Only for the events: nobody else knows the handle, but `list` may show it to some.
        let has_subscribers = self.bus.has_subscribers();
        let _in_order =
            if has_subscribers { Some(self.stripe(handle.group())?.lock()) } else { None };
        match store.commit(self.placement(handle, record)?.moving(Moves::Nothing))? {
            Commit::Committed { .. } => {
                self.bus.emit(self.clock.now(), [created]);
                Ok(())
            }
            Commit::Conflict => {
                Err(Error::new(ErrorKind::Internal, "a random handle was there already"))
            }
        }
    }

    /// Puts a new session of a subject and ends those that it pushes out, in one commit.
    fn place_within_limit(
        &self,
        store: &dyn Store,
        handle: Handle,
        record: SessionRecord,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<()> {
        self.change(store, handle.group(), || {
            let plan = Plan::from(self.placement(handle, record.clone())?)
                .telling(EventKind::Created { handle, subject: record.subject.clone() });
            self.make_room(store, plan, subject, now).map(Some)
        })?;
        Ok(())
    }

    /// Adds the end of the sessions that one more of their subject pushes out.
    pub(super) fn make_room(
        &self,
        store: &dyn Store,
        mut plan: Plan,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Plan> {
        let Some(max) = self.config.max_sessions else { return Ok(plan) };
        if self.capabilities.is_shared {
            plan.batch = self.meeting_other_logins(store, plan.batch, subject, now)?;
        }
        let sessions = self.sessions_of(store, subject, now)?;
        let brief = |info: &SessionInfo| (info.handle, info.created, info.last_seen);
        let sessions = sessions.iter().map(brief).collect();
        let Some(pushed_out) = evictions(self.config.at_limit, max, sessions) else {
            let message = format!("subject {subject} has {max} sessions, the most allowed");
            return Err(Error::new(ErrorKind::TooManySessions, message));
        };
        for handle in pushed_out {
            if let Found::Live(live) = self.find(store, &handle, now)? {
                let Live { record, version, .. } = *live;
                let ending = Ending {
                    version,
                    expires_at: record.expires_at(),
                    has_data: record.has_data,
                    cause: EndCause::Evicted,
                };
                plan = self.ending(plan, &handle, ending)?;
            }
        }
        Ok(plan)
    }

    fn placement(&self, handle: Handle, record: SessionRecord) -> Result<Batch> {
        self.has_work.store(true, Ordering::Relaxed);
        let key = session_key(&handle);
        let expires_at = record.expires_at();
        let row = record::encode(Kind::Session, &key.to_vec(), &SessionRow::Live(record))?;
        let batch = Batch::new(handle.group(), self.config.create_durability);
        Ok(batch.check(key, Check::Absent).put(key, row, expires_at))
    }

    /// Ends the session of a token that a client presented, if it is one of ours.
    fn retire(&self, presented: &str) -> Result<()> {
        let Ok(text) = <&TokenText>::try_from(presented.as_bytes()) else { return Ok(()) };
        let Ok(parts) = Parts::parse(text) else { return Ok(()) };
        let is_ours = {
            let keyring = self.keyring();
            keyring.session_key(parts.key_id).is_some_and(|key| parts.is_signed_by(key))
        };
        if is_ours {
            self.end(&parts.handle, EndCause::Replaced)?;
        }
        Ok(())
    }
}

/// Checks the length of a device label.
pub(super) fn check_label(label: Option<&str>) -> Result<()> {
    let len = label.map_or(0, str::len);
    if len > DEVICE_LABEL_LEN_MAX {
        let message = format!("a device label has at most 255 bytes, this one has {len}");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(())
}

pub(super) fn suspended(subject: &Subject) -> Error {
    let message = format!("subject {subject} is suspended: reinstate it first");
    Error::new(ErrorKind::Suspended, message)
}
