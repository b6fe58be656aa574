//! What stands below a card's canonical text: who has agreed, until when, and who delegated it.
//!
//! Facts about the hold, not about the call: none of them is part of what is signed.

use ratatui::text::Line;
use thymos_core::Timestamp;
use thymos_core::presentation::Label;
use thymos_protocol::HoldRow;

use crate::app::App;
use crate::panes::authority::told::left;
use crate::panes::queue::lineage;
use crate::theme::Role;
use crate::ui::safe_text::SafeText;

/// The rows, as many as there is something to say.
pub(super) fn rows(app: &App) -> Vec<Line<'static>> {
    let Some(row) = app.card.row() else {
        return Vec::new();
    };
    let told = [
        quorum(row).map(|text| (Role::VerdictSuspended, text)),
        expiry(row, app.now.wall).map(|text| (Role::Warn, text)),
        (!row.lineage.is_empty()).then(|| (Role::Muted, format!("held in {}", lineage(row)))),
    ];
    told.into_iter()
        .flatten()
        .map(|(role, text)| SafeText::line(&text).to_line(&app.theme, role))
        .collect()
}

/// `1 of 2 agree: ada; 1 missing, asked of bob, cleo`.
pub(super) fn quorum(row: &HoldRow) -> Option<String> {
    let needed = row.card.quorum;
    // Where one is enough and somebody has agreed, it is somebody else who is asked.
    if needed <= 1 && row.approved_by.is_empty() {
        return None;
    }
    let said = match row.approved_by.as_slice() {
        [] => "nobody yet".to_owned(),
        names => names.join(", "),
    };
    let missing = needed.saturating_sub(row.approvals);
    let names = asked(row);
    let of = if names.is_empty() {
        String::new()
    } else {
        format!(", asked of {}", names.join(", "))
    };
    let rest = match missing {
        0 => "nobody is missing".to_owned(),
        missing => format!("{missing} missing{of}"),
    };
    Some(format!(
        "{} of {needed} agree: {said}; {rest}",
        row.approvals
    ))
}

/// The names that are asked for and have not agreed yet, as the card itself tells them.
fn asked(row: &HoldRow) -> Vec<&str> {
    let fields = row.card.presentation.fields.iter();
    let lines = fields
        .filter(|field| field.label == Label::Quorum)
        .flat_map(|field| field.lines.iter());
    let names = lines.filter_map(|line| line.strip_prefix("of ")?.rsplit_once(": "));
    names
        .flat_map(|(names, _)| names.split(", "))
        .filter(|name| !row.approved_by.iter().any(|by| by == name))
        .collect()
}

/// `the timer denies it in 12 min, at 14:32:00 UTC`. Minutes: it is not drawn each second.
pub(super) fn expiry(row: &HoldRow, now: Timestamp) -> Option<String> {
    let end = row.card.expires_at?;
    Some(if end <= now {
        "its time is over: the timer denies it".to_owned()
    } else {
        format!(
            "the timer denies it in {}, at {} UTC",
            left(now, end),
            end.clock()
        )
    })
}
