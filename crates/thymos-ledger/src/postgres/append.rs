//! The one road on which entries get into the database `[L10]` `[L11]`: three trips an append,
//! however many rows.
//!
//! A transaction takes the lock of the order first, so what it reads after is what it extends, and
//! no other can come between. Whether a commit was kept whose answer was lost is found out under the
//! same lock, by the ids: they hold 32 random bytes, so an entry of this id is this very one.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, join3, join4};
use thymos_core::entry::Position;
use thymos_core::merkle::{Frontier, KEPT_LEVEL_MIN, Node, TreeHash, leaf};
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::store::{Batch, Conflict};
use tokio_postgres::types::Type;

use super::fault::Trouble;
use super::read::{self, SELECT, raw};
use super::schema::{CHANNEL, ORDER_LOCK};
use super::session::{DURABLE, Given, Session, Shared};
use crate::row::stored;

/// What one append did: per batch its entries, or why not.
pub(crate) type Placed = Vec<Result<Vec<Entry>, Conflict>>;

/// What is remembered between appends: the tree, while the log ends with this entry.
#[derive(Default)]
pub(crate) struct Memory {
    tree: Frontier,
    last: Option<EntryId>,
}

/// How far an append came.
pub(crate) enum Outcome {
    /// Kept, and durable.
    Kept(Placed),
    /// Nothing was kept.
    Refused(Trouble),
    /// The answer to the commit was lost.
    Unknown(Placed, String),
}

/// Where a trajectory ends.
#[derive(Clone, Copy, Default)]
struct End {
    length: u64,
    last: Option<EntryId>,
}

/// Starts a transaction and waits for the lock of the order.
pub(crate) fn begin_sql() -> String {
    let (class, number) = ORDER_LOCK;
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {DURABLE}; \
         SELECT pg_advisory_xact_lock({class}, {number})"
    )
}

/// One transaction for all batches.
pub(crate) async fn append(
    session: &Session,
    log: LogId,
    memory: &mut Memory,
    batches: Vec<Batch>,
) -> Outcome {
    let refused = match begun(session, log, memory, &batches).await {
        Ok(mut ends) => match place(&mut ends, &mut memory.tree, log, batches) {
            Ok(rows) => return write(session, memory, rows).await,
            Err(trouble) => trouble,
        },
        Err(trouble) => trouble,
    };
    *memory = Memory::default();
    // A connection that ended rolled back by itself.
    drop(session.run("ROLLBACK").await);
    Outcome::Refused(refused)
}

