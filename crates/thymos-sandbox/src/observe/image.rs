//! What is known of one file at one time.
//!
//! Opens nothing; [`super::look`] does.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// One file as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileImage {
    /// What kind of file it is.
    pub kind: FileKind,
    /// BLAKE3 of the contents, or of a link's target. `None` if it was past the bound, could not
    /// be read, or has no contents.
    pub digest: Option<[u8; 32]>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Permission bits.
    pub mode: u32,
    pub(super) stamp: Stamp,
}

/// What a path is, links not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// An ordinary file.
    File,
    /// A symbolic link.
    Link,
    /// A pipe, socket or device; never opened.
    Special,
}

/// What moves whenever a file is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// Whether the last change was long enough ago that a next one must move the times.
    pub(super) settled: bool,
}

/// Times advance in steps of up to 10 ms on older kernels; a file that changed less than this ago
/// may change again under the same times.
const SETTLED_AFTER_NS: i128 = 20_000_000;

impl FileImage {
    /// An image without a digest. `now` is the file system's time, in seconds and nanoseconds.
    pub(super) fn of(metadata: &Metadata, now: (i64, i64)) -> Self {
        let kind = match metadata.file_type() {
            kind if kind.is_file() => FileKind::File,
            kind if kind.is_symlink() => FileKind::Link,
            _ => FileKind::Special,
        };
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Self {
            kind,
            digest: None,
            size_bytes: metadata.len(),
            mode: metadata.mode() & 0o7777,
            stamp: Stamp {
                device: metadata.dev(),
                inode: metadata.ino(),
                size: metadata.len(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                changed,
                settled: nanoseconds(now) - nanoseconds(changed) > SETTLED_AFTER_NS,
            },
        }
    }

    /// Whether `later` must have the same contents, judged by stamps alone.
    pub(super) fn untouched(&self, later: &Self) -> bool {
        let same = Stamp {
            settled: true,
            ..self.stamp
        } == Stamp {
            settled: true,
            ..later.stamp
        };
        same && self.stamp.settled
    }

    /// Whether the two differ in anything that is recorded.
    pub(super) fn differs(&self, later: &Self) -> bool {
        let moved = match (self.digest, later.digest) {
            (Some(before), Some(after)) => before != after,
            (None, _) | (_, None) => !self.untouched(later),
        };
        moved || self.kind != later.kind || self.mode != later.mode
    }
}

fn nanoseconds((seconds, nanoseconds): (i64, i64)) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}
