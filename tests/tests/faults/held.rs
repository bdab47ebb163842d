//! The verbs of what clients hold beside session tokens: refresh tokens, links, API keys.

use std::collections::BTreeMap;

use sessile::{
    ApiKeyOptions, Engine, IssuedApiKey, IssuedSingleUse, KeyState, Reason, Refresh,
    RefreshRequest, SingleUseOptions,
};

use super::run::Run;
use super::world::{Link, World};

/// What clients hold, by its name.
#[derive(Default)]
pub struct Held {
    /// Of each session, the newest last.
    pub refresh_tokens: BTreeMap<&'static str, Vec<String>>,
    links: BTreeMap<&'static str, IssuedSingleUse>,
    api_keys: BTreeMap<&'static str, IssuedApiKey>,
}

impl Run {
    /// Refresh tokens, and their reuse.
    pub fn refreshes(&mut self) {
        if !self.open() {
            return;
        }
        self.create_refreshable("r1", "alice");
        self.create_refreshable("r2", "bob");
        self.refresh("r1", 0);
        self.refresh("r1", 0);
        self.refresh("r1", 1);
        self.refresh("r2", 0);
        if !self.open() {
            return;
        }
        self.probe("with a cold cache");
        self.refresh("r1", 0);
        self.refresh("r2", 0);
        self.refresh("r2", 0);
        self.refresh("r2", 2);
        self.refresh("r2", 2);
        self.close();
    }

    /// Links: used, used twice, withdrawn, bound to a session.
    pub fn links(&mut self) {
        if !self.open() {
            return;
        }
        for name in ["used", "bound", "older", "withdrawn"] {
            self.issue(name, false);
        }
        self.consume("used");
        self.consume("used");
        self.consume("bound");
        self.create("b1", "alice");
        self.bind("bound", "b1");
        self.issue("newer", true);
        if !self.open() {
            return;
        }
        self.probe("with a cold cache");
        self.revoke_link("withdrawn");
        self.consume("withdrawn");
        self.consume("older");
        self.consume("bound");
        self.consume("bound");
        self.close();
    }

    /// API keys and signing keys.
    pub fn keys(&mut self) {
        if !self.open() {
            return;
        }
        self.create("a1", "alice");
        self.create_api_key("k1");
        self.create_api_key("k2");
        self.revoke_api_key("k1");
        self.rotate_key();
        self.create("a2", "alice");
        if !self.open() {
            return;
        }
        self.probe("with a cold cache");
        self.revoke_api_key("k2");
        self.retire_first_key();
        self.tick();
        self.close();
    }

    /// Presents the newest refresh token of a session, or one so many back.
    fn refresh(&mut self, name: &'static str, back: usize) {
        let Some(tokens) = self.held.refresh_tokens.get(name) else { return };
        let Some(place) = tokens.len().checked_sub(back + 1) else { return };
        let token = tokens[place].clone();
        let refresh = |world: &mut World| present(world, name, place as u32);
        let verb = |engine: &Engine| engine.refresh(&token, &RefreshRequest::new());
        if self.condemned.contains(name) {
            // Whether it is ended is not known: for this process it is.
            if let Ok(refresh) = verb(self.engine.as_ref().unwrap()) {
                let is_ended =
                    matches!(refresh.reason(), Some(Reason::RevokedSession | Reason::Reused));
                assert!(is_ended, "{refresh:?}");
            }
            return;
        }
        let answer = self.ask("refresh", verb, kind_of, &refresh);
        if let Some(refreshed) = answer.as_ref().and_then(Refresh::refreshed) {
            let tokens = self.held.refresh_tokens.get_mut(name).unwrap();
            let token = refreshed.refresh_token.as_str().to_owned();
            match tokens.get(refreshed.generation as usize) {
                Some(known) => assert_eq!(*known, token, "the same once more"),
                None => tokens.push(token),
            }
        }
        let is_reuse = |world: &World| world.sessions[name].ended == Some(Reason::Reused);
        if self.is_unknown() && self.worlds.iter().any(is_reuse) {
            self.condemned.insert(name);
        }
        self.probe("after refresh");
    }

