//! The tamper matrix `[T1]` on a ledger that the program wrote: every kind of entry, every act that
//! SQL allows, and the program's own `verify` as the judge.
//!
//! What only a remembered end of the log can show, the checkpoint file outside of it shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use thymos::config::{Env, Flags, load};
use thymos::wire::{Purpose, wire};
use thymos_core::approval::{Decision, Via};
use thymos_core::canonical::{parse, value_to_bytes};
use thymos_core::checkpoint::{Checkpoint, SignedCheckpoint};
use thymos_core::key::SigningKey;
use thymos_core::merkle::{Frontier, KEPT_LEVEL_MIN, leaf};
use thymos_core::writ::Mode;
use thymos_core::{EntryId, Kind, TrajectoryId};
use thymos_protocol::{Answer, Command, Replied};

use crate::cli::home::{Ended, Home, unguarded, until};
use crate::flow::rig::Desk;
use crate::whole::whole;

/// A ledger of two trajectories: what is asked, decided and done in them, and settled after a crash.
pub(crate) fn every_kind() -> Home {
    let wait = json!({"tool": "shell", "args": {"command": "echo x >> marks; sleep 60; echo y"}});
    let home = Home::playing(&[
        json!({"calls": [wait]}),
        json!({"calls": [
            {"tool": "list_files", "args": {}},
            {"tool": "memory_write", "args": {"key": "a", "text": "b"}},
            {"tool": "shell", "args": {"command": "sleep 60", "timeout_ms": 100}},
            {"tool": "fs_write", "args": {"path": "a.txt", "content": "a"}},
        ]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "one"]).code, 10);
    let (id, digest) = home.held();
    let mut killed = home.start(&["approvals", "approve", &id, "--digest", &digest]);
    until("a mark", || !home.read("ws/marks").is_empty());
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(home.run(&["settle", &id, "--as", "unknown"]).code, 0);
    let row = home.json(&["runs", "--json"]).remove(0);
    let trajectory = row["trajectory"].as_str().unwrap();
    let resumed = home.run(&["run", "--resume", trajectory, "two"]);
    assert_eq!(resumed.code, 10, "{resumed:?}");
    let (id, digest) = home.held();
    let overrun = home.run(&["approvals", "approve", &id, "--digest", &digest]);
    assert!(overrun.out.contains("timed out"), "{overrun:?}");
    edit_and_narrow(&home, trajectory.parse().unwrap());
    assert_eq!(home.run(&["run", "another"]).code, 10);
    assert_eq!(home.json(&["runs", "--json"]).len(), 2);
    home
}

/// What only the screen asks for: another version of a held call, and a narrower mode.
fn edit_and_narrow(home: &Home, trajectory: TrajectoryId) {
    let folder = home.path("home").display().to_string();
    let env = Env::of(&[
        ("HOME", &folder),
        ("PATH", "/usr/bin:/bin"),
        ("USER", "ada"),
    ]);
    let config = load(&env, &Flags::default()).unwrap();
    let wired = wire(&env, &config, &home.path("ws"), Purpose::App).unwrap();
    let mut desk = Desk::over(wired.link, wired.served);
    wired.runtime.block_on(async {
        let Replied::Holds(rows) = desk.ask(Command::Holds).await else {
            panic!("no holds")
        };
        let edit = Command::Edit {
            trajectory,
            proposal: rows[0].card.proposal,
            args: json!({"path": "b.txt", "content": "b"}),
        };
        assert_eq!(desk.ask(edit).await, Replied::Accepted);
        // The session answers in order: once it has answered this, the new call is decided.
        assert!(matches!(
            desk.ask(Command::Open { trajectory }).await,
            Replied::Opened(_)
        ));
        let Replied::Holds(rows) = desk.ask(Command::Holds).await else {
            panic!("no holds")
        };
        let row = rows.into_iter().find(|row| row.card.line.contains("b.txt"));
        let card = row.expect("the new version is held").card;
        let answer = Command::Answer(Answer {
            trajectory,
            proposal: card.proposal,
            presented: card.presented,
            decision: Decision::Approve,
            reason: String::new(),
            via: Via::Tui,
            fully_viewed: true,
            scope: None,
            signed: None,
        });
        assert_eq!(desk.ask(answer).await, Replied::Accepted);
        let narrow = Command::SetMode {
            trajectory,
            mode: Mode::Plan,
        };
        assert_eq!(desk.ask(narrow).await, Replied::Accepted);
        assert_eq!(desk.ask(Command::Shutdown).await, Replied::Accepted);
    });
}

/// One act of tampering, and the indexes of which a finding must name one.
struct Tampering {
    name: String,
    at: Vec<u64>,
    act: Box<dyn Fn(&Connection)>,
}

impl Tampering {
    fn new(name: &str, at: Vec<u64>, act: impl Fn(&Connection) + 'static) -> Self {
        Self {
            name: name.to_owned(),
            at,
            act: Box::new(act),
        }
    }

    fn sql(name: &str, at: u64, sql: String) -> Self {
        Self::new(name, vec![at, at + 1], move |c| {
            c.execute_batch(&sql).unwrap();
        })
    }

    /// Does it. The triggers and the index are dropped first, as anybody could, and put back, so that only
    /// the rows can tell; the index as the rows allow it.
    fn act(&self, path: &Path) {
        unguarded(path, |connection| {
            let relax = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
                         DROP INDEX entries_by_trajectory;";
            connection.execute_batch(relax).unwrap();
            (self.act)(connection);
            let index = "INDEX entries_by_trajectory ON entries (trajectory, seq)";
            connection
                .execute_batch(&format!("CREATE UNIQUE {index}"))
                .or_else(|_| connection.execute_batch(&format!("CREATE {index}")))
                .unwrap();
        });
    }
}

/// The matrix for a log whose kinds are these; `m` is a sealed call in its middle, `foreign` the
/// first entry of the other trajectory.
fn matrix(kinds: &[String], m: u64, foreign: u64) -> Vec<Tampering> {
    let len = kinds.len() as u64;
    let mut all: Vec<Tampering> = deletions(kinds);
    all.extend(of_rows(m, foreign, len));
    all.extend(of_columns(m, foreign));
    all.extend(of_headers(m, len));
    all.extend(of_content(m));
    all.extend(of_proofs());
    all
}

/// What stands beside the entries to prove them.
fn of_proofs() -> Vec<Tampering> {
    let first = "(SELECT min(size) FROM checkpoints)";
    let at_first = |c: &Connection| -> i64 {
        c.query_row("SELECT min(size) FROM checkpoints", [], |row| row.get(0))
            .unwrap()
    };
    vec![
        Tampering::sql(
            "replace a subtree",
            15,
            "UPDATE nodes SET hash = zeroblob(32) WHERE ends = 16 AND level = 4".into(),
        ),
        Tampering::sql(
            "drop a subtree",
            15,
            "DELETE FROM nodes WHERE ends = 16".into(),
        ),
        Tampering::sql(
            "drop a checkpoint",
            0,
            format!("DELETE FROM checkpoints WHERE size = {first}"),
        ),
        Tampering::new(
            "re-sign a checkpoint with another key",
            Vec::new(),
            move |c| {
                let size = at_first(c).unsigned_abs();
                let sql = "SELECT note FROM checkpoints WHERE size = ?1";
                let note: String = c
                    .query_row(sql, [size.cast_signed()], |row| row.get(0))
                    .unwrap();
                let said = SignedCheckpoint::parse(&note).unwrap().checkpoint;
                let forged = said.sign(&SigningKey::from_seed(&[66; 32]));
                let sql = "UPDATE checkpoints SET note = ?2 WHERE size = ?1";
                c.execute(sql, params![size.cast_signed(), forged.note()])
                    .unwrap();
            },
        ),
    ]
}

fn deletions(kinds: &[String]) -> Vec<Tampering> {
    let mut seen = BTreeSet::new();
    (0_u64..)
        .zip(kinds)
        .filter(|(_, kind)| seen.insert((*kind).clone()))
        .map(|(index, kind)| {
            let sql = format!("DELETE FROM entries WHERE idx = {index}");
            Tampering::sql(&format!("delete the first {kind}"), index, sql)
        })
        .collect()
}

fn of_rows(m: u64, foreign: u64, len: u64) -> Vec<Tampering> {
    let (last, next) = (len - 1, m + 1);
    vec![
        Tampering::sql(
            "cut the tail",
            last,
            format!("DELETE FROM entries WHERE idx = {last}"),
        ),
        Tampering::sql(
            "cut ten, with all that would tell",
            len - 10,
            format!(
                "DELETE FROM entries WHERE idx >= {0};
                 DELETE FROM nodes WHERE ends > {0};
                 DELETE FROM checkpoints WHERE size > {0}",
                len - 10
            ),
        ),
        Tampering::sql(
            "delete a trajectory",
            foreign,
            "DELETE FROM entries WHERE trajectory =
             (SELECT trajectory FROM entries WHERE idx = 0)"
                .into(),
        ),
        Tampering::sql(
            "swap two neighbours by index",
            m,
            format!(
                "UPDATE entries SET idx = 100000 WHERE idx = {m};
                 UPDATE entries SET idx = {m} WHERE idx = {next};
                 UPDATE entries SET idx = {next} WHERE idx = 100000;"
            ),
        ),
        Tampering::new("swap two neighbours by content", vec![m, next], move |c| {
            let (one, two) = (Row::read(c, m), Row::read(c, next));
            one.write(c, next);
            two.write(c, m);
        }),
        Tampering::sql(
            "duplicate one at the end",
            len,
            format!(
                "INSERT INTO entries SELECT {len}, trajectory, seq, kind, at_ms, id_head, header,
                 salt, body FROM entries WHERE idx = {m}"
            ),
        ),
    ]
}

fn of_columns(m: u64, foreign: u64) -> Vec<Tampering> {
    let set = |name: &str, change: &str| {
        Tampering::sql(
            name,
            m,
            format!("UPDATE entries SET {change} WHERE idx = {m}"),
        )
    };
    vec![
        set("renumber seq", "seq = 9999"),
        Tampering {
            at: vec![m, 9_999],
            ..set("renumber index", "idx = 9999")
        },
        set(
            "move to another trajectory",
            &format!(
                "trajectory = (SELECT trajectory FROM entries WHERE idx = {foreign}), seq = 9999"
            ),
        ),
        set("move to no trajectory", "trajectory = 77"),
        set("relabel", "kind = 'usage'"),
        set("redate", "at_ms = 5"),
        set("misfile the id", "id_head = 5"),
    ]
}

// By somebody careful, who makes every column agree with the forged header.
fn of_headers(m: u64, len: u64) -> Vec<Tampering> {
    let forged = |name: &str, field: &'static str, value: Value| {
        Tampering::new(name, vec![m, m + 1], move |c| {
            let mut row = Row::read(c, m);
            row.set(field, value.clone());
            row.write(c, m);
        })
    };
    let other = EntryId::of(b"other").to_string();
    vec![
        forged("forge prev", "prev", other.clone().into()),
        forged("forge seq", "seq", 9_999.into()),
        forged("forge index", "index", 9_999.into()),
        forged("forge trajectory", "trajectory", other.clone().into()),
        forged("forge log", "log", other.into()),
        forged("forge kind", "kind", "usage".into()),
        forged("forge time", "at_ms", 5.into()),
        forged(
            "forge writer",
            "writer",
            format!("ed25519:{}", "09".repeat(32)).into(),
        ),
        Tampering::new("change one header byte", vec![m], move |c| {
            let mut row = Row::read(c, m);
            row.header[30] ^= 1;
            row.write(c, m);
        }),
        // Found where something rests on an entry by its id: a seal, an approval.
        Tampering::new(
            "rewrite every hash after a change",
            (m..len).collect(),
            move |c| rewrite(c, m, len),
        ),
        Tampering::new(
            "rewrite every hash, the tree and a checkpoint, with a key of one's own",
            Vec::new(),
            move |c| {
                rewrite(c, m, len);
                grow_anew(c, len);
                sign_anew(c, len);
            },
        ),
        Tampering::new("rewrite the newest entry", vec![len - 1], move |c| {
            let mut row = Row::read(c, len - 1);
            row.set("at_ms", 5.into());
            row.write(c, len - 1);
        }),
    ]
}

