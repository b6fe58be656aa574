//! What the open transaction of an import has taken over so far: what comes next, what is there already,
//! and the rows of it. Commits nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::{join, join3};
use thymos_core::merkle::{Node, TreeHash};
use thymos_core::{Digest, Entry, EntryId, LogId, TrajectoryId};
use thymos_ports::erase::blobs_of;
use thymos_ports::store::Unfit;
use tokio_postgres::types::Type;

use super::Halt;
use super::chunk::Chunk;
use crate::append::ENDS_MAX;
use crate::postgres::append::{self, Ends, Memory};
use crate::postgres::erase::unmentioned;
use crate::postgres::fault::Trouble;
use crate::postgres::schema;
use crate::postgres::session::{Given, Session, Shared};
use crate::postgres::writer::Blob;
use crate::row::stored;

/// What has been taken over so far.
pub(super) struct Taking {
    pub(super) session: Shared,
    pub(super) log: LogId,
    pub(super) memory: Memory,
    ends: Ends,
    /// Entries that were not there.
    pub(super) new: u64,
    /// The newest entry that was not there.
    newest: Option<(u64, EntryId)>,
    /// The transaction, as the server counts them.
    transaction: String,
    /// Content that went with bodies which were erased here, and that no other body mentions `[L3]`.
    gone: BTreeSet<Digest>,
}

impl Taking {
    pub(super) async fn begin(session: &Shared, memory: Memory, log: LogId) -> Result<Self, Halt> {
        let mut memory = memory;
        let number = "SELECT pg_current_xact_id()::text";
        let locked = append::locked(session, &mut memory);
        let (own, number) = join(locked, session.query(number, &[])).await;
        let own = own?;
        let number = number?;
        let row = number.first().ok_or(Trouble::Foreign)?;
        let transaction = row.try_get(0).map_err(Trouble::from)?;
        if own != log {
            if memory.tree.size() > 0 {
                return Err(Halt::Unfit(Unfit::OtherLog(own)));
            }
            become_log(session, log).await?;
        }
        Ok(Self {
            session: Arc::clone(session),
            log,
            memory,
            ends: Ends::new(),
            new: 0,
            newest: None,
            transaction,
            gone: BTreeSet::new(),
        })
    }

    /// Keeps what a chunk has that is not there.
    pub(super) async fn keep(&mut self, chunk: Chunk) -> Result<(), Halt> {
        let session = Arc::clone(&self.session);
        let next = self.memory.tree.size();
        if self.ends.len() > ENDS_MAX {
            self.ends.clear();
        }
        let (old, fresh): (Vec<&Entry>, Vec<&Entry>) = chunk
            .entries
            .iter()
            .partition(|entry| entry.header.index < next);
        let unknown: BTreeSet<TrajectoryId> = fresh
            .iter()
            .map(|entry| entry.header.trajectory)
            .filter(|trajectory| !self.ends.contains_key(trajectory))
            .collect();
        let ends = append::ends(&session, self.log, unknown);
        let (there, ends) = join(there(&session, &old), ends).await;
        self.ends.extend(ends?);
        let There { ids, bare } = there?;
        let fit = self.fit(&chunk.entries, &ids).map_err(Halt::Unfit)?;
        let (entries, nodes, notes) = join3(
            append::insert_entries(&session, &fit.entries),
            append::insert_nodes(&session, &fit.nodes),
            insert_notes(&session, &chunk.notes),
        )
        .await;
        // The first that failed says why; those behind it only that it did.
        entries?;
        nodes?;
        notes?;
        let bare = old
            .iter()
            .filter(|entry| bare.contains(&entry.header.index));
        let may_be_gone = bare.flat_map(|entry| blobs_of(entry)).collect();
        self.gone.extend(unmentioned(&session, may_be_gone).await?);
        let blobs = chunk.blobs.iter();
        let blobs: Vec<&Blob> = blobs
            .filter(|blob| !self.gone.contains(&blob.digest))
            .collect();
        insert_blobs(&session, &blobs).await?;
        Ok(())
    }

