//! What `thymos doctor` looks at behind the adapters: cage, ledger, model. Changes nothing.

use std::path::Path;

use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;

use super::models::{Models, services};
use super::store_error;
use crate::config::{Config, Env};

/// One finding of the doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// Whether it is in order.
    pub ok: bool,
    /// What was seen, one line each.
    pub lines: Vec<String>,
    /// What to do, if something.
    pub hint: Option<String>,
}

/// Looks at the cage.
#[must_use]
pub fn cage() -> Finding {
    let probe = thymos_sandbox::probe();
    let mut lines = vec![format!("{}: {}", probe.best, probe.best.describe())];
    lines.extend(probe.notes);
    let ok = probe.best >= thymos_core::isolation::Rung::L2;
    let hint = (!ok).then(|| "below L2 every command is held for you to approve".to_owned());
    Finding {
        what: "cage".into(),
        ok,
        lines,
        hint,
    }
}

/// Looks at the ledger without making one.
#[must_use]
pub fn ledger(path: &Path) -> Finding {
    let what = "ledger".to_owned();
    if !path.exists() {
        let lines = vec![format!("{} will be made on first use", path.display())];
        return Finding {
            what,
            ok: true,
            lines,
            hint: None,
        };
    }
    let opened = SqliteLedger::open_read_only(path)
        .and_then(|ledger| Ok((ledger.len()?, ledger.heads()?.len())));
    match opened {
        Ok((entries, trajectories)) => {
            let lines = vec![format!(
                "{}: {entries} entries, {trajectories} trajectories",
                path.display()
            )];
            Finding {
                what,
                ok: true,
                lines,
                hint: None,
            }
        }
        Err(error) => {
            let told = store_error(&error);
            Finding {
                what,
                ok: false,
                lines: vec![told.message],
                hint: told.hints.into_iter().next(),
            }
        }
    }
}

/// Asks the configured model's provider for its list of models.
pub async fn model(env: &Env, config: &Config) -> Finding {
    let what = "model".to_owned();
    let models = match Models::new(env.clone(), config) {
        Ok(models) => models,
        Err(error) => {
            let hint = error.hints.into_iter().next();
            return Finding {
                what,
                ok: false,
                lines: vec![error.message],
                hint,
            };
        }
    };
    let name = models.default_name().to_owned();
    match models.spec(&name) {
        Ok(spec) => {
            let report = thymos_cognition::probe(&spec, &services()).await;
            let mut lines = vec![name];
            lines.extend(report.lines);
            Finding {
                what,
                ok: report.ok,
                lines,
                hint: report.hint,
            }
        }
        Err(fault) => Finding {
            what,
            ok: false,
            lines: vec![fault.message],
            hint: fault.hint,
        },
    }
}
