//! A skill that is being bound: which parameters have been given so far.

use std::collections::BTreeMap;

use thymos_protocol::{SkillParamRow, SkillRow};

/// A skill, and a value for each of its first parameters; none takes the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The skill.
    pub skill: SkillRow,
    /// What has been given, in the order of the parameters.
    pub given: Vec<Option<String>>,
}

impl Binding {
    /// The parameter to be asked for next, if one is left.
    #[must_use]
    pub fn next(&self) -> Option<&SkillParamRow> {
        self.skill.params.get(self.given.len())
    }

    /// The parameters that do not take their defaults.
    #[must_use]
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let pairs = self.skill.params.iter().zip(&self.given);
        pairs
            .filter_map(|(param, value)| Some((param.key.clone(), value.clone()?)))
            .collect()
    }
}
