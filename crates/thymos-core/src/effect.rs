//! Effect classes and risk: what kind of thing a call does. Classifies nothing; tools do that.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What one call does to the world outside the model, from harmless to final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectClass {
    /// Computes from its arguments only.
    Pure,
    /// Looks at the workspace or the world projection.
    Read,
    /// Changes the workspace or the world projection, and can be undone from the record.
    Write,
    /// Reaches processes, hosts or files whose change the record cannot undo by itself.
    External,
    /// Cannot be taken back.
    Irreversible,
}

impl EffectClass {
    /// Every class, mildest first.
    pub const ALL: [Self; 5] = [
        Self::Pure,
        Self::Read,
        Self::Write,
        Self::External,
        Self::Irreversible,
    ];

    /// The word people read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::Read => "read",
            Self::Write => "write",
            Self::External => "external",
            Self::Irreversible => "irreversible",
        }
    }
}

impl fmt::Display for EffectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The classes a writ allows: a list, or `{"ceiling": "write"}` for every class up to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effects {
    /// Exactly these.
    Only(BTreeSet<EffectClass>),
    /// This one and everything milder.
    Ceiling(EffectClass),
}

impl Effects {
    /// Whether a call of this class is allowed.
    #[must_use]
    pub fn allows(&self, class: EffectClass) -> bool {
        match self {
            Self::Only(set) => set.contains(&class),
            Self::Ceiling(top) => class <= *top,
        }
    }

    /// The most dangerous class allowed, if any is.
    #[must_use]
    pub fn ceiling(&self) -> Option<EffectClass> {
        match self {
            Self::Only(set) => set.last().copied(),
            Self::Ceiling(top) => Some(*top),
        }
    }
}

impl fmt::Display for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ceiling(top) => write!(f, "up to {top}"),
            Self::Only(set) => {
                let words: Vec<&str> = set.iter().map(|class| class.word()).collect();
                f.write_str(&words.join(", "))
            }
        }
    }
}

/// How much could go wrong, apart from the effect class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Everyday.
    Low,
    /// Worth a look.
    Medium,
    /// Worth a person, by default.
    High,
    /// Always worth a person.
    Critical,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}
