//! The one road on which entries get into the file `[L10]` `[L11]`. Reads nothing for anybody.

use std::collections::HashMap;
use std::collections::hash_map;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use thymos_core::entry::{Draft, InvalidEntry, Position};
use thymos_core::limits::ENTRY_BYTES_MAX;
use thymos_core::merkle::Frontier;
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::store::{Batch, Conflict, StoreError};

use crate::blob::{self, Packed};
use crate::fault::{During, Trouble};
use crate::row::{head_of, stored};
use crate::{shape, tree};

pub(crate) use copying::Grown;

mod adopt;
mod copying;
#[cfg(test)]
mod tests;

/// Trajectories whose end is remembered between appends. Beyond it all are forgotten and read anew.
pub(crate) const ENDS_MAX: usize = 4_096;

/// The connection that writes, and what it remembers of the ends of things.
pub(crate) struct Writer {
    connection: Connection,
    log: LogId,
    read_only: bool,
    poisoned: Option<String>,
    grown: Grown,
    memory: Memory,
}

/// Where log and trajectories end. Only a cache: valid while nobody else has written, which the
/// engine's `data_version` tells inside the transaction; and `UNIQUE (trajectory, seq)` stands
/// behind it, so that a wrong memory could only be refused, never fork a trajectory.
#[derive(Default)]
struct Memory {
    data_version: Option<i64>,
    /// The tables and triggers that were looked at, by the engine's count of their changes.
    schema_version: Option<i64>,
    /// Its size is the next index.
    tree: Frontier,
    ends: HashMap<TrajectoryId, End>,
}

#[derive(Clone, Copy)]
struct End {
    number: Option<i64>,
    length: u64,
    last: Option<EntryId>,
}

/// Refuses what could never be kept before the transaction begins.
pub(crate) fn check(path: &str, batches: &[Batch]) -> Result<(), StoreError> {
    for batch in batches {
        for draft in &batch.drafts {
            let size = draft.body.as_bytes().len();
            if size > ENTRY_BYTES_MAX {
                return Err(StoreError::Draft(InvalidEntry::TooLarge(size)));
            }
            if draft.trajectory != batch.trajectory {
                return Err(StoreError::Engine {
                    path: path.to_owned(),
                    reason: "a draft belongs to another trajectory than its batch".to_owned(),
                });
            }
        }
    }
    Ok(())
}

impl Writer {
    pub(crate) fn new(connection: Connection, grown: Grown, log: LogId, read_only: bool) -> Self {
        Self {
            connection,
            log,
            read_only,
            poisoned: None,
            grown,
            memory: Memory::default(),
        }
    }

    /// For a ledger in memory, whose readers have no connection of their own.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// One transaction for all batches; acknowledged when it is synced.
    pub(crate) fn append(
        &mut self,
        path: &str,
        batches: Vec<Batch>,
    ) -> Result<Vec<Result<Vec<Entry>, Conflict>>, StoreError> {
        self.ready(path)?;
        match self.transact(batches) {
            Ok(placed) => {
                self.copy_back(path);
                Ok(placed)
            }
            Err(trouble) => Err(self.give_up(path, trouble)),
        }
    }

    /// Keeps a blob without a sync of its own: the next append syncs the whole write-ahead file,
    /// this included, and nothing refers to the blob before that append `[Q3]`.
    pub(crate) fn put_blob(&mut self, path: &str, packed: &Packed<'_>) -> Result<(), StoreError> {
        self.ready(path)?;
        let kept = self
            .connection
            .execute_batch("PRAGMA synchronous = NORMAL")
            .map_err(Trouble::from)
            .and_then(|()| blob::insert(&self.connection, packed));
        let strict = self.connection.execute_batch("PRAGMA synchronous = FULL");
        kept.and(strict.map_err(Trouble::from))
            .map_err(|trouble| self.give_up(path, trouble))?;
        self.copy_back(path);
        // It was to be durable with the next append, and now there is none.
        self.ready(path)
    }

