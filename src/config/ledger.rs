//! Where the ledger is: a file, or a database by its URL. Prints no password and opens nothing.
//!
//! A URL is read strictly, because what cannot be read cannot be shown without its password either:
//! no complaint repeats any of it.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use thymos_core::secret::Secret;

use super::resolve::{Setting, Source};
use crate::error::{AppError, ErrorKind};

/// What every URL of a ledger begins with; PostgreSQL knows both.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// What a word begins with that is meant for a URL of a ledger, in any case of letters.
const NEARLY: [&str; 2] = ["postgres:", "postgresql:"];

/// Where PostgreSQL listens unless it was told otherwise.
const PORT: u16 = 5432;

/// Hosts of one URL.
const HOSTS_MAX: usize = 8;

/// Seconds that a connection may take unless the URL says otherwise, and at most.
const CONNECT_S: u64 = 10;
const CONNECT_S_MAX: u64 = 600;

/// What an `sslmode` may be.
const MODES: [&str; 5] = ["disable", "prefer", "require", "verify-ca", "verify-full"];

/// Where the ledger is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerPlace {
    /// A file of this machine.
    File(PathBuf),
    /// A database.
    Server(Box<ServerUrl>),
}

/// A URL, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    /// Names, addresses or socket folders, with ports.
    pub hosts: Vec<(String, u16)>,
    /// The role; none is that of the unix user.
    pub user: Option<String>,
    /// Its password, if the URL has one.
    pub password: Option<Secret<String>>,
    /// The database.
    pub database: String,
    /// `sslmode`, given or by default.
    pub sslmode: &'static str,
    /// `sslrootcert`; none are the system's certificates.
    pub roots: Option<PathBuf>,
    /// `connect_timeout`, in milliseconds.
    pub connect_ms: u64,
}

impl LedgerPlace {
    /// Reads a setting.
    pub(super) fn of(setting: Setting<PathBuf>) -> Result<Setting<Self>, AppError> {
        let Setting { value, source } = setting;
        let place = match value.to_str().and_then(split_scheme) {
            // A file of that name would have the password in it.
            None if is_meant_for_a_server(&value) => {
                let what = "the ledger's URL has no `//` behind its scheme";
                return Err(unsound(&source, what));
            }
            None => Self::File(value),
            Some((scheme, rest)) if SCHEMES.contains(&scheme) => match parse(rest) {
                Ok(url) => Self::Server(Box::new(url)),
                Err(what) => return Err(unsound(&source, &what)),
            },
            Some((scheme, _)) => {
                let what = format!("a ledger cannot be at a `{scheme}` address");
                return Err(unsound(&source, &what));
            }
        };
        Ok(Setting {
            value: place,
            source,
        })
    }

    /// The file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

impl fmt::Display for LedgerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for ServerUrl {
    /// Without password and settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        for (at, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match host.contains(':') {
                true => write!(f, "{comma}[{host}]:{port}")?,
                false => write!(f, "{comma}{host}:{port}")?,
            }
        }
        write!(f, "/{}", self.database)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn unsound(source: &Source, what: &str) -> AppError {
    let kind = match source {
        Source::Flag(_) => ErrorKind::Usage,
        Source::Default | Source::File(..) | Source::Env(_) => ErrorKind::Config,
    };
    AppError::new(kind, format!("{what} ({source})"))
        .hint("write a path, or postgres://user@host:5432/database?sslmode=verify-full")
}

/// Whether this looks as if it were to name a server, well written or not.
pub(crate) fn is_meant_for_a_server(text: &Path) -> bool {
    let text = text.as_os_str().as_encoded_bytes();
    NEARLY.into_iter().any(|scheme| {
        let begin = text.get(..scheme.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(scheme.as_bytes()))
    })
}

/// The scheme with its `://`, where there is one; letters only, so nothing secret is in it.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let at = text.find("://")?;
    let letters = text.get(..at)?;
    let scheme = !letters.is_empty() && letters.bytes().all(|b| b.is_ascii_alphanumeric());
    scheme.then(|| text.split_at(at + 3))
}

