//! Events: what happens to sessions, told to whoever asked.

use std::ffi::{c_char, c_void};
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sessile_core::{EndCause, Error, ErrorKind, Event, EventKind, Handle, Subject};
use sessile_core::{Subscription, Timestamp};

use crate::boundary::{Outcome, call, guard, invalid, put_box, put_text, required, take_box};
use crate::callback::{Userdata, sessile_destroy_fn};
use crate::engine::{Listener, engine, forked, listen, sessile_engine};
use crate::error::sessile_error;
use crate::fork::forks;
use crate::handle::sessile_handle;
use crate::session::SESSILE_SUBJECT_MAX;
use crate::versioned::{Versioned, check_place, put_sized};

/// There is no event.
pub const SESSILE_EVENT_NONE: i32 = 0;
/// A session was created: `handle`, `subject`.
pub const SESSILE_EVENT_CREATED: i32 = 1;
/// The store has learnt that the client was here: `handle`.
pub const SESSILE_EVENT_TOUCHED: i32 = 2;
/// The session ends soon, unless it is used: `handle`, `until_ms`.
pub const SESSILE_EVENT_EXPIRING_SOON: i32 = 3;
/// The session's time ran out: `handle`.
pub const SESSILE_EVENT_EXPIRED: i32 = 4;
/// The session has a new handle: `handle`, the one that it had; `other`, the new one; `subject`.
pub const SESSILE_EVENT_ROTATED: i32 = 5;
/// A refresh token was used and replaced: `handle`; `count`, how many times so far.
pub const SESSILE_EVENT_REFRESHED: i32 = 6;
/// A single-use token was used: `handle`.
pub const SESSILE_EVENT_CONSUMED: i32 = 7;
/// The session was ended before its time: `handle`, `cause`.
pub const SESSILE_EVENT_REVOKED: i32 = 8;
/// The session's data were changed: `handle`.
pub const SESSILE_EVENT_DATA_CHANGED: i32 = 9;
/// All sessions of a subject were ended: `subject`; `other`, the one that stays if any.
pub const SESSILE_EVENT_SUBJECT_REVOKED: i32 = 10;
/// The subject may have no sessions: `subject`; `until_ms`, 0: until reinstated.
pub const SESSILE_EVENT_SUSPENDED: i32 = 11;
/// The subject may have sessions again: `subject`.
pub const SESSILE_EVENT_REINSTATED: i32 = 12;
/// What the subject may do has changed: `subject`.
pub const SESSILE_EVENT_CLAIMS_CHANGED: i32 = 13;
/// Every session of the store was ended.
pub const SESSILE_EVENT_ALL_REVOKED: i32 = 14;
/// A key was published, activated or retired.
pub const SESSILE_EVENT_KEYS_CHANGED: i32 = 15;
/// The subscriber was too slow, and `count` events are lost to it.
pub const SESSILE_EVENT_MISSED: i32 = 16;
/// Something that this header does not know.
pub const SESSILE_EVENT_OTHER: i32 = 17;

/// sessile_revoke.
pub const SESSILE_CAUSE_REVOKED: i32 = 1;
/// sessile_create for a client that presented it.
pub const SESSILE_CAUSE_REPLACED: i32 = 2;
/// It made room for a newer session of its subject.
pub const SESSILE_CAUSE_EVICTED: i32 = 3;
/// sessile_revoke_subject.
pub const SESSILE_CAUSE_SUBJECT_REVOKED: i32 = 4;
/// sessile_revoke_all.
pub const SESSILE_CAUSE_ALL_REVOKED: i32 = 5;
/// The subject was suspended.
pub const SESSILE_CAUSE_SUSPENDED: i32 = 6;
/// A deadline passed.
pub const SESSILE_CAUSE_EXPIRED: i32 = 7;
/// A used token was presented again.
pub const SESSILE_CAUSE_REUSE: i32 = 8;
/// Something that this header does not know.
pub const SESSILE_CAUSE_OTHER: i32 = 9;

