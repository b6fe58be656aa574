//! What every session shares: store, writer, clock, keys, tools, policy, models. Built by the app.

use std::any::Any;
use std::sync::Arc;

use thymos_compiler::ToolSet;
use thymos_compiler::toolset::InvalidTool;
use thymos_core::body::{Body, BodyState, WritRevoked};
use thymos_core::canonical::InvalidJson;
use thymos_core::id::Digest;
use thymos_core::isolation::Rung;
use thymos_core::key::{Domain, PublicKey, SigningKey};
use thymos_core::tool::ToolContract;
use thymos_core::verdict::Tightening;
use thymos_core::writ::{Party, TrustRoots};
use thymos_core::{Timestamp, TrajectoryId, WritId};
use thymos_policy::Shelf;
use thymos_ports::clock::draw;
use thymos_ports::cognition::ModelFault;
use thymos_ports::store::StoreError;
use thymos_ports::{Clock, Cognition, Entropy, LedgerStore, Tool};
use thymos_protocol::ModelRow;

use crate::checkpoint::{Checkpointer, Outside};
use crate::hands::Hands;
use crate::modes::ModeTerms;
use crate::redact::Redactor;
use crate::skills::SkillSource;
use crate::snapshot::SnapshotPlace;
use crate::vault::Vault;
use crate::writer::Writer;

/// Parts that the composition root hands over. No `Default`: every one is a decision.
pub struct KernelParts {
    /// The ledger.
    pub store: Arc<dyn LedgerStore>,
    /// Who does what blocks.
    pub hands: Hands,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The operator's name.
    pub operator: String,
    /// The operator's key: signs writs and answers.
    pub operator_key: SigningKey,
    /// Keys the operator had before, where they were kept: they open what was sealed to them.
    pub retired_keys: Vec<SigningKey>,
    /// Whom the operator trusts now, and trusted once.
    pub roots: TrustRoots,
    /// The tenant that everything here is of; `""` is the local system.
    pub tenant: String,
    /// The tools, bound to the workspace.
    pub tools: Vec<Arc<dyn Tool>>,
    /// The workspace, as shown.
    pub workspace: String,
    /// The rung of the cage that this machine offers.
    pub rung: Rung,
    /// Where the rules come from.
    pub policy: Arc<dyn PolicySource>,
    /// Takes secrets out before anything is stored.
    pub redactor: Arc<Redactor>,
    /// Where models come from.
    pub models: Arc<dyn ModelSource>,
    /// Where the operator's skills are.
    pub skills: Arc<dyn SkillSource>,
    /// Where checkpoints stand outside of the ledger `[L7]`.
    pub outside: Arc<dyn Outside>,
    /// Where what was folded is kept between starts `[L15]`.
    pub snapshots: Arc<dyn SnapshotPlace>,
    /// Who may act on a trajectory.
    pub leases: Arc<dyn Leases>,
    /// Limits of a run.
    pub limits: RunLimits,
    /// What a mode's writ grants besides tools.
    pub terms: ModeTerms,
    /// What approvals take beyond what the rules say `[A8]`.
    pub approvals: Tightening,
    /// Whether a run goes on by itself once its last hold is answered.
    pub continues: bool,
    /// Whether what was left open is taken up where its run is opened. Where not, it is left to whoever goes on with
    /// the run `[X2]` `[D1]`.
    pub takes_up: bool,
    /// How old an entry must be before it may be erased; 0 is no age `[L3]`.
    pub retention_ms: u64,
}

/// Limits of a run, from config.
#[derive(Debug, Clone, Copy)]
pub struct RunLimits {
    /// Model turns of one run. Beyond it the run stops and says so.
    pub turns_max: u32,
    /// Most tokens a model may write in a turn.
    pub output_tokens_max: u64,
    /// Tokens of conversation sent; older turns are left out of the context, never of the ledger.
    pub context_tokens_max: u64,
}

/// Makes models by name. The app's config stands behind it.
pub trait ModelSource: Send + Sync {
    /// The model to use: a `provider/model` name, or the default.
    ///
    /// # Errors
    /// [`ModelFault`] when there is no such model or no key for it.
    fn connect(&self, name: Option<&str>) -> Result<Arc<dyn Cognition>, ModelFault>;

    /// Names of the models that could be connected now.
    fn usable(&self) -> Vec<String> {
        self.list().into_iter().map(|row| row.name).collect()
    }

    /// Every model that config and environment know.
    fn list(&self) -> Vec<ModelRow>;
}

/// Where the rules come from: looked at before every decision, so that a change needs no restart `[P3]`.
pub trait PolicySource: Send + Sync {
    /// The rules in force now. What cannot be read or trusted leaves those before in force.
    fn current(&self) -> Arc<Shelf>;

    /// The same, looked at again even where nothing seems to have changed.
    fn reload(&self) -> Arc<Shelf>;
}

/// Rules that never change.
pub struct FixedPolicy(Arc<Shelf>);

impl FixedPolicy {
    /// Always this shelf.
    #[must_use]
    pub fn of(shelf: Shelf) -> Arc<dyn PolicySource> {
        Arc::new(Self(Arc::new(shelf)))
    }

    /// Always the built-in rules.
    #[must_use]
    pub fn builtin() -> Arc<dyn PolicySource> {
        Self::of(Shelf::unsigned(&thymos_policy::PolicySet::builtin()))
    }
}

impl PolicySource for FixedPolicy {
    fn current(&self) -> Arc<Shelf> {
        self.0.clone()
    }

    fn reload(&self) -> Arc<Shelf> {
        self.current()
    }
}

