//! The plans of the queries: what a look-up costs must not depend on the log's length `[Q5]`.

use super::*;
use crate::append::END_SQL;
use crate::schema::TABLES;

fn plan(sql: &str) -> Vec<String> {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(TABLES).unwrap();
    let mut query = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let unbound = vec![rusqlite::types::Null; query.parameter_count()];
    query
        .query_map(rusqlite::params_from_iter(unbound), |row| row.get(3))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn q5_no_query_of_the_hot_road_walks_the_log_or_sorts() {
    for sql in [&page_sql(), &scan_sql(), &stretch_sql(), END_SQL] {
        let plan = plan(sql);
        assert!(!plan.iter().any(|step| step.contains("SCAN")), "{plan:#?}");
        assert!(
            !plan.iter().any(|step| step.contains("TEMP B-TREE")),
            "{plan:#?}"
        );
    }
}

#[test]
fn q5_the_last_index_is_one_seek() {
    assert_eq!(plan("SELECT max(idx) FROM entries"), ["SEARCH entries"]);
}

#[test]
fn q7_heads_seek_once_a_trajectory() {
    let plan = plan(&heads_sql());
    let walked: Vec<&String> = plan
        .iter()
        .filter(|step| step.starts_with("SCAN"))
        .collect();
    assert_eq!(walked, ["SCAN h"], "{plan:#?}");
}

#[test]
fn l1_the_id_column_sorts_as_ids_do() {
    let ids: Vec<EntryId> = [0x00, 0x7f, 0x80, 0xff]
        .into_iter()
        .map(|first| EntryId::from_bytes([first; 32]))
        .collect();
    assert!(ids.is_sorted_by_key(head_of));
}
