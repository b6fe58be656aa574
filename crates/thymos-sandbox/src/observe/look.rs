//! One look at the writable trees.
//!
//! Compares nothing; [`super::changes`] does.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::time::{ClockId, clock_gettime};

use super::image::{FileImage, FileKind};

/// How far a look reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanLimits {
    /// Files seen in one look; beyond it the look stops and is not complete.
    pub files_max: usize,
    /// Bytes read in one look; beyond it files are seen without a digest.
    pub bytes_max: u64,
    /// Files up to this size are handed over whole where contents are asked for.
    pub content_bytes_max: u64,
    /// Folders that are passed over, and named as unobserved.
    pub skipped: SkippedFolders,
}

/// Which folders a look passes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkippedFolders {
    /// None at all.
    Nothing,
    /// `target`, `node_modules` and the object store of git: large, and made anew by tools.
    BuildOutput,
}

/// Hears the path (root and relative path) and the contents of each file that a look reads.
pub type Contents<'c> = &'c mut (dyn FnMut(&Path, &Path, &[u8]) + 'c);

/// What the writable trees held at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeSnapshot {
    /// Whether everything but `unobserved` was seen, and read where it has contents.
    pub complete: bool,
    /// Files seen.
    pub files_seen: usize,
    /// Bytes read; less than the trees hold when an earlier look could be used.
    pub bytes_read: u64,
    /// Folders passed over and paths that could not be read.
    pub unobserved: Vec<PathBuf>,
    pub(super) roots: Vec<PathBuf>,
    pub(super) files: BTreeMap<(usize, PathBuf), FileImage>,
}

impl TreeSnapshot {
    /// What was seen at a path inside a root, if anything.
    #[must_use]
    pub fn file(&self, root: &Path, path: &Path) -> Option<&FileImage> {
        let root = self.roots.iter().position(|known| known == root)?;
        self.files.get(&(root, path.to_owned()))
    }
}

/// Looks at the trees and reads every file within the limits.
///
/// Blocks for as long as the reading takes.
#[must_use]
pub fn scan(
    roots: &[PathBuf],
    limits: &ScanLimits,
    contents: Option<Contents<'_>>,
) -> TreeSnapshot {
    Look::at(roots, limits, None, contents)
}

/// Looks again, and reads only what was touched since `earlier`.
#[must_use]
pub fn rescan(
    earlier: &TreeSnapshot,
    limits: &ScanLimits,
    contents: Option<Contents<'_>>,
) -> TreeSnapshot {
    Look::at(&earlier.roots, limits, Some(earlier), contents)
}

struct Look<'a, 'c> {
    limits: &'a ScanLimits,
    earlier: Option<&'a TreeSnapshot>,
    contents: Option<Contents<'c>>,
    now: (i64, i64),
    seen: TreeSnapshot,
}

/// A place in the walk: which root, and the path below it.
struct Place {
    root: usize,
    path: PathBuf,
}

impl<'a, 'c> Look<'a, 'c> {
    fn at(
        roots: &[PathBuf],
        limits: &'a ScanLimits,
        earlier: Option<&'a TreeSnapshot>,
        contents: Option<Contents<'c>>,
    ) -> TreeSnapshot {
        // Only compared with times that the file system wrote, by the same clock.
        let now = clock_gettime(ClockId::RealtimeCoarse);
        let seen = TreeSnapshot {
            complete: true,
            files_seen: 0,
            bytes_read: 0,
            unobserved: Vec::new(),
            roots: roots.to_vec(),
            files: BTreeMap::new(),
        };
        let mut look = Self {
            limits,
            earlier,
            contents,
            now: (now.tv_sec, now.tv_nsec),
            seen,
        };
        for root in 0..roots.len() {
            look.walk(Place {
                root,
                path: PathBuf::new(),
            });
        }
        look.seen.unobserved.sort();
        look.seen
    }

