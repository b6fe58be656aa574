//! `thymos erase`: shows what would go, asks for a typed word, and has it destroyed `[L3]`.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use thymos_core::limits::ID_PREFIX_CHARS_MIN;
use thymos_protocol::{
    Command, ErasureEnd, ErasureName, ErasurePlan, ErasureTargets, Fault, Replied,
};

use super::client::{Client, unexpected};
use super::ids;
use crate::args::EraseArgs;
use crate::error::{AppError, ErrorKind};
use crate::out;

/// Bodies that are listed one by one; of more their kinds are counted.
const LISTED_MAX: usize = 64;

/// `on_server`: the ledger is a database.
pub(super) async fn erase(
    client: &mut Client,
    args: &EraseArgs,
    on_server: bool,
) -> Result<u8, AppError> {
    let reason = reason(args)?;
    let targets = targets(client, args).await?;
    let command = Command::PlanErasure {
        targets: targets.clone(),
        reason: reason.to_owned(),
    };
    let plan = match client.ask(command).await? {
        Replied::ErasurePlan(plan) => *plan,
        Replied::NotErased(fault) => return Err(refused(fault)),
        other => return Err(unexpected(&other)),
    };
    if !args.yes {
        show(&plan, args.json)?;
    }
    if args.dry_run || plan.bodies.is_empty() {
        return Ok(0);
    }
    match &args.plan_digest {
        Some(quoted) => agree(&plan, quoted)?,
        None if out::terminal() == (true, true) && !args.json => confirm(&plan)?,
        None => return Ok(ask_for_word(args, &plan)),
    }
    let command = Command::Erase {
        targets,
        plan: plan.digest,
        reason: reason.to_owned(),
    };
    match client.ask(command).await? {
        Replied::Erased(end) => ended(&end, args.json, on_server),
        Replied::NotErased(fault) => Err(refused(fault)),
        other => Err(unexpected(&other)),
    }
}

fn reason(args: &EraseArgs) -> Result<&str, AppError> {
    let reason = args.reason.as_deref().unwrap_or_default();
    if reason.trim().is_empty() && !args.dry_run {
        return Err(AppError::new(ErrorKind::Usage, "the reason is empty")
            .hint("say why with --reason: it is recorded and stays"));
    }
    Ok(reason)
}

async fn targets(client: &mut Client, args: &EraseArgs) -> Result<ErasureTargets, AppError> {
    let names = match &args.run {
        Some(run) => vec![ErasureName::Run(ids::trajectory(client, run).await?)],
        None => {
            let names = args.names.iter().map(|name| read_name(name));
            names.collect::<Result<_, _>>()?
        }
    };
    Ok(ErasureTargets { names })
}

