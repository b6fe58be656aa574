//! The tables, in one text, and the numbers that name the format `[L10]` `[L13]`. Runs nothing.

/// `Thym`, read as a big-endian number: what the file says it is.
pub(crate) const APPLICATION_ID: i64 = 0x5468_796d;

/// The format that this program writes, and the newest it reads `[L13]`.
pub(crate) const FORMAT_VERSION: i64 = 3;

/// The format without a tree, made over when it is opened for writing
/// (docs/decisions/0010-the-tree-grows-beside-the-entries.md).
pub(crate) const FORMAT_WITHOUT_TREE: i64 = 1;

/// The format whose triggers let any body go, made over as well
/// (docs/decisions/0013-what-was-erased-from-is-over.md).
pub(crate) const FORMAT_WITHOUT_ERASURES: i64 = 2;

/// Entries that share one stretch of the id index.
///
/// Ids are random, so one big index would touch a page of its own for every appended entry, and
/// the more the longer the log. Within a stretch they share about 25 pages. The price: a look-up
/// by id asks one stretch after another, newest first, two microseconds each.
pub(crate) const STRETCH_BITS: u32 = 12;

/// What format 1 has not: the Merkle tree and the checkpoints. Nothing else differs, and no hashed byte
/// `[L6]` `[L7]`.
///
/// The last trigger keeps out a program of format 1 that still has the file open while a newer one
/// makes it over: it would add entries without their subtrees.
pub(crate) const TREE: &str = "
CREATE TABLE nodes (
    ends INTEGER NOT NULL CHECK (ends > 0),
    level INTEGER NOT NULL CHECK (level >= 4),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (ends, level)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY CHECK (size > 0),
    note TEXT NOT NULL
) STRICT;

CREATE TRIGGER checkpoints_are_not_deleted BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never deleted'); END;
CREATE TRIGGER checkpoints_are_not_rewritten BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never rewritten'); END;
CREATE TRIGGER nodes_are_not_deleted BEFORE DELETE ON nodes
BEGIN SELECT RAISE(ABORT, 'the tree only grows'); END;
CREATE TRIGGER nodes_are_not_rewritten BEFORE UPDATE ON nodes
BEGIN SELECT RAISE(ABORT, 'the tree only grows'); END;
CREATE TRIGGER entries_grow_the_tree BEFORE INSERT ON entries
WHEN NEW.idx > 0 AND (NEW.idx & 15) = 0
    AND NOT EXISTS (SELECT 1 FROM nodes WHERE ends = NEW.idx AND level = 4)
BEGIN SELECT RAISE(ABORT, 'the tree of the log was not grown; the ledger has a newer format'); END;
";

/// Everything of format 1. The columns beside `header`, `salt` and `body` are indexes: written for
/// finding, rebuilt and compared when checking, and never believed `[L1]`.
pub(crate) const TABLES: &str = "
CREATE TABLE log (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL CHECK (length(id) = 32)
) STRICT;

CREATE TABLE trajectories (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 32)
) STRICT;

CREATE TABLE entries (
    idx INTEGER PRIMARY KEY CHECK (idx >= 0),
    trajectory INTEGER NOT NULL REFERENCES trajectories (number),
    seq INTEGER NOT NULL CHECK (seq >= 0),
    kind TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    id_head INTEGER NOT NULL,
    header BLOB NOT NULL,
    salt BLOB,
    body BLOB
) STRICT;
CREATE UNIQUE INDEX entries_by_trajectory ON entries (trajectory, seq);
CREATE INDEX entries_by_id ON entries (idx >> 12, id_head);

CREATE TABLE blobs (
    number INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    size INTEGER NOT NULL,
    packed INTEGER NOT NULL CHECK (packed IN (0, 1)),
    bytes BLOB NOT NULL
) STRICT;

CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER blobs_are_not_rewritten BEFORE UPDATE ON blobs
BEGIN SELECT RAISE(ABORT, 'a blob is never rewritten'); END;
CREATE TRIGGER trajectories_are_not_deleted BEFORE DELETE ON trajectories
BEGIN SELECT RAISE(ABORT, 'a trajectory is never deleted'); END;
CREATE TRIGGER trajectories_are_not_rewritten BEFORE UPDATE ON trajectories
BEGIN SELECT RAISE(ABORT, 'a trajectory is never rewritten'); END;
CREATE TRIGGER the_log_is_not_deleted BEFORE DELETE ON log
BEGIN SELECT RAISE(ABORT, 'the log keeps its id'); END;
CREATE TRIGGER the_log_is_not_rewritten BEFORE UPDATE ON log
BEGIN SELECT RAISE(ABORT, 'the log keeps its id'); END;
";

