//! The Merkle tree beside the entries `[L6]`: its whole subtrees of sixteen leaves and more, one row each.
//!
//! Smaller ones are computed from the headers they stand for, which costs sixteen rows at most and
//! saves fifteen of sixteen inserts. What is kept is an index: a verifier computes it again `[L1]`.

use rusqlite::{Connection, OptionalExtension, params};
use thymos_core::EntryId;
use thymos_core::merkle::{self, Frontier, KEPT_LEVEL_MIN, Node, TreeHash};

use crate::append::one_row;
use crate::fault::Trouble;
use crate::read::len;
use crate::row::stored;

/// The tree as far as the log goes.
pub(crate) fn frontier(connection: &Connection) -> Result<Frontier, Trouble> {
    Frontier::read(len(connection)?, |node| read(connection, node))
}

/// The hash of a whole subtree, from its row, or from its few headers.
pub(crate) fn read(connection: &Connection, node: Node) -> Result<TreeHash, Trouble> {
    if node.level < KEPT_LEVEL_MIN {
        return compute(connection, node);
    }
    let hash: Option<[u8; 32]> = connection
        .prepare_cached("SELECT hash FROM nodes WHERE ends = ?1 AND level = ?2")?
        .query_row(params![stored(node.end), node.level], |row| row.get(0))
        .optional()?;
    hash.map(TreeHash::from_bytes)
        .ok_or_else(|| Trouble::corrupt(place(node), "it is missing"))
}

/// The same from headers alone, for a file that keeps no tree. Reads every leaf of it.
pub(crate) fn compute(connection: &Connection, node: Node) -> Result<TreeHash, Trouble> {
    let leaves = 1_u64.checked_shl(node.level).unwrap_or(u64::MAX);
    let first = node.end.saturating_sub(leaves);
    let mut tree = Frontier::new();
    each_id(connection, (first, node.end), |id| {
        tree.push(merkle::leaf(id.as_bytes()), |_, _| {});
        Ok(())
    })?;
    match tree.size() == leaves {
        true => Ok(tree.root()),
        false => Err(Trouble::corrupt(place(node), "an entry of it is missing")),
    }
}

/// Adds a leaf, and the rows of the subtrees that are whole with it.
pub(crate) fn push(
    connection: &Connection,
    tree: &mut Frontier,
    id: &EntryId,
) -> Result<(), Trouble> {
    let mut kept = Vec::new();
    tree.push(merkle::leaf(id.as_bytes()), |node, hash| {
        if node.level >= KEPT_LEVEL_MIN {
            kept.push((node, hash));
        }
    });
    for (node, hash) in kept {
        let changed = connection
            .prepare_cached("INSERT INTO nodes (ends, level, hash) VALUES (?1, ?2, ?3)")?
            .execute(params![stored(node.end), node.level, hash.as_bytes()])?;
        one_row(changed, "nodes")?;
    }
    Ok(())
}

/// Builds the tree of a log that was written without one.
pub(crate) fn build(connection: &Connection) -> Result<(), Trouble> {
    let mut tree = Frontier::new();
    each_id(connection, (0, u64::MAX), |id| {
        push(connection, &mut tree, id)
    })?;
    match tree.size() == len(connection)? {
        true => Ok(()),
        false => Err(Trouble::corrupt(
            "the order of the log",
            "an entry is missing",
        )),
    }
}

/// What is kept for the subtrees that end behind these entries, `first` included, in order of
/// `(end, level)`. A row that cannot be read has no hash.
pub(crate) fn rows(
    connection: &Connection,
    (first, last): (u64, u64),
) -> Result<Vec<(Node, Option<TreeHash>)>, Trouble> {
    let mut query = connection.prepare_cached(
        "SELECT ends, level, CASE WHEN length(hash) = 32 THEN hash END FROM nodes \
         WHERE ends > ?1 AND ends <= ?2 ORDER BY ends, level",
    )?;
    let end = last.saturating_add(1);
    let mut found = query.query(params![stored(first), stored(end)])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let (end, level): (i64, i64) = (row.get(0)?, row.get(1)?);
        let node = Node {
            end: u64::try_from(end).unwrap_or_default(),
            level: u32::try_from(level).unwrap_or(u32::MAX),
        };
        let hash: Option<[u8; 32]> = row.get(2).unwrap_or_default();
        rows.push((node, hash.map(TreeHash::from_bytes)));
    }
    Ok(rows)
}

/// Checkpoints of at least this size. A note of another type than text reads as none, which nobody
/// takes for one `[L7]`.
pub(crate) fn checkpoints(
    connection: &Connection,
    from_size: u64,
) -> Result<Vec<(u64, String)>, Trouble> {
    let mut query = connection
        .prepare_cached("SELECT size, note FROM checkpoints WHERE size >= ?1 ORDER BY size")?;
    let mut found = query.query([stored(from_size).unwrap_or(i64::MAX)])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let size: i64 = row.get(0)?;
        let note = row.get(1).unwrap_or_default();
        rows.push((u64::try_from(size).unwrap_or_default(), note));
    }
    Ok(rows)
}

fn each_id(
    connection: &Connection,
    (first, end): (u64, u64),
    mut each: impl FnMut(&EntryId) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut query = connection
        .prepare_cached("SELECT header FROM entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx")?;
    let end = stored(end).unwrap_or(i64::MAX);
    let mut found = query.query(params![stored(first), end])?;
    while let Some(row) = found.next()? {
        let header: Vec<u8> = row.get(0)?;
        each(&EntryId::of(&header))?;
    }
    Ok(())
}

/// A subtree, named for a person.
pub(crate) fn place(node: Node) -> String {
    format!(
        "the subtree of level {} before index {}",
        node.level, node.end
    )
}
