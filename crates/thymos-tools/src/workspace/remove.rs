//! Removes a file, or leaves it as it was. Keeps no pre-image; the caller does, before it calls.

use rustix::fs::{self, AtFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::save::{SaveFault, beside_name, same};
use super::{Workspace, split};

/// Removes one file by its real path, if it still is the one that was looked at.
///
/// It is moved aside first and compared there, so that a change made in between is given back.
pub(crate) fn remove(workspace: &Workspace, path: &str, before: &Stat) -> Result<(), SaveFault> {
    const TRIES: u32 = 100;
    let (folder_path, name) = split(path);
    let folder = workspace.open_folder(folder_path)?;
    let mut number = 0;
    let aside = loop {
        let aside = beside_name(number);
        match fs::renameat_with(&folder, name, &folder, &aside, RenameFlags::NOREPLACE) {
            Ok(()) => break aside,
            Err(Errno::EXIST) if number < TRIES => number += 1,
            Err(Errno::NOENT) => return Err(SaveFault::Moved),
            // For file systems that cannot: a look, then the removal.
            Err(Errno::INVAL | Errno::NOSYS) => {
                let now = fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                return match same(&now, before) {
                    true => Ok(fs::unlinkat(&folder, name, AtFlags::empty())?),
                    false => Err(SaveFault::Moved),
                };
            }
            Err(errno) => return Err(SaveFault::Refused(errno)),
        }
    };
    let out = fs::statat(&folder, &aside, AtFlags::SYMLINK_NOFOLLOW)?;
    if !same(&out, before) {
        fs::renameat_with(&folder, &aside, &folder, name, RenameFlags::NOREPLACE)?;
        return Err(SaveFault::Moved);
    }
    fs::unlinkat(&folder, &aside, AtFlags::empty())?;
    // Some file systems cannot sync a folder; the removal itself has happened.
    fs::fsync(&folder).unwrap_or_default();
    Ok(())
}

/// Removes up to so many folders above a file, from the innermost on, as long as they are empty.
pub(crate) fn remove_folders(workspace: &Workspace, path: &str, count: usize) {
    let (mut folder, _) = split(path);
    for _ in 0..count {
        if folder == "." {
            return;
        }
        let (above, name) = split(folder);
        let removed = workspace
            .open_folder(above)
            .and_then(|at| fs::unlinkat(&at, name, AtFlags::REMOVEDIR));
        // One that is not empty, or not ours to remove, stays; so do those above it.
        if removed.is_err() {
            return;
        }
        folder = above;
    }
}
