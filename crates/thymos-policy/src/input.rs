//! What a rule may read about one call. References only; it looks nothing up.

use serde_json::Value;
use thymos_core::WritId;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::facts::Facts;
use thymos_core::intent::Intent;
use thymos_core::resolved::Resolved;
use thymos_core::writ::SignedWrit;

/// Everything that a rule may read.
#[derive(Debug, Clone, Copy)]
pub struct PolicyInput<'a> {
    /// What is wanted, as recorded.
    pub intent: &'a Intent,
    /// The real arguments, where the recorded ones carry redacted spans `[R4]`.
    pub live_args: Option<&'a Value>,
    /// What the tool found out, as recorded; none when it could not.
    pub resolved: Option<&'a Resolved>,
    /// The same with the real values, where the recorded one carries redacted spans.
    pub live_resolved: Option<&'a Resolved>,
    /// The class of this call after the operator's floor; none when unknown `[C18]`.
    pub effect: Option<EffectClass>,
    /// The risk of this call after the floor; none when unknown.
    pub risk: Option<Risk>,
    /// The writ chain, root first.
    pub links: &'a [(WritId, SignedWrit)],
    /// The moment.
    pub facts: &'a Facts,
}

/// Which form of a value is read: the decision uses the real one, the trace the recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The real value.
    Live,
    /// The recorded value.
    Recorded,
}

impl<'a> PolicyInput<'a> {
    pub(crate) fn args(&self, form: Form) -> &'a Value {
        match form {
            Form::Live => self.live_args.unwrap_or(&self.intent.args),
            Form::Recorded => &self.intent.args,
        }
    }

    pub(crate) fn resolved(&self, form: Form) -> Option<&'a Resolved> {
        match form {
            Form::Live => self.live_resolved.or(self.resolved),
            Form::Recorded => self.resolved,
        }
    }

    pub(crate) fn has_live(&self) -> bool {
        self.live_args.is_some() || self.live_resolved.is_some()
    }
}
