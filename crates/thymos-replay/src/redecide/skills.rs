//! A bound skill, derived again: its id, and the writ that follows from it and its parent `[S1]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use thymos_core::WritId;
use thymos_core::body::SkillBound;
use thymos_core::skill::{Narrowing, Skill};
use thymos_core::writ::SignedWrit;

use crate::divergence::Divergence;

/// The writs that were issued.
type Writs = BTreeMap<WritId, Arc<SignedWrit>>;

/// What is wrong with a bound skill.
pub(super) enum Wrong {
    /// It is not what the record says it is.
    Different(Divergence),
    /// Something that it rests on is not in the record.
    Unknown(Divergence),
}

pub(super) fn check(bound: &SkillBound, writs: &Writs) -> Result<(), Wrong> {
    let different = |check, expected: String, found: String| {
        Wrong::Different(Divergence::new(check, expected, found))
    };
    let skill = Skill::from_definition(&bound.definition)
        .map_err(|no| different("skill", "a sound definition".into(), no.to_string()))?;
    let id = skill
        .id()
        .map_err(|no| different("skill", "canonical".into(), no.to_string()))?;
    if bound.skill != Some(id) {
        let found = bound
            .skill
            .map_or_else(|| "none".into(), |id| id.to_string());
        return Err(different("skill id", id.to_string(), found));
    }
    let given: BTreeMap<String, String> = serde_json::from_value(bound.parameters.clone())
        .map_err(|no| different("skill parameters", "text by key".into(), no.to_string()))?;
    let values = skill
        .values(&given)
        .map_err(|no| different("skill parameters", "values that fit".into(), no.message))?;
    let writ = find(writs, &bound.writ)?;
    let parent_id = writ
        .writ
        .parent
        .ok_or_else(|| different("skill writ", "a child".into(), "a root writ".into()))?;
    let parent = find(writs, &parent_id)?;
    let expected = skill.narrow(
        &values,
        Narrowing {
            parent: &parent.writ,
            parent_id,
            session: parent.writ.subject.clone(),
            nonce: writ.writ.nonce.clone(),
        },
    );
    if expected != writ.writ {
        let expected = format!("{} narrowed by `{}`", parent.writ.name, skill.name);
        return Err(different("skill writ", expected, "another writ".into()));
    }
    Ok(())
}

fn find<'w>(writs: &'w Writs, id: &WritId) -> Result<&'w SignedWrit, Wrong> {
    writs.get(id).map(Arc::as_ref).ok_or_else(|| {
        Wrong::Unknown(Divergence::new(
            "skill writ",
            "an issued writ",
            id.to_string(),
        ))
    })
}