    /// Those entries of a chunk that come next, in order.
    fn fit<'c>(
        &mut self,
        entries: &'c [Entry],
        there: &BTreeMap<u64, EntryId>,
    ) -> Result<Fitting<'c>, Unfit> {
        let mut fit = Fitting::default();
        let mut own: BTreeMap<u64, EntryId> = BTreeMap::new();
        for entry in entries {
            let (header, next) = (&entry.header, self.memory.tree.size());
            let index = header.index;
            if header.log != self.log || index > next {
                return Err(Unfit::Gap(index));
            }
            if index < next {
                match own.get(&index).or_else(|| there.get(&index)) == Some(&entry.id) {
                    true => continue,
                    false => return Err(Unfit::Parted(index)),
                }
            }
            let end = self.ends.entry(header.trajectory).or_default();
            if (end.length, end.last) != (header.seq, header.prev) {
                return Err(Unfit::Gap(index));
            }
            end.go_on(entry);
            append::grow(&mut self.memory.tree, entry, &mut fit.nodes);
            own.insert(index, entry.id);
            fit.entries.push(entry);
            self.memory.last = Some(entry.id);
            self.newest = Some((index, entry.id));
            self.new += 1;
        }
        Ok(fit)
    }

    /// Whether the commit was kept whose answer was lost. Asked under the lock that it held, so the answer
    /// is final: the server knows what became of each transaction; and one that took over from it, and may
    /// count anew, has the newest entry or has not.
    pub(super) async fn was_kept(&self, session: &Session) -> Result<bool, Trouble> {
        let index = self.newest.and_then(|(index, _)| stored(index));
        let id = self.newest.map(|(_, id)| id);
        let id = id.as_ref().map(|id| &id.as_bytes()[..]);
        let given: [Given<'_>; 3] = [
            (&self.transaction, Type::TEXT),
            (&index, Type::INT8),
            (&id, Type::BYTEA),
        ];
        let begin = append::begin_sql();
        let (locked, found) = join(session.run(&begin), session.query(WAS_KEPT, &given)).await;
        drop(session.run("ROLLBACK").await);
        locked?;
        match found?.first() {
            Some(row) => Ok(row.try_get(0)?),
            None => Ok(false),
        }
    }
}

const WAS_KEPT: &str = "SELECT CASE \
     WHEN $1::text::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) THEN false \
     ELSE coalesce(pg_xact_status($1::text::xid8) = 'committed', false) END \
     AND ($2::int8 IS NULL OR EXISTS (SELECT FROM thymos.entries WHERE idx = $2 AND id = $3))";

/// What a chunk adds.
#[derive(Default)]
struct Fitting<'c> {
    entries: Vec<&'c Entry>,
    nodes: Vec<(Node, TreeHash)>,
}

/// What stands where entries of a chunk say they do.
#[derive(Default)]
struct There {
    /// From the hashed bytes `[L1]`.
    ids: BTreeMap<u64, EntryId>,
    /// Those without a body.
    bare: BTreeSet<u64>,
}

async fn there(session: &Session, entries: &[&Entry]) -> Result<There, Trouble> {
    let mut there = There::default();
    if entries.is_empty() {
        return Ok(there);
    }
    let indexes = entries.iter().map(|entry| stored(entry.header.index));
    let indexes: Vec<Option<i64>> = indexes.collect();
    let given: [Given<'_>; 1] = [(&indexes, Type::INT8_ARRAY)];
    let sql = "SELECT idx, header, body IS NULL FROM thymos.entries WHERE idx = ANY ($1)";
    for row in session.query(sql, &given).await? {
        let (index, header): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
        if let Ok(index) = u64::try_from(index) {
            there.ids.insert(index, EntryId::of(header));
            if row.try_get(2)? {
                there.bare.insert(index);
            }
        }
    }
    Ok(there)
}

/// Gives an empty ledger another id. The trigger that forbids it stands again before anybody can see
/// that it was away; only the owner of the table can do so.
async fn become_log(session: &Session, log: LogId) -> Result<(), Trouble> {
    let (off, on) = schema::log_guard();
    let id = &log.as_bytes()[..];
    let given: [Given<'_>; 1] = [(&id, Type::BYTEA)];
    let update = session.query("UPDATE thymos.log SET id = $1", &given);
    let (off, update, on) = join3(session.run(&off), update, session.run(&on)).await;
    match off.and(update.map(drop)).and(on) {
        Err(Trouble::Closed(words)) => Err(Trouble::Closed(format!(
            "it is empty, and only the owner of its tables can make another log of it: {words}"
        ))),
        other => other,
    }
}

async fn insert_blobs(session: &Session, blobs: &[&Blob]) -> Result<(), Trouble> {
    if blobs.is_empty() {
        return Ok(());
    }
    let digests: Vec<&[u8]> = blobs.iter().map(|b| &b.digest.as_bytes()[..]).collect();
    let sizes: Vec<i64> = blobs.iter().map(|b| b.size).collect();
    let packed: Vec<bool> = blobs.iter().map(|b| b.packed).collect();
    let bytes: Vec<&[u8]> = blobs.iter().map(|b| b.bytes.as_slice()).collect();
    let given: [Given<'_>; 4] = [
        (&digests, Type::BYTEA_ARRAY),
        (&sizes, Type::INT8_ARRAY),
        (&packed, Type::BOOL_ARRAY),
        (&bytes, Type::BYTEA_ARRAY),
    ];
    let sql = "INSERT INTO thymos.blobs (digest, size, packed, bytes) \
               SELECT * FROM unnest($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    session.query(sql, &given).await.map(drop)
}

async fn insert_notes(session: &Session, notes: &BTreeMap<i64, String>) -> Result<(), Trouble> {
    if notes.is_empty() {
        return Ok(());
    }
    let sizes: Vec<i64> = notes.keys().copied().collect();
    let texts: Vec<&[u8]> = notes.values().map(String::as_bytes).collect();
    let given: [Given<'_>; 2] = [(&sizes, Type::INT8_ARRAY), (&texts, Type::BYTEA_ARRAY)];
    let sql = "INSERT INTO thymos.checkpoints (size, note) \
               SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING";
    session.query(sql, &given).await.map(drop)
}
