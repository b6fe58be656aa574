//! `thymos export`: a bundle of the log or of one trajectory `[L16]`, or a trajectory as a story or as lines.

use std::path::Path;

use serde_json::json;
use thymos_core::{Kind, TrajectoryId};
use thymos_protocol::{Command, Replied, Taking};

use super::client::{Client, unexpected};
use super::{Setting, ids, with_client};
use crate::args::{ExportArgs, Format};
use crate::error::{AppError, ErrorKind};
use crate::near::nearest;
use crate::out;
use crate::wire::bundles::{self, Exported, Order, Withheld};
use crate::wire::files::Place;
use crate::wire::trust::TrustFile;

mod markdown;
mod told;

/// A checkpoint over everything, the trajectory that was meant, and what of it is withheld.
struct Ground {
    note: String,
    trajectory: Option<TrajectoryId>,
    withheld: Withheld,
}

pub(super) fn export(setting: &Setting<'_>, args: &ExportArgs) -> Result<u8, AppError> {
    match args.format {
        Format::Bundle => bundle(setting, args),
        Format::Markdown | Format::Jsonl => {
            of_one_run(args)?;
            told::export(setting, args)
        }
    }
}

/// What only a bundle can do.
fn of_one_run(args: &ExportArgs) -> Result<(), AppError> {
    let word = args.format.word();
    if args.all {
        let message = format!("--all is the whole log, and {word} tells one trajectory");
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint("name one, as `thymos runs` lists them, or leave --format out for a bundle"));
    }
    if !args.withhold.is_empty() {
        let message = format!("--withhold leaves out of a bundle, and not of {word}");
        return Err(
            AppError::new(ErrorKind::Usage, message).hint("leave --format out for a bundle")
        );
    }
    Ok(())
}

/// Where it goes: the file that was named, or a new one in the folder of the work.
fn place(
    setting: &Setting<'_>,
    args: &ExportArgs,
    trajectory: Option<TrajectoryId>,
) -> Result<Place, AppError> {
    if let Some(file) = &args.out {
        return Ok(Place::Named {
            file: file.clone(),
            force: args.force,
        });
    }
    if args.force {
        let message = "--force replaces a file that is named, and none is";
        return Err(AppError::new(ErrorKind::Usage, message).hint("name it with -o FILE"));
    }
    let of = trajectory.map_or_else(|| "log".to_owned(), |id| id.short());
    Ok(Place::Free {
        folder: setting.directory.to_path_buf(),
        stem: format!("thymos-{of}"),
        ending: args.format.ending(),
    })
}

fn bundle(setting: &Setting<'_>, args: &ExportArgs) -> Result<u8, AppError> {
    // Read before anything is signed for it.
    let wanted = Wanted::read(&args.withhold)?;
    let ground = with_client(setting, async |client| ground(client, args, &wanted).await)?;
    let trust = TrustFile::read(&setting.config.paths)?;
    let known = trust.map(|trust| trust.roots()).unwrap_or_default();
    let order = Order {
        place: place(setting, args, ground.trajectory)?,
        note: &ground.note,
        trajectory: ground.trajectory,
        every_tenant: args.all_tenants,
        withheld: ground.withheld,
        known: &known,
    };
    let (exported, file) = bundles::export(setting.env, setting.config, order)?;
    tell(args, &exported, &file)
}

async fn ground(
    client: &mut Client,
    args: &ExportArgs,
    wanted: &Wanted,
) -> Result<Ground, AppError> {
    let trajectory = match &args.id {
        Some(prefix) => Some(ids::trajectory(client, prefix).await?),
        None => None,
    };
    let withheld = Withheld {
        entries: match trajectory {
            Some(trajectory) => indexes(client, trajectory, &wanted.numbers).await?,
            None => wanted.numbers.clone(),
        },
        kinds: wanted.kinds.clone(),
    };
    let view = match client
        .ask(Command::Checkpoint {
            take: Taking::AsItStands,
        })
        .await?
    {
        Replied::Checkpoint(view) => view,
        Replied::Parted(words) => {
            let hint = "run `thymos verify`; nothing was written";
            return Err(AppError::new(ErrorKind::Integrity, words).hint(hint));
        }
        other => return Err(unexpected(&other)),
    };
    let none = || AppError::new(ErrorKind::User, "there is nothing to export");
    Ok(Ground {
        note: view.note.ok_or_else(none)?,
        trajectory,
        withheld,
    })
}

