//! A store in memory: for tests, and for sessions that need not outlive the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Batch, Capabilities, Check, Commit, Due, Key, Lease, Row, SharedEpochs, Store, Survives, Table,
    Timestamp,
};
use crate::error::Result;
use crate::id::Group;
use crate::sync::RwLock;

/// A [`Store`] in memory. Nothing survives the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Key, Row>,
    expiry: BTreeSet<Due>,
    version: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        MemoryStore::default()
    }
}

impl State {
    fn put(&mut self, key: Key, row: Row) {
        let at = row.expires_at;
        if let Some(old) = self.rows.insert(key, row) {
            self.expiry.remove(&Due { at: old.expires_at, key });
        }
        if at != Timestamp::NEVER {
            self.expiry.insert(Due { at, key });
        }
    }

    fn delete(&mut self, key: &Key) {
        if let Some(old) = self.rows.remove(key) {
            self.expiry.remove(&Due { at: old.expires_at, key: *key });
        }
    }

    fn holds(&self, key: &Key, check: Check) -> bool {
        match (check, self.rows.get(key)) {
            (Check::Absent, row) => row.is_none(),
            (Check::Version(version), row) => row.is_some_and(|row| row.version == version),
        }
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &Key) -> Result<Option<Row>> {
        Ok(self.state.read().rows.get(key).cloned())
    }

    fn scan(
        &self,
        group: Group,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Key, Row)>> {
        let first = Key::new(group, table, prefix)?;
        let after = after.map(|id| Key::new(group, table, id)).transpose()?;
        let from = match after {
            Some(after) if after >= first => std::ops::Bound::Excluded(after),
            _ => std::ops::Bound::Included(first),
        };
        let state = self.state.read();
        let rows = state.rows.range((from, std::ops::Bound::Unbounded));
        Ok(rows
            .take_while(|(key, _)| {
                key.group() == group && key.table() == table && key.id().starts_with(prefix)
            })
            .take(limit)
            .map(|(key, row)| (*key, row.clone()))
            .collect())
    }

    fn commit(&self, batch: Batch) -> Result<Commit> {
        batch.validate(self.capabilities().value_len_max_bytes)?;
        let mut state = self.state.write();
        if !batch.checks.iter().all(|(key, check)| state.holds(key, *check)) {
            return Ok(Commit::Conflict);
        }
        state.version += 1;
        let version = state.version;
        for (key, value, expires_at) in batch.puts {
            state.put(key, Row { version, expires_at, value });
        }
        batch.deletes.iter().for_each(|key| state.delete(key));
        Ok(Commit::Committed { version })
    }

    fn expired(&self, after: Option<&Due>, until: Timestamp, limit: usize) -> Result<Vec<Due>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let state = self.state.read();
        let from = after.map_or(Unbounded, Excluded);
        let due = state.expiry.range::<Due, _>((from, Unbounded));
        Ok(due.take_while(|due| due.at <= until).take(limit).copied().collect())
    }

    fn dump(&self, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Row)>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let state = self.state.read();
        let rows = state.rows.range::<Key, _>((after.map_or(Unbounded, Excluded), Unbounded));
        Ok(rows.take(limit).map(|(key, row)| (*key, row.clone())).collect())
    }

    fn load(&self, rows: Vec<(Key, Row)>) -> Result<()> {
        super::key::validate_rows(&rows, self.capabilities().value_len_max_bytes)?;
        let mut state = self.state.write();
        for (key, row) in rows {
            state.version = state.version.max(row.version);
            state.put(key, row);
        }
        Ok(())
    }

    fn version(&self) -> u64 {
        self.state.read().version
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "memory",
            survives: Survives::Nothing,
            is_shared: false,
            value_len_max_bytes: 1 << 20,
            was_rolled_back: false,
        }
    }

    fn lease(&self) -> Option<Arc<Lease>> {
        None
    }

    fn shared_epochs(&self) -> Option<Arc<SharedEpochs>> {
        None
    }
}
