//! The snapshot file: rows of the runs of one log and tenant, in the cache folder, mode 0600 `[L15]`.
//!
//! A cache like any other: taking it away costs one fold of the log. What it is worth is for the kernel to
//! say.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use thymos_core::LogId;
use thymos_core::id::Digest;
use thymos_runtime::snapshot::SnapshotPlace;

use super::trust::replace;
use crate::config::paths;

/// Bytes of such a file: some hundred thousand runs. A larger one is not read.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One file.
pub struct SnapshotFile(PathBuf);

impl SnapshotFile {
    /// That of a log and a tenant of it, in the folder of snapshots.
    #[must_use]
    pub fn new(folder: &Path, log: &LogId, tenant: &str) -> Self {
        let tenant = match tenant {
            "" => String::new(),
            named => format!("-{}", Digest::of(named.as_bytes()).short()),
        };
        Self(folder.join(format!("{log}{tenant}.rows")))
    }
}

impl SnapshotPlace for SnapshotFile {
    fn read(&self) -> Option<Vec<u8>> {
        let file = File::open(&self.0).ok()?;
        let length = file.metadata().ok()?.len();
        let mut bytes = Vec::new();
        let read = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
        read.ok().filter(|_| length <= FILE_BYTES_MAX)?;
        Some(bytes)
    }

    fn write(&self, bytes: &[u8]) {
        let ready = self.0.parent().map(paths::make_private);
        if matches!(ready, Some(Ok(()))) {
            // A disk that is full, or a folder that is another's: the next start folds.
            drop(replace(&self.0, bytes));
        }
    }

    fn clear(&self) {
        // It may not be there.
        drop(fs::remove_file(&self.0));
        // Whoever was killed while it wrote one left it beside.
        let (Some(folder), Some(name)) = (self.0.parent(), self.0.file_name()) else {
            return;
        };
        let beside = format!(".{}.", name.to_string_lossy());
        for found in fs::read_dir(folder).into_iter().flatten().flatten() {
            if found.file_name().to_string_lossy().starts_with(&beside) {
                drop(fs::remove_file(found.path()));
            }
        }
    }
}