fn read_name(text: &str) -> Result<ErasureName, AppError> {
    let is_id = |text: &str| {
        (ID_PREFIX_CHARS_MIN..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match text.split_once('#') {
        Some((run, seq)) if is_id(run) => {
            if let Ok(seq) = seq.parse() {
                return Ok(ErasureName::Place(run.to_lowercase(), seq));
            }
        }
        None if is_id(text) => return Ok(ErasureName::Entry(text.to_lowercase())),
        Some(_) | None => {}
    }
    let shown: String = out::safe(text).chars().take(80).collect();
    let message = format!("`{shown}` names no entry");
    Err(AppError::new(ErrorKind::Usage, message).hint(
        "give the start of an entry id, or RUN#SEQ such as 3f9a12cd#7; `thymos ledger` lists both",
    ))
}

fn show(plan: &ErasurePlan, json: bool) -> Result<(), AppError> {
    if json {
        return out::json(plan);
    }
    let lines = match plan.bodies.is_empty() {
        true => vec![nothing(plan)],
        false => lines(plan),
    };
    lines.iter().try_for_each(|line| out::line(line))
}

fn nothing(plan: &ErasurePlan) -> String {
    match plan.already {
        0 => format!("nothing of run {} can be erased", plan.trajectory.short()),
        1 => "it is erased already".to_owned(),
        many => format!("all {many} are erased already"),
    }
}

fn lines(plan: &ErasurePlan) -> Vec<String> {
    let run = plan.trajectory.short();
    let mut lines = vec![
        format!("plan {}", plan.digest),
        format!(
            "goes for good: {} of run {run}, {} bytes{}",
            bodies(plan.bodies.len() as u64),
            plan.bytes,
            blobs(plan)
        ),
    ];
    lines.extend(rows(plan));
    lines.push(format!(
        "stays: {} of the run, and of those that go the header: place, time, kind, writer and ids; every \
         proof holds",
        bodies(plan.stay)
    ));
    if plan.blobs_kept > 0 {
        lines.push(format!(
            "stays: {} blobs that something else mentions",
            plan.blobs_kept
        ));
    }
    if plan.already > 0 {
        lines.push(format!("erased already: {}", plan.already));
    }
    lines.push(unverified(plan));
    lines.push(format!(
        "nothing goes on from run {run} afterwards: it can be read, exported and verified"
    ));
    let branches = plan.branches.iter();
    lines.extend(branches.map(|id| format!("nor from branch {}, which stands on it", id.short())));
    lines
}

fn rows(plan: &ErasurePlan) -> Vec<String> {
    if plan.bodies.len() > LISTED_MAX {
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for row in &plan.bodies {
            *kinds.entry(&row.kind).or_default() += 1;
        }
        let kinds = kinds.into_iter();
        return kinds
            .map(|(kind, count)| format!("  {count:>6} {kind}"))
            .collect();
    }
    let rows = plan.bodies.iter();
    rows.map(|row| {
        let along = if row.along { ", of the same call" } else { "" };
        format!(
            "  {:>6} {} {} {:<17} {} bytes{along}",
            row.seq,
            row.entry.short(),
            row.at_ms.clock(),
            row.kind,
            row.bytes
        )
    })
    .collect()
}

fn unverified(plan: &ErasurePlan) -> String {
    match plan.unchecked_from {
        None => "still verified: everything else, to V4".to_owned(),
        Some(seq) => format!(
            "no longer verified: V2 state and V3 facts behind entry {seq}, and {}; `thymos verify` \
             says how many bodies are gone",
            verdicts(plan.verdicts)
        ),
    }
}

fn verdicts(count: u64) -> String {
    match count {
        1 => "1 verdict".to_owned(),
        many => format!("{many} verdicts"),
    }
}

fn bodies(count: u64) -> String {
    match count {
        1 => "1 body".to_owned(),
        many => format!("{many} bodies"),
    }
}

fn blobs(plan: &ErasurePlan) -> String {
    match plan.blobs {
        0 => String::new(),
        1 => format!(", and a blob of {} bytes", plan.blob_bytes),
        many => format!(", and {many} blobs of {} bytes", plan.blob_bytes),
    }
}

/// What cannot be taken back is typed out, not agreed to with a key.
fn confirm(plan: &ErasurePlan) -> Result<(), AppError> {
    let word = format!("erase {}", plan.bodies.len());
    out::talk(&format!(
        "thymos: this cannot be undone; type `{word}` to do it:"
    ));
    let mut typed = String::new();
    // No answer is a no.
    drop(io::stdin().lock().read_line(&mut typed));
    match typed.trim() == word {
        true => Ok(()),
        false => {
            let message = "that was something else, and nothing was erased";
            Err(AppError::new(ErrorKind::Refused, message)
                .hint(format!("type exactly `{word}`, or use --yes --plan-digest")))
        }
    }
}

/// Without a terminal the same command with the digest is the answer.
fn ask_for_word(args: &EraseArgs, plan: &ErasurePlan) -> u8 {
    let names = match &args.run {
        Some(run) => format!("--run {run}"),
        None => args.names.join(" "),
    };
    let digest = plan.digest;
    out::talk("thymos: nothing was touched; to do exactly this, for good:");
    out::talk(&format!(
        "  thymos erase {names} --reason {} --yes --plan-digest {digest}",
        quoted(args.reason.as_deref().unwrap_or_default())
    ));
    10
}

/// As one word of a shell. What a terminal may not be sent stands there as it is shown: then it is another
/// reason, and refused.
fn quoted(text: &str) -> String {
    format!("'{}'", out::safe(text).replace('\'', "'\\''"))
}

fn agree(plan: &ErasurePlan, quoted: &str) -> Result<(), AppError> {
    if quoted.len() < ID_PREFIX_CHARS_MIN {
        let message = format!("`{quoted}` is too short to name a plan");
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint(format!("give at least {ID_PREFIX_CHARS_MIN} hex digits")));
    }
    if plan.digest.to_string().starts_with(&quoted.to_lowercase()) {
        return Ok(());
    }
    let message = "what would go, or why, is not what was shown, and nothing was erased";
    Err(AppError::new(ErrorKind::Refused, message).hint("look at it again with --dry-run"))
}

fn ended(end: &ErasureEnd, json: bool, on_server: bool) -> Result<u8, AppError> {
    if json {
        out::json(end)?;
    } else {
        let blobs = match end.blobs {
            0 => String::new(),
            1 => " and 1 blob".to_owned(),
            many => format!(" and {many} blobs"),
        };
        out::line(&format!("erased: {}{blobs}", bodies(end.bodies)))?;
    }
    if end.left_over {
        out::talk(
            "thymos: another process is reading, so copies still stand in the store's own files; they \
             go when the ledger is next opened",
        );
    }
    if on_server {
        out::talk(
            "thymos: the server keeps older copies in freed space, its log and its backups: \
             docs/guide/postgres.md",
        );
    }
    Ok(0)
}

fn refused(fault: Fault) -> AppError {
    let error = AppError::new(ErrorKind::Refused, fault.message);
    match fault.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
