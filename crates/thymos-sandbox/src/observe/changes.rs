//! The difference of two looks.
//!
//! Reads no file.

use std::path::PathBuf;

use super::image::FileImage;
use super::look::TreeSnapshot;

/// What changed between two looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedChanges {
    /// The changes, by root and path.
    pub changes: Vec<Change>,
    /// Whether both looks were complete. If not, there may be changes that are not listed, and a
    /// file may seem new or gone only because one look stopped before it.
    pub complete: bool,
    /// Files that both looks saw, together.
    pub files_compared: usize,
    /// Folders and files that either look passed over.
    pub unobserved: Vec<PathBuf>,
}

/// One path that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The writable root it lies in.
    pub root: PathBuf,
    /// Its path below the root; empty if the root is itself a file.
    pub path: PathBuf,
    /// What it was; `None` if it was not there.
    pub before: Option<FileImage>,
    /// What it is; `None` if it is gone.
    pub after: Option<FileImage>,
}

/// Compares two looks at the same roots.
#[must_use]
pub fn diff(before: &TreeSnapshot, after: &TreeSnapshot) -> ObservedChanges {
    let mut changes = Vec::new();
    let mut note = |key: &(usize, PathBuf), old: Option<&FileImage>, new: Option<&FileImage>| {
        let root = before.roots.get(key.0).or_else(|| after.roots.get(key.0));
        let root = root.cloned().unwrap_or_default();
        let path = key.1.clone();
        changes.push(Change {
            root,
            path,
            before: old.cloned(),
            after: new.cloned(),
        });
    };
    let mut files_compared = 0;
    for (key, old) in &before.files {
        match after.files.get(key) {
            None => note(key, Some(old), None),
            Some(new) => {
                files_compared += 1;
                if old.differs(new) {
                    note(key, Some(old), Some(new));
                }
            }
        }
    }
    for (key, new) in after
        .files
        .iter()
        .filter(|(key, _)| !before.files.contains_key(*key))
    {
        note(key, None, Some(new));
    }
    changes.sort_by(|a, b| (&a.root, &a.path).cmp(&(&b.root, &b.path)));
    let mut unobserved: Vec<_> = before
        .unobserved
        .iter()
        .chain(&after.unobserved)
        .cloned()
        .collect();
    unobserved.sort();
    unobserved.dedup();
    let complete = before.complete && after.complete && before.roots == after.roots;
    ObservedChanges {
        changes,
        complete,
        files_compared,
        unobserved,
    }
}
