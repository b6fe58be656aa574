//! What writ files need of adapters and runtime: a template, its words, the names of the tools.

use std::path::Path;

use thymos_core::writ::{Grant, Mode, Party, Writ};
use thymos_ports::Clock;
use thymos_ports::Entropy;
use thymos_ports::clock::draw;
use thymos_runtime::modes::{ModeRequest, grant_words, mode_writ};

use super::{open_workspace, tools};
use crate::config::{Config, Env};
use crate::error::AppError;
use crate::system::{OsEntropy, SystemClock};

/// An unsigned writ of a mode, from the operator to the operator.
pub(crate) fn template(mode: Mode, operator: &Party, tenant: &str) -> Writ {
    let entropy: &dyn Entropy = &OsEntropy;
    mode_writ(ModeRequest {
        mode,
        issuer: operator.clone(),
        subject: operator.clone(),
        tenant: tenant.to_owned(),
        nonce: draw(entropy),
        now: SystemClock.now(),
        terms: thymos_runtime::modes::ModeTerms::standard(),
    })
}

/// A grant in words.
pub(crate) fn words(grant: &Grant) -> String {
    grant_words(grant)
}

/// Names of every tool of this workspace.
pub(crate) fn tool_names(
    env: &Env,
    config: &Config,
    directory: &Path,
) -> Result<Vec<String>, AppError> {
    let workspace = open_workspace(directory)?;
    let tools = tools(env, config, &workspace, thymos_sandbox::probe())?;
    Ok(tools
        .iter()
        .map(|tool| tool.contract().name.clone())
        .collect())
}
