//! Authority as it is asked for: what a session is to act under, and the skills that narrow it. Says
//! nothing of what is in force.

use std::collections::BTreeMap;

use thymos_core::budget::Budget;
use thymos_core::writ::{Mode, SignedWrit};

use crate::command::Command;

/// What a session is to act under.
#[derive(Debug, Clone, PartialEq)]
pub enum Under {
    /// The writ that a mode issues.
    Mode(Mode),
    /// The operator's own chain of writs, the last one narrowed to the session `[W8]`.
    Writ {
        /// The chain, root first, as its file holds it.
        chain: Vec<SignedWrit>,
        /// How much of its budget; all that is left where nothing is said `[W6]`.
        share: Budget,
    },
}

/// A skill that is to be bound `[S1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillChoice {
    /// Its name.
    pub name: String,
    /// Values of its parameters; those left out take their defaults.
    pub parameters: BTreeMap<String, String>,
}

impl Command {
    /// A new trajectory in a mode, with no skill.
    #[must_use]
    pub const fn begin(mode: Mode) -> Self {
        Self::New {
            under: Under::Mode(mode),
            skills: Vec::new(),
        }
    }
}
