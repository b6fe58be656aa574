//! One call under judgement: what was given, with the floors applied. Judges nothing itself.

use serde_json::Value;
use thymos_core::canonical::{self, InvalidJson};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::id::IntentId;
use thymos_core::intent::Intent;
use thymos_core::limits::INTENT_ARGS_BYTES_MAX;
use thymos_core::proposal::{Decided, Proposal};
use thymos_core::resolved::Resolved;
use thymos_core::trace::Trace;

use crate::grounds::Grounds;
use crate::toolset::PinnedTool;

/// A call with everything derived from it once.
pub(crate) struct Case<'a> {
    pub(crate) intent: &'a Intent,
    pub(crate) grounds: &'a Grounds<'a>,
    pub(crate) form: Result<Form, InvalidJson>,
    pub(crate) tool: Option<&'a PinnedTool>,
    /// The real arguments.
    pub(crate) args: &'a Value,
    /// The real findings; none when the tool could not resolve the call.
    pub(crate) resolved: Option<&'a Resolved>,
    /// The class of this call, at least the operator's floor `[C18]`.
    pub(crate) effect: Option<EffectClass>,
    /// The risk of this call, at least the operator's floor.
    pub(crate) risk: Option<Risk>,
}

/// The canonical form of an intent.
pub(crate) struct Form {
    pub(crate) id: IntentId,
    pub(crate) args_bytes: usize,
}

impl<'a> Case<'a> {
    pub(crate) fn new(intent: &'a Intent, grounds: &'a Grounds<'a>) -> Self {
        let tool = grounds.tools.pinned(&intent.tool);
        let recorded = grounds.resolved.ok();
        let resolved = grounds
            .live_resolved
            .filter(|_| recorded.is_some())
            .or(recorded);
        // [C18] A manifest, a server or a tool can never make a call milder than the floor. The
        // recorded and the real findings may differ in text only, so the stricter one counts.
        let effect = resolved.map(|r| {
            let claimed = recorded.map_or(r.effect, |rec| rec.effect.max(r.effect));
            tool.map_or(claimed, |t| claimed.max(t.contract.effect_floor))
        });
        let risk = resolved.map(|r| {
            let claimed = recorded.map_or(r.risk, |rec| rec.risk.max(r.risk));
            tool.map_or(claimed, |t| claimed.max(t.contract.risk_floor))
        });
        Self {
            intent,
            grounds,
            form: Form::of(intent),
            tool,
            args: grounds.live_args.unwrap_or(&intent.args),
            resolved,
            effect,
            risk,
        }
    }

    /// The proposal and what was decided on, as they are recorded.
    pub(crate) fn decided(&self, trace: Trace) -> Decided {
        Decided {
            proposal: self.proposal(),
            facts: self.grounds.facts.clone(),
            trace,
        }
    }

    pub(crate) fn proposal(&self) -> Proposal {
        Proposal {
            v: 1,
            intent: self.intent.clone(),
            tool: self.tool.map(|tool| tool.pin.clone()),
            writs: self
                .grounds
                .chain
                .links()
                .iter()
                .map(|(id, _)| *id)
                .collect(),
            resolved: self.grounds.resolved.ok().cloned(),
            policy_set: self.grounds.policy.id(),
            compiler: self.grounds.gate.name().to_owned(),
        }
    }

    /// Whether the recorded form of this argument differs from the real one `[R4]`.
    pub(crate) fn redacted_arg(&self, name: &str) -> bool {
        self.grounds.live_args.is_some() && self.args.get(name) != self.intent.args.get(name)
    }

    /// Whether the recorded arguments differ from the real ones anywhere.
    pub(crate) fn redacted_args(&self) -> bool {
        self.grounds
            .live_args
            .is_some_and(|live| *live != self.intent.args)
    }

    /// Whether the recorded findings differ from the real ones.
    pub(crate) fn redacted_resolved(&self) -> bool {
        self.grounds.live_resolved.is_some() && self.resolved != self.grounds.resolved.ok()
    }
}

impl Form {
    fn of(intent: &Intent) -> Result<Self, InvalidJson> {
        let bytes = canonical::encode(intent)?;
        // The whole is an upper bound of its part; only a suspect is measured twice.
        let args_bytes = if bytes.as_bytes().len() > INTENT_ARGS_BYTES_MAX {
            canonical::value_to_bytes(&intent.args)?.as_bytes().len()
        } else {
            bytes.as_bytes().len()
        };
        Ok(Self {
            id: IntentId::of(bytes.as_bytes()),
            args_bytes,
        })
    }
}
