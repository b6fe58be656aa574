//! What the server refuses, and what a check finds where its owner switched that off.

use thymos_core::checkpoint::Checkpoint;
use thymos_core::key::SigningKey;
use thymos_ledger::PostgresLedger;
use thymos_ports::LedgerStore;
use thymos_ports::conformance::{sample_batch, sample_order};
use thymos_ports::store::{Batch, StoreError};
use thymos_testkit::postgres::Database;

use super::{ledger, open};
use crate::support::{append, fill_with_every_kind, line, walk};

const CHANGES: [&str; 11] = [
    "UPDATE thymos.entries SET salt = NULL, body = NULL WHERE idx = 3",
    "DELETE FROM thymos.entries WHERE idx = 3",
    "UPDATE thymos.entries SET kind = 'intent' WHERE idx = 3",
    "UPDATE thymos.entries SET header = body WHERE idx = 3",
    "TRUNCATE thymos.entries",
    "UPDATE thymos.nodes SET hash = sha256('')",
    "DELETE FROM thymos.nodes",
    "UPDATE thymos.checkpoints SET note = ''",
    "DELETE FROM thymos.checkpoints",
    "DELETE FROM thymos.blobs",
    "UPDATE thymos.log SET id = sha256('')",
];

fn filled() -> Option<(Database, PostgresLedger)> {
    let (database, ledger) = ledger()?;
    fill_with_every_kind(&ledger);
    ledger.put_checkpoint(5, "a note").unwrap();
    ledger.put_blob(&b"content ".repeat(100)).unwrap();
    Some((database, ledger))
}

#[test]
fn l10_nothing_is_deleted_or_rewritten_by_its_owner_or_a_superuser() {
    let Some((database, ledger)) = filled() else {
        return;
    };
    for change in CHANGES {
        let said = database.try_sql(change).unwrap_err();
        assert!(said.contains("only"), "{change}: {said}");
        let replica = format!("SET session_replication_role = replica; {change}");
        let said = database.try_sql(&replica).unwrap_err();
        assert!(said.contains("only"), "{change} of a replica: {said}");
    }
    assert_eq!(walk(&ledger, None), []);
    assert_eq!(ledger.check_engine().unwrap(), Vec::<String>::new());
}

/// What a walk over the rows tells, and what the slow look does.
type Told = (Vec<(u64, String)>, Vec<String>);

/// Does it to a sound ledger with its guards off and on again; gives what is found then.
fn found(change: &str) -> Option<Told> {
    let (database, ledger) = filled()?;
    let tables = ["entries", "nodes", "checkpoints", "blobs"];
    let guards = |how: &str| {
        for table in tables {
            database.sql(&format!("ALTER TABLE thymos.{table} {how} TRIGGER ALL"));
        }
    };
    guards("DISABLE");
    database.sql(change);
    guards("ENABLE");
    Some((walk(&ledger, None), ledger.check_engine().unwrap()))
}

#[test]
fn t1_what_is_done_with_the_guards_off_is_found_and_located() {
    for (change, at) in [
        ("DELETE FROM thymos.entries WHERE idx = 4", 4),
        ("UPDATE thymos.entries SET kind = 'intent' WHERE idx = 4", 4),
        ("UPDATE thymos.entries SET seq = 99 WHERE idx = 4", 4),
        (
            "UPDATE thymos.entries SET at_ms = at_ms + 1 WHERE idx = 4",
            4,
        ),
        ("UPDATE thymos.entries SET id = sha256('') WHERE idx = 4", 4),
        (
            "UPDATE thymos.entries SET trajectory = sha256('') WHERE idx = 4",
            4,
        ),
        (
            "UPDATE thymos.entries SET body = set_byte(body, 2, 88) WHERE idx = 4",
            4,
        ),
        (
            "UPDATE thymos.entries SET header = set_byte(header, 9, 57) WHERE idx = 4",
            4,
        ),
        (
            "UPDATE thymos.entries a SET header = b.header, salt = b.salt, body = b.body \
             FROM thymos.entries b WHERE a.idx = 4 AND b.idx = 6",
            4,
        ),
        (
            "UPDATE thymos.nodes SET hash = sha256('') WHERE ends = 16",
            15,
        ),
        ("DELETE FROM thymos.nodes WHERE ends = 16", 15),
    ] {
        let Some((walked, _)) = found(change) else {
            return;
        };
        assert!(
            walked.iter().any(|(index, _)| *index == at),
            "{change}: {walked:?}"
        );
    }
    let blob = "UPDATE thymos.blobs SET bytes = set_byte(bytes, 12, 255 - get_byte(bytes, 12))";
    let Some((_, told)) = found(blob) else {
        return;
    };
    assert!(
        told.iter().any(|line| line.contains("its bytes are not")),
        "{told:?}"
    );
    let size = "UPDATE thymos.blobs SET size = size + 7";
    let Some((_, told)) = found(size) else {
        return;
    };
    let wanted = "its size is kept as 807, and it has 800 bytes";
    assert!(told.iter().any(|line| line.ends_with(wanted)), "{told:?}");
}

