//! Decides again: every recorded verdict, derived once more from the facts recorded with it `[V3]`.
//!
//! Takes writs, rules and tools from the record itself, and trust roots from the caller. Witnessed
//! lines are taken at their word, since the values they read are not in the record `[R4]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use thymos_compiler::{
    CheckedChain, CheckedPossession, CheckedStanding, GateVersion, Grounds, Held, ToolSet,
    UNRESOLVED, Verdict, admit, compile,
};
use thymos_core::approval::SignedAnswer;
use thymos_core::body::{
    Body, PendingApproval, PolicyLoaded, Rejection, Stage, Started, WritIssued,
};
use thymos_core::effect::EffectClass;
use thymos_core::facts::Facts;
use thymos_core::id::{Digest, ProposalId};
use thymos_core::key::PublicKey;
use thymos_core::limits::CHAIN_LINKS_MAX;
use thymos_core::proposal::Decided;
use thymos_core::tool::ToolContract;
use thymos_core::trace::{Clause, Ruling, Trace, TraceLine};
use thymos_core::writ::{SignedWrit, TrustRoots};
use thymos_core::{Entry, EntryId, TrajectoryId, WritId, canonical};
use thymos_policy::PolicySet;

use crate::divergence::Divergence;

mod policies;
mod skills;

use policies::Policies;

/// What deciding an entry again came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redecided {
    /// The entry decides nothing.
    NoDecision,
    /// The same verdict, for the same reasons.
    Same {
        /// Whether it rests on a witnessed fact.
        witnessed: bool,
    },
    /// Something needed to decide it is not in the record.
    Unknown(Box<Divergence>),
    /// Another verdict, or other reasons.
    Different(Box<Divergence>),
}

/// Reads a log in order and decides every verdict in it again.
#[derive(Clone)]
pub struct Redecider {
    roots: TrustRoots,
    /// Each is what its id says, so that it does not matter where in the log it was met.
    writs: BTreeMap<WritId, Arc<SignedWrit>>,
    chains: BTreeMap<Vec<WritId>, Arc<CheckedChain>>,
    /// The newest signed batch of each trajectory: a turn's calls have one and the same.
    batches: BTreeMap<TrajectoryId, Arc<CheckedPossession>>,
    /// Sets by the digest of their contracts: most trajectories share theirs, and its schemas are large.
    sets: BTreeMap<Digest, Arc<ToolSet>>,
    policies: Arc<Policies>,
    lines: BTreeMap<TrajectoryId, Footing>,
}

/// What the decisions of one trajectory stand on that no other trajectory's do.
#[derive(Clone, Default)]
pub(crate) struct Footing {
    tools: Option<Arc<ToolSet>>,
    policies: policies::Line,
    holds: Holds,
}

/// Open holds with their answers so far.
type Holds = BTreeMap<ProposalId, (Held, Vec<(EntryId, SignedAnswer)>)>;

