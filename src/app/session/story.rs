//! Events told as a story: what was said, one group per intent, and notices.
//!
//! Keeps every step in order and decides nothing; where a group stands is read off its steps.
//! Knows no width and no colour.

use std::collections::HashMap;

use thymos_core::body::{Role, Stop};
use thymos_core::budget::Cost;
use thymos_core::effect::EffectClass;
use thymos_core::isolation::Rung;
use thymos_core::trace::Clause;
use thymos_core::{EntryId, IntentId, ProposalId, Timestamp};
use thymos_protocol::{Card, DecidedBy, Event, FileChange, What};

use super::output::Output;

/// One thing in the conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Somebody said something.
    Said(Said),
    /// An intent and all that followed from it.
    Group(Group),
    /// A line of the program's own.
    Notice(Notice),
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its entry.
    pub seq: u64,
    /// By whom.
    pub role: Role,
    /// The words.
    pub text: String,
    /// Visible reasoning, may be empty.
    pub reasoning: String,
}

/// A line of the program's own, with more below it when there is more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its entry.
    pub seq: u64,
    /// The line.
    pub line: String,
    /// What stands below it.
    pub more: Vec<String>,
    /// Whether it should be seen.
    pub warn: bool,
}

/// An intent, its proposal, its decision and its commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its first entry: what it is known by on screen.
    pub seq: u64,
    /// The tool; empty when only an answer to it has been pulled so far.
    pub tool: String,
    /// The call in one line.
    pub line: String,
    /// The proposal, once there is one.
    pub proposal: Option<ProposalId>,
    intent: Option<IntentId>,
    /// What happened, in order.
    pub steps: Vec<Step>,
}

/// One entry of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its entry's place in the trajectory.
    pub seq: u64,
    /// Its entry.
    pub entry: EntryId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub did: Did,
}

/// What one entry of a group says.
#[derive(Clone, Debug, PartialEq)]
pub enum Did {
    /// It is wanted.
    Intended {
        /// True when a person wants it.
        by_operator: bool,
    },
    /// It was refused.
    Rejected {
        /// The clause.
        clause: Clause,
        /// Why.
        reason: String,
        /// The smallest grant that would have allowed it.
        suggestion: Option<String>,
        /// True when a person said no.
        denied: bool,
    },
    /// It waits for a person.
    Suspended(Box<Card>),
    /// A person or a timer answered.
    Decided {
        /// Yes or no.
        approved: bool,
        /// Who and how.
        by: DecidedBy,
        /// Why.
        reason: String,
    },
    /// Replaced or withdrawn.
    Superseded {
        /// Why.
        reason: String,
    },
    /// It began.
    Started {
        /// Its class.
        effect: EffectClass,
        /// The rung it runs on.
        rung: Rung,
        /// What allowed it.
        allowed_by: String,
    },
    /// It ended and was sealed.
    Committed {
        /// Whether the tool calls it a success.
        ok: bool,
        /// One line.
        summary: String,
        /// What the model read, cut for the screen.
        output: Output,
        /// Files that changed.
        changes: Vec<FileChange>,
        /// What it cost.
        cost: Cost,
    },
    /// It broke off.
    Failed {
        /// What kind, and why.
        message: String,
        /// Files that changed all the same.
        changes: Vec<FileChange>,
    },
    /// In-doubt work was settled.
    Settled {
        /// How and by whom.
        line: String,
    },
}

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Wanted, and not judged yet.
    Wanted,
    /// Waits for a person.
    Suspended,
    /// Approved, and not begun.
    Approved,
    /// Refused.
    Rejected,
    /// Refused by a person.
    Denied,
    /// Replaced or withdrawn.
    Superseded,
    /// Begun, and not sealed.
    Running,
    /// Sealed, and a success.
    Committed,
    /// Sealed, and no success.
    Failed,
    /// Begun before this opening, and settled by a person.
    Settled,
}

impl Group {
    /// Where it stands, from its last telling step.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.steps.last().map(|step| &step.did) {
            None | Some(Did::Intended { .. }) => Standing::Wanted,
            Some(Did::Rejected { denied: true, .. }) => Standing::Denied,
            Some(Did::Rejected { denied: false, .. }) => Standing::Rejected,
            Some(Did::Suspended(_)) => Standing::Suspended,
            Some(Did::Decided { approved: true, .. }) => Standing::Approved,
            Some(Did::Decided {
                approved: false, ..
            }) => Standing::Denied,
            Some(Did::Superseded { .. }) => Standing::Superseded,
            Some(Did::Started { .. }) => Standing::Running,
            Some(Did::Committed { ok: true, .. }) => Standing::Committed,
            Some(Did::Committed { ok: false, .. } | Did::Failed { .. }) => Standing::Failed,
            Some(Did::Settled { .. }) => Standing::Settled,
        }
    }

    /// The intent it follows from, once its entry has been pulled.
    #[must_use]
    pub fn intent(&self) -> Option<IntentId> {
        self.intent
    }

    /// The entry that began it, when it has begun.
    #[must_use]
    pub fn started_seq(&self) -> Option<u64> {
        let started = |step: &&Step| matches!(step.did, Did::Started { .. });
        self.steps.iter().find(started).map(|step| step.seq)
    }
}

