//! Configuration: what the file says, what the environment says, and what both mean together.
//!
//! `raw` is the file, `env` the environment, `paths` where things live, [`Config`] the result with
//! the source of every value. Nothing else reads the environment.

pub mod approvals;
pub mod change;
pub mod env;
pub mod explain;
pub mod ledger;
pub mod paths;
pub mod raw;
pub mod tools;

mod resolve;
#[cfg(test)]
mod tests;

pub use env::Env;
pub(crate) use env::is_telling;
pub use paths::Paths;
pub use resolve::{
    BudgetConfig, Config, Flags, ProviderConfig, Setting, Source, TENANT_HINT, is_tenant,
};

use crate::error::AppError;

/// Reads file and environment, and resolves them under these flags.
///
/// # Errors
/// [`AppError`] with file and line when the config file cannot be read or understood.
pub fn load(env: &Env, flags: &Flags) -> Result<Config, AppError> {
    let paths = Paths::from(env)?;
    let file = flags.config.clone().unwrap_or_else(|| paths.config_file());
    if flags.config.is_none() {
        raw::is_own(&file)?;
    }
    let raw = raw::read(&file, flags.config.is_some())?;
    resolve::resolve(env, paths, file, raw, flags)
}
