//! What time does: it goes on, steps back, brings ticks, closes and crashes.

use std::sync::Arc;
use std::time::Duration;

use sessile::store::MemoryStore;
use sessile::{Clock, CreateOptions, Engine, Restored, Timestamp};

use crate::player::Player;
use crate::state::Fate;
use crate::tokens::REFRESH_GRACE_MS;

impl Player {
    pub fn pass(&mut self) {
        let some = [1, 5, 19, 500, 1_000, 1_500, 5_000, 9_999, 60_000, 600_000];
        let ms = match self.any_deadline() {
            Some(at) if self.below(3) == 0 && at > self.state.now => at - self.state.now,
            _ => self.one_of(&some),
        };
        self.clock.advance(Duration::from_millis(ms));
        let before = self.state.now;
        self.tell_time();
        let passed = self.state.now.saturating_sub(before);
        assert!(passed + SLACK_MS >= ms, "{ms} ms have passed, and the engine counts {passed}");
    }

    /// A moment at which something ends or could be thought to, or one before.
    fn any_deadline(&mut self) -> Option<u64> {
        let i = self.any_session()?;
        let session = &self.state.sessions[i];
        let idle = session.idle_timeout;
        let rotated_at = session.refresh.as_ref().map_or(0, |family| family.rotated_at);
        let until = match session.fate {
            Fate::Rotated { until, .. } => until,
            _ => session.not_before,
        };
        let deadlines = [
            session.seen + idle,
            session.seen_at_least + idle,
            session.stored + idle,
            session.absolute_deadline,
            rotated_at + REFRESH_GRACE_MS,
            until,
        ];
        Some(self.one_of(&deadlines).saturating_sub(self.below(2)))
    }

    pub fn step_back(&mut self) {
        let ms = self.one_of(&[1, 10, 19, 21, 1_000, 60_000, 86_400_000]);
        let back = self.clock.now().as_millis() - ms;
        self.clock.set(Timestamp::from_millis(back));
        let before = self.state.now;
        self.tell_time();
        assert!(self.state.now + SLACK_MS >= before, "time goes back by no more than the slack");
        assert!(self.state.now <= before, "and not on");
    }

    /// Asks the engine what time it is.
    pub fn tell_time(&mut self) {
        let issued = self.engine.create(CreateOptions::anonymous()).unwrap();
        self.state.now = issued.session.verified_at().as_millis();
    }

    pub fn tick(&mut self) {
        let report = self.engine.tick().unwrap();
        self.note(format!("  {report:?}"));
        self.stored();
        let now = self.state.now;
        for session in &mut self.state.sessions {
            let expires = (session.stored + session.idle_timeout).min(session.absolute_deadline);
            session.may_be_swept |= now >= expires + SWEEP_LAG_MS;
        }
        for link in &mut self.state.links {
            link.may_be_swept |= now >= link.deadline + SWEEP_LAG_MS;
        }
        for key in &mut self.state.api_keys {
            key.may_be_swept |= now >= key.deadline.saturating_add(SWEEP_LAG_MS);
        }
    }

    /// What the process knows, the store knows from now on, to the interval of the touches.
    fn stored(&mut self) {
        for session in &mut self.state.sessions {
            if session.fate == Fate::Live {
                session.stored = session.stored.max(session.seen_at_least);
            }
            if let Some(family) = &mut session.refresh {
                family.is_confirmed_in_store = family.is_confirmed;
            }
        }
    }

    /// What only the process knew is gone.
    fn forget(&mut self) {
        self.watches.clear();
        for session in &mut self.state.sessions {
            session.seen_at_least = session.stored;
            if let Some(family) = &mut session.refresh {
                family.is_confirmed = family.is_confirmed_in_store;
            }
        }
        let before = self.state.now;
        self.tell_time();
        if self.state.now < before {
            // After a crash the store's time is up to a minute old.
            for session in &mut self.state.sessions {
                session.is_over = false;
            }
        }
    }

    pub fn reopen(&mut self) {
        self.engine.close().unwrap();
        self.stored();
        let before = self.state.now;
        self.engine = Engine::open_with(self.config()).unwrap();
        self.forget();
        assert!(self.state.now >= before, "a closed store knows what time it was");
    }

    /// Whatever was durable is there; this store loses nothing else either.
    pub fn crash(&mut self) {
        self.engine = Engine::open_with(self.config()).unwrap();
        self.forget();
    }

    pub fn restore(&mut self) {
        let restored = self.one_of(&[Restored::Revoked, Restored::Valid]);
        let mut bytes = Vec::new();
        self.engine.export(&mut bytes).unwrap();
        self.stored();
        self.store = Arc::new(MemoryStore::new());
        self.engine = Engine::restore(self.config(), &mut bytes.as_slice(), restored).unwrap();
        if restored == Restored::Revoked {
            self.state.generation += 1;
        }
        self.forget();
    }
}

/// Steps back by less go unnoticed.
const SLACK_MS: u64 = 20;

/// Rows that are over for less than a minute are not swept.
const SWEEP_LAG_MS: u64 = 60_000;