    fn walk(&mut self, top: Place) {
        // A stack of our own: a tree may be deeper than the thread's.
        let mut waiting = vec![top];
        while let Some(place) = waiting.pop() {
            let whole = self.whole(&place);
            let Ok(metadata) = whole.symlink_metadata() else {
                self.miss(whole);
                continue;
            };
            if !metadata.is_dir() {
                if self.seen.files_seen >= self.limits.files_max {
                    self.seen.complete = false;
                    return;
                }
                self.file(place, FileImage::of(&metadata, self.now));
                continue;
            }
            if self.limits.skipped == SkippedFolders::BuildOutput && is_build_output(&place.path) {
                self.seen.unobserved.push(whole);
                continue;
            }
            match children(&whole) {
                Ok(names) => waiting.extend(names.into_iter().map(|name| Place {
                    root: place.root,
                    path: place.path.join(name),
                })),
                Err(_) => self.miss(whole),
            }
        }
    }

    fn file(&mut self, place: Place, mut image: FileImage) {
        self.seen.files_seen += 1;
        let key = (place.root, place.path);
        let earlier = self.earlier.and_then(|earlier| earlier.files.get(&key));
        let known = earlier.filter(|earlier| earlier.untouched(&image));
        image.digest = match known.and_then(|earlier| earlier.digest) {
            Some(digest) => Some(digest),
            None => self.digest(&key, &image),
        };
        if image.digest.is_none() && image.kind != FileKind::Special {
            self.seen.complete = false;
        }
        self.seen.files.insert(key, image);
    }

    fn digest(&mut self, key: &(usize, PathBuf), image: &FileImage) -> Option<[u8; 32]> {
        let left = self.limits.bytes_max.saturating_sub(self.seen.bytes_read);
        if image.size_bytes > left {
            return None;
        }
        let whole = self.seen.roots.get(key.0)?.join(&key.1);
        let read = match image.kind {
            FileKind::Special => return None,
            FileKind::Link => {
                let target = fs::read_link(&whole);
                target.map(|target| {
                    (
                        digest_of(target.as_os_str().as_bytes()),
                        target.as_os_str().len() as u64,
                    )
                })
            }
            FileKind::File => self.read(key, &whole, left),
        };
        match read {
            Ok((digest, bytes)) => {
                self.seen.bytes_read += bytes;
                Some(digest)
            }
            Err(_) => {
                self.seen.unobserved.push(whole);
                None
            }
        }
    }

    fn read(
        &mut self,
        key: &(usize, PathBuf),
        whole: &Path,
        left: u64,
    ) -> io::Result<([u8; 32], u64)> {
        // Neither follow a link nor wait for a pipe that took the file's place meanwhile.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = File::options().read(true).custom_flags(flags).open(whole)?;
        let size = file.metadata()?.len();
        let (Some(contents), Some(root)) = (&mut self.contents, self.seen.roots.get(key.0)) else {
            return digest_file(file, left);
        };
        if size > self.limits.content_bytes_max {
            return digest_file(file, left);
        }
        let mut bytes = Vec::new();
        file.take(self.limits.content_bytes_max.min(left))
            .read_to_end(&mut bytes)?;
        contents(root, &key.1, &bytes);
        Ok((digest_of(&bytes), bytes.len() as u64))
    }

    fn whole(&self, place: &Place) -> PathBuf {
        let root = self
            .seen
            .roots
            .get(place.root)
            .map_or(Path::new(""), PathBuf::as_path);
        // Joining an empty path would add a slash, which follows a root that is a link.
        if place.path.as_os_str().is_empty() {
            root.to_owned()
        } else {
            root.join(&place.path)
        }
    }

    fn miss(&mut self, path: PathBuf) {
        self.seen.complete = false;
        self.seen.unobserved.push(path);
    }
}

/// Reads at most `left` bytes; a file that grows while it is read is cut there, and its stamp
/// tells the next look.
fn digest_file(file: File, left: u64) -> io::Result<([u8; 32], u64)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file.take(left))?;
    Ok((*hasher.finalize().as_bytes(), hasher.count()))
}

fn digest_of(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

/// Names in reverse, because they are taken from the end.
fn children(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let names = folder
        .read_dir()?
        .map(|entry| entry.map(|entry| entry.file_name()));
    let mut names: Vec<_> = names.collect::<Result<_, _>>()?;
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}

fn is_build_output(path: &Path) -> bool {
    let name = path.file_name();
    let inside_git = path.parent().and_then(Path::file_name) == Some(OsStr::new(".git"));
    name == Some(OsStr::new("target"))
        || name == Some(OsStr::new("node_modules"))
        || (inside_git && name == Some(OsStr::new("objects")))
}