/// What formats 1 and 2 have not: `erasures`, the places that an `erased` entry names and that are not
/// known to be empty yet, so that whoever opens the file sees at once whether something is to be
/// finished `[L3]`; and triggers that let those bodies go, and blobs only meanwhile. Which blobs, and
/// whether the id is the right one, no trigger can tell: the program looks.
///
/// The number of the format keeps out a program that would go on with a trajectory of which something
/// is gone.
pub(crate) const ERASURES: &str = "
CREATE TABLE erasures (
    idx INTEGER PRIMARY KEY,
    trajectory INTEGER NOT NULL,
    seq INTEGER NOT NULL
) STRICT;
CREATE INDEX erasures_by_target ON erasures (trajectory, seq);

CREATE TRIGGER erasures_are_noted AFTER INSERT ON entries
WHEN NEW.kind = 'erased' AND CASE WHEN json_valid(CAST(NEW.body AS TEXT))
    THEN json_type(CAST(NEW.body AS TEXT), '$.seq') = 'integer' ELSE 0 END
BEGIN
    INSERT INTO erasures (idx, trajectory, seq)
    VALUES (NEW.idx, NEW.trajectory, json_extract(CAST(NEW.body AS TEXT), '$.seq'));
END;
CREATE TRIGGER erasures_are_told BEFORE INSERT ON erasures
WHEN NOT EXISTS (
    SELECT 1 FROM entries WHERE idx = NEW.idx AND trajectory = NEW.trajectory AND kind = 'erased'
        AND CASE WHEN json_valid(CAST(body AS TEXT))
            THEN json_extract(CAST(body AS TEXT), '$.seq') = NEW.seq ELSE 0 END
)
BEGIN SELECT RAISE(ABORT, 'nothing is erased without an entry that says so'); END;
CREATE TRIGGER erasures_are_not_rewritten BEFORE UPDATE ON erasures
BEGIN SELECT RAISE(ABORT, 'nothing is erased without an entry that says so'); END;
CREATE TRIGGER entries_are_not_rewritten BEFORE UPDATE ON entries
WHEN NOT (
    NEW.salt IS NULL AND NEW.body IS NULL
    AND NEW.idx IS OLD.idx AND NEW.trajectory IS OLD.trajectory AND NEW.seq IS OLD.seq
    AND NEW.kind IS OLD.kind AND NEW.at_ms IS OLD.at_ms AND NEW.id_head IS OLD.id_head
    AND NEW.header IS OLD.header
    AND OLD.kind IN ('message', 'intent', 'rejection', 'pending_approval', 'started', 'commit',
        'failure', 'delegation', 'delegation_result')
    AND EXISTS (SELECT 1 FROM erasures WHERE trajectory = OLD.trajectory AND seq = OLD.seq)
)
BEGIN SELECT RAISE(ABORT, 'an entry is never rewritten, only erased'); END;
CREATE TRIGGER blobs_are_not_deleted BEFORE DELETE ON blobs
WHEN NOT EXISTS (SELECT 1 FROM erasures)
BEGIN SELECT RAISE(ABORT, 'a blob is never deleted'); END;
";

/// The triggers of formats 1 and 2 that [`ERASURES`] replaces. No file is made with them any more; one
/// that is only read still has them.
const LOOSER: &str = "
CREATE TRIGGER entries_are_not_rewritten BEFORE UPDATE ON entries
WHEN NOT (
    NEW.salt IS NULL AND NEW.body IS NULL
    AND NEW.idx IS OLD.idx AND NEW.trajectory IS OLD.trajectory AND NEW.seq IS OLD.seq
    AND NEW.kind IS OLD.kind AND NEW.at_ms IS OLD.at_ms AND NEW.id_head IS OLD.id_head
    AND NEW.header IS OLD.header
)
BEGIN SELECT RAISE(ABORT, 'an entry is never rewritten, only erased'); END;
CREATE TRIGGER blobs_are_not_deleted BEFORE DELETE ON blobs
BEGIN SELECT RAISE(ABORT, 'a blob is never deleted'); END;
";

/// Takes those away.
pub(crate) const WITHOUT_LOOSER: &str = "
DROP TRIGGER entries_are_not_rewritten;
DROP TRIGGER blobs_are_not_deleted;
";

/// All that makes a file of a format. One that was made over has the same as one that was made anew.
pub(crate) const fn of(format: i64) -> &'static [&'static str] {
    if format <= FORMAT_WITHOUT_TREE {
        &[TABLES, LOOSER]
    } else if format <= FORMAT_WITHOUT_ERASURES {
        &[TABLES, LOOSER, TREE]
    } else {
        &[TABLES, TREE, ERASURES]
    }
}

const _: () = assert!(STRETCH_BITS == 12, "TABLES spells it out");
const _: () = assert!(
    thymos_core::merkle::KEPT_LEVEL_MIN == 4,
    "TREE spells it out"
);
