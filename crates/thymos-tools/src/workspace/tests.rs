//! Tests of the workspace: nothing leads outside, what is protected stays closed.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use thymos_core::isolation::Rung;

use super::*;
use crate::testing::Bench;

fn located(bench: &Bench, path: &str) -> Result<String, String> {
    let place = bench.workspace.locate(path);
    place
        .map(|place| place.path)
        .map_err(|fault| fault.about(path).message)
}

#[test]
fn a_missing_root_a_file_and_a_folder_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    assert!(matches!(
        Workspace::open(&gone, vec![]),
        Err(WorkspaceError::Missing { .. })
    ));
    std::fs::write(&gone, "").unwrap();
    assert!(matches!(
        Workspace::open(&gone, vec![]),
        Err(WorkspaceError::NotAFolder { .. })
    ));
    Workspace::open(folder.path(), vec![]).unwrap();
}

#[test]
fn paths_are_normalized_and_absolute_ones_inside_made_relative() {
    let bench = Bench::new();
    bench.put("a/b/ü.txt", "x");
    for path in ["a/b/ü.txt", "./a//b/./ü.txt", "a/b/../b/ü.txt"] {
        assert_eq!(located(&bench, path).unwrap(), "a/b/ü.txt");
    }
    let absolute = bench.path("a/b/ü.txt");
    assert_eq!(
        located(&bench, absolute.to_str().unwrap()).unwrap(),
        "a/b/ü.txt"
    );
    assert_eq!(located(&bench, ".").unwrap(), ".");
    assert_eq!(located(&bench, "a/..").unwrap(), ".");
    assert_eq!(located(&bench, "new/deep/file").unwrap(), "new/deep/file");
}

#[test]
fn nothing_leads_outside() {
    let bench = Bench::new();
    bench.put("a/file", "x");
    std::fs::write(bench.folder.path().join("secret"), "s").unwrap();
    symlink("../secret", bench.path("relative")).unwrap();
    symlink(bench.folder.path().join("secret"), bench.path("absolute")).unwrap();
    symlink("/proc/self/root", bench.path("magic")).unwrap();
    symlink("..", bench.path("up")).unwrap();
    for path in [
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        "/",
        "relative",
        "absolute",
        "magic",
        "magic/etc/passwd",
        "up/secret",
        "/proc/self/root/etc/passwd",
        "/proc/self/cwd",
    ] {
        let said = located(&bench, path).unwrap_err();
        assert!(said.ends_with("leads outside the workspace"), "{said}");
    }
}

#[test]
fn links_inside_are_followed_to_the_real_path() {
    let bench = Bench::new();
    bench.put("real/file", "x");
    symlink("real", bench.path("folder")).unwrap();
    symlink(bench.path("real/file"), bench.path("direct")).unwrap();
    symlink("round", bench.path("round")).unwrap();
    assert_eq!(located(&bench, "folder/file").unwrap(), "real/file");
    assert_eq!(located(&bench, "direct").unwrap(), "real/file");
    assert_eq!(
        located(&bench, "round").unwrap_err(),
        "`round` goes round in symbolic links"
    );
}

#[test]
fn odd_paths_are_refused_with_one_sentence() {
    let bench = Bench::new();
    bench.put("file", "x");
    assert_eq!(located(&bench, "").unwrap_err(), "`` is an empty path");
    assert_eq!(
        located(&bench, "a\0b").unwrap_err(),
        "`a\0b` holds a NUL byte"
    );
    let said = located(&bench, "file/below").unwrap_err();
    assert_eq!(said, "`file/below` goes through `file`, which is no folder");
    assert!(located(&bench, &"x/".repeat(1000)).is_err());
    assert!(located(&bench, &"x".repeat(1000)).is_err());
}

