//! Writs: signed capabilities and chains of them `[W1]`. Says what is granted; judges no call.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::budget::Budget;
use crate::canonical::{self, CanonicalBytes, InvalidJson};
use crate::caveat::Caveat;
use crate::effect::Effects;
use crate::id::{Digest, ProposalId, WritId, hex};
use crate::isolation::Rung;
use crate::key::{Domain, PublicKey, Signature, SigningKey};
use crate::time::Timestamp;

/// Someone who grants, acts or answers: a name for people and the key that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// What people call them.
    pub name: String,
    /// What signatures are checked against.
    pub key: PublicKey,
}

/// The body of a capability, before its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Writ {
    /// Format version, 1.
    pub v: u32,
    /// 16 random bytes in hex; makes each writ individually revocable.
    pub nonce: String,
    /// A label for people: `plan`, `edit`, `auto`, or the name of a file's writ.
    pub name: String,
    /// Who grants.
    pub issuer: Party,
    /// Who may act.
    pub subject: Party,
    /// The parent writ, or none for a root writ.
    pub parent: Option<WritId>,
    /// `""` is the local system.
    pub tenant: String,
    /// What may be called. Nothing is granted that no grant covers.
    pub grants: Vec<Grant>,
    /// Which effect classes are allowed.
    pub effects: Effects,
    /// The lowest rung of the cage that may run a call above read.
    pub isolation_min: Rung,
    /// What may be spent.
    pub budget: Budget,
    /// When it holds.
    pub window: Window,
    /// Whether it may be divided further.
    pub delegation: Delegation,
    /// Sample calls, checked when the writ is loaded.
    pub examples: Examples,
    /// The mode whose rules hold for calls under a writ of a file, see [`preset_of`]; none: the rules for
    /// `custom`, which ask about most `[W8]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Mode>,
    /// Makes it a pre-answer: it grants nothing, it answers asks of calls that its grants cover `[A6]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_answer: Option<PreAnswer>,
}

/// What makes a writ a standing answer instead of a grant `[A6]`.
///
/// Its `budget.tool_calls` is how often it may be used, its window how long. Signed by the operator,
/// never by the session, which would otherwise approve itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreAnswer {
    /// The writ in whose chain a call must be made for the answer to count; it ends with that writ.
    pub under: WritId,
    /// The proposal that was approved when it was signed.
    pub asked: ProposalId,
    /// The only executable it covers, by content; none where the call runs none.
    pub executable: Option<Digest>,
}

/// Tools by glob, with conditions on their arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// A glob over tool names, such as `fs_*`.
    pub tool: String,
    /// All of them must hold.
    pub caveats: Vec<Caveat>,
}

/// `not_before` inclusive, `expires_at` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First moment of validity.
    pub not_before: Timestamp,
    /// First moment after it; `None` holds until revoked.
    pub expires_at: Option<Timestamp>,
}

impl Window {
    /// Whether `now` lies inside.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        now >= self.not_before && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether `self` lies inside `outer`.
    #[must_use]
    pub fn within(&self, outer: &Self) -> bool {
        let ends_inside = match (self.expires_at, outer.expires_at) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(inner), Some(outer)) => inner <= outer,
        };
        self.not_before >= outer.not_before && ends_inside
    }
}

/// Whether and how deep the subject may divide the writ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// Levels below this writ; a child's must be smaller.
    pub max_depth: u32,
    /// Whether children may be issued at all.
    pub may_subdivide: bool,
}

/// Sample calls that the writ must allow and refuse.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Calls it must allow.
    pub allow: Vec<SampleCall>,
    /// Calls it must refuse.
    pub deny: Vec<SampleCall>,
}

/// A call as an example writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleCall {
    /// The tool's name.
    pub tool: String,
    /// Its arguments.
    pub args: Value,
}

/// A writ and its issuer's signature over the canonical body `[W1]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedWrit {
    /// What is granted.
    pub writ: Writ,
    /// By whom, provably.
    pub signature: Signature,
}

impl Writ {
    /// The bytes that are hashed and signed.
    ///
    /// # Errors
    /// [`InvalidJson`] when a number in it cannot be kept exactly.
    pub fn canonical(&self) -> Result<CanonicalBytes, InvalidJson> {
        canonical::encode(self)
    }

