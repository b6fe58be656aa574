//! Tests of running a process for a tool.

use super::*;

#[test]
fn a_call_can_neither_move_path_nor_lose_the_fixed_variables() {
    let bench = crate::testing::Bench::new();
    let runner = bench.runner();
    let added = BTreeMap::from([("A".to_owned(), "b".to_owned())]);
    let env: BTreeMap<_, _> = runner.child_env(&added).into_iter().collect();
    assert_eq!(env["PATH"], "/usr/local/bin:/usr/bin:/bin");
    assert_eq!((env["A"].as_str(), env["TERM"].as_str()), ("b", "dumb"));
    assert_eq!(env["TMPDIR"], runner.tmp.to_str().unwrap());
}