    /// Keeps a checkpoint in a transaction of its own, synced: a copy of it outside must never be the
    /// only one.
    pub(crate) fn put_checkpoint(
        &mut self,
        path: &str,
        size: i64,
        note: &str,
    ) -> Result<(), StoreError> {
        self.ready(path)?;
        let kept = self.connection.execute(
            "INSERT INTO checkpoints (size, note) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![size, note],
        );
        kept.map_err(|error| self.give_up(path, error.into()))?;
        self.copy_back(path);
        Ok(())
    }

    pub(crate) const fn log(&self) -> LogId {
        self.log
    }

    pub(crate) fn ready(&self, path: &str) -> Result<(), StoreError> {
        let path = path.to_owned();
        if let Some(reason) = &self.poisoned {
            let reason = reason.clone();
            return Err(StoreError::Poisoned { path, reason });
        }
        if self.read_only {
            let reason = "it was opened for reading only".to_owned();
            return Err(StoreError::Open { path, reason });
        }
        Ok(())
    }

    fn transact(
        &mut self,
        batches: Vec<Batch>,
    ) -> Result<Vec<Result<Vec<Entry>, Conflict>>, Trouble> {
        let Self {
            connection,
            log,
            memory,
            ..
        } = self;
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        memory.refresh(&transaction, log)?;
        let mut placed = Vec::with_capacity(batches.len());
        for batch in batches {
            placed.push(memory.place(&transaction, *log, batch)?);
        }
        transaction.commit()?;
        Ok(placed)
    }

    // The transaction is rolled back by now; what was remembered of it must go too.
    pub(crate) fn give_up(&mut self, path: &str, trouble: Trouble) -> StoreError {
        self.memory = Memory::default();
        let error = trouble.named(path, During::Write);
        if let StoreError::Poisoned { reason, .. } = &error {
            // [L11] Never again as if clean: not by another append, and not by the copying that
            // SQLite would do while closing.
            self.poisoned = Some(reason.clone());
            let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            if self.connection.set_db_config(setting, true).is_err() {
                self.read_only = true;
            }
        }
        error
    }
}

impl Memory {
    fn refresh(&mut self, transaction: &Transaction<'_>, log: &LogId) -> Result<(), Trouble> {
        let version: i64 = transaction
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        if self.data_version != Some(version) {
            adopt::same_log(transaction, log)?;
            self.look_at_tables(transaction)?;
            self.ends.clear();
            self.tree = tree::frontier(transaction)?;
            self.data_version = Some(version);
        }
        if self.ends.len() > ENDS_MAX {
            self.ends.clear();
        }
        Ok(())
    }

    /// By the first append, and again when somebody changed the schema meanwhile: a trigger that is planted
    /// while the file is open is run as one that was there.
    fn look_at_tables(&mut self, transaction: &Transaction<'_>) -> Result<(), Trouble> {
        let version: i64 = transaction
            .prepare_cached("PRAGMA schema_version")?
            .query_row([], |row| row.get(0))?;
        if self.schema_version != Some(version) {
            shape::refuse_meddling(transaction)?;
            self.schema_version = Some(version);
        }
        Ok(())
    }

    fn place(
        &mut self,
        transaction: &Transaction<'_>,
        log: LogId,
        batch: Batch,
    ) -> Result<Result<Vec<Entry>, Conflict>, Trouble> {
        let end = end_of(&mut self.ends, transaction, &batch.trajectory)?;
        // Compare and set: whoever thought of another length decided on another past.
        if end.length != batch.at_seq {
            return Ok(Err(Conflict {
                expected: batch.at_seq,
                found: end.length,
            }));
        }
        let mut entries = Vec::with_capacity(batch.drafts.len());
        for draft in batch.drafts {
            let entry = end.extend(transaction, draft, log, self.tree.size())?;
            tree::push(transaction, &mut self.tree, &entry.id)?;
            entries.push(entry);
        }
        Ok(Ok(entries))
    }
}