    /// Signs the body. Whether `key` is the issuer's is checked where the writ is used `[C2]`.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn sign(self, key: &SigningKey) -> Result<SignedWrit, InvalidJson> {
        let bytes = self.canonical()?;
        Ok(SignedWrit {
            signature: key.sign(Domain::Writ, bytes.as_bytes()),
            writ: self,
        })
    }

    /// Sixteen random bytes as a nonce.
    #[must_use]
    pub fn nonce(random: [u8; 16]) -> String {
        hex(&random)
    }
}

impl SignedWrit {
    /// The writ's id: the hash of its unsigned canonical body.
    ///
    /// # Errors
    /// [`InvalidJson`] when a number in it cannot be kept exactly.
    pub fn id(&self) -> Result<WritId, InvalidJson> {
        Ok(WritId::of(self.writ.canonical()?.as_bytes()))
    }

    /// Whether the issuer named in it signed exactly this body.
    #[must_use]
    pub fn signature_holds(&self) -> bool {
        self.writ.canonical().is_ok_and(|bytes| {
            self.writ
                .issuer
                .key
                .verifies(Domain::Writ, bytes.as_bytes(), &self.signature)
        })
    }
}

/// Authority modes: presets that are issued as writs `[W8]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Pure and read.
    Plan,
    /// Adds write inside the workspace.
    Edit,
    /// Adds external at risk-gated approval.
    Auto,
    /// From a file.
    Custom,
}

impl Mode {
    /// The word people type.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Edit => "edit",
            Self::Auto => "auto",
            Self::Custom => "custom",
        }
    }

    /// Whether the rules for it ask about less than those for another mode do.
    #[must_use]
    pub const fn asks_less_than(self, other: Self) -> bool {
        self.freedom() > other.freedom()
    }

    const fn freedom(self) -> u8 {
        match self {
            Self::Custom => 0,
            Self::Plan => 1,
            Self::Edit => 2,
            Self::Auto => 3,
        }
    }

    /// The preset a person named, if there is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "plan" => Some(Self::Plan),
            "edit" => Some(Self::Edit),
            "auto" => Some(Self::Auto),
            "custom" => Some(Self::Custom),
            _ => None,
        }
    }
}

/// The mode whose rules hold for calls under a chain of a file, root first: what its root names, and no
/// more than any link below it names `[W2]` `[W8]`. A root that names none is `custom`, whatever is below.
#[must_use]
pub fn preset_of<'a>(chain: impl IntoIterator<Item = &'a Writ>) -> Mode {
    let mut links = chain.into_iter();
    let root = links.next().and_then(|root| root.preset);
    let named = links.filter_map(|link| link.preset);
    let Some(root) = root else {
        return Mode::Custom;
    };
    named.fold(root, |least, mode| {
        if mode.asks_less_than(least) {
            least
        } else {
            mode
        }
    })
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Keys the operator trusts, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRoots {
    /// May sign root writs and answer approvals.
    pub operators: Vec<Party>,
    /// May sign policy bundles.
    pub policy: Vec<Party>,
    /// Were trusted once; what they signed then is still told as theirs, and nothing new counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<Party>,
}

impl TrustRoots {
    /// Whether `key` may sign a root writ `[W1]`.
    #[must_use]
    pub fn trusts_operator(&self, key: &PublicKey) -> bool {
        self.operators.iter().any(|party| party.key == *key)
    }

    /// Whether `key` may sign policy bundles `[P3]`.
    #[must_use]
    pub fn trusts_policy(&self, key: &PublicKey) -> bool {
        self.policy.iter().any(|party| party.key == *key)
    }

    /// Every key that was ever trusted, for deciding history again.
    #[must_use]
    pub fn ever(&self) -> Self {
        let with_retired = |now: &[Party]| {
            let mut all = now.to_vec();
            let older = self
                .retired
                .iter()
                .filter(|old| now.iter().all(|p| p.key != old.key));
            all.extend(older.cloned());
            all
        };
        Self {
            operators: with_retired(&self.operators),
            policy: with_retired(&self.policy),
            retired: self.retired.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
