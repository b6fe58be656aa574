//! A database of its own for each test, on a real PostgreSQL server; dropped afterwards.
//!
//! The server is the one of `THYMOS_TEST_POSTGRES`, a URL whose role may make databases; else a
//! throw-away one that `.ci/postgres` starts where PostgreSQL is installed. With neither the tests
//! say aloud that they skip.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

/// Exit code of the script where there is no PostgreSQL.
const NONE: i32 = 3;

/// The server of this run of tests.
#[derive(Debug)]
struct Cluster {
    url: String,
    authority: Option<PathBuf>,
    // Held as long as this process lives: the server stays.
    _used: Option<File>,
}

/// An empty database, dropped with the value.
#[derive(Debug)]
pub struct Database {
    name: String,
    config: Config,
}

impl Database {
    /// Makes one; none, said aloud, where there is no server.
    ///
    /// # Panics
    /// When there is a server and it does not work.
    #[must_use]
    pub fn new() -> Option<Self> {
        Some(Self::on(&cluster()?.url))
    }

    fn on(url: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let config = Config::from_str(url).expect("THYMOS_TEST_POSTGRES is a URL");
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("thymos_test_{}_{count}", std::process::id());
        run(
            &config,
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
        run(
            &config,
            &format!("CREATE DATABASE {name} TEMPLATE template0"),
        );
        let mut own = config;
        own.dbname(&name);
        Self { name, config: own }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> (String, u16) {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => "127.0.0.1".to_owned(),
        };
        (
            host,
            self.config.get_ports().first().copied().unwrap_or(5432),
        )
    }

    /// The role that made it, and its password.
    #[must_use]
    pub fn role(&self) -> (String, Option<String>) {
        let password = self.config.get_password();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let user = self.config.get_user().unwrap_or("postgres");
        (user.to_owned(), password.map(text))
    }

    /// As `--ledger` takes it, without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let (user, password) = self.role();
        let secret = password.map(|word| format!(":{word}")).unwrap_or_default();
        let (host, port) = self.address();
        let name = &self.name;
        format!("postgres://{user}{secret}@{host}:{port}/{name}?sslmode=disable")
    }

    /// Runs statements, as the role that made it; the first column of what they give.
    ///
    /// # Panics
    /// When the server refuses.
    #[track_caller]
    pub fn sql(&self, text: &str) -> Vec<String> {
        run(&self.config, text)
    }

    /// As [`Self::sql`], or why not.
    ///
    /// # Errors
    /// The server's words.
    pub fn try_sql(&self, text: &str) -> Result<Vec<String>, String> {
        try_run(&self.config, text)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let mut config = self.config.clone();
        config.dbname("postgres");
        let text = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Err(error) = try_run(&config, &text) {
            eprintln!("{text}: {error}");
        }
    }
}

/// A server that nobody else uses, so that it can be killed.
#[derive(Debug)]
pub struct OwnServer {
    place: PathBuf,
    cluster: Cluster,
}

/// How a server ends that does not end in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// It and all of its processes are killed.
    Kill,
    /// It stops at once, and has to recover.
    Immediate,
}

impl OwnServer {
    /// Starts one, of which is noted in this folder where it is; it ends by itself some time after the value
    /// is gone. None, said aloud, where there is no PostgreSQL.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(place: &Path) -> Option<Self> {
        let cluster = started(place);
        if cluster.is_none() {
            eprintln!("SKIPPED: there is no PostgreSQL to be killed; install it");
        }
        Some(Self {
            place: place.to_owned(),
            cluster: cluster?,
        })
    }

    /// An empty database on it.
    ///
    /// # Panics
    /// When it refuses.
    #[must_use]
    pub fn database(&self) -> Database {
        Database::on(&self.cluster.url)
    }

    /// Ends it.
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn end(&self, blow: Blow) {
        self.script(match blow {
            Blow::Kill => "kill",
            Blow::Immediate => "immediate",
        });
    }

    /// Starts it once more, with what it kept.
    ///
    /// # Panics
    /// When it does not come back.
    pub fn again(&self) {
        self.script("again");
    }

    fn script(&self, word: &str) {
        let mut script = Command::new(root().join(".ci/postgres"));
        let output = script.arg(&self.place).arg(word).output();
        let output = output.expect("bash runs .ci/postgres");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{word}: {said}");
    }
}

