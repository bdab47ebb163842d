//! Histories: what several threads asked of an engine at the same time, what it answered, and
//! whether it may have.
//!
//! Every call is recorded with two ticks of one counter, before it was made and after it
//! answered. If one call responded before another was invoked, the other has to know of it; if
//! they overlap, either order is right. [`check`] demands of every session:
//!
//! 1. What had ended before a verification was invoked is rejected.
//! 2. What nothing can have ended by the time a verification responded is valid.
//! 3. What was rejected once is never valid again.
//! 4. `revoke` finds a session valid once, and only if nothing had ended it before; it does if
//!    nothing else can have.
//! 5. `revoke_subject` refuses an exception only if that can have ended.
//! 6. No call fails.
//!
//! A session ends by `revoke`, by `revoke_subject` unless it is the exception or came later, and
//! at its absolute deadline. Histories are to be shorter than the idle timeout, and know no
//! suspensions.

use std::collections::HashMap;
use std::fmt;

use crate::error::ErrorKind;
use crate::id::{Handle, Subject};
use crate::sync::{AtomicU64, Ordering};
use crate::time::Timestamp;

/// The counter that orders the calls of a history.
#[derive(Debug, Default)]
pub struct Recorder {
    ticks: AtomicU64,
}

/// What one thread did.
#[derive(Debug)]
pub struct Log<'a> {
    recorder: &'a Recorder,
    calls: Vec<Call>,
}

/// A call, and its answer.
#[derive(Clone, Debug)]
pub struct Call {
    /// The tick before it was made.
    pub invoked: u64,
    /// The tick after it answered.
    pub responded: u64,
    /// What it was, and what it answered.
    pub what: What,
}

/// A kind of call with its answer.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum What {
    /// `create` made a session.
    Created { handle: Handle, subject: Subject, absolute_deadline: Timestamp },
    /// `verify` or `peek` answered.
    Verified { handle: Handle, is_valid: bool },
    /// `revoke` did its work.
    Revoked { handle: Handle, was_valid: bool },
    /// `revoke_subject` did its work.
    SubjectRevoked { subject: Subject, except: Option<Handle> },
    /// `revoke_subject` did nothing: the excepted session is not valid.
    ExceptionRefused { except: Handle },
    /// The clock was moved, and then showed `now` or later.
    ClockMoved { now: Timestamp },
    /// `tick` did its work.
    Ticked { touches_written: u64, rows_swept: u64 },
    /// A call gave an error.
    Failed { call: &'static str, kind: ErrorKind },
}

/// An answer that no order of the calls explains.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which rule is broken.
    pub rule: &'static str,
    /// The answer.
    pub call: Call,
    /// Every call that has to do with the session, in the order of their invocations.
    pub calls: Vec<Call>,
}

impl Recorder {
    /// A counter at its beginning.
    pub fn new() -> Self {
        Recorder::default()
    }

    /// An empty log for one thread.
    pub fn log(&self) -> Log<'_> {
        Log { recorder: self, calls: Vec::new() }
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }
}

impl Log<'_> {
    /// Makes a call and notes `what` it was.
    pub fn record<T>(&mut self, call: impl FnOnce() -> T, what: impl FnOnce(&T) -> What) -> T {
        let invoked = self.recorder.tick();
        let answer = call();
        let responded = self.recorder.tick();
        self.calls.push(Call { invoked, responded, what: what(&answer) });
        answer
    }

    /// What was noted.
    pub fn into_calls(self) -> Vec<Call> {
        self.calls
    }
}

/// A session, and what can have ended it.
struct Life {
    invoked: u64,
    responded: u64,
    ends: Vec<End>,
    /// The earliest answer that it is not valid.
    rejected: u64,
    found_valid: usize,
}

struct End {
    invoked: u64,
    responded: u64,
    /// Whether it surely concerns the session: not if they were created and ended side by side.
    is_sure: bool,
}

impl Life {
    /// Whether it had ended before `tick`, whatever the order of what overlaps.
    fn has_ended_before(&self, tick: u64) -> bool {
        self.ends.iter().any(|end| end.is_sure && end.responded < tick)
    }

    /// Whether anything but `call` itself can have ended it before `call` responded.
    fn can_have_ended(&self, call: &Call) -> bool {
        let mut others = self.ends.iter().filter(|end| end.invoked != call.invoked);
        others.any(|end| end.invoked < call.responded)
    }
}