impl Item {
    /// Its first entry: what it is known by on screen.
    #[must_use]
    pub fn seq(&self) -> u64 {
        match self {
            Self::Said(said) => said.seq,
            Self::Group(group) => group.seq,
            Self::Notice(notice) => notice.seq,
        }
    }

    /// Rises whenever the item changes: part of the key of a render memo.
    #[must_use]
    pub fn version(&self) -> usize {
        match self {
            Self::Said(_) | Self::Notice(_) => 0,
            Self::Group(group) => group.steps.len(),
        }
    }
}

/// The items in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    // INVARIANT: rising by `Item::seq`.
    items: Vec<Item>,
    by_intent: HashMap<IntentId, usize>,
    by_proposal: HashMap<ProposalId, usize>,
}

/// What a step is about: an answer knows the proposal only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct About {
    intent: Option<IntentId>,
    proposal: Option<ProposalId>,
}

impl Story {
    /// Every item, in order.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether nobody has said or wanted anything yet.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        // Notices of the opening come first, so this looks at a few items only.
        !self
            .items
            .iter()
            .any(|item| matches!(item, Item::Said(_) | Item::Group(_)))
    }

    /// The place of the item that is known by this entry.
    #[must_use]
    pub fn place(&self, seq: u64) -> Option<usize> {
        self.items.binary_search_by_key(&seq, Item::seq).ok()
    }

    /// The group of a proposal.
    #[must_use]
    pub fn group(&self, proposal: ProposalId) -> Option<&Group> {
        match self.items.get(*self.by_proposal.get(&proposal)?)? {
            Item::Group(group) => Some(group),
            Item::Said(_) | Item::Notice(_) => None,
        }
    }

    /// Takes the next event.
    pub fn absorb(&mut self, event: Event) {
        let Event {
            seq,
            at_ms,
            entry,
            what,
            ..
        } = event;
        match what {
            What::Said {
                role,
                text,
                reasoning,
                ..
            } => {
                self.items.push(Item::Said(Said {
                    seq,
                    role,
                    text,
                    reasoning,
                }));
            }
            other => match told(other) {
                Told::Step { about, call, did } => {
                    self.step(
                        about,
                        call,
                        Step {
                            seq,
                            entry,
                            at: at_ms,
                            did: *did,
                        },
                    );
                }
                Told::Notice { line, more, warn } => {
                    self.items.push(Item::Notice(Notice {
                        seq,
                        line,
                        more,
                        warn,
                    }));
                }
                Told::Nothing => {}
            },
        }
    }

    /// Puts older items before these; groups cut by the border are made whole.
    pub fn prepend(&mut self, mut older: Self) {
        for item in std::mem::take(&mut self.items) {
            match item {
                Item::Said(_) | Item::Notice(_) => older.items.push(item),
                Item::Group(group) => {
                    let about = About {
                        intent: group.intent,
                        proposal: group.proposal,
                    };
                    for step in group.steps {
                        older.step(about, Some((group.tool.clone(), group.line.clone())), step);
                    }
                }
            }
        }
        *self = older;
    }

    fn step(&mut self, about: About, call: Option<(String, String)>, step: Step) {
        let known = about
            .intent
            .and_then(|id| self.by_intent.get(&id))
            .or_else(|| about.proposal.and_then(|id| self.by_proposal.get(&id)))
            .copied();
        let place = known.unwrap_or(self.items.len());
        if known.is_none() {
            self.items.push(Item::Group(Group {
                seq: step.seq,
                tool: String::new(),
                line: String::new(),
                proposal: None,
                intent: None,
                steps: Vec::new(),
            }));
        }
        let Some(Item::Group(group)) = self.items.get_mut(place) else {
            return;
        };
        group.steps.push(step);
        group.intent = group.intent.or(about.intent);
        group.proposal = about.proposal.or(group.proposal);
        if let (Some((tool, line)), true) = (call, group.tool.is_empty()) {
            group.tool = tool;
            group.line = line;
        }
        if let Some(id) = about.intent {
            self.by_intent.insert(id, place);
        }
        if let Some(id) = about.proposal {
            self.by_proposal.insert(id, place);
        }
    }
}

enum Told {
    Step {
        about: About,
        call: Option<(String, String)>,
        did: Box<Did>,
    },
    Notice {
        line: String,
        more: Vec<String>,
        warn: bool,
    },
    Nothing,
}

