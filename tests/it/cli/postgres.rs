//! The program on a PostgreSQL ledger: a whole session, every refusal, and no password anywhere.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::{Value, json};
use thymos_testkit::postgres::{Database, is_own};

use super::home::{Ended, Home};

/// A home whose ledger is a database of its own.
fn at_home(turns: &[Value]) -> Option<(Database, Home)> {
    let database = Database::new()?;
    let home = Home::playing(turns);
    let config = home.read("home/.config/thymos/config.toml");
    home.config(&format!(
        "{config}[ledger]\npath = \"{}\"\n",
        database.url()
    ));
    Some((database, home))
}

fn writing() -> Vec<Value> {
    vec![
        json!({"calls": [{"tool": "fs_write", "args": {"path": "out.txt", "content": "written\n"}}]}),
        json!({"text": "done"}),
    ]
}

#[test]
fn l14_a_whole_session_works_on_a_server_and_leaves_no_ledger_at_home() {
    let Some((database, home)) = at_home(&writing()) else {
        return;
    };
    let doctor = home.run(&["doctor"]);
    assert!(
        doctor.out.contains("will be made on first use"),
        "{doctor:?}"
    );
    assert!(doctor.out.contains("sslmode disable"), "{doctor:?}");
    assert_eq!(home.run(&["run", "write it"]).code, 10);
    assert!(!home.path("ws/out.txt").exists());
    let (id, digest) = home.held();
    assert_eq!(
        home.run(&["approvals", "approve", &id, "--digest", &digest])
            .code,
        0
    );
    let trajectory = home.json(&["runs", "--json"])[0]["trajectory"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(home.run(&["run", "--resume", &trajectory]).code, 0);
    assert_eq!(home.read("ws/out.txt"), "written\n");
    home.verifies();
    let commits = home.json(&["ledger", "kind:commit", "--json"]);
    let entry = commits[0]["entry"].as_str().unwrap();
    let receipt = home.run(&["receipt", entry]);
    assert!(
        receipt.out.starts_with("c2sp.org/tlog-proof@v1"),
        "{receipt:?}"
    );
    for verb in [
        &["audit", &trajectory][..],
        &["replay", &trajectory],
        &["checkpoint", "show"],
        &["config", "explain"],
    ] {
        assert_eq!(home.run(verb).code, 0, "{verb:?}");
    }
    // What was written is found by any beginning of an id, and taken back.
    assert!(
        home.run(&["audit", &trajectory[..7]])
            .out
            .contains("out.txt")
    );
    let plan = home.json(&["undo", &trajectory, "--json"]);
    assert!(!plan.is_empty());
    assert!(home.path("home/.local/share/thymos/operator.key").exists());
    assert!(!home.ledger().exists());
    assert!(!home.path("home/.local/share/thymos/leases").exists());
    // [T1] What its owner does with the guards off is found, and named.
    database.sql(
        "ALTER TABLE thymos.entries DISABLE TRIGGER ALL; \
         UPDATE thymos.entries SET body = set_byte(body, 5, 0) WHERE idx = 3",
    );
    let ended = home.run(&["verify"]);
    assert_eq!(ended.code, 13, "{ended:?}");
    let told = format!("{}{}", ended.out, ended.err);
    assert!(told.contains("index 3"), "{told}");
}

#[test]
fn bad_addresses_are_usage_errors_that_repeat_nothing_and_make_nothing() {
    let home = Home::new();
    for (url, words) in [
        (
            "postgres://ada:hunter2@db:port/log",
            "the port in the ledger's URL",
        ),
        ("postgres://ada:hunter2@db", "names no database"),
        ("postgres://ada:hunter2@/log", "names no host"),
        ("postgres://ada:hunter2@db/log?sslmode=maybe", "`sslmode`"),
        ("postgres://ada:hun@ter2@db/log", "two `@`"),
        ("mysql://ada:hunter2@db/log", "`mysql://` address"),
    ] {
        let ended = home.run(&["runs", "--ledger", url]);
        ended.says(2, words, "postgres://user@host:5432/database");
        assert!(!ended.err.contains("ter2"), "{ended:?}");
    }
    home.config("[ledger]\npath = \"postgres://ada:hunter2@db\"\n");
    let ended = home.run(&["runs"]);
    ended.says(1, "config.toml:2", "postgres://user@host:5432/database");
    assert!(!ended.err.contains("hunter2"), "{ended:?}");
    assert!(home.is_untouched());
}

/// Where a path, an id, a task or a command is wanted, the URL of a ledger is a slip of the hand.
#[test]
fn no_place_of_the_command_line_repeats_the_password_of_a_url() {
    for url in [
        "postgres://u:S3same@h/db",
        "postgres:/u:S3same@h/db",
        "PostgreSQL:u:S3same@h/db",
    ] {
        let home = Home::playing(&[]);
        assert_eq!(home.run(&["run", "go"]).code, 1, "no turn is left to play");
        for words in [
            &["verify", url][..],
            &["verify", "--receipt", url],
            &["import", url],
            &["export", "--all", "-o", url],
            &["checkpoint", "verify", url],
            &["receipt", url],
            &["receipt", "abcdef", "-o", url],
            &["audit", url],
            &["-C", url, "runs"],
            &["--config", url, "runs"],
            &["--writ", url],
            &["run", "go", "--writ", url],
            &["runs", url],
            &["approvals", url],
            &["runs", "--mode", url],
            &["runs", "--color", url],
            &["writ", "sign", url],
            &["policy", "check", url],
            &["keys", "trust", url],
            &[url],
        ] {
            let ended = home.run(words);
            assert_ne!(ended.code, 0, "{words:?}: {ended:?}");
            assert!(ended.err.contains("thymos") || ended.err.contains("error:"));
            assert!(!ended.err.contains("panicked"), "{words:?}: {ended:?}");
            let told = format!("{}{}", ended.out, ended.err);
            assert!(!told.contains("S3same"), "{words:?}: {told}");
        }
        home.run(&["verify", url])
            .says(2, "no file that was handed on", "thymos verify --ledger");
        assert_eq!(names_with(&home.path(""), "S3same"), Vec::<PathBuf>::new());
    }
}

/// It would be a folder with the password for its name.
#[test]
fn what_is_nearly_the_url_of_a_ledger_makes_no_file() {
    let home = Home::new();
    for url in ["postgres:/ada:S3same@h/db", "POSTGRESQL:ada:S3same@h/db"] {
        for verb in [&["run", "go"][..], &["runs"], &["verify"], &["doctor"]] {
            let ended = home.run(&[verb, &["--ledger", url]].concat());
            ended.says(2, "no `//` behind its scheme", "postgres://user@host:5432");
            assert!(!ended.err.contains("S3same"), "{ended:?}");
        }
        let mut by_environment = home.command(&["run", "go"]);
        let ended = by_environment.env("THYMOS_LEDGER", url).output().unwrap();
        Ended::of(&ended).says(1, "no `//` behind its scheme", "postgres://user@host:5432");
        assert!(home.is_untouched());
        assert_eq!(names_with(&home.path(""), "S3same"), Vec::<PathBuf>::new());
    }
}

/// Files and folders below one that have this in their name.
fn names_with(folder: &Path, part: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_name().to_string_lossy().contains(part) {
            found.push(entry.path());
        }
        if entry.file_type().unwrap().is_dir() {
            found.extend(names_with(&entry.path(), part));
        }
    }
    found
}

