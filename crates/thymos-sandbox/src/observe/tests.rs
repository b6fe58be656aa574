//! What changed is told with before and after, and what was not looked at is told too.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{
    FileImage, ObservedChanges, ScanLimits, SkippedFolders, TreeSnapshot, diff, rescan, scan,
};

const LIMITS: ScanLimits = ScanLimits {
    files_max: 1000,
    bytes_max: 1 << 20,
    content_bytes_max: 1 << 16,
    skipped: SkippedFolders::BuildOutput,
};

fn tree() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().to_owned();
    fs::create_dir_all(root.join("src/deep")).expect("made");
    for file in ["a", "src/b", "src/deep/c"] {
        fs::write(root.join(file), file).expect("written");
    }
    (folder, root)
}

fn look(root: &Path) -> TreeSnapshot {
    scan(&[root.to_owned()], &LIMITS, None)
}

fn told(changes: &ObservedChanges) -> Vec<String> {
    let known = |image: &Option<FileImage>| match image {
        None => "-".to_owned(),
        Some(image) => match image.digest {
            None => format!("?:{}", image.size_bytes),
            Some(digest) => format!(
                "{}:{}",
                &blake3::Hash::from(digest).to_hex()[..4],
                image.size_bytes
            ),
        },
    };
    let line = |change: &super::Change| {
        format!(
            "{} {} {}",
            change.path.display(),
            known(&change.before),
            known(&change.after)
        )
    };
    changes.changes.iter().map(line).collect()
}

fn short(text: &str) -> String {
    format!(
        "{}:{}",
        &blake3::hash(text.as_bytes()).to_hex()[..4],
        text.len()
    )
}

#[test]
fn o3_nothing_done_is_no_change() {
    let (_folder, root) = tree();
    let before = look(&root);
    let after = rescan(&before, &LIMITS, None);
    let changes = diff(&before, &after);
    assert_eq!(
        (told(&changes), changes.complete, changes.files_compared),
        (vec![], true, 3)
    );
}

#[test]
fn o3_changes_come_with_before_and_after() {
    let (_folder, root) = tree();
    let before = look(&root);
    fs::write(root.join("a"), "A").expect("same size, other bytes");
    fs::remove_file(root.join("src/b")).expect("removed");
    fs::create_dir(root.join("new")).expect("made");
    fs::write(root.join("new/n"), "fresh").expect("written");
    symlink("a", root.join("link")).expect("linked");
    let changes = diff(&before, &rescan(&before, &LIMITS, None));
    let expected = [
        format!("a {} {}", short("a"), short("A")),
        format!("link - {}", short("a")),
        format!("new/n - {}", short("fresh")),
        format!("src/b {} -", short("src/b")),
    ];
    assert_eq!(told(&changes), expected);
    assert!(changes.complete);
}

#[test]
fn o3_a_mode_alone_is_a_change_and_a_touch_is_none() {
    let (_folder, root) = tree();
    let before = look(&root);
    fs::set_permissions(root.join("a"), fs::Permissions::from_mode(0o755)).expect("set");
    fs::write(root.join("src/b"), "src/b").expect("the same again");
    let changes = diff(&before, &rescan(&before, &LIMITS, None));
    assert_eq!(told(&changes), [format!("a {} {}", short("a"), short("a"))]);
    let change = &changes.changes[0];
    assert_eq!(change.after.as_ref().map(|after| after.mode), Some(0o755));
}

#[test]
fn o3_too_many_files_is_told() {
    let (_folder, root) = tree();
    let limits = ScanLimits {
        files_max: 2,
        ..LIMITS
    };
    let before = scan(std::slice::from_ref(&root), &limits, None);
    assert_eq!((before.complete, before.files_seen), (false, 2));
    assert!(!diff(&before, &before).complete);
}

#[test]
fn o3_too_many_bytes_leave_digests_out_and_changes_in() {
    let (_folder, root) = tree();
    fs::write(root.join("big"), [0; 100]).expect("written");
    let limits = ScanLimits {
        bytes_max: 50,
        ..LIMITS
    };
    let before = scan(std::slice::from_ref(&root), &limits, None);
    fs::write(root.join("big"), [1; 90]).expect("written");
    let changes = diff(&before, &rescan(&before, &limits, None));
    assert_eq!(
        (told(&changes), changes.complete),
        (vec!["big ?:100 ?:90".to_owned()], false)
    );
}

#[test]
fn o3_build_output_is_passed_over_and_named() {
    let (_folder, root) = tree();
    for folder in [
        "target/debug",
        "web/node_modules/x",
        ".git/objects/ab",
        ".git/hooks",
    ] {
        fs::create_dir_all(root.join(folder)).expect("made");
        fs::write(root.join(folder).join("f"), "f").expect("written");
    }
    let seen = look(&root);
    let unobserved = [".git/objects", "target", "web/node_modules"].map(|path| root.join(path));
    assert_eq!(
        (seen.unobserved.clone(), seen.complete),
        (unobserved.to_vec(), true)
    );
    assert!(seen.file(&root, Path::new(".git/hooks/f")).is_some());
    let all = ScanLimits {
        skipped: SkippedFolders::Nothing,
        ..LIMITS
    };
    assert_eq!(scan(&[root], &all, None).files_seen, 7);
}

#[test]
fn o3_contents_are_handed_over_for_what_is_read() {
    let (_folder, root) = tree();
    fs::write(root.join("big"), vec![b'x'; 1 << 17]).expect("written");
    let mut heard = Vec::new();
    let mut listen =
        |_: &Path, path: &Path, bytes: &[u8]| heard.push((path.to_owned(), bytes.to_vec()));
    let seen = scan(std::slice::from_ref(&root), &LIMITS, Some(&mut listen));
    let expected =
        ["a", "src/b", "src/deep/c"].map(|path| (PathBuf::from(path), path.as_bytes().to_vec()));
    assert_eq!((heard, seen.files_seen), (expected.to_vec(), 4));
}

#[test]
fn o3_pipes_are_seen_and_not_opened() {
    let (_folder, root) = tree();
    let path = std::ffi::CString::new(root.join("pipe").to_str().expect("plain")).expect("plain");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path.as_c_str(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .expect("made");
    let seen = look(&root);
    let pipe = seen.file(&root, Path::new("pipe")).expect("seen");
    assert_eq!(
        (pipe.kind, pipe.digest, seen.complete),
        (super::FileKind::Special, None, true)
    );
}

#[test]
fn o3_a_root_that_is_not_there_is_told() {
    let (_folder, root) = tree();
    let missing = root.join("missing");
    let seen = look(&missing);
    assert_eq!((seen.complete, seen.unobserved), (false, vec![missing]));
}
