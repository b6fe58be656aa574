//! Amounts of a budget: in words, and as a bar of what is spent and what would be.
//!
//! ASCII only, so that it reads the same in every terminal and without colour.

use thymos_core::budget::Dimension;

use super::gauge::percent;

/// An amount with its unit: `$0.82`, `12.4 s`, `1.2 k`, `40`.
#[must_use]
pub fn amount(dimension: Dimension, value: u64) -> String {
    match dimension {
        Dimension::UsdMillicents => format!("${}.{:02}", value / 100_000, value / 1_000 % 100),
        Dimension::WallClockMs => clock(value),
        Dimension::Tokens => thousands(value),
        Dimension::ToolCalls => value.to_string(),
    }
}

/// `[####++----]`: spent, then what is pending, then what is left, in so many columns within.
#[must_use]
pub fn bar(spent: u64, pending: u64, limit: u64, columns: usize) -> String {
    let part = |value: u64| {
        let share = percent(value, limit).min(100);
        usize::try_from(share).unwrap_or(100) * columns / 100
    };
    let full = part(spent);
    // Anything pending is seen, however small its share is.
    let least = usize::from(pending > 0 && full < columns);
    let both = part(spent.saturating_add(pending)).max(full + least);
    format!(
        "[{}{}{}]",
        "#".repeat(full),
        "+".repeat(both - full),
        "-".repeat(columns - both)
    )
}

fn thousands(value: u64) -> String {
    match value {
        0..1_000 => value.to_string(),
        1_000..1_000_000 => format!("{}.{} k", value / 1_000, value % 1_000 / 100),
        _ => format!("{}.{} M", value / 1_000_000, value % 1_000_000 / 100_000),
    }
}

fn clock(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{}.{} h", ms / 3_600_000, ms % 3_600_000 / 360_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_spent_and_pending() {
        assert_eq!(bar(5, 2, 10, 10), "[#####++---]");
        assert_eq!(bar(0, 0, 10, 10), "[----------]");
        assert_eq!(bar(0, 1, 1_000_000, 10), "[+---------]");
        assert_eq!(bar(9, 9, 10, 10), "[#########+]");
        assert_eq!(bar(10, 1, 10, 10), "[##########]");
        assert_eq!(bar(u64::MAX, u64::MAX, 1, 4), "[####]");
        assert_eq!(bar(1, 0, 0, 4), "[####]");
    }

    #[test]
    fn amounts_have_their_units() {
        assert_eq!(amount(Dimension::UsdMillicents, 82_000), "$0.82");
        assert_eq!(amount(Dimension::WallClockMs, 12_400), "12.4 s");
        assert_eq!(amount(Dimension::WallClockMs, 5_400_000), "1.5 h");
        assert_eq!(amount(Dimension::Tokens, 1_234), "1.2 k");
        assert_eq!(amount(Dimension::ToolCalls, 40), "40");
    }
}
