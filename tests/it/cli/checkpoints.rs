//! `thymos checkpoint` `[L7]`: what a lone ledger cannot show is shown by what stands outside of it.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::home::{Home, unguarded};

/// A home with two runs, and a copy of the ledger between them.
struct Two {
    home: Home,
    between: PathBuf,
}

fn played() -> Home {
    Home::playing(&[
        json!({"calls": [{"tool": "kv_set", "args": {"key": "a", "value": "b"}}]}),
        json!({"text": "done"}),
    ])
}

impl Two {
    fn new() -> Self {
        let home = played();
        assert_eq!(home.run(&["run", "one"]).code, 0);
        let between = home.path("between.db");
        home.copy_ledger(&between);
        assert_eq!(home.run(&["run", "two"]).code, 0);
        home.verifies();
        Self { home, between }
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

    /// `verify` finds it and says this.
    fn finds(&self, words: &str) {
        let ended = self.home.run(&["verify"]);
        assert_eq!(ended.code, 13, "{ended:?}");
        assert!(ended.out.contains(words), "{words}: {}", ended.out);
    }
}

fn notes(home: &Home) -> PathBuf {
    let folder = home.path("home/.local/state/thymos/checkpoints");
    let files = fs::read_dir(folder).unwrap();
    let mut paths = files.map(|file| file.unwrap().path());
    let notes = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "notes");
    paths.find(notes).unwrap()
}

#[test]
fn l7_every_run_ends_under_a_checkpoint_that_stands_in_both_places() {
    let Two { home, .. } = Two::new();
    let said = home.run(&["verify"]);
    assert!(said.out.contains("4 checkpoints agree"), "{}", said.out);
    assert!(said.out.contains("covers all"), "{}", said.out);
    assert!(said.out.contains(" entries, up to 20"), "{}", said.out);
    let shown = home.run(&["checkpoint", "show"]);
    assert_eq!(shown.code, 0);
    assert!(
        fs::read_to_string(notes(&home))
            .unwrap()
            .ends_with(&format!("{}\n", shown.out))
    );
    let made = home.run(&["checkpoint", "make"]);
    assert_eq!(
        (made.code, &made.out),
        (0, &shown.out),
        "of one size there is one"
    );
}

/// The end of a run, with what was said of its checkpoint.
fn warned(home: &Home, task: &str, words: &str) {
    let ended = home.run(&["run", task]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let told: Vec<&str> = ended.err.lines().collect();
    let told: Vec<_> = told
        .iter()
        .filter(|line| line.contains("no new checkpoint outside"))
        .collect();
    assert_eq!(told.len(), 1, "{ended:?}");
    assert!(
        told[0].contains(words) && told[0].contains("thymos verify"),
        "{ended:?}"
    );
}

#[test]
fn l7_a_run_on_a_restored_backup_says_that_what_was_signed_contradicts_it() {
    let two = Two::new();
    let ended = two.home.run(&["run", "three"]);
    assert!(!ended.err.contains("checkpoint"), "{ended:?}");
    two.restore();
    // Shorter than what was signed, then as long and of other entries.
    warned(&two.home, "instead of two", "it is older");
    for _ in 0..2 {
        let ended = two.home.run(&["run", "and on"]);
        assert!(ended.err.contains("no new checkpoint"), "{ended:?}");
    }
    warned(&two.home, "and on", "are not those that were signed");
}

#[test]
fn l7_a_run_whose_checkpoint_cannot_be_put_outside_says_so_until_it_can() {
    let home = played();
    assert_eq!(home.run(&["run", "one"]).code, 0);
    let notes = notes(&home);
    let whole = fs::read(&notes).unwrap();
    fs::remove_file(&notes).unwrap();
    fs::create_dir(&notes).unwrap();
    warned(&home, "two", "is in the ledger and not outside");
    fs::remove_dir(&notes).unwrap();
    fs::write(&notes, whole).unwrap();
    let ended = home.run(&["run", "three"]);
    assert!(!ended.err.contains("checkpoint"), "{ended:?}");
    home.verifies();
}

/// Nobody writes to a pipe that stands in the place of the notes, and nobody waits for it.
#[test]
fn l7_notes_that_are_no_file_are_told_and_not_waited_for() {
    let home = played();
    assert_eq!(home.run(&["run", "one"]).code, 0);
    let file = notes(&home);
    fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.unwrap().success());
    let told = home.run(&["verify"]);
    assert!(
        format!("{}{}", told.out, told.err).contains("it is no file"),
        "{told:?}"
    );
    let ran = home.run(&["run", "on"]);
    assert!(ran.err.contains("it is no file"), "{ran:?}");
    let shown = home.run(&["checkpoint", "show"]);
    let told = format!("{}{}", shown.out, shown.err);
    assert!(told.contains("it is no file"), "{shown:?}");
}

#[test]
fn l7_t1_a_cut_tail_and_a_deleted_newest_trajectory_are_found() {
    for cut in [
        "DELETE FROM entries WHERE idx = (SELECT max(idx) FROM entries)",
        "DELETE FROM entries WHERE trajectory = (SELECT trajectory FROM entries ORDER BY idx DESC LIMIT 1)",
    ] {
        let two = Two::new();
        // With everything beside them that would give it away.
        two.sql(&format!(
            "{cut};
             DELETE FROM nodes WHERE ends > (SELECT max(idx) + 1 FROM entries);
             DELETE FROM checkpoints WHERE size > (SELECT max(idx) + 1 FROM entries);"
        ));
        two.finds("the ledger is older than the checkpoint");
        let made = two.home.run(&["checkpoint", "make"]);
        made.says(13, "it is older", "nothing was signed");
    }
}

