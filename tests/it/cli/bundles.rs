//! `thymos export` and `thymos verify BUNDLE` `[L16]`: what is handed on proves itself to a stranger, and
//! what was bent on the way is refused or located.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use thymos_core::checkpoint::Checkpoint;
use thymos_core::key::SigningKey;
use thymos_core::merkle::{Frontier, leaf};
use thymos_core::{Digest, EntryId, Kind};

use super::home::{Ended, Home, unguarded};
use crate::archive::{Archive, header};
use crate::whole::whole;

/// Two trajectories, the second with a file and a private word.
pub(crate) fn ran() -> Home {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "list_files", "args": {}}]}),
        json!({"text": "all listed"}),
    ]);
    assert_eq!(home.run(&["--mode", "auto", "run", "one"]).code, 0);
    home.script(&[
        json!({"calls": [
            {"tool": "memory_write", "args": {"key": "a", "text": "quite private"}},
            {"tool": "fs_write", "args": {"path": "a.txt", "content": "kept in a blob"}},
        ]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "two"]).code, 10);
    let (id, digest) = home.held();
    let answered = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(answered.code, 0, "{answered:?}");
    home
}

pub(super) fn newest(home: &Home) -> String {
    let rows = home.json(&["runs", "--json"]);
    rows[0]["trajectory"].as_str().unwrap().to_owned()
}

pub(crate) fn key(home: &Home) -> String {
    let shown = home.run(&["keys", "show"]).out;
    shown.split_whitespace().next().unwrap().to_owned()
}

pub(crate) fn exported(home: &Home, args: &[&str]) -> Archive {
    let ended = home.run(&[&["export", "--force", "-o", "b.tar"], args].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    Archive::read(&fs::read(home.path("ws/b.tar")).unwrap())
}

/// What somebody with the key alone, and not even a home, is told of these bytes.
fn told(home: &Home, key: &str, bytes: &[u8]) -> Ended {
    fs::write(home.path("ws/x.tar"), bytes).unwrap();
    let mut command = home.command(&["verify", "x.tar", "--key", key]);
    Ended::of(&command.env_clear().output().unwrap())
}

#[test]
fn l16_a_whole_log_verifies_for_a_stranger_who_has_the_key_alone() {
    let home = ran();
    let archive = exported(&home, &["--all"]);
    let ended = told(&home, &key(&home), &archive.bytes());
    assert_eq!(ended.code, 0, "{ended:?}");
    let count = home.entries().len();
    for words in [
        format!("verified: {count} entries, trajectories: 2"),
        format!("V1 integrity of {count} entries, V2 state of {count}, V3 "),
        format!(
            "under the checkpoint of {count} entries that {}",
            key(&home)
        ),
        format!("nothing of what came after the {count} entries"),
    ] {
        assert!(ended.out.contains(&words), "{words}: {}", ended.out);
    }
    assert!(!ended.out.contains("not possible"), "{}", ended.out);
    let blob = Digest::of(b"kept in a blob");
    assert_eq!(archive.0[archive.at("blobs/")].0, format!("blobs/{blob}"));
    let again = exported(&home, &["--all"]);
    assert_eq!(
        again.bytes(),
        archive.bytes(),
        "the same log, the same bytes"
    );
    let stranger = Home::new();
    fs::write(stranger.path("ws/x.tar"), archive.bytes()).unwrap();
    let json = stranger.json(&["verify", "x.tar", "--key", &key(&home), "--json"]);
    assert_eq!(json[0]["findings"], json!([]));
    assert_eq!(json[0]["bundle"]["signer"], json!(key(&home)));
    assert!(stranger.is_untouched(), "nothing is made to check a bundle");
    assert_eq!(
        home.run(&["verify", "b.tar"]).code,
        0,
        "by the operator's own trust"
    );
}

#[test]
fn l16_one_trajectory_verifies_and_tells_nothing_of_the_others() {
    let home = ran();
    let run = newest(&home);
    let archive = exported(&home, &[&run]);
    let ended = told(&home, &key(&home), &archive.bytes());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("trajectories: 1"), "{}", ended.out);
    assert!(!ended.out.contains("not possible"), "{}", ended.out);
    let bytes = archive.bytes();
    let has = |words: &str| {
        bytes
            .windows(words.len())
            .any(|part| part == words.as_bytes())
    };
    assert!(has("quite private") && has(&run));
    for entry in home.entries() {
        let own = entry.header.trajectory.to_string() == run;
        assert_eq!(has(&entry.header.body_hex()), own, "{}", entry.header.index);
    }
}

