//! Walks a folder of the workspace by descriptor, in order, honouring ignore files.
//!
//! Follows no link, opens no file but `.gitignore` and `.ignore`, and stops at its named limits.

use std::io::Read;
use std::os::fd::OwnedFd;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use crate::limits::{IGNORE_FILE_BYTES_MAX, WALK_DEPTH_MAX, WALK_ENTRIES_MAX};
use crate::workspace::{Fence, Workspace};

/// What a walk takes in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk<'a> {
    /// Real path of the folder to start in.
    pub(crate) start: &'a str,
    /// Whether names with a leading dot are taken in; `.git` never is.
    pub(crate) hidden: bool,
    /// How many levels down; 1 is the folder's own entries.
    pub(crate) depth_max: usize,
}

/// One thing found.
pub(crate) struct Found<'a> {
    /// Real path; lossy when the name is not UTF-8.
    pub(crate) path: &'a str,
    pub(crate) kind: FileType,
    pub(crate) stat: &'a Stat,
    /// `[R3]` Closed to every tool; its name may be told.
    pub(crate) protected: bool,
    /// The name is not UTF-8, so no argument can name it.
    pub(crate) odd_name: bool,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onward {
    Continue,
    Stop,
}

/// How a walk ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Walked {
    pub(crate) entries: usize,
    /// The visitor stopped it.
    pub(crate) stopped: bool,
    /// A limit of the walk itself stopped it.
    pub(crate) limited: bool,
    pub(crate) cancelled: bool,
    /// Folders that could not be opened.
    pub(crate) unreadable: usize,
    /// Things left out by ignore files.
    pub(crate) ignored: usize,
}

impl Walked {
    fn over(&self) -> bool {
        self.stopped || self.cancelled || self.entries >= WALK_ENTRIES_MAX
    }

    /// What a reader should know of an incomplete walk.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.limited {
            notes.push(format!(
                "stopped after {WALK_ENTRIES_MAX} entries; start in a smaller folder"
            ));
        }
        if self.unreadable > 0 {
            notes.push(format!(
                "{} could not be opened",
                crate::text::counted(self.unreadable, "folder")
            ));
        }
        notes
    }
}

struct Walker<'a> {
    walk: Walk<'a>,
    fence: Fence<'a>,
    cancel: &'a CancellationToken,
    rules: Vec<Gitignore>,
    walked: Walked,
}

/// Visits everything below `walk.start` in order of names.
pub(crate) fn walk(
    workspace: &Workspace,
    walk: Walk<'_>,
    cancel: &CancellationToken,
    visit: &mut dyn FnMut(&Found<'_>) -> Onward,
) -> Result<Walked, Errno> {
    let start = workspace.open_folder(walk.start)?;
    let mut walker = Walker {
        walk,
        fence: Fence::of(workspace),
        cancel,
        rules: Vec::new(),
        walked: Walked::default(),
    };
    for above in ancestors(walk.start) {
        if let Ok(folder) = workspace.open_folder(above) {
            walker.rules.push(rules(&folder, above));
        }
    }
    walker.folder(&start, walk.start, 1, visit);
    walker.walked.limited = walker.walked.entries >= WALK_ENTRIES_MAX;
    Ok(walker.walked)
}

impl Walker<'_> {
    fn folder(
        &mut self,
        folder: &OwnedFd,
        path: &str,
        depth: usize,
        visit: &mut dyn FnMut(&Found<'_>) -> Onward,
    ) {
        let Ok(entries) = Dir::read_from(folder) else {
            self.walked.unreadable += 1;
            return;
        };
        let mut names: Vec<_> = entries
            .flatten()
            .map(|entry| entry.file_name().to_owned())
            .collect();
        names.sort();
        self.rules.push(rules(folder, path));
        for name in names {
            let lossy = name.to_string_lossy();
            if lossy == "." || lossy == ".." || lossy == ".git" || self.walked.over() {
                continue;
            }
            if lossy.starts_with('.') && !self.walk.hidden {
                continue;
            }
            if self.cancel.is_cancelled() {
                self.walked.cancelled = true;
                break;
            }
            let Ok(stat) = fs::statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let kind = FileType::from_raw_mode(stat.st_mode);
            let here = if path == "." {
                lossy.to_string()
            } else {
                format!("{path}/{lossy}")
            };
            if self.ignores(&here, kind == FileType::Directory) {
                self.walked.ignored += 1;
                continue;
            }
            self.walked.entries += 1;
            let found = Found {
                path: &here,
                kind,
                stat: &stat,
                protected: self.fence.closes(&here, Some(&stat)),
                odd_name: name.to_str().is_err(),
            };
            let closed = found.protected;
            if visit(&found) == Onward::Stop {
                self.walked.stopped = true;
                break;
            }
            if kind == FileType::Directory
                && !closed
                && depth < self.walk.depth_max.min(WALK_DEPTH_MAX)
            {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                match fs::openat(folder, &name, flags, Mode::empty()) {
                    Ok(below) => self.folder(&below, &here, depth + 1, visit),
                    Err(_) => self.walked.unreadable += 1,
                }
            }
        }
        self.rules.pop();
    }

    /// The nearest ignore file that has a rule for it decides.
    fn ignores(&self, path: &str, folder: bool) -> bool {
        let anchored = anchor(path);
        for rules in self.rules.iter().rev() {
            match rules.matched(&anchored, folder) {
                ignore::Match::None => {}
                ignore::Match::Ignore(_) => return true,
                ignore::Match::Whitelist(_) => return false,
            }
        }
        false
    }
}

/// The folders above a real path, outermost first, without itself.
fn ancestors(path: &str) -> Vec<&str> {
    if path == "." {
        return Vec::new();
    }
    let mut above = vec!["."];
    above.extend(path.match_indices('/').filter_map(|(at, _)| path.get(..at)));
    above
}

/// Ignore rules want absolute paths; the workspace stands at `/` for them.
fn anchor(path: &str) -> String {
    if path == "." {
        "/".to_owned()
    } else {
        format!("/{path}")
    }
}

fn rules(folder: &OwnedFd, path: &str) -> Gitignore {
    let mut builder = GitignoreBuilder::new(anchor(path));
    for name in [".gitignore", ".ignore"] {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = fs::openat(folder, name, flags, Mode::empty()) else {
            continue;
        };
        let mut text = Vec::new();
        let bounded = std::fs::File::from(file).take(IGNORE_FILE_BYTES_MAX);
        if { bounded }.read_to_end(&mut text).is_err() {
            continue;
        }
        for line in String::from_utf8_lossy(&text).lines() {
            // A line that is no pattern is no rule, as with git.
            drop(builder.add_line(None, line));
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
