//! `thymos ledger`: entries as lines, filtered by the same language as on screen.

use thymos_protocol::Event;

use super::client::Client;
use super::ids;
use crate::args::LedgerArgs;
use crate::error::AppError;
use crate::out;
use crate::tell;

pub(super) async fn print(client: &mut Client, args: &LedgerArgs) -> Result<u8, AppError> {
    let trajectory = match &args.run {
        Some(prefix) => Some(ids::trajectory(client, prefix).await?),
        None => None,
    };
    let filter = args.filter.join(" ");
    let print = |events: Vec<Event>| events.iter().try_for_each(|one| line(one, args));
    if args.csv {
        row(&COLUMNS.map(str::to_owned))?;
    }
    client.find_each(trajectory, &filter, print).await?;
    Ok(0)
}

fn line(event: &Event, args: &LedgerArgs) -> Result<(), AppError> {
    if args.json {
        return out::json(event);
    }
    let first = tell::row(event);
    if args.csv {
        return row(&cells(event, &first));
    }
    out::line(&format!(
        "{:>7} {} {:>5} {} {:<16} {first}",
        event.index,
        event.trajectory.short(),
        event.seq,
        event.at_ms.clock(),
        event.kind
    ))
}

/// The columns of `--csv`. They are added to at their end, and keep their names.
const COLUMNS: [&str; 6] = ["index", "trajectory", "seq", "time", "kind", "words"];

fn cells(event: &Event, words: &str) -> [String; COLUMNS.len()] {
    let at = event.at_ms;
    [
        event.index.to_string(),
        event.trajectory.to_string(),
        event.seq.to_string(),
        format!("{}T{}.{:03}Z", at.date(), at.clock(), at.0 % 1_000),
        event.kind.clone(),
        words.to_owned(),
    ]
}

/// One record of RFC 4180.
fn row(cells: &[String; COLUMNS.len()]) -> Result<(), AppError> {
    let record = cells.each_ref().map(|text| cell(text)).join(",");
    out::write(format!("{record}\r\n").as_bytes())
}

/// A cell in quotes where it needs them. What a model or a tool wrote must not become a formula of
/// whoever opens the table, so one that would begin with such a sign begins with a `'`.
fn cell(text: &str) -> String {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if runs {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    match text.contains(['"', ',', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests;
