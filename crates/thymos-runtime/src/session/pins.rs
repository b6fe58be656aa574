//! What a decision stands on besides its facts, recorded before it: the rules in force and the tools.
//!
//! Decides nothing; where the rules come from is the kernel's source.

use thymos_core::body::{self, Body};
use thymos_policy::own::CLOSED;
use thymos_policy::{Bundle, Placed, Step};

use super::{RecordError, Session};

/// Looks again when another process wrote in between. Beyond it the trajectory is too contended.
const TRIES_MAX: u32 = 16;

impl Session {
    /// Entries that pin policy and tools, where they are not what is recorded already. Takes the rules
    /// as they are now: what is decided next, is decided by them.
    pub(super) fn pins(&mut self) -> Vec<Body> {
        self.shelf = self.k.parts.policy.current();
        let mut bodies = Vec::new();
        if self.p.policy_set != Some(self.shelf.set().id()) {
            let before = self.bundles_on_record();
            let steps = self.shelf.steps_from(&before, self.p.policy_set);
            let redactor = self.shelf.set().switches().named_redactor();
            bodies.extend(steps.into_iter().map(|step| told(step, redactor)));
        }
        if !self.k.tool_set.contracts().eq(&self.p.tools) {
            let tools = self.k.tool_set.contracts().cloned().collect();
            bodies.push(Body::ToolsPinned(body::ToolsPinned { tools }));
        }
        bodies
    }

    /// What people and the model are told when files of the policy are refused, once for each set of
    /// them: other rules hold than somebody meant.
    fn refusal_told(&self, refused: &[String]) -> Option<Body> {
        let first = refused.first().filter(|_| refused != self.refused)?;
        let mut bundles = self.shelf.set().bundles().iter();
        let closed = bundles.any(|bundle| bundle.name() == CLOSED);
        let what = if closed {
            "nothing is allowed until it is mended"
        } else {
            "the rules before it stay in force"
        };
        Some(Body::Message(body::Message {
            role: body::Role::System,
            text: format!("a policy file is refused, and {what}: {first}"),
            reasoning: String::new(),
            provider_state: None,
            turn: self.p.next_turn.saturating_sub(1),
        }))
    }

    /// The bundles that the record has in force. One that this version cannot read is in no set that it
    /// could name.
    fn bundles_on_record(&self) -> Vec<Bundle> {
        let loaded = self.p.policies.values();
        loaded
            .filter_map(|loaded| Bundle::from_value(loaded.bundle.as_ref()?).ok())
            .collect()
    }

    /// Records pins that changed since: a verdict is recorded after the rules and tools it rests
    /// on, or replay could not find it again `[Y2]`. False when the store refuses.
    pub(super) async fn keep_pins(&mut self) -> bool {
        match self.record_pins().await {
            Ok(()) => true,
            Err(error) => {
                self.break_on(error, None);
                false
            }
        }
    }

    /// As [`Self::keep_pins`], for callers that tell of a failure themselves.
    pub(super) async fn record_pins(&mut self) -> Result<(), RecordError> {
        for _ in 0..TRIES_MAX {
            let mut pins = self.pins();
            let refused = self.shelf.refused().to_vec();
            pins.extend(self.refusal_told(&refused));
            if !pins.is_empty() {
                match self.record(pins).await {
                    Ok(_) => {}
                    // Somebody wrote first, perhaps these very pins: look again.
                    Err(RecordError::Moved) => continue,
                    Err(error) => return Err(error),
                }
            }
            self.refused = refused;
            return Ok(());
        }
        Err(RecordError::Moved)
    }
}

// [P3] Loading, changing or unloading a bundle is an entry.
fn told(step: Step<'_>, redactor: Option<&str>) -> Body {
    let redactor = redactor.map(str::to_owned);
    match step {
        Step::Unload { name, set } => Body::PolicyUnloaded(body::PolicyUnloaded {
            name,
            policy_set: set,
            redactor,
        }),
        Step::Load { placed, set } => {
            let Placed { bundle, vouch } = placed;
            Body::PolicyLoaded(body::PolicyLoaded {
                name: bundle.name().to_owned(),
                version: bundle.version().to_owned(),
                bundle: bundle.value().clone(),
                signed_by: vouch.map(|vouch| vouch.key),
                signature: vouch.map(|vouch| vouch.signature),
                policy_set: set,
                redactor,
            })
        }
    }
}
