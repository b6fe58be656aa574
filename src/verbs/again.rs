//! `thymos again`: the operator has a call done once more that happens once for a key `[X3]`.

use thymos_core::IntentId;
use thymos_protocol::{Command, Replied, What};

use super::client::{Client, unexpected};
use super::ids;
use crate::args::AgainArgs;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::tell::{Detail, tell};

pub(super) async fn again(client: &mut Client, args: &AgainArgs) -> Result<u8, AppError> {
    let trajectory = ids::trajectory(client, &args.id).await?;
    let entry = ids::entry(client, trajectory, &args.entry).await?;
    if matches!(&entry.what, What::Note { line } if line == "erased") {
        let message = format!(
            "entry {} was erased, and nothing goes on from it",
            entry.seq
        );
        return Err(AppError::new(ErrorKind::User, message)
            .hint("start a new run: what the call was cannot be told any more"));
    }
    let Some(intent) = intent_of(&entry.what) else {
        let message = format!(
            "entry {} is of kind `{}`, and no call",
            entry.seq, entry.kind
        );
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint("name its intent, its rejection or its commit"));
    };
    let mut next = client.open(trajectory).await?.head_seq + 1;
    match client.ask(Command::Again { trajectory, intent }).await? {
        Replied::Accepted => {}
        other => return Err(unexpected(&other)),
    }
    let mut mine = None;
    loop {
        let news = client.news(trajectory, next).await?;
        next += news.events.len() as u64;
        for event in &news.events {
            for line in tell(event, Detail::Brief) {
                out::line(&line)?;
            }
            if matches!(event.what, What::Intended { by_operator, .. } if by_operator) {
                mine = mine.or(intent_of(&event.what));
            }
            if mine.is_none() || intent_of(&event.what) != mine {
                continue;
            }
            match &event.what {
                What::Committed { ok, .. } => return Ok(u8::from(!ok)),
                What::Failed { .. } => return Ok(1),
                What::Rejected { .. } => return Ok(11),
                What::Suspended { .. } => return Ok(10),
                _ => {}
            }
        }
        if news.status.running.is_none() && !news.events.is_empty() {
            client.why_it_stands_still(trajectory).await?;
        }
        client.changed().await?;
    }
}

const fn intent_of(what: &What) -> Option<IntentId> {
    match what {
        What::Intended { intent, .. }
        | What::Rejected { intent, .. }
        | What::Suspended { intent, .. }
        | What::Started { intent, .. }
        | What::Committed { intent, .. }
        | What::Failed { intent, .. } => Some(*intent),
        _ => None,
    }
}
