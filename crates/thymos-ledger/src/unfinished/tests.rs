//! Tests of what is swept, and what is not.

use std::collections::BTreeSet;

use super::*;

fn names(folder: &Path) -> BTreeSet<String> {
    let all = fs::read_dir(folder).unwrap();
    all.map(|one| one.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn what_nobody_holds_is_swept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let put = |name: &str| fs::write(folder.path().join(name), "x").unwrap();
    let swept = [
        "ledger.db-new-0123abcd",
        "ledger.db-new-0123abcd-wal",
        "ledger.db-new-0123abcd-shm",
        "ledger.db-new-ffffffff-journal",
    ];
    let kept = [
        "ledger.db",
        "ledger.db-wal",
        "ledger.db-new-",
        "ledger.db-new-0123abc",
        "ledger.db-new-0123ABCD",
        "ledger.db-new-0123abcd-copy",
        "ledger.db-new-0123abcd0",
        "other.db-new-0123abcd",
    ];
    swept.into_iter().chain(kept).for_each(put);
    // Somebody else's file under such a name is not touched through a link.
    put("far");
    let link = folder.path().join("ledger.db-new-11111111");
    std::os::unix::fs::symlink(folder.path().join("far"), link).unwrap();
    sweep(&path);
    let mut left: BTreeSet<String> = kept.map(str::to_owned).into();
    left.extend(["far".to_owned(), "ledger.db-new-11111111".to_owned()]);
    assert_eq!(names(folder.path()), left);
}

#[test]
fn what_a_maker_holds_stays_until_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let unfinished = place(&path, "0123abcd");
    let held = claim(&unfinished).unwrap().unwrap();
    fs::write(beside(&unfinished, "-wal"), "x").unwrap();
    sweep(&path);
    assert_eq!(names(folder.path()).len(), 2);
    // The system does this for a process that was killed.
    drop(held);
    sweep(&path);
    assert_eq!(names(folder.path()), BTreeSet::new());
}

#[test]
fn a_maker_whose_file_was_swept_before_it_held_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let unfinished = place(&path, "0123abcd");
    let made = File::create(&unfinished).unwrap();
    sweep(&path);
    assert!(hold(made).unwrap().is_none());
    // Under the same name it begins anew.
    assert!(claim(&unfinished).unwrap().is_some());
}
