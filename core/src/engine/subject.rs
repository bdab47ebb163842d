//! What concerns all sessions of a subject.

use super::change::Plan;
use super::events::EventKind;
use super::inspect::{Condemn, Found, read_subject, session_key, subject_key};
use super::session::{Authentication, SessionInfo};
use super::{Engine, Inner};
use crate::codec::record::{self, Kind};
use crate::config::LIFETIME_MAX_MS;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Handle, Subject};
use crate::policy::{Standing, judge};
use crate::record::{ClaimsVersion, OWN_VERSION, SessionRow, SubjectRecord, Suspension, Watermark};
use crate::store::{Batch, Check, Durability, Store, Table};
use crate::time::Timestamp;

impl Engine {
    /// Ends every session of `subject`, but `except` if given: one durable write, however many
    /// sessions there are.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): `except` is another subject's session, or
    ///   none that is valid. Nothing was revoked.
    /// - Otherwise as [`revoke`](Self::revoke).
    pub fn revoke_subject(&self, subject: &str, except: Option<&Handle>) -> Result<()> {
        let subject = Subject::new(subject)?;
        let told = EventKind::SubjectRevoked { subject: subject.clone(), except: except.copied() };
        self.inner.update_subject(&subject, except, told, |known| {
            known.revoked_at = Some(self.inner.clock.now());
            known.watermark = Watermark::BeforeOwnVersion;
        })?;
        Ok(())
    }

    /// Lets no session of `subject` verify or be created, until that moment or until
    /// [`reinstate`](Self::reinstate). Durable when it returns.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn suspend(&self, subject: &str, until: Option<Timestamp>) -> Result<()> {
        let subject = Subject::new(subject)?;
        let told = EventKind::Suspended { subject: subject.clone(), until };
        self.inner.update_subject(&subject, None, told, |known| {
            known.suspension = Some(Suspension { until });
        })?;
        Ok(())
    }

    /// Ends a suspension; sessions that were not revoked verify again. Durable when it returns.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn reinstate(&self, subject: &str) -> Result<()> {
        let subject = Subject::new(subject)?;
        let told = EventKind::Reinstated { subject: subject.clone() };
        self.inner.update_subject(&subject, None, told, |known| {
            known.suspension = None;
        })?;
        Ok(())
    }

    /// Says that what `subject` may do has changed: sessions stay and tell that their claims are
    /// stale. Gives the new claims version. Durable when it returns.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub fn bump_claims(&self, subject: &str) -> Result<u64> {
        let subject = Subject::new(subject)?;
        let told = EventKind::ClaimsChanged { subject: subject.clone() };
        self.inner.update_subject(&subject, None, told, |known| {
            known.claims = ClaimsVersion::OwnVersion;
        })
    }

    /// The valid sessions of `subject`, the one used last first.
    ///
    /// # Errors
    /// - [`Unavailable`](ErrorKind::Unavailable), [`Corrupt`](ErrorKind::Corrupt).
    pub fn list(&self, subject: &str) -> Result<Vec<SessionInfo>> {
        let inner = &*self.inner;
        let (store, now) = (inner.store()?, inner.clock.now());
        let mut sessions = inner.sessions_of(store.as_ref(), &Subject::new(subject)?, now)?;
        sessions.sort_by_key(|info| std::cmp::Reverse(info.last_seen));
        Ok(sessions)
    }

    /// How many valid sessions `subject` has.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn count(&self, subject: &str) -> Result<usize> {
        Ok(self.list(subject)?.len())
    }

    /// Whether `subject` has a valid session.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn is_active(&self, subject: &str) -> Result<bool> {
        Ok(self.count(subject)? > 0)
    }
}

impl Inner {
    /// Puts the subject's row as `update` leaves it, and gives `except` a new sequence in the
    /// same commit. Gives the version.
    fn update_subject(
        &self,
        subject: &Subject,
        except: Option<&Handle>,
        told: EventKind,
        update: impl Fn(&mut SubjectRecord),
    ) -> Result<u64> {
        let store = self.store()?;
        let store = store.as_ref();
        let now = self.clock.now();
        let (group, id) = self.keyring().locate(subject);
        let key = subject_key(group, &id);
        let changed = self.change(store, group, || {
            let (mut known, check) = match read_subject(store, &key)? {
                Some((known, version)) => (known, Check::Version(version)),
                None => (SubjectRecord::default(), Check::Absent),
            };
            update(&mut known);
            let expires_at = subject_expiry(&known, now);
            let bytes = record::encode(Kind::Subject, &key.to_vec(), &known)?;
            let mut batch = Batch::new(group, Durability::Durable)
                .check(key, check)
                .put(key, bytes, expires_at);
            if let Some(except) = except {
                batch = self.keeping(store, batch, subject, except, now)?;
            }
            self.expect_subject_rows(group);
            let plan = Plan::from(batch).telling(told.clone());
            Ok(Some(match told {
                EventKind::SubjectRevoked { .. } | EventKind::Suspended { .. } => {
                    plan.condemning(Condemn::Subject(id))
                }
                _ => plan,
            }))
        })?;
        Ok(changed.unwrap_or_default())
    }

