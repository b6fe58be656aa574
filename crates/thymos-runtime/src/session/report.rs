//! What a session tells of itself: pages of events, status, summary. Changes nothing.

use thymos_compiler::agreed;
use thymos_core::TrajectoryId;
use thymos_core::body::Stop;
use thymos_core::budget::Dimension;
use thymos_core::effect::Effects;
use thymos_core::id::{ProposalId, WritId};
use thymos_core::key::PublicKey;
use thymos_core::writ::{Mode, TrustRoots};
use thymos_ports::store::StoreError;
use thymos_protocol::{
    BudgetBar, Command, Event, HoldRow, Page, Replied, RunParent, RunRow, Running, Status,
    WritSummary,
};
use thymos_replay::Projection;
use thymos_replay::projection::Hold;

use super::timer::asks;
use super::{Activity, Session};
use crate::account::root_of;
use crate::detail::detail;
use crate::memory::{Whose, shared_by};
use crate::narrate::{card, narrate};
use crate::service::{HELD, Keys, Summary, Waits};

/// Events of one page at most; the app asks again.
const PAGE_EVENTS_MAX: usize = 256;

impl Session {
    /// Answers what only looks; none for everything else.
    pub(super) fn look_up(&self, command: &Command) -> Option<Replied> {
        match command {
            Command::Open { .. } | Command::New { .. } => {
                Some(Replied::Opened(Box::new(self.status())))
            }
            Command::Page {
                from_seq, limit, ..
            } => Some(self.page(*from_seq, *limit)),
            Command::Rows { places, .. } => Some(self.rows(places)),
            Command::Inspect { entry } => Some(self.inspect(entry)),
            Command::PreviewMode { mode, .. } => {
                Some(Replied::ModePreview(self.preview_mode(*mode)))
            }
            _ => None,
        }
    }

    fn page(&self, from_seq: u64, limit: usize) -> Replied {
        match self.told(from_seq, limit.min(PAGE_EVENTS_MAX)) {
            Ok(events) => Replied::Page(Page {
                events,
                status: Some(Box::new(self.status())),
            }),
            Err(error) => Replied::Fault(thymos_protocol::Fault {
                message: error.to_string(),
                hint: Some("run `thymos verify` to see what is wrong".into()),
            }),
        }
    }

    /// So many entries from one on, told; fewer where the record ends. Never beyond what is folded: an event
    /// must not be ahead of its status.
    fn told(&self, from_seq: u64, count: usize) -> Result<Vec<Event>, StoreError> {
        let store = &self.k.parts.store;
        let mut events = Vec::new();
        let mut next = from_seq;
        while events.len() < count && next < self.p.len {
            let entries = store.page(&self.p.trajectory, next, count - events.len())?;
            let known = entries
                .iter()
                .take_while(|entry| entry.header.seq < self.p.len);
            events.extend(known.map(|entry| narrate(entry, &self.narrator)));
            // What is folded is there, so there is always another one.
            let Some(last) = entries.last() else { break };
            next = last.header.seq.saturating_add(1);
        }
        Ok(events)
    }