/// The authority that signed the certificate of the throw-away server, which is for `localhost`;
/// none, said aloud, where there is none.
#[must_use]
pub fn authority() -> Option<PathBuf> {
    let found = cluster()?.authority.clone();
    if found.is_none() {
        eprintln!("SKIPPED: no server with a certificate of ours");
    }
    found
}

/// Whether the server is the throw-away one, whose roles and settings are known.
#[must_use]
pub fn is_own() -> bool {
    let own = cluster().is_some_and(|cluster| cluster._used.is_some());
    if !own {
        eprintln!("SKIPPED: it takes the server of .ci/postgres");
    }
    own
}

/// The port of a copy of the throw-away server that follows it and takes no writes.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn standby() -> Option<u16> {
    if !is_own() {
        return None;
    }
    let output = Command::new(root().join(".ci/postgres"))
        .arg(root().join("target/postgres"))
        .arg("standby")
        .output()
        .expect("bash runs .ci/postgres");
    let told = String::from_utf8_lossy(&output.stdout);
    let port = told.trim().parse();
    Some(port.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    let found = CLUSTER.get_or_init(find).as_ref();
    if found.is_none() {
        eprintln!("SKIPPED: there is no PostgreSQL; install it, or set THYMOS_TEST_POSTGRES");
    }
    found
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests take their server from the environment"
)]
fn find() -> Option<Cluster> {
    if let Ok(url) = std::env::var("THYMOS_TEST_POSTGRES") {
        return Some(Cluster {
            url,
            authority: None,
            _used: None,
        });
    }
    started(&root().join("target/postgres"))
}

/// The throw-away server of a folder.
fn started(place: &Path) -> Option<Cluster> {
    std::fs::create_dir_all(place).expect("a folder for it");
    let used = OpenOptions::new()
        .create(true)
        .append(true)
        .open(place.join("used"))
        .expect("a file in it");
    used.lock_shared().expect("a lock on it");
    let output = Command::new(root().join(".ci/postgres"))
        .arg(place)
        .output()
        .expect("bash runs .ci/postgres");
    if output.status.code() == Some(NONE) {
        return None;
    }
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = told.lines();
    let url = lines.next().unwrap_or_default().to_owned();
    assert!(
        output.status.success() && url.starts_with("postgres://"),
        ".ci/postgres: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let authority = lines.next().filter(|line| !line.is_empty());
    Some(Cluster {
        url,
        authority: authority.map(PathBuf::from),
        _used: Some(used),
    })
}

#[track_caller]
fn run(config: &Config, text: &str) -> Vec<String> {
    match try_run(config, text) {
        Ok(rows) => rows,
        Err(error) => panic!("{text}: {error}"),
    }
}

// On a thread of its own, so that a test may be inside of any runtime.
fn try_run(config: &Config, text: &str) -> Result<Vec<String>, String> {
    let (config, text) = (config.clone(), text.to_owned());
    let asked = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        runtime.block_on(async move {
            let (client, connection) = config.connect(NoTls).await.map_err(told)?;
            let driver = tokio::spawn(connection);
            let rows = client.simple_query(&text).await.map_err(told)?;
            drop(client);
            drop(driver.await);
            let first = |message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
                _ => None,
            };
            Ok(rows.into_iter().filter_map(first).collect())
        })
    });
    asked.join().map_err(|_| "its thread panicked".to_owned())?
}

fn told(error: tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |said| said.message().to_owned())
}
