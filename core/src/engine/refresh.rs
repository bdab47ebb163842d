//! Refresh tokens.

use super::access::{AccessOptions, IssuedAccess};
use super::change::Plan;
use super::events::EventKind;
use super::inspect::{Condemn, Found, Live, session_key};
use super::revoke::Ending;
use super::session::Session;
use super::{Engine, Inner};
use crate::cache::Facts;
use crate::codec::record::{self, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Handle;
use crate::kind::TokenKind;
use crate::policy::{EarlyRefresh, RefreshStep, opens_at, refresh_step};
use crate::record::{EndCause, Grant, RefreshState, SessionRow};
use crate::store::{Batch, Check, Durability, Store};
use crate::time::Timestamp;
use crate::token::{RefreshParts, RefreshToken};
use crate::verdict::Reason;

/// What a refresh family is granted: RFC 6749's client and scopes, RFC 8707's audiences. What is
/// not named is not bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefreshGrant {
    grant: Grant,
}

impl RefreshGrant {
    /// Bound to nothing but the session.
    pub fn new() -> Self {
        RefreshGrant::default()
    }

    /// Good for this client alone (RFC 9700, 4.14).
    #[must_use]
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.grant.client = Some(client.into());
        self
    }

    /// The scopes, at most which a refresh can ask for.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.grant.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The audiences, at most which a refresh can ask for.
    #[must_use]
    pub fn audiences(mut self, audiences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.grant.audiences = audiences.into_iter().map(Into::into).collect();
        self
    }

    /// The state of a family that begins now.
    pub(super) fn begin(&self, now: Timestamp) -> Result<RefreshState> {
        let Grant { client, scopes, audiences } = &self.grant;
        let texts = client.iter().chain(scopes).chain(audiences);
        let len: usize = texts.map(String::len).sum();
        if len > GRANT_LEN_MAX || scopes.len() + audiences.len() > GRANTS_MAX {
            let message = format!(
                "a grant has at most {GRANTS_MAX} scopes and audiences and {GRANT_LEN_MAX} bytes"
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let grant = self.grant.clone();
        Ok(RefreshState { generation: 0, rotated_at: now, is_confirmed: false, grant })
    }
}

/// What a client asks of a refresh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefreshRequest {
    client: Option<String>,
    scopes: Option<Vec<String>>,
    audiences: Option<Vec<String>>,
}

impl RefreshRequest {
    /// All that was granted, by a family that is bound to no client.
    pub fn new() -> Self {
        RefreshRequest::default()
    }

    /// The client that asks, as the host has authenticated it.
    #[must_use]
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// These scopes, instead of all that were granted.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// These audiences, instead of all that were granted.
    #[must_use]
    pub fn audiences(mut self, audiences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.audiences = Some(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// What this gets of `grant`, or why it gets nothing.
    fn narrow(&self, grant: &Grant) -> Result<Grant, Reason> {
        if self.client != grant.client {
            return Err(Reason::WrongClient);
        }
        let part = |asked: &Option<Vec<String>>, granted: &Vec<String>| match asked {
            None => Ok(granted.clone()),
            Some(asked) if asked.iter().all(|one| granted.contains(one)) => Ok(asked.clone()),
            Some(_) => Err(Reason::BeyondGrant),
        };
        Ok(Grant {
            client: grant.client.clone(),
            scopes: part(&self.scopes, &grant.scopes)?,
            audiences: part(&self.audiences, &grant.audiences)?,
        })
    }
}

/// What a refresh answers.
#[derive(Clone, Debug)]
#[must_use]
pub enum Refresh {
    /// The token was good, and is replaced by the one that comes back.
    Rotated(Refreshed),
    /// The token was replaced already, a moment ago or by an answer that never arrived: here is
    /// the same one again.
    Replayed(Refreshed),
    /// It is not good.
    Rejected(Reason),
}

impl Refresh {
    /// What came of it, unless rejected.
    pub fn refreshed(&self) -> Option<&Refreshed> {
        match self {
            Refresh::Rotated(refreshed) | Refresh::Replayed(refreshed) => Some(refreshed),
            Refresh::Rejected(_) => None,
        }
    }

    /// Why it was rejected, if it was.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Refresh::Rejected(reason) => Some(*reason),
            Refresh::Rotated(_) | Refresh::Replayed(_) => None,
        }
    }
}

