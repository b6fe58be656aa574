//! `thymos verify --since-last` `[Y3]`: goes on from what was verified whole, says what it left out, and each
//! way to make it go on from something else.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::home::{Ended, Home, unguarded};

/// What is said where a check began with the first entry.
const ALL: &str = "so all was verified";

struct Kept {
    home: Home,
    between: PathBuf,
}

impl Kept {
    /// A run that was verified whole, and a copy of its ledger.
    fn new() -> Self {
        let home = Home::playing(&[
            json!({"calls": [{"tool": "kv_set", "args": {"key": "a", "value": "b"}}]}),
            json!({"text": "done"}),
        ]);
        assert_eq!(home.run(&["run", "one"]).code, 0);
        let between = home.path("between.db");
        home.copy_ledger(&between);
        home.verifies();
        Self { home, between }
    }

    fn file(&self) -> PathBuf {
        let folder = self.home.path("home/.cache/thymos/snapshots");
        let mut all = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        let own = all.find(|path| path.extension().is_some_and(|end| end == "checked"));
        own.expect("a whole check was kept")
    }

    fn since(&self) -> Ended {
        self.home.run(&["verify", "--since-last"])
    }

    /// All of it is verified, and why is said.
    fn begins_anew(&self, why: &str) {
        let ended = self.since();
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.out.contains(&format!("{why}, {ALL}")), "{ended:?}");
        assert!(!ended.out.contains("not looked at again"), "{ended:?}");
        // What came of it is gone on from.
        let again = self.since();
        assert!(again.out.starts_with("verified: 0 new of "), "{again:?}");
    }

    fn sql(&self, sql: &str) {
        unguarded(&self.home.ledger(), |ledger| {
            ledger.execute_batch(sql).unwrap();
        });
    }

    fn restore(&self) {
        for end in ["", "-wal", "-shm"] {
            let file = format!("{}{end}", self.home.ledger().display());
            drop(fs::remove_file(file));
        }
        fs::copy(&self.between, self.home.ledger()).unwrap();
    }

    /// No checkpoint outside says anything.
    fn forget_checkpoints(&self) {
        fs::remove_dir_all(self.home.path("home/.local/state/thymos/checkpoints")).unwrap();
    }

    /// With and without leaving anything out it is found that this is another log.
    fn is_another(&self) {
        for args in [&["verify", "--since-last"][..], &["verify"]] {
            let ended = self.home.run(args);
            assert_eq!(ended.code, 13, "{ended:?}");
            assert!(ended.out.contains("last check: expected the "), "{ended:?}");
            assert!(
                ended.out.contains("cut, rolled back or replaced"),
                "{ended:?}"
            );
            assert!(!ended.out.contains("not looked at again"), "{ended:?}");
        }
    }
}

#[test]
fn y3_what_is_new_is_verified_and_what_was_left_out_is_said_in_a_line() {
    let kept = Kept::new();
    let before = kept.home.entries().len();
    assert_eq!(kept.home.run(&["run", "two"]).code, 0);
    let all = kept.home.entries().len();
    let ended = kept.since();
    assert_eq!(ended.code, 0, "{ended:?}");
    let new = all - before;
    let first = format!(
        "verified: {new} new of {all} entries, trajectories: 2, V1 integrity of {new} entries"
    );
    assert!(ended.out.starts_with(&first), "{ended:?}");
    let left_out = format!("not looked at again: the first {before} entries (verified until 20");
    assert!(ended.out.contains(&left_out), "{ended:?}");
    // What is new then is what came since.
    let told = kept
        .home
        .json(&["verify", "--since-last", "--json"])
        .remove(0);
    assert_eq!(told["before"]["entries"], all);
    assert_eq!(told["entries"], all);
    // Whoever asks for all gets all, and says nothing of before.
    let whole = kept.home.run(&["verify"]);
    assert!(
        whole.out.starts_with(&format!("verified: {all} entries")),
        "{whole:?}"
    );
    assert!(!whole.out.contains("not looked at"), "{whole:?}");
}

