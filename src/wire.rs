//! The composition root: the only room that names adapters. Builds the kernel and its link.
//!
//! No logic but the order in which things are made: key, ledger, tools, policy, models, kernel.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thymos_core::body::{Body, BodyState};
use thymos_core::budget::Budget;
use thymos_core::key::SigningKey;
use thymos_core::tool::ToolContract;
use thymos_core::writ::{Party, TrustRoots};
use thymos_core::{Entry, Kind, TrajectoryId};
use thymos_policy::Switches;
use thymos_ports::{LedgerStore, Tool};
use thymos_runtime::floors::lifted;
use thymos_runtime::kernel::RunLimits;
use thymos_runtime::modes::ModeTerms;
use thymos_runtime::redact::{self, Redactor};
use thymos_runtime::{Channels, Hands, Kernel, KernelParts};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::app::link::Link;
use crate::config::ledger::LedgerPlace;
use crate::config::tools::no_such_tool;
use crate::config::{BudgetConfig, Config, Env};
use crate::error::{AppError, ErrorKind};
use crate::system::{OsEntropy, SystemClock};

pub(crate) mod bench;
pub(crate) mod bundles;
pub mod checkpoints;
pub(crate) mod evidence;
pub(crate) mod explain;
pub(crate) mod files;
pub(crate) mod keys;
mod leases;
mod ledger;
pub mod listing;
pub(crate) mod models;
pub mod policy;
pub mod probes;
pub(crate) mod provider_keys;
pub mod skills;
pub mod snapshots;
pub(crate) mod trust;
pub(crate) mod watched;
pub(crate) mod writs;

pub use ledger::store_error;
pub use watched::Damage;

/// What a kernel is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The app: a run goes on by itself once its last hold is answered.
    App,
    /// A verb that records something, or may.
    Act,
    /// A verb that shows what is recorded: a ledger that can only be read is enough.
    Look,
}

/// The kernel on its own threads, with the app's end of the link.
pub struct Wired {
    /// The app's end.
    pub link: Link,
    /// The kernel's threads; dropping it ends them.
    pub runtime: Runtime,
    /// The newest trajectory of this workspace, if there is one.
    pub last: Option<TrajectoryId>,
    /// The task that serves the link, to be awaited before leaving.
    pub served: JoinHandle<()>,
    /// What damage was met in the ledger while it was read.
    pub damage: Damage,
}

/// Builds everything and starts serving.
///
/// # Errors
/// [`AppError`] with what is missing and what to do.
pub fn wire(
    env: &Env,
    config: &Config,
    directory: &Path,
    purpose: Purpose,
) -> Result<Wired, AppError> {
    let workspace = open_workspace(directory)?;
    // Before anything is made: a mistyped model leaves nothing behind.
    let models = models::Models::new(env.clone(), config)?;
    let mut ledger = ledger::Ledger::open(env, config, purpose)?;
    let damage = Damage::default();
    ledger.store = watched::Watched::over(ledger.store, damage.clone());
    let held = keys::in_use(&config.paths)?;
    let (key, trust) = keys::operator(&config.paths, &config.operator.value, &OsEntropy)?;
    let last = last_trajectory(ledger.store.as_ref(), &workspace, &config.tenant.value);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .thread_name("kernel")
        .build()
        .map_err(|e| AppError::new(ErrorKind::Internal, format!("no threads: {e}")))?;
    let kernel = {
        let _inside = runtime.enter();
        kernel(
            env,
            config,
            Made {
                workspace,
                key,
                roots: trust.roots(),
                held,
                ledger,
                models: Arc::new(models),
            },
            purpose,
        )?
    };
    let (link, served) = serve(&runtime, kernel);
    Ok(Wired {
        link,
        runtime,
        last,
        served,
        damage,
    })
}

/// Whether there is a ledger at a place. Where that cannot be told, whoever opens it says why.
pub(crate) fn is_there(env: &Env, place: &LedgerPlace) -> bool {
    match place {
        LedgerPlace::File(path) => !matches!(path.try_exists(), Ok(false)),
        LedgerPlace::Server(url) => !matches!(ledger::look(env, url), Ok(None)),
    }
}

/// Starts serving a kernel; gives the app's end of the link.
fn serve(runtime: &Runtime, kernel: Arc<Kernel>) -> (Link, JoinHandle<()>) {
    let (link, ends) = Link::pair();
    let channels = Channels {
        requests: ends.requests,
        replies: ends.replies,
        bell: ends.bell,
        live: ends.live,
    };
    (link, runtime.spawn(thymos_runtime::serve(kernel, channels)))
}

