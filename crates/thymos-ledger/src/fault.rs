//! Turns the engine's and the system's errors into [`StoreError`]: which path, and what a person can do.

use std::io;

use rusqlite::{ErrorCode, ffi};
use thymos_core::entry::InvalidEntry;
use thymos_ports::store::StoreError;

/// What is stored is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) at: String,
    pub(crate) reason: String,
}

impl Damage {
    /// Something stored does not fit.
    pub(crate) fn new(at: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            reason: reason.into(),
        }
    }

    /// An entry that does not fit, by its position in the log.
    pub(crate) fn entry(index: i64, reason: impl Into<String>) -> Self {
        Self::new(format!("entry at index {index}"), reason)
    }
}

/// What went wrong inside, before the path is put to it.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The engine refused.
    Engine(rusqlite::Error),
    /// What is stored is not what was written.
    Corrupt(Damage),
    /// A draft could not become an entry.
    Draft(InvalidEntry),
}

impl Trouble {
    /// Something stored does not fit.
    pub(crate) fn corrupt(at: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Corrupt(Damage::new(at, reason))
    }

    /// An entry that does not fit, by its position in the log.
    pub(crate) fn entry(index: i64, reason: impl Into<String>) -> Self {
        Self::Corrupt(Damage::entry(index, reason))
    }

    /// As the port says it.
    pub(crate) fn named(self, path: &str, during: During) -> StoreError {
        match self {
            Self::Engine(error) => engine(path, during, &error),
            Self::Corrupt(Damage { at, reason }) => corrupt(path, at, reason),
            Self::Draft(invalid) => StoreError::Draft(invalid),
        }
    }
}

impl From<Damage> for Trouble {
    fn from(damage: Damage) -> Self {
        Self::Corrupt(damage)
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

/// What was being done; the same error of the engine means different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum During {
    /// Opening or creating.
    Open,
    /// Reading.
    Read,
    /// Writing, up to and with the commit.
    Write,
}

/// The engine's refusal as a value of the port.
pub(crate) fn engine(path: &str, during: During, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let reason = words(error);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked { path },
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path },
        Some(ErrorCode::DatabaseCorrupt) => corrupt(&path, "a page of the file", reason),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            StoreError::Open { path, reason }
        }
        // [L11] After a refused write or sync nobody knows what the disk holds.
        Some(ErrorCode::SystemIoFailure) if during == During::Write => {
            StoreError::Poisoned { path, reason }
        }
        Some(ErrorCode::SystemIoFailure) if during == During::Open => {
            StoreError::Open { path, reason }
        }
        Some(_) | None => StoreError::Engine { path, reason },
    }
}

/// The system's refusal of a file or folder.
pub(crate) fn file(path: &str, error: &io::Error) -> StoreError {
    let path = path.to_owned();
    let reason = match error.kind() {
        io::ErrorKind::StorageFull => return StoreError::Full { path },
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to use it".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "its file system is read-only".to_owned(),
        kind => kind.to_string(),
    };
    StoreError::Open { path, reason }
}

/// Shorthand for the variant with three fields.
pub(crate) fn corrupt(path: &str, at: impl Into<String>, reason: impl Into<String>) -> StoreError {
    StoreError::Corrupt {
        path: path.to_owned(),
        at: at.into(),
        reason: reason.into(),
    }
}

fn words(error: &rusqlite::Error) -> String {
    let detail = match error.sqlite_error().map(|e| e.extended_code) {
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => "the disk refused to sync",
        Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_TRUNCATE) => "the disk refused a write",
        Some(ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ) => "the disk refused a read",
        Some(ffi::SQLITE_READONLY | ffi::SQLITE_READONLY_DIRECTORY) => "it is read-only",
        Some(_) | None => return error.to_string(),
    };
    detail.to_owned()
}
