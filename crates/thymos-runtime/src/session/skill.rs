//! Binding a skill: values checked, and a writ of the session's own that narrows the one it is bound
//! below; `take` records both in one batch `[S1]`.
//!
//! A skill only takes away: the mode stays, and so do the rules that look at it.

use std::collections::BTreeMap;

use thymos_core::body::{self, Body};
use thymos_core::skill::{ModelHint, Narrowing, Skill, SkillFile, Unbindable};
use thymos_core::writ::Writ;
use thymos_protocol::{Fault, Replied, SkillChoice};

use super::take::{Footing, Planned};
use super::{RecordError, Session};
use crate::modes::difference;
use crate::skills::sound;

/// A skill that is in force, as far as a turn needs it.
pub(crate) struct InForce {
    pub(crate) skill: Skill,
    pub(crate) values: BTreeMap<String, String>,
}

/// A skill of the operator's with values that fit it.
pub(super) struct Chosen {
    file: SkillFile,
    values: BTreeMap<String, String>,
}

impl Session {
    /// The skills that were named, with checked values, or why one of them cannot be bound.
    pub(super) fn chosen(&self, skills: &[SkillChoice]) -> Result<Vec<Chosen>, Unbindable> {
        let found = |choice: &SkillChoice| {
            let file = self.find_skill(&choice.name)?;
            let values = file.skill.values(&choice.parameters)?;
            Ok(Chosen { file, values })
        };
        skills.iter().map(found).collect()
    }

    /// What a skill is bound below as things stand.
    pub(super) fn footing(&self) -> Result<Footing, Unbindable> {
        let in_force = self.p.authority.zip(self.writ_in_force());
        let Some(((mode, id), writ)) = in_force else {
            return Err(Unbindable {
                message: "there is no writ in force".into(),
                hint: "choose a mode first".into(),
            });
        };
        let bound = self.p.bound_skills();
        Ok(Footing {
            mode,
            id,
            writ: writ.clone(),
            skills: bound
                .map(|bound| (bound.skill, bound.parameters.clone()))
                .collect(),
        })
    }

    fn find_skill(&self, name: &str) -> Result<SkillFile, Unbindable> {
        let shown: String = name.chars().take(80).collect();
        let all = self.k.parts.skills.find();
        let Some(found) = all.iter().find(|found| found.name == name) else {
            let names: Vec<&str> = all.iter().map(|found| found.name.as_str()).collect();
            return Err(Unbindable {
                message: format!("there is no skill `{shown}`"),
                hint: match names.is_empty() {
                    true => "`thymos skills new NAME` makes one".into(),
                    false => format!("known here: {}", names.join(", ")),
                },
            });
        };
        let file =
            sound(found, &self.k.parts.roots, &self.k.tool_set).map_err(|no| Unbindable {
                message: format!("skill `{shown}` cannot be bound: {}", no.why),
                hint: format!("mend it and try `thymos skills check {shown}`"),
            })?;
        Ok(file.clone())
    }

    /// The entries of a binding: the narrowing writ, the skill, and the writ in force from then on.
    pub(super) fn skill_bodies(
        &self,
        chosen: &Chosen,
        below: Footing,
    ) -> Result<Result<Planned, Unbindable>, RecordError> {
        let no = |message: String, hint: &str| Unbindable {
            message,
            hint: hint.into(),
        };
        let (file, skill) = (&chosen.file, &chosen.file.skill);
        if let Some(why) = not_divisible(&below.writ, &self.subject.public()) {
            return Ok(Err(no(why, "choose a mode, then bind the skill")));
        }
        let definition = skill.definition()?;
        let parameters = serde_json::json!(chosen.values);
        let redactor = &self.k.parts.redactor;
        if redactor.redact_value(&definition).is_some()
            || redactor.redact_value(&parameters).is_some()
        {
            let message = format!("skill `{}` holds what looks like a secret", skill.name);
            return Ok(Err(no(message, "take it out; a record keeps no secret")));
        }
        let bound = (Some(skill.id()?), parameters);
        if below.skills.contains(&bound) {
            let message = format!("skill `{}` is bound already with these values", skill.name);
            return Ok(Err(no(message, "a new mode ends it")));
        }
        let writ = skill.narrow(
            &chosen.values,
            Narrowing {
                parent: &below.writ,
                parent_id: below.id,
                session: below.writ.subject.clone(),
                nonce: Writ::nonce(self.k.draw()),
            },
        );
        let lines = difference(Some(&below.writ), &writ);
        let signed = writ.clone().sign(&self.subject)?;
        let id = signed.id()?;
        let bodies = vec![
            Body::WritIssued(Box::new(body::WritIssued {
                writ: signed,
                id,
                reason: format!("skill {} {}", skill.name, skill.version),
                // Each call under it is charged to every link above as well, so nothing is set aside.
                reserved: None,
                session: None,
            })),
            Body::SkillBound(body::SkillBound {
                definition,
                parameters: bound.1.clone(),
                writ: id,
                skill: bound.0,
                signed: file.signed,
            }),
            Body::ModeChanged(body::ModeChanged {
                mode: below.mode,
                from: Some(below.id),
                to: id,
                difference: lines,
            }),
        ];
        let mut skills = below.skills;
        skills.push(bound);
        let footing = Footing {
            mode: below.mode,
            id,
            writ,
            skills,
        };
        Ok(Ok(Planned { bodies, footing }))
    }

    /// The model that the newest skill in force suggests, as config names it.
    pub(super) fn hinted_model(&self) -> Option<String> {
        let skills = in_force(&self.p);
        let hint = skills
            .iter()
            .rev()
            .find_map(|s| s.skill.model_hint.as_ref());
        hint.map(hint_name)
    }
}

fn hint_name(hint: &ModelHint) -> String {
    match &hint.model {
        Some(model) => format!("{}/{model}", hint.provider),
        None => hint.provider.clone(),
    }
}

/// The skills in force of a folded trajectory.
pub(crate) fn in_force(p: &thymos_replay::Projection) -> Vec<InForce> {
    p.bound_skills()
        .filter_map(|bound| {
            Some(InForce {
                skill: Skill::from_definition(&bound.definition).ok()?,
                values: serde_json::from_value(bound.parameters.clone()).ok()?,
            })
        })
        .collect()
}

fn not_divisible(parent: &Writ, session: &thymos_core::key::PublicKey) -> Option<String> {
    if !parent.delegation.may_subdivide || parent.delegation.max_depth == 0 {
        return Some(format!(
            "the writ `{}` in force may not be narrowed further",
            parent.name
        ));
    }
    (parent.subject.key != *session)
        .then(|| format!("the writ `{}` is not this session's to narrow", parent.name))
}

pub(super) fn unbindable(no: Unbindable) -> Replied {
    Replied::Fault(Fault {
        message: no.message,
        hint: Some(no.hint),
    })
}
