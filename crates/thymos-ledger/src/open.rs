//! Opening and making: which file this is, and whether this program may write to it `[L13]`.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use thymos_core::LogId;
use thymos_core::id::hex;
use thymos_ports::store::StoreError;

use crate::append::Grown;
use crate::bell::Bell;
use crate::fault::{self, During, Trouble};
use crate::ledger::{Genesis, Opened, Options, Reading, Source};
use crate::row::{Raw, SELECT};
use crate::schema::{
    APPLICATION_ID, ERASURES, FORMAT_VERSION, FORMAT_WITHOUT_ERASURES, FORMAT_WITHOUT_TREE, TREE,
    WITHOUT_LOOSER,
};
use crate::{schema, tree, unfinished};

/// Statements that stay prepared on a connection; there are about fifteen.
const STATEMENTS_MAX: usize = 32;

/// Bytes that the write-ahead file keeps on disk once it is empty again.
const WAL_BYTES_KEPT: u32 = 32 * 1024 * 1024;

pub(crate) fn file(path: &Path, genesis: Genesis, options: Options) -> Result<Opened, StoreError> {
    let name = path.display().to_string();
    if !exists(path, &name)? {
        create(path, &name, genesis)?;
    }
    let (connection, grown) = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, &options)
        .and_then(|mut connection| {
            let grown = Grown::told_by(&mut connection)?;
            Ok((connection, grown))
        })
        .map_err(|e| fault::engine(&name, During::Open, &e))?;
    let (log, format) = identify(&connection, &name)?;
    let sound = writable(&connection).and_then(|writable| {
        if writable {
            set_writing(&connection, &options)?;
            check_tail(&connection, &log)?;
            if format < FORMAT_VERSION {
                make_over(&connection)?;
            }
        }
        Ok(writable)
    });
    if !sound.map_err(|e| e.named(&name, During::Open))? {
        let reason = "it or its folder is read-only".to_owned();
        return Err(StoreError::Open { path: name, reason });
    }
    let bell = Bell::beside(path)?;
    unfinished::sweep(path);
    Ok(Opened {
        path: path.to_owned(),
        log,
        connection,
        grown,
        read_only: false,
        keeps_tree: true,
        source: Source::File {
            options,
            reading: Reading::Shared,
        },
        bell,
    })
}

pub(crate) fn read_only(path: &Path, options: Options) -> Result<Opened, StoreError> {
    // SQLite wants to write its index of the write-ahead file even to read. On a read-only medium
    // it cannot; when there is no such file, it need not.
    match read(path, options, Reading::Shared) {
        Err(StoreError::Open { .. }) if !has_content(&beside(path, "-wal")) => {
            read(path, options, Reading::Still)
        }
        opened => opened,
    }
}

/// As [`read_only`], and leaves the folder as it is: with nobody at work, SQLite would make both files
/// beside the ledger, and who only reads does not take them away again.
pub(crate) fn untouched(path: &Path, options: Options) -> Result<Opened, StoreError> {
    let left = beside(path, "-wal");
    let reading = match (left.exists(), beside(path, "-shm").exists()) {
        (true, true) => Reading::Shared,
        (true, false) if has_content(&left) => Reading::Apart,
        _ => Reading::Still,
    };
    read(path, options, reading)
}

fn read(path: &Path, options: Options, reading: Reading) -> Result<Opened, StoreError> {
    let name = path.display().to_string();
    if !exists(path, &name)? {
        return Err(fault::file(&name, &io::ErrorKind::NotFound.into()));
    }
    let connection =
        reader(path, &options, reading).map_err(|e| fault::engine(&name, During::Open, &e))?;
    let (log, format) = identify(&connection, &name)?;
    Ok(Opened {
        path: path.to_owned(),
        log,
        connection,
        grown: Grown::default(),
        read_only: true,
        keeps_tree: format > FORMAT_WITHOUT_TREE,
        source: Source::File { options, reading },
        bell: Bell::read_only(path),
    })
}

pub(crate) fn memory(genesis: Genesis) -> Result<Opened, StoreError> {
    let name = ":memory:";
    let made = Connection::open_in_memory().and_then(|connection| {
        set_common(&connection, &Options::default())?;
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;")?;
        fill(&connection, genesis)?;
        Ok(connection)
    });
    Ok(Opened {
        path: PathBuf::from(name),
        log: LogId::of(&genesis.random),
        connection: made.map_err(|e| fault::engine(name, During::Open, &e))?,
        grown: Grown::default(),
        read_only: false,
        keeps_tree: true,
        source: Source::Memory,
        bell: Bell::here(),
    })
}

