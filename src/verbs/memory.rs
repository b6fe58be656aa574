//! `thymos memory`: what every trajectory of this folder recalls, and forgetting it `[O4]`.

use thymos_core::writ::Mode;
use thymos_protocol::{Command, MemoryRow, Replied, What};

use super::client::{Client, unexpected};
use crate::args::MemoryVerb;
use crate::error::{AppError, ErrorKind};
use crate::out;

pub(super) async fn perform(client: &mut Client, verb: &MemoryVerb) -> Result<u8, AppError> {
    match verb {
        MemoryVerb::Ls(output) => list(client, output.json).await,
        MemoryVerb::Show { key, json } => show(client, key, *json).await,
        MemoryVerb::Forget { key } => forget(client, key).await,
    }
}

async fn rows(client: &mut Client) -> Result<Vec<MemoryRow>, AppError> {
    match client.ask(Command::Memory).await? {
        Replied::Memory(rows) => Ok(rows),
        other => Err(unexpected(&other)),
    }
}

async fn list(client: &mut Client, json: bool) -> Result<u8, AppError> {
    let rows = rows(client).await?;
    for row in &rows {
        if json {
            out::json(row)?;
            continue;
        }
        let first = row.text.lines().next().unwrap_or_default();
        let first: String = first.chars().take(72).collect();
        out::line(&format!(
            "{:<24} {:<9} {} {}  {:<12} {}",
            out::safe(&row.key),
            row.stratum,
            row.at.date(),
            row.at.clock(),
            approved(row),
            out::safe(&first)
        ))?;
    }
    if rows.is_empty() && !json {
        out::talk("thymos: nothing is remembered in this folder");
    }
    Ok(0)
}

fn approved(row: &MemoryRow) -> &'static str {
    if row.approved {
        "approved"
    } else {
        "not approved"
    }
}

async fn one(client: &mut Client, key: &str) -> Result<MemoryRow, AppError> {
    let found = rows(client).await?.into_iter().find(|row| row.key == key);
    found.ok_or_else(|| {
        let shown: String = key.chars().take(80).collect();
        AppError::new(ErrorKind::User, format!("there is no note `{shown}`"))
            .hint("`thymos memory ls` lists them")
    })
}

async fn show(client: &mut Client, key: &str, json: bool) -> Result<u8, AppError> {
    let row = one(client, key).await?;
    if json {
        out::json(&row)?;
        return Ok(0);
    }
    let line = |name: &str, value: &str| out::line(&format!("{name:<8} {}", out::safe(value)));
    line("note", &format!("{} version {}", row.key, row.version))?;
    line("stratum", &row.stratum)?;
    line("tags", &row.tags.join(", "))?;
    line("kept", &format!("{} {}", row.at.date(), row.at.clock()))?;
    let id: String = row.trajectory.to_string().chars().take(12).collect();
    line("from", &format!("trajectory {id} entry {}", row.seq))?;
    line("operator", approved(&row))?;
    out::line("")?;
    out::line(&out::safe_lines(&row.text))?;
    Ok(0)
}

/// Forgetting is a call like any other: an intent of the operator's, on a trajectory of its own.
async fn forget(client: &mut Client, key: &str) -> Result<u8, AppError> {
    one(client, key).await?;
    let trajectory = match client.ask(Command::begin(Mode::Auto)).await? {
        Replied::Opened(status) => status.trajectory,
        other => return Err(unexpected(&other)),
    };
    let command = Command::Forget {
        trajectory,
        key: key.to_owned(),
    };
    match client.ask(command).await? {
        Replied::Accepted => {}
        other => return Err(unexpected(&other)),
    }
    let mut stands_still = false;
    loop {
        let news = client.news(trajectory, 0).await?;
        for event in &news.events {
            match &event.what {
                What::Committed { .. } => {
                    out::line(&format!("forgotten: {}", out::safe(key)))?;
                    return Ok(0);
                }
                What::Rejected { reason, .. } => {
                    return Err(AppError::new(ErrorKind::Refused, reason.clone())
                        .hint("`thymos audit` tells the whole decision"));
                }
                What::Suspended { .. } => {
                    let message =
                        format!("forgetting `{}` waits for your decision", out::safe(key));
                    return Err(AppError::new(ErrorKind::Held, message)
                        .hint("`thymos approvals ls` lists it"));
                }
                What::Failed { .. } => {
                    let message = format!("`{}` could not be forgotten", out::safe(key));
                    return Err(AppError::new(ErrorKind::Kernel, message)
                        .hint("`thymos memory ls` shows what is there now"));
                }
                _ => {}
            }
        }
        if news.status.running.is_some() {
            client.changed().await?;
            continue;
        }
        // Nothing goes on and nothing ended: it is said why, instead of waiting for ever.
        client.why_it_stands_still(trajectory).await?;
        if stands_still {
            let message = format!("forgetting `{}` did not end", out::safe(key));
            return Err(AppError::new(ErrorKind::Kernel, message)
                .hint("`thymos memory ls` shows what is there now"));
        }
        stands_still = true;
    }
}