#[test]
fn y3_without_an_earlier_check_all_is_verified() {
    let kept = Kept::new();
    fs::remove_file(kept.file()).unwrap();
    kept.begins_anew("nothing is known of an earlier check");
}

#[test]
fn y3_a_file_of_which_any_byte_was_changed_is_not_read() {
    let kept = Kept::new();
    let sealed = fs::read(kept.file()).unwrap();
    for at in [0, 31, 32, sealed.len() / 2, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        fs::write(kept.file(), changed).unwrap();
        kept.begins_anew("nothing is known of an earlier check");
    }
    for cut in [&[][..], &sealed[..20], &sealed[..sealed.len() - 1]] {
        fs::write(kept.file(), cut).unwrap();
        kept.begins_anew("nothing is known of an earlier check");
    }
    // An entry more than there are, by who has no key.
    let text = String::from_utf8_lossy(&sealed[32..]).into_owned();
    let count = kept.home.entries().len();
    let forged = text.replace(&format!("\"entries\":{count}"), "\"entries\":1");
    assert_ne!(forged, text);
    fs::write(kept.file(), [&sealed[..32], forged.as_bytes()].concat()).unwrap();
    kept.begins_anew("nothing is known of an earlier check");
}

#[test]
fn y3_the_file_of_another_log_is_not_gone_on_from() {
    let (kept, other) = (Kept::new(), Kept::new());
    let own = fs::read(kept.file()).unwrap();
    // Another operator's, and by name this log's.
    fs::write(kept.file(), fs::read(other.file()).unwrap()).unwrap();
    kept.begins_anew("nothing is known of an earlier check");
    // The same operator's, of another log: a second ledger of theirs.
    let second = kept.home.path("second.db").display().to_string();
    let of = |args: &[&str]| kept.home.run(&[&["--ledger", &second][..], args].concat());
    assert_eq!(of(&["run", "elsewhere"]).code, 0);
    assert_eq!(of(&["verify"]).code, 0);
    let folder = kept.file().parent().unwrap().to_owned();
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let checked = files.filter(|path| path.extension().is_some_and(|end| end == "checked"));
    for file in checked {
        fs::write(file, &own).unwrap();
    }
    let ended = of(&["verify", "--since-last"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains(ALL), "{ended:?}");
}

#[test]
fn y3_after_the_trust_list_changed_all_is_verified_again() {
    let kept = Kept::new();
    let bob = Home::new();
    let key = bob.run(&["keys", "show"]).out;
    let key = key
        .split_whitespace()
        .find(|word| word.starts_with("ed25519:"));
    let trusted = kept
        .home
        .run(&["keys", "trust", "bob", key.expect("a key")]);
    assert_eq!(trusted.code, 0, "{trusted:?}");
    kept.begins_anew("other keys are trusted since the earlier check");
}

#[test]
fn l7_y3_a_ledger_that_was_cut_below_the_last_check_is_found() {
    let kept = Kept::new();
    kept.forget_checkpoints();
    let last = kept.home.entries().len() - 3;
    kept.sql(&format!(
        "DELETE FROM entries WHERE idx > {last}; DELETE FROM nodes WHERE ends > {last} + 1;
         DELETE FROM checkpoints WHERE size > {last} + 1"
    ));
    kept.is_another();
    // Who says that it is to be so takes the cache away.
    fs::remove_file(kept.file()).unwrap();
    kept.home.verifies();
}

#[test]
fn l7_y3_an_older_copy_is_found_also_when_work_went_on_in_it() {
    let kept = Kept::new();
    assert_eq!(kept.home.run(&["run", "two"]).code, 0);
    kept.home.verifies();
    let all = kept.home.entries().len();
    kept.restore();
    kept.forget_checkpoints();
    kept.is_another();
    for _ in 0..2 {
        assert_eq!(kept.home.run(&["run", "three"]).code, 0);
    }
    assert!(kept.home.entries().len() > all);
    kept.forget_checkpoints();
    kept.is_another();
}

#[test]
fn l7_y3_another_log_in_its_place_is_one_of_which_nothing_is_known() {
    let (kept, other) = (Kept::new(), Kept::new());
    other.home.copy_ledger(&kept.between);
    kept.restore();
    let ended = kept.since();
    // Its keys are another operator's.
    assert_eq!(ended.code, 13, "{ended:?}");
    assert!(ended.out.contains(ALL), "{ended:?}");
}

/// What is below the point is not looked at: that is what it is for, and it says so.
#[test]
fn y3_an_entry_below_that_was_changed_is_left_to_the_whole_check() {
    let kept = Kept::new();
    assert_eq!(kept.home.run(&["run", "two"]).code, 0);
    kept.sql("UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'one', 'two') AS BLOB) WHERE kind = 'message' AND idx < 9");
    let ended = kept.since();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.contains("`thymos verify` looks at all"),
        "{ended:?}"
    );
    let whole = kept.home.run(&["verify"]);
    assert_eq!(whole.code, 13, "{whole:?}");
    // What was found is not forgotten by going on from what came before it.
    assert!(kept.file().exists());
}

