//! Pins: what a reader requires a record to rest on `[Y2]`. Names values; judges nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What can be pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinKind {
    /// The version of the gate that decided.
    Compiler,
    /// The hash of the rules that it decided by.
    PolicySet,
    /// Whose key signed: entries, root writs, answers, revocations, bundles, what was settled or erased.
    Signer,
    /// The hash of the tools, with all that they promise, that a session was given.
    Tools,
}

impl PinKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Compiler, Self::PolicySet, Self::Signer, Self::Tools];

    /// In a word or two.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Compiler => "compiler",
            Self::PolicySet => "policy set",
            Self::Signer => "signer",
            Self::Tools => "tools",
        }
    }
}

impl fmt::Display for PinKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Values that are allowed; of a kind that none is given for, all are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pins {
    /// Compiler versions, as entries name them.
    pub compilers: Vec<String>,
    /// Hashes of policy sets, lower-case hex, or how they begin.
    pub policy_sets: Vec<String>,
    /// Public keys, as they are printed.
    pub signers: Vec<String>,
    /// Hashes of tool sets, lower-case hex, or how they begin.
    pub tools: Vec<String>,
}

impl Pins {
    /// The values for one kind.
    #[must_use]
    pub fn of(&self, kind: PinKind) -> &[String] {
        match kind {
            PinKind::Compiler => &self.compilers,
            PinKind::PolicySet => &self.policy_sets,
            PinKind::Signer => &self.signers,
            PinKind::Tools => &self.tools,
        }
    }

    /// Whether a value of a kind is one of those, or none is required.
    #[must_use]
    pub fn allow(&self, kind: PinKind, value: &str) -> bool {
        let wanted = self.of(kind);
        let fits = |one: &String| match kind {
            PinKind::Compiler | PinKind::Signer => value == one,
            PinKind::PolicySet | PinKind::Tools => value.starts_with(one.as_str()),
        };
        wanted.is_empty() || wanted.iter().any(fits)
    }
}