/// The trajectories' ends, under the lock; the memory is made true on the way.
async fn begun(
    session: &Session,
    log: LogId,
    memory: &mut Memory,
    batches: &[Batch],
) -> Result<BTreeMap<TrajectoryId, End>, Trouble> {
    let wanted: BTreeSet<TrajectoryId> = batches.iter().map(|batch| batch.trajectory).collect();
    let ids: Vec<&[u8]> = wanted.iter().map(|id| &id.as_bytes()[..]).collect();
    let given: [Given<'_>; 1] = [(&ids, Type::BYTEA_ARRAY)];
    let (begin, ends_sql) = (begin_sql(), ends_sql());
    let (locked, last, ends) = join3(
        session.run(&begin),
        session.query(LAST, &[]),
        session.query(&ends_sql, &given),
    )
    .await;
    locked?;
    let (mut size, mut id) = (0, None);
    if let Some(row) = last?.first() {
        let (index, bytes): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
        size = u64::try_from(index).unwrap_or_default().saturating_add(1);
        id = <[u8; 32]>::try_from(bytes).ok().map(EntryId::from_bytes);
    }
    if memory.last != id || memory.tree.size() != size {
        memory.tree = read::frontier(session, size).await?;
        memory.last = id;
    }
    let mut found: BTreeMap<TrajectoryId, End> = wanted
        .into_iter()
        .map(|trajectory| (trajectory, End::default()))
        .collect();
    for row in ends? {
        // The new entry will vouch for this one by its id: so it must be what it says it is.
        let entry = raw(&row)?.sound(&log)?;
        let end = End {
            length: entry.header.seq.saturating_add(1),
            last: Some(entry.id),
        };
        found.insert(entry.header.trajectory, end);
    }
    Ok(found)
}

const LAST: &str = "SELECT idx, id FROM thymos.entries ORDER BY idx DESC LIMIT 1";

fn ends_sql() -> String {
    format!(
        "SELECT n.* FROM unnest($1) AS wanted (trajectory) CROSS JOIN LATERAL \
         ({SELECT} WHERE e.trajectory = wanted.trajectory ORDER BY e.seq DESC LIMIT 1) n"
    )
}

/// What is about to be written.
#[derive(Default)]
struct Rows {
    placed: Placed,
    nodes: Vec<(Node, TreeHash)>,
}

fn place(
    ends: &mut BTreeMap<TrajectoryId, End>,
    tree: &mut Frontier,
    log: LogId,
    batches: Vec<Batch>,
) -> Result<Rows, Trouble> {
    let mut rows = Rows::default();
    for batch in batches {
        let end = ends.entry(batch.trajectory).or_default();
        // Compare and set: whoever thought of another length decided on another past.
        if end.length != batch.at_seq {
            rows.placed.push(Err(Conflict {
                expected: batch.at_seq,
                found: end.length,
            }));
            continue;
        }
        let mut entries = Vec::with_capacity(batch.drafts.len());
        for draft in batch.drafts {
            let position = Position {
                log,
                index: tree.size(),
                seq: end.length,
                prev: end.last,
            };
            let entry = draft.place(&position).map_err(Trouble::Draft)?;
            tree.push(leaf(entry.id.as_bytes()), |node, hash| {
                if node.level >= KEPT_LEVEL_MIN {
                    rows.nodes.push((node, hash));
                }
            });
            end.length += 1;
            end.last = Some(entry.id);
            entries.push(entry);
        }
        rows.placed.push(Ok(entries));
    }
    Ok(rows)
}

async fn write(session: &Session, memory: &mut Memory, rows: Rows) -> Outcome {
    let Some(last) = entries(&rows.placed).next_back().map(|entry| entry.id) else {
        drop(session.run("ROLLBACK").await);
        return Outcome::Kept(rows.placed);
    };
    let told = format!("NOTIFY {CHANNEL}");
    let (entries, nodes, told, committed) = join4(
        insert_entries(session, &rows.placed),
        insert_nodes(session, &rows.nodes),
        session.run(&told),
        // After a failed insert this rolls back, and the insert has said why.
        session.run("COMMIT"),
    )
    .await;
    let before = entries.and(nodes).and(told);
    match (before, committed) {
        (Ok(()), Ok(())) => {
            memory.last = Some(last);
            Outcome::Kept(rows.placed)
        }
        (before, committed) => {
            *memory = Memory::default();
            match (before, committed) {
                // What failed before the commit failed for good, and rolled back.
                (Err(trouble), _) if !trouble.is_lost() => Outcome::Refused(trouble),
                (Err(Trouble::Lost(why)), _) | (Ok(()), Err(Trouble::Lost(why))) => {
                    Outcome::Unknown(rows.placed, why)
                }
                (Err(trouble), _) | (Ok(()), Err(trouble)) => Outcome::Refused(trouble),
                (Ok(()), Ok(())) => Outcome::Kept(rows.placed),
            }
        }
    }
}

fn entries(placed: &Placed) -> impl DoubleEndedIterator<Item = &Entry> {
    placed.iter().flatten().flatten()
}

async fn insert_entries(session: &Session, placed: &Placed) -> Result<(), Trouble> {
    let all = || entries(placed);
    let indexes: Vec<Option<i64>> = all().map(|e| stored(e.header.index)).collect();
    let trajectories: Vec<&[u8]> = all().map(|e| &e.header.trajectory.as_bytes()[..]).collect();
    let seqs: Vec<Option<i64>> = all().map(|e| stored(e.header.seq)).collect();
    let kinds: Vec<&[u8]> = all().map(|e| e.header.kind.as_bytes()).collect();
    let times: Vec<Option<i64>> = all().map(|e| stored(e.header.at_ms.as_ms())).collect();
    let ids: Vec<&[u8]> = all().map(|e| &e.id.as_bytes()[..]).collect();
    let headers: Vec<&[u8]> = all().map(|e| e.header_bytes.as_slice()).collect();
    let salts: Vec<Option<&[u8]>> = all()
        .map(|e| {
            e.content
                .as_ref()
                .map(|content| &content.salt.as_bytes()[..])
        })
        .collect();
    let bodies: Vec<Option<&[u8]>> = all()
        .map(|e| e.content.as_ref().map(|content| content.body.as_slice()))
        .collect();
    let given: [Given<'_>; 9] = [
        (&indexes, Type::INT8_ARRAY),
        (&trajectories, Type::BYTEA_ARRAY),
        (&seqs, Type::INT8_ARRAY),
        (&kinds, Type::BYTEA_ARRAY),
        (&times, Type::INT8_ARRAY),
        (&ids, Type::BYTEA_ARRAY),
        (&headers, Type::BYTEA_ARRAY),
        (&salts, Type::BYTEA_ARRAY),
        (&bodies, Type::BYTEA_ARRAY),
    ];
    session
        .query(
            "INSERT INTO thymos.entries \
             (idx, trajectory, seq, kind, at_ms, id, header, salt, body) \
             SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &given,
        )
        .await
        .map(drop)
}

async fn insert_nodes(session: &Session, nodes: &[(Node, TreeHash)]) -> Result<(), Trouble> {
    if nodes.is_empty() {
        return Ok(());
    }
    let ends: Vec<Option<i64>> = nodes.iter().map(|(node, _)| stored(node.end)).collect();
    let levels: Vec<Option<i32>> = nodes
        .iter()
        .map(|(node, _)| i32::try_from(node.level).ok())
        .collect();
    let hashes: Vec<&[u8]> = nodes.iter().map(|(_, hash)| &hash.as_bytes()[..]).collect();
    let given: [Given<'_>; 3] = [
        (&ends, Type::INT8_ARRAY),
        (&levels, Type::INT4_ARRAY),
        (&hashes, Type::BYTEA_ARRAY),
    ];
    let sql = "INSERT INTO thymos.nodes (ends, level, hash) SELECT * FROM unnest($1, $2, $3)";
    session.query(sql, &given).await.map(drop)
}

/// Whether the entries of a commit whose answer was lost are there. Waits for the lock that its
/// transaction held, so the answer is final.
pub(crate) async fn was_kept(session: &Shared, placed: &Placed) -> Result<bool, Trouble> {
    let Some(first) = entries(placed).next() else {
        return Ok(true);
    };
    let index = stored(first.header.index);
    let given: [Given<'_>; 1] = [(&index, Type::INT8)];
    let begin = begin_sql();
    let (locked, found) = join(
        session.run(&begin),
        session.query("SELECT id FROM thymos.entries WHERE idx = $1", &given),
    )
    .await;
    drop(session.run("ROLLBACK").await);
    locked?;
    let found = found?;
    let Some(row) = found.first() else {
        return Ok(false);
    };
    Ok(row.try_get::<_, &[u8]>(0)? == first.id.as_bytes())
}
