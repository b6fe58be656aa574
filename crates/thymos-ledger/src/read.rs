//! Every question a reader may ask. Believes the hashed bytes only; writes nothing.

use rusqlite::{Connection, OptionalExtension, params};
use thymos_core::id::unhex;
use thymos_core::merkle::{Node, TreeHash};
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::store::{Found, Head, PageBytes, StoredRow};

use crate::fault::{Damage, Trouble};
use crate::row::{Raw, SELECT, head_of, stored};
use crate::schema::STRETCH_BITS;
use crate::tree;

pub(crate) fn page(
    connection: &Connection,
    log: &LogId,
    trajectory: &TrajectoryId,
    from: (u64, usize),
) -> Result<Vec<Entry>, Trouble> {
    let (seq, limit) = from;
    let Some(first) = stored(seq) else {
        return Ok(Vec::new());
    };
    let mut query = connection.prepare_cached(&page_sql())?;
    let mut rows = query.query(params![trajectory.as_bytes(), first, rows_max(limit)])?;
    let (mut entries, mut bytes) = (Vec::new(), PageBytes::default());
    let mut due = seq;
    while bytes.has_room()
        && let Some(row) = rows.next()?
    {
        let raw = Raw::read(row)?;
        bytes.add_bytes(raw.bytes());
        let index = raw.index;
        let entry = raw.sound(log)?;
        follows(&entry, due, index)?;
        due += 1;
        entries.push(entry);
    }
    Ok(entries)
}

/// Whether an entry is the one that its trajectory is due to have there.
pub(crate) fn follows(entry: &Entry, due: u64, index: i64) -> Result<(), Damage> {
    if entry.header.seq == due {
        return Ok(());
    }
    let line = entry.header.trajectory.short();
    Err(Damage::new(
        format!("before index {index}"),
        format!("entry {due} of trajectory {line} is missing"),
    ))
}

pub(crate) fn page_sql() -> String {
    format!(
        "{SELECT} WHERE e.trajectory = (SELECT number FROM trajectories WHERE id = ?1) \
         AND e.seq >= ?2 ORDER BY e.seq LIMIT ?3"
    )
}

pub(crate) fn scan(
    connection: &Connection,
    (log, keeps_tree): (&LogId, bool),
    index: u64,
    limit: usize,
) -> Result<Vec<StoredRow>, Trouble> {
    let Some(first) = stored(index) else {
        return Ok(Vec::new());
    };
    let mut query = connection.prepare_cached(&scan_sql())?;
    let mut rows = query.query(params![first, rows_max(limit)])?;
    let (mut seen, mut bytes) = (Vec::new(), PageBytes::default());
    while bytes.has_room()
        && let Some(row) = rows.next()?
    {
        let raw = Raw::read(row)?;
        bytes.add_bytes(raw.bytes());
        let index = u64::try_from(raw.index).unwrap_or(u64::MAX);
        let (entry, disagreements) = raw.compare(log);
        seen.push(StoredRow {
            index,
            entry,
            disagreements,
            tree: keeps_tree.then(Vec::new),
        });
    }
    if let (true, Some(last)) = (keeps_tree, seen.last()) {
        let nodes = tree::rows(connection, (index, last.index))?;
        attach(&mut seen, nodes);
    }
    Ok(seen)
}

/// Puts to each row the subtrees that are whole with it. Both are in order.
pub(crate) fn attach(rows: &mut [StoredRow], nodes: Vec<(Node, Option<TreeHash>)>) {
    let mut nodes = nodes.into_iter().peekable();
    for row in rows {
        let end = row.index.saturating_add(1);
        while let Some((node, hash)) = nodes.next_if(|(node, _)| node.end <= end) {
            match (&mut row.tree, hash) {
                (Some(tree), Some(hash)) => tree.push((node, hash)),
                _ => row.disagreements.push(format!(
                    "the subtree of level {} before index {} cannot be read",
                    node.level, node.end
                )),
            }
        }
    }
}

pub(crate) fn scan_sql() -> String {
    format!("{SELECT} WHERE e.idx >= ?1 ORDER BY e.idx LIMIT ?2")
}

pub(crate) fn entry(
    connection: &Connection,
    log: &LogId,
    id: &EntryId,
) -> Result<Option<Entry>, Trouble> {
    let head = head_of(id);
    let mut query = connection.prepare_cached(&stretch_sql())?;
    for stretch in stretches(connection)? {
        let mut rows = query.query(params![stretch, head, head, i64::MAX])?;
        while let Some(row) = rows.next()? {
            let entry = Raw::read(row)?.sound(log)?;
            if entry.id == *id {
                return Ok(Some(entry));
            }
        }
    }
    Ok(None)
}