/// Positions in the log of entries that were named by sequence number.
async fn indexes(
    client: &mut Client,
    trajectory: TrajectoryId,
    numbers: &[u64],
) -> Result<Vec<u64>, AppError> {
    let mut indexes = Vec::new();
    if !numbers.is_empty() {
        client.open(trajectory).await?;
    }
    for number in numbers {
        let command = Command::Page {
            trajectory,
            from_seq: *number,
            limit: 1,
        };
        let page = match client.ask(command).await? {
            Replied::Page(page) => page,
            other => return Err(unexpected(&other)),
        };
        let event = page.events.first().filter(|event| event.seq == *number);
        let none = || {
            let message = format!("trajectory {} has no entry {number}", trajectory.short());
            AppError::new(ErrorKind::User, message).hint("`thymos ledger` lists its entries")
        };
        indexes.push(event.ok_or_else(none)?.index);
    }
    Ok(indexes)
}

/// What was asked to be left out.
struct Wanted {
    numbers: Vec<u64>,
    kinds: Vec<String>,
}

impl Wanted {
    fn read(words: &[String]) -> Result<Self, AppError> {
        let (mut numbers, mut kinds) = (Vec::new(), Vec::new());
        for word in words {
            if let Ok(number) = word.parse() {
                numbers.push(number);
            } else if let Some(kind) = Kind::parse(word) {
                kinds.push(kind.word().to_owned());
            } else {
                let shown: String = word.chars().take(40).collect();
                let error = AppError::new(
                    ErrorKind::Usage,
                    format!("`{shown}` is neither a kind of entry nor a number"),
                );
                let known = Kind::ALL.iter().map(|kind| kind.word());
                return Err(error.hint(match nearest(word, known) {
                    Some(kind) => format!("did you mean `{kind}`?"),
                    None => "a kind is a word such as message, intent or commit".to_owned(),
                }));
            }
        }
        if kinds.iter().any(|kind| kind == Kind::Erased.word()) {
            let message =
                "an `erased` entry says why another reads nothing, and cannot be withheld";
            return Err(AppError::new(ErrorKind::Usage, message).hint("name another kind"));
        }
        numbers.sort_unstable();
        numbers.dedup();
        kinds.sort_unstable();
        kinds.dedup();
        Ok(Self { numbers, kinds })
    }
}

fn tell(args: &ExportArgs, exported: &Exported, file: &Path) -> Result<u8, AppError> {
    let Exported {
        manifest,
        withheld,
        erased,
    } = exported;
    if args.json {
        out::json(&json!({
            "file": file, "format": args.format.word(), "log": manifest.log, "trajectory": manifest.trajectory,
            "size": manifest.size, "entries": manifest.entries, "blobs": manifest.blobs,
            "absent": manifest.absent, "withheld": withheld, "erased": erased,
        }))?;
        return Ok(0);
    }
    out::line(&format!(
        "exported: {} entries and {} blobs, under the checkpoint of {} entries, to {}",
        manifest.entries,
        manifest.blobs,
        manifest.size,
        out::safe(&file.display().to_string())
    ))?;
    for (count, what) in [
        (*withheld, "bodies withheld"),
        (*erased, "bodies were erased before"),
        (
            manifest.absent,
            "blobs that the ledger does not keep (too large once, or gone since)",
        ),
    ] {
        if count > 0 {
            out::line(&format!("  {what}: {count}"))?;
        }
    }
    Ok(0)
}
