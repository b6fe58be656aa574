//! What writ files need of adapters and runtime: a template, its words, the names of the tools.

use thymos_core::writ::{Grant, Mode, Party, Writ};
use thymos_ports::Clock;
use thymos_ports::Entropy;
use thymos_ports::clock::draw;
use thymos_runtime::modes::{ModeRequest, grant_words, mode_writ};

use super::terms;
use crate::config::Config;
use crate::system::{OsEntropy, SystemClock};

/// An unsigned writ of a mode, from the operator to the operator.
pub(crate) fn template(mode: Mode, operator: &Party, config: &Config) -> Writ {
    let entropy: &dyn Entropy = &OsEntropy;
    mode_writ(ModeRequest {
        mode,
        issuer: operator.clone(),
        subject: operator.clone(),
        tenant: config.tenant.value.clone(),
        nonce: draw(entropy),
        now: SystemClock.now(),
        terms: terms(&config.budget),
    })
}

/// A grant in words.
pub(crate) fn words(grant: &Grant) -> String {
    grant_words(grant)
}
