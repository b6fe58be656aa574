//! The shelf: bundles in force with who vouches for each, and how a record gets from one shelf to the
//! next `[P3]`. Opens no file: who fills a shelf has looked already.

use thymos_core::id::PolicySetId;
use thymos_core::key::{Domain, PublicKey, Signature};

use crate::bundle::Bundle;
use crate::set::{PolicySet, Switches};
use crate::signed::SignedBundle;

/// Who vouches for a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouch {
    /// The policy key.
    pub key: PublicKey,
    /// Its signature over the bundle's canonical bytes.
    pub signature: Signature,
}

impl Vouch {
    /// Whether that key signed exactly this bundle.
    #[must_use]
    pub fn holds(&self, bundle: &Bundle) -> bool {
        let bytes = bundle.canonical().as_bytes();
        self.key.verifies(Domain::Policy, bytes, &self.signature)
    }
}

/// A bundle on the shelf.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The bundle.
    pub bundle: Bundle,
    /// Who vouches for it; none for the program's own.
    pub vouch: Option<Vouch>,
}

impl From<SignedBundle> for Placed {
    fn from(signed: SignedBundle) -> Self {
        let vouch = Vouch {
            key: signed.signer(),
            signature: signed.signature(),
        };
        Self {
            bundle: signed.into_bundle(),
            vouch: Some(vouch),
        }
    }
}

/// The rules in force, and what was refused on the way to them.
#[derive(Debug, Clone)]
pub struct Shelf {
    set: PolicySet,
    placed: Vec<Placed>,
    refused: Vec<String>,
}

impl Shelf {
    /// These bundles under these switches. `refused` tells of what is not among them, and why.
    #[must_use]
    pub fn new(mut placed: Vec<Placed>, switches: Switches, refused: Vec<String>) -> Self {
        placed.sort_by(|a, b| a.bundle.name().cmp(b.bundle.name()));
        let bundles = placed.iter().map(|one| one.bundle.clone()).collect();
        Self {
            set: PolicySet::new(bundles, switches),
            placed,
            refused,
        }
    }

    /// The bundles of a set, with nobody to vouch for them.
    #[must_use]
    pub fn unsigned(set: &PolicySet) -> Self {
        let placed = |bundle: &Bundle| Placed {
            bundle: bundle.clone(),
            vouch: None,
        };
        let bundles = set.bundles().iter().map(placed).collect();
        Self::new(bundles, set.switches().clone(), Vec::new())
    }

    /// The same rules, with other words about what was refused.
    #[must_use]
    pub fn refusing(&self, refused: Vec<String>) -> Self {
        Self {
            refused,
            ..self.clone()
        }
    }

    /// The rules in force.
    #[must_use]
    pub fn set(&self) -> &PolicySet {
        &self.set
    }

    /// The bundles, by name.
    #[must_use]
    pub fn placed(&self) -> &[Placed] {
        &self.placed
    }

    /// What was refused, one sentence each.
    #[must_use]
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// The steps from the bundles that a record has in force, and the set it names, to this shelf:
    /// what went is unloaded first, then what came or changed is loaded, each with the set as it
    /// stands after that step. Where only a switch moved, the first bundle is loaded again.
    #[must_use]
    pub fn steps_from(&self, before: &[Bundle], named: Option<PolicySetId>) -> Vec<Step<'_>> {
        if named == Some(self.set.id()) {
            return Vec::new();
        }
        let mut now = before.to_vec();
        let mut steps = Vec::new();
        for old in before {
            if self
                .placed
                .iter()
                .all(|one| one.bundle.name() != old.name())
            {
                now.retain(|bundle| bundle.name() != old.name());
                steps.push(Step::Unload {
                    name: old.name().to_owned(),
                    set: self.id_of(&now),
                });
            }
        }
        let known = |one: &&Placed| before.iter().all(|old| !old.same(&one.bundle));
        let mut fresh: Vec<&Placed> = self.placed.iter().filter(known).collect();
        if steps.is_empty() && fresh.is_empty() {
            fresh.extend(self.placed.first());
        }
        for placed in fresh {
            now.retain(|bundle| bundle.name() != placed.bundle.name());
            now.push(placed.bundle.clone());
            let set = self.id_of(&now);
            steps.push(Step::Load { placed, set });
        }
        steps
    }

    fn id_of(&self, bundles: &[Bundle]) -> PolicySetId {
        PolicySet::new(bundles.to_vec(), self.set.switches().clone()).id()
    }
}

/// One change of the rules in force; each becomes an entry.
#[derive(Debug, Clone)]
pub enum Step<'s> {
    /// A bundle went.
    Unload {
        /// Its name.
        name: String,
        /// The set from here on.
        set: PolicySetId,
    },
    /// A bundle came, or took the place of one of its name.
    Load {
        /// The bundle.
        placed: &'s Placed,
        /// The set from here on.
        set: PolicySetId,
    },
}

#[cfg(test)]
mod tests;
