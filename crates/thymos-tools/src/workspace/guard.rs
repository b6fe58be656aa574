//! Which places are closed to every tool `[R3]`: by path, by name and by inode.
//!
//! A path is judged after its links were followed. A hard link has no path to follow, so files with
//! several names are compared with the protected ones by device and inode.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat};
use thymos_core::isolation::Rung;

use super::Workspace;
use crate::limits::{NAMES_MAX, WALK_DEPTH_MAX, WALK_ENTRIES_MAX};

/// Names that are protected wherever they stand: `.env`, `.env.local`, `.envrc` and the like.
const PROTECTED_PREFIX: &str = ".env";

/// Folders of other people's files, with very many of them: only names are read there, and only where a file
/// has several of them or a cage can cover a file by itself.
const UNSEARCHED: [&str; 3] = [".git", "node_modules", "target"];

/// The protected places as they are now. Made once a call.
pub(crate) struct Fence<'a> {
    workspace: &'a Workspace,
    places: Vec<PathBuf>,
    found: OnceLock<Found>,
    /// With what the folders of others hold.
    everywhere: OnceLock<Found>,
}

type Inode = (u64, u64);

/// What is looked for in the folders of others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seeking {
    /// Protected names, and no file is looked at for them.
    Names,
    /// Files with several names, each of which has to be looked at.
    Links,
}

/// What a search of the workspace brought up.
#[derive(Debug, Clone, Default)]
struct Found {
    inodes: BTreeSet<Inode>,
    /// Real paths with a protected name.
    named: Vec<String>,
    /// Files with several names.
    linked: Vec<(String, Inode)>,
    /// Folders that were passed by.
    unsearched: Vec<String>,
    entries: usize,
    /// A protected file has several names, so that others of them have to be looked for.
    shared: bool,
    whole: bool,
}

impl<'a> Fence<'a> {
    pub(crate) fn of(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            places: workspace
                .protected
                .iter()
                .map(|path| settle(path))
                .collect(),
            found: OnceLock::new(),
            everywhere: OnceLock::new(),
        }
    }

    /// Whether a real path is closed.
    pub(crate) fn closes(&self, path: &str, stat: Option<&Stat>) -> bool {
        let absolute = self.workspace.absolute(path);
        if path.split('/').any(has_protected_name)
            || self.places.iter().any(|place| absolute.starts_with(place))
        {
            return true;
        }
        let Some(stat) = stat else { return false };
        has_several_names(stat) && self.closes_inode(inode(stat))
    }

    /// Everything to be closed to a child at this rung: the given places and what a search found, as
    /// absolute paths, and whether the search was whole.
    ///
    /// Below L3 what lies in the folders of others is left out: there a closed file closes the making of
    /// new ones in every folder above it, and no package could be installed beside it.
    pub(crate) fn for_child(&self, rung: Rung) -> (Vec<PathBuf>, bool) {
        let found = match rung >= Rung::L3 {
            true => self.everywhere(),
            false => self.found(),
        };
        let mut closed = self.places.clone();
        let aliases = found
            .linked
            .iter()
            .filter(|(_, inode)| found.inodes.contains(inode));
        let names = found.named.iter().chain(aliases.map(|(path, _)| path));
        for path in names.map(|path| self.workspace.absolute(path)) {
            // Where a link of that name points is closed to the child as well.
            closed.extend(path.canonicalize().ok());
            closed.push(path);
        }
        closed.sort();
        closed.dedup();
        (closed, found.whole)
    }

    fn everywhere(&self) -> &Found {
        self.everywhere.get_or_init(|| {
            let mut found = self.found().clone();
            found.search_others(self.workspace, Seeking::Names);
            if found.shared {
                found.search_others(self.workspace, Seeking::Links);
            }
            found
        })
    }

    fn closes_inode(&self, inode: Inode) -> bool {
        let found = self.everywhere();
        // Where not everything could be searched, nothing clears a file with several names.
        !found.whole || found.inodes.contains(&inode)
    }

    fn found(&self) -> &Found {
        self.found.get_or_init(|| {
            let mut found = Found {
                whole: true,
                ..Found::default()
            };
            for place in &self.places {
                found.add_place(place);
            }
            if let Ok(root) = self.workspace.open_folder(".") {
                found.search(&root, "", 0);
            }
            found
        })
    }
}

