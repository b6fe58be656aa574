//! Times, counts and foreign text, as they are said.

use std::time::Duration;

use crate::ui::safe_text::SafeText;

/// How long a run is silent before it is said that it is still at work; then twice as long, and so on.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// `4 minutes`: how long, in words that a voice reads as they stand.
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => "less than a second".to_owned(),
        1..60 => counted(seconds, "second"),
        60..3_600 => counted(seconds / 60, "minute"),
        3_600..172_800 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}

/// An age as lists on the screen tell it (`0:42`, `3 h`, `2 d`), in words; none when it is none.
pub(super) fn spoken_age(told: &str) -> Option<String> {
    let seconds = match told.split_once(':') {
        Some((minutes, seconds)) => {
            minutes.parse::<u64>().ok()? * 60 + seconds.parse::<u64>().ok()?
        }
        None => {
            let (count, unit) = told.split_once(' ')?;
            let unit = match unit {
                "h" => 3_600,
                "d" => 86_400,
                _ => return None,
            };
            count.parse::<u64>().ok()? * unit
        }
    };
    Some(format!("{} ago", span(seconds * 1_000)))
}

/// `1 line`, `41 lines`.
pub(super) fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// As [`counted`], of things in memory.
pub(super) fn number_of(count: usize, what: &str) -> String {
    counted(count as u64, what)
}

/// Text of others behind a label, each line with it: none of them can begin a line of its own.
pub(super) fn labelled(label: &str, text: &str) -> Vec<String> {
    SafeText::lines(text)
        .iter()
        .map(|line| format!("{label}: {}", line.shown()).trim_end().to_owned())
        .collect()
}

/// As [`labelled`], of what is said: a line without words is left out.
pub(super) fn spoken(label: &str, text: &str) -> Vec<String> {
    let silent = format!("{label}:");
    let mut lines = labelled(label, text);
    lines.retain(|line| *line != silent);
    lines
}

/// What takes effect as it stands: blanks at its end are marked, line ends too.
pub(super) fn exact(text: &str) -> String {
    SafeText::exact(text).shown()
}