/// What a reader keeps of the file, in KiB and told as SQLite wants it. Several read side by side while a
/// ledger is verified, each from its beginning to its end; what they come back to, the system keeps.
const READER_CACHE: i64 = -512;

/// A connection that reads.
pub(crate) fn reader(
    path: &Path,
    options: &Options,
    reading: Reading,
) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let addressed = |how: &str| {
        let address = format!("file:{}?{how}", escaped(path));
        let flags = flags | OpenFlags::SQLITE_OPEN_URI;
        connect(Path::new(&address), flags, options)
    };
    let connection = match reading {
        Reading::Shared => connect(path, flags, options)?,
        Reading::Still => addressed("immutable=1")?,
        Reading::Apart => {
            // Before anything is read: whoever has the file alone keeps that index in memory. The locks
            // that it would ask for need the right to write; here they are nobody's.
            let connection = addressed("vfs=unix-none")?;
            connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection
        }
    };
    connection.pragma_update(None, "cache_size", READER_CACHE)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags, options: &Options) -> rusqlite::Result<Connection> {
    // The bundled engine reads any `file:` as an address; only `reader` means one.
    let plain = path.as_os_str().as_bytes().starts_with(b"file:")
        && !flags.contains(OpenFlags::SQLITE_OPEN_URI);
    let path = if plain {
        &Path::new(".").join(path)
    } else {
        path
    };
    // A connection is used by one thread at a time, which the types see to.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    set_common(&connection, options)?;
    Ok(connection)
}

fn set_common(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.busy_timeout(Duration::from_millis(options.busy_ms.into()))?;
    // No function hidden in a foreign schema is run, and a damaged page is noticed when read.
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;",
    )
}

fn set_writing(connection: &Connection, options: &Options) -> Result<(), Trouble> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Trouble::corrupt(
            "the header of the file",
            "it keeps no write-ahead file",
        ));
    }
    // `recursive_triggers` makes REPLACE run the delete triggers too. `secure_delete` overwrites
    // what an erasure removed [L3].
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; \
         PRAGMA secure_delete = ON;",
    )?;
    if options.unsynced {
        connection.execute_batch("PRAGMA synchronous = OFF")?;
    }
    connection.query_row(
        &format!("PRAGMA journal_size_limit = {WAL_BYTES_KEPT}"),
        [],
        |_| Ok(()),
    )?;
    Ok(())
}

fn writable(connection: &Connection) -> Result<bool, Trouble> {
    Ok(!connection.is_readonly("main")?)
}

// By metadata only: see `SqliteLedger` on why the file is never opened beside the engine.
fn exists(path: &Path, name: &str) -> Result<bool, StoreError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(StoreError::Open {
            path: name.to_owned(),
            reason: "it is a folder".to_owned(),
        }),
        // A ledger appears under its name complete or not at all, so an empty file was cut.
        Ok(found) if found.len() == 0 => {
            Err(fault::corrupt(name, "the start of the file", "it is empty"))
        }
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(fault::file(name, &error)),
    }
}

/// Counts what only format 2 has.
const HAS_TREE: &str = "SELECT count(*) FROM sqlite_schema WHERE name IN ('nodes', 'checkpoints')";

/// Counts what only format 3 has.
const HAS_ERASURES: &str = "SELECT count(*) FROM sqlite_schema WHERE name = 'erasures'";

/// Whose file, which version, which log `[L13]`.
fn identify(connection: &Connection, name: &str) -> Result<(LogId, i64), StoreError> {
    let number = |pragma: &str| {
        connection
            .query_row(pragma, [], |row| row.get::<_, i64>(0))
            .map_err(|e| fault::engine(name, During::Open, &e))
    };
    let path = name.to_owned();
    if number("PRAGMA application_id")? != APPLICATION_ID {
        return Err(StoreError::Foreign { path });
    }
    let found = number("PRAGMA user_version")?;
    if found > FORMAT_VERSION {
        return Err(StoreError::Newer {
            path,
            found,
            known: FORMAT_VERSION,
        });
    }
    if found < FORMAT_WITHOUT_TREE {
        let reason = format!("there never was a format version {found}");
        return Err(fault::corrupt(name, "the header of the file", reason));
    }
    // A lower version must not hide what a higher one proves with.
    let hides = |below: i64, query: &str| Ok(found <= below && number(query)? > 0);
    for (below, query, what) in [
        (FORMAT_WITHOUT_TREE, HAS_TREE, "a tree"),
        (
            FORMAT_WITHOUT_ERASURES,
            HAS_ERASURES,
            "what is to be erased",
        ),
    ] {
        if hides(below, query)? {
            let reason = format!("it says format version {found}, and holds {what}");
            return Err(fault::corrupt(name, "the header of the file", reason));
        }
    }
    let id: Option<[u8; 32]> = connection
        .query_row("SELECT id FROM log", [], |row| row.get(0))
        .optional()
        .map_err(|e| match fault::engine(name, During::Open, &e) {
            StoreError::Engine { reason, .. } => fault::corrupt(name, "the id of the log", reason),
            error => error,
        })?;
    id.map(|id| (LogId::from_bytes(id), found))
        .ok_or_else(|| fault::corrupt(name, "the id of the log", "it is missing"))
}

