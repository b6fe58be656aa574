//! What people do in a story besides prompting and answering: they bind a skill, take calls back, branch off,
//! revoke, and try again when the ledger failed. Each looks at the record first and does what is missing.

use std::collections::BTreeMap;

use thymos_core::TrajectoryId;
use thymos_core::body::{Body, Stop};
use thymos_protocol::{Command, Replied, UndoEnd};

use super::plan::ON_THE_BRANCH;
use super::process::Living;
use crate::sim::told::Line;

impl Living<'_> {
    /// What one run has on record.
    fn record_of(&self, run: TrajectoryId) -> Vec<Line> {
        let mut lines = self.lines();
        lines.retain(|line| line.trajectory == run);
        lines
    }

    pub(super) async fn bind_skill(&mut self, run: TrajectoryId) {
        let bound = |line: &Line| matches!(line.body, Body::SkillBound(_));
        if !self.plan.skill || self.record_of(run).iter().any(bound) {
            return;
        }
        let command = Command::BindSkill {
            trajectory: run,
            name: "careful".to_owned(),
            parameters: BTreeMap::new(),
        };
        self.accepted("no skill", command).await;
    }

    /// Takes back what can be taken back of the run.
    pub(super) async fn take_back(&mut self, run: TrajectoryId) {
        let from_seq = 0;
        let planned = Command::PlanUndo {
            trajectory: run,
            of: run,
            from_seq,
        };
        let plan = match self.ask(planned).await {
            Replied::UndoPlan(plan) => plan,
            other => return self.wrong("no plan", &other),
        };
        if plan.steps.iter().all(|step| step.cannot.is_some()) {
            return;
        }
        let undo = Command::Undo {
            trajectory: run,
            of: run,
            from_seq,
            plan: plan.digest,
            partial: !plan.complete,
        };
        match self.ask(undo).await {
            Replied::Undone(UndoEnd { stopped: None, .. }) => {}
            other => self.wrong("not undone", &other),
        }
        self.rest().await;
    }

    /// Goes another way from the newest commit; once, whatever came between.
    pub(super) async fn branch_off(&mut self, run: TrajectoryId) {
        let lines = self.lines();
        let found = lines.iter().find_map(|line| match &line.body {
            Body::Branch(branch) if branch.from == run => Some(line.trajectory),
            _ => None,
        });
        let branch = match found {
            Some(branch) => branch,
            None => {
                let commit =
                    |line: &&Line| line.trajectory == run && matches!(line.body, Body::Commit(_));
                let Some(commit) = lines.iter().rfind(commit) else {
                    return;
                };
                let command = Command::Branch {
                    trajectory: run,
                    entry: commit.id,
                };
                match self.ask(command).await {
                    Replied::Opened(status) => status.trajectory,
                    other => return self.wrong("no branch", &other),
                }
            }
        };
        if !self.is_done(branch) {
            self.say(branch, ON_THE_BRANCH.to_owned()).await;
        }
        if !self.is_done(branch) && !self.is_failing() {
            self.end.faults.push("its branch did not end".to_owned());
        }
        if self.plan.revoke && self.is_done(branch) {
            self.cut_off(branch).await;
        }
    }

    fn is_done(&self, run: TrajectoryId) -> bool {
        let done = |line: &Line| matches!(&line.body, Body::Closed(end) if end.stop == Stop::Done);
        self.record_of(run).iter().any(done)
    }

    /// Revokes the writ in force there.
    async fn cut_off(&mut self, run: TrajectoryId) {
        let lines = self.record_of(run);
        let revoked = |line: &Line| matches!(line.body, Body::WritRevoked(_));
        let writ = lines.iter().rev().find_map(|line| match &line.body {
            Body::ModeChanged(mode) => Some(mode.to),
            _ => None,
        });
        let Some(writ) = writ.filter(|_| !lines.iter().any(revoked)) else {
            return;
        };
        let command = Command::Revoke {
            trajectory: run,
            writ,
            reason: "the branch is done".to_owned(),
        };
        self.accepted("not revoked", command).await;
    }

    /// What was made to fail has failed. Where it heals, people go on as if nothing had been; where it does
    /// not, they are told so, and nothing more is taken.
    pub(super) async fn after_mishap(&mut self) {
        let Some(mishap) = self.cast.mishap.filter(|_| self.is_failing()) else {
            return;
        };
        if mishap.heals() {
            self.store.inner.calm();
            self.well = true;
            self.model.rewind();
            self.go().await;
            return;
        }
        let Some(run) = self.end.run else { return };
        let before = self.store.inner.inner().len();
        let prompt = Command::Prompt {
            trajectory: run,
            text: "is anybody there?".to_owned(),
        };
        let replied = self.ask(prompt).await;
        if !matches!(replied, Replied::Fault(_)) {
            let fault = format!("it went on after {mishap}: {replied:?}");
            self.end.faults.push(fault);
        }
        self.wrong("stopped", &replied);
        self.rest().await;
        if self.store.inner.inner().len() != before {
            let fault = format!("something was written after {mishap}");
            self.end.faults.push(fault);
        }
    }
}