/// A server that says this to whoever comes, and nothing more.
fn saying(words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut buffer = [0; 8];
            client.read_exact(&mut buffer).ok();
            client.write_all(words).ok();
            open.push(client);
        }
    });
    port
}

#[test]
fn a_database_that_cannot_be_used_is_told_in_one_sentence_and_left_alone() {
    let Some(database) = Database::new() else {
        return;
    };
    let home = Home::new();
    let (host, port) = database.address();
    let (user, _) = database.role();
    let says = |url: &str, words: &str, hint: &str| {
        home.run(&["runs", "--ledger", url]).says(1, words, hint);
    };
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = gone.local_addr().unwrap().port();
    drop(gone);
    says(
        &format!("postgres://{user}@127.0.0.1:{free}/log"),
        "cannot be reached",
        "see that the server runs",
    );
    let silent = saying(b"");
    says(
        &format!("postgres://{user}@127.0.0.1:{silent}/log?sslmode=disable&connect_timeout=1"),
        "no answer within 1000 ms",
        "see that the server runs",
    );
    let plain = saying(b"N");
    says(
        &format!("postgres://{user}@127.0.0.1:{plain}/log?sslmode=require"),
        "the server has no TLS, and it is asked for",
        "docs/guide/postgres.md",
    );
    says(
        &format!("postgres://{user}@{host}:{port}/no_such_log?sslmode=disable"),
        "\"no_such_log\" does not exist",
        "docs/guide/postgres.md",
    );
    says(
        &format!("postgres://{user}@{host}:{port}/x?sslrootcert=/no/such.crt&sslmode=verify-ca"),
        "/no/such.crt",
        "docs/guide/postgres.md",
    );
    database.sql("CREATE TABLE orders (id int)");
    says(
        &database.url(),
        "is not a thymos ledger",
        "name an empty database",
    );
    assert_eq!(
        database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'thymos'"),
        ["0"]
    );
    database.sql("DROP TABLE orders");
    assert!(
        home.is_untouched(),
        "nothing was made for a ledger that is not there"
    );
    // Nobody looks at a ledger that is not there; a run makes it.
    let runs = home.run(&["runs", "--ledger", &database.url()]);
    assert_eq!(runs.code, 1, "{runs:?}");
    let run = home.run(&["run", "--ledger", &database.url(), "hello"]);
    assert_eq!(run.code, 10, "{run:?}");
    database.sql(
        "ALTER TABLE thymos.log DISABLE TRIGGER ALL; UPDATE thymos.log SET format = 99; \
         ALTER TABLE thymos.log ENABLE ALWAYS TRIGGER the_log_is_kept",
    );
    says(&database.url(), "has format version 99", "newer thymos");
    let doctor = home.run(&["doctor", "--ledger", &database.url()]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.contains("format version 99"), "{doctor:?}");
}