/// The commitment as it is written.
trait BodyHex {
    fn body_hex(&self) -> String;
}

impl BodyHex for thymos_core::entry::EntryHeader {
    fn body_hex(&self) -> String {
        let value: Value = serde_json::to_value(self.body).unwrap();
        value.as_str().unwrap().to_owned()
    }
}

#[test]
fn l16_what_was_withheld_reads_so_and_the_rest_still_verifies() {
    let home = ran();
    let run = newest(&home);
    let archive = exported(&home, &[&run, "--withhold", "message"]);
    let bytes = archive.bytes();
    assert!(!String::from_utf8_lossy(&bytes).contains("\"text\":\"done\""));
    let ended = told(&home, &key(&home), &bytes);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("bodies withheld"), "{}", ended.out);
    assert!(
        !ended.out.contains("not possible"),
        "a message decides nothing: {}",
        ended.out
    );
    let intents = home.json(&["ledger", "kind:intent", "--run", &run, "--json"]);
    let seq = intents[0]["seq"].to_string();
    let archive = exported(&home, &[&run, "--withhold", &seq]);
    let ended = told(&home, &key(&home), &archive.bytes());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("1 bodies withheld"), "{}", ended.out);
    assert!(ended.out.contains("checks not possible"), "{}", ended.out);
    let archive = exported(&home, &["--all", "--withhold", "commit"]);
    assert!(
        archive
            .0
            .iter()
            .all(|(name, _)| !name.starts_with("blobs/"))
    );
    let ended = told(&home, &key(&home), &archive.bytes());
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn l16_a_wrong_key_proves_nothing_and_no_key_is_asked_for() {
    let home = ran();
    let archive = exported(&home, &["--all"]);
    let other = SigningKey::from_seed(&[5; 32]).public().to_string();
    let ended = told(&home, &other, &archive.bytes());
    assert_eq!(ended.code, 13, "{ended:?}");
    // One sentence, whatever the number of decisions that rest on it.
    ended.says(
        13,
        "no key that is trusted here signed bundle",
        "--key NAME=KEY",
    );
    let said: Vec<&str> = ended.err.lines().collect();
    assert!(said[2].contains(&key(&home)), "{said:?}");
    assert!(said[3].contains("are whole in themselves"), "{said:?}");
    assert_eq!(said.len(), 4, "{said:?}");
    // What does not follow from the key is listed all the same.
    let both = told(&home, &other, &super::imports::bent(&archive).bytes());
    assert_eq!(both.code, 13, "{both:?}");
    assert!(both.out.starts_with("NOT verified"), "{both:?}");
    assert!(!both.out.contains("decisions trace"), "{both:?}");
    assert!(!both.err.contains("whole in themselves"), "{both:?}");
    assert_eq!(told(&home, &key(&home), &archive.bytes()).err, "");
    let stranger = Home::new();
    fs::write(stranger.path("ws/x.tar"), archive.bytes()).unwrap();
    stranger
        .run(&["verify", "x.tar"])
        .says(2, "no key is trusted here", &key(&home));
    stranger
        .run(&["verify", "x.tar", "--key", "abc"])
        .says(2, "no public key", "keys show");
    stranger
        .run(&["verify", "x.tar", "--key", &format!(" ={}", key(&home))])
        .says(2, "names nobody before its `=`", "leave the `=` out");
    home.run(&["verify", "--key", &other])
        .says(2, "--key names others", "keys trust");
}