impl Found {
    /// The inode of a protected file, or those of the files directly in a protected folder.
    fn add_place(&mut self, place: &Path) {
        let Ok(meta) = std::fs::symlink_metadata(place) else {
            return;
        };
        if !meta.is_dir() {
            if let Ok(stat) = fs::stat(place) {
                self.protect(&stat);
            }
            return;
        }
        let Ok(folder) = fs::open(place, folder_flags(), Mode::empty()) else {
            return;
        };
        let mut inside = Self::default();
        inside.search(&folder, "", 0);
        self.shared |= !inside.linked.is_empty();
        self.inodes
            .extend(inside.linked.into_iter().map(|(_, inode)| inode));
    }

    fn protect(&mut self, stat: &Stat) {
        self.shared |= has_several_names(stat);
        self.inodes.insert(inode(stat));
    }

    fn search_others(&mut self, workspace: &Workspace, seeking: Seeking) {
        self.entries = 0;
        for path in self.unsearched.clone() {
            if let Ok(folder) = workspace.open_folder(&path) {
                self.search_other(&folder, &path, (0, seeking));
            }
        }
    }

    fn search(&mut self, folder: &OwnedFd, path: &str, depth: usize) {
        for (name, _) in names(folder) {
            let name = name.as_str();
            self.entries += 1;
            if self.entries > WALK_ENTRIES_MAX || depth > WALK_DEPTH_MAX {
                self.whole = false;
                return;
            }
            let Ok(stat) = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let here = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}/{name}")
            };
            if has_protected_name(name) {
                self.protect(&stat);
                self.named.push(here);
                continue;
            }
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile if has_several_names(&stat) => {
                    self.linked.push((here, inode(&stat)));
                }
                FileType::Directory if UNSEARCHED.contains(&name) => self.unsearched.push(here),
                FileType::Directory => {
                    if let Ok(below) = fs::openat(folder, name, folder_flags(), Mode::empty()) {
                        self.search(&below, &here, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    /// As [`Found::search`], looking at no more than what is sought asks for.
    fn search_other(&mut self, folder: &OwnedFd, path: &str, (depth, seeking): (usize, Seeking)) {
        for (name, kind) in names(folder) {
            let name = name.as_str();
            self.entries += 1;
            if self.entries > NAMES_MAX || depth > WALK_DEPTH_MAX {
                self.whole = false;
                return;
            }
            let stat = || fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok();
            let here = || format!("{path}/{name}");
            if has_protected_name(name) {
                if let Some(stat) = stat().filter(|_| seeking == Seeking::Names) {
                    self.protect(&stat);
                    self.named.push(here());
                }
                continue;
            }
            // Some file systems do not tell the kind with the name.
            let kind = match kind {
                FileType::Unknown => stat().map(|stat| FileType::from_raw_mode(stat.st_mode)),
                kind => Some(kind),
            };
            match kind {
                Some(FileType::RegularFile) if seeking == Seeking::Links => {
                    let shared = stat().filter(has_several_names);
                    self.linked
                        .extend(shared.map(|stat| (here(), inode(&stat))));
                }
                Some(FileType::Directory) => {
                    if let Ok(below) = fs::openat(folder, name, folder_flags(), Mode::empty()) {
                        self.search_other(&below, &here(), (depth + 1, seeking));
                    }
                }
                _ => {}
            }
        }
    }
}

/// What a folder holds, with the kind that is told beside a name; what is no UTF-8 is no path of a tool.
fn names(folder: &OwnedFd) -> impl Iterator<Item = (String, FileType)> {
    let entries = Dir::read_from(folder).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| {
        let name = entry.file_name().to_str().ok()?.to_owned();
        Some((name, entry.file_type()))
    });
    named.filter(|(name, _)| name != "." && name != "..")
}

pub(crate) fn has_protected_name(name: &str) -> bool {
    name.starts_with(PROTECTED_PREFIX)
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn has_several_names(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_nlink > 1
}

fn inode(stat: &Stat) -> Inode {
    (stat.st_dev, stat.st_ino)
}

/// The real form of a path that may not exist: its nearest existing ancestor, links followed.
fn settle(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    path.to_owned()
}
