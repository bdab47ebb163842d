//! Whether any order of the calls explains their answers.

use std::collections::{HashMap, HashSet};

use super::{Call, Violation, What};
use crate::id::{Handle, Subject};
use crate::time::Timestamp;
use crate::verdict::Reason;

/// A handle, and what can have ended it.
struct Life {
    /// The first handle of its session.
    root: Handle,
    subject: Subject,
    /// When the session was created, not the handle: what comes later concerns both.
    created: Span,
    absolute_deadline: Timestamp,
    /// The rotations that it was left by.
    left: Vec<Span>,
    ends: Vec<End>,
    /// The earliest answer that it is not valid, and never will be.
    rejected: u64,
}

/// From when a call was made until it had answered.
#[derive(Clone, Copy)]
struct Span {
    invoked: u64,
    responded: u64,
}

struct End {
    at: Span,
    /// Whether it surely concerns the handle.
    is_sure: bool,
    /// Whether it ends the session, not the handle alone.
    is_whole: bool,
}

/// What the calls did.
struct Past {
    lives: HashMap<Handle, Life>,
    suspensions: Vec<(Subject, bool, Span)>,
    /// Values by the session's first handle.
    patches: HashMap<Handle, Vec<(u64, Span)>>,
    /// Sessions that a revoke found valid.
    found_valid: HashSet<Handle>,
    generations: HashSet<(Handle, u32)>,
}

/// Checks the calls of all threads, in any order.
///
/// # Errors
/// - The first [`Violation`], in the order of the invocations.
pub fn check(mut calls: Vec<Call>) -> Result<(), Box<Violation>> {
    calls.sort_by_key(|call| call.invoked);
    let mut past = Past::of(&calls);
    for call in &calls {
        if let Err(rule) = past.judge(call) {
            let concerned = calls.iter().filter(|other| past.concerns(&other.what, &call.what));
            let calls = concerned.cloned().collect();
            return Err(Box::new(Violation { rule, call: call.clone(), calls }));
        }
    }
    Ok(())
}

impl Call {
    fn span(&self) -> Span {
        Span { invoked: self.invoked, responded: self.responded }
    }
}

impl Span {
    fn is_before(self, other: Span) -> bool {
        self.responded < other.invoked
    }

    fn may_be_before(self, other: Span) -> bool {
        self.invoked < other.responded
    }
}

impl Life {
    fn new(root: Handle, subject: &Subject, created: Span, absolute_deadline: Timestamp) -> Self {
        let (left, ends, rejected) = (Vec::new(), Vec::new(), u64::MAX);
        Life { root, subject: subject.clone(), created, absolute_deadline, left, ends, rejected }
    }

    /// How `call` ends the handle, if it does.
    fn end_by(&self, call: &Call, root_of: impl Fn(&Handle) -> Option<Handle>) -> Option<End> {
        let at = call.span();
        let is_mine = |handle: &Handle| root_of(handle) == Some(self.root);
        let came_before = self.created.is_before(at);
        let (is_sure, is_whole) = match &call.what {
            What::Revoked { handle, .. } if is_mine(handle) => (true, true),
            What::RefreshRefused { handle, reason: Reason::Reused } if is_mine(handle) => {
                (true, true)
            }
            What::AllRevoked => (came_before, true),
            What::SubjectRevoked { subject, except } if *subject == self.subject => {
                match except.as_ref().map(is_mine) {
                    Some(true) if self.left.is_empty() => return None,
                    Some(true) => (false, false),
                    _ => (came_before, true),
                }
            }
            What::ClockMoved { now } if *now >= self.absolute_deadline => (true, true),
            What::ClockMoved { .. } if self.left.iter().any(|left| left.may_be_before(at)) => {
                (self.left.iter().any(|left| left.is_before(at)), false)
            }
            _ => return None,
        };
        self.created.may_be_before(at).then_some(End { at, is_sure, is_whole })
    }
}

