//! What happens behind the requests: touches are written, the expired swept.

use std::time::Duration;

use super::events::EventKind;
use super::inspect::{engine_key, session_key};
use super::{Engine, Inner};
use crate::codec::record::{self, Kind};
use crate::error::Result;
use crate::policy::touch_interval_ms;
use crate::record::SessionRow;
use crate::store::{Batch, Check, Commit, Due, Durability, Key, Moves, Store, Table};
use crate::sync::{AtomicBool, AtomicU32, Condvar, Mutex, Ordering, thread, wait_for};
use crate::time::{Timestamp, millis};

/// What a [`tick`](Engine::tick) did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Touches that the store has learnt of.
    pub touches_written: u64,
    /// Expired rows that are gone from the store.
    pub rows_swept: u64,
    /// Whether more rows are due than one tick sweeps: tick again soon.
    pub is_more_due: bool,
}

/// The maintenance thread, if there is one.
#[derive(Default)]
pub(super) struct Maintenance {
    is_started: AtomicBool,
    /// Of the process that has the thread; 0: there is none.
    process_id: AtomicU32,
    is_stopping: Mutex<bool>,
    stop: Condvar,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Maintenance {
    pub(super) fn new() -> Self {
        Maintenance::default()
    }

    /// Ends the thread and waits for it. None is started afterwards.
    pub(super) fn stop(&self) {
        // In a forked child there is no thread to join, and its locks may be held for ever.
        let home = self.process_id.load(Ordering::Relaxed);
        if home != 0 && home != std::process::id() {
            return;
        }
        *self.is_stopping.lock() = true;
        self.stop.notify_all();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            log::error!("sessile's maintenance thread panicked");
        }
    }

    /// Waits until it is time for the next tick; `false`: stop.
    fn pause(&self, every: Duration) -> bool {
        let is_stopping = self.is_stopping.lock();
        if *is_stopping {
            return false;
        }
        !*wait_for(&self.stop, is_stopping, every)
    }
}

impl Engine {
    /// Writes pending touches and sweeps expired rows: what the maintenance thread does every
    /// `tick_every`, for hosts that have none. Takes a few milliseconds at most.
    ///
    /// # Errors
    /// - Store errors. What was not done is done by a later tick.
    pub fn tick(&self) -> Result<TickReport> {
        self.inner.tick()
    }