#[test]
fn r3_protected_places_are_closed_by_path_name_link_and_hard_link() {
    let bench = Bench::protecting(vec![PathBuf::from("keys"), PathBuf::from("config.toml")]);
    bench.put("keys/operator", "k");
    bench.put("config.toml", "c");
    bench.put("sub/.env.local", "e");
    bench.put("open.txt", "o");
    symlink("keys/operator", bench.path("alias")).unwrap();
    symlink("sub/.env.local", bench.path("alias2")).unwrap();
    for (from, to) in [
        ("keys/operator", "hard1"),
        ("config.toml", "hard2"),
        ("sub/.env.local", "sub/hard3"),
        ("open.txt", "hard-open"),
    ] {
        std::fs::hard_link(bench.path(from), bench.path(to)).unwrap();
    }
    for path in [
        "keys",
        "keys/operator",
        "keys/new",
        "config.toml",
        ".env",
        "sub/.env.local",
        "alias",
        "alias2",
        "hard1",
        "hard2",
        "sub/hard3",
        "sub/../config.toml",
        ".envrc",
    ] {
        let said = located(&bench, path).unwrap_err();
        assert!(
            said.ends_with("is protected and closed to every tool"),
            "{path}: {said}"
        );
    }
    assert_eq!(located(&bench, "hard-open").unwrap(), "hard-open");
    let (closed, whole) = Fence::of(&bench.workspace).for_child(Rung::L2);
    assert!(whole);
    assert!(closed.contains(&bench.path("hard1")) && closed.contains(&bench.path("sub/hard3")));
    assert!(!closed.contains(&bench.path("hard-open")));
}

#[test]
fn a_real_path_that_became_a_link_does_not_open() {
    let bench = Bench::new();
    bench.put("dir/file", "x");
    std::fs::create_dir(bench.folder.path().join("outside")).unwrap();
    std::fs::write(bench.folder.path().join("outside/file"), "secret").unwrap();
    std::fs::rename(bench.path("dir"), bench.path("moved")).unwrap();
    symlink("../outside", bench.path("dir")).unwrap();
    assert_eq!(
        bench.workspace.open_file("dir/file").unwrap_err(),
        Errno::LOOP
    );
    let stepwise = open_stepwise(&bench.workspace.dir, "dir/file", OFlags::RDONLY);
    assert!(matches!(stepwise.unwrap_err(), Errno::LOOP | Errno::NOTDIR));
    let fine = open_stepwise(&bench.workspace.dir, "moved/file", OFlags::RDONLY);
    assert!(fine.is_ok());
}

#[test]
fn r3_a_link_with_a_protected_name_is_closed_wherever_it_points() {
    let bench = Bench::new();
    bench.put("config/dev", "SECRET");
    symlink("config/dev", bench.path(".env")).unwrap();
    symlink(".env", bench.path("alias")).unwrap();
    for path in [".env", "alias"] {
        let said = located(&bench, path).unwrap_err();
        assert!(
            said.ends_with("is protected and closed to every tool"),
            "{said}"
        );
    }
    let (closed, _) = Fence::of(&bench.workspace).for_child(Rung::L2);
    assert!(closed.contains(&bench.path("config/dev")));
}

#[test]
fn r3_in_the_folders_of_others_a_cage_that_covers_files_covers_protected_names_too() {
    let bench = Bench::new();
    for path in [
        "node_modules/pkg/.env",
        "node_modules/pkg/deep/er/.env.local",
        "sub/target/.envrc",
        ".git/.env",
        "node_modules/pkg/env",
    ] {
        bench.put(path, "SECRET");
    }
    bench.put(".env", "SECRET");
    for (from, to) in [
        ("node_modules/pkg/.env", "alias"),
        ("node_modules/pkg/.env", "node_modules/hard"),
        (".env", "sub/target/hard"),
    ] {
        std::fs::hard_link(bench.path(from), bench.path(to)).unwrap();
        let said = located(&bench, to).unwrap_err();
        assert!(
            said.ends_with("is protected and closed to every tool"),
            "{to}: {said}"
        );
    }
    std::fs::hard_link(bench.path("node_modules/pkg/env"), bench.path("open")).unwrap();
    assert_eq!(located(&bench, "open").unwrap(), "open");
    let (closed, whole) = Fence::of(&bench.workspace).for_child(Rung::L2);
    assert!(
        whole
            && closed
                .iter()
                .all(|path| !path.starts_with(bench.path("node_modules")))
    );
    let (closed, whole) = Fence::of(&bench.workspace).for_child(Rung::L3);
    assert!(whole);
    for path in [
        "node_modules/pkg/.env",
        "node_modules/pkg/deep/er/.env.local",
        "sub/target/.envrc",
        ".git/.env",
        "alias",
        "node_modules/hard",
        "sub/target/hard",
    ] {
        assert!(closed.contains(&bench.path(path)), "{path}: {closed:?}");
    }
    assert!(!closed.contains(&bench.path("node_modules/pkg/env")));
}
