//! What the endpoints of RFC 7662 and RFC 7009 answer, without the HTTP around it. The host
//! authenticates who asks.

use serde_json::{Map, Value, json};

use super::access::AccessVerdict;
use super::api_key::ApiKeyVerdict;
use super::inspect::Found;
use super::session::{Session, Verdict};
use super::verify::Touch;
use super::{Engine, Inner};
use crate::cache::Facts;
use crate::error::Result;
use crate::kind::TokenKind;
use crate::policy::{RefreshStep, refresh_step};
use crate::record::EndCause;
use crate::time::Timestamp;
use crate::token::{RefreshToken, text_of};

impl Engine {
    /// What a token is worth, as the JSON of RFC 7662, 2.2: of a session, access, refresh token
    /// or API key of this engine. Anything else, and what is not good now, is
    /// `{"active":false}` and nothing more. Keeps no session alive, and is no use of a key.
    ///
    /// # Errors
    /// As [`verify`](Self::verify): answer with 503, not with an inactive token.
    pub fn introspect(&self, token: &str) -> Result<String> {
        let members = self.inner.introspect(token.as_bytes())?;
        Ok(match members {
            Some(mut members) => {
                members.insert("active".into(), true.into());
                Value::Object(members).to_string()
            }
            None => json!({ "active": false }).to_string(),
        })
    }

    /// Revokes whatever a client presents (RFC 7009): of a session or refresh token the session
    /// with all that came of it, of an access token that token alone, an API key. What is no
    /// token, or none of ours, or revoked already, is as good as revoked: nothing tells them
    /// apart. Durable when it returns.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke): answer with 503, so that the client tries again.
    pub fn revoke_presented(&self, token: &str) -> Result<()> {
        self.inner.revoke_presented(token.as_bytes())?;
        self.ensure_maintenance();
        Ok(())
    }
}

/// What a text looks like.
enum Form {
    Session,
    Access,
    Refresh,
    ApiKey,
}

impl Inner {
    fn form_of(&self, token: &[u8]) -> Form {
        if token.contains(&b'.') {
            Form::Access
        } else if token.len() == RefreshToken::LEN {
            Form::Refresh
        } else if text_of(&self.config.api_key_prefix, token)
            .is_some_and(|text| self.authentic(TokenKind::ApiKey, text).is_ok())
        {
            Form::ApiKey
        } else {
            Form::Session
        }
    }

    fn introspect(&self, token: &[u8]) -> Result<Option<Map<String, Value>>> {
        Ok(match self.form_of(token) {
            Form::Session => match self.verify(token, Touch::No)? {
                Verdict::Valid(session) => Some(of_session(&session, "session")),
                Verdict::Rejected(_) => None,
            },
            Form::Access if !self.has_access_tokens() => None,
            Form::Access => match self.verify_access(token, Touch::No)? {
                AccessVerdict::Valid { claims, .. } => {
                    let mut members = match serde_json::to_value(&*claims) {
                        Ok(Value::Object(members)) => members,
                        _ => Map::new(),
                    };
                    members.insert("token_type".into(), "Bearer".into());
                    Some(members)
                }
                AccessVerdict::Rejected(_) => None,
            },
            Form::Refresh => self.introspect_refresh(token)?,
            Form::ApiKey => match self.verify_api_key(token, Touch::No)? {
                ApiKeyVerdict::Valid { key, .. } => {
                    let mut members = Map::new();
                    members.insert("token_type".into(), "api_key".into());
                    members.insert("sub".into(), key.subject.as_str().into());
                    members.insert("scope".into(), key.scopes.join(" ").into());
                    members.insert("iat".into(), key.created.as_secs().into());
                    if let Some(deadline) = key.deadline {
                        members.insert("exp".into(), deadline.as_secs().into());
                    }
                    Some(members)
                }
                ApiKeyVerdict::Rejected(_) => None,
            },
        })
    }

    fn introspect_refresh(&self, token: &[u8]) -> Result<Option<Map<String, Value>>> {
        let Ok(parts) = self.authentic_refresh(token) else { return Ok(None) };
        let (store, now) = (self.store()?, self.clock.now());
        let Found::Live(live) = self.find(store.as_ref(), &parts.handle, now)? else {
            return Ok(None);
        };
        let Some(state) = live.record.refresh.clone() else { return Ok(None) };
        let step = refresh_step(&state, parts.generation, self.config.refresh_grace, now);
        if step == RefreshStep::Reuse {
            return Ok(None);
        }
        let facts = Facts::of(parts.handle, &live.record);
        let session = Session::new(facts, live.record.last_seen, now);
        let mut members = of_session(&session, "refresh_token");
        if let Some(client) = state.grant.client {
            members.insert("client_id".into(), client.into());
        }
        if !state.grant.scopes.is_empty() {
            members.insert("scope".into(), state.grant.scopes.join(" ").into());
        }
        Ok(Some(members))
    }

    fn revoke_presented(&self, token: &[u8]) -> Result<()> {
        match self.form_of(token) {
            Form::Session => {
                let session = self.authentic(TokenKind::Session, token);
                session.map_or(Ok(false), |handle| self.end(&handle, EndCause::Revoked))?;
            }
            Form::Refresh => {
                let refresh = self.authentic_refresh(token);
                refresh.map_or(Ok(false), |parts| self.end(&parts.handle, EndCause::Revoked))?;
            }
            Form::Access if self.has_access_tokens() => {
                self.deny_access(token)?;
            }
            Form::Access => {}
            Form::ApiKey => {
                let text = text_of(&self.config.api_key_prefix, token);
                let kind = TokenKind::ApiKey;
                let handle = text.and_then(|text| self.authentic(kind, text).ok());
                handle.map_or(Ok(false), |handle| self.revoke_api_key(&handle))?;
            }
        }
        Ok(())
    }
}

fn of_session(session: &Session, token_type: &str) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("token_type".into(), token_type.into());
    members.insert("sid".into(), session.handle().to_string().into());
    members.insert("iat".into(), session.created().as_secs().into());
    let deadline = session.idle_deadline().min(session.absolute_deadline());
    members.insert("exp".into(), deadline.as_secs().into());
    if let Some(subject) = session.subject() {
        members.insert("sub".into(), subject.as_str().into());
    }
    if let Some(at) = session.authenticated_at().map(Timestamp::as_secs) {
        members.insert("auth_time".into(), at.into());
    }
    members
}
