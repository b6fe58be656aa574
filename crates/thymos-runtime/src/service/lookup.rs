//! Look-ups that belong to no session: runs, holds, entries, worlds, verification. Change nothing.

use std::sync::Arc;

use thymos_core::budget::Cost;
use thymos_core::delta::{Resource, ResourceValue};
use thymos_core::skill::SkillFile;
use thymos_core::world::{Versioned, World};
use thymos_core::{EntryId, TrajectoryId};
use thymos_protocol::{
    Command, Fault, Replied, Reply, SkillRow, Taking, Ticket, VerifyProgress, VerifyReport,
    WorldDiff, WorldDiffRow, WorldRow, WorldView,
};
use thymos_replay::{Projection, difference};
use tokio::task::JoinHandle;

use super::find::{self, Search};
use super::provenance::Seeking;
use super::worlds::Worlds;
use super::{Service, Shared, chain, desk, lock, policies, receipt, routing, walk, writs};
use crate::account;
use crate::checkpoint::{Checkpointer, Refused};
use crate::erase;
use crate::filter::Filter;
use crate::kernel::Kernel;
use crate::memory::{self, Whose};
use crate::proof;
use crate::skills::{self, FoundSkill};
use crate::words;

mod messages;

/// Entries read at once.
pub(super) const PAGE: usize = 1024;

pub(super) async fn answer(service: &mut Service, ticket: Ticket, command: Command) {
    let kernel = service.kernel.clone();
    let replied = match command {
        Command::Models => Replied::Models(kernel.parts.models.list()),
        Command::Runs => return from_desk(service, ticket, runs),
        Command::Holds => return from_desk(service, ticket, holds),
        Command::Policies | Command::ReloadPolicy => {
            let anew = matches!(command, Command::ReloadPolicy);
            return beside(service, ticket, move || {
                Replied::Policies(policies::in_force(&kernel, anew))
            });
        }
        Command::Simulate {
            trajectory,
            candidate,
        } => {
            return beside(service, ticket, move || {
                policies::simulate(&kernel, trajectory, &candidate)
            });
        }
        Command::Verify { since_last: true } => return verify_since(service, ticket),
        Command::Verify { since_last: false } => return verify(service, ticket, None),
        Command::Replay { trajectory } => return verify(service, ticket, Some(trajectory)),
        Command::CheckPins { pins, runs } => {
            return beside(service, ticket, move || {
                match proof::pinned(kernel.parts.store.as_ref(), pins, &runs) {
                    Ok(report) => Replied::Pinned(report),
                    Err(error) => fault(error.to_string()),
                }
            });
        }
        Command::Inspect { entry } => match owner(&kernel, &entry) {
            // Its session knows the trajectory already; nothing need be folded for one entry.
            Ok(trajectory) => return service.ask(ticket, trajectory, command).await,
            Err(words) => fault(words),
        },
        Command::Rows { places, .. } => {
            return beside(service, ticket, move || {
                find::rows(&kernel, &places).map_or_else(fault, Replied::Page)
            });
        }
        Command::Find { .. } | Command::Provenance { .. } | Command::Cancel { .. } => {
            match long_look(service, ticket, command) {
                None => return,
                Some(replied) => replied,
            }
        }
        Command::WorldAt { .. } | Command::WorldDiff { .. } | Command::FileAt { .. } => {
            let shared = service.shared.clone();
            return beside(service, ticket, move || {
                at_a_moment(&kernel, &shared.worlds, command)
            });
        }
        Command::Memory
        | Command::Messages
        | Command::Checkpoint { .. }
        | Command::CheckpointTrouble
        | Command::CompareCheckpoint { .. }
        | Command::Receipt { .. }
        | Command::Routing { .. }
        | Command::Skills
        | Command::RevokeChain { .. }
        | Command::FindWrits { .. }
        | Command::WritStanding { .. }
        | Command::PlanErasure { .. }
        | Command::Erase { .. }
        | Command::CheckSkills { .. } => return about_work(service, ticket, command).await,
        _ => fault("this needs a trajectory"),
    };
    service.reply(ticket, replied).await;
}