    /// Single entries; those that lie side by side are read together.
    fn rows(&self, seqs: &[u64]) -> Replied {
        let seqs = seqs.get(..PAGE_EVENTS_MAX).unwrap_or(seqs);
        let mut events = Vec::with_capacity(seqs.len());
        for run in seqs.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
            let first = run.first().copied().unwrap_or_default();
            match self.told(first, run.len()) {
                Ok(told) => events.extend(told),
                Err(error) => {
                    return super::answer::fault(error.to_string(), "run `thymos verify`");
                }
            }
        }
        Replied::Page(Page {
            events,
            status: None,
        })
    }

    fn inspect(&self, id: &thymos_core::EntryId) -> Replied {
        match self.k.parts.store.entry(id) {
            Ok(Some(entry)) => {
                let event = narrate(&entry, &self.narrator);
                Replied::Detail(Box::new(detail(&entry, event, &self.p)))
            }
            Ok(None) => super::answer::fault("there is no such entry", "look at the ledger"),
            Err(error) => super::answer::fault(error.to_string(), "run `thymos verify`"),
        }
    }

    pub(super) fn status(&self) -> Status {
        let identity = self.model_identity();
        Status {
            trajectory: self.p.trajectory,
            workspace: self
                .p
                .root
                .as_ref()
                .map_or_else(String::new, |r| r.workspace.clone()),
            head_seq: self.p.len.saturating_sub(1),
            mode: self.p.authority.map_or(Mode::Plan, |(mode, _)| mode),
            writ: self.writ_summary(),
            model: format!("{}/{}", identity.provider, identity.model),
            context: identity
                .context_tokens
                .map(|max| (self.p.last_context_tokens, max)),
            running: self.running(),
            pending: self
                .shared
                .pending(&self.k, &self.p.trajectory, self.p.holds.len()),
            in_doubt: self.unsettled(),
            in_doubt_elsewhere: self.shared.in_doubt_beside(&self.p.trajectory),
            chain: self.shared.chain_state(),
            unstored: self.broken.is_some(),
            outside: self.shared.outside(&self.k),
            rung: self.k.parts.rung,
        }
    }

    /// Work that a person may have to settle: a delegated run that was found again is at work.
    fn unsettled(&self) -> u64 {
        let alone = |id: &&ProposalId| !self.delegated.contains_key(id);
        self.in_doubt.iter().filter(alone).count() as u64
    }

    fn running(&self) -> Option<Running> {
        let doing = match &self.activity {
            Activity::Idle if self.delegated.is_empty() => return None,
            Activity::Idle => match self.delegated.len() {
                1 => "waiting for a delegated run".to_owned(),
                many => format!("waiting for {many} delegated runs"),
            },
            _ if self.run.as_ref().is_some_and(|run| run.stop_asked) => "stopping".to_owned(),
            Activity::Thinking { .. } => "thinking".to_owned(),
            Activity::SummingUp { .. } => "summing up".to_owned(),
            Activity::Acting { doing, .. } => doing.clone(),
        };
        let since = self
            .run
            .as_ref()
            .map_or_else(|| self.k.now(), |run| run.since);
        Some(Running {
            since,
            doing,
            waits: matches!(self.activity, Activity::Idle),
        })
    }

    fn writ_summary(&self) -> WritSummary {
        let Some((_, id)) = self.p.authority else {
            return no_writ();
        };
        let Some(writ) = self.writ_in_force() else {
            return no_writ();
        };
        let above = self.lineage.revoked();
        let cut = |link: &WritId| self.p.revoked.contains(link) || above.contains(link);
        let spent = self.p.spent.get(&id).copied().unwrap_or_default();
        let bar = |dimension: Dimension| BudgetBar {
            dimension,
            spent: spent.amount(dimension),
            limit: writ.budget.limit(dimension),
        };
        WritSummary {
            id,
            name: writ.name.clone(),
            effects: writ.effects.to_string(),
            expires_at: writ.window.expires_at,
            revoked: self
                .p
                .chain(&id)
                .iter()
                .any(|link| link.id().is_ok_and(|id| cut(&id))),
            budget: Dimension::ALL.into_iter().map(bar).collect(),
        }
    }

    /// Tells the desk how things stand here, and rings when that is new. Only then: whoever hears
    /// the bell asks, and every question ends here, so a ring for nothing would go round for ever.
    pub(super) fn publish(&mut self) {
        let running = !matches!(self.activity, Activity::Idle)
            || !self.queue.is_empty()
            || !self.delegated.is_empty();
        let at_rest = self.lease.is_some() && !running;
        let mut summary = summary(&self.p, at_rest, &self.k.parts.roots);
        if running {
            // After a step nothing else can be done here than what is at work, or is delegated.
            let waits = matches!(self.activity, Activity::Idle) && !self.delegated.is_empty();
            summary.row.state = if waits { "waiting" } else { "running" }.into();
            summary.row.agents = self.delegated.len() as u64;
            summary.at_rest = false;
            // [X2] A delegated run at work hides no other work without an end.
            summary.row.in_doubt = self.unsettled();
        }
        self.shared.publish(self.p.trajectory, summary);
        let status = self.status();
        if self.told.as_ref() != Some(&status) {
            self.told = Some(status);
            self.shared.ring(|_| {});
        }
    }
}

fn no_writ() -> WritSummary {
    WritSummary {
        id: WritId::from_bytes([0; 32]),
        name: "none".into(),
        effects: Effects::Only(std::collections::BTreeSet::new()).to_string(),
        expires_at: None,
        revoked: false,
        budget: Vec::new(),
    }
}