fn of_content(m: u64) -> Vec<Tampering> {
    let set = |name: &str, change: String| {
        Tampering::sql(
            name,
            m,
            format!("UPDATE entries SET {change} WHERE idx = {m}"),
        )
    };
    let of = |columns: &str| format!("(SELECT {columns} FROM entries WHERE idx = {})", m + 1);
    vec![
        Tampering::new("change one body byte", vec![m], move |c| {
            let mut row = Row::read(c, m);
            row.body.as_mut().unwrap()[5] ^= 1;
            row.write(c, m);
        }),
        set(
            "replace a body with another",
            format!("body = {}", of("body")),
        ),
        set(
            "replace body and salt",
            format!("(body, salt) = {}", of("body, salt")),
        ),
        set("lose the salt", "salt = NULL".into()),
        set("lose the body", "body = NULL".into()),
        set("shorten the salt", "salt = x'00'".into()),
        set("empty the header", "header = x''".into()),
    ]
}

/// Changes an entry, and every link behind it in its trajectory.
fn rewrite(c: &Connection, m: u64, len: u64) {
    let mut row = Row::read(c, m);
    row.set("at_ms", 5.into());
    row.write(c, m);
    let trajectory = row.field("trajectory");
    for index in m + 1..len {
        let mut next = Row::read(c, index);
        if next.field("trajectory") != trajectory {
            continue;
        }
        next.set("prev", row.id().to_string().into());
        next.write(c, index);
        row = next;
    }
}

