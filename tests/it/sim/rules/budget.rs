//! Budgets, added up anew from the record alone.

use std::collections::BTreeMap;

use thymos_core::body::{Body, Started};
use thymos_core::budget::{Cost, Dimension};
use thymos_core::{EntryId, TrajectoryId, WritId};

use super::super::told::{Line, Told};
use super::starts;

/// What is taken from writs on one trajectory.
#[derive(Default)]
struct Account<'t> {
    spent: BTreeMap<WritId, Cost>,
    open: BTreeMap<EntryId, &'t Started>,
}

impl<'t> Account<'t> {
    fn charge(&mut self, writs: &[WritId], cost: &Cost) {
        for writ in writs {
            let spent = self.spent.entry(*writ).or_default();
            *spent = spent.plus(cost);
        }
    }

    fn end(&mut self, started: EntryId, cost: &Cost) {
        let Some(work) = self.open.remove(&started) else {
            return;
        };
        let writs = &work.decided.proposal.writs;
        for writ in writs {
            let spent = self.spent.entry(*writ).or_default();
            *spent = spent.minus(&work.reserved);
        }
        self.charge(writs, cost);
    }

    /// Takes an entry in.
    fn take(&mut self, line: &'t Line) {
        match &line.body {
            Body::Usage(body) => {
                let cost = Cost {
                    tokens: body.tokens_in + body.tokens_out,
                    tool_calls: 0,
                    wall_clock_ms: body.wall_clock_ms,
                    usd_millicents: body.usd_millicents.unwrap_or(0),
                };
                self.charge(&body.writs, &cost);
            }
            Body::Started(work) => {
                self.charge(&work.decided.proposal.writs, &work.reserved);
                for writ in &work.pre_answered {
                    let spent = self.spent.entry(*writ).or_default();
                    spent.tool_calls += 1;
                }
                self.open.insert(line.id, work);
            }
            Body::Commit(body) => self.end(body.started, &body.cost),
            Body::Failure(body) => self.end(body.started, &body.cost),
            Body::Reconciled(body) => self.end(body.started, &body.cost),
            _ => {}
        }
    }
}

/// Walks the record; `see` is given each entry with the account as it stands before it.
fn walk<'t>(told: &'t Told, mut see: impl FnMut(&'t Line, &Account<'t>)) {
    let mut all: BTreeMap<TrajectoryId, Account<'t>> = BTreeMap::new();
    for line in &told.lines {
        let account = all.entry(line.trajectory).or_default();
        see(line, account);
        account.take(line);
    }
}

fn limits(told: &Told) -> BTreeMap<WritId, thymos_core::budget::Budget> {
    let issued = told.lines.iter().filter_map(|line| match &line.body {
        Body::WritIssued(body) => Some((body.id, body.writ.writ.budget)),
        _ => None,
    });
    issued.collect()
}

/// `[B1]` What work reserves fits what every link has left, in every dimension.
pub(super) fn kept(told: &Told) -> Vec<String> {
    let limits = limits(told);
    let mut faults = Vec::new();
    walk(told, |line, account| {
        let Body::Started(work) = &line.body else {
            return;
        };
        for link in &work.decided.proposal.writs {
            let spent = account.spent.get(link).copied().unwrap_or_default();
            let limit = limits.get(link).copied().unwrap_or_default();
            if let Some(dimension) = limit.shortfall(&spent, &work.reserved) {
                let link = link.short();
                faults.push(format!(
                    "entry {}: too much {dimension} of {link}",
                    line.index
                ));
            }
        }
    });
    faults
}

/// `[B1]` The facts of a decision say what was spent by then.
pub(super) fn told(told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    walk(told, |line, account| {
        let Body::Started(work) = &line.body else {
            return;
        };
        for link in &work.decided.proposal.writs {
            let spent = account.spent.get(link).copied().unwrap_or_default();
            if work.decided.facts.spent.get(link) != Some(&spent) {
                let link = link.short();
                faults.push(format!(
                    "entry {} was told other than {spent:?} of {link}",
                    line.index
                ));
            }
        }
    });
    faults
}

