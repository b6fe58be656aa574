//! The policy sets that a record has had in force, trajectory by trajectory, found again by their id
//! `[P3]`.
//!
//! The record keeps bundles whole, names the redactor, and keeps the other switches only inside the id;
//! they are few, so the right ones are found by trying. Who signed a bundle is not looked at here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use thymos_core::body::{PolicyLoaded, PolicyUnloaded};
use thymos_core::canonical;
use thymos_core::id::{Digest, PolicySetId};
use thymos_core::key::Domain;
use thymos_core::writ::TrustRoots;
use thymos_policy::{Bundle, PolicySet, Switches, own};

use crate::divergence::Divergence;

/// What is the same for all trajectories: bundles and the sets that they form. Nothing is found in here
/// that could not be made again.
#[derive(Default, Clone)]
pub(super) struct Policies {
    /// Bundles by the digest of their bytes: most trajectories share theirs.
    bundles: BTreeMap<Digest, Bundle>,
    /// The sets that bundles can form under some switches and a redactor, by id.
    formed: BTreeMap<Formed, BTreeMap<PolicySetId, Arc<PolicySet>>>,
}

/// Bundles, and the redactor that the record names with them.
type Formed = (Vec<Digest>, Option<String>);

/// The rules of one trajectory.
#[derive(Default, Clone)]
pub(super) struct Line {
    /// Bundles in force, by name.
    loaded: BTreeMap<String, Digest>,
    now: Option<PolicySetId>,
    /// Every set that ever was in force.
    ever: BTreeMap<PolicySetId, Arc<PolicySet>>,
}

/// Whether the bundle is signed by a key that was ever trusted for policy; the program's own bundles
/// are signed by nobody. `[P3]`
pub(super) fn vouched(loaded: &PolicyLoaded, roots: &TrustRoots) -> Result<(), Divergence> {
    let no = |expected: &str, found: String| Err(Divergence::new("policy signer", expected, found));
    let (Some(key), Some(signature)) = (loaded.signed_by, loaded.signature) else {
        return match own::NAMES.contains(&loaded.name.as_str()) {
            true => Ok(()),
            false => no("a signature", "none".to_owned()),
        };
    };
    if !roots.ever().trusts_policy(&key) {
        return no("a policy key of the trust roots", key.to_string());
    }
    let bytes = canonical::value_to_bytes(&loaded.bundle);
    match bytes.is_ok_and(|bytes| key.verifies(Domain::Policy, bytes.as_bytes(), &signature)) {
        true => Ok(()),
        false => no("by the key named in it", "another's signature".to_owned()),
    }
}

impl Line {
    /// The set of this id, if it is in force.
    pub(super) fn in_force(&self, id: &PolicySetId) -> Option<&PolicySet> {
        (self.now == Some(*id)).then(|| self.once_in_force(id))?
    }

    /// The set of this id, if it was in force at any time up to now.
    pub(super) fn once_in_force(&self, id: &PolicySetId) -> Option<&PolicySet> {
        self.ever.get(id).map(Arc::as_ref)
    }
}

impl Policies {
    pub(super) fn load(
        &mut self,
        line: &mut Line,
        loaded: &PolicyLoaded,
    ) -> Result<(), Divergence> {
        let name = loaded.name.as_str();
        let bytes = canonical::value_to_bytes(&loaded.bundle)
            .map_err(|e| Divergence::new("policy bundle", "canonical", e.to_string()))?;
        let digest = Digest::of(bytes.as_bytes());
        let bundle = match self.bundles.entry(digest) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(room) => {
                let bundle = Bundle::parse(bytes.as_bytes()).map_err(|invalid| {
                    Divergence::new("policy bundle", "a valid bundle", invalid.to_string())
                })?;
                room.insert(bundle)
            }
        };
        if bundle.name() != name {
            return Err(Divergence::new("policy bundle", name, bundle.name()));
        }
        line.loaded.insert(name.to_owned(), digest);
        self.expect(line, loaded.policy_set, loaded.redactor.as_deref())
    }

    pub(super) fn unload(
        &mut self,
        line: &mut Line,
        unloaded: &PolicyUnloaded,
    ) -> Result<(), Divergence> {
        if line.loaded.remove(&unloaded.name).is_none() {
            let found = unloaded.name.clone();
            return Err(Divergence::new("policy bundle", "a loaded one", found));
        }
        self.expect(line, unloaded.policy_set, unloaded.redactor.as_deref())
    }

    /// Puts the set in force that the entry names, if the loaded bundles form it.
    fn expect(
        &mut self,
        line: &mut Line,
        set: PolicySetId,
        redactor: Option<&str>,
    ) -> Result<(), Divergence> {
        let loaded: Vec<Digest> = line.loaded.values().copied().collect();
        // Nothing counts after a set that cannot be found again, until one can.
        line.now = None;
        let bundles = &self.bundles;
        let formed = self.formed.entry((loaded, redactor.map(str::to_owned)));
        let formed = formed.or_insert_with_key(|(loaded, _)| {
            let known = loaded.iter().filter_map(|digest| bundles.get(digest));
            let known: Vec<Bundle> = known.cloned().collect();
            let sets = Switches::every(redactor)
                .map(|switches| Arc::new(PolicySet::new(known.clone(), switches)));
            sets.map(|set| (set.id(), set)).collect()
        });
        let Some(found) = formed.get(&set) else {
            let found = "no such set of the loaded bundles";
            return Err(Divergence::new("policy set", set.to_string(), found));
        };
        line.now = Some(set);
        line.ever.insert(set, Arc::clone(found));
        Ok(())
    }
}
