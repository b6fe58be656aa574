//! Destroys what `erased` entries name, in the database `[L3]`; as with a file, nobody's word is taken.
//!
//! Rows that are gone leave their bytes in the server's files until it uses the space again, in its
//! write-ahead log and in its backups: the guide says what an owner can do about that.

use std::collections::BTreeSet;

use thymos_core::body::Erased;
use thymos_core::id::Digest;
use thymos_core::{Entry, LogId};
use thymos_ports::erase::{Mandate, blobs_of, covers, digests_in, order};
use thymos_ports::store::Destroyed;
use tokio_postgres::types::Type;

use super::append::begin_sql;
use super::fault::Trouble;
use super::read::{SELECT, kept_of, raw};
use super::schema::PENDING;
use super::session::{Given, Session};
use crate::row::stored;

/// Bodies read at once.
const BODIES_AT_ONCE: i64 = 512;

/// Whether this role has the rights that [`destroy`] takes.
pub(crate) async fn may(session: &Session) -> Result<bool, Trouble> {
    let sql = "SELECT has_column_privilege('thymos.entries', 'salt', 'UPDATE') \
               AND has_column_privilege('thymos.entries', 'body', 'UPDATE') \
               AND has_table_privilege('thymos.blobs', 'DELETE')";
    let rows = session.query(sql, &[]).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()? == Some(true))
}

/// One transaction under the lock of the order; a second time it has nothing to do.
pub(crate) async fn destroy(
    session: &Session,
    log: LogId,
    mandate: &Mandate,
) -> Result<Destroyed, Trouble> {
    // Where there is nothing to do nobody who writes has to wait.
    if targets(session, log, mandate).await?.is_empty() {
        return Ok(Destroyed::default());
    }
    session.run(&begin_sql()).await?;
    let done = within(session, log, mandate).await;
    match &done {
        Ok(_) => session.run("COMMIT").await?,
        // A connection that ended rolled back by itself.
        Err(_) => drop(session.run("ROLLBACK").await),
    }
    if done.as_ref().is_ok_and(|done| done.bodies > 0) {
        // Whoever does not own the tables is warned by the server, and nothing else happens.
        drop(session.run("VACUUM thymos.entries, thymos.blobs").await);
    }
    done
}

/// What goes under this mandate. What somebody else ordered stands.
async fn targets(session: &Session, log: LogId, mandate: &Mandate) -> Result<Vec<Entry>, Trouble> {
    let mut targets = Vec::new();
    for row in session.query(PENDING, &[]).await? {
        let found = target(session, log, row.try_get(0)?).await?;
        let allowed = found.filter(|(order, target)| mandate.allows(order, target));
        targets.extend(allowed.map(|(_, target)| target));
    }
    Ok(targets)
}

async fn within(session: &Session, log: LogId, mandate: &Mandate) -> Result<Destroyed, Trouble> {
    let (mut indexes, mut mentioned) = (BTreeSet::new(), BTreeSet::new());
    for target in targets(session, log, mandate).await? {
        mentioned.extend(blobs_of(&target));
        indexes.extend(stored(target.header.index));
    }
    let rows: Vec<i64> = indexes.iter().copied().collect();
    let given: [Given<'_>; 1] = [(&rows, Type::INT8_ARRAY)];
    let sql = "UPDATE thymos.entries SET salt = NULL, body = NULL WHERE idx = ANY ($1)";
    session.query(sql, &given).await?;
    Ok(Destroyed {
        bodies: rows.len() as u64,
        blobs: destroy_blobs(session, mentioned).await?,
        left_over: false,
    })
}

/// What the `erased` entry at this position says, and what it names, if it may and that stands.
async fn target(
    session: &Session,
    log: LogId,
    index: i64,
) -> Result<Option<(Erased, Entry)>, Trouble> {
    let given: [Given<'_>; 1] = [(&index, Type::INT8)];
    let rows = session
        .query(&format!("{SELECT} WHERE e.idx = $1"), &given)
        .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let by = raw(row)?.sound(&log)?;
    let Some(order) = order(&by) else {
        return Ok(None);
    };
    let trajectory = &by.header.trajectory.as_bytes()[..];
    let seq = stored(order.seq);
    let given: [Given<'_>; 2] = [(&trajectory, Type::BYTEA), (&seq, Type::INT8)];
    let rows = session
        .query(
            &format!("{SELECT} WHERE e.trajectory = $1 AND e.seq = $2"),
            &given,
        )
        .await?;
    let target = rows
        .first()
        .map(|row| raw(row)?.sound(&log).map_err(Trouble::from));
    let target = target.transpose()?;
    let stands = |target: &Entry| covers(&by, &order, target) && target.content.is_some();
    Ok(target.filter(stands).map(|target| (order, target)))
}

/// Of these blobs, those that no body mentions any more.
async fn destroy_blobs(session: &Session, mentioned: BTreeSet<Digest>) -> Result<u64, Trouble> {
    // Most of them are ids.
    let kept = kept_of(session, &mentioned).await?;
    let alone = unmentioned(session, kept).await?;
    if alone.is_empty() {
        return Ok(0);
    }
    let digests: Vec<&[u8]> = alone.iter().map(|digest| &digest.as_bytes()[..]).collect();
    let given: [Given<'_>; 1] = [(&digests, Type::BYTEA_ARRAY)];
    let sql = "DELETE FROM thymos.blobs WHERE digest = ANY ($1) RETURNING 1";
    Ok(session.query(sql, &given).await?.len() as u64)
}

/// Those of these digests that stand in no body.
pub(super) async fn unmentioned(
    session: &Session,
    mut digests: BTreeSet<Digest>,
) -> Result<BTreeSet<Digest>, Trouble> {
    let mut next: i64 = 0;
    while !digests.is_empty() {
        let given: [Given<'_>; 2] = [(&next, Type::INT8), (&BODIES_AT_ONCE, Type::INT8)];
        let sql = "SELECT idx, body FROM thymos.entries WHERE idx >= $1 AND body IS NOT NULL \
                   ORDER BY idx LIMIT $2";
        let rows = session.query(sql, &given).await?;
        let Some(last) = rows.last() else { break };
        next = last.try_get::<_, i64>(0)?.saturating_add(1);
        for row in &rows {
            let kept = digests_in(row.try_get(1)?);
            digests.retain(|digest| !kept.contains(digest));
        }
    }
    Ok(digests)
}