/// The tree as it would be over these entries.
fn grow_anew(c: &Connection, len: u64) {
    c.execute("DELETE FROM nodes", []).unwrap();
    let mut tree = Frontier::new();
    for index in 0..len {
        tree.push(leaf(Row::read(c, index).id().as_bytes()), |node, hash| {
            if node.level >= KEPT_LEVEL_MIN {
                let sql = "INSERT INTO nodes (ends, level, hash) VALUES (?1, ?2, ?3)";
                let values = params![node.end.cast_signed(), node.level, hash.as_bytes()];
                c.execute(sql, values).unwrap();
            }
        });
    }
}

/// Every checkpoint as it would be over these entries, by somebody who has not the key of the log.
fn sign_anew(c: &Connection, len: u64) {
    let log = Row::read(c, 0).field("log");
    let log = log.as_str().unwrap().parse().unwrap();
    let mut tree = Frontier::new();
    for index in 0..len {
        tree.push(leaf(Row::read(c, index).id().as_bytes()), |_, _| {});
        let (size, root) = (tree.size(), tree.root());
        let note = Checkpoint { log, size, root }.sign(&SigningKey::from_seed(&[66; 32]));
        let sql = "UPDATE checkpoints SET note = ?2 WHERE size = ?1";
        c.execute(sql, params![size.cast_signed(), note.note()])
            .unwrap();
    }
}

