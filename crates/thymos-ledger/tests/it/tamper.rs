//! The tamper matrix as operations: what somebody with SQL and no key may do to a ledger file.
//!
//! Each names itself and the index at which a check must point. It expects the ledger of
//! `support::fill_with_every_kind`; it checks nothing itself, so any verifier can be put to it.

use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::Value;
use thymos_core::canonical::{parse, value_to_bytes};
use thymos_core::{EntryId, Kind};

/// One act of tampering.
pub(crate) struct Tampering {
    pub(crate) name: String,
    /// An index that the finding must name.
    pub(crate) at: u64,
    /// Whether only somebody who remembers the log's end can see it.
    pub(crate) needs_memory: bool,
    act: Box<dyn Fn(&Connection)>,
}

impl Tampering {
    /// Does it. The triggers are dropped first, as anybody could.
    pub(crate) fn act(&self, path: &Path) {
        let connection = Connection::open(path).unwrap();
        let triggers: Vec<String> = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for trigger in triggers {
            connection
                .execute_batch(&format!("DROP TRIGGER {trigger}"))
                .unwrap();
        }
        connection
            .execute_batch(
                "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
                 DROP INDEX entries_by_trajectory;",
            )
            .unwrap();
        (self.act)(&connection);
        connection
            .execute_batch("CREATE INDEX entries_by_trajectory ON entries (trajectory, seq)")
            .unwrap();
    }

    fn new(name: &str, at: u64, act: impl Fn(&Connection) + 'static) -> Self {
        Self {
            name: name.to_owned(),
            at,
            needs_memory: false,
            act: Box::new(act),
        }
    }

    fn sql(name: &str, at: u64, sql: &'static str) -> Self {
        Self::new(name, at, move |connection| {
            connection.execute_batch(sql).unwrap();
        })
    }

    fn with_memory(mut self) -> Self {
        self.needs_memory = true;
        self
    }
}

pub(crate) fn all() -> Vec<Tampering> {
    let mut all: Vec<Tampering> = (0..)
        .zip(Kind::ALL)
        .map(|(n, kind)| deletion(n, kind))
        .collect();
    all.extend(of_rows());
    all.extend(of_columns());
    all.extend(of_headers());
    all.extend(of_content());
    all
}

fn deletion(number: u64, kind: Kind) -> Tampering {
    let index = number * 2;
    Tampering::new(&format!("delete the {kind}"), index, move |connection| {
        connection
            .execute("DELETE FROM entries WHERE idx = ?1", [index as i64])
            .unwrap();
    })
}

fn of_rows() -> Vec<Tampering> {
    vec![
        Tampering::sql("cut the tail", 47, "DELETE FROM entries WHERE idx = 47").with_memory(),
        Tampering::sql("cut ten", 47, "DELETE FROM entries WHERE idx >= 38").with_memory(),
        Tampering::sql(
            "delete a trajectory",
            1,
            "DELETE FROM entries WHERE trajectory =
             (SELECT trajectory FROM entries WHERE idx = 1)",
        ),
        Tampering::sql(
            "swap two neighbours by index",
            10,
            "UPDATE entries SET idx = 1000 WHERE idx = 10;
             UPDATE entries SET idx = 10 WHERE idx = 11;
             UPDATE entries SET idx = 11 WHERE idx = 1000;",
        ),
        Tampering::new("swap two neighbours by content", 10, |connection| {
            let (ten, twelve) = (Row::read(connection, 10), Row::read(connection, 12));
            ten.write(connection, 12);
            twelve.write(connection, 10);
        }),
        Tampering::sql(
            "duplicate one at the end",
            48,
            "INSERT INTO entries SELECT 48, trajectory, seq, kind, at_ms, id_head, header, salt,
             body FROM entries WHERE idx = 20",
        ),
        Tampering::new(
            "duplicate one with its columns made right",
            48,
            |connection| {
                let mut row = Row::read(connection, 47);
                row.set("index", 48.into());
                row.insert(connection, 48);
            },
        ),
    ]
}

fn of_columns() -> Vec<Tampering> {
    vec![
        Tampering::sql(
            "renumber seq",
            20,
            "UPDATE entries SET seq = 99 WHERE idx = 20",
        ),
        Tampering::sql(
            "renumber index",
            20,
            "UPDATE entries SET idx = 99 WHERE idx = 20",
        ),
        Tampering::sql(
            "make the index negative",
            0,
            "UPDATE entries SET idx = -1 WHERE idx = 0",
        ),
        Tampering::sql(
            "move to another trajectory",
            20,
            "UPDATE entries SET trajectory = (SELECT trajectory FROM entries WHERE idx = 1),
             seq = 99 WHERE idx = 20",
        ),
        Tampering::sql(
            "move to no trajectory",
            20,
            "UPDATE entries SET trajectory = 77 WHERE idx = 20",
        ),
        Tampering::sql(
            "relabel",
            20,
            "UPDATE entries SET kind = 'usage' WHERE idx = 20",
        ),
        Tampering::sql("redate", 20, "UPDATE entries SET at_ms = 5 WHERE idx = 20"),
        Tampering::sql(
            "misfile the id",
            20,
            "UPDATE entries SET id_head = 5 WHERE idx = 20",
        ),
    ]
}