#[test]
fn l1_a_size_that_a_checkpoint_is_kept_under_is_held_against_its_note() {
    let Some((_database, ledger)) = filled() else {
        return;
    };
    let key = SigningKey::from_seed(&[1; 32]);
    let (log, root) = (ledger.log(), ledger.root(7).unwrap());
    let signed = Checkpoint { log, size: 7, root }.sign(&key);
    ledger.put_checkpoint(7, signed.note()).unwrap();
    assert_eq!(ledger.check_engine(), Ok(Vec::new()));
    ledger.put_checkpoint(8, signed.note()).unwrap();
    let wanted = "checkpoint of 8 entries: its note is over 7";
    assert_eq!(ledger.check_engine().unwrap(), [wanted]);
}

#[test]
fn t1_guards_that_are_gone_and_tricks_around_them_are_told() {
    let Some((database, ledger)) = filled() else {
        return;
    };
    let due = |change: &str, words: &str| {
        database.sql(change);
        let told = ledger.check_engine().unwrap();
        assert!(
            told.iter().any(|line| line.contains(words)),
            "{change}: {told:?}"
        );
    };
    due(
        "ALTER TABLE thymos.entries DISABLE TRIGGER entries_are_not_deleted",
        "switched off",
    );
    due(
        "ALTER TABLE thymos.entries ENABLE TRIGGER entries_are_not_deleted",
        "`entries_are_not_deleted` of table `entries` is switched off",
    );
    due(
        "DROP TRIGGER blobs_are_kept ON thymos.blobs",
        "`blobs_are_kept` of table `blobs` is missing",
    );
    due(
        "CREATE TRIGGER the_tree_only_grows2 BEFORE INSERT ON thymos.nodes FOR EACH ROW \
         EXECUTE FUNCTION thymos.refuse()",
        "of somebody else",
    );
    due(
        "DROP TRIGGER the_log_is_kept ON thymos.log; CREATE TRIGGER the_log_is_kept BEFORE DELETE \
         ON thymos.log FOR EACH STATEMENT EXECUTE FUNCTION thymos.refuse()",
        "`the_log_is_kept` of table `log` was changed",
    );
    due(
        "CREATE OR REPLACE FUNCTION thymos.only_erase() RETURNS trigger LANGUAGE plpgsql \
         AS 'BEGIN RETURN NEW; END'",
        "function `only_erase` of the triggers was changed",
    );
    due(
        "ALTER TABLE thymos.entries DROP CONSTRAINT entries_by_trajectory",
        "lost a unique index",
    );
    due(
        "CREATE RULE hide AS ON INSERT TO thymos.checkpoints DO INSTEAD NOTHING",
        "rules or row security",
    );
    due(
        "ALTER TABLE thymos.entries DISABLE TRIGGER ALL; DELETE FROM thymos.entries WHERE idx = 0",
        "entries are stored",
    );
}

