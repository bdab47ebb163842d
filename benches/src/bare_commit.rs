//! Floor: sled with nothing around it. Rows of the same size in the same files with the same
//! attribute, and writers that share a flush.

use std::fs::{self, File};
use std::path::Path;
use std::sync::{Condvar, Mutex};

use sessile::store::{Key, Row, Store};

/// A bare sled tree whose durable writers commit in groups: whoever finds nobody leading takes
/// all that waits into one `apply_batch` and one `flush`.
#[derive(Debug)]
pub struct BareSled {
    db: sled::Db,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<(Vec<u8>, Vec<u8>)>,
    is_led: bool,
    /// The round that what waits now will be in, and the last one that is done.
    next_round: u64,
    done_round: u64,
}

impl BareSled {
    /// A new tree in `directory`, whose writes reach the device as those of sessile's store.
    pub fn create(directory: &Path) -> Self {
        fs::create_dir_all(directory).unwrap();
        make_synchronous(directory);
        let config = sled::Config::new().path(directory).cache_capacity(128 << 20);
        let state = State { next_round: 1, ..State::default() };
        let db = config.flush_every_ms(Some(500)).open().unwrap();
        BareSled { db, state: Mutex::new(state), moved: Condvar::new() }
    }

    /// Copies every row of a store, with what sessile's own store puts before a row.
    pub fn copy(&self, store: &dyn Store) {
        let mut after = None;
        loop {
            let page = store.dump(after.as_ref(), 1000).unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (key, row) in &page {
                self.db.insert(bytes_of(key), framed(row)).unwrap();
            }
        }
        self.db.flush().unwrap();
    }

    /// Reads a row, owned.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.db.get(key).unwrap().map(|row| row.to_vec())
    }

    /// Writes rows, to be flushed by others or later.
    pub fn insert_buffered(&self, rows: &[(Vec<u8>, Vec<u8>)]) {
        for (key, value) in rows {
            self.db.insert(key, value.as_slice()).unwrap();
        }
    }

    /// Writes rows and returns once they are on the device.
    pub fn insert_durable(&self, rows: Vec<(Vec<u8>, Vec<u8>)>) {
        let mut state = self.state.lock().unwrap();
        state.waiting.extend(rows);
        let round = state.next_round;
        loop {
            if state.done_round >= round {
                return;
            }
            if !state.is_led {
                break;
            }
            state = self.moved.wait(state).unwrap();
        }
        state.is_led = true;
        state.next_round += 1;
        let rows = std::mem::take(&mut state.waiting);
        drop(state);
        let mut batch = sled::Batch::default();
        rows.into_iter().for_each(|(key, value)| batch.insert(key, value));
        self.db.apply_batch(batch).unwrap();
        self.db.flush().unwrap();
        let mut state = self.state.lock().unwrap();
        state.is_led = false;
        state.done_round = round;
        drop(state);
        self.moved.notify_all();
    }
}

/// The bytes under which sessile's store puts the row of `key`.
pub fn bytes_of(key: &Key) -> Vec<u8> {
    let mut bytes = vec![key.table().number()];
    bytes.extend_from_slice(&key.group().0.to_be_bytes());
    bytes.extend_from_slice(key.id());
    bytes
}

/// A row with a head as large as the one that sessile's store writes.
pub fn framed(row: &Row) -> Vec<u8> {
    let mut bytes = vec![0; 24];
    bytes.extend_from_slice(&row.value);
    bytes
}

#[cfg(target_os = "linux")]
fn make_synchronous(directory: &Path) {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let file = File::open(directory).unwrap();
    // Where the file system does not take it, sessile's store goes without it, too.
    let _ = ioctl_getflags(&file).and_then(|flags| ioctl_setflags(&file, flags | IFlags::SYNC));
}

#[cfg(not(target_os = "linux"))]
fn make_synchronous(_directory: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_was_inserted_is_there_once_the_calls_return() {
        let directory = tempfile::tempdir().unwrap();
        let tree = BareSled::create(directory.path());
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let tree = &tree;
                scope.spawn(move || {
                    for i in 0..20_u8 {
                        tree.insert_durable(vec![(vec![thread, i], vec![i])]);
                        assert_eq!(tree.get(&[thread, i]), Some(vec![i]));
                    }
                });
            }
        });
        assert_eq!(tree.db.len(), 80);
    }
}
