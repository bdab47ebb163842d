//! Giving a client of the old site a session of ours: once.

use super::change::Plan;
use super::events::EventKind;
use super::inspect::{Found, data_key, session_key};
use super::session::Issued;
use super::{Engine, Inner};
use crate::codec::record::{self, Kind};
use crate::config::{LIFETIME_MAX_MS, check_grace};
use crate::cookie::foreign::{Credential, Importer, Presented};
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Group, Handle, Subject};
use crate::policy::{Lifetimes, Standing, stands};
use crate::record::{
    ForeignRecord, OWN_VERSION, Redeemed, SessionRecord, SessionRow, SubjectRecord,
};
use crate::store::{Batch, Check, Durability, Key, Store, Table};
use crate::time::{Timestamp, millis};
use crate::verdict::Reason;

/// What an old site's cookie or token is worth.
#[derive(Clone, Debug)]
#[must_use]
pub enum Upgrade {
    /// This session of ours, from now on: set its cookies and forget the old one.
    Valid(Box<Issued>),
    /// Nothing: forget it.
    Rejected(Reason),
}

impl Upgrade {
    /// The session and its token, if it is worth one.
    pub fn issued(&self) -> Option<&Issued> {
        match self {
            Upgrade::Valid(issued) => Some(issued),
            Upgrade::Rejected(_) => None,
        }
    }

    /// Why it was rejected, if it was.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Upgrade::Valid(_) => None,
            Upgrade::Rejected(reason) => Some(*reason),
        }
    }
}

impl Engine {
    /// Gives the session that the old site's cookie in a request's `Cookie` headers stands for,
    /// once: see [`cookie::foreign`](crate::cookie::foreign). `None`: there is no such cookie.
    /// Durable when it returns.
    ///
    /// To be asked after [`verify_cookies`](Self::verify_cookies) found no valid session of ours.
    /// A forged cookie costs no access to the store. Two that are worth different sessions are
    /// [`Ambiguous`](Reason::Ambiguous), and neither is used up.
    ///
    /// The session has the lifetimes of the importer or else of the configuration, from now on. It
    /// has no authentication: when its subject proved who it is, only the old site knew.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig): a setting of the importer is beyond its
    ///   limit. Nothing was changed.
    /// - [`TooManySessions`](ErrorKind::TooManySessions), [`TooLarge`](ErrorKind::TooLarge),
    ///   [`InvalidInput`](ErrorKind::InvalidInput): as [`create`](Self::create), of cookies
    ///   without a row. Nothing was changed.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): ask again once the engine is reopened;
    ///   within the grace the answer is the same session.
    /// - Other store errors: nothing was changed. Do not let the client in, and do not clear its
    ///   cookies.
    pub fn upgrade_cookies<'a, I, H>(
        &self,
        importer: &Importer,
        headers: I,
    ) -> Result<Option<Upgrade>>
    where
        I: IntoIterator<Item = &'a H>,
        H: AsRef<[u8]> + ?Sized + 'a,
    {
        let upgrade = self.inner.upgrade(importer, importer.read_cookies(headers))?;
        self.ensure_maintenance_if_needed();
        Ok(upgrade)
    }

    /// The same for a login token of Meteor, which its client has in `Meteor.loginToken` and
    /// sends in a message of its own.
    ///
    /// # Errors
    /// As [`upgrade_cookies`](Self::upgrade_cookies).
    pub fn upgrade_login_token(&self, importer: &Importer, token: &str) -> Result<Upgrade> {
        let upgrade = self.inner.upgrade(importer, importer.read_token(token.as_bytes()))?;
        self.ensure_maintenance_if_needed();
        Ok(upgrade.unwrap_or(Upgrade::Rejected(Reason::Malformed)))
    }
}

/// What a credential is worth now.
enum Worth {
    /// What it was given already, a moment ago.
    Given {
        handle: Handle,
        record: Box<SessionRecord>,
    },
    /// A session that nobody has the token of yet.
    Row {
        handle: Handle,
        record: Box<SessionRecord>,
        version: u64,
    },
    /// One that is to be made, for this subject.
    New(Subject),
    Nothing(Reason),
}

/// A session that begins with a commit, and that commit.
type Founded = (Handle, SessionRecord, Plan);

/// A credential and where its note is.
struct Claim<'a> {
    credential: &'a Credential,
    group: Group,
    note: Key,
}

