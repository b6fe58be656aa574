//! `thymos replay`: folds a trajectory again, shows its world, or how two moments of it differ `[Y4]`,
//! and verifies it with all that belongs to it.

use serde_json::json;
use thymos_core::TrajectoryId;
use thymos_protocol::{Command, Replied, WorldDiffRow, WorldRow};

use super::client::{Client, unexpected};
use super::{Setting, ids, pins};
use crate::args::ReplayArgs;
use crate::error::{AppError, ErrorKind};
use crate::{out, tell};

mod tree;

pub(super) async fn replay(
    client: &mut Client,
    setting: &Setting<'_>,
    args: &ReplayArgs,
) -> Result<u8, AppError> {
    let wanted = pins::read(&args.pins, || Ok(setting.config.clone()))?;
    let trajectory = ids::trajectory(client, &args.id).await?;
    let named = match &args.at {
        Some(named) => Some(ids::entry(client, trajectory, named).await?.seq),
        None => None,
    };
    if let Some(path) = &args.file {
        let seq = match named {
            Some(seq) => seq,
            None => client.open(trajectory).await?.head_seq,
        };
        return file(client, (trajectory, seq), path).await;
    }
    let shown = match &args.diff {
        Some(range) => differ(client, trajectory, range, args.json).await,
        // After the newest entry, whichever that is.
        None => world(client, (trajectory, named.unwrap_or(u64::MAX)), args.json).await,
    };
    let Err(error) = shown else {
        return tree::replay(client, trajectory, args, wanted).await;
    };
    // A record that cannot be folded is what verification is for: it names the entry.
    if args.diff.is_some() {
        return Err(error);
    }
    match args.json {
        true => out::json(&json!({ "trajectory": trajectory, "world": null }))?,
        false => out::line(&format!(
            "world: cannot be told, {}",
            out::safe(&error.to_string())
        ))?,
    }
    match tree::replay(client, trajectory, args, wanted).await? {
        0 => Err(error),
        code => Ok(code),
    }
}

async fn world(
    client: &mut Client,
    (trajectory, seq): (TrajectoryId, u64),
    json: bool,
) -> Result<(), AppError> {
    let world = match client.ask(Command::WorldAt { trajectory, seq }).await? {
        Replied::World(world) => world,
        other => return Err(unexpected(&other)),
    };
    if json {
        return out::json(&json!({ "trajectory": trajectory, "world": world }));
    }
    say_partial(world.partial);
    out::line(&format!("replayed: {} entries", world.seq + 1))?;
    out::line(&format!(
        "world: {} resources, digest {}",
        world.rows.len(),
        world.digest
    ))?;
    for row in &world.rows {
        out::line(&format!("  {}  {}", out::safe(&row.resource), held(row)))?;
    }
    Ok(())
}

fn say_partial(partial: bool) {
    if partial {
        out::talk("thymos: entries before it were erased; this is what is left");
    }
}

fn held(row: &WorldRow) -> String {
    format!("v{} at {}  {}", row.version, row.seq, out::safe(&row.value))
}

/// Prints a file as it was after an entry.
async fn file(
    client: &mut Client,
    (trajectory, seq): (TrajectoryId, u64),
    path: &str,
) -> Result<u8, AppError> {
    let path = path.to_owned();
    let command = Command::FileAt {
        trajectory,
        seq,
        path: path.clone(),
    };
    match client.ask(command).await? {
        Replied::FileText(Some(text)) => {
            // For a pipe the bytes as they are; for eyes nothing that could steer the terminal.
            match out::terminal() {
                (_, true) => out::line(&out::safe_lines(&text))?,
                (_, false) => out::write(text.as_bytes())?,
            }
            Ok(0)
        }
        Replied::FileText(None) => {
            let message = format!("the record has no content of `{path}` after entry {seq}");
            let hint = format!(
                "`thymos replay {} --at {seq}` lists files",
                trajectory.short()
            );
            Err(AppError::new(ErrorKind::User, message).hint(hint))
        }
        other => Err(unexpected(&other)),
    }
}

async fn differ(
    client: &mut Client,
    trajectory: TrajectoryId,
    range: &str,
    json: bool,
) -> Result<(), AppError> {
    let Some((from, to)) = range.split_once("..") else {
        let message = format!("`{range}` does not name two entries");
        return Err(AppError::new(ErrorKind::Usage, message).hint("write A..B, such as 12..40"));
    };
    let from_seq = ids::entry(client, trajectory, from).await?.seq;
    let to_seq = ids::entry(client, trajectory, to).await?.seq;
    let command = Command::WorldDiff {
        trajectory,
        from_seq,
        to_seq,
    };
    let diff = match client.ask(command).await? {
        Replied::WorldDiff(diff) => diff,
        other => return Err(unexpected(&other)),
    };
    if json {
        return out::json(&json!({ "trajectory": trajectory, "difference": diff }));
    }
    say_partial(diff.partial);
    out::line(&format!(
        "difference: after entry {} and after entry {}, resources: {}",
        diff.from_seq,
        diff.to_seq,
        diff.rows.len()
    ))?;
    let spent = tell::spent(&diff.from_spent, &diff.to_spent);
    out::line(&format!("spent: {spent}"))?;
    diff.rows
        .iter()
        .flat_map(lines)
        .try_for_each(|line| out::line(&line))
}

/// `- resource what it held` and `+ resource what it holds`.
fn lines(row: &WorldDiffRow) -> impl Iterator<Item = String> {
    let name = out::safe(&row.resource);
    let line = |sign: &str, side: &Option<WorldRow>| {
        side.as_ref()
            .map(|row| format!("  {sign} {name}  {}", held(row)))
    };
    [line("-", &row.before), line("+", &row.after)]
        .into_iter()
        .flatten()
}
