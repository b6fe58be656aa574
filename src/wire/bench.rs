//! What `thymos bench` measures, made: scratch ledgers, a kernel around one tool, caged starts.
//!
//! Times nothing, and never touches the user's files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thymos_core::isolation::Rung;
use thymos_core::key::SigningKey;
use thymos_core::writ::{Party, TrustRoots};
use thymos_ledger::{Genesis, Options, SqliteLedger};
use thymos_ports::cognition::ModelFault;
use thymos_ports::{Cognition, Entropy, LedgerStore, Tool};
use thymos_protocol::ModelRow;
use thymos_runtime::checkpoint::{Nowhere, Outside};
use thymos_runtime::kernel::{FixedPolicy, RunLimits};
use thymos_runtime::redact::Redactor;
use thymos_runtime::snapshot::{NoSnapshots, SnapshotPlace};
use thymos_runtime::{Hands, Kernel, KernelParts, ModelSource, NoLeases};
use thymos_sandbox::{CageSpec, Limits, Network, ReadScope, system_read_roots};
use thymos_tools::ToolsConfig;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::checkpoints::CheckpointFile;
use super::snapshots::SnapshotFiles;
use super::{keys, store_error};
use crate::app::link::Link;
use crate::config::paths;
use crate::error::{AppError, ErrorKind};
use crate::system::{OsEntropy, SystemClock};

const GENESIS: Genesis = Genesis { random: [9; 32] };

/// What the scratch operator's key is made of.
const SEED: u8 = 9;

/// The scratch operator. Its key is no secret: what it signs is thrown away.
fn operator_key() -> SigningKey {
    SigningKey::from_seed(&[SEED; 32])
}

fn operator() -> Party {
    Party {
        name: "bench".to_owned(),
        key: operator_key().public(),
    }
}

/// Draws the scratch operator's key.
struct OwnSeed;

impl Entropy for OwnSeed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(SEED);
    }
}

/// Makes a home folder of the scratch operator, for a program that is to know their record as its own.
pub(crate) fn home_of_the_operator(home: &Path) -> Result<(), AppError> {
    let data = home.join(".local/share/thymos");
    paths::make_private(&data)?;
    keys::make(&data.join("operator.key"), &OwnSeed)?;
    let config = home.join(".config/thymos");
    paths::make_private(&config)?;
    let text = format!("[operator]\nname = \"{}\"\n", operator().name);
    std::fs::write(config.join("config.toml"), text)
        .map_err(|error| AppError::new(ErrorKind::Internal, error.to_string()))
}

/// Whom a verifier of a scratch ledger trusts.
pub(crate) fn roots() -> TrustRoots {
    TrustRoots {
        operators: vec![operator()],
        policy: vec![operator()],
        retired: Vec::new(),
    }
}

/// A ledger file, made when it is not there.
pub(crate) fn ledger(path: &Path) -> Result<Arc<dyn LedgerStore>, AppError> {
    let ledger = SqliteLedger::open(path, GENESIS).map_err(|e| store_error(&e))?;
    Ok(Arc::new(ledger))
}

/// The same, made without syncs.
pub(crate) fn unsynced(path: &Path) -> Result<Arc<dyn LedgerStore>, AppError> {
    let options = Options {
        unsynced: true,
        ..Options::default()
    };
    let ledger = SqliteLedger::open_with(path, GENESIS, options).map_err(|e| store_error(&e))?;
    Ok(Arc::new(ledger))
}

/// A ledger in memory.
pub(crate) fn memory() -> Result<Arc<dyn LedgerStore>, AppError> {
    let ledger = SqliteLedger::in_memory(GENESIS).map_err(|e| store_error(&e))?;
    Ok(Arc::new(ledger))
}

/// One built-in tool, bound to a folder.
pub(crate) fn tool(name: &str, folder: &Path) -> Result<Arc<dyn Tool>, AppError> {
    let tools = tools(folder, &folder.join("tmp"))?;
    let found = tools.into_iter().find(|tool| tool.contract().name == name);
    found.ok_or_else(|| internal(format!("there is no tool `{name}`")))
}

