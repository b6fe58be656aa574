//! What an append does where somebody makes the engine pass over its rows.

use thymos_core::TrajectoryId;
use thymos_ports::conformance::sample_batch;
use thymos_ports::store::StoreError;

use super::{Grown, Writer};
use crate::blob;
use crate::ledger::Genesis;
use crate::open;

/// A writer that has looked at the tables, and under it a trigger that passes over every new row of one of
/// them: what a look at the tables would miss.
fn passing_over(table: &str) -> (Writer, TrajectoryId) {
    let opened = open::memory(Genesis { random: [1; 32] }).unwrap();
    let mut writer = Writer::new(opened.connection, Grown::default(), opened.log, false);
    let line = TrajectoryId::of(&[1]);
    let first = writer.append("here", vec![sample_batch(line, 0, 3)]);
    assert!(first.unwrap().iter().all(Result::is_ok));
    let sql = format!("CREATE TRIGGER t BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END");
    writer.connection().execute_batch(&sql).unwrap();
    (writer, line)
}

fn count(writer: &Writer, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let counted = writer.connection().query_row(&sql, [], |row| row.get(0));
    counted.unwrap()
}

#[test]
fn l10_an_append_whose_rows_are_passed_over_is_refused_whole() {
    for table in ["entries", "nodes", "trajectories"] {
        let (mut writer, line) = passing_over(table);
        let other = TrajectoryId::of(&[2]);
        let batches = vec![sample_batch(line, 3, 20), sample_batch(other, 0, 1)];
        let refused = writer.append("here", batches).unwrap_err();
        let StoreError::Corrupt { at, reason, .. } = refused else {
            panic!("{table}: {refused:?}");
        };
        assert_eq!(at, format!("table `{table}`"));
        assert!(reason.contains("somebody changed"), "{reason}");
        assert_eq!(count(&writer, "entries"), 3, "{table}: rolled back");
        assert_eq!(count(&writer, "nodes"), 0, "{table}: rolled back");
        // Nothing is wrong with the disk: once the trigger is gone, work goes on.
        writer.connection().execute_batch("DROP TRIGGER t").unwrap();
        let kept = writer.append("here", vec![sample_batch(line, 3, 20)]);
        assert!(kept.unwrap().iter().all(Result::is_ok));
    }
}

#[test]
fn l4_a_blob_that_is_passed_over_is_refused_and_one_that_is_there_is_not() {
    let (mut writer, _) = passing_over("blobs");
    let content = blob::pack("here", b"content").unwrap();
    let refused = writer.put_blob("here", &content).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
    writer.connection().execute_batch("DROP TRIGGER t").unwrap();
    for _ in 0..2 {
        writer.put_blob("here", &content).unwrap();
    }
    assert_eq!(count(&writer, "blobs"), 1);
}
