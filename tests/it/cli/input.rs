//! Input that makes no sense: one clear sentence, something to do, the right code, nothing made.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;

use serde_json::json;

use super::home::{Ended, Home};

#[test]
fn no_such_directory() {
    let home = Home::new();
    let ended = home.run(&["-C", "/nowhere/at/all", "runs"]);
    ended.says(2, "no such directory `/nowhere/at/all`", "-C");
    let ended = home.run(&["-C", "README.md", "runs"]);
    ended.says(2, "is not a directory", "-C");
    assert!(home.is_untouched());
}

#[test]
fn a_wrong_value_on_the_command_line_is_a_usage_error() {
    let home = Home::new();
    for (flag, value, sentence) in [
        ("--mode", "god", "there is no mode `god` (flag --mode)"),
        ("--tenant", "../x", "`../x` is not a tenant's name"),
        ("--color", "pink", "there is no colour choice `pink`"),
    ] {
        let ended = home.run(&["runs", flag, value]);
        ended.says(2, sentence, "use ");
    }
    home.run(&["run", "--model", "nope", "x"]).says(
        1,
        "there is no provider `nope`",
        "known here: ",
    );
    home.run(&["run", "--model", "practise", "x"]).says(
        1,
        "there is no provider `practise`",
        "did you mean `practice`?",
    );
    home.run(&["skills", "sign", "nope"]).says(
        1,
        "there is no skill and no file `nope`",
        "thymos skills ls",
    );
}

#[test]
fn the_version_names_the_source_or_says_that_nobody_told() {
    let ended = Home::new().run(&["--version"]);
    assert_eq!(ended.code, 0);
    let version = env!("CARGO_PKG_VERSION");
    let begins = format!("thymos {version} (source ");
    assert!(
        ended.out.starts_with(&begins) && ended.out.ends_with(")\n"),
        "{ended:?}"
    );
}

#[test]
fn an_empty_task_is_a_usage_error_and_opens_nothing() {
    let home = Home::new();
    for task in ["", "  \n"] {
        home.run(&["run", task])
            .says(2, "the task is empty", "thymos run");
    }
    assert_eq!(home.entries().len(), 0);
}

#[test]
fn a_broken_config_names_its_line() {
    for (text, sentence) in [
        ("[session]\nmode = 5\n", "line 2: "),
        ("\n\n[sesion]\n", "line 3: unknown field `sesion`"),
        (
            "[session]\nmodel = \"practice\"\nmode = \"god\"\n",
            "there is no mode `god`",
        ),
        (
            "[providers.x]\nkind = \"telepathy\"\n",
            "line 2: provider `x` has the unknown kind",
        ),
        ("[ui\n", "line 1: "),
        (
            "[ui]\ncolor = \"pink\"\n",
            "there is no colour choice `pink`",
        ),
    ] {
        let home = Home::new();
        home.config(text);
        let ended = home.run(&["runs"]);
        ended.says(1, sentence, "");
        assert!(ended.err.contains("config.toml"), "{ended:?}");
        assert!(home.is_untouched(), "{text}");
    }
    let home = Home::new();
    let ended = home.run(&["--config", "/nowhere.toml", "runs"]);
    ended.says(1, "config `/nowhere.toml` cannot be read", "--config");
}

/// Who may write in a folder on the way can put another one in the place of the next: those that links pass through
/// count too. Where everybody may write and nobody take away, as in `/tmp`, that is no way in.
#[test]
fn a_config_and_trust_that_are_reached_through_a_folder_of_others_are_refused() {
    let home = Home::new();
    home.config("[ui]\ncolor = \"never\"\n");
    assert_eq!(home.run(&["keys", "show"]).code, 0);
    let folder = home.path("home/.config/thymos");
    // home/.config/thymos -> hop/link -> far/real, each in a folder of its own.
    for made in ["hop", "far"] {
        fs::create_dir(home.path(made)).unwrap();
    }
    let (link, real) = (home.path("hop/link"), home.path("far/real"));
    fs::rename(&folder, &real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    std::os::unix::fs::symlink("../../hop/link", &folder).unwrap();
    assert_eq!(home.run(&["runs"]).code, 0);
    for open in ["home", "home/.config", "hop", "far"] {
        let place = home.path(open);
        let own = fs::metadata(&place).unwrap().permissions();
        let set = |mode| fs::set_permissions(&place, Permissions::from_mode(mode)).unwrap();
        set(0o777);
        home.run(&["runs"])
            .says(1, "which can be written by others than you", "chmod o-w");
        // Without a config the trust file says so itself.
        fs::rename(real.join("config.toml"), real.join("aside")).unwrap();
        home.run(&["keys", "ls"])
            .says(1, "which can be written by others than you", "chmod o-w");
        fs::rename(real.join("aside"), real.join("config.toml")).unwrap();
        set(0o1777);
        let sticky = home.run(&["runs"]);
        assert_eq!(sticky.code, 0, "{open}: {sticky:?}");
        set(own.mode());
    }
    // Whose a link is may lead it elsewhere, where it stands in a folder for everybody.
    if fs::metadata(&real).unwrap().uid() == 0 {
        std::os::unix::fs::lchown(&link, Some(1_234), None).unwrap();
        home.run(&["runs"])
            .says(1, "belongs to somebody else", "chown");
        std::os::unix::fs::lchown(&link, Some(0), None).unwrap();
        // `nobody` is somebody where it is a user of this machine.
        chown(home.path("hop"), Some(65_534), None).unwrap();
        let mapped = fs::read_to_string("/proc/self/uid_map").unwrap();
        if mapped.contains("4294967295") {
            home.run(&["runs"])
                .says(1, "belongs to somebody else", "chown");
        }
        chown(home.path("hop"), Some(0), None).unwrap();
    }
    // A link that leads round in circles ends.
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&link, &link).unwrap();
    let round = home.run(&["runs"]);
    assert_ne!(round.code, 101, "{round:?}");
}