/// The stored bytes of one entry; of one that was erased from, the header alone.
struct Row {
    header: Vec<u8>,
    salt: Option<Vec<u8>>,
    body: Option<Vec<u8>>,
}

impl Row {
    fn read(connection: &Connection, index: u64) -> Self {
        let sql = "SELECT header, salt, body FROM entries WHERE idx = ?1";
        connection
            .query_row(sql, [index.cast_signed()], |row| {
                Ok(Self {
                    header: row.get(0)?,
                    salt: row.get(1)?,
                    body: row.get(2)?,
                })
            })
            .unwrap()
    }

    fn field(&self, name: &str) -> Value {
        parse(&self.header).unwrap()[name].clone()
    }

    fn set(&mut self, field: &str, value: Value) {
        let mut header = parse(&self.header).unwrap();
        header[field] = value;
        self.header = value_to_bytes(&header).unwrap().into_vec();
    }

    fn id(&self) -> EntryId {
        EntryId::of(&self.header)
    }

    /// Writes the bytes, and the columns as the header has them where it can be read.
    fn write(&self, connection: &Connection, index: u64) {
        let index = index.cast_signed();
        let bytes = "UPDATE entries SET header = ?2, salt = ?3, body = ?4 WHERE idx = ?1";
        connection
            .execute(bytes, params![index, self.header, self.salt, self.body])
            .unwrap();
        let Ok(header) = parse(&self.header) else {
            return;
        };
        let id = self.id();
        let head = i64::from_be_bytes(id.as_bytes()[..8].try_into().unwrap()) ^ i64::MIN;
        let trajectory: TrajectoryId = header["trajectory"].as_str().unwrap().parse().unwrap();
        let known = "INSERT INTO trajectories (id) VALUES (?1) ON CONFLICT DO NOTHING";
        connection.execute(known, [trajectory.as_bytes()]).unwrap();
        let columns = "UPDATE entries SET seq = ?2, kind = ?3, at_ms = ?4, id_head = ?5,
             trajectory = (SELECT number FROM trajectories WHERE id = ?6) WHERE idx = ?1";
        let (seq, kind) = (header["seq"].as_i64(), header["kind"].as_str());
        let at = header["at_ms"].as_i64();
        let values = params![index, seq, kind, at, head, trajectory.as_bytes()];
        connection.execute(columns, values).unwrap();
    }
}