/// Something that happened. It names handles and subjects, never a token. Begin with
/// SESSILE_EVENT_INIT. What the kind does not name is zero.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_event {
    /// sizeof(sessile_event), set by the caller.
    pub struct_size: usize,
    /// One of SESSILE_EVENT_...
    pub kind: i32,
    /// One of SESSILE_CAUSE_..., of SESSILE_EVENT_REVOKED.
    pub cause: i32,
    /// When, by the engine's clock, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// A deadline.
    pub until_ms: u64,
    /// A number.
    pub count: u64,
    /// Bytes of the subject without the zero; 0: none, or anonymous.
    pub subject_len: usize,
    /// A session, or a single-use token.
    pub handle: sessile_handle,
    /// Another session.
    pub other: sessile_handle,
    /// A subject: UTF-8 with a zero at its end.
    pub subject: [c_char; SESSILE_SUBJECT_MAX],
    /// Not used yet.
    pub reserved: [u8; 4],
}

// SAFETY: integers and arrays of them, without padding.
unsafe impl Versioned for sessile_event {
    const LEN_FIRST: usize = 344;
}

const _: () = assert!(size_of::<sessile_event>() == 344);

/// Is told of an event. The event is the library's and good during the call. Called by one thread
/// at a time; it must be short, may call the engine, and must not close it.
pub type sessile_event_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, event: *const sessile_event)>;

/// The events of an engine, waiting to be taken.
pub struct sessile_events {
    subscription: Subscription,
    signal: Arc<Signal>,
    forks: u64,
}

/// A pipe with one byte in it while there are events.
struct Signal {
    reader: PipeReader,
    writer: PipeWriter,
    is_raised: AtomicBool,
}

impl Signal {
    fn raise(&self) {
        if !self.is_raised.swap(true, Ordering::AcqRel) {
            // One byte at most is in the pipe, so this waits for nobody.
            let _ = (&self.writer).write(&[1]);
        }
    }

    /// What is raised meanwhile may be lost: look for events afterwards.
    fn lower(&self) {
        if self.is_raised.load(Ordering::Acquire) {
            let _ = (&self.reader).read(&mut [0]);
            self.is_raised.store(false, Ordering::Release);
        }
    }
}

/// Tells of what happens to sessions from now on, in order for each session: to be taken with
/// sessile_events_next, in a loop or when sessile_events_fd is readable.
///
/// A subscriber that is 8,192 events behind loses the next ones and is told how many; it slows
/// nobody down. That a session expires is found by the maintenance thread or sessile_tick, and so
/// up to a second late.
///
/// Parameters: `engine`; `events`, written on success; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE: no pipe could be made.
/// Memory: `*events` is freed with sessile_events_free, before or after the engine.
/// Threads: any; one `events` one thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_subscribe(
    engine: *const sessile_engine,
    events: *mut *mut sessile_events,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = self::engine(engine)?;
            required(events)?;
            let (reader, writer) = std::io::pipe().map_err(|cause| {
                Error::new(ErrorKind::Unavailable, "no pipe could be made").with_source(cause)
            })?;
            let is_raised = AtomicBool::new(false);
            let signal = Arc::new(Signal { reader, writer, is_raised });
            let mut subscription = engine.subscribe()?;
            let wake = signal.clone();
            subscription.wake_by(move || wake.raise());
            put_box(events, sessile_events { subscription, signal, forks: forks() });
            Ok(())
        })
    }
}

