//! Destroys what `erased` entries name: bodies with their salts, and the blobs that nothing else
//! mentions `[L3]`. Believes no caller and no column; whose orders count is the caller's mandate.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use thymos_core::body::Erased;
use thymos_core::id::Digest;
use thymos_core::{Entry, LogId};
use thymos_ports::erase::{Mandate, blobs_of, covers, digests_in, order};
use thymos_ports::store::{Destroyed, StoreError};

use crate::append::{Writer, one_row};
use crate::blob;
use crate::fault::Trouble;
use crate::row::{Raw, SELECT, stored};
use crate::shape;

impl Writer {
    /// One transaction; then the write-ahead file is emptied, and only then is it noted that all is
    /// done. Killed anywhere on the way, the next call goes on.
    pub(crate) fn destroy_erased(
        &mut self,
        path: &str,
        mandate: &Mandate,
    ) -> Result<Destroyed, StoreError> {
        self.ready(path)?;
        match destroy(self.connection(), &self.log(), mandate) {
            Ok(destroyed) => {
                // What a reader kept from being emptied.
                self.copy_back(path);
                Ok(destroyed)
            }
            Err(trouble) => Err(self.give_up(path, trouble)),
        }
    }
}

fn destroy(connection: &Connection, log: &LogId, mandate: &Mandate) -> Result<Destroyed, Trouble> {
    let mut destroyed = Destroyed::default();
    // Where there is nothing to do nobody who writes has to wait.
    if due(connection, log, mandate)?.is_empty() {
        return Ok(destroyed);
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // One that copies what goes, or puts it back, would leave it standing behind a record that it is gone.
    shape::refuse_meddling(&transaction)?;
    let orders = due(&transaction, log, mandate)?;
    let mut mentioned = BTreeSet::new();
    for index in &orders {
        if let Some(gone) = take(&transaction, log, *index)? {
            mentioned.extend(blobs_of(&gone));
            destroyed.bodies += 1;
        }
    }
    destroyed.blobs = destroy_blobs(&transaction, mentioned)?;
    transaction.commit()?;
    destroyed.left_over = !sweep(connection)?;
    if !destroyed.left_over {
        let mut done = connection.prepare("DELETE FROM erasures WHERE idx = ?1")?;
        for index in orders {
            done.execute([index])?;
        }
    }
    Ok(destroyed)
}

/// Positions of the `erased` entries that are not known to be carried out.
fn pending(connection: &Connection) -> Result<Vec<i64>, Trouble> {
    let mut query = connection.prepare_cached("SELECT idx FROM erasures ORDER BY idx")?;
    let rows = query.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Those that are dealt with under this mandate. One of somebody else's stays open.
fn due(connection: &Connection, log: &LogId, mandate: &Mandate) -> Result<Vec<i64>, Trouble> {
    let mut due = Vec::new();
    for index in pending(connection)? {
        let found = standing(connection, log, index)?;
        if found.is_none_or(|(order, target)| mandate.allows(&order, &target)) {
            due.push(index);
        }
    }
    Ok(due)
}

/// What the order at this position says, and what it names, if it may and that stands.
fn standing(
    connection: &Connection,
    log: &LogId,
    index: i64,
) -> Result<Option<(Erased, Entry)>, Trouble> {
    let by = row(connection, log, ("e.idx = ?1", params![index]))?;
    let Some((by, order)) = by.and_then(|by| order(&by).map(|order| (by, order))) else {
        return Ok(None);
    };
    let target = named(connection, log, &by, &order)?;
    let stands = |target: &Entry| covers(&by, &order, target) && target.content.is_some();
    Ok(target.filter(stands).map(|target| (order, target)))
}

/// Carries one order out; gives the entry as it was.
fn take(transaction: &Transaction<'_>, log: &LogId, index: i64) -> Result<Option<Entry>, Trouble> {
    let Some((_, target)) = standing(transaction, log, index)? else {
        return Ok(None);
    };
    let changed = transaction
        .prepare_cached("UPDATE entries SET salt = NULL, body = NULL WHERE idx = ?1")?
        .execute([stored(target.header.index)])?;
    one_row(changed, "entries")?;
    Ok(Some(target))
}

fn named(
    connection: &Connection,
    log: &LogId,
    by: &Entry,
    order: &Erased,
) -> Result<Option<Entry>, Trouble> {
    let place = "e.trajectory = (SELECT number FROM trajectories WHERE id = ?1) AND e.seq = ?2";
    let trajectory = by.header.trajectory;
    let at = params![trajectory.as_bytes(), stored(order.seq)];
    row(connection, log, (place, at))
}

fn row(
    connection: &Connection,
    log: &LogId,
    (place, at): (&str, &[&dyn rusqlite::ToSql]),
) -> Result<Option<Entry>, Trouble> {
    let raw = connection
        .prepare_cached(&format!("{SELECT} WHERE {place}"))?
        .query_row(at, Raw::read)
        .optional()?;
    Ok(raw.map(|raw| raw.sound(log)).transpose()?)
}

/// Of these blobs, those that no body mentions any more. Reads every body that is left, which is what
/// makes an erasure with blobs as slow as the log is long.
fn destroy_blobs(
    transaction: &Transaction<'_>,
    mentioned: BTreeSet<Digest>,
) -> Result<u64, Trouble> {
    let mut kept = BTreeSet::new();
    for digest in mentioned {
        if blob::known(transaction, &digest)? {
            kept.insert(digest);
        }
    }
    let alone = unmentioned(transaction, kept)?;
    let mut gone = 0;
    let mut delete = transaction.prepare("DELETE FROM blobs WHERE digest = ?1")?;
    for digest in alone {
        one_row(delete.execute([digest.as_bytes()])?, "blobs")?;
        gone += 1;
    }
    Ok(gone)
}

/// Those of these digests that stand in no body.
pub(crate) fn unmentioned(
    connection: &Connection,
    mut digests: BTreeSet<Digest>,
) -> Result<BTreeSet<Digest>, Trouble> {
    if digests.is_empty() {
        return Ok(digests);
    }
    let mut query = connection.prepare("SELECT body FROM entries WHERE body IS NOT NULL")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let kept = digests_in(row.get_ref(0)?.as_bytes().unwrap_or_default());
        digests.retain(|digest| !kept.contains(digest));
    }
    Ok(digests)
}

/// Empties the write-ahead file, which still holds the pages as they were; false while somebody reads
/// from it. The file itself has zeros where the rows were: `secure_delete`.
fn sweep(connection: &Connection) -> Result<bool, Trouble> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}