#[test]
fn t1_every_act_of_tampering_is_found_and_located_and_never_called_verified() {
    let home = whole();
    erase_words(&home);
    // What comes behind the end of the last run is under the next checkpoint only.
    assert_eq!(home.run(&["checkpoint", "make"]).code, 0);
    home.verifies();
    let entries = home.entries();
    let kinds: Vec<String> = entries.iter().map(|e| e.header.kind.clone()).collect();
    let written: BTreeSet<&str> = kinds.iter().map(String::as_str).collect();
    let all: BTreeSet<&str> = Kind::ALL.into_iter().map(Kind::word).collect();
    assert_eq!(written, all);
    let m = kinds.iter().position(|kind| kind == "reconciled").unwrap() as u64;
    let roots = kinds.iter().enumerate().filter(|(_, kind)| *kind == "root");
    let foreign = roots.map(|(at, _)| at as u64).nth(1).unwrap();
    let copy = home.path("copy.db");
    settled(&home);
    let first = first_checkpoint(&home.ledger());
    for mut tampering in matrix(&kinds, m, foreign) {
        if tampering.at.is_empty() || tampering.name.contains("a checkpoint") {
            tampering.at = vec![first - 1];
        }
        let name = &tampering.name;
        for suffix in ["-wal", "-shm", "-bell"] {
            drop(fs::remove_file(home.path(&format!("copy.db{suffix}"))));
        }
        fs::copy(home.ledger(), &copy).unwrap();
        tampering.act(&copy);
        let path = copy.display().to_string();
        let ended = home.run(&["verify", "--ledger", &path, "--json"]);
        assert_eq!(ended.code, 13, "{name}: {ended:?}");
        let located = located(&ended);
        assert!(
            tampering.at.iter().any(|at| located.contains(at)),
            "{name}: {ended:?}"
        );
        let told = home.run(&["verify", "--ledger", &path]);
        let opens = told.out.starts_with("NOT verified: ");
        assert!(
            opens || told.err.contains("is corrupt at"),
            "{name}: {told:?}"
        );
        assert!(!told.out.starts_with("verified"), "{name}: {told:?}");
    }
}