/// A refreshed session.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The token for the next refresh.
    pub refresh_token: RefreshToken,
    /// The access token, if the configuration has them and the session a subject.
    pub access: Option<IssuedAccess>,
    /// Its generation: how many rotations there were.
    pub generation: u32,
    /// The session.
    pub session: Session,
    /// The scopes that were asked for and granted.
    pub scopes: Vec<String>,
    /// The audiences that were asked for and granted.
    pub audiences: Vec<String>,
}

impl Engine {
    /// Takes a refresh token and gives the next, in one durable commit; the session counts as
    /// used.
    ///
    /// | presented | answer |
    /// |---|---|
    /// | the newest token | [`Rotated`](Refresh::Rotated): the next one |
    /// | the one before, and nothing that came with the newest was presented yet | [`Replayed`](Refresh::Replayed): the newest once more; its answer was lost, or two tabs asked at once |
    /// | the one before, within the configured grace of its rotation | the same |
    /// | anything older | [`Reused`](Reason::Reused): somebody has a copy (RFC 9700, 4.14.2) |
    ///
    /// With a configured [`refresh_window`](crate::Config::refresh_window) the newest token may be
    /// too early: then [`RefreshedEarly`](EventKind::RefreshedEarly) tells of it, or it is
    /// [`NotYetValid`](Reason::NotYetValid) and stays the newest.
    ///
    /// A reuse ends the session, and with it all that came of it, before this returns.
    ///
    /// # Errors
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): let the client ask again with the same
    ///   token. If this was a reuse, this process rejects the session from now on.
    /// - Other store errors: nothing was changed; the same token can be presented again.
    pub fn refresh(&self, token: &str, request: &RefreshRequest) -> Result<Refresh> {
        let refresh = self.inner.refresh(token.as_bytes(), request)?;
        self.ensure_maintenance();
        Ok(refresh)
    }

    /// Notes that the client presented something that it got with this generation: then it has
    /// the refresh token of that, too, and the one before is good for the grace only. The
    /// engine's own access tokens do so by themselves; this is for hosts that mint others.
    pub fn confirm_refresh(&self, handle: &Handle, generation: u32) {
        self.inner.note_confirmed(*handle, generation);
        self.ensure_maintenance();
    }
}

impl Inner {
    fn refresh(&self, token: &[u8], request: &RefreshRequest) -> Result<Refresh> {
        let parts = match self.authentic_refresh(token) {
            Ok(parts) => parts,
            Err(reason) => return Ok(Refresh::Rejected(reason)),
        };
        let store = self.store()?;
        let store = store.as_ref();
        let mut refresh = Refresh::Rejected(Reason::UnknownSession);
        self.change(store, parts.handle.group(), || {
            let (planned, outcome) = self.plan_refresh(store, &parts, request)?;
            refresh = outcome;
            Ok(planned)
        })?;
        if let Refresh::Replayed(replayed) = &refresh {
            self.note_touch(parts.handle, replayed.session.verified_at());
        }
        Ok(refresh)
    }

    /// A refresh token taken apart, if it is one of ours.
    pub(super) fn authentic_refresh(&self, token: &[u8]) -> Result<RefreshParts, Reason> {
        let parts = RefreshParts::parse(token)?;
        let keyring = self.keyring();
        let key = keyring.key(TokenKind::Refresh, parts.key_id).ok_or(Reason::UnknownKey)?;
        if parts.is_signed_by(key) { Ok(parts) } else { Err(Reason::BadSignature) }
    }

