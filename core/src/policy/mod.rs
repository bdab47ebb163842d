//! Who is let in, and for how long: pure functions of (record, now).

mod refresh;

use std::time::Duration;

use crate::id::Handle;
use crate::record::{SessionRecord, SubjectRecord, Watermark};
use crate::time::Timestamp;
use crate::verdict::Reason;

pub use refresh::EarlyRefresh;
pub(crate) use refresh::{RefreshStep, opens_at, refresh_step};

/// What a verdict depends on beyond the session's own record.
#[derive(Clone, Copy)]
pub(crate) struct Standing<'a> {
    /// The subject's row with its symbols resolved, if it has one.
    pub(crate) subject: Option<&'a SubjectRecord>,
    /// The store's generation.
    pub(crate) generation: u64,
}

/// The one validity function: what verify, peek and every change of a session ask.
///
/// The record's symbols must be resolved. `Ok` means: valid at `now`.
pub(crate) fn judge(
    record: &SessionRecord,
    standing: Standing<'_>,
    now: Timestamp,
) -> Result<(), Reason> {
    stands(record.issued_seq, record.issued_generation, standing, now)?;
    if now < record.not_before {
        return Err(Reason::NotYetValid);
    }
    within_deadlines(record.idle_deadline(), record.absolute_deadline, now)
}

/// The part of [`judge`] that all kinds of tokens have in common: whether what was issued with
/// this sequence and generation was revoked since, by its subject or by all.
pub(crate) fn stands(
    issued_seq: u64,
    issued_generation: u64,
    standing: Standing<'_>,
    now: Timestamp,
) -> Result<(), Reason> {
    let is_before = |watermark| matches!(watermark, Watermark::At(at) if issued_seq <= at);
    let is_revoked = standing.subject.is_some_and(|subject| is_before(subject.watermark));
    stands_unless(issued_generation < standing.generation, is_revoked, standing.subject, now)
}

/// The same of a token of another issuer, that was made in the second `issued_at`: by time, as
/// it has no sequence of ours. One of the same second as the revoke does not stand, nor one that
/// does not say when it was made.
pub(crate) fn foreign_stands(
    issued_at: Option<u64>,
    all_revoked_at: Option<Timestamp>,
    subject: Option<&SubjectRecord>,
    now: Timestamp,
) -> Result<(), Reason> {
    let is_before = |at: Timestamp| issued_at.is_none_or(|issued_at| issued_at <= at.as_secs());
    let is_revoked = subject.and_then(|subject| subject.revoked_at).is_some_and(is_before);
    stands_unless(all_revoked_at.is_some_and(is_before), is_revoked, subject, now)
}

fn stands_unless(
    are_all_revoked: bool,
    is_revoked: bool,
    subject: Option<&SubjectRecord>,
    now: Timestamp,
) -> Result<(), Reason> {
    if are_all_revoked {
        return Err(Reason::RevokedAll);
    }
    if is_revoked {
        return Err(Reason::RevokedSubject);
    }
    if subject.is_some_and(|subject| subject.is_suspended(now)) {
        return Err(Reason::Suspended);
    }
    Ok(())
}

/// The part of [`judge`] that time alone decides: what a cached entry is asked again.
///
/// Valid iff now < deadline, for both.
#[inline]
pub(crate) fn within_deadlines(
    idle: Timestamp,
    absolute: Timestamp,
    now: Timestamp,
) -> Result<(), Reason> {
    if now >= absolute {
        Err(Reason::Expired)
    } else if now >= idle {
        Err(Reason::IdleExpired)
    } else {
        Ok(())
    }
}

/// How old the store's `last seen` may get before a touch is written: 10 % of the idle timeout,
/// 60 s at most. After a crash a session may end early by that much.
#[inline]
pub(crate) fn touch_interval_ms(idle_timeout_ms: u64) -> u64 {
    (idle_timeout_ms / 10).min(60_000)
}

/// How finely `last seen` is kept in memory: 0.1 % of the idle timeout, 1 s at most. So a busy
/// session's cache line is written once a second and not at every hit.
#[inline]
pub(crate) fn touch_resolution_ms(idle_timeout_ms: u64) -> u64 {
    (idle_timeout_ms / 1000).min(1_000)
}

