//! Turns the client's and the server's errors into [`StoreError`]: what was kept, and what to do.

use std::error::Error as _;

use thymos_core::entry::InvalidEntry;
use thymos_ports::store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::fault::{Damage, corrupt};

/// Characters of a server's sentence that are told.
const WORDS_MAX: usize = 300;

/// What went wrong, before the ledger's name is put to it.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The connection ended, or there never was one.
    Lost(String),
    /// It cannot be opened as it is: credentials, TLS, rights, a standby.
    Closed(String),
    /// Another process holds the lock for too long.
    Locked,
    /// The server has no room.
    Full,
    /// There is no ledger, or that of another program.
    Foreign,
    /// Made by a newer version.
    Newer(i64),
    /// What is stored is not what was written.
    Damage(Damage),
    /// A draft could not become an entry.
    Draft(InvalidEntry),
    /// Whether a commit was kept could not be found out.
    Unknown(String),
    /// Any other refusal.
    Engine(String),
}

impl Trouble {
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    /// What is there is not what was opened.
    pub(crate) fn another() -> Self {
        let reason = "the database holds another ledger than before; open it again";
        Self::Closed(reason.to_owned())
    }

    /// As the port says it.
    pub(crate) fn named(self, path: &str) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Lost(reason) => StoreError::Away { path, reason },
            Self::Closed(reason) => StoreError::Open { path, reason },
            Self::Locked => StoreError::Locked { path },
            Self::Full => StoreError::Full { path },
            Self::Foreign => StoreError::Foreign { path },
            Self::Newer(found) => StoreError::Newer {
                path,
                found,
                known: super::schema::FORMAT.into(),
            },
            Self::Damage(Damage { at, reason }) => corrupt(&path, at, reason),
            Self::Draft(invalid) => StoreError::Draft(invalid),
            Self::Unknown(reason) => StoreError::Poisoned { path, reason },
            Self::Engine(reason) => StoreError::Engine { path, reason },
        }
    }
}

impl From<Damage> for Trouble {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error.as_db_error() {
            Some(said) => of_server(said),
            None if error.is_closed() => Self::Lost("the server closed the connection".to_owned()),
            None => of_client(&error),
        }
    }
}

fn of_server(said: &DbError) -> Trouble {
    let words = plain(said.message());
    let code = said.code();
    match code {
        &SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED => Trouble::Locked,
        &SqlState::DISK_FULL => Trouble::Full,
        &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => {
            Trouble::Damage(Damage::new("a page of the server", words))
        }
        &SqlState::UNDEFINED_TABLE
        | &SqlState::UNDEFINED_COLUMN
        | &SqlState::INVALID_SCHEMA_NAME => Trouble::Foreign,
        &SqlState::READ_ONLY_SQL_TRANSACTION => {
            Trouble::Closed("the server takes no writes: it is a standby or read-only".to_owned())
        }
        &SqlState::INSUFFICIENT_PRIVILEGE
        | &SqlState::INVALID_PASSWORD
        | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        | &SqlState::INVALID_CATALOG_NAME => Trouble::Closed(words),
        &SqlState::TOO_MANY_CONNECTIONS => Trouble::Lost(words),
        // The backend is going, or the server is coming or going.
        _ if matches!(code.code().get(..3), Some("57P" | "080")) => Trouble::Lost(words),
        _ => Trouble::Engine(words),
    }
}

fn of_client(error: &Error) -> Trouble {
    // The library tells its kinds by words only; the cause below has the system's.
    let own = error.to_string();
    let cause = error.source().map(|cause| plain(&cause.to_string()));
    if own.starts_with("error performing TLS handshake") {
        return Trouble::Closed(match cause {
            Some(cause) if cause.contains("server does not support TLS") => {
                "the server has no TLS, and it is asked for".to_owned()
            }
            Some(cause) => format!("TLS failed: {cause}"),
            None => "TLS failed".to_owned(),
        });
    }
    if own.starts_with("invalid configuration") || own.starts_with("authentication error") {
        return Trouble::Closed(match cause {
            Some(cause) if cause.contains("password missing") => {
                "the server wants a password, and there is none".to_owned()
            }
            Some(cause) => cause,
            None => own,
        });
    }
    if own.starts_with("error serializing") || own.starts_with("error deserializing") {
        return Trouble::Damage(Damage::new("a table of the server", plain(&own)));
    }
    Trouble::Lost(cause.unwrap_or_else(|| plain(&own)))
}

/// One short line without control characters: a server may say anything.
pub(crate) fn plain(words: &str) -> String {
    let clean = words
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter });
    clean.take(WORDS_MAX).collect()
}
