//! The workspace: one root, opened once, through which every file is reached.
//!
//! Two roads. [`Workspace::locate`] follows links step by step and gives the real path, never
//! leaving the root; it is for looking. [`Workspace::open_folder`] and [`Workspace::open_file`] take
//! such a real path and refuse any link on it; they are for acting, so a link swapped in between
//! is an error and never a way out. Neither knows what a file means.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

mod fault;
mod guard;
mod locate;
mod remove;
mod save;
#[cfg(test)]
mod tests;

pub(crate) use fault::PathFault;
pub(crate) use guard::{Fence, has_protected_name};
pub(crate) use locate::{Kind, Place};
pub(crate) use remove::{remove, remove_folders};
pub(crate) use save::{Save, SaveFault, Saved, save};

/// Why a folder cannot be a workspace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// There is nothing at that path.
    #[error("there is no folder `{}`", path.display())]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// There is something else at that path.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// The user may not open it.
    #[error("this user may not open `{}`", path.display())]
    NoRight {
        /// The path as given.
        path: PathBuf,
    },
    /// The folder for temporary files cannot be made.
    #[error("the folder for temporary files `{}` cannot be made", path.display())]
    Tmp {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused for another reason.
    #[error("`{}` cannot be opened", path.display())]
    Io {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// An opened workspace root.
#[derive(Debug)]
pub(crate) struct Workspace {
    given: PathBuf,
    real: PathBuf,
    dir: OwnedFd,
    protected: Vec<PathBuf>,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

impl Workspace {
    /// Opens the root. Protected paths may be absolute or relative to it, and need not exist yet.
    pub(crate) fn open(root: &Path, protected: Vec<PathBuf>) -> Result<Self, WorkspaceError> {
        let path = || root.to_owned();
        let wrong = |errno: Errno| match errno {
            Errno::NOENT => WorkspaceError::Missing { path: path() },
            Errno::NOTDIR => WorkspaceError::NotAFolder { path: path() },
            Errno::ACCESS | Errno::PERM => WorkspaceError::NoRight { path: path() },
            other => WorkspaceError::Io {
                path: path(),
                source: other.into(),
            },
        };
        let dir = fs::openat(CWD, root, FOLDER | OFlags::RDONLY, Mode::empty()).map_err(wrong)?;
        let real = root.canonicalize().map_err(|source| WorkspaceError::Io {
            path: path(),
            source,
        })?;
        let protected = protected.into_iter().map(|one| real.join(one)).collect();
        Ok(Self {
            given: root.to_owned(),
            real,
            dir,
            protected,
        })
    }

    /// The root's absolute path, links followed; for children and for showing.
    pub(crate) fn root(&self) -> &Path {
        &self.real
    }

    /// The absolute path of a real path, for children only; the tools themselves go by descriptor.
    pub(crate) fn absolute(&self, path: &str) -> PathBuf {
        if path == "." {
            self.real.clone()
        } else {
            self.real.join(path)
        }
    }

    /// Opens a folder by its real path; any link on the way is refused as [`Errno::LOOP`].
    pub(crate) fn open_folder(&self, path: &str) -> Result<OwnedFd, Errno> {
        open_beneath(&self.dir, path, FOLDER | OFlags::RDONLY)
    }

    /// Opens a regular file for reading by its real path; any link on the way is refused.
    pub(crate) fn open_file(&self, path: &str) -> Result<(File, Stat), Errno> {
        // Not blocking: what was a file may have become a pipe since somebody looked.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = open_beneath(&self.dir, path, flags)?;
        let stat = fs::fstat(&file)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok((file.into(), stat)),
            FileType::Directory => Err(Errno::ISDIR),
            _ => Err(Errno::INVAL),
        }
    }
}

/// Folder and name of a real path; the root is its own folder.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((".", path))
}

/// Opens below a folder without following any link, in one call where the system has it.
fn open_beneath(dir: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    match fs::openat2(dir, path, flags | OFlags::NOFOLLOW, Mode::empty(), resolve) {
        // Kernels before 5.6 lack it, and some containers forbid it.
        Err(Errno::NOSYS | Errno::PERM) => open_stepwise(dir, path, flags),
        opened => opened,
    }
}

/// The same one name at a time; `..` never occurs in a real path and is refused.
fn open_stepwise(dir: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut at = dir.as_fd().try_clone_to_owned().map_err(|_| Errno::MFILE)?;
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        if name == ".." || name.is_empty() {
            return Err(Errno::XDEV);
        }
        let last = names.peek().is_none();
        let how = if last { flags } else { FOLDER | OFlags::RDONLY };
        at = fs::openat(&at, name, how | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(at)
}
