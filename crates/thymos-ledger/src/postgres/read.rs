//! Every question a reader may ask. Believes the hashed bytes only; writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join;
use thymos_core::id::Digest;
use thymos_core::merkle::{Frontier, KEPT_LEVEL_MIN, Node, TreeHash, leaf};
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::store::{Found, Head, PAGE_BYTES_MAX, StoredRow};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fault::Trouble;
use super::session::{Given, Session};
use crate::blob::{self, Kept};
use crate::fault::Damage;
use crate::read::{attach, bound, follows, found_entry, head, may_begin_an_id, rows_max};
use crate::row::{IdColumn, Raw, stored};
use crate::tree::place;

/// What every query over entries selects, in the order that [`raw`] takes it.
pub(crate) const SELECT: &str = "SELECT e.idx, e.trajectory, e.seq, e.kind, e.at_ms, e.id, e.header, \
     e.salt, e.body FROM thymos.entries e";

/// A row before anybody believed it.
pub(crate) fn raw(row: &Row) -> Result<Raw, Trouble> {
    Ok(Raw {
        index: row.try_get(0)?,
        trajectory: row.try_get(1)?,
        seq: row.try_get(2)?,
        kind: row.try_get(3)?,
        at_ms: row.try_get(4)?,
        id: IdColumn::Whole(row.try_get(5)?),
        header: row.try_get::<_, Option<Vec<u8>>>(6)?.unwrap_or_default(),
        salt: row.try_get(7)?,
        body: row.try_get(8)?,
    })
}

/// A page in the order of a column: `$2` rows at most, the last of them the one that fills `$3` bytes. The
/// server looks at sizes before it sends anything, and reads no body for that.
fn paged(order: &str, wanted: &str) -> String {
    format!(
        "WITH next AS (SELECT idx, {order} AS place, \
             octet_length(header) + coalesce(octet_length(body), 0) AS size \
             FROM thymos.entries {wanted} ORDER BY {order} LIMIT $2), \
         fitting AS (SELECT idx, sum(size) OVER (ORDER BY place) - size AS before FROM next) \
         {SELECT} JOIN fitting f ON f.idx = e.idx WHERE f.before < $3 ORDER BY e.{order}"
    )
}

pub(crate) async fn page(
    session: &Session,
    log: LogId,
    trajectory: TrajectoryId,
    (seq, limit): (u64, usize),
) -> Result<Vec<Entry>, Trouble> {
    let Some(first) = stored(seq) else {
        return Ok(Vec::new());
    };
    let (id, most) = (&trajectory.as_bytes()[..], rows_max(limit));
    let full = stored(PAGE_BYTES_MAX as u64);
    let given: [Given<'_>; 4] = [
        (&first, Type::INT8),
        (&most, Type::INT8),
        (&full, Type::INT8),
        (&id, Type::BYTEA),
    ];
    let sql = paged("seq", "WHERE trajectory = $4 AND seq >= $1");
    let mut entries = Vec::new();
    for (due, row) in (seq..).zip(session.query(&sql, &given).await?) {
        let raw = raw(&row)?;
        let index = raw.index;
        let entry = raw.sound(&log)?;
        follows(&entry, due, index)?;
        entries.push(entry);
    }
    Ok(entries)
}

pub(crate) async fn scan(
    session: &Session,
    log: LogId,
    (index, limit): (u64, usize),
) -> Result<Vec<StoredRow>, Trouble> {
    let Some(first) = stored(index) else {
        return Ok(Vec::new());
    };
    let most = rows_max(limit);
    let full = stored(PAGE_BYTES_MAX as u64);
    let given: [Given<'_>; 3] = [
        (&first, Type::INT8),
        (&most, Type::INT8),
        (&full, Type::INT8),
    ];
    let sql = paged("idx", "WHERE idx >= $1");
    let mut seen = Vec::new();
    for row in session.query(&sql, &given).await? {
        let raw = raw(&row)?;
        let index = u64::try_from(raw.index).unwrap_or(u64::MAX);
        let (entry, disagreements) = raw.compare(&log);
        seen.push(StoredRow {
            index,
            entry,
            disagreements,
            tree: Some(Vec::new()),
        });
    }
    if let Some(last) = seen.last() {
        let nodes = nodes(session, (index, last.index)).await?;
        attach(&mut seen, nodes);
    }
    Ok(seen)
}