/// The password of the one role that has one.
const PASSWORD: &str = "open-sesame-4711";

/// A home whose model says the password, writes it, passes it on, and has a child look around.
fn indiscreet() -> Home {
    let looks = "env; cat /proc/self/environ; cat $HOME/.pgpass";
    let content = format!("it is {PASSWORD}\n");
    Home::playing(&[
        json!({"calls": [
            {"tool": "shell", "args": {"command": format!("echo {PASSWORD}")}},
            {"tool": "shell", "args": {"command": looks}},
            {"tool": "fs_write", "args": {"path": "note.txt", "content": content}}]}),
        json!({"text": format!("I say {PASSWORD}")}),
    ])
}

/// Runs the program with these variables, and keeps what it printed.
struct Told<'a> {
    home: &'a Home,
    printed: Vec<String>,
}

impl Told<'_> {
    fn run(&mut self, env: &[(&str, &str)], args: &[&str]) -> Ended {
        let mut command = self.home.command(args);
        command.env("TERM", "xterm").envs(env.iter().copied());
        let ended = Ended::of(&command.output().unwrap());
        self.printed.push(format!("{args:?}: {ended:?}"));
        ended
    }

    /// A session that asks, and a yes to all of it.
    fn session(&mut self, env: &[(&str, &str)]) {
        let ended = self.run(env, &["run", "--mode", "auto", "go", "--json"]);
        assert_eq!(ended.code, 10, "{ended:?}");
        let rows = self.run(env, &["approvals", "ls", "--json"]);
        for row in rows.out.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            let part = |name: &str| row["card"][name].as_str().unwrap();
            let answer = ["approvals", "approve", part("proposal"), "--digest"];
            self.run(env, &[&answer[..], &[part("presented")]].concat());
        }
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let below = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    below
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

/// Everything that a ledger keeps, as text.
const ROWS: &str = "SELECT encode(header, 'escape') || encode(coalesce(body, ''), 'escape') \
     FROM thymos.entries UNION ALL SELECT encode(bytes, 'escape') FROM thymos.blobs \
     UNION ALL SELECT encode(note, 'escape') FROM thymos.checkpoints";

