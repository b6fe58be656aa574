//! `thymos keys`: trust roots in a file, and a key that is replaced while its past stays proven.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::home::Home;

const TRUST: &str = "home/.config/thymos/trust.json";
const KEY: &str = "home/.local/share/thymos/operator.key";

fn holding() -> Home {
    Home::playing(&[
        json!({"calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}}]}),
        json!({"text": "done"}),
        json!({"text": "done"}),
    ])
}

fn trust(home: &Home) -> Value {
    serde_json::from_str(&home.read(TRUST)).unwrap()
}

fn mode(home: &Home, file: &str) -> u32 {
    fs::metadata(home.path(file)).unwrap().permissions().mode() & 0o777
}

fn trajectory(home: &Home) -> String {
    let row = home.json(&["runs", "--json"]).remove(0);
    row["trajectory"].as_str().unwrap().to_owned()
}

/// The one key that may sign answers, by its own listing.
fn mine(home: &Home) -> String {
    let rows = home.json(&["keys", "ls", "--json"]);
    let active: Vec<&Value> = rows.iter().filter(|row| row["answers"] == true).collect();
    assert_eq!(active.len(), 1, "{rows:?}");
    assert_eq!(active[0]["yours"], true, "{rows:?}");
    active[0]["key"].as_str().unwrap().to_owned()
}

#[test]
fn w1_trust_roots_are_made_at_first_use_and_only_their_owner_may_write_them() {
    let home = Home::new();
    let key = mine(&home);
    assert_eq!((mode(&home, TRUST), mode(&home, KEY)), (0o600, 0o600));
    // Who may write in its folder can put another in its place.
    let folder = home.path(TRUST).parent().unwrap().to_owned();
    let own = fs::metadata(&folder).unwrap().permissions();
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    home.run(&["keys", "ls"])
        .says(1, "in a folder that can be written by others", "chmod 700");
    fs::set_permissions(&folder, own).unwrap();
    if fs::metadata(&folder).unwrap().uid() == 0 {
        chown(home.path(TRUST), Some(65_534), None).unwrap();
        home.run(&["keys", "ls"])
            .says(1, "belongs to somebody else", "chown");
        chown(home.path(TRUST), Some(0), None).unwrap();
    }
    let file = trust(&home);
    assert_eq!(file["operators"], json!([{"name": "ada", "key": key}]));
    assert_eq!(file["policy"], file["operators"]);
    assert_eq!(home.run(&["keys", "show"]).out.trim(), key);
    fs::set_permissions(home.path(TRUST), Permissions::from_mode(0o666)).unwrap();
    home.run(&["keys", "ls"])
        .says(1, "can be written by others than you", "chmod 600");
    home.run(&["runs"])
        .says(1, "can be written by others than you", "chmod 600");
}

/// A key that is gone is not replaced in silence: what it signed would seem a stranger's.
#[test]
fn w1_a_lost_key_is_told_and_made_anew_only_on_purpose() {
    let home = holding();
    let key = mine(&home);
    let kept = home.read(KEY);
    fs::remove_file(home.path(KEY)).unwrap();
    for verb in [
        &["keys", "ls"][..],
        &["runs"],
        &["run", "go"],
        &["keys", "trust", "bob", &key],
    ] {
        home.run(verb)
            .says(1, "is missing", "restore it from a backup");
        assert!(!home.path(KEY).exists(), "{verb:?}");
    }
    let looked = home.run(&["doctor"]);
    assert_eq!(looked.code, 1, "{looked:?}");
    assert!(looked.out.contains("is missing"), "{looked:?}");
    // A pipe in its place is not waited for.
    let made = Command::new("mkfifo").arg(home.path(KEY)).status();
    assert!(made.unwrap().success());
    home.run(&["keys", "ls"]).says(1, "is no file", "backup");
    assert_eq!(home.run(&["doctor"]).code, 1);
    fs::remove_file(home.path(KEY)).unwrap();
    // Put back, everything is as it was.
    home.write(KEY, &kept);
    fs::set_permissions(home.path(KEY), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(mine(&home), key);
    // Or another one is made, and trusted by its name.
    fs::remove_file(home.path(KEY)).unwrap();
    let file = home.path(KEY);
    let made = home.run(&["keys", "new", "me", "--out", file.to_str().unwrap()]);
    assert_eq!(made.code, 0, "{made:?}");
    let new = made.out.trim();
    home.run(&["keys", "ls"])
        .says(1, "is not among the trust roots", "keys trust NAME");
    let looked = home.run(&["doctor"]);
    assert_eq!(looked.code, 1, "{looked:?}");
    let told = ["is not among the trust roots", "keys trust NAME"];
    assert!(
        told.iter().all(|words| looked.out.contains(words)),
        "{looked:?}"
    );
    let trusted = home.run(&["keys", "trust", "me", new]);
    assert_eq!(trusted.code, 0, "{trusted:?}");
    assert_eq!(home.run(&["keys", "show"]).out.trim(), new);
}

/// `[A2]` Nobody answers under another one's name: the record tells the name that the key is trusted under.
#[test]
fn a2_an_answer_is_told_by_the_name_of_its_key_whatever_the_config_says() {
    let home = holding();
    mine(&home);
    assert_eq!(home.run(&["run", "go"]).code, 10);
    let (id, digest) = home.held();
    let config = home.read("home/.config/thymos/config.toml");
    home.config(&format!("{config}[operator]\nname = \"mallory\"\n"));
    let key = home.path("bob.key");
    let made = home.run(&["keys", "new", "mallory", "--out", key.to_str().unwrap()]);
    assert_eq!(
        home.run(&["keys", "trust", "mallory", made.out.trim()])
            .code,
        0
    );
    let said = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert_eq!(said.code, 0, "{said:?}");
    let told = home.run(&["ledger", "kind:approval"]).out;
    assert!(told.contains("operator") || told.contains("ada"), "{told}");
    assert!(!told.contains("mallory"), "{told}");
}

#[test]
fn k3_a_trust_file_that_is_not_one_is_refused_with_its_place() {
    for (text, sentence, hint) in [
        (
            "{\"v\": 1,\n \"operater\": []}",
            "line 2 column 11: unknown field `operater`",
            "`operators`",
        ),
        (
            "{\"v\": 1, \"operators\": [], \"policy\": []",
            "line 1 column",
            "correct",
        ),
        ("{\"v\": 1, \"v\": 1}", "stands twice", "correct"),
        (
            "{\"v\": 1, \"operators\": [{\"name\": \"x\", \"key\": \"rsa:1\"}], \"policy\": []}",
            "expected `ed25519:`",
            "correct",
        ),
        (
            "{\"v\": 2, \"operators\": [], \"policy\": []}",
            "has version 2",
            "newer",
        ),
        (
            "{\"v\": 1, \"operators\": [], \"policy\": []}",
            "operator.key` is missing",
            "restore it",
        ),
    ] {
        let home = Home::new();
        fs::create_dir_all(home.path("home/.config/thymos")).unwrap();
        home.write(TRUST, text);
        fs::set_permissions(home.path(TRUST), Permissions::from_mode(0o600)).unwrap();
        home.run(&["runs"]).says(1, sentence, hint);
        assert_eq!(home.read(TRUST), text, "it is left as it is");
    }
}

#[test]
fn w1_a_second_key_is_trusted_for_what_is_said_and_no_longer_than_that() {
    let home = Home::new();
    mine(&home);
    let file = home.path("bob.key");
    let file = file.to_str().unwrap();
    let made = home.run(&["keys", "new", "bob", "--out", file]);
    assert_eq!((made.code, mode(&home, "bob.key")), (0, 0o600), "{made:?}");
    let key = made.out.trim().to_owned();
    home.run(&["keys", "new", "bob", "--out", file]).says(
        1,
        "cannot be made",
        "does not exist yet",
    );
    assert_eq!(home.run(&["keys", "trust", "bob", &key]).code, 0);
    let row = |home: &Home| {
        let rows = home.json(&["keys", "ls", "--json"]);
        let row = rows.into_iter().find(|row| row["name"] == "bob").unwrap();
        (
            row["answers"].clone(),
            row["policy"].clone(),
            row["retired"].clone(),
        )
    };
    assert_eq!(row(&home), (json!(true), json!(false), json!(false)));
    let more = home.run(&["keys", "trust", "bob", &key, "--for", "policy"]);
    assert!(more.err.contains("for policy too"), "{more:?}");
    assert_eq!(row(&home), (json!(true), json!(true), json!(false)));
    let same = home.run(&["keys", "trust", "bob", &key]);
    assert!(same.err.contains("nothing changes"), "{same:?}");
    assert_eq!(row(&home), (json!(true), json!(true), json!(false)));
    let less = home.run(&["keys", "distrust", "bob", "--for", "answers"]);
    assert!(less.err.contains("counts for answers"), "{less:?}");
    assert_eq!(row(&home), (json!(false), json!(true), json!(false)));
    home.run(&["keys", "distrust", "bob", "--for", "answers"])
        .says(1, "`bob` is not trusted for answers", "keys ls");
    assert_eq!(home.run(&["keys", "show", "bob"]).out.trim(), key);
    home.run(&["keys", "show", "bop"])
        .says(1, "no key is called `bop`", "`bob`");
    home.run(&["keys", "distrust", "bop"])
        .says(1, "no key is called `bop`", "`bob`");
    let other = home.run(&["keys", "new", "cy", "--out", "cy.key"]);
    home.run(&["keys", "trust", "ada", other.out.trim()]).says(
        1,
        "`ada` is the name of another key",
        "choose another name",
    );
    home.run(&["keys", "trust", "eve", "ed25519:00"]).says(
        2,
        "is not a public key",
        "64 hex digits",
    );
    home.run(&["keys", "trust", "", &key])
        .says(2, "a name has 1 to 64", "bob");
    home.run(&["keys", "distrust", "ada"])
        .says(1, "`ada` is you", "keys rotate");
    assert_eq!(home.run(&["keys", "distrust", "bob"]).code, 0);
    assert_eq!(row(&home), (json!(false), json!(false), json!(true)));
    assert_eq!(home.run(&["runs"]).code, 0);
}

#[test]
fn w1_trusting_a_known_key_again_never_renames_it_or_takes_a_right_away() {
    let home = Home::new();
    let own = mine(&home);
    let before = home.read(TRUST);
    home.run(&["keys", "trust", "eve", &own]).says(
        11,
        "this key is known as `ada`",
        "keys trust ada",
    );
    for args in [
        &["keys", "trust", "ada", &own][..],
        &["keys", "trust", "ada", &own, "--for", "policy"],
    ] {
        let same = home.run(args);
        assert!(
            same.code == 0 && same.err.contains("nothing changes"),
            "{same:?}"
        );
    }
    assert_eq!(home.read(TRUST), before);
    // Rules are signed by the own key until that is taken from it by name; answers never are.
    home.run(&["keys", "distrust", "ada", "--for", "answers,policy"])
        .says(1, "`ada` is you", "keys rotate");
    assert_eq!(
        home.run(&["keys", "distrust", "ada", "--for", "policy"])
            .code,
        0
    );
    assert_eq!(mine(&home), own);
    // A retired key keeps its name as well.
    let bob = home.run(&["keys", "new", "bob", "--out", "bob.key"]);
    let bob = bob.out.trim();
    assert_eq!(home.run(&["keys", "trust", "bob", bob]).code, 0);
    assert_eq!(home.run(&["keys", "distrust", "bob"]).code, 0);
    home.run(&["keys", "trust", "robert", bob]).says(
        11,
        "this key is known as `bob`",
        "keys trust bob",
    );
}

#[test]
fn w1_a_key_by_which_anybody_could_sign_is_not_trusted() {
    let home = Home::new();
    mine(&home);
    let before = home.read(TRUST);
    // The neutral element, the point of order two, one of order eight; and no point at all.
    for key in [
        format!("01{}", "00".repeat(31)),
        format!("ec{}7f", "ff".repeat(30)),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned(),
        "00".repeat(32),
        format!("02{}", "00".repeat(31)),
    ] {
        let key = format!("ed25519:{key}");
        home.run(&["keys", "trust", "eve", &key]).says(
            2,
            "anybody could sign, or nobody",
            "real one",
        );
        home.run(&["writ", "new", "--subject", &key]).says(
            2,
            "anybody could sign, or nobody",
            "real one",
        );
    }
    assert_eq!(home.read(TRUST), before);
}

#[test]
fn v3_v4_what_a_key_signed_verifies_whatever_right_it_loses_or_gains() {
    let home = holding();
    mine(&home);
    let bob = home.run(&["keys", "new", "bob", "--out", "bob.key"]);
    let bob = bob.out.trim().to_owned();
    assert_eq!(home.run(&["keys", "trust", "bob", &bob]).code, 0);
    assert_eq!(home.run(&["run", "write"]).code, 10);
    let (id, digest) = home.held();
    let answer = ["approvals", "approve", &id, "--digest", &digest];
    let signer = ["--key", "bob.key"];
    let answered = home.run(&[&answer[..], &signer].concat());
    assert_eq!(answered.code, 0, "{answered:?}");
    home.verifies();
    for change in [
        &["keys", "trust", "bob", &bob, "--for", "policy"][..],
        &["keys", "distrust", "bob", "--for", "answers"],
        &["keys", "distrust", "bob"],
        &["keys", "trust", "bob", &bob, "--for", "policy"],
        &["keys", "trust", "bob", &bob, "--for", "answers"],
    ] {
        let changed = home.run(change);
        assert_eq!(changed.code, 0, "{change:?}: {changed:?}");
        home.verifies();
    }
}

#[test]
fn v4_a_replaced_key_still_proves_its_past_and_signs_nothing_new() {
    let home = holding();
    assert_eq!(home.run(&["run", "write"]).code, 10);
    let (id, digest) = home.held();
    let old = mine(&home);
    let rotated = home.run(&["keys", "rotate"]);
    assert_eq!(rotated.code, 0, "{rotated:?}");
    let new = mine(&home);
    assert_eq!(rotated.out.trim(), new);
    assert_ne!(old, new);
    assert_eq!(
        trust(&home)["retired"],
        json!([{"name": "ada", "key": old}])
    );
    let kept: Vec<_> = fs::read_dir(home.path("home/.local/share/thymos"))
        .unwrap()
        .map(|row| row.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("operator.key"))
        .collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    for name in kept {
        assert_eq!(
            mode(&home, &format!("home/.local/share/thymos/{name}")),
            0o600
        );
    }
    home.verifies();
    // What waits under the old key's writ is not admitted any more, and nothing was written.
    let answered = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    answered.says(11, "waits no more", "thymos audit");
    assert_eq!(home.read("ws/a.txt"), "");
    // The session goes on once a mode is chosen, under a writ and a key of its own.
    let resume = ["run", "--resume", &trajectory(&home), "go on"];
    let stopped = home.run(&resume);
    assert_eq!(stopped.code, 11, "{stopped:?}");
    assert!(
        stopped.err.contains("is retired; choose a mode"),
        "{stopped:?}"
    );
    let goes_on = home.run(&[&["--mode", "edit"], resume.as_slice()].concat());
    assert_eq!(goes_on.code, 0, "{goes_on:?}");
    home.verifies();
}

#[test]
fn a_destroyed_key_leaves_no_copy() {
    let home = Home::new();
    let old = mine(&home);
    let before = home.read(KEY);
    let rotated = home.run(&["keys", "rotate", "--destroy"]);
    assert_eq!(rotated.code, 0, "{rotated:?}");
    assert!(rotated.err.contains("destroyed"), "{rotated:?}");
    assert_ne!(mine(&home), old);
    for row in fs::read_dir(home.path("home/.local/share/thymos")).unwrap() {
        let path = row.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.starts_with(before.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn t2_a_rotation_that_is_cut_off_leaves_one_key_that_works() {
    // By hand, between each two steps.
    let home = holding();
    let old = mine(&home);
    let (old_key, old_trust) = (home.read(KEY), trust(&home));
    assert_eq!(home.run(&["keys", "rotate"]).code, 0);
    let (new, new_key) = (mine(&home), home.read(KEY));
    let mut between = old_trust.clone();
    for list in ["operators", "policy"] {
        let row = json!({"name": "ada", "key": new});
        between[list].as_array_mut().unwrap().push(row);
    }
    between["rotating"] = json!({"from": old, "to": new});
    for (key, file, expected) in [
        (&old_key, &old_trust, &old),
        (&old_key, &between, &old),
        (&new_key, &between, &new),
    ] {
        home.write(KEY, key);
        home.write(TRUST, &file.to_string());
        home.write("home/.local/share/thymos/operator.key.next", &new_key);
        assert_eq!(&mine(&home), expected);
        let retired = trust(&home)["retired"].clone();
        match expected == &new {
            true => assert_eq!(retired, json!([{"name": "ada", "key": old}])),
            false => assert_eq!(retired, Value::Null, "the new key never signed"),
        }
    }
    // And with a kill at some moment or other.
    for delay in 0..6 {
        let mut child = home.start(&["keys", "rotate"]);
        std::thread::sleep(Duration::from_millis(delay * 3));
        child.kill().unwrap();
        child.wait().unwrap();
        mine(&home);
    }
    assert_eq!(home.run(&["run", "write"]).code, 10);
    home.verifies();
}

#[test]
fn keys_are_not_changed_under_a_thymos_that_runs() {
    let home = Home::playing(&[json!({"calls": [
        {"tool": "shell", "args": {"command": "while [ ! -e go ]; do sleep 0.02; done"}}
    ]})]);
    assert_eq!(home.run(&["run", "wait"]).code, 10);
    let (id, digest) = home.held();
    let mut busy = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    super::home::until("a start", || home.count("started") == 1);
    home.run(&["keys", "rotate"]).says(
        1,
        "another thymos is running with these keys",
        "close it first",
    );
    home.write("ws/go", "");
    busy.wait().unwrap();
    assert_eq!(home.run(&["keys", "rotate"]).code, 0);
    home.verifies();
}
