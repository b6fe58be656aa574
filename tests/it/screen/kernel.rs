//! A scripted kernel: holds entries told by hand and answers what the app asks.
//!
//! Decides nothing; a test says what happens and reads what was asked.

use thymos_core::approval::Via;
use thymos_core::body::Role;
use thymos_core::budget::{Cost, Dimension};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::id::PresentedDigest;
use thymos_core::isolation::Rung;
use thymos_core::presentation::{Field, Label, Presentation};
use thymos_core::trace::Clause;
use thymos_core::verdict::Ceremony;
use thymos_core::writ::Mode;
use thymos_core::{EntryId, IntentId, ProposalId, Timestamp, TrajectoryId, WritId};
use thymos_protocol::{
    BudgetBar, Card, ChainState, Command, DecidedBy, Event, FileChange, Heads, HoldRow,
    ModePreview, Page, Policies, Replied, Reply, Request, RunRow, Running, Status, UndoPlan, What,
    WritRow, WritSummary,
};

use super::governed;

/// 2026-11-22 14:00:00 UTC: when every test begins.
pub(crate) const NOON: Timestamp = Timestamp(1_795_356_000_000);

/// What stands on the other side of the Link.
pub(crate) struct Kernel {
    pub(crate) events: Vec<Event>,
    pub(crate) status: Status,
    pub(crate) holds: Vec<HoldRow>,
    pub(crate) writs: Vec<WritRow>,
    pub(crate) policies: Policies,
    pub(crate) runs: Vec<RunRow>,
    pub(crate) plan: UndoPlan,
    /// What was said in other runs, newest first.
    pub(crate) past: Vec<String>,
    /// Everything asked, in order.
    pub(crate) asked: Vec<Command>,
    /// Replies to give instead of the usual ones, next first.
    pub(crate) instead: Vec<Replied>,
    epoch: u64,
}

pub(crate) fn trajectory() -> TrajectoryId {
    TrajectoryId::of(b"trajectory")
}

pub(crate) fn intent(name: &str) -> IntentId {
    IntentId::of(name.as_bytes())
}

pub(crate) fn proposal(name: &str) -> ProposalId {
    ProposalId::of(name.as_bytes())
}

impl Kernel {
    pub(crate) fn new() -> Self {
        let mut kernel = Self {
            events: Vec::new(),
            status: status(),
            holds: Vec::new(),
            writs: governed::writs(),
            policies: governed::policies(),
            runs: governed::runs(),
            plan: governed::plan(true),
            past: Vec::new(),
            asked: Vec::new(),
            instead: Vec::new(),
            epoch: 0,
        };
        kernel.append(What::Opened {
            workspace: "/srv/acme/api".into(),
            operator: "ada".into(),
        });
        kernel.append(What::WritIssued {
            id: WritId::of(b"edit"),
            line: "edit: read and write in the workspace".into(),
        });
        kernel
    }

    /// Adds one entry.
    pub(crate) fn append(&mut self, what: What) {
        let seq = self.events.len() as u64;
        self.events.push(Event {
            trajectory: trajectory(),
            seq,
            index: seq,
            at_ms: NOON,
            entry: EntryId::of(&seq.to_be_bytes()),
            kind: "note".into(),
            what,
        });
        self.status.head_seq = seq;
    }

    pub(crate) fn running(&mut self, doing: Option<&str>) {
        self.epoch += 1;
        self.status.running = doing.map(|doing| Running {
            since: NOON,
            doing: doing.to_owned(),
            waits: false,
        });
    }

    pub(crate) fn heads(&self) -> Heads {
        Heads {
            log_len: self.events.len() as u64,
            lens: [(trajectory(), self.events.len() as u64)].into(),
            epoch: self.epoch,
        }
    }

    /// What this kernel answers.
    pub(crate) fn answer(&mut self, request: Request) -> Reply {
        let Request { ticket, command } = request;
        self.asked.push(command.clone());
        let quiet = matches!(
            command,
            Command::Page { .. }
                | Command::Cancel { .. }
                | Command::Holds
                | Command::Open { .. }
                | Command::Writs { .. }
                | Command::Policies
                | Command::Runs
        );
        let instead = if quiet { None } else { self.instead.pop() };
        let replied = instead.unwrap_or_else(|| self.usual(command));
        Reply { ticket, replied }
    }

    fn usual(&mut self, command: Command) -> Replied {
        match command {
            Command::Open { .. } | Command::New { .. } => {
                Replied::Opened(Box::new(self.status.clone()))
            }
            Command::Page {
                from_seq, limit, ..
            } => Replied::Page(Page {
                events: self
                    .events
                    .iter()
                    .skip(usize::try_from(from_seq).unwrap())
                    .take(limit.min(256))
                    .cloned()
                    .collect(),
                status: Some(Box::new(self.status.clone())),
            }),
            Command::Holds => Replied::Holds(self.holds.clone()),
            Command::PreviewMode { mode, .. } => Replied::ModePreview(ModePreview {
                mode,
                difference: vec!["- effects write".into(), "- tool fs_patch".into()],
            }),
            Command::SetMode { mode, .. } => {
                self.status.mode = mode;
                self.append(What::ModeChanged {
                    mode,
                    writ: WritId::of(mode.word().as_bytes()),
                    difference: vec!["- effects write".into()],
                });
                Replied::Accepted
            }
            Command::Prompt { text, .. } => {
                self.append(said(Role::Operator, &text));
                Replied::Accepted
            }
            other => super::record::look(self, &other)
                .or_else(|| governed::look(self, &other))
                .unwrap_or(Replied::Accepted),
        }
    }

