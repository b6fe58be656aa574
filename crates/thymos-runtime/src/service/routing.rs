//! What came of routed intents, without any of their content `[S2]`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thymos_core::body::{Body, BodyState};
use thymos_core::id::ProposalId;
use thymos_core::proposal::Decided;
use thymos_core::routing::Routing;
use thymos_core::{Entry, IntentId, TrajectoryId};
use thymos_protocol::RoutingRow;

use crate::kernel::Kernel;

/// Entries read at once.
const PAGE: usize = 1024;

/// Routed intents of a trajectory, or of the whole log, in order.
pub(super) fn rows(
    kernel: &Arc<Kernel>,
    of: Option<TrajectoryId>,
) -> Result<Vec<RoutingRow>, String> {
    let store = kernel.parts.store.as_ref();
    let mut told = Told::default();
    let mut next = 0;
    loop {
        let page = store.scan(next, PAGE).map_err(|e| e.to_string())?;
        let last = page.is_empty();
        for row in page {
            next = row.index + 1;
            let Ok(entry) = row.entry else { continue };
            let wanted = of.is_none_or(|of| of == entry.header.trajectory);
            // [C5] What another tenant did is not there.
            if wanted && told.is_of(&entry, &kernel.parts.tenant) {
                told.read(&entry);
            }
        }
        if last {
            return Ok(told.rows);
        }
    }
}

#[derive(Default)]
struct Told {
    rows: Vec<RoutingRow>,
    /// The newest turn of each trajectory: number, time, price.
    turns: BTreeMap<TrajectoryId, (u32, u64, Option<u64>)>,
    own: BTreeSet<TrajectoryId>,
    by_intent: BTreeMap<IntentId, usize>,
    by_proposal: BTreeMap<ProposalId, usize>,
}

impl Told {
    /// Whether its trajectory is of this tenant, as its first entry says.
    fn is_of(&mut self, entry: &Entry, tenant: &str) -> bool {
        let trajectory = entry.header.trajectory;
        if entry.header.seq == 0
            && let BodyState::Known(Body::Root(root)) = entry.decode()
            && root.tenant == tenant
        {
            self.own.insert(trajectory);
        }
        self.own.contains(&trajectory)
    }

    fn read(&mut self, entry: &Entry) {
        let BodyState::Known(body) = entry.decode() else {
            return;
        };
        if let Some(decided) = body.decided() {
            self.decided(decided);
        }
        let trajectory = entry.header.trajectory;
        if let Body::Usage(usage) = &body {
            let turn = (usage.turn, usage.wall_clock_ms, usage.usd_millicents);
            self.turns.insert(trajectory, turn);
        } else if let Body::Intent(wanted) = &body {
            let routing = wanted.routing.as_ref().and_then(Routing::from_value);
            if let (Some(routing), Ok(intent)) = (routing, wanted.intent.id()) {
                self.begin(trajectory, wanted.intent.turn, intent, routing);
            }
        } else {
            self.end(&body);
        }
    }

    fn begin(&mut self, at: TrajectoryId, turn: u32, intent: IntentId, routing: Routing) {
        let took = self.turns.get(&at).filter(|(of, _, _)| *of == turn);
        self.by_intent.insert(intent, self.rows.len());
        self.rows.push(RoutingRow {
            decision_hash: routing.decision_hash.to_string(),
            selected: routing.selected,
            effect: None,
            outcome: "undecided".into(),
            latency_ms: took.map(|(_, ms, _)| *ms),
            cost_millicents: took.and_then(|(_, _, cost)| *cost),
        });
    }

    fn decided(&mut self, decided: &Decided) {
        let intent = decided.proposal.intent.id().ok();
        let at = intent.and_then(|intent| self.by_intent.get(&intent).copied());
        let Some(at) = at else { return };
        if let Ok(proposal) = decided.proposal.id() {
            self.by_proposal.insert(proposal, at);
        }
        let effect = decided.proposal.resolved.as_ref().map(|r| r.effect);
        if let (Some(row), Some(effect)) = (self.rows.get_mut(at), effect) {
            row.effect = Some(effect.word().to_owned());
        }
    }

    fn end(&mut self, body: &Body) {
        let (proposal, outcome) = if let Body::Rejection(no) = body {
            (no.decided.proposal.id().ok(), "refused")
        } else if let Body::PendingApproval(held) = body {
            (held.decided.proposal.id().ok(), "held")
        } else if let Body::Started(started) = body {
            (Some(started.proposal), "begun")
        } else if let Body::Commit(commit) = body {
            let word = match commit.outcome.ok {
                true => "done",
                false => "not ok",
            };
            (Some(commit.proposal), word)
        } else if let Body::Failure(failure) = body {
            (Some(failure.proposal), "failed")
        } else if let Body::Superseded(superseded) = body {
            (Some(superseded.proposal), "superseded")
        } else if let Body::Reconciled(end) = body {
            (Some(end.proposal), "reconciled")
        } else {
            return;
        };
        let at = proposal.and_then(|id| self.by_proposal.get(&id).copied());
        if let Some(row) = at.and_then(|at| self.rows.get_mut(at)) {
            outcome.clone_into(&mut row.outcome);
        }
    }
}
