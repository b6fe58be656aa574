//! Config: layers, sources, and errors with their line.

use std::fs;

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
        home.path().join(".local/share/thymos/ledger.db")
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