/// The end of a trajectory, as it is remembered or as it is read.
fn end_of<'m>(
    ends: &'m mut HashMap<TrajectoryId, End>,
    transaction: &Transaction<'_>,
    trajectory: &TrajectoryId,
) -> Result<&'m mut End, Trouble> {
    Ok(match ends.entry(*trajectory) {
        hash_map::Entry::Occupied(known) => known.into_mut(),
        hash_map::Entry::Vacant(slot) => slot.insert(End::read(transaction, trajectory)?),
    })
}

impl End {
    /// By two look-ups, whatever the length `[Q5]`.
    fn read(connection: &Connection, trajectory: &TrajectoryId) -> Result<Self, Trouble> {
        let number: Option<i64> = connection
            .prepare_cached("SELECT number FROM trajectories WHERE id = ?1")?
            .query_row([trajectory.as_bytes()], |row| row.get(0))
            .optional()?;
        let row: Option<(i64, i64, Vec<u8>)> = connection
            .prepare_cached(END_SQL)?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((index, seq, header)) = row else {
            return Ok(Self {
                number,
                length: 0,
                last: None,
            });
        };
        // The new entry will vouch for this one by its id: so it must be what it says it is.
        let entry = Entry::read(header, None).map_err(|e| Trouble::entry(index, e.to_string()))?;
        if entry.header.trajectory != *trajectory || stored(entry.header.seq) != Some(seq) {
            return Err(Trouble::entry(index, "its columns differ from its header"));
        }
        Ok(Self {
            number,
            length: entry.header.seq.saturating_add(1),
            last: Some(entry.id),
        })
    }

    fn extend(
        &mut self,
        transaction: &Transaction<'_>,
        draft: Draft,
        log: LogId,
        index: u64,
    ) -> Result<Entry, Trouble> {
        let position = Position {
            log,
            index,
            seq: self.length,
            prev: self.last,
        };
        let entry = draft.place(&position).map_err(Trouble::Draft)?;
        self.keep(transaction, &entry)?;
        Ok(entry)
    }

    /// Puts an entry in the file whose place is the next one.
    fn keep(&mut self, transaction: &Transaction<'_>, entry: &Entry) -> Result<(), Trouble> {
        let number = match self.number {
            Some(number) => number,
            None => insert_trajectory(transaction, &entry.header.trajectory)?,
        };
        insert(transaction, number, entry)?;
        self.number = Some(number);
        self.length += 1;
        self.last = Some(entry.id);
        Ok(())
    }
}

/// The newest entry of a trajectory.
pub(crate) const END_SQL: &str =
    "SELECT idx, seq, header FROM entries WHERE trajectory = ?1 ORDER BY seq DESC LIMIT 1";

/// Nothing is appended that is not there afterwards: a trigger of somebody else can pass over a row, and
/// the engine calls that a success `[L10]`.
pub(crate) fn one_row(changed: usize, table: &str) -> Result<(), Trouble> {
    match changed {
        1 => Ok(()),
        _ => Err(Trouble::corrupt(
            format!("table `{table}`"),
            "a row was not kept, so somebody changed the ledger's tables",
        )),
    }
}

fn insert_trajectory(connection: &Connection, id: &TrajectoryId) -> Result<i64, Trouble> {
    let changed = connection
        .prepare_cached("INSERT INTO trajectories (id) VALUES (?1)")?
        .execute([id.as_bytes()])?;
    // Else the number of another trajectory would be taken for this one's.
    one_row(changed, "trajectories")?;
    Ok(connection.last_insert_rowid())
}

fn insert(connection: &Connection, number: i64, entry: &Entry) -> Result<(), Trouble> {
    let header = &entry.header;
    let content = entry.content.as_ref();
    let changed = connection
        .prepare_cached(
            "INSERT INTO entries (idx, trajectory, seq, kind, at_ms, id_head, header, salt, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            stored(header.index),
            number,
            stored(header.seq),
            header.kind,
            stored(header.at_ms.as_ms()),
            head_of(&entry.id),
            entry.header_bytes,
            content.map(|content| content.salt.as_bytes()),
            content.map(|content| &content.body),
        ])?;
    one_row(changed, "entries")
}