/// Erasing is the one look-up that does something; it takes the rights of a session for it.
fn erasing(service: &Service, ticket: Ticket, command: Command) {
    let kernel = service.kernel.clone();
    match command {
        Command::PlanErasure { targets, reason } => {
            beside(service, ticket, move || {
                erase::plan(&kernel, &targets, &reason)
            });
        }
        Command::Erase {
            targets,
            plan,
            reason,
        } => {
            let wanted = erase::Wanted {
                targets,
                plan,
                reason,
            };
            reply_later(
                service,
                ticket,
                tokio::spawn(erase::carry_out(kernel, wanted)),
            );
        }
        _ => beside(service, ticket, || fault("this is not about erasing")),
    }
}

/// Whose entry it is; another tenant's is not there `[C5]`.
fn owner(kernel: &Kernel, entry: &EntryId) -> Result<TrajectoryId, String> {
    let found = kernel.parts.store.entry(entry).map_err(|e| e.to_string())?;
    let of = found.map(|found| found.header.trajectory);
    of.filter(|of| kernel.owns(of).unwrap_or(false))
        .ok_or_else(|| format!("there is no entry `{}`", entry.short()))
}

/// Takes a checkpoint, shows the newest, compares another's `[L7]`, or gives a receipt `[L8]`.
fn about_proof(kernel: &Kernel, command: &Command) -> Replied {
    let checkpoints = &kernel.checkpoints;
    match command {
        Command::Checkpoint { take } => match taken(checkpoints, *take) {
            Ok(()) => told_checkpoint(kernel),
            Err(refused @ Refused::Contradicted(_)) => Replied::Parted(refused.to_string()),
            Err(refused @ Refused::Outside(_)) => Replied::Fault(Fault {
                message: refused.to_string(),
                hint: Some(
                    "check `ledger.checkpoints` in the config; the next one catches up".into(),
                ),
            }),
            Err(refused) => fault(refused.to_string()),
        },
        Command::CompareCheckpoint { note, keys } => match checkpoints.compare(note, keys) {
            Ok(compared) => Replied::Compared(compared),
            Err(error) => fault(error.to_string()),
        },
        Command::Receipt { prefix, disclose } => match receipt::give(kernel, prefix, *disclose) {
            Ok(text) => Replied::Receipt(text),
            Err(refused) => Replied::Fault(refused),
        },
        _ => told_checkpoint(kernel),
    }
}

fn taken(checkpoints: &Checkpointer, take: Taking) -> Result<(), Refused> {
    match take {
        Taking::Nothing => Ok(()),
        Taking::AsItStands => checkpoints.take().map(drop),
        Taking::Verified => checkpoints.take_verified().map(drop),
    }
}

fn told_checkpoint(kernel: &Kernel) -> Replied {
    match kernel.checkpoints.view() {
        Ok(view) => Replied::Checkpoint(Box::new(view)),
        Err(error) => fault(error.to_string()),
    }
}

