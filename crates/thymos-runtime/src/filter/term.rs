//! One condition of a filter and what it reads of an event. What an event does not tell, no
//! condition on it holds for.

use regex::Regex;
use thymos_core::Timestamp;
use thymos_core::approval::Via;
use thymos_core::body::{Role, Stop};
use thymos_core::effect::EffectClass;
use thymos_core::entry::EntryHeader;
use thymos_protocol::{Event, FileChange, What};

use super::pattern::{Glob, Range};

/// Classes by rank: a range over their places.
pub(super) const EFFECTS: [EffectClass; 5] = EffectClass::ALL;

/// Words that `verdict:` takes.
pub(super) const VERDICTS: &[&str] = &[
    "staged",
    "held",
    "approved",
    "denied",
    "rejected",
    "committed",
    "failed",
    "settled",
    "superseded",
];

/// One condition.
#[derive(Debug, Clone)]
pub(super) enum Term {
    Kind(Glob),
    Tool(Glob),
    Effect(Range),
    Verdict(&'static str),
    By(Glob),
    Run(String),
    Path(Glob),
    Rule(Glob),
    Writ(String),
    Since(Timestamp),
    Until(Timestamp),
    Seq(Range),
    Money(Range),
    Took(Range),
    Text(Regex),
}

impl Term {
    pub(super) fn holds(&self, event: &Event) -> bool {
        let what = &event.what;
        match self {
            Self::Kind(glob) => glob.matches(&event.kind),
            Self::Tool(glob) => tool(what).is_some_and(|tool| glob.matches(tool)),
            Self::Effect(range) => effect(what).is_some_and(|class| {
                let rank = EFFECTS.iter().position(|known| *known == class);
                rank.and_then(|rank| u64::try_from(rank).ok())
                    .is_some_and(|rank| range.contains(rank))
            }),
            Self::Verdict(word) => verdicts(what).contains(word),
            Self::By(glob) => authors(what).iter().any(|name| glob.matches(name)),
            Self::Run(prefix) => event.trajectory.to_string().starts_with(prefix),
            Self::Path(glob) => names_path(what, glob),
            Self::Rule(glob) => rules(what).iter().any(|rule| glob.matches(rule)),
            Self::Writ(prefix) => writ(what).is_some_and(|id| id.starts_with(prefix)),
            Self::Since(at) => event.at_ms >= *at,
            Self::Until(at) => event.at_ms <= *at,
            Self::Seq(range) => range.contains(event.seq),
            Self::Money(range) => money(what).is_some_and(|cost| range.contains(cost)),
            Self::Took(range) => took_ms(what).is_some_and(|ms| range.contains(ms)),
            Self::Text(regex) => texts(what).iter().any(|text| regex.is_match(text)),
        }
    }

    /// As [`Self::holds`], from the header alone; none when the body has to be read for it.
    pub(super) fn holds_for_header(&self, header: &EntryHeader) -> Option<bool> {
        match self {
            Self::Kind(glob) => Some(glob.matches(&header.kind)),
            Self::Run(prefix) => Some(header.trajectory.to_string().starts_with(prefix)),
            Self::Since(at) => Some(header.at_ms >= *at),
            Self::Until(at) => Some(header.at_ms <= *at),
            Self::Seq(range) => Some(range.contains(header.seq)),
            Self::Tool(_)
            | Self::Effect(_)
            | Self::Verdict(_)
            | Self::By(_)
            | Self::Path(_)
            | Self::Rule(_)
            | Self::Writ(_)
            | Self::Money(_)
            | Self::Took(_)
            | Self::Text(_) => None,
        }
    }
}

fn tool(what: &What) -> Option<&str> {
    match what {
        What::Intended { tool, .. }
        | What::Rejected { tool, .. }
        | What::Started { tool, .. }
        | What::Committed { tool, .. }
        | What::Failed { tool, .. } => Some(tool),
        What::Suspended { card, .. } => Some(&card.tool),
        _ => None,
    }
}

fn line(what: &What) -> Option<&str> {
    match what {
        What::Intended { line, .. }
        | What::Rejected { line, .. }
        | What::Started { line, .. }
        | What::Committed { line, .. }
        | What::Failed { line, .. }
        | What::WritIssued { line, .. }
        | What::Note { line } => Some(line),
        What::Suspended { card, .. } => Some(&card.line),
        _ => None,
    }
}

fn effect(what: &What) -> Option<EffectClass> {
    match what {
        What::Started { effect, .. } => Some(*effect),
        What::Suspended { card, .. } => Some(card.effect),
        _ => None,
    }
}

fn verdicts(what: &What) -> Vec<&'static str> {
    match what {
        What::Rejected { denied: true, .. } => vec!["rejected", "denied"],
        What::Rejected { denied: false, .. } => vec!["rejected"],
        What::Suspended { .. } => vec!["held"],
        What::Decided { approved: true, .. } => vec!["approved"],
        What::Decided {
            approved: false, ..
        } => vec!["denied"],
        What::Started { allowed_by, .. } if allowed_by.starts_with("approved") => {
            vec!["staged", "approved"]
        }
        What::Started { .. } => vec!["staged"],
        What::Committed { .. } => vec!["committed"],
        What::Failed { .. } => vec!["failed"],
        What::Settled { .. } => vec!["settled"],
        What::Superseded { .. } => vec!["superseded"],
        _ => Vec::new(),
    }
}