impl Inner {
    fn upgrade(&self, importer: &Importer, presented: Presented) -> Result<Option<Upgrade>> {
        let credentials = match presented {
            Presented::Nothing => return Ok(None),
            Presented::Rejected(reason) => return Ok(Some(Upgrade::Rejected(reason))),
            Presented::Genuine(credentials) => credentials,
        };
        let store = self.store()?;
        let store = store.as_ref();
        let now = self.clock.now();
        self.check_importer(importer, now)?;
        if now >= importer.until() {
            self.clock.insist(importer.until());
            return Ok(Some(Upgrade::Rejected(Reason::Expired)));
        }
        let (mut good, mut rejected) = (None, Reason::UnknownSession);
        for credential in &credentials {
            match self.claim(store, importer, credential)? {
                Ok(claim) => match self.worth(store, importer, &claim, now)? {
                    Worth::Nothing(reason) => rejected = reason,
                    _ if good.is_some() => {
                        return Ok(Some(Upgrade::Rejected(Reason::Ambiguous)));
                    }
                    _ => good = Some(claim),
                },
                Err(reason) => rejected = reason,
            }
        }
        let Some(claim) = good else { return Ok(Some(Upgrade::Rejected(rejected))) };
        self.redeem(store, importer, &claim, now).map(Some)
    }

    /// Checks what the engine alone can: limits that depend on the time or the configuration.
    pub(super) fn check_importer(&self, importer: &Importer, now: Timestamp) -> Result<()> {
        check_grace(importer.grace_after_upgrade())?;
        importer.own_lifetimes().map_or(Ok(()), |lifetimes| lifetimes.validate())?;
        let invalid = |message| Err(Error::new(ErrorKind::InvalidConfig, message));
        if importer.until() > now.plus_millis(LIFETIME_MAX_MS) {
            return invalid("an importer ends within 400 days: choose an earlier moment");
        }
        if !(1..=DEVICES_MAX).contains(&importer.upgrades_per_pair()) {
            return invalid("a pair is upgraded once to 100 times");
        }
        Ok(())
    }

