//! The world: state folded from committed deltas, and the one function that applies them `[O1]`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::{self, InvalidJson};
use crate::delta::{Delta, Expect, Resource, ResourceValue};
use crate::id::Digest;

/// A resource's value, its version, and the sequence number that set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versioned {
    /// What it holds.
    pub value: ResourceValue,
    /// Counts from 1.
    pub version: u64,
    /// Sequence number of the entry that set it.
    pub seq: u64,
}

/// State folded from commits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    resources: BTreeMap<Resource, Versioned>,
    /// Versions of retracted resources, so that a version never names two values.
    retired: BTreeMap<Resource, u64>,
}

/// A delta whose precondition does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Which resource.
    pub resource: Resource,
    /// What was expected.
    pub expected: Expect,
    /// The version found.
    pub found: Option<u64>,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = match self.found {
            Some(version) => format!("version {version}"),
            None => "nothing".to_owned(),
        };
        let expected = match self.expected {
            Expect::Anything => "anything".to_owned(),
            Expect::Absent => "nothing".to_owned(),
            Expect::Present => "something".to_owned(),
            Expect::Exactly(version) => format!("version {version}"),
        };
        write!(
            f,
            "`{}` was expected to hold {expected} and holds {found}",
            self.resource
        )
    }
}

impl std::error::Error for Unmet {}

impl World {
    /// One resource.
    #[must_use]
    pub fn get(&self, resource: &Resource) -> Option<&Versioned> {
        self.resources.get(resource)
    }

    /// All resources in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Resource, &Versioned)> {
        self.resources.iter()
    }

    /// How many resources there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Applies all deltas of one commit, or none of them `[X5]`.
    ///
    /// # Errors
    /// [`Unmet`] for the first precondition that does not hold; the world is then unchanged.
    pub fn apply(&mut self, deltas: &[Delta], seq: u64) -> Result<(), Unmet> {
        // Undo costs only the touched resources; a clone would cost the whole world each commit.
        let mut undo = Vec::with_capacity(deltas.len());
        for delta in deltas {
            if let Err(unmet) = self.check(delta) {
                for (resource, value, retired) in undo.into_iter().rev() {
                    restore(&mut self.resources, &resource, value);
                    restore(&mut self.retired, &resource, retired);
                }
                return Err(unmet);
            }
            let name = delta.resource.clone();
            undo.push((
                name.clone(),
                self.resources.get(&name).cloned(),
                self.retired.get(&name).copied(),
            ));
            self.set(name, delta.after.clone(), seq);
        }
        Ok(())
    }

    /// Whether all deltas would apply; tried on what they touch, not on the whole world `[X5]`.
    ///
    /// # Errors
    /// [`Unmet`] for the first precondition that would not hold.
    pub fn trial(&self, deltas: &[Delta]) -> Result<(), Unmet> {
        let touched = deltas.iter().map(|delta| &delta.resource);
        let mut part = Self::default();
        for resource in touched {
            if let Some(value) = self.resources.get(resource) {
                part.resources.insert(resource.clone(), value.clone());
            }
            if let Some(version) = self.retired.get(resource) {
                part.retired.insert(resource.clone(), *version);
            }
        }
        part.apply(deltas, 0)
    }

    /// A digest of the whole state; equal worlds have equal digests.
    ///
    /// # Errors
    /// [`InvalidJson`] when a value in it cannot be kept exactly.
    pub fn digest(&self) -> Result<Digest, InvalidJson> {
        Ok(Digest::of(canonical::encode(self)?.as_bytes()))
    }

    fn check(&self, delta: &Delta) -> Result<(), Unmet> {
        let found = self.resources.get(&delta.resource).map(|v| v.version);
        let holds = match delta.expect {
            Expect::Anything => true,
            Expect::Absent => found.is_none(),
            Expect::Present => found.is_some(),
            Expect::Exactly(version) => found == Some(version),
        };
        if holds {
            return Ok(());
        }
        Err(Unmet {
            resource: delta.resource.clone(),
            expected: delta.expect,
            found,
        })
    }

    fn set(&mut self, resource: Resource, after: Option<ResourceValue>, seq: u64) {
        let last = self
            .resources
            .get(&resource)
            .map(|v| v.version)
            .or_else(|| self.retired.get(&resource).copied())
            .unwrap_or(0);
        if let Some(value) = after {
            self.retired.remove(&resource);
            self.resources.insert(
                resource,
                Versioned {
                    value,
                    version: last + 1,
                    seq,
                },
            );
        } else {
            self.resources.remove(&resource);
            self.retired.insert(resource, last + 1);
        }
    }
}

fn restore<V>(map: &mut BTreeMap<Resource, V>, resource: &Resource, value: Option<V>) {
    match value {
        Some(value) => map.insert(resource.clone(), value),
        None => map.remove(resource),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn put(key: &str, expect: Expect, value: u64) -> Delta {
        Delta {
            resource: Resource::Kv(key.into()),
            expect,
            before: None,
            after: Some(ResourceValue::Json(json!(value))),
        }
    }

    #[test]
    fn o1_a_commit_applies_whole_or_not_at_all() {
        let mut world = World::default();
        world.apply(&[put("a", Expect::Absent, 1)], 1).unwrap();
        let before = world.clone();
        let unmet = world.apply(
            &[
                put("a", Expect::Exactly(1), 2),
                put("b", Expect::Present, 3),
            ],
            2,
        );
        assert_eq!(unmet.unwrap_err().resource, Resource::Kv("b".into()));
        assert_eq!(world, before);
    }

    #[test]
    fn o1_a_version_never_names_two_values() {
        let mut world = World::default();
        let gone = Delta {
            after: None,
            ..put("a", Expect::Present, 0)
        };
        world
            .apply(
                &[
                    put("a", Expect::Absent, 1),
                    gone,
                    put("a", Expect::Absent, 2),
                ],
                1,
            )
            .unwrap();
        assert_eq!(world.get(&Resource::Kv("a".into())).unwrap().version, 3);
    }
}
