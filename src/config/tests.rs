//! Config: layers, sources, and errors with their line.

use std::fs;

use super::ledger::LedgerPlace;
use super::*;
use crate::error::ErrorKind;

fn env(home: &std::path::Path, more: &[(&str, &str)]) -> Env {
    let mut vars = vec![("HOME", home.to_str().unwrap())];
    vars.extend_from_slice(more);
    Env::of(&vars)
}

fn write(home: &std::path::Path, text: &str) {
    let folder = home.join(".config/thymos");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), text).unwrap();
}

#[test]
fn a_missing_file_means_the_defaults() {
    let home = tempfile::tempdir().unwrap();
    let config = load(&env(home.path(), &[]), &Flags::default()).unwrap();
    assert_eq!(config.mode.value, thymos_core::writ::Mode::Edit);
    assert_eq!(config.mode.source, Source::Default);
    assert_eq!(
        config.ledger.value,
        LedgerPlace::File(home.path().join(".local/share/thymos/ledger.db"))
    );
}

#[test]
fn a_flag_outranks_the_environment_and_that_outranks_the_file() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "[session]\n\nmode = \"plan\"\n");
    let from_file = load(&env(home.path(), &[]), &Flags::default()).unwrap();
    assert!(
        matches!(from_file.mode.source, Source::File(_, 3)),
        "{:?}",
        from_file.mode.source
    );
    let env = env(home.path(), &[("THYMOS_MODE", "auto")]);
    assert_eq!(
        load(&env, &Flags::default()).unwrap().mode.source,
        Source::Env("THYMOS_MODE")
    );
    let flags = Flags {
        mode: Some("edit".into()),
        ..Flags::default()
    };
    assert_eq!(
        load(&env, &flags).unwrap().mode.source,
        Source::Flag("--mode")
    );
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let home = tempfile::tempdir().unwrap();
    for (text, line) in [
        ("[ui]\ntheme = \"dark\"\ncolour = \"never\"\n", "line 3"),
        ("[run]\nturns_max = \"many\"\n", "line 2"),
        ("[session\n", "line 1"),
    ] {
        write(home.path(), text);
        let error = load(&env(home.path(), &[]), &Flags::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.message.contains(line), "{text:?}: {}", error.message);
    }
}

#[test]
fn an_unknown_mode_says_where_it_stands() {
    let home = tempfile::tempdir().unwrap();
    let flags = Flags {
        mode: Some("yolo".into()),
        ..Flags::default()
    };
    let error = load(&env(home.path(), &[]), &flags).unwrap_err();
    assert!(
        error.to_string().contains("`yolo` (flag --mode)"),
        "{error}"
    );
}

#[test]
fn explain_never_prints_a_secret() {
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        "[providers.x]\nkind = \"openai\"\nbase_url = \"https://me:hunter22@host/v1\"\n\
         headers = { authorization = \"very-secret-value\" }\n",
    );
    let config = load(&env(home.path(), &[]), &Flags::default()).unwrap();
    let shown = format!("{:?} {config:?}", explain::rows(&config));
    assert!(
        !explain::rows(&config)
            .iter()
            .any(|row| row.value.contains("hunter22"))
    );
    assert!(!shown.contains("very-secret-value"), "{shown}");
}

#[test]
fn c18_floors_of_tools_are_read_in_the_order_of_the_file() {
    let home = tempfile::tempdir().unwrap();
    let text = "[tools]\nprotected = [\"secrets\"]\n[tools.shell]\neffect = \"external\"\n\
                rung = \"L3\"\n[tools.kv_set]\nrisk = \"high\"\nrepeat = \"once\"\n";
    write(home.path(), text);
    let config = load(&env(home.path(), &[]), &Flags::default()).unwrap();
    let told: Vec<_> = explain::rows(&config)
        .into_iter()
        .filter(|row| row.key.starts_with("tools.") && row.key.matches('.').count() == 2)
        .map(|row| format!("{} {} {}", row.key, row.value, row.source.ends_with(":4")))
        .collect();
    assert_eq!(
        told,
        [
            "tools.shell.effect external true",
            "tools.shell.rung L3 true",
            "tools.kv_set.risk high false",
            "tools.kv_set.repeat once false"
        ]
    );
    assert_eq!(
        config.protected.value,
        [std::path::PathBuf::from("secrets")]
    );
}

