//! Which model thinks the next turn, and the evidence of that choice `[S2]`.
//!
//! The evidence stands beside an intent. No decision reads it.

use std::sync::Arc;

use thymos_core::routing::{CERTAIN_BPS, Choice, Reason, Routing};
use thymos_ports::Cognition;
use thymos_ports::cognition::{ModelFault, ModelIdentity};

use super::Session;

/// A model, and why it is this one.
pub(super) struct Chosen {
    pub(super) model: Arc<dyn Cognition>,
    pub(super) reasons: Vec<Reason>,
}

/// What the newest turn of a model took; the best guess for its next one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(super) wall_clock_ms: u64,
    pub(super) usd_millicents: Option<u64>,
}

impl Session {
    /// The operator's choice, else what a bound skill suggests, else the default.
    pub(super) fn choose_model(&self) -> Result<Chosen, ModelFault> {
        let models = &self.k.parts.models;
        let chosen = |model, reasons| Chosen { model, reasons };
        if let Some(name) = &self.model {
            let model = models.connect(Some(name))?;
            return Ok(chosen(model, vec![Reason::OperatorChoice]));
        }
        let Some(hint) = self.hinted_model() else {
            let model = models.connect(None)?;
            return Ok(chosen(model, vec![Reason::ConfigDefault]));
        };
        match models.connect(Some(&hint)) {
            Ok(model) => Ok(chosen(model, vec![Reason::SkillHint])),
            // A hint is no order: where it cannot be followed, the default is used, and that is told.
            Err(_) => {
                let model = models.connect(None)?;
                let reasons = vec![Reason::SkillHintUnavailable, Reason::ConfigDefault];
                Ok(chosen(model, reasons))
            }
        }
    }

    /// The evidence of a choice, with the ways not taken.
    pub(super) fn evidence(&self, chosen: &Chosen) -> Option<Routing> {
        let models = &self.k.parts.models;
        let identity = chosen.model.identity();
        let selected = routed_name(&identity);
        // By name alone: nothing is connected for the sake of evidence.
        let mut alternatives = models.usable();
        alternatives.retain(|name| !names(name, &identity));
        alternatives.sort();
        alternatives.dedup();
        let pace = self.paces.get(&selected);
        // Only a hint that cannot be followed gives way, to the default.
        let by_hint = chosen.reasons.contains(&Reason::SkillHint);
        let fallback_hint = by_hint
            .then(|| models.connect(None).ok())
            .flatten()
            .map(|model| routed_name(&model.identity()))
            .filter(|name| *name != selected);
        Choice {
            alternatives,
            confidence_bps: CERTAIN_BPS,
            reason_codes: chosen.reasons.clone(),
            latency_estimate_ms: pace.map(|pace| pace.wall_clock_ms),
            cost_estimate_millicents: pace.and_then(|pace| pace.usd_millicents),
            fallback_hint,
            selected,
        }
        .decided()
        .ok()
    }

    /// Remembers what a turn took.
    pub(super) fn learn_pace(&mut self, identity: &ModelIdentity, pace: Pace) {
        self.paces.insert(routed_name(identity), pace);
    }
}

fn routed_name(identity: &ModelIdentity) -> String {
    format!("{}:{}", identity.provider, identity.model)
}

/// Whether a name of the configuration means this model.
fn names(name: &str, identity: &ModelIdentity) -> bool {
    match name.split_once('/') {
        Some((provider, model)) => provider == identity.provider && model == identity.model,
        None => name == identity.provider,
    }
}