/// The file that is read unasked chooses models, budgets and the ledger: it is nobody else's.
#[test]
fn a_config_that_others_may_write_is_refused_unless_it_is_named() {
    let home = Home::new();
    home.config("[ui]\ncolor = \"never\"\n");
    let file = home.path("home/.config/thymos/config.toml");
    let folder = file.parent().unwrap().to_owned();
    let named = ["--config", file.to_str().unwrap(), "runs"];
    for place in [&file, &folder] {
        let own = fs::metadata(place).unwrap().permissions();
        let open = Permissions::from_mode(own.mode() | 0o002);
        fs::set_permissions(place, open).unwrap();
        home.run(&["runs"])
            .says(1, "can be written by others than you", "chmod");
        assert!(home.is_untouched());
        fs::set_permissions(place, own).unwrap();
    }
    let own = fs::metadata(&file).unwrap().permissions();
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    assert_eq!(home.run(&named).code, 0);
    fs::set_permissions(&file, own).unwrap();
    if fs::metadata(&file).unwrap().uid() == 0 {
        chown(&file, Some(65_534), None).unwrap();
        home.run(&["runs"])
            .says(1, "belongs to somebody else", "chown");
        chown(&file, Some(0), None).unwrap();
    }
    assert_eq!(home.run(&["runs"]).code, 0);
    // A pipe in its place would be waited for.
    fs::remove_file(&file).unwrap();
    let made = Command::new("mkfifo").arg(&file).status();
    assert!(made.unwrap().success());
    home.run(&["runs"]).says(1, "is no file", "--config");
}

#[test]
fn an_unknown_model_offers_names_and_makes_nothing() {
    let home = Home::new();
    for (model, near) in [
        ("practise", "practice"),
        ("antropic", "anthropic"),
        ("zzz/x", "practice"),
    ] {
        let ended = home.run(&["run", "--model", model, "go"]);
        ended.says(1, "there is no provider", near);
    }
    assert!(home.is_untouched());
}

#[test]
fn a_missing_key_names_its_variable_and_a_way_without() {
    let home = Home::new();
    let ended = home.run(&["run", "--model", "anthropic", "go"]);
    ended.says(1, "`ANTHROPIC_API_KEY` is not set", "--model practice");
    assert!(home.is_untouched());
}

#[test]
fn an_unreachable_provider_closes_the_run_with_a_sentence() {
    let home = Home::new();
    // A port that nobody listens on: taken and given back by this test.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    home.config(&format!(
        "[session]\nmodel = \"mine\"\n[providers.mine]\nkind = \"openai\"\nmodel = \"m\"\n\
         base_url = \"http://127.0.0.1:{port}/v1\"\n"
    ));
    let ended = home.run(&["run", "go"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended
            .err
            .contains("`mine` cannot be reached at `127.0.0.1`"),
        "{ended:?}"
    );
    assert!(
        ended.err.contains("hint: `thymos run --resume"),
        "{ended:?}"
    );
    assert!(!ended.err.contains("panicked"));
    assert_eq!((home.count("closed"), home.count("intent")), (1, 0));
    home.verifies();
}

#[test]
fn the_app_without_a_terminal_says_what_works_instead() {
    let home = Home::new();
    home.run(&[])
        .says(2, "standard input is not a terminal", "thymos run");
    assert!(home.is_untouched());
}

