//! Subcommands that print and exit, one file each. All speak to the kernel through the link alone.

mod again;
mod approvals;
mod audit;
mod auth;
mod bench;
mod branch;
mod checkpoint;
mod client;
mod completions;
mod config;
mod doctor;
mod erase;
mod export;
mod handed;
mod ids;
mod import;
mod keys;
mod ledger;
mod memory;
mod mind;
mod pins;
mod policy;
mod receipt;
mod replay;
mod routing;
mod run;
mod run_skills;
mod runs;
mod scope;
mod settle;
mod setup;
mod signer;
mod skills;
mod stop;
mod stops;
mod undo;
mod verify;
mod writ;

use std::path::{Path, PathBuf};

use crate::app::link::Link;
use crate::args::{
    ApprovalsVerb, Cli, ConfigVerb, MemoryVerb, PolicyVerb, Verb, VerifyArgs, WritVerb,
};
use crate::config::{self as configuration, Config, Env, Source};
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::term::screen;
use crate::wire::{self, Purpose, Wired, evidence, wire};
use client::Client;
use handed::Handed;
use signer::Signer;
use thymos_core::TrajectoryId;
use thymos_core::writ::SignedWrit;
use thymos_protocol::RunRow;

/// What every verb needs.
pub struct Setting<'a> {
    /// The environment.
    pub env: &'a Env,
    /// The resolved configuration.
    pub config: &'a Config,
    /// The workspace folder.
    pub directory: &'a Path,
}

impl<'a> Setting<'a> {
    /// The same in another workspace folder.
    fn at(&self, directory: &'a Path) -> Self {
        Self { directory, ..*self }
    }
}

/// Does what was asked and says how it ended: the exit code.
///
/// # Errors
/// [`AppError`] with the sentence to print and its exit code.
pub fn perform(cli: &Cli, verb: &Verb, env: &Env, directory: &Path) -> Result<u8, AppError> {
    match verb {
        Verb::Completions { shell } => return completions::print(*shell),
        Verb::ResetTerminal => return reset_terminal(),
        _ => {}
    }
    let flags = cli.flags();
    if let Verb::Verify(args) = verb {
        let load = || configuration::load(env, &cli.flags());
        match handed::find(args)? {
            Handed::Nothing => {}
            Handed::Ledger(file) => return handed::ledger(load, args, &file),
            Handed::Receipt(file) => {
                return receipt::check(&handed::roots(load, &args.keys, None)?, args, &file);
            }
            Handed::Bundle(file) => return handed::bundle(load, args, &file),
        }
    }
    let config = configuration::load(env, &flags)?;
    let setting = Setting {
        env,
        config: &config,
        directory,
    };
    if needs_ledger(verb) {
        named_ledger_is_there(&setting)?;
    }
    match verb {
        Verb::Config(ConfigVerb::Explain(output)) => config::explain(&setting, output.json),
        Verb::Config(ConfigVerb::Path) => config::path(&setting),
        Verb::Bench(args) => bench::measure(&setting, args),
        Verb::Keys(verb) => keys::perform(&setting, verb),
        Verb::Auth(verb) => auth::perform(&setting, verb),
        Verb::Policy(verb) => policy::perform(&setting, verb),
        Verb::Import(args) => import::import(&setting, args),
        Verb::Export(args) => export::export(&setting, args),
        Verb::Doctor(output) => doctor::examine(&setting, output.json),
        Verb::Run(_)
        | Verb::Approvals(_)
        | Verb::Undo(_)
        | Verb::Again(_)
        | Verb::Branch(_)
        | Verb::Stop(_)
        | Verb::Settle(_)
        | Verb::Writ(_)
        | Verb::Grant(_) => {
            let folder = home(&setting, verb)?;
            let setting = setting.at(&folder);
            if only_looks(verb) {
                return onlooking(&setting, async |client| act(client, &setting, verb).await);
            }
            acting(&setting, async |client| act(client, &setting, verb).await)
        }
        Verb::Verify(args) if let Some(file) = unwritable(&config, args) => {
            handed::ledger(|| Ok(config.clone()), args, file)
        }
        Verb::Verify(_) | Verb::Replay(_) | Verb::Checkpoint(_) => {
            // These say themselves what of the damage concerns them.
            let look = async |client: &mut Client| look(client, &setting, verb).await;
            let purpose = match verb {
                Verb::Replay(_) => Purpose::Look,
                _ => Purpose::Act,
            };
            let (result, damage) = spoken(&setting, purpose, look)?;
            result.map_err(|error| unseen(error, damage))
        }
        _ if only_looks(verb) => {
            onlooking(&setting, async |client| look(client, &setting, verb).await)
        }
        _ => acting(&setting, async |client| look(client, &setting, verb).await),
    }
}