struct Made {
    workspace: PathBuf,
    key: SigningKey,
    roots: TrustRoots,
    held: keys::KeysLock,
    ledger: ledger::Ledger,
    models: Arc<models::Models>,
}

fn kernel(
    env: &Env,
    config: &Config,
    made: Made,
    purpose: Purpose,
) -> Result<Arc<Kernel>, AppError> {
    let key = made.key.public();
    // What a key signed is told by the name it is trusted under, here as for everybody else [A2].
    let trusted = made.roots.operators.iter().find(|party| party.key == key);
    let operator = trusted.cloned().unwrap_or_else(|| Party {
        name: config.operator.value.clone(),
        key,
    });
    let cage = thymos_sandbox::probe();
    let rung = cage.best;
    let tools = tools(env, config, &made.workspace, cage)?;
    let mut secrets = env.secrets();
    secrets.push(keys::as_secret(&made.key));
    let retired = keys::retired(&config.paths);
    secrets.extend(retired.iter().map(keys::as_secret));
    secrets.extend(made.ledger.password.clone());
    secrets.extend(models::secrets(env, config));
    let store = Arc::clone(&made.ledger.store);
    let outside = checkpoints::CheckpointFile::new(&config.checkpoints.value, &store.log());
    let outside = match config.ledger.value.file() {
        Some(file) => outside.of_ledger(file),
        None => outside,
    };
    let tenant = &config.tenant.value;
    let snapshots = snapshots::SnapshotFiles::new(&config.paths.snapshots(), &store.log(), tenant);
    let parts = KernelParts {
        store,
        hands: Hands::Threads,
        outside: Arc::new(outside),
        snapshots: Arc::new(snapshots),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        operator: operator.name,
        operator_key: made.key.clone(),
        retired_keys: retired,
        tenant: config.tenant.value.clone(),
        roots: made.roots.clone(),
        tools,
        workspace: made.workspace.display().to_string(),
        rung,
        policy: Arc::new(policy::PolicyFolder::open(
            config.paths.policy(),
            made.roots,
            switches(config),
            Arc::new(SystemClock),
        )),
        redactor: Arc::new(Redactor::new(secrets, keys::redaction_key(&made.key))),
        models: made.models,
        leases: made.ledger.leases(config.paths.leases(), made.held)?,
        skills: Arc::new(skills::SkillFolder::new(config.paths.skills())),
        limits: RunLimits {
            turns_max: config.turns_max.value,
            output_tokens_max: config.output_tokens_max.value,
            context_tokens_max: config.context_tokens_max.value,
        },
        terms: terms(&config.budget),
        approvals: config.approvals.value,
        continues: purpose == Purpose::App,
        takes_up: purpose == Purpose::App,
        retention_ms: config.retention_ms(),
    };
    Kernel::new(parts).map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))
}

fn tools(
    env: &Env,
    config: &Config,
    workspace: &Path,
    cage: thymos_sandbox::CageProbe,
) -> Result<Vec<Arc<dyn Tool>>, AppError> {
    let tools = thymos_tools::builtin(thymos_tools::ToolsConfig {
        root: workspace.to_path_buf(),
        protected: protected(env, config),
        search_path: env.search_path(),
        env: env.for_children(),
        tmp: config.paths.children_tmp(),
        extra_read: config.extra_read.value.clone(),
        cage,
    })
    .map_err(|e| AppError::new(ErrorKind::User, e.to_string()))?;
    floored(config, tools)
}

/// `[C18]` The operator's table over the tools, before they are pinned.
fn floored(config: &Config, mut tools: Vec<Arc<dyn Tool>>) -> Result<Vec<Arc<dyn Tool>>, AppError> {
    for row in &config.floors {
        let place = tools
            .iter()
            .position(|tool| tool.contract().name == row.name);
        match place.and_then(|at| tools.get_mut(at)) {
            Some(tool) => *tool = lifted(Arc::clone(tool), row.floor),
            None => {
                let known = tools.iter().map(|tool| tool.contract().name.as_str());
                return Err(no_such_tool(&config.file, row, known));
            }
        }
    }
    Ok(tools)
}

