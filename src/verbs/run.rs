//! `thymos run`: one task without a screen. Never asks; what needs a person stays pending.

use thymos_core::TrajectoryId;
use thymos_core::body::Stop;
use thymos_protocol::{Command, Replied, What};

use super::Setting;
use super::client::{Client, unexpected};
use super::{ids, run_skills, writ};
use crate::args::RunArgs;
use crate::config::Source;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::tell::{Detail, stop_words, tell};

pub(super) async fn run(
    client: &mut Client,
    setting: &Setting<'_>,
    args: &RunArgs,
) -> Result<u8, AppError> {
    let text = args.task.clone().unwrap_or_default();
    if args.resume.is_none() && text.trim().is_empty() {
        return Err(AppError::new(ErrorKind::Usage, "the task is empty")
            .hint("say what is to be done: thymos run \"give me a tour\""));
    }
    // Before anything is made: a file that gives no authority leaves nothing behind.
    let chain = match &args.under.writ {
        Some(file) => Some(writ::usable(setting, file)?),
        None => None,
    };
    let share = writ::budget(args.under.budget.as_deref().unwrap_or_default())?;
    super::policy::warn(client).await?;
    let skills = run_skills::chosen(client, setting, &args.skills).await?;
    let (trajectory, from_seq) = start(client, setting, args).await?;
    if let Some(chain) = chain {
        let command = Command::UseWrit {
            trajectory,
            chain,
            share,
        };
        writ::done(client.ask(command).await?)?;
    }
    run_skills::bind(client, setting, trajectory, skills).await?;
    expect_accepted(client.ask(Command::Prompt { trajectory, text }).await?)?;
    let stop = follow(client, trajectory, from_seq, args.json).await?;
    if args.under.writ.is_some() && stop != Stop::Held {
        // What was not used goes back; what is in doubt keeps the share until it is settled.
        drop(client.ask(Command::CloseWrit { trajectory }).await);
    }
    finish(client, trajectory, &stop, args.json).await
}

async fn start(
    client: &mut Client,
    setting: &Setting<'_>,
    args: &RunArgs,
) -> Result<(TrajectoryId, u64), AppError> {
    if let Some(prefix) = &args.resume {
        let trajectory = ids::trajectory(client, prefix).await?;
        let status = client.open(trajectory).await?;
        // Named on the command line, a mode is a new writ, with a window and a budget of its own.
        if matches!(setting.config.mode.source, Source::Flag(_)) {
            let mode = setting.config.mode.value;
            expect_accepted(client.ask(Command::SetMode { trajectory, mode }).await?)?;
        }
        return Ok((trajectory, status.head_seq + 1));
    }
    match client
        .ask(Command::New {
            mode: setting.config.mode.value,
        })
        .await?
    {
        Replied::Opened(status) => Ok((status.trajectory, 0)),
        other => Err(unexpected(&other)),
    }
}

fn expect_accepted(replied: Replied) -> Result<(), AppError> {
    match replied {
        Replied::Accepted => Ok(()),
        other => Err(unexpected(&other)),
    }
}

/// Prints events as they are recorded until the run stops. Ctrl-C interrupts it once.
async fn follow(
    client: &mut Client,
    trajectory: TrajectoryId,
    mut next: u64,
    json: bool,
) -> Result<Stop, AppError> {
    let interrupt = tokio::signal::ctrl_c();
    tokio::pin!(interrupt);
    let mut listening = true;
    let mut stands_still = false;
    loop {
        let news = client.news(trajectory, next).await?;
        next += news.events.len() as u64;
        let mut stopped = None;
        for event in &news.events {
            if json {
                out::json(event)?;
            } else {
                for line in tell(event, Detail::Brief) {
                    out::line(&line)?;
                }
            }
            if let What::Closed { stop, .. } = &event.what {
                stopped = Some(stop.clone());
            }
        }
        if let Some(stop) = stopped {
            return Ok(stop);
        }
        if news.status.running.is_none() {
            client.why_it_stands_still(trajectory).await?;
            if stands_still {
                let message = "the run stopped before its end, and goes on when it is told to";
                return Err(AppError::new(ErrorKind::Kernel, message)
                    .hint(format!("thymos run --resume {}", trajectory.short_id())));
            }
            stands_still = true;
            continue;
        }
        tokio::select! {
            changed = client.changed() => changed?,
            _ = &mut interrupt, if listening => {
                listening = false;
                out::talk("thymos: stopping");
                client.ask(Command::Interrupt { trajectory }).await?;
            }
        }
    }
}

async fn finish(
    client: &mut Client,
    trajectory: TrajectoryId,
    stop: &Stop,
    json: bool,
) -> Result<u8, AppError> {
    let words = stop_words(stop);
    let kind = match stop {
        Stop::Done => {
            if !json {
                out::talk(&format!("thymos: trajectory {}", trajectory.short_id()));
            }
            return Ok(0);
        }
        Stop::Held => return held(client, trajectory).await,
        Stop::Steps | Stop::Model(_) => ErrorKind::User,
        Stop::Budget(_) => ErrorKind::Budget,
        Stop::Authority(_) => ErrorKind::Refused,
        Stop::Cancelled => ErrorKind::Interrupted,
    };
    let id = trajectory.short_id();
    let hint = match stop {
        Stop::Authority(_) | Stop::Budget(_) => {
            format!("`thymos run --resume {id} --mode edit \"...\"` goes on under a new writ")
        }
        _ => format!("`thymos run --resume {id} \"...\"` goes on"),
    };
    Err(AppError::new(kind, words).hint(hint))
}

/// Names what waits and how to answer it.
async fn held(client: &mut Client, trajectory: TrajectoryId) -> Result<u8, AppError> {
    let rows = ids::holds(client).await?;
    let here: Vec<_> = rows
        .iter()
        .filter(|row| row.trajectory == trajectory)
        .collect();
    out::talk(&format!(
        "thymos: {} waiting for your decision:",
        here.len()
    ));
    for row in &here {
        out::talk(&format!(
            "  {}  {} {}",
            row.card.proposal,
            out::safe(&row.card.tool),
            out::safe(&row.card.line)
        ));
    }
    if let Some(row) = here.first() {
        let id = row.card.proposal.short();
        out::talk(&format!("  look: thymos approvals show {id}"));
        out::talk(&format!(
            "  then: thymos run --resume {}",
            trajectory.short_id()
        ));
    }
    Ok(10)
}

/// Twelve digits: enough to be unique, short enough to type.
trait ShortId {
    fn short_id(&self) -> String;
}

impl ShortId for TrajectoryId {
    fn short_id(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}
