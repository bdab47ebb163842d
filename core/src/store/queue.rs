//! Group commit without a thread of its own: whoever finds nobody leading leads.
//!
//! A leader takes everything that waits, does it as one round, and hands the lead to the first
//! of those who came meanwhile. So one flush serves everyone who waited for it, a caller never
//! works for more than one round, and an idle store costs nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::sync::{Condvar, Mutex, wait};

/// Callers with jobs, one of them leading. `A` is what a job is answered with.
pub(super) struct Rounds<J, A> {
    state: Mutex<State<J, A>>,
}

struct State<J, A> {
    waiting: Vec<Entry<J, A>>,
    is_led: bool,
}

/// One caller's job in a round.
pub(super) struct Entry<J, A> {
    /// The job, until the leader takes it.
    pub(super) job: Option<J>,
    ticket: Arc<Ticket<A>>,
    is_answered: bool,
}

/// Where a caller waits.
struct Ticket<A> {
    place: Mutex<Place<A>>,
    moved: Condvar,
}

enum Place<A> {
    Waiting,
    Leading,
    Answered(A),
}

impl<J, A> Rounds<J, A> {
    pub(super) fn new() -> Self {
        Rounds { state: Mutex::new(State { waiting: Vec::new(), is_led: false }) }
    }

    /// Has `job` done in some round, by this thread or another, and returns its answer.
    ///
    /// `run` does a round; what it leaves unanswered, also by a panic, is answered by
    /// `unanswered`, so that nobody waits for ever.
    pub(super) fn submit(
        &self,
        job: J,
        run: impl FnOnce(&mut [Entry<J, A>]),
        unanswered: impl Fn() -> A,
    ) -> A {
        let ticket = Arc::new(Ticket { place: Mutex::new(Place::Waiting), moved: Condvar::new() });
        let entry = Entry { job: Some(job), ticket: Arc::clone(&ticket), is_answered: false };
        let leads = {
            let mut state = self.state.lock();
            state.waiting.push(entry);
            !std::mem::replace(&mut state.is_led, true)
        };
        if !leads && let Some(answer) = ticket.wait() {
            return answer;
        }

        let mut round = std::mem::take(&mut self.state.lock().waiting);
        if catch_unwind(AssertUnwindSafe(|| run(&mut round))).is_err() {
            log::error!("a commit round panicked");
        }
        for entry in round.iter_mut().filter(|entry| !entry.is_answered) {
            entry.answer(unanswered());
        }
        self.hand_over();
        // The own job was in the round, so this does not wait.
        ticket.wait().unwrap_or_else(unanswered)
    }

    fn hand_over(&self) {
        let mut state = self.state.lock();
        match state.waiting.first() {
            Some(next) => next.ticket.move_to(Place::Leading),
            None => state.is_led = false,
        }
    }
}

impl<J, A> Entry<J, A> {
    /// Lets the caller go with its answer.
    pub(super) fn answer(&mut self, answer: A) {
        self.is_answered = true;
        self.ticket.move_to(Place::Answered(answer));
    }
}

impl<A> Ticket<A> {
    fn move_to(&self, place: Place<A>) {
        *self.place.lock() = place;
        self.moved.notify_all();
    }

    /// The answer, or `None` when it is this caller's turn to lead.
    fn wait(&self) -> Option<A> {
        let mut place = self.place.lock();
        loop {
            match std::mem::replace(&mut *place, Place::Waiting) {
                Place::Waiting => place = wait(&self.moved, place),
                Place::Leading => return None,
                Place::Answered(answer) => return Some(answer),
            }
        }
    }
}

#[cfg(all(test, not(any(shuttle, loom))))]
mod tests {
    use super::*;
    use crate::sync::{AtomicU64, Ordering, thread};

    #[test]
    fn every_job_is_done_once_and_rounds_never_overlap() {
        let rounds = Rounds::<u64, u64>::new();
        let (leaders, sum) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for worker in 0..8 {
                let (rounds, leaders, sum) = (&rounds, &leaders, &sum);
                scope.spawn(move || {
                    for i in 0..500 {
                        let run = |round: &mut [Entry<u64, u64>]| {
                            assert_eq!(leaders.fetch_add(1, Ordering::SeqCst), 0);
                            for entry in round.iter_mut() {
                                let job = entry.job.take().unwrap();
                                sum.fetch_add(job, Ordering::SeqCst);
                                entry.answer(job * 2);
                            }
                            leaders.fetch_sub(1, Ordering::SeqCst);
                        };
                        let job = worker * 1000 + i;
                        assert_eq!(rounds.submit(job, run, || 0), job * 2);
                    }
                });
            }
        });
        let expected: u64 = (0..8).map(|w| (0..500).map(|i| w * 1000 + i).sum::<u64>()).sum();
        assert_eq!(sum.load(Ordering::SeqCst), expected);
    }

    #[test]
    fn a_panic_in_a_round_answers_everyone_and_the_next_round_runs() {
        let rounds = Rounds::<u64, u64>::new();
        assert_eq!(rounds.submit(1, |_| panic!("on purpose"), || 77), 77);
        assert_eq!(rounds.submit(1, |round| round[0].answer(5), || 77), 5);
    }
}