/// The next event.
///
/// Parameters: `events`; `timeout_ms`, how long to wait for one: 0 in an event loop; `event`,
/// filled, with SESSILE_EVENT_NONE when none came; `error`, may be NULL.
/// Returns: SESSILE_OK. After the engine was closed and the last event taken there is none, and
/// nothing is waited for.
/// Memory: the caller's.
/// Threads: one `events` one thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_events_next(
    events: *mut sessile_events,
    timeout_ms: u64,
    event: *mut sessile_event,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header; zero is a value of integers.
    unsafe {
        call(error, || {
            let len = check_place(event)?;
            let Some(events) = events.as_mut() else { return Err(invalid("events is NULL")) };
            if events.forks != forks() {
                return Err(forked());
            }
            let value = match events.next(Duration::from_millis(timeout_ms)) {
                Some(event) => value_of(&event)?,
                None => std::mem::zeroed(),
            };
            put_sized(event, len, &value);
            Ok(())
        })
    }
}

impl sessile_events {
    fn next(&mut self, timeout: Duration) -> Option<Event> {
        if let Some(event) = self.subscription.try_next() {
            return Some(event);
        }
        self.signal.lower();
        let event = match self.subscription.try_next() {
            None if !timeout.is_zero() => self.subscription.next_timeout(timeout),
            event => event,
        };
        if event.is_some() {
            // There may be more, and whoever brought it found the signal raised.
            self.signal.raise();
        }
        event
    }
}

/// A descriptor that is readable while there are events, for poll, epoll and the like. Do not
/// read it: call sessile_events_next until there are none.
///
/// Parameters: `events`.
/// Returns: the descriptor; -1 when `events` is NULL.
/// Memory: it is closed by sessile_events_free.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_events_fd(events: *const sessile_events) -> i32 {
    // SAFETY: the caller keeps to the header.
    guard(-1, || unsafe { events.as_ref() }.map_or(-1, |events| events.signal.reader.as_raw_fd()))
}

/// Ends a subscription.
///
/// Parameters: `events`, NULL is fine.
/// Memory: `events` is not to be used again, nor is its descriptor.
/// Threads: one `events` one thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_events_free(events: *mut sessile_events) {
    guard((), || {
        // SAFETY: the caller keeps to the header.
        match unsafe { take_box(events) } {
            // A thread that the child does not have may have had its lock at the fork.
            Some(events) if events.forks != forks() => std::mem::forget(events),
            events => drop(events),
        }
    });
}

/// Calls back with every event from now on, in order: from a thread of the library's, or from
/// sessile_tick for a config with sessile_config_no_threads. The last call comes before
/// sessile_close returns.
///
/// Parameters: `engine`; `callback`; `userdata`, its argument; `destroy`, called once with
/// `userdata` after the last call, and when this fails; may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE: no thread could be started.
/// Memory: `userdata` is the library's until `destroy`.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_on_event(
    engine: *const sessile_engine,
    callback: sessile_event_fn,
    userdata: *mut c_void,
    destroy: sessile_destroy_fn,
    error: *mut sessile_error,
) -> i32 {
    let userdata = Userdata::new(userdata, destroy);
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, move || {
            let Some(callback) = callback else { return Err(invalid("the callback is NULL")) };
            let events = self::engine(engine)?.subscribe()?;
            listen(engine, events, Told { callback, userdata })
        })
    }
}

/// Who is told.
pub(crate) struct Told {
    callback: unsafe extern "C" fn(*mut c_void, *const sessile_event),
    userdata: Userdata,
}

impl Told {
    pub(crate) fn tell(&self, event: &Event) {
        if let Ok(value) = value_of(event) {
            // SAFETY: a function of the caller's with its own pointer, from any thread as the
            // header says.
            unsafe { (self.callback)(self.userdata.get(), &raw const value) }
        }
    }
}

/// Tells of the events that are there already.
pub(crate) fn tell_ready(listener: &mut Listener) {
    if let Listener::Ticked(events, told) = listener {
        while let Some(event) = events.try_next() {
            told.tell(&event);
        }
    }
}