/// The verdict that an entry records.
enum Recorded<'b> {
    Refused(&'b Rejection),
    Held(&'b Held),
    Cleared(&'b Started),
}

impl Redecider {
    /// A reader that trusts these keys: all that were ever trusted in this log.
    #[must_use]
    pub fn new(roots: TrustRoots) -> Self {
        Self {
            roots,
            writs: BTreeMap::new(),
            chains: BTreeMap::new(),
            batches: BTreeMap::new(),
            sets: BTreeMap::new(),
            policies: Arc::new(Policies::default()),
            lines: BTreeMap::new(),
        }
    }

    /// Whether this key was ever trusted to give answers, and with them to settle and to erase.
    pub(crate) fn ever_trusted(&self, key: &PublicKey) -> bool {
        self.roots.ever().trusts_operator(key)
    }

    /// Whether who is said to have signed a bundle did, and was ever trusted to.
    pub(crate) fn vouched(&self, loaded: &PolicyLoaded) -> Result<(), Divergence> {
        policies::vouched(loaded, &self.roots)
    }

    /// Takes in the next entry, and decides it again if it is a decision.
    pub fn observe(&mut self, entry: &Entry, body: &Body) -> Redecided {
        let redecided = self.decide(entry, body);
        match self.learn(entry, body) {
            Ok(()) => redecided,
            Err(what) => Redecided::Unknown(Box::new(what)),
        }
    }

    fn decide(&mut self, entry: &Entry, body: &Body) -> Redecided {
        if let Body::Rejection(rejection) = body {
            self.again(entry, &Recorded::Refused(rejection))
        } else if let Body::PendingApproval(pending) = body {
            self.again(entry, &Recorded::Held(&held(pending)))
        } else if let Body::Started(started) = body {
            self.again(entry, &Recorded::Cleared(started))
        } else if let Body::SkillBound(bound) = body {
            match skills::check(bound, &self.writs) {
                Ok(()) => Redecided::NoDecision,
                Err(skills::Wrong::Different(what)) => Redecided::Different(Box::new(what)),
                Err(skills::Wrong::Unknown(what)) => Redecided::Unknown(Box::new(what)),
            }
        } else {
            Redecided::NoDecision
        }
    }

    /// Takes in the next entry, for what later ones may rest on.
    ///
    /// # Errors
    /// [`Divergence`] when rules or tools in it cannot be used.
    pub(crate) fn learn(&mut self, entry: &Entry, body: &Body) -> Result<(), Divergence> {
        let line = entry.header.trajectory;
        match body {
            Body::Rejection(rejection) => {
                let own = self.lines.entry(line).or_default();
                if let Some(held) = held_proposal(&rejection.decided, &own.holds) {
                    own.holds.remove(&held);
                }
            }
            Body::PendingApproval(pending) => {
                let held = held(pending);
                if let Ok(proposal) = held.decided.proposal.id() {
                    let own = self.lines.entry(line).or_default();
                    own.holds.insert(proposal, (held, Vec::new()));
                }
            }
            Body::Started(started) => self.ends(line, &started.proposal),
            Body::Approval(approval) => {
                let signed = &approval.signed;
                let own = self.lines.entry(line).or_default();
                if let Some((_, answers)) = own.holds.get_mut(&signed.answer.proposal) {
                    answers.push((entry.id, signed.clone()));
                }
            }
            Body::Superseded(superseded) => self.ends(line, &superseded.proposal),
            Body::WritIssued(issued) => {
                if let Some(writ) = sound(issued) {
                    self.hear(issued.id, &writ);
                }
            }
            Body::ToolsPinned(pinned) => return self.pin(line, &pinned.tools),
            Body::PolicyLoaded(loaded) => {
                let own = self.lines.entry(line).or_default();
                return Arc::make_mut(&mut self.policies).load(&mut own.policies, loaded);
            }
            Body::PolicyUnloaded(unloaded) => {
                let own = self.lines.entry(line).or_default();
                return Arc::make_mut(&mut self.policies).unload(&mut own.policies, unloaded);
            }
            Body::Root(_)
            | Body::Message(_)
            | Body::Usage(_)
            | Body::Intent(_)
            | Body::Commit(_)
            | Body::Failure(_)
            | Body::Reconciled(_)
            | Body::Delegation(_)
            | Body::DelegationResult(_)
            | Body::Branch(_)
            | Body::SkillBound(_)
            | Body::WritRevoked(_)
            | Body::ModeChanged(_)
            | Body::Erased(_)
            | Body::Closed(_) => {}
        }
        Ok(())
    }

    fn ends(&mut self, line: TrajectoryId, hold: &ProposalId) {
        if let Some(own) = self.lines.get_mut(&line) {
            own.holds.remove(hold);
        }
    }

    /// Takes in a writ that was issued, by what its id says. Of two with one id, which differ in their
    /// signatures, the first counts: what was checked once stays so.
    pub(crate) fn hear(&mut self, id: WritId, writ: &Arc<SignedWrit>) {
        self.writs.entry(id).or_insert_with(|| Arc::clone(writ));
    }

    /// Hands over what decisions of this trajectory stand on alone; nothing of it is left here.
    pub(crate) fn part_with(&mut self, line: &TrajectoryId) -> Option<Footing> {
        self.batches.remove(line);
        self.lines.remove(line)
    }

    /// Takes over what another handed over.
    pub(crate) fn take_over(&mut self, line: TrajectoryId, footing: Footing) {
        self.lines.insert(line, footing);
    }

    /// Whether this call waits for a person on its trajectory: what is decided on it now is an admission.
    pub(crate) fn is_held(&self, line: &TrajectoryId, decided: &Decided) -> bool {
        held_proposal(decided, self.holds(line)).is_some()
    }

    fn holds(&self, line: &TrajectoryId) -> &Holds {
        static NONE: Holds = BTreeMap::new();
        self.lines.get(line).map_or(&NONE, |own| &own.holds)
    }

    /// What a decision stood on, found again by what it names.
    ///
    /// # Errors
    /// [`Divergence`] when something of it is not in the record.
    pub(crate) fn basis(&mut self, entry: &Entry, decided: &Decided) -> Result<Basis, Divergence> {
        let chain = self.chain(&decided.proposal.writs)?;
        let own = self.lines.get(&entry.header.trajectory);
        let tools = own.and_then(|own| own.tools.as_ref()).map(Arc::clone);
        let tools = tools.ok_or_else(|| Divergence::new("tools", "a pinned tool set", "none"))?;
        let possession = self.batch(entry, decided, &chain);
        let standing = self.standing(&decided.facts.standing)?;
        Ok(Basis {
            chain,
            tools,
            possession,
            standing,
        })
    }

    /// The rules that a decision names: those in force, or, for a denial, those that asked.
    ///
    /// # Errors
    /// [`Divergence`] when no entry brought them into force.
    pub(crate) fn policy(
        &self,
        entry: &Entry,
        decided: &Decided,
        denial: bool,
    ) -> Result<&PolicySet, Divergence> {
        let id = decided.proposal.policy_set;
        let own = self.lines.get(&entry.header.trajectory);
        let found = own.and_then(|own| match denial {
            true => own.policies.once_in_force(&id),
            false => own.policies.in_force(&id),
        });
        found.ok_or_else(|| Divergence::new("policy set", "the one in force", id.to_string()))
    }

    /// Whether this writ was issued in what was read so far.
    pub(crate) fn knows(&self, writ: &WritId) -> bool {
        self.writs.contains_key(writ)
    }

    /// The chain that ends in this writ, root first, as far as its links were issued in this log; none
    /// where it is longer than a chain may be, since then none is presented.
    pub(crate) fn lineage(&self, leaf: &WritId) -> Vec<WritId> {
        let mut chain = Vec::new();
        let mut next = Some(*leaf);
        while let Some((id, writ)) = next.and_then(|id| Some((id, self.writs.get(&id)?))) {
            if chain.len() == CHAIN_LINKS_MAX {
                return Vec::new();
            }
            chain.push(id);
            next = writ.writ.parent;
        }
        chain.reverse();
        chain
    }

    fn pin(&mut self, line: TrajectoryId, tools: &[ToolContract]) -> Result<(), Divergence> {
        let wrong = |found: String| Divergence::new("tools", "contracts that can be pinned", found);
        let bytes = canonical::encode(&tools).map_err(|e| wrong(e.to_string()))?;
        let digest = Digest::of(bytes.as_bytes());
        let set = match self.sets.get(&digest) {
            Some(known) => Arc::clone(known),
            None => {
                let set = ToolSet::pin(tools.to_vec()).map_err(|e| wrong(e.to_string()))?;
                let set = Arc::new(set);
                self.sets.insert(digest, Arc::clone(&set));
                set
            }
        };
        self.lines.entry(line).or_default().tools = Some(set);
        Ok(())
    }

    fn again(&mut self, entry: &Entry, recorded: &Recorded<'_>) -> Redecided {
        let decided = recorded.decided();
        if GateVersion::named(&decided.proposal.compiler).is_none() {
            let (newest, found) = (GateVersion::NEWEST.name(), &decided.proposal.compiler);
            let expected = format!("at most {newest}");
            let what = Divergence::new("compiler", expected, found.clone());
            return Redecided::Unknown(Box::new(what));
        }
        let basis = match self.basis(entry, decided) {
            Ok(basis) => basis,
            Err(what) => return Redecided::Unknown(Box::new(what)),
        };
        let policy = match self.policy(entry, decided, recorded.is_denial()) {
            Ok(policy) => policy,
            Err(what) => return Redecided::Unknown(Box::new(what)),
        };
        let threshold = policy.switches().risk_threshold;
        if decided.facts.risk_threshold != threshold {
            let found = decided.facts.risk_threshold.to_string();
            let what = Divergence::new("facts.risk_threshold", threshold.to_string(), found);
            return Redecided::Different(Box::new(what));
        }
        let grounds = basis.grounds(decided, policy, &decided.facts);
        let holds = self.holds(&entry.header.trajectory);
        match verdict(recorded, holds, &self.roots, &grounds) {
            Ok(verdict) => compare(recorded, &verdict),
            Err(what) => Redecided::Unknown(Box::new(what)),
        }
    }

    /// The pre-answers that a decision was given `[A6]`.
    fn standing(&self, ids: &[WritId]) -> Result<Vec<CheckedStanding>, Divergence> {
        let found = ids.iter().map(|id| match self.writs.get(id) {
            Some(writ) => Ok(CheckedStanding::check(SignedWrit::clone(writ), &self.roots)),
            None => Err(Divergence::new(
                "pre-answer",
                "an issued writ",
                id.to_string(),
            )),
        });
        found.collect()
    }

    /// The signed batch that a decision names, checked once for all decisions in a row that name it.
    fn batch(
        &mut self,
        entry: &Entry,
        decided: &Decided,
        chain: &CheckedChain,
    ) -> Arc<CheckedPossession> {
        let line = entry.header.trajectory;
        let named = &decided.facts.possession;
        match self.batches.get(&line) {
            Some(batch) if batch.is_check_of(named, chain) => Arc::clone(batch),
            Some(_) | None => {
                let batch = Arc::new(CheckedPossession::check(named.clone(), chain));
                room_for_one(&mut self.batches);
                self.batches.insert(line, Arc::clone(&batch));
                batch
            }
        }
    }

    /// The chain of these writs, checked once and kept.
    fn chain(&mut self, ids: &[WritId]) -> Result<Arc<CheckedChain>, Divergence> {
        if let Some(chain) = self.chains.get(ids) {
            return Ok(Arc::clone(chain));
        }
        let mut links = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(writ) = self.writs.get(id) else {
                return Err(Divergence::new("writ", "an issued writ", id.to_string()));
            };
            links.push(SignedWrit::clone(writ));
        }
        let chain = Arc::new(CheckedChain::check(links, &self.roots));
        room_for_one(&mut self.chains);
        self.chains.insert(ids.to_vec(), Arc::clone(&chain));
        Ok(chain)
    }
}

/// A writ that is what its id says; another is no writ that anything could rest on.
pub(crate) fn sound(issued: &WritIssued) -> Option<Arc<SignedWrit>> {
    let own = issued.writ.id().is_ok_and(|id| id == issued.id);
    own.then(|| Arc::new(issued.writ.clone()))
}

/// What was checked is checked again when it was forgotten; then so is what nobody comes back to.
fn room_for_one<K, V>(checked: &mut BTreeMap<K, V>) {
    if checked.len() >= CHECKED_MAX {
        checked.clear();
    }
}

/// Chains, and batches, that are remembered as checked. Beyond it all are forgotten.
const CHECKED_MAX: usize = 64;

/// What a decision stands on, apart from its rules and its own facts.
pub(crate) struct Basis {
    chain: Arc<CheckedChain>,
    tools: Arc<ToolSet>,
    possession: Arc<CheckedPossession>,
    standing: Vec<CheckedStanding>,
}

impl Basis {
    /// The class of this call, at least the operator's floor `[C18]`; none where nothing was resolved.
    pub(crate) fn effect(&self, decided: &Decided) -> Option<EffectClass> {
        let claimed = decided.proposal.resolved.as_ref()?.effect;
        let floor = self.tools.get(&decided.proposal.intent.tool);
        Some(floor.map_or(claimed, |(contract, _)| claimed.max(contract.effect_floor)))
    }

    /// The grounds of a recorded decision, under these rules and facts.
    pub(crate) fn grounds<'a>(
        &'a self,
        decided: &'a Decided,
        policy: &'a PolicySet,
        facts: &'a Facts,
    ) -> Grounds<'a> {
        let resolved = decided.proposal.resolved.as_ref();
        Grounds {
            gate: GateVersion::named(&decided.proposal.compiler).unwrap_or(GateVersion::NEWEST),
            chain: &self.chain,
            possession: &self.possession,
            policy,
            standing: &self.standing,
            tools: &self.tools,
            resolved: resolved.ok_or_else(|| unresolved(&decided.trace)),
            facts,
            live_args: None,
            live_resolved: None,
        }
    }
}

