//! The tool port: a contract, a look, and an act that needs a [`Begun`].

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use thymos_core::Timestamp;
use thymos_core::budget::Budget;
use thymos_core::effect::EffectClass;
use thymos_core::id::Digest;
use thymos_core::isolation::Rung;
use thymos_core::outcome::{Fault, FaultKind, Outcome};
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_core::world::World;
use tokio_util::sync::CancellationToken;

use crate::begun::Begun;
use crate::clock::Clock;
use crate::memory::MemoryView;

/// One thing an agent can do.
///
/// Nothing here has a default: who wraps a tool would hide from the kernel what the wrapped one says.
#[async_trait]
pub trait Tool: Send + Sync {
    /// What it promises.
    fn contract(&self) -> &ToolContract;

    /// Looks at what one call would touch, without changing anything: real paths, pre-images,
    /// executable, effect class of this call. `args` satisfy the schema.
    ///
    /// # Errors
    /// [`Unresolvable`] when the call makes no sense here; it becomes a refusal by `[C12]`.
    async fn resolve(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable>;

    /// The order this call gives to another agent, when that is what it does `[D1]`. The kernel
    /// then opens a trajectory for it, and [`Self::run`] is not called.
    fn order(&self, args: &Value) -> Option<Order>;

    /// Hands over what this call is about to overwrite or remove, one content after another, until `keep`
    /// says no. The kernel keeps it before the call is announced, so that it is durable with the
    /// announcement: whatever an act destroys is in the record first `[X1]` `[O2]`. What is not as it was
    /// resolved any more is left out; the call will not act on it.
    fn overwrites(&self, resolved: &Resolved, keep: Keep<'_>);

    /// Whether a call is over at once, since it waits for nothing, not even for a file: its session may
    /// do it between two looks at what it was asked. One that waits all the same is done beside it.
    fn is_brief(&self) -> bool;

    /// Acts on exactly what `begun` permits. Must honour `io.cancel` within one second `[X4]`, and
    /// must fail with [`FaultKind::Moved`] when what was resolved no longer holds.
    ///
    /// # Errors
    /// [`ToolFault`]; everything known of the effect is in it.
    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault>;

    /// Looks once more, after [`Self::run`] came to this outcome and before that is sealed, at what must
    /// be true now `[X5]`. It is a part of the call: the time limit, the cancel and a panic count as those
    /// of `run`. Changes nothing.
    ///
    /// # Errors
    /// [`Unmet`] when something is not as the outcome says; the call is sealed as a failure then, and
    /// its deltas are not applied.
    async fn verify(
        &self,
        begun: &Begun,
        outcome: &Outcome,
        io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet>;

    /// Finds out what became of a call that was announced and never sealed `[X2]`. Asked of tools
    /// whose contract says `queryable`; changes nothing.
    async fn probe(&self, proposal: &Proposal, look: &Look<'_>) -> Probed;
}

/// Takes a content; says whether more is wanted.
pub type Keep<'k> = &'k mut dyn FnMut(&[u8]) -> bool;

/// What a tool found out about a call that was never sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// It happened; how that is known.
    Happened(String),
    /// It did not happen; how that is known.
    DidNotHappen(String),
    /// It cannot tell, at least not now.
    Unknown,
}

/// A task for an agent of its own, and the authority it is to get `[D1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What is to be done.
    pub task: String,
    /// Tools it may use, as patterns; empty for all that the delegating writ grants.
    pub tools: Vec<String>,
    /// The most dangerous class it may reach.
    pub ceiling: EffectClass,
    /// What the call names of its budget. What the agent gets in all is what the call reserves, less the call
    /// itself `[W6]`.
    pub budget: Budget,
}

/// What a tool may look at while resolving.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The trajectory's folded state.
    pub world: &'a World,
    /// What other trajectories of the workspace remember.
    pub memory: &'a dyn MemoryView,
    /// The time.
    pub now: Timestamp,
    /// The rung of the cage that this machine offers.
    pub rung: Rung,
    /// The most that the writs in force allow, whatever is spent of it: a call that is looked at again finds
    /// the same.
    pub limits: Budget,
    /// Content kept outside entries.
    pub kept: Kept<'a>,
}

/// Reads content that was kept outside entries, by its digest; none when it is not kept.
pub type Kept<'a> = &'a (dyn Fn(&Digest) -> Result<Option<Vec<u8>>, String> + Send + Sync);

/// Where nothing is kept.
///
/// # Errors
/// Never.
pub const fn nothing_kept(_digest: &Digest) -> Result<Option<Vec<u8>>, String> {
    Ok(None)
}

/// A call that makes no sense here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolvable {
    /// One sentence without a full stop; the model reads it.
    pub message: String,
    /// What to do instead, if there is something.
    pub hint: Option<String>,
}

impl Unresolvable {
    /// A sentence alone.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    /// A sentence and what to do instead.
    pub fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

/// What a running tool is given besides its `Begun`.
pub struct ToolIo<'a> {
    /// Fires when a person or the budget stops it.
    pub cancel: CancellationToken,
    /// Live output for the screen; may be merged or dropped.
    pub live: &'a mut (dyn FnMut(&[u8]) + Send),
    /// Keeps content outside the entry; durable before the seal is.
    pub blobs: &'a dyn BlobSink,
    /// The trajectory's folded state at the moment of acting.
    pub world: &'a World,
    /// What other trajectories of the workspace remember.
    pub memory: &'a dyn MemoryView,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// Keeps content by digest.
pub trait BlobSink: Send + Sync {
    /// Keeps these bytes and names them.
    ///
    /// # Errors
    /// A sentence, when they are too large or the disk refused.
    fn keep(&self, bytes: &[u8]) -> Result<Digest, String>;

    /// As [`Self::keep`], of what is a secret whatever is found in it: a file of a protected name `[R3]`.
    ///
    /// # Errors
    /// As [`Self::keep`].
    fn keep_sealed(&self, bytes: &[u8]) -> Result<Digest, String>;

    /// Reads kept bytes back; none when unknown.
    ///
    /// # Errors
    /// A sentence, when the disk refused.
    fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, String>;
}

/// A postcondition that does not hold `[X5]`. Each part is a few words without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What was looked at.
    pub subject: String,
    /// What it was to be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            expected,
            found,
        } = self;
        write!(f, "`{subject}` was to be {expected} and is {found}")
    }
}

/// A call that broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFault(pub Fault);

impl ToolFault {
    /// A fault of which no effect is known.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self(Fault {
            kind,
            message: message.into(),
            deltas: Vec::new(),
            observation: String::new(),
        })
    }
}
