//! The slow look at what a walk over rows cannot see: guards that are gone, counts, blobs.

use thymos_core::id::Digest;
use tokio_postgres::types::Type;

use super::fault::Trouble;
use super::read;
use super::schema::{FUNCTIONS, Function, TRIGGERS, UNIQUE};
use super::session::{Given, Session};
use crate::check;
use crate::fault::Damage;

/// Blobs that are looked at in one go.
const BLOBS_AT_ONCE: i64 = 256;

pub(crate) async fn engine(session: &Session) -> Result<Vec<String>, Trouble> {
    let mut findings = Vec::new();
    triggers(session, &mut findings).await?;
    functions(session, &mut findings).await?;
    tables(session, &mut findings).await?;
    counts(session, &mut findings).await?;
    checkpoints(session, &mut findings).await?;
    blobs(session, &mut findings).await?;
    Ok(findings)
}

/// Each trigger that should be there, as it should be; and no other, which could change a row on its
/// way in.
async fn triggers(session: &Session, findings: &mut Vec<String>) -> Result<(), Trouble> {
    let sql = "SELECT c.relname::text, t.tgname::text, t.tgtype, t.tgenabled::text, p.proname::text, \
               t.tgqual IS NULL FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
               JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid \
               JOIN pg_namespace f ON f.oid = p.pronamespace \
               WHERE n.nspname = 'thymos' AND NOT t.tgisinternal ORDER BY 1, 2";
    let mut missing: Vec<_> = TRIGGERS.iter().collect();
    for row in session.query(sql, &[]).await? {
        let (table, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (fires, enabled): (i16, String) = (row.try_get(2)?, row.try_get(3)?);
        let (calls, always): (String, bool) = (row.try_get(4)?, row.try_get(5)?);
        let known = missing
            .iter()
            .position(|due| due.table == table && due.name == name);
        let Some(due) = known.map(|at| missing.swap_remove(at)) else {
            findings.push(format!(
                "table `{table}` has a trigger `{name}` of somebody else"
            ));
            continue;
        };
        if (fires, calls.as_str(), always) != (due.fires, due.calls, true) {
            findings.push(format!("trigger `{name}` of table `{table}` was changed"));
        } else if enabled != "A" {
            findings.push(format!(
                "trigger `{name}` of table `{table}` is switched off"
            ));
        }
    }
    for due in missing {
        let (table, name) = (due.table, due.name);
        findings.push(format!("trigger `{name}` of table `{table}` is missing"));
    }
    Ok(())
}

async fn functions(session: &Session, findings: &mut Vec<String>) -> Result<(), Trouble> {
    let sql = "SELECT p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
               WHERE n.nspname = 'thymos' AND p.proname = $1";
    for Function { name, text } in FUNCTIONS {
        let given: [Given<'_>; 1] = [(&name, Type::TEXT)];
        let rows = session.query(sql, &given).await?;
        let stored: Option<String> = rows.first().map(|row| row.try_get(0)).transpose()?;
        if stored.as_deref() != Some(text) {
            findings.push(format!("function `{name}` of the triggers was changed"));
        }
    }
    Ok(())
}

async fn tables(session: &Session, findings: &mut Vec<String>) -> Result<(), Trouble> {
    let sql = "SELECT c.relkind::text, c.relrowsecurity OR c.relhasrules, \
               (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique \
                AND i.indisvalid AND i.indimmediate) \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'thymos' AND c.relname = $1 AND c.relkind NOT IN ('i', 'S')";
    for (table, indexes) in UNIQUE {
        let given: [Given<'_>; 1] = [(&table, Type::TEXT)];
        let rows = session.query(sql, &given).await?;
        let Some(row) = rows.first() else {
            findings.push(format!("table `{table}` is missing"));
            continue;
        };
        let (kind, ruled, found): (String, bool, i64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if kind != "r" {
            findings.push(format!("`{table}` is no table"));
        }
        if ruled {
            findings.push(format!(
                "rules or row security change what table `{table}` shows"
            ));
        }
        if found < indexes {
            findings.push(format!("table `{table}` has lost a unique index"));
        }
    }
    Ok(())
}

/// A cut at the front, in the middle or by renumbering; a cut tail takes a checkpoint `[L7]`.
async fn counts(session: &Session, findings: &mut Vec<String>) -> Result<(), Trouble> {
    let told = "SELECT count(*), coalesce(max(idx), -1), coalesce(min(idx), 0), \
                (SELECT coalesce(max(ends), 0) FROM thymos.nodes) FROM thymos.entries";
    // The one query that walks everything: it may take as long as it takes.
    let row = session.client.query_typed_one(told, &[]).await?;
    let (count, last): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let (first, ends): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
    let due = last.saturating_add(1);
    if count != due || first != 0 {
        findings.push(format!(
            "{count} entries are stored, and the last index is {last}"
        ));
    }
    if ends > due {
        findings.push(format!(
            "the tree holds a subtree that ends at {ends}, and the log ends at {due}"
        ));
    }
    Ok(())
}

async fn checkpoints(session: &Session, findings: &mut Vec<String>) -> Result<(), Trouble> {
    let sql = "SELECT size, note FROM thymos.checkpoints ORDER BY size";
    for row in session.query(sql, &[]).await? {
        let (size, note): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
        let note = String::from_utf8(note).unwrap_or_default();
        findings.extend(check::checkpoint(size, &note));
    }
    Ok(())
}

async fn blobs(session: &Session, findings: &mut Vec<String>) -> Result<(), Trouble> {
    let sql = "SELECT digest, size FROM thymos.blobs WHERE digest > $1 ORDER BY digest LIMIT $2";
    let mut after: Vec<u8> = Vec::new();
    loop {
        let given: [Given<'_>; 2] = [(&after, Type::BYTEA), (&BLOBS_AT_ONCE, Type::INT8)];
        let rows = session.query(sql, &given).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        let next: Vec<u8> = last.try_get(0)?;
        for row in &rows {
            let digest: &[u8] = row.try_get(0)?;
            let Ok(digest) = <[u8; 32]>::try_from(digest) else {
                findings.push("a blob has a digest of another length".to_owned());
                continue;
            };
            let digest = Digest::from_bytes(digest);
            match read::blob(session, digest).await {
                Ok(Some(kept)) => findings.extend(kept.differs_from(&digest, row.try_get(1)?)),
                // Erased meanwhile.
                Ok(None) => {}
                Err(Trouble::Damage(Damage { at, reason })) => {
                    findings.push(format!("{at}: {reason}"));
                }
                Err(trouble) => return Err(trouble),
            }
        }
        after = next;
    }
}