#[test]
fn l7_t1_a_restored_backup_is_found_also_when_it_has_gone_on() {
    let two = Two::new();
    two.restore();
    two.finds("its tail was cut, or a backup restored");
    assert_eq!(two.home.run(&["run", "three"]).code, 0);
    assert_eq!(two.home.run(&["run", "four"]).code, 0);
    two.finds("another history than was signed");
    let before = fs::read(notes(&two.home)).unwrap();
    let made = two.home.run(&["checkpoint", "make"]);
    made.says(13, "are not those that were signed", "nothing was signed");
    assert_eq!(fs::read(notes(&two.home)).unwrap(), before);
}

#[test]
fn l7_t1_a_dropped_or_forged_checkpoint_is_found() {
    let two = Two::new();
    two.sql("DELETE FROM checkpoints WHERE size = (SELECT min(size) FROM checkpoints)");
    two.finds("only in the checkpoint file");
    let two = Two::new();
    let file = notes(&two.home);
    let text = fs::read_to_string(&file).unwrap();
    let second = text
        .match_indices("thymos/")
        .map(|(at, _)| at)
        .find(|at| *at > 0 && text.as_bytes()[at - 1] == b'\n');
    fs::write(&file, &text[second.unwrap()..]).unwrap();
    two.finds("only in the ledger");
    let two = Two::new();
    two.sql("UPDATE checkpoints SET note = replace(note, char(10) || '— ', char(10) || '— x')");
    two.finds("no known key signed it");
}

#[test]
fn l7_a_copy_that_somebody_kept_is_compared() {
    let two = Two::new();
    let shown = two.home.run(&["checkpoint", "show"]);
    two.home.write("ws/kept.note", &shown.out);
    let compare = |file: &str| two.home.run(&["checkpoint", "verify", file]);
    assert!(compare("kept.note").out.starts_with("agrees: "));
    assert!(
        compare(&notes(&two.home).display().to_string())
            .out
            .starts_with("agrees: ")
    );
    two.home
        .write("ws/bent.note", &shown.out.replacen('\n', "\n1", 1));
    compare("bent.note").says(13, "does not hold", "--key");
    two.home.write("ws/none.note", "");
    let again = "ask for it again";
    compare("none.note").says(13, "is no whole checkpoint note: it is empty", again);
    // Without its signature, and with half of it.
    let cut = shown.out.split("\n\n").next().unwrap();
    two.home.write("ws/cut.note", cut);
    compare("cut.note").says(13, "is no whole checkpoint note", again);
    let half = shown.out.get(..shown.out.len() - 20).unwrap();
    two.home.write("ws/half.note", half);
    compare("half.note").says(13, "is no whole checkpoint note", again);
    two.home.write("ws/prose.note", "I signed it, I promise.\n");
    compare("prose.note").says(13, "is no whole checkpoint note", again);
    let other = played();
    assert_eq!(other.run(&["run", "one"]).code, 0);
    other.write("ws/kept.note", &shown.out);
    let key = two.home.run(&["keys", "show"]).out;
    let args = ["checkpoint", "verify", "kept.note"];
    other.run(&args).says(13, "no known key signed it", "--key");
    let trusting = [
        &args[..],
        &["--key", key.split_whitespace().next().unwrap()],
    ]
    .concat();
    other.run(&trusting).says(1, "another log", "--ledger");
    two.restore();
    compare("kept.note").says(13, "older than this checkpoint", "backup");
    assert_eq!(two.home.run(&["run", "three"]).code, 0);
    assert_eq!(two.home.run(&["run", "four"]).code, 0);
    compare("kept.note").says(13, "are not those that were signed", "rewritten");
}

#[test]
fn l7_work_goes_on_without_the_place_outside_and_it_catches_up() {
    let home = played();
    home.write("blocked", "a file where a folder should be");
    let folder = home.path("blocked/checkpoints");
    let config = fs::read_to_string(home.path("home/.config/thymos/config.toml")).unwrap();
    let with = format!("{config}[ledger]\ncheckpoints = \"{}\"\n", folder.display());
    home.config(&with);
    assert_eq!(home.run(&["run", "one"]).code, 0);
    let made = home.run(&["checkpoint", "make"]);
    made.says(1, "in the ledger and not outside", "ledger.checkpoints");
    let said = home.run(&["verify"]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("cannot be read"), "{}", said.out);
    fs::remove_file(home.path("blocked")).unwrap();
    assert_eq!(home.run(&["run", "two"]).code, 0);
    let said = home.run(&["verify"]);
    assert!(said.out.contains("4 checkpoints agree"), "{}", said.out);
    assert!(said.out.contains("covers all"), "{}", said.out);
}

#[test]
fn l7_before_the_first_run_there_is_none_and_that_is_said() {
    let home = Home::new();
    let none = home.run(&["checkpoint", "show"]);
    none.says(1, "there is no checkpoint yet", "thymos checkpoint make");
    let none = home.run(&["checkpoint", "make"]);
    assert_eq!(none.code, 1);
    assert!(none.err.contains("no entry yet"), "{none:?}");
}
