//! A held call, whole: its canonical lines, each behind the name of its field, and what stands below them.
//!
//! The lines are those of the card on the screen. No line of the content can pass for one of ours: ours name
//! no field.

use thymos_core::Timestamp;
use thymos_protocol::HoldRow;

use super::words::{exact, number_of, span};
use crate::out::safe;
use crate::panes::card::{CardLine, lines};
use crate::panes::queue::lineage;
use crate::tell;

/// Every line of a held call, from how many there are to the digest of what was presented.
pub(super) fn lines(row: &HoldRow, number: u32, now: Timestamp) -> Vec<String> {
    let card = &row.card;
    let content = lines::of(&card.presentation);
    let around = around(row, now);
    let back = match card.reversible {
        true => "reversible",
        false => "NOT reversible",
    };
    let label = format!("approval {number}");
    let mut told = vec![format!(
        "{label}: {}, effect {}, risk {}, {back}. Full text follows, {}.",
        safe(&card.tool),
        card.effect,
        card.risk,
        number_of(content.len() + around.len(), "line")
    )];
    told.extend(fields(&content).map(|line| format!("{label}: {line}")));
    told.extend(around.into_iter().map(|line| format!("{label}: {line}")));
    told.push(format!(
        "{label}: presented {}, id {}. Answer: approve {number} | deny {number} because .. | scope {number} | edit {number}",
        card.presented.short(),
        id(row)
    ));
    told
}

/// How a hold's id is told: where it begins, and the last four, which some approvals ask for.
pub(super) fn id(row: &HoldRow) -> String {
    let whole = row.card.proposal.to_string();
    let last = whole
        .get(whole.len().saturating_sub(4)..)
        .unwrap_or_default();
    format!("{}..{last}", row.card.proposal.short())
}

/// Each line behind its field: `body: +    retry()`.
fn fields(content: &[CardLine]) -> impl Iterator<Item = String> {
    let mut field = String::new();
    content.iter().map(move |line| {
        if let Some(label) = line.label {
            field = label.word().to_lowercase();
        }
        format!("{field}: {}", exact(&line.text))
            .trim_end()
            .to_owned()
    })
}

/// Facts about the hold that are no part of what is signed: who has agreed, until when, who delegated it.
fn around(row: &HoldRow, now: Timestamp) -> Vec<String> {
    let agreed = tell::quorum(row).map(|text| format!("agreed: {}", safe(&text)));
    let timer = row.card.expires_at.map(|end| match end <= now {
        true => "timer: its time is over, the timer denies it".to_owned(),
        false => format!(
            "timer: it is denied in {}, at {} UTC, unless you answer",
            span(end.since(now)),
            end.clock()
        ),
    });
    let held = (!row.lineage.is_empty()).then(|| format!("held in: {}", lineage(row)));
    agreed.into_iter().chain(timer).chain(held).collect()
}
