//! How two folded worlds differ, resource by resource `[Y4]`. Reads no content.

use thymos_core::delta::Resource;
use thymos_core::world::{Versioned, World};

/// One resource that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<'w> {
    /// Which.
    pub resource: &'w Resource,
    /// What it held in the first world.
    pub before: Option<&'w Versioned>,
    /// What it holds in the second.
    pub after: Option<&'w Versioned>,
}

/// Every resource that does not hold the same in both worlds, in order. A resource that was changed
/// and changed back holds the same, whatever its version.
#[must_use]
pub fn difference<'w>(from: &'w World, to: &'w World) -> Vec<Difference<'w>> {
    let mut found: Vec<Difference<'w>> = from
        .iter()
        .map(|(resource, before)| Difference {
            resource,
            before: Some(before),
            after: to.get(resource),
        })
        .collect();
    let new = to
        .iter()
        .filter(|(resource, _)| from.get(resource).is_none());
    found.extend(new.map(|(resource, after)| Difference {
        resource,
        before: None,
        after: Some(after),
    }));
    found.retain(|one| one.before.map(|b| &b.value) != one.after.map(|a| &a.value));
    found.sort_by_key(|one| one.resource);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use thymos_core::delta::{Delta, Expect, ResourceValue};

    use super::*;

    fn world(rows: &[(&str, u64)]) -> World {
        let mut world = World::default();
        for (seq, (key, value)) in (1..).zip(rows) {
            let delta = Delta {
                resource: Resource::Kv((*key).to_owned()),
                expect: Expect::Anything,
                before: None,
                after: Some(ResourceValue::Json(json!(value))),
            };
            world.apply(&[delta], seq).unwrap();
        }
        world
    }

    fn keys(from: &World, to: &World) -> Vec<(String, bool, bool)> {
        difference(from, to)
            .iter()
            .map(|one| {
                (
                    one.resource.text(),
                    one.before.is_some(),
                    one.after.is_some(),
                )
            })
            .collect()
    }

    #[test]
    fn y4_what_came_what_went_and_what_changed_are_told_in_order() {
        let (from, to) = (
            world(&[("b", 1), ("c", 1), ("d", 1)]),
            world(&[("a", 1), ("b", 2), ("d", 1)]),
        );
        assert_eq!(
            keys(&from, &to),
            [
                ("kv:a".to_owned(), false, true),
                ("kv:b".to_owned(), true, true),
                ("kv:c".to_owned(), true, false),
            ]
        );
    }

    #[test]
    fn y4_a_resource_that_was_changed_back_does_not_differ() {
        let (from, to) = (world(&[("a", 1)]), world(&[("a", 1), ("a", 2), ("a", 1)]));
        assert_eq!(difference(&from, &to), []);
    }
}