#[test]
fn l16_what_is_wrong_with_an_export_is_said_before_a_byte_is_written() {
    let home = ran();
    home.run(&["export", "--all", "--withhold", "mesage", "-o", "b.tar"])
        .says(2, "neither a kind", "`message`");
    home.run(&["export", "--all", "--withhold", "erased", "-o", "b.tar"])
        .says(2, "cannot be withheld", "another kind");
    home.run(&["export", "--all", "--withhold", "99999", "-o", "b.tar"])
        .says(1, "no entry at index 99999", "thymos ledger");
    home.run(&["export", &newest(&home), "--withhold", "999", "-o", "b.tar"])
        .says(1, "has no entry 999", "thymos ledger");
    home.run(&["export", "ffffffffffff", "-o", "b.tar"]).says(
        1,
        "there is no trajectory",
        "thymos runs",
    );
    home.run(&["export", "--all", "-o", "nowhere/b.tar"]).says(
        1,
        "cannot be written",
        "check the folder",
    );
    assert_eq!(home.run(&["export", "-o", "b.tar"]).code, 2);
    home.run(&["export", "--all", "-o", "-"])
        .says(2, "`-` is no file", "-o FILE");
    home.write("ws/b.tar", "mine");
    home.run(&["export", "--all", "-o", "b.tar"]).says(
        1,
        "there is a file `b.tar` already",
        "--force",
    );
    assert_eq!(home.read("ws/b.tar"), "mine");
    let ledger = home.ledger().display().to_string();
    home.run(&["export", "--all", "--force", "-o", &ledger])
        .says(1, "is the ledger itself", "another file");
    home.verifies();
    home.run(&["--tenant", "other", "export", "--all", "-o", "o.tar"])
        .says(11, "another tenant", "thymos runs");
    home.run(&["--tenant", "other", "export", &newest(&home), "-o", "o.tar"])
        .says(1, "there is no trajectory", "thymos runs");
    let left = fs::read_dir(home.path("ws")).unwrap();
    let names: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
    assert!(
        names
            .iter()
            .all(|name| !name.to_string_lossy().contains("tar.") && name != "o.tar"),
        "{names:?}"
    );
}

/// `[C5]` What other tenants did goes along only where that is said, and then the ledger can move.
#[test]
fn l16_a_ledger_of_several_tenants_moves_as_a_whole_on_purpose() {
    let home = ran();
    home.script(&[json!({"text": "theirs"})]);
    assert_eq!(home.run(&["--tenant", "other", "run", "go"]).code, 0);
    home.run(&["export", "--all", "-o", "b.tar"])
        .says(11, "another tenant", "--all-tenants");
    let run = newest(&home);
    let one = home.run(&["export", &run, "--all-tenants", "-o", "b.tar"]);
    assert_eq!(one.code, 2, "{one:?}");
    let archive = exported(&home, &["--all", "--all-tenants"]);
    let key = key(&home);
    assert_eq!(told(&home, &key, &archive.bytes()).code, 0);
    let there = Home::new();
    fs::write(there.path("ws/b.tar"), archive.bytes()).unwrap();
    let moved = there.run(&["import", "b.tar", "--key", &key]);
    assert_eq!(moved.code, 0, "{moved:?}");
    assert_eq!(there.entries(), home.entries());
    let theirs = there.json(&["--tenant", "other", "runs", "--json"]);
    assert_eq!(theirs.len(), 1, "{theirs:?}");
}

#[test]
fn l16_a_ledger_that_does_not_verify_is_not_exported() {
    let home = ran();
    let sql = "UPDATE entries SET body = x'7b7d' WHERE idx = 9";
    unguarded(&home.ledger(), |ledger| ledger.execute_batch(sql).unwrap());
    let ended = home.run(&["export", "--all", "-o", "b.tar"]);
    ended.says(13, "at index 9", "nothing was written");
    assert!(!home.path("ws/b.tar").exists());
}

#[test]
fn l16_a_file_is_found_by_its_content() {
    let home = ran();
    let ledger = home.ledger().display().to_string();
    let ended = home.run(&["verify", &ledger]);
    assert!(
        ended.code == 0 && ended.out.starts_with("verified"),
        "{ended:?}"
    );
    let entry = home.entries()[5].id.to_string();
    assert_eq!(home.run(&["receipt", &entry, "-o", "r.proof"]).code, 0);
    assert!(home.run(&["verify", "r.proof"]).out.starts_with("proved: "));
    // Short, long, and with what would be read as another kind of member.
    for text in ["hello".to_owned(), "root:x:0:0:root:/root\n".repeat(99)] {
        home.write("ws/text", &text);
        home.run(&["verify", "text"])
            .says(1, "it is no bundle", "thymos export");
    }
    home.run(&["verify", "nowhere"])
        .says(1, "cannot be read", "check the path");
    // A pipe that nobody writes to is not waited for.
    let pipe = Command::new("mkfifo").arg(home.path("ws/pipe")).status();
    assert!(pipe.unwrap().success());
    for verb in [
        &["verify", "pipe"][..],
        &["import", "pipe"],
        &["verify", "."],
    ] {
        let ended = home.run(verb);
        ended.says(1, "is no file", "write it to a file");
    }
}

