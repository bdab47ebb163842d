//! Histories: what several threads asked of an engine at the same time, what it answered, and
//! whether it may have.
//!
//! Every call is recorded with two ticks of one counter, before it was made and after it
//! answered. If one call responded before another was invoked, the other has to know of it; if
//! they overlap, either order is right. [`check`] demands of every session:
//!
//! 1. What had ended or was suspended before a verification was invoked is rejected.
//! 2. What nothing can have ended or suspended by the time a verification responded is valid.
//! 3. What was rejected once, other than as suspended, is never valid again.
//! 4. `revoke` finds a session valid once, and only if nothing had ended it before; it does if
//!    nothing else can have.
//! 5. `revoke_subject` refuses an exception only if that can have ended.
//! 6. No call fails.
//! 7. Nothing is changed through a handle from before a rotation.
//! 8. A read of data gives what the last patch before it put, or one beside it.
//! 9. A generation of refresh tokens begins once.
//!
//! A session ends by `revoke` of any handle that it ever had, by `revoke_subject` unless it is
//! the exception or came later, by `revoke_all`, by a reuse of its refresh tokens, and at its
//! absolute deadline. A handle that was rotated ends by the clock, too, and possibly by an
//! exception of its session. API keys are as sessions. Histories are to be shorter than the idle
//! timeout, move the clock by more than the grace, and reauthenticate nobody.

mod check;

use std::fmt;

use crate::error::ErrorKind;
use crate::id::{Handle, Subject};
use crate::sync::{AtomicU64, Ordering};
use crate::time::Timestamp;
use crate::verdict::Reason;
pub use check::check;

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
    /// `create` or `create_api_key` made something.
    Created { handle: Handle, subject: Subject, absolute_deadline: Timestamp },
    /// They did not: the subject is suspended.
    CreateRefused { subject: Subject },
    /// `verify`, `peek` or `verify_api_key` answered.
    Verified { handle: Handle, reason: Option<Reason> },
    /// `revoke` or `revoke_api_key` did its work.
    Revoked { handle: Handle, was_valid: bool },
    /// `revoke_subject` did its work.
    SubjectRevoked { subject: Subject, except: Option<Handle> },
    /// `revoke_subject` did nothing: the excepted session is not valid.
    ExceptionRefused { except: Handle },
    /// `revoke_all` did its work.
    AllRevoked,
    /// `suspend` or `reinstate` did its work.
    SuspensionSet { subject: Subject, is_suspended: bool },
    /// `rotate` gave a new handle.
    Rotated { from: Handle, to: Handle },
    /// `rotate` found no valid session.
    RotationRefused { handle: Handle },
    /// `patch` put a value that no other patch of the history puts.
    Patched { handle: Handle, value: u64 },
    /// `patch` found no session to change.
    PatchRefused { handle: Handle },
    /// `data` gave the value, 0 if there was none; `None`: no valid session.
    DataRead { handle: Handle, value: Option<u64> },
    /// `refresh` began a generation.
    Refreshed { handle: Handle, generation: u32 },
    /// `refresh` gave the present generation again.
    Replayed { handle: Handle },
    /// `refresh` gave nothing.
    RefreshRefused { handle: Handle, reason: Reason },
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
