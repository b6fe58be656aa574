//! `docs/verify.py` `[L17]`: the specification in the hands of a stranger. It verifies bundles of a real
//! ledger with every kind of entry, and refuses each copy that was tampered with.
//!
//! Where Python or one of its two packages is missing, the tests say so and look at nothing: the gate
//! brings both.

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use thymos_core::Kind;
use thymos_core::checkpoint::Checkpoint;
use thymos_core::key::SigningKey;
use thymos_core::merkle::{Frontier, leaf};
use thymos_core::{Digest, EntryId};

use crate::archive::{Archive, header};
use crate::cli::bundles::{exported, key, ran};
use crate::cli::home::{Ended, Home};
use crate::whole::whole;

/// The interpreter with both packages, or the words why there is none: the one that
/// `THYMOS_TEST_PYTHON` names, as the gate does, or that of the machine.
#[expect(
    clippy::disallowed_methods,
    reason = "which interpreter the tests use is for whoever starts them"
)]
fn python() -> Result<OsString, String> {
    let named = std::env::var_os("THYMOS_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let imports = ["-c", "import blake3, cryptography"];
    match Command::new(&named).args(imports).output() {
        Ok(done) if done.status.success() => Ok(named),
        Ok(done) => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        Err(error) => Err(format!("{}: {error}", named.display())),
    }
}

/// Skips aloud: the words stand in the output of the test.
fn or_skip() -> Option<OsString> {
    python()
        .inspect_err(|why| {
            eprintln!("SKIPPED: docs/verify.py needs Python with blake3 and cryptography: {why}");
        })
        .ok()
}

fn verify(python: &OsString, home: &Home, key: &str, bytes: &[u8]) -> Ended {
    let file = home.path("ws/stranger.tar");
    fs::write(&file, bytes).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify.py");
    let done = Command::new(python)
        .arg(script)
        .arg(&file)
        .arg(key)
        .output();
    Ended::of(&done.unwrap())
}

/// A bundle of so many entries verifies for a stranger; without Python it is said aloud that none looked.
pub(crate) fn verifies(home: &Home, key: &str, bytes: &[u8], entries: usize) {
    let Some(python) = or_skip() else { return };
    let told = verify(&python, home, key, bytes);
    assert_eq!(told.code, 0, "{told:?}");
    let words = format!("verified: {entries} entries");
    assert!(told.out.starts_with(&words), "{told:?}");
}

#[test]
fn l17_a_stranger_verifies_a_log_with_every_kind_and_each_trajectory_of_it() {
    let Some(python) = or_skip() else { return };
    let home = whole();
    let key = key(&home);
    let all = exported(&home, &["--all"]);
    verifies(&home, &key, &all.bytes(), home.entries().len());
    let ours = home.run(&["verify", "b.tar"]);
    assert_eq!(ours.code, 0, "{ours:?}");
    for row in home.json(&["runs", "--json"]) {
        let run = row["trajectory"].as_str().unwrap();
        let told = verify(&python, &home, &key, &exported(&home, &[run]).bytes());
        assert_eq!(told.code, 0, "{row}: {told:?}");
    }
    for kind in ["message", "writ_issued", "commit"] {
        let bytes = exported(&home, &["--all", "--withhold", kind]).bytes();
        let told = verify(&python, &home, &key, &bytes);
        assert_eq!(told.code, 0, "{kind}: {told:?}");
        assert!(!told.out.contains(" 0 bodies withheld"), "{told:?}");
    }
    let other = SigningKey::from_seed(&[5; 32]).public().to_string();
    let told = verify(&python, &home, &other, &all.bytes());
    assert!(
        told.code == 1 && told.out.contains("nobody who was named"),
        "{told:?}"
    );
    let forged = forgeries(&all);
    assert_eq!(forged.len(), 6, "of each kind that holds a signature");
    for (name, bytes) in forged {
        let told = verify(&python, &home, &key, &bytes);
        assert_eq!((told.code, told.err.as_str()), (1, ""), "{name}: {told:?}");
        let words = "NOT verified: the signature of a ";
        assert!(told.out.starts_with(words), "{name}: {told:?}");
    }
}

#[test]
fn l17_l3_a_stranger_sees_what_was_erased_and_that_nothing_else_is_gone() {
    let Some(python) = or_skip() else { return };
    let home = ran();
    let key = key(&home);
    let row = home.json(&["runs", "--json"]).remove(0);
    let run = row["trajectory"].as_str().unwrap();
    let shown = home.json(&[
        "erase",
        "--run",
        run,
        "--reason",
        "r",
        "--dry-run",
        "--json",
    ]);
    let bodies = shown[0]["bodies"].as_array().unwrap().len();
    let digest = shown[0]["digest"].as_str().unwrap();
    let word = ["--reason", "r", "--yes", "--plan-digest", digest];
    let erased = home.run(&[&["erase", "--run", run], &word[..]].concat());
    assert_eq!(erased.code, 0, "{erased:?}");
    for of in ["--all", run] {
        let archive = exported(&home, &[of]);
        let told = verify(&python, &home, &key, &archive.bytes());
        assert_eq!(told.code, 0, "{told:?}");
        assert!(
            told.out.contains(&format!(", {bodies} erased, ")),
            "{told:?}"
        );
        // In an excerpt the place in the tree is asked first, and a changed body has another one.
        let wrong = match of {
            "--all" => "the signature of a erasure does not hold",
            _ => "is not proved to stand in the log",
        };
        let bent = bent_signature(&archive, "erased");
        let told = verify(&python, &home, &key, &bent);
        assert!(told.code == 1 && told.out.contains(wrong), "{told:?}");
        for (kind, words) in [
            ("writ_issued", "a writ_issued is never erased"),
            ("erased", "a erased is never erased"),
        ] {
            let mut lost = archive.clone();
            let at = lost.of_kind(kind);
            let mut entries = lost.entries();
            (entries[at][1], entries[at][2]) = (b"-".to_vec(), b"-".to_vec());
            lost.set_entries(&entries);
            let told = verify(&python, &home, &key, &lost.bytes());
            assert!(told.code == 1 && told.out.contains(words), "{told:?}");
        }
    }
}

/// Bodies changed by somebody who has the key of the log: every hash is right, a signature inside is not.
fn forgeries(archive: &Archive) -> Vec<(&'static str, Vec<u8>)> {
    let kinds = [
        Kind::WritIssued,
        Kind::Approval,
        Kind::WritRevoked,
        Kind::Reconciled,
        Kind::Started,
        Kind::SkillBound,
    ];
    let present = |kind: &&Kind| {
        let word = format!("\"kind\":\"{kind}\"");
        let mut all = archive.clone();
        let text = String::from_utf8_lossy(all.content("entries/")).into_owned();
        text.contains(&word)
    };
    let of = |kind: &Kind| (kind.word(), bent_signature(archive, kind.word()));
    kinds.iter().filter(present).map(of).collect()
}

/// The signature in the body of the first such entry, with one digit changed; ids are not chained anew,
/// since the signature is what is looked at first.
fn bent_signature(archive: &Archive, kind: &str) -> Vec<u8> {
    let mut all = archive.clone();
    let at = all.of_kind(kind);
    let mut entries = all.entries();
    let body = String::from_utf8(entries[at][2].clone()).unwrap();
    let begin = body.find("\"signature\":\"ed25519:").unwrap() + 25;
    let digit = if &body[begin..=begin] == "0" {
        "1"
    } else {
        "0"
    };
    let body = [&body[..begin], digit, &body[begin + 1..]].concat();
    let salt: String = String::from_utf8(entries[at][1].clone()).unwrap();
    let salt = thymos_core::id::unhex(&salt).unwrap();
    let salt = thymos_core::entry::Salt::from_bytes(salt);
    let own = thymos_core::entry::Commitment::of(&salt, body.as_bytes());
    let own = serde_json::to_value(own).unwrap();
    let mut head: serde_json::Value = serde_json::from_slice(&entries[at][0]).unwrap();
    head["body"] = own;
    let head = thymos_core::canonical::value_to_bytes(&head).unwrap();
    entries[at][0] = head.into_vec();
    entries[at][2] = body.into_bytes();
    all.set_entries(&entries);
    all.bytes()
}

/// Copies with what was done to each.
type Copies = Vec<(&'static str, Vec<u8>)>;

fn changed(own: &Archive, change: impl FnOnce(&mut Archive)) -> Vec<u8> {
    let mut bent = own.clone();
    change(&mut bent);
    bent.bytes()
}

fn entries(own: &Archive, change: impl FnOnce(&mut Vec<Lines>)) -> Vec<u8> {
    changed(own, |all| {
        let mut entries = all.entries();
        change(&mut entries);
        all.set_entries(&entries);
    })
}

/// Header, salt and body.
type Lines = [Vec<u8>; 3];

fn commit(own: &Archive, change: impl FnOnce(&mut Lines)) -> Vec<u8> {
    let at = own.clone().of_kind("commit");
    entries(own, |entries| change(&mut entries[at]))
}

fn say(own: &Archive, field: &str, value: serde_json::Value) -> Vec<u8> {
    changed(own, |all| all.say(field, value))
}

fn of_form(own: &Archive) -> Copies {
    let bytes = own.bytes();
    let member = |name: &str, flag: u8| {
        let block = header(name, 0, flag);
        [&bytes[..bytes.len() - 1024], &block, &[0; 1024]].concat()
    };
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 4;
        bytes
    };
    vec![
        ("cut at its end", bytes[..bytes.len() - 1].to_vec()),
        ("cut in the middle", bytes[..bytes.len() / 2].to_vec()),
        ("gone on", [&bytes[..], b"x"].concat()),
        ("not a bundle", b"hello".to_vec()),
        ("a path that leads out", member("../x", b'0')),
        ("a link", member("blobs/x", b'2')),
        ("an unknown member", member("readme", b'0')),
        ("a time in a header", flipped(140)),
        ("a mode in a header", flipped(104)),
        ("something in the padding", flipped(1023)),
        (
            "a member twice",
            changed(own, |all| all.0.insert(1, all.0[1].clone())),
        ),
        ("another order", changed(own, |all| all.0.swap(1, 2))),
        ("another version", say(own, "v", json!(2))),
        ("another log", say(own, "log", json!(Digest::of(b"x")))),
        ("another count", say(own, "entries", json!(7))),
        ("another size", say(own, "size", json!(7))),
    ]
}

/// The manifest is nobody's signed word, and has one form all the same.
fn of_manifest(own: &Archive) -> Copies {
    let manifest = own.manifest();
    let text = |field: &str| say(own, field, json!(manifest[field].to_string()));
    let withheld = |entries: Value, kinds: Value| {
        say(own, "withheld", json!({"entries": entries, "kinds": kinds}))
    };
    let key = json!({"name": "ada", "key": key_of(own)});
    vec![
        ("a version as text", say(own, "v", json!("1"))),
        ("a size as text", text("size")),
        ("a count of entries as text", text("entries")),
        ("a count of checkpoints as text", text("checkpoints")),
        ("a count of blobs as text", text("blobs")),
        (
            "an absence that is no count",
            say(own, "absent", json!(false)),
        ),
        ("a field that nobody knows", say(own, "more", json!(1))),
        ("keys that are none", say(own, "keys", json!("ada"))),
        ("too many keys", say(own, "keys", json!(vec![key; 1_025]))),
        (
            "withheld entries out of order",
            withheld(json!([9_001, 9_000]), json!([])),
        ),
        (
            "withheld entries as text",
            withheld(json!(["9000"]), json!([])),
        ),
        (
            "withheld kinds out of order",
            withheld(json!([]), json!(["usage", "branch"])),
        ),
        (
            "withheld kinds in one text",
            withheld(json!([]), json!("branch")),
        ),
        (
            "more of what was withheld",
            say(
                own,
                "withheld",
                json!({"entries": [], "kinds": [], "more": 1}),
            ),
        ),
    ]
}

fn key_of(own: &Archive) -> Value {
    own.manifest()["keys"][0]["key"].clone()
}

/// Lines of strangers below a note are passed over, and are lines all the same.
fn of_notes(own: &Archive) -> Copies {
    let below = |line: &str| {
        changed(own, |all| {
            let notes = all.content("checkpoints");
            let at = notes.len() - 1;
            notes.splice(at..at, line.bytes());
        })
    };
    let good = "\u{2014} x AAAAAAAA\n";
    vec![
        (
            "more signature lines than there may be",
            below(&good.repeat(64)),
        ),
        (
            "a name with a space of another kind",
            below("\u{2014} x\u{a0}y AAAAAAAA\n"),
        ),
        ("a name with a tab", below("\u{2014} x\ty AAAAAAAA\n")),
        ("a signature of two bytes", below("\u{2014} x AAA=\n")),
    ]
}

fn of_entries(own: &Archive, other: &Archive) -> Copies {
    let gone = || (b"-".to_vec(), b"-".to_vec());
    let withheld = |kind: &str| say(own, "withheld", json!({"entries": [], "kinds": [kind]}));
    vec![
        ("a body byte", commit(own, |lines| lines[2][20] ^= 1)),
        ("a salt digit", commit(own, |lines| lines[1][5] ^= 1)),
        ("a header byte", commit(own, |lines| lines[0][2] ^= 1)),
        ("a lost salt", commit(own, |lines| lines[1] = b"-".to_vec())),
        (
            "a lost body",
            commit(own, |lines| (lines[1], lines[2]) = gone()),
        ),
        ("a body that is called withheld", withheld("commit")),
        ("an erasure that is called withheld", withheld("erased")),
        ("two swapped", entries(own, |all| all.swap(4, 5))),
        ("one left out", entries(own, |all| drop(all.remove(6)))),
        (
            "one twice",
            entries(own, |all| all.insert(6, all[5].clone())),
        ),
        ("the tail cut", entries(own, |all| drop(all.pop()))),
        (
            "one of another log",
            entries(own, |all| all[5] = other.clone().entries()[5].clone()),
        ),
    ]
}

fn of_what_stands_beside(own: &Archive, other: &Archive) -> Copies {
    let notes = other.clone().content("checkpoints").clone();
    vec![
        (
            "a note of another log",
            changed(own, |all| *all.content("checkpoints") = notes),
        ),
        (
            "a signature of a note",
            changed(own, |all| {
                let notes = all.content("checkpoints");
                let at = notes.len() - 10;
                notes[at] = if notes[at] == b'A' { b'B' } else { b'A' };
            }),
        ),
        (
            "a blob's byte",
            changed(own, |all| all.content("blobs/")[0] ^= 1),
        ),
        (
            "a dropped blob",
            changed(own, |all| drop(all.0.remove(all.at("blobs/")))),
        ),
        (
            "a dropped blob that is called absent",
            changed(own, |all| {
                drop(all.0.remove(all.at("blobs/")));
                let blobs = all.manifest()["blobs"].as_u64().unwrap();
                all.say("blobs", json!(blobs - 1));
                all.say("absent", json!(1));
            }),
        ),
        (
            "a stuffed blob",
            changed(own, |all| {
                let name = format!("sealed/{}", Digest::of(b"x"));
                all.0.push((name, b"x".to_vec()));
            }),
        ),
    ]
}

fn of_proofs(own: &Archive) -> Copies {
    if own.manifest()["trajectory"].is_null() {
        return vec![("every hash anew, another key", resigned(own))];
    }
    let proofs = own.at("entries/") + 1;
    vec![
        (
            "a dropped proof",
            changed(own, |all| drop(all.0.remove(proofs))),
        ),
        ("a bent proof", changed(own, |all| all.0[proofs].1[3] ^= 1)),
        (
            "a bent link",
            changed(own, |all| all.content("consistency")[3] ^= 1),
        ),
    ]
}

/// The last entry changed, the tree made anew over it, and signed by a thief.
fn resigned(archive: &Archive) -> Vec<u8> {
    let mut bent = archive.clone();
    let mut entries = bent.entries();
    let last = entries.last_mut().unwrap();
    let text = String::from_utf8(last[0].clone()).unwrap();
    last[0] = text.replace("\"at_ms\":1", "\"at_ms\":2").into_bytes();
    let mut tree = Frontier::new();
    for [header, _, _] in &entries {
        tree.push(leaf(EntryId::of(header).as_bytes()), |_, _| {});
    }
    let log = bent.manifest()["log"].as_str().unwrap().parse().unwrap();
    let (size, root) = (tree.size(), tree.root());
    let note = Checkpoint { log, size, root }.sign(&SigningKey::from_seed(&[9; 32]));
    bent.set_entries(&entries);
    *bent.content("checkpoints") = format!("{}\n", note.note()).into_bytes();
    bent.say("checkpoints", json!(1));
    bent.bytes()
}

#[test]
fn l17_a_stranger_refuses_every_copy_that_was_tampered_with() {
    let Some(python) = or_skip() else { return };
    let (home, other) = (ran(), ran());
    let key = key(&home);
    let newest = |home: &Home| {
        home.json(&["runs", "--json"])[0]["trajectory"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let pairs = [
        (exported(&home, &["--all"]), exported(&other, &["--all"])),
        (
            exported(&home, &[&newest(&home)]),
            exported(&other, &[&newest(&other)]),
        ),
    ];
    for (own, its) in pairs {
        let good = verify(&python, &home, &key, &own.bytes());
        assert_eq!(good.code, 0, "{good:?}");
        let copies = [
            of_form(&own),
            of_manifest(&own),
            of_notes(&own),
            of_entries(&own, &its),
            of_what_stands_beside(&own, &its),
            of_proofs(&own),
        ]
        .concat();
        assert!(copies.len() > 30, "{}", copies.len());
        for (name, bytes) in copies {
            let told = verify(&python, &home, &key, &bytes);
            assert_eq!((told.code, told.err.as_str()), (1, ""), "{name}: {told:?}");
            assert!(told.out.starts_with("NOT verified: "), "{name}: {told:?}");
            // Both say the same, the program with its own exit codes.
            fs::write(home.path("ws/ours.tar"), &bytes).unwrap();
            let ours = home.run(&["verify", "ours.tar"]);
            assert!([1, 13].contains(&ours.code), "{name}: {ours:?}");
        }
    }
}