/// Each is refused in one sentence that holds these words.
fn refusals(archive: &Archive) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = archive.bytes();
    let with = |name: &str, flag: u8| {
        let member = header(name, 0, flag);
        [&bytes[..bytes.len() - 1024], &member, &[0; 1024]].concat()
    };
    let changed = |change: &dyn Fn(&mut Archive)| {
        let mut other = archive.clone();
        change(&mut other);
        other.bytes()
    };
    let push = |name: &str| {
        let name = name.to_owned();
        changed(&move |all| all.0.push((name.clone(), b"x".to_vec())))
    };
    vec![
        ("it was cut", bytes[..bytes.len() - 1].to_vec()),
        ("it was cut", bytes[..bytes.len() / 2].to_vec()),
        ("stands behind its end", [&bytes[..], b"x"].concat()),
        ("leads out of the bundle", with("../../etc/cron.d/x", b'0')),
        ("leads out of the bundle", with("/etc/passwd", b'0')),
        ("is a link", with("blobs/x", b'2')),
        ("is a link", with("blobs/x", b'1')),
        ("is a device", with("blobs/x", b'3')),
        ("is a folder", with("blobs", b'5')),
        ("is an extension of tar", with("blobs/x", b'x')),
        ("no bundle has a member `readme`", push("readme")),
        ("no bundle has a member `blobs/x`", push("blobs/x")),
        (
            "stands there twice",
            changed(&|all| all.0.insert(1, all.0[1].clone())),
        ),
        (
            "version 2, and this program knows 1",
            changed(&|all| all.say("v", json!(2))),
        ),
        (
            "at most 1048576 are read",
            changed(&|all| all.0[0].1 = vec![b' '; 2 * 1024 * 1024]),
        ),
        (
            "its manifest says 1",
            changed(&|all| all.say("checkpoints", json!(1))),
        ),
        (
            "no checkpoint of its own log",
            changed(&|all| all.say("log", json!(Digest::of(b"x")))),
        ),
    ]
}

#[test]
fn l16_the_names_in_a_bundle_reach_no_terminal_as_they_are() {
    let home = ran();
    let (key, archive) = (key(&home), exported(&home, &["--all"]));
    let bytes = archive.bytes();
    for name in [
        "blobs/\u{1b}[2J\u{1b}[31mx",
        "x\nverified: 27 entries",
        "blobs/\u{202e}rat",
    ] {
        for flag in [b'0', b'2'] {
            let member = header(name, 0, flag);
            let forged = [&bytes[..bytes.len() - 1024], &member, &[0; 1024]].concat();
            let ended = told(&home, &key, &forged);
            assert_eq!((ended.code, ended.out.as_str()), (13, ""), "{ended:?}");
            let spoof = |c: char| c == '\u{202e}' || c.is_control() && c != '\n';
            assert!(!ended.err.contains(spoof), "{ended:?}");
            assert!(!ended.err.contains("\nverified"), "{ended:?}");
        }
    }
}

#[test]
fn l16_what_is_not_formed_as_a_bundle_is_refused_in_one_sentence() {
    let home = ran();
    let key = key(&home);
    for archive in [
        exported(&home, &["--all"]),
        exported(&home, &[&newest(&home)]),
    ] {
        for (words, bytes) in refusals(&archive) {
            let ended = told(&home, &key, &bytes);
            let version = words.contains("version");
            ended.says(if version { 1 } else { 13 }, words, "");
        }
    }
}

