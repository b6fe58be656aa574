//! `thymos erase` `[L3]`: what it shows, what it destroys in every file, what it refuses, and what cannot be
//! gained by it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use thymos::config::{Env, Flags, load};
use thymos::wire::{Purpose, wire};
use thymos_core::entry::Draft;
use thymos_core::id::unhex;
use thymos_core::key::SigningKey;
use thymos_core::{Entry, Kind, TrajectoryId};
use thymos_ledger::{Genesis, SqliteLedger};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::{order_by, sample_order};
use thymos_ports::store::Batch;
use thymos_protocol::Command;

use super::bundles::{exported, key};
use super::home::{Ended, Home};
use crate::archive::Archive;
use crate::flow::rig::Desk;
use crate::whole::whole;

/// Words that stand nowhere else.
const WORDS: &str = "Agatha Brandmeier";

/// A run that wrote a letter; its prompt, its call and its file hold the words.
fn wrote() -> (Home, String) {
    let letter = format!("To {WORDS}, Elm Street 7\n");
    let home = Home::playing(&[
        json!({"calls": [
            {"tool": "memory_write", "args": {"key": "who", "text": WORDS}},
            {"tool": "fs_write", "args": {"path": "letter.md", "content": letter}},
        ]}),
        json!({"text": format!("The letter to {WORDS} is written.")}),
    ]);
    let task = format!("write to {WORDS}");
    let code = home.run(&["--mode", "auto", "run", &task]).code;
    if code == 10 {
        let (id, digest) = home.held();
        home.run(&["approvals", "approve", &id, "--digest", &digest]);
    }
    let rows = home.json(&["runs", "--json"]);
    (home, rows[0]["trajectory"].as_str().unwrap().to_owned())
}

/// Whether the words stand in any file below.
fn stands(below: &Path, words: &str) -> bool {
    fs::read_dir(below).unwrap().any(|file| {
        let path = file.unwrap().path();
        match path.is_dir() {
            true => stands(&path, words),
            false => {
                let bytes = fs::read(&path).unwrap();
                let words = words.as_bytes();
                bytes.windows(words.len()).any(|part| part == words)
            }
        }
    })
}

fn digest(home: &Home, names: &[&str]) -> String {
    let plan = ["erase", "--reason", "asked for", "--dry-run", "--json"];
    let shown = home.json(&[&plan[..], names].concat());
    shown[0]["digest"].as_str().unwrap().to_owned()
}

pub(super) fn erase(home: &Home, names: &[&str]) -> Ended {
    let digest = digest(home, names);
    let word = ["--reason", "asked for", "--yes", "--plan-digest", &digest];
    home.run(&[&["erase"], names, &word].concat())
}

fn seq(home: &Home, run: &str, kind: &str) -> String {
    let rows = home.json(&["ledger", "--run", run, &format!("kind:{kind}"), "--json"]);
    format!("{run}#{}", rows[0]["seq"])
}