// Each by somebody careful, who makes every column agree with the forged header: the entry that
// follows in the trajectory still names the id of the true one.
fn of_headers() -> Vec<Tampering> {
    let forged = |name: &str, field: &'static str, value: Value| {
        Tampering::new(name, 22, move |connection| {
            let mut row = Row::read(connection, 20);
            row.set(field, value.clone());
            row.write(connection, 20);
        })
    };
    let other = EntryId::of(b"other").to_string();
    vec![
        Tampering {
            at: 20,
            ..forged("forge prev", "prev", other.clone().into())
        },
        Tampering {
            at: 20,
            ..forged("forge seq", "seq", 11.into())
        },
        Tampering {
            at: 20,
            ..forged("forge index", "index", 21.into())
        },
        Tampering {
            at: 20,
            ..forged("forge trajectory", "trajectory", other.clone().into())
        },
        Tampering {
            at: 20,
            ..forged("forge log", "log", other.into())
        },
        forged("forge kind", "kind", "usage".into()),
        forged("forge time", "at_ms", 5.into()),
        forged(
            "forge writer",
            "writer",
            format!("ed25519:{}", "09".repeat(32)).into(),
        ),
        Tampering::new("change one header byte", 20, |connection| {
            let mut row = Row::read(connection, 20);
            row.header[30] ^= 1;
            row.write(connection, 20);
        }),
        Tampering::new("rewrite every hash after a change", 47, |connection| {
            let mut row = Row::read(connection, 21);
            row.set("at_ms", 5.into());
            row.write(connection, 21);
            for index in (23..48).step_by(2) {
                let prev = row.id().to_string();
                row = Row::read(connection, index);
                row.set("prev", prev.into());
                row.write(connection, index);
            }
        })
        .with_memory(),
    ]
}

fn of_content() -> Vec<Tampering> {
    vec![
        Tampering::new("change one body byte", 20, |connection| {
            let mut row = Row::read(connection, 20);
            row.body[5] ^= 1;
            row.write(connection, 20);
        }),
        Tampering::sql(
            "replace a body with another valid one",
            20,
            "UPDATE entries SET body = (SELECT body FROM entries WHERE idx = 22) WHERE idx = 20",
        ),
        Tampering::sql(
            "replace body and salt with another's",
            20,
            "UPDATE entries SET (body, salt) =
             (SELECT body, salt FROM entries WHERE idx = 22) WHERE idx = 20",
        ),
        Tampering::sql(
            "lose the salt",
            20,
            "UPDATE entries SET salt = NULL WHERE idx = 20",
        ),
        Tampering::sql(
            "lose the body",
            20,
            "UPDATE entries SET body = NULL WHERE idx = 20",
        ),
        Tampering::sql(
            "shorten the salt",
            20,
            "UPDATE entries SET salt = x'00' WHERE idx = 20",
        ),
        Tampering::sql(
            "empty the header",
            20,
            "UPDATE entries SET header = x'' WHERE idx = 20",
        ),
    ]
}

/// The stored bytes of one entry.
struct Row {
    header: Vec<u8>,
    salt: Vec<u8>,
    body: Vec<u8>,
}

impl Row {
    fn read(connection: &Connection, index: i64) -> Self {
        connection
            .query_row(
                "SELECT header, salt, body FROM entries WHERE idx = ?1",
                [index],
                |row| {
                    Ok(Self {
                        header: row.get(0)?,
                        salt: row.get(1)?,
                        body: row.get(2)?,
                    })
                },
            )
            .unwrap()
    }

    fn set(&mut self, field: &str, value: Value) {
        let mut header = parse(&self.header).unwrap();
        header[field] = value;
        self.header = value_to_bytes(&header).unwrap().into_vec();
    }

    fn id(&self) -> EntryId {
        EntryId::of(&self.header)
    }

    fn insert(&self, connection: &Connection, index: i64) {
        connection
            .execute(
                "INSERT INTO entries SELECT ?1, trajectory, seq, kind, at_ms, 0, header, salt, body
                 FROM entries WHERE idx = 0",
                [index],
            )
            .unwrap();
        self.write(connection, index);
    }

    /// Writes the bytes, and the columns as the header has them where it can be read.
    fn write(&self, connection: &Connection, index: i64) {
        connection
            .execute(
                "UPDATE entries SET header = ?2, salt = ?3, body = ?4 WHERE idx = ?1",
                params![index, self.header, self.salt, self.body],
            )
            .unwrap();
        let Ok(header) = parse(&self.header) else {
            return;
        };
        let id = self.id();
        let head = i64::from_be_bytes(id.as_bytes()[..8].try_into().unwrap()) ^ i64::MIN;
        let trajectory: thymos_core::TrajectoryId =
            header["trajectory"].as_str().unwrap().parse().unwrap();
        connection
            .execute(
                "INSERT INTO trajectories (id) VALUES (?1) ON CONFLICT DO NOTHING",
                [trajectory.as_bytes()],
            )
            .unwrap();
        connection
            .execute(
                "UPDATE entries SET seq = ?2, kind = ?3, at_ms = ?4, id_head = ?5,
                 trajectory = (SELECT number FROM trajectories WHERE id = ?6) WHERE idx = ?1",
                params![
                    index,
                    header["seq"].as_i64(),
                    header["kind"].as_str(),
                    header["at_ms"].as_i64(),
                    head,
                    trajectory.as_bytes(),
                ],
            )
            .unwrap();
    }
}
