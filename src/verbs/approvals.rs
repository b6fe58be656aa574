//! `thymos approvals`: the same queue as on screen, from any shell. The first decision wins.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use thymos_core::IntentId;
use thymos_core::approval::{Decision, Via};
use thymos_core::limits::ID_PREFIX_CHARS_MIN;
use thymos_protocol::{
    Answer, Changed, Command, HoldRow, Replied, ScopeChoice, ScopePreview, What,
};

use super::client::{Client, unexpected};
use super::ids;
use super::scope;
use super::settle;
use super::signer::Signer;
use super::stops::{self, Stops};
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::strict;
use crate::tell::{self, Detail, card, tell};

/// What goes with a decision.
pub(super) struct Saying<'a> {
    pub(super) reason: &'a str,
    pub(super) signer: Option<&'a Signer>,
    pub(super) scope: Option<ScopeChoice>,
}

pub(super) async fn list(client: &mut Client, json: bool) -> Result<u8, AppError> {
    let rows = ids::holds(client).await?;
    for row in &rows {
        if json {
            out::json(row)?;
        } else {
            let card = &row.card;
            // Somebody may have agreed and not be whom every rule asks.
            let agreed = match card.quorum {
                0 | 1 if row.approved_by.is_empty() => String::new(),
                needed => format!("  {} of {needed} agree", row.approvals),
            };
            out::line(&format!(
                "{}  {:<8} {:<10} {}  {}{agreed}",
                card.proposal
                    .to_string()
                    .chars()
                    .take(12)
                    .collect::<String>(),
                card.effect.word(),
                out::safe(&card.tool),
                out::safe(&card.line),
                out::safe(&card.reasons.join("; "))
            ))?;
        }
    }
    if rows.is_empty() && !json {
        out::talk("thymos: nothing waits for a decision");
    }
    if !json {
        settle::tell_doubts(&settle::doubts(client, None).await?);
    }
    Ok(0)
}

pub(super) async fn show(client: &mut Client, id: &str, json: bool) -> Result<u8, AppError> {
    let row = ids::hold(client, id).await?;
    if json {
        out::json(&row)?;
        return Ok(0);
    }
    for line in card(&row.card) {
        out::line(&line)?;
    }
    let digest: String = row.card.presented.to_string().chars().take(12).collect();
    let id = row.card.proposal.short();
    out::talk("");
    out::talk(&format!(
        "approve: thymos approvals approve {id} --digest {digest}"
    ));
    out::talk(&format!(
        "deny:    thymos approvals deny {id} --reason \"...\""
    ));
    Ok(0)
}

pub(super) async fn approve(
    client: &mut Client,
    id: &str,
    digest: &str,
    saying: Saying<'_>,
) -> Result<u8, AppError> {
    let row = ids::hold(client, id).await?;
    let presented = row.card.presented.to_string();
    if digest.len() < ID_PREFIX_CHARS_MIN || !presented.starts_with(&digest.to_lowercase()) {
        let shown: String = digest.chars().take(80).collect();
        let message = format!("the digest `{shown}` is not the one of what would run");
        return Err(AppError::new(ErrorKind::Refused, message).hint(format!(
            "read `thymos approvals show {}` and quote its digest",
            row.card.proposal.short()
        )));
    }
    let covered = match saying.scope.clone() {
        Some(scope) => Some(covered(client, &row, scope).await?),
        None => None,
    };
    let code = decide(client, &row, Decision::Approve, saying).await?;
    if let Some(preview) = covered {
        scope::offer_drain(client, &preview).await?;
    }
    Ok(code)
}

