//! What is named, found in the record, and what goes along with it: entries of one call repeat what it
//! was called with, so they go together.

use std::collections::{BTreeMap, BTreeSet};

use thymos_core::body::{Body, BodyState, Role};
use thymos_core::id::ProposalId;
use thymos_core::limits::{ERASURE_BODIES_MAX, ID_PREFIX_CHARS_MIN};
use thymos_core::{Entry, IntentId, Kind, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::store::{Found, StoreError};
use thymos_protocol::{ErasureName, ErasureRow, ErasureTargets};

use super::{No, PAGE, run};
use crate::kernel::Kernel;

/// Entries that a prefix may mean before it is refused as ambiguous.
const MATCHES_MAX: usize = 8;

/// Fewest digits by which a nearest entry is looked for.
const NEAR_MIN: usize = 2;

/// What is named.
pub(super) struct Named {
    pub(super) trajectory: TrajectoryId,
    seqs: BTreeSet<u64>,
    /// All of it that may go.
    whole: bool,
}

/// What goes.
#[derive(Default)]
pub(super) struct Chosen {
    pub(super) rows: Vec<ErasureRow>,
    pub(super) already: u64,
    pub(super) verdicts: u64,
    pub(super) unchecked_from: Option<u64>,
}

impl Chosen {
    pub(super) fn has(&self, seq: u64) -> bool {
        self.rows.binary_search_by_key(&seq, |row| row.seq).is_ok()
    }
}

/// Finds what the names mean.
pub(super) fn resolve(k: &Kernel, targets: &ErasureTargets) -> Result<Named, No> {
    let mut named: Option<Named> = None;
    for name in &targets.names {
        let (trajectory, seq) = match name {
            ErasureName::Entry(prefix) => by_id(k, prefix)?,
            ErasureName::Place(prefix, seq) => (trajectory(k, prefix)?, Some(*seq)),
            ErasureName::Run(trajectory) => (*trajectory, None),
        };
        let named = named.get_or_insert(Named {
            trajectory,
            seqs: BTreeSet::new(),
            whole: false,
        });
        if named.trajectory != trajectory {
            let (one, other) = (run(&named.trajectory), run(&trajectory));
            let message = format!("what is named is of {one} and of {other}");
            return Err(No::fault(message, Some("erase from one run at a time")));
        }
        named.whole |= seq.is_none();
        named.seqs.extend(seq);
    }
    let named = named.ok_or_else(|| No::fault("nothing is named", None))?;
    match k.owns(&named.trajectory)? {
        true => Ok(named),
        false => Err(No::fault(
            format!("there is no {}", run(&named.trajectory)),
            Some("`thymos runs` lists them"),
        )),
    }
}

fn by_id(k: &Kernel, prefix: &str) -> Result<(TrajectoryId, Option<u64>), No> {
    let entries = found(k, prefix)?;
    let entries: Vec<(TrajectoryId, u64)> = entries
        .into_iter()
        .filter_map(|one| match one {
            Found::Entry(_, trajectory, seq) => Some((trajectory, seq)),
            Found::Trajectory(_) => None,
        })
        .collect();
    match entries.as_slice() {
        [(trajectory, seq)] => Ok((*trajectory, Some(*seq))),
        [] => Err(No::fault(
            format!("there is no entry `{prefix}`"),
            Some(&near(k, prefix)?),
        )),
        [..] => Err(No::fault(
            format!("`{prefix}` may mean several entries"),
            Some("give more digits"),
        )),
    }
}

/// The entry whose id begins most like this one.
fn near(k: &Kernel, prefix: &str) -> Result<String, No> {
    let digits = prefix.len().min(64);
    for length in (NEAR_MIN..digits).rev() {
        let start = prefix.get(..length).unwrap_or_default();
        let nearest = found(k, start)?.into_iter().find_map(|one| match one {
            Found::Entry(id, trajectory, seq) => Some((id, trajectory, seq)),
            Found::Trajectory(_) => None,
        });
        if let Some((id, trajectory, seq)) = nearest {
            let (id, line) = (id.short(), trajectory.short());
            return Ok(format!(
                "the nearest is `{id}`, entry {seq} of run `{line}`"
            ));
        }
    }
    Ok("`thymos ledger` lists them".to_owned())
}

fn trajectory(k: &Kernel, prefix: &str) -> Result<TrajectoryId, No> {
    if prefix.len() < ID_PREFIX_CHARS_MIN {
        let message = format!("`{prefix}` is too short to name a run");
        let hint = format!("give at least {ID_PREFIX_CHARS_MIN} hex digits");
        return Err(No::fault(message, Some(&hint)));
    }
    let runs = found(k, prefix)?;
    let runs: Vec<TrajectoryId> = runs
        .into_iter()
        .filter_map(|one| match one {
            Found::Trajectory(trajectory) => Some(trajectory),
            Found::Entry(..) => None,
        })
        .collect();
    match runs.as_slice() {
        [one] => Ok(*one),
        [] => Err(No::fault(
            format!("there is no run `{prefix}`"),
            Some("`thymos runs` lists them"),
        )),
        [..] => Err(No::fault(
            format!("`{prefix}` may mean several runs"),
            Some("give more digits"),
        )),
    }
}

/// `[C5]` Another tenant's are not there.
fn found(k: &Kernel, prefix: &str) -> Result<Vec<Found>, StoreError> {
    let found = k.parts.store.find_prefix(prefix, MATCHES_MAX)?;
    let ours = found.into_iter().filter(|one| {
        let (Found::Entry(_, of, _) | Found::Trajectory(of)) = one;
        k.owns(of).unwrap_or(false)
    });
    Ok(ours.collect())
}

/// A whole trajectory.
pub(super) fn read(
    store: &dyn LedgerStore,
    trajectory: TrajectoryId,
) -> Result<Vec<Entry>, StoreError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let page = store.page(&trajectory, entries.len() as u64, PAGE)?;
        let last = page.is_empty();
        entries.extend(page);
        if last {
            return Ok(entries);
        }
    }
}

