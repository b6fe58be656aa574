//! `thymos verify FILE` of a ledger `[L16]`: evidence is the same bytes afterwards, and nothing is made
//! beside it or in the home of whoever looked.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use thymos_core::Digest;
use thymos_testkit::fixtures::operator_key;

use super::bundles::ran;
use super::home::{Ended, Home};

/// Somebody who is not root, for whom modes hold.
const NOBODY: u32 = 65_534;

/// Each file of a folder, by the digest of what it holds.
fn held(folder: &Path) -> BTreeMap<PathBuf, Digest> {
    let rows = fs::read_dir(folder).unwrap();
    let paths = rows.map(|row| row.unwrap().path());
    let digest = |path: PathBuf| {
        let digest = Digest::of(&fs::read(&path).unwrap());
        (path, digest)
    };
    paths.map(digest).collect()
}

/// A frozen ledger of a format, in a folder of its own.
fn golden(home: &Home, format: &str) -> PathBuf {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ledgers");
    let folder = home.path(format);
    fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("ledger.db");
    fs::copy(all.join(format).join("ledger.db"), &copy).unwrap();
    copy
}

fn ada() -> String {
    format!("ada={}", operator_key().public())
}

/// Nobody can tell from the home that somebody was here.
fn is_bare(home: &Home) -> bool {
    fs::read_dir(home.path("home")).unwrap().next().is_none()
}

#[test]
fn l16_l13_a_ledger_that_is_verified_is_the_same_file_afterwards() {
    for format in ["v1", "v2", "v3"] {
        let home = Home::new();
        let file = golden(&home, format);
        let before = held(file.parent().unwrap());
        let named = file.display().to_string();
        let ended = home.run(&["verify", &named, "--key", &ada()]);
        assert_eq!(ended.code, 0, "{format}: {ended:?}");
        assert!(ended.out.starts_with("verified: "), "{ended:?}");
        assert!(!ended.out.contains("V4 0 signatures"), "{ended:?}");
        assert!(!ended.out.contains("not looked at"), "{ended:?}");
        assert_eq!(held(file.parent().unwrap()), before, "{format}");
        assert!(is_bare(&home), "{format}");
    }
}

#[test]
fn l16_where_no_key_is_trusted_a_ledger_is_verified_as_far_as_that_goes() {
    let home = Home::new();
    let file = golden(&home, "v3");
    let before = held(file.parent().unwrap());
    let named = file.display().to_string();
    let ended = home.run(&["verify", &named]);
    assert_eq!(ended.code, 2, "{ended:?}");
    for words in [
        "verified: ",
        "V2 state of ",
        "V3 not looked at",
        "V4 not looked at",
    ] {
        assert!(ended.out.contains(words), "{words} is not in {ended:?}");
    }
    for words in ["No key is trusted here", "--key"] {
        assert!(ended.err.contains(words), "{words} is not in {ended:?}");
    }
    assert_eq!(held(file.parent().unwrap()), before);
    assert!(is_bare(&home));
    // By somebody else's key it is not what that key signed.
    let other = thymos_core::key::SigningKey::from_seed(&[9; 32]).public();
    let ended = home.run(&["verify", &named, "--key", &other.to_string()]);
    assert_eq!(ended.code, 13, "{ended:?}");
    home.run(&["verify", &named, "--since-last"]).says(
        2,
        "no earlier check to go on from",
        "--ledger",
    );
    assert!(is_bare(&home));
}