/// Checks the calls of all threads, in any order.
///
/// # Errors
/// - The first [`Violation`], in the order of the invocations.
pub fn check(mut calls: Vec<Call>) -> Result<(), Box<Violation>> {
    calls.sort_by_key(|call| call.invoked);
    let mut lives = lives(&calls);
    for call in &calls {
        if let Err(rule) = judge(&mut lives, call) {
            let concerned = calls.iter().filter(|other| concerns(&other.what, &call.what));
            let calls = concerned.cloned().collect();
            return Err(Box::new(Violation { rule, call: call.clone(), calls }));
        }
    }
    Ok(())
}

/// Every session, with all that can have ended it.
fn lives(calls: &[Call]) -> HashMap<Handle, Life> {
    let mut lives = HashMap::new();
    for call in calls {
        let What::Created { handle, subject, absolute_deadline } = &call.what else { continue };
        let Call { invoked, responded, .. } = *call;
        let mut life =
            Life { invoked, responded, ends: Vec::new(), rejected: u64::MAX, found_valid: 0 };
        for end in calls {
            let ends = match &end.what {
                What::Revoked { handle: ended, .. } => ended == handle,
                What::SubjectRevoked { subject: ended, except } => {
                    ended == subject && except.as_ref() != Some(handle)
                }
                What::ClockMoved { now } => now >= absolute_deadline,
                _ => false,
            };
            if ends && life.invoked < end.responded {
                let is_sure =
                    life.responded < end.invoked || matches!(end.what, What::ClockMoved { .. });
                let Call { invoked, responded, .. } = *end;
                life.ends.push(End { invoked, responded, is_sure });
            }
        }
        lives.insert(*handle, life);
    }
    lives
}

/// Whether the answer of `call` is right. Calls come in the order of their invocations.
fn judge(lives: &mut HashMap<Handle, Life>, call: &Call) -> Result<(), &'static str> {
    let (handle, is_valid) = match &call.what {
        What::Verified { handle, is_valid } => (handle, *is_valid),
        What::Revoked { handle, was_valid } => (handle, *was_valid),
        What::ExceptionRefused { except } => (except, false),
        What::Failed { .. } => return Err("6: a call failed"),
        _ => return Ok(()),
    };
    let life = lives.get_mut(handle).ok_or("a session that nobody created")?;
    if is_valid && life.has_ended_before(call.invoked) {
        return Err("1: valid, and had ended before");
    }
    if !is_valid && !life.can_have_ended(call) {
        return Err("2: not valid, and nothing can have ended it");
    }
    if is_valid && life.rejected < call.invoked {
        return Err("3: valid again, after it was rejected");
    }
    if !is_valid {
        life.rejected = life.rejected.min(call.responded);
    }
    if let What::Revoked { was_valid: true, .. } = &call.what {
        life.found_valid += 1;
        if life.found_valid > 1 {
            return Err("4: two revokes found it valid");
        }
    }
    Ok(())
}

