//! The files of a workspace by name, for a person who picks one. Opens no file, and is no tool: no model asks it.
//!
//! Walks as `list_files` does: ignore files are honoured, no link is followed, what is protected is left out.

use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use tokio_util::sync::CancellationToken;

use crate::limits::WALK_DEPTH_MAX;
use crate::walk::{Onward, Walk, walk};
use crate::workspace::{Workspace, WorkspaceError};

/// The files that a walk found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Their paths below the root, in order of names, folder by folder.
    pub paths: Vec<String>,
    /// Entries after which the walk stopped, so that there are more; none when it saw them all.
    pub stopped_after: Option<usize>,
}

/// Lists the files below a folder, those of names with a leading dot only where that is wanted. Ends early, with
/// what it has, once it is cancelled.
///
/// # Errors
/// [`WorkspaceError`] when the folder cannot be opened.
pub fn files(
    root: &Path,
    protected: Vec<PathBuf>,
    hidden: bool,
    cancel: &CancellationToken,
) -> Result<Files, WorkspaceError> {
    let workspace = Workspace::open(root, protected)?;
    let request = Walk {
        start: ".",
        hidden,
        depth_max: WALK_DEPTH_MAX,
    };
    let mut files = Files::default();
    let walked = walk(&workspace, request, cancel, &mut |found| {
        // [R3] Closed to every tool, so nobody is led to it. A name that is not UTF-8 no argument can say.
        if found.kind == FileType::RegularFile && !found.protected && !found.odd_name {
            files.paths.push(found.path.to_owned());
        }
        Onward::Continue
    });
    let walked = walked.map_err(|errno| WorkspaceError::Io {
        path: root.to_owned(),
        source: errno.into(),
    })?;
    files.stopped_after = walked.limited.then_some(walked.entries);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn found(folder: &Path, protected: &[&str], hidden: bool) -> Vec<String> {
        let protected = protected.iter().map(PathBuf::from).collect();
        let found = files(folder, protected, hidden, &CancellationToken::new()).unwrap();
        assert_eq!(found.stopped_after, None);
        found.paths
    }

    #[test]
    fn r3_what_is_ignored_or_protected_is_not_named() {
        let folder = tree(&[
            "src/a b.rs",
            "src/.env.local",
            "keys/id",
            "keys/deep/id",
            "out/x.o",
            "b.log",
            ".env",
            ".ci/run",
        ]);
        fs::write(folder.path().join(".gitignore"), "out/\n*.log\n").unwrap();
        fs::hard_link(folder.path().join(".env"), folder.path().join("copy")).unwrap();
        std::os::unix::fs::symlink(".env", folder.path().join("link")).unwrap();
        assert_eq!(found(folder.path(), &["keys"], false), ["src/a b.rs"]);
        let dotted = found(folder.path(), &["keys"], true);
        assert_eq!(dotted, [".ci/run", ".gitignore", "src/a b.rs"]);
    }

    #[test]
    fn a_walk_that_is_over_says_nothing_of_what_it_has_not_seen() {
        let folder = tree(&["a", "b"]);
        let cancel = CancellationToken::new();
        cancel.cancel();
        let found = files(folder.path(), Vec::new(), false, &cancel).unwrap();
        assert_eq!(found, Files::default());
        let gone = folder.path().join("gone");
        assert!(files(&gone, Vec::new(), false, &cancel).is_err());
    }
}
