//! The verbs of the keyring.

use sessile::{ErrorKind, KeyState};

use crate::player::{Player, outcome};

impl Player {
    pub fn rotate_key(&mut self) {
        let id = self.engine.rotate_key().unwrap();
        self.activated(id);
    }

    pub fn publish_key(&mut self) {
        let id = self.engine.publish_key().unwrap();
        self.state.keys.insert(id, KeyState::Published);
        self.check_keys();
    }

    pub fn activate_key(&mut self) {
        let (id, state) = self.any_key();
        let error = (state == KeyState::Retired).then_some(ErrorKind::NoSuchKey);
        if outcome(self.engine.activate_key(id), error).is_some() {
            self.activated(id);
        }
    }

    /// Every token under a retired key is rejected from then on.
    pub fn retire_key(&mut self) {
        let (id, state) = self.any_key();
        let error = (state == KeyState::Active).then_some(ErrorKind::InvalidInput);
        if outcome(self.engine.retire_key(id), error).is_some() {
            self.state.keys.insert(id, KeyState::Retired);
        }
        self.check_keys();
    }

    fn activated(&mut self, id: u8) {
        let active = self.state.active_key();
        self.state.keys.insert(active, KeyState::Verifying);
        self.state.keys.insert(id, KeyState::Active);
        self.check_keys();
    }

    fn any_key(&mut self) -> (u8, KeyState) {
        let keys: Vec<_> = self.state.keys.iter().map(|(id, state)| (*id, *state)).collect();
        self.one_of(&keys)
    }

    fn check_keys(&self) {
        let found = self.engine.keys().into_iter().map(|key| (key.id, key.state));
        assert_eq!(found.collect::<std::collections::BTreeMap<_, _>>(), self.state.keys);
    }
}
