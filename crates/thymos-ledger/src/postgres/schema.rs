//! The tables of a ledger on PostgreSQL, in one text, and what a sound one has. Runs nothing.
//!
//! Everything stands in one schema, and every statement names it, so that no `search_path` leads
//! elsewhere. The columns beside `header`, `salt` and `body` are indexes: never believed `[L1]`.

/// What the row in `thymos.log` says the schema is: the same number that a file carries.
pub(crate) const APPLICATION: i32 = 0x5468_796d;

/// The format that this program writes, and the newest it reads `[L13]`.
pub(crate) const FORMAT: i32 = 2;

/// The format whose guards let any body go, made over by the owner when it is opened for writing
/// (docs/decisions/0013-what-was-erased-from-is-over.md).
pub(crate) const FORMAT_WITHOUT_ERASURES: i32 = 1;

/// The id that an `erased` entry names, as text: canonical JSON has one place for it, and a quote inside
/// of a text is never a bare one.
macro_rules! named_id {
    ($row:literal) => {
        concat!(
            "substring(encode(",
            $row,
            "body, 'escape') from '\"entry\":\"([0-9a-f]{64})\"')"
        )
    };
}

/// The kinds that may go; a test holds them against the core's.
macro_rules! may_go {
    () => {
        "('message', 'intent', 'rejection', 'pending_approval', 'started', 'commit', 'failure', \
         'delegation', 'delegation_result')"
    };
}

/// What finds orders to erase, and what was erased. Added to what format 1 had.
pub(crate) const INDEXES: &str = concat!(
    "CREATE INDEX entries_erasing ON thymos.entries (trajectory, (",
    named_id!(""),
    ")) WHERE kind = 'erased';\n",
    "CREATE INDEX entries_erased ON thymos.entries (idx) WHERE body IS NULL;\n"
);

/// Positions of `erased` entries whose bodies still stand, as far as their place says so.
pub(crate) const PENDING: &str = concat!(
    "SELECT b.idx FROM thymos.entries b JOIN thymos.entries t ON t.trajectory = b.trajectory \
     AND t.seq = substring(encode(b.body, 'escape') from '\"seq\":([0-9]{1,18})')::int8 \
     WHERE b.kind = 'erased' AND t.body IS NOT NULL AND t.kind IN ",
    may_go!(),
    " ORDER BY b.idx"
);

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
pub(crate) const FUNCTIONS: [Function; 3] = [
    Function {
        name: "refuse",
        text: " BEGIN RAISE EXCEPTION 'the ledger only grows'; END ",
    },
    Function {
        name: "only_erase",
        text: concat!(
            " BEGIN \
            IF NEW.salt IS NULL AND NEW.body IS NULL AND NEW.idx = OLD.idx \
                AND NEW.trajectory = OLD.trajectory AND NEW.seq = OLD.seq AND NEW.kind = OLD.kind \
                AND NEW.at_ms = OLD.at_ms AND NEW.id = OLD.id AND NEW.header = OLD.header \
                AND OLD.kind IN ",
            may_go!(),
            " AND EXISTS (SELECT 1 FROM thymos.entries e WHERE e.kind = 'erased' \
                AND e.trajectory = OLD.trajectory AND e.seq > OLD.seq AND ",
            named_id!("e."),
            " = encode(OLD.id, 'hex')) \
            THEN RETURN NEW; END IF; \
            RAISE EXCEPTION 'an entry is never rewritten, only erased'; END "
        ),
    },
    // Which blobs, no trigger can tell in time; that something was erased in this transaction, it can.
    Function {
        name: "only_with_erased",
        text: " BEGIN \
            IF EXISTS (SELECT 1 FROM thymos.entries e WHERE e.body IS NULL \
                AND e.xmin::text::int8 = txid_current() % 4294967296) \
            THEN RETURN OLD; END IF; \
            RAISE EXCEPTION 'a blob goes only with what was erased'; END ",
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
pub(crate) const TRIGGERS: [Trigger; 7] = [
    kept("log", "the_log_is_kept"),
    kept("nodes", "the_tree_only_grows"),
    kept("checkpoints", "checkpoints_are_kept"),
    Trigger {
        table: "blobs",
        name: "blobs_are_kept",
        fires: BEFORE | UPDATE | TRUNCATE,
        calls: "refuse",
    },
    Trigger {
        table: "blobs",
        name: "blobs_are_not_deleted",
        fires: ROW | BEFORE | DELETE,
        calls: "only_with_erased",
    },
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
    let functions = FUNCTIONS.iter().map(function);
    functions.chain(TRIGGERS.iter().map(trigger)).collect()
}

/// The statements between which the row of the log may be changed, in one transaction, by its owner.
pub(crate) fn log_guard() -> (String, String) {
    let table = |what: &str| format!("ALTER TABLE thymos.log {what} TRIGGER the_log_is_kept");
    (table("DISABLE"), table("ENABLE ALWAYS"))
}

/// Makes the guards of format 1 those of this one; its owner alone may.
pub(crate) fn make_over() -> String {
    let blobs = TRIGGERS.iter().filter(|trigger| trigger.table == "blobs");
    let functions: String = FUNCTIONS.iter().map(function).collect();
    let triggers: String = blobs.map(trigger).collect();
    let (off, on) = log_guard();
    format!(
        "{off};\n\
         UPDATE thymos.log SET format = {FORMAT};\n\
         {on};\n\
         DROP TRIGGER blobs_are_kept ON thymos.blobs;\n\
         {INDEXES}{functions}{triggers}"
    )
}

fn function(Function { name, text }: &Function) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION thymos.{name}() RETURNS trigger LANGUAGE plpgsql \
         SET search_path = pg_catalog, pg_temp AS $${text}$$;\n"
    )
}

fn trigger(trigger: &Trigger) -> String {
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
    format!(
        "CREATE TRIGGER {name} BEFORE {} ON thymos.{table} FOR EACH {each} \
         EXECUTE FUNCTION thymos.{calls}();\n\
         ALTER TABLE thymos.{table} ENABLE ALWAYS TRIGGER {name};\n",
        events.join(" OR ")
    )
}