#[test]
fn t1_rows_that_a_policy_hides_are_an_error_and_not_a_gap() {
    let Some((database, _)) = filled() else {
        return;
    };
    let role = format!("{}_hidden", database.name());
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA thymos TO {role}; \
         GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA thymos TO {role}; \
         ALTER TABLE thymos.entries ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY part ON thymos.entries USING (idx < 3)"
    ));
    let own = thymos_ledger::Server {
        user: role.clone(),
        ..crate::support::server(&database)
    };
    let ledger = PostgresLedger::open_read_only(own).unwrap().unwrap();
    let error = ledger.scan(0, 10).unwrap_err();
    assert!(error.to_string().contains("row-level security"), "{error}");
    drop(ledger);
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn no_search_path_and_no_name_of_somebody_else_leads_elsewhere() {
    let Some(database) = Database::new() else {
        return;
    };
    let name = database.name();
    database.sql(&format!(
        "CREATE SCHEMA evil; \
         CREATE FUNCTION evil.octet_length(bytea) RETURNS int LANGUAGE sql AS 'SELECT 32'; \
         CREATE FUNCTION evil.max(int8) RETURNS int8 LANGUAGE sql AS 'SELECT 7::int8'; \
         CREATE FUNCTION evil.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS 'SELECT true'; \
         CREATE FUNCTION evil.never(bytea, bytea) RETURNS bool LANGUAGE sql AS 'SELECT false'; \
         CREATE OPERATOR evil.= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = evil.never); \
         ALTER DATABASE {name} SET search_path = evil, pg_catalog, public"
    ));
    let ledger = open(&database);
    append(&ledger, line(1), 0, 3);
    append(&ledger, line(1), 3, 1);
    assert_eq!(ledger.page(&line(1), 0, 10).unwrap().len(), 4);
    assert_eq!(walk(&ledger, None), []);
    // The guards' own words are found too: erasing what an entry names works, and nothing else does.
    let erase = |index: u64| {
        database.try_sql(&format!(
            "UPDATE thymos.entries SET salt = NULL, body = NULL \
             WHERE idx OPERATOR(pg_catalog.=) {index}"
        ))
    };
    let named = ledger.page(&line(1), 1, 1).unwrap().remove(0);
    let order = Batch {
        trajectory: line(1),
        at_seq: 4,
        drafts: vec![sample_order(line(1), named.id, 1)],
    };
    assert!(ledger.append(vec![order]).unwrap()[0].is_ok());
    assert!(erase(2).is_err() && erase(1).is_ok());
    assert!(
        database
            .try_sql("UPDATE thymos.entries SET seq = 9")
            .is_err()
    );
}

#[test]
fn l11_what_is_acknowledged_is_durable_whatever_the_role_is_set_to() {
    let Some(database) = Database::new() else {
        return;
    };
    let name = database.name();
    // A guard of our own: it says with which setting an entry came in.
    let seen = |set: &str| {
        database.sql(&format!(
            "ALTER DATABASE {name} SET synchronous_commit = {set}"
        ));
        let ledger = open(&database);
        database.sql(
            "CREATE TABLE IF NOT EXISTS public.seen (how text); DELETE FROM public.seen; \
             CREATE OR REPLACE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN INSERT INTO public.seen VALUES (current_setting(''synchronous_commit'')); RETURN NULL; END'; \
             CREATE OR REPLACE TRIGGER note AFTER INSERT ON thymos.entries FOR EACH ROW \
             EXECUTE FUNCTION public.note()",
        );
        append(&ledger, line(1), ledger.len().unwrap(), 1);
        database.sql("SELECT how FROM public.seen")
    };
    assert_eq!(seen("off"), ["on"]);
    assert_eq!(seen("local"), ["on"]);
    assert_eq!(seen("remote_apply"), ["remote_apply"]);
}

#[test]
fn text_that_looks_like_a_pattern_or_a_statement_is_only_text() {
    let Some((_database, ledger)) = filled() else {
        return;
    };
    for prefix in ["%", "_", "a%", "' OR true --", "\\", "\0", "0\0", "é"] {
        assert_eq!(ledger.find_prefix(prefix, 100).unwrap(), [], "{prefix:?}");
    }
    let note = "line\0one\u{7}'; DROP SCHEMA thymos; --";
    ledger.put_checkpoint(9, note).unwrap();
    assert_eq!(
        ledger.checkpoints(9).unwrap(),
        [(9, note.to_owned())],
        "byte for byte"
    );
}

#[test]
fn l10_a_transaction_that_stops_in_the_middle_keeps_nobody_waiting_for_ever() {
    let Some((database, ledger)) = filled() else {
        return;
    };
    // Somebody holds the order's lock: a writer gives up, and nothing is kept.
    let holding = std::thread::spawn({
        let sql = "BEGIN; SELECT pg_advisory_xact_lock(1416132973, 1); SELECT pg_sleep(7); COMMIT";
        let url = database.url();
        move || {
            let config: tokio_postgres::Config = url.parse().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                client.batch_execute(sql).await.ok();
            });
        }
    });
    super::until("the lock is held", || {
        database
            .sql(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                 WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted",
            )
            .remove(0)
            == "1"
    });
    let before = ledger.len().unwrap();
    let refused = ledger.append(vec![sample_batch(line(9), 0, 1)]);
    assert!(
        matches!(refused, Err(StoreError::Locked { .. })),
        "{refused:?}"
    );
    assert_eq!(
        ledger.len().unwrap(),
        before,
        "readers are not kept waiting"
    );
    holding.join().unwrap();
    append(&ledger, line(9), 0, 1);
}
