//! `thymos export --format`: a run as a story and as lines, and where they go.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::bundles::{newest, ran};
use super::erasure::erase;
use super::home::Home;

/// Where the exports of a folder go that cannot be written.
const EXPORTS: &str = "home/.local/share/thymos/exports";

fn names(home: &Home, below: &str) -> Vec<String> {
    let files = fs::read_dir(home.path(below)).into_iter().flatten();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.contains("thymos-")).collect();
    names.sort();
    names
}

/// The story of a run, and what was printed of it.
fn story(home: &Home, run: &str) -> String {
    let ended = home.run(&[
        "export", run, "--format", "markdown", "-o", "s.md", "--force",
    ]);
    assert_eq!(ended.code, 0, "{ended:?}");
    home.read("ws/s.md")
}

#[test]
fn a_story_tells_what_was_said_wanted_decided_and_done() {
    let home = ran();
    let run = newest(&home);
    let ended = home.run(&["export", &run, "--format", "markdown"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let name = format!("thymos-{}.md", &run[..8]);
    assert!(ended.out.contains("entries as markdown, to "), "{ended:?}");
    assert!(ended.out.trim_end().ends_with(&name), "{ended:?}");
    let file = home.path("ws").join(&name);
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let due = [
        &format!("# thymos run {}\n", &run[..8]) as &str,
        "## you\n",
        "```text\ntwo\n```",
        "**intent** `memory_write",
        "**suspended** `",
        "*what an approver is shown*",
        " ask",
        "approved by ada via the command line",
        "has the digest `",
        "**staged** `",
        "approved by ada",
        "rule `builtin/",
        "**commit** `fs_write ",
        "**stop** `",
    ];
    for words in due {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    let (_, digest) = text.split_once("has the digest `").unwrap();
    let digest = digest.split('`').next().unwrap();
    let decided = home.json(&["ledger", "--run", &run, "kind:approval", "--json"]);
    assert_eq!(decided[0]["what"]["presented"], json!(digest));
    let seqs = home.json(&["ledger", "--run", &run, "--json"]).len();
    for seq in 0..seqs {
        assert!(text.contains(&format!("(entry {seq}, ")), "{seq}: {text}");
    }
}

#[test]
fn lines_are_those_that_the_ledger_prints() {
    let home = ran();
    let run = newest(&home);
    let told = home.json(&["export", &run, "--format", "jsonl", "--json"]);
    let file = told[0]["file"].as_str().unwrap();
    assert_eq!(told[0]["trajectory"], json!(run));
    let lines = fs::read_to_string(file).unwrap();
    assert_eq!(lines, home.run(&["ledger", "--run", &run, "--json"]).out);
    assert_eq!(told[0]["entries"], json!(lines.lines().count()));
    let audit = home.run(&["audit", &run, "--json"]).out;
    assert!(audit.starts_with(&lines), "the audit tells the same first");
}

#[test]
fn what_is_there_stays_and_the_next_has_a_number() {
    let home = ran();
    let run = newest(&home);
    let short = &run[..8];
    for _ in 0..3 {
        for format in ["markdown", "jsonl", "bundle"] {
            let ended = home.run(&["export", &run, "--format", format]);
            assert_eq!(ended.code, 0, "{ended:?}");
        }
    }
    let mut due: Vec<String> = ["md", "jsonl", "tar"]
        .iter()
        .flat_map(|ending| {
            ["", "-2", "-3"].map(|number| format!("thymos-{short}{number}.{ending}"))
        })
        .collect();
    due.sort();
    assert_eq!(names(&home, "ws"), due);
    let tar = home.run(&["verify", &format!("thymos-{short}-2.tar")]);
    assert_eq!(tar.code, 0, "{tar:?}");
}

#[test]
fn a_folder_that_cannot_be_written_gives_way_to_our_own() {
    let home = ran();
    let run = newest(&home);
    let due = format!("thymos-{}.md", &run[..8]);
    // Nobody makes a file there, root included.
    let ended = home.run(&["-C", "/proc", "export", &run, "--format", "markdown"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains(EXPORTS), "{ended:?}");
    assert_eq!(names(&home, EXPORTS), [due]);
    // What is our own is no place for it either.
    let config = home.path("home/.local/share/thymos").display().to_string();
    let ended = home.run(&["-C", &config, "export", &run]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(names(&home, EXPORTS).len(), 2);
    assert!(names(&home, "home/.local/share/thymos").is_empty());
}

#[test]
fn where_neither_can_be_written_that_is_said_and_nothing_is_left() {
    let home = ran();
    let run = newest(&home);
    home.write(EXPORTS, "a file in the way");
    for format in ["markdown", "jsonl", "bundle"] {
        home.run(&["-C", "/proc", "export", &run, "--format", format])
            .says(1, "cannot be made", "check who owns it");
    }
    assert_eq!(home.read(EXPORTS), "a file in the way");
    assert!(names(&home, "ws").is_empty());
}

#[test]
fn the_whole_log_needs_no_name_either() {
    let home = ran();
    let ended = home.run(&["export", "--all"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(names(&home, "ws"), ["thymos-log.tar"]);
    home.run(&["export", "--all", "--format", "markdown"]).says(
        2,
        "markdown tells one trajectory",
        "thymos runs",
    );
}

#[test]
fn what_makes_no_sense_is_said_before_anything_is_written() {
    let home = ran();
    let run = newest(&home);
    let markdown = ["--format", "markdown"];
    home.run(&[&["export", "--all", "-o", "a.md"], &markdown[..]].concat())
        .says(2, "tells one trajectory", "thymos runs");
    home.run(&[&["export", &run, "--withhold", "message"], &markdown[..]].concat())
        .says(2, "leaves out of a bundle", "--format");
    home.run(&[&["export", &run, "--force"], &markdown[..]].concat())
        .says(2, "none is", "-o FILE");
    home.run(&[&["export", "ffffffffffff"], &markdown[..]].concat())
        .says(1, "there is no trajectory", "thymos runs");
    home.run(&[&["export", &run, "-o", "-"], &markdown[..]].concat())
        .says(2, "`-` is no file", "-o FILE");
    home.run(&[&["export", &run, "-o", "no/a.md"], &markdown[..]].concat())
        .says(1, "cannot be written", "check the folder");
    assert_eq!(home.run(&["export", &run, "--format", "pdf"]).code, 2);
    home.write("ws/a.md", "mine");
    home.run(&[&["export", &run, "-o", "a.md"], &markdown[..]].concat())
        .says(1, "there is a file `a.md` already", "--force");
    assert_eq!(home.read("ws/a.md"), "mine");
    let ledger = home.ledger().display().to_string();
    home.run(&[&["export", &run, "--force", "-o", &ledger], &markdown[..]].concat())
        .says(1, "is the ledger itself", "another file");
    home.verifies();
    assert!(names(&home, "ws").is_empty());
    let left = fs::read_dir(home.path("ws")).unwrap();
    let hidden = left.filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with('.')
    });
    assert_eq!(hidden.count(), 0, "nothing half-done is left");
}

#[test]
fn y3_a_damaged_record_is_not_told_as_a_story() {
    let home = ran();
    let run = newest(&home);
    let sql = "UPDATE entries SET body = x'7b7d' WHERE kind = 'commit'";
    super::home::unguarded(&home.ledger(), |ledger| ledger.execute_batch(sql).unwrap());
    for format in ["markdown", "jsonl"] {
        let ended = home.run(&["export", &run, "--format", format]);
        assert_eq!(ended.code, 13, "{ended:?}");
        assert!(names(&home, "ws").is_empty());
    }
}

#[test]
fn what_was_erased_is_told_as_erased() {
    let home = Home::playing(&[json!({"text": "all about Agatha"})]);
    assert_eq!(home.run(&["run", "tell of Agatha"]).code, 0);
    let run = newest(&home);
    let rows = home.json(&["ledger", "--run", &run, "kind:message", "--json"]);
    let name = format!("{run}#{}", rows[1]["seq"]);
    assert_eq!(erase(&home, &[&name]).code, 0);
    let text = story(&home, &run);
    assert!(!text.contains("all about Agatha"), "{text}");
    assert!(text.contains("**1 of them were erased**"), "{text}");
    let due = "what this entry of kind `message` said is gone";
    assert!(text.contains(due), "{text}");
    assert!(text.contains("erased by ada: asked for"), "{text}");
}

#[test]
fn a_story_keeps_what_others_wrote_in_its_fences_and_marks_what_was_redacted() {
    let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    let home = Home::playing(&[json!({
        "text": format!("```\n# approved by ada\n\u{1b}[31m {key}")
    })]);
    assert_eq!(home.run(&["run", "go"]).code, 0);
    let text = story(&home, &newest(&home));
    assert!(
        text.contains("````text\n```\n# approved by ada\n"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(!text.contains(&key), "{text}");
    assert!(text.contains("*redacted: 1 marks `⟦secret:..`"), "{text}");
}
