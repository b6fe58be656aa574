//! What stands below a card's canonical text: who has agreed, until when, and who delegated it.
//!
//! Facts about the hold, not about the call: none of them is part of what is signed.

use ratatui::text::Line;
use thymos_core::Timestamp;
use thymos_protocol::HoldRow;

use crate::app::App;
use crate::panes::authority::told::left;
use crate::panes::queue::lineage;
use crate::tell;
use crate::theme::Role;
use crate::ui::safe_text::SafeText;

/// The rows, as many as there is something to say.
pub(super) fn rows(app: &App) -> Vec<Line<'static>> {
    let Some(row) = app.card.row() else {
        return Vec::new();
    };
    let told = [
        tell::quorum(row).map(|text| (Role::VerdictSuspended, text)),
        expiry(row, app.now.wall).map(|text| (Role::Warn, text)),
        (!row.lineage.is_empty()).then(|| (Role::Muted, format!("held in {}", lineage(row)))),
    ];
    told.into_iter()
        .flatten()
        .map(|(role, text)| SafeText::line(&text).to_line(&app.theme, role))
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