/// How long a session lives: unused, and at all. Both always hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Unused for so long, it ends. 1 second to 400 days.
    pub idle_timeout: Duration,
    /// So long after its creation, or the last re-authentication, it ends. 1 second to 400 days.
    pub absolute_lifetime: Duration,
}

impl Lifetimes {
    /// "Remember me": 7 days unused, 30 days in all.
    pub const REMEMBER_ME: Lifetimes = Lifetimes::days(7, 30);
    /// Of a session with a refresh token: 14 days unused, 90 days in all.
    pub const REFRESH: Lifetimes = Lifetimes::days(14, 90);
    /// NIST SP 800-63B-4, AAL1: re-authentication after 30 days.
    pub const AAL1: Lifetimes = Lifetimes::days(30, 30);
    /// NIST SP 800-63B-4, AAL2: 1 hour unused, 24 hours in all.
    pub const AAL2: Lifetimes = Lifetimes::minutes(60, 24 * 60);
    /// NIST SP 800-63B-4, AAL3: 15 minutes unused, 12 hours in all.
    pub const AAL3: Lifetimes = Lifetimes::minutes(15, 12 * 60);

    const fn days(idle: u64, absolute: u64) -> Self {
        Lifetimes::minutes(idle * 24 * 60, absolute * 24 * 60)
    }

    const fn minutes(idle: u64, absolute: u64) -> Self {
        Lifetimes {
            idle_timeout: Duration::from_secs(idle * 60),
            absolute_lifetime: Duration::from_secs(absolute * 60),
        }
    }
}

/// What happens when a subject with as many sessions as allowed gets another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtLimit {
    /// End the session that was used the longest time ago.
    #[default]
    EvictLeastRecentlyUsed,
    /// End the session that was created first.
    EvictOldest,
    /// Create none.
    Refuse,
}

/// Which of a subject's valid `sessions` must end so that one more fits under `max`;
/// `None`: the new one is refused.
pub(crate) fn evictions(
    at_limit: AtLimit,
    max: usize,
    mut sessions: Vec<(Handle, Timestamp, Timestamp)>,
) -> Option<Vec<Handle>> {
    let excess = (sessions.len() + 1).saturating_sub(max);
    if excess == 0 {
        return Some(Vec::new());
    }
    match at_limit {
        AtLimit::Refuse => return None,
        AtLimit::EvictOldest => sessions.sort_by_key(|(_, created, _)| *created),
        AtLimit::EvictLeastRecentlyUsed => sessions.sort_by_key(|(_, _, seen)| *seen),
    }
    Some(sessions.into_iter().take(excess).map(|(handle, ..)| handle).collect())
}