/// Each is found where it is: a word of the finding, and the bytes.
fn findings(archive: &Archive, other: &Archive) -> Vec<(&'static str, Vec<u8>)> {
    let changed = |change: &dyn Fn(&mut Archive)| {
        let mut bent = archive.clone();
        change(&mut bent);
        bent.bytes()
    };
    let entry = |change: &dyn Fn(&mut [Vec<u8>; 3])| {
        changed(&|all| {
            let mut entries = all.entries();
            let at = all.of_kind("commit");
            change(&mut entries[at]);
            all.set_entries(&entries);
        })
    };
    let digit =
        |line: &mut Vec<u8>, at: usize| line[at] = if line[at] == b'0' { b'1' } else { b'0' };
    vec![
        ("bytes", entry(&|lines| lines[2][20] ^= 1)),
        ("bytes", entry(&|lines| digit(&mut lines[1], 5))),
        ("bytes", entry(&|lines| lines[0][2] ^= 1)),
        ("bytes", entry(&|lines| lines[1] = b"-".to_vec())),
        (
            "body",
            entry(&|lines| (lines[1], lines[2]) = (b"-".to_vec(), b"-".to_vec())),
        ),
        (
            "withheld",
            changed(&|all| all.say("withheld", json!({"entries": [], "kinds": ["commit"]}))),
        ),
        (
            "previous entry",
            changed(&|all| {
                let mut entries = all.entries();
                let at = all.of_kind("intent");
                let text = String::from_utf8(entries[at][0].clone()).unwrap();
                let (before, rest) = text.split_once("\"at_ms\":1").unwrap();
                entries[at][0] = format!("{before}\"at_ms\":2{rest}").into_bytes();
                all.set_entries(&entries);
            }),
        ),
        (
            "sequence",
            changed(&|all| {
                let mut entries = all.entries();
                let at = all.of_kind("commit");
                entries.swap(at - 1, at);
                all.set_entries(&entries);
            }),
        ),
        (
            "log",
            changed(&|all| {
                let mut entries = all.entries();
                let at = all.of_kind("commit");
                entries[at] = other.clone().entries()[at].clone();
                all.set_entries(&entries);
            }),
        ),
        ("storage", changed(&|all| all.content("blobs/")[0] ^= 1)),
        (
            "storage",
            changed(&|all| {
                let at = all.at("blobs/");
                all.0.remove(at);
                let blobs = all.manifest()["blobs"].as_u64().unwrap();
                all.say("blobs", json!(blobs - 1));
            }),
        ),
    ]
}

#[test]
fn l16_what_was_changed_in_a_bundle_is_found() {
    let home = ran();
    let (key, run) = (key(&home), newest(&home));
    let other = ran();
    for (own, its) in [
        (exported(&home, &["--all"]), exported(&other, &["--all"])),
        (
            exported(&home, &[&run]),
            exported(&other, &[&newest(&other)]),
        ),
    ] {
        for (word, bytes) in findings(&own, &its) {
            let ended = told(&home, &key, &bytes);
            assert_eq!(ended.code, 13, "{word}: {ended:?}");
            assert!(ended.out.starts_with("NOT verified"), "{word}: {ended:?}");
            assert!(
                ended.out.contains(&format!(" {word}: ")),
                "{word}: {}",
                ended.out
            );
        }
    }
}

#[test]
fn l16_t1_a_flipped_bit_of_a_bundle_is_told_wherever_it_is() {
    let home = ran();
    let key = key(&home);
    for archive in [
        exported(&home, &["--all"]),
        exported(&home, &[&newest(&home)]),
    ] {
        let sound = archive.bytes();
        // The names of keys are nobody's word but the writer's, and prove nothing.
        let manifest = archive.0[0].1.len();
        for sample in 1..=60_usize {
            let behind = 512 + manifest;
            let bits = (sound.len() - behind) * 8;
            let bit = behind * 8 + sample.wrapping_mul(0x9e37_79b9_7f4a_7c15_usize) % bits;
            let mut flipped = sound.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let ended = told(&home, &key, &flipped);
            assert_eq!(ended.code, 13, "bit {bit}: {ended:?}");
            assert!(!ended.out.starts_with("verified"), "bit {bit}: {ended:?}");
        }
    }
}

/// Every hash written anew over another history, and signed by a key that is at hand.
fn forged(archive: &Archive, key: &SigningKey, notes_of: Option<&Archive>) -> Vec<u8> {
    let mut bent = archive.clone();
    let mut entries = bent.entries();
    entries[3][0] = String::from_utf8(entries[3][0].clone())
        .unwrap()
        .replace("\"at_ms\":1", "\"at_ms\":2")
        .into_bytes();
    let mut tree = Frontier::new();
    for [header, _, _] in &entries {
        tree.push(leaf(EntryId::of(header).as_bytes()), |_, _| {});
    }
    let log = bent.manifest()["log"].as_str().unwrap().parse().unwrap();
    let note = Checkpoint {
        log,
        size: tree.size(),
        root: tree.root(),
    };
    let note = format!("{}\n", note.sign(key).note());
    bent.set_entries(&entries);
    let mut notes_of = notes_of.cloned();
    let theirs = notes_of
        .as_mut()
        .map(|other| other.content("checkpoints").clone());
    *bent.content("checkpoints") = theirs.unwrap_or_else(|| note.into_bytes());
    bent.say("checkpoints", json!(1));
    bent.bytes()
}

