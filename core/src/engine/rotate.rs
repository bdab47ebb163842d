//! Rotating: a new handle and token for the same session.

use std::time::Duration;

use super::change::{ATTEMPTS, Plan, kept_changing};
use super::create::{check_label, suspended};
use super::events::EventKind;
use super::inspect::{Found, Live, data_key, read_subject, session_key, subject_key};
use super::open::STRIPES;
use super::session::{Authentication, Issued, Session};
use super::{Engine, Inner};
use crate::cache::Facts;
use crate::codec::record::{self, Kind};
use crate::config::check_grace;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Handle, Subject};
use crate::policy::Lifetimes;
use crate::record::{
    EndCause, OWN_VERSION, RefreshState, Rotated, SessionRecord, SessionRow, SubjectRecord,
};
use crate::store::{Batch, Check, Durability, Store};
use crate::sync::Mutex;
use crate::time::{Timestamp, millis};
use crate::token::{RefreshToken, SessionToken};

/// What changes with a rotation, beside handle and token.
#[derive(Clone, Debug, Default)]
pub struct RotateOptions {
    subject: Option<Subject>,
    authentication: Option<Authentication>,
    lifetimes: Option<Lifetimes>,
    device_label: Option<String>,
    grace: Option<Duration>,
}

impl RotateOptions {
    /// Nothing else.
    pub fn new() -> Self {
        RotateOptions::default()
    }

    /// The anonymous session becomes one of `subject`, who has just proved who it is: a login
    /// that keeps the session's data.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): not 1 to 255 bytes.
    pub fn log_in(subject: &str) -> Result<Self> {
        Ok(RotateOptions {
            subject: Some(Subject::new(subject)?),
            authentication: Some(Authentication::default()),
            ..Default::default()
        })
    }

    /// The subject has just proved who it is, in this way. The absolute deadline begins anew.
    #[must_use]
    pub fn authentication(mut self, authentication: Authentication) -> Self {
        self.authentication = Some(authentication);
        self
    }

    /// Other lifetimes from now on; the absolute one counts only with an authentication.
    #[must_use]
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = Some(lifetimes);
        self
    }

    /// Another device label. Up to 255 bytes.
    #[must_use]
    pub fn device_label(mut self, label: impl Into<String>) -> Self {
        self.device_label = Some(label.into());
        self
    }

    /// Another grace than the configuration's, up to 5 minutes.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }
}

impl Engine {
    /// Gives the session of `handle` a new handle and token, in one durable commit.
    ///
    /// The old token answers for the configured grace: it shows the session as it was, and
    /// changes nothing. Two requests that rotate one session at once get the same new token.
    ///
    /// # Errors
    /// - [`SessionGone`](ErrorKind::SessionGone): no valid session. Nothing was changed.
    /// - [`Conflict`](ErrorKind::Conflict): other processes kept changing it. Nothing was
    ///   changed.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): keep to the old token; it may have been
    ///   rotated to a session that nobody has the token of.
    /// - Other store errors: nothing was changed.
    pub fn rotate(&self, handle: &Handle) -> Result<Issued> {
        self.rotate_with(handle, RotateOptions::new())
    }

    /// Rotates, and changes what `options` say in the same step. To be called at every login and
    /// change of privilege, so that a token from before is worth no more than it was.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate), and:
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the session is another subject's, or an
    ///   anonymous session is to be authenticated without a subject. Nothing was changed.
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig), [`TooLarge`](ErrorKind::TooLarge),
    ///   [`Suspended`](ErrorKind::Suspended), [`TooManySessions`](ErrorKind::TooManySessions):
    ///   as [`create`](Self::create). Nothing was changed.
    pub fn rotate_with(&self, handle: &Handle, options: RotateOptions) -> Result<Issued> {
        let issued = self.inner.rotate(handle, &options)?;
        self.ensure_maintenance();
        Ok(issued)
    }

    /// Notes that the subject of the session has just proved again who it is, in this way: a
    /// rotation after which the absolute deadline begins anew.
    ///
    /// # Errors
    /// As [`rotate_with`](Self::rotate_with).
    pub fn reauthenticate(&self, handle: &Handle, proof: Authentication) -> Result<Issued> {
        self.rotate_with(handle, RotateOptions::new().authentication(proof))
    }
}

/// The session that is rotated, as it is now.
struct Source {
    handle: Handle,
    live: Live,
    /// And their version.
    data: Option<(Data, u64)>,
    generation: u64,
}

/// What a rotation comes to.
enum Course {
    From(Box<Source>),
    /// Another request has rotated the session already: this is the result.
    Done(Box<Source>),
}

