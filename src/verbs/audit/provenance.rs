//! `thymos audit --of`: where an entry or a resource comes from, back to who asked for it, and what came
//! of it. Prints what the kernel found, and guesses nothing.

use thymos_core::TrajectoryId;
use thymos_core::delta::Resource;
use thymos_core::limits::ID_PREFIX_CHARS_MIN;
use thymos_protocol::{Command, Provenance, ProvenanceOf, ProvenanceStep, Replied};

use crate::args::AuditArgs;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::tell;
use crate::verbs::client::{Client, unexpected};
use crate::verbs::ids;

pub(super) async fn tell(
    client: &mut Client,
    trajectory: TrajectoryId,
    what: &str,
    args: &AuditArgs,
) -> Result<u8, AppError> {
    let of = named(client, trajectory, what, args).await?;
    let found = match client.ask(Command::Provenance { trajectory, of }).await? {
        Replied::Provenance(Some(found)) => found,
        other => return Err(unexpected(&other)),
    };
    if args.json {
        out::json(&found)?;
    } else {
        print(&found)?;
    }
    Ok(0)
}

/// What a person means: digits are an entry's number, hex digits the start of its id, all else is a
/// resource, and a path by itself is a file's.
async fn named(
    client: &mut Client,
    trajectory: TrajectoryId,
    what: &str,
    args: &AuditArgs,
) -> Result<ProvenanceOf, AppError> {
    let is_number = !what.is_empty() && what.bytes().all(|b| b.is_ascii_digit());
    let is_id = what.len() >= ID_PREFIX_CHARS_MIN && what.bytes().all(|b| b.is_ascii_hexdigit());
    if is_number || is_id {
        if args.at.is_some() {
            let message = "--at goes with a file or a resource, and this names an entry";
            let hint = format!("a file of that name is `file:{what}`");
            return Err(AppError::new(ErrorKind::Usage, message).hint(hint));
        }
        let entry = ids::entry(client, trajectory, what).await?;
        return Ok(ProvenanceOf::Seq(entry.seq));
    }
    let seq = match &args.at {
        Some(at) => ids::entry(client, trajectory, at).await?.seq,
        None => u64::MAX,
    };
    let resource = match Resource::parse(what) {
        Some(resource) => resource.text(),
        None => format!("file:{what}"),
    };
    Ok(ProvenanceOf::Resource { resource, seq })
}

fn print(found: &Provenance) -> Result<(), AppError> {
    let about = match &found.resource {
        Some(resource) if found.back.is_empty() => {
            format!("{}, set by no entry", out::safe(resource))
        }
        Some(resource) => format!("{}, set at {}", out::safe(resource), found.seq),
        None => format!("entry {}", found.seq),
    };
    out::line(&format!("provenance: {about}"))?;
    for step in &found.back {
        out::line(&line(step, found))?;
    }
    out::line(match found.forward.is_empty() {
        true => "nothing in the record came of it",
        false => "what came of it:",
    })?;
    for step in &found.forward {
        out::line(&line(step, found))?;
    }
    if found.forward_left > 0 {
        out::line(&format!("and {} more entries", found.forward_left))?;
    }
    for note in &found.notes {
        out::line(&format!("note: {}", out::safe(note)))?;
    }
    Ok(())
}

/// `  wanted         35  intent: fs_write src/lib.rs`, with the run where it is another one.
fn line(step: &ProvenanceStep, found: &Provenance) -> String {
    let event = &step.event;
    let told = match tell::row(event) {
        nothing if nothing.is_empty() => out::safe(&event.kind),
        told => told,
    };
    let mut place = format!("{:>6}", event.seq);
    if event.trajectory != found.trajectory {
        place.push_str(&format!(" of {}", event.trajectory.short()));
    }
    let by = match &step.resource {
        Some(resource) if found.resource.is_none() => format!("{}: ", out::safe(resource)),
        Some(_) | None => String::new(),
    };
    format!("  {:<11} {place}  {by}{told}", step.relation.words())
}
