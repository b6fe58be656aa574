//! `thymos runs`: every trajectory in a row, newest first, what hangs from another below it.

use std::collections::BTreeMap;

use thymos_core::TrajectoryId;
use thymos_protocol::{Command, Replied, RunRow};

use super::client::{Client, unexpected};
use crate::error::{AppError, ErrorKind};
use crate::out;

/// Levels that are drawn; what hangs deeper stands at the last one.
const INDENT_MAX: usize = 8;

pub(super) async fn list(client: &mut Client, json: bool) -> Result<u8, AppError> {
    let rows = match client.ask(Command::Runs).await? {
        Replied::Runs(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    for (depth, row) in tree(&rows) {
        if json {
            out::json(row)?;
        } else {
            out::line(&told(row, depth))?;
        }
    }
    if rows.is_empty() && !json {
        out::talk("thymos: no trajectories yet; `thymos run \"give me a tour\"` makes one");
    }
    // [Y3] A record that cannot be folded is not one that can be told.
    let broken = rows
        .iter()
        .filter(|row| row.state == RunRow::BROKEN)
        .count();
    match broken {
        0 => Ok(0),
        1 => Err(contradicted("a trajectory contradicts itself".to_owned())),
        more => Err(contradicted(format!(
            "{more} trajectories contradict themselves"
        ))),
    }
}

fn contradicted(what: String) -> AppError {
    AppError::new(ErrorKind::Integrity, what).hint("run `thymos verify`: it names the entries")
}

fn told(row: &RunRow, depth: usize) -> String {
    let id: String = row.trajectory.to_string().chars().take(12).collect();
    let title = if row.title.is_empty() {
        "(no prompt yet)"
    } else {
        &row.title
    };
    let hangs = match &row.parent {
        Some(parent) if parent.branched => "branch ",
        Some(_) => "delegated ",
        None => "",
    };
    format!(
        "{}{id}  {} {}  {:>5} entries  {:<10} {hangs}{}  {}",
        "  ".repeat(depth.min(INDENT_MAX)),
        row.at_ms.date(),
        row.at_ms.clock(),
        row.head_seq + 1,
        out::safe(&row.state),
        out::safe(title),
        out::safe(&row.workspace)
    )
}

/// Rows depth first, each with its depth. One whose parent is not here stands at the top.
pub(super) fn tree(rows: &[RunRow]) -> Vec<(usize, &RunRow)> {
    let known = |id: &TrajectoryId| rows.iter().any(|row| row.trajectory == *id);
    let mut below: BTreeMap<Option<TrajectoryId>, Vec<&RunRow>> = BTreeMap::new();
    for row in rows {
        let parent = row.parent.as_ref().map(|parent| parent.trajectory);
        below.entry(parent.filter(known)).or_default().push(row);
    }
    let mut drawn = Vec::with_capacity(rows.len());
    let mut todo: Vec<(usize, &RunRow)> = Vec::new();
    let tops = below.remove(&None).unwrap_or_default();
    todo.extend(tops.into_iter().rev().map(|row| (0, row)));
    while let Some((depth, row)) = todo.pop() {
        drawn.push((depth, row));
        let children = below.remove(&Some(row.trajectory)).unwrap_or_default();
        todo.extend(children.into_iter().rev().map(|row| (depth + 1, row)));
    }
    drawn
}
