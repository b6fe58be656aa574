//! Erasing on a server `[L3]`: its guards let go what an entry names, and an older schema gets them.

use thymos_core::{Entry, Kind};
use thymos_ledger::{PostgresLedger, Server};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::{sample_batch, sample_mandate, sample_order};
use thymos_ports::erase::Mandate;
use thymos_ports::store::{Batch, Destroyed};
use thymos_testkit::postgres::Database;

use super::{ledger, open};
use crate::support::{append, fill_with_every_kind, line, server, walk};

fn order(ledger: &dyn LedgerStore, target: &Entry) {
    let trajectory = target.header.trajectory;
    let at_seq = ledger.page(&trajectory, 0, 1_000).unwrap().len() as u64;
    let batch = Batch {
        trajectory,
        at_seq,
        drafts: vec![sample_order(trajectory, target.id, target.header.seq)],
    };
    ledger.append(vec![batch]).unwrap()[0].as_ref().unwrap();
}

fn first_of(ledger: &dyn LedgerStore, index: u64) -> Entry {
    ledger.scan(index, 1).unwrap().remove(0).entry.unwrap()
}

#[test]
fn l3_t1_sql_erases_nothing_that_no_entry_names_and_nothing_that_may_not_go() {
    let Some((database, ledger)) = ledger() else {
        return;
    };
    let entries = fill_with_every_kind(&ledger);
    ledger.put_blob(b"kept").unwrap();
    let erase = |entry: &Entry| {
        let index = entry.header.index;
        let sql = format!("UPDATE thymos.entries SET salt = NULL, body = NULL WHERE idx = {index}");
        database.try_sql(&sql)
    };
    for entry in &entries {
        assert!(erase(entry).is_err(), "{}", entry.header.kind);
    }
    for entry in entries.iter().filter(|e| e.header.trajectory == line(1)) {
        order(&ledger, entry);
        let may = entry.kind().is_some_and(Kind::may_be_erased);
        assert_eq!(erase(entry).is_ok(), may, "{}", entry.header.kind);
    }
    let other = entries.iter().find(|e| e.header.trajectory == line(2));
    assert!(erase(other.unwrap()).is_err(), "another trajectory");
    let said = database.try_sql("DELETE FROM thymos.blobs").unwrap_err();
    assert!(said.contains("only with what was erased"), "{said}");
    assert_eq!(walk(&ledger, None), []);
    assert_eq!(ledger.check_engine().unwrap(), Vec::<String>::new());
}

#[test]
fn l3_opening_destroys_nothing_and_whoever_was_killed_behind_the_order_is_finished_later() {
    let Some((database, ledger)) = ledger() else {
        return;
    };
    append(&ledger, line(1), 0, 3);
    order(&ledger, &first_of(&ledger, 1));
    assert!(first_of(&ledger, 1).content.is_some());
    drop(ledger);
    let ledger = open(&database);
    assert!(first_of(&ledger, 1).content.is_some());
    assert_eq!(ledger.destroy_erased(&sample_mandate()).unwrap().bodies, 1);
    assert!(first_of(&ledger, 1).content.is_none());
    assert!(first_of(&ledger, 2).content.is_some());
    assert_eq!(
        ledger.destroy_erased(&sample_mandate()),
        Ok(Destroyed::default())
    );
}

/// Somebody who may read and add, and no more.
pub(super) fn writer_role(database: &Database) -> (String, Server) {
    let role = format!("{}_adds", database.name());
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA thymos TO {role}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA thymos TO {role}; \
         GRANT INSERT ON thymos.entries, thymos.nodes, thymos.checkpoints, thymos.blobs TO {role}"
    ));
    let own = Server {
        user: role.clone(),
        ..server(database)
    };
    (role, own)
}

#[test]
fn l3_who_may_only_add_is_told_so_before_and_goes_on_adding_and_two_grants_are_enough() {
    let Some((database, owner)) = ledger() else {
        return;
    };
    append(&owner, line(1), 0, 3);
    let (role, own) = writer_role(&database);
    let ledger = PostgresLedger::open(own, crate::support::GENESIS).unwrap();
    assert_eq!(
        (owner.may_erase(), ledger.may_erase()),
        (Ok(true), Ok(false))
    );
    order(&ledger, &first_of(&ledger, 0));
    // Nor does an owner who trusts another key carry it out for them.
    let another = Mandate {
        operators: Vec::new(),
        ..sample_mandate()
    };
    assert_eq!(owner.destroy_erased(&another), Ok(Destroyed::default()));
    assert!(first_of(&open(&database), 0).content.is_some());
    let refused = ledger
        .destroy_erased(&sample_mandate())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("permission denied"), "{refused}");
    assert!(first_of(&ledger, 0).content.is_some());
    let placed = ledger.append(vec![sample_batch(line(2), 0, 1)]).unwrap();
    assert!(placed[0].is_ok());
    database.sql(&format!(
        "GRANT UPDATE (salt, body) ON thymos.entries TO {role}; GRANT DELETE ON thymos.blobs TO {role}"
    ));
    assert_eq!(ledger.may_erase(), Ok(true));
    assert_eq!(ledger.destroy_erased(&sample_mandate()).unwrap().bodies, 1);
    drop(ledger);
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn l13_a_schema_of_format_1_gets_the_stricter_guards_from_its_owner_alone() {
    let Some((database, made)) = ledger() else {
        return;
    };
    append(&made, line(1), 0, 3);
    drop(made);
    database.sql(
        "ALTER TABLE thymos.log DISABLE TRIGGER the_log_is_kept; UPDATE thymos.log SET format = 1;
         ALTER TABLE thymos.log ENABLE ALWAYS TRIGGER the_log_is_kept;
         DROP TRIGGER blobs_are_not_deleted ON thymos.blobs; DROP FUNCTION thymos.only_with_erased();
         DROP TRIGGER blobs_are_kept ON thymos.blobs;
         CREATE TRIGGER blobs_are_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON thymos.blobs
         FOR EACH STATEMENT EXECUTE FUNCTION thymos.refuse();
         ALTER TABLE thymos.blobs ENABLE ALWAYS TRIGGER blobs_are_kept;
         CREATE OR REPLACE FUNCTION thymos.only_erase() RETURNS trigger LANGUAGE plpgsql
         AS 'BEGIN RETURN NEW; END';
         DROP INDEX thymos.entries_erasing; DROP INDEX thymos.entries_erased;",
    );
    let (role, own) = writer_role(&database);
    let Err(refused) = PostgresLedger::open(own, crate::support::GENESIS) else {
        panic!("it was opened");
    };
    let said = refused.to_string();
    assert!(said.contains("its owner has to open it once"), "{said}");
    let ledger = open(&database);
    assert_eq!(ledger.check_engine().unwrap(), Vec::<String>::new());
    assert_eq!(walk(&ledger, None), []);
    order(&ledger, &first_of(&ledger, 0));
    assert_eq!(ledger.destroy_erased(&sample_mandate()).unwrap().bodies, 1);
    drop(ledger);
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
