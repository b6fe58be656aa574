//! `thymos import` `[L16]`: a whole log moves to another machine with every id and every proof, and
//! nothing that does not verify or does not fit leaves a trace.

use std::fs;
use std::time::Duration;

use serde_json::json;
use thymos_core::Entry;
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_testkit::postgres::Database;

use super::bundles::{exported, key, ran};
use super::home::Home;
use crate::archive::Archive;
use crate::stranger;
use crate::whole::whole;

/// A machine with a bundle in its folder, and a key that is trusted here.
fn machine(archive: &Archive) -> Home {
    let home = Home::playing(&[json!({"text": "done"})]);
    let config = home.read("home/.config/thymos/config.toml");
    home.config(&format!("{config}\n[operator]\nname = \"bea\"\n"));
    fs::write(home.path("ws/b.tar"), archive.bytes()).unwrap();
    home
}

/// The same with one bit of a commit turned.
pub(super) fn bent(archive: &Archive) -> Archive {
    let mut bent = archive.clone();
    let mut entries = bent.entries();
    let at = bent.of_kind("commit");
    entries[at][2][30] ^= 1;
    bent.set_entries(&entries);
    bent
}

fn import(home: &Home, key: &str) -> super::home::Ended {
    home.run(&["import", "b.tar", "--key", key])
}

fn bytes(entries: &[Entry]) -> Vec<Vec<u8>> {
    entries
        .iter()
        .map(|entry| entry.header_bytes.clone())
        .collect()
}

/// What was exported where a log was moved to is the same, but for the keys that are named, and for the line of
/// whoever exported it below the note that stands: who has their key alone can check it.
fn is_moved(moved: &mut Archive, archive: &Archive) {
    moved.say("keys", archive.manifest()["keys"].clone());
    let theirs = archive.clone().content("checkpoints.notes").clone();
    let notes = moved.content("checkpoints.notes");
    let added = notes.strip_prefix(theirs.trim_ascii_end()).unwrap();
    let added = std::str::from_utf8(added).unwrap();
    assert!(added.starts_with("\n\u{2014} thymos/"), "{added}");
    assert_eq!(added.trim().lines().count(), 1, "{added}");
    *notes = theirs;
    assert_eq!(moved.bytes(), archive.bytes());
}