/// `[W6]` Calls below a writ, on all trajectories together, are no more than it allows.
pub(super) fn calls(told: &Told) -> Vec<String> {
    let limits = limits(told);
    let mut calls: BTreeMap<WritId, u64> = BTreeMap::new();
    for (_, work) in starts(told) {
        for link in &work.decided.proposal.writs {
            *calls.entry(*link).or_default() += 1;
        }
    }
    let over = calls.into_iter().filter(|(writ, count)| {
        let limit = limits.get(writ).and_then(|limit| limit.tool_calls);
        limit.is_some_and(|limit| *count > limit)
    });
    over.map(|(writ, count)| format!("{count} calls under {}", writ.short()))
        .collect()
}

/// `[W6]` A child's writ is no more than was reserved for it, its parent is told what it cost, and the
/// call that ordered it is charged as much.
pub(super) fn children(told: &Told) -> Vec<String> {
    let limits = limits(told);
    let mut faults = Vec::new();
    for line in &told.lines {
        let Body::Delegation(order) = &line.body else {
            continue;
        };
        let mut before = starts(told).filter(|(work, _)| work.index < line.index);
        let Some((began, work)) = before.rfind(|(_, work)| work.proposal == order.proposal) else {
            faults.push(format!("entry {} orders without a call", line.index));
            continue;
        };
        let limit = limits.get(&order.writ).copied().unwrap_or_default();
        let unreserved = Dimension::ALL.into_iter().any(|dimension| {
            let limit = limit.limit(dimension);
            limit.is_none_or(|limit| limit > work.reserved.amount(dimension))
        });
        if unreserved {
            faults.push(format!("entry {} gives more than it reserved", line.index));
        }
        let Some((cost, charged)) = settled(told, order.child, began.id) else {
            continue;
        };
        let spent = cost_of(told, order.child);
        let call = Cost {
            tool_calls: 1,
            ..Cost::default()
        };
        if cost != spent || charged != spent.plus(&call) {
            let child = order.child.short();
            faults.push(format!(
                "{child} cost {spent:?}, told {cost:?}, charged {charged:?}"
            ));
        }
    }
    faults
}

/// What the parent was told of a child's cost, and what it was charged.
fn settled(told: &Told, child: TrajectoryId, began: EntryId) -> Option<(Cost, Cost)> {
    let cost = told.lines.iter().find_map(|line| match &line.body {
        Body::DelegationResult(body) if body.child == child => Some(body.cost),
        _ => None,
    })?;
    let charged = told.lines.iter().find_map(|line| match &line.body {
        Body::Commit(body) if body.started == began => Some(body.cost),
        Body::Failure(body) if body.started == began => Some(body.cost),
        Body::Reconciled(body) if body.started == began => Some(body.cost),
        _ => None,
    })?;
    Some((cost, charged))
}

/// What a trajectory spent, by its usage and its ends; what is open counts as reserved.
fn cost_of(told: &Told, trajectory: TrajectoryId) -> Cost {
    let leaf = told.lines.iter().find_map(|line| match &line.body {
        Body::ModeChanged(body) if line.trajectory == trajectory => Some(body.to),
        _ => None,
    });
    let spent = spent(told, trajectory);
    leaf.and_then(|leaf| spent.get(&leaf).copied())
        .unwrap_or_default()
}

/// What was taken from each writ on a trajectory, at its end.
pub(crate) fn spent(told: &Told, trajectory: TrajectoryId) -> BTreeMap<WritId, Cost> {
    let own = told
        .lines
        .iter()
        .filter(|line| line.trajectory == trajectory);
    let mut account = Account::default();
    for line in own {
        account.take(line);
    }
    account.spent
}
