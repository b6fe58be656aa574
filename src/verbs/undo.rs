//! `thymos undo`: takes back what a trajectory did, after its plan was shown and quoted `[D3]`. Never
//! asks.

use thymos_core::limits::ID_PREFIX_CHARS_MIN;
use thymos_protocol::{Command, Replied, UndoEnd, UndoPlan, UndoStep};

use super::client::{Client, unexpected};
use super::ids;
use crate::args::UndoArgs;
use crate::error::{AppError, ErrorKind};
use crate::out;

pub(super) async fn undo(client: &mut Client, args: &UndoArgs) -> Result<u8, AppError> {
    let trajectory = ids::trajectory(client, &args.id).await?;
    let (of, from_seq) = match &args.from {
        Some(named) => ids::entry_below(client, trajectory, named).await?,
        None => (trajectory, 0),
    };
    let command = Command::PlanUndo {
        trajectory,
        of,
        from_seq,
    };
    let plan = match client.ask(command).await? {
        Replied::UndoPlan(plan) => plan,
        other => return Err(unexpected(&other)),
    };
    if !args.yes {
        show(&plan, args.json)?;
    }
    if let Some(quoted) = args.plan_digest.as_deref().filter(|_| args.yes) {
        agree(&plan, quoted)?;
    }
    if plan.steps.is_empty() {
        return Ok(0);
    }
    let possible = plan
        .steps
        .iter()
        .filter(|step| step.cannot.is_none())
        .count();
    if possible == 0 || !(plan.complete || args.partial || args.plan) {
        return Err(impossible(&plan, possible));
    }
    if args.plan {
        return Ok(0);
    }
    match &args.plan_digest {
        Some(_) if args.yes => {
            let command = Command::Undo {
                trajectory,
                of,
                from_seq,
                plan: plan.digest,
                partial: args.partial,
            };
            carry_out(client, command, &plan, args).await
        }
        Some(_) | None => Ok(ask_for_word(args, &plan)),
    }
}

fn show(plan: &UndoPlan, json: bool) -> Result<(), AppError> {
    if json {
        return out::json(plan);
    }
    match plan.steps.is_empty() {
        true => out::line("nothing to undo")?,
        false => out::line(&format!("plan {}", plan.digest))?,
    }
    for step in &plan.steps {
        step_lines(step)
            .iter()
            .try_for_each(|line| out::line(line))?;
    }
    for unseen in &plan.unseen {
        out::line(&format!(
            "note: {}; what was changed there stays",
            out::safe(unseen)
        ))?;
    }
    Ok(())
}

fn step_lines(step: &UndoStep) -> Vec<String> {
    let head = format!("{} {}", out::safe(&step.tool), out::safe(&step.line));
    let mut lines = vec![format!(
        "{:>5} {} {}",
        step.seq,
        step.trajectory.short(),
        head.trim_end()
    )];
    lines.extend(
        step.will
            .iter()
            .map(|will| format!("      {}", out::safe(will))),
    );
    if let Some(why) = &step.cannot {
        lines.push(format!("      CANNOT: {}", out::safe(why)));
    }
    lines
}

fn impossible(plan: &UndoPlan, possible: usize) -> AppError {
    let total = plan.steps.len();
    let first = plan.steps.iter().find_map(|step| step.cannot.as_deref());
    let why = first.unwrap_or("the plan is not complete");
    let left = total - possible;
    let message =
        format!("{left} of {total} steps cannot be undone, and nothing was touched: {why}");
    let error = AppError::new(ErrorKind::Refused, message);
    match possible {
        _ if why.contains("settle it first") => error
            .hint("`thymos settle` lists what is in doubt, `thymos stop RUN` ends what is at work"),
        _ if why.contains("another process") => {
            error.hint("close it there, or wait for it, and undo then")
        }
        _ if why.contains("has not ended") => {
            error.hint("let it end, or `thymos stop` the run above it; then undo")
        }
        0 => error.hint("what it did has to be taken back by hand"),
        _ => error.hint("--partial undoes the others"),
    }
}

/// Headless commands never ask: the same command with the digest is the answer.
fn ask_for_word(args: &UndoArgs, plan: &UndoPlan) -> u8 {
    let from = args
        .from
        .as_ref()
        .map_or_else(String::new, |from| format!(" --from {from}"));
    let partial = if args.partial { " --partial" } else { "" };
    let (id, digest) = (&args.id, plan.digest);
    out::talk("thymos: nothing was touched; to do exactly this:");
    out::talk(&format!(
        "  thymos undo {id}{from}{partial} --yes --plan-digest {digest}"
    ));
    10
}

fn agree(plan: &UndoPlan, quoted: &str) -> Result<(), AppError> {
    if quoted.len() < ID_PREFIX_CHARS_MIN {
        let message = format!("`{quoted}` is too short to name a plan");
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint(format!("give at least {ID_PREFIX_CHARS_MIN} hex digits")));
    }
    if plan.digest.to_string().starts_with(&quoted.to_lowercase()) {
        return Ok(());
    }
    let message = "the plan changed since it was shown, and nothing was touched";
    Err(AppError::new(ErrorKind::Refused, message).hint("look at it again without --yes"))
}

async fn carry_out(
    client: &mut Client,
    command: Command,
    plan: &UndoPlan,
    args: &UndoArgs,
) -> Result<u8, AppError> {
    let end = match client.ask(command).await? {
        Replied::Undone(end) => end,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(&end)?;
    } else {
        let done = plan.steps.iter().filter(|step| step.cannot.is_none());
        for step in done.take(usize::try_from(end.done).unwrap_or(usize::MAX)) {
            for line in step_lines(step) {
                out::line(&line)?;
            }
        }
        out::line(&format!("undone: {} of {}", end.done, end.of))?;
        if let Some(first) = &end.first {
            let (id, first) = (&args.id, first.short());
            out::talk(&format!(
                "thymos: `thymos undo {id} --from {first}` does it again"
            ));
        }
    }
    ended(&end)
}

fn ended(end: &UndoEnd) -> Result<u8, AppError> {
    let Some(stop) = &end.stopped else {
        return Ok(0);
    };
    let (line, reason) = (out::safe(&stop.line), out::safe(&stop.reason));
    let kind = match stop.held {
        true => ErrorKind::Held,
        false => ErrorKind::Refused,
    };
    let message = format!("the undo stopped at `{line}`: {reason}");
    let hint = match stop.held {
        true => "`thymos approvals ls` shows what waits; then undo the rest",
        false => "what was undone stays undone; look at the plan again for the rest",
    };
    Err(AppError::new(kind, message).hint(hint))
}