    /// Where the note of a credential is.
    fn claim<'a>(
        &self,
        store: &dyn Store,
        importer: &Importer,
        credential: &'a Credential,
    ) -> Result<Result<Claim<'a>, Reason>> {
        let (group, id) = self.keyring().locate_foreign(&importer.namespace(), &credential.id);
        let group = match &credential.session {
            Some(session) => match importer.subject_of(session) {
                Ok(Some(subject)) => self.keyring().locate(&subject).0,
                Ok(None) => return Ok(Err(Reason::UnknownSession)),
                Err(_) => return Ok(Err(Reason::Malformed)),
            },
            None => match self.foreign(store, &pointer_key(group, &id)?)? {
                Some((ForeignRecord::Pointer { session }, _)) => session.group(),
                _ => return Ok(Err(Reason::UnknownSession)),
            },
        };
        Ok(Ok(Claim { credential, group, note: note_key(group, &id)? }))
    }

    /// What a credential is worth at `now`. Changes nothing.
    fn worth(
        &self,
        store: &dyn Store,
        importer: &Importer,
        claim: &Claim<'_>,
        now: Timestamp,
    ) -> Result<Worth> {
        let (handle, redeemed) = match self.foreign(store, &claim.note)? {
            Some((ForeignRecord::Note { session, redeemed }, _)) => (session, redeemed),
            Some((ForeignRecord::Pointer { .. }, _)) | None => {
                return self.worth_of_pair(store, importer, claim, now);
            }
        };
        let is_given = match redeemed {
            None => false,
            Some(Redeemed { at, .. }) if now < at.plus(importer.grace_after_upgrade()) => true,
            Some(Redeemed { times, .. }) if times < importer.upgrades_per_pair() => {
                return match self.worth_of_pair(store, importer, claim, now)? {
                    Worth::Nothing(Reason::UnknownSession) => Ok(Worth::Nothing(Reason::Reused)),
                    worth => Ok(worth),
                };
            }
            Some(_) => return Ok(Worth::Nothing(Reason::Reused)),
        };
        Ok(match self.find(store, &handle, now)? {
            Found::Live(live) if is_given => Worth::Given { handle, record: Box::new(live.record) },
            Found::Live(live) => {
                let (record, version) = (Box::new(live.record), live.version);
                Worth::Row { handle, record, version }
            }
            // The host rotated it with the first answer: as its old token, this leads there.
            Found::Superseded(old) if is_given && !old.is_raised() => {
                Worth::Given { handle: old.to, record: Box::new(old.successor.record) }
            }
            Found::Superseded(_) => Worth::Nothing(Reason::Reused),
            Found::Rejected(reason) => Worth::Nothing(reason),
        })
    }

    /// What a credential is worth that has its session with it. It is older than everything that
    /// this engine knows: whatever was revoked of its subject, it was revoked with it.
    fn worth_of_pair(
        &self,
        store: &dyn Store,
        importer: &Importer,
        claim: &Claim<'_>,
        now: Timestamp,
    ) -> Result<Worth> {
        let session = claim.credential.session.as_ref();
        let Some(Ok(Some(subject))) = session.map(|session| importer.subject_of(session)) else {
            return Ok(Worth::Nothing(Reason::UnknownSession));
        };
        let known = self.subject_record(store, claim.group, &subject)?;
        Ok(match self.stands_old(known.as_ref(), now) {
            Ok(()) => Worth::New(subject),
            Err(reason) => Worth::Nothing(reason),
        })
    }

    /// Notes that a credential was used and begins its session, in one commit: of all who
    /// present it at once, one makes it, and the others get the same.
    fn redeem(
        &self,
        store: &dyn Store,
        importer: &Importer,
        claim: &Claim<'_>,
        now: Timestamp,
    ) -> Result<Upgrade> {
        let mut given = Err(Reason::UnknownSession);
        let mut plan = || {
            let (handle, record, mut plan) = match self.worth(store, importer, claim, now)? {
                Worth::Nothing(reason) => {
                    given = Err(reason);
                    return Ok(None);
                }
                Worth::Given { handle, record } => {
                    given = Ok((handle, *record));
                    return Ok(None);
                }
                Worth::Row { handle, record, version } => {
                    self.beginning(importer, handle, *record, version, now)?
                }
                Worth::New(subject) => {
                    match self.founding(store, importer, claim, subject, now)? {
                        Ok(founded) => founded,
                        Err(reason) => {
                            given = Err(reason);
                            return Ok(None);
                        }
                    }
                }
            };
            let (check, times) = match self.foreign(store, &claim.note)? {
                Some((ForeignRecord::Note { redeemed, .. }, version)) => {
                    (Check::Version(version), redeemed.map_or(0, |redeemed| redeemed.times))
                }
                _ => (Check::Absent, 0),
            };
            let redeemed = Some(Redeemed { at: now, times: times.saturating_add(1) });
            let note = ForeignRecord::Note { session: handle, redeemed };
            plan.batch = plan.batch.check(claim.note, check).put(
                claim.note,
                encode(&claim.note, &note)?,
                now.plus_millis(LIFETIME_MAX_MS),
            );
            let subject = record.subject.clone();
            given = Ok((handle, record));
            Ok(Some(plan.telling(EventKind::Created { handle, subject })))
        };
        // Asked without a change first: one that was used up costs nobody a cached session.
        match self.worth(store, importer, claim, now)? {
            Worth::Row { .. } | Worth::New(_) => {
                self.change(store, claim.group, plan)?;
            }
            Worth::Given { .. } | Worth::Nothing(_) => {
                plan()?;
            }
        }
        Ok(match given {
            Ok((handle, record)) => Upgrade::Valid(Box::new(self.issue(handle, &record)?)),
            Err(reason) => Upgrade::Rejected(reason),
        })
    }

    /// The life of an imported row's session here.
    fn beginning(
        &self,
        importer: &Importer,
        handle: Handle,
        mut record: SessionRecord,
        version: u64,
        now: Timestamp,
    ) -> Result<Founded> {
        live_from(&mut record, importer.own_lifetimes().unwrap_or(self.config.lifetimes), now);
        let key = session_key(&handle);
        let bytes =
            record::encode(Kind::Session, &key.to_vec(), &SessionRow::Live(record.clone()))?;
        let batch = Batch::new(handle.group(), Durability::Durable)
            .check(key, Check::Version(version))
            .put(key, bytes, record.expires_at());
        Ok((handle, record, batch.into()))
    }

    /// A new session, of a credential that has it with it; or why its subject gets none. Another
    /// process may have revoked it since its worth was asked: the row that is judged here is the
    /// one that the commit insists on.
    fn founding(
        &self,
        store: &dyn Store,
        importer: &Importer,
        claim: &Claim<'_>,
        subject: Subject,
        now: Timestamp,
    ) -> Result<Result<Founded, Reason>> {
        let mut plan = Plan::from(Batch::new(claim.group, Durability::Durable));
        let known = self.pinned_subject(store, &mut plan, &subject)?;
        if let Err(reason) = self.stands_old(known.as_ref(), now) {
            return Ok(Err(reason));
        }
        let session = claim.credential.session.as_ref();
        let data = session.map(|session| importer.data_of(session)).unwrap_or_default();
        let lifetimes = importer.own_lifetimes().unwrap_or(self.config.lifetimes);
        let handle = Handle::random(claim.group)?;
        let mut record = self.foreign_session(Some(subject.clone()), &data, now);
        live_from(&mut record, lifetimes, now);
        // As it was judged: a `revoke_all` that comes between ends it, too.
        record.issued_generation = BEFORE_ALL;
        record.claims_version = known.as_ref().map_or(0, SubjectRecord::claims_version);
        plan.batch = self.placing(plan.batch, &handle, &record, &data)?;
        Ok(Ok((handle, record, self.make_room(store, plan, &subject, now)?)))
    }

    /// Whether a subject's session from before this engine would stand.
    fn stands_old(&self, known: Option<&SubjectRecord>, now: Timestamp) -> Result<(), Reason> {
        let standing = Standing { subject: known, generation: self.generation() };
        stands(BEFORE_ALL, BEFORE_ALL, standing, now)
    }

    /// A session that another maker began, without its lifetimes.
    pub(super) fn foreign_session(
        &self,
        subject: Option<Subject>,
        data: &Data,
        now: Timestamp,
    ) -> SessionRecord {
        SessionRecord {
            subject,
            created: now,
            issued: now,
            issued_seq: OWN_VERSION,
            issued_generation: self.generation(),
            not_before: Timestamp::default(),
            last_seen: now,
            idle_timeout_ms: 0,
            absolute_deadline: now,
            absolute_lifetime_ms: 0,
            authenticated_at: None,
            amr: Vec::new(),
            acr: None,
            device_label: None,
            claims_version: 0,
            refresh: None,
            has_data: !data.is_empty(),
            denied: Vec::new(),
        }
    }

    /// Adds a session that is not there yet, and its data.
    pub(super) fn placing(
        &self,
        mut batch: Batch,
        handle: &Handle,
        record: &SessionRecord,
        data: &Data,
    ) -> Result<Batch> {
        if record.has_data {
            data.validate(self.config.data_len_max_bytes)?;
            let key = data_key(handle);
            let bytes = record::encode(Kind::Data, &key.to_vec(), data)?;
            batch = batch.check(key, Check::Absent).put(key, bytes, Timestamp::NEVER);
        }
        let key = session_key(handle);
        let row = SessionRow::Live(record.clone());
        let bytes = record::encode(Kind::Session, &key.to_vec(), &row)?;
        Ok(batch.check(key, Check::Absent).put(key, bytes, record.expires_at()))
    }

    /// A row of another maker's ids, and its version. One that cannot be read is an error: it
    /// may say that the id was used.
    pub(super) fn foreign(
        &self,
        store: &dyn Store,
        key: &Key,
    ) -> Result<Option<(ForeignRecord, u64)>> {
        let Some(row) = store.get(key)? else { return Ok(None) };
        match record::decode(Kind::Foreign, &key.to_vec(), &row.value) {
            Ok(record) => Ok(Some((record, row.version))),
            Err(_) => {
                let message = "what is known of an old site's session cannot be read: its client \
                               has to log in again";
                Err(Error::new(ErrorKind::Corrupt, message))
            }
        }
    }
}

