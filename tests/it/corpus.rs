//! Every kept fuzz input, through the same doors as the fuzz targets, on the stable compiler.

use std::fs;
use std::path::PathBuf;

#[expect(
    unreachable_pub,
    reason = "the fuzz targets see the same file as a library"
)]
#[path = "../../crates/fuzz/src/doors.rs"]
mod doors;

/// Runs a door over every input kept for it.
#[track_caller]
fn check_kept(target: &str, door: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("crates/fuzz/seeds")
        .join(target);
    let mut count = 0;
    for row in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = row.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if std::panic::catch_unwind(|| door(&bytes)).is_err() {
            panic!("the door `{target}` broke on {}", path.display());
        }
        count += 1;
    }
    assert!(count > 0, "no inputs are kept for `{target}`");
}

#[test]
fn kept_entries_are_read_or_refused() {
    check_kept("entry", doors::entry);
}

#[test]
fn kept_bundles_are_read_or_refused() {
    check_kept("bundle", doors::bundle);
}

#[test]
fn kept_writs_are_read_or_refused() {
    check_kept("writ", doors::writ);
}

#[test]
fn kept_skills_are_read_or_refused() {
    check_kept("skill", doors::skill);
}

#[test]
fn kept_policy_bundles_are_read_or_refused() {
    check_kept("policy_bundle", doors::policy_bundle);
}

#[test]
fn kept_model_streams_are_cut_anywhere() {
    check_kept("model_stream", doors::model_stream);
}

#[test]
fn kept_patches_apply_or_say_why_not() {
    check_kept("patch", doors::patch);
}

#[test]
fn kept_keymaps_give_a_whole_table() {
    check_kept("keymap", doors::keymap);
}

#[test]
fn kept_themes_only_warn() {
    check_kept("theme", doors::theme);
}

#[test]
fn kept_texts_are_shown_safely() {
    check_kept("safe_text", doors::safe_text);
}

#[test]
fn kept_filters_are_read_or_refused() {
    check_kept("filter", doors::filter);
}

#[test]
fn every_fuzz_target_has_a_door_here_and_seeds() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("crates/fuzz");
    let names = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(root.join(folder))
            .unwrap()
            .map(|row| {
                row.unwrap()
                    .path()
                    .file_stem()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("fuzz_targets"), names("seeds"));
    let this = include_str!("corpus.rs");
    for name in names("fuzz_targets") {
        assert!(
            this.contains(&format!("check_kept(\"{name}\"")),
            "`{name}` is not run here"
        );
    }
}