/// Makes a ledger of an older format one of this `[L13]`: the same bytes, and what is kept beside them.
/// All or nothing, and once: another process may have done it meanwhile.
fn make_over(connection: &Connection) -> Result<(), Trouble> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let format: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if format <= FORMAT_WITHOUT_TREE {
        transaction.execute_batch(TREE)?;
        tree::build(&transaction)?;
    }
    if format <= FORMAT_WITHOUT_ERASURES {
        transaction.execute_batch(WITHOUT_LOOSER)?;
        transaction.execute_batch(ERASURES)?;
    }
    if format < FORMAT_VERSION {
        transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
        transaction.commit()?;
    }
    Ok(())
}

// Cheap, and catches what a bad copy or a cut file looks like; the rest is for a whole verify.
fn check_tail(connection: &Connection, log: &LogId) -> Result<(), Trouble> {
    let last = connection
        .query_row(
            &format!("{SELECT} ORDER BY e.idx DESC LIMIT 1"),
            [],
            Raw::read,
        )
        .optional()?;
    match last {
        Some(raw) => raw.sound(log).map(drop).map_err(Trouble::from),
        None => Ok(()),
    }
}

// Made complete under another name, then given its own: whoever is killed here leaves no half
// ledger, and of two who make it at once one wins and both open the winner's.
fn create(path: &Path, name: &str, genesis: Genesis) -> Result<(), StoreError> {
    let left = beside(path, "-wal");
    if has_content(&left) {
        // SQLite would take its pages for ours.
        let reason = "a write-ahead file stands there without its ledger";
        return Err(fault::corrupt(name, left.display().to_string(), reason));
    }
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| fault::file(name, &e))?;
    }
    let unfinished = unfinished::place(path, &short(genesis));
    // While it is held nobody takes it away.
    let held = unfinished::claim(&unfinished).map_err(|e| fault::file(name, &e))?;
    let Some(held) = held else {
        return Ok(());
    };
    let made = make(&unfinished, name, genesis);
    // Let go of before anybody can open it as a ledger: closing a file takes away every lock that the
    // engine holds on it in this process.
    drop(held);
    let made = made.and_then(|()| match publish(&unfinished, path) {
        // Swept in that moment, which only happens beside a ledger that is there.
        Err(error) if error.kind() == io::ErrorKind::NotFound && exists(path, name)? => Ok(()),
        published => published.map_err(|e| fault::file(name, &e)),
    });
    if made.is_err() {
        // Gone already or not removable: either way the first error is the one to tell.
        drop(fs::remove_file(&unfinished));
    }
    made
}

fn make(path: &Path, name: &str, genesis: Genesis) -> Result<(), StoreError> {
    let filled = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, &Options::default()).and_then(
        |connection| {
            fill(&connection, genesis)?;
            connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
            connection.close().map_err(|(_, error)| error)
        },
    );
    filled.map_err(|e| fault::engine(name, During::Open, &e))
}

fn fill(connection: &Connection, genesis: Genesis) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for part in schema::of(FORMAT_VERSION) {
        connection.execute_batch(part)?;
    }
    connection.execute(
        "INSERT INTO log (one, id) VALUES (1, ?1)",
        [LogId::of(&genesis.random).as_bytes()],
    )?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", FORMAT_VERSION)?;
    connection.execute_batch("COMMIT")
}

// Never over an existing ledger. A system without that kind of rename gets a plain one, after
// `exists` said that there is none.
fn publish(unfinished: &Path, path: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, unfinished, CWD, path, RenameFlags::NOREPLACE) {
            Ok(()) => return sync_folder(path),
            Err(rustix::io::Errno::EXIST) => return fs::remove_file(unfinished),
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    fs::rename(unfinished, path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() > 0)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn short(genesis: Genesis) -> String {
    hex(genesis.random.get(..4).unwrap_or_default())
}

// For a `file:` address, where `?`, `#` and `%` mean something.
fn escaped(path: &Path) -> String {
    let mut address = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                address.push(char::from(*byte));
            }
            other => {
                address.push('%');
                address.push_str(&hex(&[*other]).to_uppercase());
            }
        }
    }
    address
}