#[test]
fn l3_after_erasing_a_run_its_words_stand_in_no_file_and_every_view_says_so() {
    let (home, run) = wrote();
    let data = home.path("home/.local");
    assert!(stands(&data, WORDS));
    let shown = home.run(&["erase", "--run", &run, "--dry-run"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    for words in [
        "goes for good: ",
        "stays: ",
        "no longer verified: V2",
        "nothing goes on from run",
    ] {
        assert!(shown.out.contains(words), "{words}: {}", shown.out);
    }
    assert!(stands(&data, WORDS), "showing touches nothing");
    let erased = erase(&home, &["--run", &run]);
    assert_eq!(erased.code, 0, "{erased:?}");
    assert!(erased.out.starts_with("erased: "), "{erased:?}");
    assert!(!stands(&data, WORDS));
    home.verifies();
    let verified = home.run(&["verify"]);
    assert!(verified.out.contains("bodies erased"), "{verified:?}");
    let bundle = exported(&home, &["--all"]);
    fs::write(home.path("ws/all.tar"), bundle.bytes()).unwrap();
    fs::remove_file(home.path("ws/letter.md")).unwrap();
    assert!(!stands(&home.path("ws"), WORDS), "nor in the bundle");
    let checked = home.run(&["verify", "all.tar", "--key", &key(&home)]);
    assert_eq!(checked.code, 0, "{checked:?}");
    every_view_says_so(&home, &run);
    // The log moves on, to another machine too.
    let imported = home.run(&["--ledger", "other.db", "import", "all.tar"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert_eq!(home.run(&["--ledger", "other.db", "verify"]).code, 0);
}

/// Every way to look at it: no words, no panic, and the reason stands.
fn every_view_says_so(home: &Home, run: &str) {
    let commit = seq(home, run, "commit")
        .split_once('#')
        .unwrap()
        .1
        .to_owned();
    let entry = home.json(&["ledger", "--run", run, "kind:commit", "--json"])[0]["entry"]
        .as_str()
        .unwrap()
        .to_owned();
    for args in [
        &["audit", run][..],
        &["audit", run, "--json"],
        &["ledger"],
        &["ledger", "--run", run, "--json"],
        &["ledger", "text:Brandmeier"],
        &["replay", run],
        &["replay", run, "--at", &commit],
        &["replay", run, "--diff", &format!("0..{commit}")],
        &["runs"],
        &["routing", run],
        &["memory", "ls"],
        &["receipt", &entry, "--disclose"],
        &["writ", "ls"],
        &["approvals", "ls"],
        &["doctor"],
    ] {
        let ended = home.run(args);
        assert!(ended.code <= 1, "{args:?}: {ended:?}");
        assert!(!ended.err.contains("panicked"), "{args:?}: {ended:?}");
        let all = format!("{}{}", ended.out, ended.err);
        assert!(!all.contains("Brandmeier"), "{args:?}: {all}");
    }
    let audit = home.run(&["audit", run]).out;
    assert!(audit.contains("erased by ada: asked for"), "{audit}");
    assert!(home.run(&["runs"]).out.contains("erased in part"));
    for (args, code) in [
        (&["run", "--resume", run, "go on"][..], 1),
        (&["branch", run, &commit], 1),
        (&["undo", run], 1),
        (&["again", run, &commit], 1),
    ] {
        home.run(args)
            .says(code, "nothing goes on from it", "hint: ");
    }
}

#[test]
fn l3_erasing_asks_for_a_word_and_twice_is_once() {
    let (home, run) = wrote();
    let place = seq(&home, &run, "commit");
    let before = home.entries();
    let asked = home.run(&["erase", &place, "--reason", "asked for"]);
    assert_eq!(asked.code, 10, "{asked:?}");
    assert!(asked.err.contains("nothing was touched"), "{asked:?}");
    for quoted in ["000000", "ffffffff"] {
        let word = ["--reason", "r", "--yes", "--plan-digest", quoted];
        let wrong = home.run(&[&["erase", place.as_str()], &word[..]].concat());
        wrong.says(11, "nothing was erased", "--dry-run");
    }
    assert_eq!(home.entries(), before);
    assert_eq!(erase(&home, &[&place]).code, 0);
    let after = home.entries();
    let again = home.run(&["erase", &place, "--reason", "asked for"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.out.contains("erased already"), "{again:?}");
    assert_eq!(home.entries(), after);
    // By id as well, and what is left of the run afterwards.
    let message = home.json(&["ledger", "--run", &run, "kind:message", "--json"]);
    let id = &message[0]["entry"].as_str().unwrap()[..12];
    let ended = erase(&home, &[id]);
    assert_eq!(ended.out, "erased: 1 body\n", "{ended:?}");
    home.verifies();
}

#[test]
fn l3_what_cannot_be_erased_is_one_sentence_and_changes_nothing() {
    let (home, run) = wrote();
    let writ = seq(&home, &run, "writ_issued");
    let short = &run[..8];
    let before = home.entries();
    let last = before.len();
    let never = "is of kind `writ_issued`, which is never erased";
    let cases: [(&str, i32, &str, &str); 10] = [
        (&writ, 11, never, "erasure.md"),
        (&format!("{short}#0"), 11, "`root`", "erasure.md"),
        (
            &format!("{short}#{last}"),
            1,
            "there is no entry",
            "its last one is",
        ),
        (
            "abcdefabcdef",
            1,
            "there is no entry `abcdefabcdef`",
            "hint",
        ),
        ("ffffffff#1", 1, "there is no run `ffffffff`", "thymos runs"),
        ("abc", 2, "`abc` names no entry", "RUN#SEQ"),
        ("letter.md", 2, "`letter.md` names no entry", "RUN#SEQ"),
        (&format!("{short}#x"), 2, "names no entry", "RUN#SEQ"),
        (
            &format!("{short}#99999999999999999999"),
            2,
            "names no entry",
            "RUN#SEQ",
        ),
        ("#5", 2, "names no entry", "RUN#SEQ"),
    ];
    for (name, code, sentence, hint) in cases {
        home.run(&["erase", name, "--reason", "r"])
            .says(code, sentence, hint);
    }
    let unknown = home.run(&["erase", "--run", "ffffffff", "--reason", "r"]);
    unknown.says(1, "there is no trajectory", "thymos runs");
    home.run(&["erase", &writ, "--reason", "  "])
        .says(2, "the reason is empty", "--reason");
    let both = ["erase", "--run", &run, &writ, "--reason", "r"];
    for args in [&["erase"][..], &["erase", &writ], &both] {
        assert_eq!(home.run(args).code, 2, "{args:?}");
    }
    exported(&home, &["--all"]);
    let bundle = home.run(&["--ledger", "b.tar", "erase", &writ, "--reason", "r"]);
    bundle.says(1, "is not a thymos ledger", "hint");
    assert_eq!(home.entries(), before);
}

#[test]
fn l3_the_minimum_age_of_the_config_is_kept_and_a_senseless_one_is_named() {
    let (home, run) = wrote();
    let before = home.entries();
    let config = home.read("home/.config/thymos/config.toml");
    let order = ["erase", "--run", &run, "--reason", "r"];
    home.config(&format!("{config}[ledger]\nretention_days = 400\n"));
    home.run(&order)
        .says(11, "entries are kept for 400 days", "retention_days");
    home.config(&format!("{config}[ledger]\nretention_days = 99999\n"));
    home.run(&order).says(1, "at most 36500", "hint");
    home.config(&config);
    assert_eq!(home.entries(), before);
    assert_eq!(home.run(&order).code, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn l3_a_run_that_is_open_elsewhere_is_not_erased_from() {
    let (home, run) = wrote();
    let digest = digest(&home, &["--run", &run]);
    let folder = home.path("home").display().to_string();
    let env = Env::of(&[
        ("HOME", &folder),
        ("PATH", "/usr/bin:/bin"),
        ("USER", "ada"),
    ]);
    let config = load(&env, &Flags::default()).unwrap();
    let (ws, purpose) = (home.path("ws"), Purpose::Act);
    let opened = tokio::task::spawn_blocking(move || wire(&env, &config, &ws, purpose).unwrap());
    let wired = opened.await.unwrap();
    let mut desk = Desk::over(wired.link, wired.served);
    let trajectory: TrajectoryId = run.parse().unwrap();
    desk.ask(Command::Open { trajectory }).await;
    let looks = ["erase", "--run", &run, "--reason", "r", "--dry-run"];
    home.run(&looks)
        .says(11, "is open in another process", "close it there");
    let word = ["--reason", "asked for", "--yes", "--plan-digest", &digest];
    let order = [&["erase", "--run", &run], &word[..]].concat();
    home.run(&order)
        .says(11, "is open in another process", "close it there");
    assert_eq!(home.count("erased"), 0);
    desk.ask(Command::Shutdown).await;
    tokio::task::spawn_blocking(move || drop(wired.runtime))
        .await
        .unwrap();
    assert_eq!(home.run(&order).code, 0);
}

#[test]
fn l3_of_two_who_erase_at_once_one_does_it_and_the_record_is_sound() {
    let (home, run) = wrote();
    let digest = digest(&home, &["--run", &run]);
    let word = ["--reason", "another", "--yes", "--plan-digest", &digest];
    home.run(&[&["erase", "--run", &run], &word[..]].concat())
        .says(
            11,
            "what would go, or why, is not what was shown",
            "--dry-run",
        );
    let word = ["--reason", "asked for", "--yes", "--plan-digest", &digest];
    let order = [&["erase", "--run", &run], &word[..]].concat();
    let both: Vec<_> = (0..2).map(|_| home.start(&order)).collect();
    let codes: Vec<_> = both
        .into_iter()
        .map(|mut one| one.wait().unwrap().code().unwrap())
        .collect();
    assert!(codes.contains(&0), "{codes:?}");
    assert!(codes.iter().all(|code| [0, 11].contains(code)), "{codes:?}");
    let entries = home.entries();
    let bare = entries.iter().filter(|entry| entry.content.is_none());
    assert_eq!(
        bare.count(),
        home.count("erased"),
        "one order for each body"
    );
    home.verifies();
}

fn ledger(home: &Home) -> SqliteLedger {
    SqliteLedger::open(&home.ledger(), Genesis { random: [0; 32] }).unwrap()
}

/// Orders an entry without the program, by the operator: what a kill leaves.
fn order(home: &Home, target: &Entry) {
    let key = home.read("home/.local/share/thymos/operator.key");
    let seed = key.trim().split_once(' ').and_then(|(_, seed)| unhex(seed));
    let key = SigningKey::from_seed(&seed.unwrap());
    let (on, seq) = (target.header.trajectory, target.header.seq);
    put(home, order_by(&key, on, target.id, seq));
}

fn put(home: &Home, draft: Draft) {
    let store = ledger(home);
    let trajectory = draft.trajectory;
    let at_seq = store.page(&trajectory, 0, 10_000).unwrap().len() as u64;
    let batch = Batch {
        trajectory,
        at_seq,
        drafts: vec![draft],
    };
    store.append(vec![batch]).unwrap()[0].as_ref().unwrap();
}

fn first(home: &Home, kind: Kind) -> Entry {
    let entries = home.entries();
    let of = |entry: &&Entry| entry.kind() == Some(kind);
    entries.iter().find(of).unwrap().clone()
}

#[test]
fn l3_a_kill_behind_the_order_is_finished_by_whatever_opens_the_ledger_next() {
    let (home, _) = wrote();
    let said = first(&home, Kind::Message);
    order(&home, &said);
    assert!(first(&home, Kind::Message).content.is_some());
    assert_eq!(home.run(&["runs"]).code, 0);
    assert!(first(&home, Kind::Message).content.is_none());
}

#[test]
fn l3_the_command_that_is_printed_does_it_for_the_reason_that_was_given() {
    let (home, run) = wrote();
    let place = seq(&home, &run, "commit");
    let reason = "Ann's word; $(touch x) `y` \"now\"";
    let asked = home.run(&["erase", &place, "--reason", reason]);
    assert_eq!(asked.code, 10, "{asked:?}");
    let printed = asked
        .err
        .lines()
        .find(|line| line.contains("--plan-digest"));
    let line = printed.unwrap().trim().replacen("thymos", "\"$0\"", 1);
    let program = home.command::<&str>(&[]).get_program().to_owned();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]).arg(program);
    let as_home = home.command::<&str>(&[]);
    shell.env_clear().current_dir(home.path("ws"));
    shell.envs(
        as_home
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let done = Ended::of(&shell.output().unwrap());
    assert_eq!(done.code, 0, "{line}: {done:?}");
    let told = home.run(&["audit", &run]).out;
    assert!(told.contains(reason), "{told}");
    assert!(!home.path("ws/x").exists());
    // One that is too long is refused before anything is shown or asked.
    let long = "r".repeat(5_000);
    let refused = home.run(&["erase", &place, "--reason", &long, "--dry-run"]);
    refused.says(1, "between 1 and 4096 characters", "--reason");
}

#[test]
fn l3_t1_an_order_of_somebody_whom_the_opener_does_not_trust_destroys_nothing() {
    let (home, _) = wrote();
    let said = first(&home, Kind::Message);
    let (on, seq) = (said.header.trajectory, said.header.seq);
    put(&home, sample_order(on, said.id, seq));
    for args in [
        &["runs"][..],
        &["verify"],
        &["doctor"],
        &["export", "--all", "-o", "a.tar"],
    ] {
        home.run(args);
        assert!(first(&home, Kind::Message).content.is_some(), "{args:?}");
    }
    // Another order beside it is carried out, and that one still is not.
    let intent = first(&home, Kind::Intent);
    order(&home, &intent);
    home.run(&["runs"]);
    assert!(first(&home, Kind::Intent).content.is_none());
    assert!(first(&home, Kind::Message).content.is_some());
    let stranger = SigningKey::from_seed(&[9; 32]).public().to_string();
    let found = home.run(&["verify"]);
    assert_eq!(found.code, 13, "{found:?}");
    assert!(
        found.out.contains("an operator key of the trust roots"),
        "{found:?}"
    );
    let trusted = home.run(&["keys", "trust", "ann", &stranger]);
    assert_eq!(trusted.code, 0, "{trusted:?}");
    home.run(&["runs"]);
    assert!(first(&home, Kind::Message).content.is_none());
    home.verifies();
}

#[test]
fn l3_an_order_on_record_waits_for_the_age_that_the_opener_demands() {
    let (home, _) = wrote();
    let said = first(&home, Kind::Message);
    order(&home, &said);
    let config = home.read("home/.config/thymos/config.toml");
    home.config(&format!("{config}[ledger]\nretention_days = 400\n"));
    assert_eq!(home.run(&["runs"]).code, 0);
    assert!(first(&home, Kind::Message).content.is_some());
    home.config(&config);
    assert_eq!(home.run(&["runs"]).code, 0);
    assert!(first(&home, Kind::Message).content.is_none());
}

#[test]
fn l3_t1_a_revocation_or_a_writ_cannot_be_made_to_vanish_by_an_order_that_names_it() {
    let (home, run) = wrote();
    let writ = first(&home, Kind::WritIssued);
    order(&home, &writ);
    // The store believes no such order, and verify finds it.
    assert_eq!(home.run(&["runs"]).code, 0);
    assert!(first(&home, Kind::WritIssued).content.is_some());
    let found = home.run(&["verify"]);
    assert_eq!(found.code, 13, "{found:?}");
    assert!(
        found.out.contains("an entry of kind `writ_issued`"),
        "{found:?}"
    );
    // In a bundle whose checkpoint covers the order, with the body left out as if it had been erased.
    let mut archive = exported(&home, &["--all"]);
    blank(&mut archive, &writ);
    fs::write(home.path("ws/forged.tar"), archive.bytes()).unwrap();
    let forged = home.run(&["verify", "forged.tar", "--key", &key(&home)]);
    assert_eq!(forged.code, 13, "{forged:?}");
    assert!(
        forged.out.contains("an entry of kind `writ_issued`"),
        "{forged:?}"
    );
    let refused = home.run(&["--ledger", "other.db", "import", "forged.tar"]);
    assert_eq!(refused.code, 13, "{refused:?}");
    let mut excerpt = exported(&home, &[&run]);
    blank(&mut excerpt, &writ);
    fs::write(home.path("ws/forged.tar"), excerpt.bytes()).unwrap();
    let forged = home.run(&["verify", "forged.tar", "--key", &key(&home)]);
    assert_eq!(forged.code, 13, "{forged:?}");
}

fn blank(archive: &mut Archive, target: &Entry) {
    let mut entries = archive.entries();
    for lines in &mut entries {
        if lines[0] == target.header_bytes {
            lines[1] = b"-".to_vec();
            lines[2] = b"-".to_vec();
        }
    }
    archive.set_entries(&entries);
}

#[test]
fn l3_every_run_of_a_ledger_with_every_kind_can_be_erased_and_still_verifies() {
    let home = whole();
    let mut left: Vec<String> = runs(&home);
    let mut refused = Vec::new();
    for run in left.drain(..) {
        let plan = home.run(&["erase", "--run", &run, "--dry-run", "--json"]);
        match plan.code {
            0 => {
                let shown: Value = serde_json::from_str(plan.out.trim()).unwrap();
                if shown["bodies"].as_array().unwrap().is_empty() {
                    continue;
                }
                let ended = erase(&home, &["--run", &run]);
                assert_eq!(ended.code, 0, "{ended:?}");
            }
            11 => refused.push(plan.err),
            _ => panic!("{plan:?}"),
        }
    }
    let wait = |err: &String| err.contains("waits for an answer");
    assert!(refused.iter().all(wait), "{refused:?}");
    home.verifies();
    for run in runs(&home) {
        for args in [&["audit", &run][..], &["replay", &run], &["undo", &run]] {
            let ended = home.run(args);
            assert!(!ended.err.contains("panicked"), "{args:?}: {ended:?}");
            assert!(ended.code != 13, "{args:?}: {ended:?}");
        }
        let bundle = exported(&home, &[&run]);
        fs::write(home.path("ws/run.tar"), bundle.bytes()).unwrap();
        let ended = home.run(&["verify", "run.tar", "--key", &key(&home)]);
        assert_eq!(ended.code, 0, "{run}: {ended:?}");
    }
    let all = exported(&home, &["--all"]);
    fs::write(home.path("ws/all.tar"), all.bytes()).unwrap();
    let ended = home.run(&["verify", "all.tar", "--key", &key(&home)]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let imported = home.run(&["--ledger", "other.db", "import", "all.tar"]);
    assert_eq!(imported.code, 0, "{imported:?}");
}

fn runs(home: &Home) -> Vec<String> {
    let rows = home.json(&["runs", "--json"]);
    let id = |row: &Value| row["trajectory"].as_str().unwrap().to_owned();
    rows.iter().map(id).collect()
}
