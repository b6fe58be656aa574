//! What the gate would say of one call under a chain of writs, clause by clause. Nothing runs, and no
//! answer of it is a permission: what was cleared on the way is dropped here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use thymos_compiler::{
    CheckedChain, CheckedPossession, GateVersion, Grounds, ToolSet, Verdict, compile,
};
use thymos_core::budget::{Budget, Cost};
use thymos_core::effect::Risk;
use thymos_core::facts::{Facts, Possession};
use thymos_core::intent::{Author, Intent};
use thymos_core::isolation::Rung;
use thymos_core::resolved::Resolved;
use thymos_core::trace::Trace;
use thymos_core::world::World;
use thymos_core::writ::{Mode, SignedWrit};
use thymos_core::{TrajectoryId, WritId};
use thymos_ports::memory::NoMemory;
use thymos_ports::tool::{Look, nothing_kept};
use thymos_ports::{Clock, Tool};
use thymos_protocol::WritStanding;
use thymos_runtime::kernel::PolicySource;
use thymos_runtime::modes::suggestion;

use super::{keys, open_workspace, policy, switches, tools, trust};
use crate::config::{Config, Env};
use crate::error::{AppError, ErrorKind};
use crate::system::{OsEntropy, SystemClock};

/// The call that is asked about.
pub(crate) struct Call<'a> {
    pub(crate) tool: &'a str,
    pub(crate) args: &'a Value,
}

/// A call under a chain, and what the record says of that chain.
pub(crate) struct Asked<'a> {
    pub(crate) chain: Vec<SignedWrit>,
    pub(crate) standing: &'a WritStanding,
    pub(crate) call: Call<'a>,
}

/// The gate's word.
pub(crate) enum Said {
    Cleared,
    Held,
    /// With the least that would change it, in words.
    Refused(Option<String>),
}

pub(crate) async fn explain(
    env: &Env,
    config: &Config,
    directory: &Path,
    asked: Asked<'_>,
) -> Result<(Trace, Said), AppError> {
    let Asked {
        chain,
        standing,
        call,
    } = asked;
    let workspace = open_workspace(directory)?;
    let (key, trust): (_, trust::TrustFile) =
        keys::operator(&config.paths, &config.operator.value, &OsEntropy)?;
    let cage = thymos_sandbox::probe();
    let rung = cage.best;
    let tools = tools(env, config, &workspace, cage)?;
    let roots = trust.roots();
    let chain = CheckedChain::check(chain, &roots);
    let shelf = policy::PolicyFolder::open(
        config.paths.policy(),
        roots,
        switches(config),
        Arc::new(SystemClock),
    )
    .current();
    let intent = Intent {
        v: 1,
        trajectory: TrajectoryId::of(b"explained"),
        turn: 0,
        ordinal: 0,
        author: Author::Model,
        tool: call.tool.to_owned(),
        args: call.args.clone(),
    };
    let id = intent.id().map_err(|e| internal(&e))?;
    let set = ToolSet::pin(tools.iter().map(|tool| tool.contract().clone()).collect())
        .map_err(|e| internal(&e))?;
    let resolved = looked(&tools, &set, &intent, (&chain, rung)).await;
    let possession = Possession::sign(vec![id], &key);
    let facts = Facts {
        rung,
        risk_threshold: shelf.set().switches().risk_threshold,
        ..moment(
            config,
            &chain,
            standing,
            possession.clone(),
            resolved.as_ref().ok(),
        )
    };
    let verdict = compile(
        &intent,
        &Grounds {
            gate: GateVersion::NEWEST,
            chain: &chain,
            possession: &CheckedPossession::check(possession, &chain),
            standing: &[],
            policy: shelf.set(),
            tools: &set,
            resolved: resolved.as_ref().map_err(String::as_str),
            facts: &facts,
            live_args: None,
            live_resolved: None,
        },
    );
    Ok(told(verdict))
}

fn internal(error: &dyn std::fmt::Display) -> AppError {
    AppError::new(ErrorKind::Internal, error.to_string())
}

/// What was said, without the warrant that may have been made on the way.
fn told(verdict: Verdict) -> (Trace, Said) {
    match verdict {
        Verdict::Cleared(warrant) => (warrant.decided().trace.clone(), Said::Cleared),
        Verdict::Held(held) => (held.decided.trace, Said::Held),
        Verdict::Refused(refused) => {
            let least = refused.refusal.smallest_grant.as_ref().map(suggestion);
            (refused.decided.trace, Said::Refused(least))
        }
    }
}

/// This moment, as the record has it.
fn moment(
    config: &Config,
    chain: &CheckedChain,
    standing: &WritStanding,
    possession: Possession,
    found: Option<&Resolved>,
) -> Facts {
    let spent = |id: &WritId| {
        let known = standing.spent.iter().find(|(writ, _)| writ == id);
        (*id, known.map_or_else(Cost::default, |(_, cost)| *cost))
    };
    let world = found.map_or_else(BTreeMap::new, |found| {
        let seen = found.resources.iter();
        seen.map(|seen| (seen.resource.text(), None)).collect()
    });
    Facts {
        now: SystemClock.now(),
        tenant: config.tenant.value.clone(),
        mode: Mode::Custom,
        spent: chain.links().iter().map(|(id, _)| spent(id)).collect(),
        revoked: standing.revoked.iter().copied().collect(),
        possession,
        rung: Rung::L0,
        risk_threshold: Risk::High,
        world,
        repeats: 0,
        standing: Vec::new(),
        approvals: config.approvals.value,
    }
}

async fn looked(
    tools: &[Arc<dyn Tool>],
    set: &ToolSet,
    intent: &Intent,
    (chain, rung): (&CheckedChain, Rung),
) -> Result<Resolved, String> {
    let Some(tool) = tools
        .iter()
        .find(|tool| tool.contract().name == intent.tool)
    else {
        return Err(format!("there is no tool `{}`", intent.tool));
    };
    if set.check_args(&intent.tool, &intent.args).is_err() {
        return Err("the arguments do not fit the tool's schema".to_owned());
    }
    let budgets = chain.links().iter().map(|(_, link)| &link.writ.budget);
    let look = Look {
        world: &World::default(),
        memory: &NoMemory,
        now: SystemClock.now(),
        rung,
        limits: Budget::tightest(budgets),
        kept: &nothing_kept,
    };
    tool.resolve(&intent.args, &look)
        .await
        .map_err(|no| no.message)
}