#[test]
fn ids_are_any_unique_prefix_of_six_digits() {
    let home = Home::playing(&[json!({"text": "hello"})]);
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..2 {
        assert_eq!(home.run(&["run", "hi"]).code, 0);
    }
    for row in home.json(&["runs", "--json"]) {
        ids.push(row["trajectory"].as_str().unwrap().to_owned());
    }
    for (prefix, code) in [(&ids[0][..6], 0), (&ids[1][..], 0)] {
        assert_eq!(home.run(&["audit", prefix]).code, code);
        assert_eq!(home.run(&["replay", &prefix.to_uppercase()]).code, code);
    }
    for verb in ["audit", "replay"] {
        home.run(&[verb, &ids[0][..5]])
            .says(2, "is not the start of a trajectory id", "6 hex");
        home.run(&[verb, "nothex!!"])
            .says(2, "is not the start of a trajectory id", "6 hex");
        home.run(&[verb, "000000000000"])
            .says(1, "there is no trajectory", "thymos runs");
    }
    home.run(&["run", "--resume", "000000000000", "x"]).says(
        1,
        "there is no trajectory",
        "thymos runs",
    );
    home.run(&["approvals", "show", "000000000000"]).says(
        1,
        "there is no pending proposal",
        "approvals ls",
    );
    let ended = home.run(&["settle", "000000000000", "--as", "happened"]);
    ended.says(1, "there is no unsettled proposal", "thymos settle");
}

#[test]
fn a_wrong_digest_approves_nothing() {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}}]}),
    ]);
    assert_eq!(home.run(&["run", "write"]).code, 10);
    let (id, digest) = home.held();
    for wrong in ["000000000000", &digest[..5], "", &format!("{digest}00")] {
        home.run(&["approvals", "approve", &id, "--digest", wrong])
            .says(11, "is not the one of what would run", "approvals show");
    }
    let missing = home.run(&["approvals", "approve", &id]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert_eq!(
        (home.held().0, home.read("ws/a.txt")),
        (id.clone(), String::new())
    );
    let ended = home.run(&["approvals", "approve", &id[..8], "--digest", &digest[..12]]);
    assert_eq!(
        (ended.code, home.read("ws/a.txt").as_str()),
        (0, "a"),
        "{ended:?}"
    );
    home.run(&["approvals", "deny", &id])
        .says(11, "waits no more", "thymos audit");
}

#[test]
fn a_bad_filter_names_its_column() {
    let home = Home::playing(&[json!({"text": "hello"})]);
    home.run(&["run", "hi"]);
    home.run(&["ledger", "kind:commit foo:bar"])
        .says(1, "column 13: unknown field `foo`", "");
    home.run(&["ledger", "kind:nope"])
        .says(1, "column 6: `kind` knows no `nope`", "one of");
    home.run(&["ledger", "seq:x"]).says(
        1,
        "column 5: `x` is neither a number nor a range",
        "4100..4200",
    );
    let ended: Ended = home.run(&["ledger", "--", "-kind:root text:hello"]);
    assert_eq!((ended.code, ended.out.lines().count()), (0, 1), "{ended:?}");
}

#[test]
fn l18_the_ledger_is_a_table_with_a_row_an_entry() {
    let home = Home::playing(&[json!({"text": "one, \"two\""})]);
    home.run(&["run", "hi"]);
    let ended = home.run(&["ledger", "--csv"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let mut lines = ended.out.split_terminator("\r\n");
    assert_eq!(lines.next(), Some("index,trajectory,seq,time,kind,words"));
    let lines: Vec<&str> = lines.collect();
    let events = home.json(&["ledger", "--json"]);
    assert_eq!(lines.len(), events.len());
    for (line, event) in lines.iter().zip(&events) {
        let cells: Vec<&str> = line.splitn(6, ',').collect();
        let number = |name: &str| event[name].as_u64().unwrap().to_string();
        let word = |name: &str| event[name].as_str().unwrap();
        assert_eq!(cells[0], number("index"));
        assert_eq!(cells[1], word("trajectory"));
        assert_eq!(cells[2], number("seq"));
        let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
        let time: String = cells[3].chars().map(shape).collect();
        assert_eq!(time, "0000-00-00T00:00:00.000Z", "{line}");
        assert_eq!(cells[4], word("kind"));
    }
    // What a turn cost says nothing while it goes on, and has its words in the table.
    let used = home.run(&["ledger", "kind:usage"]).out;
    assert!(used.contains("usage: script/"), "{used}");
    let said = home.run(&["ledger", "text:two", "--csv"]).out;
    assert!(said.contains(r#""ai: one, ""two""""#), "{said}");
    let nothing = home.run(&["ledger", "kind:branch", "--csv"]);
    assert_eq!(nothing.out, "index,trajectory,seq,time,kind,words\r\n");
    assert_eq!(home.run(&["ledger", "--csv", "--json"]).code, 2);
}