#[test]
fn l16_a_log_moves_with_every_id_and_every_proof_and_twice_is_once() {
    let home = whole();
    let key = key(&home);
    let archive = exported(&home, &["--all"]);
    let entries = home.entries();
    let there = machine(&archive);
    let taken = import(&there, &key);
    assert_eq!(taken.code, 0, "{taken:?}");
    assert!(
        taken
            .out
            .contains(&format!("{0} entries of log", entries.len())),
        "{taken:?}"
    );
    assert!(
        taken.err.contains(&format!("keys trust ada {key}")),
        "{taken:?}"
    );
    assert_eq!(there.entries(), entries);
    let again = import(&there, &key);
    assert!(
        again.code == 0 && again.out.contains(", 0 of them new"),
        "{again:?}"
    );
    assert_eq!(there.entries(), entries);
    assert_eq!(
        there
            .run(&["keys", "trust", "ada", &key, "--for", "answers,policy"])
            .code,
        0
    );
    let told = there.run(&["verify"]);
    assert_eq!(told.code, 0, "{told:?}");
    // A receipt that was given there proves the same here, and the bundle is the same but for its keys.
    let id = entries[7].id.to_string();
    let receipt = home.run(&["receipt", &id]).out;
    there.write("ws/r", &receipt);
    assert_eq!(there.run(&["verify", "r"]).code, 0);
    let mut moved = exported(&there, &["--all"]);
    is_moved(&mut moved, &archive);
    // It goes on there, and what went on comes back.
    let went_on = there.run(&["--mode", "plan", "run", "there"]);
    assert_eq!(went_on.code, 0, "{went_on:?}");
    let longer = exported(&there, &["--all"]);
    fs::write(home.path("ws/b.tar"), longer.bytes()).unwrap();
    let theirs = super::bundles::key(&there);
    let back = home.run(&["import", "b.tar", "--key", &key, "--key", &theirs]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(home.entries(), there.entries());
}

/// A call that broke off keeps the images of what it changed, and they move with the log.
#[test]
fn l16_l4_what_a_call_that_broke_off_had_changed_moves_too() {
    let call = json!({"tool": "shell", "args": {"command": "echo new > slow.txt; sleep 30", "timeout_ms": 700}});
    let home = Home::playing(&[json!({"calls": [call]}), json!({"text": "done"})]);
    home.write("ws/slow.txt", "old\n");
    assert_eq!(home.run(&["run", "change it"]).code, 10);
    let (id, digest) = home.held();
    home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(home.count("failure"), 1);
    home.verifies();
    let key = key(&home);
    let archive = exported(&home, &["--all"]);
    stranger::verifies(&home, &key, &archive.bytes(), home.entries().len());
    let there = machine(&archive);
    assert_eq!(import(&there, &key).code, 0);
    let trusted = there.run(&["keys", "trust", "ada", &key, "--for", "answers,policy"]);
    assert_eq!(trusted.code, 0, "{trusted:?}");
    let told = there.run(&["verify"]);
    assert_eq!(told.code, 0, "{told:?}");
    // Without the images the bundle is not what its entries say.
    let mut bare = archive.clone();
    let members = bare.0.len();
    bare.0.retain(|(name, _)| !name.starts_with("blobs/"));
    assert!(bare.0.len() < members);
    bare.say("blobs", json!("0"));
    fs::write(there.path("ws/bare.tar"), bare.bytes()).unwrap();
    let ended = there.run(&["verify", "bare.tar", "--key", &key]);
    assert_ne!(ended.code, 0, "{ended:?}");
}

#[test]
fn l16_another_log_and_another_history_are_refused_in_one_sentence() {
    let home = ran();
    let key = key(&home);
    let archive = exported(&home, &["--all"]);
    let busy = ran();
    fs::write(busy.path("ws/b.tar"), archive.bytes()).unwrap();
    let before = bytes(&busy.entries());
    import(&busy, &key).says(11, "has entries of another log", "--ledger");
    assert_eq!(bytes(&busy.entries()), before);
    // Both went on from the same beginning, each in its own way.
    let there = machine(&archive);
    assert_eq!(import(&there, &key).code, 0);
    assert_eq!(there.run(&["keys", "trust", "ada", &key]).code, 0);
    assert_eq!(there.run(&["--mode", "plan", "run", "there"]).code, 0);
    home.script(&[json!({"text": "done"})]);
    assert_eq!(home.run(&["--mode", "plan", "run", "here"]).code, 0);
    let forked = exported(&there, &["--all"]);
    fs::write(home.path("ws/b.tar"), forked.bytes()).unwrap();
    let before = bytes(&home.entries());
    let theirs = super::bundles::key(&there);
    home.run(&["import", "b.tar", "--key", &key, "--key", &theirs])
        .says(11, "went on otherwise", "find out which");
    assert_eq!(bytes(&home.entries()), before);
    home.verifies();
}

#[test]
fn l16_only_what_verifies_is_taken_and_nothing_half_done_stays() {
    let home = ran();
    let key = key(&home);
    let archive = exported(&home, &["--all"]);
    let there = machine(&bent(&archive));
    let ended = import(&there, &key);
    assert_eq!(ended.code, 13, "{ended:?}");
    assert!(ended.out.starts_with("NOT verified"), "{ended:?}");
    assert!(ended.err.contains("does not verify"), "{ended:?}");
    assert!(!there.ledger().exists(), "no ledger was made");
    let other = thymos_core::key::SigningKey::from_seed(&[5; 32]).public();
    let there = machine(&archive);
    let ended = import(&there, &other.to_string());
    ended.says(13, "no key that is trusted here signed", "--key NAME=KEY");
    assert!(ended.err.contains("nothing of it was taken"), "{ended:?}");
    assert!(!there.ledger().exists());
    there
        .run(&["import", "b.tar"])
        .says(2, "no key is trusted", &key);
    let run = home.json(&["runs", "--json"])[0]["trajectory"].clone();
    for (args, words) in [
        (&[run.as_str().unwrap()][..], "an excerpt"),
        (
            &["--all", "--withhold", "message"],
            "bodies of it are withheld",
        ),
    ] {
        let there = machine(&exported(&home, args));
        import(&there, &key).says(1, words, "export --all");
        assert!(!there.ledger().exists());
    }
    there.write("ws/b.tar", "hello");
    import(&there, &key).says(1, "it is no bundle", "thymos export");
}

#[test]
fn l16_an_import_or_export_that_is_killed_leaves_all_or_nothing() {
    let home = ran();
    let key = key(&home);
    let archive = exported(&home, &["--all"]);
    let count = home.entries().len();
    let there = machine(&archive);
    // The ledger is there before the killing starts, so that what is killed is the taking over.
    assert_eq!(there.run(&["runs"]).code, 0);
    let mut cut_short = 0;
    for delay in 0..16 {
        let fresh = there.path(&format!("ws/{delay}.db"));
        let ledger = fresh.display().to_string();
        let mut killed = there.start(&["--ledger", &ledger, "import", "b.tar", "--key", &key]);
        std::thread::sleep(Duration::from_millis(delay * 6));
        killed.kill().unwrap();
        killed.wait().unwrap();
        let stands = || match SqliteLedger::open_read_only(&fresh) {
            Ok(ledger) => ledger.len().unwrap(),
            Err(_) => 0,
        };
        let left = stands();
        assert!(
            left == 0 || left == count as u64,
            "{left} of {count} after {delay}"
        );
        cut_short += u64::from(left == 0);
        let again = there.run(&["--ledger", &ledger, "import", "b.tar", "--key", &key]);
        assert_eq!(again.code, 0, "{again:?}");
        assert_eq!(stands(), count as u64);
        let out = there.path(&format!("ws/{delay}.tar"));
        let name = out.display().to_string();
        let mut killed = home.start(&["export", "--all", "-o", &name]);
        std::thread::sleep(Duration::from_millis(delay * 6));
        killed.kill().unwrap();
        killed.wait().unwrap();
        if out.exists() {
            let whole = home.run(&["verify", &name]);
            assert_eq!(whole.code, 0, "{whole:?}");
        }
    }
    assert!(cut_short > 0, "nothing was killed in time");
}

/// A machine as [`machine`], whose ledger is this database.
fn at_a_server(archive: &Archive, url: &str) -> Home {
    let there = machine(archive);
    let config = there.read("home/.config/thymos/config.toml");
    there.config(&format!("{config}\n[ledger]\npath = \"{url}\"\n"));
    there
}

#[test]
fn l14_l16_a_log_moves_to_a_server_and_back_with_every_id_and_every_proof() {
    let Some(database) = Database::new() else {
        return;
    };
    let home = whole();
    let key = key(&home);
    let archive = exported(&home, &["--all"]);
    let entries = home.entries();
    let there = at_a_server(&archive, &database.url());
    for new in [entries.len(), 0] {
        let taken = import(&there, &key);
        let words = format!("imported: {} entries of log ", entries.len());
        assert!(
            taken.code == 0 && taken.out.starts_with(&words),
            "{taken:?}"
        );
        assert!(
            taken.out.ends_with(&format!(", {new} of them new\n")),
            "{taken:?}"
        );
        assert!(
            taken.err.contains(&format!("keys trust ada {key}")),
            "{taken:?}"
        );
    }
    assert!(!there.ledger().exists(), "nothing at home");
    let trusting = ["keys", "trust", "ada", &key, "--for", "answers,policy"];
    assert_eq!(there.run(&trusting).code, 0);
    there.verifies();
    // Receipts of the file hold here; and what goes out again is the same but for its keys.
    for entry in [&entries[7], &entries[entries.len() - 1]] {
        let id = entry.id.to_string();
        there.write("ws/r", &home.run(&["receipt", &id]).out);
        assert_eq!(there.run(&["verify", "r"]).code, 0);
        let own = there.run(&["receipt", &id]).out;
        home.write("ws/r", &own);
        assert_eq!(home.run(&["verify", "r"]).code, 0, "{own}");
    }
    let mut moved = exported(&there, &["--all"]);
    stranger::verifies(&there, &key, &moved.bytes(), entries.len());
    is_moved(&mut moved, &archive);
    // It goes on at the server, and what went on comes back into the file.
    let went_on = there.run(&["--mode", "plan", "run", "there"]);
    assert_eq!(went_on.code, 0, "{went_on:?}");
    there.verifies();
    let longer = exported(&there, &["--all"]);
    fs::write(home.path("ws/b.tar"), longer.bytes()).unwrap();
    let theirs = super::bundles::key(&there);
    let back = home.run(&["import", "b.tar", "--key", &key, "--key", &theirs]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(&home.entries()[..entries.len()], entries);
    assert_eq!(
        exported(&home, &["--all"]).content("entries/"),
        longer.clone().content("entries/")
    );
    assert_eq!(
        database.sql("SELECT count(*) FROM thymos.entries"),
        [home.entries().len().to_string()]
    );
}

#[test]
fn l16_what_a_server_does_not_take_leaves_it_as_it_was() {
    let Some(database) = Database::new() else {
        return;
    };
    let home = ran();
    let key = key(&home);
    let archive = exported(&home, &["--all"]);
    let there = at_a_server(&bent(&archive), &database.url());
    let ended = import(&there, &key);
    assert_eq!(ended.code, 13, "{ended:?}");
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'thymos'";
    assert_eq!(database.sql(made), ["0"], "no ledger was made");
    // Somebody who may add, and owns nothing.
    let role = format!("{}_imports", database.name());
    assert_eq!(there.run(&["runs"]).code, 0);
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA thymos TO {role}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA thymos TO {role}; \
         GRANT INSERT ON thymos.entries, thymos.nodes, thymos.checkpoints, thymos.blobs TO {role}"
    ));
    fs::write(there.path("ws/b.tar"), archive.bytes()).unwrap();
    let ((host, port), name) = (database.address(), database.name());
    let url = format!("postgres://{role}@{host}:{port}/{name}?sslmode=disable");
    let log = "SELECT id FROM thymos.log";
    let before = database.sql(log);
    there
        .run(&["--ledger", &url, "import", "b.tar", "--key", &key])
        .says(1, "only the owner of its tables", "docs/guide/postgres.md");
    assert_eq!(database.sql(log), before);
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    // Its owner may; then another log, and another history, are refused.
    assert_eq!(import(&there, &key).code, 0);
    let count = "SELECT count(*), (SELECT count(*) FROM thymos.blobs) FROM thymos.entries";
    let stands = database.sql(count);
    let other = ran();
    let foreign = exported(&other, &["--all"]);
    fs::write(there.path("ws/b.tar"), foreign.bytes()).unwrap();
    let theirs = super::bundles::key(&other);
    import(&there, &theirs).says(11, "has entries of another log", "--ledger");
    assert_eq!(there.run(&["keys", "trust", "ada", &key]).code, 0);
    assert_eq!(there.run(&["--mode", "plan", "run", "there"]).code, 0);
    home.script(&[json!({"text": "done"})]);
    assert_eq!(home.run(&["--mode", "plan", "run", "here"]).code, 0);
    let forked = exported(&home, &["--all"]);
    fs::write(there.path("ws/b.tar"), forked.bytes()).unwrap();
    let own = super::bundles::key(&there);
    there
        .run(&["import", "b.tar", "--key", &key, "--key", &own])
        .says(11, "went on otherwise", "find out which");
    assert_ne!(database.sql(count), stands, "the run is there");
    there.verifies();
}

#[test]
fn l16_an_import_into_a_server_that_is_killed_leaves_all_or_nothing() {
    let home = ran();
    let key = key(&home);
    let archive = exported(&home, &["--all"]);
    let count = home.entries().len();
    let mut cut_short = 0;
    for delay in 0..10 {
        let Some(database) = Database::new() else {
            return;
        };
        let there = at_a_server(&archive, &database.url());
        assert_eq!(there.run(&["runs"]).code, 0);
        let mut killed = there.start(&["import", "b.tar", "--key", &key]);
        std::thread::sleep(Duration::from_millis(delay * 40));
        killed.kill().unwrap();
        killed.wait().unwrap();
        let taken = import(&there, &key);
        assert_eq!(taken.code, 0, "{taken:?}");
        let told = |new: usize| taken.out.contains(&format!(", {new} of them new"));
        assert!(told(count) || told(0), "{taken:?}");
        cut_short += u64::from(told(count));
    }
    assert!(cut_short > 0, "nothing was killed in time");
}
