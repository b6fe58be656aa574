//! `thymos branch`: goes on from a commit of another trajectory `[D2]`. Moves no file.

use serde_json::json;
use thymos_protocol::{Command, Replied};

use super::client::{Client, unexpected};
use super::ids;
use crate::args::BranchArgs;
use crate::error::{AppError, ErrorKind};
use crate::out;

pub(super) async fn branch(client: &mut Client, args: &BranchArgs) -> Result<u8, AppError> {
    let from = ids::trajectory(client, &args.id).await?;
    let commit = ids::entry(client, from, &args.entry).await?;
    if commit.kind != "commit" {
        let message = format!(
            "entry {} is of kind `{}`, and a branch starts from a commit",
            commit.seq, commit.kind
        );
        let hint = format!(
            "`thymos ledger --run {} kind:commit` lists them",
            from.short()
        );
        return Err(AppError::new(ErrorKind::User, message).hint(hint));
    }
    let command = Command::Branch {
        trajectory: from,
        entry: commit.entry,
    };
    let status = match client.ask(command).await? {
        Replied::Opened(status) => status,
        other => return Err(unexpected(&other)),
    };
    let new = status.trajectory;
    if args.json {
        let seq = commit.seq;
        let said = json!({"trajectory": new, "from": from, "entry": commit.entry, "seq": seq, "mode": status.mode});
        out::json(&said)?;
        return Ok(0);
    }
    let (run, at) = (from.short(), commit.seq);
    out::line(&format!("branched: {new}"))?;
    out::line(&format!(
        "  from {run} after entry {at}, mode {}",
        status.mode
    ))?;
    out::line("  files on disk stay as they are now; the branch knows them as they were then")?;
    out::talk(&format!(
        "  to bring the files back: thymos undo {run} --from {}",
        at + 1
    ));
    out::talk(&format!(
        "  to go on: thymos run --resume {} \"...\"",
        new.short()
    ));
    Ok(0)
}