impl Inner {
    fn rotate(&self, handle: &Handle, options: &RotateOptions) -> Result<Issued> {
        check_label(options.device_label.as_deref())?;
        options.lifetimes.map_or(Ok(()), |lifetimes| lifetimes.validate())?;
        let grace = options.grace.unwrap_or(self.config.rotation_grace);
        check_grace(grace)?;
        let store = self.store()?;
        let store = store.as_ref();
        // Of two logins of one visit side by side, the later would push out the session of the
        // earlier, find the visit taken, and leave nobody logged in.
        let is_limited = options.subject.is_some() && self.config.max_sessions.is_some();
        let login = self.logins.get(handle.group().index() % STRIPES).filter(|_| is_limited);
        let _one_login = login.map(Mutex::lock);
        for _ in 0..ATTEMPTS {
            let source = match self.course(store, handle, options)? {
                Course::From(source) => source,
                Course::Done(done) => return self.issue(done.handle, &done.live.record),
            };
            let group = match &options.subject {
                Some(subject) => self.keyring().locate(subject).0,
                None => source.handle.group(),
            };
            let to = Handle::random(group)?;
            let rotated = if group == source.handle.group() {
                self.rotate_in_group(store, handle, to, options, grace)?
            } else {
                self.rotate_across(store, *source, to, options, grace)?
            };
            match rotated {
                Some(record) => return self.issue(to, &record),
                // Others were faster: what they left is looked at anew.
                None => continue,
            }
        }
        Err(kept_changing())
    }

    /// What `handle` is now, and whether that can be rotated as asked.
    fn course(
        &self,
        store: &dyn Store,
        handle: &Handle,
        options: &RotateOptions,
    ) -> Result<Course> {
        for _ in 0..ATTEMPTS {
            let mut course = self.course_of_session(store, handle, options)?;
            if let Course::From(source) = &mut course
                && source.live.record.has_data
            {
                source.data = self.read_data(store, &source.handle)?;
                if source.data.is_none() {
                    // They went with the session, after that was read.
                    continue;
                }
            }
            return Ok(course);
        }
        Err(kept_changing())
    }

