//! Leases as file locks: one process acts on a trajectory, and the system frees a dead one's lock.

use std::any::Any;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use thymos_core::TrajectoryId;
use thymos_runtime::Leases;

use super::keys::KeysLock;
use crate::config::paths;
use crate::error::AppError;

pub(super) struct FileLeases {
    folder: PathBuf,
    /// As long as somebody may act, keys stay as they are.
    _keys: KeysLock,
}

impl FileLeases {
    pub(super) fn new(folder: PathBuf, keys: KeysLock) -> Result<Self, AppError> {
        paths::make_private(&folder)?;
        Ok(Self {
            folder,
            _keys: keys,
        })
    }
}

struct Lease {
    file: File,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Closing the file frees the lock too; this only makes it visible.
        drop(self.file.unlock());
    }
}

impl Leases for FileLeases {
    fn take(&self, trajectory: &TrajectoryId) -> Option<Box<dyn Any + Send + Sync>> {
        let path = self.folder.join(format!("{trajectory}.lock"));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .ok()?;
        file.try_lock().ok()?;
        Some(Box::new(Lease { file }))
    }
}
