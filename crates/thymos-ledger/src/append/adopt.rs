//! Takes over a log whose entries have their places already `[L16]`: one transaction for all of it, piece
//! by piece, or nothing.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use thymos_core::{Digest, Entry, EntryId, LogId};
use thymos_ports::erase::blobs_of;
use thymos_ports::store::{Piece, StoreError, Unfit};

use super::{ENDS_MAX, Memory, Writer, end_of, one_row};
use crate::blob::{self, Packed};
use crate::erase::unmentioned;
use crate::fault::Trouble;
use crate::row::stored;
use crate::tree;

/// What ends the taking over without a commit.
enum Halt {
    /// The engine, or what is stored.
    Trouble(Trouble),
    /// A piece, or where it came from.
    Piece(StoreError),
    /// It does not fit.
    Unfit(Unfit),
}

impl Writer {
    pub(crate) fn adopt(
        &mut self,
        path: &str,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        self.ready(path)?;
        match self.take_over(path, log, pieces) {
            Ok(new) => {
                self.log = log;
                self.copy_back(path);
                Ok(Ok(new))
            }
            Err(Halt::Trouble(trouble)) => Err(self.give_up(path, trouble)),
            Err(Halt::Piece(error)) => {
                self.memory = Memory::default();
                Err(error)
            }
            Err(Halt::Unfit(unfit)) => {
                self.memory = Memory::default();
                Ok(Err(unfit))
            }
        }
    }

    fn take_over(
        &mut self,
        path: &str,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<u64, Halt> {
        let Self {
            connection,
            log: own,
            memory,
            ..
        } = self;
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        memory.refresh(&transaction, own)?;
        if *own != log {
            if memory.tree.size() > 0 {
                return Err(Halt::Unfit(Unfit::OtherLog(*own)));
            }
            become_log(&transaction, &log)?;
        }
        let (mut new, mut gone) = (0, Gone::default());
        for piece in pieces {
            match piece.map_err(Halt::Piece)? {
                Piece::Entry(entry) => match memory.take(&transaction, &log, &entry)? {
                    Took::New => new += 1,
                    Took::There => {}
                    Took::Bare => gone.may_be.extend(blobs_of(&entry)),
                },
                Piece::Blob(bytes) => {
                    let packed = blob::pack(path, &bytes).map_err(Halt::Piece)?;
                    gone.insert(&transaction, &packed)?;
                }
                Piece::SealedBlob(envelope) => {
                    let sealed = blob::sealed(path, &envelope).map_err(Halt::Piece)?;
                    gone.insert(&transaction, &sealed)?;
                }
                Piece::Checkpoint(size, note) => put_checkpoint(&transaction, size, &note)?,
            }
        }
        transaction.commit()?;
        Ok(new)
    }
}

/// What became of an entry.
enum Took {
    New,
    There,
    /// It is there, and its body was erased.
    Bare,
}

/// Content that went with bodies which were erased here `[L3]`.
#[derive(Default)]
struct Gone {
    /// Mentioned by them.
    may_be: BTreeSet<Digest>,
    /// And by nothing else.
    is: BTreeSet<Digest>,
}

impl Gone {
    /// Keeps a blob, unless it was erased.
    fn insert(&mut self, transaction: &Transaction<'_>, blob: &Packed<'_>) -> Result<(), Trouble> {
        if !self.may_be.is_empty() {
            let more = std::mem::take(&mut self.may_be);
            self.is.extend(unmentioned(transaction, more)?);
        }
        if !self.is.contains(&blob.digest) {
            blob::insert(transaction, blob)?;
        }
        Ok(())
    }
}

impl Memory {
    /// Keeps an entry that comes next.
    fn take(
        &mut self,
        transaction: &Transaction<'_>,
        log: &LogId,
        entry: &Entry,
    ) -> Result<Took, Halt> {
        let (header, next) = (&entry.header, self.tree.size());
        let gap = Halt::Unfit(Unfit::Gap(header.index));
        if header.log != *log || header.index > next {
            return Err(gap);
        }
        if header.index < next {
            return match there(transaction, header.index)? {
                Some((id, false)) if id == entry.id => Ok(Took::There),
                Some((id, true)) if id == entry.id => Ok(Took::Bare),
                Some(_) | None => Err(Halt::Unfit(Unfit::Parted(header.index))),
            };
        }
        if self.ends.len() > ENDS_MAX {
            self.ends.clear();
        }
        let end = end_of(&mut self.ends, transaction, &header.trajectory)?;
        if (end.length, end.last) != (header.seq, header.prev) {
            return Err(gap);
        }
        end.keep(transaction, entry)?;
        tree::push(transaction, &mut self.tree, &entry.id)?;
        Ok(Took::New)
    }
}

/// The id of the entry that stands at an index, and whether its body is gone.
fn there(connection: &Connection, index: u64) -> Result<Option<(EntryId, bool)>, Trouble> {
    let row: Option<(Vec<u8>, bool)> = connection
        .prepare_cached("SELECT header, body IS NULL FROM entries WHERE idx = ?1")?
        .query_row([stored(index)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.map(|(header, bare)| (EntryId::of(&header), bare)))
}

/// Gives an empty ledger another id. The trigger that forbids it stands again before anybody can see
/// that it was away.
fn become_log(transaction: &Transaction<'_>, log: &LogId) -> Result<(), Trouble> {
    const TRIGGER: &str = "the_log_is_not_rewritten";
    let sql: String = transaction.query_row(
        "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?1",
        [TRIGGER],
        |row| row.get(0),
    )?;
    transaction.execute_batch(&format!("DROP TRIGGER {TRIGGER}"))?;
    let changed = transaction.execute("UPDATE log SET id = ?1", [log.as_bytes()])?;
    one_row(changed, "log")?;
    transaction.execute_batch(&sql)?;
    Ok(())
}

/// Whoever opened an empty ledger before it became another log must not write to it under the old id.
pub(super) fn same_log(connection: &Connection, log: &LogId) -> Result<(), Trouble> {
    let id: [u8; 32] = connection
        .prepare_cached("SELECT id FROM log")?
        .query_row([], |row| row.get(0))?;
    match id == *log.as_bytes() {
        true => Ok(()),
        false => Err(Trouble::corrupt(
            "the id of the log",
            "a log was imported meanwhile; open it again",
        )),
    }
}

fn put_checkpoint(connection: &Connection, size: u64, note: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO checkpoints (size, note) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute(params![stored(size), note])
        .map(drop)
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<rusqlite::Error> for Halt {
    fn from(error: rusqlite::Error) -> Self {
        Self::Trouble(error.into())
    }
}
