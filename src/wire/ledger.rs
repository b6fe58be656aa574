//! Opens the ledger where it is configured: a file, or a database with whatever password there is.

use std::any::Any;
use std::fs;
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thymos_core::TrajectoryId;
use thymos_core::secret::Secret;
use thymos_ledger::{Genesis, PostgresLedger, Server, SqliteLedger, TlsMode};
use thymos_ports::clock::draw;
use thymos_ports::store::StoreError;
use thymos_ports::{Entropy, LedgerStore};
use thymos_runtime::Leases;

use super::Purpose;
use super::evidence::can_only_be_read;
use super::keys::KeysLock;
use super::leases::FileLeases;
use crate::config::ledger::{LedgerPlace, ServerUrl};
use crate::config::{Config, Env, paths};
use crate::error::{AppError, ErrorKind};
use crate::system::OsEntropy;

/// Bytes of a password file that are looked at.
const PASSWORDS_BYTES_MAX: u64 = 1024 * 1024;

/// The ledger, and what else the server of it does.
pub(super) struct Ledger {
    pub(super) store: Arc<dyn LedgerStore>,
    server: Option<Arc<PostgresLedger>>,
    /// Never to be written down: the redactor looks for it.
    pub(super) password: Option<Secret<String>>,
}

impl Ledger {
    /// Opens it; it is made when it is not there. Who only looks leaves a file as it is that cannot be written.
    pub(super) fn open(env: &Env, config: &Config, purpose: Purpose) -> Result<Self, AppError> {
        let genesis = Genesis {
            random: draw(&OsEntropy as &dyn Entropy),
        };
        match &config.ledger.value {
            LedgerPlace::File(path) => {
                let folder = path.parent();
                if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
                    paths::make_private(folder)?;
                }
                let opened = match purpose {
                    Purpose::Look if can_only_be_read(path) => SqliteLedger::open_untouched(path),
                    Purpose::App | Purpose::Act | Purpose::Look => {
                        SqliteLedger::open(path, genesis)
                    }
                };
                let opened = opened.map_err(|e| store_error(&e))?;
                Ok(Self {
                    store: Arc::new(opened),
                    server: None,
                    password: None,
                })
            }
            LedgerPlace::Server(url) => {
                let server = server(env, url)?;
                let password = server.password.clone();
                let opened = PostgresLedger::open(server, genesis).map_err(|e| store_error(&e))?;
                let opened = Arc::new(opened);
                Ok(Self {
                    store: Arc::clone(&opened) as Arc<dyn LedgerStore>,
                    server: Some(opened),
                    password,
                })
            }
        }
    }

    /// Where the right to act on a trajectory is kept: with the ledger, for whoever shares it.
    pub(super) fn leases(
        self,
        folder: PathBuf,
        keys: KeysLock,
    ) -> Result<Arc<dyn Leases>, AppError> {
        Ok(match self.server {
            None => Arc::new(FileLeases::new(folder, keys)?),
            Some(ledger) => Arc::new(ServerLeases {
                ledger,
                _keys: keys,
            }),
        })
    }
}

/// Leases as locks of the server.
struct ServerLeases {
    ledger: Arc<PostgresLedger>,
    /// As long as somebody may act, keys stay as they are.
    _keys: KeysLock,
}

impl Leases for ServerLeases {
    fn take(&self, trajectory: &TrajectoryId) -> Option<Box<dyn Any + Send + Sync>> {
        // With the server away nobody may act: the next entry could not be kept either.
        let lease = self.ledger.lease(trajectory).ok().flatten()?;
        Some(Box::new(lease))
    }
}

/// A database for reading only; none where there is no ledger in it yet.
pub(super) fn look(env: &Env, url: &ServerUrl) -> Result<Option<PostgresLedger>, AppError> {
    PostgresLedger::open_read_only(server(env, url)?).map_err(|e| store_error(&e))
}

fn server(env: &Env, url: &ServerUrl) -> Result<Server, AppError> {
    let fallback = env.get("PGUSER").or_else(|| env.get("USER"));
    let user = url.user.as_deref().or(fallback).unwrap_or("postgres");
    let given = url.password.clone().or_else(|| env.secret("PGPASSWORD"));
    let password = match given {
        Some(password) => Some(password),
        None => kept_password(env, url, user)?,
    };
    Ok(Server {
        hosts: url.hosts.clone(),
        user: user.to_owned(),
        password,
        database: url.database.clone(),
        tls: TlsMode::parse(url.sslmode).unwrap_or(TlsMode::VerifyFull),
        roots: url.roots.clone(),
        connect_ms: url.connect_ms,
    })
}