/// Goes through `thymos setup`; gives whether the app is to be opened now.
///
/// # Errors
/// As [`perform`].
pub fn set_up(cli: &Cli, env: &Env, directory: &Path) -> Result<bool, AppError> {
    let config = configuration::load(env, &cli.flags())?;
    setup::walk(&Setting {
        env,
        config: &config,
        directory,
    })
}

/// The configured ledger's file where it can be read and no more, which is enough to verify all of it.
fn unwritable<'a>(config: &'a Config, args: &VerifyArgs) -> Option<&'a Path> {
    let file = config.ledger.value.file().filter(|_| !args.since_last)?;
    evidence::can_only_be_read(file).then_some(file)
}

/// Whether a verb shows what is recorded and does nothing to it.
const fn only_looks(verb: &Verb) -> bool {
    match verb {
        Verb::Runs(_)
        | Verb::Audit(_)
        | Verb::Mind(_)
        | Verb::Receipt(_)
        | Verb::Ledger(_)
        | Verb::Routing(_) => true,
        Verb::Approvals(verb) => matches!(
            verb,
            ApprovalsVerb::Ls(_) | ApprovalsVerb::Show { .. } | ApprovalsVerb::Preview { .. }
        ),
        Verb::Memory(verb) => !matches!(verb, MemoryVerb::Forget { .. }),
        Verb::Writ(verb) => matches!(verb, WritVerb::Ls { .. } | WritVerb::Simulate { .. }),
        _ => false,
    }
}

/// Whether a verb is about what is recorded already, so that there is nothing for it where no ledger is.
const fn needs_ledger(verb: &Verb) -> bool {
    match verb {
        Verb::Run(args) => args.resume.is_some(),
        Verb::Writ(verb) => matches!(
            verb,
            WritVerb::Ls { .. } | WritVerb::Close { .. } | WritVerb::Simulate { .. }
        ),
        Verb::Policy(verb) => matches!(verb, PolicyVerb::Simulate { .. }),
        Verb::Approvals(_)
        | Verb::Grant(_)
        | Verb::Runs(_)
        | Verb::Audit(_)
        | Verb::Mind(_)
        | Verb::Replay(_)
        | Verb::Verify(_)
        | Verb::Export(_)
        | Verb::Undo(_)
        | Verb::Again(_)
        | Verb::Branch(_)
        | Verb::Erase(_)
        | Verb::Receipt(_)
        | Verb::Checkpoint(_)
        | Verb::Ledger(_)
        | Verb::Settle(_)
        | Verb::Stop(_)
        | Verb::Routing(_)
        | Verb::Memory(_) => true,
        Verb::Import(_)
        | Verb::Keys(_)
        | Verb::Auth(_)
        | Verb::Setup
        | Verb::Skills(_)
        | Verb::Doctor(_)
        | Verb::Bench(_)
        | Verb::Config(_)
        | Verb::Completions { .. }
        | Verb::ResetTerminal => false,
    }
}

