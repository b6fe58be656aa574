//! The trace of a decision: one line a clause, in order, whole. Records; decides nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The clauses of the compiler, in the order in which the first failure names a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Clause {
    /// The intent is canonical, of bounded size and of a supported kind.
    C1,
    /// Signatures, issuers, trust root, possession.
    C2,
    /// No link is revoked.
    C3,
    /// Now lies in every link's window.
    C4,
    /// One tenant.
    C5,
    /// The tool is the pinned one.
    C6,
    /// Arguments satisfy the schema.
    C7,
    /// A grant covers the call and its caveats hold, in every link.
    C8,
    /// The effect class is allowed by every link.
    C9,
    /// The cage is strong enough for every link.
    C10,
    /// The cost fits what is left in every link.
    C11,
    /// Preconditions on the world and on resolved facts hold.
    C12,
    /// Policy.
    C13,
    /// Irreversible and not compensable needs an explicit permit.
    C14,
    /// Risk is below the session's threshold.
    C15,
}

impl Clause {
    /// All clauses in order.
    pub const ALL: [Self; 15] = [
        Self::C1,
        Self::C2,
        Self::C3,
        Self::C4,
        Self::C5,
        Self::C6,
        Self::C7,
        Self::C8,
        Self::C9,
        Self::C10,
        Self::C11,
        Self::C12,
        Self::C13,
        Self::C14,
        Self::C15,
    ];

    /// The clause in two or three words, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::C1 => "well-formed intent",
            Self::C2 => "signatures and trust",
            Self::C3 => "not revoked",
            Self::C4 => "inside the window",
            Self::C5 => "same tenant",
            Self::C6 => "pinned tool",
            Self::C7 => "argument schema",
            Self::C8 => "granted by the writ",
            Self::C9 => "effect class",
            Self::C10 => "isolation",
            Self::C11 => "budget",
            Self::C12 => "preconditions",
            Self::C13 => "policy",
            Self::C14 => "irreversible gate",
            Self::C15 => "risk gate",
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Ordered decisions; several combine with `max` `[P1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ruling {
    /// Nothing against it.
    Permit,
    /// A person decides.
    Ask,
    /// No.
    Forbid,
}

/// What one clause, or one rule inside `[C13]`, said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceLine {
    /// Which clause.
    pub clause: Clause,
    /// `bundle/rule` when a policy rule spoke.
    pub rule: Option<String>,
    /// What it said.
    pub ruling: Ruling,
    /// One sentence naming the inputs it read.
    pub said: String,
    /// Whether it read a redacted value, so that replay must take its word `[R4]`.
    pub witnessed: bool,
}

/// Every line, in clause order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trace {
    /// The lines.
    pub lines: Vec<TraceLine>,
}

impl Trace {
    /// The strictest ruling of all lines.
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        self.lines
            .iter()
            .map(|line| line.ruling)
            .max()
            .unwrap_or(Ruling::Forbid)
    }

    /// The line that names a refusal: the first that forbids.
    #[must_use]
    pub fn first_refusal(&self) -> Option<&TraceLine> {
        self.lines.iter().find(|line| line.ruling == Ruling::Forbid)
    }
}