/// Look-ups about skills, routing, memory, writ files and proofs.
async fn about_work(service: &mut Service, ticket: Ticket, command: Command) {
    let kernel = service.kernel.clone();
    let replied = match command {
        Command::RevokeChain { chain, reason } => {
            let revoked = account::revoke(&kernel, chain, &reason).await;
            revoked.unwrap_or_else(|error| fault(error.to_string()))
        }
        Command::Checkpoint { .. }
        | Command::CompareCheckpoint { .. }
        | Command::Receipt { .. } => {
            return beside(service, ticket, move || about_proof(&kernel, &command));
        }
        Command::CheckpointTrouble => Replied::CheckpointTrouble(kernel.checkpoints.trouble()),
        Command::PlanErasure { .. } | Command::Erase { .. } => {
            return erasing(service, ticket, command);
        }
        Command::FindWrits { prefix } => {
            return beside(service, ticket, move || writs::find(&kernel, &prefix));
        }
        Command::WritStanding { chain } => {
            return beside(service, ticket, move || writs::standing(&kernel, &chain));
        }
        Command::Routing { trajectory } => {
            return beside(service, ticket, move || {
                match routing::rows(&kernel, trajectory) {
                    Ok(rows) => Replied::Routing(rows),
                    Err(words) => fault(words),
                }
            });
        }
        Command::Memory => {
            return from_desk(service, ticket, |kernel, shared| {
                let whose = Whose {
                    workspace: kernel.parts.workspace.clone(),
                    tenant: kernel.parts.tenant.clone(),
                };
                Replied::Memory(memory::rows(shared.notes(kernel, &whose, None)))
            });
        }
        Command::Messages => {
            return beside(service, ticket, move || {
                messages::newest(&kernel).map_or_else(fault, Replied::Messages)
            });
        }
        Command::Skills => Replied::Skills(rows(&kernel, &kernel.parts.skills.find())),
        Command::CheckSkills { texts } => Replied::Skills(rows(&kernel, &as_files(texts))),
        _ => fault("this is not about work"),
    };
    service.reply(ticket, replied).await;
}

/// Runs a blocking look-up beside the service.
fn beside(service: &Service, ticket: Ticket, look: impl FnOnce() -> Replied + Send + 'static) {
    let looking = service.kernel.parts.hands.beside(look);
    reply_later(service, ticket, looking);
}

/// Looks at the desk as it is after a refresh, which may fold the whole log: nobody else waits for it.
fn from_desk(
    service: &Service,
    ticket: Ticket,
    look: impl FnOnce(&Kernel, &Shared) -> Replied + Send + 'static,
) {
    let (kernel, shared) = (service.kernel.clone(), service.shared.clone());
    beside(service, ticket, move || {
        desk::refresh(&kernel, &shared);
        look(&kernel, &shared)
    });
}

/// Replies once the look-up has ended.
fn reply_later(service: &Service, ticket: Ticket, looking: JoinHandle<Replied>) {
    let replies = service.replies.clone();
    tokio::spawn(async move {
        let replied = looking
            .await
            .unwrap_or_else(|panic| fault(panic.to_string()));
        // The app may be gone; there is nobody else to tell.
        drop(replies.send(Reply { ticket, replied }).await);
    });
}

fn rows(kernel: &Kernel, found: &[FoundSkill]) -> Vec<SkillRow> {
    let row = |found| skills::row(found, &kernel.parts.roots, &kernel.tool_set);
    found.iter().map(row).collect()
}

fn as_files(texts: Vec<(String, Vec<u8>)>) -> Vec<FoundSkill> {
    let file = |(name, text): (String, Vec<u8>)| FoundSkill {
        name,
        file: SkillFile::read(&text).map_err(|no| no.to_string()),
    };
    texts.into_iter().map(file).collect()
}

fn runs(kernel: &Kernel, shared: &Shared) -> Replied {
    let desk = lock(&shared.desk);
    let told = desk.rows.values();
    let mut rows: Vec<_> = told.map(|row| desk.row_now(kernel, row)).collect();
    drop(desk);
    rows.sort_by_key(|row| std::cmp::Reverse(row.at_ms));
    Replied::Runs(rows)
}

fn holds(kernel: &Kernel, shared: &Shared) -> Replied {
    let desk = lock(&shared.desk);
    let told = desk.rows.values();
    let waiting = told.flat_map(|row| desk.waiting(kernel, row));
    let mut rows: Vec<_> = waiting.cloned().collect();
    for row in &mut rows {
        row.lineage = desk.lineage(row.trajectory);
    }
    drop(desk);
    rows.sort_by_key(|row| (row.card.held_at, row.seq));
    Replied::Holds(rows)
}

