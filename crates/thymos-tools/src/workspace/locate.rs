//! Turns a path argument into a real path inside the workspace, following links by hand.
//!
//! Every step is taken relative to an opened folder and no step lets the system follow a link, so
//! nothing that changes meanwhile can lead outside. Reads no contents.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::guard::has_protected_name;
use super::{Fence, PathFault, Workspace};
use crate::limits::{LINKS_MAX, PATH_PARTS_MAX};

/// Where a path argument leads.
#[derive(Debug)]
pub(crate) struct Place {
    /// Real, workspace-relative, `/`-separated; `.` is the workspace itself.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) stat: Option<Stat>,
    /// How many folders on the way are missing too; 0 unless `kind` is missing.
    pub(crate) folders_missing: usize,
}

/// What is at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Missing,
    File,
    Folder,
    Device,
    Pipe,
    Socket,
    Unknown,
}

impl Kind {
    pub(crate) fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::BlockDevice | FileType::CharacterDevice => Self::Device,
            FileType::Fifo => Self::Pipe,
            FileType::Socket => Self::Socket,
            FileType::Symlink | FileType::Unknown => Self::Unknown,
        }
    }

    /// As it stands in a sentence.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::Device => "a device",
            Self::Pipe => "a named pipe",
            Self::Socket => "a socket",
            Self::Unknown => "of an unknown kind",
        }
    }
}

struct Walker<'a> {
    workspace: &'a Workspace,
    folders: Vec<(String, OwnedFd)>,
    /// What is left to go, next part last.
    todo: Vec<String>,
    missing: Vec<String>,
    links: usize,
    last: Option<(String, Stat)>,
}

impl Workspace {
    /// Follows a path argument to its real place; protected places are refused `[R3]`.
    pub(crate) fn locate(&self, path: &str) -> Result<Place, PathFault> {
        let place = self.locate_unguarded(path)?;
        let fence = Fence::of(self);
        match fence.closes(&place.path, place.stat.as_ref()) {
            true => Err(PathFault::Protected),
            false => Ok(place),
        }
    }

    fn locate_unguarded(&self, path: &str) -> Result<Place, PathFault> {
        if path.is_empty() {
            return Err(PathFault::Empty);
        }
        if path.contains('\0') {
            return Err(PathFault::Nul);
        }
        let mut walker = Walker {
            workspace: self,
            folders: Vec::new(),
            todo: Vec::new(),
            missing: Vec::new(),
            links: 0,
            last: None,
        };
        walker.push(path)?;
        while let Some(part) = walker.todo.pop() {
            walker.step(part)?;
        }
        walker.arrive()
    }

    /// The part of an absolute path below the root, by either of the root's names.
    fn below_root<'p>(&self, path: &'p Path) -> Result<&'p str, PathFault> {
        let below = path
            .strip_prefix(&self.real)
            .or_else(|_| path.strip_prefix(&self.given))
            .map_err(|_| PathFault::Outside)?;
        below.to_str().ok_or(PathFault::NotUtf8)
    }
}

impl Walker<'_> {
    fn push(&mut self, path: &str) -> Result<(), PathFault> {
        let relative = if path.starts_with('/') {
            self.folders.clear();
            self.workspace.below_root(Path::new(path))?
        } else {
            path
        };
        self.todo
            .extend(relative.split('/').rev().map(str::to_owned));
        if self.todo.len() > PATH_PARTS_MAX {
            return Err(PathFault::TooLong);
        }
        Ok(())
    }

    fn step(&mut self, part: String) -> Result<(), PathFault> {
        if part.is_empty() || part == "." {
            return Ok(());
        }
        // [R3] By the name it is called by too: a link of that name may point anywhere.
        if has_protected_name(&part) {
            return Err(PathFault::Protected);
        }
        if let Some((name, _)) = &self.last {
            return Err(PathFault::NotAFolder { part: name.clone() });
        }
        if part == ".." {
            // Nothing is below what is missing, so there is no way back up from it either.
            if !self.missing.is_empty() {
                return Err(PathFault::Missing);
            }
            return self.folders.pop().map(drop).ok_or(PathFault::Outside);
        }
        if !self.missing.is_empty() {
            self.missing.push(part);
            return Ok(());
        }
        let here = self
            .folders
            .last()
            .map_or(&self.workspace.dir, |(_, folder)| folder);
        match fs::statat(here, &part, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => self.missing.push(part),
            Err(errno) => return Err(PathFault::from_errno(errno)),
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink => {
                    let target = fs::readlinkat(here, &part, Vec::new());
                    let target = target.map_err(PathFault::from_errno)?;
                    self.links += 1;
                    if self.links > LINKS_MAX {
                        return Err(PathFault::Loop);
                    }
                    self.push(target.to_str().map_err(|_| PathFault::NotUtf8)?)?;
                }
                FileType::Directory => {
                    let flags =
                        OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let folder = fs::openat(here, &part, flags, Mode::empty());
                    self.folders
                        .push((part, folder.map_err(PathFault::from_errno)?));
                }
                _ => self.last = Some((part, stat)),
            },
        }
        Ok(())
    }

    fn arrive(self) -> Result<Place, PathFault> {
        let here = self
            .folders
            .last()
            .map_or(&self.workspace.dir, |(_, folder)| folder);
        let stat = match (&self.last, self.missing.is_empty()) {
            (Some((_, stat)), _) => Some(*stat),
            (None, true) => Some(fs::fstat(here).map_err(PathFault::from_errno)?),
            (None, false) => None,
        };
        let mut parts: Vec<String> = self.folders.into_iter().map(|(name, _)| name).collect();
        parts.extend(self.last.map(|(name, _)| name));
        let folders_missing = self.missing.len().saturating_sub(1);
        parts.extend(self.missing);
        Ok(Place {
            path: if parts.is_empty() {
                ".".to_owned()
            } else {
                parts.join("/")
            },
            kind: stat.as_ref().map_or(Kind::Missing, Kind::of),
            stat,
            folders_missing,
        })
    }
}
