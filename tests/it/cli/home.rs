//! A home, a workspace and the built program between them; nothing of the machine's own setup.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;
use thymos_core::Entry;
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;

/// Looks at a file or a ledger before a wait is given up.
const LOOKS_MAX: usize = 2_000;

pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// An empty home and a workspace with one file.
    pub(crate) fn new() -> Self {
        let home = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(home.path("home")).unwrap();
        fs::create_dir_all(home.path("ws")).unwrap();
        home.write("ws/README.md", "# Demo\nhello\n");
        home
    }

    /// A home whose model plays these lines: one JSON object a turn.
    pub(crate) fn playing(turns: &[Value]) -> Self {
        let home = Self::new();
        home.script(turns);
        let config = format!(
            "[session]\nmodel = \"script\"\n[providers.script]\nkind = \"scripted\"\nmodel = \"x\"\n\
             base_url = \"{}\"\n",
            home.path("script.jsonl").display()
        );
        home.config(&config);
        home
    }

    pub(crate) fn script(&self, turns: &[Value]) {
        let lines: Vec<String> = turns.iter().map(ToString::to_string).collect();
        self.write("script.jsonl", &lines.join("\n"));
    }

    pub(crate) fn config(&self, text: &str) {
        fs::create_dir_all(self.path("home/.config/thymos")).unwrap();
        self.write("home/.config/thymos/config.toml", text);
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn write(&self, below: &str, text: &str) {
        fs::write(self.path(below), text).unwrap();
    }

    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_default()
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.path("home/.local/share/thymos/ledger.db")
    }

    /// Copies the ledger's file, with all that its last writer may have left beside it.
    pub(crate) fn copy_ledger(&self, to: &Path) {
        let connection = Connection::open(self.ledger()).unwrap();
        let left: i64 = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0, "somebody is at work in it");
        drop(connection);
        fs::copy(self.ledger(), to).unwrap();
    }

    /// The program, in the workspace, with a small environment.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thymos"));
        command
            .args(args)
            .current_dir(self.path("ws"))
            .env_clear()
            .env("HOME", self.path("home"))
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("USER", "ada")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        Ended::of(&self.command(args).output().unwrap())
    }

    /// Starts it.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// The lines of a verb's `--json`.
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        let ended = self.run(args);
        let lines = ended.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{ended:?}")))
            .collect()
    }

    /// Id and presented digest of the oldest hold.
    pub(crate) fn held(&self) -> (String, String) {
        let rows = self.waits();
        let card = &rows.first().expect("something is held")["card"];
        let text = |name: &str| card[name].as_str().unwrap().to_owned();
        (text("proposal"), text("presented"))
    }

    /// What waits for an answer, in any run.
    pub(crate) fn waits(&self) -> Vec<Value> {
        self.json(&["approvals", "ls", "--json"])
    }

    /// Every entry, read beside whoever writes.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let Ok(ledger) = SqliteLedger::open_read_only(&self.ledger()) else {
            return Vec::new();
        };
        let rows = ledger.scan(0, 100_000).unwrap_or_default();
        rows.into_iter().filter_map(|row| row.entry.ok()).collect()
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        let entries = self.entries();
        let of_kind = entries.iter().filter(|entry| entry.header.kind == kind);
        of_kind.count()
    }

    /// The ledger proves itself, by the program's own word.
    pub(crate) fn verifies(&self) {
        let ended = self.run(&["verify"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.out.starts_with("verified: "), "{ended:?}");
    }

    /// Nothing was made in the home: no key, no ledger.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.path("home/.local").exists() && !self.path("home/.cache").exists()
    }
}

/// Does something to a ledger as who has its file can: the triggers are taken away for it and put back, so
/// that only what was done can tell.
pub(crate) fn unguarded<T>(ledger: &Path, act: impl FnOnce(&Connection) -> T) -> T {
    let connection = Connection::open(ledger).unwrap();
    let triggers: Vec<(String, String)> = connection
        .prepare("SELECT 'DROP TRIGGER ' || name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let (drops, made): (Vec<String>, Vec<String>) = triggers.into_iter().unzip();
    connection.execute_batch(&drops.join(";")).unwrap();
    let done = act(&connection);
    connection.execute_batch(&made.join(";")).unwrap();
    done
}

/// Looks again and again until it is so.
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..LOOKS_MAX {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("it never came to this: {what}");
}

/// What became of a process.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// One sentence with a full stop and a hint, on standard error alone.
    pub(crate) fn says(&self, code: i32, sentence: &str, hint: &str) {
        let lines: Vec<&str> = self.err.lines().collect();
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        let first = lines.first().copied().unwrap_or_default();
        assert!(
            first.starts_with("thymos: ") && first.ends_with('.'),
            "{self:?}"
        );
        let lower = first.to_lowercase();
        assert!(
            lower.contains(&sentence.to_lowercase()),
            "{sentence} is not in {self:?}"
        );
        let hints = lines.get(1..).unwrap_or_default();
        assert!(
            hints
                .iter()
                .any(|line| line.starts_with("  hint: ") && line.contains(hint)),
            "{hint} is not in {self:?}"
        );
        assert!(!self.err.contains("panicked"), "{self:?}");
    }
}

/// A file of random bytes that are the same each time.
pub(crate) fn noise(path: &Path, bytes: usize) {
    let blocks = (0..bytes.div_ceil(32) as u64)
        .flat_map(|n| *thymos_core::Digest::of(&n.to_be_bytes()).as_bytes());
    fs::write(path, blocks.take(bytes).collect::<Vec<u8>>()).unwrap();
}