/// A trajectory in one row, with its open holds. `at_rest`: nobody is working on open work. `[L3]` Where words
/// that are to go may be in it, it belongs to no entry: it is kept nowhere, and looked up again.
pub(crate) fn summary(p: &Projection, at_rest: bool, roots: &TrustRoots) -> Summary {
    let workspace = p
        .root
        .as_ref()
        .map_or_else(String::new, |root| root.workspace.clone());
    let waits = |hold: &Hold| Waits {
        row: hold_row((p.trajectory, &workspace), hold, roots),
        answered: !asks(hold, roots),
        under: signed_by(p, &hold.body.decided.proposal.writs),
    };
    let holds: Vec<Waits> = p.holds.values().map(waits).collect();
    // A run that was delegated goes on, or is found again: its order is not in doubt for having no end.
    let is_order = |proposal: &ProposalId| p.children.values().any(|one| one.proposal == *proposal);
    let open = p.open_work.keys().filter(|one| !is_order(one)).count();
    let in_doubt = if at_rest { open as u64 } else { 0 };
    let account = root_of(p).map(|writ| format!("shares of writ `{}`", writ.writ.name));
    let state = match &p.stopped {
        _ if p.is_over() => RunRow::ERASED.to_owned(),
        _ if in_doubt > 0 => "in doubt".to_owned(),
        _ if !holds.is_empty() => HELD.to_owned(),
        _ if open > 0 => "running".to_owned(),
        _ if at_rest && p.open_work.len() > open => "waiting".to_owned(),
        Some(stop) => stop_words(stop),
        None if account.is_some() => "account".to_owned(),
        None if !p.story.is_empty() => "can go on".to_owned(),
        None => "idle".to_owned(),
    };
    let stale = p.erasure.standing;
    Summary {
        len: p.len.saturating_sub(u64::from(stale)),
        head: p.head.filter(|_| !stale),
        at_rest: holds.is_empty() && p.open_work.is_empty(),
        row: RunRow {
            trajectory: p.trajectory,
            title: account.unwrap_or_else(|| title(p)),
            workspace,
            head_seq: p.len.saturating_sub(1),
            at_ms: p.head_at,
            state,
            agents: 0,
            pending: holds.len() as u64,
            in_doubt,
            parent: run_parent(p),
            spent: p.cost(),
        },
        holds,
        revoked: p.revoked.clone(),
        whose: Whose::of(p),
        notes: shared_by(p),
        keys: Keys {
            once: p.once.clone(),
            open: p.open_work.values().map(|work| work.body.key).collect(),
        },
    }
}

/// The links of a chain, each with the key that signed it.
fn signed_by(p: &Projection, chain: &[WritId]) -> Vec<(WritId, PublicKey)> {
    let signer = |id: &WritId| Some((*id, p.writs.get(id)?.writ.issuer.key));
    chain.iter().filter_map(signer).collect()
}

/// A run whose first words are gone still has a name to be chosen by.
fn title(p: &Projection) -> String {
    match p.title() {
        none if none.is_empty() && p.is_over() => "(erased)".to_owned(),
        title => title,
    }
}

fn hold_row(
    (trajectory, workspace): (TrajectoryId, &str),
    hold: &Hold,
    roots: &TrustRoots,
) -> HoldRow {
    HoldRow {
        trajectory,
        seq: hold.seq,
        workspace: workspace.to_owned(),
        card: card(hold.at, &hold.body),
        approvals: agreed(&hold.body.terms, &hold.answers, roots),
        approved_by: hold
            .answers
            .iter()
            .map(|(_, signed)| signed.answer.by.name.clone())
            .collect(),
        lineage: Vec::new(),
    }
}

fn run_parent(p: &Projection) -> Option<RunParent> {
    let branched = p.branch.is_some();
    let above = match &p.branch {
        Some(branch) => branch.from,
        None => p.root.as_ref()?.parent.as_ref()?.trajectory,
    };
    Some(RunParent {
        trajectory: above,
        branched,
    })
}

fn stop_words(stop: &Stop) -> String {
    match stop {
        Stop::Done => "done".into(),
        // No hold is open any more: the run waits for nothing but a word to go on.
        Stop::Held => "can go on".into(),
        Stop::Steps => "stopped: step limit".into(),
        Stop::Budget(dimension) => format!("stopped: {dimension} spent"),
        Stop::Authority(why) => format!("stopped: {why}"),
        Stop::Cancelled => "cancelled".into(),
        Stop::Model(_) => "stopped: model".into(),
    }
}