/// From `~/.pgpass`, as every client of PostgreSQL has it: the first line that fits.
fn kept_password(
    env: &Env,
    url: &ServerUrl,
    user: &str,
) -> Result<Option<Secret<String>>, AppError> {
    let named = env.path("PGPASSFILE");
    let Some(file) = named.or_else(|| env.path("HOME").map(|home| home.join(".pgpass"))) else {
        return Ok(None);
    };
    let text = match read_passwords(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(&file, &format!("cannot be read: {error}"))),
    };
    if paths::is_exposed(&file) {
        return Err(fault(&file, "can be read by others than you")
            .hint(format!("chmod 600 {}", file.display())));
    }
    Ok(fitting(&text, url, user).map(Secret::new))
}

fn read_passwords(file: &Path) -> std::io::Result<String> {
    match fs::metadata(file)?.len() {
        0..=PASSWORDS_BYTES_MAX => fs::read_to_string(file),
        _ => Err(std::io::Error::other("it is too long for one")),
    }
}

fn fault(file: &Path, what: &str) -> AppError {
    let message = format!("password file `{}` {what}", file.display());
    AppError::new(ErrorKind::User, message)
}

/// `host:port:database:user:password`, `*` for any, `\` before a `:` or `\` that is meant.
fn fitting(text: &str, url: &ServerUrl, user: &str) -> Option<String> {
    let fits = |field: &str, value: &str| field == "*" || field == value;
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| match fields(line).as_slice() {
            [host, port, database, role, password]
                if fits(database, &url.database)
                    && fits(role, user)
                    && url.hosts.iter().any(|(known, number)| {
                        // A socket folder is `localhost` there.
                        let known = if known.starts_with('/') {
                            "localhost"
                        } else {
                            known
                        };
                        fits(host, known) && fits(port, &number.to_string())
                    }) =>
            {
                Some(password.clone())
            }
            _ => None,
        })
        .filter(|password| !password.is_empty())
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let meant = match letter {
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                continue;
            }
            '\\' => letters.next().unwrap_or(letter),
            other => other,
        };
        if let Some(field) = fields.last_mut() {
            field.push(meant);
        }
    }
    fields
}

/// A store's error as a person reads it.
#[must_use]
pub fn store_error(error: &StoreError) -> AppError {
    use StoreError as E;
    let (kind, hint) = match error {
        E::Open { path, .. } if is_server(path) => (
            ErrorKind::User,
            "see docs/guide/postgres.md for roles, passwords and TLS, or use another --ledger",
        ),
        E::Foreign { path } if is_server(path) => (
            ErrorKind::User,
            "name an empty database with --ledger, or make an empty schema `thymos` in this one",
        ),
        E::Poisoned { path, .. } if is_server(path) => (
            ErrorKind::Kernel,
            "see that the server runs, then open it again and run `thymos verify`",
        ),
        E::Open { .. } => (
            ErrorKind::User,
            "check the path and who owns it, or use --ledger",
        ),
        E::Locked { .. } => (ErrorKind::Kernel, "close the other program, or wait for it"),
        E::Newer { .. } => (ErrorKind::Kernel, "use the newer thymos that wrote it"),
        E::Foreign { .. } => (ErrorKind::User, "name another file with --ledger"),
        E::Corrupt { .. } => (
            ErrorKind::Integrity,
            "restore a backup, or start a new one with --ledger",
        ),
        E::Away { .. } => (
            ErrorKind::Kernel,
            "see that the server runs and can be reached; nothing that was recorded is lost",
        ),
        E::Full { .. } => (
            ErrorKind::Kernel,
            "free some room; nothing that was recorded is lost",
        ),
        E::Poisoned { .. } => (
            ErrorKind::Kernel,
            "check the disk, then open it again and run `thymos verify`",
        ),
        E::Draft(_) => (ErrorKind::Internal, "report this; it is our mistake"),
        E::Engine { .. } => (ErrorKind::Kernel, "run `thymos doctor`"),
    };
    AppError::new(kind, error.to_string()).hint(hint)
}

fn is_server(name: &str) -> bool {
    name.starts_with("postgres://")
}

#[cfg(test)]
mod tests;
