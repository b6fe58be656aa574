//! Trouble around the program: homes, ledgers and disks that are not as they should be.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::json;

use super::home::{Ended, Home, noise};

fn greeted() -> Home {
    let home = Home::playing(&[json!({"text": "hello"})]);
    assert_eq!(home.run(&["run", "hi"]).code, 0);
    home
}

#[test]
fn a_home_that_cannot_be_written_is_named() {
    let home = Home::new();
    // A file where a folder must be: also root cannot write there.
    home.write("home/.local", "not a folder");
    let ended = home.run(&["runs"]);
    ended.says(1, "cannot be made", "XDG_DATA_HOME");
    assert!(ended.err.contains("home/.local"), "{ended:?}");
    assert_eq!(home.read("home/.local"), "not a folder");
    let ended = Ended::of(&home.command(&["runs"]).env_remove("HOME").output().unwrap());
    ended.says(1, "`HOME` is not set", "XDG_CONFIG_HOME");
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let home = greeted();
    let key = home.path("home/.local/share/thymos/operator.key");
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    home.run(&["runs"])
        .says(1, "can be read by others", "chmod 600");
}

#[test]
fn a_ledger_that_another_process_holds_is_waited_for_and_then_named() {
    let home = greeted();
    let held = Connection::open(home.ledger()).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ended = home.run(&["run", "again"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("locked"), "{ended:?}");
    drop(held);
    assert_eq!(home.run(&["run", "again"]).code, 0);
    home.verifies();
}

#[test]
fn a_ledger_of_a_newer_version_is_left_alone() {
    let home = greeted();
    let connection = Connection::open(home.ledger()).unwrap();
    connection
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    drop(connection);
    let ended = home.run(&["runs"]);
    ended.says(1, "has format version 99", "newer thymos");
    let connection = Connection::open(home.ledger()).unwrap();
    connection.execute_batch("PRAGMA user_version = 3").unwrap();
    drop(connection);
    home.verifies();
}

#[test]
fn what_is_no_ledger_is_left_as_it_is() {
    let home = Home::new();
    let path = home.path("noise.db");
    noise(&path, 20_000);
    let before = fs::read(&path).unwrap();
    for verb in ["runs", "verify"] {
        let ended = home.run(&[verb, "--ledger", path.to_str().unwrap()]);
        ended.says(1, "is not a thymos ledger", "--ledger");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    let folder = home.path("ws");
    let ended = home.run(&["runs", "--ledger", folder.to_str().unwrap()]);
    assert_eq!(ended.code, 1, "{ended:?}");
}

#[test]
fn t1_a_ledger_that_was_cut_off_or_overwritten_is_never_called_verified() {
    let home = greeted();
    let connection = Connection::open(home.ledger()).unwrap();
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(connection);
    let whole = fs::read(home.ledger()).unwrap();
    for keep in [whole.len() / 2, whole.len() - 4096, 5_000] {
        let path = home.path(&format!("cut{keep}.db"));
        fs::write(&path, &whole[..keep]).unwrap();
        not_verified(&home, path.to_str().unwrap());
    }
    // Where a page begins something always stands; the middle of one may be empty.
    for at in [4_096, whole.len() / 8_192 * 4_096, whole.len() - 600] {
        let path = home.path(&format!("over{at}.db"));
        let mut bytes = whole.clone();
        bytes[at..at + 512].fill(0xa5);
        fs::write(&path, &bytes).unwrap();
        not_verified(&home, path.to_str().unwrap());
    }
}

fn not_verified(home: &Home, path: &str) {
    for args in [&["verify", "--ledger", path][..], &["verify", path]] {
        let ended = home.run(args);
        assert_eq!(ended.code, 13, "{path}: {ended:?}");
        assert!(!ended.out.starts_with("verified"), "{path}: {ended:?}");
        assert!(!ended.err.contains("panicked"), "{path}: {ended:?}");
    }
}

/// A shell that limits how large a file may grow: the disk is full beyond it.
fn in_little_room(home: &Home, blocks: u64, args: &[&str]) -> Ended {
    let mut command = Command::new("/bin/sh");
    let line = format!("ulimit -f {blocks}; exec \"$@\"");
    command
        .args(["-c", &line, "sh", env!("CARGO_BIN_EXE_thymos")])
        .args(args);
    command
        .current_dir(home.path("ws"))
        .env_clear()
        .env("HOME", home.path("home"))
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null());
    Ended::of(&command.output().unwrap())
}

#[test]
fn l11_a_full_disk_ends_a_run_with_a_sentence_and_loses_nothing() {
    let home = greeted();
    let before = home.entries();
    let room = fs::metadata(home.ledger()).unwrap().len() / 512;
    for blocks in [8, room] {
        let ended = in_little_room(&home, blocks, &["run", "again"]);
        assert_eq!(ended.code, 1, "{blocks}: {ended:?}");
        let first = ended.err.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("thymos: ") && first.ends_with('.'),
            "{ended:?}"
        );
        assert!(!ended.err.contains("panicked"), "{ended:?}");
    }
    assert!(home.entries().starts_with(&before));
    home.verifies();
    assert_eq!(home.run(&["run", "again"]).code, 0);
    home.verifies();
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_program_quietly() {
    let home = greeted();
    for args in [
        &["ledger"][..],
        &["runs"],
        &["config", "explain"],
        &["completions", "bash"],
    ] {
        let mut command = home.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let ended = Ended::of(&child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn a_foreign_line_in_the_config_folder_is_no_trouble() {
    let home = greeted();
    let mut keys = OpenOptions::new()
        .create(true)
        .append(true)
        .open(home.path("home/.config/thymos/keys.toml"))
        .unwrap();
    keys.write_all(b"[nonsense\n").unwrap();
    // Keys concern the screen alone.
    assert_eq!(home.run(&["runs"]).code, 0);
}