/// Names and roles: `model`, `operator`, `human`, `timer`, `ada`, `ada/tui`.
fn authors(what: &What) -> Vec<String> {
    let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    match what {
        What::Opened { operator, .. } => vec![operator.clone(), "operator".to_owned()],
        What::Said { role, .. } => match role {
            Role::Operator | Role::Steer => own(&["operator", "human"]),
            Role::Model | Role::Summary => own(&["model"]),
            Role::Parent => own(&["model", "parent"]),
            Role::System => own(&["system"]),
        },
        What::Used {
            provider, model, ..
        } => {
            vec![
                "model".to_owned(),
                model.clone(),
                format!("{provider}/{model}"),
            ]
        }
        What::Intended {
            by_operator: true, ..
        } => own(&["operator", "human"]),
        What::Intended {
            by_operator: false, ..
        } => own(&["model"]),
        What::Rejected { denied: true, .. } => own(&["operator", "human"]),
        What::Decided { by, .. } => {
            let via = match by.via {
                Via::Tui => "tui",
                Via::Plain => "plain",
                Via::Cli => "cli",
                Via::Timer => return own(&["timer"]),
            };
            vec![
                by.name.clone(),
                format!("{}/{via}", by.name),
                "operator".to_owned(),
                "human".to_owned(),
            ]
        }
        What::Settled { by, .. } => vec![by.clone()],
        _ => Vec::new(),
    }
}

fn changes(what: &What) -> &[FileChange] {
    match what {
        What::Committed { changes, .. } | What::Failed { changes, .. } => changes,
        _ => &[],
    }
}

fn names_path(what: &What, glob: &Glob) -> bool {
    let quotes = |c: char| matches!(c, '"' | '\'' | '`' | ',' | ':');
    changes(what)
        .iter()
        .any(|change| glob.matches(&change.path))
        || (tool(what).is_some()
            && line(what).is_some_and(|line| {
                line.split_whitespace()
                    .any(|word| glob.matches(word.trim_matches(quotes)))
            }))
}

/// Rules and clauses: `builtin/read`, `C8`.
fn rules(what: &What) -> Vec<String> {
    match what {
        What::Started { allowed_by, .. } => {
            let mut rules = vec![allowed_by.clone()];
            rules.extend(allowed_by.strip_prefix("rule ").map(str::to_owned));
            rules
        }
        What::Rejected { clause, reason, .. } => {
            let mut rules = vec![clause.to_string()];
            rules.extend(quoted_words(reason));
            rules
        }
        What::Suspended { card, .. } => card
            .reasons
            .iter()
            .flat_map(|reason| quoted_words(reason))
            .collect(),
        _ => Vec::new(),
    }
}

/// Words in backticks and words with a slash: how sentences name a rule.
fn quoted_words(sentence: &str) -> Vec<String> {
    let in_ticks = sentence.split('`').skip(1).step_by(2);
    let slashed = sentence
        .split_whitespace()
        .filter(|word| word.contains('/'));
    let trim = |word: &str| {
        word.trim_matches(|c: char| matches!(c, '`' | ',' | ':' | '(' | ')'))
            .to_owned()
    };
    in_ticks.chain(slashed).map(trim).collect()
}

fn writ(what: &What) -> Option<String> {
    match what {
        What::WritIssued { id, .. } | What::WritRevoked { id, .. } => Some(id.to_string()),
        What::ModeChanged { writ, .. } => Some(writ.to_string()),
        _ => None,
    }
}

fn money(what: &What) -> Option<u64> {
    match what {
        What::Used { usd_millicents, .. } => *usd_millicents,
        What::Committed { cost, .. } | What::Failed { cost, .. } => Some(cost.usd_millicents),
        _ => None,
    }
}

fn took_ms(what: &What) -> Option<u64> {
    match what {
        What::Used { wall_clock_ms, .. } => Some(*wall_clock_ms),
        What::Committed { cost, .. } | What::Failed { cost, .. } => Some(cost.wall_clock_ms),
        _ => None,
    }
}

/// Everything a person could read of the event.
fn texts(what: &What) -> Vec<&str> {
    let mut texts: Vec<&str> = tool(what).into_iter().chain(line(what)).collect();
    match what {
        What::Opened {
            workspace,
            operator,
        } => texts.extend([workspace.as_str(), operator]),
        What::Said {
            text, reasoning, ..
        } => texts.extend([text.as_str(), reasoning]),
        What::Used {
            provider, model, ..
        } => texts.extend([provider.as_str(), model]),
        What::Rejected {
            reason, suggestion, ..
        } => {
            texts.push(reason);
            texts.extend(suggestion.as_deref());
        }
        What::Suspended { card, .. } => {
            texts.extend(card.reasons.iter().map(String::as_str));
            let fields = card.presentation.fields.iter();
            texts.extend(fields.flat_map(|field| &field.lines).map(String::as_str));
        }
        What::Decided { by, reason, .. } => texts.extend([by.name.as_str(), reason]),
        What::Superseded { reason, .. } | What::WritRevoked { reason, .. } => texts.push(reason),
        What::Started { allowed_by, .. } => texts.push(allowed_by),
        What::Committed {
            summary,
            observation,
            ..
        } => texts.extend([summary.as_str(), observation]),
        What::Failed { message, .. } => texts.push(message),
        What::Settled { how, by, .. } => texts.extend([how.as_str(), by]),
        What::ModeChanged {
            mode, difference, ..
        } => {
            texts.push(mode.word());
            texts.extend(difference.iter().map(String::as_str));
        }
        What::Closed { stop, .. } => match stop {
            Stop::Budget(why) | Stop::Authority(why) | Stop::Model(why) => texts.push(why),
            Stop::Done | Stop::Held | Stop::Steps | Stop::Cancelled => {}
        },
        What::Intended { .. } | What::WritIssued { .. } | What::Note { .. } => {}
    }
    texts.extend(changes(what).iter().map(|change| change.path.as_str()));
    texts
}
