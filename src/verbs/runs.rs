//! `thymos runs`: every trajectory in a row, newest first.

use thymos_protocol::{Command, Replied};

use super::client::{Client, unexpected};
use crate::error::AppError;
use crate::out;

pub(super) async fn list(client: &mut Client, json: bool) -> Result<u8, AppError> {
    let rows = match client.ask(Command::Runs).await? {
        Replied::Runs(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    for row in &rows {
        if json {
            out::json(row)?;
            continue;
        }
        let id: String = row.trajectory.to_string().chars().take(12).collect();
        let title = if row.title.is_empty() {
            "(no prompt yet)"
        } else {
            &row.title
        };
        out::line(&format!(
            "{id}  {} {}  {:>5} entries  {:<10} {}  {}",
            row.at_ms.date(),
            row.at_ms.clock(),
            row.head_seq + 1,
            out::safe(&row.state),
            out::safe(title),
            out::safe(&row.workspace)
        ))?;
    }
    if rows.is_empty() && !json {
        out::talk("thymos: no trajectories yet; `thymos run \"give me a tour\"` makes one");
    }
    Ok(0)
}
