//! The policy sets that a record has had in force, found again by their id `[P3]`.
//!
//! The record keeps bundles whole and switches only inside the id; there are few switches, so the
//! right ones are found by trying.

use std::collections::BTreeMap;

use serde_json::Value;
use thymos_core::effect::Risk;
use thymos_core::id::PolicySetId;
use thymos_policy::{Bundle, PolicySet, Switches};

use crate::divergence::Divergence;

/// Sets by id, and the bundles loaded so far.
#[derive(Clone)]
pub(super) struct Policies {
    known: BTreeMap<PolicySetId, PolicySet>,
    builtin: Vec<Bundle>,
    loaded: Vec<Bundle>,
}

impl Policies {
    /// Knows the built-in bundle under every switch, and nothing else.
    pub(super) fn new() -> Self {
        let builtin = PolicySet::builtin().bundles().to_vec();
        let mut policies = Self {
            known: BTreeMap::new(),
            builtin,
            loaded: Vec::new(),
        };
        policies.learn(policies.builtin.clone());
        policies
    }

    pub(super) fn get(&self, id: &PolicySetId) -> Option<&PolicySet> {
        self.known.get(id)
    }

    pub(super) fn load(&mut self, bundle: &Value, set: PolicySetId) -> Result<(), Divergence> {
        let bundle = Bundle::from_value(bundle).map_err(|invalid| {
            Divergence::new("policy bundle", "a valid bundle", invalid.to_string())
        })?;
        self.loaded.retain(|old| old.name() != bundle.name());
        self.loaded.push(bundle);
        self.expect(set)
    }

    pub(super) fn unload(&mut self, name: &str, set: PolicySetId) -> Result<(), Divergence> {
        self.loaded.retain(|old| old.name() != name);
        self.expect(set)
    }

    /// Learns the sets that the loaded bundles can form, with and without the built-in one.
    fn expect(&mut self, set: PolicySetId) -> Result<(), Divergence> {
        if self.known.contains_key(&set) {
            return Ok(());
        }
        let mut whole = self.builtin.clone();
        whole.retain(|own| self.loaded.iter().all(|other| other.name() != own.name()));
        whole.extend(self.loaded.iter().cloned());
        self.learn(self.loaded.clone());
        self.learn(whole);
        if self.known.contains_key(&set) {
            return Ok(());
        }
        let found = "no such set of the loaded bundles";
        Err(Divergence::new("policy set", set.to_string(), found))
    }

    fn learn(&mut self, bundles: Vec<Bundle>) {
        for risk_threshold in [Risk::Low, Risk::Medium, Risk::High, Risk::Critical] {
            for compensation_gate in [true, false] {
                let switches = Switches {
                    risk_threshold,
                    compensation_gate,
                    ..Switches::standard()
                };
                let set = PolicySet::new(bundles.clone(), switches);
                self.known.insert(set.id(), set);
            }
        }
    }
}