/// Whether a session whose handle was issued at `issued` should be rotated.
#[inline]
pub(crate) fn is_rotation_due(
    issued: Timestamp,
    rotate_every: Option<Duration>,
    now: Timestamp,
) -> bool {
    rotate_every.is_some_and(|every| now >= issued.plus(every))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Group, Subject};
    use crate::record::{ClaimsVersion, Suspension};

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn record() -> SessionRecord {
        SessionRecord {
            subject: Some(Subject::new("alice").unwrap()),
            created: at(1000),
            issued: at(1000),
            issued_seq: 10,
            issued_generation: 1,
            not_before: at(1000),
            last_seen: at(2000),
            idle_timeout_ms: 500,
            absolute_deadline: at(5000),
            absolute_lifetime_ms: 4000,
            authenticated_at: None,
            amr: vec![],
            acr: None,
            device_label: None,
            claims_version: 0,
            refresh: None,
            has_data: false,
            denied: Vec::new(),
        }
    }

    fn alone(generation: u64) -> Standing<'static> {
        Standing { subject: None, generation }
    }

    #[test]
    fn each_deadline_is_exclusive() {
        let record = record();
        assert_eq!(judge(&record, alone(1), at(2499)), Ok(()));
        assert_eq!(judge(&record, alone(1), at(2500)), Err(Reason::IdleExpired));
        assert_eq!(judge(&record, alone(1), at(5000)), Err(Reason::Expired));
        assert_eq!(judge(&record, alone(1), at(999)), Err(Reason::NotYetValid));
        assert_eq!(judge(&record, alone(1), at(1000)), Ok(()));
    }

    #[test]
    fn generations_and_watermarks_revoke_what_came_before() {
        let record = record();
        assert_eq!(judge(&record, alone(2), at(2100)), Err(Reason::RevokedAll));
        for (watermark, verdict) in
            [(9, Ok(())), (10, Err(Reason::RevokedSubject)), (11, Err(Reason::RevokedSubject))]
        {
            let mut subject =
                SubjectRecord { watermark: Watermark::At(watermark), ..Default::default() };
            subject.claims = ClaimsVersion::At(12);
            let standing = Standing { subject: Some(&subject), generation: 1 };
            assert_eq!(judge(&record, standing, at(2100)), verdict, "watermark {watermark}");
        }
    }

    #[test]
    fn the_session_put_with_the_watermark_stays() {
        let mut subject =
            SubjectRecord { watermark: Watermark::BeforeOwnVersion, ..Default::default() };
        let mut kept = record();
        kept.issued_seq = crate::record::OWN_VERSION;
        subject.resolve(42);
        kept.resolve(42);
        let standing = Standing { subject: Some(&subject), generation: 1 };
        assert_eq!(judge(&kept, standing, at(2100)), Ok(()));
        kept.issued_seq = 41;
        assert_eq!(judge(&kept, standing, at(2100)), Err(Reason::RevokedSubject));
    }

    #[test]
    fn foreign_tokens_stand_by_the_second_and_not_without_one() {
        let revoked = SubjectRecord { revoked_at: Some(at(7_900)), ..Default::default() };
        let gone = Err(Reason::RevokedSubject);
        for (issued_at, verdict) in
            [(None, gone), (Some(6), gone), (Some(7), gone), (Some(8), Ok(()))]
        {
            assert_eq!(foreign_stands(issued_at, None, Some(&revoked), at(9_000)), verdict);
            assert_eq!(foreign_stands(issued_at, None, None, at(9_000)), Ok(()));
            let all = foreign_stands(issued_at, Some(at(7_900)), None, at(9_000));
            assert_eq!(all, verdict.map_err(|_| Reason::RevokedAll));
        }
        let suspension = Some(Suspension { until: Some(at(10_000)) });
        let suspended = SubjectRecord { suspension, ..Default::default() };
        let verdict = |now| foreign_stands(Some(8), None, Some(&suspended), at(now));
        assert_eq!([verdict(9_999), verdict(10_000)], [Err(Reason::Suspended), Ok(())]);
    }

    #[test]
    fn a_suspension_ends_at_its_moment() {
        for (until, now, verdict) in [
            (None, 2400, Err(Reason::Suspended)),
            (Some(at(2100)), 2099, Err(Reason::Suspended)),
            (Some(at(2100)), 2100, Ok(())),
        ] {
            let subject =
                SubjectRecord { suspension: Some(Suspension { until }), ..Default::default() };
            let standing = Standing { subject: Some(&subject), generation: 1 };
            assert_eq!(judge(&record(), standing, at(now)), verdict);
        }
    }

    #[test]
    fn evictions_follow_the_rule() {
        let handle = |n| Handle::from_parts(Group(1), [n; 16]);
        let sessions =
            vec![(handle(1), at(1), at(9)), (handle(2), at(2), at(5)), (handle(3), at(3), at(7))];
        let evict = |rule, max| evictions(rule, max, sessions.clone());
        assert_eq!(evict(AtLimit::Refuse, 3), None);
        assert_eq!(evict(AtLimit::Refuse, 4), Some(vec![]));
        assert_eq!(evict(AtLimit::EvictOldest, 3), Some(vec![handle(1)]));
        assert_eq!(evict(AtLimit::EvictLeastRecentlyUsed, 3), Some(vec![handle(2)]));
        let two = Some(vec![handle(2), handle(3)]);
        assert_eq!(evict(AtLimit::EvictLeastRecentlyUsed, 2), two);
    }
}
