//! The policy sets that a record has had in force, trajectory by trajectory, found again by their id
//! `[P3]`.
//!
//! The record keeps bundles whole, names the redactor, and keeps the other switches only inside the id;
//! they are few, so the right ones are found by trying. Who signed a bundle is not looked at here.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use thymos_core::TrajectoryId;
use thymos_core::body::{PolicyLoaded, PolicyUnloaded};
use thymos_core::canonical;
use thymos_core::id::{Digest, PolicySetId};
use thymos_core::key::Domain;
use thymos_core::writ::TrustRoots;
use thymos_policy::{Bundle, PolicySet, Switches, own};

use crate::divergence::Divergence;

/// Sets by id, and what each trajectory has in force.
#[derive(Default, Clone)]
pub(super) struct Policies {
    /// Bundles by the digest of their bytes: most trajectories share theirs.
    bundles: BTreeMap<Digest, Bundle>,
    sets: BTreeMap<PolicySetId, PolicySet>,
    /// The ids that bundles can have under some switches and a redactor.
    formed: BTreeMap<Formed, BTreeSet<PolicySetId>>,
    lines: BTreeMap<TrajectoryId, Line>,
}

/// Bundles, and the redactor that the record names with them.
type Formed = (Vec<Digest>, Option<String>);

/// One trajectory.
#[derive(Default, Clone)]
struct Line {
    /// Bundles in force, by name.
    loaded: BTreeMap<String, Digest>,
    now: Option<PolicySetId>,
    /// Every set that ever was in force.
    ever: BTreeSet<PolicySetId>,
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

impl Policies {
    /// The set of this id, if it is in force in this trajectory.
    pub(super) fn in_force(
        &self,
        trajectory: &TrajectoryId,
        id: &PolicySetId,
    ) -> Option<&PolicySet> {
        let line = self.lines.get(trajectory)?;
        (line.now == Some(*id)).then(|| self.sets.get(id))?
    }

    /// The set of this id, if it was in force in this trajectory at any time up to now.
    pub(super) fn once_in_force(
        &self,
        trajectory: &TrajectoryId,
        id: &PolicySetId,
    ) -> Option<&PolicySet> {
        let line = self.lines.get(trajectory)?;
        line.ever.contains(id).then(|| self.sets.get(id))?
    }

    pub(super) fn load(
        &mut self,
        trajectory: TrajectoryId,
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
        let line = self.lines.entry(trajectory).or_default();
        line.loaded.insert(name.to_owned(), digest);
        self.expect(trajectory, loaded.policy_set, loaded.redactor.as_deref())
    }

    pub(super) fn unload(
        &mut self,
        trajectory: TrajectoryId,
        unloaded: &PolicyUnloaded,
    ) -> Result<(), Divergence> {
        let line = self.lines.entry(trajectory).or_default();
        if line.loaded.remove(&unloaded.name).is_none() {
            let found = unloaded.name.clone();
            return Err(Divergence::new("policy bundle", "a loaded one", found));
        }
        self.expect(
            trajectory,
            unloaded.policy_set,
            unloaded.redactor.as_deref(),
        )
    }

    /// Puts the set in force that the entry names, if the loaded bundles form it.
    fn expect(
        &mut self,
        trajectory: TrajectoryId,
        set: PolicySetId,
        redactor: Option<&str>,
    ) -> Result<(), Divergence> {
        let line = self.lines.entry(trajectory).or_default();
        let loaded: Vec<Digest> = line.loaded.values().copied().collect();
        let formed: Formed = (loaded, redactor.map(str::to_owned));
        // Nothing counts after a set that cannot be found again, until one can.
        line.now = None;
        if !self.formed.contains_key(&formed) {
            let bundles: Vec<Bundle> = formed
                .0
                .iter()
                .filter_map(|digest| self.bundles.get(digest).cloned())
                .collect();
            let ids = Switches::every(redactor).map(|switches| {
                let set = PolicySet::new(bundles.clone(), switches);
                let id = set.id();
                self.sets.insert(id, set);
                id
            });
            let ids = ids.collect();
            self.formed.insert(formed.clone(), ids);
        }
        if !self
            .formed
            .get(&formed)
            .is_some_and(|ids| ids.contains(&set))
        {
            let found = "no such set of the loaded bundles";
            return Err(Divergence::new("policy set", set.to_string(), found));
        }
        let line = self.lines.entry(trajectory).or_default();
        line.now = Some(set);
        line.ever.insert(set);
        Ok(())
    }
}
