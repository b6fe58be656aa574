//! The files of the tree: walks folders and reads texts. Judges nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 4] = ["target", ".git", "corpus", "artifacts"];

/// The root of the workspace.
pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A text file, its path relative to the root with `/` separators.
pub(super) struct Text {
    pub(super) path: String,
    pub(super) text: String,
}

/// Every file of the tree whose name ends so, in order.
pub(super) fn ending(suffix: &str) -> Vec<Text> {
    let mut found = Vec::new();
    walk(&root(), suffix, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file ends in `{suffix}`");
    found
}

/// One file; it must be there.
pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("`{path}`: {e}"))
}

/// The folders of the crates, relative to the root.
pub(super) fn crates() -> Vec<String> {
    let mut found: Vec<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|row| row.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            root()
                .join("crates")
                .join(name)
                .join("Cargo.toml")
                .is_file()
        })
        .map(|name| format!("crates/{name}"))
        .collect();
    found.sort();
    found
}

fn walk(folder: &Path, suffix: &str, found: &mut Vec<Text>) {
    for row in fs::read_dir(folder).unwrap() {
        let path = row.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_symlink() || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            walk(&path, suffix, found);
        } else if name.ends_with(suffix) {
            let relative = path.strip_prefix(root()).unwrap().to_string_lossy();
            let Ok(text) = fs::read_to_string(&path) else {
                continue; // Seeds may be anything but text.
            };
            found.push(Text {
                path: relative.replace('\\', "/"),
                text,
            });
        }
    }
}