#[test]
fn l16_a_ledger_in_a_folder_that_cannot_be_written_verifies() {
    let home = Home::new();
    let file = golden(&home, "v1");
    let folder = file.parent().unwrap().to_owned();
    let named = file.display().to_string();
    // Root writes wherever it likes, so it looks as somebody else.
    let by_root = fs::metadata(&folder).unwrap().uid() == 0;
    if by_root {
        for open in ["", "ws", "home"] {
            fs::set_permissions(home.path(open), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let modes = |folder_mode, file_mode| {
        fs::set_permissions(&folder, fs::Permissions::from_mode(folder_mode)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(file_mode)).unwrap();
    };
    let verify = |args: &[&str]| {
        let mut command = home.command(&[&["verify"], args].concat());
        if by_root {
            command.uid(NOBODY);
        }
        modes(0o555, 0o444);
        let ended = Ended::of(&command.output().unwrap());
        modes(0o755, 0o644);
        assert!(ended.out.starts_with("verified: "), "{ended:?}");
        assert!(is_bare(&home));
        ended.code
    };
    assert_eq!(verify(&[&named, "--key", &ada()]), 0);
    // As one's own, it is read in the same way; nobody is trusted in this home.
    assert_eq!(verify(&["--ledger", &named]), 2);
}

/// What only looks reads a ledger where nothing can be written; what would record something says that it cannot.
#[test]
fn l16_what_only_shows_the_record_needs_no_right_to_write_it() {
    let home = ran();
    home.run(&["run", "again"]);
    let run = home.json(&["runs", "--json"]).remove(0);
    let run = run["trajectory"].as_str().unwrap().to_owned();
    let folder = home.path("case");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("ledger.db");
    home.copy_ledger(&file);
    let named = file.display().to_string();
    let verbs: [&[&str]; 6] = [
        &["runs"],
        &["ledger", "--csv"],
        &["audit", &run],
        &["replay", &run],
        &["writ", "ls"],
        &["approvals", "ls"],
    ];
    // Snapshots are of the log, so what is shown is the same.
    let shown = verbs.map(|verb| home.run(&[&["--ledger", &named], verb].concat()).out);
    let by_root = fs::metadata(&folder).unwrap().uid() == 0;
    // A home with the same keys, of whoever looks.
    let other = home.path("other");
    let system = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        let done = command.args(args).current_dir(home.path("")).status();
        assert!(done.unwrap().success(), "{program} {args:?}");
    };
    system("cp", &["-r", "home", "other"]);
    if by_root {
        fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(home.path("ws"), fs::Permissions::from_mode(0o755)).unwrap();
        system("chown", &["-R", &NOBODY.to_string(), "other"]);
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    let before = held(&folder);
    let look = |verb: &[&str]| {
        let mut command = home.command(&[&["--ledger", &named], verb].concat());
        command.env("HOME", &other);
        if by_root {
            command.uid(NOBODY);
        }
        Ended::of(&command.output().unwrap())
    };
    for (verb, shown) in verbs.iter().zip(&shown) {
        let ended = look(verb);
        let told = ended.out.replace("/other/", "/home/");
        assert_eq!((ended.code, &told), (0, shown), "{verb:?}: {ended:?}");
    }
    look(&["run", "more"]).says(1, "read-only", "check the path and who owns it");
    assert_eq!(held(&folder), before);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn l16_what_a_crash_left_beside_a_ledger_is_read_and_stays() {
    let home = ran();
    // Somebody else is there, so that the last of the program's own does not clear up.
    let other = Connection::open(home.ledger()).unwrap();
    other.execute_batch("SELECT count(*) FROM entries").unwrap();
    let early = home.entries().len();
    home.script(&[serde_json::json!({"text": "three"})]);
    assert_eq!(home.run(&["run", "three"]).code, 0);
    let case = home.path("case");
    fs::create_dir(&case).unwrap();
    for end in ["", "-wal"] {
        let from = format!("{}{end}", home.ledger().display());
        fs::copy(from, case.join(format!("ledger.db{end}"))).unwrap();
    }
    let count = home.entries().len();
    drop(other);
    assert!(count > early);
    let before = held(&case);
    let ended = home.run(&["verify", &case.join("ledger.db").display().to_string()]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.starts_with(&format!("verified: {count} entries")),
        "{ended:?}"
    );
    assert_eq!(held(&case), before);
}

#[test]
fn l7_a_restored_backup_is_found_in_a_file_that_is_only_read() {
    let home = ran();
    let file = home.ledger().display().to_string();
    let backup = home.path("backup.db");
    home.copy_ledger(&backup);
    home.script(&[serde_json::json!({"text": "three"})]);
    assert_eq!(home.run(&["run", "three"]).code, 0);
    home.verifies();
    assert_eq!(home.run(&["verify", &file]).code, 0);
    for end in ["-wal", "-shm"] {
        drop(fs::remove_file(format!("{file}{end}")));
    }
    fs::copy(&backup, home.ledger()).unwrap();
    let notes = home.path("home/.local/state/thymos/checkpoints");
    for older in ["checkpoint", "last check"] {
        let ended = home.run(&["verify", &file]);
        assert_eq!(ended.code, 13, "{ended:?}");
        assert!(ended.out.contains(older), "{older} is not in {ended:?}");
        // Without the notes, the earlier check still vouches for what was there.
        drop(fs::remove_dir_all(&notes));
    }
}