fn verdict(
    recorded: &Recorded<'_>,
    holds: &Holds,
    roots: &TrustRoots,
    grounds: &Grounds<'_>,
) -> Result<Verdict, Divergence> {
    let decided = recorded.decided();
    if !recorded.is_admission(holds) {
        return Ok(compile(&decided.proposal.intent, grounds));
    }
    let proposal = held_proposal(decided, holds);
    let Some((held, answers)) = proposal.and_then(|id| holds.get(&id)) else {
        return Err(Divergence::new("admission", "an open hold", "none"));
    };
    Ok(admit(held, answers, roots, grounds))
}

fn held(pending: &PendingApproval) -> Held {
    Held {
        decided: pending.decided.clone(),
        terms: pending.terms.clone(),
        presentation: pending.presentation.clone(),
        presented: pending.presented,
    }
}

/// The hold that an admission was about: of the same proposal, or of the same intent where
/// something moved meanwhile and the fresh proposal is another.
fn held_proposal(decided: &Decided, holds: &Holds) -> Option<ProposalId> {
    let own = decided.proposal.id().ok()?;
    if holds.contains_key(&own) {
        return Some(own);
    }
    holds
        .iter()
        .find(|(_, (held, _))| held.decided.proposal.intent == decided.proposal.intent)
        .map(|(id, _)| *id)
}