impl Past {
    fn of(calls: &[Call]) -> Self {
        let mut lives: HashMap<Handle, Life> = HashMap::new();
        let mut suspensions = Vec::new();
        let mut patches: HashMap<Handle, Vec<_>> = HashMap::new();
        for call in calls {
            let span = call.span();
            if let What::Created { handle, subject, absolute_deadline } = &call.what {
                let life = Life::new(*handle, subject, span, *absolute_deadline);
                lives.insert(*handle, life);
            }
        }
        for call in calls {
            let span = call.span();
            match &call.what {
                What::Rotated { from, to } => {
                    let Some(life) = lives.get_mut(from) else { continue };
                    life.left.push(span);
                    let (root, subject) = (life.root, life.subject.clone());
                    let new = Life::new(root, &subject, life.created, life.absolute_deadline);
                    lives.entry(*to).or_insert(new);
                }
                What::SuspensionSet { subject, is_suspended } => {
                    suspensions.push((subject.clone(), *is_suspended, span));
                }
                What::Patched { handle, value } => {
                    if let Some(life) = lives.get(handle) {
                        patches.entry(life.root).or_default().push((*value, span));
                    }
                }
                _ => {}
            }
        }
        let roots: HashMap<_, _> =
            lives.iter().map(|(handle, life)| (*handle, life.root)).collect();
        let root_of = |handle: &Handle| roots.get(handle).copied();
        for life in lives.values_mut() {
            life.ends = calls.iter().filter_map(|call| life.end_by(call, root_of)).collect();
        }
        let (found_valid, generations) = (HashSet::new(), HashSet::new());
        Past { lives, suspensions, patches, found_valid, generations }
    }

