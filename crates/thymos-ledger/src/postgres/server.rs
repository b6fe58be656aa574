//! Which server and database a ledger is on, and how it is reached. Opens nothing, prints no secret.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use thymos_core::secret::Secret;
use tokio_postgres::Config;
use tokio_postgres::config::{LoadBalanceHosts, SslMode, TargetSessionAttrs};

/// A server's silence before a connection to it counts as gone, as far as the system can tell.
const SILENCE: Duration = Duration::from_secs(30);

/// Everything a connection is made of.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Names, addresses or socket folders, with their ports; the first primary among them is taken.
    pub hosts: Vec<(String, u16)>,
    /// The role.
    pub user: String,
    /// Its password.
    pub password: Option<Secret<String>>,
    /// The database. The ledger is the one schema `thymos` in it.
    pub database: String,
    /// What TLS must prove.
    pub tls: TlsMode,
    /// Certificates to trust, as PEM; none are the system's.
    pub roots: Option<PathBuf>,
    /// Milliseconds until an attempt to connect is given up.
    pub connect_ms: u64,
}

/// What TLS must prove, in PostgreSQL's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// If the server has it; nobody is authenticated.
    Prefer,
    /// Always; the certificate is checked only where certificates to trust are named.
    Require,
    /// Always, with a certificate that is trusted, of any host.
    VerifyCa,
    /// Always, with a trusted certificate of this host.
    VerifyFull,
}

impl TlsMode {
    /// The mode of a word of PostgreSQL's `sslmode`; `allow` is not among them.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

impl Server {
    /// How the ledger is called in messages: without password and settings.
    #[must_use]
    pub fn name(&self) -> String {
        let hosts: Vec<String> = self
            .hosts
            .iter()
            .map(|(host, port)| match host.contains(':') {
                true => format!("[{host}]:{port}"),
                false => format!("{host}:{port}"),
            })
            .collect();
        format!(
            "postgres://{}@{}/{}",
            self.user,
            hosts.join(","),
            self.database
        )
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .user(&self.user)
            .dbname(&self.database)
            .application_name("thymos")
            .ssl_mode(match self.tls {
                // There is nobody between the two ends of a socket.
                _ if self.hosts.iter().all(|(host, _)| host.starts_with('/')) => SslMode::Disable,
                TlsMode::Disable => SslMode::Disable,
                TlsMode::Prefer => SslMode::Prefer,
                TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
            })
            .connect_timeout(self.patience())
            .keepalives(true)
            .keepalives_idle(SILENCE)
            .keepalives_interval(SILENCE / 3)
            .keepalives_retries(3)
            .tcp_user_timeout(SILENCE)
            .load_balance_hosts(LoadBalanceHosts::Disable);
        // One host alone says for itself that it is a standby, which makes a better sentence.
        if self.hosts.len() > 1 {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        for (host, port) in &self.hosts {
            config.host(host).port(*port);
        }
        if let Some(password) = &self.password {
            config.password(password.expose("to show it to the server"));
        }
        config
    }

    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(self.connect_ms.max(1))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}, {:?})", self.name(), self.tls)
    }
}