/// Whether a call has to do with the session that `violating` is about.
fn concerns(what: &What, violating: &What) -> bool {
    let handle = |what: &What| match what {
        What::Created { handle, .. }
        | What::Verified { handle, .. }
        | What::Revoked { handle, .. }
        | What::ExceptionRefused { except: handle } => Some(*handle),
        _ => None,
    };
    match what {
        What::SubjectRevoked { .. } | What::ClockMoved { .. } | What::Failed { .. } => true,
        _ => handle(what).is_some() && handle(what) == handle(violating),
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write = |f: &mut fmt::Formatter<'_>, call: &Call| {
            writeln!(f, "{:>6}..{:<6} {:?}", call.invoked, call.responded, call.what)
        };
        writeln!(f, "rule {}, in the answer of", self.rule)?;
        write(f, &self.call)?;
        writeln!(f, "among")?;
        self.calls.iter().try_for_each(|call| write(f, call))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Group;

    const SESSION: Handle = Handle::from_parts(Group(1), [1; 16]);
    const OTHER: Handle = Handle::from_parts(Group(1), [2; 16]);

    fn alice() -> Subject {
        Subject::new("alice").unwrap()
    }

    /// The rule that a history breaks: a session that was created, and these calls, each with its
    /// two ticks.
    fn broken(calls: Vec<(u64, u64, What)>) -> Option<&'static str> {
        let call = |(invoked, responded, what)| Call { invoked, responded, what };
        let created = |handle| What::Created {
            handle,
            subject: alice(),
            absolute_deadline: Timestamp::from_millis(1_000),
        };
        let mut all = vec![call((1, 4, created(SESSION))), call((2, 3, created(OTHER)))];
        all.extend(calls.into_iter().map(call));
        check(all).err().map(|violation| violation.rule)
    }

    fn verified(is_valid: bool) -> What {
        What::Verified { handle: SESSION, is_valid }
    }

    fn revoked(was_valid: bool) -> What {
        What::Revoked { handle: SESSION, was_valid }
    }

    fn all_revoked(except: Option<Handle>) -> What {
        What::SubjectRevoked { subject: alice(), except }
    }

    #[test]
    fn overlapping_calls_may_have_come_in_either_order() {
        for is_valid in [true, false] {
            for (invoked, responded) in [(11, 19), (8, 12), (12, 18), (18, 22)] {
                let end = (10, 20, revoked(true));
                assert_eq!(broken(vec![end, (invoked, responded, verified(is_valid))]), None);
                let end = (10, 20, all_revoked(None));
                assert_eq!(broken(vec![end, (invoked, responded, verified(is_valid))]), None);
            }
        }
    }

    #[test]
    fn what_has_ended_must_be_rejected() {
        for end in [
            revoked(true),
            all_revoked(None),
            all_revoked(Some(OTHER)),
            What::ClockMoved { now: Timestamp::from_millis(1_000) },
        ] {
            let rule = broken(vec![(10, 20, end.clone()), (21, 22, verified(true))]);
            assert_eq!(rule, Some("1: valid, and had ended before"), "{end:?}");
            assert_eq!(broken(vec![(10, 20, end), (21, 22, verified(false))]), None);
        }
    }

    #[test]
    fn what_nothing_has_ended_must_be_valid() {
        for end in [
            What::Ticked { touches_written: 1, rows_swept: 1 },
            all_revoked(Some(SESSION)),
            What::SubjectRevoked { subject: Subject::new("bob").unwrap(), except: None },
            What::Revoked { handle: OTHER, was_valid: true },
            What::ClockMoved { now: Timestamp::from_millis(999) },
        ] {
            let rule = broken(vec![(10, 20, end.clone()), (21, 22, verified(false))]);
            assert_eq!(rule, Some("2: not valid, and nothing can have ended it"), "{end:?}");
            assert_eq!(broken(vec![(10, 20, end), (21, 22, verified(true))]), None);
        }
        let early = vec![(8, 9, verified(false)), (10, 20, revoked(true))];
        assert_eq!(broken(early), Some("2: not valid, and nothing can have ended it"));
    }

    #[test]
    fn a_session_that_was_created_beside_a_revoke_of_its_subject_may_be_either() {
        for is_valid in [true, false] {
            let beside = vec![(3, 6, all_revoked(None)), (7, 8, verified(is_valid))];
            assert_eq!(broken(beside), None);
        }
    }

    #[test]
    fn what_was_rejected_must_not_come_back() {
        let calls =
            vec![(10, 40, revoked(true)), (11, 12, verified(false)), (13, 14, verified(true))];
        assert_eq!(broken(calls), Some("3: valid again, after it was rejected"));
    }

    #[test]
    fn one_of_several_revokes_finds_the_session_valid() {
        let revokes = |first, second| broken(vec![(10, 20, first), (11, 21, second)]);
        assert_eq!(revokes(revoked(true), revoked(false)), None);
        assert_eq!(revokes(revoked(false), revoked(true)), None);
        assert_eq!(revokes(revoked(true), revoked(true)), Some("4: two revokes found it valid"));
        let alone = broken(vec![(10, 20, revoked(false))]);
        assert_eq!(alone, Some("2: not valid, and nothing can have ended it"));
    }

    #[test]
    fn an_exception_is_refused_only_if_it_can_have_ended() {
        let refused = || What::ExceptionRefused { except: SESSION };
        assert_eq!(broken(vec![(10, 20, revoked(true)), (11, 21, refused())]), None);
        let rule = broken(vec![(10, 20, revoked(true)), (5, 6, refused())]);
        assert_eq!(rule, Some("2: not valid, and nothing can have ended it"));
    }

    #[test]
    fn a_call_must_not_fail() {
        let failed = What::Failed { call: "verify", kind: ErrorKind::Internal };
        assert_eq!(broken(vec![(10, 20, failed)]), Some("6: a call failed"));
    }
}
