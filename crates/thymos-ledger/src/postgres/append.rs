//! The one road on which entries get into the database `[L10]` `[L11]`: three trips an append,
//! however many rows.
//!
//! A transaction takes the lock of the order first, so what it reads after is what it extends, and
//! no other can come between. Whether a commit was kept whose answer was lost is found out under the
//! same lock, by the ids: they hold 32 random bytes, so an entry of this id is this very one.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, join4};
use thymos_core::entry::Position;
use thymos_core::merkle::{Frontier, KEPT_LEVEL_MIN, Node, TreeHash, leaf};
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::store::{Batch, Conflict};
use tokio_postgres::types::Type;

use super::fault::Trouble;
use super::read::{self, SELECT, raw};
use super::schema::{CHANNEL, ORDER_LOCK};
use super::session::{DURABLE, Given, Session, Shared, log_id};
use crate::row::stored;

/// What one append did: per batch its entries, or why not.
pub(crate) type Placed = Vec<Result<Vec<Entry>, Conflict>>;

/// What is remembered between appends: the tree, while the log ends with this entry.
#[derive(Default)]
pub(crate) struct Memory {
    pub(super) tree: Frontier,
    pub(super) last: Option<EntryId>,
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
pub(crate) struct End {
    pub(super) length: u64,
    pub(super) last: Option<EntryId>,
}

/// By trajectory.
pub(crate) type Ends = BTreeMap<TrajectoryId, End>;

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
) -> Result<Ends, Trouble> {
    let wanted = batches.iter().map(|batch| batch.trajectory).collect();
    // Sent in this order, and answered together.
    let (own, ends) = join(locked(session, memory), ends(session, log, wanted)).await;
    if own? != log {
        // It was empty when it was opened, and somebody imported a log.
        return Err(Trouble::another());
    }
    ends
}

/// Starts the transaction. Which log it is, under the lock; the memory is made true on the way.
pub(crate) async fn locked(session: &Session, memory: &mut Memory) -> Result<LogId, Trouble> {
    let begin = begin_sql();
    let (locked, end) = join(session.run(&begin), session.query(END, &[])).await;
    locked?;
    let end = end?;
    let row = end.first().ok_or(Trouble::Foreign)?;
    let (index, bytes): (Option<i64>, Option<Vec<u8>>) = (row.try_get(1)?, row.try_get(2)?);
    let last = index.and_then(|index| u64::try_from(index).ok());
    let size = last.map_or(0, |last| last.saturating_add(1));
    let id = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let id = id.map(EntryId::from_bytes);
    if memory.last != id || memory.tree.size() != size {
        memory.tree = read::frontier(session, size).await?;
        memory.last = id;
    }
    log_id(row, 0)
}

/// Which log, and how it ends.
const END: &str = "SELECT l.id, e.idx, e.id FROM thymos.log l LEFT JOIN LATERAL \
     (SELECT idx, id FROM thymos.entries ORDER BY idx DESC LIMIT 1) e ON true";

/// Where each of these trajectories ends.
pub(crate) async fn ends(
    session: &Session,
    log: LogId,
    wanted: BTreeSet<TrajectoryId>,
) -> Result<Ends, Trouble> {
    let ids: Vec<&[u8]> = wanted.iter().map(|id| &id.as_bytes()[..]).collect();
    let given: [Given<'_>; 1] = [(&ids, Type::BYTEA_ARRAY)];
    let sql = format!(
        "SELECT n.* FROM unnest($1) AS wanted (trajectory) CROSS JOIN LATERAL \
         ({SELECT} WHERE e.trajectory = wanted.trajectory ORDER BY e.seq DESC LIMIT 1) n"
    );
    let rows = session.query(&sql, &given).await?;
    let mut found: Ends = wanted.iter().map(|id| (*id, End::default())).collect();
    for row in rows {
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

/// What is about to be written.
#[derive(Default)]
struct Rows {
    placed: Placed,
    nodes: Vec<(Node, TreeHash)>,
}

fn place(
    ends: &mut Ends,
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
            grow(tree, &entry, &mut rows.nodes);
            end.go_on(&entry);
            entries.push(entry);
        }
        rows.placed.push(Ok(entries));
    }
    Ok(rows)
}

/// Adds a leaf; gives the subtrees that are whole with it and are kept.
pub(crate) fn grow(tree: &mut Frontier, entry: &Entry, nodes: &mut Vec<(Node, TreeHash)>) {
    tree.push(leaf(entry.id.as_bytes()), |node, hash| {
        if node.level >= KEPT_LEVEL_MIN {
            nodes.push((node, hash));
        }
    });
}

impl End {
    pub(crate) fn go_on(&mut self, entry: &Entry) {
        self.length += 1;
        self.last = Some(entry.id);
    }
}

async fn write(session: &Session, memory: &mut Memory, rows: Rows) -> Outcome {
    let Some(last) = entries(&rows.placed).next_back().map(|entry| entry.id) else {
        drop(session.run("ROLLBACK").await);
        return Outcome::Kept(rows.placed);
    };
    let told = format!("NOTIFY {CHANNEL}");
    let all: Vec<&Entry> = entries(&rows.placed).collect();
    let (entries, nodes, told, committed) = join4(
        insert_entries(session, &all),
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

/// What was kept, in order.
pub(crate) fn entries(placed: &Placed) -> impl DoubleEndedIterator<Item = &Entry> {
    placed.iter().flatten().flatten()
}

pub(crate) async fn insert_entries(session: &Session, entries: &[&Entry]) -> Result<(), Trouble> {
    if entries.is_empty() {
        return Ok(());
    }
    let all = || entries.iter();
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

pub(crate) async fn insert_nodes(
    session: &Session,
    nodes: &[(Node, TreeHash)],
) -> Result<(), Trouble> {
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