/// Every built-in tool, bound to a folder.
pub(crate) fn tools(folder: &Path, tmp: &Path) -> Result<Vec<Arc<dyn Tool>>, AppError> {
    let config = ToolsConfig {
        root: folder.to_path_buf(),
        protected: Vec::new(),
        search_path: Vec::new(),
        env: Vec::new(),
        tmp: tmp.to_path_buf(),
        extra_read: Vec::new(),
        cage: thymos_sandbox::probe(),
    };
    thymos_tools::builtin(config).map_err(internal)
}

/// What a scratch kernel is built around.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn LedgerStore>,
    pub(crate) tools: Vec<Arc<dyn Tool>>,
    pub(crate) model: Arc<dyn Cognition>,
    /// Where snapshots are kept, if anywhere.
    pub(crate) snapshots: Option<PathBuf>,
    /// Where checkpoints stand outside of the ledger, if anywhere.
    pub(crate) outside: Option<PathBuf>,
}

/// A kernel around a few tools and one model, and the app's end of its link.
pub(crate) fn serve(runtime: &Runtime, parts: Parts) -> Result<(Link, JoinHandle<()>), AppError> {
    let inside = runtime.enter();
    let snapshots: Arc<dyn SnapshotPlace> = match &parts.snapshots {
        Some(folder) => Arc::new(SnapshotFiles::new(folder, &parts.store.log(), "")),
        None => Arc::new(NoSnapshots),
    };
    let outside: Arc<dyn Outside> = match &parts.outside {
        Some(folder) => Arc::new(CheckpointFile::new(folder, &parts.store.log())),
        None => Arc::new(Nowhere),
    };
    let kernel = Kernel::new(KernelParts {
        store: parts.store,
        hands: Hands::Threads,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        operator: operator().name,
        operator_key: operator_key(),
        retired_keys: Vec::new(),
        tenant: String::new(),
        roots: roots(),
        tools: parts.tools,
        workspace: "bench".to_owned(),
        rung: Rung::L2,
        policy: FixedPolicy::builtin(),
        redactor: Arc::new(Redactor::new(Vec::new(), [9; 32])),
        models: Arc::new(OneModel(parts.model)),
        skills: Arc::new(thymos_runtime::skills::NoSkills),
        leases: Arc::new(NoLeases),
        outside,
        snapshots,
        limits: RunLimits {
            turns_max: u32::MAX,
            output_tokens_max: 1_000,
            context_tokens_max: 100_000,
        },
        terms: thymos_runtime::modes::ModeTerms::standard(),
        // As in the app: once its last hold is answered, a run goes on by itself.
        continues: true,
        takes_up: true,
        retention_ms: 0,
        approvals: thymos_core::verdict::Tightening::none(),
    })
    .map_err(internal)?;
    drop(inside);
    let (link, served) = super::serve(runtime, kernel);
    Ok((link, served))
}

struct OneModel(Arc<dyn Cognition>);

impl ModelSource for OneModel {
    fn connect(&self, _name: Option<&str>) -> Result<Arc<dyn Cognition>, ModelFault> {
        Ok(self.0.clone())
    }

    fn list(&self) -> Vec<ModelRow> {
        Vec::new()
    }
}

/// The rungs of interest that this machine offers.
pub(crate) fn rungs() -> Vec<Rung> {
    let best = thymos_sandbox::probe().best;
    let rungs = [Rung::L2, Rung::L3];
    rungs.into_iter().filter(|rung| *rung <= best).collect()
}

/// Starts one program in the cage and waits for its end.
pub(crate) async fn caged(program: &str, folder: &Path, rung: Rung) -> Result<(), AppError> {
    let spec = CageSpec {
        argv: vec![program.into()],
        cwd: folder.to_path_buf(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        stdin: Vec::new(),
        read: ReadScope::Roots(system_read_roots()),
        write_roots: vec![folder.to_path_buf()],
        protected: Vec::new(),
        network: Network::None,
        limits: Limits {
            wall_clock_ms: 10_000,
            output_bytes_max: 1 << 16,
            memory_bytes_max: 1 << 30,
            processes_max: 256,
            open_files_max: 256,
            file_size_bytes_max: 1 << 30,
        },
        rung,
        rung_min: Rung::L0,
    };
    let mut ignored = |_: thymos_sandbox::Stream, _: &[u8]| {};
    let ran = thymos_sandbox::run(spec, CancellationToken::new(), &mut ignored).await;
    ran.map(drop).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> AppError {
    AppError::new(ErrorKind::Internal, error.to_string())
}
