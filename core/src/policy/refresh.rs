//! The state machine of refresh tokens: a pure function.
//!
//! | presented | answer |
//! |---|---|
//! | generation G | the next one, G + 1, not yet confirmed |
//! | G - 1, G not confirmed | G once more: its answer was lost, or two tabs asked at once |
//! | G - 1, G confirmed, within the grace | G once more |
//! | anything else | reuse: two parties have it, and nobody knows which is the thief |
//!
//! G is confirmed once something that was minted with it was presented: then the client has it,
//! and has no honest use for G - 1 but a request that is still under way. The grace counts from
//! the rotation and is never armed again.

use std::time::Duration;

use crate::record::RefreshState;
use crate::time::Timestamp;

/// What becomes of a refresh that comes long before it is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EarlyRefresh {
    /// It is answered, and an event tells of it.
    #[default]
    Tell,
    /// It is refused until the window opens, and an event tells of it. The family stays.
    Refuse,
}

/// When the newest token may be refreshed: `window` before the access token of its generation
/// ends, whose lifetime counts from the rotation.
///
/// | presented | early? |
/// |---|---|
/// | the newest, before the window opens | yes |
/// | the newest, from then on | no |
/// | any other: a replay or a reuse, which have rules of their own | no |
pub(crate) fn opens_at(
    state: &RefreshState,
    access_lifetime: Duration,
    window: Duration,
) -> Timestamp {
    state.rotated_at.plus(access_lifetime.saturating_sub(window))
}

/// What a presented generation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshStep {
    /// The next generation.
    Rotate,
    /// The present generation once more.
    Replay,
    /// The end of the family.
    Reuse,
}

