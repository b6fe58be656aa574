//! One entry in a row: what it is, what it did, its effect, verdict, author and cost.
//!
//! Words only; knows no width and no colour.

use thymos_core::budget::Cost;
use thymos_core::effect::EffectClass;
use thymos_protocol::{Event, What};

use crate::panes::conversation::duration;
use crate::panes::queue::via;
use crate::ui::badge::Badge;

/// One entry in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) what: String,
    pub(crate) effect: Option<EffectClass>,
    pub(crate) verdict: Option<Badge>,
    pub(crate) by: String,
    pub(crate) cost: String,
}

/// Tells an entry.
pub(crate) fn told(event: &Event) -> Told {
    match &event.what {
        What::Intended { .. }
        | What::Rejected { .. }
        | What::Suspended { .. }
        | What::Decided { .. }
        | What::Superseded { .. } => judged(&event.what),
        What::Started { .. }
        | What::Committed { .. }
        | What::Failed { .. }
        | What::Settled { .. } => acted(&event.what),
        What::Opened { .. }
        | What::Said { .. }
        | What::Used { .. }
        | What::WritIssued { .. }
        | What::WritRevoked { .. }
        | What::ModeChanged { .. }
        | What::Closed { .. }
        | What::Note { .. } => around(&event.what),
    }
}

fn judged(what: &What) -> Told {
    match what {
        What::Intended {
            line, by_operator, ..
        } => Told {
            what: line.clone(),
            by: if *by_operator { "operator" } else { "model" }.into(),
            ..Told::default()
        },
        What::Rejected {
            line,
            clause,
            reason,
            denied,
            ..
        } => Told {
            what: format!("{line}  ({reason})"),
            verdict: Some(if *denied {
                Badge::Denied
            } else {
                Badge::Rejected
            }),
            by: format!("{clause} {}", clause.title()),
            ..Told::default()
        },
        What::Suspended { card, .. } => Told {
            what: card.line.clone(),
            effect: Some(card.effect),
            verdict: Some(Badge::Suspended),
            by: card.reasons.first().cloned().unwrap_or_default(),
            ..Told::default()
        },
        What::Decided {
            proposal,
            approved,
            by,
            reason,
            ..
        } => Told {
            what: format!("proposal {} {reason}", proposal.short())
                .trim_end()
                .to_owned(),
            verdict: Some(if *approved {
                Badge::Approved
            } else {
                Badge::Denied
            }),
            by: format!("{}/{}", by.name, via(by.via)),
            ..Told::default()
        },
        What::Superseded {
            proposal, reason, ..
        } => Told {
            what: format!("proposal {} superseded: {reason}", proposal.short()),
            ..Told::default()
        },
        _ => Told::default(),
    }
}

fn acted(what: &What) -> Told {
    match what {
        What::Started {
            line,
            effect,
            allowed_by,
            ..
        } => Told {
            what: line.clone(),
            effect: Some(*effect),
            verdict: Some(Badge::Staged),
            by: allowed_by.clone(),
            ..Told::default()
        },
        What::Committed {
            line,
            ok,
            summary,
            cost,
            ..
        } => Told {
            what: format!("{line}  ({summary})"),
            verdict: Some(if *ok { Badge::Committed } else { Badge::Failed }),
            cost: spent(cost),
            ..Told::default()
        },
        What::Failed {
            line,
            message,
            cost,
            ..
        } => Told {
            what: format!("{line}  ({message})"),
            verdict: Some(Badge::Failed),
            cost: spent(cost),
            ..Told::default()
        },
        What::Settled { proposal, how, by } => Told {
            what: format!("proposal {} settled: {how}", proposal.short()),
            by: by.clone(),
            ..Told::default()
        },
        _ => Told::default(),
    }
}

fn around(what: &What) -> Told {
    let (what, by) = match what {
        What::Opened {
            workspace,
            operator,
        } => (format!("opened in {workspace}"), operator.clone()),
        What::Said { role, text, .. } => {
            let first = text.lines().next().unwrap_or_default();
            (format!("\"{first}\""), format!("{role:?}").to_lowercase())
        }
        What::Used {
            provider,
            model,
            tokens_in,
            tokens_out,
            usd_millicents,
            wall_clock_ms,
        } => {
            return Told {
                what: format!("{provider}/{model}, {tokens_in} tokens in, {tokens_out} out"),
                cost: usd_millicents.map_or_else(|| duration(*wall_clock_ms), dollars),
                ..Told::default()
            };
        }
        What::WritIssued { line, .. } => (line.clone(), String::new()),
        What::WritRevoked { id, reason } => (
            format!("writ {} revoked: {reason}", id.short()),
            String::new(),
        ),
        What::ModeChanged { mode, writ, .. } => (
            format!("mode {} under writ {}", mode.word(), writ.short()),
            String::new(),
        ),
        What::Closed { stop, turns } => (
            format!(
                "run ended: {}, {}",
                crate::tell::stop_words(stop),
                crate::tell::counted_turns(*turns)
            ),
            String::new(),
        ),
        What::Note { line } => (line.clone(), String::new()),
        _ => (String::new(), String::new()),
    };
    Told {
        what,
        by,
        ..Told::default()
    }
}

fn spent(cost: &Cost) -> String {
    if cost.usd_millicents > 0 {
        dollars(cost.usd_millicents)
    } else {
        duration(cost.wall_clock_ms)
    }
}

fn dollars(millicents: u64) -> String {
    format!("${}.{:03}", millicents / 100_000, millicents / 100 % 1_000)
}
