//! Ids as a person types them: any unique prefix of at least six hex digits `[K2]`.

use thymos_core::TrajectoryId;
use thymos_core::limits::ID_PREFIX_CHARS_MIN;
use thymos_protocol::{Command, Event, HoldRow, Replied, RunRow, What};

use super::client::{Client, unexpected};
use crate::error::{AppError, ErrorKind};

/// The one of `all` that starts with `prefix`.
pub(super) fn unique<'a, T>(
    what: &str,
    prefix: &str,
    all: impl Iterator<Item = (String, &'a T)>,
) -> Result<&'a T, AppError> {
    let shown: String = prefix.chars().take(80).collect();
    if prefix.len() < ID_PREFIX_CHARS_MIN || !prefix.bytes().all(|b| b.is_ascii_hexdigit()) {
        let a = if what.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        let message = format!("`{shown}` is not the start of {a} {what} id");
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint(format!("give at least {ID_PREFIX_CHARS_MIN} hex digits")));
    }
    let lower = prefix.to_lowercase();
    let mut hits = all.filter(|(id, _)| id.starts_with(&lower));
    match (hits.next(), hits.next()) {
        (Some((_, hit)), None) => Ok(hit),
        (Some((first, _)), Some((second, _))) => {
            let message = format!("`{shown}` may mean several {what} ids");
            let short = |id: &str| id.chars().take(12).collect::<String>();
            let hint = format!("give more digits: {}, {}", short(&first), short(&second));
            Err(AppError::new(ErrorKind::Usage, message).hint(hint))
        }
        (None, _) => Err(AppError::new(
            ErrorKind::User,
            format!("there is no {what} `{shown}`"),
        )),
    }
}

pub(super) async fn trajectory(
    client: &mut Client,
    prefix: &str,
) -> Result<TrajectoryId, AppError> {
    Ok(row(client, prefix).await?.trajectory)
}

pub(super) async fn row(client: &mut Client, prefix: &str) -> Result<RunRow, AppError> {
    match client.ask(Command::Runs).await? {
        Replied::Runs(rows) => {
            let all = rows.iter().map(|row| (row.trajectory.to_string(), row));
            unique("trajectory", prefix, all).cloned().map_err(|error| {
                match error.hints.is_empty() {
                    true => error.hint("`thymos runs` lists them"),
                    false => error,
                }
            })
        }
        other => Err(unexpected(&other)),
    }
}

/// As [`row`], of what somebody works in: the account of a writ file is no such thing.
pub(super) async fn run(client: &mut Client, prefix: &str) -> Result<RunRow, AppError> {
    let row = row(client, prefix).await?;
    if !row.workspace.is_empty() {
        return Ok(row);
    }
    let message = format!(
        "{} is the account of a writ, and no run",
        row.trajectory.short()
    );
    Err(AppError::new(ErrorKind::User, message)
        .hint("`thymos runs` lists runs with their folders; `thymos writ ls` what is in force"))
}

/// An entry of a trajectory as a person names it: by its sequence number, or by its id.
pub(super) async fn entry(
    client: &mut Client,
    trajectory: TrajectoryId,
    named: &str,
) -> Result<Event, AppError> {
    let last = client.open(trajectory).await?.head_seq;
    // Too short for the start of an id, so it can only be a number.
    if named.len() < ID_PREFIX_CHARS_MIN
        && let Ok(seq) = named.parse::<u64>()
    {
        return numbered(client, trajectory, seq).await?.ok_or_else(|| {
            let message = format!(
                "there is no entry {seq} in trajectory {}",
                trajectory.short()
            );
            AppError::new(ErrorKind::User, message).hint(format!("its last one is {last}"))
        });
    }
    let events = client.news(trajectory, 0).await?.events;
    identified(&events, trajectory, named)
}

/// An entry of a trajectory, or by its id of one below it: whose, and its sequence number there.
pub(super) async fn entry_below(
    client: &mut Client,
    trajectory: TrajectoryId,
    named: &str,
) -> Result<(TrajectoryId, u64), AppError> {
    let no = match entry(client, trajectory, named).await {
        Ok(event) => return Ok((trajectory, event.seq)),
        Err(no) => no,
    };
    if no.kind != ErrorKind::User || named.len() < ID_PREFIX_CHARS_MIN {
        return Err(no);
    }
    let rows = match client.ask(Command::Runs).await? {
        Replied::Runs(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    let mut events = Vec::new();
    for below in below(&rows, trajectory) {
        events.extend(client.news(below, 0).await?.events);
    }
    let event = identified(&events, trajectory, named)?;
    Ok((event.trajectory, event.seq))
}

/// All that was delegated from a run, and from those.
fn below(rows: &[RunRow], run: TrajectoryId) -> Vec<TrajectoryId> {
    let mut found = vec![run];
    let mut at = 0;
    while let Some(above) = found.get(at).copied() {
        let parent = |row: &&RunRow| {
            let parent = row.parent.as_ref();
            parent.is_some_and(|up| !up.branched && up.trajectory == above)
        };
        let new = rows.iter().filter(parent).map(|row| row.trajectory);
        let new: Vec<_> = new.filter(|one| !found.contains(one)).collect();
        found.extend(new);
        at += 1;
    }
    found.split_off(1)
}

fn identified(events: &[Event], trajectory: TrajectoryId, named: &str) -> Result<Event, AppError> {
    let all = events.iter().map(|event| (event.entry.to_string(), event));
    unique("entry", named, all)
        .cloned()
        .map_err(|error| match error.hints.is_empty() {
            true => error.hint(format!(
                "`thymos ledger --run {}` lists them",
                trajectory.short()
            )),
            false => error,
        })
}

/// The entry of a sequence number, when there is one; nothing else is read for it.
async fn numbered(
    client: &mut Client,
    trajectory: TrajectoryId,
    seq: u64,
) -> Result<Option<Event>, AppError> {
    let command = Command::Rows {
        trajectory: Some(trajectory),
        places: vec![seq],
    };
    match client.ask(command).await? {
        Replied::Page(page) => Ok(page.events.into_iter().next()),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn holds(client: &mut Client) -> Result<Vec<HoldRow>, AppError> {
    match client.ask(Command::Holds).await? {
        Replied::Holds(rows) => Ok(rows),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn hold(client: &mut Client, prefix: &str) -> Result<HoldRow, AppError> {
    let rows = holds(client).await?;
    let all = rows.iter().map(|row| (row.card.proposal.to_string(), row));
    let error = match unique("pending proposal", prefix, all) {
        Ok(row) => return Ok(row.clone()),
        Err(error) if !error.hints.is_empty() => return Err(error),
        Err(error) => error,
    };
    match ended(client, prefix).await? {
        Some(run) => {
            let shown: String = prefix.chars().take(80).collect();
            let message = format!("proposal `{shown}` waits no more");
            Err(AppError::new(ErrorKind::Refused, message).hint(format!(
                "`thymos audit {}` tells what is on record of it",
                run.short()
            )))
        }
        None => Err(error.hint("`thymos approvals ls` lists what waits")),
    }
}

/// Where a proposal that waits no more once waited.
async fn ended(client: &mut Client, prefix: &str) -> Result<Option<TrajectoryId>, AppError> {
    let events = client.find(None, "kind:pending_approval").await?;
    let prefix = prefix.to_lowercase();
    let mut events = events.iter();
    let found = events.find(|event| match &event.what {
        What::Suspended { card, .. } => card.proposal.to_string().starts_with(&prefix),
        _ => false,
    });
    Ok(found.map(|event| event.trajectory))
}