/// `[Y3]` A ledger that was named for this command and is not there is a slip: an empty one in its place
/// would verify.
fn named_ledger_is_there(setting: &Setting<'_>) -> Result<(), AppError> {
    let ledger = &setting.config.ledger;
    let named = matches!(ledger.source, Source::Flag(_) | Source::Env(_));
    if !named || wire::is_there(setting.env, &ledger.value) {
        return Ok(());
    }
    let message = format!(
        "there is no ledger at `{}` ({})",
        ledger.value, ledger.source
    );
    Err(AppError::new(ErrorKind::User, message)
        .hint("check the path; `thymos run` and `thymos import` make one"))
}

/// The folder that a verb acts in: that of the trajectory it is about.
fn home(setting: &Setting<'_>, verb: &Verb) -> Result<PathBuf, AppError> {
    match verb {
        Verb::Run(args) => home_of_run(setting, args.resume.as_deref()),
        Verb::Approvals(verb) => home_of_hold(setting, verb),
        Verb::Undo(args) => home_of_run(setting, Some(&args.id)),
        Verb::Again(args) => home_of_run(setting, Some(&args.id)),
        Verb::Branch(args) => home_of_run(setting, Some(&args.id)),
        Verb::Stop(args) => home_of_run(setting, Some(&args.id)),
        Verb::Settle(args) => match &args.id {
            Some(id) => with_client(setting, async |client| {
                let run = settle::doubt(client, id).await?.trajectory;
                Ok(ids::row(client, &run.to_string()).await?.workspace.into())
            }),
            None => Ok(setting.directory.to_path_buf()),
        },
        Verb::Writ(verb) => home_of_writ(setting, verb),
        Verb::Grant(args) => with_client(setting, async |client| {
            let run = scope::refusal(client, &args.id).await?.trajectory;
            Ok(ids::row(client, &run.to_string()).await?.workspace.into())
        }),
        _ => Ok(setting.directory.to_path_buf()),
    }
}

/// Verbs that act on a trajectory, in its own folder.
async fn act(client: &mut Client, setting: &Setting<'_>, verb: &Verb) -> Result<u8, AppError> {
    match verb {
        Verb::Run(args) => run::run(client, setting, args).await,
        Verb::Approvals(verb) => approve(client, setting, verb).await,
        Verb::Undo(args) => stops::unless_stopped(undo::undo(client, args)).await,
        Verb::Again(args) => stops::unless_stopped(again::again(client, args)).await,
        Verb::Branch(args) => branch::branch(client, args).await,
        Verb::Grant(args) => scope::grant(client, args).await,
        Verb::Settle(args) => settle::settle(client, args).await,
        Verb::Stop(args) => stop::stop(client, args).await,
        Verb::Writ(verb) => writ::perform(client, setting, verb).await,
        _ => Err(unwired()),
    }
}

/// Verbs about the record and what belongs to it, wherever they are typed.
async fn look(client: &mut Client, setting: &Setting<'_>, verb: &Verb) -> Result<u8, AppError> {
    match verb {
        Verb::Runs(output) => runs::list(client, output.json).await,
        Verb::Audit(args) => audit::tell(client, args).await,
        Verb::Mind(args) => mind::print(client, args).await,
        Verb::Replay(args) => replay::replay(client, setting, args).await,
        Verb::Verify(args) => verify::verify(client, setting, args).await,
        Verb::Receipt(args) => receipt::give(client, args).await,
        Verb::Checkpoint(verb) => checkpoint::perform(client, verb).await,
        Verb::Ledger(args) => ledger::print(client, args).await,
        Verb::Erase(args) => {
            let on_server = setting.config.ledger.value.file().is_none();
            erase::erase(client, args, on_server).await
        }
        Verb::Skills(verb) => skills::perform(client, setting, verb).await,
        Verb::Routing(args) => routing::export(client, args).await,
        Verb::Memory(verb) => memory::perform(client, verb).await,
        _ => Err(unwired()),
    }
}

/// A verb without its place above: our mistake, and never a silent success.
fn unwired() -> AppError {
    AppError::new(ErrorKind::Internal, "this command leads nowhere")
        .hint("report this; it is our mistake")
}

