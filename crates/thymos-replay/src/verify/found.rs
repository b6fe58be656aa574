//! What one checker found, so that several make one report: it is the same however trajectories were dealt
//! to them, and the lowest index comes first.

use std::collections::BTreeMap;

use thymos_core::TrajectoryId;

use super::report::Step;
use super::tally::TALLY_FINDINGS_MAX;
use super::{Counts, FINDINGS_MAX, Finding, Level, Place, Report, Tally};
use crate::divergence::Divergence;

/// Counts, and the first of what is wrong; the same by trajectory.
#[derive(Clone, Default)]
pub(super) struct Found {
    /// The row that is checked now, counted from 1; 0 before the first.
    row: u64,
    checked: Counts,
    unchecked: Counts,
    witnessed: u64,
    findings: Vec<Finding>,
    findings_total: u64,
    lines: BTreeMap<TrajectoryId, Tally>,
}

/// What one row adds to the counts.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) checked: Counts,
    pub(super) unchecked: Counts,
    pub(super) witnessed: u64,
}

/// What the end of the log settles is told behind everything else.
pub(super) const END: u64 = u64::MAX;

impl Found {
    /// What is found from here on is of this row.
    pub(super) fn begin(&mut self, row: u64) {
        self.row = row;
    }

    pub(super) fn add(&mut self, (level, step): (Level, Step), place: Place, what: Divergence) {
        self.findings_total += 1;
        let finding = Finding {
            level,
            order: (self.row, step),
            place,
            what,
        };
        if let Some((trajectory, _)) = place.line {
            let tally = self.lines.entry(trajectory).or_default();
            tally.findings_total += 1;
            keep(&mut tally.findings, &finding, TALLY_FINDINGS_MAX);
        }
        keep(&mut self.findings, &finding, FINDINGS_MAX);
    }

    /// Counts what came of a row.
    pub(super) fn count(&mut self, trajectory: TrajectoryId, row: &Counted) {
        self.checked.add(&row.checked);
        self.unchecked.add(&row.unchecked);
        self.witnessed += row.witnessed;
        let tally = self.line(trajectory);
        tally.checked.add(&row.checked);
        tally.unchecked.add(&row.unchecked);
        tally.witnessed += row.witnessed;
    }

    pub(super) fn line(&mut self, trajectory: TrajectoryId) -> &mut Tally {
        self.lines.entry(trajectory).or_default()
    }

    /// The first of it.
    pub(super) fn first(&self) -> Option<&Finding> {
        self.findings.first()
    }

    /// Hands over what was said of a trajectory, to whoever goes on with it. The counts of all stay.
    pub(super) fn part_with(&mut self, trajectory: &TrajectoryId) -> Option<Tally> {
        self.lines.remove(trajectory)
    }

    /// Takes over what another said of a trajectory.
    pub(super) fn take_over(&mut self, trajectory: TrajectoryId, tally: Tally) {
        self.lines.insert(trajectory, tally);
    }

    /// Adds all of it to a report.
    pub(super) fn tell(&self, report: &mut Report) {
        report.checked.add(&self.checked);
        report.unchecked.add(&self.unchecked);
        report.witnessed += self.witnessed;
        report.findings_total += self.findings_total;
        merge(&mut report.findings, &self.findings, FINDINGS_MAX);
        for (trajectory, own) in &self.lines {
            let tally = report.lines.entry(*trajectory).or_default();
            tally.entries += own.entries;
            tally.checked.add(&own.checked);
            tally.unchecked.add(&own.unchecked);
            tally.witnessed += own.witnessed;
            tally.findings_total += own.findings_total;
            merge(&mut tally.findings, &own.findings, TALLY_FINDINGS_MAX);
            tally.hang_as(own);
        }
    }
}

fn keep(findings: &mut Vec<Finding>, finding: &Finding, most: usize) {
    if findings.len() < most {
        findings.push(finding.clone());
    }
}

/// The first of both, in log order. Each has its own first, so that none of the first of all is missing.
fn merge(findings: &mut Vec<Finding>, more: &[Finding], most: usize) {
    if more.is_empty() {
        return;
    }
    findings.extend_from_slice(more);
    // Stable: what one check told of one row stays in the order it was told in.
    findings.sort_by_key(|finding| finding.order);
    findings.truncate(most);
}