/// What goes: what is named, and what stands in the same call.
pub(super) fn choose(entries: &[Entry], named: &Named) -> Result<Chosen, No> {
    let mut chosen = Chosen::default();
    let mut seqs = named.seqs.clone();
    for seq in &named.seqs {
        let at = usize::try_from(*seq).ok().and_then(|at| entries.get(at));
        let Some(entry) = at else {
            let last = entries.len().saturating_sub(1);
            let message = format!("there is no entry {seq} in {}", run(&named.trajectory));
            return Err(No::fault(message, Some(&format!("its last one is {last}"))));
        };
        may_go(entry)?;
        chosen.already += u64::from(entry.content.is_none());
    }
    let calls = Calls::of(entries);
    for seq in &named.seqs {
        seqs.extend(calls.beside(*seq));
    }
    seqs.extend(summaries_behind(entries, &named.seqs));
    let going = entries.iter().filter(|entry| {
        let wanted = named.whole || seqs.contains(&entry.header.seq);
        let may = entry.kind().is_some_and(Kind::may_be_erased);
        wanted && may && entry.content.is_some()
    });
    for entry in going {
        chosen.add(entry, named);
    }
    match chosen.rows.len() <= ERASURE_BODIES_MAX {
        true => Ok(chosen),
        false => Err(No::fault(
            format!("more than {ERASURE_BODIES_MAX} bodies at once are not erased"),
            Some("name fewer, and the others afterwards"),
        )),
    }
}

/// Summaries that may repeat what is named.
fn summaries_behind(entries: &[Entry], named: &BTreeSet<u64>) -> Vec<u64> {
    let Some(first) = named.first() else {
        return Vec::new();
    };
    let is_summary = |entry: &&Entry| match entry.decode() {
        BodyState::Known(Body::Message(said)) => said.role == Role::Summary,
        _ => false,
    };
    let behind = entries.iter().filter(|entry| entry.header.seq > *first);
    behind
        .filter(is_summary)
        .map(|one| one.header.seq)
        .collect()
}

fn may_go(entry: &Entry) -> Result<(), No> {
    let header = &entry.header;
    if entry.kind().is_some_and(Kind::may_be_erased) {
        return Ok(());
    }
    let message = format!(
        "entry {} is of kind `{}`, which is never erased: authority, cost or a decision rests on it",
        header.seq, header.kind
    );
    Err(No::refused(
        message,
        "what was said, wanted and done may go: docs/guide/erasure.md",
    ))
}

impl Chosen {
    fn add(&mut self, entry: &Entry, named: &Named) {
        let (header, kind) = (&entry.header, entry.kind());
        self.rows.push(ErasureRow {
            entry: entry.id,
            seq: header.seq,
            kind: header.kind.clone(),
            at_ms: header.at_ms,
            bytes: entry.body().map_or(0, <[u8]>::len) as u64,
            along: !named.whole && !named.seqs.contains(&header.seq),
        });
        let decides = matches!(
            kind,
            Some(Kind::Rejection | Kind::PendingApproval | Kind::Started)
        );
        self.verdicts += u64::from(decides);
        if kind != Some(Kind::Message) && self.unchecked_from.is_none() {
            self.unchecked_from = Some(header.seq);
        }
    }
}

/// Which entries belong to which call.
#[derive(Default)]
struct Calls {
    by_seq: BTreeMap<u64, IntentId>,
    seqs: BTreeMap<IntentId, BTreeSet<u64>>,
    proposals: BTreeMap<ProposalId, IntentId>,
    children: BTreeMap<TrajectoryId, IntentId>,
}

impl Calls {
    fn of(entries: &[Entry]) -> Self {
        let mut calls = Self::default();
        for entry in entries {
            if let BodyState::Known(body) = entry.decode()
                && let Some(intent) = calls.intent(&body)
            {
                let seq = entry.header.seq;
                calls.by_seq.insert(seq, intent);
                calls.seqs.entry(intent).or_default().insert(seq);
            }
        }
        calls
    }

    fn intent(&mut self, body: &Body) -> Option<IntentId> {
        if let Some(decided) = body.decided() {
            let intent = decided.proposal.intent.id().ok()?;
            if let Ok(proposal) = decided.proposal.id() {
                self.proposals.insert(proposal, intent);
            }
            return Some(intent);
        }
        let proposal = match body {
            Body::Intent(intended) => return intended.intent.id().ok(),
            Body::Commit(commit) => commit.proposal,
            Body::Failure(failure) => failure.proposal,
            Body::Delegation(order) => {
                let intent = self.proposals.get(&order.proposal).copied();
                self.children
                    .extend(intent.map(|intent| (order.child, intent)));
                return intent;
            }
            Body::DelegationResult(end) => return self.children.get(&end.child).copied(),
            _ => return None,
        };
        self.proposals.get(&proposal).copied()
    }

    /// All entries of the call that this one belongs to.
    fn beside(&self, seq: u64) -> impl Iterator<Item = u64> {
        let call = self.by_seq.get(&seq);
        let seqs = call.and_then(|intent| self.seqs.get(intent));
        seqs.into_iter().flatten().copied()
    }
}
