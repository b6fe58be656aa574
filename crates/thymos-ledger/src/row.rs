//! One row of `entries`: the bytes that were hashed, and the columns that must agree with them `[L1]`.
//! The same on every engine but for how the id is found.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use thymos_core::entry::{Content, InvalidEntry, Salt};
use thymos_core::{Entry, EntryId, LogId};

use crate::fault::Damage;

/// What every query over entries selects, in the order that [`Raw::read`] takes it.
pub(crate) const SELECT: &str = "SELECT e.idx, t.id, e.seq, e.kind, e.at_ms, e.id_head, e.header, \
     e.salt, e.body FROM entries e LEFT JOIN trajectories t ON t.number = e.trajectory";

/// A row before anybody believed it. Wrong types become absent values: damage must be told, and a
/// row that cannot be read at all would hide the rows after it.
pub(crate) struct Raw {
    pub(crate) index: i64,
    pub(crate) trajectory: Option<Vec<u8>>,
    pub(crate) seq: Option<i64>,
    pub(crate) kind: Option<Vec<u8>>,
    pub(crate) at_ms: Option<i64>,
    pub(crate) id: IdColumn,
    pub(crate) header: Vec<u8>,
    pub(crate) salt: Option<Vec<u8>>,
    pub(crate) body: Option<Vec<u8>>,
}

/// What an engine keeps to find an entry by its id.
pub(crate) enum IdColumn {
    /// Eight bytes of it, as [`head_of`] has them.
    Head(Option<i64>),
    /// All of it.
    Whole(Option<Vec<u8>>),
}

impl IdColumn {
    fn is_of(&self, id: &EntryId) -> bool {
        match self {
            Self::Head(head) => *head == Some(head_of(id)),
            Self::Whole(whole) => whole.as_deref() == Some(id.as_bytes()),
        }
    }
}

impl Raw {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            index: integer(row.get_ref(0)?).unwrap_or(-1),
            trajectory: bytes(row.get_ref(1)?),
            seq: integer(row.get_ref(2)?),
            kind: bytes(row.get_ref(3)?),
            at_ms: integer(row.get_ref(4)?),
            id: IdColumn::Head(integer(row.get_ref(5)?)),
            header: bytes(row.get_ref(6)?).unwrap_or_default(),
            salt: bytes(row.get_ref(7)?),
            body: bytes(row.get_ref(8)?),
        })
    }

    /// What it takes in memory, as a page counts it.
    pub(crate) fn bytes(&self) -> usize {
        self.header.len() + self.body.as_ref().map_or(0, Vec::len)
    }

    /// The entry of the stored bytes, and every column that says something else.
    pub(crate) fn compare(self, log: &LogId) -> (Result<Entry, InvalidEntry>, Vec<String>) {
        let Self {
            index,
            trajectory,
            seq,
            kind,
            at_ms,
            id,
            header,
            salt,
            body,
        } = self;
        let entry = match read(header, salt, body) {
            Ok(entry) => entry,
            Err(invalid) => return (Err(invalid), Vec::new()),
        };
        let said = &entry.header;
        let agree = [
            ("index", Some(index) == stored(said.index)),
            ("log", said.log == *log),
            (
                "trajectory",
                trajectory.as_deref() == Some(said.trajectory.as_bytes()),
            ),
            ("seq", seq.is_some() && seq == stored(said.seq)),
            ("kind", kind.as_deref() == Some(said.kind.as_bytes())),
            (
                "time",
                at_ms.is_some() && at_ms == stored(said.at_ms.as_ms()),
            ),
            ("id", id.is_of(&entry.id)),
        ];
        let disagreements = agree
            .into_iter()
            .filter(|(_, same)| !same)
            .map(|(column, _)| format!("column `{column}` differs from the header"))
            .collect();
        (Ok(entry), disagreements)
    }

    /// The entry, where nothing but a sound one will do.
    pub(crate) fn sound(self, log: &LogId) -> Result<Entry, Damage> {
        let index = self.index;
        match self.compare(log) {
            (Err(invalid), _) => Err(Damage::entry(index, invalid.to_string())),
            (Ok(entry), disagreements) => match disagreements.into_iter().next() {
                Some(disagreement) => Err(Damage::entry(index, disagreement)),
                None => Ok(entry),
            },
        }
    }
}

/// Eight bytes of an id as a column: signed integers that sort as the ids do.
pub(crate) fn head_of(id: &EntryId) -> i64 {
    let mut head = [0; 8];
    for (slot, byte) in head.iter_mut().zip(id.as_bytes()) {
        *slot = *byte;
    }
    i64::from_be_bytes(head) ^ i64::MIN
}

/// A number as SQLite keeps it; none beyond 2^63, which canonical form refuses long before.
pub(crate) fn stored(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}

fn read(
    header: Vec<u8>,
    salt: Option<Vec<u8>>,
    body: Option<Vec<u8>>,
) -> Result<Entry, InvalidEntry> {
    let content = match (salt, body) {
        (None, None) => None, // Erased [L3].
        (Some(salt), Some(body)) => {
            let salt = <[u8; 32]>::try_from(salt).map_err(|_| InvalidEntry::Body)?;
            Some(Content {
                salt: Salt::from_bytes(salt),
                body,
            })
        }
        (None, Some(_)) | (Some(_), None) => return Err(InvalidEntry::Body),
    };
    Entry::read(header, content)
}

fn bytes(value: ValueRef<'_>) -> Option<Vec<u8>> {
    match value {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Some(bytes.to_vec()),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    }
}

fn integer(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => Some(number),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    }
}