/// What a token of generation `presented` asks for at `now`.
pub(crate) fn refresh_step(
    state: &RefreshState,
    presented: u32,
    grace: Duration,
    now: Timestamp,
) -> RefreshStep {
    if presented == state.generation {
        return RefreshStep::Rotate;
    }
    let is_previous = presented.checked_add(1) == Some(state.generation);
    if is_previous && (!state.is_confirmed || now < state.rotated_at.plus(grace)) {
        return RefreshStep::Replay;
    }
    RefreshStep::Reuse
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::record::Grant;

    const GRACE: Duration = Duration::from_millis(10);

    fn state(generation: u32, is_confirmed: bool) -> RefreshState {
        let rotated_at = Timestamp::from_millis(1_000);
        RefreshState { generation, rotated_at, is_confirmed, grant: Grant::default() }
    }

    #[test]
    fn each_line_of_the_table() {
        let step = |state, presented, ms| {
            refresh_step(&state, presented, GRACE, Timestamp::from_millis(ms))
        };
        assert_eq!(step(state(5, false), 5, 1_000), RefreshStep::Rotate);
        assert_eq!(step(state(5, true), 5, 9_000), RefreshStep::Rotate);
        assert_eq!(step(state(5, false), 4, 9_000), RefreshStep::Replay);
        assert_eq!(step(state(5, true), 4, 1_009), RefreshStep::Replay);
        assert_eq!(step(state(5, true), 4, 1_010), RefreshStep::Reuse);
        assert_eq!(step(state(5, false), 3, 1_000), RefreshStep::Reuse);
        assert_eq!(step(state(5, false), 6, 1_000), RefreshStep::Reuse);
        assert_eq!(step(state(0, false), u32::MAX, 1_000), RefreshStep::Reuse);
    }

    #[test]
    fn the_window_opens_so_long_before_the_access_token_ends() {
        let opens_at = |access, window| {
            let ms = Duration::from_millis;
            opens_at(&state(5, true), ms(access), ms(window)).as_millis()
        };
        assert_eq!(opens_at(300, 60), 1_240);
        assert_eq!(opens_at(300, 0), 1_300, "not before it has ended");
        assert_eq!(opens_at(300, 300), 1_000, "always");
        assert_eq!(opens_at(300, 400), 1_000, "always");
    }

    /// A world of one family: the server, a client that keeps the newest token it received, and
    /// a thief who stole one.
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct World {
        generation: u32,
        is_confirmed: bool,
        is_in_grace: bool,
        client: u32,
        thief: Option<u32>,
        /// Whether the thief has ever got something with what it stole.
        has_thief_won: bool,
        is_ended: bool,
    }

    impl World {
        fn present(&mut self, generation: u32) -> Option<u32> {
            let mut state = state(self.generation, self.is_confirmed);
            state.rotated_at = Timestamp::from_millis(if self.is_in_grace { 1_000 } else { 0 });
            match refresh_step(&state, generation, GRACE, Timestamp::from_millis(1_000)) {
                RefreshStep::Rotate => {
                    self.generation += 1;
                    (self.is_confirmed, self.is_in_grace) = (false, true);
                }
                RefreshStep::Replay => {}
                RefreshStep::Reuse => {
                    self.is_ended = true;
                    return None;
                }
            }
            Some(self.generation)
        }

        /// Every world that one step leads to.
        fn next(&self, has_thief: bool) -> Vec<World> {
            let mut worlds = Vec::new();
            let mut add = |change: &dyn Fn(&mut World)| {
                let mut world = self.clone();
                change(&mut world);
                worlds.push(world);
            };
            // The client refreshes; the answer arrives, or is lost.
            add(&|world| {
                if let Some(got) = world.present(world.client) {
                    world.client = got;
                }
            });
            add(&|world| {
                world.present(world.client);
            });
            // A request that was under way while another tab refreshed.
            if self.is_in_grace && self.client > 0 && self.client == self.generation {
                add(&|world| {
                    world.present(world.client - 1);
                });
            }
            // The client uses an access token of the newest generation that it has.
            add(&|world| world.is_confirmed |= world.client == world.generation);
            add(&|world| world.is_in_grace = false);
            if has_thief {
                match self.thief {
                    None => add(&|world| world.thief = Some(world.client)),
                    Some(stolen) => add(&|world| {
                        if let Some(got) = world.present(stolen) {
                            (world.thief, world.has_thief_won) = (Some(got), true);
                        }
                    }),
                }
            }
            worlds
        }
    }

    fn reachable(has_thief: bool) -> HashSet<World> {
        let start = World {
            generation: 0,
            is_confirmed: false,
            is_in_grace: false,
            client: 0,
            thief: None,
            has_thief_won: false,
            is_ended: false,
        };
        let (mut seen, mut todo) = (HashSet::from([start.clone()]), vec![start]);
        while let Some(world) = todo.pop() {
            if world.generation == 6 || world.is_ended {
                continue;
            }
            for next in world.next(has_thief) {
                if seen.insert(next.clone()) {
                    todo.push(next);
                }
            }
        }
        seen
    }

    #[test]
    fn an_honest_client_is_never_logged_out_whatever_answers_are_lost() {
        let worlds = reachable(false);
        assert!(worlds.len() > 30, "{}", worlds.len());
        assert!(worlds.iter().all(|world| !world.is_ended));
    }

    #[test]
    fn a_thief_that_refreshes_is_found_out_once_the_client_has_gone_on() {
        let mut found_out = 0;
        for world in reachable(true) {
            let Some(stolen) = world.thief else { continue };
            if world.is_ended || world.generation == 6 {
                continue;
            }
            // The client has what is newest, uses it, and the grace is over.
            let mut world = world.clone();
            if stolen + 1 == world.generation && world.client == world.generation {
                (world.is_confirmed, world.is_in_grace) = (true, false);
            }
            if stolen < world.generation && world.is_confirmed && !world.is_in_grace {
                assert_eq!(world.present(stolen), None);
                assert!(world.is_ended);
                found_out += 1;
            }
        }
        assert!(found_out > 10);
    }

    #[test]
    fn a_thief_that_went_first_is_found_out_by_the_client() {
        for mut world in reachable(true).into_iter().filter(|world| world.has_thief_won) {
            let is_behind = world.client < world.generation;
            if world.is_ended || world.generation == 6 || !is_behind {
                continue;
            }
            // The thief used what it got, so that its generation is confirmed.
            (world.is_confirmed, world.is_in_grace) = (true, false);
            assert_eq!(world.present(world.client), None);
        }
    }
}
