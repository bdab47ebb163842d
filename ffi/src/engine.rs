//! Engines: opening, sharing, closing, upkeep.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use sessile_core::{Engine, Error, ErrorKind, Subscription};

use crate::boundary::{Failure, Outcome, call, given, guard, required};
use crate::config::sessile_config;
use crate::error::sessile_error;
use crate::events::{Told, tell_ready};
use crate::fork::{forks, register};
use crate::status::OK;
use crate::versioned::{Versioned, check_place, put_sized};

/// One open store with its caches and keys. Every function may be called with it from any thread
/// at the same time.
///
/// It is counted: sessile_open gives one reference, sessile_engine_retain another, and
/// sessile_engine_release or sessile_close takes one.
pub struct sessile_engine {
    pub(crate) engine: Engine,
    /// How many forks there were when it was opened.
    forks: u64,
    has_threads: bool,
    listeners: Mutex<Vec<Listener>>,
}

/// Who is told of events, and how.
pub(crate) enum Listener {
    Thread(JoinHandle<()>),
    Ticked(Subscription, Told),
}

impl sessile_engine {
    /// Closes the engine, and waits until all that happened was told.
    fn shut(&self) -> sessile_core::Result<()> {
        let closed = self.engine.close();
        let listeners = std::mem::take(&mut *self.listeners());
        for mut listener in listeners {
            tell_ready(&mut listener);
            if let Listener::Thread(thread) = listener
                && thread.thread().id() != thread::current().id()
            {
                // A callback cannot panic; and if it could, it has ended.
                drop(thread.join());
            }
        }
        closed
    }

    /// Tells those who are told by ticks. Not under the lock: a callback may add a listener.
    fn tell_ticked(&self) {
        let mut ticked: Vec<_> = {
            let mut all = self.listeners();
            all.extract_if(.., |one| matches!(one, Listener::Ticked(..))).collect()
        };
        ticked.iter_mut().for_each(tell_ready);
        self.listeners().extend(ticked);
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<Listener>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens an engine with the settings of `config`, which stays the caller's.
///
/// Open it after a fork, never before: nginx in init_process, Apache in child_init.
///
/// Parameters: `config`; `engine`, written on success; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_INVALID_CONFIG, SESSILE_ERR_INVALID_INPUT: a setting does not
/// do, also one that a setter refused. SESSILE_ERR_WEAK_SECRET, SESSILE_ERR_KEY_FILE,
/// SESSILE_ERR_WRONG_SECRET: the master secret does not. SESSILE_ERR_LOCKED: another engine has
/// the store open. SESSILE_ERR_CORRUPT, SESSILE_ERR_NEWER_FORMAT, SESSILE_ERR_ROLLED_BACK,
/// SESSILE_ERR_POWER_LOSS_UNSAFE, SESSILE_ERR_UNAVAILABLE: the store cannot be used as it is.
/// SESSILE_ERR_FORKED: a store was open in this process before it forked.
/// Memory: `*engine` is closed with sessile_close.
/// Threads: any; a config one thread at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_open(
    config: *const sessile_config,
    engine: *mut *mut sessile_engine,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            required(engine)?;
            let settings = given(config)?;
            register()?;
            let opened = Engine::open_with(settings.build()?)?;
            give(engine, opened, settings);
            Ok(())
        })
    }
}

/// Hands an engine to the caller, with one reference.
///
/// # Safety
/// `place` is a place for a pointer.
pub(crate) unsafe fn give(
    place: *mut *mut sessile_engine,
    engine: Engine,
    config: &sessile_config,
) {
    let shared = Arc::new(sessile_engine {
        engine,
        forks: forks(),
        has_threads: config.has_threads,
        listeners: Mutex::default(),
    });
    // SAFETY: the caller's promise.
    unsafe { place.write(Arc::into_raw(shared).cast_mut()) };
}

/// Closes the store, for everyone who has a reference, and gives the caller's up. What is pending
/// is written; every later call with another reference is SESSILE_ERR_CLOSED.
///
/// Parameters: `engine`, NULL is fine; `error`, may be NULL.
/// Returns: SESSILE_OK. SESSILE_ERR_FORKED: it is the parent's to close. Other errors: a touch or
/// two may be lost, durable changes are safe, and the engine is closed all the same.
/// Memory: the reference is given up in any case.
/// Threads: any. It waits for callbacks that are under way, so no callback may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_close(
    engine: *mut sessile_engine,
    error: *mut sessile_error,
) -> i32 {
    if engine.is_null() {
        return OK;
    }
    // SAFETY: the caller keeps to the header: a reference of its own, given up here.
    unsafe {
        let status = call(error, || Ok(shared(engine)?.shut()?));
        guard((), || give_up(engine));
        status
    }
}

