//! `thymos run`: one task without a screen. Never asks; what needs a person stays pending.

use std::collections::BTreeSet;

use thymos_core::body::Stop;
use thymos_core::budget::Dimension;
use thymos_core::trace::Clause;
use thymos_core::writ::Mode;
use thymos_core::{IntentId, TrajectoryId};
use thymos_protocol::{Command, Replied, RunRow, SkillChoice, Status, Under, What};

use super::Setting;
use super::client::{Client, unexpected};
use super::settle;
use super::stops::Stops;
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
    let authority = asked_for(client, setting, args).await?;
    super::policy::warn(client).await?;
    let (trajectory, from_seq) = start(client, setting, args, authority).await?;
    if args.under.writ.is_some() && !args.json {
        let status = client.open(trajectory).await?;
        let share = writ::budget_words(&status.writ.budget);
        out::talk(&format!("thymos: its share: {share}"));
    }
    expect_accepted(client.ask(Command::Prompt { trajectory, text }).await?)?;
    let (stop, calls) = follow(client, trajectory, from_seq, args.json).await?;
    if stop != Stop::Held && client.open(trajectory).await?.mode == Mode::Custom {
        // What was not used of a writ file's share goes back, also where an earlier run took it; what is in
        // doubt keeps the share until it is settled.
        drop(client.ask(Command::CloseWrit { trajectory }).await);
    }
    if !args.json {
        settle::tell_doubts(&settle::doubts(client, Some(trajectory)).await?);
    }
    if stop == Stop::Done && calls.all_refused() {
        let message = "every call was refused, so nothing was done";
        let id = trajectory.short_id();
        let hint = format!("`thymos audit {id}` says which clause refused each");
        return Err(AppError::new(ErrorKind::Refused, message).hint(hint));
    }
    finish(client, trajectory, &stop, args.json).await
}

/// What became of the calls of a run.
#[derive(Default)]
struct Calls {
    /// By authority, budget or policy.
    refused: u64,
    made: u64,
    /// Those that were wanted since.
    wanted: BTreeSet<IntentId>,
}

impl Calls {
    fn count(&mut self, what: &What) {
        match what {
            // A call that makes no sense was not refused by anybody: the model reads why, as of a failure.
            // Nor is a call that waited from before of this run.
            What::Rejected { clause, intent, .. }
                if !matches!(clause, Clause::C7 | Clause::C12) && self.wanted.contains(intent) =>
            {
                self.refused += 1;
            }
            What::Intended { intent, .. } => {
                self.wanted.insert(*intent);
            }
            What::Started { .. } => self.made += 1,
            _ => {}
        }
    }

    /// Some were wanted, and nobody would allow any of them.
    const fn all_refused(&self) -> bool {
        self.refused > 0 && self.made == 0
    }
}

/// What a run is to act under; none where one that goes on keeps what is in force.
struct Authority {
    under: Option<Under>,
    skills: Vec<SkillChoice>,
}

/// Reads it from files and flags. What can be told wrong is told here, before the kernel is asked.
async fn asked_for(
    client: &mut Client,
    setting: &Setting<'_>,
    args: &RunArgs,
) -> Result<Authority, AppError> {
    let mode = &setting.config.mode;
    let share = writ::budget(args.under.budget.as_deref().unwrap_or_default())?;
    let under = match &args.under.writ {
        Some(file) => Some(Under::Writ {
            chain: writ::usable(setting.config, file)?,
            share,
        }),
        // Named on the command line, a mode is a new writ, with a window and a budget of its own.
        None if args.resume.is_none() || matches!(mode.source, Source::Flag(_)) => {
            Some(Under::Mode(mode.value))
        }
        None => None,
    };
    let skills = run_skills::chosen(client, setting, &args.skills).await?;
    Ok(Authority { under, skills })
}

/// The trajectory, with the authority that was asked for; where something of it is refused, nothing is
/// made and nothing changes.
async fn start(
    client: &mut Client,
    setting: &Setting<'_>,
    args: &RunArgs,
    authority: Authority,
) -> Result<(TrajectoryId, u64), AppError> {
    let Authority { under, skills } = authority;
    let with_skills = !skills.is_empty();
    let started = match (&args.resume, under) {
        (Some(prefix), under) => {
            let trajectory = ids::trajectory(client, prefix).await?;
            let status = client.open(trajectory).await?;
            if under.is_some() || with_skills {
                let take = Command::Take {
                    trajectory,
                    under,
                    skills,
                };
                writ::done(client.ask(take).await?)?;
            }
            (trajectory, status.head_seq + 1)
        }
        (None, under) => {
            let under = under.unwrap_or(Under::Mode(setting.config.mode.value));
            match client.ask(Command::New { under, skills }).await? {
                Replied::Opened(status) => (status.trajectory, 0),
                other => return Err(writ::not_done(other)),
            }
        }
    };
    if with_skills {
        prefer_model(client, setting, started.0).await?;
    }
    Ok(started)
}

