//! Every script of `examples/` runs with the built program and ends with 0. Knows none by name.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use thymos_testkit::postgres::Database;

/// Looks at a script, ten milliseconds apart, before it is held to hang.
const LOOKS_MAX: u32 = 12_000;

/// Scripts at once; they mostly wait for syncs.
const AT_ONCE: usize = 4;

#[test]
fn every_example_does_what_it_says() {
    let scripts = scripts();
    let mut faults = Vec::new();
    // For the one that needs it; without a server it says that it skips.
    let database = Database::new();
    let url = database.as_ref().map(Database::url).unwrap_or_default();
    for some in scripts.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let running: Vec<_> = some
                .iter()
                .map(|script| scope.spawn(|| run(script, &url)))
                .collect();
            faults.extend(running.into_iter().filter_map(|one| one.join().unwrap()));
        });
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn every_example_is_a_posix_script_that_says_what_it_shows_and_stops_at_a_fault() {
    for script in scripts() {
        let text = fs::read_to_string(&script).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let shown = script.display();
        assert_eq!(lines.first(), Some(&"#!/bin/sh"), "{shown}");
        assert!(
            lines[1].starts_with("# "),
            "{shown} does not say what it shows"
        );
        assert!(lines.contains(&"set -eu"), "{shown} goes on after a fault");
        assert!(
            text.contains("${THYMOS:-thymos}"),
            "{shown} names another program"
        );
        let parsed = Command::new("sh").arg("-n").arg(&script).status().unwrap();
        assert!(parsed.success(), "{shown}");
    }
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|row| row.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "sh"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "there are no examples");
    found
}

/// What went wrong, with everything the script printed.
fn run(script: &Path, database: &str) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let printed = home.path().join("printed");
    let out = File::create(&printed).unwrap();
    let mut child = Command::new("sh")
        .arg(script)
        .current_dir(home.path())
        .env_clear()
        .env("THYMOS", env!("CARGO_BIN_EXE_thymos"))
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home.path())
        .env("POSTGRES", database)
        .env("TMPDIR", home.path())
        .env("USER", "ada")
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .stderr(out.try_clone().unwrap())
        .stdout(out)
        .spawn()
        .unwrap();
    let mut ended = None;
    for _ in 0..LOOKS_MAX {
        ended = child.try_wait().unwrap();
        if ended.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if ended.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    if ended.is_some_and(|status: ExitStatus| status.success()) {
        return None;
    }
    let how = ended.map_or_else(|| "took too long".to_owned(), |status| status.to_string());
    let printed = fs::read_to_string(&printed).unwrap_or_default();
    Some(format!("{}: {how}\n{printed}", script.display()))
}