/// Gives a record these lifetimes from `now` on.
pub(super) fn live_from(record: &mut SessionRecord, lifetimes: Lifetimes, now: Timestamp) {
    (record.issued, record.last_seen) = (now, now);
    record.idle_timeout_ms = millis(lifetimes.idle_timeout);
    record.absolute_lifetime_ms = millis(lifetimes.absolute_lifetime);
    record.absolute_deadline = now.plus(lifetimes.absolute_lifetime);
}

pub(super) fn encode(key: &Key, record: &ForeignRecord) -> Result<Vec<u8>> {
    record::encode(Kind::Foreign, &key.to_vec(), record)
}

/// The key of the row that leads from an id to its session's group.
pub(super) fn pointer_key(group: Group, id: &[u8; 16]) -> Result<Key> {
    Key::new(group, Table::Foreign, &[b"p".as_slice(), id].concat())
}

/// The key of the note in the session's group. The letters keep the two apart where both are in
/// one group.
pub(super) fn note_key(group: Group, id: &[u8; 16]) -> Result<Key> {
    Key::new(group, Table::Foreign, &[b"n".as_slice(), id].concat())
}

/// The sequence and generation of what was begun before the store was.
const BEFORE_ALL: u64 = 0;

const DEVICES_MAX: u32 = 100;
