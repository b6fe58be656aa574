//! One trajectory as a story or as lines of JSON, from the events that the ledger's own list prints.
//!
//! Proves nothing, and signs nothing for it: it only looks.

use std::io::Write;

use serde_json::json;
use thymos_core::TrajectoryId;
use thymos_protocol::Event;

use super::super::client::Client;
use super::super::{Setting, audit, ids, onlooking};
use super::{markdown, place};
use crate::args::{ExportArgs, Format};
use crate::error::AppError;
use crate::out;
use crate::wire::files::Unfinished;

/// What was written so far.
struct Written {
    trajectory: TrajectoryId,
    entries: u64,
    out: Unfinished,
}

pub(super) fn export(setting: &Setting<'_>, args: &ExportArgs) -> Result<u8, AppError> {
    let mut done = None;
    // Of a damaged record nothing is put in place: what was written goes with the error.
    onlooking(setting, async |client| {
        let prefix = args.id.as_deref().unwrap_or_default();
        let trajectory = ids::trajectory(client, prefix).await?;
        let out = Unfinished::begin(setting.config, place(setting, args, Some(trajectory))?)?;
        let mut written = Written {
            trajectory,
            entries: 0,
            out,
        };
        match args.format {
            Format::Markdown => story(client, &mut written).await?,
            Format::Jsonl | Format::Bundle => lines(client, &mut written).await?,
        }
        done = Some(written);
        Ok(0)
    })?;
    match done {
        Some(written) => tell(args, written),
        None => Ok(0),
    }
}

impl Written {
    fn put(&mut self, text: &str) -> Result<(), AppError> {
        let put = self.out.write_all(text.as_bytes());
        put.map_err(|error| self.out.broken(&error))
    }
}

/// One event a line, as they are found.
async fn lines(client: &mut Client, written: &mut Written) -> Result<(), AppError> {
    let trajectory = written.trajectory;
    let take = |events: Vec<Event>| {
        for event in events {
            written.put(&format!("{}\n", out::json_text(&event)?))?;
            written.entries += 1;
        }
        Ok(())
    };
    client.find_each(Some(trajectory), "", take).await
}

async fn story(client: &mut Client, written: &mut Written) -> Result<(), AppError> {
    let events = client.find(Some(written.trajectory), "").await?;
    written.put(&markdown::head(written.trajectory, &events))?;
    for event in &events {
        let detail = match audit::decides(event) {
            true => Some(audit::detail(client, event).await?),
            false => None,
        };
        written.put(&markdown::entry(event, detail.as_deref()))?;
        written.entries += 1;
    }
    Ok(())
}

fn tell(args: &ExportArgs, written: Written) -> Result<u8, AppError> {
    let Written {
        trajectory,
        entries,
        out: unfinished,
    } = written;
    let file = unfinished.finish()?;
    if args.json {
        out::json(&json!({
            "file": file, "format": args.format.word(), "trajectory": trajectory, "entries": entries,
        }))?;
        return Ok(0);
    }
    out::line(&format!(
        "exported: {entries} entries as {}, to {}",
        args.format.word(),
        out::safe(&file.display().to_string())
    ))?;
    Ok(0)
}