impl Recorded<'_> {
    fn decided(&self) -> &Decided {
        match self {
            Self::Refused(rejection) => &rejection.decided,
            Self::Held(held) => &held.decided,
            Self::Cleared(started) => &started.decided,
        }
    }

    /// Whether a person said no, which stands on the rules that asked them `[A5]`.
    fn is_denial(&self) -> bool {
        match self {
            Self::Refused(rejection) => rejection.stage == Stage::Answer,
            Self::Held(_) | Self::Cleared(_) => false,
        }
    }

    fn is_admission(&self, holds: &Holds) -> bool {
        match self {
            Self::Refused(rejection) => match rejection.stage {
                Stage::Compile => false,
                Stage::Admit | Stage::Answer => true,
            },
            Self::Held(_) => false,
            Self::Cleared(started) => {
                !started.approvals.is_empty() || holds.contains_key(&started.proposal)
            }
        }
    }

    /// The verdict that these lines amount to, in one word.
    fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Held(_) => "held",
            Self::Cleared(_) => "cleared",
        }
    }
}

fn compare(recorded: &Recorded<'_>, verdict: &Verdict) -> Redecided {
    let (word, decided) = match verdict {
        Verdict::Cleared(warrant) => ("cleared", warrant.decided()),
        Verdict::Held(held) => ("held", &held.decided),
        Verdict::Refused(refused) => ("refused", &refused.decided),
    };
    let old = recorded.decided();
    if let Some(what) = other_lines(&old.trace, &decided.trace) {
        return Redecided::Different(Box::new(what));
    }
    if let Some(what) = incoherent(recorded) {
        return Redecided::Different(Box::new(what));
    }
    let different = |check, expected: &str, found: &str| {
        Redecided::Different(Box::new(Divergence::new(check, expected, found)))
    };
    // [A5] A denial stands on the facts of its hold, all others on their own.
    if decided.facts != old.facts {
        return different("facts", "those of the hold", "others");
    }
    if decided.proposal != old.proposal {
        return different("proposal", "what the record proposes", "another proposal");
    }
    let witnessed = old.trace.lines.iter().any(|line| line.witnessed);
    if witnessed {
        return Redecided::Same { witnessed };
    }
    if word != recorded.word() {
        return different("verdict", word, recorded.word());
    }
    let same = match (recorded, verdict) {
        (Recorded::Refused(old), Verdict::Refused(new)) => old.refusal == new.refusal,
        (Recorded::Held(old), Verdict::Held(new)) => {
            old.terms == new.terms
                && old.presentation == new.presentation
                && old.presented == new.presented
        }
        (Recorded::Cleared(old), Verdict::Cleared(new)) => {
            old.approvals == new.approvals() && old.pre_answered == new.pre_answered()
        }
        (Recorded::Refused(_) | Recorded::Held(_) | Recorded::Cleared(_), _) => false,
    };
    if same {
        Redecided::Same { witnessed }
    } else {
        different("verdict", "the same terms", "other terms")
    }
}

