//! The slow look at the whole file: what the engine's trees hide from a reader of rows.

use rusqlite::Connection;
use thymos_core::checkpoint::SignedCheckpoint;
use thymos_core::id::Digest;

use crate::blob;
use crate::fault::{Damage, Trouble};
use crate::row::stored;
use crate::schema::FORMAT_WITHOUT_TREE;
use crate::shape;

/// Findings of the engine that are told one by one.
const FINDINGS_MAX: i64 = 100;

/// Tables, indexes and triggers that are told one by one; the rest are more of the same.
const TABLES_TOLD_MAX: usize = 100;

pub(crate) fn engine(connection: &Connection) -> Result<Vec<String>, Trouble> {
    let mut findings = Vec::new();
    tables(connection, &mut findings);
    let trees = format!("PRAGMA integrity_check({FINDINGS_MAX})");
    collect(connection, &trees, &mut findings, |text| {
        (text != "ok").then_some(text)
    });
    collect(
        connection,
        "SELECT 'trajectory number of the entry at index ' || rowid || ' is unknown' \
         FROM pragma_foreign_key_check LIMIT 100",
        &mut findings,
        Some,
    );
    // A cut at the front, in the middle or by renumbering; a cut tail takes a checkpoint [L7].
    collect(
        connection,
        "SELECT count(*) || ' entries are stored, and the last index is ' || max(idx) \
         FROM entries HAVING count(*) <> max(idx) + 1 OR min(idx) <> 0",
        &mut findings,
        Some,
    );
    if has_tree(connection)? {
        collect(
            connection,
            "SELECT 'the tree holds a subtree that ends at ' || max(ends) || ', and the log ends at ' \
             || (SELECT ifnull(max(idx), -1) + 1 FROM entries) FROM nodes \
             HAVING max(ends) > (SELECT ifnull(max(idx), -1) + 1 FROM entries)",
            &mut findings,
            Some,
        );
        checkpoints(connection, &mut findings);
    }
    collect(
        connection,
        "SELECT 'trajectory ' || lower(hex(substr(id, 1, 4))) || ' is kept, and no entry is of it' \
         FROM trajectories t \
         WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.trajectory = t.number) LIMIT 100",
        &mut findings,
        Some,
    );
    blobs(connection, &mut findings)?;
    Ok(findings)
}

/// What is said of a size that a checkpoint was kept under, where the note says another one `[L1]`. What is
/// no note is told by whoever reads them all `[L7]`.
pub(crate) fn checkpoint(size: i64, note: &str) -> Option<String> {
    let said = SignedCheckpoint::parse(note).ok()?.checkpoint.size;
    (stored(said) != Some(size))
        .then(|| format!("checkpoint of {size} entries: its note is over {said}"))
}

fn checkpoints(connection: &Connection, findings: &mut Vec<String>) {
    let told = connection
        .prepare("SELECT size, note FROM checkpoints ORDER BY size")
        .and_then(|mut query| {
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let note: String = row.get(1).unwrap_or_default();
                findings.extend(checkpoint(row.get(0)?, &note));
            }
            Ok(())
        });
    if let Err(error) = told {
        findings.push(error.to_string());
    }
}

/// Each table, index and trigger that is not as it was made, and what else stands there.
fn tables(connection: &Connection, findings: &mut Vec<String>) {
    // One moment for the format and what it asks for: somebody may be making the file over.
    let odd = connection
        .unchecked_transaction()
        .map_err(Trouble::from)
        .and_then(|still| shape::odd(&still));
    match odd {
        Ok(odd) => findings.extend(odd.iter().take(TABLES_TOLD_MAX).map(ToString::to_string)),
        Err(Trouble::Engine(error)) => findings.push(error.to_string()),
        Err(Trouble::Corrupt(Damage { at, reason })) => findings.push(format!("{at}: {reason}")),
        Err(Trouble::Draft(invalid)) => findings.push(invalid.to_string()),
    }
}

/// Not in a file of format 1.
fn has_tree(connection: &Connection) -> Result<bool, Trouble> {
    let format: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(format > FORMAT_WITHOUT_TREE)
}

// A query that breaks off is a finding itself: this is the one place where damage is the news.
fn collect(
    connection: &Connection,
    sql: &str,
    findings: &mut Vec<String>,
    keep: impl Fn(String) -> Option<String>,
) {
    let told = connection.prepare(sql).and_then(|mut query| {
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            findings.extend(keep(row.get(0)?));
        }
        Ok(())
    });
    if let Err(error) = told {
        findings.push(error.to_string());
    }
}

fn blobs(connection: &Connection, findings: &mut Vec<String>) -> Result<(), Trouble> {
    let mut query = connection.prepare("SELECT digest, size FROM blobs ORDER BY number")?;
    let mut rows = query.query([])?;
    loop {
        let kept = match rows.next() {
            Ok(Some(row)) => row
                .get(0)
                .and_then(|digest| Ok((Digest::from_bytes(digest), row.get(1)?))),
            Ok(None) => return Ok(()),
            Err(error) => {
                findings.push(error.to_string());
                return Ok(());
            }
        };
        let read = kept.map_err(Trouble::from).and_then(|(digest, size)| {
            let kept = blob::read(connection, &digest)?;
            Ok(kept.and_then(|kept| kept.differs_from(&digest, size)))
        });
        match read {
            Ok(differs) => findings.extend(differs),
            Err(Trouble::Corrupt(Damage { at, reason })) => {
                findings.push(format!("{at}: {reason}"));
            }
            Err(Trouble::Engine(error)) => findings.push(error.to_string()),
            Err(trouble @ Trouble::Draft(_)) => return Err(trouble),
        }
    }
}