/// The names of the tools that a session in this folder has.
///
/// # Errors
/// [`AppError`] when the folder cannot be opened.
pub(crate) fn tool_names(
    env: &Env,
    config: &Config,
    directory: &Path,
) -> Result<Vec<String>, AppError> {
    let tools = tool_contracts(env, config, directory)?;
    Ok(tools.into_iter().map(|tool| tool.name).collect())
}

/// What the tools of this folder promise.
pub(crate) fn tool_contracts(
    env: &Env,
    config: &Config,
    directory: &Path,
) -> Result<Vec<ToolContract>, AppError> {
    let workspace = open_workspace(directory)?;
    let tools = tools(env, config, &workspace, thymos_sandbox::probe())?;
    Ok(tools.iter().map(|tool| tool.contract().clone()).collect())
}

/// The switches beside the rules, as configured.
fn switches(config: &Config) -> Switches {
    Switches {
        risk_threshold: config.risk_threshold.value,
        compensation_gate: config.compensation_gate.value,
        ..Switches::standard().redacted_by(redact::version())
    }
}

/// What config says a mode's writ may spend.
fn terms(config: &BudgetConfig) -> ModeTerms {
    let limit = |value: u64, unit: u64| (value > 0).then(|| value.saturating_mul(unit));
    ModeTerms {
        budget: Budget {
            tokens: limit(config.tokens.value, 1),
            tool_calls: limit(config.tool_calls.value, 1),
            wall_clock_ms: limit(config.minutes.value, 60_000),
            usd_millicents: limit(config.usd_cents.value, 1_000),
        },
        window_ms: config.hours.value.saturating_mul(60 * 60 * 1_000),
    }
}

/// Trajectories looked through for the newest one of a workspace; older ones are in the picker.
const HEADS_LOOKED_AT: usize = 64;

fn last_trajectory(
    store: &dyn LedgerStore,
    workspace: &Path,
    tenant: &str,
) -> Option<TrajectoryId> {
    let wanted = workspace.display().to_string();
    let heads = store.heads().ok()?;
    heads
        .into_iter()
        .take(HEADS_LOOKED_AT)
        .map(|head| head.trajectory)
        .find(|trajectory| {
            let first = store.page(trajectory, 0, 2).unwrap_or_default();
            let branched = |second: &Entry| second.kind() == Some(Kind::Branch);
            first.first().is_some_and(|entry| match entry.decode() {
                // What another agent was ordered to do is looked at from the run that ordered it.
                BodyState::Known(Body::Root(root)) => {
                    let ordered = root.parent.is_some() && !first.get(1).is_some_and(branched);
                    root.workspace == wanted && root.tenant == tenant && !ordered
                }
                _ => false,
            })
        })
}

fn open_workspace(directory: &Path) -> Result<PathBuf, AppError> {
    let shown = directory.display();
    let real = directory.canonicalize().map_err(|error| {
        AppError::new(
            ErrorKind::User,
            format!("no such directory `{shown}`: {error}"),
        )
        .hint("name an existing folder with -C")
    })?;
    if !real.is_dir() {
        return Err(
            AppError::new(ErrorKind::User, format!("`{shown}` is not a directory"))
                .hint("name a folder with -C"),
        );
    }
    Ok(real)
}

/// `[R3]` The program's own files, and credentials that toolchains keep in the home folder.
fn protected(env: &Env, config: &Config) -> Vec<PathBuf> {
    let mut protected = vec![
        config.paths.config_folder().to_path_buf(),
        config.paths.data_folder().to_path_buf(),
        config.paths.state_folder().to_path_buf(),
        // What was folded of every run stands there, and what they share.
        config.paths.snapshots(),
        config.checkpoints.value.clone(),
        config.file.clone(),
    ];
    let keys = config
        .providers
        .iter()
        .filter_map(|own| own.key_file.clone());
    protected.extend(keys);
    if let Some(ledger) = config.ledger.value.file() {
        for suffix in ["", "-wal", "-shm", "-bell"] {
            let mut name = ledger.as_os_str().to_owned();
            name.push(suffix);
            protected.push(PathBuf::from(name));
        }
    }
    protected.extend(env.path("PGPASSFILE"));
    if let Some(home) = env.path("HOME") {
        for name in [
            ".cargo/credentials.toml",
            ".cargo/credentials",
            ".npmrc",
            ".pypirc",
            ".netrc",
            ".pgpass",
            ".ssh",
        ] {
            let path = home.join(name);
            if path.exists() {
                protected.push(path);
            }
        }
    }
    protected.extend(config.protected.value.iter().cloned());
    protected
}