#[test]
fn l16_a_history_that_is_signed_by_another_key_or_for_another_log_is_not_believed() {
    let home = ran();
    let archive = exported(&home, &["--all"]);
    let thief = SigningKey::from_seed(&[9; 32]);
    let ended = told(&home, &key(&home), &forged(&archive, &thief, None));
    assert_eq!(ended.code, 13, "{ended:?}");
    assert!(
        ended.err.contains("No key that is trusted here signed"),
        "{ended:?}"
    );
    // The forger may name any key in the manifest: it gives none any weight.
    let mut named = Archive::read(&forged(&archive, &thief, None));
    named.say("keys", json!([{"name": "ada", "key": thief.public()}]));
    let ended = told(&home, &key(&home), &named.bytes());
    assert_eq!(ended.code, 13, "{ended:?}");
    // Under the notes of the real owner, whose root is another.
    let mut first = archive.clone();
    let notes = String::from_utf8(first.content("checkpoints").clone()).unwrap();
    let last = notes.trim_end().rsplit("\n\nthymos/").next().unwrap();
    *first.content("checkpoints") =
        format!("thymos/{}\n\n", last.trim_start_matches("thymos/")).into();
    let ended = told(&home, &key(&home), &forged(&archive, &thief, Some(&first)));
    assert_eq!(ended.code, 13, "{ended:?}");
    assert!(
        ended.out.contains("another history than was signed"),
        "{}",
        ended.out
    );
    let other = ran();
    let mut theirs = exported(&other, &["--all"]);
    let mut mixed = archive.clone();
    *mixed.content("checkpoints") = theirs.content("checkpoints").clone();
    mixed.say("checkpoints", theirs.manifest()["checkpoints"].clone());
    mixed.say("log", theirs.manifest()["log"].clone());
    let ended = told(&home, &key(&other), &mixed.bytes());
    assert_eq!(ended.code, 13, "{ended:?}");
}