/// A model that was named on the command line outranks what skills suggest.
async fn prefer_model(
    client: &mut Client,
    setting: &Setting<'_>,
    trajectory: TrajectoryId,
) -> Result<(), AppError> {
    let model = &setting.config.model;
    if let (Some(model), Source::Flag(_)) = (&model.value, &model.source) {
        let model = model.clone();
        expect_accepted(client.ask(Command::SetModel { trajectory, model }).await?)?;
    }
    Ok(())
}

fn expect_accepted(replied: Replied) -> Result<(), AppError> {
    match replied {
        Replied::Accepted => Ok(()),
        other => Err(unexpected(&other)),
    }
}

/// Prints events as they are recorded until the run stops. A signal that ends programs interrupts it once.
async fn follow(
    client: &mut Client,
    trajectory: TrajectoryId,
    mut next: u64,
    json: bool,
) -> Result<(Stop, Calls), AppError> {
    let mut stops = Stops::listen()?;
    let mut stands_still = false;
    let mut calls = Calls::default();
    let mut unpriced = false;
    loop {
        let news = client.news(trajectory, next).await?;
        next += news.events.len() as u64;
        let mut stopped = None;
        for event in &news.events {
            calls.count(&event.what);
            if !unpriced && no_price(&event.what, &news.status) {
                unpriced = true;
                out::talk(
                    "thymos: the price of this model is not known, so the budget of money does not bind; give \
                     `prices` to its provider in config.toml",
                );
            }
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
            return Ok((stop, calls));
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
        // [D1] What it delegated may wait for a person, and then nothing goes on until one has answered.
        let waits = news
            .status
            .running
            .as_ref()
            .is_some_and(|running| running.waits);
        if waits && waits_for_people(client, trajectory).await? {
            return Ok((Stop::Held, calls));
        }
        tokio::select! {
            changed = client.changed() => changed?,
            () = stops.asked() => {
                out::talk("thymos: stopping");
                client.ask(Command::Interrupt { trajectory }).await?;
            }
        }
    }
}

/// `[B1]` Whether a model was paid for at a price that nobody knows, while money is limited.
fn no_price(what: &What, status: &Status) -> bool {
    let unknown = match what {
        What::Used {
            usd_millicents,
            tokens_in,
            ..
        } => usd_millicents.is_none() && *tokens_in > 0,
        _ => false,
    };
    let mut bars = status.writ.budget.iter();
    unknown && bars.any(|bar| bar.dimension == Dimension::UsdMillicents && bar.limit.is_some())
}

/// Whether a run waits for delegated ones alone, and each of those is held or in doubt, or waits in the same way.
async fn waits_for_people(client: &mut Client, trajectory: TrajectoryId) -> Result<bool, AppError> {
    let rows = match client.ask(Command::Runs).await? {
        Replied::Runs(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    let row = rows.iter().find(|row| row.trajectory == trajectory);
    Ok(row.is_some_and(|row| is_stuck(row, &rows)))
}

fn is_stuck(row: &RunRow, rows: &[RunRow]) -> bool {
    if row.state != "waiting" {
        return false;
    }
    let stuck = rows.iter().filter(|child| {
        let parent = child.parent.as_ref();
        let below = parent.is_some_and(|up| !up.branched && up.trajectory == row.trajectory);
        let asks = matches!(child.state.as_str(), "held" | "in doubt");
        below && (asks || is_stuck(child, rows))
    });
    // One that is being born has no row yet, and may have something to do.
    stuck.count() as u64 >= row.agents.max(1)
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
            // The mode that it had: going on must not widen anything by itself.
            let mode = client.open(trajectory).await?.mode;
            let (under, or) = match mode {
                Mode::Custom => ("--writ FILE".to_owned(), ", or with `--mode MODE`"),
                Mode::Plan | Mode::Edit | Mode::Auto => (format!("--mode {mode}"), ""),
            };
            format!("`thymos run --resume {id} {under} \"...\"` goes on under a new writ{or}")
        }
        // What was not used of the share went back.
        Stop::Cancelled if client.open(trajectory).await?.mode == Mode::Custom => {
            format!("`thymos run --resume {id} --writ FILE \"...\"` goes on with another share")
        }
        _ => format!("`thymos run --resume {id} \"...\"` goes on"),
    };
    Err(AppError::new(kind, words).hint(hint))
}

/// Names what waits, here and in what was delegated, and how to answer it.
async fn held(client: &mut Client, trajectory: TrajectoryId) -> Result<u8, AppError> {
    let rows = ids::holds(client).await?;
    let here: Vec<_> = rows
        .iter()
        .filter(|row| row.trajectory == trajectory || row.lineage.contains(&trajectory))
        .collect();
    if here.is_empty() {
        // What is in doubt was told before, with the way to settle it.
        let id = trajectory.short_id();
        out::talk(&format!(
            "thymos: nothing goes on before that is settled; then: thymos run --resume {id}"
        ));
        return Ok(10);
    }
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