/// Takes another reference, for another owner: a thread, or a C++ object that is copied.
///
/// Parameters: `engine`, NULL is fine.
/// Returns: `engine`.
/// Memory: the reference is given up with sessile_engine_release.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_engine_retain(engine: *mut sessile_engine) -> *mut sessile_engine {
    guard(engine, || {
        if !engine.is_null() {
            // SAFETY: from `Arc::into_raw`, with a reference that the caller has.
            unsafe { Arc::increment_strong_count(engine.cast_const()) };
        }
        engine
    })
}

/// Gives a reference up. With the last one the engine is closed, and an error of that goes to the
/// log: call sessile_close where it matters.
///
/// Parameters: `engine`, NULL is fine.
/// Memory: `engine` is not to be used again by this owner.
/// Threads: any. It may close, so no callback may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_engine_release(engine: *mut sessile_engine) {
    if !engine.is_null() {
        // SAFETY: a reference of the caller's, given up here.
        guard((), || unsafe { give_up(engine) });
    }
}

/// # Safety
/// `engine` is from [`give`], with a reference of the caller's.
unsafe fn give_up(engine: *mut sessile_engine) {
    // SAFETY: the caller's promise.
    let engine = unsafe { Arc::from_raw(engine.cast_const()) };
    let Some(last) = Arc::into_inner(engine) else { return };
    if last.forks != forks() {
        // It has threads and locks of the parent's: ending it here would wait for them for ever.
        std::mem::forget(last);
    } else if let Err(error) = last.shut() {
        log::error!("sessile did not close well: {error}");
    }
}

/// The engine that a pointer leads to, unless it is from before a fork.
///
/// # Safety
/// `pointer` is NULL, or an engine of the caller's for as long as it uses it.
#[inline]
pub(crate) unsafe fn engine<'a>(pointer: *const sessile_engine) -> Outcome<&'a Engine> {
    // SAFETY: the caller's promise.
    Ok(&unsafe { shared(pointer) }?.engine)
}

/// The same, with what goes with it.
///
/// # Safety
/// As [`engine`].
#[inline]
unsafe fn shared<'a>(pointer: *const sessile_engine) -> Outcome<&'a sessile_engine> {
    // SAFETY: the caller's promise.
    let engine = unsafe { given(pointer) }?;
    if engine.forks == forks() { Ok(engine) } else { Err(forked()) }
}

/// Has `told` hear of the events of a subscription.
///
/// # Safety
/// As [`engine`].
pub(crate) unsafe fn listen(
    pointer: *const sessile_engine,
    events: Subscription,
    told: Told,
) -> Outcome {
    // SAFETY: the caller's promise.
    let engine = unsafe { shared(pointer) }?;
    let listener = if engine.has_threads {
        let work = move || events.for_each(|event| told.tell(&event));
        let thread = thread::Builder::new().name("sessile-events".into()).spawn(work);
        Listener::Thread(thread.map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "no thread could be started").with_source(cause)
        })?)
    } else {
        Listener::Ticked(events, told)
    };
    engine.listeners().push(listener);
    Ok(())
}

#[cold]
pub(crate) fn forked() -> Failure {
    let message = "this engine was opened before the process forked: open one in the child";
    Failure::Error(Error::new(ErrorKind::Forked, message))
}

/// What a tick did. Begin with SESSILE_TICK_REPORT_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_tick_report {
    /// sizeof(sessile_tick_report), set by the caller.
    pub struct_size: usize,
    /// Touches that the store has learnt of.
    pub touches_written: u64,
    /// Expired rows that are gone from the store.
    pub rows_swept: u64,
    /// 1: more rows are due than one tick sweeps; tick again soon.
    pub is_more_due: u64,
}

// SAFETY: integers, without padding.
unsafe impl Versioned for sessile_tick_report {
    const LEN_FIRST: usize = 32;
}

const _: () = assert!(size_of::<sessile_tick_report>() == 32);

/// Writes pending touches and sweeps expired rows: what the maintenance thread does every second,
/// for programs that set sessile_config_no_threads and have an event loop of their own. Takes a
/// few milliseconds at most.
///
/// Parameters: `engine`; `report`, may be NULL; `error`, may be NULL.
/// Returns: SESSILE_OK; store errors: what was not done is done by a later tick.
/// Memory: the caller's.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessile_tick(
    engine: *const sessile_engine,
    report: *mut sessile_tick_report,
    error: *mut sessile_error,
) -> i32 {
    // SAFETY: the caller keeps to the header.
    unsafe {
        call(error, || {
            let engine = shared(engine)?;
            let len = if report.is_null() { 0 } else { check_place(report)? };
            let done = engine.engine.tick()?;
            engine.tell_ticked();
            if !report.is_null() {
                let value = sessile_tick_report {
                    struct_size: 0,
                    touches_written: done.touches_written,
                    rows_swept: done.rows_swept,
                    is_more_due: done.is_more_due.into(),
                };
                put_sized(report, len, &value);
            }
            Ok(())
        })
    }
}
