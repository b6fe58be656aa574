//! The tables of a ledger on PostgreSQL, in one text, and what a sound one has. Runs nothing.
//!
//! Everything stands in one schema, and every statement names it, so that no `search_path` leads
//! elsewhere. The columns beside `header`, `salt` and `body` are indexes: never believed `[L1]`.

/// What the row in `thymos.log` says the schema is: the same number that a file carries.
pub(crate) const APPLICATION: i32 = 0x5468_796d;

/// The format that this program writes, and the newest it reads `[L13]`.
pub(crate) const FORMAT: i32 = 1;

/// The two numbers of the advisory lock under which the log grows: one order, one writer at a time.
/// Leases use the other key space, of one number of 64 bits.
pub(crate) const ORDER_LOCK: (i32, i32) = (APPLICATION, 1);

/// Where writers tell that the log grew.
pub(crate) const CHANNEL: &str = "thymos_ledger";

/// Made in one transaction, so that there is all of it or nothing.
pub(crate) const TABLES: &str = "
CREATE SCHEMA IF NOT EXISTS thymos;

CREATE TABLE thymos.log (
    one int4 PRIMARY KEY CHECK (one = 1),
    application int4 NOT NULL,
    format int4 NOT NULL,
    id bytea NOT NULL CHECK (octet_length(id) = 32)
);

CREATE TABLE thymos.entries (
    idx int8 PRIMARY KEY CHECK (idx >= 0),
    trajectory bytea NOT NULL CHECK (octet_length(trajectory) = 32),
    seq int8 NOT NULL CHECK (seq >= 0),
    kind bytea NOT NULL,
    at_ms int8 NOT NULL,
    id bytea NOT NULL CHECK (octet_length(id) = 32),
    header bytea NOT NULL,
    salt bytea,
    body bytea,
    CONSTRAINT entries_by_trajectory UNIQUE (trajectory, seq),
    CONSTRAINT entries_by_id UNIQUE (id)
);

CREATE TABLE thymos.nodes (
    ends int8 NOT NULL CHECK (ends > 0),
    level int4 NOT NULL CHECK (level >= 4),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (ends, level)
);

CREATE TABLE thymos.checkpoints (
    size int8 PRIMARY KEY CHECK (size > 0),
    note bytea NOT NULL
);

CREATE TABLE thymos.blobs (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    size int8 NOT NULL,
    packed bool NOT NULL,
    bytes bytea NOT NULL
);
ALTER TABLE thymos.blobs ALTER COLUMN bytes SET STORAGE EXTERNAL;
";

/// A function that triggers call, and its text, which a check compares.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// What refuses changes.
pub(crate) const FUNCTIONS: [Function; 2] = [
    Function {
        name: "refuse",
        text: " BEGIN RAISE EXCEPTION 'the ledger only grows'; END ",
    },
    Function {
        name: "only_erase",
        text: " BEGIN \
            IF NEW.salt IS NULL AND NEW.body IS NULL AND NEW.idx = OLD.idx \
                AND NEW.trajectory = OLD.trajectory AND NEW.seq = OLD.seq AND NEW.kind = OLD.kind \
                AND NEW.at_ms = OLD.at_ms AND NEW.id = OLD.id AND NEW.header = OLD.header \
            THEN RETURN NEW; END IF; \
            RAISE EXCEPTION 'an entry is never rewritten, only erased'; END ",
    },
];

/// A trigger: its table, its name, when it fires as `pg_trigger.tgtype` says it, and what it calls.
pub(crate) struct Trigger {
    pub(crate) table: &'static str,
    pub(crate) name: &'static str,
    pub(crate) fires: i16,
    pub(crate) calls: &'static str,
}

const ROW: i16 = 1;
const BEFORE: i16 = 2;
const DELETE: i16 = 8;
const UPDATE: i16 = 16;
const TRUNCATE: i16 = 32;

const fn kept(table: &'static str, name: &'static str) -> Trigger {
    Trigger {
        table,
        name,
        fires: BEFORE | DELETE | UPDATE | TRUNCATE,
        calls: "refuse",
    }
}

/// Every trigger there is, and no other.
pub(crate) const TRIGGERS: [Trigger; 6] = [
    kept("log", "the_log_is_kept"),
    kept("nodes", "the_tree_only_grows"),
    kept("checkpoints", "checkpoints_are_kept"),
    kept("blobs", "blobs_are_kept"),
    Trigger {
        table: "entries",
        name: "entries_are_not_deleted",
        fires: BEFORE | DELETE | TRUNCATE,
        calls: "refuse",
    },
    Trigger {
        table: "entries",
        name: "entries_are_not_rewritten",
        fires: ROW | BEFORE | UPDATE,
        calls: "only_erase",
    },
];

/// The tables, each with the unique indexes that keep two writers from one place.
pub(crate) const UNIQUE: [(&str, i64); 5] = [
    ("log", 1),
    ("entries", 3),
    ("nodes", 1),
    ("checkpoints", 1),
    ("blobs", 1),
];

/// The statements that make functions and triggers. `ALWAYS`, so that a session in replication mode
/// is refused too.
pub(crate) fn guards() -> String {
    let mut text = String::new();
    for Function { name, text: body } in FUNCTIONS {
        text.push_str(&format!(
            "CREATE FUNCTION thymos.{name}() RETURNS trigger LANGUAGE plpgsql \
             SET search_path = pg_catalog, pg_temp AS $${body}$$;\n"
        ));
    }
    for trigger in TRIGGERS {
        let Trigger {
            table, name, calls, ..
        } = trigger;
        let words = [
            (DELETE, "DELETE"),
            (UPDATE, "UPDATE"),
            (TRUNCATE, "TRUNCATE"),
        ];
        let events: Vec<&str> = words
            .iter()
            .filter(|(bit, _)| trigger.fires & bit != 0)
            .map(|(_, word)| *word)
            .collect();
        let each = if trigger.fires & ROW == 0 {
            "STATEMENT"
        } else {
            "ROW"
        };
        text.push_str(&format!(
            "CREATE TRIGGER {name} BEFORE {} ON thymos.{table} FOR EACH {each} \
             EXECUTE FUNCTION thymos.{calls}();\n\
             ALTER TABLE thymos.{table} ENABLE ALWAYS TRIGGER {name};\n",
            events.join(" OR ")
        ));
    }
    text
}