/// Decides which process may act on a trajectory.
pub trait Leases: Send + Sync {
    /// The lease, held until dropped; none while another process has it.
    fn take(&self, trajectory: &TrajectoryId) -> Option<Box<dyn Any + Send + Sync>>;
}

/// For one process alone: everything is granted.
pub struct NoLeases;

impl Leases for NoLeases {
    fn take(&self, _trajectory: &TrajectoryId) -> Option<Box<dyn Any + Send + Sync>> {
        Some(Box::new(()))
    }
}

/// The parts, wired.
pub struct Kernel {
    pub(crate) parts: KernelParts,
    pub(crate) writer: Writer,
    /// Signs the log at its size `[L7]`.
    pub(crate) checkpoints: Arc<Checkpointer>,
    pub(crate) tool_set: ToolSet,
    /// Where every blob goes in and comes out; nobody else asks the store for one.
    pub(crate) vault: Vault,
    /// Every key that was ever trusted: history is decided again by these.
    pub(crate) ever: TrustRoots,
}

impl Kernel {
    /// Wires the parts, starts the writer, and carries out what this operator's own were ordered to erase
    /// and did not; with hands in place, inside a tokio runtime.
    ///
    /// # Errors
    /// [`InvalidTool`] when a tool's contract cannot be kept exactly or its schema compiled.
    pub fn new(mut parts: KernelParts) -> Result<Arc<Self>, InvalidTool> {
        // These are signed over, compared and pinned, so they are redacted before all of that.
        for text in [&mut parts.workspace, &mut parts.operator] {
            if let Some(redacted) = parts.redactor.redact_text(text) {
                *text = redacted;
            }
        }
        let contracts = parts
            .tools
            .iter()
            .map(|tool| without_secrets(&parts.redactor, tool.contract()))
            .collect();
        let tool_set = ToolSet::pin(contracts)?;
        let ever = parts.roots.ever();
        let checkpoints = Arc::new(Checkpointer::new(
            parts.store.clone(),
            parts.outside.clone(),
            parts.operator_key.clone(),
            &ever,
        ));
        let writer = Writer::start(parts.store.clone(), checkpoints.clone(), parts.hands);
        let vault = Vault::new(
            parts.store.clone(),
            parts.redactor.clone(),
            &parts.operator_key,
        )
        .opening(&parts.retired_keys);
        let kernel = Self {
            ever,
            parts,
            writer,
            checkpoints,
            tool_set,
            vault,
        };
        // [L3] Whoever was killed between an order to erase and its end is finished here. What cannot be
        // finished is no reason not to start: verify tells what still stands, and what is damaged.
        drop(kernel.finish_erasing());
        Ok(Arc::new(kernel))
    }

    /// Whether a trajectory is there and of this kernel's tenant; another's is not there `[C5]`.
    pub(crate) fn owns(&self, trajectory: &TrajectoryId) -> Result<bool, StoreError> {
        let first = self.parts.store.page(trajectory, 0, 1)?;
        let body = first.first().map(thymos_core::Entry::decode);
        Ok(match body {
            Some(BodyState::Known(Body::Root(root))) => root.tenant == self.parts.tenant,
            // What cannot be read is told by whoever folds it.
            Some(_) => true,
            None => false,
        })
    }

    /// Whether a key was trusted once and is no more `[W1]`.
    pub(crate) fn has_retired(&self, key: &PublicKey) -> bool {
        self.ever.trusts_operator(key) && !self.parts.roots.trusts_operator(key)
    }

    /// The text as it may be signed and stored `[R1]`.
    pub(crate) fn without_secrets(&self, text: String) -> String {
        self.parts.redactor.redact_text(&text).unwrap_or(text)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(crate) fn draw<const N: usize>(&self) -> [u8; N] {
        draw(self.parts.entropy.as_ref())
    }

    pub(crate) fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.parts
            .tools
            .iter()
            .find(|tool| tool.contract().name == name)
            .cloned()
    }

    /// Reads kept content for a tool that looks.
    pub(crate) fn kept(
        self: &Arc<Self>,
    ) -> impl Fn(&Digest) -> Result<Option<Vec<u8>>, String> + use<> {
        let kernel = self.clone();
        move |digest| kernel.vault.read(digest).map_err(|e| e.to_string())
    }

    pub(crate) fn operator(&self) -> Party {
        Party {
            name: self.parts.operator.clone(),
            key: self.parts.operator_key.public(),
        }
    }

    /// A signed end of a writ `[W7]`.
    pub(crate) fn revocation(&self, writ: WritId, reason: String) -> Result<Body, InvalidJson> {
        // What is signed is what is stored, so it is redacted first [R1].
        let reason = self.without_secrets(reason);
        let message = WritRevoked::message(&writ, &reason, None)?;
        let key = &self.parts.operator_key;
        Ok(Body::WritRevoked(WritRevoked {
            writ,
            reason,
            by: self.operator(),
            signature: key.sign(Domain::Revocation, message.as_bytes()),
            used: None,
        }))
    }

    /// The subject key of a session: derived, so that it survives a restart without being stored.
    pub(crate) fn subject_key(&self, trajectory: &TrajectoryId) -> SigningKey {
        let mut material = self.parts.operator_key.seed_for_storage().to_vec();
        material.extend_from_slice(trajectory.as_bytes());
        SigningKey::from_seed(&thymos_core::key::derive_seed(&material))
    }
}

/// A contract as it may be pinned. One that cannot be redacted stays, and is refused when recorded.
fn without_secrets(redactor: &Redactor, contract: &ToolContract) -> ToolContract {
    let redacted = redactor.redact_noun(contract).ok().flatten();
    redacted.unwrap_or_else(|| contract.clone())
}