    /// Whether the answer of `call` is right. Calls come in the order of their invocations.
    fn judge(&mut self, call: &Call) -> Result<(), &'static str> {
        let span = call.span();
        match &call.what {
            What::Failed { .. } => Err("6: a call failed"),
            What::Created { subject, .. } if self.is_suspended(subject, span) => {
                Err("1: valid, and suspended")
            }
            What::CreateRefused { subject } if !self.may_be_suspended(subject, span) => {
                Err("2: suspended, and nothing can have suspended it")
            }
            What::Verified { handle, reason: None } => self.judge_valid(handle, span),
            What::Verified { handle, reason: Some(reason) } => {
                self.judge_invalid(handle, span, Some(*reason))
            }
            What::Revoked { handle, was_valid } => self.judge_revoke(handle, span, *was_valid),
            What::ExceptionRefused { except: handle } | What::RotationRefused { handle } => {
                self.judge_invalid(handle, span, None)
            }
            What::Rotated { from, .. } => self.judge_valid(from, span),
            What::Patched { handle, .. } | What::Replayed { handle } => {
                self.judge_changed(handle, span)
            }
            What::PatchRefused { handle } => self.judge_unchanged(handle, span, None),
            What::DataRead { handle, value: None } => self.judge_invalid(handle, span, None),
            What::DataRead { handle, value: Some(value) } => {
                self.judge_valid(handle, span)?;
                self.judge_value(handle, span, *value)
            }
            What::Refreshed { handle, generation } => {
                self.judge_changed(handle, span)?;
                let root = self.life(handle)?.root;
                let is_new = self.generations.insert((root, *generation));
                if is_new { Ok(()) } else { Err("9: a generation began twice") }
            }
            What::RefreshRefused { reason: Reason::Reused, .. } => Ok(()),
            What::RefreshRefused { handle, reason } => {
                self.judge_unchanged(handle, span, Some(*reason))
            }
            _ => Ok(()),
        }
    }

    fn judge_valid(&mut self, handle: &Handle, at: Span) -> Result<(), &'static str> {
        let life = self.life(handle)?;
        if life.ends.iter().any(|end| end.is_sure && end.at.is_before(at)) {
            return Err("1: valid, and had ended before");
        }
        if self.is_suspended(&life.subject, at) {
            return Err("1: valid, and suspended");
        }
        if life.rejected < at.invoked {
            return Err("3: valid again, after it was rejected");
        }
        Ok(())
    }

    fn judge_invalid(
        &mut self,
        handle: &Handle,
        at: Span,
        reason: Option<Reason>,
    ) -> Result<(), &'static str> {
        let life = self.life(handle)?;
        let may_be_suspended = self.may_be_suspended(&life.subject, at);
        if reason == Some(Reason::Suspended) {
            let rule = "2: suspended, and nothing can have suspended it";
            return if may_be_suspended { Ok(()) } else { Err(rule) };
        }
        let may_have_ended = life.ends.iter().any(|end| end.at.may_be_before(at));
        let is_explained_otherwise = reason.is_none() && may_be_suspended;
        if !may_have_ended && !is_explained_otherwise {
            return Err("2: not valid, and nothing can have ended it");
        }
        if !is_explained_otherwise && let Some(life) = self.lives.get_mut(handle) {
            life.rejected = life.rejected.min(at.responded);
        }
        Ok(())
    }

    /// A revoke follows the session over its rotations.
    fn judge_revoke(
        &mut self,
        handle: &Handle,
        at: Span,
        was_valid: bool,
    ) -> Result<(), &'static str> {
        let life = self.life(handle)?;
        let is_other = |end: &&End| end.is_whole && end.at.invoked != at.invoked;
        let mut others = life.ends.iter().filter(is_other);
        if !was_valid {
            let is_explained = others.any(|end| end.at.may_be_before(at))
                || self.may_be_suspended(&life.subject, at);
            return if is_explained {
                Ok(())
            } else {
                Err("2: not valid, and nothing can have ended it")
            };
        }
        if others.any(|end| end.is_sure && end.at.is_before(at)) {
            return Err("1: valid, and had ended before");
        }
        if self.is_suspended(&life.subject, at) {
            return Err("1: valid, and suspended");
        }
        let is_first = self.found_valid.insert(self.life(handle)?.root);
        if is_first { Ok(()) } else { Err("4: two revokes found it valid") }
    }

    fn judge_changed(&mut self, handle: &Handle, at: Span) -> Result<(), &'static str> {
        if self.life(handle)?.left.iter().any(|left| left.is_before(at)) {
            return Err("7: changed through a handle from before a rotation");
        }
        self.judge_valid(handle, at)
    }

    fn judge_unchanged(
        &mut self,
        handle: &Handle,
        at: Span,
        reason: Option<Reason>,
    ) -> Result<(), &'static str> {
        if self.life(handle)?.left.iter().any(|left| left.may_be_before(at)) {
            return Ok(());
        }
        self.judge_invalid(handle, at, reason)
    }

    fn judge_value(&self, handle: &Handle, at: Span, value: u64) -> Result<(), &'static str> {
        let patches = self.patches.get(&self.life(handle)?.root);
        let mut patches = patches.into_iter().flatten();
        let put = patches.clone().find(|(put, _)| *put == value).map(|(_, put)| *put);
        let is_there = match put {
            Some(put) => put.may_be_before(at),
            None => value == 0,
        };
        // Another that surely came after it, and before the read.
        let is_over = patches
            .any(|(_, other)| other.is_before(at) && put.is_none_or(|put| put.is_before(*other)));
        if is_there && !is_over { Ok(()) } else { Err("8: a value that is not there") }
    }

    /// Whether a suspension was there at every moment of the call.
    fn is_suspended(&self, subject: &Subject, at: Span) -> bool {
        let of_subject = self.suspensions.iter().filter(|(of, ..)| of == subject);
        of_subject.clone().any(|(_, is_suspended, set)| {
            let is_ended = |&(_, is_suspended, ended): &(_, bool, Span)| {
                !is_suspended && ended.may_be_before(at) && !ended.is_before(*set)
            };
            *is_suspended && set.is_before(at) && !of_subject.clone().any(is_ended)
        })
    }

    /// Whether a suspension can have been there at some moment of the call.
    fn may_be_suspended(&self, subject: &Subject, at: Span) -> bool {
        let of_subject = self.suspensions.iter().filter(|(of, ..)| of == subject);
        of_subject.clone().any(|(_, is_suspended, set)| {
            let is_ended = |&(_, is_suspended, ended): &(_, bool, Span)| {
                !is_suspended && ended.is_before(at) && set.is_before(ended)
            };
            *is_suspended && set.may_be_before(at) && !of_subject.clone().any(is_ended)
        })
    }

    fn life(&self, handle: &Handle) -> Result<&Life, &'static str> {
        self.lives.get(handle).ok_or("a session that nobody created")
    }

    /// Whether a call has to do with the session that `violating` is about.
    fn concerns(&self, what: &What, violating: &What) -> bool {
        let root = |what: &What| handle_of(what).and_then(|handle| self.life(&handle).ok());
        let root = |what: &What| root(what).map(|life| life.root);
        match what {
            What::SubjectRevoked { .. }
            | What::AllRevoked
            | What::SuspensionSet { .. }
            | What::ClockMoved { .. }
            | What::Failed { .. } => true,
            _ => root(what).is_some() && root(what) == root(violating),
        }
    }
}