    /// Holds a call: its entry, its row in the queue, the count in the status.
    pub(crate) fn hold(&mut self, name: &str, tool: &str, line: &str) {
        let card = card(name, tool, line);
        self.append(What::Suspended {
            intent: intent(name),
            card: Box::new(card.clone()),
        });
        self.holds.push(HoldRow {
            trajectory: trajectory(),
            seq: self.status.head_seq,
            workspace: "/srv/acme/api".into(),
            card,
            approvals: 0,
            approved_by: Vec::new(),
            lineage: Vec::new(),
        });
        self.status.pending = self.holds.len() as u64;
    }
}

fn status() -> Status {
    let bar = |dimension, spent, limit| BudgetBar {
        dimension,
        spent,
        limit,
    };
    Status {
        trajectory: trajectory(),
        workspace: "/srv/acme/api".into(),
        head_seq: 0,
        mode: Mode::Edit,
        writ: WritSummary {
            id: WritId::of(b"edit"),
            name: "edit".into(),
            effects: "up to write".into(),
            expires_at: None,
            revoked: false,
            budget: vec![
                bar(Dimension::Tokens, 1_200, Some(100_000)),
                bar(Dimension::UsdMillicents, 82_000, Some(200_000)),
            ],
        },
        model: "practice".into(),
        context: Some((38, 100)),
        running: None,
        pending: 0,
        in_doubt: 0,
        in_doubt_elsewhere: 0,
        chain: ChainState::VerifiedTo {
            index: 2,
            len: 2,
            before: None,
        },
        unstored: false,
        outside: None,
        rung: Rung::L3,
    }
}

pub(crate) fn said(role: Role, text: &str) -> What {
    What::Said {
        role,
        text: text.into(),
        reasoning: String::new(),
        turn: 1,
    }
}

pub(crate) fn intended(name: &str, tool: &str, line: &str) -> What {
    What::Intended {
        intent: intent(name),
        turn: 1,
        tool: tool.into(),
        line: line.into(),
        by_operator: false,
    }
}

pub(crate) fn started(name: &str, tool: &str, line: &str) -> What {
    What::Started {
        intent: intent(name),
        proposal: proposal(name),
        tool: tool.into(),
        line: line.into(),
        effect: EffectClass::Read,
        risk: Risk::Low,
        rung: Rung::L3,
        allowed_by: "rule builtin/read".into(),
    }
}

pub(crate) fn committed(name: &str, tool: &str, line: &str, observation: &str) -> What {
    What::Committed {
        intent: intent(name),
        proposal: proposal(name),
        tool: tool.into(),
        line: line.into(),
        ok: true,
        summary: "read 11.2 kB".into(),
        observation: observation.into(),
        changes: vec![FileChange {
            path: "src/client.rs".into(),
            change: "changed".into(),
            size_before: Some(10),
            size_after: Some(20),
        }],
        cost: Cost {
            wall_clock_ms: 2,
            ..Cost::default()
        },
        rung: Some(Rung::L3),
        truncated: false,
        unseen: None,
    }
}

pub(crate) fn rejected(name: &str, tool: &str, line: &str) -> What {
    What::Rejected {
        intent: intent(name),
        proposal: proposal(name),
        tool: tool.into(),
        line: line.into(),
        clause: Clause::C8,
        reason: "tool `net_get` is outside this writ".into(),
        suggestion: Some("a grant for `net_get` of host 10.0.0.8".into()),
        denied: false,
    }
}

pub(crate) fn decided(name: &str, approved: bool, reason: &str) -> What {
    What::Decided {
        proposal: proposal(name),
        approved,
        by: DecidedBy {
            name: "ada".into(),
            via: Via::Tui,
            fully_viewed: true,
        },
        reason: reason.into(),
        presented: PresentedDigest::of(name.as_bytes()),
    }
}

/// A card that asks before a write.
pub(crate) fn card(name: &str, tool: &str, line: &str) -> Card {
    let presentation = Presentation {
        fields: vec![Field {
            label: Label::What,
            lines: vec![line.into()],
        }],
    };
    Card {
        proposal: proposal(name),
        presented: presentation.digest().unwrap(),
        tool: tool.into(),
        line: line.into(),
        effect: EffectClass::Write,
        risk: Risk::Medium,
        reversible: true,
        reasons: vec!["builtin/write-review: writes need a human".into()],
        presentation,
        ceremony: Ceremony {
            arming_ms: 400,
            view_gate: true,
            type_back: false,
            batch: false,
        },
        quorum: 1,
        diffstat: Some((31, 4)),
        held_at: NOON,
        expires_at: None,
    }
}