fn parse(rest: &str) -> Result<ServerUrl, String> {
    if rest.contains('#') {
        return Err("the ledger's URL has a `#`, which a password writes as %23".to_owned());
    }
    let (before, settings) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = before.split_once('/').unwrap_or((before, ""));
    // What looks like host, port and database may be a password that is not written as it must be.
    if database.contains('@') || settings.contains('@') {
        return Err(
            "the ledger's URL has a `@` behind its host; a password writes `/` as %2F and `?` as %3F"
                .into(),
        );
    }
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    if login.is_some_and(|login| login.contains('@')) {
        return Err(
            "the ledger's URL has two `@`, of which a password writes its own as %40".into(),
        );
    }
    let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
        Some((user, password)) => (some(decode(user)?), some(decode(password)?)),
        None => (None, None),
    };
    let database = some(decode(database)?);
    let hosts = parse_hosts(hosts)?;
    let mut url = ServerUrl {
        sslmode: default_mode(&hosts),
        hosts,
        user,
        password: password.map(Secret::new),
        database: database.ok_or("the ledger's URL names no database")?,
        roots: None,
        connect_ms: CONNECT_S * 1_000,
    };
    for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        set(&mut url, name, &decode(value)?)?;
    }
    Ok(url)
}

fn set(url: &mut ServerUrl, name: &str, value: &str) -> Result<(), String> {
    match name {
        "sslmode" => {
            let known = MODES.into_iter().find(|mode| *mode == value);
            url.sslmode = known.ok_or_else(|| {
                format!(
                    "the `sslmode` of the ledger's URL is none of {}",
                    MODES.join(", ")
                )
            })?;
        }
        "sslrootcert" => {
            url.roots = some(value.to_owned())
                .filter(|value| value != "system")
                .map(PathBuf::from);
        }
        "connect_timeout" => {
            let seconds: Option<u64> = value.parse().ok();
            let seconds = seconds.filter(|seconds| (1..=CONNECT_S_MAX).contains(seconds));
            url.connect_ms = 1_000 * seconds.ok_or_else(|| {
                format!(
                    "the `connect_timeout` of the ledger's URL is no number of seconds from 1 to \
                         {CONNECT_S_MAX}"
                )
            })?;
        }
        // The name may be a part of a password that was not encoded: it is not repeated.
        _ => {
            return Err(
                "the ledger's URL has a setting besides sslmode, sslrootcert and connect_timeout"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

fn parse_hosts(text: &str) -> Result<Vec<(String, u16)>, String> {
    let mut hosts = Vec::new();
    for one in text.split(',') {
        let (host, port) = match one.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':')),
            None => match one.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (one, None),
            },
        };
        let host = decode(host)?;
        let sound = match host.strip_prefix('/') {
            Some(_) => true,
            None => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
                host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.bytes().all(plain))
            }
        };
        if !sound {
            return Err("the ledger's URL names no host, or one that cannot be".to_owned());
        }
        let port = match port {
            None => PORT,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or("the port in the ledger's URL is no number from 1 to 65535")?,
        };
        hosts.push((host, port));
    }
    match hosts.len() {
        1..=HOSTS_MAX => Ok(hosts),
        _ => Err(format!("the ledger's URL has more than {HOSTS_MAX} hosts")),
    }
}

/// Whoever is on this machine already could read its memory; everybody else must be proved.
fn default_mode(hosts: &[(String, u16)]) -> &'static str {
    let near = |host: &str| {
        host == "localhost"
            || host.starts_with('/')
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    };
    match hosts.iter().all(|(host, _)| near(host)) {
        true => "prefer",
        false => "verify-full",
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Takes `%` and two digits for a byte; refuses what is no text afterwards.
fn decode(text: &str) -> Result<String, String> {
    let fault = || "the ledger's URL has a `%` that is no byte of a text".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next(), rest.next()].map(|digit| {
            let digit = char::from(digit?).to_digit(16)?;
            u8::try_from(digit).ok()
        });
        let [Some(high), Some(low)] = digits else {
            return Err(fault());
        };
        bytes.push(high * 16 + low);
    }
    let decoded = String::from_utf8(bytes).map_err(|_| fault())?;
    match decoded.chars().any(char::is_control) {
        true => Err("the ledger's URL has a control character".to_owned()),
        false => Ok(decoded),
    }
}

#[cfg(test)]
mod tests;
