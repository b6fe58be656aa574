//! The file in which a new ledger is made before it gets its name: whose it is, and what is left of those
//! whose makers were killed. Looks into none.
//!
//! A maker holds a lock on its file until the ledger has its name or the file is gone. So whoever gets that
//! lock knows that nobody makes anything there any more. A lock ends with its process.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

/// What stands between a ledger's name and the digits of an unfinished one.
const MARK: &str = "-new-";

/// Digits behind that.
const DIGITS: usize = 8;

/// Files that the engine may leave beside one.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Where a ledger is made that will stand at `path`; `digits` are its own.
pub(crate) fn place(path: &Path, digits: &str) -> PathBuf {
    beside(path, &format!("{MARK}{digits}"))
}

/// Makes the file, for this process alone. None when somebody who sweeps was quicker: then there is a
/// ledger by now.
///
/// # Errors
/// The system's refusal.
pub(crate) fn claim(unfinished: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    hold(options.open(unfinished)?)
}

/// Waits for whoever sweeps at this moment; none when the file was taken away.
fn hold(file: File) -> io::Result<Option<File>> {
    flock(&file, FlockOperation::LockExclusive)?;
    Ok((file.metadata()?.nlink() > 0).then_some(file))
}

/// Removes what killed makers left beside a ledger that is there. What cannot be removed does no harm and
/// is tried again by the next start.
pub(crate) fn sweep(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        return;
    };
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let Ok(found) = fs::read_dir(folder) else {
        return;
    };
    for entry in found.flatten() {
        let found = entry.file_name();
        let Some(digits) = found.to_str().and_then(|found| digits_of(found, name)) else {
            continue;
        };
        clear(&folder.join(format!("{name}{MARK}{digits}")));
    }
}

/// The digits of an unfinished ledger, by its name or by that of a file beside it.
fn digits_of<'f>(found: &'f str, name: &str) -> Option<&'f str> {
    let rest = found.strip_prefix(name)?.strip_prefix(MARK)?;
    let digits = rest.get(..DIGITS)?;
    let hex = |digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    digits.bytes().all(hex).then_some(digits)
}

/// Removes one, if its maker is gone.
fn clear(unfinished: &Path) {
    // A companion alone is left where somebody was killed in the middle of this.
    let found = match left(unfinished) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => return,
    };
    let held = match &found {
        Some(file) => flock(file, FlockOperation::NonBlockingLockExclusive).is_ok(),
        None => true,
    };
    if held {
        for suffix in COMPANIONS {
            drop(fs::remove_file(beside(unfinished, suffix)));
        }
        // Under the lock and last: a maker that waits for the lock looks then whether its file is there still.
        drop(fs::remove_file(unfinished));
    }
}

/// Opens what a maker left; what is no plain file is nobody's leftover.
fn left(unfinished: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(unfinished)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests;