async fn approve(
    client: &mut Client,
    setting: &Setting<'_>,
    verb: &ApprovalsVerb,
) -> Result<u8, AppError> {
    match verb {
        ApprovalsVerb::Ls(output) => approvals::list(client, output.json).await,
        ApprovalsVerb::Show { id, json } => approvals::show(client, id, *json).await,
        ApprovalsVerb::Approve {
            id,
            digest,
            reason,
            signer,
            scope,
        } => {
            let signer = Signer::read(setting, signer)?;
            let given = scope.scope.as_deref();
            let reach = given
                .map(|reach| scope::choice(reach, &scope.bounds))
                .transpose()?;
            let saying = approvals::Saying {
                reason,
                signer: signer.as_ref(),
                scope: reach,
            };
            approvals::approve(client, id, digest, saying).await
        }
        ApprovalsVerb::Preview { id, scope, json } => {
            let choice = scope::choice(&scope.scope, &scope.bounds)?;
            scope::preview(client, id, choice, *json).await
        }
        ApprovalsVerb::Drain { ids } => stops::unless_stopped(scope::drain(client, ids)).await,
        ApprovalsVerb::Edit { id, args } => approvals::edit(client, id, args).await,
        ApprovalsVerb::Deny { id, reason, signer } => {
            let signer = Signer::read(setting, signer)?;
            let saying = approvals::Saying {
                reason,
                signer: signer.as_ref(),
                scope: None,
            };
            approvals::deny(client, id, saying).await
        }
    }
}

/// The folder of the run in which an issued writ ends. A file's account has none, and a file is revoked from
/// anywhere.
fn home_of_writ(setting: &Setting<'_>, verb: &WritVerb) -> Result<PathBuf, AppError> {
    let here = || Ok(setting.directory.to_path_buf());
    match verb {
        WritVerb::Revoke { writ, .. } if !Path::new(writ).exists() => {
            with_client(setting, async |client| {
                let run = writ::found(client, writ).await?.trajectory;
                let home = ids::row(client, &run.to_string()).await?.workspace;
                match home.is_empty() {
                    true => here(),
                    false => Ok(home.into()),
                }
            })
        }
        _ => here(),
    }
}

/// The folder in which an answered call will happen: that of its trajectory, wherever the answer
/// is given from.
fn home_of_hold(setting: &Setting<'_>, verb: &ApprovalsVerb) -> Result<PathBuf, AppError> {
    match verb {
        ApprovalsVerb::Approve { id, .. }
        | ApprovalsVerb::Edit { id, .. }
        | ApprovalsVerb::Deny { id, .. } => with_client(setting, async |client| {
            Ok(ids::hold(client, id).await?.workspace.into())
        }),
        ApprovalsVerb::Drain { ids } => match ids.first() {
            Some(id) => with_client(setting, async |client| {
                Ok(ids::hold(client, id).await?.workspace.into())
            }),
            None => Ok(setting.directory.to_path_buf()),
        },
        ApprovalsVerb::Ls(_) | ApprovalsVerb::Show { .. } | ApprovalsVerb::Preview { .. } => {
            Ok(setting.directory.to_path_buf())
        }
    }
}

/// The folder of a trajectory that is resumed; the one we are in for a new one.
fn home_of_run(setting: &Setting<'_>, resume: Option<&str>) -> Result<PathBuf, AppError> {
    match resume {
        Some(prefix) => with_client(setting, async |client| {
            Ok(ids::run(client, prefix).await?.workspace.into())
        }),
        None => Ok(setting.directory.to_path_buf()),
    }
}

/// Wires the kernel, speaks to it, and lets it end in order whatever came of it. What fails on a damaged
/// ledger fails for its integrity.
fn with_client<T>(
    setting: &Setting<'_>,
    speak: impl AsyncFnOnce(&mut Client) -> Result<T, AppError>,
) -> Result<T, AppError> {
    let (result, damage) = spoken(setting, Purpose::Act, speak)?;
    result.map_err(|error| damaged(error, damage.as_deref()))
}