#[test]
fn r2_a_password_is_in_no_output_no_file_no_child_and_no_row() {
    let Some(database) = Database::new() else {
        return;
    };
    if !is_own() {
        return;
    }
    let (role, name) = ("thymos_with_password", database.name());
    database.sql(&format!("GRANT CREATE ON DATABASE {name} TO {role}"));
    let (host, port) = database.address();
    let url = format!("postgres://{role}@{host}:{port}/{name}?sslmode=disable");
    let full = url.replace(role, &format!("{role}:{PASSWORD}"));
    let home = indiscreet();
    let pass = |text: &str| {
        home.write("home/.pgpass", text);
        let private = Permissions::from_mode(0o600);
        fs::set_permissions(home.path("home/.pgpass"), private).unwrap();
    };
    pass("");
    let mut told = Told {
        home: &home,
        printed: Vec::new(),
    };
    let by_url = [("THYMOS_LEDGER", full.as_str())];
    let by_shell = [("THYMOS_LEDGER", url.as_str()), ("PGPASSWORD", PASSWORD)];
    told.session(&by_url);
    for args in [
        &["verify"][..],
        &["doctor"],
        &["config", "explain"],
        &["config", "path"],
        &["ledger", "--json"],
    ] {
        assert_eq!(told.run(&by_url, args).code, 0, "{args:?}");
        assert_eq!(told.run(&by_shell, args).code, 0, "{args:?}");
    }
    // With the password in every client's own file; where it is wrong; where nobody listens.
    pass(&format!("*:*:{name}:{role}:{PASSWORD}\n"));
    assert_eq!(told.run(&by_shell[..1], &["verify"]).code, 0);
    let wrong = full.replace(PASSWORD, &format!("{PASSWORD}x"));
    let ended = told.run(&[("THYMOS_LEDGER", &wrong)], &["runs"]);
    ended.says(
        1,
        "password authentication failed",
        "docs/guide/postgres.md",
    );
    let nowhere = full.replace(&format!(":{port}/"), ":1/");
    let ended = told.run(&[("THYMOS_LEDGER", &nowhere)], &["runs"]);
    ended.says(1, "cannot be reached", "server runs");

    for line in &told.printed {
        assert!(!line.contains(PASSWORD), "{line}");
    }
    pass("");
    for file in files(&home.path("home")) {
        let bytes = fs::read(&file).unwrap();
        let mut parts = bytes.windows(PASSWORD.len());
        let found = parts.any(|part| part == PASSWORD.as_bytes());
        assert!(!found, "{}", file.display());
    }
    let rows = database.sql(ROWS);
    assert!(rows.iter().any(|row| row.contains("HOME=")), "no child ran");
    assert!(rows.iter().all(|row| !row.contains(PASSWORD)));
}

/// The public key of a home's operator.
fn key_of(home: &Home) -> String {
    let rows = home.json(&["keys", "ls", "--json"]);
    rows[0]["key"].as_str().unwrap().to_owned()
}

#[test]
fn two_operators_on_one_server_answer_each_other_and_both_verify_the_record() {
    let Some((database, ada)) = at_home(&writing()) else {
        return;
    };
    let cleo = Home::playing(&[json!({"text": "hello"})]);
    let config = cleo.read("home/.config/thymos/config.toml");
    cleo.config(&format!(
        "[operator]\nname = \"cleo\"\n{config}[ledger]\npath = \"{}\"\n",
        database.url()
    ));
    for (home, name, key) in [(&ada, "cleo", key_of(&cleo)), (&cleo, "ada", key_of(&ada))] {
        assert_eq!(home.run(&["keys", "trust", name, &key]).code, 0);
    }
    assert_eq!(ada.run(&["run", "write it"]).code, 10);
    let (id, digest) = cleo.held();
    let ended = cleo.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert!(ended.out.contains("approved by cleo"), "{ended:?}");
    assert_eq!(ended.code, 0, "{ended:?}");
    let row = ada.json(&["runs", "--json"]).remove(0);
    let trajectory = row["trajectory"].as_str().unwrap();
    assert_eq!(ada.run(&["run", "--resume", trajectory]).code, 0);
    assert_eq!(ada.read("ws/out.txt"), "written\n");
    assert_eq!(cleo.run(&["run", "hi"]).code, 0);
    ada.verifies();
    cleo.verifies();
    let whole = "SELECT count(*) = max(idx) + 1 FROM thymos.entries";
    assert_eq!(database.sql(whole), ["t"]);
}

#[test]
fn l3_who_may_only_add_is_refused_to_erase_before_anything_is_recorded() {
    let Some((database, home)) = at_home(&writing()) else {
        return;
    };
    assert_eq!(home.run(&["run", "write it"]).code, 10);
    let (id, digest) = home.held();
    let answer = ["approvals", "approve", &id, "--digest", &digest];
    assert_eq!(home.run(&answer).code, 0);
    let run = home.json(&["runs", "--json"])[0]["trajectory"]
        .as_str()
        .unwrap()
        .to_owned();
    let (role, (host, port)) = (format!("{}_adds", database.name()), database.address());
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA thymos TO {role}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA thymos TO {role}; \
         GRANT INSERT ON thymos.entries, thymos.nodes, thymos.checkpoints, thymos.blobs TO {role}"
    ));
    let url = format!(
        "postgres://{role}@{host}:{port}/{}?sslmode=disable",
        database.name()
    );
    let erase = ["--ledger", &url, "erase", "--run", &run, "--reason", "r"];
    home.run(&erase)
        .says(11, "has no right to erase", "docs/guide/postgres.md");
    let orders = "SELECT count(*) FROM thymos.entries WHERE kind = 'erased'";
    assert_eq!(database.sql(orders), ["0"]);
    // Its owner may.
    assert_eq!(
        home.run(&["erase", "--run", &run, "--reason", "r"]).code,
        10
    );
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