    fn plan_refresh(
        &self,
        store: &dyn Store,
        parts: &RefreshParts,
        request: &RefreshRequest,
    ) -> Result<(Option<Plan>, Refresh)> {
        let now = self.clock.now();
        let rejected = |reason| Ok((None, Refresh::Rejected(reason)));
        let live = match self.find(store, &parts.handle, now)? {
            Found::Live(live) => *live,
            // The rotation of the session gave a refresh token of its own.
            Found::Superseded(_) => return rejected(Reason::RevokedSession),
            Found::Rejected(reason) => return rejected(reason),
        };
        let Some(state) = live.record.refresh.clone() else {
            return rejected(Reason::UnknownSession);
        };
        let step = refresh_step(&state, parts.generation, self.config.refresh_grace, now);
        if step == RefreshStep::Reuse {
            let ended = self.end_reused(&parts.handle, &live)?;
            return Ok((Some(ended), Refresh::Rejected(Reason::Reused)));
        }
        // After the reuse: who has a stolen token may not know its client.
        let narrowed = match request.narrow(&state.grant) {
            Ok(narrowed) => narrowed,
            Err(reason) => return rejected(reason),
        };
        if step == RefreshStep::Replay {
            let refreshed = self.refreshed(&parts.handle, &live, state.generation, narrowed)?;
            return Ok((None, Refresh::Replayed(refreshed)));
        }
        let (handle, generation) = (parts.handle, state.generation);
        let early = self.early(&state, now);
        let told_early = early.map(|_| EventKind::RefreshedEarly { handle, generation });
        if early == Some(EarlyRefresh::Refuse) {
            // Nothing is written, so no commit tells of it.
            self.bus.emit(now, told_early);
            return rejected(Reason::NotYetValid);
        }
        let next = RefreshState {
            generation: state.generation + 1,
            rotated_at: now,
            is_confirmed: false,
            grant: state.grant,
        };
        let generation = next.generation;
        let mut record = live.record.clone();
        record.refresh = Some(next);
        record.last_seen = record.last_seen.max(now);
        let (key, expires_at) = (session_key(&handle), record.expires_at());
        let live = Live { record: record.clone(), ..live };
        let refreshed = self.refreshed(&handle, &live, generation, narrowed)?;
        let bytes = record::encode(Kind::Session, &key.to_vec(), &SessionRow::Live(record))?;
        let batch = Batch::new(handle.group(), Durability::Durable)
            .check(key, Check::Version(live.version))
            .put(key, bytes, expires_at);
        let plan = told_early.into_iter().fold(Plan::from(batch), Plan::telling);
        let plan = plan.telling(EventKind::Refreshed { handle, generation });
        Ok((Some(plan), Refresh::Rotated(refreshed)))
    }

    /// What is to become of a refresh with the newest token, if it comes before the window.
    fn early(&self, state: &RefreshState, now: Timestamp) -> Option<EarlyRefresh> {
        let (window, early) = self.config.refresh_window?;
        let lifetime = self.config.access_tokens.as_ref()?.lifetime;
        (now < opens_at(state, lifetime, window)).then_some(early)
    }

    /// The end of a session of which a used refresh token was presented.
    fn end_reused(&self, handle: &Handle, live: &Live) -> Result<Plan> {
        let ending = Ending {
            version: live.version,
            expires_at: live.record.expires_at(),
            has_data: live.record.has_data,
            cause: EndCause::Reuse,
        };
        let plan = Plan::from(Batch::new(handle.group(), Durability::Durable))
            .condemning(Condemn::Session(*handle));
        self.ending(plan, handle, ending)
    }

    fn refreshed(
        &self,
        handle: &Handle,
        live: &Live,
        generation: u32,
        grant: Grant,
    ) -> Result<Refreshed> {
        let now = self.clock.now();
        let access = if self.has_access_tokens() && live.record.subject.is_some() {
            let mut options = AccessOptions::new().generation(generation);
            options = options.scopes(grant.scopes.clone());
            if let Some(client) = &grant.client {
                options = options.client(client.clone());
            }
            if !grant.audiences.is_empty() {
                options = options.audiences(grant.audiences.clone());
            }
            Some(self.mint_access(handle, live, &options)?)
        } else {
            None
        };
        Ok(Refreshed {
            refresh_token: RefreshToken::issue(handle, generation, &self.keyring())?,
            access,
            generation,
            session: Session::new(Facts::of(*handle, &live.record), live.record.last_seen, now),
            scopes: grant.scopes,
            audiences: grant.audiences,
        })
    }
}

/// The longest grant: it is stored with the session and read with it.
const GRANT_LEN_MAX: usize = 4 << 10;

const GRANTS_MAX: usize = 64;
