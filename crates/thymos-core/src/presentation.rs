//! The canonical text of a proposal: labelled fields, in order, with a digest. Draws nothing.
//!
//! A view may wrap, fold and colour these fields; it may not add, drop or reorder them.

use serde::{Deserialize, Serialize};

use crate::canonical::{self, InvalidJson};
use crate::id::PresentedDigest;

/// Everything an approver is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presentation {
    /// The fields, in the order in which they are shown.
    pub fields: Vec<Field>,
}

/// One labelled field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// `WHAT`, `TOUCHES`, `WHY` and so on.
    pub label: Label,
    /// Lines of text, exact and unescaped; the view escapes what does not print.
    pub lines: Vec<String>,
}

/// The labels of an approval card, in order (terminal.md 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// What will run, from typed arguments.
    What,
    /// The diff or text it would write.
    Body,
    /// What it can reach, and the cage in force.
    Touches,
    /// Why it is held.
    Why,
    /// Who asks.
    Who,
    /// Under which writ.
    Writ,
    /// What it may cost.
    Cost,
    /// How it can be undone.
    Undo,
    /// How many must agree.
    Quorum,
    /// Anything else worth reading.
    Notes,
}

impl Label {
    /// The word on the card.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::What => "WHAT",
            Self::Body => "BODY",
            Self::Touches => "TOUCHES",
            Self::Why => "WHY",
            Self::Who => "WHO",
            Self::Writ => "WRIT",
            Self::Cost => "COST",
            Self::Undo => "UNDO",
            Self::Quorum => "QUORUM",
            Self::Notes => "NOTES",
        }
    }
}

impl Presentation {
    /// The digest an answer must quote `[A2]`.
    ///
    /// # Errors
    /// [`InvalidJson`] is not to be expected: there are no numbers in it.
    pub fn digest(&self) -> Result<PresentedDigest, InvalidJson> {
        Ok(PresentedDigest::of(canonical::encode(self)?.as_bytes()))
    }
}