    fn course_of_session(
        &self,
        store: &dyn Store,
        handle: &Handle,
        options: &RotateOptions,
    ) -> Result<Course> {
        // Before the session is judged: a `revoke_all` after that has another generation.
        let generation = self.generation();
        let now = self.clock.now();
        let gone = |why: &str| {
            let message = format!("session {handle} cannot be rotated: {why}");
            Err(Error::new(ErrorKind::SessionGone, message))
        };
        let course = match self.find(store, handle, now)? {
            Found::Rejected(reason) => return gone(reason.name()),
            Found::Live(live) => {
                let handle = *handle;
                Course::From(Box::new(Source { handle, live: *live, data: None, generation }))
            }
            Found::Superseded(old) => {
                let is_raised = old.is_raised();
                let (handle, live) = (old.to, old.successor);
                let source = Box::new(Source { handle, live, data: None, generation });
                match &options.authentication {
                    // A token from before a login never buys one from after it.
                    None if is_raised => return gone("it was rotated, and raised, already"),
                    None => Course::Done(source),
                    Some(_) if is_raised && options.subject != source.live.record.subject => {
                        return gone("it was rotated, and raised, already");
                    }
                    Some(_) => Course::From(source),
                }
            }
        };
        let (Course::From(source) | Course::Done(source)) = &course;
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidInput, message));
        match (&source.live.record.subject, &options.subject) {
            (Some(is), Some(wanted)) if is != wanted => invalid(format!(
                "session {handle} is of {is}, not of {wanted}: create a new session instead"
            )),
            (None, None) if options.authentication.is_some() => invalid(format!(
                "session {handle} is anonymous: say with log_in who was authenticated"
            )),
            _ => Ok(course),
        }
    }

    /// One commit: the old row points to the new one. `None`: others were faster.
    fn rotate_in_group(
        &self,
        store: &dyn Store,
        handle: &Handle,
        to: Handle,
        options: &RotateOptions,
        grace: Duration,
    ) -> Result<Option<SessionRecord>> {
        let mut placed = None;
        self.change(store, to.group(), || {
            placed = None;
            // Again, now that no other thread changes the group.
            let Course::From(source) = self.course(store, handle, options)? else {
                return Ok(None);
            };
            if source.handle.group() != to.group() {
                return Ok(None);
            }
            let (plan, record) = self.succession(store, &source, to, options)?;
            let plan = self.leave(plan, &source, to, record.subject.clone(), grace)?;
            placed = Some(record);
            Ok(Some(plan))
        })?;
        Ok(placed)
    }

    /// Two commits: the new session first, the old one's row second. A crash between leaves a
    /// session that nobody was given, and never takes one away. `None`: others were faster.
    fn rotate_across(
        &self,
        store: &dyn Store,
        source: Source,
        to: Handle,
        options: &RotateOptions,
        grace: Duration,
    ) -> Result<Option<SessionRecord>> {
        let mut placed = None;
        self.change(store, to.group(), || {
            let (plan, record) = self.succession(store, &source, to, options)?;
            placed = Some(record);
            Ok(Some(plan))
        })?;
        let mut is_left = false;
        self.change(store, source.handle.group(), || {
            let version = |key| Ok::<_, Error>(store.get(&key)?.map(|row| row.version));
            let data_version = source.data.as_ref().map(|(_, version)| *version);
            is_left = version(session_key(&source.handle))? == Some(source.live.version)
                && version(data_key(&source.handle))? == data_version;
            if !is_left {
                return Ok(None);
            }
            let subject = options.subject.clone();
            let batch = Batch::new(source.handle.group(), Durability::Durable);
            self.leave(batch.into(), &source, to, subject, grace).map(Some)
        })?;
        if !is_left {
            self.end(&to, EndCause::Replaced)?;
            return Ok(None);
        }
        Ok(placed)
    }

    /// The new session and its data, and what has to hold for it.
    fn succession(
        &self,
        store: &dyn Store,
        source: &Source,
        to: Handle,
        options: &RotateOptions,
    ) -> Result<(Plan, SessionRecord)> {
        let now = self.clock.now();
        let mut plan = Plan::from(Batch::new(to.group(), Durability::Durable));
        let mut record = source.live.record.clone();
        if let Some(subject) = options.subject.as_ref().or(record.subject.as_ref()) {
            record.claims_version = self.admit(store, &mut plan, subject, now)?;
        }
        if record.subject.is_none()
            && let Some(subject) = &options.subject
        {
            plan = self.make_room(store, plan, subject, now)?;
            record.subject = Some(subject.clone());
        }
        (record.issued, record.issued_seq) = (now, OWN_VERSION);
        record.issued_generation = source.generation;
        record.last_seen = now.max(record.last_seen);
        if let Some(lifetimes) = options.lifetimes {
            record.idle_timeout_ms = millis(lifetimes.idle_timeout);
            record.absolute_lifetime_ms = millis(lifetimes.absolute_lifetime);
        }
        if let Some(Authentication { amr, acr }) = options.authentication.clone() {
            record.authenticated_at = Some(now);
            (record.amr, record.acr) = (amr, acr);
            record.absolute_deadline = now.plus_millis(record.absolute_lifetime_ms);
        }
        if let Some(label) = &options.device_label {
            record.device_label = Some(label.clone());
        }
        if let Some((data, _)) = &source.data {
            let key = data_key(&to);
            let bytes = record::encode(Kind::Data, &key.to_vec(), data)?;
            plan.batch = plan.batch.check(key, Check::Absent).put(key, bytes, Timestamp::NEVER);
        }
        let key = session_key(&to);
        let row = SessionRow::Live(record.clone());
        let bytes = record::encode(Kind::Session, &key.to_vec(), &row)?;
        plan.batch = plan.batch.check(key, Check::Absent).put(key, bytes, record.expires_at());
        Ok((plan, record))
    }

    /// Adds what the old session leaves behind.
    fn leave(
        &self,
        mut plan: Plan,
        source: &Source,
        to: Handle,
        subject: Option<Subject>,
        grace: Duration,
    ) -> Result<Plan> {
        let Source { handle: from, live, .. } = source;
        let key = session_key(from);
        let expires_at = live.record.expires_at();
        if let Some((_, version)) = source.data {
            let key = data_key(from);
            plan.batch = plan.batch.check(key, Check::Version(version)).delete(key);
        }
        let was = SessionRecord { has_data: false, ..live.record.clone() };
        let row = SessionRow::Rotated(Rotated { to, until: self.clock.now().plus(grace), was });
        let bytes = record::encode(Kind::Session, &key.to_vec(), &row)?;
        plan.batch =
            plan.batch.check(key, Check::Version(live.version)).put(key, bytes, expires_at);
        Ok(plan.telling(EventKind::Rotated { from: *from, to, subject }))
    }

    /// Adds that the subject's row stays as it is until the commit, and refuses the suspended.
    /// Gives the claims version.
    fn admit(
        &self,
        store: &dyn Store,
        plan: &mut Plan,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<u64> {
        let known = self.pinned_subject(store, plan, subject)?.unwrap_or_default();
        if known.is_suspended(now) {
            return Err(suspended(subject));
        }
        Ok(known.claims_version())
    }

    /// What is known of a subject, and adds that its row stays so until the commit: no
    /// `revoke_subject` comes between.
    pub(super) fn pinned_subject(
        &self,
        store: &dyn Store,
        plan: &mut Plan,
        subject: &Subject,
    ) -> Result<Option<SubjectRecord>> {
        let (group, id) = self.keyring().locate(subject);
        let key = subject_key(group, &id);
        let known = read_subject(store, &key)?;
        let check = known.as_ref().map_or(Check::Absent, |(_, version)| Check::Version(*version));
        plan.batch.checks.push((key, check));
        Ok(known.map(|(known, _)| known))
    }

    pub(super) fn issue(&self, handle: Handle, record: &SessionRecord) -> Result<Issued> {
        let session = Session::new(Facts::of(handle, record), record.last_seen, self.clock.now());
        let keyring = self.keyring();
        let token = SessionToken::issue(&handle, &keyring)?;
        let refresh = record.refresh.as_ref();
        let sign = |state: &RefreshState| RefreshToken::issue(&handle, state.generation, &keyring);
        let refresh_token = refresh.map(sign).transpose()?;
        Ok(Issued { token, refresh_token, session })
    }
}