#[test]
fn y3_a_change_behind_the_point_is_found_at_its_entry() {
    let kept = Kept::new();
    let first = kept.home.entries().len();
    assert_eq!(kept.home.run(&["run", "two"]).code, 0);
    kept.sql(&format!(
        "UPDATE entries SET header = CAST(replace(CAST(header AS TEXT), '\"at_ms\":1', '\"at_ms\":2') AS BLOB) WHERE idx = {first}"
    ));
    let ended = kept.since();
    assert_eq!(ended.code, 13, "{ended:?}");
    assert!(
        ended.out.contains(&format!("at index {first}")),
        "{ended:?}"
    );
    assert!(ended.out.starts_with("NOT verified"), "{ended:?}");
}

#[test]
fn l3_y3_an_erasure_takes_the_point_away_and_a_point_from_before_it_is_gone_on_from() {
    let kept = Kept::new();
    let before = fs::read(kept.file()).unwrap();
    let row = kept.home.json(&["runs", "--json"]).remove(0);
    let run = row["trajectory"].as_str().unwrap().to_owned();
    let plan = kept
        .home
        .json(&[
            "erase",
            "--dry-run",
            "--json",
            "--reason",
            "asked for",
            "--run",
            &run,
        ])
        .remove(0);
    let digest = plan["digest"].as_str().unwrap();
    let words = [
        "erase",
        "--run",
        &run,
        "--reason",
        "asked for",
        "--yes",
        "--plan-digest",
        digest,
    ];
    let erased = kept.home.run(&words);
    assert_eq!(erased.code, 0, "{erased:?}");
    let file = kept.home.path("home/.cache/thymos/snapshots");
    let left = fs::read_dir(&file)
        .unwrap()
        .map(|file| file.unwrap().path());
    let left: Vec<PathBuf> = left
        .filter(|path| path.extension().is_some_and(|end| end == "checked"))
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new());
    kept.begins_anew("nothing is known of an earlier check");
    // As on another machine that works on the same server, of which nobody told it.
    fs::write(kept.file(), before).unwrap();
    let ended = kept.since();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("not looked at again"), "{ended:?}");
    kept.home.verifies();
}

#[test]
fn what_was_handed_on_is_verified_whole() {
    let kept = Kept::new();
    let file = kept.home.path("all.tar").display().to_string();
    assert_eq!(kept.home.run(&["export", "--all", "-o", &file]).code, 0);
    let ended = kept.home.run(&["verify", "--since-last", &file]);
    ended.says(
        2,
        "what was handed on has no earlier check to go on from",
        "leave --since-last out",
    );
}