/// Verifies the whole ledger; with a run, tells it as that run's tree.
fn verify(service: &Service, ticket: Ticket, run: Option<TrajectoryId>) {
    verify_by(service, ticket, move |kernel, shared, progress| {
        if let Some(run) = run.filter(|run| !kernel.owns(run).unwrap_or(false)) {
            return fault(unknown(&run));
        }
        match chain::verify(kernel, progress) {
            Ok((found, report)) => {
                tell(shared, &report);
                match run {
                    None => Replied::Verified(report),
                    Some(run) => Replied::Replayed(Box::new(chain::replayed(&found, run, report))),
                }
            }
            Err(error) => fault(error.to_string()),
        }
    });
}

/// Verifies what is new since the last time.
fn verify_since(service: &Service, ticket: Ticket) {
    verify_by(
        service,
        ticket,
        |kernel, shared, progress| match chain::verify_since(kernel, progress) {
            Ok(report) => {
                tell(shared, &report);
                Replied::Verified(report)
            }
            Err(error) => fault(error.to_string()),
        },
    );
}

fn verify_by(
    service: &Service,
    ticket: Ticket,
    verify: impl FnOnce(&Kernel, &Shared, &mut dyn FnMut(VerifyProgress)) -> Replied + Send + 'static,
) {
    let (kernel, replies, shared) = (
        service.kernel.clone(),
        service.replies.clone(),
        service.shared.clone(),
    );
    let looking = service.kernel.parts.hands.beside(move || {
        let mut progress = |p| {
            // Progress that nobody has room for is not missed.
            drop(replies.try_send(Reply {
                ticket,
                replied: Replied::Verifying(p),
            }));
        };
        verify(&kernel, &shared, &mut progress)
    });
    reply_later(service, ticket, looking);
}

/// `[Y3]` What was found wrong stands in every status from then on.
fn tell(shared: &Shared, report: &VerifyReport) {
    if let Some(found) = report.findings.first() {
        let words = format!("entry at index {}: {}", found.index, found.check);
        shared.set_chain(thymos_protocol::ChainState::Broken(words));
    }
}

/// Begins a look that takes long, or ends one; none where it replies by itself.
fn long_look(service: &Service, ticket: Ticket, command: Command) -> Option<Replied> {
    let kernel = &service.kernel;
    match command {
        Command::Find { among, filter } => {
            let filter = match Filter::parse(&filter, kernel.now()) {
                Ok(filter) => filter,
                Err(error) => {
                    return Some(Replied::Fault(Fault {
                        message: error.to_string(),
                        hint: error.hint,
                    }));
                }
            };
            match Search::begin(kernel, among, filter) {
                Ok(search) => walk::walk(service, ticket, search),
                Err(words) => return Some(fault(words)),
            }
        }
        Command::Provenance { trajectory, of } => match Seeking::begin(kernel, trajectory, of) {
            Ok(seeking) => walk::walk(service, ticket, seeking),
            Err(words) => return Some(fault(words)),
        },
        Command::Cancel { ticket } => {
            service.walks.cancel(ticket);
            return Some(Replied::Accepted);
        }
        _ => return Some(fault("this is not a look that takes long")),
    }
    None
}

/// Looks at an earlier moment of a trajectory `[Y4]`.
fn at_a_moment(kernel: &Kernel, worlds: &Worlds, command: Command) -> Replied {
    match command {
        Command::WorldAt { trajectory, seq } => world_at(kernel, worlds, trajectory, seq),
        Command::WorldDiff {
            trajectory,
            from_seq,
            to_seq,
        } => world_diff(kernel, worlds, trajectory, (from_seq, to_seq)),
        Command::FileAt {
            trajectory,
            seq,
            path,
        } => file_at(kernel, worlds, (trajectory, seq), &path),
        _ => fault("this is not about a moment"),
    }
}