    /// Starts the maintenance thread, once, at the first call that leaves work for it.
    pub(super) fn ensure_maintenance(&self) {
        let maintenance = &self.maintenance;
        // A load first: on the hot path nothing may be written that other threads read.
        if !self.inner.config.has_threads
            || maintenance.is_started.load(Ordering::Relaxed)
            || maintenance.is_started.swap(true, Ordering::AcqRel)
            || *maintenance.is_stopping.lock()
        {
            return;
        }
        let (inner, every) = (std::sync::Arc::downgrade(&self.inner), self.inner.config.tick_every);
        let control = std::sync::Arc::downgrade(maintenance);
        let work = move || {
            let mut pause = every;
            while control.upgrade().is_some_and(|control| control.pause(pause)) {
                let Some(inner) = inner.upgrade() else { return };
                pause = match inner.tick() {
                    Ok(TickReport { is_more_due: true, .. }) => Duration::ZERO,
                    Ok(_) => every,
                    Err(error) => {
                        log::warn!("sessile's maintenance failed, and will try again: {error}");
                        every
                    }
                };
            }
        };
        match thread::Builder::new().name("sessile".into()).spawn(work) {
            Ok(handle) => {
                maintenance.process_id.store(std::process::id(), Ordering::Relaxed);
                *maintenance.thread.lock() = Some(handle);
            }
            Err(error) => log::error!("sessile's maintenance thread did not start: {error}"),
        }
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inner {
    fn tick(&self) -> Result<TickReport> {
        self.refuse_unnoted_fork()?;
        // Off first: work that comes from here on turns it on again.
        let has_work = self.has_work.swap(false, Ordering::Relaxed);
        let touches_written = self.flush_touches()?;
        let store = self.store()?;
        let store = store.as_ref();
        self.flush_api_key_uses(store)?;
        self.clock.insist(self.epochs.meet_at(self.clock.now()));
        let now = self.clock.now();
        let is_more_to_tell = self.run_agenda(store)?;
        self.watches.review_due(self, store, now);
        self.watches.review_moved(self, store);
        let (rows_swept, is_more_due) = self.sweep(store)?;
        self.retire_outlived_keys(now)?;
        if has_work || touches_written > 0 || rows_swept > 0 {
            let mark = Timestamp::from_millis(self.clock_mark.load(Ordering::Relaxed));
            if now.since(mark) >= CLOCK_MARK_EVERY {
                self.mark_clock(store)?;
            }
            store.sync()?;
        }
        let is_more_due = is_more_due || is_more_to_tell;
        let stepped_back = self.clock.take_stepped_back_ms();
        if stepped_back > 0 {
            log::warn!("the clock stepped back by {stepped_back} ms; sessions do not follow it");
        }
        Ok(TickReport { touches_written, rows_swept, is_more_due })
    }

    /// Tells the store of the touches. Conditional: what is not live there is not touched, and
    /// nothing is created.
    pub(super) fn flush_touches(&self) -> Result<u64> {
        let store = self.store()?;
        let touches: Vec<_> = self.touches.lock().iter().map(|(h, news)| (*h, *news)).collect();
        let mut written = 0;
        for (handle, news) in touches {
            let key = session_key(&handle);
            let _one_writer = self.stripe(handle.group())?.lock();
            if let Some(row) = store.get(&key)?
                && let Some(SessionRow::Live(mut record)) = self.read_session(&key, &row)
                && news.apply(&mut record)
            {
                let expires_at = record.expires_at();
                let bytes =
                    record::encode(Kind::Session, &key.to_vec(), &SessionRow::Live(record))?;
                let batch = Batch::new(handle.group(), Durability::Buffered)
                    .moving(Moves::Nothing)
                    .check(key, Check::Version(row.version))
                    .put(key, bytes, expires_at);
                match store.commit(batch)? {
                    Commit::Committed { .. } => {
                        written += 1;
                        self.bus.emit(self.clock.now(), [EventKind::Touched { handle }]);
                    }
                    // Another process has changed the session: the next tick tries again.
                    Commit::Conflict => continue,
                }
            }
            // Only now, so that a fill meanwhile finds it here or in the store.
            let mut touches = self.touches.lock();
            if touches.get(&handle) == Some(&news) {
                touches.remove(&handle);
            }
        }
        Ok(written)
    }

    /// Deletes rows that can never verify again, the oldest first, a slice at a time. It waits
    /// for as long as a touch may be on its way. Gives how many, and whether more are due.
    fn sweep(&self, store: &dyn Store) -> Result<(u64, bool)> {
        let lag = touch_interval_ms(u64::MAX) + 2 * millis(self.config.tick_every);
        let until = self.clock.now().as_millis().saturating_sub(lag);
        let due = store.expired(None, Timestamp::from_millis(until), SLICE)?;
        let is_whole_slice = due.len() == SLICE;
        let mut swept = 0;
        for Due { key, .. } in due {
            let Some(row) = store.get(&key)? else { continue };
            if row.expires_at.as_millis() > until {
                continue;
            }
            let mut batch = Batch::new(key.group(), Durability::Buffered)
                .moving(Moves::Nothing)
                .check(key, Check::Version(row.version))
                .delete(key);
            if key.table() == Table::Session
                && !matches!(self.read_session(&key, &row), Some(session) if !session.has_data())
            {
                batch = batch.delete(Key::new(key.group(), Table::Data, key.id())?);
            }
            if let Commit::Committed { .. } = store.commit(batch)? {
                swept += 1;
            }
        }
        // A slice that could not be swept is left for the next turn, not tried at once.
        Ok((swept, is_whole_slice && swept > 0))
    }
}

impl Inner {
    /// Tells the store what time it is.
    pub(super) fn mark_clock(&self, store: &dyn Store) -> Result<()> {
        let now = self.clock.now();
        let key = engine_key(b"clock")?;
        let old = store.get(&key)?;
        let check = old.map_or(Check::Absent, |row| Check::Version(row.version));
        let bytes = record::encode(Kind::Clock, &key.to_vec(), &now)?;
        let batch = Batch::new(key.group(), Durability::Buffered)
            .moving(Moves::Nothing)
            .check(key, check)
            .put(key, bytes, Timestamp::NEVER);
        // A conflict is another process that has just told it.
        let _ = store.commit(batch)?;
        self.clock_mark.store(now.as_millis(), Ordering::Relaxed);
        Ok(())
    }
}

/// How old the store's time may get. After a crash and with a clock set back, a session may live
/// longer by that much.
const CLOCK_MARK_EVERY: Duration = Duration::from_secs(60);

/// Rows swept in one go: some 20 ms on sled.
const SLICE: usize = 1_000;