/// The handle that a call is about, if it is about one.
fn handle_of(what: &What) -> Option<Handle> {
    match what {
        What::Created { handle, .. }
        | What::Verified { handle, .. }
        | What::Revoked { handle, .. }
        | What::ExceptionRefused { except: handle }
        | What::Rotated { from: handle, .. }
        | What::RotationRefused { handle }
        | What::Patched { handle, .. }
        | What::PatchRefused { handle }
        | What::DataRead { handle, .. }
        | What::Refreshed { handle, .. }
        | What::Replayed { handle }
        | What::RefreshRefused { handle, .. } => Some(*handle),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::check;
    use crate::id::Group;

    const SESSION: Handle = Handle::from_parts(Group(1), [1; 16]);
    const NEW: Handle = Handle::from_parts(Group(1), [3; 16]);
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
        verified_as(if is_valid { None } else { Some(Reason::RevokedSession) })
    }

    fn verified_as(reason: Option<Reason>) -> What {
        What::Verified { handle: SESSION, reason }
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

    fn rotated() -> What {
        What::Rotated { from: SESSION, to: NEW }
    }

    fn verified_new(is_valid: bool) -> What {
        let reason = if is_valid { None } else { Some(Reason::RevokedSubject) };
        What::Verified { handle: NEW, reason }
    }

    #[test]
    fn what_it_was_rotated_to_stands_and_falls_with_a_session() {
        for end in [revoked(true), all_revoked(None), all_revoked(Some(OTHER)), What::AllRevoked] {
            let beside = vec![(10, 20, rotated()), (11, 19, end), (21, 22, verified_new(true))];
            assert_eq!(broken(beside), Some("1: valid, and had ended before"));
        }
        for except in [SESSION, NEW] {
            let end = || (11, 19, all_revoked(Some(except)));
            let kept = vec![(10, 20, rotated()), end(), (21, 22, verified_new(true))];
            assert_eq!(broken(kept), None);
            let lost = vec![(10, 20, rotated()), end(), (21, 22, verified_new(false))];
            assert_eq!(broken(lost), Some("2: not valid, and nothing can have ended it"));
            for is_valid in [true, false] {
                let old = vec![(10, 20, rotated()), end(), (21, 22, verified(is_valid))];
                assert_eq!(broken(old), None, "the old token may go");
            }
        }
    }

    #[test]
    fn the_token_from_before_a_rotation_ends_with_the_grace() {
        let moved = (21, 22, What::ClockMoved { now: Timestamp::from_millis(999) });
        let late = vec![(10, 20, rotated()), moved.clone(), (23, 24, verified(true))];
        assert_eq!(broken(late), Some("1: valid, and had ended before"));
        let late = vec![(10, 20, rotated()), moved.clone(), (23, 24, revoked(true))];
        assert_eq!(broken(late), None, "a revoke follows the rotation");
        let new = vec![(10, 20, rotated()), moved, (23, 24, verified_new(true))];
        assert_eq!(broken(new), None);
    }

    #[test]
    fn a_suspension_rejects_for_as_long_as_it_lasts() {
        let set = |is_suspended| What::SuspensionSet { subject: alice(), is_suspended };
        let suspended = || verified_as(Some(Reason::Suspended));
        let during = |what| broken(vec![(10, 20, set(true)), (21, 22, what)]);
        assert_eq!(during(suspended()), None);
        assert_eq!(during(verified(true)), Some("1: valid, and suspended"));
        assert_eq!(
            during(verified(false)),
            Some("2: not valid, and nothing can have ended it"),
            "a suspension ends nothing"
        );
        let after = |what| {
            let reinstated = (30, 40, set(false));
            let calls = vec![(10, 20, set(true)), (21, 22, suspended()), reinstated];
            broken(calls.into_iter().chain([(41, 42, what)]).collect())
        };
        assert_eq!(after(verified(true)), None);
        assert_eq!(after(suspended()), Some("2: suspended, and nothing can have suspended it"));
    }

    #[test]
    fn a_read_gives_the_last_patch_or_one_beside_it() {
        let put = |value| What::Patched { handle: SESSION, value };
        let read = |value| What::DataRead { handle: SESSION, value: Some(value) };
        let puts = || vec![(10, 20, put(1)), (30, 40, put(2))];
        let broken_by = |call| broken(puts().into_iter().chain([call]).collect());
        for (span, allowed) in [((5, 6), &[0][..]), ((25, 26), &[1]), ((25, 35), &[1, 2])] {
            for value in 0..4 {
                let rule = broken_by((span.0, span.1, read(value)));
                assert_eq!(rule.is_none(), allowed.contains(&value), "{span:?}: {value}");
            }
        }
        let through_old = vec![(10, 20, rotated()), (21, 22, put(1))];
        let rule = broken(through_old);
        assert_eq!(rule, Some("7: changed through a handle from before a rotation"));
    }

    #[test]
    fn a_generation_begins_once_and_ends_with_a_reuse() {
        let refreshed = || What::Refreshed { handle: SESSION, generation: 1 };
        let rule = broken(vec![(10, 20, refreshed()), (11, 21, refreshed())]);
        assert_eq!(rule, Some("9: a generation began twice"));
        let reused = What::RefreshRefused { handle: SESSION, reason: Reason::Reused };
        let rule = broken(vec![(10, 20, reused), (21, 22, verified(true))]);
        assert_eq!(rule, Some("1: valid, and had ended before"));
    }
}
