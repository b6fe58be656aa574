//! What `thymos doctor` looks at behind the adapters: cage, ledger, model. Changes nothing.

use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;

use super::models::{Models, services};
use super::store_error;
use crate::config::ledger::LedgerPlace;
use crate::config::{Config, Env};
use crate::error::AppError;

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
pub fn ledger(env: &Env, place: &LedgerPlace) -> Finding {
    let what = "ledger".to_owned();
    match size(env, place) {
        Ok(size) => {
            let told = match size {
                Some((entries, trajectories)) => {
                    format!("{place}: {entries} entries, {trajectories} trajectories")
                }
                None => format!("{place} will be made on first use"),
            };
            let mut lines = vec![told];
            if let LedgerPlace::Server(url) = place {
                lines.push(format!("sslmode {}", url.sslmode));
            }
            Finding {
                what,
                ok: true,
                lines,
                hint: None,
            }
        }
        Err(told) => Finding {
            what,
            ok: false,
            lines: vec![told.message],
            hint: told.hints.into_iter().next(),
        },
    }
}

/// Entries and trajectories; none where there is no ledger yet.
fn size(env: &Env, place: &LedgerPlace) -> Result<Option<(u64, usize)>, AppError> {
    let opened: Option<Box<dyn LedgerStore>> = match place {
        LedgerPlace::File(path) if !path.exists() => None,
        LedgerPlace::File(path) => Some(Box::new(
            SqliteLedger::open_read_only(path).map_err(|e| store_error(&e))?,
        )),
        LedgerPlace::Server(url) => match super::ledger::look(env, url)? {
            Some(ledger) => Some(Box::new(ledger)),
            None => None,
        },
    };
    let counted = opened.map(|ledger| Ok((ledger.len()?, ledger.heads()?.len())));
    counted.transpose().map_err(|e| store_error(&e))
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
