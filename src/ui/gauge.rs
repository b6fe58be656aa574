//! A share of something, as a bar and a number.
//!
//! Draws ASCII only; says nothing of what is measured.

use crate::theme::{Role, Theme};
use ratatui::text::Span;

/// From this share on, a bar warns.
const WARN_PERCENT: u64 = 80;

/// A bar of so many columns such as `[####----] 50%`, warning when nearly full.
#[must_use]
pub fn bar(used: u64, limit: u64, columns: usize, theme: &Theme) -> Span<'static> {
    let percent = percent(used, limit);
    let inner = columns.saturating_sub(7);
    let full = usize::try_from(percent.min(100)).unwrap_or(100) * inner / 100;
    let text = format!(
        "[{}{}] {percent:>3}%",
        "#".repeat(full),
        "-".repeat(inner - full)
    );
    Span::styled(text, theme.style(role(percent)))
}

/// The share in percent, rounded down; 100 when there is no limit to divide by.
#[must_use]
pub fn percent(used: u64, limit: u64) -> u64 {
    let percent = (u128::from(used) * 100)
        .checked_div(u128::from(limit))
        .unwrap_or(100);
    u64::try_from(percent).unwrap_or(u64::MAX).min(999)
}

/// The role of a share: ordinary, nearly spent, spent.
#[must_use]
pub fn role(percent: u64) -> Role {
    match percent {
        100.. => Role::Danger,
        WARN_PERCENT.. => Role::Warn,
        _ => Role::Ok,
    }
}
