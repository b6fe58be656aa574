//! `thymos checkpoint`: takes, shows and compares signed checkpoints `[L7]`.

use std::path::Path;

use thymos_core::checkpoint::{SignedCheckpoint, notes};
use thymos_core::key::PublicKey;
use thymos_protocol::{CheckpointView, Command, Compared, Replied, Taking};

use super::client::{Client, unexpected};
use crate::args::CheckpointVerb;
use crate::error::{AppError, ErrorKind};
use crate::{out, strict};

pub(super) async fn perform(client: &mut Client, verb: &CheckpointVerb) -> Result<u8, AppError> {
    match verb {
        CheckpointVerb::Make(output) => newest(client, Taking::Verified, output.json).await,
        CheckpointVerb::Show(output) => newest(client, Taking::Nothing, output.json).await,
        CheckpointVerb::Verify { file, keys, json } => compare(client, file, keys, *json).await,
    }
}

async fn newest(client: &mut Client, take: Taking, json: bool) -> Result<u8, AppError> {
    let view = match client.ask(Command::Checkpoint { take }).await? {
        Replied::Checkpoint(view) => view,
        Replied::Parted(words) => {
            let hint = "run `thymos verify`; nothing was signed";
            return Err(AppError::new(ErrorKind::Integrity, words).hint(hint));
        }
        other => return Err(unexpected(&other)),
    };
    if json {
        out::json(&view)?;
        return Ok(0);
    }
    let Some(note) = &view.note else {
        return Err(AppError::new(ErrorKind::User, "there is no checkpoint yet")
            .hint("`thymos checkpoint make` signs the ledger as it is"));
    };
    out::write(note.as_bytes())?;
    for line in about(&view) {
        out::talk(&format!("thymos: {line}"));
    }
    Ok(0)
}

/// `[L7]` Says at the end of some work that its checkpoint was refused or is not outside: what was signed
/// before may contradict the ledger, and nobody may look for long.
pub(super) async fn tell_trouble(client: &mut Client) {
    // Whoever cannot even be asked has said so by what came of the work.
    if let Ok(Replied::CheckpointTrouble(Some(words))) =
        client.ask(Command::CheckpointTrouble).await
    {
        out::talk(&format!(
            "thymos: no new checkpoint outside: {words}; look: thymos verify"
        ));
    }
}

fn about(view: &CheckpointView) -> Vec<String> {
    let mut lines = vec![format!(
        "it covers {} of {} entries, the last of {}",
        view.size.unwrap_or_default(),
        view.entries,
        view.at.map_or_else(
            || "an unknown time".to_owned(),
            |at| format!("{} {}", at.date(), at.clock())
        ),
    )];
    let outside = &view.outside;
    lines.push(match (&outside.trouble, outside.size) {
        (Some(trouble), _) => format!("outside it cannot be read: {trouble}"),
        (None, Some(size)) => {
            let up_to = outside
                .at
                .map(|at| format!(", up to {} {}", at.date(), at.clock()));
            format!(
                "{} covers {size}{}",
                outside.place,
                up_to.unwrap_or_default()
            )
        }
        (None, None) => format!("nothing stands in {}", outside.place),
    });
    lines.push(format!("verifier key {}", view.verifier_key));
    lines
}

async fn compare(
    client: &mut Client,
    file: &Path,
    keys: &[String],
    json: bool,
) -> Result<u8, AppError> {
    let keys: Vec<PublicKey> = keys
        .iter()
        .map(|key| read_key(key))
        .collect::<Result<_, _>>()?;
    let text = strict::text("checkpoint", file)?;
    let mut is_note = false;
    let mut compared = Compared::Unsound("it is empty".to_owned());
    // A file of several is as good as its worst.
    for (_, note) in notes(&text) {
        is_note = SignedCheckpoint::parse(&note).is_ok();
        let keys = keys.clone();
        compared = match client
            .ask(Command::CompareCheckpoint { note, keys })
            .await?
        {
            Replied::Compared(compared) => compared,
            other => return Err(unexpected(&other)),
        };
        if !matches!(compared, Compared::Agrees { .. }) {
            break;
        }
    }
    if json {
        out::json(&compared)?;
        return Ok(if matches!(compared, Compared::Agrees { .. }) {
            0
        } else {
            13
        });
    }
    told(compared, file, is_note)
}

/// Whether a note and the ledger are of one history, or what is wrong with the note.
fn told(compared: Compared, file: &Path, is_note: bool) -> Result<u8, AppError> {
    let shown = file.display();
    let (kind, message, hint) = match compared {
        Compared::Agrees {
            size,
            entries,
            signer,
        } => {
            out::line(&format!(
                "agrees: the ledger's {entries} entries go on from the {size} under it, signed by {}",
                signer.short()
            ))?;
            return Ok(0);
        }
        Compared::LedgerIsOlder { size, entries } => (
            ErrorKind::Integrity,
            format!(
                "the ledger is older than this checkpoint: it has {entries} entries, and {size} were signed"
            ),
            "its tail was cut, or it is a restored backup",
        ),
        Compared::Parted { size } => (
            ErrorKind::Integrity,
            format!("the ledger's first {size} entries are not those that were signed"),
            "it was rewritten, or went on from an older copy",
        ),
        Compared::OtherLog(log) => (
            ErrorKind::User,
            format!("this checkpoint is of another log, {}", log.short()),
            "name its ledger with --ledger",
        ),
        Compared::Unsound(words) if !is_note => (
            ErrorKind::Integrity,
            format!("`{shown}` is no whole checkpoint note: {words}"),
            "ask for it again, signature and all: `thymos checkpoint show` prints one",
        ),
        Compared::Unsound(words) => (
            ErrorKind::Integrity,
            format!("`{shown}`: {words}"),
            "name the key that signed it with --key",
        ),
    };
    Err(AppError::new(kind, message).hint(hint))
}

/// A public key as a person types it.
pub(super) fn read_key(text: &str) -> Result<PublicKey, AppError> {
    text.parse().map_err(|invalid| {
        AppError::new(
            ErrorKind::Usage,
            format!("`{text}` is no public key: {invalid}"),
        )
        .hint("`thymos keys show` prints one")
    })
}