    /// Makes the batch one of two, if another process is about to commit such a batch for the same
    /// subject: what it counts after this, it counts in vain when the other comes first.
    pub(super) fn meeting_other_logins(
        &self,
        store: &dyn Store,
        batch: Batch,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Batch> {
        let (group, id) = self.keyring().locate(subject);
        let key = subject_key(group, &id);
        let (known, check) = match read_subject(store, &key)? {
            Some((known, version)) => (known, Check::Version(version)),
            None => (SubjectRecord::default(), Check::Absent),
        };
        let bytes = record::encode(Kind::Subject, &key.to_vec(), &known)?;
        Ok(batch.check(key, check).put(key, bytes, subject_expiry(&known, now)))
    }

    /// Adds the excepted session, put anew: it gets the batch's version and so stays above the
    /// watermark.
    fn keeping(
        &self,
        store: &dyn Store,
        batch: Batch,
        subject: &Subject,
        except: &Handle,
        now: Timestamp,
    ) -> Result<Batch> {
        let refused = || {
            let message = format!("{except} is no valid session of {subject}");
            Error::new(ErrorKind::InvalidInput, message)
        };
        // The request may have come with the token from before a rotation.
        let (except, live) = match self.find(store, except, now)? {
            Found::Live(live) => (*except, *live),
            Found::Superseded(old) if !old.is_raised() => (old.to, old.successor),
            _ => return Err(refused()),
        };
        if live.record.subject.as_ref() != Some(subject) {
            return Err(refused());
        }
        let mut record = live.record;
        record.issued_seq = OWN_VERSION;
        let (key, expires_at) = (session_key(&except), record.expires_at());
        let bytes = record::encode(Kind::Session, &key.to_vec(), &SessionRow::Live(record))?;
        Ok(batch.check(key, Check::Version(live.version)).put(key, bytes, expires_at))
    }

    /// The valid sessions of a subject, in the order of the handles: all are in its group.
    pub(super) fn sessions_of(
        &self,
        store: &dyn Store,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Vec<SessionInfo>> {
        let (group, _) = self.keyring().locate(subject);
        let known = self.subject_record(store, group, subject)?;
        let standing = Standing { subject: known.as_ref(), generation: self.generation() };
        let mut sessions = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = store.scan(group, Table::Session, &[], after.as_deref(), PAGE)?;
            for (key, row) in &page {
                let Some(SessionRow::Live(mut record)) = self.read_session(key, row) else {
                    continue;
                };
                let (Ok(random), true) =
                    (key.id().try_into(), record.subject.as_ref() == Some(subject))
                else {
                    continue;
                };
                let handle = Handle::from_parts(group, random);
                self.pending(&handle).apply(&mut record);
                record.last_seen = record.last_seen.max(self.seen(&handle).unwrap_or_default());
                let is_condemned = self.condemnation(&handle, Some(subject)).is_some();
                if is_condemned || judge(&record, standing, now).is_err() {
                    continue;
                }
                sessions.push(SessionInfo {
                    handle,
                    created: record.created,
                    last_seen: record.last_seen,
                    authenticated_at: record.authenticated_at,
                    idle_deadline: record.idle_deadline(),
                    absolute_deadline: record.absolute_deadline,
                    device_label: record.device_label,
                    authentication: Authentication { amr: record.amr, acr: record.acr },
                });
            }
            after = match page.last() {
                Some((key, _)) if page.len() == PAGE => Some(key.id().to_vec()),
                _ => return Ok(sessions),
            };
        }
    }
}

/// When nothing that is known of a subject matters any more.
fn subject_expiry(known: &SubjectRecord, now: Timestamp) -> Timestamp {
    match known.suspension {
        Some(Suspension { until: None }) => Timestamp::NEVER,
        Some(Suspension { until: Some(until) }) => until.max(now),
        None => now,
    }
    .plus_millis(LIFETIME_MAX_MS)
}

/// Rows read at once: 15 sessions are in a group when the store has a million.
const PAGE: usize = 256;