/// The first line that differs, witnessed ones left out on both sides.
fn other_lines(old: &Trace, new: &Trace) -> Option<Divergence> {
    let taken: Vec<(Clause, Option<&str>)> = old
        .lines
        .iter()
        .filter(|line| line.witnessed)
        .map(key)
        .collect();
    let policy = taken.iter().any(|(clause, _)| *clause == Clause::C13);
    let counts = |line: &&TraceLine| {
        // Where a rule was witnessed, whether the default spoke depends on it.
        let default = policy && line.clause == Clause::C13 && line.rule.is_none();
        !taken.contains(&key(line)) && !default
    };
    let mut recorded = old.lines.iter().filter(counts);
    let mut derived = new.lines.iter().filter(counts);
    loop {
        let (was, is) = (recorded.next(), derived.next());
        if was.is_none() && is.is_none() {
            return None;
        }
        if was != is {
            return Some(Divergence::new("trace", told(is), told(was)));
        }
    }
}

fn key(line: &TraceLine) -> (Clause, Option<&str>) {
    (line.clause, line.rule.as_deref())
}

fn told(line: Option<&TraceLine>) -> String {
    line.map_or_else(
        || "no further line".to_owned(),
        |line| format!("{} {:?}: {}", line.clause, line.ruling, line.said),
    )
}

/// A recorded verdict must follow from its own trace, witnessed lines included.
fn incoherent(recorded: &Recorded<'_>) -> Option<Divergence> {
    let trace = &recorded.decided().trace;
    let fits = match recorded {
        Recorded::Refused(rejection) => trace.first_refusal().is_some_and(|line| {
            line.clause == rejection.refusal.clause && line.said == rejection.refusal.reason
        }),
        Recorded::Held(_) => trace.ruling() == Ruling::Ask,
        Recorded::Cleared(started) => {
            let answered = !started.approvals.is_empty() || !started.pre_answered.is_empty();
            let most = if !answered {
                Ruling::Permit
            } else {
                Ruling::Ask
            };
            trace.ruling() <= most
        }
    };
    (!fits).then(|| {
        Divergence::new(
            "verdict",
            format!("{} by its trace", recorded.word()),
            format!("a trace that comes to {:?}", trace.ruling()),
        )
    })
}

/// The tool's sentence when it could not resolve the call; that sentence is a fact of its own.
fn unresolved(trace: &Trace) -> &str {
    trace
        .lines
        .iter()
        .filter(|line| line.clause == Clause::C12)
        .find_map(|line| line.said.strip_prefix(UNRESOLVED))
        .unwrap_or("")
}