    fn issue(&mut self, name: &'static str, is_superseding: bool) {
        let options = SingleUseOptions::new(purpose_of(name)).subject("alice").unwrap();
        let options = if is_superseding { options.superseding() } else { options };
        let issue = |world: &mut World| {
            if let Some(older) = world.links.get_mut("older")
                && is_superseding
                && *older == Link::Fresh
            {
                *older = Link::Withdrawn;
            }
            world.links.insert(name, Link::Fresh);
        };
        let issued =
            self.step("issue_single_use", |engine| engine.issue_single_use(&options), &[&issue]);
        if let Some(issued) = issued {
            self.held.links.insert(name, issued);
        }
        self.probe("after issue_single_use");
    }

    fn consume(&mut self, name: &'static str) {
        let Some(token) = self.held.links.get(name).map(|issued| issued.token.clone()) else {
            return;
        };
        let purpose = purpose_of(name);
        let bound = self.worlds.iter().find_map(|world| match world.links[name] {
            Link::Used(bound) => bound,
            _ => None,
        });
        let verb = |engine: &Engine| engine.consume(purpose, token.as_str());
        // A second use ends the session first and says so of the link then.
        let end = |world: &mut World| {
            if let Link::Used(Some(session)) = world.links[name] {
                world.end(session, Reason::Reused);
            }
        };
        let consume = |world: &mut World| {
            let link = world.links.get_mut(name).unwrap();
            let answer = match *link {
                Link::Fresh => None,
                Link::Withdrawn => Some(Reason::Denied),
                Link::Used(_) | Link::Reused => Some(Reason::Reused),
            };
            *link = match *link {
                Link::Fresh => Link::Used(None),
                Link::Used(_) => Link::Reused,
                other => other,
            };
            answer
        };
        self.ask_after("consume", verb, |used| used.as_ref().err().copied(), &end, &consume);
        if let (true, Some(bound)) = (self.is_unknown(), bound) {
            // Which of the two commits it was is not known.
            self.doubt_of(bound);
        }
        self.probe("after consume");
    }

    fn bind(&mut self, name: &'static str, session: &'static str) {
        let (Some(issued), Some(bound)) = (self.held.links.get(name), self.tokens.get(session))
        else {
            return;
        };
        let (used, handle) = (issued.handle, *bound.session.handle());
        if self.worlds.iter().any(|world| world.links[name] != Link::Used(None)) {
            return;
        }
        let bind = |world: &mut World| {
            world.links.insert(name, Link::Used(Some(session)));
        };
        self.step("bind_single_use", |engine| engine.bind_single_use(&used, &handle), &[&bind]);
        self.probe("after bind_single_use");
    }

    fn revoke_link(&mut self, name: &'static str) {
        let Some(handle) = self.held.links.get(name).map(|issued| issued.handle) else { return };
        let revoke = |world: &mut World| {
            let was_good = world.links[name] == Link::Fresh;
            if was_good {
                world.links.insert(name, Link::Withdrawn);
            }
            was_good
        };
        let verb = |engine: &Engine| engine.revoke_single_use(&handle);
        self.ask("revoke_single_use", verb, |was_good| *was_good, &revoke);
        self.probe("after revoke_single_use");
    }

    fn create_api_key(&mut self, name: &'static str) {
        let options = ApiKeyOptions::new("alice", name).unwrap();
        // The first notes beforehand that its signing key must be kept.
        let create = |world: &mut World| {
            world.api_keys.insert(name, false);
        };
        let steps: &[&dyn Fn(&mut World)] = &[&|_: &mut World| (), &create];
        let issued = self.step("create_api_key", |engine| engine.create_api_key(&options), steps);
        if let Some(issued) = issued {
            self.held.api_keys.insert(name, issued);
        }
        self.probe("after create_api_key");
    }

    fn revoke_api_key(&mut self, name: &'static str) {
        let Some(handle) = self.held.api_keys.get(name).map(|key| key.key.handle) else { return };
        let revoke = |world: &mut World| {
            let is_revoked = world.api_keys.get_mut(name).unwrap();
            !std::mem::replace(is_revoked, true)
        };
        let verb = |engine: &Engine| engine.revoke_api_key(&handle);
        self.ask("revoke_api_key", verb, |was_good| *was_good, &revoke);
        if self.is_unknown() {
            self.condemned.insert(name);
        }
        self.probe("after revoke_api_key");
    }

    fn rotate_key(&mut self) {
        let rotated = self.step("rotate_key", |engine| engine.rotate_key(), &[&|_: &mut World| ()]);
        self.is_later_key_active |= rotated.is_some();
        self.probe("after rotate_key");
    }