/// What is kept for the subtrees that end behind these entries, `first` included.
async fn nodes(
    session: &Session,
    (first, last): (u64, u64),
) -> Result<Vec<(Node, Option<TreeHash>)>, Trouble> {
    let (first, end) = (stored(first), stored(last.saturating_add(1)));
    let given: [Given<'_>; 2] = [(&first, Type::INT8), (&end, Type::INT8)];
    let sql = "SELECT ends, level, hash FROM thymos.nodes WHERE ends > $1 AND ends <= $2 \
               ORDER BY ends, level";
    let mut nodes = Vec::new();
    for row in session.query(sql, &given).await? {
        nodes.push(kept_node(&row)?);
    }
    Ok(nodes)
}

/// A row of the tree; without a hash where it is none.
fn kept_node(row: &Row) -> Result<(Node, Option<TreeHash>), Trouble> {
    let (end, level): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
    let node = Node {
        end: u64::try_from(end).unwrap_or_default(),
        level: u32::try_from(level).unwrap_or(u32::MAX),
    };
    let bytes: Option<&[u8]> = row.try_get(2)?;
    let whole = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    Ok((node, whole.map(TreeHash::from_bytes)))
}

/// The tree as far as the log goes.
pub(crate) async fn frontier(session: &Session, size: u64) -> Result<Frontier, Trouble> {
    over_tree(session, |read| Frontier::read(size, read)).await
}

/// Gives the hash of a whole subtree.
pub(crate) type ReadNode<'a> = dyn FnMut(Node) -> Result<TreeHash, Trouble> + 'a;

/// Whatever is computed from whole subtrees, in one trip: it is run once to learn which, and once with
/// their hashes.
pub(crate) async fn over_tree<T>(
    session: &Session,
    compute: impl Fn(&mut ReadNode<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut wanted = Vec::new();
    compute(&mut |node| {
        wanted.push(node);
        Ok(TreeHash::empty())
    })?;
    let known = hashes(session, &wanted).await?;
    compute(&mut |node| known.get(&node).copied().ok_or_else(|| missing(node)))
}

fn missing(node: Node) -> Trouble {
    Damage::new(place(node), "it is missing").into()
}

/// The hashes of whole subtrees: the large ones from their rows, the small ones from the few headers they
/// stand for.
async fn hashes(session: &Session, wanted: &[Node]) -> Result<BTreeMap<Node, TreeHash>, Trouble> {
    let is_kept = |node: &&Node| node.level >= KEPT_LEVEL_MIN;
    let kept: Vec<&Node> = wanted.iter().filter(is_kept).collect();
    let small: Vec<&Node> = wanted.iter().filter(|node| !is_kept(node)).collect();
    let (rows, headers) = join(rows_of(session, &kept), headers_of(session, &small)).await;
    let (mut known, headers) = (rows?, headers?);
    for node in small {
        let mut tree = Frontier::new();
        for index in first_of(node)..node.end {
            let header = headers.get(&index);
            let id =
                header.ok_or_else(|| Damage::new(place(*node), "an entry of it is missing"))?;
            tree.push(leaf(id.as_bytes()), |_, _| {});
        }
        known.insert(*node, tree.root());
    }
    Ok(known)
}

fn first_of(node: &Node) -> u64 {
    let leaves = 1_u64.checked_shl(node.level).unwrap_or(u64::MAX);
    node.end.saturating_sub(leaves)
}

async fn rows_of(session: &Session, nodes: &[&Node]) -> Result<BTreeMap<Node, TreeHash>, Trouble> {
    let mut known = BTreeMap::new();
    if nodes.is_empty() {
        return Ok(known);
    }
    let ends: Vec<Option<i64>> = nodes.iter().map(|node| stored(node.end)).collect();
    let levels: Vec<Option<i32>> = nodes
        .iter()
        .map(|node| i32::try_from(node.level).ok())
        .collect();
    let given: [Given<'_>; 2] = [(&ends, Type::INT8_ARRAY), (&levels, Type::INT4_ARRAY)];
    let sql = "SELECT n.ends, n.level, n.hash FROM unnest($1, $2) AS wanted (ends, level) \
               JOIN thymos.nodes n ON n.ends = wanted.ends AND n.level = wanted.level";
    for row in session.query(sql, &given).await? {
        let (node, hash) = kept_node(&row)?;
        if let Some(hash) = hash {
            known.insert(node, hash);
        }
    }
    Ok(known)
}

async fn headers_of(session: &Session, nodes: &[&Node]) -> Result<BTreeMap<u64, EntryId>, Trouble> {
    let mut known = BTreeMap::new();
    if nodes.is_empty() {
        return Ok(known);
    }
    let firsts: Vec<Option<i64>> = nodes.iter().map(|node| stored(first_of(node))).collect();
    let ends: Vec<Option<i64>> = nodes.iter().map(|node| stored(node.end)).collect();
    let given: [Given<'_>; 2] = [(&firsts, Type::INT8_ARRAY), (&ends, Type::INT8_ARRAY)];
    let sql = "SELECT e.idx, e.header FROM unnest($1, $2) AS wanted (first, ends) \
               JOIN thymos.entries e ON e.idx >= wanted.first AND e.idx < wanted.ends";
    for row in session.query(sql, &given).await? {
        let (index, header): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
        if let Ok(index) = u64::try_from(index) {
            known.insert(index, EntryId::of(header));
        }
    }
    Ok(known)
}

pub(crate) async fn checkpoints(
    session: &Session,
    from_size: u64,
) -> Result<Vec<(u64, String)>, Trouble> {
    let from = stored(from_size).unwrap_or(i64::MAX);
    let given: [Given<'_>; 1] = [(&from, Type::INT8)];
    let sql = "SELECT size, note FROM thymos.checkpoints WHERE size >= $1 ORDER BY size";
    let mut kept = Vec::new();
    for row in session.query(sql, &given).await? {
        let (size, note): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
        // What is no text is no note, which nobody takes for one [L7].
        let note = String::from_utf8(note).unwrap_or_default();
        kept.push((u64::try_from(size).unwrap_or_default(), note));
    }
    Ok(kept)
}

pub(crate) async fn entry(
    session: &Session,
    log: LogId,
    id: EntryId,
) -> Result<Option<Entry>, Trouble> {
    let bytes = &id.as_bytes()[..];
    let given: [Given<'_>; 1] = [(&bytes, Type::BYTEA)];
    let sql = format!("{SELECT} WHERE e.id = $1");
    match session.query(&sql, &given).await?.first() {
        Some(row) => Ok(Some(raw(row)?.sound(&log)?)),
        None => Ok(None),
    }
}

/// Walks from trajectory to trajectory and not over their entries `[Q7]`.
pub(crate) async fn heads(session: &Session, log: LogId) -> Result<Vec<Head>, Trouble> {
    let sql = format!(
        "WITH RECURSIVE line (id) AS ( \
           (SELECT trajectory FROM thymos.entries ORDER BY trajectory LIMIT 1) UNION ALL \
           SELECT (SELECT n.trajectory FROM thymos.entries n WHERE n.trajectory > line.id \
             ORDER BY n.trajectory LIMIT 1) FROM line WHERE line.id IS NOT NULL) \
         SELECT h.* FROM line CROSS JOIN LATERAL \
           ({SELECT} WHERE e.trajectory = line.id ORDER BY e.seq DESC LIMIT 1) h \
         ORDER BY h.idx DESC"
    );
    let mut heads = Vec::new();
    for row in session.query(&sql, &[]).await? {
        heads.push(head(&raw(&row)?.sound(&log)?));
    }
    Ok(heads)
}

pub(crate) async fn len(session: &Session) -> Result<u64, Trouble> {
    let rows = session
        .query("SELECT max(idx) FROM thymos.entries", &[])
        .await?;
    let last: Option<i64> = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => None,
    };
    let last = last.and_then(|last| u64::try_from(last).ok());
    Ok(last.map_or(0, |last| last.saturating_add(1)))
}

/// The newest entry, as it is stored.
pub(crate) async fn tail(session: &Session) -> Result<Option<Raw>, Trouble> {
    let sql = format!("{SELECT} ORDER BY e.idx DESC LIMIT 1");
    let rows = session.query(&sql, &[]).await?;
    rows.first().map(raw).transpose()
}

pub(crate) async fn find_prefix(
    session: &Session,
    log: LogId,
    prefix: &str,
    limit: usize,
) -> Result<Vec<Found>, Trouble> {
    if !may_begin_an_id(prefix) {
        return Ok(Vec::new());
    }
    let (low, high) = (bound(prefix, '0'), bound(prefix, 'f'));
    let (low, high, most) = (&low[..], &high[..], rows_max(limit));
    let given: [Given<'_>; 3] = [
        (&low, Type::BYTEA),
        (&high, Type::BYTEA),
        (&most, Type::INT8),
    ];
    let mut found = Vec::new();
    for row in session.query(TRAJECTORIES, &given).await? {
        let id: &[u8] = row.try_get(0)?;
        if let Ok(id) = <[u8; 32]>::try_from(id) {
            found.push(Found::Trajectory(TrajectoryId::from_bytes(id)));
        }
    }
    // Newest first: people ask for what has just happened.
    let sql = format!("{SELECT} WHERE e.id BETWEEN $1 AND $2 ORDER BY e.idx DESC LIMIT $3");
    for row in session.query(&sql, &given).await? {
        found.push(found_entry(&raw(&row)?.sound(&log)?));
    }
    found.truncate(limit);
    Ok(found)
}

const TRAJECTORIES: &str = "
WITH RECURSIVE line (id, number) AS (
    (SELECT trajectory, 1::int8 FROM thymos.entries WHERE trajectory BETWEEN $1 AND $2
        ORDER BY trajectory LIMIT 1)
    UNION ALL
    SELECT (SELECT n.trajectory FROM thymos.entries n
            WHERE n.trajectory > line.id AND n.trajectory <= $2 ORDER BY n.trajectory LIMIT 1),
        number + 1
    FROM line WHERE line.id IS NOT NULL AND number < $3)
SELECT id FROM line WHERE id IS NOT NULL LIMIT $3";

pub(crate) async fn knows_blob(session: &Session, digest: &Digest) -> Result<bool, Trouble> {
    let digest = &digest.as_bytes()[..];
    let given: [Given<'_>; 1] = [(&digest, Type::BYTEA)];
    let sql = "SELECT 1 FROM thymos.blobs WHERE digest = $1";
    Ok(!session.query(sql, &given).await?.is_empty())
}

pub(crate) async fn blob(session: &Session, digest: Digest) -> Result<Option<Kept>, Trouble> {
    let bytes = &digest.as_bytes()[..];
    let given: [Given<'_>; 1] = [(&bytes, Type::BYTEA)];
    let sql = "SELECT size, packed, bytes FROM thymos.blobs WHERE digest = $1";
    let rows = session.query(sql, &given).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let (size, packed, bytes) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(Some(blob::open(&digest, size, packed, bytes)?))
}

/// Those of these digests that are blobs.
pub(crate) async fn kept_of(
    session: &Session,
    all: &BTreeSet<Digest>,
) -> Result<BTreeSet<Digest>, Trouble> {
    let digests: Vec<&[u8]> = all.iter().map(|digest| &digest.as_bytes()[..]).collect();
    let given: [Given<'_>; 1] = [(&digests, Type::BYTEA_ARRAY)];
    let sql = "SELECT digest FROM thymos.blobs WHERE digest = ANY ($1)";
    let mut found = BTreeSet::new();
    for row in session.query(sql, &given).await? {
        let digest: Vec<u8> = row.try_get(0)?;
        found.extend(<[u8; 32]>::try_from(digest).ok().map(Digest::from_bytes));
    }
    Ok(found)
}
