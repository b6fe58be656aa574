//! Answers to holds, signed by a person's key `[A2]`. Admits nothing; the compiler does.

use serde::{Deserialize, Serialize};

use crate::canonical::{self, InvalidJson};
use crate::id::{PresentedDigest, ProposalId};
use crate::key::{Domain, Signature, SigningKey};
use crate::time::Timestamp;
use crate::writ::Party;

/// What a person decided about one proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Format version, 1.
    pub v: u32,
    /// Which proposal.
    pub proposal: ProposalId,
    /// What exactly was in front of them.
    pub presented: PresentedDigest,
    /// Yes or no.
    pub decision: Decision,
    /// How far a yes reaches.
    pub scope: Scope,
    /// Why; reaches the model when it is a no `[A5]`.
    pub reason: String,
    /// Through which surface.
    pub via: Via,
    /// Whether all of it had been on screen.
    pub fully_viewed: bool,
    /// Who decided.
    pub by: Party,
    /// When.
    pub at: Timestamp,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Let it happen.
    Approve,
    /// Do not.
    Deny,
}

/// How far an approval reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// This proposal, once.
    Once,
    /// A pre-answer in a child writ `[A6]`.
    Standing,
}

/// The surface a decision came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// The full-screen app.
    Tui,
    /// The linear mode.
    Plain,
    /// A subcommand.
    Cli,
    /// The expiry of a hold; always a no `[A1]`.
    Timer,
}

/// An answer and its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedAnswer {
    /// What was decided.
    pub answer: Answer,
    /// By the key named in it.
    pub signature: Signature,
}

impl Answer {
    /// Signs it.
    ///
    /// # Errors
    /// [`InvalidJson`] when the time cannot be kept exactly.
    pub fn sign(self, key: &SigningKey) -> Result<SignedAnswer, InvalidJson> {
        let bytes = canonical::encode(&self)?;
        Ok(SignedAnswer {
            signature: key.sign(Domain::Answer, bytes.as_bytes()),
            answer: self,
        })
    }
}

impl SignedAnswer {
    /// Whether the key named in it signed exactly this answer.
    #[must_use]
    pub fn signature_holds(&self) -> bool {
        canonical::encode(&self.answer).is_ok_and(|bytes| {
            self.answer
                .by
                .key
                .verifies(Domain::Answer, bytes.as_bytes(), &self.signature)
        })
    }
}
