//! The verbs that move a session, and those of its data.

use std::time::Duration;

use sessile::{CreateOptions, Patch, RefreshGrant, RotateOptions};

use super::run::Run;
use super::world::{State, World};

impl Run {
    /// Sessions that move, with what they hold.
    pub fn moves(&mut self) {
        if !self.open() {
            return;
        }
        self.create("visit", "");
        self.create("a1", "alice");
        self.patch("visit", 1);
        self.patch("a1", 2);
        self.patch("a1", 3);
        self.rotate("a1", "a2");
        // What a client does that got no answer.
        self.rotate("a1", "a2");
        self.patch("a2", 4);
        self.log_in("visit", "login", "bob");
        self.patch("login", 5);
        if !self.open() {
            return;
        }
        self.probe("with a cold cache");
        self.patch("a2", 6);
        self.reauthenticate("a2", "a3");
        self.rotate("login", "login2");
        self.patch("login2", 7);
        self.revoke("visit");
        self.tick();
        self.revoke("a1");
        self.close();
    }

    pub fn create_refreshable(&mut self, name: &'static str, subject: &'static str) {
        let options = |options: CreateOptions| options.refreshable(RefreshGrant::new());
        self.create_with(
            name,
            subject,
            options,
            &[&|world: &mut World| {
                world.create(name, subject);
            }],
        );
        if let Some(token) = self.tokens.get(name).and_then(|issued| issued.refresh_token.clone()) {
            self.held.refresh_tokens.insert(name, vec![token.as_str().to_owned()]);
        }
    }

    fn patch(&mut self, name: &'static str, value: u32) {
        let Some(handle) = self.handle(name) else { return };
        // In some world it was rotated, and is read-only.
        if self.worlds.iter().any(|world| world.sessions[name].to.is_some()) {
            return;
        }
        let patch = Patch::new().set("n", value.to_string());
        let set = |world: &mut World| world.sessions.get_mut(name).unwrap().value = Some(value);
        self.step("patch", |engine| engine.patch(&handle, &patch), &[&set]);
        self.probe("after patch");
    }

    fn rotate(&mut self, name: &'static str, to: &'static str) {
        let Some(handle) = self.handle(name) else { return };
        let rotate = |world: &mut World| {
            let State { to: moved, subject, .. } = world.sessions[name];
            if moved.is_none() {
                world.rotate(name, to, subject);
            }
        };
        let options = RotateOptions::new().grace(GRACE);
        let rotated =
            self.step("rotate", |engine| engine.rotate_with(&handle, options), &[&rotate]);
        if let Some(issued) = rotated {
            self.tokens.insert(to, issued);
        }
        self.probe("after rotate");
    }

    fn reauthenticate(&mut self, name: &'static str, to: &'static str) {
        let Some(handle) = self.handle(name) else { return };
        let rotate = |world: &mut World| {
            let subject = world.sessions[name].subject;
            world.rotate(name, to, subject);
            world.sessions.get_mut(name).unwrap().is_raised = true;
        };
        self.clock.advance(Duration::from_secs(1));
        let options = RotateOptions::new().authentication(Default::default()).grace(GRACE);
        let verb = "reauthenticate";
        let rotated = self.step(verb, |engine| engine.rotate_with(&handle, options), &[&rotate]);
        if let Some(issued) = rotated {
            self.tokens.insert(to, issued);
        }
        self.probe("after reauthenticate");
    }

    /// Two commits: the new session first, so that no failure takes one away.
    fn log_in(&mut self, name: &'static str, to: &'static str, subject: &'static str) {
        let Some(handle) = self.handle(name) else { return };
        let place = |world: &mut World| *world.strays.entry(subject).or_default() += 1;
        let leave = |world: &mut World| {
            world.strays.remove(subject);
            world.rotate(name, to, subject);
            world.sessions.get_mut(name).unwrap().is_raised = true;
        };
        let options = RotateOptions::log_in(subject).unwrap().grace(GRACE);
        let login =
            self.step("log_in", |engine| engine.rotate_with(&handle, options), &[&place, &leave]);
        if let Some(issued) = login {
            self.tokens.insert(to, issued);
        }
        self.probe("after log_in");
    }

    fn handle(&self, name: &str) -> Option<sessile::Handle> {
        self.tokens.get(name).map(|issued| *issued.session.handle())
    }
}

/// The longest: the old token answers until the end of the run.
const GRACE: Duration = Duration::from_secs(300);
