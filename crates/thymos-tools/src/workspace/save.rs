//! Puts a whole file in its place, or leaves everything as it was.
//!
//! The new content is written beside the old and exchanged with it in one step; what came out of the
//! exchange is compared with what was read before, so a change made in between is given back and
//! not overwritten. Keeps no pre-image; the caller does, before it calls.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{self, AtFlags, Gid, Mode, OFlags, RenameFlags, Stat, Uid};
use rustix::io::Errno;

use super::{Workspace, split};

/// One file to be put in place.
pub(crate) struct Save<'a> {
    /// Its real path.
    pub(crate) path: &'a str,
    pub(crate) content: &'a [u8],
    /// Permission bits.
    pub(crate) mode: u32,
    /// The file as it was when its pre-image was read; none when it was not there.
    pub(crate) before: Option<&'a Stat>,
}

/// What was done besides.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    pub(crate) folders_made: usize,
    /// The old owner could not be kept.
    pub(crate) owner_changed: bool,
    /// The permissions that the file got: some file systems keep others than they are told.
    pub(crate) mode: Option<u32>,
}

/// Why nothing was changed.
#[derive(Debug)]
pub(crate) enum SaveFault {
    /// Something else is there than was looked at.
    Moved,
    /// The system refused.
    Refused(Errno),
}

impl From<Errno> for SaveFault {
    fn from(errno: Errno) -> Self {
        match errno {
            // A link or another kind of thing on a way that was free of them.
            Errno::LOOP | Errno::XDEV | Errno::NOTDIR | Errno::EXIST | Errno::ISDIR => Self::Moved,
            other => Self::Refused(other),
        }
    }
}

/// Files that a broken-off save may leave behind begin like this.
const BESIDE_PREFIX: &str = ".thymos-save-";

/// Saves one file.
pub(crate) fn save(workspace: &Workspace, save: &Save<'_>) -> Result<Saved, SaveFault> {
    let (folder_path, name) = split(save.path);
    let mut saved = Saved::default();
    let folder = match workspace.open_folder(folder_path) {
        Err(Errno::NOENT) if save.before.is_none() => {
            make_folders(workspace, folder_path, &mut saved.folders_made)?
        }
        opened => opened?,
    };
    let (beside, mut file) = create_beside(&folder)?;
    let put = write_beside(&mut file, save, &mut saved)
        .and_then(|()| exchange(&folder, &beside, name, save.before));
    if put.is_err() {
        // The first fault is the one to tell; a leftover is named so that it can be found.
        fs::unlinkat(&folder, &beside, AtFlags::empty()).unwrap_or_default();
    }
    put?;
    // Some file systems cannot sync a folder; the rename itself has happened.
    fs::fsync(&folder).unwrap_or_default();
    Ok(saved)
}

fn make_folders(workspace: &Workspace, path: &str, made: &mut usize) -> Result<OwnedFd, SaveFault> {
    let mut at = workspace.open_folder(".")?;
    for name in path.split('/') {
        match fs::mkdirat(&at, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => *made += 1,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        at = fs::openat(&at, name, flags, Mode::empty())?;
    }
    Ok(at)
}

/// A name beside a file, for what is not in its place yet, or no longer.
pub(super) fn beside_name(number: u32) -> String {
    format!("{BESIDE_PREFIX}{number}")
}

fn create_beside(folder: &OwnedFd) -> Result<(String, File), SaveFault> {
    const TRIES: u32 = 100;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for number in 0..TRIES {
        let name = beside_name(number);
        match fs::openat(folder, &name, flags, Mode::from_raw_mode(0o600)) {
            Ok(file) => return Ok((name, file.into())),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(SaveFault::Refused(errno)),
        }
    }
    Err(SaveFault::Refused(Errno::EXIST))
}

fn write_beside(file: &mut File, save: &Save<'_>, saved: &mut Saved) -> Result<(), SaveFault> {
    let refused =
        |why: std::io::Error| SaveFault::Refused(Errno::from_io_error(&why).unwrap_or(Errno::IO));
    file.write_all(save.content).map_err(refused)?;
    if let Some(before) = save.before {
        let ours = fs::fstat(file.as_fd())?;
        if (ours.st_uid, ours.st_gid) != (before.st_uid, before.st_gid) {
            let (user, group) = (Uid::from_raw(before.st_uid), Gid::from_raw(before.st_gid));
            saved.owner_changed = fs::fchown(&*file, Some(user), Some(group)).is_err();
        }
    }
    fs::fchmod(&*file, Mode::from_raw_mode(save.mode & 0o777))?;
    saved.mode = Some(fs::fstat(file.as_fd())?.st_mode & 0o7777);
    file.sync_all().map_err(refused)
}

/// Swaps the new file in, and back out again when what came out is not what was looked at.
fn exchange(
    folder: &OwnedFd,
    beside: &str,
    name: &str,
    before: Option<&Stat>,
) -> Result<(), SaveFault> {
    let Some(before) = before else {
        return match fs::renameat_with(folder, beside, folder, name, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => link_new(folder, beside, name),
            renamed => Ok(renamed?),
        };
    };
    match fs::renameat_with(folder, beside, folder, name, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        Err(Errno::INVAL | Errno::NOSYS) => return replace(folder, beside, name, before),
        // It is gone.
        Err(Errno::NOENT) => return Err(SaveFault::Moved),
        Err(errno) => return Err(errno.into()),
    }
    let out = fs::statat(folder, beside, AtFlags::SYMLINK_NOFOLLOW)?;
    if !same(&out, before) {
        fs::renameat_with(folder, beside, folder, name, RenameFlags::EXCHANGE)?;
        return Err(SaveFault::Moved);
    }
    Ok(fs::unlinkat(folder, beside, AtFlags::empty())?)
}

/// For file systems that cannot exchange: a look, then a rename. A change between the two is lost.
fn replace(folder: &OwnedFd, beside: &str, name: &str, before: &Stat) -> Result<(), SaveFault> {
    let now = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if !same(&now, before) {
        return Err(SaveFault::Moved);
    }
    Ok(fs::renameat(folder, beside, folder, name)?)
}

fn link_new(folder: &OwnedFd, beside: &str, name: &str) -> Result<(), SaveFault> {
    fs::linkat(folder, beside, folder, name, AtFlags::empty())?;
    Ok(fs::unlinkat(folder, beside, AtFlags::empty())?)
}

/// The same file with the same content, as far as the system tells.
pub(super) fn same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino, a.st_size) == (b.st_dev, b.st_ino, b.st_size)
        && (a.st_mtime, a.st_mtime_nsec) == (b.st_mtime, b.st_mtime_nsec)
}
