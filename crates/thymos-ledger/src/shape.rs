//! What a file holds besides rows: tables, indexes and triggers, held against what this program makes
//! `[L1]` `[L10]`. Puts nothing right.

use std::collections::BTreeMap;
use std::fmt;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::fault::Trouble;
use crate::schema;

/// One that is not as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Odd {
    /// `table`, `index`, `trigger` or `view`, as the engine calls it.
    kind: String,
    name: String,
    table: String,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Missing,
    Changed,
    Foreign,
}

/// Kind and name, and what they are of and made by.
type Made = BTreeMap<(String, String), (String, String)>;

/// Everything that is not as this format has it. The caller keeps the file still meanwhile: the format and
/// what it asks for are read one after the other.
pub(crate) fn odd(connection: &Connection) -> Result<Vec<Odd>, Trouble> {
    let format: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let mut due = made(format)?;
    let mut odd = Vec::new();
    for ((kind, name), (table, sql)) in read(connection)? {
        let how = match due.remove(&(kind.clone(), name.clone())) {
            Some(own) if own == (table.clone(), sql.clone()) => continue,
            Some(_) => How::Changed,
            None if is_of_the_engine(&kind, &name, &sql) => continue,
            None => How::Foreign,
        };
        odd.push(Odd {
            kind,
            name,
            table,
            how,
        });
    }
    odd.extend(due.into_iter().map(|((kind, name), (table, _))| Odd {
        kind,
        name,
        table,
        how: How::Missing,
    }));
    Ok(odd)
}

/// Refuses to write where something could change a row on its way in, or take it away again: a trigger
/// of somebody else, or a table or trigger of ours that reads otherwise.
///
/// A guard that is merely gone changes no row, so that is left to be told by a check.
pub(crate) fn refuse_meddling(connection: &Connection) -> Result<(), Trouble> {
    match odd(connection)?.into_iter().find(Odd::may_change_rows) {
        Some(odd) => Err(Trouble::corrupt(
            "its tables",
            format!("{odd}, so what is written might not be what is kept"),
        )),
        None => Ok(()),
    }
}

impl Odd {
    fn may_change_rows(&self) -> bool {
        match self.how {
            How::Missing => false,
            How::Changed => self.kind == "table" || self.kind == "trigger",
            How::Foreign => self.kind == "trigger",
        }
    }
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            name,
            table,
            how,
        } = self;
        write!(f, "{kind} `{name}`")?;
        if table != name {
            write!(f, " of table `{table}`")?;
        }
        f.write_str(match how {
            How::Missing => " is missing",
            How::Changed => " was changed",
            How::Foreign => " is somebody else's",
        })
    }
}

/// What a new file of this format would have: made, and looked at in the same way.
fn made(format: i64) -> Result<Made, Trouble> {
    let model = Connection::open_in_memory()?;
    for part in schema::of(format) {
        model.execute_batch(part)?;
    }
    read(&model)
}

fn read(connection: &Connection) -> Result<Made, Trouble> {
    let mut query =
        connection.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema")?;
    let mut rows = query.query([])?;
    let mut made = Made::new();
    while let Some(row) = rows.next()? {
        let kind = text(row.get_ref(0)?);
        let name = text(row.get_ref(1)?);
        let table = text(row.get_ref(2)?);
        made.insert((kind, name), (table, even(&text(row.get_ref(3)?))));
    }
    Ok(made)
}

/// What the engine makes for itself: the index behind a `UNIQUE`, and what it counted. A name alone
/// proves nothing, for who can write to its own table can give any name to anything.
fn is_of_the_engine(kind: &str, name: &str, sql: &str) -> bool {
    match kind {
        "index" => sql.is_empty() && name.starts_with("sqlite_autoindex_"),
        "table" => ["sqlite_sequence", "sqlite_stat1", "sqlite_stat4"].contains(&name),
        _ => false,
    }
}

/// The same words in the same order are the same, however a source file was laid out when it made them.
fn even(sql: &str) -> String {
    sql.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

// Damage must be told, so a wrong type reads as something else than what is due.
fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
    }
}