fn value_of(event: &Event) -> Outcome<sessile_event> {
    // SAFETY: zero is a value of integers.
    let mut value: sessile_event = unsafe { std::mem::zeroed() };
    value.struct_size = size_of::<sessile_event>();
    value.at_ms = event.at.as_millis();
    let (kind, handle, subject) = parts(&event.kind, &mut value);
    value.kind = kind;
    value.handle = handle.map_or(sessile_handle::NONE, Into::into);
    if let Some(subject) = subject {
        value.subject_len = subject.as_bytes().len();
        // SAFETY: a place of this function.
        unsafe { put_text(&raw mut value.subject, subject.as_bytes()) }?;
    }
    Ok(value)
}

/// Kind, handle and subject; what else there is goes into `value` at once.
fn parts<'e>(
    kind: &'e EventKind,
    value: &mut sessile_event,
) -> (i32, Option<&'e Handle>, Option<&'e Subject>) {
    match kind {
        EventKind::Created { handle, subject } => {
            (SESSILE_EVENT_CREATED, Some(handle), subject.as_ref())
        }
        EventKind::Touched { handle } => (SESSILE_EVENT_TOUCHED, Some(handle), None),
        EventKind::ExpiringSoon { handle, deadline } => {
            value.until_ms = deadline.as_millis();
            (SESSILE_EVENT_EXPIRING_SOON, Some(handle), None)
        }
        EventKind::Expired { handle } => (SESSILE_EVENT_EXPIRED, Some(handle), None),
        EventKind::Rotated { from, to, subject } => {
            value.other = to.into();
            (SESSILE_EVENT_ROTATED, Some(from), subject.as_ref())
        }
        EventKind::Refreshed { handle, generation } => {
            value.count = (*generation).into();
            (SESSILE_EVENT_REFRESHED, Some(handle), None)
        }
        EventKind::Consumed { handle } => (SESSILE_EVENT_CONSUMED, Some(handle), None),
        EventKind::Revoked { handle, cause } => {
            value.cause = cause_number(*cause);
            (SESSILE_EVENT_REVOKED, Some(handle), None)
        }
        EventKind::DataChanged { handle } => (SESSILE_EVENT_DATA_CHANGED, Some(handle), None),
        EventKind::SubjectRevoked { subject, except } => {
            value.other = except.as_ref().map_or(sessile_handle::NONE, Into::into);
            (SESSILE_EVENT_SUBJECT_REVOKED, None, Some(subject))
        }
        EventKind::Suspended { subject, until } => {
            value.until_ms = until.map_or(0, Timestamp::as_millis);
            (SESSILE_EVENT_SUSPENDED, None, Some(subject))
        }
        EventKind::Reinstated { subject } => (SESSILE_EVENT_REINSTATED, None, Some(subject)),
        EventKind::ClaimsChanged { subject } => (SESSILE_EVENT_CLAIMS_CHANGED, None, Some(subject)),
        EventKind::AllRevoked => (SESSILE_EVENT_ALL_REVOKED, None, None),
        EventKind::KeysChanged => (SESSILE_EVENT_KEYS_CHANGED, None, None),
        EventKind::Missed { count } => {
            value.count = *count;
            (SESSILE_EVENT_MISSED, None, None)
        }
        _ => (SESSILE_EVENT_OTHER, None, None),
    }
}

fn cause_number(cause: EndCause) -> i32 {
    match cause {
        EndCause::Revoked => SESSILE_CAUSE_REVOKED,
        EndCause::Replaced => SESSILE_CAUSE_REPLACED,
        EndCause::Evicted => SESSILE_CAUSE_EVICTED,
        EndCause::SubjectRevoked => SESSILE_CAUSE_SUBJECT_REVOKED,
        EndCause::AllRevoked => SESSILE_CAUSE_ALL_REVOKED,
        EndCause::Suspended => SESSILE_CAUSE_SUSPENDED,
        EndCause::Expired => SESSILE_CAUSE_EXPIRED,
        EndCause::Reuse => SESSILE_CAUSE_REUSE,
        _ => SESSILE_CAUSE_OTHER,
    }
}