pub(crate) fn stretch_sql() -> String {
    format!(
        "{SELECT} WHERE (e.idx >> {STRETCH_BITS}) = ?1 AND e.id_head BETWEEN ?2 AND ?3 \
         ORDER BY e.id_head LIMIT ?4"
    )
}

pub(crate) fn heads(connection: &Connection, log: &LogId) -> Result<Vec<Head>, Trouble> {
    let mut query = connection.prepare_cached(&heads_sql())?;
    let mut rows = query.query([])?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        heads.push(head(&Raw::read(row)?.sound(log)?));
    }
    heads.sort_unstable_by_key(|head| std::cmp::Reverse(head.index));
    Ok(heads)
}

/// A trajectory's newest entry as the port tells it.
pub(crate) fn head(entry: &Entry) -> Head {
    Head {
        trajectory: entry.header.trajectory,
        seq: entry.header.seq,
        entry: entry.id,
        index: entry.header.index,
        at_ms: entry.header.at_ms,
    }
}

/// An entry that a prefix may mean.
pub(crate) fn found_entry(entry: &Entry) -> Found {
    Found::Entry(entry.id, entry.header.trajectory, entry.header.seq)
}

pub(crate) fn heads_sql() -> String {
    // The inner query seeks once a trajectory.
    format!(
        "{SELECT} WHERE e.idx IN (SELECT (SELECT n.idx FROM entries n WHERE n.trajectory = h.number \
         ORDER BY n.seq DESC LIMIT 1) FROM trajectories h)"
    )
}

pub(crate) fn len(connection: &Connection) -> Result<u64, Trouble> {
    Ok(last_index(connection)?.map_or(0, |last| last.saturating_add(1)))
}

pub(crate) fn find_prefix(
    connection: &Connection,
    log: &LogId,
    prefix: &str,
    limit: usize,
) -> Result<Vec<Found>, Trouble> {
    if !may_begin_an_id(prefix) {
        return Ok(Vec::new());
    }
    let mut found = trajectories(connection, prefix, limit)?;
    let (low, high) = (head_bound(prefix, '0'), head_bound(prefix, 'f'));
    let mut query = connection.prepare_cached(&stretch_sql())?;
    for stretch in stretches(connection)? {
        let mut rows = query.query(params![stretch, low, high, i64::MAX])?;
        while found.len() < limit {
            let Some(row) = rows.next()? else { break };
            let entry = Raw::read(row)?.sound(log)?;
            if entry.id.to_string().starts_with(prefix) {
                found.push(found_entry(&entry));
            }
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

fn trajectories(
    connection: &Connection,
    prefix: &str,
    limit: usize,
) -> Result<Vec<Found>, Trouble> {
    let mut query = connection.prepare_cached(
        "SELECT id FROM trajectories WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
    )?;
    let (low, high) = (bound(prefix, '0'), bound(prefix, 'f'));
    let mut rows = query.query(params![low, high, rows_max(limit)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Found::Trajectory(TrajectoryId::from_bytes(row.get(0)?)));
    }
    Ok(found)
}

/// Whether an id can begin with this text.
pub(crate) fn may_begin_an_id(prefix: &str) -> bool {
    let digits = |digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    prefix.bytes().all(digits) && prefix.len() <= 64
}

/// The lowest or highest id that starts with the prefix.
pub(crate) fn bound(prefix: &str, fill: char) -> [u8; 32] {
    let padded: String = prefix
        .chars()
        .chain(std::iter::repeat_n(
            fill,
            64usize.saturating_sub(prefix.len()),
        ))
        .collect();
    unhex(&padded).unwrap_or_default()
}

fn head_bound(prefix: &str, fill: char) -> i64 {
    head_of(&EntryId::from_bytes(bound(prefix, fill)))
}

// Newest first: people ask for what has just happened.
fn stretches(connection: &Connection) -> Result<impl Iterator<Item = i64>, Trouble> {
    let newest = match last_index(connection)? {
        Some(last) => stored(last).unwrap_or(i64::MAX) >> STRETCH_BITS,
        None => -1,
    };
    Ok((0..=newest).rev())
}

pub(crate) fn last_index(connection: &Connection) -> Result<Option<u64>, Trouble> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(idx) FROM entries")?
        .query_row([], |row| row.get(0))
        .optional()?
        .flatten();
    Ok(last.and_then(|last| u64::try_from(last).ok()))
}

pub(crate) fn rows_max(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
