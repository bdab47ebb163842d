//! Taking the sessions of another maker's store in.

use std::io::{BufRead, Read};

use super::upgrade::{encode, live_from, note_key, pointer_key};
use super::{Engine, Inner};
use crate::cookie::foreign::{ForeignRow, Importer};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Group, Handle};
use crate::policy::Lifetimes;
use crate::record::ForeignRecord;
use crate::store::{Batch, Check, Commit, Durability, Store};
use crate::sync::Ordering;
use crate::time::Timestamp;

/// What became of the lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportedRows {
    /// Lines that were read, empty ones included.
    pub lines: u64,
    /// Sessions that are in the store now, and were not before.
    pub imported: u64,
    /// Those that an earlier import brought, whatever became of them since.
    pub known: u64,
    /// Those that have ended.
    pub expired: u64,
    /// Those without a subject, which were not asked for.
    pub anonymous: u64,
    /// Those whose subject has as many sessions as the configuration allows.
    pub beyond_limit: u64,
    /// Lines that are no row. The others are imported nevertheless.
    pub refused_count: u64,
    /// The first 1,000 of them.
    pub refused: Vec<RefusedLine>,
}

/// A line that was not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// Which line, the first being 1.
    pub number: u64,
    /// What is wrong with it. Never says what is in it.
    pub why: String,
}

impl Engine {
    /// Imports the sessions of the old site's store from a file with one JSON object a line: see
    /// [`cookie::foreign`](crate::cookie::foreign). Durable when it returns.
    ///
    /// Each line stands for itself: one that is no row is reported and loses nothing of the
    /// others. Importing a file again adds what is not known yet, so that after an error or a
    /// crash one begins anew. Sessions live as long as at the old site, at most until the
    /// importer's end; their beginning here is their upgrade.
    ///
    /// Import while neither site lets anybody in: what was revoked meanwhile, here or there, is
    /// not known to the file.
    ///
    /// # Errors
    /// - [`InvalidConfig`](ErrorKind::InvalidConfig): a setting of the importer is beyond its
    ///   limit. Nothing was imported.
    /// - [`Unavailable`](ErrorKind::Unavailable): the file could not be read on.
    /// - Store errors. As there, the message names the line up to which all is done.
    pub fn import_rows(
        &self,
        importer: &Importer,
        input: &mut dyn BufRead,
    ) -> Result<ImportedRows> {
        let imported = self.inner.import_rows(importer, input);
        self.ensure_maintenance_if_needed();
        imported
    }
}

/// What became of one row.
enum Outcome {
    Imported,
    Known,
    Expired,
    Anonymous,
    BeyondLimit,
    Refused(String),
}

impl Inner {
    fn import_rows(&self, importer: &Importer, input: &mut dyn BufRead) -> Result<ImportedRows> {
        self.refuse_unnoted_fork()?;
        let store = self.store()?;
        let store = store.as_ref();
        self.check_importer(importer, self.clock.now())?;
        self.has_work.store(true, Ordering::Relaxed);
        let mut report = ImportedRows::default();
        let mut line = Vec::new();
        loop {
            let number = report.lines + 1;
            let stopped = |error: Error| {
                let message =
                    format!("stopped before line {number}, begin anew: {}", error.message());
                Error::new(error.kind(), message).with_source(error)
            };
            let is_whole = match next_line(input, &mut line) {
                Ok(Some(is_whole)) => is_whole,
                Ok(None) => break,
                Err(error) => {
                    let message = "the file could not be read on";
                    let error = Error::new(ErrorKind::Unavailable, message).with_source(error);
                    return Err(stopped(error));
                }
            };
            report.lines = number;
            let outcome = if !is_whole {
                Outcome::Refused("longer than 1 MiB".into())
            } else if line.trim_ascii().is_empty() {
                continue;
            } else {
                match ForeignRow::parse(importer, &line) {
                    Ok(row) => self.import_row(store, importer, &row).map_err(stopped)?,
                    Err(why) => Outcome::Refused(why.into()),
                }
            };
            report.count(number, outcome);
        }
        store.sync()?;
        Ok(report)
    }