#[test]
fn l16_an_excerpt_needs_a_proof_of_each_entry_and_a_whole_chain() {
    let home = ran();
    let key = key(&home);
    let archive = exported(&home, &[&newest(&home)]);
    let proofs = archive.at("entries/") + 1;
    let mut swapped = archive.clone();
    let text = String::from_utf8(swapped.0[proofs].1.clone()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(2, 9);
    swapped.0[proofs].1 = format!("{}\n", lines.join("\n")).into_bytes();
    let ended = told(&home, &key, &swapped.bytes());
    assert!(
        ended.code == 13 && ended.out.contains("integrity inclusion"),
        "{ended:?}"
    );
    // One content has one archive: what proves nothing is none of it.
    for more in [b"\n".to_vec(), text.clone().into_bytes()] {
        let mut longer = archive.clone();
        longer.0[proofs].1.extend(more);
        let ended = told(&home, &key, &longer.bytes());
        assert_ne!(ended.code, 0, "{ended:?}");
        assert!(ended.out.contains("more proofs than entries"), "{ended:?}");
    }
    let mut without = archive.clone();
    without.0.remove(proofs);
    let ended = told(&home, &key, &without.bytes());
    assert!(
        ended.code == 13 && ended.out.contains("inclusion"),
        "{ended:?}"
    );
    let mut parted = archive.clone();
    *parted.content("consistency") =
        b"\n".repeat(parted.manifest()["checkpoints"].as_u64().unwrap() as usize);
    let ended = told(&home, &key, &parted.bytes());
    assert!(
        ended.code == 13 && ended.out.contains("go on from"),
        "{ended:?}"
    );
    // One entry left out, with its proof and with the count set right.
    let mut short = archive.clone();
    let mut entries = short.entries();
    entries.remove(6);
    lines.swap(2, 9);
    lines.remove(6);
    short.set_entries(&entries);
    short.0[proofs].1 = format!("{}\n", lines.join("\n")).into_bytes();
    short.say("entries", json!(entries.len()));
    let ended = told(&home, &key, &short.bytes());
    assert!(
        ended.code == 13 && ended.out.contains("integrity sequence"),
        "{ended:?}"
    );
}

#[test]
fn l16_every_trajectory_of_a_ledger_with_every_kind_verifies_by_itself() {
    let home = whole();
    home.verifies();
    let key = key(&home);
    let entries = home.entries();
    let written: BTreeSet<&str> = entries.iter().map(|e| e.header.kind.as_str()).collect();
    let every: BTreeSet<&str> = Kind::ALL.into_iter().map(Kind::word).collect();
    let missing: Vec<_> = every.difference(&written).collect();
    assert_eq!(missing, [&"erased"]);
    let all = told(&home, &key, &exported(&home, &["--all"]).bytes());
    assert!(
        all.code == 0 && !all.out.contains("not possible"),
        "{all:?}"
    );
    for row in home.json(&["runs", "--json"]) {
        let run = row["trajectory"].as_str().unwrap();
        let ended = told(&home, &key, &exported(&home, &[run]).bytes());
        assert_eq!(ended.code, 0, "{row}: {}", ended.out);
    }
    // Whatever is left out, nothing is called wrong because of it.
    let mut wrong = Vec::new();
    for kind in every.into_iter().filter(|kind| *kind != "erased") {
        let archive = exported(&home, &["--all", "--withhold", kind]);
        let ended = told(&home, &key, &archive.bytes());
        if ended.code != 0 || !ended.out.contains("bodies withheld") {
            wrong.push(format!("{kind}: {}", ended.out));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bundles as the program wrote them once, with whoever signed them.
#[test]
fn l13_every_golden_bundle_verifies_as_it_did() {
    let key = "ed25519:a60ca324860ae3fe88899623c516cd832155c4ce7fab2943aafd2ca88afb5b3f";
    let other = SigningKey::from_seed(&[9; 32]).public().to_string();
    let home = Home::new();
    for (name, entries, runs, levels) in [
        (
            "all.tar",
            38,
            2,
            ["38 entries", "38", "6 decisions", "3 signatures"],
        ),
        (
            "run.tar",
            21,
            1,
            ["21 entries", "21", "4 decisions", "2 signatures"],
        ),
    ] {
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bundles/v1");
        let bytes = fs::read(all.join(name)).unwrap();
        fs::write(home.path("ws/x.tar"), &bytes).unwrap();
        let report = &home.json(&["verify", "x.tar", "--key", key, "--json"])[0];
        assert_eq!(report["findings"], json!([]), "{name}: {report}");
        assert_eq!(report["entries"], entries, "{report}");
        assert_eq!(report["trajectories"], runs, "{report}");
        assert_eq!(report["bundle"]["size"], 38, "{report}");
        assert_eq!(report["bundle"]["signer"], key, "{report}");
        let told = report["levels"].as_array().unwrap();
        for (level, words) in told.iter().zip(levels) {
            assert!(level.as_str().unwrap().ends_with(words), "{report}");
        }
        assert_eq!(told.len(), levels.len() + 1, "{report}");
        assert_eq!(told.last().unwrap(), "4 checkpoints agree", "{report}");
        assert_eq!(self::told(&home, key, &bytes).code, 0, "{name}");
        assert_ne!(self::told(&home, &other, &bytes).code, 0, "{name}");
    }
}

#[test]
fn l16_an_export_goes_over_no_file_of_the_program_by_whatever_name() {
    let home = Home::new();
    assert_eq!(home.run(&["run", "hello"]).code, 10);
    let own = ["--ledger", "own.db"];
    assert_eq!(home.run(&[&own[..], &["run", "hello"]].concat()).code, 10);
    let data = home.path("home/.local/share/thymos");
    symlink(&data, home.path("ws/data")).unwrap();
    symlink(data.join("operator.key"), home.path("ws/key.tar")).unwrap();
    let before = home.read("home/.local/share/thymos/operator.key");
    let at = |below: &str| home.path(below).display().to_string();
    for file in [
        at("home/.local/share/thymos/operator.key"),
        at("home/.local/share/thymos/ledger.db-wal"),
        at("home/.config/thymos/trust.json"),
        "data/operator.key".to_owned(),
        "key.tar".to_owned(),
        "../home/.local/share/thymos/new.tar".to_owned(),
    ] {
        home.run(&["export", "--all", "--force", "-o", &file]).says(
            1,
            "keeps files of its own",
            "another folder",
        );
    }
    for ending in ["-wal", "-shm", "-bell"] {
        let file = format!("own.db{ending}");
        home.run(&[&own[..], &["export", "--all", "--force", "-o", &file]].concat())
            .says(1, "keeps files of its own", "another folder");
    }
    assert_eq!(home.read("home/.local/share/thymos/operator.key"), before);
    home.verifies();
    exported(&home, &["--all"]);
}
