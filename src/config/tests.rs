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