    /// The key that signs from the beginning, if another does now.
    fn retire_first_key(&mut self) {
        let engine = self.engine.as_ref().unwrap();
        let keys = engine.keys();
        let first = keys[0];
        if first.state != KeyState::Verifying {
            return;
        }
        let retire = |world: &mut World| world.is_first_key_retired = true;
        self.step("retire_key", |engine| engine.retire_key(first.id), &[&retire]);
        if self.is_unknown() {
            let worlds = self.worlds.iter().flat_map(|world| &world.sessions);
            let under_it = worlds.filter(|(_, state)| !state.is_under_later_key);
            self.condemned.extend(under_it.map(|(name, _)| *name));
            self.condemned.extend(self.held.api_keys.keys());
        }
        self.probe("after retire_key");
    }

    /// Asks about all that is held but refresh tokens, which cannot be asked about.
    pub fn probe_held(&self, when: &str) {
        let engine = self.engine.as_ref().unwrap();
        for (name, issued) in &self.held.links {
            let failed = self.store.failed_calls();
            let found = engine.peek_single_use(purpose_of(name), issued.token.as_str());
            self.is_failed_as_the_store("peek_single_use", failed, found.as_ref().err());
            let Ok(found) = found else { continue };
            let found = Some(found.err());
            let is_allowed = self.worlds.iter().any(|world| world.link(name) == found);
            assert!(is_allowed, "{name} {when} under {:?}: {found:?}", self.fault);
        }
        for (name, issued) in &self.held.api_keys {
            let failed = self.store.failed_calls();
            let verdict = engine.verify_api_key(issued.token.as_str());
            self.is_failed_as_the_store("verify_api_key", failed, verdict.as_ref().err());
            let Ok(verdict) = verdict else { continue };
            let reason = verdict.reason();
            let is_allowed = match self.condemned.contains(name) {
                true => reason.is_some(),
                false => self.worlds.iter().any(|world| world.api_key(name) == Some(reason)),
            };
            assert!(is_allowed, "{name} {when} under {:?}: {reason:?}", self.fault);
        }
    }
}

impl Held {
    /// Leaves the worlds in which all that is held answers as it does, and demands one.
    pub fn settle(&self, engine: &Engine, worlds: &mut Vec<World>, all: &str) {
        for (name, issued) in &self.links {
            let found = engine.peek_single_use(purpose_of(name), issued.token.as_str()).unwrap();
            let found = Some(found.err());
            worlds.retain(|world| world.link(name) == found);
            assert!(!worlds.is_empty(), "{name} is {found:?}: {all}");
        }
        for (name, issued) in &self.api_keys {
            let found = Some(engine.verify_api_key(issued.token.as_str()).unwrap().reason());
            worlds.retain(|world| world.api_key(name) == found);
            assert!(!worlds.is_empty(), "{name} is {found:?}: {all}");
        }
        for (name, tokens) in &self.refresh_tokens {
            let (place, token) = (tokens.len() - 1, tokens.last().unwrap());
            let answer = engine.refresh(token, &RefreshRequest::new()).unwrap();
            let found = kind_of(&answer);
            worlds.retain_mut(|world| present(world, name, place as u32) == found);
            assert!(!worlds.is_empty(), "the refresh of {name} is {found:?}: {all}");
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Rotated,
    Replayed,
    Rejected(Reason),
}

fn kind_of(refresh: &Refresh) -> Kind {
    match refresh {
        Refresh::Rotated(_) => Kind::Rotated,
        Refresh::Replayed(_) => Kind::Replayed,
        Refresh::Rejected(reason) => Kind::Rejected(*reason),
    }
}

/// What a refresh token of a generation answers in this world, and what becomes of that. No
/// client here has confirmed anything.
fn present(world: &mut World, name: &str, generation: u32) -> Kind {
    let answer = world.answer(name).unwrap();
    if let Some(reason) = answer.reason {
        return Kind::Rejected(reason);
    }
    let state = world.sessions.get_mut(name).unwrap();
    if generation == state.refreshes {
        state.refreshes += 1;
        Kind::Rotated
    } else if generation + 1 == state.refreshes {
        Kind::Replayed
    } else {
        world.end(name, Reason::Reused);
        Kind::Rejected(Reason::Reused)
    }
}

fn purpose_of(link: &str) -> &'static str {
    if ["older", "newer"].contains(&link) { "reset" } else { "sign-in" }
}
