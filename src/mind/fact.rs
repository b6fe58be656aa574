//! Events without what the map leaves out, so that it can be folded again and stays small.

use thymos_core::body::{Role, Stop};
use thymos_core::{EntryId, IntentId, Kind, ProposalId};
use thymos_protocol::{Event, What};

use super::node::State;
use crate::tell;

/// Letters of a line that are kept.
const LINE_CHARS_MAX: usize = 160;

/// One event, as far as the map tells it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    pub(super) seq: u64,
    pub(super) entry: EntryId,
    pub(super) did: Did,
}

/// The call that something is about, as far as its entry names it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct About {
    pub(super) intent: Option<IntentId>,
    pub(super) proposal: Option<ProposalId>,
    pub(super) tool: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Did {
    /// By a person, the agent above or the program.
    Asked { steers: bool, line: String },
    /// By the model.
    Answered { line: String },
    Wanted {
        about: About,
        turn: u32,
        line: String,
    },
    Judged {
        about: About,
        state: State,
        line: String,
    },
    Began {
        about: About,
        allowed: String,
        line: String,
    },
    Ended {
        about: About,
        state: State,
        line: String,
    },
    /// Another run was begun.
    Delegated { line: String },
    /// The run broke off.
    Broke { line: String },
    Used {
        model: String,
        tokens_in: u64,
        tokens_out: u64,
    },
}

/// What of an event stands on the map; none of what is about the run as a whole.
pub(super) fn of(event: &Event) -> Option<Fact> {
    let did = match &event.what {
        What::Said { .. } | What::Used { .. } | What::Closed { .. } => around(&event.what)?,
        What::Intended { .. }
        | What::Rejected { .. }
        | What::Suspended { .. }
        | What::Decided { .. }
        | What::Superseded { .. } => judged(&event.what)?,
        What::Started { .. }
        | What::Committed { .. }
        | What::Failed { .. }
        | What::Settled { .. } => acted(&event.what)?,
        What::Note { line } => noted(event, line)?,
        What::Opened { .. }
        | What::WritIssued { .. }
        | What::WritRevoked { .. }
        | What::ModeChanged { .. } => return None,
    };
    Some(Fact {
        seq: event.seq,
        entry: event.entry,
        did,
    })
}

fn around(what: &What) -> Option<Did> {
    Some(match what {
        What::Said {
            role: Role::Model | Role::Summary,
            text,
            reasoning,
            ..
        } => {
            let line = if text.is_empty() { reasoning } else { text };
            // A model that only calls says nothing.
            (!line.is_empty()).then(|| Did::Answered { line: first(line) })?
        }
        What::Said { role, text, .. } => Did::Asked {
            steers: *role == Role::Steer,
            line: first(text),
        },
        What::Used {
            provider,
            model,
            tokens_in,
            tokens_out,
            ..
        } => Did::Used {
            model: format!("{provider}/{model}"),
            tokens_in: *tokens_in,
            tokens_out: *tokens_out,
        },
        What::Closed { stop, .. } => match stop {
            Stop::Done | Stop::Held => return None,
            Stop::Steps
            | Stop::Budget(_)
            | Stop::Authority(_)
            | Stop::Cancelled
            | Stop::Model(_) => Did::Broke {
                line: first(&tell::stop_words(stop)),
            },
        },
        _ => return None,
    })
}

fn judged(what: &What) -> Option<Did> {
    Some(match what {
        What::Intended {
            intent,
            turn,
            tool,
            line,
            ..
        } => Did::Wanted {
            about: about(Some(*intent), None, tool),
            turn: *turn,
            line: first(&format!("{tool} {line}")),
        },
        What::Rejected {
            intent,
            proposal,
            tool,
            clause,
            reason,
            denied,
            ..
        } => Did::Judged {
            about: about(Some(*intent), Some(*proposal), tool),
            state: if *denied {
                State::Denied
            } else {
                State::Rejected
            },
            line: match denied {
                true => first(reason),
                false => first(&format!("{clause} {reason}")),
            },
        },
        What::Suspended { intent, card } => Did::Judged {
            about: about(Some(*intent), Some(card.proposal), &card.tool),
            state: State::Suspended,
            line: first(&card.reasons.join("; ")),
        },
        What::Decided {
            proposal,
            approved,
            by,
            reason,
            ..
        } => Did::Judged {
            about: about(None, Some(*proposal), ""),
            state: if *approved {
                State::Approved
            } else {
                State::Denied
            },
            line: match reason.is_empty() {
                true => first(&by.name),
                false => first(&format!("{}: {reason}", by.name)),
            },
        },
        What::Superseded {
            proposal, reason, ..
        } => Did::Judged {
            about: about(None, Some(*proposal), ""),
            state: State::Superseded,
            line: first(reason),
        },
        _ => return None,
    })
}

fn acted(what: &What) -> Option<Did> {
    Some(match what {
        What::Started {
            intent,
            proposal,
            tool,
            effect,
            rung,
            allowed_by,
            ..
        } => Did::Began {
            about: about(Some(*intent), Some(*proposal), tool),
            allowed: first(allowed_by),
            line: format!("effect {effect}, cage {rung}"),
        },
        What::Committed {
            intent,
            proposal,
            tool,
            ok,
            summary,
            cost,
            ..
        } => Did::Ended {
            about: about(Some(*intent), Some(*proposal), tool),
            state: if *ok { State::Done } else { State::Failed },
            line: first(&format!("{} ms, {summary}", cost.wall_clock_ms)),
        },
        What::Failed {
            intent,
            proposal,
            tool,
            fault,
            message,
            ..
        } => Did::Ended {
            about: about(Some(*intent), Some(*proposal), tool),
            state: State::Failed,
            line: first(&format!("{fault}: {message}")),
        },
        What::Settled { proposal, how, by } => Did::Ended {
            about: about(None, Some(*proposal), ""),
            state: State::Settled,
            line: first(&format!("{how}, by {by}")),
        },
        _ => return None,
    })
}

/// What is told in one line only: another run that is begun, and words that are gone.
fn noted(event: &Event, line: &str) -> Option<Did> {
    if event.is_erased() {
        let said = event.kind == Kind::Message.word();
        return said.then(|| Did::Asked {
            steers: false,
            line: "(erased)".to_owned(),
        });
    }
    let begun = event.kind == Kind::Delegation.word();
    let child = line.strip_prefix("delegated to ").filter(|_| begun)?;
    Some(Did::Delegated {
        line: first(&format!("t-{child}")),
    })
}

fn about(intent: Option<IntentId>, proposal: Option<ProposalId>, tool: &str) -> About {
    // What was told of a call that is not known names none.
    let intent = intent.filter(|id| *id != IntentId::from_bytes([0; 32]));
    About {
        intent,
        proposal,
        tool: tool.to_owned(),
    }
}

/// The first line that says something, as much of it as is kept.
fn first(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or_default()
        .trim()
        .chars()
        .take(LINE_CHARS_MAX)
        .collect()
}