fn world_at(kernel: &Kernel, worlds: &Worlds, trajectory: TrajectoryId, seq: u64) -> Replied {
    let projection = match worlds.at(kernel, trajectory, seq) {
        Ok(projection) => projection,
        Err(words) => return fault(words),
    };
    let digest = match projection.world.digest() {
        Ok(digest) => digest.to_string(),
        Err(invalid) => return fault(invalid.to_string()),
    };
    let rows = projection
        .world
        .iter()
        .map(|(resource, held)| world_row(resource, held))
        .collect();
    Replied::World(WorldView {
        seq: projection.len.saturating_sub(1),
        digest,
        rows,
        partial: projection.erasure.gone,
    })
}

fn world_row(resource: &Resource, held: &Versioned) -> WorldRow {
    WorldRow {
        resource: resource.text(),
        version: held.version,
        seq: held.seq,
        value: match &held.value {
            ResourceValue::Json(value) => words::cut(&value.to_string(), 200),
            ResourceValue::File(image) => {
                format!("{} bytes, {}", image.size, image.digest.short())
            }
        },
    }
}

/// `[Y4]` How the worlds after two entries differ, and what was spent between them.
fn world_diff(
    kernel: &Kernel,
    worlds: &Worlds,
    trajectory: TrajectoryId,
    between: (u64, u64),
) -> Replied {
    match differing(kernel, worlds, trajectory, between) {
        Ok(diff) => Replied::WorldDiff(Box::new(diff)),
        Err(words) => fault(words),
    }
}

fn differing(
    kernel: &Kernel,
    worlds: &Worlds,
    trajectory: TrajectoryId,
    (from, to): (u64, u64),
) -> Result<WorldDiff, String> {
    let moments = (from.min(to), from.max(to));
    let (first, last) = worlds.at_both(kernel, trajectory, moments)?;
    let (first, last) = (Side::of(&first)?, Side::of(&last)?);
    let (from, to) = if from <= to {
        (first, last)
    } else {
        (last, first)
    };
    let rows = difference(&from.world, &to.world);
    let rows = rows.into_iter().map(|one| WorldDiffRow {
        resource: one.resource.text(),
        before: one.before.map(|held| world_row(one.resource, held)),
        after: one.after.map(|held| world_row(one.resource, held)),
    });
    let rows = rows.collect();
    Ok(WorldDiff {
        from_seq: from.seq,
        from_digest: from.digest,
        to_seq: to.seq,
        to_digest: to.digest,
        rows,
        from_spent: from.spent,
        to_spent: to.spent,
        partial: from.partial || to.partial,
    })
}

/// What is compared of a moment.
struct Side {
    seq: u64,
    world: Arc<World>,
    digest: String,
    spent: Cost,
    partial: bool,
}

impl Side {
    fn of(projection: &Projection) -> Result<Self, String> {
        let digest = projection.world.digest().map_err(|e| e.to_string())?;
        Ok(Self {
            seq: projection.len.saturating_sub(1),
            world: projection.world.clone(),
            digest: digest.to_string(),
            spent: projection.total,
            partial: projection.erasure.gone,
        })
    }
}

fn file_at(
    kernel: &Kernel,
    worlds: &Worlds,
    (trajectory, seq): (TrajectoryId, u64),
    path: &str,
) -> Replied {
    let projection = match worlds.at(kernel, trajectory, seq) {
        Ok(projection) => projection,
        Err(words) => return fault(words),
    };
    let Some(held) = projection.world.get(&Resource::File(path.to_owned())) else {
        return Replied::FileText(None);
    };
    let ResourceValue::File(image) = &held.value else {
        return Replied::FileText(None);
    };
    match kernel.vault.read(&image.digest) {
        Ok(bytes) => Replied::FileText(bytes.map(|b| String::from_utf8_lossy(&b).into_owned())),
        Err(error) => fault(error.to_string()),
    }
}

pub(super) fn unknown(trajectory: &TrajectoryId) -> String {
    format!("there is no trajectory `{}`", trajectory.short())
}

pub(super) fn fault(message: impl Into<String>) -> Replied {
    Replied::Fault(Fault {
        message: message.into(),
        hint: None,
    })
}