fn told(what: What) -> Told {
    match what {
        What::Intended { .. } | What::Rejected { .. } | What::Suspended { .. } => judged(what),
        What::Started { .. } | What::Committed { .. } | What::Failed { .. } => acted(what),
        What::Decided { .. } | What::Superseded { .. } | What::Settled { .. } => answered(what),
        What::Said { .. } | What::Used { .. } => Told::Nothing,
        What::Opened {
            workspace,
            operator,
        } => notice(format!("trajectory opened in {workspace} by {operator}")),
        What::WritIssued { line, .. } => notice(format!("writ issued: {line}")),
        What::WritRevoked { id, reason } => Told::Notice {
            line: format!("writ {} revoked: {reason}", id.short()),
            more: Vec::new(),
            warn: true,
        },
        What::ModeChanged {
            mode, difference, ..
        } => Told::Notice {
            line: format!("mode is now {}", mode.word()),
            more: difference,
            warn: false,
        },
        What::Closed { stop, turns } => closed(&stop, turns),
        What::Note { line } => notice(line),
    }
}

fn notice(line: String) -> Told {
    Told::Notice {
        line,
        more: Vec::new(),
        warn: false,
    }
}

fn closed(stop: &Stop, turns: u32) -> Told {
    let (why, warn) = match stop {
        Stop::Done => ("done".to_owned(), false),
        Stop::Held => ("waits for your decision".to_owned(), false),
        Stop::Steps => ("stopped at the step limit".to_owned(), true),
        Stop::Budget(which) => (format!("stopped, the budget is spent: {which}"), true),
        Stop::Authority(why) => (
            format!("stopped, the writ no longer allows it: {why}"),
            true,
        ),
        Stop::Cancelled => ("stopped by you".to_owned(), true),
        Stop::Model(why) => (format!("stopped, the model could not be used: {why}"), true),
    };
    Told::Notice {
        line: format!("run {why} ({})", crate::tell::counted_turns(turns)),
        more: Vec::new(),
        warn,
    }
}

fn step(about: About, call: Option<(String, String)>, did: Did) -> Told {
    Told::Step {
        about,
        call,
        did: Box::new(did),
    }
}

fn judged(what: What) -> Told {
    match what {
        What::Intended {
            intent,
            tool,
            line,
            by_operator,
            ..
        } => step(
            About {
                intent: Some(intent),
                proposal: None,
            },
            Some((tool, line)),
            Did::Intended { by_operator },
        ),
        What::Rejected {
            intent,
            proposal,
            tool,
            line,
            clause,
            reason,
            suggestion,
            denied,
        } => step(
            About {
                intent: Some(intent),
                proposal: Some(proposal),
            },
            Some((tool, line)),
            Did::Rejected {
                clause,
                reason,
                suggestion,
                denied,
            },
        ),
        What::Suspended { intent, card } => step(
            About {
                intent: Some(intent),
                proposal: Some(card.proposal),
            },
            Some((card.tool.clone(), card.line.clone())),
            Did::Suspended(card),
        ),
        _ => Told::Nothing,
    }
}

fn acted(what: What) -> Told {
    match what {
        What::Started {
            intent,
            proposal,
            tool,
            line,
            effect,
            rung,
            allowed_by,
            ..
        } => step(
            About {
                intent: Some(intent),
                proposal: Some(proposal),
            },
            Some((tool, line)),
            Did::Started {
                effect,
                rung,
                allowed_by,
            },
        ),
        What::Committed {
            intent,
            proposal,
            tool,
            line,
            ok,
            summary,
            observation,
            changes,
            cost,
            ..
        } => step(
            About {
                intent: Some(intent),
                proposal: Some(proposal),
            },
            Some((tool, line)),
            Did::Committed {
                ok,
                summary,
                output: Output::of(&observation),
                changes,
                cost,
            },
        ),
        What::Failed {
            intent,
            proposal,
            tool,
            line,
            fault,
            message,
            changes,
            ..
        } => step(
            About {
                intent: Some(intent),
                proposal: Some(proposal),
            },
            Some((tool, line)),
            Did::Failed {
                message: format!("{fault}: {message}"),
                changes,
            },
        ),
        _ => Told::Nothing,
    }
}

fn answered(what: What) -> Told {
    let about = |proposal| About {
        intent: None,
        proposal: Some(proposal),
    };
    match what {
        What::Decided {
            proposal,
            approved,
            by,
            reason,
            ..
        } => step(
            about(proposal),
            None,
            Did::Decided {
                approved,
                by,
                reason,
            },
        ),
        What::Superseded {
            proposal, reason, ..
        } => step(about(proposal), None, Did::Superseded { reason }),
        What::Settled { proposal, how, by } => step(
            about(proposal),
            None,
            Did::Settled {
                line: format!("{how} (signed by {by})"),
            },
        ),
        _ => Told::Nothing,
    }
}
