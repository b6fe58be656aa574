//! What-if: the verdict that a candidate would give, told and never granted `[P5]`.
//!
//! The only place where a writ counts as a link without a signature. What comes out is words: a
//! warrant that was made on the way is dropped here, so that nothing can be done with the answer.

use std::fmt;

use serde_json::Value;
use thymos_core::Timestamp;
use thymos_core::budget::Cost;
use thymos_core::id::WritId;
use thymos_core::intent::Intent;
use thymos_core::resolved::Resolved;
use thymos_core::trace::{Clause, Ruling, Trace};
use thymos_core::writ::{Grant, SignedWrit, Window, Writ};
use thymos_policy::matching::glob;

use crate::caveats::{Met, met};
use crate::chain::CheckedChain;
use crate::compile::compile;
use crate::grounds::Grounds;
use crate::verdict::Verdict;

/// A verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// It went ahead, or would.
    Cleared,
    /// A person was asked, or would be.
    Held,
    /// It was refused, or would be.
    Refused,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cleared => "cleared",
            Self::Held => "held",
            Self::Refused => "refused",
        })
    }
}

/// What a candidate would have said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// The verdict.
    pub word: Word,
    /// The clause or rule that decides, and what it says.
    pub because: String,
    /// Every line.
    pub trace: Trace,
}

/// A writ laid over a chain as one more link, which must allow the call too.
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    /// The writ. It needs no signature; who issues it to whom and when it holds play no part,
    /// since it is asked about calls of the past by whoever made them.
    pub writ: &'a Writ,
    /// What it would have paid for until now.
    pub spent: Cost,
}

/// Decides one intent as `compile` does, under an overlay if there is one, and only tells.
pub fn what_if(intent: &Intent, grounds: &Grounds<'_>, overlay: Option<Overlay<'_>>) -> WhatIf {
    let Some(overlay) = overlay else {
        return told(&compile(intent, grounds));
    };
    let Some((id, chain)) = grounds.chain.under(overlay.writ) else {
        return WhatIf {
            word: Word::Refused,
            because: "C2: the candidate has no canonical form".to_owned(),
            trace: Trace::default(),
        };
    };
    let mut facts = grounds.facts.clone();
    facts.spent.insert(id, overlay.spent);
    let grounds = Grounds {
        chain: &chain,
        facts: &facts,
        ..*grounds
    };
    told(&compile(intent, &grounds))
}

/// Whether a grant covers a call for sure: tool and every caveat, on what was recorded of it.
#[must_use]
pub fn covers(grant: &Grant, tool: &str, args: &Value, resolved: &Resolved) -> bool {
    let sure = |caveat| met(caveat, args, Some(resolved)) == Met::Yes;
    glob(&grant.tool, tool) && grant.caveats.iter().all(sure)
}

impl CheckedChain {
    /// This chain with a candidate as its last link; none when it has no canonical form.
    fn under(&self, candidate: &Writ) -> Option<(WritId, Self)> {
        let mut chain = self.clone();
        let mut writ = candidate.clone();
        let mut signature = None;
        if let Some(leaf) = self.leaf() {
            writ.subject = leaf.writ.subject.clone();
            writ.issuer = leaf.writ.subject.clone();
            signature = Some(leaf.signature);
        }
        writ.window = Window {
            not_before: Timestamp(0),
            expires_at: None,
        };
        // Under an empty chain every call is refused already; there is nothing to lay it over.
        let link = SignedWrit {
            signature: signature?,
            writ,
        };
        let id = link.id().ok()?;
        chain.push_unchecked(id, link);
        Some((id, chain))
    }
}

fn told(verdict: &Verdict) -> WhatIf {
    let (word, decided, because) = match verdict {
        Verdict::Cleared(warrant) => {
            let decided = warrant.decided();
            (Word::Cleared, decided, policy_line(&decided.trace))
        }
        Verdict::Held(held) => {
            let asks = held.terms.asks.iter().map(|ask| match &ask.rule {
                Some(rule) => format!("{rule}: {}", ask.reason),
                None => format!("{}: {}", ask.clause, ask.reason),
            });
            (
                Word::Held,
                &held.decided,
                asks.collect::<Vec<_>>().join("; "),
            )
        }
        Verdict::Refused(refused) => (
            Word::Refused,
            &refused.decided,
            refusal_line(&refused.decided.trace),
        ),
    };
    WhatIf {
        word,
        because,
        trace: decided.trace.clone(),
    }
}

/// What policy said of a call that went through.
fn policy_line(trace: &Trace) -> String {
    let lines = trace.lines.iter().filter(|line| line.clause == Clause::C13);
    let lines = lines.map(|line| match &line.rule {
        Some(rule) => format!("{rule}: {}", line.said),
        None => format!("{}: {}", line.clause, line.said),
    });
    lines.collect::<Vec<_>>().join("; ")
}

fn refusal_line(trace: &Trace) -> String {
    let line = trace
        .lines
        .iter()
        .find(|line| line.ruling == Ruling::Forbid);
    line.map_or_else(String::new, |line| match &line.rule {
        Some(rule) => format!("{rule}: {}", line.said),
        None => format!("{}: {}", line.clause, line.said),
    })
}