/// Destroys the first words of the newest run that may be erased from: the one kind of entry that no run
/// writes.
fn erase_words(home: &Home) {
    let runs = home.json(&["runs", "--json"]);
    let places = runs.iter().filter_map(|run| {
        let run = run["trajectory"].as_str().unwrap();
        let said = home.json(&["ledger", "kind:message", "--run", run, "--json"]);
        Some(format!("{run}#{}", said.first()?["seq"]))
    });
    let mut plans = places.map(|place| {
        let plan = home.json(&[
            "erase",
            &place,
            "--reason",
            "asked for",
            "--dry-run",
            "--json",
        ]);
        (place, plan)
    });
    let (place, plan) = plans.find(|(_, plan)| !plan.is_empty()).unwrap();
    let digest = plan[0]["digest"].as_str().unwrap();
    let word = ["--reason", "asked for", "--yes", "--plan-digest", digest];
    let erased = home.run(&[&["erase", &place], &word[..]].concat());
    assert_eq!(erased.code, 0, "{erased:?}");
}

/// A copy of a ledger, with nothing left beside it.
fn settled(home: &Home) {
    let connection = Connection::open(home.ledger()).unwrap();
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    connection.execute_batch(sql).unwrap();
}

#[test]
fn t1_a_tail_that_was_cut_before_any_kind_is_found_against_the_checkpoint_outside() {
    let home = whole();
    // A share that is closed behind the end of its run is covered by the next one only.
    assert_eq!(home.run(&["checkpoint", "make"]).code, 0);
    settled(&home);
    let kinds: Vec<String> = home.entries().into_iter().map(|e| e.header.kind).collect();
    let mut seen = BTreeSet::new();
    let copy = home.path("copy.db");
    // The last of each kind, so that as little as may be is gone with it.
    for (at, kind) in kinds.iter().enumerate().rev() {
        let index = at as u64;
        if !seen.insert(kind.clone()) {
            continue;
        }
        for suffix in ["", "-wal", "-shm", "-bell"] {
            drop(fs::remove_file(home.path(&format!("copy.db{suffix}"))));
        }
        fs::copy(home.ledger(), &copy).unwrap();
        let cut = Tampering::sql(
            kind,
            index,
            format!(
                "DELETE FROM entries WHERE idx >= {index};
                 DELETE FROM nodes WHERE ends > {index};
                 DELETE FROM checkpoints WHERE size > {index};
                 DELETE FROM trajectories WHERE number NOT IN (SELECT trajectory FROM entries);"
            ),
        );
        cut.act(&copy);
        let path = copy.display().to_string();
        let ended = home.run(&["verify", "--ledger", &path, "--json"]);
        assert_eq!(ended.code, 13, "{kind}: {ended:?}");
        assert_eq!(located(&ended), [index], "{kind}: {ended:?}");
        assert!(
            ended.out.contains("the ledger is older"),
            "{kind}: {ended:?}"
        );
    }
    assert_eq!(seen.len(), Kind::ALL.len() - 1, "all but `erased`");
}

/// Entries under the oldest checkpoint of a ledger.
fn first_checkpoint(ledger: &Path) -> u64 {
    let connection = Connection::open(ledger).unwrap();
    let sql = "SELECT min(size) FROM checkpoints";
    let size: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    size.unsigned_abs()
}

/// Indexes that the report names, or the sentence of a ledger that cannot even be opened.
fn located(ended: &Ended) -> Vec<u64> {
    let report: Value = serde_json::from_str(&ended.out).unwrap_or_default();
    let Some(findings) = report["findings"].as_array() else {
        let behind = ended.err.split("at index ").nth(1).unwrap_or_default();
        let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
        return digits.parse().into_iter().collect();
    };
    let index = |finding: &Value| finding["index"].as_u64();
    findings.iter().filter_map(index).collect()
}
