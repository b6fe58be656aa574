//! A story that was told: its record, and what was seen beside it.

use thymos_core::body::{Body, BodyState};
use thymos_core::budget::Cost;
use thymos_core::id::ProposalId;
use thymos_core::{Entry, Timestamp, TrajectoryId, WritId};

use super::tools::Ran;

/// One entry, decoded.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) index: u64,
    pub(crate) trajectory: TrajectoryId,
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) id: thymos_core::EntryId,
    pub(crate) body: Body,
}

/// What a live session said of itself while nothing went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) trajectory: TrajectoryId,
    /// Entries of the log at that moment.
    pub(crate) log_len: u64,
    /// When it had told everything.
    pub(crate) at: Timestamp,
    pub(crate) spent: Vec<(WritId, Cost)>,
    pub(crate) holds: Vec<ProposalId>,
    pub(crate) world: String,
}

/// The end of a story, told by a process that found everything at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) trajectory: TrajectoryId,
    pub(crate) in_doubt: u64,
}

/// Everything that rules look at.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) entries: Vec<Entry>,
    pub(crate) lines: Vec<Line>,
    pub(crate) runs: Vec<Ran>,
    /// Tools that happen once for a key.
    pub(crate) once: &'static [&'static str],
    pub(crate) secrets: Vec<String>,
    pub(crate) blobs: Vec<Vec<u8>>,
    /// The signed checkpoints that the store kept, by size.
    pub(crate) checkpoints: Vec<(u64, String)>,
    pub(crate) views: Vec<View>,
    pub(crate) rest: Vec<Rest>,
    /// Answers that do not count, and counted.
    pub(crate) wrong: Vec<String>,
    /// Findings of the kernel's own verification.
    pub(crate) findings: Vec<String>,
    pub(crate) steps: Vec<String>,
}

pub(crate) fn lines(entries: &[Entry]) -> Vec<Line> {
    let line = |entry: &Entry| match entry.decode() {
        BodyState::Known(body) => Line {
            index: entry.header.index,
            trajectory: entry.header.trajectory,
            seq: entry.header.seq,
            at: entry.header.at_ms,
            id: entry.id,
            body,
        },
        other => panic!("an entry that nobody can read: {other:?}"),
    };
    entries.iter().map(line).collect()
}

impl Told {
    /// Every byte of the record, in order.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in &self.entries {
            all.extend_from_slice(&entry.header_bytes);
            if let Some(content) = &entry.content {
                all.extend_from_slice(content.salt.as_bytes());
                all.extend_from_slice(&content.body);
            }
        }
        all
    }
}

impl Line {
    /// One line for a person.
    pub(crate) fn told(&self) -> String {
        let what = match &self.body {
            Body::Message(body) => format!("{:?}: {}", body.role, cut(&body.text)),
            Body::Intent(body) => {
                let args = super::draw::brief(&body.intent.args);
                format!("{:?} {} {args}", body.intent.author, body.intent.tool)
            }
            Body::Rejection(body) => format!(
                "{} [{}] {}",
                body.decided.proposal.intent.tool,
                body.refusal.clause,
                cut(&body.refusal.reason)
            ),
            Body::PendingApproval(body) => {
                let reasons = body.terms.asks.iter().map(|ask| cut(&ask.reason));
                let reasons: Vec<String> = reasons.collect();
                format!(
                    "{}: {}",
                    body.decided.proposal.intent.tool,
                    reasons.join("; ")
                )
            }
            Body::Approval(body) => {
                let answer = &body.signed.answer;
                format!(
                    "{:?} by {} {}",
                    answer.decision,
                    answer.by.name,
                    answer.proposal.short()
                )
            }
            Body::Started(body) => {
                let tool = &body.decided.proposal.intent.tool;
                format!("{tool} {}", body.proposal.short())
            }
            Body::Commit(body) => format!("{} {}", body.proposal.short(), body.outcome.summary),
            Body::Failure(body) => format!(
                "{} {} {}",
                body.proposal.short(),
                body.fault.kind,
                cut(&body.fault.message)
            ),
            Body::Reconciled(body) => format!(
                "{} {:?} {}",
                body.proposal.short(),
                body.resolution,
                cut(&body.reason)
            ),
            Body::WritIssued(body) => format!("{} {}", body.id.short(), body.reason),
            Body::WritRevoked(body) => format!("{} {}", body.writ.short(), cut(&body.reason)),
            Body::ModeChanged(body) => format!("{} {}", body.mode, body.to.short()),
            Body::PolicyLoaded(body) => format!("{} {}", body.name, body.version),
            Body::PolicyUnloaded(body) => body.name.clone(),
            Body::Delegation(body) => format!("{} {}", body.child.short(), cut(&body.task)),
            Body::DelegationResult(body) => format!("{} {}", body.child.short(), body.stop),
            Body::Superseded(body) => format!("{} {}", body.proposal.short(), body.reason),
            Body::Closed(body) => format!("{:?}", body.stop),
            Body::Branch(body) => format!("of {} at {}", body.from.short(), body.seq),
            Body::Usage(body) => format!("{} tokens", body.tokens_in + body.tokens_out),
            Body::Root(_) | Body::ToolsPinned(_) | Body::SkillBound(_) | Body::Erased(_) => {
                String::new()
            }
        };
        format!(
            "    {:>4} {} {:>3} {} {what}",
            self.index,
            self.trajectory.short(),
            self.seq,
            self.body.kind().word()
        )
    }
}

fn cut(text: &str) -> String {
    text.chars().take(70).collect()
}