#[test]
fn c18_a_mistyped_class_is_named_with_its_line_and_the_nearest_one() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "[tools.shell]\n\neffect = \"externl\"\n");
    let error = load(&env(home.path(), &[]), &Flags::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(
        error
            .message
            .contains("line 3: there is no effect class `externl`")
    );
    assert_eq!(error.hints, ["did you mean `external`?"]);
}

#[test]
fn an_unknown_key_among_the_tools_is_named_with_its_line() {
    let home = tempfile::tempdir().unwrap();
    for text in [
        "[tools]\nprotectd = [\"a\"]\n",
        "[tools.shell]\neffct = \"read\"\n",
    ] {
        write(home.path(), text);
        let error = load(&env(home.path(), &[]), &Flags::default()).unwrap_err();
        assert!(error.message.contains("line 2"), "{error}");
    }
}

#[test]
fn a8_approvals_are_tightened_and_told_with_their_lines() {
    let home = tempfile::tempdir().unwrap();
    let none = load(&env(home.path(), &[]), &Flags::default()).unwrap();
    assert!(none.approvals.value.is_none());
    let text =
        "[approvals]\nview_gate = true\ntype_back = true\nquorum = 2\nexpires_in = \"90m\"\n";
    write(home.path(), text);
    let config = load(&env(home.path(), &[]), &Flags::default()).unwrap();
    let expected = thymos_core::verdict::Tightening {
        expires_after_ms: Some(5_400_000),
        quorum: Some(2),
        type_back: true,
        view_gate: true,
    };
    assert_eq!(config.approvals.value, expected);
    let told: Vec<_> = explain::rows(&config)
        .into_iter()
        .filter(|row| row.key.starts_with("approvals."))
        .map(|row| {
            let line = row.source.rsplit(':').next().unwrap().to_owned();
            format!("{} {} {line}", row.key, row.value)
        })
        .collect();
    assert_eq!(
        told,
        [
            "approvals.view_gate true 2",
            "approvals.type_back true 3",
            "approvals.quorum 2 4",
            "approvals.expires_in 90m 5"
        ]
    );
}

#[test]
fn a8_a_value_that_would_loosen_is_an_error_with_its_line() {
    let home = tempfile::tempdir().unwrap();
    for (line, value) in [
        ("view_gate = false", "false"),
        ("type_back = false", "false"),
        ("quorum = 1", "1"),
        ("quorum = 0", "0"),
        ("expires_in = \"0s\"", "0s"),
    ] {
        write(home.path(), &format!("[approvals]\n{line}\n"));
        let error = load(&env(home.path(), &[]), &Flags::default()).unwrap_err();
        let key = line.split(' ').next().unwrap();
        let said = format!(
            "line 2: `approvals.{key}` is {value}, which would ask for less than the rules do"
        );
        assert!(error.message.ends_with(&said), "{error}");
        assert_eq!(error.kind, ErrorKind::Config);
        assert_eq!(error.hints, ["leave it out; these settings only tighten"]);
    }
}

#[test]
fn a8_what_is_no_length_of_time_or_no_key_is_an_error_with_its_line() {
    let home = tempfile::tempdir().unwrap();
    for text in [
        "soon",
        "",
        "5",
        "-5m",
        "+5m",
        "5 m",
        "ü",
        "99999999999999999999d",
        "9999999d",
    ] {
        write(
            home.path(),
            &format!("[approvals]\nexpires_in = \"{text}\"\n"),
        );
        let error = load(&env(home.path(), &[]), &Flags::default()).unwrap_err();
        assert!(
            error.message.contains("line 2: `approvals.expires_in` is"),
            "{error}"
        );
        assert_eq!(error.hints, ["write it so: 90s, 30m, 8h, 2d"]);
    }
    for line in [
        "quorum = -1",
        "quorum = \"two\"",
        "type_back = 1",
        "typeback = true",
    ] {
        write(home.path(), &format!("[approvals]\n{line}\n"));
        let error = load(&env(home.path(), &[]), &Flags::default()).unwrap_err();
        assert!(error.message.contains("line 2"), "{error}");
    }
}
