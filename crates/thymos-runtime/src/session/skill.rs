//! Binding a skill: values checked, a writ of the session's own that narrows the one in force, and
//! one batch that records both `[S1]`.
//!
//! A skill only takes away: the mode stays, and so do the rules that look at it.

use std::collections::BTreeMap;

use thymos_core::body::{self, Body};
use thymos_core::skill::{ModelHint, Narrowing, Skill, SkillFile, Unbindable};
use thymos_core::writ::Writ;
use thymos_protocol::{Fault, Replied};

use super::{RecordError, Session};
use crate::modes::difference;
use crate::skills::sound;

/// A skill that is in force, as far as a turn needs it.
pub(crate) struct InForce {
    pub(crate) skill: Skill,
    pub(crate) values: BTreeMap<String, String>,
}

impl Session {
    /// Binds a skill of the operator's, or says why not; then nothing is recorded.
    pub(super) async fn bind_skill(
        &mut self,
        name: &str,
        given: &BTreeMap<String, String>,
    ) -> Result<Replied, RecordError> {
        if let Some(elsewhere) = self.elsewhere() {
            return Ok(elsewhere);
        }
        self.catch_up()?;
        let file = match self.find_skill(name) {
            Ok(file) => file,
            Err(no) => return Ok(unbindable(no)),
        };
        let values = match file.skill.values(given) {
            Ok(values) => values,
            Err(no) => return Ok(unbindable(no)),
        };
        for _ in 0..4 {
            let bodies = match self.skill_bodies(&file, &values)? {
                Ok(bodies) => bodies,
                Err(no) => return Ok(unbindable(no)),
            };
            match self.record(bodies).await {
                Err(RecordError::Moved) => {}
                done => return done.map(|_| Replied::Accepted),
            }
        }
        Err(RecordError::Moved)
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
            sound(found, &self.k.parts.roots, &self.k.tool_names()).map_err(|why| Unbindable {
                message: format!("skill `{shown}` cannot be bound: {why}"),
                hint: format!("mend it and try `thymos skills check {shown}`"),
            })?;
        Ok(file.clone())
    }

    /// The batch of a binding: the narrowing writ, the skill, and the writ in force from then on.
    fn skill_bodies(
        &self,
        file: &SkillFile,
        values: &BTreeMap<String, String>,
    ) -> Result<Result<Vec<Body>, Unbindable>, RecordError> {
        let no = |message: String, hint: &str| Unbindable {
            message,
            hint: hint.into(),
        };
        let skill = &file.skill;
        let (Some((mode, parent_id)), Some(parent)) = (self.p.authority, self.writ_in_force())
        else {
            let message = "there is no writ in force".to_owned();
            return Ok(Err(no(message, "choose a mode first")));
        };
        if let Some(why) = not_divisible(parent, &self.subject.public()) {
            return Ok(Err(no(why, "choose a mode, then bind the skill")));
        }
        let definition = skill.definition()?;
        let parameters = serde_json::json!(values);
        let redactor = &self.k.parts.redactor;
        if redactor.redact_value(&definition).is_some()
            || redactor.redact_value(&parameters).is_some()
        {
            let message = format!("skill `{}` holds what looks like a secret", skill.name);
            return Ok(Err(no(message, "take it out; a record keeps no secret")));
        }
        let id = skill.id()?;
        if self
            .p
            .bound_skills()
            .any(|bound| bound.skill == Some(id) && bound.parameters == parameters)
        {
            let message = format!("skill `{}` is bound already with these values", skill.name);
            return Ok(Err(no(message, "a new mode ends it")));
        }
        let writ = skill.narrow(
            values,
            Narrowing {
                parent,
                parent_id,
                session: parent.subject.clone(),
                nonce: Writ::nonce(self.k.draw()),
            },
        );
        let lines = difference(Some(parent), &writ);
        let signed = writ.sign(&self.subject)?;
        let writ = signed.id()?;
        Ok(Ok(vec![
            Body::WritIssued(Box::new(body::WritIssued {
                writ: signed,
                id: writ,
                reason: format!("skill {} {}", skill.name, skill.version),
                // Each call under it is charged to every link above as well, so nothing is set aside.
                reserved: None,
                session: None,
            })),
            Body::SkillBound(body::SkillBound {
                definition,
                parameters,
                writ,
                skill: Some(id),
                signed: file.signed,
            }),
            Body::ModeChanged(body::ModeChanged {
                mode,
                from: Some(parent_id),
                to: writ,
                difference: lines,
            }),
        ]))
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

fn unbindable(no: Unbindable) -> Replied {
    Replied::Fault(Fault {
        message: no.message,
        hint: Some(no.hint),
    })
}
