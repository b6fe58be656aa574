//! Tests of choosing rows and of what is told about a figure. Nothing here is timed.

use super::*;

fn ids(only: &str) -> Result<Vec<&'static str>, AppError> {
    chosen(Some(only)).map(|rows| rows.iter().map(|row| row.id).collect())
}

#[test]
fn rows_are_chosen_by_id_in_the_tables_order() {
    assert_eq!(ids("q2, Q1").unwrap(), ["Q1", "Q2"]);
    let all = chosen(None).unwrap();
    assert_eq!(all.len(), ROWS.len() - 1);
    // What takes minutes is measured for who asks for it by name.
    assert!(all.iter().all(|row| row.id != "large"));
    assert_eq!(ids("large").unwrap(), ["large"]);
}

#[test]
fn an_unknown_row_is_a_usage_error_that_names_the_rows() {
    let error = ids("Q1,Q99").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
    assert_eq!(error.message, "there is no row `Q99`");
    assert!(error.hints.iter().any(|hint| hint.contains("Q1, Q2, Q3")));
}

#[test]
fn a_bar_is_met_on_its_own_side_only() {
    let told = |value, bar| Figure::new("x", value, "us", bar).met();
    assert_eq!(told(10.0, Bar::AtMost(10.0)), Some(true));
    assert_eq!(told(10.1, Bar::AtMost(10.0)), Some(false));
    assert_eq!(told(10.1, Bar::AtLeast(10.0)), Some(true));
    assert_eq!(told(10.0, Bar::None), None);
    assert_eq!(Figure::left_out("x", "no lock file here").met(), None);
}

#[test]
fn percentiles_are_samples_that_were_taken() {
    let samples = Samples((1..=100).map(Duration::from_millis).collect());
    assert_eq!(samples.median(), Duration::from_millis(50));
    assert_eq!(samples.at(99), Duration::from_millis(99));
    assert_eq!(Samples(Vec::new()).median(), Duration::ZERO);
}

#[test]
fn the_scratch_folder_goes_with_its_owner() {
    let home = tempfile::tempdir().unwrap();
    let scratch = Scratch::make(home.path()).unwrap();
    fs::write(scratch.folder.join("ledger.db"), b"x").unwrap();
    let folder = scratch.folder.clone();
    drop(scratch);
    assert!(!folder.exists());
}

#[test]
fn what_a_killed_run_left_goes_and_what_is_in_use_stays() {
    let home = tempfile::tempdir().unwrap();
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let folder = |name: String| {
        let folder = home.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("large.db"), b"x").unwrap();
        folder
    };
    let left = folder(format!("bench-{}", ended.id()));
    let others = [
        folder(format!("bench-{}", std::os::unix::process::parent_id())),
        folder("bench-".to_owned()),
        folder("bench-notes".to_owned()),
        folder("blobs-4711".to_owned()),
    ];
    let scratch = Scratch::make(home.path()).unwrap();
    assert!(!left.exists());
    assert!(others.iter().all(|other| other.exists()));
    drop(scratch);
}