/// The same for who does something: what was met of damage on the way is told beside what was done, and so
/// is a checkpoint that belongs to it and could not be kept.
fn acting(
    setting: &Setting<'_>,
    act: impl AsyncFnOnce(&mut Client) -> Result<u8, AppError>,
) -> Result<u8, AppError> {
    let act = async |client: &mut Client| {
        let done = act(client).await;
        checkpoint::tell_trouble(client).await;
        done
    };
    let (result, damage) = spoken(setting, Purpose::Act, act)?;
    if let (Ok(_), Some(damage)) = (&result, &damage) {
        let damage = out::safe(damage);
        out::talk(&format!("thymos: {damage}; look: thymos verify"));
    }
    result.map_err(|error| damaged(error, damage.as_deref()))
}

/// The same for who only looks: what was met of damage on the way is how it ends, whatever was shown.
fn onlooking(
    setting: &Setting<'_>,
    look: impl AsyncFnOnce(&mut Client) -> Result<u8, AppError>,
) -> Result<u8, AppError> {
    let (result, damage) = spoken(setting, Purpose::Look, look)?;
    match (result, damage) {
        (Ok(0), Some(damage)) => Err(AppError::new(ErrorKind::Integrity, damage).hint(TO_VERIFY)),
        (result, damage) => result.map_err(|error| unseen(error, damage)),
    }
}

/// What was asked for may be missing because it cannot be read.
fn unseen(error: AppError, damage: Option<String>) -> AppError {
    let may_be = damage.is_some() && may_be_damage(&error);
    let mut error = damaged(error, damage.as_deref());
    if may_be {
        error.kind = ErrorKind::Integrity;
    }
    error
}

const TO_VERIFY: &str = "run `thymos verify`: it names every entry that is not what was written";

/// What came of it, and the first damage that was met.
type Spoken<T> = (Result<T, AppError>, Option<String>);

fn spoken<T>(
    setting: &Setting<'_>,
    purpose: Purpose,
    speak: impl AsyncFnOnce(&mut Client) -> Result<T, AppError>,
) -> Result<Spoken<T>, AppError> {
    let wired = wire(setting.env, setting.config, setting.directory, purpose)?;
    let Wired {
        link,
        runtime,
        served,
        damage,
        ..
    } = wired;
    let result = runtime.block_on(async move {
        let mut client = Client::new(link);
        let result = speak(&mut client).await;
        client.shut_down().await;
        drop(served.await);
        result
    });
    Ok((result, damage.met()))
}

/// Whether the cause may lie in the record, and not in what was typed or decided.
const fn may_be_damage(error: &AppError) -> bool {
    matches!(
        error.kind,
        ErrorKind::User | ErrorKind::Kernel | ErrorKind::Internal
    )
}

/// `[Y3]` An error that tells of a damaged record ends as one.
fn damaged(mut error: AppError, damage: Option<&str>) -> AppError {
    let told = damage.is_some_and(|damage| error.message.contains(damage));
    if may_be_damage(&error) && (told || error.message.contains(RunRow::BROKEN)) {
        error.kind = ErrorKind::Integrity;
        if error.hints.is_empty() {
            return error.hint(TO_VERIFY);
        }
    }
    match damage.filter(|_| !told) {
        Some(damage) => error.hint(format!("{damage}; look: thymos verify")),
        None => error,
    }
}

/// A new trajectory under a writ file, and the link back for whoever goes on with it.
pub(crate) async fn under_writ(
    link: Link,
    config: &Config,
    file: &Path,
) -> (Link, Result<TrajectoryId, AppError>) {
    let mut client = Client::new(link);
    let begun = writ::begin(&mut client, config, file).await;
    (client.into_link(), begun)
}

/// The signed chain of a writ file, if it gives authority now.
pub(crate) fn usable_writ(config: &Config, file: &Path) -> Result<Vec<SignedWrit>, AppError> {
    writ::usable(config, file)
}

fn reset_terminal() -> Result<u8, AppError> {
    screen::reset_by_hand()
        .map(|()| 0)
        .map_err(|fault| AppError::new(ErrorKind::User, fault.to_string()))
}