/// What the scope would allow, asked before it is signed.
async fn covered(
    client: &mut Client,
    row: &HoldRow,
    scope: ScopeChoice,
) -> Result<ScopePreview, AppError> {
    let command = Command::PreviewScope {
        trajectory: row.trajectory,
        proposal: row.card.proposal,
        scope,
    };
    match client.ask(command).await? {
        Replied::ScopePreview(preview) => Ok(*preview),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn deny(
    client: &mut Client,
    id: &str,
    saying: Saying<'_>,
) -> Result<u8, AppError> {
    let row = ids::hold(client, id).await?;
    decide(client, &row, Decision::Deny, saying).await
}

/// Puts the operator's own version in the place of a held call `[A7]`. It is decided like any call, and held
/// where such a call is.
pub(super) async fn edit(client: &mut Client, id: &str, args: &str) -> Result<u8, AppError> {
    let row = ids::hold(client, id).await?;
    let args = match args {
        "-" => strict::text("the arguments", Path::new("-"))?,
        args => args.to_owned(),
    };
    let args: Value = strict::parse("the arguments", "--args", &args)?;
    if !args.is_object() {
        return Err(
            AppError::new(ErrorKind::User, "the arguments of a call are an object")
                .hint("give all of them by name: --args '{\"path\": \"a\"}'"),
        );
    }
    let stops = Stops::listen()?;
    let next = client.open(row.trajectory).await?.head_seq + 1;
    let command = Command::Edit {
        trajectory: row.trajectory,
        proposal: row.card.proposal,
        args,
    };
    match client.ask(command).await? {
        Replied::Accepted => {}
        Replied::Stale(changed) => return Err(stale(&changed)),
        other => return Err(unexpected(&other)),
    }
    let news = client.news(row.trajectory, next).await?;
    let by = news.events.iter().find_map(|event| match &event.what {
        What::Superseded { by, proposal, .. } if *proposal == row.card.proposal => *by,
        _ => None,
    });
    match by {
        Some(own) => follow(client, (&row, own), next, stops).await,
        None => Err(AppError::new(
            ErrorKind::Internal,
            "the edit is not on record",
        )),
    }
}

async fn decide(
    client: &mut Client,
    row: &HoldRow,
    decision: Decision,
    saying: Saying<'_>,
) -> Result<u8, AppError> {
    let reason = saying.reason;
    // Heard from before the answer on: what follows from it may begin at once.
    let stops = Stops::listen()?;
    let status = client.open(row.trajectory).await?;
    let intent = intent(client, row).await?;
    let signed = match saying.signer {
        Some(signer) => Some(Box::new(signer.answer(&row.card, decision, reason)?)),
        None => None,
    };
    let answer = Answer {
        trajectory: row.trajectory,
        proposal: row.card.proposal,
        presented: row.card.presented,
        decision,
        reason: reason.to_owned(),
        via: Via::Cli,
        // `show` prints all of it, and the digest that must be quoted is printed nowhere else.
        fully_viewed: true,
        scope: saying.scope,
        signed,
    };
    match client.ask(Command::Answer(answer)).await? {
        Replied::Accepted => {}
        Replied::Stale(changed) => return Err(stale(&changed)),
        other => return Err(unexpected(&other)),
    }
    if decision == Decision::Approve {
        let quorum = row.card.quorum;
        // Whoever counts for one rule need not count for another: the kernel says how many do. What its
        // session is asked next, it hears after it has told of this answer.
        client.open(row.trajectory).await?;
        let open = ids::holds(client).await?;
        let now = open
            .iter()
            .find(|open| open.card.proposal == row.card.proposal);
        if let Some(now) = now.filter(|now| now.approvals < quorum) {
            let agreed = tell::quorum(now).unwrap_or_default();
            out::line(&format!("approved: {}", out::safe(&agreed)))?;
            return Ok(10);
        }
    }
    follow(client, (row, intent), status.head_seq + 1, stops).await
}

/// What the held call wants. An admission that finds the world moved records a proposal of its own,
/// so it is the intent by which a call is followed to its end.
async fn intent(client: &mut Client, row: &HoldRow) -> Result<IntentId, AppError> {
    let news = client.news(row.trajectory, row.seq).await?;
    let held = news.events.first().map(|event| &event.what);
    match held {
        Some(What::Suspended { intent, .. }) => Ok(*intent),
        _ => Err(AppError::new(
            ErrorKind::Internal,
            "the hold is not where it was listed",
        )),
    }
}

/// How long a decision that nobody acts on is left to whoever has the run open. That one may have died since:
/// what it held is free then, and nobody rings for that.
const TAKEN_UP: Duration = Duration::from_secs(1);

/// Prints what follows from the decision until the call has ended.
/// A signal that ends programs interrupts it once `[X4]`, where it is this process that does it; where
/// another one has the run open, that one may be at rest or hang, and only the following ends.
async fn follow(
    client: &mut Client,
    (row, call): (&HoldRow, IntentId),
    mut next: u64,
    mut stops: Stops,
) -> Result<u8, AppError> {
    let (mut interrupted, mut begun, mut ended) = (false, false, None);
    loop {
        let news = client.news(row.trajectory, next).await?;
        next += news.events.len() as u64;
        for event in &news.events {
            for line in tell(event, Detail::Brief) {
                out::line(&line)?;
            }
            begun |= matches!(&event.what, What::Started { intent, .. } if *intent == call);
            ended = match &event.what {
                What::Committed { intent, ok, .. } if *intent == call => Some(u8::from(!ok)),
                What::Failed { intent, .. } if *intent == call => Some(1),
                What::Suspended { intent, card } if *intent == call => {
                    let id = card.proposal.short();
                    out::talk(&format!("thymos: look: thymos approvals show {id}"));
                    return Ok(10);
                }
                What::Rejected { intent, denied, .. } if *intent == call => {
                    Some(if *denied { 0 } else { 11 })
                }
                _ => ended,
            };
        }
        // Another call that was cleared meanwhile may be at work here, and would be cut off with this process.
        let acts = news.status.running.as_ref().is_some_and(|work| !work.waits);
        if interrupted && ended == Some(1) && !acts {
            return Err(stops::interrupted());
        }
        if let Some(code) = ended.filter(|_| !acts) {
            let id: String = row.trajectory.to_string().chars().take(12).collect();
            out::talk(&format!(
                "thymos: the model goes on where it is open, or by `thymos run --resume {id}`"
            ));
            return Ok(code);
        }
        if interrupted && news.status.running.is_none() {
            return Err(elsewhere(row));
        }
        if news.events.is_empty() && news.status.running.is_none() {
            client.why_it_stands_still(row.trajectory).await?;
        }
        let trajectory = row.trajectory;
        tokio::select! {
            changed = client.changed() => changed?,
            () = tokio::time::sleep(TAKEN_UP), if !begun && news.status.running.is_none() => {
                let proposals = vec![row.card.proposal];
                // Refused as long as another process has it, and where that one acts on it just now.
                drop(client.ask(Command::Drain { trajectory, proposals }).await);
            }
            () = stops.asked() => {
                interrupted = true;
                client.ask(Command::Interrupt { trajectory }).await?;
                if news.status.running.is_some() {
                    out::talk("thymos: stopping");
                }
            }
        }
    }
}

/// The answer is recorded, and whoever has the run acts on it.
fn elsewhere(row: &HoldRow) -> AppError {
    let id: String = row.trajectory.to_string().chars().take(12).collect();
    let message = "the answer is recorded, and the run goes on where it is open";
    AppError::new(ErrorKind::Interrupted, message)
        .hint(format!("`thymos audit {id}` tells what became of it"))
}

fn stale(changed: &Changed) -> AppError {
    let message = match changed {
        Changed::AlreadyDecided(who) => format!("`{who}` has answered it already"),
        Changed::NotOpen => "it does not wait any more: it was decided or replaced".to_owned(),
        Changed::Ended(why) => format!("it does not wait any more: {why}"),
        Changed::PresentedDiffers => "something else is presented now".to_owned(),
    };
    AppError::new(ErrorKind::Refused, message).hint("`thymos approvals ls` lists what waits")
}