    fn import_row(
        &self,
        store: &dyn Store,
        importer: &Importer,
        row: &ForeignRow,
    ) -> Result<Outcome> {
        let now = self.clock.now();
        let deadline = row.expires.min(importer.until());
        if now >= deadline {
            return Ok(Outcome::Expired);
        }
        if row.subject.is_none() && !importer.takes_anonymous() {
            return Ok(Outcome::Anonymous);
        }
        if let Err(error) = row.data.validate(self.config.data_len_max_bytes) {
            return Ok(Outcome::Refused(error.message().to_owned()));
        }
        let (id_group, id) = self.keyring().locate_foreign(&importer.namespace(), &row.id);
        let pointer = pointer_key(id_group, &id)?;
        if self.foreign(store, &pointer)?.is_some() {
            return Ok(Outcome::Known);
        }
        let group = match &row.subject {
            Some(subject) => self.keyring().locate(subject).0,
            None => Group::random()?,
        };
        if let (Some(subject), Some(max)) = (&row.subject, self.config.max_sessions)
            && self.sessions_of(store, subject, now)?.len() >= max
        {
            return Ok(Outcome::BeyondLimit);
        }
        // The session first: until the pointer is there, nobody finds it.
        let (session, outcome) = self.place_foreign(store, row, (group, id), (now, deadline))?;
        let batch = Batch::new(id_group, Durability::Buffered).check(pointer, Check::Absent).put(
            pointer,
            encode(&pointer, &ForeignRecord::Pointer { session })?,
            importer.until(),
        );
        match store.commit(batch)? {
            Commit::Committed { .. } => Ok(outcome),
            Commit::Conflict => Ok(Outcome::Known),
        }
    }

    /// Puts the session of a row, which lives from the one moment to the other unless it is
    /// upgraded, and the note of it. If the note is there already, it is of an import that did
    /// not come to its end.
    fn place_foreign(
        &self,
        store: &dyn Store,
        row: &ForeignRow,
        (group, id): (Group, [u8; 16]),
        (now, deadline): (Timestamp, Timestamp),
    ) -> Result<(Handle, Outcome)> {
        let left = deadline.since(now);
        let mut record = self.foreign_session(row.subject.clone(), &row.data, now);
        live_from(&mut record, Lifetimes { idle_timeout: left, absolute_lifetime: left }, now);
        if let Some(subject) = &row.subject
            && let Some(known) = self.subject_record(store, group, subject)?
        {
            record.claims_version = known.claims_version();
        }
        let handle = Handle::random(group)?;
        let key = note_key(group, &id)?;
        let note = ForeignRecord::Note { session: handle, redeemed: None };
        let batch = Batch::new(group, Durability::Buffered).check(key, Check::Absent).put(
            key,
            encode(&key, &note)?,
            deadline,
        );
        match store.commit(self.placing(batch, &handle, &record, &row.data)?)? {
            Commit::Committed { .. } => Ok((handle, Outcome::Imported)),
            Commit::Conflict => match self.foreign(store, &key)? {
                Some((ForeignRecord::Note { session, redeemed: None }, _)) => {
                    Ok((session, Outcome::Imported))
                }
                Some((ForeignRecord::Note { session, .. }, _)) => Ok((session, Outcome::Known)),
                _ => Err(Error::new(ErrorKind::Conflict, "another import is under way")),
            },
        }
    }
}

impl ImportedRows {
    fn count(&mut self, number: u64, outcome: Outcome) {
        let count = match outcome {
            Outcome::Imported => &mut self.imported,
            Outcome::Known => &mut self.known,
            Outcome::Expired => &mut self.expired,
            Outcome::Anonymous => &mut self.anonymous,
            Outcome::BeyondLimit => &mut self.beyond_limit,
            Outcome::Refused(why) => {
                if self.refused.len() < REFUSED_MAX {
                    self.refused.push(RefusedLine { number, why });
                }
                &mut self.refused_count
            }
        };
        *count += 1;
    }
}

/// Reads up to the next line end, and says whether all of the line is in `line`; what is beyond
/// the limit is passed over. `None`: there is no more.
fn next_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<Option<bool>> {
    line.clear();
    (&mut *input).take(LINE_LEN_MAX).read_until(b'\n', line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let is_whole = line.ends_with(b"\n") || (line.len() as u64) < LINE_LEN_MAX;
    if !is_whole {
        input.skip_until(b'\n')?;
    }
    Ok(Some(is_whole))
}

/// Far more than a session's data may be, and little enough to read at once.
const LINE_LEN_MAX: u64 = 1 << 20;

const REFUSED_MAX: usize = 1_000;
